r"""The Kelvin–Helmholtz wave of a jet, exp(-i s_0 x), differentiable.

N_1 = -+ r N_2 with r = i sqrt(-D G), G = [gamma_1 J_m'(gamma_1) / J_m(gamma_1)] [H_m(gamma_2) / (gamma_2
H_m'(gamma_2))], with a hub S in place of J_m, is iterated from r = i sqrt(D) until the root with the larger imaginary
part moves little; Newton's method then solves f = D N_2^2 G - N_1^2 = 0. The derivatives are those of one more step of
it.
"""

from typing import Any

import torch
from torch import Tensor

from ..ducts.bessel import hankel
from ..ducts.debye import rise, slopes
from .sheet import Sheets

_ROUNDS = 20  # of the iteration, each of which gains about two digits; Newton's method starts then
_FIRST = 5  # of the iteration with Debye's expansions
_CLOSE = 0.02, 0.01  # change of s_0, and over its size, at which Newton's method takes over
_NEWTON = 8  # its steps: convergence is quadratic
_LONGEST = 0.5  # of a step, over k
_NEUTRAL = 1e-6  # Im s_0 / |s_0| below which the streams are equal, nearly, and s_0 next to a double zero
_DEEP = 19.0  # Im gamma_1 (1 - h) beyond which the hub does not matter: exp(-2 * 19) = 3e-17
_UNIFORM = 3.0  # sqrt(m^2 - gamma^2) above which Debye's expansions, with two terms, are within 3 % for a first guess


def instability(sheets: Sheets) -> tuple[Tensor, Tensor]:
    """s_0, which grows downstream, (case, 1) complex, and whether it was found, (case, 1) bool.

    Equal streams, N_1 = N_2, have a double zero on the real axis and are not found.
    """
    with torch.no_grad():
        eps = torch.finfo(sheets.mach.dtype).eps
        s = _iterated(sheets, *_guess(sheets))
        change, live, some = torch.full_like(s, torch.inf), torch.arange(len(s), device=s.device), sheets
        for _ in range(_NEWTON):
            value, slope = residual(some, s[live])
            step = torch.nan_to_num(value / slope)
            step = step * torch.clamp(_LONGEST * some.helmholtz / step.abs().clamp(min=1e-30), max=1.0)
            s[live] -= step
            change[live] = step
            # a step whose square is below rounding is the last
            going = ~(step.abs() < eps**0.5 * s[live].abs())[:, 0]
            if not bool(going.any()):
                break
            live, some = live[going], some.take(going)
        found = (
            (change.abs() < eps**0.5 * s.abs()) & (s.imag > _NEUTRAL * s.abs()) & (s.real < 0) & torch.isfinite(s.abs())
        )
        s = torch.where(found, s, torch.complex(-sheets.helmholtz, sheets.helmholtz) / sheets.mach)
    if not torch.is_grad_enabled():
        return s, found
    value, slope = residual(sheets, s)
    return s - value / slope, found


def _guess(sheets: Sheets) -> tuple[Tensor, Tensor]:
    """s_0 by the same iteration with Debye's expansions of G without a hub, and whether these hold there."""
    r, s = 1j * torch.sqrt(sheets.density) + torch.zeros_like(sheets.mach), None
    for _ in range(_FIRST):
        s = _growing(sheets, r)
        square, square_outer = (sheets.m**2 - one for one in sheets.squares(s))
        root, root_outer = torch.sqrt(square), torch.sqrt(square_outer)
        # w I'/I and w K'/K of order m: +-root - w^2 / (2 root^2)
        inside = root + 0.5 * (sheets.m**2 / square - 1)
        outside = -root_outer + 0.5 * (sheets.m**2 / square_outer - 1)
        r = 1j * torch.sqrt(-sheets.density * inside / outside)
    assert s is not None
    new = _growing(sheets, r)
    close = (new - s).abs() < torch.clamp(_CLOSE[1] * new.abs(), max=_CLOSE[0])
    return new, close & (root.abs() > _UNIFORM) & (root_outer.abs() > _UNIFORM)


def _growing(sheets: Sheets, r: Tensor) -> Tensor:
    """The root of N_1 = -+ r N_2 with the larger imaginary part."""
    shear = sheets.mach_outer * sheets.speed
    both = torch.cat([-sheets.helmholtz * (1 - t * r) / (sheets.mach - t * r * shear) for t in (1.0, -1.0)], dim=1)
    return torch.gather(both, 1, both.imag.argmax(dim=1, keepdim=True))


