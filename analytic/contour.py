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

_GROWTH = 7.0  # exponent of the growth allowed along the path
_WIDTH = 0.35  # largest delta, in K
_DECAY = 40.0  # exponent at which the arms end
_COARSE = 0.3  # step at which paths are compared
_CLEARANCE = 3.3  # steps to the nearest pole: exp(-2 pi _CLEARANCE / 2) is the error with every other node
_ARM = np.exp(0.25j * np.pi)
_LEFT_ARM = np.exp(0.36j)  # low, to keep away from the factorisation line
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
    crossing : float
        Where the path crosses the real axis between the branch points.
    height : float
        Where it crosses the positive imaginary axis.
    clearance : float
        Least distance to a pole +kappa, in path steps.
    """

    s: np.ndarray
    half: int
    weight: np.ndarray
    crossing: float
    height: float
    clearance: float

    def sweeps(self, kappa):
        """Whether the pole at kappa (positive real or imaginary) lies between the real axis and this path."""
        kappa = np.asarray(kappa, dtype=complex)
        return np.where(kappa.imag > kappa.real, kappa.imag < self.height, kappa.real < self.crossing)


def contour(k, kappa, *, extent, nearest, step):
    """Path that stays clear of the poles kappa.

    Parameters
    ----------
    k : float
        K > 0.
    kappa : (...) complex array
        Axial wavenumbers of the duct modes, on the positive real and imaginary axes.
    extent : float
        Largest |X| on the grid.
    nearest : float
        Least distance to the lip.
    step : float
        Of the path's parameter; less where a pole comes close.
    """
    delta = min(_WIDTH * k, _GROWTH / max(extent, 1e-300))
    offsets = np.linspace(0.25 * min(delta, 0.25 * k), 0.5 * k, 8)
    kappa = np.asarray(kappa)
    clearance, offset = max((_path(k, kappa, delta, offset, nearest, _COARSE).clearance, offset) for offset in offsets)
    step *= min(1.0, clearance * _COARSE / step / _CLEARANCE)
    return _path(k, kappa, delta, offset, nearest, step)


def _path(k, kappa, delta, offset, nearest, step):
    right = (k - offset) / delta + _RIGHT
    left = (k + offset) / delta + _LEFT
    end, start = (max(1.0, math.log(_DECAY / (arm.imag * nearest * delta))) for arm in (_ARM, _LEFT_ARM))
    t = np.arange(-left - start, right + end, step)
    out, back = np.exp(t - right) * _ARM, np.exp(-t - left) / _LEFT_ARM
    s = offset + delta * (t + out - back - 1j * np.tanh(t))
    weight = delta * step * (1 + out + back - 1j / np.cosh(np.clip(t, -300, 300)) ** 2)
    gap = np.abs(s[:, None] - kappa) / np.abs(weight[:, None])
    middle = np.abs(t) < min(left, right) + 0.2
    crossing = float(np.interp(0.0, -s.imag[middle], s.real[middle]))
    height = float(np.interp(0.0, s.real[middle], s.imag[middle]))
    order = np.concatenate([np.arange(0, len(s), 2), np.arange(1, len(s), 2)])
    return Contour(s[order], (len(s) + 1) // 2, weight[order], crossing, height, float(gap.min()))
