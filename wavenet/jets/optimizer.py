"""Adam in the eigenbasis of the gradients' covariances: smooth functions are learned in far fewer steps than by Adam.

N. Vyas et al., SOAP: improving and stabilizing Shampoo using Adam, arXiv:2409.11321 (2024), algorithm 3; the average of
the gradients is kept in the basis, which saves two products a step.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_DECAY = 0.95  # of the averages, as in the paper
# Steps between updates of the covariances and changes of the basis. As often as in the paper, 1 and 10, they cost more
# than the gradients of a small network.
_COVARIANCES, _EVERY = 2, 20
_SMALL = 1e-12
_SIDES = "left", "right"  # of a matrix


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
            # tensors, not lists of them, which a checkpoint keeps by name; of "step" torch keeps the type
            state.update(step=torch.tensor(0), mean=torch.zeros_like(gradient), square=torch.zeros_like(gradient))
            if matrix:
                for side, one in zip(_SIDES, _covariances(gradient), strict=True):
                    state[f"{side}_covariance"], state[f"{side}_basis"] = one, torch.linalg.eigh(one)[1]
        state["step"] += 1
        turned = gradient
        if matrix:
            left, right = (state[f"{side}_basis"] for side in _SIDES)
            turned = left.T @ gradient @ right
        state["mean"].lerp_(turned, 1 - _DECAY)
        state["square"].mul_(_DECAY).addcmul_(turned, turned, value=1 - _DECAY)
        count = int(state["step"])
        unbiased = 1 - _DECAY**count
        direction: Tensor = state["mean"] / unbiased / ((state["square"] / unbiased).sqrt() + _SMALL)
        if matrix:
            direction = left @ direction @ right.T
            if count % _COVARIANCES == 0:
                for side, new in zip(_SIDES, _covariances(gradient), strict=True):
                    state[f"{side}_covariance"].lerp_(new, 1 - _DECAY**_COVARIANCES)
            if count % _EVERY == 0:
                _turn(state)
        return direction


def _turn(state: dict[str, Any]) -> None:
    """One round of orthogonal iteration for either basis; the average is turned with them."""
    bases = [state[f"{side}_basis"] for side in _SIDES]
    for side, basis in zip(_SIDES, bases, strict=True):
        state[f"{side}_basis"] = torch.linalg.qr(state[f"{side}_covariance"] @ basis)[0]
    left, right = (basis.T @ state[f"{side}_basis"] for side, basis in zip(_SIDES, bases, strict=True))
    state["mean"] = left.T @ state["mean"] @ right


def _covariances(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Of the rows and of the columns of a matrix."""
    return gradient @ gradient.T, gradient.T @ gradient
