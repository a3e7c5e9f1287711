"""RAP: every rule again, slowly, with dense matrices and loops; conservation; where it fails and why."""

import copy
import dataclasses
import itertools
import operator
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wavenet.rap import INPUT_RULES, RAP, SPLITS, UnsupportedOperation, attribute
from wavenet.rap.arithmetic import over, per_case
from wavenet.rap.explainer import Explainer
from wavenet.rap.layers import Layer
from wavenet.rap.rules import AlphaBeta, Epsilon, RelativeAttributing

ROUNDING = 1e-12  # float64, relative to sum |relevance|
SINGLE = 1e-6  # float32: the relevance's own rounding
DENSE = 1e-10  # float64, two orders of summation through a few layers


pytestmark = pytest.mark.usefixtures("seeded")


# ---------------------------------------------------------------------------------------------------------------------
# networks as lists of steps (operation, indices of the values it takes); value 0 is the input


class Tape(nn.Module):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps
        self.operations = nn.ModuleList([op for op, _ in steps if isinstance(op, nn.Module)])

    def values(self, x):
        values = [x]
        for op, taken in self.steps:
            given = [values[k] for k in taken]
            values.append(op(given, 1) if op is torch.cat else op(*given))
        return values

    def forward(self, x):
        return self.values(x)[-1]


WEIGHTED = (
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
PROPORTIONAL = (nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Upsample)
INDEX = (nn.ZeroPad2d, nn.ReflectionPad2d, nn.PixelShuffle)
WINNER = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)


def matrix(op, shape):
    """op's linear part as a dense w[i, j], from unit vectors."""
    n = int(np.prod(shape))
    units = torch.eye(n, dtype=torch.float64).reshape(n, *shape)
    zero = op(torch.zeros(1, *shape, dtype=torch.float64))
    return (op(units) - zero).detach().flatten(1).numpy()


def quotient(a, b):
    return a / b if b != 0 else 0.0 * a


def shifted(C, total):
    count, surplus = sum(c != 0 for c in C), C.sum() - total
    return np.array([c - surplus / count if c != 0 else 0.0 for c in C])


def interior(A, B, R, reference):
    C = np.zeros(len(A))
    for j, r in enumerate(R):
        if r == 0:
            continue
        a, b = A[:, j], B[:, j]
        P, N = a.sum(), b.sum()
        if reference and r < 0:
            C += quotient(b, N) * r
        else:
            C += quotient(a, P) * r
        C += quotient(b, P + N) * r
    return C


def slow_weighted(w, x, R, split, convolution):
    z = x[:, None] * w
    if split == "contribution":
        return shifted(interior(np.maximum(z, 0), np.maximum(-z, 0), R, False), sum(R))
    strength = [np.abs(z[:, j]) for j in range(len(R))]
    share = np.array([quotient(s[x < 0].sum(), s.sum()) for s in strength])
    dead = np.array([s.sum() == 0 for s in strength])
    live = R != 0
    rest = sum(R[dead])
    of_half = [np.abs(z[side][:, live]).sum() for side in (x >= 0, x < 0)]
    totals = [
        sum((R * (1 - share))[~dead]) + rest * quotient(of_half[0], sum(of_half)),
        sum((R * share)[~dead]) + rest * quotient(of_half[1], sum(of_half)),
    ]
    parts = []
    for side, part in ((x >= 0, np.where(dead, 0, 1 - share)), (x < 0, share)):
        size = np.abs(x) * side
        A, B = size[:, None] * np.maximum(w, 0), size[:, None] * np.maximum(-w, 0)
        parts.append(interior(A, B, R * part, split == "reference" and convolution))
    for k in (0, 1):
        if not any(parts[k]):
            totals[1 - k], totals[k] = sum(R), 0.0
    return shifted(parts[0], totals[0]) + shifted(parts[1], totals[1])


def slow_zb(w, x, R):
    n = x[:, None] * w - min(x) * np.maximum(w, 0) - max(x) * np.minimum(w, 0)
    return sum(quotient(n[:, j], n[:, j].sum()) * R[j] for j in range(len(R)))


def slow_output(w, x, c, total):
    C = sum(x * w[:, j] * c[j] for j in range(len(c)))
    return quotient(np.abs(C) * total, np.abs(C).sum())


