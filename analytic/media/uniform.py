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

import copy
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..bessel import hankel_pair
from ..errors import ConvergenceError
from ..factorisation import Factorisation
from ..near_field import Factor, Field, NearField, Waves, grid_fields
from ..section import Section
from ..source import DuctMode, ModeMixture
from ..wavenumbers import radial_wavenumber

_REFINEMENTS = 4  # times the step of the power's quadrature may be halved
_EPS = np.finfo(float).eps
_EVANESCENT = 4  # duct modes beyond those cut on, of which a path keeps clear


@dataclass(frozen=True)
class Power:
    """Sound power of phi through the duct's cross-section and the far field, per azimuthal angle.

    Attributes
    ----------
    incident, reflected : float
        Of the cut-on modes, sum kappa N |amplitude|^2, N = (1 - m^2/alpha^2) / 2 without a hub.
    evanescent : float
        Carried outwards by cut-off modes that are incident and reflected together.
    radiated : float
        K times the integral of |D|^2 sin(theta).
    vortical : float
        Carried downstream along a jet by its instability and by waves trapped in it; 0 without a jet.
    residual : float
        incident + evanescent - reflected - radiated - vortical, over sum |kappa| N |amplitude|^2 of all incident modes.
    """

    incident: float
    reflected: float
    evanescent: float
    radiated: float
    vortical: float
    residual: float


