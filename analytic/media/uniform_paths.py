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
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ..bessel import bessel_pair, hankel_pair
from ..contour import POWER
from ..factorisation import Factorisation
from ..resonances import hankel_slope_zeros
from .uniform_factor import CENTRE, Series
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
_LOOSEST = 0.01  # a looser tolerance saves no nodes
_PASSED = 0.6  # poles are counted up to this fraction of 2 pi sigma^2 / h, beyond which the rule's error is larger
_BESIDE = 0.8  # half the nodes beside the axis, over the exponent of the error there
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

    def starts(self) -> IntArray:
        """First pair of every path."""
        return np.flatnonzero(np.diff(self.path, prepend=-1))


def far_pairs(transforms: Sequence[UniformTransform], x: FloatArray, r: FloatArray) -> Pairs:
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
    path = np.cumsum(np.diff(key[order], prepend=-1) > 0) - 1
    every = (axis, np.broadcast_to(k, rho.shape), stretched, np.broadcast_to(r, rho.shape), rho, theta)
    return Pairs(case[order], point[order], path, *(one[far][order] for one in every))


@dataclass(frozen=True)
class Paths:
    """Paths of steepest descent, with nodes evenly spaced in t or y.

    Attributes
    ----------
    case : (path,) int array
    axis : (path,) bool array
        Whether the waves are J_m(gamma r) instead of H_m(gamma r).
    k : (path, 1) float array
        K.
    centre, sigma, first, step : (path,) float arrays
        theta and sigma of the saddle, first t and step.
    cosine, gamma, weight : (path, node) complex arrays
        cos(tau), gamma, and d tau / 2 pi for H_m or d tau / pi for J_m.
    back : (path, node) bool array
        Whether the argument of W_plus is -s = K cos(tau).
    root : (path, node) complex array
        sqrt(1 + s / K) of that argument.
    """

    case: IntArray
    axis: BoolArray
    k: FloatArray
    centre: FloatArray
    sigma: FloatArray
    first: FloatArray
    step: FloatArray
    cosine: ComplexArray
    gamma: ComplexArray
    weight: ComplexArray
    back: BoolArray
    root: ComplexArray


def paths_to(found: Pairs, tolerance: float) -> Paths:
    """Paths to all pairs."""
    starts, tolerance = found.starts(), min(tolerance, _LOOSEST)
    ends = np.log(_ENDS / tolerance)
    low, high, near = (np.minimum.reduceat(one, starts) for one in (found.theta, -found.theta, found.rho))
    high, far, k, axis = -high, np.maximum.reduceat(found.rho, starts), found.k[starts], found.axis[starts]
    wide, sharp = 1 / np.sqrt(k * near), 1 / np.sqrt(k * far)
    centre = np.clip(0.5 * (low + high), _CLEAR * wide, np.pi - _CLEAR * wide)
    # The lip is at the distance 1 from the origin, and points are off the centre: both shift the saddle.
    leaning = np.minimum(np.abs(np.cos(centre)) + wide, 1)
    shift = (np.maximum(high - centre, centre - low) + leaning / near) / np.sqrt(2)
    length = shift + np.sqrt(shift**2 + 2 * ends * wide**2)
    step = np.pi * sharp / (np.sqrt(2 * np.log(_SAFETY / tolerance) / POWER) + shift / sharp)
    half = int(np.max(np.where(axis, np.ceil(_BESIDE * ends), np.ceil(length / step))))
    places = (np.arange(-half, half) + 0.5) / half  # between -1 and 1
    return _placed(found, places, centre, wide, length, ends)


