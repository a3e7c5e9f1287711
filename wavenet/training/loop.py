"""Training through Lightning, on one device or many: early stopping, a log, checkpoints that survive any crash.

The order of the cases, and the random numbers that change them, come from the seed, the epoch and the case alone. So a
training that was interrupted and goes on ends in the same bits, and one on several processes takes the same steps.
"""

import csv
import dataclasses
import io
import logging
import math
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch.utils.data import DataLoader, Dataset, Sampler, TensorDataset, default_collate

from ..derivatives.constraints import helmholtz_residual
from ..runs import whole

LAST = "last.ckpt"
LOG = "metrics.csv"
_PREPARE = 200  # cases, at most, on which a network measures what its stencils leave
_SILENT = 0.5  # of the exercises without noise
_NOISE = (1e-6, 10**-0.75)  # of the others, relative root mean square: 120 ... 15 dB
_LEAST = 1e-9  # relative error, below which there is none


@dataclass(frozen=True)
class Preset:
    """Length and step of a training.

    physics: weight of the Helmholtz and compatibility residuals, for the U-net. exercises: fields, at most, that the
    constrained network learns from.
    """

    epochs: int
    batch: int
    rate: float
    patience: int
    width: int
    physics: float = 0.0
    exercises: int = 0


PRESETS = {
    ("mlp", "quick"): Preset(400, 64, 2e-3, 80, 256),
    ("mlp", "standard"): Preset(600, 256, 1e-3, 60, 512),
    ("unet", "quick"): Preset(60, 8, 1e-3, 20, 8),
    ("unet", "standard"): Preset(200, 16, 5e-4, 25, 32),
    ("constrained", "quick"): Preset(60, 2, 1e-2, 60, 32, exercises=40),
    ("constrained", "standard"): Preset(40, 4, 5e-3, 40, 32, exercises=800),
}


class _Training(L.LightningModule):
    """Steps of one training. A loss is the mean over all values of all processes: some cases may have more of them."""

    model: Any  # one of the package's networks
    losses: Callable[..., tuple]  # of a batch: sum over the values of each case (case,), number of these (case,)

    def __init__(self, model, preset):
        super().__init__()
        self.model, self.preset = model, preset
        self._sums: dict[str, list] = {"train_loss": [], "validation_loss": []}  # and numbers, of the batches so far

    def configure_optimizers(self):
        live = [weight for weight in self.model.parameters() if weight.requires_grad]
        optimizer = torch.optim.Adam(live, lr=self.preset.rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.preset.epochs, self.preset.rate / 100)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def training_step(self, batch, _):
        total, number = self._total("train_loss", batch, self.residuals)
        # DistributedDataParallel takes the mean of the processes' gradients.
        return total * self.trainer.world_size / self._over_processes(number)

    def validation_step(self, batch, _):
        self._total("validation_loss", batch)

    def on_train_epoch_end(self):
        self._log_mean("train_loss")

    def on_validation_epoch_end(self):
        self._log_mean("validation_loss", prog_bar=True)

    def _total(self, name, batch, more=None):
        *batch, weight = batch
        values, numbers = self.losses(batch)
        if more is not None:
            values = values + numbers * more(batch)
        total, number = (weight * values).sum(), (weight * numbers).sum()
        self._sums[name].append(torch.stack([total.detach(), number]))
        return total, number

    def _log_mean(self, name, **options):
        total, number = self._over_processes(torch.stack(self._sums[name]).cpu().sum(dim=0, dtype=torch.float64))
        self._sums[name].clear()
        self.log(name, total / number, **options)

    def _over_processes(self, tensor):
        """Sum over the processes, each of which calls this."""
        if self.trainer.world_size == 1:
            return tensor
        return torch.as_tensor(self.all_gather(tensor.to(self.device))).reshape(-1, *tensor.shape).sum(dim=0)

    def residuals(self, batch):
        """Physical residuals (case,) to be made small beside the losses; none by default."""
        return 0.0


class _ForwardTraining(_Training):
    def losses(self, batch):
        inputs, pressure = batch
        return _means(((self.model(inputs) - pressure) / self.model.config.scale).square())


