r"""Mach number and temperature of a jet from far-field pressures, with its mode amplitudes, by separable least squares.

p(microphone) = sum A_mn D_mn(theta; M, T) exp(i m phi) + noise. For any M and T the best amplitudes are those of linear
least squares. With P(M, T) the projection on what they leave, |P p|^2 is minimised from the best points of a scan by
Gauss-Newton steps, with the Jacobian -P (dD/dM, dD/dT) A of Kaufman.

References
----------
G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10 (1973), 413-432; L. Kaufman, BIT 15 (1975), 49-57.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from wavenet.arrays import BoolArray, ComplexArray, FloatArray, IntArray

from .jet_patterns import Patterns

RANGES = (0.1, 0.65), (0.75, 3.9)  # of M and T: what the shipped network has learned, rounded inwards
_GRID = 20, 20  # points of the scan, of M and of ln T: a third of the distance between minima at ka = 18
_STARTS = 4  # local minima of the scan that are refined
_HOPELESS = 3.0  # times the least sum of squares: a start that a step has brought no nearer is dropped
_STEPS = 30  # at most; five to eight are usual
_LONGEST = 0.05  # step over the ranges: about one of the scan's
_DIRECTIONS = 32  # in which the contour of the likelihood is followed: its extent to 0.5 %
_HALVINGS = 8  # of the distance to it: to 0.8 %
_TOGETHER = 5000  # jets of the scan that are computed at once
_SETTLED = 1e-5  # step over the ranges at which the iteration ends: a hundredth of the intervals at 20 dB, or less


@dataclass(frozen=True)
class FittedJet:
    """Jet and modes that fit pressures best.

    mach, temperature : M, and T over that outside. half_width : (2,), half widths of their confidence intervals, from
    the Jacobian. amplitude : (mode,) complex. noise : root mean square of what is left. residual : that, over the root
    mean square of the pressures.
    """

    mach: float
    temperature: float
    half_width: FloatArray
    amplitude: ComplexArray
    noise: float
    residual: float


# long: description of the parameters
def fit(
    patterns: Patterns,
    pressures: npt.ArrayLike,
    *,
    ranges: tuple[tuple[float, float], tuple[float, float]] = RANGES,
    coverage: float = 0.95,
) -> list[FittedJet]:
    """Jets and mode amplitudes that fit the pressures of arrays best, for each array separately.

    Parameters
    ----------
    patterns : LearnedPatterns or SolvedPatterns
        Of the arrays and their modes.
    pressures : (array, microphone) complex array
        Far-field pressures, over any common factor exp(i k rho) / rho.
    ranges : ((float, float), (float, float))
        M, and T over that outside, between which jets are looked for.
    coverage : float
        Coverage of the confidence intervals of M and of T, separately.

    Returns
    -------
    list of FittedJet

    Raises
    ------
    ValueError
        Pressures are not finite or too few; ranges are not ascending; for an array, no jet within them has all modes
        cut on and is one that the surrogate takes; coverage not in (0, 1).
    """
    measured = np.asarray(pressures, complex)
    if measured.ndim != 2 or not np.all(np.isfinite(measured)) or not np.all(np.any(measured, axis=1)):
        raise ValueError(f"expected finite pressures (array, microphone), none all zero, got shape {measured.shape}")
    if not all(0 < low < high for low, high in ranges):
        raise ValueError(f"expected ascending, positive ranges of M and T, got {ranges}")
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie between 0 and 1, got {coverage}")
    freedom = _freedom(patterns, measured)
    if np.any(freedom < 1):
        most = int(patterns.modes.max())
        raise ValueError(f"{measured.shape[1]} microphones are too few for {most} modes and a jet")
    best = _refined(patterns, _scan(patterns, measured, ranges), measured, ranges)
    return [_described(best, row, measured[row], int(freedom[row]), coverage) for row in range(len(measured))]


def intervals(
    patterns: Patterns, pressures: npt.ArrayLike, found: Sequence[FittedJet], *, coverage: float = 0.95
) -> FloatArray:
    """Confidence intervals of M and T from the likelihood itself, not from its curvature at the best jet.

    An interval contains the values with which M, T and amplitudes can be chosen so that the sum of squares is at most
    1 + t^2 / nu times the least, t the quantile of Student's distribution of nu degrees of freedom: the extent in M, or
    in T, of the region within that contour around the best jet. Where a jet cannot be computed, the region ends.

    Parameters
    ----------
    patterns, pressures
        As for `fit`.
    found : sequence of FittedJet
        What `fit` returned.
    coverage : float
        Of M and of T, separately.

    Returns
    -------
    (array, 2, 2) array
        Lower and upper ends of M, then of T over that outside.
    """
    measured = np.asarray(pressures, complex)
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie between 0 and 1, got {coverage}")
    best = np.array([(one.mach, np.log(one.temperature)) for one in found])
    here = _tried(patterns, np.arange(len(best)), best, measured)
    freedom = _freedom(patterns, measured)
    allowed = stats.t.ppf((1 + coverage) / 2, freedom) ** 2 / freedom  # of the sum of squares, over the least, less one
    size = np.sqrt(allowed * here.square)[:, None, None]
    stretch = size * np.linalg.inv(np.linalg.cholesky(np.swapaxes(here.jacobian, 1, 2) @ here.jacobian))
    turn = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    ray = (np.stack([np.cos(turn), np.sin(turn)], axis=1) @ stretch).reshape(-1, 2)  # to the ellipse of the curvature
    which = np.repeat(np.arange(len(best)), _DIRECTIONS)
    far = _reach(patterns, which, best[which], ray, measured, (1 + allowed[which]) * here.square[which])
    edge = (best[which] + far[:, None] * ray).reshape(len(best), _DIRECTIONS, 2)
    ends = np.stack([edge.min(axis=1), edge.max(axis=1)], axis=2)
    ends[:, 1] = np.exp(ends[:, 1])
    return ends


def _freedom(patterns: Patterns, measured: ComplexArray) -> IntArray:
    """Degrees of freedom (array,): those of the pressures less those of amplitudes, M and T."""
    return 2 * (measured.shape[1] - patterns.modes) - 2


def _reach(
    patterns: Patterns, which: IntArray, start: FloatArray, ray: FloatArray, measured: ComplexArray, most: FloatArray
) -> FloatArray:
    """How far along rays (case, 2) from places (case, 2) the sum of squares stays below `most` (case,); about 1."""
    inside, outside, reached = np.zeros(len(which)), np.full(len(which), np.inf), np.ones(len(which))
    for _ in range(_HALVINGS):
        square = _squares(patterns, which, start + reached[:, None] * ray, measured)
        within = square <= most
        inside, outside = np.where(within, reached, inside), np.where(within, outside, reached)
        reached = np.where(np.isinf(outside), 2 * inside, 0.5 * (inside + outside))
    return inside


def _squares(patterns: Patterns, which: IntArray, place: FloatArray, measured: ComplexArray) -> FloatArray:
    """Sum of squares left (case,) by jets at places (case, 2) in M and ln T; infinite for those not to be computed."""
    left = np.full(len(which), np.inf)
    for rows in np.array_split(np.arange(len(which)), 1 + len(which) // _TOGETHER):
        rows = rows[place[rows, 0] > 0]
        good = rows[patterns.usable(which[rows], *_jets(place[rows]))] if len(rows) else rows
        if len(good):
            left[good] = _left(patterns.values(which[good], *_jets(place[good])), measured[which[good]])[0]
    return left


class _Tried(NamedTuple):
    """Jets and how they fit: number of the array (case,), place (case, 2) in M and ln T, sum of squares left (case,),
    left (case, 2 microphone) as real and imaginary parts, their Jacobian (case, 2 microphone, 2), amplitude (case,
    mode).
    """

    which: IntArray
    place: FloatArray
    square: FloatArray
    left: FloatArray
    jacobian: FloatArray
    amplitude: ComplexArray

    def put(self, rows: IntArray, other: "_Tried") -> None:
        """Replace some rows by the others."""
        for mine, one in zip(self, other, strict=True):
            mine[rows] = one

    def of(self, rows: IntArray | BoolArray) -> "_Tried":
        """Some of them."""
        return _Tried(
            self.which[rows],
            self.place[rows],
            self.square[rows],
            self.left[rows],
            self.jacobian[rows],
            self.amplitude[rows],
        )


def _refined(
    patterns: Patterns,
    starts: tuple[IntArray, FloatArray],
    measured: ComplexArray,
    ranges: tuple[tuple[float, float], ...],
) -> _Tried:
    """The best jet of each array, by Gauss-Newton from places (start, 2) of arrays (start,)."""
    scale = np.array([high - low for low, high in (ranges[0], np.log(ranges[1]))])
    here, share = _tried(patterns, *starts, measured), np.ones(len(starts[0]))
    going = np.arange(len(share))
    for _ in range(_STEPS):
        move = -(np.linalg.pinv(here.jacobian[going]) @ here.left[going][..., None])[..., 0]
        longest = np.maximum(np.max(np.abs(move) / scale, axis=1), _LONGEST)
        move *= (share[going] * _LONGEST / longest)[:, None]
        moving = np.any(np.abs(move) > _SETTLED * scale, axis=1)
        going, move = going[moving], move[moving]
        if not len(going):
            break
        place = here.place[going] + move
        known = place[:, 0] > 0
        known[known] = patterns.usable(here.which[going][known], *_jets(place[known]))
        share[going] *= 0.25
        if np.any(known):
            there = _tried(patterns, here.which[going][known], place[known], measured)
            better = there.square < here.square[going[known]]
            rows = going[known][better]
            here.put(rows, there.of(better))
            share[rows] = 1.0
        going = going[here.square[going] <= _HOPELESS * _least(here, len(measured))[here.which[going]]]
    order = np.lexsort((here.square, here.which))
    return here.of(order[np.unique(here.which[order], return_index=True)[1]])


def _least(here: _Tried, arrays: int) -> FloatArray:
    """Least sum of squares of each array."""
    found = np.full(arrays, np.inf)
    np.minimum.at(found, here.which, here.square)
    return found


def _tried(patterns: Patterns, which: IntArray, place: FloatArray, measured: ComplexArray) -> _Tried:
    """How jets at places (case, 2) fit."""
    values, rates = patterns.slopes(which, *_jets(place))
    square, left, basis = _left(values, measured[which])
    amplitude = (np.linalg.pinv(values) @ measured[which][..., None])[..., 0]
    along = np.swapaxes((rates @ amplitude[:, None, :, None])[..., 0], 1, 2)  # (case, microphone, 2)
    along = along - basis @ (np.conj(np.swapaxes(basis, 1, 2)) @ along)
    both = [np.concatenate([one.real, one.imag], axis=1) for one in (left, -along)]
    return _Tried(which.copy(), place.copy(), square, both[0], both[1], amplitude)


def _left(values: ComplexArray, measured: ComplexArray) -> tuple[FloatArray, ComplexArray, ComplexArray]:
    """Sum of squares left (case,), what is left (case, microphone), orthonormal basis (case, microphone, mode)."""
    basis = np.linalg.qr(values)[0] * np.any(values != 0, axis=1, keepdims=True)  # absent modes are the last
    left = measured - (basis @ (np.conj(np.swapaxes(basis, 1, 2)) @ measured[..., None]))[..., 0]
    return np.sum(np.abs(left) ** 2, axis=1), left, basis


def _scan(
    patterns: Patterns, measured: ComplexArray, ranges: tuple[tuple[float, float], ...]
) -> tuple[IntArray, FloatArray]:
    """Best local minima of a scan of M and ln T: number of the array (start,), places (start, 2)."""
    axes = np.linspace(*ranges[0], _GRID[0]), np.log(np.geomspace(*ranges[1], _GRID[1]))
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    which, place = np.repeat(np.arange(len(measured)), len(points)), np.tile(points, (len(measured), 1))
    left = _squares(patterns, which, place, measured)
    owners, starts = [], []
    for row, own in enumerate(left.reshape(len(measured), -1)):
        if not np.any(np.isfinite(own)):
            raise ValueError(f"array {row}: no jet with M and T in {ranges} has all modes cut on and can be computed")
        square = np.pad(own.reshape(_GRID), 1, constant_values=np.inf)
        around = [square[i : i + _GRID[0], j : j + _GRID[1]] for i in range(3) for j in range(3)]
        lowest = np.flatnonzero((own <= np.min(around, axis=0).ravel()) & np.isfinite(own))
        chosen = lowest[np.argsort(own[lowest])][:_STARTS]
        owners.append(np.full(len(chosen), row))
        starts.append(points[chosen])
    return np.concatenate(owners), np.concatenate(starts)


def _jets(place: FloatArray) -> tuple[FloatArray, FloatArray]:
    """M and T of places (case, 2) in M and ln T."""
    return place[:, 0].copy(), np.exp(place[:, 1])


def _described(best: _Tried, row: int, measured: ComplexArray, freedom: int, coverage: float) -> FittedJet:
    """The best jet of an array with its confidence intervals."""
    mach, temperature = (float(one[row]) for one in _jets(best.place))
    jacobian, square = best.jacobian[row], float(best.square[row])
    variance = square / freedom  # of a real or an imaginary part
    spread = np.sqrt(variance * np.diag(np.linalg.pinv(jacobian.T @ jacobian)))
    width = stats.t.ppf((1 + coverage) / 2, freedom) * spread * np.array([1.0, temperature])
    residual = np.sqrt(square / np.sum(np.abs(measured) ** 2))
    amplitude = best.amplitude[row, : (2 * len(measured) - 2 - freedom) // 2]
    return FittedJet(mach, temperature, width, amplitude, float(np.sqrt(2 * variance)), float(residual))
