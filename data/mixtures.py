"""Parts shared by the tasks of mode mixtures: the array of amplitudes, and the arrays of a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .arrays import FloatArray
from .task import TOLERANCE, Variable, parts

if TYPE_CHECKING:
    import analytic

    from .sampling import Group

ORDER = Variable(("order",), "i8", "1", "radial order, from 0")
AMPLITUDE = Variable(("case", "order", "part"), "f8", "a c", "incident potential at the wall, x = 0")


def solve_first(group: Group) -> analytic.Solution:
    """Solution for the first mixture of a group; its `fields` for other amplitudes gives the other mixtures."""
    from analytic import ModeMixture, solve

    mixture = ModeMixture(group.m, group.amplitudes[0], group.helmholtz, group.mach)
    return solve(mixture, tolerance=TOLERANCE)


def observed(
    group: Group, solution: analytic.Solution, fields: Sequence[analytic.Field], names: Sequence[str], orders: int
) -> dict[str, FloatArray]:
    """Arrays of a group: the named fields, the amplitudes, and the larger error of solution and field."""
    amplitudes = np.zeros((len(fields), orders), complex)
    amplitudes[:, : group.amplitudes.shape[1]] = group.amplitudes
    values = {name: np.array([parts(getattr(field, name), 0) for field in fields]) for name in names}
    errors = [max(solution.error_estimate, field.error_estimate) for field in fields]
    return values | {"amplitude": parts(amplitudes, -1), "error_estimate": np.array(errors)}
