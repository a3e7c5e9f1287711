"""Files that are complete or absent: written under another name, synced, then renamed. Text files of users."""

import codecs
import contextlib
import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .arrays import Array

_PART = 2**22  # bytes of an array that are written at a time
LIBVER = ("v110", "v110")  # the layout of 1.10 has checksums on all metadata
_NOT_SYNCED = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}  # file systems that do not sync folders


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[h5py.File]:
    """Open a new HDF5 file under a temporary name; then rename it, or remove it after an error. Never overwrites."""
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists and is not overwritten")
    with temporary(path) as partial, _Remembering(partial, "w+b") as raw:
        try:
            with h5py.File(raw, "w", libver=LIBVER) as file:
                yield file
        finally:
            if raw.error is not None:
                raise raw.error from None
        os.fsync(raw.fileno())


class _Remembering(io.FileIO):
    """A file that keeps the first error of writing, and goes on as if there were none.

    HDF5 cannot close a file that it cannot write, as on a full disk, and the process crashes later.
    """

    error: OSError | None = None

    def write(self, content: Any) -> int:
        """Write everything, if there was no error yet."""
        left = memoryview(content).cast("B")
        size = len(left)
        try:
            while len(left) and self.error is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.error = OSError(error.errno, error.strerror, str(self.name))
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the length, if there was no error yet."""
        try:
            return super().truncate(size) if self.error is None else 0
        except OSError as error:
            self.error = OSError(error.errno, error.strerror, str(self.name))
            return 0


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
            values = np.concatenate(self._parts) if len(self._parts) > 1 else self._parts[0]
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
    partial = _partial(path)
    try:
        yield partial
        os.replace(partial, path)
        sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):  # an error here must not mask an earlier one
            partial.unlink(missing_ok=True)


def expect_writable(path: Path) -> None:
    """Try whether a new file can be written, by its temporary name, which is the longest that is needed.

    Raises
    ------
    OSError
        There is no such folder, nobody may write in it, the name is too long, or others.
    """
    with _partial(path).open("wb"):
        pass
    _partial(path).unlink()


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where that is possible.

    Windows opens no folders, a folder that may be written need not be readable, and some file systems refuse.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise
    finally:
        os.close(descriptor)


def read_text(path: Path) -> str:
    """Text of a user's file in UTF-8, with or without a byte order mark, and with line ends of any system.

    Raises
    ------
    ValueError
        It is in another encoding; the message says which, if that can be known, and where.
    """
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError(f"{path} is text in UTF-16; save it in UTF-8")
    if b"\0" in content:
        raise ValueError(f"{path} holds zero bytes, so it is text in UTF-16 or no text; save it in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        place = f"byte {content[error.start]:#x} in line {line}"
        raise ValueError(f"{path} is not text in UTF-8: {place}; save it in UTF-8") from None
    return io.StringIO(text, newline=None).read()
