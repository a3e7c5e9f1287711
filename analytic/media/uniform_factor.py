r"""W_plus at many points of the right half-plane, for several transforms in uniform flow, from a power series of each.

In p = sqrt(1 + s / K) the branch point s = -K is at 0 and the right half-plane, unless |s| is much larger than K,
within a small circle around `CENTRE`. ln F_plus less the logarithms of its zeros next to that circle, s = -kappa_l, is
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

CENTRE = 1.2  # p of s = 0 ... K is 1 ... 1.414, and points to be reached are to the right of their middle as well
# Terms of the series, at least and over K, and points on the circle: between them the phase turns by less than pi.
_TERMS, _DENSITY = 24, 0.5
_MARGIN = 1.05  # radius of the circle over the largest distance of a point
_LEAST = 0.1  # of that distance
_CLEAR = 2.2  # distance over the circle's radius up to which zeros are divided out: terms fall at least as 2.2^-n


class Series:
    """Power series of the factors.

    Parameters
    ----------
    transforms : of one azimuthal order and hub, whose factors are of one call.
    distance : (case,) float array
        Largest |p - CENTRE| of the points for each transform.
    """

    def __init__(self, transforms: Sequence[UniformTransform], distance: FloatArray) -> None:
        self._k = np.array([[one.k] for one in transforms])
        self._radius = _MARGIN * np.maximum(distance, _LEAST)[:, None]
        terms = max(_TERMS, math.ceil(_DENSITY * np.max(self._k)))
        circle = CENTRE + self._radius * np.exp(2j * np.pi * np.arange(terms) / terms)
        self._zeros = self._next_to_circle(transforms[0])
        factors = Factorisation.join([one.factors for one in transforms])
        log_plus, error = factors.log_plus((self._k * (circle**2 - 1)).reshape(len(transforms), -1))
        values = np.exp(log_plus) / _product(circle, self._zeros)
        log_values = np.log(np.abs(values)) + 1j * np.unwrap(np.angle(values), axis=1)
        self._series = np.fft.fft(log_values, axis=1) / terms
        last = np.sum(np.abs(self._series[:, -terms // 4 :]), axis=1)  # of the terms, the last quarter
        self.error = np.max(error.reshape(len(transforms), -1), axis=1) + last  # (case,), relative

    def plus(self, p: ComplexArray, case: IntArray) -> ComplexArray:
        """W_plus at K (p^2 - 1); p : (path, node) complex array, case : (path,) int array."""
        x = (p - CENTRE) / self._radius[case]
        total = np.zeros_like(p)
        for term in self._series.T[::-1]:
            total *= x
            total += term[case, None]
        np.exp(total, out=total)
        total *= _product(p, self._zeros[case])
        total /= p
        total *= (np.exp(0.25j * np.pi) / np.sqrt(self._k))[case]
        return total

    def _next_to_circle(self, transform: UniformTransform) -> ComplexArray:
        """1 - kappa / K of zeros next to each transform's circle, and 0 for others: (case, zero)."""
        # s / K = -i y is at a distance of at least sqrt(y) - centre.
        reach = np.max(self._k * (1 + (CENTRE + _CLEAR * self._radius) ** 2))
        alpha = transform.section.eigenvalues(int(reach / np.pi) + 2)
        kappa = np.sqrt((self._k - alpha) * (self._k + alpha) + 0j)
        near = np.abs(np.sqrt(1 - kappa / self._k) - CENTRE) < _CLEAR * self._radius
        return np.where(near, 1 - kappa / self._k, 0)[:, np.any(near, axis=0)]


def _product(p: ComplexArray, zeros: ComplexArray) -> ComplexArray:
    """Product of (s + kappa) / (s + K), which are of moderate size; zeros : 1 - kappa / K, (row, zero)."""
    inverse, product = 1 / p**2, np.ones_like(p)
    for zero in zeros.T:
        part = inverse * zero[:, None]
        np.subtract(1, part, out=part)
        product *= part
    return product
