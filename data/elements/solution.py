"""The sound that leaves a duct whose lip has a shape, by finite elements."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

import analytic
from analytic.arrays import ComplexArray, FloatArray, IntArray
from analytic.checks import check_angles, real_number
from analytic.errors import check_estimate

from .lips import Lip
from .mesh import Window, make_mesh, stretch
from .radiation import Radiation, Surface
from .system import System, Traces

_DEGREE = 10
_MARGIN = 1.0  # [radii] of the window in front of the lip, and behind it
_ABOVE = 0.5  # [radii] of the window above the outer wall
_CELLS = 0.8, 0.5  # longest side of an element in wavelengths, but no more than so many radii


class LipSolution:
    """The sound of all cut-on modes of one azimuthal order; see `solve_lip`.

    Attributes
    ----------
    m, helmholtz, mach, lip
        As asked for.
    orders : (order,) int array
        Radial orders n of the cut-on modes.
    wavenumber, norm : (order,) float arrays
        kappa in X = x / sqrt(1 - mach^2); integral of the squared mode, one at the wall, times r.
    reflection : (order, order) complex array
        Potential amplitudes at the wall and x = 0, [incident, reflected].
    error_estimate : (order,) float array
        Of each incident mode, the larger one of: the difference of the reflected power amplitudes, in units of the
        incident one (absolute); the difference of the directivity (relative, over the sphere). Against the solution in
        the space without the highest degree on the elements' sides.
    """

    def __init__(self, m: int, helmholtz: float, lip: Lip, mach: float, degree: int) -> None:
        self.m, self.helmholtz, self.lip, self.mach, self.degree = m, helmholtz, lip, mach, degree
        self._beta = np.sqrt((1 - mach) * (1 + mach))
        self._k = helmholtz / self._beta  # K
        stretched = lip.stretched(mach)
        cell = min(_CELLS[0] * 2 * np.pi / self._k, _CELLS[1])
        self._window = Window(
            left=-stretched.length - _MARGIN / self._beta,
            right=_MARGIN / self._beta,
            radius=1 + lip.thickness + _ABOVE,
            depth=max(2 * cell, 2 / self._k),
            cell=cell,
        )
        self._system = System(make_mesh(stretched, self._window, degree), self._window, abs(m), self._k, degree)
        traces = [self._system.solve(self._system.unknowns(lower=lower)) for lower in (True, False)]
        self._phi = traces[1].phi
        self.wavenumber, self.norm = self._system.wavenumber, self._system.norm
        self.orders: IntArray = np.arange(len(self.wavenumber))
        self.reflection: ComplexArray = traces[1].reflection
        lower, self._radiation = (self._radiate(part) for part in traces)
        self.error_estimate = self._differences(traces[0].reflection, lower)

    def _radiate(self, traces: Traces) -> Radiation:
        functions, slopes, fluxes = (self._system.functions(part) for part in (traces.phi, traces.slope, traces.flux))

        def surface(name: str) -> Surface:
            where, at = self._system.boundary_points(name, self.degree + 2)
            x, dx = stretch(self._window, self._system.layer, at["x"])
            weight = at["r"] * at["weight"] * dx
            phi = np.array([function(where)[:, 0] for function in functions])
            if name == "line":
                flux = np.array([function(where)[:, 0] for function in fluxes])
                return Surface(x, at["r"], 0 * weight, weight, phi, flux * at["weight"] * dx)
            normal = np.zeros_like(phi)
            if name == "section":
                normal = np.array([function(where)[:, 0] for function in slopes]) * weight
            return Surface(x, at["r"], at["nx"] * weight, at["nr"] * weight, phi, normal)

        outer_lip = surface("lip_outer")
        wall = [surface(name) for name in ("section", "inner", "lip_inner", "outer")]
        ahead, behind = Surface.join([*wall, outer_lip]), Surface.join([outer_lip, surface("line")])
        return Radiation(abs(self.m), self._k, 1 + self.lip.thickness, ahead, behind)

    def _differences(self, reflection: ComplexArray, radiation: Radiation) -> FloatArray:
        share = np.sqrt(np.outer(1 / (self.wavenumber * self.norm), self.wavenumber * self.norm))
        reflected = np.linalg.norm(share * (self.reflection - reflection), axis=1)
        theta, weights = self._sphere
        mine, other = self._radiation.directivity(theta), radiation.directivity(theta)
        radiated = np.sqrt((np.abs(mine - other) ** 2 @ weights) / (np.abs(mine) ** 2 @ weights))
        return np.maximum(reflected, radiated)

    @cached_property
    def _sphere(self) -> tuple[FloatArray, FloatArray]:
        """Angles, and weights of int ... sin(theta) dtheta: Gauss's in each half."""
        nodes, weights = np.polynomial.legendre.leggauss(16 + int(2 * self._k))
        theta = np.pi / 4 * np.concatenate([nodes + 1, nodes + 3])
        return theta, np.pi / 4 * np.tile(weights, 2) * np.sin(theta)

    @cached_property
    def power_residual(self) -> FloatArray:
        """What is missing in each mode's power balance, in units of its power: (order,)."""
        theta, weights = self._sphere
        radiated = self._k * np.abs(self._radiation.directivity(theta)) ** 2 @ weights
        power = self.wavenumber * self.norm
        return 1 - (np.abs(self.reflection) ** 2 @ power + radiated) / power

    @cached_property
    def thin(self) -> list[analytic.Solution]:
        """The exact solutions for the infinitely thin wall, one for each incident mode."""
        sources = [analytic.DuctMode(self.m, int(n), self.helmholtz, mach=self.mach) for n in self.orders[::-1]]
        first = analytic.solve(sources[0])
        return [first, *(first.incident(source) for source in sources[1:])][::-1]

    def directivity(self, theta: npt.ArrayLike) -> ComplexArray:
        """Directivity D: phi -> D(theta) exp(i K rho) / rho far away, psi = phi exp(-i K mach X).

        Parameters
        ----------
        theta : (angle,) float array
            Polar angle in the (X, r) plane [rad], 0 downstream, in [0, pi].

        Returns
        -------
        (order, angle) complex array
            D [-] of each incident mode.

        Raises
        ------
        ValueError
            An angle outside [0, pi].
        """
        return self._radiation.directivity(np.atleast_1d(check_angles(theta)))


