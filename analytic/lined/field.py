"""Near field of a duct with liners: sums of modes between the ends of the liners, the open end's field near the lip."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..arrays import BoolArray, ComplexArray, FloatArray
from ..near_field import QUANTITIES, Field
from ..solution import Solution
from .cascade import Amplitudes, Cascade
from .duct import HardModes
from .liner import Liner
from .section import LinedSection

_FEWER = 0.75  # of the modes, for the error estimate
# Tail of a sum of modes over the part that _FEWER leaves out, where terms fall like n^-2: 1 / (1 / 0.75 - 1) = 3; like
# n^-3/2, as at a lip that a liner reaches: 1 / (0.75^-1/2 - 1) = 6.5.
_TAIL, _TAIL_AT_LIP = 3.0, 6.5
_NEAR = 0.2  # of the lip, where sums of up to 64 modes that decay do not converge to e^-40


@dataclass(frozen=True)
class Waves:
    """All waves of a duct with liners.

    amplitudes : in the cascade; end : solution of the modes at the lip; error : of the amplitudes, relative; front : x
    of the front of the first liner, or of its end if it is infinite.
    """

    cascade: Cascade
    amplitudes: Amplitudes
    end: Solution
    error: float
    front: float

    @property
    def switch(self) -> float:
        """As the function of that name."""
        return switch([section.liner for section in self.cascade.sections])


def switch(liners: list[Liner] | tuple[Liner, ...]) -> float:
    """x from which on the open end's field is taken: incident cut-off modes have not grown much towards it."""
    return -min(0.5 * liners[-1].distance, _NEAR)


def lined_field(duct: Waves, x: FloatArray, r: FloatArray) -> Field:
    """Field on the tensor grid of x and r; the open end's from `switch` on."""
    values = np.zeros((len(QUANTITIES), len(x), len(r)), complex)
    error = np.zeros(3)  # squared, of psi, (u, v) and p
    deep, inner = x < duct.switch, r <= 1
    for rows, columns in ((~deep, np.ones(len(r), bool)), (deep, ~inner)):
        if np.any(rows) and np.any(columns):
            block = duct.end.field(x[rows], r[columns])
            _put(values, rows, columns, _quantities(block))
            error += _errors_at_end(duct, block, x[rows], r[columns], columns=True)
    radii, back = np.unique(r[inner], return_inverse=True)
    for start, stop, waves in _sections(duct):
        rows = deep & (start <= x) & (x < stop)
        if np.any(rows) and len(radii):
            parts, lost = _modal(waves, x[rows], radii, duct.cascade.hard.k)
            _put(values, rows, inner, parts[:, :, back])
            error += (duct.error * _sizes(parts) + lost) ** 2
    return _field(x, r, values, error)


def lined_points(duct: Waves, x: FloatArray, r: FloatArray) -> Field:
    """Field at scattered points, x and r (point,)."""
    values, error = np.zeros((len(QUANTITIES), len(x)), complex), np.zeros(3)
    inside = r <= 1
    modal = (x < duct.switch) & inside
    for here in (~inside, inside & ~modal):  # apart: incident cut-off modes may overflow far upstream
        if np.any(here):
            block = duct.end.at(x[here], r[here])
            values[:, here] = _quantities(block)
            error += _errors_at_end(duct, block, x[here], r[here], columns=False)
    for start, stop, waves in _sections(duct):
        here = modal & (start <= x) & (x < stop)
        if np.any(here):
            parts, lost = _modal(waves, x[here], r[here], duct.cascade.hard.k, points=True)
            values[:, here] = parts
            error += (duct.error * _sizes(parts) + lost) ** 2
    return _field(x, r, values, error)


def _field(x: FloatArray, r: FloatArray, values: ComplexArray, error: FloatArray) -> Field:
    relative = np.sqrt(error) / _sizes(values)
    estimate = float(np.max(relative)) if np.all(np.isfinite(relative)) else np.inf
    return Field(x, r, values[0], values[1], values[2], values[3], estimate)


def _quantities(block: Field) -> ComplexArray:
    return np.array([getattr(block, name) for name in QUANTITIES])


