"""The U-net of Huang (2020) and its constrained successor: potential on a grid -> axial and radial velocity.

Both take the potential (case, 2, x, r) and the parameters (case, 3), m, ka, M, and return (case, 4, x, r): real and
imaginary u, then v. x and r are cell centres.
"""

from dataclasses import dataclass

import torch
from torch import nn

from .constraints import WallEnvelope, complex_reference, reciprocal, times
from .differences import Differences
from .waves import WaveDerivatives

PARAMETERS = ("m", "helmholtz", "mach")


@dataclass(frozen=True)
class UNetConfig:
    """Options of both networks.

    x, r: cell centres [radii]; width: channels of the first block, doubled at each of the levels; scales: what the
    potential and the velocities are divided by; window: half-width of the lip's linear map, in cells.
    """

    x: tuple
    r: tuple
    width: int = 8
    levels: int = 6
    potential_scale: float = 1.0
    velocity_scale: float = 1.0
    window: int = 10

    def __post_init__(self):
        if self.width < 1 or self.levels < 2 or min(self.potential_scale, self.velocity_scale) <= 0:
            raise ValueError(f"width, levels - 1 and scales must be positive, got {self.width}, {self.levels}")
        for name, points in (("x", self.x), ("r", self.r)):
            multiple = 2 ** (self.levels - 1)
            if len(points) < multiple or len(points) % multiple:
                near = max(multiple, round(len(points) / multiple) * multiple)
                raise ValueError(f"{name} has {len(points)} cells, expected a multiple of {multiple}, such as {near}")


def _block(before, after, activation):
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1), activation(), nn.Conv2d(after, after, 3, padding=1), activation()
    )


class Backbone(nn.Module):
    """Six levels, two convolutions a block, max-pooling, transposed convolutions, concatenated skips, no batch norm.

    tanh in the first and last blocks, ReLU between.
    """

    def __init__(self, before, after, width, levels):
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

    def forward(self, x):
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottom(x)
        for rise, block, skip in zip(self.rise, self.up, reversed(skips), strict=True):
            x = block(torch.cat([skip, rise(x)], dim=1))
        return self.head(x)


def _expect_grid(config, potential, parameters):
    shape = (2, len(config.x), len(config.r))
    if tuple(potential.shape[1:]) != shape or potential.ndim != 4:
        raise ValueError(f"expected a potential (case, {', '.join(map(str, shape))}), got {tuple(potential.shape)}")
    if tuple(parameters.shape) != (len(potential), len(PARAMETERS)):
        raise ValueError(f"expected parameters (case, 3): m, ka, M; got {tuple(parameters.shape)}")


class UNet(nn.Module):
    """The paper's network, re-implemented from its description; it does not use the parameters."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.backbone = Backbone(2, 4, config.width, config.levels)

    def explained(self, potential, parameters):
        """What the `core` sees of a potential, and the factor from its outputs to velocities: one number a case."""
        _expect_grid(self.config, potential, parameters)
        factor = potential.new_zeros(len(potential), 2)
        factor[:, 0] = self.config.velocity_scale
        return (potential / self.config.potential_scale).float(), factor

    def forward(self, potential, parameters):
        seen, _ = self.explained(potential, parameters)
        return self.backbone(seen) * self.config.velocity_scale

    def core(self, parameters):
        """From what `explained` gives to velocities over its factor; the same for all parameters."""
        return self.backbone

    @property
    def resolution(self):
        """Size of the errors that training works on, in units of the potential's."""
        return self.config.velocity_scale / self.config.potential_scale


class Correction(nn.Module):
    """What a small U-net adds to linear derivatives, nothing before it is trained: (case, 4, x, r)."""

    scale: torch.Tensor

    def __init__(self, config):
        super().__init__()
        x, r = (torch.tensor(points, dtype=torch.float64) for points in (config.x, config.r))
        self.backbone = Backbone(6, 4, config.width, config.levels)
        for parameter in self.backbone.head.parameters():
            nn.init.zeros_(parameter)
        self.envelope = WallEnvelope(x, r)
        self.register_buffer("scale", torch.tensor(1e-3))  # `fit_linear` measures it

    def forward(self, field, linear):
        narrow = self.backbone.head.weight.dtype
        # Velocities come in units of ka psi / 10: the network's inputs are of order one.
        features = torch.cat([field, 0.1 * linear], dim=1).to(narrow)
        return self.envelope(self.scale * self.backbone(features)).to(linear.dtype)


class CaseCore(nn.Module):
    """The constrained network for fields of one (m, ka, M), its linear layers with fixed weights: what RAP explains."""

    def __init__(self, waves, lip, correction):
        super().__init__()
        self.waves, self.lip, self.correction = waves, lip, correction

    def forward(self, field):
        linear = self.waves(field) * self.lip.outside + self.lip(field)
        return linear + self.correction(field, linear)


