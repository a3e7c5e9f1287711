"""Operations that neither weigh nor join: activations, normalisations, pools, reshapes, additions."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..arithmetic import Operation, over, pull_back
from .step import Shares, Step
from .weights import away

# Roundings of the sum of moduli below which a pool's sum counts as cancelled: more than summation itself makes.
_CANCELLED = 8


def pass_through(step: Step) -> Shares:
    """Elementwise operations: relevance is unchanged, summed over axes along which the input was broadcast.

    Further inputs, such as the slope of an activation, receive none. Normalisations are such operations, too: they
    scale by a statistic, which is held fixed as the running statistics of batch norm are. R. Achtibat et al., AttnLRP:
    attention-aware layer-wise relevance propagation for transformers, ICML (2024), proposition 3.4; A. Ali et al.,
    ICML (2022), rule LN. So is softmax inside a network: an exponential, scaled.
    """
    first, *others = step.inputs
    return (step.R.sum_to_size(first.shape), *[None] * len(others))


def as_indices(step: Step) -> Shares:
    """Relevance is moved back to where the values came from."""
    return pull_back(step.op, step.inputs, _each(step))


def to_winner(step: Step) -> Shares:
    """All relevance to the maximum, unless the maximum is zero; of equal maxima, as the derivative does."""
    R = [None if r is None else r * (y != 0) for r, y in zip(step.relevance, step.outputs, strict=True)]
    return pull_back(step.op, step.inputs, R if len(R) > 1 else R[0])


def proportionally(step: Step) -> Shares:
    """R_i = sum_j z_ij ⊘ (sum_i z_ij) R_j for a linear operation; a sum that cancels to rounding counts as zero."""
    output, R = step.output, step.R
    rounding = _CANCELLED * torch.finfo(R.dtype).eps * step.op(*(x.abs() for x in step.inputs)).abs()
    shares = pull_back(step.op, step.inputs, over(R, output * (output.abs() > rounding)))
    return tuple(x * share for x, share in zip(step.inputs, shares, strict=True))


def by_slope(step: Step) -> Shares:
    """R_i = x_i (dy_j / dx_i) ⊘ y_j R_j for norms and deviations, of degree one: by Euler's theorem the sum is R_j."""
    shares = pull_back(step.op, step.inputs, over(step.R, step.output))
    return tuple(x * share for x, share in zip(step.inputs, shares, strict=True))


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
    share = over(R, away(output, epsilon))
    return tuple(
        (one * share).sum_to_size(x.shape) for one, x in zip(_summands(op, inputs, output), inputs, strict=True)
    )


def _summands(op: Operation, inputs: Sequence[Tensor], output: Tensor) -> list[Tensor]:
    """Summands with their scale and sign: op with the other summands at zero."""
    zeros = [torch.zeros_like(x) for x in inputs]
    constant = op(*zeros)
    return [(op(*zeros[:k], x, *zeros[k + 1 :]) - constant).expand(output.shape) for k, x in enumerate(inputs)]


def _each(step: Step) -> Tensor | Sequence[Tensor | None]:
    """Relevance of the outputs, as `pull_back` takes it."""
    return step.relevance if len(step.outputs) > 1 else step.R
