"""Rules of the user's own: found by type of module, or by a function's name."""

import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .nodes import Node
from .operations import KINDS, MODULES, canonical
from .shadow import mapped

Rule = Callable[..., Any]


@dataclass(frozen=True)
class Call:
    """The call that a registered rule is for; rules with a parameter named `call` receive it.

    Attributes
    ----------
    name : str
        Path of the module, or the function's name.
    args, kwargs
        All arguments, constants included, with the tensors in the type of the computation.
    dtype : torch.dtype
        That type.
    repeat : function of the rule's `inputs`
        The operation again, without recording: outputs for other values.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    dtype: torch.dtype
    repeat: Callable[..., Any]


class Registered:
    """The mapping `rules` of `attribute`, with functions, methods and operators under one name."""

    def __init__(self, rules: Mapping[Any, Rule]) -> None:
        self.types: dict[type, Rule] = {}
        self.names: dict[str, tuple[Any, Rule]] = {}
        if not isinstance(rules, Mapping):
            raise TypeError(f"rules must be a mapping from types, functions or names, got {type(rules).__name__}")
        for key, rule in rules.items():
            if not callable(rule):
                raise TypeError(f"a rule must be a function, got {type(rule).__name__} for {key!r}")
            if isinstance(key, nn.Module):
                raise TypeError(f"rules are for types of modules, got a module: register {type(key).__name__}")
            if isinstance(key, type) and issubclass(key, nn.Module):
                self.types[key] = rule
            elif isinstance(key, str) or (callable(key) and not isinstance(key, type)):
                self.names[_known(key)] = key, rule
            else:
                raise TypeError(f"a rule's key must be a type of module, a function or a name, got {key!r}")

    def leaf(self, module: nn.Module) -> bool:
        """Whether a module has one rule as a whole."""
        declared = getattr(module, "rap_passes_through", False)
        return bool(declared) or isinstance(module, (*self.types, *MODULES))

    def rule(self, node: Node) -> Rule | None:
        """The user's rule for the node, if there is one."""
        if node.module is not None:
            return next((self.types[base] for base in type(node.module).__mro__ if base in self.types), None)
        return self.names.get(node.operation, (None, None))[1]

    def shares(
        self, node: Node, dtype: torch.dtype, inputs: tuple[Tensor, ...], output: Any, relevance: Any
    ) -> tuple[Any, ...]:
        """Relevance of the node's inputs by the user's rule, checked."""
        rule = self.rule(node)
        assert rule is not None
        key = node.module if node.module is not None else self.names[node.operation][0]
        more = {}
        if "call" in _parameters(rule):
            args, kwargs = mapped(lambda a: getattr(a, "tensor", a), (node.args, node.kwargs))
            more["call"] = Call(node.name, args, kwargs, dtype, node.call)
        given = rule(key, inputs, output, relevance, **more)
        found = (given,) if isinstance(given, Tensor) else given
        if not isinstance(found, tuple | list) or not all(r is None or isinstance(r, Tensor) for r in found):
            raise ValueError(
                f"the rule for {node.name} must return a tensor for each of {len(inputs)} inputs, or None, got "
                f"{type(given).__name__}"
            )
        shapes = [None if r is None else tuple(r.shape) for r in found]
        expected = [tuple(x.shape) for x in inputs]
        if len(found) != len(inputs) or any(s not in (None, e) for s, e in zip(shapes, expected, strict=True)):
            raise ValueError(f"the rule for {node.name} must return shapes {expected}, got {shapes}")
        for r, x in zip(found, inputs, strict=True):
            if r is not None and (
                r.layout is not torch.strided or r.device != x.device or r.is_complex() > x.is_complex()
            ):
                raise ValueError(
                    f"the rule for {node.name} must return dense, real numbers on {x.device}, got {r.dtype}, "
                    f"{str(r.layout).removeprefix('torch.')}, on {r.device}"
                )
        if not all(r is None or torch.isfinite(r).all() for r in found):
            raise ValueError(f"the rule for {node.name} must return finite relevance, got inf or nan")
        return tuple(None if r is None else r.to(x.dtype) for r, x in zip(found, inputs, strict=True))


def _known(key: Any) -> str:
    """The name of the key's function, which torch must have: nothing else is recorded."""
    name = canonical(key)
    rooms = (torch, torch.Tensor, torch.nn.functional, torch.special, operator)
    prefixed = [(torch.fft, "fft_"), (torch.linalg, "linalg_"), (torch.sparse, "sparse_")]
    found = any(hasattr(room, f"{dash}{name}{dash}") for room in rooms for dash in ("", "__"))
    found = found or any(hasattr(room, name.removeprefix(prefix)) for room, prefix in prefixed)
    if not (found or name in KINDS or type(key).__module__ == "torch._ops"):
        raise ValueError(
            f"torch has no function named {name}, got the key {key!r}: rules are for types of modules and for torch's "
            "functions, methods and operators"
        )
    return name


def _parameters(rule: Rule) -> set[str]:
    try:
        return set(inspect.signature(rule).parameters)
    except (TypeError, ValueError):  # some builtins
        return set()
