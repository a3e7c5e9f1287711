"""wavenet multimode."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .common import (
    DensityRatio,
    HasJet,
    Hub,
    Json,
    Kutta,
    MachOuter,
    SoundSpeedRatio,
    angles_of,
    jet_or_none,
    say,
)


class Model(StrEnum):
    """Distribution of the incident power among the modes."""

    equal_power = "equal-power"
    equal_energy_density = "equal-energy-density"


def multimode(
    helmholtz: Annotated[float, typer.Option(help="Helmholtz number ka.")],
    model: Annotated[Model, typer.Option(help="How incident power is shared among the modes.")] = Model.equal_power,
    mach: Annotated[float, typer.Option(help="Mach number, > 0 towards the open end.")] = 0.0,
    hub: Hub = 0.0,
    jet: HasJet = False,
    mach_outer: MachOuter = 0.0,
    sound_speed_ratio: SoundSpeedRatio = 1.0,
    density_ratio: DensityRatio = 1.0,
    kutta: Kutta = 1.0,
    angles: Annotated[str, typer.Option(help="Angles from:to:count in degrees.")] = "0:180:37",
    as_json: Json = False,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the directivity.")] = None,
) -> None:
    """Compute the directivity in dB and the radiated power of all cut-on modes, mutually incoherent.

    Example: wavenet multimode --helmholtz 20 --model equal-power
    """
    from ..study import solution

    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta)
    found = solution.modes(model.value, helmholtz, mach, hub, angles_of(angles), streams)
    title = f"{found.count} modes, {model.value}, ka = {helmholtz}, M = {mach}"
    if plot is not None:
        from ..study import pictures

        pictures.level(found.degrees, found.level, title, plot)
    if as_json:
        index = {"angle_deg": found.degrees.tolist(), "level_db": found.finite_level}
        values = {"modes": found.count, "power": found.power, "directivity_index": index}
        say(values | {"error_estimate": found.error_estimate}, True)
        return
    print(f"{found.count} modes are cut on, {model.value}, ka = {helmholtz}, M = {mach}, hub = {hub}")
    say({f"power {name}": f"{value:.6e}" for name, value in found.power.items()}, False)
    print(f"error estimate           {found.error_estimate:.1e}")
    print("angle [deg]  directivity index [dB]")
    for angle, value in zip(found.degrees, found.level, strict=True):
        print(f"{angle:11.2f}  {value:8.3f}")
