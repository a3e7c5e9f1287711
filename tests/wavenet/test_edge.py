"""Functions learned around the lip: fields of the kind they are made for, any grid, and the example."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from wavenet.constraints import times
from wavenet.edge import EdgeConfig, EdgeDerivatives, EdgeFunctions, nodes

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "derivatives_on_any_grid.py"
SMALL = EdgeConfig(radius=0.4, roots=14, angles=24, functions=40)


def edge_fields(x, r, weights):
    """Sums of rho^{j/2} cos(j angle / 2), harmonic with zero slope on both sides of the wall: value, d/dx, d/dr."""
    rho, turn = np.hypot(x, r - 1), np.arctan2(r - 1, x)
    value, u, v = 0.0, 0.0, 0.0
    for power, weight in enumerate(weights):
        half, phase = power / 2, power / 2 * (turn + np.pi)
        value = value + weight * rho**half * np.cos(phase)
        # The gradient of rho^h cos(h (turn + pi)) is h rho^{h-1} (cos, -sin)(h (turn + pi) - turn).
        u = u + weight * half * rho ** (half - 1) * np.cos(phase - turn)
        v = v - weight * half * rho ** (half - 1) * np.sin(phase - turn)
    return value, u, v


@pytest.fixture(scope="module")
def fitted():
    """Edge functions of a family that is known in closed form."""
    x, r = nodes(SMALL)
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(60, 2, 6))
    edge = EdgeFunctions(SMALL)
    edge.fit([[edge_fields(x, r, part)[0] for part in case] for case in weights])
    return edge


def points(rng, count):
    distance, angle = rng.uniform(0.005, 0.35, count), rng.uniform(-3.1, 3.1, count)
    return distance * np.cos(angle), 1 + distance * np.sin(angle)


def test_values_and_derivatives_are_those_of_the_family(fitted):
    """The functions span the family: its members are combinations of them, derivatives included."""
    x, r = points(np.random.default_rng(1), 400)
    value, along_x, along_r = fitted.evaluate(x, r)
    live = fitted.variance.numpy() > 1e-12 * float(fitted.variance[0])
    assert live.sum() == 6
    for weights in np.eye(6):
        psi, u, v = edge_fields(x, r, weights)
        combination = np.linalg.lstsq(value[:, live], psi, rcond=None)[0]
        np.testing.assert_allclose(value[:, live] @ combination, psi, atol=1e-6)
        np.testing.assert_allclose(along_x[:, live] @ combination, u, atol=1e-4)
        np.testing.assert_allclose(along_r[:, live] @ combination, v, atol=1e-4)


def test_maps_differentiate_from_values_on_any_points(fitted):
    rng = np.random.default_rng(2)
    seen, at = points(rng, 80), points(rng, 30)
    maps = fitted.maps(seen, at, 1e-13)
    for weights in rng.normal(size=(3, 6)):
        psi, (_, u, v) = edge_fields(*seen, weights)[0], edge_fields(*at, weights)
        np.testing.assert_allclose(maps[0] @ psi, u, atol=1e-3 * np.max(np.abs(u)))
        np.testing.assert_allclose(maps[1] @ psi, v, atol=1e-3 * np.max(np.abs(v)))


def test_noise_is_not_amplified_when_it_is_announced(fitted):
    rng = np.random.default_rng(3)
    seen, at = points(rng, 80), points(rng, 30)
    sizes = [np.linalg.norm(fitted.maps(seen, at, noise)[0]) for noise in (1e-13, 1e-6, 1e-2)]
    assert sizes[0] > sizes[1] > sizes[2]


def test_derivatives_are_complex_homogeneous(fitted):
    x, r = (np.arange(64) + 0.3) / 32 - 1, (np.arange(48) + 0.6) / 32
    derivatives = EdgeDerivatives(fitted, x, r)
    psi, parameters = torch.randn(2, 2, 64, 48).double(), torch.tensor([[1, 5.0, 0.1], [2, 8.0, -0.2]])
    factor = torch.tensor([[0.3, -2.0], [1e3, 5.0]]).double()
    out, turned = derivatives(psi, parameters), derivatives(times(psi, factor), parameters)
    expected = torch.cat([times(out[:, :2], factor), times(out[:, 2:], factor)], dim=1)
    torch.testing.assert_close(turned, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))


def test_a_saved_state_is_all_of_it(fitted):
    again = EdgeFunctions(SMALL)
    again.load_state_dict(fitted.state_dict())
    x, r = points(np.random.default_rng(4), 5)
    np.testing.assert_array_equal(again.evaluate(x, r)[0], fitted.evaluate(x, r)[0])


def test_unseen_fields_on_unseen_grids():
    """The example, small: Wiener–Hopf fields, the lip anywhere in its cell, spacings changed by up to 30 %."""
    spec = importlib.util.spec_from_file_location("example", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    found = example.errors(example.learn(60, config=EdgeConfig(roots=20, angles=40)), 8)
    learned, order_eight = np.median(found, axis=0)
    assert np.all(learned < 5e-4)
    assert np.all(learned < order_eight / 5)


def test_bad_input_is_named(fitted):
    with pytest.raises(ValueError, match="radius must lie"):
        EdgeConfig(radius=1.5)
    with pytest.raises(ValueError, match=r"expected \(case, 2, 14, 24\)"):
        fitted.fit(np.ones((3, 2, 4, 4)))
    with pytest.raises(ValueError, match="none of the fields zero"):
        fitted.fit(np.zeros((3, 2, 14, 24)))
    with pytest.raises(ValueError, match="not been fitted"):
        EdgeFunctions(SMALL).maps(([0.1], [1.1]), ([0.1], [1.1]), 1e-13)
    grid = (np.arange(64) + 0.5) / 32 - 1
    with pytest.raises(ValueError, match="inner must lie"):
        EdgeDerivatives(fitted, grid, grid + 1, inner=0.5)
    with pytest.raises(ValueError, match="from the lip"):
        EdgeDerivatives(fitted, grid - 0.5 / 32, (np.arange(64)) / 32)
