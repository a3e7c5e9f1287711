"""Measures of error: relative errors of cases, their statistics, levels in decibels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from wavenet.arrays import ComplexArray, FloatArray, Reals

STATISTICS: dict[str, Callable[[Reals], float]] = {  # key in JSON files: function of the cases' errors
    "median": lambda errors: float(np.median(errors)),
    "percentile_95": lambda errors: float(np.percentile(errors, 95)),
    "largest": lambda errors: float(np.max(errors)),
}
HEADINGS = {"median": "median", "percentile_95": "95 %", "largest": "worst"}  # of the statistics, in tables
QUIETEST = -20.0  # level re peak down to which level errors count [dB]: below it, nulls dominate the error
_SMALLEST = 1e-300  # modulus whose level is still finite


@dataclass(frozen=True)
class Shown:
    """A case that is shown in a picture.

    kind : "median" or "worst". index : its place among the cases. error : its largest error over all quantities.
    """

    kind: str
    index: int
    error: float


def relative_error(predicted: Reals, exact: Reals) -> Reals:
    """Relative L2 error of each case, (case, ...) -> (case,): all other axes together."""
    axes = tuple(range(1, exact.ndim))
    return np.sqrt(np.sum((predicted - exact) ** 2, axis=axes) / np.sum(exact**2, axis=axes))


def level(values: Reals | ComplexArray, peak: float, floor: float = -80.0) -> FloatArray:
    """Level 20 log10 |values / peak| [dB], no lower than `floor`."""
    modulus = np.maximum(np.abs(values).astype(float), _SMALLEST)  # single precision would round it to zero
    return np.maximum(20 * np.log10(modulus / peak), floor)


def level_errors(predicted: Reals, exact: Reals) -> Reals:
    """|Level error| [dB] at each microphone whose exact level is within `QUIETEST` of its case's peak.

    Parameters
    ----------
    predicted, exact : (case, microphone, 2) arrays
        Pressures, real and imaginary part.

    Returns
    -------
    (value,) array
        Over all cases together.
    """
    found, true = (np.hypot(values[..., 0], values[..., 1]) for values in (predicted, exact))
    loud = true > 10 ** (QUIETEST / 20) * true.max(axis=1, keepdims=True)
    return np.abs(20 * np.log10(np.maximum(found[loud], _SMALLEST) / true[loud]))


def median_and_worst(errors: Mapping[str, Reals]) -> tuple[Shown, Shown]:
    """The case with the median error and the one with the largest, by the larger error of all quantities.

    For an even number of cases, the median case is the upper one of the two in the middle.
    """
    largest = np.max(list(errors.values()), axis=0)
    order = np.argsort(largest)
    median, worst = order[len(order) // 2], order[-1]
    return Shown("median", int(median), largest[median]), Shown("worst", int(worst), largest[worst])
