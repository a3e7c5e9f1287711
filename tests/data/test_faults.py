"""Faults of disks, folders, locks, memory, signals: one line, the documented status, --resume ends in the same bits.

The faults are raised by the functions of the operating system that the code calls. Those that need other processes are
in test_processes.py, those of terminals in tests/wavenet/test_terminals.py.
"""

import errno
import gc
import io
import json
import os
import re
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from data import generate, locks, recipe
from data.cluster import ClusterError
from data.generate import compute_all
from data.journal import Journal
from data.read import check
from wavenet.cli import main
from wavenet.study import pictures

from ..conftest import compute_here

resource = pytest.importorskip("resource")  # limits of a process, which Windows has not

RECIPE = """
task = "edge"
cases = 40
seed = 5
[source]
m = [0, 1]
helmholtz = [4.0, 9.0]
[disc]
radius = 0.3
closest = 1e-3
roots = 8
angles = 16
"""


class Place:
    """Where a file is generated."""

    def __init__(self, folder):
        self.folder, self.path, self.recipe = folder, folder / "x.h5", folder.parent / "recipe.toml"
        self.parts = generate.parts_folder(self.path)
        self.plan, self.journal = self.parts / "plan.json", self.parts / "journal.jsonl"

    def shard(self, number):
        return Journal(self.parts).shard(number)

    def run(self, *more):
        """Exit status of the command."""
        with pytest.raises(SystemExit) as stop:
            main(["generate", str(self.recipe), "-o", str(self.path), "--workers", "1", *more])
        return stop.value.code or 0


def computed(recipe, plan, todo, workers, scheduler, known={}):  # noqa: B006, shared by all tests
    """Shards of the recipe, each computed once."""
    for number in todo:
        if number not in known:
            known[number] = next(compute_here(recipe, plan, [number], workers, scheduler))
        yield known[number]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Neither worker processes nor pictures."""
    monkeypatch.setattr(generate, "compute_all", computed)
    monkeypatch.setattr(pictures, "dataset", lambda dataset, path: Path(path).write_bytes(b"picture"))


@pytest.fixture(scope="module")
def place_of(tmp_path_factory):
    """A function to a new place, with one recipe for all, whose path is in the bits; and these bits."""
    top = tmp_path_factory.mktemp("faults")
    (top / "recipe.toml").write_text(RECIPE)
    counter = iter(range(1000))

    def make():
        folder = top / str(next(counter))
        folder.mkdir()
        return Place(folder)

    return make


@pytest.fixture(scope="module")
def bits(place_of):
    place = place_of()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "compute_all", computed)
        patch.setattr(pictures, "dataset", lambda dataset, path: None)
        assert place.run() == 0
    return place.path.read_bytes()


@pytest.fixture
def place(place_of, bits):
    return place_of()


@pytest.fixture
def begun(place, capsys):
    """A place where two of three shards are finished."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "compute_all", after(2, KeyboardInterrupt()))
        assert place.run() == 130
    assert "32 of 40 cases are kept" in line_of(capsys)
    return place


def after(count, fault):
    """Computation of shards of which the one after so many raises or calls a fault."""

    def compute(recipe, plan, todo, workers, scheduler):
        for done, result in enumerate(computed(recipe, plan, todo, workers, scheduler)):
            if done == count:
                if isinstance(fault, BaseException):
                    raise fault
                fault()
            yield result

    return compute