class Lip(nn.Module):
    """(u, v) in a square around the lip, zero outside: order-8 differences and a linear map that is fitted to fields.

    The map goes from the cells around the lip to those in its middle, with real weights, the same for every case.
    """

    outside: torch.Tensor

    def __init__(self, x, r, half):
        super().__init__()
        self.differences = Differences(x, r, 8, wall_condition=True)
        i, j = int((x < 0).sum()), int((r < 1).sum())
        reach = 2 * half
        if not (reach <= i <= len(x) - reach and reach <= j <= len(r) - reach):
            raise ValueError(f"the lip needs {reach} cells on each side, got {i} upstream and {j} inside")
        self.seen = slice(i - reach, i + reach), slice(j - reach, j + reach)
        self.pad = (j - half, len(r) - j - half, i - half, len(x) - i - half)
        self.inner = half
        self.map = nn.Linear((2 * reach) ** 2, 2 * (2 * half) ** 2, bias=False, dtype=torch.float64)
        self.map.weight = nn.Parameter(torch.zeros_like(self.map.weight), requires_grad=False)
        outside = nn.functional.pad(torch.zeros(reach, reach, dtype=torch.float64), self.pad, value=1.0)
        self.register_buffer("outside", outside, persistent=False)  # 1 where this gives nothing

    def window(self, field):
        """The cells it sees: (case, c, cells)."""
        return field[:, :, self.seen[0], self.seen[1]].flatten(2)

    def middle(self, velocity):
        """The cells it corrects, of (case, 4, x, r): (case, 2, u and v cells), one row a part."""
        top, left = self.pad[2], self.pad[0]
        size = 2 * self.inner
        cells = velocity[:, :, top : top + size, left : left + size].flatten(2)
        return torch.cat([cells[:, :2], cells[:, 2:]], dim=2)

    def forward(self, field):
        size = 2 * self.inner
        cells = self.map(self.window(field))
        u, v = cells[:, :, : size * size], cells[:, :, size * size :]
        both = torch.cat([u, v], dim=1).reshape(len(field), 4, size, size)
        return self.differences(field) * (1 - self.outside) + nn.functional.pad(both, self.pad)

    def fit(self, field, velocity):
        """Fit velocities (case, 4, x, r) of fields (case, 2, x, r), by ridge regression of what the differences miss.

        The regression's strength is that of the least leave-one-out error.
        """
        error = velocity - self.differences(field)
        seen, target = self.window(field).flatten(0, 1), self.middle(error).flatten(0, 1)
        left, sizes, right = torch.linalg.svd(seen, full_matrices=False)
        projected = left.T @ target
        least, best = torch.inf, None
        for strength in torch.logspace(-14, -2, 25, dtype=torch.float64):
            shrink = sizes**2 / (sizes**2 + strength * sizes[0] ** 2)
            leverage = (left**2 * shrink).sum(dim=1, keepdim=True)
            miss = (target - left @ (shrink[:, None] * projected)) / (1 - leverage).clamp_min(1e-9)
            loss = float(miss.square().mean())
            if loss < least:
                least, best = loss, (right.T * (shrink / sizes)) @ projected
        if best is None:
            raise ValueError("the fields to fit are zero or not finite")
        self.map.weight.data.copy_(best.T)


class ConstrainedUNet(nn.Module):
    """Derivatives by waves, a linear map at the lip, and a small U-net's correction of both.

    Exactly homogeneous and equivariant under complex factors of the potential; v = 0 on the wall by construction; away
    from the lip close to exact for every wave of the case's k and M.
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        x, r = (torch.tensor(points, dtype=torch.float64) for points in (config.x, config.r))
        self.waves = WaveDerivatives(config.x, config.r)
        self.lip = Lip(x, r, config.window)
        self.correction = Correction(config)

    def explained(self, potential, parameters):
        """What `core` sees of a potential, and the complex factor from its outputs to velocities."""
        _expect_grid(self.config, potential, parameters)
        reference = complex_reference(potential.double())
        return times(potential.double(), reciprocal(reference)), reference

    def core(self, parameters):
        """From what `explained` gives of one case, parameters (1, 3), to velocities (1, 4, x, r) over its factor."""
        return CaseCore(self.waves.fixed(parameters), self.lip, self.correction).eval()

    def linear(self, field, parameters):
        """The linear part: (case, 2, x, r) -> (case, 4, x, r), double precision."""
        return self.waves(field, parameters) * self.lip.outside + self.lip(field)

    def forward(self, potential, parameters):
        seen, reference = self.explained(potential, parameters)
        linear = self.linear(seen, parameters)
        velocity = linear + self.correction(seen, linear)
        u, v = times(velocity[:, :2], reference), times(velocity[:, 2:], reference)
        return torch.cat([u, v], dim=1).to(potential.dtype)

    @property
    def resolution(self):
        """Size of the errors that training works on, in units of the potential's: what the linear part leaves."""
        return float(self.correction.scale)

    def fit_linear(self, potential, parameters, velocity):
        """Fit the lip's linear map to training cases, before the gradient steps."""
        seen, reference = self.explained(potential, parameters)
        turn = reciprocal(reference)
        target = torch.cat([times(velocity[:, :2].double(), turn), times(velocity[:, 2:].double(), turn)], dim=1)
        self.lip.fit(seen, target)
        left = target - self.linear(seen, parameters)
        self.correction.scale.fill_(float(left.square().mean().sqrt()))
