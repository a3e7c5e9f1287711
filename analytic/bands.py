"""Third-octave bands: the sound of incoherent modes with a flat spectrum in each band.

References
----------
IEC 61260-1:2014: exact mid-band frequencies 1000 G^(k/3) Hz with G = 10^0.3, band edges at G^(-1/6) and G^(1/6) of
them, and nominal frequencies.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import FloatArray
from .checks import check_angles, check_positive
from .errors import ConvergenceError
from .levels import decibels
from .multimode import MultiMode
from .physical import PhysicalDuct
from .solver import solve

_RATIO = 10**0.1  # of neighbouring mid-band frequencies, G^(1/3)
_NOMINAL = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)  # times a power of ten
_INTERVALS = 4  # of the trapezoidal rule at first: five frequencies
_REFINEMENTS = 5  # halvings of the intervals: 129 frequencies at the last
_QUIET = 1e-3  # mean square, over the band's largest, below which a level is not asked to converge: -30 dB


@dataclass(frozen=True)
class Band:
    """A third-octave band. nominal, lower, upper : its name and its edges [Hz]."""

    nominal: float
    lower: float
    upper: float


@dataclass(frozen=True)
class BandLevels:
    """Levels in bands, as returned by `third_octave_levels`.

    bands : the bands. angle : (angle,) physical angles [rad]. level : (band, angle) [dB re 20 uPa], -inf where nothing
    is radiated. error_estimate : (band,) largest error of the mean over the band, within 30 dB of its peak [dB].
    """

    bands: tuple[Band, ...]
    angle: FloatArray
    level: FloatArray
    error_estimate: FloatArray


def third_octave_bands(lowest: float, highest: float) -> list[Band]:
    """Third-octave bands whose nominal frequencies [Hz] lie between two frequencies, both included.

    Raises
    ------
    ValueError
        The frequencies are not positive and in order, or no band's nominal frequency lies between them.

    Examples
    --------
    >>> [band.nominal for band in third_octave_bands(500, 1000)]
    [500.0, 630.0, 800.0, 1000.0]
    """
    lowest, highest = check_positive(lowest, "lowest"), check_positive(highest, "highest")
    first, last = (math.floor(10 * math.log10(f)) for f in (lowest, highest))
    bands = []
    for index in range(first - 1, last + 3):
        decade, place = divmod(index, 10)
        nominal = float(f"{_NOMINAL[place]}e{decade}")  # correctly rounded, as a user writes it
        if lowest <= nominal <= highest:
            middle = _RATIO**index
            bands.append(Band(nominal, middle / math.sqrt(_RATIO), middle * math.sqrt(_RATIO)))
    if not bands:
        raise ValueError(f"no third-octave band has its nominal frequency in {lowest:g} ... {highest:g} Hz")
    return bands


# long: description of the parameters and errors of a main entry point
def third_octave_levels(
    sharing: Callable[[float, float, float], MultiMode],
    duct: PhysicalDuct,
    bands: Sequence[Band],
    angle: npt.ArrayLike,
    *,
    distance: float = 1.0,
    power: float = 1.0,
    medium: Any = None,
    tolerance: float = 0.1,
    progress: Callable[[int, int], None] | None = None,
) -> BandLevels:
    """Far-field sound pressure levels in bands, of all cut-on modes, mutually incoherent.

    In each band the incident power has a flat spectrum. The number of modes and so their shares change within the band.

    Parameters
    ----------
    sharing : callable (helmholtz, mach, hub) -> MultiMode
        How the power is shared among the modes: `MultiMode.equal_power` or `MultiMode.equal_energy_density`.
    duct : PhysicalDuct
    bands : sequence of Band
        From `third_octave_bands`.
    angle : (angle,) float array
        Physical angles in the (x, r) plane [rad], 0 downstream, in [0, pi].
    distance : float
        From the centre of the open end [m].
    power : float
        Incident sound power in each band [W].
    medium : object
        See `solve`.
    tolerance : float
        Largest error of a level from the mean over the band [dB].
    progress : callable, optional
        Called with the number of bands that are done, and that of all, from 0 on.

    Raises
    ------
    ValueError
        A parameter is outside its range, or too many modes are cut on at the highest frequency; before work begins.
    TypeError
        The bands are not from `third_octave_bands`.
    ConvergenceError
        The mean over a band misses the tolerance with 129 frequencies.
    """
    angle = np.atleast_1d(check_angles(angle))
    if not (isinstance(bands, Sequence) and all(isinstance(band, Band) for band in bands)):
        raise TypeError(f"bands must be from third_octave_bands, got {bands}")
    if angle.ndim != 1:
        raise ValueError(f"angles must be one-dimensional, got shape {angle.shape}")
    distance, power = check_positive(distance, "distance"), check_positive(power, "power")
    tolerance = check_positive(tolerance, "tolerance")

    def mean_square(frequency: float) -> FloatArray:  # [(20 uPa)^2]
        source = sharing(duct.helmholtz(frequency), duct.mach, duct.hub)
        solution = solve(source, medium=medium)
        level = solution.sound_pressure_level(angle, duct, distance=distance, power=power)
        return 10 ** (level / 10)

    if bands:
        sharing(duct.helmholtz(max(band.upper for band in bands)), duct.mach, duct.hub)  # too many modes are refused
    shown = progress or (lambda done, total: None)
    shown(0, len(bands))
    found = []
    for band in bands:
        found.append(_mean(mean_square, band, tolerance))
        shown(len(found), len(bands))
    level = np.array([decibels(np.sqrt(value)) for value, _ in found]).reshape(len(found), angle.size)
    return BandLevels(tuple(bands), angle, level, np.array([error for _, error in found]))


def _mean(function: Callable[[float], FloatArray], band: Band, tolerance: float) -> tuple[FloatArray, float]:
    """Mean of a function of the frequency over a band by the trapezoidal rule, and the change of its level [dB]."""
    values = [function(float(f)) for f in np.linspace(band.lower, band.upper, _INTERVALS + 1)]
    mean = _trapezoid(values)
    for refinement in range(1, _REFINEMENTS + 1):
        intervals = _INTERVALS * 2**refinement
        between = np.linspace(band.lower, band.upper, intervals + 1)[1::2]
        finer: list[FloatArray] = [values[0]]
        for f, value in zip(between, values[1:], strict=True):
            finer += [function(float(f)), value]
        values, coarse, mean = finer, mean, _trapezoid(finer)
        loud = mean > _QUIET * np.max(mean, initial=0.0)
        error = float(np.max(np.abs(10 * np.log10(mean[loud] / coarse[loud])), initial=0.0))
        if error <= tolerance:
            return mean, error
    raise ConvergenceError(
        f"the mean over the band of {band.nominal:g} Hz changes by {error:.1e} dB at {len(values)} frequencies, above "
        f"{tolerance:.1e} dB"
    )


def _trapezoid(values: Sequence[FloatArray]) -> FloatArray:
    inner = np.sum(values[1:-1], axis=0)
    return np.asarray((inner + (values[0] + values[-1]) / 2) / (len(values) - 1))
