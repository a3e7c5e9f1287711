"""The layout of a dataset file: its arrays with dimensions, units and filters, and its attributes.

The task defines which arrays a file holds (see `data.tasks`). docs/format.md describes the files for readers; a test
compares the two. Complex values have a last or second dimension `part` of length two, real and imaginary.
Conventions are those of `analytic`: time factor exp(-i omega t), lengths in duct radii, open end at x = 0, wall r = 1,
x < 0.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from .task import PARAMETERS, Task

FORMAT = 4  # raised when the layout changes
KIND = "wavenet-dataset"
SPLITS = ("train", "validation", "test")  # always the first; recipes may name further test sets
SPLIT_NAME = "[a-z][a-z0-9_]{0,39}"
# The checksum of zeros is zero: without gzip, for which zeros are invalid, a chunk overwritten by zeros would pass.
CHECKED = {"fletcher32": True, "compression": "gzip", "compression_opts": 1, "shuffle": True}
# Gzip would save an eighth of the bytes for several times the time, see benchmarks/storage.py. A field of zeros is
# refused wherever it is read.
CHECKED_FIELD = {"fletcher32": True}
CHUNK = 2**15  # bytes of a field's chunk, or a case: larger ones take longer to read by case, smaller ones to write
LONGEST_TEXT = 60_000  # bytes of an attribute: HDF5 keeps small ones in the checked header


MISSING = "missing"  # group of the cases that did not converge
REASON = 200  # bytes of the reason stored for each of them
MISSING_COLUMNS = (
    {"case": "i8"}
    | {name: "i8" if name == "m" else "f8" for name in PARAMETERS}
    | {"split": "i8", "reason": f"S{REASON}"}
)
MISSING_CASE = "missing_case"  # their dimension: another than `case`, since a group inherits the file's dimensions
PROVENANCE = ("content_hash", "recipe_name", "recipe", "seed", "versions", "commit", "conventions", "solver_tolerance")
PRECISIONS = {"double": "f8", "single": "f4"}  # how the fields are stored
_COORDINATES = " ".join((*PARAMETERS, "split", "group"))  # of the fields, beside their dimensions: xarray's coordinates


def are_splits(names: Sequence[str]) -> bool:
    """Whether a file's splits may have these names, in the order of their numbers."""
    good = all(re.fullmatch(SPLIT_NAME, name) for name in names)
    return good and tuple(names[: len(SPLITS)]) == SPLITS and len(set(names)) == len(names)


def create(
    file: h5py.File,
    task: Task[Any],
    lengths: Mapping[str, int],
    values: Mapping[str, npt.ArrayLike],
    splits: Sequence[str],
    storage: str = "double",
) -> None:
    """Create every array of a file, with its dimensions, units and filters.

    Parameters
    ----------
    file : h5py.File, new
    task : data.task.Task
    lengths : dict
        Lengths of the dimensions.
    values : dict
        Arrays that are already known, such as those of the dimensions.
    splits : sequence of str
        Meaning of the values of `split`.
    storage : "double" or "single"
        Precision of the fields.
    """
    variables = task.variables
    for name, variable in variables.items():
        shape, field = tuple(lengths[dimension] for dimension in variable.dimensions), name in task.fields
        dtype = np.dtype(PRECISIONS[storage] if field else variable.dtype)
        chunks, options = (_field_chunks(shape, dtype), CHECKED_FIELD) if field else (_chunks(shape), CHECKED)
        dataset = file.create_dataset(name, shape, dtype, chunks=chunks, **options)
        dataset.attrs["units"] = text(variable.units)
        dataset.attrs["long_name"] = text(variable.long_name)
        if name in values:
            dataset[...] = values[name]
    for name, variable in variables.items():
        if variable.dimensions == (name,):
            file[name].make_scale(name)
    for name, variable in variables.items():
        if variable.dimensions != (name,):
            for axis, dimension in enumerate(variable.dimensions):
                file[name].dims[axis].attach_scale(file[dimension])
    file["split"].attrs["flag_values"] = np.arange(len(splits))
    file["split"].attrs["flag_meanings"] = text(" ".join(splits))
    for name in task.fields:
        file[name].attrs["coordinates"] = text(
            _COORDINATES + (" x r" if "x" in variables and variables["x"].dimensions != ("x",) else "")
        )


def _chunks(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(min(size, 1024 if axis == 0 else size) for axis, size in enumerate(shape))


def _field_chunks(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, ...]:
    """Whole cases, which are read by themselves: one, or several small ones."""
    case = dtype.itemsize * math.prod(shape[1:])
    return (min(shape[0], max(1, CHUNK // case)), *shape[1:])


def text(value: str) -> npt.NDArray[np.bytes_]:
    """Encode a string as an attribute of fixed length, which lies in the header, whose checksum HDF5 verifies."""
    encoded = value.encode("utf-8", "backslashreplace")  # names of files may hold bytes that are not UTF-8
    if len(encoded) > LONGEST_TEXT:
        raise ValueError(f"a text of {len(encoded)} bytes is too long for a file, the most is {LONGEST_TEXT}")
    return np.array(encoded, dtype=h5py.string_dtype("utf-8", max(1, len(encoded))))
