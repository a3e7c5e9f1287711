r"""Jets of the high domain, M_1 k / beta_1^2 >= right - (right - left) / 4: other windows, and near zeros taken out.

The windows meet at s_c = right - (right - left) / 5, wherever the duct's modes are. The closed forms have 18 radial
orders, and C_plus the zeros of K_plus near its window, found by Newton's method (`near_zeros`), in place of guesses.
"""

from functools import cached_property

import torch
from torch import Tensor

from .near_zeros import near_zeros, weights
from .sheet import Modes, Sheets

ORDERS = 18  # of the closed forms: all that are cut on up to K = 46, and a few beyond
_END = 0.2  # distance of s_c to the right branch point, in that of both


class HighSheets(Sheets):
    """Jets of the high domain, without hubs."""

    @property
    def orders(self) -> int:
        """Radial orders in the closed forms."""
        return ORDERS

    @property
    def boundary(self) -> Tensor:
        """s_c, where the window of K_minus ends and that of K_plus begins."""
        return self.right - _END * (self.right - self.left)

    @cached_property
    def _downstream(self) -> Modes:
        guess, duct = self.guesses(1), self.waves(1)
        weight, end = weights(self, guess)
        near = near_zeros(self)
        zeros = torch.cat([guess + weight * (end - guess), near.zeros], dim=1)
        return Modes(zeros, torch.cat([duct, near.partners], dim=1))

    def modes(self, direction: int) -> Modes:
        """Zeros and poles of the closed form of the waves along +1 or -1; near zeros take the place of guesses."""
        return self._downstream if direction > 0 else super().modes(direction)
