"""Files of a user's own: the field of a case, and the pressures of a microphone array."""

import dataclasses

import h5py
import numpy as np
import pytest

from data import hdf5
from data.field import KIND, UNITS, Pressure, read_given, write_field
from data.microphones import MicrophoneArray, read_array, write_array

X, R = np.linspace(-1, 1, 4), np.linspace(0, 2, 3)
POTENTIAL = np.outer(X, R) + 1j * np.outer(X, R) ** 2
PLACES = np.array([1.0, 2.0, 3.0])
PRESSURE = np.outer([1, 2], PLACES + 1j)


@pytest.fixture
def field(tmp_path):
    path = tmp_path / "field.h5"
    arrays = {"potential": POTENTIAL, "potential_error": np.full(POTENTIAL.shape, 0.1), "pressure": 2 * POTENTIAL}
    write_field(path, {"m": -2, "helmholtz": 5.0, "mach": -0.1, "note": "text"}, X, R, arrays)
    return path


@pytest.fixture
def array(tmp_path):
    path = tmp_path / "array.h5"
    write_array(path, MicrophoneArray(PLACES, PLACES - 1, -PLACES, PRESSURE, 4.0, 0.2, 0.05))
    return path


def change(path, alter):
    with h5py.File(path, "r+") as file:
        alter(file)
    return path


def replace(name, values, **options):
    def alter(file):
        if name in file:
            del file[name]
        file.create_dataset(name, data=values, **options)

    return alter


def attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def test_a_potential_comes_back_with_its_parameters(field):
    found = read_given(field)
    assert (found.m, found.helmholtz, found.mach) == (-2, 5.0, -0.1)
    for name, expected in (("x", X), ("r", R), ("potential", POTENTIAL)):
        np.testing.assert_array_equal(getattr(found, name), expected)


def test_a_potential_behind_a_liner_is_one_of_a_hard_wall(field):
    change(field, attribute("liners", '[{"distance": 0.0}, {"distance": 30.0}]'))
    np.testing.assert_array_equal(read_given(field).potential, POTENTIAL)


def test_a_pressure_comes_back_where_there_is_no_potential(field):
    found = read_given(change(field, lambda file: file.__delitem__("potential")))
    assert isinstance(found, Pressure)
    assert (found.m, found.helmholtz, found.mach) == (-2, 5.0, -0.1)
    np.testing.assert_array_equal(found.pressure, 2 * POTENTIAL)
    with pytest.raises(ValueError, match=r"pressure has shape \(3, 3\), expected \(4, 3\)"):
        read_given(change(field, replace("pressure", POTENTIAL[:-1])))


def test_a_fields_file_has_units_scales_and_kind(field):
    with h5py.File(field) as file:
        assert file.attrs["kind"] == KIND.encode()
        assert file.attrs["note"] == b"text"
        assert file["potential"].attrs["units"] == file["potential_error"].attrs["units"] == b"a c"
        assert file["pressure"].attrs["units"] == b"rho c^2"
        assert [file["potential"].dims[axis][0].name for axis in range(2)] == ["/x", "/r"]
        assert file["x"].attrs["units"] == b"a"
    assert UNITS == {"potential": "a c", "axial_velocity": "c", "radial_velocity": "c", "pressure": "rho c^2"}
    with pytest.raises(FileExistsError, match="not overwritten"):
        write_field(field, {}, X, R, {})


