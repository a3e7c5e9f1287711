"""Precision and compilation of a training, and its cases in memory."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from data.read import Cases
from wavenet import devices
from wavenet.cli import main
from wavenet.networks import Steps
from wavenet.study import tasks
from wavenet.training import loop, precision
from wavenet.training.loading import ForwardCases
from wavenet.training.loop import fit
from wavenet.training.presets import Preset
from wavenet.training.records import LAST, LOG

from . import elsewhere

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")
PRESET = Preset(epochs=2, batch=4, rate=0.01, patience=9, width=0)
RECIPE = """
task = "forward"
cases = 20
[source]
m = [0, 1]
helmholtz = [3.0, 6.0]
[microphones]
radius = 10.0
angle_deg = [0.0, 90.0, 5]
"""


@pytest.fixture(scope="module")
def data(dataset_file):
    return dataset_file(RECIPE)


def gpu(monkeypatch, capability, bf16=True):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)


def test_a_precision_that_the_device_lacks_is_refused(monkeypatch):
    precision.expect("fp32", CPU)
    precision.expect("bf16", CPU)
    with pytest.raises(ValueError, match=r"tf32 needs an NVIDIA GPU of compute capability 8.0 or later, this is a CPU"):
        precision.expect("tf32", CPU)
    gpu(monkeypatch, (8, 0))
    for name in precision.PRECISIONS:
        precision.expect(name, GPU)
    gpu(monkeypatch, (7, 5), bf16=False)
    for name in ("tf32", "bf16"):
        with pytest.raises(ValueError, match=f"precision {name} needs an NVIDIA GPU .* this is a CUDA without it"):
            precision.expect(name, GPU)
    with pytest.raises(ValueError, match=r"one of fp32, tf32, bf16, got 'half'"):
        precision.expect("half", CPU)


def test_the_command_refuses_it_before_work_begins(data, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "forward", "--data", str(data), "-o", str(tmp_path / "run"), "--precision", "tf32"])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("wavenet: the precision tf32 needs an NVIDIA GPU")
    assert said.count("\n") == 1


def test_networks_that_are_fitted_at_once_have_no_precision(capsys, tmp_path, data):
    for option in (["--precision", "bf16"], ["--compile"]):
        with pytest.raises(SystemExit) as stop:
            main(["train", "factor", "--data", str(data), "-o", str(tmp_path / "run"), *option])
        assert stop.value.code == 2
        assert "--precision and --compile are for networks trained in steps" in capsys.readouterr().err


def tf32():
    """Whether convolutions and matrix products are those of TF32, as the kernels ask."""
    return [elsewhere.loses("convolution"), elsewhere.loses("mm")]


@pytest.fixture
def restored():
    """The switches, as they were before."""
    parts, cudnn = (torch.backends.cuda.matmul, torch.backends.cudnn), torch.backends.cudnn
    were = [part.allow_tf32 for part in parts]
    newer = [
        (part, part.fp32_precision) for part in (getattr(cudnn, "conv", None), getattr(cudnn, "rnn", None)) if part
    ]
    yield parts
    for part, value in zip(parts, were, strict=True):
        part.allow_tf32 = value
    for part, value in newer:
        part.fp32_precision = value


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", ["fp32", "tf32"])
def test_tf32_is_used_only_where_it_is_asked_for(monkeypatch, restored, name, before):
    gpu(monkeypatch, (8, 0))
    for switch in restored:
        switch.allow_tf32 = before
    with precision.computing(name, GPU):
        assert tf32() == [name == "tf32"] * 2
    assert tf32() == [before] * 2


class Asks(nn.Module):
    """A network that notes in evaluation whether its products are those of TF32."""

    def __init__(self):
        super().__init__()
        self.layer, self.seen = nn.Linear(3, 2), {True: [], False: []}

    @devices.in_full_precision
    def forward(self, inputs):
        self.seen[self.training] += tf32()
        return self.layer(inputs)


def test_a_training_in_tf32_is_validated_in_full_precision(monkeypatch, tmp_path, restored):
    monkeypatch.setitem(precision.PRECISIONS, "tf32", lambda device: None)
    model = fit(Asks(), cases(), cases(), tmp_path, preset=PRESET, progress=False, steps=STEPS, precision="tf32")
    assert set(model.seen[True]) == {True}
    assert set(model.seen[False]) == {False}


class Layer(nn.Module):
    """One product, whose type it notes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.seen = nn.Linear(3, 2), set()

    def forward(self, inputs):
        found = self.layer(inputs)
        self.seen.add(found.dtype)
        return found


def squared(model, batch):
    values = (model(batch[0]) - batch[1]).float().square().mean(dim=1)
    return values, torch.ones_like(values)


STEPS = Steps(build=Layer, presets={}, loss=squared)


def cases():
    draw = torch.Generator().manual_seed(0)
    return TensorDataset(torch.randn(12, 3, generator=draw), torch.randn(12, 2, generator=draw))


