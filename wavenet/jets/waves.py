r"""Sound of a jet's duct modes in closed form around the factors' learned parts, for one azimuthal order.

K_minus and K_plus are known up to a constant and its reciprocal, of which nothing depends: K_minus(s_c) = 1. With

    T(s) = -N_1(s_n) / K_minus(s_n) [1 / (s - s_n) - (1 - g) / (s_0 - s_n)],

g the Kutta parameter, the directivity outside is

    D = (-i)^{m+1} / (pi beta_2) (-i N_2) T / (K_plus gamma_2 H_m'(gamma_2)),    1 / K_plus = K_minus / K,

by K_plus for s >= s_c and by K_minus below, and R_l = N_1 T / (2 N_l w_l K_plus) at the upstream modes s_l. Right of
s_c, K_minus(s_n) is N_1^2 / (2 N_n w_n) over the residue of K_plus.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..ducts.bessel import outer
from .sheet import Sheets

AXIS = 1e-6  # angle to the downstream axis [rad] below which D is that at this angle: a branch point lies there


@dataclass
class Waves:
    """Factors of jets of one azimuthal order, and what one incident mode of each makes.

    sheets : Sheets
    s_0 : (case, 1) complex tensor
        Instability.
    minus, plus : (case, coefficient) complex tensors
        Chebyshev coefficients from degree 1 of ln(K_minus / C_minus) and ln(K_plus / C_plus) on their windows.
    n : (case, 1) int tensor
        Radial order, cut on.
    kutta : (case, 1) tensor
    """

    sheets: Sheets
    s_0: Tensor
    minus: Tensor
    plus: Tensor
    n: Tensor
    kutta: Tensor

    def __post_init__(self) -> None:
        sheets = self.sheets
        square = (sheets.helmholtz**2 - sheets.beta2 * sheets.duct.alpha[:, : sheets.orders] ** 2).clamp(min=0)
        self.cut_on = square > 0
        self.wave = torch.sqrt(torch.where(self.cut_on, square, 1.0))  # w_l
        self.norm = sheets.duct.norm[:, : sheets.orders].expand_as(self.wave)
        own, self._norm = self.wave.gather(1, self.n), self.norm.gather(1, self.n)
        self.down, self._back = sheets.centre - own / sheets.beta2, sheets.centre + own / sheets.beta2
        self._residue = sheets.inner(self.down) ** 2 / (2 * self._norm * own)  # of K
        boundary = sheets.boundary
        self._middle = sheets.kernel(boundary)  # K_plus(s_c)
        self._up, self._down = sheets.modes(-1), sheets.modes(1)
        closed_plus = sheets.closed_plus(boundary, self._down, self.s_0, self.n)
        self._scales = sheets.closed_minus(boundary, self._up), closed_plus
        beyond = self.down > boundary
        below, above = torch.where(beyond, boundary, self.down), torch.where(beyond, self.down, boundary)
        value = self.minus_factor(below)
        if bool(beyond.any()):
            value = torch.where(beyond, self._residue / self.plus_factor(above), value)
        self.strength = -sheets.inner(self.down) / value
        self._free = (1 - self.kutta) / (self.s_0 - self.down)

    def minus_factor(self, s: Tensor) -> Tensor:
        """K_minus at real s <= s_c."""
        sheets = self.sheets
        place = 2 * (s - sheets.first) / (sheets.boundary - sheets.first) - 1
        return torch.exp(_series(self.minus, place, 1.0)) * sheets.closed_minus(s, self._up) / self._scales[0]

    def plus_factor(self, s: Tensor) -> Tensor:
        """K_plus (s - s_n) at real s >= s_c."""
        sheets = self.sheets
        place = 2 * (s - sheets.boundary) / (sheets.last - sheets.boundary) - 1
        value = torch.exp(_series(self.plus, place, -1.0)) * sheets.closed_plus(s, self._down, self.s_0, self.n)
        return value * (sheets.boundary - self.down) * self._middle / self._scales[1]

    def directivity(self, theta: Tensor) -> Tensor:
        """D at angles theta (case, angle) [rad], complex."""
        sheets, m = self.sheets, self.sheets.m
        off_axis = theta.clamp(min=AXIS, max=math.pi - AXIS)
        k = sheets.helmholtz / sheets.speed / sheets.beta_outer
        s = sheets.left + 2 * k / sheets.beta_outer * torch.sin(off_axis / 2) ** 2
        gamma = k * torch.sin(off_axis)
        value, slope = outer(gamma, m)
        power = (0.5 * gamma) ** m * math.exp(-math.lgamma(m + 1))
        front = (-1j) ** (m + 1) / np.pi / sheets.beta_outer * -1j * sheets.outer(s) * power
        return front * self.outside(s, value, slope)

    def outside(self, s: Tensor, value: Tensor, slope: Tensor) -> Tensor:
        """eta_plus / (gamma_2 H_m'(gamma_2)) at s (case, point) on the arc, from H_m and gamma_2 H_m' there.

        Any factor that both have divides the result.
        """
        boundary = self.sheets.boundary.expand_as(s)
        low = s <= boundary
        left = self._left(torch.where(low, s, boundary), value, slope)
        return self.strength * torch.where(low, left, self._right(torch.where(low, boundary, s), slope))

    def driven(self, s: Tensor) -> Tensor:
        """T at complex s (case, point), times s - s_n."""
        return self.strength * (1 - (s - self.down) * self._free)

    def _left(self, s: Tensor, value: Tensor, slope: Tensor) -> Tensor:
        # times s - s_n, which takes the incident mode's pole out of the kernel
        sheets, gap = self.sheets, s - self.down
        wall = gap * sheets.at_wall(s, self.n) + 1 / (self._norm * sheets.beta2 * (s - self._back))
        kernel = sheets.density * sheets.outer(s) ** 2 * gap * value - sheets.inner(s) ** 2 * wall * slope
        return self.minus_factor(s) * (1 - gap * self._free) / kernel

    def _right(self, s: Tensor, slope: Tensor) -> Tensor:
        return (1 - self._free * (s - self.down)) / (self.plus_factor(s) * slope)

    def reflection(self) -> Tensor:
        """Potential amplitudes (case, MODES) of the reflected modes; zero for those cut off."""
        sheets = self.sheets
        up = sheets.centre + torch.where(self.cut_on, self.wave, 0.0) / sheets.beta2
        eta = self.strength * (1 - self._free * (up - self.down)) / self.plus_factor(up)
        return torch.where(self.cut_on, sheets.inner(up) * eta / (2 * self.norm * self.wave), 0.0)


def _series(coefficients: Tensor, place: Tensor, zero: float) -> Tensor:
    """Chebyshev series (case, point) from degree 1, less its value at `zero`, 1 or -1."""
    before, here, turn, rows = torch.ones_like(place), place, zero, [place - zero]
    for _ in range(1, coefficients.shape[1]):
        before, here, turn = here, 2 * place * here - before, turn * zero
        rows.append(here - turn)
    # Real polynomials times real and imaginary parts: autograd keeps less than of complex partial sums.
    return torch.view_as_complex(torch.stack(rows, dim=2) @ torch.view_as_real(coefficients))
