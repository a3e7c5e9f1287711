"""Faults of processes: of schedulers and workers, signals to a real command, limits, two commands at once."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from data import generate, recipe
from data.cluster import ClusterError, Scheduler
from data.read import check

from ..conftest import compute_here

RECIPE = """
task = "edge"
cases = 96
seed = 5
[source]
m = [0, 1, -2]
helmholtz = [4.0, 9.0]
[disc]
radius = 0.3
closest = 1e-3
roots = 24
angles = 16
"""
KEPT = r"\d+ of 96 cases are kept in .*x\.h5\.parts; continue with --resume$"
PROGRAM = "import sys; from wavenet.cli import main; main(sys.argv[1:])"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(RECIPE)
    return recipe.load(path)


@pytest.fixture(scope="module")
def bits(named, tmp_path_factory):
    """Of a run without worker processes."""
    path = tmp_path_factory.mktemp("whole") / "x.h5"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "compute_all", compute_here)
        generate.generate(named, path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5"


def goes_on(named, path, bits):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "compute_all", compute_here)
        generate.generate(named, path, resume=True)
    assert path.read_bytes() == bits
    check(path)
    assert not generate.parts_folder(path).exists()


# Addresses at which there is no scheduler


@contextlib.contextmanager
def port(answer=None):
    """A port where nobody answers, or a service of another kind does."""
    with contextlib.ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    stack.enter_context(server.accept()[0]).sendall(answer)

        thread = threading.Thread(target=serve)
        if answer is not None:
            thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)  # wakes the thread
        if answer is not None:
            thread.join()


@pytest.mark.parametrize("answer", [None, b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_answers_must_be_a_scheduler(named, path, answer):
    reason = "nothing answers for 0.5 s" if answer is None else "what answers is something else"
    with port(answer) as address, pytest.raises(ClusterError, match=f"no dask scheduler at {address}: {reason}"):
        generate.generate(named, path, scheduler=address, timeout=0.5)
    assert list(path.parent.iterdir()) == []


def test_a_silent_port_is_asked_for_the_time_given(named, path, monkeypatch):
    given, wait = [], asyncio.wait_for

    def wait_for(what, timeout):
        given.append(timeout)
        return wait(what, timeout if given[1:] else 0.1)  # the others are dask's own

    monkeypatch.setattr(asyncio, "wait_for", wait_for)
    with port() as address, pytest.raises(ClusterError, match="nothing answers for 7 s"):
        generate.generate(named, path, scheduler=address, timeout=7)
    assert given[0] == 7


def test_a_port_that_is_closed(named, path):
    with port() as address:
        pass
    with pytest.raises(ClusterError, match=f"no dask scheduler at {address}: nothing answers for 0.3 s"):
        generate.generate(named, path, scheduler=address, timeout=0.3)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
def test_the_time_to_wait_is_checked(named, path, timeout):
    with pytest.raises(ValueError, match=f"must be positive and below 1e6 seconds, got {timeout}"):
        generate.generate(named, path, scheduler="tcp://127.0.0.1:1", timeout=timeout)


def test_the_time_to_wait_is_documented():
    """The command has the default of the package, which it imports only when it needs it."""
    from wavenet.cli.generate import generate as command

    assert command.__defaults__[list(command.__annotations__).index("timeout") - 2] == Scheduler("tcp://a:1").timeout


# Schedulers and workers as processes of their own


@pytest.fixture
def scheduler(tmp_path_factory):
    """A scheduler's process, its address, and a function that starts a worker in a folder."""
    folder = tmp_path_factory.mktemp("scheduler")
    file = folder / "scheduler.json"
    processes = []

    def begin(kind, *arguments, cwd):
        module = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", str(file), "--no-dashboard"]
        processes.append(subprocess.Popen([*module, *arguments], cwd=cwd, env=ENVIRONMENT, **QUIET))
        return processes[-1]

    try:
        process = begin("scheduler", "--port", "0", "--host", "127.0.0.1", cwd=folder)
        while not (file.exists() and file.read_text().strip().endswith("}")):
            assert process.poll() is None
            time.sleep(0.02)
        address = json.loads(file.read_text())["address"]
        yield process, address, lambda cwd=folder: begin("worker", "--nthreads", "1", "--no-nanny", cwd=cwd)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_scheduler_without_workers(named, path, scheduler):
    with pytest.raises(ClusterError, match=f"the scheduler at {scheduler[1]} has had no workers for 0.5 s"):
        generate.generate(named, path, scheduler=scheduler[1], timeout=0.5)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "fault", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.slow)], ids=["killed", "frozen"]
)
def test_a_scheduler_that_is_lost(named, path, bits, scheduler, fault, capfd):
    process, address, start = scheduler
    start()
    with pytest.raises(ClusterError, match=f"the scheduler at {address} was lost; {KEPT}"):
        generate.generate(named, path, scheduler=address, timeout=5, progress=lambda *_: os.kill(process.pid, fault))
    assert capfd.readouterr().err == ""
    goes_on(named, path, bits)


