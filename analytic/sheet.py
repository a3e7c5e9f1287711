r"""Vortex sheet between a jet and the fluid around it: its kernel, the kernel's zeros, and the factorisation.

With N_1 = k + M_1 s and N_2 = k + M_2 C s (C and D: sound speed and density, outside over inside; k the jet's
Helmholtz number; M_2 in the outer sound speed) the kernel is

    K(s) = D N_2^2 H_m(gamma_2) / (gamma_2 H_m'(gamma_2)) - N_1^2 S(gamma_1) / (gamma_1 S'(gamma_1)),

gamma_1^2 = N_1^2 - s^2, gamma_2^2 = (N_2 / C)^2 - s^2. Its poles are the modes of the duct, its zeros the modes of the
jet: the Kelvin–Helmholtz pair and two for every radial order. They are followed from the jet in a weightless fluid (D =
0), where S(gamma_1) = 0 and N_1 = 0 give them, to the density asked for; the direction a mode travels in stays its own.

The line of integration is straight, between the branch points. Zeros and poles beside it or on its wrong side are
divided out, each with a partner far on its right side. What is left must not wind around the origin; a second line
gives the error.

References
----------
R. M. Munt, J. Fluid Mech. 83 (1977), 609-640, and J. Sound Vib. 142 (1990), 413-436, for the kernel and causality.
"""

import itertools
import math
from functools import lru_cache

import numpy as np
from scipy.optimize import elementwise

from .errors import ConvergenceError
from .kernel import hankel_pair, root
from .section import Section, beside

_EPS = np.finfo(float).eps
_LINES = ((0.25 * np.pi, 0.0), (0.2 * np.pi, 0.06))  # tilt [rad]; shift of the centre, in branch point distances
_MARGIN = 0.25  # of the centre to the branch points, in their distance
_SCALE = 0.25  # of a line's bend, in the centre's distance to the nearer branch point
_STEP = 0.06  # of the trapezoidal rule along a line
_END = 1e17  # |s| where a line ends: ln F falls like 1 / s
_STRIP = 0.4  # half width, in the line's parameter, of the strip that is cleared of zeros and poles
_PARTNER = 1.25  # distance, in the line's parameter, of their partners
_NEAR = 0.3  # distance, in the line's parameter, below which ln F(s) is subtracted from the integrand
_LARGEST_PHASE_STEP = 1.2  # of ln F between neighbours [rad]
_FAR = 1e7  # |gamma| beyond which the logarithmic derivatives' expansion is exact
_FIRST_STEP = 0.04  # of the square root of the density, when the zeros are followed
_LEAST_STEP = 1e-4
_LOSSES = (0.1, 0.3, 0.03, 0.6)  # argument of the frequency where the zeros set out, one after the other
_AGREEMENT = 1e-8  # of the two lines
_NEWTON = 8
_LOST = 1e3 * np.exp(1j)  # step of an iteration that has left the plane, in its differences' step
_LATTICE = 60, 10  # points where zeros between the branch points are sought
_SCAN = 64  # points between two poles where the sign of the kernel is looked at
_JUMP = 0.3  # largest correction by Newton's method, in the distance to the next zero


