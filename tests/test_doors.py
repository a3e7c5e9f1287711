"""The doors between the rooms of the code: who may import whom, which libraries, and what an import may cost."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"

# What a room may import besides itself. A room that is not listed here fails the tests: give it a line.
SHARED = {"wavenet.arrays", "wavenet.devices", "wavenet.fields"}
MAY_IMPORT = {
    "analytic": {"analytic.bessel", "analytic.lined", "analytic.media"},
    "analytic.bessel": {"analytic"},
    "analytic.lined": {"analytic", "analytic.bessel", "analytic.media"},
    "analytic.media": {"analytic", "analytic.bessel"},
    "data": {"data.tasks", "analytic"},
    "data.convert": {"data", "data.tasks", "analytic"},
    "data.elements": {"analytic"},
    "data.tasks": {"data", "data.elements", "analytic"},
    "wavenet.arrays": set(),
    "wavenet.devices": set(),
    "wavenet.fields": {"wavenet.arrays"},
    "wavenet.progress": set(),
    "wavenet.tensorfile": set(),
    "wavenet.rap": {"wavenet.devices"},
    "wavenet.explain": {"wavenet.arrays", "wavenet.rap"},
    "wavenet.derivatives": SHARED,
    "wavenet.far_field": SHARED,
    "wavenet.ducts": {"wavenet.arrays"},
    "wavenet.forward": SHARED | {"wavenet.ducts", "wavenet.far_field"},  # error bars
    "wavenet.jets": SHARED | {"wavenet.ducts", "wavenet.far_field"},
    "wavenet.lips": SHARED | {"wavenet.ducts", "wavenet.far_field"},  # error bars
    "wavenet.training": SHARED
    | {"wavenet.derivatives", "wavenet.jets", "wavenet.networks", "wavenet.progress", "wavenet.tensorfile"},
    "wavenet.networks": SHARED
    | {"wavenet.derivatives", "wavenet.far_field", "wavenet.forward", "wavenet.jets", "wavenet.lips"}
    | {"wavenet.training"},
    "wavenet.outside": SHARED | {"wavenet.networks", "wavenet.training"},
    "wavenet.runs": SHARED | {"wavenet.networks", "wavenet.outside", "wavenet.tensorfile"},
}
# Within functions only: `load()` of a room returns the network that comes with the package.
WHEN_CALLED = {
    "wavenet.derivatives": {"wavenet.runs"},
    "wavenet.far_field": {"wavenet.runs"},
    "wavenet.forward": {"wavenet.runs"},
    "wavenet.jets": {"wavenet.networks", "wavenet.runs"},
    "wavenet.networks": {"wavenet.outside"},
}
MEETING = ("wavenet.study", "wavenet.cli")  # may import every room; cli imports study, and nobody else imports them
FORBIDDEN = {  # libraries
    "analytic": {"torch", "h5py", "matplotlib", "lightning"},
    "data": {"torch", "matplotlib", "lightning"},
    "wavenet": {"h5py", "mpmath", "typer", "rich", "plotly"},
    "wavenet.study": {"h5py", "mpmath", "typer", "rich"},
    "wavenet.rap": {"lightning", "matplotlib", "scipy", "safetensors"},
    "wavenet.explain": {"lightning", "matplotlib", "safetensors"},
}


def _rooms():
    """The module that draws the architecture page's picture; it reads the imports."""
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "extensions" / "rooms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rooms = _rooms()
MODULES = rooms.modules()
IMPORTS = rooms.imports()
ROOMS = sorted({rooms.room_of(module, MODULES) for module in MODULES} - {"wavenet", "wavenet.__main__"})


def imported_libraries(room):
    """Top-level names that a room's modules import; a package without the rooms where packages meet."""
    names = set()
    for module, path in MODULES.items():
        own = rooms.room_of(module, MODULES)
        if own == room or (own not in MEETING and own.startswith(f"{room}.")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in MEETING])
def test_a_room_imports_what_its_doors_allow(room):
    assert room in MAY_IMPORT, f"{room} needs a line in MAY_IMPORT and on {PAGE.name}"
    used = {to: delayed for (origin, to), delayed in IMPORTS.items() if origin == room}
    allowed = MAY_IMPORT[room]
    assert {to for to, delayed in used.items() if not delayed} <= allowed
    assert set(used) <= allowed | WHEN_CALLED.get(room, set())


