"""The layout of The Well as its specification and its WellDataset ask for it, of any task."""

import h5py
import numpy as np

from data import tasks

FOLDERS = {"train": "train", "validation": "valid", "test": "test"}


def expect_layout(path, dataset):
    """Files of all splits that have cases, with the attributes, shapes and values that readers need."""
    task = tasks.get(dataset.task)
    expected = {split for number, split in enumerate(dataset.about.splits) if number in dataset["split"]}
    files = {one.parent.name: one for one in path.glob("data/*/*.hdf5")}
    assert len(files) == len(expected)
    assert {FOLDERS[split] for split in expected if split in FOLDERS} <= set(files)
    means = (path / "stats.yaml").read_text(encoding="utf-8").split("std:")[0]
    cases = 0
    for one in files.values():
        with h5py.File(one) as file:
            cases += expect_file(file, task, dataset, means)
    assert cases == len(dataset)


def expect_file(file, task, dataset, means):
    """One split; its number of cases."""
    number = file.attrs["n_trajectories"]
    rows = np.flatnonzero(np.isin(dataset["case"], file["wavenet/case"][...]))
    assert len(rows) == number
    assert file.attrs["grid_type"] == "cartesian"
    dimensions = file["dimensions"].attrs["spatial_dims"].tolist()
    assert len(dimensions) == file.attrs["n_spatial_dims"]
    points = {name: file["dimensions"][name][...] for name in dimensions}
    time = file["dimensions/time"]
    assert time.attrs["sample_varying"]
    assert (time.shape[0], time.dtype) == (number, np.float32)
    assert np.all(np.diff(time, axis=1) > 0)
    for order in range(3):
        group = file[f"t{order}_fields"]
        assert sorted(group.attrs["field_names"]) == sorted(group)
        for name, field in group.items():
            assert field.attrs["dim_varying"].tolist() == [True] * len(dimensions)
            shape = [number] * bool(field.attrs["sample_varying"]) + [time.shape[1]] * bool(field.attrs["time_varying"])
            assert field.shape == (*shape, *map(len, points.values()), *[len(dimensions)] * order), name
            assert field.dtype == np.float32
            assert np.all(np.isfinite(field))
            assert f"\n  {name}: " in means
    for name in task.fields:
        if f"{name}_re" in file["t0_fields"]:  # the velocities are components of one field
            values = np.moveaxis(dataset[name][rows], task.variables[name].dimensions.index("part"), 0)
            for part, kind in zip(values, ("re", "im"), strict=True):
                np.testing.assert_array_equal(file[f"t0_fields/{name}_{kind}"][:, 0], part.astype("f4"))
    assert sorted(file["scalars"].attrs["field_names"]) == sorted(file["scalars"])
    for name, scalar in file["scalars"].items():
        np.testing.assert_array_equal(scalar, dataset[name][rows].astype("f4"))
    for name in dimensions:
        condition = file[f"boundary_conditions/{name}_open"]
        assert condition.attrs["bc_type"] == "OPEN"
        assert condition["mask"].shape == points[name].shape
    return number
