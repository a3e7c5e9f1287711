"""Polynomials that represent the smooth part of the directivity, in torch."""

import numpy as np
import torch
from torch import Tensor

from .closed_forms import AXIS, unit


def polynomials(value: Tensor, count: int) -> Tensor:
    """Chebyshev polynomials (..., degree) by their recurrence, which also holds outside -1 ... 1."""
    terms, double = [torch.ones_like(value), value], 2 * value
    for _ in range(count - 2):
        terms.append(double * terms[-1] - terms[-2])
    return torch.stack(terms[:count], dim=-1)


def of_angle(theta: Tensor, count: int) -> Tensor:
    """Chebyshev polynomials of angles in 0 ... pi, as cosines; their slopes are set to zero at the ends."""
    place = unit(theta, 0, np.pi).clamp(-1 + AXIS, 1 - AXIS)
    return torch.cos(torch.arange(count, dtype=theta.dtype, device=theta.device) * torch.arccos(place)[..., None])
