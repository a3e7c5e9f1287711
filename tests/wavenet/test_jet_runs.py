"""Runs of the jets' network: training by the engine of all networks, its faults, comparison and attribution."""

import dataclasses
import json
import signal

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from analytic import DuctMode, Jet, solve, sweep
from data.read import read
from wavenet import networks, runs
from wavenet.cli import main
from wavenet.jets import learning
from wavenet.jets.inputs import COUNT, NAMES
from wavenet.jets.network import PARAMETERS
from wavenet.study import jet_comparison
from wavenet.study.jet_arrays import JetRadiation
from wavenet.study.jet_factors import THETA, StoredFactors, named, of_file
from wavenet.study.jet_relevance import slopes
from wavenet.study.jets import load_network
from wavenet.study.tasks import examples
from wavenet.training import loading, loop
from wavenet.training.loop import LAST, LOG, Stopped

# Lightning and torch warn about workers, devices and each other.
pytestmark = pytest.mark.filterwarnings("ignore")
RECIPE = """
task = "jet_factor"
cases = {cases}
split = [0.6, 0.2, 0.2]
seed = 3
[source]
m = [0, 1, 2]
n = "cut-on"
helmholtz = [4.0, 9.0]
mach = [{mach}]
mach_outer = [0.0, 0.2]
sound_speed_ratio = [0.6, 1.1]
hub = {{ range = [0.3, 0.6], or = 0.0 }}
density_ratio = {{ range = [0.6, 1.8], times = "1/sound_speed_ratio^2" }}
[windows]
nodes = 24
"""
OTHER = """
task = "forward"
cases = 6
[source]
m = [1]
helmholtz = [4.0, 6.0]
[microphones]
radius = 6.0
angle_deg = [0.0, 90.0, 5]
"""


@pytest.fixture(scope="module")
def data(dataset_file):
    return dataset_file(RECIPE.format(cases=40, mach="0.2, 0.6"))


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """The quick preset, five epochs of two or three steps long."""
    presets = networks.get("jet").steps.presets
    monkeypatch.setitem(presets, "quick", dataclasses.replace(presets["quick"], epochs=5, batch=8, width=12))


@pytest.fixture
def command(capsys):
    """A function that runs a command: status, standard output, standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        return stop.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def train(command):
    return lambda data, folder, *options: command("train", "jet_factor", "--data", data, "-o", folder, *options)


def test_a_training_goes_on_in_the_same_bits(data, tmp_path):
    """The optimizer's covariances and bases are in the checkpoint, and so are its steps."""
    entry = networks.get("jet")
    file = read(data)
    # so many epochs that the bases change after the training has gone on
    preset = dataclasses.replace(entry.steps.presets["quick"], epochs=25, patience=25)
    sets = [TensorDataset(*learning.series(file.arrays, file.cases(split))) for split in ("train", "validation")]

    def fit(run, **options):
        torch.manual_seed(0)
        model = learning.untrained(sets[0].tensors[0], preset.width)
        return loop.fit(model, *sets, run, preset=preset, steps=entry.steps, progress=False, **options)

    whole = fit(tmp_path / "whole")
    for after in (1, 3, 11):  # of 25 steps or more
        calls = []

        def asked(calls=calls, after=after):
            calls.append(1)
            return signal.SIGTERM if len(calls) > after else None

        with pytest.raises(Stopped):
            fit(tmp_path / str(after), asked=asked)
        found = fit(tmp_path / str(after), resume=True)
        assert all(torch.equal(one, two) for one, two in zip(whole.parameters(), found.parameters(), strict=True))
        assert (tmp_path / str(after) / LOG).read_text() == (tmp_path / "whole" / LOG).read_text()


def test_the_command_trains_predicts_and_goes_on(command, train, data, tmp_path):
    run = tmp_path / "run"
    assert train(data, run)[0] == 0
    assert sorted(path.name for path in run.iterdir()) == sorted([LAST, LOG, runs.WEIGHTS])
    name, model, about = runs.load(run)
    assert (name, model.precision, about["preset"]) == ("jet", torch.float64, "quick")
    assert train(data, run, "--resume")[0] == 0  # nothing is left to do
    again = runs.load(run)[1].state_dict()
    assert all(torch.equal(value, again[key]) for key, value in model.state_dict().items() if key != "bars")
    status, _, said = train(data, run)
    assert status == 2
    assert "is not empty; continue with --resume" in said


