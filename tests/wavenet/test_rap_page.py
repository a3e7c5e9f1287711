"""The page of known operations is made from the code: nothing is missing, and rules say what they do."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from wavenet.rap import decompositions, operations
from wavenet.rap.backward import WEIGHTED
from wavenet.rap.rules import RULES

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def page():
    pytest.importorskip("docutils")
    path = ROOT / "docs" / "extensions" / "operations.py"
    spec = importlib.util.spec_from_file_location("page_of_operations", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["page_of_operations"] = module
    spec.loader.exec_module(module)
    return module


def test_every_operation_stands_in_the_row_of_its_rule(page):
    rows = [[cell.strip() for cell in line.split(" | ")] for line in page.table()[2:]]
    by_rule = {rule.strip("| "): re.findall(r"`(\w+)`", names) for rule, _, names in rows if not rule.startswith("| –")}
    assert set(by_rule) == {*RULES, *WEIGHTED, "spectrum"} - {"bilinear", "bicubic"}  # by their arguments
    for name, rule in operations.KINDS.items():
        assert name in by_rule[rule]
    assert sum(map(len, by_rule.values())) == len(operations.KINDS)
    others = " ".join(names for rule, _, names in rows if rule.startswith("| –"))
    parts = (
        *decompositions.FUNCTIONS,
        *operations.CONSTANT,
        *operations.LEAVING,
        "MultiheadAttention",
        "TransformerEncoder",
    )
    assert set(re.findall(r"`(\w+)`", others)) == set(parts)


def test_every_rule_says_what_it_does(page):
    for line in page.table()[2:]:
        what = line.split(" | ")[1]
        assert 15 < len(what) < 140, what
        assert line.count("|") == 4, line


def test_the_page_has_the_table():
    assert "```{rap-operations}" in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
