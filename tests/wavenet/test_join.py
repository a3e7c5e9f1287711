"""Commands about datasets of chosen cases and of thick walls: `wavenet join`, and what `wavenet generate` needs."""

import json

import pytest

from .commands import run

RECIPE = """
task = "forward"
cases = 4
[source]
m = [0]
helmholtz = [4.0, 5.0]
[microphones]
radius = 5.0
angle_deg = [0.0, 90.0, 3]
"""


def test_two_files_are_joined(dataset_file, tmp_path, capsys):
    files = [dataset_file(RECIPE), dataset_file(RECIPE.replace("cases = 4", "cases = 5"))]
    assert run("join", *files, "-o", tmp_path / "both.h5", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(tmp_path / "both.h5"), "cases": 9}
    assert run("check", tmp_path / "both.h5") == 0
    capsys.readouterr()
    assert run("join", *files, "-o", tmp_path / "both.h5") == 2
    assert "both.h5" in capsys.readouterr().err


@pytest.mark.usefixtures("without_ngsolve")
@pytest.mark.parametrize("command", ["generate", "choose"])
def test_a_missing_library_is_one_line(command, tmp_path, capsys):
    assert run(command, "lip-demo", "-o", tmp_path / "x.h5") == 2
    expected = "wavenet: the task lip needs ngsolve: pip install 'wavenet[elements]'\n"
    assert capsys.readouterr().err == expected
    assert not list(tmp_path.iterdir())
