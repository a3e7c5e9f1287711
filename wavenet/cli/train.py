"""wavenet train."""

import hashlib
import os
import sys
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
    devices: Annotated[
        int, typer.Option(help="GPUs of this machine, or processes where it has none; they share every batch.")
    ] = 1,
    nodes: Annotated[int, typer.Option(help="Machines, each with so many; start it on all, by torchrun or srun.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False,
    as_json: Json = False,
):
    """Train a network.

    Example: wavenet train derivative --data derivative.h5 -o run --model constrained
    """
    from data.read import Cases
    from wavenet.runs import DEFAULTS, MODELS, SHIPPED, WEIGHTS, load, save

    name = model or DEFAULTS[task]
    if name not in MODELS or MODELS[name][0] != task:
        good = ", ".join(key for key, (of, _, _) in MODELS.items() if of == task)
        raise ValueError(f"--model must be one of {good} for the {task} task, got {name!r}")
    if edge is not None and name != "constrained":
        raise ValueError(f"--edge is for the model constrained, not for {name}")
    in_one_go = name in ("edge", "directivity")
    if resume and in_one_go:
        raise ValueError(f"--resume means nothing for {name}: it is learned in one go")
    if in_one_go and (devices, nodes) != (1, 1):
        raise ValueError(f"--devices and --nodes mean nothing for {name}: it is learned in one go")
    leading = (devices, nodes) == (1, 1) or _leads()
    splits = ("train",) if in_one_go else ("train", "validation")
    cases = {split: Cases(data, split, task=task) for split in splits}
    for split, found in cases.items():
        if not len(found):
            raise ValueError(f"{data} has no {split} cases")
    functions = None
    if name == "constrained":
        functions = load(edge, task="edge")[1] if edge else load(SHIPPED["derivative"], task="derivative")[1].edge
    if not in_one_go:
        from wavenet.training.loop import LAST, PRESETS, check_devices, fit

        options = PRESETS[name, preset]
        check_devices(options, devices, nodes)
    run = folder(output) if leading else output
    if leading and not resume and any(not path.name.endswith(".partial") for path in run.iterdir()):
        raise FileExistsError(f"{run} is not empty; --resume goes on, another folder starts anew")
    started = time.perf_counter()
    if in_one_go:
        from ..study import tasks

        network: Any = (
            tasks.edge_functions(cases["train"]) if name == "edge" else tasks.directivity(cases["train"], seed)
        )
    else:
        import lightning as L

        from ..study.tasks import build, examples

        L.seed_everything(seed, verbose=False)
        network = build(name, cases["train"], options, functions)
        shared = {"model": name, "dataset": _identity(cases["train"].about.provenance)}
        training: dict = {"preset": options, "seed": seed, "workers": workers, "devices": devices, "nodes": nodes}
        training |= {"resume": resume, "progress": leading and not as_json, "about": shared}
        try:
            network = fit(network, examples(cases["train"]), examples(cases["validation"]), run, **training)
        except KeyboardInterrupt:
            if leading:
                kept = "go on with --resume" if (run / LAST).is_file() else "nothing was kept"
                print(f"wavenet: interrupted: {kept}", file=sys.stderr)
            raise typer.Exit(130) from None
    if not leading:
        return
    seconds = time.perf_counter() - started
    columns = cases["train"].columns
    about = {
        "dataset": cases["train"].about.provenance,
        "preset": preset,
        "seed": seed,
        "training_seconds": None if resume else seconds,  # nobody has counted those before the interruption
        "ranges": {key: [float(columns[key].min()), float(columns[key].max())] for key in ("m", "helmholtz", "mach")},
    }
    save(run, name, network, about)
    say({"weights": str(run / WEIGHTS), "model": name, "seconds": round(seconds, 1)}, as_json)


def _identity(provenance):
    """What tells a dataset from another one: an interrupted training goes on with the same."""
    text = "\n".join(str(provenance[name]) for name in ("recipe", "commit", "versions"))
    return f"{provenance['recipe_name']}, seed {provenance['seed']}, {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _leads():
    """Whether this is the first of the processes that train together, as torchrun, Lightning or SLURM number them.

    It alone looks whether the run's folder is empty, and writes and speaks.
    """
    if "RANK" in os.environ:
        return os.environ["RANK"] == "0"
    if "LOCAL_RANK" in os.environ or "NODE_RANK" in os.environ:
        return os.environ.get("LOCAL_RANK", "0") == os.environ.get("NODE_RANK", "0") == "0"
    return os.environ.get("SLURM_PROCID", "0") == "0"
