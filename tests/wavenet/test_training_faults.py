"""Faults of a training: each ends in one line and the documented status, and nothing that was learned is lost."""

import dataclasses
import errno
import json
import math
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import TensorDataset

from data.locks import lock
from wavenet import networks, runs, tensorfile
from wavenet.cli import main
from wavenet.networks import Steps
from wavenet.study import training as study
from wavenet.training import loop, processes
from wavenet.training.loop import LAST, LOG, DivergenceError, Stopped, fit
from wavenet.training.presets import Preset
from wavenet.training.records import Record, seconds_of

RECIPE = """
task = "forward"
cases = {cases}
seed = 5
[source]
m = [0, 1]
helmholtz = [3.0, 6.0]
[microphones]
radius = 10.0
angle_deg = [0.0, 90.0, 5]
"""
PRESET = Preset(epochs=6, batch=4, rate=0.05, patience=100, width=0)


@pytest.fixture(scope="module")
def data(dataset_file):
    return dataset_file(RECIPE.format(cases=40))


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """The mlp's quick preset, five epochs long."""
    presets = networks.get("mlp").steps.presets
    monkeypatch.setitem(presets, "quick", dataclasses.replace(presets["quick"], epochs=5, width=16))


@pytest.fixture
def command(capsys):
    """A function that runs `wavenet train forward`: status, standard output, standard error."""

    def run(data, folder, *options):
        with pytest.raises(SystemExit) as stop:
            main(["train", "forward", "--model", "mlp", "--data", str(data), "-o", str(folder), *options])
        return stop.value.code or 0, *capsys.readouterr()

    return run


class Number(nn.Module):
    def __init__(self, start=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([start]))

    def forward(self, inputs):
        return self.weight.expand(len(inputs))


def squared(model, batch):
    values = (model(batch[0]) - batch[1]).square()
    return values, torch.ones_like(values)


STEPS = Steps(build=Number, presets={}, loss=squared)


def numbers(target, count=8):
    return TensorDataset(torch.zeros(count, 1), torch.full((count,), target))


def train(run, *, steps=STEPS, sets=(1.0, 0.9), preset=PRESET, **options):
    return fit(Number(), *map(numbers, sets), run, preset=preset, progress=False, steps=steps, **options)


# A loss that is no number


def test_a_loss_that_is_no_number_ends_with_status_1(command, data, tmp_path, monkeypatch):
    preset = networks.get("mlp").steps.presets["quick"]
    monkeypatch.setitem(networks.get("mlp").steps.presets, "quick", dataclasses.replace(preset, rate=1e30))
    status, out, said = command(data, tmp_path / "run")
    assert (status, out) == (1, "")
    assert said.count("\n") == 1
    assert said.startswith("wavenet: the loss became ")
    assert said.endswith("never below that of the untrained network: no weights are written\n")
    assert not (tmp_path / "run" / runs.WEIGHTS).exists()


class Failing:
    """A loss that becomes infinite or NaN after some batches of training."""

    def __init__(self, good, value):
        self.good, self.value = good, value

    def __call__(self, model, batch):
        values, numbers = squared(model, batch)
        self.good -= torch.is_grad_enabled()
        return (values if self.good >= 0 else values * self.value), numbers


@pytest.mark.parametrize("value", [torch.inf, torch.nan])
def test_the_best_weights_before_it_are_kept(tmp_path, value):
    steps = dataclasses.replace(STEPS, loss=Failing(5, value))  # two batches an epoch: the third is spoilt
    with pytest.raises(DivergenceError, match=r"became (inf|nan) in epoch 3; it was lowest in epoch 2") as found:
        train(tmp_path, steps=steps, every=0.0)
    twice = train(tmp_path / "other", preset=dataclasses.replace(PRESET, epochs=6), sets=(1.0, 0.9))
    assert 0 < found.value.best.weight.item() < twice.weight.item()
    # the checkpoint is of a step before: the training goes on with a sound loss
    model = train(tmp_path, resume=True)
    assert torch.equal(model.weight, twice.weight)


def test_a_checkpoint_never_holds_a_loss_that_is_no_number(tmp_path):
    steps = dataclasses.replace(STEPS, loss=Failing(3, torch.nan))
    with pytest.raises(DivergenceError):
        train(tmp_path, steps=steps, every=0.0)
    tensors, _ = tensorfile.read(tmp_path / LAST, ["training"])
    assert all(torch.isfinite(value).all() for value in tensors.values() if value.is_floating_point())


