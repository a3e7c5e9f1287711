r"""One line of integration for the factors of a vortex sheet's kernel.

The line u = centre + scale e^{-i tilt} sinh y is straight, between the branch points. Zeros and poles beside it or on
its wrong side are divided out, each with a partner far on its right side. What is left, F, must not wind around the
origin. Then, with the trapezoidal rule of step h and y_s the parameter of s,

    ln F_plus(s) = h / (2 pi i) \sum ln F(u) u'(y) / (u - s) - ln F(s) / (exp(-2 pi i y_s / h) - 1)

on either side of the line: the second term is the rule's error from the pole at u = s, where it is known exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .arrays import BoolArray, ComplexArray
from .errors import ConvergenceError
from .section import beside
from .sheet import Sheet
from .wavenumbers import root

_SCALE = 0.25  # of a line's bend, in the centre's distance to the nearer branch point: it has turned well before that
_END = 1e9  # |s| where a line ends: ln F falls like 1 / s, and what is left out is known to 1e-9 of it
STRIP = 0.4  # half width, in the line's parameter, of the strip that is cleared of zeros and poles
_PARTNER = 1.25  # distance, in the line's parameter, of their partners: below pi / 2, where the parameter folds
_LARGEST_PHASE_STEP = 1.2  # of ln F between neighbours [rad]; more, and its branch is not certain
_WHOLE = 0.1  # largest difference of a winding number to 0: it is an integer, but for the ends of the line
# Nodes further than this many times |s| contribute by their first moments: 100^-8 is below rounding.
_FAR, _MOMENTS = 100.0, 8
_MOST_CLEARED = 2000  # zeros and poles divided out, a product over all of them at every node: a second
_RADIUS = 0.25  # of a circle around a node, in steps, from which F_plus beside the node is taken
_Removed: TypeAlias = tuple[complex, complex, int]  # point, partner, order: +1 for a zero of K, -1 for a pole


@dataclass(frozen=True)
class Singularities:
    """Zeros and poles of the kernel.

    pair : s_0, and s_0* if it is on the physical sheet. zeros, poles : two arrays each, of those below the line's
    causal place, which belong to K_plus, and of those above it, which belong to K_minus.
    """

    pair: ComplexArray
    zeros: tuple[ComplexArray, ComplexArray]
    poles: tuple[ComplexArray, ComplexArray]


class Line:
    """Line of integration, and the factors it gives once `clear` and `integrate` were called.

    Parameters
    ----------
    sheet : Sheet
    tilt : float
        Angle to the real axis [rad].
    shift : float
        Of the centre, in the distance of the branch points.
    step : float
        Of the trapezoidal rule.

    Attributes
    ----------
    nodes : (node,) complex array
        u.
    """

    def __init__(self, sheet: Sheet, tilt: float, shift: float, step: float) -> None:
        self.sheet, self.step = sheet, step
        self.centre = sheet.middle - shift * (sheet.right - sheet.left)
        self.turn = np.exp(1j * tilt)
        self.scale = _SCALE * min(self.centre - sheet.left, sheet.right - self.centre)
        speed = sheet.mach_outer * sheet.speed
        self._limit = -1j * (sheet.density * speed**2 / sheet.beta_outer + sheet.mach**2 / math.sqrt(sheet.beta2))
        steps = math.ceil(math.asinh(_END * (1 + sheet.k) / self.scale) / step)
        self._y = step * np.arange(-steps, steps + 1)
        self._v = self.scale * np.sinh(self._y)  # the rotated line: real
        self.nodes: ComplexArray = self.centre + self._v / self.turn

    def near(self, points: ComplexArray, side: int, strip: float = STRIP) -> BoolArray:
        """Which points are on the wrong side (side: -1 below, +1 above) or in a strip around the line."""
        near: BoolArray = side * self._parameter(points).imag < strip
        return near

    def clear(self, known: Singularities) -> None:
        """Divide out what is near the line.

        Raises
        ------
        ConvergenceError
            It is too much.
        """
        near = [
            [(complex(point), self._partner(point, side), order) for point in points[self.near(points, side)]]
            for side, zeros, poles in zip((-1, 1), known.zeros, known.poles, strict=True)
            for points, order in ((zeros, 1), (poles, -1))
        ]
        self._plus, self._minus = near[0] + near[1], near[2] + near[3]
        cleared = len(self._plus) + len(self._minus)
        if cleared > _MOST_CLEARED:
            raise ConvergenceError(f"{cleared} zeros and poles lie near the factorisation line, above {_MOST_CLEARED}")
        pair = list(known.pair) if len(known.pair) == 2 else [*known.pair, self._partner(known.pair[0], -1)]
        self._pair = np.array(pair)
        removed = self._plus + self._minus
        self._removed = np.array([point for point, _, _ in removed] + list(known.pair))
        partners = [partner for _, partner, _ in removed]
        every = np.concatenate([pair, *known.zeros, *known.poles, partners])
        distances = (np.abs(every - point) for point in self._removed)  # of all at once they would take gigabytes
        nearest = np.array([distance[distance > 0].min() for distance in distances])
        cuts = [self.sheet.cut_distance(point) for point in self._removed]
        # A quarter of the distance to the nearest other singularity.
        self._room = 0.25 * np.minimum(nearest, cuts)

    def integrate(self, kernel: ComplexArray) -> None:
        """Set ln F from the kernel at the nodes.

        Raises
        ------
        ConvergenceError
            The kernel's winding number is not zero, its phase could not be followed, or a zero that belongs to K_minus
            lies below the line: with it another of K_plus could hide from the winding number.
        """
        log = unwrap(self._reduced(self.nodes, kernel))
        self._phase = log.imag
        unknown = self._unknown(kernel[len(kernel) // 2])
        if not abs(unknown) < _WHOLE:
            raise ConvergenceError(f"{unknown:.2f} zeros of the kernel between line and real axis are not known")
        self._weighted = log * self.scale * np.cosh(self._y) * (self.step / (2j * np.pi))
        # Beyond the ends ln F falls like 1 / s, so that the terms left out are a geometric series.
        self._weighted[[0, -1]] /= 1 - math.exp(-self.step)

    def _unknown(self, centre_kernel: complex) -> float:
        """Number of zeros between the real axis and the line's left half, above it, but for s_0.

        Just above the axis, left of the centre, Im K <= 0: energy leaves downstream. From arg K = -pi at -infinity the
        argument at the centre is thus known without its branch. From there K is followed along the line to the left,
        and back to -infinity, where K ~ s, along a large arc.
        """
        start, end = self.centre + 0j, self.nodes[0]

        def turned(first: complex, last: complex) -> float:
            return float(np.angle(last / first))  # of a straight line about a point that is not on it: below pi

        total = np.pi - abs(float(np.angle(centre_kernel))) + float(np.angle(self.turn))
        total += self._phase[0] - self._phase[len(self._phase) // 2]
        for point, partner, order in [*self._plus, *self._minus]:
            total += order * (turned(start - point, end - point) - turned(start - partner, end - partner))
        total += sum(turned(start - point, end - point) for point in self._pair)
        for sign, branch in ((-1, self.sheet.right), (1, self.sheet.left)):
            total -= turned(complex(root(sign * (start - branch))), complex(root(sign * (end - branch))))
        growing = self._pair[0]  # on the axis if the streams are equal: a double zero, passed above
        return total / (2 * np.pi) - float(growing.imag >= 0 and self._parameter(growing).imag < 0)

    def pair(self, s: ComplexArray) -> ComplexArray:
        """(s - s_0) (s - s_0*); for s_0* another point below, if it is behind the cuts."""
        return (s - self._pair[0]) * (s - self._pair[1])

    def reads(self, s: ComplexArray, side: int) -> BoolArray:
        """Where K_plus (side +1) or K_minus (-1) takes the kernel at s: elsewhere than far on the factor's side."""
        reads: BoolArray = side * self._parameter(s).imag < STRIP
        return reads

    def plus(self, s: ComplexArray, kernel: ComplexArray) -> ComplexArray:
        """K_plus at s (point,), with the kernel where `reads`."""
        factor = np.exp(self._log(s, kernel, 1)) * self._rational(s, self._plus)
        return factor * self.pair(s) / root(s - self.sheet.left)

    def minus(self, s: ComplexArray, kernel: ComplexArray) -> ComplexArray:
        """K_minus at s (point,), with the kernel where `reads`."""
        factor = np.exp(self._log(s, kernel, -1)) * self._rational(s, self._minus)
        return factor * self._limit / root(self.sheet.right - s)

    def _parameter(self, s: npt.ArrayLike) -> ComplexArray:
        return np.arcsinh((np.asarray(s) - self.centre) * self.turn / self.scale)

    def _partner(self, point: complex, side: int) -> complex:
        y = self._parameter(point).real + 1j * side * _PARTNER
        return complex(self.centre + self.scale * np.sinh(y) / self.turn)

    def _rational(self, s: ComplexArray, removed: Sequence[_Removed]) -> ComplexArray:
        value = np.ones(np.shape(s), complex)
        for point, partner, order in removed:
            value *= (s - point) / (s - partner) if order > 0 else (s - partner) / (s - point)
        return value

    def _reduced(self, s: ComplexArray, kernel: ComplexArray) -> ComplexArray:
        """F(s): K without its singularities near the line, made to tend to one."""
        sheet = self.sheet
        value = kernel * root(sheet.right - s) * root(s - sheet.left) / self._limit
        return value / (self.pair(s) * self._rational(s, self._plus + self._minus))

    def _reduced_at(self, s: ComplexArray, kernel: ComplexArray) -> ComplexArray:
        """F at any point, also at the singularities that were removed."""
        distance = np.abs(s[:, None] - self._removed) / self._room
        nearest = np.argmin(distance, axis=1)
        close = distance[np.arange(len(s)), nearest] < 0.25
        value = np.empty_like(s)
        value[~close] = self._reduced(s[~close], kernel[~close])
        if np.any(close):
            which = nearest[close]
            value[close] = beside(
                lambda z: self._reduced(z, self.sheet.kernel(z)), s[close], self._removed[which], self._room[which]
            )
        return value

    def _log(self, s: ComplexArray, kernel: ComplexArray, side: int) -> ComplexArray:
        """ln F_plus (side +1) or ln F_minus (-1) at s."""
        y = self._parameter(s)
        node = np.rint(y.real / self.step)
        close = np.abs(y - self.step * node) < 0.25 * _RADIUS * self.step
        value = np.empty_like(s)
        value[~close] = self._log_apart(s[~close], kernel[~close], side)
        if np.any(close):
            there = node[close].astype(int) + len(self._y) // 2
            radius = _RADIUS * self.step * self.scale * np.cosh(self._y[there])
            value[close] = beside(
                lambda z: self._log_apart(z.ravel(), self.sheet.kernel(z.ravel()), side).reshape(z.shape),
                s[close],
                self.nodes[there],
                radius,
            )
        return value

    def _log_apart(self, s: ComplexArray, kernel: ComplexArray, side: int) -> ComplexArray:
        """The same at points that are no nodes."""
        y, v = self._parameter(s), (s - self.centre) * self.turn
        bound = _FAR * (self.scale + np.max(np.abs(v), initial=0.0))
        first = np.searchsorted(self._v, -bound)
        near, far = slice(first, len(self._v) - first), np.r_[:first, len(self._v) - first : len(self._v)]
        total = self._weighted[near] @ (1 / (self._v[near, None] - v))
        moments = self._weighted[far] / self._v[far] @ (bound / self._v[far, None]) ** np.arange(_MOMENTS)
        total += np.polynomial.polynomial.polyval(v / bound, moments)
        reads = side * y.imag < STRIP
        strip = reads & (np.abs(y.imag) < STRIP)
        log = np.log(self._reduced_at(s[reads], kernel[reads]))
        # Beside the line, the branch of the logarithm is that on it.
        phase = np.interp(y.real[reads], self._y, self._phase)
        log += np.where(strip[reads], 2j * np.pi * np.round((phase - log.imag) / (2 * np.pi)), 0)
        # exp(-2 pi i y / h) is infinite or zero, but for rounding, outside the strip.
        share = np.where(strip, -1 / np.expm1(side * -2j * np.pi * np.where(strip, y, 1j) / self.step), 1.0)
        result = side * total
        result[reads] += share[reads] * log
        return result


def unwrap(values: ComplexArray) -> ComplexArray:
    """Continuous logarithm along a line, small at its ends.

    Raises
    ------
    ConvergenceError
        The winding number is not zero, or the phase could not be followed.
    """
    steps = np.angle(values[:-1] / values[1:])
    if not np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
        raise ConvergenceError("the kernel's phase jumps along the factorisation line")
    phase = np.angle(values[-1]) + np.append(np.cumsum(steps[::-1])[::-1], 0.0)
    winding = phase[0] / (2 * np.pi)
    if not abs(winding) < _WHOLE:
        raise ConvergenceError(f"the kernel's winding number on the factorisation line is {winding:.2f}, not 0")
    return np.log(np.abs(values)) + 1j * phase
