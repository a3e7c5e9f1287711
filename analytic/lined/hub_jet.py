r"""The open end of a duct with a lined hub and a jet: the vortex sheet's kernel with another radial function inside.

As in `media.jet`, with the modes of the annulus with a lined hub in place of the hard ones: they are the poles of

    K(s) = D N_2^2 H_m(gamma_2) / (gamma_2 H_m'(gamma_2)) - N_1^2 / G(s),    G = gamma_1 S' / S at r = 1,

where S has the hub's condition, and a reflected amplitude is N_1(s_l) eta_plus(s_l) / G'(s_l). The hub and the fluid
outside both absorb, so that Im K < 0 on the real axis: no wave is trapped, and the zeros of K keep to their half-planes
as the hub turns soft, the Kelvin–Helmholtz wave s_0 excepted, which belongs to K_plus. The zeros near the lines of
integration are found by Newton's method and accepted as in the fast lane of `sheet_factors`: if no line's integrand
winds around the origin and no zero between line and axis is unknown.

References
----------
A. Demir, S. W. Rienstra, AIAA 2006-2718; the axial wavenumbers s are those of `sheet`.
"""

from typing import Any, Self

import numpy as np

from ..arrays import EPS, BoolArray, ComplexArray, FloatArray, IntArray
from ..bessel import bessel_pair, hankel_pair
from ..checks import check_reduced
from ..errors import ConvergenceError
from ..logarithmic import quotient
from ..media import Jet
from ..media.jet_waves import displacement, far
from ..resonances import distinct
from ..sheet import Sheet
from ..sheet_factors import Factors, new_lines
from ..sheet_modes import guesses
from ..singularities import Singularities
from ..source import Source
from ..wavenumbers import upper
from .flow_modes import FlowModes, flow_modes
from .hub_end import HubModes, moved

_EVANESCENT, _ROUND = 20.0, 48.0  # Im gamma_1 (1 - h), |gamma_1| over 1 + m, from where the hub does not matter
_STEPS = 1e-4, 1e-5  # of differences, over the distance to N_1 = 0 and k
_ROUNDS, _PAIR_ROUNDS = 30, 20  # of Newton's method, and of the iteration for s_0 before it
_LONGEST = 0.5  # step over k
_CONVERGED, _SAME = 1e-9, 1e-7  # over k and |s|: last change of a zero that was found, distance of two
_WIDE = 0.8  # strip around a line in which guesses are followed
_AXIS, _BESIDE = 1e-12, 1e-3  # angles below which D is 0, and K comes from gamma_2
_NUDGE = 1e-13  # of s, over k
_BOUND = 100 * EPS  # of a root, over its size: f(h) of bound waves is large, and its zeros are as accurate as that
_MOST = 60  # radial orders of the jet
_LATTICE = 40, 10  # starts between the branch points


