"""Relevance of a point: what is selected, which cells it lies in, what is missed; against sums done by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wavenet.explain.methods import METHODS
from wavenet.forward.feed_forward import ForwardConfig, ForwardModel
from wavenet.rap.explainer import Explainer
from wavenet.study import relevance

from .studies import dataset, near_fields, pressures

X, R = np.array([-0.75, -0.25, 0.25, 0.75]), np.array([0.5, 0.9, 1.1, 1.5])


def test_shares_are_of_positive_relevance_closer_than_a_distance():
    found = np.full((4, 4), -7.0)  # negative relevance counts nowhere
    found[1, 1], found[1, 0], found[2, 1], found[3, 3] = 4.0, 3.0, 2.0, 1.0  # at 0, 0.4, 0.5, 1.17 from (1, 1)
    within, _ = relevance.positive_shares(X, R, found, (1, 1), [0.0, 0.39, 0.41, 0.49, 0.51, 1.1, 1.2])
    np.testing.assert_allclose(within, [0, 0.4, 0.7, 0.7, 0.9, 0.9, 1.0], rtol=1e-14)
    assert relevance.positive_shares(X, R, found, (1, 1), 0.5)[0] == pytest.approx(0.7)  # closer, not as close


@pytest.mark.parametrize(("cell", "share"), [((1, 1), 0.3), ((1, 2), 0.1), ((3, 0), 0.3), ((3, 3), 0.1)])
def test_across_the_wall_is_upstream_of_the_lip_on_the_other_side_of_r_1(cell, share):
    found = np.zeros((4, 4))
    found[0, 1], found[1, 3], found[2, 2], found[3, 0] = 1.0, 3.0, 4.0, 2.0  # inside, outside, twice downstream
    assert relevance.positive_shares(X, R, found, cell, 1.0)[1] == pytest.approx(share)


def test_where_nothing_is_positive_all_shares_are_zero():
    within, across = relevance.positive_shares(X, R, -np.ones((4, 4)), (1, 1), [0.5, 2.0])
    assert (within.tolist(), across) == ([0, 0], 0)


def test_a_selector_gives_the_modulus_of_one_quantity_in_one_cell():
    values = torch.randn(1, 4, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for quantity, first in (("u", 0), ("v", 2)):
        selector = relevance.modulus_selector(values, quantity, (2, 3))
        real, imaginary = values[0, first : first + 2, 2, 3].tolist()
        assert float((selector * values).sum()) == pytest.approx(abs(complex(real, imaginary)), rel=1e-14)
        assert selector.nonzero()[:, 1].tolist() == [first, first + 1]
        selector[0, :, 2, 3] = 0
        assert not selector.any()


def test_own_phase_turns_a_number_to_the_real_axis():
    for value in (3 + 4j, -1 + 0.1j, -2j):
        weights = relevance.own_phase(value.real, value.imag)
        assert complex(*weights) == pytest.approx(value / abs(value), rel=1e-14)


def test_a_miss_is_what_is_neither_relevance_nor_leak():
    assert relevance.conservation_miss(torch.tensor([3.0, -1.0]), 0.5, 2.5) == 0
    assert relevance.conservation_miss(torch.tensor([3.0, -1.0]), 0.5, 2.0) == pytest.approx(0.5 / 4)
    assert relevance.conservation_miss(torch.zeros(2), 0.0, 0.25) == 0.25


def test_the_nearest_cell_is_nearest_in_each_coordinate_and_a_microphone_in_the_plane():
    assert relevance.nearest_cell(X, R, (0.1, 1.02)) == (2, 2)
    assert relevance.nearest_cell(X, R, (-5.0, 0.0)) == (0, 0)
    assert relevance.nearest_microphone(np.array([0.0, 3.0, 4.0]), np.array([5.0, 0.0, 4.0]), (3.0, 3.0)) == 2


class Mixing(torch.nn.Module):
    """A derivative network: half the field turned by 90 degrees, one matrix from (2, x, r) to (4, x, r) on its own."""

    def __init__(self, cells):
        super().__init__()
        weight = torch.randn(4 * cells, 2 * cells, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        self.matrix = torch.nn.Linear(2 * cells, 4 * cells, bias=False, dtype=torch.float64)
        self.matrix.weight = torch.nn.Parameter(weight, requires_grad=False)

    def explained(self, potential, parameters):
        return 0.5 * potential, potential.new_tensor([[2.0, 0.0]])

    def core(self, parameters):
        return self.eval()

    def forward(self, field):
        return self.matrix(field.flatten(1)).unflatten(1, (4, *field.shape[2:]))


@pytest.fixture(scope="module")
def field():
    return near_fields([(2, 9.0, 0.3), (1, 7.0, -0.5)], cells=(6, 6), spacings=(0.25, 1 / 3))


@pytest.mark.parametrize("case", [0, 1])
def test_velocities_are_explained_where_they_are_asked_for(field, case):
    x, r = field["x"], field["r"]
    model, (i, j) = Mixing(36), (2, 3)
    results = relevance.attribute(model, field, case, (x[i] + 0.1, r[j] - 0.1), METHODS["rap"])
    seen = 0.5 * field["potential"][case]
    matrix = model.matrix.weight.numpy().reshape(4, 6, 6, 2, 6, 6)
    for result, first in zip(results, (0, 2), strict=True):
        assert result.at == (x[i], r[j])
        terms = matrix[first : first + 2, i, j] * seen  # contributions to the real and to the imaginary part
        output = terms.sum(axis=(1, 2, 3))
        value = np.hypot(*output)
        along = np.tensordot(output / value, terms, axes=1)
        # One linear layer: relevance is the size of the contribution, over all, times the output.
        expected = (np.abs(along) / np.abs(along).sum() * value).sum(axis=0)
        np.testing.assert_allclose(result.relevance, expected, rtol=1e-10)
        record = result.record()
        assert record["value"] == pytest.approx(value, rel=1e-12)
        assert record["relevance_sum"] == pytest.approx(value, rel=1e-12)
        assert record["leak"] == pytest.approx(0, abs=1e-12)
        assert record["miss"] < 1e-12
        assert record["at"] == [x[i], r[j]]
        near = np.hypot(x[:, None] - x[i], r - r[j]) < 0.25
        assert record["share_of_positive_relevance_within_0.25_radii"] == pytest.approx(
            expected[near].sum() / expected.sum()
        )
        other = (x[:, None] < 0) & (r < 1)  # the cell is outside
        assert record["share_of_positive_relevance_across_the_wall"] == pytest.approx(
            expected[other].sum() / expected.sum()
        )
    assert [result.output for result in results] == ["|u| in the network's units", "|v| in the network's units"]


class Leaking(Explainer):
    """An explainer that loses 0.5 of 2 on its way, 0.3 of it in the first of two layers."""

    def __init__(self, core):
        pass

    def explain(self, seen, selector):
        def layer(name, *leak):
            return SimpleNamespace(name=name, kind="Linear", leak=torch.tensor(leak, dtype=torch.float64))

        relevance = torch.zeros_like(seen)
        relevance[0, 0, 0, 0], relevance[0, 1, 0, 0] = 2.0, -0.4
        leak, output = torch.tensor([0.5], dtype=torch.float64), torch.tensor([2.0], dtype=torch.float64)
        layers = [layer("first", 0.1, 0.2), layer("second", 0.2)]
        return SimpleNamespace(relevance=relevance, leak=leak, output=output, layers=layers)


def test_leaks_are_told_by_layer_and_are_no_miss(field):
    for result in relevance.attribute(Mixing(36), field, 0, None, Leaking):
        record = result.record()
        assert (record["value"], record["leak"]) == (2.0, 0.5)
        assert record["relevance_sum"] == pytest.approx(1.6)
        assert record["miss"] == pytest.approx(0.1 / 2.4)
        assert [(one["name"], one["kind"]) for one in record["layers"]] == [("first", "Linear"), ("second", "Linear")]
        assert [one["leak"] for one in record["layers"]] == pytest.approx([0.3, 0.2])
        assert result.relevance[0, 0] == pytest.approx(1.6)  # both parts of the potential


def test_the_lip_is_explained_unless_another_point_is_named(field):
    x, r = relevance.attribute(Mixing(36), field, 0, None, METHODS["rap"])[0].at
    assert (x, abs(r - 1)) == (0.125, pytest.approx(1 / 6))  # the cells beside r = 1 are equally near


def test_other_methods_do_not_say_what_they_miss(field):
    result = relevance.attribute(Mixing(36), field, 0, None, METHODS["chance"])[0]
    assert (result.leak, result.miss, result.layers) == (None, None, [])
    assert result.relevance_sum == pytest.approx(result.relevance.sum())


@pytest.mark.parametrize(("at", "microphone"), [(None, 0), ((-6.0, 19.0), 2), ((20.0, 0.0), 0)])
def test_pressures_are_explained_by_the_names_of_their_inputs(at, microphone):
    data = pressures([(2, 1, 5.0, 0.3), (4, 0, 10.0, 0.0)], 1)
    config = ForwardConfig(tuple(data["x"]), tuple(data["r"]), (0.0,) * 5, (8.0, 8.0, 2.0, 8.0, 1.0))
    model = ForwardModel(config).eval()
    layer = torch.nn.Linear(6, 8, bias=False)
    weight = torch.zeros(8, 6)  # it uses ka, scaled to 1.5 here, for every microphone, and the cut-on ratio
    weight[:, 3] = torch.arange(1.0, 9.0)
    weight[:, 5] = 0.5 * weight[:, 3]
    layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    model.core = layer.eval()
    (result,) = relevance.attribute(model, data, 1, at, METHODS["rap"])
    size, ratio = np.hypot(2 * microphone + 1, 2 * microphone + 2), np.sqrt(1 - 1 / 10**2)
    expected = {"helmholtz": 1.5 * size, "cut-on ratio": 0.5 * ratio * size}
    for name, value in result.relevance.items():
        assert value == pytest.approx(expected.get(name, 0.0), rel=1e-5)
    assert result.value == pytest.approx(sum(expected.values()), rel=1e-6)
    place = f"x = {data['x'][microphone]:.2f}, r = {data['r'][microphone]:.2f}"
    assert result.output == f"|p| at {place}, over the network's pressure scale"
    assert set(result.record()["relevance"]) == {"m", "n", "radial_eigenvalue", "helmholtz", "mach", "cut-on ratio"}


def test_cases_and_tasks_that_are_not_there_are_refused(field):
    for case in (-1, 2):
        with pytest.raises(ValueError, match=rf"case must lie in 0 \.\.\. 1, got {case}"):
            relevance.attribute(Mixing(36), field, case, None, METHODS["rap"])
    edge = dataset("edge", {"helmholtz": np.ones(2)}, 1, 1)
    with pytest.raises(ValueError, match="one of the tasks derivative, forward, jet_factor, got 'edge'"):
        relevance.attribute(Mixing(36), edge, 0, None, METHODS["rap"])
