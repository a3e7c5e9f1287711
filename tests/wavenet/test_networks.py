"""Differences, constraints, networks and their files."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from wavenet import derivatives, forward
from wavenet.derivatives.constrained import ConstrainedNetwork
from wavenet.derivatives.differences import ORDERS, Differences, matrix
from wavenet.derivatives.edge import EdgeConfig, EdgeFunctions
from wavenet.derivatives.envelopes import AxisEnvelope, Barrier, WallEnvelope
from wavenet.derivatives.equations import helmholtz_residual
from wavenet.derivatives.unet import CONSTRAINTS, UNet, UNetConfig
from wavenet.fields import complex_reference, times, times_each
from wavenet.forward.feed_forward import ForwardConfig, ForwardModel, known_phase
from wavenet.forward.radiated import RadiatedPressure
from wavenet.runs import BASELINES, WEIGHTS, folder_of, load, save
from wavenet.tensorfile import whole

X = (np.arange(32) + 0.5) / 8 - 2
R = (np.arange(32) + 0.5) / 16


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def config():
    return UNetConfig(tuple(X.tolist()), tuple(R.tolist()), width=2, levels=3)


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


def wild(config, *constraints):
    """A U-net with some constraints and random weights."""
    edge = EdgeFunctions(EdgeConfig(radius=0.4, roots=6, angles=10, functions=20))
    edge.fit(torch.randn(10, 2, 6, 10).double())
    model = UNet(dataclasses.replace(config, constraints=constraints), edge).double()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model.requires_grad_(False)


@pytest.mark.parametrize("others", [(), ("consistent",), tuple(set(CONSTRAINTS) - {"phase"})])
def test_phase_equivariance_with_random_weights(config, cases, others):
    psi, parameters = cases
    factor = torch.tensor([[0.3, -2.0], [1e4, 1.0], [0.0, 1e-3]]).double()
    model = wild(config, "phase", *others)
    out, turned = model(psi, parameters), model(times(psi, factor), parameters)
    expected = torch.cat([times(out[:, :2], factor), times(out[:, 2:], factor)], dim=1)
    rtol = 1e-9 if others else 1e-5  # the plain backbone works in single precision
    torch.testing.assert_close(turned, expected, rtol=rtol, atol=rtol * float(expected.abs().max()))
    free = wild(config, *others)
    assert not torch.allclose(free(times(psi, factor), parameters)[0], expected[0], rtol=1e-3)
    with pytest.raises(ValueError, match="without phase"):
        complex_reference(torch.zeros(1, 2, 4, 4))


def test_consistent_networks_start_from_their_stencils(config, cases):
    for name in ("consistent", "waves", "edge"):
        model = wild(config, name)
        model.backbone.head.weight.zero_()
        model.backbone.head.bias.zero_()
        psi, parameters = cases
        torch.testing.assert_close(model(psi, parameters), model.linear(psi, parameters), rtol=1e-12, atol=1e-12)


def test_wall_and_axis_envelopes():
    x, r = torch.tensor(X), torch.tensor(R)
    ones = torch.ones(3, 4, 32, 32)
    wall, axis = WallEnvelope(x, r)(ones), AxisEnvelope(r)(ones, torch.tensor([[0.0], [1.0], [-3.0]]))
    beside = int((r < 1).sum())
    assert torch.all(wall[:, 2:, X < 0, beside] < 0.5)
    assert torch.all(wall[:, 2:, X > 0] == 1)
    assert torch.all(wall[:, :2] == 1)
    live = axis[:, :, 0, 0] == 1  # u lives on the axis for m = 0, v for |m| = 1
    assert live.tolist() == [[True, True, False, False], [False, False, True, True], [False] * 4]
    assert AxisEnvelope.of_radius(torch.tensor(0.0), 0.1) == 0


def test_nothing_passes_through_the_barrier(config, cases):
    psi, parameters = cases
    outside = torch.tensor((X[:, None] < 0) & (R > 1))
    changed = torch.where(outside, 3.0, psi)
    inside = torch.tensor((X[:, None] < 0) & (R < 1))
    results = {}
    for constraints in ((), ("barrier",)):
        model = wild(config, *constraints)
        moved = (model(psi, parameters) != model(changed, parameters))[:, :, inside]
        results[constraints] = bool(moved.any())
    assert results == {(): True, ("barrier",): False}
    barrier = Barrier(torch.tensor(X), torch.tensor(R))
    field = torch.randn(1, 2, 32, 32)
    torch.testing.assert_close(barrier(lambda seen: seen, field), field)


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


@pytest.mark.parametrize("constraints", [(), ("phase", "consistent"), tuple(CONSTRAINTS)])
def test_every_parameter_has_a_gradient(constraints, config, cases):
    model = wild(config, *constraints).double()
    learned = model.backbone.requires_grad_(True)
    model(*cases).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in learned.parameters())


def test_unknown_constraints_are_named(config):
    with pytest.raises(ValueError, match="got 'gravity'"):
        dataclasses.replace(config, constraints=("gravity",))
    with pytest.raises(ValueError, match="needs edge functions"):
        UNet(dataclasses.replace(config, constraints=("edge",)))
    with pytest.raises(ValueError, match=r"attribution needs the constrained .* got a U-net with wall, axis"):
        wild(config, "phase", "wall", "axis").core(torch.zeros(1, 3))


@pytest.mark.parametrize("constraints", [(), ("phase",)])
def test_the_part_that_is_explained_gives_the_velocity(constraints, config, cases):
    model = wild(config, *constraints)
    with torch.no_grad():
        seen, factor = model.explained(*cases)
        found = times_each(model.core(cases[1])(seen.to(model.backbone.head.weight)).to(factor.dtype), factor)
        assert torch.allclose(found, model(*cases).to(factor.dtype), rtol=1e-5, atol=1e-6 * float(found.abs().max()))


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


def test_the_edge_functions_are_saved_with_a_u_net(config, cases, tmp_path):
    """The constraint's values around the lip come back to the last bit, without the functions being given again."""
    model = wild(config, "edge", "phase").eval()
    for weight in model.backbone.parameters():  # a network that is loaded has single precision
        weight.copy_(weight.float())
    save(tmp_path, "unet", model, {})
    again = load(tmp_path, task="derivative")[1]
    assert again.config == model.config
    assert torch.equal(again.double().edge_map.map.weight, model.edge_map.map.weight)
    torch.testing.assert_close(again(*cases), model(*cases), rtol=0, atol=0)
    assert not [key for key in model.state_dict() if "map" in key]  # the map follows from the functions
    metadata = json.loads(open_header(tmp_path / WEIGHTS)["config"])
    assert metadata["edge"]["functions"] == 20
    save(tmp_path, "unet", UNet(config), {})
    assert "edge" not in json.loads(open_header(tmp_path / WEIGHTS)["config"])  # as files were before