def slow(tape, x, selector, split, input_rule):
    """Relevance of one case (no batch axis) through the tape's steps, backwards."""
    values = [v[0].detach() for v in tape.values(x[None])]
    relevance = [np.zeros(v.numel()) for v in values]
    selectors = [None] * len(values)  # None: not reached; False: reached through weights
    deep = [False]
    for _, taken in tape.steps:
        deep.append(any(deep[k] or (k and isinstance(tape.steps[k - 1][0], WEIGHTED)) for k in taken))
    selectors[-1] = selector.numpy().ravel()
    relevance[-1] = selectors[-1] * values[-1].numpy().ravel()
    for at in range(len(values) - 1, 0, -1):
        op, taken = tape.steps[at - 1]
        R, c, y = relevance[at], selectors[at], values[at].numpy().ravel()
        xs = [values[k].numpy().ravel() for k in taken]
        if c is None:
            continue
        sent_c = [False] * len(taken)
        if isinstance(op, WEIGHTED):
            w = matrix(op, values[taken[0]].shape)
            if c is not False:
                sent = [slow_output(w, xs[0], c, sum(R))]
            elif input_rule == "zB" and not deep[at]:
                sent = [slow_zb(w, xs[0], R)]
            else:
                sent = [slow_weighted(w, xs[0], R, split, not isinstance(op, nn.Linear))]
        elif op is torch.cat:
            ends = np.cumsum([len(v) for v in xs])[:-1]
            sent = np.split(R, ends)
            sent_c = sent_c if c is False else np.split(c, ends)
        elif op is operator.add:
            size = sum(np.abs(v) for v in xs)
            sent = [
                np.array([abs(v) / s * r if s else r / len(xs) for v, s, r in zip(one, size, R, strict=True)])
                for one in xs
            ]
            sent_c = [c] * len(xs)
        elif isinstance(op, WINNER):
            pool = {nn.MaxPool1d: F.max_pool1d, nn.MaxPool2d: F.max_pool2d, nn.MaxPool3d: F.max_pool3d}[type(op)]
            index = pool(values[taken[0]][None], op.kernel_size, return_indices=True)[1][0].flatten(1)
            size = values[taken[0]][0].numel()
            place = [k * size + int(i) for k, row in enumerate(index) for i in row]
            sent = [np.zeros_like(xs[0])]
            for j, i in enumerate(place):
                sent[0][i] += R[j] if y[j] != 0 else 0
            if c is not False:
                sent_c = [np.zeros_like(xs[0])]
                for j, i in enumerate(place):
                    sent_c[0][i] += c[j]
        elif isinstance(op, PROPORTIONAL + INDEX):
            w = matrix(op, values[taken[0]].shape)
            proportional = isinstance(op, PROPORTIONAL)
            sent = [slow_weighted(w, xs[0], R, split, False) if proportional else w @ R]
            sent_c = [False if c is False else w @ c]
        elif isinstance(op, nn.BatchNorm2d):
            sent, slope = [R], (op.weight / torch.sqrt(op.running_var + op.eps)).detach().numpy()
            sent_c = [c if c is False else c * slope.repeat(len(c) // len(slope))]
        else:  # activations, flatten
            sent, sent_c = [R], [c]
        for k, r, s in zip(taken, sent, sent_c, strict=True):
            relevance[k] = relevance[k] + np.asarray(r)
            if s is False or selectors[k] is False:
                selectors[k] = False
            else:
                selectors[k] = s if selectors[k] is None else selectors[k] + s
    return relevance[0].reshape(x.shape)


ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.SiLU, nn.GELU, nn.LeakyReLU)


def dense_network(act):
    return Tape([(nn.Linear(5, 7), [0]), (act(), [1]), (nn.Linear(7, 6), [2]), (act(), [3]), (nn.Linear(6, 3), [4])])


def straight_network(act):
    steps = [
        (nn.Conv2d(2, 4, 3, padding=1, stride=2, groups=2), [0]),
        (act(), [1]),
        (nn.Conv2d(4, 3, 2, dilation=2, padding=1), [2]),
        (act(), [3]),
        (nn.Flatten(), [4]),
        (nn.Linear(12, 4), [5]),
        (nn.Tanh(), [6]),
    ]
    return Tape(steps), (2, 4, 4)


def skip_network(act, pool, up, twice):
    """Two levels, a residual block, a skip; two output layers added if asked for."""
    steps = [
        (nn.Conv2d(2, 3, 3, padding=1), [0]),
        (act(), [1]),
        (nn.Conv2d(3, 3, 3, padding=1), [2]),
        (operator.add, [2, 3]),
        (act(), [4]),
        (pool, [5]),
        (nn.Conv2d(3, 4, 1), [6]),
        (act(), [7]),
        (up, [8]),
        (torch.cat, [9, 5]),
        (nn.Conv2d(7, 2, 3, padding=1), [10]),
    ]
    if twice:
        steps += [(nn.Conv2d(3, 2, 1), [5]), (nn.Tanh(), [12]), (operator.add, [11, 13])]
    return Tape(steps), (2, 4, 4)


def networks():
    for act in ACTIVATIONS:
        yield pytest.param(lambda act=act: (dense_network(act), (5,)), id=f"linear-{act.__name__}")
        yield pytest.param(lambda act=act: straight_network(act), id=f"conv-{act.__name__}")
    turns = itertools.cycle((False, True))
    for act, (pool, up) in itertools.product(
        ACTIVATIONS,
        (
            (nn.MaxPool2d, lambda: nn.ConvTranspose2d(4, 4, 2, stride=2)),
            (nn.AvgPool2d, lambda: nn.Upsample(scale_factor=2, mode="bilinear")),
        ),
    ):
        twice = next(turns)
        yield pytest.param(
            lambda act=act, pool=pool, up=up, twice=twice: skip_network(act, pool(2), up(), twice),
            id=f"skip-{act.__name__}-{pool.__name__}-{twice}",
        )


class Draw:
    """A random network of a few steps, its shapes followed; every kind of layer is drawn sooner or later."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        axes = int(self.random.integers(1, 4))
        self.shape = (int(self.random.integers(1, 4)), *({1: (12,), 2: (6, 6), 3: (4, 4, 3)}[axes]))
        self.first, self.steps, self.at, self.kept = self.shape, [], 0, []
        for _ in range(int(self.random.integers(3, 8))):
            self.step()
        if self.random.random() < 0.5:
            self.add(nn.Flatten(), (int(np.prod(self.shape)),))
            self.add(nn.Linear(self.shape[0], 3), (3,))
        else:
            self.convolve()

    def add(self, op, shape, *others):
        self.steps.append((op, [self.at, *others]))
        self.at, self.shape = len(self.steps), shape

    def pick(self, *options):
        return options[int(self.random.integers(len(options)))]

    def convolve(self, channels=None):
        axes, after = len(self.shape) - 1, channels or int(self.random.integers(1, 4))
        kernel, dilation = self.pick(1, 2, 3), self.pick(1, 1, 2)
        if min(self.shape[1:]) < 2:
            kernel = dilation = 1
        groups = self.shape[0] if self.random.random() < 0.2 else 1
        kind = getattr(nn, f"Conv{axes}d")
        if self.random.random() < 0.3:
            op = kind(self.shape[0], after * groups, kernel, padding="same", dilation=dilation, groups=groups)
        elif self.random.random() < 0.6 or min(self.shape[1:]) < 3:
            step, pad = self.pick(1, 2), dilation * (kernel - 1) // 2
            op = kind(self.shape[0], after * groups, kernel, step, pad, dilation, groups)
        else:
            step, more = self.pick((1, 0), (2, 0), (2, 1))
            kind = getattr(nn, f"ConvTranspose{axes}d")
            op = kind(self.shape[0], after * groups, kernel, step, self.pick(0, (kernel - 1) // 2), more, groups)
        shape = op(torch.zeros(1, *self.shape)).shape[1:]
        if min(shape) > 0 and np.prod(shape) < 500:
            self.add(op, tuple(shape))

    def step(self):
        axes, kinds = len(self.shape) - 1, ["convolve", "convolve", "act", "act", "branch", "pool", "other"]
        kind = self.pick(*kinds)
        if kind == "convolve":
            self.convolve()
        elif kind == "act":
            self.add(self.pick(*ACTIVATIONS)(), self.shape)
        elif kind == "branch":
            start, shape = self.at, self.shape
            self.convolve(shape[0])
            self.add(self.pick(*ACTIVATIONS)(), self.shape)
            if self.shape == shape:
                self.add(operator.add, shape, start)
            elif self.shape[1:] == shape[1:]:
                self.add(torch.cat, (self.shape[0] + shape[0], *shape[1:]), start)
        elif kind == "pool" and min(self.shape[1:]) > 1 and axes < 3:
            op = self.pick(getattr(nn, f"MaxPool{axes}d"), getattr(nn, f"AvgPool{axes}d"))(2)
            self.add(op, (self.shape[0], *(n // 2 for n in self.shape[1:])))
        elif kind == "pool" and min(self.shape[1:]) > 1:
            self.add(nn.MaxPool3d(2), (self.shape[0], *(n // 2 for n in self.shape[1:])))
        elif axes == 2 and np.prod(self.shape) < 130:
            c, n, k = self.shape
            options = [
                (nn.Upsample(scale_factor=2), (c, 2 * n, 2 * k)),
                (nn.ZeroPad2d((1, 0, 0, 2)), (c, n + 2, k + 1)),
            ]
            norm = nn.BatchNorm2d(c)
            nn.init.uniform_(norm.weight, 0.5, 2.0)
            nn.init.uniform_(norm.bias)
            options += [(norm, self.shape), (nn.AdaptiveAvgPool2d((2, 1)), (c, 2, 1))]
            options += [(nn.PixelShuffle(2), (c // 4, 2 * n, 2 * k))] * (c % 4 == 0)
            self.add(*options[int(self.random.integers(len(options)))])


def by_case(x):
    return x.double().flatten(1).sum(1)


def total(found):
    """Relevance and leaks, case by case."""
    relevance = found.relevance if isinstance(found.relevance, tuple) else (found.relevance,)
    return sum(by_case(r) for r in relevance) + found.leak


def size(found):
    relevance = found.relevance if isinstance(found.relevance, tuple) else (found.relevance,)
    return sum(by_case(r.abs()) for r in relevance)


# ---------------------------------------------------------------------------------------------------------------------
# second route


@pytest.mark.parametrize("build", list(networks()))
def test_relevance_is_that_of_dense_loops(build):
    tape, shape = build()
    tape = tape.double().eval()
    x = torch.randn(2, *shape, dtype=torch.float64)
    selector = torch.randn_like(tape(x))
    for split, input_rule in itertools.product(SPLITS, INPUT_RULES):
        found = attribute(tape, x, selector, split=split, input_rule=input_rule)
        for case in range(2):
            expected = slow(tape, x[case], selector[case], split, input_rule)
            scale = np.abs(expected).sum()
            assert np.abs(found.relevance[case].numpy() - expected).max() < DENSE * scale, (split, input_rule)
        y = by_case(selector * tape(x)).detach()
        assert ((total(found) - y).abs() <= ROUNDING * size(found)).all()
        assert torch.allclose(found.output, y, rtol=1e-14)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_a_hundred_random_networks():
    drawn, cut = set(), 0
    for seed in range(100):
        torch.manual_seed(seed)
        draw = Draw(seed)
        tape, random = Tape(draw.steps).double().eval(), np.random.default_rng([seed, 1])
        drawn |= {type(op).__name__ for op, _ in draw.steps}
        x = torch.randn(1, *draw.first, dtype=torch.float64)
        selector = torch.randn_like(tape(x))
        if seed % 2:  # one output: most of the network has no relevance
            kept = torch.zeros_like(selector).flatten()
            kept[random.integers(len(kept))] = 1.0
            selector, cut = kept.reshape(selector.shape), cut + 1
        split, input_rule = SPLITS[seed % 3], INPUT_RULES[seed // 3 % 2]
        found = attribute(tape, x, selector, split=split, input_rule=input_rule)
        expected = slow(tape, x[0], selector[0], split, input_rule)
        scale = np.abs(expected).sum() + abs(float(found.output))
        assert np.abs(found.relevance[0].numpy() - expected).max() <= DENSE * scale, (seed, split, input_rule)
        assert abs(float(total(found) - found.output)) <= ROUNDING * scale
    kinds = (*WEIGHTED, *PROPORTIONAL, *WINNER, nn.ZeroPad2d, *ACTIVATIONS, nn.BatchNorm2d, nn.Flatten)
    assert {*(kind.__name__ for kind in kinds), "builtin_function_or_method"} <= drawn
    assert cut == 50


@pytest.mark.parametrize(
    "layer",
    [
        nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2),
        nn.ConvTranspose2d(4, 2, 3, dilation=2),
        nn.Conv2d(4, 6, (3, 1), padding="same", groups=2),
    ],
)
def test_structured_weights_are_dense_weights(layer):
    tape = Tape([(layer, [0]), (nn.Tanh(), [1]), (nn.Flatten(), [2]), (nn.LazyLinear(3), [3])]).double().eval()
    x = torch.randn(1, 4, 3, 3, dtype=torch.float64)
    selector = torch.randn_like(tape(x))
    for split in SPLITS:
        found = attribute(tape, x, selector, split=split).relevance[0].numpy()
        expected = slow(tape, x[0], selector[0], split, "interior")
        assert np.abs(found - expected).max() < DENSE * np.abs(expected).sum()


def test_conv1d_and_a_bias_that_alone_explains_an_output():
    first = nn.Conv1d(1, 3, 1)
    tape = Tape([(first, [0]), (nn.Tanh(), [1]), (nn.Conv1d(3, 2, 1), [2])]).double().eval()
    with torch.no_grad():
        first.weight[0] = 0.0  # its output has relevance, but no contributions
    x = torch.tensor([[[1.0, -2.0, 3.0, 0.0]]], dtype=torch.float64)
    selector = torch.ones_like(tape(x))
    for split in SPLITS:
        found = attribute(tape, x, selector, split=split)
        assert np.allclose(found.relevance[0], slow(tape, x[0], selector[0], split, "interior"), rtol=DENSE)
        assert found.relevance[0, 0, 3] == 0
        assert found.leak.abs() < ROUNDING * size(found)


# ---------------------------------------------------------------------------------------------------------------------
# identities


class Unet(nn.Module):
    def __init__(self, depth, act=nn.SiLU):
        super().__init__()
        width = [4 * 2 ** min(k, 3) for k in range(depth + 1)]

        def block(a, b):
            return nn.Sequential(
                nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), act(), nn.Conv2d(b, b, 3, padding=1), act()
            )

        self.down = nn.ModuleList([block(a, b) for a, b in zip([2, *width], width[:depth], strict=False)])
        self.bottom = block(width[depth - 1], width[depth])
        self.wide = nn.ModuleList([nn.ConvTranspose2d(width[k + 1], width[k], 2, stride=2) for k in range(depth)])
        self.up = nn.ModuleList([block(2 * width[k], width[k]) for k in range(depth)])
        self.head = nn.Conv2d(width[0], 3, 1)
        self.register_buffer("mask", (torch.rand(1, 1, 1, 64) > 0.2).float())

    def forward(self, x):
        if x.ndim != 4 or x.shape[-1] % 2 ** len(self.down):  # a test of shapes as networks make it
            raise ValueError(f"got {tuple(x.shape)}")
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for k in reversed(range(len(self.up))):
            x = self.up[k](torch.cat([self.wide[k](x), skips[k]], dim=1))
        return 0.1 * self.head(x) * self.mask


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, SINGLE), (torch.float64, ROUNDING)])
@pytest.mark.parametrize("split", SPLITS)
def test_six_levels_conserve(dtype, tolerance, split):
    model = Unet(6).to(dtype).eval()
    x = torch.randn(2, 2, 128, 64, dtype=dtype)
    with torch.no_grad():
        selector = (torch.rand(2, 3, 128, 64) < 0.02).to(dtype)
        y = by_case(selector.double() * model(x).double())
    found = attribute(model, x, selector, split=split)
    assert found.relevance.dtype == dtype
    assert ((by_case(found.relevance) - y).abs() < tolerance * size(found)).all()
    for layer in found.layers:
        assert ((layer.incoming - layer.outgoing - layer.leak).abs() < ROUNDING * size(found)).all()
        assert (layer.leak.abs() < tolerance * size(found)).all(), layer.name
    assert found.layers[0].incoming.shape == (2,)
    assert {"head", "bottom.0", "down.0.1"} <= {layer.name for layer in found.layers}
    assert [layer.kind for layer in found.layers if layer.kind.startswith("output")] == ["output convolution"]


def test_splits_coincide_for_positive_activations():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)).double().eval()
    x = torch.rand(3, 6, dtype=torch.float64)
    one = torch.tensor([0.0, 1.0], dtype=torch.float64).expand(3, 2)
    by_sign, by_weight, reference = (attribute(model, x, one, split=split).relevance for split in SPLITS)
    assert torch.allclose(by_sign, by_weight, rtol=1e-12)
    assert torch.equal(by_weight, reference)  # linear layers only


def test_cases_do_not_see_each_other():
    model = Unet(2).double().eval()
    x = torch.randn(3, 2, 16, 64, dtype=torch.float64)
    selector = torch.randn(3, 3, 16, 64, dtype=torch.float64)
    together = attribute(model, x, selector).relevance
    alone = torch.cat([attribute(model, x[k : k + 1], selector[k : k + 1]).relevance for k in range(3)])
    assert (together - alone).abs().sum() < DENSE * alone.abs().sum()


def test_output_layer_alone_is_influence_in_size():
    model = nn.Linear(3, 2).double().eval()
    x = torch.tensor([[1.0, -2.0, 0.0]], dtype=torch.float64)
    found = attribute(model, x, torch.tensor([[1.0, -1.0]], dtype=torch.float64))
    C = (x[0] * (model.weight[0] - model.weight[1])).abs().detach()
    y = (model(x)[0, 0] - model(x)[0, 1]).item()
    assert torch.allclose(found.relevance[0], C / C.sum() * y, rtol=1e-14)


def test_a_mask_takes_its_outputs_out_of_the_selector():
    layer = nn.Linear(3, 2).double()

    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer
            self.register_buffer("mask", torch.tensor([1.0, 0.0], dtype=torch.float64))

        def forward(self, x):
            return self.layer(x) * self.mask

    x = torch.randn(2, 3, dtype=torch.float64)
    both = attribute(Masked().eval(), x, torch.ones(2, 2)).relevance
    first = attribute(layer.eval(), x, torch.tensor([[1.0, 0.0]] * 2)).relevance
    assert torch.allclose(both, first, rtol=1e-14)


class Functional(nn.Module):
    """The same steps as functions, methods and operators; two inputs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.weight = nn.Parameter(torch.randn(2, 4, 3, 3))
        self.out = nn.Parameter(torch.randn(5, 8))
        self.act = nn.ReLU(inplace=True)

    def forward(self, a, b):
        x = F.pad(torch.cat((a, b[:, :1]), 1), (1, 1, 1, 1))
        x = self.act(self.conv(x))
        skip = x
        x = F.conv2d(torch.tanh(x), self.weight, padding=1)
        x += skip[:, :2]
        first, second = x.chunk(2, dim=1)
        x = torch.stack([first, -second], 2).squeeze(1)
        x = F.dropout(F.avg_pool2d(F.silu(x), 2), 0.5, self.training)
        x = (2.0 * x - 1.0) / 3.0
        x = F.interpolate(x, scale_factor=2, mode="nearest").mean((2,)).permute(0, 2, 1).reshape(x.shape[0], -1)
        return F.linear(x, self.out)


def test_functions_are_modules():
    model = Functional().double().eval()
    a, b = torch.randn(2, 2, 4, 4, dtype=torch.float64), torch.randn(2, 2, 4, 4, dtype=torch.float64)
    kept = a.clone(), b.clone()
    selector = torch.randn(2, 5, dtype=torch.float64)
    for split, input_rule in itertools.product(SPLITS, INPUT_RULES):
        found = attribute(model, (a, b), selector, split=split, input_rule=input_rule)
        assert isinstance(found.relevance, tuple)
        assert [r.shape for r in found.relevance] == [a.shape, b.shape]
        assert (found.relevance[1][:, 1] == 0).all()
        assert ((total(found) - found.output).abs() < ROUNDING * size(found)).all()
        for layer in found.layers:  # z^B gives relevance to the zeros that forward put around the input
            tight = (layer.leak.abs() < ROUNDING * size(found)).all()
            assert tight or (layer.name, input_rule) == ("pad", "zB"), layer.name
    assert torch.equal(a, kept[0])
    assert torch.equal(b, kept[1])


def test_in_place_addition_splits_by_the_summands_before_it():
    class Residual(nn.Module):
        def forward(self, x):
            y = x * 2.0
            y += x[:, [1, 0]]
            return y

    x = torch.tensor([[1.0, -3.0]], dtype=torch.float64)
    found = attribute(Residual().eval(), x, torch.tensor([[1.0, 0.0]]))
    # y_0 = 2 - 3: |2| and |3| share -1
    assert torch.allclose(found.relevance, torch.tensor([[-0.4, -0.6]], dtype=torch.float64), rtol=1e-14)


def test_a_model_stays_as_it_was():
    for dtype in (torch.float32, torch.float64):
        model = Unet(2).to(dtype).eval()
        before = copy.deepcopy(model.state_dict())
        x = torch.randn(1, 2, 8, 64, dtype=dtype, requires_grad=True)
        attribute(model, x, torch.ones(1, 3, 8, 64))
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
        assert all(p.grad is None and p.requires_grad and p.dtype == dtype for p in model.parameters())
        assert all(not m._forward_hooks and not m._forward_pre_hooks and not m.training for m in model.modules())
        assert x.grad is None
    with torch.inference_mode():
        assert torch.isfinite(attribute(model, x.detach(), torch.ones(1, 3, 8, 64)).relevance).all()


# ---------------------------------------------------------------------------------------------------------------------
# where it is not conserved


def test_no_contributions_leak():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double().eval()
    x = torch.tensor([[0.0, 0.0], [1.0, -1.0]], dtype=torch.float64)
    for split in SPLITS:
        found = attribute(model, x, torch.ones(2, 1), split=split)
        assert (found.relevance[0] == 0).all()
        (layer,) = (layer for layer in found.layers if layer.name == "0")
        assert torch.allclose(layer.leak[0], found.output[0], rtol=1e-12)
        assert layer.leak[1].abs() < ROUNDING * size(found)[1]
        assert torch.allclose(total(found), found.output, rtol=1e-12)


def test_maximum_pooled_from_zeros_leaks():
    class Pooled(nn.Module):
        def forward(self, x):
            return F.max_pool2d(x, 2) + 1.0

    x = torch.zeros(1, 1, 2, 4, dtype=torch.float64)
    x[..., 0, 3] = 2.0
    found = attribute(Pooled().eval(), x, torch.ones(1, 1, 1, 2))
    assert found.relevance[0, 0, 0].tolist() == [0.0, 0.0, 0.0, 3.0]
    assert [layer.leak.item() for layer in found.layers if layer.kind == "winner"] == [1.0]
    assert found.leak.item() == 1.0


def test_an_average_that_cancels_is_explained_and_a_constant_channel_leaks():
    class Averaged(nn.Module):
        def forward(self, x):
            return F.avg_pool1d(torch.cat([x, torch.ones_like(x)], 1), 3) + 1.0

    x = torch.tensor([[[0.1, 0.2, -0.3]]], dtype=torch.float64)  # the sum is 2.8e-17 in floating point
    found = attribute(Averaged().eval(), x, torch.ones(1, 2, 1))
    leaks = {layer.kind: layer.leak.item() for layer in found.layers if abs(layer.leak.item()) > 1e-12}
    # By hand: R = 1, 2 at the outputs, P = 0.1 = N and P = 1: C = 1/3, 2/3, 1/2 and 2/3 each, and 1/12 off each.
    assert found.relevance[0, 0].tolist() == pytest.approx([1 / 3 - 1 / 12, 2 / 3 - 1 / 12, 1 / 2 - 1 / 12], rel=1e-12)
    assert leaks == {"index": pytest.approx(3 * (2 / 3 - 1 / 12))}


def test_reference_loses_negative_relevance_without_negative_weights():
    head = nn.Linear(4, 1, bias=False)
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.Tanh(), head).double().eval()
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        head.weight.fill_(-1.0)
    x = torch.rand(1, 1, 2, 2, dtype=torch.float64)
    assert attribute(model, x, torch.ones(1, 1), split="weight").leak.abs() < ROUNDING
    found = attribute(model, x, torch.ones(1, 1), split="reference")
    assert (found.relevance == 0).all()
    assert torch.allclose(found.leak, found.output, rtol=1e-12)


