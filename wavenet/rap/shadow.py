"""A stand-in for a model: the same parameters, with a `forward` of each module that tells which module is running.

The model itself is neither copied nor changed. What `forward` assigns to attributes of modules goes to the stand-in.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Module:
    """A module of the model, its stand-in, its path and its own forward, which runs on the stand-in."""

    path: str
    original: nn.Module
    stand_in: nn.Module
    forward: Callable[..., Any]


def shadow(model: nn.Module, forward: Callable[[Module], Callable[..., Any]]) -> nn.Module:
    """The model's stand-in, whose modules call forward(module) in place of their own forward.

    Buffers and other tensors that a module holds are copies, so that what `forward` writes into them goes nowhere.
    """
    made: dict[int, nn.Module] = {}
    copies: dict[int, Tensor] = {}

    def copied(held: Any) -> Any:
        if not isinstance(held, Tensor) or isinstance(held, nn.Parameter):
            return held
        return copies.setdefault(id(held), held.detach().clone())

    def build(module: nn.Module, path: str) -> nn.Module:
        module = within(module)
        if id(module) in made:
            return made[id(module)]
        stand_in = made[id(module)] = object.__new__(type(module))
        own = dict(module.__dict__)
        # torch has no public way to share parameters and hooks while replacing the parts
        own["_parameters"] = dict(own["_parameters"])
        own["_buffers"] = {name: copied(buffer) for name, buffer in own["_buffers"].items()}
        own.update({name: copied(held) for name, held in own.items() if isinstance(held, Tensor)})
        own["_compiled_call_impl"] = None
        stand_in.__dict__.update(own)
        parts = own["_modules"].items()
        stand_in.__dict__["_modules"] = {
            name: None if part is None else build(part, f"{path}.{name}" if path else name) for name, part in parts
        }
        given = own.get("forward", partial(type(module).forward, stand_in))
        stand_in.__dict__["forward"] = forward(Module(path, module, stand_in, given))
        return stand_in

    return build(model, "")


def within(module: nn.Module) -> nn.Module:
    """The module inside the wrappers of torch.compile and of data parallelism."""
    while True:
        if "_orig_mod" in dict(module.named_children()):  # of torch.compile
            module = module.get_submodule("_orig_mod")
        elif isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            module = module.module
        else:
            return module


def mapped(function: Callable[[Any], Any], values: Any) -> Any:
    """Nested tuples, lists and dicts with the function applied to what is in them."""
    if type(values) in (tuple, list):
        return type(values)(mapped(function, v) for v in values)
    if isinstance(values, dict):
        return {key: mapped(function, v) for key, v in values.items()}
    if isinstance(values, tuple) and not isinstance(values, torch.Size):  # a named tuple
        return tuple(mapped(function, v) for v in values)
    return function(values)


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Tensors among nested tuples, lists and dicts."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, tuple | list) and not isinstance(values, torch.Size):
        for v in values:
            yield from tensors_in(v)
    elif isinstance(values, Mapping):
        for v in values.values():
            yield from tensors_in(v)
