"""Many liners in one flow: what does not depend on the impedance is computed once for cases of one duct and lengths."""

from collections.abc import Sequence

import numpy as np

from ..arrays import ComplexArray, FloatArray
from ..errors import ConvergenceError, check_estimate, check_finite
from ..source import DuctMode, ModeMixture
from .flow_cascade import FlowCascade, FlowDuct
from .flow_solution import UNIFORM_FLOW
from .liner import Liner
from .quantities import net_power


def flow_rows(
    modes: list[DuctMode], liners: list[tuple[Liner, ...]], theta: FloatArray, tolerance: float
) -> list[tuple[complex, ComplexArray, float, float, float] | ConvergenceError]:
    """Reflection, directivity, absorbed and radiated power, and error of every mode, or why it failed.

    All in one duct and flow, with liners of the same lengths and distances.
    """
    shortest = min(length for one in liners[0] for length in (one.length, one.distance))
    least = max(len(mode.amplitudes) for mode in modes)
    duct = FlowDuct(modes[0], shortest, least, tolerance, UNIFORM_FLOW)
    found: list[tuple[complex, ComplexArray, float, float, float] | ConvergenceError] = []
    sections: dict[tuple[Liner, ...], list | ConvergenceError] = {}
    cascades: list[FlowCascade | ConvergenceError] = []
    for mode, liner in zip(modes, liners, strict=True):
        if liner not in sections:
            try:
                sections[liner] = duct.sections(liner)
            except ConvergenceError as failure:
                sections[liner] = failure
        made = sections[liner]
        try:
            if isinstance(made, ConvergenceError):
                raise made
            cascade = FlowCascade(mode, duct, made)
            check_estimate(cascade.error, tolerance, "the amplitudes", f"{mode} with {', '.join(map(str, liner))}")
            cascades.append(cascade)
        except ConvergenceError as failure:
            cascades.append(failure)
    live = [one for one in cascades if isinstance(one, FlowCascade)]
    values = _directivities(duct, live, theta, tolerance) if live else np.empty((0, len(theta)), complex)
    order = iter(values)
    for mode, one in zip(modes, cascades, strict=True):
        if isinstance(one, ConvergenceError):
            found.append(one)
            continue
        waves = one.amplitudes
        lip = one.hop * waves.lip
        flux = float(np.sum(np.abs(duct.hard.kappa) * duct.hard.norm * np.abs(one.incident) ** 2))
        radiated = net_power(duct.hard, lip, duct.lip @ lip)
        absorbed = net_power(duct.hard, one.incident, waves.reflected) - radiated
        reflection = complex(waves.reflected[mode.n] / one.phase)
        found.append((reflection, next(order), absorbed / flux, radiated / flux, one.error))
    return found


def _directivities(
    duct: FlowDuct, cascades: Sequence[FlowCascade], theta: FloatArray, tolerance: float
) -> ComplexArray:
    """Directivities of all sources: (source, angle)."""
    first, hard, helmholtz = duct.open_end.transform, duct.hard, duct.hard.k * duct.beta
    family = [
        first.incident(
            ModeMixture(hard.section.m, one.hop * one.amplitudes.lip, helmholtz, duct.mach, float(hard.section.hub))
        )
        for one in cascades
    ]
    value, error = type(first).directivities(family, theta)
    check_estimate(float(np.max(error, initial=0.0)), tolerance, "the directivity", first.described)
    check_finite(value, "the directivity", first.described)
    return value
