"""wavenet train."""

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from .common import Data, Json, folder, say


def train(
    task: Annotated[Literal["forward", "derivative"], typer.Argument(help="What to learn.")],
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.")],
    model: Annotated[str | None, typer.Option(help="mlp (forward); unet or constrained (derivative).")] = None,
    preset: Annotated[Literal["quick", "standard"], typer.Option(help="Length of the training.")] = "quick",
    seed: Annotated[int, typer.Option(help="Of initial weights and batches.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that load cases which do not fit into memory.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False,
    as_json: Json = False,
):
    """Train a network.

    Example: wavenet train derivative --data derivative.h5 -o run --model constrained
    """
    from data.read import Cases
    from wavenet.checkpoint import DEFAULTS, MODELS, WEIGHTS, save

    name = model or DEFAULTS[task]
    if name not in MODELS or MODELS[name][0] != task:
        good = ", ".join(key for key, (of, _, _) in MODELS.items() if of == task)
        raise ValueError(f"--model must be one of {good} for the {task} task, got {name!r}")
    taught, held_out = (Cases(data, split, task=task) for split in ("train", "validation"))
    for split, cases in (("train", taught), ("validation", held_out)):
        if not len(cases):
            raise ValueError(f"{data} has no {split} cases")
    run = folder(output)
    if not resume and any(run.iterdir()):
        raise FileExistsError(f"{run} is not empty; --resume goes on, another folder starts anew")
    import lightning as L

    from wavenet.training import PRESETS, fit

    from .tasks import build, examples

    L.seed_everything(seed, verbose=False)
    options = PRESETS[name, preset]
    network = build(name, taught, options)
    started = time.perf_counter()
    network = fit(
        network,
        examples(taught),
        examples(held_out),
        run,
        preset=options,
        workers=workers,
        resume=resume,
        progress=not as_json,
    )
    seconds = time.perf_counter() - started
    about = {"dataset": taught.about.provenance, "preset": preset, "seed": seed, "training_seconds": seconds}
    save(run, name, network, about)
    say({"weights": str(run / WEIGHTS), "model": name, "seconds": round(seconds, 1)}, as_json)
