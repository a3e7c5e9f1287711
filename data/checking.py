"""Checks of a dataset file: its layout, storage, attributes and values."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from . import tasks
from .arrays import Array
from .consistency import expect_cases, expect_positions
from .hdf5 import (
    DEFLATE,
    FILTERS,
    FLETCHER32,
    LARGEST_EXPANSION,
    SMALL,
    attribute,
    dataset_of,
    expect_field,
    expect_finite,
    filters_of,
    is_own,
    plain,
)
from .layout import FORMAT, KIND, MISSING, MISSING_CASE, MISSING_COLUMNS, PRECISIONS, PROVENANCE, are_splits

_LARGEST_CHUNK = 2**28  # bytes; HDF5 holds a whole chunk in memory
_LARGEST_ORDER = 10_000  # recipes allow 40; files from other sources may hold higher orders


@dataclass(frozen=True)
class About:
    """Description of a file, without its arrays.

    task : name of a task, see `data.tasks`. splits : names, in the order of the numbers in `split`.
    provenance : attributes of the file. missing : records (number, parameters, split, reason) of the recipe's cases
    that are not in it. scales : {field: (root mean square of the modulus, largest part)} of the training cases,
    if there are any.
    """

    task: str
    splits: tuple[str, ...]
    provenance: dict[str, Any]
    missing: tuple[dict[str, Any], ...]
    scales: dict[str, tuple[float, float]]

    def number(self, split: str) -> int:
        """Number of the split of this name."""
        if split not in self.splits:
            raise ValueError(f"split must be one of {', '.join(self.splits)}, got {split!r}")
        return self.splits.index(split)


def check_layout(file: h5py.File, path: Path, task: str | None) -> About:
    """Check everything except the values before memory is allocated for them; refuse tasks other than `task`."""
    if attribute(file, "kind") != KIND:
        raise ValueError(f"{path} is HDF5, but not a wavenet dataset (attribute kind is not {KIND!r})")
    if attribute(file, "format") != FORMAT:
        raise ValueError(f"{path} has format {attribute(file, 'format')!r}, this version reads format {FORMAT}")
    found = attribute(file, "task")
    if not isinstance(found, str) or found not in tasks.names():
        raise ValueError(f"{path} has the unknown task {found!r:.60}, expected one of {', '.join(tasks.names())}")
    if task is not None and found != task:
        raise ValueError(f"{path} is a {found} dataset, a {task} dataset is needed")
    provenance = {name: attribute(file, name) for name in PROVENANCE}
    for name, value in provenance.items():
        if value is None:
            raise ValueError(f"{path} lacks the attribute {name}")
    if not re.fullmatch("[0-9a-f]{64}", str(provenance["content_hash"])):
        raise ValueError(
            f"{path} has the content_hash {provenance['content_hash']!r:.80}, expected 64 hexadecimal digits"
        )
    length, described = {"part": 2}, tasks.get(found)
    for name, variable in described.variables.items():
        dataset = dataset_of(file, name, path)
        if name in described.fields:
            _check_storage(dataset, name, path, *PRECISIONS.values(), needed={FLETCHER32})
        else:
            _check_storage(dataset, name, path, variable.dtype)
        sizes = zip(variable.dimensions, dataset.shape, strict=False)
        expected = tuple(length.setdefault(dimension, size) for dimension, size in sizes)
        if dataset.ndim != len(variable.dimensions) or dataset.shape != expected or not dataset.size:
            raise ValueError(
                f"{path}: {name} has shape {dataset.shape}, expected dimensions {variable.dimensions} of {expected}"
            )
    kinds = {file[name].dtype.str for name in described.fields}
    if len(kinds) > 1:
        raise ValueError(f"{path}: the fields are of different precision, {' and '.join(sorted(kinds))}")
    return About(found, _splits(file, path), provenance, _missing(file, path), _scales(file, path, described.fields))


def _scales(file: h5py.File, path: Path, fields: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Statistics of the fields over the training cases, if there are any."""
    scales = {}
    for name in fields:
        rms, largest = (attribute(file[name], key) for key in ("train_rms", "train_largest"))
        if rms is None and largest is None:
            continue
        if not (isinstance(rms, float) and 0 < rms < np.inf and isinstance(largest, float) and 0 < largest < np.inf):
            raise ValueError(f"{path}: {name} has the statistics {[rms, largest]}")
        scales[name] = (rms, largest)
    return scales


