"""Cases of a recipe that are given in place of drawn ones."""

import numpy as np
import pytest

from data.generate import generate
from data.read import check, read
from data.recipe import Recipe, with_cases
from data.sampling import plan_of

ARC = """
task = "forward"
cases = 3
split = [1.0, 0.0, 0.0]
[source]
m = [0, 1, 2]
n = [0]
helmholtz = [2.0, 8.0]
mach = [-0.3, 0.3]
hub = { range = [0.2, 0.4], or = 0.0 }
[microphones]
radius = 10.0
angle_deg = [10.0, 120.0, 5]
"""
GIVEN = """
[given]
m = [0, 2, 1]
helmholtz = [3.0, 2.123456789012345, 8.0]
mach = [0.0, 0.3, -0.3]
hub = [0.0, 0.25, 0.4]
"""
BEYOND = '[[out_of_range]]\nname = "fast"\nshare = 0.4\nmach = [0.3, 0.4]\n'


def test_the_cases_are_those_given_and_for_training(here, loaded, tmp_path):
    named = loaded(ARC + GIVEN + BEYOND)
    generate(named, tmp_path / "x.h5")
    dataset = read(tmp_path / "x.h5")
    assert check(tmp_path / "x.h5")["splits"] == {"train": 3, "validation": 0, "test": 0, "fast": 1}
    for name, column in named.recipe.given.items():
        assert dataset[name][:3].tolist() == column
    assert 0.3 < dataset["mach"][3] < 0.4
    record, _, text = str(dataset.provenance["recipe"]).partition("\n")
    assert Recipe.model_validate_json(record) == named.recipe
    assert text == ARC + GIVEN + BEYOND


def test_a_recipe_takes_cases_of_its_source(loaded):
    named = loaded(ARC.replace("split = [1.0, 0.0, 0.0]", 'sampler = "sobol"') + BEYOND)
    chosen = with_cases(named, {"m": [1, 2], "helmholtz": [4.0, 5.0], "mach": np.array([0.1, 0.2]), "hub": [0, 0.3]})
    plan = plan_of(chosen.recipe)
    assert (plan.groups, plan.split_names) == (2, ("train", "validation", "test"))
    found = [plan.group(number) for number in range(2)]
    assert [group.m for group in found] == [1, 2]
    assert [group.parameters["mach"] for group in found] == [0.1, 0.2]
    assert (chosen.name, chosen.text) == (named.name, named.text)
    with pytest.raises(ValueError, match=r"recipe\.toml: recipe: given\.mach: case 1 has 0\.5, the source mach = \[-0"):
        with_cases(named, {"m": [1, 2], "helmholtz": [4.0, 5.0], "mach": [0.1, 0.5], "hub": [0, 0.3]})


def test_a_recipe_without_given_cases_is_recorded_as_before(loaded):
    assert "given" not in loaded(ARC).recipe.model_dump_json()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mach = [0.0, 0.3, -0.3]\n", "", r"given\.mach: this key is missing, a column of 3 numbers"),
        ("hub = [0.0, 0.25", "hubs = [0.0, 0.25", r"given\.hub: this key is missing"),
        (
            "[given]",
            "[given]\nkutta = [0, 0, 0]",
            r"given\.kutta: there is no such key, expected m, helmholtz, mach, hub",
        ),
        ("n = [0]\nhelmholtz = [2.0, 8.0]", "helmholtz = 3.0", r"no such key, .*, the source has helmholtz = 3\.0"),
        ("cases = 3", "cases = 4", r"given\.m: expected 4 numbers, one for each of the cases, got \[0\.0, 2"),
        ("-0.3]\nhub = [", "-0.31]\nhub = [", r"given\.mach: case 2 has -0\.31, the source mach = \[-0\.3, 0\.3\]"),
        (
            "hub = [0.0,",
            "hub = [0.1,",
            r"given\.hub: case 0 has 0\.1, the source hub = \{'range': ",
        ),
        ("m = [0, 2, 1]", "m = [0, 3, 1]", r"given\.m: case 1 has 3\.0, the source m = \[0, 1, 2\]"),
        ("m = [0, 2, 1]", "m = [0, 2, nan]", r"given\.m"),
        ("split = [1.0, 0.0, 0.0]", "", r"all for training: .*, got split = \[0\.8, 0\.1, 0\.1\]"),
        ("cases = 3", 'cases = 3\nsampler = "sobol"', "not drawn, .* got .*sampler = 'sobol'"),
        ("n = [0]", 'n = "cut-on"', "no mode of the given case 1 is cut on: m = 2"),
        (
            "mach = [-0.3",
            'sound_speed_ratio = "2-hub"\nmach = [0.1',
            "no tied parameters, got sound_speed_ratio = '2",
        ),
    ],
)
def test_a_fault_is_named_with_its_key(loaded, old, new, words):
    text = ARC + GIVEN
    assert old in text
    with pytest.raises(ValueError, match=words):
        plan_of(loaded(text.replace(old, new)).recipe)
