"""Commands run in this process."""

import json

import pytest

from wavenet.cli import main


def run(*arguments):
    """Exit status of a command in this process."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code or 0


def values(capsys, *arguments):
    """What a command prints with --json."""
    assert run(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)
