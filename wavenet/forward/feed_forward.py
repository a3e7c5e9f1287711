"""The plain forward model: duct mode, Helmholtz number and Mach number to complex pressure at one microphone array.

It learns everything but the phase of a wave from the open end. `radiated` knows more, and errs a thousandth as much.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..devices import in_full_precision
from ..fields import INPUTS as EVERY

INPUTS = EVERY[:5]  # without the hub
FEATURES = (*INPUTS, "cut-on ratio")  # inputs of the `core`


@dataclass(frozen=True)
class ForwardConfig:
    """x, r: microphone positions [radii]; low, high: range of each of `INPUTS` in training; scale: of the pressure."""

    x: tuple[float, ...]
    r: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    scale: float = 1.0
    width: int = 128
    depth: int = 4

    def __post_init__(self) -> None:
        if not (len(self.x) == len(self.r) > 0 and len(self.low) == len(self.high) == len(INPUTS)):
            raise ValueError(
                f"expected equally many x and r, and {len(INPUTS)} ranges: {', '.join(INPUTS)}; got {len(self.x)} x, "
                f"{len(self.r)} r, {len(self.low)} low and {len(self.high)} high ends"
            )
        if self.width < 1 or self.depth < 1 or not self.scale > 0:
            raise ValueError(f"width, depth and scale must be positive, got {self.width}, {self.depth}, {self.scale}")


class ForwardModel(nn.Module):
    """Feed-forward network (case, input) -> (case, microphone, 2), real and imaginary pressure [rho c^2].

    `core` maps inputs scaled to [-1, 1], and the mode's cut-on ratio, to the pressure without the phase of a wave from
    the open end; `forward` multiplies by that known phase (`known_phase`).
    """

    def __init__(self, config: ForwardConfig):
        super().__init__()
        self.config = config
        widths = [len(FEATURES), *[config.width] * config.depth]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.SiLU()]
        self.core = nn.Sequential(*layers, nn.Linear(widths[-1], 2 * len(config.x)))

    def features(self, inputs: Tensor) -> Tensor:
        """Inputs scaled to [-1, 1], and cos of the mode's angle, sqrt(1 - (alpha beta / ka)^2), zero at cut-on."""
        if inputs.ndim != 2 or inputs.shape[1] not in (len(INPUTS), len(EVERY)):
            raise ValueError(f"expected (case, {len(EVERY)}): {', '.join(EVERY)}; got {tuple(inputs.shape)}")
        # The difference vanishes at cut-on: single precision leaves 1e-4 of it.
        given, inputs = inputs, inputs[:, : len(INPUTS)].double()
        low, high = inputs.new_tensor(self.config.low), inputs.new_tensor(self.config.high)
        scaled = 2 * (inputs - low) / torch.where(high > low, high - low, 1.0) - 1
        ratio2 = inputs[:, 2:3] ** 2 * (1 - inputs[:, 4:5] ** 2) / inputs[:, 3:4] ** 2
        return torch.cat([scaled, torch.sqrt(torch.abs(1 - ratio2))], dim=1).to(given.dtype)

    @in_full_precision
    def forward(self, inputs: Tensor) -> Tensor:
        """Pressure; see the class."""
        core = self.core(self.features(inputs)).reshape(len(inputs), -1, 2) * self.config.scale
        helmholtz, mach = inputs[:, 3:5].double().unbind(dim=1)  # single precision leaves 1e-4 of hundreds of radians
        phase = known_phase(helmholtz, mach, helmholtz.new_tensor(self.config.x), helmholtz.new_tensor(self.config.r))
        cos, sin = torch.cos(phase).to(core.dtype), torch.sin(phase).to(core.dtype)
        return torch.stack([cos * core[..., 0] - sin * core[..., 1], sin * core[..., 0] + cos * core[..., 1]], dim=2)


def known_phase(helmholtz: Tensor, mach: Tensor, x: Tensor, r: Tensor) -> Tensor:
    """Phase K (rho - M X) of a wave from the open end, X = x / beta, K = ka / beta: (case, microphone)."""
    beta = torch.sqrt(1 - mach**2)[:, None]
    big_x = x / beta
    rho = torch.sqrt(big_x**2 + r**2)
    return helmholtz[:, None] / beta * (rho - mach[:, None] * big_x)
