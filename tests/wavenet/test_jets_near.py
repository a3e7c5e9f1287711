"""Pressures outside a jet near the open end, around exact and learned factors, against the solver's near field."""

import numpy as np
import pytest
import torch

from analytic import DuctMode, Jet, solve
from wavenet.jets import load, near
from wavenet.jets.near import CLOSEST, FARTHEST
from wavenet.study.jet_arrays import JetRadiation

from .test_jets import LOW, waves

# Beside the duct's wall and far in front of it, beyond the jet, above the lip on either side, and next to the sheet.
X = np.array([-6.0, -2.0, -0.4, 0.3, 1.0, 4.0, 8.0, 15.0])
R = np.array([1.02, 3.0, 1.6, 1.9, 1.4, 2.5, 9.0, 5.0])
TRAPPED = (1, 4, 19.17, 0.22, 0.27, 1.18, 1.12, 0.8, 0.3)  # with poles on the axis left of the left branch point
GROWING = (0, 0, 0.6, 0.4, 0.0, 0.8, 1.6, 1.0, 0.0)  # whose instability wave is felt upstream
NAMES = ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta", "hub")


@pytest.fixture(scope="module")
def model():
    return load()


def solved(case, x=X, r=R):
    m, n, ka, mach, *streams, kutta, hub = case
    jet = Jet(*streams, kutta=kutta, instability=False)
    return solve(DuctMode(m, n, ka, mach, hub), jet=jet).at(x, r).pressure


def rows(values):
    return torch.from_numpy(np.asarray(values, dtype=float))[None]


def error(found, exact):
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("case", [*LOW, TRAPPED, GROWING], ids=str)
def test_exact_factors_give_the_solvers_pressures(case):
    found, estimate = near.field(waves(case, 40), rows(X), rows(R))
    exact = solved(case)
    # 1e-6 is the solver's own tolerance
    assert error(found[0].numpy(), exact) < 3e-6
    assert np.all(np.abs(found[0].numpy() - exact) < 1e-4 * np.abs(exact))  # of the faintest, too
    assert estimate.item() < near.TOLERANCE


@pytest.mark.parametrize("case", [LOW[1], LOW[6], TRAPPED, GROWING], ids=str)
def test_learned_factors_give_the_solvers_pressures(model, case):
    m, n, ka, mach, *outer = case
    with torch.no_grad():
        found = model.pressure(m, n, ka, mach, X, R, **dict(zip(NAMES, outer, strict=True)))[0].numpy()
    assert error(found, solved(case)) < 5e-4


def test_pressures_next_to_the_lip_and_far_away_are_the_solvers():
    angle = np.radians([30.0, 80.0, 130.0, 178.0])
    for distance in (CLOSEST, FARTHEST):
        x, r = distance * np.cos(angle), 1 + distance * np.sin(angle)
        found, _ = near.field(waves(LOW[2], 40), rows(x), rows(r))
        assert error(found[0].numpy(), solved(LOW[2], x, r)) < 3e-6


@pytest.mark.parametrize("name", ["_ARC", "_TAIL", "_GROWTH"])
def test_the_estimate_is_not_below_the_error(monkeypatch, name):
    """Of rules with too few nodes, and of a path on which waves grow."""
    one = waves(TRAPPED, 40)
    exact, _ = near.field(one, rows(X), rows(R))
    rule = near._rule  # the fewest nodes that converge somewhat
    few = {"_ARC": (1500, 64), "_TAIL": (0, 64), "_GROWTH": (0, 256)}[name]
    monkeypatch.setattr(near, "_rule", lambda least, like: rule(few[1] if least > few[0] else least, like))
    found, estimate = near.field(one, rows(X), rows(R))
    wrong = error(found[0].numpy(), exact[0].numpy())
    assert wrong > near.TOLERANCE
    assert estimate.item() > 0.9 * wrong


def test_an_instability_that_hardly_grows_is_felt_along_the_wall():
    case = (2, 0, 18.0, 0.2, 0.1985, 1.0, 1.0, 1.0, 0.0)
    found, _ = near.field(waves(case, 40), rows(X), rows(R))
    exact = solved(case)
    assert np.all(np.abs(found[0].numpy() - exact) < 1e-4 * np.abs(exact))


