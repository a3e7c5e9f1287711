"""What the page shows of a mode: results of the solver with those of the surrogates beside them."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

import analytic
from wavenet.arrays import ComplexArray, FloatArray

from .solution import FarField, ModesAtAngles

DEGREES = np.linspace(0, 180, 181)  # physical angles


@dataclass(frozen=True)
class NearField:
    """Exact near field for a picture.

    x, r : its grid [radii]; field : an `analytic.Field` on it. points : per shortest wavelength, those along x or those
    along r, whichever are fewer. left_out : columns that the grid lacks, at the ends of liners, where sums of modes do
    not converge.
    """

    x: FloatArray
    r: FloatArray
    field: Any
    points: float
    left_out: int = 0


@dataclass(frozen=True)
class Directivity:
    """Exact far field at the physical angles `DEGREES`, and the surrogate's, or the reason why there is none.

    exact : of one mode, or of all modes that are cut on.

    difference : of the potential's directivities, |difference| over the root mean square of the exact one; error :
    relative L2; bar : what the error stays below with probability `COVERAGE`, None where that is not known. lip :
    whether the surrogate's is of a wall with a thickness, and the exact one of the infinitely thin wall beside it.
    """

    exact: FarField | ModesAtAngles
    surrogate: FarField | None = None
    difference: FloatArray | None = None
    error: float | None = None
    bar: float | None = None
    reason: str = ""
    lip: bool = False

    @property
    def best(self) -> FarField | ModesAtAngles:
        """What is known best of the case itself."""
        return self.surrogate if self.lip and self.surrogate is not None else self.exact

    @property
    def peak(self) -> tuple[float, float]:
        """Highest level [dB], -inf where nothing is radiated, and its angle [deg]."""
        loudest = int(np.argmax(self.best.level))
        return float(self.best.level[loudest]), float(self.best.degrees[loudest])


@dataclass(frozen=True)
class Reflected:
    """Reflection into one radial order."""

    order: int
    cut_on: bool
    potential: complex
    pressure: complex


@dataclass(frozen=True)
class Reflection:
    """Reflection of the mode into all orders that are cut on, and one more.

    end_correction : of the plane wave [radii], None for other modes and behind liners. thin : reflection at the
    infinitely thin wall, where the others are of a wall with a thickness, by the network, and the error estimate is its
    error bar.
    """

    into: list[Reflected]
    end_correction: float | None
    error_estimate: float
    thin: "Reflection | None" = None


_SUMMED = ("incident", "radiated", "reflected", "absorbed", "vortical", "residual")


@dataclass(frozen=True)
class Balance:
    """Sound power, in the unit of `analytic.Power`; residual : relative. loss : transmission loss [dB], None for a mode
    that is cut off. missing : why there is no balance, with all other numbers zero.
    """

    incident: float = 0.0
    radiated: float = 0.0
    reflected: float = 0.0
    absorbed: float = 0.0
    vortical: float = 0.0
    residual: float = 0.0
    loss: float | None = None
    missing: str = ""

    @classmethod
    def of(cls, power: Any) -> "Balance":
        """Of an `analytic.Power` or one behind liners."""
        parts = {part.name: getattr(power, part.name) for part in dataclasses.fields(power)}
        mine: dict[str, Any] = {name: float(np.sum(parts.get(name, 0.0))) for name in _SUMMED}
        incident, radiated = mine["incident"], mine["radiated"]
        loss = float(10 * np.log10(incident / radiated)) if incident > 0 and radiated > 0 else None
        return cls(**mine, loss=loss)


@dataclass(frozen=True)
class Derivative:
    """Exact velocity on the network's grid, and the surrogate's, or the reason why there is none.

    error : relative L2 over the grid; warnings : where the mode is outside the training range, or too short for the
    grid.
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


def reflection_of(solution: Any, source: analytic.DuctMode) -> Reflection:
    """Reflection of a solution, with or without liners."""
    cut_on = analytic.cut_on_orders(source.helmholtz, source.m, source.mach, hub=source.hub)
    pairs = zip(solution.reflection.tolist(), solution.reflection_pressure.tolist(), strict=True)
    into = [Reflected(order, order < cut_on, *pair) for order, pair in enumerate(pairs)]
    return Reflection(into, None, solution.error_estimate)
