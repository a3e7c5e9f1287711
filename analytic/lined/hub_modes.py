r"""Modes of an annulus with a hard wall and a lined hub, no flow.

With v into the hub, psi_r = -q psi at r = h, q = i ka / Z. The radial function with f(1) = 1 and f'(1) = 0,

    f(r) = (pi gamma / 2 i) [J_m(gamma r) H_m'(gamma) - H_m(gamma r) J_m'(gamma)],

is entire in w = gamma^2, and modes are the roots of F = -f'(h) / f(h) = q. As at the wall, dF / dw = -b / 2, here with

    b = (2 / (h f(h)^2)) \int_h^1 f^2 r dr = [(1 - m^2 / w) / f(h)^2 - (h^2 - m^2 / w) - h^2 F^2 / w] / h,

so that `flow_modes` finds them.
"""

from dataclasses import dataclass

import numpy as np

from ..arrays import ComplexArray, FloatArray
from ..bessel import bessel_pair, hankel_pair
from ..section import Section
from .flow_modes import FlowWall

_EVANESCENT = 40.0  # Im gamma (1 - h) from where exp(2 i gamma (1 - h)) is lost in rounding


def at_hub(section: Section, gamma: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """f(h) and f'(h), both times exp(-|Im gamma| (1 - h))."""
    m, h, decay = section.m, section.hub, np.abs(gamma.imag)
    (inner, inner_slope), wall = bessel_pair(m, gamma * h), bessel_pair(m, gamma)[1]
    (outer, outer_slope), wall_out = hankel_pair(m, gamma * h), hankel_pair(m, gamma)[1]
    first = wall_out * np.exp(1j * gamma + decay * (2 * h - 1))
    second = wall * np.exp(1j * gamma * h + decay * h)
    scale = np.pi * gamma / 2j
    return scale * (inner * first - outer * second), gamma * scale * (inner_slope * first - outer_slope * second)


class LinedHubSection(Section):
    """Cross-section with a lined hub, for the kernel of its open end.

    S(gamma r) = J_m(gamma r) - Q H_m(gamma r) has gamma S'(gamma h) = -q S(gamma h), and S'(gamma) H_m'(gamma) is -(2 i
    / pi gamma) H_m'(gamma) [f'(h) + q f(h)] over gamma H_m'(gamma h) + q H_m(gamma h): its zeros are the modes, its
    poles the waves that the hub guides outside. Both lie in the first and third quadrant of s for Re Z > 0.

    Parameters
    ----------
    m, hub
        As of `Section`; hub > 0.
    q : complex
        i ka / Z.
    """

    def __init__(self, m: int, hub: float, q: complex) -> None:
        super().__init__(m, hub)
        self.q, self.hard = q, False

    def kernel(self, gamma: ComplexArray, slopes: tuple[ComplexArray, ComplexArray] | None = None) -> ComplexArray:
        """F = pi gamma S'(gamma) H_m'(gamma)."""
        gamma = np.asarray(gamma, dtype=complex)
        far = gamma.imag * (1 - self.hub) > _EVANESCENT  # the hub does not matter
        near, h = np.where(far, 1j, gamma), self.hub
        value, slope = at_hub(self, near)
        outer, outer_slope = hankel_pair(self.m, near * h)
        growth = np.exp((1j * near + np.abs(near.imag)) * (1 - h))
        modes = hankel_pair(self.m, near)[1] * (slope + self.q * value)
        result = np.asarray(-2j * modes / (near * outer_slope + self.q * outer) * growth)
        if np.any(far):
            result[far] = Section(self.m).kernel(gamma[far])
        return result


@dataclass(frozen=True)
class HubWall(FlowWall):
    """A lined hub without flow: mach = 0."""

    def admittance(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """F and b at s."""
        gamma, h = self.radial(s), self.section.hub
        value, slope = at_hub(self.section, gamma)
        admittance, w = -slope / value, gamma**2
        wall = np.exp(-2 * np.abs(gamma.imag) * (1 - h)) / value**2
        norm = ((1 - self.section.m**2 / w) * wall - (h**2 - self.section.m**2 / w) - h**2 * admittance**2 / w) / h
        return np.asarray(admittance), np.asarray(norm)

    def twice_hard_norm(self, alpha: FloatArray) -> FloatArray:
        """b at hard-walled modes."""
        section = self.section
        at_hub = section.modes(alpha, np.array([section.hub]))[0][0]
        return np.asarray(2 * section.norm(alpha) / (section.hub * at_hub**2))

    def entire(self, s: ComplexArray, radius: float) -> tuple[ComplexArray, FloatArray]:
        """f'(h) + q f(h), over exp(|Im gamma| (1 - h)), and the exponent."""
        gamma = self.radial(s)
        value, slope = at_hub(self.section, gamma)
        return slope + self.y * self.k**2 * value, np.abs(gamma.imag) * (1 - self.section.hub)

    def twice_norm(self, s: ComplexArray) -> ComplexArray:
        r"""2 N = 2 \int_h^1 f^2 r dr of modes."""
        value = at_hub(self.section, self.radial(s))[0] * np.exp(np.abs(self.radial(s).imag) * (1 - self.section.hub))
        return np.asarray(self.section.hub * value**2 * self.admittance(s)[1])
