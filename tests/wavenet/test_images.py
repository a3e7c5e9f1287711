"""The evaluation of maps for images: by hand and by loops, against the measures by element, and what it refuses."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from wavenet.explain import measures
from wavenet.explain.images import Evaluation, evaluate, region_perturbation
from wavenet.rap import RAP


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


class Weighted(nn.Module):
    """Two outputs, linear in the pixels."""

    def __init__(self, shape=(2, 4, 6)):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, *shape, dtype=torch.float64))

    def forward(self, x, scale=1.0):
        return torch.einsum("ncij,kcij->nk", x, self.weight) * scale


def images(cases=3):
    return torch.randn(cases, 2, 4, 6, dtype=torch.float64)


def masks(cases=3):
    return np.random.default_rng(0).random((cases, 4, 6)) < 0.4


def test_maps_and_masks_of_image_shape_are_the_measures_by_element():
    """Channels are summed first; tensors and arrays; a mask of each case, and one of all."""
    relevance = torch.randn(3, 2, 4, 6, requires_grad=True)
    by_pixel = relevance.detach().double().numpy()
    by_pixel = (by_pixel[:, 0] + by_pixel[:, 1]).reshape(3, -1)
    for inside in (masks(), masks()[0]):
        flat = np.broadcast_to(inside, (3, 4, 6)).reshape(3, -1)
        for mask in (inside, torch.from_numpy(inside), inside.astype(int), inside.astype(np.float32)):
            found = evaluate(relevance, mask)
            np.testing.assert_allclose(found.outside_inside, measures.outside_inside(by_pixel, flat), rtol=1e-6)
            np.testing.assert_allclose((found.miou, found.accuracy), measures.segmentation(by_pixel, flat), rtol=1e-12)
    assert found.positive_first is None
    assert found.negative_first is None
    alone = evaluate(by_pixel.reshape(3, 4, 6), inside)
    np.testing.assert_allclose(alone.miou, found.miou, rtol=1e-12)


def test_a_square_by_hand():
    """2 x 2 pixels in the mask's left column: mean positive relevance 1 outside, 3 inside; guess 3 of 4."""
    found = evaluate(np.array([[[4.0, 2.0], [2.0, -1.0]]]), np.array([[1, 0], [1, 0]]))
    assert found.outside_inside.tolist() == [1 / 3]
    assert found.miou.tolist() == pytest.approx([(2 / 3 + 1 / 2) / 2], rel=1e-14)
    assert found.accuracy.tolist() == [3 / 4]


@pytest.mark.parametrize("first", ["positive", "negative"])
@pytest.mark.parametrize("patch", [1, 2, (2, 4), (3, 4)])
def test_regions_are_replaced_one_after_another(first, patch):
    """By loops: sums of the relevance over regions, whose edges may be smaller, sorted; outputs of changed copies."""
    model, x, relevance = Weighted().eval(), images(), np.random.default_rng(1).normal(size=(3, 4, 6))
    height, width = (patch, patch) if isinstance(patch, int) else patch
    corners = [(i, j) for i in range(0, 4, height) for j in range(0, 6, width)]
    steps = len(corners)
    target = [1, 0, 1]
    found = region_perturbation(model, x, relevance, target, patch=patch, steps=steps, first=first)
    assert found.shape == (3, steps + 1)
    weight = model.weight.detach().numpy()
    for case in range(3):
        image, other = x[case].numpy().copy(), x[(case + 1) % 3].numpy()
        sums = {(i, j): relevance[case, i : i + height, j : j + width].sum() for i, j in corners}
        before = (weight[target[case]] * image).sum()
        assert found[case, 0] == 0
        for k, (i, j) in enumerate(sorted(corners, key=sums.get, reverse=first == "positive")):
            part = (slice(None), slice(i, i + height), slice(j, j + width))
            image[part] = other[part]
            assert found[case, k + 1] == pytest.approx(before - (weight[target[case]] * image).sum(), rel=1e-10)


def test_areas_are_means_of_the_curves():
    model, x = Weighted().eval(), images()
    relevance = RAP(model).attribute(x, 1)
    options = {"others": -x, "patch": 2, "steps": 3, "additional_forward_args": (2.0,)}
    found = evaluate(relevance, masks(), model=model, images=x, target=1, **options)
    for first, area in (("positive", found.positive_first), ("negative", found.negative_first)):
        curve = region_perturbation(model, x, relevance, 1, first=first, **options)
        np.testing.assert_allclose(area, curve.sum(1) / 4, rtol=1e-12)
    single = evaluate(relevance, masks(), model=model, images=x, target=1, others=-x, patch=2, steps=3)
    np.testing.assert_allclose(2 * single.positive_first, found.positive_first, rtol=1e-12)


def test_the_best_map_has_the_largest_area():
    """For a linear model whose other image is zero: the exact contributions, beside 20 random maps."""
    model, x = Weighted().eval(), images(8)
    exact = x * model.weight[0].detach()
    options = {"model": model, "images": x, "target": 0, "others": torch.zeros_like(x), "patch": 2, "steps": 4}
    best = evaluate(exact, masks(8), **options)
    for _ in range(20):
        other = evaluate(torch.randn_like(x), masks(8), **options)
        assert (best.positive_first >= other.positive_first).all()
        assert (best.negative_first <= other.negative_first).all()


def test_medians_come_with_their_intervals():
    values = np.random.default_rng(0).normal(size=(3, 50))
    found = Evaluation(*values).intervals()
    assert list(found) == ["outside_inside", "miou", "accuracy"]
    for name, one in zip(found, values, strict=True):
        assert found[name] == measures.interval(one)
    means = Evaluation(*values, *values[:2]).intervals(statistic=np.mean, seed=3)
    assert means["negative_first"] == measures.interval(values[1], statistic=np.mean, seed=3)


