"""Content and metadata of the distributions that users install, and the commands next to files of the users' own."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import torch

import wavenet

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = (".*", "__pycache__", "*.egg-info", "build", "dist", "demo", "runs", "shared")


@pytest.fixture(scope="session")
def distributions(tmp_path_factory):
    """Names and contents of the wheel and of the source distribution, built from a copy."""
    source, out = tmp_path_factory.mktemp("release") / "source", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*LEFT_OUT))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="session")
def wheel(distributions):
    return next(distributions.glob("*.whl"))


def test_the_wheel_has_what_the_commands_need_and_no_more(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"analytic", "data", "wavenet", f"wavenet-{wavenet.__version__}.dist-info"}
    for package in ("analytic", "data", "wavenet"):
        files = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert f"{package}/py.typed" in files
        assert files <= set(names)
    assert {"wavenet/weights/derivative/weights.safetensors", "data/recipes/derivative.toml"} <= set(names)


def test_the_metadata_are_right(wheel):
    file = zipfile.ZipFile(wheel)
    folder = f"wavenet-{wavenet.__version__}.dist-info"
    about = email.message_from_bytes(file.read(f"{folder}/METADATA"))
    assert (about["Name"], about["Version"]) == ("wavenet", wavenet.__version__)
    assert (about["License-Expression"], about["Requires-Python"]) == ("BSD-3-Clause", ">=3.11")
    assert about["Description-Content-Type"] == "text/markdown"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match("[a-z0-9]+", line)[0] for line in about.get_all("Requires-Dist") if "extra ==" not in line}
    assert needed == {re.match("[a-z0-9]+", line)[0] for line in project["dependencies"]}
    assert "wavenet = wavenet.cli:main" in file.read(f"{folder}/entry_points.txt").decode()


def test_the_source_distribution_can_be_tested(distributions):
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as file:
        names = file.getnames()
    top = f"wavenet-{wavenet.__version__}"
    for name in (
        *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile"),
        *("tests/test_release.py", "docs/format.md", "docs/figures.toml"),
    ):
        assert f"{top}/{name}" in names
    assert not [name for name in names if name.endswith((".pyc", ".h5", ".ckpt"))]


def test_the_version_is_the_same_everywhere():
    assert f"version: {wavenet.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {wavenet.__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """Folder of the scripts of an environment that has the wheel, and otherwise what this one has."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", home / "bin" / "python", "install", "--no-deps", "-q", wheel]
    subprocess.run(command, check=True, capture_output=True, env=clean())
    folder = next(home.glob("lib/python*/site-packages"))
    (folder / "others.pth").write_text(str(Path(torch.__file__).parents[1]))
    return home / "bin"


def clean(**more):
    """This environment without what makes the clone's packages win."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | more


def test_the_wheel_works_from_an_empty_folder(installed, tmp_path):
    for arguments in (["--version"], ["recipes"], ["predict", "--m", "2", "--n", "0", "--helmholtz", "5"]):
        command = [installed / "wavenet", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=clean(), capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout
    program = "import analytic, data, wavenet; print(*(p.__file__ for p in (analytic, data, wavenet)))"
    command = [installed / "python", "-c", program]
    shown = subprocess.run(command, cwd=tmp_path, env=clean(), capture_output=True, text=True).stdout
    assert shown.count(str(installed.parent)) == 3


@pytest.mark.slow
def test_the_demo_of_the_wheel(installed, tmp_path):
    done = subprocess.run([installed / "wavenet", "demo", "--cases", "20"], cwd=tmp_path, env=clean())
    assert done.returncode == 0
    assert (tmp_path / "demo" / "index.html").is_file()


@pytest.fixture
def users_folder(tmp_path):
    """A folder with modules and packages of the user's own, that have the names of ours."""
    for name in ("data", "analytic"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the module of the user')")
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "__init__.py").write_text("raise RuntimeError('the package of the user')")
    return tmp_path


def start(kind, folder, *arguments):
    """A command as users start it: the script, with their folder on the path or not, or the module."""
    program = "from wavenet.cli import main; main()"
    command = [sys.executable, "-m", "wavenet"] if kind == "module" else [sys.executable, folder / "bin" / "wavenet"]
    if kind != "module":
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin" / "wavenet").write_text(f"if __name__ == '__main__':\n    {program}\n")
    path = {"module": str(ROOT), "script": str(ROOT), "path": os.pathsep.join(("", str(folder), str(ROOT)))}[kind]
    environment = clean(PYTHONPATH=path)
    done = subprocess.run([*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_files_of_the_user_hide_nothing(users_folder):
    start("path", users_folder, "generate", "forward-demo", "--cases", "40", "-o", "f.h5", "--workers", "2")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["script", "module", "path"])
def test_files_of_the_user_hide_nothing_from_any_process(kind, users_folder):
    start(kind, users_folder, "generate", "forward-demo", "--cases", "60", "-o", "f.h5", "--workers", "2")
    start(kind, users_folder, "train", "forward", "--data", "f.h5", "-o", "run", "--devices", "2", "--workers", "1")
    start(kind, users_folder, "compare", "run", "--data", "f.h5", "-o", "report")
    start(kind, users_folder, "attribute", "run", "--data", "f.h5", "-o", "relevance")
