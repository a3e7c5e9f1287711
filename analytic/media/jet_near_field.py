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

_TOGETHER = 1e-3  # distance, over their size, below which two zeros share a circle
# Radius of a circle over the distance to the nearest singularity: its rule, of 24 nodes, leaves 0.3^24 = 3e-13.
_CIRCLE = 0.3
_NODES = 24  # of a circle around a pole, whose radius is 0.3 of the distance to the next: 0.3^24 is 3e-13
_LARGEST_CIRCLE = 0.5  # largest radius of a circle in a field: exp(-i s x) varies by e over |x| = 2 along it
# Of a wave: about twenty roundings in its exponential, its Bessel functions and their product; one more would do.
_ROUNDING = 20 * EPS
_WHOLE = 0.1  # largest difference of a winding number to an integer; seen are up to 0.02, of the ends that are cut off


def circle(centre: complex, radius: float) -> tuple[ComplexArray, ComplexArray]:
    """Nodes and weights ds of a circle, anticlockwise."""
    turn = np.exp(2j * np.pi * np.arange(_NODES) / _NODES)
    return centre + radius * turn, 2j * np.pi / _NODES * radius * turn


def groups(transform: JetTransform, zeros: ComplexArray, largest: float = np.inf) -> list[tuple[complex, float]]:
    """Centre and radius of circles around zeros, one around two that are close, that contain nothing else.

    Nor do their mirror images in the real axis. No radius is larger than `largest`, unless two zeros need it.
    """
    sheet = transform.sheet
    known = np.concatenate([transform.factors.instability, transform.factors.downstream])
    singular = np.concatenate([transform.down, transform.up])
    groups = []
    used = np.zeros(len(zeros), bool)
    for index, zero in enumerate(zeros):
        if used[index]:
            continue
        close = _TOGETHER * abs(zero)
        together = np.abs(zeros - zero) < close
        used |= together
        centre = complex(np.mean(zeros[together]))
        mirrored = np.concatenate([known, known.conj()])
        others = np.concatenate([mirrored[np.abs(mirrored - zero) >= close], singular])
        cut = min(sheet.cut_distance(centre), sheet.cut_distance(centre.conjugate()))
        room = _CIRCLE * min(float(np.min(np.abs(others - centre))), cut)
        reach = float(np.max(np.abs(zeros[together] - centre)))
        groups.append((centre, max(min(room, largest), 4 * reach)))  # 4: 0.25^24 is below rounding
    return groups


