"""How weights are changed by their gradients, where a network does not choose for itself."""

from collections.abc import Iterable

from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR

from .presets import Preset


def adam(weights: Iterable[nn.Parameter], preset: Preset) -> tuple[Adam, CosineAnnealingLR]:
    """Adam, with a learning rate that decays to a hundredth of its initial value."""
    optimizer = Adam(weights, lr=preset.rate)
    return optimizer, CosineAnnealingLR(optimizer, preset.epochs, preset.rate / 100)
