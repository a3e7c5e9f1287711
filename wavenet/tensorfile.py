"""Files of tensors and texts, as safetensors: written whole or not at all, with a checksum that reading compares."""

import contextlib
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

_CHECKSUM = "sha256"


def write(path: str | Path, tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> None:
    """Write tensors and texts by name, atomically.

    Raises
    ------
    OSError
        The disk is full, or the folder cannot be written to; an older file of this name is still there.
    """
    own = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}  # none shares memory
    content = save(own, {**texts, _CHECKSUM: _checksum(own, texts)})
    with whole(path) as partial:
        partial.write_bytes(content)


def read(
    path: str | Path, names: Collection[str], *, checked: bool = False
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and texts of a file, by name.

    names : texts that it may have. checked : refuse files without a checksum, as weights before version 0.4 are.

    Raises
    ------
    ValueError
        It is damaged, or no file of tensors.
    """
    try:
        with safe_open(path, "pt") as file:
            texts = dict(file.metadata() or {})
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged, or another version's: {error}") from None
    found = texts.pop(_CHECKSUM, None)
    if not texts.keys() <= set(names) or (found is None and checked):
        raise ValueError(f"{path} is damaged, or another version's: it has the texts {', '.join(texts) or 'none'}")
    if found is not None and found != _checksum(tensors, texts):
        raise ValueError(f"{path} is damaged: its checksum is not that of its contents")
    return tensors, texts


def _checksum(tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> str:
    """SHA-256 of all names, types, shapes, values and texts."""
    found = hashlib.sha256(repr(sorted(texts.items())).encode())
    for key, value in sorted(tensors.items()):
        found.update(repr((key, str(value.dtype), tuple(value.shape))).encode())
        found.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


@contextlib.contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Temporary path to write a file to; it replaces the file only once it is completely on the disk.

    A killed process leaves at most one temporary file, .NAME.partial, which the next write overwrites.

    Raises
    ------
    OSError
        It cannot be written; an older file of this name is still there.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)  # makes the name durable
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)  # Windows syncs no file opened to read
    except PermissionError:
        if path.is_file():
            raise
        return  # Windows opens no folders
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
