"""Results depend neither on the device nor on the precision that products have, as far as a CPU can show.

The second device is `elsewhere`; `tests/gpu` compares the same computations on a real one.
"""

import ast
import contextlib
import dataclasses
import json
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import wavenet
from data.field import write_field
from data.microphones import MicrophoneArray, write_array
from wavenet import devices, networks, runs
from wavenet.cli import main
from wavenet.derivatives.unet import Backbone
from wavenet.devices import device_of, full_precision, in_full_precision, usable
from wavenet.rap import attribute
from wavenet.study import tasks
from wavenet.training import processes
from wavenet.training.processes import Processes
from wavenet.training.records import Record

from . import elsewhere
from .computations import COMPUTATIONS, SINGLE, R, X, difference, random, unet_with, waves
from .elsewhere import DEVICE, Elsewhere, Far, MixedDevicesError
from .studies import near_fields

pytestmark = pytest.mark.filterwarnings("ignore:Please use the new API settings")  # PyTorch 2.9, of the older switches
NEW = hasattr(torch.backends, "fp32_precision")  # from PyTorch 2.9


@pytest.fixture
def coarse():
    """All switches on: products of single precision are those of TF32."""
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    torch.backends.cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision("high")
    yield
    torch.backends.cudnn.allow_tf32 = convolutions
    torch.set_float32_matmul_precision(products)


def switches():
    """What a user can read of the switches, None where PyTorch refuses to answer."""
    ask = [lambda: torch.backends.cudnn.allow_tf32, lambda: torch.backends.cuda.matmul.allow_tf32]
    ask += [torch.get_float32_matmul_precision]
    if NEW:
        parts = [torch.backends.cudnn.conv, torch.backends.cudnn.rnn, torch.backends.cuda.matmul]
        parts += [torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul, torch.backends.cudnn, torch.backends]
        ask += [lambda part=part: part.fp32_precision for part in parts]
    answers = []
    for one in ask:
        try:
            answers.append(one())
        except RuntimeError:
            answers.append(None)
    return answers


# ---------------------------------------------------------------------------------------------------------------------
# the same results elsewhere


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_results_elsewhere_are_the_cpu_s(name, coarse):
    compute, tolerance = COMPUTATIONS[name]
    here = compute("cpu")
    with Elsewhere():
        there = compute(DEVICE)
    assert max(difference(there, here).values()) < tolerance, difference(there, here)


def test_every_network_that_is_trained_in_steps_is_compared():
    steps = {name for name in networks.names() if networks.get(name).steps is not None}
    steps.remove("fno")  # another package's, whose einsum takes the simulated device's tensors for numpy's
    assert steps <= {name.removeprefix("training step, ") for name in COMPUTATIONS if "training step" in name}


def test_training_follows_the_switches_and_prediction_does_not(coarse):
    x, parameters = random(1, 2, 32, 32, dtype=torch.float32), waves(1).float()
    model = unet_with((), "cpu")
    exact = model(x, parameters).detach()
    with Elsewhere(seed=None, here=True):
        assert torch.equal(model(x, parameters), exact)
        missed = (model.train()(x, parameters) - exact).norm() / exact.norm()
    assert 1e-5 < missed < 1e-2  # 10 bits, 5e-4, through some layers


def test_the_switches_of_torch_compile_are_its_own(monkeypatch, coarse):
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    seen = []

    class Asks(nn.Module):
        @in_full_precision
        def forward(self, x):
            seen.append(switches())
            return x

    Asks().eval()(torch.ones(1))
    assert seen == [switches()]


