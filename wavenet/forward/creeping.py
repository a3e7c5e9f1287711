"""Residues of waves that creep around the duct and around the hub: zeros of H_m'(gamma) and of H_m'(gamma h).

They are poles of the integrand beside the paths to microphones. A pole at t_z of residue Q adds pi Q (cot(pi t_z / h)
+ i), or - i for poles ahead, to the trapezoidal rule of step h.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from ..ducts.bessel import hankel
from ..ducts.modes import resonances
from .factor import Modes, Zeros
from .paths import FLAT, PASSED, TURN, Pairs, Rule

_TINY = 1e-3  # hub in place of none


def creeping(
    m: int, modes: Modes, zeros: Zeros, pairs: Pairs, rule: Rule, count: int, kind: torch.dtype, hub: bool
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Poles beside the paths of pairs, around the duct (for f) or around the hub (for 1 / f), one row each.

    Returns
    -------
    pair : (row,), number of the pair
    wave : (row, 1), what it adds over exp(i K rho)
    root : (row, 1), sqrt(1 + s / K)
    """
    table = resonances_of(m).to(modes.k.device)
    if not len(table) or (hub and not bool((modes.hub[pairs.case] > 0).any())):
        return None
    # Of each mode: poles in gamma, and in tau
    every, place = torch.unique(pairs.case, return_inverse=True)
    radius = modes.hub[every] if hub else torch.ones_like(modes.hub[every])
    gamma = table / torch.where(radius > 0, radius, _TINY)[:, None]
    angle = torch.arcsin(gamma / modes.k[every][:, None])
    row, pole, counted = _beside((angle if hub else np.pi - angle)[place], rule, count, hub)
    row, pole, counted = (values[radius[place][row] > 0] for values in (row, pole, counted))
    if not len(row):
        return None
    case, z, at = pairs.case[row], table[pole], gamma[place[row], pole]
    k, mach, r, kappa = modes.k[case], modes.mach[case], pairs.r[row], modes.kappa[case]
    s = torch.sqrt(k - at) * torch.sqrt(k + at)
    root = torch.sqrt(1 + s / k)
    value = zeros.of(case).at((s / k).to(kind)[:, None])[:, 0]
    outer, own = _hankel(at * r, m, kind)[0], _hankel(z, m, kind)[0]
    size = torch.sqrt(k) * root / (s * (1 - (m / z) ** 2))
    if hub:
        # S' has the residue -(2 i / (pi z)) H'(z / h) / (h (1 - m^2 / z^2) H(z)^2)
        less = at**2 / (k + s)  # K - s
        size = -2j / (z * modes.hub[case]) * size * less / (less - modes.alpha[case] ** 2 / (k + kappa))
        wave = (size * (1 - mach * s / k)).to(kind) * _hankel(at, m, kind)[1] * outer / own**2 / value
        exponent = at * (1 + r) - 2 * z + s * pairs.x[row]
    else:
        wave = (-size / (s + kappa) * (1 + mach * s / k)).to(kind) * outer / own * value
        exponent = z * (r - 1) - s * pairs.x[row]
    wave = wave * (torch.exp(1j * (exponent - k * pairs.rho[row])) * counted).to(kind)
    return row, wave[:, None], root.to(kind)[:, None]


def _beside(angle: Tensor, rule: Rule, count: int, hub: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Of poles in tau, (pair, pole), those beside the paths: numbers of pair and pole, and how much each counts."""
    t = (angle - rule.centre[:, None]) / TURN
    step = 2 * rule.length / count
    side = 1.0 if hub else -1.0
    passed = side * t.imag  # how far beyond the path, seen from the real angles
    row, pole = torch.nonzero(passed > -PASSED * 2 * np.pi * (rule.width**2 / step)[:, None], as_tuple=True)
    first = (1 / count - 1) * rule.length
    decay = torch.clamp(-2 * np.pi * passed[row, pole] / step[row], -FLAT, FLAT)
    phase = side * 2 * np.pi * (t.real[row, pole] - first[row]) / step[row]
    return row, pole, 1 / (1 - torch.exp(torch.complex(decay, phase)))


def _hankel(z: Tensor, m: int, kind: torch.dtype) -> tuple[Tensor, Tensor]:
    """exp(-i z) H_m(z) and exp(-i z) H_m'(z)."""
    value, slope = hankel(z, m)
    root = torch.sqrt(z)
    return (value / root).to(kind), (slope / root).to(kind)


@cache
def resonances_of(m: int) -> Tensor:
    """Zeros of H_m' with -pi / 4 < arg z < 0."""
    return torch.from_numpy(resonances(m))
