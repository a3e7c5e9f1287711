r"""Bessel and Hankel functions of one order at many complex arguments, several times faster than one by one.

The spectra of a near field need J_m, H_m = H_m^(1) and their derivatives at r gamma for every radius r and every node
gamma of a contour: ten thousand arguments for one m. Here they come from tables, made once for each m.

Both functions are symmetric about the imaginary axis, J_m also about the real one, and H_m follows from both below
it, so that the quadrant Re z >= 0, Im z >= 0 suffices. Three regimes remain:

near     |z| < R = 20 + 1.2 m: Taylor series about the closest point of a square lattice of
             Lambda(z) = m! (2/z)^m J_m(z)    and    G(z) = (z/2)^m / m! e^{-iz} H_m(z),
         which change by no more than a factor e or so over a distance 1, at z << m as at z >> m (in place of m! 2^m
         the code has a power of two that is near). The lattice has the spacing 1; for G, which has a branch point at
         0, a quarter of that in |z| < 8.
far      |z| >= R: Debye's expansion, with q = 1/s, s = sqrt(z^2 - m^2), E = e^{i(s - z)} ((s + im)/z)^m:
             H_m ~ sqrt(2 q/pi) e^{i(z - m pi/2 - pi/4)} E A(q),    H_m' ~ i (s/z) sqrt(2 q/pi) ... E B(q).
         Re-ordered by powers of q for the one m, A and B are polynomials whose even coefficients are real and whose
         odd ones are imaginary; those of H^(2) are their conjugates. For small m Hankel's expansion, which has q = 1/z
         and E = 1, is as short and costs less.
small    |z| < 2, H only: J_m (1 + 2i/pi log(z/2)) and a power series.

References
----------
NIST Digital Library of Mathematical Functions (DLMF), chapter 10: 10.6.6 derivatives of z^m H_m, 10.8.1 power series,
10.17 Hankel's expansion, 10.19.6-7 and 10.41.7-9 Debye's. Reflections: 10.11.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import Polynomial
from scipy import special

_CHUNK = 4096  # arguments worked on at a time: few enough for the processor's cache, enough to hide Python
_TERMS = 18  # of a Taylor series: 0.71^18 / 18! and (0.18 / 1.8)^18 are below 1e-17
_SMALL, _FINE = 2.0, 8.0  # |z| up to which H comes from its power series, from the finer lattice
_SPLIT = 4  # finer spacings to a coarse one
_SERIES = 14  # terms of H's power series: 1 / 14!^2 < 1e-20
LARGEST_ORDER = 100  # m; the tables grow as m^2
_HANKEL = 12  # largest m with Hankel's expansion; then m^2 / 2R < 2, and its terms cancel no more than a digit
_ORDERS = 44  # of Debye's or Hankel's expansion; cut where they have converged
_EPS = np.finfo(float).eps


def bessel(m, z):
    """J_m(z) and J_m'(z), both times exp(-|Im z|).

    Parameters
    ----------
    m : int
        Azimuthal order, m >= 0.
    z : (...) complex array

    Returns
    -------
    value, slope : (...) complex arrays
        Relative error of the pair, |error| / (|value| + |slope|), up to (5 + m) 1e-15, and |z| eps by the phase.

    Raises
    ------
    ValueError
        The order is outside 0 ... 100, or an argument is not finite.
    """
    return _evaluate(_tables(m).bessel, z)


def hankel(m, z):
    """H_m(z) and H_m'(z) of the first kind, both times exp(-i z); well below the real axis at twice the cost.

    Parameters
    ----------
    m : int
        Azimuthal order, m >= 0.
    z : (...) complex array
        Not zero; -pi < arg z <= pi.

    Returns
    -------
    value, slope : (...) complex arrays
        Relative error of the pair as for `bessel`; not finite where |H_m| overflows.

    Raises
    ------
    ValueError
        The order is outside 0 ... 100, or an argument is not finite.
    """
    return _evaluate(_tables(m).hankel, z)


def _evaluate(function, z):
    """Apply a function of a one-dimensional array, chunk by chunk."""
    z = np.asarray(z, dtype=complex)
    if not np.isfinite(z).all():
        raise ValueError(f"arguments must be finite, got {z[~np.isfinite(z)][0]}")
    flat = z.ravel()
    value, slope = np.empty_like(flat), np.empty_like(flat)
    # Products with a factor that underflows are meant to vanish, and those of one that overflows not to be finite.
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        chunks = max(1, -(-len(flat) // _CHUNK))
        bounds = [len(flat) * chunk // chunks for chunk in range(chunks + 1)]
        for part in map(slice, bounds[:-1], bounds[1:]):
            value[part], slope[part] = function(flat[part])
    return value.reshape(z.shape), slope.reshape(z.shape)


@lru_cache(maxsize=32)
def _tables(m):
    if not (isinstance(m, int | np.integer) and 0 <= m <= LARGEST_ORDER):
        raise ValueError(f"the order must be an integer from 0 to {LARGEST_ORDER}, got m={m}")
    return _Tables(int(m))


class _Tables:
    """J and H of the order m, from tables."""

    def __init__(self, m):
        self.m = m
        self.reach = 20 + 1.2 * m
        # A power of two, so that nothing is rounded, about 2 (m!)^(1/m), so that nothing overflows.
        self.unit = 2.0 ** round(1 + math.log2(math.factorial(m)) / max(m, 1))
        self.far = _Far(m, self.reach)
        self.bessel_cells = _bessel_cells(m, self.unit, self.reach)
        self.hankel_cells = _hankel_cells(m, self.unit, self.reach, 1), _hankel_cells(m, self.unit, _FINE, _SPLIT)
        self.series = _hankel_series(m, self.unit)

    def bessel(self, z):
        """As the module's `bessel`, z one-dimensional."""
        folded = np.empty_like(z)
        np.abs(z.real, out=folded.real)
        np.abs(z.imag, out=folded.imag)
        value, slope = _by_regime(folded, (self.reach,), (self._bessel_near, self.far.bessel))
        # J_m(conj z) = conj J_m(z), J_m(-z) = (-1)^m J_m(z)
        turn, up = np.copysign(1.0, z.real), np.copysign(1.0, z.imag)
        odd, even = (slope, value) if self.m % 2 == 0 else (value, slope)
        odd.real *= turn
        odd.imag *= up
        even.imag *= turn * up
        return value, slope

    def hankel(self, z):
        """As the module's `hankel`, z one-dimensional."""
        below = np.flatnonzero(z.imag < 0)
        # Half a spacing below the lattice, and far away, the tables serve Re z >= 0 still.
        modulus, depth = np.abs(z[below]), -z.imag[below]
        served = (depth < np.where(modulus < _FINE, 0.5 / _SPLIT, 0.5)) | (modulus >= self.reach)
        below = below[(z.real[below] < 0) | ~served]
        if not len(below):
            return self._hankel_above(z)
        # H = 2 J - H^(2), and H^(2)(z) is the conjugate of H(conj z)
        z = z.copy()
        lower = z[below]
        z[below] = lower.conj()
        value, slope = self._hankel_above(z)
        turn, decay = 2 * np.exp(-1j * lower.real), np.exp(-2j * lower)
        for h, j in zip((value, slope), self.bessel(lower), strict=True):
            h[below] = turn * j - decay * h[below].conj()
        return value, slope

    def _hankel_above(self, z):
        """H where Im z >= 0, or little below it, or far."""
        folded = z.copy()
        np.abs(z.real, out=folded.real)
        regimes = (self._hankel_small, self._hankel_fine, self._hankel_near, self.far.hankel)
        value, slope = _by_regime(folded, (_SMALL, _FINE, self.reach), regimes)
        # H_m(-conj z) = (-1)^(m+1) conj H_m(z)
        turn = np.copysign(1.0, z.real)
        odd, even = (value, slope) if self.m % 2 == 0 else (slope, value)
        odd.real *= turn
        even.imag *= turn
        return value, slope

    def _bessel_near(self, z):
        value, slope = self.bessel_cells(z)
        decay = np.exp(-z.imag)
        if self.m == 0:
            return value * decay, slope * decay
        power = _power(z / self.unit, self.m - 1)  # J' = (z / unit)^(m - 1) (z Lambda' + m Lambda) / unit
        power *= decay / self.unit
        slope *= z
        slope += self.m * value
        slope *= power
        value *= z
        value *= power
        return value, slope

    def _hankel_near(self, z, cells=0):
        value, slope = self.hankel_cells[cells](z)
        inverse = 1 / z
        slope += value * (1j - self.m * inverse)
        power = _power(inverse * self.unit, self.m)
        value *= power
        slope *= power
        return value, slope

    def _hankel_fine(self, z):
        return self._hankel_near(z, cells=1)

    def _hankel_small(self, z):
        value, slope = self.bessel_cells(z)
        inverse = 1 / z
        power, growth = _power(z / self.unit, self.m), _power(inverse * self.unit, self.m)
        slope += value * (self.m * inverse)
        logarithm = 1 + 2j / np.pi * np.log(0.5 * z)
        square = z * z
        series, derivative = _horner(self.series, square)
        derivative = 2 * z * derivative - self.m * inverse * series
        scale = np.exp(-1j * z)
        h = (value * logarithm * power - 1j / np.pi * growth * series) * scale
        d = (slope * logarithm + 2j / np.pi * inverse * value) * power - 1j / np.pi * growth * derivative
        return h, d * scale


