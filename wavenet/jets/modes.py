"""Incident modes of jets: their parameters, and defaults of those that are left out."""

from typing import NamedTuple

import numpy.typing as npt
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
