"""Augmentation of whole batches, and the batches of a training: by second routes, in numpy and case by case."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from wavenet.networks import Steps
from wavenet.training import batches as batching
from wavenet.training import memory
from wavenet.training.augmentation import (
    UNCHANGED,
    Augmentation,
    Partners,
    combined,
    noisy,
    normal,
    uniform,
    windows,
)
from wavenet.training.batches import Loaded, Resident
from wavenet.training.loop import fit
from wavenet.training.order import Shares
from wavenet.training.presets import Preset

CPU = torch.device("cpu")
CASES, X, R = 24, 10, 6


@pytest.fixture
def cases():
    draw = torch.Generator().manual_seed(0)
    parameters = torch.tensor([[0, 1.0, 0], [1, 2.0, 0], [1, 2.0, 0.1]]).double().repeat(8, 1)
    parameters[-1] = 9  # alone in its group
    potential, velocity = (torch.randn(CASES, parts, X, R, generator=draw).double() for parts in (2, 4))
    return TensorDataset(potential, parameters, velocity)


def linear(network, potential, parameters, velocity, level=None):
    """A complex linear map of the potential (case, 4, x, r), and something that is not."""
    turned = torch.stack([-potential[:, 1], potential[:, 0]], dim=1)
    return torch.cat([3 * potential, turned], dim=1), potential.square().sum(dim=(1, 2, 3))


def splitmix(state):
    """Vigna's splitmix64.c, in Python's integers: the next state and number."""
    state = (state + 0x9E3779B97F4A7C15) % 2**64
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return state, z ^ (z >> 31)


def scrambled(z):
    return splitmix((z - 0x9E3779B97F4A7C15) % 2**64)[1]


def test_random_numbers_are_those_of_splitmix():
    seeds = torch.tensor([0, 1, 2**62 + 12345])
    found = uniform(seeds, 3, 4)
    for seed, row in zip(seeds.tolist(), found.tolist(), strict=True):
        state = scrambled((scrambled(seed) + 3) % 2**64)
        for value in row:
            state, number = splitmix(state)
            assert value == ((number >> 11) + 0.5) / 2**53


def test_random_numbers_are_uniform_and_normal():
    seeds = torch.randint(2**63 - 1, (40,), generator=torch.Generator().manual_seed(1))
    drawn = uniform(seeds, 0, 1001)
    assert stats.kstest(drawn.flatten(), "uniform").pvalue > 0.01
    assert stats.kstest(normal(seeds, 0, 1001).flatten(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(drawn[:, :-1].flatten(), drawn[:, 1:].flatten())[0, 1]) < 4 / np.sqrt(40_000)
    assert not torch.equal(drawn, uniform(seeds, 1, 1001))
    assert torch.equal(uniform(seeds[5:6], 0, 7), drawn[5:6, :7])  # whatever the batch


@pytest.mark.parametrize(
    "wrong", [{"window": 0}, {"noise": (0.0, 1.0)}, {"noise": (2.0, 1.0)}, {"silent": 1.5}, {"silent": -0.1}]
)
def test_impossible_augmentations_are_refused(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values()))).strip("()")[:3]):
        Augmentation(**wrong)


def test_partners_are_other_cases_with_the_same_parameters(cases):
    parameters = cases.tensors[1]
    partners = Partners(parameters)
    met = {}
    for seed in range(300):
        chosen = torch.arange(CASES)
        found, any_other = partners.of(chosen, torch.arange(CASES) + 1000 * seed)
        assert any_other.tolist() == [True] * (CASES - 1) + [False]
        assert torch.equal(parameters[found], parameters)
        assert (found != chosen)[:-1].all()
        for case, other in enumerate(found.tolist()):
            met.setdefault(case, set()).add(other)
    assert [len(met[case]) for case in (0, 1, 2)] == [7, 7, 6]  # all others of the group


def multiples(changed, plain):
    """Complex factor of each case, if the fields are multiples of each other."""
    one, two = (torch.complex(part[:, 0::2], part[:, 1::2]) for part in (changed, plain))
    factor = (one / two)[:, :1, :1, :1]
    torch.testing.assert_close(one, factor * two, rtol=1e-12, atol=1e-12)
    return factor


def test_a_factor_multiplies_fields_and_their_constants_alike(cases):
    batch = [*cases.tensors, *linear(None, *cases.tensors)]
    seeds = torch.arange(CASES) * 7
    changed = combined(batch, seeds, Augmentation(factor=True), (0, 2, 3), None)
    factors = [multiples(changed[place], batch[place]) for place in (0, 2, 3)]
    assert all(torch.allclose(each, factors[0], rtol=1e-12) for each in factors)
    assert ((factors[0].abs() >= 0.5) & (factors[0].abs() <= 2)).all()
    assert len(set(factors[0].flatten().tolist())) == CASES
    phase = np.sort(np.angle(factors[0].numpy().ravel()))
    assert np.diff(phase).max() < 2  # all around
    assert torch.equal(changed[1], batch[1])
    assert torch.equal(changed[4], batch[4])
    torch.testing.assert_close(changed[3], linear(None, *changed[:3])[0], rtol=1e-12, atol=1e-12)


def test_superposition_adds_the_same_multiple_to_all_fields(cases):
    batch = [*cases.tensors, *linear(None, *cases.tensors)]
    seeds, partners = torch.arange(CASES) * 7, Partners(cases.tensors[1])
    index, there = partners.of(torch.arange(CASES), seeds)
    other = [each[index] for each in batch]
    changed = combined(batch, seeds, Augmentation(superpose=True), (0, 2, 3), [*other, there])
    added = [multiples((changed[place] - batch[place])[:-1], other[place][:-1]) for place in (0, 2, 3)]
    assert all(torch.allclose(each, added[0], rtol=1e-9) for each in added)
    assert stats.kstest(torch.view_as_real(added[0]).flatten(), "norm").pvalue > 0.01
    assert torch.equal(changed[0][-1], batch[0][-1])  # the one without others


def test_noise_has_its_level_in_each_case(cases):
    potential = cases.tensors[0].repeat(20, 1, 3, 5) * torch.logspace(-3, 3, 20 * CASES)[:, None, None, None]
    seeds = torch.arange(len(potential))
    changed, level = noisy(potential, seeds, Augmentation(noise=(1e-6, 1e-1), silent=0.25))
    found = (changed - potential).square().mean(dim=(1, 2, 3)).sqrt() / potential.square().mean(dim=(1, 2, 3)).sqrt()
    # four standard deviations of the root mean square of so many values
    torch.testing.assert_close(found, level, rtol=4 / np.sqrt(2 * potential[0].numel()), atol=0)
    loud = level[level > 0].log10()
    assert len(loud) == pytest.approx(0.75 * len(level), abs=4 * np.sqrt(0.19 * len(level)))
    assert stats.kstest(loud, stats.uniform(-6, 5).cdf).pvalue > 0.01


def test_windows_are_parts_of_the_grid(cases):
    batch = [*cases.tensors]
    found, first = windows(batch, torch.arange(CASES), Augmentation(window=4), (0, 2))
    assert set(first.tolist()) == set(range(X - 4 + 1))
    for case, row in enumerate(first.tolist()):
        for place in (0, 2):
            assert torch.equal(found[place][case], batch[place][case, :, row : row + 4])
    assert torch.equal(found[1], batch[1])
    with pytest.raises(ValueError, match=r"1 ... 10 cells, got 11"):
        windows(batch, torch.arange(CASES), Augmentation(window=11), (0, 2))


ALL = Augmentation(factor=True, superpose=True, window=4, noise=(1e-3, 1e-2), silent=0.5)


def epoch(cases, how, *, batch=8, rank=0, processes=1, number=3, start=0, constants=None, fields=(0, 2), kind=Resident):
    shares = Shares(len(cases), batch, 5, shuffle=True, rank=rank, processes=processes)
    made = kind(cases, shares, CPU, constants, how, fields)
    assert made.count == -(-len(cases) // batch)
    return list(made.epoch(number, start))


def test_batches_are_the_same_whatever_their_size_and_the_processes(cases):
    alone = epoch(cases, ALL)
    assert [len(batch) for batch, _ in alone] == [5, 5, 5]
    again = epoch(cases, ALL)
    other = epoch(cases, ALL, number=4)
    for (one, _), (two, _), (three, _) in zip(alone, again, other, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
        assert not torch.equal(one[0], three[0])
    parts = [epoch(cases, ALL, rank=rank, processes=2) for rank in (0, 1)]
    for (whole, _), (first, _), (second, _) in zip(alone, *parts, strict=True):
        for one, two, three in zip(whole, first, second, strict=True):
            torch.testing.assert_close(torch.cat([two, three]), one, rtol=1e-14, atol=0)
    later = epoch(cases, ALL, start=1)
    for (one, _), (two, _) in zip(alone[1:], later, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_cases_are_those_of_the_order_unchanged(cases):
    order = [index for index, _, _ in Shares(CASES, 8, 5, shuffle=True)]
    for kind in (Resident, Loaded):
        found = epoch(cases, UNCHANGED, number=0, kind=kind)
        for place, tensor in enumerate(cases.tensors):
            assert torch.equal(torch.cat([batch[place] for batch, _ in found]), tensor[order])


class Lazy(Dataset):
    def __init__(self, cases):
        self.cases = cases

    def __len__(self):
        return len(self.cases)

    def __getitem__(self, index):
        return self.cases[index]


def test_cases_that_are_read_one_by_one_are_changed_alike(cases):
    how = Augmentation(factor=True, window=4, noise=(1e-3, 1e-2))

    def constants(*batch):
        return linear(None, *batch)

    for start in (0, 2):
        options = {"constants": constants, "fields": (0, 2, 3), "start": start}
        for (one, weight), (two, other) in zip(
            epoch(cases, how, **options), epoch(Lazy(cases), how, kind=Loaded, **options), strict=True
        ):
            assert torch.equal(weight, other)
            assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    with pytest.raises(ValueError, match="not superposed"):
        epoch(Lazy(cases), ALL, kind=Loaded)


def test_constants_are_computed_once_and_follow_the_batch(cases):
    calls = []

    def constants(*batch):
        calls.append(len(batch[0]))
        return linear(None, *batch)

    how = Augmentation(factor=True, superpose=True)
    made = Resident(cases, Shares(CASES, 8, 5, shuffle=True), CPU, constants, how, (0, 2, 3))
    for number in range(3):
        for batch, _ in made.epoch(number):
            torch.testing.assert_close(batch[3], linear(None, *batch[:3])[0], rtol=1e-12, atol=1e-12)
    assert calls == [CASES]
    calls.clear()
    # with noise they are those of the noisy potential, in every batch
    loud = Augmentation(noise=(0.1, 0.2))
    made = Resident(cases, Shares(CASES, 8, 5, shuffle=True), CPU, constants, loud, (0, 2, 3))
    for batch, _ in made.epoch(0):
        assert torch.equal(batch[3], linear(None, *batch[:3])[0])
        assert len(batch) == 6
    assert calls == [8, 8, 8]


def test_constants_are_computed_in_chunks(cases, monkeypatch):
    monkeypatch.setattr(batching, "_CHUNK", 7)
    calls = []

    def constants(*batch):
        assert not torch.is_grad_enabled()
        calls.append(len(batch[0]))
        return linear(None, *batch)

    made = Resident(cases, Shares(CASES, 8, 5, shuffle=False), CPU, constants, UNCHANGED, (0, 2, 3))
    assert calls == [7, 7, 7, 3]
    found = torch.cat([batch[3] for batch, _ in made.epoch(0)])
    assert torch.equal(found, linear(None, *cases.tensors)[0])


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))


def test_a_network_learns_what_its_linear_part_leaves(cases, tmp_path):
    """The loss gets the constant, scaled like the fields, in training and in validation."""
    seen = []

    def loss(model, batch):
        potential, _, velocity, base, level = batch
        seen.append((torch.is_grad_enabled(), level, potential))
        assert torch.allclose(base, linear(None, potential, None, None)[0])
        values = (velocity - base - model.weight * base).square().mean(dim=(1, 2, 3))
        return values, torch.ones_like(values)

    def constants(network, *batch):
        assert isinstance(network, Scaled)
        return linear(network, *batch)[:1]

    steps = Steps(
        build=Scaled,
        presets={},
        loss=loss,
        constants=constants,
        fields=(0, 2, 3),
        augmentation=Augmentation(factor=True, noise=(1e-3, 1e-2)),
    )
    truth = TensorDataset(*cases.tensors[:2], 1.5 * linear(None, *cases.tensors)[0])
    preset = Preset(epochs=40, batch=8, rate=0.1, patience=40, width=0)
    model = fit(Scaled(), truth, truth, tmp_path, preset=preset, progress=False, steps=steps)
    assert model.weight.item() == pytest.approx(0.5, abs=0.02)
    assert torch.allclose(seen[0][2], cases.tensors[0][:8], rtol=0, atol=0.1)  # in validation, noise only
    held = [level for grad, level, _ in seen if not grad]
    assert len(held) == 41 * 3
    assert all(torch.equal(one, two) for one, two in zip(held[:3], held[-3:], strict=True))  # the same in each epoch


def test_cases_stay_where_they_are_if_the_device_is_too_small(cases, monkeypatch):
    monkeypatch.setattr(batching, "free", lambda device: 1000)
    found = epoch(cases, UNCHANGED)
    assert torch.equal(
        torch.cat([batch[0] for batch, _ in found]), torch.cat([b[0] for b, _ in epoch(cases, UNCHANGED)])
    )


def test_free_memory_is_that_of_the_container(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CONTROL_GROUP", tmp_path)
    whole = memory.free(CPU)
    assert whole > 2**20
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert memory.free(CPU) == 2000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free(CPU) > 2**20
