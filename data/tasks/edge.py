"""Potentials around the lip, at the nodes of a disc, for mixtures of duct modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.polynomial import chebyshev
from pydantic import Field, Strict

from ..mixtures import AMPLITUDE, ORDER, at_points, incident, observed
from ..task import Finite, Observed, Table, Task, Variable

if TYPE_CHECKING:
    from ..arrays import FloatArray
    from ..sampling import Group
    from ..source import Source


class Disc(Table):
    """Nodes around the lip: radius of the disc, distance of the closest nodes [radii], counts in distance and angle."""

    radius: Annotated[Finite, Field(gt=0.01, lt=1)]
    closest: Annotated[Finite, Field(ge=1e-6, le=1e-3)] = 4e-6
    roots: Annotated[int, Strict(), Field(ge=4, le=200)]
    angles: Annotated[int, Strict(), Field(ge=4, le=400)]


def _positions(disc: Disc) -> dict[str, FloatArray]:
    low, high = np.sqrt(disc.closest), np.sqrt(disc.radius)
    root = low + (high - low) * (chebyshev.chebpts1(disc.roots) + 1) / 2
    angle = np.pi * chebyshev.chebpts1(disc.angles)
    rho = root[:, None] ** 2
    return {"root": root, "angle": angle, "x": rho * np.cos(angle), "r": 1 + rho * np.sin(angle)}


def _observe(groups: Sequence[Group], places: dict[str, FloatArray], orders: int) -> Observed:
    sources, media = incident(groups)
    return observed(groups, at_points(sources, media, places["x"], places["r"]), ("potential",), orders)


def _accept(source: Source) -> None:
    if source.mixtures != 1:
        raise ValueError(f"a recipe of the task edge has mixtures = 1, got {source.mixtures}")


TASK = Task(
    module=__name__,
    description="potentials around the lip",
    section="disc",
    place=Disc,
    arrays={
        "order": ORDER,
        "root": Variable(("root",), "f8", "a^0.5", "square roots of the distances to the lip, Chebyshev nodes"),
        "angle": Variable(
            ("angle",), "f8", "rad", "from the downstream direction, wall at -pi and pi; Chebyshev nodes"
        ),
        "x": Variable(("root", "angle"), "f8", "a", "axial positions"),
        "r": Variable(("root", "angle"), "f8", "a", "radial positions"),
        "amplitude": AMPLITUDE,
        "potential": Variable(("case", "part", "root", "angle"), "f8", "a c", "psi"),
    },
    fields=("potential",),
    positions=_positions,
    observe=_observe,
    accept=_accept,
    together=8,
)
