r"""Relative attributing propagation (RAP): which inputs made the network say that, and which spoke against it.

Explained is y = sum_k c_k f_k(x), with a selector c over the outputs. The total relevance, y itself, travels back
through the network's graph. In a layer with inputs x_i, weights w_ij and contributions z_ij = x_i w_ij (the bias is
none), R_j arrives and R_i leaves; a ⊘ b is a / b, and 0 where b = 0.

====================  ==================================================================================================
output layer          `absolute_influence`: all relevance starts with one sign
interior layer        `relative_influence`, then `uniform_shift`: weakly influential neurons turn negative
input layer           the interior rule, or `z_b` for bounded inputs
activation, mask      relevance passes; so it does through batch norm and dropout, which must be in eval mode
max pool              to the winner, unless the winner is zero
average pool, sum     in proportion to contributions; so it goes through an upsampling
addition              in proportion to |summand|, in equal parts where all are zero
reshape, slice, cat   as the indices go
====================  ==================================================================================================

An output layer is a layer with weights that relevance reaches only from the output, with no other weights in between.
If the output adds or joins several of them, y is first split by the rule of the addition or the index, and each takes
the total it gets. The selector follows: transposed through what is linear (a mask, a scale, a slice), unchanged
through activations. An input layer is a layer with weights that has no other weights before it.

Where this departs from the authors. Their `weight` split hands the whole relevance to both the half x >= 0 and the half
x < 0 and so doubles it; here each R_j is shared between the halves in proportion to their influence, which changes
nothing where x >= 0. They share the output layer's bias out as well: for one output and x >= 0 that is a common factor,
lost in the normalisation. Sums that cancel to rounding in an average are zero for ⊘.

All relevance is computed in float64, on a copy of the model if its own numbers are shorter.

References
----------
W.-J. Nam, S. Gur, J. Choi, L. Wolf, S.-W. Lee, Relative attributing propagation: interpreting the comparative
contributions of individual units in deep neural networks, AAAI (2020), arXiv:1904.00605.

>>> model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1)).eval()
>>> explained = attribute(model, torch.ones(2, 3), torch.ones(2, 1))
>>> bool(torch.allclose(explained.relevance.double().sum(1) + explained.leak, explained.output))
True
"""

import copy
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

SPLITS = ("contribution", "weight", "reference")
INPUT_RULES = ("interior", "zB")

Rule = Callable[[Any, tuple[Tensor, ...], Tensor, Tensor], Any]


class UnsupportedOperation(NotImplementedError):  # noqa: N818 - named as io.UnsupportedOperation is
    """No rule takes relevance through this operation; register one with `rules`."""


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


def attribute(
    model: nn.Module,
    inputs: Tensor | tuple[Tensor, ...],
    selector: Tensor,
    *,
    split: str = "contribution",
    input_rule: str = "interior",
    rules: Mapping[Any, Rule] | None = None,
) -> Attribution:
    """Relevance of the inputs for y = sum(selector * model(inputs)), case by case.

    Parameters
    ----------
    model : Module in eval mode
        Left as it is. A module with the class attribute `rap_passes_through = True` is taken as elementwise in its
        first argument, whatever it does.
    inputs : (case, ...) real tensor, or tuple of them
        The model's positional arguments.
    selector : (case, ...) real tensor
        Weights of any sign, in the output's shape.
    split : {"contribution", "weight", "reference"}
        What is positive and what is negative influence: the sign of z_ij; the sign of w_ij, for x >= 0 and x < 0
        apart; or the latter with the authors' convolutions, where negative R_j goes to negative weights only.
    input_rule : {"interior", "zB"}
        For signed fields, and for inputs with bounds. The bounds are each case's own extremes, in the first layer's
        input: zeros that forward itself pads with are among it, and what they receive is a leak.
    rules : mapping from module type, function or method name to rule
        rule(op, inputs, output, relevance) returns the relevance of each tensor in inputs, or None for none; op is the
        module, function or name. Goes before the built-in rules. Before weights are met, the selector becomes R ⊘ x.

    Returns
    -------
    Attribution

    Raises
    ------
    ValueError
        Training mode, complex or integer inputs, a selector of another shape, an unknown option, an output that is
        not finite.
    UnsupportedOperation
        Relevance meets an operation without a rule.
    """
    _expect_one_of("split", split, SPLITS)
    _expect_one_of("input_rule", input_rule, INPUT_RULES)
    single = isinstance(inputs, Tensor)
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    _expect_inputs(given)
    _expect_eval(model)
    with torch.inference_mode(False), torch.no_grad():
        output = model(*(x.clone() for x in given))
        _expect_selector(selector, output)
        seed = _Message.seed(selector, output)
        # detached and cloned: neither the caller's graph nor an in-place operation reaches the caller's tensors
        exact = tuple(x.detach().clone().double() for x in given)
        graph = _Graph(_in_double(model), exact, tuple(rules or ()))
        graph.expect(output)
        backward = _Backward(graph, split, input_rule, rules or {}, len(output))
        found = backward.run(seed)
        relevance = tuple(r.to(x.dtype) for r, x in zip(found, given, strict=True))
        return Attribution(relevance[0] if single else relevance, tuple(backward.layers), _per_case(seed.relevance))


