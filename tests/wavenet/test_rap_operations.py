"""RAP's rules for normalisations, products, attention, recurrent layers, indices and spectra, with dense matrices.

Each twin has loops over single elements and matrices from unit vectors, and knows nothing of the package.
"""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wavenet.rap import RAP, SPLITS, UnsupportedOperation, attribute
from wavenet.rap.decompositions import FUNCTIONS

from .test_rap import quotient, shifted, slow_output, slow_weighted
from .test_rap_engine import Of, sums

ROUNDING = 1e-12  # float64, relative to sum |relevance|
DENSE = 1e-10  # float64, two orders of summation through a few layers


pytestmark = pytest.mark.usefixtures("seeded")


def explained(forward, *parts, shape=(2, 4), **options):
    """Attribution of a random selector of a model of the function, in double precision."""
    model = Of(forward, *parts).double()
    x = torch.randn(*shape, dtype=torch.float64)
    selector = torch.randn_like(model(x))
    return model, x, selector, attribute(model, x, selector, **options)


def conserved(found):
    size = found.relevance.double().abs().flatten(1).sum(1)
    assert ((sums(found) - found.output).abs() <= ROUNDING * size).all()


def linear(model, h):
    """Weight of the last linear layer, and its inputs, one case after the other."""
    return model.parts[-1].weight.detach().numpy().T, h.detach().numpy()


# ---------------------------------------------------------------------------------------------------------------------
# what passes through


def batch_norm(x):
    mean, var = torch.full((4,), 0.3, dtype=x.dtype), torch.full((4,), 2.0, dtype=x.dtype)
    return F.batch_norm(x, mean, var, torch.full((4,), 1.5, dtype=x.dtype), torch.ones(4, dtype=x.dtype))


PASSES = {
    "layer norm": lambda x: F.layer_norm(x, (4,)),
    "group norm": lambda x: F.group_norm(x, 2),
    "instance norm": lambda x: F.instance_norm(x[:, None])[:, 0],
    "rms norm": lambda x: F.rms_norm(x, (4,)),
    "batch norm": batch_norm,
    "local response norm": lambda x: F.local_response_norm(x[..., None], 2)[..., 0],
    "normalize": lambda x: F.normalize(x, dim=1),
    "over its norm": lambda x: x / x.norm(dim=1, keepdim=True),
    "softmax": lambda x: torch.softmax(x, 1),
    "square": lambda x: x.square(),
    "power": lambda x: x**2,
    "product with itself": lambda x: x * x,
    "exponent": lambda x: 2.0**x,
    "sqrt": lambda x: torch.sqrt(x.abs() + 1),
    "exp": torch.exp,
    "log": lambda x: torch.log(x.abs() + 2),
    "sin": torch.sin,
    "cos": torch.cos,
    "abs": torch.abs,
    "denominator": lambda x: 1.0 / (3.0 + x.abs()),
    "swish by hand": lambda x: x * torch.sigmoid(x),
    "gate first": lambda x: torch.sigmoid(1.0 - x)[:, :4] * x,
    "clone, cast, conj": lambda x: x.clone().type_as(x).conj().contiguous(),
}


@pytest.mark.parametrize("name", PASSES)
def test_relevance_passes_unchanged(name):
    """In front of it R is what the linear layer behind it gave: by the output rule, in proportion to |h w c|."""
    model, x, selector, found = explained(lambda p, x: p[0](PASSES[name](x)), nn.Linear(4, 3))
    w, h = linear(model, PASSES[name](x))
    for case in range(2):
        expected = slow_output(w, h[case], selector[case].numpy(), float(found.output[case]))
        assert np.abs(found.relevance[case].numpy() - expected).max() < DENSE * np.abs(expected).sum()
    conserved(found)


# ---------------------------------------------------------------------------------------------------------------------
# what selects, moves and pads


def scattered(x):
    index = torch.tensor([[1, 0, 3, 2]] * len(x))
    return torch.zeros_like(x).scatter(1, index, x)


def larger(x):
    return np.argmax([x[:2], x[2:]], 0) * 2 + [0, 1]


def smaller(x):
    return larger(-x)


def halves(op):
    return lambda x: op(x[:, :2], x[:, 2:])


