"""Losses, the samples that the constrained network learns from, and the training loop, by second routes."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import stats
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from wavenet.networks import Steps
from wavenet.tensorfile import read
from wavenet.training import error_samples, losses
from wavenet.training.loop import LAST, LOG, check_devices, fit
from wavenet.training.order import Seeded, Shares
from wavenet.training.presets import Preset
from wavenet.training.records import Record

# Lightning and torch warn about workers, devices and each other.
pytestmark = pytest.mark.filterwarnings("ignore")
X, R = np.linspace(-1, 1, 12), np.linspace(0.05, 1.95, 40)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


class Fixed(nn.Module):
    """Returns what it is told, whatever it sees."""

    resolution = 0.5

    def __init__(self, result, **config):
        super().__init__()
        self.result, self.config = result, type("Config", (), config)

    def forward(self, *inputs):
        return self.result


def test_the_velocity_loss_is_in_units_of_the_potential_and_the_resolution():
    potential, velocity, miss = (torch.randn(2, parts, 3, 4).double() for parts in (2, 4, 4))
    values, numbers = losses.velocity_loss(Fixed(velocity + miss), [potential, torch.zeros(2, 3), velocity])
    assert numbers.tolist() == [1, 1]
    for case in range(2):
        size2 = np.mean(potential[case].numpy() ** 2)
        assert values[case].item() == pytest.approx(np.mean(miss[case].numpy() ** 2) / (size2 * 0.5**2), rel=1e-12)


def test_the_pressure_loss_is_in_units_of_its_scale():
    pressure, miss = torch.randn(3, 5, 2).double(), torch.randn(3, 5, 2).double()
    values, numbers = losses.pressure_loss(Fixed(pressure + miss, scale=2.0), [torch.zeros(3, 5), pressure])
    np.testing.assert_allclose(values, np.mean(miss.numpy() ** 2, axis=(1, 2)) / 4, rtol=1e-12)
    assert numbers.tolist() == [1, 1, 1]


def test_the_relative_loss_is_the_squared_relative_error_of_each_case():
    exact, factor = torch.randn(3, 4, 5, 6).double(), torch.tensor([0.1, -0.2, 3.0], dtype=torch.float64)
    values, numbers = losses.relative_loss(Fixed(exact * (1 + factor)[:, None, None, None]), [exact, exact, exact])
    np.testing.assert_allclose(values, factor**2, rtol=1e-12)
    assert numbers.tolist() == [1, 1, 1]


class Expecting(nn.Module):
    def __init__(self, found):
        super().__init__()
        self.found = found

    def log_errors(self, parameters, noise):
        return self.found


def test_errors_follow_student_s_distribution():
    """By scipy's, of three degrees of freedom, up to a constant a value; where there is no method there is no value."""
    found, errors = torch.randn(2, 2, 4, 3, 3).double(), torch.randn(2, 2, 4, 3, 3).double()
    masked = found.clone()
    masked[1, :, 2] = torch.inf
    values, numbers = losses.error_likelihood(Expecting(masked), [torch.zeros(2, 3), torch.zeros(2), errors])
    scale = 10 ** found.numpy()
    each = -stats.t.logpdf(10 ** errors.numpy(), 3, scale=scale) + stats.t.logpdf(0, 3)
    each[1, :, 2] = 0
    np.testing.assert_allclose(values, each.sum(axis=(1, 2, 3, 4)), rtol=1e-10)
    assert numbers.tolist() == [72, 54]


class Derivatives(nn.Module):
    """Exact derivatives of waves exp(i kx x), times a factor: u = c i kx psi, v = 0."""

    def __init__(self, wavenumber, factor=1.0):
        super().__init__()
        self.wavenumber, self.factor = wavenumber, factor
        self.config = type("Config", (), {"x": tuple(X), "r": tuple(R)})

    def forward(self, field, parameters):
        u = self.factor * self.wavenumber * torch.stack([-field[:, 1], field[:, 0]], dim=1)
        return torch.cat([u, torch.zeros_like(u)], dim=1)


