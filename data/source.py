"""Tables of a recipe that say from what its cases are drawn: [source], and the out-of-range sets."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, Strict, model_validator

from .layout import SPLIT_NAME
from .parameters import LIMITS, SPELLED, Drawn, Parameter, Range, tie_of, within
from .task import Finite, Table
from .ties import Tie

JET = ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta")  # any of these makes the medium a jet
LINER = ("resistance", "reactance", "liner_length", "liner_distance")  # any of these puts a liner into the duct
LIP = ("lip_thickness", "lip_aspect")  # any of these makes the duct's wall thick
# Values of what a source with a jet does not give: those of `analytic.Jet`, a jet of the same gas into fluid at rest.
_JET_DEFAULTS = {"mach_outer": 0.0, "sound_speed_ratio": 1.0, "density_ratio": 1.0, "kutta": 1.0}
_LEAST_JET = 0.01  # Mach number of a jet; at rest there is none, and the instability's wavenumber is 1 / M

# Limits that were chosen, not derived: they contain the built-in recipes with room to spare and keep costs bounded.
Whole = Annotated[int, Strict()]
Orders = Annotated[list[Annotated[Whole, Field(ge=-40, le=40)]], Field(min_length=1, max_length=1000)]
RadialOrders = Annotated[list[Annotated[Whole, Field(ge=0, le=200)]], Field(min_length=1, max_length=1000)]
_Count = Annotated[Whole, Field(ge=1, le=1000)]
Modes = tuple[_Count, _Count]
Helmholtz = Annotated[Drawn, within("helmholtz"), SPELLED]
Mach = Annotated[Drawn, within("mach"), SPELLED]
Hub = Annotated[Drawn, within("hub"), SPELLED]
MachOuter = Annotated[Drawn, within("mach_outer"), SPELLED]
SpeedRatio = Annotated[Parameter, within("sound_speed_ratio"), SPELLED]
DensityRatio = Annotated[Parameter, within("density_ratio"), SPELLED]
Kutta = Annotated[Drawn, within("kutta"), SPELLED]
Resistance = Annotated[Drawn, within("resistance"), SPELLED]
Reactance = Annotated[Drawn, within("reactance"), SPELLED]
LinerLength = Annotated[Drawn, within("liner_length"), SPELLED]
LinerDistance = Annotated[Drawn, within("liner_distance"), SPELLED]
LipThickness = Annotated[Drawn, within("lip_thickness"), SPELLED]
LipAspect = Annotated[Drawn, within("lip_aspect"), SPELLED]


class Source(Table):
    """Ranges from which each case is drawn.

    m : azimuthal orders. n : "cut-on" (all cut-on radial orders) or a list. helmholtz, mach, hub : parameters of the
    duct, see `parameters`. mach_outer, sound_speed_ratio, density_ratio, kutta : of a jet; if none is given the flow is
    uniform. resistance, reactance, liner_length, liner_distance : of a liner, see `analytic.Liner`, in recipes the
    table [liner]; all of them or none. lip_thickness, lip_aspect : of a thick wall, both or none. modes : least and
    largest number of radial orders mixed, with complex normal amplitudes of total square one. mixtures : number of
    cases that share everything but their amplitudes.
    """

    m: Orders
    n: Literal["cut-on"] | RadialOrders = "cut-on"
    helmholtz: Helmholtz
    mach: Mach = Range(0.0, 0.0)
    hub: Hub = Range(0.0, 0.0)
    mach_outer: MachOuter | None = None
    sound_speed_ratio: SpeedRatio | None = None
    density_ratio: DensityRatio | None = None
    kutta: Kutta | None = None
    resistance: Resistance | None = None
    reactance: Reactance | None = None
    liner_length: LinerLength | None = None
    liner_distance: LinerDistance | None = None
    lip_thickness: LipThickness | None = None
    lip_aspect: LipAspect | None = None
    modes: Modes = (1, 1)
    mixtures: _Count = 1

    @property
    def jet(self) -> bool:
        """Whether the duct opens into a jet."""
        return any(getattr(self, name) is not None for name in JET)

    @property
    def lined(self) -> bool:
        """Whether there is a liner in the duct."""
        return any(getattr(self, name) is not None for name in LINER)

    @property
    def thick(self) -> bool:
        """Whether the wall of the duct has a thickness."""
        return any(getattr(self, name) is not None for name in LIP)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """All parameters by name, with defaults; of a uniform flow those of the duct only."""
        absent = (() if self.lined else LINER) + (() if self.thick else LIP)
        given = {name: getattr(self, name) for name in LIMITS if name not in absent}
        if not self.jet:
            return {name: one for name, one in given.items() if name not in JET}
        return {
            name: Range(_JET_DEFAULTS[name], _JET_DEFAULTS[name]) if one is None else one for name, one in given.items()
        }

    @property
    def drawn(self) -> dict[str, Drawn]:
        """The parameters that are not tied to others."""
        return {name: one for name, one in self.parameters.items() if not isinstance(one, Tie)}

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """Least and largest value of every parameter."""
        drawn = {name: one.bounds for name, one in self.drawn.items()}
        return {
            name: drawn[name] if (tie := tie_of(one)) is None else _scaled(drawn.get(name), tie.bounds(drawn))
            for name, one in self.parameters.items()
        }

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.modes
        if low > high:
            raise ValueError(f"modes must be [least, largest], got [{low}, {high}]")
        return self

    @model_validator(mode="after")
    def _whole_liner(self) -> Self:
        if not self.lined:
            return self
        for name in LINER:
            if getattr(self, name) is None:
                raise ValueError(f"a liner needs {name.removeprefix('liner_')}: the table [liner] lacks it")
        if self.jet:
            raise ValueError(f"a duct with a liner has no jet in recipes, got mach = {self.mach.spelled()}")
        if self.mach.bounds != (0.0, 0.0):
            self._check_flow_over_liner()
        return self

    @model_validator(mode="after")
    def _whole_lip(self) -> Self:
        if self.thick:
            for name in LIP:
                if getattr(self, name) is None:
                    raise ValueError(f"a thick lip needs {name}: the table [source] lacks it")
        return self

    def _check_flow_over_liner(self) -> None:
        """Raise for liners that are not solved with flow, or only with a choice of their surface wave."""
        assert self.reactance is not None  # the liner is whole
        assert self.liner_distance is not None
        if self.reactance.bounds[1] > 0:
            raise ValueError(
                "with flow a liner's reactance must not be positive, where its surface wave may be an instability, got "
                f"reactance up to {self.reactance.bounds[1]:g}"
            )
        if self.liner_distance.bounds[0] == 0:
            raise ValueError("with flow a liner must end before the lip, got distance = 0")

    @model_validator(mode="after")
    def _tied(self) -> Self:
        for name, one in self.parameters.items():
            tie = tie_of(one)
            if tie is None:
                continue
            if unknown := tie.names - {key for key, drawn in self.drawn.items() if tie_of(drawn) is None}:
                raise ValueError(
                    f"{name} = {tie.text!r} depends on {min(unknown)!r:.40}, not on a parameter that is drawn"
                )
            try:
                low, high = self.bounds[name]
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            if not LIMITS[name].low <= low <= high <= LIMITS[name].high:
                raise ValueError(
                    f"{name} must lie in [{LIMITS[name].low:g}, {LIMITS[name].high:g}], "
                    f"but {tie.text!r} reaches from {low:.6g} to {high:.6g}"
                )
        return self

    @model_validator(mode="after")
    def _flowing(self) -> Self:
        slowest = self.bounds["mach"][0]
        if self.jet and slowest < _LEAST_JET:
            raise ValueError(f"a jet needs flow out of the duct: mach from {_LEAST_JET} on, got {slowest:.6g}")
        return self


def _scaled(drawn: tuple[float, float] | None, tie: tuple[float, float]) -> tuple[float, float]:
    """Bounds of a product of positive numbers, or of the tie alone."""
    return tie if drawn is None else (drawn[0] * tie[0], drawn[1] * tie[1])


class OutOfRange(Table):
    """A named test set outside the ranges of the source: its entries replace those of the source.

    share : its number of cases relative to the recipe's.
    """

    name: Annotated[str, Field(pattern=f"^{SPLIT_NAME}$")]
    share: Annotated[Finite, Field(gt=0, le=10)]
    m: Orders | None = None
    n: Literal["cut-on"] | RadialOrders | None = None
    helmholtz: Helmholtz | None = None
    mach: Mach | None = None
    hub: Hub | None = None
    mach_outer: MachOuter | None = None
    sound_speed_ratio: SpeedRatio | None = None
    density_ratio: DensityRatio | None = None
    kutta: Kutta | None = None
    resistance: Resistance | None = None
    reactance: Reactance | None = None
    liner_length: LinerLength | None = None
    liner_distance: LinerDistance | None = None
    lip_thickness: LipThickness | None = None
    lip_aspect: LipAspect | None = None
    modes: Modes | None = None

    def source(self, usual: Source) -> Source:
        """The recipe's source with this set's replacements."""
        changes: dict[str, Any] = {
            name: getattr(self, name) for name in Source.model_fields if getattr(self, name, None) is not None
        }
        return Source.model_validate(usual.model_dump() | changes)
