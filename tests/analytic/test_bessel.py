"""Tables of Bessel and Hankel functions against power series at raised precision, and against themselves."""

import mpmath as mp
import numpy as np
import pytest
from scipy import special

from analytic.bessel import bessel, bessel_pair, hankel, hankel_pair
from analytic.bessel.evaluation import tables

ORDERS = [0, 1, 2, 10, 13, 40, 80]
EPS = np.finfo(float).eps


def reach(m):
    """Where the expansions for large arguments begin."""
    return tables(m).reach


def tolerance(m):
    """Relative, of a pair: the condition number m of z^m, and the scipy values the tables start from."""
    return 1e-14 + m * 1e-15


def series(m, z):
    """J_m and Y_m by DLMF 10.2.2 and 10.8.1."""
    x, half = (z / 2) ** 2, (z / 2) ** m
    j, y = mp.mpc(0), mp.mpc(0)
    term = half / mp.factorial(m)
    harmonic = mp.harmonic(m) - 2 * mp.euler
    k = 0
    while k < abs(z) or abs(term) > mp.eps * mp.mpf(10) ** -10 * abs(j):
        j += term
        y -= harmonic * term
        k += 1
        harmonic += mp.mpf(1) / k + mp.mpf(1) / (m + k)
        term *= -x / (k * (m + k))
    finite, power = mp.mpc(0), mp.factorial(m - 1) / half if m else 0
    for k in range(m):
        finite += power
        power *= x / ((k + 1) * (m - k - 1)) if k + 1 < m else 0
    return j, (2 * mp.log(z / 2) * j + y - finite) / mp.pi


def exact(m, z):
    """Rows J, J', H, H' scaled as by `bessel` and `hankel`."""
    rows = []
    for point in map(mp.mpc, z):
        size = float(abs(point))
        with mp.workdps(25 + int(0.9 * min(size, 500))):  # the terms reach exp(|z|), the sum exp(-|z|)
            if size < 500:
                (j, y), (j1, y1) = series(m, point), series(m + 1, point)
                h, h1 = j + 1j * y, j1 + 1j * y1
            else:
                j, j1 = mp.besselj(m, point), mp.besselj(m + 1, point)
                h, h1 = (2 / (mp.pi * 1j) * mp.mpc(0, -1) ** n * mp.besselk(n, -1j * point) for n in (m, m + 1))
            down, turn = mp.exp(-abs(point.imag)), mp.exp(-1j * point)
            pairs = (j * down, (m / point * j - j1) * down, h * turn, (m / point * h - h1) * turn)
            rows.append([complex(v) for v in pairs])
    return np.array(rows).T


def deviation(got, want):
    """Largest error of a pair, relative to the pair."""
    return float(np.max(np.abs(np.subtract(got, want)) / np.sum(np.abs(want), axis=0)))


def arguments(rng, lower, upper, count):
    """Random arguments in the sector, half of them next to its special directions."""
    modulus = np.exp(rng.uniform(np.log(lower), np.log(upper), count))
    special = rng.choice([-25.0, 0.0, 90.0, 155.0], count) + rng.normal(scale=0.5, size=count)
    angle = np.where(rng.random(count) < 0.5, special, rng.uniform(-25, 155, count))
    return modulus * np.exp(1j * np.radians(angle))


@pytest.mark.parametrize("m", ORDERS)
def test_every_regime_against_the_power_series(m):
    rng = np.random.default_rng(m)
    r = reach(m)
    least = 1e-8 if m < 40 else 1e-2  # H_40(1e-8) overflows
    ranges = [(least, 1e-2), (1e-2, 2), (2, 8), (8, 0.7 * r), (0.7 * r, r), (r, 1.3 * r), (1.3 * r, 300)]
    z = np.concatenate([arguments(rng, a, b, 7) for a, b in ranges])
    j, dj, h, dh = exact(m, z)
    assert deviation(bessel(m, z), (j, dj)) < tolerance(m)
    assert deviation(hankel(m, z), (h, dh)) < tolerance(m)


@pytest.mark.parametrize("m", [*ORDERS, 12])
def test_large_arguments(m):
    z = arguments(np.random.default_rng(100 + m), 1e4, 1e9, 10)
    j, dj, h, dh = exact(m, z)
    assert deviation(bessel(m, z), (j, dj)) < tolerance(m)
    assert deviation(hankel(m, z), (h, dh)) < tolerance(m)


@pytest.mark.parametrize("m", ORDERS)
def test_boundaries_of_regimes(m):
    # Either side by a relative 1e-13, both against the series: continuity with it.
    rng = np.random.default_rng(200 + m)
    modulus = np.repeat([2.0, 8.0, reach(m)], 4)
    edge = modulus * np.exp(1j * np.radians(rng.uniform(-25, 155, modulus.size)))
    z = np.concatenate([edge * (1 - 1e-13), edge * (1 + 1e-13)])
    j, dj, h, dh = exact(m, z)
    assert deviation(bessel(m, z), (j, dj)) < tolerance(m)
    assert deviation(hankel(m, z), (h, dh)) < tolerance(m)


