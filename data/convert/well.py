"""The layout of The Well (polymathic-ai.org/the_well): a folder with an HDF5 file for each split.

FOLDER/data/{train,valid,test}/NAME.hdf5 and FOLDER/stats.yaml; its WellDataset reads them with default settings. A
trajectory is a case, in single precision, its time a period of exp(-i omega t): fields NAME_re and NAME_im for each
complex one, as in The Well's own helmholtz_staircase. Axial and radial velocity on a grid are the vector `velocity`.
Parameters are scalars of the trajectory. The group `wavenet`, which WellDataset ignores, has the columns and amplitudes
in full precision.
"""

import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .. import tasks
from ..arrays import Array
from ..files import LIBVER, sync_folder
from ..hdf5 import is_own, opened
from ..task import Task
from . import oscillation
from .arrays import numbers, read_origin, read_rest, write_rest
from .content import Content, merged, restored, rounded

_FOLDERS = {"train": "train", "validation": "valid", "test": "test"}  # others keep their names, if these are free
_VELOCITY = ("axial_velocity", "radial_velocity")  # along x and r
_PARTS = ("re", "im")
_OURS = ("case", "group", "split", "error_estimate")  # columns that do not describe a trajectory


def write(content: Content, out: Path, *, steps: int = oscillation.STEPS) -> None:
    """Write the folder.

    content : Content; double precision is rounded to single. out : path of a new folder. steps : steps of a period, a
    multiple of 4.
    """
    oscillation.check_steps(steps)
    partial = out.with_name(f".{out.name}.partial")
    content = rounded(content)
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    try:
        for number, folder in enumerate(_folders(content.splits)):
            rows = np.flatnonzero(content.arrays["split"] == number)
            if len(rows):
                path = partial / "data" / folder / f"{out.name}.hdf5"
                path.parent.mkdir(parents=True)
                _write_file(content.chosen(rows), path, out.name, steps)
                with path.open("rb+") as raw:
                    os.fsync(raw.fileno())
        (partial / "stats.yaml").write_text(_statistics(content, steps), encoding="utf-8")
        os.rename(partial, out)
        sync_folder(out.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _folders(splits: Sequence[str]) -> list[str]:
    """A folder for each split; a set may have the name of another's folder."""
    found: list[str] = []
    for split in splits:
        name = _FOLDERS.get(split, split)
        while name in found:
            name += "_"
        found.append(name)
    return found


def _write_file(content: Content, path: Path, name: str, steps: int) -> None:
    """One split."""
    task, arrays = tasks.get(content.task), content.arrays
    dimensions = _dimensions(task)
    with h5py.File(path, "w", libver=LIBVER) as file:
        file.attrs.update(
            {
                "dataset_name": name,
                "grid_type": "cartesian",
                "n_spatial_dims": len(dimensions),
                "n_trajectories": len(content),
                "simulation_parameters": [],
            }
        )
        _write_dimensions(file, content, dimensions, steps)
        group = file.create_group("scalars")
        alone = [name for name, variable in task.variables.items() if variable.dimensions == ("case",)]
        scalars = [name for name in alone if name not in _OURS]
        group.attrs["field_names"] = scalars
        for column in scalars:
            dataset = group.create_dataset(column, data=arrays[column].astype(np.float32))
            dataset.attrs.update(sample_varying=True, time_varying=False)
        names: dict[int, list[str]] = {0: [], 1: [], 2: []}
        for order in names:
            file.create_group(f"t{order}_fields")
        for field, order, values in _fields(content):
            shape = (len(content), steps, *values[0].shape[1:])
            for part, (first, second) in zip(_PARTS, (values, (values[1], -values[0])), strict=True):
                dataset = file[f"t{order}_fields"].create_dataset(f"{field}_{part}", shape, np.float32)
                for step, snapshot in enumerate(oscillation.series(first, second, steps)):
                    dataset[:, step] = snapshot
                _vary(dataset, dimensions, sample=True, time=True)
                names[order].append(f"{field}_{part}")
        for constant in _constants(task, dimensions):
            dataset = file["t0_fields"].create_dataset(constant, data=arrays[constant].astype(np.float32))
            _vary(dataset, dimensions, sample="case" in task.variables[constant].dimensions, time=False)
            names[0].append(constant)
        for order, fields in names.items():
            file[f"t{order}_fields"].attrs["field_names"] = fields
        write_rest(file, content, _rest(task))


def _write_dimensions(file: h5py.File, content: Content, dimensions: list[str], steps: int) -> None:
    """Grid, times of each trajectory [a / c], and boundaries, all open."""
    group = file.create_group("dimensions")
    group.attrs["spatial_dims"] = dimensions
    period = 2 * np.pi / content.arrays["helmholtz"]
    times = group.create_dataset("time", data=(period[:, None] * np.arange(steps) / steps).astype(np.float32))
    times.attrs["sample_varying"] = True
    conditions = file.create_group("boundary_conditions")
    for name in dimensions:
        points = content.arrays[name].astype(np.float32)
        group.create_dataset(name, data=points).attrs.update(sample_varying=False, time_varying=False)
        condition = conditions.create_group(f"{name}_open")
        condition.attrs.update(
            associated_dims=[name], associated_fields=[], bc_type="OPEN", sample_varying=False, time_varying=False
        )
        mask = np.zeros(len(points), bool)
        mask[[0, -1]] = True
        condition.create_dataset("mask", data=mask)


def _vary(dataset: h5py.Dataset, dimensions: list[str], *, sample: bool, time: bool) -> None:
    dataset.attrs.update(dim_varying=[True] * len(dimensions), sample_varying=sample, time_varying=time)


def _dimensions(task: Task[Any]) -> list[str]:
    """Dimensions of space of a task's fields."""
    return [name for name in task.variables[task.fields[0]].dimensions if name not in ("case", "part")]


def _constants(task: Task[Any], dimensions: list[str]) -> list[str]:
    """Real arrays over space, besides the dimensions' own."""
    return [
        name
        for name, variable in task.variables.items()
        if name not in dimensions and variable.dimensions[-len(dimensions) :] == tuple(dimensions)
        if set(variable.dimensions) <= {"case", *dimensions}
    ]


def _rest(task: Task[Any]) -> list[str]:
    """Arrays that the layout has no place for, or not in full precision."""
    return [name for name in task.variables if name not in task.fields]


def _fields(content: Content) -> Iterator[tuple[str, int, tuple[Array, Array]]]:
    """(name, order of the tensor, (real, imaginary parts)) of every field, its components last."""
    task = tasks.get(content.task)
    complex_parts: dict[str, tuple[Array, Array]] = {}
    for name in task.fields:
        values = np.moveaxis(content.arrays[name], task.variables[name].dimensions.index("part"), 0)
        complex_parts[name] = values[0], values[1]
    if _has_velocity(task):
        along, across = (complex_parts.pop(name) for name in _VELOCITY)
        yield "velocity", 1, (np.stack([along[0], across[0]], axis=-1), np.stack([along[1], across[1]], axis=-1))
    for name, pair in complex_parts.items():
        yield name, 0, pair


def _statistics(content: Content, steps: int) -> str:
    """stats.yaml: mean, std and rms of values and of differences of successive steps, of the training cases."""
    chosen = np.flatnonzero(content.arrays["split"] == 0)
    content = content.chosen(chosen) if len(chosen) else content
    found: dict[str, dict[str, Array]] = {name: {} for name in ("mean", "std", "rms")}
    found |= {f"{name}_delta": {} for name in found}

    def add(name: str, suffix: str, values: list[Array], components: int) -> None:
        flat = np.stack(values).astype(float).reshape(-1, components)
        mean, square = flat.mean(axis=0), (flat**2).mean(axis=0)
        of = {"mean": mean, "std": np.sqrt(np.maximum(square - mean**2, 0)), "rms": np.sqrt(square)}
        for key, value in of.items():
            found[key + suffix][name] = value

    for field, order, (real, imaginary) in _fields(content):
        components = real.shape[-1] if order else 1
        for part, (first, second) in zip(_PARTS, ((real, imaginary), (imaginary, -real)), strict=True):
            values = list(oscillation.series(first, second, steps))
            add(f"{field}_{part}", "", values, components)
            differences = [after - before for before, after in itertools.pairwise(values)]
            add(f"{field}_{part}", "_delta", differences, components)
    task = tasks.get(content.task)
    for name in _constants(task, _dimensions(task)):
        add(name, "", [content.arrays[name]], 1)
    lines = []
    for key, fields in found.items():
        lines.append(f"{key}:")
        for name, value in fields.items():
            numbers_ = [f"{one:.9e}" for one in value]  # with a point and a sign, by which YAML knows a number
            lines.append(f"  {name}: " + (numbers_[0] if len(numbers_) == 1 else f"[{', '.join(numbers_)}]"))
    return "\n".join(lines) + "\n"


def read(path: Path) -> Content:
    """Read a folder that `write` wrote; its files may have been changed.

    Raises
    ------
    FileNotFoundError, ValueError
        No such folder, or not as `write` writes it.
    """
    files = sorted(file for end in ("h5", "hdf5") for file in path.glob(f"data/*/*.{end}"))
    if not files:
        raise FileNotFoundError(f"{path} is no folder in the layout of The Well: it has no data/*/*.hdf5")
    return merged([_read_file(file) for file in files], path)


def _read_file(path: Path) -> Content:
    """One split."""
    with opened(path) as file:
        found = read_origin(file, path)
        task = tasks.get(found.task)
        arrays = read_rest(file, _rest(task), path)
        vector = _has_velocity(task)
        for name in task.fields:
            component = _VELOCITY.index(name) if vector and name in _VELOCITY else None
            place = ("t0_fields", name) if component is None else ("t1_fields", "velocity")
            pair = [numbers(_group(file, place[0], path), f"{place[1]}_{part}", path) for part in _PARTS]
            if component is not None:
                pair = [values[..., component] for values in pair]
            real = oscillation.amplitude(pair[0], name, path)
            imaginary = oscillation.amplitude(pair[1], name, path)
            if pair[0].shape != pair[1].shape or not np.array_equal(real[1], imaginary[0]):
                raise ValueError(f"{path}: the real and imaginary parts of {name} are not of one oscillation")
            axis = task.variables[name].dimensions.index("part")
            arrays[name] = np.stack([real[0], imaginary[0]], axis=axis)
    return restored(arrays, found, path)


def _group(file: h5py.File, name: str, path: Path) -> h5py.Group:
    if not is_own(file, name) or not isinstance(file[name], h5py.Group):
        raise ValueError(f"{path}: the group {name} is missing")
    return file[name]


def _has_velocity(task: Task[Any]) -> bool:
    """Whether a task's velocities are a vector of the space of its fields."""
    return set(_VELOCITY) <= set(task.fields) and _dimensions(task) == ["x", "r"]
