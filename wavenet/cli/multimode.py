"""wavenet multimode."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import (
    Angles,
    DensityRatio,
    HasJet,
    Helmholtz,
    Hub,
    Json,
    Kutta,
    MachOuter,
    Plot,
    SoundSpeedRatio,
    angles_of,
    describe_liner,
    jet_or_none,
    numbers,
    print_loudest,
    say,
)
from .liners import Liners
from .quantities import quantity
from .units import Loudness, Stream, with_units

if TYPE_CHECKING:
    import analytic


class Model(StrEnum):
    """Distribution of the incident power among the modes."""

    equal_power = "equal-power"
    equal_energy_density = "equal-energy-density"


# long: options
@with_units
def multimode(
    stream: Stream,
    loudness: Loudness,
    liners: Liners,
    helmholtz: Helmholtz = None,
    model: Annotated[Model, typer.Option(help="How incident power is shared among the modes.")] = Model.equal_power,
    mach: Annotated[float, typer.Option(help="Mach number in the duct, -1 ... 1, > 0 towards the open end.")] = 0.0,
    hub: Hub = 0.0,
    jet: HasJet = False,
    mach_outer: MachOuter = 0.0,
    sound_speed_ratio: SoundSpeedRatio = 1.0,
    density_ratio: DensityRatio = 1.0,
    kutta: Kutta = 1.0,
    angles: Angles = "0:180:37",
    bands: Annotated[
        str | None,
        typer.Option(
            help="Third-octave bands with nominal frequencies in from:to, such as 500Hz:4kHz, in place of one "
            "frequency; needs --radius. --power is that in each band.",
            rich_help_panel="Physical units",
        ),
    ] = None,
    as_json: Json = False,
    plot: Plot = None,
) -> None:
    """Compute the far-field pressure in dB and the power of all cut-on modes, mutually incoherent.

    The level is that of the pressure at physical angles: over a monopole of the radiated power, or with physical units
    a sound pressure level.

    Example: wavenet multimode --helmholtz 20 --model equal-power

    Example: wavenet multimode --helmholtz 4 --impedance 1+0.5j --liner-length 1 --liner-distance 0.5

    Example: wavenet multimode --radius 0.4m --temperature 15degC --mach=-0.35 --bands 500Hz:1kHz
    """
    from ..study import solution

    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta)
    duct, strength = stream.duct(mach, hub), loudness.values(stream.radius)
    if "wall_pressure" in strength:
        raise ValueError("--wall-pressure is of one mode: give --power")
    if bands is not None:
        if liners != Liners():
            raise ValueError("--bands has no liners: give one frequency")
        if duct is None or helmholtz is not None or stream.frequency is not None:
            raise ValueError("--bands needs --radius, and neither --frequency nor --helmholtz")
        _bands(model.value, duct, bands, angles, streams, strength, as_json, plot)
        return
    if duct is not None:
        mach, hub = duct.mach, duct.hub
    ka = stream.helmholtz(duct, helmholtz)
    lined = liners.made(ka, duct)
    options: dict[str, Any] = {"duct": duct, "loudness": strength, "liners": lined}
    found = solution.modes(model.value, ka, mach, hub, angles_of(angles), streams, **options)
    title = f"{model.value}, ka = {ka:.6g}, M = {mach:.6g}"
    if plot is not None:
        from ..study import plots

        plots.levels(found.degrees, {"": found.level}, found.reference, f"{found.count} modes, {title}", plot)
    if as_json:
        far = {"angle_deg": found.degrees.tolist(), "level_db": found.finite_level, "reference": found.reference}
        say(
            {"modes": found.count, "far_field": far, "power": found.power, "error_estimate": found.error_estimate},
            True,
        )
        return
    print(f"{found.count} modes are cut on, {title}, hub = {hub:.6g}")
    for liner in lined or ():
        print(describe_liner(liner))
    print(f"pressure far away at physical angles, level in {found.reference}")
    print("angle [deg]  level [dB]")
    for angle, value in zip(found.degrees, found.level, strict=True):
        print(f"{angle:11.2f}  {value:10.3f}")
    print_loudest(*found.loudest)
    say({f"power {name}": numbers(value) for name, value in found.power.items()}, False)
    print(f"error estimate           {found.error_estimate:.1e}")


def _bands(
    model: str,
    duct: "analytic.PhysicalDuct",
    text: str,
    angles: str,
    jet: "analytic.Jet | None",
    strength: dict[str, float],
    as_json: bool,
    plot: Path | None,
) -> None:
    """Print levels in third-octave bands, and draw them."""
    from ..progress import Progress
    from ..study import solution

    edges = text.split(":")
    if len(edges) != 2:
        raise ValueError(f"--bands must be from:to, such as 500Hz:4kHz, got {text!r}")
    lowest, highest = (quantity(edge, "Hz", "bands") for edge in edges)
    degrees = angles_of(angles)
    with Progress(f"bands from {lowest:g} to {highest:g} Hz", "bands", shown=not as_json) as shown:
        found, reference = solution.bands(model, duct, lowest, highest, degrees, jet, strength, progress=shown.to)
    nominal = [band.nominal for band in found.bands]
    title = f"all modes that are cut on, {model}, radius {duct.radius:g} m, M = {duct.mach:.6g}, hub = {duct.hub:.6g}"
    if plot is not None:
        from ..study import plots

        plots.levels(
            degrees, {f"{f:g} Hz": row for f, row in zip(nominal, found.level, strict=True)}, reference, title, plot
        )
    if as_json:
        levels = [solution.finite(row) for row in found.level]
        far = {"bands_hz": nominal, "angle_deg": degrees.tolist(), "level_db": levels, "reference": reference}
        say({"far_field": far, "error_estimate_db": found.error_estimate.tolist()}, True)
        return
    print(title)
    print(f"pressure far away at physical angles, level in {reference}")
    print("  band [Hz]" + "".join(f"{f:9g}" for f in nominal))
    for angle, row in zip(degrees, found.level.T, strict=True):
        print(f"{angle:7.2f} deg" + "".join(f"{value:9.3f}" for value in row))
    print("error +-   " + "".join(f"{value:9.1e}" for value in found.error_estimate))
