"""A new network costs one file in wavenet/networks, or none: from the command line and from Python."""

import json
import shutil
import sys
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from data import tasks
from data.read import Cases, read
from data.summary import write_identity
from wavenet import derivatives, networks, outside, runs
from wavenet.derivatives.edge import EdgeConfig, EdgeFunctions
from wavenet.forward.feed_forward import INPUTS, ForwardModel
from wavenet.networks import Explained, Network
from wavenet.study.tasks import build, entry, examples, explained, open_run, predict, tensors
from wavenet.study.training import Options, leads, saved_with, train
from wavenet.training import loading
from wavenet.training.loop import fit
from wavenet.training.records import seconds_of

from .commands import run
from .studies import DERIVATIVE

# Lightning and torch warn about workers, devices and each other.
pytestmark = pytest.mark.filterwarnings("ignore")
FORWARD = """
task = "forward"
cases = 12
split = [0.5, 0.25, 0.25]
[source]
m = [0, 1]
helmholtz = [3.0, 6.0]
[microphones]
radius = 6.0
angle_deg = [0.0, 90.0, 5]
"""
INSIDE = '''
"""A network in one file: one convolution."""

from dataclasses import dataclass

from torch import nn

from wavenet.networks import Explained, Network, Steps, on_own_positions, positions
from wavenet.training.losses import relative_loss
from wavenet.training.presets import Preset


@dataclass(frozen=True)
class TinyConfig:
    x: tuple
    r: tuple


class Tiny(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.layer = nn.Conv2d(2, 4, 3, padding=1, dtype=float)

    def forward(self, potential, parameters):
        return self.layer(potential)


NETWORK = Network(
    name="tiny",
    task="derivative",
    module=Tiny,
    config=TinyConfig,
    steps=Steps(
        build=lambda cases, preset, edge: Tiny(TinyConfig(*positions(cases))),
        presets={"quick": Preset(2, 4, 1e-2, 9, 0)},
        loss=relative_loss,
    ),
    place=on_own_positions,
    explain=lambda model, inputs: Explained(inputs[0], model.layer),
)
'''
OUTSIDE = '''
"""A user's networks."""

import torch
from torch import nn


class Fields(nn.Module):
    def __init__(self, width=2):
        super().__init__()
        self.config = {"width": width}
        self.layers = nn.Sequential(nn.Conv2d(2, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 4, 1))

    @classmethod
    def from_cases(cls, cases):
        return cls(width=cases.constants["x"].size // 8)

    def forward(self, potential, parameters):
        return self.layers(potential / parameters[:, 1, None, None, None])


class Microphones(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 10)

    def forward(self, inputs):
        return self.layer(inputs).unflatten(1, (5, 2))


class Forgetful(Fields):
    def __init__(self, width=2):
        super().__init__(width)
        self.config = None


class Demanding(nn.Module):
    def __init__(self, width):
        super().__init__()


nothing = 3
'''


@pytest.fixture(scope="module")
def fields(dataset_file):
    return dataset_file(DERIVATIVE)


@pytest.fixture(scope="module")
def pressures(dataset_file):
    return dataset_file(FORWARD)


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "mine.py").write_text(OUTSIDE)
    return tmp_path / "nets" / "mine.py"


@pytest.fixture
def quick(monkeypatch):
    """Trainings of a user's networks that end soon."""
    monkeypatch.setitem(outside.PRESETS, "quick", networks.Preset(2, 4, 1e-2, 9, 0))


def test_a_new_network_is_one_file(fields, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "tiny.py").write_text(INSIDE)
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(folder)])
    assert networks.names("derivative") == ("constrained", "constrained_unet", "fno", "tiny", "unet")
    assert networks.default("derivative") == "constrained"
    assert run("train", "derivative", "--data", fields, "-o", tmp_path / "run", "--model", "tiny", "--json") == 0
    assert json.loads(capsys.readouterr().out)["model"] == "tiny"
    assert run("compare", tmp_path / "run", "--data", fields, "-o", tmp_path / "report") == 0
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    name, model, about, dataset = open_run(tmp_path / "run", fields)
    found, exact = predict(model, dataset, dataset.cases("test"))
    error = np.sqrt(np.sum((found - exact)[:, :2] ** 2, axis=(1, 2, 3)) / np.sum(exact[:, :2] ** 2, axis=(1, 2, 3)))
    assert metrics["median"]["tiny, u"] == pytest.approx(np.median(error), rel=1e-12)
    assert (name, about["preset"]) == ("tiny", "quick")
    assert run("attribute", tmp_path / "run", "--data", fields, "-o", tmp_path / "relevance") == 0
    assert json.loads((tmp_path / "relevance" / "attribution.json").read_text())["model"] == "tiny"
    runs.save(tmp_path / "run", "tiny", model, {"again": 1})
    again = runs.load(tmp_path / "run", task="derivative")
    assert (again[0], again[2]) == ("tiny", {"again": 1})
    assert torch.equal(again[1].layer.weight, model.layer.weight)


