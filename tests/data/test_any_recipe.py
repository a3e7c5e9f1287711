"""Any recipe is refused before work begins, by key and value, or its file is read by all that read datasets."""

import tempfile
from pathlib import Path

import pytest
import xarray
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from analytic import ConvergenceError
from data import generate, recipe
from data.convert import from_format, to_format
from data.read import check, read
from data.sampling import plan_of

from .recipes import BESIDE, changed, faults, recipes, text
from .the_well import expect_layout


def refused(path, content):
    """Why a recipe is refused before work begins; None, if it is not."""
    path.write_text(text(content), encoding="utf-8")
    try:
        plan_of(recipe.load(path).recipe)
    except ValueError as error:
        return str(error)
    return None


def expect_key_and_value(said, change):
    """That a refusal is one line which names a key that was changed or its table, and the value."""
    path, act, value = change
    assert said.isprintable(), said
    keys = [one for one in path if isinstance(one, str)]
    if act == "add" and isinstance(path[-1], str):
        keys = [*keys[:-1], repr(BESIDE)]
    assert keys == [repr(BESIDE)] or any(key in said for key in keys), (said, change)
    if act == "replace" and value != {}:  # of an empty table the message names what it lacks
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        assert any(repr(one)[:20] in said for one in (value, *inside)), (said, change)


def expect_readable(path, folder):
    """Readers and writers take the file; what came of The Well, in words."""
    dataset = read(path)
    assert check(path)["cases"] == len(dataset) > 0
    for opened, name in ((xarray.open_dataset, "copy.nc"), (xarray.open_datatree, "tree.nc")):
        with opened(path, engine="h5netcdf") as first:
            first.to_netcdf(folder / name, engine="h5netcdf")
            with opened(folder / name, engine="h5netcdf") as second:
                xarray.testing.assert_identical(first.load(), second.load())
    try:
        to_format(path, folder / "well", name="well")
    except ValueError as error:  # growing waves, far downstream
        if "too large or too small for single precision, the largest part is" not in str(error):
            raise
        return "read, but by The Well, which has single precision"
    expect_layout(folder / "well", dataset)
    assert from_format(folder / "well", folder / "back.h5", name="well").unchanged
    return "read"


def expect(content, change=None):
    """What holds of every recipe, and of one with a change; the outcome in words."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "recipe.toml"
        said = refused(path, content)
        if change is not None and said is None:
            content = changed(content, *change)
            said = refused(path, content)
            if said is not None:
                expect_key_and_value(said, change)
        if said is not None:
            assert said.isprintable(), said
            return "refused"
        try:
            generate.generate(recipe.load(path), folder / "x.h5")
        except ConvergenceError as error:
            if "none of the recipe's cases converged" not in str(error):
                raise
            return "none converged"
        return expect_readable(folder / "x.h5", folder)


@pytest.mark.parametrize("count", [pytest.param(20, id="20"), pytest.param(500, id="500", marks=pytest.mark.slow)])
def test_a_recipe_is_refused_by_key_and_value_or_its_file_is_read(here, count):
    """Recipes that differ from each other; outcomes with --hypothesis-show-statistics."""
    seen = set()

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # the recipes are small as they are
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def check_recipes(data):
        content = data.draw(recipes())
        change = data.draw(st.none() | faults(content))
        spelled = text(content if change is None else changed(content, *change))
        assume(spelled not in seen)
        outcome = expect(content, change)
        seen.add(spelled)  # those that fail are tried again
        event(outcome)

    check_recipes()
    assert len(seen) >= count