class Sheet:
    """The jet, the fluid around it, and the sheet between them; see the module for the symbols.

    Parameters
    ----------
    m : int
        Azimuthal order, m >= 0.
    helmholtz, mach : float
        k and M_1 > 0.
    mach_outer, sound_speed_ratio, density_ratio : float
        M_2 >= 0, C and D.
    hub : float
        Radius of the hub [duct radii].
    """

    def __init__(self, m, helmholtz, mach, mach_outer, sound_speed_ratio, density_ratio, hub=0.0):
        self.m, self.k, self.mach = m, helmholtz, mach
        self.mach_outer, self.speed, self.density = mach_outer, sound_speed_ratio, density_ratio
        self.section = Section(m, hub)
        self.k_outer = self.k / self.speed
        self.left, self.right = -self.k_outer / (1 + mach_outer), self.k_outer / (1 - mach_outer)
        self.beta2 = (1 - mach) * (1 + mach)
        self.beta_outer = math.sqrt((1 - mach_outer) * (1 + mach_outer))
        self.centre = mach * self.k / self.beta2  # half-way between the downstream and the upstream modes
        self.shear = mach != mach_outer * sound_speed_ratio  # else N_1 = N_2: the pair is a double zero, s = -k / M_1

    def inner(self, s):
        """N_1 and gamma_1; the sign of gamma_1 is of no consequence, and `upper` chooses the one that computes well."""
        first, last = -self.k / (1 + self.mach), self.k / (1 - self.mach)
        return self.k + self.mach * s, math.sqrt(self.beta2) * root(last - s) * root(s - first)

    def outer(self, s):
        """N_2 and gamma_2, cut from the right branch point upwards and from the left one downwards."""
        gamma = self.beta_outer * root(self.right - s) * root(s - self.left)
        return self.k + self.mach_outer * self.speed * s, gamma

    def cut_distance(self, s):
        """Distance of a point to the cuts of gamma_2."""
        right, left = s - self.right, self.left - s  # turned round, both cuts go upwards
        distances = [abs(z) if z.imag < 0 else abs(z.real) for z in (right, left)]
        return min(distances)

    def modes(self, eigenvalues, direction):
        """Transform variable s of the waves with these radial eigenvalues that travel along direction +1 or -1.

        exp(-i s x): s is minus the axial wavenumber.
        """
        cut_on = np.asarray(eigenvalues) * math.sqrt(self.beta2)
        wave = np.sqrt((self.k - cut_on) * (self.k + cut_on) + 0j)
        return (self.mach * self.k - direction * wave) / self.beta2

    def kernel(self, s):
        """K(s)."""
        speed, gamma = self.inner(s)
        inside = _quotient(self.section.wall, upper(gamma), 1j)
        speed_outer, gamma = self.outer(s)
        outside = _quotient(lambda z: hankel_pair(self.m, z), gamma, -1j)
        return self.density * speed_outer**2 * outside - speed**2 * inside

    def reach(self):
        """Orders up to which jet modes can come near the line of integration."""
        offset = 3.5 * (abs(self.centre - self.middle) + 0.5 * (self.right - self.left))
        largest = math.hypot(offset * self.beta2, self.k) / math.sqrt(self.beta2)
        return int(largest / np.pi) + 4

    @property
    def middle(self):
        """Centre of the lines: at that of the duct's modes, if the branch points leave room."""
        margin = _MARGIN * (self.right - self.left)
        return min(max(self.centre, self.left + margin), self.right - margin)

    def resonances(self, side):
        """Poles that zeros of H_m'(gamma_2) leave beside the cuts: side +1 next to the right one, -1 to the left."""
        z = hankel_slope_zeros(self.m)
        wave = np.sqrt(self.k_outer**2 - self.beta_outer**2 * z**2)
        s = (self.mach_outer * self.k_outer + side * wave) / self.beta_outer**2
        gamma = self.outer(s)[1]
        return s[np.abs(gamma - z) < np.abs(gamma + z)]

    # Zeros

    def zeros(self, loss):
        """Jet modes of the physical sheet: Kelvin–Helmholtz zeros, other downstream ones, upstream ones.

        Raises
        ------
        ConvergenceError
            A zero was lost on its way.
        """
        count = self.reach()
        if not self.shear and self.speed == 1 and self.density == 1:  # H S' - S H' has no zeros
            return np.full(2, -self.k / self.mach + 0j), np.empty(0, complex), np.empty(0, complex)
        s, outer, kind = self._follow(count, loss)
        gamma = self.outer(s)[1]
        physical = np.abs(gamma - outer) < np.abs(gamma + outer)
        physical |= (kind == 0) & (not self.shear)
        pair, downstream, upstream = (s[physical & (kind == which)] for which in range(3))
        growing = pair[np.argmax(pair.imag)]
        more = self.trapped()
        if growing.real < self.left:  # K is real on the axis there: the mirror image of a zero is another
            pair, more = np.array([growing, growing.conj()]), np.concatenate([more, pair])
            downstream = downstream[np.abs(downstream - growing.conj()) > 1e-7 * self.k]
        leaking, other = self.stray()
        known = np.concatenate([pair, downstream, upstream])
        downstream = np.concatenate([downstream, self._new(np.concatenate([more, leaking]), known)])
        return pair, downstream, np.concatenate([upstream, self._new(other, known)])

    def _new(self, candidates, known):
        return candidates[np.abs(candidates[:, None] - known).min(axis=1, initial=np.inf) > 1e-7 * self.k]

    def trapped(self):
        """Real zeros outside the branch points that carry power downstream: waves that cannot leave the jet.

        The kernel is real there. Between its poles every change of sign is a zero; where the kernel falls, power goes
        downstream (see `jet`).
        """
        ends = -self.k / (1 + self.mach), self.k / (1 - self.mach)  # gamma_1 must be real
        poles = np.concatenate([self.modes(self.section.eigenvalues(self.reach()), side) for side in (1, -1)])
        poles = np.sort(poles[poles.imag == 0].real)
        found = []
        for first, last in ((ends[0], self.left), (self.right, ends[1])):
            if not first < last:
                continue
            edges = np.concatenate([[first], poles[(poles > first) & (poles < last)], [last]])
            for low, high in itertools.pairwise(edges):
                s = 0.5 * (low + high) - 0.5 * (high - low) * np.cos(np.pi * (np.arange(_SCAN) + 0.5) / _SCAN)
                value = self.kernel(s + 0j).real
                fall = np.flatnonzero((value[:-1] > 0) & (value[1:] < 0))
                if len(fall):
                    zeros = elementwise.find_root(
                        lambda s: self.kernel(s + 0j).real, (s[fall], s[fall + 1]), tolerances={"xrtol": 4e-16}
                    )
                    found.append(zeros.x)
        return np.concatenate([np.empty(0), *found]) + 0j

    def _follow(self, count, loss):
        """The zeros at the given density, their gamma_2, and their kind: 0 the pair, 1 downstream, 2 upstream.

        On the way the frequency has a positive imaginary part, which keeps the modes of either direction on their own
        side (causality), away from each other and from the branch points.
        """
        t = step = last = _FIRST_STEP
        start, first = self._on_the_way(0.0, loss), self._on_the_way(t, loss)
        soft = self.section.soft_eigenvalues(count)
        previous = np.concatenate([start.modes(soft, 1), start.modes(soft, -1)])
        s = np.concatenate([first.modes(soft, 1), first.modes(soft, -1)])
        outer = first.outer(s)[1]
        kind = np.repeat([1, 2], count)
        if self.shear:
            previous = np.concatenate([np.full(2, -start.k / self.mach), previous])
            pair = first._weak_pair(t**2)
            s, outer = np.concatenate([pair, s]), np.concatenate([first.outer(pair)[1], outer])
            kind = np.concatenate([[0, 0], kind])
        s, outer, miss = first._newton(s, outer, t**2)
        if not np.all(miss < _JUMP):
            raise ConvergenceError("the modes of a jet in a light fluid were not found")
        while t < 1:
            new = min(t + step, 1.0)
            guess = s + (s - previous) * (new - t) / last
            found, found_outer, miss = self._on_the_way(new, loss)._newton(guess, outer, new**2)
            if np.all(miss < _JUMP):
                previous, s, outer, last, t = s, found, found_outer, new - t, new
                step *= 1.5
                continue
            step /= 2
            if step < _LEAST_STEP:
                # Given up, mostly behind the cuts; the winding number tells if it was needed.
                keep = miss < _JUMP
                if self.shear and not np.all(keep[:2]):
                    raise ConvergenceError(f"the instability was lost on the way, at {t**2:.3f} times its density")
                previous, s, outer, kind = previous[keep], s[keep], outer[keep], kind[keep]
                step = _FIRST_STEP
        if not self.shear:
            pair = np.full(2, -self.k / self.mach + 0j)
            s, outer = np.concatenate([pair, s]), np.concatenate([self.outer(pair)[1], outer])
            kind = np.concatenate([[0, 0], kind])
        return s, outer, kind

    def _on_the_way(self, t, loss):
        """The same streams at the complex frequency met at t, 0 <= t <= 1."""
        k = self.k * np.exp(1j * loss * (1 - t))
        return Sheet(self.m, k, self.mach, self.mach_outer, self.speed, self.density, self.section.hub)

    def _weak_pair(self, weight):
        """Kelvin–Helmholtz pair of a light outer fluid: N_1^2 = weight D N_2^2 (ratio of the two terms)."""
        s = np.full(2, -self.k / self.mach + 0j)
        for _ in range(40):
            inside = _quotient(self.section.wall, self.inner(s)[1], 1j)
            speed, gamma = self.outer(s)
            outside = _quotient(lambda z: hankel_pair(self.m, z), gamma, -1j)
            growth = np.sqrt(-weight * self.density * speed**2 * outside / inside)
            s = (np.array([1j, -1j]) * growth - self.k) / self.mach
        return s

    def stray(self):
        """Zeros beside the real axis between the branch points, sought there by Newton's method from a lattice.

        Modes that leak little come out of the cuts, where no continuation has them. (downstream, upstream)
        """
        x = np.linspace(self.left, self.right, _LATTICE[0] + 2)[1:-1]
        start = (x[:, None] + 1j * self.k_outer * np.linspace(-0.5, 0.5, _LATTICE[1])).ravel()
        s, outer, change = self._iterate(start, self.outer(start)[1], 1.0)
        gamma = self.outer(s)[1]
        good = np.abs(change) < 1e-9 * self.k
        good &= (np.abs(gamma - outer) < np.abs(gamma + outer)) & (self.left < s.real) & (s.real < self.right)
        good &= (np.abs(s.imag) < self.k_outer) & (np.abs(s.imag) > 1e-13 * self.k)
        found = _distinct(s[good], 1e-7 * self.k)
        return found[found.imag < 0], found[found.imag > 0]

    @np.errstate(divide="ignore", invalid="ignore")
    def _newton(self, s, outer, weight):
        """Newton's method for all zeros at once: s, gamma_2, and the corrections over the distance to another zero."""
        start = s
        s, outer, change = self._iterate(s, outer, weight)
        gap = np.abs(s[:, None] - s) + np.abs(outer[:, None] - outer) + np.diag(np.full(len(s), np.inf))
        miss = np.abs(s - start) / gap.min(axis=1) + 1e6 * np.abs(change) / (np.abs(s) + abs(self.k))
        return s, outer, np.where(np.isfinite(miss), miss, np.inf)

    @np.errstate(divide="ignore", invalid="ignore", over="ignore")
    def _iterate(self, s, outer, weight):
        """Newton's method from every s: its end, gamma_2 there continued from `outer`, the last change."""
        limit = 1e3 * (np.max(np.abs(s)) + abs(self.k))
        for _ in range(_NEWTON):
            h = 1e-4 * np.abs(s + self.k / self.mach) + 1e-5 * abs(self.k)
            shifts = np.array([h, -h, 1j * h, -1j * h])
            around = self._characteristic(s + shifts, outer, weight, s)
            slope = (around[0] - around[1] - 1j * (around[2] - around[3])) / (4 * h)
            change = self._characteristic(s, outer, weight, s) / slope
            change = np.where(np.isfinite(change) & (np.abs(s - change) < limit), change, 0.5 * h * _LOST)
            s = s - change
        gamma = self.outer(s)[1]
        return s, np.where(np.abs(gamma - outer) <= np.abs(gamma + outer), gamma, -gamma), change

    def _characteristic(self, s, outer, weight, reference):
        """K times gamma_1 S', without poles, on the sheet where gamma_2 continues `outer`."""
        speed, gamma = self.inner(s)
        value, slope = self.section.wall(gamma)
        growth = np.exp(np.abs(gamma.imag) - np.abs(self.inner(reference)[1].imag))
        speed_outer, gamma_outer = self.outer(s)
        gamma_outer = np.where(np.abs(gamma_outer - outer) <= np.abs(gamma_outer + outer), gamma_outer, -gamma_outer)
        hankel, hankel_slope = hankel_pair(self.m, gamma_outer)
        inertia, inertia_outer = (speed**2, speed_outer**2) if self.shear else (1.0, 1.0)
        outside = weight * self.density * inertia_outer * hankel / (gamma_outer * hankel_slope)
        return growth * (outside * gamma * slope - inertia * value)


