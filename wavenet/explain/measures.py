"""Measures of an explanation, against a region of interest or by what changes when inputs are perturbed.

Relevance is given by element: (case, element), whatever an element is: a cell, a mode, an input. A region is a mask of
elements, (case, element) or (element,).
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def outside_inside(relevance: ArrayLike, region: ArrayLike) -> NDArray:
    """Mean positive relevance outside of a region over that inside; smaller is better.

    Returns
    -------
    (case,) float array
        Infinite where nothing inside has positive relevance, nan where nothing has.

    Source: Nam et al. (2020), see `wavenet.rap`.
    """
    positive, mask = _pair(np.maximum(relevance, 0), region)
    outside, inside = _mean(positive, ~mask), _mean(positive, mask)
    with np.errstate(divide="ignore", invalid="ignore"):
        return outside / inside


def segmentation(relevance: ArrayLike, region: ArrayLike) -> tuple[NDArray, NDArray]:
    """Where relevance is positive, taken as a guess of the region: mean intersection over union, and accuracy.

    Returns
    -------
    miou, accuracy : (case,) float arrays
        The mean is that of the two classes, inside and outside; the accuracy is the share of elements told right.
    """
    values, mask = _pair(relevance, region)
    guess = values > 0
    classes = ((guess, mask), (~guess, ~mask))
    together, either = (np.array([op(a, b).sum(axis=1) for a, b in classes]) for op in (operator.and_, operator.or_))
    there = either > 0  # a class that neither has is not counted
    return np.sum(together / np.maximum(either, 1), axis=0) / there.sum(axis=0), np.mean(guess == mask, axis=1)


def share(relevance: ArrayLike, region: ArrayLike) -> NDArray:
    """Share of the positive relevance that lies in a region, (case,); nan where nothing is positive."""
    positive, mask = _pair(np.maximum(relevance, 0), region)
    with np.errstate(invalid="ignore"):
        return np.sum(positive * mask, axis=1) / np.sum(positive, axis=1)


def perturbation(
    predict: Callable[[NDArray], NDArray],
    inputs: NDArray,
    others: NDArray,
    relevance: NDArray,
    patches: NDArray,
    *,
    steps: int,
    amount: float = 1.0,
    first: str = "positive",
) -> NDArray:
    """Change of one case's explained output while patches of its input turn into another case's, (steps + 1,).

    Parameters
    ----------
    predict : function
        From inputs (trial, channel, element) to complex or real outputs (trial,).
    inputs, others : (channel, element)
        The case, and what it is perturbed with.
    relevance : (element,)
    patches : (element,) int
        Number of the patch of each element; patches are perturbed whole.
    steps : int
        Patches that are perturbed, one after another.
    amount : float
        How far they go towards the other case; 1 replaces them.
    first : {"positive", "negative"}
        The patches with the most relevance first, or those with the least.

    Returns
    -------
    (steps + 1,) float array
        |y_k - y_0| / |y_0| after k patches, at most 1: then the prediction is lost.
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
        raise ValueError("the predictions of perturbed inputs must be finite")
    change, size = np.abs(found - found[0]), np.abs(found[0])
    return np.where(change < size, change / size if size else 0.0, (change > 0) * 1.0)


@dataclass(frozen=True)
class Interval:
    """A mean or median over cases with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self):
        return f"{self.value:.3g} ({self.low:.3g} … {self.high:.3g})"


def interval(values: ArrayLike, *, statistic: Callable = np.median, seed: int = 0) -> Interval:
    """Statistic of values (case,) and its 95 % interval by the percentile bootstrap; what is nan is left out."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if statistic is np.mean and np.isinf(known).any():
        raise ValueError("a mean of infinite values says nothing; take the median")
    if len(known) < 2:
        raise ValueError(f"an interval needs two cases or more, got {len(known)}")
    value = float(statistic(known))
    if np.all(known == known[0]):
        return Interval(value, value, value)
    found = stats.bootstrap(
        (known,), statistic, n_resamples=2000, vectorized=False, method="percentile", rng=np.random.default_rng(seed)
    )
    return Interval(value, float(found.confidence_interval.low), float(found.confidence_interval.high))


def _pair(values, region):
    values, mask = np.asarray(values), np.asarray(region, dtype=bool)
    if np.isnan(values).any():
        raise ValueError("relevance must not be nan")
    if values.ndim != 2 or mask.shape[-1:] != values.shape[1:] or mask.ndim > 2:
        raise ValueError(f"expected (case, element) and a region of as many elements, got {values.shape}, {mask.shape}")
    return values, np.broadcast_to(mask, values.shape)


def _mean(values, mask):
    with np.errstate(invalid="ignore"):
        return np.sum(values * mask, axis=1) / np.sum(mask, axis=1)