def pooled_with_indices(x):
    return F.max_pool1d(x[:, None], 2, return_indices=True)[0][:, 0]


INDICES = {
    "maximum of halves": (halves(torch.maximum), larger),
    "minimum of halves": (halves(torch.minimum), smaller),
    "where": (halves(lambda a, b: torch.where(a > b, a, b)), larger),
    "max": (lambda x: x.max(1).values[:, None], lambda x: [x.argmax()]),
    "amax": (lambda x: x.amax(1, keepdim=True), lambda x: [x.argmax()]),
    "min": (lambda x: torch.min(x, 1, keepdim=True)[0], lambda x: [x.argmin()]),
    "topk": (lambda x: x.topk(2, 1).values, lambda x: np.argsort(-x)[:2]),
    "sort": (lambda x: torch.sort(x, 1)[0], np.argsort),
    "max pool with indices": (pooled_with_indices, lambda x: np.argmax(x.reshape(2, 2), 1) + np.array([0, 2])),
    "gather": (lambda x: torch.gather(x, 1, torch.tensor([[3, 1]] * len(x))), lambda x: [3, 1]),
    "take_along_dim": (lambda x: torch.take_along_dim(x, torch.tensor([[2, 2]] * len(x)), 1), lambda x: [2, 2]),
    "index_select": (lambda x: x.index_select(1, torch.tensor([0, 0, 3])), lambda x: [0, 0, 3]),
    "unfold": (lambda x: x.unfold(1, 3, 1).flatten(1), lambda x: [0, 1, 2, 1, 2, 3]),
    "im2col": (lambda x: F.unfold(x.reshape(-1, 1, 2, 2), 1).flatten(1), lambda x: [0, 1, 2, 3]),
    "circular": (lambda x: F.pad(x[:, None], (1, 1), mode="circular")[:, 0], lambda x: [3, 0, 1, 2, 3, 0]),
    "reflect": (lambda x: F.pad(x[:, None], (1, 1), mode="reflect")[:, 0], lambda x: [1, 0, 1, 2, 3, 2]),
    "replicate": (lambda x: F.pad(x[:, None], (1, 1), mode="replicate")[:, 0], lambda x: [0, 0, 1, 2, 3, 3]),
    "stack and fold": (lambda x: torch.stack([x, x.flip(1)], 1).flatten(1), lambda x: [0, 1, 2, 3, 3, 2, 1, 0]),
}  # fmt: skip


@pytest.mark.parametrize("name", INDICES)
def test_relevance_goes_where_the_value_came_from(name):
    op, places = INDICES[name]
    width = op(torch.randn(1, 4)).shape[1]
    model, x, selector, found = explained(lambda p, x: p[0](op(x)), nn.Linear(width, 3))
    w, h = linear(model, op(x))
    for case in range(2):
        received = slow_output(w, h[case], selector[case].numpy(), float(found.output[case]))
        expected = np.zeros(4)
        for place, r in zip(places(x[case].numpy()), received, strict=True):
            expected[place] += r
        assert np.abs(found.relevance[case].numpy() - expected).max() < DENSE * np.abs(expected).sum()
    conserved(found)


def test_scatter_and_padding_modes_of_modules():
    _, _, _, found = explained(lambda p, x: p[0](scattered(x)), nn.Linear(4, 3))
    conserved(found)
    for mode in ("circular", "reflect", "replicate"):
        conv, head = nn.Conv1d(1, 2, 3, padding=1, padding_mode=mode), nn.Linear(10, 2)
        padded = Of(lambda p, x: p[1](torch.tanh(p[0](x)).flatten(1)), conv, head).double()
        plain = nn.Conv1d(1, 2, 3)
        plain.load_state_dict(conv.state_dict())
        by_hand = lambda p, x, mode=mode: p[1](torch.tanh(p[0](F.pad(x, (1, 1), mode=mode))).flatten(1))  # noqa: E731
        x = torch.randn(2, 1, 5, dtype=torch.float64)
        selector = torch.ones(2, 2)
        both = [attribute(m, x, selector).relevance for m in (padded, Of(by_hand, plain, head).double())]
        assert torch.equal(*both)


