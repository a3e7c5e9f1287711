"""Debye's and Hankel's expansions for large arguments."""

import math
from functools import cache

import numpy as np
from numpy.polynomial import Polynomial

from ..arrays import ComplexArray, FloatArray
from .polynomials import integer_power, polynomials

_HANKEL = 12  # largest m with Hankel's expansion; then m^2 / 2R < 2, and its terms cancel no more than a digit
_ORDERS = 44  # of Debye's or Hankel's expansion; cut where they have converged
_EPS = np.finfo(float).eps


class FarField:
    """Debye's or Hankel's expansion, Re z >= 0: A = A+ + i A-, B = B+ + i B-, polynomials with real coefficients."""

    def __init__(self, m: int, reach: float) -> None:
        self.m = m
        self.debye = m > _HANKEL
        q = 1 / math.sqrt(reach**2 - m**2) if self.debye else 1 / reach
        value, slope = _debye_coefficients(m) if self.debye else _hankel_coefficients(m)
        self.parts = _parts(value, slope, q)
        self.phase = np.exp(-0.25j * np.pi) * (-1j) ** (m % 4)

    def _common(
        self, z: ComplexArray
    ) -> tuple[list[ComplexArray], ComplexArray, ComplexArray | None, ComplexArray | None]:
        """A+, A-, B+, B-; sqrt(2 q/pi), E and s/z, the last two None where they are one."""
        q: ComplexArray
        factor: ComplexArray | None
        ratio: ComplexArray | None
        if self.debye:
            inverse = 1 / z
            s = np.sqrt((z - self.m) * (z + self.m))
            turned = s.imag * z.imag < 0  # on the imaginary axis the product's rounding may choose the branch
            if np.any(turned):
                s[turned] *= -1
            factor = np.exp(-1j * self.m**2 / (s + z)) * integer_power((s + 1j * self.m) * inverse, self.m)
            q, ratio = np.asarray(1 / s, dtype=complex), s * inverse
        else:
            q, factor, ratio = np.asarray(1 / z, dtype=complex), None, None
        square = q * q
        even, odd, slope_even, slope_odd = polynomials(self.parts, square)
        odd *= q
        slope_odd *= q
        return [even, odd, slope_even, slope_odd], _root(2 / np.pi * q), factor, ratio

    def hankel(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """H_m and H_m' times exp(-iz)."""
        (even, odd, slope_even, slope_odd), scale, factor, ratio = self._common(z)
        scale *= self.phase
        if factor is not None:
            scale *= factor
        odd *= 1j
        odd += even
        odd *= scale
        slope_even *= 1j
        slope_even -= slope_odd
        slope_even *= scale
        if ratio is not None:
            slope_even *= ratio
        return odd, slope_even

    def bessel(self, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """J_m = (H_m + H^(2)_m) / 2 and J_m' times exp(-Im z), Im z >= 0."""
        (even, odd, slope_even, slope_odd), scale, factor, ratio = self._common(z)
        wave = np.empty_like(z)  # exp(i Re z)
        np.cos(z.real, out=wave.real)
        np.sin(z.real, out=wave.imag)
        wave *= self.phase
        other = wave.conj()
        wave *= np.exp(-2 * z.imag)
        if factor is not None:
            wave *= factor
            other /= factor
        scale *= 0.5
        total = (wave + other) * scale
        wave -= other
        wave *= scale
        wave *= 1j
        value = even * total
        odd *= wave
        value += odd
        slope_even *= wave
        slope_odd *= total
        slope_even -= slope_odd
        if ratio is not None:
            slope_even *= ratio
        return value, slope_even


def _root(z: ComplexArray) -> ComplexArray:
    """Square root where Re z >= 0, in real arithmetic: numpy's complex one is ten times slower."""
    result = np.empty_like(z)
    np.sqrt(0.5 * (np.abs(z) + z.real), out=result.real)
    np.divide(0.5 * z.imag, result.real, out=result.imag)
    return result


def _parts(value: FloatArray, slope: FloatArray, q: float) -> FloatArray:
    """Real coefficients in q^2 of A+, A-, B+, B- (part, term), of sum_n i^n c_n q^n, as long as |q| needs them."""
    parts = []
    for c in (value[::2], value[1::2], slope[::2], slope[1::2]):
        size = np.abs(c) * q ** (2 * np.arange(len(c)))
        small = np.flatnonzero(size < 0.02 * _EPS)
        parts.append((c * (-1.0) ** np.arange(len(c)))[: small[0] if len(small) else np.argmin(size)])
    matrix = np.zeros((len(parts), max(map(len, parts))))
    for row, part in zip(matrix, parts, strict=True):
        row[: len(part)] = part
    return matrix


def _hankel_coefficients(m: int) -> tuple[FloatArray, FloatArray]:
    """a_n and b_n of DLMF 10.17.1 and 10.17.8: A = sum i^n a_n / z^n, B with b_n."""
    a, b = [1.0], [1.0]
    for n in range(1, _ORDERS):
        b.append(a[-1] * (4 * m**2 + 4 * n**2 - 1) / (8 * n))
        a.append(a[-1] * (4 * m**2 - (2 * n - 1) ** 2) / (8 * n))
    return np.array(a), np.array(b)


def _debye_coefficients(m: int) -> tuple[FloatArray, FloatArray]:
    """As `_hankel_coefficients` in powers of q: Debye's polynomials U_k(i m q) / m^k, V_k(i m q) / m^k summed."""
    a, b = np.zeros(3 * _ORDERS), np.zeros(3 * _ORDERS)
    for k, polynomials_of_k in enumerate(_debye_polynomials()):
        for total, c in zip((a, b), polynomials_of_k, strict=True):
            n = np.arange(len(c))
            total[: len(c)] += (-1.0) ** n * c * float(m) ** (n - k)
    return a, b


@cache
def _debye_polynomials() -> list[tuple[FloatArray, FloatArray]]:
    """Coefficients of U_k and V_k, DLMF 10.41.9 and 10.41.11, for all k: the same for every m."""
    found = []
    t = Polynomial([0.0, 1.0])
    u = Polynomial([1.0])
    previous = Polynomial([0.0])
    for _ in range(_ORDERS):
        v = u + t * (t**2 - 1) * (0.5 * previous + t * previous.deriv())
        found.append((np.asarray(u.coef, dtype=float), np.asarray(v.coef, dtype=float)))
        previous = u
        u = 0.5 * t**2 * (1 - t**2) * u.deriv() + 0.125 * ((1 - 5 * t**2) * u).integ()
    return found