def test_layers_of_single_precision_stand_where_the_switches_are_off():
    """Modules of the package that have such layers; where another one appears, it needs the decorator, or a reason."""
    reasons = {
        "derivatives/constrained.py": "computes in double precision",
        "derivatives/differences.py": "double precision",
        "derivatives/edge.py": "double precision",
        "far_field/directivity.py": "double precision",
        "derivatives/unet.py": "Backbone.forward",
        "forward/feed_forward.py": "ForwardModel.forward",
        "forward/radiated.py": "RadiatedPressure.coefficients",
        "jets/high_learning.py": "initial weights",
        "jets/layers.py": "called by JetNetwork.coefficients, or by propagate",
        "jets/network.py": "JetNetwork.coefficients",
        "networks/feedforward.py": "called by propagate only, which turns the switches off",
        "rap/decompositions.py": "called by propagate only, which turns the switches off",
        "rap/formulas.py": "called by propagate only, which turns the switches off",
        "rap/layers.py": "called by propagate only, which turns the switches off",
        "rap/operations.py": "a table of names",
        "rap/propagation.py": "turns the switches off",
        "study/validity.py": "a convolution of numpy",
    }
    root, found = Path(wavenet.__file__).parent, set()
    for path in root.rglob("*.py"):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if "attr" in vars(node)}
        layers = {name for name in names if name.lower().startswith(("conv1", "conv2", "conv3", "convtr", "convol"))}
        if layers | (names & {"Linear", "linear", "Bilinear", "bilinear", "LSTM", "GRU", "MultiheadAttention"}):
            found.add(path.relative_to(root).as_posix())
    assert found <= reasons.keys(), found - reasons.keys()
    for name, reason in reasons.items():
        if reason.endswith((".forward", ".coefficients")):
            text = (root / name).read_text(encoding="utf-8")
            owner, method = reason.split(".")
            assert f"    @in_full_precision\n    def {method}(" in text[text.index(f"class {owner}") :]


# ---------------------------------------------------------------------------------------------------------------------
# the switches


SETTINGS = ["nothing", "convolutions off", "high", "medium", *(["new interface", "new and old", "all"] if NEW else [])]


@pytest.mark.parametrize("setting", SETTINGS)
def test_switches_are_off_within_and_as_before_afterwards(setting):
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = switches()
    try:
        if setting == "convolutions off":
            cudnn.allow_tf32 = False
        elif setting in ("high", "medium"):
            torch.set_float32_matmul_precision(setting)
        elif setting == "new interface":
            cudnn.conv.fp32_precision, matmul.fp32_precision = "tf32", "tf32"
        elif setting == "new and old":
            torch.set_float32_matmul_precision("high")
            cudnn.rnn.fp32_precision = "ieee"
        elif setting == "all":
            torch.backends.fp32_precision = "tf32"
        mine = switches()
        with full_precision():
            assert not elsewhere.loses("convolution")
            assert not elsewhere.loses("mm")
            with full_precision():
                assert not elsewhere.loses("convolution")
            assert not elsewhere.loses("convolution")
            if setting != "new and old":  # a user's own code may ask the older one, if it could before
                assert not torch.backends.cudnn.allow_tf32
        assert switches() == mine
    finally:
        if NEW:
            torch.backends.fp32_precision = "none"
            for part, value in zip((cudnn.conv, cudnn.rnn, matmul), before[3:6], strict=True):
                part.fp32_precision = value
            torch.backends.mkldnn.conv.fp32_precision = torch.backends.mkldnn.rnn.fp32_precision = "none"
        cudnn.allow_tf32 = True
        torch.set_float32_matmul_precision(before[2])
        if NEW:
            matmul.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision = before[5], before[7]
    assert switches() == before


def test_no_warning_of_older_switches_is_passed_on(monkeypatch):
    def warns():
        warnings.warn("Please use another", UserWarning, stacklevel=1)
        return "highest"

    monkeypatch.setattr(devices, "_SWITCHES", devices._Switches())
    monkeypatch.setattr(torch, "get_float32_matmul_precision", warns)
    with full_precision():
        pass


def test_the_last_thread_to_leave_restores(coarse):
    mine, inside, leave = switches(), threading.Event(), threading.Event()
    seen = []

    def work():
        with full_precision():
            inside.set()
            leave.wait(10)
            seen.append(elsewhere.loses("convolution"))

    with full_precision():
        other = threading.Thread(target=work)
        other.start()
        assert inside.wait(10)
    assert not elsewhere.loses("convolution")  # the other thread is still within
    leave.set()
    other.join()
    assert seen == [False]
    assert switches() == mine


# ---------------------------------------------------------------------------------------------------------------------
# devices by name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", r"the device must be cpu, cuda or cuda:N, got 'gpu'"),
        ("cuda:-1", r"the device must be cpu, cuda or cuda:N, got 'cuda:-1'"),
        ("cuda", r"there is no device cuda: PyTorch .* finds no CUDA device"),
        ("cuda:5", r"there is no device cuda:5: PyTorch .* finds no CUDA device"),
        ("meta", r"the device meta cannot be used: Tensor.item\(\) cannot be called on meta tensors"),
        (
            "lazy",
            r"the device lazy cannot be used: Could not run 'aten::\w+.*' with arguments from the 'Lazy' backend$",
        ),
    ],
)
def test_a_device_that_is_not_there_is_named(name, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ValueError, match=message):
        usable(name)


