r"""Factorisation W = W_plus W_minus of the kernel without flow or in uniform flow, W_minus(s) = W_plus(-s).

W(s) = pi i S'(gamma) H_m'(gamma) with gamma = sqrt(K^2 - s^2) and the duct's radial function S (J_m without a hub); F =
-i gamma W. W_plus = e^{i pi/4} F_plus / sqrt(K + s) is regular and not zero above the factorisation line u = c e^{-i
theta} sinh y, and

    ln F_plus(s) = (1 / 2 pi i) \int_0^\infty ln F(u) 2 s / (u^2 - s^2) du,

where the trapezoidal rule in y converges exponentially. Zeros of F that come close to the origin, where the line
passes between +kappa and -kappa, are divided out and put back in closed form.
"""

import numpy as np

from .errors import ConvergenceError
from .kernel import hankel_pair, radial_wavenumber, root

_ANGLE = np.pi / 4  # tilt of the line: half-way between the real and the imaginary zeros
_SCALE = 0.25  # of the line's bend at the origin: well within the distance to the branch points
_STEP = 0.08  # of the trapezoidal rule; every other node alone leaves about 1e-7
_END = 1e8  # |u| / (m + 1) where ln F, which falls like (m / u)^2, is lost in rounding
_NEAR = 0.35  # angle to the line [rad] below which ln F(s) is subtracted from the integrand,
_CORE = 2.0  # as it is for |s| below so many line scales
_TINY = 1e-4  # |s| in line scales below which the odd part of ln F_plus is linear to the last digits
_PAIRS = 2.0  # zeros within this many line scales of the origin are divided out
_LARGEST_PHASE_STEP = 1.5  # of ln F between neighbours [rad]; more, and its branch is not certain


