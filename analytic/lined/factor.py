r"""Factor of the kernel of a hard | lined transition, no flow, K(s) = 1 - q / F(gamma^2) = K_plus(s) K_plus(-s).

K has zeros +-sigma_l, the lined duct's axial wavenumbers, and poles +-kappa_l, the hard-walled duct's, all of them in
the first and third quadrant. The line u = c e^{-i pi/4} sinh y keeps an angle of 45 degrees to every one, ln K vanishes
at its ends, the winding is zero, and

    ln K_plus(s) = (1 / 2 pi i) \int_0^\infty ln K(u) 2 s / (u^2 - s^2) du

above it. The bend c lies within the wavenumber closest to the origin, so that there is no special case at cut-on.
"""

import numpy as np

from ..arrays import EPS, ComplexArray
from ..errors import ConvergenceError
from ..section import Section
from ..wavenumbers import radial_wavenumber
from .modes import admittance

_BEND = 0.5  # c over the smallest wavenumber: the integrand's poles keep 0.75 away from the line in y
_STEP = 0.08  # of the trapezoidal rule: exp(-2 pi 0.75 / 0.16) = 1.6e-13 for every other node, its square for all
_END = 1e8  # of |u| over sqrt(|q| s): the integrand falls like q s / u^2
_LARGEST_PHASE_STEP = 1.5  # of ln K between neighbours [rad]


def kernel(section: Section, k: float, q: complex, s: ComplexArray) -> ComplexArray:
    """K(s)."""
    return np.asarray(1 - q / admittance(section, radial_wavenumber(s, k)))


class PlusFactor:
    """K_plus from one line.

    Parameters
    ----------
    section, k, q
    least, largest : float
        |s| of the zeros and poles closest to the origin, and of the points asked for.
    tilt : float
        Angle of the line below the real axis [rad], between 0 and pi / 2.

    Raises
    ------
    ConvergenceError
        The kernel's phase could not be followed along the line.
    """

    def __init__(
        self, section: Section, k: float, q: complex, least: float, largest: float, tilt: float = 0.25 * np.pi
    ) -> None:
        self._section, self._k, self._q, self._tilt = section, k, q, tilt
        bend = _BEND * least
        end = _END * np.sqrt(largest * max(abs(q), 1.0)) / bend if least > 0 else np.inf
        if not np.isfinite(end):
            raise ConvergenceError(f"a mode is at its cut-on, at ka = {k}")
        step = _STEP * min(tilt, 0.5 * np.pi - tilt) / (0.25 * np.pi)  # poles are closer to a line that is not half-way
        y = np.arange(0.0, np.arcsinh(end), step)
        line = bend * np.exp(-1j * tilt)
        self._u = line * np.sinh(y)
        self._terms = _logarithm(kernel(section, k, q, self._u)) * line * np.cosh(y) * (step / (2j * np.pi))
        self._terms[0] /= 2  # the integrand is even

    def __call__(self, s: ComplexArray) -> tuple[ComplexArray, float]:
        """K_plus at s (point,), away from the line, and the largest error estimate of its logarithm."""
        below = (s * np.exp(1j * self._tilt)).imag < 0  # K_plus = K / K_minus
        target = np.where(below, -s, s)
        weights = 2 * target[:, None] / (self._u**2 - target[:, None] ** 2)
        value, coarse = weights @ self._terms, 2 * (weights[:, ::2] @ self._terms[::2])
        rounding = 20 * EPS * (1 + self._section.m + self._k / 4)  # of the Bessel functions, as in `factorisation`
        error = float(np.max(np.abs(value - coarse) ** 1.5)) + rounding
        plus = np.exp(value)
        if np.any(below):
            plus[below] = kernel(self._section, self._k, self._q, s[below]) / plus[below]
        return plus, error


def _logarithm(values: ComplexArray) -> ComplexArray:
    """ln K, continuous from infinity (where it vanishes) inwards."""
    phase = np.angle(values)
    steps = np.angle(values[:-1] / values[1:])
    if not np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
        raise ConvergenceError("the phase of a lined duct's kernel jumps along the factorisation line")
    phase[:-1] = phase[-1] + np.cumsum(steps[::-1])[::-1]
    return np.log(np.abs(values)) + 1j * phase
