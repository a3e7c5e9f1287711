"""Options and outputs that commands share."""

import json
from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option("--data", help="Dataset file written by generate.")]
Out = Annotated[Path, typer.Option("-o", "--output", help="Folder or file to write.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


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
