"""Ducts with a jet: limits, published numbers, power, two contours, and the field's equations."""

import dataclasses
import math

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Jet, cut_on_helmholtz, power, sheet_factors, sheet_line, solve
from analytic.media import jet_near_field, jet_power
from analytic.resonances import trapped
from analytic.sheet import Sheet

CASES = [  # m, n, ka, M, hub, jet
    (0, 0, 1.0, 0.3, 0.0, Jet(instability=False)),
    (0, 1, 12.0, 0.9, 0.0, Jet(instability=False)),
    (1, 0, 4.0, 0.4, 0.0, Jet(mach_outer=0.4)),
    (2, 0, 8.0, 0.5, 0.4, Jet(kutta=0.5, instability=False)),
    (0, 0, 5.0, 0.3, 0.0, Jet(sound_speed_ratio=1.5, density_ratio=0.5, instability=False)),  # the jet is a waveguide
    (5, 0, 10.0, 0.5, 0.0, Jet(0.2, 0.8, 2.0, instability=False)),
]


def solution(case, **options):
    m, n, helmholtz, mach, hub, jet = case
    return solve(DuctMode(m, n, helmholtz, mach, hub), jet=jet, **options)


@pytest.mark.parametrize(("helmholtz", "modulus"), [(0.2, 1.03045), (0.5, 1.11474), (1.0, 0.89696)])
def test_plane_wave_at_mach_0_3(helmholtz, modulus):
    """Munt (1990), to the digits known."""
    reflection = solve(DuctMode(0, 0, helmholtz, 0.3), jet=Jet()).reflection_pressure[0]
    assert abs(abs(reflection) - modulus) < 6e-6


@pytest.mark.parametrize("mach", [0.05, 0.1, 0.3, 0.6])
def test_low_frequency_limits(mach):
    """Rienstra (1983): with the Kutta condition |R_p| -> 1, l / beta -> 0.2554; without, |R_p| -> (1 + M) / (1 - M)."""
    kutta, none = (solve(DuctMode(0, 0, 1e-3, mach), jet=Jet(kutta=value)) for value in (1.0, 0.0))
    assert abs(abs(kutta.reflection_pressure[0]) - 1) < 1e-4
    assert abs(abs(none.reflection_pressure[0]) - (1 + mach) / (1 - mach)) < 1e-4
    # The length reaches its limit like the square of the Strouhal number ka / M: 1.4e-4 off at M = 0.05.
    length = kutta.end_correction / math.sqrt(1 - mach**2)
    assert abs(length - 0.2554) < 5e-5 + 0.5 * (1e-3 / mach) ** 2


@pytest.mark.parametrize("case", CASES, ids=str)
def test_power_balances_with_the_vortical_part(case):
    assert abs(solution(case).power.residual) < 1e-10


HOT = [  # m, n, ka, M, jet: the instability has no partner on the physical sheet
    (0, 0, 1.0, 0.8, Jet(0.0, 0.7)),
    (1, 0, 3.0, 0.9, Jet(0.1, 0.6, 2.0, kutta=0.5)),
    (0, 0, 0.6, 0.5, Jet(0.0, 0.4, 1.5)),
]


@pytest.mark.parametrize("case", HOT, ids=str)
def test_power_of_hot_and_fast_jets_balances(case):
    m, n, helmholtz, mach, jet = case
    solved = solve(DuctMode(m, n, helmholtz, mach), jet=jet)
    growing = solved.transform.factors.instability[0]
    assert abs(solved.transform.sheet.kernel(np.array([growing.conjugate()]))[0]) > 0.1
    assert abs(solved.power.residual) < 1e-11
    assert abs(solved.power.vortical) > 1e-2 * solved.power.incident


LEAKING = [  # modes of the jet whose lobes are 1e-14 to 1e-6 k wide
    (40, 1, 47.7, 0.6864, Jet()),
    (40, 1, 48.0, 0.6864, Jet()),
    (4, 4, 27.89, 0.4025, Jet(0.2576, 1.3398, 0.4134, kutta=0.0)),
]


