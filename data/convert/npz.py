"""numpy's .npz: the arrays of the format page under their names, and the text `origin`, without pickles."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .. import tasks
from ..arrays import Array
from ..files import temporary
from .content import ORIGIN, Content, origin, recorded, restored

_EXPANSION = 1100  # bytes in memory for a byte in the file: what its compression can do


def write(content: Content, out: Path) -> None:
    """Write the file, not compressed."""
    with temporary(out) as partial, partial.open("wb") as file:
        arrays: dict[str, Any] = content.arrays | {ORIGIN: np.array(origin(content))}
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> Content:
    """Read a file of such arrays.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; an array is missing, holds objects, or is larger than the file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        arrays = _arrays(path)
    except Exception as error:  # zipfile and numpy raise many kinds on damaged files
        raise ValueError(f"{path} is not a readable .npz file: {error}") from None
    if ORIGIN not in arrays or arrays[ORIGIN].dtype.kind != "U" or arrays[ORIGIN].ndim:
        raise ValueError(f"{path} was not written by wavenet convert: the text {ORIGIN} is missing")
    found = recorded(arrays[ORIGIN].item(), path)
    return restored({name: arrays[name] for name in tasks.get(found.task).variables if name in arrays}, found, path)


def _arrays(path: Path) -> dict[str, Array]:
    """All arrays, after a check of their sizes."""
    with zipfile.ZipFile(path) as archive:
        for one in archive.infolist():
            with archive.open(one) as member:
                version = np.lib.format.read_magic(member)
                header = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }[version]
                shape, _, kind = header(member)
                declared = kind.itemsize * int(np.prod(shape, dtype=object))
            if declared > one.file_size or one.file_size > _EXPANSION * max(1, one.compress_size):
                raise ValueError(f"{one.filename} declares {declared} bytes, more than the file can hold")
    with np.load(path, allow_pickle=False) as content:
        return {name: content[name] for name in content.files}
