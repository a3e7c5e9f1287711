"""Recipes: refusals, records, built-in sets."""

import pickle

import numpy as np
import pytest

from data import recipe
from data.mixtures import Grid
from data.parameters import Range

DERIVATIVE = """
task = "derivative"
cases = 6
seed = 3
split = [0.6, 0.2, 0.2]
[source]
m = [0, -2]
helmholtz = [4.0, 6.0]
mach = [-0.2, 0.2]
modes = [1, 2]
mixtures = 2
[grid]
x = [-1.0, 1.0, 8]
r = [0.0, 2.0, 8]
[[out_of_range]]
name = "higher_ka"
share = 0.1
helmholtz = [7.0, 8.0]
"""
FORWARD = """
task = "forward"
cases = 4
[source]
m = [1]
n = [0, 1]
helmholtz = [4.0, 6.0]
[microphones]
radius = 3.0
angle_deg = [0.0, 90.0, 5]
"""
EDGE = """
task = "edge"
cases = 4
[source]
m = [1]
helmholtz = [4.0, 6.0]
[disc]
radius = 0.3
closest = 1e-5
roots = 5
angles = 8
"""
FACTOR = """
task = "factor"
cases = 4
[source]
m = [1]
n = [0]
helmholtz = [4.0, 6.0]
[arc]
angles = 8
"""
OTHER = '[[out_of_range]]\nname = "other_x"\nshare = 0.5\n'


