"""Several dataset files as one: of the same task and positions, such as batches of chosen cases."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import tasks
from ..arrays import Array
from ..task import ORDERS, Task
from .content import Content, load, save


def join(paths: Sequence[str | Path], out: str | Path, *, notes: Sequence[Mapping[str, Any]] | None = None) -> int:
    """Write the cases of several dataset files to one, in the order of the files; return their number.

    Cases and groups are numbered anew, splits are matched by name. `recipe` in the file is that of the first one, after
    a record of every file: its content's hash, its recipe's name and seed, its number of cases, and its note.

    Parameters
    ----------
    paths : sequence of paths
        Dataset files of one task, with the same positions and precision of the fields. They are read into memory.
    out : path
        Must not exist.
    notes : sequence of dict, optional
        What else the record of each file says, in values of JSON.

    Raises
    ------
    FileNotFoundError, FileExistsError, ValueError
        No such file; out exists; fewer than two files, one of them twice, or files that differ in more than their
        cases.
    """
    files, out = [Path(path) for path in paths], Path(out)
    if out.exists():
        raise FileExistsError(f"{out} exists and is not overwritten")
    if len(files) < 2:
        raise ValueError(f"expected two dataset files or more, got {len(files)}")
    contents = [load(path, None) for path in files]
    task = tasks.get(contents[0].task)
    seen: dict[Any, Path] = {}
    for path, one in zip(files, contents, strict=True):
        _expect_alike(task, (files[0], contents[0]), (path, one))
        same = seen.setdefault(_of(one)["content_hash"], path)
        if same is not path:
            raise ValueError(f"{path} has the cases of {same}")
    save(_joined(task, contents, notes or [{}] * len(files)), out, "")
    return sum(map(len, contents))


def _of(content: Content) -> dict[str, Any]:
    assert content.provenance is not None  # it was read from a dataset file
    return content.provenance


def _expect_alike(task: Task[Any], first: tuple[Path, Content], other: tuple[Path, Content]) -> None:
    """Refuse a file that differs from the first one in more than its cases."""
    (start, mine), (path, theirs) = first, other
    if theirs.task != task.name:
        raise ValueError(f"{path} is a {theirs.task} dataset, {start} a {task.name} dataset")
    if theirs.storage != mine.storage:
        raise ValueError(f"{path} has fields in {theirs.storage} precision, {start} in {mine.storage}")
    for name, variable in task.variables.items():
        fixed = not {"case", *ORDERS} & set(variable.dimensions)
        if fixed and not np.array_equal(mine.arrays[name], theirs.arrays[name]):
            raise ValueError(f"{path} has other values of {name} than {start}")


def _joined(task: Task[Any], contents: Sequence[Content], notes: Sequence[Mapping[str, Any]]) -> Content:
    splits = tuple(dict.fromkeys(name for one in contents for name in one.splits))
    longest = {name: max(len(one.arrays[name]) for one in contents) for name in ORDERS if name in task.variables}
    columns: dict[str, list[Array]] = {name: [] for name in task.along_cases}
    missing: list[dict[str, Any]] = []
    cases = groups = 0
    for one in contents:
        of = np.array([splits.index(name) for name in one.splits])
        anew = {
            "case": one.arrays["case"] + cases,
            "group": one.arrays["group"] + groups,
            "split": of[one.arrays["split"]],
        }
        for name, values in (one.arrays | anew).items():
            if name in columns:
                columns[name].append(_padded(values, task.variables[name].dimensions, longest))
        lost = [record | {"case": record["case"] + cases, "split": int(of[record["split"]])} for record in one.missing]
        missing += lost
        cases = 1 + max([int(np.max(anew["case"])), *(record["case"] for record in lost)])
        groups = 1 + int(np.max(anew["group"]))
    arrays = contents[0].arrays | {name: np.arange(length) for name, length in longest.items()}
    arrays |= {name: np.concatenate(values) for name, values in columns.items()}
    return Content(task.name, arrays, splits, tuple(missing), _provenance(contents, notes))


def _padded(values: Array, dimensions: tuple[str, ...], longest: dict[str, int]) -> Array:
    """Values with zeros for radial orders that other files have."""
    sizes = zip(dimensions, values.shape, strict=True)
    return np.pad(values, [(0, longest.get(dimension, size) - size) for dimension, size in sizes])


def _provenance(contents: Sequence[Content], notes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    every = [_of(one) for one in contents]
    records = [
        {name: of[name] for name in ("content_hash", "recipe_name", "seed")} | {"cases": len(one)} | dict(note)
        for one, of, note in zip(contents, every, notes, strict=True)
    ]
    first = every[0]
    joined = {name: "; ".join(dict.fromkeys(str(of[name]) for of in every)) for name in ("versions", "commit")}
    text = "\n".join([*map(json.dumps, records), str(first["recipe"])])
    return first | joined | {"recipe_name": "joined", "recipe": text}
