"""What is incident on the open end."""

import math
from dataclasses import dataclass

import numpy as np

from .modes import check_mach, check_orders, cut_on_helmholtz
from .section import check_hub


def _check_helmholtz(helmholtz: float) -> None:
    if not 0 < helmholtz < math.inf:
        raise ValueError(f"helmholtz must be a positive finite number, got helmholtz={helmholtz}")


@dataclass(frozen=True)
class DuctMode:
    """One incident duct mode of unit potential amplitude at the wall, phase zero at the open end.

    Parameters
    ----------
    m, n : int
        Azimuthal order (any sign), radial order (n >= 0; (0, 0) is the plane wave). The mode may be cut off.
    helmholtz : float, > 0
        Helmholtz number ka [-].
    mach : float, |mach| < 1
        Mach number of the flow in the duct, positive towards the open end [-].
    hub : float, 0 <= hub <= 0.95
        Radius of a hard hub on the axis that runs on through the open end [radii]; 0 for none.

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

    def __post_init__(self):
        check_orders(self.m, self.n)
        _check_helmholtz(self.helmholtz)
        check_mach(self.mach)
        check_hub(self.hub)

    @property
    def amplitudes(self):
        """Incident amplitudes of the radial orders 0 ... n."""
        return np.append(np.zeros(self.n), 1.0).astype(complex)

    @property
    def cut_on(self):
        """Whether the mode propagates."""
        return self.helmholtz > cut_on_helmholtz(self.m, self.n, self.mach, hub=self.hub)


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
    amplitudes: np.ndarray
    helmholtz: float
    mach: float = 0.0
    hub: float = 0.0

    def __post_init__(self):
        amplitudes = np.array(self.amplitudes, dtype=complex)
        if amplitudes.ndim != 1 or not np.all(np.isfinite(amplitudes)) or not np.any(amplitudes):
            raise ValueError(
                f"amplitudes must be a finite one-dimensional sequence, not all zero, got {self.amplitudes}"
            )
        check_orders(self.m, 0)
        _check_helmholtz(self.helmholtz)
        check_mach(self.mach)
        check_hub(self.hub)
        amplitudes.flags.writeable = False
        object.__setattr__(self, "amplitudes", amplitudes)


@dataclass(frozen=True)
class Jet:
    """The duct's stream goes on as a jet, behind a vortex sheet at r = 1, in another fluid or flow.

    Parameters
    ----------
    mach_outer : float, 0 <= mach_outer < 1
        Mach number outside, in the outer sound speed [-].
    sound_speed_ratio, density_ratio : float, > 0
        Outside over inside [-].
    kutta : float, 0 <= kutta <= 1
        Kutta parameter: 1 for the full Kutta condition at the lip, 0 for no vortex shedding from it.
    instability : bool
        Whether the near field contains the Kelvin–Helmholtz wave, which grows without bound downstream.

    Notes
    -----
    Streams that are alike (mach_outer = mach of the duct, both ratios 1) are a uniform flow with the wake of the lip.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """

    mach_outer: float = 0.0
    sound_speed_ratio: float = 1.0
    density_ratio: float = 1.0
    kutta: float = 1.0
    instability: bool = True

    def __post_init__(self):
        if not 0 <= self.mach_outer < 1:
            raise ValueError(f"the outer Mach number must lie in [0, 1), got mach_outer={self.mach_outer}")
        for name in ("sound_speed_ratio", "density_ratio"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {name}={getattr(self, name)}")
        if not 0 <= self.kutta <= 1:
            raise ValueError(f"the Kutta parameter must lie in [0, 1], got kutta={self.kutta}")
