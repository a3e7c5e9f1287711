"""The identity of a dataset: a hash of what its arrays hold, whatever the file's name, filters and origin."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np

from .arrays import Array
from .task import Task

_BLOCK = 2**24  # bytes of an array that are read at a time


def blocks(dataset: h5py.Dataset) -> Iterator[slice]:
    """Parts of an array along its first dimension, to be read one by one: whole chunks, 16 MiB of small ones."""
    rows = dataset.chunks[0] if dataset.chunks else 1
    row = max(1, dataset.dtype.itemsize * math.prod(dataset.shape[1:]))
    step = rows * max(1, _BLOCK // (rows * row))
    for start in range(0, len(dataset), step):
        yield slice(start, min(start + step, len(dataset)))


class ContentHash:
    """SHA-256 over arrays, added in alphabetical order: of each "NAME DTYPE SHAPE\\n" and the little-endian values.

    DTYPE is numpy's, such as <f8; SHAPE the lengths with commas between; values in the order of the last index first.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def begin(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        """Begin an array; its values follow."""
        self._hash.update(f"{name} {dtype.newbyteorder('<').str} {','.join(map(str, shape))}\n".encode())

    def add(self, values: Array) -> None:
        """Add the next values of the array."""
        self._hash.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data)

    def hexdigest(self) -> str:
        """The hash of all that was added, 64 hexadecimal digits."""
        return self._hash.hexdigest()


def content_hash(arrays: Mapping[str, Array | h5py.Dataset], task: Task[Any]) -> str:
    """Hash of a task's arrays, in memory or in a file, of which it reads a part at a time."""
    found = ContentHash()
    for name in sorted(task.variables):
        array = arrays[name]
        found.begin(name, array.dtype, array.shape)
        for part in [slice(None)] if isinstance(array, np.ndarray) else blocks(array):
            found.add(array[part])
    return found.hexdigest()
