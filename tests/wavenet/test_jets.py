"""Closed forms around a jet's factors, with exact coefficients, against the solver; Bessel functions against scipy."""

import dataclasses
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
from wavenet.ducts.debye import slopes
from wavenet.jets.duct import at_wall, duct
from wavenet.jets.inputs import COUNT, inputs, instabilities
from wavenet.jets.instability import instability
from wavenet.jets.network import JetConfig, JetNetwork
from wavenet.jets.sheet import Sheets
from wavenet.jets.waves import Waves

# m, n, ka, mach, outer Mach number, sound speed ratio, density ratio, Kutta parameter, hub
LOW = [
    (0, 0, 3.0, 0.4, 0.0, 1.0, 1.0, 1.0, 0.0),
    (2, 1, 8.0, 0.3, 0.2, 0.6, 1 / 0.36, 0.4, 0.0),
    (5, 1, 12.0, 0.45, 0.1, 1.2, 0.7, 0.0, 0.0),
    (14, 0, 17.0, 0.5, 0.05, 0.8, 1.2, 1.0, 0.0),
    (0, 0, 1.2, 0.4, 0.1, 0.9, 1.0, 0.7, 0.7),  # s_0 feels the hub
    (0, 2, 14.0, 0.3, 0.0, 1.0, 1.3, 1.0, 0.55),
    (3, 1, 11.0, 0.35, 0.2, 0.7, 2.5, 0.3, 0.3),
    (12, 0, 16.0, 0.4, 0.1, 0.6, 2.0, 0.9, 0.65),
]
HIGH = [
    (1, 5, 13.0, 0.75, 0.1, 0.9, 1.2, 0.5, 0.0),  # s_n on the right of s_c, where K_minus comes from a residue
    (3, 0, 9.0, 0.7, 0.0, 1.0, 1.0, 1.0, 0.0),
]
THETA = np.linspace(0.02, np.pi - 0.02, 36)
CONFIG = JetConfig(
    low=(0, 0.5, 0.1, 0.0, 0.5, 0.5, 0.2),
    high=(20, 20, 0.76, 0.3, 1.2, 2.0, 0.7),
    mean=(0.0,) * COUNT,
    spread=(1.0,) * COUNT,
    width=8,
)


def column(*values):
    return [torch.tensor([[value]], dtype=torch.float64) for value in values]


def waves(case, nodes):
    """The closed forms with the solver's factors."""
    m, n, ka, mach, mach_outer, speed, density, kutta, hub = case
    sheets = Sheets(m, *column(ka, mach, mach_outer, speed, density, hub))
    # Windows of the network at nodes of their own, from a longer series on the solver's windows.
    found = jet_windows(m, ka, mach, Jet(mach_outer, speed, density), nodes, hub=hub)
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
    m, n, ka, mach, mach_outer, speed, density, kutta, hub = case
    outer = {"mach_outer": mach_outer, "sound_speed_ratio": speed, "density_ratio": density, "kutta": kutta}
    return sweep(m, n, ka, theta, mach=mach, hub=hub, **outer)


@pytest.mark.parametrize("case", LOW + HIGH)
def test_with_exact_coefficients_directivity_and_reflection_are_the_solvers(case):
    exact, found = solved(case), waves(case, 40)
    directivity = found.directivity(torch.from_numpy(THETA)[None])[0].numpy()
    # 40 nodes leave 1e-12 in the low domain, and 5e-6 beside the branch point, where modes of the jet lie near; tables
    # of hubs leave 1e-9
    tolerance = 2e-5 if case in HIGH else 1e-9 if case[-1] else 1e-10
    assert np.linalg.norm(directivity - exact.directivity[0]) < tolerance * np.linalg.norm(directivity)
    assert abs(found.reflection()[0, case[1]].item() - exact.reflection[0]) < tolerance


@pytest.mark.parametrize("case", [LOW[1], LOW[6]])
def test_the_matrix_of_reflection_is_the_solvers(case):
    m, n, ka, mach, mach_outer, speed, density, kutta, hub = case
    exact = solve(DuctMode(m, n, ka, mach, hub), jet=Jet(mach_outer, speed, density, kutta)).reflection
    found = waves(case, 40).reflection()[0].numpy()
    count = int(np.count_nonzero(found))
    assert count > 1
    assert np.max(np.abs(found[:count] - exact[:count])) < 1e-9


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


