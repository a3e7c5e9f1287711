"""The Fourier neural operator of neuraloperator, from the potential to the velocity, for comparison.

References
----------
Z. Li et al., Fourier neural operator for parametric partial differential equations, ICLR (2021).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

_LAYERS = 4
_SIZES = (10.0, 25.0, 1.0)  # of m, ka and M: the ends of the recipe's ranges, so that channels are of size one


@dataclass(frozen=True)
class FourierConfig:
    """Positions of the cells, hidden channels and Fourier modes along x and r, scales of the data.

    velocity_scale, potential_scale : root mean square of a real part over the training cases.
    """

    x: tuple[float, ...]
    r: tuple[float, ...]
    hidden: int = 16
    modes: tuple[int, int] = (24, 24)
    potential_scale: float = 1.0
    velocity_scale: float = 1.0


class FourierOperator(nn.Module):
    """Four Fourier layers from psi, m, ka and M, and the position, to u and v. Single precision.

    Raises
    ------
    ValueError
        The package neuraloperator is not installed.
    """

    def __init__(self, config: FourierConfig):
        super().__init__()
        self.config = config
        self.operator = _operator()(
            tuple(config.modes), in_channels=5, out_channels=4, hidden_channels=config.hidden, n_layers=_LAYERS
        )

    def forward(self, potential: Tensor, parameters: Tensor) -> Tensor:
        """Velocity (case, 4, x, r) of a potential (case, 2, x, r) and parameters (case, 3)."""
        given = (parameters / potential.new_tensor(_SIZES))[:, :, None, None].expand(-1, -1, *potential.shape[2:])
        seen = torch.cat([potential / self.config.potential_scale, given], dim=1).float()
        out: Tensor = self.operator(seen) * self.config.velocity_scale
        return out

    def state_dict(self, *arguments: Any, **options: Any) -> Any:
        """Tensors only: the operator adds its own configuration."""
        state = super().state_dict(*arguments, **options)
        for key in [key for key, value in state.items() if not isinstance(value, Tensor)]:
            del state[key]
        return state

    @property
    def resolution(self) -> float:
        """Size of the errors that training works on, in units of the potential's."""
        return self.config.velocity_scale / self.config.potential_scale


def _operator() -> Any:
    """neuraloperator's class, imported when it is needed."""
    try:
        from neuralop.models import FNO
    except ImportError:
        raise ValueError("the network fno needs neuraloperator: pip install 'wavenet[fno]'") from None
    return FNO
