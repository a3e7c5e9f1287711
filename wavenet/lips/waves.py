"""Cylindrical waves at many ducts, whose azimuthal orders differ."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..ducts import bessel

_AXIS = 1e-9  # argument below which waves are those at this one


def regular(m: Tensor, z: Tensor, *, slope: bool = False) -> Tensor:
    """J_m(z), or J_m'(z), for real z >= 0: m (case,), z (case, ...)."""

    def of_order(at: Tensor, order: int) -> Tensor:
        complex_at = torch.complex(at, torch.zeros_like(at))
        return (bessel.bessel(complex_at, order, slope=slope) / torch.sqrt(complex_at)).real

    return _by_order(m, z.clamp(min=_AXIS), of_order)


def outgoing(m: Tensor, z: Tensor) -> Tensor:
    """(z/2)^m z H_m'(z) / m! for real z >= 0, finite on the axis: m (case,), z (case, ...)."""
    return _by_order(m, z.clamp(min=_AXIS), lambda at, order: bessel.outer(at, order)[1])


def power(m: Tensor, z: Tensor) -> Tensor:
    """(z/2)^m / m!: m (case,), z (case, ...)."""
    order = m.view(-1, *[1] * (z.ndim - 1)).to(z)
    return torch.exp(order * torch.log(0.5 * z.clamp(min=_AXIS)) - torch.lgamma(order + 1))


def _by_order(m: Tensor, z: Tensor, function: Callable[[Tensor, int], Tensor]) -> Tensor:
    orders = torch.unique(m).tolist()
    rows = [torch.nonzero(m == order)[:, 0] for order in orders]
    values = torch.cat([function(z[chosen], int(order)) for order, chosen in zip(orders, rows, strict=True)])
    return values[torch.argsort(torch.cat(rows))]
