"""Kernel factors at polar angles, from which the directivity of every mode follows; without flow or modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.polynomial import chebyshev
from pydantic import Field

from ..task import TOLERANCE, Table, Task, Variable, parts

if TYPE_CHECKING:
    from ..arrays import Array, FloatArray
    from ..recipe import Source
    from ..sampling import Group


class Arc(Table):
    """Number of angles, Chebyshev nodes of 0 ... 180 degrees."""

    angles: Annotated[int, Field(ge=4, le=400)]


def _positions(arc: Arc) -> dict[str, FloatArray]:
    return {"angle": np.pi * (chebyshev.chebpts1(arc.angles) + 1) / 2}


def _observe(group: Group, places: dict[str, FloatArray], orders: int) -> dict[str, Array]:
    from analytic import ConvergenceError, plus_factor

    value, error = plus_factor(group.m, group.helmholtz, places["angle"])
    if not np.max(error) <= TOLERANCE:
        raise ConvergenceError(f"the error estimate {np.max(error):.1e} of the factor is above {TOLERANCE:.0e}")
    return {"factor": parts(value, -1), "error_estimate": np.max(error, axis=1)}


def _accept(source: Source) -> None:
    if source.mixtures != 1:
        raise ValueError(f"a recipe of the task factor has mixtures = 1, got {source.mixtures}")
    if source.mach != (0, 0) or source.n != [0]:
        raise ValueError("a factor belongs to no mode or flow: n = [0] and mach = [0.0, 0.0]")


TASK = Task(
    module=__name__,
    description="kernel factors",
    section="arc",
    place=Arc,
    arrays={
        "angle": Variable(("angle",), "f8", "rad", "polar angle, 0 downstream, Chebyshev nodes of 0 ... pi"),
        "factor": Variable(("case", "angle", "part"), "f8", "1", "factor F_plus(-ka cos(angle)) of the kernel"),
    },
    fields=("factor",),
    positions=_positions,
    observe=_observe,
    accept=_accept,
)
