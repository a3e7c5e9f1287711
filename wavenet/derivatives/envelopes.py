"""Constraints on the learned part of a network that hold by construction: at the wall, at the axis, and through it.

Fields are real tensors (case, channel, x, r), see `wavenet.fields`.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class WallEnvelope(nn.Module):
    """Factors of the learned part of (u, v); the one of the radial velocity vanishes on the wall r = 1, x < 0.

    The factor of v is d / sqrt(d^2 + h^2), d the distance to the wall and h the radial spacing; the part it is added to
    has v = 0 on the wall by its own polynomials (see `differences`).
    """

    factor: Tensor

    def __init__(self, x: Tensor, r: Tensor):
        super().__init__()
        factor = torch.ones(4, len(x), len(r), dtype=torch.float64)
        factor[2:] = torch.where(x[:, None] < 0, self.of_radius(r, r[1] - r[0])[None], 1.0)
        self.register_buffer("factor", factor.float(), persistent=False)

    @staticmethod
    def of_radius(r: Tensor, spacing: Tensor | float) -> Tensor:
        """The factor at radius r, beside the wall; zero at r = 1."""
        distance = torch.abs(r - 1)
        return distance / torch.sqrt(distance**2 + spacing**2)

    def forward(self, field: Tensor) -> Tensor:
        return field * self.factor


class AxisEnvelope(nn.Module):
    """Factor of the learned part of (u, v) at the axis: psi ~ r^|m|, so that u = 0 for m != 0, and v = 0 for |m| != 1.

    r / sqrt(r^2 + h^2), h the radial spacing.
    """

    factor: Tensor

    def __init__(self, r: Tensor):
        super().__init__()
        self.register_buffer("factor", self.of_radius(r, r[1] - r[0]).float(), persistent=False)

    @staticmethod
    def of_radius(r: Tensor, spacing: Tensor | float) -> Tensor:
        """The factor at radius r; zero at r = 0."""
        return r / torch.sqrt(r**2 + spacing**2)

    def forward(self, field: Tensor, parameters: Tensor) -> Tensor:
        order = torch.abs(parameters[:, 0])[:, None, None, None]
        u = torch.where(order == 0, torch.ones_like(self.factor), self.factor)
        v = torch.where(order == 1, torch.ones_like(self.factor), self.factor)
        return torch.cat([field[:, :2] * u, field[:, 2:] * v], dim=1)


class Barrier(nn.Module):
    """A network applied to fields so that nothing passes through the wall r = 1, x < 0.

    It is applied twice, with the field upstream set to zero outside the duct, then inside it; the first result is used
    for r < 1, the second for r > 1. Information may go around the lip.
    """

    inside: Tensor
    upstream: Tensor

    def __init__(self, x: Tensor, r: Tensor):
        super().__init__()
        self.register_buffer("inside", (r < 1)[None].expand(len(x), -1).clone(), persistent=False)
        self.register_buffer("upstream", (x < 0)[:, None].expand(-1, len(r)).clone(), persistent=False)

    def forward(self, network: Callable[[Tensor], Tensor], field: Tensor) -> Tensor:
        within, without = (network(field * (~self.upstream | side)) for side in (self.inside, ~self.inside))
        return torch.where(self.inside, within, without)