# ---------------------------------------------------------------------------------------------------------------------
# operations without a rule, and rules of one's own


class Gate(nn.Module):
    """Scales by the input's own size."""

    rap_passes_through = True

    def forward(self, x, other=None):
        return x * x.abs().amax((1,), keepdim=True)


def test_a_module_may_declare_itself_elementwise():
    inner = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x = torch.randn(2, 3, dtype=torch.float64)
    found = attribute(nn.Sequential(inner, Gate()).eval(), x, torch.ones(2, 2))
    plain = attribute(inner.eval(), x, torch.ones(2, 2))
    ratio = found.output / plain.output  # a scale by case: the same explanation of another total
    assert torch.allclose(found.relevance, plain.relevance * ratio[:, None], rtol=1e-12)
    assert found.layers[0].kind == "declared"


def test_nothing_goes_back_through_a_declared_module_s_scale():
    class Scaled(Gate):
        def forward(self, x, scale):
            return x * scale

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.scaled = nn.Linear(3, 2).double(), Scaled()

        def forward(self, x):
            scale = x.square().mean(1, keepdim=True).sqrt()  # no rule takes relevance through these
            return self.scaled(self.layer(x / scale), scale)

    model = build(lambda m, x: m.parts[0](m.parts[1](x)), Model(), nn.Identity())
    x = torch.randn(2, 3, dtype=torch.float64)
    scaled = attribute(model, x, torch.ones(2, 2))
    x_over = {operator.truediv: lambda op, inputs, output, relevance: (relevance, None)}
    found = attribute(model, x, torch.ones(2, 2), rules=x_over)
    assert torch.allclose(found.relevance.sum(1), found.output, rtol=1e-12)
    assert torch.equal(found.relevance, scaled.relevance)  # the built-in rule: the numerator takes all


