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
    help="Sound from open ducts by the Wiener–Hopf method, and neural surrogates of it.",
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
    """A command whose help ends with its examples, each on one line that can be copied, however narrow the terminal."""

    examples: tuple[str, ...] = ()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        formatter.write("".join(f" {line}\n" for line in self.examples))


class _Named(TyperCommand):
    """A command known by its name and summary; its module, which may take seconds, is imported when it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return _command(str(self.name)).make_context(info_name, args, parent, **extra)


def _command(name: str) -> Any:
    """The command itself."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name, cls=_Command)(getattr(importlib.import_module(f".{name}", __name__), name))
    command: Any = typer.main.get_command(alone)
    paragraphs = (command.help or "").split("\n\n")
    command.examples = tuple(text for text in paragraphs if text.startswith(_EXAMPLE))
    command.help = escape("\n\n".join(text for text in paragraphs if not text.startswith(_EXAMPLE)))
    for option in command.params:  # brackets in a help are units and defaults, not markup
        option.help = escape(option.help or "") or None
    return command


def _summary(name: str) -> str:
    """First line of a command's docstring, its module not imported."""
    module = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    found = next(one for one in module.body if isinstance(one, ast.FunctionDef) and one.name == name)
    return (ast.get_docstring(found) or "").partition("\n")[0]


for _name in COMMANDS:
    app.command(_name, cls=_Named, help=_summary(_name))(lambda: None)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command; exit status 2 and one line for bad input, 1 where the numerics miss their tolerance."""
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
    """Prevent a data.py or folder data of the user's from hiding this distribution's packages, in processes as well.

    The current folder is on the path of `python -m wavenet`, or by PYTHONPATH.
    """
    home = Path(__file__).resolve().parents[2]
    for name in ("analytic", "data"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).resolve().parents[1] != home:
            sys.path.insert(0, str(home))
            importlib.invalidate_caches()
            return
