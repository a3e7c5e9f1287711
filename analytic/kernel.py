"""Radial wavenumber, and the scaled Bessel functions that kernels and fields are made of."""

import numpy as np
from scipy import special

from . import bessel

_FEW = 128  # arguments below which tables do not pay


def root(z):
    """Square root, positive on the positive axis, with its cut down the negative imaginary axis."""
    return np.exp(0.25j * np.pi) * np.sqrt(-1j * np.asarray(z))


def radial_wavenumber(s, k):
    """gamma = sqrt(k^2 - s^2), Im gamma >= 0 on the contour: cuts from +k upwards and from -k downwards."""
    return root(k - s) * root(k + s)


def bessel_pair(m, z):
    """J_m(z) and J_m'(z), both times exp(-|Im z|); z a complex array without zeros."""
    if np.size(z) >= _FEW and m <= bessel.LARGEST_ORDER:
        return bessel.bessel(m, z)
    value = special.jve(m, z)
    return value, (m / z) * value - special.jve(m + 1, z)


def hankel_pair(m, z):
    """H_m(z) and H_m'(z) of the first kind, both times exp(-i z); z a complex array without zeros."""
    if np.size(z) >= _FEW and m <= bessel.LARGEST_ORDER:
        return bessel.hankel(m, z)
    value = special.hankel1e(m, z)
    return value, (m / z) * value - special.hankel1e(m + 1, z)
