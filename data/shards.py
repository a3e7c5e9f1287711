"""Shards: a few groups of cases that are computed together, as the bytes of a safetensors file.

A shard holds the arrays of the dataset that run along its cases, and sums for the dataset's statistics. It is written
atomically; its line in the journal, with its digest, marks it as finished (see `journal`).
"""

import functools
import importlib.metadata

import numpy as np
from safetensors.numpy import save

from analytic import ConvergenceError

from . import tasks
from .arrays import Array, FloatArray
from .journal import Missing
from .recipe import Recipe
from .rounding import stored
from .sampling import Group, Plan
from .task import uniform_flow

_CASES = 16  # approximate number of cases in a shard: the work an interruption may cost per worker


@functools.cache  # reading the packages' metadata takes 10 ms
def versions() -> str:
    """Versions of the libraries that determine the bits of a dataset."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("wavenet", "numpy", "scipy", "h5py"))


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
    return max(1, _CASES // recipe.source.mixtures)


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
    if versions() != expected:
        raise ValueError(f"a worker has {versions()}, the process that asks {expected}: the bits would differ")
    plan = Plan(recipe)
    found: list[dict[str, Array]] = []
    missing: list[Missing] = []
    for index in groups(recipe, plan, number):
        group = plan.group(index)
        try:
            found.append(_observe(recipe, group, plan.orders))
        except (ConvergenceError, MemoryError) as error:
            missing += lost(group, str(error) or type(error).__name__)
    return _file(recipe, found), missing


def lost(group: Group, reason: str) -> list[Missing]:
    """Records of a group's cases as missing."""
    cases = range(group.first, group.first + len(group.amplitudes))
    return [Missing(case, group.m, group.helmholtz, group.mach, group.split, reason) for case in cases]


def _observe(recipe: Recipe, group: Group, orders: int) -> dict[str, Array]:
    """Arrays of a group along its cases."""
    task = tasks.get(recipe.task)
    values = task.observe(group, positions(recipe), orders)
    cases = len(group.amplitudes)
    common = {"group": group.number, "m": group.m, "helmholtz": group.helmholtz, "mach": group.mach}
    outside = uniform_flow(group.mach)
    constants = {name: np.full(cases, value) for name, value in (common | outside | {"split": group.split}).items()}
    return stored(task, recipe.storage, {"case": group.first + np.arange(cases)} | constants | values)


def lengths(recipe: Recipe, plan: Plan, cases: int) -> dict[str, int]:
    """Lengths of the dimensions for some cases."""
    variables = tasks.get(recipe.task).variables
    sizes = {"case": cases, "part": 2}
    if "order" in variables:
        sizes["order"] = plan.orders
    for name, values in positions(recipe).items():
        sizes |= dict(zip(variables[name].dimensions, values.shape, strict=True))
    return sizes


def _file(recipe: Recipe, found: list[dict[str, Array]]) -> bytes:
    """The bytes of a shard; empty if it has no cases."""
    if not found:
        return b""
    task = tasks.get(recipe.task)
    values = {name: np.concatenate([part[name] for part in found]) for name in task.along_cases}
    for name in task.fields:
        flat = values[name].reshape(len(values["case"]), -1).astype(float)
        values[f"squares/{name}"] = np.einsum("cv,cv->c", flat, flat)
        values[f"largest/{name}"] = np.max(np.abs(flat), axis=1)
    return save({name: np.ascontiguousarray(array) for name, array in values.items()})
