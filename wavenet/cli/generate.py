"""wavenet generate."""

import os
from pathlib import Path
from typing import Annotated

import typer

from .common import Json, say


def generate(
    recipe: Annotated[str, typer.Argument(help="A TOML file or the name of a built-in recipe.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    workers: Annotated[int, typer.Option(help="Worker processes.")] = os.cpu_count() or 1,
    cases: Annotated[int | None, typer.Option(help="Number of cases, instead of the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, instead of the recipe's.")] = None,
    as_json: Json = False,
):
    """Compute a dataset by a recipe.

    Example: wavenet generate derivative-demo -o derivative.h5
    """
    from rich.console import Console
    from rich.progress import Progress

    from data.generate import generate as compute
    from data.recipe import load

    named = load(recipe, cases=cases, seed=seed)
    bar = Progress(console=Console(stderr=True))
    task = bar.add_task(output.name, total=named.recipe.cases)

    def advance(done):
        bar.start()  # with the first result: before it, an error is a line of its own
        bar.update(task, completed=done)

    try:
        compute(named, output, workers=workers, progress=advance)
    finally:
        if bar.live.is_started:
            bar.stop()
    say({"file": str(output), "task": named.recipe.task, "cases": named.recipe.cases}, as_json)
