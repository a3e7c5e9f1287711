"""Error bars of the jets' surrogate, by split conformal prediction in bands of the hub, m, K and M.

The error of a new mode is at most the bar, with a probability of at least the coverage, if it is drawn as those that
calibrated the bar: see `wavenet.far_field.error_bars`.
"""

import numpy as np

from ..arrays import FloatArray, IntArray
from ..far_field.error_bars import LEVELS, conformal

__all__ = ["BANDS", "LEVELS", "bands", "bars"]

_HIGH_ORDER, _FAST = 6, 0.35  # |m| and M above which another band begins: halves of the recipe's jets, about
_EDGES = 12.0, 17.0  # K, for low and for high orders, whose modes are cut on later
# |m| from which bands are by M alone, and its edge: errors are largest there, where waves across hardly leave the jet.
_HIGHEST_ORDERS, _FASTER = 14, 0.29
BANDS = 18


def bands(m: IntArray | FloatArray, helmholtz: FloatArray, mach: FloatArray, hub: FloatArray | float = 0.0) -> IntArray:
    """Band of every mode, (case,)."""
    high = np.abs(m) > _HIGH_ORDER
    k = helmholtz / np.sqrt(1 - mach**2)
    halves = np.asarray(hub) + 0 * k > 0, high, k > np.where(high, *_EDGES[::-1]), mach > _FAST
    found = np.ravel_multi_index(tuple(one.astype(int) for one in halves), (2,) * len(halves))
    last: IntArray = np.where(np.abs(m) >= _HIGHEST_ORDERS, BANDS - 2 + (mach > _FASTER), found)
    return last


def bars(band: IntArray, errors: FloatArray) -> FloatArray:
    """Error bars (band, coverage) from errors of modes in bands; NaN for a coverage that takes more modes."""
    return np.array([conformal(errors[band == row]) for row in range(BANDS)])