def test_nobody_imports_the_commands_and_only_they_import_the_study():
    assert {origin for origin, to in IMPORTS if to == "wavenet.cli"} == set()
    assert {origin for origin, to in IMPORTS if to == "wavenet.study"} == {"wavenet.cli"}


@pytest.mark.parametrize("package", ["analytic", "data", "wavenet"])
def test_packages_import_one_way(package):
    """The three packages by themselves, whatever the rooms' table says."""
    allowed = {"analytic": set(), "data": {"analytic"}, "wavenet": set()}[package]
    assert imported_libraries(package) & {"analytic", "data", "wavenet"} <= allowed | {package}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_keeps_to_its_libraries(room):
    assert not imported_libraries(room) & FORBIDDEN[room]


def test_modules_import_each_other_in_no_circle():
    """At import; rooms may, where different modules of them are meant."""
    edges = {
        (module, name): delayed
        for module, path in MODULES.items()
        for name, delayed in rooms.imported_modules(module, path, MODULES)
        if not delayed and name != module and name in MODULES
    }
    assert rooms.without_circles(edges)[1] == set()


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("analytic", {"torch", "h5py", "mpmath"}),
        ("data.built_in", {"numpy", "analytic", "h5py", "pydantic"}),
        ("data.read", {"analytic", "mpmath"}),
        ("wavenet", {"torch", "analytic", "data"}),
        ("wavenet.cli", {"torch", "analytic", "data", "wavenet.study"}),
        ("wavenet.derivatives", {"lightning", "analytic", "data"}),
        ("wavenet.far_field", {"lightning", "analytic", "data"}),
        ("wavenet.rap", {"lightning", "scipy", "wavenet.derivatives"}),
    ],
)
def test_an_import_stays_light(module, absent):
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not absent & set(loaded)


def test_every_door_belongs_to_a_room():
    assert set(MAY_IMPORT) | set(MEETING) == set(ROOMS)


def test_the_architecture_page_has_the_same_doors():
    rows = re.findall(r"^\| `([\w.]+)` \| .+ \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {room: set(re.findall(r"`([\w.]+)`", cell)) for room, cell in rows} == MAY_IMPORT


def test_every_room_has_a_box_and_every_import_an_arrow():
    drawn = rooms.svg("the rooms")
    assert set(re.findall(r'data-room="([\w.]+)"', drawn)) == set(ROOMS)
    arrows = set(re.findall(r"<title>([\w.]+) imports ([\w.]+)</title>", drawn))
    assert arrows <= set(IMPORTS)
    for origin, to in IMPORTS:
        assert to in rooms.reached(origin, arrows), f"{origin} imports {to}"


def test_relative_imports_are_resolved(tmp_path):
    for name, text in {
        "wavenet.a": "from .b import f\nimport analytic.modes",
        "wavenet.b": "from . import c, __version__\nfrom data import read",
        "wavenet.c.d": "def f():\n    from ...wavenet import b\n    from ..b import f\n    from . import e",
        "wavenet.c": "from .d import f\nif TYPE_CHECKING:\n    from ..a import g",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    known = {name: tmp_path / f"{name}.py" for name in ("wavenet.a", "wavenet.b", "wavenet.c.d")}
    known |= {"wavenet.c": tmp_path / "__init__.py", "wavenet.c.e": tmp_path / "x", "data.read": tmp_path / "y"}
    (tmp_path / "__init__.py").write_text((tmp_path / "wavenet.c.py").read_text())

    def found(name):
        return list(rooms.imported_modules(name, known[name], known))

    assert found("wavenet.a") == [("wavenet.b", False), ("analytic.modes", False)]
    assert found("wavenet.b") == [("wavenet.c", False), ("wavenet", False), ("data.read", False)]
    assert found("wavenet.c.d") == [("wavenet.b", True), ("wavenet.b", True), ("wavenet.c.e", True)]
    assert found("wavenet.c") == [("wavenet.c.d", False)]
