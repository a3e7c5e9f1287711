r"""Derivatives by least-squares fits of exact solutions: series around the lip, and waves in strips at the grid's ends.

Stencils lose accuracy next to the lip, where the velocity is singular, and at the ends of the grid, where they are
one-sided. There a sum of exact solutions is fitted to all cells of a region at once. In stretched coordinates (see
`lip_waves`) all functions are real, so that the fit is one real linear map for real and imaginary parts; nothing is
assumed about where the sound comes from. The waves in a strip are products of J_m(gamma r), Y_m(gamma r) and of
cos(mu X), sin(mu X), or exponentials in either direction where mu^2 = K^2 - gamma^2 < 0. In the duct the gamma are
those of its modes; elsewhere those of a strip `_PERIOD` times as large: the field is not periodic (Fourier extension).
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import ive, jnp_zeros, jv, jvp, kve, yv, yvp

from ..arrays import BoolArray, ComplexArray, FloatArray
from .lip_waves import LipSeries

_LEAST = 1e-10  # relative noise assumed at least: rounding, and the truncation of the sums
_DISC = 0.36, 0.1  # largest and least radius of the disc at the lip [radii]
_WIDE = 8.0  # K times the disc's radius at most: the sums cancel beyond
_SURPLUS = 14  # powers of rho above K times the disc's radius
_INNER = 0.9  # fraction of the disc's radius within which the fit is used
_CELLS = 2.5  # cells for each function, at least
_DEEP, _USED = 24, 5  # cells of a strip across, and those nearest to the grid's end, where it is used
_LONG = 48  # cells of a strip along the outer radius: a long one is cut into pieces
_CLEAR = 0.4  # distance of a strip to the lip, at least [radii]
_PERIOD = 2.5
_EVANESCENT = 30.0  # waves that decay by up to e in 1/30 radius are in the sums [1/radius]


class Stretched(NamedTuple):
    """A case without its uniform flow: azimuthal order, K = ka / beta, M, beta, and X = x / beta of the cells."""

    order: int
    wavenumber: float
    mach: float
    beta: float
    x: FloatArray

    @classmethod
    def of(cls, case: tuple[float, float, float], x: FloatArray) -> "Stretched":
        """From m, ka, M and x."""
        m, helmholtz, mach = case
        beta = float(np.sqrt(1 - mach**2))
        return cls(abs(int(m)), helmholtz / beta, mach, beta, x / beta)

    @property
    def turn(self) -> ComplexArray:
        """phi / psi at the cells' X."""
        turn: ComplexArray = np.exp(1j * self.wavenumber * self.mach * self.x)
        return turn


@dataclass(frozen=True)
class Fit:
    """A complex linear map from psi in a rectangle of cells to velocities in a rectangle within it.

    seen, used : rows and columns of the two. fitted : (x, r) of `seen`, cells that the fit looks at. known : (x, r) of
    `used`, cells where it gives velocities. analysis : (function, seen), from psi to orthogonal parts of it; singular :
    (function,), what they are divided by, but for noise. values : (seen, function), back to psi. synthesis : (2 used,
    function), to u and v.
    """

    seen: tuple[slice, slice]
    used: tuple[slice, slice]
    fitted: BoolArray
    known: BoolArray
    analysis: ComplexArray
    singular: FloatArray
    values: ComplexArray
    synthesis: ComplexArray

    def damping(self, noise: float) -> FloatArray:
        """Factors of the parts, (function,): ridge regression in which amplitudes of the field's size are expected.

        noise : root mean square of the noise over that of the potential.
        """
        found: FloatArray = self.singular / (self.singular**2 + max(noise, _LEAST) ** 2)
        return found

    def apply(self, psi: ComplexArray, noise: float = 0.0) -> tuple[ComplexArray, FloatArray]:
        """(u, v) in `used`, (2, x, r), zero where unknown, and the misfit of psi in `seen`, |fit - psi|."""
        given = psi[self.seen].ravel()
        amplitudes = self.damping(noise) * (self.analysis @ given)
        misfit = np.abs(self.values @ amplitudes - given).reshape(self.fitted.shape) * self.fitted
        return (self.synthesis @ amplitudes).reshape(2, *self.known.shape) * self.known, misfit

    @property
    def freedom(self) -> int:
        """Number of cells it looks at beyond the number of its functions."""
        return int(np.sum(self.fitted)) - len(self.analysis)


Functions = tuple[FloatArray, FloatArray, FloatArray]  # values, X- and r-derivatives, (cell, function)
Kind = Callable[[Stretched, FloatArray, FloatArray], Functions]