@pytest.mark.parametrize(("name", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_are_taken_in_the_precision_of_the_training(tmp_path, name, dtype):
    model = fit(Layer(), cases(), cases(), tmp_path, preset=PRESET, progress=False, steps=STEPS, precision=name)
    assert model.seen == {dtype}
    assert model.layer.weight.dtype == torch.float32
    assert not torch.is_autocast_enabled("cpu")
    other = {"fp32": "bf16", "bf16": "fp32"}[name]
    with pytest.raises(ValueError, match=f"was begun with precision = {name}, not {other}"):
        fit(model, cases(), cases(), tmp_path, preset=PRESET, resume=True, steps=STEPS, precision=other)


def test_a_training_in_bfloat16_learns(tmp_path):
    """As one in single precision does, apart from rounding to 8 bits."""
    found = {}
    for name in ("fp32", "bf16"):
        trained = fit(
            Layer(), cases(), cases(), tmp_path / name, preset=PRESET, progress=False, steps=STEPS, precision=name
        )
        found[name] = (trained.layer.weight - Layer().layer.weight).detach()
    assert (found["bf16"] - found["fp32"]).norm() < 0.1 * found["fp32"].norm()
    losses = [float(row.split(",")[3]) for row in (tmp_path / "bf16" / LOG).read_text().splitlines()[1:]]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == len(losses)


@pytest.mark.filterwarnings("ignore")  # torch's compiler about itself
def test_a_compiled_training_takes_the_same_steps(tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda self: compiled.append(type(self).__name__))
    options = {"preset": PRESET, "progress": False, "steps": STEPS}
    fit(Layer(), cases(), cases(), tmp_path / "1", **options)
    assert compiled == []
    fit(Layer(), cases(), cases(), tmp_path / "2", compiled=True, **options)
    assert compiled == ["_Loss"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_really_compiled_training_takes_the_same_steps(tmp_path):
    class Silent(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.layer = nn.Linear(3, 2)

        def forward(self, inputs):
            return torch.tanh(self.layer(inputs))

    options = {"preset": PRESET, "progress": False, "steps": STEPS}
    one = fit(Silent(), cases(), cases(), tmp_path / "1", **options)
    two = fit(Silent(), cases(), cases(), tmp_path / "2", compiled=True, **options)
    torch.testing.assert_close(two.layer.weight, one.layer.weight, rtol=1e-4, atol=1e-6)
    assert two.state_dict().keys() == one.state_dict().keys()


def test_dropout_goes_on_in_the_same_bits(tmp_path):
    """The state of torch's generator is in the checkpoint."""

    class Dropping(Layer):
        def forward(self, inputs):
            return self.layer(nn.functional.dropout(inputs, 0.5, self.training))

    options = {"preset": PRESET, "progress": False, "steps": STEPS}
    torch.manual_seed(3)
    whole = fit(Dropping(), cases(), cases(), tmp_path / "whole", **options)
    stop = iter([None, None, None, 15])
    with pytest.raises(loop.Stopped):
        fit(Dropping(), cases(), cases(), tmp_path / "run", asked=lambda: next(stop, 15), **options)
    torch.manual_seed(99)
    found = fit(Dropping(), cases(), cases(), tmp_path / "run", resume=True, **options)
    assert torch.equal(found.layer.weight, whole.layer.weight)


@pytest.mark.parametrize(("every", "expected"), [(0.0, 7), (1e9, 1), (2.5, 2)])
def test_checkpoints_are_written_by_time(tmp_path, monkeypatch, every, expected):
    """A step takes a second of this clock; the last checkpoint is that of the end."""
    ticks, written = [0.0], []
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: ticks[0]))
    real = loop.Record.save
    monkeypatch.setattr(loop.Record, "save", lambda self, *args: (written.append(ticks[0]), real(self, *args)))

    def asked():
        ticks[0] += torch.is_grad_enabled()

    options = {"preset": PRESET, "progress": False, "steps": STEPS, "every": every, "asked": asked}
    fit(Layer(), cases(), cases(), tmp_path, **options)
    assert (tmp_path / LAST).is_file()
    assert len(written) == expected


def test_cases_are_in_memory_if_half_of_it_holds_them(data, monkeypatch):
    found = Cases(data, "train")
    lazy = ForwardCases(found)
    size = sum(part.nbytes for part in lazy[0]) * len(lazy)
    for free, processes, there in ((2 * size, 1, True), (2 * size - 2, 1, False), (2 * size, 2, False)):
        monkeypatch.setattr(tasks.memory, "free", lambda device, free=free: free)
        made = tasks.examples(found, processes)
        assert isinstance(made, TensorDataset) is there
        for index in (0, len(lazy) - 1):
            assert all(torch.equal(a, b) for a, b in zip(made[index], lazy[index], strict=True))
