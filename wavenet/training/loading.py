"""Cases as tensors for training: torch Datasets over anything that gives cases one by one, and augmentation.

A source of cases has `len(source)`, `source[i]` -> {name: array} and `source.columns`, {name: array over cases}, as
`data.read.Cases` has. Nothing is read before it is asked for, so that a source may be larger than memory; any number of
DataLoader workers may share it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from ..derivatives.constraints import times
from ..derivatives.unet import PARAMETERS
from ..forward.feed_forward import INPUTS


@dataclass(frozen=True)
class Augmentation:
    """Changes of a field that leave it a solution of the same problem; all are off by default.

    factor : bool
        Multiply by a random complex number of modulus 1/2 ... 2: the equations are linear.
    superpose : bool
        Add a random complex multiple of another case of the same group, i.e. of the same m, ka and M.
    window : int or None
        Cut so many cells in x out of the grid, at random: the lip lies elsewhere in the window.
    """

    factor: bool = False
    superpose: bool = False
    window: int | None = None


class FieldCases(Dataset):
    """(potential (2, x, r), parameters (3,), velocity (4, x, r)) of each case, float64; with a window, x (x,), too.

    velocity : real and imaginary u, then v; parameters : m, ka, M.

    Random numbers are torch's, which seeds every DataLoader worker differently and repeatably.

    Parameters
    ----------
    source : source of cases
        With "potential", "axial_velocity", "radial_velocity"; see the module.
    augmentation : Augmentation
    x : (x,) float array
        Cell centres of the source's grid [radii].

    Raises
    ------
    ValueError
        A window wider than the grid.
    """

    def __init__(self, source, x, augmentation=Augmentation()):
        self._source, self._x, self._augmentation = source, np.asarray(x, dtype=float), augmentation
        window = augmentation.window
        if window is not None and not 1 <= window <= len(self._x):
            raise ValueError(f"the window must have 1 ... {len(self._x)} cells, got {window}")
        group = np.asarray(source.columns["group"])
        self._order = np.argsort(group, kind="stable")
        ranks = group[self._order]
        self._first = np.searchsorted(ranks, group, side="left")
        self._last = np.searchsorted(ranks, group, side="right")

    def __len__(self):
        return len(self._source)

    def __getitem__(self, index):
        case, how = self._source[index], self._augmentation
        field = _stack(case)
        if how.superpose:
            others = self._order[self._first[index] : self._last[index]]
            others = others[others != range(len(self))[index]]
            if len(others):
                other = _stack(self._source[int(others[_integer(len(others))])])
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


class ForwardCases(Dataset):
    """(inputs, pressure (microphone, 2)) of each case, float32; see `wavenet.forward.feed_forward.INPUTS`."""

    def __init__(self, source):
        self._source = source

    def __len__(self):
        return len(self._source)

    def __getitem__(self, index):
        case = self._source[index]
        return torch.tensor([float(case[name]) for name in INPUTS]), torch.from_numpy(case["pressure"]).float()


def _stack(case):
    """(part, quantity, x, r): psi, u, v as one complex tensor."""
    return torch.from_numpy(np.stack([case[name] for name in ("potential", "axial_velocity", "radial_velocity")], 1))


def _integer(count):
    return int(torch.randint(count, ()))