def test_a_run_predicts_with_the_error_bars_of_its_own_jets(command, train, data, tmp_path):
    run = tmp_path / "run"
    assert train(data, run)[0] == 0
    model, file = load_network(run), read(data)
    held_out = of_file(model, file, file.cases("train")[:: networks.get("jet").held_out])
    jet = dict(zip(PARAMETERS, held_out.parameters[0].tolist(), strict=True))
    options = [f"--{name.replace('_', '-')}={value:.17g}" for name, value in jet.items() if name != "m"]
    mode = ["--m", int(jet["m"]), "--n", 0, *options, "--jet", run]
    status, out, _ = command("predict", *mode, "--coverage", 0.5)
    bar = model.error_bar(int(jet["m"]), jet["helmholtz"], jet["mach"], 0.5)
    assert status == 0
    assert f"relative L2 error of D over the arc at most {bar:.1e}, with probability 0.5" in out
    status, out, said = command("predict", *mode, "--coverage", 0.99)  # which takes 99 jets
    assert (status, out) == (2, "")
    assert said == "wavenet: there is no error bar of coverage 0.99 here: too few jets calibrated it\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (RECIPE.format(cases=20, mach="0.8, 0.85"), "jets is of the low domain"),
        (OTHER, "is a forward dataset, a jet_factor dataset is needed"),
    ],
)
def test_wrong_data_are_named(train, dataset_file, tmp_path, text, named):
    status, out, said = train(dataset_file(text), tmp_path / "run")
    assert (status, out) == (2, "")
    assert said.count("\n") == 1
    assert named in said
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_ends_in_one_line(train, data, tmp_path, monkeypatch):
    real, calls = learning.square_error, []

    def spoilt(*arguments):
        calls.append(1)
        return real(*arguments) * (1.0 if len(calls) < 9 else torch.nan)

    monkeypatch.setattr(learning, "square_error", spoilt)
    status, out, said = train(data, tmp_path / "run")
    assert (status, out) == (1, "")
    assert said.startswith("wavenet: the loss became nan in epoch ")
    assert said.count("\n") == 1


def test_jets_become_the_same_tensors_one_by_one(data):
    from data.read import Cases

    file = read(data)
    whole = loading.of_task("jet_factor").at_once(file.arrays, file.cases("train"))
    lazy = examples(Cases(data, "train"))
    assert all(torch.equal(one, two) for one, two in zip(whole, lazy.tensors, strict=True))


def test_stored_factors_give_the_solvers_directivities(data):
    file, model = read(data), load_network()
    found = of_file(model, file, file.cases("test"))
    assert len(found.cases) > 2
    exact = found.directivities(StoredFactors(model.config, found.parameters, found.coefficients))
    jets = {name: one.numpy() for name, one in named(found.parameters).items()}
    solved = sweep(jets.pop("m").astype(int), found.n, jets.pop("helmholtz"), THETA, **jets).directivity
    # 24 coefficients on windows of a dataset, drawn out to the network's: 1e-6 and better
    assert np.max(np.linalg.norm(exact - solved, axis=1) / np.linalg.norm(solved, axis=1)) < 1e-5


