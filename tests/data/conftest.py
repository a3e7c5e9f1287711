"""What the tests of datasets share."""

import warnings

import pytest

from data import generate, recipe, shards


def compute_here(recipe, plan, todo, workers, scheduler):
    """Shards computed in this process instead of by workers."""
    for number in todo:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in workers
            content, missing = shards.compute(recipe, number, shards.versions())
        yield number, content, missing


@pytest.fixture
def here(monkeypatch):
    """Generation without worker processes."""
    monkeypatch.setattr(generate, "compute_all", compute_here)


@pytest.fixture
def loaded(tmp_path):
    """A function from a recipe's text to the recipe."""

    def load(text, **options):
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return recipe.load(path, **options)

    return load


@pytest.fixture(scope="session")
def file_of(tmp_path_factory):
    """A function from a recipe's text to the path of its file, computed in this process and once."""
    made = {}

    def make(text):
        if text not in made:
            folder = tmp_path_factory.mktemp("file")
            (folder / "recipe.toml").write_text(text)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(generate, "compute_all", compute_here)
                generate.generate(recipe.load(folder / "recipe.toml"), folder / "data.h5")
            made[text] = folder / "data.h5"
        return made[text]

    return make
