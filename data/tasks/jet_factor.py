"""Smooth parts of the factors of jets on two windows, from which all directivities and reflections follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, Strict

from ..task import TOLERANCE, Observed, Table, Task, Variable, parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..arrays import FloatArray
    from ..sampling import Group
    from ..source import Source


# Attributes of `analytic.jet_windows.JetWindows` that a file stores.
_COLUMNS = ("boundary", "instability", "s_minus", "s_plus", "log_minus", "log_plus", "error_estimate")


class Windows(Table):
    """Number of Chebyshev nodes in each of the two windows."""

    nodes: Annotated[int, Strict(), Field(ge=4, le=200)]


def _positions(windows: Windows) -> dict[str, FloatArray]:
    from analytic.jet_windows import window_nodes

    return {"node": window_nodes(windows.nodes)}


def _observe(groups: Sequence[Group], places: dict[str, FloatArray], orders: int) -> Observed:
    from analytic import DuctMode, Jet
    from analytic.jet_windows import many_jet_windows

    ducts, jets = [], []
    for group in groups:
        duct = group.parameters
        assert isinstance(group.medium, Jet)
        ducts.append(DuctMode(group.m, 0, duct["helmholtz"], duct["mach"], duct["hub"]))
        jets.append(group.medium)
    every = many_jet_windows(ducts, jets, len(places["node"]), tolerance=TOLERANCE)
    found = [one for one in every if not isinstance(one, str)]
    reasons = [one if isinstance(one, str) else "" for one in every]
    if not found:
        return Observed({}, reasons)
    columns = {name: np.array([getattr(one, name) for one in found]) for name in _COLUMNS}
    return Observed({name: parts(one, -1) if np.iscomplexobj(one) else one for name, one in columns.items()}, reasons)


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
    observe=_observe,
    accept=_accept,
    jets_together=1008,  # 24 of each of 21 orders with and without a hub: what is factorised together
)