@pytest.mark.parametrize(("task", "network"), [("derivative", "Fields"), ("forward", "Microphones")])
def test_a_user_s_network_needs_no_file(task, network, fields, pressures, mine, quick, tmp_path, capsys):
    data, named = fields if task == "derivative" else pressures, ["--model", f"{mine}:{network}"]
    assert run("train", task, "--data", data, "-o", tmp_path / "run", *named, "--json") == 0
    assert json.loads(capsys.readouterr().out)["model"] == network
    assert run("compare", tmp_path / "run", "--data", data, "-o", tmp_path / "report", *named) == 0
    assert run("attribute", tmp_path / "run", "--data", data, "-o", tmp_path / "relevance", *named, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["worst_miss"] < 1e-6
    for command in ("compare", "attribute"):
        assert run(command, tmp_path / "run", "--data", data, "-o", tmp_path / "none") == 2
        assert f"which is not the package's: name it by --model FILE.py:{network}" in capsys.readouterr().err


def test_weights_never_make_code_run(fields, mine, quick, tmp_path):
    """Not the file that the network came from, and not one of the same name."""
    train("derivative", fields, tmp_path / "run", model=f"{mine}:Fields")
    mine.write_text("raise RuntimeError('it was run')")
    with pytest.raises(ValueError, match="name it by --model"):
        runs.load(tmp_path / "run")
    with pytest.raises(ValueError, match="name it by --model"):
        open_run(tmp_path / "run", fields)
    with pytest.raises(ValueError, match=r"cannot be run: RuntimeError\('it was run'\)"):
        open_run(tmp_path / "run", fields, f"{mine}:Fields")


def test_a_user_s_network_from_python(fields, mine, quick, tmp_path):
    module = outside.from_file(f"{mine}:Fields")
    trained = train("derivative", fields, tmp_path / "run", model=module, options=Options(seed=3))
    assert trained.network.config == {"width": 3}  # that from_cases chose: 24 cells over 8
    name, model, about, dataset = open_run(tmp_path / "run", fields, module)
    assert (name, about["seed"]) == ("Fields", 3)
    found, exact = predict(model, dataset, dataset.cases("test"))
    assert found.shape == exact.shape
    kept = load_file(trained.weights)
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    potential, parameters, _ = tensors(dataset, [0])
    what = explained(model, dataset, 0)
    assert torch.equal(what.module(what.seen), model(potential, parameters))
    made = outside.network(module, "derivative")
    taught = examples(Cases(fields, "train")), examples(Cases(fields, "validation"))
    again = made.steps.build(Cases(fields, "train"), outside.PRESETS["quick"], None)
    with pytest.raises(ValueError, match="Fields is not a network of the package"):
        fit(again, *taught, tmp_path / "x", preset=outside.PRESETS["quick"], progress=False)
    fit(again, *taught, tmp_path / "x", preset=outside.PRESETS["quick"], progress=False, steps=made.steps)


def test_a_core_of_the_user_s_is_what_is_explained(fields):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(2, 4, 1)

        def explained(self, potential, parameters):
            return 2 * potential, torch.ones(1, 2)

        def core(self, parameters):
            return self.layer

        def forward(self, potential, parameters):
            return self.layer(2 * potential)

    model, dataset = Own(), read(fields)
    what = explained(model, dataset, 1)
    assert what.module is model.layer
    torch.testing.assert_close(what.seen, 2 * tensors(dataset, [1])[0].float())


def test_runs_of_other_networks_are_told_apart(fields, pressures, mine, quick, tmp_path):
    train("derivative", fields, tmp_path / "run", model=f"{mine}:Fields")
    with pytest.raises(ValueError, match="holds the network Fields of the derivative task, not Forgetful"):
        open_run(tmp_path / "run", fields, f"{mine}:Forgetful")
    with pytest.raises(ValueError, match="holds the model unet of the package, not Fields"):
        open_run("unet", fields, f"{mine}:Fields")
    with pytest.raises(ValueError, match="of the derivative task, not Fields of the forward task"):
        open_run(tmp_path / "run", pressures, f"{mine}:Fields")
    demanding = outside.network(outside.from_file(f"{mine}:Demanding"), "forward")
    runs.save(tmp_path / "run", demanding, nn.Module(), {})
    with pytest.raises(ValueError, match="does not fit the model Demanding"):
        runs.load(tmp_path / "run", network=demanding)


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ("FILE:None", ValueError, "has no class None of torch.nn.Module, only Fields, Microphones, Forgetful"),
        ("FILE:nothing", ValueError, "has no class nothing"),
        ("FILE:", ValueError, r"expected FILE.py:CLASS, got"),
        ("nets:Fields", ValueError, "expected FILE.py:CLASS, got 'nets:Fields'"),
        ("none.py:Fields", FileNotFoundError, "there is no file none.py"),
        ("BAD:Fields", ValueError, "bad.py cannot be run: SyntaxError"),
    ],
)
def test_files_of_the_user_s_that_will_not_do(text, error, named, mine):
    (mine.parent / "bad.py").write_text("class Fields(")
    with pytest.raises(error, match=named):
        outside.from_file(text.replace("FILE", str(mine)).replace("BAD", str(mine.parent / "bad.py")))


