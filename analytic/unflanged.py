r"""Sound leaving a semi-infinite hard-walled circular duct, in uniform flow without a wake (or without flow).

psi = phi(X, r) exp(-i K M X) with X = x / beta, K = ka / beta, beta = sqrt(1 - M^2) turns the convected wave equation
into Helmholtz's equation for phi; every formula below is for phi. With T(s) = (i/2) sum_n a_n (K + kappa_n)
W_plus(kappa_n) / (s + kappa_n) for incident amplitudes a_n, the radial velocity on r = 1, X > 0 has the transform

    V_plus(s) = (K + s) W_plus(s) T(s),

and the spectra are A J_m(gamma r) inside, A = V_plus / (gamma J_m'(gamma)), and B H_m(gamma r) outside, B = V_plus /
(gamma H_m'(gamma)). Below the real axis W_plus = W / W_minus cancels J_m' or H_m' by hand, so that no zero of the
kernel meets a pole numerically.

References
----------
B. Noble, Methods based on the Wiener–Hopf technique (1958), section 3.4; R. M. Munt, J. Fluid Mech. 83 (1977), for
the flow.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from .contour import contour
from .errors import ConvergenceError
from .factorisation import Factorisation
from .kernel import bessel_pair, bessel_quotient, hankel_pair, radial_wavenumber
from .modes import check_mach, check_orders, radial_eigenvalue, radial_eigenvalues

_TOLERANCE = 1e-6
_FIELD_STEP = 0.1
_REFINEMENTS = 4  # times the step of a quadrature may be halved
_CLOSEST = 1e-6  # least distance to the lip at which a field is computed [radii]
_EPS = np.finfo(float).eps


def _check_helmholtz(helmholtz: float) -> None:
    if not 0 < helmholtz < math.inf:
        raise ValueError(f"helmholtz must be a positive finite number, got helmholtz={helmholtz}")


@dataclass(frozen=True)
class DuctMode:
    """One incident duct mode of unit potential amplitude at the wall, phase zero at the open end.

    Parameters
    ----------
    m, n : int
        Azimuthal order (any sign), radial order (n >= 0; (0, 0) is the plane wave). The mode may be cut off.
    helmholtz : float, > 0
        Helmholtz number ka [-].
    mach : float, |mach| < 1
        Mach number of the uniform flow, positive towards the open end [-].

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    m: int
    n: int
    helmholtz: float
    mach: float = 0.0

    def __post_init__(self):
        check_orders(self.m, self.n)
        _check_helmholtz(self.helmholtz)
        check_mach(self.mach)

    @property
    def amplitudes(self):
        """Incident amplitudes of the radial orders 0 ... n."""
        return np.append(np.zeros(self.n), 1.0).astype(complex)

    @property
    def cut_on(self):
        """Whether the mode propagates."""
        return self.helmholtz > radial_eigenvalue(self.m, self.n) * math.sqrt(1 - self.mach**2)


