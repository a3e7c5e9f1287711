"""Datasets in other formats, and back: those of `data.convert`, and PyTorch's."""

import os
from pathlib import Path

import numpy as np
import torch

from data import tasks
from data.convert import FORMATS as OTHERS
from data.convert import Format
from data.convert.content import ORIGIN, Content, origin, recorded, restored
from data.files import temporary


def write(content: Content, out: Path) -> None:
    """Write a dictionary of tensors, the arrays of the format page under their names, and the text `origin`."""
    tensors = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in content.arrays.items()}
    with temporary(out) as partial, partial.open("wb") as file:
        torch.save(tensors | {ORIGIN: origin(content)}, file)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> Content:
    """Read such a dictionary; no other objects are loaded.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; a tensor is missing, or larger than the file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and pickle raise many kinds on damaged files
        raise ValueError(f"{path} is not a readable file of tensors: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(found, dict) or not isinstance(found.get(ORIGIN), str):
        raise ValueError(f"{path} was not written by wavenet convert: the text {ORIGIN} is missing")
    about, arrays = recorded(found[ORIGIN], path), {}
    for name in tasks.get(about.task).variables:
        tensor = found.get(name)
        if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided:
            raise ValueError(f"{path}: the tensor {name} is missing")
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise ValueError(f"{path}: {name} has the shape {tuple(tensor.shape)}, more than the file holds")
        arrays[name] = tensor.detach().numpy()
    return restored(arrays, about, path)


FORMATS = OTHERS | {"pt": Format("pt", ".pt", "PyTorch tensors", write, read)}
