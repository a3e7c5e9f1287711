"""Incoherent multi-mode sources behind liners."""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .. import levels
from ..arrays import FloatArray
from ..errors import quiet
from ..incoherent import IncoherentQuantities
from ..multimode import MultiMode, check_parts, groups_of
from ..source import ModeMixture
from .cascade import cascade_of
from .liner import Liner
from .quantities import LinedPower
from .solution import LinedSolution
from .sweep import directivities


class LinedMultiModeSolution(IncoherentQuantities):
    """The sound of a `MultiMode` behind liners, as returned by `solve`: sums over its parts.

    Powers of the source are incident at the front of the first liner. Lined modes are found once for each |m|.

    Parameters
    ----------
    source : MultiMode
    liners : tuple of Liner
        Front to back, of finite lengths.
    tolerance : float

    Raises
    ------
    ValueError
        There is flow, or the first liner begins at -infinity.
    ConvergenceError
        As for `LinedSolution`.
    """

    def __init__(self, source: MultiMode, liners: Sequence[Liner], tolerance: float) -> None:
        if math.isinf(liners[0].length):
            raise ValueError("a MultiMode has powers, and those of lined modes from -infinity do not add")
        self.source, self.liners, self.tolerance = source, tuple(liners), tolerance
        self.groups: list[_Group] = [
            _Group(sources, weights, liners, tolerance) for sources, weights in groups_of(source)
        ]

    @cached_property
    def power(self) -> LinedPower:
        """Sum of the parts' `LinedPower`, in the unit of the source's powers; the largest of their residuals.

        Raises
        ------
        ConvergenceError
            As `LinedSolution.power`; or there are more than 2,000 parts that differ in more than the sign of m.
        """
        check_parts(self.source, [len(group.weights) for group in self.groups])
        parts = [
            (weight, part.power)
            for group in self.groups
            for weight, part in zip(group.weights.tolist(), group.parts, strict=True)
        ]
        return LinedPower(
            incident=math.fsum(weight * power.incident for weight, power in parts),
            reflected=math.fsum(weight * power.reflected for weight, power in parts),
            evanescent=math.fsum(weight * power.evanescent for weight, power in parts),
            absorbed=np.sum([weight * power.absorbed for weight, power in parts], axis=0),
            radiated=math.fsum(weight * power.radiated for weight, power in parts),
            residual=max(abs(power.residual) for _, power in parts),
            vortical=0.0,
        )

    @property
    def absorbed(self) -> float:
        """Power that the liners absorb over the incident power."""
        return float(np.sum(self.power.absorbed)) / self.power.incident

    @property
    def transmission_loss(self) -> float:
        """10 log10 of the incident over the radiated sound power [dB]."""
        return float(levels.decibels(np.sqrt(self.power.incident / self.power.radiated)))

    def level(self, theta: npt.ArrayLike) -> FloatArray:
        """Directivity index [dB]: `mean_square` over its mean over all directions."""
        scale = self.groups[0].transform.radiation
        return levels.decibels(np.sqrt(2 * scale * self.mean_square(theta) / self.power.radiated))

    def directivity_index(self, angle: npt.ArrayLike) -> FloatArray:
        """As `level`: there is no flow."""
        return self.level(angle)


class _Group:
    """Sources of one |m|, which share a cascade, and the weight of each |amplitude|^2."""

    def __init__(
        self, sources: list[ModeMixture], weights: FloatArray, liners: Sequence[Liner], tolerance: float
    ) -> None:
        self.weights = weights
        first = sources[0]
        if first.mach:
            raise ValueError(f"liners are solved for without flow only, got mach={first.mach}")
        cascade = cascade_of(first, liners, tolerance, least=len(first.amplitudes))
        self.parts = [LinedSolution(source, liners, tolerance, cascade) for source in sources]
        self.error_estimate = max(part.error_estimate for part in self.parts)
        self._duct, self.transform = cascade.duct, cascade.duct.open_end.transform
        self._lips = [cascade.amplitudes(source).lip for source in sources]

    def mean_square(self, theta: FloatArray) -> FloatArray:
        """Sum of |D|^2."""
        with quiet():
            value = directivities(self._duct, self._lips, theta)
        return np.tensordot(self.weights, np.abs(value) ** 2, 1)
