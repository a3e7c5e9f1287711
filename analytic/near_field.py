r"""Near field from its spectra: sums of waves exp(-i s x) over the nodes of a contour, on a grid or at points.

Upstream and downstream of the lip the potential is a sum of

    psi(x, r) = exp(-i sigma x) sum_n c_n exp(-i s_n x / beta) f_n(r),

so that a grid costs one matrix product for psi, u and v together on either side. Half of the quadrature's nodes give
the coarse value that the error estimate needs.
"""

import copy
import functools
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .contour import ARMS, POWER, contour
from .errors import ConvergenceError
from .wavenumbers import exponentials

_SAFETY = 15.0  # between the tolerance and the estimate aimed at
_LOOSEST = 0.01  # tolerance above which nothing is saved
_MORE = 1.2, 2.0  # times the exponent of the error aimed at, when it was missed
_GROWTH = 7.0  # exponent of the growth of waves along the contour
_MOST = 40.0  # exponent beyond which rounding is the limit
_ATTEMPTS = 5
_CLOSEST = 1e-6  # least distance to the lip at which a field is computed [radii]


@dataclass(frozen=True)
class Field:
    """Near field at points (x, r), in duct radii; sound speed c and density rho are those of the duct's stream.

    Attributes
    ----------
    x, r : float arrays
        As they were asked for.
    potential, axial_velocity, radial_velocity, pressure : complex arrays, (x, r) on a tensor grid
        psi [a c], u = dpsi/dx and v = dpsi/dr [c], p [rho c^2].
    error_estimate : float
        Relative, the largest over psi, (u, v) and p of |error| / |value|, root mean squares over the points.
    """

    x: np.ndarray
    r: np.ndarray
    potential: np.ndarray
    axial_velocity: np.ndarray
    radial_velocity: np.ndarray
    pressure: np.ndarray
    error_estimate: float


class Factor:
    """What waves on a grid depend on x by, or on r.

    values : (quantity, point, node) complex array.
    """

    def __init__(self, values):
        self.values = values

    @functools.cached_property
    def norms(self):
        """Over the points: (quantity, node)."""
        return _norms_of_nodes(self.values)

    def split(self, sizes):
        """Factors of as many nodes, one after the other."""
        if len(sizes) == 1:
            return [self]
        parts = []
        for stop, size in zip(np.cumsum(sizes), sizes, strict=True):
            nodes = slice(stop - size, stop)
            parts.append(Factor(self.values[..., nodes]))
            parts[-1].norms = self.norms[..., nodes]  # found for all at once
        return parts


@dataclass(frozen=True)
class Waves:
    """Terms of a sum over waves, for some radii.

    s : (node,) complex array, times beta and less the shift; for the quadrature over the path the nodes of that for x <
        0, which on the other side stand for their mirror images -s.
    radial : Factor of f, its r-derivative and -i s / beta f.
    coefficient : (node,) complex array, c.
    error : (node,) float array, relative.
    half : number of nodes, the first ones, that give half the sum, if it is the quadrature; 0 if the terms are exact.
    """

    s: np.ndarray
    radial: Factor
    coefficient: np.ndarray
    error: np.ndarray
    half: int = 0


