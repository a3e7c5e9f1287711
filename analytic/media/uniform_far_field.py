r"""Directivity in uniform flow, of many sources of one azimuthal order and hub at once.

With T(s) = (i/2) sum_n a_n (K + kappa_n) W_plus(kappa_n) / (s + kappa_n), see `uniform`, the far field is

    D(theta) = (-i)^{m+1} / pi (K + s) T(s) W_plus(s) / (gamma H_m'(gamma)),    s = -K cos(theta), gamma = K sin(theta).

Downstream, s < 0, W_plus = W / W_minus cancels H_m', and the zeros of S' meet the poles of T.
"""

import numpy as np

from ..arrays import ComplexArray, FloatArray
from ..bessel import hankel_pair
from ..section import Section

AXIS = 1e-12  # sine of the angle to the axis below which D is its limit: K sin(pi) is rounding, 1.2e-16 K


def sources(k: FloatArray | float, s: ComplexArray, kappa: ComplexArray, strength: ComplexArray) -> ComplexArray:
    """(K + s) T(s); the plane wave's pole cancels the branch point.

    s : (..., node) complex array; kappa, strength : (order, ..., 1) complex arrays.
    """
    total = np.zeros(np.broadcast_shapes(s.shape, strength.shape[1:]), complex)
    for c, pole in zip(strength, kappa, strict=True):
        plane = pole == k
        if np.any(plane):
            total += c * np.where(plane, 1.0, (k + s) / (s + np.where(plane, 1.0, pole)))
        else:
            total += c * ((k + s) / (s + pole))
    return total


def directivity(
    section: Section,
    k: FloatArray,
    theta: FloatArray,
    alpha: FloatArray,
    kappa: ComplexArray,
    strength: ComplexArray,
    log_plus: ComplexArray,
) -> ComplexArray:
    """Directivities: (case, angle).

    Parameters
    ----------
    section : Section
    k : (case, 1) or (1, 1) float array
        K of the cases.
    theta : (angle,) float array
        In [0, pi] [rad].
    alpha : (order, case, 1) float array
        Radial eigenvalues.
    kappa, strength : (order, case, 1) complex arrays
        Their axial wavenumbers; (i/2) a_n (K + kappa_n) W_plus(kappa_n).
    log_plus : (case, angle) or (1, angle) complex array
        ln F_plus(|s|): above the factorisation line, where it is accurate, and away from the branch point -K.
    """
    s, gamma = (np.asarray(f, dtype=complex) for f in (-k * np.cos(theta), k * np.sin(theta)))
    plus = np.exp(0.25j * np.pi + log_plus) / np.sqrt(k + np.abs(s))  # W_plus(|s|)
    found = np.empty(np.broadcast_shapes(s.shape, plus.shape, strength.shape[1:]), complex)
    for chosen, side in ((np.cos(theta) > 0, _downstream), (np.cos(theta) <= 0, _upstream)):
        if np.any(chosen):
            found[:, chosen] = side(section, k, s[:, chosen], gamma[:, chosen], plus[:, chosen], alpha, kappa, strength)
    return (-1j) ** (section.m + 1) / np.pi * found


def _upstream(
    section: Section,
    k: FloatArray,
    s: ComplexArray,
    gamma: ComplexArray,
    plus: ComplexArray,
    alpha: FloatArray,
    kappa: ComplexArray,
    strength: ComplexArray,
) -> ComplexArray:
    """(K + s) T(s) W_plus(s) / (gamma H_m'(gamma)) at s >= 0."""
    axis = np.abs(gamma) < AXIS * k
    safe = np.where(axis, 1.0, gamma)
    with np.errstate(over="ignore", invalid="ignore"):
        hankel = hankel_pair(section.m, safe)[1] * np.exp(1j * safe)
    finite = np.isfinite(hankel)  # else H_m' overflows, and D vanishes
    wave = np.where(finite, plus / (safe * np.where(finite, hankel, 1.0)), 0.0)
    # gamma -> 0: gamma H_m' grows for m > 0, the wave vanishes on the axis; m = 0 has a finite limit.
    limit = plus * (np.pi / 2j if section.m == 0 else 0.0)
    return sources(k, s, kappa, strength) * np.where(axis, limit, wave)


def _downstream(
    section: Section,
    k: FloatArray,
    s: ComplexArray,
    gamma: ComplexArray,
    plus: ComplexArray,
    alpha: FloatArray,
    kappa: ComplexArray,
    strength: ComplexArray,
) -> ComplexArray:
    """The same at s < 0, where W_plus(s) = W(s) / W_plus(-s)."""
    axis = np.abs(gamma) < AXIS * k
    safe = np.where(axis, 1.0, gamma)
    wave = 1j * np.pi * _sources_times_slope(section, k, s, safe, alpha, kappa, strength) / (safe * plus)
    if section.m:
        return np.where(axis, 0.0, wave)
    plane_wave = np.sum(np.where(alpha == 0, strength, 0.0), axis=0)
    limit = -0.5j * np.pi * (1 - section.hub**2) * plane_wave
    return np.where(axis, limit / plus, wave)


def _sources_times_slope(
    section: Section,
    k: FloatArray,
    s: ComplexArray,
    gamma: ComplexArray,
    alpha: FloatArray,
    kappa: ComplexArray,
    strength: ComplexArray,
) -> ComplexArray:
    """(K + s) T(s) S'(gamma), through the poles of T: there D has its main lobes."""
    total = np.zeros(np.broadcast_shapes(s.shape, strength.shape[1:]), complex)
    for c, a, pole in zip(strength, alpha, kappa, strict=True):
        plane = a == 0
        if np.any(plane):
            total += np.where(plane, c, 0.0) * section.wall_condition(gamma)
        if not np.all(plane):  # S' / (s + kappa) = (s - kappa) S' / (s^2 - kappa^2)
            modes = np.where(plane, 0.0, c)
            total += modes * (k + s) * (pole - s) * section.slope_quotient(gamma, np.where(plane, 1.0, a))
    return total
