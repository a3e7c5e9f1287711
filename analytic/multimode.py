"""Incoherent multi-mode sources: many duct modes at once, whose mean-square pressures and powers add.

References
----------
P. Joseph, C. L. Morfey, C. R. Lowis, J. Sound Vib. 264 (2003), 523-544: the source models, and how flow enters them.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

import numpy as np

from .arrays import FloatArray
from .checks import real_array
from .errors import ConvergenceError, check_estimate, check_finite, quiet
from .incoherent import IncoherentQuantities
from .media import transform
from .modes import cut_on_orders, radial_eigenvalues
from .power import Power, balance, check_residual
from .section import Section
from .source import DuctMode, ModeMixture, Source

_MOST_PARTS = 20_000  # of a source: all cut-on modes up to K = 280, which take ten to twenty seconds
_MOST_POWERS = 2_000  # parts whose power balance is computed: a few milliseconds each


@dataclass(frozen=True)
class MultiMode:
    """Mutually incoherent sources in one duct at one Helmholtz number.

    Parameters
    ----------
    parts : sequence of DuctMode or ModeMixture
        Sources of any azimuthal orders, with the same helmholtz, mach and hub. The radial orders of a mixture are
        coherent with each other. Sources of different azimuthal orders count as incoherent even if they are not: their
        products vanish in every mean over the azimuthal angle.
    powers : (part,) float array
        Incident sound power of each part's cut-on modes, >= 0, with a positive sum, in any unit.

    Raises
    ------
    ValueError
        There are no parts or more than 20,000, they are in different ducts, the powers do not match them, or a part has
        power but no cut-on mode.
    """

    parts: tuple[Source, ...]  # from any sequence
    powers: FloatArray

    def __post_init__(self) -> None:
        parts = tuple(self.parts) if isinstance(self.parts, Iterable) else ()
        powers = real_array(self.powers, "powers").copy()
        if not parts or not all(isinstance(part, DuctMode | ModeMixture) for part in parts):
            raise ValueError("parts must be DuctModes and ModeMixtures, at least one")
        if len(parts) > _MOST_PARTS:
            raise ValueError(f"at most {_MOST_PARTS} parts are taken, got {len(parts)}")
        ducts = {(part.helmholtz, part.mach, part.hub) for part in parts}
        if len(ducts) > 1:
            raise ValueError(f"the parts must have the same (helmholtz, mach, hub), got {sorted(ducts)}")
        if powers.shape != (len(parts),) or not (np.all(powers >= 0) and 0 < powers.sum() < math.inf):
            raise ValueError(f"powers must be {len(parts)} finite numbers >= 0, not all zero, got {self.powers}")
        for part, power in zip(parts, powers, strict=True):
            if power > 0 and not _unit_power(part) > 0:
                raise ValueError(f"a part without a mode that is cut on carries no power, got {part}")
        powers.flags.writeable = False
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "powers", powers)

    @classmethod
    def equal_power(cls, helmholtz: float, mach: float = 0.0, hub: float = 0.0) -> Self:
        """Source in which all cut-on modes, with both signs of m, carry the same power; the sum of the powers is 1.

        Parameters as for `DuctMode`.

        Examples
        --------
        >>> source = MultiMode.equal_power(3.5)
        >>> sorted((part.m, part.n) for part in source.parts)
        [(-2, 0), (-1, 0), (0, 0), (1, 0), (2, 0)]
        """
        parts = _cut_on_modes(helmholtz, mach, hub)
        return cls(tuple(parts), np.full(len(parts), 1 / len(parts)))

    @classmethod
    def equal_energy_density(cls, helmholtz: float, mach: float = 0.0, hub: float = 0.0) -> Self:
        """Source in which all cut-on modes have the same mean energy density; the sum of their powers is 1.

        The power of a mode is its energy density times its axial group velocity c (1 - M^2) q / (1 - M q), q = sqrt(1 -
        (1 - M^2) (alpha / ka)^2). Parameters as for `DuctMode`.
        """
        parts = _cut_on_modes(helmholtz, mach, hub)
        cosine = np.array([_wave(part)[part.n] for part in parts]) / parts[0].helmholtz
        velocity = cosine / (1 - parts[0].mach * cosine)
        return cls(tuple(parts), velocity / velocity.sum())


class MultiModeSolution(IncoherentQuantities):
    """The sound of a `MultiMode`, as returned by `solve`: sums over its parts of means over time and azimuthal angle.

    The factorisation is computed once for each |m|.

    Attributes
    ----------
    source : MultiMode
    medium : object
        See `Solution.medium`.
    tolerance : float
    """

    @quiet()
    def __init__(self, source: MultiMode, medium: object, tolerance: float) -> None:
        self.source, self.medium, self.tolerance = source, medium, tolerance
        self.groups: list[_Group] = [
            _Group(sources, weights, medium, tolerance) for sources, weights in groups_of(source)
        ]

    @cached_property
    def power(self) -> Power:
        """Sum of the parts' `Power`, in the unit of the source's powers; the residual over the incident power.

        Raises
        ------
        ConvergenceError
            As `Solution.power`, for the parts of one |m| together; the sum's residual is above the tolerance, or there
            are more than 2,000 parts that differ in more than the sign of m: more than 4,000 modes, as above K = 127.
        """
        check_parts(self.source, [len(group.weights) for group in self.groups])
        total = dict.fromkeys((field.name for field in fields(Power)), 0.0)
        for group in self.groups:
            power = group.power()
            for name in total:
                total[name] += float(getattr(power, name))
        left = total["incident"] + total["evanescent"] - total["reflected"] - total["radiated"] - total["vortical"]
        residual = left / total["incident"]
        described = f"a MultiMode of {len(self.source.parts)} parts, the first {self.source.parts[0]}"
        check_residual(residual, 0.0, self.tolerance, described)
        return Power(**{**total, "residual": residual})


def check_parts(source: MultiMode, counts: Sequence[int]) -> None:
    """Raise if the powers of too many parts are asked for."""
    count = sum(counts)
    if count > _MOST_POWERS:
        raise ConvergenceError(
            f"the powers of {count} parts were not computed, they are more than {_MOST_POWERS}, for "
            f"{len(source.parts)} parts at {source.parts[0]}"
        )


def groups_of(source: MultiMode) -> list[tuple[list[ModeMixture], FloatArray]]:
    """Sources of every |m|, and the weight of each |amplitude|^2, for the powers of the parts.

    m and -m have the same solution: parts that differ in the sign only are combined.
    """
    live = sorted(np.flatnonzero(source.powers).tolist(), key=lambda index: abs(source.parts[index].m))
    groups = []
    for m, indices in itertools.groupby(live, key=lambda index: abs(source.parts[index].m)):
        parts = [(source.parts[index], float(source.powers[index])) for index in indices]
        orders = max(len(part.amplitudes) for part, _ in parts)
        weights: dict[tuple[complex, ...], float] = {}
        for part, power in parts:
            key = (*part.amplitudes.tolist(), *[0j] * (orders - len(part.amplitudes)))
            weights[key] = weights.get(key, 0.0) + power / _unit_power(part)
        first = parts[0][0]
        duct = first.helmholtz, first.mach, first.hub
        sources = [ModeMixture(m, np.array(amplitudes), *duct) for amplitudes in weights]
        groups.append((sources, np.array(list(weights.values()))))
    return groups


class _Group:
    """Sources of one |m|, which share a factorisation, and the weight of each |amplitude|^2."""

    def __init__(self, sources: list[ModeMixture], weights: FloatArray, medium: object, tolerance: float) -> None:
        self.tolerance, self.weights = tolerance, weights
        first = sources[0]
        every = np.ones(len(first.amplitudes))
        self.transform = transform(ModeMixture(first.m, every, first.helmholtz, first.mach, first.hub), medium)
        self.error_estimate = self.transform.solution(self.transform, tolerance).error_estimate  # or it is refused
        self._family = [self.transform.incident(source) for source in sources]

    def power(self) -> Power:
        """Sum of the powers."""
        return balance(self._family, self.weights, self.tolerance)

    def mean_square(self, theta: FloatArray) -> FloatArray:
        """Sum of |D|^2."""
        with quiet():
            value, error = type(self.transform).directivities(self._family, theta)
        check_estimate(float(np.max(error, initial=0.0)), self.tolerance, "the directivity", self.transform.described)
        check_finite(value, "the directivity", self.transform.described)
        return np.tensordot(self.weights, np.abs(value) ** 2, 1)


def _wave(part: Source) -> FloatArray:
    """sqrt((ka)^2 - (1 - M^2) alpha^2) of the radial orders of a source, 0 for modes that are cut off."""
    alpha = radial_eigenvalues(part.m, len(part.amplitudes), hub=part.hub)
    cut_on = alpha * math.sqrt((1 - part.mach) * (1 + part.mach))
    return np.sqrt(np.maximum((part.helmholtz - cut_on) * (part.helmholtz + cut_on), 0.0))


def _unit_power(part: Source) -> float:
    """Incident power of a source as `Power` counts it."""
    section = Section(abs(int(part.m)), part.hub)
    amplitudes = part.amplitudes
    norm = section.norm(section.eigenvalues(len(amplitudes)))
    return float(np.sum(_wave(part) * norm * np.abs(amplitudes) ** 2)) / math.sqrt((1 - part.mach) * (1 + part.mach))


def _cut_on_modes(helmholtz: float, mach: float, hub: float) -> list[DuctMode]:
    """DuctModes that propagate."""
    duct = DuctMode(0, 0, helmholtz, mach, hub)  # checks the parameters
    helmholtz, mach, hub = duct.helmholtz, duct.mach, duct.hub
    counts: list[int] = []
    while len(counts) == 0 or counts[-1]:
        counts.append(cut_on_orders(helmholtz, len(counts), mach, hub=hub))
        if 2 * sum(counts) - counts[0] > _MOST_PARTS:
            raise ValueError(f"at most {_MOST_PARTS} modes may be cut on, there are more at helmholtz={helmholtz}")
    return [
        DuctMode(sign * m, n, helmholtz, mach, hub)
        for m, count in enumerate(counts)
        for sign in (1, -1)[: 2 if m else 1]
        for n in range(count)
    ]
