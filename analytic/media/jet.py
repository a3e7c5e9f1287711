r"""Sound leaving a duct with a jet: two streams, with a vortex sheet between them at r = 1, x > 0.

The displacement of the sheet has the transform (k and M of the jet, N_1 = k + M s; see `sheet` for the kernel K)

    eta_plus(s) = T(s) / K_plus(s),    T(s) = -sum_n a_n N_1(s_n) / K_minus(s_n) [1 / (s - s_n) - (1 - g) / (s_0 - s_n)]

for incident amplitudes a_n of the duct modes exp(-i s_n x), the Kelvin–Helmholtz zero s_0 and the Kutta parameter g:
with g = 1 the sheet leaves the lip like x^{3/2}, with g = 0 the instability is not excited. The spectra are A S(gamma_1
r) inside, A = -i N_1 eta_plus / (gamma_1 S'(gamma_1)), and B H_m(gamma_2 r) outside, B = -i N_2 eta_plus / (gamma_2
H_m'(gamma_2)).

References
----------
R. M. Munt, J. Fluid Mech. 83 (1977), 609-640, and J. Sound Vib. 142 (1990), 413-436; S. W. Rienstra, J. Sound Vib. 86
(1983), 539-556, for the limits and the Kutta parameter.
"""

import copy
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np

from ..arrays import ComplexArray, FloatArray
from ..checks import check_flag, check_reduced, real_number
from ..contour import Contour
from ..sheet_factors import factorise
from ..solution import Solution
from ..source import ModeMixture, Source
from ..transform import Transform
from ..waves import Spectra
from . import jet_power
from .jet_near_field import JetNodes, JetSpectra
from .jet_waves import Factored, cancellation, displacement, far, upstream_amplitudes

# Angles at which the path for x < 0 may leave to the right and to the left [rad], steep and flat: zeros of the kernel
# lie on both sides, and which pair is clear of them depends on the jet.
_ARMS = tuple((right, left) for right in (0.25 * np.pi, 0.12 * np.pi, 0.36 * np.pi) for left in (0.36, 0.7))


