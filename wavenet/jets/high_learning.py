"""What the high domain's network is trained on: both factors of jets, from the solver, at points of their windows."""

import numpy as np
import torch
from torch import Tensor

from ..arrays import ComplexArray, FloatArray
from .high import HighSheets
from .high_network import HighConfig, HighNetwork
from .instability import instability
from .learning import configured, set_bars, square_error, window_points
from .optimizer import Soap

EPOCHS, BATCH, RATE, WIDTH = 180, 256, 3e-3, 192
_HELD_OUT = 0.06  # of the jets: they calibrate the error bars
_WARM = 0.05  # share of the steps in which the learning rate rises
_LARGEST_PHASE_STEP = 1.2  # between neighbours [rad]; more, and the branch is not certain


def points(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
    """s of Chebyshev points of the windows of K_minus and K_plus, then s_c: (case, point + 1) each.

    parameters : (case, 7), as for the network.
    """
    sheets = HighSheets(0, *torch.from_numpy(parameters)[:, 1:].T[..., None])
    first, boundary, last = (one.numpy() for one in (sheets.first, sheets.boundary, sheets.last))
    place = (window_points() + 1) / 2
    windows = (first, boundary), (boundary, last)
    minus, plus = (np.concatenate([low + (high - low) * place, boundary], axis=1) for low, high in windows)
    return minus, plus


@torch.no_grad()
def values(parameters: FloatArray, minus: ComplexArray, plus: ComplexArray) -> Tensor:
    """ln(K / C) at the windows' points less that at s_c, (case, factor, point, 2), from the factors at `points`.

    NaN where a phase jumps: a zero of the factor was not found.
    """
    found = torch.full((len(parameters), 2, len(window_points()), 2), torch.nan, dtype=torch.float64)
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


def fit(parameters: Tensor, learned: Tensor, seed: int, *, epochs: int = EPOCHS, width: int = WIDTH) -> HighNetwork:
    """Network trained on `values`, with error bars from jets that are held out; jets whose values are NaN are left out.

    Raises
    ------
    ValueError
        No jet is left.
    """
    good = torch.isfinite(learned).flatten(1).all(dim=1)
    if not bool(good.any()):
        raise ValueError(f"none of {len(good)} jets has values to learn")
    parameters, learned = parameters[good], learned[good]
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(parameters), generator=generator)
    held, train = order.tensor_split([max(1, round(_HELD_OUT * len(order)))])
    with torch.no_grad():
        found = HighNetwork.unscaled(parameters)
    model = HighNetwork(configured(HighConfig, parameters, found, width))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for layer in model.layers:
            if isinstance(layer, torch.nn.Linear):
                layer.reset_parameters()
    _train(model, model.scaled(found[train]).float(), learned[train].float(), epochs, generator)
    calibrate(model, parameters[held], learned[held], seed)
    return model


def _train(model: HighNetwork, features: Tensor, learned: Tensor, epochs: int, generator: torch.Generator) -> None:
    """Minimise the mean square of the errors over the windows, in single precision."""
    model.float().train()
    batch = min(BATCH, len(features))
    optimizer = Soap(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        RATE,
        total_steps=epochs * (len(features) // batch),
        pct_start=_WARM,
        final_div_factor=1e3,
        cycle_momentum=False,
    )
    for _ in range(epochs):
        order = torch.randperm(len(features), generator=generator)
        for chosen in order[: len(order) // batch * batch].split(batch):
            loss = square_error(model, features[chosen], learned[chosen]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.double().eval()


def calibrate(model: HighNetwork, parameters: Tensor, learned: Tensor, seed: int) -> None:
    """Error bars from a mode of each of some jets, those of the high domain."""
    own = ~HighSheets(0, *parameters[:, 1:].T[..., None]).low[:, 0]
    set_bars(model, parameters[own], learned[own], seed)
