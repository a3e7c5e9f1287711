"""Shards: a few groups of cases that are computed together, as the bytes of a safetensors file.

A shard holds the arrays of the dataset that run along its cases, and sums for the dataset's statistics. It is written
atomically; its line in the journal, with its digest, marks it as finished (see `journal`).
"""

import functools
import importlib.metadata
from collections.abc import Sequence
from typing import Any

import numpy as np
from safetensors.numpy import save

from analytic import ConvergenceError

from . import tasks
from .arrays import Array, FloatArray
from .journal import Missing
from .layout import MISSING_COLUMNS
from .recipe import Recipe
from .rounding import stored
from .sampling import Group, Plan, plan_of
from .task import ORDERS, Task

# Solver blocks of a shard, and cases of one with jets, which take up to half a second each: what an interruption costs
# per worker is a few seconds of work.
_BLOCKS, _CASES_OF_JETS = 2, 64
_MOST_VALUES = 2**23  # of the fields solved together: 64 MiB
DEATHS = 3  # worker deaths after which the cases of a shard are given up


@functools.cache  # reading the packages' metadata takes 10 ms
def versions(task: str | None = None) -> str:
    """Versions of the libraries that determine the bits of a dataset, those that its task alone needs among them.

    Raises
    ------
    ImportError
        A library that the task needs is not installed; the message says how to install it.
    """
    own = {} if task is None else tasks.get(task).libraries
    try:
        found = [f"{name} {importlib.metadata.version(name)}" for name in ("wavenet", "numpy", "scipy", "h5py", *own)]
    except importlib.metadata.PackageNotFoundError as error:
        extra = own.get(error.name, "")
        raise ImportError(f"the task {task} needs {error.name}: pip install 'wavenet[{extra}]'") from None
    return ", ".join(found)


def positions(recipe: Recipe) -> dict[str, FloatArray]:
    """Points at which a recipe's fields are observed: arrays of the file by name."""
    return tasks.get(recipe.task).positions(recipe.place)


def groups(recipe: Recipe, plan: Plan, number: int) -> range:
    """Numbers of the groups in a shard."""
    size = _groups_per_shard(recipe)
    return range(number * size, min((number + 1) * size, plan.groups))


def count(recipe: Recipe, plan: Plan) -> int:
    """Number of shards of a recipe."""
    return -(-plan.groups // _groups_per_shard(recipe))


def _groups_per_shard(recipe: Recipe) -> int:
    """A whole number of solver blocks."""
    block = _groups_together(recipe)
    cases = block * recipe.source.mixtures
    wanted = min(max(_CASES_OF_JETS, cases) if recipe.jets else _BLOCKS * cases, _most_cases(recipe))
    return block * max(1, wanted // cases)


def _groups_together(recipe: Recipe) -> int:
    """Groups that are solved in one call: fixed by the recipe alone, since what is solved together fixes the bits."""
    task = tasks.get(recipe.task)
    if recipe.jets:
        return task.jets_together
    cases = min(task.together, _most_cases(recipe))
    return max(1, cases // recipe.source.mixtures)


def _most_cases(recipe: Recipe) -> int:
    return _MOST_VALUES // tasks.get(recipe.task).values(positions(recipe))


def compute(recipe: Recipe, number: int, expected: str) -> tuple[bytes, list[Missing]]:
    """Compute a shard.

    Parameters
    ----------
    recipe : Recipe
    number : int
    expected : str
        `versions` of the calling process.

    Returns
    -------
    content : bytes
        Content of a safetensors file; empty if no case converged.
    missing : list of Missing

    Raises
    ------
    ValueError
        This process has other versions than the calling one.
    """
    if (own := versions(recipe.task)) != expected:
        raise ValueError(f"a worker has {own}, the process that asks {expected}: the bits would differ")
    plan, task, places = plan_of(recipe), tasks.get(recipe.task), positions(recipe)
    found: list[dict[str, Array]] = []
    missing: list[Missing] = []
    shard, size = groups(recipe, plan, number), _groups_together(recipe)
    for start in range(shard.start, shard.stop, size):
        block = [plan.group(index) for index in range(start, min(start + size, shard.stop))]
        try:
            arrays, reasons = task.observe(block, places, plan.orders)
        except MemoryError:
            arrays, reasons = {}, [MemoryError.__name__] * sum(len(group.amplitudes) for group in block)
        solved = np.flatnonzero([reason == "" for reason in reasons])
        if len(solved):
            columns = {name: values[solved] for name, values in _columns(block).items()}
            kept, refused = _stored(task, recipe.storage, columns | arrays)
            found += kept
            for case, reason in zip(solved, refused, strict=True):
                reasons[case] = reason
        missing += lost(block, reasons)
    return _file(recipe, found), missing


def _stored(task: Task[Any], storage: str, values: dict[str, Array]) -> tuple[list[dict[str, Array]], list[str]]:
    """Arrays as they are stored, in parts, and for every case why it cannot be, or ""."""
    cases = len(values["case"])
    try:
        return [stored(task, storage, values)], [""] * cases
    except ConvergenceError as error:
        if cases == 1:
            return [], [str(error)]
    each = [_stored(task, storage, {name: array[[case]] for name, array in values.items()}) for case in range(cases)]
    return [part for parts, _ in each for part in parts], [reason for _, reasons in each for reason in reasons]


def lost(block: Sequence[Group], reasons: Sequence[str]) -> list[Missing]:
    """Records of the cases of some groups that have a reason to be missing."""
    columns = {name: values.tolist() for name, values in _columns(block).items() if name in MISSING_COLUMNS}
    cases = zip(*columns.values(), strict=True)
    return [
        Missing(**dict(zip(columns, case, strict=True)), reason=reason)
        for case, reason in zip(cases, reasons, strict=True)
        if reason
    ]


def given_up(recipe: Recipe, plan: Plan, number: int) -> list[Missing]:
    """Records of the cases of a shard of which every worker died that tried to compute it."""
    block = [plan.group(index) for index in groups(recipe, plan, number)]
    return lost(block, [f"its worker died {DEATHS + 1} times"] * (len(block) * recipe.source.mixtures))


def _columns(block: Sequence[Group]) -> dict[str, Array]:
    """Arrays along the cases of some groups that are known before these are solved."""
    counts = [len(group.amplitudes) for group in block]
    rows = [{"group": one.number, "m": one.m, **one.parameters, "split": one.split} for one in block]
    repeated = {name: np.repeat([row[name] for row in rows], counts) for name in rows[0]}
    return {"case": block[0].first + np.arange(sum(counts))} | repeated


def lengths(recipe: Recipe, plan: Plan, cases: int) -> dict[str, int]:
    """Lengths of the dimensions for some cases."""
    task = tasks.get(recipe.task)
    sizes = {"case": cases, **task.lengths(positions(recipe))}
    return sizes | {name: plan.orders for name in ORDERS if name in task.variables}


def _file(recipe: Recipe, found: list[dict[str, Array]]) -> bytes:
    """The bytes of a shard; empty if it has no cases."""
    if not found:
        return b""
    task = tasks.get(recipe.task)
    values = {
        name: np.concatenate([part[name] for part in found]) if len(found) > 1 else found[0][name]
        for name in task.along_cases
    }
    for name in task.fields:
        flat = values[name].reshape(len(values["case"]), -1).astype(float, copy=False)
        values[f"squares/{name}"] = np.einsum("cv,cv->c", flat, flat)
        values[f"largest/{name}"] = np.maximum(np.max(flat, axis=1), -np.min(flat, axis=1))
    return save({name: np.ascontiguousarray(array) for name, array in values.items()})
