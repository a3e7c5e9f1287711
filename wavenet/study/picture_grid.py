"""Grid on which the page draws a near field: fine enough for its waves, and clear of the ends of liners."""

import math

import numpy as np

from data.grids import cell_centres
from wavenet.arrays import FloatArray

from .controls import Mode, shortest_waves

CELLS = 32  # a radius, of the networks' grid, which the picture has unless its waves are too short
START, END, TOP = -2.0, 2.0, 2.0  # of the picture [radii]
ENOUGH = 6  # points a wavelength: the colours at the crests are then within 15 % of the wave's amplitude
_MOST = 1024, 256  # columns and rows: more than the picture has pixels
_CELLS = 2**17  # largest number of both together: half a megabyte
_FEWEST = 2.5  # points a wavelength: with fewer the picture shows waves that are not there
_UPSTREAM = 0.5  # of hard wall that is shown in front of a liner [radii]
BESIDE = {False: 0.03, True: 0.06}  # of a liner's end, where modes do not converge, without and with flow [radii]


def picture_grid(mode: Mode, instability: complex = 0j) -> tuple[FloatArray, FloatArray, float, int]:
    """x and r of the picture, its points per shortest wavelength, and how many columns are left out.

    instability : axial wavenumber of a jet's wave that grows in the field, if there is one.

    Raises
    ------
    ValueError
        The waves are too short for a picture.
    """
    start = picture_start(mode)
    waves = shortest_waves(mode, instability)
    wanted = [math.ceil(ENOUGH / (CELLS * wave)) for wave in waves]  # times as many cells as the networks' grid
    columns = min(max(wanted[0], 1) * round((END - start) * CELLS), _MOST[0])
    rows = min(max(wanted[1], 1) * round(TOP * CELLS), _MOST[1])
    if columns * rows > _CELLS:
        columns = _CELLS // rows
    x, r = cell_centres(start, END, columns), cell_centres(0.0, TOP, rows)
    points = min(waves[0] / (x[1] - x[0]), waves[1] / (r[1] - r[0]))
    if points < _FEWEST:
        raise ValueError(
            f"the shortest waves in the field, of {min(waves):.2g} radii, are too short for a picture: it would have "
            f"{points:.1f} points in each"
        )
    clear = np.ones(columns, dtype=bool)
    for end in liner_ends(mode):
        clear &= np.abs(x - end) > BESIDE[mode.source.mach != 0]
    return x[clear], r[r > mode.source.hub], float(points), int(np.sum(~clear))


def picture_start(mode: Mode) -> float:
    """x where the picture begins [radii]."""
    return min(START, math.floor(2 * (mode.front - _UPSTREAM)) / 2)


def liner_ends(mode: Mode) -> list[float]:
    """Where hard and lined walls meet [radii]."""
    ends, place = [], 0.0
    for liner in reversed(mode.liners):
        ends += [place - liner.distance, place - liner.distance - liner.length]
        place = ends[-1]
    return [end for end in ends if math.isfinite(end)]