class JetNodes:
    """Path of the transforms that share their factors, and what is evaluated on it and on circles."""

    def __init__(self, transform: JetTransform, path: Contour) -> None:
        self._transform, self.path = transform, path
        self._plus: dict[bytes, tuple[ComplexArray, FloatArray]] = {}
        self._radial: dict[tuple[bytes, bytes], Factor] = {}
        self._checked: dict[bool, ComplexArray] = {}

    def nodes(self, downstream: bool) -> ComplexArray:
        """Nodes of one side, after a check that every zero and pole between them and the causal contour is known."""
        if downstream not in self._checked:
            self._checked[downstream] = -self.path.s if downstream else self.path.s
            self._check_winding(self._checked[downstream], downstream)
        return self._checked[downstream]

    def plus(self, nodes: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """K_plus and its relative error."""
        key = nodes.tobytes()
        if key not in self._plus:
            self._plus[key] = self._transform.factors.plus(self._transform.physical(nodes))
        return self._plus[key]

    def below(self, s: ComplexArray, downstream: bool) -> BoolArray:
        """Whether s lies below the path used on that side."""
        scaled = self._transform.scaled(s)
        return ~self.path.below(-scaled) if downstream else self.path.below(scaled)

    def _check_winding(self, nodes: ComplexArray, downstream: bool) -> None:
        transform = self._transform
        factors, sheet = transform.factors, transform.sheet
        s = transform.physical(nodes)
        order = np.argsort(s.real)
        value = (self.plus(nodes)[0] * root(s - sheet.left) / factors.pair(s))[order]
        turns = np.sum(np.angle(value[1:] / value[:-1])) / (2 * np.pi)
        zeros = np.count_nonzero(~self.below(factors.downstream, downstream))
        poles = np.concatenate([transform.down, sheet.resonances(-1)])
        missing = turns - zeros + np.count_nonzero(~self.below(poles, downstream))
        if not abs(missing) < _WHOLE:
            raise ConvergenceError(
                f"{missing:.2f} modes of the jet between the paths of integration are not known, for "
                f"{transform.described}"
            )

    def radial(self, nodes: ComplexArray, named: ComplexArray, r: FloatArray) -> Factor:
        """Waves of unit displacement, as in `Waves.radial`; named : as `Waves.s`."""
        key = nodes.tobytes(), r.tobytes()
        if key not in self._radial:
            lip = np.count_nonzero(r <= 1)
            values = np.empty((3, len(r), len(nodes)), complex)
            values[:2, :lip] = self._waves(nodes, r[:lip], True)
            values[:2, lip:] = self._waves(nodes, r[lip:], False)
            np.multiply(values[0], -1j / self._transform.scale * named, out=values[2])
            self._radial[key] = Factor(values)
        return self._radial[key]

    def _waves(self, nodes: ComplexArray, r: FloatArray, inside: bool) -> ComplexArray:
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


class JetSpectra:
    """Waves of the sums inside and outside, from the path and from poles between it and the causal contour."""

    def __init__(self, transform: JetTransform, shared: JetNodes) -> None:
        self._transform, self._shared = transform, shared
        self._kept: dict[bool, tuple] = {}

    def waves(self, r: FloatArray, downstream: bool) -> list[Waves]:
        """The sheet's field, the jet's own modes, and the duct's."""
        path = self._shared.path
        if downstream not in self._kept:
            nodes = self._shared.nodes(downstream)
            self._kept[downstream] = nodes, self._displace(nodes), self._poles(downstream)
        nodes, eta, (circles, circle_weight, circle_eta) = self._kept[downstream]
        waves = [self._waves(nodes, path.s, path.weight, eta, r, path.half)]
        if len(circles):
            waves.append(self._waves(circles, circles, circle_weight, circle_eta, r, 0))
        return [*waves, self._duct_modes(r, downstream)] if r[0] <= 1 else waves

    def _displace(self, nodes: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        return self._transform.displacement(self._transform.physical(nodes), self._shared.plus(nodes))

    def _poles(self, downstream: bool) -> tuple:
        """Nodes, weights and displacement on circles around the jet's modes to be added to the integral.

        These lie above the path, but belong below the causal contour.
        """
        transform, below = self._transform, self._shared.below
        instability, rest = transform.factors.instability, transform.factors.downstream
        above = np.concatenate([instability, rest[~below(rest, downstream)]])
        circles, weights = [], []
        for centre, radius in groups(transform, above, _LARGEST_CIRCLE):
            growing = abs(centre - instability[0]) <= radius
            swept = not below(np.array(centre), downstream)
            # Clockwise for a swept pole; the instability is left out by counting the other way.
            sign = -1.0 * swept
            # Without vortex shedding there is none, and a circle around it would add the rounding of a growing wave.
            alone = transform.jet.kutta == 0 and np.count_nonzero(np.abs(above - centre) <= radius) == 1
            if growing and downstream and (alone or not transform.jet.instability):
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
        coefficient = -1j * displacement * weight / (2 * np.pi * transform.scale)
        radial = self._shared.radial(nodes, named, r)
        return Waves(named, radial, coefficient, error + transform.cancellation + _ROUNDING, half)

    def _duct_modes(self, r: FloatArray, downstream: bool) -> Waves:
        """Incident and reflected duct modes that are not in the integral: those below the path."""
        transform = self._transform
        incident = transform.incident_amplitudes(len(transform.alpha))
        s = np.concatenate([transform.down, transform.up])
        amplitude = np.where(self._shared.below(s, downstream), np.concatenate([incident, transform.reflected]), 0)
        live = np.flatnonzero(amplitude)
        lip = np.count_nonzero(r <= 1)
        values = np.zeros((3, len(r), len(live)), complex)
        values[:2, :lip] = transform.section.modes(np.tile(transform.alpha, 2)[live], r[:lip])
        nodes = transform.scaled(s[live])
        np.multiply(values[0], -1j / transform.scale * nodes, out=values[2])
        error = np.full(len(live), _ROUNDING + transform.error_estimate)
        return Waves(nodes, Factor(values), amplitude[live], error)
