"""The Fourier neural operator that the constrained network is compared with, as a network of the package."""

import json
import sys

import numpy as np
import pytest
import torch

from data.read import Cases
from wavenet import networks, runs
from wavenet.derivatives.fourier import FourierConfig, FourierOperator
from wavenet.study.tasks import build, entry

from .commands import run

# Lightning and torch warn about workers, devices and each other.
pytestmark = pytest.mark.filterwarnings("ignore")
RECIPE = """
task = "derivative"
cases = 12
split = [0.5, 0.25, 0.25]
[source]
m = [0, 1]
helmholtz = [3.0, 5.0]
modes = [1, 2]
[grid]
x = [-1.0, 1.0, 24]
r = [0.0, 2.0, 22]
"""


@pytest.fixture(scope="module")
def fields(dataset_file):
    return dataset_file(RECIPE)


def test_it_is_trained_compared_and_explained_by_name(fields, tmp_path, capsys):
    common = ["--data", fields, "--json", "-o"]
    assert run("train", "derivative", "--model", "fno", "--epochs", "2", *common, tmp_path / "run") == 0
    assert run("compare", tmp_path / "run", *common, tmp_path / "report") == 0
    capsys.readouterr()
    assert run("attribute", tmp_path / "run", *common, tmp_path / "relevance") == 0
    # The position that the operator appends to its input takes relevance that reaches no input: a leak, not a miss.
    assert json.loads(capsys.readouterr().out)["worst_miss"] < 1e-5
    name, model, about = runs.load(tmp_path / "run")
    assert (name, about["preset"]) == ("fno", "quick, epochs = 2")
    assert (model.config.modes, len(model.config.x)) == ((24, 22), 24)
    with pytest.raises(ValueError, match="x positions"):
        entry("fno", "derivative").place(model, np.linspace(0, 1, 24), np.array(model.config.r))


def test_four_fields_are_memorised(fields):
    torch.manual_seed(0)
    cases = Cases(fields, "train")
    preset = networks.get("fno").steps.preset("quick")
    model = build("fno", cases, preset)
    batch = [torch.stack(part) for part in zip(*(_tensors(cases[index]) for index in range(4)), strict=True)]
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    first = None
    for _ in range(60):
        loss = networks.get("fno").steps.loss(model, batch)[0].mean()
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(weight.grad is not None for weight in model.parameters())
    assert loss.item() < 0.1 * first


def _tensors(case):
    velocity = np.concatenate([case["axial_velocity"], case["radial_velocity"]])
    numbers = torch.tensor([case["m"], case["helmholtz"], case["mach"]], dtype=torch.float64)
    return torch.from_numpy(case["potential"]), numbers, torch.from_numpy(velocity)


def test_scales_of_the_data_are_divided_out():
    """The same operator, in data of other units: psi tripled and u halved."""
    torch.manual_seed(0)
    one = FourierOperator(FourierConfig((0.0,) * 12, (0.0,) * 8, 4, (6, 6)))
    other = FourierOperator(FourierConfig((0.0,) * 12, (0.0,) * 8, 4, (6, 6), 3.0, 0.5))
    other.load_state_dict(one.state_dict())
    psi, numbers = torch.randn(2, 2, 12, 8), torch.tensor([[2.0, 5.0, 0.3], [0.0, 9.0, 0.0]])
    torch.testing.assert_close(other(3 * psi, numbers), 0.5 * one(psi, numbers))
    assert other.resolution == 0.5 / 3.0
    assert not torch.allclose(one(psi, numbers), one(psi, numbers + 1))


def test_without_neuraloperator_it_says_what_to_install(fields, monkeypatch, tmp_path, capsys):
    for name in ("neuralop", "neuralop.models"):
        monkeypatch.setitem(sys.modules, name, None)
    arguments = ["--data", fields, "--model", "fno", "-o", tmp_path / "run"]
    assert run("train", "derivative", *arguments) == 2
    assert "the network fno needs neuraloperator: pip install 'wavenet[fno]'" in capsys.readouterr().err
    assert "fno" in networks.names("derivative")  # the others are found all the same