def open_header(path):
    with safe_open(path, "pt") as file:
        return file.metadata()


def test_what_the_stencils_leave_is_measured(config, cases):
    """The scale is the root mean square of the rest, over the potential's size and phase."""
    psi, parameters = cases
    model = UNet(dataclasses.replace(config, constraints=("phase", "consistent")))
    rest = torch.randn(3, 4, 32, 32, dtype=torch.float64)
    reference = complex_reference(psi)
    velocity = model.linear(psi, parameters) + times_each(rest, reference)
    model.prepare(psi, parameters, velocity)
    assert float(model.scale) == pytest.approx(float(rest.square().mean().sqrt()), rel=1e-6)  # single precision
    assert model.resolution == float(model.scale)
    plain = UNet(dataclasses.replace(config, velocity_scale=3.0, potential_scale=2.0))
    plain.prepare(psi, parameters, velocity)
    assert plain.resolution == 1.5


def test_weights_of_another_kind_are_refused(config, tmp_path):
    save(tmp_path, "unet", UNet(config), {})
    header = {key: text for key, text in open_header(tmp_path / WEIGHTS).items() if key != "sha256"}
    tensors = load_file(tmp_path / WEIGHTS)

    def spoil(**changed):
        save_file(tensors, tmp_path / WEIGHTS, metadata=header | changed)

    spoil(model="perceptron")
    with pytest.raises(ValueError, match="holds the unknown model 'perceptron', expected one of constrained"):
        load(tmp_path)
    spoil(model="mlp")
    with pytest.raises(ValueError, match="does not fit the model mlp"):
        load(tmp_path)
    spoil(config="{")
    with pytest.raises(ValueError, match="does not fit the model unet"):
        load(tmp_path)
    spoil()
    assert not load(tmp_path)[1].training


