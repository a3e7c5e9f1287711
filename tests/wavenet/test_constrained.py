"""The constrained network: what holds whatever its weights are, and the network that comes with the package."""

import dataclasses

import numpy as np
import pytest
import torch

from analytic import ModeMixture, solve
from wavenet import derivatives, networks
from wavenet.derivatives.constrained import METHODS, ConstrainedConfig, ConstrainedNetwork
from wavenet.derivatives.differences import Differences
from wavenet.derivatives.edge import EdgeConfig, EdgeFunctions
from wavenet.derivatives.equations import momentum_pressure
from wavenet.derivatives.fitted_waves import WaveFit
from wavenet.fields import times, times_each
from wavenet.runs import load, save
from wavenet.training.error_samples import error_samples
from wavenet.training.loop import fit

X, R = (np.arange(64) + 0.5) / 24 - 1.3, (np.arange(48) + 0.5) / 24


def parts(values):
    return torch.from_numpy(np.stack([values.real, values.imag]))[None]


@pytest.fixture(scope="module")
def shipped():
    return derivatives.load()


@pytest.fixture(scope="module")
def field():
    return solve(ModeMixture(2, [1.0, 0.5j], 9.0, 0.3)).field(X, R)


@pytest.fixture(params=[0.0, 1e-2], ids=["exact", "noisy"])
def wild(request, shipped):
    """Random weights of the U-net on a grid of our own."""
    torch.manual_seed(0)
    model = shipped.on_grid(X, R, noise=request.param)
    with torch.no_grad():
        for weight in model.error_model.parameters():
            weight.normal_(0, 0.5)
    return model.requires_grad_(False)


PARAMETERS = torch.tensor([[2, 9.0, 0.3], [0, 6.0, -0.2], [5, 12.0, 0.0]], dtype=torch.float64)


def test_weights_are_shares(wild):
    weights = wild.weights(PARAMETERS)
    assert weights.shape == (3, 2, len(METHODS), len(X), len(R))
    assert torch.all(weights >= 0)
    torch.testing.assert_close(weights.sum(dim=2), torch.ones_like(weights[:, :, 0]))
    rho = np.hypot(X[:, None], R - 1)
    assert torch.all(weights[:, :, 3, torch.from_numpy(rho > 0.36)] == 0)
    assert (weights[:, :, 2].abs().max() > 0) == (wild.config.noise > 0)
    assert weights.std() > 0.1  # they are wild, and differ by case
    assert not torch.equal(weights[0], weights[1])


def test_shares_are_inverse_squares_of_expected_errors(wild):
    """Where a method has a share, share x error^2 is the same for all; and it is the square of the expected error."""
    errors = 10 ** wild.log_errors(PARAMETERS, dtype=torch.float64)
    shares, expected = wild.weights(PARAMETERS), wild.expected_error(PARAMETERS)
    product = torch.where(torch.isfinite(errors), shares * errors**2, expected[:, :, None] ** 2)
    torch.testing.assert_close(product, (expected[:, :, None] ** 2).expand_as(product), rtol=1e-9, atol=0)
    assert torch.all(expected <= errors.amin(dim=2) * (1 + 1e-9))


def test_methods_without_a_value_have_no_share(wild):
    errors, known = wild.log_errors(PARAMETERS), wild.edge_map.known
    assert torch.equal(torch.isfinite(errors[:, :, 3]), known.expand(3, 2, -1, -1))
    assert bool(torch.isfinite(errors[:, :, 2]).all()) == (wild.config.noise >= 1e-4)
    # another noise than the grid's may be asked for, as training does
    noisy = wild.log_errors(PARAMETERS, torch.tensor([1e-5, 1e-3, 0.1]))
    assert torch.isfinite(noisy[:, 0, 2, 0, 0]).tolist() == [False, True, True]


