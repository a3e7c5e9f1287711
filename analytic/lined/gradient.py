r"""Derivatives with respect to the impedance of a liner.

Amplitudes are analytic functions of Z, so that their derivative is an integral around Z,

    f'(Z) = 1 / (2 pi rho) \int_0^{2 pi} f(Z + rho e^{i t}) e^{-i t} dt,

for which the trapezoidal rule converges like (rho / R)^N, R the distance to the next singularity: there is none in Re Z
> 0, not even where two lined modes coincide. Z itself is not solved for.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..arrays import ComplexArray
from ..errors import ConvergenceError, check_estimate, quiet
from .cascade import Cascade, rows_of
from .duct import HardModes
from .flow_cascade import FlowCascade
from .flow_solution import LinedFlowSolution
from .liner import Liner
from .quantities import net_power
from .solution import LinedSolution

_RADIUS = 0.1  # rho over Re Z: 0.1^12 is left
_NODES = 12
_FEWER = 6  # nodes of the rule whose difference, squared as for half the nodes, is the error estimate


@dataclass(frozen=True)
class ImpedanceDerivative:
    """Derivatives of a solution behind liners with respect to the impedance Z of one of them.

    Attributes
    ----------
    reflection, transmission : (order,) complex arrays
        d / dZ of the attributes of the solution.
    absorbed, radiated : complex
        Gradients of power over the incident power, d / dRe(Z) + i d / dIm(Z): the direction of steepest ascent. With a
        jet the radiated power includes what the jet carries as vorticity.
    error_estimate : float
        Of the amplitudes' derivatives, over the largest of them.
    """

    reflection: ComplexArray
    transmission: ComplexArray
    absorbed: complex
    radiated: complex
    error_estimate: float
    _solution: LinedSolution | LinedFlowSolution
    _lip: ComplexArray

    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """d / dZ of the directivity, which is linear in the amplitudes at the lip."""
        return self._solution.sent(self._lip).directivity(theta)


@quiet()
def impedance_derivative(solution: LinedSolution | LinedFlowSolution, liner: int = 0) -> ImpedanceDerivative:
    """Derivatives of a solution with respect to the impedance of one of its liners, 12 solutions around it.

    Parameters
    ----------
    solution : LinedSolution or LinedFlowSolution
    liner : int
        Which of the liners, front to back.

    Raises
    ------
    ValueError
        There is no such liner, it begins at -infinity, or an instability grows along one.
    ConvergenceError
        The error estimate is above the solution's tolerance.

    Examples
    --------
    >>> from analytic import DuctMode, Liner, solve
    >>> there = solve(DuctMode(4, 0, 8.0), liner=Liner(1.5 + 0.8j, 1.0, 0.5))
    >>> slope = impedance_derivative(there).absorbed
    >>> round(slope.real, 3), round(slope.imag, 3)
    (-0.026, -0.012)
    """
    liners = solution.liners
    if not (isinstance(liner, int) and 0 <= liner < len(liners)):
        raise ValueError(f"liner must be the number of one of {len(liners)} liners, got {liner}")
    centre = liners[liner].impedance
    turn = np.exp(2j * np.pi * np.arange(_NODES) / _NODES)
    radius = _RADIUS * centre.real
    rows = [
        [replace(one, impedance=centre + radius * step) if index == liner else one for index, one in enumerate(liners)]
        for step in turn
    ]
    here, found = _waves(solution, rows)
    values = np.array([np.concatenate([one.reflected, one.lip]) for one in found])
    fine = np.conj(turn) @ values / (_NODES * radius)
    coarse = np.conj(turn[::2]) @ values[::2] / (_FEWER * radius)
    gap = float(np.max(np.abs(fine - coarse)) / np.max(np.abs(fine)))
    rounding = solution.error_estimate * float(np.max(np.abs(values)) / (radius * np.max(np.abs(fine))))
    error = gap**1.5 + rounding
    check_estimate(error, solution.tolerance, "the derivative", solution.described)
    reflected, lip = np.split(fine, [len(found[0].reflected)])
    reported = len(solution.reflection)
    absorbed, radiated = _power_gradients(here, reflected, lip)
    first = reflected[:reported] / here.phase
    return ImpedanceDerivative(first, lip[:reported], absorbed, radiated, error, solution, lip)


@dataclass(frozen=True)
class _Waves:
    """Amplitudes of hard modes at the front and at the lip, and their reflection there; phase : of the incident one."""

    hard: HardModes
    load: ComplexArray
    incoming: ComplexArray
    reflected: ComplexArray
    lip: ComplexArray
    phase: complex


def _waves(solution: LinedSolution | LinedFlowSolution, rows: list[list[Liner]]) -> tuple[_Waves, list[_Waves]]:
    """Of the solution, and with other liners."""
    if isinstance(solution, LinedFlowSolution):
        if any(one.surface_wave == "unstable" for one in solution.liners):
            raise ValueError("the derivative with an instability is not known, whose power is not")
        cascade = solution.cascade
        every = [cascade]
        for made in cascade.duct.rows(rows):
            if isinstance(made, ConvergenceError):
                raise made
            every.append(FlowCascade(solution.source, cascade.duct, made))
        found = [
            _Waves(
                one.hard,
                one.duct.lip,
                one.incident,
                one.amplitudes.reflected,
                one.hop * one.amplitudes.lip,
                one.phase,
            )
            for one in every
        ]
        return found[0], found[1:]
    if solution.endless:
        raise ValueError("what is incident from -infinity depends on the impedance itself")
    duct, amplitudes = solution.duct, [solution.amplitudes]
    for sections in rows_of(duct, rows):
        if isinstance(sections, ConvergenceError):
            raise sections
        amplitudes.append(Cascade(duct, sections).amplitudes(solution.source))
    first, *others = (_Waves(duct.hard, duct.lip, one.incoming, one.reflected, one.lip, 1 + 0j) for one in amplitudes)
    return first, others


def _power_gradients(here: _Waves, reflected: ComplexArray, lip: ComplexArray) -> tuple[complex, complex]:
    """Gradients of the absorbed and the radiated share; reflected, lip : derivatives of the amplitudes."""
    hard = here.hard
    scale = float(np.sum(np.abs(hard.kappa) * hard.norm * np.abs(here.incoming) ** 2))

    def slope(step: complex) -> tuple[float, float]:
        """Derivatives along dZ = step: powers are quadratic, so that a difference of two steps is exact."""
        nets = []
        for sign in (0.5, -0.5):
            waves = here.lip + sign * step * lip
            back = here.reflected + sign * step * reflected
            nets.append((net_power(hard, here.incoming, back), net_power(hard, waves, here.load @ waves)))
        (net, through), (net_before, through_before) = nets
        return (net - net_before) / scale, (through - through_before) / scale

    along, across = slope(1.0), slope(1j)
    total, radiated = (complex(one, other) for one, other in zip(along, across, strict=True))
    return total - radiated, radiated
