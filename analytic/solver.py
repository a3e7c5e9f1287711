"""The solver's entry point."""

import math
import warnings
from collections.abc import Sequence
from typing import Any, overload

from .checks import check_tolerance
from .engineering import EngineeringQuantities
from .errors import CutOffWarning, quiet
from .lined.flow_solution import LinedFlowSolution
from .lined.hub import LinedHub, LinedHubSolution
from .lined.liner import Liner, check_liners
from .lined.multimode import LinedMultiModeSolution
from .lined.solution import LinedSolution
from .media import Jet, JetSolution, UniformFlow, transform
from .multimode import MultiMode, MultiModeSolution
from .solution import Solution
from .source import DuctMode, ModeMixture, Source

_TOLERANCE = 1e-6


@overload
def solve(source: Source, *, jet: Jet, tolerance: float = ...) -> JetSolution: ...


@overload
def solve(
    source: Source,
    *,
    medium: object | None = None,
    jet: Jet | None = None,
    liner: Liner | Sequence[Liner],
    tolerance: float = ...,
) -> LinedSolution | LinedFlowSolution: ...


@overload
def solve(
    source: Source,
    *,
    medium: object | None = None,
    jet: Jet | None = None,
    lined_hub: LinedHub,
    tolerance: float = ...,
) -> LinedHubSolution: ...


@overload
def solve(
    source: MultiMode,
    *,
    medium: object | None = None,
    jet: Jet | None = None,
    liner: Liner | Sequence[Liner],
    tolerance: float = ...,
) -> LinedMultiModeSolution: ...


@overload
def solve(
    source: Source, *, medium: object | None = None, jet: Jet | None = None, tolerance: float = ...
) -> Solution: ...


@overload
def solve(
    source: MultiMode, *, medium: object | None = None, jet: Jet | None = None, tolerance: float = ...
) -> MultiModeSolution: ...


@overload
def solve(
    source: DuctMode | ModeMixture | MultiMode,
    *,
    medium: object | None = None,
    jet: Jet | None = ...,
    liner: Liner | Sequence[Liner] | None,
    tolerance: float = ...,
) -> Any: ...


# long: description of the parameters and errors, and examples, of the main entry point
def solve(
    source: DuctMode | ModeMixture | MultiMode,
    *,
    medium: object | None = None,
    jet: Jet | None = None,
    liner: Liner | Sequence[Liner] | None = None,
    lined_hub: LinedHub | None = None,
    tolerance: float = _TOLERANCE,
) -> Solution | MultiModeSolution | LinedSolution | LinedFlowSolution | LinedMultiModeSolution | LinedHubSolution:
    """Compute the sound that leaves the duct.

    Parameters
    ----------
    source : DuctMode, ModeMixture or MultiMode
        The sound incident on the open end.
    medium : object, optional
        Medium the duct opens into: `UniformFlow` (the default: the flow, if any, is uniform and has no wake), `Jet`, or
        an instance of another class in `analytic.media.MEDIA`.
    jet : Jet, optional
        Shorthand for medium=jet: a vortex sheet separates the fluid outside; the duct's Mach number must be positive.
    liner : Liner or sequence of Liner, optional
        Liners, front to back. The source is then incident at the front of the first one; if that begins at -infinity,
        a lined mode is, see `LinedSolution`. In flow they stand between hard walls, and where Im Z > 0 they must say
        what their surface wave is.
    lined_hub : LinedHub, optional
        Liner on the hub all along, also outside the duct; there is no other liner then, and no MultiMode.
    tolerance : float
        Largest relative error estimate accepted, here and in everything computed from the solution.

    Returns
    -------
    Solution
        Or one like it, of the same names: JetSolution with a jet, LinedSolution with liners, LinedFlowSolution with
        liners in flow, LinedHubSolution with a lined hub; for a MultiMode, MultiModeSolution, and
        LinedMultiModeSolution with liners.

    Raises
    ------
    TypeError
        source or medium has another type, jet is not a Jet, or both medium and jet are given; with a lined hub, there
        is a MultiMode or a liner.
    ValueError
        There is a jet but no flow in the duct; or flow, and a liner whose surface wave is not chosen.
    ConvergenceError
        The error estimate is above the tolerance, as within a relative 1e-9 of a cut-on; with a jet, one of its modes
        was lost or two contours disagree.

    Warns
    -----
    CutOffWarning
        No incident mode propagates, see `Solution.cut_on`.

    Examples
    --------
    >>> solution = solve(DuctMode(0, 0, helmholtz=1.0))
    >>> round(float(abs(solution.reflection[0])), 5), round(solution.end_correction, 5)
    (0.6951, 0.52743)
    >>> with_jet = solve(DuctMode(0, 0, helmholtz=1.0, mach=0.3), jet=Jet())
    >>> round(float(abs(with_jet.reflection_pressure[0])), 5)
    0.89696
    >>> lined = solve(DuctMode(0, 0, helmholtz=2.0), liner=Liner(impedance=1 + 1j, length=1.0, distance=0.5))
    >>> round(float(abs(lined.reflection[0])), 5), round(lined.absorbed, 5)
    (0.24782, 0.66212)
    """
    found = solution_of(source, medium=medium, jet=jet, liner=liner, lined_hub=lined_hub, tolerance=tolerance)
    if isinstance(found, EngineeringQuantities) and not found.cut_on and _from_hard_duct(liner):
        text = f"{found.source.cut_off}; the source decays in the duct and carries no power of its own"
        warnings.warn(text, CutOffWarning, stacklevel=2)
    return found


