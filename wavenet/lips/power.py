r"""Conservation of power: what is not reflected is radiated, for every combination of incident modes.

With R^ the reflection matrix of power amplitudes, [incident, reflected], and D^_n = D_n sqrt(K / kappa_n N_n) the
directivities of unit power, every lossless end has

    R^ R^* + G = I,  G_nk = \int_0^\pi D^_n D^_k^* sin(theta) dtheta.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .ducts import Ducts

_LEAST = 1e-6  # share of its power that every combination of modes radiates at least
_ROUNDS, _CLOSE = 40, 1e-14  # of the iteration for the root: at most, and the change after which it ends


class Balanced(NamedTuple):
    """reflection : (case, order, order) of power amplitudes; directivity : (case, order, angle)."""

    reflection: Tensor
    directivity: Tensor


def balance(ducts: Ducts, reflection: Tensor, directivity: Tensor) -> Balanced:
    """Conserve power: R^ becomes a contraction, and D^ becomes (T G^-1)^1/2 D^ with T = I - R^ R^*.

    reflection : of power amplitudes. Ducts without thickness stay as they are: they are exact.
    """
    reflection = contraction(reflection)
    unit = torch.where(ducts.live, torch.sqrt(ducts.k)[:, None] / ducts.amplitude, 0.0)[:, :, None]
    own = directivity * unit
    eye = torch.eye(ducts.live.shape[1], dtype=own.dtype)
    gram = (own * ducts.weight) @ own.mH + torch.diag_embed((~ducts.live).to(own.dtype))  # one for orders not there
    ratio = torch.linalg.solve(gram, eye - reflection @ reflection.mH).mH  # T G^-1, both Hermitian
    ratio = torch.where((ducts.thickness > 0)[:, None, None], ratio, eye)
    change = (_root(ratio) - eye) @ own
    return Balanced(reflection, directivity + change / torch.where(unit > 0, unit, 1.0))


def contraction(matrix: Tensor) -> Tensor:
    """Matrices (case, order, order), those with singular values next to one or above scaled down."""
    largest = torch.linalg.matrix_norm(matrix, ord=2) / (1 - _LEAST) ** 0.5
    return matrix / largest.clamp(min=1.0)[:, None, None]


def _root(matrix: Tensor) -> Tensor:
    """Square roots of matrices with positive eigenvalues.

    By the iteration of E. D. Denman and A. N. Beavers, Appl. Math. Comput. 2 (1976), 63-94, whose derivatives are
    finite where eigenvalues coincide.
    """
    value, other = matrix, torch.eye(matrix.shape[-1], dtype=matrix.dtype).expand_as(matrix)
    for _ in range(_ROUNDS):
        before = value
        value, other = 0.5 * (value + torch.linalg.inv(other)), 0.5 * (other + torch.linalg.inv(value))
        if bool((value - before).detach().abs().amax() < _CLOSE * value.detach().abs().amax()):
            break
    return value