def test_logarithmic_derivatives_off_the_axis_are_scipys():
    rng = np.random.default_rng(0)
    for m in (0, 1, 8, 20):
        # far away by the expansion, near the axis and the origin by continued fraction and recurrence
        z = np.exp(rng.uniform(np.log(0.3), np.log(300), 600)) * np.exp(1j * rng.uniform(0.3, 1.7, 600))
        found = [one.numpy() for one in slopes(torch.from_numpy(z**2), m)]
        for one, function in zip(found, (special.jve, special.hankel1e), strict=True):
            exact = z * (function(m - 1, z) / function(m, z)) - m
            assert np.max(np.abs(one / exact - 1)) < 2e-12
    square = torch.tensor([[3 + 4j, -900 + 50j], [40j, 200 + 999j]], dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradcheck(lambda q: slopes(q, 3), square)


@pytest.mark.parametrize("m", [0, 3])
def test_their_derivatives_are_those_of_differences(m):
    real = torch.tensor([0.7, 3.0, 20.0], dtype=torch.float64, requires_grad=True)
    both = torch.tensor([-30.0, -0.1, 0.0, 1e-5, 2.0, 77.0], dtype=torch.float64, requires_grad=True)
    complexes = torch.tensor([1 + 2j, -3 + 0.5j, 0.2 + 0.1j], dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: outer(z, m), real)
    assert torch.autograd.gradcheck(lambda q: inner(q, m), both)
    assert torch.autograd.gradcheck(lambda q: inner(q, m), complexes)
    assert torch.autograd.gradcheck(lambda z: outgoing(z, m), complexes)


@pytest.mark.parametrize("case", [LOW[2], LOW[4], (9, 0, 11.0, 0.3, 0.0, 1.0, 1.0, 1.0, 0.7)])
def test_the_instability_is_the_solvers_and_differentiable(case):
    m, _, ka, mach, mach_outer, speed, density, _, hub = case
    parameters = [one.requires_grad_() for one in column(ka, mach, mach_outer, speed, density, *([hub] if hub else []))]
    s_0, found = instability(Sheets(m, *parameters))
    exact = jet_windows(m, ka, mach, Jet(mach_outer, speed, density), 8, hub=hub).instability
    assert bool(found.all())
    assert abs(s_0.item() - exact) < 1e-13 * abs(exact)
    assert torch.autograd.gradcheck(lambda *given: instability(Sheets(m, *given))[0], parameters)


def test_equal_streams_have_no_instability():
    _, found = instability(Sheets(0, *column(3.0, 0.3, 0.3, 1.0, 1.0)))
    assert not bool(found.any())


@pytest.mark.parametrize("m", [0, 1, 8, 20])
def test_tables_of_ducts_are_the_solvers(m):
    hubs = np.array([0.0, 0.21, 0.45, 0.69])
    tables = duct(m, torch.from_numpy(hubs)[:, None])
    q = np.random.default_rng(m).uniform(-2200, 2200, (len(hubs), 40))
    found = at_wall(torch.from_numpy(q), tables).numpy()
    for row, hub in enumerate(hubs.tolist()):
        section = Section(m, hub)
        alpha = section.eigenvalues(tables.alpha.shape[1])
        assert np.max(np.abs(tables.alpha[row].numpy() - alpha)) < 1e-7
        assert np.max(np.abs(tables.norm[row].numpy() - section.norm(alpha))) < 1e-7
        assert np.max(np.abs(tables.soft[row].numpy() - section.soft_eigenvalues(tables.soft.shape[1]))) < 1e-7
        value, slope = section.wall(np.sqrt(q[row] + 0j))
        exact = (value / (np.sqrt(q[row] + 0j) * slope)).real
        # next to eigenvalues an error of these counts
        assert np.max(np.abs(found[row] - exact) / ((1 + np.abs(exact)) * (1 + np.abs(exact * q[row])))) < 1e-11


@pytest.mark.parametrize("own", [None, torch.tensor([[0], [1], [0]])])
def test_derivatives_of_tables_are_those_of_differences(own):
    hub = torch.tensor([[0.3], [0.5], [0.65]], dtype=torch.float64, requires_grad=True)
    q = torch.tensor([[3.0, -20, 200], [0.1, 300, 700], [-1000, 40, 99]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda q, hub: at_wall(q, duct(3, hub), own), (q, hub), rtol=1e-4)
    plain = torch.zeros(3, 1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda q: at_wall(q, duct(2, plain), own), (q,), rtol=1e-4)


def test_at_an_eigenvalue_itself_the_wall_is_a_number():
    tables = duct(4, torch.zeros(1, 1, dtype=torch.float64))
    at = tables.alpha[:, 3:4] ** 2
    assert torch.isfinite(at_wall(at, tables)).all()
    assert at_wall(at, tables).abs().item() > 1e12
    # the others at a pole that is left out
    near = at_wall(at + 1e-6, tables, torch.tensor([[3]]))
    assert at_wall(at, tables, torch.tensor([[3]])).item() == pytest.approx(near.item(), rel=1e-4)


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


@pytest.mark.parametrize("hub", [0.0, 0.4])
def test_gradients_are_those_of_differences_in_all_parameters(hub):
    model = network()
    values = (8.0, 0.3, 0.1, 0.9, 1.3, 0.6, *([hub] if hub else []))
    given = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in values]
    theta = torch.tensor([[0.5, 1.2, 2.2]], dtype=torch.float64, requires_grad=True)

    def both(theta, ka, mach, *others):
        outer = dict(zip(("mach_outer", "sound_speed_ratio", "density_ratio", "kutta", "hub"), others, strict=False))
        directivity = model.directivity(2, 1, ka, mach, theta, **outer)
        reflection = model.reflection(2, 1, ka, mach, **outer)[:, :2]
        return torch.view_as_real(directivity), torch.view_as_real(reflection)

    assert torch.autograd.gradcheck(both, (theta, *given), atol=1e-6, rtol=1e-5)


def test_single_precision_is_double_precision_rounded():
    model = network()
    args = ([2, 0, 7], [1, 0, 0], [8.0, 5.0, 12.0], [0.3, 0.2, 0.4], THETA)
    double = model.directivity(*args)
    single = model.float().directivity(*args)
    assert single.dtype == torch.complex64
    assert torch.linalg.norm(single - double) < 1e-4 * torch.linalg.norm(double)


def test_cases_of_a_batch_are_those_alone():
    model = network()
    m, n, ka, hub = [2, 0, 2, 5], [1, 2, 0, 0], [8.0, 9.0, 7.0, 10.0], [0.0, 0.3, 0.5, 0.0]
    together = model.directivity(m, n, ka, 0.3, THETA, hub=hub)
    alone = [model.directivity(*one, 0.3, THETA, hub=h)[0] for *one, h in zip(m, n, ka, hub, strict=True)]
    assert torch.allclose(together, torch.stack(alone), rtol=1e-12)


def test_radiated_power_of_exact_factors_closes_the_balance():
    """At g = 0 nothing is shed: incident power is reflected or radiated."""
    ka, mach = 3.0, 0.4
    exact = solve(DuctMode(0, 0, ka, mach), jet=Jet(kutta=0.0)).power
    model = network()
    found = waves((0, 0, ka, mach, 0.0, 1.0, 1.0, 0.0, 0.0), 40)
    model.by_order = lambda modes, function: function(found, None)
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
        ({"hub": 0.1}, r"hub must be 0 or in the trained range 0\.2 \.\.\. 0\.7"),
        ({"hub": 0.8}, "hub must be 0 or in"),
        ({"hub": -0.3}, "hub must be 0 or in"),
        ({"hub": math.nan}, "hub must be 0 or in"),
        ({"hub": 0.69}, "the mode is not cut on"),
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
    with pytest.raises(TypeError, match=r"the hub and the fluid outside are mach_outer, .*; got temperature"):
        network().directivity(2, 1, 8.0, 0.3, THETA, temperature=2.0)


def test_between_equal_streams_nothing_is_reflected_and_the_index_turns_once_a_mode():
    """R = 0 between equal fluids; a mode that is cut on sets the index to its number."""
    mach = 0.4
    for m, hub in ((3, 0.0), (3, 0.35), (12, 0.6), (0, 0.5)):
        alpha = Section(m, hub).eigenvalues(5)[1:]
        ka = torch.from_numpy(alpha * math.sqrt(1 - mach**2))
        jets = torch.tensor([[m, 0.0, mach, mach, 1.0, 1.0, hub]], dtype=torch.float64).repeat(4, 1)
        jets[:, 1] = ka
        found = inputs(jets, instabilities(jets))
        assert found.shape == (4, COUNT)
        assert torch.allclose(found[:, 2], torch.ones(4, dtype=torch.float64), atol=1e-12)
        assert torch.allclose(5 * found[:, 15], torch.arange(1, 5).double(), atol=1e-6)
        assert torch.all(found[:, 17:20].abs() < 1e-12)
        jets = jets * torch.tensor([1, 1, 1, 1, 1, 1.5, 1])
        heavier = inputs(jets, instabilities(jets))
        assert torch.all(heavier[:, 17:19] > 0.1)  # a heavier fluid reflects


def test_inputs_are_differentiable():
    jets = torch.tensor([[3, 8.0, 0.3, 0.1, 0.9, 1.3, 0.4], [0, 5.0, 0.2, 0.0, 0.7, 2.0, 0.6]], dtype=torch.float64)
    m = jets[:, :1]

    def found(one):
        whole = torch.cat([m, one], dim=1)
        return inputs(whole, instabilities(whole))

    assert torch.autograd.gradcheck(found, jets[:, 1:].requires_grad_())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": CONFIG.low[:6]}, "expected ranges of m, helmholtz"),
        ({"mean": (0.0,) * 20}, f"scales of {COUNT} inputs"),
        ({"low": (0, 30, *CONFIG.low[2:])}, "must be ascending"),
        ({"high": (*CONFIG.high[:6], 0.9)}, r"hubs must lie in .*, got 0\.2 \.\.\. 0\.9"),
        ({"high": (20, 40, *CONFIG.high[2:])}, "helmholtz over the lowest sound speed ratio"),
        ({"width": 0}, "sizes must be positive"),
    ],
)
def test_faulty_configurations_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(CONFIG, **changes)
