"""The network of thick walls: Gaussian functions of a duct's parameters around those that were computed.

Each part of `parts` has families f of functions g_f(z, u, x) of the duct's parameters z and two directions u, x: the
mean of a Gaussian process (`process`), whose covariance is a product over coordinates. So

    g_f(z, u, x) = sum_j exp(-|(z - z_j) / l_f|^2 / 2) c_fj(u, x),

one unit for each training solution j, with polynomials c_fj in the directions.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..far_field.error_bars import LEVELS
from . import parts, process
from .ducts import PARAMETERS, Ducts
from .power import balance

# Polynomials in u and x, and largest 1 / lengths of the covariance there, of which they leave 1e-3: with and without
# the exact solution, by `LipConfig.exact`.
DEGREES = {True: (16, 12), False: (24, 40)}
FINEST = {True: (6.0, 3.5), False: (9.0, 13.0)}
_PARTS = tuple(parts.PARTS)
INTERVALS = {"reflection": (0.0, 1.0), "ahead": (-1.0, 0.0), "behind": (0.0, 1.0)}  # of x; u is in 0 ... 1
_BLOCK = 512  # ducts that are worked on at a time: their tables stay in the processor's cache
_NEGLIGIBLE = 1e-9  # coefficients of polynomials over the largest one: leaving them out changes D by 1e-7 of its size


@dataclass(frozen=True)
class LipConfig:
    """solutions : number of training solutions. exact : whether it corrects the exact solution for the thin wall.

    low, high : ranges of the duct's parameters in training, as in `PARAMETERS`.
    """

    solutions: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    exact: bool = True

    def __post_init__(self) -> None:
        if self.solutions < 1 or not len(self.low) == len(self.high) == len(PARAMETERS):
            raise ValueError(f"expected solutions and ranges of {len(PARAMETERS)} parameters, got {self}")


@dataclass(frozen=True)
class Prediction:
    """reflection : (case, order, order), potentials at x = 0, [incident, reflected].

    directivity : (case, order, angle).

    reflection_spread, directivity_spread : (case, order), proportional to the expected error of the row of R in power
    amplitudes, and of D in units of its size.
    """

    reflection: Tensor
    directivity: Tensor
    reflection_spread: Tensor
    directivity_spread: Tensor


class LipNetwork(nn.Module):
    """Corrections to the exact solutions of thin walls; see the module. Fitted by `learning.fit`.

    bars : (2, coverage), factors of the spreads of R and D, NaN if there were too few solutions.
    """

    bars: Tensor

    def __init__(self, config: LipConfig):
        super().__init__()
        self.config = config
        n, z, degrees = config.solutions, len(PARAMETERS), DEGREES[config.exact]
        for part in _PARTS:
            families = parts.FAMILIES[part]
            for name, shape in (
                ("inverse", (families, z)),
                ("size", (families,)),
                ("centre", (n, z)),
                ("weight", (families, n, 2 * degrees[0] * degrees[1])),
            ):
                self.register_buffer(f"{part}_{name}", torch.zeros(shape, dtype=torch.float64))
            self.register_buffer(f"{part}_whitening", torch.zeros(families, n, n), persistent=False)
        self.register_buffer("bars", torch.full((2, len(LEVELS)), torch.nan, dtype=torch.float64))
        self.register_load_state_dict_post_hook(lambda module, keys: module.prepare())

    def prepare(self) -> None:
        """Set what follows from the weights: the matrices behind the spreads, and the degrees that matter."""
        self._degrees: dict[tuple[str, int], tuple[int, int]] = {}
        for part in parts.PARTS:
            for family in range(parts.FAMILIES[part]):
                self._degrees[part, family] = _degrees(self._weight(part, family))
                scaled = self.get_buffer(f"{part}_centre") * self.get_buffer(f"{part}_inverse")[family]
                self.get_buffer(f"{part}_whitening")[family].copy_(process.whitening(scaled))

    def _weight(self, part: str, family: int) -> Tensor:
        """Polynomials of a function's units: (solution, real and imaginary, coefficient in u, in x)."""
        return self.get_buffer(f"{part}_weight")[family].unflatten(1, (2, *DEGREES[self.config.exact]))

    def unknown(self, part: str, family: int) -> Tensor:
        """Variance of each training duct, in units of the prior one, if it is left out: (solution,)."""
        return process.left_out(self.get_buffer(f"{part}_whitening")[family])

    def forward(self, ducts: Ducts) -> Prediction:
        """Reflection, directivity and their spreads; directions and ducts beyond training are extrapolated."""
        forward = torch.nonzero(torch.cos(ducts.theta) > 0)[:, 0]
        backward = torch.nonzero(torch.cos(ducts.theta) <= 0)[:, 0]
        z = ducts.parameters
        matrix, matrix_variance = self._value("reflection", ducts, z)
        directivity = torch.empty_like(ducts.directivity)
        variance = torch.zeros(directivity.shape, dtype=torch.float64)
        for part, chosen in (("ahead", forward), ("behind", backward)):
            if len(chosen):
                directivity[:, :, chosen], variance[:, :, chosen] = self._value(part, ducts.at(chosen), z)
        both = ducts.live[:, :, None] & ducts.live[:, None, :]
        matrix, directivity = torch.where(both, matrix, 0.0), torch.where(ducts.live[:, :, None], directivity, 0.0)
        matrix = 0.5 * (matrix + matrix.mT)  # the polynomials in the two directions are not cut off alike
        matrix, directivity = balance(ducts, matrix, directivity)
        size = ((directivity.real.square() + directivity.imag.square()) @ ducts.weight).clamp(min=1e-300)
        return Prediction(
            parts.potentials(ducts, matrix),
            directivity,
            torch.sqrt(matrix_variance.sum(dim=2)),
            torch.sqrt((variance @ ducts.weight) / size),
        )

    def _value(self, part: str, ducts: Ducts, z: Tensor) -> tuple[Tensor, Tensor]:
        """Values of a part, and their variance: (case, order, second)."""
        given, smooth, unknown = self.learned(part, ducts, z)
        value = given.base + (given.factor * smooth).sum(dim=0)
        square = given.factor.real.square() + given.factor.imag.square()
        return value, (square * unknown[..., None, None]).sum(dim=0)

    def learned(self, part: str, ducts: Ducts, z: Tensor) -> tuple[parts.Part, Tensor, Tensor]:
        """What is known of a part, its functions g (family, case, order, second), their variance (family, case)."""
        given, degrees = parts.PARTS[part](ducts, self.config.exact), DEGREES[self.config.exact]
        counts = ducts.live.sum(dim=1)
        alike = [torch.nonzero(counts == count)[:, 0] for count in torch.unique(counts).tolist()]
        blocks = [block for group in alike for block in group.split(_BLOCK)]
        used = [self._degrees[part, family] for family in range(len(given.factor))]
        weights = [self._weight(part, family)[:, :, :a, :b].flatten(1) for family, (a, b) in enumerate(used)]
        smooth, unknown = [], []
        for block in blocks:
            count = int(counts[block[0]])
            first = chebyshev(given.first[block, :count], 0.0, 1.0, degrees[0])
            second = chebyshev(given.second[block if part == "reflection" else block[:1]], *INTERVALS[part], degrees[1])
            found = [
                self._smooth(part, family, z[block], weights[family], first[..., :a], second[..., :b])
                for family, (a, b) in enumerate(used)
            ]
            missing = given.base.shape[1] - count
            smooth.append(nn.functional.pad(torch.stack([g for g, _ in found]), (0, 0, 0, missing)))
            unknown.append(torch.stack([variance for _, variance in found]))
        back = torch.argsort(torch.cat(blocks))
        return given, torch.cat(smooth, dim=1)[:, back], torch.cat(unknown, dim=1)[:, back]

    def _smooth(
        self, part: str, family: int, z: Tensor, weight: Tensor, first: Tensor, second: Tensor
    ) -> tuple[Tensor, Tensor]:
        """A function g (case, order, second) from the polynomials' values in the directions, and its variance (case,).

        weight : (solution, part and coefficient). first : (case, order, polynomial), second : (case or 1, second,
        polynomial).
        """
        inverse = self.get_buffer(f"{part}_inverse")[family]
        unit = process.gauss(z * inverse, self.get_buffer(f"{part}_centre") * inverse)
        table = (unit @ weight).view(-1, 2, first.shape[-1], second.shape[-1])
        real, imaginary = ((first[:, None] @ table) @ second.mT[:, None]).unbind(dim=1)
        size = self.get_buffer(f"{part}_size")[family] ** 2
        return torch.complex(real, imaginary), size * process.unknown(
            unit, self.get_buffer(f"{part}_whitening")[family]
        )

    def error_bar(self, prediction: Prediction, coverage: float) -> tuple[Tensor, Tensor]:
        """Errors of R and D, (case, order) each, that are not exceeded with this probability.

        Raises
        ------
        ValueError
            Another coverage than those of `wavenet.far_field.error_bars.LEVELS`, or too few training solutions.
        """
        factors = process.bar_factors(self.bars, coverage)
        return factors[0] * prediction.reflection_spread, factors[1] * prediction.directivity_spread


def _degrees(weight: Tensor) -> tuple[int, int]:
    """Numbers of coefficients in u and in x up to the last one that is not negligible."""
    size = weight.abs().amax(dim=(0, 1))
    used = torch.nonzero(size >= _NEGLIGIBLE * size.max())
    a, b = (used.amax(dim=0) + 1).tolist()
    return a, b


def chebyshev(x: Tensor, low: float, high: float, count: int) -> Tensor:
    """Chebyshev polynomials of x in low ... high: (..., count)."""
    u = (2 * x - low - high) / (high - low)
    found = [torch.ones_like(u), u]
    for _ in range(count - 2):
        found.append(2 * u * found[-1] - found[-2])
    return torch.stack(found, dim=-1)
