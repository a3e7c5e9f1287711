r"""Near field outside a duct with a lip: corrections to the exact field of the thin wall, at any points.

The potential phi, of Helmholtz's equation in X, is

    phi_n = phi0_n + t (i d/dX + kappa_n) phi0_n g_1 + t sqrt(K) P_n (F g_2 + F_X / (1 + K) g_3),

with the field phi0_n of the thin wall, the amplitudes P_n of its edge, and the field of a ring of sources on the edge,

    F = 1 / (2 pi) int exp(i K R) / R cos(m varphi) dvarphi.

(i d/dX + kappa_n) takes the incident wave out of phi0_n and leaves, for all modes alike, the field of stronger sources
that are odd across the edge; F is even. Far ahead they are the families of `parts.ahead`, with g_3 beside them. Each
g(z, u, y) is the mean of a Gaussian process (`process`): one unit for each sample that taught it, functions of the
duct's parameters z, u = kappa_n / k and the position y around the edge, the logarithm of the distance and the angle.
Without thickness phi is the thin wall's, exactly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..far_field.error_bars import LEVELS
from . import process
from .ducts import PARAMETERS, Ducts

FAMILIES = 3
AHEAD, BEHIND, RADIUS, CLOSEST = 2.5, 2.0, 2.5, 0.1  # [radii] largest x, -x, r, least distance to the edge, of data
_NODES = 160  # of half a ring: rounding from 0.1 radii on, where the trapezoidal rule leaves exp(-32)
_PLACE = 3  # coordinates besides the duct's: u, and two of the position
_BLOCK = 1024  # points that are worked on at a time


@dataclass(frozen=True)
class Near:
    """Points outside ducts with a lip, and the exact fields of a thin wall there: tensors of double precision.

    ducts : may be without angles. x, r : (case, point), X and r [radii]. potential, slope : (case, order, point)
    complex, phi and dphi/dX of the thin wall.
    """

    ducts: Ducts
    x: Tensor
    r: Tensor
    potential: Tensor
    slope: Tensor

    def __post_init__(self) -> None:
        points = len(self.ducts), self.x.shape[-1]
        fields = *self.ducts.live.shape, points[1]
        for name, shape in (("x", points), ("r", points), ("potential", fields), ("slope", fields)):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have the shape {shape}, got {tuple(getattr(self, name).shape)}")

    def of(self, case: Tensor) -> "Near":
        """Some of the cases."""
        return Near(self.ducts.of(case), self.x[case], self.r[case], self.potential[case], self.slope[case])


@dataclass(frozen=True)
class NearParts:
    """phi = base + sum over families of factor (family, case, order, point) times g.

    place : (case, order, point, 3), coordinates of g besides the duct's parameters.
    """

    base: Tensor
    factor: Tensor
    place: Tensor


def near_parts(near: Near, exact: bool) -> NearParts:
    """Base and factors at the points; exact : whether the exact field of the thin wall is used, else the base is 0."""
    ducts, shape = near.ducts, near.potential.shape
    k, amplitude = ducts.k[:, None, None], ducts.amplitude[:, :, None]
    ring, along, across = (part[:, None] for part in _rings(ducts.m, ducts.k, near.x, near.r))
    distance, angle = torch.hypot(near.x, near.r - 1), torch.atan2(near.r - 1, near.x)
    first = (ducts.kappa / ducts.across[:, None])[:, :, None]
    place = torch.stack([one.expand(shape) for one in (first, torch.log(distance)[:, None], angle[:, None])], dim=-1)
    if not exact:
        factor = torch.stack([amplitude * part for part in (ring, along / (1 + k), across / (1 + k))])
        return NearParts(torch.zeros_like(near.potential), factor, place)
    t = ducts.thickness[:, None, None]
    odd = t * (1j * near.slope + ducts.kappa[:, :, None] * near.potential)
    even = t * torch.sqrt(k) * ducts.edge[:, :, None]
    return NearParts(near.potential, torch.stack([odd, even * ring, even * along / (1 + k)]), place)


def _rings(m: Tensor, k: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """F, its derivative in X, and that in the ring's radius: (case, point) each."""
    angle = (torch.arange(_NODES, dtype=x.dtype, device=x.device) + 0.5) * torch.pi / _NODES
    cosine, r = torch.cos(angle), r[..., None]
    distance = torch.sqrt(x[..., None] ** 2 + (r - cosine) ** 2 + torch.sin(angle) ** 2)
    wave = torch.exp(1j * k[:, None, None] * distance) / distance * torch.cos(m[:, None, None] * angle) / _NODES
    slope = (1j * k[:, None, None] - 1 / distance) * wave / distance
    return wave.sum(dim=-1), x * slope.sum(dim=-1), (slope * (1 - r * cosine)).sum(dim=-1)


