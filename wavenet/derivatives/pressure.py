r"""The potential of a pressure, p = i ka psi - M psi_x.

Without flow psi = p / (i ka). With flow psi is not determined by p alone: a wave exp(i ka x / M) has none, in regions
without walls. A field that radiates from the duct does not contain it. Far from the lip the field is therefore written
as a sum of duct modes, of outgoing waves and of waves downstream (`fitted_waves`), each of which has its pressure;
around the lip as a sum of edge functions, fitted to the pressure there, and to the potential of the waves on the disc's
rim. No equation is solved along x, and no boundary value is needed.
"""

from typing import NamedTuple

import numpy as np

from ..arrays import Array, BoolArray, ComplexArray, FloatArray
from .edge import EdgeFunctions
from .fitted_waves import Region, regions
from .wave_patches import Case

_ACCURACY = 3e-6  # of the waves on the rim of the edge functions' disc, relative: measured, some 1e-6 to 1e-5
_EVANESCENT = 40.0  # wavenumbers up to K plus this are in the sums [1/radius]: more than in noise, which they average
_LIP = 0.3  # distance to the lip within which values are not used in the sums [radii]: these converge slowly there
_INNER = 0.36  # distance to the lip within which edge functions give the potential [radii]
_RIM = 0.95  # fraction of the edge functions' disc within which values are used
_WALL = 0.003  # slope allowed on the wall, over K times the field and the noise: a penalty, not an exact condition
# Waves with less pressure than this share of K phi have uncertain amplitudes: what leaving them out would change is
# part of the error estimate.
_SILENT = 0.05
_LEAST = 1e-7  # relative noise assumed at least: the truncation error of sums and edge functions
_REACH = 0.4  # the grid must extend so far from the lip to all sides but the axis [radii]; see the tests


class Recovered(NamedTuple):
    """A potential (x, r), and the size of its error, root mean square over that of the potential."""

    potential: ComplexArray
    error: float


def potential_of_pressure(
    pressure: ComplexArray, x: FloatArray, r: FloatArray, case: Case, edge: EdgeFunctions, noise: float = 0.0
) -> Recovered:
    """Potential of a pressure on the same cells.

    Parameters
    ----------
    pressure : (x, r) complex array
        p [rho c^2], time factor exp(-i omega t).
    x, r : (n,) float arrays
        Cell centres [radii].
    case : Case
    edge : EdgeFunctions
    noise : float
        Root mean square of the noise in the pressure over that of the pressure.

    Raises
    ------
    ValueError
        There is flow, and the grid does not surround the lip widely enough to tell waves from one another.
    """
    alike = pressure / (1j * case.helmholtz)  # of the potential's size, and without flow the potential
    if case.mach == 0:
        return Recovered(alike, 0.0)
    ends = {"x": (-x[0], x[-1]), "r": (1 - r[0], r[-1] - 1)}
    for name, reach in ends.items():
        if min(reach) < _REACH:
            raise ValueError(
                f"the potential of a pressure in flow, M = {case.mach:.3g}, needs cells to {_REACH} radii from the lip "
                f"on all sides, got {min(reach):.3g} in {name}: nearer, a wave exp(i ka x / M), which has no "
                "pressure, is not told from others"
            )
    noise, size = max(noise, _LEAST), float(np.linalg.norm(alike)) or 1.0
    first, missed = _everywhere(alike, x, r, case, edge, noise, 0.0)
    second, _ = _everywhere(alike, x, r, case, edge, noise, _SILENT)
    return Recovered(first, float(np.hypot(missed, np.linalg.norm(second - first)) / size))


