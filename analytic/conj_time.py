"""A solution in the time convention exp(+i omega t)."""

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray
from .near_field import QUANTITIES, Field

if TYPE_CHECKING:
    from .lined.flow_solution import LinedFlowSolution
    from .lined.hub import LinedHubSolution
    from .lined.solution import LinedSolution
    from .solution import Solution

    TimeMirrored: TypeAlias = Solution | LinedSolution | LinedFlowSolution | LinedHubSolution


class ConjTime:
    """View of a solution in the time convention exp(+i omega t), as returned by `Solution.conj_time`.

    Every complex quantity is the conjugate of the solution's, because the sound is the real part of either. Waves
    outside are exp(-i K rho), fields vary as exp(-i m phi) around the axis, a mass has a positive imaginary impedance,
    and R = -|R| exp(-2 i ka l). Levels, powers, the end correction and error estimates are those of the solution.

    Attributes
    ----------
    solution : Solution
        In the time convention exp(-i omega t).
    """

    def __init__(self, solution: "TimeMirrored") -> None:
        self.solution: Any = solution

    def conj_time(self) -> "TimeMirrored":
        """The solution in the time convention exp(-i omega t)."""
        return cast("TimeMirrored", self.solution)

    @property
    def reflection_matrix(self) -> ComplexArray:
        """Conjugate of `Solution.reflection_matrix`."""
        return self.solution.reflection_matrix.conj()

    @property
    def reflection(self) -> ComplexArray:
        """Conjugate of `Solution.reflection`."""
        return self.solution.reflection.conj()

    @property
    def reflection_pressure(self) -> ComplexArray:
        """Conjugate of `Solution.reflection_pressure`."""
        return self.solution.reflection_pressure.conj()

    @property
    def specific_impedance(self) -> complex:
        """Conjugate of `Solution.specific_impedance`: the imaginary part of a mass is positive."""
        return self.solution.specific_impedance.conjugate()

    @property
    def radiation_impedance(self) -> complex:
        """Conjugate of `Solution.radiation_impedance` [Pa s/m^3]."""
        return self.solution.radiation_impedance.conjugate()

    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """Conjugate of `Solution.directivity`."""
        return np.conj(self.solution.directivity(theta))

    def pressure_directivity(self, angle: npt.ArrayLike) -> ComplexArray:
        """Conjugate of `Solution.pressure_directivity`."""
        return np.conj(self.solution.pressure_directivity(angle))

    def field(self, x: npt.ArrayLike, r: npt.ArrayLike) -> Field:
        """Conjugate of `Solution.field`."""
        return _conjugate(self.solution.field(x, r))

    def at(self, x: npt.ArrayLike, r: npt.ArrayLike) -> Field:
        """Conjugate of `Solution.at`."""
        return _conjugate(self.solution.at(x, r))


def _conjugate(field: Field) -> Field:
    values = {name: getattr(field, name).conj() for name in QUANTITIES}
    return Field(x=field.x, r=field.r, **values, error_estimate=field.error_estimate)
