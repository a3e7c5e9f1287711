"""Options with physical units, and the decorator that gives them to a command."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .liners import Liners
from .quantities import quantity

if TYPE_CHECKING:
    import analytic


def _option(text: str) -> Any:
    return typer.Option(help=text, metavar="QUANTITY", rich_help_panel="Physical units")


@dataclass(frozen=True)
class Stream:
    """Options of a duct in physical units, as typed."""

    radius: Annotated[
        str | None, _option("Radius of the duct, such as 0.4m; levels are then sound pressure levels.")
    ] = None
    frequency: Annotated[str | None, _option("Frequency, such as 1200Hz; with --radius, in place of --helmholtz.")] = (
        None
    )
    temperature: Annotated[
        str | None, _option("With --radius: static temperature of the air in the duct, such as 15degC.")
    ] = None
    sound_speed: Annotated[
        str | None, _option("Sound speed in the duct, such as 340m/s, in place of --temperature.")
    ] = None
    velocity: Annotated[str | None, _option("Flow, such as 100m/s, > 0 towards the open end; or --mach.")] = None
    static_pressure: Annotated[str | None, _option("Static pressure in the duct [101325Pa].")] = None
    density: Annotated[str | None, _option("Density in the duct, in place of --static-pressure.")] = None
    hub_radius: Annotated[str | None, _option("Radius of a hard hub, such as 0.1m; or --hub.")] = None

    def duct(self, mach: float, hub: float) -> "analytic.PhysicalDuct | None":
        """The duct, or None without --radius; its flow and hub may be given as numbers without units.

        Raises
        ------
        ValueError
            An option is missing, given twice, or not a quantity.
        """
        from analytic import PhysicalDuct

        if self.radius is None:
            for name, value in vars(self).items():
                if value is not None:
                    raise ValueError(f"--{name.replace('_', '-')} {value} needs --radius")
            return None
        if self.velocity is not None and mach:
            raise ValueError(f"give --velocity or --mach, got {self.velocity} and {mach}")
        if self.hub_radius is not None and hub:
            raise ValueError(f"give --hub-radius or --hub, got {self.hub_radius} and {hub}")
        if (self.temperature is None) == (self.sound_speed is None):
            raise ValueError("give --temperature or --sound-speed with --radius")
        radius = quantity(self.radius, "m", "radius")
        return PhysicalDuct.filled(
            radius,
            temperature=self._number("temperature", "K"),
            sound_speed=self._number("sound_speed", "m/s"),
            static_pressure=self._number("static_pressure", "Pa"),
            density=self._number("density", "kg/m^3"),
            velocity=self._number("velocity", "m/s"),
            mach=mach if self.velocity is None else None,
            hub_radius=hub * radius if self.hub_radius is None else quantity(self.hub_radius, "m", "hub-radius"),
        )

    def mode(self, m: int, n: int, helmholtz: float | None, mach: float, hub: float) -> "analytic.DuctMode":
        """The mode, with a `duct` if there is --radius."""
        from analytic import DuctMode

        duct = self.duct(mach, hub)
        if duct is None:
            return DuctMode(m, n, self.helmholtz(None, helmholtz), mach, hub)
        return duct.mode(m, n, duct.frequency(self.helmholtz(duct, helmholtz)))

    def helmholtz(self, duct: "analytic.PhysicalDuct | None", helmholtz: float | None) -> float:
        """Helmholtz number from --helmholtz or --frequency."""
        if (helmholtz is None) == (self.frequency is None):
            got = "neither" if helmholtz is None else f"--helmholtz {helmholtz:g} and --frequency {self.frequency}"
            raise ValueError(f"give --helmholtz, or --frequency with --radius, got {got}")
        if self.frequency is None or duct is None:
            assert helmholtz is not None
            return helmholtz
        return duct.helmholtz(quantity(self.frequency, "Hz", "frequency"))

    def _number(self, name: str, unit: str) -> float | None:
        text = getattr(self, name)
        return None if text is None else quantity(text, unit, name.replace("_", "-"))


@dataclass(frozen=True)
class Loudness:
    """Options of the strength of a source and the distance to it, as typed."""

    distance: Annotated[str | None, _option("Distance of the levels from the open end's centre [1m].")] = None
    power: Annotated[str | None, _option("Incident sound power, such as 1W or 120dB [1W].")] = None
    wall_pressure: Annotated[
        str | None,
        _option("In place of --power: rms pressure of the incident mode at the wall, such as 20Pa or 120dB."),
    ] = None

    def values(self, source: object) -> dict[str, float]:
        """Distance [m], power [W] and wall pressure [Pa] of those given, which need a source with physical units."""
        values = {}
        for name, unit in (("distance", "m"), ("power", "W"), ("wall_pressure", "Pa")):
            text = getattr(self, name)
            if text is not None:
                option = name.replace("_", "-")
                if source is None:
                    raise ValueError(f"--{option} {text} needs --radius")
                values[name] = quantity(text, unit, option)
        return values


def with_units(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose arguments of the types Stream, Loudness and Liners, if any, are options of their own."""
    signature = inspect.signature(command)
    kinds = {name: one.annotation for name, one in signature.parameters.items()}
    groups = {name: kind for name, kind in kinds.items() if kind in (Stream, Loudness, Liners)}

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        made = {}
        for name, group in groups.items():
            fields = [field.name for field in dataclasses.fields(group)]
            made[name] = group(**{field: given.pop(field) for field in fields if field in given})
        command(**made, **given)

    options = [one for name, one in signature.parameters.items() if name not in groups]
    for group in groups.values():
        options += inspect.signature(group).parameters.values()
    options = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in options]
    wrapped.__signature__ = signature.replace(parameters=options)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {one.name: one.annotation for one in options}
    return wrapped
