r"""Integration contour of the inverse transforms, shared by a whole grid.

For X < 0 the path comes from infinity at a low angle, passes above -K, crosses the real axis once between the branch
points, passes below +K and leaves to infinity e^{i pi/4}; for X > 0 its mirror image -s does the same in the lower
half-plane, with the same gamma and therefore the same Bessel functions. Between the branch points it keeps a distance
delta from the real axis, so that exp(-isX) grows by no more than exp(delta |X|); beyond them it widens exponentially,
so that every distance to the lip is resolved.

References
----------
L. N. Trefethen, J. A. C. Weideman, The exponentially convergent trapezoidal rule, SIAM Rev. 56 (2014), 385-458.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .arrays import BoolArray, ComplexArray, FloatArray
from .errors import ConvergenceError

# Largest delta, in K: the path crosses the axis at up to K / 2 and straightens between that and the branch point.
_WIDTH = 0.35
_STRIP = 0.675  # half the width of the strip of the parameter in which the sums' terms are regular, but for poles
_MARGIN = 10.0  # the arms end where waves have decayed by this exponent, a factor 5e-5, more than the rule's error
# The estimate of the fine rule's error is this power of the coarse one's. Half the step squares the error of an
# exponentially convergent rule, so 2 would be the limit; 1.5 leaves room for rounding and poles (see the tests).
POWER = 1.5
_OFFSETS = 6  # number of crossings of the real axis tried: a pole beside one is far from its neighbours
# Distance to a pole, in the path's parameter, below which no path is returned: an exponent of 10 would need steps of
# 0.0006 there, some 30,000 nodes.
_LEAST = 0.002
_COARSE = 0.5  # step at which paths are compared; they are nearly straight over that length
_BLOCK = 2**20  # distances to poles computed at a time: tens of megabytes
Arms: TypeAlias = tuple[float, float]
# Angles of the right and the left arm; the left one is low, to keep away from the factorisation line.
ARMS: tuple[Arms, ...] = ((0.25 * np.pi, 0.36),)
# Where the arms turn away from the axis, in delta beyond the branch point: above -K the turn adds to the path's
# distance, below +K it is taken from it.
_LEFT, _RIGHT = -0.45, 0.6


@dataclass(frozen=True)
class Contour:
    """Nodes of the path for X < 0; see the module.

    Attributes
    ----------
    s : (node,) complex array
        Points on the path, evenly spaced in its parameter: first every other point, then the points between them.
    half : int
        Number of points in the first group; twice the sum over them is the rule with twice the step.
    weight : (node,) complex array
        ds: integrals become sums.
    """

    s: np.ndarray
    half: int
    weight: np.ndarray

    def below(self, points: ComplexArray) -> BoolArray:
        """Whether points lie below the path, if the path has only one point with their real part."""
        order = np.argsort(self.s.real)
        height = np.interp(np.real(points), self.s.real[order], self.s.imag[order])
        return np.imag(points) < height


def contour(
    k: float,
    poles: npt.ArrayLike,
    *,
    extent: float,
    nearest: float,
    exponent: float,
    growth: float,
    arms: Sequence[Arms] = ARMS,
) -> Contour:
    """Choose a path that stays clear of poles.

    Parameters
    ----------
    k : float
        K > 0.
    poles : (...) complex array
        Points to keep away from.
    extent : float
        Largest |X| and r - 1 on the grid.
    nearest : float
        Least distance to the lip.
    exponent : float
        The trapezoidal rule over every other node should have the relative error exp(-exponent); it determines the
        step.
    growth : float
        Exponent of the growth of waves allowed along the path.
    arms : sequence of pairs of float
        Angles to the real axis at which the right and the left arm may leave; the best pair is used [rad].

    Raises
    ------
    ConvergenceError
        Every path tried comes too close to a pole.
    """
    delta = min(_WIDTH * k, growth / max(extent, 1e-300))
    offsets = np.linspace(0.25 * min(delta, 0.25 * k), 0.5 * k, _OFFSETS)[:, None]
    poles = np.asarray(poles)
    decay = POWER * exponent + _MARGIN
    clearances = np.array([_clearances(k, poles, delta, offsets, pair, nearest, decay) for pair in arms])
    best, which = np.unravel_index(np.argmax(clearances), clearances.shape)
    if not clearances[best, which] > _LEAST:
        raise ConvergenceError(f"no path keeps clear of the poles at K = {k}")
    # exp(-2 pi d / 2 step) is the error of singularities at a distance d, times exp(growth d) where waves grow with it.
    step = np.pi / max(exponent / _STRIP + growth, exponent / clearances[best, which])
    offset, pair = float(offsets[which, 0]), arms[int(best)]
    start, end = _ends(k, delta, offset, pair, nearest, decay)
    s, slope = _path(k, delta, offset, pair, np.arange(start, end, step))
    order = np.concatenate([np.arange(0, len(s), 2), np.arange(1, len(s), 2)])
    return Contour(s[order], (len(s) + 1) // 2, step * slope[order])


def _clearances(
    k: float,
    poles: ComplexArray,
    delta: float,
    offsets: FloatArray,
    arms: Arms,
    nearest: float,
    decay: float,
) -> FloatArray:
    """Least distances to a pole of paths with these offsets, (offset, 1), in units of the parameter: (offset,)."""
    starts, ends = _ends(k, delta, offsets, arms, nearest, decay)
    t = starts + np.arange(0.0, float(np.max(ends - starts)), _COARSE)
    s, slope = _path(k, delta, offsets, arms, t)
    # Distances between poles and the pieces, a step long, of the straightened path about its nodes.
    least, block = np.full(len(s), np.inf), max(1, _BLOCK // s.size)
    for start in range(0, len(poles), block):
        away = (poles[start : start + block] - s[..., None]) * (1 / slope)[..., None]
        along = np.maximum(np.abs(away.real) - 0.5 * _COARSE, 0.0)
        least = np.minimum(least, np.min(along**2 + away.imag**2, axis=(1, 2)))
    return np.sqrt(least)


def _turns(k: float, delta: float, offset: FloatArray | float) -> tuple[Any, Any]:
    """Parameters at which the right and the left arm turn away from the axis."""
    return (k - offset) / delta + _RIGHT, (k + offset) / delta + _LEFT


def _ends(
    k: float,
    delta: float,
    offset: FloatArray | float,
    arms: Arms,
    nearest: float,
    decay: float,
) -> tuple[Any, Any]:
    """First and last parameter of a path."""
    right, left = _turns(k, delta, offset)
    end, start = (max(1.0, math.log(decay / (math.sin(arm) * nearest * delta))) for arm in arms)
    return -left - start, right + end


def _path(
    k: float, delta: float, offset: FloatArray | float, arms: Arms, t: FloatArray
) -> tuple[ComplexArray, ComplexArray]:
    """Points and ds/dt."""
    right, left = _turns(k, delta, offset)
    out, back = np.exp(t - right + 1j * arms[0]), np.exp(-t - left - 1j * arms[1])
    slope = np.tanh(t)
    return offset + delta * (t + out - back - 1j * slope), delta * (1 + out + back - 1j * (1 - slope**2))
