"""Closed forms around a jet's factors, with exact coefficients, against the solver; Bessel functions against scipy."""

import math

import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev
from scipy import special

from analytic import DuctMode, Jet, solve, sweep
from analytic.jet_windows import jet_windows, window_nodes
from analytic.section import Section
from wavenet.ducts.bessel import inner, outer, outgoing
from wavenet.jets.inputs import COUNT, inputs
from wavenet.jets.instability import instability
from wavenet.jets.network import JetConfig, JetNetwork
from wavenet.jets.sheet import Sheets, hard, radial_index
from wavenet.jets.waves import Waves

# m, n, ka, mach, outer Mach number, sound speed ratio, density ratio, Kutta parameter
LOW = [
    (0, 0, 3.0, 0.4, 0.0, 1.0, 1.0, 1.0),
    (2, 1, 8.0, 0.3, 0.2, 0.6, 1 / 0.36, 0.4),
    (5, 1, 12.0, 0.45, 0.1, 1.2, 0.7, 0.0),
    (14, 0, 17.0, 0.5, 0.05, 0.8, 1.2, 1.0),
]
HIGH = [
    (1, 5, 13.0, 0.75, 0.1, 0.9, 1.2, 0.5),  # s_n on the right of s_c, where K_minus comes from a residue
    (3, 0, 9.0, 0.7, 0.0, 1.0, 1.0, 1.0),
]
THETA = np.linspace(0.02, np.pi - 0.02, 36)
CONFIG = JetConfig(
    low=(0, 0.5, 0.1, 0.0, 0.5, 0.5),
    high=(20, 20, 0.76, 0.3, 1.2, 2.0),
    mean=(0.0,) * COUNT,
    spread=(1.0,) * COUNT,
    width=8,
)


def column(*values):
    return [torch.tensor([[value]], dtype=torch.float64) for value in values]


def waves(case, nodes):
    """The closed forms with the solver's factors."""
    m, n, ka, mach, mach_outer, speed, density, kutta = case
    sheets = Sheets(m, *column(ka, mach, mach_outer, speed, density))
    # Windows of the network at nodes of their own, from a longer series on the solver's windows.
    found = jet_windows(m, ka, mach, Jet(mach_outer, speed, density), nodes)
    to_series = np.linalg.inv(chebyshev.chebvander(window_nodes(nodes), nodes - 1))
    ends = sheets.first.item(), sheets.boundary.item(), sheets.last.item()
    series = []
    for start, stop, given, log in (
        (ends[0], ends[1], found.s_minus, found.log_minus),
        (ends[1], ends[2], found.s_plus, found.log_plus),
    ):
        half = (given[-1] - given[0]) / (window_nodes(nodes)[-1] - window_nodes(nodes)[0])
        s = start + (stop - start) * (window_nodes(nodes) + 1) / 2
        place = (s - given[0]) / half + window_nodes(nodes)[0]
        series.append(torch.from_numpy(to_series @ chebyshev.chebval(place, to_series @ log))[None, 1:])
    s_0, good = instability(sheets)
    assert bool(good.all())
    return Waves(sheets, s_0, *series, torch.tensor([[n]]), column(kutta)[0])


def solved(case, theta=THETA):
    m, n, ka, mach, mach_outer, speed, density, kutta = case
    return sweep(
        m, n, ka, theta, mach=mach, mach_outer=mach_outer, sound_speed_ratio=speed, density_ratio=density, kutta=kutta
    )


@pytest.mark.parametrize("case", LOW + HIGH)
def test_with_exact_coefficients_directivity_and_reflection_are_the_solvers(case):
    exact, found = solved(case), waves(case, 40)
    directivity = found.directivity(torch.from_numpy(THETA)[None])[0].numpy()
    # 40 nodes leave 1e-12 in the low domain, and 5e-6 beside the branch point, where modes of the jet lie near
    tolerance = 1e-10 if case in LOW else 2e-5
    assert np.linalg.norm(directivity - exact.directivity[0]) < tolerance * np.linalg.norm(directivity)
    assert abs(found.reflection()[0, case[1]].item() - exact.reflection[0]) < tolerance


def test_the_matrix_of_reflection_is_the_solvers():
    case = LOW[1]
    m, n, ka, mach, mach_outer, speed, density, kutta = case
    exact = solve(DuctMode(m, n, ka, mach), jet=Jet(mach_outer, speed, density, kutta)).reflection
    found = waves(case, 40).reflection()[0].numpy()
    count = int(np.count_nonzero(found))
    assert count == 2
    assert np.max(np.abs(found[:count] - exact[:count])) < 1e-10


