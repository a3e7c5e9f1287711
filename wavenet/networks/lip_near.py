"""Near field outside ducts with a thick wall, as a correction to the exact field of a thin one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..fields import Source
from ..lips import near_learning
from ..lips.ducts import Ducts
from ..lips.near import Near, NearConfig, NearNetwork
from . import Exact, Network


def near_of(cases: Sequence[Mapping[str, Any]]) -> tuple[Near, Tensor]:
    """Points of a dataset's cases with the thin walls' fields, and phi of their thick walls."""

    def joined(name: str) -> Tensor:
        return torch.from_numpy(np.stack([np.asarray(case[name], dtype=float) for case in cases]))

    def joined_parts(name: str) -> Tensor:
        return torch.view_as_complex(joined(name).contiguous())

    beta, mach = torch.sqrt(1 - joined("mach") ** 2), joined("mach")
    k, thickness, wavenumber = joined("helmholtz") / beta, joined("lip_thickness"), joined("wavenumber")
    none = torch.zeros(0, dtype=torch.float64)
    ducts = Ducts(
        m=joined("m").abs().long(),
        k=k,
        thickness=thickness,
        length=thickness * joined("lip_aspect") / beta,
        wavenumber=wavenumber,
        own=joined_parts("thin_reflection"),
        directivity=torch.zeros(*wavenumber.shape, 0, dtype=torch.complex128),
        theta=none,
        weight=none,
    )
    x, column = joined("x") / beta[:, None], (slice(None), None, None)
    turn = torch.exp(1j * (k * mach)[:, None] * x)[:, None]  # psi = phi exp(-i K M X)
    potential = joined_parts("thin_potential") * turn
    slope = beta[column] * joined_parts("thin_axial_velocity") * turn + 1j * (k * mach)[column] * potential
    return Near(ducts, x, joined("r"), potential, slope), joined_parts("potential") * turn


def _fit(cases: Source, seed: int, exact: Exact) -> NearNetwork:
    """Network fitted to all training cases; the exact solutions are the file's."""
    return near_learning.fit(*near_of([cases[index] for index in range(len(cases))]), seed=seed)


NETWORK = Network(name="lip_near", task="lip_near", module=NearNetwork, config=NearConfig, fit=_fit)
