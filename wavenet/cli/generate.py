"""wavenet generate."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import CORES, Json, Scheduler, Timeout, Workers, say, warn

if TYPE_CHECKING:
    from data.generate import Summary
    from data.recipe import NamedRecipe


def generate(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="TOML file, or a built-in recipe: annulus, derivative, derivative-demo, ducts, edge, factor, forward, "
            "forward-demo, jet, jet-derivative, lined-derivative, lined-forward, lip, lip-demo or lip-near.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    workers: Workers = CORES,
    scheduler: Scheduler = None,
    timeout: Timeout = 60.0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted generation.")] = False,
    cases: Annotated[int | None, typer.Option(help="Number of cases [the recipe's].")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random draws [the recipe's].")] = None,
    as_json: Json = False,
) -> None:
    """Generate a dataset from a recipe, and describe it in NAME.card.md and NAME.card.png beside it.

    Example: wavenet generate derivative-demo -o derivative.h5
    """
    from data.recipe import load

    if not output.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {output.parent} to write {output.name} in")
    named = load(recipe, cases=cases, seed=seed)
    options = {"workers": workers, "scheduler": scheduler, "timeout": timeout, "resume": resume}
    summary = _generate(named, output, options)
    try:
        _describe(output)
    except OSError as error:
        raise OSError(f"{output} is complete, but its card is not written: {error}") from None
    say(
        {
            "file": str(output),
            "task": named.recipe.task,
            "cases": summary.cases,
            "missing": len(summary.missing),
        },
        as_json,
    )


def _generate(named: "NamedRecipe", output: Path, options: dict[str, Any]) -> "Summary":
    """Generate the file, and show how far it is."""
    from data.generate import Interrupted, generate

    from ..progress import Progress

    try:
        with Progress(output.name, "cases") as shown:
            return generate(named, output, progress=shown.to, note=lambda text: warn([text]), **options)
    except Interrupted as error:
        print(f"wavenet: {error}", file=sys.stderr)
        raise typer.Exit(128 + error.signal) from None


def _describe(output: Path) -> None:
    """Write the card and the picture of a dataset beside it."""
    from data.card import card
    from data.read import read_small

    from ..study import pictures

    dataset, picture = read_small(output), output.with_name(f"{output.stem}.card.png")
    pictures.dataset(dataset, picture)
    text = card(dataset, output.name, picture.name)
    output.with_name(f"{output.stem}.card.md").write_text(text, encoding="utf-8", errors="backslashreplace")