def test_what_stands_beside_the_file_can_be_imported(tmp_path):
    (tmp_path / "beside_it.py").write_text("from torch.nn import Linear as Layer")
    (tmp_path / "mine.py").write_text("from beside_it import Layer\nclass Net(Layer):\n    pass\n")
    import sys

    before = list(sys.path)
    assert issubclass(outside.from_file(f"{tmp_path / 'mine.py'}:Net"), nn.Linear)
    assert sys.path == before


def test_networks_of_the_user_s_that_will_not_do(fields, mine):
    with pytest.raises(TypeError, match=r"expected a class of torch\.nn\.Module, got 3"):
        outside.network(3, "forward")
    with pytest.raises(ValueError, match="are for the tasks derivative, forward, got 'edge'"):
        outside.network(nn.Linear, "edge")
    made = outside.network(outside.from_file(f"{mine}:Forgetful"), "derivative")
    with pytest.raises(ValueError, match="Forgetful is made from cases: its config must be a dict"):
        made.steps.build(Cases(fields, "train"), outside.PRESETS["quick"], None)


def test_unknown_names_raise(fields, pressures, tmp_path, monkeypatch):
    with pytest.raises(
        ValueError,
        match="no network 'perceptron', expected one of constrained, constrained_unet, directivity, edge, feedf",
    ):
        networks.get("perceptron")
    with pytest.raises(
        ValueError, match="one default network of the task 'nothing', got 0; tasks with networks: deriv"
    ):
        networks.default("nothing")
    with pytest.raises(
        ValueError,
        match=r"must be one of constrained, constrained_unet, fno, unet for the derivative task, or FILE\.py:CLASS",
    ):
        entry("mlp", "derivative")
    with pytest.raises(ValueError, match="the network mlp is for the forward task, one for the edge task"):
        entry(networks.get("mlp"), "edge")
    with pytest.raises(ValueError, match="cases of the edge task do not become tensors"):
        loading.of_task("edge")
    with pytest.raises(ValueError, match="the network edge is fitted at once"):
        build("edge", Cases(fields, "train"), networks.get("mlp").steps.preset("quick"))
    with pytest.raises(ValueError, match=r"the preset must be one of quick, standard, or FILE.toml:NAME, got 'long'"):
        networks.get("mlp").steps.preset("long")
    with pytest.raises(ValueError, match="trained in steps or fitted at once, and not both"):
        Network("both", "forward", nn.Linear)
    with pytest.raises(ValueError, match="EdgeFunctions is fitted at once"):
        fit(derivatives.load().edge, [], [], tmp_path, preset=networks.get("mlp").steps.preset("quick"))
    (tmp_path / "odd.py").write_text("from wavenet.networks.mlp import NETWORK")
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match="the file of the network odd calls it mlp"):
        networks.get("odd")


def test_options_that_a_network_does_not_have(fields, pressures, tmp_path):
    with pytest.raises(ValueError, match="--edge is for networks with edge functions, feedforward has none"):
        train("forward", pressures, tmp_path / "r", edge="x")
    with pytest.raises(ValueError, match="--resume is for networks trained in steps, edge is fitted at once"):
        train("edge", fields, tmp_path / "r", options=Options(resume=True))
    with pytest.raises(ValueError, match="--devices and --nodes are for networks trained in steps, directivity is"):
        train("factor", fields, tmp_path / "r", options=Options(nodes=2))
    assert not (tmp_path / "r").exists()


