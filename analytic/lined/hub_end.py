r"""Modes with a lined hub, and their open end in uniform flow: the radial function's condition at the hub changes only.

As in `media.uniform`, with V(s) the transform of the radial velocity on r = 1, X > 0, downstream modes s_n, upstream
modes s_l, and G_s the derivative of S' gamma / S at r = 1, W = i F / gamma = W_plus W_minus,

    R_ln = -(K + s_l) W_plus(s_l) (K - s_n) W_minus(s_n) / (2 (s_l - s_n) G_s(s_l)),
    D(theta) = (-i)^{m+1} / pi V(s) / (gamma H_m'(gamma)),    V = (i / 2) (K + s) W_plus(s) sum_n a_n (K - s_n)
        W_minus(s_n) / (s - s_n),    s = -K cos(theta), gamma = K sin(theta).
"""

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray
from ..bessel import hankel_pair
from ..errors import ConvergenceError
from ..section import Section
from ..source import Source
from .flow_modes import FlowModes, flow_modes, hydrodynamic_wave
from .flow_section import SLOWEST
from .hub_factor import HubFactor
from .hub_modes import HubWall, OuterHubWall, outer_waves

SPARE = 3  # modes beyond those reported
_AXIS = 1e-12  # sine of the angle to the axis below which D is its limit, downstream zero like 1 / ln(gamma)
_SAME = 0.1  # largest relative distance between the hydrodynamic wave in the duct and outside


@dataclass(frozen=True)
class HubModes:
    """Modes of the annulus with a lined hub.

    Attributes
    ----------
    wall : HubWall
    every : FlowModes
        All that were found, in order of |s|, the instability with those that the flow carries.
    down, up : (mode,) complex arrays
        s of the first ones, in order of |gamma|.
    wave : complex or None
        s of the hydrodynamic wave, if it is an instability.
    """

    wall: HubWall
    every: FlowModes
    down: ComplexArray
    up: ComplexArray
    wave: complex | None

    @property
    def error(self) -> float:
        """Relative, of amplitudes: roots have the error eps over the distance to the next one, squared."""
        crowd = 1.0
        for some, every in ((self.down, self.every.down), (self.up, self.every.up)):
            gaps = np.abs(some[:, None] - every)
            gaps[gaps == 0] = np.inf
            crowd = max(crowd, float(np.max(np.abs(some) / np.min(gaps, axis=1))))
        return 4 * EPS * crowd**3

    @property
    def against(self) -> int:
        """Side of the half-plane of waves against the flow: 1 above the real axis."""
        return 1 if self.wall.mach > 0 else -1


def hub_modes(source: Source, impedance: complex, unstable: bool, more: int = 0) -> HubModes:
    """As many modes as there are orders cut on with a hard hub or in the source, and one more.

    more : further modes in `every`, not reported.
    """
    beta = math.sqrt((1 - source.mach) * (1 + source.mach))
    k, section = source.helmholtz / beta, Section(abs(source.m), source.hub)
    mach = source.mach if abs(source.mach) > SLOWEST else 0.0
    wall = HubWall(section, k, mach, 1j / (source.helmholtz * impedance))
    cut_on = int(np.count_nonzero(section.eigenvalues(int(k / np.pi) + 3) < k))
    count, wave = max(cut_on, len(source.amplitudes)) + 1, None
    every = flow_modes(wall, count + SPARE + more)
    if unstable and mach:
        wave = hydrodynamic_wave(wall)
        every = moved(every, wave, mach > 0)
    down, up = (some[np.argsort(np.abs(wall.radial(some)), kind="stable")][:count] for some in (every.down, every.up))
    return HubModes(wall, every, down, up, wave)