def _by_regime(z, bounds, functions):
    """Value and slope, from the function whose turn it is between the bounds of |z|."""
    modulus = np.abs(z)
    low, high = modulus.min(initial=np.inf), modulus.max(initial=0.0)
    value, slope = np.empty_like(z), np.empty_like(z)
    edges = (-1.0, *bounds, np.inf)
    for lower, upper, function in zip(edges, edges[1:], functions, strict=False):
        if low >= lower and high < upper:
            return function(z)
        if high >= lower and low < upper:
            where = np.flatnonzero((modulus >= lower) & (modulus < upper))
            value[where], slope[where] = function(z[where])
    return value, slope


def _power(base, exponent):
    """base^exponent for a non-negative integer, by repeated squaring; may return base."""
    if exponent == 0:
        return np.ones_like(base)
    result = None
    while True:
        if exponent % 2:
            result = base if result is None else result * base
        exponent //= 2
        if not exponent:
            return result
        base = base * base


def _horner(coefficients, z):
    """A polynomial and its derivative; coefficients from degree 0 upwards."""
    value, slope = np.full_like(z, coefficients[-1]), np.zeros_like(z)
    for c in coefficients[-2::-1]:
        slope *= z
        slope += value
        value *= z
        value += c
    return value, slope


def _polynomials(coefficients, z):
    """Polynomials of real coefficients (polynomial, degree), as a product of real matrices: (polynomial, argument)."""
    powers = np.empty((coefficients.shape[1], len(z)), complex)
    powers[0] = 1
    for degree in range(1, len(powers)):
        np.multiply(powers[degree - 1], z, out=powers[degree])
    return (coefficients @ powers.view(float)).view(complex)


