"""Explainers behind one interface: captum's call shape, captum's own results where it has them, measures."""

import copy
import warnings

import captum.attr
import captum.metrics
import numpy as np
import pytest
import torch
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
from torch import nn

from wavenet.explain import measures
from wavenet.explain.methods import LRP, METHODS, InputXGradient, IntegratedGradients
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


def test_every_method_is_called_alike(net, field):
    for method in METHODS.values():
        assert method(net).attribute(field, 1).shape == field.shape
    assert METHODS["integrated-gradients"](net).attribute(field[:1], [0, 1]).shape == (2, 2, 7, 7)


def test_gradients_are_captum_s(net, field):
    theirs = captum.attr.IntegratedGradients(net).attribute(field, target=1, n_steps=32)
    assert torch.allclose(IntegratedGradients(net).attribute(field, 1), theirs, rtol=1e-12)
    assert not any(p.grad is not None for p in net.parameters())


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