@dataclass(frozen=True)
class ModeMixture:
    """Incident duct modes of one azimuthal order.

    Parameters
    ----------
    m : int
        Azimuthal order, any sign.
    amplitudes : sequence of complex
        Potential amplitudes at the wall, x = 0, of the radial orders 0, 1, ...; at least one is not zero.
    helmholtz, mach : float
        As for `DuctMode`.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    m: int
    amplitudes: np.ndarray
    helmholtz: float
    mach: float = 0.0

    def __post_init__(self):
        amplitudes = np.array(self.amplitudes, dtype=complex)
        if amplitudes.ndim != 1 or not np.all(np.isfinite(amplitudes)) or not np.any(amplitudes):
            raise ValueError(
                f"amplitudes must be a finite one-dimensional sequence, not all zero, got {self.amplitudes}"
            )
        check_orders(self.m, 0)
        _check_helmholtz(self.helmholtz)
        check_mach(self.mach)
        amplitudes.flags.writeable = False
        object.__setattr__(self, "amplitudes", amplitudes)


@dataclass(frozen=True)
class Power:
    """Sound power of phi through the duct's cross-section and the far field, per azimuthal angle.

    incident, reflected : of the cut-on modes, sum kappa N |amplitude|^2, N = (1 - m^2/alpha^2) / 2.
    evanescent : carried outwards by cut-off modes that are incident and reflected together.
    radiated : K times the integral of |D|^2 sin(theta).
    residual : incident + evanescent - reflected - radiated, over sum |kappa| N |amplitude|^2 of all incident modes.
    """

    incident: float
    reflected: float
    evanescent: float
    radiated: float
    residual: float


@dataclass(frozen=True)
class Field:
    """Near field at points (x, r), in duct radii; arrays (x, r) on a tensor grid.

    potential psi [a c]; axial_velocity u = dpsi/dx, radial_velocity v = dpsi/dr [c]; pressure p = i ka psi - M u [rho
    c^2]. error_estimate : relative, the largest over psi, (u, v) and p of |error| / |value|, root mean squares over
    the points.
    """

    x: np.ndarray
    r: np.ndarray
    potential: np.ndarray
    axial_velocity: np.ndarray
    radial_velocity: np.ndarray
    pressure: np.ndarray
    error_estimate: float


def solve(source, *, tolerance=_TOLERANCE):
    """Solve for the sound that leaves the duct.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        What is incident on the open end.
    tolerance : float
        Largest relative error estimate accepted, here and in everything asked of the solution.

    Returns
    -------
    Solution

    Raises
    ------
    TypeError
        source is neither a DuctMode nor a ModeMixture.
    ConvergenceError
        The tolerance is missed, as within a relative 1e-9 of a cut-on.

    Examples
    --------
    >>> solution = solve(DuctMode(0, 0, helmholtz=1.0))
    >>> round(float(abs(solution.reflection[0])), 5), round(solution.end_correction, 5)
    (0.6951, 0.52743)
    """
    if not isinstance(source, DuctMode | ModeMixture):
        raise TypeError(f"expected a DuctMode or a ModeMixture, got {type(source).__name__}")
    if not tolerance > 0:
        raise ValueError(f"the tolerance must be positive, got {tolerance}")
    return Solution(source, tolerance)


class Solution:
    """What `solve` returns: everything about the sound of one source.

    Attributes
    ----------
    source : DuctMode or ModeMixture
    tolerance : float
    """

    def __init__(self, source, tolerance):
        self.source, self.tolerance = source, tolerance
        self._m = abs(int(source.m))
        self._amplitudes = np.asarray(source.amplitudes, dtype=complex)
        self._beta = math.sqrt((1 - source.mach) * (1 + source.mach))
        self._k = source.helmholtz / self._beta
        self._factors = Factorisation(self._m, self._k)
        cut_on = np.count_nonzero(radial_eigenvalues(self._m, int(self._k / np.pi) + 3) < self._k)
        alpha = radial_eigenvalues(self._m, max(int(cut_on), len(self._amplitudes)) + 1)
        self._alpha = alpha
        self._kappa = np.sqrt((self._k - alpha) * (self._k + alpha) + 0j)
        with np.errstate(divide="ignore", invalid="ignore"):
            self._norm = np.where(alpha > 0, 0.5 * (1 - (self._m / alpha) ** 2), 0.5)
        self._plus, self._plus_error = self._factors.plus(self._kappa)
        # kappa_n = sqrt(K^2 - alpha_n^2) loses the digits that K and alpha_n share.
        self._cancellation = float(2 * _EPS * self._k / np.min(np.abs(self._k - alpha)))
        # (i/2) a_n (K + kappa_n) W_plus(kappa_n)
        count = len(self._amplitudes)
        self._strength = 0.5j * self._amplitudes * (self._k + self._kappa[:count]) * self._plus[:count]
        self._plane_wave = self._strength[0] if self._m == 0 else 0.0
        if not self.error_estimate <= tolerance:
            raise ConvergenceError(
                f"the factorisation's error estimate {self.error_estimate:.1e} is above {tolerance:.1e} for {source}"
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
        behind = np.where(axis, -0.5j * np.pi * self._plane_wave / plus if self._m == 0 else 0.0, behind)
        return (-1j) ** (self._m + 1) / np.pi * np.where(back, behind, front)

    def _sources(self, s):
        """(K + s) T(s) of the module's docstring; the plane wave's pole cancels the branch point."""
        s, k = np.asarray(s), self._k
        terms = zip(self._strength, self._kappa, strict=False)
        return sum(c * (1.0 if kappa == k else (k + s) / (s + kappa)) for c, kappa in terms if c != 0)

    def _sources_times_slope(self, s, gamma):
        """(K + s) T(s) J_m'(gamma), through the poles: there D has its main lobes."""
        total = np.zeros(s.shape, complex)
        for c, alpha, kappa in zip(self._strength, self._alpha, self._kappa, strict=False):
            if alpha == 0:
                total += c * bessel_pair(self._m, gamma)[1]
            elif c != 0:  # J_m' / (s + kappa) = (s - kappa) J_m' / (s^2 - kappa^2)
                total += c * (self._k + s) * (kappa - s) * bessel_quotient(self._m, gamma, alpha)
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
        return Power(into, back, evanescent, radiated, residual)

    def _radiated(self):
        """K int |D|^2 sin(theta) d theta, by the double-exponential rule: D has logarithms at both ends."""
        step = 0.05
        for _ in range(_REFINEMENTS + 1):
            t = np.arange(-3.2, 3.2 + step, step)
            q = np.pi / 2 * np.sinh(t)
            theta = np.pi / (1 + np.exp(-2 * q))
            jacobian = np.pi / 2 * np.cosh(t) * np.pi / 2 / np.cosh(q) ** 2
            terms = self._k * np.abs(self.directivity(theta)) ** 2 * np.sin(theta) * jacobian * step
            value = float(terms.sum())
            if abs(value - 2 * float(terms[::2].sum())) <= 1e-3 * self.tolerance * value:
                return value
            step /= 2
        raise ConvergenceError(f"the radiated power of {self.source} did not converge")

    # Near field

    def field(self, x, r):
        """Near field on the tensor grid of x and r.

        Parameters
        ----------
        x : (nx,) float array
            Axial positions [radii], the open end at 0, the duct in x < 0.
        r : (nr,) float array
            Radii >= 0, the wall at 1; on the wall itself (r = 1, x < 0) the inner side is meant.

        Returns
        -------
        Field
            Arrays (nx, nr).

        Raises
        ------
        ValueError
            A radius is negative, a position not finite, or a point is closer than 1e-6 to the lip.
        ConvergenceError
            The error estimate is above the solution's tolerance.
        """
        x, r = np.atleast_1d(np.asarray(x, dtype=float)), np.atleast_1d(np.asarray(r, dtype=float))
        if x.ndim != 1 or r.ndim != 1:
            raise ValueError(f"a grid needs one-dimensional x and r, got shapes {x.shape} and {r.shape}; see at()")
        return self._field(x, r, np.abs(x)[:, None], np.abs(r - 1), _OnGrid)

    def at(self, x, r):
        """Near field at scattered points; x and r broadcast together. Otherwise as `field`."""
        x, r = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(r, dtype=float))
        shape, x, r = x.shape, x.ravel(), r.ravel()
        field = self._field(x, r, np.abs(x), np.abs(r - 1), _AtPoints)
        parts = {name: value.reshape(shape) for name, value in vars(field).items() if name != "error_estimate"}
        return Field(**parts, error_estimate=field.error_estimate)

    def _field(self, x, r, axial, radial, points):
        """Field at points given as `points` understands x and r; axial and radial: their distances to the lip."""
        if not (np.all(np.isfinite(x)) and np.all(np.isfinite(r)) and x.size and r.size):
            raise ValueError("positions must be finite, and there must be at least one")
        if np.any(r < 0):
            raise ValueError(f"radii must not be negative, got r={r[r < 0][0]}")
        nearest = float(np.min(np.hypot(axial / self._beta, radial)))
        if nearest < _CLOSEST:
            raise ValueError(
                f"a point lies {nearest:.1e} from the lip, where the velocity is singular; the least is {_CLOSEST}"
            )
        step = _FIELD_STEP
        for _ in range(_REFINEMENTS + 1):
            field = self._integrate(x, r, nearest, points, step)
            if field.error_estimate <= self.tolerance:
                return field
            step /= 2
        self._require(field.error_estimate, "the field")
        return field

    def _require(self, error, what):
        if not error <= self.tolerance:
            raise ConvergenceError(
                f"the error estimate of {what}, {error:.1e}, is above {self.tolerance:.1e} for {self.source}"
            )

    def _integrate(self, x, r, nearest, points, step):
        """Inverse transforms on one contour and its mirror image."""
        big_x = x / self._beta
        alpha = radial_eigenvalues(self._m, int(self._k / np.pi) + 8)
        poles = np.sqrt((self._k - alpha) * (self._k + alpha) + 0j)
        path = contour(self._k, poles, extent=float(np.max(np.abs(big_x))), nearest=nearest, step=step)
        spectra = _Spectra(self, path)
        layout = points(big_x, r)
        total = np.zeros((3, *layout.shape), complex)
        error = np.zeros((3, *layout.shape))
        for inside in (True, False):
            for downstream in (True, False):
                part = layout.part(inside, downstream)
                if part is None:
                    continue
                where, part_x, part_r = part
                values, errors = self._transforms(spectra, part_x, part_r, inside, downstream, points)
                if inside:
                    explicit = self._explicit_modes(path, part_x, part_r, downstream, points)
                    values, errors = values + explicit, errors + (20 * _EPS + self._cancellation) * np.abs(explicit)
                for q in range(3):
                    total[q][where], error[q][where] = values[q], errors[q]
        return self._assemble(x, r, total, error, layout)

    def _transforms(self, spectra, x, r, inside, downstream, points):
        """phi, dphi/dX, dphi/dr of the scattered field and their absolute errors."""
        coefficient, coefficient_error = spectra.coefficient(inside, downstream)
        value, slope = spectra.radial(r, inside, downstream)
        s = -spectra.path.s if downstream else spectra.path.s
        wave = np.exp(-1j * np.multiply.outer(x, s))
        factors = ((1.0, value), (-1j * s, value), (1.0, slope))
        terms = [points.contract(wave, coefficient * factor, radial) for factor, radial in factors]
        fine = np.array([even + odd for even, odd in terms])
        coarse = np.array([2 * even for even, odd in terms])
        modulus, size = np.abs(wave), coefficient_error * np.abs(coefficient)
        rounding = np.array(
            [sum(points.contract(modulus, size * np.abs(factor), np.abs(radial))) for factor, radial in factors]
        )
        # Halving the step squares the error of an exponentially convergent rule: between the difference and its square.
        scale = np.abs(fine) + np.finfo(float).tiny
        difference = np.abs(fine - coarse) / scale
        return fine, scale * difference * np.sqrt(np.minimum(difference, 1.0)) + rounding

    def _explicit_modes(self, path, x, r, downstream, points):
        """Duct modes outside the integral: incident ones (downstream unless swept), and swept reflected ones."""
        alpha, kappa = self._alpha, self._kappa
        swept = path.sweeps(kappa)
        incident = np.zeros(len(kappa), complex)
        incident[: len(self._amplitudes)] = self._amplitudes
        if downstream:
            incident = np.where(swept, 0, incident)
            reflected = np.zeros_like(incident)
        else:
            reflected = np.where(swept, self.reflection, 0)
        live = np.flatnonzero((incident != 0) | (reflected != 0))
        kappa, incident, reflected = kappa[live], incident[live], reflected[live]
        value, slope = _duct_modes(self._m, alpha[live], r)
        forward, backward = np.exp(1j * np.multiply.outer(x, kappa)), np.exp(-1j * np.multiply.outer(x, kappa))
        factors = ((1.0, 1.0, value), (1j * kappa, -1j * kappa, value), (1.0, 1.0, slope))
        return np.array(
            [
                sum(points.contract(forward, incident * f, radial))
                + sum(points.contract(backward, reflected * b, radial))
                for f, b, radial in factors
            ]
        )

    def _assemble(self, x, r, total, error, layout):
        mach, ka, beta = self.source.mach, self.source.helmholtz, self._beta
        convection = np.exp(-1j * self._k * mach * layout.x)
        psi, v = total[0] * convection, total[2] * convection
        drift = self._k * mach
        u = (total[1] - 1j * drift * total[0]) / beta * convection
        p = 1j * ka * psi - mach * u
        e_psi, e_v = error[0], error[2]
        e_u = (error[1] + abs(drift) * error[0]) / beta
        e_p = ka * e_psi + abs(mach) * e_u
        estimate = max(
            _relative(e_psi, np.abs(psi)),
            _relative(np.hypot(e_u, e_v), np.hypot(np.abs(u), np.abs(v))),
            _relative(e_p, np.abs(p)),
        )
        return Field(x, r, psi, u, v, p, estimate)