class _DerivativeTraining(_Training):
    """MSE in units of what the network resolves and, where the preset says so, the residuals."""

    def losses(self, batch):
        potential, parameters, velocity = batch
        size = potential.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return _means(((self.model(potential, parameters) - velocity) / (size * self.model.resolution)).square())

    def residuals(self, batch):
        """Convected Helmholtz equation and u_r = v_x, the network's own derivatives composed.

        Away from wall and axis: beside them u and v do not obey the wall condition that the network knows.
        """
        if not self.preset.physics:
            return 0.0
        potential, parameters, _ = batch
        x, r = (potential.new_tensor(points) for points in (self.model.config.x, self.model.config.r))
        velocity = self.model(potential, parameters)
        u, v = velocity[:, :2], velocity[:, 2:]
        along_u, along_v = self.model(u, parameters), self.model(v, parameters)
        m, helmholtz, mach = parameters.unbind(dim=1)
        terms = {"m": m, "helmholtz": helmholtz, "mach": mach}
        wave = helmholtz_residual(potential, u, along_u[:, :2], v, along_v[:, 2:], r, **terms)
        twist = (along_u[:, 2:] - along_v[:, :2]) / helmholtz[:, None, None, None] ** 2
        margin = 4 * float(r[1] - r[0])
        live = (torch.abs(r - 1) > 0.5) & (r > margin) & (r < r[-1] - margin)
        live = live & ((x > x[3]) & (x < x[-4]))[:, None]
        size = potential.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        left = ((wave / size).square() + (twist / size).square()) * live
        return self.preset.physics * left.mean(dim=(1, 2, 3))


class _JudgeTraining(_Training):
    """Negative log-likelihood of the methods' errors, taken to follow Student's t of the expected size, 3 degrees.

    Its long tails are those of errors, which differ from field to field by powers of ten.
    """

    def losses(self, batch):
        parameters, noise, errors = batch
        found = self.model.log_errors(parameters, noise).to(errors.dtype)
        given = torch.isfinite(found)
        found = found.masked_fill(~given, 0.0)
        values = (math.log(10) * found + 2 * torch.log1p(10 ** (2 * (errors - found)) / 3)) * given
        return values.sum(dim=(1, 2, 3, 4)), given.sum(dim=(1, 2, 3, 4))


def _means(values):
    """Mean over the values of each case, as if each case had one."""
    mean = values.flatten(1).mean(dim=1)
    return mean, torch.ones_like(mean)


