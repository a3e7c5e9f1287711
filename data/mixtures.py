"""Parts shared by the tasks: a grid, incident amplitudes, and arrays of fields that the solver computed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import model_validator

from .arrays import Array, FloatArray
from .grids import cell_centres
from .task import TOLERANCE, Axis, Observed, Table, Variable, parts

if TYPE_CHECKING:
    import analytic

    from .sampling import Group

ORDER = Variable(("order",), "i8", "1", "radial order, from 0")
AMPLITUDE = Variable(("case", "order", "part"), "f8", "a c", "incident potential at the wall, x = 0")
# Of near fields on a grid.
GRID_ARRAYS = {
    "order": ORDER,
    "x": Variable(("x",), "f8", "a", "axial cell centres"),
    "r": Variable(("r",), "f8", "a", "radial cell centres"),
    "amplitude": AMPLITUDE,
    "potential": Variable(("case", "part", "x", "r"), "f8", "a c", "psi"),
    "axial_velocity": Variable(("case", "part", "x", "r"), "f8", "c", "dpsi/dx"),
    "radial_velocity": Variable(("case", "part", "x", "r"), "f8", "c", "dpsi/dr"),
}


class Grid(Table):
    """Tensor grid of cell centres: [start, end, cells] in duct radii."""

    x: Axis
    r: Axis

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("x", "r"):
            start, end, _ = getattr(self, name)
            if not start < end:
                raise ValueError(
                    f"{name} must be [start, end, cells] with start < end, got {list(getattr(self, name))}"
                )
        if self.r[0] < 0:
            raise ValueError(f"r must start at 0 or above, got {self.r[0]}")
        return self

    def positions(self) -> dict[str, FloatArray]:
        """Axes of the grid."""
        return {"x": cell_centres(*self.x), "r": cell_centres(*self.r)}


def on_grid(groups: Sequence[Group], positions: dict[str, FloatArray], names: Sequence[str], orders: int) -> Observed:
    """The named fields of mixtures on a grid, with their amplitudes."""
    from analytic import near_fields

    sources, media = incident(groups)
    fields = near_fields(sources, positions["x"], positions["r"], medium=media, tolerance=TOLERANCE, errors="record")
    return observed(groups, fields, names, orders)


def at_points(
    sources: Sequence[analytic.DuctMode | analytic.ModeMixture], media: Sequence[object], x: FloatArray, r: FloatArray
) -> list[analytic.Field]:
    """Fields of sources at scattered points; those that failed have a reason."""
    from analytic import fields_at

    return fields_at(sources, x, r, medium=media, tolerance=TOLERANCE, errors="record")


def incident(groups: Sequence[Group]) -> tuple[list[analytic.ModeMixture], list[object]]:
    """Incident sound and medium of every case."""
    sources = [source for group in groups for source in group.sources]
    return sources, [group.medium for group in groups for _ in group.amplitudes]


def observed(groups: Sequence[Group], fields: Sequence[analytic.Field], names: Sequence[str], orders: int) -> Observed:
    """Arrays of the fields that are valid: those named, the amplitudes and the errors."""
    valid = [field for field in fields if field.valid]
    arrays: dict[str, Array] = {}
    for name in names:
        values = [getattr(field, name) for field in valid]
        arrays[name] = np.empty((len(values), 2, *values[0].shape)) if values else np.empty(0)
        for place, value in zip(arrays[name], values, strict=True):
            place[0], place[1] = value.real, value.imag
    arrays["amplitude"] = amplitudes(groups, orders)[[field.valid for field in fields]]
    arrays["error_estimate"] = np.array([field.error_estimate for field in valid])
    return Observed(arrays, [field.reason for field in fields])


def amplitudes(groups: Sequence[Group], orders: int) -> FloatArray:
    """Amplitudes of all cases: (case, order, part)."""
    rows = [row for group in groups for row in group.amplitudes]
    found = np.zeros((len(rows), orders), complex)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row
    return parts(found, -1)
