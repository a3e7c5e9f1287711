"""How fields are stored: in double or single precision, whose rounding is part of the error estimate."""

from typing import Any

import numpy as np

from .arrays import Array
from .layout import PRECISIONS
from .task import TOLERANCE, Task


def single(values: Array) -> tuple[Array, Array]:
    """Values in single precision, and what that changes in each case (case,), relative root mean squares.

    Where they are too large or too small, that is not finite.
    """
    exact = values.reshape(len(values), -1)
    with np.errstate(all="ignore"):
        found = values.astype(PRECISIONS["single"])
        changed = np.linalg.norm(found.reshape(exact.shape) - exact, axis=1) / np.linalg.norm(exact, axis=1)
    return found, changed


def stored(task: Task[Any], storage: str, values: dict[str, Array]) -> dict[str, Array]:
    """Arrays of a group of cases as they are stored: fields of the precision, the rounding added to `error_estimate`.

    Rounding is measured, not estimated: of each field the root mean square of what it changes, relative to that of the
    field; the largest of a case counts. Errors of the solver are relative in the same way.

    Raises
    ------
    analytic.ConvergenceError
        A field is zero at all points, or the error estimate with rounding is above `TOLERANCE`, as where values are
        too small or too large for single precision.
    """
    from analytic import ConvergenceError

    found, errors = dict(values), np.asarray(values["error_estimate"], dtype=float)
    for name in task.fields:
        if not np.all(np.any(values[name].reshape(len(errors), -1), axis=1)):
            raise ConvergenceError(f"{name} is zero at all points")
    if storage == "double":
        return found
    rounding = np.zeros_like(errors)
    for name in task.fields:
        found[name], changed = single(values[name])
        rounding = np.maximum(rounding, changed)
    total = errors + rounding
    if not np.all(total <= TOLERANCE):
        raise ConvergenceError(
            f"the error estimate {np.max(total):.1e} with rounding to {storage} precision is above {TOLERANCE:.0e}"
        )
    return found | {"error_estimate": total}
