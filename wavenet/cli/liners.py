"""Options of liners in front of the open end."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .quantities import quantity

if TYPE_CHECKING:
    import analytic


def _option(text: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, metavar=metavar, rich_help_panel="Liner")


class SurfaceWave(StrEnum):
    """What the surface wave over a liner in flow is taken for."""

    stable = "stable"
    unstable = "unstable"


@dataclass(frozen=True)
class Liners:
    """Options of liners, front to back, as typed: each is given once a liner."""

    impedance: Annotated[
        list[str] | None,
        _option(
            "Impedance Z / (rho c) of a liner's wall for exp(-i omega t), such as 1.5+0.8j, or a model of it with its "
            "parameters, such as mass-spring:resistance=1,mass=0.1,stiffness=0.4: mass-spring, helmholtz-resonator "
            "(resistance, mass, depth) or, with --radius, perforate (hole_diameter, thickness, open_area, depth). Once "
            "for each liner, front to back. The mode is then incident at the front of the first one.",
            metavar="Z",
        ),
    ] = None
    liner_length: Annotated[
        list[float] | None,
        _option("Length of a liner [duct radii]; inf for one from -infinity, of a lined mode.", metavar="LENGTH"),
    ] = None
    liner_distance: Annotated[
        list[float] | None,
        _option("Hard wall behind a liner, up to the next one or to the lip [duct radii].", metavar="LENGTH"),
    ] = None
    engineering_impedance: Annotated[
        bool,
        _option(
            "Impedances given as numbers are for exp(+i omega t): a mass has a positive imaginary part.",
            "--engineering-impedance",
        ),
    ] = False

    surface_wave: Annotated[
        SurfaceWave | None, _option("In flow, over a liner with Im Z > 0: what the surface wave is taken for.")
    ] = None

    def made(self, helmholtz: float, duct: "analytic.PhysicalDuct | None") -> "tuple[analytic.Liner, ...] | None":
        """The liners, or None without any.

        Raises
        ------
        ValueError
            An option is missing, not a number or model, or out of its range.
        """
        from analytic import Liner

        texts = self.impedance or []
        lengths, distances = self.liner_length or [], self.liner_distance or []
        if not len(texts) == len(lengths) == len(distances):
            raise ValueError(
                "each liner needs --impedance, --liner-length and --liner-distance, got "
                f"{len(texts)}, {len(lengths)} and {len(distances)} of them"
            )
        if not texts:
            if self.engineering_impedance or self.surface_wave is not None:
                raise ValueError("--engineering-impedance and --surface-wave need --impedance")
            return None
        wave = None if self.surface_wave is None else self.surface_wave.value
        found = []
        for text, length, distance in zip(texts, lengths, distances, strict=True):
            if ":" in text:
                found.append(Liner(_modelled(text, helmholtz, duct), length, distance, wave))
            else:
                make = Liner.engineering if self.engineering_impedance else Liner
                found.append(make(_number(text), length, distance, wave))
        return tuple(found)


def _number(text: str) -> complex:
    try:
        return complex(text.replace(" ", "").replace("i", "j"))
    except ValueError:
        raise ValueError(
            f"--impedance must be a number such as 1.5+0.8j, or a model such as mass-spring:resistance=1,mass=0.1,"
            f"stiffness=0.4, got {text!r}"
        ) from None


_MODELS = {  # names of the parameters that each needs, and of those that it may have
    "mass-spring": (("resistance", "mass", "stiffness"), ()),
    "helmholtz-resonator": (("resistance", "mass", "depth"), ("reactance", "damping")),
    "perforate": (("hole_diameter", "thickness", "open_area", "depth"), ()),
}
_LENGTHS = {"hole_diameter", "thickness", "depth"}  # of a perforate; the other models are without units


def _modelled(text: str, helmholtz: float, duct: "analytic.PhysicalDuct | None") -> complex:
    """Impedance of a model with its parameters, as in the help of --impedance."""
    from analytic import impedances

    name, _, rest = text.partition(":")
    if name not in _MODELS:
        raise ValueError(f"the impedance model must be one of {', '.join(_MODELS)}, got {name!r}")
    if name == "perforate" and duct is None:
        raise ValueError("a perforate has dimensions: it needs --radius")
    given = _parameters(text, rest, *_MODELS[name])
    if duct is None or name != "perforate":
        numbers = {key: _value(text, key, value) for key, value in given.items()}
        if name == "mass-spring":
            return complex(impedances.mass_spring(helmholtz, **numbers))
        return complex(impedances.helmholtz_resonator(helmholtz, **numbers))
    values = {
        key: quantity(value, "m", f"impedance perforate:{key}") if key in _LENGTHS else _value(text, key, value)
        for key, value in given.items()
    }
    fluid = {"radius": duct.radius, "sound_speed": duct.sound_speed, "density": duct.density}
    return complex(impedances.perforate(helmholtz, **fluid, **values))


def _parameters(text: str, rest: str, needed: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, str]:
    """Parameters of a model by name, as typed: each of them once."""
    pairs = [[word.strip() for word in part.partition("=")[::2]] for part in rest.split(",")]
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names) or not set(needed) <= set(names) <= {*needed, *optional}:
        form = ",".join(f"{name}=..." for name in needed)
        more = f" (or {' and '.join(optional)} besides)" if optional else ""
        raise ValueError(
            f"--impedance must name each parameter once, {text.partition(':')[0]}:{form}{more}, got {text!r}"
        )
    return dict(pairs)


def _value(text: str, name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"--impedance {text}: {name} must be a number, got {value!r}") from None
