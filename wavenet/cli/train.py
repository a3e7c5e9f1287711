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
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False,
    as_json: Json = False,
):
    """Train a network.

    Example: wavenet train derivative --data derivative.h5 -o run --model constrained
    """
    from data.read import read
    from wavenet.checkpoint import DEFAULTS, MODELS, WEIGHTS, save

    name = model or DEFAULTS[task]
    if name not in MODELS or MODELS[name][0] != task:
        good = ", ".join(key for key, (of, _, _) in MODELS.items() if of == task)
        raise ValueError(f"--model must be one of {good} for the {task} task, got {name!r}")
    dataset = read(data, task=task)
    for split in ("train", "validation"):
        if not len(dataset.cases(split)):
            raise ValueError(f"{data} has no {split} cases")
    run = folder(output)
    if not resume and any(run.iterdir()):
        raise FileExistsError(f"{run} is not empty; --resume goes on, another folder starts anew")
    import lightning as L

    from wavenet.training import PRESETS, fit

    from .tasks import build, tensors

    L.seed_everything(seed, verbose=False)
    options = PRESETS[name, preset]
    network = build(name, dataset, options)
    started = time.perf_counter()
    taught, held_out = (tensors(dataset, dataset.cases(split)) for split in ("train", "validation"))
    network = fit(network, taught, held_out, run, preset=options, resume=resume, progress=not as_json)
    seconds = time.perf_counter() - started
    about = {"dataset": dataset.provenance, "preset": preset, "seed": seed, "training_seconds": seconds}
    save(run, name, network, about)
    say({"weights": str(run / WEIGHTS), "model": name, "seconds": round(seconds, 1)}, as_json)