def test_runs_and_datasets_that_do_not_fit(fields, pressures, tmp_path):
    with pytest.raises(
        ValueError, match="is a run of the factor task, one of the tasks forward, derivative, jet_factor is needed"
    ):
        open_run("factor", fields)
    with pytest.raises(ValueError, match=r"is a run of the forward task, .* is a derivative dataset"):
        open_run("mlp", fields)
    with pytest.raises(ValueError, match=r"the run's x positions \(128\) are not the dataset's \(24\)"):
        open_run("unet", fields)
    with pytest.raises(ValueError, match="the run's x positions"):
        open_run("mlp", pressures)
    dataset = read(fields)
    shifted = networks.on_own_positions
    config = build("mlp", Cases(pressures, "train"), networks.get("mlp").steps.preset("quick"))
    places = read(pressures)
    assert shifted(config, places["x"], places["r"]) is config
    with pytest.raises(ValueError, match="the run's r positions"):
        shifted(config, places["x"], places["r"] + 1e-3)
    assert open_run("derivative", fields)[1].config.x == tuple(dataset["x"].tolist())


def test_the_forward_network_is_built_for_its_cases(pressures):
    cases = Cases(pressures, "train")
    model = build("mlp", cases, networks.get("mlp").steps.preset("quick"))
    assert isinstance(model, ForwardModel)
    dataset = read(pressures)
    rows = dataset.cases("train")
    for index, name in enumerate(INPUTS):
        assert (model.config.low[index], model.config.high[index]) == (
            dataset[name][rows].min(),
            dataset[name][rows].max(),
        )
    # one part of the pressure, real or imaginary, has this root mean square
    assert model.config.scale == pytest.approx(np.sqrt(np.mean(dataset["pressure"][rows] ** 2)), rel=1e-6)
    inputs = tensors(dataset, [0])[0]
    what = explained(model, dataset, 0)
    assert isinstance(what, Explained)
    assert what.names == (*INPUTS, "cut-on ratio")
    torch.testing.assert_close(what.seen, model.features(inputs), rtol=0, atol=0)


def test_a_case_alone_is_the_case_among_all(fields, pressures):
    for path in (fields, pressures):
        dataset, lazy = read(path), examples(Cases(path, "train"))
        together = tensors(dataset, dataset.cases("train"))
        for index in (0, 3):
            for one, all_of_them in zip(lazy[index], together, strict=True):
                assert torch.equal(one, all_of_them[index])


def test_the_range_of_orders_is_that_of_their_size():
    columns = {"m": np.array([-4, 1, -2]), "helmholtz": np.array([3.0, 5.0, 4.0]), "mach": np.array([0.1, -0.2, 0.0])}
    cases = SimpleNamespace(columns=columns, about=SimpleNamespace(provenance={}))
    ranges = saved_with(cases, Options(), 1.0)["ranges"]
    assert ranges == {"m": [1.0, 4.0], "helmholtz": [3.0, 5.0], "mach": [-0.2, 0.1]}


def test_what_is_saved_with_a_training(fields, mine, quick, tmp_path):
    """Ranges of the training cases, and the seconds, those before an interruption included."""
    train("derivative", fields, tmp_path / "run", model=f"{mine}:Fields")
    dataset, about = read(fields), runs.load(tmp_path / "run", network=entry(f"{mine}:Fields", "derivative"))[2]
    taught = dataset["helmholtz"][dataset.cases("train")]
    assert about["ranges"]["helmholtz"] == [taught.min(), taught.max()]
    assert taught.max() < dataset["helmholtz"].max() or taught.min() > dataset["helmholtz"].min()
    assert about["dataset"] == json.loads(json.dumps(dataset.provenance))
    assert 0 < about["training_seconds"] < 1000
    with pytest.raises(FileExistsError, match="is not empty; continue with --resume"):
        train("derivative", fields, tmp_path / "run", model=f"{mine}:Fields")
    train("derivative", fields, tmp_path / "run", model=f"{mine}:Fields", options=Options(resume=True))
    again = runs.load(tmp_path / "run", network=entry(f"{mine}:Fields", "derivative"))[2]
    assert again["training_seconds"] > seconds_of(tmp_path / "run")


