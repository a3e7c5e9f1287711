"""Training with Lightning on one or more devices: early stopping, a log, checkpoints that survive any crash."""

import dataclasses
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, default_collate

from .. import networks
from ..networks import Steps
from .order import Seeded, Shares
from .presets import Preset
from .records import LAST, LOG, Record, WholeCheckpoints, check_resumable

__all__ = ["LAST", "LOG", "Preset", "check_devices", "fit"]
_PREPARE = 200  # largest number of cases on which a network measures the errors its stencils leave
_FEWEST = 8  # least number of fields whose errors validate the constrained network


class _Training(L.LightningModule):
    """Steps of one training. A loss is the mean over all values of all processes: cases may differ in their number."""

    def __init__(self, model: nn.Module, preset: Preset, steps: Steps):
        super().__init__()
        self.model, self._preset, self._steps = model, preset, steps
        self._sums: dict[str, list[Tensor]] = {"train_loss": [], "validation_loss": []}  # of the batches so far

    def configure_optimizers(self) -> Any:
        live = [weight for weight in self.model.parameters() if weight.requires_grad]
        optimizer = torch.optim.Adam(live, lr=self._preset.rate)
        # decays to a hundredth of the initial rate
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self._preset.epochs, self._preset.rate / 100)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def training_step(self, batch: Any, _: Any) -> Tensor:
        total, number = self._total("train_loss", batch, residuals=True)
        # DistributedDataParallel takes the mean of the processes' gradients.
        return total * self.trainer.world_size / self._over_processes(number)

    def validation_step(self, batch: Any, _: Any) -> None:
        self._total("validation_loss", batch)

    def on_train_epoch_end(self) -> None:
        self._log_mean("train_loss")

    def on_validation_epoch_end(self) -> None:
        self._log_mean("validation_loss", prog_bar=True)

    def _total(self, name: str, batch: Any, *, residuals: bool = False) -> tuple[Tensor, Tensor]:
        *batch, weight = batch
        values, numbers = self._steps.loss(self.model, batch)
        if residuals and self._steps.residuals is not None:
            values = values + numbers * self._steps.residuals(self.model, batch, self._preset)
        total, number = (weight * values).sum(), (weight * numbers).sum()
        self._sums[name].append(torch.stack([total.detach(), number]))
        return total, number

    def _log_mean(self, name: str, *, prog_bar: bool = False) -> None:
        total, number = self._over_processes(torch.stack(self._sums[name]).cpu().sum(dim=0, dtype=torch.float64))
        self._sums[name].clear()
        self.log(name, total / number, prog_bar=prog_bar)

    def _over_processes(self, tensor: Tensor) -> Tensor:
        """Sum over the processes, each of which calls this."""
        if self.trainer.world_size == 1:
            return tensor
        return torch.as_tensor(self.all_gather(tensor.to(self.device))).reshape(-1, *tensor.shape).sum(dim=0)


