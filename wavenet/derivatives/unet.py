"""The U-net of Huang (2020), from the potential to the velocity, with optional constraints.

It takes the potential (case, 2, x, r) and the parameters (case, 3), m, ka, M, and returns (case, 4, x, r): real and
imaginary u, then v. x and r are cell centres.

References
----------
X. Huang, Proc. R. Soc. A 476:20190846 (2020); O. Ronneberger, P. Fischer, T. Brox, U-Net, MICCAI (2015).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..devices import in_full_precision
from ..fields import PARAMETERS, complex_reference, reciprocal, times_each
from .differences import Differences
from .edge import EdgeConfig, EdgeFunctions, EdgeMap
from .envelopes import AxisEnvelope, Barrier, WallEnvelope
from .lip import AroundLip
from .wave_stencils import WaveDerivatives

_INNER = 0.2  # distance to the lip within which the constraint `edge` gives the derivatives [radii]
CONSTRAINTS = {
    "phase": "complex homogeneity: f(c psi) = c f(psi) for every complex c",
    "consistent": "the network corrects differences of order 8, so that polynomials are exact where it adds nothing",
    "waves": "as consistent, with stencils fitted to k and M instead of polynomials",
    "edge": "as consistent, with learned functions around the lip",
    "wall": "v = 0 on the wall r = 1, x < 0",
    "axis": "u = 0 (m != 0) and v = 0 (|m| != 1) on the axis",
    "barrier": "nothing passes through the wall",
}


@dataclass(frozen=True)
class UNetConfig:
    """Options of the network.

    x, r: cell centres [radii]; width: channels of the first block, doubled at each of the levels; scales: what the
    potential and the velocities are divided by; constraints: names in `CONSTRAINTS`, none for the paper's network;
    edge: configuration of the edge functions, if the constraint of that name is on.
    """

    x: tuple[float, ...]
    r: tuple[float, ...]
    width: int = 8
    levels: int = 6
    potential_scale: float = 1.0
    velocity_scale: float = 1.0
    constraints: tuple[str, ...] = ()
    edge: EdgeConfig | None = None

    def __post_init__(self) -> None:
        if isinstance(self.edge, dict):  # from a file
            object.__setattr__(self, "edge", EdgeConfig(**self.edge))
        if self.width < 1 or self.levels < 2 or min(self.potential_scale, self.velocity_scale) <= 0:
            raise ValueError(f"expected width >= 1, levels >= 2 and positive scales, got {self}")
        for name, points in (("x", self.x), ("r", self.r)):
            multiple = 2 ** (self.levels - 1)
            if len(points) < multiple or len(points) % multiple:
                near = max(multiple, round(len(points) / multiple) * multiple)
                raise ValueError(f"{name} has {len(points)} cells, expected a multiple of {multiple}, such as {near}")
        for name in self.constraints:
            if name not in CONSTRAINTS:
                raise ValueError(f"constraints must be among {', '.join(CONSTRAINTS)}, got {name!r}")


def _block(before: int, after: int, activation: type[nn.Module]) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1), activation(), nn.Conv2d(after, after, 3, padding=1), activation()
    )


class Backbone(nn.Module):
    """Six levels, two convolutions per block, max-pooling, transposed convolutions, concatenated skips, no batch norm.

    tanh in the first and last blocks, ReLU between.
    """

    def __init__(self, before: int, after: int, width: int, levels: int):
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        self.down = nn.ModuleList()
        for level, size in enumerate(widths[:-1]):
            self.down.append(_block(widths[level - 1] if level else before, size, nn.ReLU if level else nn.Tanh))
        self.pool = nn.MaxPool2d(2)
        self.bottom = _block(widths[-2], widths[-1], nn.ReLU)
        self.rise = nn.ModuleList(nn.ConvTranspose2d(2 * size, size, 2, stride=2) for size in reversed(widths[:-1]))
        self.up = nn.ModuleList(
            _block(2 * size, size, nn.ReLU if size > width else nn.Tanh) for size in reversed(widths[:-1])
        )
        self.head = nn.Conv2d(width, after, 1)

    def silence(self) -> None:
        """Set the output to zero for every input, before training."""
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    @in_full_precision
    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottom(x)
        for rise, block, skip in zip(self.rise, self.up, reversed(skips), strict=True):
            x = block(torch.cat([skip, rise(x)], dim=1))
        out: Tensor = self.head(x)
        return out


def expect_grid(config: Any, potential: Tensor, parameters: Tensor) -> None:
    """Refuse tensors whose shapes differ from the configuration's grid."""
    shape = (2, len(config.x), len(config.r))
    if tuple(potential.shape[1:]) != shape or potential.ndim != 4:
        raise ValueError(f"expected a potential (case, {', '.join(map(str, shape))}), got {tuple(potential.shape)}")
    if tuple(parameters.shape) != (len(potential), len(PARAMETERS)):
        raise ValueError(f"expected parameters (case, 3): m, ka, M; got {tuple(parameters.shape)}")


