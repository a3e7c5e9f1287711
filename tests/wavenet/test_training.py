"""Training that is killed, interrupted and resumed, or shared by several processes, takes the same steps."""

import dataclasses
import itertools
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from wavenet import networks
from wavenet import runs as checkpoint
from wavenet.cli import main
from wavenet.forward.feed_forward import ForwardConfig, ForwardModel
from wavenet.tensorfile import read, write
from wavenet.training import loop as training
from wavenet.training.loop import LAST, LOG, Preset, fit
from wavenet.training.losses import error_likelihood
from wavenet.training.order import Seeded, Shares

PRESET = Preset(epochs=20, batch=16, rate=1e-3, patience=100, width=48)
POINTS = 7
# Lightning and torch warn about workers, devices and each other.
pytestmark = pytest.mark.filterwarnings("ignore")


class Noisy(Dataset):
    """Cases with random numbers, as augmentation draws them; slow ones, so that there is time to kill their reader."""

    def __init__(self, count, seconds):
        draw = torch.Generator().manual_seed(count)
        self.inputs = torch.rand(count, 5, generator=draw) + torch.tensor([0.0, 0.0, 0.0, 4.0, 0.0])
        self.seconds = seconds

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        time.sleep(self.seconds)
        return self.inputs[index], torch.sin(self.inputs[index].sum()) + 0.1 * torch.randn(POINTS, 2)


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        x, r = tuple(np.cos(np.arange(POINTS)) * 9), tuple(np.sin(np.arange(POINTS)) * 9)
        return ForwardModel(ForwardConfig(x, r, (0.0,) * 5, (1.0, 1.0, 1.0, 5.0, 1.0), 0.5, PRESET.width))


def train(run, *, resume=False, seconds=0.0, preset=PRESET, every=0.0, **options):
    """A small training, its weights at the end as the command writes them; also what the other process runs."""
    warnings.simplefilter("ignore")
    run.mkdir(exist_ok=True)
    sets = Noisy(42, seconds), Noisy(20, 0.0)
    model = fit(network(), *sets, run, preset=preset, resume=resume, progress=False, every=every, **options)
    checkpoint.save(run, "mlp", model, {})


