"""What a dataset samples: a validated TOML recipe, from a file or built in."""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .layout import SPLITS

Finite = Annotated[float, Field(allow_inf_nan=False)]
Axis = tuple[Finite, Finite, Annotated[int, Field(ge=2, le=4096)]]
_BUILT_IN = Path(__file__).parent / "recipes"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Orders = Annotated[list[Annotated[int, Field(ge=-40, le=40)]], Field(min_length=1)]
RadialOrders = Annotated[list[Annotated[int, Field(ge=0, le=200)]], Field(min_length=1)]
_Ka = Annotated[Finite, Field(ge=0.001, le=60)]
_M = Annotated[Finite, Field(ge=-0.8, le=0.8)]
_Count = Annotated[int, Field(ge=1)]
Helmholtz = tuple[_Ka, _Ka]
Mach = tuple[_M, _M]
Modes = tuple[_Count, _Count]


class Source(_Strict):
    """What is drawn for each case.

    m : azimuthal orders. n : "cut-on" (all cut-on radial orders) or a list. helmholtz, mach : ranges, drawn uniformly.
    modes : least and largest number of radial orders mixed, with complex normal amplitudes of total square one.
    mixtures : cases that share one (m, helmholtz, mach), with amplitudes of their own.
    """

    m: Orders
    n: Literal["cut-on"] | RadialOrders = "cut-on"
    helmholtz: Helmholtz
    mach: Mach = (0.0, 0.0)
    modes: Modes = (1, 1)
    mixtures: Annotated[int, Field(ge=1, le=1000)] = 1

    @model_validator(mode="after")
    def _ordered(self):
        for name in ("helmholtz", "mach", "modes"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} must be [least, largest], got [{low}, {high}]")
        return self


class Grid(_Strict):
    """Tensor grid of cell centres: [start, end, cells] in duct radii."""

    x: Axis
    r: Axis

    @model_validator(mode="after")
    def _ordered(self):
        for name in ("x", "r"):
            start, end, _ = getattr(self, name)
            if not start < end:
                raise ValueError(
                    f"{name} must be [start, end, cells] with start < end, got {list(getattr(self, name))}"
                )
        if self.r[0] < 0:
            raise ValueError(f"r must start at 0 or above, got {self.r[0]}")
        return self


class Microphones(_Strict):
    """Arc around the lip's centre (0, 0): radius in duct radii, [first, last, count] in degrees, 0 downstream."""

    radius: Annotated[Finite, Field(gt=1, le=1000)]
    angle_deg: Axis

    @model_validator(mode="after")
    def _outside(self):
        first, last, _ = self.angle_deg
        if not 0 <= first < last <= 180:
            raise ValueError(f"angle_deg must be [first, last, count] in 0 ... 180, got {list(self.angle_deg)}")
        return self


class Disc(_Strict):
    """Nodes around the lip: radius of the disc, distance of the closest ones [radii], counts in distance and angle."""

    radius: Annotated[Finite, Field(gt=0.01, lt=1)]
    closest: Annotated[Finite, Field(ge=1e-6, le=1e-3)] = 4e-6
    roots: Annotated[int, Field(ge=4, le=200)]
    angles: Annotated[int, Field(ge=4, le=400)]


class Arc(_Strict):
    """Number of angles, Chebyshev nodes of 0 ... 180 degrees."""

    angles: Annotated[int, Field(ge=4, le=400)]


class OutOfRange(_Strict):
    """A named test set outside the ranges of the source: what it gives replaces the source's.

    share : its number of cases, over the recipe's.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    share: Annotated[Finite, Field(gt=0, le=10)]
    m: Orders | None = None
    n: Literal["cut-on"] | RadialOrders | None = None
    helmholtz: Helmholtz | None = None
    mach: Mach | None = None
    modes: Modes | None = None

    def source(self, usual):
        """The recipe's source with what this set replaces."""
        changes = {name: getattr(self, name) for name in Source.model_fields if getattr(self, name, None) is not None}
        return Source.model_validate(usual.model_dump() | changes)


