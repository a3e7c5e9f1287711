"""Checks of what is asked for, each in one place."""

import math

_LARGEST_HUB = 0.95


def check_orders(m, n):
    """Raise unless m and n are a duct mode's orders."""
    if m != int(m):
        raise ValueError(f"the azimuthal order m must be an integer, got m={m}")
    if n != int(n) or n < 0:
        raise ValueError(f"the radial order n must be an integer >= 0, got n={n}")


def check_tolerance(tolerance):
    """Raise unless a tolerance is positive."""
    if not tolerance > 0:
        raise ValueError(f"the tolerance must be positive, got {tolerance}")


def check_mach(mach):
    """Raise unless the flow is subsonic."""
    if not abs(mach) < 1:  # NaN fails the comparison, too
        raise ValueError(f"the flow must be subsonic, |mach| < 1, got mach={mach}")


def check_hub(hub):
    """Raise unless the hub leaves a duct."""
    if not 0 <= hub <= _LARGEST_HUB:
        raise ValueError(f"the hub's radius must lie in [0, {_LARGEST_HUB}] duct radii, got hub={hub}")


def check_helmholtz(helmholtz: float) -> None:
    if not 0 < helmholtz < math.inf:
        raise ValueError(f"helmholtz must be a positive finite number, got helmholtz={helmholtz}")