class Solution(NearField):
    """What `solve` returns: everything about the sound of one source.

    Attributes
    ----------
    source : DuctMode or ModeMixture
    tolerance : float
    """

    def __init__(self, source, tolerance):
        self._describe(source, tolerance)
        self._factors = Factorisation(self._section, self._k)
        self._complete(*self._factors.plus(self._kappa))

    @classmethod
    def several(cls, sources, tolerance):
        """Solutions for DuctModes or ModeMixtures of one azimuthal order and hub, whose factorisations are one call."""
        solutions = [cls.__new__(cls) for _ in sources]
        for solution, source in zip(solutions, sources, strict=True):
            solution._describe(source, tolerance)
        factors = Factorisation(solutions[0]._section, np.array([solution._k for solution in solutions]))
        sizes = [len(solution._kappa) for solution in solutions]
        rows = _rows(sizes)
        plus, error = factors.plus(np.concatenate([solution._kappa for solution in solutions])[rows])
        for case, (solution, size) in enumerate(zip(solutions, sizes, strict=True)):
            solution._factors = factors.case(case)
            solution._complete(plus[case, :size], error[case, :size])
        return solutions

    def _describe(self, source, tolerance):
        """All but the factors."""
        self.source, self.tolerance = source, tolerance
        self._m = abs(int(source.m))
        self._section = Section(self._m, source.hub)
        self._amplitudes = np.asarray(source.amplitudes, dtype=complex)
        self._beta = math.sqrt((1 - source.mach) * (1 + source.mach))
        self._k = source.helmholtz / self._beta
        self._shift = source.mach * self._k / self._beta
        cut_on = np.count_nonzero(self._section.eigenvalues(int(self._k / np.pi) + 3) < self._k)
        alpha = self._section.eigenvalues(max(int(cut_on), len(self._amplitudes)) + 1)
        self._alpha = alpha
        near = self._section.eigenvalues(int(self._k / np.pi) + _EVANESCENT)
        self._poles = np.sqrt((self._k - near) * (self._k + near) + 0j)
        self._kappa = np.sqrt((self._k - alpha) * (self._k + alpha) + 0j)
        self._norm = self._section.norm(alpha)
        # kappa_n = sqrt(K^2 - alpha_n^2) loses the digits that K and alpha_n share.
        self._cancellation = float(2 * _EPS * self._k / np.min(np.abs(self._k - alpha)))

    def _complete(self, plus, error):
        """What follows from the factors W_plus at kappa."""
        self._plus, self._plus_error = plus, error
        self._set_strength()
        self._require(self.error_estimate, "the factorisation")

    def _set_strength(self):
        """(i/2) a_n (K + kappa_n) W_plus(kappa_n) of the incident amplitudes."""
        count = len(self._amplitudes)
        self._strength = 0.5j * self._amplitudes * (self._k + self._kappa[:count]) * self._plus[:count]
        self._plane_wave = self._strength[0] if self._m == 0 else 0.0

    def _require(self, error, what):
        if not error <= self.tolerance:
            raise ConvergenceError(
                f"the error estimate of {what}, {error:.1e}, is above {self.tolerance:.1e} for {self.source}"
            )

    # Reflection

    @property
    def error_estimate(self):
        """Relative error estimate of the reflection coefficients and the directivity."""
        return float(2 * np.max(self._plus_error) + self._cancellation + 4 * _EPS)

    @property
    def reflection_matrix(self):
        """Reflection coefficients of the potential, wall-normalised modes, at x = 0: array [reflected, incident].

        As many radial orders as are cut on or in the source, and one more.
        """
        kappa, half = self._kappa, (self._k + self._kappa) * self._plus
        return -np.outer(half / (4 * self._norm * kappa), half) / (kappa[:, None] + kappa)

    @property
    def reflection(self):
        """Reflected potential amplitudes of the radial orders 0, 1, ... at the wall, x = 0: complex (order,).

        For a DuctMode the reflection coefficients.
        """
        return self.reflection_matrix[:, : len(self._amplitudes)] @ self._amplitudes

    @property
    def reflection_pressure(self):
        """As `reflection`, with incident and reflected amplitudes of the pressure instead of the potential."""
        matrix = self.reflection_matrix
        upstream, downstream = self._pressure_factor(-1), self._pressure_factor(1)
        count = len(self._amplitudes)
        return (upstream[:, None] * matrix / downstream)[:, :count] @ self._amplitudes

    def _pressure_factor(self, direction):
        """i (ka - M mu): pressure of a mode of unit potential."""
        mach = self.source.mach
        mu = direction * self._kappa / self._beta - mach * self._k / self._beta
        return 1j * (self.source.helmholtz - mach * mu)

    @property
    def end_correction(self):
        """End correction l of the plane wave [radii], R = -|R| exp(2 i ka l / (1 - M^2)); None for other sources."""
        if self._m or len(self._amplitudes) > 1:
            return None
        log_plus, _ = self._factors.log_plus(np.array([self._k + 0j]))
        return float((np.pi / 2 + 2 * log_plus[0].imag) * self._beta**2 / (2 * self.source.helmholtz))

    # Far field and power

    def directivity(self, theta):
        """Directivity D: phi -> D(theta) exp(i K rho) / rho far away.

        Parameters
        ----------
        theta : (...) float array
            Polar angle in the (X, r) plane [rad], 0 downstream, in [0, pi].

        Returns
        -------
        (...) complex array
            D [-], relative error `error_estimate`; beside a null of D relative to the lobe next to it.

        Raises
        ------
        ValueError
            An angle outside [0, pi].
        """
        theta = np.asarray(theta, dtype=float)
        if not np.all((theta >= 0) & (theta <= np.pi)):
            raise ValueError(f"theta must lie in [0, pi] rad, got {theta}")
        s = -self._k * np.cos(theta) + 0j
        gamma = self._k * np.sin(theta) + 0j
        back = s.real < 0  # use W_minus there: below the factorisation line, and free of the branch point -K
        safe = np.where(np.abs(gamma) < 1e-12 * self._k, 1.0, gamma)
        log_plus, error = self._factors.log_plus(np.where(back, -s, s))
        self._require(float(np.max(error, initial=0.0)), "the directivity")
        plus = np.exp(0.25j * np.pi + log_plus) / np.sqrt(self._k + np.abs(s))
        with np.errstate(over="ignore", invalid="ignore"):
            hankel = hankel_pair(self._m, safe)[1] * np.exp(1j * safe)
        front = np.where(np.isfinite(hankel), plus / (safe * np.where(np.isfinite(hankel), hankel, 1.0)), 0.0)
        behind = 1j * np.pi * self._sources_times_slope(s, safe) / (safe * plus)
        # gamma -> 0: gamma H_m' grows for m > 0, the wave vanishes on the axis; m = 0 has finite limits.
        axis = np.abs(gamma) < 1e-12 * self._k
        front = self._sources(np.where(back, -s, s)) * np.where(
            axis, plus * (np.pi / 2j if self._m == 0 else 0.0), front
        )
        limit = -0.5j * np.pi * (1 - self.source.hub**2) * self._plane_wave
        behind = np.where(axis, limit / plus if self._m == 0 else 0.0, behind)
        return (-1j) ** (self._m + 1) / np.pi * np.where(back, behind, front)

    def _sources(self, s):
        """(K + s) T(s) of the module's docstring; the plane wave's pole cancels the branch point."""
        s, k = np.asarray(s), self._k
        terms = zip(self._strength, self._kappa, strict=False)
        return sum(c * (1.0 if kappa == k else (k + s) / (s + kappa)) for c, kappa in terms if c != 0)

    def _sources_times_slope(self, s, gamma):
        """(K + s) T(s) S'(gamma), through the poles: there D has its main lobes."""
        total = np.zeros(s.shape, complex)
        for c, alpha, kappa in zip(self._strength, self._alpha, self._kappa, strict=False):
            if alpha == 0:
                total += c * self._section.wall(gamma)[1]
            elif c != 0:  # S' / (s + kappa) = (s - kappa) S' / (s^2 - kappa^2)
                total += c * (self._k + s) * (kappa - s) * self._section.slope_quotient(gamma, alpha)
        return total

    @cached_property
    def power(self):
        """Power balance, see `Power`."""
        incident = np.zeros(len(self._kappa), complex)
        incident[: len(self._amplitudes)] = self._amplitudes
        reflected = self.reflection
        propagating = self._kappa.imag == 0
        flux = np.abs(self._kappa) * self._norm
        into = float(np.sum((flux * np.abs(incident) ** 2)[propagating]))
        back = float(np.sum((flux * np.abs(reflected) ** 2)[propagating]))
        evanescent = float(np.sum((2 * flux * (incident.conj() * reflected).imag)[~propagating]))
        radiated = self._radiated()
        residual = (into + evanescent - back - radiated) / float(np.sum(flux * np.abs(incident) ** 2))
        return Power(into, back, evanescent, radiated, 0.0, residual)

    @property
    def _power_scale(self):
        """Radiated power over the integral of |D|^2 sin(theta)."""
        return self._k

    def _radiated(self):
        """K int |D|^2 sin(theta) d theta, by the double-exponential rule: D has logarithms at both ends."""
        step = 0.05
        for _ in range(_REFINEMENTS + 1):
            t = np.arange(-3.2, 3.2 + step, step)
            q = np.pi / 2 * np.sinh(t)
            theta = np.pi / (1 + np.exp(-2 * q))
            jacobian = np.pi / 2 * np.cosh(t) * np.pi / 2 / np.cosh(q) ** 2
            terms = np.abs(self.directivity(theta)) ** 2 * np.sin(theta) * jacobian * step
            value = self._power_scale * float(terms.sum())
            if abs(value - 2 * self._power_scale * float(terms[::2].sum())) <= 1e-3 * self.tolerance * value:
                return value
            step /= 2
        raise ConvergenceError(f"the radiated power of {self.source} did not converge")

    # Near field, see `NearField`

    def fields(self, amplitudes, x, r):
        """Near fields of many sources of this azimuthal order, Helmholtz and Mach number, on one grid.

        They are superpositions: the field of every radial order is computed once, and all orders share the contour, the
        exponentials and the Bessel functions.

        Parameters
        ----------
        amplitudes : (field, order) complex array
            Incident potential amplitudes at the wall, x = 0, of the radial orders 0, 1, ...
        x, r : arrays
            As for `field`.

        Returns
        -------
        list of Field

        Raises
        ------
        ValueError
            As `field`, or amplitudes that are not a finite matrix without zero rows.
        ConvergenceError
            The error estimate is above the solution's tolerance: that of the orders' fields, carried over.
        """
        amplitudes = np.asarray(amplitudes, dtype=complex)
        if amplitudes.ndim != 2 or not np.all(np.isfinite(amplitudes)) or not np.all(np.any(amplitudes, axis=1)):
            raise ValueError(f"amplitudes must be a finite matrix without zero rows, got shape {amplitudes.shape}")
        count = amplitudes.shape[1]
        source = ModeMixture(self.source.m, np.ones(count), self.source.helmholtz, self.source.mach, self.source.hub)
        every = Solution(source, self.tolerance)
        every.tolerance = 0.1 * self.tolerance  # the errors of the orders add up
        modes = [DuctMode(source.m, order, source.helmholtz, source.mach, source.hub) for order in range(count)]
        (orders,) = grid_fields([[every._incident(mode) for mode in modes]], x, r)
        names = ("potential", "axial_velocity", "radial_velocity", "pressure")
        parts = {}
        for name in names:
            basis = np.array([getattr(field, name) for field in orders])
            parts[name] = (amplitudes @ basis.reshape(count, -1)).reshape(-1, *basis.shape[1:])
        sizes = [[np.linalg.norm(getattr(field, name)) for name in names] for field in orders]
        errors = np.abs(amplitudes) @ (np.array(sizes) * [[field.error_estimate] for field in orders])
        result = []
        for index in range(len(amplitudes)):
            values = {name: part[index] for name, part in parts.items()}
            size = np.array([np.linalg.norm(value) for value in values.values()])
            size[1:3], error = np.hypot(*size[1:3]), errors[index]
            error[1:3] = np.hypot(*error[1:3])
            estimate = float(np.max(error / size))
            self._require(estimate, "a field")
            result.append(Field(orders[0].x, orders[0].r, **values, error_estimate=estimate))
        return result

    def _fluid(self, inside):
        return 1.0, self.source.helmholtz, self.source.mach

    @staticmethod
    def _spectra(solutions, paths):
        nodes = _Nodes(solutions, paths)
        return [_Spectra(*case, nodes, index) for index, case in enumerate(zip(solutions, paths, strict=True))]


