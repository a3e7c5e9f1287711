"""House rules: how long modules and functions may be, private names stay in their module, one thread a test process."""

import ast
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_info

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("analytic", "data", "wavenet")
MODULE_LINES = 350
FUNCTION_LINES = 60
LONG = "# long: "  # on the line above a longer function, followed by the reason
MODULES = sorted(path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
# Underscore names of other libraries, with the reason why there is no public one.
THIRD_PARTY = {
    "_asdict": "public interface of typing.NamedTuple",
    "_fields": "public interface of typing.NamedTuple",
    "_replace": "public interface of typing.NamedTuple",
    "_C": "torch: functions such as avg_pool2d are defined there, and a graph names them so",
    "_nn": "torch._C._nn, see _C",
    "_forward_hooks": "torch: nothing public tells whether a module has hooks",
    "_forward_pre_hooks": "see _forward_hooks",
}


def is_private(name):
    """Whether a name begins with an underscore and is neither a dunder nor the underscore itself."""
    return name.startswith("_") and name.strip("_") != "" and not (name.startswith("__") and name.endswith("__"))


def defined_names(tree):
    """Private names that a module defines: functions, classes, variables, and attributes of its own classes."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
            names.add(node.attr)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            *("object.__setattr__", "self.register_buffer", "self.register_parameter", "self.add_module"),
        ):
            names |= {part.value for part in node.args[:2] if isinstance(part, ast.Constant)}
    return names


def is_own(node):
    """Whether an expression is the object itself, its class, or its parent."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in {"super", "type"}
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def imported_modules(tree):
    """Names that an import statement binds."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return {(alias.asname or alias.name).partition(".")[0] for node in imports for alias in node.names}


def foreign_private_names(source):
    """(line, expression) of every private name that a module takes from elsewhere."""
    tree = ast.parse(source)
    own, imported, found = defined_names(tree), imported_modules(tree), []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            found += [(node.lineno, f"import of {part}") for part in parts if is_private(part)]
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            of_module = isinstance(node.value, ast.Name) and node.value.id in imported
            if node.attr not in own or (of_module and node.value.id not in own):
                found.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"getattr", "setattr", "hasattr"}:
            name = node.args[1].value if isinstance(node.args[1], ast.Constant) else ""
            if is_private(name) and name not in own:
                found.append((node.lineno, ast.unparse(node)))
    return [(line, text) for line, text in found if text.rpartition(".")[2] not in THIRD_PARTY]


def too_long(source):
    """(line, name, length) of functions over the limit that have no reason beside them."""
    lines, found = source.splitlines(), []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            above = lines[first - 2].strip() if first > 1 else ""
            reason = above.removeprefix(LONG).strip() if above.startswith(LONG) else ""
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES and not reason:
                found.append((node.lineno, node.name, length))
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short(module):
    assert len((ROOT / module).read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short_or_say_why_not(module):
    assert too_long((ROOT / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", MODULES)
def test_private_names_stay_in_their_module(module):
    assert foreign_private_names((ROOT / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from .other import _private", ["import of _private"]),
        ("from ._other import public", ["import of _other"]),
        ("from . import other\nother._LIMIT", ["other._LIMIT"]),
        ("from . import other\n_LIMIT = 1\nother._LIMIT", ["other._LIMIT"]),
        ("def f(x):\n    return x._cache", ["x._cache"]),
        ("def f(x):\n    x._cache = 1", ["x._cache"]),
        ("class A(B):\n    def f(self):\n        return self._of_the_parent", ["self._of_the_parent"]),
        ("def f(x):\n    return getattr(x, '_cache')", ["getattr(x, '_cache')"]),
        ("class A:\n    _x: int = 0\n    def f(self, other):\n        return self._x + other._x", []),
        ("class A:\n    def __init__(self):\n        self._x = 1\n\ndef f(a: A):\n    return a._x", []),
        ("def f(x):\n    return x.__class__.__name__, x._asdict()", []),
        ("import torch\ntorch._C._nn.gelu", []),
    ],
)
def test_foreign_private_names_are_found(source, expected):
    assert [text for _, text in foreign_private_names(source)] == expected


def test_long_functions_are_found():
    body = "\n".join(["    pass"] * FUNCTION_LINES)
    assert too_long(f"def f():\n{body}\n") == [(1, "f", FUNCTION_LINES + 1)]
    assert too_long(f"# long: one table of options\n@decorated\ndef f():\n{body}\n") == []
    assert too_long(f"# long:\ndef f():\n{body}\n") != []
    assert too_long("def f():\n" + "\n".join(["    pass"] * (FUNCTION_LINES - 1))) == []


def asks_for_a_jet(source):
    """Whether a module compares a jet with None."""
    compared = (ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Compare))
    return any(text.rpartition(".")[2] in ("jet is None", "jet is not None") for text in compared)


def test_two_places_ask_whether_there_is_a_jet():
    """The solver, which makes a medium of its argument, and the mode that the page describes; others ask these."""
    asking = {module for module in MODULES if asks_for_a_jet((ROOT / module).read_text(encoding="utf-8"))}
    assert asking == {"analytic/solver.py", "wavenet/study/controls.py"}


def test_a_test_process_has_one_thread():
    """With two on each of two cores the threads of small matrix products spend most of their time waiting."""
    libraries = {library["user_api"] for library in threadpool_info()}
    assert libraries >= {"blas", "openmp"}
    assert all(library["num_threads"] == 1 for library in threadpool_info())
    assert torch.get_num_threads() == 1
