"""Sums of waves exp(-i s x), by which a transform describes the near field."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .arrays import ComplexArray, FloatArray


class Factor:
    """Dependence of waves on x, or on r, at the points of a layout.

    values : (quantity, point, node) complex array.
    """

    def __init__(self, values: ComplexArray) -> None:
        self.values = values

    @functools.cached_property
    def norms(self) -> FloatArray:
        """Norms over the points: (quantity, node)."""
        return norms_of_nodes(self.values)

    def split(self, sizes: Sequence[int]) -> "list[Factor]":
        """Consecutive factors of the given numbers of nodes."""
        if len(sizes) == 1:
            return [self]
        parts = []
        for stop, size in zip(np.cumsum(sizes), sizes, strict=True):
            nodes = slice(stop - size, stop)
            parts.append(Factor(self.values[..., nodes]))
            parts[-1].norms = self.norms[..., nodes]  # computed for all at once
        return parts


@dataclass(frozen=True)
class Waves:
    """Terms of a sum over waves, for some radii.

    s : (node,) complex array, contour variable (s of the wave less the shift, times the scale); for the quadrature over
        the path the nodes of that for x < 0, which on the other side stand for their mirror images -s.
    radial : Factor of f, its r-derivative and -i s / scale f.
    coefficient : (node,) complex array, c.
    error : (node,) float array, relative.
    half : number of nodes, the first ones, that give half the sum, if it is the quadrature; 0 if the terms are exact.
    """

    s: ComplexArray
    radial: Factor
    coefficient: ComplexArray
    error: FloatArray
    half: int = 0


class Spectra(Protocol):
    """Spectra of one transform on one path."""

    def waves(self, r: FloatArray, downstream: bool) -> list[Waves]:
        """Terms of the field on one side of the open end; r increases."""
        ...


def norms(values: ComplexArray) -> FloatArray:
    """Norms over all axes but the first."""
    parts, axes = values.view(float), "qxr"[: values.ndim]  # real and imaginary parts side by side
    return np.sqrt(np.einsum(f"{axes},{axes}->q", parts, parts))


def norms_of_nodes(values: ComplexArray) -> FloatArray:
    """Norms over the middle axis."""
    parts = np.ascontiguousarray(values).view(float)
    squares = np.einsum("qpn,qpn->qn", parts, parts)
    return np.sqrt(squares[:, ::2] + squares[:, 1::2])
