"""Training of the jets' surrogate, its error bars, the shipped network and what falls back to the solver."""

import json

import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev
from torch.utils.data import TensorDataset

from analytic import DuctMode, Jet, solve, sweep
from analytic.jet_windows import bounds, jet_windows, window_nodes
from analytic.sheet import Sheet
from wavenet import jets, networks, runs
from wavenet.cli import main
from wavenet.jets.error_bars import BANDS, LEVELS, bands, bars
from wavenet.jets.learning import basis, calibrate, cases, mode_errors, samples, series, untrained, window_points
from wavenet.jets.network import PARAMETERS
from wavenet.jets.optimizer import Soap
from wavenet.jets.sheet import Sheets
from wavenet.study.jets import load_network, or_solve, predict
from wavenet.training import loop
from wavenet.training.presets import Preset

# m, ka, M, outer Mach number, sound speed ratio, density ratio, hub; the last is of the high domain
ROWS = [
    (0, 3.0, 0.4, 0.0, 1.0, 1.0, 0.0),
    (1, 5.0, 0.3, 0.1, 0.7, 1.5, 0.0),
    (2, 8.0, 0.3, 0.2, 0.6, 2.8, 0.0),
    (2, 6.0, 0.2, 0.1, 1.1, 0.7, 0.6),
    (0, 4.0, 0.5, 0.2, 0.9, 1.1, 0.3),
    (1, 7.0, 0.8, 0.0, 1.0, 1.0, 0.0),
]


@pytest.fixture(scope="module")
def arrays():
    """Arrays of a dataset of these jets."""
    found = [jet_windows(m, ka, mach, Jet(*outer), 24, hub=hub) for m, ka, mach, *outer, hub in ROWS]
    columns = {name: np.array(one) for name, one in zip(PARAMETERS, zip(*ROWS, strict=True), strict=True)}
    logs = {name: np.array([getattr(one, name) for one in found]) for name in ("log_minus", "log_plus")}
    return (
        columns
        | {name: np.stack([log.real, log.imag], axis=-1) for name, log in logs.items()}
        | {"node": window_nodes(24)}
    )


def test_the_values_learned_are_the_solvers_on_the_networks_windows(arrays):
    parameters, values = cases(arrays, slice(None))
    assert torch.equal(parameters[:, 0], torch.tensor([row[0] for row in ROWS], dtype=torch.float64))
    assert torch.isnan(values[-1]).all()
    assert torch.isfinite(values[:-1]).all()
    m, ka, mach, *outer, _ = ROWS[2]
    sheets = Sheets(m, *parameters[2:3, 1:].T[..., None])
    assert bounds(Sheet(m, ka, mach, *outer))[1] == pytest.approx(sheets.boundary.item(), rel=1e-14)
    fine = jet_windows(m, ka, mach, Jet(*outer), 48)
    series = chebyshev.chebfit(window_nodes(48), fine.log_plus, 47)
    first, last = sheets.boundary.item(), sheets.last.item()
    s = first + (last - first) * (window_points() + 1) / 2
    half = (fine.s_plus[-1] - fine.s_plus[0]) / (window_nodes(48)[-1] - window_nodes(48)[0])
    place = (s - fine.s_plus[0]) / half + window_nodes(48)[0]
    expected = chebyshev.chebval(place, series) - chebyshev.chebval(-1.0, series)
    found = torch.view_as_complex(values[2, 1].contiguous()).numpy()
    assert np.max(np.abs(found - expected)) < 1e-6  # 24 nodes, drawn out to the network's longer window


def test_series_vanish_where_the_windows_meet_and_all_orders_are_there():
    table = basis(13)
    assert table.shape == (2, len(window_points()), 13)
    degrees = np.arange(1, 14)
    assert np.max(np.abs(table[0].numpy() - (np.cos(np.outer(np.arccos(window_points()), degrees)) - 1))) < 1e-12
    assert (
        abs(table[1, 0].numpy() - (np.cos(np.arccos(window_points()[0]) * degrees) - (-1.0) ** degrees)).max() < 1e-12
    )


def taught(given, run):
    """The network trained on these jets, by the engine of all networks; every eighth is for the error bars."""
    torch.manual_seed(0)
    model, preset = untrained(given[0], 32), Preset(150, 6, 3e-3, 150, 32)
    jets = TensorDataset(*given)
    trained = loop.fit(model, jets, jets, run, preset=preset, steps=networks.get("jet").steps, progress=False)
    calibrate(trained, *(one[::8] for one in given))
    return trained


