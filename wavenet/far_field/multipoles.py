r"""From a far field to the field at finite distance: outgoing spherical waves with the same directivity.

    phi(rho, theta) = sum_l d_l i^{l+1} K h_l(K rho) P_l(cos theta),   d_l = int D P_l sin(theta) d theta,

P_l the associated Legendre functions of order m, normalised to one. A duct that goes on for ever is no compact source:
what its wall adds behind it is missing, and the sum is cut where spherical waves would outgrow it. Everything is
differentiable.
"""

import numpy as np
import torch
from scipy.special import roots_legendre

_MORE = 24  # orders beyond K
_INSIDE = 3  # orders beyond K rho, for the closest point


def quadrature(k, m):
    """Angles and weights (node,) for d_l at wavenumbers up to k; float64 tensors."""
    cosine, weight = roots_legendre(2 * (int(k) + _MORE + m) + 64)
    return torch.from_numpy(np.arccos(cosine)), torch.from_numpy(weight)


def field(directivity, angle, weight, m, k, rho, theta):
    """phi and its derivatives along rho and theta, (case, point) each.

    directivity : (case, node) complex tensor at the quadrature's angles. m : int, m >= 0. k : () tensor. rho, theta :
    (point,) tensors.
    """
    number, closest = float(k.detach()), float(rho.detach().min())
    last = max(m + 2, int(min(number + _MORE, number * closest + _INSIDE)))
    amplitude = (directivity * weight) @ _legendre(m, last, angle).to(directivity.dtype).T  # (case, l)
    order = torch.arange(m, last + 1)
    turn = torch.tensor([1j, -1, -1j, 1], dtype=directivity.dtype)[order % 4]  # i^{l+1}
    argument = k * rho
    waves = _hankel(last, argument)
    previous = torch.cat([waves[:1] * 1j, waves[:-1]])  # h_{-1} = i h_0
    degree = torch.arange(last + 1, dtype=rho.dtype)[:, None]
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


def _legendre(m, last, theta):
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


def _hankel(last, argument):
    """Spherical Hankel functions h_0 ... h_last of the first kind, (degree, point), by the recurrence they dominate."""
    start = torch.exp(1j * argument) / (1j * argument)
    found = [start, start * (1 / argument - 1j)]
    for degree in range(1, last):
        found.append((2 * degree + 1) / argument * found[-1] - found[-2])
    return torch.stack(found[: last + 1])
