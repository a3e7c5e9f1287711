"""What the network of thick walls errs and expects to err, as the choice of cases asks it."""

import numpy as np
import pytest
import torch

from data.elements import Lip
from data.read import read
from wavenet.lips import parts, process
from wavenet.lips.ducts import gauss
from wavenet.lips.network import Prediction
from wavenet.study.learners import learner
from wavenet.study.lip_learner import errors, expected_errors, mode_errors
from wavenet.study.lips import thin_ducts

LIPS = [Lip.flat(0.1), Lip.round(0.2), Lip.flat(0.3)]


@pytest.fixture(scope="module")
def ducts():
    return thin_ducts([0, 1, 2], [5.0, 5.0, 4.0], [0.0, 0.2, -0.2], LIPS, *gauss(40))


def prediction(reflection, directivity, ducts):
    spread = torch.ones(ducts.live.shape, dtype=torch.float64)
    return Prediction(reflection, directivity, spread, 2 * spread)


class Fixed(torch.nn.Module):
    """Predicts the same always."""

    def __init__(self, found, bars):
        super().__init__()
        self.found, self.bars = found, torch.tensor(bars)

    def forward(self, ducts):
        return self.found


def test_errors_are_of_power_amplitudes_and_relative(ducts):
    thin = parts.potentials(ducts, ducts.reflection)
    found = prediction(thin, ducts.directivity, ducts)
    generator = torch.Generator().manual_seed(0)
    change = torch.randn(thin.shape, dtype=torch.complex128, generator=generator) * (thin != 0)
    missed = mode_errors(ducts, found, thin + change, 1.25 * ducts.directivity)
    for case in range(3):
        count = int(ducts.live[case].sum())
        for n in range(count):
            power = ducts.wavenumber[case] * ducts.norm[case]  # written out, of potentials
            share = torch.sqrt(power[:count] / power[n])
            row = torch.sqrt((share * change[case, n, :count].abs()).square().sum())
            assert missed[0][case, n] == pytest.approx(float(row), rel=1e-12)
            assert missed[1][case, n] == pytest.approx(0.25 / 1.25, rel=1e-12)
        assert not torch.any(missed[0][case, count:])
        assert not torch.any(missed[1][case, count:])


def test_the_error_of_a_case_is_that_of_its_modes(ducts):
    thin = parts.potentials(ducts, ducts.reflection)
    model = Fixed(prediction(thin, ducts.directivity, ducts), [[1.0] * 5] * 2)
    change = torch.zeros_like(thin)
    change[0, 0, 0] = 0.3
    live = int(ducts.live[0].sum())
    assert live > 1
    found = errors(model, ducts, thin + change, ducts.directivity)
    assert found.shape == (3, 2)
    assert found[:, 0] == pytest.approx([0.3 / np.sqrt(live), 0, 0])
    assert not np.any(found[:, 1])


def test_expected_errors_are_bars_of_half_the_modes(ducts):
    found = prediction(parts.potentials(ducts, ducts.reflection), ducts.directivity, ducts)
    expected = expected_errors(Fixed(found, [[0.7, 9, 9, 9, 9], [0.2, 9, 9, 9, 9]]), ducts)
    np.testing.assert_allclose(expected, [[0.7, 0.4]] * 3)
    unknown = expected_errors(Fixed(found, [[np.nan] * 5] * 2), ducts)  # before there are solutions enough for bars
    np.testing.assert_allclose(unknown, [[1.0, 2.0]] * 3)


def test_it_learns_from_a_dataset_and_expects_more_far_from_it(dataset_file, monkeypatch):
    monkeypatch.setattr(process, "_STEPS", 4)  # of sixty
    data = dataset_file(RECIPE)
    learned = learner("lip").fit(data)
    arrays = read(data).arrays
    names = ("m", "helmholtz", "mach", "lip_thickness", "lip_aspect")
    known = {name: np.asarray(arrays[name], float) for name in names}
    assert np.all(learned.missed(data) < 0.01)
    at, far = learned.expected(known), learned.expected(known | {"helmholtz": known["helmholtz"] + 1.5})
    assert at.shape == (len(arrays["m"]), 2)
    assert np.all(at.max(axis=0) < far.min(axis=0))


RECIPE = """
task = "lip"
cases = 6
seed = 1
sampler = "sobol"
split = [1.0, 0.0, 0.0]
[source]
m = [0]
helmholtz = [1.0, 2.0]
lip_thickness = [0.1, 0.2]
lip_aspect = 0.0
[directions]
count = 16
"""
