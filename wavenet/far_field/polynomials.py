"""Polynomials in which the directivity's smooth part is learned, and the functions of a hard-walled duct beside it."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from numpy.polynomial import chebyshev
from scipy.special import hankel1, jnp_zeros
from torch import Tensor

from ..arrays import ComplexArray, FloatArray

Values = TypeVar("Values", FloatArray, Tensor)
AXIS = 1e-7  # of the plane wave's own angle to the axis, and of a polynomial's ends: where arccos has no slope


def eigenvalues(m: int, top: float) -> FloatArray:
    """Zeros of J_m' below `top`; the plane wave's zero first for m = 0."""
    zeros = jnp_zeros(m, 2 + int(top / np.pi))  # their spacing tends to pi from above
    found: FloatArray = np.concatenate([[0.0] if m == 0 else [], zeros[zeros < top]])
    return found


def slope(m: int, gamma: FloatArray) -> ComplexArray:
    """gamma H_m'(gamma); its limit 2 i / pi at zero for m = 0."""
    safe = np.where(gamma > 0, gamma, 1.0)
    value = m * hankel1(m, safe) - safe * hankel1(m + 1, safe)
    return np.where(gamma > 0, value, 2j / np.pi if m == 0 else np.nan)


def unit(value: Values, low: float | Values, high: float) -> Values:
    """The range low ... high as -1 ... 1."""
    return 2 * (value - low) / (high - low) - 1


def vandermonde(value: npt.ArrayLike, count: int) -> FloatArray:
    """Chebyshev polynomials of an array, (..., degree)."""
    found: FloatArray = chebyshev.chebvander(np.asarray(value, dtype=float), count - 1)
    return found


def polynomials(value: Tensor, count: int) -> Tensor:
    """Chebyshev polynomials (..., degree), by their recurrence: of values outside of -1 ... 1, too."""
    terms, double = [torch.ones_like(value), value], 2 * value
    for _ in range(count - 2):
        terms.append(double * terms[-1] - terms[-2])
    return torch.stack(terms[:count], dim=-1)


def of_angle(theta: Tensor, count: int) -> Tensor:
    """Chebyshev polynomials of angles in 0 ... pi, as cosines; at the ends their slopes are taken to be zero."""
    place = unit(theta, 0, np.pi).clamp(-1 + AXIS, 1 - AXIS)
    return torch.cos(torch.arange(count, dtype=theta.dtype) * torch.arccos(place)[..., None])
