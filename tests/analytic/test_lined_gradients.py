"""Derivatives with respect to the impedance."""

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Liner, impedance_derivative, solve
from analytic.lined import gradient as lined_gradient

THETA = np.array([0.4, 1.2, 2.5])
STEP = 1e-3  # of central differences, whose error it leaves 1e-6


def differences(mode, liners, which):
    """Central differences along Re Z and Im Z: reflection, transmission, directivity, absorbed, radiated."""
    found = []
    for step in (STEP, 1j * STEP):
        sides = []
        for sign in (1, -1):
            changed = [
                Liner(one.impedance + sign * step * (index == which), one.length, one.distance)
                for index, one in enumerate(liners)
            ]
            lined = solve(mode, liner=changed)
            power = lined.power
            parts = lined.reflection, lined.transmission, lined.directivity(THETA)
            sides.append(np.concatenate([*parts, [lined.absorbed, power.radiated / power.incident]]))
        found.append((sides[0] - sides[1]) / (2 * STEP))
    return found


@pytest.mark.parametrize(
    ("mode", "liners", "which"),
    [
        (DuctMode(4, 0, 8.0), [Liner(1.5 + 0.8j, 1.0, 0.5)], 0),
        (DuctMode(1, 0, 3.0, hub=0.3), [Liner(0.5 - 0.8j, 0.5, 0.2), Liner(2.0 + 0.1j, 0.5, 0.0)], 1),
    ],
)
def test_derivatives_are_central_differences(mode, liners, which):
    slope = impedance_derivative(solve(mode, liner=liners), which)
    along, across = differences(mode, liners, which)
    count = len(slope.reflection)
    mine = np.concatenate([slope.reflection, slope.transmission, slope.directivity(THETA)])
    assert np.max(np.abs(along[:-2] - mine)) < 1e-5 * np.max(np.abs(mine))
    assert np.max(np.abs(across[:-2] - 1j * mine)) < 1e-5 * np.max(np.abs(mine))  # analytic
    assert len(slope.transmission) == count
    for place, gradient in ((-2, slope.absorbed), (-1, slope.radiated)):
        assert abs(along[place].real + 1j * across[place].real - gradient) < 1e-5 * abs(gradient) + 1e-7
    assert slope.error_estimate < 1e-9


def test_the_derivative_s_estimate_is_that_of_its_rule(monkeypatch):
    there = solve(DuctMode(4, 0, 8.0), liner=Liner(0.3 + 0.8j, 1.0, 0.5), tolerance=0.1)
    exact = impedance_derivative(there)
    monkeypatch.setattr(lined_gradient, "_RADIUS", 0.85)
    rough = impedance_derivative(there)
    missed = np.max(np.abs(rough.reflection - exact.reflection)) / np.max(np.abs(exact.reflection))
    assert 1e-8 < missed < rough.error_estimate
    strict = solve(DuctMode(4, 0, 8.0), liner=Liner(0.3 + 0.8j, 1.0, 0.5), tolerance=1e-9)
    with pytest.raises(ConvergenceError, match="the derivative"):
        impedance_derivative(strict)


def test_derivatives_of_what_is_not_there_are_refused():
    mode = DuctMode(0, 0, 2.0)
    with pytest.raises(ValueError, match="one of 1 liners, got 1"):
        impedance_derivative(solve(mode, liner=Liner(1.0, 1.0, 0.5)), 1)
    with pytest.raises(ValueError, match="from -infinity"):
        impedance_derivative(solve(mode, liner=Liner(1.0, np.inf, 0.5)))


def test_a_solution_without_liners_has_no_derivative():
    with pytest.raises(TypeError, match="expected a LinedSolution or a LinedFlowSolution, got Solution"):
        impedance_derivative(solve(DuctMode(0, 0, 2.0)))
