"""What follows from the sums of a `MultiMode`'s parts, with liners or without: the base of both solutions."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from . import levels
from .arrays import FloatArray
from .checks import check_angles, check_positive
from .physical import PhysicalDuct

if TYPE_CHECKING:
    from .lined.quantities import LinedPower
    from .multimode import MultiMode
    from .power import Power
    from .transform import Transform


class Group(Protocol):
    """Sources of one |m|, which share what depends on it only.

    Attributes
    ----------
    weights : (source,) float array
        Of each |amplitude|^2.
    transform : Transform
        Of one of the sources, for the fluids outside and in the duct.
    error_estimate : float
        Relative, of the amplitudes.
    """

    weights: FloatArray
    transform: "Transform"
    error_estimate: float

    def mean_square(self, theta: FloatArray) -> FloatArray:
        """Sum of |D|^2."""


class IncoherentQuantities(ABC):
    """The part of the solution for a `MultiMode` that follows from those of its groups; its base class."""

    source: "MultiMode"
    groups: Sequence[Group]

    @property
    @abstractmethod
    def power(self) -> "Power | LinedPower":
        """Power balance of the parts together."""

    @property
    def error_estimate(self) -> float:
        """Relative error estimate of the reflected power and of `mean_square`: twice the largest of the amplitudes."""
        return 2 * max(group.error_estimate for group in self.groups)

    def mean_square(self, theta: npt.ArrayLike) -> FloatArray:
        """Sum of |D|^2 over the parts, for the source's powers.

        Parameters
        ----------
        theta : (...) float array
            Polar angle in the (X, r) plane [rad], 0 downstream, in [0, pi].

        Returns
        -------
        (...) float array
            Of the potential. Without flow it is proportional to the mean-square pressure far away; see
            `mean_square_pressure` for that with flow, at the physical angle.

        Raises
        ------
        ValueError
            An angle outside [0, pi].
        """
        theta = check_angles(theta)
        total = np.zeros(theta.shape)
        for group in self.groups:
            total += group.mean_square(theta)
        return total

    def mean_square_pressure(self, angle: npt.ArrayLike) -> FloatArray:
        """Sum of |P|^2 over the parts, for the source's powers, see `Solution.pressure_directivity`.

        Parameters
        ----------
        angle : (...) float array
            Physical angle in the (x, r) plane [rad], where a microphone stands: 0 downstream, in [0, pi].

        Returns
        -------
        (...) float array
            Mean over the azimuthal angle, [(rho c^2)^2, of the duct's stream] at one duct radius.

        Raises
        ------
        ValueError
            An angle outside [0, pi].
        """
        theta, factor = levels.outer_pressure_factor(self.groups[0].transform, angle)
        return factor**2 * self.mean_square(theta)

    def level(self, theta: npt.ArrayLike) -> FloatArray:
        """Directivity index of the potential [dB]: `mean_square` over its mean over all directions theta.

        Parameters and errors as for `mean_square`. What a microphone measures in a flow is `directivity_index`.
        """
        scale = self.groups[0].transform.radiation
        return levels.decibels(np.sqrt(2 * scale * self.mean_square(theta) / self.power.radiated))

    def directivity_index(self, angle: npt.ArrayLike) -> FloatArray:
        """Level of the pressure at a physical angle over a monopole's of equal power in the same fluid at rest [dB].

        -inf where nothing is radiated. Parameters and errors as for `mean_square_pressure`; without flow equal to
        `level`.
        """
        transform, duct = self.groups[0].transform, self.source.parts[0]
        density, helmholtz, _ = transform.fluid(inside=False)
        beta = math.sqrt((1 - duct.mach) * (1 + duct.mach))
        # 4 pi R^2 <p^2> / (rho c W), W = pi ka beta times the power counted; rho c of the fluid outside
        scale = 2 / (density * helmholtz / (transform.k * transform.scale) * duct.helmholtz * beta)
        return levels.decibels(np.sqrt(scale * self.mean_square_pressure(angle) / self.power.radiated))

    def sound_pressure_level(
        self, angle: npt.ArrayLike, duct: PhysicalDuct, *, distance: float = 1.0, power: float = 1.0
    ) -> FloatArray:
        """Sound pressure level in the far field [dB re 20 uPa].

        Parameters
        ----------
        angle : (...) float array
            Physical angle [rad], as for `mean_square_pressure`.
        duct : PhysicalDuct
            With the Mach number and hub of the source.
        distance : float
            From the centre of the open end [m]; the far field falls as its inverse.
        power : float
            Incident sound power of all parts together [W], with liners at the front of the first.

        Returns
        -------
        (...) float array
            -inf where nothing is radiated.

        Raises
        ------
        ValueError
            The duct is not the source's, or a parameter is outside its range.
        """
        distance, power = check_positive(distance, "distance"), check_positive(power, "power")
        first = self.source.parts[0]
        levels.check_duct(duct, first)
        unit = levels.pascals_per_root_watt(duct, first.helmholtz, float(np.sum(self.source.powers)))
        scale = math.sqrt(power) * unit * duct.radius / distance / levels.REFERENCE_PRESSURE
        return levels.decibels(np.sqrt(self.mean_square_pressure(angle)) * scale)
