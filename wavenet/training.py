"""Training through Lightning: early stopping, CSV log, resume; the best weights end in the run's folder."""

import logging
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset, default_collate

from .constraints import helmholtz_residual

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
    model: Any  # one of the package's networks
    mismatch: Callable[..., torch.Tensor]  # of a batch

    def __init__(self, model, preset):
        super().__init__()
        self.model, self.preset = model, preset

    def configure_optimizers(self):
        live = [weight for weight in self.model.parameters() if weight.requires_grad]
        optimizer = torch.optim.Adam(live, lr=self.preset.rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.preset.epochs, self.preset.rate / 100)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def training_step(self, batch, _):
        loss = self.mismatch(batch) + self.residuals(batch)
        self.log("train_loss", loss, on_epoch=True, on_step=False, batch_size=len(batch[0]))
        return loss

    def validation_step(self, batch, _):
        self.log("validation_loss", self.mismatch(batch), prog_bar=True, batch_size=len(batch[0]))

    def residuals(self, batch):
        """Physical residuals to be made small beside the mismatch; none by default."""
        return 0.0


class _ForwardTraining(_Training):
    def mismatch(self, batch):
        inputs, pressure = batch
        return ((self.model(inputs) - pressure) / self.model.config.scale).square().mean()


class _DerivativeTraining(_Training):
    """MSE in units of what the network resolves and, where the preset says so, the residuals."""

    def mismatch(self, batch):
        potential, parameters, velocity = batch
        size = potential.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return ((self.model(potential, parameters) - velocity) / (size * self.model.resolution)).square().mean()

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
        return self.preset.physics * (((wave / size).square() + (twist / size).square()) * live).mean()


class _JudgeTraining(_Training):
    """Negative log-likelihood of the methods' errors, taken to follow Student's t of the expected size, 3 degrees.

    Its long tails are those of errors, which differ from field to field by powers of ten.
    """

    def mismatch(self, batch):
        parameters, noise, errors = batch
        found = self.model.log_errors(parameters, noise).to(errors.dtype)
        given = torch.isfinite(found)
        size, miss = math.log(10) * found[given], 10 ** (2 * (errors - found)[given])
        return (size + 2 * torch.log1p(miss / 3)).mean()


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


def fit(model, train, validation, run, *, preset, workers=0, resume=False, progress=True):
    """Train a network; return it with its best weights.

    Parameters
    ----------
    model : ForwardModel, UNet or ConstrainedNetwork, the latter with fitted edge functions
    train, validation : torch Dataset
        Of (inputs, pressure), or of (potential, parameters, velocity), as `loading` gives them.
    run : path
        Folder for the log (metrics.csv) and the checkpoints.
    preset : Preset
    workers : int
        Processes that load the cases; 0 for none but this one.
    resume : bool
        Go on from the run's last checkpoint.

    Raises
    ------
    FileNotFoundError
        resume without a checkpoint.
    """
    run = Path(run)
    last = run / "last.ckpt"
    if resume and not last.is_file():
        raise FileNotFoundError(f"{run} has no last.ckpt to resume from")
    if hasattr(model, "prepare"):
        with torch.no_grad():
            chosen = range(0, len(train), -(-len(train) // _PREPARE))
            model.prepare(*default_collate([train[index] for index in chosen]))
    kind: type[_Training] = _ForwardTraining if len(train[0]) == 2 else _DerivativeTraining
    if hasattr(model, "candidates"):
        kind, share = _JudgeTraining, len(validation) / len(train)
        train = exercises(model, train, preset.exercises)
        validation = exercises(model, validation, max(8, round(share * preset.exercises)), seed=1)
    module = kind(model, preset)
    best = ModelCheckpoint(run, "best", monitor="validation_loss", save_last=True, enable_version_counter=False)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():  # Lightning's advice on workers, logging intervals and checkpoints found again
        warnings.simplefilter("ignore")
        trainer = L.Trainer(
            max_epochs=preset.epochs,
            accelerator="auto",
            devices=1,
            logger=CSVLogger(run, name="", version=""),
            callbacks=[best, EarlyStopping("validation_loss", patience=preset.patience)],
            enable_progress_bar=progress,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        # The best so far are the weights before the first step.
        options = {"batch_size": preset.batch, "num_workers": workers, "persistent_workers": workers > 0}
        held_out = DataLoader(validation, **options)
        trainer.validate(module, held_out, verbose=False)
        start = float(trainer.callback_metrics["validation_loss"])
        initial = {key: value.clone() for key, value in model.state_dict().items()}
        trainer.fit(
            module,
            DataLoader(train, shuffle=True, **options),
            held_out,
            ckpt_path=last if resume else None,
            weights_only=True,
        )
    if trainer.interrupted:
        raise KeyboardInterrupt
    score = best.best_model_score
    if score is not None and float(score) < start:
        state = torch.load(best.best_model_path, weights_only=True, map_location="cpu")["state_dict"]
        module.load_state_dict(state)
    else:
        model.load_state_dict(initial)
    return model.cpu().eval()
