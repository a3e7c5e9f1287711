"""Functions that are recorded as the arithmetic that they abbreviate; `FUNCTIONS` has them by name.

The parameters are those of torch. What is written here is computed in place of the original; the recorded output is
compared with the model's own. One that returns NotImplemented is recorded as it is.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .nodes import UnsupportedOperation


def addmm(x: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """torch.addmm, baddbmm, addmv: an addition."""
    return beta * x + alpha * (a @ b)


def addr(x: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """torch.addr."""
    return beta * x + alpha * torch.outer(a, b)


def addbmm(x: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """torch.addbmm."""
    return beta * x + alpha * (a @ b).sum(0)


def addcmul(x: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """torch.addcmul."""
    return x + value * (tensor1 * tensor2)


def addcdiv(x: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """torch.addcdiv."""
    return x + value * (tensor1 / tensor2)


def lerp(start: Tensor, end: Tensor, weight: Any) -> Tensor:
    """torch.lerp: a weight that comes from a sigmoid is a gate of both."""
    return (1 - weight) * start + weight * end


def glu(x: Tensor, dim: int = -1) -> Tensor:
    """torch.nn.functional.glu: a gate."""
    signal, gate = x.chunk(2, dim)
    return signal * torch.sigmoid(gate)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """torch.nn.functional.bilinear as a dense layer of the products a_i b_j."""
    products = input1.unsqueeze(-1) * input2.unsqueeze(-2)
    return F.linear(products.flatten(-2), weight.flatten(1), bias)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """torch.nn.functional.cosine_similarity: the sum of the products of normalised vectors."""
    return (F.normalize(x1, dim=dim, eps=eps) * F.normalize(x2, dim=dim, eps=eps)).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """torch.nn.functional.pairwise_distance: the norm of a difference."""
    return torch.linalg.vector_norm(x1 - x2 + eps, p, -1, keepdim)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """torch.cdist: norms of differences."""
    return torch.linalg.vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


def diff(x: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None) -> Tensor:
    """torch.diff: subtractions."""
    ends = [end for end in (prepend, x, append) if end is not None]
    x = torch.cat(ends, dim) if len(ends) > 1 else x
    for _ in range(n):
        size = x.shape[dim] - 1
        x = x.narrow(dim, 1, size) - x.narrow(dim, 0, size)
    return x


def var(x: Tensor, *how: Any, **options: Any) -> Tensor:
    """torch.var: the square of the deviation, whose rule it has."""
    return torch.std(x, *how, **options).square()


def std_mean(
    x: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = None
) -> tuple[Tensor, Tensor]:
    """torch.std_mean."""
    correction = int(unbiased) if correction is None else correction
    return torch.std(x, dim, correction=correction, keepdim=keepdim), x.mean(dim, keepdim=keepdim)


def var_mean(x: Tensor, *how: Any, **options: Any) -> tuple[Tensor, Tensor]:
    """torch.var_mean."""
    deviation, mean = std_mean(x, *how, **options)
    return deviation.square(), mean


def aminmax(x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """torch.aminmax."""
    whole = () if dim is None else dim
    return torch.return_types.aminmax((x.amin(whole, keepdim), x.amax(whole, keepdim)))


def scatter_reduce(x: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True) -> Any:
    """torch.scatter_reduce: sums and means as `scatter_add`; extremes are of degree one, and are left as they are."""
    if reduce in ("amax", "amin"):
        return NotImplemented
    if reduce not in ("sum", "mean"):
        raise UnsupportedOperation(f"no rule for scatter_reduce with reduce={reduce!r}: sum, mean, amax and amin have")
    sums = (x if include_self else x.scatter(dim, index, 0.0)).scatter_add(dim, index, src)
    if reduce == "sum":
        return sums
    ones = torch.ones_like(x)
    counts = ones if include_self else ones.scatter(dim, index, 0.0)
    return sums / counts.scatter_add(dim, index, torch.ones_like(src)).clamp(min=1)


def sparse_mm(a: Tensor, b: Tensor) -> Tensor:
    """torch.sparse.mm, of which the sparse matrix is a constant."""
    return torch.matmul(a, b)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "addmm": addmm,
    "baddbmm": addmm,
    "addmv": addmm,
    "addr": addr,
    "addbmm": addbmm,
    "addcmul": addcmul,
    "addcdiv": addcdiv,
    "lerp": lerp,
    "glu": glu,
    "bilinear": bilinear,
    "cosine_similarity": cosine_similarity,
    "pairwise_distance": pairwise_distance,
    "cdist": cdist,
    "diff": diff,
    "var": var,
    "var_mean": var_mean,
    "std_mean": std_mean,
    "aminmax": aminmax,
    "scatter_reduce": scatter_reduce,
    "sparse_mm": sparse_mm,
}