def test_physical_residuals_vanish_for_waves_and_count_by_their_weight():
    helmholtz, mach = 5.0, 0.3
    wavenumber = helmholtz / (1 + mach)
    wave = np.exp(1j * wavenumber * X)[:, None] + 0 * R
    psi = torch.from_numpy(np.stack([wave.real, wave.imag]))[None]
    batch = [psi, torch.tensor([[0.0, helmholtz, mach]], dtype=torch.float64), None]
    preset = Preset(1, 1, 1.0, 1, 1, physics=0.25)
    exact, wrong = Derivatives(wavenumber), Derivatives(wavenumber, 1.1)
    assert losses.velocity_residuals(exact, batch, preset).abs().max() < 1e-25
    found = losses.velocity_residuals(wrong, batch, preset)
    # u is 1.1 times, and u_x 1.21 times, what the equation needs; v = 0 and the twist is of u_x alone
    u, u_x = 0.1 * 2 * 1j * helmholtz * mach * 1j * wavenumber * wave, -0.21 * (1 - mach**2) * wavenumber**2 * wave
    step = R[1] - R[0]
    live = (np.abs(R - 1) > 0.5) & (4 * step < R) & (R[-1] - 4 * step > R)
    live = live & ((X[3] < X) & (X[-4] > X))[:, None]
    size2 = np.mean(psi.numpy() ** 2)
    residual = (u + u_x) / helmholtz**2
    expected = 0.25 * np.sum(np.abs(residual) ** 2 * live) / (2 * residual.size) / size2
    assert found.item() == pytest.approx(expected, rel=1e-10)
    assert losses.velocity_residuals(wrong, batch, dataclasses.replace(preset, physics=0.0)) == 0


class Twisted(nn.Module):
    """Linear maps that do not commute: u = i k r psi, v = psi of the next row."""

    config = Derivatives(1.0).config

    def forward(self, field, parameters):
        u = 3.0 * torch.from_numpy(R) * torch.stack([-field[:, 1], field[:, 0]], dim=1)
        return torch.cat([u, field.roll(1, dims=3)], dim=1)


def test_the_twist_is_among_the_residuals():
    """Both residuals in complex numbers: the convected Helmholtz equation, and u_r = v_x."""
    m, helmholtz, mach = 2, 5.0, -0.4
    psi = torch.randn(1, 2, len(X), len(R), dtype=torch.float64)
    batch = [psi, torch.tensor([[m, helmholtz, mach]], dtype=torch.float64), None]
    field = psi[0, 0].numpy() + 1j * psi[0, 1].numpy()

    def along(values):
        return 3j * R * values

    def across(values):
        return np.roll(values, 1, axis=1)

    wave = (1 - mach**2) * along(along(field)) + across(across(field)) + across(field) / R
    wave = wave + (helmholtz**2 - m**2 / R**2) * field + 2j * helmholtz * mach * along(field)
    twist = across(along(field)) - along(across(field))
    step = R[1] - R[0]
    live = (np.abs(R - 1) > 0.5) & (4 * step < R) & (R[-1] - 4 * step > R)
    live = live & ((X[3] < X) & (X[-4] > X))[:, None]
    sum_of_squares = np.sum((np.abs(wave) ** 2 + np.abs(twist) ** 2)[live]) / helmholtz**4
    expected = sum_of_squares / (2 * field.size) / np.mean(psi.numpy() ** 2)
    found = losses.velocity_residuals(Twisted(), batch, Preset(1, 1, 1.0, 1, 1, physics=1.0))
    assert found.item() == pytest.approx(expected, rel=1e-10)


class Noticing(nn.Module):
    """Stands for the constrained network: notes what its methods see, and errs by a known amount."""

    config = type("Config", (), {"x": tuple(X), "r": tuple(R)})

    def __init__(self, seen=None, noise=0.0):
        super().__init__()
        self.seen, self.noise = [] if seen is None else seen, noise

    def on_grid(self, x, r, *, noise):
        return Noticing(self.seen, noise)

    def candidates(self, potential, parameters):
        self.seen.append((self.noise, potential))
        miss = torch.ones(1, 4, 4, len(X), len(R), dtype=torch.float64)
        return torch.arange(1, 5).double()[None, :, None, None, None] * miss  # the exact velocity is zero or one


