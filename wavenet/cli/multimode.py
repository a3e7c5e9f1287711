"""wavenet multimode."""

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .common import DensityRatio, HasJet, Hub, Json, Kutta, MachOuter, SoundSpeedRatio, jet_or_none, say, span


class Model(StrEnum):
    """How the incident power is shared among the modes that are cut on."""

    equal_power = "equal-power"
    equal_energy_density = "equal-energy-density"


def multimode(
    helmholtz: Annotated[float, typer.Option(help="Helmholtz number ka.")],
    model: Annotated[Model, typer.Option(help="What the modes that are cut on have in common.")] = Model.equal_power,
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
):
    """Directivity in dB and radiated power of all modes that are cut on, mutually incoherent.

    Example: wavenet multimode --helmholtz 20 --model equal-power
    """
    import analytic

    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta)
    source = getattr(analytic.MultiMode, model.name)(helmholtz, mach, hub)
    degrees = np.linspace(*span(angles, "angles"))
    solution = analytic.solve(source, jet=streams)
    level = solution.level(np.radians(degrees))
    values = {
        "modes": len(source.parts),
        "power": {name: float(value) for name, value in dataclasses.asdict(solution.power).items()},
        "directivity_index": {
            "angle_deg": degrees.tolist(),
            "level_db": [value if np.isfinite(value) else None for value in level.tolist()],
        },
        "error_estimate": solution.error_estimate,
    }
    if plot is not None:
        from ..study import pictures

        pictures.level(degrees, level, f"{len(source.parts)} modes, {model.value}, ka = {helmholtz}, M = {mach}", plot)
    if as_json:
        say(values, True)
        return
    print(f"{len(source.parts)} modes are cut on, {model.value}, ka = {helmholtz}, M = {mach}, hub = {hub}")
    say({f"power {name}": f"{value:.6e}" for name, value in values["power"].items()}, False)
    print(f"error estimate           {solution.error_estimate:.1e}")
    print("angle [deg]  directivity index [dB]")
    for angle, value in zip(degrees, level, strict=True):
        print(f"{angle:11.2f}  {value:8.3f}")