def _everywhere(
    alike: ComplexArray, x: FloatArray, r: FloatArray, case: Case, edge: EdgeFunctions, noise: float, silent: float
) -> tuple[ComplexArray, float]:
    """Potential, without waves of less pressure than `silent`, and the norm of the pressure that it misses."""
    result, missed = np.empty(alike.shape, complex), 0.0
    for region in regions(x, r):  # cells of two regions get the potential of the later one
        result[np.ix_(region.i, region.j)], more = _by_waves(alike, x, r, region, case, noise, silent)
        missed += more
    rho = np.hypot(x[:, None], r - 1)
    near = rho < _INNER
    if np.any(near):
        seen = (rho < _RIM * edge.config.radius) & (rho >= edge.config.closest)
        result[near], more = _around_lip(alike, result, x, r, seen, near, case, edge, noise)
        missed += more
    return result, float(np.sqrt(missed))


def _by_waves(
    alike: ComplexArray, x: FloatArray, r: FloatArray, region: Region, case: Case, noise: float, silent: float
) -> tuple[ComplexArray, float]:
    """Potential in a region, by the waves that fit its pressure best, and the sum of squares of what they miss."""
    place, number, across = np.ix_(region.i, region.j), case.number, r[region.j]
    big_x, turn = x[region.i] / case.beta, case.turn(x[region.i])
    mu, radial, _, on_wall = region.waves(abs(case.m), number, float(np.ptp(big_x)), across, _EVANESCENT)
    axial = np.exp(1j * np.outer(mu, big_x - big_x[region.start]))
    axial /= np.sqrt(np.mean(np.abs(axial) ** 2, axis=1) * np.mean(np.abs(radial) ** 2, axis=1))[:, None]
    # p exp(i K M X) = i (K - M mu) / beta phi for every wave, and ka = K beta
    unit = (1 - case.mach * mu / number) / case.beta**2
    axial[np.abs(unit) < silent] = 0
    far = np.hypot(x[region.i, None], across - 1).ravel() > _LIP
    matrix = (axial[:, :, None] * (unit[:, None] * radial)[:, None, :]).reshape(len(mu), -1).T[far]
    given = (alike[place] * turn).ravel()[far]
    size = np.sqrt(np.mean(np.abs(given) ** 2)) or 1.0
    noise *= np.sqrt(np.mean(np.abs(alike) ** 2)) / size
    if on_wall is not None:
        rows = (axial[:, x[region.i] < -_LIP] * on_wall[:, None]).T * (noise / (_WALL * number))
        matrix, given = np.concatenate([matrix, rows]), np.concatenate([given, np.zeros(len(rows))])
    amplitudes = _ridge(matrix, given, noise)
    missed = float(np.sum(np.abs(matrix @ amplitudes - given) ** 2))
    return (axial * amplitudes[:, None]).T @ radial / turn, missed


def _around_lip(
    alike: ComplexArray,
    psi: ComplexArray,
    x: FloatArray,
    r: FloatArray,
    seen: BoolArray,
    near: BoolArray,
    case: Case,
    edge: EdgeFunctions,
    noise: float,
) -> tuple[ComplexArray, float]:
    """The same of the cells `near`, by edge functions that fit the pressure of those `seen`, and psi on the rim."""
    deviation = np.sqrt(edge.variance.cpu().numpy())
    i, j = np.nonzero(seen)
    value, along, _ = edge.evaluate(x[i], r[j])
    rim, trust = (~near)[seen], noise / max(noise, _ACCURACY)
    matrix = np.concatenate([value + 1j * case.mach / case.helmholtz * along, trust * value[rim]]) * deviation
    given = np.concatenate([alike[seen], trust * psi[seen & ~near]])
    amplitudes = _ridge(matrix, given, noise)
    missed = float(np.sum(np.abs(matrix @ amplitudes - given) ** 2))
    i, j = np.nonzero(near)
    return (edge.evaluate(x[i], r[j])[0] * deviation) @ amplitudes, missed


def _ridge(matrix: Array, values: ComplexArray, noise: float) -> ComplexArray:
    """Amplitudes of size one that fit values with this noise best."""
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    amplitudes: ComplexArray = right.conj().T @ (sizes / (sizes**2 + noise**2) * (left.conj().T @ values))
    return amplitudes
