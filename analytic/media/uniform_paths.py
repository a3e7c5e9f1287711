r"""Paths of steepest descent to points far from the lip, in uniform flow without a hub.

With s = -K cos(tau), gamma = K sin(tau) and polar coordinates (rho, theta) of (X, r), the field outside the duct is

    phi = (1 / 2 pi) \int G(tau) H_m(gamma r) exp(i K X cos(tau)) d tau,
    G = (K + s) T W_plus(s) / H_m'(gamma) = i pi (K + s) T J_m'(gamma) / W_plus(-s),

where the form is used in which the argument of W_plus is in the right half-plane. The integrand has a saddle at tau =
theta of width sigma = 1 / sqrt(K rho): on tau = theta + t exp(-i pi / 4) it falls like exp(-(t / sigma)^2 / 2), and the
trapezoidal rule in t converges fast. Points at nearly the same distance and angle share a path.

- Between the real axis and a path there may be zeros z of H_m', where Im gamma < 0. A pole at t_z with the residue Q
  adds pi Q (cot(pi t_z / h) + i) to the rule of step h, which counts the pole, whether the path has passed it or not,
  and takes away the error that it causes in the rule.
- Downstream beside the axis, where H_m is singular, the waves of tau and -tau combine to 2 J_m(gamma r), tau > 0. With
  cos(tau) = 1 + i q the integrand falls like exp(-K X q), and q is integrated by a double-exponential rule. There the
  field is the continuation of that in r > 1, which contains the incident mode.

References
----------
L. B. Felsen, N. Marcuvitz, Radiation and scattering of waves (1973), chapter 4, for the path; C. Chiarella, A. Reichel,
Math. Comp. 22 (1968), 137-143, for the poles; H. Takahasi, M. Mori, Publ. RIMS 9 (1974), 721-741, for exp(y - exp(-y)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ..bessel import bessel_pair, hankel_pair
from ..contour import POWER
from ..factorisation import Factorisation
from ..resonances import hankel_slope_zeros
from . import uniform_factor
from .uniform_far_field import sources
from .uniform_near_field import ROUNDING

if TYPE_CHECKING:
    from .uniform import UniformTransform

_TURN = np.exp(-0.25j * np.pi)  # direction of the paths
# Points served, in sigma: least angles to the axis off the axis and to the outside of the duct; next to the axis and to
# the duct H_m has a branch point, from which a path's centre keeps away.
_LEAST, _CLEAR = 1.5, 3.0
_NEAREST = 4.0  # least rho [radii]
_LOWEST, _HIGHEST = 20.0, 4.0  # least K rho; largest K / rho, whose root is the lip's distance from the origin in sigma
_EVANESCENT = 1.2  # largest m / K: there are no saddles where H_m does not oscillate
_WIDTH = 3.0  # of the angles that share a path, in sigma at twice their least rho
# Ratios of the tolerance to the errors aimed at: of the rule as for near fields, of the terms at the ends of a path.
_SAFETY, _ENDS = 4.0, 15.0
_PASSED = (
    0.6  # poles are corrected for up to this fraction of 2 pi sigma^2 / h, beyond which the rule's own error is larger
)
_FLAT = 300.0  # exponent that neither overflows nor matters any more
_FARTHEST = 1e5  # K rho, the same as for the contour of a near field
_SHELLS = 1024  # powers of two that distances may take


@dataclass(frozen=True)
class Pairs:
    """Points of several transforms, a pair for each point of each, ordered by case and path: arrays (pair,).

    case, point : int, indices. path : int, numbered from 0. axis : bool, beside the axis.
    k, x, r, rho, theta : float, K, X, r and polar coordinates of (X, r).
    """

    case: IntArray
    point: IntArray
    path: IntArray
    axis: BoolArray
    k: FloatArray
    x: FloatArray
    r: FloatArray
    rho: FloatArray
    theta: FloatArray

    def __len__(self) -> int:
        return len(self.case)


def pairs(transforms: Sequence[UniformTransform], x: FloatArray, r: FloatArray) -> Pairs:
    """The points of every transform for which the path of steepest descent serves."""
    k, scale = (np.array([[getattr(one, name)] for one in transforms]) for name in ("k", "scale"))
    stretched = x / scale
    rho, theta = np.hypot(stretched, r), np.arctan2(r, stretched)
    with np.errstate(divide="ignore"):
        sigma = 1 / np.sqrt(k * rho)
    axis = (stretched > 0) & ((r <= 1) | (theta < _LEAST * sigma))
    outside = (r > 1) & (theta >= _LEAST * sigma) & (np.pi - theta >= _LEAST * sigma)
    far = (axis | outside) & (rho >= _NEAREST) & (k * rho >= _LOWEST) & (k * rho < _FARTHEST) & (k <= _HIGHEST * rho)
    far &= transforms[0].m <= _EVANESCENT * k
    case, point = np.nonzero(far)
    shell = np.floor(np.log2(rho[far])).astype(np.intp)
    width = _WIDTH / np.sqrt(2.0 ** (shell + 1) * k[case, 0])
    piece = np.where(axis[far], 0, 1 + (theta[far] / width).astype(np.intp))
    key = (case * _SHELLS + shell) * (2 + np.max(piece, initial=0)) + piece
    order = np.argsort(key, kind="stable")
    _, path = np.unique(key, return_inverse=True)
    parts = (one[far][order] for one in (axis, np.broadcast_to(k, rho.shape), stretched, r + 0 * rho, rho, theta))
    return Pairs(case[order], point[order], path.ravel()[order], *parts)


class Paths:
    """Nodes of the paths and the spectra there.

    Attributes
    ----------
    case : (path,) int array
    axis : (path,) bool array
        Whether the waves are J_m(gamma r) instead of H_m(gamma r).
    cosine, gamma : (path, node) complex arrays
        cos(tau) and gamma.
    coefficient : (path, node) complex array
        Of the waves, weights included.
    speed : (path, node) complex array
        -i s: derivatives in X.
    error : (path,) float array
        Relative, of the coefficients.
    """

    def __init__(self, transforms: Sequence[UniformTransform], found: Pairs, tolerance: float) -> None:
        self._transforms, self.section = transforms, transforms[0].section
        starts = np.flatnonzero(np.diff(found.path, prepend=-1))
        self.case, self.axis, self._k = found.case[starts], found.axis[starts], found.k[starts][:, None]
        self._place(found, starts, tolerance)
        self._evaluate()

    def _place(self, found: Pairs, starts: IntArray, tolerance: float) -> None:
        """Nodes and weights, d tau / 2 pi for H_m or d tau / pi for J_m."""
        ends = np.log(_ENDS / tolerance)
        low, high, near = (np.minimum.reduceat(one, starts) for one in (found.theta, -found.theta, found.rho))
        high, far, k = -high, np.maximum.reduceat(found.rho, starts), self._k[:, 0]
        wide, sharp = 1 / np.sqrt(k * near), 1 / np.sqrt(k * far)
        centre = np.clip(0.5 * (low + high), _CLEAR * wide, np.pi - _CLEAR * wide)
        # The lip is at the distance 1 from the origin, and points are off the centre: both shift the saddle.
        shift = (np.maximum(high - centre, centre - low) + 1 / near) / np.sqrt(2)
        length = shift + np.sqrt(shift**2 + 2 * ends * wide**2)
        step = np.pi * sharp / (np.sqrt(2 * np.log(_SAFETY / tolerance) / POWER) + shift / sharp)
        half = int(np.max(np.ceil(length / step)[~self.axis], initial=8))
        places = (np.arange(-half, half) + 0.5) / half  # between -1 and 1
        t = length[:, None] * places
        self.step, self.first, self._centre, self._sigma = length / half, t[:, 0], centre, wide
        tau = centre[:, None] + t * _TURN
        self.cosine, self.gamma = np.cos(tau), self._k * np.sin(tau)
        self._weight = np.repeat(self.step[:, None] * _TURN / (2 * np.pi), 2 * half, axis=1)
        if np.any(self.axis):
            x, r = np.minimum.reduceat(found.x, starts)[self.axis], np.maximum.reduceat(found.r, starts)[self.axis]
            k = self._k[self.axis]
            # exp(-K X q) against the growth of J_m' J_m, exp(K (1 + r) sqrt(q)).
            growth = (k[:, 0] / x) * (1 + r) ** 2
            last = np.log(0.25 * (np.sqrt(growth) + np.sqrt(growth + 4 * ends)) ** 2)[:, None]
            first = -np.log(ends)
            y = 0.5 * (first + last) + 0.5 * (last - first) * places
            q = np.exp(y - np.exp(-y)) / (k * x[:, None])
            self.cosine[self.axis] = 1 + 1j * q
            self.gamma[self.axis] = k * np.sqrt(-1j * q) * np.sqrt(2 + 1j * q)
            step = 0.5 * (last - first) / half
            # sin(tau) d tau = -i dq, and sin(tau) = gamma / K.
            self._weight[self.axis] = -1j * q * (1 + np.exp(-y)) * step * k / (np.pi * self.gamma[self.axis])

    def _evaluate(self) -> None:
        """Coefficients at the nodes."""
        back = self.cosine.real > 0
        root = np.sqrt(1 + np.where(back, self.cosine, -self.cosine))
        plus, error = uniform_factor.plus(self._transforms, root, self.case)
        value = np.empty_like(root)
        m, z = self.section.m, self.gamma[back]
        value[back] = 1j * np.pi * bessel_pair(m, z)[1] * np.exp(np.abs(z.imag)) / plus[back]
        z = self.gamma[~back]
        value[~back] = plus[~back] / (hankel_pair(m, z)[1] * np.exp(1j * z))
        value *= self._sources(-self._k * self.cosine, self.case)
        self.coefficient = value * self._weight
        self.speed = 1j * self._k * self.cosine
        lost = np.array([one.cancellation for one in self._transforms])[self.case]
        self.error = error + lost + ROUNDING

    def _sources(self, s: ComplexArray, case: IntArray) -> ComplexArray:
        """(K + s) T(s); s : (row, node) complex array, case : (row,) int array."""
        live = [np.flatnonzero(one.strength) for one in self._transforms]
        kappa = np.ones((max(map(len, live)), len(live)), complex)
        strength = np.zeros_like(kappa)
        for index, (one, orders) in enumerate(zip(self._transforms, live, strict=True)):
            kappa[: len(orders), index], strength[: len(orders), index] = one.kappa[orders], one.strength[orders]
        k = np.array([[one.k] for one in self._transforms])[case]
        return sources(k, s, kappa[:, case, None], strength[:, case, None])

    def poles(self) -> Poles:
        """What the zeros of H_m' between the paths and the real axis, or close to a path, contribute."""
        m, z = self.section.m, hankel_slope_zeros(self.section.m)
        k = np.array([[one.k] for one in self._transforms])
        s = np.sqrt(k - z) * np.sqrt(k + z)
        joined = Factorisation.join([one.factors for one in self._transforms])
        plus, _ = joined.plus(s)
        strength = 1j * plus * self._sources(s, np.arange(len(s))) / (s * (1 - (m / z) ** 2) * hankel_pair(m, z)[0])
        t = ((np.pi - np.arcsin(z / k))[self.case] - self._centre[:, None]) / _TURN
        factors = []
        for step in (self.step[:, None], 2 * self.step[:, None]):
            turn = (
                np.clip(2 * np.pi * (t.imag / step), -_FLAT, _FLAT) - 2j * np.pi * (t.real - self.first[:, None]) / step
            )
            counted = (t.imag < _PASSED * 2 * np.pi * self._sigma[:, None] ** 2 / step) & ~self.axis[:, None]
            factors.append(np.where(counted, 1 / (1 - np.exp(turn)), 0.0))
        return Poles(z, s, strength, factors[0], factors[1])


@dataclass(frozen=True)
class Poles:
    """Zeros z of H_m' and the waves strength H_m(z r) / exp(i z) exp(-i s X) that they contribute.

    z : (pole,) complex array. s, strength : (case, pole) complex arrays.
    fine, coarse : (path, pole) complex arrays, factors for the rule and that with twice the step; 0 where negligible.
    """

    z: ComplexArray
    s: ComplexArray
    strength: ComplexArray
    fine: ComplexArray
    coarse: ComplexArray
