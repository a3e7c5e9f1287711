r"""The Kelvin–Helmholtz wave of a jet, exp(-i s_0 x), differentiable.

N_1 = -+ r N_2 with r = i sqrt(-D G), G = [gamma_1 J_m'(gamma_1) / J_m(gamma_1)] [H_m(gamma_2) / (gamma_2
H_m'(gamma_2))], is iterated from r = i sqrt(D) until the root with the larger imaginary part moves little; Newton's
method then solves f = D N_2^2 G - N_1^2 = 0. The derivatives are those of one more step of it.
"""

import torch
from torch import Tensor

from ..ducts.bessel import inner, outgoing
from .sheet import Sheets

_ROUNDS = 20  # of the iteration, each of which gains about two digits; Newton's method starts then
_CLOSE = 0.02, 0.01  # change of s_0, and over its size, at which Newton's method takes over
_NEWTON = 8  # its steps: convergence is quadratic
_LONGEST = 0.5  # of a step, over k
_NEUTRAL = 1e-6  # Im s_0 / |s_0| below which the streams are equal, nearly, and s_0 next to a double zero
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
            value, slope = _residual(some, s[live])
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
    value, slope = _residual(sheets, s)
    return s - value / slope, found


def _guess(sheets: Sheets) -> tuple[Tensor, Tensor]:
    """s_0 by the same iteration with Debye's expansions of G, and whether these hold there."""
    r, s = 1j * torch.sqrt(sheets.density) + torch.zeros_like(sheets.mach), None
    for _ in range(_ROUNDS // 2):
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
            r = 1j * torch.sqrt(-some.density * _quotient(some, last)[0])
    return s


def _residual(sheets: Sheets, s: Tensor) -> tuple[Tensor, Tensor]:
    """f and f' at s; f' is not differentiable."""
    quotient, wall, wave, square, square_outer = _quotient(sheets, s)
    n_1, n_2 = sheets.inner(s), sheets.outer(s)
    outside = sheets.density * quotient
    with torch.no_grad():
        shear, m2 = sheets.mach_outer * sheets.speed, sheets.m**2
        # d/ds of the logarithms of wall and wave, by Riccati's equation z L' = m^2 - z^2 - L^2
        turn, turn_outer = sheets.mach * n_1 - s, sheets.mach_outer / sheets.speed * n_2 - s  # gamma gamma'
        rise = (m2 - square - wall**2) / wall * turn / square
        rise = rise - (m2 - square_outer - wave**2) / wave * turn_outer / square_outer
        slope = outside * (2 * n_2 * shear + n_2**2 * rise) - 2 * n_1 * sheets.mach
    return outside * n_2**2 - n_1**2, slope


def _quotient(sheets: Sheets, s: Tensor) -> tuple[Tensor, ...]:
    """G, gamma_1 J'/J, gamma_2 H'/H, gamma_1^2 and gamma_2^2."""
    square, square_outer = sheets.squares(s)
    gamma = sheets.beta_outer * _root(sheets.right - s) * _root(s - sheets.left)
    wall, wave = sheets.m - square * inner(square, sheets.m), outgoing(gamma, sheets.m)
    return wall / wave, wall, wave, square, square_outer


def _root(z: Tensor) -> Tensor:
    """Square root, cut along the negative imaginary axis."""
    return (1 + 1j) / 2**0.5 * torch.sqrt(-1j * z)
