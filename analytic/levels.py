r"""What is measured outside: the pressure at a physical angle, its level in dB, and impedances.

In the far field phi ~ D(theta) exp(i K rho) / rho. With p = i k psi - M u in the fluid outside (its own M, K and beta)
and rho = R sqrt(1 - M^2 sin^2 a) / beta at the distance R and physical angle a,

    p ~ P(a) exp(i (K rho - K M X)) / R,    P(a) = i k (1 - M cos theta) D(theta) / (beta sqrt(1 - M^2 sin^2 a)).

The power of a wave in uniform flow is the flux of Re[(p + M u)^* (u + M p)] / 2 (rho = c = 1), which is pi ka beta
times the power that `Power` counts.

References
----------
C. L. Morfey, J. Sound Vib. 14 (1971), 159-170: energy flux in irrotational flow.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .angles import stretched_angle
from .arrays import FloatArray
from .checks import check_angles, check_positive
from .modes import axial_wavenumber
from .physical import PhysicalDuct, PhysicalMode
from .section import Section
from .source import DuctMode, Source

if TYPE_CHECKING:
    from .transform import Transform

REFERENCE_PRESSURE = 2e-5  # of levels in air [Pa], ISO 1683
REFERENCE_POWER = 1e-12  # of sound power levels [W], ISO 1683


def pressure_factor(
    angle: npt.ArrayLike, helmholtz: float, mach: float, density: float = 1.0
) -> tuple[FloatArray, FloatArray]:
    """Angles theta in the (X, r) plane of physical angles, and P / (i D) there [rho c^2], which is real.

    Parameters
    ----------
    angle : (...) float array
        Physical angle [rad], in [0, pi].
    helmholtz : float
        Helmholtz number of the duct.
    mach, density : float
        Of the fluid outside: in its own sound speed, and over that of the duct's stream.

    Returns
    -------
    (...) float arrays
    """
    angle = check_angles(angle)
    theta = stretched_angle(angle, mach)
    spreading = np.sqrt((1 - mach) * (1 + mach) * (1 - (mach * np.sin(angle)) ** 2))
    return theta, density * helmholtz * (1 - mach * np.cos(theta)) / spreading


def outer_mach(transform: "Transform") -> float:
    """Mach number of the fluid outside, in its own sound speed."""
    _, helmholtz, mach = transform.fluid(inside=False)  # in the duct's sound speed
    return mach * transform.k * transform.scale / helmholtz


def outer_pressure_factor(transform: "Transform", angle: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """`pressure_factor` of the fluid outside a transform's duct."""
    density, helmholtz, _ = transform.fluid(inside=False)
    return pressure_factor(angle, helmholtz, outer_mach(transform), density)


def decibels(amplitude: npt.ArrayLike) -> FloatArray:
    """20 log10 of an amplitude ratio, -inf for 0."""
    with np.errstate(divide="ignore"):
        return 20 * np.log10(np.asarray(amplitude, dtype=float))


def wall_pressure(source: DuctMode) -> float:
    """Pressure [rho c^2] at the wall, x = 0, of an incident mode of unit potential amplitude: |ka - M mu|."""
    mu = axial_wavenumber(source.helmholtz, source.m, source.n, mach=source.mach, hub=source.hub)
    return float(np.abs(source.helmholtz - source.mach * mu))


def one_mode(source: Source, what: str) -> DuctMode:
    """The source, which must be one duct mode."""
    if not isinstance(source, DuctMode):
        raise ValueError(f"{what} needs one incident mode, a DuctMode, got {source}")
    return source


def physical_source(source: Source, what: str) -> PhysicalMode:
    """The source, which must have physical units."""
    if not isinstance(source, PhysicalMode):
        raise ValueError(f"{what} needs physical units: make the source with DuctMode.physical, got {source}")
    return source


