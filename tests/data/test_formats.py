"""The formats of other programs: there and back, and their layouts as their readers find them."""

import dataclasses
import json
import zipfile

import h5py
import numpy as np
import pytest
from scipy.io import loadmat

from data import tasks
from data.convert import FORMATS, content, from_format, oscillation, to_format
from data.identity import content_hash
from data.layout import MISSING_COLUMNS
from data.read import check, read

from .test_convert import FACTORS

GRID = """
task = "derivative"
cases = 10
[source]
m = [0, 2]
helmholtz = [4.0, 7.0]
mach = [-0.2, 0.3]
modes = [1, 2]
[grid]
x = [-0.5, 0.5, 5]
r = [0.0, 2.0, 4]
[[out_of_range]]
name = "higher_ka"
share = 0.2
helmholtz = [7.0, 9.0]
"""
DISC = """
task = "edge"
cases = 4
[source]
m = [1]
helmholtz = [4.0, 7.0]
[disc]
radius = 0.2
roots = 5
angles = 6
"""
ARC = """
task = "forward"
cases = 6
[source]
m = [0, 1]
helmholtz = [4.0, 7.0]
mach = [0.0, 0.3]
[microphones]
radius = 20.0
angle_deg = [0, 120, 5]
"""
JETS = """
task = "jet_derivative"
cases = 3
split = [0.4, 0.3, 0.3]
[source]
m = [0, 1]
helmholtz = [2.0, 3.0]
mach = [0.2, 0.3]
mach_outer = 0.125
sound_speed_ratio = [0.7, 1.4]
density_ratio = "1/sound_speed_ratio^2"
kutta = 1.0
[grid]
x = [-0.4, 0.4, 4]
r = [0.0, 2.0, 4]
"""
JET_FACTORS = """
task = "jet_factor"
cases = 3
split = [0.4, 0.3, 0.3]
[source]
m = [0]
n = [0]
helmholtz = [2.0, 3.0]
mach = [0.2, 0.3]
mach_outer = 0.125
[windows]
nodes = 6
"""
LINED = (
    GRID.replace('"derivative"', '"lined_derivative"')
    .replace("mach = [-0.2, 0.3]\n", "")
    .replace("[grid]", "resistance = [0.5, 1.0]\nreactance = 0.25\nliner_length = 0.5\nliner_distance = 0.25\n[grid]")
)
LIPS = """
task = "lip"
cases = 3
split = [0.4, 0.3, 0.3]
[source]
m = [0, 1]
helmholtz = [2.5, 4.5]
lip_thickness = [0.1, 0.2]
lip_aspect = { values = [0.0, 0.5] }
[directions]
count = 6
"""
NEAR_LIPS = LIPS.replace('"lip"', '"lip_near"').replace("[directions]", "[points]")
RECIPES = {
    "lip": LIPS,
    "lip_near": NEAR_LIPS,
    "lined_derivative": LINED,
    "jet_derivative": JETS,
    "jet_factor": JET_FACTORS,
    "derivative": GRID,
    "edge": DISC,
    "factor": FACTORS,
    "forward": ARC,
}
ALL = [(task, name) for task in RECIPES for name in FORMATS if task == "derivative" or name in ("well", "npz")]
ALL.append(("jet_derivative", "pdebench"))


def of(task, name):
    """A file's name in a format."""
    return f"{task}-{name}{FORMATS[name].suffix}"


def single(source, out):
    """The dataset in single precision."""
    content.save(content.rounded(content.load(source, None)), out, "")
    return out


@pytest.mark.parametrize("storage", ["double", "single"])
@pytest.mark.parametrize(("task", "name"), ALL)
def test_there_and_back_is_the_same_to_the_last_bit(file_of, tmp_path, task, name, storage):
    path = file_of(RECIPES[task])
    if storage == "single" or name == "well":  # The Well has single precision
        path = single(path, tmp_path / "single.h5")
    said = to_format(path, tmp_path / of(task, name), name=name)
    assert said == {"file": str(tmp_path / of(task, name)), "format": name, "cases": len(read(path)), "missing": 0}
    found = from_format(tmp_path / of(task, name), tmp_path / "back.h5", name=name)
    assert (found.unchanged, found.misfit) == (True, {})
    first, second = read(path), read(tmp_path / "back.h5")
    assert second.about == first.about
    assert second.provenance["content_hash"] == first.provenance["content_hash"]
    assert check(tmp_path / "back.h5")["cases"] == len(first)
    with h5py.File(path) as before, h5py.File(tmp_path / "back.h5") as after:  # the hash, by another way
        for array in tasks.get(task).variables:
            assert before[array].dtype == after[array].dtype, array
            assert before[array][...].tobytes() == after[array][...].tobytes(), array
            assert {**before[array].attrs}.keys() == {**after[array].attrs}.keys()


