"""Near fields of ducts with a jet: potential, velocities and pressure on a grid, on both sides of the vortex sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..mixtures import GRID_ARRAYS, Grid, on_grid
from ..relations import velocities
from ..task import Observed, Task, Variable

if TYPE_CHECKING:
    from ..arrays import FloatArray
    from ..sampling import Group
    from ..source import Source

_FIELDS = ("potential", "axial_velocity", "radial_velocity", "pressure")


def _observe(groups: Sequence[Group], places: dict[str, FloatArray], orders: int) -> Observed:
    return on_grid(groups, places, _FIELDS, orders)


def _accept(source: Source) -> None:
    if not source.jet:
        raise ValueError("a jet_derivative recipe needs a jet, such as mach_outer = 0; the task derivative has none")


TASK = Task(
    module=__name__,
    description="near fields with a jet",
    section="grid",
    place=Grid,
    arrays=GRID_ARRAYS
    | {
        "r": Variable(("r",), "f8", "a", "radial cell centres; the vortex sheet is r = 1, x > 0"),
        "potential": Variable(("case", "part", "x", "r"), "f8", "a c", "psi; jumps across the sheet"),
        "pressure": Variable(("case", "part", "x", "r"), "f8", "rho c^2", "p of the fluid there; continuous"),
    },
    fields=_FIELDS,
    positions=Grid.positions,
    observe=_observe,
    accept=_accept,
    together=256,
    relations=velocities,
)
