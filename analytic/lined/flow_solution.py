"""The sound of one source behind liners in uniform flow."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..arrays import ComplexArray, FloatArray
from ..checks import broadcast_arrays, finite_array, grid_arrays
from ..conj_time import ConjTime
from ..errors import check_estimate, quiet
from ..media import UniformFlow
from ..near_field import Field, reshaped
from ..solution import Solution
from ..source import ModeMixture, Source
from .duct import HardModes
from .flow_absorption import absorbed_power
from .flow_cascade import FlowCascade
from .flow_field import flow_field, flow_points, switch
from .liner import Liner
from .quantities import LinedPower, LinedQuantities, check_lip, check_radii, lined_balance

UNIFORM_FLOW = UniformFlow()


class LinedFlowSolution(LinedQuantities):
    """The sound of one source behind liners in uniform flow, as returned by `solve` with a liner.

    The flow slips over the liners, with Ingard's (1959) and Myers' (1980) condition: an infinitely thin boundary layer.
    As a problem in time that is ill-posed, because the growth of its surface waves has no upper bound (Brambley 2009),
    so that causality does not tell whether the one at hand is unstable. Results for Im Z > 0 depend on
    `Liner.surface_wave` therefore; which of the two is right is not settled. For Im Z <= 0 there is no choice.

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
        self,
        source: Source,
        liners: Sequence[Liner],
        tolerance: float,
        medium: object = UNIFORM_FLOW,
        cascade: FlowCascade | None = None,
    ) -> None:
        check_flow_liners(liners, source.mach)
        super().__init__(source, liners, tolerance)
        self.medium = medium
        lengths = [length for one in liners for length in (one.length, one.distance)]
        self._cascade = cascade or FlowCascade.of(source, liners, min(lengths), tolerance, medium)
        self.transform = self._cascade.open_end.transform
        check_estimate(self.error_estimate, self.tolerance, "the amplitudes", self.described)

    @property
    def described(self) -> str:
        """The source and the liners."""
        end = "" if self.medium == UNIFORM_FLOW else f" and {self.medium}"
        return f"{super().described}{end}"

    def incident(self, source: Source) -> "LinedFlowSolution":
        """The solution for another source in the same duct, with no more radial orders; what it shares is kept."""
        ours, theirs = ((one.helmholtz, one.mach, one.hub, abs(one.m)) for one in (self.source, source))
        if ours != theirs or len(source.amplitudes) > len(self.source.amplitudes):
            raise ValueError(f"expected a source in the duct of {self.source}, with no more orders, got {source}")
        cascade = self._cascade.incident_of(source)
        return LinedFlowSolution(source, self.liners, self.tolerance, self.medium, cascade)

    def conj_time(self) -> ConjTime:
        """The solution in the time convention exp(+i omega t): conjugates of every complex quantity."""
        return ConjTime(self)

    @property
    def cascade(self) -> FlowCascade:
        """Waves in the duct."""
        return self._cascade

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
    def hard(self) -> HardModes:
        """Modes of the hard-walled duct."""
        return self._cascade.hard

    @property
    def lip(self) -> ComplexArray:
        """Amplitudes of all hard modes that are incident on the open end."""
        return self._cascade.hop * self._cascade.amplitudes.lip

    @property
    def reflection(self) -> ComplexArray:
        """Reflected potential amplitudes of the radial orders 0, 1, ... at the wall, at the front of the first liner.

        The incident amplitude is one there for a DuctMode. It covers the radial orders that are cut on or in the
        source, and one more: complex (order,).
        """
        return self._cascade.amplitudes.reflected[: self.orders] / self._cascade.phase

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
        kappa = self._cascade.hard.kappa[: self.orders]
        into, back = first.convected(-kappa[live]), first.convected(kappa)
        return np.asarray(self.reflection * back / (into * self.source.amplitudes[live]))

    @property
    def lined_wavenumbers(self) -> tuple[ComplexArray, ComplexArray]:
        """Axial wavenumbers mu of the lined modes of the first liner, for waves exp(i mu x): downstream, upstream.

        Downstream are those that decay, or grow if unstable, as they travel towards +x: complex (mode,) each.
        """
        cascade = self._cascade
        shift = cascade.k * cascade.mach
        modes = cascade.sections[0].modes
        return -(modes.down + shift) / cascade.beta, -(modes.up + shift) / cascade.beta

    @cached_property
    def open_end(self) -> Solution:
        """Solution of the modes at the lip: the sound outside, and in the hard duct behind the last liner."""
        return self._at_open_end(self._cascade)

    def sent(self, lip: ComplexArray) -> Solution:
        """Solution for any amplitudes of the modes at the lip."""
        source = self.source
        return self._cascade.open_end.incident(ModeMixture(source.m, lip, source.helmholtz, source.mach, source.hub))

    def _at_open_end(self, cascade: FlowCascade) -> Solution:
        lip, source = cascade.hop * cascade.amplitudes.lip, self.source
        check_lip(lip, source)
        return cascade.open_end.incident(ModeMixture(source.m, lip, source.helmholtz, source.mach, source.hub))

    @cached_property
    def power(self) -> LinedPower:
        """Power balance, see `LinedPower`; powers as in `Power`, of Cantrell and Hart's energy.

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
        cascade, amplitudes = self._cascade, self._cascade.amplitudes
        walls = zip(cascade.sections, amplitudes.incident, amplitudes.inside, strict=True)
        with quiet():
            absorbed = np.array([absorbed_power(*one) for one in walls])
        return lined_balance(self, cascade.incident, amplitudes.reflected, absorbed)

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
        x, r = grid_arrays(x, r, hint="; see at()")
        with quiet():
            field = flow_field(*self._waves_at(x, r), x, r)
        check_estimate(field.error_estimate, self.tolerance, "the field", self.described)
        return field

    def at(self, x: npt.ArrayLike, r: npt.ArrayLike) -> Field:
        """Near field at scattered points; x and r broadcast together. Otherwise as `field`."""
        x, r = broadcast_arrays(x=finite_array(x, "x"), r=finite_array(r, "r"))
        flat = x.ravel(), r.ravel()
        with quiet():
            field = flow_points(*self._waves_at(*flat), *flat)
        check_estimate(field.error_estimate, self.tolerance, "the field", self.described)
        return reshaped(field, x.shape)

    def _waves_at(self, x: FloatArray, r: FloatArray) -> tuple[FlowCascade, Solution]:
        """Waves with as many modes as positions ask for, and the open end's."""
        check_radii(r, self.source.hub)
        shortest = self._shortest(x) if np.any(r <= 1) else np.inf
        cascade = self._cascade
        if shortest < min(length for one in self.liners for length in (one.length, one.distance)):
            cascade = FlowCascade.of(self.source, self.liners, shortest, self.tolerance, self.medium)
        return cascade, self._at_open_end(cascade)

    def _shortest(self, x: FloatArray) -> float:
        """Least distance of positions in the duct to the ends of the liners, and to the lip where modes are summed."""
        steps = [0.0, *(length for one in self.liners for length in (one.length, one.distance))]
        gaps = np.abs(x[:, None] - (self.position + np.cumsum(steps)))
        gaps[x >= switch(self._cascade), -1] = np.inf
        return max(float(np.min(gaps, initial=np.inf)), 1e-2)


def check_flow_liners(liners: Sequence[Liner], mach: float) -> None:
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
