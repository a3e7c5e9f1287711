# ruff: noqa: E501 - a table, one line each
"""RAP used wrongly, in ways people have: one clear line each, of our own, with the value and what was expected."""

import copy
import functools
import operator
import re
import threading
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wavenet.rap import RAP, UnsupportedOperation, attribute

from .test_rap_engine import Of

pytestmark = pytest.mark.usefixtures("seeded")


X, ONE = torch.tensor([[0.15, 0.6, 0.3], [0.7, 0.2, 0.9]]), torch.ones(2, 2)  # the largest is in the second case
PLAIN = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval()


def of(way, *parts):
    """The relevance of a model of this forward."""
    return lambda: attribute(Of(way, *parts), X, torch.ones_like(X))


def ruled(rules, way=lambda p, x: torch.cumprod(x, 1)):
    return lambda: attribute(Of(way), X, torch.ones_like(X), rules=rules)


def aimed(target, model=PLAIN, x=X):
    return lambda: RAP(model).attribute(x, target)


def passed(*given, **options):
    return lambda: attribute(*given, **options)


def scripted():
    with pytest.warns(DeprecationWarning, match="torch.jit.script"):
        return torch.jit.script(nn.Linear(3, 2)).eval()


SINGLE = torch.zeros(2, 3)  # made before: new tensors have the type of the computation


def _scripted():
    with pytest.warns(DeprecationWarning, match="torch.jit.script"):
        return torch.jit.script(_doubled)


def _doubled(x: torch.Tensor) -> torch.Tensor:
    return x * 2.0


def _elsewhere(layer, x):
    """The layer of x, by another thread; in that the model is in single precision."""
    found = []
    thread = threading.Thread(target=lambda: found.append(layer(x.float())))
    thread.start()
    thread.join()
    return found[0].to(x.dtype)


def _nan():
    layer = nn.Linear(3, 3)
    nn.init.constant_(layer.weight, torch.nan)
    return layer


def unregistered():
    hidden = [nn.MultiheadAttention(3, 1, batch_first=True, add_bias_kv=True).eval()]
    return attribute(Of(lambda p, x: hidden[0](x, x, x)[0]), X[None], X[None])