@pytest.fixture
def cases():
    potential = torch.randn(60, 2, len(X), len(R)).double() * torch.logspace(-2, 2, 60)[:, None, None, None]
    return TensorDataset(potential, torch.randn(60, 3).double(), torch.ones(60, 4, len(X), len(R)).double())


def test_noise_has_the_announced_size(cases):
    model = Noticing()
    samples = error_samples.error_samples(model, cases, 60)
    announced = samples.tensors[1].tolist()
    assert announced == [noise for noise, _ in model.seen]
    noisy = [index for index, noise in enumerate(announced) if noise]
    assert 18 <= len(noisy) <= 42  # half of 60, to three standard deviations
    assert all(1e-6 <= announced[index] <= 10**-0.75 for index in noisy)
    spread = np.ptp(np.log10([announced[index] for index in noisy]))
    assert spread > 4  # of the 5.25 decades from 120 to 15 dB
    values = 2 * len(X) * len(R)
    for index in range(60):
        potential, seen = cases.tensors[0][index], model.seen[index][1][0]
        found = float((seen - potential).square().mean().sqrt() / potential.square().mean().sqrt())
        # four standard deviations of the root mean square of so many values
        assert found == pytest.approx(announced[index], rel=4 / np.sqrt(2 * values))


def test_noise_is_from_120_to_15_decibels(cases):
    """Some 150 draws, uniform in decibels: both ends are met to 3 dB, and none lies beyond them."""
    few = TensorDataset(*(values[:1].expand(300, *values.shape[1:]) for values in cases.tensors))
    noise = error_samples.error_samples(Noticing(), few, 300).tensors[1]
    level = -20 * np.log10(noise[noise > 0].numpy())
    assert 15 <= level.min() < 18
    assert 117 < level.max() <= 120 + 1e-9


def test_samples_are_relative_errors_of_each_method(cases):
    samples = error_samples.error_samples(Noticing(), cases, 20)
    parameters, noise, errors = samples.tensors
    assert torch.equal(parameters, cases.tensors[1][::3])  # evenly chosen
    assert (len(noise), errors.shape[1:3]) == (20, (2, 4))
    # method j gives j + 1 where 1 is right: an error of j in each part, over the root mean square of 1 + i
    np.testing.assert_allclose(10 ** errors[0, :, :, 0, 0], [[1e-9, 1, 2, 3]] * 2, rtol=1e-5)
    assert torch.equal(error_samples.error_samples(Noticing(), cases, 20).tensors[1], noise)
    assert not torch.equal(error_samples.error_samples(Noticing(), cases, 20, seed=1).tensors[1], noise)


class Number(nn.Module):
    def __init__(self, start=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([start]))

    def forward(self, inputs):
        return self.weight.expand(len(inputs))


def squared(model, batch):
    inputs, target = batch
    values = (model(inputs) - target).square()
    return values, torch.ones_like(values)


STEPS = Steps(build=Number, presets={}, loss=squared)
PRESET = Preset(epochs=30, batch=4, rate=0.05, patience=5, width=0)


@pytest.mark.parametrize(("devices", "nodes"), [(3, 1), (2, 3)])
def test_the_batch_must_divide_among_devices_and_nodes(devices, nodes):
    check_devices(PRESET, 2, 2)
    with pytest.raises(ValueError, match=rf"the batch of 4 does not divide .* = {devices} x {nodes}"):
        check_devices(PRESET, devices, nodes)


@pytest.mark.parametrize(("devices", "nodes"), [(0, 1), (1, 0), (-2, -2)])
def test_there_is_a_device_and_a_node(devices, nodes):
    with pytest.raises(ValueError, match=f"must be 1 or more, got {devices} and {nodes}"):
        check_devices(PRESET, devices, nodes)


def numbers(target, count=8):
    return TensorDataset(torch.zeros(count, 1), torch.full((count,), target))


def log(run):
    return np.genfromtxt(run / LOG, delimiter=",", names=True)


