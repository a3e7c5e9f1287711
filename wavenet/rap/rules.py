"""The rules: relevance R_i of a layer's inputs from relevance R_j of its outputs.

First come the rules for layers with weights, with contributions z_ij = x_i w_ij, for RAP and for layer-wise relevance
propagation (LRP); then those for operations without weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, Protocol

import torch
from torch import Tensor

from .arithmetic import Operation, like, over, per_case, pull_back
from .layers import Layer

Pairs = list[tuple[Tensor, Tensor]]  # (x, w), for a sum of layer(x, w)

SPLITS = ("contribution", "weight", "reference")
INPUT_RULES = ("interior", "zB")
# Keeps quotients finite where an output is zero; negligible beside outputs of order one.
_EPSILON = 1e-9
# Roundings of the sum of moduli below which a pool's sum counts as cancelled: more than summation itself makes.
_CANCELLED = 8


class Scheme(Protocol):
    """The rules of a method for layers with weights and for additions."""

    def weighted(self, layer: Layer, x: Tensor, y: Tensor, R: Tensor, selector: Tensor | None, first: bool) -> Tensor:
        """R_i of the inputs x of a layer with outputs y.

        selector : given for an output layer, else None; first : whether no weights precede the layer
        """
        ...

    def added(self, op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
        """R_i of the summands of an addition."""
        ...


@dataclass(frozen=True)
class RelativeAttributing:
    """The rules of RAP, see the package."""

    split: str = "contribution"
    input_rule: str = "interior"

    def __post_init__(self) -> None:
        expect_one_of("split", self.split, SPLITS)
        expect_one_of("input_rule", self.input_rule, INPUT_RULES)

    def weighted(self, layer: Layer, x: Tensor, y: Tensor, R: Tensor, selector: Tensor | None, first: bool) -> Tensor:
        """R_i of a layer with weights, see `Scheme`."""
        if selector is not None:
            return absolute_influence(layer, x, selector, per_case(R))
        if self.input_rule == "zB" and first:
            return z_b(layer, x, R)
        if self.split == "contribution":
            return by_contribution(layer, x, R)
        return by_weight(layer, x, R, reference=self.split == "reference" and layer.axes > 0)

    def added(self, op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
        """R_i of the summands of an addition."""
        return to_summands(op, inputs, output, R)


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

    def weighted(self, layer: Layer, x: Tensor, y: Tensor, R: Tensor, selector: Tensor | None, first: bool) -> Tensor:
        """R_i of a layer with weights, see `Scheme`."""
        return x * layer.back(over(R, _away(y, self.epsilon)), layer.weight, x.shape)

    def added(self, op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
        """R_i of the summands of an addition."""
        return to_signed_summands(op, inputs, output, R, self.epsilon)


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

    def weighted(self, layer: Layer, x: Tensor, y: Tensor, R: Tensor, selector: Tensor | None, first: bool) -> Tensor:
        """R_i of a layer with weights, see `Scheme`."""
        A, B = positive_parts(x, layer.weight), positive_parts(x, -layer.weight)
        to_positive = over(self.alpha * R, influence(layer, A))
        to_negative = over(-self.beta * R, influence(layer, B))
        return received(layer, A, to_positive) + received(layer, B, to_negative)

    def added(self, op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
        """R_i of the summands of an addition."""
        return to_signed_summands(op, inputs, output, R, _EPSILON)


# ---------------------------------------------------------------------------------------------------------------------
# layers with weights


def positive_parts(x: Tensor, w: Tensor) -> Pairs:
    """Positive contributions, as pairs (x, w) of one sign each; with -w in place of w, the negative ones."""
    pairs = [(x.clamp(min=0), w.clamp(min=0))]
    return [*pairs, (x.clamp(max=0), w.clamp(max=0))] if (x < 0).any() else pairs


def influence(layer: Layer, pairs: Pairs) -> Tensor:
    """Influence on each output, P_j or N_j: the sum of its contributions."""
    return sum((layer(x, w) for x, w in pairs), layer.weight.new_zeros(()))


def received(layer: Layer, pairs: Pairs, R: Tensor) -> Tensor:
    """Relevance received by each input, sum_j A_ij R_j."""
    return sum((x * layer.back(R, w, x.shape) for x, w in pairs), R.new_zeros(()))


def absolute_influence(layer: Layer, x: Tensor, selector: Tensor, total: Tensor) -> Tensor:
    """R_i = |C_i| R_tot ⊘ sum |C|, with C_i = sum_j z_ij c_j."""
    part, c, seen, place = layer.around(selector, x)
    C = _placed(x, place, (seen * part.back(c, layer.weight, seen.shape)).abs())
    return C * like(over(total, per_case(C)), x)


def relative_influence(layer: Layer, positive: Pairs, negative: Pairs, R: Tensor, *, reference: bool) -> Tensor:
    """C_i = sum_j A_ij ⊘ P_j R_j + B_ij ⊘ (P_j + N_j) R_j, for parts A and B given as pairs (x, w) with x w >= 0.

    With `reference`, as in the authors' convolutions, B ⊘ N takes the place of A ⊘ P where R_j < 0.
    """
    P, N = influence(layer, positive), influence(layer, negative)
    to_positive, to_negative = over(R.clamp(min=0) if reference else R, P), over(R, P + N)
    if reference:
        to_negative = to_negative + over(R.clamp(max=0), N)
    return received(layer, positive, to_positive) + received(layer, negative, to_negative)


def uniform_shift(C: Tensor, total: Tensor) -> Tensor:
    """R_i = C_i - 1[C_i != 0] (sum C - total) / #{C_i != 0}: one shift per case, zero where nothing was received."""
    reached = C != 0
    return C - reached * like(over(per_case(C) - total, per_case(reached)), C)


