"""Liners in a row in front of an open end, by the scattering matrices of each: amplitudes of all waves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from ..arrays import ComplexArray, IntArray
from ..errors import quiet
from ..source import Source
from .duct import LinedDuct
from .liner import Liner
from .section import LinedSection

_TINY = 1e-300  # amplitudes of which no digit is known: a long liner lets nothing through
_TAIL = 2.0  # of a sum of terms like n^-2.6 over what the last quarter of them adds: 1 / (0.75^-1.6 - 1) = 1.7
_LONGEST = 1.0  # length whose decay asks for enough modes, of a liner from -infinity up to the lip
Pair: TypeAlias = tuple[ComplexArray, ComplexArray]


@dataclass(frozen=True)
class Amplitudes:
    """Potential amplitudes at the wall of the waves in the duct.

    incoming : of the source, at the front of the first liner; lined modes at its end if it is infinite.
    reflected : of modes of the same kind that leave.
    inside : of each liner, (2, mode): lined modes leaving its front, at the front; leaving its back, at the back. Of an
        infinite one, both at the back.
    behind : of the hard duct behind each liner, (2, order): modes leaving the liner, at the liner; travelling towards
        it, at the other end.
    incident : of each liner, (2, mode): hard modes incident on its front and on its back.
    lip : of hard modes that are incident on the open end, at x = 0.
    """

    incoming: ComplexArray
    reflected: ComplexArray
    inside: list[Pair]
    behind: list[Pair]
    incident: list[Pair]
    lip: ComplexArray


@dataclass(frozen=True)
class _Network:
    """Matrices of the waves between the liners, for some of the modes.

    load : reflection at the front of the first liner.
    steps : of each liner, front to back: transmission to the modes behind it, their echo at the other end of the hard
        duct, and exp(i kappa d).
    """

    kept: IntArray
    load: ComplexArray
    steps: list[tuple[ComplexArray, ComplexArray, ComplexArray]]


class Cascade:
    """Liners in front of the open end.

    Parameters
    ----------
    duct : LinedDuct
    sections : sequence of LinedSection
        Front to back.
    """

    def __init__(self, duct: LinedDuct, sections: Sequence[LinedSection]) -> None:
        self.duct, self.hard, self.sections = duct, duct.hard, list(sections)
        self._every = self._network(np.ones(len(self.hard.alpha)))

    @cached_property
    def _fewer(self) -> _Network:
        return self._network(self.duct.fewer, coarse=True)

    @property
    def load(self) -> ComplexArray:
        """Reflection matrix at the front of the first liner."""
        return self._every.load

    def _hop(self, section: LinedSection) -> ComplexArray:
        return np.exp(1j * self.hard.kappa * section.liner.distance)

    @quiet()
    def _network(self, weight: np.ndarray, *, coarse: bool = False) -> _Network:
        """Loads from the lip to the front.

        weight : of the hard modes, over that in their norm; coarse : whether lined modes are left out, too.
        """
        kept = np.flatnonzero(weight)
        scale, square = weight[kept, None], np.ix_(kept, kept)
        unit, load = np.eye(len(kept)), scale * self.duct.lip[square]
        steps: list[tuple[ComplexArray, ComplexArray, ComplexArray]] = []  # from back to front
        for section in reversed(self.sections):
            hop = self._hop(section)[kept]
            echo = load * hop
            load = hop[:, None] * echo
            if section.endless:
                front, into, out, back = (
                    section.lined_lined,
                    section.lined_hard[:, kept],
                    scale * section.hard_lined[kept],
                    scale * section.hard_hard[square],
                )
            else:
                front, into = back, out = [
                    scale * matrix[square] for matrix in (section.coarse if coarse else section.scattering)
                ]
            through = np.asarray(np.linalg.solve(unit - back @ load, out), dtype=complex)
            steps.append((through, echo, hop))
            load = front + into @ (load @ through)
        return _Network(kept, load, steps[::-1])

    def amplitudes(self, source: Source) -> Amplitudes:
        """Amplitudes of all waves for the amplitudes of a source."""
        return self._waves(self._every, source)

    @quiet()
    def _waves(self, network: _Network, source: Source) -> Amplitudes:
        first = len(source.amplitudes)
        reflected = self._spread(network.load[:, :first] @ source.amplitudes, network.kept, endless=True)
        inside, behind, outer = [], [], []
        wave = _padded(source.amplitudes, network.load.shape[1])
        for section, (through, echo, hop) in zip(self.sections, network.steps, strict=True):
            behind_it = through @ wave
            echoed = echo @ behind_it
            back = self._spread(hop * echoed, network.kept)
            if section.endless:
                outer.append((np.zeros_like(back), back))
                inside.append((wave, reflected))
            else:
                outer.append((self._spread(wave, network.kept), back))
                inside.append(section.inside(*outer[-1]))
            behind.append((self._spread(behind_it, network.kept), self._spread(echoed, network.kept)))
            wave = hop * behind_it
        incoming = _padded(source.amplitudes, len(reflected))
        return Amplitudes(incoming, reflected, inside, behind, outer, self._spread(wave, network.kept))

    def _spread(self, values: ComplexArray, kept: IntArray, *, endless: bool = False) -> ComplexArray:
        """Amplitudes of all hard modes, 0 for those left out; those of lined modes are all there."""
        if endless and self.sections[0].endless:
            return values
        spread = np.zeros(len(self.hard.kappa), complex)
        spread[kept] = values
        return spread

    def error(self, source: Source, full: Amplitudes) -> float:
        """Error estimate of the reflected amplitudes, and of those at the lip, over the largest.

        The difference to fewer hard and lined modes, twice: amplitudes converge like N^-1.6; and the errors of the
        factors.
        """
        coarse, gaps = self._waves(self._fewer, source), []
        live = np.flatnonzero(self.duct.fewer[: self.hard.count])
        for one, other in ((full.reflected, coarse.reflected), (full.lip, coarse.lip)):
            gap = float(np.max(np.abs(one - other)[live[live < len(one)]]))
            gaps.append(_TAIL * gap / max(float(np.max(np.abs(one))), _TINY))
        factors = self.duct.open_end.error_estimate + sum(section.error for section in self.sections)
        return math.fsum([*gaps, factors])


def _padded(values: ComplexArray, count: int) -> ComplexArray:
    return np.concatenate([values, np.zeros(count - len(values))])


def cascade_of(
    source: Source, liners: Sequence[Liner], tolerance: float, *, least: int, shortest: float = math.inf
) -> Cascade:
    """Liners in the duct of a source.

    least : number of radial orders of all sources; shortest : a length that counts beside those of the liners.
    """
    duct = lined_duct(source, liners, tolerance, least=least, shortest=shortest)
    with quiet():
        return Cascade(duct, [LinedSection(liner, duct.hard, duct.lined) for liner in liners])


@quiet()
def lined_duct(
    source: Source, liners: Sequence[Liner], tolerance: float, *, least: int, shortest: float = math.inf
) -> LinedDuct:
    """The duct of a source and liners; parameters as of `cascade_of`."""
    return LinedDuct(
        abs(source.m),
        source.helmholtz,
        source.hub,
        shortest=min(shortest, shortest_of(liners)),
        least=least,
        tail=any(one.distance == 0 for one in liners),
        tolerance=tolerance,
    )


def shortest_of(liners: Sequence[Liner]) -> float:
    """Shortest length of liners and hard walls, along which modes decay."""
    lengths = [length for one in liners for length in (one.length, one.distance) if 0 < length < math.inf]
    return min([_LONGEST, *lengths])
