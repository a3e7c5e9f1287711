r"""Conservation of power: what is not reflected is radiated, for every combination of incident modes.

With R^ the reflection matrix of power amplitudes, [incident, reflected], and D^_n = D_n sqrt(K / kappa_n N_n) the
directivities of unit power, every lossless end has

    R^ R^* + G = I,  G_nk = \int_0^\pi D^_n D^_k^* sin(theta) dtheta.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .ducts import Ducts

_LEAST = 1e-12  # share of its power that a mode radiates at least


class Balanced(NamedTuple):
    """reflection : (case, order, order) of power amplitudes; directivity : (case, order, angle)."""

    reflection: Tensor
    directivity: Tensor


def balance(ducts: Ducts, reflection: Tensor, directivity: Tensor) -> Balanced:
    """Conserve power: R^ becomes a contraction, and D^ the nearest one, M D^, with M G M^* = I - R^ R^*.

    reflection : of power amplitudes. Ducts without thickness stay as they are: they are exact.
    """
    reflection = contraction(reflection)
    live = ducts.live[:, :, None].to(torch.float64)
    unit = torch.where(ducts.live, torch.sqrt(ducts.k)[:, None] / ducts.amplitude, 0.0)[:, :, None]
    own = directivity * unit
    eye = torch.eye(ducts.live.shape[1], dtype=own.dtype)
    empty = torch.diag_embed(1 - live[:, :, 0]).to(own.dtype)  # of orders that are not there
    gram = (own * ducts.weight) @ own.mH + empty
    left = _power(eye - reflection @ reflection.mH, 0.5)
    turn = left @ _power(left @ gram @ left, -0.5) @ left
    turn = torch.where((ducts.thickness > 0)[:, None, None], turn, eye)
    return Balanced(reflection, (turn @ own) / torch.where(unit > 0, unit, 1.0))


def contraction(matrix: Tensor) -> Tensor:
    """Symmetric matrices (case, order, order), those with singular values above one divided by the largest."""
    largest = torch.linalg.matrix_norm(matrix, ord=2)
    return matrix / largest.clamp(min=1.0)[:, None, None]


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """Power of positive Hermitian matrices."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=_LEAST).pow(exponent)[:, None, :]) @ vectors.mH