def _put(values: ComplexArray, rows: BoolArray, columns: BoolArray, parts: ComplexArray) -> None:
    """Write parts of a grid to their places."""
    values[:, np.flatnonzero(rows)[:, None], np.flatnonzero(columns)] = parts


def _sizes(values: ComplexArray) -> FloatArray:
    """Norms of psi, (u, v) and p."""
    size = np.linalg.norm(values.reshape(len(QUANTITIES), -1), axis=1)
    return np.array([size[0], np.hypot(size[1], size[2]), size[3]])


def _errors_at_end(duct: Waves, block: Field, x: FloatArray, r: FloatArray, *, columns: bool) -> FloatArray:
    """Errors, squared, of the open end's field; columns : whether x and r form a grid.

    With a liner up to the lip it lacks the incident modes of high order, which decay along x.
    """
    error = (block.error_estimate + duct.error) * _sizes(_quantities(block))
    if not duct.cascade.sections[-1].liner.distance:
        hard = duct.cascade.hard
        rows, radii = (x >= 0, r <= 1) if columns else ((x >= 0) & (r <= 1),) * 2
        if np.any(rows) and np.any(radii):
            incident: Wave = (hard.kappa[: hard.count], duct.amplitudes.lip[: hard.count], 0.0, hard)
            near, inner = (x[rows], np.unique(r[radii])) if columns else (x[rows], r[rows])
            error += _TAIL_AT_LIP / _TAIL * _modal([incident], near, inner, hard.k, points=not columns)[1]
    return np.asarray(error**2)


# exp(i wavenumber (x - origin)) times amplitudes and radial functions.
Wave: TypeAlias = tuple[ComplexArray, ComplexArray, float, HardModes | LinedSection]


def _sections(duct: Waves) -> Iterator[tuple[float, float, list[Wave]]]:
    """Ends of every section of the duct, and its waves downstream and upstream."""
    cascade, amplitudes, front = duct.cascade, duct.amplitudes, duct.front
    hard = cascade.hard
    first = slice(hard.count)  # of the hard modes, one by one
    kappa = hard.kappa[first]
    if not cascade.sections[0].endless:
        incident, reflected = amplitudes.incoming[first], amplitudes.reflected[first]
        yield -np.inf, front, [(kappa, incident, front, hard), (-kappa, reflected, front, hard)]
    for section, inside, behind in zip(cascade.sections, amplitudes.inside, amplitudes.behind, strict=True):
        length = section.liner.length
        start, end = (-np.inf, front) if math.isinf(length) else (front, front + length)
        origin = end if math.isinf(length) else front
        yield start, end, [(section.sigma, inside[0], origin, section), (-section.sigma, inside[1], end, section)]
        front = end + section.liner.distance
        yield end, front, [(kappa, behind[0][first], end, hard), (-kappa, behind[1][first], front, hard)]


def _modal(
    waves: list[Wave], x: FloatArray, r: FloatArray, k: float, *, points: bool = False
) -> tuple[ComplexArray, FloatArray]:
    """Field quantities on a grid (4, x, r) or at points (4, point), and the errors' norms of psi, (u, v) and p."""
    sums: list[ComplexArray] = []
    radii, place = np.unique(r, return_inverse=True) if points else (r, slice(None))
    for share in (1.0, _FEWER):
        total = np.zeros((3, len(x)) if points else (3, len(x), len(r)), complex)
        for wavenumber, amplitude, origin, modes in waves:
            many = int(share * len(wavenumber))
            steps = np.where(amplitude[:many] == 0, 0, 1j * wavenumber[:many])  # no wave where it would overflow
            axial = amplitude[:many] * np.exp(np.multiply.outer(x - origin, steps))
            value, slope = modes.radial(radii)[:, place, :many]
            for row, (along, across) in enumerate(((axial, value), (axial * steps, value), (axial, slope))):
                total[row] += np.sum(along * across, axis=1) if points else along @ across.T
        sums.append(np.concatenate([total, 1j * k * total[:1]]))
    full, fewer = sums
    return full, _TAIL * _sizes(full - fewer)
