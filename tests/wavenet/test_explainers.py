"""Explainers behind one interface: captum's call shape, captum's own results where it has them, measures."""

import copy
import itertools
import sys
import warnings

import captum.attr
import captum.metrics
import numpy as np
import pytest
import torch
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
from torch import nn

from wavenet.explain import measures
from wavenet.explain.methods import LRP, METHODS, Chance, InputXGradient, IntegratedGradients
from wavenet.explain.representations import activations, linear_cka, rsa, worst_change
from wavenet.rap import RAP, attribute
from wavenet.rap.rules import AlphaBeta, Epsilon

ROUNDING = 1e-12


@pytest.fixture
def net():
    torch.manual_seed(0)
    layers = nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, stride=2), nn.Tanh(), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(27, 4)).double().eval()


@pytest.fixture
def field():
    return torch.randn(3, 2, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def by_case(x):
    return x.flatten(1).sum(1)


# ---------------------------------------------------------------------------------------------------------------------
# targets


@pytest.mark.parametrize(
    ("target", "indices"),
    [
        (2, (2, 2, 2)),
        ((1,), (1, 1, 1)),
        ([0, 3, -1], (0, 3, 3)),
        (torch.tensor([1, 0, 2]), (1, 0, 2)),
        ([(2,)], (2,) * 3),
    ],
)
def test_targets_are_captum_s(net, field, target, indices):
    selector = torch.zeros(3, 4, dtype=torch.float64)
    selector[range(3), indices] = 1.0
    expected = attribute(net, field, selector).relevance
    assert torch.equal(RAP(net).attribute(field, target=target), expected)
    assert torch.equal(RAP(net).attribute(field, target=selector), expected)


def test_one_case_and_several_outputs(net, field):
    together = RAP(net).attribute(field[:1], target=[0, 1, 2, 3])
    assert together.shape == (4, 2, 7, 7)
    for index in range(4):
        assert torch.allclose(together[index], RAP(net).attribute(field[:1], target=index)[0], rtol=1e-10, atol=1e-14)


def test_convergence_delta_is_the_leak(net, field):
    relevance, delta = RAP(net).attribute(field, 1, return_convergence_delta=True)
    assert torch.allclose(by_case(relevance) + delta, net(field)[:, 1], rtol=1e-12)
    silent, lost = RAP(net).attribute(torch.zeros_like(field), 1, return_convergence_delta=True)
    assert (silent == 0).all()
    assert torch.allclose(lost, net(torch.zeros_like(field))[:, 1], rtol=1e-12)
    assert RAP(net).has_convergence_delta()


def test_further_arguments_get_no_relevance():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2).double()

        def forward(self, x, scale):
            return self.layer(x) * scale

    model, x = Scaled().eval(), torch.randn(2, 3, dtype=torch.float64)
    scale = torch.tensor([[2.0], [-3.0]], dtype=torch.float64)
    relevance, delta = RAP(model).attribute(x, 0, scale, return_convergence_delta=True)
    assert relevance.shape == x.shape
    assert (delta.abs() < ROUNDING).all()
    several = RAP(model).attribute(x[:1], [0, 1], (scale[:1],))
    assert torch.allclose(several[0], relevance[0], rtol=1e-12)


def test_further_arguments_are_repeated_with_the_case_and_left_alone_otherwise():
    class Scaled(nn.Module):
        def forward(self, x, weight, power, shift):
            assert power == 2
            assert shift.ndim == 0
            return x * weight * 3**power + shift

    model = Scaled().eval()
    x, weight = torch.tensor([[1.0, 2.0]], dtype=torch.float64), torch.tensor([[2.0, -1.0]], dtype=torch.float64)
    more = weight, 2, torch.tensor(0.5)
    found = RAP(model).attribute(x, [0, 1, 1], more)
    assert torch.allclose(found, torch.tensor([[18.5, 0.0], [0.0, -17.5], [0.0, -17.5]], dtype=torch.float64))
    one = RAP(model).attribute(x, [1], more)
    assert torch.allclose(one, found[1:2])
    both = torch.cat([x, x])
    assert torch.allclose(
        RAP(model).attribute(both, [0, 1], (torch.cat([weight, weight]), 2, torch.tensor(0.5))), found[:2]
    )
    with pytest.raises(ValueError, match="one for each of 2 cases, got 3"):
        RAP(model).attribute(both, [0, 1, 1], (torch.cat([weight, weight]), 2, torch.tensor(0.5)))


