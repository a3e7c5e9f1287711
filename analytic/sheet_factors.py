"""Factorisation of a vortex sheet's kernel.

Two lines of integration (`sheet_line`), whose difference is the error, take zeros and poles near them or on their
wrong side. These come from one of two lanes: the fast one has the Kelvin–Helmholtz pair by iteration and the few zeros
near the lines by Newton's method, and is accepted if no line's integrand winds around the origin and both agree. Else
all zeros are followed from a weightless fluid.
"""

import contextlib
from functools import cached_property, lru_cache

import numpy as np

from .arrays import EPS, ComplexArray, FloatArray
from .errors import ConvergenceError
from .sheet import Sheet
from .sheet_line import Line, Singularities
from .sheet_modes import guesses, instability, zeros

_ROUNDING = 40 * EPS  # of a factor, times 1 + m + k: twice that of `factorisation`, for the sums on two lines
# Tilt [rad]; shift of the centre, in branch point distances: different nodes and removed zeros, so that the two share
# no error but that of the kernel itself.
_LINES = ((0.25 * np.pi, 0.0), (0.2 * np.pi, 0.06))
STEP = 0.075  # of the trapezoidal rule along a line: exp(-2 pi 0.4 / 0.075) is 3e-15, see also docs/validation.md
# Argument of the complex frequency at which the zeros are first followed, tried in turn: the first suffices for 30 of
# 30 random jets, the others lead around points where two zeros meet.
_LOSSES = (0.1, 0.3, 0.03, 0.6)
_AGREEMENT = 1e-8  # of the two lines: a lost zero costs orders more; converged lines differ by 1e-13
_PROBES = 10  # points between the branch points at which the lines are compared
_WIDE = 0.6  # strip around a line, in its parameter, in which guesses may lead to a zero in the strip to be cleared
_MOST_STARTS = 6000  # guesses near the lines: more zeros than would be divided out
_BLOCK = 4096  # points worked on at a time: their distances to a line's nodes and to what it divides out
_KEPT = 32  # factorisations kept


@lru_cache(maxsize=_KEPT)
def factorise(
    m: int,
    helmholtz: float,
    mach: float,
    mach_outer: float,
    sound_speed_ratio: float,
    density_ratio: float,
    hub: float,
) -> "SheetFactors":
    """Factors for the parameters of `Sheet`; the last few are kept: they serve all radial orders and Kutta parameters.

    Raises
    ------
    ConvergenceError
        As `SheetFactors`.
    """
    return SheetFactors(Sheet(m, helmholtz, mach, mach_outer, sound_speed_ratio, density_ratio, hub))


