"""Datasets of ducts with a liner: what is drawn, what is solved, what is refused."""

import numpy as np
import pytest

from analytic import Liner, ModeMixture, solve
from data import recipe
from data.generate import generate
from data.read import check, read
from data.sampling import plan_of

FIELDS = """
task = "lined_derivative"
cases = 6
split = [0.4, 0.3, 0.3]
[source]
m = [0, 2]
helmholtz = [4.0, 6.0]
modes = [1, 2]
mixtures = 2
[liner]
resistance = { range = [0.5, 2.0], scale = "log" }
reactance = [-1.0, 1.0]
length = { values = [0.5, 0.75] }
distance = 0.5
[grid]
x = [-2.0, 1.0, 12]
r = [0.0, 2.0, 8]
"""
ARC = FIELDS.replace("lined_derivative", "lined_forward").partition("modes")[0] + (
    FIELDS[FIELDS.index("[liner]") : FIELDS.index("[grid]")]
    + "[microphones]\nradius = 5.0\nangle_deg = [0.0, 160.0, 5]\n"
)


def load(tmp_path, text):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return recipe.load(path)


@pytest.mark.parametrize("text", [FIELDS, ARC], ids=["grid", "microphones"])
def test_cases_are_solutions_with_their_liners(tmp_path, text):
    path = tmp_path / "lined.h5"
    generate(load(tmp_path, text), path)
    dataset = read(path)
    arrays = dataset.arrays
    assert check(path)["cases"] == 6
    assert len(np.unique(arrays["resistance"])) > 1
    for case in (0, 5):
        numbers = [arrays[name][case] for name in ("resistance", "reactance", "liner_length", "liner_distance")]
        liner = Liner(complex(numbers[0], numbers[1]), *numbers[2:])
        if "amplitude" in arrays:
            amplitudes = arrays["amplitude"][case] @ [1, 1j]
            lined = solve(ModeMixture(arrays["m"][case], amplitudes, arrays["helmholtz"][case]), liner=liner)
            expected, name = lined.field(arrays["x"], arrays["r"]).potential, "potential"
            found = arrays[name][case][0] + 1j * arrays[name][case][1]
        else:
            amplitudes = np.eye(1, arrays["n"][case] + 1, arrays["n"][case])[0]
            lined = solve(ModeMixture(arrays["m"][case], amplitudes, arrays["helmholtz"][case]), liner=liner)
            expected = lined.at(arrays["x"], arrays["r"]).pressure
            found = arrays["pressure"][case] @ [1, 1j]
        assert np.max(np.abs(found - expected)) < 1e-6 * np.max(np.abs(expected))


def test_cases_in_flow_are_solutions_with_their_liners(tmp_path):
    flowing = FIELDS.replace("[-1.0, 1.0]", "[-1.0, 0.0]").replace("m = [0, 2]", "m = [0, 2]\nmach = [-0.3, 0.3]")
    with pytest.raises(ValueError, match="must end before the lip"):
        load(tmp_path, flowing.replace("distance = 0.5", "distance = [0.0, 0.5]"))
    path = tmp_path / "lined.h5"
    generate(load(tmp_path, flowing), path)
    assert check(path)["cases"] == 6
    arrays = read(path).arrays
    assert np.min(np.abs(arrays["mach"])) > 0
    for case in (0, 5):
        numbers = [arrays[name][case] for name in ("resistance", "reactance", "liner_length", "liner_distance")]
        amplitudes, duct = arrays["amplitude"][case] @ [1, 1j], [arrays[name][case] for name in ("helmholtz", "mach")]
        liner = Liner(complex(numbers[0], numbers[1]), *numbers[2:])
        lined = solve(ModeMixture(arrays["m"][case], amplitudes, *duct), liner=liner)
        expected = lined.field(arrays["x"], arrays["r"]).potential
        found = arrays["potential"][case][0] + 1j * arrays["potential"][case][1]
        assert np.max(np.abs(found - expected)) < 1e-6 * np.max(np.abs(expected))


def test_a_case_that_cannot_be_solved_is_missing_alone(tmp_path):
    # A point of the grid at the very end of the liner.
    path = tmp_path / "lined.h5"
    text = FIELDS.replace("distance = 0.5", "distance = { values = [0.5, 0.625] }").replace("cases = 6", "cases = 12")
    text = text.replace("r = [0.0, 2.0, 8]", "r = [0.0, 2.0, 9]")
    generate(load(tmp_path, text), path)
    dataset = read(path)
    assert set(dataset.arrays["liner_distance"]) == {0.5}
    assert 0 < len(dataset.about.missing) < 12
    assert all("where the velocity is singular" in one["reason"] for one in dataset.about.missing)


def test_the_liner_s_table_is_part_of_the_source(tmp_path):
    named = load(tmp_path, FIELDS)
    source = named.recipe.source
    assert source.lined
    assert source.bounds["liner_distance"] == (0.5, 0.5)
    assert recipe.Recipe.model_validate_json(named.recipe.model_dump_json()) == named.recipe
    group = plan_of(named.recipe).group(0)
    assert 0.5 <= group.liner.impedance.real <= 2.0
    assert group.liner.distance == 0.5


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("lined_derivative", "derivative", "the source has a liner, the task derivative is for ducts without one"),
        ("reactance = [-1.0, 1.0]\n", "", "a liner needs reactance"),
        ("distance = 0.5", "distanse = 0.5", r"liner\.distanse: there is no such key"),
        ("distance = 0.5", "distance = -0.5", r"liner\.distance: must lie in \[0, 20\], got -0\.5"),
        ("resistance = {", "resistance = 0.0 # {", r"liner\.resistance: must lie in \[0\.01, 100\], got 0"),
        ("m = [0, 2]", "m = [0, 2]\nmach = 0.1", "reactance must not be positive, .* up to 1"),
        ("m = [0, 2]", "m = [0, 2]\nmach = 0.1\nmach_outer = 0.0", "has no jet in recipes"),
        ("m = [0, 2]", "m = [0, 2]\nresistance = 1.0", "is given in"),
    ],
)
def test_a_fault_is_named_with_its_key(tmp_path, old, new, words):
    with pytest.raises(ValueError, match=words):
        load(tmp_path, FIELDS.replace(old, new, 1))


def test_a_lined_task_without_a_liner_is_refused(tmp_path):
    bare = FIELDS[: FIELDS.index("[liner]")] + FIELDS[FIELDS.index("[grid]") :]
    with pytest.raises(ValueError, match="the source has no liner, the task lined_derivative is for ducts with one"):
        load(tmp_path, bare)