def test_masked_fill_leaks_what_reaches_the_filling():
    mask = torch.tensor([False, True, False, False])
    model, x, selector, found = explained(lambda p, x: p[0](x.masked_fill(mask, 2.0)), nn.Linear(4, 3))
    w, h = linear(model, x.masked_fill(mask, 2.0))
    for case in range(2):
        expected = slow_output(w, h[case], selector[case].numpy(), float(found.output[case]))
        assert float(found.leak[case]) == pytest.approx(expected[1], rel=DENSE)
        expected[1] = 0.0
        assert np.abs(found.relevance[case].numpy() - expected).max() < DENSE * np.abs(expected).sum()
    conserved(found)


# ---------------------------------------------------------------------------------------------------------------------
# sums


def pooled(name):
    """(op, the same as depthwise convolution)."""
    weight, ones = torch.full((2, 1, 3), 1 / 3, dtype=torch.float64), torch.ones(2, 1, 6, dtype=torch.float64)
    return {
        "pool": (lambda x: F.avg_pool1d(x, 3, 1), lambda x: F.conv1d(x, weight, groups=2)),
        "mean": (
            lambda x: x.mean(2, keepdim=True),
            lambda x: F.conv1d(x, ones / 6, groups=2),
        ),
        "sum": (lambda x: x.sum(2, keepdim=True), lambda x: F.conv1d(x, ones, groups=2)),
        "adaptive": (
            lambda x: F.adaptive_avg_pool1d(x, 2),
            lambda x: F.conv1d(x, weight, groups=2, stride=3),
        ),
    }[name]


@pytest.mark.parametrize("name", ["pool", "mean", "sum", "adaptive"])
@pytest.mark.parametrize("split", ["contribution", "weight"])
def test_a_pool_is_the_depthwise_convolution_that_does_the_same(name, split):
    """For signed fields, where shares of a sum that nearly cancels would explode."""
    pool, convolution = pooled(name)
    head = nn.LazyLinear(2)
    model, x, selector, found = explained(
        lambda p, x: p[1](torch.tanh(pool(torch.tanh(p[0](x)))).flatten(1)),
        nn.Conv1d(1, 2, 1), head, shape=(3, 1, 6), split=split,
    )  # fmt: skip
    other = Of(lambda p, x: p[1](torch.tanh(convolution(torch.tanh(p[0](x)))).flatten(1)), *model.parts).double()
    expected = attribute(other, x, selector, split=split).relevance
    assert torch.allclose(found.relevance, expected, rtol=1e-9, atol=1e-12)
    conserved(found)


def test_pools_of_signed_fields_do_not_explode():
    """100 tanh networks with pools: shares in proportion to signed summands reach 259 times the output."""
    ratios = []
    for seed in range(100):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), nn.Tanh(), nn.AvgPool1d(4), nn.Conv1d(4, 4, 1), nn.Tanh(),
                              nn.Flatten(), nn.Linear(16, 1)).double().eval()  # fmt: skip
        found = attribute(model, torch.randn(1, 1, 16, dtype=torch.float64), torch.ones(1, 1))
        ratios.append(float(found.relevance.abs().sum() / found.output.abs()))
    assert max(ratios) < 3.0


def test_sums_by_index_are_products_with_a_matrix():
    index = torch.tensor([0, 2, 2, 1])
    spread = F.one_hot(index, 3).double()

    def with_index(p, x):
        return p[1](torch.tanh(torch.zeros(len(x), 3).to(x).index_add(1, index, torch.tanh(p[0](x)))))

    def with_scatter(p, x):
        h = torch.tanh(p[0](x))
        return p[1](torch.tanh(torch.zeros(len(x), 3).to(x).scatter_add_(1, index.expand(len(x), 4), h)))

    parts = nn.Linear(4, 4), nn.Linear(3, 2)
    _, x, selector, found = explained(with_index, *parts, shape=(3, 4))
    other = attribute(Of(with_scatter, *parts).double(), x, selector)
    product = Of(lambda p, x: p[1](torch.tanh(torch.tanh(p[0](x)) @ spread)), *parts).double()
    expected = attribute(product, x, selector)
    assert torch.allclose(found.relevance, expected.relevance, rtol=1e-10)
    assert torch.allclose(other.relevance, expected.relevance, rtol=1e-10)
    conserved(found)


