"""Information about a file as a whole: its provenance, statistics of the training fields, missing cases."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

import analytic

from .identity import content_hash
from .journal import Missing
from .layout import CHECKED, FORMAT, KIND, MISSING, MISSING_CASE, MISSING_COLUMNS, REASON, text
from .task import TOLERANCE, Task, uniform_flow


def provenance(
    task: str, name: str, recipe: str, seed: int, commit: str, versions: str
) -> dict[str, str | int | float]:
    """The file's attributes."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "task": task,
        "recipe_name": name,
        "recipe": recipe,
        "seed": seed,
        "versions": versions,
        "commit": commit,
        "conventions": str(analytic.__doc__).split(">>>")[0].strip(),
        "solver_tolerance": TOLERANCE,
    }


def write_provenance(file: h5py.File, about: Mapping[str, str | int | float]) -> None:
    """Write the attributes from `provenance`."""
    for name, value in about.items():
        file.attrs[name] = text(value) if isinstance(value, str) else value


def write_identity(file: h5py.File, task: Task[Any]) -> None:
    """Write the hash of the arrays, which are complete, see `data.identity`."""
    file.attrs["content_hash"] = text(content_hash(file, task))


def write_statistics(dataset: h5py.Dataset, squares: npt.ArrayLike, largest: npt.ArrayLike) -> None:
    """Write the root mean square of the moduli and the largest part of the training cases, if there are any.

    squares, largest : (training case,) sums of squares and largest moduli of the parts.
    """
    squares = np.asarray(squares)
    if len(squares):
        points = dataset.size / len(dataset) / 2  # two parts each
        dataset.attrs["train_rms"] = math.sqrt(math.fsum(squares) / (len(squares) * points))
        dataset.attrs["train_largest"] = float(np.max(largest))


def record_missing(file: h5py.File, missing: Sequence[Missing]) -> None:
    """Write the group of missing cases."""
    file.attrs["missing_cases"] = len(missing)
    group = file.create_group(MISSING)
    # The netCDF library takes a dimension of length 0 as one that may grow, which only chunked arrays can.
    options = CHECKED if missing else {"chunks": (1,), "maxshape": (None,)}
    group.create_dataset(MISSING_CASE, data=np.arange(len(missing)), **options).make_scale(MISSING_CASE)
    records = [uniform_flow(one.mach) | asdict(one) for one in missing]
    for name, dtype in MISSING_COLUMNS.items():
        values = [record[name] for record in records]
        if name == "reason":
            values = [value.encode("ascii", "replace")[:REASON] for value in values]
        column = group.create_dataset(name, data=np.array(values, dtype=dtype), **options)
        column.dims[0].attach_scale(group[MISSING_CASE])
