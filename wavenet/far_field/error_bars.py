"""Error bars of the directivity, by split conformal prediction, and the modes that calibrate them.

The error of a new mode is at most the bar, with a probability of at least the coverage: of n calibration errors, in
ascending order, the bar is number ceil((n + 1) coverage). Each band of K has bars of its own.

A. N. Angelopoulos, S. Bates, A gentle introduction to conformal prediction, arXiv:2107.07511 (2021), section 1.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..arrays import FloatArray
from .closed_forms import eigenvalues

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)  # coverages
BANDS = 8  # bands of K, each with its own error bars
_FLOW = 0.6  # largest Mach number of the calibration modes, as in the recipes


class Range(Protocol):
    """Orders and range of K of a surrogate: those of `DirectivityConfig`."""

    @property
    def orders(self) -> tuple[int, ...]:
        """Azimuthal orders."""

    @property
    def low(self) -> float:
        """Smallest K."""

    @property
    def high(self) -> float:
        """Largest K."""


def level(coverage: float) -> int:
    """Index of a coverage in `LEVELS`; another one raises a ValueError."""
    if coverage not in LEVELS:
        raise ValueError(f"coverage must be one of {LEVELS}, got {coverage}")
    return LEVELS.index(coverage)


def band(config: Range, k: float) -> int:
    """Index of the band that contains K."""
    return int(np.clip(BANDS * (k - config.low) / (config.high - config.low), 0, BANDS - 1))


def bars(config: Range, k: FloatArray, errors: FloatArray) -> FloatArray:
    """Error bars (band, coverage) from errors of modes at K (case,).

    Raises
    ------
    ValueError
        Too few cases in a band of K for the highest coverage.
    """
    bands, found = np.array([band(config, number) for number in k]), np.empty((BANDS, len(LEVELS)))
    for row in range(BANDS):
        own = errors[bands == row]
        found[row] = conformal(own)
        if np.isnan(found[row, -1]):
            raise ValueError(f"{len(own)} cases in a band of K are too few for a coverage of {LEVELS[-1]}")
    return found


def conformal(errors: FloatArray) -> FloatArray:
    """Bars of all `LEVELS` from calibration errors (case,); NaN for a coverage that takes more of them."""
    own = np.sort(errors)
    ranks = [int(np.ceil((len(own) + 1) * level)) for level in LEVELS]
    return np.array([own[rank - 1] if rank <= len(own) else np.nan for rank in ranks])


def relative_error(found: npt.NDArray[np.complex128], exact: npt.NDArray[np.complex128]) -> FloatArray:
    """Relative L2 error over the angles."""
    return np.linalg.norm(found - exact, axis=-1) / np.linalg.norm(exact, axis=-1)


def random_modes(config: Range, count: int, rng: np.random.Generator) -> tuple[npt.NDArray, ...]:
    """m, n, ka, M (mode,) of random cut-on modes: K and M uniform, then m among cut-on orders, n among its modes."""
    zeros = {m: eigenvalues(m, config.high) for m in config.orders}
    found: list[tuple[int, int, float, float]] = []
    while len(found) < count:
        k, mach = rng.uniform(config.low, config.high), rng.uniform(-_FLOW, _FLOW)
        counts = {m: int(np.searchsorted(alpha, k)) for m, alpha in zeros.items()}
        good = [m for m, number in counts.items() if number]
        if good:
            m = int(rng.choice(good))
            found.append((m, int(rng.integers(0, counts[m])), k * np.sqrt(1 - mach**2), mach))
    return tuple(np.array(column) for column in zip(*found, strict=True))
