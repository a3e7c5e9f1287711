"""Sources: the sound that is incident on the open end."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .arrays import ComplexArray
from .checks import check_helmholtz, check_hub, check_mach, check_order, check_orders, check_reduced, complex_array
from .modes import cut_on_helmholtz

if TYPE_CHECKING:
    from .physical import PhysicalMode


@dataclass(frozen=True)
class DuctMode:
    """One incident duct mode of unit potential amplitude at the wall, phase zero at the open end.

    Parameters
    ----------
    m, n : int
        Azimuthal order (any sign), radial order (n >= 0; (0, 0) is the plane wave). The mode may be cut off. A float
        without a fraction is taken, too, and kept as an int.
    helmholtz : float, > 0
        Helmholtz number ka [-]; ka / sqrt(1 - M^2) lies in [1e-20, 1e4].
    mach : float, |mach| < 1
        Mach number of the flow in the duct, positive towards the open end [-].
    hub : float, 0 <= hub <= 0.95
        Radius of a hard hub on the axis that extends through the open end [radii]; 0 for none.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    m: int
    n: int
    helmholtz: float
    mach: float = 0.0
    hub: float = 0.0

    def __post_init__(self) -> None:
        m, n = check_orders(self.m, self.n)
        object.__setattr__(self, "n", n)
        _set_duct(self, m)

    @staticmethod
    def physical(m: int, n: int, *, frequency: float, radius: float, **stream: Any) -> "PhysicalMode":
        """A mode in SI units; its solution has levels in dB, see `Solution.sound_pressure_level`.

        Parameters
        ----------
        m, n : int
            As for `DuctMode`.
        frequency : float, > 0
            [Hz].
        radius : float, > 0
            Radius of the duct [m].
        **stream
            temperature [K] or sound_speed [m/s]; velocity [m/s] or mach; static_pressure [Pa] or density [kg/m^3];
            hub_radius [m]: see `PhysicalDuct.filled`.

        Raises
        ------
        ValueError
            A parameter is outside its range, or two are given for one quantity.
        TypeError
            An unknown parameter.

        Examples
        --------
        >>> mode = DuctMode.physical(22, 0, frequency=1200, radius=0.4, temperature=288.15, mach=-0.35)
        >>> round(mode.helmholtz, 3), mode.cut_on, round(mode.cut_on_frequency)
        (8.863, False, 3081)
        """
        from .physical import PhysicalDuct

        return PhysicalDuct.filled(radius, **stream).mode(m, n, frequency)

    @property
    def amplitudes(self) -> ComplexArray:
        """Incident amplitudes of the radial orders 0 ... n."""
        return np.append(np.zeros(self.n), 1.0).astype(complex)

    @property
    def cut_on(self) -> bool:
        """Whether the mode propagates."""
        return self.helmholtz > cut_on_helmholtz(self.m, self.n, self.mach, hub=self.hub)

    @property
    def cut_off(self) -> str:
        """Sentence that says below which Helmholtz number the mode is cut off; for a mode that is."""
        above = cut_on_helmholtz(self.m, self.n, self.mach, hub=self.hub)
        return (
            f"mode ({self.m}, {self.n}) is cut off at ka = {self.helmholtz:.6g}, it propagates above ka = {above:.6g}"
        )


@dataclass(frozen=True)
class ModeMixture:
    """Incident duct modes of one azimuthal order.

    Parameters
    ----------
    m : int
        Azimuthal order, any sign.
    amplitudes : sequence of complex
        Potential amplitudes at the wall, x = 0, of the radial orders 0, 1, ...; at least one is not zero.
    helmholtz, mach, hub : float
        As for `DuctMode`.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    m: int
    amplitudes: np.ndarray  # from any sequence of numbers
    helmholtz: float
    mach: float = 0.0
    hub: float = 0.0

    def __post_init__(self) -> None:
        amplitudes = complex_array(self.amplitudes, "amplitudes")
        if amplitudes.ndim != 1 or not np.all(np.isfinite(amplitudes)) or not np.any(amplitudes):
            raise ValueError(
                f"amplitudes must be a finite one-dimensional sequence, not all zero, got {self.amplitudes}"
            )
        _set_duct(self, check_order(self.m))
        amplitudes.flags.writeable = False
        object.__setattr__(self, "amplitudes", amplitudes)

    @property
    def cut_on(self) -> bool:
        """Whether any of its modes propagates."""
        return self.helmholtz > self._least

    @property
    def cut_off(self) -> str:
        """Sentence that says below which Helmholtz number the modes are cut off; for modes that are."""
        return (
            f"all modes of the mixture of m = {self.m} are cut off at ka = {self.helmholtz:.6g}, the lowest propagates "
            f"above ka = {self._least:.6g}"
        )

    @property
    def _least(self) -> float:
        """Helmholtz number above which the lowest of its modes propagates."""
        lowest = int(np.flatnonzero(self.amplitudes)[0])
        return float(cut_on_helmholtz(self.m, lowest, self.mach, hub=self.hub))


def _set_duct(source: "DuctMode | ModeMixture", m: int) -> None:
    """Check the duct of a new source; its numbers are kept as doubles, and m as an int."""
    values = check_helmholtz(source.helmholtz), check_mach(source.mach), check_hub(source.hub)
    check_reduced(*values[:2])
    for name, value in zip(("m", "helmholtz", "mach", "hub"), (m, *values), strict=True):
        object.__setattr__(source, name, value)


Source: TypeAlias = DuctMode | ModeMixture
