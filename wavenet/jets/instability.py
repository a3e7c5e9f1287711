r"""The Kelvin–Helmholtz wave of a jet, exp(-i s_0 x), differentiable.

N_1 = -+ r N_2 with r = i sqrt(-D G), G = [gamma_1 J_m'(gamma_1) / J_m(gamma_1)] [H_m(gamma_2) / (gamma_2
H_m'(gamma_2))], is iterated from r = i sqrt(D) until the root with the larger imaginary part moves little; Newton's
method then solves f = D N_2^2 G - N_1^2 = 0. The derivatives are those of one more step of it.
"""

import torch
from torch import Tensor

from .bessel import inner, outgoing
from .sheet import Sheets

_ROUNDS = 20  # of the iteration, each of which gains about two digits; Newton's method starts then
_CLOSE = 0.02, 0.01  # change of s_0, and over its size, at which Newton's method takes over
_NEWTON = 8  # its steps: convergence is quadratic
_CONVERGED = 0.1  # last change, over s_0 and the square root of rounding, whose square is below rounding
_LONGEST = 0.5  # of a step, over k
_NEUTRAL = 1e-6  # Im s_0 / |s_0| below which the streams are equal, nearly, and s_0 next to a double zero


def instability(sheets: Sheets) -> tuple[Tensor, Tensor]:
    """s_0, which grows downstream, (case, 1) complex, and whether it was found, (case, 1) bool.

    Equal streams, N_1 = N_2, have a double zero on the real axis and are not found.
    """
    grad = torch.is_grad_enabled()
    with torch.no_grad():
        s, eps = _iterated(sheets), torch.finfo(sheets.mach.dtype).eps
        change = torch.full_like(s, torch.inf)
        for _ in range(_NEWTON):
            value, slope = _residual(sheets, s)
            change = torch.nan_to_num(value / slope)
            longest = _LONGEST * sheets.helmholtz
            change = change * torch.clamp(longest / change.abs().clamp(min=1e-30), max=1.0)
            s = s - change
            if bool((change.abs() < _CONVERGED * eps**0.5 * s.abs()).all()):
                break
        found = (
            (change.abs() < eps**0.5 * s.abs()) & (s.imag > _NEUTRAL * s.abs()) & (s.real < 0) & torch.isfinite(s.abs())
        )
        s = torch.where(found, s, torch.complex(-sheets.helmholtz, sheets.helmholtz) / sheets.mach)
        if not grad:
            return s, found
        slope = _residual(sheets, s)[1]
    return s - _residual(sheets, s)[0] / slope, found


def _iterated(sheets: Sheets) -> Tensor:
    r = 1j * torch.sqrt(sheets.density) + torch.zeros_like(sheets.mach)
    s, going = torch.full_like(r, torch.inf), torch.ones_like(sheets.mach, dtype=torch.bool)
    shear = sheets.mach_outer * sheets.speed
    for _ in range(_ROUNDS):
        both = torch.cat([-sheets.helmholtz * (1 - t * r) / (sheets.mach - t * r * shear) for t in (1.0, -1.0)], dim=1)
        new = torch.gather(both, 1, both.imag.argmax(dim=1, keepdim=True))
        new = torch.where(going, new, s)
        going = going & ~((new - s).abs() < torch.clamp(_CLOSE[1] * new.abs(), max=_CLOSE[0]))
        s = new
        if not bool(going.any()):
            break
        r = torch.where(going, 1j * torch.sqrt(-sheets.density * _quotient(sheets, s)[0]), r)
    return s


def _residual(sheets: Sheets, s: Tensor) -> tuple[Tensor, Tensor]:
    """f and f' at s."""
    quotient, wall, wave, square, square_outer = _quotient(sheets, s)
    n_1, n_2, shear, m2 = sheets.inner(s), sheets.outer(s), sheets.mach_outer * sheets.speed, sheets.m**2
    # d/ds of the logarithms of wall and wave, by Riccati's equation z L' = m^2 - z^2 - L^2
    turn, turn_outer = sheets.mach * n_1 - s, sheets.mach_outer / sheets.speed * n_2 - s  # gamma gamma'
    rise = (m2 - square - wall**2) / wall * turn / square
    rise = rise - (m2 - square_outer - wave**2) / wave * turn_outer / square_outer
    outside = sheets.density * quotient
    slope = outside * (2 * n_2 * shear + n_2**2 * rise) - 2 * n_1 * sheets.mach
    return outside * n_2**2 - n_1**2, slope


def _quotient(sheets: Sheets, s: Tensor) -> tuple[Tensor, ...]:
    """G, gamma_1 J'/J, gamma_2 H'/H, gamma_1^2 and gamma_2^2."""
    square = (sheets.helmholtz - (1 - sheets.mach) * s) * (sheets.helmholtz + (1 + sheets.mach) * s)
    gamma = sheets.beta_outer * _root(sheets.right - s) * _root(s - sheets.left)
    wall, wave = sheets.m - square * inner(square, sheets.m), outgoing(gamma, sheets.m)
    return wall / wave, wall, wave, square, gamma**2


def _root(z: Tensor) -> Tensor:
    """Square root, cut along the negative imaginary axis."""
    return (1 + 1j) / 2**0.5 * torch.sqrt(-1j * z)