def solution_of(
    source: DuctMode | ModeMixture | MultiMode,
    *,
    medium: object | None = None,
    jet: Jet | None = None,
    liner: Liner | Sequence[Liner] | None = None,
    lined_hub: LinedHub | None = None,
    tolerance: float = _TOLERANCE,
) -> Any:
    """`solve` without the warning of a mode that is cut off, for callers that say so themselves."""
    if not isinstance(source, DuctMode | ModeMixture | MultiMode):
        raise TypeError(f"expected a DuctMode, a ModeMixture or a MultiMode, got {type(source).__name__}")
    tolerance = check_tolerance(tolerance)
    if lined_hub is not None:
        if isinstance(source, MultiMode) or liner is not None:
            raise TypeError("with a lined hub, expected a DuctMode or a ModeMixture, and no liner")
        if not isinstance(lined_hub, LinedHub):
            raise TypeError(f"expected a LinedHub, got {type(lined_hub).__name__}")
        return LinedHubSolution(source, lined_hub, tolerance, _medium(medium, jet))
    if liner is not None:
        liners = check_liners(liner)
        if isinstance(source, MultiMode):
            return LinedMultiModeSolution(source, liners, tolerance, _medium(medium, jet))
        medium = _medium(medium, jet)
        if source.mach or medium != UniformFlow():
            return LinedFlowSolution(source, liners, tolerance, medium)
        return LinedSolution(source, liners, tolerance)
    medium = _medium(medium, jet)
    if isinstance(source, MultiMode):
        return MultiModeSolution(source, medium, tolerance)
    with quiet():
        state = transform(source, medium)
        return state.solution(state, tolerance)


def _from_hard_duct(liner: Liner | Sequence[Liner] | None) -> bool:
    """Whether the source is incident in a hard-walled duct, and not in a liner that begins at -infinity."""
    return liner is None or math.isfinite(check_liners(liner)[0].length)


def _medium(medium: object | None, jet: Jet | None) -> object:
    """Medium from the arguments of `solve`."""
    if jet is None:
        return UniformFlow() if medium is None else medium
    if not isinstance(jet, Jet):
        raise TypeError(f"expected a Jet, got {type(jet).__name__}")
    if medium is not None:
        raise TypeError(f"give either medium or jet, not both, got medium={medium} and jet={jet}")
    return jet
