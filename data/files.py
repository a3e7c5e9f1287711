"""Files that are there and complete, or not there: written under another name, synced, then renamed."""

import contextlib
import os
from pathlib import Path

import h5py

LIBVER = ("v110", "v110")  # the layout of 1.10 has checksums on all metadata


@contextlib.contextmanager
def whole_file(path):
    """Open a new HDF5 file under a temporary name; it gets its own at the end, or is removed. Never overwrites."""
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists and is not overwritten")
    with temporary(path) as partial:
        with h5py.File(partial, "w", libver=LIBVER) as file:
            yield file
        with partial.open("rb+") as raw:
            os.fsync(raw.fileno())


def write_bytes(path, content):
    """Write a file whole, replacing one that is there."""
    with temporary(Path(path)) as partial, partial.open("wb") as raw:
        raw.write(content)
        raw.flush()
        os.fsync(raw.fileno())


@contextlib.contextmanager
def temporary(path):
    """Another name to write under; it becomes the file's own at the end, or is removed."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        os.replace(partial, path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync_folder(folder):
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
