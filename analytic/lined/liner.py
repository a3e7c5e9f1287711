"""Locally reacting liners on the wall of the duct."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ..checks import complex_array, real_number

# Beyond these the lined modes lie where the Bessel functions' series and tables were not tested; |Z| < 0.05 at ka = 40,
# the strongest wall of the tests, has k / |Z| = 800.
_IMPEDANCE = 1e-6, 1e9
_SURFACE_WAVES = None, "stable", "unstable"


@dataclass(frozen=True)
class Liner:
    """A length of the duct's wall with a locally reacting liner, between hard walls; a hub stays hard.

    Parameters
    ----------
    impedance : complex, Re > 0
        Specific impedance Z = p / (rho c v) with v into the wall, for exp(-i omega t) [-]: Im Z < 0 is mass-like, Im Z
        > 0 stiffness-like. `Liner.engineering` takes those for exp(+i omega t). |Z| in [1e-6, 1e9].
    length : float, > 0
        Length of the liner [duct radii]; inf for one that begins at -infinity, of which a lined mode is incident.
    distance : float, >= 0
        Length of the hard wall behind it, up to the next liner or to the lip [duct radii]; 0 for none.
    surface_wave : {None, "stable", "unstable"}
        What the surface wave of a flow over the liner is where Im Z > 0: a wave that decays against the flow, or an
        instability that grows with it. It must be chosen there, and does not matter without flow.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    impedance: complex
    length: float
    distance: float
    surface_wave: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "impedance", check_impedance(self.impedance))
        length = real_number(self.length, "length")
        if not length > 0:
            raise ValueError(f"length must be positive, got length={self.length}")
        object.__setattr__(self, "length", length)
        distance = real_number(self.distance, "distance")
        if not 0 <= distance < math.inf:
            raise ValueError(f"distance must be finite and not negative, got distance={self.distance}")
        object.__setattr__(self, "distance", distance)
        check_surface_wave(self.surface_wave)

    @classmethod
    def engineering(cls, impedance: complex, length: float, distance: float, surface_wave: str | None = None) -> Self:
        """A liner whose impedance is given for exp(+i omega t), mass-like with Im Z > 0.

        Examples
        --------
        >>> Liner.engineering(1.5 - 0.8j, length=1.0, distance=0.5).impedance
        (1.5+0.8j)
        """
        array = complex_array(impedance, "impedance")
        return cls(complex(array.conj()) if not array.ndim else impedance, length, distance, surface_wave)


def check_impedance(value: object) -> complex:
    """The impedance of a wall that absorbs."""
    array = complex_array(value, "impedance")
    if array.ndim:
        raise ValueError(f"impedance must be a single number, got {value}")
    impedance = complex(array)
    if not (impedance.real > 0 and _IMPEDANCE[0] <= abs(impedance) <= _IMPEDANCE[1]):  # NaN fails, too
        raise ValueError(
            "the impedance must have a positive real part, for which the wall absorbs, and a modulus in "
            f"[{_IMPEDANCE[0]:g}, {_IMPEDANCE[1]:g}], got impedance={value}"
        )
    return impedance


def check_surface_wave(value: object) -> None:
    """Raise unless it is one of the choices."""
    if value not in _SURFACE_WAVES:
        raise ValueError(f"surface_wave must be one of {_SURFACE_WAVES}, got surface_wave={value!r}")


def check_liners(liner: object) -> tuple[Liner, ...]:
    """Liners, front to back, from one or a sequence of them."""
    liners = tuple(liner) if isinstance(liner, Sequence) else (liner,)
    for one in liners:
        if not isinstance(one, Liner):
            raise TypeError(f"expected a Liner or a sequence of them, got {type(one).__name__}")
    if not liners:
        raise ValueError("expected at least one Liner, got an empty sequence")
    for one in liners[1:]:
        if math.isinf(one.length):
            raise ValueError(f"only the first liner may begin at -infinity, got {one} behind others")
    return liners
