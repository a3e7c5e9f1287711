"""Operations in which values that depend on the inputs meet: additions, products, matrix products, quotients."""

import torch
from torch import Tensor

from ..arithmetic import Operation, over
from ..layers import Map
from .plain import pass_through
from .step import Shares, Step

_NUMBERS = 2**22  # of a block of images; affects memory only


def added(step: Step) -> Shares:
    """An addition, by the scheme; of one value and a constant: unchanged."""
    if len(step.inputs) == 1:
        return pass_through(step)
    return step.scheme.added(step.op, step.inputs, step.output, step.R)


def product(step: Step) -> Shares:
    """A gate passes its signal's relevance and receives none; of two signals each receives half.

    The first is `signal takes all` of L. Arras et al. (2017), the second the rule of AttnLRP, proposition 3.3.
    """
    if len(step.inputs) == 1:
        return pass_through(step)
    shares = _shares(step)
    return tuple(None if s == 0 else s * step.R.sum_to_size(x.shape) for s, x in zip(shares, step.inputs, strict=True))


def quotient(step: Step) -> Shares:
    """The numerator takes all: the denominator is a scale, held fixed as in a normalisation."""
    return pass_through(step)


def power(step: Step) -> Shares:
    """The base takes all."""
    return pass_through(step)


def bilinear(step: Step) -> Shares:
    """A matrix product of two values: the interior rule for either, with the other as its weights, on half of R each.

    A gate, such as attention weights after softmax, receives none, and the other value all.
    """
    found: list[Tensor | None] = []
    for k, (x, share) in enumerate(zip(step.inputs, _shares(step), strict=True)):
        layer = Map(step.all_but(k), step.inputs[1 - k], step.one_case)
        found.append(step.scheme.interior(layer, x, step.output, share * step.R) if share else None)
    return tuple(found)


def average(step: Step) -> Shares:
    """Sums with fixed weights that are not negative, such as pools: by the scheme."""
    return step.scheme.averaged(step)


def bicubic(step: Step) -> Shares:
    """The interior rule for bicubic interpolation, whose weights have both signs.

    It is a product of matrices for rows and columns; the products of their parts of equal sign are the positive
    weights, the others the negative ones. The map's weight is 1 for the former, -1 for the latter.
    """
    (x,) = step.inputs
    rows, columns = _one_axis(step.op, x), _one_axis(lambda y: step.op(y.mT).mT, x.mT).mT
    up, down = [m.clamp(min=0) for m in (rows, columns)], [m.clamp(max=0) for m in (rows, columns)]

    def op(x: Tensor, w: Tensor) -> Tensor:
        like = up[0] @ x @ up[1] + down[0] @ x @ down[1]
        unlike = up[0] @ x @ down[1] + down[0] @ x @ up[1]
        return w[0] * like - w[1] * unlike

    layer = Map(op, torch.tensor([1.0, -1.0], dtype=x.dtype, device=x.device), step.one_case)
    return (step.scheme.interior(layer, x, step.output, step.R),)


def _one_axis(op: Operation, x: Tensor) -> Tensor:
    """The matrix of an interpolation along the last axis but one, from the images of unit vectors."""
    size, across = x.shape[-2:]
    unit = torch.eye(size, dtype=x.dtype, device=x.device)[:, None, :, None]
    some = max(1, _NUMBERS // (size * across))  # at once
    return torch.cat([op(part.expand(-1, 1, size, across))[:, 0, :, 0] for part in unit.split(some)]).mT


def accumulate(step: Step) -> Shares:
    """x + the source summed by indices: R is shared as in an addition, and the source's part as in a sum."""
    if len(step.inputs) == 1:
        zero = step.op(torch.zeros_like(step.inputs[0]))
        if step.output.shape == step.inputs[0].shape and torch.equal(step.output - zero, step.inputs[0]):
            return pass_through(step)  # the source is a constant
        return _spread(step, 0, step.R)
    x, source = step.inputs
    sizes = [step.op(x, torch.zeros_like(source)).abs(), step.op(torch.zeros_like(x), source).abs()]
    total = sizes[0] + sizes[1]
    to_x, to_source = (torch.where(total == 0, step.R / 2, over(one, total) * step.R) for one in sizes)
    return (to_x, *_spread(step, 1, to_source))


def _spread(step: Step, k: int, R: Tensor) -> Shares:
    """R of the sums to the source, which is input k."""
    others = [torch.zeros_like(x) for x in step.inputs]

    def op(source: Tensor) -> Tensor:
        return step.op(*others[:k], source, *others[k + 1 :]) - step.op(*others)

    source = step.inputs[k]
    return step.scheme.averaged(Step(op, [source], [op(source)], [R], [False], step.cases, step.scheme))


def _shares(step: Step) -> tuple[float, ...]:
    """Share of each of two factors."""
    first, second = step.gates
    return (0.5, 0.5) if first == second else (0.0, 1.0) if first else (1.0, 0.0)
