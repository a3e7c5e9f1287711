"""The solution for one source, in any medium."""

from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray
from .checks import check_angles, complex_array
from .conj_time import ConjTime
from .engineering import EngineeringQuantities
from .errors import check_estimate, check_finite, quiet
from .near_field import Field, grid_fields, point_field, superpose
from .power import Power, balance
from .source import DuctMode, ModeMixture, Source

if TYPE_CHECKING:
    from .transform import Transform

_ORDERS_SHARE = 0.1  # of the tolerance, for the fields of single radial orders, whose errors add up in a mixture


class Solution(EngineeringQuantities):
    """The sound of one source, as returned by `solve`.

    Parameters
    ----------
    transform : Transform
        The Wiener–Hopf solution in the medium at hand.
    tolerance : float
        Largest relative error estimate accepted, here and in everything computed from the solution.

    Attributes
    ----------
    transform, tolerance
        As passed in.

    Raises
    ------
    ConvergenceError
        The error estimate of the factorisation is above the tolerance.
    """

    def __init__(self, transform: "Transform", tolerance: float) -> None:
        self.transform, self.tolerance = transform, tolerance
        self._require(self.error_estimate, "the factorisation")

    @property
    def source(self) -> Source:
        """The DuctMode or ModeMixture."""
        return self.transform.source

    @property
    def medium(self) -> object:
        """The medium the duct opens into: an instance of a class in `analytic.media.MEDIA`."""
        return self.transform.medium

    @quiet()
    def incident(self, source: Source) -> Self:
        """The solution for another source in the same duct and medium, with no more radial orders.

        The factorisation is shared.
        """
        return type(self)(self.transform.incident(source), self.tolerance)

    def _require(self, error: float, what: str) -> None:
        check_estimate(error, self.tolerance, what, self.transform.described)

    # Reflection

    @property
    def error_estimate(self) -> float:
        """Relative error estimate of the reflection coefficients and, in uniform flow, of the directivity."""
        return self.transform.error_estimate

    @property
    def reflection_matrix(self) -> ComplexArray:
        """Reflection coefficients of the potential, wall-normalised modes, at x = 0: array [reflected, incident].

        It covers the radial orders that are cut on or in the source, and one more.
        """
        with quiet():
            value = self.transform.reflection_matrix
        check_finite(value, "the reflection matrix", self.transform.described)
        return value

    @property
    def reflection(self) -> ComplexArray:
        """Reflected potential amplitudes of the radial orders 0, 1, ... at the wall, x = 0: complex (order,).

        For a DuctMode these are the reflection coefficients. With a jet their modulus may exceed one.
        """
        with quiet():
            value = self.transform.reflection
        check_finite(value, "the reflection", self.transform.described)
        return value

    @property
    def reflection_pressure(self) -> ComplexArray:
        """Like `reflection`, with incident and reflected amplitudes of the pressure instead of the potential.

        Raises
        ------
        ValueError
            Several modes are incident, with a jet.
        """
        with quiet():
            value = self.transform.reflection_pressure()
        check_finite(value, "the reflection of the pressure", self.transform.described)
        return value

    @property
    def end_correction(self) -> float | None:
        """End correction l of the plane wave [radii], R = -|R| exp(2 i ka l / (1 - M^2)); None for other sources.

        With a jet it follows from the phase between -pi and pi: valid for |2 ka l| < pi (1 - M^2).

        Raises
        ------
        ConvergenceError
            Its error estimate in radii is above the tolerance: with a jet the phase is lost at low Helmholtz numbers.
        """
        if self.transform.m or len(self.transform.amplitudes) > 1:
            return None
        with quiet():
            value, error = self.transform.end_correction()
        self._require(error, "the end correction")
        check_finite(value, "the end correction", self.transform.described)
        return value

    def conj_time(self) -> ConjTime:
        """The solution in the time convention exp(+i omega t): conjugates of every complex quantity."""
        return ConjTime(self)

    # Far field and power

    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """Directivity D: phi -> D(theta) exp(i K rho) / rho far away, in the fluid outside.

        Parameters
        ----------
        theta : (...) float array
            Polar angle in the (X, r) plane [rad], 0 downstream, in [0, pi]; X = x / sqrt(1 - M^2) with the M outside.

        Returns
        -------
        (...) complex array
            D [-], relative error `error_estimate` (with a jet: below the tolerance); beside a null of D relative to
            the lobe next to it.

        Raises
        ------
        ValueError
            An angle outside [0, pi].
        ConvergenceError
            The error estimate is above the solution's tolerance.
        """
        theta = check_angles(theta)
        with quiet():
            value, error = self.transform.directivity(theta)
        self._require(float(np.max(error, initial=0.0)), "the directivity")
        check_finite(value, "the directivity", self.transform.described)
        return value

    @cached_property
    def power(self) -> Power:
        """Power balance, see `Power`; with a jet over sqrt(1 - M^2) of the duct's stream.

        Raises
        ------
        ConvergenceError
            The radiated power's error estimate or the residual is above the solution's tolerance.
        """
        return balance([self.transform], [1.0], self.tolerance)

    # Near field

    def field(self, x: npt.ArrayLike, r: npt.ArrayLike) -> Field:
        """Near field on the tensor grid of x and r.

        Parameters
        ----------
        x : (nx,) float array
            Axial positions [radii], the open end at 0, the duct in x < 0.
        r : (nr,) float array
            Radii, not inside the hub, the wall at 1; on the wall itself (r = 1) the inner side is meant.

        Returns
        -------
        Field
            Arrays (nx, nr).

        Raises
        ------
        ValueError
            A radius is negative or inside the hub, a position not finite, or a point closer than 1e-6 to the lip or
            outside the duct and farther from it than 1e5 / K, where `directivity` applies.
        ConvergenceError
            The error estimate is above the solution's tolerance.
        """
        return grid_fields([[self.transform]], x, r, self.tolerance)[0][0]

    def at(self, x: npt.ArrayLike, r: npt.ArrayLike) -> Field:
        """Near field at scattered points; x and r broadcast together. Otherwise as `field`."""
        return point_field(self.transform, x, r, self.tolerance)

    @quiet()
    def fields(self, amplitudes: npt.ArrayLike, x: npt.ArrayLike, r: npt.ArrayLike) -> list[Field]:
        """Near fields of many sources of this azimuthal order, Helmholtz and Mach number, on one grid.

        They are superpositions: the field of every radial order is computed once, and all orders share the contour, the
        exponentials and the Bessel functions.

        Parameters
        ----------
        amplitudes : (field, order) complex array
            Incident potential amplitudes at the wall, x = 0, of the radial orders 0, 1, ...
        x, r : arrays
            As for `field`.

        Returns
        -------
        list of Field

        Raises
        ------
        ValueError
            As `field`, or the amplitudes are not a finite matrix without zero rows.
        ConvergenceError
            The error estimate, propagated from the fields of the radial orders, is above the solution's tolerance.
        """
        amplitudes = complex_array(amplitudes, "amplitudes")
        if amplitudes.ndim != 2 or not np.all(np.isfinite(amplitudes)) or not np.all(np.any(amplitudes, axis=1)):
            raise ValueError(f"amplitudes must be a finite matrix without zero rows, got shape {amplitudes.shape}")
        count, duct = amplitudes.shape[1], (self.source.helmholtz, self.source.mach, self.source.hub)
        every = type(self.transform)(ModeMixture(self.source.m, np.ones(count), *duct), self.medium)
        self._require(every.error_estimate, "the factorisation")
        modes = [every.incident(DuctMode(self.source.m, order, *duct)) for order in range(count)]
        (orders,) = grid_fields([modes], x, r, _ORDERS_SHARE * self.tolerance)
        result = superpose(orders, amplitudes)
        for field in result:
            self._require(field.error_estimate, "a field")
        return result
