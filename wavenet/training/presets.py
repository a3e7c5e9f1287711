"""Length and step of a training; the presets themselves are defined with their networks, in `wavenet.networks`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Length and step of a training.

    epochs : largest number. batch : cases per batch, over all devices. rate : Adam's initial learning rate.
    patience : epochs without improvement before training stops. width : width of the network.
    physics : weight of the Helmholtz and compatibility residuals, for the U-net.
    samples : largest number of fields whose errors the constrained networks learn from.
    constraints : names of the network's constraints.
    """

    epochs: int
    batch: int
    rate: float
    patience: int
    width: int
    physics: float = 0.0
    samples: int = 0
    constraints: tuple[str, ...] = ()
