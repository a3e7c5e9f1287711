"""wavenet train."""

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .common import Data, Json, folder, say


def train(
    task: Annotated[
        Literal["forward", "derivative", "edge", "factor"],
        typer.Argument(
            help="What to learn; edge: functions around the lip, for the constrained network; factor: directivities."
        ),
    ],
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.")],
    model: Annotated[str | None, typer.Option(help="mlp (forward); unet or constrained (derivative).")] = None,
    edge: Annotated[
        Path | None, typer.Option(help="Run of the edge task that the constrained network uses [the shipped one's].")
    ] = None,
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
    from wavenet.checkpoint import DEFAULTS, MODELS, SHIPPED, WEIGHTS, load, save

    name = model or DEFAULTS[task]
    if name not in MODELS or MODELS[name][0] != task:
        good = ", ".join(key for key, (of, _, _) in MODELS.items() if of == task)
        raise ValueError(f"--model must be one of {good} for the {task} task, got {name!r}")
    if edge is not None and name != "constrained":
        raise ValueError(f"--edge is for the model constrained, not for {name}")
    in_one_go = name in ("edge", "directivity")
    if resume and in_one_go:
        raise ValueError(f"--resume means nothing for {name}: it is learned in one go")
    splits = ("train",) if in_one_go else ("train", "validation")
    cases = {split: Cases(data, split, task=task) for split in splits}
    for split, found in cases.items():
        if not len(found):
            raise ValueError(f"{data} has no {split} cases")
    functions = None
    if name == "constrained":
        functions = load(edge, task="edge")[1] if edge else load(SHIPPED["derivative"], task="derivative")[1].edge
    run = folder(output)
    if not resume and any(run.iterdir()):
        raise FileExistsError(f"{run} is not empty; --resume goes on, another folder starts anew")
    started = time.perf_counter()
    if in_one_go:
        from . import tasks

        network: Any = (
            tasks.edge_functions(cases["train"]) if name == "edge" else tasks.directivity(cases["train"], seed)
        )
    else:
        import lightning as L

        from wavenet.training import PRESETS, fit

        from .tasks import build, examples

        L.seed_everything(seed, verbose=False)
        options = PRESETS[name, preset]
        network = build(name, cases["train"], options, functions)
        training: dict = {"preset": options, "workers": workers, "resume": resume, "progress": not as_json}
        network = fit(network, examples(cases["train"]), examples(cases["validation"]), run, **training)
    seconds = time.perf_counter() - started
    columns = cases["train"].columns
    about = {
        "dataset": cases["train"].about.provenance,
        "preset": preset,
        "seed": seed,
        "training_seconds": seconds,
        "ranges": {key: [float(columns[key].min()), float(columns[key].max())] for key in ("m", "helmholtz", "mach")},
    }
    save(run, name, network, about)
    say({"weights": str(run / WEIGHTS), "model": name, "seconds": round(seconds, 1)}, as_json)
