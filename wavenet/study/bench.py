"""Numbers that the page shows: exact solutions, the surrogates, and relevance.

Everything is asked of a `Bench`, which keeps the last results: several parts of the page need the same solution, and a
click on a field needs a network that has been prepared for its case.

>>> bench = Bench()
>>> mode = Mode.of(m=2, n=0, helmholtz=5.0)
>>> bench.reflection(mode).into[0].cut_on, bench.derivative(mode, "u").error < 1e-5
(True, True)
"""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import analytic
from data.grids import cell_centres
from wavenet import far_field, jets
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.derivatives.constrained import METHODS, ConstrainedNetwork
from wavenet.devices import device_of
from wavenet.far_field.directivity import LEVELS, relative_error
from wavenet.fields import parameters as case_parameters
from wavenet.fields import times_each, to_tensor
from wavenet.runs import load_as

from .controls import Mode
from .errors import level
from .kept import Kept
from .relevance import (
    CHANNELS,
    conservation_miss,
    nearest_cell,
    positive_shares,
    velocity_attribution,
)
from .validity import outside_of_training

X, R = cell_centres(-2.0, 2.0, 128), cell_centres(0.0, 2.0, 64)
DEGREES = np.linspace(0, 180, 181)
QUANTITIES = {  # attribute of a field: symbol, unit
    "pressure": ("p", "ρc²"),
    "potential": ("ψ", "ac"),
    "axial_velocity": ("u", "c"),
    "radial_velocity": ("v", "c"),
}
VELOCITIES = {"u": "axial_velocity", "v": "radial_velocity"}
REACH = 0.65  # from a point to the furthest cells that its derivatives can use, less than this [radii]
DISTANCES = np.linspace(0, REACH, 53)
COVERAGE = 0.95  # of the error bar
_FLOOR = -240.0  # level of a directivity that is zero [dB]
_JET_TOLERANCE = 1e-4  # more than an eye sees, in half of the time
assert COVERAGE in LEVELS


@dataclass(frozen=True)
class Directivity:
    """Exact directivity at `DEGREES`, and the surrogate's, or the reason why there is none.

    difference : |difference| over the root mean square of the exact one; error : relative L2; bar : what the error
    stays below with probability `COVERAGE`.
    """

    exact: ComplexArray
    surrogate: ComplexArray | None = None
    difference: FloatArray | None = None
    error: float | None = None
    bar: float | None = None
    reason: str = ""

    @property
    def peak(self) -> float:
        """Largest modulus of the exact directivity, one where it is zero."""
        return float(np.abs(self.exact).max()) or 1.0

    def levels(self) -> tuple[FloatArray, FloatArray | None]:
        """Levels of the exact directivity and of the surrogate's, both re the exact peak [dB]."""
        exact = level(self.exact, self.peak, _FLOOR)
        return exact, None if self.surrogate is None else level(self.surrogate, self.peak, _FLOOR)


@dataclass(frozen=True)
class Reflected:
    """Reflection into one radial order."""

    order: int
    cut_on: bool
    potential: complex
    pressure: complex


@dataclass(frozen=True)
class Reflection:
    """Reflection of the mode into all orders that are cut on, and one more."""

    into: list[Reflected]
    end_correction: float | None
    error_estimate: float


@dataclass(frozen=True)
class Derivative:
    """Exact velocity on the grid, and the surrogate's, or the reason why there is none.

    error : relative L2 over the grid; warnings : where the mode is outside the training range.
    """

    exact: ComplexArray
    surrogate: ComplexArray | None = None
    error: float | None = None
    warnings: tuple[str, ...] = ()
    reason: str = ""

    def difference(self) -> FloatArray:
        """|difference| of both over the root mean square of the exact one, (x, r).

        Raises
        ------
        ValueError
            There is no surrogate.
        """
        if self.surrogate is None:
            raise ValueError(f"there is no surrogate to compare with: {self.reason}")
        return np.abs(self.surrogate - self.exact) / np.sqrt(np.mean(np.abs(self.exact) ** 2))