# ---------------------------------------------------------------------------------------------------------------------
# rules of layers with weights; apply(x, w) is the layer without its bias, x the input, w the weight


def absolute_influence(apply, x, w, selector, total):
    """R_i = |C_i| R_tot ⊘ sum |C|, with C_i = sum_j z_ij c_j."""
    influence = (x * _transposed(apply, x, w, selector)).abs()
    return influence * _like(_over(total, _per_case(influence)), x)


def relative_influence(apply, positive, negative, R, *, reference=False):
    """C_i = sum_j A_ij ⊘ P_j R_j + B_ij ⊘ (P_j + N_j) R_j, for parts A and B given as pairs (x, w) with x w >= 0.

    The authors' convolutions (reference) put B ⊘ N in the place of A ⊘ P where R_j < 0.
    """
    P, N = _influence(apply, positive), _influence(apply, negative)
    to_positive, to_negative = _over(R.clamp(min=0) if reference else R, P), _over(R, P + N)
    if reference:
        to_negative = to_negative + _over(R.clamp(max=0), N)
    received = (x * _transposed(apply, x, w, to_positive) for x, w in positive)
    return sum(received, sum(x * _transposed(apply, x, w, to_negative) for x, w in negative))


def uniform_shift(C, total):
    """R_i = C_i - 1[C_i != 0] (sum C - total) / #{C_i != 0}: one shift a case, nothing where nothing was received."""
    received = C != 0
    return C - received * _like(_over(_per_case(C) - total, _per_case(received)), C)


def by_contribution(apply, x, w, R):
    """Interior rule with A = max(z, 0), B = max(-z, 0)."""
    positive = [(x.clamp(min=0), w.clamp(min=0)), (x.clamp(max=0), w.clamp(max=0))]
    negative = [(x.clamp(min=0), -w.clamp(max=0)), (x.clamp(max=0), -w.clamp(min=0))]
    if not (x < 0).any():
        del positive[1], negative[1]
    return uniform_shift(relative_influence(apply, positive, negative, R), _per_case(R))


def by_weight(apply, x, w, R, *, reference=False):
    """Interior rule with A = |x| max(w, 0), B = |x| max(-w, 0), for x >= 0 and x < 0 apart and each with its shift.

    A half takes its share of each R_j in proportion to its influence P_j + N_j there, and of the R_j that no half
    explains in proportion to its influence in all. A half that passes nothing on leaves its share to the other.
    """
    halves = [x.clamp(min=0), -x.clamp(max=0)]
    strength = [apply(half, w.abs()) * (R != 0) for half in halves]
    both = strength[0] + strength[1]
    shares = [_over(one, both) for one in strength]
    parts = [
        relative_influence(apply, [(half, w.clamp(min=0))], [(half, -w.clamp(max=0))], R * share, reference=reference)
        for half, share in zip(halves, shares, strict=True)
    ]
    unexplained = _per_case(R * (1 - shares[0] - shares[1]))
    lower = _per_case(R * shares[1]) + unexplained * _over(_per_case(strength[1]), _per_case(both))
    silent = [_per_case(C != 0) == 0 for C in parts]
    total = _per_case(R)
    lower = torch.where(silent[1], 0.0, torch.where(silent[0], total, lower))
    return uniform_shift(parts[0], total - lower) + uniform_shift(parts[1], lower)


def z_b(apply, x, w, R):
    """R_i = sum_j n_ij ⊘ (sum_i n_ij) R_j with n_ij = x_i w_ij - l max(w_ij, 0) - h min(w_ij, 0) >= 0."""
    low, high = x.flatten(1).amin(1), x.flatten(1).amax(1)
    parts = [(x - _like(low, x), w.clamp(min=0)), (x - _like(high, x), w.clamp(max=0))]
    R = _over(R, _influence(apply, parts))
    return sum(y * _transposed(apply, y, v, R) for y, v in parts)