@pytest.mark.parametrize(
    ("text", "old", "new", "fault"),
    [
        (DERIVATIVE, 'task = "derivative"', "", "task: this key is missing"),
        (
            DERIVATIVE,
            "derivative",
            "nowhere",
            "unknown task 'nowhere', expected one of derivative, edge, factor, forward",
        ),
        (DERIVATIVE, "[grid]", "[place]", "a recipe has no key place"),
        (
            DERIVATIVE,
            "[grid]",
            "[disc]",
            r"a derivative recipe needs a table \[grid\] and no \[arc\] or \[directions\] or",
        ),
        (
            DERIVATIVE,
            "[grid]",
            "[arc]\nangles = 8\n[grid]",
            r"a derivative recipe needs a table \[grid\] and no \[arc\]",
        ),
        (DERIVATIVE, "x = [-1.0, 1.0, 8]", "x = [-1.0, 1.0, 1]", r"grid\.x\.2: .*greater than or equal to 2 \(got 1\)"),
        (DERIVATIVE, "x = [-1.0, 1.0, 8]", "x = [-1.0, 1.0, 4097]", r"grid\.x\.2"),
        (
            DERIVATIVE,
            "x = [-1.0, 1.0, 8]",
            "x = [1.0, 1.0, 8]",
            r"grid: .*x must be \[start, end, cells\] with start < end",
        ),
        (DERIVATIVE, "r = [0.0, 2.0, 8]", "r = [-0.1, 2.0, 8]", r"r must start at 0 or above, got -0\.1"),
        (DERIVATIVE, "r = [0.0, 2.0, 8]", "r = [0.0, 2.0, 8]\nz = 1", r"grid\.z: there is no such key"),
        (DERIVATIVE, "modes = [1, 2]", "modes = [2, 1]", r"modes must be \[least, largest\], got \[2, 1\]"),
        (DERIVATIVE, "modes = [1, 2]", "modes = [0, 1]", r"source\.modes\.0"),
        (DERIVATIVE, "mach = [-0.2, 0.2]", "mach = [0.2, -0.2]", r"source\.mach: .* must be \[least, largest\]"),
        (DERIVATIVE, "mach = [-0.2, 0.2]", "mach = [-0.96, 0.2]", r"source\.mach: .* \[-0\.95, 0\.95\], got -0\.96"),
        (
            DERIVATIVE,
            "helmholtz = [4.0, 6.0]",
            "helmholtz = [4.0, 60.1]",
            r"helmholtz: .* \[0\.001, 60\], got 60\.1",
        ),
        (DERIVATIVE, "m = [0, -2]", "m = [0, -41]", r"source\.m\.1"),
        (DERIVATIVE, "mixtures = 2", "mixtures = 0", r"source\.mixtures"),
        (DERIVATIVE, "mixtures = 2", "mixtures = 4", "cases must be a multiple of mixtures = 4, got 6"),
        (DERIVATIVE, "split = [0.6, 0.2, 0.2]", "split = [1.2, -0.4, 0.2]", "split must be three shares that add to 1"),
        (DERIVATIVE, "split = [0.6, 0.2, 0.2]", "split = [0.6, 0.2, 0.1]", "split must be three shares that add to 1"),
        (DERIVATIVE, "seed = 3", "seed = -1", "seed: "),
        (DERIVATIVE, "seed = 3", "seed = 9223372036854775808", r"seed: .* \(got 9223372036854775808\)"),
        (DERIVATIVE, "seed = 3", 'sampler = "latin"', "sampler: .*'random' or 'sobol'"),
        (DERIVATIVE, "cases = 6", "cases = true", r"cases: .*valid integer \(got True\)"),
        (DERIVATIVE, "cases = 6", "cases = 6.0", r"cases: .*valid integer \(got 6\.0\)"),
        (DERIVATIVE, "cases = 6", "cases = 10000002", r"cases: .*or equal to 10000000"),
        (
            DERIVATIVE,
            "cases = 6",
            "cases = 9500000",
            r"out-of-range sets make 1.04e\+07 cases, the most is 10000000",
        ),
        (DERIVATIVE, "m = [0, -2]", "m = [true]", r"source\.m\.0: .*integer"),
        (DERIVATIVE, "modes = [1, 2]", "modes = [true, 2]", r"source\.modes\.0: .*integer"),
        (DERIVATIVE, "x = [-1.0, 1.0, 8]", "x = [-1e6, 1e6, 8]", r"\[grid\] reaches 8\.75e\+05 radii .* reach "),
        (DERIVATIVE, "x = [-1.0, 1.0, 8]", "x = [true, 1.0, 8]", r"grid\.x\.0: .*number"),
        (DERIVATIVE, "x = [-1.0, 1.0, 8]\nr = [0.0, 2.0, 8]", "x = [-1.0, 1.0, 5]\nr = [0.0, 2.0, 5]", "from the lip"),
        (
            DERIVATIVE,
            "mixtures = 2\n[grid]\nx = [-1.0, 1.0, 8]\nr = [0.0, 2.0, 8]",
            "mixtures = 6\n[grid]\nx = [-1.0, 1.0, 4096]\nr = [0.0, 2.0, 4096]",
            r"mixtures = 6 on \[grid\] make 4831838208 bytes of fields",
        ),
        (DERIVATIVE, "mixtures = 2", "mixtures = 2\nhub = [0.0, 0.2]", r"\[grid\] .* r = 0.125 inside the hub, .* 0.2"),
        (DERIVATIVE, "mixtures = 2", "mixtures = 2\nkutta = 1.0", "a jet needs flow out of the duct: .* got -0.2"),
        (DERIVATIVE, "mixtures = 2", 'mixtures = 2\nhub = "mach"', "only ratios may be tied"),
        (
            DERIVATIVE.replace("-0.2, 0.2", "0.1, 0.2"),
            "mixtures = 2",
            'mixtures = 2\ndensity_ratio = "1/hub"',
            "density_ratio: '1/hub' has no value somewhere in the ranges",
        ),
        (
            DERIVATIVE.replace("-0.2, 0.2", "0.1, 0.2"),
            "mixtures = 2",
            'mixtures = 2\ndensity_ratio = "1/mach^2"',
            r"density_ratio must lie in \[0.1, 10\], but '1/mach\^2' reaches from 25 to 100",
        ),
        (
            DERIVATIVE.replace("-0.2, 0.2", "0.1, 0.2"),
            "mixtures = 2",
            'mixtures = 2\ndensity_ratio = "sound_speed_ratio"\nsound_speed_ratio = "density_ratio"',
            "depends on 'density_ratio', not on a parameter that is drawn",
        ),
        (
            DERIVATIVE,
            "helmholtz = [4.0, 6.0]\nmach = [-0.2, 0.2]",
            "helmholtz = { values = [4.0, 6.0] }\nmach = 0.0",
            "helmholtz has 2 values, too few for 3 splits",
        ),
        (DERIVATIVE, '"higher_ka"', '"test"', "the name test of an out-of-range set is taken"),
        (DERIVATIVE, '"higher_ka"', '"Higher"', "name: "),
        (
            DERIVATIVE,
            "[[out_of_range]]",
            OTHER + "m = [3]\n" + OTHER + "m = [4]\n[[out_of_range]]",
            "other_x of an .* is taken",
        ),
        (DERIVATIVE, "helmholtz = [7.0, 8.0]", "", "the out-of-range set higher_ka changes nothing"),
        (
            DERIVATIVE,
            "helmholtz = [7.0, 8.0]",
            "helmholtz = [4.0, 6.0]",
            "the out-of-range set higher_ka changes nothing",
        ),
        (DERIVATIVE, "helmholtz = [7.0, 8.0]", "helmholtz = [8.0, 7.0]", r"helmholtz: .* must be \[least, largest\]"),
        (
            FORWARD,
            "n = [0, 1]",
            "n = [0, 1]\nmodes = [1, 2]",
            r"a forward recipe has one mode a case: modes = \[1, 1\]",
        ),
        (FORWARD, "n = [0, 1]", "n = [0, 1]\nmixtures = 2", r"a forward recipe has one mode a case: .* mixtures = 1"),
        (FORWARD, "[microphones]", OTHER + "modes = [1, 2]\n[microphones]", "a forward recipe has one mode a case"),
        (FORWARD, "n = [0, 1]", "n = [0, 1]\nhub = 0.3", r"\[microphones\] has the radius r = 0 inside the hub"),
        (FORWARD, "[0.0, 90.0, 5]", "[0.0, 181.0, 5]", r"angle_deg must be \[first, last, count\] in 0 ... 180"),
        (FORWARD, "[0.0, 90.0, 5]", "[90.0, 0.0, 5]", r"angle_deg must be"),
        (FORWARD, "radius = 3.0", "radius = 1.0", r"microphones\.radius"),
        (EDGE, "m = [1]", "m = [1]\nmixtures = 2", "a recipe of the task edge has mixtures = 1, got 2"),
        (EDGE, "radius = 0.3", "radius = 1.0", r"disc\.radius"),
        (EDGE, "closest = 1e-5", "closest = 1e-7", r"disc\.closest"),
        (EDGE, "roots = 5", "roots = 3", r"disc\.roots"),
        (FACTOR, "m = [1]", "m = [1]\nmixtures = 2", "a recipe of the task factor has mixtures = 1, got 2"),
        (
            FACTOR,
            "n = [0]",
            "n = [1]",
            r"to no mode, flow or hub: n = \[0\], mach = 0, hub = 0 and no jet",
        ),
        (FACTOR, "n = [0]", "n = [0]\nmach = [0.0, 0.1]", "a factor belongs to no mode, flow"),
        (FACTOR, "[arc]", OTHER + "mach = [0.1, 0.1]\n[arc]", "a factor belongs to no mode, flow"),
        (FACTOR, "angles = 8", "angles = 401", r"arc\.angles"),
    ],
)
def test_a_fault_is_named_with_its_key(loaded, text, old, new, fault):
    assert loaded(text).recipe.task in text
    assert text.count(old) == 1 or old in ("derivative", "m = [1]")
    with pytest.raises(ValueError, match=fault):
        loaded(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('task = "derivative"', "task = true", "task: Input should be a valid string (got True)"),
        (
            '"derivative"',
            '"nowhere"',
            "task: unknown task 'nowhere', expected one of "
            "derivative, edge, factor, forward, jet_derivative, jet_factor, lined_derivative, lined_forward, lip, "
            "lip_near",
        ),
        ("cases = 6", 'cases = 6\n"a\\nb" = 1', r"'a\nb': there is no such key (got 1)"),
        ("m = [0, -2]", "", "source.m: this key is missing"),
        (
            "modes = [1, 2]",
            "n = []",
            "source.n: Input should be 'cut-on' (got []); source.n: List should have at least",
        ),
        ("split = [0.6, 0.2, 0.2]", "split = [1.0]", "split: a value is missing (got [1.0])"),
        ("modes = [1, 2]", "modes = 1", "source.modes: expected a list (got 1)"),
        ("mach = [-0.2, 0.2]", "mach = [2, 0]", "source.mach: must lie in [-0.95, 0.95], got 2"),
    ],
)
def test_what_follows_from_another_fault_is_not_said(loaded, old, new, said):
    """Nor what a value is twice; in words of recipes, in one line."""
    with pytest.raises(ValueError, match=r"^\S*recipe\.toml: ") as refusal:
        loaded(DERIVATIVE.replace(old, new, 1))
    found = str(refusal.value).split("recipe.toml: ", 1)[1]
    assert found.startswith(said)
    assert found == said or said.endswith("at least")