def test_the_command_writes_the_best_weights_before_it(command, data, tmp_path, monkeypatch):
    def diverged(model, *arguments, **options):
        raise DivergenceError("the loss became nan in epoch 3; it was lowest in epoch 2", model)

    monkeypatch.setattr(loop, "fit", diverged)
    status, _, said = command(data, tmp_path / "run")
    assert status == 1
    assert said.endswith(f"lowest in epoch 2, whose weights are in {tmp_path / 'run' / runs.WEIGHTS}\n")
    assert runs.load(tmp_path / "run")[0] == "mlp"


# Two trainings in one folder


def test_two_trainings_do_not_share_a_folder(command, data, tmp_path):
    run = tmp_path / "run"
    (run / ".training").mkdir(parents=True)
    with lock(run / ".training"):
        for more in ([], ["--resume"]):
            status, _, said = command(data, run, *more)
            assert (status, said) == (2, f"wavenet: another training is at work in {run}\n")
    assert not list(run.iterdir())
    (run / ".training").mkdir()
    (run / ".training" / "lock").touch()  # of one that was killed
    assert command(data, run)[0] == 0
    assert sorted(path.name for path in run.iterdir()) == [LAST, LOG, runs.WEIGHTS]


def test_a_folder_with_other_files_is_left_alone(command, data, tmp_path):
    (tmp_path / "notes").touch()
    status, _, said = command(data, tmp_path)
    assert (status, said) == (2, f"wavenet: {tmp_path} is not empty; continue with --resume or choose another folder\n")
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


# A full disk


@pytest.mark.parametrize(("full", "kept"), [(0, False), (1, True)])
def test_a_full_disk_costs_what_came_after_the_last_checkpoint(command, data, tmp_path, monkeypatch, full, kept):
    real, written = Path.write_bytes, []

    def write_bytes(path, content):
        written.append(path.name)
        if len(written) > full:
            path.touch()
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, content)

    run = tmp_path / "run"
    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    status, out, said = command(data, run)
    assert (status, out, said.count("\n")) == (2, "", 1)
    file = run / (runs.WEIGHTS if kept else LAST)
    assert said == f"wavenet: {file} cannot be written: No space left on device\n"
    assert sorted(path.name for path in run.glob("*")) == ([LAST, LOG] if kept else [])
    monkeypatch.setattr(Path, "write_bytes", real)
    assert command(data, run, *(["--resume"] if kept else []))[0] == 0


def test_a_full_disk_within_a_training_says_how_to_go_on(command, data, tmp_path, monkeypatch):
    def fails(*arguments, **options):
        (tmp_path / LAST).touch()
        raise OSError("x cannot be written: No space left on device")

    monkeypatch.setattr(loop, "fit", fails)
    said = command(data, tmp_path)[2]
    assert said.endswith("No space left on device; the last checkpoint is kept, continue with --resume\n")


# Files in the way, and what a killed process leaves


@pytest.mark.parametrize("name", [runs.WEIGHTS, LOG])
def test_a_folder_in_place_of_a_file_is_named(command, data, tmp_path, name):
    run = tmp_path / "run"
    assert command(data, run)[0] == 0
    (run / name).unlink()
    (run / name).mkdir()
    status, out, said = command(data, run, "--resume")
    assert (status, out, said.count("\n")) == (2, "", 1)
    assert said.startswith(f"wavenet: {run / name} cannot be written: Is a directory")


@pytest.mark.parametrize("below", ["", "run"])
def test_a_run_that_cannot_have_a_folder_is_named(command, data, tmp_path, below):
    (tmp_path / "file").touch()
    run = tmp_path / "file" / below
    status, _, said = command(data, run)
    assert (status, said) == (2, f"wavenet: the run's folder {run} cannot be made: Not a directory\n")


def test_a_run_that_never_began_leaves_no_folder(command, data, tmp_path):
    run = tmp_path / "run"
    status, _, said = command(data, run, "--resume")
    assert (status, said) == (2, f"wavenet: {run} has no {LAST} to resume from\n")
    assert not run.exists()


