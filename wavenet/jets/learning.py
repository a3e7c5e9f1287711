"""What the jets' network learns: values of the factors' smooth parts, as a dataset of the task stores them.

Jets that are held out calibrate the error bars, by one mode each. The directivities that these need come from
the same closed forms with all coefficients of the dataset, which are the solver's to 1e-7 and better.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from ..arrays import ComplexArray, FloatArray
from ..fields import columns
from .error_bars import bands, bars
from .instability import instability
from .layers import Layers
from .network import PARAMETERS, JetConfig, JetNetwork
from .sheet import Sheets
from .waves import Waves

_POINTS = 24  # of either window, at which errors count
ALL = _POINTS - 1  # degrees that follow from them
_LEAST = 2.0**-10  # of what the linear part leaves
_SMOOTH = 1e-4  # of the square of a relative error: the root is nearly linear above 0.01
_ARC = np.linspace(0, np.pi, 36)  # angles at which directivities are compared

Config = TypeVar("Config", bound=JetConfig)


def series(arrays: Mapping[str, Any], chosen: Any) -> tuple[Tensor, Tensor]:
    """Parameters (case, 7) of jets of a dataset, and Chebyshev series of ln(K / C) on its windows.

    The series are (case, factor, degree, 2): of K_minus, then of K_plus, real and imaginary parts.
    """
    to_series = np.linalg.inv(chebyshev.chebvander(arrays["node"], len(arrays["node"]) - 1))
    both = np.stack([arrays[name][chosen] for name in ("log_minus", "log_plus")], axis=1)
    return columns(arrays, PARAMETERS, chosen, torch.float64), torch.from_numpy(to_series @ both)


def values(parameters: Tensor, given: Tensor) -> Tensor:
    """Values to learn (case, factor, point, 2) from `series`, NaN for jets that are not of the low domain.

    They are ln(K / C) at Chebyshev nodes of the network's windows, less that at s_c, where the windows meet.
    """
    sheets = Sheets(0, *parameters[:, 1:].T[..., None])
    first, boundary, last = (one.numpy() for one in (sheets.first, sheets.boundary, sheets.last))
    # Windows of the dataset, whose ends have corners where one point overtakes another, see analytic.jet_windows.
    down, up = ((sheets.helmholtz / (1 + sign * sheets.mach)).numpy() for sign in (1, -1))
    outer = np.minimum(sheets.left.numpy(), -down), np.maximum(sheets.right.numpy(), up)
    every, found = torch.view_as_complex(given.contiguous()).numpy(), []
    for factor, ends, before, meeting in (
        (0, (first, boundary), (outer[0], boundary), 1.0),
        (1, (boundary, last), (boundary, outer[1]), -1.0),
    ):
        s = ends[0] + (ends[1] - ends[0]) * (window_points() + 1) / 2
        place = 2 * (s - before[0]) / (before[1] - before[0]) - 1
        own = every[:, factor]
        found.append(_evaluated(own, place) - _evaluated(own, np.full((len(own), 1), meeting)))
    both = np.stack(found, axis=1)
    both[~sheets.low[:, 0].numpy()] = complex(np.nan, np.nan)
    return torch.view_as_real(torch.from_numpy(both))


def cases(arrays: Mapping[str, Any], chosen: Any) -> tuple[Tensor, Tensor]:
    """Parameters (case, 7) of jets of a dataset, and their `values`."""
    parameters, given = series(arrays, chosen)
    return parameters, values(parameters, given)


def window_points() -> FloatArray:
    """Points of a window at which errors count, in -1 ... 1."""
    points: FloatArray = chebyshev.chebpts1(_POINTS)
    return points


def _evaluated(series: ComplexArray, place: FloatArray) -> ComplexArray:
    """Chebyshev series (case, degree) at (case, point)."""
    found: ComplexArray = np.stack([chebyshev.chebval(x, row) for x, row in zip(place, series, strict=True)])
    return found


@lru_cache(maxsize=8)
def basis(degree: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Chebyshev polynomials from degree 1 less their values where the windows meet, (factor, point, degree)."""
    table = chebyshev.chebvander(window_points(), degree)[:, 1:]
    return torch.from_numpy(np.stack([table - 1, table - (-1.0) ** np.arange(1, degree + 1)])).to(dtype)


def coefficients(learned: Tensor, degree: int) -> Tensor:
    """Chebyshev coefficients (case, factor, degree, 2) of `values`, as of the network, by least squares."""
    table = basis(degree)
    found = torch.stack(
        [torch.linalg.lstsq(table[side], learned[:, side].transpose(0, 1).flatten(1)).solution for side in (0, 1)]
    )
    return found.unflatten(2, (-1, 2)).permute(2, 0, 1, 3).contiguous()