def _rows(sizes):
    """Indices (row, place) of rows of different length that follow each other; short rows repeat their last place."""
    stops = np.cumsum(sizes)[:, None]
    return np.minimum(stops - np.array(sizes)[:, None] + np.arange(max(sizes)), stops - 1)


class _Nodes:
    """Nodes of several solutions' paths, one after the other, and what is evaluated at all of them in one call."""

    def __init__(self, solutions, paths):
        self._section, self._sizes = solutions[0]._section, [len(path.s) for path in paths]
        stops = np.cumsum(self._sizes)
        self.slices = [slice(stop - size, stop) for stop, size in zip(stops, self._sizes, strict=True)]
        s, weight = (np.concatenate([getattr(path, name) for path in paths]) for name in ("s", "weight"))
        gamma = radial_wavenumber(s, np.repeat([solution._k for solution in solutions], self._sizes))
        slope, hankel = self._section.wall(gamma)[1], hankel_pair(self._section.m, gamma)[1]
        kernel = self._section.kernel(gamma, (slope, hankel))
        rows = _rows(self._sizes)
        plus, error = Factorisation.join([solution._factors for solution in solutions]).plus(s[rows], kernel[rows])
        real = np.arange(rows.shape[1]) < np.array(self._sizes)[:, None]
        plus, self.error = plus[real], error[real]
        # gamma S' A = gamma H_m' B over (K + s) T(s), times ds / 2 pi.
        common = weight / (2 * np.pi * gamma)
        growth = np.exp(1j * gamma + np.abs(gamma.imag))
        self.common = {False: common * plus, True: common * growth * (1j * np.pi / plus) * (slope * hankel)}
        self._gamma, self._slope, self._hankel = gamma, slope, hankel
        self._speed = -1j * s / np.repeat([solution._beta for solution in solutions], self._sizes)
        self._alpha = max((solution._alpha for solution in solutions), key=len)
        self._radial: dict = {}
        self._modes: dict = {}

    def radial(self, r):
        """S(gamma r) / S'(gamma) or H_m(gamma r) / H_m'(gamma), see `Waves`: a `Factor` for every solution."""
        key = r.tobytes()
        if key not in self._radial:
            lip = np.count_nonzero(r <= 1)
            values = np.empty((3, len(r), len(self._gamma)), complex)
            values[:2, :lip] = self._section.waves(self._gamma, r[:lip], self._slope, inside=True)
            values[:2, lip:] = self._section.waves(self._gamma, r[lip:], self._hankel, inside=False)
            np.multiply(values[0], self._speed, out=values[2])
            self._radial[key] = Factor(values).split(self._sizes)
        return self._radial[key]

    def modes(self, r):
        """Duct modes and their r-derivatives, as many as the solution with most has, 0 outside: (2, r, mode)."""
        key = r.tobytes()
        if key not in self._modes:
            lip = np.count_nonzero(r <= 1)
            self._modes[key] = np.zeros((2, len(r), len(self._alpha)), complex)
            self._modes[key][:, :lip] = self._section.modes(self._alpha, r[:lip])
        return self._modes[key]