def _placed(
    found: Pairs, places: FloatArray, centre: FloatArray, sigma: FloatArray, length: FloatArray, ends: float
) -> Paths:
    """Nodes and weights."""
    starts = found.starts()
    k, axis = found.k[starts][:, None], found.axis[starts]
    step = length * (places[1] - places[0])
    # cos and sin of tau / 2, the sum of half the centre and a (1 - i).
    a = length[:, None] * (places / np.sqrt(8))
    real, up = 0.5 * centre[:, None], (np.cos(a) * np.cosh(a), np.sin(a) * np.sinh(a))
    cosine_of_a, sine_of_a = up[0] + 1j * up[1], np.sin(a) * np.cosh(a) - 1j * (np.cos(a) * np.sinh(a))
    cosine = np.cos(real) * cosine_of_a - np.sin(real) * sine_of_a
    sine = np.sin(real) * cosine_of_a + np.cos(real) * sine_of_a
    whole, gamma = cosine**2 - sine**2, 2 * k * cosine * sine
    back = whole.real > 0
    root = np.sqrt(2) * np.where(back, cosine, sine)
    weight = np.repeat(step[:, None] * _TURN / (2 * np.pi), len(places), axis=1)
    if np.any(axis):
        k = k[axis]
        x, r = np.minimum.reduceat(found.x, starts)[axis], np.maximum.reduceat(found.r, starts)[axis]
        # exp(-K X q) against the growth of J_m' J_m, exp(K (1 + r) sqrt(q)).
        growth = (k[:, 0] / x) * (1 + r) ** 2
        last = np.log(0.25 * (np.sqrt(growth) + np.sqrt(growth + 4 * ends)) ** 2)[:, None]
        first = -np.log(ends)
        y = 0.5 * (first + last) + 0.5 * (last - first) * places
        q = np.exp(y - np.exp(-y)) / (k * x[:, None])
        whole[axis], back[axis], root[axis] = 1 + 1j * q, True, np.sqrt(2 + 1j * q)
        gamma[axis] = k * np.sqrt(-1j * q) * root[axis]
        # sin(tau) d tau = -i dq, and sin(tau) = gamma / K.
        steps = 0.5 * (last - first) * (places[1] - places[0])
        weight[axis] = -1j * q * (1 + np.exp(-y)) * steps * k / (np.pi * gamma[axis])
    return Paths(
        found.case[starts],
        axis,
        found.k[starts][:, None],
        centre,
        sigma,
        length * places[0],
        step,
        whole,
        gamma,
        weight,
        back,
        root,
    )


class Poles(NamedTuple):
    """Zeros z of H_m', (pole,), their s and the strengths of H_m(z r) exp(-i z) exp(-i s X), (case, pole)."""

    z: ComplexArray
    s: ComplexArray
    strength: ComplexArray


class Spectra:
    """G at the nodes of paths, and the poles next to them.

    error : (case,) float array, relative, of both.
    """

    def __init__(self, transforms: Sequence[UniformTransform], paths: Paths) -> None:
        self._transforms, self._paths, self._m = transforms, paths, transforms[0].m
        self._k = np.array([[one.k] for one in transforms])
        distance = np.zeros(len(transforms))
        np.maximum.at(distance, paths.case, np.max(np.abs(paths.root - CENTRE), axis=1))
        self._series = Series(transforms, distance)
        self.error = self._series.error + np.array([one.cancellation for one in transforms]) + ROUNDING  # (case,)
        live = [np.flatnonzero(one.strength) for one in transforms]
        self._kappa = np.ones((max(map(len, live)), len(live), 1), complex)
        self._strength = np.zeros_like(self._kappa)
        for index, (one, orders) in enumerate(zip(transforms, live, strict=True)):
            self._kappa[: len(orders), index, 0] = one.kappa[orders]
            self._strength[: len(orders), index, 0] = one.strength[orders]

    def _sources(self, s: ComplexArray, case: IntArray) -> ComplexArray:
        """(K + s) T(s); s : (row, node) complex array, case : (row,) int array."""
        return sources(self._k[case], s, self._kappa[:, case], self._strength[:, case])

    def coefficients(self) -> ComplexArray:
        """Coefficients of the waves, weights included: (path, node)."""
        paths, m = self._paths, self._m
        value = self._sources(-paths.k * paths.cosine, paths.case)
        value *= paths.weight
        plus = self._series.plus(paths.root, paths.case)
        back, front = paths.back, ~paths.back
        z = paths.gamma[back]
        value[back] *= 1j * np.pi * bessel_pair(m, z)[1] * np.exp(np.abs(z.imag)) / plus[back]
        z = paths.gamma[front]
        value[front] *= plus[front] / (hankel_pair(m, z)[1] * np.exp(1j * z))
        return value

    def poles(self) -> Poles:
        """The poles of all transforms."""
        m, z = self._m, hankel_slope_zeros(self._m)
        s = np.sqrt(self._k - z) * np.sqrt(self._k + z)
        plus, _ = Factorisation.join([one.factors for one in self._transforms]).plus(s)
        strength = 1j * plus * self._sources(s, np.arange(len(s))) / (s * (1 - (m / z) ** 2) * hankel_pair(m, z)[0])
        return Poles(z, s, strength)


def counted(paths: Paths, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Factors of poles at H_m'(z) = 0 in the rule and in that with twice the step, 0 where negligible: (path, pole)."""
    t = (np.pi - np.arcsin(z / paths.k) - paths.centre[:, None]) / _TURN
    factors = []
    for step in (paths.step[:, None], 2 * paths.step[:, None]):
        decay = np.clip(2 * np.pi * (t.imag / step), -_FLAT, _FLAT)
        turn = -2j * np.pi * (t.real - paths.first[:, None]) / step
        near = (t.imag < _PASSED * 2 * np.pi * paths.sigma[:, None] ** 2 / step) & ~paths.axis[:, None]
        factors.append(np.where(near, 1 / (1 - np.exp(decay + turn)), 0.0))
    return factors[0], factors[1]