@pytest.mark.parametrize(
    ("alter", "fault"),
    [
        (lambda file: file.attrs.__delitem__("m"), "attribute m must be a scalar number in its range, got None"),
        (attribute("m", 1.5), r"attribute m must be .* got 1\.5"),
        (attribute("m", 101), "attribute m must be"),
        (attribute("m", -101), "attribute m must be"),
        (attribute("m", 1 + 1j), r"attribute m must be .* got None"),
        (attribute("helmholtz", 0.0), "attribute helmholtz must be"),
        (attribute("helmholtz", 1000.0), "attribute helmholtz must be"),
        (attribute("helmholtz", np.nan), "attribute helmholtz must be"),
        (attribute("helmholtz", "5"), "attribute helmholtz must be"),
        (attribute("mach", 1.0), "attribute mach must be"),
        (attribute("mach", np.array([0.1])), "attribute mach must be"),
        (attribute("hub", 0.3), "is the field of a duct with a hub"),
        (attribute("kutta", 1.0), "is the field of a duct with a jet"),
        (attribute("liners", '[{"distance": 0.1}]'), "is the field of a duct with a liner, and reaches into it"),
        (attribute("liners", "[]"), "the attribute liners cannot be read"),
        (replace("potential", POTENTIAL[:-1]), r"potential has shape \(3, 3\), expected \(4, 3\)"),
        (replace("potential", POTENTIAL.real), "expected 2 dimensions of complex floats"),
        (replace("potential", POTENTIAL[None]), "expected 2 dimensions of complex floats"),
        (replace("x", np.arange(4)), "expected 1 dimensions of real floats"),
        (replace("x", np.full(4, np.nan)), "x holds values that are not finite"),
        (replace("x", X, chunks=True, compression="lzf"), "with filters other than gzip and shuffle"),
        (replace("x", X, chunks=(2**22,), maxshape=(None,)), "x declares 32 bytes in chunks of"),
        (replace("x", np.zeros(2000), chunks=(2000,), compression="gzip"), "x declares 16000 bytes in chunks of"),
        (
            lambda file: (file.__delitem__("potential"), file.__delitem__("pressure")),
            "potential is missing or not a dataset",
        ),
    ],
)
def test_a_field_with_a_fault_is_refused(field, alter, fault):
    with pytest.raises(ValueError, match=fault) as raised:
        read_given(change(field, alter))
    assert str(field) in str(raised.value)


def test_a_hub_of_radius_zero_is_none(field):
    assert read_given(change(field, attribute("hub", 0.0))).m == -2


def test_values_kept_in_another_file_are_refused(field, tmp_path):
    def elsewhere(file):
        del file["x"]
        file.create_dataset("x", (4,), "f8", external=[(str(tmp_path / "raw"), 0, 32)])

    (tmp_path / "raw").write_bytes(X.tobytes())
    with pytest.raises(ValueError, match="x keeps its values elsewhere"):
        read_given(change(field, elsewhere))


def test_files_that_are_not_there_or_not_hdf5(tmp_path):
    (tmp_path / "text").write_text("hello")
    for reader in (read_given, read_array):
        with pytest.raises(FileNotFoundError, match="nothing"):
            reader(tmp_path / "nothing.h5")
        with pytest.raises(ValueError, match="not a readable HDF5 file"):
            reader(tmp_path / "text")


def test_an_array_comes_back(array):
    found = dataclasses.asdict(read_array(array))
    expected = {"x": PLACES, "r": PLACES - 1, "phi": -PLACES, "pressure": PRESSURE}
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
    assert (found["helmholtz"], found["mach"], found["noise"]) == (4.0, 0.2, 0.05)
    with h5py.File(array) as file:
        assert [file[name].attrs["units"] for name in ("x", "r", "phi", "pressure")] == [b"a", b"a", b"rad", b"rho c^2"]


def test_one_snapshot_may_have_one_dimension_and_noise_may_be_unknown(array):
    def alter(file):
        replace("pressure", PRESSURE[1])(file)
        del file.attrs["noise"]

    found = read_array(change(array, alter))
    np.testing.assert_array_equal(found.pressure, PRESSURE[1:])
    assert found.noise is None


@pytest.mark.parametrize(
    ("alter", "fault"),
    [
        (attribute("noise", 0.0), "attribute noise must be a positive scalar, got 0"),
        (attribute("noise", np.inf), "attribute noise must be a positive scalar"),
        (attribute("noise", "loud"), "attribute noise must be a positive scalar, got None"),
        (replace("phi", PLACES[:2]), "x, r, phi and pressure are of 3, 3, 2 and 3 microphones"),
        (replace("pressure", PRESSURE[:, :2]), "are of 3, 3, 3 and 2 microphones"),
        (replace("r", np.array([1.0, -0.5, 2.0])), r"r holds the value -0\.5, which is out of range"),
        (attribute("mach", -1.0), "attribute mach must be"),
    ],
)
def test_an_array_with_a_fault_is_refused(array, alter, fault):
    with pytest.raises(ValueError, match=fault):
        read_array(change(array, alter))


@pytest.mark.parametrize("m", [-100, 100])
def test_orders_up_to_a_hundred_are_taken(field, m):
    assert read_given(change(field, attribute("m", m))).m == m


def test_texts_are_read_up_to_a_length(field):
    change(field, attribute("note", np.bytes_("x" * hdf5.LONGEST_TEXT)))
    with h5py.File(field) as file:
        assert hdf5.attribute(file, "note") == "x" * 60_000
    change(field, attribute("note", np.bytes_("x" * 60_001)))
    with h5py.File(field) as file:
        assert hdf5.attribute(file, "note") is None
