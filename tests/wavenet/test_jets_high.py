"""Jets of the high domain: zeros taken out of K_plus, closed forms, the shipped network, and where it is used."""

import dataclasses

import numpy as np
import pytest
import torch

from analytic import DuctMode, Jet, sweep
from analytic.sheet import Sheet
from analytic.sheet_factors import factorise_many, followed
from wavenet.jets import load, load_high
from wavenet.jets.high import HighSheets
from wavenet.jets.high_learning import fit, points, values
from wavenet.jets.high_network import HighConfig, HighNetwork
from wavenet.jets.instability import instability
from wavenet.jets.learning import ALL, basis, coefficients
from wavenet.jets.near_zeros import near_zeros, weights
from wavenet.jets.waves import Waves
from wavenet.networks.jet import HIGH
from wavenet.runs import save
from wavenet.study.jets import network_for, or_solve, predict

THETA = np.linspace(0, np.pi, 19)
# m, ka, M, M_2, C, D: with leaky, trapped and evanescent modes near the window; in the second one is easily missed.
CASES = ((3, 9.7, 0.8, 0.1, 0.9, 1.3), (10, 15.15, 0.75, 0.05, 0.7, 2.0), (15, 17.4, 0.86, 0.15, 1.0, 0.8))


@pytest.fixture(scope="module")
def model():
    return load_high()


def sheets_of(case):
    return HighSheets(case[0], *torch.tensor([case[1:]], dtype=torch.float64).T[..., None])


@pytest.mark.parametrize("case", CASES)
def test_near_zeros_are_the_followed_ones(case):
    sheets = sheets_of(case)
    zeros = torch.from_numpy(followed(Sheet(*case)).known.zeros[0])
    weight, end = weights(sheets, zeros)
    expected = (end + weight * (zeros - end))[weight > 1e-6].numpy()
    found = near_zeros(sheets).zeros[0].numpy()
    assert len(expected) >= 2
    assert len(found) <= np.count_nonzero(weight > 0)
    for one in expected:
        assert np.min(np.abs(found - one)) < 1e-8 * case[1]


def solved_series(case):
    """Chebyshev series of the factors' smooth parts from the solver's factors."""
    parameters = np.array([[*case, 0.0]])
    s_minus, s_plus = points(parameters)
    (_, factors) = factorise_many([Sheet(*case)])[0][0]
    learned = values(parameters, factors.minus(s_minus + 0j)[0], factors.plus(s_plus + 0j)[0])
    return torch.view_as_complex(coefficients(learned, ALL)).unbind(dim=1)


@pytest.mark.parametrize("case", CASES)
def test_with_the_solvers_factors_the_fields_are_the_solvers(case):
    """Also right of `right`, where K_minus at the incident mode follows from the residue of K_plus."""
    sheets = sheets_of(case)
    minus, plus = solved_series(case)
    s_0, found = instability(sheets)
    assert found.all()
    assert plus[0, 20:].abs().sum() < 1e-3  # what a series of the network's length leaves
    for n in (0, 3 if case[0] < 10 else 0):
        waves = Waves(sheets, s_0, minus, plus, torch.tensor([[n]]), torch.tensor([[0.4]], dtype=torch.float64))
        streams = dict(zip(("mach", "mach_outer", "sound_speed_ratio", "density_ratio"), case[2:], strict=True))
        exact = sweep(case[0], n, case[1], THETA, **streams, kutta=0.4)
        directivity = waves.directivity(torch.from_numpy(THETA)[None])[0].numpy()
        assert np.linalg.norm(directivity - exact.directivity[0]) < 1e-5 * np.linalg.norm(
            exact.directivity[0]
        )  # series of 24 points
        assert abs(waves.reflection()[0, n].item() - exact.reflection[0]) < 1e-5


def test_a_missed_zero_has_no_logarithm():
    parameters = np.array([[*CASES[2], 0.0]])
    s_minus, s_plus = points(parameters)
    (_, factors) = factorise_many([Sheet(*CASES[2])])[0][0]
    plus = factors.plus(s_plus + 0j)[0]
    zero = sheets_of(CASES[2]).boundary.item() * 1.2
    wrong = plus * (s_plus - zero)  # a zero on the window that the closed form does not have
    assert torch.isfinite(values(parameters, factors.minus(s_minus + 0j)[0], plus)).all()
    assert torch.isnan(values(parameters, factors.minus(s_minus + 0j)[0], wrong)[:, 1]).all()


def modes(count, seed=3):
    """Modes of the high domain."""
    rng = np.random.default_rng(seed)
    rows = []
    while len(rows) < count:
        m, ka, mach, outer, speed = int(rng.integers(0, 13)), *rng.uniform([5, 0.5, 0, 0.5], [20, 0.9, 0.3, 1.2])
        rows.append((m, 0, ka, mach, outer, speed, 2 ** rng.uniform(-1, 1) / speed**2, rng.uniform()))
        if not load_high().usable(*map(np.atleast_1d, rows[-1]))[0]:
            rows.pop()
    return np.array(rows).T


