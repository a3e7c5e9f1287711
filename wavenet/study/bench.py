"""Numbers that the page shows: exact solutions, the surrogates, and relevance.

Everything is asked of a `Bench`, which keeps the last results: several parts of the page need the same solution, and a
click on a field needs a network that has been prepared for its case.

>>> bench = Bench()
>>> mode = Mode.of(m=2, n=0, helmholtz=5.0)
>>> bench.reflection(mode).into[0].cut_on, bench.derivative(mode, "u").error < 1e-5
(True, True)
"""

import dataclasses
from typing import Any

import numpy as np
import torch

import analytic
from analytic import levels
from analytic.solver import solution_of
from data.grids import cell_centres
from wavenet import far_field, jets
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.derivatives.constrained import METHODS, ConstrainedNetwork
from wavenet.devices import device_of
from wavenet.far_field.directivity import LEVELS, relative_error
from wavenet.fields import parameters as case_parameters
from wavenet.fields import times_each, to_tensor
from wavenet.runs import load_as

from . import jets as jet_surrogate
from . import lip_prediction, lips, prediction
from .controls import Mode, shortest_waves
from .kept import Kept
from .picture_grid import CELLS, END, ENOUGH, START, TOP, picture_grid
from .relevance import (
    CHANNELS,
    conservation_miss,
    nearest_cell,
    positive_shares,
    velocity_attribution,
)
from .shown import DEGREES, Balance, Derivative, Directivity, NearField, Reflected, Reflection, Relevance, reflection_of
from .solution import far_field as far_field_of
from .solution import modes as modes_of
from .thick_wall import end_correction, pressures
from .validity import outside_of_training

