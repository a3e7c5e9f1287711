"""Length and step of a training; the presets themselves stand with their networks, in `wavenet.networks`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Length and step of a training.

    epochs, batch (of all devices together), rate (Adam's, at the start), patience (epochs without improvement after
    which it stops), width (of the network).
    physics : weight of the Helmholtz and compatibility residuals, for the U-net.
    samples : fields, at most, whose errors the constrained network learns from.
    """

    epochs: int
    batch: int
    rate: float
    patience: int
    width: int
    physics: float = 0.0
    samples: int = 0
