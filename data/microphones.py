"""Pressures of a microphone array as an HDF5 file: x, r, phi, pressure; attributes helmholtz, mach, noise if known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .arrays import ComplexArray, FloatArray
from .files import whole_file
from .hdf5 import expect_numbers, number, opened, plain_array
from .layout import text

KIND = "wavenet-array"
_TURNS = 4 * np.pi  # largest |phi|: beyond, it is more likely in degrees
_UNITS = {"x": "a", "r": "a", "phi": "rad", "pressure": "rho c^2"}


@dataclass(frozen=True)
class MicrophoneArray:
    """Complex pressures (snapshot, microphone) at x, r [radii], phi [rad], at one Helmholtz and Mach number.

    noise : root mean square of the noise of one snapshot, or None.
    """

    x: FloatArray
    r: FloatArray
    phi: FloatArray
    pressure: ComplexArray
    helmholtz: float
    mach: float
    noise: float | None = None


def write_array(path: str | Path, array: MicrophoneArray) -> None:
    """Write an array's file, which appears once it is complete."""
    with whole_file(path) as file:
        file.attrs["kind"] = text(KIND)
        numbers = {"helmholtz": array.helmholtz, "mach": array.mach, "noise": array.noise}
        file.attrs.update({name: value for name, value in numbers.items() if value is not None})
        for name, unit in _UNITS.items():
            file.create_dataset(name, data=getattr(array, name)).attrs["units"] = text(unit)


def read_array(path: str | Path) -> MicrophoneArray:
    """Read the file of an array; one-dimensional pressures are a single snapshot.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; an array or attribute is missing, of another shape or kind, not finite or out of range.
    """
    path = Path(path)
    with opened(path) as file:
        values = expect_numbers(file, path, ("helmholtz", "mach"))
        noise = number(file, "noise")
        if "noise" in file.attrs and not (noise is not None and np.isfinite(noise) and noise > 0):
            raise ValueError(f"{path}: the attribute noise must be a positive scalar, got {noise}")
        x, r, phi = (plain_array(file, name, path, (1,), "f") for name in ("x", "r", "phi"))
        pressure = np.atleast_2d(plain_array(file, "pressure", path, (1, 2), "c"))
    if not len(x) == len(r) == len(phi) == pressure.shape[1]:
        raise ValueError(
            f"{path}: x, r, phi and pressure are of {len(x)}, {len(r)}, {len(phi)} and {pressure.shape[1]} microphones"
        )
    if np.any(r < 0):
        raise ValueError(f"{path}: r holds the value {r[r < 0][0]}, which is out of range")
    if np.any(np.abs(phi) > _TURNS):
        raise ValueError(
            f"{path}: phi holds {phi[np.abs(phi) > _TURNS][0]:.6g}, expected radians, of two turns at most"
        )
    if not np.any(pressure):
        raise ValueError(f"{path}: pressure is zero at all microphones")
    return MicrophoneArray(x, r, phi, pressure, float(values["helmholtz"]), float(values["mach"]), noise)
