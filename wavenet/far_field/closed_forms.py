"""Functions of a hard-walled duct that surround what is learned of the directivity, in numpy; and its configuration."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev
from scipy.special import hankel1, jnp_zeros

from ..arrays import ComplexArray, FloatArray

if TYPE_CHECKING:
    from torch import Tensor

Values = TypeVar("Values", FloatArray, "Tensor")
AXIS = 1e-7  # offset from the axis, and from the ends of the polynomials' range, where arccos has infinite slope
BEYOND = 6.0  # zeros are divided out for eigenvalues up to this much above K [1/radius]
BELOW = 0.8  # least K learned for an order, as a fraction of its first cut-on
FURTHER = 0.1  # how far extrapolation may leave the range of K, as a fraction of the range


@dataclass(frozen=True)
class DirectivityConfig:
    """orders: azimuthal orders m >= 0; low, high: range of K; degrees of the polynomials in K and in theta."""

    orders: tuple[int, ...]
    low: float
    high: float
    degree: int = 36
    angles: int = 120

    def __post_init__(self) -> None:
        if not self.orders or min(self.orders) < 0 or len(set(self.orders)) != len(self.orders):
            raise ValueError(f"orders must be different and not negative, got {self.orders}")
        if not 0 < self.low < self.high or self.degree < 1 or self.angles < 2:
            raise ValueError(f"expected 0 < low < high and positive degrees, got {self}")


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