def _check_storage(
    dataset: h5py.Dataset, name: str, path: Path, *dtypes: str, needed: Collection[int] = (DEFLATE, FLETCHER32)
) -> None:
    """Refuse arrays that are stored elsewhere, without checksums, incomplete, or larger than the file could hold.

    needed : numbers of the filters that the array must have.
    """
    if dataset.dtype not in map(np.dtype, dtypes):
        raise ValueError(f"{path}: {name} is {dataset.dtype}, expected {' or '.join(str(np.dtype(d)) for d in dtypes)}")
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{path}: {name} keeps its values in another file")
    chunks, filters = dataset.chunks, filters_of(dataset)
    if chunks is None or not set(needed) <= filters <= FILTERS:
        wanted = (
            "gzip and checksums, and no other filter but"
            if DEFLATE in needed
            else "checksums, and no other filter but gzip and"
        )
        raise ValueError(f"{path}: {name} must be chunked with {wanted} shuffle")
    count = int(np.prod([-(-size // chunk) for size, chunk in zip(dataset.shape, chunks, strict=True)], dtype=object))
    declared = int(np.prod(dataset.shape, dtype=object)) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if int(np.prod(chunks, dtype=object)) * dataset.dtype.itemsize > _LARGEST_CHUNK or stored > os.path.getsize(path):
        raise ValueError(f"{path}: {name} has chunks {chunks} of {stored} bytes, which is not one of our files")
    if declared > max(SMALL, LARGEST_EXPANSION * stored):
        raise ValueError(f"{path}: {name} declares {declared} bytes, of which {stored} are in the file")
    if dataset.id.get_num_chunks() != count:
        raise ValueError(f"{path}: {name} is incomplete")


def _splits(file: h5py.File, path: Path) -> tuple[str, ...]:
    """Names of the splits, in the order of their numbers."""
    meanings = attribute(file["split"], "flag_meanings")
    names = tuple(meanings.split(" ")) if isinstance(meanings, str) else ()
    if not are_splits(names):
        raise ValueError(f"{path}: split has the flag_meanings {meanings!r:.80}")
    return names


def _missing(file: h5py.File, path: Path) -> tuple[dict[str, Any], ...]:
    """Records of the missing cases."""
    count = attribute(file, "missing_cases")
    if not is_own(file, MISSING) or not isinstance(file[MISSING], h5py.Group):
        raise ValueError(f"{path}: the group {MISSING} is missing")
    columns = {}
    for name, dtype in (MISSING_COLUMNS | {MISSING_CASE: "i8"}).items():
        dataset = dataset_of(file[MISSING], name, path)
        if dataset.shape != (count,):
            raise ValueError(f"{path}: {MISSING}/{name} has shape {dataset.shape}, expected {(count,)}")
        if count:
            _check_storage(dataset, f"{MISSING}/{name}", path, dtype)
            columns[name] = [plain(value) for value in dataset[...]]
    columns.pop(MISSING_CASE, None)
    return tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def check_values(arrays: dict[str, Array], path: Path, about: About) -> None:
    """Refuse values that are not finite, out of range, out of order or there twice."""
    for name, values in arrays.items():
        if name in tasks.get(about.task).fields:
            expect_field(values, name, 0, path)
        else:
            expect_finite(values, name, path)
    for name, good in (
        ("case", arrays["case"] >= 0),
        ("m", np.abs(arrays["m"]) <= _LARGEST_ORDER),
        ("helmholtz", arrays["helmholtz"] > 0),
        ("mach", np.abs(arrays["mach"]) < 1),
        ("hub", (arrays["hub"] >= 0) & (arrays["hub"] < 1)),
        ("mach_outer", np.abs(arrays["mach_outer"]) < 1),
        ("sound_speed_ratio", arrays["sound_speed_ratio"] > 0),
        ("density_ratio", arrays["density_ratio"] > 0),
        ("kutta", (arrays["kutta"] >= 0) & (arrays["kutta"] <= 1)),
        ("split", np.isin(arrays["split"], range(len(about.splits)))),
        ("error_estimate", arrays["error_estimate"] >= 0),
        ("r", arrays.get("r", np.zeros(1)) >= 0),
    ):
        if not np.all(good):
            raise ValueError(f"{path}: {name} holds the value {arrays[name][~good][0]}, which is out of range")
    expect_positions(arrays, tasks.get(about.task), path)
    expect_cases(arrays, about.missing, path)