# ---------------------------------------------------------------------------------------------------------------------
# rules without weights; op(*inputs) is the operation, inputs the tensors that depend on what is explained


def pass_through(op, inputs, output, R):
    """Elementwise: what broadcasting spread is added up again."""
    return (R.sum_to_size(inputs[0].shape),)


def as_indices(op, inputs, output, R):
    """Relevance follows the values' places."""
    return _pull_back(op, inputs, R)


def to_winner(op, inputs, output, R):
    """To the largest, unless it is zero."""
    return _pull_back(op, inputs, R * (output != 0))


def proportionally(op, inputs, output, R):
    """R_i = sum_j z_ij ⊘ (sum_i z_ij) R_j for a linear operation."""
    rounding = 8 * torch.finfo(R.dtype).eps * op(*(x.abs() for x in inputs)).abs()
    shares = _pull_back(op, inputs, _over(R, output * (output.abs() > rounding)))
    return tuple(x * share for x, share in zip(inputs, shares, strict=True))


def to_summands(op, inputs, output, R):
    """In proportion to |summand|; in equal parts where all are zero. Scales (alpha) count with their summand."""
    shape = output.shape
    # the summand as it enters: op with the others at zero
    zeros = [torch.zeros_like(x) for x in inputs]
    constant = op(*zeros)
    size = [(op(*zeros[:k], x, *zeros[k + 1 :]) - constant).abs().expand(shape) for k, x in enumerate(inputs)]
    total = sum(size)
    equal = 1 / len(inputs)
    return tuple(
        torch.where(total == 0, equal * R, _over(one, total) * R).sum_to_size(x.shape)
        for one, x in zip(size, inputs, strict=True)
    )


_RULES = {
    "elementwise": pass_through,
    "affine": pass_through,
    "index": as_indices,
    "winner": to_winner,
    "proportional": proportionally,
    "add": to_summands,
}

_ELEMENTWISE = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh),
    *(nn.Sigmoid, nn.LogSigmoid, nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Tanhshrink),
    *(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout),
)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_MODULES: dict[type, str] = {
    nn.Linear: "linear",
    **dict.fromkeys(_CONVOLUTIONS + _TRANSPOSED, "convolution"),
    **dict.fromkeys(_ELEMENTWISE, "elementwise"),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), "affine"),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), "winner"),
    **dict.fromkeys((nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d), "winner"),
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), "proportional"),
    **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), "proportional"),
    nn.Upsample: "proportional",
    **dict.fromkeys((nn.Flatten, nn.Unflatten, nn.PixelShuffle, nn.PixelUnshuffle), "index"),
    **dict.fromkeys((nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d), "index"),
    **dict.fromkeys((nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d), "index"),
    **dict.fromkeys((nn.CircularPad1d, nn.CircularPad2d), "index"),
}

_NAMES = {  # of functions in torch and torch.nn.functional, and of methods
    "linear": "linear",
    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d": "convolution",
    "relu relu6 leaky_relu prelu elu selu celu gelu silu mish tanh sigmoid logsigmoid softplus softsign hardtanh"
    " hardsigmoid hardswish tanhshrink clamp clip sin dropout dropout1d dropout2d dropout3d alpha_dropout"
    " contiguous clone detach to type type_as float double": "elementwise",
    "neg negative mul multiply div divide true_divide": "affine",
    "max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d": "winner",
    "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d interpolate"
    " upsample mean sum": "proportional",
    "add sub subtract rsub": "add",
    "cat concat concatenate stack reshape reshape_as view view_as flatten unflatten ravel permute movedim moveaxis"
    " transpose swapaxes swapdims unsqueeze squeeze expand expand_as broadcast_to repeat tile chunk split tensor_split"
    " unbind narrow select index_select flip roll pad pixel_shuffle pixel_unshuffle": "index",
}
_METHODS = {name: kind for names, kind in _NAMES.items() for name in names.split()}
_FUNCTIONS: dict[Any, str] = {
    **{
        getattr(place, name): kind
        for name, kind in _METHODS.items()
        for place in (torch, F, torch._C._nn)
        if hasattr(place, name)
    },
    **dict.fromkeys((operator.add, operator.sub), "add"),
    **dict.fromkeys((operator.mul, operator.truediv, operator.neg), "affine"),
    **dict.fromkeys((operator.pos, torch.conj, torch.real), "elementwise"),
    operator.getitem: "index",
}
_IN_PLACE = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
}
_CONSTANT = {"zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_tensor"}
_QUOTIENTS = {operator.truediv, torch.div, torch.divide, torch.true_divide, "div", "divide", "true_divide"}


