"""The type of the computation, in place of those that a model casts to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


def autocast() -> bool:
    """Whether torch would lower the precision of what follows."""
    return torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda")


@contextmanager
def full_types() -> Iterator[None]:
    """Without autocast."""
    if not autocast():
        yield
        return
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
        yield


def coarse(dtype: torch.dtype) -> bool:
    """Whether it is half precision, or less."""
    return dtype.is_floating_point and dtype.itemsize < torch.float32.itemsize


def cast(func: Any, dtype: torch.dtype, *args: Any, **kwargs: Any) -> Any:
    """The function's result in the type, or in the complex one that belongs to it."""
    result = func(*args, **kwargs)
    return result.to(dtype if not result.is_complex() else dtype.to_complex())


def unchanged(x: Tensor) -> Tensor:
    """What a cast to another real type does here."""
    return x.view_as(x)