class HubSheet(Sheet):
    """A vortex sheet around a jet with a lined hub; other parameters as of `Sheet`.

    Parameters
    ----------
    admittance : complex
        y = i / (ka Z).
    """

    def __init__(self, m: int, *parameters: Any, admittance: complex) -> None:
        super().__init__(m, *parameters)
        self.admittance = admittance

    def take(self, sheets: IntArray) -> Self:
        """Some of many sheets, each as often as it is named."""
        chosen = (column[sheets] if np.ndim(column) else column for column in self.parameters)
        return type(self)(self.m, *chosen, admittance=self.admittance)

    def alone(self, s: ComplexArray) -> BoolArray:
        """Where a wave at one wall does not know of the other."""
        gamma = upper(self.inner(s)[1])
        return np.asarray((gamma.imag * (1 - self.section.hub) > _EVANESCENT) & (np.abs(gamma) > _ROUND * (1 + self.m)))

    def quotients(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """1 / G and H_m / (gamma_2 H_m')."""
        gamma = upper(self.inner(s)[1])
        alone = self.alone(s)
        inside = np.empty_like(gamma)
        inside[alone] = quotient(self.m, lambda z, _: bessel_pair(self.m, z), gamma[alone], -1)
        of, place = np.nonzero(~alone)
        if len(of):
            value, slope = self.take(of).wall(s[of, place][:, None])
            with np.errstate(divide="ignore", invalid="ignore"):
                inside[of, place] = (value / slope)[:, 0]
        return inside, self.outside(s)

    def wall(self, s: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """S and gamma_1 S' at r = 1, over a common factor; entire in s but for that.

        With p and d of p'(h) = 0 and d(h) = 0, S = gamma p + y N_1^2 d.
        """
        speed, gamma = self.inner(s)
        gamma = upper(gamma)
        h, m, decay = self.section.hub, self.m, np.abs(gamma.imag)
        (inner, inner_slope), (wall, wall_slope) = bessel_pair(m, gamma * h), bessel_pair(m, gamma)
        (outer, outer_slope), (out, out_slope) = hankel_pair(m, gamma * h), hankel_pair(m, gamma)
        # Over exp(|Im gamma| (1 - h)).
        first = np.exp(1j * gamma * h + decay * h)
        second = np.exp(1j * gamma + decay * (2 * h - 1))
        strength = self.admittance * speed**2

        def joined(near: ComplexArray, away: ComplexArray) -> ComplexArray:
            hard = gamma * (near * outer_slope * first - away * inner_slope * second)
            return np.asarray(gamma * (hard + strength * (near * outer * first - away * inner * second)))

        return joined(wall, out) / gamma, joined(wall_slope, out_slope)


class JetHubEnd:
    """The open end with a jet; parameters and attributes as of `UniformHubEnd`."""

    def __init__(self, source: Source, medium: object, modes: HubModes) -> None:
        if not isinstance(medium, Jet):
            raise TypeError(f"expected a Jet, got {type(medium).__name__}")
        if not source.mach > 0:
            raise ValueError(f"a jet needs flow out of the duct, mach > 0, got mach={source.mach}")
        check_reduced(source.helmholtz / medium.sound_speed_ratio, medium.mach_outer)
        self._modes, self._jet = modes, medium
        self._amplitudes = np.asarray(source.amplitudes, dtype=complex)
        parameters = source.helmholtz, source.mach, medium.mach_outer, medium.sound_speed_ratio, medium.density_ratio
        columns = (np.array([[one]]) for one in parameters)
        self.sheet = sheet = HubSheet(abs(source.m), *columns, source.hub, admittance=modes.wall.y)
        self._down, self._up = self._unscaled(modes.down), self._unscaled(modes.up)
        self.factors = self._factorise()
        plus, lost = self.factors.plus(self._up[None])
        minus, more = self.factors.minus(self._down[None])
        self._plus, self._strength = (plus, lost), -sheet.inner(self._down)[0][0] / minus[0]
        self._lost = float(np.max(more))
        self.error = float(np.max(lost)) + self._lost + modes.error + self._bound()
        self.radiation = float((sheet.density * sheet.k_outer / np.sqrt(sheet.beta2))[0, 0])

    def _unscaled(self, s: ComplexArray) -> ComplexArray:
        """s of `sheet` for one of `flow_modes`."""
        wall = self._modes.wall
        return np.asarray((s + wall.k * wall.mach) / wall.beta)

    def _factorise(self) -> Factors:
        sheet, modes = self.sheet, self._modes
        reach = int(np.max(sheet.reach()))
        if reach > _MOST:
            raise ConvergenceError(f"modes of {reach} radial orders of the jet are too many, above {_MOST}")
        duct = flow_modes(modes.wall, max(reach, len(modes.down)))
        pair, down, up = zeros(sheet, [self._unscaled(one) for one in (duct.down, duct.up)])
        if modes.wave is not None:
            duct, wave = moved(duct, modes.wave, along=True), complex(self._unscaled(np.array([modes.wave]))[0])
            jet = moved(FlowModes(down, up), wave, along=True)
            down, up = jet.down, jet.up
        # A wave that the hub guides, and which the sheet does not feel, is a pole with a zero at it: K has neither.
        down, up = (some[~sheet.alone(some[None])[0]] for some in (down, up))
        poles = []
        for some, side in ((self._unscaled(duct.down), 1), (self._unscaled(duct.up), -1)):
            felt, more = some[~sheet.alone(some[None])[0]], sheet.resonances(-side)
            poles.append(np.append(felt, more[~np.isnan(more)])[None])
        factors = Factors(sheet, Singularities(pair[None], (down[None], up[None]), (poles[0], poles[1])))
        if factors.reasons[0]:
            raise ConvergenceError(f"{factors.reasons[0]}, for a jet with a lined hub")
        return factors

    def _displacement(
        self, s: ComplexArray, plus: tuple[ComplexArray, FloatArray], amplitudes: ComplexArray
    ) -> tuple[ComplexArray, FloatArray]:
        """eta_plus at s for amplitudes of the first modes, and its relative error; plus : K_plus and its error."""
        poles = self._down[: len(amplitudes)]
        strength = self._strength[: len(amplitudes)] * amplitudes
        free = (1 - self._jet.kutta) / (self.factors.known.pair[0, 0] - poles)
        value, error = displacement(
            self.factors, np.zeros(1, int), s[None], plus, poles[None], strength[None], free[None]
        )
        return value[0], error[0]

    def _bound(self) -> float:
        """Relative error of waves bound to the hub, from the rounding of a mode's distance to its partner outside."""
        (down, up), error = self.factors.known.zeros, 0.0
        for modes, others in ((self._down, down[0]), (self._up, up[0])):
            gap = np.min(np.abs(modes[:, None] - others), axis=1, initial=np.inf)
            error = max(error, float(np.max(_BOUND * np.abs(modes) / np.maximum(gap, EPS * np.abs(modes)))))
        return error

    @property
    def reflection_matrix(self) -> ComplexArray:
        """As of `LinedHubSolution`."""
        rows, wall = [], self._modes.wall
        for amplitudes in np.eye(len(self._down), dtype=complex):
            eta, _ = self._displacement(self._up, self._plus, amplitudes)
            rows.append(self.sheet.inner(self._up)[0][0] * eta / (wall.beta * wall.wall_slope(self._modes.up)))
        return np.stack(rows, axis=1)

    def directivity(self, theta: FloatArray) -> tuple[ComplexArray, float]:
        """D at angles (angle,) in the outer stream, and the error estimate of its factors; 0 on the downstream axis."""
        sheet, axis, theta = self.sheet, theta < _AXIS, np.maximum(theta, _AXIS)
        s, factor = far(sheet, theta, _AXIS)
        plus, error = np.empty(s.shape, complex), np.empty(s.shape)
        beside, away = np.flatnonzero(theta < _BESIDE), np.flatnonzero(theta >= _BESIDE)
        plus[:, away], error[:, away] = self.factors.plus(s[:, away])
        if len(beside):  # s loses gamma_2, on which K depends like its logarithm
            here = s[:, beside]
            gamma = np.asarray(sheet.k_outer / sheet.beta_outer * np.sin(theta[beside]) + 0j)
            outside = quotient(sheet.m, lambda z, _: hankel_pair(sheet.m, z), gamma, 1)
            kernel = sheet.density * sheet.outer(here)[0] ** 2 * outside
            speed, inner = sheet.inner(here)
            off = np.where(inner == 0, here + _NUDGE * sheet.k, here)  # 1 / G is regular in gamma_1^2
            kernel = kernel - speed**2 * sheet.quotients(off)[0]
            minus, lost = self.factors.minus(here)
            plus[:, beside], error[:, beside] = kernel / minus, lost
        eta, error = self._displacement(s[0], (plus, error), self._amplitudes)
        return np.where(axis, 0.0, factor[0] * eta), float(np.max(error, initial=0.0)) + self._lost


def zeros(sheet: HubSheet, duct: list[ComplexArray]) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """s_0 and its partner below the axis, or NaN; other zeros near the lines of integration, down- and upstream.

    duct : modes of the duct, beside which zeros are looked for, too.

    Raises
    ------
    ConvergenceError
        s_0 was not found.
    """
    pair = _pair(sheet)
    x = np.linspace(float(sheet.left[0, 0]), float(sheet.right[0, 0]), _LATTICE[0] + 2)[1:-1]
    lattice = (x[:, None] + 1j * sheet.k_outer[0, 0] * np.linspace(-0.5, 0.5, _LATTICE[1])).ravel()
    starts = [lattice]
    for one in duct:
        starts += [one, one - 0.02j * sheet.k[0, 0], one + 0.02j * sheet.k[0, 0]]
    with np.errstate(all="ignore"):
        for side in (1, -1):
            starts += [guesses(sheet, side, soft)[0] for soft in (True, False)]
        every = np.concatenate(starts)
        every = every[np.isfinite(every)]
        near = np.any([line.near(every[None], side, _WIDE)[0] for line in new_lines(sheet) for side in (1, -1)], axis=0)
        s, good = newton(sheet, every[near])
    found = distinct(s[good], _SAME * float(sheet.k[0, 0]))
    known = np.abs(found[:, None] - np.where(np.isnan(pair), np.inf, pair)) < _SAME * sheet.k[0, 0]
    found = found[~np.any(known, axis=1)]
    return pair, found[found.imag < 0], found[found.imag > 0]


def _pair(sheet: HubSheet) -> ComplexArray:
    """The Kelvin-Helmholtz zero that grows, and the one that decays if it is on the physical sheet, else NaN."""
    if not sheet.shear[0, 0]:
        return np.full(2, -complex((sheet.k / sheet.mach)[0, 0]))
    r, s = 1j * np.sqrt(sheet.density), np.zeros((1, 1), complex)
    sides = np.array([1.0, -1.0])
    with np.errstate(all="ignore"):
        for _ in range(_PAIR_ROUNDS):
            both = -sheet.k * (1 - sides * r) / (sheet.mach - sides * r * sheet.mach_outer * sheet.speed)
            s = np.take_along_axis(both, np.argmax(both.imag, axis=1)[:, None], axis=1)
            inside, outside = sheet.quotients(s)
            r = 1j * np.sqrt(-sheet.density * outside / inside)
        found, good = newton(sheet, np.array([s[0, 0], s[0, 0].conj()]))
    if not (good[0] and found[0].imag > 0 and found[0].real < 0):
        raise ConvergenceError("the instability of a jet with a lined hub was not found")
    behind = not good[1] or found[1].imag >= 0 or found[1].real >= sheet.left[0, 0]
    return np.array([found[0], np.nan if behind else found[1]])


def newton(sheet: HubSheet, s: ComplexArray) -> tuple[ComplexArray, BoolArray]:
    """Zeros that Newton's method reaches from points (point,) on the physical sheet, and which are found."""
    k = float(sheet.k[0, 0])
    s, change, live = s.copy(), np.full(s.shape, np.inf), np.arange(len(s))
    turns = np.array([1, -1, 1j, -1j])[:, None]
    for _ in range(_ROUNDS):
        here = s[live]
        h = _STEPS[0] * np.abs(here + (sheet.k / sheet.mach)[0, 0]) + _STEPS[1] * k
        points = np.concatenate([here[None], here + turns * h])
        value = _characteristic(sheet, points)
        step = value[0] * 4 * h / np.sum(value[1:] / turns, axis=0)
        step = np.where(np.isfinite(step), step, 0.01 * k * np.exp(1j))
        step /= np.maximum(1.0, np.abs(step) / (_LONGEST * (k + np.abs(here))))
        s[live] -= step
        change[live] = np.abs(step) / (k + np.abs(here))
        live = live[np.abs(change[live]) > 1e-3 * _CONVERGED]
        if not len(live):
            break
    return s, np.isfinite(s) & (change < _CONVERGED)


def _characteristic(sheet: HubSheet, points: ComplexArray) -> ComplexArray:
    """K gamma_1 S', without the duct's poles, in one unit around each point: (4 neighbours and itself, point)."""
    flat = points.reshape(1, -1)
    value, slope = (one.reshape(points.shape) for one in sheet.wall(flat))
    outside = sheet.outside(flat).reshape(points.shape)
    gamma = upper(sheet.inner(points)[1])
    growth = np.exp((np.abs(gamma.imag) - np.abs(gamma[0].imag)) * (1 - sheet.section.hub))
    inner, outer = sheet.inner(points)[0], sheet.outer(points)[0]
    if not sheet.shear[0, 0]:
        inner, outer = np.ones_like(inner), np.ones_like(outer)
    return np.asarray(growth * (sheet.density * outer**2 * outside * slope - inner**2 * value))
