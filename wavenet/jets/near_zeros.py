r"""Zeros of K_plus beside its window on jets of the high domain: modes of the jet, leaky or trapped, differentiable.

There downstream modes lie beside and beyond the branch point `right`. Those near the window [s_c, last] are found by
Newton's method on F = J_m(gamma_1) [D N_2^2 gamma_1 J_m' / J_m - N_1^2 gamma_2 H_m' / H_m], which has no poles: left of
`right` from the places of a line below the axis at which |F / F'| is least, right of it from the radial wavenumbers of
a soft and of a hard wall, corrected for the sheet's impedance. They enter C_plus as

    prod_z (s - z~) / (s - z*),    z~ = z* + w (z - z*),

with a partner z* deep below z and a weight w that is 1 near the window and falls smoothly to 0, so that C_plus depends
smoothly on the jet where a mode comes into sight. No mode needs a number. Ducts have no hub.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..ducts.bessel import hankel, inner
from .instability import residual, root
from .sheet import Sheets

_DAMPING = 0.6  # of a guess: radiation takes that much from most modes
_BEHIND, _DEEP, _SLOPE = 0.2, 0.2, 1.0  # region, see `weights`
_SEARCHED = 1.6  # of the region, in which starts lie
_LINE = 16, -0.3, 0.2, 0.08  # points of the line left of `right`, its ends from s_c and its depth, over right - left
_BEYOND = 0.12  # from s_c on, over right - left, starts come from walls
_SHIFTS = 2  # times that a start is corrected for the sheet's impedance
_NEWTON = 10  # steps at most: convergence is quadratic
_LONGEST = 0.5  # of a step, over k
_CONVERGED = 1e-9  # last step over k of a zero that was found
_SAME = 1e-6  # distance over k below which two zeros are one
_NEUTRAL = 1e-9  # imaginary part over k below which a zero is on the real axis


class Near(NamedTuple):
    """Zeros z~ and partners z*, (case, zero) complex; equal where there is none."""

    zeros: Tensor
    partners: Tensor


def weights(sheets: Sheets, z: Tensor) -> tuple[Tensor, Tensor]:
    """w and z* at points (case, point): w is 1 down to half the depth of the region, and 0 from there on."""
    span = sheets.right - sheets.left
    along, down = (z.real - sheets.boundary) / span, z.imag / span
    depth = _depth(along)
    weight = _step(2 * (along / _BEHIND + 1)) * _step(2 * (down / depth + 1))
    return weight, torch.complex(z.real, -depth * span)


def _depth(along: Tensor) -> Tensor:
    """Depth of the region over the distance of the branch points."""
    return _DEEP + _SLOPE * along.clamp(min=0)


def _step(t: Tensor) -> Tensor:
    """From 0 to 1, with two continuous derivatives."""
    t = t.clamp(0, 1)
    return t**3 * (10 - 15 * t + 6 * t**2)


def near_zeros(sheets: Sheets) -> Near:
    """The zeros of K_plus near its window; found in double precision, in which Newton's method tells them apart."""
    given, sheets = sheets, sheets.double()
    with torch.no_grad():
        of, z = _search(sheets)
    some, place = sheets.take(of), _places(of)
    if torch.is_grad_enabled():
        value, slope = residual(some, z)
        z = z - value / slope
    weight, end = weights(some, z)
    moved = end + weight * (z - end)
    far = torch.complex(sheets.centre, -sheets.helmholtz).expand(-1, int(place.max()) + 1 if len(of) else 0)
    found = (far.index_put((of, place), one[:, 0]) for one in (moved, end))
    return Near(*(one.to(given.mach.dtype.to_complex()) for one in found))


def _search(sheets: Sheets) -> tuple[Tensor, Tensor]:
    """Numbers of the jets, ascending, and their zeros (zero, 1)."""
    parts = [_along_line(sheets), _by_walls(sheets)]
    of = torch.cat([one for one, _ in parts])
    order = torch.argsort(of, stable=True)
    of, starts = of[order], torch.cat([one for _, one in parts])[order]
    some = sheets.take(of)
    z, change = _newton(some, starts)
    good = (change < _CONVERGED * some.helmholtz) & (weights(some, z)[0] > 0) & (z.imag < _NEUTRAL * some.helmholtz)
    good = good[:, 0] & ~_upstream(some, z)
    of, z = of[good], z[good]
    place = _places(of)
    rows = torch.full((len(sheets.mach), int(place.max()) + 1 if len(of) else 0), torch.nan, dtype=z.dtype)
    rows[of, place] = z[:, 0]
    near = (rows[of] - z).abs() < _SAME * sheets.helmholtz[of]
    first = ~(near & (torch.arange(rows.shape[1]) < place[:, None])).any(dim=1)
    return of[first], z[first]


def _places(of: Tensor) -> Tensor:
    """Numbers among those of one jet; of: ascending numbers of jets."""
    return torch.arange(len(of)) - torch.searchsorted(of, of)


