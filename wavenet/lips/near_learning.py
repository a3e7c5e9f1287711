"""Fitting the network of near fields at thick walls to solutions by finite elements, all at once."""

import torch
from torch import Tensor

from ..far_field.error_bars import conformal
from . import process
from .ducts import PARAMETERS
from .near import Near, NearConfig, NearNetwork, near_parts

_SAMPLES = 3300  # about and at most: the factorisation of their covariance takes seconds
_POINTS = 4  # samples of a mode, fewest
_LEARN = 900  # samples from which the covariance is learned


def fit(near: Near, potential: Tensor, *, seed: int = 0, exact: bool = True) -> NearNetwork:
    """Network fitted to the fields of thick walls.

    potential : (case, order, point) complex, phi of the thick wall, as in `Near`. seed : of the points, of which a mode
    gives some, and the samples that the covariance is learned from. exact : whether the network corrects the exact
    fields of the thin wall.
    """
    samples = _samples(near, potential, exact, seed)
    covariance = process.fit(samples, _LEARN, seed)
    weights, left = process.solve(samples, covariance)
    z = near.ducts.parameters
    low, high = (tuple(ends.tolist()) for ends in (z.amin(dim=0), z.amax(dim=0)))
    model = NearNetwork(NearConfig(len(z), len(samples.y), low, high, exact))
    model.inverse.copy_(covariance.inverse)
    model.size.copy_(covariance.amplitude)
    model.centre.copy_(z)
    model.case.copy_(samples.case)
    model.place.copy_(samples.x[:, len(PARAMETERS) :])
    strength = covariance.amplitude**2 * samples.factor.conj() * weights[:, None]
    model.weight.copy_(torch.view_as_real(strength.T.contiguous()))
    model.prepare()
    variance = torch.zeros(len(samples.y), dtype=torch.float64)
    for family, size in enumerate(covariance.amplitude**2):
        unknown = size * process.left_out(model.whitening[family])
        variance += unknown[samples.case] * samples.factor[:, family].abs().square()
    ratios = left.abs() / torch.sqrt(variance).clamp(min=1e-30)
    model.bars.copy_(torch.from_numpy(conformal(ratios.numpy())))
    return model


def _samples(near: Near, potential: Tensor, exact: bool, seed: int) -> process.Samples:
    """Some random points of each mode, in units of the size of its field over all of its points."""
    parts = near_parts(near, exact)
    case, order = torch.nonzero(near.ducts.live, as_tuple=True)
    points = potential.shape[2]
    count = min(max(_POINTS, _SAMPLES // len(case)), points)
    draw = torch.rand(len(case), points, generator=torch.Generator().manual_seed(seed)).argsort(dim=1)[:, :count]
    case, order = case.repeat_interleave(count), order.repeat_interleave(count)
    pick = case, order, draw.flatten()
    unit = 1 / potential.abs().square().mean(dim=2).sqrt()[case, order]
    x = torch.cat([near.ducts.parameters[case], parts.place[pick]], dim=1)
    factor, y = parts.factor[:, *pick].T * unit[:, None], (potential[pick] - parts.base[pick]) * unit
    return process.Samples(x, factor, y, case, symmetric=False)