# ---------------------------------------------------------------------------------------------------------------------
# the graph and its values


class _Value(fx.Proxy):
    """A proxy that knows its value, so that shapes are numbers and forward may test them."""

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
    """The model behind one argument, the tuple of its inputs."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, inputs):
        return self.model(*inputs)


class _Graph(fx.Tracer):
    """The model's graph, run while it is drawn: nodes, their values, and whether these depend on the inputs."""

    def __init__(self, model: nn.Module, inputs: tuple[Tensor, ...], leaves: tuple[Any, ...]):
        super().__init__()
        self.inputs = inputs
        self.leaves = tuple(leaf for leaf in leaves if isinstance(leaf, type))
        self.values: dict[fx.Node, Any] = {}
        self.depends: dict[fx.Node, bool] = {}
        self.running = False  # a node: nothing is drawn meanwhile
        self.drawn = self.trace(_Root(model).eval())

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        own = getattr(m, "rap_passes_through", False) or isinstance(m, self.leaves)
        return own or super().is_leaf_module(m, module_qualified_name)

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Value(node, self)

    def to_bool(self, obj: fx.Proxy) -> bool:
        return bool(obj)

    def getattr(self, attr, attr_val, parameter_proxy_cache):
        return attr_val if self.running else super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(self, m, forward, args, kwargs):
        return forward(*args, **kwargs) if self.running else super().call_module(m, forward, args, kwargs)

    def create_proxy(self, kind, target, args, kwargs, name=None, type_expr=None, proxy_factory_fn=None, **others):
        target, kwargs = _out_of_place(kind, target), dict(kwargs)
        if kwargs.get("inplace"):
            kwargs["inplace"] = False
        if kind == "output":
            return super().create_proxy(kind, target, args, kwargs, name, type_expr, proxy_factory_fn, **others)
        self.running = True
        value = self._evaluate(kind, target, _unwrapped(args), _unwrapped(kwargs))
        self.running = False
        if not _has_tensors(value):
            return value
        proxy: Any = super().create_proxy(kind, target, args, kwargs, name, type_expr, proxy_factory_fn, **others)
        proxy.value = value
        node = proxy.node
        self.values[node] = value
        for before in node.all_input_nodes:
            if before not in self.values:  # a buffer or a tensor made by forward
                self.values[before], self.depends[before] = operator.attrgetter(before.target)(self.root), False
        made_of = any(self.depends[before] for before in node.all_input_nodes)
        constant = getattr(target, "__name__", target) in _CONSTANT
        self.depends[node] = kind == "placeholder" or (made_of and not constant)
        return proxy

    def call(self, node: fx.Node) -> tuple[Callable[..., Any], list[fx.Node]]:
        """The node as a function of the nodes that it takes and that depend on the inputs."""
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
        return self.root.get_submodule(str(node.target))

    @property
    def output(self) -> fx.Node:
        (node,) = self.drawn.find_nodes(op="output")
        returned = node.args[0]
        if not isinstance(returned, fx.Node) or not self.depends.get(returned):
            raise ValueError(f"the model must return one tensor that depends on its inputs, got {returned}")
        return returned

    def expect(self, output: Tensor) -> None:
        """The graph gives what the model gives, or its forward does what no graph shows."""
        drawn = self.values[self.output]
        size = output.abs().max().item() if output.numel() else 0.0
        rounding = 1e-3 if output.dtype == torch.float32 else 1e-9  # a deep network's; half precision is not ours
        if not torch.allclose(drawn, output.double(), rtol=rounding, atol=rounding * size):
            raise UnsupportedOperation("the graph is not the model: does its forward change tensors in place?")

    def _evaluate(self, kind: str, target: Any, args: Any, kwargs: Any) -> Any:
        if kind == "placeholder":
            return self.inputs
        if kind == "get_attr":
            return operator.attrgetter(target)(self.root)
        if kind == "call_module":
            module = self.root.get_submodule(target)
            if getattr(module, "inplace", False):
                args = fx.node.map_aggregate(args, lambda a: a.clone() if isinstance(a, Tensor) else a)
            return module.forward(*args, **kwargs)
        if kind == "call_method":
            return getattr(args[0], target)(*args[1:], **kwargs)
        return target(*args, **kwargs)


