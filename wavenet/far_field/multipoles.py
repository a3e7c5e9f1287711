r"""Field at finite distance from the far field, by outgoing spherical waves with the same directivity.

    phi(rho, theta) = sum_l d_l i^{l+1} K h_l(K rho) P_l(cos theta),   d_l = int D P_l sin(theta) d theta,

P_l the associated Legendre functions of order m, normalised to one. A semi-infinite duct is not a compact source: the
contribution of its wall behind the open end is missing, and the sum is truncated before spherical waves grow too large.
Everything is differentiable.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy.special import roots_legendre
from torch import Tensor

from .closed_forms import AXIS

CLOSEST = 5.0  # least distance of a microphone from the open end [radii]
BEHIND = np.radians(150)  # largest angle from the axis: further back lies the duct's wall, which multipoles neglect
MORE = 24  # degrees kept beyond K
_INSIDE = 3  # degrees kept beyond K rho, at the closest point


def pressure(
    pattern: Callable[..., Tensor],
    m: Tensor,
    n: Tensor,
    helmholtz: Tensor,
    mach: Tensor,
    x: Tensor,
    r: Tensor,
    *,
    closest: float = CLOSEST,
    more: int = MORE,
) -> Tensor:
    """Pressure (mode, microphone) [rho c^2] at positions x, r, for modes m, n (mode,) of amplitude one.

    pattern : (m, n, ka, M, angles) -> directivities (mode, angle), such as a `Directivity`. closest : least distance of
    a microphone [radii]. more : degrees kept beyond K, as long as the waves can be resolved at the closest microphone.

    Raises
    ------
    ValueError
        A microphone too close to the open end or too far behind it.
    """
    beta = torch.sqrt(1 - mach**2)
    k, big_x = helmholtz / beta, x / beta
    rho, theta = torch.hypot(big_x, r), torch.atan2(r, big_x)
    for bad, what in (
        (~(rho >= closest - AXIS), f"closer than {closest} to"),
        (~((theta >= 0) & (theta <= BEHIND)), "more than 150 degrees behind"),
    ):
        if torch.any(bad):
            place = f"x = {float(x[bad][0]):.4g}, r = {float(r[bad][0]):.4g} [duct radii]"
            raise ValueError(f"the microphone at {place} is {what} the open end, in (x / beta, r)")
    result = torch.empty(len(m), len(x), dtype=torch.complex128, device=x.device)
    for order in torch.unique(m).tolist():
        chosen = torch.nonzero(m == order)[:, 0]
        angle, weight = (values.to(x.device) for values in quadrature(float(k.detach()), order, more))
        directivity = pattern(order, n[chosen], helmholtz, mach, angle).to(torch.complex128)
        phi, along, around = field(directivity, angle, weight, order, k, rho, theta, more)
        axial = torch.cos(theta) * along - torch.sin(theta) / rho * around
        turn = torch.exp(-1j * k * mach * big_x)
        # p = i ka psi - M dpsi/dx, psi = phi exp(-i K M X)
        p = (1j * helmholtz * phi - mach / beta * (axial - 1j * k * mach * phi)) * turn
        result = result.index_copy(0, chosen, p)
    return result


def quadrature(k: float, m: int, more: int = MORE) -> tuple[Tensor, Tensor]:
    """Angles and weights (node,) for d_l at wavenumbers up to k; float64 tensors."""
    cosine, weight = roots_legendre(2 * (int(k) + more + m) + 64)
    return torch.from_numpy(np.arccos(cosine)), torch.from_numpy(weight)


def field(
    directivity: Tensor,
    angle: Tensor,
    weight: Tensor,
    m: int,
    k: Tensor,
    rho: Tensor,
    theta: Tensor,
    more: int = MORE,
) -> tuple[Tensor, Tensor, Tensor]:
    """phi and its derivatives with respect to rho and theta, each (case, point).

    directivity : (case, node) complex tensor at the angles of the quadrature. m : int, m >= 0. k : () tensor.
    rho, theta : (point,) tensors.
    """
    number, closest = float(k.detach()), float(rho.detach().min())
    last = max(m + 2, int(min(number + more, number * closest + _INSIDE)))
    amplitude = (directivity * weight) @ _legendre(m, last, angle).to(directivity.dtype).T  # (case, l)
    order = torch.arange(m, last + 1, device=rho.device)
    turn = directivity.new_tensor([1j, -1, -1j, 1])[order % 4]  # i^{l+1}
    argument = k * rho
    waves = _hankel(last, argument)
    previous = torch.cat([waves[:1] * 1j, waves[:-1]])  # h_{-1} = i h_0
    degree = torch.arange(last + 1, dtype=rho.dtype, device=rho.device)[:, None]
    slopes = previous - (degree + 1) / argument * waves
    legendre = _legendre(m, last, theta)
    lower = torch.cat([torch.zeros_like(legendre[:1]), legendre[:-1]])
    l = order.to(rho.dtype)[:, None]  # noqa: E741 - the degree's name
    # sin(theta) dP_l/dtheta = l cos(theta) P_l - sqrt((2 l + 1) / (2 l - 1) (l^2 - m^2)) P_{l-1}
    ratio = torch.sqrt((2 * l + 1) / (2 * l - 1).clamp(min=1) * (l**2 - m**2))
    turns = (l * torch.cos(theta) * legendre - ratio * lower) / torch.sin(theta).clamp(min=1e-9)
    amplitude = amplitude * turn * k
    value, along, around = waves[m:] * legendre, k * slopes[m:] * legendre, waves[m:] * turns
    return amplitude @ value, amplitude @ along, amplitude @ around


def _legendre(m: int, last: int, theta: Tensor) -> Tensor:
    """Normalised associated Legendre functions of degrees m ... last, (degree, point)."""
    cos, sin = torch.cos(theta), torch.sin(theta)
    start = torch.full_like(cos, np.sqrt(0.5))
    for step in range(1, m + 1):
        start = -start * sin * np.sqrt((2 * step + 1) / (2 * step))
    found = [start, np.sqrt(2 * m + 3) * cos * start]
    for degree in range(m + 2, last + 1):
        a = np.sqrt((4 * degree**2 - 1) / (degree**2 - m**2))
        b = np.sqrt(((degree - 1) ** 2 - m**2) / (4 * (degree - 1) ** 2 - 1))
        found.append(a * (cos * found[-1] - b * found[-2]))
    return torch.stack(found[: last - m + 1])


def _hankel(last: int, argument: Tensor) -> Tensor:
    """Spherical Hankel functions h_0 ... h_last of the first kind, (degree, point), by the stable upward recurrence."""
    start = torch.exp(1j * argument) / (1j * argument)
    found = [start, start * (1 / argument - 1j)]
    for degree in range(1, last):
        found.append((2 * degree + 1) / argument * found[-1] - found[-2])
    return torch.stack(found[: last + 1])
