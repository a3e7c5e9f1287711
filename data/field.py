"""One field as an HDF5 file: x, r, potential, axial_velocity, radial_velocity, pressure (complex, axes x and r).

The attributes m, helmholtz and mach identify its case. A user's own file needs these, x, r and potential or pressure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray, FloatArray
from .files import whole_file
from .hdf5 import expect_numbers, number, opened, plain_array
from .layout import text

UNITS = {"potential": "a c", "axial_velocity": "c", "radial_velocity": "c", "pressure": "rho c^2"}
_ERROR = "_error"  # suffix of the names of arrays of expected errors, which have the units of their field
KIND = "wavenet-field"


@dataclass(frozen=True)
class Potential:
    """A potential (x, r) [a c] at points x, r [radii] and its azimuthal order, Helmholtz and Mach number."""

    x: FloatArray
    r: FloatArray
    potential: ComplexArray
    m: int
    helmholtz: float
    mach: float


@dataclass(frozen=True)
class Pressure:
    """A pressure (x, r) [rho c^2] at points x, r [radii] and its azimuthal order, Helmholtz and Mach number."""

    x: FloatArray
    r: FloatArray
    pressure: ComplexArray
    m: int
    helmholtz: float
    mach: float


_KINDS: dict[str, type[Potential | Pressure]] = {"potential": Potential, "pressure": Pressure}


def write_field(
    path: str | Path,
    attributes: Mapping[str, str | int | float],
    x: npt.ArrayLike,
    r: npt.ArrayLike,
    arrays: Mapping[str, npt.ArrayLike],
) -> None:
    """Write fields on a grid; the file appears once it is complete.

    attributes : dict of numbers and texts, such as m, helmholtz, mach. arrays : {name in UNITS: (x, r)
    complex array}, and (x, r) float arrays of expected errors, their names ending in _error.
    """
    with whole_file(path) as file:
        file.attrs["kind"] = text(KIND)
        for name, value in attributes.items():
            file.attrs[name] = text(value) if isinstance(value, str) else value
        for axis, points in (("x", x), ("r", r)):
            file.create_dataset(axis, data=points).make_scale(axis)
            file[axis].attrs["units"] = text("a")
        for name, values in arrays.items():
            dataset = file.create_dataset(name, data=values)
            dataset.attrs["units"] = text(UNITS[name.removesuffix(_ERROR)])
            for index, axis in enumerate("xr"):
                dataset.dims[index].attach_scale(file[axis])


def _last_distance(liners: object, path: Path) -> float:
    """Length of the hard wall behind the last liner, from the attribute that `wavenet field` writes."""
    try:
        return float(json.loads(str(np.asarray(liners).astype(str)))[-1]["distance"])
    except (ValueError, LookupError, TypeError):
        raise ValueError(f"{path}: the attribute liners cannot be read, got {liners!r}") from None


def read_given(path: str | Path) -> Potential | Pressure:
    """Read the potential of a field's file or, if it has none, the pressure, with the grid and the case's numbers.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; an array or attribute is missing, of another shape or kind, not finite or out of range; the field
        is that of a duct with a hub or a jet, or of one with a liner and not only of the hard wall behind that.
    """
    path = Path(path)
    with opened(path) as file:
        values = expect_numbers(file, path, ("m", "helmholtz", "mach"))
        for name in ("hub", "kutta"):
            if name in file.attrs and (name == "kutta" or number(file, name) != 0):
                raise ValueError(f"{path} is the field of a duct with a {'hub' if name == 'hub' else 'jet'}")
        x, r = (plain_array(file, axis, path, (1,), "f") for axis in "xr")
        if "liners" in file.attrs and len(x) and np.min(x) < -_last_distance(file.attrs["liners"], path):
            raise ValueError(f"{path} is the field of a duct with a liner, and reaches into it: the wall must be hard")
        name = "pressure" if "pressure" in file and "potential" not in file else "potential"
        field = plain_array(file, name, path, (2,), "c")
    if field.shape != (len(x), len(r)):
        raise ValueError(f"{path}: {name} has shape {field.shape}, expected {(len(x), len(r))} as x and r")
    return _KINDS[name](x, r, field, int(values["m"]), float(values["helmholtz"]), float(values["mach"]))
