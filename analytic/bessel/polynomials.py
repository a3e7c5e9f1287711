"""Powers and polynomials of arrays."""

from collections.abc import Sequence

import numpy as np

from ..arrays import ComplexArray, FloatArray


def integer_power(base: ComplexArray, exponent: int) -> ComplexArray:
    """base^exponent for a non-negative integer, by repeated squaring; may return base."""
    if exponent == 0:
        return np.ones_like(base)
    result: ComplexArray | None = None
    while True:
        if exponent % 2:
            result = base if result is None else result * base
        exponent //= 2
        if not exponent:
            assert result is not None  # the last bit of an exponent is 1
            return result
        base = base * base


def horner(coefficients: Sequence[float], z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """A polynomial and its derivative; coefficients from degree 0 upwards."""
    value, slope = np.full_like(z, coefficients[-1]), np.zeros_like(z)
    for c in coefficients[-2::-1]:
        slope *= z
        slope += value
        value *= z
        value += c
    return value, slope


def polynomials(coefficients: FloatArray, z: ComplexArray) -> ComplexArray:
    """Polynomials of real coefficients (polynomial, degree), as a product of real matrices: (polynomial, argument)."""
    powers = np.empty((coefficients.shape[1], len(z)), complex)
    powers[0] = 1
    for degree in range(1, len(powers)):
        np.multiply(powers[degree - 1], z, out=powers[degree])
    return (coefficients @ powers.view(float)).view(complex)
