r"""Waves from the open end to microphones: everything about the pressure but the kernel's factor, in closed form.

With K = ka / beta, X = x / beta, s = -K cos(tau), gamma = K sin(tau) and kappa = sqrt(K^2 - alpha^2) of the incident
mode, its pressure outside the duct is (docs/theory.md)

    p = (i K / beta) exp(-i K M X) / (2 pi) \int (1 - M cos(tau)) A G H_m(gamma r) exp(i K X cos(tau)) d tau,
    A = (i / 2) sqrt(K + kappa) F(kappa),
    G = i F(s) (K + s) / ((s + kappa) sqrt(K + s) H_m'(gamma))                      where Re s > 0,
    G = i pi S'(gamma) (K + s) sqrt(K - s) / ((s + kappa) F(-s))                    elsewhere,

F = F_plus being the factor and S the duct's radial function, J_m without a hub, J_m(gamma r) - H_m(gamma r)
J_m'(gamma h) / H_m'(gamma h) with one of radius h. F is needed in the right half-plane only. There F = f Z, where Z has
the zeros of the duct modes next to K and f is smooth (`Factor`). Both f and 1 / f are sums of the polynomials that
`Factor.basis` gives, so that p is F(kappa) times a linear function of their coefficients: `responses`, or `radiated`
for given ones.

The path is that of steepest descent, see `paths`. Zeros of H_m'(gamma) and of H_m'(gamma h) that it passes, waves that
creep around the duct and the hub, add their residues. Downstream beside the axis the waves of tau and -tau combine to
2 J_m(gamma r), and with cos(tau) = 1 + i q the integral over q is left to Gauss and Laguerre.

References
----------
L. B. Felsen, N. Marcuvitz, Radiation and scattering of waves (1973), chapter 4; C. Chiarella, A. Reichel, Math. Comp.
22 (1968), 137-143, for the poles.
"""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ..ducts.bessel import bessel
from . import paths
from .creeping import creeping
from .factor import Factor, Modes, Zeros
from .paths import BESIDE, NEAREST, Pairs
from .sources import ahead, behind, emitted, spectrum

_LEAST, _SHARPEST = 6.0, 16.0  # least K rho, largest K / rho
_LAGUERRE = 24  # nodes beside the axis
_TOGETHER = 24576  # nodes that are computed at a time: their intermediate results stay in a processor's cache

# What a rule makes of the waves at nodes or poles: (pair, node) waves; numbers of cases; K; argument s / K of F;
# sqrt(1 + s / K); whether F or 1 / F is meant -> (pair, column)
Collect = Callable[[Tensor, Tensor, Tensor, bool], Tensor]


def responses(modes: Modes, factor: Factor, x: Tensor, r: Tensor, real: torch.dtype = torch.float64) -> Tensor:
    """Pressure over F(kappa) for each polynomial of 1 / f and of f as the whole: (case, microphone, 2 polynomial).

    x, r : (microphone,) or (case, microphone) tensors [radii]. real : precision of the waves.

    Raises
    ------
    ValueError
        A microphone in or beside the duct or its wake, or too close to the open end.
    """
    empty = (0.0,) * factor.terms

    def collect(waves: Tensor, case: Tensor, root: Tensor, whole: bool) -> Tensor:
        found = (waves[:, None] @ factor.basis(modes.k[case][:, None].to(real), root))[:, 0]
        nothing = found.new_tensor(empty).expand_as(found)
        return torch.cat([nothing, found] if whole else [found, nothing], dim=1)

    return _summed(modes, factor, x, r, real, collect, 2 * factor.terms)


def radiated(modes: Modes, factor: Factor, coefficients: Tensor, x: Tensor, r: Tensor, real: torch.dtype) -> Tensor:
    """Pressure over F(kappa), (case, microphone), for coefficients (case, 2 polynomial); see `responses`."""
    kind = torch.complex64 if real == torch.float32 else torch.complex128
    sides = factor.powers(coefficients.unflatten(1, (2, factor.terms))).to(kind)

    def collect(waves: Tensor, case: Tensor, root: Tensor, whole: bool) -> Tensor:
        value = factor.series(modes.k[case][:, None].to(real), root, sides[case, int(whole)])
        return (waves * value).sum(dim=1, keepdim=True)

    return _summed(modes, factor, x, r, real, collect, 1)[..., 0]


def _summed(
    modes: Modes, factor: Factor, x: Tensor, r: Tensor, real: torch.dtype, collect: Collect, columns: int
) -> Tensor:
    """What `collect` makes of all waves, with the phase and amplitude of the way: (case, microphone, column)."""
    beta = torch.sqrt(1 - modes.mach**2)[:, None]
    k, big_x = modes.k[:, None], x / beta
    r = r.expand_as(big_x)
    rho, theta = torch.hypot(big_x, r), torch.atan2(r, big_x)
    width = 1 / torch.sqrt(k * rho)
    hollow = (modes.hub > 0)[:, None]
    axis = (big_x > 0) & ((r <= 1) | ((theta < BESIDE * width) & ~hollow))
    _expect(modes, x.expand_as(big_x), r, rho, axis, (r > 1) & (np.pi - theta >= BESIDE * width), hollow)
    kind = torch.complex64 if real == torch.float32 else torch.complex128
    zeros = factor.zeros(modes, kind)
    rows, parts = [], []
    for order in torch.unique(modes.m).tolist():
        same = (modes.m == order)[:, None]
        for chosen, waves in ((axis & same, _beside_axis), (~axis & same, _off_axis)):
            place = torch.nonzero(chosen.flatten())[:, 0]
            case = torch.div(place, chosen.shape[1], rounding_mode="floor")
            pairs = Pairs(case, *(values.flatten()[place] for values in (big_x, r, rho, theta)))
            for some, found in waves(order, modes, zeros, pairs, real, collect):
                rows.append(place[some])
                parts.append(found)
    size = (modes.k / beta[:, 0] * torch.sqrt(modes.k + modes.kappa))[:, None]
    turn = -0.5 * size * torch.exp(1j * k * (rho - modes.mach[:, None] * big_x))  # i (i / 2)
    found = torch.zeros(big_x.numel(), columns, dtype=kind, device=k.device)
    found = found.index_add(0, torch.cat(rows), torch.cat(parts))
    return (found * turn.flatten()[:, None].to(kind)).unflatten(0, big_x.shape)


