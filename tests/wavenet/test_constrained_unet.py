"""The constrained U-net: what holds whatever its weights are, what it is trained on, and that runs keep all of it."""

import dataclasses

import numpy as np
import pytest
import torch

from analytic import ModeMixture, solve
from wavenet import derivatives, networks
from wavenet.derivatives.constrained_unet import CONSTRAINTS, DEFAULT, METHODS, ConstrainedUNet, ConstrainedUNetConfig
from wavenet.derivatives.share_learning import residuals, reversed_in_time, share_loss, share_samples
from wavenet.derivatives.unet import UNet, UNetConfig
from wavenet.fields import times, times_each
from wavenet.rap import attribute
from wavenet.runs import load, save

from .commands import run

X, R = (np.arange(64) + 0.5) / 24 - 1.3, (np.arange(48) + 0.5) / 24
PARAMETERS = torch.tensor([[2, 9.0, 0.3]], dtype=torch.float64)


def parts(values):
    return torch.from_numpy(np.stack([values.real, values.imag]))[None]


@pytest.fixture(scope="module")
def base():
    return derivatives.load().on_grid(X, R)


@pytest.fixture(scope="module")
def field():
    return solve(ModeMixture(2, [1.0, 0.5j], 9.0, 0.3)).field(X, R)


def random_weights(base, constraints=DEFAULT, noise=None):
    torch.manual_seed(0)
    config = ConstrainedUNetConfig(base.config.x, base.config.r, noise=noise, width=4, constraints=constraints)
    model = ConstrainedUNet(config, base)
    with torch.no_grad():
        for weight in model.backbone.parameters():
            weight.normal_(0, 0.3)
    return model.requires_grad_(False)


@pytest.fixture(scope="module", params=[0.0, 1e-2], ids=["exact", "noisy"])
def wild(request, base, field):
    """Random weights, and a field with or without noise that it is not told of."""
    torch.manual_seed(1)
    psi = parts(field.potential)
    return random_weights(base), psi + request.param * psi.std() * torch.randn_like(psi)


@pytest.fixture(scope="module")
def shares(wild):
    model, psi = wild
    return model.weights(psi, PARAMETERS)


@pytest.fixture(scope="module")
def out(wild):
    model, psi = wild
    return model(psi, PARAMETERS)


@pytest.fixture(scope="module")
def seen(wild):
    model, psi = wild
    return model.seen(psi[0], PARAMETERS[0])


def test_weights_are_shares(shares):
    assert shares.shape == (1, 2, len(METHODS), len(X), len(R))
    assert torch.all(shares >= 0)
    torch.testing.assert_close(shares.sum(dim=2), torch.ones_like(shares[:, :, 0]))
    assert shares.std() > 0.1
    rho = torch.from_numpy(np.hypot(X[:, None], R - 1))
    assert torch.all(shares[0, :, 3][:, rho > 0.36] == 0)
    assert torch.all(shares[0, :, 4][:, rho > 0.37] == 0)
    assert torch.all(shares[0, :, 5][:, 5:-5, :-5] == 0)


def test_the_noise_in_a_field_decides_which_methods_there_are(wild, shares, field):
    noisy = not torch.equal(wild[1], parts(field.potential))
    largest = shares[0].amax(dim=(0, 2, 3))
    assert (largest[6] > 0) == (largest[2] > 0) == noisy
    assert (largest[7] > 0) == noisy  # without noise it is the mean of the others


