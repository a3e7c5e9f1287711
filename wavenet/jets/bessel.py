r"""Quotients of Bessel functions of one integer order, differentiable, on any device and in single or double precision.

Everything is a function of q = z^2, real or complex. With Lambda_n = J_n(z) / z^n, an entire function of q,

    inner(q) = Lambda_{m+1} / Lambda_m,    z J_m'(z) / J_m(z) = m - q inner(q),

by the continued fraction that the recurrence Lambda_{n-1} = 2 n Lambda_n - q Lambda_{n+1} gives, which is stable
downwards for real z, imaginary z and between. For the Hankel function of the first kind,

    (z/2)^m H_m(z) / m!  and  (z/2)^m z H_m'(z) / m!,

upwards from orders 0 and 1, for real z > 0; for complex z the quotient z H_m'(z) / H_m(z) alone.

References
----------
M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions (1964), 9.1.27, 9.1.73; I. J. Thompson, A. R. Barnett,
J. Comput. Phys. 64 (1986), 490-509, for the second continued fraction.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.polynomial import chebyshev
from scipy.special import hankel1e
from torch import Tensor

# Order above max(m, |z|) at which the continued fraction begins: J_n / Y_n has fallen below rounding there.
_BEYOND = {torch.float64: 30, torch.complex128: 30, torch.float32: 14, torch.complex64: 14}
_NEAR = 2.0  # |z| below which orders 0 and 1 come from their series, which loses exp(2 |z|) = 2 digits at most
_DEGREE = 24  # of polynomials in 1 / z beyond, which leave 1e-15; torch's own functions of real z leave 4e-7 at z = 5
_SERIES = 24  # its terms: (|z| / 2)^48 / 24!^2 is 1e-48
_FRACTION = 80  # rounds of the second continued fraction: at |z| = 2 the last changes it by less than rounding
_EULER = 0.5772156649015329


class _Inner(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, m: int) -> Tensor:
        last = max(m, int(q.abs().max().sqrt()) if q.numel() else 0) + _BEYOND[q.dtype]
        double = (2 * torch.arange(last + 1, device=q.device)).to(q.dtype)
        ratio = torch.zeros_like(q)  # Lambda_n / Lambda_{n-1}
        following = ratio
        for n in range(last, m, -1):
            following = ratio
            ratio = torch.addcmul(double[n], q, ratio, value=-1).reciprocal_()
        ctx.save_for_backward(ratio, following)
        return ratio

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, None]:
        ratio, following = ctx.saved_tensors
        return given[0] * (0.5 * ratio * (ratio - following)).conj(), None


def inner(q: Tensor, m: int) -> Tensor:
    """Lambda_{m+1} / Lambda_m at q = z^2, any sign or complex; once differentiable."""
    found: Tensor = _Inner.apply(q, m)
    return found


class _Outer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, m: int) -> tuple[Tensor, Tensor]:
        quarter = 0.25 * z * z
        value, following = _first_pair(z)
        following = 0.5 * z * following
        for n in range(1, m + 1):
            value, following = following, (n * following - quarter * value / n) / (n + 1)
        slope = m * value - 2 * (m + 1) * following
        ctx.save_for_backward(z, value, slope)
        ctx.m = m
        return value, slope

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, None]:
        z, value, slope = ctx.saved_tensors
        m = ctx.m
        bent = (m * slope + (m**2 - z**2) * value) / z
        return (given[0] * ((m * value + slope) / z).conj() + given[1] * bent.conj()).real, None


def outer(z: Tensor, m: int) -> tuple[Tensor, Tensor]:
    """(z/2)^m / m! times H_m(z) and z H_m'(z), for real z > 0; differentiable."""
    found: tuple[Tensor, Tensor] = _Outer.apply(z, m)
    return found