class NearField:
    """Near field of a solution; a base class. What a solution provides is declared here."""

    source: Any
    tolerance: float
    _amplitudes: np.ndarray
    _shift: float  # sigma of the module's sum
    _beta: float  # its length scale in x
    _k: float  # its branch points are -K and K
    _poles: np.ndarray  # to be kept away from by the path for x < 0
    _arms: tuple = ARMS  # angles at which that path may leave

    @staticmethod
    def _spectra(solutions, paths) -> list[Any]:
        """An object for every solution and path, whose waves(r, downstream), r increasing, gives a list of `Waves`."""
        raise NotImplementedError

    def _set_strength(self):
        """What depends on the incident amplitudes."""
        raise NotImplementedError

    def _incident(self, source):
        """The solution for another source in the same duct, of no more radial orders; the factorisation is shared."""
        other = copy.copy(self)
        other.__dict__.pop("power", None)
        other.source, other._amplitudes = source, np.asarray(source.amplitudes, dtype=complex)
        other._set_strength()
        return other

    def _fluid(self, inside) -> tuple[float, float, float]:
        """Density, Helmholtz number and Mach number in p = density (i k psi - M u)."""
        raise NotImplementedError

    def field(self, x, r):
        """Near field on the tensor grid of x and r.

        Parameters
        ----------
        x : (nx,) float array
            Axial positions [radii], the open end at 0, the duct in x < 0.
        r : (nr,) float array
            Radii, not inside the hub, the wall at 1; on the wall itself (r = 1) the inner side is meant.

        Returns
        -------
        Field
            Arrays (nx, nr).

        Raises
        ------
        ValueError
            A radius is negative or inside the hub, a position not finite, or a point closer than 1e-6 to the lip.
        ConvergenceError
            The error estimate is above the solution's tolerance.
        """
        return grid_fields([[self]], x, r)[0][0]

    def at(self, x, r):
        """Near field at scattered points; x and r broadcast together. Otherwise as `field`."""
        x, r = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(r, dtype=float))
        shape, x, r = x.shape, x.ravel(), r.ravel()
        ((field,),) = _fields([[self]], x, r, np.min(np.hypot(x, r - 1), initial=np.inf), _Points)
        parts = {name: value.reshape(shape) for name, value in vars(field).items() if name != "error_estimate"}
        return Field(**parts, error_estimate=field.error_estimate)

    def _assemble(self, x, r, grid, case, spectra):
        """Field from its spectra, the grid's case."""
        values = np.empty((4, *grid.shape), complex)  # psi, u, v, p
        error = np.zeros(3)  # squared, of psi, (u, v) and p
        for side in grid.sides:
            sums = [self._contract(grid, side, case, waves) for waves in spectra.waves(side.r, side.downstream)]
            total, (psi_error, v_error, u_error) = (
                functools.reduce(operator.iadd, terms) for terms in zip(*sums, strict=True)
            )
            psi, v, u = total
            if self._shift:
                u -= 1j * self._shift * psi
                total *= np.exp(-1j * self._shift * side.x).reshape(grid.along_x)
                u_error += abs(self._shift) * psi_error
            density, k, mach = np.where(
                side.r <= 1, *(np.array(self._fluid(inside))[:, None] for inside in (True, False))
            )
            p = (1j * density * k) * psi
            if np.any(mach):
                p -= (density * mach) * u
            for value, quantity in zip(values, (psi, u, v, p), strict=True):
                value[side.where] = quantity
            p_error = np.max(density * k) * psi_error + np.max(density * np.abs(mach)) * u_error
            error += psi_error**2, u_error**2 + v_error**2, p_error**2
        size = _norms(values) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(error > 0, np.sqrt(error / (size[0], size[1] + size[2], size[3])), 0.0)
        finite = np.all(np.isfinite(size)) and np.all(np.isfinite(relative))
        estimate = float(np.max(relative)) if finite else np.inf
        return Field(x, r, values[0], values[1], values[2], values[3], estimate)

    def _contract(self, grid, side, case, waves):
        """psi, v and u + i sigma psi (3, ...), but for exp(-i sigma x), and the norms of their errors."""
        if waves.half:
            axial = side.axials[case]
        else:
            axial = Factor(np.exp(np.multiply.outer(side.x / self._beta, -1j * waves.s))[None])
        strength, factors = axial.values[0] * waves.coefficient, waves.radial.values
        error = waves.error.copy()
        if waves.half:
            error[[0, waves.half - 1, -1]] += 1.0  # as much as what lies beyond the ends of the path
        rounding = grid.norms(axial, waves.radial) @ (np.abs(waves.coefficient) * error)
        if not waves.half:
            return grid.product(strength, factors, slice(None)), rounding
        half = grid.product(strength, factors, slice(waves.half))
        other = grid.product(strength, factors, slice(waves.half, None))
        fine, difference = half + other, half - other
        if side.downstream:  # -s
            np.negative(fine[2], out=fine[2])
        size, gap = _norms(fine), _norms(difference)
        # Halving the step squares the error of an exponentially convergent rule: between the difference and its square.
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.where(gap > 0, gap / size, 0.0)
        return fine, size * quotient * np.minimum(quotient, 1.0) ** (POWER - 1) + rounding


