r"""The three parts of a correction, each value = base + sum_f factor_f g_f with smooth functions g_f to be learned.

    reflection  R^_nl = R0_nl (1 + t (kappa_n + kappa_l) g),  g symmetric, in power amplitudes
    ahead       D_n = D0_n (1 + t (s + kappa_n) g) + t sqrt(K) P_n c (-i pi) J_m(gamma) g'
    behind      D_n = D0_n h_n (1 + t (s + kappa_n) g) + t sqrt(K) P_n c / (gamma' H_m'(gamma')) g'

at theta < pi / 2 and theta >= pi / 2, with s = -K cos theta, gamma = K sin theta, gamma' = (1 + t) gamma, c =
(-i)^{m+1} i / (2 pi). Ahead D is the sum of two edge rays, J_m(gamma) e(s) + gamma J_m'(gamma) o(s) with entire e and
o, of which the thin wall has o only: its nulls are filled by e. Behind the field leaves the cylinder r = 1 + t,

    h_n = h(gamma) / h(alpha_n),  h(gamma) = H_m'(gamma) / H_m'(gamma'),

which leaves the pole s = -kappa_n, the main lobe, its size. Without thickness all three are the thin wall's, exactly.

Taught without the exact solution, base is 0 and the factors have their closed forms alone: that of a piston with the
mode's velocity in place of D0, and no amplitudes P_n.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from . import waves
from .ducts import Ducts


@dataclass(frozen=True)
class Part:
    """Values (case, order, second) = base + sum over families of factor (family, case, order, second) times g.

    first : (case, order), second : (case, second) coordinates of g besides the duct's parameters.
    """

    base: Tensor
    factor: Tensor
    first: Tensor
    second: Tensor


def reflection(ducts: Ducts, exact: bool) -> Part:
    """Of the reflection matrix in power amplitudes, [incident, reflected]."""
    kappa, base = ducts.kappa, ducts.reflection
    first = kappa / ducts.across[:, None]
    if not exact:
        both = ducts.live[:, :, None] & ducts.live[:, None, :]
        return Part(torch.zeros_like(base), both[None].to(base.dtype), first, first)
    factor = base * (ducts.thickness[:, None, None] * (kappa[:, :, None] + kappa[:, None, :]))
    return Part(base, factor[None], first, first)


def ahead(ducts: Ducts, exact: bool) -> Part:
    """Of the directivity at theta < pi / 2."""
    first, second, s = _directions(ducts)
    gamma, root = ducts.k[:, None] * torch.sin(ducts.theta), torch.sqrt(ducts.k)[:, None, None]
    even = waves.regular(ducts.m, gamma)[:, None] * root
    if not exact:
        odd = (gamma * waves.regular(ducts.m, gamma, slope=True))[:, None]
        lobe = (s - ducts.kappa[:, :, None]) * _apart(s + ducts.kappa[:, :, None])
        factor = _unit_power(ducts) * torch.stack([root**2 * odd / lobe, even.expand_as(lobe)])
        return Part(torch.zeros_like(ducts.directivity), factor, first, second)
    t, base = ducts.thickness[:, None, None], ducts.directivity
    edge = -1j * torch.pi * _edge(ducts) * even
    return Part(base, torch.stack([base * (t * (s + ducts.kappa[:, :, None])), edge]), first, second)


def behind(ducts: Ducts, exact: bool) -> Part:
    """Of the directivity at theta >= pi / 2."""
    first, second, s = _directions(ducts)
    k, t = ducts.k[:, None], ducts.thickness[:, None]
    gamma = k * torch.sin(ducts.theta)
    alpha = ducts.alpha
    ends = torch.cat([gamma, alpha], dim=1)
    all_waves = waves.outgoing(ducts.m, torch.cat([ends, ends * (1 + t)], dim=1))
    inside, at_lobe, beyond, beyond_lobe = all_waves.split(2 * [gamma.shape[1], alpha.shape[1]], dim=1)
    wave = (torch.sqrt(k) * waves.power(ducts.m, gamma * (1 + t)) / beyond)[:, None]
    if not exact:
        lobe = s + ducts.kappa[:, :, None]
        factor = _unit_power(ducts) * torch.stack([k[:, None] / lobe * wave, wave.expand_as(lobe)])
        return Part(torch.zeros_like(ducts.directivity), factor, first, second)
    thick = (t > 0)[:, :, None]  # without thickness the quotient is one, up to rounding
    base = torch.where(
        thick, ducts.directivity * ((inside / beyond)[:, None] * (beyond_lobe / at_lobe)[:, :, None]), ducts.directivity
    )
    factor = torch.stack([base * (t[:, None] * (s + ducts.kappa[:, :, None])), _edge(ducts) * wave])
    return Part(base, factor, first, second)


PARTS = {"reflection": reflection, "ahead": ahead, "behind": behind}
FAMILIES = {"reflection": 1, "ahead": 2, "behind": 2}  # number of functions g


def powers(ducts: Ducts, reflection: Tensor) -> Tensor:
    """Reflection matrix of power amplitudes from that of potentials, [incident, reflected]."""
    return reflection * (ducts.amplitude[:, None, :] / ducts.amplitude[:, :, None])


def potentials(ducts: Ducts, reflection: Tensor) -> Tensor:
    """The inverse of `powers`."""
    return reflection * (ducts.amplitude[:, :, None] / ducts.amplitude[:, None, :])


def _directions(ducts: Ducts) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates of g, and s (case, 1, angle)."""
    cosine = -torch.cos(ducts.theta).expand(len(ducts), -1)
    return ducts.kappa / ducts.across[:, None], cosine, (ducts.k[:, None] * cosine)[:, None]


def _edge(ducts: Ducts) -> Tensor:
    """t P_n c, (case, order, 1)."""
    turn = torch.tensor([-1j, -1, 1j, 1], device=ducts.k.device)[ducts.m % 4]  # (-i)^{m+1}
    return ((turn * ducts.thickness * (0.5j / torch.pi))[:, None] * ducts.edge)[:, :, None]


def _unit_power(ducts: Ducts) -> Tensor:
    """Size of directivities of unit potential, (case, order, 1)."""
    found = ducts.amplitude / torch.sqrt(ducts.k)[:, None]
    return found[:, :, None].to(ducts.directivity.dtype)


def _apart(distance: Tensor) -> Tensor:
    """Distances, none of them zero."""
    return torch.where(distance.abs() < 1e-9, 1e-9, distance)
