"""Files that are complete or absent: written under another name, synced, then renamed."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from .arrays import Array

_PART = 2**22  # bytes of an array that are written at a time
LIBVER = ("v110", "v110")  # the layout of 1.10 has checksums on all metadata


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[h5py.File]:
    """Open a new HDF5 file under a temporary name; then rename it, or remove it after an error. Never overwrites."""
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists and is not overwritten")
    with temporary(path) as partial:
        with h5py.File(partial, "w", libver=LIBVER) as file:
            yield file
        with partial.open("rb+") as raw:
            os.fsync(raw.fileno())


class Growing:
    """An array of a file that is written from its first index on; parts are collected until writing them pays."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset, self._written, self._waiting = dataset, 0, 0
        self._parts: list[Array] = []

    def append(self, values: Array) -> None:
        """Add values along the first dimension."""
        self._parts.append(values)
        self._waiting += values.nbytes
        if self._waiting >= _PART:
            self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        if self._parts:
            values = np.concatenate(self._parts)
            self._dataset[self._written : self._written + len(values)] = values
            self._written += len(values)
            self._parts, self._waiting = [], 0


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file atomically, replacing an existing one."""
    with temporary(Path(path)) as partial, partial.open("wb") as raw:
        raw.write(content)
        raw.flush()
        os.fsync(raw.fileno())


@contextlib.contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """A temporary name to write under; then rename the file to `path`, or remove it after an error."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        os.replace(partial, path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
