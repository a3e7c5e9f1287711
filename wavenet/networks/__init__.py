"""The networks that can be trained: each has a file in this folder that defines `NETWORK`.

A file is found by its name and imported on first use of its network. A network is either trained in gradient steps, by
`wavenet.training.loop.fit`, or fitted to all training cases at once. For networks outside this folder see
`wavenet.outside`.

>>> names("derivative"), default("derivative")
(('constrained', 'constrained_unet', 'fno', 'unet'), 'constrained')
>>> get("perceptron")  # doctest: +ELLIPSIS
Traceback (most recent call last):
ValueError: there is no network 'perceptron', expected one of constrained, constrained_unet, directivity, edge, ...
"""

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import Dataset

from ..arrays import FloatArray
from ..fields import Source
from ..training.augmentation import UNCHANGED, Augmentation
from ..training.optimizers import adam
from ..training.presets import Preset, chosen

Batch = list[Tensor] | tuple[Tensor, ...]


class Exact(Protocol):
    """Exact directivities, (case, angle) complex, of modes m, n at ka, M (case,) and angles theta (angle,)."""

    def __call__(
        self, m: npt.ArrayLike, n: npt.ArrayLike, helmholtz: FloatArray, mach: FloatArray, theta: FloatArray
    ) -> npt.NDArray[np.complex128]: ...


@runtime_checkable
class Explainable(Protocol):
    """A network of fields, part of which relative attributing propagation explains."""

    def explained(self, potential: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Input of the `core`, and the complex factor (case, 2) that turns its output into velocities."""

    def core(self, parameters: Tensor) -> nn.Module:
        """The part of the network that is explained, for one case."""


class Explained(NamedTuple):
    """The part of a network that relative attributing propagation explains, for one case.

    seen : input of the module, with a case axis. module : torch module in evaluation mode, whose outputs are
    velocities (case, 4, x, r), or real and imaginary pressures side by side, (case, 2 microphone), up to a factor.
    names : names of the elements of `seen`, unless it is a field.
    """

    seen: Tensor
    module: nn.Module
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Steps:
    """How a network is trained by gradient steps.

    build : (training cases, preset, edge functions or None) -> untrained network for their geometry and scales.
    presets : presets by name.
    loss : (network, batch) -> sum over the values of each case (case,), number of values (case,).
    residuals : (network, batch, preset) -> values (case,) added to the loss, in training only.
    prepare : (network, *batch) -> None; measures something on training cases before the first step.
    samples : (network, cases, count, seed) -> dataset to learn from instead of the cases themselves.
    optimizer : (weights, preset) -> optimizer, whose state is tensors, and schedule of its learning rate by the epoch.
    constants : (network, *batch) -> tensors (case, ...) that training does not change, such as a linear part. Computed
    once, after `prepare`; they follow the other tensors of each batch. With noise they are computed for each batch.
    fields : positions in a batch, constants included, of what is complex linear in the potential: (case, 2 k, x, r),
    real and imaginary part next to each other. These are what `augmentation` changes.
    augmentation : random changes of the training cases. A batch then ends with the noise's level (case,), if there is
    noise, and the first row (case,) of a window.
    """

    build: Callable[[Source, Preset, Any], nn.Module]
    presets: Mapping[str, Preset]
    loss: Callable[[Any, Batch], tuple[Tensor, Tensor]]
    residuals: Callable[[Any, Batch, Preset], Tensor | float] | None = None
    prepare: Callable[..., None] | None = None
    samples: Callable[[Any, Dataset, int, int], Dataset] | None = None
    optimizer: Callable[[Iterable[nn.Parameter], Preset], tuple[Optimizer, LRScheduler]] = adam
    constants: Callable[..., tuple[Tensor, ...]] | None = None
    fields: tuple[int, ...] = (0, 2)
    augmentation: Augmentation = UNCHANGED

    def preset(self, name: str) -> Preset:
        """Preset of this name, or of FILE.toml:NAME."""
        return chosen(name, self.presets)


@dataclass(frozen=True)
class Network:
    """One network: everything that the rest of the package needs to know about it.

    name, task : str.
    module : class of the network. config : class of its configuration, a dataclass of JSON values and tuples; the
    network stores it as `config`, and `module(config)` is the network before its weights are loaded.
    steps : how it is trained by gradient steps. fit : (training cases, seed, exact directivities) -> network, for one
    that is fitted at once. Exactly one of the two is given.
    place : (network, x, r) -> the network for these cells or microphones; None if it does not depend on them.
    explain : (network, inputs of one case) -> the part RAP explains; None if there is no such part.
    calibrate : (trained network, cases as a batch) -> None; sets its error bars, from every `held_out`-th training
    case, which its samples leave out: validation cases lie in few blocks of the parameters.
    uses_edge : whether it is built with fitted edge functions. constraints : those that can be chosen, by name, with
    their meanings; the names chosen are in the network's configuration. default : whether it is trained when only a
    task is given. hubs : whether it knows ducts with a hub. jets : whether its cases have jets; else the flow must be
    uniform. outside : whether its code lies outside the package.
    """

    name: str
    task: str
    module: Callable[..., nn.Module]
    config: type | None = None
    steps: Steps | None = None
    fit: Callable[[Source, int, Exact], nn.Module] | None = None
    place: Callable[[Any, FloatArray, FloatArray], nn.Module] | None = None
    explain: Callable[[Any, Batch], Explained] | None = None
    calibrate: Callable[[Any, Batch], None] | None = None
    held_out: int = 10
    uses_edge: bool = False
    constraints: Mapping[str, str] = field(default_factory=dict)
    default: bool = False
    hubs: bool = False
    outside: bool = field(default=False, kw_only=True)
    jets: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.fit is None):
            raise ValueError(f"the network {self.name} must be trained in steps or fitted at once, and not both")

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits of a dataset used in training."""
        return ("train",) if self.steps is None else ("train", "validation")

    def options(self, model: Any) -> dict[str, Any]:
        """JSON values from which `rebuild` recreates the network; None is left out, as older files have fewer keys."""
        if self.config is None:
            return dict(getattr(model, "config", None) or {})
        return {key: value for key, value in dataclasses.asdict(model.config).items() if value is not None}

    def rebuild(self, options: Mapping[str, Any]) -> nn.Module:
        """The network before its weights are loaded."""
        return self.module(**options) if self.config is None else self.module(self.config(**options))


def names(task: str | None = None) -> tuple[str, ...]:
    """Names of all networks, or of those for a task, in alphabetical order."""
    found = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))
    return found if task is None else tuple(name for name in found if get(name).task == task)


