"""Check a dataset file and read it, whole or case by case. Needs neither the solver nor mpmath.

Files may be untrusted: layout, sizes and links are checked before anything is allocated, nothing in a file is executed,
no links are followed, and every value read has passed a checksum.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from . import tasks
from .arrays import Array, IntArray
from .checking import About, check_layout, check_values
from .consistency import check_arrays, expect_same
from .hdf5 import doubles, expect_field, open_file, opened


@dataclass(frozen=True)
class Dataset:
    """A dataset in memory.

    about : About. arrays : arrays of the task, by name.
    """

    about: About
    arrays: dict[str, Array]

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.about.task

    @property
    def provenance(self) -> dict[str, Any]:
        """The file's attributes."""
        return self.about.provenance

    def __len__(self) -> int:
        return len(self.arrays["helmholtz"])

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def cases(self, split: str) -> IntArray:
        """Indices of the cases of "train", "validation", "test" or another set of the recipe."""
        return np.flatnonzero(self.arrays["split"] == self.about.number(split))


class Cases:
    """Cases of a file, read on access: `len(cases)`, `cases[i]` -> {name: array} without a case axis.

    For files larger than memory. It may be pickled and used from any number of processes: each opens the file on its
    first read.

    Parameters
    ----------
    path : path
    split : str
        "train", "validation", "test" or another set of the recipe.
    task : str, optional
        As for `read`.

    Attributes
    ----------
    about : About
    columns : dict
        Small arrays over these cases, such as m and group.
    constants : dict
        Arrays that do not run along the cases, such as x and r.
    """

    def __init__(self, path: str | Path, split: str, *, task: str | None = None) -> None:
        self.path = Path(path)
        dataset = read_small(path, task=task)
        self.about, small = dataset.about, dict(dataset.arrays)
        self._rows = np.flatnonzero(small["split"] == self.about.number(split))
        along = [name for name in tasks.get(self.about.task).along_cases if name in small]
        self.columns = {name: small.pop(name)[self._rows] for name in along}
        self.constants = small
        self._file: h5py.File | None = None
        self._process = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Array]:
        index = range(len(self))[index]  # negative ones, and IndexError
        if self._file is None or self._process != os.getpid():
            self._file, self._process = open_file(self.path), os.getpid()
        values: dict[str, Array] = {name: column[index] for name, column in self.columns.items()}
        for name in tasks.get(self.about.task).fields:
            try:
                values[name] = doubles(self._file[name][self._rows[index]])
            except OSError as error:
                raise ValueError(f"{self.path}: case {index} of {name} is damaged: {error}") from None
            expect_field(values[name][None], name, int(self._rows[index]), self.path)
        return values

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None, "_process": 0}


def read(path: str | Path, *, task: str | None = None) -> Dataset:
    """Read and check a dataset file.

    Parameters
    ----------
    path : path
        HDF5 file written by `data.generate`.
    task : str, optional
        Refuse a file of any other task.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file, or it is not a wavenet dataset, of another version or task, or damaged (the message names
        the array).
    """
    path = Path(path)
    with opened(path) as file:
        about = check_layout(file, path, task)
        arrays = {name: doubles(file[name][...]) for name in tasks.get(about.task).variables}
    check_values(arrays, path, about)
    return Dataset(about, arrays)


def read_small(path: str | Path, *, task: str | None = None) -> Dataset:
    """`read` without the fields: small arrays such as the cases' parameters, whatever the size of the file."""
    path = Path(path)
    with opened(path) as file:
        about = check_layout(file, path, task)
        arrays = {
            name: file[name][...]
            for name in tasks.get(about.task).variables
            if name not in tasks.get(about.task).fields
        }
    check_values(arrays, path, about)
    return Dataset(about, arrays)


def check(path: str | Path) -> dict[str, Any]:
    """Check every value of a dataset file, some cases in memory at a time: `read` checks less.

    Returns
    -------
    dict
        task, cases, cases by split, missing cases by reason, largest error estimate, scales and provenance.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read`; or fields of two cases are the same though their parameters differ, or contradict each other, or the
        statistics or the hash in the file are not those of its arrays.
    """
    path, small = Path(path), read_small(path)
    about = small.about
    with opened(path) as file:
        found = check_arrays(file, small.arrays, tasks.get(about.task), path)
    expect_same((about.provenance["content_hash"], about.scales), found, path)
    reasons = [record["reason"] for record in about.missing]
    return {
        "task": about.task,
        "cases": len(small["case"]),
        "splits": {split: int(np.sum(small["split"] == index)) for index, split in enumerate(about.splits)},
        "missing": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        "largest_error_estimate": float(small["error_estimate"].max()),
        "scales": about.scales,
        "provenance": about.provenance,
    }