def test_the_shipped_network_is_near_the_solver(model):
    m, n, ka, mach, outer, speed, density, kutta = modes(24)
    streams = {"mach_outer": outer, "sound_speed_ratio": speed, "density_ratio": density, "kutta": kutta}
    found = or_solve(load(), m.astype(int), n.astype(int), ka, THETA, mach=mach, **streams, high=model)
    assert found.high.all()
    assert found.learned.all()
    exact = sweep(m.astype(int), n.astype(int), ka, THETA, mach=mach, **streams)
    error = np.linalg.norm(found.directivity - exact.directivity, axis=1) / np.linalg.norm(exact.directivity, axis=1)
    assert 1e-6 < np.median(error) < 2e-3
    assert np.median(np.abs(found.reflection - exact.reflection)) < 1e-3
    assert not or_solve(load(), m[:1].astype(int), 0, ka[:1], THETA, mach=mach[:1]).high.any()


def test_gradients_are_those_of_differences(model):
    case = torch.tensor(CASES[0][1:], dtype=torch.float64)

    def level(values):
        ka, mach, outer, speed, density = values
        streams = {"mach_outer": outer, "sound_speed_ratio": speed, "density_ratio": density}
        return model.directivity(3, 1, ka, mach, torch.tensor([1.2, 2.9], dtype=torch.float64), **streams).abs().sum()

    given = case.clone().requires_grad_()
    (slope,) = torch.autograd.grad(level(given), given)
    with torch.no_grad():
        for index in range(5):
            step = torch.zeros(5, dtype=torch.float64)
            step[index] = 1e-5
            difference = (level(case + step) - level(case - step)) / 2e-5
            assert slope[index].item() == pytest.approx(difference.item(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"mach": 0.4}, "of the low domain"),
        ({"mach": 0.95}, "mach must lie in the trained range"),
        ({"hub": 0.3}, "hub must be 0"),
        ({"n": 9}, "not cut on"),
        ({"mach": np.nan}, "mach must lie in the trained range"),
    ],
)
def test_others_are_refused_by_name(model, change, fault):
    given = {"m": 3, "n": 0, "helmholtz": 9.7, "mach": 0.8} | change
    with pytest.raises(ValueError, match=fault):
        model.reflection(**given)


def test_it_has_no_near_field(model):
    with pytest.raises(ValueError, match=r"no pressures of jets of the high domain, .* use the solver"):
        model.pressure(2, 0, 12.0, 0.3, 3.0, 2.0)


def test_predict_chooses_the_network_of_the_domain(model):
    jet, degrees = Jet(0.1, 0.9, 1.3), np.array([60.0, 90.0])
    fast, slow = DuctMode(3, 0, 9.7, 0.8), DuctMode(3, 0, 9.7, 0.3)
    assert isinstance(network_for(fast, jet), HighNetwork)
    assert not isinstance(network_for(slow, jet), HighNetwork)
    assert 0 < predict(network_for(fast, jet), fast, jet, degrees).error_bar < 0.1


def test_it_is_trained_as_the_low_domains_and_kept(tmp_path):
    parameters = np.array([[*case, 0.0] for case in CASES] * 3)
    parameters[:, 1] += 0.05 * np.arange(9)
    pieces = [factorise_many([Sheet(int(row[0]), *row[1:6].tolist())])[0][0][1] for row in parameters]
    s_minus, s_plus = points(parameters)
    minus = np.concatenate([one.minus(s[None] + 0j)[0] for one, s in zip(pieces, s_minus, strict=True)])
    plus = np.concatenate([one.plus(s[None] + 0j)[0] for one, s in zip(pieces, s_plus, strict=True)])
    targets = values(parameters, minus, plus)
    given = torch.from_numpy(parameters)
    trained = fit(given, targets, 0, epochs=300, width=16)
    assert isinstance(trained, HighNetwork)
    table = basis(trained.config.degree)
    with torch.no_grad():
        left = torch.einsum("cfdq,fpd->cfpq", trained(given), table) - targets
    assert left.square().mean() < 0.5 * targets.square().mean()
    save(tmp_path, HIGH, trained, {})
    again = load_high(tmp_path)
    assert torch.equal(again(given), trained(given))


def test_a_configuration_with_hubs_is_refused(model):
    with pytest.raises(ValueError, match="learned without hubs"):
        dataclasses.replace(model.config, low=(*model.config.low[:6], 0.2), high=(*model.config.high[:6], 0.5))
    assert HighConfig.inputs == len(model.config.mean)
