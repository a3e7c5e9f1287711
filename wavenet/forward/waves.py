r"""Waves from the open end to microphones: everything about the pressure but the kernel's factor, in closed form.

With K = ka / beta, X = x / beta, s = -K cos(tau), gamma = K sin(tau) and kappa = sqrt(K^2 - alpha^2) of the incident
mode, its pressure outside the duct is (docs/theory.md)

    p = (i K / beta) exp(-i K M X) / (2 pi) \int (1 - M cos(tau)) A G H_m(gamma r) exp(i K X cos(tau)) d tau,
    A = (i / 2) sqrt(K + kappa) F(kappa),
    G = i F(s) (K + s) / ((s + kappa) sqrt(K + s) H_m'(gamma))                      where Re s > 0,
    G = i pi S'(gamma) (K + s) sqrt(K - s) / ((s + kappa) F(-s))                    elsewhere,

F = F_plus being the factor and S the duct's radial function, J_m without a hub. F is needed in the right half-plane
only. There F = f Z, where Z has the zeros of the duct modes next to K and f is smooth (`Factor`). Both f and 1 / f are
sums of the polynomials that `Factor.basis` gives, so that p is F(kappa) times a linear function of their coefficients:
`responses`.

The path is that of steepest descent, tau = theta + t exp(-i pi / 4) in polar coordinates (rho, theta) of (X, r), on
which the trapezoidal rule in t converges fast. Zeros of H_m' that it passes add their residues. Downstream beside the
axis the waves of tau and -tau combine to 2 J_m(gamma r), and with cos(tau) = 1 + i q the integral over q is left to
Gauss and Laguerre.

References
----------
L. B. Felsen, N. Marcuvitz, Radiation and scattering of waves (1973), chapter 4; C. Chiarella, A. Reichel, Math. Comp.
22 (1968), 137-143, for the poles.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from .bessel import bessel, bessel_slope, hankel, hankel_slope, resonances
from .factor import Factor, Modes

NEAREST = 2.5  # least rho [radii]
_LEAST, _SHARPEST = 6.0, 16.0  # least K rho, largest K / rho
_BESIDE, _CLEAR = 1.5, 3.0  # angles to the axis, in widths of the saddle: of points off it, of the paths to them
_FAR = 8.0  # rho from which the lip's distance from the origin is small beside the saddle's width [radii]
# Nodes of a path to points that are far, near, beside the axis without a hub, and with one, whose creeping waves are
# poles beside the path there.
_NODES, _NEARBY, _LAGUERRE, _HOLLOW = 16, 28, 24, 64
_ENDS = float(np.log(15 / 1e-6))  # exponent at which a path ends
_PASSED = 0.6  # poles count up to this fraction of 2 pi sigma^2 / h, beyond which the rule's own error is larger
_FLAT = 300.0  # exponent that neither overflows nor matters any more
_TURN = complex(np.exp(-0.25j * np.pi))


@dataclass(frozen=True)
class _Pairs:
    """Pairs of a mode and a microphone, (pair,): case number, X, r, and polar coordinates of (X, r)."""

    case: Tensor
    x: Tensor
    r: Tensor
    rho: Tensor
    theta: Tensor


def responses(modes: Modes, factor: Factor, x: Tensor, r: Tensor) -> Tensor:
    """Pressure over F(kappa) for each polynomial of 1 / f and of f as the whole: (case, microphone, 2 polynomial).

    x, r : (microphone,) or (case, microphone) tensors [radii].

    Raises
    ------
    ValueError
        A microphone in or beside the duct or its wake, or too close to the open end.
    """
    beta = torch.sqrt(1 - modes.mach**2)[:, None]
    k, big_x = modes.k[:, None], x / beta
    r = r.expand_as(big_x)
    rho, theta = torch.hypot(big_x, r), torch.atan2(r, big_x)
    width = 1 / torch.sqrt(k * rho)
    hollow = (modes.hub > 0)[:, None]
    beside = (big_x > 0) & (theta < _BESIDE * width)
    axis, glancing = (big_x > 0) & (r <= 1) | (beside & ~hollow), beside & hollow
    _expect(modes, x.expand_as(big_x), r, rho, axis, (r > 1) & (np.pi - theta >= _BESIDE * width), hollow)
    found = torch.zeros(*big_x.shape, 2 * factor.terms, dtype=torch.complex128, device=k.device)
    for chosen, rule, nodes in (
        (axis, _beside_axis, _LAGUERRE),
        (glancing, _off_axis, _HOLLOW),
        (~axis & ~glancing & (rho < _FAR), _off_axis, _NEARBY),
        (~axis & ~glancing & (rho >= _FAR), _off_axis, _NODES),
    ):
        case, microphone = torch.nonzero(chosen, as_tuple=True)
        if len(case):
            places = (values[case, microphone] for values in (big_x, r, rho, theta))
            found = found.index_put((case, microphone), rule(modes, factor, _Pairs(case, *places), nodes))
    size = modes.k / beta[:, 0] * torch.sqrt(modes.k + modes.kappa)
    turn = torch.exp(-1j * k * modes.mach[:, None] * big_x)
    return found * (turn * (-0.5 * size)[:, None])[..., None]  # i (i / 2)


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


def _off_axis(modes: Modes, factor: Factor, pairs: _Pairs, nodes: int) -> Tensor:
    """Integral of A G over A's size, for each polynomial: (pair, 2 polynomial)."""
    k, mach = modes.k[pairs.case], modes.mach[pairs.case]
    width = 1 / torch.sqrt(k * pairs.rho)
    centre = torch.minimum(torch.maximum(pairs.theta, _CLEAR * width), np.pi - _CLEAR * width)
    # The lip is at the distance 1 from the origin, and the point off the centre: both shift the saddle.
    leaning = torch.clamp(torch.cos(centre).abs() + width, max=1)
    shift = ((pairs.theta - centre).abs() + leaning / pairs.rho) / np.sqrt(2)
    length = shift + torch.sqrt(shift**2 + 2 * _ENDS * width**2)
    places = (2 * torch.arange(nodes, dtype=k.dtype, device=k.device) + 1) / nodes - 1  # between -1 and 1
    step, t = 2 * length / nodes, length[:, None] * places
    tau = centre[:, None] + t * _TURN
    cosine, sine = torch.cos(tau), torch.sin(tau)
    z = (k * pairs.r)[:, None] * sine
    wave = hankel(modes.m[pairs.case][:, None].expand(z.shape), z)
    wave = wave * torch.exp(1j * (z + (k * pairs.x)[:, None] * cosine))
    wave = wave * (1 - mach[:, None] * cosine) * (step * _TURN / (2 * np.pi))[:, None]
    front = cosine.real > 0
    terms = _sources(modes, factor, pairs.case, cosine, sine, front) * wave
    sides = torch.stack([torch.where(front, terms, 0.0), torch.where(front, 0.0, terms)], dim=1)
    found = sides @ factor.basis(k[:, None], k[:, None] * torch.where(front, cosine, -cosine))
    poles = _poles(modes, factor, pairs, centre, step, t[:, 0], width)
    return torch.cat([found[:, 0], found[:, 1] + poles], dim=1)


