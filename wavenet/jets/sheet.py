r"""Vortex sheets between jets and the fluid around them, of one azimuthal order: their waves and closed forms.

Notation of the theory's page: exp(-i omega t), lengths in radii, waves exp(-i s x), N_1 = k + M_1 s, N_2 = k + M_2 C s.
The kernel, and the closed forms that are divided out of its factors before they are learned,

    K(s) = D N_2^2 H_m(gamma_2) / (gamma_2 H_m'(gamma_2)) - N_1^2 J_m(gamma_1) / (gamma_1 J_m'(gamma_1)),
    C_minus = 1 / sqrt(right - s) prod_l (s - z_l^up) / (s - s_l^up),
    C_plus = (s - s_0) (s - conj(s_0)) / sqrt(s - left) prod_l (s - z_l^dn) / (s - s_l^dn),

with the duct's modes s_l and, in place of the jet's, z_l of a soft-walled duct with damped radial wavenumbers; with a
hub J_m / (gamma_1 J_m') is S / (gamma_1 S'), see `duct`. Points are real; everything is (case, point), and
differentiable.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..ducts.bessel import outer
from .duct import MODES, Duct, at_wall, duct

_DAMPING = 0.6  # as in the dataset's task
_TOGETHER = 12  # factors of a product, each up to 200, that single precision can hold
_ROUNDED = 0.3  # of the corners where the ends of windows pass from one point to another, over k


class Modes(NamedTuple):
    """Waves of one direction: those of a soft-walled duct in place of the jet's, and the duct's, (case, MODES)."""

    soft: Tensor
    hard: Tensor


@dataclass(frozen=True, eq=False)
class Sheets:
    """Jets of one azimuthal order m >= 0.

    helmholtz, mach, mach_outer, speed, density, hub : (case, 1) tensors; speed and density: sound speed and density
    ratio; hub: radius, by default none.
    """

    m: int
    helmholtz: Tensor
    mach: Tensor
    mach_outer: Tensor
    speed: Tensor
    density: Tensor
    hub: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.hub is None:
            object.__setattr__(self, "hub", torch.zeros_like(self.mach))

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """All but m, in the order of the constructor's."""
        return self.helmholtz, self.mach, self.mach_outer, self.speed, self.density, self.hub

    @cached_property
    def duct(self) -> Duct:
        """Eigenvalues and norms of the ducts."""
        return duct(self.m, self.hub)

    @property
    def orders(self) -> int:
        """Radial orders in the closed forms."""
        return MODES

    @property
    def beta2(self) -> Tensor:
        """1 - M_1^2."""
        return (1 - self.mach) * (1 + self.mach)

    @property
    def beta_outer(self) -> Tensor:
        """sqrt(1 - M_2^2)."""
        return torch.sqrt((1 - self.mach_outer) * (1 + self.mach_outer))

    @property
    def centre(self) -> Tensor:
        """Half-way between the duct's downstream and upstream modes."""
        return self.mach * self.helmholtz / self.beta2

    @property
    def left(self) -> Tensor:
        """Branch point of waves that run downstream outside; exp(-i s x)."""
        return -self.helmholtz / self.speed / (1 + self.mach_outer)

    @property
    def right(self) -> Tensor:
        """Branch point of waves that run upstream outside."""
        return self.helmholtz / self.speed / (1 - self.mach_outer)

    @property
    def boundary(self) -> Tensor:
        """s_c, where the window of K_minus ends and that of K_plus begins."""
        return torch.minimum(self.centre, self.right - 0.25 * (self.right - self.left))

    @property
    def first(self) -> Tensor:
        """Lower end of the window of K_minus: below all angles and cut-on modes, smooth in the parameters."""
        return -_larger(-self.left, self.helmholtz / (1 + self.mach), self.helmholtz)

    @property
    def last(self) -> Tensor:
        """Upper end of the window of K_plus: above all angles and cut-on modes, smooth in the parameters."""
        return _larger(self.right, self.helmholtz / (1 - self.mach), self.helmholtz)

    @property
    def low(self) -> Tensor:
        """Whether a jet belongs to the low domain, where s_c is the centre of the duct's modes: (case, 1) bool."""
        return self.centre < self.right - 0.25 * (self.right - self.left)

    def inner(self, s: Tensor) -> Tensor:
        """N_1."""
        return self.helmholtz + self.mach * s

    def outer(self, s: Tensor) -> Tensor:
        """N_2."""
        return self.helmholtz + self.mach_outer * self.speed * s

    def take(self, chosen: Tensor) -> "Sheets":
        """Some of the jets, by their numbers or by a mask."""
        return type(self)(self.m, *(one[chosen] for one in self.parameters))

    def double(self) -> "Sheets":
        """The same in double precision."""
        return type(self)(self.m, *(one.double() for one in self.parameters))

    def squares(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """gamma_1^2 and gamma_2^2."""
        square = (self.helmholtz - (1 - self.mach) * s) * (self.helmholtz + (1 + self.mach) * s)
        return square, self.beta_outer**2 * (self.right - s) * (s - self.left)

    def at_wall(self, s: Tensor, own: Tensor | None = None) -> Tensor:
        """S / (gamma_1 S') at the duct's wall, real; without the pole of modes `own` (case, 1)."""
        return at_wall(self.squares(s)[0], self.duct, own)

    def waves(self, direction: int) -> Tensor:
        """s of the duct's modes that travel or decay along +1 or -1: (case, orders) complex."""
        return self.along(self.duct.alpha[:, : self.orders] + 0j, direction)

    def guesses(self, direction: int) -> Tensor:
        """z_l, (case, orders) complex."""
        radial = self.duct.soft[:, : self.orders]
        return self.along(torch.complex(radial, torch.full_like(radial, -_DAMPING)), direction)

    def along(self, radial: Tensor, direction: int) -> Tensor:
        """s of waves of these radial wavenumbers."""
        return self.centre - direction * torch.sqrt(self.helmholtz**2 - self.beta2 * radial**2 + 0j) / self.beta2

    def modes(self, direction: int) -> Modes:
        """z_l and s_l of the waves along +1 or -1."""
        return Modes(self.guesses(direction), self.waves(direction))

    def closed_minus(self, s: Tensor, up: Modes) -> Tensor:
        """C_minus at real s <= s_c."""
        return _quotient(s, *up) / torch.sqrt(self.right - s)

    def closed_plus(self, s: Tensor, down: Modes, s_0: Tensor, n: Tensor) -> Tensor:
        """C_plus at real s >= s_c times s - s_n, for radial orders n (case, 1) and instabilities s_0 (case, 1)."""
        own = torch.arange(down.hard.shape[1], device=n.device) == n
        pair = (s - s_0.real) ** 2 + s_0.imag**2
        return _quotient(s, *down, own) * pair / torch.sqrt(s - self.left)

    def quotient(self, s: Tensor, direction: int) -> Tensor:
        """Product of (s - z_l) / (s - s_l) over the waves along +1 or -1, at complex s."""
        return _quotient(s, *self.modes(direction))

    def kernel(self, s: Tensor) -> Tensor:
        """K at real s between the branch points."""
        gamma = self.beta_outer * torch.sqrt(self.right - s) * torch.sqrt(s - self.left)
        value, slope = outer(gamma, self.m)
        return self.density * self.outer(s) ** 2 * value / slope - self.inner(s) ** 2 * self.at_wall(s)


def _larger(one: Tensor, other: Tensor, k: Tensor) -> Tensor:
    """A little more than the larger of the two, without its corner."""
    return 0.5 * (one + other + torch.sqrt((one - other) ** 2 + (_ROUNDED * k) ** 2))


class _Quotient(torch.autograd.Function):
    """Its derivatives in one pass over the modes: autograd's would keep every partial product."""

    @staticmethod
    def forward(ctx: Any, s: Tensor, above: Tensor, below: Tensor, own: Tensor | None) -> Tensor:
        parts = []
        for start in range(0, above.shape[1], _TOGETHER):
            over, under = s - above[:, start : start + 1], _gap(s, below, own, start)
            for index in range(start + 1, min(start + _TOGETHER, above.shape[1])):
                over = over * (s - above[:, index : index + 1])
                under = under * _gap(s, below, own, index)
            parts.append(over / under)
        value = math.prod(parts[1:], start=parts[0])
        ctx.save_for_backward(s, above, below, value)
        ctx.own = own
        return value

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        s, above, below, value = ctx.saved_tensors
        weight = given[0] * value.conj()
        over, by_above = _rates(s, above, weight, None)
        under, by_below = _rates(s, below, weight, ctx.own)
        slope = weight * (over - under).conj()
        return slope if s.is_complex() else slope.real, -by_above, by_below, None


def _rates(s: Tensor, points: Tensor, weight: Tensor, own: Tensor | None) -> tuple[Tensor, Tensor]:
    """Sum of 1 / (s - point) over the points (case, point) but the `own`, and weight / (s - point)* over s for each.

    In real numbers, all points at once: torch divides complex ones slowly.
    """
    along, across = s.real[:, None] - points.real[..., None], points.imag[..., None]
    if s.is_complex():
        across = across - s.imag[:, None]
    inverse = torch.addcmul(across * across, along, along).reciprocal_()
    if own is not None:
        inverse = inverse.masked_fill_(own[..., None], 0.0)
    along, across = along.mul_(inverse), across * inverse  # 1 / (s - point) = along + i across
    weights = torch.view_as_real(weight.contiguous())
    rates = torch.view_as_complex(along @ weights) - 1j * torch.view_as_complex(across @ weights)
    return torch.complex(along.sum(dim=1), across.sum(dim=1)), rates


def _gap(s: Tensor, below: Tensor, own: Tensor | None, index: int) -> Tensor:
    """s less a pole, or 1 for the `own`."""
    gap = s - below[:, index : index + 1]
    return gap if own is None else torch.where(own[:, index : index + 1], torch.ones_like(gap), gap)


def _quotient(s: Tensor, above: Tensor, below: Tensor, own: Tensor | None = None) -> Tensor:
    """Product of (s - above) / (s - below) over the modes, without the denominator where it is the `own`."""
    found: Tensor = _Quotient.apply(s, above, below, own)
    return found
