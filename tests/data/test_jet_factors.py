"""Datasets of the task jet_factor: what a learner of the factors needs."""

import numpy as np
import pytest

from analytic import Jet
from analytic.jet_windows import jet_windows
from data.read import check, read

JET = """
task = "jet_factor"
cases = 6
sampler = "sobol"
split = [0.6, 0.2, 0.2]
[source]
m = [0, 3]
n = [0]
helmholtz = { range = [2.0, 6.0], scale = "log" }
mach = [0.2, 0.6]
mach_outer = [0.0, 0.2]
sound_speed_ratio = [0.6, 1.1]
density_ratio = "1/sound_speed_ratio^2"
[windows]
nodes = 12
[[out_of_range]]
name = "trapped"
share = 0.4
m = [6]
helmholtz = 8.0
mach = 0.89
mach_outer = 0.0
sound_speed_ratio = 0.8
"""


def test_the_arrays_are_the_solvers_and_trapped_jets_are_missing(file_of):
    path = file_of(JET)
    dataset = read(path)
    assert len(dataset) == 6
    np.testing.assert_allclose(np.cos(12 * np.arccos(dataset["node"])), 0, atol=1e-12)
    for case in range(6):
        m, ka, mach, *outer = (
            dataset[name][case].item()
            for name in ("m", "helmholtz", "mach", "mach_outer", "sound_speed_ratio", "density_ratio")
        )
        assert outer[2] == pytest.approx(outer[1] ** -2, rel=1e-14)
        found = jet_windows(m, ka, mach, Jet(*outer), 12)
        for name in ("log_minus", "log_plus"):
            np.testing.assert_array_equal(dataset[name][case] @ [1, 1j], getattr(found, name))
        for name in ("s_minus", "s_plus", "boundary", "error_estimate"):
            np.testing.assert_array_equal(dataset[name][case], getattr(found, name))
        assert dataset["instability"][case] @ [1, 1j] == found.instability
        # The windows meet at s_c, and the nodes of each are those of the file.
        for first, last in ((found.s_minus[0], found.s_minus[-1]), (found.s_plus[0], found.s_plus[-1])):
            inside = (dataset["node"] - dataset["node"][0]) / np.ptp(dataset["node"])
            name = "s_minus" if first < found.boundary else "s_plus"
            np.testing.assert_allclose(dataset[name][case], first + (last - first) * inside, rtol=1e-12, atol=1e-12)
    assert {record["reason"][:40] for record in dataset.about.missing} == {"the phase of a jet's factor jumps on its"}
    assert [record["mach"] for record in dataset.about.missing] == [0.89] * 2
    assert check(path)["task"] == "jet_factor"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("n = [0]", "n = [1]", r"belong to no mode: n = \[0\]"),
        ("n = [0]", "n = [0]\nmixtures = 2", "mixtures = 1"),
        ("n = [0]", "n = [0]\nkutta = 1.0", "no kutta"),
        ("nodes = 12", "nodes = 3", r"windows\.nodes"),
        ("nodes = 12", "nodes = 201", r"windows\.nodes"),
    ],
)
def test_a_recipe_of_factors_has_no_mode_and_no_kutta_parameter(loaded, old, new, fault):
    with pytest.raises(ValueError, match=fault):
        loaded(JET.replace(old, new))
