"""Near fields next to the lip: potential and velocities on a grid, for mixtures of duct modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from ..grids import cell_centres
from ..mixtures import AMPLITUDE, ORDER, observed, solve_first
from ..relations import velocities
from ..task import Axis, Table, Task, Variable

if TYPE_CHECKING:
    from ..arrays import Array, FloatArray
    from ..sampling import Group

_FIELDS = ("potential", "axial_velocity", "radial_velocity")


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


def _positions(grid: Grid) -> dict[str, FloatArray]:
    return {"x": cell_centres(*grid.x), "r": cell_centres(*grid.r)}


def _observe(group: Group, places: dict[str, FloatArray], orders: int) -> dict[str, Array]:
    solution = solve_first(group)
    if len(group.amplitudes) == 1:
        fields = [solution.field(places["x"], places["r"])]
    else:
        fields = solution.fields(group.amplitudes, places["x"], places["r"])
    return observed(group, solution, fields, _FIELDS, orders)


TASK = Task(
    module=__name__,
    description="near fields next to the lip",
    section="grid",
    place=Grid,
    arrays={
        "order": ORDER,
        "x": Variable(("x",), "f8", "a", "axial cell centres"),
        "r": Variable(("r",), "f8", "a", "radial cell centres"),
        "amplitude": AMPLITUDE,
        "potential": Variable(("case", "part", "x", "r"), "f8", "a c", "psi"),
        "axial_velocity": Variable(("case", "part", "x", "r"), "f8", "c", "dpsi/dx"),
        "radial_velocity": Variable(("case", "part", "x", "r"), "f8", "c", "dpsi/dr"),
    },
    fields=_FIELDS,
    positions=_positions,
    observe=_observe,
    relations=velocities,
)
