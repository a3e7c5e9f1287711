"""RAP of random networks of the newer kinds of operations, against twins with dense matrices and loops.

Values are sequences (step, channel). Each kind has its `back`, from one case's values and the relevance at its output
to relevance at its inputs, in numpy; matrices come from unit vectors. A linear layer ends every network.
"""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wavenet.rap import SPLITS, attribute

from .test_rap import Tape, matrix, quotient, shifted, slow_output, slow_weighted

ROUNDING = 1e-12  # float64, relative to sum |relevance|
DENSE = 1e-10  # float64, two orders of summation through a few layers
STEPS = 3


class Kind(nn.Module):
    """One operation of `taken` values, and its parts."""

    taken = 1
    convolution = False

    def __init__(self, channels):
        super().__init__()
        self.build(channels)
        self.double().eval()

    def build(self, channels):
        """Make the parts."""

    def linear(self, op, x, R, split, convolution=False):
        """Interior rule of a map that is linear but for a bias."""
        return slow_weighted(matrix(op, x.shape), x.ravel(), R.ravel(), split, convolution).reshape(x.shape)

    def back(self, xs, y, R, split):
        """All of it to the first value."""
        return [R, *(np.zeros_like(x) for x in xs[1:])]


def kind(name, forward, **more):
    """A class for a function of values."""
    return type(name, (Kind,), {"forward": lambda self, *x: forward(*x), **more})


# ---------------------------------------------------------------------------------------------------------------------
# what passes through


def normed(name, make):
    return type(
        name,
        (Kind,),
        {"build": lambda self, c: setattr(self, "norm", make(c)), "forward": lambda self, x: self.norm(x)},
    )


class Instance(Kind):
    def forward(self, x):
        return F.instance_norm(x.transpose(1, 2)).transpose(1, 2)


class Batch(Kind):
    def build(self, channels):
        self.norm = nn.BatchNorm1d(STEPS)
        nn.init.uniform_(self.norm.weight, 0.5, 2.0)
        nn.init.uniform_(self.norm.running_var, 0.5, 2.0)

    def forward(self, x):
        return self.norm(x)


PASS = [
    normed("LayerNorm", lambda c: nn.LayerNorm(c)),
    normed("RMSNorm", lambda c: nn.RMSNorm(c)),
    normed("GroupNorm", lambda c: nn.GroupNorm(1, STEPS)),
    Batch,
    Instance,
    kind("Softmax", lambda x: torch.log(torch.softmax(x, -1) + 0.2)),
    kind("Power", lambda x: x**2 * 0.3),
    kind("Exponential", lambda x: torch.exp(0.5 * torch.tanh(x))),
    kind("Root", lambda x: torch.sqrt(x.abs() + 0.5)),
    kind("Sine", lambda x: torch.sin(x)),
    kind("Logarithm", lambda x: torch.log(x.square() + 1.5)),
    kind("Quotient", lambda x: x / (1 + x.abs())),
    kind("Normalised", lambda x: x / (0.1 + x.norm(dim=-1, keepdim=True))),
    kind("Swish", lambda x: x * torch.sigmoid(x)),
    kind("Tanh", torch.tanh),
    kind("Rectified", torch.relu),
]


# ---------------------------------------------------------------------------------------------------------------------
# what moves


class Moved(Kind):
    """Linear, with ones and zeros: relevance goes where the value came from; at constants it is lost."""

    def back(self, xs, y, R, split):
        (x,) = xs
        return [(matrix(self.forward, x.shape) @ R.ravel()).reshape(x.shape)]


def moved(name, forward):
    return type(name, (Moved,), {"forward": lambda self, x: forward(x)})


def scattered(x):
    index = torch.arange(x.shape[1]).flip(0)[None, :, None].expand_as(x)
    return torch.zeros_like(x).scatter(1, index, x)


def written(x):
    y = torch.zeros_like(x)
    y[:, 1:] = x[:, :-1]
    y[:, 0] = x[:, -1]
    return y