def test_a_declared_module_keeps_its_shape():
    class Shrinking(Gate):
        def forward(self, x):
            return x[:, :1]

    with pytest.raises(UnsupportedOperation, match=r"rap_passes_through.*\(1, 3\) into \(1, 1\)"):
        attribute(Shrinking().eval(), torch.ones(1, 3), torch.ones(1, 1))


def build(forward, *modules):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList(modules)

        def forward(self, x):
            return forward(self, x)

    return Model().eval()


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda m, x: torch.softmax(x, 1), "softmax"),
        (lambda m, x: torch.cumprod(x, 1), r"cumprod \(cumprod\); register one with rules=\{\"cumprod\": rule\}"),
        (lambda m, x: torch.complex(x, x).tanh().real, "tanh.* of complex values"),
        (lambda m, x: x.flatten()[None].expand(4, -1)[:, :6], "batch axis"),
        (lambda m, x: F.dropout(x, 1e-30, True), "drops in eval mode"),
        (lambda m, x: nn.functional.linear(x, x[:, :6]), "linear"),
    ],
)
def test_unknown_operations_are_named(forward, message):
    model = build(forward)
    x = torch.ones(4, 6)
    with pytest.raises(UnsupportedOperation, match=message):
        attribute(model, x, torch.ones_like(model(x)))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.BatchNorm2d(1, track_running_stats=False), "running statistics"),
        (nn.Threshold(0.1, 0.0), "Threshold"),
    ],
)
def test_unknown_modules_are_named(layer, message):
    model = build(lambda m, x: m.parts[0](x), layer)
    x = torch.rand(1, 1, 4, 4)
    with pytest.raises(UnsupportedOperation, match=message):
        attribute(model, x, torch.ones_like(model(x)))


