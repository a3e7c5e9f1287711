"""The sound of one source behind liners."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import ComplexArray, FloatArray
from ..checks import broadcast_arrays, finite_array, grid_arrays
from ..conj_time import ConjTime
from ..errors import check_estimate, quiet
from ..near_field import Field, reshaped
from ..solution import Solution
from ..source import Source
from .absorption import absorbed_power
from .cascade import Amplitudes, Cascade, cascade_of, shortest_of
from .duct import HardModes, LinedDuct
from .field import Ends, Waves, ends_of, lined_field, lined_points, switch
from .liner import Liner
from .quantities import LinedPower, LinedQuantities, check_lip, check_radii, lined_balance


class LinedSolution(LinedQuantities):
    """The sound of one source behind liners, as returned by `solve` with a liner; no flow.

    Reflection refers to the front of the first liner, where the source has its amplitude; x = 0 remains the lip. If
    that liner begins at -infinity, n of the source counts lined modes in order of |gamma|, of their radial wavenumbers,
    beginning with 0; their amplitudes are those at the wall, at the liner's end, where reflected lined modes have
    theirs, too. So do impedances and levels over the incident mode's own.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        Incident at the front of the first liner.
    liners : tuple of Liner
        Front to back.
    tolerance : float
        Largest relative error estimate accepted, here and in everything computed from the solution.
    cascade : Cascade, optional
        Of these liners in the duct of this source, if there is one.

    Attributes
    ----------
    source, liners, tolerance
        As passed in.

    Raises
    ------
    ValueError
        There is flow.
    ConvergenceError
        The error estimate is above the tolerance, as where two lined modes coincide or for lengths below 0.004; or
        lined modes were lost, or no sound reaches the lip that double precision could represent.
    """

    def __init__(
        self, source: Source, liners: Sequence[Liner], tolerance: float, cascade: Cascade | None = None
    ) -> None:
        if source.mach:
            raise ValueError(f"liners are solved for without flow only, got mach={source.mach}")
        super().__init__(source, liners, tolerance)
        least = len(source.amplitudes)
        self._cascade = cascade_of(source, liners, tolerance, least=least) if cascade is None else cascade
        self.transform = self._cascade.duct.open_end.transform
        self._amplitudes = self._cascade.amplitudes(source)
        check_estimate(self.error_estimate, self.tolerance, "the amplitudes", self.described)

    @cached_property
    def error_estimate(self) -> float:
        """Relative error estimate of the reflected amplitudes, of those at the lip, and of the directivity.

        Over the largest of them. It counts the modes that were left out, and the error of the factors.
        """
        return self._cascade.error(self.source, self._amplitudes)

    def incident(self, source: Source) -> "LinedSolution":
        """The solution for another source in the same duct, with no more radial orders; what it shares is kept."""
        if (source.helmholtz, source.hub, abs(source.m)) != (
            *(self.source.helmholtz, self.source.hub, abs(self.source.m)),
        ) or len(source.amplitudes) > len(self.source.amplitudes):
            raise ValueError(f"expected a source in the duct of {self.source}, with no more orders, got {source}")
        return LinedSolution(source, self.liners, self.tolerance, self._cascade)

    def sent(self, lip: ComplexArray) -> Solution:
        """Solution for any amplitudes of the modes at the lip."""
        return self.duct.at_open_end(lip, self.source.m)

    @property
    def duct(self) -> LinedDuct:
        """Hard modes and their reflection at the open end."""
        return self._cascade.duct

    @property
    def amplitudes(self) -> Amplitudes:
        """Amplitudes of all waves in the duct."""
        return self._amplitudes

    @property
    def endless(self) -> bool:
        """Whether the first liner begins at -infinity."""
        return math.isinf(self.liners[0].length)

    @property
    def position(self) -> float:
        """x of the front of the first liner, or of its end if that begins at -infinity [radii]."""
        return -sum(length for one in self.liners for length in (one.length, one.distance) if length < math.inf)

    @property
    def hard(self) -> HardModes:
        """Modes of the hard-walled duct."""
        return self._cascade.hard

    @property
    def lip(self) -> ComplexArray:
        """Amplitudes of all hard modes that are incident on the open end."""
        return self._amplitudes.lip

    @property
    def reflection(self) -> ComplexArray:
        """Reflected potential amplitudes of the radial orders 0, 1, ... at the wall, at the front of the first liner.

        The incident amplitude is one there for a DuctMode. Without flow they are those of the pressure, too. It covers
        the radial orders that are cut on or in the source, and one more: complex (order,).
        """
        return self._amplitudes.reflected[: self.orders]

    @property
    def reflection_matrix(self) -> ComplexArray:
        """Reflection coefficients at the front of the first liner, of the orders in `reflection`."""
        return self._cascade.load(self.orders)

    @property
    def reflection_pressure(self) -> ComplexArray:
        """As `reflection`: there is no flow."""
        return self.reflection

    @property
    def specific_impedance(self) -> complex:
        """Specific impedance at the front of the first liner, see `Solution.specific_impedance`.

        Raises
        ------
        ValueError
            The source is a mixture, or the liner begins at -infinity.
        """
        if self.endless:
            raise ValueError(f"a lined mode has no single impedance across the duct, got {self.described}")
        return super().specific_impedance

    def sound_pressure_level(self, angle: npt.ArrayLike, **options: Any) -> FloatArray:
        """Sound pressure level in the far field [dB re 20 uPa], see `Solution.sound_pressure_level`.

        Raises
        ------
        ValueError
            As there, or the first liner begins at -infinity.
        """
        if self.endless:
            raise ValueError(f"a lined mode from -infinity has no power that a level could refer to: {self.described}")
        return super().sound_pressure_level(angle, **options)

    @property
    def lined_wavenumbers(self) -> ComplexArray:
        """Axial wavenumbers of the lined modes of the first liner, for waves exp(i sigma x): complex (mode,)."""
        return self._cascade.sections[0].sigma

    @cached_property
    def open_end(self) -> Solution:
        """Solution of the modes at the lip: the sound outside, and in the hard duct behind the last liner."""
        return self._at_open_end(self._cascade, self.lip)

    def _at_open_end(self, cascade: Cascade, lip: ComplexArray) -> Solution:
        check_lip(lip, self.source)
        return cascade.duct.at_open_end(lip, self.source.m)

    def conj_time(self) -> ConjTime:
        """The solution in the time convention exp(+i omega t): conjugates of every complex quantity."""
        return ConjTime(self)

    @cached_property
    def power(self) -> LinedPower:
        """Power balance, see `LinedPower`.

        Raises
        ------
        ValueError
            The first liner begins at -infinity: the powers of lined modes do not add.
        ConvergenceError
            The residual is above 1e-10 by more than the error estimate, or the radiated power did not converge.
        """
        if self.endless:
            raise ValueError(
                "the powers of lined modes do not add: there is no incident power for a liner from -infinity, see "
                "`open_end.power.radiated`"
            )
        amplitudes = self._amplitudes
        walls = zip(self._cascade.sections, amplitudes.incident, amplitudes.inside, strict=True)
        with quiet():
            absorbed = np.array([absorbed_power(*one) for one in walls])
        return lined_balance(self, amplitudes.incoming, amplitudes.reflected, absorbed)

    def field(self, x: npt.ArrayLike, r: npt.ArrayLike) -> Field:
        """Near field on the tensor grid of x and r, also along the liners; see `Solution.field`.

        Next to a lip that a liner reaches, closer than about 0.02 inside the duct, the sums of modes do not converge.

        Raises
        ------
        ValueError
            As `Solution.field`.
        ConvergenceError
            The error estimate is above the solution's tolerance; or a point lies closer than 1e-6 to an end of a liner,
            where the velocity is infinite.
        """
        x, r = grid_arrays(x, r, hint="; see at()")
        with quiet():
            field = lined_field(self._waves_at(x, r), x, r)
        check_estimate(field.error_estimate, self.tolerance, "the field", self.described)
        return field

    def at(self, x: npt.ArrayLike, r: npt.ArrayLike) -> Field:
        """Near field at scattered points; x and r broadcast together. Otherwise as `field`."""
        x, r = broadcast_arrays(x=finite_array(x, "x"), r=finite_array(r, "r"))
        flat = x.ravel(), r.ravel()
        with quiet():
            field = lined_points(self._waves_at(*flat), *flat)
        check_estimate(field.error_estimate, self.tolerance, "the field", self.described)
        return reshaped(field, x.shape)

    def _waves_at(self, x: FloatArray, r: FloatArray) -> Waves:
        """Waves with as many modes as positions ask for."""
        check_radii(r, self.source.hub)
        shortest = self._shortest(x) if np.any(r <= 1) else np.inf
        cascade, amplitudes, error = self._cascade, self._amplitudes, self.error_estimate
        if shortest < shortest_of(self.liners):
            least = len(self.source.amplitudes)
            cascade = cascade_of(self.source, self.liners, self.tolerance, least=least, shortest=shortest)
            amplitudes = cascade.amplitudes(self.source)
            error = cascade.error(self.source, amplitudes)
        end = self._at_open_end(cascade, amplitudes.lip)
        return Waves(cascade, amplitudes, end, error, self.position, self._ends)

    @property
    def _ends(self) -> Ends:
        return ends_of(self.liners, self.position)

    def _shortest(self, x: FloatArray) -> float:
        """Least distance of positions in the duct to the ends of the liners, and to the lip where modes are summed."""
        ends = self._ends
        gaps = np.where(ends.nearby(x), np.inf, np.abs(x[:, None] - ends.x))
        if self.liners[-1].distance:
            gaps[x >= switch(self.liners), -1] = np.inf
        return max(float(np.min(gaps, initial=np.inf)), 1e-3)
