"""Liners in a row in front of an open end in uniform flow, by the scattering matrices of each: amplitudes of all waves.

Amplitudes are those of phi at the wall, see `flow_modes`, for which hard walls are as without flow.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from ..arrays import ComplexArray
from ..errors import ConvergenceError, quiet
from ..media import transform
from ..section import Section
from ..solution import Solution
from ..source import ModeMixture, Source
from .duct import HardModes
from .flow_modes import FlowModes, many_flow_modes
from .flow_section import FlowSection, wall_of
from .liner import Liner
from .rows import sections_of

_DECAY = 40.0  # exponent of decay of the first mode left out over the shortest length, as without flow
_MOST = 200  # modes: each has a pole and two zeros here, and the count of these grows with the square
_SPARE = 2  # modes at least that decay
_TINY = 1e-300  # amplitudes of which no digit is known: a long liner lets nothing through
_FEWER = 0.75  # of the decaying modes, for the error estimate
# Of what the last quarter of the modes adds to what is beyond them, for sums of terms like n^-1.55: amplitudes converge
# like N^-2, at the smallest Mach numbers like N^-0.55 at first, and _TAIL is 1 / (0.75^-0.55 - 1).
_TAIL = 6.0
Pair: TypeAlias = tuple[ComplexArray, ComplexArray]


@dataclass(frozen=True)
class FlowAmplitudes:
    """Amplitudes of the waves in the duct.

    reflected : (order,) of hard modes at the front of the first liner, leaving it.
    inside : of each liner: lined modes leaving its front, at the front; leaving its back, at the back.
    behind : of the hard duct behind each liner: modes leaving the liner, at the liner; travelling towards it, at the
        other end.
    incident : of each liner: hard modes incident on its front and on its back.
    """

    reflected: ComplexArray
    inside: list[Pair]
    behind: list[Pair]
    incident: list[Pair]

    @property
    def lip(self) -> ComplexArray:
        """Modes that leave the last liner, at that liner."""
        return self.behind[-1][0]


class FlowDuct:
    """The hard-walled duct in flow and its open end: what does not depend on the liners' impedances.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        One of the sources; its amplitudes do not matter.
    shortest : float
        Length along which the modes that are left out decay by e^40, if there are not more than 200 of them.
    least : int
        Number of radial orders in the sources.
    tolerance : float
        For the open end.
    medium : object
        What the duct opens into: UniformFlow or a Jet.

    Attributes
    ----------
    mach, beta, k : float
        M, sqrt(1 - M^2) and K.
    hard : HardModes
    fewer : int
        Number of modes for the error estimate.
    open_end : Solution
        Of all hard modes at once.
    lip : (mode, mode) complex array
        Reflection at the open end.
    """

    def __init__(self, source: Source, shortest: float, least: int, tolerance: float, medium: object) -> None:
        self.mach = source.mach
        section, self.beta = Section(abs(source.m), source.hub), math.sqrt((1 - source.mach) * (1 + source.mach))
        self.k = source.helmholtz / self.beta
        count, cut_on = _count(section, self.k, shortest / self.beta, least)
        self.fewer = max(cut_on + _SPARE, least, cut_on + int(_FEWER * (count - cut_on)))
        self.hard = HardModes(section, self.k, count)
        mixture = ModeMixture(source.m, np.ones(count), source.helmholtz, source.mach, source.hub)
        with quiet():
            end = transform(mixture, medium)
            self.open_end: Solution = end.solution(end, tolerance)
            self.lip: ComplexArray = self.open_end.reflection_matrix[:count, :count]

    def sections(self, liners: Sequence[Liner]) -> list[FlowSection]:
        """The lined ducts of liners."""
        with quiet():
            return [self._section(liner) for liner in liners]

    def rows(self, rows: Sequence[Sequence[Liner]]) -> Iterator[list[FlowSection] | ConvergenceError]:
        """Those of many rows, followed together, or why one failed."""

        def modes(liners: list[Liner]) -> list[FlowModes | ConvergenceError]:
            walls = [wall_of(one, self.hard, self.mach) for one in liners]
            return many_flow_modes(walls, len(self.hard.alpha))

        return sections_of(rows, modes, self._section)

    def _section(self, liner: Liner, modes: FlowModes | None = None) -> FlowSection:
        count = len(self.hard.alpha)
        return FlowSection(liner, self.hard, self.mach, count, liner.surface_wave == "unstable", modes)


class FlowCascade:
    """Liners in front of the open end in flow.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        Incident at the front of the first liner.
    duct : FlowDuct
    sections : list of FlowSection
        Front to back.
    """

    def __init__(self, source: Source, duct: FlowDuct, sections: list[FlowSection]) -> None:
        self._source, self.duct, self.sections = source, duct, sections
        self.liners = tuple(section.liner for section in sections)
        self.mach, self.beta, self.k, self.hard, self.open_end = duct.mach, duct.beta, duct.k, duct.hard, duct.open_end

    @classmethod
    def of(
        cls, source: Source, liners: Sequence[Liner], shortest: float, tolerance: float, medium: object
    ) -> "FlowCascade":
        """With a duct of its own; parameters as of `FlowDuct`."""
        duct = FlowDuct(source, shortest, len(source.amplitudes), tolerance, medium)
        return cls(source, duct, duct.sections(liners))

    def incident_of(self, source: Source) -> "FlowCascade":
        """For another source in the same duct, with no more radial orders."""
        return FlowCascade(source, self.duct, self.sections)

    @property
    def position(self) -> float:
        """x of the front of the first liner."""
        return -sum(one.length + one.distance for one in self.liners)

    @property
    def phase(self) -> complex:
        """phi over psi at the front of the first liner."""
        return complex(np.exp(1j * self.k * self.mach * self.position / self.beta))

    @property
    def incident(self) -> ComplexArray:
        """Amplitudes of the source, of all modes."""
        return self.phase * _padded(self._source.amplitudes, len(self.hard.alpha))

    @cached_property
    def amplitudes(self) -> FlowAmplitudes:
        """Amplitudes of all waves."""
        return self._solve(len(self.hard.alpha))

    @cached_property
    def error(self) -> float:
        """Error estimate of the reflected amplitudes, and of those at the lip, over the largest.

        The difference to fewer hard and lined modes, six times; and the errors of the factors.
        """
        with quiet():
            full, fewer = self.amplitudes, self._solve(self.duct.fewer, coarse=True)
        hop = self.hop
        gaps = [
            _TAIL * float(np.max(np.abs(one[: len(other)] - other)) / max(np.max(np.abs(one)), _TINY))
            for one, other in (
                (full.reflected, fewer.reflected[: self.duct.fewer]),
                (full.lip * hop, (fewer.lip * hop)[: self.duct.fewer]),
            )
        ]
        factors = self.open_end.error_estimate + sum(section.error for section in self.sections)
        return math.fsum([*gaps, factors])

    @cached_property
    def hop(self) -> ComplexArray:
        """exp(i kappa X) from the last liner to the lip."""
        return self._hop(self.liners[-1].distance)

    def _hop(self, distance: float) -> ComplexArray:
        return np.exp(1j * self.hard.kappa * (distance / self.beta))

    def _solve(self, count: int, *, coarse: bool = False) -> FlowAmplitudes:
        """Amplitudes with the first `count` hard modes: loads from the lip to the front, then waves to the back.

        coarse : whether lined modes are left out, too.
        """
        unit, load = np.eye(count), self.duct.lip[:count, :count]
        steps = []  # from back to front
        for section in reversed(self.sections):
            hop = self._hop(section.liner.distance)[:count]
            echo = load * hop
            load = hop[:, None] * echo
            matrices = section.coarse if coarse else section.scattering
            front, out, back, into = (matrix[:count, :count] for matrix in matrices)
            through = np.linalg.solve(unit - back @ load, out)
            steps.append((through, echo, hop))
            load = front + into @ (load @ through)
        wave, full = self.incident[:count], len(self.hard.kappa)
        reflected, inside, behind, outer = _padded(load @ wave, full), [], [], []
        for section, (through, echo, hop) in zip(self.sections, steps[::-1], strict=True):
            behind_it = through @ wave
            echoed = echo @ behind_it
            outer.append((_padded(wave, full), _padded(hop * echoed, full)))
            inside.append(section.inside(*outer[-1]))
            behind.append((_padded(behind_it, full), _padded(echoed, full)))
            wave = hop * behind_it
        return FlowAmplitudes(reflected, inside, behind, outer)


def _padded(values: ComplexArray, count: int) -> ComplexArray:
    return np.concatenate([values, np.zeros(count - len(values))])


def _count(section: Section, k: float, shortest: float, least: int) -> tuple[int, int]:
    """Number of hard modes, and of those cut on."""
    wanted = math.hypot(k, _DECAY / shortest)
    table = section.eigenvalues(min(int(wanted * (1 - section.hub) / math.pi) + 3, int(k / math.pi) + 3 + _MOST))
    cut_on = int(np.count_nonzero(table < k))
    count = max(min(int(np.count_nonzero(table < wanted)), cut_on + _MOST), cut_on + 2 * _SPARE, least + _SPARE)
    return count, cut_on
