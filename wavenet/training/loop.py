"""Training on one or more devices: early stopping, a log, checkpoints that survive any crash.

Processes are started and connected by Lightning Fabric. The loop is the package's own: Lightning's Trainer has 0.83 of
a plain loop's rate for a small network (benchmarks/training.py), waits for the device in each step of several
processes, and cannot go on within an epoch in the same bits.
"""

import dataclasses
import functools
import math
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, default_collate

from .. import networks
from ..networks import Steps
from ..progress import Progress
from .augmentation import Augmentation
from .batches import Batches, batches
from .order import Shares
from .precision import computing, expect
from .presets import Preset
from .processes import Processes, check_devices, connected
from .records import LAST, LOG, Record, check_resumable

__all__ = ["LAST", "LOG", "DivergenceError", "Preset", "Stopped", "check_devices", "fit"]
_PREPARE = 200  # largest number of cases on which a network measures the errors its stencils leave
_FEWEST = 8  # least number of fields whose errors validate the constrained network
_SECONDS = 60.0  # between two checkpoints: what a killed training loses at most


class Stopped(KeyboardInterrupt):
    """A training was asked to stop, and has written a checkpoint.

    signal : number of the signal that asked.
    """

    def __init__(self, signal: int):
        super().__init__(f"stopped by signal {signal}")
        self.signal = signal


class DivergenceError(ArithmeticError):
    """The loss is no longer finite.

    best : the network with its best weights if these are better than the untrained ones, else None.
    """

    def __init__(self, message: str, best: nn.Module | None):
        super().__init__(message)
        self.best = best


class _Loss(nn.Module):
    """The weighted loss of a batch: sum of its values, and their number, side by side (2,)."""

    def __init__(self, network: nn.Module, preset: Preset, steps: Steps):
        super().__init__()
        self.network, self._preset, self._steps = network, preset, steps

    def forward(self, batch: list[Tensor], weight: Tensor, residuals: bool) -> Tensor:
        values, numbers = self._steps.loss(self.network, batch)
        if residuals and self._steps.residuals is not None:
            values = values + numbers * self._steps.residuals(self.network, batch, self._preset)
        return torch.stack([(weight * values).sum(), (weight * numbers).sum()])


