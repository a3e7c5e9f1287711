"""Writing HDF5 files that appear only when they are complete."""

import contextlib
import os
from pathlib import Path

import h5py


@contextlib.contextmanager
def whole_file(path):
    """Open a new HDF5 file under a temporary name; it gets its own at the end, or is removed. Never overwrites."""
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists and is not overwritten")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with h5py.File(partial, "x") as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
