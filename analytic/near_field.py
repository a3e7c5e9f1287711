r"""Near field from its spectra: sums of waves exp(-i s x) over the nodes of a contour, on a grid or at points.

Inside (r <= 1) and outside, upstream and downstream of the lip the potential is a sum of

    psi(x, r) = exp(-i sigma x) sum_n exp(-i s_n x / beta) value_n(r),

so that a grid costs one matrix product for psi, u and v together in each of the four regions. Half of the quadrature's
nodes give the coarse value that the error estimate needs.
"""

import copy
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .contour import ARMS, contour
from .errors import ConvergenceError
from .kernel import exponentials

_POWER = 1.5  # of the coarse rule's error that is the estimate of the fine one's
_SAFETY = 15.0  # between the tolerance and the estimate aimed at
_MORE = 1.2, 2.0  # times the exponent of the error aimed at, when it was missed
_GROWTH = 7.0  # exponent of the growth of waves along the contour
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

    @cached_property
    def norms(self):
        """Over the points: (quantity, node)."""
        return np.sqrt(_squares("qpn,qpn->qn", self.values))


@dataclass(frozen=True)
class Waves:
    """Terms of a sum over waves, for some radii.

    s : (node,) complex array, times beta and less the shift.
    radial : Factor, the potential and its r-derivative, to be multiplied with
    coefficient : (node,) complex array.
    error : (node,) float array, relative.
    half : number of nodes, the first ones, that give half the sum, if it is the quadrature over the nodes of the path
        for x < 0 or their mirror images for x > 0; 0 if the terms are exact.
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

    def _spectra(self, path) -> Any:
        """An object whose waves(r, inside, downstream) gives a list of `Waves`."""
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
        return self._tensor_fields(x, r, [self])[0]

    def _tensor_fields(self, x, r, variants):
        """`field` of solutions that differ in their amplitudes only, this one among them or not."""
        x, r = np.atleast_1d(np.asarray(x, dtype=float)), np.atleast_1d(np.asarray(r, dtype=float))
        if x.ndim != 1 or r.ndim != 1:
            raise ValueError(f"a grid needs one-dimensional x and r, got shapes {x.shape} and {r.shape}; see at()")
        nearest = np.hypot(np.min(np.abs(x), initial=np.inf), np.min(np.abs(r - 1), initial=np.inf))
        return self._fields(x, r, nearest, _Grid, variants)

    def at(self, x, r):
        """Near field at scattered points; x and r broadcast together. Otherwise as `field`."""
        x, r = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(r, dtype=float))
        shape, x, r = x.shape, x.ravel(), r.ravel()
        (field,) = self._fields(x, r, np.min(np.hypot(x, r - 1), initial=np.inf), _Points, [self])
        parts = {name: value.reshape(shape) for name, value in vars(field).items() if name != "error_estimate"}
        return Field(**parts, error_estimate=field.error_estimate)

    def _fields(self, x, r, nearest, layout, variants):
        if not (np.all(np.isfinite(x)) and np.all(np.isfinite(r)) and x.size and r.size):
            raise ValueError("positions must be finite, and there must be at least one")
        hub = self.source.hub
        if np.any(r < hub):
            raise ValueError(f"radii must be at least {hub}, the hub's, got r={r[r < hub][0]}")
        if nearest < _CLOSEST:
            raise ValueError(
                f"a point lies {nearest:.1e} from the lip, where the velocity is singular; the least is {_CLOSEST}"
            )
        wanted = np.log(_SAFETY / self.tolerance)
        exponent, growth = wanted / _POWER, _GROWTH
        for attempt in range(_ATTEMPTS):
            fields = self._sum(x, r, nearest, layout, variants, exponent=exponent, growth=growth)
            worst = max(field.error_estimate for field in fields)
            if worst <= self.tolerance:
                return fields
            # First against the quadrature's error only, then against the rounding's, too.
            exponent *= np.clip(wanted / max(-np.log(worst), 1e-3), *_MORE) if attempt == 0 else 2
            growth *= 1 if attempt == 0 else 0.5
        raise ConvergenceError(
            f"the error estimate of the field, {worst:.1e}, is above {self.tolerance:.1e} for {self.source}"
        )

    def _sum(self, x, r, nearest, layout, variants, **resolution):
        """Fields and their error estimates, with one step of the contour's parameter and one growth along it."""
        extent = float(np.max(np.abs(x))) / self._beta
        path = contour(self._k, self._poles, extent=extent, nearest=nearest, arms=self._arms, **resolution)
        spectra, grid = self._spectra(path), layout(x, r, 1j * path.s / self._beta)
        return [
            solution._assemble(x, r, grid, spectra if solution is self else spectra.of(solution))
            for solution in variants
        ]

    def _assemble(self, x, r, grid, spectra):
        """Field from its spectra."""
        values = np.empty((4, *grid.shape), complex)  # psi, u, v, p
        error = np.zeros(3)  # squared, of psi, (u, v) and p
        for part in grid.parts:
            sums = [self._contract(grid, part, w) for w in spectra.waves(part.r, part.inside, part.downstream)]
            psi, v, u = sum(value for value, _ in sums)
            psi_error, v_error, u_error = sum(error for _, error in sums)
            if self._shift:
                shift = np.exp(-1j * self._shift * part.x).reshape(grid.along_x)
                psi, v, u = psi * shift, v * shift, u * shift
            density, k, mach = self._fluid(part.inside)
            for value, quantity in zip(values, (psi, u, v, density * (1j * k * psi - mach * u)), strict=True):
                value[part.where] = quantity
            p_error = density * (k * psi_error + abs(mach) * u_error)
            error += psi_error**2, u_error**2 + v_error**2, p_error**2
        size = _norms(values) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(error > 0, np.sqrt(error / (size[0], size[1] + size[2], size[3])), 0.0)
        estimate = float(np.max(np.where(np.isnan(relative), np.inf, relative)))
        return Field(x, r, values[0], values[1], values[2], values[3], estimate)

    def _contract(self, grid, part, waves):
        """psi, v, u (3, ...) and the norms of their errors."""
        if waves.half:
            axial = part.axial
        else:
            axial = Factor(np.exp(np.multiply.outer(part.x / self._beta, -1j * waves.s))[None])
        factors = np.empty((3, *waves.radial.values.shape[1:]), complex)
        speed = -1j * (self._shift + waves.s / self._beta)
        np.multiply(waves.radial.values, waves.coefficient, out=factors[:2])
        np.multiply(factors[0], speed, out=factors[2])
        norms = grid.norms(axial, waves.radial) * (np.abs(waves.coefficient) * waves.error)
        rounding = np.array([*norms.sum(axis=1), norms[0] @ np.abs(speed)])
        if not waves.half:
            return grid.product(axial, factors, slice(None)), rounding
        half = grid.product(axial, factors, slice(waves.half))
        other = grid.product(axial, factors, slice(waves.half, None))
        fine, difference = half + other, half - other
        size, gap = _norms(fine), _norms(difference)
        # Halving the step squares the error of an exponentially convergent rule: between the difference and its square.
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.where(gap > 0, gap / size, 0.0)
        return fine, size * quotient * np.minimum(quotient, 1.0) ** (_POWER - 1) + rounding


