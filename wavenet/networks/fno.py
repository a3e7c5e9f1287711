"""A Fourier neural operator, for comparison with the networks here; needs neuraloperator, the extra `fno`."""

from typing import Any

from ..derivatives.fourier import FourierConfig, FourierOperator
from ..fields import Source
from ..training.losses import velocity_loss
from ..training.presets import Preset
from . import Batch, Explained, Network, Steps, on_own_positions, part_scales, positions

_MODES = 24  # along each axis, if there are as many cells


def _build(cases: Source, preset: Preset, edge: object = None) -> FourierOperator:
    scales = part_scales(cases)
    x, r = positions(cases)
    modes = min(_MODES, len(x)), min(_MODES, len(r))
    return FourierOperator(
        FourierConfig(x, r, preset.width, modes, float(scales["potential"]), float(scales["radial_velocity"]))
    )


def _explain(model: Any, inputs: Batch) -> Explained:
    """The whole network, with the parameters of the case."""
    from ..outside import AtParameters

    potential, parameters = inputs
    return Explained(potential.float(), AtParameters(model, parameters.float()).eval())


NETWORK = Network(
    name="fno",
    task="derivative",
    module=FourierOperator,
    config=FourierConfig,
    steps=Steps(
        build=_build,
        # The standard one is that of the comparison with other methods in docs/derivatives.md.
        presets={"quick": Preset(20, 8, 2e-3, 20, 16), "standard": Preset(18, 8, 1e-3, 18, 16)},
        loss=velocity_loss,
    ),
    place=on_own_positions,
    explain=_explain,
)
