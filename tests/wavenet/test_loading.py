"""Datasets for training: lazy reading by any number of processes, and augmentation that keeps the physics."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from analytic import ModeMixture, solve
from data.read import Cases, read
from wavenet.training.loading import Augmentation, FieldCases, ForwardCases

RECIPE = """
task = "derivative"
cases = 24
split = [0.5, 0.25, 0.25]
[source]
m = [0, 2]
helmholtz = [10.2, 12.0]
mach = [-0.3, 0.3]
modes = [3, 3]
mixtures = 3
[grid]
x = [-1.0, 1.0, 12]
r = [0.0, 2.0, 10]
"""
FORWARD = """
task = "forward"
cases = 10
[source]
m = [1]
helmholtz = [4.0, 6.0]
[microphones]
radius = 3.0
angle_deg = [0.0, 90.0, 5]
"""


@pytest.fixture(scope="module")
def path(dataset_file):
    return dataset_file(RECIPE, workers=2)


def load(path, workers=0, seed=0, **augmentation):
    cases = Cases(path, "train")
    dataset = FieldCases(cases, cases.constants["x"], Augmentation(**augmentation))
    torch.manual_seed(seed)
    return [torch.cat(parts) for parts in zip(*DataLoader(dataset, 5, num_workers=workers), strict=True)]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_lazy_cases_are_those_of_the_whole_file(path, workers):
    dataset = read(path)
    chosen = dataset.cases("train")
    potential, parameters, velocity = load(path, workers)
    np.testing.assert_array_equal(potential, dataset["potential"][chosen])
    np.testing.assert_array_equal(velocity[:, :2], dataset["axial_velocity"][chosen])
    np.testing.assert_array_equal(velocity[:, 2:], dataset["radial_velocity"][chosen])
    np.testing.assert_array_equal(parameters[:, 1], dataset["helmholtz"][chosen])


def test_cases_are_opened_by_each_process_for_itself(path):
    cases = Cases(path, "test")
    first = cases[0]
    copy = pickle.loads(pickle.dumps(cases))
    np.testing.assert_array_equal(copy[0]["potential"], first["potential"])
    assert len(cases) == 6
    np.testing.assert_array_equal(cases[-1]["potential"], cases[5]["potential"])
    with pytest.raises(IndexError):
        cases[6]
    with pytest.raises(ValueError, match="split must be one of"):
        Cases(path, "nowhere")
    with pytest.raises(ValueError, match="is a derivative dataset"):
        Cases(path, "test", task="forward")


def test_a_factor_multiplies_everything_alike(path):
    plain, changed = load(path), load(path, factor=True)

    def of(field):
        return torch.complex(field[:, 0::2], field[:, 1::2])

    ratio = of(changed[0])[:, :, 3:4, 3:4] / of(plain[0])[:, :, 3:4, 3:4]
    assert torch.all((ratio.abs() >= 0.5) & (ratio.abs() <= 2))
    assert len(set(ratio.flatten().tolist())) == len(ratio)
    for part in (0, 2):
        assert torch.allclose(of(changed[part]), ratio * of(plain[part]), rtol=1e-12)


def test_superposed_fields_are_solutions(path):
    """Solved again with the amplitudes that the sums have, they are the same fields."""
    dataset = read(path)
    chosen = dataset.cases("train")
    potential, parameters, velocity = load(path, superpose=True, seed=3)
    for index in (0, 4, 7):
        case, group = chosen[index], dataset["group"][chosen[index]]
        members = np.flatnonzero(dataset["group"] == group)
        basis = np.stack([dataset["potential"][member].reshape(2, -1).T @ [1, 1j] for member in members], axis=1)
        field = potential[index].numpy().reshape(2, -1).T @ [1, 1j]
        weights = np.linalg.lstsq(basis, field, rcond=None)[0]
        assert np.count_nonzero(np.abs(weights) > 1e-6) == 2
        assert weights[members == case] == pytest.approx(1)
        amplitudes = weights @ (dataset["amplitude"][members] @ [1, 1j])
        m, helmholtz, mach = parameters[index].tolist()
        solved = solve(ModeMixture(int(m), amplitudes, helmholtz, mach)).field(dataset["x"], dataset["r"])
        for part, exact in (
            (velocity[index, :2], solved.axial_velocity),
            (velocity[index, 2:], solved.radial_velocity),
        ):
            np.testing.assert_allclose(np.moveaxis(part.numpy(), 0, -1) @ [1, 1j], exact, rtol=1e-6, atol=1e-6)


def test_superposed_fields_are_solutions_of_other_members(path):
    """Another member of the group is added, not the field itself."""
    plain, (potential, _, _) = load(path), load(path, superpose=True, seed=3)
    own = [p.reshape(2, -1).T.numpy() @ [1, 1j] for p in plain[0]]
    sums = [p.reshape(2, -1).T.numpy() @ [1, 1j] for p in potential]
    for field, together in zip(own, sums, strict=True):
        added = together - field
        alike = abs(np.vdot(field, added)) / np.linalg.norm(field) / np.linalg.norm(added)
        assert alike < 0.999  # a multiple of the field itself has 1


def test_a_window_is_a_part_of_the_grid(path):
    plain, (potential, _, velocity, x) = load(path), load(path, window=5)
    grid = read(path)["x"]
    starts = np.searchsorted(grid, x[:, 0].numpy())
    assert len(set(starts.tolist())) > 2
    for index, start in enumerate(starts):
        np.testing.assert_array_equal(x[index], grid[start : start + 5])
        np.testing.assert_array_equal(potential[index], plain[0][index, :, start : start + 5])
        np.testing.assert_array_equal(velocity[index], plain[2][index, :, start : start + 5])
    with pytest.raises(ValueError, match="window must have"):
        load(path, window=13)


def test_random_changes_repeat_with_the_seed(path):
    options = {"factor": True, "superpose": True, "window": 4}
    for workers in (0, 2):
        first, second, other = (load(path, workers, seed, **options) for seed in (1, 1, 2))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
        assert not torch.equal(first[0], other[0])


def test_forward_cases(dataset_file):
    path = dataset_file(FORWARD, workers=2)
    dataset, cases = read(path), ForwardCases(Cases(path, "train"))
    chosen = dataset.cases("train")
    inputs, pressure = zip(*(cases[index] for index in range(len(cases))), strict=True)
    np.testing.assert_allclose(torch.stack(pressure), dataset["pressure"][chosen], rtol=1e-6)
    np.testing.assert_allclose(torch.stack(inputs)[:, 3], dataset["helmholtz"][chosen], rtol=1e-6)
