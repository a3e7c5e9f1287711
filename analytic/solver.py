"""The door to the solutions."""

from .checks import check_tolerance
from .media.jet import Jet, JetSolution
from .media.uniform import Solution
from .multimode import MultiMode, MultiModeSolution
from .source import DuctMode, ModeMixture

_TOLERANCE = 1e-6


def solve(source, *, jet=None, tolerance=_TOLERANCE):
    """Solve for the sound that leaves the duct.

    Parameters
    ----------
    source : DuctMode, ModeMixture or MultiMode
        What is incident on the open end.
    jet : Jet, optional
        The fluid outside, behind a vortex sheet; the duct's Mach number must be positive. Without it the flow, if there
        is one, is uniform and without a wake.
    tolerance : float
        Largest relative error estimate accepted, here and in everything asked of the solution.

    Returns
    -------
    Solution, JetSolution or MultiModeSolution
        For a mode or mixture without or with a jet, and for a MultiMode.

    Raises
    ------
    TypeError
        source is none of these, or jet not a Jet.
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
    if not isinstance(source, DuctMode | ModeMixture | MultiMode):
        raise TypeError(f"expected a DuctMode, a ModeMixture or a MultiMode, got {type(source).__name__}")
    check_tolerance(tolerance)
    if jet is not None:
        mach = (source.parts[0] if isinstance(source, MultiMode) else source).mach
        if not isinstance(jet, Jet):
            raise TypeError(f"expected a Jet, got {type(jet).__name__}")
        if not mach > 0:
            raise ValueError(f"a jet needs flow out of the duct, mach > 0, got mach={mach}")
    if isinstance(source, MultiMode):
        return MultiModeSolution(source, jet, tolerance)
    return Solution(source, tolerance) if jet is None else JetSolution(source, jet, tolerance)
