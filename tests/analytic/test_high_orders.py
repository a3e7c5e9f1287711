"""High azimuthal orders and Helmholtz numbers, where H_m overflows: values against mpmath, and balances."""

import mpmath
import numpy as np
import pytest

from analytic import DuctMode, MultiMode, solve, sweep
from analytic.bessel import hankel_pair, small
from analytic.section import Section


def exact(m, hub, gamma, r):
    """S(gamma r) and S'(gamma r) times exp(-|Im gamma| r), and F(gamma), as mpmath numbers."""

    def slope(function, z):
        return function(m - 1, z) - m / z * function(m, z)

    z = mpmath.mpc(gamma)
    ratio = slope(mpmath.besselj, z * hub) / slope(mpmath.hankel1, z * hub) if hub else 0
    value = mpmath.besselj(m, z * r) - ratio * mpmath.hankel1(m, z * r)
    slopes = [slope(mpmath.besselj, z * one) - ratio * slope(mpmath.hankel1, z * one) for one in (r, 1)]
    decay = mpmath.exp(-abs(z.imag) * r)
    return value * decay, slopes[0] * decay, mpmath.pi * z * slopes[1] * slope(mpmath.hankel1, z)


@pytest.mark.parametrize(
    ("m", "hub", "gamma"),
    [
        (1, 0.0, 1e-160),
        (30, 0.0, 1e-11),
        (30, 0.4, 1e-11),
        (30, 0.9, 1e-6),
        (30, 0.9, 1.0),
        (100, 0.95, 1.0),
        (100, 0.95, 0.05),
        (150, 0.9, 4.0 + 1.0j),
        (200, 0.95, 6.0),
        (200, 0.01, 150.0),
        (300, 0.95, 40.0 + 2.0j),
    ],
)
def test_radial_functions_and_kernel_where_hankel_functions_overflow(m, hub, gamma):
    section, r = Section(m, hub), 0.97
    with mpmath.workdps(60):
        expected = exact(m, hub, gamma, r)
    given = np.array([complex(gamma)])
    found = [*section.radial(given, r), section.kernel(given)]
    for value, right in zip(found, expected, strict=True):
        assert np.isfinite(value[0])
        if abs(right) < 1e-290:  # below the normal doubles
            assert abs(value[0]) < 1e-280
        else:
            assert abs(value[0] - complex(right)) < 3e-13 * abs(right)


@pytest.mark.parametrize("m", [1, 26, 100, 300])
def test_series_of_small_arguments(m):
    for z in (small.smallest(m), small.smallest(m, small.UNDERFLOW) * np.exp(0.5j), small.reach(m) * np.exp(0.3j)):
        with mpmath.workdps(60):
            exact_z = mpmath.mpc(z)
            power = (exact_z / 2) ** m / mpmath.factorial(m)
            j, h = (f(m, exact_z) for f in (mpmath.besselj, mpmath.hankel1))
            slopes = [exact_z * f(m - 1, exact_z) - m * v for f, v in ((mpmath.besselj, j), (mpmath.hankel1, h))]
            right = [complex(one) for one in (j / power, slopes[0] / power, h * power, slopes[1] * power)]
        if abs(z) > small.smallest(m, small.UNDERFLOW) * 1.001:
            right, found = right[:2], small.series(m, np.array([z]))[:2]  # of H_m a part is missing there
        else:
            found = small.series(m, np.array([z]))
        for value, expected in zip(found, right, strict=True):
            assert abs(value[0] - expected) < 1e-11 * abs(expected)


def test_few_hankel_functions_of_high_order_below_the_axis():
    # scipy's hankel1e is 0 there from m = 86 on, without a warning.
    for m in (84, 85, 86, 90, 120):
        for z in (108.0 - 8e-15j, 108.0 - 0.5j, 150.0 - 3.0j, 40.0 - 1e-3j):
            with mpmath.workdps(30):
                h = [mpmath.hankel1(order, mpmath.mpc(z)) * mpmath.exp(-1j * mpmath.mpc(z)) for order in (m, m + 1)]
                right = complex(h[0]), complex(m / mpmath.mpc(z) * h[0] - h[1])
            found = hankel_pair(m, np.array([z]))
            assert max(abs(a[0] / b - 1) for a, b in zip(found, right, strict=True)) < 1e-12


@pytest.mark.parametrize("hub", [0.0, 0.01, 0.4, 0.9])
@pytest.mark.parametrize("m", [26, 30, 60, 84, 90, 110, 150, 200])
def test_directivities_and_power_of_high_orders(m, hub):
    solution = solve(DuctMode(m, 0, 1.2 * m, hub=hub))
    near_axis = [0.0, 1e-300, 1e-30, 1e-11, 1e-8, np.pi - 1e-11, np.pi]
    found = solution.directivity([*near_axis, np.pi / 2])
    np.testing.assert_array_equal(np.abs(found[:-1]) < 1e-150, True)
    assert abs(solution.power.residual) < 1e-12
    np.testing.assert_allclose(sweep(m, 0, 1.2 * m, [*near_axis, np.pi / 2], hub=hub).directivity[0], found, rtol=1e-9)


@pytest.mark.parametrize(("m", "n", "ka", "mach"), [(0, 0, 400.0, 0.0), (5, 3, 1000.0, 0.0), (0, 1, 120.0, 0.95)])
def test_the_power_of_many_lobes(m, n, ka, mach):
    assert abs(solve(DuctMode(m, n, ka, mach)).power.residual) < 1e-11


def test_incoherent_modes_of_a_fan_duct():
    source = MultiMode([DuctMode(m, 0, 100.0, -0.3, 0.4) for m in (26, 50, 84, 90, 95)], np.ones(5))
    assert abs(solve(source).power.residual) < 1e-12
