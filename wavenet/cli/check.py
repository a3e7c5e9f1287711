"""wavenet check."""

from pathlib import Path
from typing import Annotated

import typer

from .common import Json, say


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Dataset file, as written by wavenet generate.")],
    as_json: Json = False,
) -> None:
    """Check every value of a dataset file.

    Example: wavenet check derivative.h5
    """
    from data.read import check as inspect

    summary = inspect(file)
    provenance = summary.pop("provenance")
    say(
        summary | {name: provenance[name] for name in ("recipe_name", "seed", "commit", "versions", "content_hash")},
        as_json,
    )