MOVES = [
    moved("Flip", lambda x: x.flip(1)),
    moved("Roll", lambda x: x.roll(1, -1)),
    moved("Gather", lambda x: torch.gather(x, 1, torch.tensor([2, 0, 0])[None, :, None].expand_as(x))),
    moved("Scatter", scattered),
    moved("Written", written),
    moved("Selected", lambda x: x.index_select(1, torch.tensor([0, 2, 1]))),
    moved("Windows", lambda x: x.unfold(1, 1, 1)[..., 0]),
    moved("Circular", lambda x: F.pad(x.transpose(1, 2), (1, 0), mode="circular")[..., :STEPS].transpose(1, 2)),
    moved("Reflected", lambda x: F.pad(x, (1, 0), mode="reflect")[..., 1:].flip(-1)),
    moved("Replicated", lambda x: F.pad(x, (1, 0), mode="replicate")[..., :-1]),
    moved("Filled", lambda x: x.masked_fill(torch.arange(STEPS)[:, None] == 1, 0.7)),
]  # fmt: skip


class Larger(Kind):
    """Of two values the larger one, of equal ones half; none where it is zero."""

    taken = 2

    def forward(self, x, y):
        return torch.maximum(x, y)

    def back(self, xs, y, R, split):
        share = np.where(y == 0, 0.0, R) / (1 + (xs[0] == xs[1]))
        return [np.where(x == y, share, 0.0) for x in xs]


class Chosen(Kind):
    """torch.where, whose mask is no value."""

    taken = 2

    def forward(self, x, y):
        return torch.where(x > 0.1, x, y)

    def back(self, xs, y, R, split):
        return [np.where(xs[0] > 0.1, R, 0.0), np.where(xs[0] > 0.1, 0.0, R)]


class Largest(Kind):
    """The largest of all steps, repeated."""

    def forward(self, x):
        return x.amax(1, keepdim=True).expand(x.shape)

    def back(self, xs, y, R, split):
        found = np.zeros_like(xs[0])
        for c, k in enumerate(xs[0].argmax(0)):
            found[k, c] = R[:, c].sum() if xs[0][k, c] != 0 else 0.0
        return [found]


# ---------------------------------------------------------------------------------------------------------------------
# layers and sums


class Dense(Kind):
    def build(self, channels):
        self.layer = nn.Linear(channels, channels)

    def forward(self, x):
        return self.layer(x)

    def back(self, xs, y, R, split):
        return [self.linear(self.layer, xs[0], R, split)]


class Convolved(Kind):
    """Along the channels, the steps as channels of the convolution, with a padding mode: padding moves relevance."""

    mode = "circular"

    def build(self, channels):
        self.layer = nn.Conv1d(STEPS, STEPS, 3, padding=1, padding_mode=self.mode)

    def forward(self, x):
        return self.layer(x)

    def back(self, xs, y, R, split):
        (x,) = xs

        def pad(t):
            return F.pad(t, (1, 1), mode=self.mode)

        padded = pad(torch.from_numpy(x)[None])[0].numpy()
        inner = self.linear(lambda t: F.conv1d(t, self.layer.weight), padded, R, split, convolution=True)
        return [(matrix(pad, x.shape) @ inner.ravel()).reshape(x.shape)]


class Mirrored(Convolved):
    mode = "reflect"


class Repeated(Convolved):
    mode = "replicate"


class Einsum(Kind):
    """A constant matrix."""

    def build(self, channels):
        self.register_buffer("matrix", torch.randn(STEPS, STEPS))

    def forward(self, x):
        return torch.einsum("nsc,st->ntc", x, self.matrix)

    def back(self, xs, y, R, split):
        return [self.linear(self.forward, xs[0], R, split)]