def _sources(modes: Modes, factor: Factor, case: Tensor, cosine: Tensor, sine: Tensor, front: Tensor) -> Tensor:
    """G f in front, with 1 / F, and G / f behind: (pair, node); case : (pair,), front : (pair, node) bool."""
    k, kappa, m = (values[case][:, None] for values in (modes.k, modes.kappa, modes.m))
    gamma, order = k * sine, m.expand(sine.shape)
    s = torch.where(front, k * cosine, -k * cosine)  # the argument of F
    slope = _slopes(order, gamma, modes.hub[case][:, None].expand(sine.shape), front)
    zeros = factor.zeros(modes, case, s)
    # (K + s) / (s + kappa) of s in front, one for the plane wave
    plane = kappa == k
    ratio = torch.where(plane, 1.0, (k - s) / (torch.where(plane, 2 * k, kappa) - s))
    ahead = 1j * np.pi * slope * ratio / zeros
    behind = 1j * zeros / ((s + kappa) * slope)
    return torch.where(front, ahead, behind) * torch.sqrt(k + s)


def _slopes(m: Tensor, gamma: Tensor, hub: Tensor, front: Tensor) -> Tensor:
    """S'(gamma) in front, H_m'(gamma) behind."""
    found = torch.zeros_like(gamma)
    found = found.index_put((front,), bessel_slope(m[front], gamma[front]))
    behind = ~front
    found = found.index_put((behind,), hankel_slope(m[behind], gamma[behind]) * torch.exp(1j * gamma[behind]))
    hollow = front & (hub > 0)
    if torch.any(hollow):  # S' = J_m' - J_m'(gamma h) H_m' / H_m'(gamma h)
        order, at, inner = m[hollow], gamma[hollow], (gamma * hub)[hollow]
        more = bessel_slope(order, inner) * hankel_slope(order, at) / hankel_slope(order, inner)
        found = found.index_put((hollow,), found[hollow] - more * torch.exp(1j * (at - inner)))
    return found


