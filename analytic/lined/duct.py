"""The hard-walled duct between liners and its open end: what does not depend on the liners' impedances."""

import math

import numpy as np

from ..arrays import ComplexArray, FloatArray
from ..media.uniform import UniformTransform
from ..mode_tail import tail_rule
from ..section import Section
from ..solution import Solution
from ..source import ModeMixture

_DECAY = 40.0  # exponent of decay of the first mode left out over the shortest length: e^-40 = 4e-18
_MOST = 400  # modes: below a length of _DECAY / (400 pi) = 0.03 the error grows, at 0.003 it reaches 1e-6
_SPARE = 2  # modes at least that decay
_FEWER = 0.75  # of the decaying modes, for the error estimate
_SMOOTH = 3.0  # alpha of the first mode of a tail over ka and m, from where on amplitudes are smooth over a panel
# Radial order of the first mode of a tail over the number of lined modes: kernels have poles 1 / (sigma_l - kappa_n).
_LISTED = 2.5


class HardModes:
    """The first modes of the hard-walled duct, and a few that stand for all others where the sums need them.

    Parameters
    ----------
    section : Section
    k : float
    count : int
        Number of the first modes.
    tail : bool
        Whether others follow, see `mode_tail`.

    Attributes
    ----------
    section, k, count
    q : complex
        0, as of a `LinedSection`.
    alpha : (mode,) float array
    norm : (mode,) float array
        Over the weight, so that amplitudes of a tail are those of all modes it stands for.
    kappa : (mode,) complex array
    fewer : (mode,) float array
        Weight in a coarser rule over that in `norm`, 0 for modes that it leaves out.
    """

    def __init__(self, section: Section, k: float, count: int, *, tail: bool = False) -> None:
        self.section, self.k, self.count, self.q = section, k, count, 0j
        self.alpha: FloatArray = section.eigenvalues(count)
        self.norm: FloatArray = section.norm(self.alpha)
        self.fewer: FloatArray = np.ones(count)
        if tail:
            orders, weight, coarse = tail_rule(count)
            alpha = section.far_eigenvalues(orders)
            self.alpha = np.concatenate([self.alpha, alpha])
            self.norm = np.concatenate([self.norm, section.norm(alpha) / weight])
            self.fewer = np.concatenate([self.fewer, coarse / weight])
        self.kappa: ComplexArray = np.sqrt((k - self.alpha) * (k + self.alpha) + 0j)

    def radial(self, r: FloatArray) -> ComplexArray:
        """The first modes and their r-derivative at r: (2, r, mode)."""
        return np.array(self.section.modes(self.alpha[: self.count], r), dtype=complex)


class LinedDuct:
    """Hard modes, as many as a length asks for, and their reflection at the open end.

    Parameters
    ----------
    m, helmholtz, hub
        As of a `DuctMode`; m >= 0.
    shortest : float
        Length along which the modes that are left out decay by e^40, if there are not more than 400 of them.
    least : int
        Number of radial orders in the sources.
    tail : bool
        Whether there are liners without a hard wall behind them.
    tolerance : float
        For the open end.

    Attributes
    ----------
    hard : HardModes
    open_end : Solution
        Of all hard modes at once.
    lip : (mode, mode) complex array
        Reflection at the open end.
    lined : int
        Number of lined modes that decay along that length.
    fewer : (mode,) float array
        As of `HardModes`: 0 for modes left out for the error estimate.
    """

    def __init__(
        self, m: int, helmholtz: float, hub: float, *, shortest: float, least: int, tail: bool, tolerance: float
    ) -> None:
        section = Section(m, hub)
        count, cut_on = _count(section, helmholtz, shortest, least)
        self.lined = count
        if tail:
            smooth = _SMOOTH * (helmholtz + section.m) * (1 - hub) / math.pi
            count = max(math.ceil(_LISTED * count), math.ceil(smooth))
        self.hard = hard = HardModes(section, helmholtz, count, tail=tail)
        self.fewer = hard.fewer.copy()
        if not tail:
            self.fewer[max(cut_on + _SPARE, least, cut_on + int(_FEWER * (count - cut_on))) :] = 0
        every = ModeMixture(m, np.ones(len(hard.alpha)), helmholtz, 0.0, hub)
        self.open_end = Solution(UniformTransform.of_modes(every, hard.alpha, hard.norm, count), tolerance)
        self.lip: ComplexArray = self.open_end.reflection_matrix

    def at_open_end(self, lip: ComplexArray, m: int) -> Solution:
        """Solution for amplitudes of all modes at the lip."""
        hard = self.hard
        return self.open_end.incident(ModeMixture(m, lip, hard.k, 0.0, float(hard.section.hub)))


def _count(section: Section, k: float, shortest: float, least: int) -> tuple[int, int]:
    """Number of hard modes, and of those cut on."""
    wanted = math.hypot(k, _DECAY / shortest)
    table = section.eigenvalues(min(int(wanted * (1 - section.hub) / math.pi) + 3, int(k / math.pi) + 3 + _MOST))
    cut_on = int(np.count_nonzero(table < k))
    count = max(min(int(np.count_nonzero(table < wanted)), cut_on + _MOST), cut_on + 2 * _SPARE, least + _SPARE)
    return count, cut_on
