"""Recipes, generation and reading."""

import h5py
import numpy as np
import pytest

from analytic import ModeMixture, solve
from data import built_in, generate, recipe, tasks
from data.read import check, read

DERIVATIVE = """
task = "derivative"
cases = 5
seed = 3
split = [0.6, 0.2, 0.2]
[source]
m = [0, -2]
helmholtz = [4.0, 6.0]
mach = [-0.2, 0.2]
modes = [1, 2]
[grid]
x = [-1.0, 1.0, 8]
r = [0.0, 2.0, 8]
"""
FORWARD = """
task = "forward"
cases = 4
[source]
m = [1]
n = [0, 1]
helmholtz = [4.0, 6.0]
[microphones]
radius = 3.0
angle_deg = [0.0, 90.0, 5]
"""


def write(tmp_path, text, name="recipe.toml"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    path = folder / "one.h5"
    generate.generate(recipe.load(write(folder, DERIVATIVE)), path)
    return path


def test_same_bits_whatever_the_workers(file, tmp_path):
    other = tmp_path / "two.h5"
    done = []
    generate.generate(
        recipe.load(write(tmp_path, DERIVATIVE)), other, workers=2, progress=lambda *count: done.append(count)
    )
    assert done == [(5, 5)]
    first, second = read(file), read(other)
    for name in tasks.get("derivative").variables:
        np.testing.assert_array_equal(first[name], second[name])


def test_stored_case_is_the_solution(file):
    dataset = read(file, task="derivative")
    case = 2
    amplitudes = dataset["amplitude"][case] @ [1, 1j]
    source = ModeMixture(int(dataset["m"][case]), amplitudes, dataset["helmholtz"][case], dataset["mach"][case])
    assert np.sum(np.abs(amplitudes) ** 2) == pytest.approx(1.0)
    field = solve(source).field(dataset["x"], dataset["r"])
    for name in ("potential", "axial_velocity", "radial_velocity"):
        stored = np.moveaxis(dataset[name][case], 0, -1) @ [1, 1j]
        # Threads and zero amplitudes beyond the mixture's reorder sums, no more.
        np.testing.assert_allclose(stored, getattr(field, name), rtol=1e-9, atol=1e-11)
    assert np.all(dataset["error_estimate"] <= 1e-6)
    assert sorted(dataset["split"]) == [0, 0, 0, 1, 2]
    assert "seed = 3" in dataset.provenance["recipe"]


def test_forward_file(tmp_path):
    path = tmp_path / "forward.h5"
    generate.generate(recipe.load(write(tmp_path, FORWARD)), path)
    summary = check(path)
    assert summary["task"] == "forward"
    assert summary["cases"] == 4
    dataset = read(path)
    assert dataset["pressure"].shape == (4, 5, 2)
    np.testing.assert_allclose(np.hypot(dataset["x"], dataset["r"]), 3.0)
    with pytest.raises(ValueError, match="is a forward dataset"):
        read(path, task="derivative")


def test_nothing_is_overwritten_or_left_behind(file, tmp_path):
    before = file.read_bytes()
    with pytest.raises(FileExistsError, match="not overwritten"):
        generate.generate(recipe.load("derivative-demo"), file)
    assert file.read_bytes() == before
    with pytest.raises(OSError, match="missing"):
        generate.generate(recipe.load(write(tmp_path, DERIVATIVE)), tmp_path / "missing" / "new.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("seed = 3", "sead = 3", "sead"),
        ("cases = 5", "cases = 0", "cases"),
        ("helmholtz = [4.0, 6.0]", "helmholtz = [6.0, 4.0]", "helmholtz"),
        ("helmholtz = [4.0, 6.0]", "helmholtz = [-1.0, 4.0]", "source.helmholtz"),
        ("helmholtz = [4.0, 6.0]", "helmholtz = [nan, 4.0]", "source.helmholtz"),
        ("mach = [-0.2, 0.2]", "mach = [-0.2, 1.2]", "source.mach"),
        ("m = [0, -2]", "m = []", "source.m"),
        ("r = [0.0, 2.0, 8]", "r = [-1.0, 2.0, 8]", "r must start"),
        ("x = [-1.0, 1.0, 8]", "x = [1.0, -1.0, 8]", "start < end"),
        ("[grid]", "[microphones]", "microphones"),
        ("split = [0.6, 0.2, 0.2]", "split = [0.6, 0.2, 0.3]", "split"),
        ('task = "derivative"', 'task = "forward"', "microphones"),
        ("seed = 3", "seed = = 3", "not TOML"),
    ],
)
def test_a_bad_recipe_is_named(tmp_path, old, new, named):
    assert old in DERIVATIVE
    with pytest.raises(ValueError, match=named):
        recipe.load(write(tmp_path, DERIVATIVE.replace(old, new)))


