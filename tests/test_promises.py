"""Promises of docstrings, pages and error messages, and the test that fails when one is broken.

The tables are tests/promises/*.toml, one for each room. An entry has

    says   the promise
    where  the file that keeps it
    old    text that occurs once in this file
    new    replacement that breaks the promise
    test   the id of a test that then fails

Every run checks that the entries fit the code; `pytest -m slow tests/test_promises.py` breaks every promise in a copy
of the tree and checks that its test fails.
"""

import ast
import functools
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROMISES = [
    pytest.param(entry, id=f"{table.stem}-{number}")
    for table in sorted((ROOT / "tests" / "promises").glob("*.toml"))
    for number, entry in enumerate(tomllib.loads(table.read_text(encoding="utf-8"))["promise"])
]
_COPIED = ("analytic", "data", "wavenet", "tests", "docs", "examples", "benchmarks", "scripts")
_SECONDS = 600


def _broken(entry):
    """The file's text with the promise broken."""
    text = (ROOT / entry["where"]).read_text(encoding="utf-8")
    assert text.count(entry["old"]) == 1, (
        f"{entry['old']!r} stands {text.count(entry['old'])} times in {entry['where']}"
    )
    return text.replace(entry["old"], entry["new"])


@functools.cache
def _defined(path):
    """Functions and classes of a file of tests; dozens of promises have tests in one file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("entry", PROMISES)
def test_a_promise_names_its_line_and_its_test(entry):
    assert set(entry) == {"says", "where", "old", "new", "test"}
    if entry["where"].endswith(".py"):
        ast.parse(_broken(entry))
    path, _, name = entry["test"].partition("::")
    assert name.partition("[")[0].rpartition("::")[2] in _defined(path)


@pytest.mark.slow
@pytest.mark.parametrize("entry", PROMISES)
def test_breaking_a_promise_fails_its_test(entry, tmp_path):
    for name in _COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "gallery"))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path / path.name)
    (tmp_path / entry["where"]).write_text(_broken(entry), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not gpu", entry["test"]]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, f"{entry['says']}:\n{done.stdout[-2000:]}"
