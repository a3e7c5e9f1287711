"""What tests of several packages share."""

import pytest

from data import generate, recipe


@pytest.fixture(scope="session")
def dataset_file(tmp_path_factory):
    """A function from a recipe's text to the path of its dataset file, in a folder of its own."""

    def make(text, **options):
        folder = tmp_path_factory.mktemp("dataset")
        (folder / "recipe.toml").write_text(text)
        generate.generate(recipe.load(folder / "recipe.toml"), folder / "data.h5", **options)
        return folder / "data.h5"

    return make
