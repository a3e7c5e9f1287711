"""RAP's recording of the forward: threads, purity, values written in place, types, cases apart and together."""

import copy
import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing._internal.two_tensor import TwoTensor

from wavenet.rap import RAP, UnsupportedOperation, attribute

ROUNDING = 1e-12  # float64, relative to sum |relevance|


pytestmark = pytest.mark.usefixtures("seeded")


class Of(nn.Module):
    """A model of a function of its parts and inputs."""

    def __init__(self, forward, *parts):
        super().__init__()
        self.parts, self.way = nn.ModuleList(parts), forward
        self.eval()

    def forward(self, *x):
        return self.way(self.parts, *x)


def sums(found):
    """Relevance and leaks by case."""
    tensors = found.relevance if isinstance(found.relevance, tuple) else (found.relevance,)
    return sum(r.double().flatten(1).sum(1) for r in tensors) + found.leak


def same(model, other, x, *, rtol=1e-12):
    """Both models have the same relevance, for random selectors."""
    selector = torch.randn_like(model(x))
    found, expected = attribute(model, x, selector), attribute(other, x, selector)
    assert torch.allclose(found.output, expected.output, rtol=1e-12)
    assert torch.allclose(
        found.relevance, expected.relevance, rtol=rtol, atol=rtol * float(expected.relevance.abs().max())
    )
    return found


# ---------------------------------------------------------------------------------------------------------------------
# threads and purity


