"""The constrained network: a weighted mean of derivatives that are linear in the potential, weights from a network.

Several linear derivatives are each accurate somewhere: narrow stencils fitted to the case's wavenumber near walls and
lip, wide ones at few points per wavelength, learned functions around the lip, and waves fitted to whole regions in
noise. The network sees the position, m, ka, M and noise of a cell - not the field - and predicts the error of each
method there; weights are proportional to the inverse squared errors. They are positive and add to one, so that every
linear constraint that all methods satisfy holds exactly, whatever the network predicts: the result is linear and
complex-homogeneous, and nothing passes through the wall except around the lip. Where only stencils have weight, away
from the lip and without noise, it is also exact on polynomials and nearly so on the case's waves, with zero slope on
the wall and parity at the axis. Nothing that is learned depends on a particular grid.
"""

import dataclasses
import threading
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..fields import complex_reference, reciprocal, times
from .edge import EdgeConfig, EdgeFunctions, EdgeMap
from .fitted_waves import WaveFit
from .lip import AroundLip
from .unet import expect_grid
from .wave_stencils import WaveDerivatives

METHODS = ("narrow stencils", "wide stencils", "fitted waves", "edge functions")
_WIDTHS = (11, 19)  # points of the stencils, fewer where a side of the wall has fewer
_FEWEST = 8
_FITS = 1e-4  # noise above which waves are fitted
_EVEN = 1e-4  # allowed relative variation of the spacing: positions may have been single precision
_QUIET = 1e-7  # noise below this counts as none
_GUESS = -4.0  # decimal logarithm of the errors expected before training
_ERROR_MODEL = "judge"  # name of the error model in all weights files so far
_SWAPPED = threading.Lock()  # functional_call puts other weights into the module meanwhile, for all threads


@dataclass(frozen=True)
class ConstrainedConfig:
    """x, r: cell centres [radii]; noise: relative root mean square of the potential's noise; edge: configuration of the
    edge functions; width, depth: size of the network that predicts errors, the same for every cell.
    """

    x: tuple[float, ...]
    r: tuple[float, ...]
    noise: float = 0.0
    edge: EdgeConfig = EdgeConfig()  # noqa: RUF009 - frozen
    width: int = 32
    depth: int = 3

    def __post_init__(self) -> None:
        if isinstance(self.edge, dict):  # from a file
            object.__setattr__(self, "edge", EdgeConfig(**self.edge))
        if not 0 <= self.noise < 1:
            raise ValueError(f"noise must be at least 0 and below 1, relative to the potential, got {self.noise}")
        for name, points in (("x", self.x), ("r", self.r)):
            step = np.diff(points)
            if len(points) < 2 or not np.all(step > 0) or np.ptp(step) > _EVEN * abs(step[0]):
                raise ValueError(
                    f"{name} must be two or more evenly spaced, increasing cell centres, got spacings {_ends(step)}"
                )
        if self.r[0] <= 0:
            raise ValueError(f"r must be positive, got {self.r[0]}")


