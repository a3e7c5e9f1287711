r"""Directivity from a field on the wall, the duct's section and a line, by Green's formula.

With n into the fluid, and w the part of order m of a plane wave exp(i s X), s = -K cos(theta), and of what a hard
cylinder scatters of it,

    D = (-i)^m / 2 int (phi dw/dn - w dphi/dn) r ds.

For theta <= pi / 2 there is no cylinder, and the surface is the wall with the duct's section. Beyond, the cylinder is
the wall's outer side, and the surface is the lip's outer part, from the foremost point, with the line that goes on from
there. So all integrals decay in the matched layer.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from analytic.arrays import ComplexArray, FloatArray

_SMALLEST = 1e-6  # K sin(theta) of directions along the axis, where Hankel functions grow


@dataclass(frozen=True)
class Surface:
    """Points of a surface and the field there.

    Attributes
    ----------
    x, r : (point,) complex, float arrays
    along, across : (point,) complex arrays
        Components of the normal into the fluid, times r and the quadrature's weights.
    phi, normal : (order, point) complex arrays
        Potential; its derivative along the normal times r and weights, zero on walls.
    """

    x: ComplexArray
    r: FloatArray
    along: ComplexArray
    across: ComplexArray
    phi: ComplexArray
    normal: ComplexArray

    @classmethod
    def join(cls, parts: "list[Surface]") -> "Surface":
        """One surface of several."""
        names = ("x", "r", "along", "across", "phi", "normal")
        return cls(*(np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in names))


@dataclass(frozen=True)
class Radiation:
    """What radiates: ahead, theta <= pi / 2, and behind; the cylinder's radius is that of the outer wall."""

    m: int
    wavenumber: float
    outer_radius: float
    ahead: Surface
    behind: Surface

    def directivity(self, theta: FloatArray) -> ComplexArray:
        """D (order, angle) at angles (angle,) in [0, pi]."""
        result = np.empty((len(self.ahead.phi), len(theta)), complex)
        forward = theta <= np.pi / 2
        for part, surface in ((forward, self.ahead), (~forward, self.behind)):
            result[:, part] = self._part(theta[part], surface, scattered=surface is self.behind)
        return (-1j) ** self.m / 2 * result

    def _part(self, theta: FloatArray, surface: Surface, *, scattered: bool) -> ComplexArray:
        m, s = self.m, -self.wavenumber * np.cos(theta)[:, None]
        gamma = np.maximum(self.wavenumber * np.sin(theta), _SMALLEST)[:, None]
        radii, copies = np.unique(surface.r, return_inverse=True)
        wave, slope = special.jv(m, gamma * radii) + 0j, gamma * special.jvp(m, gamma * radii)
        if scattered:
            share = special.jvp(m, gamma * self.outer_radius) / special.h1vp(m, gamma * self.outer_radius)
            wave = wave - share * special.hankel1(m, gamma * radii)
            slope = slope - share * gamma * special.h1vp(m, gamma * radii)
        wave, slope = wave[:, copies], slope[:, copies]
        travelling = np.exp(1j * s * surface.x)
        derivative = (1j * s * wave * surface.along + slope * surface.across) * travelling
        return surface.phi @ derivative.T - surface.normal @ (wave * travelling).T
