"""Velocities by fits of exact solutions, each in its cells: around the lip, at the grid's ends, in the whole grid."""

from typing import NamedTuple

import numpy as np
from torch import Tensor, nn
from torch.nn.functional import pad

from ..arrays import BoolArray, ComplexArray, FloatArray
from .differences import fixed_layer
from .exact_fits import Fit, Stretched, end_fits, lip_fit
from .joint_waves import JointWaves

METHODS = ("lip waves", "end waves", "joint waves")
JOINED = 3e-6  # noise above which waves are fitted to the whole grid: their truncation is about as large
_ALLOWED = 1.5  # misfit over the noise, up to which a fit is one of the field
_KEPT = 12  # fits of cases kept between calls


class Found(NamedTuple):
    """What fits say of a field; methods are in the order of `METHODS`.

    velocity : (method, 4, x, r), real and imaginary part of u and of v. known : (method, x, r), where there is any.
    misfit : (method, x, r), of psi. excess : (method, x, r), by how much the root mean square of a fit's misfit exceeds
    that of noise, over that of psi: a sign that the field is not one of this k and M, or not without sources.
    """

    velocity: FloatArray
    known: BoolArray
    misfit: FloatArray
    excess: FloatArray


class ExactMethods:
    """Fits on one grid; x, r : (n,) cell centres [radii]."""

    def __init__(self, x: FloatArray, r: FloatArray) -> None:
        self._x, self._r = x, r
        self._around = bool(x[0] < 0 < x[-1] and r[0] < 1 < r[-1])
        self._cases: dict[tuple[int, float, float], list[tuple[int, Fit]]] = {}

    def fits(self, case: Stretched) -> list[tuple[int, Fit]]:
        """Fits to parts of the grid, each with the place of its method; those of the last cases are kept."""
        key = case[:3]
        if key not in self._cases:
            if len(self._cases) >= _KEPT:
                self._cases.pop(next(iter(self._cases)))
            around = lip_fit(case, self._r)
            found = [] if around is None else [(0, around)]
            self._cases[key] = found + [(1, fit) for fit in end_fits(case, self._x, self._r)]
        return self._cases[key]

    def apply(self, psi: ComplexArray, case: Stretched, noise: float) -> Found:
        """Velocities of a potential (x, r); noise : its root mean square over that of the potential."""
        size = float(np.sqrt(np.mean(np.abs(psi) ** 2))) or 1.0
        velocity, known = np.zeros((3, 2, *psi.shape), complex), np.zeros((3, *psi.shape), bool)
        misfit, excess = np.zeros((2, 3, *psi.shape))
        for place, fit in self.fits(case):
            found, missed = fit.apply(psi, noise)
            velocity[(place, slice(None), *fit.used)] += found
            known[(place, *fit.used)] |= fit.known
            misfit[(place, *fit.seen)] = np.maximum(misfit[(place, *fit.seen)], missed)
            level = np.sqrt(np.sum(missed**2) / fit.freedom) / size
            excess[(place, *fit.used)] += fit.known * _beyond(level, noise)
        if noise >= JOINED and self._around:
            velocity[2], left = JointWaves(case, self._x, self._r).apply(psi, noise)
            known[2], misfit[2] = True, np.abs(left)
            excess[2] = _beyond(np.sqrt(np.mean(misfit[2] ** 2)) / size, noise)
        parts = np.stack([velocity.real, velocity.imag], axis=2).reshape(3, 4, *psi.shape)
        return Found(parts, known, misfit, excess)


class FitMap(nn.Module):
    """A fit as two linear layers with fixed weights: (case, 2, x, r) -> (case, 4, x, r), zero where it is not used."""

    def __init__(self, fit: Fit, noise: float, grid: tuple[int, int]):
        super().__init__()
        given, found = fit.damping(noise)[:, None] * fit.analysis, fit.synthesis.reshape(2, -1, fit.synthesis.shape[1])
        found = found * fit.known.ravel()[None, :, None]
        rows = [np.block([[part.real, -part.imag], [part.imag, part.real]]) for part in (given, *found)]
        self.analysis, self.synthesis = fixed_layer(rows[0]), fixed_layer(np.concatenate(rows[1:]))
        self._window, self._shape = fit.seen, fit.known.shape
        i, j = fit.used
        self._pad = (j.start, grid[1] - j.stop, i.start, grid[0] - i.stop)

    def forward(self, psi: Tensor) -> Tensor:
        i, j = self._window
        cells = self.synthesis(self.analysis(psi[:, :, i, j].double().flatten(1)))
        return pad(cells.reshape(len(psi), 4, *self._shape), self._pad)


def _beyond(level: float, noise: float) -> float:
    return float(np.sqrt(max(level**2 - (_ALLOWED * noise) ** 2, 0.0)))