# ---------------------------------------------------------------------------------------------------------------------
# products


def test_two_signals_share_a_product():
    model, x, selector, found = explained(lambda p, x: p[0](x[:, :2] * x[:, 2:]), nn.Linear(2, 3))
    w, h = linear(model, x[:, :2] * x[:, 2:])
    for case in range(2):
        half = slow_output(w, h[case], selector[case].numpy(), float(found.output[case])) / 2
        assert np.allclose(found.relevance[case].numpy(), [*half, *half], rtol=1e-10)
    conserved(found)


def test_squeeze_and_excite_passes_all_to_the_signal():
    gated = lambda p, x: p[2](torch.tanh(p[0](x)) * torch.sigmoid(p[1](x)).view(len(x), 5))  # noqa: E731
    parts = nn.Linear(4, 5), nn.Linear(4, 5), nn.Linear(5, 3)
    _, x, selector, found = explained(gated, *parts)
    for case in range(2):
        scale = torch.sigmoid(parts[1](x[case])).detach()
        alone = Of(lambda p, x, s=scale: p[2](torch.tanh(p[0](x)) * s), *parts)
        expected = attribute(alone, x[case : case + 1], selector[case : case + 1]).relevance[0]
        assert torch.allclose(found.relevance[case], expected, rtol=1e-10)


def slow_matrix(a, b, R):
    """R of both factors of a @ b, by loops over contributions a_ik b_kj: half to either, each with its shift."""
    n, m, k = a.shape[0], b.shape[1], a.shape[1]
    to_a, to_b = np.zeros_like(a), np.zeros_like(b)
    for i, j in itertools.product(range(n), range(m)):
        z = a[i] * b[:, j]
        up, down = np.maximum(z, 0), np.maximum(-z, 0)
        for q in range(k):
            share = (quotient(up[q], up.sum()) + quotient(down[q], np.abs(z).sum())) * R[i, j] / 2
            to_a[i, q] += share
            to_b[q, j] += share
    return [shifted(one.ravel(), R.sum() / 2).reshape(one.shape) for one in (to_a, to_b)]


@pytest.mark.parametrize("way", [torch.matmul, torch.bmm, lambda a, b: torch.einsum("nik,nkj->nij", a, b)])
def test_products_of_two_matrices(way):
    """Behind it a linear layer; R before the product from the output rule."""
    first = lambda x: x[:, :6].reshape(-1, 2, 3)  # noqa: E731
    second = lambda x: x[:, 6:].reshape(-1, 3, 4)  # noqa: E731
    model, x, selector, found = explained(
        lambda p, x: p[0](way(first(x), second(x)).flatten(1)), nn.Linear(8, 2), shape=(2, 18)
    )
    w, h = linear(model, way(first(x), second(x)).flatten(1))
    for case in range(2):
        R = slow_output(w, h[case], selector[case].numpy(), float(found.output[case])).reshape(2, 4)
        a, b = slow_matrix(first(x)[case].numpy(), second(x)[case].numpy(), R)
        expected = np.concatenate([a.ravel(), b.ravel()])
        assert np.abs(found.relevance[case].numpy() - expected).max() < DENSE * np.abs(expected).sum()
    conserved(found)


@pytest.mark.parametrize("split", SPLITS)
def test_a_constant_matrix_is_a_linear_layer(split):
    weight = torch.randn(4, 5, dtype=torch.float64)
    layer = nn.Linear(4, 5, bias=False)
    with torch.no_grad():
        layer.weight.copy_(weight.T)
    head = nn.Linear(5, 2)
    x, selector = torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 2)
    plain = attribute(nn.Sequential(layer, nn.Tanh(), head).double().eval(), x, selector, split=split).relevance
    for way in (lambda x: x @ weight, lambda x: torch.einsum("bi,ij->bj", x, weight), lambda x: torch.mm(x, weight)):
        product = Of(lambda p, x, way=way: p[0](torch.tanh(way(x))), head)
        assert torch.allclose(attribute(product, x, selector, split=split).relevance, plain, rtol=1e-10)


