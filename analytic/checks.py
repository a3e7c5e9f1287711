"""Checks of single inputs, each in one place; all raise a ValueError that names the value."""

import math

import numpy as np

from .arrays import FloatArray

_LARGEST_HUB = 0.95  # eigenvalues are pi / (1 - h), 63, apart there; the tests go no further


def check_orders(m: float, n: float) -> None:
    """Raise unless m and n are a duct mode's orders."""
    if m != int(m):
        raise ValueError(f"the azimuthal order m must be an integer, got m={m}")
    if n != int(n) or n < 0:
        raise ValueError(f"the radial order n must be an integer >= 0, got n={n}")


def check_tolerance(tolerance: float) -> None:
    """Raise unless a tolerance is positive."""
    if not tolerance > 0:  # NaN fails these comparisons, too
        raise ValueError(f"the tolerance must be positive, got {tolerance}")


def check_helmholtz(helmholtz: float) -> None:
    """Raise unless a Helmholtz number is positive and finite."""
    if not 0 < helmholtz < math.inf:
        raise ValueError(f"helmholtz must be a positive finite number, got helmholtz={helmholtz}")


def check_mach(mach: float) -> None:
    """Raise unless the flow is subsonic."""
    if not abs(mach) < 1:
        raise ValueError(f"the flow must be subsonic, |mach| < 1, got mach={mach}")


def check_hub(hub: float) -> None:
    """Raise unless the hub leaves a duct."""
    if not 0 <= hub <= _LARGEST_HUB:
        raise ValueError(f"the hub's radius must lie in [0, {_LARGEST_HUB}] duct radii, got hub={hub}")


def check_angles(theta: FloatArray) -> None:
    """Raise unless polar angles lie in [0, pi]."""
    if not np.all((theta >= 0) & (theta <= np.pi)):
        raise ValueError(f"theta must lie in [0, pi] rad, got {theta}")