def grid_fields(families, x, r):
    """`field` of many solutions at once.

    Parameters
    ----------
    families : list of lists of NearField
        Solutions of one family differ in their amplitudes only; those of several families are of one call, see
        `Solution.several`.
    x, r : arrays
        As for `NearField.field`, which has the errors, too.

    Returns
    -------
    list of lists of Field
    """
    x, r = np.atleast_1d(np.asarray(x, dtype=float)), np.atleast_1d(np.asarray(r, dtype=float))
    if x.ndim != 1 or r.ndim != 1:
        raise ValueError(f"a grid needs one-dimensional x and r, got shapes {x.shape} and {r.shape}; see at()")
    nearest = np.hypot(np.min(np.abs(x), initial=np.inf), np.min(np.abs(r - 1), initial=np.inf))
    return _fields(families, x, r, nearest, _Grid)


def _fields(families, x, r, nearest, layout):
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(r)) and x.size and r.size):
        raise ValueError("positions must be finite, and there must be at least one")
    hub = families[0][0].source.hub
    if np.any(r < hub):
        raise ValueError(f"radii must be at least {hub}, the hub's, got r={r[r < hub][0]}")
    if nearest < _CLOSEST:
        raise ValueError(
            f"a point lies {nearest:.1e} from the lip, where the velocity is singular; the least is {_CLOSEST}"
        )
    found: list = [None] * len(families)
    wanted = [float(np.log(_SAFETY / min(family[0].tolerance, _LOOSEST))) for family in families]
    aims = {index: (exponent / POWER, _GROWTH) for index, exponent in enumerate(wanted)}
    missed = {}
    for attempt in range(_ATTEMPTS):
        tried = _sums([families[index] for index in aims], x, r, nearest, layout, aims.values())
        for index, fields in zip(list(aims), tried, strict=True):
            worst = max(field.error_estimate for field in fields)
            exponent, growth = aims.pop(index)
            if worst <= families[index][0].tolerance:
                found[index] = fields
            elif attempt == 0:  # first against the quadrature's error only
                aims[index] = exponent * np.clip(wanted[index] / max(-np.log(worst), 1e-3), *_MORE), growth
            else:  # then against the rounding's, too
                aims[index] = min(2 * exponent, _MOST), 0.5 * growth
            missed[index] = worst
        if not aims:
            return found
    first = next(iter(aims))
    solution = families[first][0]
    raise ConvergenceError(
        f"the error estimate of the field, {missed[first]:.1e}, is above {solution.tolerance:.1e} for {solution.source}"
    )


def _sums(families, x, r, nearest, layout, aims):
    """Fields and their error estimates, for an exponent of the error and one of the growth along each path."""
    leaders = [family[0] for family in families]
    along, across = float(np.max(np.abs(x))), float(np.max(r)) - 1
    paths = []
    for one, (exponent, growth) in zip(leaders, aims, strict=True):
        extent, aim = max(along / one._beta, across), {"nearest": nearest, "exponent": exponent, "growth": growth}
        try:
            paths.append(contour(one._k, one._poles, extent=extent, arms=one._arms, **aim))
        except ConvergenceError as error:
            raise ConvergenceError(f"{error}, for {one.source}") from None
    grid = layout(x, r, [1j * path.s / leader._beta for leader, path in zip(leaders, paths, strict=True)])
    every = leaders[0]._spectra(leaders, paths)
    with np.errstate(over="ignore", invalid="ignore"):  # of incident modes that are cut off, far upstream: seen later
        return [
            [one._assemble(x, r, grid, case, spectra if one is family[0] else spectra.of(one)) for one in family]
            for case, (family, spectra) in enumerate(zip(families, every, strict=True))
        ]