def test_it_is_complex_homogeneous_and_phase_equivariant(wild, out):
    model, psi = wild
    for factor in ([0.3, -2.0], [0.0, 1e-3], [-1e4, 1.0]):
        factor = torch.tensor([factor]).double()
        turned = model(times(psi, factor), PARAMETERS)
        expected = times_each(out, factor)
        torch.testing.assert_close(turned, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
    assert torch.equal(model(2 * psi, PARAMETERS), 2 * out)  # powers of two: without rounding


def test_in_noise_the_linear_network_told_of_none_is_one_of_the_methods(wild, seen, base):
    with torch.no_grad():
        expected = base(wild[1], PARAMETERS)[0]
    torch.testing.assert_close(seen.candidates[7], expected, rtol=1e-12, atol=1e-12)


def test_each_velocity_lies_between_those_of_the_methods(seen, shares, out):
    """A property that is linear and holds for all of them holds for the mean, whatever the shares are."""
    usable = torch.isfinite(seen.prior[0])[:, None]
    low = torch.where(usable, seen.candidates, torch.inf).amin(dim=0)
    high = torch.where(usable, seen.candidates, -torch.inf).amax(dim=0)
    room = 1e-9 * float(seen.candidates.abs().max())
    assert torch.all((low - room <= out[0]) & (out[0] <= high + room))
    # and it is the sum by the shares
    expected = torch.stack([(shares[0, c // 2] * seen.candidates[:, c]).sum(dim=0) for c in range(4)])
    torch.testing.assert_close(out[0], expected, rtol=1e-12, atol=room)


def test_the_barrier(base, field):
    """With it, shares inside do not depend on the field outside; without it they do."""
    torch.manual_seed(2)
    psi = parts(field.potential)
    outside = torch.from_numpy((X[:, None] < -0.42) & (R > 1))
    changed = torch.where(outside, psi * (1 + 0.1 * torch.randn_like(psi)), psi)
    inside = torch.from_numpy((X[:, None] < -0.42) & (R < 1))
    for constraints, same in (((*DEFAULT, "barrier"), True), (DEFAULT, False)):
        model = random_weights(base, constraints, noise=0.0)
        features = [model.seen(p[0], PARAMETERS[0]) for p in (psi, changed)]
        # what the U-net sees of the whole field, its size, is kept equal
        seen = torch.where(outside, features[1].features, features[0].features)
        shares = [model.predict(f[None], features[0].prior[None]).shares[0] for f in (features[0].features, seen)]
        assert torch.equal(shares[0][..., inside], shares[1][..., inside]) == same
        assert not torch.equal(shares[0][..., outside], shares[1][..., outside])


def test_expected_errors_are_those_of_independent_methods_before_training(base, field):
    model = ConstrainedUNet(ConstrainedUNetConfig(base.config.x, base.config.r, noise=0.0), base)
    psi = parts(field.potential)
    with torch.no_grad():
        shares, expected = model.weights(psi, PARAMETERS), model.expected_error(psi, PARAMETERS)
    prior = model.seen(psi[0], PARAMETERS[0]).prior[None]
    product = torch.where(torch.isfinite(prior), shares * 10 ** (2 * prior), expected[:, :, None] ** 2)
    torch.testing.assert_close(product, (expected[:, :, None] ** 2).expand_as(product), rtol=1e-6, atol=0)
    torch.testing.assert_close(prior[:, :, :4], base.log_errors(PARAMETERS, dtype=torch.float64), rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def shares_of_all(base, field):
    return random_weights(base, noise=1e-3).weights(parts(field.potential), PARAMETERS)


@pytest.mark.parametrize("name", ["edge", "lip", "ends", "joint"])
def test_a_constraint_left_out_has_no_share(base, field, shares_of_all, name):
    index = {"edge": 3, "lip": 4, "ends": 5, "joint": 6}[name]
    without = random_weights(base, tuple(set(DEFAULT) - {name}), noise=1e-3)
    assert shares_of_all[:, :, index].max() > 0
    assert without.weights(parts(field.potential), PARAMETERS)[:, :, index].max() == 0


def test_the_part_that_is_explained(base, field):
    """It is the network for one field, and relevance is conserved through it."""
    model, psi = random_weights(base), parts(field.potential)
    seen, reference = model.explained(psi, PARAMETERS)
    core = model.core(psi, PARAMETERS)
    expected = model(psi, PARAMETERS)
    torch.testing.assert_close(
        times_each(core(seen), reference), expected, rtol=0, atol=1e-8 * float(expected.abs().max())
    )
    selector = torch.zeros_like(expected)
    for place in ((30, 25), (2, 40), (60, 10)):  # at the lip, at an end, anywhere
        selector.zero_()
        selector[0, 2, *place] = 1.0
        relevance = attribute(core, seen, selector).relevance
        wanted = float(core(seen)[0, 2, *place])
        assert float(relevance.sum()) == pytest.approx(wanted, rel=1e-9, abs=1e-9 * float(relevance.abs().sum()))
        assert torch.all(relevance[:, :, torch.from_numpy(np.abs(X - X[place[0]]) > 1.2)] == 0)  # the fits' reach
    noisy = psi + 0.01 * psi.std() * torch.randn_like(psi)
    with pytest.raises(ValueError, match="attribution needs a field with noise below"):
        model.core(noisy, PARAMETERS)


def test_gradients_are_refused(base, field):
    model = random_weights(base)
    with pytest.raises(ValueError, match="no gradients with respect to its inputs"):
        model(parts(field.potential).requires_grad_(), PARAMETERS)


def test_another_grid_is_the_same_network(base, field):
    model = random_weights(base)
    other = model.on_grid(X[:-3], R[:-2], noise=0.1)
    assert other.config.noise == 0.1
    assert other.base.config.noise == 0  # what is saved
    assert all(torch.equal(a, b) for a, b in zip(model.backbone.parameters(), other.backbone.parameters(), strict=True))
    out = model.on_grid(X[:-3], R[:-2])(parts(field.potential[:-3, :-2]), PARAMETERS)  # no multiple of four
    assert out.shape == (1, 4, len(X) - 3, len(R) - 2)
    again = other.on_grid(X, R)
    torch.testing.assert_close(again(parts(field.potential), PARAMETERS), model(parts(field.potential), PARAMETERS))


def test_a_field_of_zeros(base):
    out = random_weights(base)(torch.zeros(1, 2, len(X), len(R), dtype=torch.float64), PARAMETERS)
    assert torch.equal(out, torch.zeros_like(out))


@pytest.fixture(scope="module")
def cases(field):
    velocity = torch.cat([parts(field.axial_velocity), parts(field.radial_velocity)], dim=1)
    many = parts(field.potential), PARAMETERS, velocity
    return torch.utils.data.TensorDataset(*(part.repeat(6, *[1] * (part.ndim - 1)) for part in many))


def untrained(base):
    return ConstrainedUNet(ConstrainedUNetConfig(base.config.x, base.config.r, width=4), base)


@pytest.fixture(scope="module")
def taught(base, cases):
    """What the network is trained on."""
    return share_samples(untrained(base), cases, 6)


@pytest.mark.filterwarnings("ignore")  # Lightning's, on workers and devices
def test_it_learns_and_is_saved(base, cases, taught, tmp_path):
    from wavenet.training.loop import fit

    model = untrained(base)
    preset = dataclasses.replace(
        networks.get("constrained-unet").steps.preset("quick"), epochs=12, samples=6, patience=12
    )
    again = share_samples(model, cases, 6)
    assert all(torch.equal(a, b) for a, b in zip(taught.tensors, again.tensors, strict=True))
    with torch.no_grad():
        before = float(share_loss(model, taught.tensors)[0].mean())
    model = fit(model, cases, cases, tmp_path, preset=preset, progress=False)
    with torch.no_grad():
        assert float(share_loss(model, taught.tensors)[0].mean()) < before - 0.3
    frozen = base.state_dict()
    assert all(torch.equal(value, frozen[key]) for key, value in model.base.state_dict().items())
    save(tmp_path, "constrained_unet", model, {})
    name, found, _ = load(tmp_path, task="derivative")
    assert name == "constrained_unet"
    assert found.config == model.config
    with torch.no_grad():
        torch.testing.assert_close(found(*cases[:1][:2]), model(*cases[:1][:2]), rtol=0, atol=0)


def test_the_linear_network_is_fixed(base):
    model = ConstrainedUNet(ConstrainedUNetConfig(base.config.x, base.config.r), base)
    assert not any(weight.requires_grad for weight in model.base.parameters())
    assert all(weight.requires_grad for weight in model.backbone.parameters())


RECIPE = """
task = "derivative"
cases = 8
split = [0.5, 0.25, 0.25]
[source]
m = [0, 2]
helmholtz = [3.0, 6.0]
modes = [1, 2]
[grid]
x = [-1.0, 1.0, 64]
r = [0.0, 2.0, 64]
"""


@pytest.mark.filterwarnings("ignore")  # Lightning's, on workers and devices
def test_constraints_are_chosen_from_the_command_line(dataset_file, tmp_path, monkeypatch):
    """Both U-nets, edge functions included: trained, saved, loaded, compared with the truth, and explained."""
    data = dataset_file(RECIPE)
    for name, changes in (("unet", {"width": 2, "epochs": 1}), ("constrained_unet", {"samples": 4, "epochs": 1})):
        presets = networks.get(name).steps.presets
        monkeypatch.setitem(presets, "quick", dataclasses.replace(presets["quick"], **changes))
    chosen = {"unet": ("phase", "edge", "wall"), "constrained-unet": ("lip", "ends", "barrier")}
    for model, constraints in chosen.items():
        command = ["train", "derivative", "--data", data, "-o", tmp_path / model, "--model", model]
        assert run(*command, "--constraints", ",".join(constraints), "--json") == 0
        network = load(tmp_path / model, task="derivative")[1]
        assert network.config.constraints == constraints
        assert run("compare", tmp_path / model, "--data", data, "-o", tmp_path / f"{model}-report") == 0
    assert run("attribute", tmp_path / "constrained-unet", "--data", data, "-o", tmp_path / "why") == 0
    assert run("train", "derivative", "--data", data, "-o", tmp_path / "bare", "--model", "unet", "--json") == 0
    assert load(tmp_path / "bare")[1].config.constraints == ()


def test_the_loss_is_the_logarithm_of_the_error_and_likelihoods(base, taught):
    model = untrained(base)
    features, prior, errors, numbers = taught.tensors
    with torch.no_grad():
        values, counts = share_loss(model, (features, prior, errors, numbers))
        smaller = share_loss(model, (features, prior - 1, errors / 10, numbers))[0]
    assert torch.equal(counts, torch.ones_like(values))
    # ten times smaller errors, predicted so: each of the terms falls by ln 10, with weights 1, 0.3 and 0.3
    torch.testing.assert_close(values - smaller, torch.full_like(values, 1.6 * np.log(10)), rtol=2e-2, atol=0)


def test_patches_of_coarser_grids(base, cases):
    features, prior, errors, _ = share_samples(untrained(base), cases, 6, seed=3).tensors
    assert features.shape[2:] == prior.shape[3:] == errors.shape[3:] == (32, 24)
    assert torch.all(torch.isfinite(features))
    assert len(set(features[:, 8, 0, 0].tolist())) > 1  # points per wavelength: several strides
    assert torch.all(errors.isfinite())


def test_bad_input_is_named(base):
    with pytest.raises(
        ValueError,
        match="constraints must be among edge, lip, ends, joint, barrier, superposition, phase, residuals, got 'glue'",
    ):
        ConstrainedUNetConfig(base.config.x, base.config.r, constraints=("glue",))
    with pytest.raises(ValueError, match=r"noise must be at least 0 and below 1, .* got 1\.0"):
        ConstrainedUNetConfig(base.config.x, base.config.r, noise=1.0)
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        ConstrainedUNetConfig(base.config.x, base.config.r, width=0)
    with pytest.raises(ValueError, match="expected a potential"):
        random_weights(base)(torch.zeros(1, 2, 8, 8), PARAMETERS)
    assert set(DEFAULT) < set(CONSTRAINTS)


def test_a_unet_with_edge_functions_is_saved(base, field, tmp_path):
    """The constraint `edge` of the paper's network: functions and map come back with the run."""
    x, r = tuple(X.tolist()), tuple(R.tolist())
    model = UNet(UNetConfig(x, r, width=2, levels=4, constraints=("phase", "waves", "edge")), base.edge).eval()
    with torch.no_grad():
        for weight in model.backbone.parameters():
            weight.normal_(0, 0.1)
    save(tmp_path, "unet", model, {})
    found = load(tmp_path, task="derivative")[1]
    assert found.config.constraints == ("phase", "waves", "edge")
    psi = parts(field.potential)
    with torch.no_grad():
        torch.testing.assert_close(found(psi, PARAMETERS), model(psi, PARAMETERS), rtol=0, atol=0)


def test_sound_from_outside_is_a_solution_as_well(base, field):
    """Of the same equation and walls: by stencils its velocities are as right as those of the field itself."""
    psi, velocity = parts(field.potential)[0], torch.cat([parts(field.axial_velocity), parts(field.radial_velocity)], 1)
    back = reversed_in_time(psi, velocity[0], PARAMETERS[0], torch.from_numpy(X))
    with torch.no_grad():
        missed = [float((base(p[None], PARAMETERS)[0] - u).norm() / u.norm()) for p, u in ((psi, velocity[0]), back)]
    assert missed[1] < 3 * missed[0]
    again = reversed_in_time(*back, PARAMETERS[0], torch.from_numpy(X))
    torch.testing.assert_close(again[0], psi, rtol=0, atol=1e-12)
    torch.testing.assert_close(again[1], velocity[0], rtol=0, atol=1e-10)


def test_residuals_of_a_solution_vanish():
    """Differences of two solutions of one potential: u = 1j A exp(-2 i kappa x) alone solves both equations."""
    ka, mach, step = 9.0, 0.3, 1e-3
    kappa = ka * mach / (1 - mach**2)
    x, numbers = torch.arange(24) * step, torch.tensor([[ka, mach, step, step, 0.5]], dtype=torch.float64)
    u = torch.exp(-2j * kappa * x.double())[:, None].expand(-1, 16)
    errors = torch.stack([u.real, u.imag, 0 * u.real, 0 * u.real])[None]
    assert float(residuals(errors, numbers)) < 1e-4 * kappa * step
    v = torch.ones(24, 16, dtype=torch.float64) / (0.5 + step * torch.arange(16))  # r v is constant
    errors = torch.stack([0 * v, 0 * v, v, 0 * v])[None]
    assert float(residuals(errors, numbers)) < 1e-5
    assert float(residuals(errors.roll(2, dims=1), numbers)) > 1e-4


def test_a_random_factor_changes_nothing_that_is_learned(base, cases):
    """Phase equivariance: a complex factor leaves what the U-net sees, and its relative errors' sizes."""
    seen = []
    for constraints in (("edge", "lip", "ends", "joint"), ("edge", "lip", "ends", "joint", "phase")):
        config = ConstrainedUNetConfig(base.config.x, base.config.r, width=4, constraints=constraints)
        exact = torch.utils.data.Subset(cases, [2, 2])
        features, prior, errors, _ = share_samples(ConstrainedUNet(config, base), exact, 2, seed=1).tensors
        seen.append((features, prior, errors.unflatten(2, (2, 2)).norm(dim=3)))
    for one, other in zip(*seen, strict=True):
        finite = torch.isfinite(one)
        assert float((one - other)[finite].abs().median()) < 1e-5


class Shares(torch.nn.Module):
    """The part of the network that is learned, for fields of one grid."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, features, prior):
        found = self.model.predict(features, prior)
        return found.shares, found.log_error


@pytest.mark.filterwarnings("ignore")  # the exporters', on each other
def test_it_is_exported(base, field, tmp_path):
    """torch.export of the network for one field, and of its learned part for any; the latter as ONNX, too."""
    import onnxruntime

    model, psi = random_weights(base), parts(field.potential)
    given = model.explained(psi, PARAMETERS)[0]
    core = model.core(psi, PARAMETERS)
    program = torch.export.export(core, (given,)).module()
    torch.testing.assert_close(program(2 * given), core(2 * given), rtol=1e-12, atol=1e-12)
    seen = model.seen(psi[0], PARAMETERS[0])
    inputs = seen.features[None], seen.prior.clamp(max=99)[None]  # what is infinite has no share either
    program = torch.export.export(Shares(model), inputs)
    expected = Shares(model)(*inputs)
    torch.testing.assert_close(program.module()(*inputs), expected, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(expected[0], model.weights(psi, PARAMETERS), rtol=1e-6, atol=1e-9)
    path = tmp_path / "shares.onnx"
    torch.onnx.export(Shares(model), inputs, dynamo=True, verbose=False).save(path)
    session = onnxruntime.InferenceSession(path)
    names = [given.name for given in session.get_inputs()]
    found = session.run(None, dict(zip(names, (part.numpy() for part in inputs), strict=True)))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-3, atol=1e-4)  # single precision in the U-net
