"""Adam in the eigenbasis of the gradients' covariances: smooth functions are learned in far fewer steps than by Adam.

N. Vyas et al., SOAP: improving and stabilizing Shampoo using Adam, arXiv:2409.11321 (2024), algorithm 3.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_DECAY = 0.95  # of the averages, as in the paper
_EVERY = 10  # steps between changes of the basis, as in the paper
_SMALL = 1e-12


class Soap(torch.optim.Optimizer):
    """For matrices and vectors; vectors keep their own basis, as in Adam.

    rate : float
        Learning rate.
    """

    def __init__(self, parameters: Iterable[Tensor], rate: float):
        super().__init__(parameters, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step along the gradients that the parameters have."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.sub_(self._direction(self.state[weight], weight.grad), alpha=group["lr"])

    def _direction(self, state: dict[str, Any], gradient: Tensor) -> Tensor:
        matrix = gradient.ndim == 2
        if not state:
            state.update(count=0, mean=torch.zeros_like(gradient), square=torch.zeros_like(gradient))
            if matrix:
                state["covariances"] = [gradient @ gradient.T, gradient.T @ gradient]
                state["bases"] = [torch.linalg.eigh(one)[1] for one in state["covariances"]]
        state["count"] += 1
        state["mean"].lerp_(gradient, 1 - _DECAY)
        turned, mean = gradient, state["mean"]
        if matrix:
            left, right = state["bases"]
            turned, mean = left.T @ gradient @ right, left.T @ mean @ right
        state["square"].mul_(_DECAY).addcmul_(turned, turned, value=1 - _DECAY)
        unbiased = 1 - _DECAY ** state["count"]
        direction: Tensor = mean / unbiased / ((state["square"] / unbiased).sqrt() + _SMALL)
        if matrix:
            direction = left @ direction @ right.T
            for one, new in zip(state["covariances"], (gradient @ gradient.T, gradient.T @ gradient), strict=True):
                one.lerp_(new, 1 - _DECAY)
            if state["count"] % _EVERY == 0:  # one round of orthogonal iteration
                pairs = zip(state["covariances"], state["bases"], strict=True)
                state["bases"] = [torch.linalg.qr(one @ basis)[0] for one, basis in pairs]
        return direction
