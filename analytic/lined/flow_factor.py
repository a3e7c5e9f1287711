r"""Factors of the kernel of a hard | lined transition in uniform flow, K(s) = 1 - y N^2 / F(gamma^2) = K_plus K_minus.

K_plus is regular without zeros above the zeros and poles of downstream waves, the lined and the hard-walled duct's, and
K_minus below those of upstream waves. K grows like M^2 |y s| / beta^2. There are several lines of integration (`line`),
each for the points that are far from it; the factors agree but for a constant.
"""

from dataclasses import dataclass

import numpy as np

from ..arrays import ComplexArray
from ..errors import ConvergenceError
from .flow_modes import FlowModes, FlowWall
from .line import CLEAR, Kernel, Line, height, rounding

_TILTS = np.pi * np.array([0.25, 0.15, 0.35, 0.2, 0.3, 0.1, 0.4])  # theta
_FEW = 3  # of them, among which every point is far enough from one
_BEND = 0.5  # B over the smallest wavenumber, or modulus of a point


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
        self._wall, self._bend = wall, _BEND * min(singularities.span[0], least)
        self._reference = singularities.kappa[-1:]
        self._lines: dict[int, tuple[Line, complex]] = {}
        lined, none = singularities.lined, singularities.kappa[:0]  # poles are far on their side
        growth = wall.mach**2 * abs(wall.y) / wall.beta**2
        hydrodynamic = min(1 / growth, 1e60) if growth else 0.0
        self._kernel = Kernel(
            lambda s: kernel(wall, s),
            (lined.down, lined.up),
            (none, none),
            growth,
            -wall.y,
            max(singularities.span[1], wall.k / max(abs(wall.mach), 1e-30), hydrodynamic),
            rounding(wall.section.m, wall.k),
        )

    def plus(self, s: ComplexArray) -> tuple[ComplexArray, float]:
        """K_plus at s, above the zeros and poles of K_plus, and the largest error estimate of its logarithm."""
        return self._sides(s, 1)

    def minus(self, s: ComplexArray) -> tuple[ComplexArray, float]:
        """K_minus at s, below the zeros and poles of K_minus, and the largest error estimate of its logarithm."""
        return self._sides(s, -1)

    def anywhere(self, s: ComplexArray, side: int) -> ComplexArray:
        """K_plus (side 1) or K_minus (-1) at any points, from the line that is farthest away."""
        heights = side * np.array([height(s, float(tilt), self._bend) for tilt in _TILTS[:_FEW]])
        chosen = np.argmax(np.abs(heights), axis=0)
        values = np.empty_like(s)
        for index in range(_FEW):
            for below in (False, True):
                here = (chosen == index) & ((heights[index] < 0) == below)
                if not np.any(here):
                    continue
                line, constant = self._line(index)
                part = line.factor(s[here], -side if below else side)[0]
                values[here] = (kernel(self._wall, s[here]) / part if below else part) * constant**side
        return values

    def _sides(self, s: ComplexArray, side: int) -> tuple[ComplexArray, float]:
        distance = np.array([side * height(s, float(tilt), self._bend) for tilt in _TILTS])
        # The first line that will do, so that few are computed; else one that has the point far on its wrong side.
        enough = distance > CLEAR
        chosen = np.where(np.any(enough, axis=0), np.argmax(enough, axis=0), np.argmax(np.abs(distance), axis=0))
        best = np.take_along_axis(distance, chosen[None], axis=0)[0]
        values, error = np.empty_like(s), 0.0
        for index in np.unique(chosen):
            line, constant = self._line(int(index))
            for across in (False, True):
                here = (chosen == index) & ((best < 0) == across)
                values[here], lost = self._across(line, s[here], side) if across else line.factor(s[here], side)
                values[here] *= constant**side
                error = max(error, lost)
        return values, error

    def _across(self, line: Line, s: ComplexArray, side: int) -> tuple[ComplexArray, float]:
        """A factor at zeros of the other one, on the wrong side of the line: K' over the other's derivative."""
        value, error = line.factor(s, -side, slope=True)
        return self._wall.slope(s) / (self._wall.y * self._wall.convected(s) ** 2 * value), error

    def _line(self, index: int) -> tuple[Line, complex]:
        """A line, and the constant by which its K_plus agrees with the first one's."""
        if index not in self._lines:
            line, constant = Line(self._kernel, float(_TILTS[index]), self._bend), 1 + 0j
            if index:
                first, _ = self._line(0)
                constant = complex((first.factor(self._reference, 1)[0] / line.factor(self._reference, 1)[0])[0])
            self._lines[index] = line, constant
        return self._lines[index]
