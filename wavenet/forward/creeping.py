"""Residues of waves that creep around the duct and around the hub: zeros of H_m'(gamma) and of H_m'(gamma h).

They are poles of the integrand beside the paths to microphones. A pole at t_z of residue Q adds pi Q (cot(pi t_z / h)
+ i), or - i for poles ahead, to the trapezoidal rule of step h.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from ..bessel import hankel
from ..duct_modes import resonances
from .factor import Modes, Zeros
from .paths import FLAT, PASSED, TURN, Pairs, Rule


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
    radius = modes.hub[pairs.case] if hub else torch.ones_like(pairs.x)
    if not len(table) or not bool((radius > 0).any()):
        return None
    side = 1.0 if hub else -1.0
    case, place = torch.unique(pairs.case, return_inverse=True)
    radii = torch.where(modes.hub > 0, modes.hub, 1e-3)[case] if hub else torch.ones_like(modes.hub[case])
    gamma = table / radii[:, None]
    angle = torch.arcsin(gamma / modes.k[case][:, None])
    angle, gamma = (angle if hub else np.pi - angle)[place], gamma[place]
    t = (angle - rule.centre[:, None]) / TURN
    step = 2 * rule.length / count
    # How far the pole lies on the path's other side than the original one
    passed = side * t.imag
    near = passed > -PASSED * 2 * np.pi * (rule.width**2 / step)[:, None]
    row, pole = torch.nonzero(near & (radius > 0)[:, None], as_tuple=True)
    if not len(row):
        return None
    first = (1 / count - 1) * rule.length
    decay = torch.clamp(-2 * np.pi * passed[row, pole] / step[row], -FLAT, FLAT)
    phase = side * 2 * np.pi * (t.real[row, pole] - first[row]) / step[row]
    counted = 1 / (1 - torch.exp(torch.complex(decay, phase)))
    case = pairs.case[row]
    k, mach, r, inner = modes.k[case], modes.mach[case], pairs.r[row], radius[row]
    z, at = table[pole], gamma[row, pole]
    s = torch.sqrt(k - at) * torch.sqrt(k + at)
    root = torch.sqrt(1 + s / k)
    value = zeros.of(case).at((s / k).to(kind)[:, None])[:, 0]
    bend = 1 - (m / z) ** 2
    outer = _hankel(at * r, m, kind)[0]
    own = _hankel(z, m, kind)[0]
    if hub:
        # S' has the residue -(2 i / (pi z)) H'(z / h) / (h (1 - m^2 / z^2) H(z)^2)
        slope = _hankel(at, m, kind)[1]
        ratio = (modes.alpha[case] ** 2 / (k + modes.kappa[case]))
        less = at**2 / (k + s)  # K - s
        size = -2j / z / (inner * bend * s) * less / (less - ratio) * torch.sqrt(k) * root * (1 - mach * s / k)
        wave = size.to(kind) * slope * outer / own**2 / value
        exponent = at * (1 + r) - 2 * z + s * pairs.x[row]
    else:
        size = -torch.sqrt(k) * root / ((s + modes.kappa[case]) * s * bend) * (1 + mach * s / k)
        wave = size.to(kind) * outer / own * value
        exponent = z * (r - 1) - s * pairs.x[row]
    wave = wave * (torch.exp(1j * (exponent - k * pairs.rho[row])) * counted).to(kind)
    return row, wave[:, None], root.to(kind)[:, None]


def _hankel(z: Tensor, m: int, kind: torch.dtype) -> tuple[Tensor, Tensor]:
    """exp(-i z) H_m(z) and exp(-i z) H_m'(z)."""
    value, slope = hankel(z, m)
    root = torch.sqrt(z)
    return (value / root).to(kind), (slope / root).to(kind)


@cache
def resonances_of(m: int) -> Tensor:
    """Zeros of H_m' with -pi / 4 < arg z < 0."""
    return torch.from_numpy(resonances(m))