def test_rounding_counts_among_the_errors(file_of, tmp_path):
    """What it changes of a field, relative to the case's, and at most half a unit in the last place, 2^-24."""
    to_format(file_of(GRID), tmp_path / "well", name="well")
    from_format(tmp_path / "well", tmp_path / "back.h5")
    first, second = read(file_of(GRID)), read(tmp_path / "back.h5")
    more = second["error_estimate"] - first["error_estimate"]
    for case in range(12):
        changed = [
            np.sqrt(np.sum((second[name][case] - first[name][case]) ** 2) / np.sum(first[name][case] ** 2))
            for name in tasks.get("derivative").fields
        ]
        assert more[case] == pytest.approx(max(changed), rel=1e-6, abs=0)
    assert np.all((more > 0) & (more < 2.0**-24))


@pytest.mark.parametrize("factor", [1e40, 1e-46])
def test_values_beyond_single_precision_are_refused(file_of, tmp_path, factor):
    path = with_parameters(file_of, tmp_path / "data.h5", potential=factor)
    with pytest.raises(ValueError, match="potential of case 11 has values too large or too small for single precision"):
        to_format(path, tmp_path / "well", name="well")


@pytest.mark.parametrize("name", FORMATS)
def test_missing_cases_and_other_splits_come_along(file_of, tmp_path, name):
    whole = content.rounded(content.load(file_of(GRID), None))
    record = dict.fromkeys(MISSING_COLUMNS, 0.0) | {"case": 99, "m": 2, "helmholtz": 5.5, "mach": 0.125}
    record |= {"mach_outer": 0.125, "sound_speed_ratio": 1.0, "density_ratio": 1.0, "split": 2, "reason": "too hard"}
    content.save(dataclasses.replace(whole, missing=(record,)), tmp_path / "data.h5", "")
    for split, count in ((None, 1), ("test", 1), ("train", 0), ("higher_ka", 0)):
        out = tmp_path / f"{split}{FORMATS[name].suffix}"
        assert to_format(tmp_path / "data.h5", out, name=name, split=split)["missing"] == count
        assert from_format(out, tmp_path / f"{split}.h5", name=name).unchanged
        dataset = read(tmp_path / f"{split}.h5")
        assert dataset.about.missing == (record,) * count
        assert dataset.about.splits == (*read(tmp_path / "data.h5").about.splits,)
        if split is not None:
            number = dataset.about.splits.index(split)
            assert set(dataset["split"]) == {number}


def with_parameters(file_of, path, **values):
    """A dataset of which the last case has other parameters: its fields are not theirs."""
    whole = content.load(file_of(GRID), None)
    arrays = {name: column.copy() for name, column in whole.arrays.items()}
    for name, value in values.items():
        arrays[name][-1] = value
    content.save(dataclasses.replace(whole, arrays=arrays), path, "")
    return path


JET = {"mach": 0.25, "mach_outer": 0.125, "sound_speed_ratio": 0.75, "density_ratio": 1.5, "kutta": 1.0}


@pytest.mark.parametrize("name", ["well", "npz"])
@pytest.mark.parametrize("values", [{"hub": 0.375}, JET])
def test_hubs_and_jets_come_along_where_there_is_a_place_for_them(file_of, tmp_path, name, values):
    path = with_parameters(file_of, tmp_path / "data.h5", **values)
    to_format(path, tmp_path / of("x", name), name=name)
    assert from_format(tmp_path / of("x", name), tmp_path / "back.h5", name=name).unchanged
    for column, value in values.items():
        assert read(tmp_path / "back.h5")[column][-1] == value


@pytest.mark.parametrize(
    ("name", "values", "named"),
    [
        ("matlab", {"hub": 0.375}, r"data\.h5 as matlab: case 11 has hub = 0\.375; .* no hub and no jet"),
        ("matlab", JET, r"case 11 has mach_outer = 0\.125"),
        ("matlab73", {"kutta": 0.5}, r"case 11 has kutta = 0\.5"),
        ("pdebench", {"density_ratio": 1.5}, "pressures, got jets of the task derivative, which has none"),
    ],
)
def test_hubs_and_jets_are_refused_where_there_is_none(file_of, tmp_path, name, values, named):
    path = with_parameters(file_of, tmp_path / "data.h5", **values)
    with pytest.raises(ValueError, match=named):
        to_format(path, tmp_path / of("x", name), name=name)
    assert [one.name for one in tmp_path.iterdir()] == ["data.h5"]


@pytest.mark.parametrize(("name", "task"), [("matlab", "edge"), ("matlab73", "factor"), ("pdebench", "forward")])
def test_other_tasks_are_refused(file_of, tmp_path, name, task):
    with pytest.raises(ValueError, match=f"got the task {task}"):
        to_format(file_of(RECIPES[task]), tmp_path / of(task, name), name=name)


