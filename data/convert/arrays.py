"""Arrays of numbers in HDF5 files of other programs, which may be untrusted; and what our own need besides theirs."""

import os
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from ..arrays import Array
from ..hdf5 import FILTERS, SMALL, dataset_of, filters_of, is_own
from .content import ORIGIN, Content, Origin, origin, recorded

COMPRESSED = {"compression": "gzip", "compression_opts": 1, "shuffle": True}  # every HDF5 library reads it
_EXPANSION = 1100  # bytes in memory for a byte in the file: what gzip can do
_REST = "wavenet"  # group of what a layout has no place for


def numbers(group: h5py.Group, name: str, path: Path) -> Array:
    """An array of real or complex numbers, of any shape.

    Raises
    ------
    ValueError
        It is missing, stored elsewhere, of another kind, or larger than the file can hold.
    """
    dataset = dataset_of(group, name, path)
    kind, stored = dataset.dtype, dataset.id.get_storage_size()
    compound = kind.names == ("real", "imag") and kind["real"] == kind["imag"] and kind["real"].kind == "f"
    if not (compound or kind.kind in "fiuc") or dataset.shape is None:
        raise ValueError(f"{path}: {name} is {kind}, expected numbers")
    if dataset.is_virtual or dataset.external or stored > os.path.getsize(path) or not filters_of(dataset) <= FILTERS:
        raise ValueError(f"{path}: {name} keeps its values elsewhere, or with filters other than gzip and shuffle")
    declared = kind.itemsize * int(np.prod(dataset.shape, dtype=object))
    chunk = kind.itemsize * int(np.prod(dataset.chunks or (1,), dtype=object))
    if declared > _EXPANSION * stored or chunk > max(SMALL, 4 * declared):
        raise ValueError(f"{path}: {name} declares {declared} bytes in chunks of {chunk}, of which {stored} are there")
    values: Array = dataset[...]
    if compound:
        values = np.ascontiguousarray(values).view(f"c{2 * kind['real'].itemsize}")
    return values


def write_rest(file: h5py.File, content: Content, names: Iterable[str]) -> None:
    """Write arrays that a layout has no place for, and the origin, to a group that its readers ignore."""
    group = file.create_group(_REST)
    for name in names:
        group.create_dataset(name, data=content.arrays[name])
    group.create_dataset(ORIGIN, data=np.frombuffer(origin(content).encode("ascii"), np.uint8))


def read_origin(file: h5py.File, path: Path) -> Origin:
    """Read the origin that `write_rest` wrote.

    Raises
    ------
    ValueError
        The group is missing, or not as it was written.
    """
    if not is_own(file, _REST) or not isinstance(file[_REST], h5py.Group):
        raise ValueError(f"{path} was not written by wavenet convert: the group {_REST} is missing")
    return recorded(numbers(file[_REST], ORIGIN, path).tobytes().decode("ascii", "replace"), path)


def read_rest(file: h5py.File, names: Iterable[str], path: Path) -> dict[str, Array]:
    """Read the arrays that `write_rest` wrote, after `read_origin`."""
    return {name: numbers(file[_REST], name, path) for name in names}