def _fit(
    case: Stretched,
    places: tuple[tuple[slice, slice], tuple[slice, slice]],
    masks: tuple[BoolArray, BoolArray],
    functions: Functions,
) -> Fit:
    """Fit of functions scaled to root mean square one.

    places, masks : `seen` and `used`, `fitted` and `known`. functions : at all cells of `seen`.
    """
    (seen, used), (fitted, known) = places, masks
    size = np.sqrt(np.sum(functions[0][fitted.ravel()] ** 2, axis=0) / np.sum(fitted))
    value, along, radial = (values / size for values in functions)
    left, singular, right = np.linalg.svd(value * fitted.reshape(-1, 1), full_matrices=False)
    # Amplitudes are those of the singular vectors: a matrix from psi to those of the functions loses their digits.
    value, along, radial = value @ right.T, along @ right.T, radial @ right.T
    turn = np.broadcast_to(case.turn[seen[0], None], fitted.shape)
    u = (along - 1j * case.wavenumber * case.mach * value) / case.beta
    at = tuple(slice(u.start - s.start, u.stop - s.start) for s, u in zip(seen, used, strict=True))
    shape = (*fitted.shape, -1)
    both = np.stack([(values.reshape(shape) / turn[..., None])[at] for values in (u, radial)])
    analysis, back = left.T * turn.ravel(), value / turn.reshape(-1, 1)
    return Fit(seen, used, fitted, known, analysis, singular, back, both.reshape(-1, len(singular)))


def lip_fit(case: Stretched, r: FloatArray) -> Fit | None:
    """Fit of the series around the lip in a disc; None if the grid has too few cells there."""
    radius = float(np.clip(_WIDE / case.wavenumber, *_DISC[::-1]))
    rho = np.hypot(case.x[:, None], r - 1)
    fitted, known = rho < radius, rho < _INNER * radius
    count = min(2 * int(case.wavenumber * radius + _SURPLUS), int(np.sum(fitted) / _CELLS))
    if count < 2 * case.wavenumber * radius + 4 or not np.any(known):
        return None
    seen, used = _bounds(fitted), _bounds(known)
    x, radii = (values.ravel() for values in np.meshgrid(case.x[seen[0]], r[seen[1]], indexing="ij"))
    functions = LipSeries(case.order, case.wavenumber, count, radius).evaluate(x, radii)
    return _fit(case, (seen, used), (fitted[seen], known[used]), functions)


