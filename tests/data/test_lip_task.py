"""Datasets of ducts with a thick wall: what is stored, what holds of it, what is refused."""

import shutil

import h5py
import numpy as np
import pytest

import analytic
from data import recipe, tasks
from data.card import card
from data.convert import from_format, to_format
from data.elements import Lip, solve_lip
from data.generate import generate
from data.read import check, read
from data.summary import write_identity

LIPS = """
task = "lip"
cases = 4
sampler = "sobol"
split = [1.0, 0.0, 0.0]
[source]
m = [0, -1]
helmholtz = [2.0, 4.5]
mach = [-0.3, 0.3]
lip_thickness = [0.05, 0.2]
lip_aspect = { values = [0.0, 0.5, 1.0] }
[directions]
count = 32
"""


@pytest.fixture
def path(file_of):
    return file_of(LIPS)


def complex_of(values):
    return values @ np.array([1, 1j])


def test_a_case_is_a_solution_with_its_lip_and_the_exact_one_of_a_thin_wall(path):
    dataset = read(path)
    assert check(path)["cases"] == len(dataset) == 4
    assert dataset["cut_on"].max() == 2  # and some have zeros in their second place
    assert set(dataset["lip_aspect"]) == {0.0, 0.5, 1.0}
    angle = dataset["angle"]
    for case in range(4):
        m, count = dataset["m"][case], dataset["cut_on"][case]
        ka, mach, thickness, aspect = (
            dataset[name][case] for name in ("helmholtz", "mach", "lip_thickness", "lip_aspect")
        )
        lip = Lip.flat(thickness) if aspect == 0 else Lip.elliptic(thickness, aspect * thickness)
        thick = solve_lip(m, ka, lip, mach)
        assert count == analytic.cut_on_orders(ka, m, mach) == len(thick.orders)
        thin = [analytic.solve(analytic.DuctMode(m, n, ka, mach)) for n in range(count)]
        expected = {
            "reflection": thick.reflection,
            "thin_reflection": [one.reflection[:count] for one in thin],
            "directivity": thick.directivity(angle),
            "thin_directivity": [one.directivity(angle) for one in thin],
        }
        for name, values in expected.items():
            found = complex_of(dataset[name][case])
            inside = (slice(count), slice(count)) if "reflection" in name else slice(count)
            # the elements of a round lip are those of an ellipse of its length, up to the meshes' rounding
            np.testing.assert_allclose(found[inside], values, atol=1e-6 * np.max(np.abs(values)))
            found[inside] = 0
            assert not np.any(found), name
        np.testing.assert_allclose(dataset["wavenumber"][case, :count], thick.wavenumber, rtol=1e-9)
    assert 0 < dataset["error_estimate"].max() <= 1e-6


def changed(path, folder, **values):
    """A copy of a file with other values of some arrays, and their hash."""
    shutil.copy(path, folder / "changed.h5")
    with h5py.File(folder / "changed.h5", "r+") as file:
        for name, function in values.items():
            file[name][...] = function(file[name][...])
        write_identity(file, tasks.get("lip"))
    return folder / "changed.h5"


def one_reflected(values):
    """A reflection between different orders, 1e-4 off."""
    case = int(np.argmax(np.abs(values[:, 0, 1, 0])))
    values[case, 0, 1] *= 1.0001
    return values


@pytest.mark.parametrize("kind", ["", "thin_"])
@pytest.mark.parametrize(
    ("name", "change", "relation"),
    [
        ("reflection", one_reflected, "reciprocity of {}reflection"),
        ("reflection", lambda values: 1.0001 * values, "power of {0}reflection and {0}directivity"),
        ("directivity", lambda values: 1.0001 * values, "power of {0}reflection and {0}directivity"),
    ],
    ids=["one reflection", "reflections", "directivities"],
)
def test_what_breaks_reciprocity_or_power_is_refused(path, tmp_path, kind, name, change, relation):
    bad = changed(path, tmp_path, **{kind + name: change})
    with pytest.raises(ValueError, match=relation.format(kind) + " does not hold"):
        check(bad)


def test_few_angles_tell_nothing_of_the_power(path):
    dataset = read(path)
    few = dict(dataset.arrays) | {name: dataset[name][:, :, ::2] for name in ("directivity", "thin_directivity")}
    few["angle"] = dataset["angle"][::2]
    misfits = tasks.get("lip").relations(few)
    assert np.all(np.isinf(misfits["power of reflection and directivity"][1]))
    assert np.all(np.isfinite(misfits["reciprocity of reflection"][1]))


def test_the_same_file_by_any_number_of_processes(path, tmp_path):
    named = recipe.load(path.with_name("recipe.toml"))
    for workers in (1, 2):
        generate(named, tmp_path / f"{workers}.h5", workers=workers)
    one, two = (read(tmp_path / f"{workers}.h5").provenance["content_hash"] for workers in (1, 2))
    assert one == two