class _Training:
    """Steps of one training. A loss is the mean over all values of all processes: cases may differ in their number."""

    def __init__(
        self,
        network: nn.Module,
        preset: Preset,
        steps: Steps,
        record: Record,
        processes: Processes,
        sets: Mapping[str, Batches],
        *,
        compiled: bool,
        every: float,
        asked: Callable[[], int | None],
    ):
        self._network, self._preset, self._record, self._processes = network, preset, record, processes
        self._sets, self._every, self._asked = sets, every, asked
        self._loss = _Loss(network, preset, steps)
        if compiled:
            self._loss.compile()
        live = [weight for weight in network.parameters() if weight.requires_grad]
        self._optimizer, self._schedule = steps.optimizer(live, preset)
        self._due = time.monotonic() + every
        self._several = processes.count > 1
        self._parallel: Callable[..., Tensor] = self._loss
        if self._several:
            self._parallel = processes.together(self._loss)

    def run(self, *, resume: bool, progress: bool) -> None:
        """Train to the end, from the beginning or from the checkpoint."""
        record, now = self._record, self._record.progress
        if resume:
            record.restore(self._network, self._optimizer, self._schedule)
            now = record.progress
        else:
            record.validated(self._network, self._validation_loss())
        before = now.step, now.epoch
        with Progress("training", shown=progress) as shown:
            while now.epoch < self._preset.epochs and now.waited < self._preset.patience:
                self._epoch(shown)
                shown.note(validation_loss=f"{now.rows[-1]['validation_loss']:.3g}")
        if (now.step, now.epoch) != before or not resume:
            self._save()

    def _epoch(self, shown: Progress) -> None:
        record, now = self._record, self._record.progress
        self._loss.train()
        for batch, weight in self._sets["train"].epoch(now.epoch, now.batch):
            self._step(batch, weight)
            now.step, now.batch = now.step + 1, now.batch + 1
            shown.to(now.step, self._preset.epochs * self._sets["train"].count)
            self._look_up()
        train = self._mean(record.losses)
        validation = self._validation_loss()
        if not (math.isfinite(train) and math.isfinite(validation)):
            raise self._diverged(train if not math.isfinite(train) else validation)
        record.validated(self._network, validation)
        record.finished(train, validation)
        with warnings.catch_warnings():  # torch's on its first step, where a training goes on at the end of an epoch
            warnings.simplefilter("ignore", UserWarning)
            self._schedule.step()

    def _step(self, batch: list[Tensor], weight: Tensor) -> None:
        found = self._parallel(batch, weight, True)
        total, number = found.unbind()
        if self._several:
            # DistributedDataParallel takes the mean of the processes' gradients.
            wishes = torch.tensor(self._wishes())
            number = self._processes.total(number.detach(), wishes) / self._processes.count
        self._optimizer.zero_grad()
        (total / number).backward()
        self._optimizer.step()
        self._record.losses.append(found.detach())

    def _look_up(self) -> None:
        """After each step: write a checkpoint if one is due, and stop if any process was asked to."""
        due, asked = self._processes.heard() if self._several else [bool(wish) for wish in self._wishes()]
        if due or asked:
            self._save()
        if asked:
            raise Stopped(self._processes.largest(self._asked() or 0))

    def _wishes(self) -> list[float]:
        """Whether this process wants a checkpoint, and whether it was asked to stop."""
        due = self._processes.rank == 0 and time.monotonic() >= self._due
        if due:
            self._due = time.monotonic() + self._every
        return [float(due), float(self._asked() is not None)]

    def _save(self) -> None:
        """Write the checkpoint, unless the weights have become useless since the last one."""
        loss = self._mean(self._record.losses) if self._record.losses else 0.0
        if not math.isfinite(loss):
            raise self._diverged(loss)
        self._record.save(self._network, self._optimizer, self._schedule)

    def _validation_loss(self) -> float:
        self._loss.eval()
        losses = []
        with torch.no_grad():
            for batch, weight in self._sets["validation"].epoch(0):
                losses.append(self._loss(batch, weight, False))
                if not self._several and self._asked() is not None and self._record.best is not None:
                    self._look_up()  # the epoch's steps are done, and validation is repeated on resumption
        return self._mean(losses)

    def _mean(self, losses: list[Tensor]) -> float:
        total, number = self._processes.summed(torch.stack(losses).cpu().sum(dim=0, dtype=torch.float64))
        return float(total / number)

    def _diverged(self, loss: float) -> DivergenceError:
        epoch, rows = self._record.progress.epoch + 1, self._record.progress.rows
        better = [row for row in rows[1:] if row["validation_loss"] == self._record.progress.score]
        message = f"the loss became {loss} in epoch {epoch}"
        if not better or self._record.best is None:
            return DivergenceError(f"{message}, and it was never below that of the untrained network", None)
        self._network.load_state_dict(self._record.best)
        return DivergenceError(f"{message}; it was lowest in epoch {better[0]['epoch']}", self._network)


