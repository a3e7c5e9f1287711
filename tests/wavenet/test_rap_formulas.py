# ruff: noqa: E501 - a table, one line each
"""Functions of torch that are abbreviations, sums with fixed weights, or of degree one: against what they stand for."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wavenet.rap import attribute

from .test_rap_engine import ROUNDING, Of, sums

pytestmark = pytest.mark.usefixtures("seeded")

INDEX = torch.tensor([[0, 1, 2, 0, 1, 2]])
LEVI_CIVITA = torch.tensor(
    [[[(i - j) * (j - k) * (k - i) / 2 for k in range(3)] for j in range(3)] for i in range(3)]
).double()
ONES = torch.ones(2, 3, dtype=torch.float64)
VALID = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])


def index(x):
    return INDEX.expand(len(x), -1)


def halves(op):
    return lambda x: op(x[:, :3], x[:, 3:])


def rows(op):
    """Each case alone, as models do that loop over them."""
    return lambda x: torch.stack([op(row) for row in x])


def between(op, *, width=6):
    """The function between two layers, with tanh before it: values of both signs."""
    with torch.no_grad():
        size = op(torch.rand(2, width, dtype=torch.float64) - 0.5).flatten(1).shape[1]
    return Of(lambda p, x: p[1](op(torch.tanh(p[0](x))).flatten(1)), nn.Linear(4, width), nn.Linear(size, 2)).double()


def compared(op, other, *, width=6):
    """Relevance by either function, and that it is conserved; all else is equal."""
    model, x = between(op, width=width), torch.randn(2, 4, dtype=torch.float64)
    twin = Of(lambda p, x: p[1](other(torch.tanh(p[0](x))).flatten(1)), *model.parts)
    selector = torch.randn(2, 2)
    found, expected = (attribute(one, x, selector) for one in (model, twin))
    assert torch.allclose(found.output, expected.output, rtol=1e-12)
    size = expected.relevance.abs().sum(1, keepdim=True)
    assert ((found.relevance - expected.relevance).abs() < 1e-10 * size).all()
    assert ((sums(found) - found.output).abs() < ROUNDING * size[:, 0]).all()


ABBREVIATIONS = {
    "glu": (F.glu, lambda x: x[:, :3] * torch.sigmoid(x[:, 3:])),
    "lerp": (lambda x: torch.lerp(x, x.flip(1), 0.3), lambda x: 0.7 * x + 0.3 * x.flip(1)),
    "lerp by a gate": (
        halves(lambda a, b: torch.lerp(a, b, torch.sigmoid(a))),
        halves(lambda a, b: (1 - torch.sigmoid(a)) * a + torch.sigmoid(a) * b),
    ),
    "addcmul": (lambda x: torch.addcmul(x, x.flip(1), x, value=2.0), lambda x: x + 2.0 * (x.flip(1) * x)),
    "addcmul in place": (lambda x: x.clone().addcmul_(x.flip(1), x), lambda x: x + x.flip(1) * x),
    "addcdiv": (lambda x: torch.addcdiv(x, x.flip(1), x + 3, value=2.0), lambda x: x + 2.0 * (x.flip(1) / (x + 3))),
    "addr": (rows(lambda r: torch.addr(ONES[[0, 0, 0]], r[:3], r[3:], alpha=2)), rows(lambda r: 1 + 2 * torch.outer(r[:3], r[3:]))),
    "addbmm": (
        rows(lambda r: torch.addbmm(ONES[:, :2], r.view(1, 2, 3), r.view(1, 3, 2), beta=3)),
        rows(lambda r: 3 + (r.view(1, 2, 3) @ r.view(1, 3, 2)).sum(0)),
    ),
    "cosine similarity": (
        halves(lambda a, b: F.cosine_similarity(a, b)[:, None]),
        halves(lambda a, b: (a / a.norm(dim=1, keepdim=True) * (b / b.norm(dim=1, keepdim=True))).sum(1, keepdim=True)),
    ),
    "pairwise distance": (
        halves(lambda a, b: F.pairwise_distance(a, b, keepdim=True)), halves(lambda a, b: (a - b + 1e-6).norm(dim=1, keepdim=True))
    ),
    "cdist": (
        lambda x: torch.cdist(x.view(-1, 2, 3), ONES[[0, 0, 0, 0]], p=1.0),
        lambda x: (x.view(-1, 2, 1, 3) - ONES[[0, 0, 0, 0]]).norm(1, dim=-1),
    ),
    "diff": (lambda x: torch.diff(x, dim=1), lambda x: x[:, 1:] - x[:, :-1]),
    "second diff": (
        lambda x: torch.diff(x, 2, 1, prepend=x[:, 5:]),
        lambda x: (lambda d: d[:, 1:] - d[:, :-1])(torch.cat([x[:, :1] - x[:, 5:], x[:, 1:] - x[:, :-1]], 1)),
    ),
    "var": (lambda x: x.var(1, keepdim=True), lambda x: x.std(1, keepdim=True) ** 2),
    "var and mean": (
        lambda x: torch.stack(torch.var_mean(x, 1, correction=0), 1), lambda x: torch.stack([x.std(1, correction=0) ** 2, x.mean(1)], 1)
    ),
    "deviation and mean": (
        lambda x: torch.stack(torch.std_mean(x, 1, unbiased=False), 1), lambda x: torch.stack([x.std(1, correction=0), x.mean(1)], 1)
    ),
    "aminmax": (
        lambda x: torch.cat([torch.aminmax(x, dim=1, keepdim=True).max, torch.aminmax(x, dim=1, keepdim=True)[0]], 1),
        lambda x: torch.cat([x.amax(1, keepdim=True), x.amin(1, keepdim=True)], 1),
    ),
    "scattered sum": (
        lambda x: ONES[:1].repeat(len(x), 1).scatter_reduce(1, index(x), x, "sum"), lambda x: ONES[:1].repeat(len(x), 1).scatter_add(1, index(x), x)
    ),
    "scattered maximum": (
        lambda x: torch.zeros_like(x[:, :3]).scatter_reduce(1, index(x), x, "amax", include_self=False), halves(torch.maximum)
    ),
    "a value times itself": (lambda x: torch.einsum("bi,bj->bij", x, x), lambda x: torch.einsum("bi,bj->bij", x, x.clone())),
    "its square as a matrix": (
        lambda x: (lambda m: m @ m)(x[:, :4].unflatten(1, (2, 2))), lambda x: (lambda m: m @ m.clone())(x[:, :4].unflatten(1, (2, 2)))
    ),
    "a sparse constant": (
        rows(lambda r: torch.sparse.mm(ONES.triu().to_sparse(), r.view(3, 2))),
        rows(lambda r: ONES.triu() @ r.view(3, 2)),
    ),
    "a sparse factor": (rows(lambda r: ONES.triu().to_sparse() @ r.view(3, 2)), rows(lambda r: ONES.triu() @ r.view(3, 2))),
    "kron": (rows(lambda r: torch.kron(r[:2], r[2:])), rows(lambda r: torch.einsum("i,j->ij", r[:2], r[2:]).flatten())),
    "cross product": (halves(torch.linalg.cross), halves(lambda a, b: torch.einsum("ijk,bj,bk->bi", LEVI_CIVITA, a, b))),
    "log of a sigmoid": (F.logsigmoid, lambda x: torch.log(torch.sigmoid(x))),
    "step by a quotient": (lambda x: x * (2 + x // 0.5), lambda x: x * (2 + torch.floor_divide(x, 0.5))),
    "cummax": (lambda x: x.cummax(1).values, lambda x: torch.stack([x[:, : k + 1].amax(1) for k in range(6)], 1)),
    "fmax": (halves(torch.fmax), halves(torch.maximum)),
    "dropout of none": (lambda x: F.dropout(x, 0.0), lambda x: x),
}  # fmt: skip


@pytest.mark.parametrize("name", ABBREVIATIONS)
def test_abbreviations_are_what_they_stand_for(name):
    compared(*ABBREVIATIONS[name])


def image(op):
    return lambda x: op(x.view(-1, 1, 6, 4))


GRID = torch.linspace(-1.2, 0.9, 18).view(1, 3, 3, 2)
FIXED = {
    "bicubic": (image(lambda x: F.interpolate(x, scale_factor=1.7, mode="bicubic")), 24),
    "bicubic, corners": (image(lambda x: F.interpolate(x, size=(3, 9), mode="bicubic", align_corners=True)), 24),
    "bicubic, antialias": (image(lambda x: F.interpolate(x, scale_factor=0.5, mode="bicubic", antialias=True)), 24),
    "bilinear": (image(lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear")), 24),
    "grid_sample": (image(lambda x: F.grid_sample(x, GRID.expand(len(x), -1, -1, -1).to(x), align_corners=False)), 24),
    "max_unpool": (
        image(lambda x: F.max_unpool2d(x, torch.arange(24).view(1, 1, 6, 4).expand(len(x), -1, -1, -1) * 2, 2, output_size=(12, 8))), 24
    ),
    "trapezoid": (lambda x: torch.trapezoid(x, dim=1)[:, None], 6),
    "cumulative_trapezoid": (lambda x: torch.cumulative_trapezoid(x, dx=0.1, dim=1), 6),
    "nanmean": (lambda x: x.nanmean(1, keepdim=True), 6),
    "trace": (rows(lambda r: torch.trace(r[:4].view(2, 2))[None]), 6),
    "scattered mean": (
        lambda x: torch.zeros(len(x), 4, dtype=x.dtype).scatter_reduce(1, index(x), x, "mean", include_self=False), 6
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIXED)
def test_sums_with_fixed_weights_are_dense_layers(name):
    """Of weights of either sign, for values of either sign; the weights are the images of unit vectors."""
    op, width = FIXED[name]
    weights = op(torch.eye(width, dtype=torch.float64)).flatten(1)
    assert (weights < 0).any() == name.startswith("bicubic")
    compared(op, lambda x: x @ weights, width=width)


DEGREE_ONE = {
    "hypot": halves(torch.hypot),
    "quantile": lambda x: x.quantile(0.3, dim=1, keepdim=True),
    "power-average pool": lambda x: F.lp_pool1d(x[:, None], 2.0, 2),
    "distance": rows(lambda r: torch.dist(r[:3], r[3:])[None]),
    "matrix norm": lambda x: torch.linalg.matrix_norm(x.view(-1, 2, 3))[:, None],
    "scattered minimum with itself": lambda x: x[:, :3].scatter_reduce(1, index(x), x, "amin"),
}


@pytest.mark.parametrize("name", DEGREE_ONE)
def test_functions_of_degree_one_share_by_their_slope(name):
    """R_i = sum_j x_i (dy_j / dx_i) / y_j R_j: with R_j = c_j y_j that is x times the gradient of c y."""
    op = DEGREE_ONE[name]
    x = torch.randn(2, 6, dtype=torch.float64)
    selector = torch.randn_like(op(x).flatten(1))
    found = attribute(Of(lambda p, x: op(x).flatten(1)), x, selector)
    leaf = x.clone().requires_grad_()
    (op(leaf).flatten(1) * selector).sum().backward()
    assert torch.allclose(found.relevance, x * leaf.grad, rtol=1e-10, atol=1e-12)
    assert torch.allclose(sums(found), found.output, rtol=1e-10)


def test_places_of_grid_sample_receive_nothing():
    """A spatial transformer: the image takes all, the network that says where to look nothing."""
    where, head = nn.Linear(16, 18), nn.Linear(9, 2)

    def forward(p, x, y):
        return p[1](F.grid_sample(x, torch.tanh(p[0](y)).view(-1, 3, 3, 2), align_corners=False).flatten(1))

    x, y = torch.rand(2, 1, 4, 4, dtype=torch.float64), torch.randn(2, 16, dtype=torch.float64)
    found = attribute(Of(forward, where, head).double(), (x, y), torch.ones(2, 2))
    assert (found.relevance[1] == 0).all()
    grid = torch.tanh(where(y)).view(-1, 3, 3, 2).detach()
    fixed = Of(lambda p, x, g: p[0](F.grid_sample(x, g, align_corners=False).flatten(1)), head)
    expected = attribute(fixed, x, torch.ones(2, 2), additional_forward_args=grid)
    assert torch.allclose(found.relevance[0], expected.relevance, rtol=1e-12)


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ((nn.Linear(4, 5), nn.Linear(5, 2)), (3, 4)),
        ((nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 2)), (3, 1, 5, 5)),
        ((nn.ConvTranspose1d(2, 3, 3), nn.Conv1d(3, 1, 1)), (3, 2, 4)),
    ],
)
def test_layers_of_one_case_without_its_axis(layers, shape):
    """A loop over the cases is as all of them together."""
    x = torch.randn(*shape, dtype=torch.float64)
    whole = Of(lambda p, x: p[1](torch.tanh(p[0](x))), *layers).double()
    loop = Of(lambda p, x: torch.stack([p[1](torch.tanh(p[0](row))) for row in x]), *layers).double()
    selector = torch.randn_like(whole(x))
    found, expected = (attribute(model, x, selector).relevance for model in (loop, whole))
    assert torch.allclose(found, expected, rtol=1e-10, atol=1e-10 * float(expected.abs().max()))


def test_complex_layers_are_products_with_complex_weights():
    for layer, turned in (
        (nn.Linear(4, 3, dtype=torch.complex128), lambda z, w: z @ w.T),
        (nn.Conv1d(1, 3, 4, dtype=torch.complex128), lambda z, w: (z[:, 0] @ w[:, 0].T)[..., None]),
    ):
        head, expand = nn.Linear(3, 2).double(), isinstance(layer, nn.Conv1d)

        def ours(p, x, expand=expand):
            z = torch.complex(x, x.flip(1))
            return p[1](p[0](z[:, None] if expand else z).abs().flatten(1))

        def plain(p, x, expand=expand, turned=turned):
            z = torch.complex(x, x.flip(1))
            z = turned(z[:, None] if expand else z, p[0].weight)
            return p[1]((z + p[0].bias.reshape(1, 3, *(1,) * expand)).abs().flatten(1))

        x, selector = torch.randn(2, 4, dtype=torch.float64), torch.randn(2, 2)
        found, expected = (attribute(Of(way, layer, head), x, selector) for way in (ours, plain))
        assert torch.allclose(found.relevance, expected.relevance, rtol=1e-10)
        assert torch.allclose(sums(found), found.output, rtol=1e-10)


def test_stft_is_a_product_with_a_complex_matrix():
    window, head = torch.hann_window(8, dtype=torch.float64), nn.Linear(25, 2).double()

    def spectrum(x):
        return torch.stft(x, 8, window=window, return_complex=True)

    x, selector = torch.randn(2, 16, dtype=torch.float64), torch.randn(2, 2)
    matrix = spectrum(torch.eye(16, dtype=torch.float64)).flatten(1)
    model = Of(lambda p, x: p[0](spectrum(x).abs().flatten(1)[:, :25]), head)
    twin = Of(lambda p, x: p[0]((x.to(matrix.dtype) @ matrix).abs()[:, :25]), head)
    found, expected = (attribute(one, x, selector) for one in (model, twin))
    assert torch.allclose(found.relevance, expected.relevance, rtol=1e-9)
    assert torch.allclose(sums(found), found.output, rtol=1e-10)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("norm", [None, nn.LayerNorm(4)])
@pytest.mark.parametrize("flipped", [False, True])
def test_encoders_that_pack_hidden_steps(norm, flipped):
    """Hidden steps at the end are zero in torch's own path; hidden at the front they are not packed."""
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2, norm=norm)
    x, hidden = torch.randn(2, 5, 4), VALID.flip(1) if flipped else VALID
    model = Of(lambda p, x, hidden: p[0](x, src_key_padding_mask=hidden).mean(1), encoder)
    selector = torch.randn(2, 4)

    def plain(p, x, hidden):
        for layer in p[0].layers:
            x = layer(x, src_key_padding_mask=hidden)
        x = x if flipped else x * ~hidden[..., None]
        return (x if norm is None else norm(x)).mean(1)

    found, expected = (
        attribute(one, x, selector, additional_forward_args=hidden) for one in (model, Of(plain, encoder))
    )
    with torch.no_grad():
        assert torch.allclose(found.output, (model(x, hidden) * selector).sum(1).double(), rtol=1e-4, atol=1e-5)
    assert torch.allclose(found.relevance, expected.relevance, rtol=1e-5, atol=1e-6)
    alone = attribute(model, x[1:], selector[1:], additional_forward_args=hidden[1:])
    assert torch.allclose(alone.relevance, found.relevance[1:], rtol=1e-5, atol=1e-6)
