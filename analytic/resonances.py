"""Zeros of H_m', which are poles of a vortex sheet's kernel, and sets of distinct zeros."""

from functools import lru_cache

import numpy as np

from .arrays import ComplexArray
from .bessel import hankel_pair


@lru_cache(maxsize=256)
def hankel_slope_zeros(m: int) -> ComplexArray:
    """Zeros of H_m' with -pi / 4 < arg z < 0, by Newton's method from a grid; they lie within |z| < m + 2."""
    x, y = np.meshgrid(np.linspace(0.2, m + 2, 2 * m + 8), np.linspace(-0.05, -0.7 * m - 1, m + 6))
    z = (x + 1j * y).ravel()
    for _ in range(30):
        value, slope = hankel_pair(m, z)
        change = slope / (slope / z + (1 - (m / z) ** 2) * value)  # H'' = -H'/z - (1 - m^2/z^2) H
        z = z + change * np.minimum(1, 0.5 / np.maximum(np.abs(change), 1e-300))
    found = np.isfinite(z) & (np.abs(change) < 1e-10) & (z.imag < 0) & (z.imag > -z.real)
    return distinct(z[found], 1e-6)


def distinct(points: ComplexArray, distance: float) -> ComplexArray:
    """Points of which no two are closer than the distance."""
    kept: list[complex] = []
    while len(points):
        kept.append(points[0])
        points = points[np.abs(points - kept[-1]) > distance]
    return np.array(kept, dtype=complex)