def test_nothing_is_changed():
    model, x = Weighted().eval(), images().requires_grad_()
    before, weight = x.detach().clone(), model.weight.detach().clone()
    with torch.inference_mode():
        region_perturbation(model, x, torch.randn(3, 4, 6), 0, patch=2, steps=2)
    assert torch.equal(x, before)
    assert torch.equal(model.weight, weight)
    assert x.grad is None
    assert model.weight.grad is None


MAPS, MODEL, X = np.ones((3, 4, 6)), Weighted().eval(), torch.randn(3, 2, 4, 6)
WITH = {"model": MODEL.float(), "images": X, "target": 0}
BAD = {
    "one map without cases": ((np.ones((4, 6)), masks()), {}, r"relevance must be floats .*got float64 \(4, 6\)"),
    "integers": ((np.ones((3, 4, 6), int), masks()), {}, r"relevance must be floats .*got int64 \(3, 4, 6\)"),
    "no cases": ((np.ones((0, 4, 6)), masks()), {}, r"got float64 \(0, 4, 6\)"),
    "nan": ((MAPS * np.nan, masks()), {}, "relevance must be finite, got nan"),
    "infinite": ((MAPS * np.inf, masks()), {}, "relevance must be finite, got inf"),
    "half a mask": ((MAPS, 0.5 * np.ones((4, 6))), {}, "masks must be booleans or zeros and ones"),
    "a mask of channels": ((MAPS, np.ones((3, 1, 4, 6))), {}, r"masks must be .*got float64 \(3, 1, 4, 6\)"),
    "another size": ((MAPS, masks().swapaxes(1, 2)), {}, r"shape \(3, 4, 6\) of the maps, got \(3, 6, 4\)"),
    "another number": ((MAPS, masks(2)), {}, r"shape \(3, 4, 6\) of the maps, got \(2, 4, 6\)"),
    "an empty mask": ((MAPS, np.arange(72).reshape(3, 4, 6) > 50), {}, "got 0 of 24 inside in case 0"),
    "a full mask": ((MAPS, np.arange(72).reshape(3, 4, 6) > 40), {}, "got 0 of 24 inside in case 0"),
    "nothing outside": ((MAPS, np.ones((4, 6))), {}, "got 24 of 24 inside in case 0"),
    "no model": ((MAPS, masks()), {"images": X}, "need the model and its images, got no model"),
    "no images": ((MAPS, masks()), {"model": MODEL}, "need the model and its images, got no images"),
    "options alone": ((MAPS, masks()), {"steps": 3}, "need the model and its images, got neither"),
    "training": ((MAPS, masks()), WITH | {"model": Weighted()}, "must be in eval mode"),
    "a function": ((MAPS, masks()), WITH | {"model": torch.tanh}, "model must be a torch module"),
    "an array of images": ((MAPS, masks()), WITH | {"images": X.numpy()}, "tuple of tensors, got ndarray"),
    "images by two": ((MAPS, masks()), WITH | {"images": X[:, 0]}, r"images must be .*got \(3, 4, 6\)"),
    "fewer images": ((MAPS, masks()), WITH | {"images": X[:2]}, r"maps \(3, 4, 6\), got \(2, 2, 4, 6\)"),
    "integer images": ((MAPS, masks()), WITH | {"images": X.long()}, "inputs must be real, float32 or float64"),
    "others of another size": ((MAPS, masks()), WITH | {"others": X[:1]}, r"others must have the shape \(3, 2, 4, 6\)"),
    "one image": ((MAPS[:1], masks(1)), WITH | {"images": X[:1]}, "needs others to take values from, got none"),
    "a patch of nothing": ((MAPS, masks()), WITH | {"patch": 0}, r"patch must be one or two integers .*got 0"),
    "a patch too large": ((MAPS, masks()), WITH | {"patch": 5}, r"of 1 \.\.\. 4 pixels, got 5"),
    "a patch of three": ((MAPS, masks()), WITH | {"patch": (1, 1, 1)}, r"got \(1, 1, 1\)"),
    "half a patch": ((MAPS, masks()), WITH | {"patch": 2.5}, r"patch must be one or two integers .*got 2\.5"),
    "no steps": ((MAPS, masks()), WITH | {"steps": 0, "patch": 2}, r"steps must lie in 1 \.\.\. 6, .*got 0"),
    "too many steps": ((MAPS, masks()), WITH | {"steps": 7, "patch": 2}, r"steps must lie in 1 \.\.\. 6, .*got 7"),
    "a class too many": ((MAPS, masks()), WITH | {"target": 2, "steps": 1}, r"index into the outputs \(2,\), got 2"),
    "no class": ((MAPS, masks()), WITH | {"target": None, "steps": 1}, r"which of the outputs \(2,\), got None"),
    "nan images": ((MAPS, masks()), WITH | {"images": X / 0, "steps": 1}, "output must be finite, got inf or nan"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_uses_are_named_in_one_line(name):
    given, options, message = BAD[name]
    with pytest.raises((ValueError, TypeError)) as raised:
        evaluate(*given, **options)
    text = str(raised.value)
    assert re.search(message, text), text
    assert "\n" not in text
    assert "wavenet" in str(raised.traceback[-1].path)


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="first must be 'positive' or 'negative', got 'last'"):
        region_perturbation(MODEL.float(), X, MAPS, 0, first="last")