def line_of(capsys):
    """The one line on standard error, apart from the progress bar."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip() and not re.search(r"\d+%", line)]
    assert len(lines) == 1, lines
    assert lines[0].startswith("wavenet: ")
    return lines[0]


def goes_on(place, bits, *more):
    """Resumed, the file has the same bits, and nothing else is left."""
    assert place.run("--resume", *more) == 0
    assert place.path.read_bytes() == bits
    check(place.path)
    assert sorted(one.name for one in place.folder.iterdir()) == ["x.card.md", "x.card.png", "x.h5"]


def failing(function, number, matches, skip=0):
    """A function of the system that fails with an error number where the arguments match, but not the first times."""
    left = [skip]

    def call(*arguments, **options):
        if matches(*arguments):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(number, os.strerror(number), str(arguments[0]))
        return function(*arguments, **options)

    return call


def named(text, mode=None):
    """Whether the first argument has a text in it, and the second is a mode."""
    return lambda path, *rest: text in str(path) and (mode is None or mode in str(rest[:1]))


# What the system refuses during the work: (module, function, error, where, first times, the line, cases kept).
REFUSALS = {
    "the disk is full": (os, "replace", errno.ENOSPC, named("shard"), 2, "No space left on device", 32),
    "the disk is full at once": (os, "replace", errno.ENOSPC, named("plan"), 0, "No space left on device", None),
    "the quota is used up": (io, "open", errno.EDQUOT, named("shard", "w"), 1, "quota exceeded", 16),
    "a block cannot be written": (os, "fsync", errno.EIO, lambda descriptor: True, 7, "Input/output error", 16),
    "the journal cannot be written": (io, "open", errno.ENOSPC, named("journal", "a"), 1, "No space left.*journal", 16),
    "the file system is read-only": (os, "mkdir", errno.EROFS, named("x.h5"), 0, "Read-only file system.*x.h5", None),
    "nobody may write": (os, "mkdir", errno.EACCES, named("x.h5"), 0, "Permission denied.*x.h5", None),
    "no file may be renamed": (os, "replace", errno.EPERM, named("/.x.h5"), 0, "Operation not permitted", 40),
    "no descriptors are left": (io, "open", errno.EMFILE, named("shard", "w"), 1, "Too many open files", 16),
    "the table of files is full": (io, "open", errno.ENFILE, named(".x.h5.partial"), 0, "Too many open files", None),
    "the server's handle is stale": (os, "replace", errno.ESTALE, named("shard"), 1, "Stale file handle", 16),
    "the temporary name is too long": (
        io,
        "open",
        errno.ENAMETOOLONG,
        named(".x.h5.partial"),
        0,
        "name too long",
        None,
    ),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_what_the_system_refuses(place, bits, monkeypatch, capsys, fault):
    module, name, number, matches, skip, line, kept = REFUSALS[fault]
    with monkeypatch.context() as patch:
        patch.setattr(module, name, failing(getattr(module, name), number, matches, skip))
        assert place.run() == 2
    said = line_of(capsys)
    assert re.search(line, said), said
    if kept is None:
        assert "kept" not in said
        assert list(place.folder.iterdir()) == []
    else:
        assert f"; {kept} of 40 cases are kept in {place.parts}; continue with --resume" in said
        assert place.run() == 2  # only if it is asked for
        assert f"{place.parts} holds an unfinished x.h5; continue with --resume or delete it" in line_of(capsys)
    goes_on(place, bits)


@pytest.mark.parametrize("name", ["plan.json", "journal.jsonl", "shard-000001"])
def test_what_cannot_be_read_is_not_deleted(begun, bits, monkeypatch, capsys, name):
    """Permission denied, or no descriptors left: the finished shards stay."""
    with monkeypatch.context() as patch:
        patch.setattr(io, "open", failing(io.open, errno.EACCES, named(name, "r")))
        assert begun.run("--resume") == 2
    said = line_of(capsys)
    assert f"Permission denied: '{begun.parts}/{name}" in said
    assert begun.shard(0).exists()
    assert begun.shard(1).exists()
    counted = []
    with monkeypatch.context() as patch:
        patch.setattr(generate, "compute_all", lambda *arguments: counted.append(arguments[2]) or computed(*arguments))
        goes_on(begun, bits)
    assert counted == [[2]] or name.startswith("shard")  # of which the third was written before it was read


@pytest.mark.parametrize("share", [0.6, 0.8, 0.95, 0.999])
def test_no_space_is_left_only_for_the_whole(place, bits, capsys, share):
    """A limit that the kernel enforces within HDF5, which must not crash: the shards fit, the file does not."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * len(bits)), before[1]))
    try:
        assert place.run() == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = line_of(capsys)
    assert re.search("File too large.*40 of 40 cases are kept", said), said
    assert [one.name for one in place.folder.iterdir()] == ["x.h5.parts"]
    gc.collect()  # of what HDF5 could not close
    goes_on(place, bits)


@pytest.mark.parametrize("gone", ["parts", "folder"])
def test_the_folder_vanishes(place, bits, monkeypatch, capsys, gone):
    with monkeypatch.context() as patch:
        patch.setattr(generate, "compute_all", after(1, lambda: shutil.rmtree(getattr(place, gone))))
        assert place.run() == 2
    assert f"{place.parts} is gone; begin again" in line_of(capsys)
    place.folder.mkdir(exist_ok=True)
    goes_on(place, bits)


