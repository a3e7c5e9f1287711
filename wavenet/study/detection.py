"""Duct modes from the pressures at a microphone array, by the surrogate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from data.microphones import MicrophoneArray
from wavenet.arrays import ComplexArray
from wavenet.far_field import detection

from .errors import level

_QUIETEST = -200.0  # least level of a mode that is printed [dB]: rounding is some 300 dB below the largest


class Radiation(Protocol):
    """What detection needs of a model: a `Directivity`, or the `JetRadiation` of a jet."""

    def cut_on(self, helmholtz: float, mach: float) -> list[tuple[int, int]]:
        """Cut-on modes (m, n) of the learned orders, with both signs of m."""

    def unlearned(self, helmholtz: float, mach: float) -> int | None:
        """Smallest azimuthal order that is cut on but was not learned; None if there is none."""

    def pressure(self, m: Tensor, n: Tensor, helmholtz: float, mach: float, x: Tensor, r: Tensor) -> Tensor:
        """Pressures (mode, microphone) of modes of amplitude one."""


@dataclass(frozen=True)
class DetectedMode:
    """Amplitude of one mode; half_width : of the confidence intervals of its real and of its imaginary part."""

    m: int
    n: int
    amplitude: complex
    half_width: float


@dataclass(frozen=True)
class DetectedModes:
    """Modes of an array.

    modes : those found. noise : root mean square of what they do not explain. condition : condition number of the
    modes at the microphones. coverage : of the intervals. warnings : where amplitudes are unreliable, a line each.
    """

    modes: list[DetectedMode]
    noise: float
    condition: float
    coverage: float
    warnings: list[str]

    @property
    def levels(self) -> list[float]:
        """Level of each mode's amplitude [dB re the largest]."""
        amplitudes = np.array([row.amplitude for row in self.modes])
        return level(amplitudes, float(np.max(np.abs(amplitudes), initial=0.0)) or 1.0, _QUIETEST).tolist()


def unlearned_orders(model: Radiation, array: MicrophoneArray) -> list[str]:
    """A line on the first azimuthal order that is cut on and cannot be looked for; none if all can."""
    missing = model.unlearned(array.helmholtz, array.mach)
    return [] if missing is None else [f"m = {missing} is cut on, too, and was not learned"]


def responses(model: Radiation, array: MicrophoneArray, modes: Sequence[tuple[int, int]]) -> ComplexArray:
    """Pressures (mode, microphone) of modes (m, n) of amplitude one at an array, with the factor exp(i m phi)."""
    m, n = (torch.tensor(column) for column in zip(*modes, strict=True))
    with torch.no_grad():
        place = torch.from_numpy(array.x), torch.from_numpy(array.r)
        response = model.pressure(m, n, array.helmholtz, array.mach, *place).cpu().numpy()
    return response * np.exp(1j * np.outer(m.numpy(), array.phi))


def detect(
    model: Radiation,
    array: MicrophoneArray,
    modes: Sequence[tuple[int, int]] | None = None,
    *,
    few: bool = False,
    coverage: float = 0.95,
) -> DetectedModes:
    """Complex amplitudes of modes.

    Parameters
    ----------
    model : Directivity or JetRadiation
    array : MicrophoneArray
    modes : sequence of (m, n), optional
        Modes to look for; by default all learned ones that are cut on, with either sign of m.
    few : bool
        Choose few of them by an l1 penalty.
    coverage : float
        Coverage of the confidence intervals.

    Raises
    ------
    ValueError
        Modes or microphones that the network does not take; too few microphones.
    """
    wanted = model.cut_on(array.helmholtz, array.mach) if modes is None else list(modes)
    found = detection.detect(
        array.pressure,
        responses(model, array, wanted),
        coverage=coverage,
        few=few,
        noise=array.noise,
        names=[f"({m}, {n})" for m, n in wanted],
    )
    columns = zip(wanted, found.amplitude.tolist(), found.half_width, found.chosen, strict=True)
    rows = [DetectedMode(m, n, value, float(width)) for (m, n), value, width, chosen in columns if chosen]
    return DetectedModes(rows, found.noise, found.condition, coverage, found.warnings)