def test_a_training_goes_on_past_a_checkpoint_half_written(command, data, tmp_path):
    """What a SIGKILL within a writing leaves."""
    run = tmp_path / "run"
    assert command(data, run)[0] == 0
    weights = load_file(run / runs.WEIGHTS)
    partial = run / f".{LAST}.partial"
    partial.write_bytes((run / LAST).read_bytes()[:1000])
    (run / runs.WEIGHTS).unlink()
    assert command(data, run, "--resume")[0] == 0
    again = load_file(run / runs.WEIGHTS)
    assert all(torch.equal(again[key], weights[key]) for key in weights)
    (tmp_path / "other").mkdir()  # it was killed at its first checkpoint
    (tmp_path / "other" / partial.name).write_bytes(b"...")
    assert command(data, tmp_path / "other")[0] == 0
    assert not (tmp_path / "other" / partial.name).exists()


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_number_that_is_none_in_a_case_is_named(command, data, tmp_path, split):
    spoilt = tmp_path / "spoilt.h5"
    spoilt.write_bytes(Path(data).read_bytes())
    with h5py.File(spoilt, "r+") as file:
        case = int((file["split"][:] == ["train", "validation"].index(split)).nonzero()[0][0])
        file["pressure"][case, 1, 0] = math.nan
    status, _, said = command(spoilt, tmp_path / "run")
    assert (status, said) == (2, f"wavenet: {spoilt}: pressure holds values that are not finite\n")
    assert not (tmp_path / "run").exists()


def test_all_cases_in_one_split_are_refused(command, dataset_file, tmp_path):
    one = dataset_file(RECIPE.format(cases=4).replace("seed = 5", "split = [1.0, 0.0, 0.0]"))
    status, _, said = command(one, tmp_path / "run")
    assert (status, said) == (2, f"wavenet: {one} has no validation cases\n")
    assert not (tmp_path / "run").exists()


def test_a_training_goes_on_with_its_own_data_alone(command, data, dataset_file, tmp_path):
    run, other = tmp_path / "run", dataset_file(RECIPE.format(cases=40).replace("seed = 5", "seed = 6"))
    assert command(data, run)[0] == 0
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    status, _, said = command(other, run, "--resume")
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith(f"wavenet: {run} was begun with dataset = ")
    assert before == {path.name: path.read_bytes() for path in run.iterdir()}


@pytest.mark.parametrize(
    ("option", "value", "range_"), [("workers", "-1", "0 or more"), ("seed", "-1", "0 ... 4294967295")]
)
def test_numbers_out_of_range_are_named(command, data, tmp_path, option, value, range_):
    status, _, said = command(data, tmp_path / "run", f"--{option}", value)
    assert (status, said) == (2, f"wavenet: --{option} must be {range_}, got {value}\n")
    assert not (tmp_path / "run").exists()


# SLURM


def variables(monkeypatch, **found):
    for name in [name for name in os.environ if name.startswith("SLURM") or name in ("RANK", "NODE_RANK")]:
        monkeypatch.delenv(name)
    for name, value in found.items():
        monkeypatch.setenv(name, value)


BATCH_SCRIPT = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_JOB_NAME": "train"}


def test_one_process_trains_within_a_batch_script_without_srun(command, data, tmp_path, monkeypatch):
    variables(monkeypatch, **BATCH_SCRIPT)
    assert command(data, tmp_path / "run", "--json")[0] == 0


def test_several_machines_without_srun_are_refused(command, data, tmp_path, monkeypatch):
    variables(monkeypatch, **BATCH_SCRIPT)
    status, out, said = command(data, tmp_path / "run", "--nodes", "2", "--devices", "4")
    assert (status, out) == (2, "")
    assert said == ("wavenet: --nodes 2 under SLURM: start the processes by srun --nodes 2 --ntasks-per-node 4\n")


def test_srun_must_start_as_many_processes_as_are_asked_for(command, data, tmp_path, monkeypatch):
    variables(monkeypatch, **BATCH_SCRIPT, SLURM_STEP_ID="0", SLURM_STEP_NUM_TASKS="4")
    status, _, said = command(data, tmp_path / "run", "--devices", "2")
    assert (status, said) == (2, "wavenet: srun has started 4 processes, --devices 2 --nodes 1 need as many\n")


