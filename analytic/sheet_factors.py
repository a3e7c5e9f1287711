"""Factorisation of vortex sheets' kernels, of one or of many together.

Two lines of integration (`sheet_line`), whose difference is the error, take zeros and poles near them or on their
wrong side. These come from one of two lanes: the fast one has the Kelvin–Helmholtz pair by iteration and the few zeros
near the lines by Newton's method, and is accepted if no line's integrand winds around the origin and both agree. Else
all zeros are followed from a weightless fluid.
"""

import copy
from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np

from .arrays import EPS, ComplexArray, FloatArray, IntArray
from .errors import ConvergenceError
from .sheet import Sheet
from .sheet_line import Line, needed
from .sheet_modes import guesses, instability, zeros
from .singularities import Singularities

_ROUNDING = 40 * EPS  # of a factor, times 1 + m + k: twice that of `factorisation`, for the sums on two lines
_MISPLACED = 20 * EPS  # of a zero, over its size and k: the two lanes' zeros differ by up to 17 EPS in random jets
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
_KEPT = 32  # factorisations kept
_TOGETHER = 1 << 18  # points times zeros whose factors are computed at a time: arrays of a few megabytes
_MOST_ORDERS = 20_000  # that are considered: the duct's modes alone are 3,000 at K = 1e4
_MOST_STARTS = 6000  # guesses near the lines: more zeros than would be divided out


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