def test_arrays_that_vary_by_case_are_fields_of_the_well_or_scalars(file_of, tmp_path):
    dataset = read(file_of(JET_FACTORS))
    to_format(file_of(JET_FACTORS), tmp_path / "well", name="well", split="train")
    with h5py.File(tmp_path / "well" / "data" / "train" / "well.hdf5") as file:
        names = ["log_minus_re", "log_minus_im", "log_plus_re", "log_plus_im", "s_minus", "s_plus"]
        assert file["t0_fields"].attrs["field_names"].tolist() == names
        for name in ("s_minus", "s_plus"):
            field = file["t0_fields"][name]
            np.testing.assert_array_equal(field, dataset[name][dataset.cases("train")].astype("f4"))
            assert (field.attrs["sample_varying"], field.attrs["time_varying"]) == (True, False)
        np.testing.assert_array_equal(
            file["scalars"]["boundary"], dataset["boundary"][dataset.cases("train")].astype("f4")
        )


@pytest.mark.parametrize("steps", [4, 8, 20])
def test_steps_are_those_of_the_oscillation(steps):
    """By complex exponentials; quarters of a period are exact."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 5)) + 1j * rng.normal(size=(3, 5))
    found = np.stack(list(oscillation.series(values.real, values.imag, steps)), axis=1)
    expected = [(values * np.exp(-2j * np.pi * step / steps)).real for step in range(steps)]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=0, atol=1e-14)
    back = oscillation.amplitude(found, "x", "path")
    np.testing.assert_array_equal(back[0], values.real)
    np.testing.assert_array_equal(back[1], values.imag)
    found[1, -1, 2] += 1e-12
    with pytest.raises(
        ValueError, match=rf"path: x is no oscillation of one frequency, step {steps - 1} of {steps} .*1\.0e-12"
    ):
        oscillation.amplitude(found, "x", "path")


@pytest.mark.parametrize("steps", [0, 2, 6, -4])
@pytest.mark.parametrize("name", ["well", "pdebench"])
def test_steps_divide_a_quarter_of_a_period(file_of, tmp_path, name, steps):
    with pytest.raises(ValueError, match=f"steps must be a multiple of 4, got {steps}"):
        to_format(file_of(GRID), tmp_path / of("x", name), name=name, steps=steps)


def complex_of(dataset, name, axis):
    return np.moveaxis(dataset[name], axis, -1) @ np.array([1, 1j])


def test_the_layout_of_the_well(file_of, tmp_path):
    """As its specification says: attributes, groups, axes; values at times that the file has."""
    path, dataset = tmp_path / "well", read(file_of(GRID))
    to_format(file_of(GRID), path, name="well", steps=8)
    assert sorted(str(one.relative_to(path)) for one in path.rglob("*.hdf5")) == [
        f"data/{split}/well.hdf5" for split in ("higher_ka", "test", "train", "valid")
    ]
    with h5py.File(path / "data" / "train" / "well.hdf5") as file:
        rows = dataset.cases("train")
        assert file.attrs["dataset_name"] == "well"
        assert file.attrs["grid_type"] == "cartesian"
        assert (file.attrs["n_spatial_dims"], file.attrs["n_trajectories"]) == (2, len(rows))
        assert len(file.attrs["simulation_parameters"]) == 0
        dimensions = file["dimensions"]
        assert dimensions.attrs["spatial_dims"].tolist() == ["x", "r"]
        for name in "xr":
            np.testing.assert_array_equal(dimensions[name], dataset[name].astype("f4"))
            assert not dimensions[name].attrs["sample_varying"]
            assert not dimensions[name].attrs["time_varying"]
        times = dimensions["time"][...]
        assert dimensions["time"].attrs["sample_varying"]
        np.testing.assert_allclose(times[:, -1], 2 * np.pi / dataset["helmholtz"][rows] * 7 / 8, rtol=1e-6)
        phase = np.exp(-1j * dataset["helmholtz"][rows][:, None] * times)[:, :, None, None]
        assert file["t0_fields"].attrs["field_names"].tolist() == ["potential_re", "potential_im"]
        assert file["t1_fields"].attrs["field_names"].tolist() == ["velocity_re", "velocity_im"]
        assert len(file["t2_fields"].attrs["field_names"]) == 0
        psi, u, v = (complex_of(dataset, name, 1)[rows][:, None] * phase for name in tasks.get("derivative").fields)
        found = {
            name: file["t0_fields" if "pot" in name else "t1_fields"][name]
            for name in ("potential_re", "potential_im", "velocity_re", "velocity_im")
        }
        for name, one in found.items():
            assert one.dtype == np.float32, name
            assert one.attrs["dim_varying"].tolist() == [True, True]
            assert one.attrs["sample_varying"]
            assert one.attrs["time_varying"]
        close = {"rtol": 0, "atol": 1e-5}  # single precision of the times, in phases up to 2 pi, and of values up to 10
        np.testing.assert_allclose(found["potential_re"][...] + 1j * found["potential_im"][...], psi, **close)
        velocity = found["velocity_re"][...] + 1j * found["velocity_im"][...]
        np.testing.assert_allclose(velocity, np.stack([u, v], axis=-1), rtol=0, atol=1e-4)
        scalars = file["scalars"]
        names = scalars.attrs["field_names"].tolist()
        assert names == ["m", "helmholtz", "mach", "hub", "mach_outer", "sound_speed_ratio", "density_ratio", "kutta"]
        for name in names:
            np.testing.assert_array_equal(scalars[name], dataset[name][rows].astype("f4"))
            assert scalars[name].attrs["sample_varying"]
            assert not scalars[name].attrs["time_varying"]
        for name, points in (("x", 5), ("r", 4)):
            condition = file["boundary_conditions"][f"{name}_open"]
            assert condition.attrs["bc_type"] == "OPEN"
            assert condition.attrs["associated_dims"].tolist() == [name]
            assert condition["mask"][...].tolist() == [True] + [False] * (points - 2) + [True]


@pytest.mark.parametrize("name", ["valid", "valid_"])
def test_a_set_with_the_name_of_a_folder_of_the_well_has_its_own(dataset_file, tmp_path, name):
    other = '[[out_of_range]]\nname = "valid"\nshare = 0.2\nmach = 0.35\n'
    path = dataset_file(GRID.replace("higher_ka", "valid_") + other)
    to_format(path, tmp_path / "well", name="well")
    files = {one.parent.name: one for one in tmp_path.glob("well/data/*/*")}
    assert sorted(files) == ["test", "train", "valid", "valid_", "valid__"]
    with h5py.File(files["valid"]) as file:
        assert set(file["wavenet/split"]) == {1}
    assert from_format(tmp_path / "well", tmp_path / "back.h5").unchanged
    assert len(read(tmp_path / "back.h5").cases(name)) == 2


def test_what_a_killed_process_left_is_in_nobodys_way(file_of, tmp_path):
    (tmp_path / ".well.partial" / "data" / "train").mkdir(parents=True)
    (tmp_path / ".well.partial" / "data" / "train" / "old.hdf5").touch()
    to_format(file_of(GRID), tmp_path / "well", name="well")
    assert [one.name for one in tmp_path.iterdir()] == ["well"]
    assert [one.name for one in (tmp_path / "well" / "data" / "train").iterdir()] == ["well.hdf5"]


def test_arrays_over_space_are_constant_fields_of_the_well(file_of, tmp_path):
    dataset = read(file_of(DISC))
    to_format(file_of(DISC), tmp_path / "well", name="well")
    with h5py.File(tmp_path / "well" / "data" / "train" / "well.hdf5") as file:
        assert file["dimensions"].attrs["spatial_dims"].tolist() == ["root", "angle"]
        fields = file["t0_fields"]
        assert fields.attrs["field_names"].tolist() == ["potential_re", "potential_im", "x", "r"]
        for name in "xr":
            np.testing.assert_array_equal(fields[name], dataset[name].astype("f4"))
            assert not fields[name].attrs["sample_varying"]
            assert not fields[name].attrs["time_varying"]
            assert fields[name].attrs["dim_varying"].tolist() == [True, True]


def test_statistics_of_the_well_are_of_the_training_cases(file_of, tmp_path):
    to_format(file_of(GRID), tmp_path / "well", name="well")
    found, key = {}, ""
    for line in (tmp_path / "well" / "stats.yaml").read_text().splitlines():  # YAML as far as it is used
        name, value = line.strip().split(":", 1)
        if not value:
            key = name
        else:
            found[key, name] = np.array(json.loads(f"[{value.strip().strip('[]')}]"))
    with h5py.File(tmp_path / "well" / "data" / "train" / "well.hdf5") as file:
        for name in ("potential_re", "velocity_im"):
            values = file["t0_fields" if "pot" in name else "t1_fields"][name][...].astype(float)
            steps = np.diff(values, axis=1)
            for suffix, one in (("", values), ("_delta", steps)):
                one = one.reshape(-1, 1 if "pot" in name else 2)
                for kind, expected in (
                    ("mean", one.mean(axis=0)),
                    ("std", one.std(axis=0)),
                    ("rms", np.sqrt((one**2).mean(axis=0))),
                ):
                    np.testing.assert_allclose(found[kind + suffix, name], expected, rtol=1e-6, atol=1e-7)


def test_the_well_reads_its_layout_with_default_settings(file_of, tmp_path):
    """With its own package, in the extra `well`."""
    data = pytest.importorskip("the_well.data")
    normalization = pytest.importorskip("the_well.data.normalization")
    dataset = read(file_of(GRID))
    for task, recipe in RECIPES.items():
        to_format(file_of(recipe), tmp_path / task, name="well")
        found = data.WellDataset(path=str(tmp_path / task), well_split_name="train")
        assert len(found) == 3 * len(read(file_of(recipe)).cases("train"))  # three steps to predict of a period of four
        for kind in (normalization.ZScoreNormalization, normalization.RMSNormalization):
            options = {"use_normalization": True, "normalization_type": kind}
            data.WellDataset(path=str(tmp_path / task), well_split_name="train", **options)[0]
    found = data.WellDataset(path=str(tmp_path / "derivative"), well_split_name="valid")
    row = dataset.cases("validation")[0]
    sample = {name: tensor.numpy() for name, tensor in found[0].items()}
    psi, u, v = (dataset[name][row].astype("f4") for name in tasks.get("derivative").fields)
    np.testing.assert_array_equal(sample["input_fields"][0], np.stack([*psi, u[0], v[0], u[1], v[1]], axis=-1))
    # a quarter of a period later: times -i
    np.testing.assert_array_equal(
        sample["output_fields"][0], np.stack([psi[1], -psi[0], u[1], v[1], -u[0], -v[0]], axis=-1)
    )
    assert sample["constant_scalars"][:3].tolist() == [
        np.float32(dataset[name][row]) for name in ("m", "helmholtz", "mach")
    ]
    np.testing.assert_array_equal(sample["space_grid"][:, 0, 0], dataset["x"].astype("f4"))
    np.testing.assert_array_equal(sample["space_grid"][0, :, 1], dataset["r"].astype("f4"))
    assert sample["output_time_grid"] == pytest.approx(np.pi / 2 / dataset["helmholtz"][row], rel=1e-6)
    assert np.all(sample["boundary_conditions"] == data.datasets.BoundaryCondition.OPEN.value)


def test_the_layout_of_pdebench(file_of, tmp_path):
    """Names and axes that its loaders ask for; the pressure's equation; density of a gas of one speed of sound."""
    dataset = read(file_of(GRID))
    to_format(file_of(GRID), tmp_path / "x.hdf5", steps=12)  # the suffix is PDEBench's
    psi, u, v = (complex_of(dataset, name, 1) for name in tasks.get("derivative").fields)
    ka, mach = (dataset[name][:, None, None] for name in ("helmholtz", "mach"))
    with h5py.File(tmp_path / "x.hdf5") as file:
        assert "tensor" not in file  # by which its loaders tell scalar equations
        np.testing.assert_array_equal(file["x-coordinate"], dataset["x"])
        np.testing.assert_array_equal(file["y-coordinate"], dataset["r"])
        np.testing.assert_array_equal(file["t-coordinate"], np.arange(12) / 12)
        phase = np.exp(-2j * np.pi * file["t-coordinate"][...])[:, None, None]
        expected = {"Vx": u, "Vy": v, "potential": psi, "pressure": 1j * ka * psi - mach * u}
        for name, values in (expected | {"density": expected["pressure"]}).items():
            assert file[name].shape == (12, 12, 5, 4)  # cases, times, x, y
            scale = np.abs(values).max()
            np.testing.assert_allclose(file[name], (values[:, None] * phase).real, rtol=0, atol=1e-14 * scale)


