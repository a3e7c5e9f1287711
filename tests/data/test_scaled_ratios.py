"""Ratios that are drawn and multiplied by an expression of other parameters."""

import numpy as np
import pytest

from data.sampling import plan_of

RECIPE = """
task = "jet_factor"
cases = 40
split = [0.8, 0.1, 0.1]
[source]
m = [0]
n = [0]
helmholtz = [2.0, 6.0]
mach = 0.3
sound_speed_ratio = [0.5, 1.1]
density_ratio = { range = [0.5, 2.0], scale = "log", times = "1/sound_speed_ratio^2" }
[windows]
nodes = 12
"""


def test_a_drawn_ratio_is_multiplied(loaded):
    recipe = loaded(RECIPE).recipe
    assert recipe.source.bounds["density_ratio"] == pytest.approx((0.5 / 1.21, 8.0), rel=1e-12)
    plan = plan_of(recipe)
    rows = [plan.group(number).parameters for number in range(plan.groups)]
    factor = np.array([row["density_ratio"] * row["sound_speed_ratio"] ** 2 for row in rows])
    assert 0.5 <= factor.min() < 0.6
    assert 1.7 < factor.max() <= 2.0
    assert abs(np.corrcoef(factor, [row["sound_speed_ratio"] for row in rows])[0, 1]) < 0.5


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "helmholtz = [2.0, 6.0]",
            'helmholtz = { range = [2.0, 6.0], times = "mach" }',
            "only ratios may be multiplied",
        ),
        ('times = "1/sound_speed_ratio^2"', "times = 2.0", "only ratios may be multiplied"),
        ('times = "1/sound_speed_ratio^2"', 'times = "density_ratio"', "not on a parameter that is drawn"),
        ('times = "1/sound_speed_ratio^2"', 'times = "1/sound_speed_ratio^5"', "reaches from"),
    ],
)
def test_faults_are_named(loaded, old, new, fault):
    with pytest.raises(ValueError, match=fault):
        loaded(RECIPE.replace(old, new))
