r"""Factors of the kernel of a hard | lined transition in uniform flow, K(s) = 1 - y N^2 / F(gamma^2) = K_plus K_minus.

K_plus is regular without zeros above the zeros and poles of downstream waves, the lined and the hard-walled duct's, and
K_minus below those of upstream waves. K grows: with C(s) = sqrt(1 + (a t)^2), t = s e^{i theta}, a = M^2 |y| / beta^2,
K / C has equal limits in both directions of the line s = e^{-i theta} t, whose logarithm is divided out, too. On the
line t = B sinh x, with z = K / (C exp(i phase)),

    ln z_plus(s) = (1 / 2 pi i) \int ln z(u) / (u - s) du

above it. Lined modes close to the line, or on the side where they do not belong, are first moved away by factors (s -
moved) / (s - mode). There are several lines, each for the points that are far from it; the factors agree but for a
constant.
"""

from dataclasses import dataclass

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray
from ..errors import ConvergenceError
from .flow_modes import FlowModes, FlowWall

_TILTS = np.pi * np.array([0.25, 0.15, 0.35, 0.2, 0.3, 0.1, 0.4])  # theta
_FEW = 3  # of them, among which every point is far enough from one
_BEND = 0.5  # B over the smallest wavenumber, or modulus of a point
_CLEAR = 0.25  # least distance of zeros and poles to the line, in x; closer ones are moved away to _MOVED
_MOVED = 0.8
_EXPONENT = 36.0  # exp(-36) = 2e-16 is the rule's error for singularities at the distance at hand
_LARGEST_STEP = 0.08
_END = 1e17  # of |t| over the other lengths: ln z falls like 1 / t
_LARGEST_PHASE_STEP = 1.5  # of ln z between neighbours [rad]


def kernel(wall: FlowWall, s: ComplexArray) -> ComplexArray:
    """K(s)."""
    return np.asarray(1 - wall.y * wall.convected(s) ** 2 / wall.admittance(s)[0])


@dataclass(frozen=True)
class Singularities:
    """Zeros and poles of K, by the factor that they belong to.

    Attributes
    ----------
    kappa : (mode,) complex array
        Wavenumbers of the hard-walled duct: poles -kappa of K_plus and kappa of K_minus.
    lined : FlowModes
        Zeros `down` of K_plus and `up` of K_minus.
    """

    kappa: ComplexArray
    lined: FlowModes

    @property
    def span(self) -> tuple[float, float]:
        """Smallest and largest modulus."""
        size = np.abs(np.concatenate([self.kappa, self.lined.down, self.lined.up]))
        return float(np.min(size)), float(np.max(size))


class FlowFactor:
    """Factors of the kernel at the modes' wavenumbers.

    Parameters
    ----------
    wall : FlowWall
    singularities : Singularities
    least : float
        Least modulus of the points at which factors are wanted, if it is smaller than that of the singularities: the
        lines meet at the origin.

    Raises
    ------
    ConvergenceError
        The kernel's phase could not be followed along a line.
    """

    def __init__(self, wall: FlowWall, singularities: Singularities, least: float = np.inf) -> None:
        if not singularities.span[0] > 0:
            raise ConvergenceError(f"a mode is at its cut-on, at K = {wall.k}")
        self._wall, self._all, self._bend = wall, singularities, _BEND * min(singularities.span[0], least)
        self._reference = singularities.kappa[-1:]
        self._lines: dict[int, tuple[_Line, complex]] = {}

    def plus(self, s: ComplexArray) -> tuple[ComplexArray, float]:
        """K_plus at s, above the zeros and poles of K_plus, and the largest error estimate of its logarithm."""
        return self._sides(s, 1)

    def minus(self, s: ComplexArray) -> tuple[ComplexArray, float]:
        """K_minus at s, below the zeros and poles of K_minus, and the largest error estimate of its logarithm."""
        return self._sides(s, -1)

    def anywhere(self, s: ComplexArray, side: int) -> ComplexArray:
        """K_plus (side 1) or K_minus (-1) at any points, from the line that is farthest away."""
        height = side * np.array([_height(s, float(tilt), self._bend) for tilt in _TILTS[:_FEW]])
        chosen = np.argmax(np.abs(height), axis=0)
        values = np.empty_like(s)
        for index in range(_FEW):
            for below in (False, True):
                here = (chosen == index) & ((height[index] < 0) == below)
                if not np.any(here):
                    continue
                line, constant = self._line(index)
                part = line.factor(s[here], -side if below else side)[0]
                values[here] = (kernel(self._wall, s[here]) / part if below else part) * constant**side
        return values

    def _sides(self, s: ComplexArray, side: int) -> tuple[ComplexArray, float]:
        distance = np.array([side * _height(s, float(tilt), self._bend) for tilt in _TILTS])
        # The first line that will do, so that few are computed; else one that has the point far on its wrong side.
        enough = distance > _CLEAR
        chosen = np.where(np.any(enough, axis=0), np.argmax(enough, axis=0), np.argmax(np.abs(distance), axis=0))
        best = np.take_along_axis(distance, chosen[None], axis=0)[0]
        values, error = np.empty_like(s), 0.0
        for index in np.unique(chosen):
            line, constant = self._line(int(index))
            for across in (False, True):
                here = (chosen == index) & ((best < 0) == across)
                values[here], lost = (line.across if across else line.factor)(s[here], side)
                values[here] *= constant**side
                error = max(error, lost)
        return values, error

    def _line(self, index: int) -> tuple["_Line", complex]:
        """A line, and the constant by which its K_plus agrees with the first one's."""
        if index not in self._lines:
            line, constant = _Line(self._wall, self._all, float(_TILTS[index]), self._bend), 1 + 0j
            if index:
                first, _ = self._line(0)
                constant = complex((first.factor(self._reference, 1)[0] / line.factor(self._reference, 1)[0])[0])
            self._lines[index] = line, constant
        return self._lines[index]


