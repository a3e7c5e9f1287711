"""Finite differences of any even order on cell centres, with no stencil across the wall r = 1, x < 0.

Each derivative is that of the polynomial through the order + 1 nearest points on the same side of the wall. With
`wall_condition` the polynomials of the rows next to the wall also have zero slope on it, so that v(r = 1) = 0.

References
----------
B. Fornberg, Generation of finite difference formulas on arbitrarily spaced grids, Math. Comp. 51 (1988), 699-706.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..arrays import FloatArray

ORDERS = (2, 4, 6, 8)
# Spacings between the wall and a stencil's nearest point within which the stencil uses the wall condition: the nearest
# row of cells, at half a spacing, and not the next one, at one and a half.
_BESIDE = 0.75


def weights(points: FloatArray, at: float, *, flat_at: float | None = None) -> FloatArray:
    """Weights w with sum w f(points) = f'(at) for polynomials f through all points, with f'(flat_at) = 0 if given."""
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


def matrix(
    points: FloatArray,
    order: int,
    *,
    wall: float | None = None,
    wall_condition: bool = False,
    at: FloatArray | None = None,
) -> FloatArray:
    """Differentiation matrix (at, points) of one axis.

    Parameters
    ----------
    points : (n,) float array, increasing
    order : int
        Even order of accuracy; order + 1 points are used.
    wall : float, optional
        Position that no stencil reaches across.
    wall_condition : bool
        Whether the stencils next to the wall use zero slope on it.
    at : (k,) float array, optional
        Where to differentiate, by default at the points.

    Raises
    ------
    ValueError
        Fewer than order + 1 points on a side of the wall.
    """
    at = points if at is None else at
    result = np.zeros((len(at), len(points)))
    for row, here in enumerate(at):
        same = np.arange(len(points)) if wall is None else np.flatnonzero((points > wall) == (here > wall))
        if len(same) < order + 1:
            raise ValueError(f"order {order} needs {order + 1} points on each side of the wall, got {len(same)}")
        nearest = np.sort(same[np.argsort(np.abs(points[same] - here), kind="stable")[: order + 1]])
        touches = wall is not None and np.min(np.abs(points[nearest] - wall)) < _BESIDE * (points[1] - points[0])
        flat = wall if wall_condition and touches else None
        result[row, nearest] = weights(points[nearest], here, flat_at=flat)
    return result


Matrix = FloatArray | torch.Tensor


class FixedDerivatives(nn.Module):
    """(u, v) of potentials (case, c, x, r): (case, 2 c, x, r), u first, by linear layers with fixed weights.

    axial : (x, x) differentiation matrix; walled, free : (r, r) ones, for x < 0 and x > 0
    """

    upstream: torch.Tensor

    def __init__(self, x: npt.ArrayLike, axial: Matrix, walled: Matrix, free: Matrix) -> None:
        super().__init__()
        self.axial, self.walled, self.free = fixed_layer(axial), fixed_layer(walled), fixed_layer(free)
        self.register_buffer("upstream", torch.tensor(np.asarray(x) < 0).double()[:, None], persistent=False)

    def forward(self, psi: torch.Tensor) -> torch.Tensor:
        u = self.axial(psi.transpose(2, 3)).transpose(2, 3)
        v = self.walled(psi) * self.upstream + self.free(psi) * (1 - self.upstream)
        return torch.cat([u, v], dim=1)


class Differences(FixedDerivatives):
    """Finite differences of one order, the same for every case."""

    def __init__(self, x: npt.ArrayLike, r: npt.ArrayLike, order: int = 8, *, wall_condition: bool = False) -> None:
        x, r = np.asarray(x, float), np.asarray(r, float)
        walled = matrix(r, order, wall=1.0, wall_condition=wall_condition)
        super().__init__(x, matrix(x, order), walled, matrix(r, order))


def fixed_layer(matrix: Matrix) -> nn.Linear:
    """Linear layer with fixed weights."""
    values = torch.as_tensor(matrix)
    layer = nn.Linear(values.shape[1], values.shape[0], bias=False, dtype=torch.float64)
    layer.weight = nn.Parameter(values, requires_grad=False)
    return layer
