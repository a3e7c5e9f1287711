"""Grid and colours of a near field in pictures: fine enough for its waves, and clear of the ends of liners."""

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
_PERCENTILE = 99.5  # of the moduli that the colours reach: the lip's singularity does not take the scale
# Of the field over that at its source: beyond, the colours end at the last times that at its source. Waves that stand
# in the duct may have a node at the source, so that only exponential ones, or the extreme, count.
_GREATEST, _EXTREME, _CLIPPED = 10.0, 1000.0, 3.0


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


def colour_limit(x: FloatArray, values: FloatArray, mode: Mode) -> tuple[float, float | None]:
    """Modulus at which the colours end, and the largest in the field if that is much more, as of a growing wave.

    The field next to its source, where the incident amplitude is one, then takes a third of the scale.
    """
    modulus = np.abs(values)
    usual, largest = float(np.percentile(modulus, _PERCENTILE)), float(modulus.max())
    # Of the columns on both sides of the source: the field grows with one of them, and is singular at the lip.
    beside = np.argsort(np.abs(x - mode.front))[:2]
    source = min(float(np.percentile(modulus[column], _PERCENTILE)) for column in beside)
    if usual > (_GREATEST if mode.grows else _EXTREME) * source > 0:
        return _CLIPPED * source, largest
    return usual or 1.0, None
