"""Data of the page's pictures as files: CSV with units in its header, and HDF5."""

import io
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

import wavenet
from data.pictured import Quantity, write_pictured

from ..bench import DISTANCES, QUANTITIES, VELOCITIES, Bench, R, X
from ..solution import FarField
from . import lines
from .parts import View, far_field
from .query import State, read

Arrays = dict[str, Quantity]


def export(bench: Bench, state: State, view: View, figure: str, form: str) -> tuple[str, bytes]:
    """Media type and content of a file with the data of a picture.

    figure : a key of `FIGURES`. form : a key of `FORMS`.

    Raises
    ------
    ValueError
        Another name, or what the solver or a network does not take.
    """
    for name, table in ((figure, FIGURES), (form, FORMS)):
        if name not in table:
            raise ValueError(f"expected one of {', '.join(table)}, got {name!r}")
    kind, write = FORMS[form]
    about = {
        "figure": figure,
        "made by": f"wavenet {wavenet.__version__}",
        "case": lines.described(state),
        "time factor": "exp(-i omega t)",
    }
    return kind, write(about, FIGURES[figure](bench, state, view))


def _grid(x: np.ndarray, r: np.ndarray) -> Arrays:
    return {"x": Quantity(x, ("x",), "a"), "r": Quantity(r, ("r",), "a")}


def _field(bench: Bench, state: State, view: View) -> Arrays:
    found = bench.near_field(state.mode)
    more = {name: Quantity(getattr(found.field, name), ("x", "r"), unit) for name, (_, unit) in QUANTITIES.items()}
    return _grid(found.x, found.r) | more


def _directivity(bench: Bench, state: State, view: View) -> Arrays:
    cases = {"": state} | ({} if view.held is None else {"held_": read(view.held)})
    arrays: Arrays = {}
    for prefix, case in cases.items():
        found = far_field(bench, case)
        exact, surrogate = ("thin_wall_", "") if found.lip else ("", "surrogate_")
        for name, far in ((prefix + exact, found.exact), (prefix + surrogate, found.surrogate)):
            if far is not None:
                arrays["angle"] = Quantity(far.degrees, ("angle",), "deg")
                arrays[f"{name}level"] = Quantity(far.level, ("angle",), far.reference)
            if isinstance(far, FarField):
                arrays[f"{name}directivity"] = Quantity(far.amplitude, ("angle",), "a, of the potential")
    return arrays


def _relevance(bench: Bench, state: State, view: View) -> Arrays:
    name = state.chosen["velocity"]
    found = bench.relevance(state.mode, name, *state.point)
    return _grid(found.x, found.r) | {
        "relevance": Quantity(found.relevance, ("x", "r"), f"1, of |{name}| at x = {found.at[0]}, r = {found.at[1]}"),
        "distance": Quantity(DISTANCES, ("distance",), "a"),
        "within": Quantity(found.within, ("distance",), "1"),
    }


def _derivative(bench: Bench, state: State, view: View) -> Arrays:
    name = state.chosen["velocity"]
    found = bench.derivative(state.mode, name)
    arrays = _grid(X, R) | {VELOCITIES[name]: Quantity(found.exact, ("x", "r"), "c")}
    if found.surrogate is not None:
        arrays[f"{VELOCITIES[name]}_by_network"] = Quantity(found.surrogate, ("x", "r"), "c")
    return arrays


FIGURES: dict[str, Callable[[Bench, State, View], Arrays]] = {
    "field": _field,
    "directivity": _directivity,
    "relevance": _relevance,
    "derivative": _derivative,
}


def to_csv(about: Mapping[str, str], arrays: Arrays) -> bytes:
    """A table for each set of axes, one row a point; complex columns as real and imaginary part."""
    out = io.StringIO()
    for name, value in about.items():
        out.write(f"# {name}: {value}\n")
    axes = {quantity.axes: None for name, quantity in arrays.items() if quantity.axes != (name,)}
    for index, group in enumerate(axes):
        points = np.meshgrid(*(arrays[name].values for name in group), indexing="ij")
        columns = {f"{name} [{arrays[name].unit}]": one for name, one in zip(group, points, strict=True)}
        for name, quantity in arrays.items():
            if quantity.axes == group and group != (name,):
                columns |= _parts(f"{name} [{quantity.unit}]", quantity.values)
        out.write("\n" if index else "")
        out.write(",".join(f'"{name}"' for name in columns) + "\n")
        table = np.stack([one.ravel() for one in columns.values()], axis=1)
        np.savetxt(out, table, fmt="%.9g", delimiter=",")
    return out.getvalue().encode()


def _parts(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    return {f"Re {name}": values.real, f"Im {name}": values.imag} if np.iscomplexobj(values) else {name: values}


def to_hdf5(about: Mapping[str, str], arrays: Arrays) -> bytes:
    """An HDF5 file, see `data.pictured`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.h5"
        write_pictured(path, about, arrays)
        return path.read_bytes()


FORMS: dict[str, tuple[str, Callable[[Mapping[str, str], Arrays], bytes]]] = {
    "csv": ("text/csv", to_csv),
    "h5": ("application/x-hdf5", to_hdf5),
}
