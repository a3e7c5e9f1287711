"""wavenet convert."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from .common import Json, say


def convert(
    file: Annotated[
        Path, typer.Argument(help="Derivative dataset (.h5), or MATLAB file of the original study (.mat).")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write: .mat or .h5.")],
    split: Annotated[str | None, typer.Option(help="To .mat: write only this split [all].")] = None,
    helmholtz: Annotated[float | None, typer.Option(help="From .mat: ka of all cases [fitted to each].")] = None,
    mach: Annotated[float | None, typer.Option(help="From .mat: M of all cases [fitted to each].")] = None,
    as_json: Json = False,
) -> None:
    """Convert a dataset to the MATLAB layout of the original study, or back.

    Example: wavenet convert derivative.h5 -o derivative.mat --split test
    """
    from data.convert import from_matlab, to_matlab

    kinds = file.suffix.lower(), output.suffix.lower()
    if kinds == (".h5", ".mat"):
        if helmholtz is not None or mach is not None:
            raise ValueError(
                f"--helmholtz and --mach apply only to conversion from .mat, got {file.name}, which has its own"
            )
        say(to_matlab(file, output, split=split), as_json)
    elif kinds == (".mat", ".h5"):
        if split is not None:
            raise ValueError(f"--split {split} applies only to conversion to .mat, got {output.name}")
        misfit = from_matlab(file, output, helmholtz=helmholtz, mach=mach)
        say({"file": str(output), "misfit": dataclasses.asdict(misfit)}, as_json)
    else:
        raise ValueError(
            f"expected a conversion from .h5 to .mat or from .mat to .h5, got {file.name} and {output.name}"
        )
