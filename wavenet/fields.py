"""Conversion of complex fields to real tensors and back, defined only here.

A complex field becomes a tensor (2, x, r), its real part first; a velocity (4, x, r): real and imaginary part of u,
then of v. A complex number becomes (2,). The case axis comes first. Parameters of a case are ordered as in
`PARAMETERS`, the inputs of a forward network as in `INPUTS`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .arrays import ComplexArray

PARAMETERS = ("m", "helmholtz", "mach")  # of a field
INPUTS = ("m", "n", "radial_eigenvalue", "helmholtz", "mach", "hub")  # of a duct mode
QUANTITIES = ("potential", "axial_velocity", "radial_velocity")  # of a case of a dataset, (2, x, r) each


class About(Protocol):
    """Description of a file's cases."""

    @property
    def task(self) -> str:
        """Name of the task."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Recipe, seed, commit, versions."""

    @property
    def scales(self) -> Mapping[str, tuple[float, float]]:
        """Root mean square of the modulus, and largest real or imaginary part, of each field of the training cases."""


class Source(Protocol):
    """Cases that networks learn from: `len(source)`, `source[i]` -> {name: array}; `data.read.Cases` is one.

    Cases are read on access, so that a source may be larger than memory; any number of processes may share it.
    """

    @property
    def about(self) -> About:
        """Description of the file's cases."""

    @property
    def columns(self) -> Mapping[str, npt.NDArray[Any]]:
        """Small arrays over the cases, such as m and group."""

    @property
    def constants(self) -> Mapping[str, npt.NDArray[Any]]:
        """Arrays that all cases share, such as x and r."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Mapping[str, Any]: ...


def to_tensor(values: npt.ArrayLike) -> Tensor:
    """Real tensor (2, ...) of a complex array (...)."""
    values = np.asarray(values)
    return torch.from_numpy(np.stack([values.real, values.imag]))


def to_complex(parts: Tensor) -> ComplexArray:
    """Complex array (...) of a real tensor (2, ...)."""
    found: ComplexArray = (parts[0].double() + 1j * parts[1].double()).cpu().numpy()
    return found


def quantities(case: Mapping[str, Any]) -> Tensor:
    """Potential and velocities of a case as one complex field each: (part, quantity, x, r)."""
    return torch.from_numpy(np.stack([case[name] for name in QUANTITIES], 1))


def columns(arrays: Mapping[str, Any], names: Sequence[str], cases: Any, dtype: torch.dtype) -> Tensor:
    """Values of some cases side by side, (case, name)."""
    return torch.from_numpy(np.stack([arrays[name][cases].astype(float) for name in names], axis=1)).to(dtype)


def parameters(m: float, helmholtz: float, mach: float) -> Tensor:
    """Parameters (1, 3) of one case, in the order of `PARAMETERS`."""
    return torch.tensor([[m, helmholtz, mach]], dtype=torch.float64)


def times(field: Tensor, factor: Tensor) -> Tensor:
    """Complex product of fields (case, 2, x, r) and factors (case, 2)."""
    a, b = factor[:, 0, None, None], factor[:, 1, None, None]
    return torch.stack([a * field[:, 0] - b * field[:, 1], a * field[:, 1] + b * field[:, 0]], dim=1)


def times_each(fields: Tensor, factor: Tensor) -> Tensor:
    """Complex product of several fields (case, 2 quantity, x, r), such as (u, v), and factors (case, 2)."""
    return torch.cat([times(part, factor) for part in fields.split(2, dim=1)], dim=1)


def reciprocal(factor: Tensor) -> Tensor:
    """1 / factor of complex numbers (case, 2)."""
    return factor * factor.new_tensor([1.0, -1.0]) / factor.square().sum(dim=1, keepdim=True)


def complex_reference(field: Tensor) -> Tensor:
    """Complex number (case, 2) by which a field is divided: its root mean square times a phase that follows the field.

    reference(c field) = c reference(field), so that c -> f(field / reference) * reference is exactly homogeneous and
    equivariant. The phase is that of the field's mean weighted by fixed numbers, to which in practice no wave is
    orthogonal; a field whose weighted mean vanishes has no phase and is refused.
    """
    cells = torch.arange(field[0, 0].numel(), dtype=field.dtype, device=field.device)
    # The golden angle times a square root: no period, whatever the grid.
    weights = torch.cos(2.399963 * cells**0.5 + 0.7).reshape(field.shape[2:])
    mean = (field * weights).mean(dim=(2, 3))
    modulus = mean.norm(dim=1, keepdim=True)
    size = field.square().sum(dim=1).mean(dim=(1, 2)).sqrt()[:, None]
    if not torch.all(modulus > 1e-12 * size):  # rounding of the sum leaves about 1e-15 of the size
        raise ValueError("a field without phase: it is zero, or its weighted mean is")
    return mean / modulus * size
