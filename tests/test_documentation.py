"""Every command and every Python block of README.md and docs/ does what stands there; see `documentation`."""

import fnmatch
import html
import importlib
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import typer

from wavenet import cli

from . import documentation
from .documentation import ROOT, Folder, blocks, differences, pages, python, same

OTHERS = {"cd", "dask", "git", "ls", "pip", "pre-commit"}  # programs that are not ours
CODE = re.compile(r"`((?:\.venv/bin/)?(?:wavenet|python|pytest|make) [^`]+)`")
BLOCKS = {page: blocks(page) for page in pages()}
# Lightning and torch warn about workers, devices and each other.
quiet = pytest.mark.filterwarnings("ignore")


def with_blocks(*when):
    return [page for page, found in BLOCKS.items() if any(block.when in when for block in found)]


def run(page, folder, when, *, in_process):
    """Run the blocks of a page."""
    namespace: dict = {"__name__": "__main__"}
    place = Folder(folder)
    try:
        for block in BLOCKS[page]:
            if block.when not in when:
                continue
            if block.kind == "file":
                (folder / block.name).write_text(block.text, encoding="utf-8")
            elif block.kind == "python":
                printed, promised = python(block, namespace, folder)
                wrong = differences(promised, printed.splitlines(), block.tolerance) if promised else None
                assert wrong is None, f"{page}, line {block.line}: {wrong}"
            else:
                for command, shown in block.commands():
                    status, printed = place.run(command, in_process=in_process)
                    assert status == 0, f"{page}, line {block.line}: {command} ended with {status}\n{printed}"
                    wrong = differences(shown, printed.splitlines(), block.tolerance) if any(shown) else None
                    assert wrong is None, f"{page}, line {block.line}: {command}: {wrong}"
    finally:
        place.close()


@quiet
@pytest.mark.parametrize("page", with_blocks("always"))
def test_a_page_does_what_it_says(page, tmp_path):
    run(page, tmp_path, ("always",), in_process=True)


@quiet
@pytest.mark.slow
@pytest.mark.parametrize("page", with_blocks("always", "slow"))
def test_a_page_does_what_it_says_with_all_that_takes_long(page, tmp_path):
    run(page, tmp_path, ("always", "slow"), in_process=False)


def test_all_of_the_readme_is_run_but_the_tests_themselves():
    commands = [command for block in BLOCKS["README.md"] if block.when == "never" for command, _ in block.commands()]
    # the page that explore serves has tests of its own
    assert [command.split()[:2] for command in commands] == [["make", "test"], ["wavenet", "explore"]]
    assert any(block.kind == "python" for block in BLOCKS["README.md"])


def every_command():
    """(page, command) of console blocks, run or not, and of code in the text."""
    for page, found in BLOCKS.items():
        for block in found:
            if block.kind == "console":
                yield from ((page, command) for command, _ in block.commands())
        text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        yield from ((page, code.strip("`")) for code in CODE.findall(text))


def options_of(name):
    """Options of a command of `wavenet`."""
    alone = typer.Typer(add_completion=False)
    alone.command(name)(getattr(importlib.import_module(f"wavenet.cli.{name}"), name))
    return {text for option in typer.main.get_command(alone).params for text in (*option.opts, *option.secondary_opts)}


def test_every_command_and_option_exists():
    options = {name: options_of(name) for name in cli.COMMANDS}
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    seen = 0
    for page, command in every_command():
        words = shlex.split(command.rstrip("&"), comments=True)
        if words[0] == "srun":
            words = words[words.index("wavenet") :]
        program, *words = itertools.dropwhile(lambda word: re.match(r"[A-Z_]+=", word), words)
        given = [word.split("=")[0] for word in words if word.startswith("--")]
        where = f"{page}: {command}"
        seen += 1
        match program.rpartition("/")[2]:
            case "wavenet":
                assert words[0] in {*options, "--help", "--install-completion"}, where
                assert set(given) <= options.get(words[0], set()) | {"--help", "--install-completion"}, where
            case "python" | "python3":
                if words[0] in {block.name for block in BLOCKS[page]}:
                    continue
                source = (ROOT / words[0]).read_text(encoding="utf-8") if words[0] != "-m" else command
                assert all(f'"{option}"' in source for option in given) or words[0] == "-m", where
            case "make":
                assert set(words) <= targets, where
            case "pytest":
                assert all((ROOT / word.partition("::")[0]).exists() for word in words if "/" in word), where
            case other:
                assert other in OTHERS, where
    assert seen > 30


def test_commands_stand_in_console_blocks():
    for page in pages():
        text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"^ {4,}(wavenet|python|make|pytest|pip) ", text, re.MULTILINE), page


@pytest.mark.parametrize(
    ("shown", "printed", "tolerance", "good"),
    [
        ("end correction 0.527 radii", "end correction           0.52743 radii", None, True),
        ("end correction 0.528 radii", "end correction           0.52643 radii", None, False),
        ("cases 40", "cases 41", None, False),
        ("median 2.0e-7", "median 2.4e-7", None, False),
        ("median 2.0e-7", "median 2.4e-7", 0.3, True),
        ("seconds ...", "seconds 3.4", None, True),
        ("residual 0.09", "residual 0.084", None, True),
        ("power reflected 0.2", "power radiated 0.2", None, False),
    ],
)
def test_lines_are_compared(shown, printed, tolerance, good):
    assert same(shown, printed, tolerance) is good


