"""Cases: recordings of all of them, or of one alone, and the check that they do not depend on each other."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .backward import LayerRelevance
from .nodes import UnsupportedOperation, Value
from .recording import Recording
from .registered import Registered

# What a model for a fixed number of cases raises when it is given others.
_REFUSED = (RuntimeError, ValueError, IndexError, AssertionError)
_HALF = 0.3  # of the largest output: 8 bits, lost again in every layer


def recorded(
    model: nn.Module, inputs: tuple[Tensor, ...], more: tuple[Any, ...], dtype: torch.dtype, own: Registered
) -> tuple[Recording, Any]:
    """The recording of one forward, which may write into its inputs, and its output."""
    recording = Recording(tuple(x.clone() for x in inputs), dtype, frozenset(own.names))
    return recording, recording.run(model, more, own.leaf)


def expect_the_model_s(recording: Recording, drawn: Any, output: Tensor) -> None:
    """Raise where the recorded output is not the model's."""
    rounding = _HALF if recording.coarse else None
    if not isinstance(drawn, Tensor) or drawn.shape != output.shape or not _close(drawn, output, rounding):
        raise UnsupportedOperation("the recording is not the model: does its forward change from call to call?")


def together(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    more: tuple[Any, ...],
    dtype: torch.dtype,
    own: Registered,
    recording: Recording,
    drawn: Tensor,
) -> bool:
    """Whether all cases may be propagated at once: along the first axis of every recorded tensor.

    The first case is recorded alone as well: it must have the same output, or else the model depends on the number of
    cases, and is recorded once more with all cases equal to the first.
    """
    cases = len(inputs[0])
    if len(drawn) != cases:
        raise UnsupportedOperation(
            f"the model takes {tuple(inputs[0].shape)}, not {len(drawn)} cases in front: its output is "
            f"{tuple(drawn.shape)}"
        )
    if cases < 2:
        return True
    try:
        one, output = alone(model, inputs, more, dtype, own, 0, drawn)
    except (UnsupportedOperation, *_REFUSED):
        same = tuple(x[:1].expand_as(x).clone() for x in inputs)
        one, output = recorded(model, same, more, dtype, own)
        values = recording.leading_to(drawn), one.leading_to(output) if isinstance(output, Tensor) else []
        for a, b in zip(*values, strict=False):
            if not _in_front(a, b, cases, cases) or not (_close(b.tensor[:1], a.tensor[:1]) and _equal(b.tensor)):
                raise _mixed(a) from None
        if len(values[0]) != len(values[1]):
            raise UnsupportedOperation(f"a branch of the model depends on the other cases, {_INDEPENDENT}") from None
        _expect_the_same(model, inputs, more, dtype, own, drawn)
        return True
    _expect_the_same(model, inputs, more, dtype, own, drawn)
    pairs = recording.leading_to(drawn), one.leading_to(output)
    return len(pairs[0]) == len(pairs[1]) and all(_in_front(a, b, cases, 1) for a, b in zip(*pairs, strict=True))