# long: one formula, the residues and how the rule counts them
def _poles(
    modes: Modes,
    factor: Factor,
    pairs: _Pairs,
    centre: Tensor,
    step: Tensor,
    first: Tensor,
    width: Tensor,
) -> Tensor:
    """What zeros of H_m' beside the paths add for each polynomial of f: (pair, polynomial).

    A pole at t_z of residue Q adds pi Q (cot(pi t_z / h) + i) to the rule of step h.
    """
    table = _resonances(modes.m)
    z = table[pairs.case]
    k = modes.k[pairs.case][:, None]
    t = (np.pi - torch.arcsin(z / k) - centre[:, None]) / _TURN
    decay = torch.clamp(2 * np.pi * t.imag / step[:, None], -_FLAT, _FLAT)
    phase = -2 * np.pi * (t.real - first[:, None]) / step[:, None]
    near = (t.imag < _PASSED * 2 * np.pi * (width**2 / step)[:, None]) & (z != 0)
    pair, pole = torch.nonzero(near, as_tuple=True)
    found = torch.zeros(len(k), factor.terms, dtype=table.dtype, device=table.device)
    if not len(pair):
        return found
    case, z = pairs.case[pair], z[pair, pole]
    k, m = modes.k[case], modes.m[case]
    s = torch.sqrt(k - z) * torch.sqrt(k + z)
    size = factor.zeros(modes, case, s[:, None])[:, 0] * torch.sqrt(k + s)
    residue = -size / ((s + modes.kappa[case]) * s * (1 - (m / z) ** 2))
    wave = hankel(m, z * pairs.r[pair]) / hankel(m, z)
    wave = wave * torch.exp(1j * (z * (pairs.r[pair] - 1) - s * pairs.x[pair])) * (1 + modes.mach[case] * s / k)
    counted = 1 / (1 - torch.exp(decay[pair, pole] + 1j * phase[pair, pole]))
    return found.index_add(0, pair, (residue * wave * counted)[:, None] * factor.basis(k, s))


def _beside_axis(modes: Modes, factor: Factor, pairs: _Pairs, nodes: int) -> Tensor:
    """As `_off_axis`, downstream beside the axis; the part of f is zero."""
    k, mach = modes.k[pairs.case][:, None], modes.mach[pairs.case][:, None]
    node, weight = (values.to(k) for values in _laguerre(nodes))
    scale = k * pairs.x[:, None]
    q = node / scale
    cosine, sine = 1 + 1j * q, torch.sqrt(-1j * q) * torch.sqrt(2 + 1j * q)
    z = k * torch.clamp(pairs.r, min=1e-30)[:, None] * sine  # so that J_m'(0) is right for m = 1
    wave = bessel(modes.m[pairs.case][:, None].expand(z.shape), z) * (1 - mach * cosine) * torch.exp(1j * scale)
    wave = wave * (weight / scale) * (-1j / np.pi) / sine
    front = torch.ones_like(q, dtype=torch.bool)
    terms = _sources(modes, factor, pairs.case, cosine, sine, front) * wave
    part = (terms[:, None] @ factor.basis(k, k * cosine))[:, 0]
    return torch.cat([part, torch.zeros_like(part)], dim=1)


@cache
def _laguerre(nodes: int) -> tuple[Tensor, Tensor]:
    node, weight = np.polynomial.laguerre.laggauss(nodes)
    return torch.from_numpy(node), torch.from_numpy(weight)


def _resonances(m: Tensor) -> Tensor:
    """Zeros of H_m' of every case's order, (case, zero), filled up with zeros."""
    known = {order: _resonances_of(order) for order in torch.unique(m).tolist()}
    table = torch.zeros(max(known) + 1, max(1, *map(len, known.values())), dtype=torch.complex128)
    for order, zeros in known.items():
        table[order, : len(zeros)] = zeros
    return table.to(m.device)[m]


@cache
def _resonances_of(m: int) -> Tensor:
    return torch.from_numpy(resonances(m))
