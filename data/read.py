"""Check a dataset file and read it. Needs neither the solver nor mpmath."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from .format import FIELDS, FORMAT, KIND, PROVENANCE, SPLITS

_LARGEST = 2**40  # elements of one dataset; more is not one of our files


@dataclass(frozen=True)
class Dataset:
    """A dataset in memory.

    task : "forward" or "derivative". arrays : by name, as in `data.format`. provenance : the file's attributes.
    """

    task: str
    arrays: dict
    provenance: dict

    def __len__(self):
        return len(self.arrays["helmholtz"])

    def __getitem__(self, name):
        return self.arrays[name]

    def cases(self, split):
        """Indices of the cases of "train", "validation" or "test"."""
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        return np.flatnonzero(self.arrays["split"] == SPLITS.index(split))


def read(path, *, task=None):
    """Read and check a dataset file.

    Parameters
    ----------
    path : path
        HDF5 file written by `data.generate`.
    task : {"forward", "derivative"}, optional
        Refuse a file of the other task.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; not a dataset of ours, of another version or task, or damaged: the message names the field.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no dataset file {path}")
    try:
        with h5py.File(path, "r") as file:
            found = _check_layout(file, path, task)
            arrays = {name: file[name][...] for name in FIELDS[found]}
            provenance = {name: _plain(file.attrs[name]) for name in PROVENANCE}
    except OSError as error:
        raise ValueError(f"{path} is not a readable HDF5 file: {error}") from None
    _check_values(arrays, path)
    return Dataset(found, arrays, provenance)


def check(path):
    """Check a dataset file; return a summary: task, cases, cases per split, largest error estimate."""
    dataset = read(path)
    return {
        "task": dataset.task,
        "cases": len(dataset),
        "splits": {split: len(dataset.cases(split)) for split in SPLITS},
        "largest_error_estimate": float(dataset["error_estimate"].max()),
        "provenance": dataset.provenance,
    }


def _check_layout(file, path, task):
    if _plain(file.attrs.get("kind")) != KIND:
        raise ValueError(f"{path} is HDF5, but not a wavenet dataset (attribute kind is not {KIND!r})")
    if _plain(file.attrs.get("format")) != FORMAT:
        raise ValueError(f"{path} has format {_plain(file.attrs.get('format'))}, this version reads format {FORMAT}")
    found = _plain(file.attrs.get("task"))
    if not isinstance(found, str) or found not in FIELDS:
        raise ValueError(f"{path} has the unknown task {found!r}, expected one of {', '.join(FIELDS)}")
    if task is not None and found != task:
        raise ValueError(f"{path} is a {found} dataset, a {task} dataset is needed")
    missing = [name for name in PROVENANCE if name not in file.attrs]
    if missing:
        raise ValueError(f"{path} lacks the attribute {missing[0]}")
    length = {"part": 2}
    for name, (axes, dtype, _, _) in FIELDS[found].items():
        link = file.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
            raise ValueError(f"{path}: {name} is missing or not a dataset of this file")
        dataset = file[name]
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"{path}: {name} keeps its values in another file")
        if dataset.dtype != np.dtype(dtype):
            raise ValueError(f"{path}: {name} is {dataset.dtype}, expected {np.dtype(dtype)}")
        expected = tuple(length.setdefault(axis, size) for axis, size in zip(axes, dataset.shape, strict=False))
        if dataset.ndim != len(axes) or dataset.shape != expected or not 0 < dataset.size < _LARGEST:
            raise ValueError(f"{path}: {name} has shape {dataset.shape}, expected axes {axes} of {expected}")
    return found


def _check_values(arrays, path):
    for name, values in arrays.items():
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{path}: {name} holds values that are not finite")
    for name, good in (
        ("helmholtz", arrays["helmholtz"] > 0),
        ("mach", np.abs(arrays["mach"]) < 1),
        ("split", np.isin(arrays["split"], range(len(SPLITS)))),
        ("error_estimate", arrays["error_estimate"] >= 0),
        ("r", arrays["r"] >= 0),
    ):
        if not np.all(good):
            raise ValueError(f"{path}: {name} holds the value {arrays[name][~good][0]}, which is out of range")


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value
