"""The format's page against the code, and the file in xarray."""

import importlib.util
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from data import blocks, layout, shards, tasks
from data.card import card
from data.journal import Missing
from data.read import read
from data.source import Source
from data.summary import record_missing
from data.task import PARAMETERS, Variable

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
DERIVATIVE = """
task = "derivative"
cases = 6
[source]
m = [0]
helmholtz = [4.0, 6.0]
[grid]
x = [-1.0, 1.0, 10]
r = [0.0, 2.0, 8]
"""
FORWARD = """
task = "forward"
cases = 6
[source]
m = [0]
helmholtz = [4.0, 6.0]
[microphones]
radius = 3.0
angle_deg = [0.0, 90.0, 5]
"""
EDGE = """
task = "edge"
cases = 6
[source]
m = [0]
helmholtz = [4.0, 6.0]
[disc]
radius = 0.3
roots = 5
angles = 8
"""
FACTOR = """
task = "factor"
cases = 6
[source]
m = [0, 2]
n = [0]
helmholtz = [4.0, 6.0]
[arc]
angles = 12
"""


@pytest.fixture(
    scope="module", params=[DERIVATIVE, FORWARD, EDGE, FACTOR], ids=["derivative", "forward", "edge", "factor"]
)
def path(request, dataset_file):
    return dataset_file(request.param)


@pytest.mark.parametrize("task", tasks.names())
def test_the_page_lists_the_arrays(task):
    section = PAGE.split(f"### `{task}`")[1].split("##")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (f8 or f4|\w+) \| (.*?) \| (.*?) \|$", section, flags=re.M)
    listed = {
        name: Variable(tuple(axes.split(", ")), kind.partition(" ")[0], *rest) for name, axes, kind, *rest in rows
    }
    either = {name for name, _, kind, *_ in rows if kind == "f8 or f4"}
    assert either == set(tasks.get(task).fields)
    assert listed == tasks.get(task).variables


def test_the_page_names_version_attributes_and_missing_columns():
    assert f"format version {layout.FORMAT}," in PAGE
    attributes = PAGE.split("The file's attributes:")[1].split("Texts")[0]
    named = set(re.findall(r"`(\w+)`", attributes)) - {"wavenet"}
    assert named == {"kind", "format", "task", *layout.PROVENANCE}
    missing = PAGE.split("The group `missing`")[1].split("attribute")[0]
    assert set(re.findall(r"`(\w+)`", missing)) == set(layout.MISSING_COLUMNS)


def test_the_page_has_every_task_with_its_description():
    headings = dict(re.findall(r"^### `(\w+)`: (.*)$", PAGE, flags=re.M))
    assert headings == {name: tasks.get(name).description for name in tasks.names()}
    listed = PAGE.split("Each field (")[1].split(")")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == {field for name in headings for field in tasks.get(name).fields}


def test_the_pages_numbers_are_the_codes():
    shape = blocks.Space(Source(m=[0], helmholtz=[1.0, 2.0], mach=[0.0, 0.5])).shape
    assert "ka and M alone make {} × {} blocks".format(*shape) in PAGE
    assert f"more parameters about {blocks._BLOCKS}" in PAGE
    words = ("zero", "one", "two", "three", "four", "five")
    assert f"workers die {words[shards.DEATHS + 1]} times" in PAGE


def test_xarray_shows_dimensions_coordinates_and_units(path):
    dataset, expected = xarray.open_dataset(path, engine="h5netcdf"), read(path)
    with dataset:
        for name, variable in tasks.get(expected.task).variables.items():
            array = dataset[name]
            assert array.dims == variable.dimensions
            assert array.attrs["units"] == variable.units
            assert array.attrs["long_name"] == variable.long_name
            np.testing.assert_array_equal(array, expected[name])
        coordinates = {*PARAMETERS, "split", "group", "case"}
        coordinates |= {"x", "r"} & set(tasks.get(expected.task).variables)
        assert coordinates <= set(dataset.coords)
        assert dataset["split"].attrs["flag_meanings"] == "train validation test"
        chosen = dataset.where(dataset.split == 2, drop=True)
        assert len(chosen["case"]) == len(expected.cases("test"))


ENGINES = ["h5netcdf", *(["netcdf4"] if importlib.util.find_spec("netCDF4") else [])]


@pytest.fixture(params=[False, True], ids=["complete", "missing cases"])
def given(request, path, tmp_path):
    """A file, and one of which cases are missing."""
    if not request.param:
        return path
    lost = [Missing(90 + n, 1, 5.0, 0.1, 0.0, 0.1, 1.0, 1.0, 0.0, 2, "no convergence – at all") for n in range(3)]
    shutil.copy(path, tmp_path / "lost.h5")
    with h5py.File(tmp_path / "lost.h5", "r+") as file:
        del file["missing"]
        record_missing(file, lost)
    return tmp_path / "lost.h5"


@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_writes_what_it_reads(given, tmp_path, engine):
    """Every array and attribute, the ones with Greek letters or dashes among them."""
    with xarray.open_dataset(given, engine=engine) as first:
        assert "Wiener–Hopf" in first.attrs["conventions"]
        first.to_netcdf(tmp_path / "copy.nc", engine=engine)
        with xarray.open_dataset(tmp_path / "copy.nc", engine=engine) as second:
            xarray.testing.assert_identical(first.load(), second.load())


@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_opens_the_tree_with_the_missing_cases(given, tmp_path, engine):
    expected = read(given)
    with xarray.open_datatree(given, engine=engine) as tree:
        assert tree["case"].values.tolist() == expected["case"].tolist()
        missing = tree["missing"].to_dataset(inherit=False)
        assert set(missing.sizes) == {layout.MISSING_CASE}
        assert missing["case"].values.tolist() == [record["case"] for record in expected.about.missing]
        assert missing["helmholtz"].values.tolist() == [5.0] * len(expected.about.missing)
        assert missing["mach_outer"].values.tolist() == [0.1] * len(expected.about.missing)
        tree.to_netcdf(tmp_path / "tree.nc", engine=engine)
        with xarray.open_datatree(tmp_path / "tree.nc", engine=engine) as again:
            xarray.testing.assert_identical(tree.load(), again.load())


def test_names_that_are_not_utf_8_are_written(tmp_path):
    """As of a recipe's file whose name has bytes of another encoding."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["name"] = layout.text(b"l\xe4rm".decode("utf-8", "surrogateescape"))
        assert file.attrs["name"].decode("utf-8") == "l\\udce4rm"
        file.attrs["name"] = layout.text("lärm")
        assert file.attrs["name"].decode("utf-8") == "lärm"


def test_the_card_says_what_is_in_the_file(path):
    dataset = read(path)
    text = card(dataset, path.name, "data.png")
    assert text.startswith("# data.h5\n\n6 ")
    assert "| train | 5 |" in text
    assert "No case of the recipe is missing." in text
    for name in tasks.get(dataset.task).variables:
        assert f"| `{name}` |" in text
