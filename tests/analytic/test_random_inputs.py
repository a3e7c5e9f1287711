"""A few of the cases of benchmarks/random_inputs.py, and its own judgement of answers that are wrong."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analytic import DuctMode, Power, solve


@pytest.fixture(scope="module")
def random_inputs():
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
    try:
        return importlib.import_module("random_inputs")
    finally:
        sys.path.pop(0)


def case(random_inputs, setup, query="", status=2, angles=""):
    return random_inputs.Case(1, "test", setup, query, setup, query, status, angles)


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_ordinary_inputs_are_answered_within_the_estimates(random_inputs, first):
    cases = [random_inputs.draw(5, index, "ordinary") for index in range(first, first + 10)]
    found = [(str(one), *random_inputs.run(one)) for one in cases]
    assert [one for one in found if one[2] is not None] == []


def test_the_cases_of_a_seed_are_the_same_again(random_inputs):
    assert [random_inputs.draw(1, i) for i in range(20)] == [random_inputs.draw(1, i) for i in range(20)]
    assert random_inputs.draw(1, 0) != random_inputs.draw(2, 0)


@pytest.mark.parametrize(
    ("setup", "status", "result", "reason"),
    [
        ("DuctMode(0, 0, -1.0)", 0, "refused", None),
        ("DuctMode(0, 0, -1.0)", 2, "refused", "valid input refused"),
        ("DuctMode(0, 0, 1.0)", 0, "answer", "bad input answered"),
        ("np.array([1.0, np.nan])", 2, "answer", "NaN or infinity"),
        ("np.log(np.array(0.0))", 2, "warning", "divide by zero"),
        ("float('a')", 0, "foreign error", "could not convert"),
        ("[][1]", 2, "other error", "IndexError"),
        ("solve(DuctMode(1, 0, cut_on_helmholtz(1, 0) * (1 + 1e-12)))", 2, "numerics", None),
        ("solve(DuctMode(1, 0, cut_on_helmholtz(1, 0) * (1 + 1e-12)))", 0, "numerics", "bad input, but"),
        ("command('solve', '--m=0', '--n=0', '--helmholtz=-1')", 0, "refused", None),
        ("command('solve', '--m=0', '--n=0', '--helmholtz=-1')", 2, "refused", "valid input refused"),
    ],
)
def test_outcomes_are_told_apart(random_inputs, setup, status, result, reason):
    found, violation, _ = random_inputs.run(case(random_inputs, setup, status=status))
    assert found == result
    assert violation is None if reason is None else reason in violation


def test_an_open_power_balance_is_found(random_inputs):
    one = case(random_inputs, "solve(DuctMode(2, 0, 5.0))", ".power")
    assert "power balance" in random_inputs.fault(one, Power(1.0, 0.5, 0.0, 0.4, 0.0, 0.1))


def test_a_true_error_above_the_estimate_is_found(random_inputs):
    one = case(random_inputs, "solve(DuctMode(2, 0, 5.0))", ".at([0.5], [0.5])")
    field = solve(DuctMode(2, 0, 5.0)).at([0.5], [0.5])
    assert random_inputs.compared(one, None, field)[1] is None
    wrong = replace(field, potential=field.potential * (1 + 1e-3))
    ratio, reason = random_inputs.compared(one, None, wrong)
    assert ratio > 1
    assert "true error 1.0e-03" in reason


def test_errors_of_directivities_are_relative_to_the_lobe(random_inputs):
    angles = "[0.3, 1.0, 2.0]"
    one = case(random_inputs, "solve(DuctMode(2, 0, 5.0))", f".directivity({angles})", angles=angles)
    solution = solve(DuctMode(2, 0, 5.0))
    values = solution.directivity([0.3, 1.0, 2.0])
    assert random_inputs.directivity_error(values, one, solution) == 0
    near = 1e-3 * np.max(np.abs(values))
    assert 1e-4 < random_inputs.directivity_error(values + near, one, solution) < 1e-1


@pytest.mark.parametrize("style", ["extreme", "odd"])
def test_a_few_inputs_of_every_style_leave_no_violation(random_inputs, style):
    cases = [random_inputs.draw(7, index, style) for index in range(20)]
    found = [(str(one), *random_inputs.run(one)) for one in cases]
    assert [one for one in found if one[2] is not None] == []


@pytest.mark.slow
def test_random_inputs_of_every_style_leave_no_violation(random_inputs):
    outcomes = list(random_inputs.run_all(0, range(100), 1))
    assert len(outcomes) == 100
    assert [str(one) for one in outcomes if one.violation] == []