def get(name: str) -> Network:
    """Network of this name, in which a hyphen may stand for an underscore.

    Raises
    ------
    ValueError
        There is no such network.
    """
    name = name.replace("-", "_")
    if name not in names():
        raise ValueError(f"there is no network {name!r}, expected one of {', '.join(names())}")
    network: Network = importlib.import_module(f"{__name__}.{name}").NETWORK
    if network.name != name:
        raise ValueError(f"the file of the network {name} calls it {network.name}")
    return network


def default(task: str) -> str:
    """Name of the network that is trained for a task by default.

    Raises
    ------
    ValueError
        The task has no network, or has several of which not exactly one is marked as its default.
    """
    mine = names(task)
    chosen = [name for name in mine if get(name).default] if len(mine) > 1 else list(mine)
    if len(chosen) != 1:
        known = ", ".join(sorted({get(name).task for name in names()}))
        raise ValueError(
            f"expected one default network of the task {task!r}, got {len(chosen)}; tasks with networks: {known}"
        )
    return chosen[0]


def of(model: nn.Module) -> Network:
    """Entry of one of the package's networks, found by its class.

    Raises
    ------
    ValueError
        The class is not one of the package's networks.
    """
    for name in names():
        if type(model) is get(name).module:
            return get(name)
    raise ValueError(f"{type(model).__name__} is not a network of the package: see wavenet.outside")


def on_own_positions(model: Any, x: FloatArray, r: FloatArray) -> nn.Module:
    """`Network.place` of a network that works only at the positions in its configuration.

    Raises
    ------
    ValueError
        The positions differ from those in its configuration.
    """
    for axis, there in (("x", x), ("r", r)):
        mine = np.asarray(getattr(model.config, axis))
        if mine.shape != there.shape or not np.allclose(mine, there):
            raise ValueError(f"the run's {axis} positions ({len(mine)}) are not the dataset's ({len(there)})")
    found: nn.Module = model
    return found


def positions(cases: Source) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """x and r of a source's cells or microphones."""
    x, r = (tuple(cases.constants[axis].tolist()) for axis in "xr")
    return x, r


def part_scales(cases: Source) -> dict[str, float]:
    """Root mean square of one part, real or imaginary, of each field of the training cases."""
    # numpy scalars: a tensor built from one is double precision, on which the last bits of past trainings depend
    return {name: rms / np.sqrt(2) for name, (rms, _) in cases.about.scales.items()}