def test_output_size_is_that_of_the_call():
    layer = nn.ConvTranspose2d(1, 1, 1, stride=2)
    model = build(lambda m, x: m.parts[0](x, output_size=(4, 4)), layer)
    x, selector = torch.rand(1, 1, 2, 2), torch.ones(1, 1, 4, 4)
    wide = nn.ConvTranspose2d(1, 1, 1, stride=2, output_padding=1).eval()
    wide.load_state_dict(layer.state_dict())
    assert torch.equal(attribute(model, x, selector).relevance, attribute(wide, x, selector).relevance)


def test_a_layer_takes_cases_in_front():
    model = build(lambda m, x: m.parts[0](x.transpose(0, 1)).transpose(0, 1), nn.Linear(3, 3))
    with pytest.raises(UnsupportedOperation, match=r"cases in front|batch axis"):
        attribute(model, torch.ones(3, 5), torch.ones(3, 5))


def test_a_rule_may_be_registered():
    called = []

    def gated(op, inputs, output, relevance):
        called.append(op)
        return relevance, None

    def halved(op, inputs, output, relevance):
        return relevance / 2

    model = build(lambda m, x: m.parts[1](m.parts[0](x)) * torch.sigmoid(x), nn.Linear(3, 3), nn.Softmax(1)).double()
    x = torch.randn(2, 3, dtype=torch.float64)
    found = attribute(model, x, torch.ones(2, 3), rules={operator.mul: gated, nn.Softmax: halved})
    assert called == [operator.mul]
    (layer,) = (layer for layer in found.layers if layer.name == "parts.1")
    assert torch.allclose(layer.leak, found.output / 2, rtol=1e-12)
    assert torch.allclose(total(found), found.output, rtol=1e-12)
    wrong = {operator.mul: gated, nn.Softmax: lambda op, inputs, output, relevance: relevance[:, :1]}
    with pytest.raises(ValueError, match=r"parts\.1 must return shapes \[\(2, 3\)\], got \[\(2, 1\)\]"):
        attribute(model, x, torch.ones(2, 3), rules=wrong)


# ---------------------------------------------------------------------------------------------------------------------
# at the door


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "half"}, "split must be one of 'contribution', 'weight', 'reference', got 'half'"),
        ({"input_rule": "zb"}, "input_rule must be one of 'interior', 'zB', got 'zb'"),
        ({"inputs": torch.ones(2, 3, dtype=torch.complex64)}, "complex64"),
        ({"inputs": torch.ones(2, 3, dtype=torch.int64)}, "int64"),
        ({"inputs": (torch.ones(2, 3), torch.ones(3, 3))}, "batch axis"),
        ({"inputs": ()}, "got none"),
        ({"selector": torch.ones(2)}, r"\(2, 1\), got \(2,\)"),
        ({"selector": torch.ones(2, 1, dtype=torch.complex64)}, "complex64"),
        ({"model": nn.Sequential(nn.Linear(3, 1), nn.Dropout())}, "training mode in Sequential"),
        ({"model": build(lambda m, x: (x, x))}, "one tensor .*tuple"),
        ({"model": build(lambda m, x: torch.complex(x, x))}, "must be real, got torch.complex"),
        ({"selector": torch.full((2, 1), torch.nan)}, "selector must be finite"),
        ({"dtype": torch.float16}, "float32 or torch.float64, got torch.float16"),
        ({"model": build(lambda m, x: x[:, :1] / 0)}, "finite"),
        ({"model": build(lambda m, x: torch.ones(2, 1))}, "depends on its inputs"),
        ({"model": build(lambda m, x: x.sum())}, "got a single number"),
        ({"model": nn.Linear(3, 1).half().eval()}, "float32 or float64, got torch.float16 in weight"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    given = {"model": nn.Linear(3, 1).eval(), "inputs": torch.ones(2, 3), "selector": torch.ones(2, 1), **change}
    with pytest.raises(ValueError, match=message):
        attribute(given.pop("model"), given.pop("inputs"), given.pop("selector"), **given)


class Written(nn.Module):
    """Values on their way through what no graph shows."""

    def __init__(self, way):
        super().__init__()
        self.way, self.layer = way, nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x) + self.way(x)


def set_items(x):
    b = torch.zeros(len(x), 2, dtype=x.dtype)
    b[:, 0] = x[:, 0]
    return b


def copied(x):
    return torch.zeros(len(x), 2, dtype=x.dtype).copy_(x)


@pytest.mark.parametrize(
    ("way", "message"),
    [
        (lambda x: torch.mul(x, 2.0, out=torch.zeros(len(x), 2, dtype=x.dtype)), "mul with out="),
        (lambda x: torch.from_numpy(np.sin(x.detach().numpy())), "numpy"),
        (lambda x: torch.tensor(x.tolist()), "tolist"),
        (lambda x: nn.functional.linear(x, torch.ones(2, dtype=x.dtype))[:, None], r"weight of shape \(2,\)"),
    ],
)
def test_what_no_graph_shows_is_refused(way, message):
    with pytest.raises(UnsupportedOperation, match=message):
        attribute(Written(way).eval(), torch.randn(3, 2), torch.ones(3, 2))


@pytest.mark.parametrize("way", [set_items, copied])
def test_what_is_written_is_traced(way):
    model, x = Written(way).double().eval(), torch.randn(3, 2, dtype=torch.float64)
    plain = Written(lambda x: x * torch.tensor([1.0, 0.0 if way is set_items else 1.0], dtype=x.dtype)).double().eval()
    plain.load_state_dict(model.state_dict())
    found, expected = (attribute(m, x, torch.ones(3, 2)).relevance for m in (model, plain))
    assert torch.equal(found, expected)


