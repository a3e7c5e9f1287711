r"""Bessel functions of one integer order as torch functions: differentiable, on any device, single or double precision.

Hankel and Bessel functions of complex argument and their slopes, `hankel` and `bessel`, and quotients of them. With
q = z^2 and Lambda_n = J_n(z) / z^n, an entire function of q,

    inner(q) = Lambda_{m+1} / Lambda_m,    z J_m'(z) / J_m(z) = m - q inner(q),

by the continued fraction that the recurrence Lambda_{n-1} = 2 n Lambda_n - q Lambda_{n+1} gives, which is stable
downwards for real z, imaginary z and between. For the Hankel function of the first kind,

    (z/2)^m H_m(z) / m!  and  (z/2)^m z H_m'(z) / m!,

upwards from orders 0 and 1, for real z > 0; for complex z the quotient z H_m'(z) / H_m(z) alone.

References
----------
M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions (1964), 9.1.10, 9.1.27, 9.1.73; I. J. Thompson,
A. R. Barnett, J. Comput. Phys. 64 (1986), 490-509, for the second continued fraction.
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
_TOGETHER = 1 << 15  # points whose polynomials are summed at a time: seven megabytes
_SERIES = 24  # its terms: (|z| / 2)^48 / 24!^2 is 1e-48
_FRACTION = 80  # rounds of the second continued fraction: at |z| = 2 the last changes it by less than rounding
_EULER = 0.5772156649015329
# Poles of the rational approximations of orders 0 and 1, at -i b on the branch cut of H: how many, and the range of b.
# For |z| > 2 and -50 < arg z < 110 degrees they leave 1e-7 and 1e-12.
_POLES = {torch.complex64: (10, 0.1, 5.0), torch.complex128: (26, 0.1, 12.0)}
_SECTOR = -50.0, 110.0
_GROWTH = 5.0  # exponent of rounding upwards, m^2 Im z / |z|^2, beyond which it is not either
_STEEP = 1.2  # Im z / Re z beyond which J is not taken from both Hankel functions: the conjugate must be in the sector


def hankel(z: Tensor, m: int, scale: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """scale^m sqrt(z) exp(-i z) times H_m(z) and H_m'(z), at complex z with -pi / 4 < arg z < pi / 2, about.

    The root, which torch computes slowly, falls out of most products and quotients. scale : tensor of real type that z
    can be multiplied with, about |z| / m where this is less than one: in single precision H_m(z) overflows there.
    Next to arg z = -pi / 4, where H falls with n, upwards rounding grows like exp(m^2 / |z|).
    """
    below, value = _both_orders(z)
    turn = 1j / z if scale is None else 1j * scale / z
    shrink = None if scale is None else scale * scale
    if m == 0:
        return below, -value
    # i^n H_n = 2 (n - 1) (i / z) i^{n-1} H_{n-1} + i^{n-2} H_{n-2}
    value = 1j * value if scale is None else 1j * scale * value
    for n in range(1, m):
        before = below if shrink is None else below * shrink
        below, value = value, torch.add(before, turn * value, alpha=2 * n)
    back = (-1j) ** m
    before = below if scale is None else below * scale
    slope = 1j * before + (1j * m / scale if scale is not None else 1j * m) * turn * value
    return value * back, slope * back


def bessel(z: Tensor, m: int, scale: Tensor | None = None, *, slope: bool = False) -> Tensor:
    """sqrt(z) / scale^m times J_m(z), or J_m'(z), at complex z with -pi / 4 < arg z < pi / 2, about."""
    shrink = None if scale is None else scale.expand(z.shape)
    steep, along = z.detach().imag.abs(), z.detach().real
    square = along * along + steep * steep
    by_both = (square > max(m, _NEAR) ** 2) & (steep < _STEEP * along) & (m**2 * steep < _GROWTH * square)
    if bool(by_both.all()):
        return _by_both(z, m, shrink, slope)
    found = torch.zeros_like(z)
    for chosen, rule in ((by_both, _by_both), (~by_both, _by_powers)):
        if bool(chosen.any()):
            some = rule(z[chosen], m, None if shrink is None else shrink[chosen], slope)
            found = found.masked_scatter(chosen, some)
    return found


def _by_both(z: Tensor, m: int, scale: Tensor | None, slope: bool) -> Tensor:
    """J from the Hankel functions of both kinds."""
    one, two = hankel(torch.stack([z, z.conj()]), m)[int(slope)]
    turn = torch.polar(torch.exp(-z.imag), z.real)  # exp(i z), many times faster than torch.exp
    found: Tensor = 0.5 * (turn * one + two.conj() / turn)
    return found if scale is None else found * scale**-m


def _by_powers(z: Tensor, m: int, scale: Tensor | None, slope: bool) -> Tensor:
    """J by its power series; to be used where J is not much smaller than the terms."""
    quarter = -0.25 * z * z
    most = max(float(quarter.detach().abs().max()), 1e-30)
    sizes, least = [1.0], 0.01 * torch.finfo(z.dtype).eps  # of the terms
    while sizes[-1] > least or len(sizes) ** 2 < most:
        sizes.append(sizes[-1] * most / (len(sizes) * (len(sizes) + m)))
    found, part = torch.zeros_like(z), quarter / most
    for k in range(len(sizes) - 1, -1, -1):
        found = found * part + (sizes[k] * (m + 2 * k) if slope else sizes[k])
    front = torch.rsqrt(z) if slope else torch.sqrt(z)
    step = 0.5 * z if scale is None else 0.5 * z / scale
    for n in range(1, m + 1):
        front = front * step / n
    return front * found