class Mean(Kind):
    """The mean of all steps, repeated: first the copies are added."""

    def forward(self, x):
        return x.mean(1, keepdim=True).expand(x.shape)

    def back(self, xs, y, R, split):
        return [self.linear(lambda t: t.mean(1, keepdim=True), xs[0], R.sum(0), split)]


class Indexed(Kind):
    """Steps summed by index."""

    def forward(self, x):
        return torch.zeros_like(x).index_add(1, torch.tensor([0, 2, 2]), x)

    def back(self, xs, y, R, split):
        return [self.linear(self.forward, xs[0], R, split)]


class Added(Kind):
    taken = 2

    def forward(self, x, y):
        return x + y

    def back(self, xs, y, R, split):
        size = abs(xs[0]) + abs(xs[1])
        return [np.where(size > 0, abs(x) / np.where(size > 0, size, 1), 0.5) * R for x in xs]


class Spectral(Kind):
    """Complex weights on the lowest two frequencies along the channels; R_i = x_i w_ij R_j y_j / (y_j^2 + ...)."""

    def build(self, channels):
        self.weight = nn.Parameter(torch.randn(STEPS, STEPS, 2, 2, dtype=torch.float64))

    def forward(self, x):
        spectrum, weight = torch.fft.rfft(x), torch.view_as_complex(self.weight)
        kept = torch.zeros_like(spectrum)
        kept[..., :2] = torch.einsum("nsk,stk->ntk", spectrum[..., :2], weight)
        return torch.fft.irfft(kept, n=x.shape[-1])

    def back(self, xs, y, R, split):
        w, x, y, R = matrix(self.forward, xs[0].shape), xs[0].ravel(), y.ravel(), R.ravel()
        found = np.zeros_like(x)
        for i, j in itertools.product(range(len(x)), range(len(y))):
            found[i] += x[i] * w[i, j] * quotient(R[j] * y[j], y[j] ** 2 + 0.01 * np.mean(y**2))
        return [shifted(found, R.sum()).reshape(xs[0].shape)]


# ---------------------------------------------------------------------------------------------------------------------
# products


class Product(Kind):
    taken = 2

    def forward(self, x, y):
        return x * y

    def back(self, xs, y, R, split):
        return [R / 2, R / 2]


class Gate(Kind):
    """All to the signal, none to the gate, however it is scaled and shifted."""

    taken = 2

    def forward(self, x, y):
        return x * (0.5 + 2 * torch.sigmoid(y))


class Excited(Kind):
    """Squeeze and excite: the gate is made of the signal."""

    def build(self, channels):
        self.layer = nn.Linear(channels, channels)

    def forward(self, x):
        return torch.sigmoid(self.layer(x.mean(1)))[:, None] * x


class Matmul(Kind):
    """x yᵀ x by way of two products, half of R to either factor of the first; the second takes a constant."""

    taken = 2

    def forward(self, x, y):
        return x @ (y.transpose(1, 2) @ torch.ones(STEPS, y.shape[-1], dtype=y.dtype))

    def back(self, xs, y, R, split):
        x, other = xs
        ones = torch.ones(STEPS, x.shape[-1], dtype=torch.float64)
        middle = (torch.from_numpy(other).T @ ones).numpy()
        to_x = self.linear(lambda t: t @ torch.from_numpy(middle), x, R / 2, split)
        to_middle = self.linear(lambda t: torch.from_numpy(x) @ t, middle, R / 2, split)
        return [to_x, self.linear(lambda t: t.transpose(1, 2) @ ones, other, to_middle, split)]


class Attention(Kind):
    """The weights are gates: all to the values, which are the first of the values here."""

    taken = 3
    causal = False

    def forward(self, v, q, k):
        return F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)

    def back(self, xs, y, R, split):
        v, q, k = xs
        scores = q @ k.T / math.sqrt(q.shape[1])
        if self.causal:
            scores[np.triu_indices(STEPS, 1)] = -np.inf
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        to_v = self.linear(lambda t: torch.from_numpy(shares) @ t, v, R, split)
        return [to_v, np.zeros_like(q), np.zeros_like(k)]


