"""Near field of a duct with liners: sums of modes between the ends of the liners, the open end's field near the lip."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from .arrays import BoolArray, ComplexArray, FloatArray
from .lined_cascade import Cascade
from .lined_section import HardModes, LinedSection
from .liner import Liner
from .near_field import QUANTITIES, Field
from .solution import Solution

_FEWER = 0.75  # of the modes, for the error estimate
# Tail of a sum of modes over the part that _FEWER leaves out, where terms fall like n^-2: 1 / (1 / 0.75 - 1) = 3.
_TAIL = 3.0
_NEAR = 0.2  # of the lip, where sums of up to 64 modes that decay do not converge to e^-40


def switch(liners: tuple[Liner, ...]) -> float:
    """x from which on the open end's field is taken: incident cut-off modes have not grown much towards it."""
    return -min(0.5 * liners[-1].distance, _NEAR)


# long: four blocks of one grid, and the error of each
def lined_field(cascade: Cascade, end: Solution, x: FloatArray, r: FloatArray, front: float) -> Field:
    """Field on the tensor grid of x and r.

    end : solution of the modes at the lip; its field is taken from `switch` on.
    front : x of the front of the first liner.
    """
    values = np.zeros((len(QUANTITIES), len(x), len(r)), complex)
    error = np.zeros(3)  # squared, of psi, (u, v) and p
    deep, inner = x < switch(cascade.liners), r <= 1
    for rows, columns in ((~deep, np.ones(len(r), bool)), (deep, ~inner)):
        if np.any(rows) and np.any(columns):
            block = end.field(x[rows], r[columns])
            parts = np.array([getattr(block, name) for name in QUANTITIES])
            _put(values, rows, columns, parts)
            error += ((block.error_estimate + cascade.error) * _sizes(parts)) ** 2
    radii, back = np.unique(r[inner], return_inverse=True)
    for start, stop, waves in _sections(cascade, front):
        rows = deep & (start <= x) & (x < stop)
        if np.any(rows) and len(radii):
            parts, lost = _modal(waves, x[rows], radii, cascade.hard.k)
            _put(values, rows, inner, parts[:, :, back])
            error += (cascade.error * _sizes(parts) + lost) ** 2
    relative = np.sqrt(error) / _sizes(values)
    estimate = float(np.max(relative)) if np.all(np.isfinite(relative)) else np.inf
    return Field(x, r, values[0], values[1], values[2], values[3], estimate)


def _put(values: ComplexArray, rows: BoolArray, columns: BoolArray, parts: ComplexArray) -> None:
    """Write parts of a grid to their places."""
    values[:, np.flatnonzero(rows)[:, None], np.flatnonzero(columns)] = parts


def _sizes(values: ComplexArray) -> FloatArray:
    """Norms of psi, (u, v) and p."""
    size = np.linalg.norm(values.reshape(len(QUANTITIES), -1), axis=1)
    return np.array([size[0], np.hypot(size[1], size[2]), size[3]])


# exp(i wavenumber (x - origin)) times amplitudes and radial functions.
Waves: TypeAlias = tuple[ComplexArray, ComplexArray, float, HardModes | LinedSection]


def _sections(cascade: Cascade, front: float) -> Iterator[tuple[float, float, list[Waves]]]:
    """Ends of every section of the duct, and its waves downstream and upstream."""
    hard, amplitudes = cascade.hard, cascade.amplitudes
    incident = cascade.incident
    yield -np.inf, front, [(hard.kappa, incident, front, hard), (-hard.kappa, amplitudes.reflected, front, hard)]
    for section, inside, behind in zip(cascade.sections, amplitudes.inside, amplitudes.behind, strict=True):
        end = front + section.liner.length
        yield front, end, [(section.sigma, inside[0], front, section), (-section.sigma, inside[1], end, section)]
        front = end + section.liner.distance
        yield end, front, [(hard.kappa, behind[0], end, hard), (-hard.kappa, behind[1], front, hard)]


def _modal(waves: list[Waves], x: FloatArray, r: FloatArray, k: float) -> tuple[ComplexArray, FloatArray]:
    """Field quantities (4, x, r), and the errors' norms of psi, (u, v) and p."""
    sums = []
    for share in (1.0, _FEWER):
        total = np.zeros((3, len(x), len(r)), complex)
        for wavenumber, amplitude, origin, modes in waves:
            many = int(share * len(wavenumber))
            axial = amplitude[:many] * np.exp(1j * np.multiply.outer(x - origin, wavenumber[:many]))
            value, slope = modes.radial(r)[:, :, :many]
            total[0] += axial @ value.T
            total[1] += (axial * (1j * wavenumber[:many])) @ value.T
            total[2] += axial @ slope.T
        sums.append(np.concatenate([total, 1j * k * total[:1]]))
    full, fewer = sums
    return full, _TAIL * _sizes(full - fewer)