@pytest.mark.parametrize(
    ("text", "old", "new", "good", "bad"),
    [
        (DERIVATIVE, "m = [0, -2]", "m = [{}]", (-40, 40), (-41, 41)),
        (FORWARD, "n = [0, 1]", "n = [{}]", (0, 200), (-1, 201)),
        (DERIVATIVE, "helmholtz = [4.0, 6.0]", "helmholtz = [{0}, {0}]", (0.001, 60.0), (0.0009, 60.1)),
        (DERIVATIVE, "mach = [-0.2, 0.2]", "mach = [{0}, {0}]", (-0.95, 0.95), (-0.951, 0.951)),
        (DERIVATIVE, "cases = 6", "cases = {}", (2,), (0, -2)),
        (DERIVATIVE, "mixtures = 2", "mixtures = {}", (1,), (0, 1001)),
        (DERIVATIVE, "share = 0.1", "share = {}", (1e-9, 10.0), (0.0, 10.1)),
        (DERIVATIVE, "[-1.0, 1.0, 8]", "[-1.0, 1.0, {}]", (2, 4096), (1, 4097)),
        (DERIVATIVE, "[-1.0, 1.0, 8]", "[{}, 1.0, 8]", (-1e3,), ("-inf", "nan")),
        (DERIVATIVE, "[0.0, 2.0, 8]", "[0.0, {}, 8]", (1e3,), ("inf", "nan")),
        (FORWARD, "radius = 3.0", "radius = {}", (1.001, 1000.0), (1.0, 1000.1)),
        (FACTOR, "angles = 8", "angles = {}", (4, 400), (3, 401)),
        (EDGE, "radius = 0.3", "radius = {}", (0.011, 0.999), (0.01, 1.0)),
        (EDGE, "closest = 1e-5", "closest = {}", (1e-6, 1e-3), (9e-7, 1.1e-3)),
        (EDGE, "roots = 5", "roots = {}", (4, 200), (3, 201)),
        (EDGE, "angles = 8", "angles = {}", (4, 400), (3, 401)),
    ],
)
def test_limits_belong_to_what_is_accepted(loaded, text, old, new, good, bad):
    for value in good:
        loaded(text.replace(old, new.format(value)))
    for value in bad:
        with pytest.raises(ValueError, match=r"recipe\.toml: "):
            loaded(text.replace(old, new.format(value)))