def test_a_few_jets_are_memorised_and_their_directivities_with_them(arrays, tmp_path):
    few = {name: one if name == "node" else np.repeat(one, 4, axis=0) for name, one in arrays.items()}
    model = taught(series(few, slice(None)), tmp_path)
    parameters, values = cases(few, slice(None))
    low = torch.isfinite(values[:, 0, 0, 0])
    errors = mode_errors(model, parameters[low], values[low], np.random.default_rng(0))
    assert np.max(errors) < 0.01
    assert model.precision == torch.float64
    assert model.config.low[1] == 3.0
    assert model.config.high[2] == 0.5  # not 0.8: of the high domain
    assert (model.config.low[6], model.config.high[6], model.config.plain) == (0.3, 0.6, True)
    assert not torch.isnan(model.state_dict()["layers.0.weight"]).any()
    exact = sweep(1, 0, 5.0, [0.8, 1.6], mach=0.3, mach_outer=0.1, sound_speed_ratio=0.7, density_ratio=1.5)
    found = model.directivity(1, 0, 5.0, 0.3, [0.8, 1.6], mach_outer=0.1, sound_speed_ratio=0.7, density_ratio=1.5)
    assert np.linalg.norm(found.detach().numpy() - exact.directivity) < 0.01 * np.linalg.norm(exact.directivity)
    with pytest.raises(ValueError, match="none of 4 jets is of the low domain"):
        untrained(parameters[~low], 32)
    with pytest.raises(ValueError, match="none of 4 jets is of the low domain"):
        samples(model, *(one[~low] for one in series(few, slice(None))))


def test_the_first_step_is_the_orthogonal_factor_of_the_gradient_and_later_ones_reach_a_minimum():
    """In the singular bases a gradient is diagonal, and Adam's first step its sign: U V^T. A vector's is its sign."""
    generator = torch.Generator().manual_seed(0)
    gradient = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    matrix, vector = (torch.nn.Parameter(torch.zeros(*shape, dtype=torch.float64)) for shape in ((4, 3), (3,)))
    matrix.grad, vector.grad = gradient, torch.tensor([2.0, -0.1, 3.0], dtype=torch.float64)
    Soap([matrix, vector], 0.1).step()
    u, _, v = torch.linalg.svd(gradient, full_matrices=False)
    # rounding off the diagonal, 1e-15, counts against _SMALL = 1e-12
    assert torch.allclose(matrix, -0.1 * u @ v, atol=1e-3)
    assert torch.allclose(vector, torch.tensor([-0.1, 0.1, -0.1], dtype=torch.float64))

    target = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    weight = torch.nn.Parameter(torch.zeros(4, 3, dtype=torch.float64))
    optimizer = Soap([weight], 0.1)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-4, 200)
    for _ in range(200):
        optimizer.zero_grad()
        (weight - target).square().sum().backward()
        optimizer.step()
        schedule.step()
    assert torch.max(torch.abs(weight - target)) < 0.05


