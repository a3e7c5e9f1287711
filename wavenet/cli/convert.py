"""wavenet convert."""

from pathlib import Path
from typing import Annotated

import typer

from .common import Json, new_file, say


def convert(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Dataset (.h5) to convert, or a file or folder to make a dataset of.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="File or folder to write; a dataset ends in .h5.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Format of the other side [by its suffix]: matlab (.mat, the original study's layout), matlab73 (the "
            "same in MATLAB 7.3), well (a folder in the layout of The Well), pdebench (.hdf5), npz (.npz), pt (.pt).",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="From a dataset: only this split, such as test [all].")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="To well, pdebench: time steps of a period [4].")] = None,
    helmholtz: Annotated[
        float | None, typer.Option("--helmholtz", "--ka", help="From .mat: ka of all cases [the file's, or fitted].")
    ] = None,
    mach: Annotated[float | None, typer.Option(help="From .mat: M of all cases [the file's, or fitted].")] = None,
    as_json: Json = False,
) -> None:
    """Convert a dataset to another format, or back: MATLAB, The Well, PDEBench, numpy, PyTorch.

    What does not come back to the last bit is compared with the solver, and refused if it does not agree.

    Example: wavenet convert derivative.h5 -o derivative.mat --split test

    Example: wavenet convert derivative.h5 -o derivative-well --format well
    """
    from data.convert import from_format, to_format

    from ..study.conversion import FORMATS

    def given(**options: float | None) -> dict[str, float]:
        return {option: value for option, value in options.items() if value is not None}

    source, target = (path.suffix.lower() == ".h5" for path in (file, output))
    if source == target:
        raise ValueError(
            f"expected a conversion from a dataset (.h5) to another format, or back, got {file.name} and {output.name}"
        )
    new_file(output)
    if source:
        options = given(steps=steps, helmholtz=helmholtz, mach=mach)
        say(to_format(file, output, name=name, split=split, formats=FORMATS, **options), as_json)
        return
    if split is not None:
        raise ValueError(f"--split {split} applies only to conversion from a dataset, got {file.name}")
    found = from_format(file, output, name=name, formats=FORMATS, **given(steps=steps, helmholtz=helmholtz, mach=mach))
    say({"file": str(output), "cases": found.cases, "unchanged": found.unchanged, "misfit": found.misfit}, as_json)
