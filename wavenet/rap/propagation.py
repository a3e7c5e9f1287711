"""Propagation of relevance through a model's graph, from the output to the inputs, by the rules of a scheme."""

import copy
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..devices import full_precision
from .arithmetic import Operation, over, per_case, pull_back
from .checks import expect_eval, expect_inputs, expect_output, expect_selector
from .graph import Graph, UnsupportedOperation
from .layers import Layer
from .operations import FUNCTIONS, METHODS, MODULES, QUOTIENTS
from .rules import Scheme, as_indices, pass_through, proportionally, to_winner

Rule = Callable[[Any, tuple[Tensor, ...], Tensor, Tensor], Any]

_RULES: dict[str, Callable[[Operation, Sequence[Tensor], Tensor, Tensor], tuple[Tensor, ...]]] = {
    "elementwise": pass_through,
    "affine": pass_through,
    "index": as_indices,
    "winner": to_winner,
    "proportional": proportionally,
}


@dataclass(frozen=True)
class LayerRelevance:
    """Relevance received and passed on by one node of the graph.

    Attributes
    ----------
    name, kind : str
        Path of the module, or name of the function in the graph; name of the rule used.
    incoming, outgoing, leak : (case,) float64 tensors
        Relevance summed over all elements of a case; leak = incoming - outgoing.
    """

    name: str
    kind: str
    incoming: Tensor
    outgoing: Tensor
    leak: Tensor


@dataclass(frozen=True)
class Attribution:
    """Relevance of every input for the explained output.

    Attributes
    ----------
    relevance : tensor, or tuple of tensors as the inputs were
        In the inputs' shape, type and device.
    layers : tuple of LayerRelevance
        One entry per node of the graph, from the output to the input.
    output : (case,) float64 tensor
        The total y, from the model's own output; equal to the sum of the relevance and of the leaks.
    """

    relevance: Tensor | tuple[Tensor, ...]
    layers: tuple[LayerRelevance, ...]
    output: Tensor

    @property
    def leak(self) -> Tensor:
        """Relevance that reached no input, summed over the layers: (case,)."""
        return sum((layer.leak for layer in self.layers), torch.zeros_like(self.output))


def propagate(
    model: nn.Module,
    inputs: Tensor | tuple[Tensor, ...],
    selector: Tensor | Callable[[Tensor], Tensor],
    scheme: Scheme,
    *,
    rules: Mapping[Any, Rule] | None = None,
    more: tuple[Any, ...] = (),
    dtype: torch.dtype = torch.float64,
) -> Attribution:
    """Relevance of the inputs for y = sum(selector * model(*inputs, *more)) by any scheme; see `attribute`.

    selector : tensor, or a function from the output to the selector
    more : further positional arguments of the model, which receive no relevance
    """
    single = isinstance(inputs, Tensor)
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    expect_inputs(given)
    expect_eval(model)
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype must be torch.float32 or torch.float64, got {dtype}")
    with torch.inference_mode(False), torch.no_grad(), full_precision():
        # Detached and cloned, so that the caller's tensors and autograd graph stay as they are.
        exact = tuple(x.detach().clone().to(dtype) for x in given)
        constants = tuple(x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x for x in more)
        converted = _in(dtype, model)
        graph = Graph(converted, exact, constants, tuple(rules or ()))
        # The model is run again only where the graph may differ from it.
        apart = converted is not model or graph.rewritten or _hooked(model)
        output = model(*(x.detach().clone() for x in given), *more) if apart else graph.drawn_output
        expect_output(output)
        selector = selector if isinstance(selector, Tensor) else selector(output)
        expect_selector(selector, output)
        if apart:
            graph.expect(output)
        seed = _Message.seed(selector, output, dtype)
        backward = _Backward(graph, scheme, rules or {}, len(output))
        found = backward.run(seed)
        relevance = tuple(r.to(x.dtype) for r, x in zip(found, given, strict=True))
        return Attribution(relevance[0] if single else relevance, tuple(backward.layers), per_case(seed.relevance))


