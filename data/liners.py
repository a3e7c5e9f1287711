"""Fields of cases with a liner in the duct: cases of a group share the lined modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .task import TOLERANCE

if TYPE_CHECKING:
    import analytic

    from .sampling import Group


def fields_of(
    groups: Sequence[Group], observe: Callable[[analytic.LinedSolution | analytic.LinedFlowSolution], analytic.Field]
) -> tuple[list[analytic.Field | None], list[str]]:
    """Field of every case, by a function of its solution, or None and the reason."""
    from analytic import ConvergenceError, LinedFlowSolution, LinedSolution
    from analytic.solver import solution_of

    fields: list[analytic.Field | None] = []
    reasons: list[str] = []
    for group in groups:
        assert group.liner is not None  # the recipe was refused
        sources = group.sources
        try:
            first = solution_of(sources[0], liner=group.liner, tolerance=TOLERANCE)
            assert isinstance(first, LinedSolution | LinedFlowSolution)
        except ConvergenceError as error:
            fields += [None] * len(sources)
            reasons += [str(error)] * len(sources)
            continue
        for source in sources:
            try:
                fields.append(observe(first.incident(source)))
                reasons.append("")
            except ConvergenceError as error:
                fields.append(None)
                reasons.append(str(error))
    return fields, reasons
