"""Finite elements for lips, against the exact solution of the infinitely thin wall and against themselves."""

import numpy as np
import pytest

from data.elements import Lip, solve_lip


@pytest.mark.parametrize("text", ["flat:0.1", "round:0.1", "elliptic:0.1:0.3"])
def test_power_balances(text):
    solution = solve_lip(2, 8.0, Lip.parse(text), mach=-0.3)
    assert solution.orders.tolist() == [0, 1]
    assert np.max(np.abs(solution.power_residual)) < 1e-6


def test_thickness_zero_extrapolated_is_the_exact_thin_wall():
    """R is R0 + (a + b ln t) t, and more of order t^2."""
    thicknesses = np.array([0.0005, 0.001, 0.002])
    solutions = [solve_lip(0, 5.0, Lip.flat(thickness)) for thickness in thicknesses]
    exact = np.array([thin.reflection_matrix[:2, n] for n, thin in enumerate(solutions[0].thin)])
    terms = np.stack([np.ones(3), thicknesses, thicknesses * np.log(thicknesses)], axis=1)
    weights = np.linalg.inv(terms)[0]
    limit = np.tensordot(weights, [solution.reflection for solution in solutions], axes=1)
    assert np.max(np.abs(limit - exact)) < 1e-5
