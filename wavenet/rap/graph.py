"""A model's graph with the value of every node, traced by torch.fx while the model runs."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn

from .operations import CASTS, CONSTANT, LEAVING


class UnsupportedOperation(NotImplementedError):  # noqa: N818 - named as io.UnsupportedOperation is
    """No rule propagates relevance through this operation; register one with `rules`."""


class _Value(fx.Proxy):
    """A proxy that holds its value, so that shapes are numbers and `forward` may branch on them."""

    value: Any

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.__dict__.get("value"), name)
        if isinstance(attribute, Tensor):
            return self.tracer.create_proxy("call_function", getattr, (self, name), {})
        return super().__getattr__(name) if callable(attribute) else attribute

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return iter([operator.getitem(self, k) for k in range(len(self.value))])

    def __bool__(self) -> bool:
        return bool(self.value)


class _Root(nn.Module):
    """The model as a function of one argument, the tuple of its inputs; further arguments are constants."""

    def __init__(self, model: nn.Module, more: tuple[Any, ...]) -> None:
        super().__init__()
        self.model, self.more = model, more

    def forward(self, inputs: tuple[Tensor, ...]) -> Any:
        return self.model(*inputs, *self.more)


class Graph(fx.Tracer):
    """The model's graph, evaluated while it is traced: nodes, their values, and whether these depend on the inputs."""

    def __init__(
        self, model: nn.Module, inputs: tuple[Tensor, ...], more: tuple[Any, ...], leaves: tuple[Any, ...]
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.leaves = tuple(leaf for leaf in leaves if isinstance(leaf, type))
        self.values: dict[fx.Node, Any] = {}
        self.depends: dict[fx.Node, bool] = {}
        self.running = False  # whether a node is being evaluated: nothing is traced meanwhile
        self.rewritten = False  # whether an in-place operation was replaced by the one that is not
        self.modules = dict(model.named_modules(prefix="model", remove_duplicate=False))
        self.drawn = self.trace(_Root(model, more).eval())

    # The following override methods of torch.fx.Tracer.

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        own = getattr(m, "rap_passes_through", False) or isinstance(m, self.leaves)
        return own or super().is_leaf_module(m, module_qualified_name)

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Value(node, self)

    def to_bool(self, obj: fx.Proxy) -> bool:
        return bool(obj)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        return attr_val if self.running else super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return forward(*args, **kwargs) if self.running else super().call_module(m, forward, args, kwargs)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any | None = None,
        proxy_factory_fn: Callable[..., Any] | None = None,
        **others: Any,
    ) -> Any:
        _expect_a_value(kind, target, kwargs)
        asked, target, kwargs = target, _out_of_place(kind, target), dict(kwargs)
        self.rewritten = self.rewritten or asked != target
        if target is not operator.getitem:  # other operations take a node with several values as a list
            args = tuple(list(a) if isinstance(a, _Value) and isinstance(a.value, tuple | list) else a for a in args)
        if kwargs.get("inplace"):
            kwargs["inplace"], self.rewritten = False, True
        if kind == "output":
            return super().create_proxy(kind, target, args, kwargs, name, type_expr, proxy_factory_fn, **others)
        self.running = True
        value = self._evaluate(kind, target, _unwrapped(args), _unwrapped(kwargs))
        self.running = False
        if not _has_tensors(value):
            if kind == "call_method" and target in LEAVING and any(self.depends[n] for n in _nodes(args)):
                raise UnsupportedOperation(f"no rule for {target}: its result is not a tensor")
            return value
        if target in CASTS and isinstance(value, Tensor) and value.is_floating_point():
            value = value.to(self.inputs[0].dtype)  # that of the computation
        proxy: Any = super().create_proxy(kind, target, args, kwargs, name, type_expr, proxy_factory_fn, **others)
        proxy.value = value
        node = proxy.node
        self.values[node] = value
        for before in node.all_input_nodes:
            if before not in self.values:  # a buffer or a tensor made by forward
                self.values[before], self.depends[before] = operator.attrgetter(before.target)(self.root), False
        made_of = any(self.depends[before] for before in node.all_input_nodes)
        constant = getattr(target, "__name__", target) in CONSTANT
        self.depends[node] = kind == "placeholder" or (made_of and not constant)
        return proxy

    def call(self, node: fx.Node) -> tuple[Callable[..., Any], list[fx.Node]]:
        """The node as a function of those of its arguments that depend on the inputs, and these arguments' nodes."""
        taken: list[fx.Node] = []
        fx.node.map_arg((node.args, node.kwargs), lambda n: taken.append(n) if self.depends[n] else None)

        def op(*values: Any) -> Any:
            left = iter(values)
            args, kwargs = fx.node.map_arg(
                (node.args, node.kwargs), lambda n: next(left) if self.depends[n] else self.values[n]
            )
            return self._evaluate(node.op, node.target, args, kwargs)

        return op, taken

    def module(self, node: fx.Node) -> nn.Module:
        """The module that a node calls."""
        return self.modules[str(node.target)]

    @property
    def drawn_output(self) -> Any:
        """Value of the output."""
        return self.values[self.output]

    @property
    def output(self) -> fx.Node:
        """The node that the model returns."""
        (node,) = self.drawn.find_nodes(op="output")
        returned = node.args[0]
        if not isinstance(returned, fx.Node) or not self.depends.get(returned):
            raise ValueError(f"the model must return one tensor that depends on its inputs, got {returned}")
        return returned

    def expect(self, output: Tensor) -> None:
        """Raise where the graph's output is not the model's: `forward` then does something that no graph shows."""
        drawn = self.drawn_output
        size = output.abs().max().item() if output.numel() else 0.0
        double = output.dtype == drawn.dtype == torch.float64
        # Room for the rounding of a deep network; half precision is refused elsewhere.
        rounding = 1e-9 if double else 1e-3
        if not torch.allclose(drawn.double(), output.double(), rtol=rounding, atol=rounding * size):
            raise UnsupportedOperation("the graph is not the model: does its forward change tensors in place?")

    def _evaluate(self, kind: str, target: Any, args: Any, kwargs: Any) -> Any:
        if kind == "placeholder":
            return self.inputs
        if kind == "get_attr":
            return operator.attrgetter(target)(self.root)
        if kind == "call_module":
            module = self.root.get_submodule(target)
            if getattr(module, "inplace", False):
                self.rewritten = True
                args = fx.node.map_aggregate(args, lambda a: a.clone() if isinstance(a, Tensor) else a)
            return module.forward(*args, **kwargs)
        if kind == "call_method":
            return getattr(args[0], target)(*args[1:], **kwargs)
        return target(*args, **kwargs)