class _Spectra:
    """A and B on a contour, with the radial functions scaled so that nothing overflows."""

    def __init__(self, solution, path, nodes, case):
        self._solution, self._path, self._nodes, self._case = solution, path, nodes, case
        self._error = nodes.error[nodes.slices[case]] + solution._cancellation + 20 * _EPS
        self._swept = path.below(solution._kappa)
        self._coefficients: dict = {}

    def of(self, solution):
        """The same for other incident amplitudes; what does not depend on them is shared."""
        other = copy.copy(self)
        other._solution, other._coefficients = solution, {}
        return other

    def waves(self, r, downstream):
        """The scattered field, and what is outside the integral, as lists of `Waves`."""
        if downstream not in self._coefficients:
            s = -self._path.s if downstream else self._path.s
            common = self._nodes.common[downstream][self._nodes.slices[self._case]]
            self._coefficients[downstream] = self._solution._sources(s) * common
        radial, coefficient = self._nodes.radial(r)[self._case], self._coefficients[downstream]
        waves = [Waves(self._path.s, radial, coefficient, self._error, self._path.half)]
        return [*waves, self._explicit(r, downstream)] if r[0] <= 1 else waves

    def _explicit(self, r, downstream):
        """Duct modes outside the integral: incident ones (downstream unless swept), and swept reflected ones."""
        solution = self._solution
        kappa, swept = solution._kappa, self._swept
        incident = np.zeros(len(kappa), complex)
        incident[: len(solution._amplitudes)] = solution._amplitudes
        if downstream:
            incident = np.where(swept, 0, incident)
            reflected = np.zeros_like(incident)
        else:
            reflected = np.where(swept, solution.reflection, 0)
        s, amplitude = np.concatenate([-kappa, kappa]), np.concatenate([incident, reflected])
        live = np.flatnonzero(amplitude)
        modes = self._nodes.modes(r)[:, :, live % len(kappa)]
        radial = Factor(np.concatenate([modes, modes[:1] * (-1j / solution._beta * s[live])]))
        return Waves(s[live], radial, amplitude[live], np.full(len(live), 20 * _EPS + solution._cancellation))
