"""A recording of the model's real forward: every operation on values that depend on the inputs, and its results.

The model runs as it is, under a `TorchFunctionMode` of this thread. Python's own control flow, modules made in
`forward`, hooks, constants and writes into tensors need no rule of their own: the recording has what was computed.
Nothing is patched, so that other threads may run or explain the same model meanwhile.

Two other ways were tried. torch.fx and `make_fx` patch `nn.Module.__call__` for the whole process. `torch.export` of
ResNet18 took 14 forward passes, refused a branch on a value, and failed in 12 of 12 calls from four threads.

Every floating-point tensor that enters an operation is first converted to the type of the computation, and `dtype`
reads as that type, so that a model in single precision is computed in double without a copy of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .decompositions import FUNCTIONS, MODULES
from .nodes import Node, UnsupportedOperation, Value, differentiable
from .operations import CASTS, CONSTANT, FACTORIES, KINDS, LEAVING, LIKE, canonical
from .precision import autocast, cast, coarse, full_types, unchanged
from .shadow import Module, mapped, shadow, tensors_in
from .writes import Storages, expect_memory, overlay, written_into


class Recording(TorchFunctionMode):
    """Records the operations of one forward; see the module."""

    def __init__(self, inputs: tuple[Tensor, ...], dtype: torch.dtype, whole: frozenset[str] = frozenset()) -> None:
        """whole : names of functions that are not taken apart"""
        super().__init__()
        self.dtype, self.whole = dtype, whole
        self.nodes: list[Node] = []
        self.differs = False  # whether something else was computed in place of an operation
        self.coarse = False  # whether the model itself computes in half precision somewhere
        self.stack: list[tuple[str, nn.Module]] = []  # modules that are running, outermost first
        self._names: dict[str, int] = {}
        self._values: dict[int, Value] = {}  # by the tensor's identity
        self._kept: list[Tensor] = []  # tensors of `_values`, so that an identity stays theirs
        self._converted: dict[int, tuple[Tensor, Tensor]] = {}
        self._storages = Storages()
        self._quiet = False
        self.inputs = [self._input(x) for x in inputs]

    def run(self, model: nn.Module, more: tuple[Any, ...], leaves: Callable[[nn.Module], bool]) -> Any:
        """The model's output; `leaves` says which modules are recorded as a whole."""
        stand_in = shadow(model, partial(self._forward, leaves))
        with self:
            return stand_in(*(value.tensor for value in self.inputs), *more)

    def value(self, tensor: Any) -> Value | None:
        """What was recorded of a tensor, None if it does not depend on the inputs."""
        return self._read(tensor) if isinstance(tensor, Tensor) else None

    def leading_to(self, tensor: Tensor) -> list[Value]:
        """The recorded values that the tensor was computed from, and itself."""
        last = self.value(tensor)
        wanted = set() if last is None else {id(last)}
        found = []
        for node in reversed(self.nodes):
            made = [value for value in node.outputs if id(value) in wanted]
            found += made
            if made:
                wanted |= {id(value) for value in node.inputs}
        return found[::-1]

    def taken_apart(self) -> Iterator[Node]:
        """The nodes from the last to the first; each of them, and what only it needs, is forgotten after its turn."""
        self._values, self._kept, self._converted, self._storages = {}, [], {}, Storages()
        while self.nodes:
            node = self.nodes.pop()
            yield node
            node.args, node.kwargs, node.inputs, node.outputs = (), {}, [], []  # values and nodes name each other

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = canonical(func)
        if func.__name__ == "__get__":
            return self._attribute(name, func, args)
        if name in ("half", "bfloat16", "float", "double") and args[0].is_floating_point():
            self.coarse = self.coarse or name in ("half", "bfloat16")
            func, kwargs = unchanged, {}
        if self._quiet:
            return self._quietly(name, func, args, kwargs)
        if name in LIKE:  # no values of a second tensor are used
            more = mapped(lambda a: a.detach() if isinstance(a, Tensor) else a, (args[1:], kwargs))
            args, kwargs = (*args[:1], *more[0]), more[1]
        if KINDS.get(name) == "matrix":
            args = self._factors(args)
        expect_memory(tensors_in((args, kwargs)))
        values = [self._read(t) for t in tensors_in((args, kwargs))]
        if not any(values):
            return self._quietly(name, func, args, kwargs)
        if name in LEAVING:
            raise UnsupportedOperation(f"no rule for {name}: its result is not a tensor")
        if kwargs.get("out") is not None:
            raise UnsupportedOperation(f"no rule for {name} with out=")
        if name in FUNCTIONS and name not in self.whole:
            target, self.differs = written_into(func, args, kwargs), True
            with self:
                found = FUNCTIONS[name](*args, **kwargs)
                if found is not NotImplemented:
                    return found if target is None else target.copy_(found)
        return self._record(name, func, args, kwargs)

    # -----------------------------------------------------------------------------------------------------------------

    def _input(self, tensor: Tensor) -> Value:
        node = Node("getitem", "input", lambda x: x)
        value = Value(tensor, node)
        node.outputs.append(value)
        self._keep(tensor, value)
        return value

    def _keep(self, tensor: Tensor, value: Value) -> None:
        self._values[id(tensor)] = value
        self._kept.append(tensor)
        self._storages.add(tensor, value)

    def _read(self, tensor: Tensor) -> Value | None:
        """The tensor's value as it is now, after what was written into its memory through other views."""
        value = self._values.get(id(tensor))
        for written in self._storages.later(tensor):
            node = Node(self._name("overlay"), "overlay", overlay(tensor, written.tensor))
            known = [] if value is None else [value]
            node.args = (value if known else tensor.detach().clone(), written.value)
            node.inputs = [*known, written.value]
            value = self._made(node, node.function(*mapped(_content, node.args)).clone())
            self.nodes.append(node)
        if value is not None and self._values.get(id(tensor)) is not value:
            self._values[id(tensor)] = value
            self._kept.append(tensor)
        self._storages.seen(tensor, value)
        return value

    def _made(self, node: Node, tensor: Tensor) -> Value:
        value = Value(tensor, node)
        node.outputs.append(value)
        return value

    def _record(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        target = written_into(func, args, kwargs)
        self.coarse = self.coarse or autocast()
        args, kwargs = self._adapted(args, kwargs, target)
        with full_types():
            if target is not None:
                return self._written(name, func, args, kwargs, target)
            result = func(*args, **kwargs)
        if name in CASTS:
            result = self._full(result)
        if name in CONSTANT or not differentiable(result):
            return self._full(result) if name in FACTORIES else result
        function = partial(cast, func, self.dtype) if name in CASTS else func
        node = self._node(name, function, args, kwargs)
        for tensor in differentiable(result):
            self._keep(tensor, self._made(node, tensor))
        self.nodes.append(node)
        return result

    def _written(self, name: str, func: Any, args: Any, kwargs: Any, target: Tensor) -> Any:
        """A function that writes into its first argument: recorded as one that returns the argument written into."""
        if target.dtype not in (self.dtype, self.dtype.to_complex()):
            raise UnsupportedOperation(
                f"no rule for {name}, which writes into {target.dtype}, expected {self.dtype}: explain in the type of "
                "the model, or the model in double precision"
            )
        self._storages.save(target)  # the content so far, of all that share its memory
        before = self._values.get(id(target))
        node = self._node(name, partial(_on_a_copy, func), args, kwargs)
        if before is None:
            self._overwriting(target)
            node.args = (target.detach().clone(), *node.args[1:])
        result = func(*args, **kwargs)
        value = self._made(node, target)
        self._keep(target, value)
        self._storages.wrote(target, value)
        self.nodes.append(node)
        return target if result is None or result is target else result

    def _overwriting(self, target: Tensor) -> None:
        """Give recorded operations copies of the constants that share memory with the target, before it changes."""
        memory = target.untyped_storage().data_ptr()

        def kept(a: Any) -> Any:
            return a.clone() if isinstance(a, Tensor) and a.untyped_storage().data_ptr() == memory else a

        for node in self.nodes:
            node.args, node.kwargs = mapped(kept, (node.args, node.kwargs))
        changed = [key for key, (a, _) in self._converted.items() if a.untyped_storage().data_ptr() == memory]
        for key in changed:
            del self._converted[key]

    def _factors(self, args: Any) -> Any:
        """Factors of a matrix product: sparse constants as dense ones, and a value that is there twice as two."""
        seen: set[int] = set()

        def factor(a: Any) -> Any:
            if not isinstance(a, Tensor) or not (a.layout is not torch.strided or id(a) in seen):
                seen.add(id(a))
                return a
            with self:
                return a.to_dense() if a.layout is not torch.strided else a.view_as(a)

        return mapped(factor, args)

    def _node(self, name: str, func: Any, args: Any, kwargs: Any) -> Node:
        inputs: list[Value] = []

        def put(a: Any) -> Any:
            value = self._values.get(id(a)) if isinstance(a, Tensor) else None
            if value is not None and not any(value is other for other in inputs):
                inputs.append(value)
            return a if value is None else value

        args, kwargs = mapped(put, (args, kwargs))
        path, module = self.stack[-1] if self.stack else ("", None)
        inside = module if module is not None and _a_layer(module) else None
        return Node((path or "model") if inside else self._name(name), name, func, args, kwargs, inputs, inside=inside)

    def _name(self, name: str) -> str:
        count = self._names[name] = self._names.get(name, -1) + 1
        return f"{name}_{count}" if count else name

    def _forward(self, leaves: Callable[[nn.Module], bool], module: Module) -> Callable[..., Any]:
        """What a module's stand-in does in place of its `forward`."""

        def forward(*args: Any, **kwargs: Any) -> Any:
            self.stack.append((module.path, module.original))
            try:
                if self._quiet:
                    return module.forward(*args, **kwargs)
                if leaves(module.original):
                    return self._leaf(module, args, kwargs)
                for kind, instead in MODULES.items():
                    if isinstance(module.original, kind):
                        self.differs = True
                        return instead(module.stand_in, *args, **kwargs)
                return module.forward(*args, **kwargs)
            finally:
                self.stack.pop()

        return forward

    def _leaf(self, module: Module, args: Any, kwargs: Any) -> Any:
        """A module recorded as a whole."""

        def function(*args: Any, **kwargs: Any) -> Any:
            with self.quiet():
                return module.forward(*args, **kwargs)

        if not any(self._read(t) for t in tensors_in((args, kwargs))):
            return function(*args, **kwargs)
        target = next(tensors_in((args, kwargs))) if getattr(module.original, "inplace", False) else None
        if target is not None:
            function = partial(_on_a_copy, function)
            self._storages.save(target)
        node = self._node(type(module.original).__name__, function, args, kwargs)
        node.name, node.module = module.path or "model", module.original
        result = function(*args, **kwargs)
        if target is not None:
            result = target.copy_(result)
        for tensor in differentiable(result):
            self._keep(tensor, self._made(node, tensor))
        if target is not None:
            self._storages.wrote(target, node.outputs[0])
        self.nodes.append(node)
        return result

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """In the types of the computation, without a recording."""
        before, self._quiet = self._quiet, True
        try:
            with self:
                yield
        finally:
            self._quiet = before

    # -----------------------------------------------------------------------------------------------------------------
    # types

    def _attribute(self, name: str, func: Any, args: Any) -> Any:
        if name == "dtype":
            found = func(*args)
            return self.dtype if found.is_floating_point else self.dtype.to_complex() if found.is_complex else found
        if name in ("data", "real", "imag", "T", "H", "mT", "mH") and not self._quiet and self._read(args[0]):
            return self._record(name, func, args, {})
        return func(*args)

    def _quietly(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        target = written_into(func, args, kwargs)
        if target is not None:
            self._overwriting(target)
        args, kwargs = self._adapted(args, kwargs, target)
        with full_types():
            result = func(*args, **kwargs)
        return self._full(result) if name in FACTORIES or name in CASTS else result

    def _adapted(self, args: Any, kwargs: Any, target: Tensor | None) -> Any:
        """The arguments with floating-point tensors and types in the type of the computation."""

        def adapt(a: Any) -> Any:
            if isinstance(a, torch.dtype):
                self.coarse = self.coarse or coarse(a)
                return self.dtype if a.is_floating_point else self.dtype.to_complex() if a.is_complex else a
            return self._full(a) if isinstance(a, Tensor) and a is not target else a

        return mapped(adapt, (args, kwargs))

    def _full(self, a: Any) -> Any:
        """A tensor in the type of the computation."""
        if not isinstance(a, Tensor):
            return a
        wanted = self.dtype if a.is_floating_point() else self.dtype.to_complex() if a.is_complex() else a.dtype
        if a.dtype == wanted:
            return a
        found = self._converted.get(id(a))
        if found is None or found[0] is not a:
            found = self._converted[id(a)] = (a, a.detach().to(wanted))
        return found[1]


# ---------------------------------------------------------------------------------------------------------------------


def _a_layer(module: nn.Module) -> bool:
    """Whether the module is one of torch's own without parts, whose path names its operations."""
    return type(module).__module__.startswith("torch.nn.") and next(module.children(), None) is None


def _content(a: Any) -> Any:
    return a.tensor if isinstance(a, Value) else a


def _on_a_copy(func: Any, first: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The first argument after the function has written into it; the function sees a copy."""
    copy = first.clone()
    func(copy, *args, **kwargs)
    return copy
