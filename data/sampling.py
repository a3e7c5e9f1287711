"""The cases of a recipe: their parameters and splits.

Splits are by parameter: the space of parameters is cut into blocks, and every block is assigned to train, validation or
test (see `blocks`). A test case therefore lies in a block without training cases. Out-of-range sets have sources of
their own. Every group of cases has its own random stream, which depends only on the recipe, its seed and the group's
number; so does its point of a Sobol sequence.
"""

import bisect
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Self

import numpy as np

from analytic import Jet, Liner, ModeMixture, UniformFlow, cut_on_orders

from .arrays import ComplexArray, FloatArray, IntArray
from .blocks import Space, deal
from .given import given_case
from .layout import SPLITS
from .recipe import Recipe
from .source import JET, LINER, Source
from .task import uniform_flow

_DRAWS = 10_000  # largest number of draws of a group until one of its modes is cut on
# Random streams of a seed: cases to splits, groups, blocks to splits, scrambling of Sobol sequences.
_DEALING, _DRAWING, _CUTTING, _SCRAMBLING = 0, 1, 2, 3
_TOGETHER = 2**12  # points of a Sobol sequence computed at a time: powers of two are balanced
_HUBS = 33  # radii of the hub at which the number of modes is counted
_KEPT = 4  # plans kept in a process


@dataclass(frozen=True)
class Group:
    """Cases that share everything but their amplitudes.

    number : of the group. first : number of the first case. split : index into `split_names`. m : azimuthal order.
    parameters : the other arrays of a file that say what is solved, from helmholtz to kutta. medium : what the duct
    opens into, for `analytic.solve`. amplitudes : (case, order) complex array.
    """

    number: int
    first: int
    split: int
    m: int
    parameters: dict[str, float]
    medium: UniformFlow | Jet
    amplitudes: ComplexArray

    @property
    def liner(self) -> Liner | None:
        """Liner in the duct, if there is one."""
        if LINER[0] not in self.parameters:
            return None
        resistance, reactance, length, distance = (self.parameters[name] for name in LINER)
        return Liner(complex(resistance, reactance), length, distance)

    def with_one_mode(self) -> Self:
        """The same with the largest mode of the first case alone, of amplitude one."""
        n = int(np.argmax(np.abs(self.amplitudes[0])))
        return replace(self, amplitudes=np.eye(1, n + 1, n, dtype=complex))

    @property
    def sources(self) -> list[ModeMixture]:
        """Incident sound of every case."""
        duct = [self.parameters[name] for name in ("helmholtz", "mach", "hub")]
        return [ModeMixture(self.m, amplitudes, *duct) for amplitudes in self.amplitudes]