def test_density_is_that_of_the_speed_of_sound_on_either_side_of_a_jet(file_of, tmp_path):
    dataset = read(file_of(JETS))
    to_format(file_of(JETS), tmp_path / "x.hdf5")
    ratio = dataset["sound_speed_ratio"]
    with h5py.File(tmp_path / "x.hdf5") as file:
        for step, part in ((0, 0), (1, 1)):  # a quarter of a period apart
            pressure = dataset["pressure"][:, part]
            np.testing.assert_array_equal(file["pressure"][:, step], pressure)
            density = np.stack([file["density"][case, step] for case in range(len(dataset))])
            np.testing.assert_array_equal(density[..., dataset["r"] < 1], pressure[..., dataset["r"] < 1])
            outside = density[..., dataset["r"] > 1] * ratio[:, None, None] ** 2
            np.testing.assert_allclose(outside, pressure[..., dataset["r"] > 1], rtol=1e-15)


def test_version_7_3_is_read_like_version_5(file_of, tmp_path):
    """HDF5 behind MATLAB's header, columns first, complex as real and imag, classes named."""
    to_format(file_of(GRID), tmp_path / "5.mat")
    to_format(file_of(GRID), tmp_path / "7.mat", name="matlab73")
    expected = {name: values for name, values in loadmat(tmp_path / "5.mat").items() if name[0] != "_"}
    head = (tmp_path / "7.mat").read_bytes()[:520]
    assert head[:19] == b"MATLAB 7.3 MAT-file"
    assert head[116:128] == bytes(8) + b"\x00\x02IM"
    assert head[512:520] == b"\x89HDF\r\n\x1a\n"
    classes = {"f": "double", "c": "double", "i": "int64", "U": "char"}
    with h5py.File(tmp_path / "7.mat") as file:
        assert file.keys() == expected.keys()
        for name, values in expected.items():
            found = file[name]
            assert found.attrs["MATLAB_class"].decode() == classes[values.dtype.kind], name
            if values.dtype.kind == "U":
                assert found.attrs["MATLAB_int_decode"] == 2
                assert (found.dtype, found.ndim) == (np.dtype("u2"), 2)
                assert found[...].T.tobytes().decode("utf-16-le") == values.item()
            elif values.dtype.kind == "c":
                assert found.dtype == np.dtype([("real", "<f8"), ("imag", "<f8")])
                np.testing.assert_array_equal(found["real"].T, values.real)
                np.testing.assert_array_equal(found["imag"].T, values.imag)
            else:
                np.testing.assert_array_equal(found[...].T, values)
    for name in ("5", "7"):  # the version is found in the file, whatever the format's name
        from_format(tmp_path / f"{name}.mat", tmp_path / f"{name}.h5", name="matlab")
    assert (
        content_hash(read(tmp_path / "5.h5").arrays, tasks.get("derivative"))
        == (read(tmp_path / "7.h5").provenance["content_hash"])
    )