def test_the_average_of_gradients_turns_with_the_basis():
    """In the weights' own axes the average is that of the gradients, whatever the bases were."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.nn.Parameter(torch.zeros(4, 3, dtype=torch.float64))
    optimizer, average = Soap([weight], 0.0), torch.zeros(4, 3, dtype=torch.float64)
    for _ in range(45):  # two changes of the basis
        weight.grad = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        average = 0.95 * average + 0.05 * weight.grad
        optimizer.step()
    state = optimizer.state[weight]
    left, right = state["left_basis"], state["right_basis"]
    assert torch.allclose(left @ state["mean"] @ right.T, average, rtol=0, atol=1e-12)
    assert not torch.allclose(left.abs(), torch.eye(4, dtype=torch.float64))


def test_error_bars_are_order_statistics_of_their_band():
    m, ka, mach = np.array([0, 7, 0, 7]), np.array([5.0, 5.0, 15.0, 15.0]), np.array([0.2, 0.2, 0.2, 0.5])
    assert len(set(bands(m, ka, mach).tolist())) == 4
    assert bands(-m, ka, mach).tolist() == bands(m, ka, mach).tolist()
    assert not set(bands(m, ka, mach, np.array([0.2, 0.3, 0.4, 0.7]))) & set(bands(m, ka, mach, 0.0 * m))
    assert len(set(bands(np.array([13, 14, 20, 14]), ka, np.array([0.2, 0.2, 0.2, 0.3])).tolist())) == 3
    errors = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))
    found = bars(np.full(99, 3), errors)
    assert found[3].tolist() == [50.0, 80.0, 90.0, 95.0, 99.0]  # number ceil(100 coverage)
    assert np.isnan(np.delete(found, 3, axis=0)).all()
    assert np.isnan(bars(np.full(98, 3), errors[:98])[3, -1])  # 99 % take 99
    assert found.shape == (BANDS, len(LEVELS))


def test_the_shipped_network_is_the_solver_within_its_error_bars():
    model = jets.load()
    assert networks.of(model).name == "jet"
    m, n, ka = np.array([0, 2, 5, 1, 9]), np.array([0, 0, 1, 1, 0]), np.array([2.0, 8.0, 14.0, 9.0, 15.0])
    streams = {"mach": np.array([0.3, 0.3, 0.4, 0.2, 0.45]), "sound_speed_ratio": 0.8, "density_ratio": 1.5}
    theta = np.linspace(0, np.pi, 36)
    exact = sweep(m, n, ka, theta, **streams).directivity
    with torch.no_grad():
        found = model.directivity(m, n, ka, streams["mach"], theta, sound_speed_ratio=0.8, density_ratio=1.5).numpy()
    errors = np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)
    allowed = [model.error_bar(*one, 0.95) for one in zip(m, ka, streams["mach"], strict=True)]
    # five bars of 95 %: one exceeded is likely in every fourth draw, twice the bar is not
    assert np.all(errors < 2 * np.array(allowed))
    assert 0 < min(allowed) < max(allowed) < 0.05
    with pytest.raises(ValueError, match=r"coverage must be one of .*, got 0\.7"):
        model.error_bar(0, 2.0, 0.3, 0.7)
    model.bars.fill_(torch.nan)
    with pytest.raises(ValueError, match=r"no error bar of coverage 0\.95 here"):
        model.error_bar(0, 2.0, 0.3)


def test_what_was_not_learned_is_left_to_the_solver():
    model = jets.load()
    args = ([0, 1, 2, 1, 1], [0, 0, 0, 0, 0], [2.0, 7.0, 25.0, 6.0, 6.0], [0.5, 1.0])
    streams = {"mach": [0.3, 0.8, 0.3, 0.3, 0.3], "kutta": 0.5, "hub": [0.0, 0.0, 0.0, 0.5, 0.1]}
    found = or_solve(model, *args, **streams)
    assert found.learned.tolist() == [True, False, False, True, False]
    exact = sweep(*args, **streams)
    left = ~found.learned
    assert np.array_equal(found.directivity[left], exact.directivity[left])
    assert np.array_equal(found.reflection[left], exact.reflection[left])
    error = np.abs(found.reflection - exact.reflection)[~left]
    assert np.all((error > 0) & (error < 0.01))
    assert np.max(np.abs(found.directivity / exact.directivity - 1)[~left]) < 0.01


@pytest.mark.parametrize("hub", [0.0, 0.45])
def test_the_far_field_of_a_jet_is_that_of_the_solver(hub):
    mode, jet, degrees = DuctMode(2, 0, 6.0, 0.3, hub), Jet(0.1, 0.8, 1.5, 0.5), np.array([30.0, 70.0, 110.0])
    found = predict(load_network(), mode, jet, degrees)
    exact = solve(mode, jet=jet).pressure_directivity(np.radians(degrees))
    assert np.max(np.abs(found.far.pressure / exact - 1)) < 0.01
    assert found.error_bar < 0.01
    with pytest.raises(ValueError, match="hub must be 0 or in the trained range"):
        predict(load_network(), DuctMode(2, 0, 6.0, 0.3, 0.1), jet, degrees)


def run(*arguments):
    """Exit status of a command in this process."""
    with pytest.raises(SystemExit) as stop:
        main([*arguments])
    return stop.value.code


def test_predict_knows_jets(capsys):
    jet = ["--jet", "--sound-speed-ratio", "0.8", "--density-ratio", "1.5"]
    args = ["predict", "--m", "2", "--n", "0", "--helmholtz", "5", "--mach", "0.3", "--angles", "30:120:4"]
    assert run(*args, *jet, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    exact = solve(DuctMode(2, 0, 5.0, 0.3), jet=Jet(0.0, 0.8, 1.5)).relative_level(np.radians([30, 60, 90, 120]))
    assert np.max(np.abs(np.array(found["far_field"]["level_db"]) - exact)) < 0.3
    assert run(*args, *jet) == 0
    assert "with probability 0.95" in capsys.readouterr().out
    assert run(*args, *jet, "--extrapolate") == 2
    assert "keeps to its range" in " ".join(capsys.readouterr().err.split())


def test_a_run_of_another_task_is_refused():
    with pytest.raises(ValueError, match="one of the jet_factor task is needed"):
        load_network(runs.SHIPPED["factor"])