@pytest.mark.parametrize("case", LEAKING, ids=str)
def test_narrow_lobes_are_in_the_radiated_power(case):
    m, n, helmholtz, mach, jet = case
    solved = solve(DuctMode(m, n, helmholtz, mach), jet=jet)
    ends, radiated, _, _ = solved.transform.flows()
    assert abs(solved.power.residual) < 1e-11
    assert radiated > 1e-3 * solved.power.incident
    if m == 4:  # wide enough for angles, if these are where it is
        (low, high), count = ends[0], 2001
        theta = np.linspace(low, high, 101)
        peak = theta[np.argmax(np.abs(solved.directivity(theta)))]
        fine = np.linspace(peak - 1e-2 * (high - low), peak + 1e-2 * (high - low), 101)
        peak = fine[np.argmax(np.abs(solved.directivity(fine)))]
        width = 1e-6 * (high - low)
        t = np.linspace(np.arcsinh((low - peak) / width), np.arcsinh((high - peak) / width), count)
        theta = peak + width * np.sinh(t)
        density = np.abs(solved.directivity(theta)) ** 2 * np.sin(theta) * width * np.cosh(t)
        total = solved.transform.radiation * np.trapezoid(density, t)
        assert abs(total / radiated - 1) < 1e-6


def test_splits_are_at_lobes():
    """And in the middle if D is largest at an end."""
    theta = np.linspace(0.2, 0.6, 41) * np.ones((2, 1))
    lobes = np.stack([1 / (1e-4 + (theta[0] - 0.5) ** 2), theta[1]])
    found = power._split(np.array([[0.2, 0.6], [0.2, 0.6]]), theta, lobes)
    np.testing.assert_allclose(found, [[0.2, 0.5], [0.2, 0.4], [0.5, 0.6], [0.4, 0.6]], rtol=1e-12)


def test_rules_of_arcs_and_circles_are_in_the_error(monkeypatch):
    """With a few nodes the powers are wrong, but not by more than their error."""
    for m, n, helmholtz, mach, jet, name, coarse in (
        (*LEAKING[0], "_ARC_NODES", (5, 3)),
        (*HOT[0], "_CIRCLE_NODES", 8),
    ):
        transform = solve(DuctMode(m, n, helmholtz, mach), jet=jet).transform
        _, *exact, small = transform.flows()
        with monkeypatch.context() as context:
            context.setattr(jet_power, name, coarse)
            _, *found, error = transform.flows()
        wrong = sum(abs(a - b) for a, b in zip(exact, found, strict=True))
        assert 1e2 * small < wrong < error


@pytest.mark.parametrize("m", [0, 2])
def test_two_contours_agree_over_frequency_and_mach_number(m):
    """`error_estimate` is the difference between two lines of integration; see also benchmarks/jet.py."""
    for mach in np.linspace(0.05, 0.9, 5):
        for helmholtz in np.linspace(0.1, 12, 6):
            assert solve(DuctMode(m, 0, helmholtz, mach), jet=Jet()).error_estimate < 1e-8


