"""The plain feed-forward network, for one array of microphones."""

from typing import Any

import numpy as np

from ..fields import Source
from ..forward.feed_forward import FEATURES, INPUTS, ForwardConfig, ForwardModel
from ..training.losses import pressure_loss
from ..training.presets import Preset
from . import Batch, Explained, Network, Steps, on_own_positions, part_scales, positions


def _build(cases: Source, preset: Preset, edge: object = None) -> ForwardModel:
    low, high = (tuple(float(f(cases.columns[key])) for key in INPUTS) for f in (np.min, np.max))
    scale = part_scales(cases)["pressure"]
    return ForwardModel(ForwardConfig(*positions(cases), low, high, scale, preset.width))


def _explain(model: Any, inputs: Batch) -> Explained:
    return Explained(model.features(*inputs), model.core, FEATURES)


NETWORK = Network(
    name="mlp",
    task="forward",
    module=ForwardModel,
    config=ForwardConfig,
    steps=Steps(
        build=_build,
        presets={"quick": Preset(400, 64, 2e-3, 80, 256), "standard": Preset(600, 256, 1e-3, 60, 512)},
        loss=pressure_loss,
    ),
    place=on_own_positions,
    explain=_explain,
)
