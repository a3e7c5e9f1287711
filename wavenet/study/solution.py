"""Exact solution for one mode, or for all modes that are cut on, at some angles."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import analytic
from wavenet.arrays import ComplexArray, FloatArray

SHARING: dict[str, Callable[..., Any]] = {  # how the incident power is shared among the modes that are cut on
    "equal-power": analytic.MultiMode.equal_power,
    "equal-energy-density": analytic.MultiMode.equal_energy_density,
}


@dataclass(frozen=True)
class ModeAtAngles:
    """Solution for one duct mode. solved : as `analytic.solve` returns it. degrees : (angle,). amplitude : (angle,)
    complex directivity [radii]. power : parts of the power balance by name.
    """

    solved: Any
    degrees: FloatArray
    amplitude: ComplexArray
    power: dict[str, float]

    @property
    def in_jet(self) -> bool:
        """Whether the duct opens into a jet."""
        return isinstance(self.solved.medium, analytic.Jet)

    @property
    def modulus(self) -> FloatArray:
        """|D| (angle,) [radii]."""
        return np.abs(self.amplitude)


@dataclass(frozen=True)
class ModesAtAngles:
    """Solution for all modes that are cut on. count : how many they are. degrees : (angle,). level : (angle,)
    directivity index [dB], -inf where nothing is radiated to. power : parts of the power balance by name.
    """

    count: int
    degrees: FloatArray
    level: FloatArray
    power: dict[str, float]
    error_estimate: float

    @property
    def finite_level(self) -> list[float | None]:
        """`level`, None where it is not finite: for JSON."""
        return [value if np.isfinite(value) else None for value in self.level.tolist()]


def mode(source: analytic.DuctMode, degrees: FloatArray, jet: analytic.Jet | None = None) -> ModeAtAngles:
    """Solve for one duct mode."""
    solved = analytic.solve(source, jet=jet)
    amplitude = solved.directivity(np.radians(degrees))
    return ModeAtAngles(solved, degrees, amplitude, dataclasses.asdict(solved.power))


def modes(
    sharing: str,
    helmholtz: float,
    mach: float,
    hub: float,
    degrees: FloatArray,
    jet: analytic.Jet | None = None,
) -> ModesAtAngles:
    """Solve for all modes that are cut on, mutually incoherent, unit incident power. sharing : a key of `SHARING`."""
    if sharing not in SHARING:
        raise ValueError(f"the sharing of power must be one of {', '.join(SHARING)}, got {sharing!r}")
    source = SHARING[sharing](helmholtz, mach, hub)
    solved = analytic.solve(source, jet=jet)
    power = {name: float(value) for name, value in dataclasses.asdict(solved.power).items()}
    return ModesAtAngles(len(source.parts), degrees, solved.level(np.radians(degrees)), power, solved.error_estimate)


def without_growing_wave(source: analytic.DuctMode, jet: analytic.Jet) -> Any:
    """The solution without the Kelvin–Helmholtz wave, whose growth would hide the rest of a picture."""
    return analytic.solve(source, jet=dataclasses.replace(jet, instability=False))
