r"""Integration contour of the inverse transforms, shared by a whole grid.

For X < 0 the path comes from infinity at a low angle, passes above -K, crosses the real axis once between the branch
points, passes below +K and leaves to infinity e^{i pi/4}; for X > 0 its mirror image -s does the same in the lower
half-plane, with the same gamma and therefore the same Bessel functions. Between the branch points it keeps a distance
delta from the real axis, so that exp(-isX) grows by no more than exp(delta |X|); beyond them it widens exponentially,
so that every distance to the lip is resolved.
"""

import math
from dataclasses import dataclass

import numpy as np

_WIDTH = 0.35  # largest delta, in K
_DECAY = 40.0  # exponent at which the arms end
_COARSE = 0.3  # step at which paths are compared
_CLEARANCE = 3.3  # steps to the nearest pole: exp(-2 pi _CLEARANCE / 2) is the error with every other node
ARMS = ((0.25 * np.pi, 0.36),)  # angles of the right and the left arm; the left one is low, to keep away from the
# factorisation line.
# Where the arms turn away from the axis, in delta beyond the branch point: above -K the turn adds to the path's
# distance, below +K it is taken from it.
_LEFT, _RIGHT = -0.45, 0.6


@dataclass(frozen=True)
class Contour:
    """Nodes of the path for X < 0; see the module.

    Attributes
    ----------
    s : (node,) complex array
        Points on the path, evenly spaced in its parameter; every other one first, then those between them.
    half : int
        How many come first; twice their sum is the rule with twice the step.
    weight : (node,) complex array
        ds, so that an integral is a sum.
    clearance : float
        Least distance to a pole, in path steps.
    """

    s: np.ndarray
    half: int
    weight: np.ndarray
    clearance: float

    def below(self, points):
        """Whether points lie below the path, for whose real part there is only one point of it."""
        order = np.argsort(self.s.real)
        height = np.interp(np.real(points), self.s.real[order], self.s.imag[order])
        return np.imag(points) < height


def contour(k, poles, *, extent, nearest, step, growth, arms=ARMS):
    """Path that stays clear of poles.

    Parameters
    ----------
    k : float
        K > 0.
    poles : (...) complex array
        What to keep away from.
    extent : float
        Largest |X| on the grid.
    nearest : float
        Least distance to the lip.
    step : float
        Of the path's parameter; less where a pole comes close.
    growth : float
        Exponent of the growth of exp(-isX) allowed along the path.
    arms : sequence of pairs of float
        Angles to the real axis at which the right and the left arm may leave; the best pair is taken [rad].
    """
    delta = min(_WIDTH * k, growth / max(extent, 1e-300))
    offsets = np.linspace(0.25 * min(delta, 0.25 * k), 0.5 * k, 8)
    poles = np.asarray(poles)
    shapes = [(delta, offset, pair) for offset in offsets for pair in arms]
    clearances = [_path(k, poles, shape, nearest, _COARSE).clearance for shape in shapes]
    best = int(np.argmax(clearances))
    step *= min(1.0, clearances[best] * _COARSE / step / _CLEARANCE)
    return _path(k, poles, shapes[best], nearest, step)


def _path(k, poles, shape, nearest, step):
    delta, offset, (right_arm, left_arm) = shape
    right = (k - offset) / delta + _RIGHT
    left = (k + offset) / delta + _LEFT
    end, start = (max(1.0, math.log(_DECAY / (math.sin(arm) * nearest * delta))) for arm in (right_arm, left_arm))
    t = np.arange(-left - start, right + end, step)
    out, back = np.exp(t - right + 1j * right_arm), np.exp(-t - left - 1j * left_arm)
    s = offset + delta * (t + out - back - 1j * np.tanh(t))
    weight = delta * step * (1 + out + back - 1j / np.cosh(np.clip(t, -300, 300)) ** 2)
    gap = np.abs(s[:, None] - poles) / np.abs(weight[:, None])
    order = np.concatenate([np.arange(0, len(s), 2), np.arange(1, len(s), 2)])
    return Contour(s[order], (len(s) + 1) // 2, weight[order], float(gap.min()))