def test_captum_s_metrics_take_it(net, field):
    def perturbed(x):
        return torch.zeros_like(x), x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = captum.metrics.infidelity(net, perturbed, field, InputXGradient(net).attribute(field, 0), target=0)
        shift = lambda x: x + 0.1 * torch.ones_like(x)  # noqa: E731
        spread = captum.metrics.sensitivity_max(RAP(net).attribute, field, shift, n_perturb_samples=2, target=0)
    assert torch.isfinite(found).all()
    start, moved = (RAP(net).attribute(x, 0).flatten(1) for x in (field, field + 0.1))
    assert torch.allclose(spread, (moved - start).norm(dim=1) / start.norm(dim=1), rtol=1e-6)


@pytest.mark.parametrize("target", [1, (1,), [1, 0, 3], torch.tensor([1, 0, 3])])
@pytest.mark.parametrize("options", [{}, {"nt_samples_batch_size": 1}])
@pytest.mark.parametrize("method", [RAP, LRP])
def test_captum_s_noise_tunnel_takes_it(net, field, target, options, method, monkeypatch):
    """The mean over noisy copies, each explained alone; the convergence delta is that of each copy."""
    seen, explain = [], method.explain
    monkeypatch.setattr(method, "explain", lambda self, x, *more: seen.append(x.detach()) or explain(self, x, *more))
    tunnel = captum.attr.NoiseTunnel(method(net))
    options = {"target": target, "nt_samples": 3, "stdevs": 0.1, "return_convergence_delta": True} | options
    found, lost = tunnel.attribute(field, **options)
    copies = seen[0].unflatten(0, (3, 3)) if len(seen) == 1 else torch.stack(seen, 1)  # (case, copy, ...)
    assert 0.05 < (copies - field[:, None]).std() < 0.15
    monkeypatch.undo()
    expected = torch.stack([method(net).attribute(copies[:, k], target) for k in range(3)]).mean(0)
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert lost.shape == (9,)
    if method is RAP:
        assert lost.abs().max() < ROUNDING


def test_captum_draws_its_maps(net, field):
    """What is shown has the signs of the relevance, summed over channels."""
    relevance = RAP(net).attribute(field, 1)[0].permute(1, 2, 0).numpy()
    image = torch.rand(7, 7, 3).numpy()
    for kind in ("heat_map", "blended_heat_map"):
        figure, axis = captum.attr.visualization.visualize_image_attr(
            relevance, image, method=kind, sign="all", use_pyplot=False
        )
        shown, total = np.asarray(axis.images[-1].get_array()), relevance.sum(2)
        assert np.array_equal(np.sign(shown), np.sign(total))
        assert figure.axes


def test_single_precision_is_close(net, field):
    exact = RAP(net).attribute(field, 1)
    single = RAP(copy.deepcopy(net).float(), dtype=torch.float32).attribute(field.float(), 1)
    assert single.dtype == torch.float32
    assert (single - exact).abs().max() < 1e-4 * exact.abs().max()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (None, r"which of the outputs \(4,\), got None"),
        (4, r"index into the outputs \(4,\), got 4"),
        (-5, r"index into the outputs \(4,\), got -5"),
        ((0, 0), r"index into the outputs \(4,\), got \(0, 0\)"),
        ([0, 1], "one for each of 3 cases, got 2"),
        ([1.5], "integers, got 1.5"),
        (True, "integers, got True"),
        (torch.ones(3, 4, dtype=torch.complex64), "selector must be real, got torch.complex64"),
        (torch.ones(4), r"output's shape \(3, 4\), got \(4,\)"),
    ],
)
def test_wrong_targets_are_named(net, field, target, message):
    with pytest.raises(ValueError, match=message):
        RAP(net).attribute(field, target)
    with pytest.raises(ValueError, match="split must be one of"):
        RAP(net, split="both")


