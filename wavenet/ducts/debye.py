r"""Logarithmic derivatives of Bessel functions far from the real axis, by Debye's expansion at all orders.

With w = -i z and R = sqrt(m^2 + w^2), L = w I_m'(w) / I_m(w) solves w L' + L^2 = R^2. In powers of 1 / R, with c =
(w / R)^2,

    L = R + \sum_j P_j(c) R^{1-j},    P_{j+1} = -[(1 - j) c P_j + 2 c (1 - c) P_j' + \sum_{i=1}^j P_i P_{j+1-i}] / 2,

and for K_m in place of I_m with -R in place of R. P_1 = -c / 2. See A&S 9.7 and F. W. J. Olver, Asymptotics and special
functions (1974), 10.7.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.polynomial import polynomial
from torch import Tensor

from .bessel import hankel, inner

_TERMS = 16
_FAR = 20.0, 0.4  # Re R, and more for each order, from which the expansion leaves 1e-13


class _Slopes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, square: Tensor, m: int) -> tuple[Tensor, Tensor]:
        total = m**2 - square
        root = torch.sqrt(total)
        series = _sums(root, -square / total)
        near = torch.nonzero(root.real < _FAR[0] + _FAR[1] * m, as_tuple=True)
        if len(near[0]):
            some = square[near].to(torch.complex128)  # powers of m overflow in single precision
            z = 1j * torch.sqrt(-some)
            value, slope = hankel(z, m)
            exact = m - some * inner(some, m), z * slope / value
            series = series[0].index_put(near, exact[0].to(square)), series[1].index_put(near, exact[1].to(square))
        ctx.save_for_backward(square, *series)
        ctx.m = m
        return series[0], series[1]

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, None]:
        square, *slopes = ctx.saved_tensors
        inside, outside = (rise(slope, square, ctx.m).conj() for slope in slopes)
        return given[0] * inside + given[1] * outside, None


def slopes(square: Tensor, m: int) -> tuple[Tensor, Tensor]:
    """z J_m'(z) / J_m(z) and z H_m'(z) / H_m(z) at complex z^2, z in the upper half-plane; once differentiable."""
    found: tuple[Tensor, Tensor] = _Slopes.apply(square, m)
    return found


def rise(slope: Tensor, square: Tensor, m: int) -> Tensor:
    """Derivative of either in z^2, by Riccati's equation."""
    return (m**2 - square - slope**2) / (2 * square)


def _sums(root: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The expansions with +R and -R."""
    inverse = 1 / root
    powers, orders = [torch.ones_like(c)], [torch.ones_like(c)]
    for _ in range(_TERMS):
        powers.append(powers[-1] * c)
    for _ in range(1, _TERMS):
        orders.append(orders[-1] * inverse)
    table = torch.from_numpy(_polynomials()).to(c.real)
    parts = torch.view_as_real(torch.stack(powers, dim=-1)).transpose(-1, -2) @ table.T  # (..., 2, term)
    each = torch.complex(parts[..., 0, :], parts[..., 1, :]) * torch.stack(orders, dim=-1)
    even, odd = each[..., 1::2].sum(dim=-1), each[..., 0::2].sum(dim=-1)  # P_1, P_3, ... keep their sign
    return root + odd + even, -root + odd - even


@lru_cache(maxsize=1)
def _polynomials() -> np.ndarray:
    """Coefficients of P_1 ... (term, power of c)."""
    c, found = np.array([0.0, 1.0]), [np.zeros(1), np.array([0.0, -0.5])]
    for j in range(1, _TERMS):
        total = (1 - j) * polynomial.polymul(c, found[j])
        total = polynomial.polyadd(total, polynomial.polymul([0.0, 2.0, -2.0], polynomial.polyder(found[j])))
        for i in range(1, j + 1):
            total = polynomial.polyadd(total, polynomial.polymul(found[i], found[j + 1 - i]))
        found.append(-0.5 * total)
    return np.stack([np.pad(one, (0, _TERMS + 1 - len(one))) for one in found[1:]])
