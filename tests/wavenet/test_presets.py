"""Presets of a user's own: in a TOML file, in Python, and single values beside a preset."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn

from wavenet import networks, outside, runs
from wavenet.cli import main
from wavenet.study import train
from wavenet.study.options import Options
from wavenet.training.presets import Preset, chosen

from .studies import DERIVATIVE

# Lightning and torch warn about workers, devices and each other.
pytestmark = pytest.mark.filterwarnings("ignore")
KNOWN = {"quick": Preset(60, 8, 1e-3, 20, 8), "standard": Preset(200, 16, 5e-4, 200, 32, constraints=("phase",))}


class Fields(nn.Module):
    """One convolution."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(2, 4, 3, padding=1)

    def forward(self, potential, parameters):
        return self.layer(potential)


@pytest.fixture(scope="module")
def fields(dataset_file):
    return dataset_file(DERIVATIVE)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setitem(outside.PRESETS, "quick", networks.Preset(2, 4, 1e-2, 9, 0))


def written(folder, text):
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return folder / "mine.toml"


def test_a_preset_of_a_file_changes_what_it_names(tmp_path):
    path = written(
        tmp_path,
        '[short]\nepochs = 3\n[long]\nbase = "standard"\nrate = 1\nconstraints = ["wall", "edge"]\n[same]\n',
    )
    assert chosen(f"{path}:short", KNOWN) == Preset(3, 8, 1e-3, 20, 8)
    assert chosen(f"{path}:long", KNOWN) == Preset(200, 16, 1, 200, 32, constraints=("wall", "edge"))
    assert chosen(f"{path}:same", KNOWN) == KNOWN["quick"]
    path.write_text("\ufeff[only]\nbatch = 2\n", encoding="utf-8")  # as editors on Windows write it
    assert chosen(path, KNOWN).batch == chosen(f"{path}:only", KNOWN).batch == 2
    assert chosen("standard", KNOWN) is KNOWN["standard"]
    assert chosen(KNOWN["quick"], {}) is KNOWN["quick"]


def test_a_training_without_early_stopping_keeps_to_that():
    assert KNOWN["standard"].changed(epochs=500).patience == 500
    assert KNOWN["standard"].changed(epochs=5).patience == 200
    assert KNOWN["standard"].changed(epochs=500, patience=7).patience == 7
    assert KNOWN["quick"].changed(epochs=500).patience == 20


def test_numbers_of_numpy_are_numbers():
    found = KNOWN["quick"].changed(epochs=np.int64(3), rate=np.float32(0.5), width=np.uint8(4))
    assert json.dumps(dataclasses.asdict(found)) == json.dumps(dataclasses.asdict(Preset(3, 8, 0.5, 20, 4)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[mine]\nepochs = 0", r"mine.toml, \[mine\]: epochs must be a whole number from 1, got 0"),
        ("[mine]\nepochs = 2.5", "epochs must be a whole number from 1, got 2.5"),
        ("[mine]\nepochs = true", "epochs must be a whole number from 1, got True"),
        ('[mine]\nepochs = "many"', "epochs must be a whole number from 1, got 'many'"),
        ("[mine]\nbatch = -8", "batch must be a whole number from 1, got -8"),
        ("[mine]\nrate = 0", "rate must be a positive number, got 0"),
        ("[mine]\nrate = nan", "rate must be a positive number, got nan"),
        ("[mine]\nrate = -1e-3", "rate must be a positive number, got -0.001"),
        ("[mine]\npatience = 0", "patience must be a whole number from 1, got 0"),
        ("[mine]\nwidth = -1", "width must be a whole number from 0, got -1"),
        ("[mine]\nphysics = inf", "physics must be a number from 0, got inf"),
        ("[mine]\nsamples = 1.5", "samples must be a whole number from 0, got 1.5"),
        ('[mine]\nconstraints = "phase"', "constraints must be a list of names, got 'phase'"),
        ("[mine]\nconstraints = [1]", r"constraints must be a list of names, got \[1\]"),
        ("[mine]\nepoch = 3", "'epoch' is no value of a preset, expected one of epochs, batch, rate, patience"),
        ('[mine]\nbase = "slow"', "base must be one of quick, standard, got 'slow'"),
        ("[mine]\nbase = 3", "base must be one of quick, standard, got 3"),
        ("epochs = 3", r"presets are tables, such as \[mine\], and the key epochs stands outside of one"),
        ("", r"presets are tables, such as \[mine\], and there is none"),
        ("[mine", "mine.toml is not TOML"),
        ("[a]\n[b]", "has the presets a, b: name one as .*mine.toml:NAME, got"),
    ],
)
def test_a_bad_file_is_refused_by_key_and_value(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        chosen(written(tmp_path, text), KNOWN)


def test_what_is_no_preset_is_refused(tmp_path):
    for given, error, message in (
        ("slow", ValueError, "must be one of quick, standard, or FILE.toml:NAME, got 'slow'"),
        (tmp_path / "none.toml", FileNotFoundError, "there is no file of presets .*none.toml"),
        (f"{written(tmp_path, '[a]')}:b", ValueError, "has the presets a: name one as .*:NAME, got 'b'"),
        (3, TypeError, "the preset must be a name, FILE.toml:NAME or a Preset, got 3"),
        (None, TypeError, "got None"),
    ):
        with pytest.raises(error, match=message):
            chosen(given, KNOWN)
    (tmp_path / "latin.toml").write_bytes("[ä]".encode("latin-1"))
    with pytest.raises(ValueError, match="is not TOML"):
        chosen(tmp_path / "latin.toml", KNOWN)
    with pytest.raises(ValueError, match="epochs must be a whole number from 1, got 0"):
        Preset(0, 1, 1.0, 1, 1)


def rows(run):
    return len((run / "metrics.csv").read_text().splitlines()) - 2  # heading, untrained network


def test_epochs_batch_and_rate_of_the_command_are_used(fields, quick, tmp_path, capsys, monkeypatch):
    (tmp_path / "net.py").write_text(
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Conv2d(2, 4, 1)\n    def forward(self, potential, parameters):\n"
        "        return self.layer(potential)\n"
    )
    common = ["train", "derivative", "--data", str(fields), "--model", f"{tmp_path}/net.py:Net", "--json", "-o"]

    def status(run, *more):
        with pytest.raises(SystemExit) as stop:
            main([*common, str(tmp_path / run), *more])
        return stop.value.code or 0

    assert status("a", "--epochs", "3", "--batch", "2", "--rate", "0.5") == 0
    assert rows(tmp_path / "a") == 3
    last = (tmp_path / "a" / "metrics.csv").read_text().splitlines()[-1]
    assert last.split(",")[1] == "9"  # steps: three epochs of 6 cases in batches of two
    about = runs.load(tmp_path / "a", network=outside.network(_net(tmp_path), "derivative"))[2]
    assert about["preset"] == "quick, epochs = 3, batch = 2, rate = 0.5"
    path = written(tmp_path, "[mine]\nepochs = 4\nbatch = 3\n")
    assert status("b", "--preset", str(path), "--epochs", "1") == 0
    assert rows(tmp_path / "b") == 1
    capsys.readouterr()
    for more, message in (
        (["--epochs", "0"], "epochs must be a whole number from 1, got 0"),
        (["--rate", "-1"], "rate must be a positive number, got -1.0"),
        (["--batch", "-2"], "batch must be a whole number from 1, got -2"),
        (["--preset", "slow"], "the preset must be one of quick, standard, or FILE.toml:NAME, got 'slow'"),
        (["--preset", f"{path}:other"], "has the presets mine"),
    ):
        assert status("c", *more) == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / "c").exists()