# ---------------------------------------------------------------------------------------------------------------------
# neighbours


def captum_lrp(net, field, rule):
    other = copy.deepcopy(net)
    for layer in other:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.rule = rule()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = nn.Sequential(*(captum_flat() if isinstance(layer, nn.Flatten) else layer for layer in other))
        return captum.attr.LRP(other).attribute(field.clone(), target=1).detach()


def captum_flat():
    """captum's takes no Flatten without a rule."""
    flat = nn.Flatten()
    flat.rule = EpsilonRule(0.0)
    return flat


def test_lrp_epsilon_is_captum_s(net, field):
    ours = LRP(net, Epsilon(1e-9)).attribute(field, 1)
    assert torch.allclose(ours, captum_lrp(net, field, lambda: EpsilonRule(1e-9)), rtol=1e-6, atol=1e-12)


def test_lrp_alpha_beta_is_captum_s_where_inputs_are_positive():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 3)).double().eval()
    x = torch.rand(4, 5, dtype=torch.float64)
    ours = LRP(net, AlphaBeta(1.0, 0.0)).attribute(x, 1)
    assert torch.allclose(
        ours, captum_lrp(net, x, lambda: Alpha1_Beta0_Rule(set_bias_to_zero=True)), rtol=1e-6, atol=1e-9
    )


def test_lrp_alpha_beta_dense():
    torch.manual_seed(0)
    layer = nn.Linear(6, 3).double().eval()
    x = torch.randn(1, 6, dtype=torch.float64)
    found = LRP(layer, AlphaBeta(2.0, 1.0)).attribute(x, 2)[0]
    z = x[0] * layer.weight[2]
    positive, negative = z.clamp(min=0), (-z).clamp(min=0)
    y = layer(x).detach()[0, 2]
    expected = 2 * positive / positive.sum() * y - negative / negative.sum() * y
    assert torch.allclose(found, expected.detach(), rtol=1e-12)
    with pytest.raises(ValueError, match=r"alpha - beta = 1, got 2\.0 and 2\.0"):
        AlphaBeta(2.0, 2.0)
    with pytest.raises(ValueError, match="epsilon must not be negative"):
        Epsilon(-1.0)


