"""Near fields next to the lip: potential and velocities on a grid, for mixtures of duct modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..mixtures import GRID_ARRAYS, Grid, on_grid
from ..relations import velocities
from ..task import Observed, Task

if TYPE_CHECKING:
    from ..arrays import FloatArray
    from ..sampling import Group

_FIELDS = ("potential", "axial_velocity", "radial_velocity")


def _observe(groups: Sequence[Group], places: dict[str, FloatArray], orders: int) -> Observed:
    return on_grid(groups, places, _FIELDS, orders)


TASK = Task(
    module=__name__,
    description="near fields next to the lip",
    section="grid",
    place=Grid,
    arrays=GRID_ARRAYS,
    fields=_FIELDS,
    positions=Grid.positions,
    observe=_observe,
    together=256,
    relations=velocities,
)