BAD = {
    # the model
    "a function": (passed(lambda x: x, X, ONE), "model must be a torch module, got function"),
    "a class": (passed(nn.Linear, X, ONE), "model must be a torch module, got type"),
    "training": (passed(copy.deepcopy(PLAIN).train(), X, ONE), "eval mode, got training mode in Sequential, 0, 1"),
    "training inside": (lambda: _one_in_training(), r"eval mode, got training mode in 1$"),
    "half": (passed(copy.deepcopy(PLAIN).half(), X, ONE), r"float32 or float64, got torch.float16 in 0.weight"),
    "bfloat16": (passed(copy.deepcopy(PLAIN).bfloat16(), X, ONE), "got torch.bfloat16 in 0.weight"),
    "scripted": (lambda: attribute(scripted(), X, ONE), "scripted model hides its operations.*explain the original"),
    "several outputs": (of(lambda p, x: (x, x)), "must return one tensor that depends on its inputs, got tuple"),
    "a dictionary": (of(lambda p, x: {"out": x}), "must return one tensor that depends on its inputs, got dict"),
    "a list": (of(lambda p, x: [x]), "must return one tensor that depends on its inputs, got list"),
    "nothing": (of(lambda p, x: None), "must return one tensor that depends on its inputs, got NoneType"),
    "an array": (of(lambda p, x: np.ones(3)), "must return one tensor that depends on its inputs, got ndarray"),
    "a constant": (of(lambda p, x: torch.ones(2, 3)), "depends on its inputs, got a tensor .2, 3. that does not"),
    "classes": (of(lambda p, x: x.argmax(1, keepdim=True).expand(2, 3)), "real floats, got torch.int64"),
    "a mask": (of(lambda p, x: x > 0.5), "real floats, got torch.bool"),
    "a number": (of(lambda p, x: x.sum()), "got a single number"),
    "complex": (of(lambda p, x: torch.fft.fft(x)), "must be real, got torch.complex64: explain its parts"),
    "nan": (of(lambda p, x: x / 0 - x / 0), "must be finite, got inf or nan"),
    "no cases": (passed(Of(lambda p, x: x[0, :1]), X, torch.ones(1)), "takes .2, 3., not 1 cases in front"),
    # inputs
    "integers": (passed(PLAIN, X.long(), ONE), "inputs must be real, float32 or float64, got torch.int64 in place 0"),
    "booleans": (passed(PLAIN, X > 0, ONE), "got torch.bool in place 0"),
    "complex inputs": (passed(PLAIN, X.cfloat(), ONE), "got torch.complex64 in place 0"),
    "half inputs": (passed(PLAIN, X.half(), ONE), "got torch.float16 in place 0"),
    "an array as input": (passed(PLAIN, X.numpy(), ONE), "inputs must be a tensor or a tuple of tensors, got ndarray"),
    "numbers as input": (passed(PLAIN, [[1.0, 2.0, 3.0]], ONE), "tuple of tensors, got list in place 0"),
    "no input": (passed(PLAIN, None, ONE), "tuple of tensors, got NoneType"),
    "an empty tuple": (passed(PLAIN, (), ONE), "tuple of tensors, got none"),
    "two batches": (passed(PLAIN, (X, X[:1]), ONE), r"share the batch axis, got \[\(2, 3\), \(1, 3\)\]"),
    "nan inputs": (passed(PLAIN, X * torch.nan, ONE), "must be finite, got inf or nan"),
    # selector, target, options
    "a selector of one case": (passed(PLAIN, X, ONE[:1]), r"output's shape \(2, 2\), got \(1, 2\)"),
    "a complex selector": (passed(PLAIN, X, ONE.cfloat()), "selector must be real, got torch.complex64"),
    "an infinite selector": (passed(PLAIN, X, ONE / 0), "selector must be finite"),
    "an array as selector": (passed(PLAIN, X, ONE.numpy()), "selector must be a tensor, got ndarray"),
    "no target": (aimed(None), r"target must say which of the outputs \(2,\), got None"),
    "a class too many": (aimed(2), r"index into the outputs \(2,\), got 2"),
    "a class too few": (aimed(-3), r"index into the outputs \(2,\), got -3"),
    "a place": (aimed((0, 1)), r"index into the outputs \(2,\), got \(0, 1\)"),
    "a float": (aimed(0.5), "target must consist of integers, got 0.5"),
    "a name": (aimed("cat"), "target must consist of integers, got 'cat'"),
    "a truth value": (aimed(True), "target must consist of integers, got True"),
    "three targets of two cases": (aimed([0, 1, 0]), "one for each of 2 cases, got 3"),
    "an unknown split": (passed(PLAIN, X, ONE, split="alpha"), "split must be one of .*got 'alpha'"),
    "an unknown input rule": (passed(PLAIN, X, ONE, input_rule="z"), "input_rule must be one of .*got 'z'"),
    "half computation": (passed(PLAIN, X, ONE, dtype=torch.float16), "dtype must be torch.float32 or torch.float64"),
    "a name as type": (passed(PLAIN, X, ONE, dtype="float32"), "dtype must be torch.float32 .*got float32"),
    "an unknown option": (passed(PLAIN, X, ONE, epsilon=1.0), "unexpected keyword argument 'epsilon'"),
    # what cannot be computed
    "a float model of double inputs": (passed(PLAIN, X.double(), ONE), "forward failed with inputs .2, 3. float64: .*same dtype"),
    "too few features": (passed(PLAIN, X[:, :2], ONE), "failed with inputs .2, 2. float32, computed in float64: .*cannot be mult"),
    "an argument too many": (passed(PLAIN, (X, X), ONE), "inputs .2, 3. float32, .2, 3. float32, computed .*takes 2 positional"),
    "an argument missing": (passed(Of(lambda p, x, y: x + y), X, ONE), "failed with inputs .*missing 1 required"),
    "no values yet": (passed(nn.Sequential(nn.LazyLinear(2)).eval(), X, ONE), "must have run once, got 0.weight without"),
    "a quantised model": (lambda: attribute(_quantised(), X, ONE), "quantised model hides its weights, got Linear in 0"),
    "quantised inside": (
        of(lambda p, x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8).dequantize()), "failed with inputs.*Quantize only"
    ),
    "an exported program": (lambda: attribute(torch.export.export(PLAIN, (X,)), X, ONE), "module, got ExportedProgram"),
    "traced": (lambda: attribute(_traced(), X, ONE), "scripted model hides its operations"),
    "a cache": (lambda: _remembering(), "forward failed with inputs"),
    "sparse": (passed(PLAIN, X.to_sparse(), ONE), "input in place 0 must be dense, got a sparse_coo tensor"),
    "nested": (
        lambda: attribute(PLAIN, torch.nested.nested_tensor([X, X[:1]], layout=torch.jagged), ONE), "dense, got a nested tensor"
    ),
    "meta": (passed(PLAIN, X.to("meta"), ONE), "input in place 0 must have values, got a meta tensor"),
    "a meta model": (passed(copy.deepcopy(PLAIN).to("meta"), X, ONE), "must have values, got a meta tensor in 0.weight"),
    "a meta selector": (passed(PLAIN, X, ONE.to("meta")), "selector must have values, got a meta tensor"),
    "vmap outside": (
        lambda: torch.vmap(lambda x: attribute(PLAIN, x[None], ONE[:1]).relevance)(X), "inside vmap or a transform of torch.func"
    ),
    "vmap inside": (of(lambda p, x: torch.vmap(p[0])(x), nn.Linear(3, 3)), "no rule for vmap and other transforms"),
    "jvp inside": (
        of(lambda p, x: torch.func.jvp(p[0], (x,), (torch.ones_like(x),))[1], nn.Linear(3, 3)), "no rule for vmap and other transforms"
    ),
    "sparse inside": (of(lambda p, x: x.to_sparse().to_dense()), "no rule for sparse_coo tensors that depend on the inputs"),
    "a sparse output": (of(lambda p, x: x.to_sparse()), "no rule for sparse_coo tensors that depend on the inputs"),
    "a part in half precision": (of(lambda p, x: p[0](x), nn.Linear(3, 3).half()), "float16 in parts.0.weight: explain model.float"),
    "a scripted function": (lambda: of(lambda p, x, f=_scripted: f()(x))(), r"depends on its inputs, got a tensor \(2, 3\) that does not, or only through integers, scripted functions"),
    "another thread": (of(lambda p, x: _elsewhere(p[0], x), nn.Linear(3, 3)), "that does not, or only through integers, scripted functions or other threads"),
    "written into a single": (
        of(lambda p, x: torch.zeros(2, 3).as_subclass(torch.Tensor).copy_(x) if x.dtype is torch.float32 else SINGLE.copy_(x)),
        "no rule for copy, which writes into torch.float32, expected torch.float64: explain in the type of the model",
    ),
    "bits": (of(lambda p, x: x.view(x.dtype)), r"no rule for view \(view\) without a derivative"),
    "bicubic places": (
        of(lambda p, x: F.grid_sample(x[:, None, None], torch.zeros(len(x), 1, 3, 2).to(x), mode="bicubic", align_corners=False)[:, 0, 0]),
        "no rule for grid_sample",
    ),
    "a product by index": (
        of(lambda p, x: x.scatter_reduce(1, torch.zeros(len(x), 1, dtype=torch.long), x[:, :1], "prod")), "scatter_reduce with reduce='prod': sum, mean"
    ),
    "nan in weights": (of(lambda p, x: p[0](x).nan_to_num(), _nan()), r"inf or nan behind parts.0 \(output linear\)"),
    "nan inside": (
        of(lambda p, x: p[1](torch.sigmoid(p[0](1 / (x - x)))).nan_to_num(), nn.Linear(3, 3), nn.Linear(3, 3)),
        r"inf or nan behind parts.1 \(output linear\): so are values in the model",
    ),
    # operations
    "softmax": (aimed(0, nn.Sequential(PLAIN, nn.Softmax(1)).eval()), r"1 \(Softmax\) at the output.*explain the logit"),
    "log softmax": (of(lambda p, x: F.log_softmax(x, 1)), r"log_softmax \(log_softmax\) at the output"),
    "cumprod": (of(lambda p, x: x.cumprod(1)), r"no rule for cumprod \(cumprod\); register one with rules=\{\"cumprod\": rule\}"),
    "a module": (of(lambda p, x: p[0](x), nn.Threshold(0.1, 0.0)), r'parts.0 \(Threshold\).*rules=\{"threshold": rule\}'),
    "an inverse": (of(lambda p, x: torch.linalg.pinv(x)[:, :1].mT.expand(2, 3)), "mixes cases|no rule for linalg_pinv"),
    "complex tanh": (of(lambda p, x: torch.complex(x, x).tanh().real), r"tanh \(tanh\) of complex values"),
    "dropout": (of(lambda p, x: F.dropout(x)), r"dropout \(dropout\) drops in eval mode, expected training=False|cases|call to call"),
    "own dropout": (passed(Of(lambda p, x: F.dropout(x)), X[:1], X[:1] * 0 + 1), "drops in eval mode|finite|not the model"),
    "batch statistics": (of(lambda p, x: p[0](x), nn.BatchNorm1d(3, track_running_stats=False)), "mixes cases"),
    "weights that depend": (
        passed(Of(lambda p, x: F.linear(x, x.expand(3, 3))), X[:1], X[:1]), r"linear \(linear\) whose weights depend"
    ),
    "a vector of weights": (of(lambda p, x: F.linear(x, torch.ones(3))[:, None].expand(2, 3)), r"weight of shape \(3,\)"),
    "three in a product": (
        of(lambda p, x: torch.einsum("bi,bi,bi->bi", x, x + 1, x + 2)), "of 3 values, expected two: multiply in steps"
    ),
    "two constants": (
        of(lambda p, x: torch.einsum("bi,ij,jk->bk", x, torch.ones(3, 3), torch.ones(3, 3))), "multiply them first"
    ),
    "a number taken out": (of(lambda p, x: x * x.sum().item()), "no rule for item: its result is not a tensor"),
    "numpy inside": (of(lambda p, x: torch.from_numpy(x.numpy())), "no rule for numpy: its result is not a tensor"),
    "a list inside": (of(lambda p, x: torch.tensor(x.tolist())), "no rule for tolist: its result is not a tensor"),
    "a result given": (of(lambda p, x: torch.mul(x, 2, out=torch.empty(2, 3))), "no rule for mul with out="),
    "attention that drops": (
        of(lambda p, x: F.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None], dropout_p=0.5)[:, 0]),
        "drops in eval mode, got dropout_p=0.5",
    ),
    "bias in functional attention": (lambda: unregistered(), "no rule for multi_head_attention_forward with bias_k"),
    "bias in attention": (
        of(lambda p, x: p[0](x, x, x)[0], nn.MultiheadAttention(3, 1, add_bias_kv=True)), "add_bias_kv or add_zero_attn"
    ),
    # cases
    "mean over cases": (of(lambda p, x: x - x.mean(0)), "mean .mean. mixes cases or moves the batch axis"),
    "largest of all": (of(lambda p, x: x / x.max()), "max .max. mixes cases"),
    "order of cases": (of(lambda p, x: x.flip(0)), "mixes cases"),
    "attention across cases": (of(lambda p, x: torch.softmax(x @ x.T, 1) @ x), "mixes cases"),
    # rules
    "a misspelt name": (ruled({"gellu": print}), "torch has no function named gellu, got the key 'gellu'"),
    "a lambda as key": (ruled({(lambda x: x): print}), "torch has no function named <lambda>"),
    "a function of one's own": (ruled({of: print}), "no function named of.*types of modules and for torch's functions"),
    "a type that is no module": (ruled({dict: print}), "key must be a type of module, a function or a name, got <class 'dict'>"),
    "rules in a list": (ruled([print]), "rules must be a mapping from types, functions or names, got list"),
    "a module as key": (ruled({PLAIN: print}), "rules are for types of modules, got a module: register Sequential"),
    "a number as key": (ruled({3: print}), "key must be a type of module, a function or a name, got 3"),
    "no function": (ruled({"cumprod": 1.0}), "a rule must be a function, got float for 'cumprod'"),
    "nothing returned": (ruled({"cumprod": lambda *given: None}), "cumprod must return a tensor for each of 1 inputs.*NoneType"),
    "numbers returned": (ruled({torch.cumprod: lambda *given: [1.0]}), "must return a tensor for each of 1 inputs.*list"),
    "a shape too small": (ruled({"cumprod": lambda op, x, y, r: r[:, :1]}), r"shapes \[\(2, 3\)\], got \[\(2, 1\)\]"),
    "two for one": (ruled({"cumprod": lambda op, x, y, r: (r, r)}), r"shapes \[\(2, 3\)\], got \[\(2, 3\), \(2, 3\)\]"),
    "sparse returned": (ruled({"cumprod": lambda op, x, y, r: r.to_sparse()}), "must return dense, real numbers on cpu, got torch.float64, sparse_coo"),
    "another device": (ruled({"cumprod": lambda op, x, y, r: r.to("meta")}), "must return dense, real numbers on cpu, got .* on meta"),
    "complex returned": (ruled({"cumprod": lambda op, x, y, r: r + 0j}), "must return dense, real numbers on cpu, got torch.complex128"),
    "nan returned": (ruled({"cumprod": lambda op, x, y, r: r * torch.nan}), "must return finite relevance"),
    "a declared module that shrinks": (lambda: _shrinking(), r"rap_passes_through but turns \(2, 3\) into \(2, 1\)"),
}  # fmt: skip