@pytest.mark.parametrize(("count", "calls"), [(8, 5), pytest.param(64, 100, marks=pytest.mark.slow)])
def test_many_threads_are_right_and_do_not_harm_other_forwards(count, calls):
    """Meanwhile there are forwards of the same and of another model."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double().eval()
    other = nn.Sequential(nn.Linear(3, 5), nn.ReLU(inplace=True), nn.Linear(5, 1)).eval()
    inputs = torch.randn(64, 3, dtype=torch.float64)
    expected = RAP(model).attribute(inputs, 1)
    forward, seen = other(inputs.float()), model(inputs)
    wrong, checked, stop = [], [], threading.Event()

    def explain(k):
        explainer = RAP(model)
        for _ in range(calls):
            found = explainer.attribute(inputs[k : k + 1], 1)
            if not torch.allclose(found, expected[k : k + 1], rtol=1e-12):
                wrong.append(k)

    def run():
        while not stop.is_set():
            right = torch.equal(other(inputs.float()), forward) and torch.equal(model(inputs), seen)
            (checked if right else wrong).append("forward")

    others = [threading.Thread(target=run) for _ in range(2)]
    threads = [threading.Thread(target=explain, args=(k,)) for k in range(count)]
    for thread in (*others, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    for thread in others:
        thread.join()
    assert wrong == []
    assert len(checked) > 2
    assert type(model).__call__ is nn.Module.__call__


def test_nothing_of_the_model_is_touched():
    class Remembers(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.last = nn.Linear(3, 2), None

        def forward(self, x):
            self.last = self.layer(x)
            return torch.tanh(self.last)

    model, calls = Remembers().eval(), []
    model.layer.register_forward_hook(lambda *given: calls.append(1))
    before, attributes = copy.deepcopy(model.state_dict()), set(vars(model.layer))
    x = torch.randn(2, 3, requires_grad=True)
    with torch.enable_grad():
        found = attribute(model, x, torch.ones(2, 2), dtype=torch.float32)
        assert torch.is_grad_enabled()
    assert model.last is None  # what forward assigned went to the stand-in
    assert set(vars(model.layer)) == attributes
    assert len(model.layer._forward_hooks) == 1
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert x.grad is None
    assert not found.relevance.requires_grad
    assert torch.overrides._get_current_function_mode_stack() == []


def test_what_forward_writes_into_its_own_tensors_goes_nowhere():
    """A counter among the buffers, a state as plain attribute, both by two names; in either precision."""

    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.state = nn.Linear(3, 2), torch.zeros(2)
            self.register_buffer("seen", torch.zeros(()))
            self.register_buffer("again", self.seen)

        def forward(self, x):
            self.again += 1
            self.state.mul_(0.5).add_(1.0)
            return self.layer(x) * self.seen

    model, x = Counts().eval(), torch.randn(2, 3)
    for dtype in (torch.float32, torch.float64):
        found = attribute(model, x, torch.ones(2, 2), dtype=dtype)
        assert torch.allclose(sums(found), found.output, rtol=1e-5)
        assert torch.allclose(found.output, model.layer(x).sum(1).double(), rtol=1e-5)
    assert (model.seen, model.again, model.state.tolist()) == (0, 0, [0, 0])


def test_a_failing_forward_leaves_no_mode_behind():
    def fails(parts, x):
        raise RuntimeError("as it says")

    with pytest.raises(RuntimeError, match="as it says"):
        attribute(Of(fails), torch.ones(2, 3), torch.ones(2, 3))
    assert torch.overrides._get_current_function_mode_stack() == []


def test_a_forward_that_changes_is_noticed():
    """In single precision the model runs once more for its own output; a change of 1e-6 is seen in double precision."""
    calls = []

    def drifts(parts, x):
        calls.append(1)
        return parts[0](x)[0] * (1 + 1e-6 * len(calls))

    model = Of(drifts, nn.LSTM(3, 2, batch_first=True)).double()
    with pytest.raises(UnsupportedOperation, match="recording is not the model"):
        attribute(model, torch.randn(1, 4, 3, dtype=torch.float64), torch.ones(1, 4, 2))


# ---------------------------------------------------------------------------------------------------------------------
# what forward may do


def test_branches_on_values_and_modules_made_in_forward():
    layer = nn.Linear(3, 3)

    def forward(parts, x):
        h = parts[0](x)
        for _ in range(len(h.shape)):
            h = nn.SiLU()(h)
        return h if x.abs().max() > 0 else -h

    model = Of(forward, layer).double()
    same(model, nn.Sequential(layer, nn.SiLU(), nn.SiLU()).double().eval(), torch.randn(2, 3, dtype=torch.float64))


def through_a_view(parts, x):
    y = parts[0](x)
    view = y[:, 1:]
    view.mul_(2.0)
    return torch.tanh(y)


def into_zeros(parts, x):
    h = parts[0](x)
    y = torch.zeros_like(h)
    y[:, 0] = h[:, 0]
    y[:, 1:] = 2.0 * h[:, 1:]
    return torch.tanh(y)


def a_view_of_what_was_written(parts, x):
    y = torch.zeros(len(x), 4)
    rest = y[:, 1:]
    h = parts[0](x)
    rest.copy_(2.0 * h[:, 1:])
    y[:, 0] += h[:, 0]
    return torch.tanh(y)


def by_index_put(parts, x):
    h = parts[0](x)
    return torch.tanh(h.clone().index_copy_(1, torch.tensor([1, 2, 3]), 2.0 * h[:, 1:]))


@pytest.mark.parametrize("way", [through_a_view, into_zeros, a_view_of_what_was_written, by_index_put])
def test_writes_through_views_are_those_of_a_scale(way):
    layer = nn.Linear(3, 4)
    plain = Of(lambda parts, x: torch.tanh(parts[0](x) * torch.tensor([1.0, 2.0, 2.0, 2.0])), layer).double()
    found = same(Of(way, layer).double(), plain, torch.randn(2, 3, dtype=torch.float64))
    assert torch.allclose(sums(found), found.output, rtol=ROUNDING)


def test_layers_keep_inputs_that_are_overwritten_later():
    def forward(parts, x):
        h = torch.tanh(parts[0](x))
        y = parts[1](h)
        h.zero_()
        return torch.tanh(y)

    layers = nn.Linear(3, 4), nn.Linear(4, 2)
    plain = nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh()).double().eval()
    same(Of(forward, *layers).double(), plain, torch.randn(2, 3, dtype=torch.float64))


def test_constants_written_into_after_their_use_keep_their_value():
    """A matrix made in double precision, and one in single precision that is converted; by the attention weights."""
    attribute_ = torch.randn(3, 3)

    def forward(parts, x):
        scale, plain = torch.ones(3, 3), attribute_.clone()
        y = torch.tanh(x @ scale) + torch.tanh(x @ plain)
        scale[0], plain[0] = 7.0, 0.0
        return parts[0](torch.tanh(y @ scale @ plain))

    def same_matrices(parts, x):
        after = [torch.ones(3, 3), attribute_.clone()]
        after[0][0], after[1][0] = 7.0, 0.0
        y = torch.tanh(x @ torch.ones(3, 3)) + torch.tanh(x @ attribute_)
        return parts[0](torch.tanh(y @ after[0] @ after[1]))

    layer, x = nn.Linear(3, 2), torch.randn(2, 3)
    found, expected = (attribute(Of(way, layer), x, torch.ones(2, 2)) for way in (forward, same_matrices))
    assert torch.equal(found.relevance, expected.relevance)


def test_types_are_those_of_the_computation():
    """Plain attributes and new tensors in single precision, casts, autocast: as if all were in double precision."""
    weight = torch.randn(4, 3)

    def forward(parts, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            h = F.linear(x.to(weight.dtype), weight) + torch.linspace(0.0, 1.0, 4)
            if h.dtype != weight.dtype:
                raise ValueError("the types differ")
            h = torch.sin(3.0 * h.half().float())
            return parts[0](torch.cat([h, torch.zeros(len(x), 1)], 1))

    head = nn.Linear(5, 2)

    def plain(parts, x):
        h = torch.sin(3.0 * (F.linear(x, weight.double()) + grid.double()))
        return parts[0](F.pad(h, (0, 1)))

    x, selector = torch.randn(2, 3), torch.ones(2, 2)
    model = Of(forward, head)
    found = attribute(model, x, selector)
    assert torch.equal(found.output, model(x).detach().double().sum(1))  # in bfloat16; the shares are not
    grid = torch.linspace(0.0, 1.0, 4, dtype=torch.float64)
    expected = attribute(Of(plain, copy.deepcopy(head)).double(), x.double(), selector)
    single = attribute(model, x, selector, dtype=torch.float32)  # torch's autocast leaves double precision as it is
    shares = [one.relevance.double() / one.output[:, None] for one in (found, expected, single)]
    assert torch.allclose(shares[0], shares[1], rtol=1e-5)
    assert torch.allclose(shares[2], shares[1], rtol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_parallel_and_exported_models_are_those_inside():
    inner = nn.Sequential(nn.Conv1d(2, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(15, 2)).double().eval()
    x = torch.randn(2, 2, 5, dtype=torch.float64)
    expected = RAP(inner).attribute(x, 1)
    compiled = torch.compile(inner, backend="eager")
    compiled.eval()
    assert torch.equal(RAP(compiled).attribute(x, 1), expected)
    parallel = nn.DataParallel(inner).eval()
    assert torch.equal(RAP(parallel).attribute(x, 1), expected)
    exported = torch.export.export(inner, (x,)).module()
    assert torch.allclose(RAP(exported).attribute(x, 1), expected, rtol=1e-12)


def test_subclasses_that_wrap_tensors_are_tensors():
    """Their memory has no address; of one that is written into by a view, too."""
    x = torch.randn(2, 3)
    layer = nn.Linear(3, 2)
    model = Of(lambda p, x: p[0](through_a_view([nn.Identity()], x.clone())), layer)
    found = attribute(model, TwoTensor(x, x.clone()), torch.ones(2, 2))
    expected = attribute(model, x, torch.ones(2, 2))
    assert torch.equal(found.relevance.a, expected.relevance)


@pytest.mark.slow  # torch compiles for four seconds
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_functions_that_forward_has_compiled_are_recorded():
    """Torch compiles the recording along with them: silently, too."""
    layer, x = nn.Linear(3, 2), torch.randn(2, 3)
    compiled = torch.compile(lambda h: torch.tanh(h) * 2.0, backend="eager")
    found = attribute(Of(lambda p, x: p[0](compiled(x)), layer), x, torch.ones(2, 2))
    expected = attribute(Of(lambda p, x: p[0](torch.tanh(x) * 2.0), layer), x, torch.ones(2, 2))
    assert torch.equal(found.relevance, expected.relevance)


# ---------------------------------------------------------------------------------------------------------------------
# cases


def folded(parts, x):
    """Steps folded into the batch axis and back."""
    n, steps, _ = x.shape
    h = torch.tanh(parts[0](x.reshape(n * steps, -1)))
    return parts[1](h.reshape(n, -1))


def steps_first(parts, x):
    h = torch.tanh(parts[0](x.transpose(0, 1)))
    return parts[1](h.transpose(0, 1).flatten(1))


@pytest.mark.parametrize("way", [folded, steps_first])
@pytest.mark.parametrize("cases", [1, 2, 4])
def test_a_moved_batch_axis_is_that_of_each_case(way, cases):
    """With as many steps as cases, too, where shapes alone do not tell them apart."""
    layers = nn.Linear(3, 5), nn.Linear(20, 2)
    plain = Of(lambda parts, x: parts[1](torch.tanh(parts[0](x)).flatten(1)), *layers).double()
    found = same(Of(way, *layers).double(), plain, torch.randn(cases, 4, 3, dtype=torch.float64))
    assert found.layers[0].incoming.shape == (cases,)
    assert torch.allclose(sums(found), found.output, rtol=ROUNDING)


@pytest.mark.parametrize(
    "way",
    [
        lambda parts, x: parts[0](x - x.mean(0)),
        lambda parts, x: parts[0](x.flip(0)),
        lambda parts, x: parts[0](x / x.abs().amax()),
        lambda parts, x: parts[0](x) + x.sum(),
        lambda parts, x: F.batch_norm(parts[0](x), None, None, training=True),
        lambda parts, x: torch.softmax(x @ x.mT, 1) @ parts[0](x),
        # the first case is as it is alone
        lambda parts, x: parts[0](x.cumsum(0)),
        lambda parts, x: parts[0](x[torch.tensor([0, 0, 1, 2])]),
        lambda parts, x: parts[0](x[(x[:, 0] - x[0, 0]).abs().argsort()]),
        lambda parts, x: parts[0](x - x[:1]),
        lambda parts, x: parts[0](torch.cat([x[:3], x[3:] + x[:1]])),
        lambda parts, x: torch.ones(4, 4).tril() @ parts[0](x),
        # other ways
        lambda parts, x: parts[0](torch.softmax(x, 0)),
        lambda parts, x: parts[0](x.roll(1, 0)),
        lambda parts, x: parts[0](x.sort(0).values),
        lambda parts, x: torch.cdist(parts[0](x), parts[0](x))[:, :3],
        lambda parts, x: (F.normalize(parts[0](x)) @ F.normalize(parts[0](x)).T)[:, :3],
        lambda parts, x: parts[0](x.reshape(1, 4, 3).cumsum(1).reshape(4, 3)),
        lambda parts, x: parts[0](x.reshape(2, 2, 3).flip(1).reshape(4, 3)),
        lambda parts, x: F.conv1d(x.T[None], torch.ones(3, 3, 3), padding=1)[0].T,
        lambda parts, x: parts[0](x.detach() - x.detach().mean(0)) + x,
        lambda parts, x: parts[0](x) if (x > x[0].max()).any() else -parts[0](x),
        # by their place alone
        lambda parts, x: parts[0](x) * (1.0 + torch.arange(len(x)))[:, None],
    ],
)
def test_mixed_cases_are_refused(way):
    with pytest.raises(UnsupportedOperation, match="cases"):
        attribute(Of(way, nn.Linear(3, 3)), torch.randn(4, 3), torch.ones(4, 3))


def test_further_arguments_of_each_case_follow_it():
    """In models that are explained case by case; a table of as many rows as cases stays whole."""
    table = torch.randn(2, 2, dtype=torch.float64)

    def forward(parts, x, scale, table):
        h = parts[0](x.flatten(0, 1)).reshape(len(x), -1, 2)
        return (h * scale[:, None, None]).sum(1) @ table

    model, x = Of(forward, nn.Linear(3, 2)).double(), torch.randn(2, 4, 3, dtype=torch.float64)
    scale, selector = torch.tensor([1.0, -2.0]).double(), torch.ones(2, 2)
    with pytest.raises(UnsupportedOperation, match="cases"):
        # which of the two goes by case is not tried one by one
        attribute(model, x, selector, additional_forward_args=(scale, table))


def test_a_model_may_depend_on_the_number_of_cases():
    layer = nn.Linear(3, 2)
    model = Of(lambda parts, x: torch.tanh(parts[0](x)) * (8 / len(x)), layer).double()
    x = torch.randn(4, 3, dtype=torch.float64)
    same(model, Of(lambda parts, x: torch.tanh(parts[0](x)) * 2.0, layer).double(), x)


def test_a_table_with_a_row_for_each_case_is_a_table():
    """Two cases, and a constant of two rows that all of them share."""
    layer, table = nn.Linear(3, 2), torch.randn(2, 2)
    x, selector = torch.randn(2, 3), torch.randn(2, 2)
    found = attribute(Of(lambda p, x, t: p[0](x) @ t, layer), x, selector, additional_forward_args=table)
    expected = attribute(Of(lambda p, x: p[0](x) @ table, layer), x, selector)
    assert torch.equal(found.relevance, expected.relevance)


def test_inputs_that_forward_writes_into_stay_as_they_are():
    layer, x = nn.Linear(3, 2), torch.randn(4, 3)
    before = x.clone()
    found = attribute(Of(lambda p, x: p[0](x.mul_(2.0)), layer), x, torch.ones(4, 2))
    expected = attribute(Of(lambda p, x: p[0](x * 2.0), layer), x, torch.ones(4, 2))
    assert torch.equal(found.relevance, expected.relevance)
    assert torch.equal(x, before)


def test_dropout_in_place_is_none_in_eval_mode():
    for dropout in (nn.Dropout(0.5, inplace=True), nn.Dropout(0.5), nn.AlphaDropout(0.5)):
        layers = nn.Linear(3, 4), nn.Linear(4, 2)
        plain = nn.Sequential(layers[0], nn.Tanh(), layers[1]).double().eval()
        model = nn.Sequential(layers[0], nn.Tanh(), dropout, layers[1]).double().eval()
        x = torch.randn(2, 3, dtype=torch.float64)
        assert torch.equal(RAP(model).attribute(x, 1), RAP(plain).attribute(x, 1))


def test_a_contrast_sums_to_zero_and_cancels_what_two_outputs_share():
    """y_0 = 2 x_0 + x_1, y_1 = x_0 + 3 x_1 at x = 1, 1: R_0 = 2, 1, R_1 = 1, 3, and R_0 - 3/4 R_1 = 5/4, -5/4."""
    layer = nn.Linear(2, 2, bias=False).double().eval()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
    x = torch.ones(1, 2, dtype=torch.float64)
    found, lost = RAP(layer).contrast(x, 0, 1, return_convergence_delta=True)
    assert found[0].tolist() == pytest.approx([1.25, -1.25], rel=1e-14)
    assert abs(float(lost)) < ROUNDING
    assert (RAP(layer).contrast(x, 1, 1) == 0).all()


def test_growth_is_the_sum_of_moduli_over_the_output():
    """For y = 2 x_0 + x_1 and y = 0; several inputs together."""
    layer = nn.Linear(2, 1, bias=False).double().eval()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, 1.0]]))
    x = torch.tensor([[1.0, -3.0], [1.0, -2.0], [1.0, 1.0]], dtype=torch.float64)
    assert attribute(layer, x, torch.ones(3, 1)).growth.tolist() == pytest.approx([1.0, 0.0, 1.0])
    deep = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)).double().eval()
    found = attribute(Of(lambda p, a, b: p[0](torch.cat([a, b], 1)), deep), (x[:, :1], x[:, 1:]), torch.ones(3, 1))
    size = sum(r.abs().sum(1) for r in found.relevance)
    assert torch.allclose(found.growth, size / found.output.abs(), rtol=1e-12)
    assert (found.growth >= 1 - 1e-12).all()