def test_lrp_goes_where_captum_s_does_not(field):
    class Skipped(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.up = nn.Conv2d(2, 2, 1, bias=False), nn.ConvTranspose2d(2, 2, 3, bias=False)

        def forward(self, x):
            y = self.one(torch.nn.functional.silu(self.one(x)) + x)
            return self.up(torch.cat([y, x], 1)[:, 1:3]).sum((1, 2, 3))

    model = Skipped().double().eval()
    found = LRP(model).explain(field)
    assert torch.allclose(by_case(found.relevance) + found.leak, found.output, rtol=1e-9)


@pytest.mark.parametrize("method", [LRP, InputXGradient, IntegratedGradients, RAP])
def test_all_agree_with_a_linear_network_s_sum(method):
    model = nn.Sequential(nn.Linear(4, 5, bias=False), nn.Linear(5, 3, bias=False)).double().eval()
    x = torch.randn(2, 4, dtype=torch.float64)
    found = method(model).attribute(x, [2, 0])
    assert torch.allclose(by_case(found), model(x).detach()[[0, 1], [2, 0]], rtol=1e-6)
    if method is not RAP:  # the others give contributions
        rows = (model[1].weight @ model[0].weight)[[2, 0]]
        assert torch.allclose(found, (x * rows).detach(), rtol=1e-5, atol=1e-9)


def test_numbers_of_numpy_are_targets(net, field):
    expected = RAP(net).attribute(field, 1)
    assert torch.equal(RAP(net).attribute(field, np.int64(1)), expected)
    assert torch.equal(RAP(net).attribute(field, np.array([1, 1, 1])), expected)
    assert RAP(net).attribute(field[:0], 1).shape == (0, 2, 7, 7)
    with pytest.raises(TypeError, match="torch module, got function"):
        RAP(lambda x: x).attribute(field, 1)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_goes_where_rap_goes(net, field, method):
    with torch.inference_mode():
        found = METHODS[method](net).attribute(field, 1)
    assert torch.isfinite(found).all()
    if method != "chance":
        with pytest.raises(ValueError, match="eval mode"):
            METHODS[method](nn.Sequential(nn.Linear(3, 1), nn.Dropout())).attribute(torch.ones(2, 3), 0)


def test_the_table_names_its_methods(net, field):
    made = {
        "rap": RAP(net),
        "rap-weight": RAP(net, split="weight"),
        "rap-reference": RAP(net, split="reference"),
        "lrp-epsilon": LRP(net, Epsilon(1e-9)),
        "lrp-alpha-beta": LRP(net, AlphaBeta(2.0, 1.0)),
        "input-x-gradient": InputXGradient(net),
        "integrated-gradients": IntegratedGradients(net),
        "chance": Chance(net, seed=0),
    }
    assert made.keys() == METHODS.keys()
    found = {name: METHODS[name](net).attribute(field, 1) for name in METHODS}
    for name, explainer in made.items():
        assert torch.equal(found[name], explainer.attribute(field, 1)), name
    for one, other in itertools.combinations(found.values(), 2):
        assert not torch.equal(one, other)


def test_every_method_is_called_alike(net, field):
    for method in METHODS.values():
        assert method(net).attribute(field, 1).shape == field.shape
    assert METHODS["integrated-gradients"](net).attribute(field[:1], [0, 1]).shape == (2, 2, 7, 7)


def test_gradients_are_captum_s(net, field):
    theirs = captum.attr.IntegratedGradients(net).attribute(field, target=1, n_steps=32)
    assert torch.allclose(IntegratedGradients(net).attribute(field, 1), theirs, rtol=1e-12)
    single = IntegratedGradients(copy.deepcopy(net).float()).attribute(field.float(), 1)
    assert single.dtype == torch.float32  # computed in double: off by the rounding of field and result
    assert (single - theirs).abs().max() < 1e-6 * theirs.abs().max()
    assert not any(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("bias", [2.5, -2.5, 0.0])
def test_lrp_epsilon_moves_outputs_away_from_zero_and_leaves_the_bias_its_share(bias):
    """By hand: contributions 3 and -2 of y = 1 + bias, either sign of y."""
    layer = nn.Linear(2, 1).double().eval()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.5, 2.0]]))
        layer.bias.fill_(bias)
    x = torch.tensor([[2.0, -1.0]], dtype=torch.float64)
    y = 1 + bias
    for epsilon in (0.0, 0.5):
        found = LRP(layer, Epsilon(epsilon)).explain(x, 0)
        expected = torch.tensor([[3.0, -2.0]], dtype=torch.float64) * y / (y + epsilon * np.sign(y))
        assert torch.allclose(found.relevance, expected, rtol=1e-14)
        assert torch.allclose(found.leak, y - expected.sum(), rtol=1e-12, atol=1e-14)
    with torch.no_grad():
        layer.bias.fill_(-1.0)
    assert (LRP(layer, Epsilon(0.5)).attribute(x, 0) == 0).all()


@pytest.mark.parametrize("rule", [Epsilon(0.25), AlphaBeta(1.0, 0.0)])
def test_lrp_adds_by_signed_summands(rule):
    """y = 3 x - x' + 1, with x' the input moved by one place: contributions keep their sign."""

    class Added(nn.Module):
        def forward(self, x):
            return torch.sub(3.0 * x, x.roll(1, 1)) + 1.0

    x = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    found = LRP(Added().eval(), rule).attribute(x, 0)
    y, epsilon = 3.0 + 2.0 + 1.0, 0.25 if isinstance(rule, Epsilon) else 1e-9
    expected = torch.tensor([[3.0, 2.0]], dtype=torch.float64) * y / (5.0 + epsilon)  # the constant has no share
    assert torch.allclose(found, expected, rtol=1e-12)