def _quantised():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(copy.deepcopy(PLAIN), {nn.Linear}, dtype=torch.qint8)


def _traced():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.trace(PLAIN, X)


def _remembering():
    """The first call's tensor meets the second call's weights."""
    kept = []

    def forward(p, x):
        kept.append(p[0](x))
        return p[1](kept[0])

    return attribute(Of(forward, nn.Linear(3, 3), nn.Linear(3, 2)), X, ONE)


def _one_in_training():
    model = copy.deepcopy(PLAIN)
    model[1].train()
    return attribute(model, X, ONE)


def _shrinking():
    class Shrinks(nn.Module):
        rap_passes_through = True

        def forward(self, x):
            return x[:, :1]

    return attribute(Of(lambda p, x: p[0](x).expand(2, 3), Shrinks()), X, torch.ones_like(X))


@pytest.mark.filterwarnings("ignore:`torch.jit.script`")  # of torch.func
@pytest.mark.parametrize("name", BAD)
def test_bad_uses_are_named_in_one_line(name):
    call, message = BAD[name]
    with pytest.raises((ValueError, TypeError, UnsupportedOperation)) as raised:
        call()
    text = str(raised.value)
    assert re.search(message, text), text
    assert "\n" not in text
    assert len(text) < 260
    place = raised.traceback[-1].path
    assert "wavenet" in str(place) or "unexpected keyword" in text  # none of torch's own


