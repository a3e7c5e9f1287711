"""One thread a process; fixtures of several packages."""

import importlib
import importlib.metadata
import os
import signal
import warnings
from pathlib import Path

import pytest

# The processes of the tests, and those that they start, share the cores: threads that wait for a core do so in a loop.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

from data import generate, recipe, shards  # noqa: E402 - the libraries read the variables when imported

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of a job in the background: interrupts are tested
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # as below nohup: hang-ups are tested, too
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def compute_here(recipe, plan, todo, workers, scheduler):
    """Shards computed in this process; the workers have tests of their own, and take seconds to start."""
    for number in todo:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in workers
            content, missing = shards.compute(recipe, number, shards.versions(recipe.task))
        yield number, content, missing


@pytest.fixture(scope="session")
def dataset_file(tmp_path_factory):
    """A function from a recipe's text to the path of its dataset file, in a folder of its own."""

    def make(text, **options):
        folder = tmp_path_factory.mktemp("dataset")
        (folder / "recipe.toml").write_text(text)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(generate, "compute_all", compute_here)
            generate.generate(recipe.load(folder / "recipe.toml"), folder / "data.h5", **options)
        return folder / "data.h5"

    return make


@pytest.fixture
def example(monkeypatch):
    """A function from the name of an example to its module."""
    folder = Path(__file__).resolve().parents[1] / "examples"

    def load(name):
        monkeypatch.syspath_prepend(folder)  # as when it is run: they use each other
        return importlib.import_module(name)

    return load


@pytest.fixture
def without_ngsolve(monkeypatch):
    """No NGSolve is installed, as far as datasets can tell."""
    version = importlib.metadata.version

    def without(name):
        if name == "ngsolve":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    shards.versions.cache_clear()
    monkeypatch.setattr(importlib.metadata, "version", without)
    yield
    shards.versions.cache_clear()
