r"""Noise in a field: on a patch of a few cells, what is not a sum of waves.

On a patch that does not touch the wall or the lip, a solution of the convected Helmholtz equation is a sum of waves
that travel, decay or grow along x, each times a Bessel function of r. With uniform flow, x = beta X and psi = phi
exp(-i K M X), K = ka / beta, they are real functions of X and r. Sampled on 9 x 9 cells they span, to nine digits, some
fifty of the 81 dimensions, even at three points per wavelength. What a field has in the others cannot be a solution: it
is noise. And the few dozen amplitudes of the waves tell the field, its slopes and its potential from its pressure.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import ive, jv, kve, yv

from ..arrays import Array, ComplexArray, FloatArray

SIZE = 9  # cells along a side of a patch: 81 values for the 50 or so amplitudes
_BEYOND = 12.0  # range of wavenumbers beyond K, times half the patch: evanescent waves down to e^-12 across that half
_NUMBERS = 40  # wavenumbers in this range
_SLOWEST = 1e-3  # least wavenumber, times half the patch: a sine of it is a straight line
_RANK = 1e-9  # singular values below this, over the largest, are of no wave
# Distance of a patch's centre from the lip, over half its diagonal: measured, waves miss fields by 1e-9 from 1.25 on,
# and by 1e-6 where a corner touches the lip.
_FROM_LIP = 1.25
_STRIDE = 4  # cells between patches: half overlapping
_WHITE = 1.3  # coherence below which an error counts as white: measured, 0.9 to 1.1 for noise, 4 and more for others


class Case(NamedTuple):
    """Azimuthal order, Helmholtz and Mach number of a field."""

    m: int
    helmholtz: float
    mach: float

    @property
    def beta(self) -> float:
        return float(np.sqrt(1 - self.mach**2))

    @property
    def number(self) -> float:
        """K."""
        return self.helmholtz / self.beta

    def turn(self, x: FloatArray) -> ComplexArray:
        """exp(i K M X), (x, 1): phi over psi."""
        return np.exp(1j * self.number * self.mach * x / self.beta)[:, None]


class Window(NamedTuple):
    """Cells of a patch: slices in x and in r."""

    i: slice
    j: slice


def patch_waves(case: Case, x: FloatArray, r: FloatArray) -> FloatArray:
    """Real waves phi of a patch with cells at x, r, each scaled to one on it or zero: (x, r, wave)."""
    big_x = (x - (x[0] + x[-1]) / 2) / case.beta
    half, number = big_x[-1], case.number
    along = np.linspace(0, number + _BEYOND / min(half, np.ptp(r) / 2), _NUMBERS)
    along[0] = _SLOWEST / half
    growth = np.linspace(0, _BEYOND / half, _NUMBERS)[1:]
    t = big_x[:, None]
    first = np.concatenate([np.cos(along * t), np.exp(growth * (t - half))], axis=1)
    second = np.concatenate([np.sin(along * t) / np.minimum(along * half, 1), np.exp(-growth * (t + half))], axis=1)
    squares = np.concatenate([number**2 - along**2, number**2 + growth**2])
    axial, radial = np.stack([first, second], axis=1), _radial(abs(case.m), squares, r)
    return np.einsum("xan,nbr->xrabn", axial, radial).reshape(len(x), len(r), -1)


def _radial(m: int, squares: FloatArray, r: FloatArray) -> FloatArray:
    """Bessel functions of the first and second kind of the wavenumbers' squares: (number, 2, r), scaled to one."""
    gamma = np.sqrt(np.abs(squares))[:, None]
    z, ends = gamma * r, gamma * [r[0], r[-1]]
    oscillates = squares[:, None] > 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        first = np.where(oscillates, jv(m, z), ive(m, z) * np.exp(z - ends[:, 1:]))
        second = np.where(oscillates, yv(m, z), kve(m, z) * np.exp(ends[:, :1] - z))
        both = np.stack([first, second], axis=1)
        size = np.max(np.abs(both), axis=2, keepdims=True)
        usable = np.isfinite(size) & (size > 0)  # functions of the second kind overflow towards the axis
        return np.where(usable, both / size, 0)


def windows(x: FloatArray, r: FloatArray, stride: int = _STRIDE) -> Iterator[Window]:
    """Patches of a grid that touch neither the wall nor the surroundings of the lip, row by row."""
    for j in _starts(r, 1.0, stride):
        for i in _starts(x, 0.0, stride):
            window = Window(slice(i, i + SIZE), slice(j, j + SIZE))
            if _regular(x[window.i], r[window.j]):
                yield window