def test_the_best_weights_are_kept_and_the_training_stops_early(tmp_path):
    """The training's optimum lies behind the validation's, which the weight passes on its way."""
    model = fit(Number(), numbers(1.0), numbers(0.3), tmp_path, preset=PRESET, progress=False, steps=STEPS)
    rows = log(tmp_path)
    best = int(np.argmin(rows["validation_loss"]))
    assert 0 < best < len(rows) - 1
    assert (float(model.weight) - 0.3) ** 2 == pytest.approx(rows["validation_loss"][best], rel=1e-4)
    assert len(rows) - 1 == best + PRESET.patience
    assert rows["epoch"].tolist() == list(range(len(rows)))
    assert rows["step"].tolist() == [2 * epoch for epoch in range(len(rows))]  # two batches of four


@pytest.mark.parametrize(("epochs", "last"), [(4, 0.0505), (8, 0.001)])
def test_the_rate_falls_along_half_a_cosine_to_its_hundredth(tmp_path, monkeypatch, epochs, last):
    """Half-way it is the mean of both ends."""
    preset = dataclasses.replace(PRESET, epochs=8, rate=0.1, patience=100)
    seen = []
    step = torch.optim.lr_scheduler.CosineAnnealingLR.step
    monkeypatch.setattr(
        torch.optim.lr_scheduler.CosineAnnealingLR,
        "step",
        lambda self, *args: (step(self, *args), seen.append(self.get_last_lr()[0])),
    )
    fit(Number(), numbers(1.0), numbers(1.0), tmp_path, preset=preset, progress=False, steps=STEPS)
    assert len(seen) == 9  # the first before the training
    assert seen[epochs] == pytest.approx(last, rel=1e-9)


def test_a_start_that_is_best_is_kept(tmp_path):
    model = fit(Number(0.3), numbers(1.0), numbers(0.3), tmp_path, preset=PRESET, progress=False, steps=STEPS)
    assert float(model.weight) == pytest.approx(0.3, abs=1e-7)
    assert log(tmp_path)["validation_loss"][0] < 1e-12


def test_residuals_count_in_training_only(tmp_path):
    steps = dataclasses.replace(STEPS, residuals=lambda model, batch, preset: 5.0)
    preset = dataclasses.replace(PRESET, epochs=1, rate=1e-9)
    fit(Number(), numbers(1.0), numbers(0.5), tmp_path, preset=preset, progress=False, steps=steps)
    assert log(tmp_path)["train_loss"][1] == pytest.approx(1 + 5, rel=1e-5)
    assert log(tmp_path)["validation_loss"][1] == pytest.approx(0.25, rel=1e-5)


def test_the_loss_is_the_mean_over_all_values(tmp_path):
    """Nine cases in batches of four: the last batch has one case, which counts as much as any other."""
    target = torch.arange(9.0)
    cases = TensorDataset(torch.zeros(9, 1), target)
    preset = dataclasses.replace(PRESET, epochs=1, rate=1e-9)
    fit(Number(), cases, cases, tmp_path, preset=preset, progress=False, steps=STEPS)
    for name in ("train_loss", "validation_loss"):
        assert log(tmp_path)[name][1] == pytest.approx(float(target.square().mean()), rel=1e-5)


def test_what_is_learned_first_is_measured_and_sampled(tmp_path):
    asked, seen = [], []

    def samples(model, cases, count, seed):
        asked.append((len(cases), count, seed))
        return cases

    def prepare(model, inputs, target):
        seen.append((len(inputs), model.weight.item()))

    steps = dataclasses.replace(STEPS, samples=samples, prepare=prepare)
    preset = dataclasses.replace(PRESET, epochs=1, samples=100)
    fit(Number(), numbers(1.0, 401), numbers(1.0, 100), tmp_path, preset=preset, progress=False, steps=steps)
    assert asked == [(401, 100, 0), (100, 25, 1)]  # as many of the validation cases as of the training cases
    assert seen == [(134, 0.0)]  # every third: 200 at most
    asked.clear()
    fit(Number(), numbers(1.0, 401), numbers(1.0, 4), tmp_path, preset=preset, progress=False, steps=steps)
    assert asked[1] == (4, 8, 1)


