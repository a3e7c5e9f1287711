"""Cases as tensors: torch Datasets over a source of cases, all cases of a task at once, and augmentation.

A source of cases is defined by `wavenet.fields.Source`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..fields import INPUTS, PARAMETERS, Source, columns, quantities, times
from ..jets import learning
from .augmentation import UNCHANGED, Augmentation


class FieldCases(Dataset[tuple[Tensor, ...]]):
    """(potential (2, x, r), parameters (3,), velocity (4, x, r)) of each case, float64; also x (x,) with a window.

    velocity : real and imaginary u, then v; parameters : m, ka, M.

    Random numbers come from torch, which seeds every DataLoader worker differently and reproducibly.

    Parameters
    ----------
    source : Source
        Cases with "potential", "axial_velocity", "radial_velocity".
    augmentation : Augmentation
    x : (x,) float array
        Cell centres of the source's grid [radii].

    Raises
    ------
    ValueError
        The window is wider than the grid, or the augmentation has noise, which training adds to whole batches.
    """

    def __init__(self, source: Source, x: npt.ArrayLike, augmentation: Augmentation = UNCHANGED):
        self._source, self._x, self._augmentation = source, np.asarray(x, dtype=float), augmentation
        window = augmentation.window
        if augmentation.noise is not None:
            raise ValueError("single cases get no noise: give the augmentation to wavenet.training.loop.fit")
        if window is not None and window > len(self._x):
            raise ValueError(f"the window must have 1 ... {len(self._x)} cells, got {window}")
        group = np.asarray(source.columns["group"])
        self._order = np.argsort(group, kind="stable")
        ranks = group[self._order]
        self._first = np.searchsorted(ranks, group, side="left")
        self._last = np.searchsorted(ranks, group, side="right")

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        case, how = self._source[index], self._augmentation
        field = quantities(case)
        if how.superpose:
            others = self._order[self._first[index] : self._last[index]]
            others = others[others != range(len(self))[index]]
            if len(others):
                other = quantities(self._source[int(others[_integer(len(others))])])
                field = field + times(other[None], torch.randn(1, 2, dtype=field.dtype))[0]
        if how.factor:
            phase, size = 2 * np.pi * torch.rand(()), 2.0 ** (2 * torch.rand(()) - 1)
            factor = torch.stack([size * torch.cos(phase), size * torch.sin(phase)]).to(field.dtype)
            field = times(field[None], factor[None])[0]
        place = slice(0, len(self._x))
        if how.window is not None:
            start = _integer(len(self._x) - how.window + 1)
            place = slice(start, start + how.window)
        parameters = torch.tensor([float(case[name]) for name in PARAMETERS], dtype=field.dtype)
        potential, u, v = field[..., place, :].unbind(1)
        item = potential.contiguous(), parameters, torch.cat([u, v])
        return item if how.window is None else (*item, torch.from_numpy(self._x[place]))


class ForwardCases(Dataset[tuple[Tensor, ...]]):
    """(inputs, pressure (microphone, 2)) of each case, float32; see `wavenet.fields.INPUTS`."""

    def __init__(self, source: Source):
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        case = self._source[index]
        inputs = torch.tensor([float(case[name]) for name in INPUTS])
        return inputs, torch.from_numpy(case["pressure"]).float()


class JetCases(Dataset[tuple[Tensor, ...]]):
    """(parameters, series of both factors) of each jet, float64; see `wavenet.jets.learning.series`."""

    def __init__(self, source: Source):
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        case = {name: np.asarray(one)[None] for name, one in self._source[index].items()}
        parameters, series = learning.series(case | {"node": self._source.constants["node"]}, slice(None))
        return parameters[0], series[0]


def _forward(arrays: Mapping[str, Any], cases: Any) -> tuple[Tensor, ...]:
    return columns(arrays, INPUTS, cases, torch.float32), torch.from_numpy(arrays["pressure"][cases]).float()


def _derivative(arrays: Mapping[str, Any], cases: Any) -> tuple[Tensor, ...]:
    velocity = np.concatenate([arrays["axial_velocity"][cases], arrays["radial_velocity"][cases]], axis=1)
    given = torch.from_numpy(arrays["potential"][cases]), columns(arrays, PARAMETERS, cases, torch.float64)
    return *given, torch.from_numpy(velocity)


@dataclass(frozen=True)
class Loading:
    """How the cases of a task become tensors, the last of which is the target.

    one_by_one : source -> torch Dataset. at_once : arrays of a file by name, cases -> tensors.
    """

    one_by_one: Callable[[Source], Dataset[tuple[Tensor, ...]]]
    at_once: Callable[[Mapping[str, Any], Any], tuple[Tensor, ...]]


TASKS = {  # tasks whose networks are compared on the cases of a dataset
    "forward": Loading(ForwardCases, _forward),
    "derivative": Loading(lambda source: FieldCases(source, source.constants["x"]), _derivative),
    "jet_factor": Loading(JetCases, learning.series),
}


def of_task(task: str) -> Loading:
    """How the cases of a task become tensors.

    Raises
    ------
    ValueError
        The task is not in `TASKS`.
    """
    if task not in TASKS:
        raise ValueError(f"cases of the {task} task do not become tensors, only those of {', '.join(TASKS)}")
    return TASKS[task]


def _integer(count: int) -> int:
    return int(torch.randint(count, ()))
