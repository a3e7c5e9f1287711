"""Help of the commands: without importing them, complete, with an example that can be copied."""

import importlib
import os
import re
import subprocess
import sys

import pytest

from data.built_in import names as recipes
from wavenet import __version__, cli, networks
from wavenet.explain.methods import METHODS
from wavenet.runs import BASELINES, SHIPPED
from wavenet.study.conversion import FORMATS

TASKS = ("forward", "derivative", "edge", "factor", "jet_factor", "lip", "lip_near")
UNCOMPARED = "factor", "lip", "lip_near"
COMPARED = [name for name in (*SHIPPED, *BASELINES, "constrained_unet") if name not in UNCOMPARED]


def shown(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main([*arguments])
    assert not stop.value.code
    return capsys.readouterr().out


def test_help_imports_no_command():
    program = "import sys; from wavenet.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    text = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    modules = set(text.splitlines()[-1].split())
    assert not modules & {"numpy", "torch", "scipy", "matplotlib", "wavenet.cli.solve", "wavenet.cli.common"}
    assert not {name for name in modules if name.startswith("wavenet.study.")}  # the package itself is light


def test_help_has_the_first_line_of_every_command(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = shown(capsys, "--help")
    for name in cli.COMMANDS:
        command = getattr(importlib.import_module(f"wavenet.cli.{name}"), name)
        line = command.__doc__.strip().splitlines()[0]
        assert line.endswith(".")
        assert line in text


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_an_example_on_one_line(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    command = getattr(importlib.import_module(f"wavenet.cli.{name}"), name)
    examples = [line.strip() for line in command.__doc__.splitlines() if line.strip().startswith("Example: ")]
    assert examples
    lines = [line.strip() for line in shown(capsys, name, "--help").splitlines()]
    for example in examples:
        assert example.startswith(f"Example: wavenet {name}")
        assert example in lines


def test_brackets_in_a_help_are_shown(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    assert "Radius of a hard hub [duct radii]" in shown(capsys, "solve", "--help")


def test_the_help_of_attribute_names_every_method(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    text = shown(capsys, "attribute", "--help")
    listed = re.search(r"--method +<str> +(.*?)\. \[default", text)
    assert listed
    assert tuple(re.split(", | or ", listed[1])) == tuple(METHODS)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("generate", recipes()),
        ("train", [name for task in TASKS for name in networks.names(task)]),
        ("train", [*networks.get("unet").constraints, *networks.get("constrained_unet").constraints]),
        ("compare", COMPARED),
        ("attribute", COMPARED),
        ("differentiate", ["constrained_unet", "derivative"]),
        ("predict", ["factor", "jet_factor", "lip"]),
        ("detect", ["factor", "jet_factor"]),
        ("convert", FORMATS),
    ],
)
def test_a_help_names_what_is_accepted(command, names, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    text = shown(capsys, command, "--help")
    for name in names:
        assert re.search(rf"(?<![\w-])({name}|{name.replace('_', '-')})(?![\w-])", text), name


@pytest.mark.parametrize("command", [name for name in cli.COMMANDS if name not in ("explore", "demo")])
def test_no_paragraph_of_a_help_is_broken_in_the_middle(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    words = shown(capsys, command, "--help").split("╭")[0].splitlines()
    for paragraph in [line.strip() for line in words if line.strip() and "Usage" not in line]:
        assert paragraph.endswith((".", ":")), paragraph


def test_the_version_is_printed(capsys):
    assert shown(capsys, "--version") == f"wavenet {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("so", {"solve"}),
        ("solve --k", {"--ka", "--kutta"}),
        ("train jet", {"jet_factor"}),
        ("train derivative --preset ", {"quick", "standard"}),
    ],
)
def test_shells_complete_commands_options_and_choices(typed, completed):
    words = f"wavenet {typed}"
    given = {"_WAVENET_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    program = [sys.executable, "-c", "import sys; sys.argv[0] = 'wavenet'; from wavenet.cli import main; main()"]
    found = subprocess.run(program, env=os.environ | given, capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) == completed


def test_ka_is_another_name_of_helmholtz_wherever_there_is_one(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for name in cli.COMMANDS:
        text = shown(capsys, name, "--help")
        assert text.count("--helmholtz,--ka") == bool(re.search(r"│ +--helmholtz", text)), name
    options = ["--m", "0", "--n", "0", "--angles", "0:90:2", "--json"]
    short, long = (shown(capsys, "solve", *options, name, "1.5") for name in ("--ka", "--helmholtz"))
    assert short == long
