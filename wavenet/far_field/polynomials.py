"""Polynomials that represent the smooth part of the directivity, and functions of a hard-walled duct."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from numpy.polynomial import chebyshev
from scipy.special import hankel1, jnp_zeros
from torch import Tensor

from ..arrays import ComplexArray, FloatArray

Values = TypeVar("Values", FloatArray, Tensor)
AXIS = 1e-7  # offset from the axis, and from the ends of the polynomials' range, where arccos has infinite slope


def eigenvalues(m: int, top: float) -> FloatArray:
    """Zeros of J_m' below `top`; for m = 0 the first is 0, the plane wave's."""
    zeros = jnp_zeros(m, 2 + int(top / np.pi))  # their spacing tends to pi from above
    found: FloatArray = np.concatenate([[0.0] if m == 0 else [], zeros[zeros < top]])
    return found


def slope(m: int, gamma: FloatArray) -> ComplexArray:
    """gamma H_m'(gamma); its limit 2 i / pi at zero for m = 0."""
    safe = np.where(gamma > 0, gamma, 1.0)
    value = m * hankel1(m, safe) - safe * hankel1(m + 1, safe)
    return np.where(gamma > 0, value, 2j / np.pi if m == 0 else np.nan)


def unit(value: Values, low: float | Values, high: float) -> Values:
    """Map the range low ... high to -1 ... 1."""
    return 2 * (value - low) / (high - low) - 1


def vandermonde(value: npt.ArrayLike, count: int) -> FloatArray:
    """Chebyshev polynomials at the values of an array, (..., degree)."""
    found: FloatArray = chebyshev.chebvander(np.asarray(value, dtype=float), count - 1)
    return found


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
