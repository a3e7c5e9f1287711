r"""Near field from its spectra: sums of waves exp(-i s x) over the nodes of a contour, on a grid or at points.

Inside (r <= 1) and outside, upstream and downstream of the lip the potential is a sum of

    psi(x, r) = exp(-i sigma x) sum_n exp(-i s_n x / beta) value_n(r),

so that a grid costs one matrix product for psi, u and v together in each of the four regions. Half of the quadrature's
nodes give the coarse value that the error estimate needs.
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from .contour import ARMS, contour
from .errors import ConvergenceError

_STEP = 0.14  # of the contour's parameter
_GROWTH = 7.0  # exponent of the growth of waves along the contour
_REFINEMENTS = 4  # times it may be halved
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


@dataclass(frozen=True)
class Waves:
    """Terms of a sum over waves, for some radii.

    s : (node,) complex array, times beta and less the shift.
    value, slope : (r, node) complex arrays, potential and its r-derivative.
    error : (node,) float array, relative.
    half : number of nodes, the first ones, that give half the sum, if it is a quadrature; 0 if the terms are exact.
    """

    s: np.ndarray
    value: np.ndarray
    slope: np.ndarray
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
        step, growth = _STEP, _GROWTH
        for _ in range(_REFINEMENTS + 1):
            fields = self._sum(x, r, nearest, layout, variants, step=step, growth=growth)
            worst = max(field.error_estimate for field in fields)
            if worst <= self.tolerance:
                return fields
            step, growth = step / 2, growth / 2  # against the quadrature's error and the rounding's
        raise ConvergenceError(
            f"the error estimate of the field, {worst:.1e}, is above {self.tolerance:.1e} for {self.source}"
        )

    def _sum(self, x, r, nearest, layout, variants, **resolution):
        """Fields and their error estimates, with one step of the contour's parameter and one growth along it."""
        extent = float(np.max(np.abs(x))) / self._beta
        path = contour(self._k, self._poles, extent=extent, nearest=nearest, arms=self._arms, **resolution)
        spectra, grid = self._spectra(path), layout(x, r)
        exponentials: dict = {True: {}, False: {}}
        return [
            solution._assemble(x, r, grid, spectra if solution is self else spectra.of(solution), exponentials)
            for solution in variants
        ]

    def _assemble(self, x, r, grid, spectra, exponentials):
        """Field from its spectra; exponentials, by side, are kept for others with the same nodes."""
        values = np.empty((3, *grid.shape), complex)
        pressure = np.empty(grid.shape, complex)
        size, error = np.zeros(3), np.zeros(3)  # squared norms of psi, (u, v) and p
        for downstream in (True, False):
            for inside in (True, False):
                part = grid.part(inside, downstream)
                if part is None:
                    continue
                where, part_x, part_r = part
                parts = [
                    self._contract(grid, waves, part_x, exponentials[downstream])
                    for waves in spectra.waves(part_r, inside, downstream)
                ]
                total = sum(value for value, _ in parts)
                errors = sum(error for _, error in parts)
                total *= np.exp(-1j * self._shift * part_x).reshape(grid.along_x)
                density, k, mach = self._fluid(inside)
                p = density * (1j * k * total[0] - mach * total[1])
                for quantity in range(3):
                    values[quantity][where] = total[quantity]
                pressure[where] = p
                norms = _norm(total) ** 2
                size += norms[0], norms[1] + norms[2], _norm(p[None])[0] ** 2
                error_p = density * (k * errors[0] + abs(mach) * errors[1])
                error += np.array([errors[0], np.hypot(errors[1], errors[2]), error_p]) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(error > 0, np.sqrt(error / size), 0.0)
        estimate = float(np.max(np.where(np.isnan(relative), np.inf, relative)))
        return Field(x, r, values[0], values[1], values[2], pressure, estimate)

    def _contract(self, grid, waves, x, exponentials):
        """psi, u, v (3, ...) and the norms of their errors."""
        key = id(waves.s), x.tobytes()
        if key not in exponentials:  # kept with the nodes, so that their identity stays theirs
            exponentials[key] = waves.s, np.exp(np.multiply.outer(x / self._beta, -1j * waves.s))
        wave = exponentials[key][1]
        factors = np.empty((3, *waves.value.shape), complex)
        factors[0], factors[2] = waves.value, waves.slope
        np.multiply(waves.value, -1j * (self._shift + waves.s / self._beta), out=factors[1])
        rounding = grid.norms(wave, factors) @ waves.error
        if not waves.half:
            return grid.product(wave, factors, slice(None)), rounding
        half = grid.product(wave, factors, slice(waves.half))
        other = grid.product(wave, factors, slice(waves.half, None))
        fine, difference = half + other, half - other
        size, gap = _norm(fine), _norm(difference)
        # Halving the step squares the error of an exponentially convergent rule: between the difference and its square.
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.where(gap > 0, gap / size, 0.0)
        return fine, size * quotient * np.sqrt(np.minimum(quotient, 1.0)) + rounding


def _norm(values):
    """Norm over all axes but the first."""
    flat = values.reshape(len(values), -1)
    return np.sqrt(_squares("qp,qp->q", flat))


def _squares(subscripts, values):
    """Sums of |values|^2, without the square roots of np.linalg.norm."""
    return np.einsum(subscripts, values.real, values.real) + np.einsum(subscripts, values.imag, values.imag)


class _Grid:
    """Tensor grid: sums over nodes are matrix products."""

    along_x = (1, -1, 1)

    def __init__(self, x, r):
        self._x, self._r = x, r
        self.shape = (len(x), len(r))

    def part(self, inside, downstream):
        i, j = np.flatnonzero((self._x >= 0) == downstream), np.flatnonzero((self._r <= 1) == inside)
        return (np.ix_(i, j), self._x[i], self._r[j]) if len(i) and len(j) else None

    @staticmethod
    def product(wave, factors, nodes):
        """Sum over nodes: (x, node) by (quantity, r, node) to (quantity, x, r)."""
        quantities, radii, count = factors.shape
        flat = factors.reshape(quantities * radii, count)[:, nodes] @ wave[:, nodes].T
        return flat.reshape(quantities, radii, len(wave)).transpose(0, 2, 1)

    @staticmethod
    def norms(wave, factors):
        """Norm over the points of every node's wave: (quantity, node)."""
        return np.sqrt(_squares("xn,xn->n", wave) * _squares("qrn,qrn->qn", factors))


class _Points:
    """Scattered points: sums over nodes point by point."""

    along_x = (1, -1)

    def __init__(self, x, r):
        self._x, self._r = x, r
        self.shape = x.shape

    def part(self, inside, downstream):
        i = np.flatnonzero(((self._x >= 0) == downstream) & ((self._r <= 1) == inside))
        return ((i,), self._x[i], self._r[i]) if len(i) else None

    @staticmethod
    def product(wave, factors, nodes):
        """Sum over nodes: (point, node) by (quantity, point, node) to (quantity, point)."""
        return np.einsum("pn,qpn->qp", wave[:, nodes], factors[..., nodes])

    @staticmethod
    def norms(wave, factors):
        """Norm over the points of every node's wave: (quantity, node)."""
        return np.linalg.norm(wave * factors, axis=1)
