"""Displacement of vortex sheets, and the waves it makes in the duct and far away: of one jet or of many.

Many jets are rows of arrays (jet, ...), and `Sheet` and `Factors` are those of many. Symbols as in `jet`.
"""

from typing import Any, TypeAlias

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray, IntArray
from ..bessel import hankel_pair
from ..section import beside
from ..sheet import Sheet
from ..sheet_factors import Factors

AXIS = 1e-6  # angle to the downstream axis [rad] below which D is that at this angle: K_plus has a branch point there
_POLE = 1e-4, 1e-3  # distance to a pole of T, over k, below which eta comes from a circle, and the circle's radius
Factored: TypeAlias = tuple[ComplexArray, FloatArray]  # values and their relative errors


def displacement(
    factors: Factors,
    jets: IntArray,
    s: ComplexArray,
    plus: Factored,
    poles: ComplexArray,
    strength: ComplexArray,
    free: ComplexArray,
) -> Factored:
    """eta_plus and its relative error; regular at the poles of T, which the poles of K_plus cancel.

    Parameters
    ----------
    factors : Factors
    jets : (case,) int array
        Which of them each case has.
    s : (case, point) complex array
    plus : (case, point) arrays
        K_plus at s and its relative error.
    poles, strength, free : (case, mode) complex arrays
        s_n, -a_n N_1(s_n) / K_minus(s_n), and (1 - g) / (s_0 - s_n) of the incident modes.
    """
    gap = np.abs(s[..., None] - poles[:, None])
    limit, radius = (size * factors.sheets.k[jets] for size in _POLE)
    close = np.nonzero(np.min(gap, axis=2) < limit)
    value, error = plus
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = _driven(s, poles, strength, free) / value
    if len(close[0]):
        error, cases = error.copy(), close[0]
        some, pole = factors.take(jets[cases]), poles[cases, np.argmin(gap[close], axis=1)]
        given, radius = (poles[cases], strength[cases], free[cases]), radius[cases, 0]
        value[close] = beside(lambda z: (_driven(z.T, *given) / some.plus(z.T)[0]).T, s[close], pole, radius)
        error[close] = some.plus((pole + radius)[:, None])[1][:, 0]
    return value, error


def _driven(s: ComplexArray, poles: ComplexArray, strength: ComplexArray, free: ComplexArray) -> ComplexArray:
    """T at s (case, point)."""
    terms = (1 / (s[..., None] - poles[:, None]) - free[:, None]) * strength[:, None]
    driven: ComplexArray = np.sum(terms, axis=2)
    return driven


def upstream_amplitudes(sheets: Sheet, up: ComplexArray, norm: FloatArray, eta: ComplexArray) -> ComplexArray:
    """Reflected potential amplitudes of the modes at `up`, of that norm, from eta_plus there."""
    return sheets.inner(up)[0] * eta / (2 * norm * sheets.beta2 * (up - sheets.centre))


def far(sheets: Sheet, theta: FloatArray, axis: float = AXIS) -> tuple[ComplexArray, ComplexArray]:
    """s at angles, and D over eta_plus there: the same for all sources and Kutta parameters.

    axis : least angle.
    """
    k = sheets.k_outer / sheets.beta_outer
    off_axis = np.maximum(theta, axis)
    s: ComplexArray = np.asarray(sheets.left + 2 * k / sheets.beta_outer * np.sin(off_axis / 2) ** 2, dtype=complex)
    gamma: ComplexArray = np.asarray(k * np.sin(off_axis), dtype=complex)
    with np.errstate(over="ignore", invalid="ignore"):
        slope = gamma * hankel_pair(sheets.m, gamma, tables=sheets.tables)[1] * np.exp(1j * gamma)
    finite = np.isfinite(slope)  # else H_m' overflows, and D vanishes
    spectrum = np.where(finite, -1j * sheets.outer(s)[0] / np.where(finite, slope, 1.0), 0.0)
    return s, (-1j) ** (sheets.m + 1) / (np.pi * sheets.beta_outer) * spectrum


def cancellation(sheets: Sheet, alpha: FloatArray) -> Any:
    """Relative error of axial wavenumbers near cut-on: the square root loses the digits that k and beta alpha share."""
    distance = np.min(np.abs(sheets.k - alpha * np.sqrt(sheets.beta2)), axis=-1, keepdims=True)
    return 2 * EPS * sheets.k / distance
