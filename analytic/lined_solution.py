"""The sound of one source behind liners."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray, FloatArray
from .checks import finite_array
from .errors import ConvergenceError, check_estimate, check_finite, quiet
from .lined_absorption import absorbed_power
from .lined_cascade import Cascade
from .lined_field import lined_field, switch
from .liner import Liner
from .near_field import Field
from .power import check_residual
from .solution import Solution
from .source import ModeMixture, Source

_BALANCE = 1e-10  # largest residual of the power balance, see `LinedPower`
_WEAKEST = 1e-150  # amplitude at the lip whose square does not underflow


@dataclass(frozen=True)
class LinedPower:
    """Sound power of phi per azimuthal angle, in the unit of `Power`.

    Attributes
    ----------
    incident, reflected : float
        Of the cut-on modes at the front of the first liner.
    evanescent : float
        Power carried to that front by the interaction of incident and reflected cut-off modes.
    absorbed : (liner,) float array
        By each liner: an integral along its wall, of all lined modes.
    radiated : float
        K times the integral of |D|^2 sin(theta).
    residual : float
        incident + evanescent - reflected - sum(absorbed) - radiated, over sum |kappa| N |amplitude|^2 of all incident
        modes.
    """

    incident: float
    reflected: float
    evanescent: float
    absorbed: FloatArray
    radiated: float
    residual: float


class LinedSolution:
    """The sound of one source behind liners, as returned by `solve` with a liner; no flow.

    Reflection refers to the front of the first liner, where the source has its amplitude; x = 0 remains the lip.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        Incident at the front of the first liner.
    liners : tuple of Liner
        Front to back.
    tolerance : float
        Largest relative error estimate accepted, here and in everything computed from the solution.

    Attributes
    ----------
    source, liners, tolerance
        As passed in.

    Raises
    ------
    ValueError
        There is flow.
    ConvergenceError
        The error estimate is above the tolerance, as where two lined modes coincide or for lengths below 0.003; or
        lined modes were lost, or no sound reaches the lip that double precision could represent.
    """

    def __init__(self, source: Source, liners: tuple[Liner, ...], tolerance: float) -> None:
        if source.mach:
            raise ValueError(f"liners are solved for without flow only, got mach={source.mach}")
        self.source, self.liners, self.tolerance = source, liners, tolerance
        lengths = [length for one in liners for length in (one.length, one.distance)]
        self._cascade = Cascade(source, liners, min(lengths), tolerance)
        self._require(self.error_estimate, "the amplitudes")

    def _require(self, error: float, what: str) -> None:
        check_estimate(error, self.tolerance, what, self._described)

    @property
    def _described(self) -> str:
        return f"{self.source} with {', '.join(map(str, self.liners))}"

    @property
    def error_estimate(self) -> float:
        """Relative error estimate of the reflected amplitudes, of those at the lip, and of the directivity.

        Over the largest of them. It counts the modes that were left out, and the error of the factors.
        """
        return self._cascade.error

    @property
    def position(self) -> float:
        """x of the front of the first liner [radii], negative."""
        return -sum(one.length + one.distance for one in self.liners)

    @property
    def _reported(self) -> int:
        cut_on = int(np.count_nonzero(self._cascade.hard.kappa.imag == 0))
        return max(cut_on, len(self.source.amplitudes)) + 1

    @property
    def reflection(self) -> ComplexArray:
        """Reflected potential amplitudes of the radial orders 0, 1, ... at the wall, at the front of the first liner.

        The incident amplitude is one there for a DuctMode. Without flow they are those of the pressure, too. It covers
        the radial orders that are cut on or in the source, and one more: complex (order,).
        """
        return self._cascade.amplitudes.reflected[: self._reported]

    @property
    def transmission(self) -> ComplexArray:
        """Amplitudes of the modes that are incident on the open end, at the wall, x = 0; orders as in `reflection`."""
        return self._lip[: self._reported]

    @property
    def _lip(self) -> ComplexArray:
        return self._cascade.hop * self._cascade.amplitudes.lip

    @cached_property
    def open_end(self) -> Solution:
        """Solution of the modes at the lip: the sound outside, and in the hard duct behind the last liner."""
        return _at_open_end(self._cascade, self._lip, self.source)

    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """Directivity D: psi -> D(theta) exp(i k rho) / rho far away; see `Solution.directivity`."""
        return self.open_end.directivity(theta)

    @property
    def absorbed(self) -> float:
        """Power that the liners absorb over the incident power, of a source with cut-on modes.

        Raises
        ------
        ValueError
            No incident mode is cut on.
        """
        power = self.power
        if not power.incident:
            raise ValueError(f"no power is incident to compare with: {self.source} is cut off")
        return float(np.sum(power.absorbed)) / power.incident

    @cached_property
    def power(self) -> LinedPower:
        """Power balance, see `LinedPower`.

        Raises
        ------
        ConvergenceError
            The residual is above 1e-10 by more than the error estimate, or the radiated power did not converge.
        """
        hard, amplitudes = self._cascade.hard, self._cascade.amplitudes
        flux, on = np.abs(hard.kappa) * hard.norm, hard.kappa.imag == 0
        incident = self._cascade.incident
        into, back = (float(np.sum((flux * np.abs(one) ** 2)[on])) for one in (incident, amplitudes.reflected))
        crossed = float(np.sum(np.where(on, 0.0, 2 * flux * (incident.conj() * amplitudes.reflected).imag)))
        with quiet():
            absorbed = np.array([absorbed_power(*one) for one in self._cascade.walls])
        scale = float(np.sum(flux * np.abs(incident) ** 2))
        radiated = self.open_end.power.radiated
        residual = (into + crossed - back - float(np.sum(absorbed)) - radiated) / scale
        check_residual(residual, 2 * self.error_estimate, _BALANCE, self._described)
        power = LinedPower(into, back, crossed, absorbed, radiated, residual)
        check_finite([into, back, crossed, radiated, residual], "the power", self._described)
        return power

    def field(self, x: npt.ArrayLike, r: npt.ArrayLike) -> Field:
        """Near field on the tensor grid of x and r, also along the liners; see `Solution.field`.

        Closer than about 0.02 to an end of a liner the sums of modes do not converge.

        Raises
        ------
        ValueError
            As `Solution.field`.
        ConvergenceError
            The error estimate is above the solution's tolerance.
        """
        x, r = np.atleast_1d(finite_array(x, "x")), np.atleast_1d(finite_array(r, "r"))
        if x.ndim != 1 or r.ndim != 1:
            raise ValueError(f"a grid needs one-dimensional x and r, got shapes {x.shape} and {r.shape}")
        if np.any(r < self.source.hub):
            raise ValueError(f"radii must be at least {self.source.hub}, the hub's, got r={np.min(r)}")
        with quiet():
            shortest = self._shortest(x) if np.any(r <= 1) else np.inf
            cascade = self._cascade
            if shortest < min(length for one in self.liners for length in (one.length, one.distance)):
                cascade = Cascade(self.source, self.liners, shortest, self.tolerance)
            end = _at_open_end(cascade, cascade.hop * cascade.amplitudes.lip, self.source)
            field = lined_field(cascade, end, x, r, self.position)
        self._require(field.error_estimate, "the field")
        return field

    def _shortest(self, x: FloatArray) -> float:
        """Least distance of positions in the duct to the ends of the liners, and to the lip where modes are summed."""
        ends = self.position + np.cumsum(
            [0.0, *(length for one in self.liners for length in (one.length, one.distance))]
        )
        gaps = np.abs(x[:, None] - ends)
        gaps[x >= switch(self.liners), -1] = np.inf
        return max(float(np.min(gaps, initial=np.inf)), 1e-3)


def _at_open_end(cascade: Cascade, lip: ComplexArray, source: Source) -> Solution:
    if not np.max(np.abs(lip)) > _WEAKEST:
        raise ConvergenceError(f"the sound of {source} that reaches the lip is below {_WEAKEST}")
    return cascade.open_end.incident(ModeMixture(source.m, lip, source.helmholtz, 0.0, source.hub))
