"""Evaluation: the regime of every argument, and the reflections that fold the plane into a quadrant."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from ..arrays import ComplexArray
from .expansions import FarField
from .polynomials import horner, integer_power
from .taylor import FINE, SMALL, SPLIT, bessel_cells, hankel_cells, hankel_series

_CHUNK = 4096  # arguments worked on at a time: few enough for the processor's cache, enough to hide Python
# Arguments come in multiples of this, repeated if need be: products of fewer numbers, and the last ones of a product of
# matrices, are rounded in another way, and a value would depend on how many are asked for with it.
_WIDTH = 8
LARGEST_ORDER = 100  # m; the tables grow as m^2


def bessel(m: int, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
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
    return evaluate(tables(m).bessel, _checked(z))


def hankel(m: int, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
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
    return evaluate(tables(m).hankel, _checked(z))


def _checked(z: ComplexArray) -> ComplexArray:
    z = np.asarray(z, dtype=complex)
    if not np.isfinite(z).all():
        raise ValueError(f"arguments must be finite, got {z[~np.isfinite(z)][0]}")
    return z


def evaluate(
    function: Callable[[ComplexArray], tuple[ComplexArray, ComplexArray]], z: ComplexArray
) -> tuple[ComplexArray, ComplexArray]:
    """Apply a function of a one-dimensional array, chunk by chunk; z finite."""
    flat = z.ravel()
    # Products with a factor that underflows are meant to vanish, and those of one that overflows not to be finite.
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        chunks = max(1, -(-len(flat) // _CHUNK))
        if chunks == 1:
            value, slope = function(flat)
        else:
            value, slope = np.empty_like(flat), np.empty_like(flat)
            bounds = [len(flat) * chunk // chunks for chunk in range(chunks + 1)]
            for part in map(slice, bounds[:-1], bounds[1:]):
                value[part], slope[part] = function(flat[part])
    return value.reshape(z.shape), slope.reshape(z.shape)


# All orders that are cut on up to ka = 80; those of m = 80 take 10 MB.
@lru_cache(maxsize=80)
def tables(m: int) -> "Tables":
    if not (isinstance(m, int | np.integer) and 0 <= m <= LARGEST_ORDER):
        raise ValueError(f"the order must be an integer from 0 to {LARGEST_ORDER}, got m={m}")
    return Tables(int(m))


class Tables:
    """J and H of the order m, from tables."""

    def __init__(self, m: int) -> None:
        self.m = m
        self.reach = 20 + 1.2 * m  # the expansions are exact from here on; the tables would be further out, too
        # A power of two, so that nothing is rounded, about 2 (m!)^(1/m), so that nothing overflows.
        self.unit = 2.0 ** round(1 + math.log2(math.factorial(m)) / max(m, 1))
        self.far = FarField(m, self.reach)
        self.bessel_cells = bessel_cells(m, self.unit, self.reach)
        self.hankel_cells = hankel_cells(m, self.unit, self.reach, 1), hankel_cells(m, self.unit, FINE, SPLIT)
        self.series = hankel_series(m, self.unit)

    def bessel(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """`bessel` of this module for a one-dimensional z."""
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

    def hankel(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """`hankel` of this module for a one-dimensional z."""
        below = np.flatnonzero(z.imag < 0)
        # Half a spacing below the lattice, and far away, the tables serve Re z >= 0 still.
        modulus, depth = np.abs(z[below]), -z.imag[below]
        served = (depth < np.where(modulus < FINE, 0.5 / SPLIT, 0.5)) | (modulus >= self.reach)
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

    def _hankel_above(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """H where Im z >= 0, or little below it, or far."""
        folded = z.copy()
        np.abs(z.real, out=folded.real)
        regimes = (self._hankel_small, self._hankel_fine, self._hankel_near, self.far.hankel)
        value, slope = _by_regime(folded, (SMALL, FINE, self.reach), regimes)
        # H_m(-conj z) = (-1)^(m+1) conj H_m(z)
        turn = np.copysign(1.0, z.real)
        odd, even = (value, slope) if self.m % 2 == 0 else (slope, value)
        odd.real *= turn
        even.imag *= turn
        return value, slope

    def _bessel_near(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        value, slope = self.bessel_cells(z)
        decay = np.exp(-z.imag)
        if self.m == 0:
            return value * decay, slope * decay
        power = integer_power(z / self.unit, self.m - 1)  # J' = (z / unit)^(m - 1) (z Lambda' + m Lambda) / unit
        power *= decay / self.unit
        slope *= z
        slope += self.m * value
        slope *= power
        value *= z
        value *= power
        return value, slope

    def _hankel_near(self, z: ComplexArray, cells: int = 0) -> tuple[ComplexArray, ComplexArray]:
        value, slope = self.hankel_cells[cells](z)
        inverse = 1 / z
        slope += value * (1j - self.m * inverse)
        power = integer_power(inverse * self.unit, self.m)
        value *= power
        slope *= power
        return value, slope

    def _hankel_fine(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        return self._hankel_near(z, cells=1)

    def _hankel_small(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        value, slope = self.bessel_cells(z)
        inverse = 1 / z
        power, growth = integer_power(z / self.unit, self.m), integer_power(inverse * self.unit, self.m)
        slope += value * (self.m * inverse)
        logarithm = 1 + 2j / np.pi * np.log(0.5 * z)
        square = z * z
        series, derivative = horner(self.series, square)
        derivative = 2 * z * derivative - self.m * inverse * series
        scale = np.exp(-1j * z)
        h = (value * logarithm * power - 1j / np.pi * growth * series) * scale
        d = (slope * logarithm + 2j / np.pi * inverse * value) * power - 1j / np.pi * growth * derivative
        return h, d * scale


def _by_regime(
    z: ComplexArray,
    bounds: tuple[float, ...],
    functions: Sequence[Callable[[ComplexArray], tuple[ComplexArray, ComplexArray]]],
) -> tuple[ComplexArray, ComplexArray]:
    """Value and slope, from the function that applies in the range of |z|."""
    modulus = np.abs(z)
    low, high = modulus.min(initial=np.inf), modulus.max(initial=0.0)
    value, slope = np.empty_like(z), np.empty_like(z)
    edges = (-1.0, *bounds, np.inf)
    for lower, upper, function in zip(edges, edges[1:], functions, strict=False):
        if low >= lower and high < upper and len(z) % _WIDTH == 0:
            return function(z)
        where = np.flatnonzero((modulus >= lower) & (modulus < upper))
        if len(where):
            where = np.append(where, np.repeat(where[-1:], -len(where) % _WIDTH))
            value[where], slope[where] = function(z[where])
    return value, slope
