"""Forward model: duct mode, Helmholtz number, Mach number and hub to complex pressure at any microphones.

A feed-forward network gives the smooth part of the kernel's factor; cut-on, phase, amplitude and the way to the
microphones are in closed form (`factor`, `waves`). Uniform flow is exact, and radial orders share their factor. Fields
of several modes are sums weighted by their amplitudes.
"""

import copy
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..arrays import FloatArray
from ..devices import in_full_precision
from ..ducts.modes import turned
from ..far_field.error_bars import BANDS, LEVELS, level, relative_error
from ..fields import INPUTS
from .factor import Factor, Modes, incident
from .waves import radiated, responses

FEATURES = ("m", "K", "hub", "cos 2 pi nu", "sin 2 pi nu")  # inputs of the `core`
_DECAY = 0.4  # of the coefficients from one polynomial to the next, about
_FIRST = 0.55, 1.8  # first coefficients of 1 / f and f, about: where training starts


@dataclass(frozen=True)
class RadiatedConfig:
    """x, r: microphone positions [radii]; low, high: range of m, K = ka / sqrt(1 - M^2) and hub in training.

    terms : polynomials of the factor. width, depth : of the network.
    """

    x: tuple[float, ...]
    r: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    terms: int = 10
    width: int = 128
    depth: int = 3

    def __post_init__(self) -> None:
        if not (len(self.x) == len(self.r) > 0 and len(self.low) == len(self.high) == 3):
            raise ValueError(
                "expected equally many x and r, and ranges of m, K and hub; got "
                f"{len(self.x)} x, {len(self.r)} r, {len(self.low)} low and {len(self.high)} high ends"
            )
        if self.width < 1 or self.depth < 1 or self.terms < 2 or not 0 < self.low[1] <= self.high[1]:
            raise ValueError(f"expected positive sizes, two polynomials or more and 0 < low <= high of K, got {self}")


