"""An HDF5 file in the layout of PDEBench's compressible flows (github.com/pdebench/PDEBench).

density, pressure, Vx, Vy have the axes (case, time, x, y), with x-coordinate, y-coordinate and t-coordinate; y is the
radius. They are small disturbances, in the units of the format page, as real values at the steps of a period of
exp(-i omega t), and time counts periods. PDEBench's loaders take its first cases for tests: the splits are in the group
`wavenet`, with the columns and amplitudes, which they ignore as they do `potential`.
"""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .. import tasks
from ..arrays import Array
from ..files import LIBVER, temporary
from ..hdf5 import opened
from ..task import Task, uniform_flow
from . import oscillation
from .arrays import numbers, read_origin, read_rest, write_rest
from .content import Content, restored

_NAMES = {"potential": "potential", "axial_velocity": "Vx", "radial_velocity": "Vy", "pressure": "pressure"}
_GRID = ("case", "part", "x", "r")


def write(content: Content, out: Path, *, steps: int = oscillation.STEPS) -> None:
    """Write the file.

    content : Content of a task with potential and velocities on a grid. out : path of a new file; PDEBench wants names
    that end in hdf5. steps : time steps of a period, a multiple of 4.

    Raises
    ------
    ValueError
        The dataset has other fields; steps is no multiple of 4.
    """
    oscillation.check_steps(steps)
    task, arrays = tasks.get(content.task), content.arrays
    _check(task)
    values = {name: arrays[name] for name in task.fields}
    pressure = values.get("pressure")
    if pressure is None:
        pressure = _pressure(content)
    # p = c^2 rho: beside a jet, outside of r = 1, the speed of sound is another
    outside = np.where(arrays["r"] > 1, arrays["sound_speed_ratio"][:, None] ** 2, 1.0)
    values |= {"pressure": pressure, "density": pressure / outside[:, None, None, :].astype(pressure.dtype)}
    with temporary(out) as partial:
        with h5py.File(partial, "w", libver=LIBVER) as file:
            for name, field in values.items():
                shape = (len(content), steps, *field.shape[2:])
                dataset = file.create_dataset(_NAMES.get(name, name), shape, field.dtype)
                for step, snapshot in enumerate(oscillation.series(field[:, 0], field[:, 1], steps)):
                    dataset[:, step] = snapshot
            for name, points in (("x", arrays["x"]), ("y", arrays["r"]), ("t", np.arange(steps) / steps)):
                file[f"{name}-coordinate"] = points
            write_rest(file, content, _rest(task))
        with partial.open("rb+") as raw:
            os.fsync(raw.fileno())


def _pressure(content: Content) -> Array:
    """p = i ka psi - M u as (case, part, x, r)."""
    arrays = content.arrays
    if any(np.any(arrays[name] != usual) for name, usual in uniform_flow(arrays["mach"]).items() if name != "hub"):
        raise ValueError(f"the layout of PDEBench holds pressures, got jets of the task {content.task}, which has none")
    ka, mach = (arrays[name][:, None, None] for name in ("helmholtz", "mach"))
    (psi, psi_i), (u, u_i) = (np.moveaxis(arrays[name], 1, 0) for name in ("potential", "axial_velocity"))
    found: Array = np.stack([-ka * psi_i - mach * u, ka * psi - mach * u_i], axis=1).astype(psi.dtype)
    return found


def read(path: Path) -> Content:
    """Read a file that `write` wrote; it may have been changed.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, or not as `write` writes it.
    """
    with opened(path) as file:
        found = read_origin(file, path)
        task = tasks.get(found.task)
        _check(task)
        arrays = read_rest(file, _rest(task), path)
        for name in task.fields:
            values = numbers(file, _NAMES[name], path)
            if values.ndim != 4:
                raise ValueError(f"{path}: {_NAMES[name]} has {values.ndim} dimensions, expected case, time, x and y")
            arrays[name] = np.stack(oscillation.amplitude(values, _NAMES[name], path), axis=1)
    return restored(arrays, found, path)


def _check(task: Task[Any]) -> None:
    fields = set(task.fields)
    on_grid = all(task.variables[name].dimensions == _GRID for name in task.fields)
    if not (on_grid and {"potential", "axial_velocity", "radial_velocity"} <= fields <= set(_NAMES)):
        raise ValueError(f"the layout of PDEBench holds velocities on a grid, got the task {task.name}, which has none")


def _rest(task: Task[Any]) -> list[str]:
    """Arrays that the layout has no place for."""
    return [name for name in task.variables if name not in task.fields]
