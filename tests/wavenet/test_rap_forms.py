# ruff: noqa: E501 - tables, one line each
"""Ways to write one forward: indices, views, masks and writes in place, each against a plain one."""

import functools

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.utils.checkpoint import checkpoint

from wavenet.rap import attribute

from .test_rap_engine import ROUNDING, Of, sums
from .test_rap_formulas import compared, rows

pytestmark = pytest.mark.usefixtures("seeded")

CHOSEN = torch.tensor([True, False, True, True, False, False])
SCALE = torch.tensor([2.0, 2.0, 1.0, 1.0, 1.0, 1.0], dtype=torch.float64)
KEPT = torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0, 1.0], dtype=torch.float64)


def square(x):
    return x.unflatten(1, (2, 3))


def image(x):
    return x.view(-1, 1, 2, 3)


INDICES = {
    "flip": lambda x: x.flip(1),
    "roll": lambda x: square(x).roll((1, 1), (1, 2)),
    "pad": lambda x: F.pad(x, (1, 2)),
    "pad by less than nothing": lambda x: F.pad(x, (-1, 2)),
    "reflect": lambda x: F.pad(square(x), (1, 1), mode="reflect"),
    "replicate": nn.ReplicationPad1d(2),
    "circular": lambda x: F.pad(square(x), (1, 2), mode="circular"),
    "reflection of images": lambda x: nn.ReflectionPad2d(1)(image(x)),
    "constant_pad_nd": lambda x: torch.constant_pad_nd(x, (1, 1)),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x[:, [0, 1, 2, 3]].view(-1, 4, 1, 1), 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x[:, [0, 1, 2, 3]].view(-1, 1, 2, 2), 2),
    "channel_shuffle": lambda x: F.channel_shuffle(x.view(-1, 6, 1, 1), 3),
    "windows": lambda x: x.unfold(1, 3, 2),
    "patches": lambda x: F.unfold(image(x), (2, 2)),
    "expand": lambda x: x[:, None].expand(-1, 3, -1),
    "broadcast_to": lambda x: x[:, None].broadcast_to(len(x), 2, 6),
    "repeat": lambda x: x.repeat(1, 2),
    "tile": lambda x: x.tile((1, 2)),
    "repeat_interleave": lambda x: x.repeat_interleave(torch.tensor([1, 2, 0, 1, 1, 3]), 1),
    "as_strided": lambda x: x.contiguous().as_strided((len(x), 3), (6, 2)),
    "diagonal": lambda x: square(x).diagonal(0, 1, 2),
    "diag_embed": lambda x: x.diag_embed(),
    "tril": lambda x: square(x).tril(),
    "rot90": lambda x: square(x).rot90(1, (1, 2)),
    "split": lambda x: torch.cat(x.split([1, 2, 3], 1)[::-1], 1),
    "tensor_split": lambda x: torch.cat(x.tensor_split(4, 1)[::-1], 1),
    "hsplit": lambda x: torch.cat(torch.hsplit(x, 2)[::-1], 1),
    "dsplit": lambda x: torch.cat(torch.dsplit(square(x), 3)[::-1], 1),
    "unsafe_chunk": lambda x: torch.cat(x.unsafe_chunk(3, 1)[::-1], 1),
    "unbind": lambda x: torch.stack(x.unbind(1)[::-1], 1),
    "a mask of columns": lambda x: x[:, CHOSEN],
    "a list of columns": lambda x: x[:, [3, 1, 1]],
    "ellipsis": lambda x: x[..., None, ::2],
    "nonzero": lambda x: x[:, torch.nonzero(CHOSEN)[:, 0]],
    "take_along_dim": lambda x: x.take_along_dim(torch.tensor([[0, 3, 3]]), 1),
    "gather": lambda x: x.gather(1, torch.tensor([[1, 1, 4]]).expand(len(x), -1)),
    "movedim": lambda x: square(x).movedim(1, 2),
    "adjoint": lambda x: square(x).adjoint(),
    "mT": lambda x: square(x).mT,
    "dstack": lambda x: torch.dstack([x, x]),
    "column_stack": lambda x: torch.column_stack([x[:, 0], x[:, 3]]),
    "one by one": rows(lambda r: torch.stack([torch.stack(list(r)), r.flip(0)])),
    "meshgrid": rows(lambda r: torch.stack(torch.meshgrid(r[:3], r[3:], indexing="ij"))),
    "block_diag": rows(lambda r: torch.block_diag(r[:2], r[2:])),
    "masked_select": rows(lambda r: r.masked_select(CHOSEN)),
    "slice_scatter": lambda x: torch.slice_scatter(torch.zeros_like(x), x[:, :2], 1, 1, 3),
    "diagonal_scatter": lambda x: torch.diagonal_scatter(x.new_zeros(len(x), 6, 6), x, 0, 1, 2),
    "scatter": lambda x: torch.zeros_like(x).scatter(1, torch.tensor([[2, 0, 1]]).expand(len(x), -1), x[:, :3]),
    "index_copy": lambda x: torch.zeros_like(x).index_copy(1, torch.tensor([1, 0]), x[:, :2]),
    "index_put": lambda x: torch.zeros_like(x).index_put((torch.arange(len(x))[:, None], torch.tensor([[2, 0]])), x[:, :2]),
    "where of a constant": lambda x: torch.where(CHOSEN, x, 0.0),
    "masked_fill": lambda x: x.masked_fill(CHOSEN, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", INDICES)
def test_what_moves_values_is_an_index(name):
    """The other one takes, by one list, the places that the function has numbers from; 0 is a padded zero."""
    op = INDICES[name]
    places = op(torch.arange(1.0, 7.0, dtype=torch.float64)[None]).flatten().long()
    compared(op, lambda x: torch.cat([x.new_zeros(len(x), 1), x], 1)[:, places])


def after(*writes):
    """The tensor after the writes into it, which is a copy."""

    def op(x):
        x = x.clone()
        for write in writes:
            write(x)
        return x

    return op


def column(k):
    return lambda x: x[:, [k, *range(1, 6)]]


def halved(x):
    return torch.where(x > 0, x, 0.1 * x)


def leaky(x):
    x[x < 0] = 0.1 * x[x < 0]


def swapped(x):
    x[:, [0, 1]] = x[:, [1, 0]]


def first_from_fourth(x):
    x[:, 0] = x[:, 3]


def summed(x):
    found = x.new_zeros(len(x), 2)
    for k in range(0, 6, 2):
        found += x[:, k : k + 2]
    return found


WRITES = {
    "relu_": (after(torch.relu_), F.relu),
    "clamp_": (after(lambda x: x.clamp_(0)), F.relu),
    "leaky relu by position": (after(lambda x: F.leaky_relu(x, 0.1, True)), lambda x: F.leaky_relu(x, 0.1)),
    "by a mask": (after(leaky), halved),
    "zeros by a mask": (after(lambda x: x.__setitem__(x < 0, 0.0)), F.relu),
    "by a view of columns": (after(lambda x: x[:, :2].mul_(2.0)), lambda x: x * SCALE),
    "by a chunk": (after(lambda x: x.split([2, 4], 1)[0].mul_(2.0)), lambda x: x * SCALE),
    "by the transpose": (after(lambda x: x.T[:2].mul_(2.0)), lambda x: x * SCALE),
    "by windows": (after(lambda x: x.unfold(1, 2, 2)[:, 0].mul_(2.0)), lambda x: x * SCALE),
    "by data": (after(lambda x: x.data[:, :2].mul_(2.0)), lambda x: x * SCALE),
    "by a detached one": (after(lambda x: x.detach()[:, :2].mul_(2.0)), lambda x: x * SCALE),
    "by the flat view": (after(lambda x: x.view(-1)[::6].zero_()), lambda x: x * KEPT),
    "by index_fill_": (after(lambda x: x.index_fill_(1, torch.tensor([0]), 0.0)), lambda x: x * KEPT),
    "by masked_fill_": (after(lambda x: x.masked_fill_(torch.arange(6) < 1, 0.0)), lambda x: x * KEPT),
    "by scatter_": (after(lambda x: x.scatter_(1, torch.zeros(len(x), 1, dtype=torch.long), 0.0)), lambda x: x * KEPT),
    "of columns for each other": (after(swapped), lambda x: x[:, [1, 0, 2, 3, 4, 5]]),
    "of a column": (after(first_from_fourth), column(3)),
    "by masked_scatter_": (
        after(lambda x: x.masked_scatter_((torch.arange(6) < 1).expand(len(x), -1), x[:, 3].clone())), column(3)
    ),
    "by index_put_": (after(lambda x: x.index_put_((torch.arange(len(x)), torch.tensor(0)), x[:, 3].clone())), column(3)),
    "by index_add_": (
        after(lambda x: x.index_add_(1, torch.tensor([0]), x[:, 3:4].clone())), lambda x: torch.cat([x[:, :1] + x[:, 3:4], x[:, 1:]], 1)
    ),
    "of its own mirror": (after(lambda x: x.add_(x.flip(1))), lambda x: x + x.flip(1)),
    "twice": (after(lambda x: x.mul_(2.0), lambda x: x[:, 0].zero_()), lambda x: 2.0 * x * KEPT),
    "unsqueeze_": (lambda x: x.clone().unsqueeze_(1), lambda x: x.unsqueeze(1)),
    "transpose_": (lambda x: square(x).clone().transpose_(1, 2), lambda x: square(x).mT),
    "t_ and back": (lambda x: x.clone().t_().t_(), lambda x: x),
    "copy_ into more": (lambda x: x.new_empty(len(x), 2, 6).copy_(x[:, None]), lambda x: x[:, None].expand(-1, 2, -1)),
    "the diagonal": (lambda x: (lambda m: (m.diagonal(0, 1, 2).copy_(x), m)[1])(x.new_zeros(len(x), 6, 6)), torch.diag_embed),
    "a sum in a loop": (summed, lambda x: x.new_zeros(len(x), 2) + x[:, :2] + x[:, 2:4] + x[:, 4:]),
    "a mask of truth": (lambda x: x * (x > 0), F.relu),
    "a mask of numbers": (lambda x: x * (x > 0).float(), F.relu),
    "the places of the largest": (lambda x: x.gather(1, x.argmax(1, keepdim=True)), lambda x: x.amax(1, keepdim=True)),
    "the order of their size": (lambda x: x.gather(1, x.argsort(1)), lambda x: x.sort(1).values),
    "channels last": (lambda x: image(x).to(memory_format=torch.channels_last), image),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_writes_are_what_they_leave(name):
    compared(*WRITES[name])


# ---------------------------------------------------------------------------------------------------------------------
# models


def block():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


class Symmetric(nn.Module):
    def forward(self, weight):
        return weight.triu() + weight.triu(1).mT


def parametrized():
    layer = nn.Linear(4, 4)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer


def pruned():
    layer = nn.Linear(4, 4)
    prune.l1_unstructured(layer, "weight", 0.5)
    return layer


LAYERS = {
    "weight norm": lambda: parametrizations.weight_norm(nn.Linear(4, 4)),
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Linear(4, 4)),
    "orthogonal": lambda: parametrizations.orthogonal(nn.Linear(4, 4)),
    "own parametrization": parametrized,
    "pruned": pruned,
}


@pytest.mark.parametrize("name", LAYERS)
def test_weights_that_are_computed_are_weights(name):
    layer, head = LAYERS[name]().double().eval(), nn.Linear(4, 2).double()
    plain, x = nn.Linear(4, 4).double(), torch.randn(3, 4, dtype=torch.float64)
    with torch.no_grad():
        plain.weight.copy_(layer.weight)
        plain.bias.copy_(layer.bias)
    models = [nn.Sequential(first, nn.Tanh(), head).eval() for first in (layer, plain)]
    found, expected = (attribute(model, x, torch.ones(3, 2)) for model in models)
    assert torch.allclose(found.relevance, expected.relevance, rtol=1e-12)


def hooked(model, hook):
    model[0].register_forward_hook(hook)
    return model


def within(context):
    return lambda p, x: context(p[0])(x)


CALLS = {
    "checkpoint": lambda p, x: checkpoint(p[0], x, use_reentrant=False),
    "no_grad": within(torch.no_grad()),
    "inference_mode": within(torch.inference_mode()),
    "enable_grad": within(torch.enable_grad()),
    "functional_call": lambda p, x: torch.func.functional_call(p[0], dict(p[0].named_parameters()), (x,)),
    "keywords": lambda p, x: F.linear(input=p[0][1](p[0][0](input=x)), weight=p[0][2].weight, bias=p[0][2].bias),
    "operators of aten": lambda p, x: torch.ops.aten.addmm(p[0][2].bias, torch.ops.aten.relu(p[0][0](x)), p[0][2].weight.t()),
    "a named tuple": lambda p, x: torch.max(torch.stack([p[0](x)] * 2), 0).values,
    "one case after the other": lambda p, x: torch.cat([p[0](one) for one in x.split(1)]),
    "no case more": lambda p, x: p[0](torch.cat([x, x[:, :0]], 1)),
    "DataParallel": lambda p, x: nn.DataParallel(p[0]).eval()(x),
    "fx": lambda p, x: torch.fx.symbolic_trace(block_of(p[0]))(x),
    "a layer of no outputs": lambda p, x: p[0](x) + F.linear(F.linear(x, x.new_zeros(0, 4)), x.new_zeros(3, 0)),
    "reduce": lambda p, x: functools.reduce(lambda h, part: part(h), p[0], x),
}  # fmt: skip


def block_of(sequence):
    """The layers once more: tracing a stand-in would trace what records it."""
    return nn.Sequential(*(getattr(sequence, str(k)) for k in range(3)))


@pytest.mark.parametrize("name", CALLS)
def test_calls_are_those_of_the_block(name):
    inner, x = block().double().eval(), torch.randn(3, 4, dtype=torch.float64)
    found = attribute(Of(CALLS[name], inner), x, torch.ones(3, 3))
    expected = attribute(inner, x, torch.ones(3, 3))
    assert torch.allclose(found.relevance, expected.relevance, rtol=1e-12)
    assert torch.allclose(sums(found), found.output, rtol=ROUNDING)


INPUTS = {
    "expanded": lambda: torch.randn(1, 4).expand(3, 4),
    "transposed": lambda: torch.randn(4, 3).T,
    "strided": lambda: torch.randn(3, 8)[:, ::2],
    "a parameter": lambda: nn.Parameter(torch.randn(3, 4)),
    "with a gradient": lambda: torch.randn(3, 4, requires_grad=True) * 2,
    "of inference": lambda: torch.inference_mode()(torch.randn)(3, 4),
    "no case": lambda: torch.randn(0, 4),
    "one case": lambda: torch.randn(1, 4),
    "huge": lambda: torch.randn(3, 4) * 1e30,
    "tiny": lambda: torch.randn(3, 4) * 1e-35,
    "zero": lambda: torch.zeros(3, 4),
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_of_any_kind_are_numbers(name):
    x, model = INPUTS[name](), block().eval()
    before = x.detach().clone()
    found = attribute(model, x, torch.ones(len(x), 3))
    assert torch.equal(x.detach(), before)
    assert torch.equal(found.relevance, attribute(model, before, torch.ones(len(x), 3)).relevance)
    size = found.relevance.double().abs().sum(1) + found.leak.abs()
    assert ((sums(found) - found.output).abs() <= 1e-6 * size).all()
