"""Datasets of near fields at a thick wall: what is stored, and where."""

import numpy as np
import pytest

from analytic import DuctMode, UniformFlow, solve
from data import tasks
from data.elements import Lip, solve_lip
from data.read import check, read
from data.sampling import Group
from data.tasks import lip_near

RECIPE = """
task = "lip_near"
cases = 3
sampler = "sobol"
split = [1.0, 0.0, 0.0]
[source]
m = [0, -1]
helmholtz = [2.0, 6.0]
mach = [-0.3, 0.3]
lip_thickness = [0.05, 0.2]
lip_aspect = { values = [0.0, 0.5] }
[points]
count = 20
"""


def complex_of(values):
    return values @ np.array([1, 1j])


def test_a_case_has_the_field_of_the_elements_and_the_exact_one_of_a_thin_wall(file_of):
    path = file_of(RECIPE)
    dataset = read(path)
    assert check(path)["cases"] == len(dataset) == 3
    assert 0 < dataset["error_estimate"].max() <= 1e-6
    for case in range(3):
        m, count, ka, mach, thickness, aspect = (
            dataset[name][case] for name in ("m", "cut_on", "helmholtz", "mach", "lip_thickness", "lip_aspect")
        )
        x, r = dataset["x"][case], dataset["r"][case]
        thick = solve_lip(m, ka, Lip.of_aspect(thickness, aspect), mach, window=(3.0, 3.0), degree=11).field(x, r)
        for n in range(count):
            thin = solve(DuctMode(m, n, ka, mach=mach))
            assert complex_of(dataset["thin_reflection"][case, n]) == pytest.approx(thin.reflection[n], abs=1e-9)
            exact = thin.at(x, r)
            for name in ("potential", "axial_velocity"):
                for kind, values, close in (("", getattr(thick, name)[n], 1e-5), ("thin_", getattr(exact, name), 1e-8)):
                    found = complex_of(dataset[kind + name][case, n])
                    assert np.linalg.norm(found - values) < close * np.linalg.norm(values), kind + name
        assert not np.any(dataset["potential"][case, count:])
    assert dataset["cut_on"].max() == 2  # and some have zeros in their second place
    assert len({*dataset["x"][:, 0]}) == 3  # points of their own


@pytest.mark.parametrize("thickness", [0.005, 0.3, 1.0])
@pytest.mark.parametrize("helmholtz", [0.5, 12.3])
def test_points_are_outside_the_duct_and_apart_from_the_edge(helmholtz, thickness):
    x, r = lip_near.points(helmholtz, thickness, 200)
    assert len(x) == len(r) == 200
    assert np.all((x >= 0) | (r >= 1 + thickness))
    assert np.all((x >= -2) & (x <= 2.5) & (r >= 0) & (r <= 2.5))
    assert np.hypot(x, np.maximum(0, np.maximum(1 - r, r - 1 - thickness))).min() >= 0.1
    for ahead in (x[x >= 0] / 2.5, -x[x < 0] / 2):  # spread evenly
        assert np.abs(np.sort(ahead) - np.linspace(0, 1, len(ahead))).max() < 0.1


def test_a_case_whose_field_misses_the_tolerance_is_missing(monkeypatch):
    monkeypatch.setattr(lip_near, "_DEGREES", (10,))  # with which reflection and directivity meet it
    duct = {"helmholtz": 12.0, "mach": 0.0, "lip_thickness": 0.07, "lip_aspect": 0.5}
    group = Group(0, 0, 0, 8, duct, UniformFlow(), np.ones((1, 1), complex))
    found = tasks.get("lip_near").observe([group], {"point": np.arange(20)}, 4)
    assert not found.arrays
    assert "the error estimate of the field, " in found.reasons[0]
    assert "is above 1.0e-06 for m = 8, helmholtz = 12.0, lip round:0.07" in found.reasons[0]
