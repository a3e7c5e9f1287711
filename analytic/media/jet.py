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

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray
from ..bessel import hankel_pair
from ..checks import check_flag, check_reduced, real_number
from ..contour import Contour
from ..section import beside
from ..sheet import Sheet
from ..sheet_factors import SheetFactors
from ..solution import Solution
from ..source import Source
from ..transform import Transform
from ..waves import Spectra
from .jet_near_field import JetSpectra, circle

_TOGETHER = 1e-3  # distance, over their size, below which two zeros share a circle
# Radius of a circle over the distance to the nearest singularity: its rule, of 24 nodes, leaves 0.3^24 = 3e-13.
_CIRCLE = 0.3
_TRAPPED = 1e-9  # imaginary part, over k, of a wave that does not leave the jet: the zeros' own error is far below
# Imaginary part, over the branch point's distance, of a mode that leaks in a beam; the quadrature resolves wider lobes.
_BEAM = 0.3
_AXIS = 1e-6  # angle to the downstream axis [rad] below which D is that at this angle: K_plus has a branch point there
_POLE = 1e-4, 1e-3  # distance to a pole of T, over k, below which eta comes from a circle, and the circle's radius
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
        self.sheet = sheet = Sheet(
            self.m,
            source.helmholtz,
            source.mach,
            jet.mach_outer,
            jet.sound_speed_ratio,
            jet.density_ratio,
            source.hub,
        )
        self.factors = SheetFactors(sheet)
        # The outer stream's branch points are shift -+ k / scale.
        self.scale = sheet.beta_outer
        self.k = sheet.k_outer / self.scale
        self.shift = self.k * jet.mach_outer / self.scale
        self._set_modes()
        self.excite()
        below = self.scaled(np.concatenate([self.factors.instability, self.factors.downstream, self._source_poles]))
        self.poles = np.concatenate([self.scaled(self.up), below, -below])

    def _set_modes(self) -> None:
        """Duct modes and their power, over sqrt(1 - M^2)."""
        sheet = self.sheet
        self.alpha = sheet.section.eigenvalues(max(sheet.reach(), len(self.amplitudes)) + 1)
        self._norm = sheet.section.norm(self.alpha)
        self.down, self.up = sheet.modes(self.alpha, 1), sheet.modes(self.alpha, -1)
        self._wave = sheet.beta2 * (self.up - sheet.centre)  # sqrt(k^2 - beta^2 alpha^2)
        cut_on = self._wave.imag == 0
        self._reported = max(int(np.count_nonzero(cut_on)), len(self.amplitudes)) + 1
        # The square root loses the digits that k and beta alpha share.
        distance = np.min(np.abs(sheet.k - self.alpha * math.sqrt(sheet.beta2)))
        self.cancellation = float(2 * EPS * sheet.k / distance)
        self._power_unit = 1 / math.sqrt(sheet.beta2)
        self.flux = self._power_unit * np.abs(self._wave[: self._reported]) * self._norm[: self._reported]
        self.propagating = cut_on[: self._reported]
        self.radiation = self._power_unit * sheet.density * sheet.k_outer  # density k_2

    def excite(self) -> None:
        """Set a_n N_1(s_n) / K_minus(s_n) for the incident amplitudes, and the reflected amplitudes."""
        live, sheet = np.flatnonzero(self.amplitudes), self.sheet
        minus, error = self.factors.minus(self.down[live])
        self._strength = -self.amplitudes[live] * sheet.inner(self.down[live])[0] / minus
        self._source_poles = self.down[live]
        eta, eta_error = self.displacement(self.up)
        self.reflected = sheet.inner(self.up)[0] * eta / (2 * self._norm * self._wave)
        self.factor_error = float(np.max(error) + np.max(eta_error[: self._reported]))

    def scaled(self, s: ComplexArray) -> ComplexArray:
        """Contour variable of s."""
        return (s - self.shift) * self.scale

    def physical(self, nodes: ComplexArray) -> ComplexArray:
        """s of the contour variable."""
        return self.shift + nodes / self.scale

    def displacement(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """eta_plus at s and its relative error; regular at the poles of T, which the poles of K_plus cancel."""
        s = np.asarray(s, dtype=complex)
        flat = s.ravel()
        gap = np.abs(flat[:, None] - self._source_poles)
        nearest = np.argmin(gap, axis=1)
        limit, radius = (size * self.sheet.k for size in _POLE)
        close = gap[np.arange(len(flat)), nearest] < limit
        value, error = np.empty_like(flat), np.empty(flat.shape)
        value[~close], error[~close] = self._quotient(flat[~close])
        if np.any(close):
            poles = self._source_poles[nearest[close]]
            value[close] = beside(lambda z: self._quotient(z)[0], flat[close], poles, radius)
            error[close] = self._quotient(poles + radius)[1]
        return value.reshape(s.shape), error.reshape(s.shape)

    def _quotient(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """T / K_plus and its relative error, away from the poles of T."""
        plus, error = self.factors.plus(s)
        free = (1 - self.jet.kutta) / (self.factors.instability[0] - self._source_poles)
        return (1 / (s[..., None] - self._source_poles) - free) @ self._strength / plus, error

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
        off_axis = np.maximum(theta, _AXIS)
        s = np.asarray(self.sheet.left + 2 * self.k / self.scale * np.sin(off_axis / 2) ** 2, dtype=complex)
        gamma = np.asarray(self.k * np.sin(off_axis), dtype=complex)
        eta, error = self.displacement(s)
        with np.errstate(over="ignore", invalid="ignore"):
            slope = gamma * hankel_pair(self.m, gamma)[1] * np.exp(1j * gamma)
        finite = np.isfinite(slope)  # else H_m' overflows, and D vanishes
        spectrum = np.where(finite, -1j * self.sheet.outer(s)[0] * eta / np.where(finite, slope, 1.0), 0.0)
        return (-1j) ** (self.m + 1) / (np.pi * self.scale) * spectrum, error

    def beams(self) -> FloatArray:
        """Angles at which leaking modes of the jet radiate."""
        zeros = self.scaled(self.factors.downstream) / self.k
        beams = zeros[(np.abs(zeros.imag) < _BEAM) & (np.abs(zeros.real) < 1)]
        return np.arccos(-beams.real)

    def vortical(self) -> float:
        r"""Power of the sheet: (i / 4 pi) \oint K eta_plus(s) conj(eta_plus(conj s)) ds around its neutral pairs.

        Growing and decaying waves carry power only jointly; neutral ones carry it individually.
        """
        zeros = self.factors.downstream
        sheet = self.sheet
        real = np.abs(zeros.imag) < _TRAPPED * sheet.k
        outside = (zeros.real < sheet.left) | (zeros.real > sheet.right)
        total = 0.0
        for group, radius in self.groups(np.concatenate([self.factors.instability, zeros[real & outside]])):
            nodes, weight = circle(group, radius)
            integrand = sheet.kernel(nodes) * self.displacement(nodes)[0] * self.displacement(nodes.conj())[0].conj()
            total += float(np.sum(integrand * weight * 0.25j / np.pi).real)
        return self._power_unit * total

    def groups(self, zeros: ComplexArray, largest: float = np.inf) -> list[tuple[complex, float]]:
        """Centre and radius of circles around zeros, one around two that are close, that contain nothing else.

        Nor do their mirror images in the real axis. No radius is larger than `largest`, unless two zeros need it.
        """
        sheet = self.sheet
        known = np.concatenate([self.factors.instability, self.factors.downstream])
        singular = np.concatenate([self.down, self.up])
        groups = []
        used = np.zeros(len(zeros), bool)
        for index, zero in enumerate(zeros):
            if used[index]:
                continue
            close = _TOGETHER * abs(zero)
            together = np.abs(zeros - zero) < close
            used |= together
            centre = complex(np.mean(zeros[together]))
            mirrored = np.concatenate([known, known.conj()])
            others = np.concatenate([mirrored[np.abs(mirrored - zero) >= close], singular])
            cut = min(sheet.cut_distance(centre), sheet.cut_distance(centre.conjugate()))
            room = _CIRCLE * min(float(np.min(np.abs(others - centre))), cut)
            reach = float(np.max(np.abs(zeros[together] - centre)))
            groups.append((centre, max(min(room, largest), 4 * reach)))  # 4: 0.25^24 is below rounding
        return groups

    def fluid(self, inside: bool) -> tuple[float, float, float]:
        """Fluid of the jet, or of its surroundings."""
        k, jet = self.source.helmholtz, self.jet
        return (1.0, k, self.source.mach) if inside else (jet.density_ratio, k, jet.mach_outer * jet.sound_speed_ratio)

    @classmethod
    def spectra(cls, families: Sequence[Sequence[Self]], paths: Sequence[Contour]) -> list[list[Spectra]]:
        """Spectra, each on its own."""
        return [
            [JetSpectra(transform, path) for transform in family] for family, path in zip(families, paths, strict=True)
        ]
