"""On a CUDA device: what networks compute there is what they compute on the CPU, with TF32 switched on outside.

`WAVENET_TEST_DEVICE` names another device than cuda, such as cpu to try these tests without one. `scripts/check_gpu.py`
runs them and makes a table of the differences.
"""

import copy
import json
import os

import pytest
import torch
from torch.utils.data import TensorDataset

from wavenet.cli import main
from wavenet.training.loop import fit
from wavenet.training.presets import Preset

from .computations import COMPUTATIONS, DOUBLE, SINGLE, difference, modes, network, random, shipped, waves

PLACE = os.environ.get("WAVENET_TEST_DEVICE", "cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.filterwarnings("ignore:Please use the new API settings"),  # PyTorch 2.9, of the older switches
    pytest.mark.skipif(PLACE.startswith("cuda") and not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.fixture(autouse=True)
def coarse():
    """TF32 in convolutions, as by default, and in matrix products."""
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    torch.backends.cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision("high")
    yield
    assert torch.backends.cudnn.allow_tf32  # networks restore it
    assert torch.get_float32_matmul_precision() == "high"
    torch.backends.cudnn.allow_tf32 = convolutions
    torch.set_float32_matmul_precision(products)


def compare(there, here, tolerance, record_property):
    found = difference(there, here)
    record_property("difference", max(found.values()))
    record_property("tolerance", tolerance)
    assert max(found.values()) < tolerance, found


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_results_are_the_cpu_s(name, record_property):
    if "gradient" in name:
        pytest.importorskip("captum")
    compute, tolerance = COMPUTATIONS[name]
    compare(compute(torch.device(PLACE)), compute("cpu"), tolerance, record_property)


@pytest.mark.parametrize(("name", "tolerance"), [("derivative", DOUBLE), ("unet", SINGLE)])
def test_whole_grids_of_random_potentials_are_the_cpu_s(name, tolerance, record_property):
    """Where TF32 was found: 2e-3 and 7e-4."""
    potential, parameters = random(8, 2, 128, 64), waves(1).expand(8, 3)

    def velocity(device):
        with torch.no_grad():
            return {"velocity": network(name, device)(potential.to(device), parameters.to(device)).cpu()}

    compare(velocity(PLACE), velocity("cpu"), tolerance, record_property)


def test_training_works_there(tmp_path):
    """Some steps on the device that training chooses: the loss decreases, and the network comes back to the CPU."""
    model = copy.deepcopy(shipped("mlp"))
    torch.manual_seed(0)
    for parameter in model.core.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    inputs = modes(2).repeat(32, 1) * (1 + 0.01 * random(64, 5, dtype=torch.float32))
    with torch.no_grad():
        cases = TensorDataset(inputs, network("mlp", "cpu")(inputs))
    preset = Preset(5, 16, 1e-3, 5, 128)
    trained = fit(model, cases, cases, tmp_path / "run", preset=preset, progress=False)
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    losses = [float(row.split(",")[3]) for row in rows[1:]]
    assert losses[-1] < 0.5 * losses[0]
    assert all(p.device.type == "cpu" and torch.isfinite(p).all() for p in trained.parameters())


def test_a_command_prints_what_it_prints_on_the_cpu(capsys):
    printed = []
    for device in ("cpu", PLACE):
        with pytest.raises(SystemExit, match="0"):
            main(["predict", "--m", "2", "--n", "0", "--helmholtz", "5", "--json", "--device", device])
        printed.append(json.loads(capsys.readouterr().out))
    here, there = (torch.tensor(values["directivity"]["amplitude"]) for values in printed)
    assert torch.allclose(here, there, rtol=0, atol=DOUBLE * float(here.abs().max()))