def _first_pair(z: Tensor) -> tuple[Tensor, Tensor]:
    """H_0 and H_1 at real z > 0."""
    near = z < _NEAR
    k_0, k_1 = _by_series(torch.where(near, -1j * z, 1.0))
    far = torch.where(near, _NEAR, z)
    turn = torch.exp(1j * far) / torch.sqrt(far)
    place, found = 2 * _NEAR / far - 1, []
    for row in torch.from_numpy(_tables()).to(device=z.device, dtype=turn.dtype):
        following, last = torch.zeros_like(turn), torch.zeros_like(turn)
        for coefficient in row.flip(0)[:-1]:  # Clenshaw's rule
            following, last = coefficient + 2 * place * following - last, following
        found.append(turn * (row[0] + place * following - last))
    return torch.where(near, -2j / np.pi * k_0, found[0]), torch.where(near, -2 / np.pi * k_1, found[1])


@lru_cache(maxsize=1)
def _tables() -> np.ndarray:
    """Chebyshev coefficients of sqrt(z) exp(-i z) H_n(z) in 4 / z - 1, z > 2, for n = 0 and 1."""
    nodes = chebyshev.chebpts1(2 * _DEGREE)
    z = 2 * _NEAR / (nodes + 1)
    return np.array([chebyshev.chebfit(nodes, hankel1e(n, z) * np.sqrt(z), _DEGREE) for n in (0, 1)])


class _Outgoing(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, m: int) -> Tensor:
        ratio = _first_quotient(-1j * z)  # K_1 / K_0
        for n in range(1, m + 1):
            ratio = 1 / ratio + 2j * n / z  # K_{n+1} / K_n = K_{n-1} / K_n + 2 n / w, w = -i z
        slope = m + 1j * z * ratio  # z H_m' / H_m = m - z H_{m+1} / H_m, and H_{m+1} / H_m = -i K_{m+1} / K_m
        ctx.save_for_backward(z, slope)
        ctx.m = m
        return slope

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, None]:
        z, slope = ctx.saved_tensors
        return given[0] * ((ctx.m**2 - z**2 - slope**2) / z).conj(), None


def outgoing(z: Tensor, m: int) -> Tensor:
    """z H_m'(z) / H_m(z) at complex z in the upper half-plane; differentiable."""
    found: Tensor = _Outgoing.apply(z, m)
    return found


def _first_quotient(w: Tensor) -> Tensor:
    """K_1 / K_0 at complex w, Re w > 0."""
    near = w.abs() < _NEAR
    k_0, k_1 = _by_series(torch.where(near, w, 1.0))
    return torch.where(near, k_1 / k_0, _by_fraction(torch.where(near, 2.0, w)))


def _by_series(w: Tensor) -> tuple[Tensor, Tensor]:
    """K_0 and K_1 at complex w."""
    quarter, term, harmonic = 0.25 * w * w, torch.ones_like(w), 0.0
    i_0, i_1, rest = term, torch.ones_like(w), torch.zeros_like(w)
    for n in range(1, _SERIES):
        term = term * quarter / n**2
        harmonic += 1 / n
        i_0, i_1, rest = i_0 + term, i_1 + term / (n + 1), rest + harmonic * term
    k_0 = rest - (torch.log(0.5 * w) + _EULER) * i_0
    return k_0, (1 / w - 0.5 * w * i_1 * k_0) / i_0  # by the Wronskian


def _by_fraction(w: Tensor) -> Tensor:
    """Second continued fraction for K_0'/K_0 = -1/2w - 1 + ..., in the form of Thompson and Barnett, from its end."""
    # K_1 / K_0 = (w + 1/2 + a_1 / (2 (w + 1) + a_2 / (2 (w + 2) + ...))) / w, a_n = -(n - 1/2)^2
    tail = torch.zeros_like(w)
    for n in range(_FRACTION, 0, -1):
        tail = -((n - 0.5) ** 2) / (2 * (w + n) + tail)
    return (w + 0.5 + tail) / w
