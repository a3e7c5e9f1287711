"""The interior rule of the split by contribution, in as few passes through a layer, and as little memory, as it takes.

With A = max(z, 0) and B = max(-z, 0), C_i = sum_j A_ij ⊘ P_j R_j + B_ij ⊘ (P_j + N_j) R_j. For x >= 0 that is one pass
forward, with the positive weights, and two back: in single precision P + N follows from P and the layer's output. For x
of both signs it is one forward, with moduli, and three back. A dense layer whose weights are larger than the caches is
taken a few outputs at a time, so that they are read from memory once; a batch is taken a few cases at a time.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ..arithmetic import per_case, share_out
from ..layers import Layer, Map
from .weights import AnyMap, placed, uniform_shift

# Least size of a sum of contributions, over what else the output holds, for which it may be computed from the output in
# single precision: the rounding of the output is then below 1e-4 of the sum.
_BESIDE = 1e-3
# Bytes of the values of a layer that are computed together: what lies in a cache of tens of megabytes with half a dozen
# results of its size. Affects time and memory only; so does the number of weights.
_VALUES = 2**22
_WEIGHTS = 2**20


def by_contribution(layer: AnyMap, x: Tensor, y: Tensor, R: Tensor) -> Tensor:
    """R_i by the interior rule, with its uniform shift.

    y : output of the layer, with its bias; R : relevance of y
    """
    several = _some_cases(layer, x, y)
    if len(several) == 1:
        return _of_cases(layer, x, y, R)
    found = torch.empty_like(x)
    for some in several:
        found[some] = _of_cases(layer, x[some], y[some], R[some])
    return found


def _some_cases(layer: AnyMap, x: Tensor, y: Tensor) -> list[slice]:
    """The cases, as many at once as fit."""
    if isinstance(layer, Map) or layer.cases is not None or len(x) < 2:
        return [slice(None)]
    size = max(x[0].nbytes, y[0].nbytes, 1)
    step = max(1, _VALUES // size)
    return [slice(start, start + step) for start in range(0, len(x), step)]


def _of_cases(layer: AnyMap, x: Tensor, y: Tensor, R: Tensor) -> Tensor:
    """The same for cases that are computed at once."""
    part, live, seen, place = layer.around(R, x)
    known = y.dtype is torch.float32 and place is ... and isinstance(part, Layer)
    C: Tensor | None = None
    for piece, outputs in _some_outputs(part):
        one = influence_on(piece, seen, y[outputs] if known else None, live[outputs])
        C = one if C is None else C.add_(one)
    assert C is not None
    return uniform_shift(placed(x, place, C), per_case(R, layer.cases))


def _some_outputs(layer: AnyMap) -> Iterator[tuple[AnyMap, Any]]:
    """Parts of a dense layer, each with the index of its outputs; others whole."""
    if layer.axes or isinstance(layer, Map) or layer.weight.numel() < 2 * _WEIGHTS:
        yield layer, ...
        return
    w, bias = layer.weight, layer.bias
    step = max(1, _WEIGHTS // w.shape[1])
    for start in range(0, len(w), step):
        some = slice(start, start + step)
        yield dataclasses.replace(layer, weight=w[some], bias=None if bias is None else bias[some]), (..., some)


def influence_on(layer: AnyMap, x: Tensor, y: Tensor | None, R: Tensor) -> Tensor:
    """C_i of the rule, before the shift; y is given where sums of contributions may be computed from it."""
    w = layer.weight
    if not _negative(x):
        return _of_positive(layer, x, y, R).mul_(x)
    signs = _negative(w)
    up, down, size = (w.clamp(min=0), w.clamp(max=0), w.abs()) if signs else (w, w, w)
    plus, minus, modulus = x.clamp(min=0), x.clamp(max=0), x.abs()
    both = layer(modulus, size)
    P = None if y is None else _positive_from_output(layer, both, y)
    if P is None:
        P = layer(plus, up)
        P = P.add_(layer(minus, down)) if signs else P
    to_all = share_out(R, both)
    to_positive = share_out(R, P).sub_(to_all)
    C = layer.back(to_all, size, x.shape).mul_(modulus)
    C.add_(layer.back(to_positive, up, x.shape).mul_(plus))
    return C.add_(layer.back(to_positive, down, x.shape).mul_(minus)) if signs else C


def _of_positive(layer: AnyMap, x: Tensor, y: Tensor | None, R: Tensor) -> Tensor:
    """C_i / x_i for x >= 0, where A = x max(w, 0) and B = x max(-w, 0)."""
    w = layer.weight
    if not _negative(w):
        return layer.back(share_out(R, layer(x, w)), w, x.shape)
    up, down = w.clamp(min=0), w.clamp(max=0)
    P = layer(x, up)
    both = None if y is None else _both_from_output(layer, P, y)
    both = P - layer(x, down) if both is None else both
    C = layer.back(share_out(R, P), up, x.shape)
    return C.sub_(layer.back(share_out(R, both), down, x.shape))


def _negative(x: Tensor) -> bool:
    """Whether any number is negative."""
    return bool(x.numel()) and bool(x.amin() < 0)


def _both_from_output(layer: Layer | Map, P: Tensor, y: Tensor) -> Tensor | None:
    """P + N = 2 P - (y - bias), where the bias is not large beside it; else None."""
    both = (2 * P).sub_(y)
    if layer.bias is None:
        return both
    bias = _to_broadcast(layer, layer.bias)
    limit = _BESIDE * bias.abs()
    unsafe = _below(layer, both.add_(bias), limit) and bool(((both < limit) & (both != 0)).any())
    return None if unsafe else both


def _positive_from_output(layer: Layer | Map, both: Tensor, y: Tensor) -> Tensor | None:
    """P = (P + N + y - bias) / 2, where neither P + N nor the bias is large beside it; else None."""
    P, limit = (both + y), torch.zeros((), dtype=y.dtype, device=y.device)
    if layer.bias is not None:
        bias = _to_broadcast(layer, layer.bias)
        P, limit = P.sub_(bias), _BESIDE * bias.abs()
    P.mul_(0.5)
    safe = torch.add(P, both, alpha=-_BESIDE)
    unsafe = _below(layer, safe, limit) and bool(((safe < limit) & (both != 0)).any())
    return None if unsafe else P


def _to_broadcast(layer: Layer | Map, bias: Tensor) -> Tensor:
    """One number for each channel, to broadcast against outputs."""
    return bias.reshape(-1, *(1,) * layer.axes)


def _below(layer: Layer | Map, outputs: Tensor, limit: Tensor) -> bool:
    """Whether any output is below its channel's limit; comparing the least of each channel is ten times faster."""
    channel = 1 if layer.axes else outputs.ndim - 1
    least = outputs.amin([axis for axis in range(outputs.ndim) if axis != channel])
    return bool((least < limit.reshape(-1)).any())