class _Data(L.LightningDataModule):
    """Loaders of this process. Preparatory computations are done by every process, after it has started."""

    def __init__(self, model: nn.Module, sets: dict[str, Any], preset: Preset, steps: Steps, seed: int, workers: int):
        super().__init__()
        self._model, self._sets, self._preset, self._steps = model, sets, preset, steps
        self._seed, self._workers, self._ready = seed, workers, False

    def setup(self, stage: str) -> None:
        """Prepare the network and compute its training samples; Lightning calls this before each of its stages."""
        if self._ready:
            return
        model, train, count = self._model, self._sets["train"], self._preset.samples
        if self._steps.prepare is not None:
            with torch.no_grad():
                chosen = range(0, len(train), -(-len(train) // _PREPARE))
                self._steps.prepare(model, *default_collate([train[index] for index in chosen]))
        if self._steps.samples is not None:
            few = max(_FEWEST, round(len(self._sets["validation"]) / len(train) * count))
            self._sets = {
                "train": self._steps.samples(model, train, count, 0),
                "validation": self._steps.samples(model, self._sets["validation"], few, 1),
            }
        self._ready = True

    def _loader(self, name: str) -> DataLoader:
        trainer: Any = self.trainer
        cases, batch = self._sets[name], self._preset.batch
        places = {"rank": trainer.global_rank, "processes": trainer.world_size}
        sampler = Shares(len(cases), batch, self._seed, shuffle=name == "train", **places)
        return DataLoader(
            Seeded(cases),
            batch // trainer.world_size,
            sampler=sampler,
            num_workers=self._workers,
            persistent_workers=self._workers > 0,
            generator=torch.Generator().manual_seed(self._seed),  # leaves torch's global generator untouched
        )

    def train_dataloader(self) -> DataLoader:
        return self._loader("train")

    def val_dataloader(self) -> DataLoader:
        return self._loader("validation")


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
    resume: bool = False,
    progress: bool = True,
    about: Mapping[str, Any] | None = None,
    steps: Steps | None = None,
) -> nn.Module:
    """Train a network and return it with its best weights.

    Parameters
    ----------
    model : torch module
        A network of the package, such as a ForwardModel, UNet or ConstrainedNetwork with fitted edge functions; any
        other needs `steps`.
    train, validation : torch Dataset
        Tuples (inputs, pressure) or (potential, parameters, velocity), as `loading` gives them.
    run : path
        Folder for the log (metrics.csv) and the checkpoint (last.ckpt).
    preset : Preset
        Its batch is that of all devices together.
    seed : int
        Seed of the order of the cases and of their augmentation.
    workers : int
        Processes per device that load the cases; 0 loads them in this process.
    devices, nodes : int
        Number of GPUs (or, without GPUs, processes) per machine, and of machines, with DistributedDataParallel. With
        more than one device, Lightning runs the command of this process again for each of the others, unless torchrun
        or SLURM has started them.
    resume : bool
        Continue from the run's last checkpoint; on one CPU process the numbers equal those of an uninterrupted run.
    about : dict, optional
        Further JSON values that must be the same when an interrupted training is resumed.
    steps : Steps, optional
        How it is trained; by default as the package's network of this class.

    Raises
    ------
    FileNotFoundError
        There is no checkpoint to resume from.
    ValueError
        The batch does not divide among the devices, or fewer devices are available; the checkpoint is damaged, or
        from a training with another preset, seed or `about`; it is not known how to train the network.
    KeyboardInterrupt
        After Ctrl-C.
    """
    check_devices(preset, devices, nodes)
    steps = networks.of(model).steps if steps is None else steps
    if steps is None:
        raise ValueError(f"{type(model).__name__} is fitted at once, not trained in steps")
    run = Path(run).absolute()
    settings = {"preset": dataclasses.asdict(preset), "seed": seed} | dict(about or {})
    if resume:
        check_resumable(run / LAST, settings)
    module = _Training(model, preset, steps)
    data = _Data(model, {"train": train, "validation": validation}, preset, steps, seed, workers)
    record = Record(run, settings)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():  # Lightning's advice on workers, logging intervals and existing checkpoints
        warnings.simplefilter("ignore")
        trainer = _trainer(preset, record, devices, nodes, progress)
        try:
            if not resume:
                trainer.validate(module, datamodule=data, verbose=False)
            trainer.fit(module, datamodule=data, ckpt_path=run / LAST if resume else None, weights_only=True)
        except SystemExit:
            if not trainer.interrupted:
                raise
            raise KeyboardInterrupt from None  # Lightning had turned it into an exit
    assert record.best is not None
    model.load_state_dict(record.best)
    return model.cpu().eval()


def _trainer(preset: Preset, record: Record, devices: int, nodes: int, progress: bool) -> L.Trainer:
    try:
        return L.Trainer(
            max_epochs=preset.epochs,
            accelerator="auto",
            devices=devices,
            num_nodes=nodes,
            # Buffers are equal in all processes from the start, and no step changes them.
            strategy="auto" if devices * nodes == 1 else DDPStrategy(broadcast_buffers=False),
            use_distributed_sampler=False,
            logger=False,
            callbacks=[EarlyStopping("validation_loss", patience=preset.patience), record],
            plugins=[WholeCheckpoints()],
            enable_progress_bar=progress,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
    except MisconfigurationException as error:
        raise ValueError(str(error)) from None


def check_devices(preset: Preset, devices: int, nodes: int) -> None:
    """Raise ValueError if the batch does not divide among the devices of all nodes."""
    if devices < 1 or nodes < 1 or preset.batch % (devices * nodes):
        raise ValueError(f"the batch of {preset.batch} does not divide among devices x nodes = {devices} x {nodes}")
