"""Exact solutions around the lip, at the grid's ends and in the whole grid: they solve the equation, and fit fields."""

import mpmath
import numpy as np
import pytest
from scipy.special import jv, jvp

from analytic import ModeMixture, solve
from wavenet.derivatives.exact_fits import Stretched, end_fits, lip_fit
from wavenet.derivatives.joint_waves import JointWaves
from wavenet.derivatives.lip_waves import LipSeries

X, R = (np.arange(96) + 0.3) / 24 - 2, (np.arange(48) + 0.6) / 24
CASE = (2.0, 9.0, 0.3)


@pytest.fixture(scope="module")
def field():
    return solve(ModeMixture(2, [1.0, 0.5j], 9.0, 0.3)).field(X, R)


def stretched(case=CASE):
    return Stretched.of(case, X)


def misses(fit, found, field):
    """Largest errors of u and v where the fit is used, over the largest velocity there."""
    exact = np.stack([field.axial_velocity, field.radial_velocity])[:, *fit.used]
    return np.max(np.abs(found - exact)[:, fit.known], axis=1) / np.max(np.abs(exact)[:, fit.known], axis=1)


def test_the_series_solve_the_equation():
    """Values at points of a circle around one: the mean slope along its normal is the mean Laplacian within."""
    m, k, h, n = 3, 7.0, 0.02, 16
    series = LipSeries(m, k, 12, 0.36)
    turn = 2 * np.pi * np.arange(n) / n
    for x, r in ((0.1, 1.1), (-0.15, 1.12), (-0.2, 0.9), (0.05, 0.8)):
        value, along, steep = (of[0] for of in series.evaluate(np.array([x]), np.array([r])))
        ring = series.evaluate(x + h * np.cos(turn), r + h * np.sin(turn))
        # the mean of the slope along the ring's normal, times 2 / h, is the mean Laplacian in the ring
        slope = np.mean(ring[1] * np.cos(turn)[:, None] + ring[2] * np.sin(turn)[:, None], axis=0) * 2 / h
        assert np.max(np.abs(slope + steep / r + (k**2 - m**2 / r**2) * value)) < 0.05 * np.max(np.abs(value)) * k**2
        finer = h / 2
        ring = series.evaluate(x + finer * np.cos(turn), r + finer * np.sin(turn))
        half = np.mean(ring[1] * np.cos(turn)[:, None] + ring[2] * np.sin(turn)[:, None], axis=0) * 2 / finer
        laplacian = (4 * half - slope) / 3  # without the error of order h^2
        assert (
            np.max(np.abs(laplacian + steep / r + (k**2 - m**2 / r**2) * value)) < 2e-4 * np.max(np.abs(value)) * k**2
        )
        mean = np.mean(ring[0], axis=0)
        assert np.max(np.abs(mean - value - finer**2 / 4 * laplacian)) < 1e-6 * np.max(np.abs(value))
        assert np.max(np.abs(along)) > 0


def test_the_series_have_zero_slope_on_both_sides_of_the_wall():
    x = -np.linspace(0.02, 0.35, 7)
    for r in (np.nextafter(1, 2), np.nextafter(1, 0)):
        value, _, steep = LipSeries(1, 9.0, 40, 0.36).evaluate(x, np.full(7, r))
        assert np.max(np.abs(steep)) < 1e-9 * np.max(np.abs(value))
    upper, lower = (LipSeries(1, 9.0, 40, 0.36).evaluate(x, np.full(7, r))[0] for r in (1 + 1e-12, 1 - 1e-12))
    assert np.max(np.abs(upper - lower)[:, 1::2]) > 0.1  # the odd ones jump


def test_the_leading_powers():
    rho, theta = 1e-6, 0.7
    value = LipSeries(2, 9.0, 6, 0.36).evaluate(np.array([rho * np.cos(theta)]), np.array([1 + rho * np.sin(theta)]))[0]
    for p in range(6):
        leading = (np.sin if p % 2 else np.cos)(p * theta / 2) * (rho / 0.36) ** (p / 2)
        assert value[0, p] == pytest.approx(float(mpmath.mpf(leading)), rel=1e-4, abs=0)


def test_the_series_are_refused_beyond_the_axis():
    with pytest.raises(ValueError, match=r"disc of radius 1\.0"):
        LipSeries(1, 9.0, 10, 1.0)