def _norms(values):
    """Norms over all axes but the first."""
    axes = "qxr"[: values.ndim]
    return np.sqrt(_squares(f"{axes},{axes}->q", values))


def _squares(subscripts, values):
    """Sums of |values|^2, without the square roots of np.linalg.norm."""
    return np.einsum(subscripts, values.real, values.real) + np.einsum(subscripts, values.imag, values.imag)


@dataclass(frozen=True)
class _Part:
    """Points on one side of the wall and of the open end.

    where : index of the points in the arrays of the field.
    x, r : float arrays, in that order.
    axial : Factor, exp(rate |x|) of the path's nodes.
    """

    inside: bool
    downstream: bool
    where: tuple
    x: np.ndarray
    r: np.ndarray
    axial: Factor


class _Grid:
    """Tensor grid: sums over nodes are matrix products."""

    along_x = (-1, 1)

    def __init__(self, x, r, rate):
        self.shape = (len(x), len(r))
        distances, rows = np.unique(np.abs(x), return_inverse=True)  # one for both sides, if they are mirror images
        every = Factor(exponentials(distances, rate)[None])
        outward = np.argsort(rows)
        self.parts = []
        for downstream in (True, False):
            i = outward[(x[outward] >= 0) == downstream]
            axial = every if np.array_equal(rows[i], np.arange(len(distances))) else Factor(every.values[:, rows[i]])
            for inside in (True, False):
                j = np.flatnonzero((r <= 1) == inside)
                if len(i) and len(j):
                    self.parts.append(_Part(inside, downstream, _rectangle(i, j), x[i], r[j], axial))

    @staticmethod
    def product(axial, factors, nodes):
        """Sum over nodes: (1, x, node) by (quantity, r, node) to (quantity, x, r)."""
        quantities, radii, count = factors.shape
        flat = axial.values[0, :, nodes] @ factors.reshape(quantities * radii, count)[:, nodes].T
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

    def __init__(self, x, r, rate):
        self.shape = x.shape
        self.parts = []
        for downstream, inside in itertools.product((True, False), repeat=2):
            i = np.flatnonzero(((x >= 0) == downstream) & ((r <= 1) == inside))
            if len(i):
                axial = Factor(np.exp(np.multiply.outer(np.abs(x[i]), rate))[None])
                self.parts.append(_Part(inside, downstream, (i,), x[i], r[i], axial))

    @staticmethod
    def product(axial, factors, nodes):
        """Sum over nodes: (1, point, node) by (quantity, point, node) to (quantity, point)."""
        return np.einsum("pn,qpn->qp", axial.values[0, :, nodes], factors[..., nodes])

    @staticmethod
    def norms(axial, radial):
        """Norm over the points of every node's wave: (quantity, node)."""
        return np.sqrt(_squares("qpn,qpn->qn", axial.values * radial.values))