def _net(folder):
    return outside.from_file(f"{folder}/net.py:Net")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epochs": 3}, "was begun with epochs = 2, not 3"),
        ({"batch": 2}, "was begun with batch = 4, not 2"),
        ({"rate": 0.5}, "was begun with rate = 0.01, not 0.5"),
        ({"preset": Preset(2, 4, 1e-2, 9, 0, physics=0.5)}, "was begun with physics = 0.0, not 0.5"),
    ],
)
def test_a_training_goes_on_only_as_it_was_begun(fields, quick, tmp_path, changed, message):
    train("derivative", fields, tmp_path / "run", model=Fields)
    before = (tmp_path / "run" / "weights.safetensors").read_bytes()
    with pytest.raises(ValueError, match=message):
        train("derivative", fields, tmp_path / "run", model=Fields, resume=True, **changed)
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == before
    train("derivative", fields, tmp_path / "run", model=Fields, resume=True)


def test_options_may_be_given_by_name(fields, quick, tmp_path):
    by_name = train("derivative", fields, tmp_path / "a", model=Fields, epochs=1, batch=6, rate=0.1, seed=3)
    options = Options(preset=Preset(1, 6, 0.1, 9, 0), seed=3)
    whole = train("derivative", fields, tmp_path / "b", model=Fields, options=options)
    assert torch.equal(by_name.network.layer.weight, whole.network.layer.weight)
    assert by_name.about["preset"] == "quick, epochs = 1, batch = 6, rate = 0.1"
    assert whole.about["preset"] == "of its own"
    with pytest.raises(TypeError, match="there is no option 'epoch' of a training, expected one of preset, seed"):
        train("derivative", fields, tmp_path / "c", model=Fields, epoch=1)
    assert json.loads(json.dumps(whole.about)) == whole.about


def test_networks_that_are_fitted_at_once_have_no_epochs(fields, tmp_path):
    with pytest.raises(ValueError, match="--epochs is for networks trained in steps, directivity is fitted at once"):
        train("factor", fields, tmp_path / "a", epochs=1)


def test_constraints_of_a_preset_are_those_of_the_network(fields, tmp_path):
    path = written(tmp_path, '[mine]\nconstraints = ["phases"]')
    with pytest.raises(ValueError, match=r"the constraints of unet are .*; got 'phases'"):
        train("derivative", fields, tmp_path / "a", model="unet", preset=path)
