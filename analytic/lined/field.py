"""Near field of a duct with liners: sums of modes, integrals next to the ends of liners, the open end's field there."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..arrays import BoolArray, ComplexArray, FloatArray
from ..errors import ConvergenceError
from ..near_field import CLOSEST, QUANTITIES, Field
from ..solution import Solution
from .cascade import Amplitudes, Cascade
from .duct import HardModes
from .edge import EndOfLiner, Side
from .liner import Liner
from .section import LinedSection

_FEWER = 0.75  # of the modes, for the error estimate
# Tail of a sum of modes over the part that _FEWER leaves out, where terms fall like n^-2: 1 / (1 / 0.75 - 1) = 3; like
# n^-3/2, as at a lip that a liner reaches: 1 / (0.75^-1/2 - 1) = 6.5.
_TAIL, _TAIL_AT_LIP = 3.0, 6.5
_NEAR = 0.2  # of the lip, where sums of up to 64 modes that decay do not converge to e^-40
_REACH = 0.1  # of the ends of liners, where an integral takes less time than the 130 modes that decay to e^-40


@dataclass(frozen=True)
class Ends:
    """Ends of liners inside the duct, front to back, and the lip.

    x : (end,), the lip last. reach : (end,) distance within which the field is an integral; 0 at the lip, whose edge is
    another one.
    """

    x: FloatArray
    reach: FloatArray

    def nearby(self, x: FloatArray) -> BoolArray:
        """Which positions are within reach of which end: (x, end)."""
        return np.abs(x[:, None] - self.x) < self.reach


def ends_of(liners: Sequence[Liner], front: float) -> Ends:
    """Ends of liners; front : x of the front of the first one, or of its end if it is infinite."""
    steps = np.array([length for one in liners for length in (one.length, one.distance) if 0 < length < math.inf])
    reach = np.minimum(_REACH, 0.5 * np.minimum(steps, np.append(np.inf, steps[:-1])))
    return Ends(front + np.append(0.0, np.cumsum(steps)), np.append(reach, 0.0))


@dataclass(frozen=True)
class Waves:
    """All waves of a duct with liners.

    amplitudes : in the cascade; end : solution of the modes at the lip; error : of the amplitudes, relative; front : x
    of the front of the first liner, or of its end if it is infinite; ends : of the liners.
    """

    cascade: Cascade
    amplitudes: Amplitudes
    end: Solution
    error: float
    front: float
    ends: Ends

    @property
    def switch(self) -> float:
        """As the function of that name."""
        return switch([section.liner for section in self.cascade.sections])


def switch(liners: Sequence[Liner]) -> float:
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
    for rows, piece in _pieces(duct, x, deep) if len(radii) else ():
        parts, lost = piece.grid(x[rows], radii)
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
    for here, piece in _pieces(duct, x, modal):
        parts, lost = piece.points(x[here], r[here])
        values[:, here] = parts
        error += (duct.error * _sizes(parts) + lost) ** 2
    return _field(x, r, values, error)


def _pieces(duct: Waves, x: FloatArray, deep: BoolArray) -> Iterator[tuple[BoolArray, "_Sum | _End"]]:
    """Positions in the duct that are deep, and what the field is there."""
    nearby, k = duct.ends.nearby(x), duct.cascade.hard.k
    sections = [one for one in _sections(duct) if one[0] < one[1]]
    for start, stop, waves in sections:
        rows = deep & (start <= x) & (x < stop) & ~np.any(nearby, axis=1)
        if np.any(rows):
            yield rows, _Sum(waves, k)
    for place, near, (one, other) in zip(duct.ends.x, nearby.T, itertools.pairwise(sections), strict=False):
        sides = _side(one[2], float(place)), _side(other[2], float(place), behind=True)
        for behind in (False, True):
            rows = deep & near & ((x >= place) == behind)
            if np.any(rows):
                yield rows, _End(duct.cascade.hard, float(place), *sides, behind=behind)


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


def _side(waves: list[Wave], place: float, *, behind: bool = False) -> Side:
    """Waves at an end of a liner, of the duct in front of it or behind."""
    amplitudes = []
    for wavenumber, amplitude, origin, _ in waves:
        steps = np.where(amplitude == 0, 0, 1j * wavenumber)  # no wave where it would overflow
        amplitudes.append(amplitude * np.exp(steps * (place - origin)))
    towards, away = amplitudes[::-1] if behind else amplitudes
    return Side(waves[0][3].q, waves[0][0], towards, away, waves[0][3])


class _Sum:
    """Sums of modes."""

    def __init__(self, waves: list[Wave], k: float) -> None:
        self._waves, self._k = waves, k

    def grid(self, x: FloatArray, r: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """Field quantities (4, x, r), and the errors' norms of psi, (u, v) and p."""
        return _modal(self._waves, x, r, self._k)

    def points(self, x: FloatArray, r: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """Field quantities (4, point), and errors."""
        return _modal(self._waves, x, r, self._k, points=True)


class _End:
    """Field next to an end of a liner."""

    def __init__(self, hard: HardModes, place: float, left: Side, right: Side, *, behind: bool) -> None:
        self._hard, self._place, self._left, self._right, self._behind = hard, place, left, right, behind

    def grid(self, x: FloatArray, r: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """As `_Sum.grid`."""
        nearest = float(np.hypot(np.min(np.abs(x - self._place)), np.min(1 - r)))
        return self._total(x, r, nearest, points=False)

    def points(self, x: FloatArray, r: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """As `_Sum.points`."""
        return self._total(x, r, float(np.min(np.hypot(x - self._place, 1 - r))), points=True)

    def _total(self, x: FloatArray, r: FloatArray, nearest: float, *, points: bool) -> tuple[ComplexArray, FloatArray]:
        if nearest < CLOSEST:
            raise ConvergenceError(
                f"a point lies {nearest:.1e} from an end of a liner, where the velocity is singular; the least is "
                f"{CLOSEST}"
            )
        left, right, k = self._left, self._right, self._hard.k
        end = EndOfLiner(self._hard.section, k, left, right, nearest, behind=self._behind)
        own, other = (right, left) if self._behind else (left, right)
        sign = -1.0 if self._behind else 1.0  # of the direction in which the own side's waves travel to the end
        far = np.angle(other.wavenumber) >= end.turn
        incident: list[Wave] = [
            (sign * own.wavenumber, own.towards, self._place, own.modes),
            (-sign * other.wavenumber, np.where(far, other.towards, 0), self._place, other.modes),
        ]
        leaving = np.where(np.angle(own.wavenumber) < end.turn, own.away, 0)
        values, lost = _modal(incident, x, r, k, points=points)
        values += _quantities_of(
            _summed([(-sign * own.wavenumber, leaving, self._place, own.modes)], 1.0, x, r, points=points), k
        )
        radii, place = np.unique(r, return_inverse=True) if points else (r, None)
        parts, error = end.field(x - self._place, radii, place)
        values += _quantities_of(parts, k)
        psi, along, across = error * np.sqrt(parts[0].size)
        return values, lost + np.array([psi, np.hypot(along, across), k * psi])


def _quantities_of(parts: ComplexArray, k: float) -> ComplexArray:
    """Field quantities from psi, u and v."""
    return np.concatenate([parts, 1j * k * parts[:1]])


def _modal(
    waves: list[Wave], x: FloatArray, r: FloatArray, k: float, *, points: bool = False
) -> tuple[ComplexArray, FloatArray]:
    """Field quantities on a grid (4, x, r) or at points (4, point), and the errors' norms of psi, (u, v) and p."""
    full, fewer = (_quantities_of(_summed(waves, share, x, r, points=points), k) for share in (1.0, _FEWER))
    return full, _TAIL * _sizes(full - fewer)


def _summed(waves: list[Wave], share: float, x: FloatArray, r: FloatArray, *, points: bool) -> ComplexArray:
    """psi, u and v from a share of the modes."""
    radii, place = np.unique(r, return_inverse=True) if points else (r, slice(None))
    total = np.zeros((3, len(x)) if points else (3, len(x), len(r)), complex)
    for wavenumber, amplitude, origin, modes in waves:
        many = int(share * len(wavenumber))
        steps = np.where(amplitude[:many] == 0, 0, 1j * wavenumber[:many])  # no wave where it would overflow
        axial = amplitude[:many] * np.exp(np.multiply.outer(x - origin, steps))
        value, slope = modes.radial(radii)[:, place, :many]
        for row, (along, across) in enumerate(((axial, value), (axial * steps, value), (axial, slope))):
            total[row] += np.sum(along * across, axis=1) if points else along @ across.T
    return total