def test_several_values_as_one_argument():
    model = build(lambda m, x: torch.cat(m.parts[0](x).chunk(2, 1), 1), nn.Linear(4, 4)).double()
    x = torch.randn(2, 4, dtype=torch.float64)
    selector = torch.randn(2, 4, dtype=torch.float64)
    plain = attribute(model.parts[0], x, selector)
    assert torch.allclose(attribute(model, x, selector).relevance.sum(1), plain.relevance.sum(1), rtol=1e-12)


def test_casts_follow_the_computation():
    layer = nn.Linear(3, 2).eval()
    x = torch.randn(2, 3)
    model = build(lambda m, x: m.parts[0](x.float()), layer)
    for dtype in (torch.float32, torch.float64):
        found = attribute(model, x, torch.ones(2, 2), dtype=dtype)
        assert torch.allclose(found.relevance, attribute(layer, x, torch.ones(2, 2)).relevance, rtol=1e-4)


def test_functional_convolutions_in_short():
    w = torch.randn(2, 1, 3, 3, dtype=torch.float64)
    short = build(lambda m, x: F.conv2d(x, w, padding=(1,), stride=(2,)))
    long = build(lambda m, x: F.conv2d(x, w, None, (2, 2), (1, 1)))
    x = torch.randn(2, 1, 6, 6, dtype=torch.float64)
    selector = torch.ones_like(long(x))
    assert torch.equal(attribute(short, x, selector).relevance, attribute(long, x, selector).relevance)


# ---------------------------------------------------------------------------------------------------------------------
# details of the rules, by hand


def test_quotients_by_nothing_are_nothing():
    """a ⊘ b is zero for b = 0 and where 1 / b would overflow or lose digits, a / b elsewhere."""
    for dtype, smallest in ((torch.float64, 1.002e-292), (torch.float32, 9.9e-32)):
        b = torch.tensor([0.0, smallest / 1.1, -smallest / 1.1, smallest * 1.1, -2.0, torch.inf], dtype=dtype)
        found = over(2 * torch.where(b.isinf(), 1.0, b), b)
        assert found.tolist() == [0.0, 0.0, 0.0, 2.0, 2.0, 0.0]
    assert over(torch.tensor([2.0, 2.0]), torch.tensor([0, 4])).tolist() == [0.0, 0.5]


def test_sums_by_case_are_double_precision():
    x = torch.full((2, 3, 40), 0.1) + torch.arange(40.0)
    assert torch.equal(per_case(x), x.double().flatten(1).sum(1))
    assert torch.equal(per_case(x > 20), torch.tensor([60.0, 60.0], dtype=torch.float64))
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).eval()
    found = attribute(model, torch.ones(2, 3), torch.ones(2, 2), dtype=torch.float32)
    sums = [
        found.output,
        found.leak,
        *(s for layer in found.layers for s in (layer.incoming, layer.outgoing, layer.leak)),
    ]
    assert {s.dtype for s in sums} == {torch.float64}


def test_single_precision_models_are_computed_in_double():
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)).eval()
    x, selector = torch.randn(2, 5), torch.randn(2, 3)
    found = attribute(model, x, selector)
    exact = attribute(copy.deepcopy(model).double(), x.double(), selector.double())
    assert found.relevance.dtype == torch.float32
    assert torch.allclose(found.output, (selector * model(x)).detach().double().sum(1), rtol=1e-6)
    # The total is the model's own output, in single precision; how it is shared is computed in double.
    shares, expected = (one.relevance.double() / one.output[:, None] for one in (found, exact))
    assert torch.allclose(shares, expected, rtol=1e-6)


def test_of_equal_maxima_one_wins():
    model = build(lambda m, x: F.max_pool1d(x[:, None], 2)[:, 0] * 1.0)
    x = torch.tensor([[2.0, 2.0, -1.0, -3.0]], dtype=torch.float64)
    found = attribute(model, x, torch.ones(1, 2))
    assert found.relevance.tolist() == [[2.0, 0.0, -1.0, 0.0]]
    assert found.leak.item() == 0


def test_summands_share_by_size_and_equally_when_all_are_zero():
    """x - 3 x' with x' the other element: |1|, |3|; zeros share equally; a broadcast summand gets its sum."""
    model = build(lambda m, x: torch.add(x[:, :2], x[:, 2:].flip(1), alpha=-3) + 1.0)
    x = torch.tensor([[1.0, 0.0, 0.0, 2.0]], dtype=torch.float64)  # 1 - 3 * 2 + 1, 0 - 0 + 1
    found = attribute(model, x, torch.ones(1, 2)).relevance[0]
    assert torch.allclose(found, torch.tensor([-4 / 7, 0.5, 0.5, -4 * 6 / 7], dtype=torch.float64), rtol=1e-14)
    spread = build(lambda m, x: x[:, :1, None] + x[:, None, 1:])
    found = attribute(spread.eval(), torch.tensor([[1.0, 1.0, 3.0]], dtype=torch.float64), torch.ones(1, 1, 2))
    assert torch.allclose(found.relevance[0], torch.tensor([1.0 + 1.0, 1.0, 3.0], dtype=torch.float64), rtol=1e-14)


def test_what_broadcasting_spreads_is_added_up():
    model = build(lambda m, x: x[:, :1] * torch.tensor([1.0, 2.0, 3.0], dtype=x.dtype))
    found = attribute(model, torch.tensor([[2.0, 5.0]], dtype=torch.float64), torch.tensor([[1.0, 0.0, -1.0]]))
    assert found.relevance.tolist() == [[2.0 - 6.0, 0.0]]


def test_one_constant_summand_takes_nothing_away():
    model = build(lambda m, x: 5.0 - 2.0 * x)
    found = attribute(model, torch.tensor([[1.0]], dtype=torch.float64), torch.ones(1, 1))
    assert found.relevance.item() == 3.0


def test_bounds_of_z_b_are_those_of_the_case():
    """By hand: one output behind tanh; each case has its own smallest and largest input."""
    first = nn.Linear(3, 1, bias=False).double()
    model = nn.Sequential(first, nn.Tanh(), nn.Linear(1, 1).double()).eval()
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0, -2.0, 3.0]]))
    x = torch.tensor([[0.0, 1.0, 0.5], [-4.0, 2.0, 6.0]], dtype=torch.float64)
    found = attribute(model, x, torch.ones(2, 1), input_rule="zB")
    for case in range(2):
        low, high = x[case].min(), x[case].max()
        n = torch.stack([(x[case, 0] - low) * 1, (x[case, 1] - high) * -2, (x[case, 2] - low) * 3])
        assert torch.allclose(found.relevance[case], n / n.sum() * found.output[case], rtol=1e-12)