def _upstream(sheets: Sheets, z: Tensor) -> Tensor:
    """Which zeros (zero, 1) are of K_minus, (zero,): those above the axis, or on it where the kernel rises."""
    found = z.imag[:, 0] > 0
    neutral = torch.nonzero(z.imag[:, 0].abs() < _NEUTRAL * sheets.helmholtz[:, 0])[:, 0]
    if len(neutral):  # where the kernel falls, power goes downstream
        part, at = sheets.take(neutral), z[neutral]
        square = part.squares(at)[0]
        wall = part.m - square * inner(square, part.m)  # K = f / wall, f the residual
        low, high = (residual(part, at + sign * 1e-6 * part.helmholtz)[0] for sign in (-1, 1))
        found[neutral] = (((high - low) / wall).real > 0)[:, 0]
    return found


def _along_line(sheets: Sheets) -> tuple[Tensor, Tensor]:
    """Numbers of jets and starts (start, 1) from a line below the real axis, left of `right`."""
    count, first, last, depth = _LINE
    places = first + (last - first) * (torch.arange(count).to(sheets.mach) + 0.5) / count
    s = sheets.boundary + (sheets.right - sheets.left) * torch.complex(places, torch.full_like(places, -depth))
    step = _correction(sheets, s)
    size = torch.nn.functional.pad(step.abs(), (1, 1), value=torch.inf)
    least = (size[:, 1:-1] < size[:, :-2]) & (size[:, 1:-1] <= size[:, 2:])
    of, place = torch.nonzero(least, as_tuple=True)
    return of, (s - step)[of, place][:, None]


def _by_walls(sheets: Sheets) -> tuple[Tensor, Tensor]:
    """Numbers of jets and starts (start, 1) from radial wavenumbers of soft and hard walls."""
    radial = [one[:, : sheets.orders].expand(len(sheets.mach), -1) for one in (sheets.duct.soft, sheets.duct.alpha)]
    guess = sheets.along(radial[0] - 1j * _DAMPING, 1)
    span = sheets.right - sheets.left
    along, height = (guess.real - sheets.boundary) / span, guess.imag.abs() / span
    seen = (along > _BEYOND) & (height < _SEARCHED * _depth(along))
    of, order = torch.nonzero(seen, as_tuple=True)
    some, found = sheets.take(of), []
    for walls in (0, 1):
        base = radial[walls][of, order][:, None]
        gamma = base - 1j * _DAMPING
        for _ in range(_SHIFTS):
            s = some.along(gamma, 1)
            ratio = gamma * some.density * (some.outer(s) / some.inner(s)) ** 2 / _wave(some, s)  # J / J'
            gamma = base + (torch.atan(ratio) if walls == 0 else -torch.atan(1 / ratio))
        found.append(some.along(gamma, 1))
    return of.repeat(2), torch.cat(found)


def _wave(sheets: Sheets, s: Tensor) -> Tensor:
    """gamma_2 H_m' / H_m."""
    gamma = sheets.beta_outer * root(sheets.right - s) * root(s - sheets.left)
    value, slope = hankel(gamma, sheets.m, (gamma.abs() / max(sheets.m, 1)).clamp(max=1.0))
    return gamma * slope / value


def _newton(sheets: Sheets, s: Tensor) -> tuple[Tensor, Tensor]:
    """Newton's method for F from s (start, 1): its end, and the last step."""
    s, change = s.clone(), torch.full(s.shape, torch.inf, dtype=sheets.mach.dtype)
    live, some = torch.arange(len(s)), sheets
    for _ in range(_NEWTON):
        step = torch.nan_to_num(_correction(some, s[live]))
        size = step.abs()
        step = step * torch.clamp(_LONGEST * some.helmholtz / size.clamp(min=1e-30), max=1.0)
        s[live] -= step
        change[live] = size
        going = (size > _CONVERGED * some.helmholtz)[:, 0]
        if not bool(going.any()):
            break
        if not bool(going.all()):
            live, some = live[going], some.take(going)
    return s, change


def _correction(sheets: Sheets, s: Tensor) -> Tensor:
    """F / F'."""
    square, square_outer = sheets.squares(s)
    wall, wave = sheets.m - square * inner(square, sheets.m), _wave(sheets, s)
    n_1, n_2, m2 = sheets.inner(s), sheets.outer(s), sheets.m**2
    shear = sheets.mach_outer * sheets.speed
    turn, turn_outer = sheets.mach * n_1 - s, sheets.mach_outer / sheets.speed * n_2 - s  # gamma gamma'
    # d/ds of the logarithmic derivatives by Riccati's equation z L' = m^2 - z^2 - L^2
    rise = (m2 - square - wall**2) * turn / square
    rise_outer = (m2 - square_outer - wave**2) * turn_outer / square_outer
    weight = sheets.density * n_2
    value = weight * n_2 * wall - n_1**2 * wave
    slope = weight * (2 * shear * wall + n_2 * rise) - n_1 * (2 * sheets.mach * wave + n_1 * rise_outer)
    return 1 / (wall * turn / square + slope / value)
