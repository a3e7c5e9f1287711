r"""Derivatives of noisy fields by one fit of exact solutions to the whole grid: three regions and the lip, joined.

As `fitted_waves`, the sound inside the duct is a sum of its modes, outside a sum of outgoing cylindrical waves with
zero slope on the wall, downstream a sum of waves that travel or decay in x; around the lip it is a sum of the series of
`lip_waves`. Here the four sums are fitted at once, under the condition that neighbours have the same values and slopes
where they meet. What travels downstream then follows from what leaves the duct, so that far fewer unknowns are free and
more noise is averaged. It is assumed that the sound comes from the duct.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import hankel1e, jv, jvp

from ..arrays import Array, ComplexArray, FloatArray
from .exact_fits import Stretched, eigenvalues
from .lip_waves import LipSeries

_EVANESCENT = 50.0  # wavenumbers up to K plus this are in the sums [1/radius]
_RESOLVED = 0.85  # and up to this share of the highest that the cells resolve: others look like lower ones
_BEYOND = 1.05  # but up to this times K in any case
_PERIOD = 2.5  # period of the waves over the region's length, and 3 downstream: well over one
_MEET = 1e-3  # difference allowed where sums meet, over the field's size: about their truncation
_WALL = 3e-3  # slope allowed on the wall, over K times the field
_PRIOR = 100.0  # inverse mean square of the amplitudes expected, in units of the field's: about the number of waves
_DISC = 0.36, 0.12  # largest and least radius of the disc at the lip [radii]
_WIDE = 8.0  # K times the disc's radius at most
_SURPLUS = 12  # powers of rho above K times the disc's radius
_POINTS = 24  # points on each line where sums meet


class _Sum(NamedTuple):
    """Sum of products of waves exp(i mu (X - start)) and radial functions in a rectangle of cells.

    i, j : rows and columns. mu, start : (wave,) and number. radial : r -> values and slopes, (wave, r). size : (wave,)
    what each wave is divided by.
    """

    i: slice
    j: slice
    mu: Array
    start: float
    radial: Callable[[FloatArray], tuple[Array, Array]]
    size: FloatArray

    def axial(self, x: FloatArray) -> Array:
        """(wave, X), scaled."""
        found: Array = np.exp(1j * self.mu[:, None] * (x - self.start)) / self.size[:, None]
        return found

    def at(self, x: FloatArray, r: FloatArray) -> tuple[Array, Array, Array]:
        """Values, X- and r-derivatives at points, (point, wave)."""
        axial, (value, steep) = self.axial(x), self.radial(r)
        return (axial * value).T, (1j * self.mu[:, None] * axial * value).T, (axial * steep).T


class JointWaves:
    """The fit for one case on one grid.

    Parameters
    ----------
    case : Stretched
    x, r : (n,) float arrays
        Cell centres [radii], on both sides of the lip in x and of the wall in r.
    """

    def __init__(self, case: Stretched, x: FloatArray, r: FloatArray) -> None:
        self._case, self._r = case, r
        self._sums = _sums(case, x, r)
        self._rho = np.hypot(case.x[:, None], r - 1)
        radius = float(np.clip(_WIDE / case.wavenumber, *_DISC[::-1]))
        self._near = self._rho < radius / 2.4  # cells that only the series sees
        self._disc = np.nonzero(self._rho < radius)
        self._inner = self._rho[self._disc] < 0.8 * radius
        self._series = LipSeries(case.order, case.wavenumber, 2 * int(case.wavenumber * radius + _SURPLUS), radius)
        i, j = self._disc
        around = self._series.evaluate(case.x[i], r[j])
        self._lip_size = np.sqrt(np.mean(around[0] ** 2, axis=0))
        self._around = [values / self._lip_size for values in around]
        ends = np.cumsum([0, *(len(s.mu) for s in self._sums), len(self._lip_size)])
        self._parts = [slice(a, b) for a, b in pairwise(ends.tolist())]
        self._gram = self._cells()
        meet, wall = self._meeting(radius), self._sleeve_slope()
        self._conditions = meet.conj().T @ meet / _MEET**2 + wall.conj().T @ wall / _WALL**2

    def _cells(self) -> ComplexArray:
        """Products of the functions, summed over the cells that each sees."""
        gram = np.zeros((self._parts[-1].stop,) * 2, complex)
        for part, s in zip(self._parts, self._sums, strict=False):
            axial, radial = s.axial(self._case.x[s.i]), s.radial(self._r[s.j])[0]
            block = (axial.conj() @ axial.T) * (radial.conj() @ radial.T)
            i, j = np.nonzero(self._near[s.i, s.j])
            near = axial[:, i] * radial[:, j]
            gram[part, part] = block - near.conj() @ near.T
        gram[self._parts[-1], self._parts[-1]] = self._around[0].T @ self._around[0]
        return gram

    def _rows(self, pair: tuple[int, int], x: FloatArray, r: FloatArray, count: int) -> ComplexArray:
        """Differences of two sums, number 3 the series, at points: of values, X-slopes / K, and r-slopes / K."""
        rows = np.zeros((count, len(x), self._parts[-1].stop), complex)
        for sign, index in zip((1, -1), pair, strict=True):
            if index < 3:
                values = self._sums[index].at(x, r)
            else:
                values = tuple(of / self._lip_size for of in self._series.evaluate(x, r))
            for row, of, unit in zip(rows, values, (1, self._case.wavenumber, self._case.wavenumber), strict=False):
                row[:, self._parts[index]] = sign * of / unit
        return rows.reshape(-1, rows.shape[2])

    def _meeting(self, radius: float) -> ComplexArray:
        """Conditions that sums agree: above the open end, above the lip, and on an arc around the lip."""
        gap = radius / 3
        inside, above = np.linspace(0.02, 1 - gap, _POINTS), np.linspace(1 + gap, self._r[-1], _POINTS)
        rows = [self._rows((0, 2), 0 * inside, inside, 2), self._rows((1, 2), 0 * above, above, 2)]
        for index, ends in ((2, (-1.4, 1.4)), (1, (1.7, 3.0)), (0, (-3.0, -1.7))):
            turn = np.linspace(*ends, _POINTS // 2)
            rows.append(self._rows((index, 3), 0.75 * radius * np.cos(turn), 1 + 0.75 * radius * np.sin(turn), 3))
        return np.concatenate(rows)

    def _sleeve_slope(self) -> ComplexArray:
        """Slope of the outer waves on the wall, over K."""
        x = self._case.x[self._sums[1].i]
        rows = np.zeros((len(x), self._parts[-1].stop), complex)
        rows[:, self._parts[1]] = self._sums[1].at(x, np.ones_like(x))[2] / self._case.wavenumber
        return rows

    def apply(self, psi: ComplexArray, noise: float) -> tuple[ComplexArray, ComplexArray]:
        """(u, v), (2, x, r), and what is missed of psi; noise : its root mean square over that of psi."""
        case = self._case
        turn = case.turn[:, None]
        phi = psi * turn
        (i, j), given = self._disc, []
        for s in self._sums:
            seen = phi[s.i, s.j] * ~self._near[s.i, s.j]
            given.append(np.sum((s.axial(case.x[s.i]).conj() @ seen) * s.radial(self._r[s.j])[0].conj(), axis=1))
        given.append(self._around[0].T @ phi[i, j])
        matrix = self._gram + noise**2 * (self._conditions + _PRIOR * np.eye(len(self._gram)))
        found = np.linalg.solve(matrix, np.concatenate(given))
        values = np.zeros((3, *psi.shape), complex)  # phi and its derivatives
        for part, s in zip(self._parts, self._sums, strict=False):
            axial, (value, steep) = s.axial(case.x[s.i]) * found[part, None], s.radial(self._r[s.j])
            values[:, s.i, s.j] = axial.T @ value, (1j * s.mu[:, None] * axial).T @ value, axial.T @ steep
        i, j = i[self._inner], j[self._inner]
        values[:, i, j] = [(of @ found[self._parts[-1]])[self._inner] for of in self._around]
        fitted, along, steep = values
        u = (along - 1j * case.wavenumber * case.mach * fitted) / case.beta
        return np.stack([u, steep]) / turn, (fitted - phi) / turn


def _sums(case: Stretched, x: FloatArray, r: FloatArray) -> list[_Sum]:
    """Sums inside the duct, outside it, and downstream."""
    m, k = case.order, case.wavenumber
    finest = (np.pi / (points[1] - points[0]) for points in (case.x, r))
    top, top_r = (min(k + _EVANESCENT, max(_RESOLVED * number, _BEYOND * k)) for number in finest)
    left, inside = int(np.sum(x < 0)), int(np.sum(r < 1))
    upstream, downstream = slice(0, left), slice(left, len(x))
    eigen = eigenvalues(m, top_r)
    along = np.sqrt(k**2 - eigen**2 + 0j)
    back = along.imag == 0
    modes = np.concatenate([eigen, eigen[back]])
    spacing = 2 * np.pi / (_PERIOD * np.ptp(case.x[upstream]))
    count = int(top / spacing)
    mu = (np.arange(-count, count) + 0.5) * spacing + 0j
    outer = np.sqrt(k**2 - mu**2 + 0j)
    spacing = np.pi / (1.2 * _PERIOD * r[-1])
    beams = (np.arange(int(top_r / spacing)) + 0.5) * spacing
    found = [
        _Sum(upstream, slice(0, inside), np.concatenate([-along, along[back]]), 0.0, _bessel(m, modes), np.ones(1)),
        _Sum(upstream, slice(inside, len(r)), mu, float(case.x[0]), _hankel(m, outer), np.ones(1)),
        _Sum(downstream, slice(0, len(r)), np.sqrt(k**2 - beams**2 + 0j), 0.0, _bessel(m, beams), np.ones(1)),
    ]
    return [s._replace(size=_size(s, case.x[s.i], r[s.j])) for s in found]


def _size(s: _Sum, x: FloatArray, r: FloatArray) -> FloatArray:
    """Root mean square of each wave over the region."""
    axial, radial = np.abs(np.exp(1j * s.mu[:, None] * (x - s.start))), np.abs(s.radial(r)[0])
    found: FloatArray = np.sqrt(np.mean(axial**2, axis=1) * np.mean(radial**2, axis=1))
    return found


def _bessel(m: int, gamma: FloatArray) -> Callable[[FloatArray], tuple[Array, Array]]:
    """J_m(gamma r) and its r-derivative, (wave, r)."""

    def radial(r: FloatArray) -> tuple[Array, Array]:
        z = np.outer(gamma, r)
        return jv(m, z), gamma[:, None] * jvp(m, z)

    return radial


def _hankel(m: int, gamma: ComplexArray) -> Callable[[FloatArray], tuple[Array, Array]]:
    """H_m(gamma r) / H_m(gamma), of the first kind, and its r-derivative, (wave, r)."""

    def radial(r: FloatArray) -> tuple[Array, Array]:
        z, g = np.outer(gamma, r), gamma[:, None]
        scale = np.exp(1j * g * (r - 1)) / hankel1e(m, g)
        value = hankel1e(m, z)
        return value * scale, g * (hankel1e(m - 1, z) - m / z * value) * scale

    return radial