def _norms(values):
    """Norms over all axes but the first."""
    parts, axes = values.view(float), "qxr"[: values.ndim]  # real and imaginary, one beside the other
    return np.sqrt(np.einsum(f"{axes},{axes}->q", parts, parts))


def _norms_of_nodes(values):
    """Norms over the middle axis."""
    parts = np.ascontiguousarray(values).view(float)
    squares = np.einsum("qpn,qpn->qn", parts, parts)
    return np.sqrt(squares[:, ::2] + squares[:, 1::2])


@dataclass(frozen=True)
class _Side:
    """Points on one side of the open end.

    where : index of the points in the arrays of the field, or of their rows and columns.
    x, r : float arrays, in that order; r increases.
    axials : Factors, exp(rate |x|) of every case's path.
    """

    downstream: bool
    where: tuple
    x: np.ndarray
    r: np.ndarray
    axials: list[Factor]


class _Grid:
    """Tensor grid: sums over nodes are matrix products."""

    along_x = (-1, 1)

    def __init__(self, x, r, rates):
        self.shape = (len(x), len(r))
        distances, rows = np.unique(np.abs(x), return_inverse=True)  # one for both sides, if they are mirror images
        every = Factor(exponentials(distances, np.concatenate(rates))[None])
        outward, j = np.argsort(rows), np.argsort(r, kind="stable")
        self.sides = []
        for downstream in (True, False):
            i = outward[(x[outward] >= 0) == downstream]
            if len(i):
                mirrored = np.array_equal(rows[i], np.arange(len(distances)))
                axial = every if mirrored else Factor(every.values[:, rows[i]])
                axials = axial.split([len(rate) for rate in rates])
                self.sides.append(_Side(downstream, _rectangle(i, j), x[i], r[j], axials))

    @staticmethod
    def product(strength, factors, nodes):
        """Sum over nodes: (x, node) by (quantity, r, node) to (quantity, x, r)."""
        quantities, radii, count = factors.shape
        flat = strength[:, nodes] @ factors.reshape(quantities * radii, count)[:, nodes].T
        return flat.reshape(-1, quantities, radii).transpose(1, 0, 2)

    @staticmethod
    def norms(axial, radial):
        """Norm over the points of every node's wave: (quantity, node)."""
        return axial.norms * radial.norms


def _rectangle(i, j):
    """Index of rows i and columns j: slices, which cost less, where they follow each other."""
    if np.any(np.diff(j) != 1) or not (np.all(np.diff(i) == 1) or np.all(np.diff(i) == -1)):
        return np.ix_(i, j)
    rows = slice(i[0], i[-1] + 1) if i[-1] >= i[0] else slice(i[0], i[-1] - 1 if i[-1] else None, -1)
    return rows, slice(j[0], j[-1] + 1)


class _Points:
    """Scattered points: sums over nodes point by point."""

    along_x = (-1,)

    def __init__(self, x, r, rates):
        self.shape = x.shape
        outward = np.argsort(r, kind="stable")
        self.sides = []
        for downstream in (True, False):
            i = outward[(x[outward] >= 0) == downstream]
            if len(i):
                axials = [Factor(np.exp(np.multiply.outer(np.abs(x[i]), rate))[None]) for rate in rates]
                self.sides.append(_Side(downstream, (i,), x[i], r[i], axials))

    @staticmethod
    def product(strength, factors, nodes):
        """Sum over nodes: (point, node) by (quantity, point, node) to (quantity, point)."""
        return np.einsum("pn,qpn->qp", strength[:, nodes], factors[..., nodes])

    @staticmethod
    def norms(axial, radial):
        """Norm over the points of every node's wave: (quantity, node)."""
        return _norms_of_nodes(axial.values * radial.values)