class Factors:
    """Factors of many kernels K = K_plus K_minus, at points (sheet, point).

    K_plus ~ s^(3/2) is regular and not zero above all waves that travel downstream, the Kelvin–Helmholtz pair among
    them; K_minus ~ s^(-1/2) below all that travel upstream.

    Parameters
    ----------
    sheets : Sheet
        Many, with or without hubs.
    known : Singularities
        Of their kernels: all that are near the lines.
    complete : bool
        Whether all zeros are known, followed from a weightless fluid.

    Attributes
    ----------
    sheets, known, complete
        As passed in.
    reasons : list of str
        Why the factorisation of a sheet fails, or "".
    """

    def __init__(self, sheets: Sheet, known: Singularities, *, complete: bool = False) -> None:
        self.sheets, self.known, self.complete = sheets, known, complete
        self._lines = new_lines(sheets)
        kernel = sheets.kernel(np.concatenate([line.nodes for line in self._lines], axis=1))
        self.reasons = [""] * len(sheets.k)
        for line, values in zip(self._lines, np.split(kernel, len(self._lines), axis=1), strict=True):
            for reasons in line.clear(known), line.integrate(values):
                self.reasons = [first or second for first, second in zip(self.reasons, reasons, strict=True)]
        between = (np.arange(_PROBES) + 0.4) / _PROBES  # off the branch points and off the centres of lines
        with np.errstate(all="ignore"):  # of those that failed
            _, error = self.plus(sheets.left + (sheets.right - sheets.left) * between + 0j)
        for sheet, largest in enumerate(np.max(error, axis=1).tolist()):
            if not (self.reasons[sheet] or largest < _AGREEMENT):
                self.reasons[sheet] = f"two factorisation lines differ by {largest:.1e}"

    def take(self, sheets: IntArray) -> "Factors":
        """Those of some of the sheets, each as often as it is named."""
        other = copy.copy(self)
        other.sheets, other.known = self.sheets.take(sheets), self.known.take(sheets)
        other._lines = [line.take(sheets) for line in self._lines]
        other.reasons = [self.reasons[sheet] for sheet in sheets]
        return other

    def plus(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """K_plus at s and the relative difference between the two lines."""
        return self._compare(s, 1)

    def minus(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """K_minus at s and the relative difference between the two lines."""
        return self._compare(s, -1)

    def pair(self, s: ComplexArray) -> ComplexArray:
        """(s - s_0) (s - s_0*), which K_plus contains; for s_0* another point below, if it is behind the cuts."""
        return self._lines[0].pair(s)

    def near(self) -> ComplexArray:
        """Zeros of K_plus but the pair that lie near a line or on its wrong side: (sheet, zero), else NaN."""
        points = self.known.zeros[0]
        return np.where(np.any([line.near(points, -1) for line in self._lines], axis=0), points, np.nan)

    def _compare(self, s: ComplexArray, side: int) -> tuple[ComplexArray, FloatArray]:
        """Work in blocks of points."""
        size = max(1, _TOGETHER // (len(s) * max(16, *(zeros.shape[1] for zeros in self.known.zeros))))
        found = [self._block(s[:, start : start + size], side) for start in range(0, max(s.shape[1], 1), size)]
        value, error = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
        return value, error

    def _block(self, s: ComplexArray, side: int) -> tuple[ComplexArray, FloatArray]:
        of, place = np.nonzero(np.any([line.reads(s, side) for line in self._lines], axis=0))
        kernel = np.zeros_like(s)
        kernel[of, place] = self.sheets.take(of).kernel(s[of, place][:, None])[:, 0]
        value, other = ((line.plus if side > 0 else line.minus)(s, kernel) for line in self._lines)
        error = np.abs(value - other) / np.abs(value) + _ROUNDING * (1 + self.sheets.m + self.sheets.k)
        return value, error + self._misplaced(s, side)

    def _misplaced(self, s: ComplexArray, side: int) -> FloatArray:
        """Relative error beside a zero that both lines divide out, from that of the zero itself."""
        known = self.known
        zeros = np.concatenate([known.pair, known.zeros[0]], axis=1) if side > 0 else known.zeros[1]
        size = np.where(np.isnan(zeros), 0.0, _MISPLACED * (self.sheets.k + np.abs(zeros)))
        distance = np.abs(s[..., None] - np.where(np.isnan(zeros), np.inf, zeros)[:, None])
        with np.errstate(divide="ignore"):
            error: FloatArray = np.max(size[:, None] / distance, axis=2, initial=0.0)
        return error


def new_lines(sheets: Sheet) -> list[Line]:
    """Lines of one length."""
    steps = int(np.max(_steps(sheets)))
    return [Line(sheets, tilt, shift, STEP, steps) for tilt, shift in _LINES]


def _steps(sheets: Sheet) -> IntArray:
    every: IntArray = np.max([needed(sheets, shift, STEP) for _, shift in _LINES], axis=0)
    return every


def _poles(sheets: Sheet) -> tuple[ComplexArray, ComplexArray]:
    """Poles of the kernels, down- and upstream: (sheet, pole), else NaN."""
    reach = sheets.reach()
    count = int(np.max(reach))
    eigenvalues = np.where(np.arange(count) < reach, sheets.section.eigenvalues(count), np.nan)
    down, up = (np.concatenate([sheets.modes(eigenvalues, side), sheets.resonances(-side)], axis=1) for side in (1, -1))
    return down, up


def factorise_many(
    sheets: Sequence[Sheet], *, tables: bool = True
) -> tuple[list[tuple[IntArray, Factors]], dict[int, str]]:
    """Factors of sheets of one azimuthal order, with or without hubs.

    With tables, a sheet's factors are the same, to the last bit, whatever the others; without, one is quicker.

    Returns
    -------
    parts : list of (numbers of sheets, their `Factors`)
    failures : dict of number of a sheet to the reason why there are none
    """
    parts: list[tuple[IntArray, Factors]] = []
    failures = {number: reason for number, sheet in enumerate(sheets) if (reason := _too_many(sheet))}
    if len(failures) == len(sheets):
        return parts, failures
    small = np.array([number not in failures for number in range(len(sheets))])
    steps, hollow = _steps(Sheet.stack(sheets)), np.array([sheet.section.hub > 0 for sheet in sheets])
    for kind in sorted(set(zip(steps[small].tolist(), hollow[small].tolist(), strict=True))):
        left = np.flatnonzero(small & (steps == kind[0]) & (hollow == kind[1]))
        alike = Sheet.stack([sheets[number] for number in left.tolist()], tables=tables)
        pair, found = instability(alike)
        live, starts, done = np.flatnonzero(found), [np.empty(0, complex) for _ in left], np.zeros(len(left), bool)
        for soft in (True, False):
            for sheet, more in zip(live, _starts(alike.take(live), soft) if len(live) else [], strict=True):
                starts[sheet] = np.append(starts[sheet], more)
            live = np.array([sheet for sheet in live if len(starts[sheet]) <= _MOST_STARTS], int)
            if not len(live):
                break
            some = alike.take(live)
            every = [starts[sheet] for sheet in live]
            of = np.repeat(np.arange(len(live)), [len(one) for one in every])
            near = zeros(some, of, np.concatenate(every), pair[live])
            factors = Factors(some, Singularities(pair[live], near, _poles(some)))
            fine = np.array([not reason for reason in factors.reasons])
            if np.any(fine):
                parts.append((left[live[fine]], factors if np.all(fine) else factors.take(np.flatnonzero(fine))))
                done[live[fine]] = True
            live = live[~fine]
        for number in left[~done].tolist():
            try:
                parts.append((np.array([number]), followed(sheets[number], tables=tables)))
            except ConvergenceError as error:
                failures[number] = str(error)
    return parts, failures


def _too_many(sheet: Sheet) -> str:
    """Why the factors of a sheet are too much work, or ""."""
    orders = int(sheet.reach())
    if orders > _MOST_ORDERS:
        return (
            f"{orders} radial orders of the jet come near the line of integration, more than {_MOST_ORDERS}: the "
            f"branch points of the fluid outside, {sheet.left:.3g} and {sheet.right:.3g}, are too far apart"
        )
    return ""


def _starts(sheets: Sheet, soft: bool) -> list[ComplexArray]:
    """Guesses near the lines, with either kind of wall, of each sheet."""
    lines, found = new_lines(sheets), []
    for side in (1, -1):
        points = guesses(sheets, side, soft)
        found.append(np.where(np.any([line.near(points, -side, _WIDE) for line in lines], axis=0), points, np.nan))
    return [row[~np.isnan(row)] for row in np.concatenate(found, axis=1)]


def followed(sheet: Sheet, *, tables: bool = False) -> Factors:
    """Factors of one sheet from all zeros, followed, on another way if the first fails.

    Raises
    ------
    ConvergenceError
        On every way a zero was lost, or the factors are refused.
    """
    alone, reason = Sheet.stack([sheet], tables=tables), _too_many(sheet)
    if reason:
        raise ConvergenceError(reason)
    for loss in _LOSSES:
        try:
            pair, *others = sheet.zeros(loss)
        except ConvergenceError as error:
            reason = str(error)
            continue
        both = np.append(pair, np.full(2 - len(pair), np.nan))
        known = Singularities(both[None], (others[0][None], others[1][None]), _poles(alone))
        factors = Factors(alone, known, complete=True)
        reason = factors.reasons[0]
        if not reason:
            return factors
    raise ConvergenceError(f"{reason} (and on {len(_LOSSES) - 1} other ways)")


class SheetFactors:
    """Factors of one sheet's kernel, see `Factors`; points may have any shape.

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
    many : Factors
        Those of the one sheet.
    instability : (count,) complex array
        Kelvin–Helmholtz zeros, s_0 that grows first.
    near : (zero,) complex array
        Other zeros of K_plus that lie near a line or on its wrong side.
    """

    def __init__(self, sheet: Sheet, *, follow: bool = False) -> None:
        self.sheet = sheet
        if follow:
            self.many = followed(sheet)
        else:
            parts, failures = factorise_many([sheet], tables=False)
            if failures:
                raise ConvergenceError(failures[0])
            self.many = parts[0][1]
        self.fast = not self.many.complete
        self.instability, self.near = (row[~np.isnan(row)] for row in (self.many.known.pair[0], self.many.near()[0]))

    @cached_property
    def _complete(self) -> Factors:
        return self.many if self.many.complete else followed(self.sheet)

    @cached_property
    def downstream(self) -> ComplexArray:
        """All other zeros of K_plus; these have to be followed, which takes much longer than the factors."""
        return self._complete.known.zeros[0][0]

    @cached_property
    def upstream(self) -> ComplexArray:
        """All zeros of K_minus; otherwise as `downstream`."""
        return self._complete.known.zeros[1][0]

    def plus(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """K_plus at s and the relative difference between the two lines."""
        value, error = self.many.plus(_row(s))
        return value.reshape(np.shape(s)), error.reshape(np.shape(s))

    def minus(self, s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """K_minus at s and the relative difference between the two lines."""
        value, error = self.many.minus(_row(s))
        return value.reshape(np.shape(s)), error.reshape(np.shape(s))

    def pair(self, s: ComplexArray) -> ComplexArray:
        """(s - s_0) (s - s_0*), which K_plus contains; for s_0* another point below, if it is behind the cuts."""
        return self.many.pair(_row(s)).reshape(np.shape(s))


def _row(s: ComplexArray) -> ComplexArray:
    return np.asarray(s, dtype=complex).reshape(1, -1)
