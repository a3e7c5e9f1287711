"""Kernel factors at polar angles, from which the directivity of every mode follows; without flow or modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.polynomial import chebyshev
from pydantic import Field, Strict

from ..task import TOLERANCE, Observed, Table, Task, Variable, parts

if TYPE_CHECKING:
    from ..arrays import FloatArray
    from ..sampling import Group
    from ..source import Source


class Arc(Table):
    """Number of angles, Chebyshev nodes of 0 ... 180 degrees."""

    angles: Annotated[int, Strict(), Field(ge=4, le=400)]


def _positions(arc: Arc) -> dict[str, FloatArray]:
    return {"angle": np.pi * (chebyshev.chebpts1(arc.angles) + 1) / 2}


def _observe(groups: Sequence[Group], places: dict[str, FloatArray], orders: int) -> Observed:
    from analytic import ConvergenceError, plus_factor

    values, errors = (np.zeros((len(groups), len(places["angle"])), kind) for kind in (complex, float))
    reasons = np.full(len(groups), "", object)
    m = np.array([abs(group.m) for group in groups])
    helmholtz = np.array([group.parameters["helmholtz"] for group in groups])
    for order in np.unique(m):
        same = np.flatnonzero(m == order)
        try:
            values[same], errors[same] = plus_factor(order, helmholtz[same], places["angle"])
        except ConvergenceError:
            for case in same:
                try:
                    values[case], errors[case] = plus_factor(order, helmholtz[[case]], places["angle"])
                except ConvergenceError as error:
                    reasons[case] = str(error)
    worst = np.max(errors, axis=1)
    for case in np.flatnonzero(~(worst <= TOLERANCE) & (reasons == "")):
        reasons[case] = f"the error estimate {worst[case]:.1e} of the factor is above {TOLERANCE:.0e}"
    valid = reasons == ""
    return Observed({"factor": parts(values[valid], -1), "error_estimate": worst[valid]}, reasons.tolist())


def _accept(source: Source) -> None:
    if source.mixtures != 1:
        raise ValueError(f"a recipe of the task factor has mixtures = 1, got {source.mixtures}")
    duct = source.bounds
    if duct["mach"] != (0, 0) or duct["hub"] != (0, 0) or source.jet or source.n != [0]:
        raise ValueError("a factor belongs to no mode, flow or hub: n = [0], mach = 0, hub = 0 and no jet")


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
    together=256,
)
