"""Exact solution for one mode, or for all modes that are cut on, at some angles."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import analytic
from analytic import levels
from analytic.multimode import check_parts, groups_of
from analytic.solver import solution_of
from wavenet.arrays import ComplexArray, FloatArray

SHARING: dict[str, Callable[..., Any]] = {  # how the incident power is shared among the modes that are cut on
    "equal-power": analytic.MultiMode.equal_power,
    "equal-energy-density": analytic.MultiMode.equal_energy_density,
}

RELATIVE = "dB re the incident mode at the wall, at 1 duct radius"


@dataclass(frozen=True)
class FarField:
    """Pressure far away, at physical angles: where microphones stand, 0 downstream.

    degrees : (angle,). level : (angle,) [dB], -inf where nothing is radiated. reference : what the level refers to.
    pressure : (angle,) complex directivity of the pressure [rho c^2] at one radius. theta : (angle,) the same
    directions in the plane (x / beta, r) [deg]. amplitude : (angle,) complex directivity of the potential there
    [radii].
    """

    degrees: FloatArray
    level: FloatArray
    reference: str
    pressure: ComplexArray
    theta: FloatArray
    amplitude: ComplexArray

    @property
    def finite_level(self) -> list[float | None]:
        """`level`, None where it is not finite: for JSON."""
        return finite(self.level)

    @property
    def loudest(self) -> tuple[float, float]:
        """Highest level [dB], -inf where nothing is radiated, and its angle [deg]."""
        place = int(np.argmax(self.level))
        return float(self.level[place]), float(self.degrees[place])

    @property
    def pascals(self) -> FloatArray:
        """Root-mean-square pressure (angle,) [Pa] of a level re 20 uPa."""
        return levels.REFERENCE_PRESSURE * 10 ** (self.level / 20)


def decibels(value: complex) -> str:
    """Level of a ratio of amplitudes in words."""
    return f"{20 * math.log10(abs(value)):.2f} dB" if value else "-inf dB"


def finite(values: FloatArray) -> list[float | None]:
    """Numbers for JSON: None where they are not finite."""
    return [value if np.isfinite(value) else None for value in values.tolist()]


def far_field(
    source: analytic.DuctMode,
    degrees: FloatArray,
    directivity: Callable[[FloatArray], ComplexArray],
    *,
    mach: float,
    density: float = 1.0,
    loudness: Mapping[str, float] | None = None,
) -> FarField:
    """Far field at physical angles from the directivity of the potential, a function of theta.

    mach, density : of the fluid outside, see `analytic.levels.pressure_factor`. loudness : distance [m], power [W] or
    wall_pressure [Pa], for a physical source; the level of a cut-off mode without a wall pressure is relative.
    """
    theta, factor = levels.pressure_factor(np.radians(degrees), source.helmholtz, mach, density)
    amplitude = directivity(theta)
    pressure = 1j * factor * amplitude
    given = dict(loudness or {})
    if isinstance(source, analytic.PhysicalMode) and (source.cut_on or given):
        distance, power, at_wall = given.get("distance", 1.0), given.get("power"), given.get("wall_pressure")
        level = levels.sound_pressure_level(source, pressure, distance, power, at_wall)
        strength = f"incident power {1.0 if power is None else power:.4g} W"
        if at_wall is not None:
            strength = f"incident mode {at_wall:.4g} Pa rms at the wall"
        reference = f"dB re 20 uPa at {distance:g} m, {strength}"
    else:
        level, reference = levels.relative_level(source, pressure), RELATIVE
    return FarField(degrees, level, reference, pressure, np.degrees(theta), amplitude)


@dataclass(frozen=True)
class ModeAtAngles:
    """Solution for one duct mode. solved : as `analytic.solve` returns it. far : pressure far away. loudest : highest
    level at whole degrees from 0 to 180, and its angle. power : parts of the power balance by name, none for a liner
    from -infinity. impedance : specific impedance, None where it is lost in rounding. loss : transmission loss [dB] of
    a mode that is cut on, None of others. liners : front to back.
    """

    solved: Any
    far: FarField
    loudest: tuple[float, float]
    power: dict[str, Any]
    impedance: complex | None
    loss: float | None
    liners: tuple[analytic.Liner, ...] = ()

    @property
    def in_jet(self) -> bool:
        """Whether the duct opens into a jet."""
        return not self.liners and isinstance(self.solved.medium, analytic.Jet)

    @property
    def end_correction(self) -> float | None:
        """End correction of the plane wave [radii]; None for other modes, and behind liners."""
        return None if self.liners else self.solved.end_correction


@dataclass(frozen=True)
class ModesAtAngles:
    """Solution for all modes that are cut on. count : how many they are. degrees : (angle,) physical angles. level :
    (angle,) of the pressure [dB], -inf where nothing is radiated to. reference : what it refers to. power : parts of
    the power balance by name.
    """

    count: int
    degrees: FloatArray
    level: FloatArray
    reference: str
    power: dict[str, Any]
    error_estimate: float

    @property
    def finite_level(self) -> list[float | None]:
        """`level`, None where it is not finite: for JSON."""
        return finite(self.level)

    @property
    def loudest(self) -> tuple[float, float]:
        """Highest level [dB], -inf where nothing is radiated, and its angle [deg]."""
        place = int(np.argmax(self.level))
        return float(self.level[place]), float(self.degrees[place])


def mode(
    source: analytic.DuctMode,
    degrees: FloatArray,
    jet: analytic.Jet | None = None,
    loudness: Mapping[str, float] | None = None,
    liners: tuple[analytic.Liner, ...] | None = None,
) -> ModeAtAngles:
    """Solve for one duct mode; degrees : physical angles. loudness : see `far_field`."""
    solved = solution_of(source, jet=jet, liner=liners)
    endless = liners is not None and math.isinf(liners[0].length)
    if endless and isinstance(source, analytic.PhysicalMode):
        raise ValueError("a lined mode from -infinity has no power that a level could refer to: give --helmholtz")
    density, _, _ = solved.transform.fluid(inside=False)
    mach = levels.outer_mach(solved.transform)
    far, everywhere = (
        far_field(source, angles, solved.directivity, mach=mach, density=density, loudness=loudness)
        for angles in (degrees, np.arange(181.0))
    )
    if liners and endless:  # no power and no impedance
        return ModeAtAngles(solved, far, everywhere.loudest, {}, None, None, liners)
    loss = solved.transmission_loss if source.cut_on else None
    try:
        impedance = solved.specific_impedance
    except analytic.ConvergenceError:
        impedance = None
    return ModeAtAngles(solved, far, everywhere.loudest, _by_name(solved.power), impedance, loss, liners or ())


def _by_name(power: Any) -> dict[str, Any]:
    """Parts of a power balance: numbers, and a list of what liners absorb."""
    parts = {name: getattr(power, name) for name in (field.name for field in dataclasses.fields(power))}
    return {name: value.tolist() if isinstance(value, np.ndarray) else float(value) for name, value in parts.items()}


def modes(
    sharing: str,
    helmholtz: float,
    mach: float,
    hub: float,
    degrees: FloatArray,
    jet: analytic.Jet | None = None,
    *,
    duct: analytic.PhysicalDuct | None = None,
    loudness: Mapping[str, float] | None = None,
    liners: tuple[analytic.Liner, ...] | None = None,
) -> ModesAtAngles:
    """Solve for all modes that are cut on, mutually incoherent, unit incident power; degrees : physical angles.

    sharing : a key of `SHARING`. duct : with it levels are sound pressure levels; loudness : distance [m], power [W].
    """
    source = shared(sharing)(helmholtz, mach, hub)
    check_parts(source, [len(weights) for _, weights in groups_of(source)])  # before the work, not after it
    solved = solution_of(source, jet=jet, liner=liners)
    power = _by_name(solved.power)
    angle = np.radians(degrees)
    if duct is None:
        level, reference = solved.directivity_index(angle), "dB re a monopole of the radiated power"
    else:
        options = {"distance": 1.0, "power": 1.0} | dict(loudness or {})
        level, reference = solved.sound_pressure_level(angle, duct, **options), _sound_pressure(options)
    return ModesAtAngles(len(source.parts), degrees, level, reference, power, solved.error_estimate)


def shared(sharing: str) -> Callable[..., Any]:
    """Sources in which the power is shared in this way, a key of `SHARING`."""
    if sharing not in SHARING:
        raise ValueError(f"the sharing of power must be one of {', '.join(SHARING)}, got {sharing!r}")
    return SHARING[sharing]


def bands(
    sharing: str,
    duct: analytic.PhysicalDuct,
    lowest: float,
    highest: float,
    degrees: FloatArray,
    jet: analytic.Jet | None = None,
    loudness: Mapping[str, float] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[analytic.BandLevels, str]:
    """Levels of all cut-on modes in third-octave bands with nominal frequencies in lowest ... highest [Hz].

    Otherwise as `modes`; power : incident in each band. progress : called with the numbers of bands done and of all.
    Second result: what the levels refer to.
    """
    options = {"distance": 1.0, "power": 1.0} | dict(loudness or {})
    wanted = analytic.third_octave_bands(lowest, highest)
    found = analytic.third_octave_levels(
        shared(sharing), duct, wanted, np.radians(degrees), medium=jet, progress=progress, **options
    )
    return found, f"{_sound_pressure(options)} in each band"


def _sound_pressure(options: Mapping[str, float]) -> str:
    return f"dB re 20 uPa at {options['distance']:g} m, incident power {options['power']:.4g} W"


def without_growing_wave(source: analytic.DuctMode, jet: analytic.Jet) -> Any:
    """The solution without the Kelvin–Helmholtz wave, whose growth would hide the rest of a picture."""
    return solution_of(source, jet=dataclasses.replace(jet, instability=False))
