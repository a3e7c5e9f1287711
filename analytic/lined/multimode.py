"""Incoherent multi-mode sources behind liners."""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .. import levels
from ..arrays import FloatArray
from ..checks import check_angles, check_positive
from ..errors import quiet
from ..multimode import MultiMode, check_parts, groups_of
from ..physical import PhysicalDuct
from ..source import ModeMixture
from .cascade import cascade_of
from .liner import Liner
from .solution import LinedPower, LinedSolution
from .sweep import directivities


class LinedMultiModeSolution:
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
        self._groups = [_Group(sources, weights, liners, tolerance) for sources, weights in groups_of(source)]

    @property
    def error_estimate(self) -> float:
        """Relative error estimate of the reflected power and of `mean_square`: twice the largest of the amplitudes."""
        return 2 * max(group.error_estimate for group in self._groups)

    @cached_property
    def power(self) -> LinedPower:
        """Sum of the parts' `LinedPower`, in the unit of the source's powers; the largest of their residuals.

        Raises
        ------
        ConvergenceError
            As `LinedSolution.power`; or there are more than 2,000 parts that differ in more than the sign of m.
        """
        check_parts(self.source, [len(group.weights) for group in self._groups])
        parts = [
            (weight, part.power)
            for group in self._groups
            for weight, part in zip(group.weights.tolist(), group.parts, strict=True)
        ]
        return LinedPower(
            incident=math.fsum(weight * power.incident for weight, power in parts),
            reflected=math.fsum(weight * power.reflected for weight, power in parts),
            evanescent=math.fsum(weight * power.evanescent for weight, power in parts),
            absorbed=np.sum([weight * power.absorbed for weight, power in parts], axis=0),
            radiated=math.fsum(weight * power.radiated for weight, power in parts),
            residual=max(abs(power.residual) for _, power in parts),
        )

    @property
    def absorbed(self) -> float:
        """Power that the liners absorb over the incident power."""
        return float(np.sum(self.power.absorbed)) / self.power.incident

    @property
    def transmission_loss(self) -> float:
        """10 log10 of the incident over the radiated sound power [dB]."""
        return float(levels.decibels(np.sqrt(self.power.incident / self.power.radiated)))

    def mean_square(self, theta: npt.ArrayLike) -> FloatArray:
        """Sum of |D|^2 over the parts, see `MultiModeSolution.mean_square`."""
        theta = check_angles(theta)
        total = np.zeros(theta.shape)
        for group in self._groups:
            total += group.mean_square(theta)
        return total

    def level(self, theta: npt.ArrayLike) -> FloatArray:
        """Directivity index [dB]: `mean_square` over its mean over all directions."""
        scale = self._groups[0].transform.radiation
        return levels.decibels(np.sqrt(2 * scale * self.mean_square(theta) / self.power.radiated))

    def mean_square_pressure(self, angle: npt.ArrayLike) -> FloatArray:
        """Sum of |P|^2 over the parts, see `MultiModeSolution.mean_square_pressure`; without flow, angle = theta."""
        theta, factor = levels.outer_pressure_factor(self._groups[0].transform, angle)
        return factor**2 * self.mean_square(theta)

    def directivity_index(self, angle: npt.ArrayLike) -> FloatArray:
        """As `level`: there is no flow."""
        return self.level(angle)

    def sound_pressure_level(
        self, angle: npt.ArrayLike, duct: PhysicalDuct, *, distance: float = 1.0, power: float = 1.0
    ) -> FloatArray:
        """Sound pressure level in the far field [dB re 20 uPa], see `MultiModeSolution.sound_pressure_level`.

        power : incident at the front of the first liner [W].
        """
        first = self.source.parts[0]
        distance, power = check_positive(distance, "distance"), check_positive(power, "power")
        levels.check_duct(duct, first)
        unit = levels.pascals_per_root_watt(duct, first.helmholtz, float(np.sum(self.source.powers)))
        scale = math.sqrt(power) * unit * duct.radius / distance / levels.REFERENCE_PRESSURE
        return levels.decibels(np.sqrt(self.mean_square_pressure(angle)) * scale)


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