def test_lrp_alpha_beta_weighs_both_influences():
    """By hand, two layers deep: alpha 3 of the positive, beta 2 of the negative, biases without a share."""
    first, last = nn.Linear(2, 2).double(), nn.Linear(2, 1).double()
    net = nn.Sequential(first, nn.Tanh(), last).eval()
    x = torch.tensor([[0.5, -1.0]], dtype=torch.float64)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0, 0.5], [-2.0, -1.0]]))
        last.weight.copy_(torch.tensor([[2.0, -3.0]]))
        first.bias.copy_(torch.tensor([0.3, 0.4]))
        last.bias.fill_(5.0)
        R = net(x)
        h = torch.tanh(first(x))
    for w, at in ((last.weight, h), (first.weight, x)):
        z = at[0][:, None] * w.detach().T
        A, B = z.clamp(min=0), (-z).clamp(min=0)
        divide = lambda part: torch.where(part.sum(0) > 0, part / part.sum(0), 0.0)  # noqa: E731
        R = ((3 * divide(A) - 2 * divide(B)) @ R[0])[None]
    assert torch.allclose(LRP(net, AlphaBeta(3.0, 2.0)).attribute(x, 0), R, rtol=1e-12)
    with pytest.raises(ValueError, match="expected alpha >= 1"):
        AlphaBeta(0.5, -0.5)


def test_chance_is_normal_and_seeded(net, field):
    many = torch.zeros(1, 20000, dtype=torch.float64)
    found = METHODS["chance"](net).attribute(many, 0)
    assert abs(float(found.mean())) < 4 / 20000**0.5
    assert abs(float(found.std()) - 1) < 4 / 40000**0.5
    assert torch.equal(found, Chance(net, seed=0).attribute(many, 0))
    assert not torch.equal(found, Chance(net, seed=1).attribute(many, 0))
    one = Chance(net)
    assert not torch.equal(one.attribute(field, 0), one.attribute(field, 0))
    pair = Chance(net).attribute((field[:1], field[:1].float()), [0, 1, 2])
    assert [(r.shape, r.dtype) for r in pair] == [((3, 2, 7, 7), torch.float64), ((3, 2, 7, 7), torch.float32)]


def test_gradients_take_several_inputs_and_weighted_sums():
    """f = a . b, by hand: input x gradient gives f to each; on the straight line from zero each gets half of f."""

    class Product(nn.Module):
        def forward(self, a, b, scale):
            return (a * b).sum(1, keepdim=True) * scale * torch.tensor([1.0, 2.0], dtype=a.dtype)

    model = Product().eval()
    a, b = torch.tensor([[1.0, -2.0], [0.5, 3.0]]), torch.tensor([[3.0, 1.0], [1.0, -1.0]])
    selector = torch.tensor([[1.0, 0.0], [1.0, -1.0]])
    weight = torch.tensor([[2.0], [2.0 * -1.0]])
    found = InputXGradient(model).attribute((a, b), selector, torch.tensor(2.0))
    assert isinstance(found, tuple)
    for part in found:
        assert part.dtype == torch.float32
        assert torch.allclose(part, a * b * weight, rtol=1e-6)
    halves = IntegratedGradients(model).attribute((a, b), selector, (torch.tensor(2.0),))
    for part in halves:
        assert torch.allclose(part, a * b * weight / 2, rtol=1e-6)


def test_an_empty_batch_has_no_relevance(net, field):
    for name in METHODS:
        assert METHODS[name](net).attribute(field[:0], 0).shape == (0, 2, 7, 7)
    with pytest.raises(TypeError, match=r"rule must be Epsilon\(\.\.\.\) or AlphaBeta\(\.\.\.\), got 'epsilon'"):
        LRP(net, "epsilon")


def test_gradient_methods_name_what_is_missing(monkeypatch, net, field):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ValueError, match=r"gradient methods need captum: pip install 'wavenet\[explain\]'"):
        InputXGradient(net).attribute(field, 0)


# ---------------------------------------------------------------------------------------------------------------------
# measures