class SheetFactors:
    """Factors K = K_plus K_minus of a sheet's kernel.

    K_plus ~ s^(3/2) is regular and not zero above all waves that travel downstream, the Kelvin–Helmholtz pair among
    them; K_minus ~ s^(-1/2) below all that travel upstream.

    Parameters
    ----------
    sheet : Sheet
    follow : bool
        Whether to follow all zeros at once, without trying the fast lane.

    Raises
    ------
    ConvergenceError
        A line's winding number is not zero, or the kernel's phase could not be followed.

    Attributes
    ----------
    sheet : Sheet
    fast : bool
        Whether the fast lane was accepted.
    instability : (count,) complex array
        Kelvin–Helmholtz zeros, s_0 that grows first.
    near : (zero,) complex array
        Other zeros of K_plus that lie near a line or on its wrong side.
    """

    def __init__(self, sheet: Sheet, *, follow: bool = False) -> None:
        self.sheet = sheet
        self.fast = not follow and self._unfollowed()
        if not self.fast:
            self._followed()

    def _unfollowed(self) -> bool:
        """Try the fast lane, with guesses from either kind of wall: whether it is accepted."""
        sheet, starts = self.sheet, np.empty(0, complex)
        try:
            pair = instability(sheet)
        except ConvergenceError:
            return False
        for soft in (True, False):
            lines = self._new_lines()
            for side in (1, -1):
                points = guesses(sheet, side, soft)
                near = np.any([line.near(points, -side, _WIDE) for line in lines], axis=0)
                starts = np.append(starts, points[near])
            if len(starts) > _MOST_STARTS:
                return False
            with contextlib.suppress(ConvergenceError):
                self._accept(lines, pair, zeros(sheet, starts, pair))
                return True
        return False

    def _followed(self) -> None:
        """Follow the zeros, on another way if the first fails."""
        for loss in _LOSSES:
            try:
                pair, *others = self.sheet.zeros(loss)
                self._accept(self._new_lines(), pair, (others[0], others[1]))
                break
            except ConvergenceError as error:
                if loss == _LOSSES[-1]:
                    raise ConvergenceError(f"{error} (and on {len(_LOSSES) - 1} other ways)") from error
        self._others = others[0], others[1]

    def _new_lines(self) -> list[Line]:
        return [Line(self.sheet, tilt, shift, STEP) for tilt, shift in _LINES]

    def _accept(self, lines: list[Line], pair: ComplexArray, others: tuple[ComplexArray, ComplexArray]) -> None:
        """Integrate, and compare both lines between the branch points."""
        sheet = self.sheet
        eigenvalues = sheet.section.eigenvalues(sheet.reach())
        down, up = (np.concatenate([sheet.modes(eigenvalues, side), sheet.resonances(-side)]) for side in (1, -1))
        known = Singularities(pair, others, (down, up))
        kernel = sheet.kernel(np.concatenate([line.nodes for line in lines]))
        for line, values in zip(lines, _parts(kernel, lines), strict=True):
            line.clear(known)
            line.integrate(values)
        self._lines, self.instability = lines, pair
        self.near = others[0][np.any([line.near(others[0], -1) for line in lines], axis=0)]
        between = (np.arange(_PROBES) + 0.4) / _PROBES  # off the branch points and off the centres of lines
        _, error = self.plus(np.asarray(sheet.left + (sheet.right - sheet.left) * between, dtype=complex))
        if not np.max(error) < _AGREEMENT:
            raise ConvergenceError(f"two factorisation lines differ by {np.max(error):.1e}")

    @cached_property
    def _others(self) -> tuple[ComplexArray, ComplexArray]:
        followed = SheetFactors(self.sheet, follow=True)
        return followed.downstream, followed.upstream

    @cached_property
    def downstream(self) -> ComplexArray:
        """All other zeros of K_plus; these have to be followed, which takes much longer than the factors."""
        return self._others[0]

    @cached_property
    def upstream(self) -> ComplexArray:
        """All zeros of K_minus; otherwise as `downstream`."""
        return self._others[1]

    def plus(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """K_plus at s and the relative difference between the two lines."""
        return self._compare(s, 1)

    def minus(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """K_minus at s and the relative difference between the two lines."""
        return self._compare(s, -1)

    def pair(self, s: ComplexArray) -> ComplexArray:
        """(s - s_0) (s - s_0*), which K_plus contains; for s_0* another point below, if it is behind the cuts."""
        return self._lines[0].pair(s)

    def _compare(self, s: ComplexArray, side: int) -> tuple[ComplexArray, FloatArray]:
        s = np.asarray(s, dtype=complex)
        flat = s.ravel()
        blocks = [self._compare_some(flat[start : start + _BLOCK], side) for start in range(0, len(flat), _BLOCK)]
        if not blocks:
            return np.empty_like(s), np.empty(s.shape)
        value, error = (np.concatenate(part).reshape(s.shape) for part in zip(*blocks, strict=True))
        return value, error

    def _compare_some(self, flat: ComplexArray, side: int) -> tuple[ComplexArray, FloatArray]:
        reads = np.any([line.reads(flat, side) for line in self._lines], axis=0)
        kernel = np.zeros_like(flat)
        kernel[reads] = self.sheet.kernel(flat[reads])
        value, other = ((line.plus if side > 0 else line.minus)(flat, kernel) for line in self._lines)
        return value, np.abs(value - other) / np.abs(value) + _ROUNDING * (1 + self.sheet.m + self.sheet.k)


def _parts(values: ComplexArray, lines: list[Line]) -> list[ComplexArray]:
    """Values at the nodes of each line."""
    return np.split(values, np.cumsum([len(line.nodes) for line in lines])[:-1])