def _relative(error, size):
    """Root-mean-square error over root-mean-square size; 0 where both vanish."""
    error, size = float(np.linalg.norm(error)), float(np.linalg.norm(size))
    return 0.0 if error == 0.0 else error / size if size > 0 else math.inf


def _duct_modes(m, alpha, r):
    """J_m(alpha r)/J_m(alpha) and its r-derivative: two arrays (r, mode)."""
    z = np.multiply.outer(r, alpha)
    wall = special.jv(m, alpha)
    return special.jv(m, z) / wall, alpha * special.jvp(m, z) / wall


class _Spectra:
    """A and B on a contour, with the radial functions scaled so that nothing overflows."""

    def __init__(self, solution, path):
        self.path, self._solution = path, solution
        self._m, k = solution._m, solution._k
        self._gamma = radial_wavenumber(path.s, k)
        self._bessel, self._hankel = bessel_pair(self._m, self._gamma)[1], hankel_pair(self._m, self._gamma)[1]
        self._plus, self._error = solution._factors.plus(path.s)

    def coefficient(self, inside, downstream):
        """Spectrum times ds / 2 pi, but for the exponential that `radial` takes; and its relative error."""
        gamma = self._gamma
        s = -self.path.s if downstream else self.path.s
        common = self._solution._sources(s) / gamma * self.path.weight / (2 * np.pi)
        if downstream:
            value = common * 1j * np.pi / self._plus * (self._hankel if inside else self._bessel)
        else:
            value = common * self._plus / (self._bessel if inside else self._hankel)
        return value, self._error + self._solution._cancellation + 20 * _EPS

    def radial(self, r, inside, downstream):
        """J_m(gamma r) or H_m(gamma r) and its r-derivative, with the wall's exponential: two arrays (r, node)."""
        gamma = self._gamma
        axis = r == 0
        z = np.multiply.outer(np.where(axis, 1.0, r), gamma)
        value, slope = (bessel_pair if inside else hankel_pair)(self._m, z)
        growth = np.abs(z.imag) if inside else 1j * z
        if downstream:
            growth = growth + (1j * gamma if inside else np.abs(gamma.imag))
        else:
            growth = growth - (np.abs(gamma.imag) if inside else 1j * gamma)
        scale = np.exp(growth)
        value, slope = value * scale, slope * scale * gamma
        if np.any(axis):  # J_m(0) and J_m'(0), with the wall function's exponential alone
            wall = np.exp(1j * gamma if downstream else -np.abs(gamma.imag))
            value[axis] = wall * (self._m == 0)
            slope[axis] = wall * gamma * (0.5 if self._m == 1 else 0.0)
        return value, slope


