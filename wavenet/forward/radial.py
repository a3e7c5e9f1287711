r"""Radial modes of a hard-walled duct with or without a hub, and the continuous radial index.

Radial eigenvalues are the zeros of J_m'(a) Y_m'(a h) - Y_m'(a) J_m'(a h), h the hub's radius, or of J_m'. With the
phase delta of H_m' = |H_m'| exp(i delta), they are where delta(a) - delta(a h), or delta(a) - pi / 2, is a multiple of
pi. That difference over pi, at a = K, is the continuous radial index nu(m, K, h): whole where a mode is cut on.
"""

from functools import cache

import numpy as np
from scipy import special

from ..arrays import ComplexArray, FloatArray

_STEP = 0.25  # of the search for eigenvalues, which are about pi / (1 - h) apart
_HALVINGS = 50  # of an interval of this length, down to rounding


@cache
def eigenvalues(m: int, hub: float, top: float) -> FloatArray:
    """Radial eigenvalues below `top`, increasing; for m = 0 the first is 0, the plane wave's.

    m : int, m >= 0. hub : float, 0 <= hub < 1. top : float, rounded up where calls should share a result.
    """
    if not hub:
        zeros = special.jnp_zeros(m, 2 + int(top / np.pi))  # their spacing tends to pi from above
        return np.concatenate([[0.0] if m == 0 else [], zeros[zeros < top]])
    # The first zero for m > 0 lies between m, with a thin annulus of radius one, and that of a duct without a hub.
    edges = np.arange(max(0.9 * m, 0.01), top + _STEP, _STEP)
    values = _cross_product(m, edges, hub)
    low = edges[:-1][values[:-1] * values[1:] < 0]
    high, sign = low + _STEP, _cross_product(m, low, hub)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        left = _cross_product(m, middle, hub) * sign > 0
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    zeros = 0.5 * (low + high)
    return np.concatenate([[0.0] if m == 0 else [], zeros[zeros < top]])


def _cross_product(m: int, a: FloatArray, hub: float) -> FloatArray:
    """Its zeros are the eigenvalues; of the size of one, also where Y_m' of the hub is large."""
    inner = _slope(np.full(a.shape, m), a * hub)
    found: FloatArray = (_slope(np.full(a.shape, m), a) * inner.conj() / np.abs(inner)).imag
    return found


def index(m: FloatArray, k: FloatArray, hub: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Twice pi times the continuous radial index, up to multiples of 2 pi, and its slope in K; arrays of one shape."""
    outer, hollow = _slope(m, k), hub > 0
    inner = np.where(hollow, _slope(m, np.where(hollow, k * hub, 1.0)), 1j)
    slope = _turning(m, k, outer) - np.where(hollow, hub * _turning(m, np.where(hollow, k * hub, 1.0), inner), 0.0)
    return 2 * np.angle(outer * (inner / np.abs(inner)).conj()), 2 * slope


def _turning(m: FloatArray, z: FloatArray, slope: ComplexArray) -> FloatArray:
    """Derivative of the phase of H_m'(z): from the Wronskian, over |H_m'|^2."""
    found: FloatArray = 2 / (np.pi * z) * (1 - (m / z) ** 2) / np.abs(slope) ** 2
    return found


def _slope(m: FloatArray, z: FloatArray) -> ComplexArray:
    """H_m'(z) of positive z, where it overflows its limit -i infinity in direction."""
    real, imaginary = special.jvp(m, z), special.yvp(m, z)
    return np.where(np.isfinite(imaginary), real + 1j * np.nan_to_num(imaginary), 1j)
