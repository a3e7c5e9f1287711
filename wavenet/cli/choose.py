"""wavenet choose."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .common import CORES, Json, Scheduler, Timeout, Workers, new_file, say, warn


# long: one parameter an option
def choose(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="TOML file, or a built-in recipe, of the task lip: lip or lip-demo.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    reflection: Annotated[
        float | None, typer.Option(help="Median error wanted of a mode's reflected power amplitudes, such as 1e-3.")
    ] = None,
    directivity: Annotated[
        float | None, typer.Option(help="Median error wanted of directivities, relative to their size, such as 1e-2.")
    ] = None,
    cases: Annotated[int, typer.Option(help="Largest number of cases to compute.")] = 200,
    batch: Annotated[int, typer.Option(help="Cases between one training and the next.")] = 24,
    start: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Dataset to begin with, counted among the cases.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draws [the recipe's].")] = None,
    workers: Workers = CORES,
    scheduler: Scheduler = None,
    timeout: Timeout = 60.0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted choice.")] = False,
    as_json: Json = False,
) -> None:
    """Compute the cases of a recipe that a network needs most, until its measured errors are small enough.

    Half of every batch is drawn and half is chosen, where the network expects its largest errors. The network is judged
    by the drawn half, before it learns from it.

    Example: wavenet choose lip -o lip.h5 --reflection 1e-3 --directivity 1e-2 --cases 400
    """
    new_file(output)
    from data.generate import Interrupted
    from data.recipe import load

    from ..progress import Progress
    from ..study.candidates import Judged
    from ..study.choice import Machine, choose
    from ..study.learners import learner

    named = load(recipe, seed=seed)
    wanted = {"reflection": reflection, "directivity": directivity}
    try:
        with Progress(output.name, "cases") as shown:

            def told(judged: Mapping[str, Judged]) -> None:
                shown.note(**{f"{name}_error": f"{one.median:.1e}" for name, one in judged.items()})

            found = choose(
                named,
                output,
                learner(named.recipe.task),
                wanted={name: value for name, value in wanted.items() if value is not None},
                cases=cases,
                batch=batch,
                start=start,
                machine=Machine(workers, scheduler, timeout),
                resume=resume,
                progress=shown.to,
                told=told,
                note=lambda text: warn([text]),
            )
    except Interrupted as error:
        print(f"wavenet: {error}", file=sys.stderr)
        raise typer.Exit(128 + error.signal) from None
    facts: dict[str, Any] = {
        "file": str(found.file),
        "cases": found.cases,
        "drawn": found.drawn,
        "missing": found.missing,
    }
    for name, one in found.judged.items():
        facts[f"{name}_error"] = one.median
        facts[f"{name}_error_at_most"] = one.limit
    say(facts | ({"reached": found.reached} if found.wanted else {}), as_json)
