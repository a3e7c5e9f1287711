r"""Surrogate of jets of the high domain, in which jet modes lie beside or beyond the branch point `right`.

Closed forms and windows are those of `high`, inputs those of `high_inputs`; all else is as for `network`. It is trained
by `benchmarks/jet_high.py` on factors from the solver, of ducts without a hub.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from .high import ORDERS, HighSheets
from .high_inputs import COUNT, inputs
from .instability import instability
from .modes import Numbers
from .network import JetConfig, JetNetwork
from .sheet import Sheets


@dataclass(frozen=True)
class HighConfig(JetConfig):
    """As for `JetConfig`, without hubs."""

    degree: int = 20
    inputs: ClassVar[int] = COUNT

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.high[6] != 0 or not self.plain:
            raise ValueError(f"jets of the high domain are learned without hubs, got {self}")


class HighNetwork(JetNetwork):
    """`JetNetwork` of the high domain, M k / (1 - M^2) >= right - (right - left) / 4, without hubs."""

    kind: ClassVar[type[Sheets]] = HighSheets
    orders: ClassVar[int] = ORDERS

    def domain(self, sheets: Sheets) -> dict[str, Tensor]:
        """Jets that are not of the network's domain, (case,), and why they are refused."""
        return {"the jet is of the low domain: use the network jet": sheets.low}

    def pressure(
        self, m: Numbers, n: Numbers, helmholtz: Numbers, mach: Numbers, x: Numbers, r: Numbers, **outer: Numbers
    ) -> Tensor:
        """Not there: the factors beyond the branch points are continued without the near zeros."""
        raise ValueError("no pressures of jets of the high domain, only far fields and reflections: use the solver")

    def joined(self, *layers: nn.Module) -> nn.Sequential:
        """The layers in a row."""
        return nn.Sequential(*layers)

    @classmethod
    def unscaled(cls, parameters: Tensor) -> Tensor:
        """The `features` before they are scaled to mean 0 and spread 1."""
        found = torch.empty(len(parameters), COUNT, dtype=parameters.dtype, device=parameters.device)
        for order in torch.unique(parameters[:, 0]).tolist():
            mine = torch.nonzero(parameters[:, 0] == order)[:, 0]
            sheets = HighSheets(round(order), *parameters[mine, 1:].T[..., None])
            found = found.index_put((mine,), inputs(sheets, instability(sheets)[0]))
        return found

    def factors(self, sheets: Sheets, parameters: Tensor, s_0: Tensor) -> Tensor:
        """As `forward`, for jets of one azimuthal order with instabilities s_0 (case, 1)."""
        wide = sheets.double()  # far along the line recurrences overflow in single precision
        assert isinstance(wide, HighSheets)
        return self.coefficients(self.scaled(inputs(wide, s_0.to(torch.complex128))).to(self.precision))
