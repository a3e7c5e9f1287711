r"""Factorisation W = W_plus W_minus of the kernel without flow or in uniform flow, W_minus(s) = W_plus(-s).

W(s) = pi i S'(gamma) H_m'(gamma) with gamma = sqrt(K^2 - s^2) and the duct's radial function S (J_m without a hub); F =
-i gamma W. W_plus = e^{i pi/4} F_plus / sqrt(K + s) is regular and not zero above the factorisation line u = c e^{-i
theta} sinh y, and

    ln F_plus(s) = (1 / 2 pi i) \int_0^\infty ln F(u) 2 s / (u^2 - s^2) du,

where the trapezoidal rule in y converges exponentially. Zeros of F that come close to the origin, where the line
passes between +kappa and -kappa, are divided out and put back in closed form. So is (u^2 + b^2) / (u^2 + a^2), to which
F tends far away if b^2 - a^2 = (4 m^2 - 3) / 8: the logarithm of what is left falls like u^-4.
"""

import copy
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .arrays import EPS, ComplexArray, FloatArray, IntArray
from .bessel import hankel_pair
from .checks import check_angles, check_helmholtz_array, check_order, check_reduced
from .errors import ConvergenceError, check_finite, quiet
from .section import Section
from .wavenumbers import radial_wavenumber, root

_ANGLE = np.pi / 4  # tilt of the line: half-way between the real and the imaginary zeros
_SCALE = 0.25  # of the line's bend at the origin: well within the distance to the branch points
STEP = 0.08  # of the trapezoidal rule; every other node alone leaves about 1e-7, see docs/validation.md
_END = 1e4  # |u| where ln F, which falls like (m / u)^2 (K / u)^2, is lost in rounding, over sqrt((m + 1) (m + 1 + K))
# ln F(s) is subtracted from the integrand at an angle to the line [rad] below _NEAR, and for |s| below _CORE line
# scales: elsewhere 1 / (u - s) is smooth over a step, whose error exp(-2 pi 0.35 / 0.08) is 1e-12.
_NEAR = 0.35
_CORE = 2.0
_TINY = 1e-4  # |s| in line scales below which the odd part of ln F_plus is linear to eight digits of itself
_PAIRS = 2.0  # zeros within this many line scales of the origin, where they are not far beside a step, are divided out
_BLOCK = 2**14  # numbers worked on at a time: they stay in the processor's cache
_LARGEST_PHASE_STEP = 1.5  # of ln F between neighbours [rad]; more, and its branch is not certain
# Attributes with an axis of cases.
_BY_CASE = (
    "k",
    "_scale",
    "_u",
    "_weight",
    "_alpha",
    "_kappa",
    "_pinched",
    "_a",
    "_b",
    "_log_line",
    "_rounding",
)


