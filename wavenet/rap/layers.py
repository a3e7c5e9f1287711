"""Layers with weights as linear maps, forward and transposed, with the weights that a rule supplies."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .arithmetic import Operation, pull_back

_WORTH_IT = 0.7  # fraction of cells with relevance above which nothing is cut away; affects time only
# Order of the arguments after the bias in torch.nn.functional.
_ORDER = ("stride", "padding", "dilation", "groups")
_ORDER_TRANSPOSED = ("stride", "padding", "output_padding", "groups", "dilation")


Padding = tuple[Any, ...]  # int for both ends of an axis, or a pair of them, for each axis


@dataclass(frozen=True)
class Map:
    """A linear map of x by an operation that is linear in a weight, too: op(x, weight).

    Attributes
    ----------
    op : function of x and the weight
    weight : tensor
    cases : int or None
        Number of cases; None if x has one in each place of its first axis.
    """

    op: Operation
    weight: Tensor
    cases: int | None = None
    bias = None
    axes = 0
    groups = 0  # its outputs have no axis of channels

    def __call__(self, x: Tensor, w: Tensor) -> Tensor:
        """Forward map."""
        return self.op(x, w)

    def back(self, R: Tensor, w: Tensor, shape: torch.Size) -> Tensor:
        """Transposed map, in the input's shape."""
        return pull_back(lambda x: self.op(x, w), [R.new_zeros(shape)], R)[0].contiguous()

    def around(self, R: Tensor, x: Tensor) -> tuple["Map", Tensor, Tensor, Any]:
        """The part of the map around its relevance: all of it."""
        return self, R, x, ...