def by_contribution(layer: Layer, x: Tensor, R: Tensor) -> Tensor:
    """Interior rule with A = max(z, 0), B = max(-z, 0).

    It is evaluated as C_i = sum_j A_ij (R_j ⊘ P_j - R_j ⊘ (P_j + N_j)) + (A_ij + B_ij) R_j ⊘ (P_j + N_j), where
    A + B = |x| |w|.
    """
    part, live, seen, place = layer.around(R, x)
    w = layer.weight
    if not (seen < 0).any() and layer.groups == 1:  # A = x max(w, 0): both sums at once
        both = layer.beside(w.clamp(min=0), w.abs())
        P, all_ = part(seen, both).tensor_split(2, dim=layer.channel_axis(live))
        to_positive, to_all = _to_both(live, P, all_)
        C = seen * part.back(torch.cat([to_positive, to_all], dim=layer.channel_axis(live)), both, seen.shape)
    else:
        A, whole = positive_parts(seen, w), [(seen.abs(), w.abs())]
        to_positive, to_all = _to_both(live, influence(part, A), influence(part, whole))
        C = received(part, A, to_positive) + received(part, whole, to_all)
    return uniform_shift(_placed(x, place, C), per_case(R))


def _to_both(R: Tensor, P: Tensor, all_: Tensor) -> tuple[Tensor, Tensor]:
    """R ⊘ P - R ⊘ (P + N), zero where P is zero, and R ⊘ (P + N)."""
    to_all, to_positive = over(R, all_), over(R, P)
    return torch.where(to_positive == 0, 0.0, to_positive - to_all), to_all


def by_weight(layer: Layer, x: Tensor, R: Tensor, *, reference: bool) -> Tensor:
    """Interior rule with A = |x| max(w, 0), B = |x| max(-w, 0), separately for x >= 0 and x < 0, each with its shift.

    R_j is divided between the halves in proportion to their influence P_j + N_j on output j; an R_j on which neither
    half has influence is divided in proportion to their influence on all outputs. A half that passes nothing on leaves
    its share to the other.
    """
    w = layer.weight
    halves = [x.clamp(min=0), -x.clamp(max=0)]
    strength = [layer(half, w.abs()) * (R != 0) for half in halves]
    both = strength[0] + strength[1]
    shares = [over(one, both) for one in strength]
    found = [
        relative_influence(layer, [(half, w.clamp(min=0))], [(half, -w.clamp(max=0))], R * share, reference=reference)
        for half, share in zip(halves, shares, strict=True)
    ]
    unexplained = per_case(R * (1 - shares[0] - shares[1]))
    lower = per_case(R * shares[1]) + unexplained * over(per_case(strength[1]), per_case(both))
    silent = [per_case(C != 0) == 0 for C in found]
    total = per_case(R)
    lower = torch.where(silent[1], 0.0, torch.where(silent[0], total, lower))
    return uniform_shift(found[0], total - lower) + uniform_shift(found[1], lower)


