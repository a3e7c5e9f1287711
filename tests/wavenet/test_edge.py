"""Functions learned around the lip: their covariance, derivatives and maps; fields they are made for, on any grid."""

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
    edge = EdgeFunctions(SMALL)
    edge.fit(family())
    return edge


def nodes(config=SMALL):
    """x and r of the nodes, (root, angle) each."""
    root, angle = config.nodes()
    return root[:, None] ** 2 * np.cos(angle), 1 + root[:, None] ** 2 * np.sin(angle)


def family(cases=60):
    """Potentials (case, 2, root, angle) at the nodes."""
    weights = np.random.default_rng(0).normal(size=(cases, 2, 6))
    return np.array([[edge_fields(*nodes(), part)[0] for part in case] for case in weights])


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


def test_the_covariance_is_that_of_the_fields(fitted):
    """Every field counts alike, whatever its amplitude; real and imaginary part keep their ratio."""
    fields = family()
    size = np.sqrt(np.mean(fields**2, axis=(1, 2, 3)))
    flat = (fields / size[:, None, None, None]).reshape(120, -1)
    exact = flat.T @ flat / 120
    x, r = (values.ravel() for values in nodes())
    for amplitude in (1.0, np.geomspace(1e-3, 1e3, 60)[:, None, None, None]):
        edge = EdgeFunctions(SMALL)
        edge.fit(amplitude * fields)
        values = edge.evaluate(x, r)[0]
        np.testing.assert_allclose((values * edge.variance.numpy()) @ values.T, exact, atol=1e-12 * exact.max())


def test_the_functions_with_the_most_variance_are_kept(fitted):
    few = EdgeFunctions(EdgeConfig(radius=0.4, roots=14, angles=24, functions=4))
    few.fit(family())
    np.testing.assert_allclose(few.variance, fitted.variance[:4], rtol=1e-12)
    assert torch.all(few.variance[:-1] > few.variance[1:])
    again = EdgeFunctions(SMALL)
    again.fit(family(60))
    again.fit(family(2))  # the second time all is learned anew
    assert int(torch.count_nonzero(again.variance)) == int(torch.count_nonzero(again.coefficients.sum((1, 2)))) == 4


@pytest.mark.parametrize(("noise", "floor"), [(0.3, 1e-7), (0.01, 1e-7), (0.0, 0.02), (0.01, 0.02)])
def test_maps_give_the_most_likely_field(monkeypatch, fitted, noise, floor):
    """The conditional mean of a Gaussian process with the covariance, noise and a floor added to it."""
    monkeypatch.setattr("wavenet.derivatives.edge._FLOOR", floor)
    rng = np.random.default_rng(2)
    seen, at = points(rng, 30), points(rng, 7)
    variance, values = fitted.variance.numpy(), fitted.evaluate(*seen)[0]
    covariance = (values * variance) @ values.T + (noise**2 + floor**2) * np.eye(30)
    for found, slope in zip(fitted.maps(seen, at, noise), fitted.evaluate(*at)[1:], strict=True):
        exact = np.linalg.solve(covariance, values @ (slope * variance).T).T
        np.testing.assert_allclose(found, exact, atol=1e-9 * np.max(np.abs(exact)))


def test_noise_free_maps_are_bounded_by_the_floor(fitted):
    """Fields that deviate from the functions by 1e-7, a solver's error, do so little harm."""
    rng = np.random.default_rng(3)
    seen, at = points(rng, 80), points(rng, 30)
    psi, deviation = edge_fields(*seen, [0.2, 1, -0.5, 0.3, 0.1, 0.7])[0], 1e-7 * rng.normal(size=80)
    maps = fitted.maps(seen, at)
    assert np.max(np.abs(maps[0] @ deviation)) < 1e-4 * np.max(np.abs(maps[0] @ psi))
    assert np.max(np.abs(maps[0])) < 1e3


