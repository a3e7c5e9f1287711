"""The surrogate of jets: both factors of the vortex sheet's kernel, around which all else is in closed form."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset, default_collate

from ..fields import Source, columns
from ..jets import learning
from ..jets.high_network import HighConfig, HighNetwork
from ..jets.inputs import NAMES
from ..jets.network import PARAMETERS, JetConfig, JetNetwork
from ..jets.optimizer import Soap
from ..training.presets import Preset
from . import Batch, Explained, Network, Steps

_HELD_OUT = 8  # every so many-th training case calibrates the error bars: some 100 of the low domain in each band
_WARM = 0.05  # share of the epochs in which the learning rate rises
_LAST = 1e-5  # of the learning rate, at the end


def _build(cases: Source, preset: Preset, edge: object = None) -> JetNetwork:
    return learning.untrained(columns(cases.columns, PARAMETERS, slice(None), torch.float64), preset.width)


def _samples(model: JetNetwork, cases: Dataset, count: int, seed: int) -> Dataset:
    """Jets of the low domain, in training those that do not calibrate the error bars; these set the linear part."""
    every: Any = cases
    training = seed == 0  # see `training.loop`
    used = [every[index] for index in range(len(every)) if not training or index % _HELD_OUT]
    with torch.no_grad():
        found = learning.samples(model, *default_collate(used))
    if training:
        learning.fit_linear(model, *found)
    return TensorDataset(*found)


def _loss(model: JetNetwork, batch: Batch) -> tuple[Tensor, Tensor]:
    found = learning.relative_error(model, *batch)
    return found, torch.ones_like(found)


def _optimizer(weights: Iterable[nn.Parameter], preset: Preset) -> tuple[Soap, torch.optim.lr_scheduler.LambdaLR]:
    """The learning rate rises linearly over the first epochs, and falls as a cosine."""
    optimizer = Soap(weights, preset.rate)
    warm = max(1, round(_WARM * preset.epochs))

    def share(epoch: int) -> float:
        if epoch < warm:
            return (epoch + 1) / (warm + 1)
        done = (epoch - warm) / max(1, preset.epochs - warm)
        return _LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * done))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def _calibrate(model: JetNetwork, batch: Batch) -> None:
    learning.calibrate(model, *batch)  # with too few jets `error_bar` says so


def _explain(model: JetNetwork, inputs: Batch) -> Explained:
    """The layers: what they add to ln |D| is nearly linear in their outputs, see `wavenet.study.jet_relevance`."""
    (parameters,) = inputs
    return Explained(model.features(parameters).to(model.precision), model.layers, NAMES)


NETWORK = Network(
    name="jet",
    task="jet_factor",
    module=JetNetwork,
    config=JetConfig,
    steps=Steps(
        build=_build,
        presets={"quick": Preset(60, 256, 3e-3, 60, 128), "standard": Preset(450, 512, 3e-3, 450, 192)},
        loss=_loss,
        samples=_samples,
        optimizer=_optimizer,
    ),
    explain=_explain,
    calibrate=_calibrate,
    held_out=_HELD_OUT,
    hubs=True,
    jets=True,
)


def _no_dataset(*given: object) -> HighNetwork:
    raise ValueError(
        "the network of the high domain is trained by benchmarks/jet_high.py: datasets have no such factors"
    )


# Found by `wavenet.runs.open_high` only: `wavenet train` trains on datasets.
HIGH = Network("jet_high", "jet_factor", HighNetwork, HighConfig, fit=_no_dataset, jets=True, outside=True)
