"""One fan intake in one command, in four lines of Python, and on the page of explore: the same numbers in all three.

Radius 0.4 m, 15 degC, a stream of M = -0.35, mode (22, 0): at 3600 Hz, and at 1200 Hz, where it is cut off.
"""

import json
import re
import warnings

import numpy as np
import pytest

from analytic import CutOffWarning, DuctMode, solve
from wavenet.cli import main
from wavenet.study import bench as compute
from wavenet.study.controls import Mode
from wavenet.study.page import parts, query, texts
from wavenet.study.shown import DEGREES

FAN = ["--m", "22", "--n", "0", "--radius", "0.4m", "--temperature", "15degC", "--mach=-0.35", "--frequency"]
TYPED = {"m": "22", "n": "0", "radius": "0.4", "temperature": "15", "mach": "-0.35", "given": "frequency"}
WHOLE = np.radians(np.arange(181.0))


@pytest.fixture(scope="module")
def bench():
    return compute.Bench()


def by_command(capsys, frequency, *options):
    """Text, JSON and warnings."""
    found = []
    for more in ([], ["--json"]):
        with pytest.raises(SystemExit) as stop:
            main(["solve", *FAN, f"{frequency}Hz", *options, *more])
        assert not stop.value.code
        found.append(capsys.readouterr())
    return found[0].out, json.loads(found[1].out), found[0].err


def by_page(bench, frequency):
    """Tiles and message of the page."""
    state = query.read(TYPED | {"frequency": str(frequency)})
    found = parts.summary(bench, state, parts.View())
    far = texts.directivity(parts.far_field(bench, state))
    return found["html"]["reflection-tile"], far["loudest"], found["message"]["text"]


def test_all_three_agree(bench, capsys):
    mode = DuctMode.physical(m=22, n=0, radius=0.4, frequency=3600, temperature=288.15, mach=-0.35)
    solution = solve(mode)
    reflection, level = abs(solution.reflection_pressure[0]), solution.sound_pressure_level(WHOLE)
    text, values, warned = by_command(capsys, 3600)
    assert warned == ""
    assert np.hypot(*values["reflection_pressure"][0]) == pytest.approx(reflection, rel=1e-12)
    far = values["far_field"]
    assert (far["highest_level_db"], far["highest_level_at_deg"]) == (np.max(level), np.argmax(level))
    assert f"modulus {reflection:.8f}  {20 * np.log10(reflection):.2f} dB" in text
    assert f"highest level of all directions: {np.max(level):.3f} dB at {np.argmax(level)}.00 deg" in text
    tile, loudest, message = by_page(bench, 3600)
    assert tile.startswith(f"{reflection:.5f}<")
    assert loudest.startswith(f"{np.max(level):.1f} dB<small>at {np.argmax(level)}°, dB re 20 µPa at 1 m")
    assert message == ""


def test_all_three_say_that_it_is_cut_off(bench, capsys):
    mode = DuctMode.physical(m=22, n=0, radius=0.4, frequency=1200, temperature=288.15, mach=-0.35)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        solution = solve(mode)
    assert [one.category for one in told] == [CutOffWarning]
    reflection, level = abs(solution.reflection_pressure[0]), solution.relative_level(WHOLE)
    sentence = "mode (22, 0) is cut off at 1200 Hz, it propagates above 3080.74 Hz"
    assert str(told[0].message).startswith(sentence)
    assert not solution.cut_on
    text, values, warned = by_command(capsys, 1200)
    assert warned.startswith(f"wavenet: warning: {sentence}")
    assert warned.count("\n") == 1
    assert "dB re the incident mode at the wall" in text
    assert not values["cut_on"]
    assert np.hypot(*values["reflection_pressure"][0]) == pytest.approx(reflection, rel=1e-12)
    assert values["far_field"]["highest_level_db"] == pytest.approx(np.max(level), rel=1e-12)
    tile, loudest, message = by_page(bench, 1200)
    assert tile.startswith(f"{reflection:.5f}<")
    shown = re.match(r"(−?[\d.]+) dB<small>at (\d+)°, dB re the incident mode", loudest)
    assert shown
    assert float(shown[1].replace("−", "-")) == pytest.approx(np.max(level), abs=0.051)
    assert int(shown[2]) == np.argmax(level)
    assert "is cut off" in message
    assert "3081 Hz" in message


def test_a_wall_pressure_gives_a_mode_that_is_cut_off_pascals(capsys):
    mode = DuctMode.physical(m=22, n=0, radius=0.4, frequency=1200, temperature=288.15, mach=-0.35)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutOffWarning)
        level = solve(mode).sound_pressure_level(WHOLE, wall_pressure=20.0)
    _, values, warned = by_command(capsys, 1200, "--wall-pressure", "120dB")
    assert values["far_field"]["highest_level_db"] == pytest.approx(np.max(level), rel=1e-9)
    assert "levels are relative" not in warned


@pytest.mark.parametrize("frequency", [3600.0, 1200.0])
def test_a_fan_has_the_same_levels_everywhere(frequency, capsys):
    arguments = ["--m", "22", "--n", "0", "--radius", "0.4m", "--temperature", "15degC", "--mach=-0.35", "--json"]
    angles = f"--angles={DEGREES[0]:g}:{DEGREES[-1]:g}:{len(DEGREES)}"
    with pytest.raises(SystemExit) as stop:
        main(["solve", *arguments, "--frequency", f"{frequency:g}Hz", angles])
    assert not stop.value.code
    command = json.loads(capsys.readouterr().out)
    mode = DuctMode.physical(m=22, n=0, radius=0.4, frequency=frequency, temperature=288.15, mach=-0.35)
    duct = {"radius": 0.4, "temperature": 15.0, "frequency": frequency}
    page = compute.Bench().directivity(Mode.of(22, 0, None, -0.35, duct=duct)).exact
    if frequency > 3081:
        solution = solve(mode)
        level = solution.sound_pressure_level(np.radians(DEGREES))
    else:
        with pytest.warns(CutOffWarning, match="cut off at 1200 Hz"):
            solution = solve(mode)
        level = solution.relative_level(np.radians(DEGREES))
    assert command["cut_on"] == solution.cut_on == (frequency > 3081)
    assert page.reference == command["far_field"]["reference"]
    inside = np.isfinite(level)  # on the axis there is nothing: -inf, which JSON does not have
    assert inside.sum() > len(DEGREES) - 3
    np.testing.assert_allclose(page.level[inside], level[inside], rtol=0, atol=1e-9)
    found = [value for value, there in zip(command["far_field"]["level_db"], inside, strict=True) if there]
    np.testing.assert_allclose(found, level[inside], rtol=0, atol=1e-9)
