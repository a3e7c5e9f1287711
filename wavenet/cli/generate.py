"""wavenet generate."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .common import Json, say


def generate(
    recipe: Annotated[str, typer.Argument(help="A TOML file or the name of a built-in recipe.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    workers: Annotated[int, typer.Option(help="Worker processes on this machine.")] = os.cpu_count() or 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Use a running dask scheduler, tcp://HOST:PORT, and its workers instead.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted call.")] = False,
    cases: Annotated[int | None, typer.Option(help="Number of cases, instead of the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, instead of the recipe's.")] = None,
    as_json: Json = False,
) -> None:
    """Compute a dataset by a recipe; NAME.card.md and NAME.card.png beside it describe it.

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
        bar.start()  # with the first result: before it, an error is a line of its own
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
