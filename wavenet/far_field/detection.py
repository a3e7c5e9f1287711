"""Mode detection: complex amplitudes of duct modes from pressures at microphones, with confidence intervals.

p(microphone) = sum A_mn P_mn(x, r) exp(i m phi) + noise, with P from any model. Amplitudes come from least squares; if
only few of many modes are present, l1-penalised least squares choose them before the least-squares fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..arrays import ComplexArray, FloatArray

_ALIKE = 0.98  # correlation of two modes at the microphones above which they cannot be distinguished
_PAIRS = 6  # of such modes that are named
_CHANCE = 0.01  # probability that noise alone explains as much, above which there is a warning
_ILL = 100.0  # condition number above which amplitudes are unreliable
_QUIET = 0.1  # initial noise-to-signal ratio for the choice of modes if the noise is unknown
_STEPS = 5000  # largest number of steps of the l1 iteration
_SETTLED = 1e-8  # relative change at which the l1 iteration ends
_ROUNDS = 20  # largest number of l1 fits if the noise is unknown
_SAME = 1e-3  # relative change of the noise at which the rounds end


@dataclass(frozen=True)
class Detection:
    """Amplitudes of modes.

    amplitude : (mode,) complex; zero if the l1 fit left a mode out. half_width : (mode,) float, half width of the
    confidence interval of the real part, and of the imaginary part, separately. chosen : (mode,) bool. noise : root
    mean square of the residual over all microphones and snapshots. condition : condition number of the chosen modes at
    the microphones, each scaled to one. warnings : list of str.
    """

    amplitude: ComplexArray
    half_width: FloatArray
    chosen: npt.NDArray[np.bool_]
    noise: float
    condition: float
    warnings: list[str]


# long: description of the parameters
def detect(
    pressure: npt.ArrayLike,
    response: npt.ArrayLike,
    *,
    coverage: float = 0.95,
    few: bool = False,
    noise: float | None = None,
    names: Sequence[str] | None = None,
) -> Detection:
    """Amplitudes of modes from pressures at microphones.

    Parameters
    ----------
    pressure : (microphone,) or (snapshot, microphone) complex array
        Amplitudes are those of the mean over the snapshots.
    response : (mode, microphone) complex array
        Pressures of modes of amplitude one.
    coverage : float
        Coverage of the confidence intervals.
    few : bool
        Choose few modes by an l1 penalty.
    noise : float, optional
        Root mean square of the noise of one snapshot, if known; otherwise it is estimated from the residual.
    names : sequence of str, optional
        Names of the modes, used in warnings.

    Returns
    -------
    Detection

    Raises
    ------
    ValueError
        Shapes do not match, values are not finite, a mode is zero at every microphone, or there are as many given or
        chosen modes as microphones.
    """
    known = np.asarray(response, complex)
    snapshots = np.atleast_2d(np.asarray(pressure, complex))
    _expect_arrays(snapshots, known, np.shape(pressure))
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie between 0 and 1, got {coverage}")
    if noise is not None and not noise > 0:
        raise ValueError(f"noise must be positive, got {noise}")
    modes, microphones = known.shape
    if modes >= microphones and not few:
        raise ValueError(f"{modes} modes need more than {microphones} microphones, unless few are chosen (--few)")
    names = [str(index) for index in range(modes)] if names is None else list(names)
    silent = np.flatnonzero(~np.any(known, axis=1))
    if len(silent):
        raise ValueError(f"mode {names[silent[0]]} is zero at every microphone")
    mean, matrix = snapshots.mean(axis=0), known.T
    chosen = _choose(mean, matrix, noise, len(snapshots)) if few else np.ones(modes, bool)
    if not np.any(chosen):
        nothing = np.zeros(modes, complex), np.full(modes, np.nan), chosen
        return Detection(*nothing, float(_rms(snapshots)), 1.0, ["no mode was found"])
    if chosen.sum() >= microphones:
        raise ValueError(f"{chosen.sum()} modes were chosen, {microphones} microphones are too few for them")
    amplitude, half_width, found, condition = _least_squares(snapshots, matrix, chosen, coverage, noise)
    warnings = _separable(matrix / np.linalg.norm(matrix, axis=0), chosen, names)
    explained = float(np.sum(np.abs(matrix[:, chosen] @ amplitude[chosen]) ** 2)) * len(snapshots)
    if not _significant(explained, found, int(chosen.sum()), snapshots.size):
        warnings.append("the modes explain no more of these pressures than of noise: are units, angles and flow right?")
    if condition > _ILL:
        warnings.append(f"the condition number of the array is {condition:.0f}: these modes are hard to separate")
    return Detection(amplitude, half_width, chosen, found, condition, warnings)


def _expect_arrays(snapshots: ComplexArray, response: ComplexArray, shape: tuple[int, ...]) -> None:
    """Refuse arrays for different microphones and values that are not finite; shape: of the pressure as given."""
    if response.ndim != 2 or snapshots.ndim != 2 or snapshots.shape[1] != response.shape[1]:
        raise ValueError(
            f"pressure {shape} and response {response.shape} are not of the same microphones, expected ([snapshot,] "
            "microphone) and (mode, microphone)"
        )
    if not (np.all(np.isfinite(snapshots)) and np.all(np.isfinite(response))):
        raise ValueError(
            f"pressures and responses must be finite, got {np.sum(~np.isfinite(snapshots))} and "
            f"{np.sum(~np.isfinite(response))} values that are not"
        )


def _least_squares(
    snapshots: ComplexArray, matrix: ComplexArray, chosen: npt.NDArray[np.bool_], coverage: float, noise: float | None
) -> tuple[ComplexArray, FloatArray, float, float]:
    """Amplitudes and half widths (mode,) of the chosen modes, root mean square of the residual, condition number."""
    amplitude, half_width = np.zeros(len(chosen), complex), np.full(len(chosen), np.nan)
    part = matrix[:, chosen]
    scale = np.linalg.norm(part, axis=0)
    left, sizes, right = np.linalg.svd(part / scale, full_matrices=False)
    amplitude[chosen] = (right.conj().T @ ((left.conj().T @ snapshots.mean(axis=0)) / sizes)) / scale
    left_over = snapshots - (part @ amplitude[chosen])
    freedom = 2 * (snapshots.size - int(chosen.sum()))
    found = np.sqrt(np.sum(np.abs(left_over) ** 2) / (freedom / 2))
    quantile = stats.norm.ppf((1 + coverage) / 2) if noise else stats.t.ppf((1 + coverage) / 2, freedom)
    spread = np.sqrt(np.sum(np.abs(right.conj().T / sizes) ** 2, axis=1)) / scale
    half_width[chosen] = quantile * (noise or found) / np.sqrt(2 * len(snapshots)) * spread
    return amplitude, half_width, float(found), float(sizes[0] / sizes[-1])


def _significant(explained: float, noise: float, modes: int, values: int) -> bool:
    """Whether a sum of squares is more than modes explain of noise alone, by the F test."""
    if noise == 0:
        return True
    ratio = explained / modes / noise**2
    return bool(stats.f.sf(ratio, 2 * modes, 2 * (values - modes)) < _CHANCE)


def _choose(mean: ComplexArray, matrix: ComplexArray, noise: float | None, snapshots: int) -> npt.NDArray[np.bool_]:
    """Modes kept by an l1-penalised fit of scaled modes, by accelerated proximal gradient steps.

    The penalty is the largest amplitude that noise alone would give; if the noise is unknown, fit and estimate of the
    noise from the residual alternate.
    """
    scale = np.linalg.norm(matrix, axis=0)
    part = matrix / scale
    step = float(1 / np.linalg.norm(part, 2) ** 2)
    level = noise / np.sqrt(snapshots) if noise else _QUIET * _rms(mean)
    weights, penalty = np.zeros(part.shape[1], complex), 0.0
    for _ in range(_ROUNDS):
        penalty = float(level * np.sqrt(2 * np.log(2 * part.shape[1])))
        weights = _shrink(mean, part, penalty, step, weights)
        if noise:
            break
        kept = np.abs(weights) > 0
        if kept.sum() >= len(mean):
            break
        fit = np.linalg.lstsq(part[:, kept], mean, rcond=None)[0]
        now = np.sqrt(np.sum(np.abs(mean - part[:, kept] @ fit) ** 2) / (len(mean) - kept.sum()))
        if abs(now - level) < _SAME * level:
            break
        level = now
    # Drop modes that passed the penalty by chance: their amplitudes are no larger than noise.
    kept = np.abs(weights) > 0
    if np.any(kept) and kept.sum() < len(mean):
        fit = np.linalg.lstsq(part[:, kept], mean, rcond=None)[0]
        kept[np.flatnonzero(kept)[np.abs(fit) < penalty]] = False
    return kept


def _shrink(mean: ComplexArray, part: ComplexArray, penalty: float, step: float, weights: ComplexArray) -> ComplexArray:
    """Minimum of |mean - part w|^2 / 2 + penalty |w|_1."""
    ahead, momentum = weights, 1.0
    for _ in range(_STEPS):
        moved = ahead - step * (part.conj().T @ (part @ ahead - mean))
        size = np.abs(moved)
        new = moved * np.maximum(0, 1 - step * penalty / np.maximum(size, 1e-300))
        after = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / after * (new - weights)
        change = np.linalg.norm(new - weights)
        weights, momentum = new, after
        if change <= _SETTLED * max(float(np.linalg.norm(weights)), 1e-300):
            break
    return weights


def _separable(part: ComplexArray, chosen: npt.NDArray[np.bool_], names: Sequence[str]) -> list[str]:
    """Warnings of pairs of modes that look alike at the microphones, at least one of them chosen."""
    alike = np.abs(part.conj().T @ part)
    pairs = np.argwhere(np.triu((alike > _ALIKE) & (chosen | chosen[:, None]), 1))
    order = np.argsort(-alike[tuple(pairs.T)], kind="stable")
    found = [
        f"modes {names[i]} and {names[j]} are not separable by this array: their correlation is {alike[i, j]:.3f}"
        for i, j in pairs[order[:_PAIRS]]
    ]
    return found if len(pairs) <= _PAIRS else [*found, f"nor are {len(pairs) - _PAIRS} more pairs of modes"]


def _rms(values: ComplexArray) -> float:
    return float(np.sqrt(np.mean(np.abs(values) ** 2)))