def test_the_layer_by_layer_report_adds_up():
    """Each entry's leak is its own; what one passes on, the next receives; kinds and names are those of the model."""
    model = nn.Sequential(nn.Conv1d(1, 3, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(9, 2)).double().eval()
    x = torch.randn(3, 1, 8, dtype=torch.float64)
    found = attribute(model, x, torch.randn(3, 2))
    assert [layer.name for layer in found.layers] == ["4", "3", "2", "1", "0", "getitem"]
    kinds = ["output linear", "index", "winner", "elementwise", "convolution", "index"]
    assert [layer.kind for layer in found.layers] == kinds
    assert torch.equal(found.layers[0].incoming, found.output)
    for before, after in itertools.pairwise(found.layers):
        assert torch.equal(before.outgoing, after.incoming)
    assert torch.allclose(found.layers[-1].outgoing, by_case(found.relevance), rtol=1e-14)
    assert torch.equal(found.leak, sum(layer.incoming - layer.outgoing for layer in found.layers))


def test_an_input_that_is_not_used_has_no_relevance():
    class Unused(nn.Module):
        def forward(self, a, b):
            return 2.0 * a

    a, b = torch.randn(2, 3), torch.randn(2, 5)
    found = attribute(Unused().eval(), (a, b), torch.ones(2, 3))
    assert torch.equal(found.relevance[1], torch.zeros(2, 5))
    assert torch.allclose(found.relevance[0], 2 * a)


def test_vectors_of_cases_are_inputs_and_numbers_are_not():
    double = build(lambda m, x: 2.0 * x)
    x = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    assert attribute(double, x, torch.ones(3)).relevance.tolist() == [2.0, -4.0, 1.0]
    with pytest.raises(ValueError, match=r"share the batch axis, got \[\(\)\]"):
        attribute(double, torch.tensor(1.0), torch.ones(()))
    with pytest.raises(ValueError, match="must return one tensor that depends on its inputs"):
        attribute(build(lambda m, x: {"y": x}), x, torch.ones(3))


@pytest.mark.parametrize("functional", [True, False])
def test_activations_in_place_change_what_else_uses_their_argument(functional):
    """The model returns the tensor that was overwritten."""

    def forward(m, x):
        y = x * 1.0
        F.relu(y, inplace=True) if functional else m.parts[0](y)
        return y

    x = torch.tensor([[-1.0, 2.0]], dtype=torch.float64)
    found = attribute(build(forward, nn.ReLU(inplace=True)), x, torch.ones(1, 2))
    assert found.output == 2.0
    assert found.relevance.tolist() == [[0.0, 2.0]]


@pytest.mark.parametrize("size", [1e-6, 1.0])
def test_hooks_of_either_kind_are_part_of_the_forward(size):
    for register in ("register_forward_hook", "register_forward_pre_hook"):
        model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double().eval()
        change = lambda module, given, *output: (output or given)[0] * (1 + size)  # noqa: E731
        scale = [build(lambda m, x: x * (1 + size))]
        same = nn.Sequential(
            *(scale * (register[-8:] == "pre_hook")), model[0], *(scale * (register[-8:] != "pre_hook"))
        )
        same = nn.Sequential(same, *model[1:]).eval()
        x = torch.randn(2, 2, dtype=torch.float64)
        expected = attribute(same, x, torch.ones(2, 1))
        handle = getattr(model[0], register)(change)
        found = attribute(model, x, torch.ones(2, 1))
        assert torch.allclose(found.relevance, expected.relevance, rtol=1e-12)
        assert torch.equal(found.output, model(x)[:, 0].detach())
        assert len(model[0]._forward_hooks) + len(model[0]._forward_pre_hooks) == 1
        handle.remove()


def test_rules_for_base_classes_and_methods():
    class Own(nn.Softmax):
        pass

    passes = lambda op, inputs, output, relevance: relevance  # noqa: E731
    model = build(lambda m, x: m.parts[0](x).cumprod(1), Own(1))
    x = torch.randn(2, 3)
    found = attribute(model, x, torch.ones(2, 3), rules={nn.Softmax: passes, "cumprod": passes})
    assert [layer.kind for layer in found.layers] == ["registered", "registered", "index"]
    assert torch.allclose(by_case(found.relevance), found.output, rtol=1e-6)
    with pytest.raises(UnsupportedOperation, match=r"no rule for cumprod \(cumprod\); register one with rules="):
        attribute(model, x, torch.ones(2, 3), rules={nn.Softmax: passes})
    both = {nn.Softmax: lambda op, inputs, output, relevance: (relevance, relevance), "cumprod": passes}
    with pytest.raises(ValueError, match="must return shapes"):
        attribute(model, x, torch.ones(2, 3), rules=both)
    halved = {nn.Linear: lambda op, inputs, output, relevance: inputs[0] * 0 + relevance.sum(1, keepdim=True) / 3}
    shared = attribute(
        nn.Sequential(nn.Linear(3, 1)).eval(), x, torch.ones(2, 1), rules=halved
    )  # before those built in
    assert torch.allclose(shared.relevance, (shared.output[:, None] / 3).float().expand(2, 3))


def test_a_registered_rule_hands_on_the_selector():
    """Behind it y = 2 h: R / h is the selector of the output layer, as a scale's own."""
    layer = nn.Linear(3, 2).double()
    x, selector = torch.randn(2, 3, dtype=torch.float64), torch.tensor([[1.0, 0.0], [0.3, -1.0]], dtype=torch.float64)
    passes = {operator.mul: lambda op, inputs, output, relevance: relevance}
    scaled = build(lambda m, x: m.parts[0](x) * 2.0, layer)
    registered, built_in = (attribute(scaled, x, selector, rules=rules).relevance for rules in (passes, None))
    assert torch.allclose(registered, built_in, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "module"),
    [
        (lambda x, w: F.conv1d(x, w, stride=2, padding=2, dilation=2), {"stride": 2, "padding": 2, "dilation": 2}),
        (lambda x, w: F.conv1d(x, w, padding="same"), {"padding": "same"}),
        (lambda x, w: F.conv1d(x, w, padding="valid"), {"padding": "valid"}),
        (lambda x, w: F.conv1d(x, w, None, 1, 1, 1, 2), {"padding": 1, "groups": 2}),
    ],
)
def test_functional_convolutions_are_those_of_modules(call, module):
    groups = module.get("groups", 1)
    layer = nn.Conv1d(4, 6, 3, bias=False, **module).double().eval()
    x = torch.randn(2, 4, 9, dtype=torch.float64)
    behind = nn.Sequential(layer, nn.Tanh(), nn.Flatten(), nn.LazyLinear(2)).double().eval()
    selector = torch.randn_like(behind(x))
    other = build(lambda m, x: m.parts[0](call(x, m.parts[1].weight)), behind[1:], layer)
    for split in SPLITS:
        found, expected = (attribute(model, x, selector, split=split).relevance for model in (other, behind))
        assert torch.equal(found, expected), groups