@pytest.fixture(scope="module")
def elsewhere():
    """A function that starts `train` in a process of its own, which has imported everything when it starts."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["wavenet.training.loop"])
    root = str(Path(__file__).resolve().parents[2])  # where that process finds this module

    def start(run, **options):
        process = context.Process(target=train, args=(run,), kwargs=options)
        process.start()
        return process

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root)
        yield start


def bits(run):
    """The log and the weights; a header of safetensors has its metadata in any order."""
    weights = load_file(run / checkpoint.WEIGHTS)
    return {LOG: (run / LOG).read_text()} | {name: value.numpy().tobytes() for name, value in weights.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    train(run)
    return bits(run)


def survive(elsewhere, run, rng, kills):
    """Kill a training at random moments, going on each time, then let it end; (kills, checkpoints unreadable)."""
    killed = unreadable = 0
    seconds = 0.004  # a case, 0.17 an epoch
    while killed < kills:
        process = elsewhere(run, resume=(run / LAST).exists(), seconds=seconds, preset=PRESET)
        process.join(rng.uniform(0.2, 1.2))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            killed += 1
        assert process.exitcode in (0, -signal.SIGKILL)
        if (run / LAST).exists():
            try:
                read(run / LAST, ["training"], checked=True)
            except ValueError:
                unreadable += 1
        assert {path.name for path in run.glob(".*")} <= {f".{LAST}.partial", f".{LOG}.partial"}
        if process.exitcode == 0:
            break
    process = elsewhere(run, resume=(run / LAST).exists())
    process.join()
    assert process.exitcode == 0
    return killed, unreadable


def test_a_killed_training_goes_on_in_the_same_bits(elsewhere, whole, tmp_path):
    killed, unreadable = survive(elsewhere, tmp_path / "run", random.Random(0), 3)
    assert (killed, unreadable) == (3, 0)
    assert bits(tmp_path / "run") == whole
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [LAST, LOG, checkpoint.WEIGHTS]


@pytest.mark.slow
def test_a_hundred_kills(elsewhere, whole, tmp_path):
    killed = unreadable = different = 0
    for attempt in range(200):
        run = tmp_path / str(attempt)
        more, bad = survive(elsewhere, run, random.Random(attempt), 4)
        killed, unreadable, different = killed + more, unreadable + bad, different + (bits(run) != whole)
        if killed >= 100:
            break
    print("killed, unreadable checkpoints, trainings with other bits:", killed, unreadable, different)
    assert (unreadable, different) == (0, 0)


def test_a_write_that_is_killed_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / LAST
    write(path, {"a": torch.ones(2)}, {"epoch": "1"})

    def half(partial, content):
        with partial.open("wb") as file:
            file.write(content[:30])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(KeyboardInterrupt):
        write(path, {"a": torch.zeros(2)}, {"epoch": "2"})
    tensors, texts = read(path, ["epoch"])
    assert (tensors["a"].tolist(), texts) == ([1, 1], {"epoch": "1"})
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_training_goes_on_in_the_same_bits(elsewhere, whole, tmp_path):
    process = elsewhere(tmp_path / "run", seconds=0.004)
    while not (tmp_path / "run" / LAST).exists():
        assert process.is_alive(), f"it ended before its first checkpoint: {process.exitcode}"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    process.join()
    assert process.exitcode == 1
    assert not (tmp_path / "run" / checkpoint.WEIGHTS).exists()
    process = elsewhere(tmp_path / "run", resume=True)
    process.join()
    assert bits(tmp_path / "run") == whole


def test_a_finished_training_stays_as_it_is(tmp_path):
    run, preset = tmp_path / "run", dataclasses.replace(PRESET, rate=0.3, patience=2)
    train(run, preset=preset)
    assert len((run / LOG).read_text().splitlines()) < 2 + PRESET.epochs  # stopped early
    before = bits(run), (run / LAST).read_bytes()
    train(run, preset=preset, resume=True)
    assert (bits(run), (run / LAST).read_bytes()) == before


def test_the_random_numbers_of_cases_do_not_depend_on_workers(whole, tmp_path):
    train(tmp_path / "run", workers=2)
    assert bits(tmp_path / "run") == whole


def test_another_training_is_not_gone_on_with(whole, tmp_path):
    run = tmp_path / "run"
    preset = dataclasses.replace(PRESET, epochs=1)
    train(run, preset=preset, about={"dataset": "a"})
    for options, named in (({"seed": 1}, "seed = 0, not 1"), ({"about": {"dataset": "b"}}, "dataset = a, not b")):
        with pytest.raises(ValueError, match=named):
            train(run, preset=preset, resume=True, **options)
    (run / LAST).write_bytes((run / LAST).read_bytes()[:-300])
    with pytest.raises(ValueError, match="damaged"):
        train(run, preset=preset, resume=True)
    (run / LAST).unlink()
    with pytest.raises(FileNotFoundError, match="to resume from"):
        train(run, preset=preset, resume=True)


@pytest.mark.parametrize("count", [32, 33, 38, 47])
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_shares_of_a_batch_are_the_batch(count, processes):
    shares = []
    for rank in range(processes):
        sampler = Shares(count, 16, 3, shuffle=True, rank=rank, processes=processes)
        sampler.set_epoch(5)
        cases = TensorDataset(torch.arange(count))
        batches = list(DataLoader(Seeded(cases), 16 // processes, sampler=sampler))
        assert sum(len(weight) for _, _, weight in batches) == len(sampler)
        shares.append([index[weight > 0].tolist() for index, _, weight in batches])
    together = [sorted(itertools.chain(*parts)) for parts in zip(*shares, strict=True)]
    alone = Shares(count, 16, 3, shuffle=True)
    alone.set_epoch(5)
    order = [index for index, _, _ in alone]
    assert together == [sorted(order[start : start + 16]) for start in range(0, count, 16)]
    assert sorted(order) == list(range(count))


@pytest.mark.parametrize(("devices", "message"), [(0, "must be 1 or more, got 0"), (3, "does not divide")])
def test_a_batch_must_divide_among_the_devices(devices, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train(tmp_path / "run", devices=devices)


class ErrorModel(nn.Module):
    """Stands for the constrained network: some cases have more values than others."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 8)

    def log_errors(self, parameters, noise):
        found = self.layer(parameters).unflatten(1, (2, 4, 1, 1)).double()
        return found.masked_fill(
            (noise[:, None, None, None, None] > 0.5) & (torch.arange(4) > 1)[:, None, None], torch.inf
        )


TO_LEARN_ERRORS = networks.Steps(build=ErrorModel, presets={}, loss=error_likelihood)