@pytest.mark.parametrize("split", ["contribution", "weight"])
def test_running_sums_are_products_with_a_triangle(split):
    triangle = torch.ones(4, 4, dtype=torch.float64).triu()
    head = nn.Linear(4, 2)
    x, selector = torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 2)
    running, product = (
        attribute(Of(lambda p, x, way=way: p[0](torch.tanh(way(x))), head).double(), x, selector, split=split)
        for way in (lambda x: x.cumsum(1), lambda x: x @ triangle)
    )
    assert torch.allclose(running.relevance, product.relevance, rtol=1e-10)
    conserved(running)


def test_bilinear_layers_by_loops():
    """A dense layer of the products a_i b_j, whose relevance the two share."""
    layer, head = nn.Bilinear(2, 3, 4), nn.Linear(4, 2)
    model, x, selector, found = explained(
        lambda p, x: p[1](torch.tanh(p[0](x[:, :2], x[:, 2:]))), layer, head, shape=(2, 5)
    )
    h = torch.tanh(layer(x[:, :2], x[:, 2:]))
    w, h = linear(model, h)
    for case in range(2):
        R = slow_output(w, h[case], selector[case].numpy(), float(found.output[case]))
        a, b = x[case, :2].numpy(), x[case, 2:].numpy()
        products = np.array([a[i] * b[j] for i in range(2) for j in range(3)])
        weights = layer.weight.detach().reshape(4, 6).numpy().T
        of_products = slow_weighted(weights, products, R, "contribution", False)
        expected = np.zeros(5)
        for i, j in itertools.product(range(2), range(3)):
            expected[i] += of_products[3 * i + j] / 2
            expected[2 + j] += of_products[3 * i + j] / 2
        assert np.abs(found.relevance[case].numpy() - expected).max() < DENSE * np.abs(expected).sum()
    conserved(found)


# ---------------------------------------------------------------------------------------------------------------------
# attention: values weighted by a gate


def slow_attention(shares, v, R):
    """Interior rule for the values (key, channel), with the attention weights (query, key) as weights."""
    n, d = v.shape
    w = np.zeros((n * d, shares.shape[0] * d))
    for i, j, c in itertools.product(range(shares.shape[0]), range(n), range(d)):
        w[j * d + c, i * d + c] = shares[i, j]
    return slow_weighted(w, v.ravel(), R.ravel(), "contribution", False).reshape(v.shape)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_passes_all_to_the_values(causal):
    def forward(p, x):
        h = F.scaled_dot_product_attention(x, 2.0 * x, x, is_causal=causal)
        return p[0](h.flatten(1))

    model, x, selector, found = explained(forward, nn.Linear(12, 2), shape=(2, 3, 4))
    scores = 2.0 * x @ x.mT / math.sqrt(4)
    if causal:
        scores = scores + torch.full((3, 3), -torch.inf).triu(1)
    shares = torch.softmax(scores, -1)
    w, h = linear(model, (shares @ x).flatten(1))
    for case in range(2):
        R = slow_output(w, h[case], selector[case].numpy(), float(found.output[case])).reshape(3, 4)
        expected = slow_attention(shares[case].numpy(), x[case].numpy(), R)
        assert np.abs(found.relevance[case].numpy() - expected).max() < DENSE * np.abs(expected).sum()
    conserved(found)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("masked", [None, "bool", "float", "padding"])