def test_the_study_in_version_7_3_is_fitted_like_version_5(file_of, tmp_path):
    """A stranger's file: the study's variables alone."""
    to_format(file_of(GRID), tmp_path / "7.mat", name="matlab73", split="train")
    with h5py.File(tmp_path / "7.mat", "r+") as file:
        for name in ("v_nf1", "ka", "Mach", "origin", "case", "group", "split", "error_estimate"):
            del file[name]
    found = from_format(tmp_path / "7.mat", tmp_path / "x.h5")
    assert max(found.misfit.values()) < 1e-6
    np.testing.assert_allclose(
        read(tmp_path / "x.h5")["helmholtz"],
        read(file_of(GRID))["helmholtz"][read(file_of(GRID)).cases("train")],
        rtol=1e-9,
    )


def edited(path, change):
    """Change an HDF5 file."""
    with h5py.File(path, "r+") as file:
        change(file)


def replace_by(name, values):
    def change(file):
        attributes = dict(file[name].attrs)
        del file[name]
        file.create_dataset(name, data=values).attrs.update(attributes)

    return change


def delete(name):
    return lambda file: file.__delitem__(name)


def scale(name, factor):
    return lambda file: file[name].__setitem__(0, factor * file[name][0])


@pytest.mark.parametrize(
    ("name", "change", "named"),
    [
        ("well", delete("wavenet"), r"well\.hdf5 was not written by wavenet convert: the group wavenet is missing"),
        ("well", delete("t1_fields"), "the group t1_fields is missing"),
        ("well", delete("t0_fields/potential_im"), "potential_im is missing"),
        ("well", scale("t0_fields/potential_re", 1.01), "the real and imaginary parts of potential are not of one"),
        ("well", delete("wavenet/split"), "split is missing"),
        ("well", replace_by("wavenet/m", np.array([0.5])), "m is float64"),
        (
            "well",
            replace_by("wavenet/origin", np.frombuffer(b"{}", "u1")),
            "origin is not as it was written, kind: Fie",
        ),
        ("well", replace_by("wavenet/hub", h5py.Empty("f8")), "hub is float64, expected numbers"),
        ("pdebench", delete("wavenet"), "was not written by wavenet convert"),
        ("pdebench", delete("Vy"), "Vy is missing"),
        ("pdebench", scale("Vx", 1.01), r"\.hdf5: case 0 is not the solution .* axial_velocity 1\.0e-02"),
        ("pdebench", replace_by("Vx", np.ones((12, 4, 5))), "Vx has 3 dimensions, expected case, time, x and y"),
        ("pdebench", replace_by("Vx", np.ones((12, 4, 5, 4))), "Vx is no oscillation of one frequency, step 2 of 4"),
        ("pdebench", replace_by("Vx", np.ones((12, 3, 5, 4))), "steps must be a multiple of 4, got 3"),
        (
            "pdebench",
            replace_by("Vx", np.zeros((12, 4, 5, 3))),
            r"axial_velocity is float64 with shape \(12, 2, 5, 3\)",
        ),
        ("pdebench", replace_by("wavenet/helmholtz", np.full(12, 61.0)), r"case . has helmholtz = 61\.0"),
        (
            "pdebench",
            replace_by("wavenet/helmholtz", np.full(12, np.nan)),
            "helmholtz holds values that are not finite",
        ),
        ("pdebench", replace_by("wavenet/r", np.array([b"a", b"b", b"c", b"d"])), "r is |S1, expected numbers"),
        ("matlab73", delete("mm"), "the variable mm is missing"),
        ("matlab73", replace_by("origin", np.ones((3, 1))), "origin is float64, expected a text"),
        ("matlab73", replace_by("ka", np.full((1, 12), 2.0)), "P_nf1 of case .* with ka = 2,"),
        ("matlab73", lambda file: file.__setitem__("ka", h5py.SoftLink("/Mach")), "name already exists|ka is missing"),
    ],
)
def test_changed_files_are_refused_by_name(file_of, tmp_path, name, change, named):
    out = tmp_path / of("x", name)
    to_format(file_of(GRID), out, name=name)
    path = out / "data" / "train" / f"{out.name}.hdf5" if name == "well" else out
    if name == "matlab73" and "already" in named:
        edited(path, delete("ka"))
    edited(path, change)
    with pytest.raises(ValueError, match=named):
        from_format(out, tmp_path / "back.h5", name=name)
    assert not (tmp_path / "back.h5").exists()


