r"""Modes of a duct with a locally reacting wall, no flow: gamma S'(gamma) = q S(gamma), q = i ka / Z.

With F(w) = gamma S' / S, a function of w = gamma^2, a mode is a root of F = q. It follows from a hard-walled mode, q =
0, along q t, 0 <= t <= 1: by Bessel's equation dw / dq = -2 / b with

    b = 2 \int_h^1 (S(gamma r) / S(gamma))^2 r dr
      = 1 - (m^2 - q^2) / w - (h^2 - m^2 / w) (S(gamma h) / S(gamma))^2.

What was found is counted by the argument principle, for an entire function of w: (gamma S' - q S) / gamma^m, or over
S(gamma h) with a hub. Where b = 0, an exceptional point, two modes coincide.
"""

from typing import TypeAlias

import numpy as np

from ..arrays import ComplexArray
from ..bessel import hankel_pair
from ..errors import ConvergenceError, quiet
from ..section import Section

_FIRST, _GROWTH = 0.25, 1.25  # first step of q, and factor from one q to the next
_FINER = 4  # steps in place of one where the count fails
_DETOURS = 0.0, 0.6, -0.6  # phase of q half-way [rad]: paths that pass an exceptional point on different sides
_NEWTON = 40  # iterations, of quadratic convergence but beside an exceptional point; along the path four, to _LOOSE
_LOOSE, _CLOSE = 1e-5, 1e-13  # relative size of the last step along the path, and at its end
_ROUNDED = 1e-9  # largest relative error of a root: rounding, over b beside an exceptional point
_DECAYED = 2.0  # Im gamma from which Newton's method is for F - q itself
_SPARE = 4  # modes followed beyond those asked for, among which the count's circle is drawn
_APART = 1e-9  # relative distance in w below which two roots are one
_POINTS = 24  # on the circle for each mode within it, at first: the phase turns by 2 pi for each
_ROUNDS = 6  # of doubling them
_TURN = 1.0  # largest phase step [rad]
Modes: TypeAlias = tuple[ComplexArray, ComplexArray]  # gamma and b


def lined_modes(section: Section, q: complex, count: int) -> tuple[ComplexArray, ComplexArray]:
    """At least `count` lined modes of smallest |gamma|: gamma, Im gamma >= 0, and b = 2 norm; (mode,) arrays.

    Raises
    ------
    ConvergenceError
        Modes were lost, which the argument principle tells, or two coincide.
    """
    alpha = section.eigenvalues(count + _SPARE)
    for attempt, detour in enumerate(_DETOURS):
        with quiet():
            w = _follow(section, alpha, _path(q, detour, 1 if attempt == 0 else _FINER))
            found = _sorted(w)
            if _complete(section, q, found, count):
                gamma = _root(found)
                return gamma, twice_norm(section, gamma, q)
    raise ConvergenceError(
        f"the modes of the lined duct were not all found, for i ka / Z = {q:.6g} and m = {section.m}: two may coincide"
    )


def many_lined_modes(section: Section, q: ComplexArray, count: int) -> list[Modes | ConvergenceError]:
    """`lined_modes` for many q (case,) at once, or the error of a case."""
    alpha = section.eigenvalues(count + _SPARE)
    found: list[Modes | ConvergenceError] = []
    with quiet():
        path = q * (_path(complex(np.max(np.abs(q))), 0.0, 1) / np.max(np.abs(q)))[:, None]
        for one, w in zip(q.tolist(), _follow(section, alpha, path), strict=True):
            found.append(_checked(section, one, _sorted(w), count))
    return found


def _checked(section: Section, q: complex, w: ComplexArray, count: int) -> Modes | ConvergenceError:
    """Modes of w if they are all there, or those along other paths."""
    if _complete(section, q, w, count):
        gamma = _root(w)
        return gamma, twice_norm(section, gamma, q)
    try:
        return lined_modes(section, q, count)
    except ConvergenceError as error:
        return error


def twice_norm(
    section: Section, gamma: ComplexArray, q: ComplexArray | complex, wall: ComplexArray | None = None
) -> ComplexArray:
    """b of modes, or of -2 dq / dw where q is F(gamma^2); wall : S(gamma) exp(-|Im gamma|), if known."""
    w = gamma**2
    b = 1 - (section.m**2 - q**2) / w
    if section.hub:
        b = b - (section.hub**2 - section.m**2 / w) * _at_hub(section, gamma, wall) ** 2
    return np.asarray(b)


def _at_hub(section: Section, gamma: ComplexArray, wall: ComplexArray | None) -> ComplexArray:
    """S(gamma h) / S(gamma), Im gamma >= 0: by the Wronskian S(gamma h) = 2 i / (pi gamma h H_m'(gamma h))."""
    z = gamma * section.hub
    slope = hankel_pair(section.m, z)[1]
    finite = np.isfinite(slope)  # where H_m' overflows the hub is too thin to matter
    inner = np.where(finite, 2j / (np.pi * z * np.where(finite, slope, 1.0)), 0.0) * np.exp(-1j * z - gamma.imag)
    return np.asarray(inner / (section.wall(gamma)[0] if wall is None else wall))


def admittance(section: Section, gamma: ComplexArray) -> ComplexArray:
    """F = gamma S'(gamma) / S(gamma), the q for which gamma is a mode."""
    value, slope = section.wall(gamma)
    ratio: ComplexArray = gamma * slope / value
    return ratio


