"""Layers with weights: relevance R_i of the inputs x_i from R_j of the outputs, with contributions z_ij = x_i w_ij."""

from functools import partial
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor

from ..arithmetic import like, over, per_case
from ..layers import Layer, Map

Pairs = list[tuple[Tensor, Tensor]]  # (x, w), for a sum of layer(x, w)
AnyMap = Layer | Map


def positive_parts(x: Tensor, w: Tensor) -> Pairs:
    """Positive contributions, as pairs (x, w) of one sign each; with -w in place of w, the negative ones."""
    pairs = [(x.clamp(min=0), w.clamp(min=0))]
    return [*pairs, (x.clamp(max=0), w.clamp(max=0))] if (x < 0).any() else pairs


def influence(layer: AnyMap, pairs: Pairs) -> Tensor:
    """Influence on each output, P_j or N_j: the sum of its contributions."""
    return sum((layer(x, w) for x, w in pairs), layer.weight.new_zeros(()))


def received(layer: AnyMap, pairs: Pairs, R: Tensor) -> Tensor:
    """Relevance received by each input, sum_j A_ij R_j."""
    return sum((x * layer.back(R, w, x.shape) for x, w in pairs), R.new_zeros(()))


def absolute_influence(layer: AnyMap, x: Tensor, selector: Tensor, total: Tensor) -> Tensor:
    """R_i = |C_i| R_tot ⊘ sum |C|, with C_i = sum_j z_ij c_j."""
    part, c, seen, place = layer.around(selector, x)
    C = placed(x, place, (seen * part.back(c, layer.weight, seen.shape)).abs())
    return C * like(over(total, per_case(C, len(total))), x)


def relative_influence(layer: AnyMap, positive: Pairs, negative: Pairs, R: Tensor, *, reference: bool) -> Tensor:
    """C_i = sum_j A_ij ⊘ P_j R_j + B_ij ⊘ (P_j + N_j) R_j, for parts A and B given as pairs (x, w) with x w >= 0.

    With `reference`, as in the authors' convolutions, B ⊘ N takes the place of A ⊘ P where R_j < 0.
    """
    P, N = influence(layer, positive), influence(layer, negative)
    to_positive, to_negative = over(R.clamp(min=0) if reference else R, P), over(R, P + N)
    if reference:
        to_negative = to_negative + over(R.clamp(max=0), N)
    return received(layer, positive, to_positive) + received(layer, negative, to_negative)


def uniform_shift(C: Tensor, total: Tensor) -> Tensor:
    """R_i = C_i - 1[C_i != 0] (sum C - total) / #{C_i != 0}: one shift per case, zero where nothing was received.

    C is overwritten.
    """
    reached = torch.ne(C, 0, out=torch.empty_like(C))  # as numbers, which are faster to multiply and to sum
    shift = over(per_case(C, len(total)) - total, per_case(reached, len(total)))
    return C.addcmul_(reached, like(shift, C), value=-1)


def by_weight(layer: AnyMap, x: Tensor, R: Tensor, *, reference: bool) -> Tensor:
    """Interior rule with A = |x| max(w, 0), B = |x| max(-w, 0), separately for x >= 0 and x < 0, each with its shift.

    R_j is divided between the halves in proportion to their influence P_j + N_j on output j; an R_j on which neither
    half has influence is divided in proportion to their influence on all outputs. A half that passes nothing on leaves
    its share to the other.
    """
    w, of_case = layer.weight, partial(per_case, cases=layer.cases)
    halves = [x.clamp(min=0), -x.clamp(max=0)]
    strength = [layer(half, w.abs()) * (R != 0) for half in halves]
    both = strength[0] + strength[1]
    shares = [over(one, both) for one in strength]
    found = [
        relative_influence(layer, [(half, w.clamp(min=0))], [(half, -w.clamp(max=0))], R * share, reference=reference)
        for half, share in zip(halves, shares, strict=True)
    ]
    unexplained = of_case(R * (1 - shares[0] - shares[1]))
    lower = of_case(R * shares[1]) + unexplained * over(of_case(strength[1]), of_case(both))
    silent = [of_case(C != 0) == 0 for C in found]
    total = of_case(R)
    lower = torch.where(silent[1], 0.0, torch.where(silent[0], total, lower))
    return uniform_shift(found[0], total - lower) + uniform_shift(found[1], lower)


def z_b(layer: AnyMap, x: Tensor, R: Tensor) -> Tensor:
    """R_i = sum_j n_ij ⊘ (sum_i n_ij) R_j with n_ij = x_i w_ij - l max(w_ij, 0) - h min(w_ij, 0) >= 0.

    l and h are the smallest and the largest input of the case.
    """
    flat = x.reshape(layer.cases or len(x), -1)
    low, high = flat.amin(1), flat.amax(1)
    w = layer.weight
    pairs = [(x - like(low, x), w.clamp(min=0)), (x - like(high, x), w.clamp(max=0))]
    return received(layer, pairs, over(R, influence(layer, pairs)))


def placed(x: Tensor, place: tuple[Any, ...] | EllipsisType, part: Tensor) -> Tensor:
    """The part at its index in an array of zeros shaped as x."""
    if place is ...:
        return part
    whole = torch.zeros_like(x)
    whole[place] = part
    return whole


def away(y: Tensor, epsilon: float) -> Tensor:
    """y moved away from zero by epsilon."""
    return y + torch.where(y >= 0, epsilon, -epsilon)
