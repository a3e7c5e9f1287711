"""Smooth parts of a jet's factors: they give back the kernel, and the solver's directivity and reflection."""

import numpy as np
import pytest
from numpy.polynomial import chebyshev
from scipy.special import h1vp, hankel1, jv, jvp

from analytic import ConvergenceError, DuctMode, Jet, radial_eigenvalue, solve, sweep
from analytic.jet_windows import bounds, closed_minus, closed_plus, jet_windows, many_jet_windows, window_nodes
from analytic.sheet import Sheet

# m, ka, mach, hub, outer Mach number, sound speed ratio, density ratio
JETS = [
    (0, 3.0, 0.4, 0.0, 0.0, 1.0, 1.0),
    (2, 6.0, 0.3, 0.0, 0.2, 0.6, 1 / 0.36),
    (5, 11.0, 0.45, 0.0, 0.1, 1.2, 0.7),
    (1, 2.0, 0.2, 0.4, 0.05, 0.8, 1.5),
]


class Factors:
    """K_minus and K_plus from the windows' Chebyshev series alone."""

    def __init__(self, m, ka, mach, hub, *outer, nodes=32):
        self.sheet = Sheet(m, ka, mach, *outer, hub)
        self.found = jet_windows(m, ka, mach, Jet(*outer), nodes, hub=hub)
        places = window_nodes(nodes)
        self.minus_series = chebyshev.chebfit(places, self.found.log_minus, nodes - 1)
        self.plus_series = chebyshev.chebfit(places, self.found.log_plus, nodes - 1)
        self.first, self.boundary, self.last = bounds(self.sheet)

    def minus(self, s):
        place = 2 * (s - self.first) / (self.boundary - self.first) - 1
        return np.exp(chebyshev.chebval(place, self.minus_series)) * closed_minus(self.sheet, s)

    def plus(self, s):
        place = 2 * (s - self.boundary) / (self.last - self.boundary) - 1
        closed = closed_plus(self.sheet, self.found.instability, s)
        return np.exp(chebyshev.chebval(place, self.plus_series)) * closed


@pytest.mark.parametrize("jet", JETS)
def test_the_factors_multiply_to_the_kernel_where_the_windows_meet(jet):
    factors = Factors(*jet)
    s = np.array([factors.boundary + 0j])
    assert abs(factors.minus(s) * factors.plus(s) / factors.sheet.kernel(s) - 1) < 1e-9


@pytest.mark.parametrize("jet", JETS)
def test_twelve_coefficients_leave_little_and_the_functions_are_of_size_one(jet):
    factors = Factors(*jet)
    for series in (factors.minus_series, factors.plus_series):
        assert np.max(np.abs(series[12:])) < 1e-5
        assert 0.01 < np.max(np.abs(series)) < 3
    assert 0 < factors.found.error_estimate < 1e-10


@pytest.mark.parametrize("jet", JETS[:3])
@pytest.mark.parametrize("kutta", [1.0, 0.3])
def test_directivity_and_reflection_follow_from_the_windows(jet, kutta):
    """By formulas of /docs/theory.md with Bessel functions of real argument, coded here again."""
    m, ka, mach, _, mach_outer, speed, density = jet
    factors, n = Factors(*jet), 0
    sheet, s_0 = factors.sheet, factors.found.instability
    beta2 = 1 - mach**2
    alpha = radial_eigenvalue(m, n)
    wave = np.sqrt(ka**2 - beta2 * alpha**2)
    down, up = sheet.centre - wave / beta2, sheet.centre + wave / beta2
    assert down < factors.boundary < up
    strength = -(ka + mach * down) / factors.minus(down)

    def source(s):
        return strength * (1 / (s - down) - (1 - kutta) / (s_0 - down))

    theta = np.radians([20.0, 60.0, 90.0, 130.0])
    beta = np.sqrt(1 - mach_outer**2)
    k = ka / speed / beta
    s = k / beta * (mach_outer - np.cos(theta))
    outer, inner = ka + mach_outer * speed * s, ka + mach * s
    gamma_outer = k * np.sin(theta)
    gamma = np.sqrt(inner**2 - s**2 + 0j)
    outer_slope = gamma_outer * h1vp(m, gamma_outer)
    inner_slope = gamma * jvp(m, gamma)
    # 1 / K_plus = K_minus / K, with the kernel's poles multiplied out, left of s_c.
    product = density * outer**2 * inner_slope * hankel1(m, gamma_outer) - inner**2 * outer_slope * jv(m, gamma)
    low = s <= factors.boundary
    assert 0 < np.count_nonzero(low) < len(s)
    over = np.empty(len(s), complex)
    over[low] = factors.minus(s[low]) * inner_slope[low] / product[low]
    over[~low] = 1 / (factors.plus(s[~low]) * outer_slope[~low])
    found = (-1j) ** (m + 1) / (np.pi * beta) * -1j * outer * source(s) * over
    expected = sweep(
        m, n, ka, theta, mach=mach, mach_outer=mach_outer, sound_speed_ratio=speed, density_ratio=density, kutta=kutta
    )
    assert np.linalg.norm(found - expected.directivity[0]) < 1e-8 * np.linalg.norm(found)
    norm = 0.5 * (1 - (m / alpha) ** 2) if alpha else 0.5
    reflection = (ka + mach * up) * source(up) / factors.plus(up) / (2 * norm * wave)
    assert abs(reflection - expected.reflection[0]) < 1e-8


