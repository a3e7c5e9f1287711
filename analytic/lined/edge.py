r"""Field next to an end of a liner, where sums of modes converge slowly or not at all: an integral instead.

Walls psi_r = q psi with q = q_1 in x < 0 and q_2 in x > 0. With Q = q_2 - q_1, K = 1 - Q / (F - q_1) = K_plus(s)
K_plus(-s), modes a_n exp(i kappa_n x) incident from the left and b_n exp(-i sigma_n x) from the right,

    psi = sum of both + (1 / 2 pi) \int V(s) S(gamma r) / (S(gamma) (F - q_1)) exp(-i s x) ds,
    V(s) = (i Q / K_plus(s)) [sum_n a_n / (K_plus(kappa_n) (s + kappa_n)) + sum_n b_n K_plus(sigma_n) / (s - sigma_n)],

on a contour below kappa_n and above -kappa_n, -sigma_n and sigma_n. The integrand falls like s^-2 at least, and its
ends are turned into the half-plane where exp(-i s x) decays: residues there are the modes of the sums, or cancel them.
As K_plus is the quotient of the factors of both walls, those of `factor` are enough, also between two liners.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray, IntArray
from ..section import Section
from ..wavenumbers import radial_wavenumber, upper
from .duct import HardModes
from .factor import PlusFactor
from .modes import admittance
from .section import LinedSection

# For x > 0 the contour's ends have the angle -70 degrees, where there are no poles, and -180 degrees + turn, where it
# passes between poles; for x < 0 minus these. The factors' line is half-way in between.
_FREE, _TILT = -7 * np.pi / 18, np.pi / 6
_TURNS = np.pi * np.linspace(1 / 6, 1 / 3, 61)
_BEND = 0.4  # distance of the contour from the origin over the smallest wavenumber, about
_RATE = 44.0  # exponent of the trapezoidal rule's error
_DECAY = 40.0  # of the integrand at the ends
_SLOWEST = 0.34  # decay along the contour over |s| and the distance to the end of the liner: cos(70 degrees)
_MANY = 1 << 20  # nodes times radii at once


@dataclass(frozen=True)
class Side:
    """The duct on one side of the end of a liner.

    q : i ka / Z of its wall, 0 if that is hard. wavenumber : (mode,) of its modes; towards, away : (mode,) amplitudes
    at the end, of those travelling towards it and away from it; modes : what their radial functions are of.
    """

    q: complex
    wavenumber: ComplexArray
    towards: ComplexArray
    away: ComplexArray
    modes: HardModes | LinedSection


class EndOfLiner:
    """Integral of the field on one side of the end of a liner, at x = 0.

    Parameters
    ----------
    section : Section
    k : float
    left, right : Side
    nearest : float
        Least distance to the end.
    behind : bool
        Whether the field is in x > 0, else x < 0.

    Attributes
    ----------
    turn : float
        Modes whose wavenumbers have a smaller angle are not in the integral if they travel away, and are in it if they
        travel towards the end from the other side.
    """

    def __init__(self, section: Section, k: float, left: Side, right: Side, nearest: float, *, behind: bool) -> None:
        self._section, self._k, self._left, self._right = section, k, left, right
        every = np.concatenate([left.wavenumber, right.wavenumber])
        apart = np.min(np.abs(np.angle(every)[:, None] - _TURNS), axis=0)
        self.turn = float(_TURNS[np.argmax(apart)])
        self._least = float(np.min(np.abs(every)))
        self._largest = max(_DECAY / (_SLOWEST * nearest), 2 * float(np.max(np.abs(every))))
        self._sign = 1.0 if behind else -1.0
        step = 2 * np.pi * min(float(np.max(apart)), 0.5 * np.pi + _FREE) / _RATE
        self._set_nodes(step)

    def _set_nodes(self, step: float) -> None:
        bend = 2 * _BEND * self._least
        reach = float(np.log(2 * self._largest / bend))
        y = step * np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1)
        right, left = (
            0.5 * bend * np.exp(sign * y + 1j * angle) for sign, angle in ((1, _FREE), (-1, self.turn - np.pi))
        )
        self._s = self._sign * (right + left)
        self._gamma = upper(radial_wavenumber(self._s, self._k))
        excess = admittance(self._section, self._gamma) - self._left.q
        self._terms = (right - left) * (step / (2 * np.pi)) * self._spectrum() / excess

    def _spectrum(self) -> ComplexArray:
        """V at the nodes."""
        left, right = self._left, self._right
        counts = np.cumsum([len(self._s), len(left.wavenumber)])
        points = np.concatenate([self._s, left.wavenumber, right.wavenumber])
        plus = np.ones(len(points), complex)
        for side, power in ((right, 1), (left, -1)):
            if side.q:
                factor = PlusFactor(self._section, self._k, side.q, self._least, self._largest, _TILT)
                plus *= factor(points)[0] ** power
        here, at_left, at_right = np.split(plus, counts)
        column = self._s[:, None]
        total = (1 / (column + left.wavenumber)) @ (left.towards / at_left)
        total += (1 / (column - right.wavenumber)) @ (right.towards * at_right)
        return np.asarray(1j * (right.q - left.q) * total / here)

    def field(self, x: FloatArray, r: FloatArray, place: IntArray | None = None) -> tuple[ComplexArray, FloatArray]:
        """psi, u and v, and the largest errors of each, (3,).

        x : (x,) of the sign at hand; r : (r,), increasing. Values are those of the grid (3, x, r), or with place at
        points x, r[place]: (3, point).
        """
        axial = self._terms * np.exp(np.multiply.outer(x, -1j * self._s))
        along = np.array([axial, -1j * self._s * axial, axial])
        values = np.zeros((3, len(x)) if place is not None else (3, len(x), len(r)), complex)
        gap, size, wall = np.zeros(3), np.zeros(3), self._section.wall(self._gamma)[0]
        many = max(_MANY // len(self._s), 1)
        for start in range(0, len(r), many):
            across = self._section.waves(self._gamma, r[start : start + many], wall, inside=True)
            for row, radial in enumerate((across[0], across[0], across[1])):
                if place is None:
                    where: Any = (slice(None), slice(start, start + many))
                    value, half = along[row] @ radial.T, along[row][:, ::2] @ radial[:, ::2].T
                    most = np.abs(along[row]) @ np.abs(radial).T
                else:
                    where = np.flatnonzero((start <= place) & (place < start + many))
                    terms = along[row][where] * radial[place[where] - start]
                    value, half, most = terms.sum(axis=1), terms[:, ::2].sum(axis=1), np.abs(terms).sum(axis=1)
                values[row][where] = value
                gap[row] = max(gap[row], float(np.max(np.abs(value - 2 * half), initial=0.0)))
                size[row] = max(size[row], float(np.max(most, initial=0.0)))
        return values, size * ((gap / size) ** 1.5 + 4 * EPS)