class ConstrainedNetwork(AroundLip):
    """(u, v) of potentials (case, 2, x, r) with parameters (case, 3), m, ka, M: (case, 4, x, r), double precision.

    Parameters
    ----------
    config : ConstrainedConfig
    edge : EdgeFunctions, optional
        Fitted edge functions; if not given, they must be loaded later.

    Raises
    ------
    ValueError
        A cell's centre lies on the lip, or there are fewer than eight cells on a side of the wall; in `forward`, there
        are fewer than 2.5 points per wavelength, or gradients with respect to the parameters are wanted, which stencils
        and fitted waves do not have.
    """

    edge: EdgeFunctions

    def __init__(self, config: ConstrainedConfig, edge: EdgeFunctions | None = None):
        edge = EdgeFunctions(config.edge) if edge is None else edge
        super().__init__(edge, config.x, config.r, noise=config.noise)
        config = dataclasses.replace(config, edge=edge.config)
        self.config = config
        seen = planes(config, torch.zeros(1, 3), torch.zeros(1)).shape[1]
        sizes = [seen, *[config.width] * config.depth]
        layers = [layer for before, after in pairwise(sizes) for layer in (nn.Conv2d(before, after, 1), nn.SiLU())]
        last = nn.Conv2d(config.width, 2 * len(METHODS), 1)
        nn.init.constant_(last.bias, _GUESS)  # type: ignore[arg-type]
        self.add_module(_ERROR_MODEL, nn.Sequential(*layers, last))
        r = np.asarray(config.r)
        fewest = min(len(config.x), *(int(n) for n in (2 * np.sum(r < 1), np.sum(r > 1)) if n))
        if fewest < _FEWEST:
            raise ValueError(
                f"a stencil needs at least {_FEWEST} cells in x and on each side of the wall, got {fewest}"
            )
        self.narrow, self.wide = (
            WaveDerivatives(config.x, r, width=min(width, fewest), noise=config.noise) for width in _WIDTHS
        )
        self.fit_waves = WaveFit(config.x, r, config.noise) if config.noise >= _FITS else None

    @property
    def error_model(self) -> nn.Module:
        """The network that predicts the errors of the methods: (case, plane, x, r) -> (case, 2 method, x, r)."""
        return self.get_submodule(_ERROR_MODEL)

    def on_grid(self, x: npt.ArrayLike, r: npt.ArrayLike, *, noise: float = 0.0) -> "ConstrainedNetwork":
        """The same network for another grid or noise level."""
        config = dataclasses.replace(self.config, x=_floats(x), r=_floats(r), noise=noise)
        other = ConstrainedNetwork(config, self.edge)
        other.error_model.load_state_dict(self.error_model.state_dict())
        return other.to(self._device).train(self.training)

    @property
    def _device(self) -> torch.device:
        return next(self.error_model.parameters()).device

    @property
    def edge_map(self) -> EdgeMap:
        """Derivatives around the lip."""
        return self.edge_map_on(self._device)

    def log_errors(self, parameters: Tensor, noise: Tensor | None = None, dtype: torch.dtype | None = None) -> Tensor:
        """Decimal logarithm of each method's expected error, relative to the root mean square of u or v over the grid.

        noise : (case,) tensor, by default that of the configuration; dtype : of the computation, by default the
        weights', as in training. Returns (case, 2, method, x, r), infinite where a method gives no velocity.
        """
        parameters = parameters.to(self._device)
        if noise is None:
            noise = torch.full((len(parameters),), self.config.noise)
        noise = noise.to(parameters.device)
        with _SWAPPED:
            weights = {name: value.to(dtype or value.dtype) for name, value in self.error_model.named_parameters()}
            seen = planes(self.config, parameters, noise).to(next(iter(weights.values())).dtype)
            found: Tensor = functional_call(self.error_model, weights, (seen,)).unflatten(1, (2, len(METHODS)))
        allowed = found.new_ones(len(found), 1, *found.shape[2:], dtype=torch.bool)
        allowed[:, :, 2] = (noise >= _FITS)[:, None, None, None]
        allowed[:, :, 3] = self.edge_map.known
        return found.double().masked_fill(~allowed, torch.inf)

    def weights(self, parameters: Tensor) -> Tensor:
        """Share of each method in each cell, for u and for v: (case, 2, method, x, r), positive, with sum one."""
        # As precise as the result: for noise, the velocities that they multiply differ.
        return (-2 * np.log(10) * self.log_errors(parameters, dtype=torch.float64)).softmax(dim=2)

    def expected_error(self, parameters: Tensor) -> Tensor:
        """Expected error of u and v relative to their root mean squares over the grid: (case, 2, x, r)."""
        precision = 10 ** (-2 * self.log_errors(parameters, dtype=torch.float64))
        return precision.sum(dim=2) ** -0.5

    def candidates(self, potential: Tensor, parameters: Tensor) -> Tensor:
        """Velocities by each method, zero where it gives none: (case, method, 4, x, r)."""
        expect_grid(self.config, potential, parameters)
        if parameters.requires_grad and torch.is_grad_enabled():
            raise ValueError("the stencils have no gradients with respect to the parameters: detach these")
        psi = potential.double()
        narrow, wide = self.narrow(psi, parameters), self.wide(psi, parameters)
        fitted = torch.zeros_like(wide) if self.fit_waves is None else self.fit_waves(psi, parameters)
        return torch.stack([narrow, wide, fitted, self.edge_map(psi)], dim=1)

    def forward(self, potential: Tensor, parameters: Tensor) -> Tensor:
        """(u, v); see the class."""
        return combine(self.weights(parameters), self.candidates(potential, parameters)).to(potential.dtype)

    def explained(self, potential: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Input of the `core`, the potential divided by its complex reference, and that reference (case, 2)."""
        expect_grid(self.config, potential, parameters)
        reference = complex_reference(potential.double())
        return times(potential.double(), reciprocal(reference)), reference

    def core(self, parameters: Tensor) -> nn.Module:
        """Module for one case, parameters (1, 3): from the input in `explained` to velocities (1, 4, x, r) / factor.

        Raises
        ------
        ValueError
            The network is for noisy fields: fitted waves have no layers.
        """
        if self.fit_waves is not None:
            raise ValueError(f"attribution needs a network for noise below {_FITS}, got {self.config.noise}")
        with torch.no_grad():
            weights = self.weights(parameters)[0]
        fixed: list[nn.Module] = [self.narrow.fixed(parameters), self.wide.fixed(parameters), self.edge_map]
        return CaseCore(fixed, [weights[:, index] for index in (0, 1, 3)]).to(self._device).eval()


class CaseCore(nn.Module):
    """The constrained network for fields of one (m, ka, M): fixed linear layers, added with fixed shares."""

    def __init__(self, derivatives: list[nn.Module], weights: list[Tensor]):
        super().__init__()
        self.derivatives = nn.ModuleList(derivatives)
        self.shares = nn.ParameterList(
            nn.Parameter(share.repeat_interleave(2, dim=0), requires_grad=False) for share in weights
        )

    def forward(self, field: Tensor) -> Tensor:
        parts = [derivative(field) * share for derivative, share in zip(self.derivatives, self.shares, strict=True)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


def combine(weights: Tensor, candidates: Tensor) -> Tensor:
    """Sum over the methods: (case, 2, method, x, r), (case, method, 4, x, r) -> (case, 4, x, r)."""
    parts = candidates.unflatten(2, (2, 2))  # (case, method, quantity, part, x, r)
    return torch.einsum("cqjxr,cjqpxr->cqpxr", weights, parts).flatten(1, 2)


def _ends(steps: npt.NDArray[np.float64]) -> str:
    """Range of spacings in words."""
    return f"{steps.min():.6g} ... {steps.max():.6g}" if len(steps) else "of no pair of cells"


def _floats(points: npt.ArrayLike) -> tuple[float, ...]:
    return tuple(np.asarray(points, float).tolist())


def planes(config: ConstrainedConfig, parameters: Tensor, noise: Tensor) -> Tensor:
    """What is known of each cell without the field, of order one: (case, plane, x, r); noise : (case,), relative."""
    x, r = (torch.tensor(points, dtype=torch.float64, device=parameters.device) for points in (config.x, config.r))
    step_x, step_r = x[1] - x[0], r[1] - r[0]
    step = torch.sqrt(step_x * step_r)
    x, r = torch.meshgrid(x, r, indexing="ij")
    rho, turn = torch.hypot(x, r - 1), torch.atan2(r - 1, x)
    wall = torch.where(x < 0, torch.abs(r - 1), rho)
    ends = torch.minimum(x - x.min(), x.max() - x), r.max() - r
    place = [
        torch.log(rho / step) / 2,
        torch.log(rho),
        torch.cos(turn),
        torch.sin(turn / 2),
        torch.exp(-wall / step_r / 5),
        torch.exp(-r / step_r / 5),
        torch.exp(-ends[0] / step_x / 5),
        torch.exp(-ends[1] / step_r / 5),
    ]
    m, helmholtz, mach = parameters.double().unbind(dim=1)
    numbers = helmholtz / (1 - torch.abs(mach)) * step_x, helmholtz / torch.sqrt(1 - mach**2) * step_r
    loud = torch.log10(noise.double().clamp_min(_QUIET))
    case = torch.stack([*numbers, helmholtz / 25, torch.abs(m) / 10, mach, loud / 7 + 1], dim=1)
    shape = (len(parameters), -1, *x.shape)
    return torch.cat([torch.stack(place)[None].expand(shape), case[:, :, None, None].expand(shape)], dim=1)
