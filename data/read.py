"""Check a dataset file and read it, whole or case by case. Needs neither the solver nor mpmath.

Files may come from strangers: layout, sizes and links are checked before anything is allocated, nothing in a file is
executed or followed elsewhere, and every value read has passed a checksum.
"""

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from .layout import FIELDS, FORMAT, KIND, LONGEST_TEXT, MISSING, MISSING_COLUMNS, PROVENANCE, SPLITS, VARIABLES

_LARGEST_CHUNK = 2**28  # bytes
_LARGEST_EXPANSION = 50  # bytes in memory for a byte in the file, where there are more than
_LARGEST_ORDER = 10_000
_SMALL = 2**24  # bytes of an array
_FILTERS = {1, 2, 3}  # deflate, shuffle, fletcher32
_LARGEST_ARRAY = 2**30  # bytes of a user's array
_SENSIBLE = {
    "m": lambda m: m == int(m) and abs(m) <= 100,
    "helmholtz": lambda ka: 0 < ka < 1000,
    "mach": lambda mach: -1 < mach < 1,
}


@dataclass(frozen=True)
class About:
    """A file without its arrays.

    task : "derivative", "edge", "factor" or "forward". splits : names, in the order of the numbers in `split`.
    provenance : attributes of the file. missing : records (case, m, helmholtz, mach, split, reason) of the recipe's
    cases that are not in it. scales : {field: (root mean square of the modulus, largest part)} of the training cases,
    where there are some.
    """

    task: str
    splits: tuple
    provenance: dict
    missing: tuple
    scales: dict

    def number(self, split):
        """Number of a split by its name."""
        if split not in self.splits:
            raise ValueError(f"split must be one of {', '.join(self.splits)}, got {split!r}")
        return self.splits.index(split)


@dataclass(frozen=True)
class Dataset:
    """A dataset in memory.

    about : About. arrays : by name, as in `data.layout`.
    """

    about: About
    arrays: dict

    @property
    def task(self):
        """What it is for: "derivative", "edge", "factor" or "forward"."""
        return self.about.task

    @property
    def provenance(self):
        """The file's attributes."""
        return self.about.provenance

    def __len__(self):
        return len(self.arrays["helmholtz"])

    def __getitem__(self, name):
        return self.arrays[name]

    def cases(self, split):
        """Indices of the cases of "train", "validation", "test" or another set of the recipe."""
        return np.flatnonzero(self.arrays["split"] == self.about.number(split))


class Cases:
    """Cases of a file, read when they are asked for: `len(cases)`, `cases[i]` -> {name: array} along no case axis.

    For files larger than memory. It may be pickled and used from any number of processes: each opens the file itself,
    when it first reads.

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
        Small arrays over these cases, as m and group.
    constants : dict
        Arrays that do not run along the cases, as x and r.
    """

    def __init__(self, path, split, *, task=None):
        self.path = Path(path)
        dataset = read_small(path, task=task)
        self.about, small = dataset.about, dict(dataset.arrays)
        self._rows = np.flatnonzero(small["split"] == self.about.number(split))
        along = [name for name in small if VARIABLES[self.about.task][name].dimensions[0] == "case"]
        self.columns = {name: small.pop(name)[self._rows] for name in along}
        self.constants = small
        self._file = None
        self._process = 0

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        index = range(len(self))[index]  # negative ones, and IndexError
        if self._file is None or self._process != os.getpid():
            self._file, self._process = _open(self.path), os.getpid()
        values = {name: column[index] for name, column in self.columns.items()}
        for name in FIELDS[self.about.task]:
            try:
                values[name] = self._file[name][self._rows[index]]
            except OSError as error:
                raise ValueError(f"{self.path}: case {index} of {name} is damaged: {error}") from None
            _finite(values[name], name, self.path)
        return values

    def __getstate__(self):
        return self.__dict__ | {"_file": None, "_process": 0}


def read(path, *, task=None):
    """Read and check a dataset file.

    Parameters
    ----------
    path : path
        HDF5 file written by `data.generate`.
    task : {"derivative", "edge", "factor", "forward"}, optional
        Refuse a file of another task.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; not a dataset of ours, of another version or task, or damaged: the message names the array.
    """
    path = Path(path)
    with opened(path) as file:
        about = _check_layout(file, path, task)
        arrays = {name: file[name][...] for name in VARIABLES[about.task]}
    _check_values(arrays, path, about)
    return Dataset(about, arrays)


def read_small(path, *, task=None):
    """`read` without the fields: the parameters of the cases, whatever the size of the file."""
    path = Path(path)
    with opened(path) as file:
        about = _check_layout(file, path, task)
        arrays = {name: file[name][...] for name in _small(about.task)}
    _check_values(arrays, path, about)
    return Dataset(about, arrays)


