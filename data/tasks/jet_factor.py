"""Smooth parts of the factors of jets on two windows, from which all directivities and reflections follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, Strict

from ..task import TOLERANCE, Table, Task, Variable, one_by_one, parts

if TYPE_CHECKING:
    from ..arrays import Array, FloatArray
    from ..sampling import Group
    from ..source import Source


class Windows(Table):
    """Number of Chebyshev nodes in each of the two windows."""

    nodes: Annotated[int, Strict(), Field(ge=4, le=200)]


def _positions(windows: Windows) -> dict[str, FloatArray]:
    from analytic.jet_windows import window_nodes

    return {"node": window_nodes(windows.nodes)}


def _observe(group: Group, places: dict[str, FloatArray], orders: int) -> dict[str, Array]:
    from analytic import Jet
    from analytic.jet_windows import jet_windows

    duct, nodes = group.parameters, len(places["node"])
    assert isinstance(group.medium, Jet)
    found = jet_windows(
        group.m, duct["helmholtz"], duct["mach"], group.medium, nodes, hub=duct["hub"], tolerance=TOLERANCE
    )
    return {
        "boundary": np.array([found.boundary]),
        "instability": parts(np.array([found.instability]), -1),
        "s_minus": found.s_minus[None],
        "s_plus": found.s_plus[None],
        "log_minus": parts(found.log_minus, -1)[None],
        "log_plus": parts(found.log_plus, -1)[None],
        "error_estimate": np.array([found.error_estimate]),
    }


def _accept(source: Source) -> None:
    if source.mixtures != 1 or source.modes != (1, 1) or source.n not in ([0], "cut-on"):
        raise ValueError(
            'the factors of a jet belong to no mode: n = [0], or "cut-on" for jets of which a mode is cut on, and '
            "modes = [1, 1], mixtures = 1"
        )
    if not source.jet or source.kutta is not None:
        raise ValueError("factors are of a jet, such as mach_outer = 0; there is no kutta, on which they do not depend")


TASK = Task(
    module=__name__,
    description="factors of jets",
    section="windows",
    place=Windows,
    arrays={
        "node": Variable(("node",), "f8", "1", "Chebyshev nodes of -1 ... 1"),
        "boundary": Variable(("case",), "f8", "1/a", "s_c, where the window of K_minus ends and that of K_plus begins"),
        "instability": Variable(("case", "part"), "f8", "1/a", "s_0 of the growing wave exp(-i s_0 x) of the sheet"),
        "s_minus": Variable(("case", "node"), "f8", "1/a", "nodes in the window of K_minus"),
        "s_plus": Variable(("case", "node"), "f8", "1/a", "nodes in the window of K_plus"),
        "log_minus": Variable(("case", "node", "part"), "f8", "1", "ln(K_minus / C_minus), see analytic.jet_windows"),
        "log_plus": Variable(("case", "node", "part"), "f8", "1", "ln(K_plus / C_plus), see analytic.jet_windows"),
    },
    fields=("log_minus", "log_plus"),
    positions=_positions,
    observe=one_by_one(_observe),
    accept=_accept,
)
