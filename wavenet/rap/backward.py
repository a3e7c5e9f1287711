"""One pass from the output of a recording to its inputs."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .arithmetic import NoDerivativeError, over, pull_back
from .checks import expect_rule
from .layers import Layer, Map
from .nodes import Node, UnsupportedOperation, Value
from .operations import CASTS, GATES, KINDS, MODULES
from .recording import Recording
from .registered import Registered
from .rules import RULES, Scheme, Step
from .rules.spectra import LINEAR, LINEAR_NAMES, spectral, total

WEIGHTED = ("linear", "convolution", "matrix")
# A gate is still one behind these.
_LEAVES_A_GATE = ("index", "affine", "elementwise", "add")
_UNCHANGED = ("contiguous", "clone", "detach", "data", "dropout", *CASTS)


@dataclass(frozen=True)
class LayerRelevance:
    """Relevance received and passed on by one operation.

    Attributes
    ----------
    name, kind : str
        Path of the module, or name of the function; name of the rule used.
    incoming, outgoing, leak : (case,) float64 tensors
        Relevance summed over all elements of a case; leak = incoming - outgoing.
    """

    name: str
    kind: str
    incoming: Tensor
    outgoing: Tensor
    leak: Tensor


@dataclass
class Message:
    """Relevance that arrives at a value, and the selector, or None after the first layer with weights.

    For a complex value `relevance` is its cotangent, and `owed` what is to be restored in front of it, (case,).
    `amount` is the sum of the relevance, (case,), where it is known.
    """

    relevance: Tensor
    selector: Tensor | None
    owed: Any = 0.0
    amount: Tensor | None = None

    @classmethod
    def seed(cls, selector: Tensor, output: Tensor, dtype: torch.dtype) -> "Message":
        """Message at the output: relevance c_k f_k(x), selector c."""
        c = selector.detach().to(output.device, dtype)
        return cls(c * output.detach().to(dtype), c)

    def case(self, k: int) -> "Message":
        """The part of one case."""
        assert self.selector is not None
        return Message(self.relevance[k : k + 1], self.selector[k : k + 1])

    def __add__(self, other: "Message") -> "Message":
        selected = self.selector is not None and other.selector is not None
        selector = self.selector + other.selector if selected else None  # type: ignore[operator]
        return Message(self.relevance + other.relevance, selector, self.owed + other.owed)


class Backward:
    """Relevance of every value of a recording, computed in reverse order."""

    def __init__(self, recording: Recording, scheme: Scheme, own: Registered, cases: int):
        self.recording, self.scheme, self.own, self.cases = recording, scheme, own, cases
        self.layers: list[LayerRelevance] = []
        self.kinds = {id(node): self.kind(node) for node in recording.nodes}
        self.deep: dict[int, bool] = {}  # whether a layer with weights precedes the node
        for node in recording.nodes:
            before = [value.node for value in node.inputs]
            self.deep[id(node)] = any(self.deep.get(id(n)) or self.kinds.get(id(n)) in WEIGHTED for n in before)

    def kind(self, node: Node) -> str | None:
        """Name of the rule for the node; None where there is none."""
        if self.own.rule(node) is not None:
            return "registered"
        if node.module is not None:
            if getattr(node.module, "rap_passes_through", False):
                return "declared"
            return next((MODULES[base] for base in type(node.module).__mro__ if base in MODULES), None)
        found = KINDS.get(node.operation)
        if found == "average" and "bicubic" in (node.argument(2, "mode"), node.argument(3, "mode")):
            found = "bicubic" if node.operation == "interpolate" else None  # the weights of grid_sample are not known
        if any(value.tensor.is_complex() for value in (*node.inputs, *node.outputs)):
            return "spectrum" if found in LINEAR or node.operation in LINEAR_NAMES else None
        if found == "matrix" and len(node.inputs) != 1:
            return "bilinear"
        if found == "product" and len(node.inputs) == 1:
            return "affine"
        return found

    def run(self, drawn: Any, seed: Message) -> tuple[tuple[Tensor, ...], list[LayerRelevance]]:
        """Relevance of the inputs and of the layers, from the message at the output.

        The recording is used up: each node goes when its relevance has been passed on, so that memory is freed.
        """
        output = self.recording.value(drawn)
        if output is None:
            raise ValueError(f"the model must return one tensor that depends on its inputs, got {_what(drawn)}")
        arrived = {id(output): seed}
        for node in self.recording.taken_apart():
            messages = [arrived.pop(id(value), None) for value in node.outputs]
            if not any(messages):
                continue
            kind = self.kinds[id(node)]
            expect_rule(node, kind, any(m is not None and m.selector is not None for m in messages))
            try:
                sent = self.step(node, kind, messages)
            except NoDerivativeError:
                raise UnsupportedOperation(f"no rule for {node.name} ({node.title}) without a derivative") from None
            nothing = torch.zeros(self.cases, dtype=torch.float64, device=node.outputs[0].tensor.device)
            parts = [self.total(v, m) for v, m in zip(node.outputs, messages, strict=True) if m is not None]
            incoming, outgoing = sum(parts, nothing), nothing
            unchanged = {id(m.relevance): m.amount for m in messages if m is not None}
            for value, message in zip(node.inputs, sent, strict=True):
                if message is not None:
                    message.amount = None if value.tensor.is_complex() else unchanged.get(id(message.relevance))
                    outgoing = outgoing + self.total(value, message)
                    arrived[id(value)] = arrived[id(value)] + message if id(value) in arrived else message
            selected = kind in WEIGHTED and messages[0] is not None and messages[0].selector is not None
            self.report(node.name, f"output {kind}" if selected else str(kind), incoming, outgoing)
        return self.inputs(arrived), self.layers

    def report(self, name: str, kind: str, incoming: Tensor, outgoing: Tensor) -> None:
        """Add an entry to `layers`."""
        self.layers.append(LayerRelevance(name, kind, incoming, outgoing, incoming - outgoing))

    def inputs(self, arrived: dict[int, Message]) -> tuple[Tensor, ...]:
        """Relevance that arrived at each of the model's inputs, zero where none did."""
        found = []
        for k, value in reversed(list(enumerate(self.recording.inputs))):
            message = arrived.get(id(value))
            if message is not None:
                part = self.total(value, message)
                self.report(f"getitem_{k}" if k else "getitem", "index", part, part)
            found.append(torch.zeros_like(value.tensor) if message is None else message.relevance)
        return tuple(reversed(found))

    def total(self, value: Value, message: Message) -> Tensor:
        """Relevance summed by case."""
        if message.amount is None:
            message.amount = total(value.tensor, message.relevance, self.cases)
        return message.amount + message.owed

    def step(self, node: Node, kind: str | None, messages: list[Message | None]) -> list[Message | None]:
        """Messages from a node to each of its inputs; None to an input that receives no relevance."""
        inputs = [value.tensor for value in node.inputs]
        first = next(m for m in messages if m is not None)
        if kind == "registered":
            return self.by_registered_rule(node, inputs, messages)
        if kind == "declared":
            output = node.outputs[0].tensor
            if output.shape != inputs[0].shape:
                raise UnsupportedOperation(
                    f"{node.name} declares rap_passes_through but turns {tuple(inputs[0].shape)} into "
                    f"{tuple(output.shape)}"
                )
            return [first, *[None] * (len(inputs) - 1)]
        if kind in WEIGHTED:
            return [Message(self.weighted(node, inputs[0], first), None)]
        gates = [self.gate(value.node) for value in node.inputs]
        relevance = [None if m is None else m.relevance for m in messages]
        outputs = [value.tensor for value in node.outputs]
        step = Step(node.call, inputs, outputs, relevance, gates, self.cases, self.scheme)
        owed: tuple[Any, ...] = (0.0,) * len(inputs)
        if kind == "spectrum":
            lost = sum(m.owed for m in messages if m is not None) + torch.zeros(
                self.cases, dtype=torch.float64, device=inputs[0].device
            )
            product = KINDS.get(node.operation) in ("product", "matrix") and len(inputs) == 2
            shares, owed = spectral(step, lost, 0.5 if product else 1.0)
        else:
            assert kind is not None
            shares = RULES[kind](step)
        return [
            None if r is None else Message(r, c, o)
            for r, c, o in zip(shares, self.selectors(node, kind, step, messages), owed, strict=True)
        ]

    def selectors(self, node: Node, kind: str, step: Step, messages: list[Message | None]) -> Any:
        """The selector at each input: transposed through what is linear, unchanged through activations."""
        given = [None if m is None else m.selector for m in messages]
        if all(c is None for c in given):
            return [None] * len(step.inputs)
        if kind == "elementwise" and given[0] is not None and given[0].shape == step.inputs[0].shape:
            return [given[0]] + [None] * (len(step.inputs) - 1)
        return pull_back(step.op, step.inputs, given if len(given) > 1 else given[0])

    def gate(self, node: Node) -> bool:
        """Whether a factor is the result of a sigmoid or softmax, possibly reshaped, scaled or shifted by constants."""
        if node.operation in GATES:
            return node.module is None
        kind = self.kinds.get(id(node))
        if kind not in _LEAVES_A_GATE or (kind == "elementwise" and node.operation not in _UNCHANGED):
            return False
        return (kind == "index" or len(node.inputs) == 1) and all(self.gate(value.node) for value in node.inputs)

    def by_registered_rule(
        self, node: Node, inputs: list[Tensor], messages: list[Message | None]
    ) -> list[Message | None]:
        """Messages by the user's rule, whose result is checked; the selector becomes R ⊘ x."""
        outputs = tuple(value.tensor for value in node.outputs)
        relevance = tuple(
            torch.zeros_like(y) if m is None else m.relevance for y, m in zip(outputs, messages, strict=True)
        )
        one = len(outputs) == 1
        found = self.own.shares(
            node,
            self.recording.dtype,
            tuple(inputs),
            outputs[0] if one else outputs,
            relevance[0] if one else relevance,
        )
        left = any(m is not None and m.selector is not None for m in messages)
        owed = sum(m.owed for m in messages if m is not None)
        return [
            None if r is None else Message(r, over(r, x) if left and not x.is_complex() else None, owed)
            for r, x in zip(found, inputs, strict=True)
        ]

    def weighted(self, node: Node, x: Tensor, message: Message) -> Tensor:
        """Relevance of the inputs of a layer with weights, by the scheme."""
        layer = self.layer(node, x)
        y, first = node.outputs[0].tensor, not self.deep[id(node)]
        R, selector = message.relevance, message.selector
        if self.cases > 1 or isinstance(layer, Map) or x.ndim > max(layer.axes + 1, 1):
            return self.scheme.weighted(layer, x, y, R, selector, first)
        one = None if selector is None else selector[None]  # a case without the axis of cases
        return self.scheme.weighted(layer, x[None], y[None], R[None], one, first)[0]

    def layer(self, node: Node, x: Tensor) -> Layer | Map:
        """The node as a linear layer, a convolution, or a product with a constant matrix."""
        one_case = 1 if self.cases == 1 else None
        if self.kinds[id(node)] == "matrix":
            others = [k for k, a in enumerate(_flat(node.args)) if isinstance(a, Tensor)]
            return _with_weight(node, others, one_case)
        args, options = (tuple(_known(a) for a in node.args), {k: _known(a) for k, a in node.kwargs.items()})
        layer = Layer.of_call(node.operation, args, options, one_case)
        if layer.weight.ndim < 2:
            raise UnsupportedOperation(f"no rule for {node.name} with a weight of shape {tuple(layer.weight.shape)}")
        in_front = self.cases == 1 or len(x) == self.cases
        axes = layer.axes + 2 if layer.axes else max(x.ndim, 2)
        shaped = x.ndim == axes or (self.cases == 1 and x.ndim == axes - 1)
        if not in_front or not shaped:
            raise UnsupportedOperation(f"{node.name} takes {tuple(x.shape)}, not {self.cases} cases in front")
        return layer


def _with_weight(node: Node, others: list[int], one_case: int | None) -> Map:
    """The product of a value with a constant, as a map."""
    if len(others) != 1:
        raise UnsupportedOperation(
            f"no rule for {node.name} of {len(others)} constants and a value, expected one: multiply them first"
        )
    return Map(
        lambda x, w: node.function(*_replaced(node.args, x, w), **node.kwargs), _flat(node.args)[others[0]], one_case
    )


def _flat(args: Any) -> list[Any]:
    return [b for a in args for b in (a if isinstance(a, tuple | list) else (a,))]


def _replaced(args: Any, x: Tensor, w: Tensor) -> list[Any]:
    """The arguments with x in place of the value and w in place of the constant tensor."""

    def put(a: Any) -> Any:
        return x if isinstance(a, Value) else w if isinstance(a, Tensor) else a

    return [type(a)(map(put, a)) if isinstance(a, tuple | list) else put(a) for a in args]


def _known(a: Any) -> Any:
    return a.tensor if isinstance(a, Value) else a


def _what(drawn: Any) -> str:
    if not isinstance(drawn, Tensor):
        return type(drawn).__name__
    return f"a tensor {tuple(drawn.shape)} that does not, or only through integers, scripted functions or other threads"
