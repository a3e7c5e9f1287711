"""RAP's interior rule by pieces, from a layer's output, in single precision; memory that is freed on the way."""

import weakref

import pytest
import torch
from torch import nn

from wavenet.rap import attribute
from wavenet.rap.arithmetic import over, per_case, share_out
from wavenet.rap.rules import interior

from .test_rap_engine import Of

pytestmark = pytest.mark.usefixtures("seeded")


def network(first=nn.ReLU):
    return nn.Sequential(
        *(nn.Conv2d(2, 6, 3, padding=1), first(), nn.Conv2d(6, 5, 3, stride=2), nn.Tanh()),
        *(nn.Flatten(), nn.Linear(45, 30), nn.Tanh(), nn.Linear(30, 7), nn.ReLU(), nn.Linear(7, 2)),
    ).eval()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_pieces_are_the_whole(monkeypatch, dtype):
    """Few outputs of a dense layer, and few cases, at a time."""
    model, x = network().to(dtype), torch.randn(5, 2, 8, 8, dtype=dtype)
    selector = torch.randn(5, 2)
    whole = attribute(model, x, selector, dtype=dtype)
    calls, once = [], interior.influence_on

    def counted(*given):
        calls.append(1)
        return once(*given)

    monkeypatch.setattr(interior, "influence_on", counted)
    attribute(model, x, selector, dtype=dtype)
    before = len(calls)
    monkeypatch.setattr(interior, "_WEIGHTS", 64)
    monkeypatch.setattr(interior, "_VALUES", 2 * 6 * 64 * dtype.itemsize)
    pieces = attribute(model, x, selector, dtype=dtype)
    assert len(calls) - before > 2 * before
    rounding = 1e-12 if dtype is torch.float64 else 1e-5
    size = float(whole.relevance.abs().max())
    assert torch.allclose(pieces.relevance, whole.relevance, rtol=rounding, atol=rounding * size)
    assert torch.allclose(pieces.leak, whole.leak, atol=1e-6 * size)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("bias", [0.0, 1e-2, 1e5])
def test_single_precision_is_double_beside_large_biases(sign, bias):
    """The output is then a bias in which contributions of 1e-5 of it have lost their digits."""
    last = nn.Linear(6, 4)
    with torch.no_grad():
        last.bias.fill_(bias)
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 6), nn.Tanh(), last, nn.Tanh(), nn.Linear(4, 1))
    x = sign * torch.rand(20, 3)
    single, double = (attribute(model.eval(), x, torch.ones(20, 1), dtype=d) for d in (torch.float32, torch.float64))
    size = double.relevance.abs().amax(1, keepdim=True)
    assert ((single.relevance - double.relevance).abs() < 2e-4 * size).all()


def layer_of(weights, bias, x):
    """Relevance of a layer's inputs for an output of one behind it, in single and in double precision."""
    layer = nn.Linear(len(weights[0]), len(weights))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weights))
        layer.bias.fill_(bias)
    after = nn.Linear(len(weights), 1, bias=False)
    model = nn.Sequential(layer, nn.Identity(), after).eval()
    return [attribute(model, x, torch.ones(len(x), 1), dtype=d).relevance for d in (torch.float32, torch.float64)]


def test_a_bias_that_hides_the_contributions():
    """Of 1e4 beside contributions of 1: the output knows their sum to three digits; x positive, and of both signs."""
    for x in (torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[1.0, -2.0, 3.0]])):
        single, double = layer_of([[0.3, -0.25, 0.13], [-0.17, 0.41, 0.2]], 1e5, x)
        assert torch.allclose(single, double, rtol=1e-5)


def test_positive_contributions_that_negative_ones_hide():
    """1e-5 beside -100 in x of both signs: the sum of the positive ones is not what the output leaves of it."""
    x = torch.tensor([[1e-7, -1.0, 1.0]])
    single, double = layer_of([[100.0, 100.0, -3.0], [1.0, 0.4, 0.2]], 0.0, x)
    assert torch.allclose(single, double, rtol=1e-5)


def test_quotients_by_sums_of_one_sign():
    R = torch.tensor([1.0, -2.0, 3.0, 0.0, 4.0])
    total = torch.tensor([2.0, 0.0, 1e-36, 0.0, -1e-8])
    expected = torch.tensor([0.5, 0.0, 0.0, 0.0, 0.0])  # a sum below zero is rounding
    assert torch.equal(share_out(R, total.clone()), expected)
    total = torch.rand(100) + 0.01
    assert torch.equal(share_out(R[:1], total.clone()), over(R[:1], total))


def test_sums_of_many_numbers_in_single_precision():
    x = torch.rand(2, 3, 200011) - 0.4
    exact = x.double().flatten(1).sum(1)
    assert ((per_case(x) - exact).abs() < 1e-9 * x.abs().double().flatten(1).sum(1)).all()
    assert per_case(x).dtype is torch.float64


def test_values_behind_the_relevance_are_freed():
    """When the rule of the first operation is called nothing later is left of the recording."""
    later, alive = [], []

    def forward(parts, x):
        h = torch.sin(x)
        for part in parts:
            h = torch.tanh(part(h))
            later.append(weakref.ref(h))
        return h

    def rule(op, inputs, output, relevance):
        alive.extend(ref() is not None for ref in later)
        return (relevance,)

    model, x = Of(forward, nn.Linear(3, 4), nn.Linear(4, 5), nn.Linear(5, 2)), torch.randn(1, 3)
    attribute(model, x, torch.ones(1, 2), rules={"sin": rule}, dtype=torch.float32)
    assert alive == [False, False, True]  # the output stays
