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
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..bessel import hankel_pair
from ..errors import ConvergenceError
from ..near_field import Factor, NearField, Waves
from ..section import beside
from ..sheet import Sheet, upper
from ..sheet_factors import SheetFactors
from ..wavenumbers import root
from .uniform import Power

_EPS = np.finfo(float).eps
_NODES = 24  # of a circle around a pole
_LARGEST_CIRCLE = 0.5  # radius of one in a field, where exp(-i s x) varies along it
_TOGETHER = 1e-3  # distance, over their size, below which two poles share a circle
_TRAPPED = 1e-9  # imaginary part, over k, of a wave that does not leave the jet
_BEAM = 0.3  # imaginary part, over k, of a mode that leaks in a beam
_HALVINGS = 6  # of the step of the power's quadrature
_AXIS = 1e-6  # angle to the downstream axis [rad] below which D is that at this angle
# Angles at which the path for x < 0 may leave to the right and to the left [rad].
_ARMS = tuple((right, left) for right in (0.25 * np.pi, 0.12 * np.pi, 0.36 * np.pi) for left in (0.36, 0.7))


@dataclass(frozen=True)
class Jet:
    """The duct's stream goes on as a jet, behind a vortex sheet at r = 1, in another fluid or flow.

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
    Streams that are alike (mach_outer = mach of the duct, both ratios 1) are a uniform flow with the wake of the lip.

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

    def __post_init__(self):
        if not 0 <= self.mach_outer < 1:
            raise ValueError(f"the outer Mach number must lie in [0, 1), got mach_outer={self.mach_outer}")
        for name in ("sound_speed_ratio", "density_ratio"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {name}={getattr(self, name)}")
        if not 0 <= self.kutta <= 1:
            raise ValueError(f"the Kutta parameter must lie in [0, 1], got kutta={self.kutta}")


class JetSolution(NearField):
    """Everything about the sound of one source in a duct with a jet; the same interface as `Solution`.

    Attributes
    ----------
    source : DuctMode or ModeMixture
    jet : Jet
    tolerance : float
    instability : (...) complex array
        Axial wavenumbers -s_0 and -s_0* of the Kelvin–Helmholtz waves exp(-i s_0 x): the growing one and, if it is on
        the physical sheet, the decaying one.
    """

    def __init__(self, source, jet, tolerance):
        self.source, self.jet, self.tolerance = source, jet, tolerance
        self._m = abs(int(source.m))
        self._sheet = sheet = Sheet(
            self._m,
            source.helmholtz,
            source.mach,
            jet.mach_outer,
            jet.sound_speed_ratio,
            jet.density_ratio,
            source.hub,
        )
        self._factors = SheetFactors(sheet)
        self.instability = -self._factors.instability
        self._amplitudes = np.asarray(source.amplitudes, dtype=complex)
        count = max(sheet.reach(), len(self._amplitudes)) + 1
        alpha = sheet.section.eigenvalues(count)
        self._alpha, self._norm = alpha, sheet.section.norm(alpha)
        self._down, self._up = sheet.modes(alpha, 1), sheet.modes(alpha, -1)
        self._wave = sheet.beta2 * (self._up - sheet.centre)  # sqrt(k^2 - beta^2 alpha^2)
        self._cut_on = self._wave.imag == 0
        self._reported = max(int(np.count_nonzero(self._cut_on)), len(self._amplitudes)) + 1
        # The square root loses the digits that k and beta alpha share.
        cut_on = alpha * math.sqrt(sheet.beta2)
        self._cancellation = float(2 * _EPS * sheet.k / np.min(np.abs(sheet.k - cut_on)))
        self._set_strength()
        # The outer stream's branch points are shift -+ k / beta.
        self._beta = sheet.beta_outer
        self._k = sheet.k_outer / self._beta
        self._shift = self._k * jet.mach_outer / self._beta
        self._arms = _ARMS
        known = [self._factors.instability, self._factors.downstream, self._source_poles]
        below = self._scaled(np.concatenate(known))
        self._poles = np.concatenate([self._scaled(self._up), below, -below])
        self._require(self.error_estimate, "the factorisation")

    def _set_strength(self):
        """a_n N_1(s_n) / K_minus(s_n) of the incident amplitudes, and what they reflect."""
        live, sheet = np.flatnonzero(self._amplitudes), self._sheet
        minus, error = self._factors.minus(self._down[live])
        self._strength = -self._amplitudes[live] * sheet.inner(self._down[live])[0] / minus
        self._source_poles = self._down[live]
        eta, eta_error = self._displacement(self._up)
        self._reflected = sheet.inner(self._up)[0] * eta / (2 * self._norm * self._wave)
        self._error = float(np.max(error) + np.max(eta_error[: self._reported]))

    def _scaled(self, s):
        """The variable of the contour, whose branch points are -k and k."""
        return (s - self._shift) * self._beta

    def _require(self, error, what):
        if not error <= self.tolerance:
            raise ConvergenceError(
                f"the error estimate of {what}, {error:.1e}, is above {self.tolerance:.1e} for {self.source} with "
                f"{self.jet}"
            )

    def _displacement(self, s):
        """eta_plus at s and its relative error; regular at the poles of T, which the poles of K_plus cancel."""
        s = np.asarray(s, dtype=complex)
        flat = s.ravel()
        gap = np.abs(flat[:, None] - self._source_poles)
        nearest = np.argmin(gap, axis=1)
        close = gap[np.arange(len(flat)), nearest] < 1e-4 * self._sheet.k
        value, error = np.empty_like(flat), np.empty(flat.shape)
        value[~close], error[~close] = self._quotient(flat[~close])
        if np.any(close):
            poles = self._source_poles[nearest[close]]
            value[close] = beside(lambda z: self._quotient(z)[0], flat[close], poles, 1e-3 * self._sheet.k)
            error[close] = self._quotient(poles + 1e-3 * self._sheet.k)[1]
        return value.reshape(s.shape), error.reshape(s.shape)

    def _quotient(self, s):
        plus, error = self._factors.plus(s)
        free = (1 - self.jet.kutta) / (self._factors.instability[0] - self._source_poles)
        return (1 / (s[..., None] - self._source_poles) - free) @ self._strength / plus, error

    # Reflection

    @property
    def error_estimate(self):
        """Relative error estimate of the reflection coefficients: the difference between two lines of integration."""
        return self._error + self._cancellation + 4 * _EPS

    @property
    def reflection(self):
        """Reflected potential amplitudes of the radial orders 0, 1, ... at the wall, x = 0: complex (order,).

        For a DuctMode the reflection coefficients. With a jet their modulus may exceed one.
        """
        return self._reflected[: self._reported]

    @property
    def reflection_pressure(self):
        """As `reflection`, with the pressures: each incident amplitude counts by its own pressure.

        Raises
        ------
        ValueError
            Several modes are incident.
        """
        live = np.flatnonzero(self._amplitudes)
        if len(live) > 1:
            raise ValueError("pressure reflection coefficients with a jet need one incident mode")
        inner = self._sheet.inner
        return self.reflection * inner(self._up[: self._reported])[0] / inner(self._source_poles)[0]

    @property
    def end_correction(self):
        """End correction l of the plane wave [radii], R = -|R| exp(2 i ka l / (1 - M^2)); None for other sources.

        From the phase between -pi and pi: for frequencies up to which |2 ka l| < pi (1 - M^2).
        """
        if self._m or len(self._amplitudes) > 1:
            return None
        return float(np.angle(-self._reflected[0]) * self._sheet.beta2 / (2 * self.source.helmholtz))

    # Far field and power

    def directivity(self, theta):
        """Directivity D: phi -> D(theta) exp(i K rho) / rho far away in the outer stream.

        Parameters
        ----------
        theta : (...) float array
            Polar angle in the (X, r) plane, X = x / sqrt(1 - M^2) with the outer stream's M [rad], 0 downstream.

        Returns
        -------
        (...) complex array
            D [-], relative error below the solution's tolerance. D vanishes on the downstream axis.

        Raises
        ------
        ValueError
            An angle outside [0, pi].
        ConvergenceError
            The two lines of integration disagree.
        """
        theta = np.asarray(theta, dtype=float)
        if not np.all((theta >= 0) & (theta <= np.pi)):
            raise ValueError(f"theta must lie in [0, pi] rad, got {theta}")
        off_axis = np.maximum(theta, _AXIS)
        s = self._sheet.left + 2 * self._k / self._beta * np.sin(off_axis / 2) ** 2 + 0j
        gamma = self._k * np.sin(off_axis) + 0j
        eta, error = self._displacement(s)
        self._require(float(np.max(error, initial=0.0)), "the directivity")
        with np.errstate(over="ignore", invalid="ignore"):
            slope = gamma * hankel_pair(self._m, gamma)[1] * np.exp(1j * gamma)
        finite = np.isfinite(slope)  # else H_m' overflows, and D vanishes
        spectrum = np.where(finite, -1j * self._sheet.outer(s)[0] * eta / np.where(finite, slope, 1.0), 0.0)
        return (-1j) ** (self._m + 1) / (np.pi * self._beta) * spectrum

    @cached_property
    def power(self):
        """Power balance, see `Power`, over sqrt(1 - M^2) of the duct's stream."""
        count = self._reported
        incident = np.zeros(count, complex)
        incident[: len(self._amplitudes)] = self._amplitudes
        reflected, cut_on = self.reflection, self._cut_on[:count]
        scale = self._power_unit
        flux = scale * np.abs(self._wave[:count]) * self._norm[:count]
        into = float(np.sum((flux * np.abs(incident) ** 2)[cut_on]))
        back = float(np.sum((flux * np.abs(reflected) ** 2)[cut_on]))
        evanescent = float(np.sum((2 * flux * (incident.conj() * reflected).imag)[~cut_on]))
        radiated, vortical = self._radiated(), scale * self._vortical()
        residual = (into + evanescent - back - radiated - vortical) / float(np.sum(flux * np.abs(incident) ** 2))
        return Power(into, back, evanescent, radiated, vortical, residual)

    @property
    def _power_unit(self):
        return 1 / math.sqrt(self._sheet.beta2)

    @property
    def _power_scale(self):
        """Radiated power over the integral of |D|^2 sin(theta): density k_2 in that unit."""
        return self._power_unit * self._sheet.density * self._sheet.k_outer

    def _radiated(self):
        """Power of the far field: the integral of |D|^2 sin(theta).

        By the double-exponential rule between the angles at which leaking modes of the jet radiate, in narrow beams.
        """
        zeros = self._scaled(self._factors.downstream) / self._k
        beams = zeros[(np.abs(zeros.imag) < _BEAM) & (np.abs(zeros.real) < 1)]
        edges = np.unique(np.concatenate([[0.0, np.pi], np.arccos(-beams.real)]))
        low, width = edges[:-1, None], np.diff(edges)[:, None]
        step, last = 0.1, np.inf
        for _ in range(_HALVINGS):
            t = np.arange(-3.2, 3.2 + step, step)
            q = np.pi / 2 * np.sinh(t)
            theta = np.minimum(low + width / (1 + np.exp(-2 * q)), np.pi)
            jacobian = np.pi / 2 * np.cosh(t) * width / 2 / np.cosh(q) ** 2
            terms = np.abs(self.directivity(theta)) ** 2 * np.sin(theta) * jacobian * step
            value = self._power_scale * float(terms.sum())
            if abs(value - last) <= 1e-2 * self.tolerance * value:
                return value
            step, last = step / 2, value
        raise ConvergenceError(f"the radiated power of {self.source} with {self.jet} did not converge")

    def _vortical(self):
        r"""Power of the sheet: (i / 4 pi) \oint K eta_plus(s) conj(eta_plus(conj s)) ds around its neutral pairs.

        Growing and decaying waves carry power together only, as do neutral ones by themselves.
        """
        zeros = self._factors.downstream
        sheet = self._sheet
        real = np.abs(zeros.imag) < _TRAPPED * sheet.k
        outside = (zeros.real < sheet.left) | (zeros.real > sheet.right)
        total = 0.0
        for group, radius in self._groups(np.concatenate([self._factors.instability, zeros[real & outside]])):
            nodes, weight = _circle(group, radius)
            integrand = sheet.kernel(nodes) * self._displacement(nodes)[0] * self._displacement(nodes.conj())[0].conj()
            total += float(np.sum(integrand * weight * 0.25j / np.pi).real)
        return total

    def _groups(self, zeros, largest=np.inf):
        """Centre and radius of circles around zeros, one around two that are close, that are clear of all else.

        Of the mirror images in the real axis, too.
        """
        sheet = self._sheet
        known = np.concatenate([self._factors.instability, self._factors.downstream])
        singular = np.concatenate([self._down, self._up])
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
            room = 0.3 * min(float(np.min(np.abs(others - centre))), cut)
            reach = float(np.max(np.abs(zeros[together] - centre)))
            groups.append((centre, max(min(room, largest), 4 * reach)))
        return groups

    # Near field, see `NearField`

    def _fluid(self, inside):
        k, jet = self.source.helmholtz, self.jet
        return (1.0, k, self.source.mach) if inside else (jet.density_ratio, k, jet.mach_outer * jet.sound_speed_ratio)

    @staticmethod
    def _spectra(solutions, paths):
        return [_JetSpectra(solution, path) for solution, path in zip(solutions, paths, strict=True)]