def admittance_and_norm(section: Section, gamma: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """F, and b = -2 dF / dw."""
    value, slope = section.wall(gamma)
    ratio = np.asarray(gamma * slope / value)
    return ratio, twice_norm(section, gamma, ratio, value)


def _root(w: ComplexArray) -> ComplexArray:
    """gamma = sqrt(w) with Im gamma >= 0."""
    gamma = np.sqrt(w)
    return np.where(gamma.imag < 0, -gamma, gamma)


def _path(q: complex, detour: float, finer: int) -> ComplexArray:
    """Values of q from the first step to the last."""
    size, growth = abs(q), _GROWTH ** (1 / finer)
    sizes = [_FIRST / finer]
    while sizes[-1] < size:
        sizes.append(sizes[-1] + max(_FIRST / finer, (growth - 1) * sizes[-1]))
    t = np.append(np.array(sizes[:-1]) / size, 1.0)
    return q * t * np.exp(1j * detour * np.sin(np.pi * t))


def _follow(section: Section, alpha: np.ndarray, path: ComplexArray) -> ComplexArray:
    """w of the modes at the end of the path, (mode,), or of many paths (step, case): (case, mode)."""
    q = path[..., None]
    w = np.broadcast_to(alpha**2 + 0j, np.broadcast_shapes(q.shape[1:], alpha.shape))
    b, before = np.broadcast_to(2 * section.norm(alpha) + 0j, w.shape), np.zeros(q.shape[1:], complex)
    for here in q:
        w = _newton(section, w - 2 * (here - before) / b, here, 4, _LOOSE)
        b, before = twice_norm(section, _root(w), here), here
    return _newton(section, w, q[-1], _NEWTON, _CLOSE)


def _newton(section: Section, start: ComplexArray, q: ComplexArray | complex, most: int, close: float) -> ComplexArray:
    """Roots next to w, of gamma^-m (gamma S' - q S), which has no poles but by a hub.

    Its derivative over S gamma^-m is F' + (F - m) / (2 w) (F - q), exactly so without a hub; with one it changes
    the way, not the roots. Where S grows exponentially, F itself has no poles, and is nearly linear in gamma.
    """
    w, live = start.ravel().copy(), np.arange(start.size)
    every = np.broadcast_to(q, start.shape).ravel()
    for _ in range(most):
        gamma, wanted = _root(w[live]), every[live]
        value, norm = admittance_and_norm(section, gamma)
        growth = np.where(gamma.imag < _DECAYED, (value - section.m) / (2 * w[live]), 0.0)
        slope = -0.5 * norm + growth * (value - wanted)
        step = (value - wanted) / slope
        w[live] -= step
        live = live[~(np.abs(step) <= close * np.abs(w[live]))]
        if not len(live):
            break
    return w.reshape(start.shape)


def _sorted(w: ComplexArray) -> ComplexArray:
    return w[np.argsort(np.abs(w), kind="stable")]


def _complete(section: Section, q: complex, w: ComplexArray, count: int) -> bool:
    """Whether w, sorted, are different roots, and all modes within a circle around `count` or more."""
    if not np.all(np.isfinite(w)):
        return False
    missed = 2 * (admittance(section, _root(w)) - q) / twice_norm(section, _root(w), q)  # Newton's next step
    if not np.all(np.abs(missed) <= _ROUNDED * np.abs(w)):
        return False
    near = np.abs(w[:, None] - w) <= _APART * np.abs(w[:, None])
    if np.count_nonzero(near) > len(w) or not _knows_surface_wave(section, q, w):
        return False
    size = np.sqrt(np.abs(w))
    gaps = size[1:] - size[:-1]
    start = max(count - 1, 0)
    inside = start + int(np.argmax(gaps[start : start + _SPARE - 1])) + 1
    return _winding(section, q, 0.5 * (size[inside - 1] + size[inside]), inside) == inside


def _knows_surface_wave(section: Section, q: complex, w: ComplexArray) -> bool:
    """Whether w has the surface wave, gamma near -i q, that may lie far outside the circle of the count."""
    if q.real <= 0 or abs(q) <= 2 * section.m + 2:
        return True
    wave = _newton(section, np.array([-(q**2)]), q, _NEWTON, _CLOSE)
    gamma = _root(wave)
    converged = np.isfinite(gamma[0]) and abs(admittance(section, gamma)[0] - q) <= 1e-8 * abs(q)
    beyond = abs(wave[0]) > abs(w[-1]) and abs(gamma[0].real) > abs(gamma[0].imag)  # an ordinary mode
    return not converged or beyond or bool(np.min(np.abs(w / wave[0] - 1)) < 1e-6)


def _winding(section: Section, q: complex, radius: float, expected: int) -> int:
    """Number of modes with |gamma| < radius; -1 if the phase could not be followed."""
    points = _POINTS * (expected + section.m + 2)
    for _ in range(_ROUNDS):
        gamma = radius * np.exp(1j * np.pi * np.arange(points + 1) / points)
        value, slope = section.wall(gamma)
        entire = gamma * slope - q * value
        entire /= section.radial(gamma, section.hub)[0] if section.hub else (gamma / radius) ** section.m
        steps = np.angle(entire[1:] / entire[:-1])
        if np.all(np.abs(steps) < _TURN):
            turns = float(np.sum(steps)) / (2 * np.pi)
            return round(turns) if abs(turns - round(turns)) < 0.01 else -1  # rounding is 1e-12; a pole next to it more
        points *= 2
    return -1
