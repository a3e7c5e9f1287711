"""Error bars of the jets' surrogate, by split conformal prediction in bands of m, K and M.

The error of a new mode is at most the bar, with a probability of at least the coverage, if it is drawn as those that
calibrated the bar: of n errors in ascending order the bar is number ceil((n + 1) coverage).

A. N. Angelopoulos, S. Bates, A gentle introduction to conformal prediction, arXiv:2107.07511 (2021), section 1.
"""

import numpy as np

from ..arrays import FloatArray, IntArray

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)  # coverages
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
    found = np.full((BANDS, len(LEVELS)), np.nan)
    for row in range(BANDS):
        own = np.sort(errors[band == row])
        for column, level in enumerate(LEVELS):
            rank = int(np.ceil((len(own) + 1) * level))
            if rank <= len(own):
                found[row, column] = own[rank - 1]
    return found