@pytest.mark.parametrize(
    ("call", "module"),
    [
        (
            lambda x, w: F.conv_transpose1d(x, w, None, 2, 1, 1, 2),
            {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
        ),
        (lambda x, w: F.conv_transpose1d(x, w, dilation=2, stride=3), {"stride": 3, "dilation": 2}),
    ],
)
def test_functional_transposed_convolutions_are_those_of_modules(call, module):
    layer = nn.ConvTranspose1d(4, 6, 3, bias=False, **module).double().eval()
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    behind = nn.Sequential(layer, nn.Tanh(), nn.Flatten(), nn.LazyLinear(2)).double().eval()
    selector = torch.randn_like(behind(x))
    other = build(lambda m, x: m.parts[0](call(x, m.parts[1].weight)), behind[1:], layer)
    assert torch.equal(attribute(other, x, selector).relevance, attribute(behind, x, selector).relevance)


def test_schemes_do_not_change():
    for scheme in (RelativeAttributing(), Epsilon(), AlphaBeta()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            scheme.split = "weight"


def test_weights_of_one_sign_and_no_relevance():
    """No relevance arrives: nothing is passed on and nothing is lost, in every split."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8, 1)).double().eval()
    x = torch.randn(2, 1, 4, 4, dtype=torch.float64)
    for split, rule in itertools.product(SPLITS, INPUT_RULES):
        found = attribute(model, x, torch.zeros(2, 1), split=split, input_rule=rule)
        assert (found.relevance == 0).all()
        assert (found.leak == 0).all()


@pytest.mark.parametrize("method", ["item", "tolist", "__float__"])
def test_numbers_taken_out_of_tensors_are_refused(method):
    def forward(m, x):
        number = getattr(x.sum(), method)()
        return x * (number if isinstance(number, float) else 1.0)

    with pytest.raises(UnsupportedOperation, match=f"no rule for {method}: its result is not a tensor"):
        attribute(build(forward), torch.ones(2, 3), torch.ones(2, 3))


def test_constants_of_the_input_s_shape_get_no_relevance():
    model = build(lambda m, x: x + torch.ones_like(x) + x.new_zeros(2, 3) + torch.full_like(x, 2.0))
    found = attribute(model, torch.ones(2, 3), torch.ones(2, 3))
    assert torch.allclose(found.relevance, torch.full((2, 3), 4.0))


def test_forward_may_ask_for_lengths_and_signs_and_take_apart():
    """The graph follows the branch that the model takes; each of several values is an index."""

    def forward(m, x):
        if len(x) != 2 or not (x[:, 0] > 0).all():
            return -x
        first, second = x.chunk(2, dim=1)
        parts = list(torch.split(second, 1, dim=1))
        return sum((3.0 * part for part in parts), first) if x.sum() > 0 else x

    model = build(forward)
    x = torch.tensor([[1.0, 2.0], [3.0, 1.0]], dtype=torch.float64)
    assert torch.equal(attribute(model, x, torch.ones(2, 1)).relevance, x * torch.tensor([1.0, 3.0]))
    assert torch.equal(attribute(model, -x, torch.ones(2, 2)).relevance, x)
    assert torch.equal(attribute(model, x[:1], torch.ones(1, 2)).relevance, -x[:1])


def test_the_place_of_a_wrong_input_is_named():
    model = nn.Bilinear(2, 2, 1).eval()
    with pytest.raises(ValueError, match=r"got torch\.int64 in place 1"):
        attribute(model, (torch.ones(2, 2), torch.ones(2, 2, dtype=torch.int64)), torch.ones(2, 1))


def test_a_mean_in_an_empty_batch_and_infinite_selectors():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1)).eval()
    found = attribute(model, torch.ones(0, 1, 4, 4), torch.ones(0, 1))
    assert found.relevance.shape == (0, 1, 4, 4)
    assert found.output.shape == (0,)
    with pytest.raises(ValueError, match="selector must be finite"):
        attribute(model, torch.ones(1, 1, 4, 4), torch.full((1, 1), torch.inf))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_half_that_passes_nothing_on_leaves_its_share_to_the_other(sign):
    """Negative relevance and the authors' convolutions: only the half behind the negative weight passes it on."""
    first, head = nn.Conv1d(1, 1, 2, bias=False), nn.Linear(1, 1, bias=False)
    model = nn.Sequential(first, nn.Tanh(), nn.Flatten(), head).double().eval()
    with torch.no_grad():
        first.weight.copy_(sign * torch.tensor([[[1.0, -2.0]]]))
        head.weight.fill_(-sign)
    found = attribute(model, torch.tensor([[[1.0, -1.0]]], dtype=torch.float64), torch.ones(1, 1), split="reference")
    assert found.output < 0
    expected = torch.tensor([[[0.0, 1.0]]] if sign > 0 else [[[1.0, 0.0]]]) * found.output
    assert torch.allclose(found.relevance, expected, rtol=1e-14)
    assert found.leak == 0


@pytest.mark.parametrize(("layer", "shape"), [(nn.Linear(3, 1), (3,)), (nn.Conv2d(2, 1, 3), (2, 4, 4))])
def test_a_layer_without_an_axis_of_cases_is_refused(layer, shape):
    x = torch.ones(shape)
    takes = f"takes {shape}, not 1 cases in front"
    with pytest.raises(UnsupportedOperation, match=re.escape(takes)):
        attribute(layer.eval(), x, torch.ones_like(layer(x)))


def test_models_may_ask_for_sizes_and_axes():
    """A method whose result is no tensor describes the tensor; only those that take numbers out of it are refused."""
    model = build(lambda m, x: x.reshape(x.size(0), x.numel() // x.size(0)) * float(x.dim()))
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    found = attribute(model, x, torch.ones(2, 12))
    assert torch.equal(found.relevance, 3 * x)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_what_counts_as_cancelled_for_lrp_scales_with_the_summands(scale):
    """A mean of 4 eps of its summands' size has cancelled, one of 16 eps has not, in any unit."""
    model = build(lambda m, x: F.avg_pool1d(x, 2) + scale)
    eps = torch.finfo(torch.float64).eps
    for left, cancelled in ((4, True), (16, False)):
        x = scale * torch.tensor([[[1.0, -1.0 + 2 * left * eps]]], dtype=torch.float64)
        found = Explainer(model, AlphaBeta()).explain(x, (0, 0))
        assert (found.relevance == 0).all() == cancelled


@pytest.mark.parametrize("kind", [nn.Conv1d, nn.ConvTranspose1d])
def test_the_part_around_the_relevance_is_what_it_hears(kind):
    """Exactly the inputs between the first and the last that reach an output with relevance, by unit vectors."""
    for step, pad, dilation in itertools.product((1, 2), (0, 1, 2), (1, 2)):
        module = kind(1, 1, 3, stride=step, padding=pad, dilation=dilation, bias=False).double()
        whole = kind(1, 1, 1 + 2 * dilation, stride=step, padding=pad, bias=False).double()  # without dilation's holes
        for one in (module, whole):
            nn.init.ones_(one.weight)
        weights, reaches = matrix(module, (1, 15)), matrix(whole, (1, 15)) != 0  # (input, output)
        layer, count = Layer.of_module(module), weights.shape[1]
        for first, last in ((0, 1), (0, 4), (2, 4), (3, 5), (count - 2, count)):
            R = torch.zeros(1, 1, count, dtype=torch.float64)
            R[..., first:last] = 1.0
            heard = np.flatnonzero(reaches[:, first:last].any(axis=1))
            part, live, seen, place = layer.around(R, torch.rand(1, 1, 15, dtype=torch.float64))
            assert place[1:] == (slice(heard[0], heard[-1] + 1),), (step, pad, dilation, first)
            back = part.back(live, layer.weight, seen.shape)[0, 0].numpy()
            assert np.array_equal(back, (weights @ R[0, 0].numpy())[heard[0] : heard[-1] + 1])


def test_options_of_an_explainer_go_by_name():
    model = nn.Sequential(nn.Linear(3, 2)).eval()
    x = torch.randn(2, 3)
    named = Explainer(model=model, scheme=RelativeAttributing(), rules={})
    assert torch.equal(named.attribute(x, 1), RAP(model).attribute(x, 1))
    with pytest.raises(TypeError, match="positional argument"):
        Explainer(model, RelativeAttributing(), {})


def test_an_output_of_zero_counts_as_positive_for_epsilon():
    layer, one = Layer(torch.tensor([[1.0, -1.0]]), None), torch.ones(1, 1)
    found = Epsilon(0.5).weighted(layer, torch.ones(1, 2), torch.zeros(1, 1), one, None, first=False)
    assert found.tolist() == [[2.0, -2.0]]


def test_selectors_that_meet_are_added_and_lost_if_one_lacks():
    """Both summands reach the layer: it is an output layer, unless a layer lies in between for one of them."""

    def kinds(forward, *parts):
        found = attribute(build(forward, *parts), torch.ones(1, 3), torch.ones(1, 3))
        return [layer.kind for layer in found.layers]

    twice = kinds(lambda m, x: torch.relu(h := m.parts[0](x)) + h, nn.Linear(3, 3))
    assert "output linear" in twice
    mixed = kinds(lambda m, x: m.parts[1](h := m.parts[0](x)) + h, nn.Linear(3, 3), nn.Linear(3, 3))
    assert [kind for kind in mixed if "linear" in kind] == ["output linear", "linear"]


def test_an_attribution_cannot_be_changed():
    found = attribute(build(lambda m, x: m.parts[0](x), nn.Linear(3, 2)), torch.ones(1, 3), torch.ones(1, 2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.relevance = None
