"""Recipes: validated TOML files, built in or a user's own, that define what a dataset samples."""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from . import tasks
from .blocks import check_blocks
from .built_in import names, text_of
from .files import read_text
from .given import Columns, check_given
from .layout import SPLITS
from .reach import check_positions
from .source import JET, LINER, LIP, OutOfRange, Source, Whole
from .task import Finite, Table

# Limits that were chosen, not derived. Some 80 MB of memory plan ten million cases; the file's numbers have 64 bits.
MOST_CASES = 10_000_000
_LARGEST_SEED = 2**63 - 1
_MOST_SETS = 100  # out of range
_LARGEST_GROUP = 2**30  # bytes of the fields of one group, which are in memory at once


def _as_the_tasks(value: Any, info: ValidationInfo) -> Any:
    """Validate a recipe's place with the task's own model."""
    return tasks.get(info.data["task"]).place.model_validate(value) if "task" in info.data else value


class Recipe(Table):
    """A dataset: one task, its sources and where they are observed; split by parameters, see `sampling`.

    sampler : "random", or "sobol" for quasi-random parameters. storage : precision of the fields in the file.
    place : the task's own table, under the name that the task gives it, such as [grid] for near fields.
    given : parameters of every case that is not drawn but chosen, within the source's ranges; all for training.
    """

    task: str
    cases: Annotated[Whole, Field(ge=1, le=MOST_CASES)]
    seed: Annotated[Whole, Field(ge=0, le=_LARGEST_SEED)] = 0
    sampler: Literal["random", "sobol"] = "random"
    storage: Literal["double", "single"] = "double"
    split: tuple[Finite, Finite, Finite] = (0.8, 0.1, 0.1)
    source: Source
    place: Annotated[SerializeAsAny[Table], BeforeValidator(_as_the_tasks)]
    given: dict[str, list[Finite]] | None = None
    out_of_range: Annotated[list[OutOfRange], Field(max_length=_MOST_SETS)] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _placed(cls, content: Any) -> Any:
        """The table named by the task becomes `place`; tables of other tasks are refused."""
        if not isinstance(content, dict) or content.get("task") not in tasks.names():
            return content  # refused by the fields
        if "place" in content:
            raise ValueError("a recipe has no key place")
        name, section = content["task"], tasks.get(content["task"]).section
        others = sorted({tasks.get(other).section for other in tasks.names()} - {section})
        given = {key: value for key, value in content.items() if value is not None or key not in (section, *others)}
        if section not in given or any(other in given for other in others):
            raise ValueError(f"a {name} recipe needs a table [{section}] and no [{'] or ['.join(others)}]")
        given = _with_liner(given)
        return {"place" if key == section else key: value for key, value in given.items()}

    @model_serializer(mode="wrap")
    def _recorded(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The recipe as recorded in files."""
        content = handler(self)
        place, last = content.pop("place"), content.pop("out_of_range")
        if content["given"] is None:  # as in files from before there were any
            del content["given"]
        for table in (content["source"], *last):  # without a liner or lip as in files from before there were any
            for name in (*LINER, *LIP):
                if table[name] is None:
                    del table[name]
        return content | {tasks.get(self.task).section: place, "out_of_range": last}

    @property
    def jets(self) -> bool:
        """Whether any of its cases has a jet."""
        return any(getattr(table, name) is not None for table in (self.source, *self.out_of_range) for name in JET)

    @field_validator("task")
    @classmethod
    def _known(cls, name: str) -> str:
        return tasks.get(name).name

    @model_validator(mode="after")
    def _named(self) -> Self:
        names = [one.name for one in self.out_of_range]
        for name in names:
            if name in SPLITS or names.count(name) > 1:
                raise ValueError(f"the name {name} of an out-of-range set is taken")
        for one in self.out_of_range:
            if one.source(self.source) == self.source:
                raise ValueError(f"the out-of-range set {one.name} changes nothing")
        total = self.cases * (1 + sum(one.share for one in self.out_of_range))
        if total > MOST_CASES:
            raise ValueError(
                f"cases and the shares of out-of-range sets make {total:.3g} cases, the most is {MOST_CASES}"
            )
        if self.cases % self.source.mixtures:
            raise ValueError(f"cases must be a multiple of mixtures = {self.source.mixtures}, got {self.cases}")
        return self

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if min(self.split) < 0 or not math.isclose(sum(self.split), 1.0, abs_tol=1e-9):
            raise ValueError(f"split must be three shares that add to 1, got {list(self.split)}")
        task = tasks.get(self.task)
        positions = task.positions(self.place)
        values = task.values(positions) * self.source.mixtures
        if 8 * values > _LARGEST_GROUP:
            raise ValueError(
                f"mixtures = {self.source.mixtures} on [{task.section}] make {8 * values} bytes of fields, which are "
                f"computed at once; the most is {_LARGEST_GROUP}"
            )
        for source in (self.source, *(one.source(self.source) for one in self.out_of_range)):
            for part, keys in (("liner", LINER), ("thick lip", LIP)):
                there = keys[0] in source.parameters
                if there != (keys[0] in task.parameters):
                    has, other = ("a", "without") if there else ("no", "with")
                    raise ValueError(f"the source has {has} {part}, the task {task.name} is for ducts {other} one")
            task.accept(source)
            if {"x", "r"} <= set(positions):
                check_positions(task.section, source, positions["x"], positions["r"], grid=task.on_grid)
        return self

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        if self.given is not None:
            if self.sampler != "random" or self.split != (1.0, 0.0, 0.0) or self.source.mixtures != 1:
                raise ValueError(
                    "cases of a table [given] are not drawn, and all for training: split = [1.0, 0.0, 0.0], without "
                    f"sampler or mixtures, got split = {list(self.split)}, sampler = {self.sampler!r}, "
                    f"mixtures = {self.source.mixtures}"
                )
            check_given(self.given, self.source, self.cases)
        return self

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        check_blocks(self.source, self.split)
        return self


def _with_liner(content: dict[str, Any]) -> dict[str, Any]:
    """A recipe whose table [liner], if there is one, is in its source."""
    if "liner" not in content:
        return content
    liner, source = content["liner"], content.get("source")
    known = {name.removeprefix("liner_"): name for name in LINER}
    if not isinstance(liner, dict) or not isinstance(source, dict):
        raise ValueError(f"expected the tables [source] and [liner], got liner = {liner!r:.60}")
    for name in liner:
        if name not in known:
            raise ValueError(f"liner.{name!s:.40}: there is no such key, expected {', '.join(known)}")
        if known[name] in source:
            raise ValueError(f"{known[name]} is given in [source] and in [liner]")
    return {key: value for key, value in content.items() if key != "liner"} | {
        "source": source | {known[name]: value for name, value in liner.items()}
    }


@dataclass(frozen=True)
class NamedRecipe:
    """A recipe and the text it was read from."""

    name: str
    text: str
    recipe: Recipe


def load(source: str | Path, *, cases: int | None = None, seed: int | None = None) -> NamedRecipe:
    """Read a recipe.

    Parameters
    ----------
    source : str or path
        A TOML file, or the name of a built-in recipe.
    cases, seed : int, optional
        Replacements for the recipe's own values.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such recipe; a key is unknown, missing or out of range (the message names it).
    """
    source = str(source)
    if source in names():
        text = text_of(source)
    elif Path(source).is_file():
        text = read_text(Path(source))
    else:
        raise FileNotFoundError(f"{source} is neither a recipe file nor one of {', '.join(names())}")
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, and deep tables, among them
        raise ValueError(f"{source} is not TOML: {error}") from None
    content.update({key: value for key, value in (("cases", cases), ("seed", seed)) if value is not None})
    try:
        name = source.encode("utf-8", "backslashreplace").decode()  # a file's name may hold bytes of any encoding
        return NamedRecipe(name, text, Recipe.model_validate(content))
    except ValidationError as error:
        raise ValueError(f"{source}: {'; '.join(_faults(error, content))}") from None


def with_cases(named: NamedRecipe, given: Columns) -> NamedRecipe:
    """The recipe with cases that are given in place of drawn ones, all for training.

    Parameters
    ----------
    named : NamedRecipe
    given : dict
        Parameters of every case: a column for each that varies in the recipe's source, such as m and helmholtz.

    Raises
    ------
    ValueError
        A column is missing, of another length, or has a value outside the source's range.
    """
    columns = {name: [float(value) for value in column] for name, column in given.items()}
    changes = {
        "given": columns,
        "cases": max(map(len, columns.values()), default=0),
        "sampler": "random",
        "split": (1.0, 0.0, 0.0),
        "out_of_range": [],
    }
    content = named.recipe.model_dump() | changes
    try:
        return NamedRecipe(named.name, named.text, Recipe.model_validate(content))
    except ValidationError as error:
        raise ValueError(f"{named.name}: {'; '.join(_faults(error, content))}") from None


# What pydantic says in words of Python.
_WORDS = {
    "missing": "this key is missing",
    "extra_forbidden": "there is no such key",
    "model_type": "expected a table",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
}


def _faults(error: ValidationError, content: dict[str, Any]) -> list[str]:
    """What is wrong with a recipe: each key with its value."""
    faults = error.errors()
    if any(fault["loc"] == ("task",) for fault in faults):  # the others follow from it
        faults = [fault for fault in faults if fault["loc"] == ("task",)]
    found = []
    for fault in faults:
        message, value = _WORDS.get(fault["type"], fault["msg"].removeprefix("Value error, ")), fault["input"]
        key, kind = fault["loc"], fault["type"]
        if kind == "missing" and key and isinstance(key[-1], int):  # not a key, but a place in a list
            key, message = key[:-1], "a value is missing"
        # A table as a whole, of which a check of several keys says which, or which lacks a key.
        whole = isinstance(value, dict) and kind in ("missing", "value_error")
        said = whole or "got " in message or repr(value) in message
        found.append(f"{_key(key, content)}: {message}" + ("" if said else f" (got {value!r:.60})"))
    return list(dict.fromkeys(found))


def _key(location: tuple[int | str, ...], content: dict[str, Any]) -> str:
    """The invalid key, as spelled in the recipe."""
    if location[:1] == ("place",) and content.get("task") in tasks.names():
        location = (tasks.get(content["task"]).section, *location[1:])
    if location[:1] == ("source",) and "liner" in content and location[1:2] and location[1] in LINER:
        location = ("liner", str(location[1]).removeprefix("liner_"), *location[2:])
    names = [one if one.isprintable() else repr(one) for one in map(str, location)]
    return ".".join(one for one in names if not one.endswith("]")) or "recipe"  # without pydantic's kinds of a value