def test_multihead_attention_is_made_of_its_parts(batch_first, masked):
    layer = nn.MultiheadAttention(4, 2, batch_first=batch_first)
    mask = {}
    if masked == "padding":
        mask["key_padding_mask"] = torch.tensor([[False, False, True]] * 2)
    elif masked:
        triangle = torch.ones(3, 3, dtype=torch.bool).triu(1)
        mask["attn_mask"] = triangle if masked == "bool" else torch.zeros(3, 3).masked_fill(triangle, -5.0)

    def forward(p, x, **mask):
        x = x if batch_first else x.transpose(0, 1)
        h = p[0](x, x, x, **mask)[0]
        return p[1]((h if batch_first else h.transpose(0, 1)).flatten(1))

    padding = "key_padding_mask" in mask
    model = Of((lambda p, x: forward(p, x, key_padding_mask=mask["key_padding_mask"][: len(x)])) if padding
               else (lambda p, x: forward(p, x, **mask)), layer, nn.Linear(12, 2)).double()  # fmt: skip
    if masked == "float":
        mask["attn_mask"] = mask["attn_mask"].double()
    x, selector = torch.randn(2, 3, 4, dtype=torch.float64), torch.ones(2, 2)
    found = attribute(model, x, selector)
    conserved(found)

    def by_hand(p, x):
        q, k, v = F.linear(x, p[0].in_proj_weight, p[0].in_proj_bias).chunk(3, -1)
        heads = []
        for one in (slice(0, 2), slice(2, 4)):
            scores = q[..., one] @ k[..., one].mT / math.sqrt(2)
            if masked == "padding":
                scores = scores + torch.tensor([0.0, 0.0, -torch.inf])
            elif masked == "float":
                scores = scores + mask["attn_mask"]
            elif masked:
                scores = scores.masked_fill(mask["attn_mask"], -torch.inf)
            heads.append(scores.softmax(-1))
        values = torch.stack([v[..., :2], v[..., 2:]], 1)
        h = (torch.stack(heads, 1) @ values).transpose(1, 2).flatten(2)
        return p[1](p[0].out_proj(h).flatten(1))

    expected = attribute(Of(by_hand, *model.parts), x, selector)
    assert torch.allclose(found.relevance, expected.relevance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("masked", [None, "bool", "float", "padding"])
@pytest.mark.parametrize("separate", [False, True])
def test_functional_multihead_attention_is_the_module_s(masked, separate):
    """Steps in front of cases, as torch has it; a module in a plain list is seen as the function that it calls."""
    layer = nn.MultiheadAttention(4, 2, kdim=5 if separate else None, vdim=3 if separate else None).double().eval()
    nn.init.normal_(layer.in_proj_bias)
    more = {}
    if masked == "padding":
        more["key_padding_mask"] = torch.tensor([[False, False, True]])
    elif masked:
        triangle = torch.ones(3, 3, dtype=torch.bool).triu(1)
        more["attn_mask"] = triangle if masked == "bool" else torch.randn(3, 3, dtype=torch.float64)
    widths = (4, 5, 3) if separate else (4, 4, 4)

    def forward(attention, x):
        q, k, v = (x[..., :n].transpose(0, 1) for n in widths)
        return attention(q, k, v, **more)[0].transpose(0, 1).flatten(1)

    head, hidden = nn.Linear(12, 2), [layer]
    x, selector = torch.randn(1, 3, 5, dtype=torch.float64), torch.randn(1, 2, dtype=torch.float64)
    function = Of(lambda p, x: p[0](forward(hidden[0], x)), head).double()
    module = Of(lambda p, x: p[0](forward(p[1], x)), head, layer).double()
    both = [attribute(one, x, selector) for one in (function, module)]
    conserved(both[0])
    assert torch.allclose(both[0].relevance, both[1].relevance, rtol=1e-10, atol=1e-13)
    assert torch.allclose(both[0].output, (selector * function(x)).sum(1).detach(), rtol=1e-12)


# ---------------------------------------------------------------------------------------------------------------------
# recurrent layers: signals take all


def slow_lstm(layer, x, R):
    """Relevance of the inputs (step, feature) of one LSTM layer from R at its last hidden state, by loops."""
    w_ih, w_hh, b_ih, b_hh = (p.detach().numpy() for p in layer.parameters())
    n = w_hh.shape[1]
    h, c, kept = np.zeros(n), np.zeros(n), []
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    for step in x:
        a, b = w_ih @ step + b_ih, w_hh @ h + b_hh
        i, f, g, o = np.split(a + b, 4)
        kept.append((step, h, a, b, c, sigmoid(f) * c, sigmoid(i) * np.tanh(g)))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    found, to_h, to_c = np.zeros_like(x), R, np.zeros(n)
    cells = slice(2 * n, 3 * n)
    for t in reversed(range(len(x))):
        step, h, a, b, _, old, new = kept[t]
        at_c = to_c + to_h
        total = np.abs(old) + np.abs(new)
        to_c = np.where(total > 0, np.abs(old) / np.where(total > 0, total, 1), 0.5) * at_c
        fresh = at_c - to_c
        size = np.abs(a[cells]) + np.abs(b[cells])
        both = [np.zeros(4 * n), np.zeros(4 * n)]
        for one, part in zip(both, (a, b), strict=True):
            one[cells] = np.abs(part[cells]) / size * fresh
        if t == 0:  # the hidden state is a constant, and takes nothing
            both[0][cells] = fresh
        found[t] = slow_weighted(w_ih.T, step, both[0], "contribution", False)
        to_h = slow_weighted(w_hh.T, h, both[1], "contribution", False)
    return found


@pytest.mark.parametrize("batch_first", [True, False])
def test_lstm_by_loops(batch_first):
    layer, head = nn.LSTM(3, 2, batch_first=batch_first), nn.Linear(2, 2)

    def forward(p, x):
        return p[1](p[0](x)[0][:, -1] if batch_first else p[0](x.transpose(0, 1))[0][-1])

    model, x, selector, found = explained(forward, layer, head, shape=(2, 4, 3))
    last = layer(x if batch_first else x.transpose(0, 1))[0]
    w, h = linear(model, last[:, -1] if batch_first else last[-1])
    for case in range(2):
        R = slow_output(w, h[case], selector[case].numpy(), float(found.output[case]))
        expected = slow_lstm(layer, x[case].numpy(), R)
        assert np.abs(found.relevance[case].numpy() - expected).max() < DENSE * np.abs(expected).sum()
    conserved(found)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}])
