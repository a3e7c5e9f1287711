r"""Sound leaving a semi-infinite hard-walled circular or annular duct, without flow or in uniform flow, no wake.

psi = phi(X, r) exp(-i K M X) with X = x / beta, K = ka / beta, beta = sqrt(1 - M^2) turns the convected wave equation
into Helmholtz's equation for phi; every formula below is for phi. With T(s) = (i/2) sum_n a_n (K + kappa_n)
W_plus(kappa_n) / (s + kappa_n) for incident amplitudes a_n, the radial velocity on r = 1, X > 0 has the transform

    V_plus(s) = (K + s) W_plus(s) T(s),

and the spectra are A S(gamma r) inside, A = V_plus / (gamma S'(gamma)), and B H_m(gamma r) outside, B = V_plus /
(gamma H_m'(gamma)); S is the duct's radial function, J_m without a hub. Below the real axis W_plus = W / W_minus
cancels S' or H_m' by hand, so that no zero of the kernel meets a pole numerically.

References
----------
B. Noble, Methods based on the Wiener–Hopf technique (1958), section 3.4; R. M. Munt, J. Fluid Mech. 83 (1977), for
the flow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray
from ..contour import Contour
from ..end_correction import low_frequency
from ..factorisation import Factorisation
from ..near_field import Field
from ..source import ModeMixture, Source
from ..transform import Transform
from ..waves import Spectra
from . import uniform_far_field, uniform_points
from .uniform_near_field import UniformNodes, UniformSpectra, rows_of_unequal_length

_LOW = 1e-3  # K below which the phase of R, over 2 K, has an error above 1e-12
_EVANESCENT = 4  # duct modes considered beyond K / pi, of which a path keeps clear: at least two of them are cut off


@dataclass(frozen=True)
class UniformFlow:
    """The duct's flow, if there is one, continues outside: uniform and without a wake."""