def _circle(centre, radius):
    """Nodes and weights ds of a circle, anticlockwise."""
    turn = np.exp(2j * np.pi * np.arange(_NODES) / _NODES)
    return centre + radius * turn, 2j * np.pi / _NODES * radius * turn


class _JetSpectra:
    """Waves of the sums inside and outside, from the path and from poles between it and the causal contour."""

    def __init__(self, solution, path):
        self._solution, self._path = solution, path
        self._kept = {}

    def waves(self, r, downstream):
        """The sheet's field, the jet's own modes, and the duct's, as lists of `Waves`."""
        path = self._path
        if downstream not in self._kept:
            nodes = -path.s if downstream else path.s
            self._check_winding(nodes, downstream)
            self._kept[downstream] = nodes, self._displace(nodes), self._poles(downstream)
        nodes, eta, (circles, circle_weight, circle_eta) = self._kept[downstream]
        waves = [self._waves(nodes, path.s, path.weight, eta, r, path.half)]
        if len(circles):
            waves.append(self._waves(circles, circles, circle_weight, circle_eta, r, 0))
        return [*waves, self._duct_modes(r, downstream)] if r[0] <= 1 else waves

    def _displace(self, nodes):
        return self._solution._displacement(self._physical(nodes))

    def _physical(self, nodes):
        return self._solution._shift + nodes / self._solution._beta

    def _check_winding(self, nodes, downstream):
        """Raise unless the known zeros and poles are all between the causal contour and the path."""
        solution = self._solution
        factors, sheet = solution._factors, solution._sheet
        s = self._physical(nodes)
        order = np.argsort(s.real)
        s = s[order]
        value = factors.plus(s)[0] * root(s - sheet.left) / factors.pair(s)
        turns = np.sum(np.angle(value[1:] / value[:-1])) / (2 * np.pi)
        zeros = np.count_nonzero(~self._below(factors.downstream, downstream))
        poles = np.concatenate([solution._down, sheet.resonances(-1)])
        missing = turns - zeros + np.count_nonzero(~self._below(poles, downstream))
        if not abs(missing) < 0.1:
            raise ConvergenceError(
                f"{missing:.2f} modes of the jet between the paths of integration are not known, for "
                f"{solution.source} with {solution.jet}"
            )

    def _below(self, s, downstream):
        """Whether s lies below the path used on that side."""
        scaled = self._solution._scaled(s)
        return ~self._path.below(-scaled) if downstream else self._path.below(scaled)

    def _poles(self, downstream):
        """Circles around the jet's modes that lie above the path, but belong below the causal contour."""
        solution = self._solution
        factors = solution._factors
        instability, rest = factors.instability, factors.downstream
        above = np.concatenate([instability, rest[~self._below(rest, downstream)]])
        circles, weights = [], []
        for centre, radius in solution._groups(above, _LARGEST_CIRCLE):
            growing = abs(centre - instability[0]) <= radius
            swept = not self._below(centre, downstream)
            # Clockwise for a swept pole; the instability is left out by counting the other way.
            sign = -1.0 * swept
            if growing and downstream and not solution.jet.instability:
                sign += 1.0
            if sign:
                nodes, weight = _circle(centre, radius)
                circles.append(solution._scaled(nodes))
                weights.append(sign * weight * solution._beta)
        if not circles:
            return np.empty(0, complex), np.empty(0, complex), None
        nodes = np.concatenate(circles)
        return nodes, np.concatenate(weights), self._displace(nodes)

    def _waves(self, nodes, named, weight, eta, r, half):
        """nodes : of the sum; named : as `Waves.s` has them, which for x > 0 are the path's mirror images."""
        solution, (eta, error) = self._solution, eta
        lip = np.count_nonzero(r <= 1)
        values = np.empty((3, len(r), len(nodes)), complex)
        values[:2, :lip] = self._radial(nodes, r[:lip], True)
        values[:2, lip:] = self._radial(nodes, r[lip:], False)
        np.multiply(values[0], -1j / solution._beta * named, out=values[2])
        coefficient = -1j * eta * weight / (2 * np.pi * solution._beta)
        return Waves(named, Factor(values), coefficient, error + solution._cancellation + 20 * _EPS, half)

    def _radial(self, nodes, r, inside):
        """Potential and r-derivative (2, r, node) of waves on a stream whose boundary r = 1 is displaced by i."""
        sheet, s = self._solution._sheet, self._physical(nodes)
        if inside:
            speed, gamma = sheet.inner(s)
            gamma = upper(gamma)
            wall = sheet.section.wall(gamma)[1]
        else:
            speed, gamma = sheet.outer(s)
            wall = hankel_pair(self._solution._m, gamma)[1]
        return sheet.section.waves(gamma, r, wall, inside=inside) * (speed / gamma)

    def _duct_modes(self, r, downstream):
        """Incident and reflected duct modes that are not in the integral: those below the path."""
        solution = self._solution
        incident = np.zeros(len(solution._alpha), complex)
        incident[: len(solution._amplitudes)] = solution._amplitudes
        s = np.concatenate([solution._down, solution._up])
        amplitude = np.where(self._below(s, downstream), np.concatenate([incident, solution._reflected]), 0)
        live = np.flatnonzero(amplitude)
        lip = np.count_nonzero(r <= 1)
        values = np.zeros((3, len(r), len(live)), complex)
        values[:2, :lip] = solution._sheet.section.modes(np.tile(solution._alpha, 2)[live], r[:lip])
        nodes = solution._scaled(s[live])
        np.multiply(values[0], -1j / solution._beta * nodes, out=values[2])
        error = np.full(len(live), 20 * _EPS + solution.error_estimate)
        return Waves(nodes, Factor(values), amplitude[live], error)