def test_at_the_angle_of_the_incident_mode_the_removable_pole_is_removed():
    case = LOW[1]
    found = waves(case, 40)
    sheets = found.sheets
    k = sheets.helmholtz / sheets.speed / sheets.beta_outer
    theta = torch.arccos(sheets.mach_outer - found.down * sheets.beta_outer / k)
    shifts = torch.tensor([[-1e-4, 0.0, 1e-4]], dtype=torch.float64)
    value = found.directivity(theta + shifts)[0]
    assert abs(value[1] - (value[0] + value[2]) / 2) < 1e-5 * abs(value[1])


def test_quotients_of_bessel_functions_are_scipys():
    rng = np.random.default_rng(0)
    for m in (0, 1, 7, 20):
        q = rng.uniform(-900, 2500, 300)
        z = np.sqrt(q + 0j)
        # relative to the terms of the quotient: next to zeros of J_m both arguments have an error of rounding
        expected = (special.jve(m + 1, z) / special.jve(m, z) / z).real
        found = inner(torch.from_numpy(q), m).numpy()
        assert np.max(np.abs(found - expected) / (np.abs(expected) * (1 + np.abs(z * z * expected)))) < 1e-12
        x = rng.uniform(1e-3, 60, 300)
        value, slope = (one.numpy() for one in outer(torch.from_numpy(x), m))
        power = (x / 2) ** m / math.factorial(m)
        assert np.max(np.abs(value / (power * special.hankel1(m, x)) - 1)) < 1e-13
        assert np.max(np.abs(slope / (power * x * special.h1vp(m, x)) - 1)) < 1e-13
        c = rng.uniform(0.02, 40, 300) * np.exp(1j * rng.uniform(0.02, 3.1, 300))
        expected = m - c * special.hankel1e(m + 1, c) / special.hankel1e(m, c)
        assert np.max(np.abs(outgoing(torch.from_numpy(c), m).numpy() / expected - 1)) < 1e-13


@pytest.mark.parametrize("m", [0, 3])
def test_their_derivatives_are_those_of_differences(m):
    real = torch.tensor([0.7, 3.0, 20.0], dtype=torch.float64, requires_grad=True)
    both = torch.tensor([-30.0, -0.1, 0.0, 1e-5, 2.0, 77.0], dtype=torch.float64, requires_grad=True)
    complexes = torch.tensor([1 + 2j, -3 + 0.5j, 0.2 + 0.1j], dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: outer(z, m), real)
    assert torch.autograd.gradcheck(lambda q: inner(q, m), both)
    assert torch.autograd.gradcheck(lambda q: inner(q, m), complexes)
    assert torch.autograd.gradcheck(lambda z: outgoing(z, m), complexes)


def test_the_instability_is_the_solvers_and_differentiable():
    case = LOW[2]
    m, _, ka, mach, mach_outer, speed, density, _ = case
    parameters = [one.requires_grad_() for one in column(ka, mach, mach_outer, speed, density)]
    s_0, found = instability(Sheets(m, *parameters))
    exact = jet_windows(m, ka, mach, Jet(mach_outer, speed, density), 8).instability
    assert bool(found.all())
    assert abs(s_0.item() - exact) < 1e-13 * abs(exact)
    assert torch.autograd.gradcheck(lambda *given: instability(Sheets(m, *given))[0], parameters)


def test_equal_streams_have_no_instability():
    _, found = instability(Sheets(0, *column(3.0, 0.3, 0.3, 1.0, 1.0)))
    assert not bool(found.any())


def test_the_radial_index_counts_the_modes_and_eigenvalues_are_the_solvers():
    for m in (0, 6):
        alpha = Section(m).eigenvalues(12).copy()
        assert np.max(np.abs(hard(m)[:12] - alpha)) < 1e-11
        index = radial_index(m, torch.from_numpy(alpha))
        assert np.max(np.abs(index.numpy() - np.arange(12))) < 1e-12
        k = torch.linspace(alpha[0] + 0.1, 40, 50, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(radial_index(m, k).sum(), k)
        assert torch.all(slope > 0.1)


def network(**changes):
    torch.manual_seed(0)
    return JetNetwork(CONFIG).double()


def test_whatever_the_weights_nothing_is_shed_or_changed_by_a_constant_of_the_factors():
    """The Kutta parameter is exact: the response is linear in it; and fields of modes add up."""
    model = network()
    args = (2, [0, 1], 8.0, 0.3, THETA)
    found = [model.directivity(*args, kutta=kutta) for kutta in (0.0, 0.5, 1.0)]
    assert torch.allclose(found[1], (found[0] + found[2]) / 2, rtol=1e-12)
    assert not torch.allclose(found[0], found[2], rtol=1e-3)


def test_gradients_are_those_of_differences_in_all_parameters():
    model = network()
    given = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in (8.0, 0.3, 0.1, 0.9, 1.3, 0.6)]
    theta = torch.tensor([[0.5, 1.2, 2.2]], dtype=torch.float64, requires_grad=True)

    def both(ka, mach, mach_outer, speed, density, kutta, theta):
        outer = {"mach_outer": mach_outer, "sound_speed_ratio": speed, "density_ratio": density, "kutta": kutta}
        directivity = model.directivity(2, 1, ka, mach, theta, **outer)
        reflection = model.reflection(2, 1, ka, mach, **outer)[:, :2]
        return torch.view_as_real(directivity), torch.view_as_real(reflection)

    assert torch.autograd.gradcheck(both, (*given, theta), atol=1e-6, rtol=1e-5)


