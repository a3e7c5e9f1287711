"""Zeros of H_m', which are poles of a vortex sheet's kernel, its real zeros, and sets of distinct zeros."""

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .arrays import ComplexArray
from .bessel import hankel_pair

if TYPE_CHECKING:
    from .sheet import Sheet

_SCAN = 64  # points between two poles where the sign of the kernel is taken


@lru_cache(maxsize=256)
def hankel_slope_zeros(m: int) -> ComplexArray:
    """Zeros of H_m' with -pi / 4 < arg z < 0, by Newton's method from a grid; they lie within |z| < m + 2."""
    x, y = np.meshgrid(np.linspace(0.2, m + 2, 2 * m + 8), np.linspace(-0.05, -0.7 * m - 1, m + 6))
    z = (x + 1j * y).ravel()
    last, live = np.full(z.shape, np.inf), np.arange(z.size)
    for _ in range(30):
        here = z[live]
        value, slope = hankel_pair(m, here)
        change = slope / (slope / here + (1 - (m / here) ** 2) * value)  # H'' = -H'/z - (1 - m^2/z^2) H
        z[live] = here + change * np.minimum(1, 0.5 / np.maximum(np.abs(change), 1e-300))
        last[live] = np.abs(change)
        live = live[np.isfinite(last[live]) & (last[live] > 1e-14 * np.abs(here))]
        if not len(live):
            break
    found = np.isfinite(z) & (last < 1e-10) & (z.imag < 0) & (z.imag > -z.real)
    return distinct(z[found], 1e-6)


def distinct(points: ComplexArray, distance: float) -> ComplexArray:
    """Points of which no two are closer than the distance."""
    kept: list[complex] = []
    while len(points):
        kept.append(points[0])
        points = points[np.abs(points - kept[-1]) > distance]
    return np.array(kept, dtype=complex)


def trapped(sheet: "Sheet") -> ComplexArray:
    """Real zeros outside the branch points that carry power downstream: waves that cannot leave the jet.

    The kernel is real there. Between its poles every change of sign is a zero; where the kernel falls, power goes
    downstream (see `jet`).
    """
    from scipy.optimize import elementwise  # a third of the time that `import analytic` would take

    ends = -sheet.k / (1 + sheet.mach), sheet.k / (1 - sheet.mach)  # gamma_1 must be real
    poles = np.concatenate([sheet.modes(sheet.section.eigenvalues(sheet.reach()), side) for side in (1, -1)])
    poles = np.sort(poles[poles.imag == 0].real)
    found = []
    for first, last in ((ends[0], sheet.left), (sheet.right, ends[1])):
        if not first < last:
            continue
        edges = np.concatenate([[first], poles[(poles > first) & (poles < last)], [last]])
        for low, high in itertools.pairwise(edges):
            s = 0.5 * (low + high) - 0.5 * (high - low) * np.cos(np.pi * (np.arange(_SCAN) + 0.5) / _SCAN)
            value = sheet.kernel(s + 0j).real
            fall = np.flatnonzero((value[:-1] > 0) & (value[1:] < 0))
            if len(fall):
                zeros = elementwise.find_root(
                    lambda s: sheet.kernel(s + 0j).real, (s[fall], s[fall + 1]), tolerances={"xrtol": 4e-16}
                )
                found.append(zeros.x)
    return np.concatenate([np.empty(0), *found]) + 0j
