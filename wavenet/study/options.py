"""How a network is trained: what `train` and `wavenet train` take."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavenet.training import presets
from wavenet.training.augmentation import Augmentation
from wavenet.training.presets import Preset


@dataclass(frozen=True)
class Options:
    """How a network is trained.

    preset : name of one of the network's presets, FILE.toml:NAME, or a `Preset`, see `wavenet.training.presets`. seed :
    of initial weights and batches. workers : processes that load cases. devices, nodes, precision, compiled,
    augmentation : see `wavenet.training.loop.fit`. device : name of the device, or of the kind of several; None for
    GPUs if there are any. resume : go on from the run's last checkpoint. progress : show it. constraints : names of the
    network's constraints, None for its preset's. epochs, batch, rate : instead of the preset's, None for those.
    """

    preset: str | Path | Preset = "quick"
    seed: int = 0
    workers: int = 0
    devices: int = 1
    nodes: int = 1
    device: str | None = None
    resume: bool = False
    progress: bool = False
    precision: str = "fp32"
    compiled: bool = False
    augmentation: Augmentation | None = None
    constraints: tuple[str, ...] | None = None
    epochs: int | None = None
    batch: int | None = None
    rate: float | None = None

    @property
    def alone(self) -> bool:
        """Whether one process trains."""
        return (self.devices, self.nodes) == (1, 1)

    @property
    def changes(self) -> dict[str, Any]:
        """Values of the preset that are given beside it."""
        values = {name: getattr(self, name) for name in ("epochs", "batch", "rate", "constraints")}
        return {name: value for name, value in values.items() if value is not None}

    def chosen(self, known: Mapping[str, Preset]) -> Preset:
        """The preset with what is changed of it; known : those of the network.

        Raises
        ------
        FileNotFoundError, ValueError, TypeError
            See `wavenet.training.presets.chosen`.
        """
        return presets.chosen(self.preset, known).changed(**self.changes)

    @property
    def described(self) -> str:
        """The preset's name and what is changed of it, in words."""
        name = "of its own" if isinstance(self.preset, Preset) else str(self.preset)
        return ", ".join([name, *(f"{key} = {value}" for key, value in self.changes.items() if key != "constraints")])

    def with_changes(self, changes: dict[str, Any]) -> "Options":
        """The options with some of them changed.

        Raises
        ------
        TypeError
            There is no such option.
        """
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise TypeError(f"there is no option {name!r} of a training, expected one of {', '.join(known)}")
        return dataclasses.replace(self, **changes)


DEFAULTS = Options()