class UniformTransform(Transform):
    """Transform in uniform flow; symbols as in the module's docstring, other attributes as in `Transform`.

    Attributes
    ----------
    alpha, kappa : (order,) arrays
        Radial eigenvalues of the modes cut on or in the source and one more, and their axial wavenumbers.
    factors : Factorisation
    plus : (order,) complex array
        W_plus(kappa).
    strength : (order,) complex array
        (i/2) a_n (K + kappa_n) W_plus(kappa_n) of the incident amplitudes.
    single : int
        Number of the orders, from the first on, that stand for one mode each.
    """

    name: str = ""  # for messages, in place of the source

    def __init__(self, source: Source, medium: object) -> None:
        self._describe(source, medium)
        self._complete(Factorisation(self.section, self.k))

    @classmethod
    def of_modes(cls, source: Source, alpha: FloatArray, norm: FloatArray, single: int) -> Self:
        """Transform for any radial orders, whose amplitudes the source lists: of `mode_tail` from the `single`-th on.

        norm : over the weight of a mode.
        """
        transform = cls.__new__(cls)
        transform._describe(source, UniformFlow())
        transform._set_modes(alpha, norm)
        transform.single = single
        transform.name = f"{len(alpha)} modes of m = {source.m} at the lip, ka = {source.helmholtz}, hub {source.hub}"
        transform._complete(Factorisation(transform.section, transform.k))
        return transform

    @classmethod
    def several(cls, sources: Sequence[Source], media: Sequence[object]) -> list[Self]:
        """Transforms for sources of one azimuthal order and hub, factorised in one call.

        Those in one duct and flow share their factors.
        """
        ducts: dict[tuple[float, float], list[int]] = {}
        for index, source in enumerate(sources):
            ducts.setdefault((source.helmholtz, source.mach), []).append(index)
        shared = [_all_orders([sources[index] for index in duct]) for duct in ducts.values()]
        leaders = cls._apart(shared, [media[duct[0]] for duct in ducts.values()])
        found: dict[int, Self] = {}
        for leader, duct in zip(leaders, ducts.values(), strict=True):
            for index in duct:
                found[index] = leader if len(duct) == 1 else leader.incident(sources[index])
        return [found[index] for index in range(len(sources))]

    @classmethod
    def _apart(cls, sources: Sequence[Source], media: Sequence[object]) -> list[Self]:
        """Transforms for sources in ducts that differ."""
        transforms = [cls.__new__(cls) for _ in sources]
        for transform, source, medium in zip(transforms, sources, media, strict=True):
            transform._describe(source, medium)
        factors = Factorisation(transforms[0].section, np.array([transform.k for transform in transforms]))
        sizes = [len(transform.kappa) for transform in transforms]
        rows = rows_of_unequal_length(sizes)
        plus, error = factors.plus(np.concatenate([transform.kappa for transform in transforms])[rows])
        for case, (transform, size) in enumerate(zip(transforms, sizes, strict=True)):
            transform._complete(factors.case(case), plus[case, :size], error[case, :size])
        return transforms

    def _describe(self, source: Source, medium: object) -> None:
        """Set everything but the factors."""
        super().__init__(source, medium)
        beta = math.sqrt((1 - source.mach) * (1 + source.mach))
        k = source.helmholtz / beta
        self.scale, self.k, self.shift = beta, k, source.mach * k / beta
        cut_on = np.count_nonzero(self.section.eigenvalues(int(k / np.pi) + 3) < k)
        alpha = self.section.eigenvalues(max(int(cut_on), len(self.amplitudes)) + 1)
        self._set_modes(alpha, self.section.norm(alpha))
        self.single = len(alpha)
        self.radiation = k

    def _set_modes(self, alpha: FloatArray, norm: FloatArray) -> None:
        k = self.k
        self.alpha, self._norm = alpha, norm
        self.kappa = np.sqrt((k - alpha) * (k + alpha) + 0j)
        self.flux, self.propagating = np.abs(self.kappa) * norm, self.kappa.imag == 0
        self.cancellation = float(cancellation(k, np.min(np.abs(k - alpha))))

    @property
    def poles(self) -> ComplexArray:
        """As in `Transform`: duct modes up to those that decay fast."""
        near = self.section.eigenvalues(int(self.k / np.pi) + _EVANESCENT)
        return np.sqrt((self.k - near) * (self.k + near) + 0j)

    def _complete(
        self, factors: Factorisation, plus: ComplexArray | None = None, error: FloatArray | None = None
    ) -> None:
        """Set what follows from the factors."""
        self.factors = factors
        if plus is None or error is None:
            plus, error = factors.plus(self.kappa)
        self.plus, self.factor_error = plus, float(2 * np.max(error))
        self.excite()

    def excite(self) -> None:
        """Set the strength of the poles of T."""
        count = len(self.amplitudes)
        self.strength = 0.5j * self.amplitudes * (self.k + self.kappa[:count]) * self.plus[:count]

    @property
    def described(self) -> str:
        """The source: this medium is the default and has no parameters."""
        return self.name or str(self.source)

    @property
    def reflection_matrix(self) -> ComplexArray:
        """Reflection coefficients of the potential at x = 0: array [reflected, incident]."""
        half = (self.k + self.kappa) * self.plus
        return coupling(half[:, None], half, self.kappa[:, None], self.kappa, self._norm[:, None])

    @property
    def reflection(self) -> ComplexArray:
        """Reflected potential amplitudes."""
        return self._reflection_columns() @ self.amplitudes

    def _reflection_columns(self) -> ComplexArray:
        """Columns of `reflection_matrix` for the orders in the source."""
        half, count = (self.k + self.kappa) * self.plus, len(self.amplitudes)
        return coupling(half[:, None], half[:count], self.kappa[:, None], self.kappa[:count], self._norm[:, None])

    def reflection_pressure(self) -> ComplexArray:
        """Reflected pressure amplitudes for incident ones."""
        upstream, downstream = self._pressure_factor(-1), self._pressure_factor(1)
        count = len(self.amplitudes)
        return (upstream[:, None] * self._reflection_columns() / downstream[:count]) @ self.amplitudes

    def _pressure_factor(self, direction: int) -> ComplexArray:
        """i (ka - M mu): pressure of a mode of unit potential."""
        mach = self.source.mach
        mu = direction * self.kappa / self.scale - mach * self.k / self.scale
        return 1j * (self.source.helmholtz - mach * mu)

    def end_correction(self) -> tuple[float, float]:
        """End correction from ln F_plus(K), whose phase is continuous in the frequency; at low K without that phase."""
        if self.k < _LOW:
            value, error = low_frequency(self.section, self.k)
            return value * self.scale, error * self.scale
        log_plus, errors = self.factors.log_plus(np.array([self.k + 0j]))
        over = self.scale**2 / (2 * self.source.helmholtz)
        return float((np.pi / 2 + 2 * log_plus[0].imag) * over), float(2 * errors[0] * over)

    def sources(self, s: ComplexArray) -> ComplexArray:
        """(K + s) T(s)."""
        live = np.flatnonzero(self.strength)
        return uniform_far_field.sources(self.k, s, self.kappa[live], self.strength[live])

    def directivity(self, theta: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """Directivity, and the error estimate of ln F_plus."""
        value, error = self.directivities([self], theta)
        return value[0], error[0]

    @classmethod
    def directivities(cls, family: Sequence[Self], theta: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """Directivities from those of single modes of strength one, and the error estimate of ln F_plus."""
        strength = np.zeros((len(family), max(len(one.strength) for one in family)), complex)
        for row, one in zip(strength, family, strict=True):
            row[: len(one.strength)] = one.strength
        live = np.flatnonzero(np.any(strength, axis=0))
        first = family[0]
        log_plus, error = first.factors.log_plus(np.abs(first.k * np.cos(theta)) + 0j)
        column = None, live, None  # (order, case, 1): each mode a case
        modes = uniform_far_field.directivity(
            first.section,
            np.array([[first.k]]),
            theta.ravel(),
            first.alpha[column],
            first.kappa[column],
            np.ones((1, len(live), 1), complex),
            log_plus.reshape(1, -1),
        )
        shape = len(family), *theta.shape
        return (strength[:, live] @ modes).reshape(shape), np.broadcast_to(error, shape)

    def fluid(self, inside: bool) -> tuple[float, float, float]:
        """Fluid of the uniform flow, inside and outside."""
        return 1.0, self.source.helmholtz, self.source.mach

    @classmethod
    def spectra(cls, families: Sequence[Sequence[Self]], paths: Sequence[Contour]) -> list[list[Spectra]]:
        """Spectra; everything on the paths is evaluated in one call."""
        nodes = UniformNodes([family[0] for family in families], paths)
        return [
            [UniformSpectra(transform, path, nodes, case) for transform in family]
            for case, (family, path) in enumerate(zip(families, paths, strict=True))
        ]

    @classmethod
    def fields_at(cls, transforms: Sequence[Self], x: FloatArray, r: FloatArray, tolerance: float) -> list[Field]:
        """Near fields at scattered points; without a hub, far from the lip, by paths of steepest descent."""
        if transforms[0].section.hub:
            return super().fields_at(transforms, x, r, tolerance)
        return uniform_points.fields(transforms, x, r, tolerance)


def _all_orders(sources: Sequence[Source]) -> Source:
    """A source with every radial order of sources in one duct."""
    first = sources[0]
    if len(sources) == 1:
        return first
    orders = np.ones(max(len(source.amplitudes) for source in sources))
    return ModeMixture(first.m, orders, first.helmholtz, first.mach, first.hub)


def cancellation(k: FloatArray | float, distance: FloatArray | float) -> FloatArray | float:
    """Relative error of kappa_n = sqrt(K^2 - alpha_n^2), which loses the digits that K and alpha_n share.

    distance : |K - alpha| of the mode nearest to its cut-on.
    """
    return 2 * EPS * k / distance


def coupling(
    reflected: ComplexArray,
    incident: ComplexArray,
    kappa_reflected: ComplexArray,
    kappa_incident: ComplexArray,
    norm: FloatArray,
) -> ComplexArray:
    """Reflection coefficients of the potential.

    reflected, incident : (K + kappa) W_plus(kappa) of both modes; norm : of the reflected one.
    """
    return -(reflected / (4 * norm * kappa_reflected) * incident) / (kappa_reflected + kappa_incident)
