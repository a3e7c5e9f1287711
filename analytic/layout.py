"""Points at which a field is summed: tensor grids, whose sums are matrix products, and scattered points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .arrays import ComplexArray, FloatArray
from .wavenumbers import exponentials
from .waves import Factor, norms_of_nodes


@dataclass(frozen=True)
class Side:
    """Points on one side of the open end.

    where : index of the points in the arrays of the field, or of their rows and columns.
    x, r : float arrays, in that order; r increases.
    axials : Factors, exp(rate |x|) of every case's path.
    """

    downstream: bool
    where: tuple[Any, ...]  # slices or index arrays, as numpy takes them
    x: FloatArray
    r: FloatArray
    axials: list[Factor]


class Layout(Protocol):
    """Points on both sides of the open end, and sums over nodes at them."""

    shape: tuple[int, ...]
    sides: list[Side]
    along_x: tuple[int, ...]  # shape that broadcasts an array over x to the points

    def product(self, strength: ComplexArray, factors: ComplexArray, nodes: slice) -> ComplexArray:
        """Sums over nodes of the product of both dependences."""
        ...

    def norms(self, axial: Factor, radial: Factor) -> FloatArray:
        """Norm over the points of every node's wave: (quantity, node)."""
        ...


class Grid:
    """Tensor grid: sums over nodes are matrix products.

    x, r : float arrays. rates : (node,) complex arrays, one per case: waves vary as exp(rate |x|).
    """

    along_x: tuple[int, ...] = (-1, 1)

    def __init__(self, x: FloatArray, r: FloatArray, rates: Sequence[ComplexArray]) -> None:
        self.shape: tuple[int, ...] = (len(x), len(r))
        distances, rows = np.unique(np.abs(x), return_inverse=True)  # one for both sides, if they are mirror images
        every = Factor(exponentials(distances, np.concatenate(rates))[None])
        outward, j = np.argsort(rows), np.argsort(r, kind="stable")
        self.sides: list[Side] = []
        for downstream in (True, False):
            i = outward[(x[outward] >= 0) == downstream]
            if len(i):
                mirrored = np.array_equal(rows[i], np.arange(len(distances)))
                axial = every if mirrored else Factor(every.values[:, rows[i]])
                axials = axial.split([len(rate) for rate in rates])
                self.sides.append(Side(downstream, _rectangle(i, j), x[i], r[j], axials))

    def product(self, strength: ComplexArray, factors: ComplexArray, nodes: slice) -> ComplexArray:
        """Sum over nodes: (x, node) by (quantity, r, node) to (quantity, x, r)."""
        quantities, radii, count = factors.shape
        flat = strength[:, nodes] @ factors.reshape(quantities * radii, count)[:, nodes].T
        return flat.reshape(-1, quantities, radii).transpose(1, 0, 2)

    def norms(self, axial: Factor, radial: Factor) -> FloatArray:
        """Norm over the points of every node's wave: (quantity, node)."""
        return axial.norms * radial.norms


def _rectangle(i: np.ndarray, j: np.ndarray) -> tuple[Any, ...]:
    """Index of rows i and columns j: slices, which cost less, where the indices are consecutive."""
    if np.any(np.diff(j) != 1) or not (np.all(np.diff(i) == 1) or np.all(np.diff(i) == -1)):
        return np.ix_(i, j)
    rows = slice(i[0], i[-1] + 1) if i[-1] >= i[0] else slice(i[0], i[-1] - 1 if i[-1] else None, -1)
    return rows, slice(j[0], j[-1] + 1)


class Points:
    """Scattered points, x and r of one shape: sums over nodes are taken point by point. Otherwise as `Grid`."""

    along_x: tuple[int, ...] = (-1,)

    def __init__(self, x: FloatArray, r: FloatArray, rates: Sequence[ComplexArray]) -> None:
        self.shape: tuple[int, ...] = x.shape
        outward = np.argsort(r, kind="stable")
        self.sides: list[Side] = []
        for downstream in (True, False):
            i = outward[(x[outward] >= 0) == downstream]
            if len(i):
                axials = [Factor(np.exp(np.multiply.outer(np.abs(x[i]), rate))[None]) for rate in rates]
                self.sides.append(Side(downstream, (i,), x[i], r[i], axials))

    def product(self, strength: ComplexArray, factors: ComplexArray, nodes: slice) -> ComplexArray:
        """Sum over nodes: (point, node) by (quantity, point, node) to (quantity, point)."""
        return np.einsum("pn,qpn->qp", strength[:, nodes], factors[..., nodes])

    def norms(self, axial: Factor, radial: Factor) -> FloatArray:
        """Norm over the points of every node's wave: (quantity, node)."""
        return norms_of_nodes(axial.values * radial.values)