def _expect_a_value(kind: str, target: Any, kwargs: Any) -> None:
    """Refuse operations that write into a tensor: the graph does not show where its values come from."""
    if target is operator.setitem or (kind == "call_method" and target == "__setitem__"):
        raise UnsupportedOperation("no rule for setting items of a tensor in place; use torch.cat, stack or where")
    if kwargs.get("out") is not None:
        raise UnsupportedOperation(f"no rule for {getattr(target, '__name__', target)} with out=")


def _out_of_place(kind: str, target: Any) -> Any:
    """The operation that does the same without writing into its argument; += and the like come as + from torch.fx."""
    if kind == "call_method" and target.endswith("_") and not target.endswith("__"):
        if not hasattr(Tensor, target[:-1]):
            raise UnsupportedOperation(f"no rule for {target}, which writes into a tensor")
        return target[:-1]
    return target


def _nodes(args: Any) -> list[fx.Node]:
    """Nodes among the arguments."""
    found: list[fx.Node] = []
    fx.node.map_aggregate(args, lambda a: found.append(a.node) if isinstance(a, _Value) else None)
    return found


def _unwrapped(args: Any) -> Any:
    return fx.node.map_aggregate(args, lambda a: a.value if isinstance(a, _Value) else a)


def _has_tensors(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(isinstance(v, Tensor) for v in value)
    return isinstance(value, Tensor)
