"""The door to the solutions."""

from .source import DuctMode, ModeMixture
from .unflanged import Solution

_TOLERANCE = 1e-6


def solve(source, *, tolerance=_TOLERANCE):
    """Solve for the sound that leaves the duct.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        What is incident on the open end.
    tolerance : float
        Largest relative error estimate accepted, here and in everything asked of the solution.

    Returns
    -------
    Solution

    Raises
    ------
    TypeError
        source is neither a DuctMode nor a ModeMixture.
    ConvergenceError
        The tolerance is missed, as within a relative 1e-9 of a cut-on.

    Examples
    --------
    >>> solution = solve(DuctMode(0, 0, helmholtz=1.0))
    >>> round(float(abs(solution.reflection[0])), 5), round(solution.end_correction, 5)
    (0.6951, 0.52743)
    """
    if not isinstance(source, DuctMode | ModeMixture):
        raise TypeError(f"expected a DuctMode or a ModeMixture, got {type(source).__name__}")
    if not tolerance > 0:
        raise ValueError(f"the tolerance must be positive, got {tolerance}")
    return Solution(source, tolerance)