class Factorisation:
    """Factors of a duct's kernel at transformed Helmholtz numbers K = ka / sqrt(1 - M^2), many at once.

    Parameters
    ----------
    section : Section
    k : float or (case,) float array
        K > 0. With an array every argument s below has a first axis of cases, and so have the results.

    Raises
    ------
    ConvergenceError
        The phase of a kernel could not be followed along the line.
    """

    def __init__(self, section: Section, k: npt.ArrayLike) -> None:
        self.section = section
        self._single = np.ndim(k) == 0
        self._origin: tuple[Factorisation, int] | None = None  # of a single case: what it is part of, and where
        self.k = np.atleast_1d(np.asarray(k, dtype=float))
        self._scale = _SCALE * np.minimum(self.k, 1.0)
        end = _END * np.max(np.sqrt((section.m + 1) * (section.m + 1 + self.k)) / self._scale)
        y = np.arange(0.0, np.arcsinh(end), STEP)
        direction = self._scale[:, None] * np.exp(-1j * _ANGLE)
        self._y, self._u = y, direction * np.sinh(y)
        weight = direction * np.cosh(y) * STEP / (2j * np.pi)
        weight[:, 0] /= 2  # the integrand is even: half of its trapezoidal rule over the whole line
        self._weight = weight
        self._find_zeros_near_origin()
        self._find_limit()
        case = np.broadcast_to(np.arange(len(self.k))[:, None], self._u.shape)
        u, case = self._u.ravel(), case.ravel()
        gamma = radial_wavenumber(u, self.k[case])
        line = self._reduced_kernel(u, case, gamma, self.section.kernel(gamma))
        self._log_line = self._unwrap(line.reshape(self._u.shape))
        # A Bessel function's phase has the error eps |gamma|, and gamma = K at the origin. 20 and 1/4 are chosen so
        # that the estimate holds against a finer rule and against mpmath in the tests, 0 <= m <= 40.
        self._rounding = 20 * EPS * (1 + section.m + self.k / 4)

    def case(self, index: int) -> "Factorisation":
        """Factorisation of a single case."""
        one = copy.copy(self)
        one._single, one._origin = True, (self, index)
        for name in _BY_CASE:
            setattr(one, name, getattr(self, name)[index : index + 1])
        return one

    @staticmethod
    def join(cases: "Sequence[Factorisation]") -> "Factorisation":
        """Factorisation of several single cases, which must stem from one call."""
        if len(cases) == 1:
            return cases[0]
        first = cases[0]._origin
        if first and [case._origin for case in cases] == [(first[0], index) for index in range(len(first[0].k))]:
            return first[0]
        several = copy.copy(cases[0])
        several._single = False
        for name in _BY_CASE:
            setattr(several, name, np.concatenate([getattr(case, name) for case in cases]))
        return several

    def _find_zeros_near_origin(self) -> None:
        """alpha, kappa of the duct mode next to its cut-on, where there is one; there is room for one only."""
        eigenvalues = self.section.eigenvalues(int(self.k.max() / np.pi) + 3)
        middle = 0.5 * (eigenvalues[1:] + eigenvalues[:-1])
        self._alpha = eigenvalues[np.searchsorted(middle, self.k)]
        self._kappa = np.sqrt((self.k - self._alpha) * (self.k + self._alpha) + 0j)
        self._pinched = np.abs(self._kappa) < _PAIRS * self._scale

    def _find_limit(self) -> None:
        """a, b of the reduced kernel."""
        tail = 0.125 * (4 * self.section.m**2 - 3) + np.where(
            self._pinched, (self._kappa**2).real + self._scale**2, 0.0
        )
        self._a = np.sqrt(1 + np.maximum(-tail, 0.0))
        self._b = np.sqrt(self._a**2 + tail)

    def _kernel(self, s: ComplexArray, case: IntArray) -> ComplexArray:
        """F; s and case one-dimensional."""
        return self.section.kernel(radial_wavenumber(s, self.k[case]))

    def _reduced_kernel(
        self, s: ComplexArray, case: IntArray, gamma: ComplexArray, kernel: ComplexArray
    ) -> ComplexArray:
        """F with the zeros near the origin and its behaviour far away divided out, from gamma and F itself."""
        pinched = self._pinched[case]
        near = pinched & (np.abs(gamma) <= 2 * (self._alpha[case] + 1))
        value = kernel.copy()
        far = np.flatnonzero(pinched & ~near)
        value[far] /= s[far] ** 2 - self._kappa[case[far]] ** 2
        if np.any(near):
            z = gamma[near]  # s^2 - kappa^2 = -(gamma^2 - alpha^2)
            growth = np.exp(np.abs(z.imag) + 1j * z)
            slope = self.section.slope_quotient(z, self._alpha[case[near]])
            value[near] = -np.pi * z * slope * hankel_pair(self.section.m, z)[1] * growth
        value[pinched] *= s[pinched] ** 2 + self._scale[case[pinched]] ** 2
        square = s**2
        return value * ((square + self._a[case] ** 2) / (square + self._b[case] ** 2))

    @staticmethod
    def _unwrap(values: ComplexArray) -> ComplexArray:
        """Logarithm along every line, continuous from infinity (where it vanishes) inwards."""
        phase = np.angle(values)
        with quiet():
            steps = np.angle(values[:, :-1] / values[:, 1:])
        if not np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
            raise ConvergenceError("the kernel's phase jumps along the factorisation line")
        phase[:, :-1] = phase[:, -1:] + np.cumsum(steps[:, ::-1], axis=1)[:, ::-1]
        return np.log(np.abs(values)) + 1j * phase

    def log_plus(self, s: ComplexArray, kernel: ComplexArray | None = None) -> tuple[ComplexArray, FloatArray]:
        """ln F_plus at s, and its error estimate.

        Parameters
        ----------
        s : (...) or (case, ...) complex array
            Any points off the cuts; accurate in |s| < 1e9.
        kernel : complex array of that shape, optional
            F there, if it is known.

        Returns
        -------
        value : complex array, shape of s
        error : float array, shape of s
            Of the value, absolute. Halving the step squares the error of the exponentially convergent rule; we report
            the 3/2th power of the difference to twice the step, between the coarse rule's error and its square, and
            the rounding.
        """
        s = np.asarray(s, dtype=complex)
        shape = len(self.k), -1
        value, error = self._log_plus(s.reshape(shape), None if kernel is None else kernel.reshape(shape))
        return value.reshape(s.shape), error.reshape(s.shape)

    def _log_plus(self, s: ComplexArray, kernel: ComplexArray | None) -> tuple[ComplexArray, FloatArray]:
        scale = self._scale[:, None]
        rotated = s * np.exp(1j * _ANGLE)  # the lines are now the real axis
        near = (np.abs(rotated.imag) < np.sin(_NEAR) * np.abs(rotated)) | (np.abs(s) < _CORE * scale)
        below = ~near & (rotated.imag < 0)
        target = np.where(below, -s, s)
        value, error = self._integrate_far(np.where(near, scale, target))  # where near, in place of what follows
        case = np.broadcast_to(np.arange(len(self.k))[:, None], s.shape)
        if kernel is None:
            kernel, needed = np.empty_like(s), near | below
            kernel[needed] = self._kernel(s[needed], case[needed])
        if np.any(near):
            value[near], error[near] = self._integrate_beside(s[near], case[near], kernel[near])
        kappa = self._kappa[:, None]
        pinched = np.log((target + kappa) / (target + 1j * scale))
        value += np.where(self._pinched[:, None], pinched, 0.0)
        value += np.log((target + 1j * self._b[:, None]) / (target + 1j * self._a[:, None]))
        if np.any(below):  # F_plus = F / F_minus
            value[below] = np.log(kernel[below]) - value[below]
        return value, error

    def _integrate_far(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        # On the line u^2 = -i a, a > 0: with b = i s^2 the sum is i sum_j moment_j / (a_j - b), here in real numbers.
        # Moments of the rule and of that with twice the step, for one pass over the nodes.
        moments = self._log_line * self._weight
        moments = np.stack([moments, np.where(np.arange(moments.shape[1]) % 2, 0, 2 * moments)], axis=2).view(float)
        b = 1j * s**2
        sums = np.empty((*s.shape, 2), complex)
        square = np.abs(self._u[:, None, :]) ** 2
        points = max(1, _BLOCK // square.size)
        for start in range(0, s.shape[1], points):
            part = b[:, start : start + points, None]
            real = square - part.real
            inverse = real**2
            inverse += part.imag**2
            np.divide(1.0, inverse, out=inverse)
            real *= inverse
            sums[:, start : start + points] = (real @ moments).view(complex)
            sums[:, start : start + points] += (1j * part.imag) * (inverse @ moments).view(complex)
        fine, coarse = np.moveaxis(2j * s[..., None] * sums, -1, 0)
        return fine, self._estimate(s, fine, coarse, self._rounding[:, None], self._scale[:, None])

    @staticmethod
    def _estimate(
        s: ComplexArray, fine: ComplexArray, coarse: ComplexArray, rounding: FloatArray, scale: FloatArray
    ) -> FloatArray:
        # The nodes next to the origin weigh step / 4 pi = 0.006 scale / s.
        return np.abs(fine - coarse) ** 1.5 + rounding * (1 + 0.01 * scale / np.abs(s))

    def _integrate_beside(
        self, s: ComplexArray, case: IntArray, kernel: ComplexArray
    ) -> tuple[ComplexArray, FloatArray]:
        """The integral on either side of the line, its pole at u = s removed by subtraction.

        ln F(s) (s^2 + q^2) / (u^2 + q^2) is subtracted; its own integral is (1 + i s/q) / 2 ln F(s), above and below
        the line alike once F_plus = F / F_minus is used below. q on the line keeps the new poles, +-iq, a right angle
        away from it.
        """
        # ln F_plus - (ln F) / 2 is odd: next to s = 0, where the difference loses its digits, it is linear.
        scale = self._scale[case]
        central = np.abs(s) < _TINY * scale
        away, there = np.where(central, _TINY * scale, s), kernel.copy()
        there[central] = self._kernel(away[central], case[central])
        log_away = self._log_reduced(away, case, there)
        q = np.exp(-1j * _ANGLE) * np.hypot(np.abs(away), scale)
        u2, s2, q2 = self._u[case] ** 2, (away**2)[:, None], (q**2)[:, None]
        integrand = (self._log_line[case] - log_away[:, None] * ((s2 + q2) / (u2 + q2))) * self._weight[case]
        integrand *= 2 * away[:, None] / (u2 - s2)
        odd, coarse = integrand.sum(axis=1), 2 * integrand[:, ::2].sum(axis=1)
        error = self._estimate(away, odd, coarse, self._rounding[case], scale)
        odd += 0.5j * away / q * log_away
        log_away[central] = self._log_reduced(s[central], case[central], kernel[central])
        return 0.5 * log_away + odd * s / away, error

    def _log_reduced(self, s: ComplexArray, case: IntArray, kernel: ComplexArray) -> ComplexArray:
        """ln of the reduced F beside the line, on the branch that is continuous with it."""
        value = self._reduced_kernel(s, case, radial_wavenumber(s, self.k[case]), kernel)
        position = np.arcsinh(np.abs(s) / self._scale[case]) / STEP
        left = np.minimum(position.astype(int), len(self._y) - 2)
        phase = self._log_line.imag[case, left]
        phase = phase + (position - left) * (self._log_line.imag[case, left + 1] - phase)
        wrapped = np.angle(value)
        return np.log(np.abs(value)) + 1j * (wrapped + 2 * np.pi * np.round((phase - wrapped) / (2 * np.pi)))

    def plus(self, s: ComplexArray, kernel: ComplexArray | None = None) -> tuple[ComplexArray, FloatArray]:
        """W_plus at s and the error estimate of its logarithm; as for `log_plus`."""
        log_plus, error = self.log_plus(s, kernel)
        k = self.k[0] if self._single else self.k.reshape(-1, *[1] * (np.ndim(s) - 1))
        return np.exp(0.25j * np.pi + log_plus) / root(k + s), error


def plus_factor(m: int, helmholtz: npt.ArrayLike, theta: npt.ArrayLike) -> tuple[ComplexArray, FloatArray]:
    r"""Factor F_plus(-K cos(theta)) of the kernel F = pi gamma J_m'(gamma) H_m'(gamma), K = helmholtz, no flow.

    The only part of the solution without a closed form. In a uniform flow K = ka / sqrt(1 - M^2).

    Parameters
    ----------
    m : int
        Azimuthal order; its sign does not matter.
    helmholtz : (case,) float array, > 0
    theta : (angle,) float array
        In (0, pi) [rad].

    Returns
    -------
    value : (case, angle) complex array
    error : (case, angle) float array
        Estimate, relative.

    Raises
    ------
    ValueError
        There is no Helmholtz number or one outside [1e-20, 1e4], an angle outside (0, pi), or two dimensions.
    ConvergenceError
        See `Factorisation`.
    """
    k, theta = np.atleast_1d(check_helmholtz_array(helmholtz)), np.atleast_1d(check_angles(theta))
    if k.ndim != 1 or theta.ndim != 1 or not k.size:
        raise ValueError(f"helmholtz and theta must be one-dimensional, got the shapes {k.shape} and {theta.shape}")
    check_reduced(k, 0.0)
    if not np.all((theta > 0) & (theta < np.pi)):
        raise ValueError(f"theta must lie in (0, pi) rad, got {theta}")
    section = Section(abs(check_order(m)))
    with quiet():
        value, error = _plus(section, k, theta)
    check_finite(value, "the factor", f"m={section.m}, helmholtz={k.tolist()}")
    return value, error


def _plus(section: Section, k: FloatArray, theta: FloatArray) -> tuple[ComplexArray, FloatArray]:
    """`plus_factor` of checked arguments."""
    s = -k[:, None] * np.cos(theta)
    factors = Factorisation(section, k)
    log_plus, error = factors.log_plus(np.abs(s) + 0j)  # above the line, where it is accurate
    kernel = section.kernel((k[:, None] * np.sin(theta)).astype(complex).ravel()).reshape(s.shape)
    value = np.exp(log_plus)
    behind = s < 0
    error = error + np.where(behind, factors._rounding[:, None] / np.abs(np.where(behind, kernel, 1.0)), 0.0)
    return np.where(behind, kernel / value, value), error
