r"""The open end of a duct with a lined hub all along, no flow: the radial function's condition at the hub changes only.

As in `media.uniform`, with V(s) the transform of the radial velocity on r = 1, x > 0 and s_l, N_l those of the modes
with the lined hub, bilinear norms of complex functions,

    R_ln = -(k + s_l) W_plus(s_l) (k + s_n) W_plus(s_n) / (4 N_l s_l (s_l + s_n)),
    D(theta) = (-i)^{m+1} / pi V(s) / (gamma H_m'(gamma)),    V = (i / 2) (k + s) W_plus(s) sum_n a_n (k + s_n)
        W_plus(s_n) / (s + s_n),    s = -k cos(theta), gamma = k sin(theta).

References
----------
A. Demir, S. W. Rienstra, Sound radiation from an annular duct with jet flow and a lined centerbody, AIAA 2006-2718,
for the problem in flow.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import EPS, ComplexArray
from ..bessel import hankel_pair
from ..checks import check_angles
from ..errors import check_estimate, check_finite, quiet
from ..factorisation import Factorisation
from ..section import Section
from ..source import Source
from .flow_modes import flow_modes
from .hub_modes import HubWall, LinedHubSection
from .liner import check_impedance

_SPARE = 3  # modes beyond those reported
_AXIS = 1e-12  # sine of the angle to the axis below which D is its limit, downstream zero like 1 / ln(gamma)


@dataclass(frozen=True)
class LinedHub:
    """A locally reacting liner on the hub from -infinity to infinity, through the open end.

    Parameters
    ----------
    impedance : complex, Re > 0
        Specific impedance Z = p / (rho c v) with v into the hub, as of a `Liner`.

    Raises
    ------
    ValueError
        The impedance is outside its range.
    """

    impedance: complex

    def __post_init__(self) -> None:
        object.__setattr__(self, "impedance", check_impedance(self.impedance))


class LinedHubSolution:
    """The sound of one source in a duct with a lined hub, as returned by `solve`; no flow.

    The source's n counts modes with the lined hub in order of |gamma|, of their radial wavenumbers, beginning with 0.
    All of them decay, so that there is no incident power.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        Amplitudes at the outer wall, at the open end, x = 0.
    lined_hub : LinedHub
    tolerance : float
        Largest relative error estimate accepted.

    Attributes
    ----------
    source, lined_hub, tolerance
        As passed in.
    wavenumbers : (mode,) complex array
        Axial wavenumbers of the modes, for waves exp(i s x).
    error_estimate : float
        Relative, of the reflection and of the directivity over its largest value.

    Raises
    ------
    ValueError
        There is flow, or no hub.
    ConvergenceError
        The error estimate is above the tolerance, modes were lost, or two coincide.
    """

    def __init__(self, source: Source, lined_hub: LinedHub, tolerance: float) -> None:
        if source.mach:
            raise ValueError(f"a lined hub is solved for without flow only, got mach={source.mach}")
        if not source.hub:
            raise ValueError(f"a lined hub needs a hub, got hub={source.hub}")
        self.source, self.lined_hub, self.tolerance = source, lined_hub, tolerance
        m, hub, k = abs(source.m), source.hub, source.helmholtz
        wall = HubWall(Section(m, hub), k, 0.0, 1j / (k * lined_hub.impedance))
        self._section = LinedHubSection(m, hub, 1j * k / lined_hub.impedance)
        cut_on = int(np.count_nonzero(wall.section.eigenvalues(int(k / np.pi) + 3) < k))
        count = max(cut_on, len(source.amplitudes)) + 1
        with quiet():
            found = flow_modes(wall, count + _SPARE).up
            found = found[np.argsort(np.abs(wall.radial(found)), kind="stable")]
            self.wavenumbers: ComplexArray = found[:count]
            self._norm = 0.5 * wall.twice_norm(self.wavenumbers)
            self._factors = Factorisation(self._section, k)
            plus, error = self._factors.plus(self.wavenumbers)
        self._half = (k + self.wavenumbers) * plus
        # Roots have the error eps over the distance to the next one, squared: b is like that distance.
        apart = np.abs(found[:count, None] - found) + np.where(np.eye(count, len(found)) > 0, np.inf, 0.0)
        crowd = float(np.max(np.abs(found[:count]) / np.min(apart, axis=1)))
        self.error_estimate = float(2 * np.max(error)) + 4 * EPS * crowd**3
        check_estimate(self.error_estimate, tolerance, "the amplitudes", self._described)

    @property
    def _described(self) -> str:
        return f"{self.source} with {self.lined_hub}"

    @property
    def reflection_matrix(self) -> ComplexArray:
        """Reflection coefficients at x = 0, [reflected, incident], of amplitudes at the outer wall.

        As many as there are orders cut on with a hard hub or in the source, and one more.
        """
        s, half = self.wavenumbers, self._half
        return np.asarray(-half[:, None] * half / (4 * (self._norm * s)[:, None] * (s[:, None] + s)))

    @property
    def reflection(self) -> ComplexArray:
        """Reflected amplitudes at the outer wall, x = 0: complex (order,)."""
        return np.asarray(self.reflection_matrix[:, : len(self.source.amplitudes)] @ self.source.amplitudes)

    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """Directivity D: psi -> D(theta) exp(i k rho) / rho far away, theta in [0, pi]; see `Solution.directivity`.

        Raises
        ------
        ValueError
            An angle outside [0, pi].
        ConvergenceError
            The error estimate is above the tolerance.
        """
        angle = check_angles(theta)
        k, m, section = self.source.helmholtz, self._section.m, self._section
        sine, cosine = np.sin(angle.ravel()), np.cos(angle.ravel())
        axis, sine = (sine < _AXIS) & (cosine > 0), np.maximum(sine, _AXIS)
        s, gamma = np.asarray(-k * cosine + 0j), np.asarray(k * sine + 0j)
        with quiet():
            ahead = s.real < 0  # W_plus(s) = W(s) / W_plus(-s)
            plus, error = self._factors.plus(np.where(ahead, -s, s))
            slope = hankel_pair(m, gamma)[1] * np.exp(1j * gamma)
            finite = np.isfinite(slope)  # else H_m' overflows, and D vanishes
            slope = np.where(finite, slope, 1.0)
            kernel = 1j * section.kernel(gamma) / gamma
            spectrum = np.where(ahead, kernel / plus, plus) / (gamma * slope)
            poles = self._half[: len(self.source.amplitudes)] * self.source.amplitudes
            waves = (1 / (s[:, None] + self.wavenumbers[: len(poles)])) @ poles
            branch = np.where(ahead, gamma**2 / (k - s), k + s)  # k + s
            value = 0.5j * branch * np.where(finite & ~axis, spectrum * waves, 0.0)
        estimate = self.error_estimate + float(np.max(error, initial=0.0))
        check_estimate(estimate, self.tolerance, "the directivity", self._described)
        check_finite(value, "the directivity", self._described)
        return np.asarray((-1j) ** (m + 1) / np.pi * value.reshape(angle.shape))
