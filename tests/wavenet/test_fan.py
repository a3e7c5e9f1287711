"""The fan of the how-to guide by a command, in Python and on the page: the same numbers in all three."""

import json

import numpy as np
import pytest

from analytic import CutOffWarning, DuctMode, solve
from wavenet.cli import main
from wavenet.study.bench import Bench
from wavenet.study.controls import Mode
from wavenet.study.shown import DEGREES


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
    page = Bench().directivity(Mode.of(22, 0, None, -0.35, duct=duct)).exact
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
