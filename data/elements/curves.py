"""Curves of lips as Bézier pieces: control points (degree + 1, 2) of each, x and r in duct radii.

Every curve here is a polynomial or is one to the precision of the arithmetic, so that one representation does.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from analytic.arrays import FloatArray
from analytic.checks import finite_array

_SAMPLES = 16  # of each piece between two points, where crossings are looked for
_MOST_POINTS = 200
_NEIGHBOURS = 1e-3  # [radii] apart, at least
_AXIS = 0.05  # [radii] from a curve, at least
_BULGE = 1e-3  # [radii] how far a spline may reach into x > 0 between its points
_LARGEST = 5.0  # [radii] |x| of points, and thickness
_QUARTER = 11  # degree of a quarter of an ellipse: error 1e-14 of its size

Pieces = tuple[FloatArray, ...]


def along(control: FloatArray, share: npt.ArrayLike, *, derivative: int = 0) -> FloatArray:
    """Points (..., 2) of a piece at shares of its parameter in [0, 1], or their derivatives."""
    for _ in range(derivative):
        control = (len(control) - 1) * np.diff(control, axis=0) if len(control) > 1 else np.zeros((1, 2))
    return _bernstein(len(control) - 1, np.asarray(share, dtype=float)) @ control


def radius_of_curvature(control: FloatArray, share: float) -> float:
    """At a share of the parameter; inf of a straight line."""
    (x1, r1), (x2, r2) = (along(control, share, derivative=order) for order in (1, 2))
    bend = abs(x1 * r2 - r1 * x2)
    return math.hypot(x1, r1) ** 3 / bend if bend > 0 else math.inf


def ellipse(thickness: float, length: float) -> tuple[Pieces, Pieces]:
    """Both quarters of the front of an ellipse, below and above the foremost point."""
    middle = 1 + thickness / 2
    inner = _interpolated(
        lambda angle: (length * (np.sin(angle) - 1), middle - thickness / 2 * np.cos(angle)), math.pi / 2
    )
    inner[0], inner[-1] = (-length, 1), (0, middle)
    outer = (inner * [1, -1] + [0, 2 * middle])[::-1]
    outer[-1] = -length, 1 + thickness
    return (inner,), (outer,)


def spline(points: npt.ArrayLike) -> tuple[Pieces, Pieces]:
    """The pieces of a cubic spline below and above its foremost point; parameters and errors as of `Lip.spline`."""
    points = finite_array(points, "points of a lip")
    _check_points(points)
    knots = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    curve = CubicSpline(knots, points)
    bends = curve.derivative().roots(extrapolate=False)[0]  # of x, which is largest there or at a point
    candidates = np.concatenate([knots[1:-1], bends])
    tip = candidates[np.argmax(curve(candidates)[:, 0])]
    if np.min(np.abs(knots - tip)) < 0.1 * np.min(np.diff(knots)):  # no piece is much shorter than the others
        tip = knots[np.argmin(np.abs(knots - tip))]
        ends, stops = knots, points
    else:
        at = int(np.searchsorted(knots, tip))
        ends, stops = np.insert(knots, at, tip), np.insert(points, at, curve(tip), axis=0)
    pieces = []
    for (a, b), (start, stop) in zip(itertools.pairwise(ends), itertools.pairwise(stops), strict=True):
        step = (b - a) / 3
        control = np.array([start, start + step * curve(a, 1), stop - step * curve(b, 1), stop])
        pieces.append(control)
    _check_curve(outline(pieces, _SAMPLES))
    count = int(np.flatnonzero(ends == tip)[0])
    return tuple(pieces[:count]), tuple(pieces[count:])


def outline(pieces: Sequence[FloatArray], samples: int) -> FloatArray:
    """(point, 2) array of points on the curve, samples on each piece."""
    share = np.linspace(0, 1, samples + 1)[:-1]
    return np.concatenate([*(along(piece, share) for piece in pieces), pieces[-1][-1:]])


def _bernstein(degree: int, share: FloatArray) -> FloatArray:
    """Polynomials (..., degree + 1)."""
    order = np.arange(degree + 1)
    binomials = np.array([math.comb(degree, k) for k in order])
    return binomials * share[..., None] ** order * (1 - share[..., None]) ** (degree - order)


def _interpolated(curve: Callable[[FloatArray], tuple[FloatArray, FloatArray]], end: float) -> FloatArray:
    """Control points of the polynomial through Chebyshev's points of a curve over [0, end]."""
    share = (1 - np.cos(np.linspace(0, np.pi, _QUARTER + 1))) / 2
    return np.asarray(np.linalg.solve(_bernstein(_QUARTER, share), np.stack(curve(share * end), axis=1)), dtype=float)


def _check_points(points: FloatArray) -> None:
    if points.ndim != 2 or points.shape[1] != 2 or not 3 <= len(points) <= _MOST_POINTS:
        raise ValueError(
            f"a lip is given by three to {_MOST_POINTS} points (x, r), got an array of the shape {points.shape}"
        )
    x, r = points.T
    apart = np.hypot(np.diff(x), np.diff(r))
    at = int(np.argmin(apart))
    if apart[at] < _NEIGHBOURS:
        raise ValueError(
            f"neighbouring points of a lip must be at least {_NEIGHBOURS} radii apart, got {apart[at]:.2g} between "
            f"{points[at].tolist()} and {points[at + 1].tolist()}"
        )
    if r[0] != 1 or not 1 < r[-1] <= 1 + _LARGEST:
        raise ValueError(
            f"a lip begins at the inner wall, r = 1, and ends at the outer wall, r above 1 and up to {1 + _LARGEST}, "
            f"got r = {r[0]} and {r[-1]}"
        )
    if np.max(x) != 0 or max(x[0], x[-1]) == 0 or np.min(x) < -_LARGEST:
        raise ValueError(
            f"the foremost point of a lip is at x = 0, between its ends, and none is behind x = -{_LARGEST}, got x "
            f"from {np.min(x)} to {np.max(x)}, {x[0]} and {x[-1]} at the ends"
        )


def _check_curve(line: FloatArray) -> None:
    x, r = line.T
    if np.min(r) < _AXIS:
        raise ValueError(f"a lip must stay {_AXIS} radii away from the axis, got r down to {np.min(r):.3g}")
    if np.max(x) > _BULGE:
        raise ValueError(
            f"between its points the spline reaches to x = {np.max(x):.2g}, more than {_BULGE} radii: give more points"
        )
    far = np.min(x) - 1
    crossing = _crossing(np.concatenate([[[far, r[0]]], line, [[far, r[-1]]]]))
    if crossing is not None:
        raise ValueError(f"a lip must not cross itself or the duct's wall, got a crossing near (x, r) = {crossing}")


def _crossing(line: FloatArray) -> tuple[float, float] | None:
    """A point where a polygonal line (point, 2) crosses itself, or None."""
    start, way = line[:-1], np.diff(line, axis=0)
    between = start[None, :] - start[:, None]  # (i, j, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = _cross(way[:, None], way[None, :])
        mine, other = _cross(between, way[None, :]) / determinant, _cross(between, way[:, None]) / determinant
        crosses = (mine >= 0) & (mine <= 1) & (other >= 0) & (other <= 1)
    number = np.arange(len(start))
    crosses &= number[None, :] > number[:, None] + 1
    if not np.any(crosses):
        return None
    i, j = np.argwhere(crosses)[0]
    x, r = start[i] + mine[i, j] * way[i]
    return round(float(x), 4), round(float(r), 4)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