def check(path):
    """Check every value of a dataset file, one case in memory at a time.

    Returns
    -------
    dict
        task, cases, cases by split, missing cases by reason, largest error estimate, scales and provenance.
    """
    path, small = Path(path), read_small(path)
    about = small.about
    with opened(path) as file:
        for name in FIELDS[about.task]:
            dataset = file[name]
            for start in range(0, len(dataset), dataset.chunks[0]):
                _finite(dataset[start : start + dataset.chunks[0]], name, path)
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


def _small(task):
    return [name for name in VARIABLES[task] if name not in FIELDS[task]]


def _open(path):
    if not path.is_file():
        raise FileNotFoundError(f"there is no dataset file {path}")
    return h5py.File(path, "r")


@contextlib.contextmanager
def opened(path):
    """The open file; whatever the HDF5 library says of it is a ValueError that names the file."""
    try:
        file = _open(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path} is not a readable HDF5 file: {error}") from None
    with file:
        try:
            yield file
        except (OSError, RuntimeError, KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"{path} is damaged: {error}") from None


def _check_layout(file, path, task):
    if _attribute(file, "kind") != KIND:
        raise ValueError(f"{path} is HDF5, but not a wavenet dataset (attribute kind is not {KIND!r})")
    if _attribute(file, "format") != FORMAT:
        raise ValueError(f"{path} has format {_attribute(file, 'format')!r}, this version reads format {FORMAT}")
    found = _attribute(file, "task")
    if not isinstance(found, str) or found not in VARIABLES:
        raise ValueError(f"{path} has the unknown task {found!r:.60}, expected one of {', '.join(VARIABLES)}")
    if task is not None and found != task:
        raise ValueError(f"{path} is a {found} dataset, a {task} dataset is needed")
    provenance = {name: _attribute(file, name) for name in PROVENANCE}
    for name, value in provenance.items():
        if value is None:
            raise ValueError(f"{path} lacks the attribute {name}")
    length: dict = {"part": 2}
    for name, variable in VARIABLES[found].items():
        dataset = dataset_of(file, name, path)
        _check_storage(dataset, name, path, variable.dtype)
        sizes = zip(variable.dimensions, dataset.shape, strict=False)
        expected = tuple(length.setdefault(dimension, size) for dimension, size in sizes)
        if dataset.ndim != len(variable.dimensions) or dataset.shape != expected or not dataset.size:
            raise ValueError(
                f"{path}: {name} has shape {dataset.shape}, expected dimensions {variable.dimensions} of {expected}"
            )
    scales = {}
    for name in FIELDS[found]:
        values = [_attribute(file[name], key) for key in ("train_rms", "train_largest")]
        if values != [None, None]:
            if not all(isinstance(value, float) and 0 < value < np.inf for value in values):
                raise ValueError(f"{path}: {name} has the statistics {values}")
            scales[name] = tuple(values)
    return About(found, _splits(file, path), provenance, _missing(file, path), scales)


def dataset_of(group, name, path):
    """A dataset that is in this file itself."""
    if not _hard(group, name) or not isinstance(group[name], h5py.Dataset):
        raise ValueError(f"{path}: {name} is missing or not a dataset of this file")
    return group[name]


def _hard(group, name):
    """Whether a name is there and no link to elsewhere; the link itself is looked at, never what it leads to."""
    links, key = group.id.links, name.encode()
    return links.exists(key) and links.get_info(key).type == h5py.h5l.TYPE_HARD


