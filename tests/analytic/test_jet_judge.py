"""Jets against benchmarks/jet_judge.py, which factorises nothing, and against the conditions of the problem."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from analytic import DuctMode, Jet

ORDERS = 100  # Laguerre functions: 3e-9 … 2e-8 here

CASES = [
    (DuctMode(0, 0, 1.0, 0.3), Jet(kutta=0.0)),
    (DuctMode(2, 0, 5.0, 0.4), Jet(mach_outer=0.1, sound_speed_ratio=1.2, density_ratio=0.7, kutta=0.0)),
    (DuctMode(1, 0, 4.0, 0.35, hub=0.4), Jet(mach_outer=0.15, sound_speed_ratio=0.8, density_ratio=1.5, kutta=0.0)),
    (DuctMode(3, 0, 6.0, 0.5), Jet(density_ratio=0.9, kutta=0.6)),
]


@pytest.fixture(scope="module")
def judge():
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
    try:
        return importlib.import_module("jet_judge")
    finally:
        sys.path.pop(0)


@pytest.mark.parametrize(("mode", "jet"), CASES)
def test_a_jet_agrees_with_galerkins_method(judge, mode, jet):
    assert max(judge.differences(mode, jet, ORDERS).values()) < 1e-7


def test_the_judges_own_error_falls_with_its_orders(judge):
    few, many, most = (judge.judged(*CASES[0], orders) for orders in (25, 50, 200))
    errors = [[np.linalg.norm(one[part] - most[part]) for part in (0, 2, 4)] for one in (few, many)]
    assert np.all(np.divide(*errors) > 3)


@pytest.mark.parametrize("kutta", [0.0, 1.0])
def test_the_judge_refuses_a_line_on_the_wrong_side_of_the_growing_wave(judge, kutta):
    with pytest.raises(ArithmeticError, match="winding number"):
        judge.Judge(DuctMode(0, 0, 1.0, 0.3), Jet(), kutta, 50, 0.95 if kutta == 0 else 0.1)


@pytest.mark.parametrize(("mode", "jet"), CASES[::2])
def test_the_near_field_fulfils_the_conditions_of_the_problem(judge, mode, jet):
    assert max(judge.residuals(mode, jet).values()) < 1e-8


@pytest.mark.slow
def test_random_jets_agree_with_galerkins_method(judge, capsys):
    assert judge.compare_random(40, 1, 150) < judge.TARGET
    assert "40 random jets" in capsys.readouterr().out
