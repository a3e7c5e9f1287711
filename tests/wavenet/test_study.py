"""The doors of the study: commands import it and nothing else does; no number is made in a command."""

import ast
import subprocess
import sys


def imports(path):
    """Modules that a file imports, absolute names, wherever in it."""
    package = path.with_suffix("").parts
    package = package[package.index("wavenet") :] if "wavenet" in package else ()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: -node.level]) if node.level else ""
            base = ".".join(filter(None, (start, node.module)))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def test_only_commands_import_the_study(pytestconfig):
    root = pytestconfig.rootpath
    inside = {root / "wavenet" / "cli", root / "wavenet" / "study"}
    for package in ("analytic", "data", "wavenet"):
        for path in (root / package).rglob("*.py"):
            if not inside & set(path.parents):
                assert not [name for name in imports(path) if name.startswith("wavenet.study")], path


def test_nobody_imports_from_commands(pytestconfig):
    root = pytestconfig.rootpath
    for folder in ("benchmarks", "examples", "docs", "wavenet/study"):
        for path in (root / folder).rglob("*.py"):
            names = {name for name in imports(path) if name.startswith("wavenet.cli")}
            assert names <= {"wavenet.cli", "wavenet.cli.COMMANDS", "wavenet.cli.main"}, path


def test_commands_make_no_numbers(pytestconfig):
    for path in (pytestconfig.rootpath / "wavenet" / "cli").glob("*.py"):
        libraries = {name.split(".")[0] for name in imports(path)} & {"numpy", "scipy", "torch", "matplotlib", "h5py"}
        assert libraries <= ({"numpy"} if path.name == "common.py" else set()), path  # an option that is an array


def test_the_study_draws_nothing_before_it_is_asked_to():
    modules = "comparison, relevance, validity, solution, verdict, demo, differentiation, prediction, detection, bench"
    program = f"import sys; from wavenet.study import {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "lightning", "plotly"} & set(loaded)
