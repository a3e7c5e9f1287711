"""HDF5 files from strangers, read safely: nothing is executed or followed elsewhere, sizes are checked first."""

import contextlib
import os

import h5py
import numpy as np

from .layout import LONGEST_TEXT

SMALL = 2**24  # bytes of an array
LARGEST_EXPANSION = 50  # bytes in memory for a byte in the file, where there are more than
FILTERS = {1, 2, 3}  # deflate, shuffle, fletcher32
_LARGEST_ARRAY = 2**30  # bytes of a user's array
_SENSIBLE = {
    "m": lambda m: m == int(m) and abs(m) <= 100,
    "helmholtz": lambda ka: 0 < ka < 1000,
    "mach": lambda mach: -1 < mach < 1,
}


def open_file(path):
    """An HDF5 file that is there, opened for reading."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no dataset file {path}")
    return h5py.File(path, "r")


@contextlib.contextmanager
def opened(path):
    """The open file; whatever the HDF5 library says of it is a ValueError that names the file."""
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


def dataset_of(group, name, path):
    """A dataset that is in this file itself."""
    if not is_own(group, name) or not isinstance(group[name], h5py.Dataset):
        raise ValueError(f"{path}: {name} is missing or not a dataset of this file")
    return group[name]


def is_own(group, name):
    """Whether a name is there and no link to elsewhere; the link itself is looked at, never what it leads to."""
    links, key = group.id.links, name.encode()
    return links.exists(key) and links.get_info(key).type == h5py.h5l.TYPE_HARD


def filters_of(dataset):
    """Numbers of the filters that an array goes through."""
    creation = dataset.id.get_create_plist()
    return {creation.get_filter(index)[0] for index in range(creation.get_nfilters())}


def expect_finite(values, name, path):
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{path}: {name} holds values that are not finite")


def attribute(owner, name):
    """A number or text attribute; None if it is absent or anything else."""
    if name not in owner.attrs:
        return None
    kind = owner.attrs.get_id(name)
    if kind.shape != () or kind.dtype.kind not in "Siuf" or kind.get_storage_size() > LONGEST_TEXT:
        return None
    return plain(owner.attrs[name])


def number(owner, name):
    """A number attribute; None if it is absent or anything else."""
    value = attribute(owner, name)
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
    filters = filters_of(dataset)
    if dataset.is_virtual or dataset.external or stored > os.path.getsize(path) or not filters <= FILTERS:
        raise ValueError(f"{path}: {name} keeps its values elsewhere, or with filters other than gzip and shuffle")
    if declared > min(_LARGEST_ARRAY, LARGEST_EXPANSION * max(1, stored)) or chunk > max(SMALL, 4 * declared):
        raise ValueError(f"{path}: {name} declares {declared} bytes in chunks of {chunk}, of which {stored} are there")
    values = dataset[...].astype(complex if kind == "c" else float)
    expect_finite(values, name, path)
    return values


def plain(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value