def test_the_velocity_is_the_sum_of_the_methods_by_their_shares(wild):
    torch.manual_seed(3)
    psi = torch.randn(3, 2, len(X), len(R), dtype=torch.float64)
    shares, methods = wild.weights(PARAMETERS), wild.candidates(psi, PARAMETERS)
    expected = torch.zeros(3, 4, len(X), len(R), dtype=torch.float64)
    for channel in range(4):
        for method in range(4):
            expected[:, channel] += shares[:, channel // 2, method] * methods[:, method, channel]
    torch.testing.assert_close(wild(psi, PARAMETERS), expected, rtol=1e-12, atol=1e-12 * float(expected.abs().max()))
    if not wild.config.noise:
        core, (seen, reference) = wild.core(PARAMETERS[:1]), wild.explained(psi[:1], PARAMETERS[:1])
        found = times_each(core(seen), reference)
        torch.testing.assert_close(found, expected[:1], rtol=1e-9, atol=1e-9 * float(expected.abs().max()))


def test_it_is_complex_homogeneous(wild):
    torch.manual_seed(1)
    psi, other = torch.randn(2, 3, 2, len(X), len(R), dtype=torch.float64)
    factor = torch.tensor([[0.3, -2.0], [1e4, 1.0], [0.0, 1e-3]]).double()
    out, turned = wild(psi, PARAMETERS), wild(times(psi, factor), PARAMETERS)
    expected = torch.cat([times(out[:, :2], factor), times(out[:, 2:], factor)], dim=1)
    torch.testing.assert_close(turned, expected, rtol=1e-7, atol=1e-7 * float(expected.abs().max()))
    if not wild.config.noise:  # where waves are fitted, the relative noise makes it depend on the field's size
        added = wild(psi + other, PARAMETERS)
        torch.testing.assert_close(added, out + wild(other, PARAMETERS), rtol=1e-8, atol=1e-8 * float(out.abs().max()))


def test_it_is_exact_on_polynomials_and_waves_away_from_the_lip(shipped):
    """Any mixture of stencils is."""
    model = shipped.on_grid(X, R)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in model.error_model.parameters():
            weight.normal_(0, 0.5)
    far = np.hypot(X[:, None], R - 1) > 0.36
    free = far & (X > 0.3)[:, None] & (R > 0.5)  # walls and axis have conditions of their own
    k, mach = 9.0, 0.3
    with torch.no_grad():
        for degree in range(7):
            psi = X[:, None] ** degree + 0 * R + 1j * R**degree
            out = model(parts(psi), PARAMETERS[:1])[0].numpy()
            u, v = degree * X[:, None] ** max(degree - 1, 0) + 0 * R, degree * R ** max(degree - 1, 0) + 0 * X[:, None]
            assert np.max(np.abs(out[0] - u)[free]) < 1e-8 * 2**degree
            assert np.max(np.abs(out[3] - v)[free]) < 1e-8 * 2**degree
        for mu in (k / (1 + mach), -k / (1 - mach), 3.0):
            out = model(parts(np.exp(1j * mu * X)[:, None] + 0 * R), PARAMETERS[:1])[0].numpy()
            error = out[0] + 1j * out[1] - 1j * mu * np.exp(1j * mu * X)[:, None]
            assert np.max(np.abs(error)[far]) < 1e-4 * abs(mu)


def test_nothing_passes_through_the_wall_but_around_the_lip(shipped):
    model = shipped.on_grid(X, R)
    torch.manual_seed(2)
    psi = torch.randn(1, 2, len(X), len(R), dtype=torch.float64)
    outside = torch.from_numpy((X[:, None] < -0.42) & (R > 1))
    changed = torch.where(outside, 7.0, psi)
    with torch.no_grad():
        first, second = model(psi, PARAMETERS[:1]), model(changed, PARAMETERS[:1])
    inside = torch.from_numpy((X[:, None] < 0) & (R < 1))
    differs = (first != second)[0].any(dim=0)
    # Rows inside see along x as well, but never the changed cells.
    assert not torch.any(differs & inside)
    assert torch.any(differs & outside)


def test_another_grid_is_the_same_network(shipped):
    again = shipped.on_grid(shipped.config.x, shipped.config.r)
    state, other = shipped.state_dict(), again.state_dict()
    assert state.keys() == other.keys()
    assert all(torch.equal(state[key], other[key]) for key in state)
    assert again.on_grid(X, R, noise=0.1).config.noise == 0.1


@pytest.mark.parametrize("noise", [0.0, 10 ** (-30 / 20)])
def test_it_beats_differences(shipped, field, noise):
    rng = np.random.default_rng(0)
    model = shipped.on_grid(X, R, noise=noise)
    size = np.sqrt(np.mean(np.abs(field.potential) ** 2) / 2)
    psi = field.potential + noise * size * (rng.normal(size=(*field.potential.shape, 2)) @ [1, 1j])
    exact = torch.cat([parts(field.axial_velocity), parts(field.radial_velocity)], dim=1)
    with torch.no_grad():
        found = model(parts(psi), PARAMETERS[:1])
    order = min((2, 4, 6, 8), key=lambda n: float((Differences(X, R, n)(parts(psi)) - exact).norm()))
    best = Differences(X, R, order)(parts(psi))
    for part in (slice(0, 2), slice(2, 4)):
        error = float((found - exact)[:, part].norm() / exact[:, part].norm())
        assert error < (1e-5 if noise == 0 else 0.02)
        assert error < float((best - exact)[:, part].norm() / exact[:, part].norm()) / 5


def test_pressure_obeys_the_momentum_relation(field):
    psi, u = parts(field.potential), parts(field.axial_velocity)
    p = momentum_pressure(psi, u, torch.tensor([9.0]).double(), torch.tensor([0.3]).double())
    error = field.error_estimate * field.pressure.size**0.5 * float(p.abs().max())
    torch.testing.assert_close(p, parts(field.pressure), rtol=0, atol=error)


def test_fitted_waves_find_the_field_in_noise(field):
    rng, noise = np.random.default_rng(1), 0.05
    exact = torch.cat([parts(field.axial_velocity), parts(field.radial_velocity)], dim=1)[0].numpy()
    size = np.sqrt(np.mean(np.abs(field.potential) ** 2) / 2)
    psi = parts(field.potential + noise * size * (rng.normal(size=(*field.potential.shape, 2)) @ [1, 1j]))
    found = WaveFit(X, R, noise)(psi, PARAMETERS[:1])[0].numpy()
    far = np.hypot(X[:, None], R - 1) > 0.3
    for part in (slice(0, 2), slice(2, 4)):
        assert np.linalg.norm((found - exact)[part][:, far]) < 0.03 * np.linalg.norm(exact[part][:, far])
    plane = parts(np.exp(1j * 9.0 / 1.3 * X[:, None] + 0 * R))  # a plane wave inside, too
    left = np.ix_([0, 1], X < -0.1, R < 0.9)
    u = WaveFit(X, R, 0.0)(plane, torch.tensor([[0, 9.0, 0.3]]))[0].numpy()
    wave = plane[0].numpy()
    assert np.max(np.abs(u[left] - 9.0 / 1.3 * np.stack([-wave[1], wave[0]])[left])) < 0.05


def slope_by_differences(function, psi, direction, step):
    return float(function(psi + step * direction) - function(psi - step * direction)) / (2 * step)


@pytest.mark.parametrize("noise", [1e-3, 0.1])
def test_gradients_through_fitted_waves(field, noise):
    torch.manual_seed(3)
    psi = parts(field.potential)
    psi = psi + noise * psi.std() * torch.randn_like(psi)
    fit_waves, direction, weight = (
        WaveFit(X, R, noise),
        torch.randn_like(psi),
        torch.randn(1, 4, len(X), len(R)).double(),
    )
    leaf = psi.clone().requires_grad_()
    found = fit_waves(leaf, PARAMETERS[:1])
    torch.testing.assert_close(found.detach(), fit_waves(psi, PARAMETERS[:1]), rtol=0, atol=0)  # the same bits
    (gradient,) = torch.autograd.grad((found * weight).sum(), leaf)
    expected = slope_by_differences(lambda p: (fit_waves(p, PARAMETERS[:1]) * weight).sum(), psi, direction, 1e-3)
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-3)
    # Along the field itself the relative noise does not change, and the fit is linear.
    assert float((gradient * psi).sum()) == pytest.approx(float((found.detach() * weight).sum()), rel=1e-6)
    nothing = torch.zeros_like(psi).requires_grad_()
    (gradient,) = torch.autograd.grad((fit_waves(nothing, PARAMETERS[:1]) * weight).sum(), nothing)
    assert torch.all(torch.isfinite(gradient))


