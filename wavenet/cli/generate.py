"""wavenet generate."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .common import Json, say


def generate(
    recipe: Annotated[str, typer.Argument(help="TOML file, or the name of a built-in recipe (see wavenet recipes).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    workers: Annotated[int, typer.Option(help="Worker processes on this machine.")] = os.cpu_count() or 1,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a running dask scheduler, tcp://HOST:PORT, whose workers to use instead."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted generation.")] = False,
    cases: Annotated[int | None, typer.Option(help="Number of cases [the recipe's].")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random draws [the recipe's].")] = None,
    as_json: Json = False,
) -> None:
    """Generate a dataset from a recipe, and describe it in NAME.card.md and NAME.card.png beside it.

    Example: wavenet generate derivative-demo -o derivative.h5
    """
    from rich.console import Console
    from rich.progress import Progress

    from data.card import card
    from data.generate import Interrupted
    from data.generate import generate as compute
    from data.read import read_small
    from data.recipe import load

    from ..study import pictures

    named = load(recipe, cases=cases, seed=seed)
    bar = Progress(console=Console(stderr=True))
    task = bar.add_task(output.name)

    def advance(done: int, total: int) -> None:
        bar.start()  # only with the first result, so that an earlier error is printed on a line of its own
        bar.update(task, completed=done, total=total)

    try:
        summary = compute(named, output, workers=workers, scheduler=scheduler, resume=resume, progress=advance)
    except Interrupted as error:
        bar.stop()
        print(f"wavenet: {error}", file=sys.stderr)
        raise typer.Exit(130) from None
    finally:
        if bar.live.is_started:
            bar.stop()
    dataset, picture = read_small(output), output.with_name(f"{output.stem}.card.png")
    pictures.dataset(dataset, picture)
    output.with_name(f"{output.stem}.card.md").write_text(card(dataset, output.name, picture.name), encoding="utf-8")
    say(
        {
            "file": str(output),
            "task": named.recipe.task,
            "cases": summary.cases,
            "missing": len(summary.missing),
        },
        as_json,
    )