def _expect_the_same(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    more: tuple[Any, ...],
    dtype: torch.dtype,
    own: Registered,
    drawn: Tensor,
) -> None:
    """Raise where the last case and the middle one, in turn and without the others, have another output.

    A sum over the cases so far, or an order that depends on them, leaves the first case as it is. A model that takes
    this number of cases only, or depends on it, is given the first case in place of the others, and all cases in
    turn.
    """
    cases = len(drawn)
    order = torch.arange(cases, device=drawn.device)
    some = order[sorted({cases - 1, cases // 2}, reverse=True)]

    def same(taken: Tensor, seen: Tensor) -> bool:
        """Whether outputs of the cases taken are what they were, at the places seen."""
        expected = drawn[taken]
        for arguments in _of_cases(more, taken, cases):
            try:
                _, output = recorded(model, tuple(x[taken] for x in inputs), arguments, dtype, own)
            except _REFUSED:
                continue
            alike = isinstance(output, Tensor) and output.shape == expected.shape
            if alike and _close(output[seen], expected[seen]):
                return True
        return False

    if same(some, order[: len(some)]):
        return
    among_the_first = torch.zeros_like(order).index_copy(0, some, some)
    if not (same(among_the_first, some) and same(order.flip(0), order)):
        raise UnsupportedOperation(f"the output of case {cases - 1} depends on the other cases, {_INDEPENDENT}")


def _of_cases(more: tuple[Any, ...], some: Any, cases: int) -> list[tuple[Any, ...]]:
    """Further arguments for some cases: those with one entry for each case cut, or all whole."""
    cut = tuple(m[some] if isinstance(m, Tensor) and m.ndim and len(m) == cases else m for m in more)
    return [cut, more] if any(a is not b for a, b in zip(cut, more, strict=True)) else [more]


_INDEPENDENT = "expected cases that are independent and stay in order along the first axis"


def _mixed(value: Value) -> UnsupportedOperation:
    """The error for a value in which cases are mixed."""
    node = value.node
    return UnsupportedOperation(f"{node.name} ({node.title}) mixes cases or moves the batch axis, {_INDEPENDENT}")


def alone(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    more: tuple[Any, ...],
    dtype: torch.dtype,
    own: Registered,
    case: int,
    drawn: Tensor,
) -> tuple[Recording, Tensor]:
    """The recording of one case alone, whose output must be that of the case among the others."""
    cases, one = len(inputs[0]), slice(case, case + 1)
    for arguments in _of_cases(more, one, cases):
        try:
            recording, output = recorded(model, tuple(x[one] for x in inputs), arguments, dtype, own)
        except RuntimeError:
            continue
        if isinstance(output, Tensor) and output.shape == drawn[one].shape and _close(output, drawn[one]):
            return recording, output
    raise UnsupportedOperation(f"the output of case {case} depends on the other cases, {_INDEPENDENT}")


def joined(
    parts: Sequence[tuple[tuple[Tensor, ...], list[LayerRelevance]]],
) -> tuple[tuple[Tensor, ...], list[LayerRelevance]]:
    """Relevance and layers of the cases, put together; cases that took different branches have entries of their own."""
    relevance = tuple(torch.cat(one) for one in zip(*(found for found, _ in parts), strict=True))
    layers = [found for _, found in parts]
    if len({tuple((layer.name, layer.kind) for layer in one) for one in layers}) == 1:
        entries = [[(k, layer) for k, layer in enumerate(row)] for row in zip(*layers, strict=True)]
    else:
        entries = [[(k, layer)] for k, one in enumerate(layers) for layer in one]
    return relevance, [_entry(row, len(parts)) for row in entries]


def _entry(row: Sequence[tuple[int, LayerRelevance]], cases: int) -> LayerRelevance:
    name, kind = row[0][1].name, row[0][1].kind
    sums = row[0][1].incoming.new_zeros(3, cases)
    for k, layer in row:
        sums[:, k] = torch.stack([layer.incoming[0], layer.outgoing[0], layer.leak[0]])
    return LayerRelevance(name, kind, *sums)


def _in_front(all_: Value, one: Value, cases: int, left: int) -> bool:
    """Whether a value has the cases along its first axis, and no others of its axes grow with them."""
    a, b = all_.tensor.shape, one.tensor.shape
    return a[:1] == (cases,) and b[:1] == (left,) and a[1:] == b[1:]


def _equal(x: Tensor) -> bool:
    """Whether all cases are equal."""
    return _close(x, x[:1].expand_as(x))


def _close(a: Tensor, b: Tensor, rounding: float | None = None) -> bool:
    """Equal to the rounding of a deep network."""
    a, b = a.detach(), b.detach()
    double = a.dtype == b.dtype and a.dtype in (torch.float64, torch.complex128)
    rounding = rounding or (1e-9 if double else 1e-3)
    size = b.abs().max().item() if b.numel() else 0.0
    wide = torch.complex128 if a.is_complex() else torch.float64
    return torch.allclose(a.to(wide), b.to(wide), rtol=rounding, atol=rounding * size)
