"""Points at which fields are observed."""

import numpy as np

from .arrays import FloatArray


def cell_centres(start: float, end: float, cells: int) -> FloatArray:
    """Centres of equal cells between start and end.

    >>> cell_centres(0.0, 2.0, 4).tolist()
    [0.25, 0.75, 1.25, 1.75]
    """
    return start + (np.arange(cells, dtype=np.float64) + 0.5) * ((end - start) / cells)
