r"""Factors of the open end's kernel with a lined hub, F(s) = pi gamma S'(gamma) H_m'(gamma) = F_plus F_minus.

F tends to one, but is not even in s if there is flow. F_plus is regular without zeros above the downstream modes and
waves, F_minus below the upstream ones. A hydrodynamic wave of the hub that is an instability of the flow is a zero of F
in the duct and a pole outside; both belong to the downstream waves then.
"""

import numpy as np

from ..arrays import ComplexArray
from .flow_modes import FlowModes
from .hub_modes import HubWall, OuterHubWall, gaps
from .line import CLEAR, Kernel, Line, height, rounding

_TILTS = np.pi * np.array([0.25, 0.15, 0.35, 0.2, 0.3])  # of the lines
_BEND = 0.5  # over the smallest wavenumber


class HubFactor:
    """Factors at any points.

    Parameters
    ----------
    wall : HubWall
    modes : FlowModes
        Zeros `down` of F_plus and `up` of F_minus.
    guided : FlowModes
        Poles alike, of the waves outside.
    """

    def __init__(self, wall: HubWall, modes: FlowModes, guided: FlowModes) -> None:
        self._wall = wall
        outside = OuterHubWall(wall.section, wall.k, wall.mach, wall.y)
        every = np.concatenate([modes.down, modes.up, guided.down, guided.up])
        self._kernel = Kernel(
            wall.kernel,
            (modes.down, modes.up),
            (guided.down, guided.up),
            0.0,
            1.0,
            float(np.max(np.abs(every))) + wall.k,
            rounding(wall.section.m, wall.k),
            {**gaps(wall, outside, modes.down, guided.down), **gaps(wall, outside, modes.up, guided.up)},
        )
        self._bend = _BEND * min(wall.k, float(np.min(np.abs(every))))
        self._lines: dict[int, Line] = {}

    def plus(self, s: ComplexArray) -> tuple[ComplexArray, float]:
        """F_plus at s and the largest error estimate of its logarithm."""
        return self._sides(s, 1)

    def minus(self, s: ComplexArray) -> tuple[ComplexArray, float]:
        """F_minus at s and the largest error estimate of its logarithm."""
        return self._sides(s, -1)

    def _sides(self, s: ComplexArray, side: int) -> tuple[ComplexArray, float]:
        """From the line that has a point farthest on its side; across the line, from the kernel and the other factor.

        At zeros of the other factor, F' over its derivative.
        """
        heights = side * np.array([height(s, float(tilt), self._bend) for tilt in _TILTS])
        chosen = np.argmax(np.abs(heights), axis=0)
        best = np.take_along_axis(heights, chosen[None], axis=0)[0]
        close = np.abs(best) < CLEAR
        if np.any(close):
            chosen[close] = np.argmax([self._line(index).parted(s[close]) for index in range(len(_TILTS))], axis=0)
        values, error = np.empty(s.shape, complex), 0.0
        for index in np.unique(chosen):
            line, mine = self._line(int(index)), chosen == index
            for here, kind in ((mine & close, line.near), (mine & ~close & (best > 0), line.factor)):
                values[here], lost = kind(s[here], side)
                error = max(error, lost)
            here = mine & ~close & (best < 0)
            values[here], lost = self._across(line, s[here], side)
            error = max(error, lost)
        return values, error

    def _across(self, line: Line, s: ComplexArray, side: int) -> tuple[ComplexArray, float]:
        is_zero = np.isin(s, self._kernel.zeros[(1 + side) // 2])
        part, error = line.factor(s, -side, slope=True)
        slope = 2j * self._wall.wall_slope(s) / self._wall.radial(s)  # F', by the Wronskian
        return np.where(is_zero, slope, self._wall.kernel(s)) / part, error

    def _line(self, index: int) -> Line:
        if index not in self._lines:
            self._lines[index] = Line(self._kernel, float(_TILTS[index]), self._bend)
        return self._lines[index]