def test_ratio_and_segmentation_by_hand():
    relevance = [[4.0, -1.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0]]
    region = [True, True, False, False]
    assert measures.outside_inside(relevance, region).tolist() == [0.5, 1.0]
    miou, accuracy = measures.segmentation(relevance, region)
    # guess 1010 of 1100: 1/3 and 1/3; guess 1111: 2/4 and 0
    assert np.allclose(miou, [1 / 3, 1 / 4])
    assert np.allclose(accuracy, [0.5, 0.5])
    assert np.allclose(measures.share(relevance, region), [4 / 6, 0.5])
    assert measures.outside_inside([[-1.0, 1.0]], [True, False]).tolist() == [np.inf]
    assert measures.segmentation([[1.0, 2.0]], [True, True])[0].tolist() == [1.0]  # nothing is outside
    with pytest.raises(ValueError, match="must not be nan"):
        measures.segmentation([[1.0, np.nan]], [True, True])
    with pytest.raises(ValueError, match="as many elements"):
        measures.share(relevance, [True, False])


def test_perturbation_by_hand():
    weights = np.array([4.0, 1.0, -2.0, 0.0])
    inputs, others = np.ones((1, 4)), np.zeros((1, 4))
    given = lambda trials: trials[:, 0] @ weights  # noqa: E731
    options = {"patches": np.arange(4), "steps": 2}
    best = measures.perturbation(given, inputs, others, weights, **options)
    assert np.allclose(best, [0, 1, 1])  # 3 -> -1 -> -2
    gentle = measures.perturbation(given, inputs, others, weights, amount=0.1, **options)
    assert np.allclose(gentle, [0, 0.4 / 3, 0.5 / 3])
    least = measures.perturbation(given, inputs, others, weights, amount=0.1, first="negative", **options)
    assert np.allclose(least, [0, 0.2 / 3, 0.2 / 3])
    with pytest.raises(ValueError, match="must be finite"):
        measures.perturbation(lambda trials: np.full(len(trials), np.nan), inputs, others, weights, **options)
    with pytest.raises(ValueError, match="first must be"):
        measures.perturbation(given, inputs, others, weights, first="last", **options)
    with pytest.raises(ValueError, match=r"1 \.\.\. 4, the number of patches, got 5"):
        measures.perturbation(given, inputs, others, weights, patches=np.arange(4), steps=5)


def test_interval_covers():
    random = np.random.default_rng(0)
    hits = 0
    for trial in range(100):
        found = measures.interval(random.normal(size=40), statistic=np.mean, seed=trial)
        hits += found.low <= 0 <= found.high
    assert 86 <= hits <= 99  # 95 % of a hundred, less what a percentile bootstrap of 40 misses
    assert measures.interval([2.0, 2.0, np.nan]) == measures.Interval(2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="two cases or more, got 1"):
        measures.interval([1.0, np.nan])


@pytest.mark.parametrize("own", [True, False])
def test_measures_are_those_of_loops(own):
    """Counted one by one, for a region of each case and for one of all."""
    random = np.random.default_rng(4)
    relevance, region = random.normal(size=(6, 30)), random.random((6, 30) if own else 30) < 0.4
    outside, share, miou, accuracy = [], [], [], []
    for case in range(6):
        mask = region[case] if own else region
        inside_sum = sum(max(r, 0) for r, m in zip(relevance[case], mask, strict=True) if m)
        outside_sum = sum(max(r, 0) for r, m in zip(relevance[case], mask, strict=True) if not m)
        outside.append(outside_sum / sum(~mask) / (inside_sum / sum(mask)))
        share.append(inside_sum / (inside_sum + outside_sum))
        pairs = list(zip(relevance[case] > 0, mask, strict=True))
        each = [
            sum(a == b == kind for a, b in pairs) / sum(a == kind or b == kind for a, b in pairs)
            for kind in (True, False)
        ]
        miou.append(np.mean(each))
        accuracy.append(np.mean([a == b for a, b in pairs]))
    np.testing.assert_allclose(measures.outside_inside(relevance, region), outside, rtol=1e-12)
    np.testing.assert_allclose(measures.share(relevance, region), share, rtol=1e-12)
    np.testing.assert_allclose(measures.segmentation(relevance, region), [miou, accuracy], rtol=1e-12)


