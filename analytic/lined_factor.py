r"""Factor of the kernel of a hard | lined transition, no flow, K(s) = 1 - q / F(gamma^2) = K_plus(s) K_plus(-s).

K has zeros +-sigma_l, the lined duct's axial wavenumbers, and poles +-kappa_l, the hard-walled duct's, all of them in
the first and third quadrant. The line u = c e^{-i pi/4} sinh y keeps an angle of 45 degrees to every one, ln K vanishes
at its ends, the winding is zero, and

    ln K_plus(s) = (1 / 2 pi i) \int_0^\infty ln K(u) 2 s / (u^2 - s^2) du

above it. The bend c lies within the wavenumber closest to the origin, so that there is no special case at cut-on.
"""

import numpy as np

from .arrays import EPS, ComplexArray
from .errors import ConvergenceError
from .lined_modes import admittance
from .section import Section
from .wavenumbers import radial_wavenumber

_BEND = 0.5  # c over the smallest wavenumber: the integrand's poles keep 0.75 away from the line in y
_STEP = 0.08  # of the trapezoidal rule: exp(-2 pi 0.75 / 0.16) = 1.6e-13 for every other node, its square for all
_END = 1e8  # of |u| over sqrt(|q| s): the integrand falls like q s / u^2
_LARGEST_PHASE_STEP = 1.5  # of ln K between neighbours [rad]


def plus_factors(
    section: Section, k: float, q: complex, kappa: ComplexArray, sigma: ComplexArray
) -> tuple[ComplexArray, ComplexArray, float]:
    """K_plus at kappa and at sigma, arrays, and the largest error estimate of its logarithm.

    Raises
    ------
    ConvergenceError
        The kernel's phase could not be followed along the line.
    """
    s = np.concatenate([kappa, sigma])
    least = float(np.min(np.abs(s)))
    bend = _BEND * least
    end = _END * np.sqrt(np.max(np.abs(s)) * max(abs(q), 1.0)) / bend
    if not (least > 0 and np.isfinite(end)):
        raise ConvergenceError(f"a mode is at its cut-on, at ka = {k}")
    y = np.arange(0.0, np.arcsinh(end), _STEP)
    line = bend * np.exp(-0.25j * np.pi)
    u = line * np.sinh(y)
    kernel = 1 - q / admittance(section, radial_wavenumber(u, k))
    terms = _logarithm(kernel) * line * np.cosh(y) * (_STEP / (2j * np.pi))
    terms[0] /= 2  # the integrand is even
    weights = 2 * s[:, None] / (u**2 - s[:, None] ** 2)
    value, coarse = weights @ terms, 2 * (weights[:, ::2] @ terms[::2])
    rounding = 20 * EPS * (1 + section.m + k / 4)  # of the Bessel functions' phase, as in `factorisation`
    error = float(np.max(np.abs(value - coarse) ** 1.5)) + rounding
    plus = np.exp(value)
    return plus[: len(kappa)], plus[len(kappa) :], error


def _logarithm(kernel: ComplexArray) -> ComplexArray:
    """ln K, continuous from infinity (where it vanishes) inwards."""
    phase = np.angle(kernel)
    steps = np.angle(kernel[:-1] / kernel[1:])
    if not np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
        raise ConvergenceError("the phase of a lined duct's kernel jumps along the factorisation line")
    phase[:-1] = phase[-1] + np.cumsum(steps[::-1])[::-1]
    return np.log(np.abs(kernel)) + 1j * phase
