"""Options and output shared by the commands."""

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .words import facts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    import analytic

    from ..study.solution import FarField

Data = Annotated[Path, typer.Option("--data", metavar="FILE", help="Dataset file, as written by wavenet generate.")]
Out = Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Folder to write to.")]
_RUNS = "Folder of a trained run, or the name of a network of the package:"
Run = Annotated[
    str,
    typer.Argument(metavar="RUN", help=f"{_RUNS} derivative, constrained_unet, forward, jet_factor, unet or mlp."),
]
Runs = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN",
        help=f"{_RUNS} derivative, constrained_unet, forward, jet_factor, unet or mlp; several in one report.",
    ),
]
FactorRun = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="Folder of a run of the factor task, with --jet of jet_factor, or the name of the package's network, "
        "factor or jet_factor [these].",
    ),
]


def _picture(path: Path | None) -> Path | None:
    """The file of a picture; one that cannot be written is refused before work begins."""
    if path is None:
        return None
    if path.suffix.lower() not in _PICTURES:
        raise ValueError(f"--plot must end in {', '.join(_PICTURES)}, got {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} in")
    return path


_PICTURES = ".png", ".svg", ".pdf"
Plot = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a picture: .png, .svg or .pdf.", callback=_picture)
]
Model = Annotated[
    str | None,
    typer.Option(metavar="FILE.py:CLASS", help="Network of the run, if it is not one of the package's."),
]
CORES = os.cpu_count() or 1
Workers = Annotated[int, typer.Option(help="Worker processes on this machine [one a core].", show_default=False)]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Address of a running dask scheduler, tcp://HOST:PORT, whose workers to use instead."),
]
Timeout = Annotated[
    float, typer.Option(help="With --scheduler: seconds to wait if it does not answer or has no workers.")
]
Device = Annotated[str, typer.Option(help="Device of the network: cpu, cuda, or cuda:N.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

Helmholtz = Annotated[
    float | None,
    typer.Option("--helmholtz", "--ka", help="Helmholtz number ka; or --frequency and --radius, in physical units."),
]
Angles = Annotated[
    str,
    typer.Option(
        metavar="FROM:TO:COUNT",
        help="Physical angles in degrees, 0 ... 180: where microphones stand, 0 on the axis in front.",
    ),
]
Hub = Annotated[float, typer.Option(help="Radius of a hard hub [duct radii], 0 ... 0.95.")]
HasJet = Annotated[
    bool, typer.Option("--jet", help="The duct's stream, --mach > 0, continues as a jet inside a vortex sheet.")
]
MachOuter = Annotated[
    float, typer.Option(help="With --jet: Mach number of the outer stream, in its own sound speed, 0 ... 1.")
]
SoundSpeedRatio = Annotated[float, typer.Option(help="With --jet: sound speed, outside over inside.")]
DensityRatio = Annotated[float, typer.Option(help="With --jet: density, outside over inside.")]
Kutta = Annotated[float, typer.Option(help="With --jet: Kutta parameter, 0 (no vortex shedding) to 1 (full).")]


def jet_or_none(
    jet: bool, mach_outer: float, sound_speed_ratio: float, density_ratio: float, kutta: float, **others: Any
) -> "analytic.Jet | None":
    """Jet described by the options, or None without --jet, when none of its options may be given."""
    import analytic

    values: dict[str, Any] = {
        "mach_outer": mach_outer,
        "sound_speed_ratio": sound_speed_ratio,
        "density_ratio": density_ratio,
        "kutta": kutta,
        **others,
    }
    if jet:
        return analytic.Jet(**values)
    default = analytic.Jet()
    for name, value in values.items():
        if value != getattr(default, name):
            raise ValueError(f"--{name.replace('_', '-')} {value} is an option of a jet: it needs --jet")
    return None


def describe(source: "analytic.DuctMode", note: str = "") -> str:
    """A mode in words, with its physical units if it has them."""
    from analytic import PhysicalMode

    if not isinstance(source, PhysicalMode):
        label = "" if source.cut_on else "  (cut off: it carries no power of its own)"
        numbers = f"ka = {source.helmholtz}, M = {source.mach}, hub = {source.hub}"
        return f"mode ({source.m}, {source.n}), {numbers}{note}{label}"
    stream = f"c = {source.duct.sound_speed:.3f} m/s, rho = {source.duct.density:.4f} kg/m^3"
    numbers = f"ka = {source.helmholtz:.6g}, M = {source.mach:.6g}, hub = {source.hub:.6g}"
    duct = f"{source.frequency:.6g} Hz, radius {source.duct.radius:g} m, {stream}"
    label = "" if source.cut_on else f"\n{source.cut_off}: it carries no power of its own"
    return f"mode ({source.m}, {source.n}), {duct}\n{numbers}{note}{label}"


def describe_liner(liner: "analytic.Liner") -> str:
    """A liner in words."""
    length = f"length {liner.length:g}" if liner.length < float("inf") else "from -infinity"
    behind = f"{liner.distance:g} of hard wall behind it" if liner.distance else "no hard wall behind it"
    return f"liner of Z = {liner.impedance:.6g} for exp(-i omega t), {length}, {behind}"


def liners_as_values(liners: "Iterable[analytic.Liner]") -> list[dict[str, Any]]:
    """Liners as JSON knows them."""
    return [
        {
            "impedance": [liner.impedance.real, liner.impedance.imag],
            "length": liner.length if liner.length < float("inf") else None,
            "distance": liner.distance,
        }
        for liner in liners
    ]


def numbers(value: "float | list[float]") -> str:
    """A power, or those of several liners."""
    return " ".join(f"{one:.6e}" for one in value) if isinstance(value, list) else f"{value:.6e}"


def print_far_field(far: "FarField", thin: "FarField | None" = None) -> None:
    """The table of the far field: the pressure at physical angles first, then the potential.

    thin : that of an infinitely thin wall, whose level stands beside.
    """
    from ..study.solution import RELATIVE

    relative = far.reference == RELATIVE
    print(f"pressure far away at physical angles, level in {far.reference};")
    print("beside it the potential: D at the angle theta of the same direction in the plane (x / beta, r)")
    beside = "" if thin is None else "thin wall [dB]  "
    pressure_name = "|p| [rho c^2]" if relative else "p rms [Pa]"
    print(f"angle [deg]  level [dB]  {beside}{pressure_name:>13}  theta [deg]  |D| [radii]")
    pressures = abs(far.pressure) if relative else far.pascals
    columns = far.degrees, far.level, pressures, far.theta, abs(far.amplitude)
    for row, (angle, level, pressure, theta, potential) in enumerate(zip(*columns, strict=True)):
        other = "" if thin is None else f"{thin.level[row]:14.3f}  "
        print(f"{angle:11.2f}  {level:10.3f}  {other}{pressure:13.6e}  {theta:11.2f}  {potential:.6e}")


def print_loudest(level: float, angle: float, where: str = "at these angles") -> None:
    """The highest level, and its angle."""
    if level > float("-inf"):
        print(f"highest level {where}: {level:.3f} dB at {angle:.2f} deg")


def warn_of_cut_off(
    source: "analytic.DuctMode", liners: "Iterable[analytic.Liner] | None" = None, *, relative: bool = True
) -> None:
    """Warn of a mode of a hard-walled duct that does not propagate.

    relative : whether levels are those of `study.solution.RELATIVE`, though the mode has physical units.
    """
    from analytic import PhysicalMode

    endless = any(liner.length == float("inf") for liner in liners or ())  # then it is a mode of the liner
    if not source.cut_on and not endless:
        instead = "; levels are relative to its pressure at the wall, --wall-pressure gives those in dB re 20 uPa"
        warn([f"{source.cut_off}{instead if relative and isinstance(source, PhysicalMode) else ''}"])


def far_field_values(far: "FarField", loudest: tuple[float, float] | None = None) -> dict[str, Any]:
    """The far field as JSON knows it; loudest : highest level of all directions, and its angle."""
    highest = {} if loudest is None else {"highest_level_db": finite(loudest[0]), "highest_level_at_deg": loudest[1]}
    return {
        "far_field": {
            "angle_deg": far.degrees.tolist(),
            "level_db": far.finite_level,
            "reference": far.reference,
            "pressure": pairs(far.pressure),
            **highest,
        },
        "directivity": {"theta_deg": far.theta.tolist(), "amplitude": pairs(far.amplitude)},
    }


def finite(value: float) -> float | None:
    """A number for JSON, None where it is not finite."""
    return value if abs(value) < float("inf") else None


def physical_values(source: "analytic.DuctMode") -> dict[str, float]:
    """Physical units of a mode that has them, in SI units, as JSON and files know them."""
    from analytic import PhysicalMode

    if not isinstance(source, PhysicalMode):
        return {}
    return {
        "frequency_hz": source.frequency,
        "cut_on_frequency_hz": source.cut_on_frequency,
        "radius_m": source.duct.radius,
        "sound_speed_m_per_s": source.duct.sound_speed,
        "density_kg_per_m3": source.duct.density,
    }


def say(values: Mapping[str, Any], as_json: bool) -> None:
    """Print results as one JSON object, with all digits, or for people, one per line."""
    if as_json:
        print(json.dumps(values))
    else:
        facts(values)


def warn(lines: Iterable[str]) -> None:
    """Print warnings to standard error, one per line, so that the results can still be parsed."""
    for line in lines:
        print(f"wavenet: warning: {line}", file=sys.stderr)


def pairs(values: "npt.NDArray[np.complexfloating[Any, Any]]") -> list[list[float]]:
    """Complex numbers as JSON values, [real, imaginary]."""
    return [[value.real, value.imag] for value in values.tolist()]


def folder(path: str | Path) -> Path:
    """Create an output folder; one that cannot be written to fails here, before work begins."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    probe = path / ".writable"
    probe.touch()
    probe.unlink()
    return path


def expect_folder(path: Path) -> None:
    """Refuse a path that no folder can be made at, before work begins and without making it."""
    place = next(one for one in (path, *path.absolute().parents) if one.exists())
    if not place.is_dir():
        raise NotADirectoryError(f"{place} is a file, no folder to write {path.name} in")


_MOST = 100_000  # numbers in from:to:count; a slip of the finger would take all memory


def span(text: str, name: str) -> tuple[float, float, int]:
    """Numbers in from:to:count."""
    try:
        first, last, number = text.split(":")
        start, end, count = float(first), float(last), int(number)
    except ValueError:
        raise ValueError(f"--{name} must be from:to:count, such as 0:2:64, got {text!r}") from None
    if not (start < end and 1 <= count <= _MOST and abs(start) < 1e6 and abs(end) < 1e6):
        raise ValueError(
            f"--{name} must be from:to:count with from < to, both within +-1e6, and count from 1 to {_MOST}, got "
            f"{text!r}"
        )
    return start, end, count


def point_of(text: str) -> tuple[float, float]:
    """Position given as X,R."""
    try:
        x, r = map(float, text.split(","))
    except ValueError:
        raise ValueError(f"--at must be X,R, such as 0.1,1, got {text!r}") from None
    if not (math.isfinite(x) and math.isfinite(r) and r >= 0):
        raise ValueError(f"--at must be X,R, both finite and R >= 0, got {text!r}")
    return x, r


def angles_of(text: str) -> "npt.NDArray[np.float64]":
    """Angles [deg] given as --angles from:to:count."""
    import numpy as np

    start, end, count = span(text, "angles")
    if not (start >= 0 and end <= 180):
        raise ValueError(f"--angles must lie in 0 ... 180 degrees, got {text!r}")
    return np.linspace(start, end, count)


def new_file(path: str | Path) -> Path:
    """Path of an output file; refuses an existing file or a missing folder before work begins."""
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists and is not overwritten")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} in")
    return path