def test_measures_without_positive_relevance():
    assert np.isnan(measures.share([[-1.0, 0.0]], [True, False])).all()
    assert np.isnan(measures.outside_inside([[-1.0, 0.0]], [True, False])).all()
    assert measures.segmentation([[0.0, -1.0]], [True, False])[1].tolist() == [0.5]  # zero is not positive
    for relevance, region in (([1.0, 2.0], [True, False]), ([[1.0, 2.0]], [[[True, False]]])):
        with pytest.raises(
            ValueError, match=r"expected relevance \(case, element\) and a region of as many elements, got"
        ):
            measures.share(relevance, region)


def test_perturbed_patches_are_whole_and_in_order():
    """Two channels, patches of two elements; predictions are complex; the trials are what they should be."""
    inputs = np.arange(12.0).reshape(2, 6) + 1
    others = -inputs
    patches, relevance = np.array([2, 0, 0, 1, 1, 2]), np.array([1.0, 3.0, -1.0, 5.0, 0.0, 1.0])  # sums 2, 5, 2
    seen = []

    def predict(trials):
        seen.append(trials)
        return trials.sum(axis=(1, 2)) * (1 + 1j)

    for first, order in (("positive", [1, 0, 2]), ("negative", [0, 2, 1])):  # of equal patches the earlier one
        found = measures.perturbation(predict, inputs, others, relevance, patches, steps=3, amount=0.5, first=first)
        trials = seen.pop()
        assert trials.shape == (4, 2, 6)
        expected = inputs.copy()
        for step, patch in enumerate([None, *order]):
            expected = np.where(patches == patch, 0.0, expected)  # half way to the opposite
            np.testing.assert_array_equal(trials[step], expected)
        np.testing.assert_allclose(found, [1 - t.sum() / inputs.sum() for t in trials], rtol=1e-12)
    given = inputs, others, relevance, patches
    moved = measures.perturbation(lambda t: 1.0 * (np.arange(4) > 1), *given, steps=3)
    assert moved.tolist() == [0.0, 0.0, 1.0, 1.0]  # the prediction was zero: any change is all of it
    with pytest.raises(ValueError, match=r"1 \.\.\. 3, the number of patches, got 0"):
        measures.perturbation(predict, *given, steps=0)


