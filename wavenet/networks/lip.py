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


def column(cases: Sequence[Mapping[str, Any]], name: str) -> Tensor:
    """An array of each case: (case, ...)."""
    return torch.from_numpy(np.stack([np.asarray(case[name], dtype=float) for case in cases]))


def complex_column(cases: Sequence[Mapping[str, Any]], name: str) -> Tensor:
    """The same of real and imaginary parts, complex."""
    return torch.view_as_complex(column(cases, name).contiguous())


def ducts_at(
    cases: Sequence[Mapping[str, Any]], own: Tensor, directivity: Tensor, theta: Tensor, weight: Tensor
) -> Ducts:
    """Ducts of a dataset's cases; own, directivity, theta, weight : as in `Ducts`."""
    beta, thickness = torch.sqrt(1 - column(cases, "mach") ** 2), column(cases, "lip_thickness")
    return Ducts(
        m=column(cases, "m").abs().long(),
        k=column(cases, "helmholtz") / beta,
        thickness=thickness,
        length=thickness * column(cases, "lip_aspect") / beta,
        wavenumber=column(cases, "wavenumber"),
        own=own,
        directivity=directivity,
        theta=theta,
        weight=weight,
    )


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
    own = torch.diagonal(complex_column(cases, "thin_reflection"), dim1=1, dim2=2)
    thin = complex_column(cases, "thin_directivity")
    ducts = ducts_at(cases, own, thin, torch.from_numpy(theta), torch.from_numpy(weight))
    return ducts, complex_column(cases, "reflection"), complex_column(cases, "directivity")


def _fit(cases: Source, seed: int, exact: Exact) -> LipNetwork:
    """Network fitted to all training cases; the exact solutions are the file's."""
    given = ducts_of([cases[index] for index in range(len(cases))], cases.constants["angle"])
    return learning.fit(*given, seed=seed)


NETWORK = Network(name="lip", task="lip", module=LipNetwork, config=LipConfig, fit=_fit)
