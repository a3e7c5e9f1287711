"""Factorisation of a vortex sheet's kernel: the fast lane, its gates, and the tracker it falls back to."""

import mpmath
import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Jet, ModeMixture, sheet_factors, solve, sweep
from analytic.bessel import hankel_pair
from analytic.eigenvalues import many_eigenvalues
from analytic.logarithmic import quotient
from analytic.section import Section
from analytic.sheet import Sheet
from analytic.sheet_factors import SheetFactors, factorise
from analytic.sheet_line import Line
from analytic.sheet_modes import correction, instability
from analytic.singularities import Singularities

SHEETS = [  # m, ka, M, M_2, C, D, hub
    (0, 1.0, 0.3, 0.0, 1.0, 1.0, 0.0),
    (3, 9.0, 0.3, 0.2, 0.8, 1.5, 0.4),
    (8, 25.0, 0.9, 0.1, 1.3, 0.4, 0.6),  # many modes beyond the right branch point, some of them trapped
    (20, 12.0, 0.6, 0.3, 0.5, 3.0, 0.0),
]


def why_refused(sheet, pair, kernel=None):
    """What is said of a line to which the poles and the pair are known, and no other zeros."""
    one = Sheet.stack([sheet])
    line = Line(one, 0.25 * np.pi, 0.0, sheet_factors.STEP, 320)
    eigenvalues, none = sheet.section.eigenvalues(sheet.reach()), np.empty((1, 0), complex)
    line.clear(Singularities(pair[None], (none, none), tuple(one.modes(eigenvalues, side) for side in (1, -1))))
    return line.integrate((one.kernel if kernel is None else kernel)(line.nodes))[0]


@pytest.mark.parametrize("parameters", SHEETS, ids=str)
def test_the_fast_lane_equals_the_tracker(parameters):
    sheet = Sheet(*parameters)
    fast, followed = SheetFactors(sheet), SheetFactors(sheet, follow=True)
    assert fast.fast
    assert not followed.fast
    np.testing.assert_allclose(fast.instability[0], followed.instability[0], rtol=1e-10)
    s = np.array([-2.0 + 1.0j, 0.3 - 0.2j, 1.0 + 0.1j, 4.0 - 3.0j]) * sheet.k_outer
    for factor in ("plus", "minus"):
        value, error = getattr(fast, factor)(s)
        other, other_error = getattr(followed, factor)(s)
        assert np.all(np.abs(value / other - 1) <= error + other_error)
    product = fast.plus(s)[0] * fast.minus(s)[0]
    np.testing.assert_allclose(product, sheet.kernel(s), rtol=1e-11)


@pytest.mark.parametrize("parameters", [case for case in SHEETS if not case[-1]], ids=str)
def test_the_instability_is_a_zero_of_the_kernel(parameters):
    """In multiple precision, on the branches where waves decay away from the jet."""
    m, k, mach, outer, speed, density, _ = parameters
    pairs, found = instability(Sheet.stack([Sheet(*parameters)]))
    assert found[0]
    s = mpmath.mpc(pairs[0, 0])
    assert s.real < 0 < s.imag
    with mpmath.workdps(40):
        inner, other = k + mach * s, k + outer * speed * s
        gamma, gamma_outer = mpmath.sqrt(inner**2 - s**2), mpmath.sqrt((other / speed) ** 2 - s**2)
        gamma_outer *= 1 if gamma_outer.imag > 0 else -1
        inside = mpmath.besselj(m, gamma) / (gamma * mpmath.besselj(m, gamma, 1))
        slope = (mpmath.hankel1(m - 1, gamma_outer) - mpmath.hankel1(m + 1, gamma_outer)) / 2
        outside = mpmath.hankel1(m, gamma_outer) / (gamma_outer * slope)
        terms = density * other**2 * outside, inner**2 * inside
        assert abs(terms[0] - terms[1]) < 1e-12 * abs(terms[0])


def test_newtons_method_converges_quadratically_with_a_hub():
    """The derivative contains that of the hub's part of S."""
    sheet = Sheet(*SHEETS[2])
    zeros = SheetFactors(sheet).near
    misses = [np.abs(start - correction(Sheet.stack([sheet]), zeros[None] + start)) for start in (1e-2, 1e-3)]
    assert np.all(misses[1] < 0.05 * misses[0])  # 0.01 for the second order, 0.1 for the first


