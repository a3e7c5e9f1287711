r"""End correction of the plane wave at low Helmholtz numbers, where the phase of R, 2 K l, is lost in rounding.

With W = c e^g, c = 1 - h^2, and R = -W_plus(K)^2 = -|R| e^{2 i K l} (no flow),

    l = Im 1/(2 pi i) \int g(u) 2 / (u^2 - K^2) du

along the factorisation line, without a division by K. Beside the branch points g comes from the power series of J_1 and
H_1 about its limit zero, so that its relative error is eps there.
"""

import numpy as np

from .arrays import EPS, ComplexArray
from .section import Section

_SMALL = 0.3  # |gamma| below which g is summed: terms fall as (gamma / 2)^(2 k) / k!^2
_TERMS = 9
_STEP = 0.08  # of the trapezoidal rule: every other node leaves exp(-2 pi (pi / 4) / 0.16), 4e-14
_SCALE = 0.25  # of the line's bend, in K, and thus in the distance to the branch points
_END = 1e17  # of the line: beyond, ln(u) / u is lost in rounding
_EULER = 0.57721566490153286


def low_frequency(section: Section, k: float) -> tuple[float, float]:
    """End correction without flow, K << 1, and its absolute error estimate [radii]; order m = 0."""
    y = np.arange(0.0, np.arcsinh(_END / (_SCALE * k)), _STEP)
    line = _SCALE * k * np.exp(-0.25j * np.pi)
    u = line * np.sinh(y)
    gamma = np.sqrt((k - u) * (k + u))  # Re and Im > 0 on the line
    terms = _logarithm(section, gamma) * line * np.cosh(y) * (2 / ((u - k) * (u + k))) * (_STEP / (2j * np.pi))
    terms[0] /= 2
    value, coarse = terms.sum().imag, 2 * terms[::2].sum().imag
    return float(value), float(abs(value - coarse)) + 100 * EPS * float(np.abs(terms).sum())


def _logarithm(section: Section, gamma: ComplexArray) -> ComplexArray:
    """g = ln(W / (1 - h^2)), W = i F / gamma, continuous from 0 at gamma = 0."""
    small = np.abs(gamma) < _SMALL
    value, hub2 = np.empty_like(gamma), section.hub**2
    far = gamma[~small]
    value[~small] = np.log(section.kernel(far)) - np.log(-1j * far * (1 - hub2))  # |arg F| < pi: F is near 1 far away
    regular, singular = _relative(gamma[small])
    change = regular + singular + regular * singular
    if hub2:
        hub_regular, hub_singular = _relative(gamma[small] * section.hub)
        of_hub = _log1p(hub_regular) + 2 * _log1p(singular) - _log1p(hub_singular)
        change = (change - hub2 * np.expm1(of_hub)) / (1 - hub2)
    value[small] = _log1p(change)
    return value


def _log1p(z: ComplexArray) -> ComplexArray:
    """ln(1 + z); numpy's own has the absolute error eps where z is complex."""
    value: ComplexArray = 0.5 * np.log1p(z.real * (2 + z.real) + z.imag**2) + 1j * np.arctan2(z.imag, 1 + z.real)
    return value


def _relative(z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """J_1(z) / (z / 2) - 1 and H_1(z) / (-2 i / (pi z)) - 1, to the last digit of themselves; DLMF 10.2.2, 10.8.1."""
    square = -0.25 * z**2
    term, digamma = np.ones_like(square), 1 - 2 * _EULER  # psi(1) + psi(2)
    regular, weighted = np.zeros_like(square), term * digamma
    for n in range(1, _TERMS):
        term = term * square / (n * (n + 1))
        digamma += 1 / n + 1 / (n + 1)
        regular += term
        weighted += digamma * term
    bracket = (1j * np.pi - 2 * np.log(0.5 * z)) * (1 + regular) + weighted
    return regular, -square * bracket
