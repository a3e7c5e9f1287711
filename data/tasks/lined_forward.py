"""Pressures at microphones on an arc, for one duct mode per case, with a liner in the duct."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..liners import fields_of
from ..relations import eigenvalues
from ..task import LINER_ARRAYS, Observed, Task, Variable, parts
from . import forward

if TYPE_CHECKING:
    from ..arrays import Array, FloatArray
    from ..sampling import Group


def _observe(groups: Sequence[Group], places: dict[str, FloatArray], orders: int) -> Observed:
    from analytic import radial_eigenvalue

    single = [group.with_one_mode() for group in groups]
    fields, reasons = fields_of(single, lambda solution: solution.at(places["x"], places["r"]))
    found = [(group, field) for group, field in zip(single, fields, strict=True) if field is not None]
    arrays: dict[str, Array] = {}
    if found:
        orders_found = [len(group.amplitudes[0]) - 1 for group, _ in found]
        eigenvalue = [
            radial_eigenvalue(group.m, n, hub=group.parameters["hub"])
            for (group, _), n in zip(found, orders_found, strict=True)
        ]
        arrays = {
            "n": np.array(orders_found),
            "radial_eigenvalue": np.array(eigenvalue),
            "pressure": np.array([parts(field.pressure, -1) for _, field in found]),
            "error_estimate": np.array([field.error_estimate for _, field in found]),
        }
    return Observed(arrays, reasons)


TASK = Task(
    module=__name__,
    description="pressures at microphones, with a liner",
    section="microphones",
    place=forward.Microphones,
    arrays=dict(forward.TASK.arrays)
    | LINER_ARRAYS
    | {"n": Variable(("case",), "i8", "1", "radial order of the mode, of amplitude one at the front of the liner")},
    fields=("pressure",),
    positions=forward.TASK.positions,
    observe=_observe,
    accept=forward.TASK.accept,
    together=32,
    relations=eigenvalues,
)