@pytest.mark.parametrize("place", [1e-4, 1e-2, 3e-2])
def test_factors_beside_a_zero_have_its_error(place):
    """Both lines divide out the same zero of a wave that leaks little: their difference does not show its rounding."""
    sheet = Sheet(8, 15.4323813677179, 0.7943799208987735, 0.0716771202408446, 1.371869377216, 3.122064596835514)
    fast, followed = SheetFactors(sheet), SheetFactors(sheet, follow=True)
    zero = fast.near[np.argmin(np.abs(fast.near - (10.738 - 0.0228j)))]
    s = zero + place * np.exp(2j * np.pi * np.arange(8) / 8)
    (value, error), (other, other_error) = fast.plus(s), followed.plus(s)
    assert np.all(np.abs(value / other - 1) <= error + other_error)
    assert np.all(error < 1e-12 / place)


def test_a_wrong_instability_is_noticed():
    sheet = Sheet(*SHEETS[0])
    pair = SheetFactors(sheet).instability
    assert why_refused(sheet, pair) == ""
    reason = why_refused(sheet, np.array([3.0 + 9.0j, np.nan]))
    assert "kernel's winding number" in reason or "zeros of the kernel between" in reason


def test_two_errors_that_cancel_in_the_winding_number_are_noticed():
    """A zero of K_minus below the line and one of K_plus above it, neither known."""
    sheet = Sheet(*SHEETS[0])
    pair = SheetFactors(sheet).instability
    centre = sheet.middle
    hidden = centre + sheet.k * np.array([-1.0 + 0.4j, 1.0 - 0.4j])
    right_sides = centre + sheet.k * np.array([0.5 + 5.0j, -0.5 + 5.0j])

    def kernel(s):
        """Zeros and poles come with their mirror images, as on the axis K must stay below it; these are harmless."""
        value = Sheet.stack([sheet]).kernel(s)
        for zero, pole in zip(hidden, right_sides, strict=True):
            value = value * (s - zero) * (s - zero.conjugate()) / ((s - pole) * (s - pole.conjugate()))
        return value

    assert why_refused(sheet, pair, kernel).startswith("1.00 zeros of the kernel between line and real axis")


def test_what_the_fast_lane_does_not_accept_is_followed(monkeypatch):
    sheet = Sheet(*SHEETS[2])
    exact = SheetFactors(sheet)
    nothing = np.empty((1, 0), complex)
    monkeypatch.setattr(sheet_factors, "zeros", lambda sheets, of, starts, pair: (nothing, nothing))
    followed = SheetFactors(sheet)
    assert not followed.fast
    s = np.array([0.3 - 0.2j]) * sheet.k
    np.testing.assert_allclose(followed.plus(s)[0], exact.plus(s)[0], rtol=1e-11)


def test_one_factorisation_serves_all_radial_orders_and_kutta_parameters(monkeypatch):
    factorise.cache_clear()
    duct = 5.0, 0.3
    solutions = [solve(DuctMode(1, n, *duct), jet=Jet(kutta=kutta)) for n, kutta in ((0, 1.0), (1, 1.0), (0, 0.3))]
    solutions.append(solve(ModeMixture(1, [1.0, 2.0j], *duct), jet=Jet()))
    assert all(one.transform.factors is solutions[0].transform.factors for one in solutions)
    assert factorise.cache_info().misses == 1
    mixed = solutions[0].reflection[:2] + 2j * solutions[1].reflection[:2]
    np.testing.assert_allclose(solutions[3].reflection[:2], mixed, rtol=1e-12)


@pytest.mark.parametrize("place", [0.0, 1e-9, 0.1, 0.249, 0.5])
def test_factors_at_and_beside_the_nodes_of_a_line(place):
    """A point moves along the line from a node to the middle of the next; the other line has its nodes elsewhere."""
    sheet = Sheet(*SHEETS[0])
    nodes = SheetFactors(sheet).many._lines[0].nodes[0]
    middle = len(nodes) // 2 + 7
    s = nodes[[middle]] + place * (nodes[middle + 1] - nodes[middle])
    value, error = SheetFactors(sheet).plus(s)
    assert error[0] < 1e-12
    product = value * SheetFactors(sheet).minus(s)[0]
    np.testing.assert_allclose(product, sheet.kernel(s), rtol=1e-12)