def test_intervals_are_of_95_percent():
    """The interval of a mean reaches 1.96 standard errors to either side; an end scatters by 1.5 % of the width."""
    values = np.random.default_rng(0).normal(3.0, 2.0, size=400)
    error = values.std() / 20
    found = measures.interval(values, statistic=np.mean)
    assert found.value == values.mean()
    assert found.high - found.value == pytest.approx(1.96 * error, rel=0.08)
    assert found.value - found.low == pytest.approx(1.96 * error, rel=0.08)
    assert found == measures.interval(np.append(values, np.nan), statistic=np.mean, seed=0)
    assert found != measures.interval(values, statistic=np.mean, seed=1)
    assert measures.interval(values).value == np.median(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's, on the resamples' standard error
        assert measures.interval([1.0, 2.0, np.inf]).value == 2.0
    with pytest.raises(ValueError, match="mean of infinite values"):
        measures.interval([1.0, 2.0, np.inf], statistic=np.mean)
    assert str(measures.Interval(0.12345, 0.1, 2000.0)) == "0.123 (0.1 … 2e+03)"
    assert measures.interval([1.0, 3.0]).value == 2.0


# ---------------------------------------------------------------------------------------------------------------------
# representations


def test_similarity_knows_rotations_and_nothing():
    random = np.random.default_rng(0)
    a = random.normal(size=(200, 5))
    turn, _ = np.linalg.qr(random.normal(size=(5, 5)))
    assert linear_cka(a, 3 * a @ turn + 1) == pytest.approx(1.0, abs=1e-12)
    assert rsa(a, 3 * a @ turn + 1) == pytest.approx(1.0, abs=1e-12)
    assert linear_cka(a, random.normal(size=(200, 5))) < 0.1
    assert abs(rsa(a, random.normal(size=(200, 5)))) < 0.1
    with pytest.raises(ValueError, match="as many samples, got 200 and 3"):
        linear_cka(a, a[:3])


def test_activations_leave_no_hooks(net, field):
    found = activations(net, ["0", "3"], lambda: net(field))
    assert torch.equal(found["0"], net[0](field))
    assert found["3"].shape == (3, 3, 3, 3)
    assert not any(module._forward_hooks for module in net.modules())
    with pytest.raises(ValueError, match="no module 'nine'"):
        activations(net, ["nine"], lambda: net(field))


def test_worst_change_of_a_linear_map_is_its_first_singular_vector():
    matrix = torch.randn(6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    x = torch.ones(2, 6, dtype=torch.float64)
    d = worst_change(lambda y: y @ matrix.T, x, 0.1, steps=200)
    gain = (d @ matrix.T).norm(dim=1) / d.norm(dim=1)
    assert torch.allclose(gain, torch.linalg.matrix_norm(matrix, 2).expand(2), rtol=1e-6)
    assert torch.allclose(d.square().mean(1).sqrt(), torch.full((2,), 0.1, dtype=torch.float64))
    silent = worst_change(lambda y: y * 2, torch.zeros(1, 3), 0.1)
    flat = worst_change(lambda y: torch.relu(y - 100), torch.ones(1, 3), 0.1)
    assert (silent == 0).all()
    assert torch.isfinite(flat).all()
    with pytest.raises(ValueError, match="radius must be positive"):
        worst_change(lambda y: y, x, 0.0)


def test_similarities_are_those_of_their_definitions():
    """Alignment from centred Gram matrices; rank correlation of distances, by loops."""
    random = np.random.default_rng(1)
    a, b = random.normal(size=(12, 3)), random.normal(size=(12, 4))
    b[:, 0] += a[:, 1]
    centre = np.eye(12) - 1 / 12
    K, L = (centre @ z @ z.T @ centre for z in (a, b))
    assert linear_cka(a, b) == pytest.approx(np.sum(K * L) / np.sqrt(np.sum(K * K) * np.sum(L * L)), rel=1e-12)
    pairs = list(itertools.combinations(range(12), 2))
    ranks = [np.argsort(np.argsort([np.linalg.norm(z[i] - z[j]) for i, j in pairs])) for z in (a, b)]
    assert rsa(a, b) == pytest.approx(np.corrcoef(*ranks)[0, 1], rel=1e-12)
    assert linear_cka(a, np.ones((12, 2))) == 0.0
    assert linear_cka(a[:2], a[:2]) == pytest.approx(1.0)
    for bad in (a[:1], a[0]):
        with pytest.raises(ValueError, match=r"expected \(sample, feature\) with two samples or more, got"):
            linear_cka(bad, bad)


def test_activations_are_detached_and_hooks_go_after_an_error(net, field):
    found = activations(net, ["1"], lambda: net(field.requires_grad_()))
    assert not found["1"].requires_grad

    def fails():
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        activations(net, ["0"], fails)
    assert not any(module._forward_hooks for module in net.modules())


def test_worst_changes_are_seeded_and_of_their_size():
    x = torch.tensor([[3.0, 4.0, 0.0], [1.0, 1.0, 1.0]], dtype=torch.float64)
    f = lambda y: torch.stack([y[:, 0] ** 2, y[:, 1] * y[:, 2]], 1)  # noqa: E731
    found = worst_change(f, x, 0.2, steps=3, seed=1)
    size = x.square().mean(1).sqrt()
    assert torch.allclose(found.square().mean(1).sqrt(), 0.2 * size, rtol=1e-12)
    assert torch.equal(found, worst_change(f, x, 0.2, steps=3, seed=1))
    assert not torch.equal(found, worst_change(f, x, 0.2, steps=3, seed=2))
    gains = [(f(x + worst_change(f, x, 0.2, steps=n)) - f(x)).norm(dim=1) for n in (1, 40)]
    directions = torch.nn.functional.normalize(
        torch.randn(500, 1, 3, generator=torch.Generator().manual_seed(0)), dim=2
    )
    random = x + 0.2 * size[:, None] * directions.double() * 3**0.5
    best = torch.stack([(f(one) - f(x)).norm(dim=1) for one in random]).amax(0)
    assert (gains[1] >= 0.999 * best).all()
    assert (gains[1] >= gains[0]).all()
    assert not found.requires_grad
