"""Near fields of ducts with a liner: potential and velocities on a grid, for mixtures of duct modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..liners import fields_of
from ..mixtures import GRID_ARRAYS, Grid, amplitudes
from ..relations import velocities
from ..task import LINER_ARRAYS, Observed, Task, Variable, parts

if TYPE_CHECKING:
    from ..arrays import Array, FloatArray
    from ..sampling import Group

_FIELDS = ("potential", "axial_velocity", "radial_velocity")


def _observe(groups: Sequence[Group], places: dict[str, FloatArray], orders: int) -> Observed:
    fields, reasons = fields_of(groups, lambda solution: solution.field(places["x"], places["r"]))
    found = [field for field in fields if field is not None]
    arrays: dict[str, Array] = {}
    if found:
        arrays = {name: np.array([parts(getattr(field, name), 0) for field in found]) for name in _FIELDS}
        arrays["amplitude"] = amplitudes(groups, orders)[[field is not None for field in fields]]
        arrays["error_estimate"] = np.array([field.error_estimate for field in found])
    return Observed(arrays, reasons)


TASK = Task(
    module=__name__,
    description="near fields with a liner",
    section="grid",
    place=Grid,
    arrays=GRID_ARRAYS
    | LINER_ARRAYS
    | {
        "amplitude": Variable(
            ("case", "order", "part"), "f8", "a c", "incident potential at the wall, at the front of the liner"
        )
    },
    fields=_FIELDS,
    positions=Grid.positions,
    observe=_observe,
    together=16,
    relations=velocities,
)
