"""Parameters, ties, blocks in any number of dimensions, and Sobol sequences. Nothing is solved."""

import itertools
import math

import numpy as np
import pytest

from analytic import Jet, UniformFlow, cut_on_helmholtz
from data import sampling
from data.parameters import LIMITS, Range, Values, parse
from data.sampling import Plan, plan_of
from data.ties import Tie

JET = """
task = "jet_derivative"
cases = 1500
seed = 3
SAMPLER
split = [0.6, 0.2, 0.2]
[source]
m = [0, 1, -2]
n = [0, 1]
helmholtz = { range = [1.0, 8.0], scale = "log" }
mach = [0.2, 0.6]
hub = [0.1, 0.3]
mach_outer = [0.0, 0.2]
sound_speed_ratio = { values = [0.5, 0.7, 1.0] }
density_ratio = "1/sound_speed_ratio^2"
kutta = { values = [0.0, 1.0] }
[grid]
x = [-1.0, 1.0, 4]
r = [0.4, 1.4, 4]
[[out_of_range]]
name = "other_hub"
share = 0.02
hub = [0.3, 0.4]
[[out_of_range]]
name = "other_gas"
share = 0.02
density_ratio = [0.5, 2.0]
"""
RANDOM, SOBOL = JET.replace("SAMPLER", 'sampler = "random"'), JET.replace("SAMPLER", 'sampler = "sobol"')
DRAWN = ("helmholtz", "mach", "hub", "mach_outer", "sound_speed_ratio", "kutta")
SHAPE = (8, 2, 2, 2, 3, 2)  # by the rule that docs/format.md gives: 4 t and 2 or more of t = (256 / 4)^(1/6)


def groups_of(named):
    plan = Plan(named.recipe)
    return [plan.group(number) for number in range(plan.groups)]


def shares(groups):
    """Parameters as fractions of their ranges, derived here from the recipe's text."""
    rows = []
    for group in groups:
        values = group.parameters
        rows.append(
            [
                math.log(values["helmholtz"]) / math.log(8),
                (values["mach"] - 0.2) / 0.4,
                (values["hub"] - 0.1) / 0.2,
                values["mach_outer"] / 0.2,
                (0.5, 0.7, 1.0).index(values["sound_speed_ratio"]) / 3,
                (0.0, 1.0).index(values["kutta"]) / 2,
            ]
        )
    return np.array(rows)


def blocks_of(groups):
    return set(map(tuple, np.floor(shares(groups) * SHAPE + 1e-9).astype(int)))


@pytest.mark.parametrize("text", [RANDOM, SOBOL], ids=["random", "sobol"])
@pytest.mark.parametrize("seed", range(2))
def test_no_block_of_six_dimensions_has_cases_of_two_splits(loaded, text, seed):
    groups = groups_of(loaded(text, seed=seed))
    sets = [blocks_of([group for group in groups if group.split == split]) for split in range(3)]
    for first, second in itertools.combinations(sets, 2):
        assert not first & second
    assert min(map(len, sets)) > 40
    assert len(set.union(*sets)) > 0.9 * math.prod(SHAPE)


def test_every_parameter_that_is_drawn_is_cut(loaded):
    """Were one not cut, splits would not differ in it alone: blocks next to each other in it belong to other splits."""
    groups = groups_of(loaded(RANDOM))
    of_block = {}
    for group, row in zip(groups, np.floor(shares(groups) * SHAPE + 1e-9).astype(int), strict=True):
        if group.split < 3:
            of_block[tuple(row)] = group.split
    for dimension in range(6):
        pairs = 0
        for block, split in of_block.items():
            other = tuple(place + (axis == dimension) for axis, place in enumerate(block))
            pairs += other in of_block and of_block[other] != split
        assert pairs > 15, DRAWN[dimension]


