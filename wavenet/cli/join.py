"""wavenet join."""

from pathlib import Path
from typing import Annotated

import typer

from .common import Json, new_file, say


def join(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Datasets (.h5) of one task.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    as_json: Json = False,
) -> None:
    """Join datasets of one task with the same positions, such as batches of chosen cases.

    Example: wavenet join first.h5 batch.h5 -o both.h5
    """
    from data.convert.joined import join

    new_file(output)
    say({"file": str(output), "cases": join(files, output)}, as_json)
