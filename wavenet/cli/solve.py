"""wavenet solve."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    pairs,
    say,
)

if TYPE_CHECKING:
    from ..study.solution import ModeAtAngles


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
) -> None:
    """Compute the reflection, end correction, power and directivity of one duct mode.

    Example: wavenet solve --m 2 --n 0 --helmholtz 5

    Example: wavenet solve --m 0 --n 0 --helmholtz 1 --mach 0.3 --jet
    """
    import analytic

    from ..study import solution

    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta)
    found = solution.mode(analytic.DuctMode(m, n, helmholtz, mach, hub), angles_of(angles), streams)
    if plot is not None:
        _plot(found, plot)
    if as_json:
        say(_values(found), True)
    else:
        _print(found)


def _values(found: "ModeAtAngles") -> dict[str, Any]:
    solved = found.solved
    values = {
        "cut_on": bool(solved.source.cut_on),
        "reflection": pairs(solved.reflection),
        "reflection_pressure": pairs(solved.reflection_pressure),
        "end_correction": solved.end_correction,
        "power": found.power,
        "directivity": {"angle_deg": found.degrees.tolist(), "amplitude": pairs(found.amplitude)},
        "error_estimate": solved.error_estimate,
    }
    return values | {"instability": pairs(solved.instability)} if found.in_jet else values


def _plot(found: "ModeAtAngles", path: Path) -> None:
    from ..study import pictures
    from ..study.solution import without_growing_wave

    if found.in_jet:
        pictured = without_growing_wave(found.solved.source, found.solved.medium)
        pictures.solution(pictured, path, "Re p [ρ c²], without the growing wave")
    else:
        pictures.solution(found.solved, path)


def _print(found: "ModeAtAngles") -> None:
    solved, source = found.solved, found.solved.source
    label = "" if source.cut_on else "  (cut off: it carries no power of its own)"
    print(f"mode ({source.m}, {source.n}), ka = {source.helmholtz}, M = {source.mach}, hub = {source.hub}{label}")
    if found.in_jet:
        jet = solved.medium
        print(
            f"jet in a stream of M = {jet.mach_outer}, sound speed x {jet.sound_speed_ratio}, density x "
            f"{jet.density_ratio}, Kutta parameter {jet.kutta}"
        )
        print(f"instability exp(i mu x)  mu = {solved.instability[0]:.8f}")
    for order, value in enumerate(solved.reflection):
        print(f"reflection into order {order:2d}  {value:.8f}  modulus {abs(value):.8f}")
    for order, value in enumerate(solved.reflection_pressure):
        print(f"  pressures, order    {order:2d}  {value:.8f}  modulus {abs(value):.8f}")
    if solved.end_correction is not None:
        print(f"end correction           {solved.end_correction:.8f} radii")
    say({f"power {name}": f"{value:.6e}" for name, value in found.power.items()}, False)
    print(f"error estimate           {solved.error_estimate:.1e}")
    print("angle [deg]  |D| [radii]")
    for angle, value in zip(found.degrees, found.modulus, strict=True):
        print(f"{angle:11.2f}  {value:.6e}")
