"""Measures of an explanation: agreement with a region of interest, and change of the output under perturbation.

Relevance is given by element, (case, element); an element may be a cell, a mode or any other input. A region is a mask
of elements, (case, element) or (element,).
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ..arrays import Array, BoolArray, FloatArray

RESAMPLES = 2000  # the interval's ends then scatter by about 1.5 % of its width: sqrt(0.025 / 2000) / 0.058 / 3.9


def outside_inside(relevance: ArrayLike, region: ArrayLike) -> FloatArray:
    """Mean positive relevance outside a region divided by that inside; smaller is better.

    Returns
    -------
    (case,) float array
        Infinite where no element inside has positive relevance, nan where no element at all has.

    References
    ----------
    Nam et al. (2020), see `wavenet.rap`.
    """
    positive, mask = _pair(np.maximum(relevance, 0), region)
    outside, inside = _mean(positive, ~mask), _mean(positive, mask)
    with np.errstate(divide="ignore", invalid="ignore"):
        return outside / inside


def segmentation(relevance: ArrayLike, region: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Mean intersection over union, and accuracy, of the elements with positive relevance as a guess of the region.

    Returns
    -------
    miou, accuracy : (case,) float arrays
        The mean is over the two classes, inside and outside; the accuracy is the fraction of elements classified
        correctly.
    """
    values, mask = _pair(relevance, region)
    guess = values > 0
    classes = ((guess, mask), (~guess, ~mask))
    together, either = (np.array([op(a, b).sum(axis=1) for a, b in classes]) for op in (operator.and_, operator.or_))
    there = either > 0  # a class that is empty in both is not counted
    return np.sum(together / np.maximum(either, 1), axis=0) / there.sum(axis=0), np.mean(guess == mask, axis=1)


def share(relevance: ArrayLike, region: ArrayLike) -> FloatArray:
    """Share of the positive relevance that lies in a region, (case,); nan where no element has positive relevance."""
    positive, mask = _pair(np.maximum(relevance, 0), region)
    with np.errstate(invalid="ignore"):
        return np.sum(positive * mask, axis=1) / np.sum(positive, axis=1)


def perturbation(
    predict: Callable[[Array], Array],
    inputs: Array,
    others: Array,
    relevance: FloatArray,
    patches: NDArray[np.integer],
    *,
    steps: int,
    amount: float = 1.0,
    first: str = "positive",
) -> FloatArray:
    """Relative change of one case's explained output while patches of its input are replaced by another case's.

    Parameters
    ----------
    predict : function
        From inputs (trial, channel, element) to complex or real outputs (trial,).
    inputs, others : (channel, element) arrays
        The case, and the one it is perturbed with.
    relevance : (element,)
    patches : (element,) int
        Number of each element's patch, from zero; all elements of a patch are perturbed together.
    steps : int
        Number of patches perturbed, one after another.
    amount : float
        Fraction of the way to the other case; 1 replaces the values.
    first : {"positive", "negative"}
        Whether the patches with the most relevance are perturbed first, or those with the least.

    Returns
    -------
    (steps + 1,) float array
        |y_k - y_0| / |y_0| after k patches, limited to 1, where the prediction is lost.

    Raises
    ------
    ValueError
        An unknown order, more steps than patches, or predictions that are not finite.
    """
    if first not in ("positive", "negative"):
        raise ValueError(f"first must be 'positive' or 'negative', got {first!r}")
    count = int(patches.max()) + 1
    if not 1 <= steps <= count:
        raise ValueError(f"steps must lie in 1 ... {count}, the number of patches, got {steps}")
    score = np.bincount(patches, relevance, count)
    order = np.argsort(-score if first == "positive" else score, kind="stable")[:steps]
    rank = np.full(count, steps + 1)
    rank[order] = np.arange(1, steps + 1)
    replaced = rank[patches] <= np.arange(steps + 1)[:, None]  # (trial, element)
    found = predict(np.where(replaced[:, None], inputs + amount * (others - inputs), inputs))
    if not np.all(np.isfinite(found)):
        raise ValueError(f"the predictions of perturbed inputs must be finite, got {found[~np.isfinite(found)][0]}")
    change, size = np.abs(found - found[0]), np.abs(found[0])
    return np.where(change < size, change / size if size else 0.0, (change > 0) * 1.0)


@dataclass(frozen=True)
class Interval:
    """A mean or median over cases with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} … {self.high:.3g})"


def interval(values: ArrayLike, *, statistic: Callable[..., Any] = np.median, seed: int = 0) -> Interval:
    """Statistic of values (case,) and its 95 % interval by the percentile bootstrap; nan values are left out."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if statistic is np.mean and np.isinf(known).any():
        raise ValueError("the mean of infinite values is not defined; use the median")
    if len(known) < 2:
        raise ValueError(f"an interval needs two cases or more, got {len(known)}")
    value = float(statistic(known))
    if np.all(known == known[0]):
        return Interval(value, value, value)
    found = stats.bootstrap(
        (known,),
        statistic,
        n_resamples=RESAMPLES,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return Interval(value, float(found.confidence_interval.low), float(found.confidence_interval.high))


def _pair(relevance: ArrayLike, region: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Relevance and region as arrays of one shape (case, element)."""
    values, mask = np.asarray(relevance), np.asarray(region, dtype=bool)
    if np.isnan(values).any():
        raise ValueError(f"relevance must not be nan, got {np.isnan(values).sum()} of {values.size} values nan")
    if values.ndim != 2 or mask.shape[-1:] != values.shape[1:] or mask.ndim > 2:
        raise ValueError(
            f"expected relevance (case, element) and a region of as many elements, got {values.shape} and {mask.shape}"
        )
    return values, np.broadcast_to(mask, values.shape)


def _mean(values: FloatArray, mask: BoolArray) -> FloatArray:
    """Mean over the elements of a mask, (case,)."""
    with np.errstate(invalid="ignore"):
        return np.sum(values * mask, axis=1) / np.sum(mask, axis=1)
