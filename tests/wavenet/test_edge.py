"""Functions learned around the lip: fields of the kind they are made for, any grid,."""

import numpy as np
import pytest
import torch

from wavenet.derivatives.edge import EdgeConfig, EdgeFunctions, EdgeMap

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
    root, angle = SMALL.nodes()
    x, r = root[:, None] ** 2 * np.cos(angle), 1 + root[:, None] ** 2 * np.sin(angle)
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
    maps = fitted.maps(seen, at)
    for weights in rng.normal(size=(3, 6)):
        psi, (_, u, v) = edge_fields(*seen, weights)[0], edge_fields(*at, weights)
        np.testing.assert_allclose(maps[0] @ psi, u, atol=1e-3 * np.max(np.abs(u)))
        np.testing.assert_allclose(maps[1] @ psi, v, atol=1e-3 * np.max(np.abs(v)))


def test_noise_is_not_amplified_when_it_is_announced(fitted):
    rng = np.random.default_rng(3)
    seen, at = points(rng, 80), points(rng, 30)
    sizes = [np.linalg.norm(fitted.maps(seen, at, noise)[0]) for noise in (0.0, 1e-3, 1e-1)]
    assert sizes[0] > sizes[1] > sizes[2]


def test_the_map_gives_velocities_around_the_lip_and_nothing_elsewhere(fitted):
    x, r = (np.arange(64) + 0.3) / 32 - 1, (np.arange(48) + 0.6) / 32
    near = EdgeMap(fitted, x, r, inner=0.2)
    known = near.known.numpy()
    rho = np.hypot(x[:, None], r - 1)
    np.testing.assert_array_equal(known, rho < 0.2)
    psi, u, v = edge_fields(x[:, None], r, [0.2, 1.0, -0.5, 0.3, 0.1, 0.7])
    out = near(torch.from_numpy(np.stack([psi, -2 * psi]))[None])[0].numpy()
    assert np.all(out[:, ~known] == 0)
    for part, exact in zip(out, (u, -2 * u, v, -2 * v), strict=True):
        np.testing.assert_allclose(part[known], exact[known], atol=1e-4 * np.max(np.abs(exact[known])))
    far = torch.from_numpy(psi * (rho > 0.4))
    assert torch.all(near(torch.stack([far, far])[None]) == 0)  # what lies outside of the disc is not seen


def test_nodes_of_a_file_are_recognised():
    root, angle = SMALL.nodes()
    found = EdgeConfig.of_nodes(root, angle, functions=40)
    assert found == SMALL
    with pytest.raises(ValueError, match="nodes in angle are not Chebyshev"):
        EdgeConfig.of_nodes(root, angle + 0.01)
    with pytest.raises(ValueError, match="nodes in root are not Chebyshev"):
        EdgeConfig.of_nodes(np.linspace(*root[[0, -1]], len(root)), angle)


def test_a_saved_state_is_all_of_it(fitted):
    again = EdgeFunctions(SMALL)
    again.load_state_dict(fitted.state_dict())
    x, r = points(np.random.default_rng(4), 5)
    np.testing.assert_array_equal(again.evaluate(x, r)[0], fitted.evaluate(x, r)[0])


def test_bad_input_is_named(fitted):
    with pytest.raises(ValueError, match="closest < radius < 1"):
        EdgeConfig(radius=1.5)
    with pytest.raises(ValueError, match=r"expected \(case, 2, 14, 24\)"):
        fitted.fit(np.ones((3, 2, 4, 4)))
    with pytest.raises(ValueError, match="none of the fields zero"):
        fitted.fit(np.zeros((3, 2, 14, 24)))
    with pytest.raises(ValueError, match="not been fitted"):
        EdgeFunctions(SMALL).maps(([0.1], [1.1]), ([0.1], [1.1]))
    grid = (np.arange(64) + 0.5) / 32 - 1
    with pytest.raises(ValueError, match="inner must lie"):
        EdgeMap(fitted, grid, grid + 1, inner=0.5)
    with pytest.raises(ValueError, match="from the lip"):
        EdgeMap(fitted, grid - 0.5 / 32, (np.arange(64)) / 32)
    with pytest.raises(ValueError, match="no cell's centre"):
        EdgeMap(fitted, grid + 3, grid + 1)
