"""Zeros and poles of many kernels: rows of arrays (sheet, point), filled with NaN where there are fewer."""

from dataclasses import dataclass

import numpy as np

from .arrays import ComplexArray, IntArray


@dataclass(frozen=True)
class Singularities:
    """Zeros and poles of kernels, rows (sheet, point) filled with NaN.

    pair : s_0, and s_0* if it is on the physical sheet. zeros, poles : two arrays each, of those below the line's
    causal place, which belong to K_plus, and of those above it, which belong to K_minus.
    """

    pair: ComplexArray
    zeros: tuple[ComplexArray, ComplexArray]
    poles: tuple[ComplexArray, ComplexArray]

    def take(self, sheets: IntArray) -> "Singularities":
        """Those of some of the sheets."""
        zeros, poles = ((down[sheets], up[sheets]) for down, up in (self.zeros, self.poles))
        return Singularities(self.pair[sheets], zeros, poles)


@dataclass(frozen=True)
class Ratio:
    """Product of (s - above) / (s - below): both (sheet, factor), the rows filled with NaN."""

    above: ComplexArray
    below: ComplexArray

    def __call__(self, s: ComplexArray) -> ComplexArray:
        value = np.ones(s.shape, complex)
        given = ~np.isnan(self.above)
        for number, (above, below) in enumerate(zip(self.above.T[..., None], self.below.T[..., None], strict=True)):
            live = np.flatnonzero(given[:, number])
            here = s[live]
            value[live] = value[live] * ((here - above[live]) / (here - below[live]))
        return value

    def take(self, sheets: IntArray) -> "Ratio":
        """Those of some of the sheets."""
        return Ratio(self.above[sheets], self.below[sheets])


def padded(values: ComplexArray, of: IntArray, count: int) -> ComplexArray:
    """Rows (sheet, value) of those of a list, filled with NaN; of : numbers of the sheets, ascending."""
    place = np.arange(len(of)) - np.searchsorted(of, of)
    rows: ComplexArray = np.full((count, int(np.max(place, initial=-1)) + 1), np.nan + 0j)
    rows[of, place] = values
    return rows