class Noise(NamedTuple):
    """What a field has outside of the span of waves.

    level : root mean square over that of the field, per value, as if the error were white. An error that is smooth
    from cell to cell is partly a sum of waves, and counts less. coherence : likeness of the errors of distant patches,
    one for white noise, up to some twenty for an error that is itself a wave; None if no two patches can be compared.
    """

    level: float
    coherence: float | None

    @property
    def white(self) -> bool:
        """Whether the error is random from patch to patch."""
        return self.coherence is not None and self.coherence < _WHITE


def estimate_noise(values: ComplexArray, x: FloatArray, r: FloatArray, case: Case) -> Noise | None:
    """Noise in a potential or a pressure: what is not a solution of the convected Helmholtz equation.

    Parameters
    ----------
    values : (x, r) complex array
        The potential, or the pressure: both solve the equation.
    x, r : (n,) float arrays
        Cell centres, increasing [radii].
    case : Case

    Returns
    -------
    Noise or None
        None if the grid has no patch, or the field is zero.
    """
    missed = dict[tuple[float, ...], list[tuple[int, ComplexArray]]]()
    for window, (key, vectors), phi in _patches(values, x, r, case):
        missed.setdefault(key, []).append((window.i.start, vectors.T @ phi))
    size, dimensions = float(np.mean(np.abs(values) ** 2)), sum(len(rest) for row in missed.values() for _, rest in row)
    if not dimensions or not size:
        return None
    total = sum(float(np.sum(np.abs(rest) ** 2)) for row in missed.values() for _, rest in row)
    return Noise(float(np.sqrt(total / dimensions / size)), _coherence(list(missed.values())))


def missed_by_waves(values: ComplexArray, x: FloatArray, r: FloatArray, case: Case) -> ComplexArray:
    """What the waves of each patch miss of a field, one patch after the other, (cell,); empty without a patch."""
    found = []
    for window, (_, vectors), phi in _patches(values, x, r, case):
        back = np.repeat(case.turn(x[window.i]).conj(), SIZE, axis=1).ravel()
        found.append(vectors @ (vectors.T @ phi) * back)
    return np.concatenate(found) if found else np.zeros(0, complex)


def _patches(
    values: ComplexArray, x: FloatArray, r: FloatArray, case: Case
) -> Iterator[tuple[Window, tuple[tuple[float, ...], Array], ComplexArray]]:
    """Patches: window, a name for its kind and the vectors that its waves have no part in, and phi, (cell,)."""
    known, phi = dict[tuple[float, ...], Array](), values * case.turn(x)
    for window in windows(x, r):
        key = _shape(x, r, window)
        if key not in known:
            known[key] = _no_waves(case, x[window.i], r[window.j])
        yield window, (key, known[key]), phi[window.i, window.j].ravel()


def _coherence(rows: list[list[tuple[int, ComplexArray]]]) -> float | None:
    """Mean squared product of the errors of patches without common cells, over that of random ones."""
    products = sizes = 0.0
    for row in rows:
        start, rest = np.array([first for first, _ in row]), np.array([vector for _, vector in row])
        apart = np.abs(start[:, None] - start) >= SIZE
        power = np.sum(np.abs(rest) ** 2, axis=1)
        products += rest.shape[1] * float(np.sum(np.abs(rest.conj() @ rest.T)[apart] ** 2))
        sizes += float(np.sum(np.outer(power, power)[apart]))
    return products / sizes if sizes else None


def _shape(x: FloatArray, r: FloatArray, window: Window) -> tuple[float, ...]:
    """What a patch's waves depend on: equal for the patches of one row of an evenly spaced grid."""
    at, across = x[window.i], r[window.j]
    return tuple(np.round(np.concatenate([at - at[0], across]) / r[-1], 9).tolist())


def _no_waves(case: Case, x: FloatArray, r: FloatArray) -> Array:
    """Orthonormal vectors that no wave of a patch has a part in: (cell, vector)."""
    waves = patch_waves(case, x, r).reshape(SIZE**2, -1)
    vectors, sizes, _ = np.linalg.svd(waves, full_matrices=False)
    return vectors[:, sizes < _RANK * sizes[0]]


def _starts(points: FloatArray, edge: float, stride: int) -> list[int]:
    """First cells of patches: evenly, and beside the ends and the edge."""
    last, before = len(points) - SIZE, int(np.sum(points < edge))
    starts = {*range(0, last + 1, stride), last, before - SIZE, before}
    return sorted(start for start in starts if 0 <= start <= last)


def _regular(x: FloatArray, r: FloatArray) -> bool:
    """Whether a patch is beside the wall, and far enough from the lip."""
    through_wall = r[0] < 1 < r[-1] and x[0] < 0
    far = np.hypot(x[0] + x[-1], r[0] + r[-1] - 2) >= _FROM_LIP * np.hypot(np.ptp(x), np.ptp(r))
    return bool(far and not through_wall)