def test_the_error_estimate_holds_against_the_solvers_other_nodes():
    """The same factors at other nodes of the windows: equal functions within the estimates."""
    coarse, fine = Factors(*JETS[0], nodes=32), Factors(*JETS[0], nodes=45)
    s = np.linspace(coarse.first, coarse.boundary, 7)
    gap = np.abs(coarse.minus(s) / fine.minus(s) - 1)
    assert np.max(gap) < 1e-9


def test_the_instability_is_the_solutions():
    m, ka, mach, hub, *outer = JETS[1]
    solution = solve(DuctMode(m, 0, ka, mach, hub), jet=Jet(*outer))
    found = jet_windows(m, ka, mach, Jet(*outer), 8).instability
    assert abs(found + solution.instability[0]) < 1e-13 * abs(found)  # Bessel functions by tables, or without
    assert jet_windows(-m, ka, mach, Jet(*outer), 8).instability == found


def test_faults_are_named():
    with pytest.raises(ValueError, match=r"mach > 0, got mach=0\.0"):
        jet_windows(0, 3.0, 0.0, Jet(), 8)
    with pytest.raises(ConvergenceError, match=r"estimate of the factors, .*e-1., is above 1\.0e-17 for Duct"):
        jet_windows(0, 3.0, 0.4, Jet(), 8, tolerance=1e-17)
    # Three modes of this jet are trapped on the window of K_plus.
    with pytest.raises(ConvergenceError, match="a mode of the jet is trapped, or nearly"):
        jet_windows(6, 7.99, 0.89, Jet(0.0, 0.8, 1 / 0.64), 24)


def test_many_jets_are_those_alone():
    """To the last bit, and with the reason where there are none."""
    rows = [
        (2, 6.0, 0.3, 0.0, 0.2, 0.6, 2.8),
        (6, 7.99, 0.89, 0.0, 0.0, 0.8, 1 / 0.64),
        (2, 9.0, 0.7, 0.0, 0.0, 1.0, 1.0),
        (-2, 5.0, 0.4, 0.3, 0.0, 1.0, 1.0),
        (2, 13.0, 0.2, 0.0, 0.1, 0.9, 1.5),
    ]
    ducts, jets = [DuctMode(m, 0, *duct) for m, *duct, _, _, _ in rows], [Jet(*row[4:]) for row in rows]
    found = many_jet_windows(ducts, jets, 24)
    assert [isinstance(one, str) for one in found] == [False, True, False, False, False]
    assert "trapped" in str(found[1])
    for one, row, jet in zip(found, rows, jets, strict=True):
        if not isinstance(one, str):
            alone = jet_windows(*row[:3], jet, 24, hub=row[3])
            assert np.array_equal(one.log_minus, alone.log_minus)
            assert np.array_equal(one.log_plus, alone.log_plus)
            assert one.instability == alone.instability