@dataclass(frozen=True)
class Relevance:
    """Relevance of the potential for |u| or |v| in one cell, around it.

    at : the cell's centre; value : |u| or |v| there [c]; relevance : (x, r), over its sum; within : share of the
    positive relevance closer than each of `DISTANCES`; across : that from the other side of the wall; shares : of each
    method in the velocity there; miss : what of the output is neither relevance nor a known leak, relative.
    """

    at: tuple[float, float]
    value: float
    x: FloatArray
    r: FloatArray
    relevance: FloatArray
    within: FloatArray
    across: float
    shares: dict[str, float]
    miss: float


def cell_at(x: float | None, r: float | None) -> tuple[int, int]:
    """Indices of the cell next to a point (x, r).

    Raises
    ------
    ValueError
        It is not on the grid, or a coordinate is missing.
    """
    return nearest_cell(X, R, (_on_grid("x", x, X), _on_grid("r", r, R)))


def _on_grid(symbol: str, value: float | None, points: FloatArray) -> float:
    half = (points[1] - points[0]) / 2
    low, high = points[0] - half, points[-1] + half
    if value is None or not low <= value <= high:
        raise ValueError(f"the point's {symbol} must lie in {low:g} ... {high:g}, got {value}")
    return value


class Bench:
    """Solver and shipped networks, these on a device, with their last results. Threads may share it.

    All methods raise what the solver raises: ValueError for a mode or jet that it does not take, ConvergenceError where
    it misses its tolerance.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._directivity = far_field.load().to(device)
        self._jets = jets.load().to(device)
        network, about = load_as(None, "derivative", ConstrainedNetwork, "constrained network")
        self._network, self._ranges = network.on_grid(X, R).to(device), about.get("ranges", {})
        self._solutions, self._fields, self._cores = Kept(16), Kept(16), Kept(8)
        self._networks = threading.Lock()  # attribution traces its network, and torch can trace in one thread only

    def solution(self, mode: Mode) -> Any:
        """Exact solution, see `analytic.solve`."""
        options: dict[str, Any] = {"jet": mode.jet, "tolerance": _JET_TOLERANCE} if mode.in_jet else {}
        return self._solutions(mode, lambda: analytic.solve(mode.source, **options))

    def field(self, mode: Mode) -> Any:
        """Exact near field on the grid, an `analytic.Field`."""
        return self._fields(mode, lambda: self.solution(mode).field(X, R))

    def power(self, mode: Mode) -> Any:
        """Power balance, an `analytic.Power`."""
        return self.solution(mode).power

    def reflection(self, mode: Mode) -> Reflection:
        """Reflection into every radial order that is cut on."""
        solution, source = self.solution(mode), mode.source
        cut_on = analytic.cut_on_orders(source.helmholtz, source.m, source.mach)
        pairs = zip(solution.reflection.tolist(), solution.reflection_pressure.tolist(), strict=True)
        into = [Reflected(order, order < cut_on, *pair) for order, pair in enumerate(pairs)]
        return Reflection(into, solution.end_correction, solution.error_estimate)

    def directivity(self, mode: Mode) -> Directivity:
        """Exact directivity with the surrogate's beside it."""
        theta = np.radians(DEGREES)
        exact = self.solution(mode).directivity(theta)
        try:
            with self._networks, torch.no_grad():
                found, bar = self._learned(mode, torch.from_numpy(theta))
        except ValueError as error:
            return Directivity(exact, reason=f"No surrogate here: {error}.")
        difference = np.abs(found - exact) / np.sqrt(np.mean(np.abs(exact) ** 2))
        return Directivity(exact, found, difference, float(relative_error(found, exact)), bar)

    def _learned(self, mode: Mode, theta: torch.Tensor) -> tuple[ComplexArray, float]:
        """Directivity of the surrogate, with or without a jet, and its error bar."""
        source = mode.source
        given = source.m, source.n, source.helmholtz, source.mach
        if not mode.in_jet:
            model = self._directivity
            return model(*given, theta)[0].cpu().numpy(), model.error_bar(*given[2:], COVERAGE)
        names = ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta")
        found = self._jets.directivity(*given, theta, **{name: getattr(mode.jet, name) for name in names})
        return found[0].cpu().numpy(), self._jets.error_bar(source.m, *given[2:], COVERAGE)

    def derivative(self, mode: Mode, name: str) -> Derivative:
        """Exact velocity "u" or "v" with that of the constrained network beside it."""
        exact = getattr(self.field(mode), VELOCITIES[name])
        if mode.in_jet:
            return Derivative(exact, reason="There is no surrogate for velocities in jets.")
        try:
            velocity = self._core(mode).velocity
        except ValueError as error:
            return Derivative(exact, reason=f"No surrogate here: {error}.")
        found = velocity[CHANNELS[name]] + 1j * velocity[CHANNELS[name] + 1]
        missed = float(np.linalg.norm(found - exact) / np.linalg.norm(exact))
        return Derivative(exact, found, missed, tuple(outside_of_training(mode.source, self._ranges)))

    def relevance(self, mode: Mode, name: str, x: float | None, r: float | None) -> Relevance:
        """Relevance of the potential for |u| or |v| in the cell next to (x, r).

        Raises
        ------
        ValueError
            The point is not on the grid, or there is no network for this mode.
        """
        if mode.in_jet:
            raise ValueError("there is no network for jets, so there is no relevance either")
        cell = cell_at(x, r)
        core, channel = self._core(mode), CHANNELS[name]
        with self._networks:
            attribution = velocity_attribution(core.network, core.seen, core.values, name, cell)
        whole: Any = attribution.relevance  # of one input, so no tuple
        relevance = whole[0].sum(dim=0).cpu().numpy()
        within, across = positive_shares(X, R, relevance, cell, DISTANCES)
        leak, output = float(attribution.leak.sum()), float(attribution.output.sum())
        i, j = (np.flatnonzero(np.abs(points - points[at]) < REACH) for points, at in zip((X, R), cell, strict=True))
        weights = core.weights[channel // 2, :, *cell]
        return Relevance(
            at=(float(X[cell[0]]), float(R[cell[1]])),
            value=float(np.hypot(*core.velocity[channel : channel + 2, *cell])),
            x=X[i],
            r=R[j],
            relevance=relevance[np.ix_(i, j)] / relevance.sum(),
            within=within,
            across=across,
            shares={method: float(share) for method, share in zip(METHODS, weights, strict=True)},
            miss=conservation_miss(whole, leak, output),
        )

    def _core(self, mode: Mode) -> "_Core":
        """The constrained network for the mode, and what it makes of its potential."""
        potential = self.field(mode).potential

        def compute() -> _Core:
            with self._networks:
                return _Core(self._network, mode.source, potential)

        return self._cores(mode, compute)

    def warm(self, mode: Mode) -> None:
        """Ask for everything once: what is imported or built on first use is there afterwards."""
        self.power(mode)
        self.reflection(mode)
        self.directivity(mode)
        self.relevance(mode, "u", 0.1, 1.0)


class _Core:
    """See `Bench._core`: `ConstrainedNetwork.core` with its input, its output, and the velocity (4, x, r) it means."""

    def __init__(self, network: ConstrainedNetwork, source: analytic.DuctMode, potential: ComplexArray):
        device = device_of(network)
        psi = to_tensor(potential)[None].to(device)
        parameters = case_parameters(source.m, source.helmholtz, source.mach).to(device)
        with torch.no_grad():
            self.network = network.core(parameters)
            self.seen, reference = network.explained(psi, parameters)
            self.values = self.network(self.seen)
            self.velocity = times_each(self.values, reference)[0].cpu().numpy()
            self.weights = network.weights(parameters)[0].cpu().numpy()
