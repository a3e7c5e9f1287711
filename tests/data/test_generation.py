"""Generation that is killed, interrupted, short of disk or of workers, and goes on in the same bits."""

import errno
import importlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from analytic import cut_on_helmholtz
from data import generate, processes, recipe
from data import journal as journals
from data.read import check, read_small
from data.sampling import plan_of

from ..conftest import compute_here

RECIPE = """
task = "edge"
cases = 95
seed = 5
[source]
m = [0, 1, -2]
helmholtz = [4.0, 9.0]
mach = [-0.2, 0.2]
modes = [1, 3]
[disc]
radius = 0.3
closest = 1e-3
roots = 8
angles = 16
[[out_of_range]]
name = "higher_ka"
share = 0.1
helmholtz = [10.0, 12.0]
"""
SHARDS = 7
WORKERS = """
import os
from data.shards import compute
def deadly(task, number, expected):
    print("noise")  # is not taken for an answer
    if number == 2:
        with open(__file__ + ".deaths", "a") as file:
            file.write("died\\n")
        os._exit(1)
    return compute(task, number, expected)
def faulty(task, number, expected):
    return {}[number]
def threads(task, number, expected):
    assert {os.environ[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")} == {"1"}
    return compute(task, number, expected)
"""
PROGRAM = "import sys; from wavenet.cli import main; main(sys.argv[1:])"


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(RECIPE)
    return recipe.load(path)


@pytest.fixture
def workers(tmp_path_factory, monkeypatch):
    """A module that the workers import."""
    folder = tmp_path_factory.mktemp("workers")
    (folder / "functions_of_workers.py").write_text(WORKERS)
    monkeypatch.syspath_prepend(folder)
    return importlib.import_module("functions_of_workers")


@pytest.fixture(scope="module")
def whole(named, tmp_path_factory):
    """The bits of an uninterrupted run, and the seconds it takes with its imports."""
    path = tmp_path_factory.mktemp("whole") / "whole.h5"
    started = time.perf_counter()
    subprocess.run(command(named, path), check=True, capture_output=True)
    return path.read_bytes(), time.perf_counter() - started


def command(named, path, *more):
    return [sys.executable, "-c", PROGRAM, "generate", named.name, "-o", str(path), "--workers", "2", *more]


def start(named, path, *more, **streams):
    return subprocess.Popen(command(named, path, *more), start_new_session=True, **streams)


def go_on(named, path):
    """Resume; how many shards were computed anew."""
    calls = []
    generate.generate(named, path, workers=2, resume=True, progress=lambda *count: calls.append(count))
    return len(calls)


