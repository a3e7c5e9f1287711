"""The few modes of a jet that a line of integration needs, without following any: the Kelvin–Helmholtz pair and those
near the line or on its wrong side.

A zero of the kernel found by Newton's method belongs to K_plus if it lies below the real axis, or on it where the
kernel falls: but for the Kelvin–Helmholtz wave no mode of a subsonic jet grows.
"""

import numpy as np

from .arrays import ComplexArray, FloatArray
from .bessel import hankel_pair
from .errors import ConvergenceError
from .logarithmic import quotient
from .resonances import distinct
from .sheet import Sheet
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


def instability(sheet: Sheet) -> ComplexArray:
    """s_0, which grows, and its mirror image if it is on the physical sheet.

    N_1 = -+ r N_2 with r^2 = D Q_2 / Q_1, Q the quotients of `Sheet.quotients`, is iterated from r = i sqrt(D).

    Raises
    ------
    ConvergenceError
        The iteration did not end at a wave that grows downstream.
    """
    k, speed = sheet.k, sheet.mach_outer * sheet.speed
    if not sheet.shear:
        return np.full(2, -k / sheet.mach + 0j)
    sides = np.array([1.0, -1.0])
    r, s = np.full(1, 1j * np.sqrt(sheet.density)), np.full(1, np.inf + 0j)
    for _ in range(_ROUNDS):
        both = -k * (1 - sides * r) / (sheet.mach - sides * r * speed)
        last, s = s, both[[np.argmax(both.imag)]]
        if abs(s[0] - last[0]) < min(_CLOSE[0], _CLOSE[1] * abs(s[0])):
            break
        inside, outside = sheet.quotients(s)
        r = 1j * np.sqrt(-sheet.density * outside / inside)
    s, change = newton(sheet, s)
    if not (abs(change[0]) < _CONVERGED * abs(s[0]) and s[0].imag > 0 > s[0].real):
        raise ConvergenceError(f"the instability was not found: s_0 = {s[0]:.3g}, last change {abs(change[0]):.1e}")
    return np.array([s[0], s[0].conj()]) if s[0].real < sheet.left else s


def newton(sheet: Sheet, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Newton's method from every s on the physical sheet: its end and the last change."""
    s, change = s.copy(), np.full(len(s), np.inf + 0j)
    for _ in range(_NEWTON):
        live = np.abs(change) > _CONVERGED * sheet.k
        if not np.any(live):
            break
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = correction(sheet, s[live])
            step = np.where(np.isfinite(step), step, _LOST * sheet.k)
            step /= np.maximum(1.0, np.abs(step) / (_LONGEST * sheet.k))
        s[live] -= step
        change[live] = step
    return s, change


def correction(sheet: Sheet, s: ComplexArray) -> ComplexArray:
    """f / f' of f = K gamma_1 S', which has no poles at the duct's modes; by Bessel's equation f' is in closed form."""
    m2, shear = sheet.m**2, sheet.shear
    (inner, gamma), (outer, gamma_outer) = sheet.inner(s), sheet.outer(s)
    gamma = upper(gamma)
    value, slope = sheet.section.wall(gamma)
    drift, slope_drift = sheet.section.wall_drift(gamma)
    q = quotient(sheet.m, lambda z: hankel_pair(sheet.m, z), gamma_outer, 1)
    speed = sheet.mach_outer * sheet.speed
    square, square_outer = gamma**2, gamma_outer**2
    turn, turn_outer = sheet.mach * inner - s, speed * outer / sheet.speed**2 - s  # gamma gamma'
    mach = sheet.mach
    if not shear:  # K without N^2, whose double zero is known
        inner, outer, mach, speed = np.ones_like(s), np.ones_like(s), 0.0, 0.0
    outside = sheet.density * outer**2 * q
    growth = 2 * sheet.density * outer * speed * q
    growth = growth + sheet.density * outer**2 * (1 + (square_outer - m2) * q**2) * turn_outer / square_outer
    f = outside * gamma * slope - inner**2 * value
    rise = growth * gamma * slope - 2 * inner * mach * value
    # d/ds of gamma_1 S' and of S, in the unit of turn / gamma_1
    bent = gamma * slope_drift - (square - m2) / gamma * value
    rise += (outside * bent - inner**2 * (slope + drift)) * turn / gamma
    return f / rise


def guesses(sheet: Sheet, side: int, soft: bool) -> ComplexArray:
    """Points near the modes that travel along side = +1 or -1.

    S is nearly a sine of gamma_1 about the eigenvalues of a soft wall, a cosine about those of a hard one; the sheet's
    impedance shifts them.
    """
    count = sheet.reach()
    radial = sheet.section.soft_eigenvalues(count) if soft else sheet.section.eigenvalues(count)
    gamma: ComplexArray = np.asarray(radial - 1j * _DAMPING)
    for _ in range(_SHIFTS):
        s = _along(sheet, gamma, side)
        outside = quotient(sheet.m, lambda z: hankel_pair(sheet.m, z), sheet.outer(s)[1], 1)
        inertia = (sheet.outer(s)[0] / sheet.inner(s)[0]) ** 2 if sheet.shear else 1.0
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = gamma * sheet.density * outside * inertia  # S / S'
            shift = np.arctan(ratio) if soft else -np.arctan(1 / ratio)
        gamma = np.asarray(radial + np.where(np.isfinite(shift), shift, -1j * _DAMPING))
    return _along(sheet, gamma, side)


def _along(sheet: Sheet, gamma: ComplexArray, side: int) -> ComplexArray:
    """s of radial wavenumbers gamma_1 of waves that travel along side."""
    wave: ComplexArray = np.asarray(np.sqrt(sheet.k**2 - sheet.beta2 * gamma**2 + 0j))
    return sheet.centre - side * wave / sheet.beta2


def zeros(sheet: Sheet, starts: ComplexArray, known: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Down- and upstream zeros that Newton's method reaches from `starts`, without those known."""
    s, change = newton(sheet, starts)
    good = np.abs(change) < _CONVERGED * sheet.k
    good &= np.min(np.abs(s[:, None] - known), axis=1, initial=np.inf) > _SAME * sheet.k
    s = distinct(s[good], _SAME * sheet.k)
    if not len(s):
        return s, s
    down = s.imag < 0
    neutral = np.abs(s.imag) < _NEUTRAL * sheet.k
    if np.any(neutral):
        down[neutral] = _slope(sheet, s[neutral]) < 0
    return s[down], s[~down]


def _slope(sheet: Sheet, s: ComplexArray) -> FloatArray:
    """Real part of K', by differences."""
    h = 1e-6 * sheet.k
    value: FloatArray = (sheet.kernel(s + h) - sheet.kernel(s - h)).real / (2 * h)
    return value
