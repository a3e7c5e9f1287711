"""Fixtures of the tests of datasets."""

import functools
from dataclasses import replace

import numpy as np
import pytest

import analytic
from data import generate, recipe, shards

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


@pytest.fixture
def small_shards(monkeypatch):
    """Shards of about 16 cases, which are solved together."""
    monkeypatch.setattr(shards, "_groups_together", lambda recipe: max(1, 16 // recipe.source.mixtures))
    monkeypatch.setattr(shards, "_BLOCKS", 1)


@pytest.fixture
def failing(monkeypatch):
    """A function that makes near fields of sources fail for which its argument has a reason, an error or a text."""
    near_fields = analytic.near_fields

    def install(reason_of):
        def found(sources, x, r, **options):
            reasons = [reason_of(source) for source in sources]
            for reason in reasons:
                if isinstance(reason, BaseException):
                    raise reason
            fields = near_fields(sources, x, r, **options)
            return [
                replace(one, reason=reason, error_estimate=np.inf) if reason else one
                for one, reason in zip(fields, reasons, strict=True)
            ]

        monkeypatch.setattr(analytic, "near_fields", found)

    return install


@pytest.fixture(scope="session")
def file_of(dataset_file):
    """As `dataset_file`, but a recipe's file is made once and must not be changed."""
    return functools.cache(dataset_file)