@dataclass
class _Message:
    """Relevance that arrives at a node, and the selector, or None after the first layer with weights."""

    relevance: Any
    selector: Any

    @classmethod
    def seed(cls, selector: Tensor, output: Tensor, dtype: torch.dtype) -> "_Message":
        """Message at the output: relevance c_k f_k(x), selector c."""
        c = selector.detach().to(output.device, dtype)
        return cls(c * output.detach().to(dtype), c)

    def __add__(self, other: "_Message") -> "_Message":
        selected = self.selector is not None and other.selector is not None
        selector = _added(self.selector, other.selector) if selected else None
        return _Message(_added(self.relevance, other.relevance), selector)


class _Backward:
    """Relevance of every node of a graph, computed in reverse order."""

    def __init__(self, graph: Graph, scheme: Scheme, rules: Mapping[Any, Rule], cases: int):
        self.graph, self.scheme, self.rules, self.cases = graph, scheme, rules, cases
        self.layers: list[LayerRelevance] = []
        self.kinds = {node: self.kind(node) for node in graph.values if graph.depends[node]}
        self.deep: dict[fx.Node, bool] = {}  # whether a layer with weights precedes the node
        for node in self.kinds:
            before = [n for n in node.all_input_nodes if graph.depends[n]]
            self.deep[node] = any(self.deep[n] or self.kinds[n] in ("linear", "convolution") for n in before)

    def kind(self, node: fx.Node) -> str | None:
        """Name of the rule for the node; None where there is none."""
        if self.registered(node) is not None:
            return "registered"
        if node.op == "call_module":
            module = self.graph.module(node)
            if getattr(module, "rap_passes_through", False):
                return "declared"
            return next((MODULES[base] for base in type(module).__mro__ if base in MODULES), None)
        known: dict[Any, str] = METHODS if node.op == "call_method" else FUNCTIONS
        return known.get(node.target)

    def registered(self, node: fx.Node) -> Rule | None:
        """The user's rule for the node, if there is one."""
        if node.op == "call_module":
            return next((self.rules[b] for b in type(self.graph.module(node)).__mro__ if b in self.rules), None)
        return None if node.op == "placeholder" else self.rules.get(node.target)

    def run(self, seed: _Message) -> tuple[Tensor, ...]:
        """Relevance of the inputs, from the message at the output."""
        arrived = {self.graph.output: seed}
        totals = {self.graph.output: self.total(seed.relevance, self.graph.output)}
        nothing = torch.zeros_like(totals[self.graph.output])
        for node in reversed(self.graph.values):
            if node not in arrived or not self.graph.depends[node] or node.op == "placeholder":
                continue
            message = arrived.pop(node)
            op, taken = self.graph.call(node)
            sent = self.step(node, op, [self.graph.values[n] for n in taken], message)
            outgoing = nothing
            for before, one in zip(taken, sent, strict=True):
                if one is None:
                    continue
                part = self.total(one.relevance, node)
                outgoing, totals[before] = outgoing + part, totals.get(before, nothing) + part
                arrived[before] = arrived[before] + one if before in arrived else one
            incoming = totals[node]
            kind = self.kinds[node]
            assert kind is not None
            if message.selector is not None and kind in ("linear", "convolution"):
                kind = f"output {kind}"
            self.layers.append(LayerRelevance(self.name(node), kind, incoming, outgoing, incoming - outgoing))
        return self.inputs(arrived)

    def inputs(self, arrived: dict[fx.Node, _Message]) -> tuple[Tensor, ...]:
        """Relevance that arrived at each of the model's inputs, zero where none did."""
        found = next((m.relevance for node, m in arrived.items() if node.op == "placeholder"), None)
        shares = found if found is not None else [None] * len(self.graph.inputs)
        return tuple(torch.zeros_like(x) if r is None else r for r, x in zip(shares, self.graph.inputs, strict=True))

    def step(self, node: fx.Node, op: Operation, inputs: list[Any], message: _Message) -> list[_Message | None]:
        """Messages from a node to each of its inputs; None to an input that receives no relevance."""
        kind, output = self.kinds[node], self.graph.values[node]
        self.expect_rule(node, kind, inputs)
        if kind == "registered":
            return self.by_registered_rule(node, inputs, message)
        if kind == "declared":
            if output.shape != inputs[0].shape:
                raise UnsupportedOperation(
                    f"{self.name(node)} declares rap_passes_through but turns {tuple(inputs[0].shape)} into "
                    f"{tuple(output.shape)}"
                )
            return [message] + [None] * (len(inputs) - 1)
        if kind in ("linear", "convolution"):
            return [_Message(self.weighted(node, kind, inputs[0], message), None)]
        assert kind is not None
        added = pass_through if len(inputs) == 1 else self.scheme.added
        rule_of = added if kind == "add" else _RULES[kind]
        if node.target is operator.getitem and isinstance(inputs[0], tuple | list):
            index = node.args[1]
            return [_Message(_placed(inputs[0], index, message.relevance), _placed(inputs[0], index, message.selector))]
        relevance = rule_of(op, inputs, output, message.relevance)
        c = message.selector
        if c is None:
            selectors: Sequence[Any] = [None] * len(inputs)
        else:  # transposed through what is linear, unchanged through activations
            selectors = (c,) if kind == "elementwise" else pull_back(op, inputs, c)
        return [_Message(r, s) for r, s in zip(relevance, selectors, strict=True)]

    def by_registered_rule(self, node: fx.Node, inputs: list[Any], message: _Message) -> list[_Message | None]:
        """Messages by the user's rule, whose result is checked; the selector becomes R ⊘ x."""
        rule = self.registered(node)
        assert rule is not None
        what = self.graph.module(node) if node.op == "call_module" else node.target
        given = rule(what, tuple(inputs), self.graph.values[node], message.relevance)
        R = (given,) if isinstance(given, Tensor) else tuple(given)
        shapes = [None if r is None else tuple(r.shape) for r in R]
        expected = [tuple(x.shape) for x in inputs]
        if len(R) != len(inputs) or any(s not in (None, e) for s, e in zip(shapes, expected, strict=True)):
            raise ValueError(f"the rule for {self.name(node)} must return shapes {expected}, got {shapes}")
        left = message.selector is not None
        return [
            None if r is None else _Message(r, over(r, x) if left else None) for r, x in zip(R, inputs, strict=True)
        ]

    def weighted(self, node: fx.Node, kind: str, x: Tensor, message: _Message) -> Tensor:
        """Relevance of the inputs of a layer with weights, by the scheme."""
        layer = self.layer(node)
        if layer.weight.ndim < 2:
            raise UnsupportedOperation(
                f"no rule for {self.name(node)} with a weight of shape {tuple(layer.weight.shape)}"
            )
        if len(x) != self.cases or x.ndim < 2 or (kind == "convolution" and x.ndim != layer.axes + 2):
            raise UnsupportedOperation(f"{self.name(node)} takes {tuple(x.shape)}, not {self.cases} cases in front")
        y, first = self.graph.values[node], not self.deep[node]
        return self.scheme.weighted(layer, x, y, message.relevance, message.selector, first)

    def layer(self, node: fx.Node) -> Layer:
        """The node as a linear layer or convolution."""
        if node.op == "call_module":
            return Layer.of_module(self.graph.module(node))
        given: Any = fx.node.map_arg((node.args, dict(node.kwargs)), lambda n: self.graph.values[n])
        return Layer.of_call(self.title(node), *given)

    def expect_rule(self, node: fx.Node, kind: str | None, inputs: list[Any]) -> None:
        """Raise where no rule covers the node."""
        module = self.graph.module(node) if node.op == "call_module" else None
        name = f"{self.name(node)} ({self.title(node)})"
        if kind is None:
            raise UnsupportedOperation(f"no rule for {name}; register one with rules={{operation: rule}}")
        many = kind == "add" or node.target in (torch.cat, torch.concat, torch.concatenate, torch.stack)
        if kind not in ("registered", "declared") and not many and len(inputs) != 1:
            raise UnsupportedOperation(
                f"no rule for {name} of several tensors that depend on the inputs; put it into a module with "
                "rap_passes_through = True, or register a rule"
            )
        flat = [x for one in inputs for x in (one if isinstance(one, tuple | list) else (one,))]
        if node.target is not operator.getitem and not all(x.is_floating_point() for x in flat):
            raise UnsupportedOperation(f"no rule for {name} of {[str(x.dtype) for x in flat]}, expected real floats")
        if node.target in QUOTIENTS and not (isinstance(node.args[0], fx.Node) and self.graph.depends[node.args[0]]):
            raise UnsupportedOperation(f"no rule for {name} with the inputs in the denominator")
        if getattr(module, "padding_mode", "zeros") != "zeros":
            raise UnsupportedOperation(f"{name} pads with {module.padding_mode!r}, expected 'zeros'")  # type: ignore[union-attr]
        if kind == "convolution" and module is not None and len(node.args) + len(node.kwargs) > 1:
            raise UnsupportedOperation(f"no rule for {name} with output_size")
        if kind == "affine" and module is not None and getattr(module, "running_mean", None) is None:
            raise UnsupportedOperation(f"{name} keeps no running statistics, so that its cases are not independent")
        if "dropout" in str(getattr(node.target, "__name__", "")) and (
            node.args[2] if len(node.args) > 2 else node.kwargs.get("training", True)
        ):
            raise UnsupportedOperation(f"{name} drops in eval mode, expected training=False")
        if kind == "winner" and isinstance(self.graph.values[node], tuple):
            raise UnsupportedOperation(f"no rule for {name} that returns its indices")

    def total(self, relevance: Any, node: fx.Node) -> Tensor:
        """Relevance of one or several tensors summed by case; their first axis must still be that of the cases."""
        tensors = relevance if isinstance(relevance, tuple | list) else [relevance]
        present = [t for t in tensors if t is not None]
        for t in present:
            if t.ndim == 0 or len(t) != self.cases:
                raise UnsupportedOperation(
                    f"{self.name(node)} ({self.title(node)}) moves the batch axis: got {tuple(t.shape)} for "
                    f"{self.cases} cases"
                )
        return sum((per_case(t) for t in present[1:]), per_case(present[0]))

    def name(self, node: fx.Node) -> str:
        """Path of the node's module, or the node's name in the graph."""
        return str(node.target).removeprefix("model.") if node.op == "call_module" else node.name

    def title(self, node: fx.Node) -> str:
        """Class of the node's module, or name of its function or method."""
        if node.op == "call_module":
            return type(self.graph.module(node)).__name__
        return str(getattr(node.target, "__name__", node.target))


def _added(a: Any, b: Any) -> Any:
    """a + b, piece by piece for a node with several values; None counts as zero."""
    if isinstance(a, tuple | list):
        return [_added(x, y) for x, y in zip(a, b, strict=True)]
    return b if a is None else a if b is None else a + b


def _placed(values: Any, index: Any, part: Any) -> Any:
    """The part at its index among several values, None elsewhere."""
    if part is None:
        return None
    pieces: list[Any] = [None] * len(values)
    pieces[index] = part
    return pieces


def _in(dtype: torch.dtype, model: nn.Module) -> nn.Module:
    """The model itself if all its numbers have the type, else a copy."""
    numbers = [*model.parameters(), *model.buffers()]
    if all(n.dtype == dtype for n in numbers if n.is_floating_point()):
        return model
    try:
        return copy.deepcopy(model).to(dtype)
    except RuntimeError as error:  # weights recomputed by hooks, as by the old weight_norm, cannot be copied
        raise ValueError(f"the model cannot be copied to {dtype}: {error}") from error


def _hooked(model: nn.Module) -> bool:
    """Whether the model has forward hooks, which the graph does not show."""
    # torch has no public way to ask
    return any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
