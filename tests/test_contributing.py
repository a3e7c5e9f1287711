"""CONTRIBUTING.md: what it names exists, and its recipes for a RAP rule and a command work as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from wavenet.rap import UnsupportedOperation, attribute, operations

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = {"a dataset task", "a network", "a medium", "a RAP rule", "a command"}
ROUNDING = 1e-12  # float64, a handful of sums


def test_every_path_exists():
    words = re.findall(r"`([\w./-]+)`|\]\(([\w./-]+)\)", TEXT)
    paths = {name for pair in words for name in pair if "/" in name or name.endswith((".py", ".toml", ".md", ".yaml"))}
    assert len(paths) > 25
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_every_recipe_names_the_test_that_follows_it():
    sections = dict(re.findall(r"^## Add (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
    assert set(sections) >= RECIPES
    tests = {name: re.findall(r"Checked\s+by\s+`(tests/[\w/]+\.py)`", sections[name]) for name in RECIPES}
    assert all(len(found) == 1 and (ROOT / found[0]).is_file() for found in tests.values()), tests


def test_an_operation_with_a_known_rule_is_one_row(monkeypatch):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Threshold(0.1, 0.0), nn.Linear(6, 1)).double().eval()
    inputs = torch.randn(3, 4, dtype=torch.float64)
    selector = torch.ones(3, 1, dtype=torch.float64)
    with pytest.raises(UnsupportedOperation, match="Threshold"):
        attribute(model, inputs, selector)
    monkeypatch.setitem(operations.MODULES, nn.Threshold, "elementwise")
    found = attribute(model, inputs, selector)
    total = found.relevance.sum(dim=1) + found.leak
    torch.testing.assert_close(total, model(inputs)[:, 0], rtol=ROUNDING, atol=ROUNDING)
    monkeypatch.undo()
    by_hand = attribute(model, inputs, selector, rules={nn.Threshold: lambda op, inputs, output, R: (R,)})
    torch.testing.assert_close(found.relevance, by_hand.relevance, rtol=0, atol=0)


class Halves(nn.Module):
    """y = x_1 + x_2 over pairs of neighbours; no rule knows it."""

    def forward(self, x):
        return x[..., ::2] + x[..., 1::2]


def test_a_rule_of_ones_own_needs_no_edit():
    torch.manual_seed(0)
    model = nn.Sequential(Halves(), nn.Linear(2, 1)).double().eval()
    inputs = torch.randn(3, 4, dtype=torch.float64)
    seen = []

    def evenly(op, inputs, output, relevance):
        """Half of the relevance to each neighbour."""
        seen.append(op)
        return (relevance.repeat_interleave(2, dim=-1) / 2,)

    found = attribute(model, inputs, torch.ones(3, 1, dtype=torch.float64), rules={Halves: evenly})
    assert seen == [model[0]]
    torch.testing.assert_close(found.relevance[:, ::2], found.relevance[:, 1::2], rtol=0, atol=0)
    total = found.relevance.sum(dim=1) + found.leak
    torch.testing.assert_close(total, model(inputs)[:, 0], rtol=ROUNDING, atol=ROUNDING)


COMMAND = '''"""wavenet greet."""

from .common import Json, say


def greet(name: str, as_json: Json = False):
    """Greet somebody.

    Example: wavenet greet Helmholtz
    """
    say({"hello": name}, as_json)
'''


def test_a_command_is_two_files(tmp_path):
    """Made in a copy of the package, as CONTRIBUTING.md says."""
    for package in ("analytic", "data", "wavenet"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    (tmp_path / "wavenet" / "cli" / "greet.py").write_text(COMMAND, encoding="utf-8")
    table = tmp_path / "wavenet" / "cli" / "__init__.py"
    text = table.read_text(encoding="utf-8")
    assert text.count("COMMANDS = (\n") == 1
    table.write_text(text.replace("COMMANDS = (\n", 'COMMANDS = (\n    "greet",\n'), encoding="utf-8")

    def printed(*arguments):
        command = [sys.executable, "-m", "wavenet", *arguments]
        environment = os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "120"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert re.search(r"greet +Greet somebody\.", printed("--help"))
    assert "Example: wavenet greet Helmholtz" in printed("greet", "--help")
    assert printed("greet", "Helmholtz", "--json") == '{"hello": "Helmholtz"}\n'
