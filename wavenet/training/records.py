"""Records of a training: where it is, best weights, log and checkpoint, each complete even if the process is killed."""

import csv
import io
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..tensorfile import read, whole, write

LAST = "last.ckpt"
LOG = "metrics.csv"
_STATE = "training"  # the text in a checkpoint
_LOG_SECONDS = 1.0  # least time between two writings of the log: an epoch may take milliseconds


@dataclass
class Progress:
    """Where a training is.

    epoch : complete epochs. batch : further batches. step : steps of the optimizer so far. waited : epochs since the
    last improvement. score : best validation loss. seconds : spent so far. rows : of the log.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    waited: int = 0
    score: float = math.inf
    seconds: float = 0.0
    rows: list[dict[str, float | int | str]] = field(default_factory=list)


class Record:
    """Progress, best weights and losses so far of one training, and its files.

    run : folder. settings : values that must be the same when an interrupted training is resumed. writes : whether this
    process writes files.
    """

    def __init__(self, run: Path, settings: Mapping[str, Any], *, writes: bool = True):
        self._run, self._settings, self._writes = run, settings, writes
        self._began = self._logged = time.monotonic()
        self.progress = Progress()
        self.losses: list[Tensor] = []  # (2,) of each batch of this epoch: sum of the values, their number
        self.best: dict[str, Tensor] | None = None

    def validated(self, model: nn.Module, loss: float) -> None:
        """Keep the weights if they are the best so far."""
        first = self.best is None  # before the first step
        if first or loss < self.progress.score:
            self.progress.score = loss if math.isfinite(loss) else math.inf
            self.progress.waited = 0
            self.best = {key: value.detach().clone() for key, value in model.state_dict().items()}
        else:
            self.progress.waited += 1
        if first:
            self._row("", loss)

    def finished(self, train: float, validation: float) -> None:
        """Count an epoch, and write the log now and then."""
        self.progress.epoch, self.progress.batch = self.progress.epoch + 1, 0
        self.losses.clear()
        self._row(train, validation)
        if time.monotonic() > self._logged + _LOG_SECONDS:
            self.write_log()

    def _row(self, train: float | str, validation: float) -> None:
        now = self.progress
        now.rows.append({"epoch": now.epoch, "step": now.step, "train_loss": train, "validation_loss": validation})

    def write_log(self) -> None:
        """Write the table of losses."""
        if not self._writes:
            return
        self._logged = time.monotonic()
        text = io.StringIO()
        table = csv.DictWriter(text, list(self.progress.rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(self.progress.rows)
        with whole(self._run / LOG) as partial:
            partial.write_text(text.getvalue(), encoding="utf-8")

    @property
    def seconds(self) -> float:
        """Time that the training took so far, before interruptions as well [s]."""
        return self.progress.seconds + time.monotonic() - self._began

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
        """Write checkpoint and log."""
        if not self._writes:
            return
        moments = optimizer.state_dict()
        groups = {
            "weights": model.state_dict(),
            "best": self.best or {},
            "losses": {str(number): loss for number, loss in enumerate(self.losses)},
            "random": {"cpu": torch.get_rng_state()},
        }
        for number, values in moments["state"].items():
            groups[f"moments-{number}"] = values
        tensors = {f"{group}/{name}": value for group, values in groups.items() for name, value in values.items()}
        state = {
            "settings": self._settings,
            "progress": asdict(self.progress) | {"seconds": self.seconds},
            "optimizer": moments["param_groups"],
            "schedule": schedule.state_dict(),
        }
        write(self._run / LAST, tensors, {_STATE: json.dumps(state)})
        self.write_log()

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
        """Go on from the checkpoint, and bring the log, which may be ahead of it or behind, to the same state."""
        tensors, state = _read(self._run / LAST)
        groups: dict[str, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            group, _, name = key.partition("/")
            groups.setdefault(group, {})[name] = value
        model.load_state_dict(groups["weights"])
        moments = {int(key.partition("-")[2]): found for key, found in groups.items() if key.startswith("moments-")}
        optimizer.load_state_dict({"state": moments, "param_groups": state["optimizer"]})
        schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(groups["random"]["cpu"])
        losses = groups.get("losses", {})
        device = next(iter(model.state_dict().values())).device
        self.losses = [losses[str(number)].to(device) for number in range(len(losses))]
        self.best = {key: value.to(device) for key, value in groups["best"].items()}
        self.progress, self._began = Progress(**state["progress"]), time.monotonic()
        self.write_log()


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, texts = read(path, [_STATE], checked=True)
    state: dict[str, Any] = json.loads(texts[_STATE])
    return tensors, state


def seconds_of(run: str | Path) -> float:
    """Time that a training has taken up to its last checkpoint [s]."""
    return float(_read(Path(run) / LAST)[1]["progress"]["seconds"])


def check_resumable(path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse to resume if the checkpoint is missing, damaged, or from a training with other settings.

    Raises
    ------
    FileNotFoundError, ValueError
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} has no {path.name} to resume from")
    found = _read(path)[1]["settings"]
    for name, value in json.loads(json.dumps(settings)).items():
        before = found.get(name)
        if before == value:
            continue
        if isinstance(before, dict) and isinstance(value, dict):
            name = next(key for key in {**before, **value} if before.get(key) != value.get(key))
            before, value = before.get(name), value.get(name)
        raise ValueError(f"{path.parent} was begun with {name} = {before}, not {value}")