def test_gradients_through_the_network_told_of_noise(shipped, field):
    torch.manual_seed(4)
    model, psi = shipped.on_grid(X, R, noise=1e-2), parts(field.potential)
    direction, weight = torch.randn_like(psi), torch.randn(1, 4, len(X), len(R)).double()
    leaf = psi.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((model(leaf, PARAMETERS[:1]) * weight).sum(), leaf)
    with torch.no_grad():
        expected = slope_by_differences(lambda p: (model(p, PARAMETERS[:1]) * weight).sum(), psi, direction, 1e-3)
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-3)


def test_gradients_of_the_parameters_are_refused(shipped, field):
    model = shipped.on_grid(X, R)
    with pytest.raises(ValueError, match="no gradients with respect to the parameters"):
        model(parts(field.potential), PARAMETERS[:1].clone().requires_grad_())
    with torch.no_grad():
        assert model(parts(field.potential), PARAMETERS[:1].clone().requires_grad_()).shape[1] == 4


@pytest.mark.filterwarnings("ignore")  # Lightning's, on workers and devices
def test_it_is_trained_and_saved(shipped, field, tmp_path):
    """One field in several noises: its errors are learned, the run gives the same network back."""
    x, r = tuple(X.tolist()), tuple(R.tolist())
    model = ConstrainedNetwork(ConstrainedConfig(x, r, width=8, depth=2), shipped.edge)
    velocity = torch.cat([parts(field.axial_velocity), parts(field.radial_velocity)], dim=1)
    cases = torch.utils.data.TensorDataset(
        parts(field.potential).repeat(12, 1, 1, 1), PARAMETERS[:1].repeat(12, 1), velocity.repeat(12, 1, 1, 1)
    )
    taught = error_samples(model, cases, 12)
    assert len(taught) == 12
    preset = dataclasses.replace(networks.get("constrained").steps.preset("quick"), epochs=40, rate=2e-2)

    def miss(network):
        parameters, noise, errors = taught[:1]
        found = network.log_errors(parameters, noise)
        return float((found - errors)[torch.isfinite(found)].abs().median())

    before = miss(model)
    model = fit(model, cases, cases, tmp_path, preset=preset, progress=False)
    assert miss(model) < before / 2
    save(tmp_path, "constrained", model, {})
    again = load(tmp_path, task="derivative")[1]
    with torch.no_grad():
        torch.testing.assert_close(again(*cases[:1][:2]), model(*cases[:1][:2]), rtol=0, atol=0)


