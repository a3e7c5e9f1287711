"""What the open end sends out per polynomial of the factor, at the nodes of paths or at one pole: G of `waves`.

Everything is for one azimuthal order; `Emitted` holds what pairs of a mode and a microphone need of their mode. Hankel
functions come with a root and powers of `scale` that fall out of the products here.
"""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from ..ducts.bessel import bessel, hankel
from .factor import Modes, Zeros
from .paths import Nodes, Pairs


@dataclass(frozen=True)
class Emitted:
    """Modes of pairs, (pair, 1) tensors of the waves' precision.

    apart : 1 - kappa / K, computed before rounding. own, outer, inner : scales of Bessel functions at gamma, gamma r
    and gamma h; spread : (own / outer)^m.
    """

    m: int
    k: Tensor
    mach: Tensor
    hub: Tensor
    apart: Tensor
    r: Tensor
    own: Tensor
    outer: Tensor
    inner: Tensor
    spread: Tensor
    zeros: Zeros

    def of(self, chosen: Tensor) -> "Emitted":
        """Those of some pairs."""
        some = {field.name: getattr(self, field.name)[chosen] for field in fields(self)[1:-1]}
        return replace(self, **some, zeros=self.zeros.of(chosen))


def emitted(m: int, modes: Modes, zeros: Zeros, pairs: Pairs, sine: Tensor, real: torch.dtype) -> Emitted:
    """sine : (pair,), of the paths' centres; zeros : of all modes."""
    k, hub = modes.k[pairs.case], modes.hub[pairs.case]
    own, outer, inner = (
        torch.clamp(k.detach() * sine * place / max(m, 1), max=1).detach()
        for place in (torch.ones_like(hub), pairs.r, hub)
    )
    apart = (modes.alpha[pairs.case] / k) ** 2 / (1 + modes.kappa[pairs.case] / k)
    inner = torch.where(hub > 0, inner, 1.0)
    values = (k, modes.mach[pairs.case], hub, apart, pairs.r, own, outer, inner, (own / outer) ** m)
    names = [field.name for field in fields(Emitted)[1:-1]]
    columns = {name: value.to(real)[:, None] for name, value in zip(names, values, strict=True)}
    return Emitted(m=m, zeros=zeros.of(pairs.case), **columns)


def ahead(given: Emitted, nodes: Nodes) -> Tensor:
    """Waves where Re s < 0, for 1 / f: (pair, node), over exp(i K rho)."""
    gamma = given.k * nodes.sine
    outer = hankel(gamma * given.r, given.m, given.outer)[0]
    front = given.spread / torch.sqrt(given.r) * (1 - given.mach * nodes.cosine) * nodes.wave
    return front * spectrum(given, gamma, nodes.cosine, nodes.lower, nodes.upper, nodes.parts) * outer / gamma


def spectrum(
    given: Emitted, gamma: Tensor, cosine: Tensor, lower: Tensor, upper: Tensor, parts: tuple[Tensor, Tensor]
) -> Tensor:
    """sqrt(gamma) G f / own^m where Re s < 0; see `Nodes`."""
    ratio = 2 * lower**2
    ratio = ratio / (ratio - given.apart)  # (K + s) / (kappa + s), one for the plane wave
    size = 1j * torch.pi * torch.sqrt(2 * given.k)
    return size * wall(given, gamma, parts) * ratio * upper / given.zeros.at(cosine)


def wall(given: Emitted, gamma: Tensor, parts: tuple[Tensor, Tensor]) -> Tensor:
    """sqrt(gamma) S'(gamma) / own^m; parts : real and imaginary part of gamma / K."""
    found = bessel(gamma, given.m, given.own, slope=True)
    hollow = torch.nonzero(given.hub[:, 0] > 0)[:, 0]
    if not len(hollow):
        return found
    # S' = J_m' - J_m'(gamma h) H_m' / H_m'(gamma h)
    hub, own, inner = (values[hollow] for values in (given.hub, given.own, given.inner))
    at = gamma[hollow]
    real, imaginary = ((values[hollow] * given.k[hollow] * (1 - hub)) for values in parts)
    more = (
        bessel(at * hub, given.m, inner, slope=True) * hankel(at, given.m, own)[1] / hankel(at * hub, given.m, inner)[1]
    )
    more = more * torch.polar(torch.exp(-imaginary), real) * (inner / own) ** (2 * given.m)
    if len(hollow) == len(found):
        return found - more
    return found.index_add(0, hollow, -more)


def behind(given: Emitted, nodes: Nodes) -> Tensor:
    """Waves where Re s > 0, for f: (pair, node), over exp(i K rho)."""
    gamma = given.k * nodes.sine
    wave = hankel(gamma * given.r, given.m, given.outer)[0] / hankel(gamma, given.m, given.own)[1]
    real, imaginary = (values * given.k for values in nodes.parts)
    turn = torch.polar(torch.exp(imaginary), -real)  # exp(-i gamma)
    s = -nodes.cosine
    front = (1j * torch.sqrt(2 / (given.k * given.r)) * given.spread) * (1 + given.mach * s)
    return front * wave * turn * nodes.lower * nodes.wave * given.zeros.at(s) / (s + (1 - given.apart))