def test_there_are_at_least_a_hundred():
    assert len(BAD) >= 100


@pytest.mark.parametrize(
    ("way", "key"),
    [
        (lambda p, x: x.square(), "square"),
        (lambda p, x: x.square(), torch.square),
        (lambda p, x: x**2, "pow"),
        (lambda p, x: x**2, torch.pow),
        (lambda p, x: torch.clamp(x, 0.2, 0.8), torch.clamp),
        (lambda p, x: torch.where(x > 0.5, x, 0.1), torch.where),
        (lambda p, x: x * torch.tensor(2.0), torch.Tensor.mul),
        (lambda p, x: F.gelu(x), F.gelu),
        (lambda p, x: torch.fft.fft(x).real, "real"),
        (lambda p, x: p[0](x), nn.Softmax),
        (lambda p, x: nn.GELU()(x), F.gelu),
        (lambda p, x: F.gelu(x), "torch.nn.functional.gelu"),
        (lambda p, x: x**2, operator.pow),
        (lambda p, x: 2.0**x, "pow"),
        (lambda p, x: 1 - x, operator.sub),
        (lambda p, x: torch.sigmoid(x), torch.special.expit),
        (lambda p, x: torch.special.erf(x), "erf"),
        (lambda p, x: torch.special.bessel_j0(x), torch.special.bessel_j0),
        (lambda p, x: torch.special.bessel_j0(x), "special_bessel_j0"),
        (lambda p, x: torch.linalg.norm(x, dim=1, keepdim=True).expand(2, 3) * 1.0, torch.linalg.norm),
        (lambda p, x: torch.cumprod(input=x, dim=1), functools.partial(torch.cumprod, dim=1)),
        (lambda p, x: x.cumprod_(1), torch.ops.aten.cumprod.default),
        (lambda p, x: p[1](x), F.linear),
        (lambda p, x: p[2](x, x), F.bilinear),
        (
            lambda p, x: F.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None])[:, 0],
            "scaled_dot_product_attention",
        ),
    ],
)
def test_every_kind_of_key_works(way, key):
    """As the messages print it, as a function, or as a type; the rule receives all arguments and the type."""
    calls = []

    def rule(op, inputs, output, relevance, call):
        calls.append(call)
        assert op is key or isinstance(op, nn.Softmax)
        assert torch.equal(call.repeat(*inputs), output)
        return tuple(torch.zeros_like(x) for x in inputs)

    found = attribute(
        Of(way, nn.Softmax(1), nn.Linear(3, 3), nn.Bilinear(3, 3, 3)), X, torch.ones_like(X), rules={key: rule}
    )
    (call,) = calls
    assert call.dtype is torch.float64
    assert len(call.args) + len(call.kwargs) >= 1
    assert (found.relevance == 0).all()
    assert torch.allclose(found.leak, found.output)