@pytest.mark.parametrize("m", [0, 3, 20])
def test_quotients_far_away_follow_from_their_expansion(m):
    """Against continuation of the direct quotient, which is exact there but may overflow further out."""

    def wall(z, hub):
        return Section(m, hub).wall(z)

    z = (40.0 + 8 * m) * np.array([1.0001, 1.5, 3.0]) * np.exp(0.7j)
    value, slope = wall(z, 0.0)
    np.testing.assert_allclose(quotient(m, wall, z, -1), value / (z * slope), rtol=1e-13)
    far = np.array([1e9 + 1e9j])
    np.testing.assert_allclose(quotient(m, wall, far, -1), 1 / (-1j * far - 0.5), rtol=1e-14)


@pytest.mark.parametrize("z", [0.01 + 0.001j, 94.7 - 1e-14j])
def test_quotients_of_hankel_functions_that_overflow(z):
    q = quotient(90, lambda z, hub: hankel_pair(90, z), np.array([z]), 1)[0]
    with mpmath.workdps(60):
        slope = (mpmath.hankel1(89, z) - mpmath.hankel1(91, z)) / 2
        assert abs(complex(q * z * slope / mpmath.hankel1(90, z)) - 1) < 1e-12


def test_a_sheet_between_nearly_equal_fluids():
    """The tracker loses its modes there; without shear and contrast the pair is -k / M."""
    factors = SheetFactors(Sheet(2, 5.0, 0.3, 0.3, 1.0, 1.0 + 1e-9))
    assert factors.fast
    np.testing.assert_allclose(factors.instability, -5.0 / 0.3, rtol=1e-4)
    equal = SheetFactors(Sheet(2, 5.0, 0.3, 0.3, 1.0, 1.0))
    s = np.array([-2.0 + 1.0j, 3.0 - 1.0j])
    np.testing.assert_allclose(factors.plus(s)[0], equal.plus(s)[0], rtol=1e-7)
    with pytest.raises(ConvergenceError, match="all modes were lost on the way"):
        _ = factors.downstream


@pytest.mark.parametrize(("m", "hub"), [(1, 0.0), (3, 0.0), (40, 0.0), (2, 0.4)])
def test_waves_along_the_axis_of_the_jet_have_a_kernel(m, hub):
    """gamma_1 = 0, the edge of the cone of silence: the kernel goes on smoothly, by points of 1e-8 k beside it."""
    k, mach = (50.0 if m == 40 else 3.5), 0.25
    sheet = Sheet(m, k, mach, 0.0, 0.7, 2.0, hub)
    for s in (k / (1 - mach), -k / (1 + mach)):
        edge, before, after = sheet.kernel(s * np.array([1, 1 - 1e-8, 1 + 1e-8], complex))
        assert sheet.inner(np.array([s + 0j]))[1] == 0
        assert abs(edge / (0.5 * (before + after)) - 1) < 1e-12


def test_the_edge_of_the_cone_of_silence_is_an_angle_as_any_other():
    ka, mach, speed = 3.5, 0.25, 0.7
    edge = np.arccos(speed / (1 + mach))
    theta = edge + np.array([0.0, -1e-6, 1e-6])
    found = sweep(1, 0, ka, theta, mach=mach, sound_speed_ratio=speed, density_ratio=2.0).directivity[0]
    assert abs(found[0] / (0.5 * (found[1] + found[2])) - 1) < 1e-10


def test_eigenvalues_of_hubs_that_were_known_survive_when_the_table_is_full(monkeypatch):
    monkeypatch.setattr("analytic.eigenvalues._MOST", 1)
    known = many_eigenvalues(1, 4, np.array([0.31, 0.32]))
    both = many_eigenvalues(1, 4, np.array([0.31, 0.33]))
    assert np.array_equal(both[0], known[0])
