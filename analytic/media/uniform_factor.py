r"""W_plus at many points of the right half-plane, for several transforms in uniform flow, from a power series of each.

In p = sqrt(1 + s / K) the branch point s = -K is at 0 and the right half-plane, unless |s| is much larger than K,
within a small circle around `_CENTRE`. ln F_plus less the logarithms of its zeros next to that circle, s = -kappa_l, is
regular in a larger one: its Taylor series follows from the values on the smaller circle, by a discrete Fourier
transform.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import ComplexArray, FloatArray, IntArray
from ..factorisation import Factorisation

if TYPE_CHECKING:
    from .uniform import UniformTransform

_CENTRE = 1.2  # p of s = 0 ... K is 1 ... 1.414, and points to be reached are to the right of their middle as well
# Terms of the series, at least and over K, and points on the circle: between them the phase turns by less than pi.
_TERMS, _DENSITY = 24, 0.5
_MARGIN = 1.05  # radius of the circle over the largest distance of a point
_CLEAR = 2.2  # distance over that radius up to which zeros are divided out: the series' terms fall as 2.2^-n


def plus(transforms: Sequence[UniformTransform], p: ComplexArray, case: IntArray) -> tuple[ComplexArray, FloatArray]:
    """W_plus at K (p^2 - 1), and the relative error estimate.

    transforms : of one azimuthal order and hub, whose factors are of one call.
    p : (path, node) complex array; case : (path,) int array, indices of transforms, increasing.
    """
    used, starts = np.unique(case, return_index=True)
    factors = Factorisation.join([transforms[index].factors for index in used])
    k = np.array([transforms[index].k for index in used])[:, None]
    rows = np.searchsorted(used, case)
    distance = np.max(np.abs(p - _CENTRE), axis=1)
    radius = _MARGIN * np.maximum.reduceat(distance, starts)[:, None]
    terms = max(_TERMS, math.ceil(_DENSITY * np.max(k)))
    circle = _CENTRE + radius * np.exp(2j * np.pi * np.arange(terms) / terms)
    ratio, near = _zeros(transforms[0], k, radius)
    log_plus, error = factors.log_plus((k * (circle**2 - 1)).reshape(len(used), -1))
    values = np.exp(log_plus) / _product(circle, ratio, near)
    phase = np.unwrap(np.angle(values), axis=1)
    series = np.fft.fft(np.log(np.abs(values)) + 1j * phase, axis=1) / terms
    left = np.sum(np.abs(series[:, -terms // 4 :]), axis=1)  # terms of the last quarter
    x, total = (p - _CENTRE) / radius[rows], np.zeros_like(p)
    for term in range(terms - 1, -1, -1):
        total *= x
        total += series[rows, term][:, None]
    value = np.exp(total) * _product(p, ratio[rows], near[rows]) * (np.exp(0.25j * np.pi) / (np.sqrt(k)[rows] * p))
    return value, (np.max(error, axis=1) + left)[rows]


def _zeros(transform: UniformTransform, k: FloatArray, radius: FloatArray) -> tuple[ComplexArray, np.ndarray]:
    """kappa / K of the zeros of every case and which of them are next to its circle: (case, zero)."""
    # |p - centre| < d for s = -kappa = -i K y needs y < d^2 + ...
    reach = 1 + (_CENTRE + _CLEAR * radius) ** 2
    alpha = transform.section.eigenvalues(int(np.max(k * reach) / np.pi) + 2)
    kappa = np.sqrt((k - alpha) * (k + alpha) + 0j) / k
    return kappa, np.abs(np.sqrt(1 - kappa) - _CENTRE) < _CLEAR * radius


def _product(p: ComplexArray, ratio: ComplexArray, near: np.ndarray) -> ComplexArray:
    """Product of (s + kappa) / (s + K) over the zeros next to the circle, of moderate size: (row, point)."""
    inverse, product = 1 / p**2, np.ones_like(p)
    for column in np.flatnonzero(np.any(near, axis=0)):
        rows = np.flatnonzero(near[:, column])
        product[rows] *= 1 - (1 - ratio[rows, column])[:, None] * inverse[rows]
    return product
