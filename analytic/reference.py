r"""Independent solution of the hard-walled duct in uniform flow, in mpmath: a slow second route to check the fast one.

Conventions as in `analytic`: exp(-i omega t), lengths in radii, lip at x = 0, duct in x < 0, exp(i m phi), one incident
mode of unit potential amplitude at the wall. With X = x / beta, K = ka / beta and
psi = phi(X, r) exp(-i K M X), and with gamma = sqrt(K^2 - s^2), F(s) = pi gamma J_m'(gamma) H_m'(gamma),

    ln F_plus(s) = (1 / 2 pi i) int_0^inf ln F(u) 2 s / (u^2 - s^2) du,
    W_plus(s) = exp(i pi / 4) F_plus(s) / sqrt(K + s).

The route differs from the fast one in every step: nothing is divided out of F, the integral runs along straight rays
in Gauss–Legendre panels of equal length in ln u, and the fields are integrated along polygons whose panels shrink with
the distance to the nearest pole or branch point. Cancellations and growth are met with digits instead of algebra.

References
----------
B. Noble, Methods based on the Wiener–Hopf technique (1958), section 3.4; M. Abramowitz & I. Stegun, Handbook of
mathematical functions (1964), 9.1.13 and 9.2.7, for H_0.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from mpmath import arg, besselj, ceil, cos, euler, exp, inf, j, log, mp, mpc, mpf, pi, sin, sqrt, workdps
from mpmath.calculus.quadrature import GaussLegendre

from .checks import check_mach, check_orders
from .modes import radial_eigenvalue

_GUARD = 12  # working digits beyond those requested
_MARGIN = 2  # of these, digits the quadratures aim at
_RAYS = (pi / 8, 3 * pi / 8)  # angles below the real axis; each is pi/8 off the axes, where the singularities of F lie
_GROWTH = 12  # exponent of the growth of exp(-i s X) allowed along the polygon
_PHASE = 40  # exponent by which exp(-i s X) J_m(gamma r) may vary along a panel
_RATIO = 10  # least ratio of the rays' length to the farthest |s|
_Pair: TypeAlias = tuple[mpc, mpc]
_Ray: TypeAlias = tuple[list[mpc], list[mpc], _Pair, _Pair, mpc]


class Reference:
    """One incident duct mode, to a requested number of digits.

    Parameters
    ----------
    m, n : int
        Azimuthal order (any sign), radial order (n >= 0; (0, 0) is the plane wave).
    helmholtz : float or mpf, > 0
        Helmholtz number ka [-].
    mach : float or mpf, |mach| < 1
        Mach number of the uniform flow, positive towards the open end [-].
    digits : int
        Digits aimed for. The relative error is about 10^-digits, times max |integrand| / |value| for fields.

    Raises
    ------
    ValueError
        A parameter is outside its range.

    Examples
    --------
    >>> from mpmath import nstr
    >>> nstr(abs(Reference(0, 0, 1.0, digits=12).reflection(0)), 5)
    '0.6951'
    """

    def __init__(self, m: int, n: int, helmholtz: mpf, mach: mpf = 0.0, digits: int = 20) -> None:
        check_orders(m, n)
        check_mach(mach)
        if not 0 < helmholtz < inf:
            raise ValueError(f"helmholtz must be a positive finite number, got helmholtz={helmholtz}")
        self._m, self._n, self._digits = abs(int(m)), int(n), digits
        self._dps = digits + _GUARD
        with workdps(self._dps):
            self._mach = mpf(mach)
            self._beta = sqrt((1 - self._mach) * (1 + self._mach))
            self._k = mpf(helmholtz) / self._beta
            # Bernstein's ellipse: a singularity at height h steepness above a panel of half length h leaves this error.
            rho = mpf(10) ** (mpf(digits + _MARGIN) / (2 * len(_gauss_legendre(self._dps))))
            self._steepness = (rho - 1 / rho) / 2
            orders = range(max(self._n, int(self._k / 3) + 3) + 1)  # all that are cut on, and a few more
            alpha = [_eigenvalue(self._m, order, self._dps) for order in orders]
            kappa = [_root((self._k - a) * (self._k + a)) for a in alpha]
            self._alpha, self._kappa = alpha[self._n], kappa[self._n]
            self._singular = [sign * z for z in [self._k, *kappa] for sign in (1, -1)]
            power = mpf(digits + _MARGIN) / 4
            self._low = min(map(abs, self._singular)) / 10**power
            self._high = (10 + self._k + self._m**2) * 10 ** (power + 2)
            self._lines: dict[mpf, _Ray] = {}
            self._panels: dict[tuple[mpc, mpc], list[tuple]] = {}
            self._strength = (self._k + self._kappa) * self._plus(self._kappa) * j / 2

    def reflection(self, l: int) -> mpc:  # noqa: E741
        """Reflection coefficient of the potential into radial order l, wall-normalised modes, at x = 0."""
        with workdps(self._dps):
            k, alpha = self._k, _eigenvalue(self._m, l, self._dps)
            kappa = _root((k - alpha) * (k + alpha))
            norm = 1 if alpha == 0 else 1 - (self._m / alpha) ** 2
            return j * self._strength * (k + kappa) * self._plus(kappa) / (kappa * norm * (self._kappa + kappa))

    def directivity(self, theta: mpf) -> mpc:
        """Directivity D, phi -> D exp(i K rho) / rho; theta in (0, pi), from downstream, in the (X, r) plane [rad]."""
        if not 0 < theta < pi:
            raise ValueError(f"theta must lie between 0 and pi rad, got {theta}")
        with workdps(self._dps):
            s = -self._k * cos(mpf(theta))
            gamma = self._k * sin(mpf(theta))
            outside = self._sources(s) * self._plus(s) / (gamma * _hankel_pair(self._m, gamma)[1])
            return (-j) ** (self._m + 1) * outside / pi

    def field(self, x: mpf, r: mpf) -> tuple[mpc, mpc, mpc]:
        """Potential psi, velocities u = dpsi/dx and v = dpsi/dr at one point; at r = 1, x < 0 on the inner side."""
        if not r >= 0:
            raise ValueError(f"the radius must not be negative, got r={r}")
        with workdps(self._dps):
            r, big_x = mpf(r), mpf(x) / self._beta
            least = _RATIO * sqrt(2) * self._decay() / self._high
            if not abs(big_x) + abs(r - 1) > least:
                raise ValueError(
                    f"x={x}, r={r} is too close to the lip; the least |x| / beta + |r - 1| is {mp.nstr(least, 3)}"
                )
            phi, phi_x, phi_r = self._scattered(big_x, r)
            if r <= 1:
                alpha, wave = self._alpha, exp(j * self._kappa * big_x)
                value, slope = _bessel_pair(self._m, alpha * r)
                wave /= besselj(self._m, alpha)
                phi += wave * value
                phi_x += j * self._kappa * wave * value
                phi_r += wave * alpha * slope
            drift = self._k * self._mach
            convection = exp(-j * drift * big_x)
            return phi * convection, (phi_x - j * drift * phi) / self._beta * convection, phi_r * convection

    # Factorisation

    def _plus(self, s: mpc) -> mpc:
        """W_plus(s)."""
        s = mpc(s)
        direction, nodes = self._line(s)
        if (s * direction).imag > 0:  # above the line
            log_plus = self._log_plus(s, nodes)
        else:
            log_plus = log(self._kernel(_wavenumber(s, self._k))) - self._log_plus(-s, nodes)
        return exp(j * pi / 4 + log_plus) / _root(self._k + s)

    def _kernel(self, gamma: mpc) -> mpc:
        """F as a function of gamma."""
        return pi * gamma * _bessel_pair(self._m, gamma)[1] * _hankel_pair(self._m, gamma)[1]

    def _line(self, s: mpc) -> tuple[mpc, _Ray]:
        """The line through the origin that s is farther from: exp(i theta), and its ray for `_log_plus`."""
        theta = max(_RAYS, key=lambda t: abs(sin(arg(s) + t)))
        if theta not in self._lines:
            self._lines[theta] = self._ray(theta)
        return exp(j * theta), self._lines[theta]

    def _ray(self, theta: mpf) -> _Ray:
        """Nodes u^2 and weights ln F(u) du / (pi i); both ends with ln F there, and its value at the origin."""
        low, high, unit = self._low, self._high, exp(-j * theta)
        count = int(ceil(log(high / low) / (2 * pi / 8 / self._steepness)))
        width = log(high / low) / count  # F and 1 / (u^2 - s^2) are regular within pi / 8 of ln u's panels
        phase = mpf(0)

        def log_kernel(u: mpc) -> mpc:  # called from infinity inwards
            nonlocal phase
            value = log(self._kernel(_wavenumber(u, self._k)))
            value += 2 * pi * j * mp.nint((phase - value.imag) / (2 * pi))
            phase = value.imag
            return value

        top, squares, weights = log_kernel(high * unit), [], []
        for panel in reversed(range(count)):
            for node, weight in _gauss_legendre(self._dps):
                u = low * exp(width * (panel + (1 - node) / 2)) * unit
                squares.append(u**2)
                weights.append(log_kernel(u) * width / 2 * weight * u / (pi * j))
        bottom, centre = log_kernel(low * unit), log_kernel(mpf(0))
        return squares, weights, (high * unit, top), (low * unit, bottom), centre

    def _log_plus(self, s: mpc, ray: _Ray) -> mpc:
        """ln F_plus above the line; ln F is taken as a + b u^2 on the innermost piece, as c / u^2 on the outermost."""
        squares, weights, (high, top), (low, bottom), centre = ray
        square = s**2
        total = s * mp.fsum(weight / (u2 - square) for u2, weight in zip(squares, weights, strict=True))
        constant = log((low - s) / (low + s)) + pi * j
        curvature = (bottom - centre) / low**2
        inner = centre * constant + curvature * (2 * s * low + square * constant)
        ratio = s / high
        outer = top * mp.fsum(2 * ratio ** (2 * i + 1) / (2 * i + 3) for i in range(self._dps // 2 + 1))
        return total + (inner + outer) / (2 * pi * j)

    def _sources(self, s: mpc) -> mpc:
        """V_plus(s) / W_plus(s)."""
        return self._strength * (self._k + s) / (s + self._kappa)

    # Field

    def _scattered(self, x: mpf, r: mpf) -> tuple[mpc, mpc, mpc]:
        """phi, dphi/dX, dphi/dr of the inverse transforms."""
        downstream, inside = x > 0, r <= 1
        phi = phi_x = phi_r = mpc(0)
        for nodes in self._polygon(abs(x), abs(r - 1)):
            for s, weight, gamma, plus, bessel, hankel in nodes:
                if downstream:  # the polygon's point reflection; W_plus(-s) = W(s) / W_plus(s)
                    s, plus = -s, pi * j * bessel * hankel / plus
                term = self._sources(s) * plus / gamma * exp(-j * s * x) * weight / (2 * pi)
                term /= bessel if inside else hankel
                value, slope = (_bessel_pair if inside else _hankel_pair)(self._m, gamma * r)
                phi += term * value
                phi_x += -j * s * term * value
                phi_r += term * gamma * slope
        return phi, phi_x, phi_r

    def _polygon(self, axial: mpf, radial: mpf) -> Iterator[list[tuple]]:
        """Panels of the polygon for X < 0: from infinity e^(3 pi i/4) to 0, below +K, to infinity e^(i pi/4).

        +K and all +kappa lie above it, -K and all -kappa below, as for the original contour. Sizes are rounded to
        powers of two, so that points share panels.
        """
        k = self._k
        reach = max(_power_of_two(axial), mpf(4))
        depth = min(k / 2, _GROWTH / reach)
        longest = _PHASE / (reach + 2)
        end = self._decay() / (axial + radial)
        corner = k - j * depth
        up, out = exp(3j * pi / 4), exp(j * pi / 4)
        yield from self._subdivide(mpc(0), (1 - j) * depth, longest)
        yield from self._subdivide((1 - j) * depth, corner, longest)
        near, far = mpf(0), 2 * k
        while near < end:
            cap = longest if near == 0 else inf
            for nodes in self._subdivide(near * up, far * up, cap):
                yield [(s, -weight, *rest) for s, weight, *rest in nodes]
            yield from self._subdivide(corner + near * out, corner + far * out, cap)
            near, far = far, 2 * far

    def _decay(self) -> mpf:
        """Where the integrand is negligible on both rays, times the distance to the lip."""
        return sqrt(2) * log(10) * (self._digits + _MARGIN + 5)

    def _subdivide(self, a: mpc, b: mpc, longest: mpf) -> Iterator[list[tuple]]:
        """Panels of the segment a b, bisected until they are short beside their distance to every singularity."""
        if a == b:
            return
        distance = min(_distance(z, a, b) for z in self._singular)
        if abs(b - a) > min(2 * distance / self._steepness, longest):
            middle = (a + b) / 2
            yield from self._subdivide(a, middle, longest)
            yield from self._subdivide(middle, b, longest)
            return
        if (a, b) not in self._panels:
            half = (b - a) / 2
            self._panels[a, b] = [self._node(a + half * (1 + t), half * w) for t, w in _gauss_legendre(self._dps)]
        yield self._panels[a, b]

    def _node(self, s: mpc, weight: mpc) -> tuple:
        gamma = _wavenumber(s, self._k)
        bessel, hankel = _bessel_pair(self._m, gamma)[1], _hankel_pair(self._m, gamma)[1]
        return s, weight, gamma, self._plus(s), bessel, hankel


# Functions of the working precision


def _root(z: mpc) -> mpc:
    """Square root with its cut down the negative imaginary axis."""
    return exp(j * pi / 4) * sqrt(-j * z)


def _wavenumber(s: mpc, k: mpf) -> mpc:
    """gamma, cuts from +k upwards and from -k downwards."""
    return _root(k - s) * _root(k + s)


def _power_of_two(x: mpf) -> mpf:
    """The least power of two >= x."""
    return mpf(2) ** ceil(log(x, 2)) if x > 0 else mpf(0)


def _distance(z: mpc, a: mpc, b: mpc) -> mpf:
    """From the point z to the segment a b."""
    along = ((z - a) / (b - a)).real
    return abs(z - a - (b - a) * min(max(along, 0), 1))


@lru_cache(maxsize=8)
def _gauss_legendre(dps: int) -> list[tuple[mpf, mpf]]:
    """48 nodes in [-1, 1], increasing, and weights."""
    with workdps(dps):
        return sorted(GaussLegendre(mp).calc_nodes(5, mp.prec + 20))


@lru_cache(maxsize=1024)
def _eigenvalue(m: int, order: int, dps: int) -> mpf:
    """alpha_mn by Newton's method from double precision."""
    with workdps(dps):
        alpha = mpf(radial_eigenvalue(m, order))
        while alpha > 0:
            value, slope = _bessel_pair(m, alpha)
            step = slope / (((m / alpha) ** 2 - 1) * value)  # J_m'' at the zero
            alpha -= step
            if abs(step) < alpha * mpf(10) ** (-dps // 2 - 2):
                break
        return alpha


def _bessel_pair(m: int, z: mpc) -> _Pair:
    """J_m(z) and J_m'(z)."""
    value = besselj(m, z)
    return value, m / z * value - besselj(m + 1, z) if z != 0 else mpf(m == 1) / 2


def _hankel_pair(m: int, z: mpc) -> _Pair:
    """H_m(z) and H_m'(z), first kind, 0 <= arg z < pi: recurrence upwards from H_0 and H_1."""
    h0, h1 = _hankel_far(z) if abs(z) > 1.2 * mp.dps + 5 else _hankel_near(z)  # or further out
    for order in range(1, m + 1):
        h0, h1 = h1, 2 * order / z * h1 - h0
    return h0, m / z * h0 - h1


def _hankel_near(z: mpc) -> _Pair:
    """H_0 and H_1 by power series; they cancel by up to exp(2 |z|)."""
    with workdps(mp.dps + int(0.9 * abs(z)) + 5):
        quarter = -(z**2) / 4
        term, harmonic, i = mpc(1), mpf(0), 0
        bessel, slope, series, series_slope = mpc(1), mpc(0), mpc(0), mpc(0)
        while i < abs(z) or abs(term) > mpf(10) ** -mp.dps:
            i += 1
            harmonic += mpf(1) / i
            term *= quarter / i**2
            bessel += term
            slope += 2 * i * term
            series += harmonic * term
            series_slope += 2 * i * harmonic * term
        logarithm = log(z / 2) + euler
        h0 = bessel + 2j / pi * (logarithm * bessel - series)
        z_slope = slope + 2j / pi * (logarithm * slope + bessel - series_slope)
        return h0, -z_slope / z


def _hankel_far(z: mpc) -> _Pair:
    """H_0 and H_1 by Hankel's expansions, whose least term is about exp(-2 |z|)."""
    values = []
    for order in (0, 1):
        term, total, i = mpc(1), mpc(1), 0
        while abs(term) > mpf(10) ** (-mp.dps - 2):
            i += 1
            term *= j * (4 * order**2 - (2 * i - 1) ** 2) / (8 * i * z)
            total += term
        values.append(sqrt(2 / (pi * z)) * exp(j * (z - order * pi / 2 - pi / 4)) * total)
    return values[0], values[1]
