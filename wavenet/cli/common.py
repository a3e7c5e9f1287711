"""Options and output shared by the commands."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    import analytic

Data = Annotated[Path, typer.Option("--data", help="Dataset file, as written by wavenet generate.")]
Out = Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.")]
Model = Annotated[
    str | None, typer.Option(help="FILE.py:CLASS of the run's network, if it is not one of the package's.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

Hub = Annotated[float, typer.Option(help="Radius of a hard hub [duct radii], 0 for none.")]
HasJet = Annotated[bool, typer.Option("--jet", help="The duct's stream continues as a jet, inside a vortex sheet.")]
MachOuter = Annotated[float, typer.Option(help="With --jet: Mach number of the outer stream, by its own sound speed.")]
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


def say(values: Mapping[str, Any], as_json: bool) -> None:
    """Print results as one JSON object, or one per line."""
    if as_json:
        print(json.dumps(values))
    else:
        for key, value in values.items():
            print(f"{key:24} {value}")


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


def span(text: str, name: str) -> tuple[float, float, int]:
    """Numbers in from:to:count."""
    try:
        first, last, number = text.split(":")
        start, end, count = float(first), float(last), int(number)
    except ValueError:
        raise ValueError(f"--{name} must be from:to:count, such as 0:2:64, got {text!r}") from None
    if not (start < end and count >= 1 and abs(start) < 1e6 and abs(end) < 1e6):
        raise ValueError(
            f"--{name} must be from:to:count with from < to, both within +-1e6, and count >= 1, got {text!r}"
        )
    return start, end, count


def angles_of(text: str) -> "npt.NDArray[np.float64]":
    """Angles [deg] given as --angles from:to:count."""
    import numpy as np

    return np.linspace(*span(text, "angles"))


def new_file(path: str | Path) -> Path:
    """Path of an output file; refuses an existing file or a missing folder before work begins."""
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists and is not overwritten")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} in")
    return path
