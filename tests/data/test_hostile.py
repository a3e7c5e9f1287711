"""Damaged files: refused, or read as they were written; no crash, nothing else."""

import io

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import tasks
from data.read import Cases, check, read

RECIPE = """
task = "derivative"
cases = 6
[source]
m = [0]
helmholtz = [4.0, 6.0]
[grid]
x = [-1.0, 1.0, 10]
r = [0.0, 2.0, 10]
"""


@pytest.fixture(scope="module")
def written(dataset_file):
    """Path of a good file, its bytes and its arrays."""
    path = dataset_file(RECIPE)
    return path, path.read_bytes(), read(path)


def stored(content):
    """Every byte of every array in a file, as (array, offset)."""
    places = []
    with h5py.File(io.BytesIO(content), "r") as file:
        for name in tasks.get("derivative").variables:
            dataset = file[name]
            for index in range(dataset.id.get_num_chunks()):
                chunk = dataset.id.get_chunk_info(index)
                places += [(name, chunk.byte_offset + step) for step in range(chunk.size)]
    return places


def test_a_chunk_of_zeros_is_found(written, tmp_path):
    """Also one whose checksum, of zeros, is right."""
    _, content, _ = written
    path = tmp_path / "zeros.h5"
    with h5py.File(io.BytesIO(content), "r") as file:
        chunks = {name: file[name].id.get_chunk_info(0) for name in tasks.get("derivative").variables}
    for chunk in chunks.values():
        changed = bytearray(content)
        changed[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
        path.write_bytes(changed)
        found, message = outcome(path)
        assert found is None
        assert str(path) in message


def test_a_flipped_byte_in_an_array_is_found(written, tmp_path):
    """200 of them, a fair share in every array."""
    _, content, _ = written
    rng = np.random.default_rng(0)
    places, path = stored(content), tmp_path / "flipped.h5"
    names = list(tasks.get("derivative").variables)
    for flip in range(200):
        name = names[flip % len(names)]
        offsets = [offset for of, offset in places if of == name]
        damaged = bytearray(content)
        damaged[rng.choice(offsets)] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=str(path)):
            check(path)


def test_cases_of_a_chunk_with_a_flipped_byte_are_refused_when_they_are_read(written, tmp_path):
    """All cases of this small file are one chunk of each field."""
    _, content, dataset = written
    path, damaged = tmp_path / "flipped.h5", bytearray(content)
    damaged[next(offset for name, offset in stored(content) if name == "axial_velocity")] ^= 1
    path.write_bytes(damaged)
    found = 0
    for split in ("train", "validation", "test"):
        cases = Cases(path, split)
        for index in range(len(cases)):
            try:
                cases[index]
            except ValueError as error:
                found += "axial_velocity is damaged" in str(error)
    assert found == len(dataset)


def outcome(path):
    """(dataset, None), or (None, why it was refused)."""
    try:
        check(path)
        return read(path), None
    except ValueError as error:
        return None, str(error)


DAMAGE = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.floats(0, 1), st.integers(1, 255)),
        st.tuples(st.just("cut"), st.floats(0, 1), st.just(0)),
        st.tuples(st.just("zero"), st.floats(0, 1), st.integers(1, 600)),
        st.tuples(st.just("copy"), st.floats(0, 1), st.integers(1, 600)),
        st.tuples(st.just("insert"), st.floats(0, 1), st.integers(1, 64)),
    ),
    min_size=1,
    max_size=4,
)


def damage(content, steps):
    result = bytearray(content)
    for kind, place, size in steps:
        at = min(int(place * len(result)), max(len(result) - 1, 0))
        if not result:
            break
        if kind == "flip":
            result[at] ^= size
        elif kind == "cut":
            del result[at:]
        elif kind == "zero":
            result[at : at + size] = bytes(len(result[at : at + size]))
        elif kind == "copy":
            result[at : at + size] = result[: len(result[at : at + size])]
        else:
            result[at:at] = bytes(range(size))
    return bytes(result)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the fixture, when it fails
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=DAMAGE)
def test_damaged_bytes_are_refused_or_harmless(written, tmp_path, steps):
    _, content, dataset = written
    changed, path = damage(content, steps), tmp_path / "damaged.h5"
    path.write_bytes(changed)
    found, message = outcome(path)
    if found is None:
        assert str(path) in message
    else:
        for name in tasks.get("derivative").variables:
            np.testing.assert_array_equal(found[name], dataset[name])
        assert found.provenance == dataset.provenance
        assert found.about.splits == dataset.about.splits


def _shapes(file, name, draw):
    shape = tuple(draw(st.lists(st.integers(0, 7), min_size=0, max_size=5)))
    del file[name]
    file[name] = np.zeros(shape)


def _type(file, name, draw):
    values = file[name][...]
    del file[name]
    dtype = draw(st.sampled_from(["f4", "i4", ">f8", "S8", "c16", "u8", "?"]))
    file.create_dataset(name, data=values.astype(dtype), chunks=True, compression="gzip", fletcher32=True)


def _link(file, name, draw):
    del file[name]
    link = draw(st.sampled_from(["external", "soft", "loop", "group", "reference", "absent"]))
    if link == "external":
        file[name] = h5py.ExternalLink(draw(st.sampled_from(["/etc/passwd", "other.h5", "."])), "/" + name)
    elif link == "soft":
        file[name] = h5py.SoftLink(draw(st.sampled_from(["/x", "/", "nowhere"])))
    elif link == "loop":
        file[name] = h5py.SoftLink("/" + name)
    elif link == "group":
        file[name] = file["/"]
    elif link == "reference":
        file[name] = np.array([file.ref] * 6, dtype=h5py.ref_dtype)


def _declared(file, name, draw):
    shape = file[name].shape
    del file[name]
    many = draw(st.integers(10**4, 10**9))
    file.create_dataset(name, (many, *shape[1:]), "f8", chunks=(1, *shape[1:]), compression="gzip", fletcher32=True)


def _values(file, name, draw):
    value = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    if file[name].dtype.kind == "f":
        file[name][...] = value
    else:
        file[name][...] = -(2**40)


def _attributes(file, name, draw):
    key = draw(st.sampled_from(["kind", "format", "task", "recipe", "missing_cases", "versions"]))
    odd = [np.arange(5), "text", b"bytes", 3.5, -1, np.zeros((2, 2)), h5py.Empty("f8"), "x" * 70_000]
    del file.attrs[key]
    if draw(st.booleans()):
        value = draw(st.sampled_from(odd[:-1]))
        file.attrs[key] = value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_files_made_to_deceive_are_refused(written, tmp_path, data):
    _, content, _ = written
    path = tmp_path / "hostile.h5"
    path.write_bytes(content)
    forge = data.draw(st.sampled_from([_shapes, _type, _link, _declared, _values, _attributes]))
    name = data.draw(st.sampled_from([*tasks.get("derivative").fields, "m", "helmholtz", "x", "split", "amplitude"]))
    with h5py.File(path, "r+") as file:
        forge(file, name, data.draw)
    found, message = outcome(path)
    if found is None:
        assert str(path) in message
    else:  # what a text says is free, and nothing reads it but people
        assert forge is _attributes
