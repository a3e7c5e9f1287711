"""Factorisation of a vortex sheet's kernel.

The line of integration is straight, between the branch points. Zeros and poles beside it or on its wrong side are
divided out, each with a partner far on its right side. What is left must not wind around the origin; a second line
gives the error.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .arrays import EPS, ComplexArray, FloatArray
from .errors import ConvergenceError
from .section import beside
from .sheet import Sheet
from .wavenumbers import root

_ROUNDING = 40 * EPS  # of a factor, times 1 + m + k: twice that of `factorisation`, for the sums on two lines
# Tilt [rad]; shift of the centre, in branch point distances: different nodes and removed zeros, so that the two share
# no error but that of the kernel itself.
_LINES = ((0.25 * np.pi, 0.0), (0.2 * np.pi, 0.06))
_SCALE = 0.25  # of a line's bend, in the centre's distance to the nearer branch point: it has turned well before that
STEP = 0.06  # of the trapezoidal rule along a line: exp(-2 pi 0.4 / 0.06) is 6e-19, see also docs/validation.md
_END = 1e17  # |s| where a line ends: ln F falls like 1 / s, to less than eps well before it
_STRIP = 0.4  # half width, in the line's parameter, of the strip that is cleared of zeros and poles
_PARTNER = 1.25  # distance, in the line's parameter, of their partners: below pi / 2, where the parameter folds
_NEAR = 0.3  # distance, in the line's parameter, below which ln F(s) is subtracted: exp(-2 pi 0.3 / 0.06) = 2e-14
_LARGEST_PHASE_STEP = 1.2  # of ln F between neighbours [rad]; more, and its branch is not certain
# Argument of the complex frequency at which the zeros are first followed, tried in turn: the first suffices for 30 of
# 30 random jets, the others lead around points where two zeros meet.
_LOSSES = (0.1, 0.3, 0.03, 0.6)
_AGREEMENT = 1e-8  # of the two lines: a lost zero costs orders more; converged lines differ by 1e-13
_WHOLE = 0.1  # largest difference of a winding number to 0: it is an integer, but for the ends of the line
_PROBES = 10  # points between the branch points at which the lines are compared
_Removed: TypeAlias = tuple[complex, complex, int]  # point, partner, order: +1 for a zero of K, -1 for a pole


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

    def __init__(self, sheet: Sheet) -> None:
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

    def _probe(self) -> None:
        """Both lines must agree between the branch points."""
        sheet = self.sheet
        between = np.linspace(0.05, 0.95, _PROBES)  # off the branch points themselves
        _, error = self.plus(np.asarray(sheet.left + (sheet.right - sheet.left) * between, dtype=complex))
        if not np.max(error) < _AGREEMENT:
            raise ConvergenceError(f"two factorisation lines differ by {np.max(error):.1e}")

    def plus(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """K_plus at s and the relative difference between the two lines."""
        return self._compare(lambda line: line.plus(s))

    def minus(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """K_minus at s and the relative difference between the two lines."""
        return self._compare(lambda line: line.minus(s))

    def pair(self, s: ComplexArray) -> ComplexArray:
        """(s - s_0) (s - s_0*), which K_plus contains; for s_0* another point below, if it is behind the cuts."""
        return self._lines[0].pair(s)

    def _compare(self, factor: "Callable[[_Line], ComplexArray]") -> tuple[ComplexArray, FloatArray]:
        value, other = (factor(line) for line in self._lines)
        return value, np.abs(value - other) / np.abs(value) + _ROUNDING * (1 + self.sheet.m + self.sheet.k)


class _Line:
    """One line of integration, u = centre + scale e^{-i tilt} sinh y, and the factors it gives."""

    def __init__(
        self, sheet: Sheet, zeros: tuple[ComplexArray, ComplexArray, ComplexArray], tilt: float, shift: float
    ) -> None:
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
        steps = 2 * math.ceil(end / STEP)  # even nodes at multiples of the step, odd ones half-way
        self._y = 0.5 * STEP * np.arange(-steps, steps + 1)
        self._v = self.scale * np.sinh(self._y)  # the rotated line: real
        self._weight = self.scale * np.cosh(self._y) * STEP / (2j * np.pi)
        self._log_line = self._unwrap(self._reduced(self.centre + self._v / self.turn))

    def pair(self, s: ComplexArray) -> ComplexArray:
        return (s - self._pair[0]) * (s - self._pair[1])

    def _parameter(self, s: npt.ArrayLike) -> ComplexArray:
        return np.arcsinh((np.asarray(s) - self.centre) * self.turn / self.scale)

    def _partner(self, point: complex, side: int) -> complex:
        y = self._parameter(point).real + 1j * side * _PARTNER
        return complex(self.centre + self.scale * np.sinh(y) / self.turn)

    def _near(self, points: ComplexArray, side: int, order: int) -> list[_Removed]:
        """Points that lie on the wrong side (side: -1 below, +1 above) or near the line, with their partners."""
        inside = side * self._parameter(points).imag < _STRIP
        return [(complex(point), self._partner(point, side), order) for point in points[inside]]

    def _room_around(self, point: complex, others: ComplexArray) -> float:
        """A quarter of the distance to the nearest other singularity."""
        distance = np.abs(np.asarray(others) - point)
        return 0.25 * min(float(distance[distance > 0].min()), self.sheet.cut_distance(point))

    def _rational(self, s: ComplexArray, removed: Sequence[_Removed]) -> ComplexArray:
        value = np.ones(np.shape(s), complex)
        for point, partner, order in removed:
            value *= ((s - point) / (s - partner)) ** order
        return value

    def _reduced(self, s: ComplexArray) -> ComplexArray:
        """F(s): K without its singularities near the line, made to tend to one."""
        sheet = self.sheet
        value = sheet.kernel(s) * root(sheet.right - s) * root(s - sheet.left) / self._limit
        return value / (self.pair(s) * self._rational(s, self._plus + self._minus))

    def _reduced_at(self, s: ComplexArray) -> ComplexArray:
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
    def _unwrap(values: ComplexArray) -> ComplexArray:
        steps = np.angle(values[:-1] / values[1:])
        if not np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
            raise ConvergenceError("the kernel's phase jumps along the factorisation line")
        phase = np.angle(values[-1]) + np.append(np.cumsum(steps[::-1])[::-1], 0.0)
        winding = phase[0] / (2 * np.pi)
        if not abs(winding) < _WHOLE:
            raise ConvergenceError(f"the kernel's winding number on the factorisation line is {winding:.2f}, not 0")
        return np.log(np.abs(values)) + 1j * phase

    def _logs(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
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
        odd = np.abs(y.real / STEP - np.rint(y.real / STEP)) < 0.25
        for which in (0, 1):
            use = odd == bool(which)
            u, level = self._v[which::2, None], subtracted[use]
            numerator = self._log_line[which::2, None] - level * (v[use] ** 2 + q[use] ** 2) / (u**2 + q[use] ** 2)
            integral[use] += self._weight[which::2] @ (numerator / (u - v[use]))
        above = near | (v.imag > 0)
        return np.where(above, integral, here + integral), np.where(above, here - integral, -integral)

    def plus(self, s: ComplexArray) -> ComplexArray:
        s = np.asarray(s, dtype=complex)
        log, _ = self._logs(s.ravel())
        return np.exp(log.reshape(s.shape)) * self.pair(s) / root(s - self.sheet.left) * self._rational(s, self._plus)

    def minus(self, s: ComplexArray) -> ComplexArray:
        s = np.asarray(s, dtype=complex)
        _, log = self._logs(s.ravel())
        return np.exp(log.reshape(s.shape)) * self._limit / root(self.sheet.right - s) * self._rational(s, self._minus)
