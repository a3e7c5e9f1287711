"""The sound of one source behind liners in uniform flow."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..arrays import ComplexArray, FloatArray
from ..checks import finite_array
from ..engineering import EngineeringQuantities
from ..errors import ConvergenceError, check_estimate, check_finite, quiet
from ..media import UniformFlow
from ..near_field import Field
from ..power import check_residual
from ..solution import Solution
from ..source import ModeMixture, Source
from .flow_absorption import absorbed_power
from .flow_cascade import FlowCascade
from .flow_field import flow_field, switch
from .liner import Liner
from .solution import LinedPower

_BALANCE = 1e-10  # largest residual of the power balance
UNIFORM_FLOW = UniformFlow()
_WEAKEST = 1e-150  # amplitude at the lip whose square does not underflow


@dataclass(frozen=True)
class LinedFlowPower(LinedPower):
    """Sound power behind liners in flow, see `LinedPower`; the residual is less the vortical power, too.

    Attributes
    ----------
    vortical : float
        Power carried downstream along a jet, see `Power`; 0 without a jet.
    """

    vortical: float


class LinedFlowSolution(EngineeringQuantities):
    """The sound of one source behind liners in uniform flow, as returned by `solve` with a liner.

    The flow slips over the liners, with Ingard's (1959) and Myers' (1980) condition: an infinitely thin boundary layer.
    As a problem in time that is ill-posed, because the growth of its surface waves has no upper bound (Brambley 2009),
    so that causality does not tell whether the one at hand is unstable. Results for Im Z > 0 depend on
    `Liner.surface_wave` therefore; which of the two is right is not settled. For Im Z <= 0 there is no such wave.

    Reflection refers to the front of the first liner, where the source has its amplitude; x = 0 remains the lip.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        Incident at the front of the first liner.
    liners : tuple of Liner
        Front to back.
    tolerance : float
        Largest relative error estimate accepted, here and in everything computed from the solution.
    medium : UniformFlow or Jet
        What the duct opens into.

    Attributes
    ----------
    source, liners, tolerance, medium
        As passed in.

    Raises
    ------
    ValueError
        Im Z > 0 and the liner does not say what its surface wave is; or a liner ends at the lip or begins at -infinity.
    ConvergenceError
        The error estimate is above the tolerance, as where two lined modes coincide or for lengths below 0.01; lined
        modes were lost; an instability grows beyond double precision; or no sound reaches the lip that double precision
        could represent.
    """

    def __init__(
        self, source: Source, liners: tuple[Liner, ...], tolerance: float, medium: object = UNIFORM_FLOW
    ) -> None:
        _check_liners(liners, source.mach)
        self._source, self.liners, self.tolerance, self.medium = source, liners, tolerance, medium
        lengths = [length for one in liners for length in (one.length, one.distance)]
        self._cascade = FlowCascade(source, liners, min(lengths), tolerance, medium)
        self.transform = self._cascade.open_end.transform
        self._require(self.error_estimate, "the amplitudes")

    @property
    def source(self) -> Source:
        """The DuctMode or ModeMixture."""
        return self._source

    def _require(self, error: float, what: str) -> None:
        check_estimate(error, self.tolerance, what, self.described)

    @property
    def described(self) -> str:
        """The source and the liners."""
        end = "" if self.medium == UNIFORM_FLOW else f" and {self.medium}"
        return f"{self.source} with {', '.join(map(str, self.liners))}{end}"

    @property
    def error_estimate(self) -> float:
        """Relative error estimate of the reflected amplitudes, of those at the lip, and of the directivity.

        Over the largest of them. It counts the modes that were left out, and the error of the factors.
        """
        return self._cascade.error

    @property
    def position(self) -> float:
        """x of the front of the first liner [radii], negative."""
        return self._cascade.position

    @property
    def _reported(self) -> int:
        cut_on = int(np.count_nonzero(self._cascade.hard.kappa.imag == 0))
        return max(cut_on, len(self.source.amplitudes)) + 1

    @property
    def reflection(self) -> ComplexArray:
        """Reflected potential amplitudes of the radial orders 0, 1, ... at the wall, at the front of the first liner.

        The incident amplitude is one there for a DuctMode. It covers the radial orders that are cut on or in the
        source, and one more: complex (order,).
        """
        return self._cascade.amplitudes.reflected[: self._reported] / self._cascade.phase

    @property
    def reflection_pressure(self) -> ComplexArray:
        """Like `reflection`, with incident and reflected amplitudes of the pressure instead of the potential.

        Raises
        ------
        ValueError
            Several modes are incident.
        """
        live = np.flatnonzero(self.source.amplitudes)
        if len(live) != 1:
            raise ValueError(f"a mixture has no single incident pressure, got {self.source}")
        first = self._cascade.sections[0].wall
        kappa = self._cascade.hard.kappa[: self._reported]
        into, back = first.convected(-kappa[live]), first.convected(kappa)
        return np.asarray(self.reflection * back / (into * self.source.amplitudes[live]))

    @property
    def transmission(self) -> ComplexArray:
        """Potential amplitudes of the modes that are incident on the open end, at the wall, x = 0; orders as above."""
        return self._lip[: self._reported]

    @property
    def lined_wavenumbers(self) -> tuple[ComplexArray, ComplexArray]:
        """Axial wavenumbers mu of the lined modes of the first liner, for waves exp(i mu x): downstream, upstream.

        Downstream are those that decay, or grow if unstable, as they travel towards +x: complex (mode,) each.
        """
        cascade = self._cascade
        shift = cascade.k * cascade.mach
        modes = cascade.sections[0].modes
        return -(modes.down + shift) / cascade.beta, -(modes.up + shift) / cascade.beta

    @property
    def _lip(self) -> ComplexArray:
        return self._cascade.hop * self._cascade.amplitudes.lip

    @cached_property
    def open_end(self) -> Solution:
        """Solution of the modes at the lip: the sound outside, and in the hard duct behind the last liner."""
        return self._at_open_end(self._cascade)

    def _at_open_end(self, cascade: FlowCascade) -> Solution:
        lip, source = cascade.hop * cascade.amplitudes.lip, self.source
        if not np.max(np.abs(lip)) > _WEAKEST:
            raise ConvergenceError(f"the sound of {source} that reaches the lip is below {_WEAKEST}")
        return cascade.open_end.incident(ModeMixture(source.m, lip, source.helmholtz, source.mach, source.hub))

    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """Directivity D: phi -> D(theta) exp(i K rho) / rho far away; see `Solution.directivity`."""
        return self.open_end.directivity(theta)

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

    @cached_property
    def power(self) -> LinedFlowPower:
        """Power balance, see `LinedFlowPower`; powers as in `Power`, of Cantrell and Hart's energy.

        Raises
        ------
        ValueError
            The surface wave is unstable: the displacement that it sheds over the hard wall carries power, too.
        ConvergenceError
            The residual is above 1e-10 by more than the error estimate, or the radiated power did not converge.
        """
        if any(one.surface_wave == "unstable" for one in self.liners):
            raise ValueError(
                f"the power of an instability is not implemented: a liner sheds some of it, got {self.described}"
            )
        hard, amplitudes = self._cascade.hard, self._cascade.amplitudes
        flux, on = np.abs(hard.kappa) * hard.norm, hard.kappa.imag == 0
        incident = self._cascade.incident
        into, back = (float(np.sum((flux * np.abs(one) ** 2)[on])) for one in (incident, amplitudes.reflected))
        crossed = float(np.sum(np.where(on, 0.0, 2 * flux * (incident.conj() * amplitudes.reflected).imag)))
        walls = zip(self._cascade.sections, amplitudes.incident, amplitudes.inside, strict=True)
        with quiet():
            absorbed = np.array([absorbed_power(*one) for one in walls])
        scale = float(np.sum(flux * np.abs(incident) ** 2))
        radiated, vortical = self.open_end.power.radiated, self.open_end.power.vortical
        residual = (into + crossed - back - float(np.sum(absorbed)) - radiated - vortical) / scale
        check_residual(residual, 2 * self.error_estimate, _BALANCE, self.described)
        check_finite([into, back, crossed, radiated, residual], "the power", self.described)
        return LinedFlowPower(into, back, crossed, absorbed, radiated, residual, vortical)

    def field(self, x: npt.ArrayLike, r: npt.ArrayLike) -> Field:
        """Near field on the tensor grid of x and r, also along the liners; see `Solution.field`.

        Closer than about 0.05 to an end of a liner the sums of modes do not converge.

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
                cascade = FlowCascade(self.source, self.liners, shortest, self.tolerance, self.medium)
            field = flow_field(cascade, self._at_open_end(cascade), x, r)
        self._require(field.error_estimate, "the field")
        return field

    def _shortest(self, x: FloatArray) -> float:
        """Least distance of positions in the duct to the ends of the liners, and to the lip where modes are summed."""
        steps = [0.0, *(length for one in self.liners for length in (one.length, one.distance))]
        gaps = np.abs(x[:, None] - (self.position + np.cumsum(steps)))
        gaps[x >= switch(self._cascade), -1] = np.inf
        return max(float(np.min(gaps, initial=np.inf)), 1e-2)


def _check_liners(liners: tuple[Liner, ...], mach: float) -> None:
    """Raise for a liner that is not solved with flow."""
    for one in liners:
        if mach and one.impedance.imag > 0 and one.surface_wave is None:
            raise ValueError(
                "over a liner with Im Z > 0 the flow has a surface wave that may be an instability: choose "
                f"surface_wave='stable' or 'unstable', got {one}"
            )
        if one.impedance.imag <= 0 and one.surface_wave == "unstable":
            raise ValueError(f"a surface wave can be unstable with Im Z > 0 only, got {one}")
        if not (one.distance > 0 and one.length < np.inf):
            raise ValueError(f"with flow, liners are solved for between hard walls only, got {one}")