def test_a_training_goes_on_with_what_it_began_with_and_nothing_else(fields, mine, quick, tmp_path):
    """By the hash of the arrays; name, recipe, seed and versions of all copies are the same."""
    train("derivative", fields, tmp_path / "run", model=f"{mine}:Fields")
    same, other = tmp_path / "same.h5", tmp_path / fields.name
    for copy in (same, other):
        shutil.copy(fields, copy)
    with h5py.File(other, "r+") as file:
        file["potential"][0] *= 2
        write_identity(file, tasks.get("derivative"))
    again = Options(resume=True)
    kept, found = (read(path).provenance["content_hash"] for path in (fields, other))
    with pytest.raises(ValueError, match=f"was begun with dataset = {kept}, not {found}"):
        train("derivative", other, tmp_path / "run", model=f"{mine}:Fields", options=again)
    train("derivative", same, tmp_path / "run", model=f"{mine}:Fields", options=again)


def test_the_edge_entry_fits_all_cases():
    config = EdgeConfig(radius=0.4, roots=6, angles=10, functions=20)
    root, angle = config.nodes()
    potential = np.random.default_rng(0).normal(size=(15, 2, 6, 10))

    class Source(list):
        constants = {"root": root, "angle": angle}  # noqa: RUF012 - as a source has them

    found = networks.get("edge").fit(Source({"potential": case} for case in potential), 0, None)
    expected = EdgeFunctions(EdgeConfig.of_nodes(root, angle))
    expected.fit(potential)
    assert torch.equal(found.coefficients, expected.coefficients)
    assert found.config.radius == 0.4


def test_the_first_process_leads(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    many = Options(devices=2)
    assert leads(many)
    for name, value, first in (("SLURM_PROCID", "1", False), ("LOCAL_RANK", "0", True), ("NODE_RANK", "1", False)):
        monkeypatch.setenv(name, value)
        assert leads(many) is first
    monkeypatch.setenv("RANK", "0")
    assert leads(many)
    monkeypatch.setenv("RANK", "3")
    assert not leads(many)
    assert leads(Options())  # alone, whatever else runs


def test_what_is_fitted_at_once_needs_no_validation():
    splits = {name: networks.get(name).splits for name in networks.names()}
    stepped = ("train", "validation")
    assert splits == {
        "constrained": stepped,
        "constrained_unet": stepped,
        "directivity": ("train",),
        "edge": ("train",),
        "feedforward": stepped,
        "fno": stepped,
        "jet": stepped,
        "lip": ("train",),
        "lip_near": ("train",),
        "mlp": stepped,
        "unet": stepped,
    }


def test_a_network_is_either_trained_in_steps_or_fitted_at_once():
    stepped, fitted = networks.get("mlp"), networks.get("edge")
    for steps, fit_all in ((None, None), (stepped.steps, fitted.fit)):
        with pytest.raises(ValueError, match="trained in steps or fitted at once, and not both"):
            Network("both", "edge", EdgeFunctions, steps=steps, fit=fit_all)


def test_the_u_net_is_built_with_the_scales_of_its_cases():
    """Scales of one part, real or imaginary, over sqrt(2), and of the radial velocity, the harder of the two."""

    class About:
        scales = {"potential": (2.0, 9.0), "axial_velocity": (4.0, 9.0), "radial_velocity": (6.0, 9.0)}  # noqa: RUF012

    class Few:
        about = About()
        constants = {"x": np.linspace(-1, 1, 32), "r": np.linspace(0.05, 1.95, 32)}  # noqa: RUF012

    entry_of = networks.get("unet")
    config = entry_of.steps.build(Few(), entry_of.steps.preset("quick"), None).config
    assert config.potential_scale == pytest.approx(2 / np.sqrt(2))
    assert config.velocity_scale == pytest.approx(6 / np.sqrt(2))
    assert (len(config.x), len(config.r), config.width) == (32, 32, 8)


def test_a_network_without_weights_gets_torch_s_default_precision():
    class Plain(nn.Module):
        def forward(self, potential, parameters):
            return potential.flatten(1)

    given = torch.ones(1, 2, 4, 4, dtype=torch.float64), torch.ones(1, 3, dtype=torch.float64)
    assert outside.network(Plain, "derivative").rebuild({})(*given).dtype == torch.get_default_dtype()


def test_what_stands_beside_the_file_hides_no_other_module(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    (tmp_path / "colorsys.py").write_text("")
    (tmp_path / "net.py").write_text(
        "from colorsys import rgb_to_hsv\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    pass\n"
    )
    assert outside.from_file(f"{tmp_path / 'net.py'}:Net").__name__ == "Net"
