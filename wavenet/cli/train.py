"""wavenet train."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from .common import Data, Json, say, warn


# long: one parameter an option
def train(
    task: Annotated[
        Literal["forward", "derivative", "edge", "factor", "jet_factor", "lip", "lip_near"],
        typer.Argument(
            metavar="TASK",
            help="forward: pressures at microphones; derivative: velocities from a potential; edge: functions around "
            "the lip, for the constrained network; factor: directivities; jet_factor: fields of jets; lip: "
            "ducts with a thick wall; lip_near: their near fields.",
        ),
    ],
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="RUN", help="Folder of the run to write.")],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Network of the task [its first]: feedforward or mlp of forward; constrained, constrained-unet, "
            "fno or unet of derivative; edge, directivity, jet, lip and lip-near of the others; or FILE.py:CLASS, "
            "one of your own.",
            autocompletion=lambda: ["feedforward", "mlp", "constrained", "constrained-unet", "fno", "unet"],
        ),
    ] = None,
    edge: Annotated[
        Path | None,
        typer.Option(help="Folder of a run of the edge task, for the constrained network [the one shipped]."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Size and length of the training: quick, standard, or FILE.toml:NAME.",
            autocompletion=lambda: ["quick", "standard"],
        ),
    ] = "quick",
    epochs: Annotated[int | None, typer.Option(help="Largest number of epochs [the preset's].")] = None,
    batch: Annotated[int | None, typer.Option(help="Cases of a batch, over all devices [the preset's].")] = None,
    rate: Annotated[float | None, typer.Option(help="Initial learning rate [the preset's].")] = None,
    seed: Annotated[int, typer.Option(help="Seed of initial weights and batches.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that load the cases, if these do not fit into memory.")] = 0,
    devices: Annotated[
        int,
        typer.Option(
            help="GPUs to use on each machine, or processes if it has none; each batch is divided among them."
        ),
    ] = 1,
    nodes: Annotated[
        int, typer.Option(help="Number of machines; start the command on each of them by torchrun or srun.")
    ] = 1,
    device: Annotated[
        str | None,
        typer.Option(
            help="Device: cpu, cuda, or cuda:N; with --devices the kind of all, cpu or cuda [GPUs if there are any]."
        ),
    ] = None,
    precision: Annotated[
        Literal["fp32", "tf32", "bf16"],
        typer.Option(help="Arithmetic: single precision; TF32 on recent NVIDIA GPUs; bfloat16 in products."),
    ] = "fp32",
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the training step by torch.compile, for long trainings.")
    ] = False,
    constraints: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Constraints of a U-net, separated by commas, or none [its preset's]. Of unet: phase, consistent, "
            "waves, edge, wall, axis, barrier; of constrained-unet: edge, lip, ends, joint, barrier, superposition, "
            "phase, residuals.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the run's last checkpoint.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network on a dataset, and write its weights and the log of its losses.

    The training stops earlier than its preset says if the loss of the validation cases grows no smaller.

    Example: wavenet train derivative --data derivative.h5 -o run --model constrained
    """
    from ..study import training

    chosen = None if constraints is None else tuple(name for name in constraints.split(",") if name not in ("", "none"))
    options = training.Options(
        preset,
        seed,
        workers,
        devices,
        nodes,
        device,
        resume,
        progress=not as_json,
        precision=precision,
        compiled=compiled,
        constraints=chosen,
        epochs=epochs,
        batch=batch,
        rate=rate,
    )
    try:
        found = training.train(
            task, data, output, model=model, edge=edge, options=options, note=lambda text: warn([text])
        )
    except training.Interrupted as error:
        if training.leads(options):
            kept = "continue with --resume" if error.kept else "nothing was kept"
            print(f"wavenet: interrupted: {kept}", file=sys.stderr)
        raise typer.Exit(128 + error.signal) from None
    if found is not None:
        say({"weights": str(found.weights), "model": found.name, "seconds": round(found.seconds, 1)}, as_json)
