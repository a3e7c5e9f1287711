"""MATLAB files of versions 5 and 7.3: matrices and texts by name. Files may be untrusted: sizes are checked first.

Version 7.3 is HDF5 behind a block of 512 bytes: matrices are stored by columns, so with their axes reversed; complex
numbers have the parts real and imag; the attribute MATLAB_class names the class.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
from scipy.io import loadmat, savemat, whosmat

from ..arrays import Array
from ..files import temporary
from ..hdf5 import opened
from ..layout import text
from .arrays import COMPRESSED, numbers

_CLASSES = {"f8": "double", "f4": "single", "i8": "int64", "i4": "int32", "c16": "double", "c8": "single"}
_NUMBERS = ("double", "single", *(f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)))
_LARGEST = 2**31 - 1  # bytes of a variable in a MATLAB 5 file
_EXPANSION = 1100  # bytes in memory for a byte in a file: what its compression can do
_USERBLOCK = 512  # bytes
_HEADER = b"MATLAB 7.3 MAT-file, Platform: HDF5, Created by: wavenet HDF5 schema 1.00 ."
_VERSION = (0x0200).to_bytes(2, "little") + b"IM"  # after 116 bytes of text and 8 of offset
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def write_5(out: Path, variables: Mapping[str, Array | str]) -> None:
    """Write a MATLAB 5 file, compressed.

    Raises
    ------
    ValueError
        A variable has more than 2 GB.
    """
    for name, values in variables.items():
        if isinstance(values, np.ndarray) and values.nbytes > _LARGEST:
            raise ValueError(
                f"{name} has {values.nbytes} bytes, too many for a MATLAB 5 file; choose a split or the format matlab73"
            )
    with temporary(out) as partial, partial.open("wb") as file:
        savemat(file, variables, do_compression=True)
        file.flush()
        os.fsync(file.fileno())


def write_73(out: Path, variables: Mapping[str, Array | str]) -> None:
    """Write a MATLAB 7.3 file, compressed. Arrays have two dimensions."""
    with temporary(out) as partial:
        with h5py.File(partial, "w", userblock_size=_USERBLOCK) as file:
            for name, values in variables.items():
                if isinstance(values, str):
                    letters = np.frombuffer(values.encode("utf-16-le"), "<u2")[:, None]
                    dataset = file.create_dataset(name, data=letters, **COMPRESSED)
                    dataset.attrs["MATLAB_class"] = text("char")
                    dataset.attrs["MATLAB_int_decode"] = np.int32(2)
                    continue
                kind = values.dtype
                if kind.kind == "c":
                    stored = np.dtype([("real", f"<f{kind.itemsize // 2}"), ("imag", f"<f{kind.itemsize // 2}")])
                    values = np.ascontiguousarray(values).view(stored)
                dataset = file.create_dataset(name, data=values.T, **COMPRESSED)
                dataset.attrs["MATLAB_class"] = text(_CLASSES[kind.str[1:]])
        with partial.open("rb+") as raw:
            raw.write(_HEADER.ljust(116) + bytes(8) + _VERSION)
            os.fsync(raw.fileno())


def read(path: Path, needed: Sequence[str], more: Sequence[str], texts: Sequence[str]) -> dict[str, Array]:
    """Read variables of a MATLAB file of either version.

    Parameters
    ----------
    path : path
    needed, more : sequences of str
        Names of matrices of numbers; those in `more` may be absent.
    texts : sequence of str
        Names of texts, which may be absent.

    Returns
    -------
    dict
        Arrays of two dimensions, and texts as arrays without a dimension.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; a variable is missing, of another class, or larger than the file can hold.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        head = file.read(_USERBLOCK + len(_SIGNATURE))
    if head.startswith(_SIGNATURE) or head[_USERBLOCK:] == _SIGNATURE:
        return _read_73(path, needed, more, texts)
    try:
        return _read_5(path, needed, more, texts)
    except Exception as error:  # scipy raises many kinds on damaged files
        raise ValueError(f"{path} is not a MATLAB file of the study's layout: {error}") from None


def _read_5(path: Path, needed: Sequence[str], more: Sequence[str], texts: Sequence[str]) -> dict[str, Array]:
    found = {name: (shape, kind) for name, shape, kind in whosmat(path)}
    _expect(needed, found)
    wanted = [name for name in (*needed, *more, *texts) if name in found]
    for name in wanted:
        shape, kind = found[name]
        if name in texts and kind != "char":
            raise ValueError(f"{name} is of the class {kind}, expected a text")
        if name not in texts and kind not in _NUMBERS:
            raise ValueError(f"{name} is of the class {kind}, expected numbers")
        if 16 * int(np.prod(shape, dtype=object)) > _EXPANSION * path.stat().st_size:
            raise ValueError(f"{name} declares the shape {shape}, more than the file can hold")
    content = loadmat(path, variable_names=wanted)
    return {name: np.array("".join(content[name])) if name in texts else content[name] for name in wanted}


def _read_73(path: Path, needed: Sequence[str], more: Sequence[str], texts: Sequence[str]) -> dict[str, Array]:
    with opened(path) as file:
        try:
            _expect(needed, file)
        except ValueError as error:
            raise ValueError(f"{path} is not a MATLAB file of the study's layout: {error}") from None
        arrays = {name: numbers(file, name, path).T for name in (*needed, *more) if name in file}
        for name in texts:
            if name in file:
                letters = numbers(file, name, path)
                if letters.dtype != np.dtype("u2"):
                    raise ValueError(f"{path}: {name} is {letters.dtype}, expected a text")
                arrays[name] = np.array(letters.T.tobytes().decode("utf-16-le", "replace"))
    return arrays


def _expect(needed: Sequence[str], found: Mapping[str, object]) -> None:
    for name in needed:
        if name not in found:
            raise ValueError(f"the variable {name} is missing")
