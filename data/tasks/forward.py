"""Pressures at microphones on an arc, for one duct mode per case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from ..mixtures import at_points
from ..relations import eigenvalues
from ..task import Axis, Finite, Observed, Table, Task, Variable, parts

if TYPE_CHECKING:
    from ..arrays import FloatArray
    from ..sampling import Group
    from ..source import Source


class Microphones(Table):
    """Arc around the lip's centre (0, 0): radius in duct radii, [first, last, count] in degrees, 0 downstream."""

    radius: Annotated[Finite, Field(gt=1, le=1000)]
    angle_deg: Axis

    @model_validator(mode="after")
    def _outside(self) -> Self:
        first, last, _ = self.angle_deg
        if not 0 <= first < last <= 180:
            raise ValueError(f"angle_deg must be [first, last, count] in 0 ... 180, got {list(self.angle_deg)}")
        return self


def _positions(microphones: Microphones) -> dict[str, FloatArray]:
    first, last, count = microphones.angle_deg
    theta = np.radians(np.linspace(first, last, count))
    return {"x": microphones.radius * np.cos(theta), "r": microphones.radius * np.abs(np.sin(theta))}


def _observe(groups: Sequence[Group], places: dict[str, FloatArray], orders: int) -> Observed:
    from analytic import DuctMode, radial_eigenvalue

    n = [int(np.argmax(np.abs(group.amplitudes[0]))) for group in groups]
    ducts = [[group.parameters[name] for name in ("helmholtz", "mach", "hub")] for group in groups]
    modes = [DuctMode(group.m, order, *duct) for group, order, duct in zip(groups, n, ducts, strict=True)]
    fields = at_points(modes, [group.medium for group in groups], places["x"], places["r"])
    valid = [(mode, field) for mode, field in zip(modes, fields, strict=True) if field.valid]
    arrays = {
        "n": np.array([mode.n for mode, _ in valid]),
        "radial_eigenvalue": np.array([radial_eigenvalue(mode.m, mode.n, hub=mode.hub) for mode, _ in valid]),
        "pressure": np.array([parts(field.pressure, -1) for _, field in valid]),
        "error_estimate": np.array([field.error_estimate for _, field in valid]),
    }
    return Observed(arrays, [field.reason for field in fields])


def _accept(source: Source) -> None:
    if source.modes != (1, 1) or source.mixtures != 1:
        raise ValueError("a forward recipe has one mode a case: modes = [1, 1] and mixtures = 1")


TASK = Task(
    module=__name__,
    description="pressures at microphones",
    section="microphones",
    place=Microphones,
    arrays={
        "microphone": Variable(("microphone",), "i8", "1", "number of the microphone"),
        "n": Variable(("case",), "i8", "1", "radial order of the incident mode, amplitude one"),
        "radial_eigenvalue": Variable(("case",), "f8", "1/a", "zero of J_m' of the incident mode"),
        "x": Variable(("microphone",), "f8", "a", "axial microphone positions"),
        "r": Variable(("microphone",), "f8", "a", "radial microphone positions"),
        "pressure": Variable(
            ("case", "microphone", "part"), "f8", "rho c^2", "p = i ka psi - M u; with a jet that of the fluid there"
        ),
    },
    fields=("pressure",),
    positions=_positions,
    observe=_observe,
    accept=_accept,
    together=512,
    relations=eigenvalues,
)