def _expect(modes: Modes, x: Tensor, r: Tensor, rho: Tensor, axis: Tensor, outside: Tensor, hollow: Tensor) -> None:
    """Refuse microphones to which no path leads."""
    k = modes.k[:, None]
    for bad, what in (
        (~((rho >= NEAREST) & (k * rho >= _LEAST) & (k <= _SHARPEST * rho)), "is too close to the open end"),
        (~(axis | outside), "lies in the duct or beside it"),
        (axis & hollow, "lies behind the annulus, beside the hub"),
    ):
        if torch.any(bad):
            case, microphone = torch.nonzero(bad)[0].tolist()
            number = float(modes.k[case])
            place = f"x = {float(x[case, microphone]):.4g}, r = {float(r[case, microphone]):.4g}"
            raise ValueError(
                f"the microphone at {place} {what}: at ka / sqrt(1 - M^2) = {number:.4g} the network is for "
                f"distances from {max(NEAREST, _LEAST / number, number / _SHARPEST):.4g} radii in (x / beta, r)"
            )


def _off_axis(
    m: int, modes: Modes, zeros: Zeros, pairs: Pairs, real: torch.dtype, collect: Collect
) -> Iterator[tuple[Tensor, Tensor]]:
    """Integrals of A G over A's size: numbers of pairs, and (pair, column) to be added there."""
    kind = zeros.kappa.dtype
    every = paths.rule(modes.k[pairs.case], pairs)
    least = 0.0
    for count in paths.COUNTS:
        most = count if count < paths.COUNTS[-1] else np.inf
        alike = torch.nonzero((every.needed > least) & (every.needed <= most))[:, 0]
        least = count
        for some in alike.split(max(1, _TOGETHER // count)):
            mine, rule = pairs.of(some), every.of(some)
            given = emitted(m, modes, zeros, mine, torch.sin(rule.centre.detach()), real)
            nodes = paths.nodes(modes.k[mine.case], mine, rule, count, real)
            front = nodes.cosine.real > 0
            for whole, here, source, root in (
                (False, front, ahead, nodes.upper),
                (True, ~front, behind, nodes.lower),
            ):
                used = torch.nonzero(here.any(dim=1))[:, 0]
                if not len(used):
                    continue
                waves = source(given.of(used), nodes.of(used))
                waves = torch.where(here[used], waves, 0.0)
                yield some[used], collect(waves, mine.case[used], root[used] * np.sqrt(2), whole)
            for hub in (False, True):
                found = creeping(m, modes, zeros, mine, rule, count, kind, hub)
                if found is not None:
                    row, waves, root = found
                    yield some[row], collect(waves, mine.case[row], root, not hub)


def _beside_axis(
    m: int, modes: Modes, zeros: Zeros, pairs: Pairs, real: torch.dtype, collect: Collect
) -> Iterator[tuple[Tensor, Tensor]]:
    """As `_off_axis`, downstream beside the axis."""
    kind, (node, weight) = zeros.kappa.dtype, (values.to(modes.k) for values in _laguerre(_LAGUERRE))
    for some in torch.arange(len(pairs.case), device=modes.k.device).split(max(1, _TOGETHER // _LAGUERRE)):
        mine = pairs.of(some)
        k, mach = modes.k[mine.case][:, None], modes.mach[mine.case][:, None]
        scale = k * mine.x[:, None]
        q = (node / scale).to(real)
        cosine = torch.complex(torch.ones_like(q), q)
        lower, upper = torch.sqrt(-0.5j * q), torch.sqrt(1 + 0.5j * q)
        sine = 2 * lower * upper
        z, gamma = (k * torch.clamp(mine.r[:, None], min=1e-30)).to(real) * sine, k.to(real) * sine
        wave = bessel(z, m) / torch.sqrt(z * gamma) * (1 - mach.to(real) * cosine) / sine
        phase = torch.exp(1j * k * (mine.x - mine.rho)[:, None]).to(kind)
        wave = wave * (weight / scale).to(real) * (-1j / np.pi) * phase
        given = emitted(m, modes, zeros, mine, torch.full_like(mine.x, np.inf), real)
        waves = wave * spectrum(given, gamma, cosine, lower, upper, (sine.real, sine.imag))
        yield some, collect(waves, mine.case, upper * np.sqrt(2), False)


@cache
def _laguerre(nodes: int) -> tuple[Tensor, Tensor]:
    node, weight = np.polynomial.laguerre.laggauss(nodes)
    return torch.from_numpy(node), torch.from_numpy(weight)
