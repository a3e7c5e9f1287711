"""Training a network on a dataset file, from the file's name to the weights in a run's folder."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

import analytic
from data.read import Cases
from wavenet import derivatives, runs
from wavenet.arrays import FloatArray
from wavenet.networks import Network

from . import tasks

_RANGES = ("m", "helmholtz", "mach")  # parameters whose ranges in training are saved with the weights


class Interrupted(KeyboardInterrupt):
    """A training was interrupted, as by Ctrl-C.

    kept : whether it can go on from a checkpoint.
    """

    def __init__(self, *, kept: bool):
        super().__init__()
        self.kept = kept


@dataclass(frozen=True)
class Options:
    """How a network is trained.

    preset : name of one of the network's presets. seed : of initial weights and batches. workers : processes that load
    cases. devices, nodes : see `wavenet.training.loop.fit`. resume : go on from the run's last checkpoint. progress :
    show it.
    """

    preset: str = "quick"
    seed: int = 0
    workers: int = 0
    devices: int = 1
    nodes: int = 1
    resume: bool = False
    progress: bool = False

    @property
    def alone(self) -> bool:
        """Whether one process trains."""
        return (self.devices, self.nodes) == (1, 1)


@dataclass(frozen=True)
class Trained:
    """A network that was trained: its name, itself, the file of its weights, seconds that it took."""

    name: str
    network: nn.Module
    weights: Path
    seconds: float


# long: the parameters' description
def train(
    task: str,
    data: str | Path,
    run: str | Path,
    *,
    model: str | type[nn.Module] | Network | None = None,
    edge: str | Path | None = None,
    options: Options = Options(),
) -> Trained | None:
    """Train a network on a dataset and write it to a run's folder.

    Parameters
    ----------
    task : str
    data : path
        Dataset file.
    run : path
        Folder, new or empty unless the training goes on.
    model : str, class or Network, optional
        See `tasks.entry`; by default the task's own.
    edge : path, optional
        Run of the edge task, for a network with edge functions; by default those of the one that comes with the
        package.
    options : Options

    Returns
    -------
    Trained
        None in all processes that train together but the first.

    Raises
    ------
    FileExistsError, FileNotFoundError, ValueError, TypeError
        Network, data, run and options do not fit each other, see `wavenet.training.loop.fit`; or the data has cases
        with a hub or a jet.
    Interrupted
        After Ctrl-C.
    """
    network = tasks.entry(model, task)
    _expect(network, edge, options)
    leading = leads(options)
    cases = {split: Cases(data, split, task=task) for split in network.splits}
    for split, found in cases.items():
        if not network.jets:
            tasks.expect_uniform(found.columns, data)
        if not len(found):
            raise ValueError(f"{data} has no {split} cases")
    functions = _edge_functions(edge) if network.uses_edge else None
    if network.steps is not None:
        from wavenet.training.loop import check_devices

        check_devices(network.steps.preset(options.preset), options.devices, options.nodes)
    run = Path(run)
    if leading:
        _writable(run)
        if not options.resume and any(not path.name.endswith(".partial") for path in run.iterdir()):
            raise FileExistsError(f"{run} is not empty; continue with --resume or choose another folder")
    started = time.perf_counter()
    if network.fit is not None:
        trained = network.fit(cases["train"], options.seed, _exact)
    else:
        trained = _in_steps(network, cases, run, functions, options, leading)
    if not leading:
        return None
    seconds = time.perf_counter() - started
    runs.save(run, network, trained, saved_with(cases["train"], options, seconds))
    return Trained(network.name, trained, run / runs.WEIGHTS, seconds)


def _writable(run: Path) -> None:
    """Make the run's folder now, so that an unwritable one fails before work begins."""
    run.mkdir(parents=True, exist_ok=True)
    probe = run / ".writable"
    probe.touch()
    probe.unlink()


def _expect(network: Network, edge: str | Path | None, options: Options) -> None:
    """Refuse options that the network does not have."""
    if edge is not None and not network.uses_edge:
        raise ValueError(f"--edge is for networks with edge functions, {network.name} has none")
    if network.steps is None and options.resume:
        raise ValueError(f"--resume is for networks trained in steps, {network.name} is fitted at once")
    if network.steps is None and not options.alone:
        raise ValueError(f"--devices and --nodes are for networks trained in steps, {network.name} is fitted at once")


def _edge_functions(run: str | Path | None) -> nn.Module:
    return derivatives.load().edge if run is None else runs.load(run, task="edge")[1]


def _in_steps(
    network: Network,
    cases: Mapping[str, Cases],
    run: Path,
    edge: nn.Module | None,
    options: Options,
    leading: bool,
) -> nn.Module:
    """A network trained by gradient steps."""
    import lightning as L

    from wavenet.training import loop

    steps = network.steps
    assert steps is not None
    L.seed_everything(options.seed, verbose=False)
    preset = steps.preset(options.preset)
    untrained = steps.build(cases["train"], preset, edge)
    try:
        return loop.fit(
            untrained,
            tasks.examples(cases["train"]),
            tasks.examples(cases["validation"]),
            run,
            preset=preset,
            seed=options.seed,
            workers=options.workers,
            devices=options.devices,
            nodes=options.nodes,
            resume=options.resume,
            progress=leading and options.progress,
            about={"model": network.name, "dataset": cases["train"].about.provenance["content_hash"]},
            steps=steps,
        )
    except KeyboardInterrupt:
        raise Interrupted(kept=(run / loop.LAST).is_file()) from None


def _exact(
    m: npt.ArrayLike, n: npt.ArrayLike, helmholtz: FloatArray, mach: FloatArray, theta: FloatArray
) -> npt.NDArray[np.complex128]:
    """Exact directivities, see `wavenet.networks.Exact`."""
    found: npt.NDArray[np.complex128] = analytic.sweep(m, n, helmholtz, theta, mach=mach).directivity
    return found


def saved_with(cases: Cases, options: Options, seconds: float) -> dict[str, Any]:
    """Provenance that is saved with the weights."""
    # Fields of -m and m differ in their azimuthal phase only.
    columns = cases.columns | {"m": np.abs(cases.columns["m"])}
    return {
        "dataset": cases.about.provenance,
        "preset": options.preset,
        "seed": options.seed,
        "training_seconds": None if options.resume else seconds,  # those before the interruption were not counted
        "ranges": {key: [float(columns[key].min()), float(columns[key].max())] for key in _RANGES},
    }


def leads(options: Options) -> bool:
    """Whether this is the first of the processes that train together, as torchrun, Lightning or SLURM number them.

    It alone looks whether the run's folder is empty, and writes and prints.
    """
    if options.alone:
        return True
    if "RANK" in os.environ:
        return os.environ["RANK"] == "0"
    if "LOCAL_RANK" in os.environ or "NODE_RANK" in os.environ:
        return os.environ.get("LOCAL_RANK", "0") == os.environ.get("NODE_RANK", "0") == "0"
    return os.environ.get("SLURM_PROCID", "0") == "0"
