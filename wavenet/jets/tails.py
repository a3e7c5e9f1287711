r"""The sheet's displacement beyond the branch points and at the instability, from the learned factors and the kernel.

With F = K / (C_minus C_plus) and the line u = s_c + a e^{-i pi / 4} sinh(y) between the factors' domains,

    ln K_plus / C_plus = 1 / (2 pi i) \int ln F(u) / (u - s) du + const,    ln K_minus / C_minus = -(the same) + const

at s above the line, and below. Beyond the branch points these are smooth: their changes from there on hardly depend on
zeros of the kernel near the line, which the network is for. The trapezoidal rule of step h in y, with nodes at
(j + 1 / 2) h, leaves -ln F(s) / (exp(-2 pi i y_s / h) + 1) from the pole at u = s, which counts at the instability.
"""

import math
from functools import cached_property

import torch
from torch import Tensor

from ..ducts.bessel import outgoing_near
from ..ducts.debye import slopes
from .duct import LARGEST, at_wall_off_axis
from .instability import root
from .waves import Waves

_STEP = 0.2  # h: singularities lie at Im y = pi / 4 from the line or further, exp(-2 pi 0.78 / 0.2) = 2e-11
_SCALE = 0.25  # a over right - left: the line has turned well before the branch points
_END = 1e5  # |u - s_c| / a where the line ends: ln F approaches its limit like 1 / u
_TURN = complex(math.sqrt(0.5), -math.sqrt(0.5))
_WHOLE = 0.1  # largest difference of a winding number to 0
_CIRCLE = 8, 0.1  # points of a circle around s_0, and its radius over Im s_0: 0.1^8 is left


class Tails:
    """Displacement eta_plus off the arc, for jets of one azimuthal order.

    waves : Waves. wound : (case,) bool, whether F winds around the origin, so that nothing here holds.
    """

    def __init__(self, waves: Waves):
        self.waves = waves
        sheets = waves.sheets
        self._scale = _SCALE * (sheets.right - sheets.left)
        last = math.ceil(math.asinh(_END) / _STEP)
        self._y = _STEP * (torch.arange(-last, last, device=sheets.mach.device).to(sheets.mach) + 0.5)
        self._u = sheets.boundary + self._scale * torch.sinh(self._y) * _TURN
        self._value = self._kernel(self._u) / (self._minus(self._u) * self._plus(self._u))
        log = torch.nn.functional.pad(torch.cumsum(torch.log(self._value[:, 1:] / self._value[:, :-1]), dim=1), (1, 0))
        self.wound = (log[:, -1] - log[:, 0]).imag.detach().abs() > _WHOLE * 2 * math.pi
        # without the limit, the mean of the ends, whose integral is zero
        self._log = log - 0.5 * (log[:, :1] + log[:, -1:])
        self._weighted = self._log * self._scale * torch.cosh(self._y) * (_TURN * _STEP / (2j * math.pi))

    def left(self, s: Tensor) -> Tensor:
        """eta_plus at s (case, point) left of the left branch point, or a little above."""
        at = self.waves.sheets.left
        known = self.waves.minus_factor(at) / self._minus(at + 0j) * torch.exp(self._integral(at))
        return self._driven(s) * known * self._minus(s) * torch.exp(-self._integral(s)) / self._kernel(s)

    def right(self, s: Tensor) -> Tensor:
        """eta_plus at s (case, point) right of the right branch point."""
        return self._driven(s) / (self._known_plus * self._plus(s) * torch.exp(self._integral(s)))

    def growing(self) -> Tensor:
        """Residue of eta_plus at s_0, (case, 1)."""
        sheets, s = self.waves.sheets, self.waves.s_0
        points, radius = _CIRCLE
        angle = 2 * math.pi / points * torch.arange(points, device=s.device).to(sheets.mach)
        step = radius * s.imag * torch.polar(torch.ones_like(angle), angle)
        rise = (self._kernel(s + step) / step).mean(dim=1, keepdim=True)  # of the kernel
        plus = sheets.quotient(s, 1) * 2j * s.imag / root(s - sheets.left)  # C_plus'
        place = torch.asinh((s - sheets.boundary) / (_TURN * self._scale))
        nearest = (place.detach().real - self._y).abs().argmin(dim=1, keepdim=True)
        turn = torch.log(rise / (self._minus(s) * plus) / self._value.gather(1, nearest))
        left = (self._log.gather(1, nearest) + turn) / (torch.exp(-2j * math.pi / _STEP * place) + 1)
        return self._driven(s) / (self._known_plus * plus * torch.exp(self._integral(s) + left))

    def _driven(self, s: Tensor) -> Tensor:
        """T."""
        return self.waves.driven(s) / (s - self.waves.down)

    @cached_property
    def _known_plus(self) -> Tensor:
        """K_plus / C_plus over the exponential of the integral, (case, 1)."""
        at = self.waves.sheets.right
        known = self.waves.plus_factor(at) / (self._plus(at + 0j) * (at - self.waves.down))
        return known * torch.exp(-self._integral(at))

    def _integral(self, s: Tensor) -> Tensor:
        """The integral's rule at s (case, point)."""
        return (self._weighted[:, :, None] / (self._u[:, :, None] - s[:, None])).sum(dim=1)

    def _minus(self, s: Tensor) -> Tensor:
        """C_minus at complex s (case, point)."""
        return self.waves.sheets.quotient(s, -1) / root(self.waves.sheets.right - s)

    def _plus(self, s: Tensor) -> Tensor:
        """C_plus at complex s (case, point)."""
        sheets, s_0 = self.waves.sheets, self.waves.s_0
        return sheets.quotient(s, 1) * (s - s_0) * (s - s_0.conj()) / root(s - sheets.left)

    def _kernel(self, s: Tensor) -> Tensor:
        """K at complex s (case, point)."""
        sheets = self.waves.sheets
        wave = sheets.beta_outer * root(sheets.right - s) * root(s - sheets.left)
        square = sheets.squares(s)[0]
        deep = square.abs() > LARGEST
        near = at_wall_off_axis(torch.where(deep, 1j, square), sheets.duct)
        far = 1 / slopes(torch.where(deep, square, 1j * LARGEST), sheets.m)[0]  # a hub changes it by 1e-8 there
        outside = sheets.density * sheets.outer(s) ** 2 / outgoing_near(wave, sheets.m)
        return outside - sheets.inner(s) ** 2 * torch.where(deep, far, near)