class SheetFactors:
    """Factors K = K_plus K_minus of a sheet's kernel.

    K_plus ~ s^(3/2) is regular and not zero above all waves that travel downstream, the Kelvin–Helmholtz pair among
    them; K_minus ~ s^(-1/2) below all that travel upstream.

    Parameters
    ----------
    sheet : Sheet

    Raises
    ------
    ConvergenceError
        A line's winding number is not zero, or the kernel's phase could not be followed.

    Attributes
    ----------
    instability : (count,) complex array
        Kelvin–Helmholtz zeros, s_0 that grows first.
    downstream, upstream : complex arrays
        Other zeros.
    """

    def __init__(self, sheet):
        self.sheet = sheet
        for loss in _LOSSES:
            try:
                zeros = sheet.zeros(loss)
                self._lines = [_Line(sheet, zeros, tilt, shift) for tilt, shift in _LINES]
                self._probe()
                break
            except ConvergenceError as error:
                if loss == _LOSSES[-1]:
                    raise ConvergenceError(f"{error} (and on {len(_LOSSES) - 1} other ways)") from error
        self.instability, self.downstream, self.upstream = zeros

    def _probe(self):
        """Both lines must agree between the branch points."""
        sheet = self.sheet
        _, error = self.plus(sheet.left + (sheet.right - sheet.left) * np.linspace(0.05, 0.95, 10))
        if not np.max(error) < _AGREEMENT:
            raise ConvergenceError(f"two factorisation lines differ by {np.max(error):.1e}")

    def plus(self, s):
        """K_plus at s and the relative difference between the two lines."""
        return self._compare(lambda line: line.plus(s))

    def minus(self, s):
        """K_minus at s and the relative difference between the two lines."""
        return self._compare(lambda line: line.minus(s))

    def pair(self, s):
        """(s - s_0) (s - s_0*), which K_plus contains; for s_0* another point below, if it is behind the cuts."""
        return self._lines[0].pair(s)

    def _compare(self, factor):
        value, other = (factor(line) for line in self._lines)
        return value, np.abs(value - other) / np.abs(value) + 40 * _EPS * (1 + self.sheet.m + self.sheet.k)


