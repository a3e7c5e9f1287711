r"""Modes of an annulus with a hard wall and a lined hub, also in uniform flow, and waves along the hub outside.

The variables are those of `flow_modes`. With the displacement into the hub, f_r = -y N^2 f at r = h. The radial
function with f(1) = 1 and f'(1) = 0,

    f(r) = (pi gamma / 2 i) [J_m(gamma r) H_m'(gamma) - H_m(gamma r) J_m'(gamma)],

is entire in w = gamma^2, and modes are the roots of F = -f'(h) / f(h) = y N^2. As at the wall, dF / dw = -b / 2, with

    b = (2 / (h f(h)^2)) \int_h^1 f^2 r dr = [(1 - m^2 / w) / f(h)^2 - (h^2 - m^2 / w) - h^2 F^2 / w] / h,

so that `flow_modes` finds them. Outside of the duct the hub guides the roots of -gamma H_m'(gamma h) / H_m(gamma h) = y
N^2, with b as above without its first term.
"""

from dataclasses import dataclass

import numpy as np

from ..arrays import ComplexArray, FloatArray
from ..bessel import bessel_pair, hankel_pair
from ..errors import ConvergenceError
from ..section import Section
from ..wavenumbers import radial_wavenumber
from .flow_modes import FlowWall, newton, surface_waves

_FAR, _EVANESCENT = 1e5, 40.0  # |gamma| h / (1 + m), Im gamma (1 - h): exp(2 i gamma (1 - h)) is lost in rounding
_LARGEST = 300.0  # exponent of f(h), of waves that do not reach the wall: its square is finite
_POINTS = 200  # on each side of a quadrant, at first
_ROUNDS = 20  # of halving steps along which the phase turns by more than _TURN
_TURN = 1.0  # largest phase step [rad]
_BEYOND = 1e3  # radius of the quadrants over all lengths
_CLOSE = 1e-9  # relative miss of a root, and distance of two
_BOUND = 1e-4  # largest relative distance of a zero and a pole whose difference is computed: its error is the square
_LATTICE = 24  # starts along either coordinate of a quadrant, where the estimates of surface waves do not suffice