def test_both_sides_of_the_wall_are_apart(fitted):
    """The angle jumps on the wall: a field that jumps there is represented, and its slope across is not."""
    above, below = ([-0.2], [1 + 1e-9]), ([-0.2], [1 - 1e-9])
    psi = family(1)[0, 0]
    assert abs(psi[-1, 0] - psi[-1, -1]) > 0.1 * np.max(np.abs(psi))
    values = np.stack([fitted.evaluate(*map(np.array, at))[0][0, :6] for at in (above, below)])
    assert np.max(np.abs(values[0] - values[1])) > 0.1 * np.max(np.abs(values))


GRID = (np.arange(64) + 0.3) / 32 - 1, (np.arange(48) + 0.6) / 32


def test_values_near_the_rim_are_not_used(fitted):
    near = EdgeMap(fitted, *GRID, inner=0.2)
    rho = np.hypot(GRID[0][:, None], GRID[1] - 1)
    psi = torch.randn(1, 2, 64, 48, generator=torch.Generator().manual_seed(0)).double()
    start = near(psi)
    used = rho < 0.95 * 0.4
    assert np.any(~used & (rho < 0.4))
    assert torch.equal(near(torch.where(torch.from_numpy(used), psi, 7.0)), start)
    last = torch.from_numpy(rho == np.max(rho[used]))
    assert not torch.equal(near(torch.where(last, psi + 1, psi)), start)


def test_the_map_is_that_of_the_functions_with_its_noise(fitted):
    rho = np.hypot(GRID[0][:, None], GRID[1] - 1)
    (i, j), (k, n) = np.nonzero(rho < 0.38), np.nonzero(rho < 0.2)
    psi = np.random.default_rng(1).normal(size=rho.shape)
    for noise in (0.0, 0.1):
        out = EdgeMap(fitted, *GRID, inner=0.2, noise=noise)(torch.from_numpy(np.stack([psi, 0 * psi]))[None])[0]
        maps = fitted.maps((GRID[0][i], GRID[1][j]), (GRID[0][k], GRID[1][n]), noise)
        for part, found in zip(maps, (out[0], out[2]), strict=True):
            np.testing.assert_allclose(found[k, n], part @ psi[i, j], rtol=1e-9, atol=1e-9 * float(found.abs().max()))
        assert torch.all(out[[1, 3]] == 0)  # weights are real
    assert not any(parameter.requires_grad for parameter in EdgeMap(fitted, *GRID).parameters())
    assert "known" not in EdgeMap(fitted, *GRID).state_dict()


@pytest.mark.parametrize(
    "change",
    [{"radius": 1.0}, {"closest": 0.0}, {"closest": 0.42}, {"roots": 3}, {"angles": 3}, {"functions": 3}],
)
def test_configurations_that_are_no_disc_are_refused(change):
    with pytest.raises(ValueError, match="expected 0 < closest < radius < 1 and counts of at least 4"):
        EdgeConfig(**change)
    EdgeConfig(radius=0.999, roots=4, angles=4, functions=4)


def test_the_limits_of_a_map_are_refused(fitted):
    for inner in (0.0, 0.4):
        with pytest.raises(ValueError, match=rf"inner must lie between 0 and the learned radius 0.4, got {inner}"):
            EdgeMap(fitted, *GRID, inner=inner)
    with pytest.raises(ValueError, match=r"lies 3\.9e-06 from the lip, expected 4e-06 or more"):
        EdgeMap(fitted, [-0.1, 3.9e-6], [0.9, 1.0])
    EdgeMap(fitted, [-0.1, 4.1e-6], [0.9, 1.0])
    with pytest.raises(ValueError, match="must be finite"):
        fitted.fit(np.full((3, 2, 14, 24), np.nan))
    one_zero = np.ones((3, 2, 14, 24))
    one_zero[1] = 0
    with pytest.raises(ValueError, match="none of the fields zero"):
        fitted.fit(one_zero)