@dataclass(frozen=True)
class NearConfig:
    """solutions, samples : numbers of training solutions, and of samples of their modes. exact : see `near_parts`.

    low, high : ranges of the ducts' parameters in training, as in `PARAMETERS`.
    """

    solutions: int
    samples: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    exact: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.solutions <= self.samples or not len(self.low) == len(self.high) == len(PARAMETERS):
            raise ValueError(f"expected solutions, samples and ranges of {len(PARAMETERS)} parameters, got {self}")


@dataclass(frozen=True)
class NearPrediction:
    """potential : (case, order, point), phi. spread : (case, order, point), proportional to its expected error."""

    potential: Tensor
    spread: Tensor


class NearNetwork(nn.Module):
    """Corrections to the exact near fields of thin walls; see the module. Fitted by `near_learning.fit`.

    bars : (coverage,), factors of the spread, NaN if there were too few training solutions.
    """

    inverse: Tensor
    size: Tensor
    centre: Tensor
    case: Tensor
    place: Tensor
    weight: Tensor
    whitening: Tensor
    bars: Tensor

    def __init__(self, config: NearConfig):
        super().__init__()
        self.config = config
        n, samples, z = config.solutions, config.samples, len(PARAMETERS)
        for name, shape in (
            ("inverse", (FAMILIES, z + _PLACE)),
            ("size", (FAMILIES,)),
            ("centre", (n, z)),
            ("place", (samples, _PLACE)),
            ("weight", (FAMILIES, samples, 2)),
        ):
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("case", torch.zeros(samples, dtype=torch.int64))
        self.register_buffer("whitening", torch.zeros(FAMILIES, n, n), persistent=False)
        self.register_buffer("bars", torch.full((len(LEVELS),), torch.nan, dtype=torch.float64))
        self.register_load_state_dict_post_hook(lambda module, keys: module.prepare())

    def prepare(self) -> None:
        """Set what follows from the weights: the matrices behind the spread."""
        for family in range(FAMILIES):
            self.whitening[family] = process.whitening(self.centre * self.inverse[family, : len(PARAMETERS)])

    def forward(self, near: Near) -> NearPrediction:
        """Potential and its spread; ducts and points beyond training are extrapolated."""
        parts, live = near_parts(near, self.config.exact), near.ducts.live
        case, order = torch.nonzero(live, as_tuple=True)
        place = parts.place[case, order]  # (mode, point, 3)
        mode = torch.arange(len(case), device=case.device).repeat_interleave(place.shape[1])
        potential, variance = parts.base, torch.zeros_like(near.x)[:, None]
        for family, factor in enumerate(parts.factor):
            inverse = self.inverse[family]
            z, y = inverse[: len(PARAMETERS)], inverse[len(PARAMETERS) :]
            unit = process.gauss(near.ducts.parameters * z, self.centre * z)
            known = unit[:, self.case]
            blocks = zip((place.flatten(0, 1) * y).split(_BLOCK), case[mode].split(_BLOCK), strict=True)
            sums = [(process.gauss(some, self.place * y) * known[of]) @ self.weight[family] for some, of in blocks]
            smooth = torch.view_as_complex(torch.cat(sums)).view(place.shape[:2])
            potential = potential + factor * torch.zeros_like(factor).index_put((case, order), smooth)
            unknown = (self.size[family] ** 2 * process.unknown(unit, self.whitening[family]))[:, None, None]
            variance = variance + unknown * (factor.real.square() + factor.imag.square())
        inside = live[:, :, None]
        return NearPrediction(torch.where(inside, potential, 0.0), torch.where(inside, torch.sqrt(variance), 0.0))

    def error_bar(self, prediction: NearPrediction, coverage: float) -> Tensor:
        """Errors of phi, (case, order, point), each not exceeded with this probability.

        Raises
        ------
        ValueError
            Another coverage than those of `wavenet.far_field.error_bars.LEVELS`, or too few training solutions.
        """
        return process.bar_factors(self.bars, coverage) * prediction.spread