def _prepared(model: nn.Module, sets: Mapping[str, Any], preset: Preset, steps: Steps) -> Mapping[str, Any]:
    """What the network learns from; each process prepares for itself."""
    train, count = sets["train"], preset.samples
    if steps.prepare is not None:
        with torch.no_grad():
            chosen = range(0, len(train), -(-len(train) // _PREPARE))
            steps.prepare(model, *default_collate([train[index] for index in chosen]))
    if steps.samples is None:
        return sets
    few = max(_FEWEST, round(len(sets["validation"]) / len(train) * count))
    return {
        "train": steps.samples(model, train, count, 0),
        "validation": steps.samples(model, sets["validation"], few, 1),
    }


# long: description of the parameters
def fit(
    model: nn.Module,
    train: Dataset,
    validation: Dataset,
    run: str | Path,
    *,
    preset: Preset,
    seed: int = 0,
    workers: int = 0,
    devices: int = 1,
    nodes: int = 1,
    place: torch.device | None = None,
    resume: bool = False,
    progress: bool = True,
    about: Mapping[str, Any] | None = None,
    steps: Steps | None = None,
    augmentation: Augmentation | None = None,
    precision: str = "fp32",
    compiled: bool = False,
    every: float = _SECONDS,
    asked: Callable[[], int | None] = lambda: None,
) -> nn.Module:
    """Train a network and return it with its best weights.

    Parameters
    ----------
    model : torch module
        A network of the package, such as a ForwardModel, UNet or ConstrainedNetwork with fitted edge functions; any
        other needs `steps`.
    train, validation : torch Dataset
        Tuples (inputs, pressure) or (potential, parameters, velocity), as `loading` gives them. A TensorDataset stays
        on the device if it fits; other cases are read one by one.
    run : path
        Folder for the log (metrics.csv) and the checkpoint (last.ckpt).
    preset : Preset
        Its batch is that of all devices together.
    seed : int
        Seed of the order of the cases and of their augmentation.
    workers : int
        Processes per device that read the cases, if these are no TensorDataset; 0 reads them in this process.
    devices, nodes : int
        Number of GPUs (or, without GPUs, processes) per machine, and of machines, with DistributedDataParallel. With
        more than one device, Lightning runs the command of this process again for each of the others, unless torchrun
        or SLURM has started them.
    place : torch device, optional
        Where one process trains, or "cuda" or "cpu" for several; by default GPUs if there are any.
    resume : bool
        Continue from the run's last checkpoint; on one CPU process the numbers equal those of an uninterrupted run.
    progress : bool
        Show it on standard error.
    about : dict, optional
        Further JSON values that must be the same when an interrupted training is resumed.
    steps : Steps, optional
        How it is trained; by default as the package's network of this class.
    augmentation : Augmentation, optional
        Random changes of the training cases; by default those of `steps`.
    precision : {"fp32", "tf32", "bf16"}
        See `precision.computing`.
    compiled : bool
        Use torch.compile.
    every : float
        Time between checkpoints [s]. There is one at the end, and one when the training is asked to stop.
    asked : callable
        Returns the number of a signal that asked this process to stop, or None; called after each step.

    Raises
    ------
    FileNotFoundError
        There is no checkpoint to resume from.
    ValueError
        The batch does not divide among the devices, or fewer devices are available, or they do not have the precision;
        the checkpoint is damaged, or from a training with other settings; or the network is fitted at once, not trained
        in steps.
    DivergenceError
        The loss became infinite or NaN.
    Stopped
        The training was asked to stop.
    ConnectionError
        Another of the processes has ended.
    """
    check_devices(preset, devices, nodes, place)
    steps = networks.of(model).steps if steps is None else steps
    if steps is None:
        raise ValueError(f"{type(model).__name__} is fitted at once, not trained in steps")
    how = steps.augmentation if augmentation is None else augmentation
    settings = {"preset": dataclasses.asdict(preset), "seed": seed, "precision": precision}
    settings |= {"augmentation": dataclasses.asdict(how)} | dict(about or {})
    run = Path(run).absolute()
    if resume:
        check_resumable(run / LAST, settings)
    processes = Processes(devices, nodes, place)
    expect(precision, processes.device)
    run.mkdir(parents=True, exist_ok=True)
    record = Record(run, settings, writes=processes.rank == 0)
    with connected(), computing("fp32", processes.device):
        sets = _prepared(model, {"train": train, "validation": validation}, preset, steps)
        model.to(processes.device)
        constants = None if steps.constants is None else functools.partial(steps.constants, model)
        arranged = {}
        for name, changes in (("train", how), ("validation", how.fixed)):
            shares = Shares(
                len(sets[name]),
                preset.batch,
                seed,
                shuffle=name == "train",
                rank=processes.rank,
                processes=processes.count,
            )
            arranged[name] = batches(
                sets[name], shares, processes.device, constants, changes, steps.fields, workers=workers
            )
        training = _Training(
            model, preset, steps, record, processes, arranged, compiled=compiled, every=every, asked=asked
        )
    with connected(), computing(precision, processes.device):
        training.run(resume=resume, progress=progress)
    assert record.best is not None
    model.load_state_dict(record.best)
    return model.cpu().eval()