def test_memory_ends(place, bits, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(generate, "compute_all", after(1, MemoryError()))
        assert place.run() == 2
    assert "wavenet: out of memory; 16 of 40 cases are kept" in line_of(capsys)
    goes_on(place, bits)


@pytest.mark.parametrize("fault", ["the scheduler at tcp://a:1 was lost", "has had no workers for 30 s"])
def test_a_scheduler_is_lost(place, bits, monkeypatch, capsys, fault):
    """The real ones are in test_processes.py; here is what the command makes of them."""
    with monkeypatch.context() as patch:
        patch.setattr(generate, "compute_all", after(1, ClusterError(fault)))
        assert place.run() == 2
    assert line_of(capsys) == f"wavenet: {fault}; 16 of 40 cases are kept in {place.parts}; continue with --resume"
    goes_on(place, bits)


def test_no_scheduler_answers(place, bits, capsys):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "compute_all", compute_all)
        assert place.run("--scheduler", address, "--timeout", "0.1") == 2
    assert line_of(capsys) == f"wavenet: there is no dask scheduler at {address}: nothing answers for 0.1 s"
    assert list(place.folder.iterdir()) == []
    assert place.run() == 0
    assert place.path.read_bytes() == bits


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals(place, bits, monkeypatch, capsys, number):
    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(generate, "compute_all", after(1, lambda: os.kill(os.getpid(), number)))
        assert place.run() == 128 + number
    assert f"interrupted: 16 of 40 cases are kept in {place.parts}; continue with --resume" in line_of(capsys)
    assert signal.getsignal(number) == before
    goes_on(place, bits)


def test_a_signal_that_the_caller_ignores_is_ignored(place, bits, monkeypatch):
    """As under nohup."""
    monkeypatch.setattr(generate, "compute_all", after(1, lambda: os.kill(os.getpid(), signal.SIGHUP)))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert place.run() == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert place.path.read_bytes() == bits


def torn(place):
    place.journal.write_bytes(place.journal.read_bytes()[:-20])


def edited(place):
    text = place.journal.read_text()
    assert text.count('"cases": 16') == 2
    place.journal.write_text(text.replace('"cases": 16', '"cases": 15', 1))


def garbled(place):
    place.journal.write_bytes(b"\xff\x00\n" + place.journal.read_bytes() + b'{"shard": 2}\nnull\n')


def emptied(place):
    place.journal.write_bytes(b"")


def lost(place):
    place.shard(0).unlink()


def left_over(place):
    """By a process that was killed while it wrote."""
    (place.parts / ".shard-000002.h5.partial").write_bytes(b"half")
    (place.folder / ".x.h5.partial").write_bytes(b"half")


@pytest.mark.parametrize("damage", [torn, edited, garbled, emptied, lost, left_over])
def test_what_is_not_acknowledged_is_computed_anew(begun, bits, capsys, damage):
    damage(begun)
    goes_on(begun, bits)
    assert "wavenet: " not in capsys.readouterr().err


def cut(place):
    place.shard(1).write_bytes(place.shard(1).read_bytes()[:-100])


def swapped(place):
    first, second = (place.shard(number).read_bytes() for number in range(2))
    place.shard(0).write_bytes(second)
    place.shard(1).write_bytes(first)


def zeroed(place):
    place.shard(0).write_bytes(bytes(len(place.shard(0).read_bytes())))


@pytest.mark.parametrize(("damage", "count"), [(cut, 1), (swapped, 2), (zeroed, 1)])
def test_changed_shards_are_found_and_computed_anew(begun, bits, capsys, damage, count):
    damage(begun)
    assert begun.run("--resume") == 2
    said = line_of(capsys)
    assert "were changed since they were written" in said
    assert said.count("shard-0") == count
    goes_on(begun, bits)


def of_another_version(place):
    plan = json.loads(place.plan.read_text())
    place.plan.write_text(json.dumps(plan | {"versions": "wavenet 0.1"}))


def of_no_json(place):
    place.plan.write_text(place.plan.read_text()[:-9])


def of_another_kind(place):
    place.plan.write_text("[1, 2]")


def of_no_text(place):
    place.plan.write_bytes(b"\xff\xfe\x00")


