"""The few modes of jets that lines of integration need, without following any: the Kelvin–Helmholtz pairs and those
near a line or on its wrong side.

A zero of the kernel found by Newton's method belongs to K_plus if it lies below the real axis, or on it where the
kernel falls: but for the Kelvin–Helmholtz wave no mode of a subsonic jet grows.
"""

import numpy as np

from .arrays import BoolArray, ComplexArray, FloatArray, IntArray
from .resonances import distinct
from .sheet import Sheet
from .singularities import padded
from .wavenumbers import upper

_ROUNDS = 20  # of the fixed-point iteration for s_0: each gains two digits; Newton's method starts then
_NEWTON = 10  # iterations from a guess
_LONGEST, _LOST = 0.5, 1e-2  # longest step, and one from where there is no correction, over k
# Change of s_0, and over its size, at which Newton's method takes over: K gamma_1 S' grows e-fold over a distance of 1.
_CLOSE = 0.02, 0.01
_CONVERGED = 1e-10  # last change over k of a zero that was found: convergence is quadratic
_SAME = 1e-7  # distance over k below which two zeros are one
_NEUTRAL = 1e-9  # imaginary part over k below which a zero is on the real axis
_DAMPING = 0.6  # imaginary part of the radial wavenumber of a guess: radiation takes that much from most modes
_SHIFTS = 2  # times that a guess is corrected for the sheet's impedance


def instability(sheets: Sheet) -> tuple[ComplexArray, BoolArray]:
    """s_0, which grows, and its mirror image if it is on the physical sheet, else NaN: (sheet, 2), and which are found.

    N_1 = -+ r N_2 with r^2 = D Q_2 / Q_1, Q the quotients of `Sheet.quotients`, is iterated from r = i sqrt(D), until
    s_0 is a wave that grows downstream.
    """
    count = len(sheets.k)
    sides = np.array([1.0, -1.0])
    r, s = 1j * np.sqrt(sheets.density), np.full((count, 1), np.inf + 0j)
    live = np.flatnonzero(sheets.shear)
    for _ in range(_ROUNDS):
        if not len(live):
            break
        some, last = sheets.take(live), s[live]
        both = -some.k * (1 - sides * r[live]) / (some.mach - sides * r[live] * some.mach_outer * some.speed)
        s[live] = np.take_along_axis(both, np.argmax(both.imag, axis=1)[:, None], axis=1)
        going = ~(np.abs(s[live] - last) < np.minimum(_CLOSE[0], _CLOSE[1] * np.abs(s[live])))[:, 0]
        live, some = live[going], some.take(np.flatnonzero(going))
        inside, outside = some.quotients(s[live])
        r[live] = 1j * np.sqrt(-some.density * outside / inside)
    sheared = np.flatnonzero(sheets.shear)
    some = sheets.take(sheared)
    s[sheared], change = newton(some, s[sheared])
    found = np.ones(count, bool)
    found[sheared] = ((np.abs(change) < _CONVERGED * np.abs(s[sheared])) & (s[sheared].imag > 0))[:, 0]
    found &= ~(sheets.shear[:, 0] & (s[:, 0].real >= 0))
    pair = np.concatenate([s, np.where(s.real < sheets.left, s.conj(), np.nan)], axis=1)
    return np.where(sheets.shear, pair, -sheets.k / sheets.mach), found


