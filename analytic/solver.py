"""The door to the solutions."""

from .jet import JetSolution
from .source import DuctMode, Jet, ModeMixture
from .unflanged import Solution

_TOLERANCE = 1e-6


def solve(source, *, jet=None, tolerance=_TOLERANCE):
    """Solve for the sound that leaves the duct.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        What is incident on the open end.
    jet : Jet, optional
        The fluid outside, behind a vortex sheet; the duct's Mach number must be positive. Without it the flow, if there
        is one, is uniform and without a wake.
    tolerance : float
        Largest relative error estimate accepted, here and in everything asked of the solution.

    Returns
    -------
    Solution or JetSolution

    Raises
    ------
    TypeError
        source is neither a DuctMode nor a ModeMixture, or jet not a Jet.
    ValueError
        A jet without flow in the duct.
    ConvergenceError
        The tolerance is missed, as within a relative 1e-9 of a cut-on; with a jet, a mode of it was lost, or two
        contours disagree.

    Examples
    --------
    >>> solution = solve(DuctMode(0, 0, helmholtz=1.0))
    >>> round(float(abs(solution.reflection[0])), 5), round(solution.end_correction, 5)
    (0.6951, 0.52743)
    >>> with_jet = solve(DuctMode(0, 0, helmholtz=1.0, mach=0.3), jet=Jet())
    >>> round(float(abs(with_jet.reflection_pressure[0])), 5)
    0.89696
    """
    if not isinstance(source, DuctMode | ModeMixture):
        raise TypeError(f"expected a DuctMode or a ModeMixture, got {type(source).__name__}")
    if not tolerance > 0:
        raise ValueError(f"the tolerance must be positive, got {tolerance}")
    if jet is None:
        return Solution(source, tolerance)
    if not isinstance(jet, Jet):
        raise TypeError(f"expected a Jet, got {type(jet).__name__}")
    if not source.mach > 0:
        raise ValueError(f"a jet needs flow out of the duct, mach > 0, got mach={source.mach}")
    return JetSolution(source, jet, tolerance)
