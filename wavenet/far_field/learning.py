"""Fit of the directivity: polynomials fitted to the smooth part of the kernel's factors."""

from typing import Protocol

import numpy as np

from ..arrays import ComplexArray, FloatArray
from .closed_forms import slope, unit, vandermonde


class Degrees(Protocol):
    """Range of K and numbers of polynomials, as in `DirectivityConfig`."""

    @property
    def high(self) -> float:
        """Largest K."""

    @property
    def degree(self) -> int:
        """Degree of the polynomials in K."""

    @property
    def angles(self) -> int:
        """Number of the polynomials in theta."""


def learned(
    config: Degrees, order: int, zeros: FloatArray, low: float, k: FloatArray, angle: FloatArray, factor: ComplexArray
) -> FloatArray:
    """Coefficients (degree, angle, 2) of one azimuthal order from its factors F_plus (case, angle) at K (case,).

    zeros : eigenvalues whose zeros are divided out. low : least K that is used.

    Raises
    ------
    ValueError
        Too few cases.
    """
    chosen = np.flatnonzero(k >= low)
    chosen = chosen[np.argsort(k[chosen])]
    if len(chosen) <= config.degree:
        raise ValueError(
            f"{len(chosen)} cases of m = {order} are too few for degree {config.degree}, "
            f"expected {config.degree + 1} or more"
        )
    target = smooth(order, zeros, k[chosen], angle, factor[chosen])
    around = vandermonde(unit(angle, 0, np.pi), config.angles)
    along = vandermonde(unit(k[chosen], low, config.high), config.degree + 1)
    of_angle = np.linalg.lstsq(around, target.T, rcond=None)[0]
    found = np.linalg.lstsq(along, of_angle.T, rcond=None)[0]
    return np.stack([found.real, found.imag], axis=-1)


def smooth(m: int, zeros: FloatArray, k: FloatArray, angle: FloatArray, factor: ComplexArray) -> ComplexArray:
    """g from factors (case, angle), with its phase continuous in angle and case."""
    k = k[:, None]
    s, gamma = -k * np.cos(angle), k * np.sin(angle)
    value = factor * np.sqrt(k + s) / (slope(m, gamma) * np.sin(angle) ** m)
    for zero in zeros:
        value = value / ((s + np.sqrt(k**2 - zero**2 + 0j)) / (k + zero))
    phase = np.unwrap(np.angle(value), axis=1)
    middle = phase[:, len(angle) // 2]
    return np.log(np.abs(value)) + 1j * (phase + (np.unwrap(middle) - middle)[:, None])
