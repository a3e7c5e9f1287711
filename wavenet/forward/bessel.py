"""Bessel functions of complex argument as torch functions, differentiable any number of times.

They are computed by scipy on the CPU; tensors of another device are moved there and back.
"""

from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor

from ..arrays import ComplexArray


def hankel(m: Tensor, z: Tensor) -> Tensor:
    """H_m(z) exp(-i z), of the first kind; m, z : tensors of one shape, z complex."""
    return _hankel(m, z)


def hankel_slope(m: Tensor, z: Tensor) -> Tensor:
    """H_m'(z) exp(-i z)."""
    return _hankel(m - 1, z) - m / z * _hankel(m, z)


def bessel(m: Tensor, z: Tensor) -> Tensor:
    """J_m(z)."""
    return _bessel(m, z)


def bessel_slope(m: Tensor, z: Tensor) -> Tensor:
    """J_m'(z)."""
    return 0.5 * (_bessel(m - 1, z) - _bessel(m + 1, z))


def resonances(m: int) -> ComplexArray:
    """Zeros of H_m' with -pi / 4 < arg z < 0, waves that creep around the duct; by Newton's method from a grid."""
    x, y = np.meshgrid(np.linspace(0.2, m + 2, 2 * m + 8), np.linspace(-0.05, -0.7 * m - 1, m + 6))
    z, change = (x + 1j * y).ravel(), np.full(x.size, np.inf, complex)
    with np.errstate(all="ignore"):  # starts that run away become nan
        for _ in range(40):
            value = special.hankel1e(m, z)
            slope = special.hankel1e(m - 1, z) - m / z * value
            change = slope / (slope / z + (1 - (m / z) ** 2) * value)  # H'' = -H' / z - (1 - m^2 / z^2) H
            z = z + change * np.minimum(1, 0.5 / np.maximum(np.abs(change), 1e-300))
        z = z[(np.abs(change) < 1e-10) & (z.imag < 0) & (z.imag > -z.real)]
    kept: list[complex] = []
    while len(z):
        kept.append(z[0])
        z = z[np.abs(z - z[0]) > 1e-6]
    return np.array(kept, complex)


class _Hankel(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, m: Tensor, z: Tensor) -> Tensor:
        ctx.save_for_backward(m, z)
        return _by_scipy(special.hankel1e, m, z)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        m, z = ctx.saved_tensors
        return None, gradient * (_hankel(m - 1, z) - (m / z + 1j) * _hankel(m, z)).conj()


class _Bessel(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, m: Tensor, z: Tensor) -> Tensor:
        ctx.save_for_backward(m, z)
        return _by_scipy(special.jv, m, z)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        m, z = ctx.saved_tensors
        return None, gradient * bessel_slope(m, z).conj()


def _by_scipy(function: Any, m: Tensor, z: Tensor) -> Tensor:
    values = function(m.cpu().numpy(), z.detach().cpu().numpy())
    return torch.from_numpy(np.asarray(values)).to(z)


def _hankel(m: Tensor, z: Tensor) -> Tensor:
    found: Tensor = _Hankel.apply(m, z)
    return found


def _bessel(m: Tensor, z: Tensor) -> Tensor:
    found: Tensor = _Bessel.apply(m, z)
    return found