def untrained(parameters: Tensor, width: int) -> JetNetwork:
    """Network for the parameters' ranges, inputs scaled to mean 0 and spread 1; initial weights as torch's own.

    Its weights are in single precision, in which it is trained.

    Raises
    ------
    ValueError
        No jet is of the low domain.
    """
    low_domain = Sheets(0, *parameters[:, 1:].T[..., None]).low[:, 0]
    if not bool(low_domain.any()):
        raise ValueError(f"none of {len(parameters)} jets is of the low domain")
    parameters = parameters[low_domain]
    return JetNetwork(configured(JetConfig, parameters, JetNetwork.unscaled(parameters), width)).float()


def configured(kind: type[Config], parameters: Tensor, features: Tensor, width: int) -> Config:
    """Configuration for the parameters' ranges, with inputs scaled to mean 0 and spread 1.

    parameters : (case, 7), as of the network. features : (case, input), before they are scaled.
    """
    ranged = parameters.clone()
    ranged[:, 5] *= parameters[:, 4] ** 2
    low, high = (one.tolist() for one in (ranged.amin(dim=0), ranged.amax(dim=0)))
    hubs = parameters[:, 6]
    plain = bool((hubs == 0).any())
    low[6] = hubs[hubs > 0].min().item() if bool((hubs > 0).any()) else 0.0
    spread = features.std(dim=0, correction=0).clamp(min=1e-6)  # a parameter may be fixed
    scales = tuple(features.mean(dim=0).tolist()), tuple(spread.tolist())
    return kind(tuple(low), tuple(high), *scales, width, plain=plain)


def samples(model: JetNetwork, parameters: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
    """What is learned of jets as `series` gives them, those of the low domain: features and values, single precision.

    Raises
    ------
    ValueError
        No jet is of the low domain.
    """
    learned = values(parameters, given)
    good = torch.isfinite(learned[:, 0, 0, 0])
    if not bool(good.any()):
        raise ValueError(f"none of {len(good)} jets is of the low domain")
    return model.features(parameters[good]).float(), learned[good].float()


def fit_linear(model: JetNetwork, features: Tensor, learned: Tensor) -> None:
    """The linear part of the network, from `samples`; the others begin with the size of what it leaves."""
    degree = model.config.degree
    wanted = coefficients(learned.double(), degree) / model.decay(torch.float64)
    layers = _layers(model)
    layers.fit(features, wanted.flatten(1))
    with torch.no_grad():
        left = square_error(model, features, learned).mean().sqrt()
    # a power of two, whatever the rounding; what jets fewer than the terms leave says nothing of others
    layers.size.copy_(2 ** torch.round(torch.log2(left.clamp(min=_LEAST))))


def relative_error(model: JetNetwork, features: Tensor, learned: Tensor) -> Tensor:
    """Root of `square_error` over what the linear part leaves, (case,): few jets with large errors do not rule it.

    Smooth at zero; and gradients stay far from the optimizer's rounding.
    """
    return torch.sqrt(square_error(model, features, learned) / _layers(model).size ** 2 + _SMOOTH)


def _layers(model: JetNetwork) -> Layers:
    assert isinstance(model.layers, Layers)
    return model.layers


def square_error(model: JetNetwork, features: Tensor, learned: Tensor) -> Tensor:
    """Mean square of the errors over the windows, (case,)."""
    table = basis(model.config.degree, features.dtype).to(features.device)
    found = torch.einsum("cfdq,fpd->cfpq", model.coefficients(features), table)
    return (found - learned).square().mean(dim=(1, 2, 3))


def calibrate(model: JetNetwork, parameters: Tensor, given: Tensor, seed: int = 0) -> None:
    """Error bars from a mode of each of some jets as `series` gives them; from now on in double precision."""
    model.double()
    learned = values(parameters, given)
    good = torch.isfinite(learned[:, 0, 0, 0])
    set_bars(model, parameters[good], learned[good], seed)


def set_bars(model: JetNetwork, parameters: Tensor, learned: Tensor, seed: int) -> None:
    """Error bars from a mode of each of some jets, with their `values`."""
    errors = mode_errors(model, parameters, learned, np.random.default_rng(seed))
    on = np.isfinite(errors)
    m, ka, mach, hub = (one.numpy()[on] for one in parameters[:, [0, 1, 2, 6]].T)
    model.bars.copy_(torch.from_numpy(bars(bands(m, ka, mach, hub), errors[on])))


@torch.no_grad()
def mode_errors(model: JetNetwork, parameters: Tensor, learned: Tensor, rng: np.random.Generator) -> FloatArray:
    """Relative L2 error over the arc of D of a random mode of each jet, (case,); NaN if none is cut on."""
    exact = coefficients(learned, ALL)
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
        for series_of in (exact[mine], model(parameters[mine])):
            minus, plus = torch.view_as_complex(series_of).unbind(dim=1)
            pair.append(Waves(sheets, s_0, minus, plus, n, torch.ones_like(sheets.mach)).directivity(theta))
        error = torch.linalg.norm(pair[1] - pair[0], dim=1) / torch.linalg.norm(pair[0], dim=1)
        errors[mine.numpy()] = torch.where(found[:, 0], error, torch.nan).numpy()
    return errors
