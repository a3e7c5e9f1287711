"""The feed-forward network: from duct mode, ka, M and hub to the pressure at any microphones."""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset, default_collate

from ..arrays import FloatArray
from ..fields import Source
from ..forward.radiated import FEATURES, RadiatedConfig, RadiatedPressure, samples
from ..forward.waves import responses
from ..training.presets import Preset
from . import Batch, Explained, Network, Steps, positions

_HELD_OUT = 10  # every so many-th training case calibrates the error bars: 400 of 36,000 in each band of K
_ROUNDING = 1e-6  # relative error below which the loss is flat: that of targets in single precision


def _build(cases: Source, preset: Preset, edge: object = None) -> RadiatedPressure:
    columns = cases.columns
    k = columns["helmholtz"] / np.sqrt(1 - columns["mach"] ** 2)
    ranges = np.abs(columns["m"]), k, columns["hub"]
    low, high = (tuple(float(f(values)) for values in ranges) for f in (np.min, np.max))
    return RadiatedPressure(RadiatedConfig(*positions(cases), low, high, width=preset.width))


def _samples(model: RadiatedPressure, cases: Dataset, count: int, seed: int) -> Dataset:
    every: Any = cases
    training = seed == 0  # see `training.loop`
    used = [every[index] for index in range(len(every)) if not training or index % _HELD_OUT]
    with torch.no_grad():
        return TensorDataset(*samples(model, *default_collate(used)))


def _loss(model: RadiatedPressure, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Relative error of the pressure over the microphones; squared, a few cases next to cut-on would count most."""
    features, own, matrix, target = batch
    found = model.coefficients(features)
    size = (own * found[:, model.config.terms :]).sum(dim=1, keepdim=True)
    miss = size * (matrix @ found[..., None])[..., 0] - target
    values = torch.sqrt(torch.view_as_real(miss).square().flatten(1).sum(dim=1) + _ROUNDING**2)
    return values, torch.ones_like(values)


def _calibrate(model: RadiatedPressure, batch: Batch) -> None:
    model.calibrate(*batch)  # with too few cases `error_bar` says so


def _place(model: RadiatedPressure, x: FloatArray, r: FloatArray) -> nn.Module:
    return model.at(x, r)


def _explain(model: RadiatedPressure, inputs: Batch) -> Explained:
    """The core and the linear map from its coefficients to the microphones, up to the mode's own complex factor."""
    modes = model.modes(*inputs)
    matrix = responses(modes, model.factor, *model.places(modes.k))[0] * model.scale.chunk(2)[0]
    waves = nn.Linear(2 * matrix.shape[1], 2 * len(matrix), bias=False, dtype=torch.float64)
    rows = torch.cat([matrix, 1j * matrix], dim=1)  # of real, then of imaginary parts of coefficients
    waves.weight = nn.Parameter(torch.view_as_real(rows).transpose(1, 2).flatten(0, 1), requires_grad=False)
    core = nn.Sequential(*model.core, waves.to(model.scale.dtype))
    return Explained(model.features(modes), core.eval(), FEATURES)


NETWORK = Network(
    name="feedforward",
    task="forward",
    module=RadiatedPressure,
    config=RadiatedConfig,
    steps=Steps(
        build=_build,
        presets={"quick": Preset(200, 64, 1e-2, 200, 64), "standard": Preset(150, 256, 5e-3, 150, 192)},
        loss=_loss,
        samples=_samples,
    ),
    place=_place,
    explain=_explain,
    calibrate=_calibrate,
    held_out=_HELD_OUT,
    default=True,
    hubs=True,
)
