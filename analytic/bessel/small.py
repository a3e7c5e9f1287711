"""Power series of J_m and H_m at small arguments, where they leave the range of doubles; their size is taken out."""

import math
from functools import lru_cache

import numpy as np

from ..arrays import ComplexArray

# Decimal logarithm of |z^(m+1)| / (2^m m!), below which H_m' = O(2^m m! / z^(m+1)) is taken from the series: before the
# powers in the tables overflow, whose unit differs from 2 (m!)^(1/m) by up to sqrt(2).
OVERFLOW = -270.0
UNDERFLOW = -140.0  # the same, below which J_m' / H_m' leaves the range of doubles
_REACH = 4.4  # |z| / sqrt(m) up to which the series keep twelve digits
_TERMS = 80  # of the series; |z^2 / 4| < 5 m, and the terms fall as (z^2 / 4 m)^k / k!


@lru_cache(maxsize=1024)
def smallest(m: int, limit: float = OVERFLOW) -> float:
    """|z| below which H_m'(z) may overflow, or J_m'(z) / H_m'(z) underflow; 0 for m = 0, which does neither."""
    if m == 0:
        return 0.0
    exponent = limit + m * math.log10(2.0) + math.lgamma(m + 1) / math.log(10.0)
    return 10.0 ** (exponent / (m + 1))


def reach(m: int) -> float:
    """|z| up to which `series` holds."""
    return _REACH * math.sqrt(m)


def series(m: int, z: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray, ComplexArray]:
    """J_m / P, z J_m' / P, P H_m and P z H_m' with P = (z/2)^m / m!; m >= 1, |z| up to `reach`.

    DLMF 10.2.2 and 10.8.1, without the terms of H_m that are P^2 times those kept.
    """
    square = np.asarray(0.25 * z**2, dtype=complex)
    value: ComplexArray = np.zeros(square.shape, complex)
    slope, out, out_slope, regular = value.copy(), value.copy(), value.copy(), value + 1.0
    singular = value - 1j / (np.pi * m)
    for k in range(_TERMS):
        value += regular
        slope += (m + 2 * k) * regular
        regular = regular * (-square / ((k + 1) * (m + k + 1)))
        if k < m:
            out += singular
            out_slope += (2 * k - m) * singular
            singular = singular * (square / ((k + 1) * max(m - 1 - k, 1)))
    return value, slope, out, out_slope
