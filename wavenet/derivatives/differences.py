"""Finite differences on cell centres that do not look through the wall r = 1, x < 0, at any order.

Each derivative is that of the polynomial through the order + 1 nearest points on its own side of the wall. With
`wall_condition` the polynomials of the rows beside the wall also have zero slope on it, so that v(r = 1) = 0.
"""

import numpy as np
import torch
from torch import nn

ORDERS = (2, 4, 6, 8)


def weights(points, at, *, flat_at=None):
    """Weights w with sum w f(points) = f'(at) for polynomials through all points, and with f'(flat_at) = 0 if given."""
    scale = np.max(np.abs(points - at))
    t = (points - at) / scale
    degree = np.arange(len(points) + (flat_at is not None))
    rows = [t[:, None] ** degree]
    if flat_at is not None:
        wall = (flat_at - at) / scale
        rows.append((degree * wall ** np.maximum(degree - 1, 0))[None])
    matrix = np.concatenate(rows)
    slope = np.zeros(len(degree))
    slope[1] = 1 / scale
    return np.linalg.solve(matrix.T, slope)[: len(points)]


def matrix(points, order, *, wall=None, wall_condition=False, at=None):
    """Differentiation matrix (at, points) of one axis.

    Parameters
    ----------
    points : (n,) float array, increasing
    order : int
        Even order of accuracy; order + 1 points are used.
    wall : float, optional
        Position no stencil reaches across.
    wall_condition : bool
        Zero slope on the wall, used by the stencils next to it.
    at : (k,) float array, optional
        Where to differentiate, by default at the points.
    """
    at = points if at is None else at
    result = np.zeros((len(at), len(points)))
    for row, here in enumerate(at):
        same = np.arange(len(points)) if wall is None else np.flatnonzero((points > wall) == (here > wall))
        if len(same) < order + 1:
            raise ValueError(f"order {order} needs {order + 1} points on each side of the wall, got {len(same)}")
        nearest = np.sort(same[np.argsort(np.abs(points[same] - here), kind="stable")[: order + 1]])
        touches = wall is not None and np.min(np.abs(points[nearest] - wall)) < 0.75 * (points[1] - points[0])
        flat = wall if wall_condition and touches else None
        result[row, nearest] = weights(points[nearest], here, flat_at=flat)
    return result


class FixedDerivatives(nn.Module):
    """(u, v) of potentials (case, c, x, r): (case, 2 c, x, r), u first; linear layers with fixed weights.

    axial : (x, x); walled, free : (r, r) matrices, for x < 0 and x > 0.
    """

    upstream: torch.Tensor

    def __init__(self, x, axial, walled, free):
        super().__init__()
        self.axial, self.walled, self.free = _fixed(axial), _fixed(walled), _fixed(free)
        self.register_buffer("upstream", torch.tensor(np.asarray(x) < 0).double()[:, None], persistent=False)

    def forward(self, psi):
        u = self.axial(psi.transpose(2, 3)).transpose(2, 3)
        v = self.walled(psi) * self.upstream + self.free(psi) * (1 - self.upstream)
        return torch.cat([u, v], dim=1)


class Differences(FixedDerivatives):
    """Derivatives by polynomials of one order, the same for every case."""

    def __init__(self, x, r, order=8, *, wall_condition=False):
        x, r = np.asarray(x, float), np.asarray(r, float)
        walled = matrix(r, order, wall=1.0, wall_condition=wall_condition)
        super().__init__(x, matrix(x, order), walled, matrix(r, order))


def _fixed(values):
    values = torch.as_tensor(values)
    layer = nn.Linear(values.shape[1], values.shape[0], bias=False, dtype=torch.float64)
    layer.weight = nn.Parameter(values, requires_grad=False)
    return layer
