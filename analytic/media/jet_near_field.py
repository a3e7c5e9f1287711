"""Spectra of the near field with a jet: the sheet's waves on a path, and the poles it has swept over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import EPS, BoolArray, ComplexArray, FloatArray
from ..bessel import hankel_pair
from ..contour import Contour
from ..errors import ConvergenceError
from ..wavenumbers import root, upper
from ..waves import Factor, Waves

if TYPE_CHECKING:
    from .jet import JetTransform

_NODES = 24  # of a circle around a pole, whose radius is 0.3 of the distance to the next: 0.3^24 is 3e-13
_LARGEST_CIRCLE = 0.5  # largest radius of a circle in a field: exp(-i s x) varies by e over |x| = 2 along it
# Of a wave: about twenty roundings in its exponential, its Bessel functions and their product; one more would do.
_ROUNDING = 20 * EPS
_WHOLE = 0.1  # largest difference of a winding number to an integer; seen are up to 0.02, of the ends that are cut off


def circle(centre: complex, radius: float) -> tuple[ComplexArray, ComplexArray]:
    """Nodes and weights ds of a circle, anticlockwise."""
    turn = np.exp(2j * np.pi * np.arange(_NODES) / _NODES)
    return centre + radius * turn, 2j * np.pi / _NODES * radius * turn


class JetSpectra:
    """Waves of the sums inside and outside, from the path and from poles between it and the causal contour."""

    def __init__(self, transform: JetTransform, path: Contour) -> None:
        self._transform, self._path = transform, path
        self._kept: dict[bool, tuple] = {}

    def waves(self, r: FloatArray, downstream: bool) -> list[Waves]:
        """The sheet's field, the jet's own modes, and the duct's."""
        path = self._path
        if downstream not in self._kept:
            nodes = -path.s if downstream else path.s
            self._check_winding(nodes, downstream)
            self._kept[downstream] = nodes, self._displace(nodes), self._poles(downstream)
        nodes, eta, (circles, circle_weight, circle_eta) = self._kept[downstream]
        waves = [self._waves(nodes, path.s, path.weight, eta, r, path.half)]
        if len(circles):
            waves.append(self._waves(circles, circles, circle_weight, circle_eta, r, 0))
        return [*waves, self._duct_modes(r, downstream)] if r[0] <= 1 else waves

    def _displace(self, nodes: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        return self._transform.displacement(self._transform.physical(nodes))

    def _check_winding(self, nodes: ComplexArray, downstream: bool) -> None:
        """Raise unless all zeros and poles between the causal contour and the path are known."""
        transform = self._transform
        factors, sheet = transform.factors, transform.sheet
        s = transform.physical(nodes)
        order = np.argsort(s.real)
        s = s[order]
        value = factors.plus(s)[0] * root(s - sheet.left) / factors.pair(s)
        turns = np.sum(np.angle(value[1:] / value[:-1])) / (2 * np.pi)
        zeros = np.count_nonzero(~self._below(factors.downstream, downstream))
        poles = np.concatenate([transform.down, sheet.resonances(-1)])
        missing = turns - zeros + np.count_nonzero(~self._below(poles, downstream))
        if not abs(missing) < _WHOLE:
            raise ConvergenceError(
                f"{missing:.2f} modes of the jet between the paths of integration are not known, for "
                f"{transform.described}"
            )

    def _below(self, s: ComplexArray, downstream: bool) -> BoolArray:
        """Whether s lies below the path used on that side."""
        scaled = self._transform.scaled(s)
        return ~self._path.below(-scaled) if downstream else self._path.below(scaled)

    def _poles(self, downstream: bool) -> tuple:
        """Nodes, weights and displacement on circles around the jet's modes to be added to the integral.

        These lie above the path, but belong below the causal contour.
        """
        transform = self._transform
        instability, rest = transform.factors.instability, transform.factors.downstream
        above = np.concatenate([instability, rest[~self._below(rest, downstream)]])
        circles, weights = [], []
        for centre, radius in transform.groups(above, _LARGEST_CIRCLE):
            growing = abs(centre - instability[0]) <= radius
            swept = not self._below(np.array(centre), downstream)
            # Clockwise for a swept pole; the instability is left out by counting the other way.
            sign = -1.0 * swept
            if growing and downstream and not transform.jet.instability:
                sign += 1.0
            if sign:
                nodes, weight = circle(centre, radius)
                circles.append(transform.scaled(nodes))
                weights.append(sign * weight * transform.scale)
        if not circles:
            return np.empty(0, complex), np.empty(0, complex), None
        nodes = np.concatenate(circles)
        return nodes, np.concatenate(weights), self._displace(nodes)

    def _waves(
        self,
        nodes: ComplexArray,
        named: ComplexArray,
        weight: ComplexArray,
        eta: tuple[ComplexArray, FloatArray],
        r: FloatArray,
        half: int,
    ) -> Waves:
        """nodes : of the sum; named : as in `Waves.s`, which for x > 0 are the path's mirror images."""
        transform, (displacement, error) = self._transform, eta
        lip = np.count_nonzero(r <= 1)
        values = np.empty((3, len(r), len(nodes)), complex)
        values[:2, :lip] = self._radial(nodes, r[:lip], True)
        values[:2, lip:] = self._radial(nodes, r[lip:], False)
        np.multiply(values[0], -1j / transform.scale * named, out=values[2])
        coefficient = -1j * displacement * weight / (2 * np.pi * transform.scale)
        return Waves(named, Factor(values), coefficient, error + transform.cancellation + _ROUNDING, half)

    def _radial(self, nodes: ComplexArray, r: FloatArray, inside: bool) -> ComplexArray:
        """Potential and r-derivative (2, r, node) of waves on a stream whose boundary r = 1 is displaced by i."""
        sheet, s = self._transform.sheet, self._transform.physical(nodes)
        if inside:
            speed, gamma = sheet.inner(s)
            gamma = upper(gamma)
            wall = sheet.section.wall_condition(gamma)
        else:
            speed, gamma = sheet.outer(s)
            wall = hankel_pair(self._transform.m, gamma)[1]
        return sheet.section.waves(gamma, r, wall, inside=inside) * (speed / gamma)

    def _duct_modes(self, r: FloatArray, downstream: bool) -> Waves:
        """Incident and reflected duct modes that are not in the integral: those below the path."""
        transform = self._transform
        incident = transform.incident_amplitudes(len(transform.alpha))
        s = np.concatenate([transform.down, transform.up])
        amplitude = np.where(self._below(s, downstream), np.concatenate([incident, transform.reflected]), 0)
        live = np.flatnonzero(amplitude)
        lip = np.count_nonzero(r <= 1)
        values = np.zeros((3, len(r), len(live)), complex)
        values[:2, :lip] = transform.section.modes(np.tile(transform.alpha, 2)[live], r[:lip])
        nodes = transform.scaled(s[live])
        np.multiply(values[0], -1j / transform.scale * nodes, out=values[2])
        error = np.full(len(live), _ROUNDING + transform.error_estimate)
        return Waves(nodes, Factor(values), amplitude[live], error)
