"""Liners in a row in front of an open end, by the scattering matrices of each: amplitudes of all waves."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .arrays import ComplexArray
from .errors import quiet
from .lined_section import HardModes, LinedSection
from .liner import Liner
from .media import UniformFlow, transform
from .section import Section
from .solution import Solution
from .source import ModeMixture, Source

_DECAY = 40.0  # exponent of decay of the first mode left out over the shortest length: e^-40 = 4e-18
_MOST = 400  # modes: below a length of _DECAY / (400 pi) = 0.03 the error grows, at 0.003 it reaches 1e-6
_SPARE = 2  # modes at least that decay
_TINY = 1e-300  # amplitudes of which no digit is known: a long liner lets nothing through
_FEWER = 0.75  # of the decaying modes, for the error estimate


@dataclass(frozen=True)
class Amplitudes:
    """Potential amplitudes at the wall of the waves in the duct.

    reflected : (order,) of hard modes at the front of the first liner, leaving it.
    inside : of each liner, (2, mode): lined modes leaving its front, at the front; leaving its back, at the back.
    behind : of the hard duct behind each liner, (2, order): modes leaving the liner, at the liner; travelling towards
        it, at the other end.
    incident : of each liner, (2, mode): hard modes incident on its front and on its back.
    """

    reflected: ComplexArray
    inside: list[tuple[ComplexArray, ComplexArray]]
    behind: list[tuple[ComplexArray, ComplexArray]]
    incident: list[tuple[ComplexArray, ComplexArray]]

    @property
    def lip(self) -> ComplexArray:
        """Modes that leave the last liner, at that liner."""
        return self.behind[-1][0]


class Cascade:
    """Liners in front of the open end, with a number of modes that follows from a length.

    Parameters
    ----------
    source : DuctMode or ModeMixture
        Incident at the front of the first liner.
    liners : tuple of Liner
    shortest : float
        Length along which the modes that are left out decay by e^40, if there are not more than 400 of them.
    tolerance : float
        For the open end.
    """

    def __init__(self, source: Source, liners: tuple[Liner, ...], shortest: float, tolerance: float) -> None:
        self._source, self.liners = source, liners
        section, k = Section(abs(source.m), source.hub), source.helmholtz
        count, cut_on = _count(section, k, shortest, len(source.amplitudes))
        self._fewer = max(cut_on + _SPARE, len(source.amplitudes), cut_on + int(_FEWER * (count - cut_on)))
        self.hard = HardModes(section, k, count)
        with quiet():
            self.sections = [LinedSection(liner, self.hard, count) for liner in liners]
            mixture = ModeMixture(source.m, np.ones(count), k, 0.0, source.hub)
            self.open_end: Solution = Solution(transform(mixture, UniformFlow()), tolerance)
            self._lip = self.open_end.reflection_matrix[:count, :count]

    @cached_property
    def amplitudes(self) -> Amplitudes:
        """Amplitudes of all waves."""
        return self._solve(len(self.hard.alpha))

    @property
    def walls(self) -> list[tuple[LinedSection, tuple[ComplexArray, ComplexArray], tuple[ComplexArray, ComplexArray]]]:
        """Each liner with the amplitudes incident on it and inside."""
        return list(zip(self.sections, self.amplitudes.incident, self.amplitudes.inside, strict=True))

    @property
    def incident(self) -> ComplexArray:
        """Amplitudes of the source, of all modes."""
        return _padded(self._source.amplitudes, len(self.hard.alpha))

    @cached_property
    def error(self) -> float:
        """Error estimate of the reflected amplitudes, and of those at the lip, over the largest.

        The difference to fewer hard modes, and the errors of the factors.
        """
        with quiet():
            full, fewer = self.amplitudes, self._solve(self._fewer)
        gaps = [
            float(np.max(np.abs(one[: self._fewer] - other)) / max(np.max(np.abs(one)), _TINY))
            for one, other in (
                (full.reflected, fewer.reflected),
                (full.lip * self.hop, fewer.lip * self.hop[: self._fewer]),
            )
        ]
        factors = self.open_end.error_estimate + sum(section.error for section in self.sections)
        return math.fsum([*gaps, factors])

    @cached_property
    def hop(self) -> ComplexArray:
        """exp(i kappa d) from the last liner to the lip."""
        return self._hop(self.liners[-1].distance)

    def _hop(self, distance: float) -> ComplexArray:
        return np.exp(1j * self.hard.kappa * distance)

    def _solve(self, count: int) -> Amplitudes:
        """Amplitudes with the first `count` hard modes: loads from the lip to the front, then waves to the back."""
        unit, load = np.eye(count), self._lip[:count, :count]
        seen, steps = [], []  # from back to front
        for section in reversed(self.sections):
            hop = self._hop(section.liner.distance)[:count]
            echo = load * hop
            load = hop[:, None] * echo
            reflect, transmit = (matrix[:count, :count] for matrix in section.scattering)
            through = np.linalg.solve(unit - reflect @ load, transmit)
            seen.append((echo, hop))
            steps.append(through)
            load = reflect + transmit @ load @ through
        incident = self.incident[:count]
        reflected, wave = load @ incident, incident
        inside, behind, outer = [], [], []
        full = len(self.hard.kappa)
        for section, (echo, hop), through in zip(self.sections, seen[::-1], steps[::-1], strict=True):
            behind_it = through @ wave
            echoed = echo @ behind_it
            outer.append((_padded(wave, full), _padded(hop * echoed, full)))
            inside.append(section.inside(*outer[-1]))
            behind.append((behind_it, echoed))
            wave = hop * behind_it
        return Amplitudes(reflected, inside, behind, outer)


def _padded(values: ComplexArray, count: int) -> ComplexArray:
    return np.concatenate([values, np.zeros(count - len(values))])


def _count(section: Section, k: float, shortest: float, least: int) -> tuple[int, int]:
    """Number of hard modes, and of those cut on."""
    wanted = math.hypot(k, _DECAY / shortest)
    table = section.eigenvalues(min(int(wanted * (1 - section.hub) / math.pi) + 3, int(k / math.pi) + 3 + _MOST))
    cut_on = int(np.count_nonzero(table < k))
    count = max(min(int(np.count_nonzero(table < wanted)), cut_on + _MOST), cut_on + 2 * _SPARE, least + _SPARE)
    return count, cut_on