def none(place):
    place.plan.unlink()


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (of_another_version, r"x\.h5\.parts was begun with versions 'wavenet 0\.1', not 'wavenet"),
        (of_no_json, r"plan\.json is damaged .*; delete .*x\.h5\.parts and begin again"),
        (of_another_kind, r"plan\.json is damaged"),
        (of_no_text, r"plan\.json is damaged"),
        (none, r"plan\.json is missing, which says what was begun; delete .*x\.h5\.parts and begin again"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_and_nothing_is_deleted(begun, bits, capsys, damage, line):
    plan = begun.plan.read_bytes()
    damage(begun)
    assert begun.run("--resume") == 2
    said = line_of(capsys)
    assert re.search(line, said), said
    assert begun.shard(1).exists()
    begun.plan.write_bytes(plan)
    goes_on(begun, bits)


@pytest.mark.parametrize("length", [247, 252, 300])
def test_a_name_that_is_too_long_is_refused_before_any_work(place, monkeypatch, capsys, length):
    """By the names of the parts and of the unfinished file, which are longer."""
    monkeypatch.setattr(generate, "compute_all", None)
    place.path = place.folder / ("x" * (length - 3) + ".h5")
    assert place.run() == 2
    assert "File name too long" in line_of(capsys)
    assert list(place.folder.iterdir()) == []


def test_a_name_that_just_fits(place, bits):
    place.path = place.folder / ("x" * 243 + ".h5")
    assert place.run() == 0
    assert place.path.read_bytes() == bits


def test_the_card_cannot_be_written(place, bits, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(io, "open", failing(io.open, errno.ENOSPC, named("card.md")))
        assert place.run() == 2
    assert f"{place.path} is complete, but its card is not written: [Errno 28] No space" in line_of(capsys)
    assert place.path.read_bytes() == bits


def test_the_clock_goes_backwards(place, bits, monkeypatch):
    hours = iter(range(10_000, 0, -1))
    monkeypatch.setattr(time, "time", lambda: 3600.0 * next(hours))
    assert place.run() == 0
    assert place.path.read_bytes() == bits


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_does_not_sync_folders(place, bits, monkeypatch, number):
    monkeypatch.setattr(os, "fsync", failing(os.fsync, number, lambda one: os.path.isdir(f"/proc/self/fd/{one}")))
    assert place.run() == 0
    assert place.path.read_bytes() == bits


# Locks


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def unlocked(request, monkeypatch):
    """A file system without locks."""
    fcntl = pytest.importorskip("fcntl")

    def refuse(descriptor, operation):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_another_process_is_at_work(begun, bits, capsys):
    with locks.lock(begun.parts):
        assert begun.run("--resume") == 2
        assert f"another process is at work in {begun.parts}" in line_of(capsys)
    goes_on(begun, bits)


def test_a_file_system_without_locks_is_said_and_still_keeps_others_out(begun, bits, unlocked, monkeypatch, capsys):
    said, seen = [], []

    def intrude():
        seen.extend(one.name for one in begun.parts.iterdir())
        with pytest.raises(FileExistsError, match=r"another process.*; if none is, delete .*lock\.owner"):
            generate.generate(recipe.load(begun.recipe), begun.path, resume=True, note=said.append)

    monkeypatch.setattr(generate, "compute_all", after(0, intrude))
    assert begun.run("--resume") == 0
    assert "wavenet: warning: no locks on the file system of" in line_of(capsys)
    assert "lock.owner" in seen
    assert said == [
        f"no locks on the file system of {begun.parts}: the file lock.owner in it keeps other processes out"
    ]
    assert begun.path.read_bytes() == bits
    assert not begun.parts.exists()


def owner(place, pid, host):
    (place.parts / "lock.owner").write_text(f"{pid}\n{host}\n")


def test_the_owner_of_a_lock_that_died_is_recognised(begun, bits, unlocked, capsys):
    """As after a SIGKILL: on the same computer."""
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    owner(begun, gone, socket.gethostname())
    goes_on(begun, bits)
    assert "warning: no locks" in capsys.readouterr().err


def test_the_owner_of_a_lock_on_another_computer_is_respected(begun, bits, unlocked, capsys):
    owner(begun, os.getpid(), "elsewhere")
    assert begun.run("--resume") == 2
    errors = capsys.readouterr().err.splitlines()
    assert f"another process is at work in {begun.parts}; if none is, delete {begun.parts}/lock.owner" in errors[-1]
    (begun.parts / "lock.owner").unlink()
    goes_on(begun, bits)


def test_an_owner_is_respected_by_a_computer_that_can_lock(begun, bits, capsys):
    owner(begun, os.getpid(), "elsewhere")
    assert begun.run("--resume") == 2
    assert "lock.owner" in line_of(capsys)
    assert begun.shard(1).exists()
    (begun.parts / "lock.owner").unlink()
    goes_on(begun, bits)


def test_an_error_of_the_lock_itself_is_no_lack_of_locks(begun, bits, monkeypatch, capsys):
    fcntl = pytest.importorskip("fcntl")

    def broken(descriptor, operation):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", broken)
        assert begun.run("--resume") == 2
    assert "Input/output error" in line_of(capsys)
    goes_on(begun, bits)


def test_files_of_others_in_the_folder_stay(begun, bits):
    (begun.parts / "notes.txt").write_text("mine")
    assert begun.run("--resume") == 0
    assert begun.path.read_bytes() == bits
    assert sorted(one.name for one in begun.parts.iterdir()) == ["lock", "notes.txt"]