def solve_lip(
    m: int,
    helmholtz: float,
    lip: Lip,
    mach: float = 0.0,
    *,
    tolerance: float = 1e-5,
    degree: int | None = None,
) -> LipSolution:
    """Solve for the sound of all cut-on modes (m, n) of a hard-walled duct whose lip has a shape.

    Parameters
    ----------
    m : int
        Azimuthal order.
    helmholtz : float
        Helmholtz number ka [-], above the first cut-on.
    lip : Lip
        Of a thickness above 0.
    mach : float, |mach| < 1
        Mach number of a uniform flow, positive towards the open end [-].
    tolerance : float
        Largest error estimate accepted, see `LipSolution.error_estimate`.
    degree : int, optional
        Degree of the elements; if the tolerance is missed, a second solution is two degrees higher.

    Returns
    -------
    LipSolution

    Raises
    ------
    ValueError
        No mode is cut on, or the wall has no thickness.
    ConvergenceError
        The error estimate is above the tolerance.
    ImportError
        NGSolve is missing.
    """
    try:
        import ngsolve
    except ImportError as error:
        raise ImportError("finite elements need NGSolve: pip install 'wavenet[elements]'") from error
    source = analytic.DuctMode(m, 0, helmholtz, mach=mach)  # checks the numbers
    tolerance = real_number(tolerance, "tolerance")
    if not lip.thickness > 0:
        raise ValueError("a wall without thickness is solved by analytic.solve")
    if not analytic.cut_on_helmholtz(source.m, 0, source.mach) < source.helmholtz:
        raise ValueError(f"no mode of order m = {m} is cut on at helmholtz = {helmholtz}, mach = {mach}")
    ngsolve.SetNumThreads(1)
    ngsolve.ngsglobals.msg_level = 0
    degree = _DEGREE if degree is None else degree
    solution = LipSolution(source.m, source.helmholtz, lip, source.mach, degree)
    if not np.max(solution.error_estimate) <= tolerance:
        solution = LipSolution(source.m, source.helmholtz, lip, source.mach, degree + 2)
    check_estimate(
        float(np.max(solution.error_estimate)), tolerance, "finite elements", f"m = {m}, ka = {helmholtz}, lip {lip}"
    )
    return solution
