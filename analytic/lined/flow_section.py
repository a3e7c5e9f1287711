r"""A liner between semi-infinite hard walls in uniform flow: scattering of modes at its ends, from the factors.

In the variables of `flow_modes`, with hard modes -+kappa, lined modes d_j downstream and u_j upstream, D_j of
`FlowWall.slope`, beta_l = 2 N_l and y = i / (ka Z), the displacement of the wall is continuous at the front, zeta(0) =
0, so that zeta ~ x^{1/2}, and

    hard -> hard    -y N(kappa_l) N(-kappa_n) / (beta_l kappa_l (kappa_l + kappa_n) K_minus(-kappa_n) K_plus(kappa_l))
    hard -> lined    y N(d_j) N(-kappa_n) K_minus(d_j) / (K_minus(-kappa_n) (d_j + kappa_n) D_j)
    lined -> lined   y N(d_i) N(u_j) K_plus(u_j) K_minus(d_i) / ((d_i - u_j) D_i)
    lined -> hard   -y N(kappa_l) N(u_j) K_plus(u_j) / (K_plus(kappa_l) (kappa_l - u_j) beta_l kappa_l).

The back is the front of the mirror image, M -> -M, s -> -s, whose K_plus(s) is K_minus(-s). If the hydrodynamic wave
s_0, a zero of K_minus, is an instability of the flow, it belongs to the downstream waves: K_plus gets the factor s -
s_0, which K_minus loses. The amplitude of the instability is then the one with a smooth displacement, zeta ~ x^{3/2},
at the end where the flow arrives: a Kutta condition. At the other end the displacement would grow like x^{-1/2}, did it
not continue along the hard wall, convected with the flow, exp(i ka x / M), without pressure or potential: this divides
K_plus by N and multiplies K_minus, and zeta is continuous again.

References
----------
S. W. Rienstra, Acoustic scattering at a hard-soft lining transition in a flow duct, J. Eng. Math. 59 (2007), 451-475.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray, IntArray
from ..errors import ConvergenceError
from .duct import HardModes
from .flow_factor import FlowFactor, Singularities
from .flow_modes import FlowModes, FlowWall, flow_modes, hydrodynamic_wave
from .liner import Liner

_FEWER = 0.75  # of the lined modes, for the error estimate
_NEGLIGIBLE = 1e-13  # decay of modes along a liner that cannot be missed
_GROWN = 30.0  # exponent of an instability along a liner up to which digits are left: e^30 EPS = 2e-3

SLOWEST = 1e-20  # |M| up to which there is no flow, also for hydrodynamic waves, whose wavenumbers are ka |Z| / M^2
Kept: TypeAlias = IntArray | slice
Pair: TypeAlias = tuple[ComplexArray, ComplexArray]
Matrices: TypeAlias = tuple[ComplexArray, ComplexArray, ComplexArray, ComplexArray]
_ALL = slice(None)


@dataclass(frozen=True)
class Transition:
    """Matrices of one end of a liner, [scattered, incident], waves leaving it on both sides."""

    hard_hard: ComplexArray
    lined_hard: ComplexArray
    lined_lined: ComplexArray
    hard_lined: ComplexArray


@dataclass(frozen=True)
class Factors:
    """K_plus at the hard modes kappa and the lined ones upstream, K_minus at -kappa and the lined ones downstream."""

    plus_hard: ComplexArray
    plus_up: ComplexArray
    minus_hard: ComplexArray
    minus_down: ComplexArray

    def times(self, function: Callable[[ComplexArray], ComplexArray], points: tuple[ComplexArray, ...]) -> "Factors":
        """K_plus times a function, and K_minus over it; points : kappa, up, -kappa, down."""
        kappa, up, minus_kappa, down = (function(one) for one in points)
        return Factors(self.plus_hard * kappa, self.plus_up * up, self.minus_hard / minus_kappa, self.minus_down / down)


def wall_of(liner: Liner, hard: HardModes, mach: float) -> FlowWall:
    """The wall of a liner; hard modes with K in place of k."""
    ka, mach = hard.k * float(np.sqrt((1 - mach) * (1 + mach))), mach if abs(mach) > SLOWEST else 0.0
    return FlowWall(hard.section, hard.k, mach, 1j / (ka * liner.impedance))


class FlowSection:
    """The lined duct in flow and its scattering matrices; amplitudes of phi at the wall, arrays [scattered, incident].

    Parameters
    ----------
    liner : Liner
    hard : HardModes
        With K in place of k.
    mach : float
    count : int
        Least number of lined modes in each direction.
    unstable : bool
        Whether the hydrodynamic wave is an instability.
    modes : FlowModes, optional
        What `flow_modes` returns, if it is known.

    Attributes
    ----------
    liner, hard
        As passed in.
    wall : FlowWall
    length : float
        X along the liner.
    modes : FlowModes
        Downstream and upstream waves, the instability with those that the flow carries.
    singularities : Singularities
    factors : Factors
        Both as if the hydrodynamic wave were stable.
    front, back : Transition
    error : float
        Relative error estimate of the matrices, without truncation.
    """

    def __init__(
        self, liner: Liner, hard: HardModes, mach: float, count: int, unstable: bool, modes: FlowModes | None = None
    ) -> None:
        self.liner, self.hard = liner, hard
        self.wall = wall_of(liner, hard, mach)
        self.length = liner.length / float(np.sqrt((1 - mach) * (1 + mach)))
        stable = flow_modes(self.wall, count) if modes is None else modes
        self.singularities = Singularities(hard.kappa, stable)
        factor = FlowFactor(self.wall, self.singularities)
        parts = (
            factor.plus(np.concatenate([hard.kappa, stable.up])),
            factor.minus(np.concatenate([-hard.kappa, stable.down])),
        )
        (plus, first), (minus, second) = parts
        many = len(hard.kappa)
        self.modes, self.factors = stable, Factors(plus[:many], plus[many:], minus[:many], minus[many:])
        ends, grown = (self.factors, self.factors), 0.0
        if unstable:
            wave = hydrodynamic_wave(self.wall)
            grown = abs(wave.imag) * self.length
            ends = self._with_instability(wave)
        self.front, self.back = self._end(ends[0], 1), self._end(ends[1], -1)
        lost = float(np.max(np.concatenate([self._lost(self.modes.down), self._lost(-self.modes.up)])))
        self.error = 4 * max(first, second) + 4 * EPS * (lost + float(np.exp(min(grown, _GROWN))))

    def _with_instability(self, wave: complex) -> tuple[Factors, Factors]:
        """Factors at the front and at the back, with the instability among the waves that the flow carries."""
        growth = abs(wave.imag) * self.length
        if growth > _GROWN:
            raise ConvergenceError(
                f"the instability of the flow over the liner grows by exp({growth:.0f}) along it, and no digit of the "
                f"rest is left: shorten the liner, or take surface_wave='stable'"
            )
        s = np.array([wave])
        derivative = self.wall.slope(s) / (self.wall.y * self.wall.convected(s) ** 2)  # of K, at a zero
        up, down, f = self.modes.up, self.modes.down, self.factors
        along = self.wall.mach > 0
        waves, values = (up, f.plus_up) if along else (down, f.minus_down)
        index = int(np.argmin(np.abs(waves - wave)))
        rest, own = np.delete(waves, index), np.delete(values, index)
        # The factor that loses its zero has the value of the derivative over the other factor there.
        new = derivative / values[index]
        if along:
            self.modes = FlowModes(np.append(down, wave), rest)
            joined = Factors(f.plus_hard, own, f.minus_hard, np.append(f.minus_down, new))
        else:
            self.modes = FlowModes(rest, np.append(up, wave))
            joined = Factors(f.plus_hard, np.append(f.plus_up, new), f.minus_hard, own)
        points = self.hard.kappa, self.modes.up, -self.hard.kappa, self.modes.down
        power = 1 if along else -1

        def shift(at: ComplexArray) -> ComplexArray:
            return np.asarray(np.where(at == wave, 1.0, at - wave) ** power)

        def convected(at: ComplexArray) -> ComplexArray:
            return np.asarray(self.wall.convected(at) ** -power)

        leading = joined.times(shift, points)
        trailing = leading.times(convected, points)
        return (leading, trailing) if along else (trailing, leading)

    def _end(self, f: Factors, side: int) -> Transition:
        """Scattering at the front (side 1), or at the back (-1) as that of the mirror image."""
        kappa, flux = self.hard.kappa, 2 * self.hard.norm * self.hard.kappa
        n_out, n_in = (self.wall.convected(sign * side * kappa) for sign in (1, -1))
        leave, arrive = (self.modes.down, self.modes.up)[::side]
        plus_hard, minus_hard = (f.plus_hard, f.minus_hard)[::side]
        plus_arrive, minus_leave = (f.plus_up, f.minus_down)[::side]
        n_leave, n_arrive = self.wall.convected(leave), self.wall.convected(arrive)
        slope = side * self.wall.slope(leave)
        leave, arrive, y = side * leave, side * arrive, self.wall.y
        out_hard, in_hard = n_out / (plus_hard * flux), n_in / minus_hard
        out_lined, in_lined = n_leave * minus_leave / slope, n_arrive * plus_arrive
        return Transition(
            -y * out_hard[:, None] * in_hard / (kappa[:, None] + kappa),
            y * out_lined[:, None] * in_hard / (leave[:, None] + kappa),
            y * out_lined[:, None] * in_lined / (leave[:, None] - arrive),
            -y * out_hard[:, None] * in_lined / (kappa[:, None] - arrive),
        )

    def _lost(self, leave: ComplexArray) -> FloatArray:
        """Factors by which rounding grows, see `LinedSection`."""
        gap = np.abs(leave[:, None] - leave) + np.where(np.eye(len(leave)) > 0, np.inf, 0.0)
        crowd = 2 * np.abs(leave) / np.min(gap, axis=1)
        apart = np.min(np.abs(leave[:, None] + self.hard.kappa), axis=1)
        decay = np.minimum(np.exp(leave.imag * self.length), 1.0)
        return np.asarray(decay * (2 * np.abs(leave) / apart + crowd**3))

    @cached_property
    def decay(self) -> tuple[ComplexArray, ComplexArray]:
        """Factors of the lined waves along the liner, downstream and upstream ones in the direction they travel."""
        return np.exp(-1j * self.modes.down * self.length), np.exp(1j * self.modes.up * self.length)

    def inside(self, front: ComplexArray, back: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Amplitudes of lined modes that leave the front, at the front, and that leave the back, at the back.

        front, back : amplitudes of hard modes incident there, (mode, ...).
        """
        return self._inside(front, back, _ALL, _ALL)

    def _inside(self, front: ComplexArray, back: ComplexArray, first: Kept, second: Kept) -> Pair:
        """`inside` with some of the downstream and of the upstream modes only."""
        down, up = self.decay
        into, other = self.front.lined_hard[first] @ front, self.back.lined_hard[second] @ back
        there = self.back.lined_lined[second][:, first] * down[first]
        here = self.front.lined_lined[first][:, second] * up[second]
        leaving = np.linalg.solve(np.eye(len(into)) - here @ there, into + here @ other)
        return np.asarray(leaving), np.asarray(other + there @ leaving)

    @cached_property
    def scattering(self) -> Matrices:
        """Of hard modes: reflection at the front, transmission from there; the same for the back."""
        return self._scattering(_ALL, _ALL)

    @cached_property
    def coarse(self) -> Matrices:
        """`scattering` without the lined modes that decay fastest, for the error estimate."""
        kept, missed = [], 0.0
        for decay in self.decay:
            size = np.abs(decay)
            order = np.argsort(-size, kind="stable")
            kept.append(order[: int(_FEWER * len(order))])
            missed = max(missed, float(np.max(size[order[len(kept[-1]) :]], initial=0.0)))
        return self.scattering if missed < _NEGLIGIBLE else self._scattering(kept[0], kept[1])

    def _scattering(self, first: Kept, second: Kept) -> Matrices:
        down, up = self.decay[0][first], self.decay[1][second]
        unit = np.eye(len(self.hard.kappa), dtype=complex)
        matrices = []
        for front, back in ((unit, 0 * unit), (0 * unit, unit)):
            leaving, returning = self._inside(front, back, first, second)
            matrices.append(self.front.hard_hard @ front + (self.front.hard_lined[:, second] * up) @ returning)
            matrices.append(self.back.hard_hard @ back + (self.back.hard_lined[:, first] * down) @ leaving)
        return matrices[0], matrices[1], matrices[3], matrices[2]

    def radial(self, s: ComplexArray, r: FloatArray) -> ComplexArray:
        """Lined modes and their r-derivative at r, in increasing order: (2, r, mode)."""
        gamma, section = self.wall.radial(s), self.hard.section
        return section.waves(gamma, r, section.wall(gamma)[0], inside=True)