class UNet(AroundLip):
    """The paper's network, re-implemented from its description; only constraints use the parameters.

    Parameters
    ----------
    config : UNetConfig
    edge : EdgeFunctions, optional
        Fitted edge functions, for the constraint of that name; they are not trained further and are saved with the
        network. Without them, the configuration must specify which are to be loaded.
    """

    scale: Tensor

    def __init__(self, config: UNetConfig, edge: EdgeFunctions | None = None):
        on = config.constraints
        if "edge" in on and edge is None and config.edge is None:
            raise ValueError(
                "the constraint 'edge' needs edge functions: give edge, or their configuration as config.edge"
            )
        if "edge" not in on:
            edge = None
        elif edge is None and config.edge is not None:
            edge = EdgeFunctions(config.edge)
        config = dataclasses.replace(config, edge=None if edge is None else edge.config)
        super().__init__(edge, config.x, config.r, inner=_INNER)
        self.config = config
        x, r = (torch.tensor(points, dtype=torch.float64) for points in (config.x, config.r))
        self.based = bool({"consistent", "waves", "edge"} & set(on))
        self.backbone = Backbone(6 if self.based else 2, 4, config.width, config.levels)
        self.stencils = Differences(config.x, config.r, 8, wall_condition="wall" in on) if self.based else nn.Identity()
        self.waves = (
            WaveDerivatives(config.x, config.r, wall="wall" in on, axis="axis" in on) if "waves" in on else None
        )
        self.wall = WallEnvelope(x, r) if "wall" in on else None
        self.axis = AxisEnvelope(r) if "axis" in on else None
        self.barrier = Barrier(x, r) if "barrier" in on else None
        if self.based:
            self.backbone.silence()
        # The size of the learned part; `prepare` measures the errors that the stencils leave.
        self.register_buffer("scale", torch.tensor(config.velocity_scale / config.potential_scale), self.based)

    @property
    def edge_map(self) -> EdgeMap | None:
        """Derivatives around the lip, if the constraint `edge` is on."""
        return None if self.edge is None else self.edge_map_on(self.scale.device)

    def explained(self, potential: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Input of the `core`, and the complex factor (case, 2) that turns its outputs into velocities."""
        expect_grid(self.config, potential, parameters)
        if "phase" in self.config.constraints:
            factor = complex_reference(potential.double())
            seen = times_each(potential.double(), reciprocal(factor))
            return (seen if self.based else seen.float()), factor
        factor = potential.new_zeros(len(potential), 2)
        factor[:, 0] = self.config.potential_scale
        seen = potential / self.config.potential_scale
        return (seen.double() if self.based else seen.float()), factor

    def linear(self, field: Tensor, parameters: Tensor) -> Tensor:
        """The derivatives that the network corrects: (case, 2, x, r) -> (case, 4, x, r)."""
        base: Tensor = self.waves(field, parameters) if self.waves is not None else self.stencils(field)
        near = self.edge_map
        return base if near is None else torch.where(near.known, near(field), base)

    def learned(self, field: Tensor, linear: Tensor | None, parameters: Tensor) -> Tensor:
        """The learned part, which is added to `linear`."""
        # Velocities are in units of ka psi / 10, so that the network's inputs are of order one.
        features = field if linear is None else torch.cat([field, 0.1 * linear], dim=1)
        features = features.to(self.backbone.head.weight.dtype)
        added: Tensor = self.backbone(features) if self.barrier is None else self.barrier(self.backbone, features)
        added = added if self.wall is None else self.wall(added)
        added = added if self.axis is None else self.axis(added, parameters)
        return added * self.scale.to(added.dtype)

    def _velocity(self, seen: Tensor, parameters: Tensor) -> Tensor:
        if not self.based:
            return self.learned(seen, None, parameters)
        linear = self.linear(seen, parameters)
        return linear + self.learned(seen, linear, parameters)

    def forward(self, potential: Tensor, parameters: Tensor) -> Tensor:
        """(u, v); see the module."""
        seen, factor = self.explained(potential, parameters)
        velocity = self._velocity(seen, parameters).to(factor.dtype)
        return times_each(velocity, factor).to(potential.dtype)

    def core(self, parameters: Tensor) -> nn.Module:
        """Module for one case from the input in `explained` to velocities / factor: the network that RAP explains.

        Raises
        ------
        ValueError
            The network has constraints other than `phase`, which is a factor of its input and output.
        """
        others = [name for name in self.config.constraints if name != "phase"]
        if others:
            raise ValueError(
                f"attribution needs the constrained network, or the U-net with no constraint but phase, got a U-net "
                f"with {', '.join(others)}"
            )
        return _Scaled(self.backbone, float(self.scale)).train(self.training)

    def prepare(self, potential: Tensor, parameters: Tensor, velocity: Tensor) -> None:
        """Set the scale of the learned part to the size of the stencils' errors in training cases."""
        if self.based:
            seen, factor = self.explained(potential, parameters)
            target = times_each(velocity.double(), reciprocal(factor).double())
            self.scale.fill_(float((target - self.linear(seen, parameters)).square().mean().sqrt()))

    @property
    def resolution(self) -> float:
        """Size of the errors that training reduces, in units of the potential's."""
        return float(self.scale)


class _Scaled(nn.Module):
    """A network multiplied by a number."""

    def __init__(self, network: nn.Module, scale: float):
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, field: Tensor) -> Tensor:
        out: Tensor = self.network(field) * self.scale
        return out
