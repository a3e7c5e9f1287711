"""Points far from the lip: modes deep inside the duct, and a clear end of what the contour reaches."""

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Jet, ModeMixture, near_fields, solve
from analytic.modal import depth, modal_field
from analytic.near_field import QUANTITIES

CASES = [
    (DuctMode(0, 0, 2.0), None),
    (DuctMode(2, 1, 9.0, 0.4, 0.3), None),
    (ModeMixture(1, [1.0, 0.5j], 5.0, -0.5), None),
    (DuctMode(1, 0, 4.0, 0.3), Jet(0.1, 1.1, 0.8)),
]


@pytest.mark.parametrize(("source", "jet"), CASES)
def test_modes_deep_inside_are_the_field_of_the_contour(source, jet):
    solution = solve(source, jet=jet, tolerance=1e-9)
    least = depth(solution.transform)
    x, r = -least * np.array([1.0001, 1.3, 1.5]), np.array([0.4, 0.8, 1.0])
    expected = solution.at(x, r)
    values, error = modal_field(solution.transform, x, r)
    size = [np.linalg.norm(getattr(expected, name)) for name in QUANTITIES]
    size[1:3] = [np.hypot(*size[1:3])] * 2
    for value, name, scale in zip(values, QUANTITIES, size, strict=True):
        assert np.linalg.norm(value - getattr(expected, name)) < (error + 1e-9) * scale


@pytest.mark.parametrize(("source", "jet"), CASES)
def test_far_points_deep_inside(source, jet):
    solution = solve(source, jet=jet)
    x, r = np.array([-1e6, -3.0, -1e5, -0.5]), np.array([0.4, 0.9])
    grid = solution.field(x, r)
    assert grid.error_estimate < 1e-6
    np.testing.assert_array_equal(grid.x, x)
    points = solution.at(np.repeat(x, 2), np.tile(r, 4))
    near = solution.field(x[1::2], r)
    for name in QUANTITIES:
        assert getattr(grid, name).shape == (4, 2)
        np.testing.assert_array_equal(getattr(grid, name).ravel(), getattr(points, name))
        np.testing.assert_allclose(getattr(grid, name)[1::2], getattr(near, name), rtol=1e-5, atol=1e-6)
    alone = solution.at(-1e6, 0.4)
    assert abs(alone.potential / grid.potential[0, 0] - 1) < 1e-8
    if jet is None:
        np.testing.assert_array_equal(near_fields([source], x, r)[0].potential, grid.potential)


def test_the_estimate_deep_inside_grows_with_the_distance_and_at_nodes():
    solution = solve(DuctMode(0, 0, 2.0))
    assert solution.at(-1e7, 0.5).error_estimate > 3e-9
    with pytest.raises(ConvergenceError, match="of the field"):
        solution.at(-1e10, 0.5)
    values, error = modal_field(
        solve(DuctMode(0, 0, 1e-3)).transform, np.array([-np.pi / 2e-3 + 0.6127]), np.array([0.5])
    )
    loud = modal_field(solve(DuctMode(0, 0, 1e-3)).transform, np.array([-np.pi / 1e-3 + 0.6127]), np.array([0.5]))
    assert min(abs(values[0]), abs(loud[0][0])) < 1e-3 * max(abs(values[0]), abs(loud[0][0]))
    assert max(error, loud[1]) > 1e-13


@pytest.mark.parametrize("at", [(1e7, 2.0), (0.0, 1e7), (-1e6, 1.5), (5.1e4, 0.5), ([-1e6, 1e6], 0.5)])
def test_points_out_of_reach_are_refused_at_once(at):
    with pytest.raises(ValueError, match=r"the near field reaches to 5e\+04 at K = 2; see directivity"):
        solve(DuctMode(0, 0, 2.0)).at(*at)


def test_an_overflow_is_not_tried_again():
    with pytest.raises(ConvergenceError, match="of the field, inf"):
        solve(DuctMode(0, 0, 5.0, 0.3), jet=Jet()).field([0.1, 200.0], [0.5])
    with pytest.raises(ConvergenceError, match="of the field, inf"):
        solve(DuctMode(5, 3, 1.0)).at(-100.0, 0.5)