def _out_of_place(kind: str, target: Any) -> Any:
    if kind == "call_method" and target.endswith("_") and not target.endswith("__"):
        return target[:-1]
    return _IN_PLACE.get(target, target) if kind == "call_function" else target


def _unwrapped(args: Any) -> Any:
    return fx.node.map_aggregate(args, lambda a: a.value if isinstance(a, _Value) else a)


def _has_tensors(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(isinstance(v, Tensor) for v in value)
    return isinstance(value, Tensor)


# ---------------------------------------------------------------------------------------------------------------------
# the way back


@dataclass
class _Message:
    """Relevance on its way to a node; with the selector, as long as no weights were met."""

    relevance: Any
    selector: Any

    @classmethod
    def seed(cls, selector: Tensor, output: Tensor) -> "_Message":
        c = selector.detach().to(output.device, torch.float64)
        return cls(c * output.detach().double(), c)

    def __add__(self, other: "_Message") -> "_Message":
        selected = self.selector is not None and other.selector is not None
        selector = _added(self.selector, other.selector) if selected else None
        return _Message(_added(self.relevance, other.relevance), selector)


class _Backward:
    """Relevance of every node, in the order opposite to the graph's."""

    def __init__(self, graph: _Graph, split: str, input_rule: str, rules: Mapping[Any, Rule], cases: int):
        self.graph, self.split, self.input_rule, self.rules, self.cases = graph, split, input_rule, rules, cases
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
            return next((_MODULES[base] for base in type(module).__mro__ if base in _MODULES), None)
        known: dict[Any, str] = _METHODS if node.op == "call_method" else _FUNCTIONS
        return known.get(node.target)

    def registered(self, node: fx.Node) -> Rule | None:
        if node.op == "call_module":
            return next((self.rules[b] for b in type(self.graph.module(node)).__mro__ if b in self.rules), None)
        return None if node.op == "placeholder" else self.rules.get(node.target)

    def run(self, seed: _Message) -> tuple[Tensor, ...]:
        arrived = {self.graph.output: seed}
        for node in reversed(self.graph.values):
            if node not in arrived or not self.graph.depends[node] or node.op == "placeholder":
                continue
            message = arrived.pop(node)
            op, taken = self.graph.call(node)
            sent = self.step(node, op, [self.graph.values[n] for n in taken], message)
            outgoing = torch.zeros_like(self.total(seed.relevance, node))
            for before, one in zip(taken, sent, strict=True):
                if one is None:
                    continue
                outgoing = outgoing + self.total(one.relevance, node)
                arrived[before] = arrived[before] + one if before in arrived else one
            incoming = self.total(message.relevance, node)
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
                None if r is None else _Message(r, _over(r, x) if left else None)
                for r, x in zip(R, inputs, strict=True)
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
        rule_of = pass_through if kind == "add" and len(inputs) == 1 else _RULES[kind]
        if node.target is operator.getitem and isinstance(inputs[0], tuple | list):
            index = node.args[1]
            return [_Message(_placed(inputs[0], index, message.relevance), _placed(inputs[0], index, message.selector))]
        relevance = rule_of(op, inputs, output, message.relevance)
        c = message.selector
        if c is None:
            selectors: Sequence[Any] = [None] * len(inputs)
        else:  # transposed through what is linear, unchanged through activations
            selectors = (c,) if kind == "elementwise" else _pull_back(op, inputs, c)
        return [_Message(r, s) for r, s in zip(relevance, selectors, strict=True)]

    def weighted(self, node: fx.Node, kind: str, x: Tensor, message: _Message) -> Tensor:
        apply, w = self.layer(node)
        R = message.relevance
        if len(x) != self.cases or x.ndim < 2 or (kind == "convolution" and x.ndim != w.ndim):
            raise UnsupportedOperation(f"{self.name(node)} takes {tuple(x.shape)}, not {self.cases} cases in front")
        if message.selector is not None:
            return absolute_influence(apply, x, w, message.selector, _per_case(R))
        if self.input_rule == "zB" and not self.deep[node]:
            return z_b(apply, x, w, R)
        if self.split == "contribution":
            return by_contribution(apply, x, w, R)
        return by_weight(apply, x, w, R, reference=self.split == "reference" and kind == "convolution")

    def layer(self, node: fx.Node) -> tuple[Callable[[Tensor, Tensor], Tensor], Tensor]:
        """The layer without its bias, as a function of input and weight, and its weight."""
        if node.op == "call_module":
            m: Any = self.graph.module(node)
            w = m.weight.detach()
            if isinstance(m, nn.Linear):
                return F.linear, w
            name = f"conv{'_transpose' * isinstance(m, _TRANSPOSED)}{w.ndim - 2}d"
            shape = (m.output_padding, m.groups, m.dilation) if isinstance(m, _TRANSPOSED) else (m.dilation, m.groups)
            return lambda x, v: getattr(F, name)(x, v, None, m.stride, m.padding, *shape), w
        function: Any = node.target
        given: Any = fx.node.map_arg((node.args, dict(node.kwargs)), lambda n: self.graph.values[n])
        args, kwargs = given
        w = args[1] if len(args) > 1 else kwargs["weight"]
        options = {k: v for k, v in kwargs.items() if k not in ("input", "weight", "bias")}
        return lambda x, v: function(x, v, None, *args[3:], **options), w.detach()

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
        if node.target in _QUOTIENTS and not (isinstance(node.args[0], fx.Node) and self.graph.depends[node.args[0]]):
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
        return sum((_per_case(t) for t in present[1:]), _per_case(present[0]))

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


# ---------------------------------------------------------------------------------------------------------------------
# arithmetic


def _over(a: Tensor, b: Tensor) -> Tensor:
    """a ⊘ b. What is so small that 1 / b would be lost in overflow is zero."""
    info = torch.finfo(b.dtype if b.is_floating_point() else torch.float64)
    present = b.abs() > info.tiny / info.eps
    return torch.where(present, a / torch.where(present, b, 1), 0.0)


def _per_case(x: Tensor) -> Tensor:
    return x.reshape(len(x), math.prod(x.shape[1:])).sum(1, dtype=torch.float64)


def _like(scalars: Tensor, x: Tensor) -> Tensor:
    return scalars.reshape(-1, *(1,) * (x.ndim - 1))


def _influence(apply, parts):
    return sum(apply(x, w) for x, w in parts)


def _transposed(apply, x, w, R):
    """sum_j w_ij R_j."""
    return _pull_back(lambda y: apply(y, w), (x,), R)[0]


def _pull_back(op: Callable, inputs: Sequence[Tensor], R: Any) -> tuple[Tensor, ...]:
    """The operation's transposed derivative at its inputs, applied to R; zero for pieces of R that are None."""
    with torch.enable_grad():
        leaves = [x.detach().requires_grad_() for x in inputs]
        output = op(*leaves)
    outputs, weights = (output, R) if isinstance(output, tuple | list) else ([output], [R])
    reached = [(y, r) for y, r in zip(outputs, weights, strict=True) if r is not None]
    return torch.autograd.grad([y for y, _ in reached], leaves, [r for _, r in reached], materialize_grads=True)


def _in_double(model: nn.Module) -> nn.Module:
    numbers = [*model.parameters(), *model.buffers()]
    if all(n.dtype == torch.float64 for n in numbers if n.is_floating_point()):
        return model
    return copy.deepcopy(model).double()


# ---------------------------------------------------------------------------------------------------------------------
# at the door


def _expect_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")


def _expect_inputs(inputs: tuple[Tensor, ...]) -> None:
    for k, x in enumerate(inputs):
        if x.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"inputs must be real, float32 or float64, got {x.dtype} in place {k}")
        if x.ndim == 0 or len(x) != len(inputs[0]):
            raise ValueError(f"inputs must share the batch axis, got {[tuple(x.shape) for x in inputs]}")
    if not inputs:
        raise ValueError("inputs must be a tensor or a tuple of tensors, got none")


def _expect_eval(model: nn.Module) -> None:
    training = [name or type(model).__name__ for name, module in model.named_modules() if module.training]
    if training:
        raise ValueError(f"model must be in eval mode, got training mode in {', '.join(training[:3])}")


def _expect_selector(selector: Tensor, output: Any) -> None:
    if not isinstance(output, Tensor):
        raise ValueError(f"the model must return one tensor, got {type(output).__name__}")
    if output.is_complex() or selector.is_complex():
        raise ValueError(f"output and selector must be real, got {output.dtype} and {selector.dtype}")
    if selector.shape != output.shape:
        raise ValueError(f"selector must have the output's shape {tuple(output.shape)}, got {tuple(selector.shape)}")
    if not torch.isfinite(output).all():
        raise ValueError("the model's output must be finite, got inf or nan")