def at_hub(section: Section, gamma: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """f(h) and f'(h), both times exp(-|Im gamma| (1 - h))."""
    m, h, decay = section.m, section.hub, np.abs(gamma.imag)
    (inner, inner_slope), wall = bessel_pair(m, gamma * h), bessel_pair(m, gamma)[1]
    (outer, outer_slope), wall_out = hankel_pair(m, gamma * h), hankel_pair(m, gamma)[1]
    first = wall_out * np.exp(1j * gamma + decay * (2 * h - 1))
    second = wall * np.exp(1j * gamma * h + decay * h)
    scale = np.pi * gamma / 2j
    return scale * (inner * first - outer * second), gamma * scale * (inner_slope * first - outer_slope * second)


@dataclass(frozen=True)
class HubWall(FlowWall):
    """A lined hub, see the module's docstring."""

    def radial(self, s: ComplexArray) -> ComplexArray:
        """gamma, in the first quadrant where Re s Im s <= 0 and continued from there."""
        return radial_wavenumber(s, self.k)

    def _far(self, gamma: ComplexArray) -> np.ndarray:
        """Where a surface wave does not know that the hub is round, or that there is a wall."""
        h = self.section.hub
        return np.asarray((np.abs(gamma) * h > _FAR * (1 + self.section.m)) & (gamma.imag * (1 - h) > _EVANESCENT))

    def _of_far(self, gamma: ComplexArray, far: np.ndarray) -> tuple[ComplexArray, ComplexArray]:
        """F and b there."""
        h = self.section.hub
        bend = np.where(far, 0.125 * (4 * self.section.m**2 - 1) / (h * gamma) / h, 0.0)
        return -1j * gamma + 0.5 / h + 1j * bend, (1j + 1j * bend / gamma) / gamma

    def admittance(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """F and b at s."""
        gamma, h, m = self.radial(s), self.section.hub, self.section.m
        far = self._far(gamma)
        near = np.where(far, 1j, gamma)
        value, slope = at_hub(self.section, near)
        admittance, w = -slope / value, near**2
        wall = np.exp(-2 * np.abs(near.imag) * (1 - h)) / value**2
        norm = ((1 - m**2 / w) * wall - (h**2 - m**2 / w) - h**2 * admittance**2 / w) / h
        far_value, far_norm = self._of_far(gamma, far)
        return np.where(far, far_value, admittance), np.where(far, far_norm, norm)

    def growth(self, value: ComplexArray, gamma: ComplexArray) -> ComplexArray:
        """As of `FlowWall`, of f(h) (F - y N^2); d / d gamma of f(h) follows from Bessel's equation."""
        m, h, decay = self.section.m, self.section.hub, np.abs(gamma.imag)
        wall, out = bessel_pair(m, gamma)[0], hankel_pair(m, gamma)[0]
        first = bessel_pair(m, gamma * h)[0] * out * np.exp(1j * gamma + decay * (2 * h - 1))
        second = hankel_pair(m, gamma * h)[0] * wall * np.exp(1j * gamma * h + decay * h)
        turned = (1 - m**2 / gamma**2) * (np.pi / 2j) * (first - second) / at_hub(self.section, gamma)[0]
        return np.asarray(-h * value / gamma**2 - turned)

    def twice_hard_norm(self, alpha: FloatArray) -> FloatArray:
        """b at hard-walled modes."""
        section = self.section
        hub = section.modes(alpha, np.array([section.hub]))[0][0]
        return np.asarray(2 * section.norm(alpha) / (section.hub * hub**2))

    def entire(self, s: ComplexArray, radius: float) -> tuple[ComplexArray, FloatArray]:
        """f'(h) + y N^2 f(h), over exp(|Im gamma| (1 - h)), and the exponent."""
        gamma = self.radial(s)
        value, slope = at_hub(self.section, gamma)
        return slope + self.y * self.convected(s) ** 2 * value, np.abs(gamma.imag) * (1 - self.section.hub)

    def wall_slope(self, s: ComplexArray) -> ComplexArray:
        """G_s = h f(h)^2 D at modes: d/ds of f'(1) / f(1) of the function with the hub's condition; D of `slope`."""
        gamma, h = self.radial(s), self.section.hub
        value = at_hub(self.section, gamma)[0] * np.exp(np.minimum(np.abs(gamma.imag) * (1 - h), _LARGEST))
        return np.asarray(h * value**2 * self.slope(s))

    def kernel(self, s: ComplexArray) -> ComplexArray:
        """F = pi gamma S'(gamma) H_m'(gamma) for the open end, S(gamma r) = J_m - Q H_m with the hub's condition.

        S'(gamma) H_m'(gamma) is -(2 i / pi gamma) H_m'(gamma) [f'(h) + y N^2 f(h)] over gamma H_m'(gamma h) + y N^2
        H_m(gamma h): its zeros are the modes, its poles the waves that the hub guides outside.
        """
        return self.kernel_at(self.radial(s), s)

    def kernel_at(self, gamma: ComplexArray, s: ComplexArray) -> ComplexArray:
        """F, gamma given: next to K and -K it is not known well from s."""
        h, m = self.section.hub, self.section.m
        far = gamma.imag * (1 - h) > _EVANESCENT  # the hub does not matter
        near = np.where(far, 1j, gamma)
        strength = self.y * np.where(far, 0.0, self.convected(s)) ** 2
        value, slope = at_hub(self.section, near)
        outer, outer_slope = hankel_pair(m, near * h)
        growth = np.exp((1j * near + np.abs(near.imag)) * (1 - h))
        modes = hankel_pair(m, near)[1] * (slope + strength * value)
        result = np.asarray(-2j * modes / (near * outer_slope + strength * outer) * growth)
        if np.any(far):
            result[far] = Section(m).kernel(gamma[far])
        return result


@dataclass(frozen=True)
class OuterHubWall(HubWall):
    """The hub in free space: roots of F = -gamma H_m'(gamma h) / H_m(gamma h) = y N^2."""

    def admittance(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """F and b at s."""
        gamma, h, m = self.radial(s), self.section.hub, self.section.m
        far = np.abs(gamma) * h > _FAR * (1 + m)
        near = np.where(far, 1j, gamma)
        value, slope = hankel_pair(m, near * h)
        admittance, w = -near * slope / value, near**2
        norm = -((h**2 - m**2 / w) + h**2 * admittance**2 / w) / h
        far_value, far_norm = self._of_far(gamma, far)
        return np.where(far, far_value, admittance), np.where(far, far_norm, norm)


def gaps(inside: HubWall, outside: OuterHubWall, zeros: ComplexArray, poles: ComplexArray) -> dict[complex, complex]:
    """Zero less pole, by zero, of waves bound to the hub that are nearly the same in the duct and outside.

    As F(inside) = F(outside) + gamma H_m'(gamma) / (h f(h) H_m(gamma h)), a Wronskian, the difference keeps its digits.
    """
    found: dict[complex, complex] = {}
    m, h = inside.section.m, inside.section.hub
    for zero in zeros:
        near = np.abs(poles - zero) < _BOUND * np.abs(zero)
        if np.count_nonzero(near) != 1:
            continue
        at, middle = np.array([zero]), np.array([zero + 0.5 * (poles[near][0] - zero)])
        gamma = inside.radial(at)
        more = gamma * hankel_pair(m, gamma)[1] / (h * at_hub(inside.section, gamma)[0] * hankel_pair(m, gamma * h)[0])
        more = more * np.exp((1j * gamma - np.abs(gamma.imag)) * (1 - h))
        slope = outside.admittance(middle)[1] * middle
        slope = slope - 2 * outside.y * outside.convected(middle) * outside.mach / outside.beta
        found[complex(zero)] = complex((-more / slope)[0])
    return found


def outer_waves(wall: OuterHubWall) -> tuple[ComplexArray, ComplexArray]:
    """Waves that the hub guides outside, where Re s Im s < 0: downstream ones, Im s < 0, and upstream ones.

    For Re Z > 0 none is on the real axis. Those with Re s Im s > 0 are far from every line of integration. All are
    counted by the argument principle.

    Raises
    ------
    ConvergenceError
        Some were not found.
    """
    down, up = (_of_quadrant(wall, side) for side in (-1, 1))
    return down, up


def _of_quadrant(wall: OuterHubWall, side: int) -> ComplexArray:
    """Roots with side Im s > 0, side Re s < 0."""
    if not wall.mach:
        return np.empty(0, complex)
    longest = max(wall.k / abs(wall.mach), wall.beta**2 / (abs(wall.y) * wall.mach**2), 1 / wall.section.hub)
    radius = _BEYOND * (longest + wall.k + wall.section.m / wall.section.hub + abs(wall.y) * wall.k**2)
    count = _winding(wall, side, radius)
    found = np.empty(0, complex)
    for attempt in range(2):
        starts = surface_waves(wall, 0.0)
        if attempt:
            size = np.geomspace(1e-2 * min(wall.k, 1.0), 1e-2 * radius, 3 * _LATTICE)
            angles = 0.5 * np.pi * (np.arange(_LATTICE) + 0.5) / _LATTICE
            starts = (-side * np.outer(size, np.exp(-1j * angles))).ravel()
        s = newton(wall, starts.astype(complex))
        step = wall.miss(s) / wall.slope(s)
        good = np.isfinite(s) & (np.abs(step) <= _CLOSE * np.abs(s)) & (side * s.imag > 0) & (side * s.real < 0)
        for one in s[good]:
            if np.min(np.abs(found / one - 1), initial=np.inf) > _CLOSE:
                found = np.append(found, one)
        if len(found) == count:
            return found
    raise ConvergenceError(
        f"{count} waves along the lined hub outside the duct were counted, {len(found)} were found, for i / (ka Z) = "
        f"{wall.y:.6g}, m = {wall.section.m} and mach = {wall.mach}"
    )


def _winding(wall: OuterHubWall, side: int, radius: float) -> int:
    """Number of roots in a quadrant, from the real axis along an arc to the imaginary axis and back to the origin."""
    size = np.geomspace(1e-4 * min(wall.k, 1.0), radius, _POINTS)
    arc = radius * np.exp(-0.5j * np.pi * np.linspace(0, 1, _POINTS))
    path = -side * np.concatenate([size, arc[1:-1], -1j * size[::-1], size[:1]])
    value = wall.miss(path)
    for _ in range(_ROUNDS):
        steps = np.angle(value[1:] / value[:-1])
        wide = np.flatnonzero(~(np.abs(steps) < _TURN))
        if not len(wide):
            return -round(float(np.sum(steps)) / (2 * np.pi))
        between = 0.5 * (path[wide] + path[wide + 1])
        path, value = (np.insert(one, wide + 1, more) for one, more in ((path, between), (value, wall.miss(between))))
    raise ConvergenceError(
        f"the waves along the lined hub outside the duct could not be counted, for i / (ka Z) = {wall.y:.6g}, m = "
        f"{wall.section.m} and mach = {wall.mach}"
    )
