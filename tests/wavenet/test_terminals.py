"""Terminals that know few characters, readers that leave, full disks: as users meet them."""

import io
import os
import subprocess
import sys

import pytest

from data import generate
from data.read import check
from wavenet.cli import main
from wavenet.study import pictures

from ..conftest import compute_here

RECIPE = """
task = "forward"
cases = 4
[source]
m = [1]
n = [0]
helmholtz = [4.0, 5.0]
[microphones]
radius = 10.0
angle_deg = [0.0, 90.0, 4]
"""
# In a process of its own, without worker processes: they take seconds to start and print nothing.
PROGRAM = """
import os, sys
from data import generate, shards
from wavenet.cli import main
from wavenet.study import pictures
def here(recipe, plan, todo, workers, scheduler):
    for number in todo:
        yield number, *shards.compute(recipe, number, shards.versions())
def noisy(*arguments):
    for result in here(*arguments):
        os.write(1, b"x" * 9)
        os.write(2, b"y" * 9)
        yield result
generate.compute_all = here
pictures.dataset = lambda dataset, path: None
main(sys.argv[1:])
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "compute_all", compute_here)
    monkeypatch.setattr(pictures, "dataset", lambda dataset, path: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path


def names(folder):
    return sorted(os.fsencode(one.name) for one in folder.iterdir())


@pytest.fixture(params=["ascii", "cp1252"])
def terminal(request, monkeypatch):
    """A function that runs a command at a terminal of an encoding: status, output, errors."""

    def run(*arguments):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=request.param) for _ in range(2)]
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        for stream in streams:
            stream.flush()
        return stop.value.code or 0, *(stream.buffer.getvalue().decode(request.param) for stream in streams)

    run.shown = lambda text: text.encode(request.param, "backslashreplace").decode(request.param)
    return run


@pytest.mark.parametrize("name", ["ß", "ψ 波", os.fsdecode(b"\xff"), "[red]:smile:"], ids=["ß", "ψ", "bytes", "markup"])
def test_every_name_can_be_written_and_printed(folder, terminal, name):
    (folder / "recipe.toml").rename(folder / f"{name}.toml")
    status, out, err = terminal("generate", f"{name}.toml", "-o", f"{name}.h5")
    assert status == 0, err
    assert "wavenet: " not in err
    assert f"file                     {terminal.shown(name)}.h5\n" in out
    raw = os.fsencode(name)
    assert names(folder) == sorted(raw + end for end in (b".card.md", b".h5", b".toml"))
    card = (folder / f"{name}.card.md").read_text(encoding="utf-8")
    assert card.startswith(f"# {name.encode('utf-8', 'backslashreplace').decode()}.h5\n")
    assert terminal("check", f"{name}.h5")[0] == 0


@pytest.mark.parametrize(
    "arguments", [["check", "ß.h5"], ["generate", "ß.toml", "-o", "x.h5"], ["differentiate", "ß.h5", "-o", "x.h5"]]
)
def test_every_name_can_be_refused_in_one_line(folder, terminal, arguments):
    status, out, err = terminal(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert terminal.shown("ß.") in err


@pytest.mark.parametrize("command", [[], ["solve"], ["generate"]])
def test_help_can_be_printed(folder, terminal, command):
    status, out, err = terminal(*command, "--help")
    assert (status, err) == (0, "")
    assert "Usage" in out


def start(*arguments, folder, environment=None, program=PROGRAM, **streams):
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=buffered | {"PYTHONPATH": os.pathsep.join(sys.path)} | (environment or {}),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams,
    )


def test_in_the_c_locale_names_of_other_encodings_are_kept(folder):
    plain = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process = start("generate", "recipe.toml", "-o", "ß.h5", folder=folder, environment=plain)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert b"file                     \\udcc3\\udc9f.h5\n" in out
    assert names(folder) == sorted([b"recipe.toml", "ß.h5".encode(), "ß.card.md".encode()])


@pytest.mark.parametrize("arguments", [["recipes"], ["solve", "--help"]])
def test_a_reader_that_leaves_ends_the_command_quietly(tmp_path, arguments):
    """As `wavenet ... | head` does."""
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*arguments, folder=tmp_path, stdout=writing)
    os.close(writing)
    _, err = process.communicate()
    assert (process.returncode, err) == (141, b"")


def test_a_dataset_is_complete_though_nobody_reads(folder):
    reading, writing = os.pipe()
    os.close(reading)
    process = start("generate", "recipe.toml", "-o", "x.h5", folder=folder, stdout=writing)
    os.close(writing)
    _, err = process.communicate()
    assert process.returncode == 141
    assert b"Traceback" not in err
    assert names(folder) == [b"recipe.toml", b"x.card.md", b"x.h5"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")
def test_output_to_a_full_disk_is_one_line(tmp_path):
    with open("/dev/full", "w") as full:
        process = start("recipes", folder=tmp_path, stdout=full)
        _, err = process.communicate()
    assert process.returncode == 2
    assert err == b"wavenet: the result cannot be printed: [Errno 28] No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="closes streams in a POSIX shell")
def test_closed_streams_take_no_file_s_place(folder):
    """A file that is opened as descriptor 1 or 2 would receive what libraries print there."""
    program = PROGRAM.replace("compute_all = here", "compute_all = noisy")
    shell = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*shell, "generate", "recipe.toml", "-o", "x.h5"], cwd=folder, env=environment)
    assert done.returncode == 0
    assert names(folder) == [b"recipe.toml", b"x.card.md", b"x.h5"]
    check(folder / "x.h5")
