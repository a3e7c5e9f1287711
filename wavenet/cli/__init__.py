"""The console script `wavenet`, one module for each command: it parses, calls `wavenet.study`, prints and saves."""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperCommand

from wavenet import __version__

COMMANDS = (
    "solve",
    "field",
    "multimode",
    "generate",
    "recipes",
    "check",
    "convert",
    "train",
    "compare",
    "differentiate",
    "predict",
    "detect",
    "attribute",
    "explore",
    "demo",
)
_EXAMPLE = "Example: "

app = typer.Typer(
    help="Sound radiated from open ducts: exact solutions by the Wiener–Hopf method, and neural surrogates of them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"wavenet {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Options of the script itself."""


class _Command(TyperCommand):
    """Command whose help ends with its examples, each on a single line for copying, however narrow the terminal."""

    examples: tuple[str, ...] = ()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        formatter.write("".join(f" {line}\n" for line in self.examples))


class _Named(TyperCommand):
    """Command known by name and summary only; its module, which may take seconds to import, is loaded on a call."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return _command(str(self.name)).make_context(info_name, args, parent, **extra)


def _command(name: str) -> Any:
    """Import a command and prepare its help."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name, cls=_Command)(getattr(importlib.import_module(f".{name}", __name__), name))
    command: Any = typer.main.get_command(alone)
    paragraphs = (command.help or "").split("\n\n")
    command.examples = tuple(text for text in paragraphs if text.startswith(_EXAMPLE))
    command.help = escape("\n\n".join(text for text in paragraphs if not text.startswith(_EXAMPLE)))
    for option in command.params:  # square brackets are units and defaults, not markup
        option.help = escape(option.help or "") or None
    return command


def _summary(name: str) -> str:
    """First line of a command's docstring, read without importing its module."""
    module = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    found = next(one for one in module.body if isinstance(one, ast.FunctionDef) and one.name == name)
    return (ast.get_docstring(found) or "").partition("\n")[0]


for _name in COMMANDS:
    app.command(_name, cls=_Named, help=_summary(_name))(lambda: None)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command. On bad input print one line and exit with status 2; on a missed tolerance, with status 1."""
    _own_packages_first()
    try:
        app(argv)
    except (ValueError, TypeError, OSError) as error:
        _stop(error, 2)
    except ArithmeticError as error:
        _stop(error, 1)


def _stop(error: Exception, status: int) -> None:
    print(f"wavenet: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(status)


def _own_packages_first() -> None:
    """Prevent a user's data.py or data folder from hiding this distribution's packages, in worker processes as well.

    The current folder is on the path in `python -m wavenet`, or through PYTHONPATH.
    """
    home = Path(__file__).resolve().parents[2]
    for name in ("analytic", "data"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).resolve().parents[1] != home:
            sys.path.insert(0, str(home))
            importlib.invalidate_caches()
            return
