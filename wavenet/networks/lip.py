"""Reflection and directivity of ducts with a thick wall, as corrections to the exact solution of a thin one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..arrays import FloatArray
from ..fields import Source
from ..lips import learning
from ..lips.ducts import Ducts, gauss
from ..lips.network import LipConfig, LipNetwork
from . import Exact, Network


def ducts_of(cases: Sequence[Mapping[str, Any]], theta: FloatArray) -> tuple[Ducts, Tensor, Tensor]:
    """Ducts of a dataset's cases, and the reflections and directivities of their thick walls.

    Raises
    ------
    ValueError
        The angles are not nodes of Gauss and Legendre in 0 ... pi.
    """
    nodes, weight = gauss(len(theta))
    if not np.allclose(nodes, theta):
        raise ValueError(f"the angles must be {len(theta)} nodes of Gauss and Legendre in 0 ... pi, got {theta}")

    def joined(name: str) -> Tensor:
        return torch.from_numpy(np.stack([np.asarray(case[name], dtype=float) for case in cases]))

    def joined_parts(name: str) -> Tensor:
        return torch.view_as_complex(joined(name).contiguous())

    beta = torch.sqrt(1 - joined("mach") ** 2)
    thickness = joined("lip_thickness")
    ducts = Ducts(
        m=joined("m").abs().long(),
        k=joined("helmholtz") / beta,
        thickness=thickness,
        length=thickness * joined("lip_aspect") / beta,
        wavenumber=joined("wavenumber"),
        own=torch.diagonal(joined_parts("thin_reflection"), dim1=1, dim2=2),
        directivity=joined_parts("thin_directivity"),
        theta=torch.from_numpy(theta),
        weight=torch.from_numpy(weight),
    )
    return ducts, joined_parts("reflection"), joined_parts("directivity")


def _fit(cases: Source, seed: int, exact: Exact) -> LipNetwork:
    """Network fitted to all training cases; the exact solutions are the file's."""
    given = ducts_of([cases[index] for index in range(len(cases))], cases.constants["angle"])
    return learning.fit(*given, seed=seed)


NETWORK = Network(name="lip", task="lip", module=LipNetwork, config=LipConfig, fit=_fit)
