"""Error bars of the jets' surrogate, by split conformal prediction in bands of m, K and M.

The error of a new mode is at most the bar, with a probability of at least the coverage, if it is drawn as those that
calibrated the bar: see `wavenet.far_field.error_bars`.
"""

import numpy as np

from ..arrays import FloatArray, IntArray
from ..far_field.error_bars import LEVELS, conformal

__all__ = ["BANDS", "LEVELS", "bands", "bars"]

_EDGES = (6,), (12.0,), (0.35,)  # of m, K and M, between bands: halves of the recipe's jets, about
BANDS = 8


def bands(m: IntArray | FloatArray, helmholtz: FloatArray, mach: FloatArray) -> IntArray:
    """Band of every mode, (case,)."""
    k = helmholtz / np.sqrt(1 - mach**2)
    places = [np.searchsorted(edges, one) for edges, one in zip(_EDGES, (np.abs(m), k, mach), strict=True)]
    found: IntArray = np.ravel_multi_index(tuple(places), tuple(len(edges) + 1 for edges in _EDGES))
    return found


def bars(band: IntArray, errors: FloatArray) -> FloatArray:
    """Error bars (band, coverage) from errors of modes in bands; NaN for a coverage that takes more modes."""
    return np.array([conformal(errors[band == row]) for row in range(BANDS)])