# The networks' grid.
X = cell_centres(START, END, round((END - START) * CELLS))
R = cell_centres(0.0, TOP, round(TOP * CELLS))
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
_MOST_MODES = 30.0  # Helmholtz number up to which all modes are computed: some 250 of them
_JET_TOLERANCE = 1e-4  # more than an eye sees, in half of the time
assert COVERAGE in LEVELS


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

    All methods raise what the solver raises: ValueError for a mode, jet or liner that it does not take,
    ConvergenceError where it misses its tolerance.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._directivity = far_field.load().to(device)
        self._jets, self._lips = jets.load().to(device), lips.load_network()
        network, about = load_as(None, "derivative", ConstrainedNetwork, "constrained network")
        self._network, self._ranges = network.on_grid(X, R).to(device), about.get("ranges", {})
        self._solutions, self._fields, self._cores = Kept(16), Kept(16), Kept(8)
        self._pictures, self._sums, self._predicted = Kept(8), Kept(8), Kept(8)

    def solution(self, mode: Mode) -> Any:
        """Exact solution, see `analytic.solve`."""
        options: dict[str, Any] = {"jet": mode.jet, "tolerance": _JET_TOLERANCE} if mode.in_jet else {}
        if mode.liners:
            options["liner"] = mode.liners
        return self._solutions(mode, lambda: solution_of(mode.source, **options))

    def near_field(self, mode: Mode) -> NearField:
        """Exact near field for a picture, on a grid that is fine enough for its waves."""
        solution = self.solution(mode)
        wave = 0j
        if mode.growing:
            wave = complex((solution.open_end if mode.liners else solution).instability[0])
        x, r, points, left_out = picture_grid(mode, wave)

        def compute() -> NearField:
            same = np.array_equal(x, X) and np.array_equal(r, R)
            return NearField(x, r, self.field(mode) if same else solution.field(x, r), points, left_out)

        return self._pictures(mode, compute)

    def field(self, mode: Mode) -> Any:
        """Exact near field on the networks' grid, an `analytic.Field`."""
        return self._fields(mode, lambda: self.solution(mode).field(X, R))

    def power(self, mode: Mode) -> Balance:
        """Power balance; without one, the reason."""
        if mode.lip is not None:
            parts: dict[str, Any] = self._at_lip(mode).power
            return Balance(**parts, loss=float(10 * np.log10(parts["incident"] / parts["radiated"])))
        try:
            return Balance.of(self.solution(mode).power)
        except ValueError as error:  # of a liner from -infinity, or an instability over one
            return Balance(missing=str(error))

    def reflection(self, mode: Mode) -> Reflection:
        """Reflection into every radial order that is cut on, at the open end or at the front of the first liner."""
        solution = self.solution(mode)
        found = reflection_of(solution, mode.source)
        if mode.lip is not None:
            thin = dataclasses.replace(found, end_correction=solution.end_correction)
            return _with_lip(self._at_lip(mode), solution, mode.source, thin)
        return found if mode.liners else dataclasses.replace(found, end_correction=solution.end_correction)

    def directivity(self, mode: Mode) -> Directivity:
        """Exact far field with the surrogate's beside it."""
        solution = self.solution(mode)
        outer, (density, _, _) = levels.outer_mach(solution.transform), solution.transform.fluid(inside=False)
        exact = far_field_of(mode.source, DEGREES, solution.directivity, mach=outer, density=density)
        try:
            if mode.lip is not None:
                whole = self._at_lip(mode)
                return Directivity(exact, whole.far, bar=whole.directivity_bar, lip=True)
            found = self._learned(mode)
        except ValueError as error:
            return Directivity(exact, reason=f"No surrogate here: {error}.", lip=mode.lip is not None)
        ours, theirs = exact.amplitude, found.far.amplitude
        difference = np.abs(theirs - ours) / np.sqrt(np.mean(np.abs(ours) ** 2))
        return Directivity(exact, found.far, difference, float(relative_error(theirs, ours)), found.error_bar)

    def all_modes(self, mode: Mode, sharing: str) -> Directivity:
        """Far field of all modes that are cut on in the mode's duct, incoherent; sharing : a key of `SHARING`.

        Raises
        ------
        ValueError
            The Helmholtz number is too large for a page that answers at once, or no mode is cut on.
        """
        source = mode.source
        if mode.lip is not None:
            raise ValueError("all modes are computed for an infinitely thin wall only: choose this mode")
        if source.helmholtz > _MOST_MODES:
            raise ValueError(f"all modes are computed up to ka = {_MOST_MODES:g} here, got {source.helmholtz:.6g}")
        duct = source.duct if isinstance(source, analytic.PhysicalMode) else None
        given: dict[str, Any] = {"jet": mode.jet, "duct": duct, "liners": mode.liners or None}

        def compute() -> Directivity:
            found = modes_of(sharing, source.helmholtz, source.mach, source.hub, DEGREES, **given)
            return Directivity(found, reason=f"{found.count} modes that are cut on, for which there is no surrogate")

        return self._sums((mode, sharing), compute)

    def _at_lip(self, mode: Mode) -> lip_prediction.PredictedLip:
        """What the network says of a mode at a lip.

        Raises
        ------
        ValueError
            It has not learned such a duct.
        """
        assert mode.lip is not None
        lip = mode.lip
        return self._predicted(
            mode, lambda: lip_prediction.predict(mode.source, lip, DEGREES, model=self._lips, coverage=COVERAGE)
        )

    def _learned(self, mode: Mode) -> prediction.Prediction:
        """Far field of the surrogate, with or without a jet."""
        if mode.liners:
            raise ValueError("there is none for ducts with a liner")
        if isinstance(mode.jet, analytic.Jet):
            return jet_surrogate.predict(self._jets, mode.source, mode.jet, DEGREES, coverage=COVERAGE)
        return prediction.predict(self._directivity, mode.source, DEGREES, coverage=COVERAGE)

    def learned_reflection(self, mode: Mode) -> complex | None:
        """Reflection of the potential into the mode itself by the surrogate of jets; None where that has none."""
        source = mode.source
        if not mode.in_jet or mode.liners or source.hub:
            return None
        try:
            with torch.no_grad():
                found = self._jets.reflection(source.m, source.n, source.helmholtz, source.mach, **mode.outer)
        except ValueError:  # told with the directivity
            return None
        return complex(found[0, source.n].cpu())

    def derivative(self, mode: Mode, name: str) -> Derivative:
        """Exact velocity "u" or "v" on the networks' grid, with that of the constrained network beside it.

        Raises
        ------
        ValueError
            There is neither, or as the solver.
        """
        if reason := self.without_network(mode):
            raise ValueError(f"there is no surrogate for velocities {reason}")
        exact = getattr(self.field(mode), VELOCITIES[name])
        try:
            velocity = self._core(mode).velocity
        except ValueError as error:
            return Derivative(exact, reason=f"No surrogate here: {error}.")
        found = velocity[CHANNELS[name]] + 1j * velocity[CHANNELS[name] + 1]
        missed = float(np.linalg.norm(found - exact) / np.linalg.norm(exact))
        warnings = outside_of_training(mode.source, self._ranges)
        points = CELLS * min(shortest_waves(mode))
        if points < ENOUGH:
            warnings.append(f"the network's grid has only {points:.1f} points per shortest wavelength")
        return Derivative(exact, found, missed, tuple(warnings))

    def relevance(self, mode: Mode, name: str, x: float | None, r: float | None) -> Relevance:
        """Relevance of the potential for |u| or |v| in the cell next to (x, r).

        Raises
        ------
        ValueError
            The point is not on the grid, or there is no network for this mode.
        """
        if reason := self.without_network(mode):
            raise ValueError(f"there is no network for velocities {reason}, so there is no relevance either")
        cell = cell_at(x, r)
        core, channel = self._core(mode), CHANNELS[name]
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

    @staticmethod
    def without_network(mode: Mode) -> str:
        """Where there is no network for the mode's velocities: "in jets"; nothing if there is one."""
        lacking = {"in jets": mode.in_jet, "behind liners": bool(mode.liners), "in an annulus": bool(mode.source.hub)}
        lacking |= {"at walls with a thickness": mode.lip is not None}
        return next((where for where, here in lacking.items() if here), "")

    def _core(self, mode: Mode) -> "_Core":
        """The constrained network for the mode, and what it makes of its potential."""
        potential = self.field(mode).potential

        return self._cores(mode, lambda: _Core(self._network, mode.source, potential))

    def warm(self, mode: Mode) -> None:
        """Ask for everything once: what is imported or built on first use is there afterwards."""
        self.power(mode)
        self.reflection(mode)
        self.directivity(mode)
        self.relevance(mode, "u", 0.1, 1.0)


def _with_lip(
    found: lip_prediction.PredictedLip, solution: analytic.Solution, source: analytic.DuctMode, thin: Reflection
) -> Reflection:
    """Reflection at a lip by the network, with that of the infinitely thin wall beside it."""
    pairs = zip(found.reflection.tolist(), pressures(source, found.reflection).tolist(), strict=True)
    into = [Reflected(order, True, *pair) for order, pair in enumerate(pairs)]
    corrected = end_correction(source, found.reflection, solution)
    return Reflection(into, corrected, found.reflection_bar or np.nan, thin)


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
