"""The sound that leaves a duct whose lip has a shape, by finite elements."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

import analytic
from analytic.arrays import ComplexArray, FloatArray, IntArray
from analytic.checks import check_angles, check_positive, finite_array
from analytic.errors import ConvergenceError, check_estimate, quiet

from .library import load
from .lips import Lip
from .mesh import Window, make_mesh, stretch
from .radiation import Radiation, Surface
from .system import LAYER_ERROR, System, Traces

_DEGREE, _DEGREES = 10, range(4, 21)
_MARGIN = 0.5  # [radii] of the window around the lip, at least
_THINNEST = 1e-4  # [radii]
_WAVENUMBERS = 1e-3, 60.0  # K, as far as tried; below, Netgen soon makes no mesh of the layer
_HIGHEST = 40  # order m: Hankel functions on the axis overflow above
_DEPTH = 4.0  # of the matched layer over 1 / K, but no less than two elements
_CELLS = 0.75, 0.45  # longest side of an element in wavelengths, but no more than so many radii


@dataclass(frozen=True)
class LipField:
    """Field at points, one for each incident mode; units as those of `analytic.Field`.

    Attributes
    ----------
    potential, axial_velocity, radial_velocity, pressure : (order, ...) complex arrays
        psi [a c], u = dpsi/dx and v = dpsi/dr [c], p [rho c^2].
    error_estimate : (order,) float array
        Relative, the largest over psi, (u, v) and p of |error| / |value|, root mean squares over the points: as those
        of `LipSolution`.
    """

    potential: ComplexArray
    axial_velocity: ComplexArray
    radial_velocity: ComplexArray
    pressure: ComplexArray
    error_estimate: FloatArray


class LipSolution:
    """The sound of all cut-on modes of one azimuthal order; made by `solve_lip`.

    Attributes
    ----------
    m, helmholtz, mach, lip, degree
        As asked for; degree of the elements.
    window : (float, float, float)
        The field is known in window[0] <= x <= window[1], r <= window[2] [radii].
    orders : (order,) int array
        Radial orders n of the cut-on modes.
    wavenumber, norm : (order,) float arrays
        kappa in X = x / sqrt(1 - mach^2); integral of the squared mode, one at the wall, times r.
    reflection : (order, order) complex array
        Potential amplitudes at the wall and x = 0, [incident, reflected].
    reflection_error, directivity_error : (order,) float arrays
        Estimates for each incident mode: of its reflected power amplitudes, in units of the incident one (absolute,
        root of the sum of squares); of its directivity (relative, root mean square over the sphere). They are the
        differences from the solution in the space without the highest degree on the elements' sides, whose own error
        is ten times that of this one, and 2e-7 for the matched layer.
    """

    def __init__(
        self, m: int, helmholtz: float, lip: Lip, mach: float, degree: int, window: tuple[float, float]
    ) -> None:
        self.m, self.helmholtz, self.lip, self.mach, self.degree = m, helmholtz, lip, mach, degree
        self._beta = float(np.sqrt((1 - mach) * (1 + mach)))
        self._k = helmholtz / self._beta  # K
        left, radius = max(window[0], lip.length + _MARGIN), max(window[1], lip.outline()[:, 1].max() + _MARGIN)
        right = max(window[0], _MARGIN)
        self.window = -left, right, radius
        cell = min(_CELLS[0] * 2 * np.pi / self._k, _CELLS[1])
        depth = max(2 * cell, _DEPTH / self._k)
        self._window = Window(-left / self._beta, right / self._beta, radius, depth, cell)
        count = analytic.cut_on_orders(helmholtz, m, mach)
        mesh = make_mesh(lip, self._beta, self._window, degree)
        self._system = System(mesh, self._window, abs(m), self._k, count, degree)
        self.orders: IntArray = np.arange(count)
        lower, traces = (self._system.solve(self._system.unknowns(lower=lower)) for lower in (True, False))
        self._phi, self._lower_phi, self.reflection = traces.phi, lower.phi, traces.reflection
        self.wavenumber, self.norm = self._system.wavenumber, self._system.norm
        self._radiation = self._radiate(traces)
        self.reflection_error = LAYER_ERROR + self._reflection_difference(lower.reflection)
        self.directivity_error = LAYER_ERROR + self._directivity_difference(self._radiate(lower))

    @property
    def error_estimate(self) -> FloatArray:
        """The larger one of `reflection_error` and `directivity_error`: (order,)."""
        return np.maximum(self.reflection_error, self.directivity_error)

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

    def _reflection_difference(self, other: ComplexArray) -> FloatArray:
        power = self.wavenumber * self.norm
        return np.linalg.norm(np.sqrt(power / power[:, None]) * (self.reflection - other), axis=1)

    def _directivity_difference(self, other: Radiation) -> FloatArray:
        theta, weights = self._sphere
        mine, others = self._on_sphere, other.directivity(theta)
        return np.sqrt((np.abs(mine - others) ** 2 @ weights) / (np.abs(mine) ** 2 @ weights))

    @cached_property
    def _sphere(self) -> tuple[FloatArray, FloatArray]:
        """Angles, and weights of int ... sin(theta) dtheta: Gauss's in each half."""
        nodes, weights = np.polynomial.legendre.leggauss(24 + abs(self.m) + int(2 * self._k))
        theta = np.pi / 4 * np.concatenate([nodes + 1, nodes + 3])
        return theta, np.pi / 4 * np.tile(weights, 2) * np.sin(theta)

    @cached_property
    def _on_sphere(self) -> ComplexArray:
        """Directivity at these angles, (order, angle)."""
        return self._radiation.directivity(self._sphere[0])

    @cached_property
    def power_residual(self) -> FloatArray:
        """What is missing in each mode's power balance, in units of its power: (order,)."""
        radiated = self._k * np.abs(self._on_sphere) ** 2 @ self._sphere[1]
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
        theta : (...) float array
            Polar angle in the (X, r) plane [rad], 0 downstream, in [0, pi].

        Returns
        -------
        (order, ...) complex array
            D [-] of each incident mode.

        Raises
        ------
        ValueError
            An angle outside [0, pi].
        """
        theta = check_angles(theta)
        return self._radiation.directivity(theta.ravel()).reshape(-1, *theta.shape)

    def field(self, x: npt.ArrayLike, r: npt.ArrayLike) -> LipField:
        """Field at points in the window.

        Parameters
        ----------
        x, r : float arrays that broadcast together
            Points [radii].

        Returns
        -------
        LipField
            Arrays (order, ...). The velocities are the derivatives of the elements' polynomials.

        Raises
        ------
        ValueError
            A point is in the wall or outside the window.
        """
        x, r = np.broadcast_arrays(finite_array(x, "x"), finite_array(r, "r"))
        left, right, radius = self.window
        for bad, where in (
            ((x < left) | (x > right) | (r < 0) | (r > radius), f"outside {left} <= x <= {right}, 0 <= r <= {radius}"),
            (self.lip.in_wall(x, r), f"in the wall, lip {self.lip.kind}, thickness {self.lip.thickness}"),
        ):
            if np.any(bad):
                raise ValueError(f"the point x = {x[bad][0]}, r = {r[bad][0]} is {where}")
        mine, lower = (self._fields(phi, x.ravel(), r.ravel()) for phi in (self._phi, self._lower_phi))
        of_three = [0], [1, 2], [3]  # psi, (u, v) and p
        estimates = [_norms((mine - lower)[:, rows]) / _norms(mine[:, rows]) for rows in of_three]
        psi, u, v, p = (mine[:, row].reshape(-1, *x.shape) for row in range(4))
        return LipField(psi, u, v, p, LAYER_ERROR + np.max(estimates, axis=0))

    def _fields(self, phi: ComplexArray, x: FloatArray, r: FloatArray) -> ComplexArray:
        """psi, u, v and p of coefficients: (order, 4, point)."""
        phi, phi_x, phi_r = self._system.evaluate(phi, x / self._beta, r)
        ka, mach, shift = self.helmholtz, self.mach, np.exp(-1j * self._k * self.mach * x / self._beta)
        psi = phi * shift
        u = (phi_x * shift - 1j * self._k * mach * psi) / self._beta
        return np.stack([psi, u, phi_r * shift, 1j * ka * psi - mach * u], axis=1)


def _norms(values: ComplexArray) -> FloatArray:
    """Norms over all axes but the first."""
    return np.linalg.norm(values.reshape(len(values), -1), axis=1)


# long: the description
def solve_lip(
    m: int,
    helmholtz: float,
    lip: Lip,
    mach: float = 0.0,
    *,
    tolerance: float = 1e-5,
    degree: int | None = None,
    window: tuple[float, float] = (1.0, 1.5),
) -> LipSolution:
    """Solve for the sound of all cut-on modes (m, n) of a hard-walled duct whose lip has a shape.

    With flow, the equation is that of uniform flow everywhere, as for the thin wall; a thick lip disturbs the mean flow
    around it, which is left out (docs/theory.md).

    Parameters
    ----------
    m : int
        Azimuthal order, |m| <= 40.
    helmholtz : float
        Helmholtz number ka [-], above the first cut-on; ka / sqrt(1 - mach^2) goes from 0.001 to 60.
    lip : Lip
        Of a thickness of at least 1e-4.
    mach : float, |mach| < 1
        Mach number of a uniform flow, positive towards the open end [-].
    tolerance : float
        Largest error estimate, see `LipSolution`, and largest power residual of either sign that are accepted.
    degree : int, optional
        Degree of the elements, 4 to 20; if the tolerance is missed, a second solution is two degrees higher.
    window : (float, float)
        The field is wanted in |x| <= window[0], r <= window[1] [radii].

    Returns
    -------
    LipSolution

    Raises
    ------
    ValueError
        No mode is cut on, the wall has no thickness, or a number is out of its range.
    ConvergenceError
        The error estimate or the power residual is above the tolerance, or there is no mesh.
    ImportError
        NGSolve is missing.

    Examples
    --------
    >>> solution = solve_lip(0, 1.0, Lip.flat(0.1))
    >>> bool(abs(solution.power_residual[0]) < 1e-7)
    True
    """
    degree = _DEGREE if degree is None else degree
    source, tolerance, reach = _checked(m, helmholtz, lip, mach, tolerance, degree, window)
    load()
    case = source.m, source.helmholtz, lip, source.mach
    with quiet():  # what is not finite has no small error estimate
        solution = LipSolution(*case, degree, reach)
        if not np.max(_misses(solution)) <= tolerance:
            solution = LipSolution(*case, degree + 2, reach)
    described = f"m = {m}, helmholtz = {helmholtz}, mach = {mach}, lip {lip}"
    estimate, power = _misses(solution)
    check_estimate(estimate, tolerance, "finite elements", described)
    if not power <= tolerance:  # errors that both solutions of an estimate have show here
        raise ConvergenceError(
            f"the power residual of finite elements, {power:.1e}, is above {tolerance:.1e} for {described}"
        )
    return solution


def _misses(solution: LipSolution) -> tuple[float, float]:
    """Largest error estimate and largest size of a power residual."""
    return float(np.max(solution.error_estimate)), float(np.max(np.abs(solution.power_residual)))


def _checked(
    m: int, helmholtz: float, lip: Lip, mach: float, tolerance: float, degree: int, window: tuple[float, float]
) -> tuple[analytic.DuctMode, float, tuple[float, float]]:
    """Source, tolerance and window as numbers in their ranges."""
    source = analytic.DuctMode(m, 0, helmholtz, mach=mach)
    if not isinstance(lip, Lip):
        raise ValueError(f"lip must be a Lip, such as Lip.flat(0.1), got {lip!r}")
    if not lip.thickness >= _THINNEST:
        raise ValueError(f"a wall thinner than {_THINNEST} radii is that of analytic.solve, got lip {lip}")
    if abs(source.m) > _HIGHEST or degree not in _DEGREES:
        raise ValueError(
            f"|m| goes up to {_HIGHEST}, degrees from {_DEGREES[0]} to {_DEGREES[-1]}, got m = {m}, degree {degree}"
        )
    smallest, largest = _WAVENUMBERS
    if not smallest <= source.helmholtz / np.sqrt(1 - source.mach**2) <= largest:
        raise ValueError(
            f"helmholtz / sqrt(1 - mach^2) goes from {smallest} to {largest}, as far as tried, got "
            f"helmholtz = {helmholtz}, mach = {mach}"
        )
    if not analytic.cut_on_orders(source.helmholtz, source.m, source.mach):
        raise ValueError(f"no mode of order m = {m} is cut on at helmholtz = {helmholtz}, mach = {mach}")
    reach = check_positive(window[0], "window[0]"), check_positive(window[1], "window[1]")
    return source, check_positive(tolerance, "tolerance"), reach