def test_a_folder_of_two_datasets_is_refused(file_of, tmp_path):
    to_format(file_of(GRID), tmp_path / "a", name="well")
    to_format(file_of(GRID.replace("[-0.5, 0.5, 5]", "[-0.5, 0.6, 5]")), tmp_path / "b", name="well", split="test")
    (tmp_path / "b" / "data" / "test" / "b.hdf5").rename(tmp_path / "a" / "data" / "test" / "b.hdf5")
    with pytest.raises(ValueError, match="a: the files are not of one dataset"):
        from_format(tmp_path / "a", tmp_path / "back.h5")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"empty is no folder in the layout of The Well"):
        from_format(tmp_path / "empty", tmp_path / "back.h5")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"kind": "another"}, "origin is of another kind, 'another', expected wavenet-dataset"),
        ({"format": 3}, "was written with format 3, this version reads format 4"),
        ({"task": "none"}, "unknown task 'none'"),
        ({"storage": "half"}, "the storage 'half'"),
        ({"splits": ["train", "test"]}, r"the splits \['train', 'test'\]"),
        ({"splits": ["train", "validation", "test", "A"]}, "the splits"),
        ({"content_hash": "0"}, "content_hash: String should match"),
        ({"provenance": {}}, r"has the provenance \[\], expected \['commit'"),
        ({"missing": [{"case": 3}]}, r"has the missing case \{'case': 3\}, expected"),
        ({"missing": [dict.fromkeys(MISSING_COLUMNS, 0)]}, "has the missing case .*'reason': 0"),
        ({"missing": [dict.fromkeys(MISSING_COLUMNS, 0.5) | {"reason": ""}]}, "has the missing case .*'case': 0.5"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
    ],
)
def test_a_changed_origin_is_refused(file_of, tmp_path, change, named):
    to_format(file_of(GRID), tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as file:
        found = json.loads(file["origin"].item())
    rewritten(tmp_path / "x.npz", origin=np.array(json.dumps(found | change)))
    with pytest.raises(ValueError, match=named):
        from_format(tmp_path / "x.npz", tmp_path / "back.h5")
    assert not (tmp_path / "back.h5").exists()


def rewritten(path, **changes):
    """Change arrays of an .npz file; None deletes."""
    with np.load(path) as old:
        arrays = {name: old[name] for name in old.files} | changes
    path.unlink()
    np.savez(path, **{name: values for name, values in arrays.items() if values is not None})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"origin": None}, "was not written by wavenet convert: the text origin is missing"),
        ({"origin": np.ones(3)}, "the text origin is missing"),
        ({"hub": None}, "the array hub is missing"),
        ({"hub": np.array([None] * 12)}, "not a readable .npz file: Object arrays cannot be loaded"),
        ({"hub": np.zeros(11)}, r"hub is float64 with shape \(11,\), expected float64 with dimensions \('case',\)"),
        ({"hub": np.ones(12)}, r"hub holds the value 1\.0"),
        ({"hub": np.full(12, 0.125)}, r"case \d+ is not the solution for its parameters"),
        (
            {"potential": np.zeros((12, 2, 5, 4))},
            r"case 0 is not the solution .* potential 1\.0e\+00|potential is zero at all points",
        ),
        ({"amplitude": np.zeros((12, 3, 2))}, "all amplitudes of case 0 are zero"),
    ],
)
def test_changed_arrays_are_refused_by_name(file_of, tmp_path, changes, named):
    to_format(file_of(GRID), tmp_path / "x.npz")
    rewritten(tmp_path / "x.npz", **changes)
    with pytest.raises(ValueError, match=named):
        from_format(tmp_path / "x.npz", tmp_path / "back.h5")
    assert not (tmp_path / "back.h5").exists()


