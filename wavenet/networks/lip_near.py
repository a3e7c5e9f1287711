"""Near field outside ducts with a thick wall, as a correction to the exact field of a thin one."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..fields import Source
from ..lips import near_learning
from ..lips.near import Near, NearConfig, NearNetwork
from . import Exact, Network
from .lip import column, complex_column, ducts_at


def near_of(cases: Sequence[Mapping[str, Any]]) -> tuple[Near, Tensor]:
    """Points of a dataset's cases with the thin walls' fields, and phi of their thick walls."""
    own, none = complex_column(cases, "thin_reflection"), torch.zeros(0, dtype=torch.float64)
    ducts = ducts_at(cases, own, own[..., None][..., :0], none, none)
    mach = column(cases, "mach")
    beta, flow = torch.sqrt(1 - mach**2), (ducts.k * mach)[:, None]
    x, each = column(cases, "x") / beta[:, None], (slice(None), None, None)
    turn = torch.exp(1j * flow * x)[:, None]  # psi = phi exp(-i K M X)
    potential = complex_column(cases, "thin_potential") * turn
    slope = beta[each] * complex_column(cases, "thin_axial_velocity") * turn + 1j * flow[..., None] * potential
    return Near(ducts, x, column(cases, "r"), potential, slope), complex_column(cases, "potential") * turn


def _fit(cases: Source, seed: int, exact: Exact) -> NearNetwork:
    """Network fitted to all training cases; the exact solutions are the file's."""
    return near_learning.fit(*near_of([cases[index] for index in range(len(cases))]), seed=seed)


NETWORK = Network(name="lip_near", task="lip_near", module=NearNetwork, config=NearConfig, fit=_fit)