class _OnGrid:
    """Tensor grid: sums over nodes are matrix products."""

    def __init__(self, x, r):
        self._x, self._r = x, r
        self.shape = (len(x), len(r))
        self.x = x[:, None]

    def part(self, inside, downstream):
        i = np.flatnonzero((self._x >= 0) == downstream)
        j = np.flatnonzero((self._r <= 1) == inside)
        return (np.ix_(i, j), self._x[i], self._r[j]) if len(i) and len(j) else None

    @staticmethod
    def contract(wave, coefficient, radial):
        """Sums over the even and over the odd nodes."""
        weighted = wave * coefficient
        return weighted[:, ::2] @ radial[:, ::2].T, weighted[:, 1::2] @ radial[:, 1::2].T


class _AtPoints:
    """Scattered points: sums over nodes point by point."""

    def __init__(self, x, r):
        self._x, self._r = x, r
        self.shape = x.shape
        self.x = x

    def part(self, inside, downstream):
        i = np.flatnonzero(((self._x >= 0) == downstream) & ((self._r <= 1) == inside))
        return ((i,), self._x[i], self._r[i]) if len(i) else None

    @staticmethod
    def contract(wave, coefficient, radial):
        """Sums over the even and over the odd nodes."""
        terms = wave * coefficient * radial
        return terms[:, ::2].sum(axis=1), terms[:, 1::2].sum(axis=1)