@pytest.mark.slow
def test_workers_that_are_all_lost(named, path, bits, scheduler):
    worker = scheduler[2]()
    with pytest.raises(ClusterError, match=f"has had no workers for 2 s; {KEPT}"):
        generate.generate(named, path, scheduler=scheduler[1], timeout=2, progress=lambda *_: worker.kill())
    goes_on(named, path, bits)


def test_a_worker_beside_another_data_py(named, path, bits, scheduler, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    (folder / "data.py").write_text("mine = 1\n")
    worker = scheduler[2](folder)
    message = (
        rf"a worker in {folder} cannot load this package: .*; it has data from {folder}/data\.py, .*another folder"
    )
    with pytest.raises(OSError, match=message):
        generate.generate(named, path, scheduler=scheduler[1], timeout=20)
    assert worker.poll() is None  # it lives on, for the work of others
    goes_on(named, path, bits)


@pytest.mark.slow
def test_a_worker_that_the_kernel_kills_costs_nothing(named, path, bits):
    """As it does when memory ends; one of two on this machine."""
    killed = []

    def kill(*_):
        if not killed:
            workers = psutil.Process().children(recursive=True)
            killed.extend(one.pid for one in workers if "data.processes" in " ".join(one.cmdline()))
            os.kill(killed[0], signal.SIGKILL)

    summary = generate.generate(named, path, workers=2, progress=kill)
    assert killed
    assert summary.missing == ()
    assert path.read_bytes() == bits


SLOW = """
import time
from data import generate, processes, recipe, shards
def compute(task, number, expected):
    time.sleep(600 if number > 1 else 0)
    return shards.compute(task, number, expected)
"""


def test_workers_end_with_the_process_that_asks(named, bits, tmp_path):
    """However it ends, and whatever they do; here it is a script that does its work when it is imported."""
    path = tmp_path / "x.h5"
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "script.py").write_text(
        "import slow\nslow.processes.compute = slow.compute\n"
        f"slow.generate.generate(slow.recipe.load({named.name!r}), {str(path)!r}, workers=2)\n"
    )
    process = subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path, env=ENVIRONMENT, start_new_session=True)
    until_kept(process, path)
    workers = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    assert len(workers) == 2
    left = psutil.wait_procs(workers, timeout=20)[1]
    for worker in left:
        worker.kill()
    assert left == []
    goes_on(named, path, bits)


# The command


def command(named, path, *more):
    return [sys.executable, "-c", PROGRAM, "generate", named.name, "-o", str(path), "--workers", "1", *more]


def begin(named, path, *more, **options):
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": ENVIRONMENT}
    return subprocess.Popen(command(named, path, *more), start_new_session=True, **streams | options)


def until_kept(process, path):
    journal = generate.parts_folder(path) / "journal.jsonl"
    while not journal.exists():
        assert process.poll() is None
        time.sleep(0.01)


def lines(err):
    """Lines on standard error, apart from the progress bar."""
    return [line for line in err.splitlines() if line.strip() and not re.search(r"\d+%", line)]


@pytest.mark.parametrize(
    ("signals", "status"),
    [([signal.SIGTERM], 143), pytest.param([signal.SIGINT] * 2, 130, marks=pytest.mark.slow)],
    ids=["SIGTERM", "Ctrl-C twice"],
)
def test_signals_end_command_and_workers(named, path, bits, signals, status):
    process = begin(named, path)
    until_kept(process, path)
    children = psutil.Process(process.pid).children(recursive=True)
    for number in signals:
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        time.sleep(0.05)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, len(lines(err))) == (status, 1), err
    assert re.search(f"wavenet: interrupted: {KEPT}", lines(err)[0])
    assert psutil.wait_procs(children, timeout=20)[1] == []
    goes_on(named, path, bits)


@pytest.mark.slow
def test_two_commands_at_once(named, path, bits):
    """Both begin; one goes on, and the other does no harm."""
    processes = [begin(named, path), begin(named, path)]
    outcomes = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
    assert sorted(status for _, status in outcomes) == [0, 2], outcomes
    refused = next(err for err, status in outcomes if status)
    assert len(lines(refused)) == 1
    assert re.search("another process is at work|holds an unfinished|is not overwritten", refused)
    assert path.read_bytes() == bits
    assert sorted(one.name for one in path.parent.iterdir()) == ["x.card.md", "x.card.png", "x.h5"]


def test_no_descriptors_are_left(named, path, bits):
    """A limit of the process, which the kernel enforces: the workers cannot be started."""
    resource = pytest.importorskip("resource")

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))

    process = begin(named, path, "--workers", "6", preexec_fn=limit)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, len(lines(err))) == (2, 1), err
    assert "Too many open files" in err
    assert list(path.parent.iterdir()) == []
    goes_on(named, path, bits)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the benchmark forks")
def test_killed_generations_lose_nothing():
    """The benchmark with few runs: killed at random moments, resumed, compared bit by bit."""
    program = [sys.executable, str(Path(__file__).resolve().parents[2] / "benchmarks" / "kills.py"), "--runs", "3"]
    done = subprocess.run(program, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert re.search(
        r"^runs 3, workers 0: killed \d+, acknowledged \d+, lost 0, unreadable 0, different 0$", done.stdout
    )
