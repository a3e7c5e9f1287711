"""The house's doors: which package may import which, and what an import may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOORS = {"analytic": set(), "data": {"analytic"}, "wavenet": set()}
MEETING = {ROOT / "wavenet" / "cli", ROOT / "wavenet" / "study"}  # where the packages meet
FORBIDDEN = {
    "analytic": {"torch", "h5py", "matplotlib", "lightning"},
    "data": {"torch", "matplotlib", "lightning"},
    "wavenet": {"h5py", "mpmath"},
}


def imported_names(package):
    """Top-level names that the package's modules import, the rooms where packages meet left out."""
    names = set()
    for path in (ROOT / package).rglob("*.py"):
        if MEETING & set(path.parents):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", DOORS)
def test_imports_go_one_way(package):
    assert imported_names(package) & DOORS.keys() <= DOORS[package] | {package}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_each_package_keeps_to_its_libraries(package):
    assert not imported_names(package) & FORBIDDEN[package]


@pytest.mark.parametrize(("module", "absent"), [("data.read", {"analytic", "mpmath"}), ("wavenet.cli", {"torch"})])
def test_an_import_stays_light(module, absent):
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not absent & set(loaded)