def incident_flux(source: DuctMode) -> float:
    """Incident power of a mode of unit potential amplitude, as `Power` counts it; 0 for a mode that is cut off."""
    mu = axial_wavenumber(source.helmholtz, source.m, source.n, mach=source.mach, hub=source.hub)
    beta2 = (1 - source.mach) * (1 + source.mach)
    wave = complex(beta2 * mu + source.mach * source.helmholtz)  # sqrt((ka)^2 - beta^2 alpha^2)
    section = Section(abs(source.m), source.hub)
    return wave.real / math.sqrt(beta2) * float(section.norm(section.eigenvalues(source.n + 1))[source.n])


def power_unit(duct: PhysicalDuct, helmholtz: float) -> float:
    """Watts of one unit of `Power`: pi ka beta rho c^3 a^2."""
    beta = math.sqrt((1 - duct.mach) * (1 + duct.mach))
    return math.pi * helmholtz * beta * duct.density * duct.sound_speed**3 * duct.radius**2


def pascals_per_root_watt(duct: PhysicalDuct, helmholtz: float, flux: float) -> float:
    """Root-mean-square pressure [Pa] of amplitude 1 [rho c^2], if the incident power is 1 W.

    flux : incident power, in the unit of `Power`, at which the amplitude is 1.
    """
    return duct.density * duct.sound_speed**2 / math.sqrt(2 * power_unit(duct, helmholtz) * flux)


def check_duct(duct: PhysicalDuct, source: Source) -> None:
    """Raise a ValueError unless the duct is that of a source."""
    if (source.mach, source.hub) != (duct.mach, duct.hub):
        raise ValueError(f"the duct must have mach={source.mach} and hub={source.hub} of the source, got {duct}")


def relative_level(source: DuctMode, pressure: npt.ArrayLike) -> FloatArray:
    """Level of pressures over the incident mode's at the wall [dB], for unit potential amplitude."""
    return decibels(np.abs(pressure) / wall_pressure(source))


def sound_pressure_level(
    source: PhysicalMode, pressure: npt.ArrayLike, distance: float, power: float | None, at_wall: float | None
) -> FloatArray:
    """Level [dB re 20 uPa] at a distance [m] of a pressure directivity [rho c^2].

    power, at_wall : power [W] of the incident mode, 1 by default, or its root-mean-square pressure at the wall [Pa].

    Raises
    ------
    ValueError
        Both are given, a value is not positive, or a power for a mode that is cut off.
    """
    if power is not None and at_wall is not None:
        raise ValueError(f"give power or wall_pressure, got power={power} and wall_pressure={at_wall}")
    distance = check_positive(distance, "distance")
    if at_wall is not None:
        scale = check_positive(at_wall, "wall_pressure") / wall_pressure(source)
    else:
        power = check_positive(1.0 if power is None else power, "power")
        if not source.cut_on:
            raise ValueError(
                f"{source.cut_off}: it carries no power of its own; give its wall pressure instead of its power"
            )
        flux = incident_flux(source)
        scale = math.sqrt(power) * pascals_per_root_watt(source.duct, source.helmholtz, flux)
    return decibels(np.abs(pressure) * (scale * source.duct.radius / distance / REFERENCE_PRESSURE))


def impedance(source: DuctMode, reflected: complex) -> tuple[complex, float]:
    """Specific impedance p / (rho c u) of a mode's own radial order at x = 0, and |d ln z / d ln R_p|.

    reflected : reflection coefficient of the pressure, into the same order.
    """
    admittances = []
    for direction in (1, -1):
        mu = axial_wavenumber(
            source.helmholtz, source.m, source.n, mach=source.mach, direction=direction, hub=source.hub
        )
        admittances.append(complex(mu / (source.helmholtz - source.mach * mu)))
    down, up = admittances
    above, below = 1 + reflected, down + reflected * up
    sensitivity = abs(reflected * (1 / above - up / below)) if above and below else math.inf
    return (above / below if below else complex(math.inf)), sensitivity
