"""Baselines for the constrained network: a fitted stencil, least-squares smoothing."""

import numpy as np
import torch
from torch import nn

from wavenet.derivatives.differences import Differences, FixedDerivatives


class FittedStencil(nn.Module):
    """Differences of order 8 and, around the lip, one linear stencil per cell fitted to fields: for one grid only.

    13 x 13 neighbours, real weights, the same for every case; cells with |x|, |r - 1| < 0.25. Ridge regression of what
    the differences miss, its strength that of the least leave-one-out error.
    """

    def __init__(self, x, r, reach=6, half=0.25):
        super().__init__()
        x, r = np.asarray(x), np.asarray(r)
        self.differences = Differences(x, r, 8)
        near = (np.abs(x)[:, None] < half) & (np.abs(r - 1) < half)
        self.cells = np.nonzero(near)
        steps = np.arange(-reach, reach + 1)
        self.i = self.cells[0][:, None, None] + steps[:, None] + 0 * steps
        self.j = self.cells[1][:, None, None] + steps + 0 * steps[:, None]
        self.stencils = torch.zeros(2, len(self.cells[0]), len(steps) ** 2, dtype=torch.float64)

    def _seen(self, psi):
        """(case, part, cell, neighbour)."""
        return psi.double()[:, :, self.i, self.j].flatten(3)

    def fit(self, psi, velocity):
        """From potentials (case, 2, x, r) and velocities (case, 4, x, r)."""
        missed = (velocity - self.differences(psi))[:, :, self.cells[0], self.cells[1]].unflatten(1, (2, 2))
        seen = self._seen(psi).flatten(0, 1)  # (row, cell, neighbour)
        target = missed.transpose(1, 2).flatten(0, 1)  # (row, quantity, cell)
        left, sizes, right = torch.linalg.svd(seen.transpose(0, 1), full_matrices=False)
        projected = torch.einsum("lnk,nql->lkq", left, target)
        least = torch.full(target.shape[1:], torch.inf, dtype=torch.float64)
        for strength in torch.logspace(-14, -4, 21, dtype=torch.float64):
            shrink = sizes**2 / (sizes**2 + strength * sizes[:, :1] ** 2)
            leverage = torch.einsum("lnk,lk->ln", left**2, shrink)
            guess = torch.einsum("lnk,lk,lkq->nql", left, shrink, projected)
            loss = ((target - guess) / (1 - leverage).T[:, None].clamp_min(1e-9)).square().mean(dim=0)
            better = loss < least
            least = torch.where(better, loss, least)
            weights = torch.einsum("lkn,lk,lkq->qln", right, shrink / sizes, projected)
            self.stencils = torch.where(better[:, :, None], weights, self.stencils)

    def forward(self, psi):
        velocity = self.differences(psi)
        added = torch.einsum("cpln,qln->cqpl", self._seen(psi), self.stencils).flatten(1, 2)
        velocity[:, :, self.cells[0], self.cells[1]] += added
        return velocity


class SavitzkyGolay(nn.Module):
    """Derivatives of least-squares polynomials along one axis, smoothed along the other; no window crosses the wall.

    points, degree: of the polynomials along the axis of the derivative; smooth: points and degree across.
    """

    def __init__(self, x, r, points, degree, smooth):
        super().__init__()
        x, r = np.asarray(x), np.asarray(r)
        slopes = (_window(axis, points, degree, wall)[1] for axis, wall in ((x, None), (r, 1.0), (r, None)))
        self.slope = FixedDerivatives(x, *slopes)
        values = (_window(axis, *smooth, wall)[0] for axis, wall in ((x, None), (r, 1.0), (r, None)))
        self.value = FixedDerivatives(x, *values)

    def forward(self, psi):
        across, along = self.value(psi).chunk(2, dim=1)[::-1]  # smoothed in r, in x
        return torch.cat([self.slope(across).chunk(2, dim=1)[0], self.slope(along).chunk(2, dim=1)[1]], dim=1)


def _window(points, count, degree, wall):
    """Matrices (at, point) of the values and slopes of least-squares polynomials through the nearest points."""
    value, slope = np.zeros((2, len(points), len(points)))
    for row, here in enumerate(points):
        same = np.arange(len(points)) if wall is None else np.flatnonzero((points > wall) == (here > wall))
        nearest = np.sort(same[np.argsort(np.abs(points[same] - here), kind="stable")[:count]])
        scale = np.max(np.abs(points[nearest] - here)) or 1.0
        fit = np.linalg.pinv(((points[nearest] - here) / scale)[:, None] ** np.arange(degree + 1))
        value[row, nearest] = fit[0]
        if degree:
            slope[row, nearest] = fit[1] / scale
    return value, slope