def test_names_of_the_package_s_networks(tmp_path, monkeypatch):
    assert torch.equal(derivatives.load("unet").scale, load(BASELINES["unet"])[1].scale)
    assert type(forward.load()) is RadiatedPressure
    assert type(forward.load("mlp")) is ForwardModel
    assert type(derivatives.load()) is ConstrainedNetwork
    monkeypatch.chdir(tmp_path)
    assert folder_of("unet") == BASELINES["unet"]
    assert folder_of("elsewhere") == Path("elsewhere")
    Path("unet").mkdir()
    with pytest.raises(ValueError, match="unet is a folder here and a network of the package"):
        derivatives.load("unet")
    with pytest.raises(ValueError, match="is a run of the derivative task, one of the forward task is needed"):
        forward.load(BASELINES["unet"])


def test_a_file_is_there_as_a_whole_or_as_it_was(tmp_path):
    path = tmp_path / "file"
    with whole(path) as partial:
        partial.write_text("first")
    assert path.read_text() == "first"

    def stopped():
        with whole(path) as partial:
            partial.write_text("half of the sec")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert (path.read_text(), list(tmp_path.iterdir())) == ("first", [path])


def test_reload_gives_equal_output(config, cases, tmp_path):
    name, model = "unet", UNet(config).eval()
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


def test_a_forward_model_of_one_mach_number_gives_numbers():
    """All training cases without flow: the input that never varies counts as its end."""
    low, high = (0.0, 0.0, 1.0, 3.0, 0.0), (4.0, 2.0, 9.0, 9.0, 0.0)
    model = ForwardModel(ForwardConfig((6.0,), (0.5,), low, high, width=4, depth=1))
    inputs = torch.tensor([[2.0, 1.0, 5.0, 6.0, 0.0], [4.0, 2.0, 3.0, 9.0, 0.0]])
    ratio = np.sqrt(1 - np.array([25 / 36, 9 / 81]))
    expected = [[0, 0, 0, 0, -1, ratio[0]], [1, 1, -0.5, 1, -1, ratio[1]]]
    np.testing.assert_allclose(model.features(inputs).numpy(), expected, atol=1e-6)
    assert torch.isfinite(model(inputs)).all()


def test_the_pressure_s_scale_multiplies_what_is_learned():
    low, high = (0.0, 0.0, 1.0, 3.0, 0.0), (4.0, 2.0, 9.0, 9.0, 0.5)
    config = ForwardConfig((6.0, 0.0), (0.5, 6.0), low, high, width=4, depth=1)
    one, four = (ForwardModel(dataclasses.replace(config, scale=scale)) for scale in (1.0, 4.0))
    four.load_state_dict(one.state_dict())
    inputs = torch.tensor([[2.0, 1.0, 5.0, 6.0, 0.25]])
    assert torch.equal(four(inputs), 4 * one(inputs))


def test_the_axis_envelope_is_that_of_either_sign_of_m():
    envelope = AxisEnvelope(torch.linspace(0.05, 1.95, 20))
    field = torch.ones(3, 4, 6, 20)
    signs = [envelope(field, torch.tensor([[m, 5.0, 0.1] for m in (0.0, sign, 2 * sign)])) for sign in (1, -1)]
    assert torch.equal(*signs)
