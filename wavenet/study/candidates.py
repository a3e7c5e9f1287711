"""Cases to choose from: draws from a recipe's ranges, and which of them to take."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from data.recipe import NamedRecipe, Recipe, with_cases
from data.sampling import Plan
from wavenet.arrays import FloatArray, IntArray

CANDIDATES = 1000
_CONFIDENCE = 0.9  # that the median error is not above its upper limit
_DRAWING, _PROPOSING = 71, 72  # random streams of a recipe's seed, apart from those of `data.sampling`
_SEEDS = 2**62


@dataclass(frozen=True)
class Judged:
    """Median of errors of the latest drawn cases, and its upper limit at a confidence of 90 per cent."""

    median: float
    limit: float


def pick(score: FloatArray, places: FloatArray, count: int) -> IntArray:
    """Greedy choice of high scores far from each other.

    Parameters
    ----------
    score : (case,) float array, >= 0
    places : (case, dimension) float array
        Parameters, in units in which they matter alike.
    count : int

    Returns
    -------
    (count,) int array
        The highest score first; then, one by one, the largest product of the score and the distance to the nearest one
        that is chosen already.

    Raises
    ------
    ValueError
        Too few cases, or a score that is no number or negative.
    """
    wrong = ~(np.isfinite(score) & (score >= 0))
    if np.any(wrong):
        raise ValueError(f"expected errors must be finite and not negative, got {score[wrong][0]}")
    if count > len(score):
        raise ValueError(f"expected {count} cases or more to choose from, got {len(score)}")
    chosen: list[int] = []
    nearest = np.ones(len(score))  # the first one is chosen by its score alone
    for _ in range(count):
        worth = score * nearest
        worth[chosen] = -1.0
        one = int(np.argmax(worth))
        distance = np.linalg.norm(places - places[one], axis=1)
        nearest = np.minimum(nearest, distance) if chosen else distance
        chosen.append(one)
    return np.array(chosen)


def judge(errors: FloatArray) -> Judged:
    """Median of errors (case,), and its upper limit.

    >>> judge(np.arange(1.0, 25.0))
    Judged(median=12.5, limit=16.0)
    >>> judge(np.array([0.1, 0.2])).limit  # too few: both are below the median in a quarter of all draws
    inf
    """
    count = len(errors)
    below = special.bdtr(np.arange(count), count, 0.5)  # probability that so many are below the true median, or fewer
    rank = int(np.searchsorted(below, _CONFIDENCE))
    return Judged(float(np.median(errors)), float(np.append(np.sort(errors), np.inf)[rank]))


class Draws:
    """Cases that are drawn from a recipe's ranges, without end."""

    def __init__(self, named: NamedRecipe) -> None:
        recipe = named.recipe
        if recipe.given is not None:
            raise ValueError(f"{named.name}: expected a recipe whose cases are drawn, got a table [given]")
        self._recipe = recipe
        source = recipe.source
        self._names = [*(["m"] if len(source.m) > 1 else []), *(n for n, one in source.drawn.items() if one.varies)]
        self._ends = {"m": (min(source.m), max(source.m))} | {name: source.bounds[name] for name in source.drawn}
        if not self._names:
            raise ValueError(f"{named.name}: expected a recipe in which something varies, got one case")
        with_cases(named, self.drawn(0, 1))  # refuses what no case can be given of

    def drawn(self, first: int, count: int) -> dict[str, list[float]]:
        """Cases of the quasi-random sequence, from one of its numbers on."""
        return self._sequence(_DRAWING, first, count)

    def candidates(self, number: int) -> dict[str, list[float]]:
        """Cases to choose a batch from."""
        return self._sequence(_PROPOSING, number * CANDIDATES, CANDIDATES)

    def parameters(self, given: Mapping[str, list[float]]) -> dict[str, FloatArray]:
        """All parameters of cases (case,), those that are fixed as well."""
        source, count = self._recipe.source, len(next(iter(given.values())))
        fixed = {"m": float(source.m[0])} | {name: one.bounds[0] for name, one in source.drawn.items()}
        return {name: np.full(count, value) for name, value in fixed.items()} | {
            name: np.array(column) for name, column in given.items()
        }

    def places(self, given: Mapping[str, list[float]]) -> FloatArray:
        """Parameters as shares of their ranges: (case, parameter)."""
        columns = []
        for name, column in given.items():
            low, high = self._ends[name]
            columns.append((np.asarray(column) - low) / (high - low))
        return np.stack(columns, axis=1)

    def _sequence(self, stream: int, first: int, count: int) -> dict[str, list[float]]:
        seed = int(np.random.default_rng([self._recipe.seed, stream]).integers(_SEEDS))
        changes = {
            "cases": first + count,
            "seed": seed,
            "sampler": "sobol",
            "split": (1.0, 0.0, 0.0),
            "out_of_range": [],
        }
        plan = Plan(Recipe.model_validate(self._recipe.model_dump() | changes))
        groups = [plan.group(number) for number in range(first, first + count)]
        every = [{"m": float(group.m), **group.parameters} for group in groups]
        return {name: [one[name] for one in every] for name in self._names}


def scores(expected: FloatArray, wanted: Mapping[str, float], quantities: tuple[str, ...]) -> FloatArray:
    """Expected errors in units of those wanted, the largest one of each case; if none is, of their medians."""
    medians = np.maximum(np.median(expected, axis=0), np.finfo(float).tiny)
    units = [wanted.get(name, np.inf) for name in quantities] if wanted else medians
    found: FloatArray = np.max(expected / units, axis=1)
    return found
