"""Options of liners in front of the open end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .quantities import quantity

if TYPE_CHECKING:
    import analytic


def _option(text: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel="Liner")


@dataclass(frozen=True)
class Liners:
    """Options of liners, front to back, as typed: each is given once a liner."""

    impedance: Annotated[
        list[str] | None,
        _option(
            "Impedance Z / (rho c) of a liner's wall for exp(-i omega t), such as 1.5+0.8j, or a model of it with its "
            "parameters, such as mass-spring:resistance=1,mass=0.1,stiffness=0.4: mass-spring, helmholtz-resonator "
            "(resistance, mass, depth) or, with --radius, perforate (hole_diameter, thickness, open_area, depth). Once "
            "for each liner, front to back. The mode is then incident at the front of the first one."
        ),
    ] = None
    liner_length: Annotated[
        list[float] | None, _option("Length of a liner [duct radii]; inf for one from -infinity, of a lined mode.")
    ] = None
    liner_distance: Annotated[
        list[float] | None, _option("Hard wall behind a liner, up to the next one or to the lip [duct radii].")
    ] = None
    engineering_impedance: Annotated[
        bool,
        _option(
            "Impedances given as numbers are for exp(+i omega t): a mass has a positive imaginary part.",
            "--engineering-impedance",
        ),
    ] = False

    surface_wave: Annotated[
        str | None,
        _option("In flow, over a liner with Im Z > 0, take the surface wave for stable or unstable."),
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
        found = []
        for text, length, distance in zip(texts, lengths, distances, strict=True):
            if ":" in text:
                found.append(Liner(_modelled(text, helmholtz, duct), length, distance, self.surface_wave))
            else:
                make = Liner.engineering if self.engineering_impedance else Liner
                found.append(make(_number(text), length, distance, self.surface_wave))
        return tuple(found)


def _number(text: str) -> complex:
    try:
        return complex(text.replace(" ", "").replace("i", "j"))
    except ValueError:
        raise ValueError(
            f"--impedance must be a number such as 1.5+0.8j, or a model such as mass-spring:resistance=1,mass=0.1,"
            f"stiffness=0.4, got {text!r}"
        ) from None


def _modelled(text: str, helmholtz: float, duct: "analytic.PhysicalDuct | None") -> complex:
    name, _, rest = text.partition(":")
    models = _models()
    if name not in models:
        raise ValueError(f"the impedance model must be one of {', '.join(models)}, got {name!r}")
    given: dict[str, str] = {}
    for part in rest.split(","):
        key, equals, value = part.partition("=")
        if not equals or key.strip() in given:
            raise ValueError(f"expected {name}:name=value,name=value, got {text!r}")
        given[key.strip()] = value
    try:
        return models[name](helmholtz, given, duct)
    except (TypeError, KeyError) as error:  # a parameter too many, or one that is missing
        raise ValueError(f"--impedance {text}: {error}") from None


Model = Callable[[float, Mapping[str, str], "analytic.PhysicalDuct | None"], complex]


def _models() -> dict[str, Model]:
    from analytic import impedances

    def plain(function: Callable[..., Any]) -> Model:
        def made(helmholtz: float, given: Mapping[str, str], duct: "analytic.PhysicalDuct | None") -> complex:
            return complex(function(helmholtz, **{name: float(value) for name, value in given.items()}))

        return made

    def perforate(helmholtz: float, given: Mapping[str, str], duct: "analytic.PhysicalDuct | None") -> complex:
        if duct is None:
            raise ValueError("a perforate has dimensions: it needs --radius")
        values = {
            name: float(value) if name == "open_area" else quantity(value, "m", f"impedance perforate:{name}")
            for name, value in given.items()
        }
        fluid = {"radius": duct.radius, "sound_speed": duct.sound_speed, "density": duct.density}
        return complex(impedances.perforate(helmholtz, **fluid, **values))

    return {
        "mass-spring": plain(impedances.mass_spring),
        "helmholtz-resonator": plain(impedances.helmholtz_resonator),
        "perforate": perforate,
    }
