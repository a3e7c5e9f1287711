"""Fitting the network of thick walls to solutions by finite elements, all at once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..far_field.error_bars import conformal
from . import parts, process
from .ducts import Ducts
from .network import DEGREES, FINEST, INTERVALS, LipConfig, LipNetwork, chebyshev

_SAMPLES = 6000  # of a part, about and at most: the factorisation of their covariance takes ten seconds
_ANGLES = 4, 10  # samples of a mode, ahead and behind each, fewest and most
_LEARN = 1000  # of a part, from which the covariance is learned


def fit(ducts: Ducts, reflection: Tensor, directivity: Tensor, *, seed: int = 0, exact: bool = True) -> LipNetwork:
    """Network fitted to thick walls.

    reflection : (case, order, order), directivity : (case, order, angle) complex, of the thick wall, as in `Ducts`.
    seed : of the angles and the samples that the covariance is learned from. exact : whether the network corrects the
    exact solution for the thin wall.
    """
    z = ducts.parameters
    low, high = (tuple(ends.tolist()) for ends in (z.amin(dim=0), z.amax(dim=0)))
    model = LipNetwork(LipConfig(len(ducts), low, high, exact))
    sums = {}
    for number, part in enumerate(parts.PARTS):
        if part == "reflection":
            rows = _of_reflection(ducts, reflection, exact)
        else:
            rows = _of_directivity(part, ducts, directivity, exact, seed + number)
        sums[part] = _fit(model, part, rows, z, seed)
    _calibrate(model, sums, ducts.live)
    return model


@dataclass(frozen=True)
class _Rows:
    """Samples of a part; modes : (sample, 1 or 2), incident modes they belong to, case * orders + order, of `total`.

    weight : of a sample's square in that of its mode's error.
    """

    samples: process.Samples
    modes: Tensor
    total: int
    weight: float

    def sums(self, values: Tensor) -> Tensor:
        """Weighted sums of values (sample,) by mode, (mode,)."""
        found = torch.zeros(self.total, dtype=torch.float64)
        for column in range(self.modes.shape[1]):
            other = self.modes[:, column] != self.modes[:, 0] if column else torch.ones_like(self.modes[:, 0]) > 0
            found.index_add_(0, self.modes[other, column], self.weight * values[other])
        return found


def _of_reflection(ducts: Ducts, reflection: Tensor, exact: bool) -> _Rows:
    """All pairs of cut-on modes."""
    given, truth = parts.reflection(ducts, exact), parts.powers(ducts, reflection)
    case, one, other = torch.nonzero(ducts.live[:, :, None] & ducts.live[:, None, :], as_tuple=True)
    lower = other <= one
    pick = case, one, other = case[lower], one[lower], other[lower]
    x = torch.cat([ducts.parameters[case], given.first[case, one, None], given.second[case, other, None]], dim=1)
    orders = ducts.live.shape[1]
    modes = torch.stack([case * orders + one, case * orders + other], dim=1)
    samples = process.Samples(x, given.factor[:, *pick].T, truth[pick] - given.base[pick], case, symmetric=True)
    return _Rows(samples, modes, ducts.live.numel(), 1.0)


def _of_directivity(part: str, ducts: Ducts, directivity: Tensor, exact: bool, seed: int) -> _Rows:
    """Some random angles of each mode, uniform over the sphere, in units of the directivity's size."""
    share = ducts.weight
    size = torch.sqrt(directivity.abs().square() @ share).clamp(min=1e-300)
    chosen = torch.nonzero((torch.cos(ducts.theta) > 0) == (part == "ahead"))[:, 0]
    ducts, share, truth = ducts.at(chosen), share[chosen], directivity[:, :, chosen]
    given = parts.PARTS[part](ducts, exact)
    case, one = torch.nonzero(ducts.live, as_tuple=True)
    count = min(max(_ANGLES[0], min(_ANGLES[1], _SAMPLES // len(case))), len(chosen))
    draw = torch.multinomial(share.expand(len(case), -1), count, generator=torch.Generator().manual_seed(seed))
    pick = case, one, other = case.repeat_interleave(count), one.repeat_interleave(count), draw.flatten()
    x = torch.cat([ducts.parameters[case], given.first[case, one, None], given.second[case, other, None]], dim=1)
    unit = 1 / size[case, one]
    factor, y = given.factor[:, *pick].T * unit[:, None], (truth[pick] - given.base[pick]) * unit
    modes = (case * ducts.live.shape[1] + one)[:, None]
    return _Rows(process.Samples(x, factor, y, case, symmetric=False), modes, ducts.live.numel(), 1 / count)


def _fit(model: LipNetwork, part: str, rows: _Rows, z: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Set a part; squares of the error of each mode if its duct is left out, and its variance: (mode,) each."""
    samples = rows.samples
    covariance = process.fit(samples, _LEARN, seed, FINEST[model.config.exact])
    weights, left = process.solve(samples, covariance)
    count = z.shape[1]
    model.get_buffer(f"{part}_inverse").copy_(covariance.inverse[:, :count])
    model.get_buffer(f"{part}_size").copy_(covariance.amplitude)
    model.get_buffer(f"{part}_centre").copy_(z)
    sizes = covariance.amplitude**2
    for family, inverse in enumerate(covariance.inverse):
        strength = sizes[family] * samples.factor[:, family].conj() * weights
        model.get_buffer(f"{part}_weight")[family].copy_(
            _table(samples, inverse, strength, INTERVALS[part], DEGREES[model.config.exact], len(z))
        )
    model.prepare()
    variance = torch.zeros(len(samples.y), dtype=torch.float64)
    for family, size in enumerate(sizes):
        unknown = model.unknown(part, family)[samples.case]
        variance += samples.factor[:, family].abs().square() * size * unknown
    return rows.sums(left.abs().square()), rows.sums(variance)


def _table(
    samples: process.Samples,
    inverse: Tensor,
    strength: Tensor,
    ends: tuple[float, float],
    degrees: tuple[int, int],
    count: int,
) -> Tensor:
    """Polynomials in the directions of each case's share of the mean: (case, part and coefficient)."""
    (nodes_u, to_u), (nodes_x, to_x) = _nodes(0.0, 1.0, degrees[0]), _nodes(*ends, degrees[1])
    table = torch.zeros(count, *degrees, dtype=torch.complex128)
    columns = ((-2, -1), (-1, -2))[: 2 if samples.symmetric else 1]
    for first, second in columns:
        u = process.gauss(nodes_u[:, None] * inverse[-2], samples.x[:, first, None] * inverse[-2])
        x = process.gauss(nodes_x[:, None] * inverse[-1], samples.x[:, second, None] * inverse[-1])
        value = torch.einsum("us,xs,s->sux", u.to(strength), x.to(strength), strength / len(columns))
        table.index_add_(0, samples.case, value)
    table = torch.einsum("ua,xb,cab->cux", to_u.to(table), to_x.to(table), table)
    return torch.stack([table.real, table.imag], dim=1).flatten(1)


def _nodes(low: float, high: float, count: int) -> tuple[Tensor, Tensor]:
    """Chebyshev's nodes, and the matrix from values there to coefficients."""
    angle = (torch.arange(count, dtype=torch.float64) + 0.5) * torch.pi / count
    nodes = 0.5 * (low + high) + 0.5 * (high - low) * torch.cos(angle)
    return nodes, torch.linalg.inv(chebyshev(nodes, low, high, count))


def _calibrate(model: LipNetwork, sums: dict[str, tuple[Tensor, Tensor]], live: Tensor) -> None:
    """Bars from errors of ducts that are left out, over their spreads."""
    modes = torch.nonzero(live.flatten())[:, 0]

    def ratios(*names: str) -> Tensor:
        error, spread = (torch.stack([sums[name][side][modes] for name in names]).sum(dim=0) for side in (0, 1))
        return torch.sqrt(error / spread.clamp(min=1e-30))

    for row, names in enumerate((("reflection",), ("ahead", "behind"))):
        model.bars[row] = torch.from_numpy(conformal(ratios(*names).numpy()))
