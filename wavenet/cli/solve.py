"""wavenet solve."""

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
    describe,
    describe_liner,
    far_field_values,
    jet_or_none,
    liners_as_values,
    numbers,
    pairs,
    physical_values,
    print_far_field,
    print_loudest,
    say,
    warn_of_cut_off,
)
from .liners import Liners
from .lips import LipText, describe_lip, lip_or_none
from .units import Loudness, Stream, with_units

if TYPE_CHECKING:
    import analytic
    from data.elements import Lip

    from ..arrays import FloatArray
    from ..study.solution import ModeAtAngles
    from ..study.thick_wall import LipAtAngles


@with_units
def solve(
    stream: Stream,
    loudness: Loudness,
    liners: Liners,
    m: Annotated[int, typer.Option(help="Azimuthal order m, of either sign.")],
    n: Annotated[int, typer.Option(help="Radial order n, from 0; (0, 0) is the plane wave.")],
    helmholtz: Helmholtz = None,
    mach: Annotated[float, typer.Option(help="Mach number in the duct, -1 ... 1, > 0 towards the open end.")] = 0.0,
    hub: Hub = 0.0,
    lip: LipText = None,
    jet: HasJet = False,
    mach_outer: MachOuter = 0.0,
    sound_speed_ratio: SoundSpeedRatio = 1.0,
    density_ratio: DensityRatio = 1.0,
    kutta: Kutta = 1.0,
    angles: Angles = "0:180:37",
    as_json: Json = False,
    plot: Plot = None,
) -> None:
    """Compute the far-field pressure in dB, reflection, impedance and power of one duct mode.

    The pressure at physical angles comes first, then the potential's directivity D, defined at other angles in
    a flow; JSON has them as far_field and directivity. With --lip the wall has a thickness: finite elements solve for
    it in about half a second, and the exact solution for the infinitely thin wall stands beside.

    Example: wavenet solve --m 2 --n 0 --helmholtz 5

    Example: wavenet solve --m 0 --n 0 --helmholtz 1 --mach 0.3 --jet

    Example: wavenet solve --m 4 --n 0 --helmholtz 8 --impedance 1.5+0.8j --liner-length 1 --liner-distance 0.5

    Example: wavenet solve --m 2 --n 0 --helmholtz 5 --lip flat:0.1

    Example: wavenet solve --m 22 --n 0 --radius 0.4m --frequency 3600Hz --temperature 15degC --mach=-0.35
    """
    from ..study import solution

    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta)
    source = stream.mode(m, n, helmholtz, mach, hub)
    strength = loudness.values(stream.radius)
    lined = liners.made(source.helmholtz, getattr(source, "duct", None))
    shape = lip_or_none(lip, source, jet=jet, impedance=lined)
    if shape is not None:
        _solve_lip(source, shape, angles_of(angles), strength, as_json, plot)
        return
    found = solution.mode(source, angles_of(angles), streams, strength, lined)
    warn_of_cut_off(source, lined, relative="wall_pressure" not in strength)
    if plot is not None:
        from ..study import pictures

        pictures.solution(found, plot)
    if as_json:
        say(_values(found), True)
    else:
        _print(found)


def _solve_lip(
    source: "analytic.DuctMode",
    lip: "Lip",
    degrees: "FloatArray",
    loudness: dict[str, float],
    as_json: bool,
    plot: Path | None,
) -> None:
    from ..study import thick_wall

    found = thick_wall.mode(source, lip, degrees, loudness)
    if plot is not None:
        from ..study import plots

        plots.lip(found, f"lip {describe_lip(lip)}", describe(source), plot)
    if as_json:
        say({**_values(found.thick), "lip": str(lip), "thin_wall": _values(found.thin)}, True)
    else:
        _print_lip(found)


def _values(found: "ModeAtAngles") -> dict[str, Any]:
    solved = found.solved
    values = {
        "cut_on": bool(solved.source.cut_on),
        **far_field_values(found.far, found.loudest),
        "reflection_pressure": pairs(solved.reflection_pressure),
        "reflection": pairs(solved.reflection),
        "specific_impedance": None if found.impedance is None else [found.impedance.real, found.impedance.imag],
        "transmission_loss_db": found.loss,
        "end_correction": found.end_correction,
        "power": found.power,
        "error_estimate": solved.error_estimate,
        **physical_values(solved.source),
    }
    if found.liners:
        values |= {"transmission": pairs(solved.transmission), "liners": liners_as_values(found.liners)}
    return values | {"instability": pairs(solved.instability)} if found.in_jet else values


def _print(found: "ModeAtAngles") -> None:
    solved, source = found.solved, found.solved.source
    print(describe(source))
    if found.in_jet:
        jet = solved.medium
        print(
            f"jet in a stream of M = {jet.mach_outer}, sound speed x {jet.sound_speed_ratio}, density x "
            f"{jet.density_ratio}, Kutta parameter {jet.kutta}"
        )
        print(f"instability exp(i mu x)  mu = {solved.instability[0]:.8f}")
    for liner in found.liners:
        print(describe_liner(liner))
    print_far_field(found.far)
    _print_mode(found)


def _print_lip(found: "LipAtAngles") -> None:
    print(describe(found.thick.solved.source))
    print(f"lip {describe_lip(found.lip)}, by finite elements; beside it the infinitely thin wall, exact")
    if found.thick.solved.source.mach:
        print("the flow is taken for uniform: how the lip disturbs it, times M^2, is left out")
    print_far_field(found.thick.far, found.thin.far)
    _print_mode(found.thick)
    print("the same for the infinitely thin wall:")
    _print_mode(found.thin)


def _print_mode(found: "ModeAtAngles") -> None:
    """What is no function of the angle."""
    from ..study.solution import decibels

    solved, source = found.solved, found.solved.source
    print_loudest(*found.loudest, "of all directions")
    for order, value in enumerate(solved.reflection_pressure):
        print(f"pressure reflected into order  {order:2d}  {value:.8f}  modulus {abs(value):.8f}  {decibels(value)}")
    for order, value in enumerate(solved.reflection):
        print(f"potential reflected into order {order:2d}  {value:.8f}  modulus {abs(value):.8f}  {decibels(value)}")
    for order, value in enumerate(solved.transmission if found.liners else ()):
        print(f"potential at the lip, order    {order:2d}  {value:.8f}  modulus {abs(value):.8f}  {decibels(value)}")
    if found.impedance is not None:
        print(f"specific impedance [rho c]         {found.impedance:.8f}")
    if found.loss is not None:
        print(f"transmission loss        {found.loss:.6f} dB")
    if found.end_correction is not None:
        print(f"end correction           {found.end_correction:.8f} radii{_metres(source, found.end_correction)}")
    say({f"power {name}": numbers(value) for name, value in found.power.items()}, False)
    print(f"error estimate           {solved.error_estimate:.1e}")


def _metres(source: "analytic.DuctMode", length: float) -> str:
    from analytic import PhysicalMode

    return f", {length * source.duct.radius:.6g} m" if isinstance(source, PhysicalMode) else ""
