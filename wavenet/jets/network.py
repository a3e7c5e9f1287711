r"""Surrogate of jets: a network for the smooth parts of the kernel's factors, closed forms around it (see `waves`).

The network has never seen a radial order, an angle or a Kutta parameter: fields of all modes of a jet follow from two
sets of Chebyshev coefficients. For its inputs see `inputs`.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ..arrays import BoolArray
from ..devices import device_of, in_full_precision
from ..far_field.error_bars import level
from .duct import HUBS, LARGEST, MODES, duct
from .error_bars import BANDS, LEVELS, bands
from .inputs import COUNT, KERNEL, LENGTHS, inputs, instabilities
from .instability import instability
from .layers import Layers
from .modes import JetModes, Numbers, broadcast, reals, streams
from .near import pressure
from .sheet import Sheets
from .waves import Waves

PARAMETERS = ("m", "helmholtz", "mach", "mach_outer", "sound_speed_ratio", "density_ratio", "hub")  # of a jet
# Of these and of D C^2, the ratio of bulk moduli: one for the same gas, whatever its temperature.
_RANGES = (*PARAMETERS[:5], "density_ratio * sound_speed_ratio^2")
_SLACK = 1e-3  # of a range: the gap that the recipe's sequence leaves at its ends
_SHEAR = 1e-3  # least difference of the two streams' speeds, over the jet's: at equal ones s_0 is a double zero
_NODES = 200  # of the quadrature over angles: twice as many as the most lobes of |D|^2


@dataclass(frozen=True)
class JetConfig:
    """Ranges of a jet's parameters in training, and the size of the network.

    low, high : of `PARAMETERS`, but of D C^2 for D, and of the hubs that are not 0; these are 0 if there were none.
    mean, spread : of the network's inputs. width, depth : of its layers. degree : of the Chebyshev series. plain :
    whether ducts without a hub were learned.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    width: int = 192
    depth: int = 3
    degree: int = 13
    plain: bool = True
    inputs: ClassVar[int] = COUNT

    def __post_init__(self) -> None:
        sizes = (len(PARAMETERS), len(PARAMETERS), self.inputs, self.inputs)
        if tuple(map(len, (self.low, self.high, self.mean, self.spread))) != sizes:
            raise ValueError(
                f"expected ranges of {', '.join(PARAMETERS)} and scales of {self.inputs} inputs, got {self}"
            )
        if not all(low <= high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError(f"the ranges must be ascending, got {self.low} ... {self.high}")
        hubs = self.low[6], self.high[6]
        if hubs != (0, 0) and not HUBS[0] <= hubs[0] <= hubs[1] <= HUBS[1]:
            raise ValueError(f"hubs must lie in {HUBS[0]} ... {HUBS[1]}, got {hubs[0]} ... {hubs[1]}")
        # gamma_1^2 is at most K^2 at s_c, and no less than -(k / C)^2 at the left branch point
        reach = self.high[1] / min(self.low[4], (1 - self.high[2] ** 2) ** 0.5)
        if not reach**2 <= LARGEST:
            raise ValueError(
                f"helmholtz over the lowest sound speed ratio must be at most {LARGEST**0.5:.4g}, got {self}"
            )
        if min(self.spread) <= 0 or min(self.width, self.depth, self.degree) < 1:
            raise ValueError(f"spreads and sizes must be positive, got {self}")


class JetNetwork(nn.Module):
    """Far field, reflection and radiated power of duct modes with a jet; differentiable in all parameters but m and n.

    Only jets of the low domain, M k / (1 - M^2) < right - (right - left) / 4 with the outer branch points left and
    right: beyond, modes of the jet lie beside a branch point. Others, parameters outside the ranges and modes that are
    cut off raise a ValueError. All functions take

    m, n : int tensors, helmholtz, mach : tensors
        As for `analytic.DuctMode`.
    **outer : tensors
        mach_outer, sound_speed_ratio, density_ratio and kutta, as for `analytic.Jet`, and hub, as for
        `analytic.DuctMode`. All broadcast to (case,).
    """

    bars: Tensor
    kind: ClassVar[type[Sheets]] = Sheets
    orders: ClassVar[int] = MODES

    def __init__(self, config: JetConfig):
        super().__init__()
        self.config = config
        sizes = [config.inputs, *[config.width] * config.depth]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes):
            layers += [nn.Linear(before, after, dtype=torch.float64), nn.SiLU()]
        self.layers = self.joined(*layers, nn.Linear(config.width, 4 * config.degree, dtype=torch.float64))
        self.register_buffer("bars", torch.full((BANDS, len(LEVELS)), torch.nan, dtype=torch.float64))

    def joined(self, *layers: nn.Module) -> nn.Sequential:
        """The layers in a row, beside a linear map of their inputs."""
        return Layers(*layers, inputs=COUNT, outputs=4 * self.config.degree, first=KERNEL, second=LENGTHS)

    @classmethod
    def unscaled(cls, parameters: Tensor) -> Tensor:
        """The `features` before they are scaled to mean 0 and spread 1."""
        return inputs(parameters, instabilities(parameters))

    def features(self, parameters: Tensor) -> Tensor:
        """Inputs of the layers, (case, COUNT), from `PARAMETERS` (case, 7)."""
        return self.scaled(self.unscaled(parameters))

    def scaled(self, found: Tensor) -> Tensor:
        """The `features` from those of `unscaled`."""
        mean, spread = (torch.tensor(one).to(found) for one in (self.config.mean, self.config.spread))
        return (found - mean) / spread

    def forward(self, parameters: Tensor) -> Tensor:
        """Chebyshev coefficients from degree 1 (case, factor, degree, 2) of ln(K_minus / C_minus), ln(K_plus / C_plus).

        parameters : (case, 7), in the order of `PARAMETERS`.
        """
        return self.coefficients(self.features(parameters).to(self.precision))

    @property
    def precision(self) -> torch.dtype:
        """Type of the weights, in which everything is computed: torch.float64 until `float` is called."""
        return next(self.parameters()).dtype

    @in_full_precision
    def coefficients(self, features: Tensor) -> Tensor:
        """The same from the `features`."""
        found = self.layers(features)
        shaped: Tensor = found.unflatten(1, (2, self.config.degree, 2)) * self.decay(found.dtype).to(found.device)
        return shaped

    def decay(self, dtype: torch.dtype) -> Tensor:
        """Coefficients over outputs, (degree, 1), a prior: those of analytic functions decay geometrically."""
        return 2.0 ** -torch.arange(self.config.degree, dtype=dtype)[:, None]

    def directivity(
        self,
        m: Numbers,
        n: Numbers,
        helmholtz: Numbers,
        mach: Numbers,
        theta: Numbers,
        **outer: Numbers,
    ) -> Tensor:
        """Directivity D in the outer stream of modes of amplitude one, (case, angle) complex.

        theta : number, (angle,) or (case, angle) tensor
            Polar angle in the plane (x / beta, r) of the outer stream [rad], 0 downstream.
        """
        modes = self.modes(m, n, helmholtz, mach, *streams(**outer))
        angle = _angles(theta, modes, 2)
        return self.by_order(modes, lambda waves, mine: waves.directivity(angle if angle.ndim == 1 else angle[mine]))

    def reflection(
        self,
        m: Numbers,
        n: Numbers,
        helmholtz: Numbers,
        mach: Numbers,
        **outer: Numbers,
    ) -> Tensor:
        """Potential amplitudes of the reflected radial orders, (case, orders) complex; zero for those cut off."""
        modes = self.modes(m, n, helmholtz, mach, *streams(**outer))
        return self.by_order(modes, lambda waves, _: waves.reflection())

    def fields(
        self,
        m: Numbers,
        n: Numbers,
        helmholtz: Numbers,
        mach: Numbers,
        theta: Numbers,
        **outer: Numbers,
    ) -> tuple[Tensor, Tensor]:
        """`directivity` at angles (angle,) and `reflection`, for the work of one."""
        modes = self.modes(m, n, helmholtz, mach, *streams(**outer))
        angle = _angles(theta, modes, 1)
        both = self.by_order(modes, lambda waves, _: torch.cat([waves.directivity(angle), waves.reflection()], dim=1))
        return both[:, : len(angle)], both[:, len(angle) :]

    def pressure(
        self, m: Numbers, n: Numbers, helmholtz: Numbers, mach: Numbers, x: Numbers, r: Numbers, **outer: Numbers
    ) -> Tensor:
        """Pressure (case, point) outside the jet at x, r [radii], near or far: see `near.pressure`."""
        return pressure(self, m, n, helmholtz, mach, x, r, **outer)

    def error_bar(self, m: int, helmholtz: float, mach: float, coverage: float = 0.95, *, hub: float = 0.0) -> float:
        """Bound on the relative L2 error of D over the arc, with this coverage, by split conformal prediction.

        Raises
        ------
        ValueError
            Coverage not in `LEVELS`; m, helmholtz or mach outside the trained ranges; or error bars not calibrated.
        """
        column = level(coverage)
        for name, value, low, high in zip(
            _RANGES, (abs(m), helmholtz, mach), self.config.low, self.config.high, strict=False
        ):
            if not bool(_inside(torch.tensor(value, dtype=torch.float64), low, high, self.precision)):
                raise ValueError(f"{name} must lie in the trained range {low:.6g} ... {high:.6g}, got {value}")
        band = bands(*(np.array([one], dtype=float) for one in (m, helmholtz, mach, hub)))[0]
        bar = float(self.bars[band, column])
        if math.isnan(bar):
            raise ValueError(f"there is no error bar of coverage {coverage} here: too few jets calibrated it")
        return bar

    def end_correction(self, helmholtz: Numbers, mach: Numbers, **outer: Numbers) -> Tensor:
        """End correction (case,) of the plane wave [radii], from the phase of its reflection."""
        found = self.reflection(0, 0, helmholtz, mach, **outer)[:, 0]
        like: dict[str, Any] = {"dtype": found.real.dtype, "device": found.device}
        ka, flow = (torch.as_tensor(one, **like) for one in (helmholtz, mach))
        return torch.angle(-found) * (1 - flow**2) / (2 * ka)

    def radiated(self, m: Numbers, n: Numbers, helmholtz: Numbers, mach: Numbers, **outer: Numbers) -> Tensor:
        """Power radiated by modes of amplitude one over that of the incident mode, (case,)."""
        modes = self.modes(m, n, helmholtz, mach, *streams(**outer))
        nodes, weights = (torch.from_numpy(one).to(modes.mach) for one in np.polynomial.legendre.leggauss(_NODES))
        theta = 0.5 * math.pi * (nodes + 1)

        def power(waves: Waves, _: Tensor) -> Tensor:
            sheets = waves.sheets
            density = waves.directivity(theta).abs() ** 2 * torch.sin(theta)
            total = 0.5 * math.pi * (density * weights).sum(dim=1, keepdim=True)
            incident = (waves.wave * waves.norm).gather(1, waves.n)
            return sheets.density * sheets.helmholtz / sheets.speed * total / incident

        return self.by_order(modes, power)[:, 0]

    def modes(self, *given: Numbers) -> JetModes:
        """The parameters as tensors (case,) of one type.

        Raises
        ------
        ValueError
            A parameter outside its range, a mode that is cut off, or a jet of the high domain; the first is named.
        """
        modes = self._broadcast(*given)
        reasons = self._reasons(modes)
        for what, bad in reasons.items():
            if bool(bad.any()):
                case = int(torch.nonzero(bad)[0])
                values = ", ".join(f"{name} = {float(one[case]):.6g}" for name, one in modes._asdict().items())
                raise ValueError(f"{what}: {values}")
        return modes._replace(m=modes.m.long(), n=modes.n.long())

    def usable(self, *given: Numbers) -> BoolArray:
        """Which cases the surrogate takes, (case,): see `modes` for the others."""
        bad = torch.stack(list(self._reasons(self._broadcast(*given)).values())).any(dim=0)
        found: BoolArray = ~bad.cpu().numpy()
        return found

    def _broadcast(self, *given: Numbers) -> JetModes:
        return broadcast(*given, dtype=self.precision, device=device_of(self))

    def _reasons(self, modes: JetModes) -> dict[str, Tensor]:
        """Cases that each of the guards refuses; NaN is refused."""
        found: dict[str, Tensor] = {}
        given = [getattr(modes, name).double() for name in PARAMETERS[:6]]
        given[5] = given[5] * given[4] ** 2
        for name, value, low, high in zip(_RANGES, given, self.config.low, self.config.high, strict=False):
            found[f"{name} must lie in the trained range {low:.6g} ... {high:.6g}"] = ~_inside(
                value, low, high, self.precision
            )
        whole = (modes.m == modes.m.floor()) & (modes.n == modes.n.floor())
        found["m and n must be integers"] = ~whole
        first, last = self.config.low[6], self.config.high[6]
        good = (modes.hub > 0) & _inside(modes.hub.double(), first, last, self.precision)
        known = [f"in the trained range {first:.6g} ... {last:.6g}"] if last else []
        if self.config.plain:
            good, known = good | (modes.hub == 0), ["0", *known]
        found[f"hub must be {' or '.join(known)}"] = ~good
        found["kutta must lie in 0 ... 1"] = ~((modes.kutta >= 0) & (modes.kutta <= 1))
        streams = modes.mach - modes.mach_outer * modes.sound_speed_ratio
        found["the streams are equal, or nearly: use the solver"] = ~(streams.abs() > _SHEAR * modes.mach)
        k = modes.helmholtz / torch.sqrt(1 - modes.mach**2)
        on = torch.zeros_like(k, dtype=torch.bool)
        safe = torch.where(good, modes.hub, 0.0)
        counted = good & whole & (modes.n >= 0) & (modes.n < self.orders) & (modes.m <= self.config.high[0])
        for order in torch.unique(modes.m[counted]).tolist():
            mine = torch.nonzero(counted & (modes.m == order))[:, 0]
            alpha = duct(int(order), safe[mine, None].detach()).alpha.expand(len(mine), -1)
            on[mine] = (alpha.gather(1, modes.n[mine, None].long()) < k[mine, None])[:, 0]
        found["the mode is not cut on"] = ~on
        return found | self.domain(Sheets(0, *modes[2:7]))

    def domain(self, sheets: Sheets) -> dict[str, Tensor]:
        """Jets that are not of the network's domain, (case,), and why they are refused."""
        why = "modes of the jet may lie beside the outer branch point, which this network does not know: use the solver"
        return {why: ~sheets.low}

    def factors(self, _: Sheets, parameters: Tensor, s_0: Tensor) -> Tensor:
        """As `forward`, for jets of one azimuthal order with instabilities s_0 (case, 1)."""
        return self.coefficients(self.scaled(inputs(parameters, s_0)).to(self.precision))

    def by_order(self, modes: JetModes, function: Callable[[Waves, Tensor], Tensor]) -> Tensor:
        """Values (case, ...) of a function of the waves of one azimuthal order and the cases' numbers, for `modes`."""
        parts, places = [], []
        for order in torch.unique(modes.m).tolist() or [0]:  # no cases have the shape of some
            mine = torch.nonzero(modes.m == order)[:, 0]
            own = JetModes(*(one[mine] for one in modes))
            parameters = torch.stack([own.m.to(own.mach), *own[2:7], own.hub], dim=1)
            sheets = self.kind(int(order), *parameters[:, 1:].T[..., None])
            s_0, found = instability(sheets)
            if not bool(found.all()):
                case = int(torch.nonzero(~found[:, 0])[0])
                values = ", ".join(f"{name} = {float(one[case]):.6g}" for name, one in own._asdict().items())
                raise ValueError(f"the instability of the jet was not found: {values}")
            series = self.factors(sheets, parameters, s_0).to(own.mach.dtype).contiguous()
            minus, plus = torch.view_as_complex(series).unbind(dim=1)
            parts.append(function(Waves(sheets, s_0, minus, plus, own.n[:, None], own.kutta[:, None]), mine))
            places.append(mine)
        return torch.cat(parts)[torch.argsort(torch.cat(places))]


def _inside(value: Tensor, low: float, high: float, dtype: torch.dtype) -> Tensor:
    """Whether values lie in a range, but for rounding in this type and the gap at its ends."""
    slack = _SLACK * (high - low) + 4 * torch.finfo(dtype).eps * high
    return (value >= low - slack) & (value <= high + slack)


def _angles(theta: Numbers, modes: JetModes, dimensions: int) -> Tensor:
    """Angles (angle,) or (case, angle) [rad], in the type and on the device of the modes."""
    found = reals("theta", theta, modes.mach.device, dimensions).to(modes.mach.dtype)
    if found.ndim == 2 and len(found) not in (1, len(modes.mach)):
        raise ValueError(f"theta must have one row, or one for each of {len(modes.mach)} cases, got {len(found)}")
    good = (found >= 0) & (found <= math.pi + 1e-6)
    if not bool(good.all()):
        raise ValueError(f"theta must lie in [0, pi] rad, got {float(found[~good][0]):.6g}")
    return found.expand(len(modes.mach), -1) if found.ndim == 2 else found