@pytest.mark.parametrize("text", [RANDOM, SOBOL], ids=["random", "sobol"])
def test_parameters_are_drawn_as_spelled(loaded, text):
    groups = [group for group in groups_of(loaded(text)) if group.split < 3]
    table = shares(groups)
    assert np.all((table >= -1e-12) & (table <= 1 + 1e-12))
    for column, count in zip(table.T, (4, 4, 4, 4, 3, 2), strict=True):
        expected = len(groups) / count  # five standard deviations of a binomial count
        found = np.histogram(column, bins=count, range=(0, 1))[0]
        np.testing.assert_allclose(found, expected, atol=5 * math.sqrt(expected))
    for group in groups:
        values = group.parameters
        assert values["density_ratio"] == pytest.approx(values["sound_speed_ratio"] ** -2, rel=1e-14)
        jet = [values[name] for name in ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta")]
        assert group.medium == Jet(*jet)
        for source in group.sources:
            assert (source.helmholtz, source.mach, source.hub) == tuple(values[n] for n in ("helmholtz", "mach", "hub"))
    assert {group.m for group in groups} == {0, 1, -2}


def test_sets_out_of_range_replace_any_parameter(loaded):
    groups = groups_of(loaded(SOBOL))
    hubs = [group.parameters["hub"] for group in groups if group.split == 3]
    assert len(hubs) == 30
    assert 0.3 <= min(hubs) < 0.32
    assert 0.38 < max(hubs) <= 0.4
    gases = [group.parameters for group in groups if group.split == 4]
    assert 0.5 <= min(one["density_ratio"] for one in gases) < 0.6
    assert {one["sound_speed_ratio"] for one in gases} == {0.5, 0.7, 1.0}
    assert len({one["density_ratio"] for one in gases}) == 30


def test_a_uniform_flow_is_the_jet_that_equals_it(loaded):
    text = 'task = "forward"\ncases = 3\n[source]\nm = [1]\nhelmholtz = 5.0\nmach = -0.3\n'
    group = groups_of(loaded(text + "[microphones]\nradius = 3.0\nangle_deg = [0.0, 90.0, 5]\n"))[0]
    assert isinstance(group.medium, UniformFlow)
    assert group.parameters == {
        "helmholtz": 5.0,
        "mach": -0.3,
        "hub": 0.0,
        "mach_outer": -0.3,
        "sound_speed_ratio": 1.0,
        "density_ratio": 1.0,
        "kutta": 0.0,
    }


def test_sobol_points_fill_the_space_better_than_random_ones(loaded):
    """The largest deviation of a count in boxes [0, a) x [0, b) of the plane of ka and M."""
    deviations = []
    for text in (RANDOM, SOBOL):
        plane = shares([group for group in groups_of(loaded(text)) if group.split < 3])[:, :2]
        corners = itertools.product(np.linspace(0.1, 1, 10), repeat=2)
        deviations.append(max(abs(np.mean(np.all(plane < corner, axis=1)) - np.prod(corner)) for corner in corners))
    assert deviations[1] < 0.3 * deviations[0]


def test_a_groups_sobol_point_depends_on_recipe_seed_and_number_alone(loaded, monkeypatch):
    named = loaded(SOBOL)
    groups = groups_of(named)
    monkeypatch.setattr(sampling, "_TOGETHER", 64)  # points computed at a time
    again = Plan(named.recipe)
    for number in (1499, 5, 1525, 64, 63):
        assert again.group(number).parameters == groups[number].parameters
        assert again.group(number).split == groups[number].split
        np.testing.assert_array_equal(again.group(number).amplitudes, groups[number].amplitudes)
    longer = groups_of(loaded(SOBOL, cases=1600))
    assert [one.parameters for one in longer[:1500]] == [one.parameters for one in groups[:1500]]
    others = groups_of(loaded(SOBOL, seed=4))
    assert not {one.parameters["helmholtz"] for one in others} & {one.parameters["helmholtz"] for one in groups}
    sets = [{group.parameters["mach"] for group in groups if group.split == split} for split in (3, 4)]
    assert not sets[0] & sets[1]  # sequences of their own


@pytest.mark.parametrize("sampler", ["random", "sobol"])
def test_cut_on_modes_of_an_annulus_are_those_that_propagate(loaded, sampler):
    text = f"""
task = "forward"
cases = 300
sampler = "{sampler}"
[source]
m = [0, 3, -8]
helmholtz = [2.0, 12.0]
mach = [-0.5, 0.5]
hub = [0.1, 0.8]
[microphones]
radius = 3.0
angle_deg = [30.0, 90.0, 5]
"""
    plan = Plan(loaded(text).recipe)
    groups = [plan.group(number) for number in range(300)]
    for group in groups:
        n = int(np.flatnonzero(group.amplitudes[0])[-1])
        duct = group.parameters
        assert cut_on_helmholtz(group.m, n, duct["mach"], hub=duct["hub"]) < duct["helmholtz"]
    assert {group.m for group in groups} == {0, 3, -8}
    assert max(group.amplitudes.shape[1] for group in groups) <= plan.orders <= 7


def test_a_plan_is_made_once_in_a_process(loaded):
    assert plan_of(loaded(RANDOM).recipe) is plan_of(loaded(RANDOM).recipe)
    assert plan_of(loaded(RANDOM).recipe) is not plan_of(loaded(RANDOM, seed=9).recipe)


def test_a_plan_of_millions_of_cases_is_small(loaded):
    plan = Plan(loaded(RANDOM, cases=2_000_000).recipe)
    assert plan.cases == 2_080_000
    kept = sum(value.nbytes for value in vars(plan).values() if isinstance(value, np.ndarray))
    assert kept < 2.2e6
    assert plan.group(2_079_999).split == 4


@pytest.mark.parametrize(
    ("spelled", "parameter"),
    [
        (0.5, Range(0.5, 0.5)),
        (1, Range(1.0, 1.0)),
        ([0.5, 1.0], Range(0.5, 1.0)),
        ({"range": [0.5, 1.0]}, Range(0.5, 1.0)),
        ({"range": [0.5, 1.0], "scale": "uniform"}, Range(0.5, 1.0)),
        ({"range": [0.5, 1.0], "scale": "log"}, Range(0.5, 1.0, log=True)),
        ({"values": [2.0, 0.5]}, Values((0.5, 2.0))),
        ("1/sound_speed_ratio^2", Tie("1/sound_speed_ratio^2")),
    ],
)
def test_a_parameter_is_as_spelled_and_may_be_spelled_again(spelled, parameter):
    found = parse(spelled, LIMITS["density_ratio"])
    assert found == parameter
    assert parse(found if isinstance(found, Tie) else found.spelled(), LIMITS["density_ratio"]) == parameter


@pytest.mark.parametrize(
    ("spelled", "fault"),
    [
        (True, "expected a number, got True"),
        ([0.5, True], "expected a number, got True"),
        ([0.5, "1"], "expected a number, got '1'"),
        (math.nan, r"must lie in \[0.1, 10\], got nan"),
        (10**400, r"must lie in \[0.1, 10\]"),
        ([1.0], "must be .least, largest."),
        ([1.0, 2.0, 3.0], "a set is"),
        ([2.0, 1.0], r"got \[2.0, 1.0\]"),
        ({}, "expected {values"),
        ({"values": []}, "1 to 1000 numbers"),
        ({"values": [1.0, 1.0]}, "differ"),
        ({"values": [1.0], "scale": "log"}, "expected {values"),
        ({"range": [1.0, 2.0], "scale": "cubic"}, "one of uniform, log, got 'cubic'"),
        ({"range": 1.0}, "range must be"),
        ("", "no expression"),
        ("1 +", "no expression"),
        ("(" * 150, "no expression"),
        ("1 + " * 60 + "1", "at most 200 characters"),
        ("mach.real", "got mach.real"),
        ("exp(mach)", r"got exp\(mach\)"),
        ("__import__('os')", "numbers, names"),
        ("True", "got True"),
        ("mach if mach else 1", "numbers, names"),
        ("mach // 2", "numbers, names"),
        ("1/(mach - mach)", "division by zero"),
        ("(0 - 1)^0.5", "not positive"),
        ("9^9^9", "exponent"),
        ("1e300 * 1e300", "not finite"),
    ],
)
def test_what_is_no_parameter_is_refused_with_its_value(spelled, fault):
    with pytest.raises(ValueError, match=fault):
        parse(spelled, LIMITS["density_ratio"])


def test_only_positive_ranges_have_a_logarithmic_scale_and_only_ratios_ties():
    with pytest.raises(ValueError, match="logarithmic scale must be positive"):
        parse({"range": [0.0, 0.5], "scale": "log"}, LIMITS["hub"])
    with pytest.raises(ValueError, match="only ratios may be tied"):
        parse("mach", LIMITS["hub"])


@pytest.mark.parametrize(
    ("text", "value", "bounds"),
    [
        ("1/sound_speed_ratio^2", 1 / 0.49, (1.0, 4.0)),
        ("2 - mach * -sound_speed_ratio", 2 + 0.3 * 0.7, (2.1, 2.6)),
        ("(1 + mach)^2 / 2", 0.845, (0.72, 1.28)),
        ("sound_speed_ratio^-1", 1 / 0.7, (1.0, 2.0)),
        ("1 - mach + mach", 1.0, (0.6, 1.4)),  # wider than what is reached: the two are not known to be one
    ],
)
def test_ties_have_their_value_and_bounds(text, value, bounds):
    tie = Tie(text)
    assert tie.at({"sound_speed_ratio": 0.7, "mach": 0.3}) == pytest.approx(value, rel=1e-14)
    assert tie.bounds({"sound_speed_ratio": (0.5, 1.0), "mach": (0.2, 0.6)}) == pytest.approx(bounds, rel=1e-14)


def test_a_tie_that_divides_by_zero_inside_the_ranges_has_no_bounds():
    with pytest.raises(ValueError, match=r"'1/\(mach - 0.4\)' has no value somewhere in the ranges: division by zero"):
        Tie("1/(mach - 0.4)").bounds({"mach": (0.2, 0.6)})
    assert Tie("1/(mach - 0.4)").bounds({"mach": (0.6, 0.9)}) == pytest.approx((2.0, 5.0))


def test_one_number_in_half_of_the_cases(loaded):
    """Half of the ducts have no hub; no block of a split has both kinds."""
    text = RANDOM.replace("hub = [0.1, 0.3]", "hub = { range = [0.1, 0.3], or = 0.0 }", 1)
    groups = groups_of(loaded(text))
    usual = [group for group in groups if group.split < 3]
    hubs = np.array([group.parameters["hub"] for group in usual])
    assert abs(np.mean(hubs == 0) - 0.5) < 0.05  # 1500 of them: 0.013 is the standard deviation
    assert np.all((hubs == 0) | ((hubs >= 0.1) & (hubs <= 0.3)))
    assert np.ptp(hubs[hubs > 0]) > 0.15
    drawn = parse({"range": [0.1, 0.3], "or": 0.0}, LIMITS["hub"])
    assert (drawn.bounds, drawn.varies, drawn.blocks(8)) == ((0.0, 0.3), True, 2)
    assert [drawn.at(share) for share in (0.0, 0.49, 0.5, 1.0)] == [0.0, 0.0, 0.1, 0.3]
    assert parse(drawn.spelled(), LIMITS["hub"]) == drawn
    with pytest.raises(ValueError, match="must lie in"):
        parse({"range": [0.1, 0.3], "or": 1.5}, LIMITS["hub"])
