"""Differences, constraints, networks and their files."""

import numpy as np
import pytest
import torch

from wavenet.checkpoint import WEIGHTS, load, save
from wavenet.constraints import WallEnvelope, complex_reference, helmholtz_residual, known_phase, times
from wavenet.differences import ORDERS, Differences, matrix
from wavenet.forward_model import ForwardConfig, ForwardModel
from wavenet.unet import ConstrainedUNet, Lip, UNet, UNetConfig

X = (np.arange(32) + 0.5) / 8 - 2
R = (np.arange(32) + 0.5) / 16


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def config():
    return UNetConfig(tuple(X.tolist()), tuple(R.tolist()), width=2, levels=3, window=4)


@pytest.fixture
def cases():
    return torch.randn(3, 2, 32, 32, dtype=torch.float64), torch.tensor([[0.0, 5, 0], [1, 6, 0], [2, 7, 0.1]]).double()


@pytest.mark.parametrize("order", ORDERS)
def test_differences_are_exact_on_polynomials(order):
    points = np.linspace(0, 2, 24)
    for wall in (None, 1.0):
        for degree in range(order + 1):
            slope = degree * points ** max(degree - 1, 0)
            np.testing.assert_allclose(matrix(points, order, wall=wall) @ points**degree, slope, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("order", [2, 4])
def test_order_of_convergence(order):
    spacings, errors = [], []
    for count in (20, 40, 80):
        points = (np.arange(count) + 0.5) / count
        errors.append(np.max(np.abs(matrix(points, order) @ np.sin(5 * points) - 5 * np.cos(5 * points))))
        spacings.append(1 / count)
    assert np.polyfit(np.log(spacings), np.log(errors), 1)[0] > order - 0.3


def test_nothing_passes_through_the_wall():
    psi = torch.zeros(1, 2, 32, 32, dtype=torch.float64)
    psi[:, :, :, R > 1] = 1.0 + torch.rand(16, dtype=torch.float64)
    for condition in (False, True):
        out = Differences(X, R, 8, wall_condition=condition)(psi)
        assert torch.all(out[:, 2:, X < 0][..., R < 1] == 0)
        assert torch.any(out[:, 2:, X > 0][..., R < 1] != 0)


def test_wall_condition_holds_on_the_wall():
    rows = matrix(R, 8, wall=1.0, wall_condition=True, at=np.array([1.0, np.nextafter(1.0, 2.0)]))
    assert np.max(np.abs(rows)) < 1e-8  # v(1) = 0 for whatever values
    inside = R[R < 1]
    exact = -np.pi * np.sin(np.pi * inside)  # cos(pi r) has zero slope at r = 1
    found = (matrix(R, 8, wall=1.0, wall_condition=True) @ np.cos(np.pi * R))[R < 1]
    assert np.max(np.abs(found - exact)[-4:]) < 1e-7
    assert WallEnvelope.of_radius(torch.tensor(1.0), 0.1) == 0


def test_too_few_points_are_named():
    with pytest.raises(ValueError, match="needs 9 points"):
        matrix(R[:8], 8)


def test_constrained_network_is_equivariant_with_random_weights(config, cases):
    model = ConstrainedUNet(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model = model.double().requires_grad_(False)
    psi, parameters = cases
    factor = torch.tensor([[0.3, -2.0], [1e4, 1.0], [0.0, 1e-3]]).double()
    out, turned = model(psi, parameters), model(times(psi, factor), parameters)
    expected = torch.cat([times(out[:, :2], factor), times(out[:, 2:], factor)], dim=1)
    torch.testing.assert_close(turned, expected, rtol=1e-10, atol=1e-10 * float(expected.abs().max()))
    with pytest.raises(ValueError, match="without phase"):
        complex_reference(torch.zeros(1, 2, 4, 4))


def test_linear_map_at_the_lip_is_recovered(config):
    lip = Lip(torch.tensor(X), torch.tensor(R), 4)
    hidden = Lip(torch.tensor(X), torch.tensor(R), 4)
    hidden.map.weight.data.normal_()
    fields = torch.einsum("ck,kpxr->cpxr", torch.randn(60, 12).double(), torch.randn(12, 2, 32, 32).double())
    lip.fit(fields[:50], hidden(fields[:50]))
    torch.testing.assert_close(lip(fields[50:]), hidden(fields[50:]), rtol=1e-5, atol=1e-5)
    assert torch.all(hidden(fields)[:, :, :12] == 0)
    with pytest.raises(ValueError, match="zero or not finite"):
        lip.fit(fields, hidden(fields) * torch.nan)


def test_helmholtz_residual_vanishes_for_exact_waves():
    k, mach = 5.0, 0.3
    mu = k / (1 + mach)  # plane wave in flow
    x, r = torch.tensor(X)[:, None], torch.tensor(R)[None]
    wave = torch.exp(1j * mu * x + 0 * r)

    def parts(values):
        return torch.stack([values.real, values.imag])[None]

    zero = parts(0 * wave)
    terms = {"m": torch.zeros(1), "helmholtz": torch.tensor([k]), "mach": torch.tensor([mach])}
    terms = {name: value.double() for name, value in terms.items()}
    u, u_x = parts(1j * mu * wave), parts(-(mu**2) * wave)
    residual = helmholtz_residual(parts(wave), u, u_x, zero, zero, torch.tensor(R), **terms)
    assert residual.abs().max() < 1e-7  # k and M are float32 numbers
    assert helmholtz_residual(parts(wave), u, 2 * u_x, zero, zero, torch.tensor(R), **terms).abs().max() > 0.1


def test_known_phase():
    still = known_phase(torch.tensor([2.0]), torch.tensor([0.0]), torch.tensor([3.0]), torch.tensor([4.0]))
    assert still.item() == pytest.approx(10.0)
    flow = known_phase(torch.tensor([2.0]), torch.tensor([0.5]), torch.tensor([3.0]), torch.tensor([0.0]))
    assert flow.item() == pytest.approx(2.0 * 3.0 / 1.5, rel=1e-6)  # downstream wavenumber ka / (1 + M)


@pytest.mark.parametrize("network", [UNet, ConstrainedUNet])
def test_every_parameter_has_a_gradient(network, config, cases):
    model = network(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    psi, parameters = (value.float() for value in cases) if network is UNet else cases
    model(psi, parameters).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters() if p.requires_grad)


def test_sizes_are_explained(config, cases):
    with pytest.raises(ValueError, match="27 cells, expected a multiple of 4, such as 28"):
        UNetConfig(tuple(X[:27].tolist()), tuple(R.tolist()), levels=3)
    with pytest.raises(ValueError, match="expected a potential"):
        UNet(config)(cases[0][:, :1], cases[1])
    with pytest.raises(ValueError, match="expected parameters"):
        UNet(config)(cases[0], cases[1][:2])
    with pytest.raises(ValueError, match="positive"):
        UNetConfig((), (), width=0)


@pytest.fixture
def forward_model():
    config = ForwardConfig((1.0, 2.0), (3.0, 0.0), (0, 0, 0, 3, 0), (2, 1, 5, 8, 0.3), width=32, depth=2)
    return ForwardModel(config)


def test_forward_model_memorises_four_cases(forward_model):
    inputs = torch.tensor([[0, 0, 0, 3, 0], [1, 0, 1.84, 4, 0.1], [2, 0, 3.05, 5, 0.2], [2, 1, 4.9, 7, 0.3]]).float()
    target = torch.randn(4, 2, 2)
    optimizer = torch.optim.Adam(forward_model.parameters(), 5e-3)
    for _ in range(400):
        optimizer.zero_grad()
        loss = (forward_model(inputs) - target).square().mean()
        loss.backward()
        optimizer.step()
    assert loss < 1e-3
    with pytest.raises(ValueError, match="radial_eigenvalue"):
        forward_model(inputs[:, :4])
    with pytest.raises(ValueError, match="ranges"):
        ForwardConfig((1.0,), (3.0,), (0,), (2,))


@pytest.mark.parametrize("name", ["unet", "constrained"])
def test_reload_gives_equal_output(name, config, cases, tmp_path):
    model = (UNet if name == "unet" else ConstrainedUNet)(config).eval()
    save(tmp_path, name, model, {"seed": 1})
    found, again, about = load(tmp_path, task="derivative")
    assert (found, about) == (name, {"seed": 1})
    torch.testing.assert_close(again(*cases), model(*cases), rtol=0, atol=0)
    with pytest.raises(ValueError, match="forward task is needed"):
        load(tmp_path, task="forward")
    (tmp_path / WEIGHTS).write_bytes(b"not weights")
    with pytest.raises(ValueError, match="damaged"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="not a run"):
        load(tmp_path / "nowhere")
