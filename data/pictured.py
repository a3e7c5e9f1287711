"""What a picture shows, as an HDF5 file: arrays with their axes and units, and a description of the case."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .arrays import Array
from .files import whole_file
from .layout import text

KIND = "wavenet-picture"


@dataclass(frozen=True)
class Quantity:
    """An array of a picture: its values, real or complex; the names of its axes, other arrays of it; its unit."""

    values: Array
    axes: tuple[str, ...]
    unit: str


def write_pictured(path: str | Path, attributes: Mapping[str, str], arrays: Mapping[str, Quantity]) -> None:
    """Write the arrays of a picture; the file appears once it is complete, and never replaces another.

    attributes : texts that say what is shown. arrays : by name; an array whose only axis is itself is a coordinate.
    """
    with whole_file(path) as file:
        file.attrs["kind"] = text(KIND)
        for name, value in attributes.items():
            file.attrs[name] = text(value)
        for name, quantity in arrays.items():
            file.create_dataset(name, data=quantity.values).attrs["units"] = text(quantity.unit)
        for name, quantity in arrays.items():
            if quantity.axes == (name,):
                file[name].make_scale(name)
        for name, quantity in arrays.items():
            if quantity.axes != (name,):
                for index, axis in enumerate(quantity.axes):
                    file[name].dims[index].attach_scale(file[axis])