@pytest.mark.parametrize("m", ORDERS)
def test_corners_of_cells(m):
    # Farthest from the centres of the Taylor series, on either side of the border and of the real axis.
    rng = np.random.default_rng(300 + m)
    x, y = rng.integers(0, int(0.65 * reach(m)), (2, 10)) + 0.5
    x, y = np.append(x, rng.integers(8, 20, 4) / 4 + 0.125), np.append(y, rng.integers(0, 20, 4) / 4 + 0.125)
    corner = np.concatenate([x + 1j * y, x[:6] - 0.12499j, x[:6] - 0.12501j, x[:6] - 0.49999j, x[:6] - 0.50001j])
    z = np.concatenate([corner * (1 - 1e-13), corner * (1 + 1e-13)])
    j, dj, h, dh = exact(m, z)
    assert deviation(bessel(m, z), (j, dj)) < tolerance(m)
    assert deviation(hankel(m, z), (h, dh)) < tolerance(m)


@pytest.mark.parametrize("m", ORDERS)
def test_wronskian(m):
    """J H' - J' H = 2i/(pi z) (DLMF 10.5.3), wherever the products are not smaller than their rounding."""
    z = arguments(np.random.default_rng(400 + m), max(0.1, 0.05 * m), 1e4, 20_000)
    z = z[z.imag >= 0]
    (j, dj), (h, dh) = bessel(m, z), hankel(m, z)
    terms = np.array([j * dh, -dj * h]) * np.exp(1j * z.real)  # the scales' Im z cancel
    error = np.abs(terms.sum(axis=0) - 2j / (np.pi * z)) / np.abs(terms).sum(axis=0)
    assert np.max(error / (tolerance(m) + 4 * EPS * np.abs(z))) < 1  # exp(i Re z) costs |z| eps


def test_all_quadrants_and_shapes():
    rng = np.random.default_rng(5)
    z = rng.normal(size=(3, 10)) * 20 + 20j * rng.normal(size=(3, 10))
    for m in (0, 3, 14):
        reference = exact(m, z.ravel())
        for got, want in ((bessel(m, z), reference[:2]), (hankel(m, z), reference[2:])):
            assert got[0].shape == z.shape
            assert deviation([part.ravel() for part in got], want) < tolerance(m)


def test_origin():
    for m, value, slope in ((0, 1, 0), (1, 0, 0.5), (2, 0, 0), (80, 0, 0)):
        assert [part.item() for part in bessel(m, [0j])] == [value, slope]
    # Below the smallest number J is 0; H is beyond the largest.
    assert bessel(80, [1e-8 + 0j])[0].item() == 0
    assert not np.isfinite(hankel(80, [1e-8 + 0j])[0].item())


def test_empty_and_refused():
    assert bessel(3, np.zeros((0, 4), complex))[0].shape == (0, 4)
    assert hankel(3, np.zeros(0, complex))[1].shape == (0,)
    for m in (-1, 101, 0.5):
        with pytest.raises(ValueError, match="order"):
            bessel(m, [1j])
    for function in (bessel, hankel):
        with pytest.raises(ValueError, match="finite"):
            function(2, [1.0, complex(np.nan, 0), 2.0])


@pytest.mark.parametrize(("m", "count"), [(101, 200), (120, 300), (3, 5)])
def test_orders_without_tables_and_few_arguments_are_scipys(m, count):
    z = np.linspace(90.0, 180.0, count) + 2j
    for pair, function, growth in (
        (bessel_pair, special.jv, np.exp(-2.0)),
        (hankel_pair, special.hankel1, np.exp(-1j * z)),
    ):
        value, slope = pair(m, z)
        exact, beside = function(m, z) * growth, 0.5 * (function(m - 1, z) - function(m + 1, z)) * growth
        scale = np.abs(exact) + np.abs(beside)
        assert np.max(np.abs(value - exact) / scale) < 1e-11  # the recurrence for the slope loses a digit or two
        assert np.max(np.abs(slope - beside) / scale) < 1e-11


@pytest.mark.parametrize("function", [bessel, hankel])
@pytest.mark.parametrize("m", [0, 3, 20])
def test_a_value_is_the_same_whatever_is_asked_for_with_it(function, m):
    """To the last bit: sums of products of matrices, and of one number alone, may be rounded in other ways."""
    rng = np.random.default_rng(8)
    z = rng.uniform(-70, 70, 1500) + 1j * rng.uniform(-5, 60, 1500)
    every = function(m, z)
    for count in (1, 2, 3, 7, 130):
        for first in range(0, 1300, 61):
            part = slice(first, first + count)
            for some, whole in zip(function(m, z[part]), every, strict=True):
                np.testing.assert_array_equal(some, whole[part])


@pytest.mark.parametrize("m", [13, 20, 57])
def test_on_the_imaginary_axis_rounding_does_not_choose_the_branch(m):
    z = 1j * np.geomspace(10, 1e7, 1500)
    slope = 0.5 * (special.jve(m - 1, z) - special.jve(m + 1, z))
    for ours, theirs in zip(bessel_pair(m, z), (special.jve(m, z), slope), strict=True):
        assert np.max(np.abs(ours - theirs) / np.abs(theirs)) < 1e-11
