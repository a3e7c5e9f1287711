r"""Cross-section of the duct, with or without a hard hub: eigenvalues, norms and radial functions.

The radial function of wavenumber gamma, S(gamma r) = J_m(gamma r) - Q H_m(gamma r) with Q = J_m'(gamma h) /
H_m'(gamma h), has no slope at the hub r = h; S = J_m without a hub, h = 0. Its slope at the wall vanishes at the
eigenvalues alpha_mn, and S'(gamma) / S(gamma) is even in gamma.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .arrays import ComplexArray, FloatArray, IntArray
from .bessel import bessel_pair, hankel_pair, small
from .eigenvalues import eigenvalues, far_eigenvalues, hub_phase, many_eigenvalues, soft_eigenvalues
from .wavenumbers import exponentials

# Circle whose values replace a function beside a removable singularity. Its radius is well below the distance of about
# 3 to the next eigenvalue; the rule of 32 nodes is exact to 0.25^32 = 5e-20 within a quarter of the radius.
_CIRCLE = 0.25
_NODES = 32
_BESIDE = 0.25
# |gamma| beyond which the kernel's expansion is exact to double precision: its next term is (m / gamma)^6, 4e-21 at m =
# 40.
_ASYMPTOTIC = 1e5
# Radius within which a field is compared with that at this radius: it may decay like r^m, and the norm over a grid does
# not see it.
_CENTRE = 0.05
_NEGLIGIBLE = 40.0  # exponent of decay from the wall beyond which a wave is left out: e^-40 = 4e-18
_EVANESCENT = 40.0  # Im gamma (1 - h) beyond which exp(2 i gamma (1 - h)) is lost in rounding: e^-80 = 2e-35


class Section:
    """Radial functions of azimuthal order m between the hub, r = h, and the duct's wall, r = 1.

    Parameters
    ----------
    m : int
        Azimuthal order, m >= 0.
    hub : float, 0 <= hub <= 0.95, or array
        Radius of the hard hub h [duct radii]; 0 for none. An array, of hubs alone, broadcasts with radial wavenumbers.
    tables : bool
        As in `bessel_pair`.
    """

    def __init__(self, m: int, hub: Any = 0.0, *, tables: bool = False) -> None:
        self.m, self.hub, self._tables = m, hub, tables
        self._hollow = bool(np.any(hub))

    def eigenvalues(self, count: int) -> FloatArray:
        """First `count` radial eigenvalues alpha_mn, increasing; for m = 0 the list starts with 0.

        Rows (hub, mode) for an array of hubs (hub, 1).
        """
        if np.ndim(self.hub):
            return many_eigenvalues(self.m, count, self.hub[:, 0])
        return eigenvalues(self.m, count, self.hub)

    def far_eigenvalues(self, order: IntArray) -> FloatArray:
        """Radial eigenvalues alpha_mn of any orders n >= 1, for a single hub."""
        return far_eigenvalues(self.m, order, float(self.hub))

    def soft_eigenvalues(self, count: int) -> FloatArray:
        """First `count` zeros of S, increasing: radial modes with a soft wall, p = 0, and the hard hub."""
        if np.ndim(self.hub):
            return many_eigenvalues(self.m, count, self.hub[:, 0], soft=True)
        return soft_eigenvalues(self.m, count, float(self.hub))

    def norm(self, alpha: npt.ArrayLike) -> FloatArray:
        r"""N = \int_h^1 (S(alpha r) / S(alpha))^2 r dr at eigenvalues alpha."""
        alpha = np.asarray(alpha, dtype=float)
        safe = np.where(alpha > 0, alpha, 1.0)
        norm = 1 - (self.m / safe) ** 2
        if self.hub:
            norm = norm - (self.hub**2 - (self.m / safe) ** 2) * self.modes(safe, np.array([self.hub]))[0][0] ** 2
        return 0.5 * np.where(alpha > 0, norm, 1 - self.hub**2)

    def modes(self, alpha: npt.ArrayLike, r: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Duct modes S(alpha r) / S(alpha) and their r-derivative: two real arrays (r, mode)."""
        alpha, r = np.asarray(alpha, dtype=float), np.asarray(r, dtype=float)
        z = np.multiply.outer(r, alpha)
        if not self.hub:
            z = np.concatenate([z, alpha[None]])
            axis = z == 0
            value, slope = (f.real for f in bessel_pair(self.m, np.where(axis, 1.0, z) + 0j))
            value[axis], slope[axis] = self.m == 0, 0.5 * (self.m == 1)
            return value[:-1] / value[-1], alpha * slope[:-1] / value[-1]
        cosine, sine = hub_phase(self.m, np.where(alpha > 0, alpha, 1.0) * self.hub)
        live = np.where(z > 0, z, 1.0)

        def pair(z: FloatArray) -> tuple[FloatArray, FloatArray]:
            with np.errstate(invalid="ignore"):  # infinity times zero
                parts = sine * special.yv(self.m, z), sine * special.yvp(self.m, z)
            part, part_slope = (np.where(sine == 0, 0.0, one) for one in parts)
            return cosine * special.jv(self.m, z) - part, cosine * special.jvp(self.m, z) - part_slope

        (value, slope), wall = pair(live), pair(np.where(alpha > 0, alpha, 1.0))[0]  # alpha = 0: uniform
        return value / wall, alpha * slope / wall

    def wall_condition(self, gamma: ComplexArray) -> ComplexArray:
        """S'(gamma) times exp(-|Im gamma|): the duct's modes are its zeros."""
        return self.radial(gamma, 1.0)[1]

    def wall(self, gamma: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """S(gamma) and S'(gamma), both times exp(-|Im gamma|)."""
        return self.radial(gamma, 1.0)

    def radial(self, gamma: ComplexArray, r: FloatArray | float) -> tuple[ComplexArray, ComplexArray]:
        """S(gamma r) and S'(gamma r), both times exp(-|Im gamma| r); gamma without zeros, r > 0, broadcast together.

        The derivative is with respect to the product gamma r.
        """
        tables = self._tables
        value, slope = bessel_pair(self.m, gamma * r, tables=tables)
        if not self._hollow:
            return value, slope
        inner = bessel_pair(self.m, gamma * self.hub, tables=tables)[1]
        outer = hankel_pair(self.m, gamma * self.hub, tables=tables)[1]
        out, out_slope = hankel_pair(self.m, gamma * r, tables=tables)
        with np.errstate(all="ignore"):
            ratio = inner / outer * np.exp((1j * gamma - np.abs(gamma.imag)) * (r - self.hub))
            value, slope = value - ratio * out, slope - ratio * out_slope
        tiny = np.abs(gamma) * self.hub < small.smallest(self.m, small.UNDERFLOW)
        if np.any(tiny):
            tiny = np.broadcast_to(tiny, value.shape)
            gamma, r, hub = (np.broadcast_to(one, value.shape)[tiny] for one in (gamma, r, np.asarray(self.hub)))
            value[tiny], slope[tiny] = self._radial_of_small(gamma, np.asarray(r), hub)
        return value, slope

    def _radial_of_small(
        self, gamma: ComplexArray, r: FloatArray, hub: FloatArray
    ) -> tuple[ComplexArray, ComplexArray]:
        """`radial` where J_m' / H_m' underflows at the hub: the powers cancel in (h / r)^(2 m).

        Where the series do not hold any more, this quotient is too small for the hub to matter.
        """
        z = gamma * r
        near = np.abs(z) < small.reach(self.m)
        value, slope = bessel_pair(self.m, z, tables=self._tables)
        z, inner = z[near], gamma[near] * hub[near]
        _, hub_slope, _, hub_out = small.series(self.m, inner)
        regular, regular_slope, out, out_slope = small.series(self.m, z)
        ratio = (hub[near] / r[near]) ** (2 * self.m) * hub_slope / hub_out
        power = np.exp(self.m * np.log(0.5 * z) - math.lgamma(self.m + 1) - np.abs(z.imag))
        value[near] = power * (regular - ratio * out)
        slope[near] = power * (regular_slope - ratio * out_slope) / z
        return value, slope

    def wall_drift(self, gamma: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """d/d gamma of S(gamma) and of S'(gamma) through Q alone, times exp(-|Im gamma|); Im gamma >= 0.

        The rest follows from Bessel's equation. By the Wronskian, dQ / d gamma = -2 i (1 - (m / gamma h)^2) / (pi gamma
        H_m'(gamma h)^2).
        """
        if not self._hollow:
            return np.zeros_like(gamma), np.zeros_like(gamma)
        inner = hankel_pair(self.m, gamma * self.hub, tables=self._tables)[1]
        finite = np.isfinite(inner)  # where H_m' overflows the hub is too thin to matter
        rate = 2j / np.pi * (1 - (self.m / (gamma * self.hub)) ** 2) / gamma
        rate = np.where(finite, rate / np.where(finite, inner, 1.0) ** 2, 0.0)
        rate = rate * np.exp(1j * gamma * (1 - 2 * self.hub) - np.abs(gamma.imag))
        value, slope = hankel_pair(self.m, gamma, tables=self._tables)
        return rate * value, rate * slope

    def waves(
        self, gamma: ComplexArray, r: FloatArray, wall: ComplexArray, *, inside: bool, out: ComplexArray | None = None
    ) -> ComplexArray:
        """S(gamma r) / S'(gamma) if inside, else H_m(gamma r) / H_m'(gamma), and their r-derivatives: (2, r, node).

        gamma : (node,) complex array; r : (r,) float array, r <= 1 if inside, else r >= 1; wall : S'(gamma) exp(-|Im
        gamma|) or H_m'(gamma) exp(-i gamma); out : contiguous array for the result. r increases. Waves that are
        negligible at r are left out.
        """
        values = np.empty((2, len(r), len(gamma)), complex) if out is None else out
        if not len(r):
            return values
        # The field itself may decay like r^m.
        decay = np.multiply.outer(np.abs(r - 1), gamma.imag)
        decay -= self.m * np.abs(np.log(np.maximum(r, _CENTRE)))[:, None]
        row, column = np.nonzero(decay < _NEGLIGIBLE)
        off_axis, nodes = np.where(r == 0, 1.0, r)[row], gamma[column]
        if inside:
            pair, scale = self.radial(nodes, off_axis), exponentials(r - 1, np.abs(gamma.imag))
        else:
            pair, scale = hankel_pair(self.m, off_axis * nodes), exponentials(r - 1, 1j * gamma)
        live = row * len(gamma) + column
        for value, part in zip(values, pair, strict=True):
            value.fill(0.0)
            value.reshape(-1)[live] = part
        if inside and r[0] == 0:
            values[0, r == 0], values[1, r == 0] = self.m == 0, 0.5 * (self.m == 1)
        factor = scale * (1 / wall)
        values[0] *= factor
        factor *= gamma
        values[1] *= factor
        return values

    def kernel(self, gamma: ComplexArray, slopes: tuple[ComplexArray, ComplexArray] | None = None) -> ComplexArray:
        """F = pi gamma S'(gamma) H_m'(gamma), which tends to one as Im gamma grows; gamma not zero.

        The kernel without flow, or in uniform flow, is W = i F / gamma. If they are known already, slopes are
        S'(gamma) exp(-|Im gamma|) and H_m'(gamma) exp(-i gamma).
        """
        gamma = np.asarray(gamma, dtype=complex)
        size = np.abs(gamma)
        near = (size <= _ASYMPTOTIC) | (gamma.imag * (1 - self.hub) <= _EVANESCENT)
        # Abramowitz & Stegun 9.2.30, mu = 4 m^2.
        mu, inverse = 4.0 * self.m**2, 0.25 / np.where(near, 1.0 + 0.0j, gamma) ** 2
        value = np.asarray(1 - inverse * (0.5 * (mu - 3) + 0.125 * (mu - 1) * (mu - 45) * inverse), dtype=complex)
        z = gamma[near]
        slope, hankel = (
            (self.wall_condition(z), hankel_pair(self.m, z)[1]) if slopes is None else (f[near] for f in slopes)
        )
        tiny = size[near] < small.smallest(self.m)
        if np.any(tiny):  # 0 times infinity, where the powers of S' and H_m' cancel
            slope, hankel = np.where(tiny, 1.0, slope), np.where(tiny, 1.0, hankel)
        value[near] = np.pi * z * slope * hankel * np.exp(np.abs(z.imag) + 1j * z)
        if np.any(tiny):
            value[near] = np.where(tiny, self._kernel_of_small(np.where(tiny, z, 1e-3)), value[near])
        return value

    def _kernel_of_small(self, gamma: ComplexArray) -> ComplexArray:
        """`kernel` where H_m' overflows."""
        _, slope, _, out = small.series(self.m, gamma)
        if self.hub:
            _, hub_slope, _, hub_out = small.series(self.m, gamma * self.hub)
            slope = slope - self.hub ** (2 * self.m) * hub_slope / hub_out * out
        return np.pi * slope * out / gamma

    def slope_quotient(self, gamma: ComplexArray, alpha: npt.ArrayLike) -> ComplexArray:
        """S'(gamma) / (gamma^2 - alpha^2) times exp(-|Im gamma|); accurate through alpha.

        gamma : (...) complex array; alpha > 0 : eigenvalues; they broadcast together.
        """
        gamma, alpha = np.asarray(gamma, dtype=complex), np.asarray(alpha, dtype=float)

        def quotient(z: ComplexArray, alpha: FloatArray, reference: ComplexArray) -> ComplexArray:
            return self.wall_condition(z) * np.exp(np.abs(z.imag) - np.abs(reference.imag)) / (z**2 - alpha**2)

        radius = _CIRCLE * np.minimum(alpha, 1.0)  # S has a branch point at 0 if there is a hub
        near = np.abs(gamma - alpha) < _BESIDE * radius
        value = self.wall_condition(gamma) / np.where(near, 1.0, gamma**2 - alpha**2)
        if np.any(near):
            z, centre, circle = (np.broadcast_to(one, near.shape)[near] for one in (gamma, alpha, radius))
            value[near] = beside(lambda nodes: quotient(nodes, centre, z), z, centre, circle)
        return value


def beside(
    function: Callable[[ComplexArray], ComplexArray], z: ComplexArray, centre: ComplexArray, radius: FloatArray | float
) -> ComplexArray:
    """An analytic function at points z within a quarter of `radius` of `centre`, from a circle around the centre.

    Cauchy's integral with the trapezoidal rule: for functions that cannot be evaluated at the centre itself.

    function : callable, (node, 1) complex -> (node, ...) complex.
    """
    turn = np.exp(2j * np.pi * (np.arange(_NODES) + 0.5) / _NODES)[:, None]
    nodes = centre + radius * turn
    # Along contiguous rows: a sum does not depend, in its last bits, on how many there are.
    return np.mean(np.ascontiguousarray((function(nodes) * radius * turn / (nodes - z)).T), axis=1)
