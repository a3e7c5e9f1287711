"""Writes into tensors: which of the recorded values share memory with what was written."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from .nodes import UnsupportedOperation


@dataclass(frozen=True)
class Write:
    """A tensor written into, and the value that it has since."""

    tensor: Tensor
    value: Any


class Storages:
    """Recorded values by the memory that they lie in, and the writes into that memory."""

    def __init__(self) -> None:
        self._values: dict[int, list[Any]] = {}
        self._writes: dict[int, list[Write]] = {}
        self._seen: dict[int, int] = {}  # by the tensor's identity: how many of the writes its value knows

    def add(self, tensor: Tensor, value: Any) -> None:
        """A new value in the tensor's memory."""
        self._values.setdefault(_memory(tensor), []).append(value)
        self.seen(tensor, value)

    def seen(self, tensor: Tensor, value: Any) -> None:
        """The value, if there is one, knows all writes so far."""
        if value is not None and self._writes:
            self._seen[id(tensor)] = len(self._writes.get(_memory(tensor), ()))

    def save(self, target: Tensor) -> None:
        """Give all values in the memory of the target a copy of their content, before it is written into."""
        for value in self._values.pop(_memory(target), ()):
            value.tensor = value.tensor.clone()

    def wrote(self, target: Tensor, value: Any) -> None:
        """The target was written into and has this value since."""
        self._writes.setdefault(_memory(target), []).append(Write(target, value))
        self.seen(target, value)

    def later(self, tensor: Tensor) -> Sequence[Write]:
        """Writes into the tensor's memory that its value does not know."""
        if not self._writes:
            return ()
        return self._writes.get(_memory(tensor), [])[self._seen.get(id(tensor), 0) :]


def overlay(tensor: Tensor, written: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """f(old, new): the tensor's old content, with the new content of the written tensor where they share memory."""
    size = tensor.untyped_storage().nbytes() // tensor.element_size()
    owner = torch.full((size,), -1, device=tensor.device)
    place = torch.arange(written.numel(), device=tensor.device).reshape(written.shape)
    owner.as_strided(written.shape, written.stride(), written.storage_offset()).copy_(place)
    chosen = owner.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
    return lambda old, new: torch.where(chosen >= 0, new.reshape(-1)[chosen.clamp(min=0)], old)


def _memory(tensor: Tensor) -> int:
    """Address of the tensor's memory, which recorded tensors keep; an empty one shares none, and is itself.

    torch.compile, where `forward` calls what it has compiled, cannot follow torch's own weak references to storages.
    """
    if tensor.layout is not torch.strided:
        what = str(tensor.layout).removeprefix("torch.")
        raise UnsupportedOperation(f"no rule for {what} tensors that depend on the inputs, expected dense ones")
    storage = _storage(tensor)
    try:
        return storage.data_ptr() or -id(tensor)
    except RuntimeError:  # of a subclass that wraps other tensors
        return StorageWeakRef(storage).cdata


def _storage(tensor: Tensor) -> torch.UntypedStorage:
    """The tensor's memory, which the tensors of torch.func lack: they stand for others."""
    try:
        return tensor.untyped_storage()
    except NotImplementedError:
        raise UnsupportedOperation("no rule for vmap and other transforms of torch.func inside forward") from None


def expect_memory(tensors: Iterable[Tensor]) -> None:
    """Refuse tensors of which nothing tells what depends on what."""
    for tensor in tensors:
        if tensor.layout is torch.strided:
            _storage(tensor)


def written_into(func: Any, args: Any, kwargs: Any) -> Tensor | None:
    """The tensor that the function writes into, if it does."""
    name = func.__name__.partition(".")[0]
    method = name.endswith("_") and not name.endswith("__")
    if not (method or name == "__setitem__" or _asked_in_place(func, args, kwargs)):
        return None
    first = args[0] if args else kwargs.get("input", kwargs.get("self"))
    return first if isinstance(first, Tensor) else None


def _asked_in_place(func: Any, args: Any, kwargs: Any) -> bool:
    if "inplace" in kwargs:
        return bool(kwargs["inplace"])
    place = _place_of_inplace(func) if inspect.isfunction(func) and len(args) > 1 else None
    return place is not None and len(args) > place and bool(args[place])


@cache
def _place_of_inplace(func: Any) -> int | None:
    try:
        names = list(inspect.signature(func).parameters)
    except ValueError:  # methods written in C
        return None
    return names.index("inplace") if "inplace" in names else None
