"""The paper's U-net: from the potential to the velocity, by default without constraints."""

from typing import Any

from ..derivatives.edge import EdgeFunctions
from ..derivatives.unet import CONSTRAINTS, UNet, UNetConfig
from ..fields import Source
from ..training.losses import velocity_loss, velocity_residuals
from ..training.presets import Preset
from . import Batch, Explained, Network, Steps, on_own_positions, part_scales, positions


def _build(cases: Source, preset: Preset, edge: EdgeFunctions | None = None) -> UNet:
    scales = part_scales(cases)
    x, r = positions(cases)
    config = UNetConfig(
        x,
        r,
        preset.width,
        potential_scale=scales["potential"],
        velocity_scale=scales["radial_velocity"],
        constraints=preset.constraints,
    )
    return UNet(config, edge)


def _explain(model: Any, inputs: Batch) -> Explained:
    potential, parameters = inputs
    return Explained(model.explained(potential, parameters)[0], model.core(parameters))


NETWORK = Network(
    name="unet",
    task="derivative",
    module=UNet,
    config=UNetConfig,
    steps=Steps(
        build=_build,
        presets={"quick": Preset(60, 8, 1e-3, 20, 8), "standard": Preset(200, 16, 5e-4, 25, 32)},
        loss=velocity_loss,
        residuals=velocity_residuals,
        prepare=UNet.prepare,
    ),
    place=on_own_positions,
    explain=_explain,
    uses_edge=True,
    constraints=CONSTRAINTS,
)
