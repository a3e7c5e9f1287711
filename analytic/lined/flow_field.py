"""Near field of a duct with liners in flow: sums of modes, and the open end's field near the lip."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from ..arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ..near_field import QUANTITIES, Field
from ..solution import Solution
from .flow_cascade import FlowCascade

_FEWER = 0.75  # of the modes, for the error estimate
# Tail of a sum of modes over the part that _FEWER leaves out, where terms fall like n^-2: 1 / (1 / 0.75 - 1) = 3.
_TAIL = 3.0
_NEAR = 0.2  # of the lip, where sums of modes converge slowly
# phi: amplitude exp(i rate (x - origin)) radial, with rates over x, and the modes' radial functions.
Waves: TypeAlias = tuple[ComplexArray, ComplexArray, float, Callable[[FloatArray], ComplexArray]]


def switch(cascade: FlowCascade) -> float:
    """x from which on the open end's field is taken: incident cut-off modes have not grown much towards it."""
    return -min(0.5 * cascade.liners[-1].distance, _NEAR)


# long: four blocks of one grid, and the error of each
def flow_field(cascade: FlowCascade, end: Solution, x: FloatArray, r: FloatArray) -> Field:
    """Field on the tensor grid of x and r; end : solution of the modes at the lip."""
    values = np.zeros((len(QUANTITIES), len(x), len(r)), complex)
    error = np.zeros(3)  # squared, of psi, (u, v) and p
    deep, inner = x < switch(cascade), r <= 1
    for rows, columns in ((~deep, np.ones(len(r), bool)), (deep, ~inner)):
        if np.any(rows) and np.any(columns):
            block = end.field(x[rows], r[columns])
            parts = np.array([getattr(block, name) for name in QUANTITIES])
            _put(values, rows, columns, parts)
            error += ((block.error_estimate + cascade.error) * _sizes(parts)) ** 2
    radii, back = np.unique(r[inner], return_inverse=True)
    for start, stop, waves in _sections(cascade):
        rows = deep & (start <= x) & (x < stop)
        if np.any(rows) and len(radii):
            parts, lost = _modal(cascade, waves, x[rows], radii)
            _put(values, rows, inner, parts[:, :, back])
            error += (cascade.error * _sizes(parts) + lost) ** 2
    return _field(x, r, values, error)


def flow_points(cascade: FlowCascade, end: Solution, x: FloatArray, r: FloatArray) -> Field:
    """Field at scattered points, x and r (point,); otherwise as `flow_field`."""
    values, error = np.zeros((len(QUANTITIES), len(x)), complex), np.zeros(3)
    deep, inner = x < switch(cascade), r <= 1
    for here in (~deep, deep & ~inner):  # apart: incident cut-off modes may overflow far upstream
        if np.any(here):
            block = end.at(x[here], r[here])
            values[:, here] = parts = np.array([getattr(block, name) for name in QUANTITIES])
            error += ((block.error_estimate + cascade.error) * _sizes(parts)) ** 2
    for start, stop, waves in _sections(cascade):
        here = deep & inner & (start <= x) & (x < stop)
        if np.any(here):
            radii, back = np.unique(r[here], return_inverse=True)
            parts, lost = _modal(cascade, waves, x[here], radii, back)
            values[:, here] = parts
            error += (cascade.error * _sizes(parts) + lost) ** 2
    return _field(x, r, values, error)


def _field(x: FloatArray, r: FloatArray, values: ComplexArray, error: FloatArray) -> Field:
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


def _sections(cascade: FlowCascade) -> Iterator[tuple[float, float, list[Waves]]]:
    """Ends of every section of the duct, and its waves downstream and upstream."""
    hard, amplitudes, beta, front = cascade.hard, cascade.amplitudes, cascade.beta, cascade.position
    kappa = hard.kappa / beta
    yield (
        -np.inf,
        front,
        [(kappa, cascade.incident, front, hard.radial), (-kappa, amplitudes.reflected, front, hard.radial)],
    )
    for section, inside, behind in zip(cascade.sections, amplitudes.inside, amplitudes.behind, strict=True):
        end = front + section.liner.length
        lined = [
            (-s / beta, amplitude, origin, _radial(section.radial, s))
            for s, amplitude, origin in zip((section.modes.down, section.modes.up), inside, (front, end), strict=True)
        ]
        yield front, end, lined
        front = end + section.liner.distance
        yield end, front, [(kappa, behind[0], end, hard.radial), (-kappa, behind[1], front, hard.radial)]


def _radial(
    function: Callable[[ComplexArray, FloatArray], ComplexArray], s: ComplexArray
) -> Callable[[FloatArray], ComplexArray]:
    """Radial functions of lined modes s."""
    return lambda r: function(s, r)


def _modal(
    cascade: FlowCascade, waves: list[Waves], x: FloatArray, r: FloatArray, places: IntArray | None = None
) -> tuple[ComplexArray, FloatArray]:
    """Field quantities (4, x, r), and the errors' norms of psi, (u, v) and p.

    places : of the radius of every x, for scattered points; the quantities are (4, x) then.
    """

    def joined(axial: ComplexArray, radial: ComplexArray) -> ComplexArray:
        return axial @ radial.T if places is None else np.einsum("xm,xm->x", axial, radial[places])

    beside = (len(x), len(r)) if places is None else (len(x),)
    shift = cascade.k * cascade.mach / cascade.beta  # psi = phi exp(-i shift x)
    sums = []
    for share in (1.0, _FEWER):
        total = np.zeros((3, *beside), complex)
        for rate, amplitude, origin, radial in waves:
            # Surface waves come last, however fast the others decay: they stay.
            kept = np.ones(len(rate), bool)
            kept[int(share * len(rate)) : _ordinary(rate)] = False
            axial = amplitude[kept] * np.exp(1j * np.multiply.outer(x - origin, rate[kept]))
            value, slope = radial(r)[:, :, kept]
            total[0] += joined(axial, value)
            total[1] += joined(axial * (1j * (rate[kept] - shift)), value)
            total[2] += joined(axial, slope)
        total *= np.exp(-1j * shift * x).reshape(-1, *[1] * (len(beside) - 1))
        ka = cascade.k * cascade.beta
        sums.append(np.concatenate([total, 1j * ka * total[:1] - cascade.mach * total[1:2]]))
    full, fewer = sums
    return full, _TAIL * _sizes(full - fewer)


def _ordinary(rate: ComplexArray) -> int:
    """Number of modes, in increasing order of |rate|, up to the last that is mainly cut off."""
    off = np.flatnonzero(np.abs(rate.imag) > np.abs(rate.real))
    return int(off[-1]) + 1 if len(off) else 0