def moved(waves: FlowModes, wave: complex, along: bool) -> FlowModes:
    """The instability among the waves that the flow carries, instead of those against it.

    Raises
    ------
    ConvergenceError
        It is not among these.
    """
    against = waves.up if along else waves.down
    gaps = np.abs(against / wave - 1)
    if not np.min(gaps, initial=np.inf) < _SAME:
        raise ConvergenceError(
            f"the surface wave of the flow over the hub, s = {wave:.6g}, has no partner outside the duct: there is "
            "nothing to be unstable"
        )
    index = int(np.argmin(gaps))
    rest, one = np.delete(against, index), against[index : index + 1]
    return FlowModes(np.append(waves.down, one), rest) if along else FlowModes(rest, np.append(waves.up, one))


class UniformHubEnd:
    """The open end in uniform flow without a wake.

    Parameters
    ----------
    source : DuctMode or ModeMixture
    medium : UniformFlow
    modes : HubModes

    Attributes
    ----------
    error : float
        Relative, of the reflection.
    radiation : float
        Radiated power over the integral of |D|^2 sin(theta).
    """

    def __init__(self, source: Source, medium: object, modes: HubModes) -> None:
        self._modes, wall = modes, modes.wall
        self._amplitudes = np.asarray(source.amplitudes, dtype=complex)
        outside = OuterHubWall(wall.section, wall.k, wall.mach, wall.y)
        guided = FlowModes(*outer_waves(outside))
        if modes.wave is not None:
            guided = moved(guided, modes.wave, wall.mach > 0)
        self._factor = HubFactor(wall, modes.every, guided)
        plus, lost = self._factor.plus(modes.up)
        minus, more = self._factor.minus(modes.down)
        # (K + s) W_plus and (K - s) W_minus
        self._up = np.exp(0.25j * np.pi) * np.sqrt(wall.k + modes.up) * plus
        self._down = np.exp(0.25j * np.pi) * np.sqrt(wall.k - modes.down) * minus
        self.error = lost + more + modes.error
        self.radiation = wall.k

    @property
    def reflection_matrix(self) -> ComplexArray:
        """As of `LinedHubSolution`."""
        up, down = self._modes.up[:, None], self._modes.down
        slope = self._modes.wall.wall_slope(self._modes.up)[:, None]
        return np.asarray(-self._up[:, None] * self._down / (2 * (up - down) * slope))

    def directivity(self, theta: FloatArray) -> tuple[ComplexArray, float]:
        """D at angles (angle,), and the error estimate of its factors."""
        wall, m = self._modes.wall, self._modes.wall.section.m
        sine, cosine = np.sin(theta), np.cos(theta)
        axis, sine = (sine < _AXIS) & (cosine > 0), np.maximum(sine, _AXIS)
        s, gamma = np.asarray(-wall.k * cosine + 0j), np.asarray(wall.k * sine + 0j)
        slope = hankel_pair(m, gamma)[1] * np.exp(1j * gamma)
        finite = np.isfinite(slope)  # else H_m' overflows, and D vanishes
        slope, ahead = np.where(finite, slope, 1.0), s.real < 0
        value, error = np.zeros(s.shape, complex), 0.0
        # sqrt(K + s) F_plus / gamma: downstream F / F_minus, where sqrt(K + s) / gamma is 1 / sqrt(K - s).
        for part, factor in ((ahead, self._factor.minus), (~ahead, self._factor.plus)):
            if not np.any(part):
                continue
            factored, lost = factor(s[part])
            error = max(error, lost)
            if factor == self._factor.minus:
                value[part] = wall.kernel_at(gamma[part], s[part]) / (factored * np.sqrt(wall.k - s[part]))
            else:
                value[part] = np.sqrt(wall.k + s[part]) * factored / gamma[part]
        poles = self._down[: len(self._amplitudes)] * self._amplitudes
        waves = (1 / (s[:, None] - self._modes.down[: len(poles)])) @ poles
        value = 0.5j * np.exp(0.25j * np.pi) * np.where(finite & ~axis, value * waves / slope, 0.0)
        return np.asarray((-1j) ** (m + 1) / np.pi * value), error