def test_packed_sequences_are_each_as_long_as_it_is(kind, options):
    """Of different lengths, in any order; what is padded behind them has no relevance."""
    layer = kind(3, 4, batch_first=True, **options)
    head = nn.Linear(8 if "bidirectional" in options else 4, 1, bias=False)  # one would tell the longest
    lengths = torch.tensor([2, 4, 3])
    x = torch.randn(3, 4, 3, dtype=torch.float64)

    def packed(p, x, lengths):
        sequence = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, _ = nn.utils.rnn.pad_packed_sequence(p[0](sequence)[0], batch_first=True)
        return p[1](torch.tanh(out)).sum(1)

    model = Of(packed, layer, head).double()
    found = attribute(model, x, torch.ones(3, 1), additional_forward_args=lengths)
    conserved(found)
    for case, length in enumerate(lengths):
        plain = Of(lambda p, x: p[1](torch.tanh(p[0](x)[0])).sum(1), layer, head)
        one = attribute(plain, x[case : case + 1, :length], torch.ones(1, 1)).relevance[0]
        assert torch.allclose(found.relevance[case, :length], one, rtol=1e-10)
        assert (found.relevance[case, length:] == 0).all()


def test_several_packed_sequences_step_together():
    """As many at each step as are long enough: torch's own output, forwards and backwards."""
    for kind in (nn.LSTM, nn.GRU):
        layer = kind(3, 4, 2, bidirectional=True).double()
        data = nn.utils.rnn.pack_sequence([torch.randn(n, 3, dtype=torch.float64) for n in (4, 3, 3, 1)])
        zero = torch.zeros(4, 4, 4, dtype=torch.float64)
        hx = (zero, zero) if kind is nn.LSTM else zero
        flat = [w for names in layer.all_weights for w in names]
        name = "lstm" if kind is nn.LSTM else "gru"
        found = FUNCTIONS[name](data.data, data.batch_sizes, hx, flat, True, 2, 0.0, False, True)
        out, last = layer(data)
        assert torch.allclose(found[0], out.data, rtol=1e-12)
        for ours, theirs in zip(found[1:], last if kind is nn.LSTM else (last,), strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"bidirectional": True}, {"bias": False}])