def test_another_preset_is_not_gone_on_with(tmp_path):
    preset = dataclasses.replace(PRESET, epochs=1)
    options = {"progress": False, "steps": STEPS}
    fit(Number(), numbers(1.0), numbers(0.5), tmp_path, preset=preset, about={"dataset": "a"}, **options)
    for changed, named in (
        ({"preset": dataclasses.replace(preset, rate=0.1)}, "was begun with rate = "),
        ({"about": {"dataset": "a", "model": "b"}}, "was begun with model = None, not b"),
    ):
        with pytest.raises(ValueError, match=named):
            fit(Number(), numbers(1.0), numbers(0.5), tmp_path, resume=True, **{"preset": preset} | options | changed)
    tensors, texts = read(tmp_path / LAST, ["training"])
    save_file(tensors, tmp_path / LAST, texts)  # without a checksum
    with pytest.raises(ValueError, match="is damaged, or another version's"):
        fit(Number(), numbers(1.0), numbers(0.5), tmp_path, preset=preset, resume=True, **options)


def drawn(seed, epoch, shuffle=True, count=20):
    shares = Shares(count, 8, seed, shuffle=shuffle)
    shares.set_epoch(epoch)
    return list(shares)


def test_order_and_random_numbers_are_those_of_seed_epoch_and_case():
    first = drawn(3, 5)
    assert drawn(3, 5) == first
    orders = [[index for index, _, _ in found] for found in (first, drawn(3, 6), drawn(4, 5))]
    assert len({tuple(order) for order in orders}) == 3
    seeds = [{index: seed for index, seed, _ in found} for found in (first, drawn(3, 6), drawn(4, 5))]
    assert len({seed for found in seeds for seed in found.values()}) == 60  # all different
    still = drawn(3, 5, shuffle=False)
    assert [index for index, _, _ in still] == list(range(20))
    assert drawn(3, 6, shuffle=False) == still  # validation is the same in every epoch


class Random(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return (torch.rand(3) + index,)


def test_a_case_draws_its_own_numbers_and_leaves_torch_s_alone():
    cases, state = Seeded(Random()), torch.get_rng_state()
    value, seed, weight = cases[2, 7, 0.0]
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(5)
    assert torch.equal(cases[2, 7, 1.0][0], value)
    assert not torch.equal(cases[2, 8, 1.0][0], value)
    torch.testing.assert_close(value, torch.rand(3, generator=torch.Generator().manual_seed(7)) + 2)
    assert (weight, seed) == (0, 7)


@pytest.mark.parametrize("first", [np.nan, np.inf])
def test_a_start_without_a_loss_is_no_best_one(tmp_path, first):
    model, record = Number(0.5), Record(tmp_path, {})
    for loss, weight, best in ((first, 1.0, 1.0), (np.nan, 2.0, 1.0), (7.0, 3.0, 3.0), (np.nan, 4.0, 3.0)):
        model.weight.data[:] = weight
        record.validated(model, loss)
        assert record.best["weight"].tolist() == [best]


def test_a_resumed_training_that_had_stopped_stops_again(tmp_path):
    options = {"preset": PRESET, "progress": False, "steps": STEPS}
    fit(Number(), numbers(1.0), numbers(0.0), tmp_path, **options)
    assert len(log(tmp_path)) == 1 + PRESET.patience
    before = (tmp_path / LAST).read_bytes()
    model = fit(Number(), numbers(1.0), numbers(0.0), tmp_path, resume=True, **options)
    assert len(log(tmp_path)) == 1 + PRESET.patience
    assert (tmp_path / LAST).read_bytes() == before
    assert float(model.weight) == 0


def test_the_log_is_rewritten_on_resumption(tmp_path):
    """From the checkpoint's rows: a process killed between both leaves a log that is ahead of it, or behind."""
    options = {"preset": PRESET, "progress": False, "steps": STEPS}
    fit(Number(), numbers(1.0), numbers(0.0), tmp_path, **options)
    right = (tmp_path / LOG).read_text()
    (tmp_path / LOG).write_text(right + "9,99,0.0,0.0\n")
    fit(Number(), numbers(1.0), numbers(0.0), tmp_path, resume=True, **options)
    assert (tmp_path / LOG).read_text() == right
