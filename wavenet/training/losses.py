"""Losses: (network, batch) -> sum over the values of each case (case,), number of values (case,)."""

import math
from typing import Any

import torch
from torch import Tensor

from ..derivatives.equations import helmholtz_residual
from .presets import Preset

Batch = list[Tensor] | tuple[Tensor, ...]
_DEGREES = 3  # degrees of freedom of Student's t: its tails are as heavy as the errors', which span powers of ten
_MARGIN = 4  # cells omitted from the physical residuals at walls, axis and ends: the reach of central differences
_FROM_WALL = 0.5  # distance from the wall's radius beyond which the physical residuals count [radii]


def pressure_loss(model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean squared error of the pressure, relative to its scale."""
    inputs, pressure = batch
    return _means(((model(inputs) - pressure) / model.config.scale).square())


def velocity_loss(model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean squared error of the velocity relative to the potential's RMS, in units of the network's resolution."""
    potential, parameters, velocity, *_ = batch
    size = potential.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return _means(((model(potential, parameters) - velocity) / (size * model.resolution)).square())


def relative_loss(model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Squared relative L2 error of each case, for any network: the last tensor of a batch is the target.

    Raises
    ------
    ValueError
        The network returns another shape, which would be broadcast.
    """
    *inputs, exact = batch
    found = model(*inputs)
    if not isinstance(found, Tensor) or found.shape != exact.shape:
        what = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ValueError(f"the network must return a tensor of shape {tuple(exact.shape)}, got {what}")
    miss = (found.to(exact.dtype) - exact).square().flatten(1).sum(dim=1)
    values = miss / exact.square().flatten(1).sum(dim=1)
    return values, torch.ones_like(values)


def velocity_residuals(model: Any, batch: Batch, preset: Preset) -> Tensor | float:
    """Residuals of the convected Helmholtz equation and of u_r = v_x, by applying the network twice, times the weight.

    Only away from wall and axis: u and v do not obey the wall condition that the network imposes.
    """
    if not preset.physics:
        return 0.0
    potential, parameters, *_ = batch
    x, r = (potential.new_tensor(points) for points in (model.config.x, model.config.r))
    velocity = model(potential, parameters)
    u, v = velocity[:, :2], velocity[:, 2:]
    along_u, along_v = model(u, parameters), model(v, parameters)
    m, helmholtz, mach = parameters.unbind(dim=1)
    terms = {"m": m, "helmholtz": helmholtz, "mach": mach}
    wave = helmholtz_residual(potential, u, along_u[:, :2], v, along_v[:, 2:], r, **terms)
    twist = (along_u[:, 2:] - along_v[:, :2]) / helmholtz[:, None, None, None] ** 2
    margin = _MARGIN * float(r[1] - r[0])
    live = (torch.abs(r - 1) > _FROM_WALL) & (r > margin) & (r < r[-1] - margin)
    live = live & ((x > x[_MARGIN - 1]) & (x < x[-_MARGIN]))[:, None]
    size = potential.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    left = ((wave / size).square() + (twist / size).square()) * live
    return preset.physics * left.mean(dim=(1, 2, 3))


def error_likelihood(model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Negative log-likelihood of the methods' errors, assumed to follow Student's t with the expected size as scale.

    Batches come from `error_samples`; cells where a method gives no velocity are left out.
    """
    parameters, noise, errors = batch
    found = model.log_errors(parameters, noise).to(errors.dtype)
    given = torch.isfinite(found)
    found = found.masked_fill(~given, 0.0)
    ratio2 = 10 ** (2 * (errors - found))
    values = (math.log(10) * found + (_DEGREES + 1) / 2 * torch.log1p(ratio2 / _DEGREES)) * given
    return values.sum(dim=(1, 2, 3, 4)), given.sum(dim=(1, 2, 3, 4))


def _means(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over the values of each case, counted as one value per case."""
    mean = values.flatten(1).mean(dim=1)
    return mean, torch.ones_like(mean)
