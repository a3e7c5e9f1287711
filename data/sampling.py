"""The cases of a recipe: their parameters and splits.

Splits are by parameter: the plane of Helmholtz and Mach number is cut into blocks, and every block is assigned to
train, validation or test. A test case therefore lies in a block without training cases. Out-of-range sets have sources
of their own. Every group of cases has its own random stream, which depends only on the recipe, its seed and the group's
number.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analytic import cut_on_orders

from .arrays import ComplexArray, FloatArray, IntArray
from .layout import SPLITS
from .recipe import Recipe, Source

_BLOCKS = (32, 8)  # numbers of blocks in Helmholtz and Mach number, unless the range is a point
_DRAWS = 10_000  # largest number of draws of a group until one of its modes is cut on
_DEALING, _DRAWING, _CUTTING = 0, 1, 2  # random streams of a seed: cases to splits, groups, blocks to splits


@dataclass(frozen=True)
class Group:
    """Cases that share everything but their amplitudes.

    amplitudes : (case, order) complex array. first : number of the first case. split : index into `split_names`.
    """

    number: int
    first: int
    split: int
    m: int
    helmholtz: float
    mach: float
    amplitudes: ComplexArray


class Plan:
    """Groups of a recipe, by number.

    Attributes
    ----------
    groups, cases : int
        Numbers of groups and cases.
    split_names : tuple of str
        Names of the recipe's sets, in the order of their numbers.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.split_names = (*SPLITS, *(one.name for one in recipe.out_of_range))
        self._sources = [recipe.source] * len(SPLITS) + [one.source(recipe.source) for one in recipe.out_of_range]
        self._mixtures = recipe.source.mixtures
        usual = recipe.cases // self._mixtures
        bounds = np.round(np.cumsum(recipe.split) * usual).astype(int)
        order = np.random.default_rng([recipe.seed, _DEALING]).permutation(usual)
        extra = [max(1, round(one.share * usual)) for one in recipe.out_of_range]
        more = np.repeat(np.arange(len(extra)) + len(SPLITS), extra)
        self._split = np.concatenate([np.searchsorted(bounds, order, side="right"), more]).astype(int)
        self._blocks = _deal(recipe)
        self.groups = len(self._split)
        self.cases = self.groups * self._mixtures
        for split in np.unique(self._split):  # a set from which nothing can be drawn fails here, before any work
            self.group(int(np.flatnonzero(self._split == split)[0]))

    @cached_property
    def orders(self) -> int:
        """Length of the amplitude vectors."""
        return max(_most_orders(self._sources[split]) for split in np.unique(self._split))

    def group(self, number: int) -> Group:
        """Draw a group.

        Raises
        ------
        ValueError
            No draw has a cut-on mode.
        """
        split = int(self._split[number])
        source, rng = self._sources[split], np.random.default_rng([self._recipe.seed, _DRAWING, number])
        for _ in range(_DRAWS):
            m = int(rng.choice(source.m))
            place = self._place(split, rng)
            helmholtz, mach = (
                low + (high - low) * share
                for (low, high), share in zip((source.helmholtz, source.mach), place, strict=True)
            )
            orders = _orders(source, m, helmholtz, mach)
            if orders:
                break
        else:
            name = self.split_names[split]
            raise ValueError(
                f"no mode of the set {name} is cut on: m = {source.m}, helmholtz = {list(source.helmholtz)}"
            )
        amplitudes = np.array([_amplitudes(source, orders, rng) for _ in range(self._mixtures)])
        used = np.flatnonzero(np.any(amplitudes, axis=0))[-1] + 1
        return Group(number, number * self._mixtures, split, m, helmholtz, mach, amplitudes[:, :used])

    def _place(self, split: int, rng: np.random.Generator) -> FloatArray:
        """Helmholtz and Mach number as fractions of their ranges."""
        if split >= len(SPLITS):
            return rng.uniform(size=2)
        shape, blocks = self._blocks
        block = np.array(np.unravel_index(rng.choice(blocks[split]), shape))
        return (block + rng.uniform(size=2)) / shape


def _deal(recipe: Recipe) -> tuple[tuple[int, ...], list[IntArray]]:
    """Shape of the grid of blocks, and the blocks of every split; a single block is shared by all."""
    ranges = (recipe.source.helmholtz, recipe.source.mach)
    shape = tuple(count if low < high else 1 for count, (low, high) in zip(_BLOCKS, ranges, strict=True))
    count = int(np.prod(shape))
    if count == 1:
        return shape, [np.zeros(1, int)] * len(SPLITS)
    order = np.random.default_rng([recipe.seed, _CUTTING]).permutation(count)
    sizes = [max(1, round(share * count)) if share > 0 else 0 for share in recipe.split]
    sizes[int(np.argmax(sizes))] += count - sum(sizes)
    return shape, np.split(order, np.cumsum(sizes)[:-1])


def _orders(source: Source, m: int, helmholtz: float, mach: float) -> list[int]:
    """Radial orders of a source, for "cut-on" those that propagate."""
    if source.n != "cut-on":
        return list(source.n)
    return list(range(cut_on_orders(helmholtz, m, mach)))


def _most_orders(source: Source) -> int:
    """Length that amplitude vectors of a source need."""
    if source.n != "cut-on":
        return max(source.n) + 1
    fastest = max(map(abs, source.mach))
    return max(1, *(len(_orders(source, m, source.helmholtz[1], fastest)) for m in source.m))


def _amplitudes(source: Source, orders: list[int], rng: np.random.Generator) -> ComplexArray:
    """Amplitudes of the radial orders up to the last: a random subset is complex normal, with total square one."""
    count = min(int(rng.integers(source.modes[0], source.modes[1] + 1)), len(orders))
    chosen = np.sort(rng.choice(orders, count, replace=False))
    parts = rng.standard_normal((count, 2))
    amplitudes = np.zeros(max(orders) + 1, complex)
    amplitudes[chosen] = parts @ [1, 1j] / np.linalg.norm(parts)
    return amplitudes
