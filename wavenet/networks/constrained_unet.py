"""The constrained U-net: derivatives weighted by errors that a U-net predicts from the field, on any grid."""

from typing import Any

from .. import derivatives
from ..arrays import FloatArray
from ..derivatives.constrained import ConstrainedNetwork
from ..derivatives.constrained_unet import CONSTRAINTS, DEFAULT, ConstrainedUNet, ConstrainedUNetConfig
from ..derivatives.edge import EdgeFunctions
from ..derivatives.share_learning import share_loss, share_samples
from ..fields import Source
from ..training.presets import Preset
from . import Batch, Explained, Network, Steps, positions


def _build(cases: Source, preset: Preset, edge: EdgeFunctions | None = None) -> ConstrainedUNet:
    x, r = positions(cases)
    base = derivatives.load().on_grid(x, r)
    if edge is not None:
        errors = base.error_model.state_dict()
        base = ConstrainedNetwork(base.config, edge)
        base.error_model.load_state_dict(errors)
    return ConstrainedUNet(ConstrainedUNetConfig(x, r, width=preset.width, constraints=preset.constraints), base)


def _place(model: Any, x: FloatArray, r: FloatArray) -> ConstrainedUNet:
    placed: ConstrainedUNet = model.on_grid(x, r)
    return placed


def _explain(model: Any, inputs: Batch) -> Explained:
    potential, parameters = inputs
    return Explained(model.explained(potential, parameters)[0], model.core(potential, parameters))


NETWORK = Network(
    name="constrained_unet",
    task="derivative",
    module=ConstrainedUNet,
    config=ConstrainedUNetConfig,
    steps=Steps(
        build=_build,
        presets={
            "quick": Preset(10, 8, 2e-3, 10, 8, samples=24, constraints=DEFAULT),
            "standard": Preset(4, 8, 1e-3, 4, 12, samples=260, constraints=DEFAULT),
        },
        loss=share_loss,
        samples=share_samples,
    ),
    place=_place,
    explain=_explain,
    uses_edge=True,
    constraints=CONSTRAINTS,
)