def test_recurrent_layers_are_their_cells(kind, options):
    """Layers, directions and cells step by step: the output is torch's own, and all is conserved."""
    layer = kind(3, 4, batch_first=True, **options)
    width = 8 if "bidirectional" in options else 4
    whole = lambda p, x: p[1](p[0](x)[0].flatten(1))  # noqa: E731
    _, _, _, found = explained(whole, layer, nn.Linear(3 * width, 2), shape=(2, 3, 3))
    conserved(found)
    assert (found.relevance != 0).any(dim=0).all()
    if not options:
        cell = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}[kind](3, 4).double()
        cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})

        def steps(p, x):
            state, out = None, []
            for t in range(3):
                state = p[0](x[:, t], state)
                out.append(state[0] if kind is nn.LSTM else state)
            return p[1](torch.stack(out, 1).flatten(1))

        model = Of(steps, cell, nn.Linear(12, 2)).double()
        x = torch.randn(2, 3, 3, dtype=torch.float64)
        both = [attribute(one, x, torch.ones(2, 2)).relevance for one in (model, Of(whole, layer, model.parts[1]))]
        assert torch.allclose(*both, rtol=1e-10)


# ---------------------------------------------------------------------------------------------------------------------
# spectra


def spectral_layer(x, weight):
    """Circular convolution with complex weights on the lowest modes."""
    spectrum = torch.fft.rfft(x)
    kept = torch.zeros(len(x), 2, x.shape[-1] // 2 + 1, dtype=spectrum.dtype)
    kept[..., : weight.shape[-1]] = torch.einsum("bik,iok->bok", spectrum[..., : weight.shape[-1]], weight)
    return torch.fft.irfft(kept, n=x.shape[-1])


def test_a_spectral_layer_is_one_linear_map():
    """By its real matrix: R_i = x_i sum_j w_ij R_j y_j / (y_j^2 + (rms / 10)^2), then the uniform shift."""
    weight = torch.randn(1, 2, 3, dtype=torch.complex128)
    model, x, selector, found = explained(
        lambda p, x: p[0](spectral_layer(x, weight).flatten(1)), nn.Linear(16, 2), shape=(2, 1, 8)
    )
    units = torch.eye(8, dtype=torch.float64)[:, None]
    matrix = spectral_layer(units, weight).flatten(1).numpy()  # (input, output)
    w, h = linear(model, spectral_layer(x, weight).flatten(1))
    for case in range(2):
        R = slow_output(w, h[case], selector[case].numpy(), float(found.output[case]))
        y, expected = h[case], np.zeros(8)
        for i, j in itertools.product(range(8), range(16)):
            expected[i] += x[case, 0, i].item() * matrix[i, j] * R[j] * y[j] / (y[j] ** 2 + 0.01 * np.mean(y**2))
        expected = shifted(expected, R.sum())
        assert np.abs(found.relevance[case, 0].numpy() - expected).max() < DENSE * np.abs(expected).sum()
    conserved(found)


def test_moduli_parts_and_products_of_complex_values():
    """|z| of degree one, real and imaginary parts, a product of two spectra: all conserved."""
    ways = [
        lambda x: torch.fft.fft(x).abs(),
        lambda x: torch.fft.fft(x).real,
        lambda x: torch.complex(x, 2.0 * x).imag,
        lambda x: torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(x.flip(-1)), n=4),
        lambda x: torch.view_as_real(torch.fft.fft(x)).flatten(1),
        lambda x: torch.fft.ifft(torch.fft.fft(x) * torch.exp(torch.tensor(0.3j))).real,
    ]
    for way in ways:
        width = way(torch.randn(1, 4)).shape[1]
        _, _, _, found = explained(lambda p, x, way=way: p[0](way(x)), nn.Linear(width, 3))
        conserved(found)


def test_norms_and_deviations_share_by_slope():
    """R_i = x_i^2 / |x|^2 R for the norm."""
    _, x, _, found = explained(lambda p, x: x.norm(dim=1, keepdim=True))
    assert torch.allclose(found.relevance, x**2 / (x**2).sum(1, keepdim=True) * found.output[:, None], rtol=1e-12)
    _, _, _, found = explained(lambda p, x: torch.std(x, 1, keepdim=True))
    conserved(found)


def test_softmax_at_the_output_names_the_logit():
    for model in (nn.Sequential(nn.Linear(3, 2), nn.Softmax(1)), nn.Sequential(nn.Linear(3, 2), nn.LogSoftmax(1))):
        with pytest.raises(UnsupportedOperation, match="explain the logit"):
            RAP(model.eval()).attribute(torch.randn(1, 3), 0)
