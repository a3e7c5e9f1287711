"""Dataset files in xarray with complex variables."""

import sys

import dask.array
import numpy as np
import pytest

import data
from data.read import read

RECIPE = """
task = "{task}"
cases = 8
split = [0.5, 0.25, 0.25]
{more}
[source]
m = [0, 1]
helmholtz = [3.0, 5.0]
{modes}
[{section}]
"""
GRID = "x = [-1.0, 1.0, 8]\nr = [0.0, 2.0, 6]"
RECIPES = {
    "derivative": RECIPE.format(task="derivative", more="", modes="modes = [1, 2]", section="grid") + GRID,
    "single": RECIPE.format(task="derivative", more='storage = "single"', modes="modes = [1, 2]", section="grid")
    + GRID,
    "forward": RECIPE.format(task="forward", more="", modes="", section="microphones")
    + "radius = 6.0\nangle_deg = [0.0, 90.0, 5]",
}


@pytest.fixture(scope="module")
def files(dataset_file):
    return {name: dataset_file(text) for name, text in RECIPES.items()}


@pytest.mark.parametrize("name", RECIPES)
def test_parts_become_complex_numbers(files, name):
    found, expected = data.open_xarray(files[name]), read(files[name])
    names = {"potential", "axial_velocity", "radial_velocity"} if name != "forward" else {"pressure"}
    assert names < set(found)
    assert "part" not in found.dims
    for one in names:
        parts = np.moveaxis(expected[one], 1 if name != "forward" else -1, 0)
        np.testing.assert_array_equal(found[one].values, parts[0] + 1j * parts[1])
        assert found[one].dtype == (np.complex64 if name == "single" else np.complex128)
        assert found[one].attrs["units"] == ("rho c^2" if one == "pressure" else "a c" if one == "potential" else "c")
    np.testing.assert_array_equal(found[names.pop()].helmholtz.values, expected["helmholtz"])


def test_nothing_is_read_before_it_is_needed(files):
    assert isinstance(data.open_xarray(files["derivative"]).potential.data, dask.array.Array)
    assert isinstance(data.open_xarray(files["derivative"], chunks=None).potential.data, np.ndarray)


def test_a_split_and_a_point_are_chosen(files):
    expected = read(files["derivative"])
    cases = expected.cases("test")
    found = data.open_xarray(files["derivative"], "test").potential.sel(x=0.1, r=0.2, method="nearest")
    i, j = np.abs(expected["x"] - 0.1).argmin(), np.abs(expected["r"] - 0.2).argmin()
    np.testing.assert_array_equal(found.real.values, expected["potential"][cases, 0, i, j])
    np.testing.assert_array_equal(found.imag.values, expected["potential"][cases, 1, i, j])


def test_what_is_no_dataset_is_refused(files, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"no\.h5"):
        data.open_xarray(tmp_path / "no.h5")
    with pytest.raises(ValueError, match="not a readable HDF5 file"):
        data.open_xarray(__file__)
    with pytest.raises(ValueError, match="split must be one of train, validation, test, got 'tests'"):
        data.open_xarray(files["derivative"], "tests")
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ValueError, match=r"needs xarray and h5netcdf: pip install 'wavenet\[xarray\]'"):
        data.open_xarray(files["derivative"])