def test_blocks_are_told_apart(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- slow: so -->\n<!-- within 20 %: rough -->\n```console\n$ wavenet a \\\n  --b\n1\n...\n$ wavenet c\n```\n"
        "text\n```{code-block} toml\n:caption: r.toml\n\nx = 1\n```\n```text\nno\n```\n```python\nprint(1)  # 1\n```\n"
    )
    monkeypatch.setattr(documentation, "ROOT", tmp_path)
    first, second, third = blocks("page.md")
    assert (first.when, first.tolerance) == ("slow", 0.2)
    assert first.commands() == [("wavenet a --b", ["1", "..."]), ("wavenet c", [])]
    assert (second.kind, second.name, second.text) == ("file", "r.toml", "x = 1\n")
    assert python(third, {}, tmp_path) == ("1\n", ["1"])


def test_lines_may_be_left_out():
    assert differences(["a 1", "...", "b"], ["a 1", "x", "y", "b"], None) is None
    assert differences(["a 1", "...", "b"], ["a 1", "x", "c"], None) is not None
    assert differences(["a"], ["a", "b"], None) == "printed besides 'b'"


def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    """The examples of its gallery are run by tests of their own."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("gallery", "__pycache__"))
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for page in ("CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / page, tmp_path)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-D", "plot_gallery=0", "docs", "html"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    built = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    pages = list((tmp_path / "html").rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loads = re.findall(r"<(?:script|img|iframe|source|link)\b[^>]*(?:src|href)=\"((?:https?:)?//[^\"]+)", text)
        assert not loads, f"{page.name}: {loads}"
    for style in (tmp_path / "html" / "_static").rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text(encoding="utf-8")), style.name
    api = [
        html.unescape(re.sub("<.*?>", "", page.read_text(encoding="utf-8")))
        for page in (tmp_path / "html" / "api").glob("*")
    ]
    assert len(api) > 20
    assert not any("dtype[" in page or "_NestedSequence" in page or "ndarray[tuple" in page for page in api)
    solve = next(page for page in api if "analytic.solve(" in page)
    assert "theta: ArrayLike" in solve
    assert "ComplexArray" in solve
    theory = (tmp_path / "html" / "theory.html").read_text(encoding="utf-8")
    assert theory.count("<math") > 50


ROOMS = ("analytic", "wavenet/ducts", "wavenet/derivatives", "wavenet/far_field", "wavenet/forward", "wavenet/jets")
# Modules of these rooms without a formula: what they share, checks, dispatch and sums over cases.
WITHOUT = {
    *(
        "analytic." + name
        for name in ("arrays", "attempts", "cases", "checks", "conj_time", "errors", "many_near_fields")
    ),
    *("analytic." + name for name in ("solver", "source", "sweeps")),
}


def test_every_module_with_formulas_names_their_source():
    """On the page of sources; patterns there end in a star, and match some module."""
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    listed = {
        name for row in re.findall(r"^\|.*?\|(.*?)\|", text, re.MULTILINE) for name in re.findall(r"`(.+?)`", row)
    }
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if path.name != "__init__.py"]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths}
    assert modules >= WITHOUT
    missing = {name for name in modules - WITHOUT if not any(fnmatch.fnmatch(name, pattern) for pattern in listed)}
    assert not missing
    every = modules | {
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "wavenet").rglob("*.py")
    }
    every |= {name.removesuffix(".__init__") for name in every}
    assert not {pattern for pattern in listed if not fnmatch.filter(every, pattern)}
    assert all(row.rstrip(" |").rpartition("| ")[2] for row in text.splitlines() if row.startswith("| "))


def test_every_part_of_the_theory_with_a_formula_names_its_source():
    text = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    parts = [part for part in re.split(r"^(?=##+ )", text, flags=re.MULTILINE) if "$$" in part]
    assert len(parts) > 10
    assert not [part.splitlines()[0] for part in parts if not re.search(r"\b(19|20)\d\d\b", part)]
    *_, references = text.split("## References")
    for name, year in re.findall(r"([A-Z]\w+)(?: and others)? \(?((?:19|20)\d\d)\b", text.split("## References")[0]):
        assert re.search(rf"{name}[^\n]*(?:\n[^\n]*){{0,2}}{year}", references), (name, year)


@pytest.mark.parametrize("page", ["README.md", "docs/limits.md", "docs/sources.md", "docs/theory.md"])
def test_tables_have_heads(page):
    for head, rule in itertools.pairwise((ROOT / page).read_text(encoding="utf-8").splitlines()):
        assert not re.fullmatch(r"\|(-+\|)+", rule) or re.search(r"\w", head)


def test_signatures_have_types_by_the_names_of_the_code(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs" / "extensions")
    signatures = importlib.import_module("signatures")
    doubles = "ndarray[tuple[Any, ...], dtype[float64]]"
    assert signatures.named(f"dict[str, {doubles}] | None") == "dict[str, FloatArray] | None"
    assert signatures.named(doubles.replace("float64", "complex128")) == "ComplexArray"
    assert set(signatures.NAMES.values()) <= set(
        re.findall(r"`(\w+)`", (ROOT / "docs" / "api" / "types.md").read_text(encoding="utf-8"))
    )
    assert signatures.named("x: ~collections.abc.Callable[[...], ~typing.Any]") == "x: Callable[[...], Any]"
    clean, _ = signatures.before_parsing(None, "", "", None, None, "(a=<function median at 0x7f>)", "int")
    assert clean == "(a=median)"


def test_every_command_is_on_the_page_of_commands():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `wavenet (\w+)` \|", text, re.MULTILINE)) == set(cli.COMMANDS)


def test_the_pictures_of_the_readme_are_there_and_small():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    names = re.findall(r"^!\[.+\]\((docs/images/.+\.png)\)$", text, re.MULTILINE)
    assert len(names) == text.count("![")
    assert "docs/images/overview.png" in names
    assert all(10_000 < (ROOT / name).stat().st_size < 250_000 for name in names)
