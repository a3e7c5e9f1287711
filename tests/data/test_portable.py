"""A system like Windows: no POSIX modules, fewer signals, folders that cannot be opened, no deletion of open files."""

import os
import subprocess
import sys

import pytest

RECIPE = """
task = "edge"
cases = 40
[source]
m = [1]
helmholtz = [4.0, 5.0]
[disc]
radius = 0.3
closest = 1e-3
roots = 8
angles = 16
"""
# What is missing is hidden before the first import of this package; the whole program runs so.
PROGRAM = """
import errno, os, signal, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty"):
    sys.modules[name] = None
import h5py, numpy, scipy, pydantic
real = {name: getattr(os, name) for name in ("open", "unlink", "replace", "fsync")}
def is_open(path):
    return any(os.path.realpath(f"/proc/self/fd/{one}") == os.path.abspath(path) for one in os.listdir("/proc/self/fd"))
def refuse(path):
    raise PermissionError(errno.EACCES, "in use by this process", str(path))
def opened(path, *rest, **options):
    return refuse(path) if os.path.isdir(path) else real["open"](path, *rest, **options)
def unlink(path, **options):
    return refuse(path) if is_open(path) else real["unlink"](path, **options)
def replace(old, new):
    return refuse(old) if is_open(old) or is_open(new) else real["replace"](old, new)
os.open, os.unlink, os.remove, os.replace, os.rename = opened, unlink, unlink, replace, replace
for module, names in ((os, ("fork", "killpg", "getuid")), (signal, ("SIGKILL", "SIGHUP", "SIGALRM"))):
    for name in names:
        delattr(module, name)

from data import generate, read, recipe, shards
import data.card, data.convert, data.field, data.microphones
def some(recipe, plan, todo, workers, scheduler):
    for number in todo:
        if number == 2:
            raise KeyboardInterrupt
        yield number, *shards.compute(recipe, number, shards.versions())
def here(recipe, plan, todo, workers, scheduler):
    print("computed", todo)
    for number in todo:
        yield number, *shards.compute(recipe, number, shards.versions())
named, path = recipe.load("recipe.toml"), sys.argv[1]
generate.compute_all = some
try:
    generate.generate(named, path)
except KeyboardInterrupt as error:
    print(error)
generate.compute_all = here
generate.generate(named, path, resume=True)
print(read.check(path)["cases"])
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks /proc which files are open")
def test_a_system_without_posix_generates_and_goes_on(tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "x.h5"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    kept = "interrupted: 32 of 40 cases are kept in x.h5.parts; continue with --resume"
    assert done.stdout.splitlines() == [kept, "computed [2]", "40"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["recipe.toml", "x.h5"]


@pytest.mark.parametrize("name", ["data", "analytic"])
def test_a_user_s_file_that_hides_a_package_is_named(tmp_path, name):
    """A script finds the modules beside it first."""
    (tmp_path / f"{name}.py").write_text("")
    (tmp_path / "script.py").write_text("import wavenet.study.comparison")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    script = [sys.executable, "script.py"]
    done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True)
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"ImportError: `import {name}` finds {tmp_path}/{name}.py, not the package in ")
    assert "rename that file, or start Python in another folder or with -P" in line