def test_the_shipped_network_is_compared_with_what_needs_none(command, data, tmp_path):
    status, out, _ = command("compare", "jet_factor", "--data", data, "-o", tmp_path / "report", "--json")
    assert status == 0
    file = read(data)
    refused = len(file.cases("test")) - len(of_file(load_network(), file, file.cases("test")).cases)
    found = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert found["test_cases"] + found.get("refused_cases", 0) == len(file.cases("test"))
    assert found.get("refused_cases", 0) == refused > 0  # fast jets among them
    median = found["median"]
    assert median["jet"] < 1e-3 < median["nearest training jet"] < 0.5
    assert 0.01 < median["closed forms alone"] < 1
    assert "is the best of 5 methods" in json.loads(out)["verdict"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert f"The network refuses {refused} of {len(file.cases('test'))} test cases" in page
    assert "directivity outside the jet" in page


def test_the_nearest_jet_is_of_the_same_m(data):
    file, model = read(data), load_network()
    found = jet_comparison.compare("jet", model, file, file.cases("train"))
    exact = found.methods[jet_comparison.NEAREST]  # of a training jet it is that jet
    assert np.max(np.abs(exact - found.exact)) < 1e-14  # rounding: cases are summed together
    between = found.methods[jet_comparison.INTERPOLATED]  # and goes through it
    assert np.max(np.abs(between - found.exact)) < 1e-9
    assert len(found.methods) == 5
    fast = np.flatnonzero(torch.isnan(learning.cases(file.arrays, slice(None))[1][:, 0, 0, 0]).numpy())
    with pytest.raises(ValueError, match="takes none of the test jets"):
        jet_comparison.compare("jet", model, file, fast)


def test_slopes_are_the_change_of_the_level_with_the_outputs(data):
    """Second route: the level is computed again with one output changed a little."""
    model = load_network()
    jet = {"m": 2.0, "helmholtz": 8.0, "mach": 0.3, "mach_outer": 0.1, "sound_speed_ratio": 0.8, "density_ratio": 1.6}
    parameters = torch.tensor([[jet.get(name, 0.0) for name in PARAMETERS]], dtype=torch.float64)
    theta = np.array([0.5, 1.5])
    level, rows = slopes(model, parameters, 1, theta)
    assert rows.shape == (2, 4 * model.config.degree)
    step = 1e-5
    with torch.no_grad():
        for output in (0, 5, 30):
            ends = []
            for sign in (1, -1):
                model.layers.offset[output] += sign * step
                ends.append(slopes(model, parameters, 1, theta)[0])
                model.layers.offset[output] -= sign * step
            change = (ends[0] - ends[1]) / (2 * step)
            assert torch.allclose(change, rows[:, output], rtol=1e-6, atol=1e-8)
    exact = sweep(2, 1, 8.0, theta, mach=0.3, mach_outer=0.1, sound_speed_ratio=0.8, density_ratio=1.6).directivity
    assert np.max(np.abs(level.numpy() - np.log(np.abs(exact[0])))) < 1e-2


@pytest.mark.parametrize("method", ["rap", "integrated-gradients"])
def test_the_inputs_of_every_cut_on_mode_are_attributed(command, data, tmp_path, method):
    out = tmp_path / "relevance"
    arguments = ["attribute", "jet_factor", "--data", data, "--case", 4, "--at", "0.5,2", "--method", method]
    assert command(*arguments, "-o", out)[0] == 0
    found = json.loads((out / "attribution.json").read_text())
    file = read(data)
    assert len(NAMES) == COUNT
    for n, output in enumerate(found["outputs"]):
        assert output["mode"] == [file["m"][4], n]
        assert output["angle_deg"] == pytest.approx(np.degrees(np.arctan2(2, 0.5)))
        assert list(output["relevance"]) == list(NAMES)
        assert output["relevance_sum"] == pytest.approx(sum(output["relevance"].values()))
        assert (out / f"relevance_D{n}.png").exists()
        if method == "rap":
            assert output["miss"] < 1e-6


def test_jets_of_the_error_bars_are_not_trained_on(data):
    file = read(data)
    given = learning.series(file.arrays, file.cases("train"))
    model, jets = learning.untrained(given[0], 8), TensorDataset(*given)
    every = networks.get("jet").held_out
    low = torch.isfinite(learning.values(*given)[:, 0, 0, 0])
    left = low & (torch.arange(len(low)) % every > 0)
    taken = networks.get("jet").steps.samples(model, jets, 0, 0)
    assert torch.equal(taken.tensors[0], model.features(given[0][left]).float())
    validating = networks.get("jet").steps.samples(model, jets, 0, 1)
    assert len(validating) == low.sum() > len(taken)


def test_another_m_is_never_the_nearest(data):
    file, model = read(data), load_network()
    train, test = (of_file(model, file, file.cases(split)) for split in ("train", "test"))
    chosen = jet_comparison.nearest(train, test)
    assert torch.equal(train.parameters[torch.from_numpy(chosen), 0], test.parameters[:, 0])


def test_hubs_reach_the_network_from_the_commands(command):
    options = ["--helmholtz", 5, "--mach", 0.3, "--angles", "30:120:4"]
    status, out, _ = command("predict", "--m", 2, "--n", 0, *options, "--hub", 0.4, "--jet", "--json")
    assert status == 0
    exact = solve(DuctMode(2, 0, 5.0, 0.3, 0.4), jet=Jet()).relative_level(np.radians([30, 60, 90, 120]))
    assert np.max(np.abs(np.array(json.loads(out)["far_field"]["level_db"]) - exact)) < 0.1
    status, _, said = command("detect", "--array", "none.h5", "--hub", 0.4)
    assert (status, said.count("\n")) == (2, 1)


def test_pressures_of_a_duct_with_a_hub_are_the_solvers():
    jet, ka, mach, hub = Jet(0.1, 0.8, 1.6, instability=False), 6.0, 0.35, 0.5
    radiation = JetRadiation(load_network(), jet, hub)
    assert (4, 0) in radiation.cut_on(ka, mach)
    assert (5, 0) in radiation.cut_on(ka, mach)  # it is not without the hub
    x, r = np.array([12.0, -3.0, 5.0]), np.array([9.0, 14.0, 20.0])
    exact = solve(DuctMode(2, 0, ka, mach, hub), jet=jet).at(x, r).pressure
    with torch.no_grad():
        order = torch.tensor([2]), torch.tensor([0])
        found = radiation.pressure(*order, ka, mach, torch.from_numpy(x), torch.from_numpy(r))[0].numpy()
    assert np.linalg.norm(found - exact) < 1e-2 * np.linalg.norm(exact)