def teach(folder, devices):
    """Two kinds of training, whose batches do not divide among two processes."""
    warnings.simplefilter("ignore")
    draw = torch.Generator().manual_seed(0)
    samples = [
        TensorDataset(
            torch.rand(count, 3, generator=draw),
            torch.rand(count, generator=draw).double(),
            torch.randn(count, 2, 4, 1, 1, generator=draw),
        )
        for count in (45, 19)
    ]
    torch.manual_seed(1)
    for name, model, sets, steps in (
        ("mlp", network(), (Noisy(45, 0), Noisy(19, 0)), None),
        ("errors", ErrorModel(), samples, TO_LEARN_ERRORS),
    ):
        preset = dataclasses.replace(PRESET, epochs=8)
        fit(model, *sets, folder / name, preset=preset, progress=False, devices=devices, steps=steps)


# Lightning starts a program again for each further process.
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_training import teach
teach(Path(sys.argv[2]), 2)
"""


def losses(path):
    return np.genfromtxt(path / LOG, delimiter=",", skip_header=1)


def test_two_processes_take_the_steps_of_one(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    teach(tmp_path / "1", 1)
    arguments = [sys.executable, program, Path(__file__).parent, tmp_path / "2"]
    subprocess.run(arguments, check=True, timeout=120)
    for name in ("mlp", "errors"):
        one, two = (losses(tmp_path / devices / name) for devices in "12")
        assert len(one) == 8 + 1
        assert one[-1, 3] < one[0, 3]
        # The sums over a batch are taken in another order, in single precision.
        np.testing.assert_allclose(two, one, rtol=2e-5)


# As `wavenet train`, with fewer epochs.
COMMAND = """
import dataclasses
from wavenet import networks
from wavenet.cli import main
presets = networks.get("mlp").steps.presets
presets["quick"] = dataclasses.replace(presets["quick"], epochs=5)
main()
"""
RECIPE = """
task = "forward"
cases = 60
seed = 5
[source]
m = [0, 1]
helmholtz = [3.0, 6.0]
[microphones]
radius = 10.0
angle_deg = [0.0, 90.0, 5]
"""


def test_the_command_on_two_processes(dataset_file, tmp_path, monkeypatch):
    program, data = tmp_path / "wavenet.program.py", dataset_file(RECIPE)
    program.write_text(COMMAND)
    arguments = ["train", "forward", "--model", "mlp", "--data", str(data), "--json", "-o"]
    presets = networks.get("mlp").steps.presets
    monkeypatch.setitem(presets, "quick", dataclasses.replace(presets["quick"], epochs=5))
    with pytest.raises(SystemExit):
        main([*arguments, str(tmp_path / "1")])
    command = [sys.executable, program, *arguments, tmp_path / "2", "--devices", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert json.loads(done.stdout)["weights"] == str(tmp_path / "2" / checkpoint.WEIGHTS)  # said once
    assert sorted(path.name for path in (tmp_path / "2").iterdir()) == [LAST, LOG, checkpoint.WEIGHTS]
    np.testing.assert_allclose(losses(tmp_path / "2"), losses(tmp_path / "1"), rtol=2e-5)
    one, two = (checkpoint.load(tmp_path / devices)[1].state_dict() for devices in "12")
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torchrun", "nodes"])
def test_processes_that_others_start(launcher, dataset_file, tmp_path):
    program, run = tmp_path / "wavenet.program.py", tmp_path / "run"
    program.write_text(COMMAND)
    arguments = [program, "train", "forward", "--model", "mlp", "--data", dataset_file(RECIPE), "-o", run, "--json"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    if launcher == "torchrun":
        start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port]
        commands = [([*start, *arguments, "--devices", "2"], {})]
    else:
        places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        commands = [([sys.executable, *arguments, "--nodes", "2"], places | {"NODE_RANK": rank}) for rank in "01"]
    streams: dict = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    processes = [subprocess.Popen(line, env=os.environ | more, **streams) for line, more in commands]
    shown = [process.communicate(timeout=200)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    assert [bool(text) for text in shown] == [True, False][: len(processes)]
    assert json.loads(shown[0])["weights"] == str(run / checkpoint.WEIGHTS)
    assert sorted(path.name for path in run.iterdir()) == [LAST, LOG, checkpoint.WEIGHTS]


def test_ctrl_c_says_how_to_go_on(dataset_file, tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit", interrupted)
    arguments = ["train", "forward", "--model", "mlp", "--data", str(dataset_file(RECIPE)), "-o", str(tmp_path)]
    for said, more in (("nothing was kept", []), ("continue with --resume", ["--resume"])):
        with pytest.raises(SystemExit) as stop:
            main([*arguments, *more])
        assert (stop.value.code, capsys.readouterr().err) == (130, f"wavenet: interrupted: {said}\n")
        (tmp_path / LAST).touch()