def test_srun_is_asked_who_the_processes_are(monkeypatch):
    variables(monkeypatch, **BATCH_SCRIPT, SLURM_STEP_ID="0", SLURM_STEP_NUM_TASKS="4", SLURM_LOCALID="1")
    found = processes.environment(2, 2)
    assert (type(found).__name__, found.world_size(), found.local_rank()) == ("SLURMEnvironment", 4, 1)
    variables(monkeypatch, **BATCH_SCRIPT)
    assert type(processes.environment(2, 1)).__name__ == "LightningEnvironment"  # which starts them itself
    with pytest.raises(ValueError, match="start the processes by srun"):
        processes.environment(2, 2)
    variables(monkeypatch)
    assert processes.environment(2, 2) is None


# Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_command_after_a_step(command, data, tmp_path, monkeypatch, number):
    whole = tmp_path / "whole"
    assert command(data, whole)[0] == 0
    real, seen = Record.validated, []

    def validated(self, *arguments):
        seen.append(real(self, *arguments))
        if len(seen) == 3:  # after two epochs
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Record, "validated", validated)
    run = tmp_path / "run"
    status, out, said = command(data, run)
    assert (status, out, said) == (128 + number, "", "wavenet: interrupted: continue with --resume\n")
    assert sorted(path.name for path in run.iterdir()) == [LAST, LOG]
    monkeypatch.setattr(Record, "validated", real)
    assert command(data, run, "--resume")[0] == 0
    assert (run / LOG).read_text() == (whole / LOG).read_text()
    one, two = (runs.load(folder)[1].state_dict() for folder in (whole, run))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_a_training_stops_within_an_epoch_and_goes_on_there_in_the_same_bits(tmp_path):
    whole = train(tmp_path / "whole", sets=(1.0, 0.7))
    for after in range(1, 13):  # six epochs of two steps
        calls = []
        run = tmp_path / str(after)

        def asked(calls=calls, after=after):
            calls.append(1)
            return signal.SIGTERM if len(calls) > after else None

        with pytest.raises(Stopped):
            train(run, sets=(1.0, 0.7), asked=asked)
        found = train(run, sets=(1.0, 0.7), resume=True)
        assert torch.equal(found.weight, whole.weight)
        assert (run / LOG).read_text() == (tmp_path / "whole" / LOG).read_text()


