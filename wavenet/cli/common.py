"""Options and outputs that commands share."""

import json
from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option("--data", help="Dataset file written by generate.")]
Out = Annotated[Path, typer.Option("-o", "--output", help="Folder or file to write.")]
Model = Annotated[
    str | None, typer.Option(help="FILE.py:CLASS of the run's network, where it is not one of the package's.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

Hub = Annotated[float, typer.Option(help="Radius of a hard hub [duct radii], 0 for none.")]
HasJet = Annotated[bool, typer.Option("--jet", help="The duct's stream goes on as a jet, behind a vortex sheet.")]
MachOuter = Annotated[float, typer.Option(help="With --jet: Mach number outside, in the outer sound speed.")]
SoundSpeedRatio = Annotated[float, typer.Option(help="With --jet: sound speed, outside over inside.")]
DensityRatio = Annotated[float, typer.Option(help="With --jet: density, outside over inside.")]
Kutta = Annotated[float, typer.Option(help="With --jet: Kutta parameter, 0 (no vortex shedding) to 1 (full).")]


def jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta, **others):
    """analytic.Jet of the options, or None; an option of a jet without --jet is an error."""
    import analytic

    values = {
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
            raise ValueError(f"--{name.replace('_', '-')} {value} means nothing without --jet")
    return None


def say(values, as_json):
    """Print results: JSON for machines, a line each for people."""
    if as_json:
        print(json.dumps(values))
    else:
        for key, value in values.items():
            print(f"{key:24} {value}")


def folder(path):
    """Make an output folder now, so that an unwritable one fails before work begins."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    probe = path / ".writable"
    probe.touch()
    probe.unlink()
    return path


def span(text, name):
    """start:end:count."""
    try:
        start, end, count = text.split(":")
        start, end, count = float(start), float(end), int(count)
    except ValueError:
        raise ValueError(f"--{name} must be start:end:count, got {text!r}") from None
    if not (start < end and count >= 1 and abs(start) < 1e6 and abs(end) < 1e6):
        raise ValueError(f"--{name} must be start:end:count with start < end and count >= 1, got {text!r}")
    return start, end, count


def new_file(path):
    """Refuse to overwrite, and a folder that is not there, before work begins."""
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists and is not overwritten")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} to")
    return path