_PLACES = {"forward": "microphones", "derivative": "grid", "edge": "disc", "factor": "arc"}  # table of each task


class Recipe(_Strict):
    """A dataset: one task, its sources and where they are observed; split by their parameters, see `sampling`."""

    task: Literal["forward", "derivative", "edge", "factor"]
    cases: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)] = 0
    split: tuple[Finite, Finite, Finite] = (0.8, 0.1, 0.1)
    source: Source
    grid: Grid | None = None
    microphones: Microphones | None = None
    disc: Disc | None = None
    arc: Arc | None = None
    out_of_range: list[OutOfRange] = []

    @model_validator(mode="after")
    def _named(self):
        names = [one.name for one in self.out_of_range]
        for name in names:
            if name in SPLITS or names.count(name) > 1:
                raise ValueError(f"the name {name} of an out-of-range set is taken")
        for one in self.out_of_range:
            if one.source(self.source) == self.source:
                raise ValueError(f"the out-of-range set {one.name} changes nothing")
        if self.cases % self.source.mixtures:
            raise ValueError(f"cases must be a multiple of mixtures = {self.source.mixtures}, got {self.cases}")
        return self

    @model_validator(mode="after")
    def _complete(self):
        if min(self.split) < 0 or not math.isclose(sum(self.split), 1.0, abs_tol=1e-9):
            raise ValueError(f"split must be three shares that add to 1, got {list(self.split)}")
        wanted = _PLACES[self.task]
        others = [name for name in _PLACES.values() if name != wanted]
        if getattr(self, wanted) is None or any(getattr(self, other) is not None for other in others):
            raise ValueError(f"a {self.task} recipe needs a table [{wanted}] and no [{'] or ['.join(others)}]")
        sources = [self.source, *(one.source(self.source) for one in self.out_of_range)]
        if self.task == "forward" and any(source.modes != (1, 1) or source.mixtures != 1 for source in sources):
            raise ValueError("a forward recipe has one mode a case: modes = [1, 1] and mixtures = 1")
        if self.task in ("edge", "factor") and self.source.mixtures != 1:
            raise ValueError(f"a recipe of the task {self.task} has mixtures = 1, got {self.source.mixtures}")
        if self.task == "factor" and any(source.mach != (0, 0) or source.n != [0] for source in sources):
            raise ValueError("a factor belongs to no mode or flow: n = [0] and mach = [0.0, 0.0]")
        return self


@dataclass(frozen=True)
class NamedRecipe:
    """A recipe and the text it was read from."""

    name: str
    text: str
    recipe: Recipe


def names():
    """Names of the built-in recipes.

    >>> "forward-demo" in names()
    True
    """
    return sorted(file.stem for file in _BUILT_IN.glob("*.toml"))


def load(source, *, cases=None, seed=None):
    """Read a recipe.

    Parameters
    ----------
    source : str or path
        A TOML file, or the name of a built-in recipe.
    cases, seed : int, optional
        Instead of the recipe's own.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such recipe; a key is unknown, missing or out of range (the message names it).
    """
    source = str(source)
    if source in names():
        text = (_BUILT_IN / f"{source}.toml").read_text(encoding="utf-8")
    elif Path(source).is_file():
        text = Path(source).read_text(encoding="utf-8")
    else:
        raise FileNotFoundError(f"{source} is neither a recipe file nor one of {', '.join(names())}")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source} is not TOML: {error}") from None
    content.update({key: value for key, value in (("cases", cases), ("seed", seed)) if value is not None})
    try:
        return NamedRecipe(source, text, Recipe.model_validate(content))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'recipe'}: {fault['msg']} (got {fault['input']!r:.60})"
            for fault in error.errors()
        )
        raise ValueError(f"{source}: {faults}") from None