# As `wavenet train`, with a network whose epochs never end. The first argument is the rank that is told to end.
PROGRAM = """
import dataclasses, os, signal, sys, threading, time
from wavenet import networks
from wavenet.cli import main
presets = networks.get("mlp").steps.presets
presets["quick"] = dataclasses.replace(presets["quick"], epochs=10**6, patience=10**6, width=16)
number = getattr(signal, os.environ["SIGNAL"])
rank = os.environ.get("LOCAL_RANK", "0")

from wavenet.training.loop import _Training
step = _Training._step
def stepped(self, *arguments):
    step(self, *arguments)
    if rank == "1" and self._record.progress.step == 3:
        os.kill(os.getpid(), number)
_Training._step = stepped
main()
"""


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("SIGTERM", 143, "wavenet: interrupted: continue with --resume\n"),
        pytest.param(
            "SIGKILL",
            2,
            "wavenet: another process of this training has ended; continue with --resume\n",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_one_of_two_processes_that_is_told_to_end_ends_both(data, tmp_path, name, status, said):
    program, run = tmp_path / "wavenet.program.py", tmp_path / "run"
    program.write_text(PROGRAM)
    arguments = ["train", "forward", "--model", "mlp", "--data", data, "-o", run, "--json", "--devices", "2"]
    done = subprocess.run(
        [sys.executable, program, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"SIGNAL": name},
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "", said)
    if name == "SIGTERM":
        assert sorted(path.name for path in run.iterdir()) == [LAST, LOG]


def test_the_copies_that_lightning_started_leave_the_status_to_the_first(data, tmp_path, monkeypatch):
    def stopped(*arguments, **options):
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(loop, "fit", stopped)
    variables(monkeypatch)
    monkeypatch.setenv("LOCAL_RANK", "1")
    options = study.Options(devices=2)
    try:
        found = study.train("forward", data, tmp_path / "run", model="mlp", options=options)
    except study.Interrupted:  # pytest itself would end
        pytest.fail("a copy raises")
    assert found is None
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(study.Interrupted):
        study.train("forward", data, tmp_path / "run", model="mlp", options=options)


# Flipped bits


@pytest.mark.parametrize("name", [runs.WEIGHTS, LAST])
def test_no_bit_of_a_file_can_flip_unseen(command, data, tmp_path, name):
    run = tmp_path / "run"
    assert command(data, run)[0] == 0
    content = (run / name).read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    draw = torch.Generator().manual_seed(0)
    places = [0, 7, 8, header - 1, header, len(content) - 1]
    places += torch.randint(header, (120,), generator=draw).tolist()
    places += (header + torch.randint(len(content) - header, (20,), generator=draw)).tolist()
    for place in places:
        bit = 1 << int(torch.randint(8, (), generator=draw))
        spoilt = bytearray(content)
        spoilt[place] ^= bit
        (run / name).write_bytes(spoilt)
        with pytest.raises(ValueError, match=f"{name} is damaged"):
            loop.check_resumable(run / LAST, {}) if name == LAST else runs.load(run)
    status, _, said = command(data, run, "--resume") if name == LAST else (2, "", "wavenet: damaged\n")
    assert status == 2
    assert said.startswith("wavenet: ")
    assert "damaged" in said


def test_the_checksum_cannot_get_lost(command, data, tmp_path):
    """By a bit that flips in its name."""
    assert command(data, tmp_path)[0] == 0
    with safe_open(tmp_path / runs.WEIGHTS, "pt") as file:
        texts = dict(file.metadata())
    texts["rha256"] = texts.pop("sha256")
    save_file(load_file(tmp_path / runs.WEIGHTS), tmp_path / runs.WEIGHTS, texts)
    with pytest.raises(ValueError, match=r"is damaged, or another version's: it has the texts .*rha256"):
        runs.load(tmp_path)


def test_weights_without_a_checksum_are_still_read():
    for folder in (*runs.SHIPPED.values(), *runs.BASELINES.values()):
        assert runs.load(folder)[1]


def test_a_checkpoint_of_an_older_version_is_refused(command, data, tmp_path):
    torch.save({"state_dict": {}, "callbacks": {}}, tmp_path / LAST)
    status, _, said = command(data, tmp_path, "--resume")
    assert status == 2
    assert said.startswith(f"wavenet: {tmp_path / LAST} is damaged, or another version's: ")


# Files, output, small datasets, times


@pytest.mark.parametrize("mask", [0o022, 0o007])
def test_the_umask_says_who_may_read_the_files(command, data, tmp_path, mask):
    before = os.umask(mask)
    try:
        assert command(data, tmp_path / "run")[0] == 0
    finally:
        os.umask(before)
    for name in (runs.WEIGHTS, LAST, LOG):
        assert stat.S_IMODE((tmp_path / "run" / name).stat().st_mode) == 0o666 & ~mask


def test_standard_output_has_the_result_alone(command, data, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    status, out, said = command(data, tmp_path / "run")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["weights", "model", "seconds"]
    assert "validation_loss" in said  # the bar
    status, out, said = command(data, tmp_path / "other", "--json")
    assert set(json.loads(out)) == {"weights", "model", "seconds"}
    assert said == ""


@pytest.mark.parametrize("cases", [1, 2, 3])
def test_datasets_of_one_to_three_cases(command, dataset_file, tmp_path, cases):
    status, out, said = command(dataset_file(RECIPE.format(cases=cases)), tmp_path / "run")
    if status:
        assert (status, out) == (2, "")
        assert said.endswith("data.h5 has no validation cases\n") or said.endswith("data.h5 has no train cases\n")
        assert not (tmp_path / "run").exists()
    else:
        assert runs.load(tmp_path / "run")[0] == "mlp"


def test_the_time_before_an_interruption_counts(command, data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    monkeypatch.setattr(study.time, "perf_counter", lambda: 0.0)  # no time passes in this process
    stop = iter([None] * 5 + [signal.SIGINT] * 9)
    real_fit = loop.fit
    monkeypatch.setattr(loop, "fit", lambda *a, asked, **o: real_fit(*a, asked=lambda: next(stop), **o))
    assert command(data, run)[0] == 130
    tensors, texts = tensorfile.read(run / LAST, ["training"])
    state = json.loads(texts["training"])
    state["progress"]["seconds"] = 50.0
    tensorfile.write(run / LAST, tensors, {"training": json.dumps(state)})
    assert seconds_of(run) == 50.0
    monkeypatch.setattr(loop, "fit", real_fit)
    status, out, _ = command(data, run, "--resume", "--json")
    assert status == 0
    assert json.loads(out)["seconds"] == 50.0
    assert runs.load(run)[2]["training_seconds"] == 50.0
    assert seconds_of(run) >= 50.0