def test_single_precision_is_double_precision_rounded():
    model = network()
    args = ([2, 0, 7], [1, 0, 0], [8.0, 5.0, 12.0], [0.3, 0.2, 0.4], THETA)
    double = model.directivity(*args)
    single = model.float().directivity(*args)
    assert single.dtype == torch.complex64
    assert torch.linalg.norm(single - double) < 1e-4 * torch.linalg.norm(double)


def test_cases_of_a_batch_are_those_alone():
    model = network()
    m, n, ka = [2, 0, 2, 5], [1, 2, 0, 0], [8.0, 9.0, 7.0, 10.0]
    together = model.directivity(m, n, ka, 0.3, THETA)
    alone = [model.directivity(*one, 0.3, THETA)[0] for one in zip(m, n, ka, strict=True)]
    assert torch.allclose(together, torch.stack(alone), rtol=1e-12)


def test_radiated_power_of_exact_factors_closes_the_balance():
    """At g = 0 nothing is shed: incident power is reflected or radiated."""
    ka, mach = 3.0, 0.4
    exact = solve(DuctMode(0, 0, ka, mach), jet=Jet(kutta=0.0)).power
    model = network()
    found = waves((0, 0, ka, mach, 0.0, 1.0, 1.0, 0.0), 40)
    model._by_order = lambda modes, function: function(found, None)
    assert model.radiated(0, 0, ka, mach, kutta=0.0).item() == pytest.approx(exact.radiated / exact.incident, rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"m": 21}, r"m must lie in the trained range 0 \.\.\. 20: m = 21"),
        ({"helmholtz": 21.0}, "helmholtz must lie in the trained range"),
        ({"helmholtz": math.nan}, "helmholtz must lie in the trained range"),
        ({"mach": 0.05}, "mach must lie"),
        ({"mach_outer": 0.4}, "mach_outer must lie"),
        ({"sound_speed_ratio": 0.4}, "sound_speed_ratio must lie"),
        ({"density_ratio": 2.1}, r"density_ratio \* sound_speed_ratio\^2 must lie"),
        ({"kutta": 1.5}, "kutta must lie in 0"),
        ({"n": 3}, "the mode is not cut on"),
        ({"n": -1}, "the mode is not cut on"),
        ({"mach_outer": 0.3, "sound_speed_ratio": 1.0}, "the streams are equal, or nearly"),
        ({"mach": 0.69}, "modes of the jet may lie beside"),
        ({"theta": [3.3]}, "theta must lie in"),
    ],
)
def test_what_it_has_not_learned_is_refused_with_the_reason(changes, message):
    usual = {"m": 2, "n": 1, "helmholtz": 8.0, "mach": 0.3, "theta": [1.0]} | changes
    with pytest.raises(ValueError, match=message):
        network().directivity(**usual)


def test_an_unknown_parameter_of_the_fluid_outside_is_refused():
    with pytest.raises(TypeError, match=r"fluid outside are mach_outer, .*; got hub"):
        network().directivity(2, 1, 8.0, 0.3, THETA, hub=0.3)


def test_between_equal_streams_nothing_is_reflected_and_the_index_turns_once_a_mode():
    """R = 0 between equal fluids; a mode that is cut on sets the index to a whole number."""
    alpha, mach = float(hard(3)[2]), 0.4
    jets = torch.tensor([[3, alpha * math.sqrt(1 - mach**2), mach, mach, 1.0, 1.0]], dtype=torch.float64)
    found = inputs(jets)[0]
    assert found.shape == (COUNT,)
    assert found[2].item() == pytest.approx(1.0, abs=1e-12)
    assert abs(found[3].item()) < 1e-6
    assert torch.all(found[17:].abs() < 1e-12)
    assert torch.all(inputs(jets * torch.tensor([1, 1, 1, 1, 1, 1.5]))[0, 17:19] > 0.1)  # a heavier fluid reflects