def test_the_file_goes_to_other_formats_and_back(path, tmp_path):
    to_format(path, tmp_path / "x.npz")
    assert from_format(tmp_path / "x.npz", tmp_path / "x.h5").unchanged


def test_changed_values_are_compared_with_the_elements(path, tmp_path):
    to_format(path, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as arrays:
        values = dict(arrays)
    values["directivity"] = values["directivity"] * (1 + 1e-12)
    np.savez(tmp_path / "y.npz", **values)
    found = from_format(tmp_path / "y.npz", tmp_path / "y.h5")
    assert not found.unchanged
    assert 0 < found.misfit["directivity"] < 1e-8
    assert max(found.misfit.values()) < 1e-6


def test_ducts_that_differ_in_their_lips_alone_have_one_thin_wall(file_of):
    text = LIPS.replace("m = [0, -1]", "m = [1]").replace("cases = 4", "cases = 2")
    text = text.replace("helmholtz = [2.0, 4.5]", "helmholtz = { values = [3.5] }").replace("[-0.3, 0.3]", "[0.1, 0.1]")
    file = file_of(text)
    check(file)
    found = read(file)
    assert np.array_equal(*found["thin_directivity"])
    assert not np.array_equal(*found["directivity"])


def test_the_card_says_how_and_with_which_lips(path):
    text = card(read(path), "x.h5", "x.png")
    assert "by finite elements; those of a thin wall by the Wiener–Hopf method." in text
    assert "| ka | M | thickness | length/thickness |" in text
    assert "ngsolve" in read(path).provenance["versions"]


@pytest.mark.usefixtures("without_ngsolve")
def test_a_missing_library_is_said_before_work_begins(loaded, tmp_path):
    with pytest.raises(ImportError, match=r"the task lip needs ngsolve: pip install 'wavenet\[elements\]'"):
        generate(loaded(LIPS), tmp_path / "x.h5")
    assert not list(tmp_path.glob("x.h5*"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("lip_thickness = [0.05, 0.2]\n", "", "a thick lip needs lip_thickness: the table \\[source\\] lacks it"),
        ("lip_thickness = [0.05, 0.2]", "lip_thickness = [0.0, 0.2]", r"lip_thickness: must lie in \[0\.001, 1\]"),
        ("values = [0.0, 0.5, 1.0]", "values = [0.0, 0.05]", "lip_aspect must be 0, a flat lip, or at least 0.1, got"),
        ("{ values = [0.0, 0.5, 1.0] }", "[0.0, 0.5]", r"lip_aspect must be 0, .* at least 0\.1, got \[0\.0, 0\.5\]"),
        ("m = [0, -1]", "m = [0, -1]\nhub = 0.3", "a duct with a thick wall has no hub and no jet"),
        ("mach = [-0.3, 0.3]", "mach = 0.3\nmach_outer = 0.0", "a duct with a thick wall has no hub and no jet"),
        ("m = [0, -1]", "m = [0, -1]\nn = [0]", "a case with a thick wall has all cut-on modes"),
        ("m = [0, -1]", "m = [0, -1]\nmodes = [1, 2]", "a case with a thick wall has all cut-on modes"),
        (
            "[directions]",
            "[liner]\nresistance = 1.0\nreactance = 0.0\nlength = 0.5\ndistance = 0.5\n[directions]",
            "the source has a liner, the task lip is for ducts without one",
        ),
        ("4.5]", "58.0]", r"helmholtz / sqrt\(1 - mach\^2\) goes up to 60 with a thick wall, got 60\.8"),
        ("[2.0, 4.5]", "[9e-4, 4.5]", r"helmholtz: must lie in \[0\.001, 60\], got 0\.0009"),
        ("count = 32", "count = 3", r"directions\.count: .*greater than or equal to 4"),
    ],
)
def test_a_fault_is_named_with_its_key(loaded, old, new, words):
    assert old in LIPS
    with pytest.raises(ValueError, match=words):
        loaded(LIPS.replace(old, new, 1))


def test_a_range_of_aspects_may_be_beside_flat_lips(loaded):
    named = loaded(LIPS.replace("{ values = [0.0, 0.5, 1.0] }", "{ range = [0.2, 1.0], or = 0.0 }"))
    assert named.recipe.source.bounds["lip_aspect"] == (0.0, 1.0)
    assert recipe.Recipe.model_validate_json(named.recipe.model_dump_json()) == named.recipe


def test_a_lip_goes_with_no_other_task(loaded):
    text = LIPS.replace('task = "lip"', 'task = "factor"').replace("[directions]\ncount", "[arc]\nangles")
    with pytest.raises(ValueError, match="the source has a thick lip, the task factor is for ducts without one"):
        loaded(text)
    bare = LIPS.partition("lip_thickness")[0] + "[directions]\ncount = 8\n"
    with pytest.raises(ValueError, match="the source has no thick lip, the task lip is for ducts with one"):
        loaded(bare)
