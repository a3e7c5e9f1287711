"""Positions that the solver's near fields reach, for every case that a source may draw; checked before work begins."""

import math

import numpy as np

from .arrays import FloatArray
from .source import Source


def check_positions(section: str, source: Source, x: FloatArray, r: FloatArray, *, grid: bool) -> None:
    """Refuse positions at the lip, in the hub, or too far away.

    Parameters
    ----------
    section : str
        The recipe's table that holds the positions.
    source : Source
    x, r : float arrays
    grid : bool
        Whether these are the axes of a grid, or points of any one shape.

    Raises
    ------
    ValueError
        Some case has no field at some position; the message names the table and the value.
    """
    from analytic.near_field import CLOSEST, FARTHEST

    bounds = source.bounds
    hub = bounds["hub"][1]
    if np.min(r) < hub:
        raise ValueError(
            f"[{section}] has the radius r = {np.min(r):.6g} inside the hub, whose radius is up to {hub:g}"
        )
    nearest = float(np.min(np.hypot(*((np.min(np.abs(x)), np.min(np.abs(r - 1))) if grid else (x, r - 1)))))
    if nearest < CLOSEST:
        raise ValueError(f"[{section}] has a point {nearest:.1e} from the lip, where the velocity is singular")
    # Of the fluid outside: Helmholtz number over beta, and lengths in x over beta.
    if source.jet:
        largest, fastest = bounds["helmholtz"][1] / bounds["sound_speed_ratio"][0], bounds["mach_outer"][1]
    else:
        largest, fastest = bounds["helmholtz"][1], max(map(abs, bounds["mach"]))
    beta = math.sqrt((1 - fastest) * (1 + fastest))
    extent = max(float(np.max(np.abs(x))) / beta, float(np.max(r)) - 1)
    if not extent * largest / beta < FARTHEST:
        raise ValueError(
            f"[{section}] reaches {extent * beta:.3g} radii from the lip; near fields reach "
            f"{FARTHEST * beta**2 / largest:.3g} at helmholtz = {bounds['helmholtz'][1]:g}"
        )