class Plan:
    """Groups of a recipe, by number; each is drawn when it is asked for.

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
        usual = Space(recipe.source)
        self._spaces = [usual] * len(SPLITS) + [Space(source) for source in self._sources[len(SPLITS) :]]
        self._blocks = deal(usual, recipe.split, np.random.default_rng([recipe.seed, _CUTTING]))
        self._mixtures = recipe.source.mixtures
        self._usual = recipe.cases // self._mixtures
        self._sobol = recipe.sampler == "sobol" and usual.blocks > 1
        self._sequence: dict[tuple[int, int], FloatArray] = {}
        extra = [max(1, round(one.share * self._usual)) for one in recipe.out_of_range]
        self._starts = np.concatenate([np.zeros(len(SPLITS), int), self._usual + np.cumsum([0, *extra[:-1]])])
        more = np.repeat(np.arange(len(extra)) + len(SPLITS), extra)
        self._split = np.concatenate([self._dealt(), more]).astype(np.uint8)
        self.groups = len(self._split)
        self.cases = self.groups * self._mixtures
        for split in np.unique(self._split):  # a set from which nothing can be drawn fails here, before any work
            self.group(int(np.flatnonzero(self._split == split)[0]))
        for number in range(self._usual if recipe.given else 0):
            self.group(number)

    def _dealt(self) -> IntArray:
        """Splits of the groups in the recipe's ranges."""
        recipe = self._recipe
        if self._sobol:  # that of the block in which the group's point lies
            of_block = np.empty(self._spaces[0].blocks, np.uint8)
            for split, blocks in enumerate(self._blocks):
                of_block[blocks] = split
            parts = [
                of_block[self._spaces[0].block(self._points(0, chunk)[:, :-1])]
                for chunk in range(-(-self._usual // _TOGETHER))
            ]
            return np.concatenate(parts)[: self._usual].astype(np.int64)
        bounds = np.round(np.cumsum(recipe.split) * self._usual).astype(int)
        order = np.random.default_rng([recipe.seed, _DEALING]).permutation(self._usual)
        return np.searchsorted(bounds, order, side="right")

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
        m, values, orders = self._draw(number, split, rng)
        amplitudes = np.array([_amplitudes(source, orders, rng) for _ in range(self._mixtures)])
        used = np.flatnonzero(np.any(amplitudes, axis=0))[-1] + 1
        medium: UniformFlow | Jet = UniformFlow()
        if source.jet:
            mach_outer, sound_speed_ratio, density_ratio, kutta = (values[name] for name in JET)
            medium = Jet(mach_outer, sound_speed_ratio, density_ratio, kutta)
        else:
            values = {name: float(value) for name, value in uniform_flow(values["mach"]).items()} | values
        return Group(number, number * self._mixtures, split, m, values, medium, amplitudes[:, :used])

    def _draw(self, number: int, split: int, rng: np.random.Generator) -> tuple[int, dict[str, float], list[int]]:
        """Azimuthal order, parameters and radial orders of a group."""
        source, space = self._sources[split], self._spaces[split]
        if self._recipe.given is not None and number < self._usual:
            m, values = given_case(self._recipe.given, source, number)
            if not (orders := _orders(source, m, values)):
                raise ValueError(f"no mode of the given case {number} is cut on: m = {m}, {values}")
            return m, values, orders
        if self._sobol:
            found = self._draw_point(number, split)
            if found is not None:
                return found
        for _ in range(_DRAWS):
            m = int(rng.choice(source.m))
            if split >= len(SPLITS):
                shares = rng.uniform(size=len(space.names))
            else:
                block = rng.choice(self._blocks[split])
                shares = space.place(block, rng.uniform(size=len(space.names)))
            values = space.values(shares)
            orders = _orders(source, m, values)
            if orders:
                return m, values, orders
        low, high = source.bounds["helmholtz"]
        raise ValueError(
            f"no mode of the set {self.split_names[split]} is cut on: m = {source.m}, helmholtz = {[low, high]}"
        )

    def _draw_point(self, number: int, split: int) -> tuple[int, dict[str, float], list[int]] | None:
        """The same at the group's point of its set's sequence, with one of the m of which modes are cut on, if any."""
        source, space = self._sources[split], self._spaces[split]
        chunk, index = divmod(number - int(self._starts[split]), _TOGETHER)
        *shares, which = self._points(split, chunk)[index]
        values = space.values(np.array(shares))
        # The higher |m|, the fewer modes are cut on.
        sizes = sorted(set(map(abs, source.m)))
        cut_on = bisect.bisect_left(sizes, True, key=lambda m: not _orders(source, m, values))
        found = [m for m in source.m if abs(m) in sizes[:cut_on]]
        if not found:
            return None
        m = found[int(which * len(found))]
        return m, values, _orders(source, m, values)

    def _points(self, split: int, chunk: int) -> FloatArray:
        """Points of a set's Sobol sequence: a share of every dimension, and one for m."""
        stream = max(0, split - len(SPLITS) + 1)  # one sequence for the three splits
        if (stream, chunk) not in self._sequence:
            from scipy.stats import qmc  # takes as long to import as everything else together

            seed = np.random.default_rng([self._recipe.seed, _SCRAMBLING, stream])
            engine = qmc.Sobol(len(self._spaces[split].names) + 1, rng=seed)
            if chunk:  # scipy's method does not take 0
                engine.fast_forward(chunk * _TOGETHER)
            self._sequence = {(stream, chunk): engine.random(_TOGETHER)}  # the last ones: groups are asked for in order
        return self._sequence[stream, chunk]


def plan_of(recipe: Recipe) -> Plan:
    """The plan of a recipe, one in a process."""
    return _plan(recipe.model_dump_json())


@lru_cache(maxsize=_KEPT)
def _plan(record: str) -> Plan:
    return Plan(Recipe.model_validate_json(record))


def _orders(source: Source, m: int, values: dict[str, float]) -> list[int]:
    """Radial orders of a source, for "cut-on" those that propagate."""
    if source.n != "cut-on":
        return list(source.n)
    return list(range(cut_on_orders(values["helmholtz"], m, values["mach"], hub=values["hub"])))


def _most_orders(source: Source) -> int:
    """Length that amplitude vectors of a source need."""
    if source.n != "cut-on":
        return max(source.n) + 1
    bounds = source.bounds
    fastest = max(map(abs, bounds["mach"]))
    # Cut-on frequencies first fall with the hub's radius, then rise, but for that of n = 0: one more is room enough
    # for a lowest one between two hubs.
    hubs = np.unique(np.linspace(*bounds["hub"], _HUBS)).tolist()
    ducts = [{"helmholtz": bounds["helmholtz"][1], "mach": fastest, "hub": hub} for hub in hubs]
    m = min(map(abs, source.m))  # of which most modes are cut on
    return max(1, *(len(_orders(source, m, duct)) for duct in ducts)) + (len(hubs) > 1)


def _amplitudes(source: Source, orders: list[int], rng: np.random.Generator) -> ComplexArray:
    """Amplitudes of the radial orders up to the last: a random subset is complex normal, with total square one."""
    count = min(int(rng.integers(source.modes[0], source.modes[1] + 1)), len(orders))
    chosen = np.sort(rng.choice(orders, count, replace=False))
    parts = rng.standard_normal((count, 2))
    amplitudes = np.zeros(max(orders) + 1, complex)
    amplitudes[chosen] = parts @ [1, 1j] / np.linalg.norm(parts)
    return amplitudes