def test_a_thousand_mixtures_share_a_group_at_most(loaded):
    thousand = DERIVATIVE.replace("mixtures = 2", "mixtures = 1000")
    assert loaded(thousand, cases=1000).recipe.source.mixtures == 1000


@pytest.mark.parametrize("text", [DERIVATIVE, FORWARD, EDGE, FACTOR])
def test_a_recipe_survives_its_record_and_other_processes(loaded, text):
    """The record names the table as the recipe does, and may be validated again."""
    one = loaded(text).recipe
    assert recipe.Recipe.model_validate_json(one.model_dump_json()) == one
    assert recipe.Recipe.model_validate(one.model_dump()) == one
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_recipe_in_python_has_the_tables_of_a_file(loaded):
    grid = Grid(x=(-1.0, 1.0, 8), r=(0.0, 2.0, 8))
    named = loaded(DERIVATIVE)
    assert named.recipe.place == grid
    content = {
        name: getattr(named.recipe, name) for name in ("task", "cases", "seed", "split", "source", "out_of_range")
    }
    assert recipe.Recipe(**content, grid=grid) == named.recipe
    assert recipe.Recipe(**content, grid=grid, disc=None) == named.recipe


def test_out_of_range_sets_replace_what_they_name_alone(loaded):
    one = loaded(DERIVATIVE).recipe
    source = one.out_of_range[0].source(one.source)
    assert source.helmholtz == Range(7.0, 8.0)
    assert source.model_copy(update={"helmholtz": Range(4.0, 6.0)}) == one.source


