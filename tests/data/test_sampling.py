"""The cases that are drawn: splits by parameter, ranges, orders, amplitudes, streams. Nothing is solved."""

import numpy as np
import pytest

from analytic import cut_on_helmholtz
from data.sampling import Plan

LOW, WIDTH = np.array([4.0, -0.2]), np.array([5.0, 0.4])
SOURCE = """
[source]
m = [0, 1, -2]
n = [0, 2, 3]
helmholtz = [4.0, 9.0]
mach = [-0.2, 0.2]
modes = [1, 3]
"""
RECIPE = (
    'task = "derivative"\ncases = 1500\nsplit = [0.6, 0.2, 0.2]\n' + SOURCE + "[grid]\nx = [-1, 1, 4]\nr = [0, 1, 4]\n"
)
BEYOND = """
[[out_of_range]]
name = "higher_ka"
share = 0.02
helmholtz = [10.0, 12.0]
[[out_of_range]]
name = "other_mach"
share = 0.01
mach = [0.3, 0.5]
[[out_of_range]]
name = "other_m"
share = 0.03
m = [5, 6]
"""


def groups_of(named):
    plan = Plan(named.recipe)
    return plan, [plan.group(number) for number in range(plan.groups)]


def blocks_of(groups, split):
    """Blocks of the plane of ka and M that a split's groups lie in."""
    places = np.array(
        [(group.parameters["helmholtz"], group.parameters["mach"]) for group in groups if group.split == split]
    )
    return set(map(tuple, np.floor((places - LOW) / WIDTH * [32, 8]).astype(int)))


@pytest.mark.parametrize("seed", range(6))
def test_no_block_has_cases_of_two_splits(loaded, seed):
    """With 900 training cases in 154 of 256 blocks, a test case drawn from any block would lie in one of them."""
    _, groups = groups_of(loaded(RECIPE, seed=seed))
    train, validation, test = (blocks_of(groups, split) for split in range(3))
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert (len(train), len(validation), len(test)) == pytest.approx((153, 50, 50), abs=3)


@pytest.mark.parametrize("seed", range(6))
def test_a_small_recipe_has_the_blocks_of_a_large_one(loaded, seed):
    """Every case lies in a block of its split, known here from a recipe whose cases visit nearly every block."""
    _, many = groups_of(loaded(RECIPE, seed=seed))
    _, few = groups_of(loaded(RECIPE, seed=seed, cases=60))
    for split in range(3):
        others = set.union(*(blocks_of(many, other) for other in range(3) if other != split))
        assert not blocks_of(few, split) & others


def test_the_splits_have_their_shares(loaded):
    for text, counts in ((RECIPE, [900, 300, 300]), (RECIPE.replace("0.6, 0.2, 0.2", "1.0, 0.0, 0.0"), [1500, 0, 0])):
        _, groups = groups_of(loaded(text))
        assert np.bincount([group.split for group in groups], minlength=3).tolist() == counts


def test_a_small_share_still_has_a_block_of_its_own(loaded):
    _, groups = groups_of(loaded(RECIPE.replace("0.6, 0.2, 0.2", "0.999, 0.0, 0.001")))
    assert len(blocks_of(groups, 2)) == 1
    assert not blocks_of(groups, 2) & blocks_of(groups, 0)
    # 1 + 128 + 128 blocks are one too many: the largest share gives it, not the smallest
    _, groups = groups_of(loaded(RECIPE.replace("0.6, 0.2, 0.2", "0.001, 0.5, 0.499")))
    assert len(blocks_of(groups, 0)) == 1


def test_where_ka_and_mach_are_fixed_all_splits_share_the_point(loaded):
    text = RECIPE.replace("[4.0, 9.0]", "[5.0, 5.0]").replace("[-0.2, 0.2]", "[0.1, 0.1]").replace("1500", "30")
    _, groups = groups_of(loaded(text))
    assert {(group.parameters["helmholtz"], group.parameters["mach"]) for group in groups} == {(5.0, 0.1)}
    assert {group.split for group in groups} == {0, 1, 2}


def test_where_mach_is_fixed_the_blocks_are_those_of_ka(loaded):
    _, groups = groups_of(loaded(RECIPE.replace("[-0.2, 0.2]", "[0.1, 0.1]")))
    blocks = [{int((g.parameters["helmholtz"] - 4) / 5 * 32) for g in groups if g.split == split} for split in range(3)]
    assert sum(map(len, blocks)) == len(set.union(*blocks)) == 32


def test_parameters_are_uniform_in_their_ranges(loaded):
    _, groups = groups_of(loaded(RECIPE))
    places = np.array([(group.parameters["helmholtz"], group.parameters["mach"]) for group in groups])
    shares = (places - LOW) / WIDTH
    assert shares.min() >= 0
    assert shares.max() <= 1
    # of each eighth of the range: 1500 / 8 = 187.5, five standard deviations of a binomial count are 64
    for column in shares.T:
        counts = np.histogram(column, bins=8, range=(0, 1))[0]
        np.testing.assert_allclose(counts, 187.5, atol=64)
    assert {group.m for group in groups} == {0, 1, -2}