@pytest.mark.parametrize(("m", "n", "helmholtz", "mach", "hub"), [(0, 0, 2.0, 0.5, 0.0), (3, 1, 12.0, 0.3, 0.3)])
def test_uniform_flow_is_a_special_case(m, n, helmholtz, mach, hub):
    """Without vortex shedding the jet is the uniform flow; with it, its pressures reflect as that flow's potentials."""
    mode = DuctMode(m, n, helmholtz, mach, hub)
    uniform = solve(mode)
    free, wake = (solve(mode, jet=Jet(mach_outer=mach, kutta=value)) for value in (0.0, 1.0))
    count = len(uniform.reflection)
    theta = np.radians([10.0, 60.0, 130.0])
    np.testing.assert_allclose(free.reflection[:count], uniform.reflection, rtol=1e-10)
    np.testing.assert_allclose(free.directivity(theta), uniform.directivity(theta), rtol=1e-10)
    x, r = np.array([-0.5, 0.4]), np.array([0.5, 1.4])
    np.testing.assert_allclose(free.field(x, r).pressure, uniform.field(x, r).pressure, rtol=1e-5)
    np.testing.assert_allclose(wake.reflection_pressure[:count], uniform.reflection, rtol=1e-10)
    # eta with the wake is eta without times N(s_n) / N(s).
    beta2 = 1 - mach**2
    s = helmholtz * (mach - np.cos(theta)) / beta2
    root = math.sqrt(helmholtz**2 - cut_on_helmholtz(m, n, mach, hub=hub) ** 2)
    ratio = (helmholtz + mach * (mach * helmholtz - root) / beta2) / (helmholtz + mach * s)
    np.testing.assert_allclose(wake.directivity(theta), uniform.directivity(theta) * ratio, rtol=1e-10)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_field_obeys_its_equations(case):
    """Convected Helmholtz equation, continuity at x = 0, and the sheet: pressure and displacement."""
    solved = solution(case, tolerance=1e-8)
    m, _, k, mach, hub, jet = case
    x, h = np.array([-0.8, -0.3, 0.3, 0.8]), 1e-3
    inner, outer = (0.5 * (1 + hub), k, mach), (1.5, k / jet.sound_speed_ratio, jet.mach_outer)
    for radius, k_local, mach_local in (inner, outer):
        r = np.full(4, radius)
        here = solved.at(x, r)
        u = [solved.at(x + d * h, r).axial_velocity for d in (-2, -1, 1, 2)]
        v = [solved.at(x, r + d * h).radial_velocity for d in (-2, -1, 1, 2)]
        u_x, v_r = ((q[0] - 8 * q[1] + 8 * q[2] - q[3]) / (12 * h) for q in (u, v))
        psi, beta2 = here.potential, 1 - mach_local**2
        terms = [beta2 * u_x, 2j * k_local * mach_local * here.axial_velocity, k_local**2 * psi]
        terms += [v_r, here.radial_velocity / r, -((m / r) ** 2) * psi]
        assert np.max(np.abs(sum(terms)) / np.sum(np.abs(terms), axis=0)) < 1e-5
    gap = 1e-7
    r = np.array([0.5 * (1 + hub), 1.3, 1.8])
    full = solve(solved.source, jet=dataclasses.replace(jet, instability=True))  # only it is continuous at x = 0
    before, after = full.at(np.full(3, -gap), r), full.at(np.full(3, gap), r)
    scale = np.max(np.abs(before.axial_velocity))
    assert np.max(np.abs(before.axial_velocity - after.axial_velocity)) < 1e-4 * scale
    x = np.array([0.3, 0.9])
    inside, outside = solved.at(x, np.full(2, 1 - gap)), solved.at(x, np.full(2, 1 + gap))
    assert np.max(np.abs(inside.pressure - outside.pressure)) < 1e-4 * np.max(np.abs(inside.pressure))
    wall = solved.at(np.array([-0.5, -0.5]), np.array([1 - gap, 1 + gap]))
    assert np.max(np.abs(wall.radial_velocity)) < 1e-4 * np.max(np.abs(wall.potential)) * k


def test_the_instability_is_one_growing_wave():
    case = CASES[0]
    mode, without = DuctMode(*case[:5]), solution(case)
    full = solve(mode, jet=Jet())
    mu = full.instability[0]
    assert mu.imag < 0
    x = np.array([0.5, 1.5])
    wave = full.field(x, [0.5]).potential - without.field(x, [0.5]).potential
    assert abs(wave[1, 0] / wave[0, 0] / np.exp(1j * mu) - 1) < 1e-4
    np.testing.assert_allclose(full.field([-0.5], [0.5]).potential, without.field([-0.5], [0.5]).potential, rtol=1e-6)


def test_what_a_jet_cannot_be_is_refused():
    for options, name in (
        ({"mach_outer": -0.1}, "mach_outer"),
        ({"kutta": 2}, "kutta"),
        ({"density_ratio": 0}, "dens"),
    ):
        with pytest.raises(ValueError, match=name):
            Jet(**options)
    with pytest.raises(ValueError, match="mach > 0"):
        solve(DuctMode(0, 0, 1.0), jet=Jet())
    with pytest.raises(TypeError, match="Jet"):
        solve(DuctMode(0, 0, 1.0, 0.3), jet=0.3)


