"""Inverse logarithmic derivatives of cylinder functions, Q = f(z) / (z f'(z)), also where f over- or underflows.

With L = 1 / Q, Bessel's equation is z L' + L^2 + z^2 - m^2 = 0. So Q' = (1 + (z^2 - m^2) Q^2) / z, and for f ~ exp(i
sigma z) the expansion L = i sigma z - 1/2 + a_1 / z + ... follows by equating powers.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from .arrays import ComplexArray, FloatArray

# |z| beyond which the expansion serves, 40 + 8 m: its terms fall like (m / z)^j, and like j! / (2 z)^j for small m.
_NEAREST, _PER_ORDER = 40.0, 8.0
_TERMS = 16
_STILL = 1e-7  # |z| below which f of a wall is r^m + h^2m r^-m to rounding
_SOLID = 20.0  # and Im z (1 - h): exp(-2 Im z) is then below rounding, and only one exponential is left


def quotient(
    m: int,
    pair: Callable[[ComplexArray, Any], tuple[ComplexArray, ComplexArray]],
    z: ComplexArray,
    sigma: int,
    hub: FloatArray | float = 0.0,
) -> ComplexArray:
    """Q at z.

    Parameters
    ----------
    m : int
        Azimuthal order.
    pair : callable
        f and f' times one and the same factor, at (node,) arguments and the hubs at these.
    z : (...) complex array
    sigma : {1, -1}
        f decays (1) or grows (-1) like exp(i sigma z) with Im z.
    hub : float or array that broadcasts to z
        h; 1 - h multiplies Im z in the other exponential's decay.

    Returns
    -------
    (...) complex array
        Not finite where f' vanishes, for m = 0 where z does, or where f underflows: who uses it looks.
    """
    far = np.abs(z) > _NEAREST + _PER_ORDER * m
    far &= z.imag * (1 - hub) > _SOLID
    result = np.empty_like(z)
    result[far] = _expansion(m, z[far], sigma)
    near = z[~far]
    if near.size:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            there = hub if np.ndim(hub) == 0 else np.broadcast_to(hub, z.shape)[~far]
            value, slope = pair(near, there)
            result[~far] = value / (near * slope)
        if sigma > 0:
            lost = ~np.isfinite(result) & (z != 0)
            if np.any(lost):
                result[lost] = _recurred(m, z[lost])
        elif m > 0:  # waves along the axis: r^m + h^2m r^-m
            still = ~np.isfinite(result) & (np.abs(z) < _STILL)
            if np.any(still):
                part = np.broadcast_to(hub, z.shape)[still] ** (2 * m)
                result[still] = (1 + part) / (m * (1 - part))
    return result


def _recurred(m: int, z: ComplexArray) -> ComplexArray:
    """Q of H_m where that overflows, from H_j / H_(j-1) by upward recurrence, in which H dominates."""
    value, other = special.hankel1e(1, z), special.hankel1e(0, z)
    ratio = value / other
    for order in range(1, m):
        ratio = 2 * order / z - 1 / ratio
    result: ComplexArray = 1 / (z / ratio - m)
    return result


@lru_cache(maxsize=256)
def _coefficients(m: int, sigma: int) -> list[complex]:
    """a_-1, a_0, ... of L."""
    a = [1j * sigma, -0.5, (m**2 - 0.25) / (2j * sigma)]
    for j in range(1, _TERMS):
        products = sum(a[1 + i] * a[1 + j - i] for i in range(j + 1))
        a.append((j * a[1 + j] - products) / (2j * sigma))
    return a


def _expansion(m: int, z: ComplexArray, sigma: int) -> ComplexArray:
    """1 / L for large |z|."""
    inverse = 1 / z
    first, *others = _coefficients(m, sigma)
    total = np.zeros_like(z)
    for coefficient in others[::-1]:
        total = total * inverse + coefficient
    return inverse / (first + inverse * total)
