"""How a network is trained: what `train` and `wavenet train` take."""

from dataclasses import dataclass

from wavenet.training.augmentation import Augmentation


@dataclass(frozen=True)
class Options:
    """How a network is trained.

    preset : name of one of the network's presets. seed : of initial weights and batches. workers : processes that load
    cases. devices, nodes, precision, compiled, augmentation : see `wavenet.training.loop.fit`. device : name of the
    device, or of the kind of several; None for GPUs if there are any. resume : go on from the run's last checkpoint.
    progress : show it. constraints : names of the network's constraints, None for its preset's.
    """

    preset: str = "quick"
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

    @property
    def alone(self) -> bool:
        """Whether one process trains."""
        return (self.devices, self.nodes) == (1, 1)


DEFAULTS = Options()
