"""Cases of a dataset file as a torch Dataset, for a training loop of one's own: `wavenet.study.TorchDataset`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from data.read import Cases
from data.task import LINER_ARRAYS, LIP_ARRAYS
from data.task import PARAMETERS as ALL_PARAMETERS
from wavenet.fields import INPUTS, PARAMETERS

DTYPES = (torch.float32, torch.float64)


class FieldItem(NamedTuple):
    """Near field of a case.

    potential : (2, x, r), real and imaginary part. parameters : (parameter,), see `TorchDataset.names`. velocity : (4,
    x, r), real and imaginary part of u, then of v.
    """

    potential: Tensor
    parameters: Tensor
    velocity: Tensor


class PressureItem(NamedTuple):
    """Pressures of a case at microphones.

    inputs : (input,), see `TorchDataset.names`. pressure : (microphone, 2), real and imaginary part.
    """

    inputs: Tensor
    pressure: Tensor


class LipItem(NamedTuple):
    """All cut-on modes of a duct with a thick wall; zeros in place of those that are cut off.

    inputs : (input,), see `TorchDataset.names`. reflection, thin_reflection : (order, order, 2), of the potential at
    the wall, [incident, reflected], real and imaginary part. directivity, thin_directivity : (order, angle, 2).
    """

    inputs: Tensor
    reflection: Tensor
    thin_reflection: Tensor
    directivity: Tensor
    thin_directivity: Tensor


Item = FieldItem | PressureItem | LipItem


@dataclass(frozen=True)
class _Layout:
    """names : of the numbers of a case, in their order. item : kind of item. fields : arrays of each of its fields."""

    names: tuple[str, ...]
    item: type[FieldItem] | type[PressureItem] | type[LipItem]
    fields: Mapping[str, tuple[str, ...]]


_FIELD = {"potential": ("potential",), "velocity": ("axial_velocity", "radial_velocity")}
_PRESSURE = {"pressure": ("pressure",)}
_LIP = {name: (name,) for name in LipItem._fields if name != "inputs"}
_LAYOUTS = {  # by task
    "derivative": _Layout(PARAMETERS, FieldItem, _FIELD),
    "jet_derivative": _Layout(ALL_PARAMETERS, FieldItem, _FIELD),
    "lined_derivative": _Layout((*PARAMETERS, *LINER_ARRAYS), FieldItem, _FIELD),
    "forward": _Layout(INPUTS, PressureItem, _PRESSURE),
    "lined_forward": _Layout((*INPUTS, *LINER_ARRAYS), PressureItem, _PRESSURE),
    "lip": _Layout((*PARAMETERS, *LIP_ARRAYS), LipItem, _LIP),
}


class TorchDataset(Dataset[Item]):
    """Cases of a split of a dataset file, read when they are asked for, as tensors.

    `cases[i]` is a named tuple, and so is a batch of a `torch.utils.data.DataLoader`, with a first axis of cases:

    - task derivative: `FieldItem`, potential (2, x, r), parameters (3,) m, ka, M, and velocity (4, x, r);
    - jet_derivative, lined_derivative: the same, with those of the jet, or of the liner, see `names`;
    - forward: `PressureItem`, inputs (6,) and pressure (microphone, 2);
    - lined_forward: the same, with those of the liner;
    - lip: `LipItem`, inputs (5,), and of the thick and the thin wall reflection (order, order, 2) and directivity
      (order, angle, 2).

    Real and imaginary part stand next to each other. Units and conventions are those of docs/format.md. The file is
    opened on the first access, in each process of its own, so that any number of workers may read it.

    Parameters
    ----------
    path : path
        Dataset file, of `wavenet generate`.
    split : str
        "train", "validation", "test" or another set of the recipe.
    dtype : torch.dtype
        torch.float32 or torch.float64.

    Attributes
    ----------
    names : tuple of str
        Of the elements of `parameters` or `inputs`, such as "m", "helmholtz", "mach".
    positions : dict of tensors
        x and r [radii], of cell centres or microphones, or angle [rad].
    scales : dict of float
        Root mean square of the modulus of each array over the training cases, such as scales["potential"].
    cases : data.read.Cases
        What is read, as numpy arrays.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        There is no such file, split or type of numbers; or the task's cases have no layout here: `data.read.Cases`
        reads those of every task.
    """

    def __init__(self, path: str | Path, split: str, *, dtype: torch.dtype = torch.float32) -> None:
        if not isinstance(path, str | Path):
            raise TypeError(f"expected the path of a dataset file, got {type(path).__name__}")
        if dtype not in DTYPES:
            raise ValueError(f"dtype must be {' or '.join(map(str, DTYPES))}, got {dtype!r}")
        self.cases, self.split, self.dtype = Cases(path, split), split, dtype
        task = self.cases.about.task
        if task not in _LAYOUTS:
            known = ", ".join(_LAYOUTS)
            raise ValueError(f"{path} is a {task} dataset, expected one of {known}; data.read.Cases reads every task")
        self._layout = _LAYOUTS[task]
        fixed = self.cases.constants
        self.positions = {name: self._tensor(fixed[name]) for name in ("x", "r", "angle") if name in fixed}

    @property
    def x(self) -> Tensor:
        """Axial positions (x,) or (microphone,) [radii], of tasks that have them."""
        return self.positions["x"]

    @property
    def r(self) -> Tensor:
        """Radial positions (r,) or (microphone,) [radii], of tasks that have them."""
        return self.positions["r"]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the elements of `parameters` or `inputs`."""
        return self._layout.names

    @property
    def scales(self) -> dict[str, float]:
        """Root mean square of each array over the training cases."""
        return {name: float(rms) for name, (rms, _) in self.cases.about.scales.items()}

    def __repr__(self) -> str:
        about = f"{len(self)} cases of the task {self.cases.about.task}, {self.dtype}"
        return f"{type(self).__name__}({str(self.cases.path)!r}, {self.split!r}: {about})"

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> Item:
        if isinstance(index, slice) or not hasattr(index, "__index__"):
            raise TypeError(
                f"a case is asked for by a whole number, got {index!r}; use torch.utils.data.Subset for more"
            )
        case = self.cases[index]
        numbers = self._tensor([float(case[name]) for name in self._layout.names])
        found = {
            field: self._tensor(np.concatenate([case[name] for name in names]))
            for field, names in self._layout.fields.items()
        }
        return self._layout.item(**{field: found.get(field, numbers) for field in self._layout.item._fields})

    def _tensor(self, values: npt.ArrayLike) -> Tensor:
        return torch.as_tensor(np.asarray(values, dtype=float)).to(self.dtype)
