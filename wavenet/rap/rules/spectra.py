"""Complex values: Fourier transforms, and what is linear between a transform and its inverse.

A contribution to a complex number has a phase, and no sign: the interior rule cannot tell support from opposition.
What lies between real values and is linear - transform, complex weights, inverse - is therefore taken as one layer.
Behind it R_j y_j ⊘ (y_j^2 + e^2) is pulled back, e being a tenth of the root mean square of y in the case; in between
a complex value X has a cotangent G, and the relevance Re(conj(G) X); in front R_i = x_i G_i, and the uniform shift
restores the sum. It is LRP-epsilon for that layer, with RAP's shift in place of the loss. Parts: a product of two
values gives half to each.
"""

import torch
from torch import Tensor

from ..arithmetic import like, over, per_case, pull_back
from .step import Shares, Step
from .weights import uniform_shift

# What is linear in each complex input; abs is of degree one and ends the complex part.
LINEAR = {"spectrum", "index", "affine", "product", "matrix", "add", "average", "accumulate", "linear", "convolution"}
LINEAR_NAMES = {
    "real",
    "conj",
    "clone",
    "contiguous",
    "detach",
    "to",
    "type",
    "data",
    "dropout",
    "abs",
    "div",
    "positive",
}
_DAMPING = 0.1  # e over the root mean square: a choice between noise where y crosses zero and bias


def total(value: Tensor, relevance: Tensor, cases: int) -> Tensor:
    """Relevance summed by case; for a complex value that of its cotangent."""
    return per_case((relevance.conj() * value).real if value.is_complex() else relevance, cases)


def spectral(step: Step, owed: Tensor, share: float) -> tuple[Shares, tuple[Tensor, ...]]:
    """Relevance of real inputs and cotangents of complex ones, and what is owed to each of the latter, (case,).

    owed : relevance lost so far between the output's real values and here, to be restored in front, (case,)
    share : of each input; one half for a product of two values, each of which would receive the whole
    """
    outputs = list(zip(step.outputs, step.relevance, strict=True))
    arrived = owed + sum(total(y, r, step.cases) for y, r in outputs if r is not None)
    cotangents = [None if r is None else r if y.is_complex() else _damped(y, r, step.cases) for y, r in outputs]
    pulled = pull_back(step.op, step.inputs, cotangents if len(outputs) > 1 else cotangents[0])
    shares = [share * g for g in pulled]
    sent = [
        total(x, g, step.cases) if x.is_complex() else per_case(x * g, step.cases)
        for x, g in zip(step.inputs, shares, strict=True)
    ]
    missing = (arrived - sum(sent)) / len(sent)
    found = tuple(
        g if x.is_complex() else uniform_shift(x * g, part + missing)
        for x, g, part in zip(step.inputs, shares, sent, strict=True)
    )
    return found, tuple(missing if x.is_complex() else torch.zeros_like(missing) for x in step.inputs)


def _damped(y: Tensor, R: Tensor, cases: int) -> Tensor:
    """R ⊘ y, damped where y is small beside its root mean square in the case."""
    square = y * y
    mean = per_case(square, cases) * (cases / max(y.numel(), 1))
    return over(R * y, square + _DAMPING**2 * like(mean, y))