def _both_orders(z: Tensor) -> tuple[Tensor, Tensor]:
    """sqrt(z) exp(-i z) times H_0(z) and H_1(z) at complex z."""
    real, imaginary = z.detach().real, z.detach().imag
    near = real * real + imaginary * imaginary < _NEAR**2
    if not bool(near.any()):
        return _by_poles(z)
    zero, one = _by_poles(torch.where(near, _NEAR, z))
    at = z[near]
    k_0, k_1 = _by_series(-1j * at)
    turn = torch.exp(-1j * at) * torch.sqrt(at)
    return zero.masked_scatter(near, -2j / np.pi * k_0 * turn), one.masked_scatter(near, -2 / np.pi * k_1 * turn)


def _by_poles(z: Tensor) -> tuple[Tensor, Tensor]:
    poles, residues = (values.to(z.device) for values in _rational(z.dtype))
    parts = (z.flatten() - poles).reciprocal()
    found = residues[:, :1] + residues[:, 1:] @ parts
    return found[0].view(z.shape), found[1].view(z.shape)


@lru_cache(maxsize=2)
def _rational(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Poles (pole, 1), and limit and residues of sqrt(z) exp(-i z) H_n(z), n = 0 and 1: least squares on the edge."""
    count, low, high = _POLES[dtype]
    poles = -1j * np.geomspace(low, high, count)
    ray, arc = np.geomspace(_NEAR, 1e4, 160), np.radians(np.linspace(*_SECTOR, 60))
    z = np.concatenate([*(ray * np.exp(1j * angle) for angle in arc[[0, 20, 40, -1]]), _NEAR * np.exp(1j * arc)])
    terms = np.concatenate([np.ones((len(z), 1)), 1 / (z[:, None] - poles)], axis=1)
    exact = [hankel1e(n, z) * np.sqrt(z) for n in (0, 1)]
    residues = np.array([np.linalg.lstsq(terms, one, rcond=1e-15)[0] for one in exact])
    return torch.from_numpy(poles).to(dtype)[:, None], torch.from_numpy(residues).to(dtype)


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
        value, following = _first_pair(z)  # real and imaginary parts: the recurrence is real
        following = 0.5 * z * following
        for n in range(1, m + 1):
            step = torch.addcmul(following * (n / (n + 1)), quarter, value, value=-1 / (n * (n + 1)))
            value, following = following, step
        slope = m * value - 2 * (m + 1) * following
        value, slope = torch.complex(*value), torch.complex(*slope)
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


def _first_pair(z: Tensor) -> Tensor:
    """H_0 and H_1 at real z > 0, real and imaginary parts: (order, part, *z)."""
    flat = z.flatten()
    found = torch.cat([_far_pair(some) for some in flat.split(_TOGETHER)], dim=2)
    near = torch.nonzero(flat < _NEAR)[:, 0]
    if len(near):
        k_0, k_1 = _by_series(-1j * flat[near])
        exact = torch.stack([-2j / np.pi * k_0, -2 / np.pi * k_1])
        found[..., near] = torch.stack([exact.real, exact.imag], dim=1)
    return found.view(2, 2, *z.shape)


def _far_pair(z: Tensor) -> Tensor:
    """The same at z > 2, (order, part, point)."""
    far = z.clamp(min=_NEAR)
    place = 2 * _NEAR / far - 1
    rows, double = [torch.ones_like(place), place], 2 * place
    for _ in range(2, _DEGREE + 1):
        rows.append(torch.addcmul(-rows[-2], double, rows[-1]))
    tables = torch.from_numpy(_tables()).to(z.device)
    table = torch.stack([tables.real, tables.imag], dim=1).to(z.dtype)  # (order, part, degree)
    real, imaginary = (table.flatten(0, 1) @ torch.stack(rows)).view(2, 2, -1).unbind(dim=1)
    scale = torch.rsqrt(far)
    cosine, sine = torch.cos(far) * scale, torch.sin(far) * scale
    return torch.stack([real * cosine - imaginary * sine, real * sine + imaginary * cosine], dim=1)


@lru_cache(maxsize=1)
def _tables() -> np.ndarray:
    """Chebyshev coefficients of sqrt(z) exp(-i z) H_n(z) in 4 / z - 1, z > 2, for n = 0 and 1."""
    nodes = chebyshev.chebpts1(2 * _DEGREE)
    z = 2 * _NEAR / (nodes + 1)
    return np.array([chebyshev.chebfit(nodes, hankel1e(n, z) * np.sqrt(z), _DEGREE) for n in (0, 1)])


class _Outgoing(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, m: int, near: bool) -> Tensor:
        if near:
            zero, one = _both_orders(z)
            ratio = 1j * one / zero
        else:
            ratio = _first_quotient(-1j * z)  # K_1 / K_0
        for n in range(1, m + 1):
            ratio = 1 / ratio + 2j * n / z  # K_{n+1} / K_n = K_{n-1} / K_n + 2 n / w, w = -i z
        slope = m + 1j * z * ratio  # z H_m' / H_m = m - z H_{m+1} / H_m, and H_{m+1} / H_m = -i K_{m+1} / K_m
        ctx.save_for_backward(z, slope)
        ctx.m = m
        return slope

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, None, None]:
        z, slope = ctx.saved_tensors
        return given[0] * ((ctx.m**2 - z**2 - slope**2) / z).conj(), None, None


def outgoing(z: Tensor, m: int) -> Tensor:
    """z H_m'(z) / H_m(z) at complex z in the upper half-plane; differentiable."""
    found: Tensor = _Outgoing.apply(z, m, False)
    return found


def outgoing_near(z: Tensor, m: int) -> Tensor:
    """The same, in less time, at -50 degrees < arg z < 110 degrees."""
    found: Tensor = _Outgoing.apply(z, m, True)
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
