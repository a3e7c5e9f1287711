"""Methods: the rules that RAP and layer-wise relevance propagation (LRP) have for layers, additions and sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..arithmetic import Operation, over, per_case
from ..layers import Map
from .interior import by_contribution
from .plain import proportionally, to_signed_summands, to_summands
from .step import Shares, Step
from .weights import (
    AnyMap,
    absolute_influence,
    away,
    by_weight,
    influence,
    positive_parts,
    received,
    z_b,
)

SPLITS = ("contribution", "weight", "reference")
INPUT_RULES = ("interior", "zB")
# Keeps quotients finite where an output is zero; negligible beside outputs of order one.
_EPSILON = 1e-9


class Scheme(Protocol):
    """The rules of a method for layers with weights and for additions."""

    def weighted(self, layer: AnyMap, x: Tensor, y: Tensor, R: Tensor, selector: Tensor | None, first: bool) -> Tensor:
        """R_i of the inputs x of a layer with outputs y.

        selector : given for an output layer, else None; first : whether no weights precede the layer
        """
        ...

    def interior(self, layer: AnyMap, x: Tensor, y: Tensor, R: Tensor) -> Tensor:
        """R_i of the inputs x of a linear map inside the network."""
        ...

    def added(self, op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
        """R_i of the summands of an addition."""
        ...

    def averaged(self, step: Step) -> Shares:
        """R_i of the summands of a sum with fixed weights that are not negative, such as a pool."""
        ...


@dataclass(frozen=True)
class RelativeAttributing:
    """The rules of RAP, see the package."""

    split: str = "contribution"
    input_rule: str = "interior"

    def __post_init__(self) -> None:
        expect_one_of("split", self.split, SPLITS)
        expect_one_of("input_rule", self.input_rule, INPUT_RULES)

    def weighted(self, layer: AnyMap, x: Tensor, y: Tensor, R: Tensor, selector: Tensor | None, first: bool) -> Tensor:
        """R_i of a layer with weights, see `Scheme`."""
        if selector is not None:
            return absolute_influence(layer, x, selector, per_case(R))
        if self.input_rule == "zB" and first:
            return z_b(layer, x, R)
        return self.interior(layer, x, y, R)

    def interior(self, layer: AnyMap, x: Tensor, y: Tensor, R: Tensor) -> Tensor:
        """R_i of a linear map inside the network."""
        if self.split == "contribution":
            return by_contribution(layer, x, y, R)
        return by_weight(layer, x, R, reference=self.split == "reference" and layer.axes > 0)

    def added(self, op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
        """R_i of the summands of an addition."""
        return to_summands(op, inputs, output, R)

    def averaged(self, step: Step) -> Shares:
        """The interior rule, as for the depthwise convolution that does the same."""
        (x,) = step.inputs
        one = torch.ones((), dtype=x.dtype, device=x.device)
        layer = Map(lambda x, w: step.op(x) * w, one, step.one_case)
        return (self.interior(layer, x, step.output, step.R),)


@dataclass(frozen=True)
class Epsilon:
    """LRP-epsilon: R_i = sum_j z_ij / (y_j + eps sign(y_j)) R_j, y with its bias, whose share of relevance is lost.

    S. Bach et al., On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance propagation,
    PLoS ONE 10 (2015).
    """

    epsilon: float = _EPSILON

    def __post_init__(self) -> None:
        if not self.epsilon >= 0:
            raise ValueError(f"epsilon must not be negative, got {self.epsilon}")

    def weighted(self, layer: AnyMap, x: Tensor, y: Tensor, R: Tensor, selector: Tensor | None, first: bool) -> Tensor:
        """R_i of a layer with weights, see `Scheme`."""
        return self.interior(layer, x, y, R)

    def interior(self, layer: AnyMap, x: Tensor, y: Tensor, R: Tensor) -> Tensor:
        """R_i of a linear map inside the network."""
        return x * layer.back(over(R, away(y, self.epsilon)), layer.weight, x.shape)

    def added(self, op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
        """R_i of the summands of an addition."""
        return to_signed_summands(op, inputs, output, R, self.epsilon)

    def averaged(self, step: Step) -> Shares:
        """R_i in proportion to the contributions."""
        return proportionally(step)


@dataclass(frozen=True)
class AlphaBeta:
    """LRP-alpha-beta: R_i = sum_j (alpha A_ij ⊘ P_j - beta B_ij ⊘ N_j) R_j, alpha - beta = 1, without biases.

    A, B are the positive parts of z and of -z, P and N their sums. Additions follow the epsilon rule.
    """

    alpha: float = 2.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        if not (self.alpha >= 1 and abs(self.alpha - self.beta - 1) < 1e-12):
            raise ValueError(f"expected alpha >= 1 and alpha - beta = 1, got {self.alpha} and {self.beta}")

    def weighted(self, layer: AnyMap, x: Tensor, y: Tensor, R: Tensor, selector: Tensor | None, first: bool) -> Tensor:
        """R_i of a layer with weights, see `Scheme`."""
        return self.interior(layer, x, y, R)

    def interior(self, layer: AnyMap, x: Tensor, y: Tensor, R: Tensor) -> Tensor:
        """R_i of a linear map inside the network."""
        A, B = positive_parts(x, layer.weight), positive_parts(x, -layer.weight)
        to_positive = over(self.alpha * R, influence(layer, A))
        to_negative = over(-self.beta * R, influence(layer, B))
        return received(layer, A, to_positive) + received(layer, B, to_negative)

    def added(self, op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
        """R_i of the summands of an addition."""
        return to_signed_summands(op, inputs, output, R, _EPSILON)

    def averaged(self, step: Step) -> Shares:
        """R_i in proportion to the contributions."""
        return proportionally(step)


def expect_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is not among the known ones."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
