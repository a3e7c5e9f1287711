"""The hash of a dataset's arrays: what changes it, and what does not."""

import hashlib
import shutil

import h5py
import numpy as np
import pytest

from data import generate, identity, tasks
from data.identity import content_hash
from data.read import read_small

from ..conftest import compute_here

RECIPE = """
task = "derivative"
cases = 6
[source]
m = [0, 1]
helmholtz = [4.0, 6.0]
[grid]
x = [-1.0, 1.0, 5]
r = [0.0, 2.0, 4]
"""
TASK = tasks.get("derivative")


@pytest.fixture
def path(file_of):
    return file_of(RECIPE)


def kept(path):
    return read_small(path).provenance["content_hash"]


def by_hand(path):
    """As the format's page describes it."""
    found = hashlib.sha256()
    with h5py.File(path) as file:
        for name in sorted(TASK.variables):
            values = file[name][...]
            kind = {"float64": "<f8", "float32": "<f4", "int64": "<i8"}[values.dtype.name]
            found.update(f"{name} {kind} {','.join(str(length) for length in values.shape)}\n".encode())
            found.update(values.astype(kind).tobytes(order="C"))
    return found.hexdigest()


def test_a_file_holds_the_hash_of_its_arrays(path):
    with h5py.File(path) as file:
        assert content_hash(file, TASK) == kept(path) == by_hand(path)
        arrays = {name: file[name][...] for name in TASK.variables}
    assert content_hash(arrays, TASK) == kept(path)


def test_the_hash_does_not_depend_on_how_the_values_are_read(path, monkeypatch):
    with h5py.File(path) as file:
        monkeypatch.setattr(identity, "_BLOCK", 1)
        assert [part.start for part in identity.blocks(file["case"])] == [0]
        assert content_hash(file, TASK) == kept(path)


def test_big_endian_arrays_have_the_hash_of_their_values(path):
    with h5py.File(path) as file:
        arrays = {name: file[name][...] for name in TASK.variables}
    swapped = {name: values.astype(values.dtype.newbyteorder(">")) for name, values in arrays.items()}
    assert content_hash(swapped, TASK) == kept(path)


def test_the_same_cases_have_the_same_hash_whatever_the_recipes_text(path, loaded, tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "compute_all", compute_here)
    generate.generate(loaded("# another text\n" + RECIPE), tmp_path / "another.h5")
    assert kept(tmp_path / "another.h5") == kept(path)
    generate.generate(loaded(RECIPE, seed=1), tmp_path / "other.h5")
    assert kept(tmp_path / "other.h5") != kept(path)


@pytest.mark.parametrize("name", sorted(TASK.variables))
def test_every_array_counts(path, tmp_path, name):
    copy = tmp_path / "copy.h5"
    shutil.copy(path, copy)
    with h5py.File(copy, "r+") as file:
        values = file[name][...]
        last = (-1,) * values.ndim
        values[last] = np.nextafter(values[last], np.inf) if values.dtype.kind == "f" else values[last] + 1
        file[name][...] = values
        assert content_hash(file, TASK) != kept(path)


def test_name_type_and_shape_count():
    zeros = {name: np.zeros((2, 2)) for name in TASK.variables}
    hashes = {content_hash(zeros | change, TASK) for change in ({}, {"x": np.zeros(4)}, {"x": np.zeros((2, 2), "i8")})}
    assert len(hashes) == 3
    one, two = zeros | {"x": np.ones((2, 2))}, zeros | {"r": np.ones((2, 2))}
    assert content_hash(one, TASK) != content_hash(two, TASK)
