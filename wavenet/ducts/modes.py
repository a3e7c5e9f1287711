r"""Radial modes of a hard-walled duct with or without a hub, creeping waves, and the continuous radial index.

Radial eigenvalues are the zeros of J_m'(a) Y_m'(a h) - Y_m'(a) J_m'(a h), h the hub's radius, or of J_m'. With the
phase delta of H_m' = |H_m'| exp(i delta), they are where delta(a) - delta(a h), or delta(a) - pi / 2, is a multiple of
pi. That difference over pi, at a = K, is the continuous radial index nu(m, K, h): whole where a mode is cut on.
"""

import numpy as np
import torch
from scipy import special
from torch import Tensor

from ..arrays import ComplexArray, FloatArray, IntArray
from .bessel import hankel

_STEP = 0.75  # of the search for eigenvalues, which are about pi / (1 - h) apart
_HALVINGS, _NEWTON = 6, 4  # of an interval of this length, then rounds down to rounding


def eigenvalues(m: int, hub: FloatArray, top: FloatArray) -> FloatArray:
    """Radial eigenvalues below `top`, increasing, of ducts of one order: (case, zero), filled up with inf.

    m : int, m >= 0; for 0 the first is 0, the plane wave's. hub : (case,), 0 <= hub < 1. top : (case,).
    """
    found = [[0.0] if m == 0 else [] for _ in hub]
    plain = special.jnp_zeros(m, 2 + int(np.max(top) / np.pi))  # their spacing tends to pi from above
    for case in np.flatnonzero(hub == 0).tolist():
        found[case].extend(plain[plain < top[case]])
    hollow = np.flatnonzero(hub > 0)
    if len(hollow):
        which, zero = _annular(m, hub[hollow], float(np.max(top)))
        for number, value in zip(hollow[which].tolist(), zero.tolist(), strict=True):
            if value < top[number]:
                found[number].append(value)
    table = np.full((len(hub), max(map(len, found))), np.inf)
    for row, values in zip(table, found, strict=True):
        row[: len(values)] = values
    return table


def _annular(m: int, hub: FloatArray, top: float) -> tuple[IntArray, FloatArray]:
    """Numbers of ducts and their eigenvalues, in ascending order for each."""
    # The first zero for m > 0 lies between m, with a thin annulus of radius one, and that of a duct without a hub.
    edges = np.arange(max(0.9 * m, 0.01), top + 2 * _STEP, _STEP)
    values = _turn(m, edges, hub[:, None])[0].imag
    case, place = np.nonzero(values[:, :-1] * values[:, 1:] < 0)
    low, sign, hub = edges[place], values[case, place], hub[case]
    high = low + _STEP
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        left = _turn(m, middle, hub)[0].imag * sign > 0
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    zero = 0.5 * (low + high)
    for _ in range(_NEWTON):
        turn, slope = _turn(m, zero, hub)
        zero = zero - turn.imag / (turn.real * slope)
    return case, zero


def _turn(m: int, a: FloatArray, hub: FloatArray) -> tuple[ComplexArray, FloatArray]:
    """exp(i pi nu) of a duct with a hub, and the derivative of pi nu by the Wronskian; nu is whole at eigenvalues."""
    outer, inner = _slope(m, a), _slope(m, a * hub)
    turn = outer / np.abs(outer) * (inner / np.abs(inner)).conj()
    return turn, _bend(m, a, outer) - hub * _bend(m, a * hub, inner)


def _bend(m: int, z: FloatArray, slope: ComplexArray) -> FloatArray:
    """Derivative of the phase of H_m'(z)."""
    found: FloatArray = 2 / (np.pi * z) * (1 - (m / z) ** 2) / np.abs(slope) ** 2
    return found


def _slope(m: int, z: FloatArray) -> ComplexArray:
    """H_m'(z) of positive z, where it overflows its limit i infinity in direction."""
    below = special.jv(m - 1, z) + 1j * special.yv(m - 1, z)
    found = below - m / z * (special.jv(m, z) + 1j * special.yv(m, z))
    return np.where(np.isfinite(found.imag), found, 1j)


def turned(m: Tensor, k: Tensor, hub: Tensor) -> Tensor:
    """exp(2 pi i nu) of the continuous radial index: (case,) complex; differentiable in K and in hubs.

    m : (case,) int, m >= 0; k, hub : (case,) double.
    """
    found = torch.ones(k.shape, dtype=torch.complex128, device=k.device)
    for order in torch.unique(m).tolist():
        for hollow in (False, True):
            chosen = torch.nonzero((m == order) & ((hub > 0) == hollow))[:, 0]
            if len(chosen):
                value = _unit(order, k[chosen])
                value = value * _unit(order, (k * hub)[chosen]).conj() if hollow else -1j * value
                found = found.index_put((chosen,), value**2)
    return found


def _unit(m: int, z: Tensor) -> Tensor:
    """H_m'(z) / |H_m'(z)| at real z > 0."""
    at = torch.complex(z, torch.zeros_like(z))
    slope = hankel(at, m)[1]
    return slope / slope.abs() * torch.exp(1j * at)


def resonances(m: int) -> ComplexArray:
    """Zeros of H_m' with -pi / 4 < arg z < 0, waves that creep around the duct; by Newton's method from a grid."""
    x, y = np.meshgrid(np.linspace(0.2, m + 2, 2 * m + 8), np.linspace(-0.05, -0.7 * m - 1, m + 6))
    z, change = (x + 1j * y).ravel(), np.full(x.size, np.inf, complex)
    with np.errstate(all="ignore"):  # starts that run away become nan
        for _ in range(40):
            value = special.hankel1e(m, z)
            slope = special.hankel1e(m - 1, z) - m / z * value
            change = slope / (slope / z + (1 - (m / z) ** 2) * value)  # H'' = -H' / z - (1 - m^2 / z^2) H
            z = z + change * np.minimum(1, 0.5 / np.maximum(np.abs(change), 1e-300))
        z = z[(np.abs(change) < 1e-10) & (z.imag < 0) & (z.imag > -z.real)]
    kept: list[complex] = []
    while len(z):
        kept.append(z[0])
        z = z[np.abs(z - z[0]) > 1e-6]
    return np.array(kept, complex)