def end_fits(case: Stretched, x: FloatArray, r: FloatArray) -> list[Fit]:
    """Fits of waves in strips at both ends of the grid in x, inside and outside the duct, and at its largest radius."""
    rows, columns = len(x), len(r)
    inside = int(np.sum(r < 1))
    deep, high = min(_DEEP, rows // 2), min(_DEEP, int(np.sum(r > 1 + _CLEAR)))
    strips: list[tuple[Kind, tuple[slice, slice], tuple[slice, slice]]] = []  # kind, seen, used
    left, right = (slice(0, deep), slice(0, _USED)), (slice(rows - deep, rows), slice(rows - _USED, rows))
    for (all_seen, all_used), upstream in ((left, x[deep - 1] < 0), (right, x[rows - deep] < 0)):
        if not upstream:
            parts: list[tuple[Kind, slice]] = [(_axis, slice(0, columns))]
        else:
            parts = [(_duct, slice(0, inside)), (_sleeve, slice(inside, columns))]
        strips += [(kind, (all_seen, p), (all_used, p)) for kind, p in parts if p.stop - p.start >= _USED]
    cuts = np.linspace(0, rows, -(-rows // _LONG) + 1).astype(int).tolist()
    for start, stop in pairwise(cuts):
        seen = slice(max(0, start - _USED), min(rows, stop + _USED)), slice(columns - high, columns)
        strips.append((_outer, seen, (slice(start, stop), slice(columns - _USED, columns))))
    found = []
    for kind, seen, used in strips:
        rho = np.hypot(x[seen[0], None], r[seen[1]] - 1)
        if not rho.size or np.min(rho) < _CLEAR:
            continue
        functions = kind(case, case.x[seen[0]], r[seen[1]])
        if functions[0].shape[1] * _CELLS < rho.size:
            masks = np.ones(rho.shape, bool), np.ones([s.stop - s.start for s in used], bool)
            found.append(_fit(case, (seen, used), masks, functions))
    return _apart(found, rows, columns)


def _apart(fits: list[Fit], rows: int, columns: int) -> list[Fit]:
    """The same fits, cells that two know left to the later one."""
    taken, found = np.zeros((rows, columns), bool), []
    for fit in reversed(fits):
        found.append(dataclasses.replace(fit, known=fit.known & ~taken[fit.used]))
        taken[fit.used] |= fit.known
    return found[::-1]


def _duct(case: Stretched, x: FloatArray, r: FloatArray) -> Functions:
    """Modes of the duct."""
    return _waves(case, x, _regular(case.order, eigenvalues(case.order, case.wavenumber + _EVANESCENT), r))


def _axis(case: Stretched, x: FloatArray, r: FloatArray) -> Functions:
    """Waves that are regular on the axis."""
    return _waves(case, x, _regular(case.order, _lattice(case, r[-1]), r))


def _sleeve(case: Stretched, x: FloatArray, r: FloatArray) -> Functions:
    """Waves with zero slope on the outer wall."""
    m, gamma = case.order, _lattice(case, np.ptp(r))
    z, wall = np.outer(gamma, r), gamma[:, None]
    a, b = jvp(m, wall), yvp(m, wall)
    size, steep = np.hypot(a, b), wall
    value = (jv(m, z) * b - yv(m, z) * a) / size
    return _waves(case, x, (gamma, value, steep * (jvp(m, z) * b - yvp(m, z) * a) / size))


def _outer(case: Stretched, x: FloatArray, r: FloatArray) -> Functions:
    """Waves of a lattice of mu in x, of either radial dependence."""
    mu = _lattice(case, np.ptp(x) / 2)  # cosines and sines
    gamma2 = case.wavenumber**2 - mu**2
    # phi sqrt(r) = g obeys g'' + (gamma^2 - (m^2 - 1/4) / r^2) g = 0; Bessel functions of real or imaginary argument
    radial = _cylindrical(case.order, gamma2, r)
    shifted = x - (x[0] + x[-1]) / 2
    cos, sin = np.cos(np.outer(mu, shifted)), np.sin(np.outer(mu, shifted))
    axial, slope = np.concatenate([cos, sin]), np.concatenate([-mu[:, None] * sin, mu[:, None] * cos])
    n = len(mu)
    pairs = [(a, b) for a in (slice(0, n), slice(n, None)) for b in (slice(0, n), slice(n, None))]
    axial, slope = (np.concatenate([values[a] for a, _ in pairs]) for values in (axial, slope))
    value, steep = (np.concatenate([values[b] for _, b in pairs]) for values in radial)
    return _products(axial, slope, value, steep)


def _waves(case: Stretched, x: FloatArray, radial: tuple[FloatArray, FloatArray, FloatArray]) -> Functions:
    """Products of radial functions, of gamma, value and slope, and of waves in both directions."""
    gamma, value, steep = radial
    mu2 = case.wavenumber**2 - gamma**2
    number, travels = np.sqrt(np.abs(mu2))[:, None], mu2[:, None] > 0
    shifted, half = x - (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    up, down = np.exp(number * (shifted - half)), np.exp(-number * (shifted + half))
    cos, sin = np.cos(number * shifted), np.sin(number * shifted)
    axial = np.concatenate([np.where(travels, cos, up), np.where(travels, sin, down)])
    slope = np.concatenate([number * np.where(travels, -sin, up), number * np.where(travels, cos, -down)])
    return _products(axial, slope, np.tile(value, (2, 1)), np.tile(steep, (2, 1)))


def _products(axial: FloatArray, slope: FloatArray, value: FloatArray, steep: FloatArray) -> Functions:
    """(cell, function) of functions of x and of r, and of their slopes."""

    def product(a: FloatArray, b: FloatArray) -> FloatArray:
        found: FloatArray = (a[:, :, None] * b[:, None, :]).reshape(len(a), -1).T
        return found

    return product(axial, value), product(slope, value), product(axial, steep)


def _lattice(case: Stretched, length: float) -> FloatArray:
    """Wavenumbers of the waves of an interval `_PERIOD` times as long, up to K and some evanescent ones."""
    spacing = np.pi / (_PERIOD * length)
    count = int((case.wavenumber + _EVANESCENT) / spacing) + 1
    return np.asarray((np.arange(count) + 0.5) * spacing, dtype=np.float64)


def _regular(m: int, gamma: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    z = np.outer(gamma, r)
    return gamma, jv(m, z), gamma[:, None] * jvp(m, z)


def eigenvalues(m: int, top: float) -> FloatArray:
    """Zeros of J_m' up to `top`, at least one: radial wavenumbers of duct modes."""
    zeros = jnp_zeros(m, 2 + int(top / np.pi))
    zeros = np.concatenate([[0.0], zeros]) if m == 0 else zeros
    found: FloatArray = zeros[: max(1, int(np.sum(zeros < top)))]
    return found


def _bounds(mask: BoolArray) -> tuple[slice, slice]:
    """Slices of the smallest rectangle that contains all True cells."""
    i, j = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(i[0]), int(i[-1]) + 1), slice(int(j[0]), int(j[-1]) + 1)


def _cylindrical(m: int, gamma2: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """J_m, Y_m of gamma r, or I_m, K_m where gamma^2 < 0, of order one on the r, and their slopes, (2 wave, r)."""
    number = np.sqrt(np.abs(gamma2))[:, None]
    z = number * r
    travels = gamma2[:, None] > 0
    grow, decay = np.exp(number * (r - r[-1])), np.exp(number * (r[0] - r))
    i, k = ive(m, z) * grow, kve(m, z) * decay
    di = number * (ive(m + 1, z) * grow + m / z * i)
    dk = number * (-kve(m + 1, z) * decay + m / z * k)
    values = np.concatenate([np.where(travels, jv(m, z), i), np.where(travels, yv(m, z), k)])
    slopes = np.concatenate([np.where(travels, number * jvp(m, z), di), np.where(travels, number * yvp(m, z), dk)])
    return values, slopes
