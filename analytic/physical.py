"""A duct and its modes in SI units: metres, hertz, kelvin, metres a second, pascals, watts.

The solver is dimensionless; this module is where dimensions enter and leave. Lengths are divided by the duct's radius
a, velocities by the sound speed c of the duct's stream, pressures by rho c^2, powers by rho c^3 a^2.

References
----------
ISO 2533:1975, Standard atmosphere: the gas constant and the ratio of specific heats of dry air, with which c = 340.294
m/s and rho = 1.225 kg/m^3 at 288.15 K and 101325 Pa.
"""

import math
from dataclasses import dataclass, field
from typing import Self

from .checks import check_hub, check_mach, check_positive, real_number
from .modes import cut_on_helmholtz
from .source import DuctMode

GAS_CONSTANT = 287.05287  # of dry air [J/(kg K)], ISO 2533
HEAT_RATIO = 1.4  # of specific heats of dry air, ISO 2533
ATMOSPHERE = 101325.0  # standard static pressure [Pa], ISO 2533
# Below 500 K the ratio of specific heats is within 1 % of 1.4, and c within 0.5 %; below 150 K air is no ideal gas. A
# temperature in degrees Celsius or Fahrenheit by mistake is mostly below this range.
_COLDEST, _HOTTEST = 150.0, 500.0


def sound_speed_of_air(temperature: float) -> float:
    """Sound speed of dry air as an ideal gas, sqrt(1.4 R T) [m/s].

    Parameters
    ----------
    temperature : float, 150 <= temperature <= 500
        Static temperature [K].

    Raises
    ------
    ValueError
        The temperature is outside this range.

    Examples
    --------
    >>> round(sound_speed_of_air(288.15), 3)
    340.294
    """
    temperature = real_number(temperature, "temperature")
    if not _COLDEST <= temperature <= _HOTTEST:
        raise ValueError(
            f"the temperature of air must lie in {_COLDEST:g} ... {_HOTTEST:g} kelvin (15 degC is 288.15), got "
            f"temperature={temperature}; outside of this range give sound_speed"
        )
    return math.sqrt(HEAT_RATIO * GAS_CONSTANT * temperature)


@dataclass(frozen=True)
class PhysicalDuct:
    """A duct and the stream in it, in SI units.

    Parameters
    ----------
    radius : float, > 0
        Radius of the duct [m].
    sound_speed, density : float, > 0
        Of the duct's stream [m/s, kg/m^3].
    mach : float, |mach| < 1
        Mach number of the stream, positive towards the open end [-].
    hub_radius : float
        Radius of a hub [m], 0 for none.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    radius: float
    sound_speed: float
    density: float
    mach: float = 0.0
    hub_radius: float = 0.0

    def __post_init__(self) -> None:
        values = {name: check_positive(getattr(self, name), name) for name in ("radius", "sound_speed", "density")}
        values |= {"mach": check_mach(self.mach), "hub_radius": real_number(self.hub_radius, "hub_radius")}
        for name, value in values.items():
            object.__setattr__(self, name, value)
        check_hub(self.hub)

    @classmethod
    def filled(
        cls,
        radius: float,
        *,
        temperature: float | None = None,
        sound_speed: float | None = None,
        static_pressure: float | None = None,
        density: float | None = None,
        velocity: float | None = None,
        mach: float | None = None,
        hub_radius: float = 0.0,
    ) -> Self:
        """A duct from what is known of the stream in it.

        Parameters
        ----------
        radius, hub_radius : float
            [m].
        temperature, sound_speed : float
            Static temperature of dry air [K], or the sound speed [m/s]: one of them.
        static_pressure, density : float
            Static pressure [Pa], 101325 by default, from which the density 1.4 p / c^2 of air follows; or the density
            [kg/m^3].
        velocity, mach : float
            Velocity [m/s] or Mach number of the stream, positive towards the open end; none for no flow.

        Raises
        ------
        ValueError
            Two values for one quantity, none where one is needed, or one outside its range.
        """
        if (temperature is None) == (sound_speed is None):
            raise ValueError(f"give temperature or sound_speed, got {temperature=} and {sound_speed=}")
        if sound_speed is None:
            assert temperature is not None
            sound_speed = sound_speed_of_air(temperature)
        sound_speed = check_positive(sound_speed, "sound_speed")
        if density is not None and static_pressure is not None:
            raise ValueError(f"give static_pressure or density, got {static_pressure=} and {density=}")
        if density is None:
            static_pressure = (
                ATMOSPHERE if static_pressure is None else check_positive(static_pressure, "static_pressure")
            )
            density = HEAT_RATIO * static_pressure / sound_speed**2
        if velocity is not None and mach is not None:
            raise ValueError(f"give velocity or mach, got {velocity=} and {mach=}")
        if velocity is not None:
            mach = real_number(velocity, "velocity") / sound_speed
            if not abs(mach) < 1:
                raise ValueError(
                    f"the flow must be subsonic, got velocity={velocity} m/s at a sound speed of {sound_speed:.6g} m/s"
                )
        return cls(radius, sound_speed, density, 0.0 if mach is None else mach, hub_radius)

    @property
    def hub(self) -> float:
        """Radius of the hub [duct radii]."""
        return self.hub_radius / self.radius

    @property
    def area(self) -> float:
        """Area of the cross-section [m^2]."""
        return math.pi * (self.radius - self.hub_radius) * (self.radius + self.hub_radius)

    def helmholtz(self, frequency: float) -> float:
        """Helmholtz number 2 pi f a / c of a frequency [Hz]."""
        return 2 * math.pi * check_positive(frequency, "frequency") * self.radius / self.sound_speed

    def frequency(self, helmholtz: float) -> float:
        """Frequency [Hz] of a Helmholtz number."""
        return real_number(helmholtz, "helmholtz") * self.sound_speed / (2 * math.pi * self.radius)

    def cut_on_frequency(self, m: int, n: int) -> float:
        """Frequency [Hz] above which duct mode (m, n) propagates."""
        return self.frequency(cut_on_helmholtz(m, n, self.mach, hub=self.hub))

    def mode(self, m: int, n: int, frequency: float) -> "PhysicalMode":
        """Duct mode (m, n) at a frequency [Hz]."""
        return PhysicalMode(m, n, self.helmholtz(frequency), self.mach, self.hub, duct=self)


@dataclass(frozen=True)
class PhysicalMode(DuctMode):
    """A `DuctMode` of a duct in SI units, as returned by `DuctMode.physical`; its solution has levels in dB.

    Parameters
    ----------
    m, n, helmholtz, mach, hub
        As for `DuctMode`.
    duct : PhysicalDuct
        With the same Mach number and hub.
    """

    duct: PhysicalDuct = field(kw_only=True)

    @property
    def frequency(self) -> float:
        """Frequency [Hz]."""
        return self.duct.frequency(self.helmholtz)

    @property
    def cut_on_frequency(self) -> float:
        """Frequency [Hz] above which the mode propagates."""
        return self.duct.cut_on_frequency(self.m, self.n)

    @property
    def cut_off(self) -> str:
        """Sentence that says below which frequency the mode is cut off; for a mode that is."""
        return (
            f"mode ({self.m}, {self.n}) is cut off at {self.frequency:.6g} Hz, it propagates above "
            f"{self.cut_on_frequency:.6g} Hz"
        )
