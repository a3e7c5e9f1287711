r"""The three parts of a correction, each value = base + sum_f factor_f g_f with smooth functions g_f to be learned.

    reflection  R^_nl = R^0_nl (1 + t (kappa_n + kappa_l) g),  g symmetric,
    ahead       D_n(theta) = D0_n (1 + t (s + kappa_n) g) + t sqrt(K) c P_n (-i pi) J_m(gamma) g',     theta < pi / 2
    behind      D_n(theta) = D0_n H_m'(gamma) / H_m'(gamma (1 + t)) (1 + t (s + kappa_n) g),           theta >= pi / 2

R^ in power amplitudes; s = -K cos theta, gamma = K sin theta, c = (-i)^{m+1} i / (2 pi). Ahead D is a sum of two edge
rays, J_m(gamma) e(s) + gamma J_m'(gamma) o(s) with entire e and o, of which the thin wall has o only: its nulls are
filled by e. Behind the field leaves the cylinder r = 1 + t. Without thickness all three are the thin wall's, exactly.

Taught without the exact solution, base is 0 and the factors are 1 and J_m(gamma), in power amplitudes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ducts.bessel import bessel, outer
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
    kappa = ducts.kappa
    first = kappa / ducts.across[:, None]
    base = ducts.reflection
    if not exact:
        both = ducts.live[:, :, None] & ducts.live[:, None, :]
        return Part(torch.zeros_like(base), both[None].to(base.dtype), first, first)
    factor = base * (ducts.thickness[:, None, None] * (kappa[:, :, None] + kappa[:, None, :]))
    return Part(base, factor[None], first, first)


def ahead(ducts: Ducts, exact: bool) -> Part:
    """Of the directivity at theta < pi / 2."""
    first, second, s = _directions(ducts)
    k, t = ducts.k[:, None, None], ducts.thickness[:, None, None]
    wave = by_order(ducts.m, ducts.k[:, None] * torch.sin(ducts.theta), _regular)[:, None] * torch.sqrt(k)
    if not exact:
        power = _unit_power(ducts)
        return Part(torch.zeros_like(ducts.directivity), torch.stack([power + 0 * s, power * wave]), first, second)
    base = ducts.directivity
    turn = torch.tensor([-1j, -1, 1j, 1], device=k.device)[ducts.m.long() % 4]  # (-i)^{m+1}
    front = turn[:, None] * ducts.edge / 2  # c P_n (-i pi), from (i / 2 pi) (-i pi) = 1 / 2
    both = torch.stack([base * (t * (s + ducts.kappa[:, :, None])), t * front[:, :, None] * wave])
    return Part(base, both, first, second)


def behind(ducts: Ducts, exact: bool) -> Part:
    """Of the directivity at theta >= pi / 2."""
    first, second, s = _directions(ducts)
    if not exact:
        return Part(torch.zeros_like(ducts.directivity), (_unit_power(ducts) + 0 * s)[None], first, second)
    t = ducts.thickness
    gamma = ducts.k[:, None] * torch.sin(ducts.theta)
    base = ducts.directivity * (_shift(ducts, gamma)[:, None] / _shift(ducts, ducts.alpha)[:, :, None])
    return Part(base, (base * (t[:, None, None] * (s + ducts.kappa[:, :, None])))[None], first, second)


PARTS = {"reflection": reflection, "ahead": ahead, "behind": behind}


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


def _shift(ducts: Ducts, gamma: Tensor) -> Tensor:
    """H_m'(gamma) / H_m'(gamma (1 + t)) up to (1 + t)^{m+1}: (case, ...)."""
    gamma = gamma.clamp(min=1e-9)
    return by_order(ducts.m, gamma, _outgoing) / by_order(ducts.m, gamma * (1 + ducts.thickness[:, None]), _outgoing)


def _unit_power(ducts: Ducts) -> Tensor:
    """Size of directivities of unit potential, (case, order, 1)."""
    found = ducts.amplitude / torch.sqrt(ducts.k)[:, None]
    return found[:, :, None].to(ducts.directivity.dtype)


def by_order(m: Tensor, z: Tensor, function: Callable[[Tensor, int], Tensor]) -> Tensor:
    """function(z, m) of arguments (case, ...), whose orders differ by case."""
    orders = torch.unique(m).tolist()
    rows = [torch.nonzero(m == order)[:, 0] for order in orders]
    values = torch.cat([function(z[chosen], int(order)) for order, chosen in zip(orders, rows, strict=True)])
    return values[torch.argsort(torch.cat(rows))]


def _regular(z: Tensor, m: int) -> Tensor:
    """J_m at real z >= 0."""
    at = torch.complex(z.clamp(min=1e-9), torch.zeros_like(z))
    return (bessel(at, m) / torch.sqrt(at)).real


def _outgoing(z: Tensor, m: int) -> Tensor:
    """(z/2)^m z H_m'(z) / m!."""
    return outer(z, m)[1]
