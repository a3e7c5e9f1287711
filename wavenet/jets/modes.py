"""Incident modes of jets: their parameters, and defaults of those that are left out."""

from typing import NamedTuple

import numpy.typing as npt
import torch
from torch import Tensor

Numbers = npt.ArrayLike | Tensor

# The fluid outside and the lip: as for `analytic.Jet`, with its defaults.
_OUTER = {"mach_outer": 0.0, "sound_speed_ratio": 1.0, "density_ratio": 1.0, "kutta": 1.0, "hub": 0.0}


def streams(**outer: Numbers) -> list[Numbers]:
    """mach_outer, sound_speed_ratio, density_ratio, kutta, as for `analytic.Jet`, and hub, with its defaults.

    Raises
    ------
    TypeError
        A parameter has another name.
    """
    if unknown := outer.keys() - _OUTER.keys():
        raise TypeError(f"the parameters of the hub and the fluid outside are {', '.join(_OUTER)}; got {min(unknown)}")
    return [outer.get(name, usual) for name, usual in _OUTER.items()]


class JetModes(NamedTuple):
    """Incident modes of jets: tensors (case,), broadcast and checked."""

    m: Tensor
    n: Tensor
    helmholtz: Tensor
    mach: Tensor
    mach_outer: Tensor
    sound_speed_ratio: Tensor
    density_ratio: Tensor
    kutta: Tensor
    hub: Tensor


def broadcast(*given: Numbers, dtype: torch.dtype, device: torch.device) -> JetModes:
    """The parameters, without a hub if there is none, as tensors (case,): |m| and n as they are, others of one type.

    Raises
    ------
    TypeError
        A parameter is not of real numbers, or there are too few or too many.
    ValueError
        A parameter has more than one dimension, or another number of cases.
    """
    fields = JetModes._fields
    if len(given) not in (len(fields) - 1, len(fields)):
        raise TypeError(f"expected {', '.join(fields)}, got {len(given)} parameters")
    tensors = [reals(name, one, device) for name, one in zip(fields, given, strict=False)]
    if len(tensors) < len(fields):
        tensors.append(torch.zeros(1, device=device))
    sizes = {name: len(one) for name, one in zip(fields, tensors, strict=True) if len(one) != 1}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"parameters must be single numbers or of as many cases as the others, got cases: {sizes}")
    m, n, *rest = tensors
    return JetModes(*torch.broadcast_tensors(m.abs(), n, *(one.to(dtype) for one in rest)))


def reals(name: str, given: Numbers, device: torch.device, dimensions: int = 1) -> Tensor:
    """A number or numbers as a tensor of one dimension, or of as many as are allowed.

    Raises
    ------
    TypeError, ValueError
        Not real numbers; more dimensions.
    """
    try:
        found = torch.atleast_1d(torch.as_tensor(given, device=device))
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be a number or an array of numbers, got {given!r}") from error
    if found.is_complex() or found.dtype == torch.bool:
        raise TypeError(f"{name} must be of real numbers, got {given!r}")
    if found.ndim > dimensions:
        most = "one dimension" if dimensions == 1 else f"{dimensions} dimensions"
        raise ValueError(f"{name} must have at most {most}, got shape {tuple(found.shape)}")
    return found