def _height(s: ComplexArray, tilt: float, bend: float) -> FloatArray:
    """Im x of points; the line is at 0."""
    return np.asarray(np.arcsinh(s * np.exp(1j * tilt) / bend).imag)


class _Line:
    """The factors from one line."""

    def __init__(self, wall: FlowWall, every: Singularities, tilt: float, bend: float) -> None:
        self._wall, self._turn = wall, np.exp(1j * tilt)
        self._growth = wall.mach**2 * abs(wall.y) / wall.beta**2
        self._phase = float(np.angle(-wall.y / self._turn)) if wall.mach else 0.0
        largest = every.span[1]
        self._moved: list[tuple[complex, complex, int]] = []  # zero, where to, and whose: 1 of K_plus, -1 of K_minus
        for zeros, side in ((every.lined.down, 1), (every.lined.up, -1)):
            height = -side * _height(zeros, tilt, bend)
            for zero in zeros[height < _CLEAR]:
                x = np.arcsinh(zero * self._turn / bend).real - 1j * side * _MOVED
                self._moved.append((complex(zero), complex(bend * np.sinh(x) / self._turn), side))
        step = min(_LARGEST_STEP, 2 * np.pi * _CLEAR / _EXPONENT)
        hydrodynamic = min(1 / self._growth, 1e60) if self._growth else 0.0
        end = np.arcsinh(_END * max(largest, wall.k / max(abs(wall.mach), 1e-30), hydrodynamic) / bend)
        x = (np.arange(-int(end / step) - 1, int(end / step) + 1) + 0.5) * step
        t = bend * np.sinh(x)
        self._u = t / self._turn
        self._terms = self._logarithm(t) * bend * np.cosh(x) * (step / (2j * np.pi * self._turn))
        self._rounding = 20 * EPS * (1 + wall.section.m + wall.k / 4)  # of the Bessel functions

    def _logarithm(self, t: FloatArray) -> ComplexArray:
        """ln z on the line, zero at its ends."""
        u = t / self._turn
        z = kernel(self._wall, u) / (np.hypot(1, self._growth * t) * np.exp(1j * self._phase))
        for zero, moved, _ in self._moved:
            z = z * ((u - moved) / (u - zero))
        steps = np.angle(z[1:] / z[:-1])
        if not np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
            raise ConvergenceError("the phase of a lined duct's kernel jumps along the factorisation line")
        phase = np.angle(z[0]) + np.concatenate([[0.0], np.cumsum(steps)])
        if abs(phase[-1] - np.angle(z[-1])) > 1:
            raise ConvergenceError(
                "the winding number of a lined duct's kernel is not zero: a mode is on the wrong side"
            )
        return np.asarray(np.log(np.abs(z)) + 1j * phase)

    def factor(self, s: ComplexArray, side: int, *, slope: bool = False) -> tuple[ComplexArray, float]:
        """K_plus at s above the line (side 1), or K_minus below it (-1), and the error estimate of the logarithm.

        slope : their derivatives at zeros of theirs instead.
        """
        weights = side / (self._u - s[:, None])
        value, coarse = weights @ self._terms, 2 * (weights[:, ::2] @ self._terms[::2])
        result = np.exp(value + 0.5j * self._phase) * np.sqrt(1 - 1j * side * self._growth * s * self._turn)
        for zero, moved, whose in self._moved:
            if whose == side:
                away = np.where(slope & (s == zero), 1.0, s - zero)
                result = result * (away / (s - moved))
        return result, float(np.max(np.abs(value - coarse) ** 1.5, initial=0.0)) + self._rounding

    def across(self, s: ComplexArray, side: int) -> tuple[ComplexArray, float]:
        """`factor` at zeros of the other one, on the wrong side of the line: K' over the other's derivative."""
        value, error = self.factor(s, -side, slope=True)
        return self._wall.slope(s) / (self._wall.y * self._wall.convected(s) ** 2 * value), error