def test_unseen_fields_on_unseen_grids(shipped, example):
    """The example, small: the lip anywhere in its cell, spacings changed by up to 30 %."""
    found = example("derivatives_on_any_grid").errors(shipped, 4)
    assert np.all(np.median(found[:, 0], axis=0) < 2e-5)
    assert np.all(found[:, 0] < found[:, 1] / 30)


def test_bad_input_is_named(shipped):
    edge = EdgeFunctions(EdgeConfig())
    with pytest.raises(ValueError, match="noise must be at least 0 and below 1"):
        shipped.on_grid(X, R, noise=2.0)
    with pytest.raises(ValueError, match="evenly spaced"):
        ConstrainedConfig((0.0, 1.0, 3.0), (1.0, 2.0))
    with pytest.raises(ValueError, match="r must be positive"):
        ConstrainedConfig((0.0, 1.0), (-1.0, 0.0))
    with pytest.raises(ValueError, match=r"r must be positive, got 0\.0"):
        ConstrainedConfig((0.0, 1.0), (0.0, 1.0))
    with pytest.raises(ValueError, match=r"noise must be at least 0 and below 1, .* got 1\.0"):
        ConstrainedConfig((0.0, 1.0), (0.5, 1.5), noise=1.0)
    with pytest.raises(ValueError, match="needs at least 8 cells"):
        shipped.on_grid(X, R[:30])
    with pytest.raises(ValueError, match="not been fitted"):
        ConstrainedNetwork(ConstrainedConfig(tuple(X), tuple(R)), edge).weights(PARAMETERS)
    with pytest.raises(ValueError, match="expected a potential"):
        shipped(torch.zeros(1, 2, 8, 8), PARAMETERS[:1])
    with pytest.raises(ValueError, match="attribution needs"):
        shipped.on_grid(X, R, noise=0.1).core(PARAMETERS[:1])


def test_intensity_beside_the_lip(shipped, example):
    """The example, small: the intensity through a surface that runs through the cells beside the lip."""
    found = example("power_near_the_lip").errors(shipped, 4)
    order_eight, network, exact = found[:, 1, 0], found[:, 2, 0], found[:, 3]
    assert np.all(network < 1e-4)
    assert np.all(network < order_eight / 100)
    np.testing.assert_allclose(found[:, 2, 1], exact[:, 1], rtol=1e-2, atol=1e-4)  # the quadrature's own error


def test_modes_of_either_sign_have_the_same_shares(wild):
    other = PARAMETERS * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.equal(wild.weights(other), wild.weights(PARAMETERS))
