"""The console script `wavenet`: one module a command; the one place where solver, datasets and networks meet."""

import importlib
import sys

import typer

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

app = typer.Typer(
    help="Sound from open ducts by the Wiener–Hopf method, and neural surrogates of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _name in COMMANDS:
    app.command(_name)(getattr(importlib.import_module(f".{_name}", __name__), _name))


def main(argv=None):
    """Run a command; exit status 2 and one line for bad input, 1 where the numerics miss their tolerance."""
    try:
        app(argv)
    except (ValueError, TypeError, OSError) as error:
        _stop(error, 2)
    except ArithmeticError as error:
        _stop(error, 1)


def _stop(error, status):
    print(f"wavenet: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(status)
