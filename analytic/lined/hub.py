"""The open end of a duct with a lined hub all along, from -infinity to infinity.

References
----------
A. Demir, S. W. Rienstra, Sound radiation from an annular duct with jet flow and a lined centerbody, AIAA 2006-2718.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..arrays import ComplexArray, FloatArray
from ..checks import check_angles
from ..conj_time import ConjTime
from ..errors import check_estimate, check_finite, quiet
from ..media import Jet, UniformFlow
from ..power import Emission, radiated_power
from ..source import Source
from .hub_end import HubModes, UniformHubEnd, hub_modes
from .hub_jet import JetHubEnd
from .liner import check_impedance, check_surface_wave

UNIFORM_FLOW = UniformFlow()


@dataclass(frozen=True)
class LinedHub:
    """A locally reacting liner on the hub from -infinity to infinity, through the open end.

    Parameters
    ----------
    impedance : complex, Re > 0
        Specific impedance Z = p / (rho c v) with v into the hub, as of a `Liner`.
    surface_wave : {"stable", "unstable"}, optional
        As of a `Liner`: what the hydrodynamic wave along the hub is, needed with flow and Im Z > 0.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    impedance: complex
    surface_wave: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "impedance", check_impedance(self.impedance))
        check_surface_wave(self.surface_wave)


class HubEnd(Protocol):
    """An open end with a lined hub, in one medium."""

    error: float
    radiation: float

    @property
    def reflection_matrix(self) -> ComplexArray:
        """As of `LinedHubSolution`."""

    def directivity(self, theta: FloatArray) -> tuple[ComplexArray, float]:
        """D at angles (angle,), and the error estimate of its factors."""


class _MakesEnd(Protocol):
    def __call__(self, source: Source, medium: object, modes: HubModes) -> HubEnd: ...


_ENDS: dict[type, _MakesEnd] = {UniformFlow: UniformHubEnd, Jet: JetHubEnd}


class LinedHubSolution:
    """The sound of one source in a duct with a lined hub, as returned by `solve`.

    The source's n counts downstream modes with the lined hub in order of |gamma|, of their radial wavenumbers, from 0.
    All of them decay, and their powers do not add, so that there is no incident power. With flow the hub has Ingard's
    and Myers' condition, see `LinedFlowSolution`; the hub has no edge, so that nothing is shed from it.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        Amplitudes at the outer wall, at the open end, x = 0.
    lined_hub : LinedHub
    tolerance : float
        Largest relative error estimate accepted.
    medium : UniformFlow or Jet
        What the duct opens into; the jet's Kutta parameter is that of the lip.

    Attributes
    ----------
    source, lined_hub, tolerance, medium
        As passed in.
    error_estimate : float
        Relative, of the reflection and, in uniform flow, of the directivity over its largest value.

    Raises
    ------
    TypeError
        The medium is another one.
    ValueError
        There is no hub; or flow, Im Z > 0, and it is not said what the surface wave is.
    ConvergenceError
        The error estimate is above the tolerance, modes were lost, or two coincide.
    """

    def __init__(self, source: Source, lined_hub: LinedHub, tolerance: float, medium: object = UNIFORM_FLOW) -> None:
        if type(medium) not in _ENDS:
            known = ", ".join(sorted(one.__name__ for one in _ENDS))
            raise TypeError(f"with a lined hub, expected a medium, one of {known}, got {type(medium).__name__}")
        if not source.hub:
            raise ValueError(f"a lined hub needs a hub, got hub={source.hub}")
        self.source, self.lined_hub, self.tolerance, self.medium = source, lined_hub, tolerance, medium
        _check_surface_wave(lined_hub, source.mach)
        with quiet():
            self._modes = hub_modes(source, lined_hub.impedance, lined_hub.surface_wave == "unstable")
            self._end = _ENDS[type(medium)](source, medium, self._modes)
            self._matrix = self._end.reflection_matrix
        self.error_estimate = self._end.error
        check_estimate(self.error_estimate, tolerance, "the amplitudes", self.described)
        check_finite(self._matrix, "the reflection", self.described)

    @property
    def described(self) -> str:
        """The source, the hub and the medium."""
        end = "" if self.medium == UNIFORM_FLOW else f" and {self.medium}"
        return f"{self.source} with {self.lined_hub}{end}"

    @property
    def wavenumbers(self) -> ComplexArray:
        """Axial wavenumbers mu of the incident modes, for waves exp(i mu x): complex (mode,)."""
        return self._physical(self._modes.down)

    @property
    def reflected_wavenumbers(self) -> ComplexArray:
        """Axial wavenumbers mu of the reflected modes; those of the incident ones, turned round, without flow."""
        return self._physical(self._modes.up)

    def _physical(self, s: ComplexArray) -> ComplexArray:
        wall = self._modes.wall
        return -(s + wall.k * wall.mach) / wall.beta

    @property
    def reflection_matrix(self) -> ComplexArray:
        """Reflection coefficients at x = 0, [reflected, incident], of amplitudes of the potential at the outer wall.

        As many as there are orders cut on with a hard hub or in the source, and one more.
        """
        return self._matrix

    @property
    def reflection(self) -> ComplexArray:
        """Reflected amplitudes at the outer wall, x = 0: complex (order,)."""
        return np.asarray(self._matrix[:, : len(self.source.amplitudes)] @ self.source.amplitudes)

    def conj_time(self) -> ConjTime:
        """The solution in the time convention exp(+i omega t): conjugates of every complex quantity."""
        return ConjTime(self)

    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """Directivity D: phi -> D(theta) exp(i K rho) / rho far away, theta in [0, pi]; see `Solution.directivity`.

        Raises
        ------
        ValueError
            An angle outside [0, pi].
        ConvergenceError
            The error estimate is above the tolerance.
        """
        angle = check_angles(theta)
        with quiet():
            value, error = self._end.directivity(angle.ravel())
        check_estimate(self.error_estimate + error, self.tolerance, "the directivity", self.described)
        check_finite(value, "the directivity", self.described)
        return np.asarray(value.reshape(angle.shape))

    @cached_property
    def radiated(self) -> float:
        """Radiated power, as `Power.radiated`; with a jet over sqrt(1 - M^2) of the duct's stream, see `Power`.

        What the hub absorbs, inside the duct and outside, is not in it, and the modes bring no power that could be told
        from what is reflected.

        Raises
        ------
        ConvergenceError
            The quadrature did not converge.
        """
        with quiet():
            emission = [Emission(self._end.directivity, self._end.radiation, self.described)]
            value, error = radiated_power(emission, np.ones(1), np.empty((0, 2)), 0.0, self.tolerance)
        check_estimate(error / value if value else 0.0, self.tolerance, "the radiated power", self.described)
        return value


def _check_surface_wave(hub: LinedHub, mach: float) -> None:
    """Raise where the surface wave of the hub is not chosen, or there is none."""
    if mach and hub.impedance.imag > 0 and hub.surface_wave is None:
        raise ValueError(
            "over a hub with Im Z > 0 the flow has a surface wave that may be an instability: choose "
            f"surface_wave='stable' or 'unstable', got {hub}"
        )
    if hub.impedance.imag <= 0 and hub.surface_wave == "unstable":
        raise ValueError(f"a surface wave can be unstable with Im Z > 0 only, got {hub}")
