"""Mach numbers and ratios that are drawn and multiplied by an expression of other parameters."""

import numpy as np
import pytest

from data.recipe import load
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
            "only mach and ratios may be multiplied",
        ),
        ('times = "1/sound_speed_ratio^2"', "times = 2.0", "only mach and ratios may be multiplied"),
        ('times = "1/sound_speed_ratio^2"', 'times = "density_ratio"', "not on a parameter that is drawn"),
        ('times = "1/sound_speed_ratio^2"', 'times = "1/sound_speed_ratio^5"', "reaches from"),
    ],
)
def test_faults_are_named(loaded, old, new, fault):
    with pytest.raises(ValueError, match=fault):
        loaded(RECIPE.replace(old, new))


def test_a_mach_number_is_multiplied_by_what_the_low_domain_of_jets_allows(loaded):
    """The recipe of jets: all are of the domain that is learned, with hubs and without."""
    recipe = load("jet", cases=600).recipe
    plan = plan_of(recipe)
    rows = [plan.group(number).parameters for number in range(200)]
    mach, outer, speed, hub = (
        np.array([row[name] for row in rows]) for name in ("mach", "mach_outer", "sound_speed_ratio", "hub")
    )
    limit = (0.75 / (1 - outer) - 0.25 / (1 + outer)) / speed
    over = mach / (1 - mach**2) / limit
    assert np.max(over) < 1
    assert np.max(over) > 0.95
    assert 0.45 < np.mean(hub == 0) < 0.55
    assert np.min(hub[hub > 0]) > 0.19
    slow = RECIPE.replace("mach = 0.3", 'mach = { range = [0.02, 0.03], times = "0.1" }')
    with pytest.raises(ValueError, match=r"mach from 0\.01 on, got 0\.002"):
        loaded(slow)