class _Shares(Sampler):
    """What one process draws: its share of every batch, as (index, seed of the case, weight).

    Where a batch does not divide among the processes, the last ones draw a case again, with weight 0.
    """

    def __init__(self, count, batch, seed, *, shuffle, rank=0, processes=1):
        super().__init__()
        self._count, self._batch, self._seed, self._shuffle = count, batch, seed, shuffle
        self._rank, self._processes, self._epoch = rank, processes, 0

    def set_epoch(self, epoch):
        """Another order for each epoch; Lightning says which one it is."""
        self._epoch = epoch if self._shuffle else 0

    def __len__(self):
        full, rest = divmod(self._count, self._batch)
        return full * (self._batch // self._processes) + -(-rest // self._processes)

    def __iter__(self):
        random = torch.Generator().manual_seed(_mix(self._seed, self._epoch))
        order = torch.randperm(self._count, generator=random) if self._shuffle else torch.arange(self._count)
        seeds = torch.randint(2**63 - 1, (self._count,), generator=random)
        for chosen in order.split(self._batch):
            drawn = [(index, seed, 1.0) for index, seed in zip(chosen.tolist(), seeds[chosen].tolist(), strict=True)]
            drawn += [(*drawn[0][:2], 0.0)] * (-len(drawn) % self._processes)
            share = len(drawn) // self._processes
            yield from drawn[self._rank * share : (self._rank + 1) * share]


class _Seeded(Dataset):
    """Cases by what `_Shares` draws, each with its weight. Their random numbers are the case's and the epoch's own."""

    def __init__(self, cases):
        self._cases = cases

    def __len__(self):
        return len(self._cases)

    def __getitem__(self, drawn):
        index, seed, weight = drawn
        if isinstance(self._cases, TensorDataset):  # nothing in it is random
            return *self._cases[index], torch.tensor(weight)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            return *self._cases[index], torch.tensor(weight)


def _mix(*numbers):
    """One seed of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


class _Data(L.LightningDataModule):
    """Loaders of this process. What has to be computed first is computed by all processes, after they have started."""

    def __init__(self, model, train, validation, preset, seed, workers):
        super().__init__()
        self._model, self._sets, self._preset = model, {"train": train, "validation": validation}, preset
        self._seed, self._workers, self._ready = seed, workers, False

    def setup(self, stage):
        """Measure and compute what the network learns from; Lightning calls this before each of its stages."""
        if self._ready:
            return
        model, train, count = self._model, self._sets["train"], self._preset.exercises
        if hasattr(model, "prepare"):
            with torch.no_grad():
                chosen = range(0, len(train), -(-len(train) // _PREPARE))
                model.prepare(*default_collate([train[index] for index in chosen]))
        if hasattr(model, "candidates"):
            few = max(8, round(len(self._sets["validation"]) / len(train) * count))
            self._sets = {
                "train": exercises(model, train, count),
                "validation": exercises(model, self._sets["validation"], few, seed=1),
            }
        self._ready = True

    def _loader(self, name):
        trainer: Any = self.trainer
        cases, batch = self._sets[name], self._preset.batch
        places = {"rank": trainer.global_rank, "processes": trainer.world_size}
        sampler = _Shares(len(cases), batch, self._seed, shuffle=name == "train", **places)
        # Without a generator of its own a loader takes from torch's.
        options = {"num_workers": self._workers, "persistent_workers": self._workers > 0}
        generator = torch.Generator().manual_seed(self._seed)
        batch //= trainer.world_size
        return DataLoader(_Seeded(cases), batch, sampler=sampler, generator=generator, **options)

    def train_dataloader(self):
        return self._loader("train")

    def val_dataloader(self):
        return self._loader("validation")


class _Record(Checkpoint):
    """Best weights and losses so far; after every epoch the checkpoint, which has them, and the log are written.

    settings : what a training that goes on must have in common with the one that was interrupted.
    """

    def __init__(self, run, settings):
        self._run, self._settings = run, settings
        self._rows: list[dict] = []
        self._score, self.best = math.inf, None

    def on_validation_end(self, trainer, pl_module):
        score = float(trainer.callback_metrics["validation_loss"])
        first = self.best is None  # before the first step
        if first:
            self._rows.append({"epoch": 0, "step": 0, "train_loss": "", "validation_loss": score})
        if first or score < self._score:
            self._score = score if math.isfinite(score) else math.inf
            self.best = {key: value.detach().cpu().clone() for key, value in pl_module.model.state_dict().items()}

    def on_train_epoch_end(self, trainer, pl_module):
        losses = {name: float(trainer.callback_metrics[name]) for name in ("train_loss", "validation_loss")}
        self._rows.append({"epoch": trainer.current_epoch + 1, "step": trainer.global_step} | losses)
        trainer.save_checkpoint(self._run / LAST)
        self._write(trainer)

    def on_train_start(self, trainer, pl_module):
        for stopping in trainer.early_stopping_callbacks:  # it has no memory of having stopped
            trainer.should_stop = trainer.should_stop or stopping.wait_count >= stopping.patience
        if len(self._rows) > 1:  # the log may be an epoch behind
            self._write(trainer)

    def _write(self, trainer):
        if trainer.is_global_zero:
            text = io.StringIO()
            table = csv.DictWriter(text, list(self._rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(self._rows)
            with whole(self._run / LOG) as partial:
                partial.write_text(text.getvalue(), encoding="utf-8")

    def state_dict(self):
        return {"settings": self._settings, "rows": self._rows, "score": self._score, "best": self.best}

    def load_state_dict(self, state_dict):
        self._rows, self._score, self.best = (state_dict[name] for name in ("rows", "score", "best"))

    @property
    def state_key(self):
        return "record"


class _WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that are there and complete, whenever the process is killed; Lightning's own copy from /tmp."""

    def save_checkpoint(self, checkpoint, path, storage_options=None):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as partial:
            torch.save(checkpoint, partial)


def exercises(model, cases, count, seed=0):
    """What the constrained network learns: errors of its methods for some fields, half of them in noise.

    Parameters
    ----------
    model : ConstrainedNetwork
    cases : torch Dataset
        As `loading.FieldCases`; evenly chosen from.
    count : int
        At most.

    Returns
    -------
    TensorDataset
        Of parameters (3,), noise (), decimal logarithms of the errors of u and v (2, method, x, r), see
        `ConstrainedNetwork.log_errors`.
    """
    random, items = torch.Generator().manual_seed(seed), []
    for index in range(0, len(cases), max(1, -(-len(cases) // count))):
        potential, parameters, velocity = (values[None] for values in cases[index])
        draw = torch.rand(2, generator=random).tolist()
        noise = 0.0 if draw[0] < _SILENT else _NOISE[0] * (_NOISE[1] / _NOISE[0]) ** draw[1]
        size = potential.square().mean().sqrt()
        noisy = potential + noise * size * torch.randn(potential.shape, generator=random, dtype=potential.dtype)
        grid = model if not noise else model.on_grid(model.config.x, model.config.r, noise=noise)
        with torch.no_grad():
            errors = (grid.candidates(noisy, parameters) - velocity[:, None])[0].unflatten(1, (2, 2)).norm(dim=2)
        scale = velocity[0].unflatten(0, (2, 2)).square().sum(dim=1).mean(dim=(1, 2)).sqrt()
        relative = (errors.transpose(0, 1) / scale[:, None, None, None]).clamp_min(_LEAST)
        items.append((parameters[0], torch.tensor(noise, dtype=torch.float64), relative.log10().float()))
    return TensorDataset(*default_collate(items))


def fit(
    model,
    train,
    validation,
    run,
    *,
    preset,
    seed=0,
    workers=0,
    devices=1,
    nodes=1,
    resume=False,
    progress=True,
    about=None,
):
    """Train a network; return it with its best weights.

    Parameters
    ----------
    model : ForwardModel, UNet or ConstrainedNetwork, the latter with fitted edge functions
    train, validation : torch Dataset
        Of (inputs, pressure), or of (potential, parameters, velocity), as `loading` gives them.
    run : path
        Folder for the log (metrics.csv) and the checkpoint (last.ckpt).
    preset : Preset
        Its batch is that of all devices together.
    seed : int
        Of the order of the cases, and of how they are changed.
    workers : int
        Processes that load the cases, for each device; 0 for none but this one.
    devices, nodes : int
        GPUs of each machine, or processes where it has none, and machines, through DistributedDataParallel. With more
        than one device, Lightning starts this process's own command again for each of the others, unless torchrun or
        SLURM has started them.
    resume : bool
        Go on from the run's last checkpoint; the same numbers as without the interruption on one CPU process.
    about : dict, optional
        Further JSON values that an interrupted training and its continuation must have in common.

    Raises
    ------
    FileNotFoundError
        resume without a checkpoint.
    ValueError
        The batch does not divide among the devices, or there are fewer of them; the checkpoint is damaged, or of a
        training with another preset, seed or `about`.
    KeyboardInterrupt
        After Ctrl-C.
    """
    check_devices(preset, devices, nodes)
    run, processes = Path(run).absolute(), devices * nodes
    settings = {"preset": dataclasses.asdict(preset), "seed": seed} | (about or {})
    if resume:
        _check_resumable(run / LAST, settings)
    kind: type[_Training] = _ForwardTraining if len(train[0]) == 2 else _DerivativeTraining
    if hasattr(model, "candidates"):
        kind = _JudgeTraining
    module, data = kind(model, preset), _Data(model, train, validation, preset, seed, workers)
    record = _Record(run, settings)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():  # Lightning's advice on workers, logging intervals and checkpoints found again
        warnings.simplefilter("ignore")
        try:
            trainer = L.Trainer(
                max_epochs=preset.epochs,
                accelerator="auto",
                devices=devices,
                num_nodes=nodes,
                # The processes' buffers are equal from the start and no step changes them.
                strategy="auto" if processes == 1 else DDPStrategy(broadcast_buffers=False),
                use_distributed_sampler=False,
                logger=False,
                callbacks=[EarlyStopping("validation_loss", patience=preset.patience), record],
                plugins=[_WholeCheckpoints()],
                enable_progress_bar=progress,
                enable_model_summary=False,
                num_sanity_val_steps=0,
            )
        except MisconfigurationException as error:
            raise ValueError(str(error)) from None
        try:
            if not resume:
                trainer.validate(module, datamodule=data, verbose=False)
            trainer.fit(module, datamodule=data, ckpt_path=run / LAST if resume else None, weights_only=True)
        except SystemExit:
            if not trainer.interrupted:
                raise
            raise KeyboardInterrupt from None  # which Lightning had turned into an exit
    model.load_state_dict(record.best)
    return model.cpu().eval()


def check_devices(preset, devices, nodes):
    """Raise ValueError where the batch does not divide among the devices of all nodes."""
    if devices < 1 or nodes < 1 or preset.batch % (devices * nodes):
        raise ValueError(f"the batch of {preset.batch} does not divide among devices x nodes = {devices} x {nodes}")


def _check_resumable(path, settings):
    """Whether a checkpoint is there, whole, and of a training with these settings."""
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} has no {path.name} to resume from")
    try:
        kept = torch.load(path, weights_only=True, map_location="cpu")
        found = dict(kept["callbacks"]["record"]["settings"])
        missing = {"state_dict", "optimizer_states", "lr_schedulers"} - kept.keys()
        if missing:
            raise KeyError(*missing)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(f"{path} is damaged, or another version's: {error!r:.80}") from None
    for name, value in settings.items():
        if found.get(name) != value:
            raise ValueError(f"{path.parent} was begun with {name} = {found.get(name)}, not {value}")