class Factorisation:
    """Factors of a duct's kernel at the transformed Helmholtz number K = ka / sqrt(1 - M^2).

    Parameters
    ----------
    section : Section
    k : float
        K > 0.

    Raises
    ------
    ConvergenceError
        The phase of the kernel could not be followed along the line.
    """

    def __init__(self, section, k):
        self.section, self.m, self.k = section, section.m, k
        self._scale = _SCALE * min(k, 1.0)
        y = np.arange(0.0, np.arcsinh(_END * (self.m + 1) / self._scale), _STEP)
        direction = self._scale * np.exp(-1j * _ANGLE)
        self._y, self._u = y, direction * np.sinh(y)
        weight = direction * np.cosh(y) * _STEP / (2j * np.pi)
        weight[0] /= 2  # the integrand is even: half of its trapezoidal rule over the whole line
        self._zero = self._zero_near_origin()
        self._log_line = self._unwrap(self._reduced_kernel(self._u))
        self._weight = weight
        # The phases of the Bessel functions keep eps |gamma|, and gamma = K at the origin.
        self._rounding = 20 * np.finfo(float).eps * (1 + self.m + k / 4)

    def _zero_near_origin(self):
        """(alpha, kappa) of the duct mode next to its cut-on, if there is one; there is room for one only."""
        alpha = self.section.eigenvalues(int(self.k / np.pi) + 3)
        alpha = alpha[np.argmin(np.abs(alpha - self.k))]
        kappa = np.sqrt((self.k - alpha) * (self.k + alpha) + 0j)
        return (alpha, kappa) if np.abs(kappa) < _PAIRS * self._scale else None

    def _reduced_kernel(self, s):
        """F with the zeros near the origin divided out."""
        gamma = radial_wavenumber(s, self.k)
        if self._zero is None:
            return self.section.kernel(gamma)
        alpha, kappa = self._zero
        far = np.abs(gamma) > 2 * (alpha + 1)
        value = np.empty_like(gamma)
        value[far] = self.section.kernel(gamma[far]) / (s[far] ** 2 - kappa**2)
        z = gamma[~far]  # s^2 - kappa^2 = -(gamma^2 - alpha^2)
        growth = np.exp(np.abs(z.imag) + 1j * z)
        value[~far] = -np.pi * z * self.section.slope_quotient(z, alpha) * hankel_pair(self.m, z)[1] * growth
        return value * (s**2 + self._scale**2)

    @staticmethod
    def _unwrap(values):
        """Logarithm along the line, continuous from infinity (where it vanishes) inwards."""
        phase = np.angle(values)
        steps = np.angle(values[:-1] / values[1:])
        if not np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
            raise ConvergenceError("the kernel's phase jumps along the factorisation line")
        phase = phase[-1] + np.append(np.cumsum(steps[::-1])[::-1], 0.0)
        return np.log(np.abs(values)) + 1j * phase

    def log_plus(self, s):
        """ln F_plus at s, and its error estimate.

        Parameters
        ----------
        s : (...) complex array
            Any points off the cuts; accurate in |s| < 1e9.

        Returns
        -------
        value : (...) complex array
        error : (...) float array
            Of the value, absolute. Halving the step squares the error of the exponentially convergent rule; we report
            the 3/2th power of the difference to twice the step, between the coarse rule's error and its square, and
            the rounding.
        """
        s = np.asarray(s, dtype=complex)
        value, error = self._log_plus(s.ravel())
        return value.reshape(s.shape), error.reshape(s.shape)

    def _log_plus(self, s):
        rotated = s * np.exp(1j * _ANGLE)  # the line is now the real axis
        near = (np.abs(rotated.imag) < np.sin(_NEAR) * np.abs(rotated)) | (np.abs(s) < _CORE * self._scale)
        below = ~near & (rotated.imag < 0)
        target = np.where(below, -s, s)
        value = np.empty_like(s)
        error = np.empty(s.shape)
        far = ~near
        value[far], error[far] = self._integrate_far(target[far])
        if np.any(near):
            value[near], error[near] = self._integrate_beside(s[near], rotated[near])
        if self._zero is not None:
            value += np.log((target + self._zero[1]) / (target + 1j * self._scale))
        if np.any(below):  # F_plus = F / F_minus
            value[below] = np.log(self.section.kernel(radial_wavenumber(s[below], self.k))) - value[below]
        return value, error

    def _integrate_beside(self, s, rotated):
        """The integral on either side of the line, its pole at u = s removed by subtraction.

        ln F(s) (s^2 + q^2) / (u^2 + q^2) is subtracted; its own integral is (1 + i s/q) / 2 ln F(s), above and below
        the line alike once F_plus = F / F_minus is used below. q on the line keeps the new poles, +-iq, a right angle
        away from it.
        """
        # ln F_plus - (ln F) / 2 is odd: next to s = 0, where the difference loses its digits, it is linear.
        away = np.where(np.abs(s) < _TINY * self._scale, _TINY * self._scale, s)
        log_away = self._log_reduced(away, away * np.exp(1j * _ANGLE))
        q = np.exp(-1j * _ANGLE) * np.hypot(np.abs(away), self._scale)
        odd, error = self._integrate(away, log_away, q)
        odd += 0.5j * away / q * log_away
        return 0.5 * self._log_reduced(s, rotated) + odd * s / away, error

    def _integrate_far(self, s):
        # Weights of the rule and of that with twice the step, for one pass over the nodes.
        moments = self._log_line * self._weight
        coarse = np.where(np.arange(len(moments)) % 2, 0, 2 * moments)
        sums = (1 / (self._u**2 - (s**2)[:, None])) @ np.array([moments, coarse]).T
        fine, coarse = 2 * s * sums[:, 0], 2 * s * sums[:, 1]
        return fine, self._estimate(s, fine, coarse)

    def _estimate(self, s, fine, coarse):
        rounding = self._rounding * (1 + 0.01 * self._scale / np.abs(s))  # the nodes next to the origin weigh 1/s
        return np.abs(fine - coarse) ** 1.5 + rounding

    def _integrate(self, s, log_here, q):
        u2, s2, q2 = self._u[:, None] ** 2, s**2, q**2
        integrand = (self._log_line[:, None] - log_here * ((s2 + q2) / (u2 + q2))) * (2 * s / (u2 - s2))
        integrand *= self._weight[:, None]
        fine = integrand.sum(axis=0)
        coarse = 2 * integrand[::2].sum(axis=0)
        return fine, self._estimate(s, fine, coarse)

    def _log_reduced(self, s, rotated):
        """ln of the reduced F beside the line, on the branch that is continuous with it."""
        value = self._reduced_kernel(s)
        y = np.arcsinh(np.abs(rotated) / self._scale)
        phase = np.interp(y, self._y, self._log_line.imag)
        wrapped = np.angle(value)
        return np.log(np.abs(value)) + 1j * (wrapped + 2 * np.pi * np.round((phase - wrapped) / (2 * np.pi)))

    def plus(self, s):
        """W_plus at s and the error estimate of its logarithm."""
        log_plus, error = self.log_plus(s)
        return np.exp(0.25j * np.pi + log_plus) / root(self.k + s), error
