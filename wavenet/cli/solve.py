"""wavenet solve."""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .common import DensityRatio, HasJet, Hub, Json, Kutta, MachOuter, SoundSpeedRatio, jet_or_none, say, span


def _pairs(values):
    return [[value.real, value.imag] for value in values.tolist()]


def solve(
    m: Annotated[int, typer.Option(help="Azimuthal order.")],
    n: Annotated[int, typer.Option(help="Radial order, from 0.")],
    helmholtz: Annotated[float, typer.Option(help="Helmholtz number ka.")],
    mach: Annotated[float, typer.Option(help="Mach number, > 0 towards the open end.")] = 0.0,
    hub: Hub = 0.0,
    jet: HasJet = False,
    mach_outer: MachOuter = 0.0,
    sound_speed_ratio: SoundSpeedRatio = 1.0,
    density_ratio: DensityRatio = 1.0,
    kutta: Kutta = 1.0,
    angles: Annotated[str, typer.Option(help="Angles from:to:count in degrees.")] = "0:180:37",
    as_json: Json = False,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of directivity and near field.")] = None,
):
    """Reflection, end correction, power and directivity of one duct mode.

    Example: wavenet solve --m 2 --n 0 --helmholtz 5

    Example: wavenet solve --m 0 --n 0 --helmholtz 1 --mach 0.3 --jet
    """
    import analytic

    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta)
    solution = analytic.solve(analytic.DuctMode(m, n, helmholtz, mach, hub), jet=streams)
    degrees = np.linspace(*span(angles, "angles"))
    amplitude = solution.directivity(np.radians(degrees))
    power = solution.power
    values = {
        "cut_on": bool(solution.source.cut_on),
        "reflection": _pairs(solution.reflection),
        "reflection_pressure": _pairs(solution.reflection_pressure),
        "end_correction": solution.end_correction,
        "power": dataclasses.asdict(power),
        "directivity": {"angle_deg": degrees.tolist(), "amplitude": _pairs(amplitude)},
        "error_estimate": solution.error_estimate,
    }
    if streams is not None:
        values["instability"] = _pairs(solution.instability)
    if plot is not None:
        from ..study import pictures

        if streams is None:
            pictures.solution(solution, plot)
        else:  # the growing wave would hide all else
            pictured = analytic.solve(solution.source, jet=dataclasses.replace(streams, instability=False))
            pictures.solution(pictured, plot, "Re p [ρ c²], without the growing wave")
    if as_json:
        say(values, True)
        return
    label = "" if values["cut_on"] else "  (cut off: it carries no power of its own)"
    print(f"mode ({m}, {n}), ka = {helmholtz}, M = {mach}, hub = {hub}{label}")
    if streams is not None:
        print(
            f"jet in a stream of M = {mach_outer}, sound speed x {sound_speed_ratio}, density x {density_ratio}, "
            f"Kutta parameter {kutta}"
        )
        print(f"instability exp(i mu x)  mu = {solution.instability[0]:.8f}")
    for order, value in enumerate(solution.reflection):
        print(f"reflection into order {order:2d}  {value:.8f}  modulus {abs(value):.8f}")
    for order, value in enumerate(solution.reflection_pressure):
        print(f"  pressures, order    {order:2d}  {value:.8f}  modulus {abs(value):.8f}")
    if solution.end_correction is not None:
        print(f"end correction           {solution.end_correction:.8f} radii")
    say({f"power {name}": f"{value:.6e}" for name, value in values["power"].items()}, False)
    print(f"error estimate           {solution.error_estimate:.1e}")
    print("angle [deg]  |D| [radii]")
    for angle, value in zip(degrees, np.abs(amplitude), strict=True):
        print(f"{angle:11.2f}  {value:.6e}")