def _iterated(sheets: Sheets, s: Tensor, good: Tensor) -> Tensor:
    """s where it is good; elsewhere from the beginning by the exact G."""
    live = torch.nonzero(~good[:, 0])[:, 0]
    some = sheets.take(live)
    r, last = 1j * torch.sqrt(some.density) + torch.zeros_like(some.mach), torch.full_like(s[live], torch.inf)
    for _ in range(_ROUNDS):
        if not len(live):
            break
        new = _growing(some, r)
        s[live] = new
        going = ~((new - last).abs() < torch.clamp(_CLOSE[1] * new.abs(), max=_CLOSE[0]))[:, 0]
        live, some, last = live[going], some.take(going), new[going]
        if len(live):
            wall, wave = _quotients(some, last)[:2]
            r = 1j * torch.sqrt(-some.density * wall / wave)
    return s


def residual(sheets: Sheets, s: Tensor) -> tuple[Tensor, Tensor]:
    """f and f' at s; f' is not differentiable."""
    wall, wave, square_outer, rate = _quotients(sheets, s)
    n_1, n_2 = sheets.inner(s), sheets.outer(s)
    outside = sheets.density * wall / wave
    with torch.no_grad():
        shear = sheets.mach_outer * sheets.speed
        turn, turn_outer = sheets.mach * n_1 - s, sheets.mach_outer / sheets.speed * n_2 - s  # gamma gamma'
        growth = rate / wall * turn - rise(wave, square_outer, sheets.m) / wave * turn_outer
        slope = outside * (2 * n_2 * shear + 2 * n_2**2 * growth) - 2 * n_1 * sheets.mach
    return outside * n_2**2 - n_1**2, slope


def _quotients(sheets: Sheets, s: Tensor) -> tuple[Tensor, ...]:
    """gamma_1 S'/S, gamma_2 H'/H, gamma_2^2, and the derivative of the first in gamma_1^2, not differentiable."""
    square, square_outer = sheets.squares(s)
    wall, wave = slopes(square, sheets.m)[0], slopes(square_outer, sheets.m)[1]
    with torch.no_grad():
        rate = rise(wall, square, sheets.m)
        decay = torch.sqrt(-square).real * (1 - sheets.hub)
        hollow = torch.nonzero(((sheets.hub > 0) & (decay < _DEEP))[:, 0])[:, 0]
    if len(hollow):
        found, by_square = _Hollow.apply(square[hollow], sheets.hub[hollow], sheets.m)
        wall, rate[hollow] = wall.index_put((hollow,), found), by_square
    return wall, wave, square_outer, rate


class _Hollow(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, square: Tensor, hub: Tensor, m: int) -> tuple[Tensor, Tensor]:
        wall, by_square, by_hub = _hollow(square, hub, m)
        ctx.save_for_backward(by_square, by_hub)
        ctx.mark_non_differentiable(by_square)
        return wall, by_square

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, Tensor, None]:
        by_square, by_hub = ctx.saved_tensors
        return given[0] * by_square.conj(), (given[0] * by_hub.conj()).real, None


def _hollow(square: Tensor, hub: Tensor, m: int) -> tuple[Tensor, Tensor, Tensor]:
    """gamma S' / S of ducts with hubs at complex gamma^2 (case, 1), its derivatives in gamma^2 and in the hub.

    S = J_m - Q H_m. With the logarithmic derivatives j and h of J_m(z) and H_m(z) times z, Wronskians leave the
    quotient H_m(gamma) / H_m(gamma h) as the only other function; it is small where the hub does not matter.
    """
    wide = square.to(torch.complex128)  # powers of m overflow in single precision
    radius = hub.to(torch.float64)
    x = 1j * torch.sqrt(-wide)
    (j_x, h_x), (j_y, h_y) = (slopes(q, m) for q in (wide, wide * radius**2))
    ratio = hankel(x, m)[0] / hankel(x * radius, m)[0] * torch.sqrt(radius) * torch.exp(1j * x * (1 - radius))
    hub_share = j_y / h_y * (h_x - j_x) / (h_y - j_y) * ratio**2  # Q H_m(gamma) / J_m(gamma)
    wall = (j_x - hub_share * h_x) / (1 - hub_share)
    at_hub = ratio * (h_x - j_x) / (h_y * (1 - hub_share))  # S(gamma h) / S(gamma)
    # With p of slope one at the wall, dp(1) / dq is the integral of p^2 r, and dp(1) / dh = (m^2 / h - q h) p(h)^2.
    edge = radius**2 - m**2 / wide
    by_square = -0.5 * (1 - m**2 / wide + wall**2 / wide - edge * at_hub**2)
    by_hub = wide / radius * edge * at_hub**2
    return wall.to(square), by_square.to(square), by_hub.to(square)


def root(z: Tensor) -> Tensor:
    """Square root, cut along the negative imaginary axis."""
    return (1 + 1j) / 2**0.5 * torch.sqrt(-1j * z)