@dataclass(frozen=True)
class _Cells:
    """Taylor series about the points of a square lattice in Re >= 0, Im >= 0.

    coefficients : (term, cell) complex array, of powers of the distance in units of the spacing.
    """

    coefficients: np.ndarray
    per_unit: int  # cells to a length 1
    width: int  # cells in a row along the real axis

    def __call__(self, z):
        """Value and slope at a one-dimensional array."""
        distance = z * self.per_unit
        column, row = np.rint(distance.real), np.rint(distance.imag)
        distance.real -= column
        distance.imag -= row
        cell = (self.width * row + column).astype(np.intp)
        value, term = self.coefficients[-1].take(cell), np.empty_like(z)
        slope = np.zeros_like(z)
        for c in self.coefficients[-2::-1]:
            slope *= distance
            slope += value
            value *= distance
            value += c.take(cell, out=term, mode="clip")  # "raise" would copy
        slope *= self.per_unit
        return value, slope


def _lattice(closest, reach, per_unit):
    """Centres z0 (cell,) of a lattice, its width, and which of them have arguments closest <= |z| < reach beside."""
    width = math.ceil(reach * per_unit) + 1
    columns, rows = np.meshgrid(np.arange(width), np.arange(width))
    centre = (columns + 1j * rows).ravel() / per_unit
    margin = 0.75 / per_unit  # half a diagonal and more
    return centre, width, (np.abs(centre) > closest - margin) & (np.abs(centre) < reach + margin)


def _taylor(orders, centre, per_unit):
    """Coefficients in delta of sum_k orders[k]/k! tau^k, tau = delta + delta^2/(2 z0): a series in z^2, at z0."""
    coefficients = np.zeros((_TERMS, len(centre)), complex)
    inverse = 0.5 / centre
    for k in range(_TERMS):
        term = orders[k] / math.factorial(k)
        for j in range(min(k + 1, _TERMS - k)):
            coefficients[k + j] += math.comb(k, j) * term
            term = term * inverse
    return coefficients / float(per_unit) ** np.arange(_TERMS)[:, None]


