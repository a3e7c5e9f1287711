"""What follows from the amplitudes of a solution behind liners, without and with flow: the base of both."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import ComplexArray, FloatArray
from ..engineering import EngineeringQuantities
from ..errors import ConvergenceError, check_finite
from ..power import check_residual
from ..solution import Solution
from ..source import Source
from .duct import HardModes
from .liner import Liner

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
        incident + evanescent - reflected - sum(absorbed) - radiated - vortical, over sum |kappa| N |amplitude|^2 of all
        incident modes.
    vortical : float
        Power carried downstream along a jet, see `Power`; 0 without a jet.
    """

    incident: float
    reflected: float
    evanescent: float
    absorbed: FloatArray
    radiated: float
    residual: float
    vortical: float


class LinedQuantities(EngineeringQuantities):
    """The part of a solution behind liners that follows from the amplitudes of its waves; its base class.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        Incident at the front of the first liner.
    liners : sequence of Liner
        Front to back.
    tolerance : float
        Largest relative error estimate accepted.
    """

    def __init__(self, source: Source, liners: Sequence[Liner], tolerance: float) -> None:
        self._source, self.liners, self.tolerance = source, tuple(liners), tolerance

    @property
    def source(self) -> Source:
        """The DuctMode or ModeMixture."""
        return self._source

    @property
    def described(self) -> str:
        """The source and the liners."""
        return f"{self.source} with {', '.join(map(str, self.liners))}"

    @property
    @abstractmethod
    def hard(self) -> HardModes:
        """Modes of the hard-walled duct."""

    @property
    @abstractmethod
    def lip(self) -> ComplexArray:
        """Amplitudes of all hard modes that are incident on the open end."""

    @property
    @abstractmethod
    def open_end(self) -> Solution:
        """Solution of the modes at the lip: the sound outside, and in the hard duct behind the last liner."""

    @property
    def orders(self) -> int:
        """Number of radial orders reported: those that are cut on or in the source, and one more."""
        cut_on = int(np.count_nonzero(self.hard.kappa.imag == 0))
        return max(cut_on, len(self.source.amplitudes)) + 1

    @property
    def transmission(self) -> ComplexArray:
        """Potential amplitudes of the modes that are incident on the open end, at the wall, x = 0.

        Orders as in `reflection`. With a liner up to the lip, of hard-walled modes that are equal to the field there.
        """
        return self.lip[: self.orders]

    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """Directivity D: phi -> D(theta) exp(i K rho) / rho far away; see `Solution.directivity`."""
        return self.open_end.directivity(theta)

    @property
    @abstractmethod
    def power(self) -> LinedPower:
        """Power balance, see `LinedPower`."""

    @property
    def absorbed(self) -> float:
        """Power that the liners absorb over the incident power, of a source with cut-on modes.

        Raises
        ------
        ValueError
            No incident mode is cut on, or as `power`.
        """
        power = self.power
        if not power.incident:
            raise ValueError(f"no power is incident to compare with: {self.source} is cut off")
        return float(np.sum(power.absorbed)) / power.incident


def check_lip(lip: ComplexArray, source: Source) -> None:
    """Raise if what reaches the lip is too weak for double precision."""
    if not np.max(np.abs(lip)) > _WEAKEST:
        raise ConvergenceError(f"the sound of {source} that reaches the lip is below {_WEAKEST}")


def check_radii(r: FloatArray, hub: float) -> None:
    """Raise for a radius inside the hub."""
    if np.any(r < hub):
        raise ValueError(f"radii must be at least {hub}, the hub's, got r={np.min(r)}")


def lined_balance(
    solution: LinedQuantities, incident: ComplexArray, reflected: ComplexArray, absorbed: FloatArray
) -> LinedPower:
    """Power balance of a solution.

    incident, reflected : amplitudes of all hard modes at the front of the first liner; absorbed : by each liner.

    Raises
    ------
    ConvergenceError
        The residual is above 1e-10 by more than the error estimate, or the radiated power did not converge.
    """
    hard = solution.hard
    flux, on = np.abs(hard.kappa) * hard.norm, hard.kappa.imag == 0
    into, back = (float(np.sum((flux * np.abs(one) ** 2)[on])) for one in (incident, reflected))
    crossed = float(np.sum(np.where(on, 0.0, 2 * flux * (incident.conj() * reflected).imag)))
    scale = float(np.sum(flux * np.abs(incident) ** 2))
    outside = solution.open_end.power
    radiated, vortical = outside.radiated, outside.vortical
    residual = (into + crossed - back - float(np.sum(absorbed)) - radiated - vortical) / scale
    check_residual(residual, 2 * solution.error_estimate, _BALANCE, solution.described)
    power = LinedPower(into, back, crossed, absorbed, radiated, residual, vortical)
    check_finite(np.hstack(list(vars(power).values())), "the power", solution.described)
    return power


def net_power(hard: HardModes, towards: ComplexArray, back: ComplexArray) -> float:
    """Power through a cross-section of hard modes; of cut-off modes by their interaction."""
    flux, on = np.abs(hard.kappa) * hard.norm, hard.kappa.imag == 0
    own = np.abs(towards) ** 2 - np.abs(back) ** 2
    return float(np.sum(flux * np.where(on, own, 2 * (towards.conj() * back).imag)))
