"""The kernel and its factors."""

import mpmath
import numpy as np
import pytest

from analytic import cut_on_helmholtz
from analytic.bessel import bessel_pair
from analytic.errors import ConvergenceError
from analytic.factorisation import Factorisation
from analytic.modes import radial_eigenvalue
from analytic.section import Section
from analytic.wavenumbers import radial_wavenumber

ORDERS = [0, 1, 5, 40]


def mp_kernel(m, z):
    with mpmath.workdps(100):
        z = mpmath.mpc(z)
        slope = [(f(m - 1, z) - f(m + 1, z)) / 2 for f in (mpmath.besselj, mpmath.hankel1)]
        return complex(mpmath.pi * z * slope[0] * slope[1])


@pytest.mark.parametrize("m", ORDERS)
def test_kernel_against_mpmath(m):
    points = [size * np.exp(1j * angle) for size in (1e-3, 0.3, 10.0, 45.0) for angle in (0.0, 0.8, 1.5, -0.3)]
    ours = Section(m).kernel(np.array(points))
    exact = np.array([mp_kernel(m, z) for z in points])
    assert np.max(np.abs(ours / exact - 1)) < 2e-13  # scipy's complex Bessel functions at m = 40


@pytest.mark.parametrize("m", ORDERS)
def test_kernel_changes_regime_smoothly(m):
    z = np.exp(0.7j) * 1e5 * np.array([1 - 1e-9, 1 + 1e-9])
    inner, outer = Section(m).kernel(z)
    assert abs(inner - outer) < 1e-14


@pytest.mark.parametrize("m", [1, 20])
def test_quotient_through_the_zero(m):
    alpha = radial_eigenvalue(m, 2)
    offsets = np.array([1e-9, 1e-3, 0.0199, 0.0201, 1.0, -0.5j])
    ours = Section(m).slope_quotient(alpha + offsets, alpha)
    with mpmath.workdps(40):
        root = mpmath.findroot(lambda z: mpmath.besselj(m - 1, z) - mpmath.besselj(m + 1, z), alpha)
        for offset, value in zip(offsets, ours, strict=True):
            z = mpmath.mpc(alpha + offset)
            exact = (mpmath.besselj(m - 1, z) - mpmath.besselj(m + 1, z)) / 2 / (z**2 - root**2)
            exact *= mpmath.exp(-abs(z.imag))
            # At 1e-9 the rounding of alpha itself is seen in z - alpha, not in ours.
            assert abs(value - complex(exact)) < (1e-12 if abs(offset) > 1e-8 else 1e-5) * abs(exact)
    assert np.all(np.isfinite(bessel_pair(m, np.array([1e-3 + 0j, 200j]))))


@pytest.mark.parametrize("m", ORDERS)
@pytest.mark.parametrize("k", [1e-3, 0.5, 12.0, 100.0])
def test_factors_multiply_to_the_kernel(m, k):
    """W_plus(s) W_plus(-s) = W(s); on one side of the line each point is the integral, beside it the subtracted one."""
    factors = Factorisation(Section(m), k)
    turn = np.exp(-0.25j * np.pi)  # the factorisation line: both s and -s go through the subtraction
    s = k * np.concatenate([turn * np.array([0.03, 0.4, 3.0, 1e3]) * np.exp(0.1j), [1e-7, 0.01, 0.01j]])
    product = factors.plus(s)[0] * factors.plus(-s)[0]
    gamma = radial_wavenumber(s, k)
    exact = 1j * Section(m).kernel(gamma) / gamma
    assert np.max(np.abs(product / exact - 1)) < 1e-11


@pytest.mark.parametrize("m", ORDERS)
@pytest.mark.parametrize("k", [1e-3, 0.5, 12.0, 100.0])
def test_error_estimate_holds_against_a_finer_rule(m, k, monkeypatch):
    rng = np.random.default_rng(7)
    s = k * 10 ** rng.uniform(-4, 4, 200) * np.exp(2j * np.pi * rng.random(200))
    value, error = Factorisation(Section(m), k).log_plus(s)
    monkeypatch.setattr("analytic.factorisation.STEP", 0.03)
    exact, floor = Factorisation(Section(m), k).log_plus(s)
    jump = np.exp(value - exact) - 1  # logarithms may differ by 2 pi i
    assert np.all(np.abs(jump) <= error + floor)


@pytest.mark.parametrize("offset", [1e-4, -1e-4, 1e-8, -1e-8, 1e-12])
def test_factor_beside_cut_on_is_continuous(offset):
    """The pair of zeros next to the origin is divided out: nothing happens to the rest."""
    cut_on = cut_on_helmholtz(2, 1)
    s = np.array([1.0 + 1j, 5.0, -3.0 + 2j])
    near, _ = Factorisation(Section(2), cut_on + offset).plus(s)
    at, _ = Factorisation(Section(2), cut_on + 1e-13).plus(s)
    assert np.max(np.abs(near / at - 1)) < 2 * np.sqrt(2 * cut_on * abs(offset)) + 1e-6  # the factor moves with kappa


def test_an_uncertain_phase_is_raised(monkeypatch):
    monkeypatch.setattr("analytic.factorisation._LARGEST_PHASE_STEP", 1e-6)
    with pytest.raises(ConvergenceError, match="phase"):
        Factorisation(Section(3), 20.0)
