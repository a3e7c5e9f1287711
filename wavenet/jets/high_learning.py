"""What the high domain's network is trained on: both factors of jets, from the solver, at points of their windows."""

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from ..arrays import ComplexArray, FloatArray
from .high import HighSheets
from .instability import instability
from .learning import Effort

POINTS = 32  # of either window
EFFORT = Effort(epochs=60)
_LARGEST_PHASE_STEP = 1.2  # between neighbours [rad]; more, and the branch is not certain


def points(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
    """s of Chebyshev points of the windows of K_minus and K_plus, then s_c: (case, POINTS + 1) each.

    parameters : (case, 7), as for the network.
    """
    sheets = HighSheets(0, *torch.from_numpy(parameters)[:, 1:].T[..., None])
    first, boundary, last = (one.numpy() for one in (sheets.first, sheets.boundary, sheets.last))
    place = (chebyshev.chebpts1(POINTS) + 1) / 2
    windows = (first, boundary), (boundary, last)
    minus, plus = (np.concatenate([low + (high - low) * place, boundary], axis=1) for low, high in windows)
    return minus, plus


@torch.no_grad()
def values(parameters: FloatArray, minus: ComplexArray, plus: ComplexArray) -> Tensor:
    """ln(K / C) at the windows' points less that at s_c, (case, factor, point, 2), from the factors at `points`.

    NaN where a phase jumps: a zero of the factor was not found.
    """
    found = torch.full((len(parameters), 2, POINTS, 2), torch.nan, dtype=torch.float64)
    given = torch.from_numpy(parameters)
    s_minus, s_plus = (torch.from_numpy(one) for one in points(parameters))
    for order in torch.unique(given[:, 0]).tolist():
        mine = torch.nonzero(given[:, 0] == order)[:, 0]
        sheets = HighSheets(int(order), *given[mine, 1:].T[..., None])
        s_0, _ = instability(sheets)
        none = torch.full((len(mine), 1), -1)
        left = sheets.closed_minus(s_minus[mine], sheets.modes(-1))
        right = sheets.closed_plus(s_plus[mine], sheets.modes(1), s_0, none)
        both = [torch.from_numpy(one)[mine] for one in (minus, plus)]
        # from s_c on, which lies right of the first window and left of the second
        ratios = (both[0] / left).flip(1), both[1].roll(1, 1) / right.roll(1, 1)
        ways = _logarithm(ratios[0]).flip(1)[:, :-1], _logarithm(ratios[1])[:, 1:]
        found[mine] = torch.view_as_real(torch.stack(ways, dim=1))
    return found


def _logarithm(ratio: Tensor) -> Tensor:
    """Continuous logarithm along points, 0 at the first; NaN where it is not certain."""
    steps = torch.log(ratio[:, 1:] / ratio[:, :-1])
    sure = (steps.imag.abs() < _LARGEST_PHASE_STEP).all(dim=1, keepdim=True)
    found = torch.nn.functional.pad(torch.cumsum(steps, dim=1), (1, 0))
    return torch.where(sure, found, complex(torch.nan, torch.nan))
