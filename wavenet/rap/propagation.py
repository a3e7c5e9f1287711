"""Relevance through a model's graph, from the output to the inputs, by the rules of a scheme."""

import copy
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from .arithmetic import over, per_case, pull_back
from .graph import Graph, UnsupportedOperation
from .layers import Layer
from .operations import FUNCTIONS, METHODS, MODULES, QUOTIENTS
from .rules import Scheme, as_indices, pass_through, proportionally, to_winner

Rule = Callable[[Any, tuple[Tensor, ...], Tensor, Tensor], Any]

_RULES: dict[str, Callable] = {
    "elementwise": pass_through,
    "affine": pass_through,
    "index": as_indices,
    "winner": to_winner,
    "proportional": proportionally,
}


@dataclass(frozen=True)
class LayerRelevance:
    """What one node of the graph received and passed on.

    Attributes
    ----------
    name, kind : str
        The module's path, or the graph's name of a function; the rule that was used.
    incoming, outgoing, leak : (case,) float64 tensors
        Sums of relevance; leak = incoming - outgoing.
    """

    name: str
    kind: str
    incoming: Tensor
    outgoing: Tensor
    leak: Tensor


@dataclass(frozen=True)
class Attribution:
    """Relevance of every input, for the output explained.

    Attributes
    ----------
    relevance : tensor, or tuple of tensors as the inputs were
        Of the inputs' shape, type and device.
    layers : tuple of LayerRelevance
        From the output to the input.
    output : (case,) float64 tensor
        The total y, from the model's own output: the sum of the relevance and of the leaks.
    """

    relevance: Tensor | tuple[Tensor, ...]
    layers: tuple[LayerRelevance, ...]
    output: Tensor

    @property
    def leak(self) -> Tensor:
        """Relevance that reached no input, summed over the layers (case,)."""
        return sum((layer.leak for layer in self.layers), torch.zeros_like(self.output))


def propagate(
    model: nn.Module,
    inputs: Tensor | tuple[Tensor, ...],
    selector: Tensor | Callable[[Tensor], Tensor],
    scheme: Scheme,
    *,
    rules: Mapping[Any, Rule] | None = None,
    more: tuple = (),
    dtype: torch.dtype = torch.float64,
) -> Attribution:
    """Relevance of the inputs for y = sum(selector * model(*inputs, *more)) by any scheme; see `attribute`.

    selector : tensor, or a function that makes it from the output
    """
    single = isinstance(inputs, Tensor)
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    expect_inputs(given)
    expect_eval(model)
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype must be torch.float32 or torch.float64, got {dtype}")
    with torch.inference_mode(False), torch.no_grad():
        # detached and cloned: neither the caller's graph nor an in-place operation reaches the caller's tensors
        exact = tuple(x.detach().clone().to(dtype) for x in given)
        constants = tuple(x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x for x in more)
        converted = _in(dtype, model)
        graph = Graph(converted, exact, constants, tuple(rules or ()))
        # Where the graph may differ from the model, the model says; else it has just been run.
        apart = converted is not model or graph.rewritten or _hooked(model)
        output = model(*(x.detach().clone() for x in given), *more) if apart else graph.drawn_output
        _expect_output(output)
        selector = selector if isinstance(selector, Tensor) else selector(output)
        _expect_selector(selector, output)
        if apart:
            graph.expect(output)
        seed = _Message.seed(selector, output, dtype)
        backward = _Backward(graph, scheme, rules or {}, len(output))
        found = backward.run(seed)
        relevance = tuple(r.to(x.dtype) for r, x in zip(found, given, strict=True))
        return Attribution(relevance[0] if single else relevance, tuple(backward.layers), per_case(seed.relevance))


@dataclass
class _Message:
    """Relevance on its way to a node; with the selector, as long as no weights were met."""

    relevance: Any
    selector: Any

    @classmethod
    def seed(cls, selector: Tensor, output: Tensor, dtype: torch.dtype) -> "_Message":
        c = selector.detach().to(output.device, dtype)
        return cls(c * output.detach().to(dtype), c)

    def __add__(self, other: "_Message") -> "_Message":
        selected = self.selector is not None and other.selector is not None
        selector = _added(self.selector, other.selector) if selected else None
        return _Message(_added(self.relevance, other.relevance), selector)


