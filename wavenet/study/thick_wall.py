"""One duct mode at a lip of a wall that has a thickness, by finite elements, and beside it the infinitely thin wall."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import analytic
from analytic import levels
from data.elements import Lip, LipSolution, solve_lip
from wavenet.arrays import ComplexArray, FloatArray

from . import solution
from .solution import FarField, ModeAtAngles, far_field

_SHARE = 1e-3  # largest error estimate of an impedance, over the impedance


@dataclass(frozen=True)
class LipMode:
    """One incident mode of finite elements, under the names that `analytic.Solution` has.

    source : the mode. elements : the solution for all cut-on modes.
    """

    source: analytic.DuctMode
    elements: LipSolution

    @property
    def medium(self) -> analytic.UniformFlow:
        """The same stream inside and outside."""
        return analytic.UniformFlow()

    @property
    def error_estimate(self) -> float:
        """Of reflected power amplitudes (absolute) and of the directivity (relative), the larger one."""
        return float(self.elements.error_estimate[self.source.n])

    @property
    def reflection(self) -> ComplexArray:
        """Potential amplitudes at the wall, x = 0, of the cut-on orders (order,)."""
        return self.elements.reflection[self.source.n]

    @property
    def reflection_pressure(self) -> ComplexArray:
        """The same of the pressure."""
        return pressures(self.source, self.reflection)

    @property
    def end_correction(self) -> float | None:
        """End correction of the plane wave [radii], on the thin wall's branch of the phase; None of other modes."""
        return end_correction(self.source, self.reflection, self.elements.thin[self.source.n])

    @property
    def power(self) -> dict[str, float]:
        """Incident, reflected and radiated power, and what is missing in their balance over the incident one."""
        elements, n = self.elements, self.source.n
        carried = elements.wavenumber * elements.norm
        incident, residual = carried[n], elements.power_residual[n]
        reflected = np.abs(self.reflection) ** 2 @ carried
        radiated = incident * (1 - residual) - reflected
        names = ("incident", "reflected", "radiated", "residual")
        return {
            name: float(value) for name, value in zip(names, (incident, reflected, radiated, residual), strict=True)
        }

    @property
    def impedance(self) -> complex | None:
        """Specific impedance at x = 0 as `analytic.Solution.specific_impedance`; None where errors hide it."""
        value, sensitivity = levels.impedance(self.source, complex(self.reflection_pressure[self.source.n]))
        return value if self.error_estimate * sensitivity <= _SHARE else None

    def directivity(self, theta: FloatArray) -> ComplexArray:
        """Directivity of the potential at angles (angle,) of the (X, r) plane."""
        return silent_on_axis(self.source.m, theta, self.elements.directivity(theta)[self.source.n])


@dataclass(frozen=True)
class NearFields:
    """Pressures next to a lip. x, r : (x,), (r,). thick, thin : (x, r) complex [rho c^2]; thick is 0 in the wall."""

    x: FloatArray
    r: FloatArray
    thick: ComplexArray
    thin: ComplexArray


@dataclass(frozen=True)
class LipAtAngles:
    """Solution for one duct mode at a lip.

    thick : of the wall with its thickness; `solved` is a `LipMode`. thin : of the infinitely thin wall, exact.
    everywhere : far fields of both at whole degrees.
    """

    lip: Lip
    thick: ModeAtAngles
    thin: ModeAtAngles
    everywhere: tuple[FarField, FarField]


def mode(
    source: analytic.DuctMode, lip: Lip, degrees: FloatArray, loudness: Mapping[str, float] | None = None
) -> LipAtAngles:
    """Solve for one duct mode by finite elements; degrees : physical angles. loudness : see `solution.far_field`.

    Raises
    ------
    ValueError
        The duct has a hub, the mode is cut off, or the wall has no thickness.
    ConvergenceError
        The error estimate is above the tolerance.
    ImportError
        NGSolve is missing.
    """
    check(source, lip)
    solved = LipMode(source, solve_lip(source.m, source.helmholtz, lip, source.mach))
    thin = solution.mode(source, degrees, loudness=loudness)

    def far(of: LipMode | analytic.Solution, angles: FloatArray) -> FarField:
        return far_field(source, angles, of.directivity, mach=source.mach, loudness=loudness)

    whole = np.arange(181.0)
    everywhere = far(solved, whole), far(thin.solved, whole)
    power = solved.power
    loss = float(levels.decibels(np.sqrt(power["incident"] / power["radiated"])))
    thick = ModeAtAngles(solved, far(solved, degrees), everywhere[0].loudest, power, solved.impedance, loss)
    return LipAtAngles(lip, thick, thin, everywhere)


def near_fields(found: LipAtAngles, cells: int = 160) -> NearFields:
    """The field of the elements' whole window, on square cells, and the exact one of the thin wall; cells : along x."""
    solved = found.thick.solved
    left, right, radius = solved.elements.window
    side = (right - left) / cells
    x, r = left + side * (np.arange(cells) + 0.5), side * (np.arange(int(radius / side)) + 0.5)
    places = np.meshgrid(x, r, indexing="ij")
    fluid = ~found.lip.in_wall(*places)
    thick = np.zeros(fluid.shape, complex)
    thick[fluid] = solved.elements.field(*(place[fluid] for place in places)).pressure[solved.source.n]
    return NearFields(x, r, thick, found.thin.solved.field(x, r).pressure)


def pressures(source: analytic.DuctMode, reflection: ComplexArray) -> ComplexArray:
    """Reflected pressure amplitudes for those of the potential (order,): p of a mode is i (ka - M mu) psi."""

    def factor(order: int, direction: int) -> complex:
        mu = analytic.axial_wavenumber(source.helmholtz, source.m, order, mach=source.mach, direction=direction)
        return complex(source.helmholtz - source.mach * mu)

    reflected = np.array([factor(order, -1) for order in range(len(reflection))])
    return reflection * reflected / factor(source.n, 1)


def end_correction(source: analytic.DuctMode, reflection: ComplexArray, thin: analytic.Solution) -> float | None:
    """End correction of the plane wave [radii], on the branch of the phase of the thin wall's; None of other modes."""
    before = None if source.n else thin.end_correction
    if before is None:
        return None
    turned = float(np.angle(reflection[0] / thin.reflection[0]))
    return before + turned * (1 - source.mach**2) / (2 * source.helmholtz)


def silent_on_axis(m: int, theta: FloatArray, directivity: ComplexArray) -> ComplexArray:
    """A directivity (angle,), zero instead of rounding on the axis, where modes with m != 0 are silent."""
    return np.where(((theta == 0) | (theta == np.pi)) & (m != 0), 0, directivity)


def check(source: analytic.DuctMode, lip: Lip) -> None:
    """Raise a ValueError unless the mode is one that a lip is solved for."""
    if source.hub:
        raise ValueError(f"a lip is solved for without a hub, got hub={source.hub}")
    if not lip.thickness:
        raise ValueError(f"a lip needs a thickness above 0, got {lip}: without a lip the wall is infinitely thin")
    if not source.cut_on:
        raise ValueError(f"at a lip the incident mode must be cut on, got {source.cut_off}")