def _bessel_cells(m, unit, reach):
    """Lambda: (d/d(z^2))^k z^-m J_m = (-1/2)^k z^(-m-k) J_(m+k)."""
    centre, width, used = _lattice(1, reach, 1)
    z0 = centre[used]
    top = m + _TERMS
    # Downwards, where J is the growing solution of the recurrence.
    orders = [special.jve(top, z0), special.jve(top - 1, z0)]
    for order in range(top - 1, m, -1):
        orders.append(2 * order / z0 * orders[-1] - orders[-2])
    # The high orders of scipy have larger relative errors, which J_m and J_(m+1) take out.
    low = orders[-1], orders[-2]
    exact = special.jve(m, z0), special.jve(m + 1, z0)
    size = [np.abs(value) for value in low]
    correction = np.where(size[0] > size[1], exact[0], exact[1]) / np.where(size[0] > size[1], *low)
    scale = correction * np.exp(z0.imag) * _power(unit / z0, m)
    orders = [(-1) ** k * scale * value for k, value in enumerate(orders[:0:-1])]
    coefficients = np.zeros((_TERMS, len(centre)), complex)
    coefficients[:, used] = _taylor(orders, z0, 1)
    for k in range(_TERMS // 2):  # at z0 = 0 the power series itself
        coefficients[2 * k, 0] = (-0.25) ** k / (math.factorial(k) * math.factorial(m + k)) * (unit / 2) ** m
    return _Cells(coefficients, 1, width)


def _hankel_cells(m, unit, reach, per_unit):
    """G: (d/d(z^2))^k z^m H_m = 2^-k z^(m-k) H_(m-k)."""
    centre, width, used = _lattice(_FINE if per_unit == 1 else _SMALL, reach, per_unit)
    z0 = centre[used]
    # Upwards, where H is the growing solution of the recurrence; H_-n = (-1)^n H_n.
    first, last = max(m - _TERMS + 1, 0), max(m, _TERMS - 1 - m)
    values = {first: special.hankel1e(first, z0), first + 1: special.hankel1e(first + 1, z0)}
    for order in range(first + 1, last):
        values[order + 1] = 2 * order / z0 * values[order] - values[order - 1]
    scale = _power(z0 / unit, m)
    orders = [scale * values[abs(order)] * (1 if order >= 0 else (-1) ** order) for order in range(m, m - _TERMS, -1)]
    plain = _taylor(orders, z0, per_unit)
    coefficients = np.zeros((_TERMS, len(centre)), complex)
    scaled = np.zeros_like(plain)
    for k in range(_TERMS):  # times exp(-i delta)
        scaled[k:] += (-1j / per_unit) ** k / math.factorial(k) * plain[: _TERMS - k]
    coefficients[:, used] = scaled
    return _Cells(coefficients, per_unit, width)


def _hankel_series(m, unit):
    """Coefficients in z^2 of S, H_m = J_m (1 + 2i/pi log(z/2)) - i/pi (unit / z)^m S (DLMF 10.8.1)."""
    coefficients = []
    for k in range(_SERIES):
        if k < m:
            c = math.factorial(m - k - 1) / (math.factorial(k) * (unit / 2) ** m)
        else:
            digamma = special.digamma(k - m + 1) + special.digamma(k + 1)
            c = (-1) ** (k - m) * digamma * (2 / unit) ** m / (math.factorial(k - m) * math.factorial(k))
        coefficients.append(c / 4.0**k)
    return coefficients


class _Far:
    """Debye's or Hankel's expansion, Re z >= 0: A = A+ + i A-, B = B+ + i B-, polynomials with real coefficients."""

    def __init__(self, m, reach):
        self.m = m
        self.debye = m > _HANKEL
        q = 1 / math.sqrt(reach**2 - m**2) if self.debye else 1 / reach
        value, slope = _debye_coefficients(m) if self.debye else _hankel_coefficients(m)
        self.parts = _parts(value, slope, q)
        self.phase = np.exp(-0.25j * np.pi) * (-1j) ** (m % 4)

    def _common(self, z):
        """A+, A-, B+, B-; sqrt(2 q/pi), E and s/z, the last two None where they are one."""
        if self.debye:
            inverse = 1 / z
            s = np.sqrt((z - self.m) * (z + self.m))
            factor = np.exp(-1j * self.m**2 / (s + z)) * _power((s + 1j * self.m) * inverse, self.m)
            q, ratio = 1 / s, s * inverse
        else:
            q, factor, ratio = 1 / z, None, None
        square = q * q
        even, odd, slope_even, slope_odd = _polynomials(self.parts, square)
        odd *= q
        slope_odd *= q
        return even, odd, slope_even, slope_odd, _root(2 / np.pi * q), factor, ratio

    def hankel(self, z):
        """H_m and H_m' times exp(-iz)."""
        even, odd, slope_even, slope_odd, scale, factor, ratio = self._common(z)
        scale *= self.phase
        if self.debye:
            scale *= factor
        odd *= 1j
        odd += even
        odd *= scale
        slope_even *= 1j
        slope_even -= slope_odd
        slope_even *= scale
        if self.debye:
            slope_even *= ratio
        return odd, slope_even

    def bessel(self, z):
        """J_m = (H_m + H^(2)_m) / 2 and J_m' times exp(-Im z), Im z >= 0."""
        even, odd, slope_even, slope_odd, scale, factor, ratio = self._common(z)
        wave = np.empty_like(z)  # exp(i Re z)
        np.cos(z.real, out=wave.real)
        np.sin(z.real, out=wave.imag)
        wave *= self.phase
        other = wave.conj()
        wave *= np.exp(-2 * z.imag)
        if self.debye:
            wave *= factor
            other /= factor
        scale *= 0.5
        total = (wave + other) * scale
        wave -= other
        wave *= scale
        wave *= 1j
        value = even * total
        odd *= wave
        value += odd
        slope_even *= wave
        slope_odd *= total
        slope_even -= slope_odd
        if self.debye:
            slope_even *= ratio
        return value, slope_even


def _root(z):
    """Square root where Re z >= 0, in real arithmetic: numpy's complex one is ten times slower."""
    result = np.empty_like(z)
    np.sqrt(0.5 * (np.abs(z) + z.real), out=result.real)
    np.divide(0.5 * z.imag, result.real, out=result.imag)
    return result


def _parts(value, slope, q):
    """Real coefficients in q^2 of A+, A-, B+, B- (part, term), of sum_n i^n c_n q^n, as long as |q| needs them."""
    parts = []
    for c in (value[::2], value[1::2], slope[::2], slope[1::2]):
        size = np.abs(c) * q ** (2 * np.arange(len(c)))
        small = np.flatnonzero(size < 0.02 * _EPS)
        parts.append((c * (-1.0) ** np.arange(len(c)))[: small[0] if len(small) else np.argmin(size)])
    matrix = np.zeros((len(parts), max(map(len, parts))))
    for row, part in zip(matrix, parts, strict=True):
        row[: len(part)] = part
    return matrix


def _hankel_coefficients(m):
    """a_n and b_n of DLMF 10.17.1 and 10.17.8: A = sum i^n a_n / z^n, B with b_n."""
    a, b = [1.0], [1.0]
    for n in range(1, _ORDERS):
        b.append(a[-1] * (4 * m**2 + 4 * n**2 - 1) / (8 * n))
        a.append(a[-1] * (4 * m**2 - (2 * n - 1) ** 2) / (8 * n))
    return np.array(a), np.array(b)


def _debye_coefficients(m):
    """As `_hankel_coefficients` in powers of q: Debye's polynomials U_k(i m q) / m^k, V_k(i m q) / m^k summed."""
    a, b = np.zeros(3 * _ORDERS), np.zeros(3 * _ORDERS)
    t = Polynomial([0.0, 1.0])
    u = Polynomial([1.0])
    previous = Polynomial([0.0])
    for k in range(_ORDERS):
        v = u + t * (t**2 - 1) * (0.5 * previous + t * previous.deriv())
        for total, polynomial in ((a, u), (b, v)):
            c = np.asarray(polynomial.coef, dtype=float)
            n = np.arange(len(c))
            total[: len(c)] += (-1.0) ** n * c * float(m) ** (n - k)
        previous = u
        u = 0.5 * t**2 * (1 - t**2) * u.deriv() + 0.125 * ((1 - 5 * t**2) * u).integ()
    return a, b
