"""How the high domain's network is trained: on both factors of jets, from the solver, at points of their windows."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from ..arrays import ComplexArray, FloatArray
from .high import HighSheets
from .high_network import HighNetwork
from .instability import instability
from .learning import set_bars, square_error, untrained
from .optimizer import Soap

POINTS = 32  # of either window
_HELD_OUT = 0.12  # of the jets: some 100 in most bands of the error bars
_WARM = 0.05  # share of the steps in which the learning rate rises


@dataclass(frozen=True)
class Effort:
    """Length of a training: epochs, cases a batch, largest learning rate, width of the network."""

    epochs: int = 60
    batch: int = 256
    rate: float = 3e-3
    width: int = 192


EFFORT = Effort()
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


def fit(parameters: Tensor, learned: Tensor, seed: int, effort: Effort = EFFORT) -> HighNetwork:
    """Network trained on `values`, with error bars; jets whose values are NaN are left out.

    Raises
    ------
    ValueError
        No jet is of the high domain, or none has values.
    """
    good = torch.isfinite(learned).flatten(1).all(dim=1)
    parameters, learned = parameters[good], learned[good]
    generator = torch.Generator().manual_seed(seed)
    held, train = torch.randperm(len(parameters), generator=generator).tensor_split(
        [max(1, round(_HELD_OUT * len(parameters)))]
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = untrained(parameters, effort.width, HighNetwork)
    assert isinstance(model, HighNetwork)
    with torch.no_grad():
        features, targets = model.features(parameters[train]).float(), learned[train].float()
    batch = min(effort.batch, len(features))
    optimizer, steps = Soap(model.parameters(), effort.rate), effort.epochs * (len(features) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, effort.rate, total_steps=steps, pct_start=_WARM, final_div_factor=1e3, cycle_momentum=False
    )
    for _ in range(effort.epochs):
        order = torch.randperm(len(features), generator=generator)
        for chosen in order[: len(order) // batch * batch].split(batch):
            optimizer.zero_grad()
            square_error(model, features[chosen], targets[chosen]).mean().backward()
            optimizer.step()
            schedule.step()
    model.eval()
    set_bars(model, parameters[held], learned[held], seed)
    return model


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
