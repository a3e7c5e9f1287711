"""Double and single precision, chunks and filters of the fields, and how arrays grow in a file."""

import io
import re
import shutil
import tracemalloc

import h5py
import numpy as np
import pytest

from analytic import ConvergenceError
from data import generate, layout, relations, tasks
from data.files import Growing
from data.read import Cases, check, read
from data.rounding import stored
from data.task import TOLERANCE, one_by_one

RECIPE = """
task = "derivative"
cases = 6
storage = "double"
split = [0.5, 0.0, 0.5]
[source]
m = [0, 1]
helmholtz = [4.0, 6.0]
mach = [-0.2, 0.2]
[grid]
x = [-1.0, 1.0, 6]
r = [0.0, 2.0, 5]
"""
FORWARD = """
task = "forward"
cases = 10
storage = "double"
[source]
m = [0]
helmholtz = [4.0, 6.0]
[microphones]
radius = 3.0
angle_deg = [0.0, 90.0, 5]
"""
TASK = tasks.get("derivative")


@pytest.fixture(params=[RECIPE, FORWARD], ids=["derivative", "forward"])
def pair(request, file_of):
    """Files of the same cases in double and single precision."""
    return file_of(request.param), file_of(request.param.replace('"double"', '"single"'))


def rms(values):
    """Root mean square of each case."""
    return np.sqrt(np.mean(values.reshape(len(values), -1) ** 2, axis=1))


def test_single_precision_is_the_rounded_double_and_reads_as_double(pair):
    double, single = map(read, pair)
    for name in tasks.get(double.task).variables:
        with h5py.File(pair[1]) as file:
            kind = file[name].dtype
        if name in tasks.get(double.task).fields:
            assert kind == np.float32
            np.testing.assert_array_equal(single[name], double[name].astype(np.float32))
        elif name != "error_estimate":
            np.testing.assert_array_equal(single[name], double[name])
        assert single[name].dtype == double[name].dtype
    row = Cases(pair[1], "train")[0]
    assert {row[name].dtype for name in tasks.get(double.task).fields} == {np.dtype("f8")}


def test_the_error_estimate_holds_the_rounding(pair):
    """Measured against the double values: the largest relative root mean square of a case's fields."""
    double, single = map(read, pair)
    names = tasks.get(double.task).fields
    rounding = np.max([rms(single[name] - double[name]) / rms(double[name]) for name in names], axis=0)
    added = single["error_estimate"] - double["error_estimate"]
    np.testing.assert_allclose(added, rounding, rtol=1e-6)  # a small part of the sum is what was added
    assert np.all((rounding > 1e-9) & (rounding < 2.0**-24))
    assert check(pair[1])["largest_error_estimate"] == single["error_estimate"].max()


def test_statistics_are_of_the_values_in_the_file(pair):
    single = read(pair[1])
    for name, (size, largest) in single.about.scales.items():
        values = single[name][single["split"] == 0]
        axis = tasks.get(single.task).variables[name].dimensions.index("part")
        assert size == pytest.approx(np.sqrt(np.mean(np.sum(values**2, axis=axis))), rel=1e-12)
        assert largest == np.abs(values).max()


def group(**changes):
    """Arrays of two cases, of which only the fields and the estimate count."""
    rng = np.random.default_rng(0)
    fields = {name: rng.normal(size=(2, 2, 3, 4)) for name in TASK.fields}
    return fields | {"error_estimate": np.array([1e-8, 3e-8])} | changes


def test_double_precision_changes_nothing():
    found, given = stored(TASK, "double", group()), group()
    for name, values in given.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == np.float64


@pytest.mark.parametrize("size", [1e-41, 1e39])
def test_what_single_precision_cannot_hold_is_no_case(size):
    """Neither zeros nor infinities, nor numbers of few digits."""
    values = group(potential=size * group()["potential"])
    with pytest.raises(ConvergenceError, match=r"with rounding to single precision is above 1e-06"):
        stored(TASK, "single", values)
    np.testing.assert_array_equal(stored(TASK, "double", values)["potential"], values["potential"])


def test_rounding_that_takes_a_case_over_the_tolerance_makes_it_missing():
    with pytest.raises(ConvergenceError, match=r"the error estimate 1.0e-06 with rounding"):
        stored(TASK, "single", group(error_estimate=np.array([1e-8, 0.99 * TOLERANCE])))
    assert np.all(stored(TASK, "single", group())["error_estimate"] < TOLERANCE)


def test_a_field_of_zeros_is_no_case():
    values = group()
    values["radial_velocity"][1] = 0
    for storage in layout.PRECISIONS:
        with pytest.raises(ConvergenceError, match="radial_velocity is zero at all points"):
            stored(TASK, storage, values)


def test_other_precisions_are_refused_by_the_recipe(loaded):
    with pytest.raises(ValueError, match=r"storage: .*'double' or 'single' \(got 'half'\)"):
        loaded(RECIPE.replace('"double"', '"half"'))
    assert loaded(RECIPE.replace('storage = "double"\n', "")).recipe.storage == "double"