@pytest.mark.parametrize("task", RECIPES)
def test_every_task_is_compared_with_the_solver(file_of, tmp_path, task):
    """What the solver gives is taken, a thousandth more is not."""
    whole, field = content.load(file_of(RECIPES[task]), None), tasks.get(task).fields[-1]
    for factor, taken in ((1 + 1e-4, True), (1 + 1.1e-3, False)):
        out = tmp_path / f"{factor}.npz"
        to_format(file_of(RECIPES[task]), out)
        values = whole.arrays[field].copy()
        values[1] *= factor
        rewritten(out, **{field: values})
        if taken:
            found = from_format(out, tmp_path / f"{factor}.h5")
            assert found.misfit[field] == pytest.approx(1e-4, rel=1e-2)
            assert read(tmp_path / f"{factor}.h5")["error_estimate"][1] == found.misfit[field]
        else:
            with pytest.raises(ValueError, match=rf"case 1 is not the solution .*{field} 1\.1e-03, expected less"):
                from_format(out, tmp_path / f"{factor}.h5")


@pytest.mark.parametrize("more", ["hub = 0.375", "mach_outer = 0.125\nsound_speed_ratio = 0.75\nkutta = 0.5"])
def test_hubs_and_jets_are_compared_with_the_solver(file_of, tmp_path, more):
    recipe = ARC.replace("cases = 6", "cases = 2").replace("[0, 120, 5]", "[10, 120, 5]")
    path = file_of(recipe.replace("mach = [0.0, 0.3]", f"mach = 0.25\n{more}"))
    pressure = read(path)["pressure"].copy()
    pressure[0] *= 1 + 1e-4
    to_format(path, tmp_path / "x.npz")
    rewritten(tmp_path / "x.npz", pressure=pressure)
    found = from_format(tmp_path / "x.npz", tmp_path / "x.h5")
    assert found.misfit == {"n": 0, "radial_eigenvalue": 0, "pressure": pytest.approx(1e-4, rel=1e-3)}
    rewritten(tmp_path / "x.npz", helmholtz=1.05 * read(path)["helmholtz"])
    with pytest.raises(ValueError, match=r"case \d is not the solution .* pressure [1-9]"):
        from_format(tmp_path / "x.npz", tmp_path / "y.h5")


