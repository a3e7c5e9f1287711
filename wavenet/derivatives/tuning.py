r"""The ka and M that a field has, and its noise: both from what is no sum of waves.

Fits of exact solutions (`exact_fits`, `joint_waves`) rest on k and M: a relative error of 1e-4 makes them a thousand
times less accurate than stencils. But it leaves a trace, for the waves of the stated k and M miss the field. Both are
therefore changed until waves miss least: first the waves on patches (`wave_patches`), which assume nothing about where
the sound comes from; then, in noise, those of the whole grid, over which phases turn farther. A change is made only if
it is significant, and if what is still missed afterwards is much less, or random.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..arrays import ComplexArray, FloatArray
from .exact_fits import Stretched
from .joint_waves import JointWaves
from .wave_patches import Case, Noise, estimate_noise, missed_by_waves

_STEP = 1e-5  # of ln ka and of M, for slopes: curvature, some 1e-5, and rounding, 1e-16 over this, are both small
_ROUNDS = 8  # of Gauss and Newton's method, at most: 3 to 5 are needed
_DONE = 0.02  # it ends when the last change is below this, over the uncertainty
_SIGNIFICANT = 25.0  # least fall of the sum of squares, over the mean square: five standard deviations
_MUCH = 4.0  # least ratio of the sums of squares before and after, if what is missed is not random
_FARTHEST = 0.3  # largest change of ln ka and of M
_SUBSONIC = 0.95  # largest |M|
_BLIND = 1e-8  # eigenvalue of the normal matrix over the largest, below which nothing tells its direction
_EXACT = 1e-8  # noise below this is the solver's error, and nothing is changed
_JOINED = 3e-5  # noise from which on the whole grid is used: three times the truncation error of its waves
_TINY = 1e-300
_RANDOM = 1.3  # misfit of the whole grid over that of patches, up to which both are the same random noise


class Tuned(NamedTuple):
    """The case that a field belongs to.

    case : m, ka and M, changed or as told. uncertainty : of ln ka and of M, standard deviations if the noise is white;
    infinite if it was not asked for. noise : of the field; None if the grid has no patch to estimate it from.
    """

    case: Case
    uncertainty: tuple[float, float]
    noise: Noise | None


Missed = Callable[[Case], ComplexArray]
_UNKNOWN = (np.inf, np.inf)


def tune(
    values: ComplexArray,
    x: FloatArray,
    r: FloatArray,
    case: Case,
    *,
    noise: float | None = None,
    trusted: bool = False,
) -> Tuned:
    """The ka and M of a potential or a pressure, near those told, and its noise.

    Parameters
    ----------
    values : (x, r) complex array
        The potential, or the pressure: both solve the equation.
    x, r : (n,) float arrays
        Cell centres, increasing [radii].
    case : Case
        As told.
    noise : float, optional
        Relative root mean square of white noise, if it is known: the field is expected to have no less.
    trusted : bool
        Whether ka and M are exactly as told, so that only the noise is estimated.
    """
    found, size = estimate_noise(values, x, r, case), float(np.sqrt(np.mean(np.abs(values) ** 2)))
    if trusted or found is None or max(found.level, noise or 0.0) < _EXACT:
        return Tuned(case, _UNKNOWN, found)
    field, now, uncertainty = values / size, case, _UNKNOWN

    def patches(at: Case) -> ComplexArray:
        return missed_by_waves(field, x, r, at)

    if not found.white:
        # Patches overlap: a cell counts several times, but gives one number.
        trial, sure, fall, ratio = _least(patches, case, field.size)
        after = estimate_noise(values, x, r, trial)
        if after is not None and fall > _SIGNIFICANT and (after.white or ratio > _MUCH):
            now, uncertainty, found = trial, sure, after
    level = max(found.level, noise or 0.0)
    if level > _JOINED and x[0] < 0 < x[-1] and r[0] < 1 < r[-1]:

        def grid(at: Case) -> ComplexArray:
            waves = JointWaves(Stretched.of(at, x), x, r)
            return waves.apply(field, level)[1].ravel()

        def misses(at: Case) -> float:
            return float(np.sqrt(np.mean(np.abs(grid(at)) ** 2)))

        def accept(start: Case) -> tuple[Case, tuple[float, float]] | None:
            trial, sure, fall, ratio = _least(grid, start, field.size)
            sound = misses(trial) < _RANDOM * level or ratio > _MUCH
            return (trial, sure) if fall > _SIGNIFICANT and sound else None

        better = accept(now)
        if better is None and misses(now) > _RANDOM * level:  # too far off to begin from
            better = accept(_least(patches, now, field.size)[0])
        if better is not None:
            now, uncertainty = better
            found = estimate_noise(values, x, r, now) or found
    return Tuned(now, uncertainty, found)


def _least(missed: Missed, case: Case, cells: int) -> tuple[Case, tuple[float, float], float, float]:
    """Case for which least is missed, by Gauss and Newton's method.

    cells : number of independent values. Returns the case, uncertainties of ln ka and M, the fall of the sum of squares
    over the mean square of what is left, and the ratio of the sums of squares before and after.
    """
    now, rest, uncertainty = case, missed(case), np.array(_UNKNOWN)
    first = least = float(np.sum(np.abs(rest) ** 2))
    for _ in range(_ROUNDS):
        slopes = np.stack([(missed(_changed(now, step)) - rest) / _STEP for step in np.eye(2) * _STEP], axis=1)
        normal, against = (slopes.conj().T @ slopes).real, (slopes.conj().T @ rest).real
        inverse, told = _inverse(normal)
        change = np.asarray(-inverse @ against, np.float64)
        trial = _changed(now, change)
        if max(abs(np.log(trial.helmholtz / case.helmholtz)), abs(trial.mach - case.mach)) > _FARTHEST:
            break
        if abs(trial.mach) > _SUBSONIC:
            break
        more = missed(trial)
        total = float(np.sum(np.abs(more) ** 2))
        if total >= least:
            break
        now, rest, least = trial, more, total
        # half of a complex number's mean square is each part's
        uncertainty = np.sqrt(np.diag(inverse) * total / cells / 2) if told else uncertainty
        if np.all(np.abs(change) < _DONE * uncertainty):
            break
    sure = float(uncertainty[0]), float(uncertainty[1])
    return now, sure, (first - least) / max(least / cells, _TINY), first / max(least, _TINY)


def _inverse(normal: FloatArray) -> tuple[FloatArray, bool]:
    """Inverse of the normal matrix, but for a direction that nothing tells; whether there is none.

    In a single wave a change of ka can be made up for by one of M.
    """
    sizes, vectors = np.linalg.eigh(normal)
    told = sizes > _BLIND * sizes[-1]
    inverse: FloatArray = (vectors[:, told] / sizes[told]) @ vectors[:, told].T
    return inverse, bool(np.all(told))


def _changed(case: Case, change: FloatArray) -> Case:
    return Case(case.m, float(case.helmholtz * np.exp(change[0])), float(case.mach + change[1]))
