"""Liners in a row in front of an open end, by the scattering matrices of each: amplitudes of all waves."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from ..arrays import ComplexArray, FloatArray
from ..errors import ConvergenceError, quiet
from ..source import Source
from .duct import LinedDuct
from .echoes import settled
from .liner import Liner
from .modes import Modes, many_lined_modes
from .rows import sections_of
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
class _Step:
    """A liner and what is behind it.

    front, into, out, back : scattering at the liner, of waves from in front and from behind, into those in front and
        behind; end : reflection at the other end of the hard duct behind it; hop : exp(i kappa d) of that.
    weights : of the modes in front and of those behind, over the weights in their norms.
    """

    front: ComplexArray
    into: ComplexArray
    out: ComplexArray
    back: ComplexArray
    end: ComplexArray
    hop: ComplexArray
    weights: tuple[FloatArray, FloatArray]

    def echo(self, behind: ComplexArray) -> ComplexArray:
        """What is reflected at the other end of the hard duct, there; behind : what leaves the liner, (mode, ...)."""
        return np.asarray(self.end @ _times(self.hop, behind))

    def load(self, behind: ComplexArray) -> ComplexArray:
        """`echo` at the liner."""
        return _times(self.hop, self.echo(behind))

    def returned(self, behind: ComplexArray) -> ComplexArray:
        """What leaves the liner's back after one more echo."""
        return _times(self.weights[1], self.back @ self.load(behind))

    def behind(self, wave: ComplexArray) -> ComplexArray:
        """What leaves the liner's back for amplitudes incident on its front, (mode,)."""
        return settled(self.returned, _times(self.weights[1], self.out @ wave))

    def reflected(self, wave: ComplexArray, behind: ComplexArray) -> ComplexArray:
        """Amplitudes that leave the front."""
        return _times(self.weights[0], self.front @ wave + self.into @ self.load(behind))


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
        self._every = self._steps(np.ones(len(self.hard.alpha)))

    @cached_property
    def _fewer(self) -> list[_Step]:
        return self._steps(self.duct.fewer, coarse=True)

    def load(self, orders: int) -> ComplexArray:
        """Reflection matrix at the front of the first liner, of the first orders."""
        first = self._every[0]
        waves = np.eye(orders, len(first.front), dtype=complex)
        return np.array([first.reflected(wave, first.behind(wave))[:orders] for wave in waves]).T

    @quiet()
    def _steps(self, weight: FloatArray, *, coarse: bool = False) -> list[_Step]:
        """Liners front to back.

        weight : of the hard modes, over that in their norm; coarse : whether lined modes are left out, too.
        """
        steps: list[_Step] = []  # from back to front
        unit, end = np.eye(len(weight), dtype=complex), weight[:, None] * self.duct.lip
        for section in reversed(self.sections):
            if steps:
                last = steps[-1]
                through = np.linalg.solve(unit - last.returned(unit), weight[:, None] * last.out)
                end = last.reflected(unit, np.asarray(through, dtype=complex))
            if section.endless:
                front, into = section.lined_lined, section.lined_hard
                back, out = section.hard_hard, section.hard_lined
            else:
                front, into = back, out = section.coarse if coarse else section.scattering
            before = np.ones(len(front)) if section.endless else weight
            hop = np.exp(1j * self.hard.kappa * section.liner.distance)
            steps.append(_Step(front, into, out, back, end, hop, (before, weight)))
        return steps[::-1]

    def amplitudes(self, source: Source) -> Amplitudes:
        """Amplitudes of all waves for the amplitudes of a source."""
        return self._waves(self._every, source)

    @quiet()
    def _waves(self, steps: list[_Step], source: Source) -> Amplitudes:
        incoming = _padded(source.amplitudes, len(steps[0].front))
        leaving = steps[0].behind(incoming)
        reflected, wave = steps[0].reflected(incoming, leaving), incoming
        inside, behind, outer = list[Pair](), list[Pair](), list[Pair]()
        for section, step in zip(self.sections, steps, strict=True):
            leaving = step.behind(wave) if behind else leaving
            echo = step.echo(leaving)
            back = step.hop * echo
            if section.endless:
                outer.append((np.zeros_like(back), back))
                inside.append((wave, reflected))
            else:
                outer.append((wave, back))
                inside.append(section.inside(*outer[-1]))
            behind.append((leaving, echo))
            wave = step.hop * leaving
        return Amplitudes(incoming, reflected, inside, behind, outer, wave)

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


def _times(weights: ComplexArray | FloatArray, values: ComplexArray) -> ComplexArray:
    """Weights of modes times values (mode, ...)."""
    return np.asarray((weights * values.T).T)


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


def rows_of(duct: LinedDuct, rows: Sequence[Sequence[Liner]]) -> Iterator[list[LinedSection] | ConvergenceError]:
    """Lined ducts of many rows of liners, followed together, or why one failed."""

    def modes(liners: list[Liner]) -> list[Modes | ConvergenceError]:
        q = np.array([1j * duct.hard.k / one.impedance for one in liners])
        return many_lined_modes(duct.hard.section, q, duct.lined)

    return sections_of(rows, modes, lambda liner, found: LinedSection(liner, duct.hard, duct.lined, found))


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