def test_the_devices_that_are_there_are_counted(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=r"there is no device cuda:2: PyTorch .* finds 2 CUDA devices, from cuda:0"):
        usable("cuda:2")
    assert usable("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "--m", "2", "--n", "0", "--helmholtz", "5"],
        ["differentiate", "field.h5", "-o", "out.h5"],
        ["detect", "--array", "array.h5"],
        ["compare", "derivative", "--data", "nothing.h5", "-o", "out"],
        ["attribute", "derivative", "--data", "nothing.h5", "-o", "out"],
        ["explore", "--no-browser"],
        ["train", "forward", "--data", "nothing.h5", "-o", "out"],
    ],
)
def test_commands_name_a_device_that_is_not_there_before_they_read(command, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    write_field("field.h5", {"m": 1, "helmholtz": 6.0, "mach": 0.2}, X, R, {"potential": np.ones((32, 32), complex)})
    write_array("array.h5", MicrophoneArray(*np.full((3, 30), 8.0), np.ones((1, 30), complex), 5.0, 0.2))
    there = sorted(tmp_path.iterdir())
    with pytest.raises(SystemExit) as stop:
        main([*command, "--device", "cuda:1"])
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert err.startswith("wavenet: there is no device cuda:1: PyTorch ")
    assert err.count("\n") == 1
    assert not out
    assert sorted(tmp_path.iterdir()) == there


def test_a_command_computes_on_its_device(monkeypatch, capsys):
    """Every network that a command moves arrives at the device of the option."""
    asked = []

    def recorded(name):
        asked.append(name)
        return torch.device("cpu")

    monkeypatch.setattr(devices, "usable", recorded)
    moved = []
    monkeypatch.setattr(nn.Module, "to", lambda self, place: (moved.append(place), self)[1])
    with pytest.raises(SystemExit, match="0"):
        main(["predict", "--m", "2", "--n", "0", "--helmholtz", "5", "--device", "cuda:3"])
    assert asked == ["cuda:3"]
    assert torch.device("cpu") in moved
    capsys.readouterr()


def test_the_network_of_jets_predicts_on_its_device(capsys):
    command = ["predict", "--m", "0", "--n", "0", "--helmholtz", "3", "--mach", "0.3", "--jet", "--json", "--device"]
    printed = []
    for name in ("cpu", str(DEVICE)):
        with Elsewhere() if name != "cpu" else contextlib.nullcontext(), pytest.raises(SystemExit, match="0"):
            main([*command, name])
        printed.append(np.array(json.loads(capsys.readouterr().out)["directivity"]["amplitude"]))
    assert np.allclose(*printed, rtol=1e-10, atol=0)


RECIPE = """
task = "forward"
cases = 12
[source]
m = [0, 1]
helmholtz = [3.0, 6.0]
[microphones]
radius = 10.0
angle_deg = [0.0, 90.0, 5]
"""


def test_train_trains_on_its_device(dataset_file, monkeypatch, tmp_path, capsys):
    """In the steps that it takes on the CPU, and from its checkpoint; the weights come back to the CPU."""
    presets = networks.get("mlp").steps.presets
    monkeypatch.setitem(presets, "quick", dataclasses.replace(presets["quick"], epochs=2, width=8))
    data, seen = dataset_file(RECIPE), {}
    validated = Record.validated
    for name in ("cpu", str(DEVICE)):

        def noted(self, model, loss, name=name):
            seen.setdefault(name, set()).add(device_of(model).type)
            validated(self, model, loss)

        monkeypatch.setattr(Record, "validated", noted)
        with Elsewhere() if name != "cpu" else contextlib.nullcontext():
            for more in ([], ["--resume"]):
                command = ["train", "forward", "--model", "mlp", "--data", str(data), "-o", str(tmp_path / name)]
                with pytest.raises(SystemExit, match="0"):
                    main([*command, "--device", name, "--json", *more])
    assert seen == {"cpu": {"cpu"}, str(DEVICE): {DEVICE.type}}
    here, there = (runs.load(tmp_path / name)[1].state_dict() for name in seen)
    assert all(type(value) is torch.Tensor for value in there.values())
    assert max(difference(there, here).values()) < SINGLE
    capsys.readouterr()


def test_several_devices_are_of_a_kind(dataset_file, tmp_path, capsys):
    command = ["train", "forward", "--model", "mlp", "--data", str(dataset_file(RECIPE)), "-o", str(tmp_path / "run")]
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--devices", "2", "--device", "cpu:0"])
    assert capsys.readouterr().err == "wavenet: 2 devices cannot all be cpu:0: name their kind, cpu\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("place", "expected"), [(None, "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")]
)
def test_one_process_trains_on_the_named_device_else_on_the_first_gpu(monkeypatch, place, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    found = Processes(1, 1, None if place is None else torch.device(place))
    assert found.device == torch.device(expected)


def test_processes_named_cpu_leave_the_gpus_alone(monkeypatch):
    asked = []

    class Fabric:
        device, global_rank, world_size = torch.device("cpu"), 0, 2

        def __init__(self, **options):
            asked.append(options["accelerator"])

        def launch(self):
            pass

    monkeypatch.setattr(processes, "Fabric", Fabric)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for place in (None, torch.device("cuda"), torch.device("cpu")):
        Processes(2, 1, place)
    assert asked == ["cuda", "cuda", "cpu"]


def test_networks_that_are_fitted_at_once_have_no_device(dataset_file, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["train", "factor", "--data", str(dataset_file(RECIPE)), "-o", str(tmp_path / "run"), "--device", "cpu"])
    assert capsys.readouterr().err == (
        "wavenet: --device is for networks trained in steps, directivity is fitted at once, on the CPU\n"
    )


def test_a_module_is_where_its_numbers_are():
    assert device_of(nn.Linear(1, 1).to("meta")) == torch.device("meta")
    assert device_of(nn.BatchNorm1d(1, affine=False).to("meta")) == torch.device("meta")
    assert device_of(nn.ReLU()) == torch.device("cpu")


# ---------------------------------------------------------------------------------------------------------------------
# the second device itself


def test_elsewhere_refuses_what_a_gpu_refuses():
    near = torch.ones(3)
    with Elsewhere():
        far = near.to(DEVICE)
        assert isinstance(far, Far)
        with pytest.raises(MixedDevicesError, match=r"add of tensors on two devices: \(3,\) on lazy:0, \(3,\) on cpu"):
            far + near
        with pytest.raises(MixedDevicesError):
            torch.cat([far, near])
        with pytest.raises(MixedDevicesError):
            nn.Linear(3, 1)(far)
        with pytest.raises(MixedDevicesError):
            near[far > 0]
        with pytest.raises(TypeError, match="bring it to the CPU first"):
            far.numpy()
        assert (far * torch.tensor(2.0)).tolist() == pytest.approx([2.0] * 3, rel=1e-6)  # a single number may be used
        assert far[torch.tensor([0, 1])].tolist() == [1.0, 1.0]  # so may indices


def test_elsewhere_rounds_and_has_tf32(coarse):
    a = random(8, 8, dtype=torch.float32)
    exact = a @ a
    with Elsewhere(seed=None):
        coarse_product = (a.to(DEVICE) @ a.to(DEVICE)).cpu()
        with full_precision():
            assert torch.equal((a.to(DEVICE) @ a.to(DEVICE)).cpu(), exact)
    missed = (coarse_product - exact).norm() / exact.norm()
    assert 1e-5 < missed < 2**-10
    with Elsewhere(), full_precision():
        rounded = (a.to(DEVICE) @ a.to(DEVICE)).cpu()
    assert 1e-8 < (rounded - exact).norm() / exact.norm() < SINGLE


def test_the_networks_layers_are_all_in_the_backbone():
    """The decorator stands where the layers are, so that parts that are explained alone are covered too."""
    model = unet_with((), "cpu")
    layers = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    assert all(name.startswith("backbone.") for name in layers)
    assert isinstance(model.backbone, Backbone)


class Convolved(nn.Module):
    """A user's own network, which knows nothing of switches."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(2, 4, 3, padding=1)

    def forward(self, potential, parameters=None):
        return self.layer(potential.float())


def test_the_output_that_is_explained_has_full_precision(coarse):
    model, x = Convolved().eval(), random(1, 2, 8, 8, dtype=torch.float32)
    with torch.no_grad():
        exact = model(x)
    with Elsewhere(seed=None, here=True):
        found = attribute(model, x, torch.ones_like(exact))
    assert float(found.output) == pytest.approx(float(exact.double().sum()), rel=1e-9)


def test_a_user_s_network_predicts_in_full_precision(coarse):
    model, data = Convolved().eval(), near_fields([(1, 6.0, 0.2)], (16, 16))
    exact, _ = tasks.predict(model, data, np.arange(1))
    with Elsewhere(seed=None, here=True):
        found, _ = tasks.predict(model, data, np.arange(1))
    assert np.array_equal(found, exact)