def survive(named, whole, folder, rng, runs):
    """Kill runs at random moments, resume each; (killed, acknowledged shards, lost, unreadable, different)."""
    bits, seconds = whole
    killed = acknowledged = lost = unreadable = different = 0
    for run in range(runs):
        path = folder / f"{run}.h5"
        process = start(named, path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 1.0) * seconds)
        os.killpg(process.pid, signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        journal = journals.Journal(generate.parts_folder(path))
        complete = path.exists()
        done = journal.done() if journal.folder.exists() else {}
        acknowledged += len(done)
        for number, one in done.items():
            try:
                journal.verify({number: one})
            except (OSError, ValueError):
                unreadable += 1
        if not (complete and not journal.folder.exists()):
            anew = go_on(named, path)
            lost += 0 if complete else max(0, anew - (SHARDS - len(done)))
        different += path.read_bytes() != bits
        check(path)
        assert sorted(one.name for one in folder.iterdir() if ".card." not in one.name) == [path.name]
        path.unlink()
    return killed, acknowledged, lost, unreadable, different


def test_killed_runs_go_on_in_the_same_bits(named, whole, tmp_path):
    killed, _, lost, unreadable, different = survive(named, whole, tmp_path, random.Random(1), 3)
    assert killed > 0
    assert (lost, unreadable, different) == (0, 0, 0)


@pytest.mark.slow
def test_a_hundred_killed_runs(named, whole, tmp_path):
    result = survive(named, whole, tmp_path, random.Random(2), 100)
    print("killed, acknowledged shards, lost, unreadable, different:", *result)
    assert result[0] > 80
    assert result[1] > 0
    assert result[2:] == (0, 0, 0)


def test_ctrl_c_says_how_to_go_on(named, whole, tmp_path):
    path = tmp_path / "x.h5"
    process = start(named, path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    journal = journals.Journal(generate.parts_folder(path))
    while not journal.done():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    message = re.search(r"wavenet: interrupted: (\d+) of 105 cases are kept in .*; continue with --resume", stderr)
    assert message, stderr
    assert "Traceback" not in stderr
    assert not path.exists()
    assert int(message[1]) > 0
    assert go_on(named, path) < SHARDS
    assert path.read_bytes() == whole[0]


def test_a_full_disk_loses_nothing(named, whole, tmp_path, monkeypatch):
    write, path = journals.write_bytes, tmp_path / "x.h5"
    left = [4]

    def until_full(target, content):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        write(target, content)

    monkeypatch.setattr(journals, "write_bytes", until_full)
    monkeypatch.setattr(generate, "compute_all", compute_here)
    with pytest.raises(OSError, match=r"No space left.*of 105 cases are kept.*--resume"):
        generate.generate(named, path, workers=2)
    monkeypatch.undo()
    with pytest.raises(FileExistsError, match="unfinished"):
        generate.generate(named, path, workers=2)
    assert go_on(named, path) == SHARDS - 3  # the plan was the first file of four
    assert path.read_bytes() == whole[0]


def test_parts_of_something_else_are_refused(named, tmp_path):
    path = tmp_path / "x.h5"
    journal = journals.Journal(generate.parts_folder(path))
    journal.begin({"recipe": "another", "seed": 5})
    with pytest.raises(ValueError, match="was begun with"):
        go_on(named, path)
    assert not path.exists()


def test_a_changed_shard_is_found(named, tmp_path):
    journal = journals.Journal(tmp_path / "parts")
    journal.begin({})
    done = {3: journal.acknowledge(3, b"content", 1, [])}
    journal.verify(done)
    journal.shard(3).write_bytes(b"c0ntent")
    with pytest.raises(ValueError, match="were changed"):
        journal.verify(done)


def test_a_cut_line_of_the_journal_is_no_acknowledgement(tmp_path):
    journal = journals.Journal(tmp_path / "parts")
    journal.begin({})
    journal.acknowledge(0, b"zero", 1, [])
    file = tmp_path / "parts" / "journal.jsonl"
    file.write_bytes(file.read_bytes() + b'{"shard": 1, "dig')
    assert list(journal.done()) == [0]
    journal.acknowledge(2, b"two", 1, [])
    assert sorted(journal.done()) == [0, 2]
    journal.shard(0).unlink()
    assert list(journal.done()) == [2]


def test_only_one_process_at_a_time(named, tmp_path):
    path = tmp_path / "x.h5"
    folder = generate.parts_folder(path)
    folder.mkdir()
    with generate.lock(folder), pytest.raises(FileExistsError, match="another process"):
        go_on(named, path)


def test_cases_that_do_not_converge_are_recorded_and_the_rest_goes_on(tmp_path):
    cut_on = cut_on_helmholtz(1, 1)
    path, text = tmp_path / "x.h5", tmp_path / "recipe.toml"
    text.write_text(
        RECIPE.replace("[4.0, 9.0]", f"[{cut_on!r}, {cut_on!r}]").replace("[-0.2, 0.2]", "[0.0, 0.0]").split("[[out")[0]
    )
    summary = generate.generate(recipe.load(text), path, workers=2)
    assert 0 < len(summary.missing) < 95
    assert summary.cases + len(summary.missing) == 95
    dataset = read_small(path)
    assert not np.any(dataset["m"] == 1)
    assert sorted([*dataset["case"].tolist(), *(one["case"] for one in dataset.about.missing)]) == list(range(95))
    assert {one["m"] for one in dataset.about.missing} == {1}
    assert all("error estimate" in one["reason"] for one in dataset.about.missing)
    reasons = check(path)["missing"]
    assert sum(reasons.values()) == len(summary.missing)


def test_a_shard_that_kills_its_workers_is_given_up(named, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(processes, "compute", workers.deadly)
    path = tmp_path / "x.h5"
    summary = generate.generate(named, path, workers=2)
    assert summary.cases == 89
    assert {one.reason for one in summary.missing} == {"its worker died 4 times"}
    assert check(path)["missing"] == {"its worker died 4 times": 16}
    assert Path(workers.__file__ + ".deaths").read_text() == 4 * "died\n"


def test_an_error_of_the_program_in_a_worker_has_its_traceback(named, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(processes, "compute", workers.faulty)
    with pytest.raises(KeyError) as caught:
        generate.generate(named, tmp_path / "x.h5", workers=2)
    assert "in faulty" in caught.value.__notes__[0]
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_cannot_write_its_shard_is_an_error(named, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone/\.shard-00000\d\.safetensors\.partial"):
        list(processes.compute_all(named.recipe, plan_of(named.recipe), [0, 1], 1, tmp_path / "gone"))


def test_a_worker_that_cannot_begin_is_an_error(named, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_PROGRAM", "import sys; sys.exit(3)")
    with pytest.raises(processes.ClusterError, match="a worker process ended with status 3 before it began to work"):
        generate.generate(named, tmp_path / "x.h5")
    assert list(tmp_path.iterdir()) == []


def test_workers_use_one_thread_whatever_the_environment_says(named, whole, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(processes, "compute", workers.threads)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    generate.generate(named, tmp_path / "x.h5", workers=1)
    assert (tmp_path / "x.h5").read_bytes() == whole[0]


def test_a_cluster_of_processes_that_loses_a_worker(named, whole, tmp_path):
    """Scheduler and two workers as processes of their own; one worker is killed while it works."""
    file, path = tmp_path / "scheduler.json", tmp_path / "x.h5"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": os.environ | {"OMP_NUM_THREADS": "1"}}
    place = ["--scheduler-file", str(file)]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", *place]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", *place, "--nthreads", "1", "--no-nanny"]
    processes = [subprocess.Popen(scheduler, **quiet)]
    try:
        processes += [subprocess.Popen([*worker, "--no-dashboard"], **quiet) for _ in range(2)]
        while not file.exists():
            assert processes[0].poll() is None
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        seen = []

        def progress(*count):
            seen.append(count)
            if len(seen) == 2:
                processes[1].kill()

        generate.generate(named, path, scheduler=address, progress=progress)
        assert processes[1].wait() == -signal.SIGKILL
        assert seen[-1] == (105, 105)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert path.read_bytes() == whole[0]


def test_splits_are_by_parameter(named, whole, tmp_path):
    path = tmp_path / "whole.h5"
    path.write_bytes(whole[0])
    dataset = read_small(path)
    assert dataset.about.splits == ("train", "validation", "test", "higher_ka")
    counts = [len(dataset.cases(name)) for name in dataset.about.splits]
    assert counts == [76, 10, 9, 10]  # shares of 95
    low, width = np.array([4.0, -0.2]), np.array([5.0, 0.4])
    places = np.stack([dataset["helmholtz"], dataset["mach"]], axis=1)
    blocks = [
        {tuple(np.floor((place - low) / width * [32, 8]).astype(int)) for place in places[dataset.cases(name)]}
        for name in ("train", "validation", "test")
    ]
    assert sum(map(len, blocks)) == len(set.union(*blocks))
    assert np.all(dataset["helmholtz"][dataset.cases("higher_ka")] >= 10)


def test_statistics_are_those_of_the_training_cases(named, whole, tmp_path):
    path = tmp_path / "whole.h5"
    path.write_bytes(whole[0])
    scales = read_small(path).about.scales
    with h5py.File(path) as file:
        for name, (rms, largest) in scales.items():
            values = file[name][...][file["split"][...] == 0]
            assert rms == pytest.approx(np.sqrt(np.mean(np.sum(values**2, axis=1))), rel=1e-12)
            assert largest == np.max(np.abs(values))
