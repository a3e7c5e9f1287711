"""Safe reading of untrusted HDF5 files: nothing is executed, no links are followed, sizes are checked first."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt

from .arrays import Array
from .layout import LONGEST_TEXT

SMALL = 2**24  # bytes up to which an array may be read whatever the file's size
LARGEST_EXPANSION = 50  # bytes in memory per byte in the file, for arrays that are not small; fields have less than 2
DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3  # numbers of HDF5's own filters; others would be plugins, code that is loaded
FILTERS = {DEFLATE, SHUFFLE, FLETCHER32}
_LARGEST_ARRAY = 2**30  # bytes of a user's array
_SENSIBLE: dict[str, Callable[[Any], bool]] = {
    "m": lambda m: m == int(m) and abs(m) <= 100,
    "helmholtz": lambda ka: 0 < ka < 1000,
    "mach": lambda mach: -1 < mach < 1,
}


def open_file(path: Path) -> h5py.File:
    """Open an existing HDF5 file for reading."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no dataset file {path}")
    return h5py.File(path, "r")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The open file; every error of the HDF5 library becomes a ValueError that names the file."""
    try:
        file = open_file(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path} is not a readable HDF5 file: {error}") from None
    with file:
        try:
            yield file
        except (OSError, RuntimeError, KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"{path} is damaged: {error}") from None


def dataset_of(group: h5py.Group, name: str, path: Path) -> h5py.Dataset:
    """A dataset stored in this file itself."""
    if not is_own(group, name) or not isinstance(group[name], h5py.Dataset):
        raise ValueError(f"{path}: {name} is missing or not a dataset of this file")
    return group[name]


def is_own(group: h5py.Group, name: str) -> bool:
    """Whether a name exists and is not a link to another place; links are not followed."""
    links, key = group.id.links, name.encode()
    return bool(links.exists(key) and links.get_info(key).type == h5py.h5l.TYPE_HARD)


def filters_of(dataset: h5py.Dataset) -> set[int]:
    """Numbers of the filters that an array goes through."""
    creation = dataset.id.get_create_plist()
    return {creation.get_filter(index)[0] for index in range(creation.get_nfilters())}


def expect_finite(values: npt.ArrayLike, name: str, path: Path) -> None:
    """Refuse an array that holds an infinity or a NaN."""
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{path}: {name} holds values that are not finite")


def doubles(values: Array) -> Array:
    """Values of single precision in double precision, in which everything is computed; others as they are."""
    return values.astype(np.float64) if values.dtype == np.float32 else values


def expect_field(values: Array, name: str, first: int, path: Path) -> None:
    """Refuse a field with infinities or NaN, or with a case of zeros alone: those of a chunk that was wiped out.

    values : (case, ...), of which `first` is the index of the first case.
    """
    expect_finite(values, name, path)
    blank = np.flatnonzero(~np.any(values, axis=tuple(range(1, values.ndim))))
    if len(blank):
        raise ValueError(f"{path}: {name} is zero at all points of the case at index {first + blank[0]}")


def attribute(owner: h5py.Group | h5py.Dataset, name: str) -> str | int | float | None:
    """A number or text attribute; None if it is absent or anything else."""
    if name not in owner.attrs:
        return None
    kind = owner.attrs.get_id(name)
    if kind.shape != () or kind.dtype.kind not in "Siuf" or kind.get_storage_size() > LONGEST_TEXT:
        return None
    return plain(owner.attrs[name])


def number(owner: h5py.Group | h5py.Dataset, name: str) -> int | float | None:
    """A number attribute; None if it is absent or anything else."""
    value = attribute(owner, name)
    return value if isinstance(value, int | float) else None


def expect_numbers(file: h5py.File, path: Path, names: Sequence[str]) -> dict[str, int | float]:
    """Values of the named attributes among m, helmholtz and mach, checked to be in range."""
    values = {}
    for name in names:
        value = number(file, name)
        if value is None or not np.isfinite(value) or not _SENSIBLE[name](value):
            raise ValueError(f"{path}: the attribute {name} must be a scalar number in its range, got {value}")
        values[name] = value
    return values


def plain_array(file: h5py.File, name: str, path: Path, dimensions: Sequence[int], kind: Literal["f", "c"]) -> Array:
    """A user's array of floating-point ("f") or complex ("c") numbers with one of these numbers of dimensions.

    Raises
    ------
    ValueError
        It is missing, stored elsewhere, of another kind, not finite, or larger than the file.
    """
    dataset = dataset_of(file, name, path)
    if dataset.ndim not in dimensions or dataset.dtype.kind != kind or not dataset.size:
        wanted = f"{' or '.join(map(str, dimensions))} dimensions of {'real' if kind == 'f' else 'complex'} floats"
        raise ValueError(f"{path}: {name} is {dataset.dtype} with shape {dataset.shape}, expected {wanted}")
    item, stored = dataset.dtype.itemsize, dataset.id.get_storage_size()
    declared = int(np.prod(dataset.shape, dtype=object)) * item
    chunk = int(np.prod(dataset.chunks or (1,), dtype=object)) * item
    filters = filters_of(dataset)
    if dataset.is_virtual or dataset.external or stored > os.path.getsize(path) or not filters <= FILTERS:
        raise ValueError(f"{path}: {name} keeps its values elsewhere, or with filters other than gzip and shuffle")
    if declared > min(_LARGEST_ARRAY, LARGEST_EXPANSION * max(1, stored)) or chunk > max(SMALL, 4 * declared):
        raise ValueError(f"{path}: {name} declares {declared} bytes in chunks of {chunk}, of which {stored} are there")
    values: Array = dataset[...].astype(complex if kind == "c" else float)
    expect_finite(values, name, path)
    return values


def plain(value: Any) -> Any:
    """A value from HDF5 as a Python string or number."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value