def test_options_replace_the_recipes_own(loaded):
    named = loaded(DERIVATIVE, cases=8, seed=0)
    assert (named.recipe.cases, named.recipe.seed) == (8, 0)
    assert "cases = 6" in named.text
    assert loaded(DERIVATIVE).recipe.seed == 3


@pytest.mark.parametrize(
    ("name", "sets"),
    [("derivative", {"higher_ka", "other_mach", "other_m"}), ("forward", {"higher_ka", "other_mach", "other_m"})],
)
def test_the_built_in_out_of_range_sets_are_beyond_the_training_ranges(name, sets):
    one = recipe.load(name).recipe
    assert {beyond.name for beyond in one.out_of_range} == sets
    for beyond in one.out_of_range:
        source = beyond.source(one.source)
        if beyond.name == "other_m":
            assert not set(source.m) & set(one.source.m)
            continue
        key = "helmholtz" if beyond.name == "higher_ka" else "mach"
        (low, high), (usual_low, usual_high) = source.bounds[key], one.source.bounds[key]
        assert low >= usual_high or high <= usual_low
        assert np.ptp([low, high]) > 0


@pytest.mark.parametrize(
    "content", [DERIVATIVE.encode("utf-8-sig"), DERIVATIVE.replace("\n", "\r\n").encode(), DERIVATIVE.encode()]
)
def test_texts_of_other_systems(tmp_path, content):
    """A byte order mark and line ends of Windows."""
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    assert recipe.load(path).text == DERIVATIVE


def test_what_no_toml_reader_takes_is_refused_with_the_files_name(loaded):
    for value, fault in (("1" * 5000, "limit"), ("[" * 3000 + "]" * 3000, "recursion"), ("1 2", "line 3")):
        with pytest.raises(ValueError, match=rf"^\S*recipe\.toml is not TOML: .*{fault}"):
            loaded(DERIVATIVE.replace("cases = 6", f"cases = {value}"))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (DERIVATIVE.encode("utf-16"), "is text in UTF-16; save it in UTF-8"),
        (b"\xfe\xff" + DERIVATIVE.encode("utf-16-be"), "is text in UTF-16; save it in UTF-8"),
        (DERIVATIVE.encode("utf-16-le"), "holds zero bytes, so it is text in UTF-16 or no text"),
        (b"# ok\n# \xfcber\n" + DERIVATIVE.encode(), "is not text in UTF-8: byte 0xfc in line 2; save it in UTF-8"),
    ],
)
def test_texts_in_other_encodings_are_refused_by_name(tmp_path, content, fault):
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} {fault}"):
        recipe.load(path)