@dataclass(frozen=True)
class Layer:
    """A linear layer or a convolution, without its bias.

    Attributes
    ----------
    weight, bias : tensor; tensor or None
    transposed : bool
        Whether it is a transposed convolution.
    stride, padding, output_padding, dilation : tuples of int, one for each axis; empty for a linear layer
    groups : int
    """

    weight: Tensor
    bias: Tensor | None
    transposed: bool = False
    stride: tuple[int, ...] = ()
    padding: Padding = ()
    output_padding: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    groups: int = 1
    cases: int | None = None

    @property
    def axes(self) -> int:
        """Number of spatial axes: 0 for a linear layer."""
        return len(self.stride)

    def __call__(self, x: Tensor, w: Tensor) -> Tensor:
        """Forward map, sum_i x_i w_ij."""
        if not self.axes:
            return F.linear(x, w)
        x, kept = self._padded(x)
        transposed, shift = self.transposed, self.output_padding
        return torch.convolution(x, w, None, self.stride, kept, self.dilation, transposed, shift, self.groups)

    def back(self, R: Tensor, w: Tensor, shape: torch.Size) -> Tensor:
        """Transposed map, sum_j w_ij R_j, in the input's shape."""
        if not self.axes:
            return R @ w
        wide, kept = self._padded(R.new_empty(shape))  # only its shape matters
        options = (self.stride, kept, self.dilation, self.transposed, self.output_padding, self.groups)
        mask = (True, False, False)
        found = torch.ops.aten.convolution_backward(R, wide, w, None, *options, mask)[0]
        places = [slice(before, before + size) for (before, _), size in zip(self._uneven, shape[2:], strict=True)]
        return found[(..., *places)]

    @property
    def _uneven(self) -> list[tuple[int, int]]:
        """Zeros to pad the input with first, where padding differs between the two ends of an axis."""
        return [pair if isinstance(pair, tuple) else (0, 0) for pair in self.padding]

    def _padded(self, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
        """The input with its uneven padding, and the padding that is left to the convolution."""
        if not any(map(sum, self._uneven)):
            return x, tuple(0 if isinstance(p, tuple) else p for p in self.padding)
        ends = [end for pair in reversed(self._uneven) for end in pair]
        return F.pad(x, ends), tuple(0 if isinstance(p, tuple) else p for p in self.padding)

    def around(self, R: Tensor, x: Tensor) -> tuple["Layer", Tensor, Tensor, Any]:
        """The part of the layer around its relevance: layer, R, x, and the index of that x in the whole input.

        It saves the computation of outputs without relevance, where these are most of the output.
        """
        if not self.axes or _to_every_edge(R):
            return self, R, x, ...
        mask = (R != 0).flatten(0, 1).any(dim=0)
        where = torch.nonzero(mask)
        if not len(where):
            return self, R, x, ...
        first, last = where.amin(dim=0).tolist(), (where.amax(dim=0) + 1).tolist()
        live = list(zip(first, last, strict=True))
        share = math.prod((last - first) / size for (first, last), size in zip(live, R.shape[2:], strict=True))
        if share > _WORTH_IT:
            return self, R, x, ...
        places: list[slice] = []
        pads: list[Any] = []
        ends: list[tuple[int, int]] = []
        for axis, (first, last) in enumerate(live):
            step, reach = self.stride[axis], self.dilation[axis] * (self.weight.shape[axis + 2] - 1)
            before = self._uneven[axis][0] if isinstance(self.padding[axis], tuple) else self.padding[axis]
            size = x.shape[axis + 2]
            if self.transposed:
                low = max(0, -((reach - first - before) // step))
                high = min(size, (last - 1 + before) // step + 1)
                places.append(slice(low, high))
                # range of outputs that these inputs reach
                start, stop = low * step - before, (high - 1) * step - before + reach + 1
                ends.append((-start, stop - R.shape[axis + 2]))
                pads.append(0)
            else:
                start, stop = first * step - before, (last - 1) * step - before + reach + 1
                low, high = max(0, start), min(size, stop)
                places.append(slice(low, high))
                pads.append((low - start, stop - high))
                ends.append((-first, last - R.shape[axis + 2]))
        if any(place.stop <= place.start for place in places):
            return self, R, x, ...
        part = dataclasses.replace(self, padding=tuple(pads), output_padding=(0,) * self.axes)
        seen: Any = (..., *places)
        return part, F.pad(R, [end for pair in reversed(ends) for end in pair]), x[seen], seen

    @classmethod
    def of_module(cls, module: Any) -> "Layer":
        """Layer of a linear or convolution module, whose padding is with zeros."""
        options = {key: getattr(module, key) for key in _ORDER_TRANSPOSED if hasattr(module, key)}
        name = "linear" if not options else "conv_transpose" if getattr(module, "transposed", False) else "conv"
        return cls.of_call(name, (None, module.weight, module.bias), options)

    @classmethod
    def of_call(cls, name: str, args: tuple[Any, ...], options: dict[str, Any], cases: int | None = None) -> "Layer":
        """Layer of a call of a torch.nn.functional function, by its name and arguments."""
        named = ("input", "weight", "bias", *(_ORDER_TRANSPOSED if "transpose" in name else _ORDER))
        given = {**dict(zip(named, args, strict=False)), **options}
        weight, bias = given["weight"].detach(), given.get("bias")
        bias = None if bias is None else bias.detach()
        if name == "linear":
            return cls(weight, bias, cases=cases)
        if name == "convolution":  # aten's own, which is either
            transposed, shift, groups = args[6:9]
            return cls(weight, bias, transposed, args[3], args[4], shift, args[5], groups, cases)

        def each(key: str, default: int) -> tuple[int, ...]:
            value = given.get(key, default)
            value = (value,) if isinstance(value, int) else tuple(value)
            return value * (weight.ndim - 2) if len(value) == 1 else value

        padding, dilation = given.get("padding", 0), each("dilation", 1)
        padding = _numbers(padding if isinstance(padding, str) else each("padding", 0), weight, dilation)
        more = each("stride", 1), padding, each("output_padding", 0), dilation, given.get("groups", 1)
        return cls(weight, bias, "transpose" in name, *more, cases)


def _to_every_edge(R: Tensor) -> bool:
    """Whether relevance reaches both ends of every spatial axis, so that nothing can be cut away."""
    ends = [R.select(axis, end) for axis in range(2, R.ndim) for end in (0, -1)]
    return all(bool((end != 0).any()) for end in ends) if R.numel() else True


def _numbers(padding: Any, weight: Tensor, dilation: tuple[int, ...]) -> Padding:
    """Padding in numbers, with "valid" and "same" resolved."""
    if padding == "valid":
        return (0,) * len(dilation)
    if padding != "same":
        return tuple(padding)
    total = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    return tuple(t // 2 if t % 2 == 0 else (t // 2, t - t // 2) for t in total)
