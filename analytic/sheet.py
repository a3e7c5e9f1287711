r"""Vortex sheet between a jet and the fluid around it: its kernel, and the kernel's zeros, the modes of the jet.

With N_1 = k + M_1 s and N_2 = k + M_2 C s (C and D: sound speed and density, outside over inside; k the jet's
Helmholtz number; M_2 in the outer sound speed) the kernel is

    K(s) = D N_2^2 H_m(gamma_2) / (gamma_2 H_m'(gamma_2)) - N_1^2 S(gamma_1) / (gamma_1 S'(gamma_1)),

gamma_1^2 = N_1^2 - s^2, gamma_2^2 = (N_2 / C)^2 - s^2. Its poles are the modes of the duct, its zeros the modes of the
jet: the Kelvin–Helmholtz pair and two for every radial order. They are followed from the jet in a weightless fluid (D =
0), where S(gamma_1) = 0 and N_1 = 0 give them, to the actual density; a mode keeps its direction of travel on the way.

On the way the frequency has a positive imaginary part, which keeps the modes of either direction apart (causality).
Weakly leaking and trapped modes, which emerge from the cuts of gamma_2, are searched for on and beside the real axis.

References
----------
R. M. Munt, J. Fluid Mech. 83 (1977), 609-640, and J. Sound Vib. 142 (1990), 413-436, for the kernel and causality.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray, FloatArray, IntArray
from .bessel import LARGEST_ORDER, hankel_pair
from .errors import ConvergenceError
from .logarithmic import quotient
from .resonances import distinct, hankel_slope_zeros, trapped
from .section import Section
from .wavenumbers import root, upper

_MARGIN = 0.25  # least distance of the centre of a line to the branch points, in their distance: room to bend
# Steps of the square root of the density when the zeros are followed: the first is also where they start, from the
# expansion for a light fluid, whose error is its square; below the least a zero is taken to have met a branch point.
_FIRST_STEP = 0.04
_LEAST_STEP = 1e-4
_NEWTON = 8  # iterations: convergence is quadratic from a guess within 0.3 of the distance to the next zero
# Step of an iteration that has left the plane, in its differences' step: to elsewhere, no matter where.
_LOST = 1e3 * np.exp(1j)
_LATTICE = 60, 10  # points where the search for zeros between the branch points starts; winding numbers tell of others
# Largest correction by Newton's method, in the distance to the next zero, else the step is halved: below a half a zero
# cannot be mistaken for its neighbour.
_JUMP = 0.3
# Weight of the last change, relative to |s| + k, in that correction: changes above 3e-7 are not converged.
_UNCONVERGED = 1e6
# Half length of the range of s up to which jet modes are followed, in that of the branch points around the centre:
# zeros beyond are far from the line. From 1.5 on reflection and directivity are the same to rounding.
_REACH = 3.5
_MOST_FOLLOWED = 1_500  # orders whose zeros are followed: the distances between all pairs take some 500 megabytes
# Steps in which zeros are followed, all ways together, times orders and so many more for a step's overhead: ten to
# twenty seconds. Orders without tables count so many times.
_MOST_STEPS, _OVERHEAD, _SLOW = 250_000, 200, 30
_SAME = 1e-7  # distance over k below which two zeros are one: Newton's method leaves 1e-9 k and less
_CONVERGED = 1e-9  # last change over k of a zero that was found


class Sheet:
    """The jet, the fluid around it, and the sheet between them; symbols as in the module's docstring.

    Many sheets are columns of parameters (sheet, 1), for points s (sheet, point); zeros are those of one sheet.

    Parameters
    ----------
    m : int
        Azimuthal order, m >= 0.
    helmholtz, mach : float, or (sheet, 1) float array
        k and M_1 > 0.
    mach_outer, sound_speed_ratio, density_ratio : float, or (sheet, 1) float array
        M_2 >= 0, C and D.
    hub : float, or (sheet, 1) float array
        Radius of the hub [duct radii]; of many, all have one or none has.
    tables : bool
        As in `bessel_pair`: for many sheets, whose values then have the same bits whatever the others.
    """

    def __init__(
        self,
        m: int,
        helmholtz: Any,
        mach: Any,
        mach_outer: Any,
        sound_speed_ratio: Any,
        density_ratio: Any,
        hub: Any = 0.0,
        *,
        tables: bool = False,
    ) -> None:
        self.parameters = helmholtz, mach, mach_outer, sound_speed_ratio, density_ratio, hub
        self.m, self.k, self.mach = m, helmholtz, mach
        self._steps = 0
        self.mach_outer, self.speed, self.density = mach_outer, sound_speed_ratio, density_ratio
        self.section, self.tables = Section(m, hub, tables=tables), tables
        self.k_outer = self.k / self.speed
        self.left, self.right = -self.k_outer / (1 + mach_outer), self.k_outer / (1 - mach_outer)
        self.beta2 = (1 - mach) * (1 + mach)
        self.beta_outer = np.sqrt((1 - mach_outer) * (1 + mach_outer))
        self.centre = mach * self.k / self.beta2  # half-way between the downstream and the upstream modes
        self.shear = mach != mach_outer * sound_speed_ratio  # else N_1 = N_2: the pair is a double zero, s = -k / M_1

    @classmethod
    def stack(cls, sheets: Sequence["Sheet"], *, tables: bool = False) -> "Sheet":
        """Many sheets of one azimuthal order, in one."""
        *columns, hubs = np.array([sheet.parameters for sheet in sheets], dtype=float).T[..., None]
        parameters = *columns, hubs if np.any(hubs) else 0.0
        return cls(sheets[0].m, *parameters, tables=tables)

    def take(self, sheets: IntArray) -> "Sheet":
        """Some of many sheets, each as often as it is named."""
        chosen = (column[sheets] if np.ndim(column) else column for column in self.parameters)
        return Sheet(self.m, *chosen, tables=self.tables)

    def inner(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """N_1 and gamma_1; the sign of gamma_1 is of no consequence, and `upper` chooses the one that computes well."""
        first, last = -self.k / (1 + self.mach), self.k / (1 - self.mach)
        return self.k + self.mach * s, np.sqrt(self.beta2) * root(last - s) * root(s - first)

    def outer(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """N_2 and gamma_2, cut from the right branch point upwards and from the left one downwards."""
        gamma = self.beta_outer * root(self.right - s) * root(s - self.left)
        return self.k + self.mach_outer * self.speed * s, gamma

    def cut_distance(self, s: npt.ArrayLike) -> FloatArray:
        """Distance of points to the cuts of gamma_2."""
        s = np.asarray(s)
        right, left = s - self.right, self.left - s  # turned round, both cuts go upwards
        distances = [np.where(z.imag < 0, np.abs(z), np.abs(z.real)) for z in (right, left)]
        return np.minimum(*distances)

    def modes(self, eigenvalues: npt.ArrayLike, direction: int) -> ComplexArray:
        """Transform variable s of the waves with these radial eigenvalues that travel along direction +1 or -1.

        exp(-i s x): s is minus the axial wavenumber.
        """
        cut_on = np.asarray(eigenvalues) * np.sqrt(self.beta2)
        wave = np.sqrt((self.k - cut_on) * (self.k + cut_on) + 0j)
        return (self.mach * self.k - direction * wave) / self.beta2

    def kernel(self, s: ComplexArray) -> ComplexArray:
        """K(s), not finite at poles."""
        inside, outside = self.quotients(s)
        speed, speed_outer = self.k + self.mach * s, self.k + self.mach_outer * self.speed * s
        with np.errstate(invalid="ignore"):
            return self.density * speed_outer**2 * outside - speed**2 * inside

    def quotients(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """S / (gamma_1 S') and H_m / (gamma_2 H_m')."""
        return quotient(self.m, self._wall, upper(self.inner(s)[1]), -1, self.section.hub), self.outside(s)

    def _wall(self, gamma: ComplexArray, hub: FloatArray | float) -> tuple[ComplexArray, ComplexArray]:
        return Section(self.m, hub, tables=self.tables).wall(gamma)

    def outside(self, s: ComplexArray) -> ComplexArray:
        """H_m / (gamma_2 H_m')."""
        return quotient(self.m, lambda z, _: hankel_pair(self.m, z, tables=self.tables), self.outer(s)[1], 1)

    def reach(self) -> Any:
        """Orders up to which jet modes can come near the line of integration."""
        offset = _REACH * (abs(self.centre - self.middle) + 0.5 * (self.right - self.left))
        return (np.hypot(offset * self.beta2, self.k) / np.sqrt(self.beta2) / np.pi).astype(int) + 4

    @property
    def middle(self) -> Any:
        """Centre of the lines: at that of the duct's modes, if the branch points leave room."""
        margin = _MARGIN * (self.right - self.left)
        return np.minimum(np.maximum(self.centre, self.left + margin), self.right - margin)

    def resonances(self, side: int) -> ComplexArray:
        """Poles that zeros of H_m'(gamma_2) leave beside the cuts: side +1 next to the right one, -1 to the left.

        Of many sheets, those on other sheets of gamma_2 are NaN.
        """
        z = hankel_slope_zeros(self.m)
        wave = np.sqrt(self.k_outer**2 - self.beta_outer**2 * z**2)
        s: ComplexArray = np.asarray((self.mach_outer * self.k_outer + side * wave) / self.beta_outer**2, dtype=complex)
        gamma = self.outer(s)[1]
        physical = np.abs(gamma - z) < np.abs(gamma + z)
        return s[physical] if s.ndim == 1 else np.where(physical, s, np.nan)

    # Zeros

    def zeros(self, loss: float) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        """Jet modes of the physical sheet: Kelvin–Helmholtz zeros, other downstream ones, upstream ones.

        Raises
        ------
        ConvergenceError
            A zero was lost on its way, or they are too many to be followed.
        """
        count = self.reach()
        if not self.shear and self.speed == 1 and self.density == 1:  # H S' - S H' has no zeros
            return np.full(2, -self.k / self.mach + 0j), np.empty(0, complex), np.empty(0, complex)
        if count > _MOST_FOLLOWED:
            raise ConvergenceError(f"modes of {count} radial orders of the jet are too many, above {_MOST_FOLLOWED}")
        s, outer, kind = self._follow(count, loss)
        gamma = self.outer(s)[1]
        physical = np.abs(gamma - outer) < np.abs(gamma + outer)
        physical |= (kind == 0) & (not self.shear)
        pair, downstream, upstream = (s[physical & (kind == which)] for which in range(3))
        growing = pair[np.argmax(pair.imag)]
        more = trapped(self)
        if growing.real < self.left:  # K is real on the axis there: the mirror image of a zero is another
            pair, more = np.array([growing, growing.conj()]), np.concatenate([more, pair])
            downstream = downstream[np.abs(downstream - growing.conj()) > _SAME * self.k]
        leaking, other = self.stray()
        known = np.concatenate([pair, downstream, upstream])
        downstream = np.concatenate([downstream, self._new(np.concatenate([more, leaking]), known)])
        return pair, downstream, np.concatenate([upstream, self._new(other, known)])

    def _new(self, candidates: ComplexArray, known: ComplexArray) -> ComplexArray:
        return candidates[np.abs(candidates[:, None] - known).min(axis=1, initial=np.inf) > _SAME * self.k]

    def _follow(self, count: int, loss: float) -> tuple[ComplexArray, ComplexArray, IntArray]:
        """The zeros at the given density, their gamma_2, and their kind: 0 the pair, 1 downstream, 2 upstream.

        On the way the frequency has a positive imaginary part, which keeps the modes of either direction on their own
        side (causality), away from each other and from the branch points.
        """
        t = step = last = _FIRST_STEP
        start, first = self._on_the_way(0.0, loss), self._on_the_way(t, loss)
        soft = self.section.soft_eigenvalues(count)
        previous = np.concatenate([start.modes(soft, 1), start.modes(soft, -1)])
        s = np.concatenate([first.modes(soft, 1), first.modes(soft, -1)])
        outer = first.outer(s)[1]
        kind = np.repeat([1, 2], count)
        if self.shear:
            previous = np.concatenate([np.full(2, -start.k / self.mach), previous])
            pair = first._weak_pair(t**2)
            s, outer = np.concatenate([pair, s]), np.concatenate([first.outer(pair)[1], outer])
            kind = np.concatenate([[0, 0], kind])
        s, outer, miss = first._newton(s, outer, t**2)
        if not np.all(miss < _JUMP):
            raise ConvergenceError("the modes of a jet in a light fluid were not found")
        while t < 1:
            cost = (count + _OVERHEAD) * (_SLOW if self.m > LARGEST_ORDER else 1)
            self._steps += cost
            if self._steps > _MOST_STEPS:
                steps = _MOST_STEPS // cost
                raise ConvergenceError(
                    f"modes of {count} radial orders of the jet need more than {steps} steps to follow"
                )
            new = min(t + step, 1.0)
            guess = s + (s - previous) * (new - t) / last
            found, found_outer, miss = self._on_the_way(new, loss)._newton(guess, outer, new**2)
            if np.all(miss < _JUMP):
                previous, s, outer, last, t = s, found, found_outer, new - t, new
                step *= 1.5
                continue
            step /= 2
            if step < _LEAST_STEP:
                # Given up, mostly behind the cuts; the winding number tells if it was needed.
                keep = miss < _JUMP
                if self.shear and not np.all(keep[:2]):
                    raise ConvergenceError(f"the instability was lost on the way, at {t**2:.3f} times its density")
                previous, s, outer, kind = previous[keep], s[keep], outer[keep], kind[keep]
                if not len(s):
                    raise ConvergenceError(f"all modes were lost on the way, at {t**2:.3f} times the density")
                step = _FIRST_STEP
        if not self.shear:
            pair = np.full(2, -self.k / self.mach + 0j)
            s, outer = np.concatenate([pair, s]), np.concatenate([self.outer(pair)[1], outer])
            kind = np.concatenate([[0, 0], kind])
        return s, outer, kind

    def _on_the_way(self, t: float, loss: float) -> "Sheet":
        """Sheet between the same streams at the complex frequency that belongs to t, 0 <= t <= 1."""
        k = self.k * np.exp(1j * loss * (1 - t))
        return Sheet(self.m, k, self.mach, self.mach_outer, self.speed, self.density, self.section.hub)

    @np.errstate(divide="ignore", invalid="ignore", over="ignore")
    def _weak_pair(self, weight: float) -> ComplexArray:
        """Kelvin–Helmholtz pair of a light outer fluid: N_1^2 = weight D N_2^2 (ratio of the two terms)."""
        s = np.full(2, -self.k / self.mach + 0j)
        for _ in range(40):
            inside, outside = self.quotients(s)
            growth = np.sqrt(-weight * self.density * self.outer(s)[0] ** 2 * outside / inside)
            s = (np.array([1j, -1j]) * growth - self.k) / self.mach
        return s

    def stray(self) -> tuple[ComplexArray, ComplexArray]:
        """Find zeros beside the real axis between the branch points, by Newton's method from a lattice.

        Modes that leak little come out of the cuts, where no continuation has them. (downstream, upstream)
        """
        x = np.linspace(self.left, self.right, _LATTICE[0] + 2)[1:-1]
        start = (x[:, None] + 1j * self.k_outer * np.linspace(-0.5, 0.5, _LATTICE[1])).ravel()
        s, outer, change = self._iterate(start, self.outer(start)[1], 1.0)
        gamma = self.outer(s)[1]
        good = np.abs(change) < _CONVERGED * self.k
        good &= (np.abs(gamma - outer) < np.abs(gamma + outer)) & (self.left < s.real) & (s.real < self.right)
        good &= (np.abs(s.imag) < self.k_outer) & (np.abs(s.imag) > 1e-13 * self.k)
        found = distinct(s[good], _SAME * self.k)
        return found[found.imag < 0], found[found.imag > 0]

    @np.errstate(divide="ignore", invalid="ignore")
    def _newton(
        self, s: ComplexArray, outer: ComplexArray, weight: float
    ) -> tuple[ComplexArray, ComplexArray, FloatArray]:
        """Newton's method for all zeros at once: s, gamma_2, and the corrections over the distance to another zero."""
        start = s
        s, outer, change = self._iterate(s, outer, weight)
        gap = np.abs(s[:, None] - s) + np.abs(outer[:, None] - outer) + np.diag(np.full(len(s), np.inf))
        miss = np.abs(s - start) / gap.min(axis=1) + _UNCONVERGED * np.abs(change) / (np.abs(s) + abs(self.k))
        return s, outer, np.where(np.isfinite(miss), miss, np.inf)

    @np.errstate(divide="ignore", invalid="ignore", over="ignore")
    def _iterate(
        self, s: ComplexArray, outer: ComplexArray, weight: float
    ) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        """Newton's method from every s: its end, gamma_2 there continued from `outer`, the last change."""
        limit = 1e3 * (np.max(np.abs(s)) + abs(self.k))
        for _ in range(_NEWTON):
            h = 1e-4 * np.abs(s + self.k / self.mach) + 1e-5 * abs(self.k)
            shifts = np.array([h, -h, 1j * h, -1j * h])
            around = self._characteristic(s + shifts, outer, weight, s)
            slope = (around[0] - around[1] - 1j * (around[2] - around[3])) / (4 * h)
            change = self._characteristic(s, outer, weight, s) / slope
            change = np.where(np.isfinite(change) & (np.abs(s - change) < limit), change, 0.5 * h * _LOST)
            s = s - change
        gamma = self.outer(s)[1]
        return s, np.where(np.abs(gamma - outer) <= np.abs(gamma + outer), gamma, -gamma), change

    def _characteristic(
        self, s: ComplexArray, outer: ComplexArray, weight: float, reference: ComplexArray
    ) -> ComplexArray:
        """K times gamma_1 S', without poles, on the sheet where gamma_2 continues `outer`."""
        speed, gamma = self.inner(s)
        value, slope = self.section.wall(gamma)
        growth = np.exp(np.abs(gamma.imag) - np.abs(self.inner(reference)[1].imag))
        speed_outer, gamma_outer = self.outer(s)
        gamma_outer = np.where(np.abs(gamma_outer - outer) <= np.abs(gamma_outer + outer), gamma_outer, -gamma_outer)
        hankel, hankel_slope = hankel_pair(self.m, gamma_outer)
        inertia, inertia_outer = (speed**2, speed_outer**2) if self.shear else (1.0, 1.0)
        outside = weight * self.density * inertia_outer * hankel / (gamma_outer * hankel_slope)
        return growth * (outside * gamma * slope - inertia * value)
