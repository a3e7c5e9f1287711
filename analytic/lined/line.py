r"""Factors of a kernel from one line of integration, s = e^{-i theta} t, t = B sinh x.

On the line z = K / (C exp(i phase)), with C = sqrt(1 + (a t)^2) where the kernel grows, tends to one at both ends, and

    ln z_plus(s) = (1 / 2 pi i) \int ln z(u) / (u - s) du

above it. Zeros and poles close to the line, or on the side where they do not belong, are first moved away by factors (s
- moved) / (s - zero).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray
from ..errors import ConvergenceError

CLEAR = 0.25  # least distance of zeros and poles to the line, in x; closer ones are moved away to _MOVED
_MOVED = 0.8
EXPONENT = 36.0  # exp(-36) = 2e-16 is the rule's error for singularities at the distance at hand
LARGEST_STEP = 0.08
END = 1e17  # of |t| over the other lengths: ln z falls like 1 / t
_NEXT = 1e-6  # relative distance between a pole and a zero less the gap between them, whose error is 1e-8
_LARGEST_PHASE_STEP = 1.5  # of ln z between neighbours [rad]


@dataclass(frozen=True)
class Kernel:
    """A kernel, and what its factors need to know of it.

    Attributes
    ----------
    value : callable
        K(s).
    zeros, poles : pairs of complex arrays
        Of K_plus, below the line's causal place, and of K_minus, above it; poles that are far on their side are left
        out.
    growth : float
        a, 0 for a kernel that tends to one.
    limit : complex
        K tends to limit |a s / (growth / |limit|)| at both ends of the line; phase 0 without growth.
    longest : float
        Largest |s| at which the kernel has not its limit yet.
    rounding : float
        Of ln K.
    gaps : dict
        Difference to the pole of its factor that is next to it, for zeros that are close to one.
    """

    value: Callable[[ComplexArray], ComplexArray]
    zeros: tuple[ComplexArray, ComplexArray]
    poles: tuple[ComplexArray, ComplexArray]
    growth: float
    limit: complex
    longest: float
    rounding: float
    gaps: dict[complex, complex] = field(default_factory=dict)


def height(s: ComplexArray, tilt: float, bend: float) -> FloatArray:
    """Im x of points; the line is at 0."""
    return np.asarray(np.arcsinh(s * np.exp(1j * tilt) / bend).imag)


class Line:
    """The factors from one line.

    Parameters
    ----------
    kernel : Kernel
    tilt, bend : float
        theta and B.

    Raises
    ------
    ConvergenceError
        The kernel's phase could not be followed, or a zero or pole is on the wrong side.
    """

    def __init__(self, kernel: Kernel, tilt: float, bend: float) -> None:
        self._kernel, self._turn = kernel, np.exp(1j * tilt)
        self._phase = float(np.angle(kernel.limit / self._turn)) if kernel.growth else 0.0
        self._moved: list[tuple[complex, complex, int, int]] = []  # what, where to, whose (1 of K_plus), and its order
        for points, order in ((kernel.zeros, 1), (kernel.poles, -1)):
            for some, side in zip(points, (1, -1), strict=True):
                above = -side * height(some, tilt, bend)
                for point in some[above < CLEAR]:
                    x = np.arcsinh(point * self._turn / bend).real - 1j * side * _MOVED
                    self._moved.append((complex(point), complex(bend * np.sinh(x) / self._turn), side, order))
        step = min(LARGEST_STEP, 2 * np.pi * CLEAR / EXPONENT)
        end = np.arcsinh(END * kernel.longest / bend)
        x = (np.arange(-int(end / step) - 1, int(end / step) + 1) + 0.5) * step
        t = bend * np.sinh(x)
        self._u, self._first, self._step, self._bend = t / self._turn, x[0], step, bend
        self._log = self._logarithm()
        self._terms = self._log * bend * np.cosh(x) * (step / (2j * np.pi * self._turn))

    def _reduced(self, u: ComplexArray) -> ComplexArray:
        """z."""
        growth = np.sqrt(1 + (self._kernel.growth * u * self._turn) ** 2)
        z = self._kernel.value(u) / (growth * np.exp(1j * self._phase))
        for point, moved, _, order in self._moved:
            z = z * ((u - moved) / (u - point)) ** order
        return np.asarray(z)

    def _logarithm(self) -> ComplexArray:
        """ln z on the line, zero at its ends."""
        z = self._reduced(self._u)
        steps = np.angle(z[1:] / z[:-1])
        if not np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
            raise ConvergenceError("the phase of a lined duct's kernel jumps along the factorisation line")
        phase = np.angle(z[0]) + np.concatenate([[0.0], np.cumsum(steps)])
        if abs(phase[-1] - np.angle(z[-1])) > 1:
            raise ConvergenceError(
                "the winding number of a lined duct's kernel is not zero: a mode is on the wrong side"
            )
        return np.asarray(np.log(np.abs(z)) + 1j * phase)

    def near(self, s: ComplexArray, side: int) -> tuple[ComplexArray, float]:
        """`factor` at points next to the line, on either side of it, where the kernel is regular.

        The rule's error from the pole at u = s is known exactly, ln z(s) / (exp(-2 pi i x_s / step) - 1).
        """
        x = np.arcsinh(s * self._turn / self._bend)
        place = np.clip(np.rint((x.real - self._first) / self._step).astype(int), 0, len(self._log) - 1)
        log = np.log(self._reduced(s))
        log = log + 2j * np.pi * np.rint((self._log[place].imag - log.imag) / (2 * np.pi))
        shares = [-1 / np.expm1(side * -2j * np.pi * (x - self._first) / step) for step in (self._step, 2 * self._step)]
        return self.factor(s, side, more=(shares[0] * log, shares[1] * log))

    def parted(self, s: ComplexArray) -> FloatArray:
        """Distance of points to the nodes, over the step."""
        x = (np.arcsinh(s * self._turn / self._bend) - self._first) / self._step
        return np.asarray(np.abs(x - np.rint(x.real)))

    def factor(
        self,
        s: ComplexArray,
        side: int,
        *,
        slope: bool = False,
        more: tuple[ComplexArray | float, ComplexArray | float] = (0.0, 0.0),
    ) -> tuple[ComplexArray, float]:
        """K_plus at s above the line (side 1), or K_minus below it (-1), and the error estimate of the logarithm.

        slope : their derivatives at zeros of theirs instead; more : what the rule and that with twice the step lack.
        """
        weights = side / (self._u - s[:, None])
        # Sums in place of products of matrices, whose threads cost more than they gain on so few terms.
        value = np.einsum("ij,j->i", weights, self._terms) + more[0]
        coarse = 2 * np.einsum("ij,j->i", weights[:, ::2], self._terms[::2]) + more[1]
        growth = 1j * side * self._kernel.growth * s * self._turn
        result = np.exp(value + 0.5j * self._phase) * np.sqrt(1 - growth)
        for point, moved, whose, order in self._moved:
            if whose == side:
                away = np.where(slope & (s == point), 1.0, s - point)
                if order < 0:  # a zero next to this pole
                    for zero, gap in self._kernel.gaps.items():
                        if slope and abs(zero - gap - point) < _NEXT * abs(zero):
                            away = np.where(s == zero, gap, away)
                result = result * (away / (s - moved)) ** order
        error = float(np.max(np.abs(value - coarse) ** 1.5, initial=0.0))
        return result, error + self._kernel.rounding


def rounding(m: int, k: float) -> float:
    """Of the Bessel functions in a kernel."""
    return 20 * EPS * (1 + m + k / 4)
