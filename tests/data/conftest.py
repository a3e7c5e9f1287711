"""Fixtures of the tests of datasets."""

import functools

import pytest

from data import generate, recipe

from ..conftest import compute_here


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
def file_of(dataset_file):
    """As `dataset_file`, but a recipe's file is made once and must not be changed."""
    return functools.cache(dataset_file)
