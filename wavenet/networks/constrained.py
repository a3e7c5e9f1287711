"""The constrained network: derivatives weighted by their predicted errors, on any grid."""

from typing import Any

from ..arrays import FloatArray
from ..derivatives.constrained import ConstrainedConfig, ConstrainedNetwork
from ..derivatives.edge import EdgeFunctions
from ..fields import Source
from ..training.error_samples import error_samples
from ..training.losses import error_likelihood
from ..training.presets import Preset
from . import Batch, Explained, Network, Steps, positions


def _build(cases: Source, preset: Preset, edge: EdgeFunctions | None = None) -> ConstrainedNetwork:
    return ConstrainedNetwork(ConstrainedConfig(*positions(cases), width=preset.width), edge)


def _place(model: Any, x: FloatArray, r: FloatArray) -> ConstrainedNetwork:
    placed: ConstrainedNetwork = model.on_grid(x, r)
    return placed


def _explain(model: Any, inputs: Batch) -> Explained:
    potential, parameters = inputs
    return Explained(model.explained(potential, parameters)[0], model.core(parameters))


NETWORK = Network(
    name="constrained",
    task="derivative",
    module=ConstrainedNetwork,
    config=ConstrainedConfig,
    steps=Steps(
        build=_build,
        presets={
            "quick": Preset(60, 2, 1e-2, 60, 32, samples=40),
            "standard": Preset(40, 4, 5e-3, 40, 32, samples=800),
        },
        loss=error_likelihood,
        samples=error_samples,
    ),
    place=_place,
    explain=_explain,
    uses_edge=True,
    default=True,
)