class _Line:
    """One line of integration, u = centre + scale e^{-i tilt} sinh y, and the factors it gives."""

    def __init__(self, sheet, zeros, tilt, shift):
        self.sheet = sheet
        instability, downstream, upstream = zeros
        self.centre = sheet.middle - shift * (sheet.right - sheet.left)
        self.turn = np.exp(1j * tilt)
        self.scale = _SCALE * min(self.centre - sheet.left, sheet.right - self.centre)
        eigenvalues = sheet.section.eigenvalues(sheet.reach())
        poles = [np.concatenate([sheet.modes(eigenvalues, side), sheet.resonances(-side)]) for side in (1, -1)]
        # (point, partner, order): the order is +1 for a zero of K, -1 for a pole.
        self._plus = self._near(downstream, -1, 1) + self._near(poles[0], -1, -1)
        self._minus = self._near(upstream, 1, 1) + self._near(poles[1], 1, -1)
        pair = list(instability) if len(instability) == 2 else [*instability, self._partner(instability[0], -1)]
        self._pair = np.array(pair)
        self._removed = np.array([point for point, _, _ in self._plus + self._minus] + list(self._pair))
        partners = [partner for _, partner, _ in self._plus + self._minus]
        everything = np.concatenate([self._pair, downstream, upstream, *poles, partners])
        self._room = np.array([self._room_around(point, everything) for point in self._removed])
        speed = sheet.mach_outer * sheet.speed
        self._limit = -1j * (sheet.density * speed**2 / sheet.beta_outer + sheet.mach**2 / math.sqrt(sheet.beta2))
        end = math.asinh(_END * (1 + sheet.k) / self.scale)
        steps = 2 * math.ceil(end / _STEP)  # even nodes at multiples of the step, odd ones half-way
        self._y = 0.5 * _STEP * np.arange(-steps, steps + 1)
        self._v = self.scale * np.sinh(self._y)  # the rotated line: real
        self._weight = self.scale * np.cosh(self._y) * _STEP / (2j * np.pi)
        self._log_line = self._unwrap(self._reduced(self.centre + self._v / self.turn))

    def pair(self, s):
        return (s - self._pair[0]) * (s - self._pair[1])

    def _parameter(self, s):
        return np.arcsinh((np.asarray(s) - self.centre) * self.turn / self.scale)

    def _partner(self, point, side):
        y = self._parameter(point).real + 1j * side * _PARTNER
        return complex(self.centre + self.scale * np.sinh(y) / self.turn)

    def _near(self, points, side, order):
        """Those of the points that lie on the wrong side (side: -1 below, +1 above), or near the line."""
        inside = side * self._parameter(points).imag < _STRIP
        return [(complex(point), self._partner(point, side), order) for point in points[inside]]

    def _room_around(self, point, others):
        """A quarter of the distance to the nearest other singularity."""
        distance = np.abs(np.asarray(others) - point)
        return 0.25 * min(float(distance[distance > 0].min()), self.sheet.cut_distance(point))

    def _rational(self, s, removed):
        value = np.ones(np.shape(s), complex)
        for point, partner, order in removed:
            value *= ((s - point) / (s - partner)) ** order
        return value

    def _reduced(self, s):
        """F(s): K without its singularities near the line, made to tend to one."""
        sheet = self.sheet
        value = sheet.kernel(s) * root(sheet.right - s) * root(s - sheet.left) / self._limit
        return value / (self.pair(s) * self._rational(s, self._plus + self._minus))

    def _reduced_at(self, s):
        """F at any point, also at the singularities that were removed."""
        distance = np.abs(s[:, None] - self._removed) / self._room
        nearest = np.argmin(distance, axis=1)
        close = distance[np.arange(len(s)), nearest] < 0.25
        value = np.empty_like(s)
        value[~close] = self._reduced(s[~close])
        if np.any(close):
            which = nearest[close]
            value[close] = beside(self._reduced, s[close], self._removed[which], self._room[which])
        return value

    @staticmethod
    def _unwrap(values):
        steps = np.angle(values[:-1] / values[1:])
        if not np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
            raise ConvergenceError("the kernel's phase jumps along the factorisation line")
        phase = np.angle(values[-1]) + np.append(np.cumsum(steps[::-1])[::-1], 0.0)
        winding = phase[0] / (2 * np.pi)
        if not abs(winding) < 0.1:
            raise ConvergenceError(f"the kernel's winding number on the factorisation line is {winding:.2f}, not 0")
        return np.log(np.abs(values)) + 1j * phase

    def _logs(self, s):
        """ln F_plus and ln F_minus at s."""
        y = self._parameter(s)
        v = (s - self.centre) * self.turn
        here = np.log(self._reduced_at(s))
        # Beside the line ln F(s) (v^2 + q^2) / (u^2 + q^2) is subtracted, whose integral is ln F(s) (1 + i v / q) / 2.
        near = np.abs(y.imag) < _NEAR
        phase = np.interp(y.real, self._y, self._log_line.imag)
        here += np.where(near, 2j * np.pi * np.round((phase - here.imag) / (2 * np.pi)), 0)
        q = np.hypot(np.abs(v), self.scale)
        subtracted = np.where(near, here, 0.0)
        integral = subtracted * 0.5 * (1 + 1j * v / q)
        # Of two interleaved rules, the one whose nodes keep clear of s.
        odd = np.abs(y.real / _STEP - np.rint(y.real / _STEP)) < 0.25
        for which in (0, 1):
            use = odd == bool(which)
            u, level = self._v[which::2, None], subtracted[use]
            numerator = self._log_line[which::2, None] - level * (v[use] ** 2 + q[use] ** 2) / (u**2 + q[use] ** 2)
            integral[use] += self._weight[which::2] @ (numerator / (u - v[use]))
        above = near | (v.imag > 0)
        return np.where(above, integral, here + integral), np.where(above, here - integral, -integral)

    def plus(self, s):
        s = np.asarray(s, dtype=complex)
        log, _ = self._logs(s.ravel())
        return np.exp(log.reshape(s.shape)) * self.pair(s) / root(s - self.sheet.left) * self._rational(s, self._plus)

    def minus(self, s):
        s = np.asarray(s, dtype=complex)
        _, log = self._logs(s.ravel())
        return np.exp(log.reshape(s.shape)) * self._limit / root(self.sheet.right - s) * self._rational(s, self._minus)