@pytest.mark.parametrize("name", ["pdebench", "npz", "matlab73"])
def test_damaged_and_absent_files(file_of, tmp_path, name):
    out = tmp_path / of("x", name)
    to_format(file_of(GRID), out, name=name)
    whole = out.read_bytes()
    for cut in (0, 100, 600, len(whole) // 2):
        out.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=rf"\{FORMATS[name].suffix} is (not|damaged)"):
            from_format(out, tmp_path / "back.h5", name=name)
    with pytest.raises(FileNotFoundError, match="there is no"):
        from_format(tmp_path / of("none", name), tmp_path / "back.h5", name=name)


def test_sizes_that_a_file_cannot_hold_are_refused(file_of, tmp_path):
    to_format(file_of(GRID), tmp_path / "x.npz")
    header = np.lib.format.header_data_from_array_1_0(np.zeros(1)) | {"shape": (2**40,)}
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as archive, archive.open("more.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, header)
    with pytest.raises(ValueError, match=r"more\.npy declares 8796093022208 bytes, more than the file can hold"):
        from_format(tmp_path / "x.npz", tmp_path / "back.h5")
    to_format(file_of(GRID), tmp_path / "x.hdf5")
    with h5py.File(tmp_path / "x.hdf5", "r+") as file:
        del file["Vx"]
        file.create_dataset("Vx", (2**20, 4, 5, 4), "f4", chunks=(1, 4, 5, 4))
    with pytest.raises(ValueError, match=r"Vx declares 335544320 bytes in chunks of 320, of which 0 are there"):
        from_format(tmp_path / "x.hdf5", tmp_path / "back.h5")


def test_names_options_and_files_are_checked_first(file_of, tmp_path):
    path = file_of(GRID)
    for name, out, named in (
        (None, "x.csv", r"no format has the suffix of x\.csv, expected \.mat \(matlab\), .* or name the format"),
        (None, "x", "no format has the suffix of x, expected"),
        ("arrow", "x", "unknown format 'arrow', expected one of matlab, matlab73, well, pdebench, npz"),
    ):
        with pytest.raises(ValueError, match=named):
            to_format(path, tmp_path / out, name=name)
    with pytest.raises(ValueError, match="steps = 8 does not apply to writing the format npz"):
        to_format(path, tmp_path / "x.npz", steps=8)
    with pytest.raises(ValueError, match="mach = 0 does not apply to reading the format npz"):
        from_format(tmp_path / "x.npz", tmp_path / "x.h5", mach=0)
    for call in (to_format, from_format):
        (tmp_path / "x.npz").touch()
        with pytest.raises(FileExistsError, match=r"x\.npz exists and is not overwritten"):
            call(path, tmp_path / "x.npz", name="npz")


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_left_of_a_file_that_cannot_be_written(file_of, tmp_path, name, monkeypatch):
    path = file_of(GRID)

    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    monkeypatch.setattr("os.rename", fail)
    with pytest.raises(OSError, match="disk full"):
        to_format(path, tmp_path / of("x", name), name=name)
    assert list(tmp_path.iterdir()) == []
