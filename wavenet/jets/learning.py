"""How the jets' network is trained: on values of the factors' smooth parts, as a dataset of the task stores them.

A part of the jets is held out; one mode of each calibrates the error bars. The directivities that these need come from
the same closed forms with all coefficients of the dataset, which are the solver's to 1e-7 and better.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from ..arrays import ComplexArray, FloatArray
from ..fields import columns
from .error_bars import bands, bars
from .instability import instability
from .network import PARAMETERS, JetNetwork
from .optimizer import Soap
from .sheet import Sheets
from .waves import Waves

_POINTS = 24  # of either window, at which errors count and from which all coefficients follow
_HELD_OUT = 0.12  # of the jets: some 100 in each band of the error bars
_ARC = np.linspace(0, np.pi, 36)  # angles at which directivities are compared
_WARM = 0.05  # share of the steps in which the learning rate rises


@dataclass(frozen=True)
class Effort:
    """Length of a training: epochs, cases a batch, largest learning rate, width of the network."""

    epochs: int = 1400
    batch: int = 256
    rate: float = 3e-3
    width: int = 192


def cases(arrays: Mapping[str, Any], chosen: Any) -> tuple[Tensor, Tensor]:
    """Parameters (case, 7) and values to learn (case, factor, point, 2), NaN for jets that are not of the low domain.

    The values are ln(K / C) at Chebyshev nodes of the network's windows, less that at s_c, where the windows meet.
    """
    parameters = columns(arrays, PARAMETERS, chosen, torch.float64)
    sheets = Sheets(0, *parameters[:, 1:].T[..., None])
    first, boundary, last = (one.numpy() for one in (sheets.first, sheets.boundary, sheets.last))
    # Windows of the dataset, whose ends have corners where one point overtakes another, see analytic.jet_windows.
    down, up = ((sheets.helmholtz / (1 + sign * sheets.mach)).numpy() for sign in (1, -1))
    given = np.minimum(sheets.left.numpy(), -down), np.maximum(sheets.right.numpy(), up)
    nodes, found = arrays["node"], []
    to_series = np.linalg.inv(chebyshev.chebvander(nodes, len(nodes) - 1))
    for name, ends, before, meeting in (
        ("minus", (first, boundary), (given[0], boundary), 1.0),
        ("plus", (boundary, last), (boundary, given[1]), -1.0),
    ):
        series = np.asarray(arrays[f"log_{name}"][chosen]) @ np.array([1, 1j]) @ to_series.T
        s = ends[0] + (ends[1] - ends[0]) * (window_points() + 1) / 2
        place = 2 * (s - before[0]) / (before[1] - before[0]) - 1
        found.append(_evaluated(series, place) - _evaluated(series, np.full((len(series), 1), meeting)))
    both = np.stack(found, axis=1)
    both[~sheets.low[:, 0].numpy()] = complex(np.nan, np.nan)
    return parameters, torch.view_as_real(torch.from_numpy(both))


def window_points() -> FloatArray:
    """Points of a window at which errors count, in -1 ... 1."""
    points: FloatArray = chebyshev.chebpts1(_POINTS)
    return points


def _evaluated(series: ComplexArray, place: FloatArray) -> ComplexArray:
    """Chebyshev series (case, degree) at (case, point)."""
    found: ComplexArray = np.stack([chebyshev.chebval(x, row) for x, row in zip(place, series, strict=True)])
    return found


def basis(degree: int, points: int = _POINTS) -> Tensor:
    """Chebyshev polynomials from degree 1 less their values where the windows meet, (factor, point, degree)."""
    table = chebyshev.chebvander(chebyshev.chebpts1(points), degree)[:, 1:]
    return torch.from_numpy(np.stack([table - 1, table - (-1.0) ** np.arange(1, degree + 1)]))


def fit(
    parameters: Tensor, values: Tensor, seed: int, effort: Effort = Effort(), network: type[JetNetwork] = JetNetwork
) -> JetNetwork:
    """Network of a domain trained on `cases`, with error bars; jets whose values are NaN are left out.

    Raises
    ------
    ValueError
        No jet is of the network's domain.
    """
    low = torch.isfinite(values).flatten(1).all(dim=1)
    if not bool(low.any()):
        raise ValueError(f"none of {len(low)} jets is of the network's domain")
    parameters, values = parameters[low], values[low]
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(parameters), generator=generator)
    held, train = order.tensor_split([max(1, round(_HELD_OUT * len(order)))])
    model = _untrained(network, parameters, effort.width, generator)
    _train(model, parameters[train], values[train], effort, generator)
    m, ka, mach, hub = (one.numpy() for one in parameters[held][:, [0, 1, 2, 6]].T)
    errors = mode_errors(model, parameters[held], values[held], np.random.default_rng(seed))
    on = np.isfinite(errors)
    model.bars.copy_(torch.from_numpy(bars(bands(m, ka, mach, hub)[on], errors[on])))
    return model


def _untrained(network: type[JetNetwork], parameters: Tensor, width: int, generator: torch.Generator) -> JetNetwork:
    """Network for the parameters' ranges, inputs scaled to mean 0 and spread 1; initial weights as torch's own."""
    ranged = parameters.clone()
    ranged[:, 5] *= parameters[:, 4] ** 2
    low, high = (one.tolist() for one in (ranged.amin(dim=0), ranged.amax(dim=0)))
    hubs = parameters[:, 6]
    plain = bool((hubs == 0).any())
    low[6] = hubs[hubs > 0].min().item() if bool((hubs > 0).any()) else 0.0
    with torch.no_grad():
        features = network.unscaled(parameters)
    spread = features.std(dim=0, correction=0).clamp(min=1e-6)  # a parameter may be fixed
    scales = tuple(features.mean(dim=0).tolist()), tuple(spread.tolist())
    model, columns_in = network(network.settings(tuple(low), tuple(high), *scales, width, plain=plain)), 1
    with torch.no_grad():
        for weight in model.parameters():
            columns_in = weight.shape[1] if weight.ndim == 2 else columns_in
            weight.uniform_(-(columns_in**-0.5), columns_in**-0.5, generator=generator)
    return model


def _train(model: JetNetwork, parameters: Tensor, values: Tensor, effort: Effort, generator: torch.Generator) -> None:
    """Minimise the mean square of the errors over the windows, in single precision."""
    with torch.no_grad():
        features, targets = model.features(parameters).float(), values.float()
    table = basis(model.config.degree, values.shape[2]).float()
    model.float().train()
    batch = min(effort.batch, len(features))
    steps = effort.epochs * (len(features) // batch)
    optimizer = Soap(model.parameters(), effort.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, effort.rate, total_steps=steps, pct_start=_WARM, final_div_factor=1e3, cycle_momentum=False
    )
    for _ in range(effort.epochs):
        order = torch.randperm(len(features), generator=generator)
        for chosen in order[: len(order) // batch * batch].split(batch):
            found = torch.einsum("cfdq,fpd->cfpq", model.coefficients(features[chosen]), table)
            loss = (found - targets[chosen]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.double().eval()


@torch.no_grad()
def mode_errors(model: JetNetwork, parameters: Tensor, values: Tensor, rng: np.random.Generator) -> FloatArray:
    """Relative L2 error over the arc of D of a random mode of each jet, (case,); NaN if none is cut on."""
    table = basis(values.shape[2] - 1, values.shape[2])
    exact = torch.stack(
        [torch.linalg.lstsq(table[factor], values[:, factor].transpose(0, 1).flatten(1)).solution for factor in (0, 1)]
    ).unflatten(2, (-1, 2))  # (factor, degree, case, 2)
    exact = exact.permute(2, 0, 1, 3).contiguous()
    errors, theta = np.full(len(parameters), np.nan), torch.from_numpy(_ARC)[None]
    for order in torch.unique(parameters[:, 0]).tolist():
        mine = torch.nonzero(parameters[:, 0] == order)[:, 0]
        sheets = model.kind(int(order), *parameters[mine, 1:].T[..., None])
        counts = (sheets.duct.alpha[:, : model.orders] < sheets.helmholtz / torch.sqrt(sheets.beta2)).sum(dim=1)
        mine, sheets, counts = mine[counts > 0], sheets.take(counts > 0), counts[counts > 0]
        if not len(mine):
            continue
        n = torch.from_numpy(rng.integers(0, counts.numpy()))[:, None]
        s_0, found = instability(sheets)
        pair = []
        for coefficients in (exact[mine], model(parameters[mine])):
            minus, plus = torch.view_as_complex(coefficients).unbind(dim=1)
            pair.append(Waves(sheets, s_0, minus, plus, n, torch.ones_like(sheets.mach)).directivity(theta))
        error = torch.linalg.norm(pair[1] - pair[0], dim=1) / torch.linalg.norm(pair[0], dim=1)
        errors[mine.numpy()] = torch.where(found[:, 0], error, torch.nan).numpy()
    return errors