class RadiatedPressure(nn.Module):
    """Feed-forward network (case, input) -> (case, microphone, 2), real and imaginary pressure [rho c^2].

    `core` maps `FEATURES` to the coefficients of the factor's smooth part and of its reciprocal. Inputs are those of
    `wavenet.fields.INPUTS`. Everything is differentiable in ka, M and, by `at`, the positions of the microphones.
    Beyond the ranges of its training it extrapolates, without an error bar.

    `precision` is the real type in which the waves are summed: float32 takes half the time, adds 1e-4 or less at high
    orders and small distances, and differs between devices by a few 1e-6.
    """

    precision: torch.dtype = torch.float64
    scale: Tensor
    bars: Tensor
    edges: Tensor

    def __init__(self, config: RadiatedConfig):
        super().__init__()
        self.config = config
        self.factor = Factor(config.terms)
        self._places: tuple[Tensor, Tensor] | None = None
        widths = [len(FEATURES), *[config.width] * config.depth]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.SiLU()]
        last = nn.Linear(widths[-1], 4 * config.terms)
        # real and imaginary part, 1 / f and f, polynomial
        self.register_buffer("scale", (_DECAY ** torch.arange(config.terms)).repeat(4), persistent=False)
        # without and with a hub
        self.register_buffer("bars", torch.full((2, BANDS, len(LEVELS)), torch.nan, dtype=torch.float64))
        self.register_buffer("edges", torch.full((2, BANDS + 1), torch.nan, dtype=torch.float64))
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.zero_()
            for side, value in enumerate(_FIRST):
                last.bias[side * config.terms] = value
        self.core = nn.Sequential(*layers, last)

    def forward(self, inputs: Tensor) -> Tensor:
        """Pressure; see the class."""
        return torch.view_as_real(self.pressure(self.modes(inputs))).to(inputs.dtype)

    def modes(self, inputs: Tensor) -> Modes:
        """Incident modes of inputs (case, input).

        Raises
        ------
        ValueError
            The inputs have another shape, the flow is not subsonic, a mode is cut off, or there is a hub and training
            saw none.
        """
        if inputs.ndim != 2 or inputs.shape[1] != len(INPUTS):
            raise ValueError(f"expected (case, {len(INPUTS)}): {', '.join(INPUTS)}; got {tuple(inputs.shape)}")
        named = dict(zip(INPUTS, inputs.double().unbind(dim=1), strict=True))
        hub = named["hub"]
        if self.config.high[2] == 0 and torch.any(hub != 0):
            raise ValueError(f"the network was trained without a hub, got hub = {float(hub[hub != 0][0]):.4g}")
        return incident(*(named[name] for name in ("m", "n", "helmholtz", "mach", "hub")))

    def features(self, modes: Modes) -> Tensor:
        """Inputs of the `core`, (case, feature): m, ln K and hub over their ranges, -1 ... 1, and the turn of nu."""
        low, high = (modes.k.new_tensor(ends) for ends in (self.config.low, self.config.high))
        given = torch.stack([modes.m.to(modes.k), torch.log(modes.k), modes.hub], dim=1)
        low, high = (torch.stack([ends[0], torch.log(ends[1]), ends[2]]) for ends in (low, high))
        # What did not vary in training, such as a missing hub, is zero, so that nothing is attributed to it.
        scaled = torch.where(high > low, 2 * (given - low) / torch.where(high > low, high - low, 1.0) - 1, 0.0)
        turn = turned(modes.m, modes.k, modes.hub)
        return torch.cat([scaled, torch.stack([turn.real, turn.imag], dim=1)], dim=1).to(self.scale.dtype)

    @in_full_precision
    def coefficients(self, features: Tensor) -> Tensor:
        """Complex coefficients of 1 / f and f, (case, 2 polynomial), from the features."""
        real, imaginary = (self.core(features) * self.scale).chunk(2, dim=1)
        return torch.complex(real, imaginary)

    def pressure(self, modes: Modes) -> Tensor:
        """Complex pressure (case, microphone) of modes of amplitude one."""
        x, r = self.places(modes.k)
        found = self.coefficients(self.features(modes)).to(torch.complex128)
        own = (own_factor(modes, self.factor) * found[:, self.config.terms :]).sum(dim=1)
        return own[:, None] * radiated(modes, self.factor, found, x, r, self.precision)

    def places(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """x and r of the microphones."""
        if self._places is not None:
            x, r = self._places
            return x.to(like.device), r.to(like.device)
        return like.new_tensor(self.config.x), like.new_tensor(self.config.r)

    def at(self, x: npt.ArrayLike | Tensor, r: npt.ArrayLike | Tensor) -> "RadiatedPressure":
        """The same network with other microphones: tensors (microphone,) or (case, microphone) [radii].

        The weights are shared, and gradients reach the positions.
        """
        other = copy.copy(self)
        other._places = torch.as_tensor(x, dtype=torch.float64), torch.as_tensor(r, dtype=torch.float64)
        points = tuple(tuple(values.detach().flatten().tolist()) for values in other._places)
        other.config = replace(self.config, x=points[0], r=points[1])
        return other

    def calibrate(self, inputs: Tensor, pressure: Tensor, most: int = 2048) -> None:
        """Error bars from cases that training did not learn from: (case, input), (case, microphone, 2).

        Those with a hub and those without have their own, if there are enough of them; see `set_bars`.
        """
        found, k = [], []
        with torch.no_grad():
            for part in inputs.split(most):
                modes = self.modes(part)
                found.append(self.pressure(modes).cpu())
                k.append(modes.k.cpu())
        exact = torch.view_as_complex(pressure.double().contiguous()).cpu().numpy()
        errors, numbers = relative_error(torch.cat(found).numpy(), exact), torch.cat(k).numpy()
        hollow = (inputs[:, INPUTS.index("hub")] > 0).cpu().numpy()
        for hub in (False, True):
            if np.sum(hollow == hub) >= fewest():
                self.set_bars(numbers[hollow == hub], errors[hollow == hub], hub=hub)

    def set_bars(self, k: FloatArray, errors: FloatArray, *, hub: bool = False) -> None:
        """Error bars from errors at K, (case,): conformal quantiles, in bands of K with equally many cases.

        hub : whether the cases are those with a hub. See `far_field.error_bars`. The cases should be spread over K as
        those in use are.

        Raises
        ------
        ValueError
            Too few cases for the highest coverage.
        """
        if len(k) < fewest():
            raise ValueError(f"{len(k)} cases in {BANDS} bands of K are too few for a coverage of {LEVELS[-1]}")
        parts = np.array_split(np.argsort(k), BANDS)
        ranks = [[int(np.ceil((len(part) + 1) * level)) - 1 for level in LEVELS] for part in parts]
        found_bars = [np.sort(errors[part])[rank] for part, rank in zip(parts, ranks, strict=True)]
        self.bars[int(hub)] = torch.from_numpy(np.array(found_bars))
        inner = [0.5 * (k[one[-1]] + k[two[0]]) for one, two in pairwise(parts)]
        self.edges[int(hub)] = torch.tensor([self.config.low[1], *inner, self.config.high[1]])

    def error_bar(self, helmholtz: float, mach: float, coverage: float = 0.95, *, hub: float = 0.0) -> float:
        """Bound on the relative L2 error over the microphones, with this coverage, by split conformal prediction.

        Raises
        ------
        ValueError
            Coverage not in `LEVELS`, K or the hub outside the range of training, or error bars not calibrated.
        """
        k = float(helmholtz / np.sqrt(1 - mach**2))
        column = level(coverage)
        low, high = self.config.low[1], self.config.high[1]
        if not low <= k <= high:
            raise ValueError(
                f"there are no error bars at ka / sqrt(1 - M^2) = {k:.4g}, only from {low:.4g} to {high:.4g}"
            )
        if not 0 <= hub <= self.config.high[2]:
            raise ValueError(f"there are no error bars at hub = {hub:.4g}, only up to {self.config.high[2]:.4g}")
        edges = self.edges[int(hub > 0)]
        if torch.isnan(edges[0]):
            raise ValueError("the error bars have not been calibrated: there were too few cases")
        band = int(torch.bucketize(k, edges[1:-1]))
        return float(self.bars[int(hub > 0), band, column])


def fewest() -> int:
    """Least number of cases from which there are error bars: one beyond the highest coverage in each band."""
    return BANDS * int(np.ceil(LEVELS[-1] / (1 - LEVELS[-1]) - 1e-9))


def own_factor(modes: Modes, factor: Factor) -> Tensor:
    """F(kappa) of the incident modes for each polynomial of f: (case, polynomial)."""
    at = (modes.kappa / modes.k).to(torch.complex128)
    return factor.zeros(modes).at(at[:, None]) * factor.basis(modes.k, torch.sqrt(1 + at))


def samples(model: RadiatedPressure, inputs: Tensor, pressure: Tensor, most: int = 2048) -> tuple[Tensor, ...]:
    """What training needs of cases, computed once: the network's features and its outputs' way to the loss.

    Returns
    -------
    features : (case, feature)
    own : (case, polynomial), see `own_factor`
    matrix : (case, row, 2 polynomial); target : (case, row)
        |matrix c own - target|^2 is the squared relative error of the pressure, up to what no c can remove: responses
        and pressure, projected on the responses' columns and divided by the pressure's size.
    """
    parts = []
    for start in range(0, len(inputs), most):
        modes = model.modes(inputs[start : start + most])
        exact = torch.view_as_complex(pressure[start : start + most].double().contiguous())
        size = torch.linalg.vector_norm(exact, dim=1)
        waves = responses(modes, model.factor, *model.places(modes.k), model.scale.dtype)
        q, rest = torch.linalg.qr(waves.to(torch.complex128))
        target = (q.mH @ exact[..., None])[..., 0] / size[:, None]
        every = own_factor(modes, model.factor), rest / size[:, None, None], target
        parts.append((model.features(modes), *(values.to(torch.complex64) for values in every)))
    return tuple(torch.cat(values) for values in zip(*parts, strict=True))