def test_a_seed_that_a_file_cannot_hold_is_refused(loaded, here, tmp_path):
    with pytest.raises(ValueError, match=r"seed: .*less than or equal to 9223372036854775807"):
        loaded(FORWARD, seed=2**63)
    generate.generate(loaded(FORWARD, seed=2**63 - 1), tmp_path / "x.h5")
    assert read(tmp_path / "x.h5").provenance["seed"] == 2**63 - 1


@pytest.mark.parametrize(
    ("points", "storage", "rows"), [(61, "double", 33), (61, "single", 67), (4096, "double", 1), (1024, "single", 4)]
)
def test_a_chunk_has_whole_cases_of_32_kilobytes(points, storage, rows):
    task, lengths = tasks.get("forward"), {"case": 100, "part": 2, "microphone": points}
    with h5py.File(io.BytesIO(), "w") as file:
        layout.create(file, task, lengths, {}, layout.SPLITS, storage)
        assert file["pressure"].chunks == (rows, points, 2)
        assert rows * points * 2 * file["pressure"].dtype.itemsize <= max(layout.CHUNK, points * 16)
        lengths["case"] = 3
    with h5py.File(io.BytesIO(), "w") as file:
        layout.create(file, task, lengths, {}, layout.SPLITS, storage)
        assert file["pressure"].chunks == (min(rows, 3), points, 2)


def test_an_array_grows_by_parts_of_any_size(monkeypatch):
    values = np.random.default_rng(0).normal(size=(50, 3))
    for least in (1, 100, 10**6):
        monkeypatch.setattr("data.files._PART", least)
        with h5py.File(io.BytesIO(), "w") as file:
            growing = Growing(file.create_dataset("x", values.shape, "f8", chunks=(8, 3), fletcher32=True))
            for part in np.split(values, [1, 4, 5, 30]):
                growing.append(part)
            growing.flush()
            growing.flush()
            np.testing.assert_array_equal(file["x"][...], values)


def test_memory_does_not_grow_with_the_file(loaded, here, tmp_path, monkeypatch, small_shards):
    """Neither when shards are joined nor when the file is checked; most of it is one shard of 16 cases."""
    recipe = loaded(
        RECIPE.replace("cases = 6", "cases = 400").replace("1.0, 6]", "1.0, 64]").replace("2.0, 5]", "2.0, 32]")
    )
    rng, path, peaks = np.random.default_rng(0), tmp_path / "x.h5", {}

    def observe(group, places, orders):
        fields = {name: rng.normal(size=(1, 2, 64, 32)) for name in TASK.fields}
        return fields | {"amplitude": np.ones((1, orders, 2)), "error_estimate": np.array([1e-8])}

    monkeypatch.setattr("data.files._PART", 2**20)
    monkeypatch.setattr("data.identity._BLOCK", 2**20)
    monkeypatch.setitem(TASK.__dict__, "observe", one_by_one(observe))
    monkeypatch.setitem(TASK.__dict__, "relations", relations.none)  # noise satisfies none
    for step in (lambda: generate.generate(recipe, path), lambda: check(path)):
        tracemalloc.start()
        step()
        peaks[step] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert path.stat().st_size > 39_000_000
    assert all(peak < 12_000_000 for peak in peaks.values()), peaks


def restored(path, copy, name, **options):
    """A copy of a file in which an array is stored in another way."""
    shutil.copy(path, copy)
    with h5py.File(copy, "r+") as file:
        values, about = file[name][...], dict(file[name].attrs)
        del file[name]
        usual = {"chunks": (1, *values.shape[1:]), "fletcher32": True}
        file.create_dataset(name, data=values, **(usual | options)).attrs.update(about)
    return copy


@pytest.mark.parametrize(
    "options", [{"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"shuffle": True}]
)
def test_filters_that_every_reader_has_are_read(file_of, tmp_path, options):
    path = file_of(RECIPE)
    copy = restored(path, tmp_path / "copy.h5", "potential", **options)
    np.testing.assert_array_equal(read(copy)["potential"], read(path)["potential"])
    assert check(copy)["provenance"]["content_hash"] == check(path)["provenance"]["content_hash"]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"fletcher32": False}, "potential must be chunked with checksums, and no other filter but gzip and shuffle"),
        ({"compression": "lzf"}, "potential must be chunked with checksums, and no other filter but gzip and shuffle"),
        ({"dtype": "f2"}, "potential is float16, expected float64 or float32"),
        ({"dtype": "f4"}, "the fields are of different precision, <f4 and <f8"),
    ],
)
def test_fields_stored_in_other_ways_are_refused(file_of, tmp_path, options, fault):
    copy = restored(file_of(RECIPE), tmp_path / "copy.h5", "potential", **options)
    for reader in (read, check, lambda path: Cases(path, "train")):
        with pytest.raises(ValueError, match=re.escape(fault)):
            reader(copy)


def test_a_case_that_was_wiped_out_is_found(file_of, tmp_path):
    """Its checksum, of zeros, is right."""
    copy = tmp_path / "copy.h5"
    shutil.copy(file_of(RECIPE), copy)
    with h5py.File(copy, "r+") as file:
        file["potential"][3] = 0
        split = layout.SPLITS[file["split"][3]]
    fault = "potential is zero at all points of the case at index 3"
    for reader in (read, check, lambda path: list(Cases(path, split))):
        with pytest.raises(ValueError, match=fault):
            reader(copy)