def _check_storage(dataset, name, path, dtype):
    """Refuse arrays that are elsewhere, unchecked, incomplete, or larger than the file could hold."""
    if dataset.dtype != np.dtype(dtype):
        raise ValueError(f"{path}: {name} is {dataset.dtype}, expected {np.dtype(dtype)}")
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{path}: {name} keeps its values in another file")
    chunks, filters = dataset.chunks, _filters(dataset)
    if chunks is None or not {1, 3} <= filters <= _FILTERS:
        raise ValueError(f"{path}: {name} must be chunked with gzip and checksums, and no other filter but shuffle")
    needed = int(np.prod([-(-size // chunk) for size, chunk in zip(dataset.shape, chunks, strict=True)], dtype=object))
    declared = int(np.prod(dataset.shape, dtype=object)) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if int(np.prod(chunks, dtype=object)) * dataset.dtype.itemsize > _LARGEST_CHUNK or stored > os.path.getsize(path):
        raise ValueError(f"{path}: {name} has chunks {chunks} of {stored} bytes, which is not one of our files")
    if declared > max(_SMALL, _LARGEST_EXPANSION * stored):
        raise ValueError(f"{path}: {name} declares {declared} bytes, of which {stored} are in the file")
    if dataset.id.get_num_chunks() != needed:
        raise ValueError(f"{path}: {name} is incomplete")


def _filters(dataset):
    """Numbers of the filters that an array goes through."""
    creation = dataset.id.get_create_plist()
    return {creation.get_filter(index)[0] for index in range(creation.get_nfilters())}


def _splits(file, path):
    meanings = _attribute(file["split"], "flag_meanings")
    names = tuple(meanings.split(" ")) if isinstance(meanings, str) else ()
    good = all(re.fullmatch("[a-z][a-z0-9_]{0,39}", name) for name in names)
    if names[: len(SPLITS)] != SPLITS or not good or len(set(names)) != len(names):
        raise ValueError(f"{path}: split has the flag_meanings {meanings!r:.80}")
    return names


def _missing(file, path):
    """Records of the cases that are not there."""
    count = _attribute(file, "missing_cases")
    if not _hard(file, MISSING) or not isinstance(file[MISSING], h5py.Group):
        raise ValueError(f"{path}: the group {MISSING} is missing")
    columns = {}
    for name, dtype in MISSING_COLUMNS.items():
        dataset = dataset_of(file[MISSING], name, path)
        if dataset.shape != (count,):
            raise ValueError(f"{path}: {MISSING}/{name} has shape {dataset.shape}, expected {(count,)}")
        if count:
            _check_storage(dataset, f"{MISSING}/{name}", path, dtype)
            columns[name] = [_plain(value) for value in dataset[...]]
    return tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _check_values(arrays, path, about):
    for name, values in arrays.items():
        _finite(values, name, path)
    for name, good in (
        ("case", arrays["case"] >= 0),
        ("m", np.abs(arrays["m"]) <= _LARGEST_ORDER),
        ("helmholtz", arrays["helmholtz"] > 0),
        ("mach", np.abs(arrays["mach"]) < 1),
        ("split", np.isin(arrays["split"], range(len(about.splits)))),
        ("error_estimate", arrays["error_estimate"] >= 0),
        ("r", arrays.get("r", np.zeros(1)) >= 0),
    ):
        if not np.all(good):
            raise ValueError(f"{path}: {name} holds the value {arrays[name][~good][0]}, which is out of range")


def _finite(values, name, path):
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{path}: {name} holds values that are not finite")


def _attribute(owner, name):
    """A number or text attribute; None if it is absent or anything else."""
    if name not in owner.attrs:
        return None
    kind = owner.attrs.get_id(name)
    if kind.shape != () or kind.dtype.kind not in "Siuf" or kind.get_storage_size() > LONGEST_TEXT:
        return None
    return _plain(owner.attrs[name])


def number(owner, name):
    """A number attribute; None if it is absent or anything else."""
    value = _attribute(owner, name)
    return value if isinstance(value, int | float) else None


def expect_numbers(file, path, names):
    """Attributes m, helmholtz and mach, those that are named, in range."""
    values = {name: number(file, name) for name in names}
    for name, value in values.items():
        if value is None or not np.isfinite(value) or not _SENSIBLE[name](value):
            raise ValueError(f"{path}: the attribute {name} must be a scalar number in its range, got {value}")
    return values


def plain_array(file, name, path, dimensions, kind):
    """A user's array of floating-point ("f") or complex ("c") numbers with one of the numbers of dimensions.

    Raises
    ------
    ValueError
        It is missing, elsewhere, of another kind, not finite, or larger than the file.
    """
    dataset = dataset_of(file, name, path)
    if dataset.ndim not in dimensions or dataset.dtype.kind != kind or not dataset.size:
        wanted = f"{' or '.join(map(str, dimensions))} dimensions of {'real' if kind == 'f' else 'complex'} floats"
        raise ValueError(f"{path}: {name} is {dataset.dtype} with shape {dataset.shape}, expected {wanted}")
    item, stored = dataset.dtype.itemsize, dataset.id.get_storage_size()
    declared = int(np.prod(dataset.shape, dtype=object)) * item
    chunk = int(np.prod(dataset.chunks or (1,), dtype=object)) * item
    filters = _filters(dataset)
    if dataset.is_virtual or dataset.external or stored > os.path.getsize(path) or not filters <= _FILTERS:
        raise ValueError(f"{path}: {name} keeps its values elsewhere, or with filters other than gzip and shuffle")
    if declared > min(_LARGEST_ARRAY, _LARGEST_EXPANSION * max(1, stored)) or chunk > max(_SMALL, 4 * declared):
        raise ValueError(f"{path}: {name} declares {declared} bytes in chunks of {chunk}, of which {stored} are there")
    values = dataset[...].astype(complex if kind == "c" else float)
    _finite(values, name, path)
    return values


def _plain(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value
