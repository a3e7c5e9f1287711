"""The constrained U-net: a mean of derivatives, each complex-linear in the potential, with shares from the field.

The constrained network predicts the errors of its derivatives from the position of a cell. The U-net sees in addition
how far they differ and how well their fits reproduce the potential, and it has more of them: exact solutions fitted
around the lip, at the grid's ends, and to the whole grid (`exact_methods`), and in noise the linear network's mean as
if there was none, for what looks like noise may be a field that the waves do not have. The fits rest on ka and M, which
are first tuned to the field (`tuning`); a fit that misses more than the noise is expected to be as much in error. The
U-net corrects the expected error of each method, and shares are proportional to 1 / error^2. What it sees does not
change if the potential is multiplied by a complex number, and shares are positive with sum one: so the result is
complex-homogeneous and phase-equivariant whatever the weights are, and linear properties that all derivatives have hold
exactly.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ..fields import complex_reference, reciprocal, times, to_complex
from .constrained import METHODS as LINEAR
from .constrained import CaseCore, ConstrainedConfig, ConstrainedNetwork, combine, planes
from .edge import EdgeConfig
from .exact_fits import Stretched
from .exact_methods import JOINED, ExactMethods, FitMap
from .exact_methods import METHODS as EXACT
from .tuning import Tuned, tune
from .unet import Backbone, expect_grid
from .wave_patches import Case, Noise

METHODS = (*LINEAR, *EXACT, "linear mean")
CONSTRAINTS = {
    "edge": "learned functions around the lip",
    "lip": "exact solutions around the lip",
    "ends": "exact solutions at the ends of the grid",
    "joint": "noisy fields: exact solutions in the whole grid, under the assumption that the sound comes from the duct",
    "barrier": "the shares on one side of the wall do not depend on the field on the other side",
    "superposition": "training only: a share of the fields have sound from outside added, the field reversed in time",
    "phase": "training only: fields are multiplied by random complex factors, which changes nothing: see `Seen`",
    "residuals": "training only: the equations' residuals are part of the loss",
}
DEFAULT = ("edge", "lip", "ends", "joint", "superposition")
_ON = {"edge functions": "edge", "lip waves": "lip", "end waves": "ends", "joint waves": "joint"}
# Errors expected before training, of exact solutions and of the linear mean: at least, and over the relative noise.
_GUESS = ((1e-6, 0.1), (1e-6, 1.0), (1e-4, 0.1), (0.0, 3.0))
_MISSED = 3.0  # error expected of a fit, over what it misses beyond the noise
_QUIET = 1e-8  # estimated noise below this counts as none: the solver's error, and rounding
_LOUD = 0.5  # estimated noise is at most this
_PER_DECADE = 8  # estimated levels of noise are rounded, so that networks for them can be kept
_KEPT = 12  # networks for other levels of noise, kept between calls
_ALIKE = 30.0  # coherence of the noise in distant patches at most, for the U-net
_LEAST = 1e-12  # least difference or misfit that the U-net sees, relative
_TINY = 1e-300  # instead of the size of a field that is zero
_LEVELS = 3  # of the U-net, which pools twice
_POOLED = 2 ** (_LEVELS - 1)


@dataclass(frozen=True)
class ConstrainedUNetConfig:
    """x, r: cell centres [radii]; noise: relative root mean square of the potential's noise, None for an estimate from
    each field; edge: configuration of the edge functions; width: channels of the U-net's first block; constraints:
    names in `CONSTRAINTS`; trusted: ka and M are exactly as told, and are not tuned to the field.
    """

    x: tuple[float, ...]
    r: tuple[float, ...]
    noise: float | None = None
    edge: EdgeConfig = EdgeConfig()  # noqa: RUF009 - frozen
    width: int = 16
    constraints: tuple[str, ...] = DEFAULT
    trusted: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.edge, dict):  # from a file
            object.__setattr__(self, "edge", EdgeConfig(**self.edge))
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")
        if self.noise is not None and not 0 <= self.noise < 1:
            raise ValueError(f"noise must be at least 0 and below 1, relative to the potential, got {self.noise}")
        for name in self.constraints:
            if name not in CONSTRAINTS:
                raise ValueError(f"constraints must be among {', '.join(CONSTRAINTS)}, got {name!r}")


class Seen(NamedTuple):
    """A case as the U-net sees it.

    features : (plane, x, r), of order one. prior : (2, method, x, r), decimal logarithm of the errors of u and v
    expected without the field, infinite where a method gives none. candidates : (method, 4, x, r), velocities.
    """

    features: Tensor
    prior: Tensor
    candidates: Tensor


class Predicted(NamedTuple):
    """Shares (case, 2, method, x, r) of the methods in u and v, and decimal logarithms of errors, relative to the root
    mean square of u and v over the grid: of each method, and of the mean (case, 2, x, r).
    """

    shares: Tensor
    log_errors: Tensor
    log_error: Tensor


class ConstrainedUNet(nn.Module):
    """(u, v) of potentials (case, 2, x, r) with parameters (case, 3), m, ka, M: (case, 4, x, r), double precision.

    Parameters
    ----------
    config : ConstrainedUNetConfig
    base : ConstrainedNetwork, optional
        The linear network; it is not trained further and is saved with this one. If not given, it must be loaded later.

    Raises
    ------
    ValueError
        As `ConstrainedNetwork`.
    """

    def __init__(self, config: ConstrainedUNetConfig, base: ConstrainedNetwork | None = None):
        super().__init__()
        if base is None:
            base = ConstrainedNetwork(ConstrainedConfig(config.x, config.r, edge=config.edge))
        elif (base.config.x, base.config.r, base.config.noise) != (config.x, config.r, 0.0):
            base = base.on_grid(config.x, config.r)
        self.base = base.requires_grad_(False)
        self.config = dataclasses.replace(config, edge=base.config.edge)
        seen = planes(base.config, torch.zeros(1, 3), torch.zeros(1)).shape[1]
        self.backbone = Backbone(seen + 5 * len(METHODS) + 7, 2 * len(METHODS) + 2, config.width, _LEVELS)
        self.backbone.silence()
        self._levels: dict[float, ConstrainedNetwork] = {}
        self._exact = ExactMethods(np.asarray(config.x), np.asarray(config.r))
        self.register_load_state_dict_post_hook(_forget)

    def on_grid(
        self,
        x: npt.ArrayLike,
        r: npt.ArrayLike,
        *,
        noise: float | None = None,
        trusted: bool = False,
        base: ConstrainedNetwork | None = None,
    ) -> "ConstrainedUNet":
        """The same network for another grid or noise level; base : the linear network for them, if it exists."""
        cells, radii = (tuple(np.asarray(points, float).tolist()) for points in (x, r))
        config = dataclasses.replace(self.config, x=cells, r=radii, noise=noise, trusted=trusted)
        other = ConstrainedUNet(config, base or self.base)
        other.backbone.load_state_dict(self.backbone.state_dict())
        return other.to(self._device).train(self.training)

    @property
    def _device(self) -> torch.device:
        return self.backbone.head.weight.device

    def at_noise(self, noise: float) -> ConstrainedNetwork:
        """The linear network for a level of noise, kept for later calls."""
        if noise == 0:
            return self.base
        if noise not in self._levels:
            if len(self._levels) >= _KEPT:
                self._levels.pop(next(iter(self._levels)))
            self._levels[noise] = self.base.on_grid(self.config.x, self.config.r, noise=noise)
        return self._levels[noise]

    def tuned(self, potential: Tensor, parameters: Tensor) -> Tuned:
        """The case of one field, (2, x, r) and (3,), with ka and M tuned to it unless they are trusted, and its noise.

        Noise that is told is not estimated anew.
        """
        m, helmholtz, mach = parameters.double().tolist()
        case, psi = Case(int(m), helmholtz, mach), to_complex(potential.detach())
        x, r = np.asarray(self.config.x), np.asarray(self.config.r)
        return tune(psi, x, r, case, noise=self.config.noise, trusted=self.config.trusted)

    def seen(self, potential: Tensor, parameters: Tensor) -> Seen:
        """One case, potential (2, x, r) and parameters (3,), as the U-net sees it."""
        tuned, psi = self.tuned(potential, parameters), to_complex(potential.detach())
        noise, case = self._noise(tuned.noise), Stretched.of(tuned.case, np.asarray(self.config.x))
        base, given = self.at_noise(noise), potential[None].double()
        numbers = given.new_tensor([[*tuned.case]])
        with torch.no_grad():
            linear, prior = base.candidates(given, numbers)[0], base.log_errors(numbers, dtype=torch.float64)[0]
            place = planes(base.config, numbers, numbers.new_tensor([noise]))[0]
        mean = combine((-2 * np.log(10) * prior).softmax(dim=1)[None], linear[None])[0]
        quiet, expected = self._quiet(given, numbers, noise)
        exact, known, misfit, excess = (
            torch.from_numpy(values).to(linear.device) for values in self._exact.apply(psi, case, noise)
        )
        least = prior.new_tensor([max(floor, gain * noise, _TINY) for floor, gain in _GUESS])[:, None, None]
        guess, expected = (
            (least[:3] + _MISSED * excess).log10().expand(2, -1, -1, -1),
            expected.maximum(least[3].log10()),
        )
        prior = torch.cat([prior, guess.masked_fill(~known, torch.inf), expected[:, None]], dim=1)
        for index, name in enumerate(METHODS):
            if _ON.get(name, name) not in (*self.config.constraints, name):
                prior[:, index] = torch.inf
        candidates, usable = torch.cat([linear, exact, quiet]), torch.isfinite(prior[0])
        scale = mean.unflatten(0, (2, 2)).square().sum(dim=1).mean(dim=(1, 2)).sqrt().clamp_min(_TINY)
        apart = (candidates - mean).unflatten(1, (2, 2)).norm(dim=2) / scale[:, None, None]
        size = max(float(np.sqrt(np.mean(np.abs(psi) ** 2))), _TINY)
        features = [
            place,
            usable,
            (_logarithm(apart) * usable[:, None]).flatten(0, 1),
            (prior / 6).masked_fill(~usable, 0).flatten(0, 1),
            _logarithm(misfit / size),
            self._kind(tuned.noise, noise, psi.shape),
            torch.from_numpy(np.stack(self._sides())),
        ]
        parts = [values.to(linear.device).float() for values in features]
        return Seen(torch.cat(parts), prior, candidates)

    def _kind(self, found: Noise | None, noise: float, shape: tuple[int, ...]) -> Tensor:
        """Planes (2, x, r): whether the noise is alike in distant cells, and the estimate over what is allowed for."""
        if found is None or noise <= 0:
            return torch.zeros(2, *shape)
        alike = np.log10(np.clip(found.coherence or 1.0, 1.0, _ALIKE))
        more = np.log10(np.clip(found.level / noise, 0.1, 10.0))
        return torch.tensor([alike, more])[:, None, None].expand(2, *shape)

    def _quiet(self, given: Tensor, numbers: Tensor, noise: float) -> tuple[Tensor, Tensor]:
        """The linear network told of no noise, (1, 4, x, r), and its expected errors, infinite if there is none.

        What looks like noise may be sources in the grid, or another equation, which do not harm stencils.
        """
        with torch.no_grad():
            prior = self.base.log_errors(numbers, dtype=torch.float64)
            found = combine((-2 * np.log(10) * prior).softmax(dim=2), self.base.candidates(given, numbers))
            expected = self.base.expected_error(numbers)[0].log10()
        return found, expected if noise > 0 else torch.full_like(expected, torch.inf)

    def _noise(self, found: Noise | None) -> float:
        """Level of noise that is allowed for: told or estimated from the field, none where there is no estimate."""
        if self.config.noise is not None:
            return self.config.noise
        if found is None or found.level < _QUIET:
            return 0.0
        return 10 ** (round(np.log10(min(found.level, _LOUD)) * _PER_DECADE) / _PER_DECADE)

    def _sides(self) -> list[npt.NDArray[np.bool_]]:
        """Cells upstream of the lip, and cells at r < 1."""
        x, r = np.asarray(self.config.x), np.asarray(self.config.r)
        shape = len(x), len(r)
        return [np.broadcast_to(x[:, None] < 0, shape), np.broadcast_to(r < 1, shape)]

    def predict(self, features: Tensor, prior: Tensor) -> Predicted:
        """Shares and errors, of `Seen.features` (case, plane, x, r) and `Seen.prior` (case, 2, method, x, r)."""
        rows, columns = features.shape[2:]
        filled = pad(features, (0, -columns % _POOLED, 0, -rows % _POOLED), mode="replicate")
        if "barrier" in self.config.constraints:
            upstream, inside = filled[:, -2:-1], filled[:, -1:]
            within, without = (self.backbone(filled * (1 - upstream * hidden)) for hidden in (1 - inside, inside))
            found = torch.where(inside > 0, within, without)
        else:
            found = self.backbone(filled)
        found = found[:, :, :rows, :columns].to(prior.dtype)
        log_errors = prior + found[:, :-2].unflatten(1, (2, len(METHODS)))
        independent = -torch.logsumexp(-2 * np.log(10) * log_errors, dim=2) / (2 * np.log(10))
        return Predicted((-2 * np.log(10) * log_errors).softmax(dim=2), log_errors, independent + found[:, -2:])

    def _all(self, potential: Tensor, parameters: Tensor) -> tuple[Predicted, Tensor]:
        """Shares and errors, and candidates (case, method, 4, x, r)."""
        expect_grid(self.config, potential, parameters)
        if (potential.requires_grad or parameters.requires_grad) and torch.is_grad_enabled():
            raise ValueError("the constrained U-net has no gradients with respect to its inputs: detach these")
        cases = [self.seen(*case) for case in zip(potential, parameters, strict=True)]
        features, prior, candidates = (torch.stack(parts) for parts in zip(*cases, strict=True))
        return self.predict(features.to(self._device), prior), candidates

    def forward(self, potential: Tensor, parameters: Tensor) -> Tensor:
        """(u, v); see the class."""
        return self.with_errors(potential, parameters)[0]

    def with_errors(self, potential: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """The results of `forward` and of `expected_error`, computed together."""
        predicted, candidates = self._all(potential, parameters)
        return combine(predicted.shares, candidates).to(potential.dtype), 10**predicted.log_error

    def weights(self, potential: Tensor, parameters: Tensor) -> Tensor:
        """Share of each method in each cell, for u and for v: (case, 2, method, x, r), positive, with sum one."""
        return self._all(potential, parameters)[0].shares

    def expected_error(self, potential: Tensor, parameters: Tensor) -> Tensor:
        """Expected error of u and v relative to their root mean squares over the grid: (case, 2, x, r)."""
        return 10 ** self._all(potential, parameters)[0].log_error

    def explained(self, potential: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Input of the `core`, the potential divided by its complex reference, and that reference (case, 2)."""
        expect_grid(self.config, potential, parameters)
        reference = complex_reference(potential.double())
        return times(potential.double(), reciprocal(reference)), reference

    def core(self, potential: Tensor, parameters: Tensor) -> nn.Module:
        """Module for one case, (1, 2, x, r) and (1, 3): from the input in `explained` to velocities / factor.

        The shares are those of this field, and fixed.

        Raises
        ------
        ValueError
            The field is noisy: waves fitted to the whole grid have no layers.
        """
        expect_grid(self.config, potential, parameters)
        with torch.no_grad():
            weights = self.weights(potential, parameters)[0]
        tuned = self.tuned(potential[0], parameters[0])
        case, noise = Stretched.of(tuned.case, np.asarray(self.config.x)), self._noise(tuned.noise)
        if noise >= JOINED:
            raise ValueError(f"attribution needs a field with noise below {JOINED}, got {noise:.1e}")
        parameters = parameters.new_tensor([[*tuned.case]], dtype=torch.float64)
        base, grid = self.at_noise(noise), (len(self.config.x), len(self.config.r))
        parts: list[tuple[nn.Module, int]] = [
            (base.narrow.fixed(parameters), 0), (base.wide.fixed(parameters), 1), (base.edge_map, 3)
        ]  # fmt: skip
        parts += [(FitMap(fit, noise, grid), len(LINEAR) + place) for place, fit in self._exact.fits(case)]
        return CaseCore([module for module, _ in parts], [weights[:, index] for _, index in parts]).eval()


def _logarithm(values: Tensor) -> Tensor:
    """Decimal logarithm of differences, of order one."""
    return torch.log10(values.clamp_min(_LEAST)) / 6 + 1


def _forget(model: Any, _: Any) -> None:
    model._levels.clear()
