"""The part of a solution that depends on the medium the duct opens into."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from .arrays import EPS, BoolArray, ComplexArray, FloatArray
from .contour import ARMS, Contour
from .near_field import Field, point_field
from .section import Section
from .solution import Solution
from .source import DuctMode, Source
from .waves import Spectra


class Transform(ABC):
    """Fourier transform of the sound of one source, in one medium; a base class.

    A medium has a subclass, which solves the Wiener–Hopf equation, and an entry in `analytic.media.MEDIA`. In x the
    field consists of waves exp(-i s x); contours are described in the variable z = (s - shift) scale, in which the
    branch points of the fluid outside are -k and k.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        Kept as an attribute.
    medium : object
        Instance of the class that `MEDIA` maps to the subclass; kept as an attribute.

    Attributes
    ----------
    m : int
        Azimuthal order, >= 0: fields of m and -m differ in the factor exp(i m phi) alone.
    section : Section
        Cross-section of the duct; has the wall condition.
    amplitudes : (order,) complex array
        Incident potential amplitudes at the wall, x = 0, of the radial orders 0, 1, ...
    k, scale, shift : float
        Parameters of the contour variable.
    factors : object
        The factorisation; transforms that share it may be one family, see `spectra`.
    arms : tuple of pairs of float
        Angles to the real axis at which that path may leave to the right and to the left [rad].
    flux : (order,) float array
        Sound power of duct modes of unit amplitude, for all orders in `reflection`.
    propagating : (order,) bool array
        Which of these modes are cut on.
    radiation : float
        Radiated power over the integral of |D|^2 sin(theta).
    factor_error : float
        Relative error estimate of the factorisation's contribution to the reflection coefficients.
    cancellation : float
        Relative error of axial wavenumbers near cut-on, from the cancellation between k and alpha.
    """

    solution: ClassVar[type[Solution]] = Solution  # what `solve` returns
    power_accuracy: ClassVar[float] = 1e-3  # of the radiated power, over the tolerance: below what the balance shows

    factors: Any
    k: float
    scale: float
    shift: float
    arms: tuple[tuple[float, float], ...] = ARMS
    flux: FloatArray
    propagating: BoolArray
    radiation: float
    factor_error: float
    cancellation: float

    def __init__(self, source: Source, medium: object) -> None:
        self.source, self.medium = source, medium
        self.m = abs(int(source.m))
        self.section = Section(self.m, source.hub)
        self.amplitudes = np.asarray(source.amplitudes, dtype=complex)

    @classmethod
    def several(cls, sources: Sequence[Source], media: Sequence[object]) -> list[Self]:
        """Transforms for sources of one azimuthal order and hub, which may share evaluations."""
        return [cls(source, medium) for source, medium in zip(sources, media, strict=True)]

    def incident(self, source: Source) -> Self:
        """Transform for another source in the same duct with no more radial orders; the factorisation is shared."""
        other = copy.copy(self)
        other.source, other.amplitudes = source, np.asarray(source.amplitudes, dtype=complex)
        other.excite()
        return other

    def incident_amplitudes(self, count: int) -> ComplexArray:
        """Amplitudes of the first `count` radial orders, 0 for those not incident."""
        amplitudes = np.zeros(count, complex)
        amplitudes[: len(self.amplitudes)] = self.amplitudes
        return amplitudes

    @property
    def described(self) -> str:
        """Source and medium, for error messages."""
        return f"{self.source} with {self.medium}"

    @property
    def error_estimate(self) -> float:
        """Relative error estimate of the reflection coefficients."""
        return float(self.factor_error + self.cancellation + 4 * EPS)

    @property
    def reflection_matrix(self) -> ComplexArray:
        """Reflection coefficients of the potential at x = 0, wall-normalised modes: [reflected, incident]."""
        source, count = self.source, len(self.reflection)
        modes = [DuctMode(source.m, n, source.helmholtz, source.mach, source.hub) for n in range(count)]
        return np.stack([self.incident(mode).reflection[:count] for mode in modes], axis=1)

    @property
    @abstractmethod
    def poles(self) -> ComplexArray:
        """Points that the path for x < 0 must keep away from, in the contour variable: (...)."""

    @abstractmethod
    def excite(self) -> None:
        """Set what depends on the incident amplitudes."""

    @property
    @abstractmethod
    def reflection(self) -> ComplexArray:
        """Reflected potential amplitudes of the radial orders 0, 1, ... at the wall, x = 0: (order,)."""

    @abstractmethod
    def reflection_pressure(self) -> ComplexArray:
        """Reflected pressure amplitudes, for incident pressure amplitudes."""

    @abstractmethod
    def end_correction(self) -> tuple[float, float]:
        """End correction of the plane wave and its error estimate [radii], for a source of one plane wave."""

    @abstractmethod
    def directivity(self, theta: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """Directivity at angles in [0, pi], any shape, and the error estimate of its factors."""

    @abstractmethod
    def fluid(self, inside: bool) -> tuple[float, float, float]:
        """Density, Helmholtz number and Mach number in p = density (i k psi - M u), for r <= 1 or r > 1."""

    @classmethod
    @abstractmethod
    def spectra(cls, families: Sequence[Sequence[Self]], paths: Sequence[Contour]) -> list[list[Spectra]]:
        """Spectra of every transform of every family; a family shares a path."""

    @classmethod
    def fields_at(cls, transforms: Sequence[Self], x: FloatArray, r: FloatArray, tolerance: float) -> list[Field]:
        """Near fields at scattered points, x and r (point,), of transforms from one call of `several`."""
        return [point_field(one, x, r, tolerance) for one in transforms]

    def flows(self) -> tuple[FloatArray, float, float, float]:
        """Power that is no integral over angles, in the unit of `flux`.

        Intervals of the angle that the quadrature of |D|^2 leaves out (lobe, 2), in ascending order, and the power
        radiated there: lobes may be arbitrarily narrow. Power carried downstream by vorticity, 0 without a vortex
        sheet. Error estimate of both powers.
        """
        return np.empty((0, 2)), 0.0, 0.0, 0.0
