"""The console script `wavenet`, one module for each command: it parses, calls `wavenet.study`, prints and saves."""

import ast
import contextlib
import importlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from wavenet import __version__

from .usage import UsageError, explain

COMMANDS = (
    "solve",
    "field",
    "multimode",
    "generate",
    "recipes",
    "check",
    "convert",
    "join",
    "choose",
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
_NOBODY_READS = 141  # as of a process that ended by SIGPIPE: 128 + 13


@contextlib.contextmanager
def _until_nobody_reads() -> Iterator[None]:
    """End quietly when the reader of standard output has gone, as `head` does; what is in files is complete."""
    try:
        yield
    except BrokenPipeError:
        _discard_output()
        sys.exit(_NOBODY_READS)
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # rich, while it prints help, ends with status 1
            stop.code = _NOBODY_READS
        raise


class _Commands(TyperGroup):
    """All commands. Typer would end with status 1 if the reader of the output has gone, here or in the help."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        with _until_nobody_reads():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _until_nobody_reads():
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Commands,
    help="Sound radiated from open ducts: exact solutions by the Wiener–Hopf method, and neural surrogates of them.",
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
    paragraphs = [" ".join(text.split()) for text in (command.help or "").split("\n\n")]
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
    """Run a command, and exit with a status of the table in docs/commands.md, errors with one line."""
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    _prepare_streams()
    _own_packages_first()
    status = 0
    try:
        with _until_nobody_reads():
            try:
                status = app(arguments, prog_name="wavenet", standalone_mode=False)
            finally:
                _flush_output()
    except UsageError as error:
        _stop(ValueError(explain(error, arguments, COMMANDS)), 2)
    except (ValueError, TypeError, OSError, ImportError) as error:  # the last one of a missing extra
        _stop(error, 2)
    except MemoryError as error:
        _stop(MemoryError(str(error) or "out of memory"), 2)
    except ArithmeticError as error:
        _stop(error, 1)
    sys.exit(status or 0)


def _stop(error: Exception, status: int) -> None:
    print(f"wavenet: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(status)


def _prepare_streams() -> None:
    """Names of files can be printed on every terminal, and no file is opened as a standard stream that was closed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number, this one
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flush_output() -> None:
    """Write what is printed now, while an error can still be reported."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_output()
        raise OSError(f"the result cannot be printed: {error}") from None


def _discard_output() -> None:
    """Standard output goes nowhere: Python flushes it once more at its end."""
    with contextlib.suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _own_packages_first() -> None:
    """Prevent a user's data.py or data folder from hiding this distribution's packages, in worker processes as well.

    The current folder is on the path in `python -m wavenet`, or through PYTHONPATH.
    """
    try:
        importlib.import_module("wavenet.study")
    except ImportError:
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
        importlib.invalidate_caches()