def test_out_of_range_sets_are_out_of_range_and_in_the_rest_as_usual(loaded):
    plan, groups = groups_of(loaded(RECIPE + BEYOND))
    assert plan.split_names == ("train", "validation", "test", "higher_ka", "other_mach", "other_m")
    sets = [[group for group in groups if group.split == split] for split in range(6)]
    assert [len(one) for one in sets] == [900, 300, 300, 30, 15, 45]
    inside = {"helmholtz": (4, 9), "mach": (-0.2, 0.2)}
    for index, changed in ((3, {"helmholtz": (10, 12)}), (4, {"mach": (0.3, 0.5)}), (5, {})):
        for name, (low, high) in (inside | changed).items():
            values = [group.parameters[name] for group in sets[index]]
            assert low <= min(values) < max(values) <= high
            assert max(values) - min(values) > (high - low) / 2
        assert {group.m for group in sets[index]} == ({5, 6} if index == 5 else {0, 1, -2})


def test_an_out_of_range_set_has_a_case_however_small_its_share(loaded):
    _, groups = groups_of(loaded(RECIPE + BEYOND.replace("share = 0.01", "share = 1e-6"), cases=30))
    assert [sum(group.split == split for group in groups) for split in (3, 4, 5)] == [1, 1, 1]


@pytest.mark.parametrize("mach", [[-0.8, -0.6], [-0.8, 0.0], [0.0, 0.8]])
def test_amplitude_vectors_are_long_enough_for_every_set_and_flow(loaded, mach):
    """More orders are cut on in a flow of either direction, and at the higher ka of an out-of-range set."""
    text = RECIPE.replace("n = [0, 2, 3]", 'n = "cut-on"').replace("[-0.2, 0.2]", str(mach))
    for more, highest in (("", 9.0), (BEYOND.partition('[[out_of_range]]\nname = "other_m"')[0], 12.0)):
        plan = Plan(loaded(text + more.replace("[0.3, 0.5]", "[0.1, 0.1]"), cases=40).recipe)
        fastest = max(map(abs, mach))
        assert plan.orders == sum(cut_on_helmholtz(0, n, fastest) < highest for n in range(20))


def test_mixtures_have_total_square_one_and_the_orders_asked_for(loaded):
    _, groups = groups_of(loaded(RECIPE))
    counts = []
    for group in groups:
        amplitudes = group.amplitudes[0]
        assert np.sum(np.abs(amplitudes) ** 2) == pytest.approx(1, rel=1e-12)
        used = np.flatnonzero(amplitudes)
        assert set(used) <= {0, 2, 3}
        assert used[-1] == len(amplitudes) - 1
        counts.append(len(used))
    assert set(counts) == {1, 2, 3}
    np.testing.assert_allclose(np.bincount(counts)[1:], 500, atol=92)  # five standard deviations
    phases = np.angle([group.amplitudes[0][-1] for group in groups])  # complex normal: of every phase
    np.testing.assert_allclose(np.histogram(phases, bins=4, range=(-np.pi, np.pi))[0], 375, atol=84)


def test_cut_on_orders_are_those_that_propagate(loaded):
    text = RECIPE.replace("n = [0, 2, 3]", 'n = "cut-on"').replace("modes = [1, 3]", "modes = [9, 9]")
    plan, groups = groups_of(loaded(text, cases=60))
    for group in groups:
        orders = group.amplitudes.shape[1]
        assert cut_on_helmholtz(abs(group.m), orders - 1, group.parameters["mach"]) <= group.parameters["helmholtz"]
        assert cut_on_helmholtz(abs(group.m), orders, group.parameters["mach"]) > group.parameters["helmholtz"]
        assert np.all(group.amplitudes != 0)  # "at most nine": all there are
    assert max(group.amplitudes.shape[1] for group in groups) <= plan.orders <= 4


def test_cases_of_a_group_share_all_but_their_amplitudes(loaded):
    text = RECIPE.replace("modes = [1, 3]", "modes = [2, 3]\nmixtures = 4")
    plan, groups = groups_of(loaded(text, cases=40))
    assert (plan.groups, plan.cases) == (10, 40)
    assert [group.first for group in groups] == list(range(0, 40, 4))
    for group in groups:
        assert len(group.amplitudes) == 4
        assert len(np.unique(group.amplitudes, axis=0)) == 4
        np.testing.assert_allclose(np.sum(np.abs(group.amplitudes) ** 2, axis=1), 1)


def test_every_group_has_a_stream_of_its_own(loaded):
    """It depends on the seed and the group's number alone, not on what was drawn before."""
    named = loaded(RECIPE, cases=30)
    _, groups = groups_of(named)
    again = Plan(named.recipe)
    for number in (29, 3, 17):
        first, second = groups[number], again.group(number)
        assert (first.m, first.parameters) == (second.m, second.parameters)
        np.testing.assert_array_equal(first.amplitudes, second.amplitudes)
    assert len({group.parameters["helmholtz"] for group in groups}) == 30
    assert len({group.amplitudes[0][-1] for group in groups if len(np.flatnonzero(group.amplitudes[0])) > 1}) > 10
    _, others = groups_of(loaded(RECIPE, cases=30, seed=1))
    assert not {group.parameters["helmholtz"] for group in groups} & {group.parameters["helmholtz"] for group in others}
    assert [group.split for group in groups] != [group.split for group in others]
    assert [group.m for group in groups] != [group.m for group in others]
    assert not {group.amplitudes[0][-1] for group in groups} & {group.amplitudes[0][-1] for group in others}


def test_a_set_from_which_nothing_can_be_drawn_is_named_before_any_work(loaded):
    text = RECIPE.replace("n = [0, 2, 3]", 'n = "cut-on"') + BEYOND.replace("m = [5, 6]", "m = [30]")
    with pytest.raises(ValueError, match=r"no mode of the set other_m is cut on: m = \[30\], helmholtz = \[4.0, 9.0\]"):
        Plan(loaded(text, cases=30).recipe)