def test_a_winding_number_or_a_disagreement_is_raised(monkeypatch):
    """Without the zeros on the wrong side of the line there is no solution to return."""
    sheet_factors.factorise.cache_clear()
    monkeypatch.setattr(sheet_line.Line, "near", lambda self, points, side, strip=0: np.zeros(points.shape, bool))
    with pytest.raises(ConvergenceError):
        solve(DuctMode(0, 0, 12.0, 0.9), jet=Jet())


def test_trapped_waves_are_found_on_either_side_of_the_branch_points():
    """Against a scan of the real kernel: where it falls through zero, and not through a pole."""
    sheet = Sheet(0, 8.0, 0.8, 0.0, 2.0, 0.25)  # a slow jet in a fast fluid
    fallen = []
    for first, last in ((-8.0 / 1.8, sheet.left), (sheet.right, 8.0 / 0.2)):
        s = np.linspace(first, last, 100_001)[1:-1]
        value = sheet.kernel(s + 0j)
        assert np.all(np.abs(value.imag) < 1e-7 * (1 + np.abs(value)))  # of poles, rounding
        value = value.real
        place = np.flatnonzero((value[:-1] > 0) & (value[1:] < 0))
        place = place[np.abs(value[place + 1] - value[place]) < 0.1 * np.median(np.abs(value))]  # at a pole it jumps
        fallen += (0.5 * (s[place] + s[place + 1])).tolist()
    found = np.sort(trapped(sheet).real)
    assert found[0] < sheet.left < sheet.right < found[-1]
    np.testing.assert_allclose(found, np.sort(fallen), rtol=0, atol=36 / 100_000)


def test_factors_hold_beside_the_partner_of_a_lonely_instability():
    """K_plus has a zero more than K at a point of each line's own choice, where what is left of K has a pole."""
    factors = sheet_factors.factorise(15, 2.2284, 0.822, 0.02, 0.5801, 0.5692, 0.6649)
    assert len(factors.instability) == 1
    s = factors.instability[0].conjugate() + 0.3 * np.exp(2j * np.pi * np.arange(32) / 32)
    assert np.max(factors.plus(s)[1]) < 1e-11


def test_circles_enclose_every_pole_once():
    transform = solve(DuctMode(0, 0, 2.0, mach=0.3), jet=Jet()).transform
    first, other = transform.factors.instability[0], transform.factors.downstream[0]
    groups = jet_near_field.groups(transform, np.array([first, first * (1 + 1e-5), other]))
    centres = [centre for centre, _ in groups]
    np.testing.assert_allclose(centres, [first * (1 + 0.5e-5), other], rtol=1e-12)
    assert all(radius > 4e-6 * abs(first) for _, radius in groups)


def test_an_image_behind_the_cuts_is_no_mode():
    """The outer fluid is slower than the instability: the conjugate of its zero lies on another sheet."""
    sheet = Sheet(0, 0.73, 0.5, 0.0, 0.54, 1.4)
    pair, downstream, upstream = sheet.zeros(0.1)
    assert len(pair) == 1
    assert pair[0].imag > 0
    for s in (pair, downstream, upstream):
        h = 1e-6 * np.abs(s)
        slope = (sheet.kernel(s + h) - sheet.kernel(s - h)) / (2 * h)
        assert np.all(np.abs(sheet.kernel(s) / slope) < 1e-8 * np.abs(s))


def test_zeros_are_followed_in_long_steps(monkeypatch):
    """Each guess extrapolates from the last two densities: without, there are more than forty."""
    steps, follow = [], Sheet._on_the_way
    monkeypatch.setattr(Sheet, "_on_the_way", lambda sheet, t, loss: steps.append(t) or follow(sheet, t, loss))
    Sheet(2, 8.0, 0.5, 0.0, 1.0, 1.0).zeros(0.1)
    assert len(steps) < 20


def test_without_vortex_shedding_there_is_no_growing_wave_to_leave_out():
    """The growing wave has no amplitude with kutta = 0, so its rounding must not be in the field."""
    fields = [
        solve(DuctMode(5, 0, 9.0, 0.25), jet=Jet(kutta=0.0, instability=kept)).field([0.5, 2.0], [0.4, 1.3])
        for kept in (True, False)
    ]
    assert fields[0].error_estimate < 1e-6
    np.testing.assert_allclose(fields[0].potential, fields[1].potential, rtol=1e-9)