@dataclass(frozen=True)
class Jet:
    """Medium in which the duct's stream continues as a jet, behind a vortex sheet at r = 1.

    Parameters
    ----------
    mach_outer : float, 0 <= mach_outer < 1
        Mach number outside, in the outer sound speed [-].
    sound_speed_ratio, density_ratio : float, > 0
        Outside over inside [-].
    kutta : float, 0 <= kutta <= 1
        Kutta parameter: 1 for the full Kutta condition at the lip, 0 for no vortex shedding from it.
    instability : bool
        Whether the near field contains the Kelvin–Helmholtz wave, which grows without bound downstream.

    Notes
    -----
    Equal streams (mach_outer = mach of the duct, both ratios 1) are a uniform flow with the wake of the lip.

    The Helmholtz number ka / sound_speed_ratio / sqrt(1 - mach_outer^2) of the fluid outside must lie in [1e-20, 1e4].
    The work grows with k times the distance of that fluid's branch points, -1 / (C (1 + M)) and 1 / (C (1 - M)) with C
    the ratio of sound speeds and M = mach_outer. A jet that would take gigabytes or minutes, as with C = 0.01 or M =
    0.999 at high k, is refused with a ConvergenceError, and so are near fields that need the modes of more than 1,500
    radial orders.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    mach_outer: float = 0.0
    sound_speed_ratio: float = 1.0
    density_ratio: float = 1.0
    kutta: float = 1.0
    instability: bool = True

    def __post_init__(self) -> None:
        for name in ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta"):
            object.__setattr__(self, name, real_number(getattr(self, name), name))
        object.__setattr__(self, "instability", check_flag(self.instability, "instability"))
        if not 0 <= self.mach_outer < 1:
            raise ValueError(f"the outer Mach number must lie in [0, 1), got mach_outer={self.mach_outer}")
        for name in ("sound_speed_ratio", "density_ratio"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {name}={getattr(self, name)}")
        if not 0 <= self.kutta <= 1:
            raise ValueError(f"the Kutta parameter must lie in [0, 1], got kutta={self.kutta}")


class JetSolution(Solution):
    """`Solution` of a source in a duct with a jet."""

    @property
    def jet(self) -> Jet:
        """The jet and the fluid around it."""
        return cast(JetTransform, self.transform).jet

    @property
    def instability(self) -> ComplexArray:
        """Axial wavenumbers -s_0 and -s_0* of the Kelvin–Helmholtz waves exp(-i s_0 x).

        The growing one and, if it is on the physical sheet, the decaying one.
        """
        return -cast(JetTransform, self.transform).factors.instability


class JetTransform(Transform):
    """Transform with a jet; symbols as in the module's docstring, other attributes as in `Transform`.

    Attributes
    ----------
    jet : Jet
    sheet : Sheet
    factors : SheetFactors
    alpha : (mode,) float array
        Radial eigenvalues.
    down, up : (mode,) complex arrays
        s of the duct modes that travel or decay downstream and upstream.
    reflected : (mode,) complex array
        Reflected amplitudes of all these modes; `reflection` contains those cut on or in the source, and one more.
    source_error : float
        Relative error of K_minus at the incident modes.
    power_unit : float
        1 / sqrt(1 - M^2): power of a wave over sqrt(k^2 - beta^2 alpha^2) times its squared amplitude.
    """

    solution = JetSolution
    power_accuracy = 1e-2  # D costs two lines of integration an angle, and is known less accurately than without a jet
    arms = _ARMS

    def __init__(self, source: Source, medium: object) -> None:
        if not isinstance(medium, Jet):
            raise TypeError(f"expected a Jet, got {type(medium).__name__}")
        if not source.mach > 0:
            raise ValueError(f"a jet needs flow out of the duct, mach > 0, got mach={source.mach}")
        check_reduced(source.helmholtz / medium.sound_speed_ratio, medium.mach_outer)
        super().__init__(source, medium)
        self.jet = jet = medium
        self.factors = factorise(
            self.m,
            source.helmholtz,
            source.mach,
            jet.mach_outer,
            jet.sound_speed_ratio,
            jet.density_ratio,
            source.hub,
        )
        self.sheet = sheet = self.factors.sheet
        # The outer stream's branch points are shift -+ k / scale.
        self.scale = sheet.beta_outer
        self.k = sheet.k_outer / self.scale
        self.shift = self.k * jet.mach_outer / self.scale
        self._set_modes()
        self._minus: dict[int, tuple[complex, float]] = {}  # K_minus at duct modes, shared with copies
        self._plus: Factored | None = None  # K_plus at `up`
        self.excite()

    @property
    def poles(self) -> ComplexArray:
        """As in `Transform`; all the jet's modes are followed for it, once for each factorisation."""
        below = self.scaled(np.concatenate([self.factors.instability, self.factors.downstream, self._source_poles]))
        return np.concatenate([self.scaled(self.up), below, -below])

    def _set_modes(self) -> None:
        """Duct modes and their power, over sqrt(1 - M^2)."""
        sheet = self.sheet
        self.alpha = sheet.section.eigenvalues(max(sheet.reach(), len(self.amplitudes)) + 1)
        self._norm = sheet.section.norm(self.alpha)
        self.down, self.up = sheet.modes(self.alpha, 1), sheet.modes(self.alpha, -1)
        self._wave = sheet.beta2 * (self.up - sheet.centre)  # sqrt(k^2 - beta^2 alpha^2)
        cut_on = self._wave.imag == 0
        self._reported = max(int(np.count_nonzero(cut_on)), len(self.amplitudes)) + 1
        self.cancellation = float(cancellation(sheet, self.alpha)[0])
        self.power_unit = 1 / math.sqrt(sheet.beta2)
        self.flux = self.power_unit * np.abs(self._wave[: self._reported]) * self._norm[: self._reported]
        self.propagating = cut_on[: self._reported]
        self.radiation = self.power_unit * sheet.density * sheet.k_outer  # density k_2

    def excite(self) -> None:
        """Set a_n N_1(s_n) / K_minus(s_n) for the incident amplitudes, and what is reflected."""
        live, sheet = np.flatnonzero(self.amplitudes), self.sheet
        missing = [n for n in live.tolist() if n not in self._minus]
        if missing:
            values = zip(*self.factors.minus(self.down[missing]), strict=True)
            self._minus.update(zip(missing, values, strict=True))
        minus, error = (np.array(one) for one in zip(*(self._minus[n] for n in live.tolist()), strict=True))
        self._strength = -self.amplitudes[live] * sheet.inner(self.down[live])[0] / minus
        self._source_poles, self.source_error = self.down[live], float(np.max(error))
        self.reflect()

    def reflect(self) -> None:
        """Set the reflected amplitudes and the error of the factors in them."""
        if self._plus is None:
            self._plus = self.factors.plus(self.up)
        eta, error = self.displacement(self.up, self._plus)
        self.reflected = upstream_amplitudes(self.sheet, self.up, self._norm, eta)
        self.factor_error = float(self.source_error + np.max(error[: self._reported]))

    def shedding(self, kutta: float) -> Self:
        """The transform with another Kutta parameter; the factorisation is shared."""
        other = copy.copy(self)
        other.medium = other.jet = dataclasses.replace(self.jet, kutta=kutta)
        other.excite()
        return other

    def scaled(self, s: ComplexArray) -> ComplexArray:
        """Contour variable of s."""
        return (s - self.shift) * self.scale

    def physical(self, nodes: ComplexArray) -> ComplexArray:
        """s of the contour variable."""
        return self.shift + nodes / self.scale

    def displacement(self, s: ComplexArray, plus: Factored | None = None) -> Factored:
        """eta_plus at s and its relative error; regular at the poles of T, which the poles of K_plus cancel.

        plus : K_plus at s and its relative error, if known.
        """
        row, one = np.reshape(np.asarray(s, dtype=complex), (1, -1)), self.factors.many
        known = one.plus(row) if plus is None else (plus[0].reshape(1, -1), plus[1].reshape(1, -1))
        free = (1 - self.jet.kutta) / (self.factors.instability[0] - self._source_poles)
        value, error = displacement(
            one, np.zeros(1, int), row, known, self._source_poles[None], self._strength[None], free[None]
        )
        return value.reshape(np.shape(s)), error.reshape(np.shape(s))

    @property
    def reflection(self) -> ComplexArray:
        """Reflected potential amplitudes."""
        return self.reflected[: self._reported]

    def reflection_pressure(self) -> ComplexArray:
        """Reflected pressure amplitudes over the incident mode's, times its potential amplitude."""
        live = np.flatnonzero(self.amplitudes)
        if len(live) > 1:
            raise ValueError("pressure reflection coefficients with a jet need one incident mode")
        inner = self.sheet.inner
        return self.reflection * inner(self.up[: self._reported])[0] / inner(self._source_poles)[0]

    def end_correction(self) -> tuple[float, float]:
        """End correction from the phase of the reflection coefficient between -pi and pi."""
        over = self.sheet.beta2 / (2 * self.source.helmholtz)
        return float(np.angle(-self.reflected[0]) * over), self.error_estimate * over

    def directivity(self, theta: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """Directivity in the outer stream, and the difference between the two lines of integration.

        D vanishes on the downstream axis.
        """
        s, factor = far(self.sheet, theta)
        eta, error = self.displacement(s)
        return factor * eta, error

    def flows(self) -> tuple[FloatArray, float, float, float]:
        """Power along arcs below the axis: of the instability, of trapped waves and of modes that hardly leak."""
        return jet_power.flows(self)

    def fluid(self, inside: bool) -> tuple[float, float, float]:
        """Fluid of the jet, or of its surroundings."""
        k, jet = self.source.helmholtz, self.jet
        return (1.0, k, self.source.mach) if inside else (jet.density_ratio, k, jet.mach_outer * jet.sound_speed_ratio)

    @classmethod
    def several(cls, sources: Sequence[Source], media: Sequence[object]) -> list[Self]:
        """Transforms for sources of one azimuthal order and hub: those in one duct and medium share their factors."""
        found: dict[int, Self] = {}
        groups: dict[tuple, list[int]] = {}
        for index, (source, medium) in enumerate(zip(sources, media, strict=True)):
            groups.setdefault((source.helmholtz, source.mach, source.hub, medium), []).append(index)
        for group in groups.values():
            first = sources[group[0]]
            orders = max(len(sources[index].amplitudes) for index in group)
            common = ModeMixture(first.m, np.ones(orders), first.helmholtz, first.mach, first.hub)
            leader = cls(common if len(group) > 1 else first, media[group[0]])
            for index in group:
                found[index] = leader.incident(sources[index]) if len(group) > 1 else leader
        return [found[index] for index in range(len(sources))]

    @classmethod
    def spectra(cls, families: Sequence[Sequence[Self]], paths: Sequence[Contour]) -> list[list[Spectra]]:
        """Spectra; a family shares what is evaluated on its path."""
        nodes = [JetNodes(family[0], path) for family, path in zip(families, paths, strict=True)]
        return [
            [JetSpectra(transform, shared) for transform in family]
            for family, shared in zip(families, nodes, strict=True)
        ]
