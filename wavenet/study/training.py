"""Training a network on a dataset file, from the file's name to the weights in a run's folder."""

import contextlib
import dataclasses
import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.utils.data import default_collate

import analytic
from data import interrupts
from data.locks import lock
from data.read import Cases
from wavenet import derivatives, runs
from wavenet.arrays import FloatArray
from wavenet.devices import usable
from wavenet.fields import PARAMETERS
from wavenet.networks import Network

from . import tasks
from .options import DEFAULTS, Options

_LOCK = ".training"  # in the run's folder, while it is trained
_SEEDS = 2**32  # of numpy's older generator, which Lightning seeds, too


class Interrupted(KeyboardInterrupt):
    """A training was interrupted, as by Ctrl-C.

    kept : whether it can go on from a checkpoint. signal : number of the signal.
    """

    def __init__(self, *, kept: bool, signal: int):
        super().__init__()
        self.kept, self.signal = kept, signal


@dataclass(frozen=True)
class Trained:
    """A network that was trained: its name, itself, the file of its weights, seconds that it took.

    about : provenance of the run, as `wavenet.runs.load` returns it.
    """

    name: str
    network: nn.Module
    weights: Path
    seconds: float
    about: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)


# long: the parameters' description
def train(
    task: str,
    data: str | Path,
    run: str | Path,
    *,
    model: str | type[nn.Module] | Network | None = None,
    edge: str | Path | None = None,
    options: Options = DEFAULTS,
    note: Callable[[str], None] = warnings.warn,
    **changes: Any,
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
    note : callable
        Called with a sentence if the file system of the run has no locks.
    **changes
        Options by their names, such as epochs=20, instead of those in `options`.

    Returns
    -------
    Trained
        None in all processes that train together but the first.

    Raises
    ------
    FileExistsError, FileNotFoundError, ValueError, TypeError
        Network, data, run and options do not fit each other, see `wavenet.training.loop.fit`; or the data has cases
        with a hub or a jet; or another training is at work in the run's folder.
    ArithmeticError
        The loss became infinite or NaN. The best weights are written if they are better than untrained ones.
    OSError
        A file cannot be written, or another of the processes has ended.
    Interrupted
        After Ctrl-C, SIGTERM or SIGHUP.
    """
    options = options.with_changes(changes)
    for what, given in (("dataset's file", data), ("run's folder", run)):
        if not isinstance(given, str | Path):
            raise TypeError(f"expected the path of the {what}, got {type(given).__name__}")
    place = None if options.device is None else usable(options.device)
    network = tasks.entry(model, task)
    _expect(network, edge, options)
    leading = leads(options)
    cases = {split: Cases(data, split, task=task) for split in network.splits}
    for split, found in cases.items():
        tasks.expect_uniform(found.columns, data, network)
        if not len(found):
            raise ValueError(f"{data} has no {split} cases")
    functions = _edge_functions(edge) if network.uses_edge else None
    if network.steps is not None:
        from wavenet.training.loop import check_devices

        check_devices(options.chosen(network.steps.presets), options.devices, options.nodes, place)
    run = Path(run)
    started = time.perf_counter()

    def finished(trained: nn.Module, before: float = 0.0) -> Trained:
        seconds = before + time.perf_counter() - started
        about = saved_with(cases["train"], options, seconds)
        runs.save(run, network, trained, about)
        return Trained(network.name, trained, run / runs.WEIGHTS, seconds, about)

    with _alone_in(run, options, note) if leading else contextlib.nullcontext():
        if network.fit is not None:
            return finished(network.fit(cases["train"], options.seed, _exact))
        from wavenet.training.loop import DivergenceError

        before = _seconds_before(run) if options.resume else 0.0
        try:
            trained = _in_steps(network, cases, run, functions, options, place, leading)
        except (DivergenceError, Interrupted) as error:
            if _copy(options):  # the first process tells it, and Lightning would kill that one if this one failed
                return None
            if isinstance(error, Interrupted):
                raise
            if leading and error.best is not None:
                finished(error.best, before)
                raise ArithmeticError(f"{error}, whose weights are in {run / runs.WEIGHTS}") from None
            raise ArithmeticError(f"{error}: no weights are written") from None
        return finished(trained, before) if leading else None


@contextlib.contextmanager
def _alone_in(run: Path, options: Options, note: Callable[[str], None]) -> Iterator[None]:
    """Keep other trainings out of the run's folder, which is made now: an unwritable one fails before work begins.

    A folder that was made and stayed empty is removed.
    """
    inside, new = run / _LOCK, not run.exists()
    with contextlib.ExitStack() as held:
        if new:
            held.callback(_remove_if_empty, run)
        try:
            inside.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"the run's folder {run} cannot be made: {error.strerror}") from None
        try:
            held.enter_context(lock(inside, note))
        except FileExistsError:
            raise FileExistsError(f"another training is at work in {run}") from None
        others = [path.name for path in run.iterdir() if path.name != _LOCK and not path.name.endswith(".partial")]
        if others and not options.resume:
            raise FileExistsError(f"{run} is not empty; continue with --resume or choose another folder")
        yield


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it is not empty, or was never made
        folder.rmdir()


def _seconds_before(run: Path) -> float:
    """Time that the training took before it was interrupted; whether it can go on is checked later."""
    from wavenet.training.records import seconds_of

    try:
        return seconds_of(run)
    except (OSError, ValueError):
        return 0.0


def _expect(network: Network, edge: str | Path | None, options: Options) -> None:
    """Refuse options that the network does not have, and numbers out of range."""
    if options.workers < 0:
        raise ValueError(f"--workers must be 0 or more, got {options.workers}")
    if not 0 <= options.seed < _SEEDS:
        raise ValueError(f"--seed must be 0 ... {_SEEDS - 1}, got {options.seed}")
    if edge is not None and not network.uses_edge:
        raise ValueError(f"--edge is for networks with edge functions, {network.name} has none")
    if network.steps is None and options.resume:
        raise ValueError(f"--resume is for networks trained in steps, {network.name} is fitted at once")
    if network.steps is None and not options.alone:
        raise ValueError(f"--devices and --nodes are for networks trained in steps, {network.name} is fitted at once")
    if network.steps is None and options.device is not None:
        raise ValueError(f"--device is for networks trained in steps, {network.name} is fitted at once, on the CPU")
    if network.steps is None and (options.precision, options.compiled) != ("fp32", False):
        raise ValueError(
            f"--precision and --compile are for networks trained in steps, {network.name} is fitted at once"
        )
    if network.steps is None and options.changes:
        name = next(iter(options.changes))
        raise ValueError(f"--{name} is for networks trained in steps, {network.name} is fitted at once")
    for name in _constraints(network, options):
        if name not in network.constraints:
            known = ", ".join(network.constraints) or "none"
            raise ValueError(f"the constraints of {network.name} are {known}; got {name!r}")
    if edge is not None and "edge" in network.constraints and "edge" not in _constraints(network, options):
        raise ValueError(f"--edge is for the constraint 'edge', {network.name} is to be trained without it")


def _constraints(network: Network, options: Options) -> tuple[str, ...]:
    """Names of the constraints that the network is to be trained with."""
    return () if network.steps is None else options.chosen(network.steps.presets).constraints


def _edge_functions(run: str | Path | None) -> nn.Module:
    return derivatives.load().edge if run is None else runs.load(run, task="edge")[1]


def _in_steps(
    network: Network,
    cases: Mapping[str, Cases],
    run: Path,
    edge: nn.Module | None,
    options: Options,
    place: torch.device | None,
    leading: bool,
) -> nn.Module:
    """A network trained by gradient steps."""
    import lightning as L

    from wavenet.training import loop

    steps = network.steps
    assert steps is not None
    L.seed_everything(options.seed, verbose=False)
    preset = options.chosen(steps.presets)
    untrained = steps.build(cases["train"], preset, edge)
    try:
        with interrupts.noted() as first:
            trained = loop.fit(
                untrained,
                tasks.examples(cases["train"], options.devices),
                tasks.examples(cases["validation"], options.devices),
                run,
                preset=preset,
                seed=options.seed,
                workers=options.workers,
                devices=options.devices,
                nodes=options.nodes,
                place=place,
                resume=options.resume,
                progress=leading and options.progress,
                about={"model": network.name, "dataset": cases["train"].about.provenance["content_hash"]},
                steps=steps,
                augmentation=options.augmentation,
                precision=options.precision,
                compiled=options.compiled,
                asked=lambda: first.signal,
            )
    except KeyboardInterrupt as error:
        number = error.signal if isinstance(error, loop.Stopped | interrupts.Stopped) else signal.SIGINT
        raise Interrupted(kept=(run / loop.LAST).is_file(), signal=number) from None
    except ConnectionError:
        raise
    except OSError as error:
        if (run / loop.LAST).is_file():
            raise OSError(f"{error}; the last checkpoint is kept, continue with --resume") from None
        raise
    if network.calibrate is not None:
        examples = tasks.examples(cases["train"])
        held_out = [examples[index] for index in range(0, len(cases["train"]), network.held_out)]
        network.calibrate(trained, default_collate(held_out))
    return trained


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
        "preset": options.described,
        "seed": options.seed,
        "precision": options.precision,
        "training_seconds": seconds,
        "ranges": {key: [float(columns[key].min()), float(columns[key].max())] for key in PARAMETERS},
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


def _copy(options: Options) -> bool:
    """Whether Lightning has started this process, as a copy of the first."""
    return not options.alone and "RANK" not in os.environ and os.environ.get("LOCAL_RANK", "0") != "0"
