r"""Modes of a duct with a locally reacting wall in uniform flow, with Ingard's and Myers' condition.

In X = x / beta, K = ka / beta, psi = phi exp(-i K M X), as in `media.uniform`, waves exp(-i s X) have gamma^2 = K^2 -
s^2. The wall's displacement zeta obeys phi_r = -i N zeta and p = i N phi = -i ka Z zeta with N = (K + M s) / beta, so
that modes are the roots s of

    F(gamma^2) = y N^2,   F = gamma S' / S,   y = i / (ka Z),

those of a duct without flow where M = 0. For Re Z > 0 none is on the real axis: modes that follow from hard-walled
ones, y = 0, along a path of y stay on their side, downstream waves below the axis, upstream waves above it. Next to
the wall there are surface waves besides, roots of -i gamma = y N^2; two of them, hydrodynamic ones near s = -+ beta^2 /
(M^2 y), only where Im Z > 0. All are counted together by the argument principle, as without flow.

References
----------
S. W. Rienstra, Wave Motion 37 (2003), 119-135, for the surface waves; J. Eng. Math. 59 (2007), 451-475.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import ComplexArray, FloatArray
from ..errors import ConvergenceError, quiet
from ..section import Section
from ..wavenumbers import upper
from .modes import admittance_and_norm

_FIRST, _GROWTH = 0.25, 1.25  # first step of y, over that at which a mode has moved by its own size; steps' ratio
_FINER = 4  # steps in place of one where the count fails
_DETOURS = 0.0, 0.6, -0.6  # phase of y half-way [rad]
_NEWTON = 40  # iterations at the end of the path; along it four, to _LOOSE
_LOOSE, _CLOSE = 1e-5, 1e-13  # relative size of the last step
_ROUNDED = 1e-9  # largest relative error of a root
_DECAYED = 2.0  # Im gamma from which Newton's method is for F - y N^2 itself
_FAR, _EVANESCENT = 1e5, 50.0  # |gamma| / (1 + m) and Im gamma (1 - h) from which F has the error (m / gamma)^4
_SPARE = 4  # modes followed in each direction beyond those asked for
_NEUTRAL = 1e-12  # Im s over |s| that is rounding
_APART = 1e-9  # relative distance below which two roots are one
_POINTS = 24  # on the circle of the count for each mode within it, at first
_ROUNDS = 6  # of doubling them
_TURN = 1.0  # largest phase step [rad]
_WHOLE = 0.01  # largest deviation of the count from a whole number: rounding is 1e-12, a mode on the circle more
_LACKING = 4  # most modes found by the sums of their powers
_DISTINCT = 0.3  # largest relative distance of the hydrodynamic wave to its estimate
_SLOW = 1e-4  # |M| below which the estimates of acoustic and hydrodynamic surface waves are apart, to 1e-4


@dataclass(frozen=True)
class FlowWall:
    """A lined wall in flow.

    Attributes
    ----------
    section : Section
    k, mach : float
        K and M.
    y : complex
        i / (ka Z).
    """

    section: Section
    k: float
    mach: float
    y: complex

    @property
    def beta(self) -> float:
        """sqrt(1 - M^2)."""
        return float(np.sqrt((1 - self.mach) * (1 + self.mach)))

    def convected(self, s: ComplexArray) -> ComplexArray:
        """N."""
        return np.asarray((self.k + self.mach * s) / self.beta)

    def radial(self, s: ComplexArray) -> ComplexArray:
        """gamma, Im gamma >= 0."""
        return upper(np.sqrt((self.k - s) * (self.k + s)))

    def admittance(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """F and b = -2 dF / d gamma^2 at s, by their expansions where Bessel functions would overflow or cancel."""
        gamma, section = self.radial(s), self.section
        far = (np.abs(gamma) > _FAR * (1 + section.m)) & (gamma.imag * (1 - section.hub) > _EVANESCENT)
        near = np.where(far, 1j, gamma)
        value, norm = admittance_and_norm(section, near)
        next_term = np.where(far, 0.125j * (4 * section.m**2 - 1) / gamma, 0.0)
        value = np.where(far, -1j * gamma - 0.5 + next_term, value)
        return value, np.where(far, (1j + next_term / gamma) / gamma, norm)

    def growth(self, value: ComplexArray, gamma: ComplexArray) -> ComplexArray:
        """-1 / s times the logarithmic derivative of a function that F - y N^2 lacks poles with; value : F."""
        return np.asarray((value - self.section.m) / gamma**2)

    def twice_hard_norm(self, alpha: FloatArray) -> FloatArray:
        """b at hard-walled modes."""
        return 2 * self.section.norm(alpha)

    def entire(self, s: ComplexArray, radius: float) -> tuple[ComplexArray, FloatArray]:
        """A function of s, |s| = radius, whose zeros are the modes, over a positive factor, and ln of that."""
        gamma, section = self.radial(s), self.section
        value, slope = section.wall(gamma)
        entire = gamma * slope - self.y * self.convected(s) ** 2 * value
        entire = entire / (section.radial(gamma, section.hub)[0] if section.hub else (gamma / radius) ** section.m)
        return entire, np.abs(gamma.imag) * (1 - section.hub)

    def miss(self, s: ComplexArray) -> ComplexArray:
        """F - y N^2."""
        return self.admittance(s)[0] - self.y * self.convected(s) ** 2

    def slope(self, s: ComplexArray) -> ComplexArray:
        """D = d(F - y N^2) / ds at a mode, where F is y N^2 whatever y."""
        value, norm = self.admittance(s)
        return norm * s - 2 * (self.mach / self.beta) * (value / self.convected(s))


@dataclass(frozen=True)
class FlowModes:
    """Lined modes in flow.

    Attributes
    ----------
    down, up : (mode,) complex arrays
        s of waves that decay, or travel, downstream of where they are excited, and upstream; increasing |s|.
    """

    down: ComplexArray
    up: ComplexArray


def flow_modes(wall: FlowWall, count: int) -> FlowModes:
    """At least `count` lined modes in each direction, those of smallest |s|, and the surface waves; by half-planes.

    Raises
    ------
    ConvergenceError
        Modes were lost, which the argument principle tells, or two coincide.
    """
    alpha = wall.section.eigenvalues(count + _SPARE)
    for attempt, detour in enumerate(_DETOURS):
        with quiet():
            s = _follow(wall, alpha, _path(wall, alpha, detour, 1 if attempt == 0 else _FINER))
            found = _checked(wall, s, count)
        if found is not None:
            return found
    raise ConvergenceError(
        f"the modes of the lined duct were not all found, for i / (ka Z) = {wall.y:.6g}, m = {wall.section.m} and "
        f"mach = {wall.mach}: two may coincide"
    )


def many_flow_modes(walls: Sequence[FlowWall], count: int) -> list[FlowModes | ConvergenceError]:
    """`flow_modes` of walls that differ in y only, followed together, or the error of one."""
    y = np.array([wall.y for wall in walls])
    longest = walls[int(np.argmax(np.abs(y)))]
    alpha, found = longest.section.eigenvalues(count + _SPARE), list[FlowModes | ConvergenceError]()
    with quiet():
        path = y * (_path(longest, alpha, 0.0, 1) / longest.y)[:, None]
        for wall, s in zip(walls, _follow(longest, alpha, path), strict=True):
            try:
                found.append(_checked(wall, s, count) or flow_modes(wall, count))
            except ConvergenceError as error:
                found.append(error)
    return found


def _checked(wall: FlowWall, followed: ComplexArray, count: int) -> FlowModes | None:
    """Waves by half-planes, or None if some are missing."""
    inside = _complete(wall, followed, count)
    if inside is None:
        return None
    neutral = np.abs(inside.imag) < _NEUTRAL * np.abs(inside)  # waves that do not feel the wall
    down = np.where(neutral, inside.real < 0, inside.imag < 0)
    return FlowModes(inside[down], inside[~down])


def hydrodynamic_wave(wall: FlowWall) -> complex:
    """s of the surface wave that may be an instability: Im Z > 0, and in the half-plane against the flow.

    Raises
    ------
    ConvergenceError
        No root is near the estimate, so that none can be told from the other modes.
    """
    mach = abs(wall.mach)
    estimate = -(wall.beta**2) / (wall.y * mach**2) - 2 * wall.k / mach
    estimate *= np.sign(wall.mach)
    with quiet():
        found = newton(wall, np.append(surface_waves(wall, 1 + wall.section.m), estimate))
    distance = np.abs(found / estimate - 1)
    best = int(np.nanargmin(np.where(_is_root(wall, found), distance, np.inf)))
    against = float(np.sign(wall.mach) * found[best].imag)
    if not (distance[best] < _DISTINCT and against > 0 and wall.radial(found)[best].imag > 1 + wall.section.m):
        raise ConvergenceError(
            f"no surface wave of the flow over the liner stands out from its other modes, for i / (ka Z) = "
            f"{wall.y:.6g} and mach = {wall.mach}: there is nothing to be unstable"
        )
    return complex(found[best])


def _path(wall: FlowWall, alpha: FloatArray, detour: float, finer: int) -> ComplexArray:
    """Values of y from the first step to the last."""
    kappa = np.sqrt((wall.k - alpha) * (wall.k + alpha) + 0j)
    strongest = np.max(np.abs(wall.convected(np.concatenate([-kappa, kappa]))) ** 2 / np.maximum(np.tile(alpha, 2), 1))
    size, growth = abs(wall.y), _GROWTH ** (1 / finer)
    first = _FIRST / (finer * float(strongest))
    sizes = [first]
    while sizes[-1] < size:
        sizes.append(sizes[-1] + max(first, (growth - 1) * sizes[-1]))
    t = np.append(np.array(sizes[:-1]) / size, 1.0)
    return np.asarray(wall.y * t * np.exp(1j * detour * np.sin(np.pi * t)))


def _follow(wall: FlowWall, alpha: FloatArray, path: ComplexArray) -> ComplexArray:
    """s of the modes at the end of the path, (mode,), or of many paths (step, case): (case, mode).

    At first F = -(beta_n / 2) (gamma^2 - alpha^2) is a quadratic equation, regular at a cut-on.
    """
    path = path[..., None]
    e = 2 * path[0] / (wall.twice_hard_norm(alpha) * wall.beta**2)
    a, b, c = e * wall.mach**2 - 1, e * wall.k * wall.mach, (wall.k - alpha) * (wall.k + alpha) + e * wall.k**2
    root = np.sqrt(b**2 - a * c)
    s = np.concatenate([(-b + root) / a, (-b - root) / a], axis=-1)
    s, before = newton(wall, s, path[0], 4, _LOOSE), path[0]
    for y in path[1:]:
        s = s + (y - before) * wall.convected(s) ** 2 / wall.slope(s)
        s, before = newton(wall, s, y, 4, _LOOSE), y
    return newton(wall, s, path[-1])


def newton(
    wall: FlowWall, start: ComplexArray, y: ComplexArray | None = None, most: int = _NEWTON, close: float = _CLOSE
) -> ComplexArray:
    """Roots next to s, of gamma^-m (gamma S' - y N^2 S), with the wall's y or others; see `modes`."""
    s, live = start.ravel().copy(), np.arange(start.size)
    every = np.broadcast_to(np.asarray(wall.y if y is None else y), start.shape).ravel()
    for _ in range(most):
        here, strength = s[live], every[live]
        gamma, n = wall.radial(here), wall.convected(here)
        value, norm = wall.admittance(here)
        missed = value - strength * n**2
        slope = norm * here - 2 * strength * n * wall.mach / wall.beta
        slope = slope - np.where(gamma.imag < _DECAYED, wall.growth(value, gamma) * here * missed, 0.0)
        step = missed / slope
        s[live] -= step
        live = live[~(np.abs(step) <= close * np.abs(s[live]))]
        if not len(live):
            break
    return s.reshape(start.shape)


def surface_waves(wall: FlowWall, least: float) -> ComplexArray:
    """Estimates: roots of gamma^2 = -(y N^2)^2 with Re y N^2 > least >= 0, where the wave decays from the wall."""
    strength, mach = (wall.y * wall.k / wall.beta**2) ** 2, wall.mach
    if abs(mach) < _SLOW:
        z = np.sqrt(1 + strength) * np.array([1, -1])
        if mach:
            z = np.append(z, (np.array([1, -1]) / (np.sqrt(strength) * mach) - 2) / mach)
    else:
        z = np.roots(strength * np.array([mach**4, 4 * mach**3, 6 * mach**2, 4 * mach, 1]) - [0, 0, 1, 0, -1])
    s = np.array(wall.k * z, dtype=complex)
    return np.asarray(s[(wall.y * wall.convected(s) ** 2).real > least])


def _is_root(wall: FlowWall, s: ComplexArray) -> np.ndarray:
    """Whether Newton's next step is small, also that for 1 / F: next to a pole of F, which is no mode, only one is."""
    missed, displaced = wall.miss(s), wall.y * wall.convected(s) ** 2
    step = np.abs(missed / wall.slope(s)) * np.maximum(np.abs(missed + displaced) / (1 + np.abs(displaced)), 1)
    return np.isfinite(s) & (step <= _ROUNDED * np.abs(s))


def _complete(wall: FlowWall, followed: ComplexArray, count: int) -> ComplexArray | None:
    """All roots within a circle around `count` or more in each direction, and surface waves outside; None if lost."""
    found = _joined(followed[:0], followed[_is_root(wall, followed)])
    if not (np.any(found.imag < 0) and np.any(found.imag > 0)):
        return None
    waves = newton(wall, surface_waves(wall, 1 + wall.section.m))
    waves = waves[_is_root(wall, waves)]
    s = _sorted(_joined(found, waves))
    # Beyond the last mode followed in either direction some may be missing.
    last = min(np.max(np.abs(found[found.imag < 0])), np.max(np.abs(found[found.imag > 0])))
    size = np.abs(s)
    start, stop = 2 * count - 1, int(np.searchsorted(size, last))
    if stop <= start:
        return None
    inside = start + int(np.argmax(size[start + 1 : stop + 1] - size[start:stop])) + 1
    every = _with_missing(wall, s[:inside], 0.5 * float(size[inside - 1] + size[inside]))
    return None if every is None else _sorted(_joined(every, waves))


def _sorted(s: ComplexArray) -> ComplexArray:
    return s[np.argsort(np.abs(s), kind="stable")]


def _joined(s: ComplexArray, more: ComplexArray) -> ComplexArray:
    """s and those of the others that are not in it yet."""
    for one in more:
        if np.min(np.abs(s / one - 1), initial=np.inf) > _APART:
            s = np.append(s, one)
    return s


def _with_missing(wall: FlowWall, s: ComplexArray, radius: float) -> ComplexArray | None:
    """s and the roots within the circle that it lacks, from the sums of their powers; None if they are not found."""
    count, sums = _powers(wall, radius, len(s))
    lacking = count - len(s)
    if not 0 <= lacking <= _LACKING:
        return None
    if not lacking:
        return s
    orders = np.arange(1, lacking + 1)
    rest = sums[:lacking] - np.sum((s[:, None] / radius) ** orders, axis=0)
    elementary = [1 + 0j]  # of the roots, by Newton's identities
    for order in orders:
        terms = [(-1) ** (i - 1) * elementary[order - i] * rest[i - 1] for i in range(1, order + 1)]
        elementary.append(sum(terms) / order)
    guesses = radius * np.roots([(-1) ** i * one for i, one in enumerate(elementary)])
    more = newton(wall, guesses.astype(complex))
    more = more[_is_root(wall, more) & (np.abs(more) < radius)]
    found = _joined(s, more)
    return found if len(found) == count else None


def _powers(wall: FlowWall, radius: float, expected: int) -> tuple[int, ComplexArray]:
    """Number of modes with |s| < radius, -1 if the phase could not be followed, and the sums of (s / radius)^p.

    By the argument principle: ln f less the number times ln s has the Fourier coefficients -sum / p.
    """
    points = _POINTS * (expected + wall.section.m + 2)
    for _ in range(_ROUNDS):
        s = radius * np.exp(2j * np.pi * (np.arange(points + 1) + 0.5) / points)
        entire, exponent = wall.entire(s, radius)
        steps = np.angle(entire[1:] / entire[:-1])
        if np.all(np.abs(steps) < _TURN):
            turns = float(np.sum(steps)) / (2 * np.pi)
            if abs(turns - round(turns)) > _WHOLE:
                return -1, s[:0]
            phase = np.concatenate([[0.0], np.cumsum(steps)])[:-1] - np.angle(s[:-1] / s[0]) % (2 * np.pi) * turns
            logarithm = np.log(np.abs(entire[:-1])) + exponent[:-1] + 1j * phase
            orders = np.arange(1, _LACKING + 1)
            return round(turns), -orders * (logarithm @ (s[:-1, None] / radius) ** orders) / points
        points *= 2
    return -1, np.zeros(0, complex)