def test_a_field_around_the_lip(field):
    fit = lip_fit(stretched(), R)
    found, misfit = fit.apply(field.potential)
    rho = np.hypot(X[fit.used[0], None], R[fit.used[1]] - 1)
    assert np.array_equal(fit.known, np.hypot(stretched().x[fit.used[0], None], R[fit.used[1]] - 1) < 0.9 * 0.36)
    assert np.min(rho[fit.known]) < 0.03  # the closest cells
    assert np.all(misses(fit, found, field) < 1e-8)
    assert np.max(misfit) < 1e-8 * np.max(np.abs(field.potential))
    assert np.all(found[:, ~fit.known] == 0)


def test_a_field_at_the_ends(field):
    fits = end_fits(stretched(), X, R)
    covered = np.zeros((len(X), len(R)), int)
    for fit in fits:
        found, misfit = fit.apply(field.potential)
        covered[fit.used] += fit.known
        assert np.all(misses(fit, found, field) < 1e-8)
        assert np.max(misfit) < 1e-8 * np.max(np.abs(field.potential))
    ends = np.zeros(covered.shape, bool)
    ends[:5], ends[-5:], ends[:, -5:] = True, True, True
    assert np.array_equal(covered, ends.astype(int))  # each cell once


def test_sound_from_anywhere_at_the_ends():
    """A wave that travels upstream and one that grows away from the duct, no fields of the solver's."""
    m, _, mach = CASE
    case = stretched()
    for gamma in (5.0, 14.0):
        mu = -np.sqrt(case.wavenumber**2 - gamma**2 + 0j)
        phi = np.exp(1j * mu * (case.x - case.x[-1]))[:, None]
        back = 1 / case.turn[:, None]
        psi = phi * jv(m, gamma * R) * back
        u = (1j * mu - 1j * case.wavenumber * mach) * psi / case.beta
        v = phi * gamma * jvp(int(m), gamma * R) * back
        fit = end_fits(case, X, R)[2]  # downstream
        found, _ = fit.apply(psi)
        exact = np.stack([u, v])[:, *fit.used]
        assert np.max(np.abs(found - exact)[:, fit.known]) < 1e-8 * np.max(np.abs(exact))


def test_grids_with_few_cells_have_no_fits():
    few = np.arange(-3, 4) / 4 + 0.1
    assert lip_fit(Stretched.of(CASE, few), np.array([0.5, 0.75, 1.1])) is None
    assert end_fits(Stretched.of(CASE, few), few, np.array([0.5, 0.75, 1.1])) == []


@pytest.mark.parametrize(("noise", "largest"), [(10**-1.5, 8e-3), (1e-3, 8e-4), (1e-4, 4e-4)])
def test_one_fit_of_the_whole_grid_in_noise(field, noise, largest):
    rng = np.random.default_rng(1)
    size = np.sqrt(np.mean(np.abs(field.potential) ** 2) / 2)
    psi = field.potential + noise * size * (rng.normal(size=(*field.potential.shape, 2)) @ [1, 1j])
    found, misfit = JointWaves(stretched(), X, R).apply(psi, noise)
    for part, exact in zip(found, (field.axial_velocity, field.radial_velocity), strict=True):
        assert np.linalg.norm(part - exact) < largest * np.linalg.norm(exact)
    # what is left is the noise
    assert np.sqrt(np.mean(np.abs(misfit) ** 2)) == pytest.approx(noise * size * np.sqrt(2), rel=0.05)


def test_waves_that_the_cells_do_not_resolve_are_not_in_the_whole_grid():
    """At 16 cells per radius waves of 59 look like slower ones of other slopes: up to 120 % error at the ends."""
    x, r = (np.arange(64) + 0.5) / 16 - 2, (np.arange(40) + 0.5) / 20
    exact, rng = solve(ModeMixture(2, [1.0], 9.0, 0.3)).field(x, r), np.random.default_rng(0)
    size = np.sqrt(np.mean(np.abs(exact.potential) ** 2) / 2)
    psi = exact.potential + 1e-2 * size * (rng.normal(size=(*exact.potential.shape, 2)) @ [1, 1j])
    (u, _), _ = JointWaves(Stretched.of(CASE, x), x, r).apply(psi, 1e-2)
    assert np.linalg.norm(u - exact.axial_velocity) < 1e-2 * np.linalg.norm(exact.axial_velocity)
