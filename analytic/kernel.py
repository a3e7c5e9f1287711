r"""Wiener–Hopf kernel of the hard-walled circular duct, and the scaled Bessel functions it is made of.

W(s) = pi i J_m'(gamma) H_m'(gamma) with gamma = sqrt(K^2 - s^2) and H = H^(1). We factorise
F(s) = pi gamma J_m'(gamma) H_m'(gamma) = -i gamma W(s), which tends to one at infinity.
"""

import math

import numpy as np
from scipy import special

_ASYMPTOTIC = 1e5  # |gamma| beyond which F's expansion in 1/gamma^2 is exact to double precision, m <= 40
_BESIDE_ZERO = 0.02  # |z - alpha| below which J_m' is taken from its Taylor series, eight terms
_EVANESCENT = 40.0  # Im gamma beyond which exp(2 i gamma) is lost in rounding


def root(z):
    """Square root, positive on the positive axis, with its cut down the negative imaginary axis."""
    return np.exp(0.25j * np.pi) * np.sqrt(-1j * np.asarray(z))


def radial_wavenumber(s, k):
    """gamma = sqrt(k^2 - s^2), Im gamma >= 0 on the contour: cuts from +k upwards and from -k downwards."""
    return root(k - s) * root(k + s)


def bessel_pair(m, z):
    """J_m(z) and J_m'(z), both times exp(-|Im z|); z a complex array without zeros."""
    value = special.jve(m, z)
    return value, (m / z) * value - special.jve(m + 1, z)


def hankel_pair(m, z):
    """H_m(z) and H_m'(z) of the first kind, both times exp(-i z); z a complex array without zeros."""
    value = special.hankel1e(m, z)
    return value, (m / z) * value - special.hankel1e(m + 1, z)


def bessel_quotient(m, z, alpha):
    """J_m'(z) / (z^2 - alpha^2) times exp(-|Im z|), alpha > 0 a zero of J_m'; accurate through z = alpha."""
    z = np.asarray(z, dtype=complex)
    offset = z - alpha
    near = np.abs(offset) < _BESIDE_ZERO
    inside = np.where(near, offset, 0.0)
    terms = [special.jvp(m, alpha, order + 1) / math.factorial(order) for order in range(1, 9)]
    series = np.polynomial.polynomial.polyval(inside, terms) / (2 * alpha + inside) * np.exp(-np.abs(z.imag))
    away = np.where(near, 2 * alpha, z)
    return np.where(near, series, bessel_pair(m, away)[1] / (away**2 - alpha**2))


def normalised_kernel(m, gamma):
    """F = pi gamma J_m'(gamma) H_m'(gamma), which tends to one as Im gamma grows.

    Parameters
    ----------
    m : int
        Azimuthal order, m >= 0.
    gamma : (...) complex array
        Radial wavenumber, not zero.
    """
    gamma = np.asarray(gamma, dtype=complex)
    far = (np.abs(gamma) > _ASYMPTOTIC) & (gamma.imag > _EVANESCENT)
    near = np.where(far, 1j, gamma)
    growth = np.exp(np.abs(near.imag) + 1j * near)
    value = np.pi * near * bessel_pair(m, near)[1] * hankel_pair(m, near)[1] * growth
    # Abramowitz & Stegun 9.2.30, mu = 4 m^2.
    mu = 4.0 * m**2
    inverse = 1 / np.where(far, 2 * gamma, 1.0) ** 2
    expansion = 1 - 0.5 * (mu - 3) * inverse - 0.125 * (mu - 1) * (mu - 45) * inverse**2
    return np.where(far, expansion, value)