def test_a_jet_with_a_mode_that_hardly_leaks_is_refused(model):
    """A pole 1e-3 from the arc needs more nodes, and one of a mode of high order next to cut-off more than any."""
    near_pole = (1, 2, 18.791, 0.115, 0.118, 0.681, 1.078, 0.609, 0.501)
    m, n, ka, mach, *outer = near_pole
    few = X[1:5], R[1:5]
    with torch.no_grad():
        found = model.pressure(m, n, ka, mach, *few, **dict(zip(NAMES, outer, strict=True)))[0].numpy()
    assert error(found, solved(near_pole, *few)) < 5e-4
    sharp = {"mach_outer": 0.274, "sound_speed_ratio": 1.026, "density_ratio": 0.752, "kutta": 0.726}
    with (
        torch.no_grad(),
        pytest.raises(ValueError, match=r"error estimate .* exceeds 3e-05, use the solver: m = 6, n = 0"),
    ):
        model.pressure([2, 6], 0, 16.696, 0.1, *few, **sharp)


@pytest.mark.parametrize(
    ("x", "r", "named"),
    [
        (2.0, 0.9, "must lie outside the duct and the jet, r >= 1, got x = 2, r = 0.9"),
        (-2.0, 0.9, "must lie outside the duct"),
        (0.0, 1.2, f"at least {CLOSEST} from the lip"),
        (39.0, 20.0, f"at most {FARTHEST} from the lip"),
        (np.nan, 2.0, "from the lip"),
        (1.0, np.nan, "must lie outside"),
    ],
)
def test_positions_elsewhere_are_refused(model, x, r, named):
    with pytest.raises(ValueError, match=named):
        model.pressure(2, 0, 6.0, 0.3, [3.0, x], [3.0, r])


def test_jets_that_are_not_learned_are_refused(model):
    with pytest.raises(ValueError, match="mach must lie in the trained range"):
        model.pressure(2, 0, 6.0, 0.8, X, R)


def test_cases_of_a_batch_are_those_alone(model, monkeypatch):
    m, n, ka, hub = [2, 0, 2, 5], [0, 2, 0, 0], [8.0, 9.0, 7.0, 10.0], [0.0, 0.3, 0.5, 0.0]
    x = np.array([[-3.0, 2.0], [1.0, 0.5], [-0.5, 6.0], [0.2, 4.0]])
    r = x * 0 + 4.0
    monkeypatch.setattr(near, "_TOGETHER", 5000)
    with torch.no_grad():
        together = model.pressure(m, n, ka, 0.3, x, r, hub=hub)
        alone = [
            model.pressure(*one, 0.3, at, out, hub=h)[0] for *one, h, at, out in zip(m, n, ka, hub, x, r, strict=True)
        ]
    assert torch.allclose(together, torch.stack(alone), rtol=3e-6)  # their rules differ


def test_single_precision_is_double_precision_rounded():
    one = load()
    with torch.no_grad():
        double = one.pressure([2, 5], 0, 9.0, 0.3, X, R)
        single = one.float().pressure([2, 5], 0, 9.0, 0.3, X, R)
    assert single.dtype == torch.complex64
    assert torch.linalg.norm(single - double) < 1e-4 * torch.linalg.norm(double)


def test_derivatives_are_those_of_the_pressures(model):
    values = 3.0, 0.4, 0.2, 1.1, 0.8, 0.6, 0.4
    given = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in values]
    places = [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in ([-1.0], [2.0])]

    def values_of(ka, mach, x, r, *outer):
        return torch.view_as_real(model.pressure(1, 0, ka, mach, x, r, **dict(zip(NAMES, outer, strict=True))))

    assert torch.autograd.gradcheck(values_of, (*given[:2], *places, *given[2:]), eps=1e-5, atol=2e-6, rtol=2e-4)


def test_spherical_waves_go_on_where_the_near_field_ends(model):
    """A jump of 1e-4 at most, in the same units, where one passes into the other."""
    jet = Jet(mach_outer=0.1, sound_speed_ratio=0.8, density_ratio=1.6)
    radiation = JetRadiation(model, jet)
    angle = np.radians([30.0, 60.0, 90.0, 120.0, 140.0])
    pressures = []
    for distance in (FARTHEST * (1 - 1e-9), FARTHEST * (1 + 1e-9)):
        place = torch.from_numpy(distance * np.cos(angle)), torch.from_numpy(1 + distance * np.sin(angle))
        with torch.no_grad():
            pressures.append(radiation.pressure(torch.tensor([0, -3]), torch.tensor([1, 0]), 7.0, 0.35, *place).numpy())
    gap = np.linalg.norm(pressures[1] - pressures[0], axis=1)
    assert np.all(gap < 1e-4 * np.linalg.norm(pressures[0], axis=1))
