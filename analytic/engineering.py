"""What engineers read of a solution: impedances, transmission loss, and the pressure at the physical angle in dB."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from . import levels
from .arrays import ComplexArray, FloatArray
from .errors import check_estimate
from .power import Power
from .source import Source

if TYPE_CHECKING:
    from .lined.quantities import LinedPower
    from .transform import Transform


class EngineeringQuantities(ABC):
    """The part of a `Solution` that follows from its other quantities; its base class."""

    transform: "Transform"
    tolerance: float

    @property
    @abstractmethod
    def source(self) -> Source:
        """The DuctMode or ModeMixture."""

    @property
    def cut_on(self) -> bool:
        """Whether the incident mode, or any mode of a mixture, propagates in the hard-walled duct.

        If not, it decays in the duct and carries no power of its own; `solve` warns of it by `CutOffWarning`.
        """
        return self.source.cut_on

    @property
    def described(self) -> str:
        """The source and what it is in, for error messages."""
        return self.transform.described

    @property
    @abstractmethod
    def error_estimate(self) -> float:
        """Relative error estimate of the reflection coefficients."""

    @property
    @abstractmethod
    def reflection_pressure(self) -> ComplexArray:
        """Reflection coefficients of the pressure."""

    @property
    @abstractmethod
    def power(self) -> "Power | LinedPower":
        """Power balance."""

    @abstractmethod
    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """Directivity of the potential in the (X, r) plane."""

    # At the open end

    @property
    def specific_impedance(self) -> complex:
        """Specific impedance z = p / (rho c u) that the incident mode's radial order meets at x = 0, over rho c.

        For the plane wave z = (1 + R) / (1 - R) with R the reflection coefficient of the pressure,
        `reflection_pressure`, also in a flow; that of the potential is R (1 - M) / (1 + M). For other orders z = (1 +
        R) / (y + R y'), with the admittances y, y' = mu / (ka - M mu) of the waves towards +x and -x. Time factor
        exp(-i omega t): a mass has a negative imaginary part, see `conj_time`.

        Raises
        ------
        ValueError
            The source is a mixture of modes.
        ConvergenceError
            The error estimate, which grows as R approaches -1 or 1, is above the solution's tolerance.
        """
        source = levels.one_mode(self.source, "the impedance")
        value, sensitivity = levels.impedance(source, complex(self.reflection_pressure[source.n]))
        error = self.error_estimate * sensitivity
        check_estimate(error, self.tolerance, "the impedance", self.described)
        return value

    @property
    def radiation_impedance(self) -> complex:
        """Acoustic radiation impedance rho c z / S at the open end [Pa s/m^3], z = `specific_impedance`.

        Raises
        ------
        ValueError
            The source is not from `DuctMode.physical`.
        """
        duct = levels.physical_source(self.source, "an impedance in Pa s/m^3").duct
        return self.specific_impedance * duct.density * duct.sound_speed / duct.area

    @property
    def transmission_loss(self) -> float:
        """10 log10 of the incident over the radiated sound power [dB].

        The loss to reflection and, with a jet, to its vorticity. Without a jet and for a plane wave that excites no
        other cut-on mode it is -10 log10(1 - |R|^2 (1 - M)^2 / (1 + M)^2), R that of the pressure.

        Raises
        ------
        ValueError
            No incident mode is cut on.
        """
        if not self.power.incident > 0:
            raise ValueError(f"the incident sound is cut off and carries no power of its own: {self.described}")
        return float(levels.decibels(np.sqrt(self.power.incident / self.power.radiated)))

    # Far field

    def pressure_directivity(self, angle: npt.ArrayLike) -> ComplexArray:
        """Directivity of the pressure: p -> P(angle) exp(i K (rho - M X)) / R far away, at the distance R.

        Parameters
        ----------
        angle : (...) float array
            Physical angle in the (x, r) plane [rad], where a microphone stands: 0 downstream, in [0, pi].

        Returns
        -------
        (...) complex array
            P [rho c^2, of the duct's stream] for R in duct radii and an incident potential amplitude of 1; accuracy and
            errors raised as for `directivity`. Rho, X, K and M as there, outside.
        """
        theta, factor = levels.outer_pressure_factor(self.transform, angle)
        return 1j * factor * self.directivity(theta)

    def relative_level(self, angle: npt.ArrayLike) -> FloatArray:
        """Level of the far-field pressure over the incident mode's own at the wall [dB], at one duct radius.

        The far field is extrapolated to a distance of one radius from the lip's centre; at R radii the level is 20
        log10(R) lower. -inf where nothing is radiated.

        Parameters
        ----------
        angle : (...) float array
            Physical angle [rad], as for `pressure_directivity`.

        Raises
        ------
        ValueError
            The source is a mixture of modes, or as `pressure_directivity`.
        """
        source = levels.one_mode(self.source, "a level over the incident mode's")
        return levels.relative_level(source, self.pressure_directivity(angle))

    def sound_pressure_level(
        self,
        angle: npt.ArrayLike,
        *,
        distance: float = 1.0,
        power: float | None = None,
        wall_pressure: float | None = None,
    ) -> FloatArray:
        """Sound pressure level in the far field [dB re 20 uPa], for a source from `DuctMode.physical`.

        Parameters
        ----------
        angle : (...) float array
            Physical angle [rad], as for `pressure_directivity`.
        distance : float
            From the centre of the open end [m]; the far field falls as its inverse.
        power, wall_pressure : float
            Sound power of the incident mode [W], 1 W by default; or its root-mean-square pressure at the wall [Pa],
            without that of the reflected waves.

        Returns
        -------
        (...) float array
            -inf where nothing is radiated.

        Raises
        ------
        ValueError
            The source is not physical, a power is given for a mode that is cut off, or a parameter is out of range.
        """
        source = levels.physical_source(self.source, "a sound pressure level")
        return levels.sound_pressure_level(source, self.pressure_directivity(angle), distance, power, wall_pressure)