def test_a_recipe_without_a_cut_on_mode(tmp_path):
    silent = DERIVATIVE.replace("m = [0, -2]", "m = [30]")
    with pytest.raises(ValueError, match="cut on"):
        generate.generate(recipe.load(write(tmp_path, silent)), tmp_path / "x.h5")
    assert not (tmp_path / "x.h5").exists()
    with pytest.raises(FileNotFoundError, match="derivative-demo"):
        recipe.load("nowhere")


def test_built_in_recipes_are_valid():
    recipes = {name: recipe.load(name).recipe for name in built_in.names()}
    assert {one.task for one in recipes.values()} == set(tasks.names())
    assert {name: built_in.summary(name) for name in recipes} == {
        k: (one.task, one.cases) for k, one in recipes.items()
    }
    assert recipe.load("forward-demo", cases=7, seed=9).recipe.cases == 7


def _nan(file):
    file["potential"][0, 0, 0, 0] = np.nan


def _rename(file):
    del file["potential"]


def _replace(file, name, values, **options):
    del file[name]
    file.create_dataset(name, data=values, **({"chunks": True, "compression": "gzip", "fletcher32": True} | options))


def _shape(file):
    _replace(file, "m", np.zeros(3, "i8"))


def _dtype(file):
    _replace(file, "m", np.zeros(5, "f4"))


def _unchecked(file):
    _replace(file, "m", np.zeros(5, "i8"), fletcher32=False)


def _reference(file):
    del file["m"]
    file["m"] = np.array([file["x"].ref] * 5, dtype=h5py.ref_dtype)


def _huge(file):
    del file["potential"]
    file.create_dataset(
        "potential", (5, 2, 10**6, 10**6), "f8", chunks=(1, 2, 8, 8), compression="gzip", fletcher32=True
    )


def _empty(file):
    del file["potential"]
    file.create_dataset("potential", (5, 2, 8, 8), "f8", chunks=(1, 2, 8, 8), compression="gzip", fletcher32=True)


def _bomb(file):
    zeros = np.zeros((1, 2, 8, 8))
    del file["potential"]
    shape = (5, 2, 2000, 2000)
    options = {"chunks": (1, 2, 2000, 2000), "compression": "gzip", "fletcher32": True}
    file.create_dataset("potential", data=np.broadcast_to(zeros[:, :, :1, :1], shape), **options)


def _group(file):
    del file["m"]
    file.create_group("m")


def _soft(file):
    file.move("m", "other")
    file["m"] = h5py.SoftLink("/other")


def _raw(file):
    del file["m"]
    file.create_dataset("m", (5,), "i8", external=[("elsewhere.bin", 0, 40)])


def _virtual(file):
    del file["m"]
    layout = h5py.VirtualLayout((5,), "i8")
    layout[...] = h5py.VirtualSource("elsewhere.h5", "m", (5,))
    file.create_virtual_dataset("m", layout)


def _splits(file):
    file["split"].attrs["flag_meanings"] = np.bytes_("train test validation")


def _task(file):
    file.attrs["task"] = np.arange(3)


def _link(file):
    del file["m"]
    file["m"] = h5py.ExternalLink("elsewhere.h5", "m")


def _foreign(file):
    del file.attrs["kind"]


def _version(file):
    file.attrs["format"] = 99


def _mach(file):
    file["mach"][0] = 1.5


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_nan, "potential"),
        (_rename, "potential is missing"),
        (_shape, "shape"),
        (_dtype, "m is float32"),
        (_link, "m is missing"),
        (_foreign, "not a wavenet dataset"),
        (_version, "format 99"),
        (_mach, "mach"),
        (_unchecked, "m must be chunked"),
        (_reference, "m is object"),
        (_huge, "potential declares"),
        (_empty, "potential is incomplete"),
        (_bomb, "potential declares"),
        (_group, "m is missing or not"),
        (_soft, "m is missing or not"),
        (_raw, "another file"),
        (_virtual, "another file"),
        (_splits, "flag_meanings"),
        (_task, "unknown task"),
    ],
)
def test_a_damaged_file_is_refused(file, tmp_path, damage, named):
    path = tmp_path / "damaged.h5"
    path.write_bytes(file.read_bytes())
    with h5py.File(path, "r+") as opened:
        damage(opened)
    with pytest.raises(ValueError, match=named):
        read(path)


def test_not_hdf5(tmp_path):
    path = write(tmp_path, "hello", "x.h5")
    with pytest.raises(ValueError, match="not a readable HDF5"):
        read(path)
    with pytest.raises(FileNotFoundError, match="nothing"):
        read(tmp_path / "nothing.h5")