@lru_cache(maxsize=256)
def hankel_slope_zeros(m):
    """Zeros of H_m' with -pi / 4 < arg z < 0, by Newton's method from a grid; they lie within |z| < m + 2."""
    x, y = np.meshgrid(np.linspace(0.2, m + 2, 2 * m + 8), np.linspace(-0.05, -0.7 * m - 1, m + 6))
    z = (x + 1j * y).ravel()
    for _ in range(30):
        value, slope = hankel_pair(m, z)
        change = slope / (slope / z + (1 - (m / z) ** 2) * value)  # H'' = -H'/z - (1 - m^2/z^2) H
        z = z + change * np.minimum(1, 0.5 / np.maximum(np.abs(change), 1e-300))
    found = np.isfinite(z) & (np.abs(change) < 1e-10) & (z.imag < 0) & (z.imag > -z.real)
    return _distinct(z[found], 1e-6)


def _distinct(points, distance):
    """Points of which no two are closer than the distance."""
    kept: list[complex] = []
    for point in points:
        if all(abs(point - other) > distance for other in kept):
            kept.append(point)
    return np.array(kept, dtype=complex)


def upper(gamma):
    """gamma or -gamma, whichever has Im >= 0: with a hub S is a small difference below the real axis."""
    return np.where(gamma.imag < 0, -gamma, gamma)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")  # not finite at branch points; who uses it looks
def _quotient(pair, gamma, sign):
    """f / (gamma f'); f grows (sign = 1j) or decays (-1j) with Im gamma."""
    far = (np.abs(gamma) > _FAR) & (gamma.imag > 100)
    value, slope = pair(np.where(far, 1j, gamma))
    size = np.where(far, gamma, 1.0)
    return np.where(far, 1 / (size * (1 / sign - 0.5 / size)), value / (np.where(far, 1.0, gamma) * slope))
