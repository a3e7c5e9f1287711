"""Incoherent multi-mode sources behind liners."""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from .. import levels
from ..arrays import FloatArray
from ..errors import check_estimate, check_finite, quiet
from ..incoherent import IncoherentQuantities
from ..multimode import MultiMode, check_parts, groups_of
from ..source import ModeMixture
from .cascade import cascade_of
from .flow_solution import UNIFORM_FLOW, LinedFlowSolution
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
    medium : UniformFlow or Jet
        What the duct opens into.

    Raises
    ------
    ValueError
        The first liner begins at -infinity, or as for `LinedFlowSolution`.
    ConvergenceError
        As for `LinedSolution` and `LinedFlowSolution`.
    """

    def __init__(
        self, source: MultiMode, liners: Sequence[Liner], tolerance: float, medium: object = UNIFORM_FLOW
    ) -> None:
        if math.isinf(liners[0].length):
            raise ValueError("a MultiMode has powers, and those of lined modes from -infinity do not add")
        self.source, self.liners, self.tolerance, self.medium = source, tuple(liners), tolerance, medium
        flows = source.parts[0].mach != 0 or medium != UNIFORM_FLOW
        self.groups: list[_Group] | list[_FlowGroup]
        if flows:
            self.groups = [
                _FlowGroup(sources, weights, liners, tolerance, medium) for sources, weights in groups_of(source)
            ]
        else:
            self.groups = [_Group(sources, weights, liners, tolerance) for sources, weights in groups_of(source)]

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
            vortical=math.fsum(weight * power.vortical for weight, power in parts),
        )

    @property
    def absorbed(self) -> float:
        """Power that the liners absorb over the incident power."""
        return float(np.sum(self.power.absorbed)) / self.power.incident

    @property
    def transmission_loss(self) -> float:
        """10 log10 of the incident over the radiated sound power [dB]."""
        return float(levels.decibels(np.sqrt(self.power.incident / self.power.radiated)))


class _Group:
    """Sources of one |m|, which share a cascade, and the weight of each |amplitude|^2."""

    def __init__(
        self, sources: list[ModeMixture], weights: FloatArray, liners: Sequence[Liner], tolerance: float
    ) -> None:
        self.weights = weights
        first = sources[0]
        cascade = cascade_of(first, liners, tolerance, least=len(first.amplitudes))
        self.parts = [LinedSolution(source, liners, tolerance, cascade) for source in sources]
        self.error_estimate = max(part.error_estimate for part in self.parts)
        self._open_end, self.transform = cascade.duct.open_end, cascade.duct.open_end.transform
        self._lips = [cascade.amplitudes(source).lip for source in sources]

    def mean_square(self, theta: FloatArray) -> FloatArray:
        """Sum of |D|^2."""
        with quiet():
            value = directivities(self._open_end, self._lips, theta)
        return np.tensordot(self.weights, np.abs(value) ** 2, 1)


class _FlowGroup:
    """The same with flow."""

    def __init__(
        self, sources: list[ModeMixture], weights: FloatArray, liners: Sequence[Liner], tolerance: float, medium: object
    ) -> None:
        self.weights = weights
        first = LinedFlowSolution(sources[0], liners, tolerance, medium)
        self.parts = [first, *(first.incident(source) for source in sources[1:])]
        self.error_estimate = max(part.error_estimate for part in self.parts)
        self.transform = first.cascade.open_end.transform
        self._tolerance = tolerance

    def mean_square(self, theta: FloatArray) -> FloatArray:
        """Sum of |D|^2."""
        with quiet():
            family = [part.open_end.transform for part in self.parts]
            value, error = type(self.transform).directivities(family, theta)
        check_estimate(float(np.max(error, initial=0.0)), self._tolerance, "the directivity", self.parts[0].described)
        check_finite(value, "the directivity", self.parts[0].described)
        return np.tensordot(self.weights, np.abs(value) ** 2, 1)