def newton(sheets: Sheet, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Newton's method from s (sheet, 1) on the physical sheet: its end and the last change."""
    s, change = s.copy(), np.full(s.shape, np.inf + 0j)
    for _ in range(_NEWTON):
        live = np.flatnonzero(np.abs(change) > _CONVERGED * sheets.k)
        if not len(live):
            break
        some = sheets.take(live)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = correction(some, s[live])
            step = np.where(np.isfinite(step), step, _LOST * some.k)
            step /= np.maximum(1.0, np.abs(step) / (_LONGEST * some.k))
        s[live] -= step
        change[live] = step
    return s, change


def correction(sheets: Sheet, s: ComplexArray) -> ComplexArray:
    """f / f' of f = K gamma_1 S', which has no poles at the duct's modes; by Bessel's equation f' is in closed form."""
    m2, shear, mach = sheets.m**2, sheets.shear, sheets.mach
    (inner, gamma), (outer, gamma_outer) = sheets.inner(s), sheets.outer(s)
    gamma = upper(gamma)
    value, slope = sheets.section.wall(gamma)
    drift, slope_drift = sheets.section.wall_drift(gamma)
    q = sheets.outside(s)
    speed = sheets.mach_outer * sheets.speed
    square, square_outer = gamma**2, gamma_outer**2
    turn, turn_outer = mach * inner - s, speed * outer / sheets.speed**2 - s  # gamma gamma'
    # Without shear, K without N^2, whose double zero is known.
    inner, outer = np.where(shear, inner, 1.0), np.where(shear, outer, 1.0)
    mach, speed = np.where(shear, mach, 0.0), np.where(shear, speed, 0.0)
    outside = sheets.density * outer**2 * q
    growth = 2 * sheets.density * outer * speed * q
    growth = growth + sheets.density * outer**2 * (1 + (square_outer - m2) * q**2) * turn_outer / square_outer
    f = outside * gamma * slope - inner**2 * value
    rise = growth * gamma * slope - 2 * inner * mach * value
    # d/ds of gamma_1 S' and of S, in the unit of turn / gamma_1
    bent = gamma * slope_drift - (square - m2) / gamma * value
    rise += (outside * bent - inner**2 * (slope + drift)) * turn / gamma
    return f / rise


def guesses(sheets: Sheet, side: int, soft: bool) -> ComplexArray:
    """Points near the modes that travel along side = +1 or -1: (sheet, point), NaN beyond a sheet's reach.

    S is nearly a sine of gamma_1 about the eigenvalues of a soft wall, a cosine about those of a hard one; the sheet's
    impedance shifts them.
    """
    reach = sheets.reach()
    count = int(np.max(reach))
    radial = sheets.section.soft_eigenvalues(count) if soft else sheets.section.eigenvalues(count)
    gamma: ComplexArray = np.asarray(radial - 1j * _DAMPING)
    for _ in range(_SHIFTS):
        s = _along(sheets, gamma, side)
        inertia = np.where(sheets.shear, (sheets.outer(s)[0] / sheets.inner(s)[0]) ** 2, 1.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = gamma * sheets.density * sheets.outside(s) * inertia  # S / S'
            shift = np.arctan(ratio) if soft else -np.arctan(1 / ratio)
        gamma = np.asarray(radial + np.where(np.isfinite(shift), shift, -1j * _DAMPING))
    return np.where(np.arange(count) < reach, _along(sheets, gamma, side), np.nan)


def _along(sheets: Sheet, gamma: ComplexArray, side: int) -> ComplexArray:
    """s of radial wavenumbers gamma_1 of waves that travel along side."""
    wave: ComplexArray = np.asarray(np.sqrt(sheets.k**2 - sheets.beta2 * gamma**2 + 0j))
    return sheets.centre - side * wave / sheets.beta2


def zeros(sheets: Sheet, of: IntArray, starts: ComplexArray, pair: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Down- and upstream zeros that Newton's method reaches, without the pairs: (sheet, zero) each, padded with NaN.

    of : (start,) numbers of the sheets, in ascending order; starts : (start,); pair : (sheet, 2).
    """
    some = sheets.take(of)
    s, change = newton(some, starts[:, None])
    known = np.where(np.isnan(pair), np.inf, pair)[of]
    good = (np.abs(change) < _CONVERGED * some.k) & np.all(np.abs(s - known) > _SAME * some.k, axis=1, keepdims=True)
    s, of = s[good], of[good[:, 0]]
    found = [distinct(s[of == one], _SAME * k) for one, k in enumerate(sheets.k[:, 0])]
    of, s = np.repeat(np.arange(len(found)), [len(one) for one in found]), np.concatenate(found)
    down = s.imag < 0
    neutral = np.flatnonzero(np.abs(s.imag) < _NEUTRAL * sheets.k[of, 0])
    down[neutral] = _slope(sheets.take(of[neutral]), s[neutral, None])[:, 0] < 0
    return padded(s[down], of[down], len(found)), padded(s[~down], of[~down], len(found))


def _slope(sheets: Sheet, s: ComplexArray) -> FloatArray:
    """Real part of K', by differences."""
    h = 1e-6 * sheets.k
    value: FloatArray = (sheets.kernel(s + h) - sheets.kernel(s - h)).real / (2 * h)
    return value
