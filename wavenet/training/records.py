"""Records of a training: best weights, log and checkpoint, each complete even if the process is killed."""

import csv
import io
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ..runs import whole

LAST = "last.ckpt"
LOG = "metrics.csv"


class Record(Checkpoint):
    """Best weights and losses so far; the checkpoint, which contains them, and the log are written after every epoch.

    settings : values that must be the same when an interrupted training is resumed.
    """

    def __init__(self, run: Path, settings: Mapping[str, Any]):
        self._run, self._settings = run, settings
        self._rows: list[dict] = []
        self._score = math.inf
        self.best: dict[str, torch.Tensor] | None = None

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Keep the weights if they are the best so far."""
        score = float(trainer.callback_metrics["validation_loss"])
        first = self.best is None  # before the first step
        if first:
            self._rows.append({"epoch": 0, "step": 0, "train_loss": "", "validation_loss": score})
        if first or score < self._score:
            self._score = score if math.isfinite(score) else math.inf
            self.best = {key: value.detach().cpu().clone() for key, value in pl_module.model.state_dict().items()}

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Write checkpoint and log."""
        losses = {name: float(trainer.callback_metrics[name]) for name in ("train_loss", "validation_loss")}
        self._rows.append({"epoch": trainer.current_epoch + 1, "step": trainer.global_step} | losses)
        trainer.save_checkpoint(self._run / LAST)
        self._write(trainer)

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Stop again if the resumed training had stopped early, and rewrite the log."""
        for stopping in trainer.early_stopping_callbacks:  # Lightning does not restore that it had stopped
            trainer.should_stop = trainer.should_stop or stopping.wait_count >= stopping.patience
        if len(self._rows) > 1:  # the log may be an epoch behind
            self._write(trainer)

    def _write(self, trainer: L.Trainer) -> None:
        if trainer.is_global_zero:
            text = io.StringIO()
            table = csv.DictWriter(text, list(self._rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(self._rows)
            with whole(self._run / LOG) as partial:
                partial.write_text(text.getvalue(), encoding="utf-8")

    def state_dict(self) -> dict[str, Any]:
        """State of this record for the checkpoint."""
        return {"settings": self._settings, "rows": self._rows, "score": self._score, "best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        self._rows, self._score, self.best = (state_dict[name] for name in ("rows", "score", "best"))

    @property
    def state_key(self) -> str:
        """Name of this record in the checkpoint."""
        return "record"


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that are complete even if the process is killed; Lightning's own are copied from /tmp."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint atomically."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as partial:
            torch.save(checkpoint, partial)


def check_resumable(path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse to resume if the checkpoint is missing, damaged, or from a training with other settings.

    Raises
    ------
    FileNotFoundError, ValueError
    """
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
