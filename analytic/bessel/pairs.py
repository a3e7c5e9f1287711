"""Scaled cylinder functions with their slopes: from the tables where there are many arguments, else from scipy."""

import numpy as np
from scipy import special

from ..arrays import ComplexArray
from .evaluation import LARGEST_ORDER, bessel, hankel

_FEW = 128  # arguments below which tables do not pay


def bessel_pair(m: int, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """J_m(z) and J_m'(z), both times exp(-|Im z|); z a complex array without zeros."""
    if np.size(z) >= _FEW and m <= LARGEST_ORDER:
        return bessel(m, z)
    value = special.jve(m, z)
    return value, (m / z) * value - special.jve(m + 1, z)


def hankel_pair(m: int, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """H_m(z) and H_m'(z) of the first kind, both times exp(-i z); otherwise as `bessel_pair`."""
    if np.size(z) >= _FEW and m <= LARGEST_ORDER:
        return hankel(m, z)
    value = special.hankel1e(m, z)
    return value, (m / z) * value - special.hankel1e(m + 1, z)
