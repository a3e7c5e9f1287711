"""The layers of the low domain's network beside a linear map of their inputs, fitted before they are trained."""

import torch
from torch import Tensor, nn

_RIDGE = 1e-6  # of the mean squares of the terms, which have spread 1: less than what the layers leave
_GRID = 2.0**-16  # of the map: rounding of the solution, which depends on where arrays lie in memory, is far below


class Layers(nn.Sequential):
    """A linear map of terms, and `size` times the layers. The terms are the inputs and products of some of them.

    The split of the kernel's logarithm into those of its factors is linear in its values on a line, and depends on the
    windows' lengths: products are those of all inputs in `first` with all in `second`.
    """

    matrix: Tensor
    offset: Tensor
    size: Tensor

    def __init__(self, *layers: nn.Module, inputs: int, outputs: int, first: slice, second: slice):
        super().__init__(*layers)
        self._first, self._second = first, second
        terms = inputs + len(range(inputs)[first]) * len(range(inputs)[second])
        self.register_buffer("matrix", torch.zeros(outputs, terms, dtype=torch.float64))
        self.register_buffer("offset", torch.zeros(outputs, dtype=torch.float64))
        self.register_buffer("size", torch.ones((), dtype=torch.float64))

    def terms(self, seen: Tensor) -> Tensor:
        """Inputs (case, input) and their products: (case, term)."""
        some = seen[:, self._first]
        products = [some * seen[:, index : index + 1] for index in range(seen.shape[1])[self._second]]
        return torch.cat([seen, *products], dim=1)

    def forward(self, seen: Tensor) -> Tensor:
        """Outputs (case, output) of inputs (case, input)."""
        rest = super().forward(seen)
        return nn.functional.linear(self.terms(seen), self.matrix, self.offset) + self.size * rest

    @torch.no_grad()
    def fit(self, seen: Tensor, wanted: Tensor) -> None:
        """The linear map by least squares, from outputs that are wanted of cases; alone, as `size` becomes zero."""
        terms, wanted = self.terms(seen.double()), wanted.double()
        table = torch.cat([torch.ones_like(terms[:, :1]), terms], dim=1)
        square = table.T @ table + _RIDGE * len(table) * torch.eye(table.shape[1]).to(table)
        found = torch.linalg.solve(square, table.T @ wanted)
        found = torch.round(found / _GRID) * _GRID
        self.matrix.copy_(found[1:].T)
        self.offset.copy_(found[0])
        self.size.zero_()
