"""What is wrong with a command line, in one line: the option, what it takes, and what was typed."""

import difflib
import re
from collections.abc import Sequence
from typing import Any

import typer

# The class of all errors of a command line, by the name that typer has for one of them: its others are not public.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
_KINDS = {"integer": "an integer", "number": "a number", "float": "a number", "boolean": "true or false"}
_MOVED = {  # options that had another name in 0.3.0
    (command, "--run"): f"--run is now the argument RUN: wavenet {command} {before}RUN"
    for command, before in (("predict", ""), ("detect", ""), ("differentiate", "FIELD "))
}


def explain(error: Any, arguments: Sequence[str], commands: Sequence[str]) -> str:
    """One line on an error of a command line, and where its help is.

    error : a `UsageError`. arguments : as typed. commands : names of all.
    """
    command = next((word for word in arguments if word in commands), "")
    text = " ".join(str(error.format_message()).split())
    name = getattr(error, "option_name", None) or ""
    if (command, name) in _MOVED:
        text = _MOVED[command, name]
    elif name and hasattr(error, "possibilities"):
        text = _unknown_option(error, arguments, command or "wavenet")
    elif type(error).__name__ == "MissingParameter":
        text = _missing(error, text)
    elif getattr(error, "param", None) is not None:
        text = _bad_value(error.param, text, arguments)
    elif found := re.fullmatch(r"No such command '(.*?)'\.?.*", text):
        near = difflib.get_close_matches(found[1], commands, 1)
        text = f"there is no command {found[1]!r}" + (f"; did you mean {near[0]}?" if near else "")
    elif found := re.fullmatch(r"Option '(.*)' (requires an argument|does not take a value)\.?", text):
        text = f"{found[1]} {'needs a' if found[2].startswith('requires') else 'takes no'} value"
    elif found := re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)\.?", text):
        text = f"unexpected argument {found[1]}"
    else:
        text = text[:1].lower() + text[1:].rstrip(".")
    return f"{text} (wavenet {f'{command} ' if command else ''}--help)"


def _unknown_option(error: Any, arguments: Sequence[str], command: str) -> str:
    """The option that there is none of, and what may be meant."""
    name, near = str(error.option_name), sorted(error.possibilities or ())
    if not name.startswith("--"):  # of -ka, typer names the -k only
        name = next((word.partition("=")[0] for word in arguments if word.startswith(name)), name)
        known = {option for param in error.ctx.command.params for option in param.opts}
        near = [f"-{name}"] if f"-{name}" in known else []
    return f"{command} has no option {name}" + (f"; did you mean {' or '.join(near)}?" if near else "")


def _missing(error: Any, text: str) -> str:
    """What is missing, and what it may be."""
    choices = text.partition("Choose from: ")[2].strip(" .")
    return f"{_name(error.param)} is missing" + (f", one of {choices}" if choices else "")


def _bad_value(param: Any, text: str, arguments: Sequence[str]) -> str:
    """What an option takes, and what it was given."""
    name = _name(param)
    if choices := re.search(r"'([^']*)' is not one of (.*?)\.?$", text):
        return f"{name} must be one of {choices[2].replace(chr(39), '')}, got {choices[1]!r}"
    kind = next((kind for word, kind in _KINDS.items() if f"valid {word}" in text), None)
    if kind is None:
        return f"{name}: {text.partition(': ')[2] or text}"
    given = _typed(param.opts, arguments)
    return f"{name} must be {kind}" + (f", got {given!r}" if given is not None else "")


def _typed(options: Sequence[str], arguments: Sequence[str]) -> str | None:
    """The last value that an option was given."""
    found = None
    for index, word in enumerate(arguments):
        before, equals, after = word.partition("=")
        if before in options:
            found = after if equals else next(iter(arguments[index + 1 :]), None)
    return found


def _name(param: Any) -> str:
    """An option as it is typed, an argument as the help writes it."""
    options = [name for name in param.opts if name.startswith("-")]
    return max(options, key=len) if options else str(param.metavar or param.name.upper()).strip("[].")