class _Backward:
    """Relevance of every node, in the order opposite to the graph's."""

    def __init__(self, graph: Graph, scheme: Scheme, rules: Mapping[Any, Rule], cases: int):
        self.graph, self.scheme, self.rules, self.cases = graph, scheme, rules, cases
        self.layers: list[LayerRelevance] = []
        self.kinds = {node: self.kind(node) for node in graph.values if graph.depends[node]}
        self.deep: dict[fx.Node, bool] = {}  # has weights before it
        for node in self.kinds:
            before = [n for n in node.all_input_nodes if graph.depends[n]]
            self.deep[node] = any(self.deep[n] or self.kinds[n] in ("linear", "convolution") for n in before)

    def kind(self, node: fx.Node) -> str | None:
        """Name of the node's rule; None where there is none."""
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
        if node.op == "call_module":
            return next((self.rules[b] for b in type(self.graph.module(node)).__mro__ if b in self.rules), None)
        return None if node.op == "placeholder" else self.rules.get(node.target)

    def run(self, seed: _Message) -> tuple[Tensor, ...]:
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
        found = next((m.relevance for node, m in arrived.items() if node.op == "placeholder"), None)
        shares = found if found is not None else [None] * len(self.graph.inputs)
        return tuple(torch.zeros_like(x) if r is None else r for r, x in zip(shares, self.graph.inputs, strict=True))

    def step(self, node: fx.Node, op: Callable, inputs: list[Any], message: _Message) -> list[_Message | None]:
        """Messages to the nodes that this one takes; None to those that get nothing, whatever lies behind them."""
        kind, output = self.kinds[node], self.graph.values[node]
        self.expect_rule(node, kind, inputs)
        if kind == "registered":
            rule = self.registered(node)
            assert rule is not None
            what = self.graph.module(node) if node.op == "call_module" else node.target
            given = rule(what, tuple(inputs), output, message.relevance)
            R = (given,) if isinstance(given, Tensor) else tuple(given)
            shapes = [None if r is None else tuple(r.shape) for r in R]
            expected = [tuple(x.shape) for x in inputs]
            if len(R) != len(inputs) or any(s not in (None, e) for s, e in zip(shapes, expected, strict=True)):
                raise ValueError(f"the rule for {self.name(node)} must return shapes {expected}, got {shapes}")
            left = message.selector is not None
            return [
                None if r is None else _Message(r, over(r, x) if left else None) for r, x in zip(R, inputs, strict=True)
            ]
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

    def weighted(self, node: fx.Node, kind: str, x: Tensor, message: _Message) -> Tensor:
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
        if node.op == "call_module":
            return Layer.of_module(self.graph.module(node))
        given: Any = fx.node.map_arg((node.args, dict(node.kwargs)), lambda n: self.graph.values[n])
        return Layer.of_call(self.title(node), *given)

    def expect_rule(self, node: fx.Node, kind: str | None, inputs: list[Any]) -> None:
        """Raise for what no rule covers."""
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
        """Sum by case of one or several tensors, whose first axis must still be the cases."""
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
        return str(node.target).removeprefix("model.") if node.op == "call_module" else node.name

    def title(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return type(self.graph.module(node)).__name__
        return str(getattr(node.target, "__name__", node.target))


def _added(a: Any, b: Any) -> Any:
    """a + b, piece by piece for pieces of a node with several values."""
    if isinstance(a, tuple | list):
        return [_added(x, y) for x, y in zip(a, b, strict=True)]
    return b if a is None else a if b is None else a + b


def _placed(values: Any, index: Any, part: Any) -> Any:
    """The part in its place among several values."""
    if part is None:
        return None
    pieces: list[Any] = [None] * len(values)
    pieces[index] = part
    return pieces


def _in(dtype: torch.dtype, model: nn.Module) -> nn.Module:
    numbers = [*model.parameters(), *model.buffers()]
    if all(n.dtype == dtype for n in numbers if n.is_floating_point()):
        return model
    try:
        return copy.deepcopy(model).to(dtype)
    except RuntimeError as error:  # weights that are made anew by hooks, as the old weight_norm's
        raise ValueError(f"the model cannot be copied to {dtype}: {error}") from error


def _hooked(model: nn.Module) -> bool:
    """Whether hooks, which the graph does not show, may change what the model gives."""
    return any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def expect_inputs(inputs: tuple[Tensor, ...]) -> None:
    for k, x in enumerate(inputs):
        if x.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"inputs must be real, float32 or float64, got {x.dtype} in place {k}")
        if x.ndim == 0 or len(x) != len(inputs[0]):
            raise ValueError(f"inputs must share the batch axis, got {[tuple(x.shape) for x in inputs]}")
    if not inputs:
        raise ValueError("inputs must be a tensor or a tuple of tensors, got none")


def expect_eval(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch module, got {type(model).__name__}")
    for name, values in model.named_parameters():
        if values.is_floating_point() and values.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"the model's numbers must be float32 or float64, got {values.dtype} in {name}")
    training = [name or type(model).__name__ for name, module in model.named_modules() if module.training]
    if training:
        raise ValueError(f"model must be in eval mode, got training mode in {', '.join(training[:3])}")


def _expect_output(output: Any) -> None:
    if not isinstance(output, Tensor):
        raise ValueError(f"the model must return one tensor, got {type(output).__name__}")
    if output.ndim == 0:
        raise ValueError("the model must return (case, ...), got a single number")
    if output.is_complex():
        raise ValueError(f"the model's output must be real, got {output.dtype}: explain its parts, or a projection")
    if not torch.isfinite(output).all():
        raise ValueError("the model's output must be finite, got inf or nan")


def _expect_selector(selector: Tensor, output: Tensor) -> None:
    if selector.is_complex():
        raise ValueError(f"selector must be real, got {selector.dtype}")
    if selector.shape != output.shape:
        raise ValueError(f"selector must have the output's shape {tuple(output.shape)}, got {tuple(selector.shape)}")
    if not torch.isfinite(selector).all():
        raise ValueError("selector must be finite, got inf or nan")