class Causal(Attention):
    causal = True


class Heads(Kind):
    """Multi-head attention of two heads: output layer, values weighted by their heads' shares, layer of the values."""

    def build(self, channels):
        self.layer = nn.MultiheadAttention(channels, 2, batch_first=True)
        nn.init.normal_(self.layer.in_proj_bias)

    def forward(self, x):
        return self.layer(x, x, x, need_weights=False)[0]

    def back(self, xs, y, R, split):
        (x,), layer = xs, self.layer
        n = x.shape[1]
        q, k, v = F.linear(torch.from_numpy(x), layer.in_proj_weight, layer.in_proj_bias).detach().chunk(3, -1)
        shares = [
            torch.softmax(a @ b.T / math.sqrt(n // 2), -1) for a, b in zip(q.chunk(2, 1), k.chunk(2, 1), strict=True)
        ]

        def weighted(t):
            return torch.cat([s @ part for s, part in zip(shares, t.chunk(2, -1), strict=True)], -1)

        joined = self.linear(layer.out_proj, weighted(v).numpy(), R, split)
        values = self.linear(weighted, v.numpy(), joined, split)
        return [self.linear(lambda t: F.linear(t, layer.in_proj_weight[2 * n :]), x, values, split)]


# ---------------------------------------------------------------------------------------------------------------------
# recurrent layers, step by step


def shares_of(parts, R):
    """R to the summands in proportion to their size."""
    size = sum(abs(part) for part in parts)
    return [np.where(size > 0, abs(part) / np.where(size > 0, size, 1), 1 / len(parts)) * R for part in parts]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Recurrent(Kind):
    def forward(self, x):
        return self.layer(x)[0]

    def weights(self):
        return (p.detach().numpy() for p in self.layer.parameters())


class Lstm(Recurrent):
    def build(self, channels):
        self.layer = nn.LSTM(channels, channels, batch_first=True)

    def back(self, xs, y, R, split):
        (x,), (w_ih, w_hh, b_ih, b_hh) = xs, self.weights()
        n = x.shape[1]
        h, c, kept = np.zeros(n), np.zeros(n), []
        for step in x:
            a, b = w_ih @ step + b_ih, w_hh @ h + b_hh
            i, f, g, o = np.split(a + b, 4)
            kept.append((step, h, a, b, sigmoid(f) * c, sigmoid(i) * np.tanh(g)))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        found, to_h, to_c, cells = np.zeros_like(x), np.zeros(n), np.zeros(n), slice(2 * n, 3 * n)
        for t in reversed(range(len(x))):
            step, h, a, b, old, new = kept[t]
            to_c, fresh = shares_of([old, new], to_c + to_h + R[t])
            to_a, to_b = np.zeros(4 * n), np.zeros(4 * n)
            to_a[cells], to_b[cells] = shares_of([a[cells], b[cells]], fresh) if t else (fresh, 0.0)
            found[t] = slow_weighted(w_ih.T, step, to_a, split, False)
            to_h = slow_weighted(w_hh.T, h, to_b, split, False)
        return [found]


class Gru(Recurrent):
    def build(self, channels):
        self.layer = nn.GRU(channels, channels, batch_first=True)

    def back(self, xs, y, R, split):
        (x,), (w_ih, w_hh, b_ih, b_hh) = xs, self.weights()
        n = x.shape[1]
        h, kept = np.zeros(n), []
        for step in x:
            (r, z, a), (r_h, z_h, b) = np.split(w_ih @ step + b_ih, 3), np.split(w_hh @ h + b_hh, 3)
            update, gated = sigmoid(z + z_h), sigmoid(r + r_h) * b
            kept.append((step, h, a, gated, (1 - update) * np.tanh(a + gated), update * h))
            h = (1 - update) * np.tanh(a + gated) + update * h
        found, to_h = np.zeros_like(x), np.zeros(n)
        for t in reversed(range(len(x))):
            step, h, a, gated, fresh, old = kept[t]
            to_fresh, carried = shares_of([fresh, old], to_h + R[t])
            to_a, to_b = np.zeros(3 * n), np.zeros(3 * n)
            to_a[2 * n :], through = shares_of([a, gated], to_fresh)
            (to_b if t else to_a)[2 * n if t else 0 : 3 * n if t else n] = through  # first the state is a constant
            found[t] = slow_weighted(w_ih.T, step, to_a, split, False)
            to_h = carried + slow_weighted(w_hh.T, h, to_b, split, False)
        return [found]


KINDS = [
    *PASS, *MOVES, Larger, Chosen, Largest, Dense, Convolved, Mirrored, Repeated, Einsum, Mean, Indexed, Added,
    Spectral, Product, Gate, Excited, Matmul, Attention, Causal, Heads, Lstm, Gru,
]  # fmt: skip


def slow(tape, x, selector, split):
    """Relevance of one case through the steps, backwards; the last two are Flatten and the output layer."""
    values = [v[0].detach().numpy() for v in tape.values(x[None])]
    relevance = [np.zeros_like(v) for v in values]
    head, total = tape.steps[-1][0], float(selector @ torch.from_numpy(values[-1]))
    R = slow_output(head.weight.detach().numpy().T, values[-2], selector.numpy(), total)
    relevance[-3] = R.reshape(values[-3].shape)
    for at in range(len(values) - 3, 0, -1):
        op, taken = tape.steps[at - 1]
        sent = op.back([values[k] for k in taken], values[at], relevance[at], split)
        for k, r in zip(taken, sent, strict=True):
            relevance[k] = relevance[k] + r
    return relevance[0]


def drawn(seed):
    """A network of four to seven steps, one of which is the kind that is `seed` in the list, and its input."""
    random, channels = np.random.default_rng(seed), 4
    torch.manual_seed(seed)
    chosen = [KINDS[k] for k in random.integers(len(KINDS), size=int(random.integers(3, 7)))]
    chosen.insert(int(random.integers(len(chosen) + 1)), KINDS[seed % len(KINDS)])
    steps = []
    for each in chosen:
        earlier = [int(k) for k in random.integers(len(steps) + 1, size=each.taken - 1)]
        steps.append((each(channels), [len(steps), *earlier]))
    steps.append((nn.Flatten(), [len(steps)]))
    steps.append((nn.Linear(STEPS * channels, 3), [len(steps)]))
    return Tape(steps).double().eval(), torch.randn(2, STEPS, channels, dtype=torch.float64)


@pytest.mark.parametrize("first", range(0, 100, 10))
def test_a_hundred_random_networks_of_the_newer_kinds(first):
    for seed in range(first, first + 10):
        tape, x = drawn(seed)
        selector = torch.randn(2, 3, dtype=torch.float64)
        if seed % 2:
            selector = F.one_hot(torch.tensor([seed % 3, 1]), 3).double()
        names, split = [type(op).__name__ for op, _ in tape.steps], SPLITS[seed // 2 % 3]
        found = attribute(tape, x, selector, split=split)
        size = found.relevance.abs().flatten(1).sum(1) + found.output.abs()
        for case in range(2):
            expected = slow(tape, x[case], selector[case], split)
            worst = np.abs(found.relevance[case].numpy() - expected).max()
            assert worst <= DENSE * float(size[case]), (seed, split, names, worst)
        lost = found.output - found.relevance.flatten(1).sum(1)
        assert ((lost - found.leak).abs() <= ROUNDING * size).all()


def test_every_kind_is_drawn():
    known = {type(op).__name__ for seed in range(100) for op, _ in drawn(seed)[0].steps}
    assert {each.__name__ for each in KINDS} <= known
    assert len(KINDS) == len({each.__name__ for each in KINDS}) >= 45