def z_b(layer: Layer, x: Tensor, R: Tensor) -> Tensor:
    """R_i = sum_j n_ij ⊘ (sum_i n_ij) R_j with n_ij = x_i w_ij - l max(w_ij, 0) - h min(w_ij, 0) >= 0.

    l and h are the smallest and the largest input of the case.
    """
    low, high = x.flatten(1).amin(1), x.flatten(1).amax(1)
    w = layer.weight
    pairs = [(x - like(low, x), w.clamp(min=0)), (x - like(high, x), w.clamp(max=0))]
    return received(layer, pairs, over(R, influence(layer, pairs)))


def _placed(x: Tensor, place: tuple[Any, ...] | EllipsisType, part: Tensor) -> Tensor:
    """The part at its index in an array of zeros shaped as x."""
    if place is ...:
        return part
    whole = torch.zeros_like(x)
    whole[place] = part
    return whole


def _away(y: Tensor, epsilon: float) -> Tensor:
    """y moved away from zero by epsilon."""
    return y + torch.where(y >= 0, epsilon, -epsilon)


# ---------------------------------------------------------------------------------------------------------------------
# without weights; op(*inputs) is the operation, inputs those of its tensors that depend on the model's inputs


def pass_through(op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
    """Elementwise operations: relevance is unchanged, summed over axes along which the input was broadcast."""
    return (R.sum_to_size(inputs[0].shape),)


def as_indices(op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
    """Relevance is moved back to where the values came from."""
    return pull_back(op, inputs, R)


def to_winner(op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
    """All relevance to the maximum, unless the maximum is zero."""
    return pull_back(op, inputs, R * (output != 0))


def proportionally(op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
    """R_i = sum_j z_ij ⊘ (sum_i z_ij) R_j for a linear operation; a sum that cancels to rounding counts as zero."""
    rounding = _CANCELLED * torch.finfo(R.dtype).eps * op(*(x.abs() for x in inputs)).abs()
    shares = pull_back(op, inputs, over(R, output * (output.abs() > rounding)))
    return tuple(x * share for x, share in zip(inputs, shares, strict=True))


def to_summands(op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor) -> tuple[Tensor, ...]:
    """In proportion to |summand|, scaled by alpha if the addition has one; in equal parts where all are zero."""
    size = [one.abs() for one in _summands(op, inputs, output)]
    total = sum(size[1:], size[0])
    equal = 1 / len(inputs)
    return tuple(
        torch.where(total == 0, equal * R, over(one, total) * R).sum_to_size(x.shape)
        for one, x in zip(size, inputs, strict=True)
    )


def to_signed_summands(
    op: Operation, inputs: Sequence[Tensor], output: Tensor, R: Tensor, epsilon: float
) -> tuple[Tensor, ...]:
    """In proportion to the signed summand, over a sum kept away from zero; the share of a constant summand is lost."""
    share = over(R, _away(output, epsilon))
    return tuple(
        (one * share).sum_to_size(x.shape) for one, x in zip(_summands(op, inputs, output), inputs, strict=True)
    )


def _summands(op: Operation, inputs: Sequence[Tensor], output: Tensor) -> list[Tensor]:
    """Summands with their scale and sign: op with the other summands at zero."""
    zeros = [torch.zeros_like(x) for x in inputs]
    constant = op(*zeros)
    return [(op(*zeros[:k], x, *zeros[k + 1 :]) - constant).expand(output.shape) for k, x in enumerate(inputs)]


def expect_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is not among the known ones."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
