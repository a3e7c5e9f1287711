"""Taylor series of both functions about the points of a lattice, and the power series of H next to the origin."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from ..arrays import BoolArray, ComplexArray
from .polynomials import integer_power

_TERMS = 18  # of a Taylor series: 0.71^18 / 18! and (0.18 / 1.8)^18 are below 1e-17
SMALL, FINE = 2.0, 8.0  # |z| up to which H comes from its power series, from the finer lattice
SPLIT = 4  # finer spacings to a coarse one
_SERIES = 14  # terms of H's power series: 1 / 14!^2 < 1e-20


@dataclass(frozen=True)
class Cells:
    """Taylor series about the points of a square lattice in Re >= 0, Im >= 0.

    coefficients : (term, cell) complex array, of powers of the distance in units of the spacing.
    """

    coefficients: np.ndarray
    per_unit: int  # cells to a length 1
    width: int  # cells in a row along the real axis

    def __call__(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Value and slope at a one-dimensional array."""
        distance = z * self.per_unit
        column, row = np.rint(distance.real), np.rint(distance.imag)
        distance.real -= column
        distance.imag -= row
        cell = (self.width * row + column).astype(np.intp)
        value, term = self.coefficients[-1].take(cell), np.empty_like(z)
        slope = np.zeros_like(z)
        for c in self.coefficients[-2::-1]:
            slope *= distance
            slope += value
            value *= distance
            value += c.take(cell, out=term, mode="clip")  # "raise" would copy
        slope *= self.per_unit
        return value, slope


def bessel_cells(m: int, unit: float, reach: float) -> Cells:
    """Lambda: (d/d(z^2))^k z^-m J_m = (-1/2)^k z^(-m-k) J_(m+k)."""
    centre, width, used = _lattice(1, reach, 1)
    z0 = centre[used]
    top = m + _TERMS
    # Downwards, where J is the growing solution of the recurrence.
    orders = [special.jve(top, z0), special.jve(top - 1, z0)]
    for order in range(top - 1, m, -1):
        orders.append(2 * order / z0 * orders[-1] - orders[-2])
    # The high orders of scipy have larger relative errors, which J_m and J_(m+1) take out.
    low = orders[-1], orders[-2]
    exact = special.jve(m, z0), special.jve(m + 1, z0)
    size = [np.abs(value) for value in low]
    correction = np.where(size[0] > size[1], exact[0], exact[1]) / np.where(size[0] > size[1], *low)
    scale = correction * np.exp(z0.imag) * integer_power(unit / z0, m)
    orders = [(-1) ** k * scale * value for k, value in enumerate(orders[:0:-1])]
    coefficients = np.zeros((_TERMS, len(centre)), complex)
    coefficients[:, used] = _taylor(orders, z0, 1)
    for k in range(_TERMS // 2):  # at z0 = 0 the power series itself
        coefficients[2 * k, 0] = (-0.25) ** k / (math.factorial(k) * math.factorial(m + k)) * (unit / 2) ** m
    return Cells(coefficients, 1, width)


def hankel_cells(m: int, unit: float, reach: float, per_unit: int) -> Cells:
    """G: (d/d(z^2))^k z^m H_m = 2^-k z^(m-k) H_(m-k)."""
    centre, width, used = _lattice(FINE if per_unit == 1 else SMALL, reach, per_unit)
    z0 = centre[used]
    # Upwards, where H is the growing solution of the recurrence; H_-n = (-1)^n H_n.
    first, last = max(m - _TERMS + 1, 0), max(m, _TERMS - 1 - m)
    values = {first: special.hankel1e(first, z0), first + 1: special.hankel1e(first + 1, z0)}
    for order in range(first + 1, last):
        values[order + 1] = 2 * order / z0 * values[order] - values[order - 1]
    scale = integer_power(z0 / unit, m)
    orders = [scale * values[abs(order)] * (1 if order >= 0 else (-1) ** order) for order in range(m, m - _TERMS, -1)]
    plain = _taylor(orders, z0, per_unit)
    coefficients = np.zeros((_TERMS, len(centre)), complex)
    scaled = np.zeros_like(plain)
    for k in range(_TERMS):  # times exp(-i delta)
        scaled[k:] += (-1j / per_unit) ** k / math.factorial(k) * plain[: _TERMS - k]
    coefficients[:, used] = scaled
    return Cells(coefficients, per_unit, width)


def hankel_series(m: int, unit: float) -> list[float]:
    """Coefficients in z^2 of S, H_m = J_m (1 + 2i/pi log(z/2)) - i/pi (unit / z)^m S (DLMF 10.8.1)."""
    coefficients = []
    for k in range(_SERIES):
        if k < m:
            c = math.factorial(m - k - 1) / (math.factorial(k) * (unit / 2) ** m)
        else:
            digamma = special.digamma(k - m + 1) + special.digamma(k + 1)
            c = (-1) ** (k - m) * digamma * (2 / unit) ** m / (math.factorial(k - m) * math.factorial(k))
        coefficients.append(c / 4.0**k)
    return coefficients


def _lattice(closest: float, reach: float, per_unit: int) -> tuple[ComplexArray, int, BoolArray]:
    """Centres z0 (cell,) of a lattice, its width, and which of them have arguments closest <= |z| < reach beside."""
    width = math.ceil(reach * per_unit) + 1
    columns, rows = np.meshgrid(np.arange(width), np.arange(width))
    centre: ComplexArray = np.asarray((columns + 1j * rows).ravel() / per_unit, dtype=complex)
    margin = 0.75 / per_unit  # half a diagonal and more
    return centre, width, (np.abs(centre) > closest - margin) & (np.abs(centre) < reach + margin)


def _taylor(orders: Sequence[ComplexArray], centre: ComplexArray, per_unit: int) -> ComplexArray:
    """Coefficients in delta of sum_k orders[k]/k! tau^k, tau = delta + delta^2/(2 z0): a series in z^2, at z0."""
    coefficients = np.zeros((_TERMS, len(centre)), complex)
    inverse = 0.5 / centre
    for k in range(_TERMS):
        term = orders[k] / math.factorial(k)
        for j in range(min(k + 1, _TERMS - k)):
            coefficients[k + j] += math.comb(k, j) * term
            term = term * inverse
    return coefficients / float(per_unit) ** np.arange(_TERMS)[:, None]
