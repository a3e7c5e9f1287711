"""Similarity of a layer's activations to known quantities, and the effect of small changes of the input.

References
----------
S. Kornblith, M. Norouzi, H. Lee, G. Hinton, Similarity of neural network representations revisited, ICML (2019).
N. Kriegeskorte, M. Mur, P. Bandettini, Representational similarity analysis, Front. Syst. Neurosci. 2 (2008).
A. Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR (2018).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import stats
from scipy.spatial.distance import pdist
from torch import Tensor, nn

from ..arrays import FloatArray


def linear_cka(a: ArrayLike, b: ArrayLike) -> float:
    """Linear centred kernel alignment of (sample, feature) arrays.

    1 if they are equal up to rotation, scale and offset, 0 if no feature of one is correlated with one of the other.
    """
    x, y = _centred(a), _centred(b)
    if len(x) != len(y):
        raise ValueError(f"expected both arrays to have as many samples, got {len(x)} and {len(y)}")
    own = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(y.T @ x) ** 2 / own) if own else 0.0


def rsa(a: ArrayLike, b: ArrayLike) -> float:
    """Representational similarity of (sample, feature) arrays: rank correlation of the distances between samples."""
    return float(stats.spearmanr(pdist(np.asarray(a, float)), pdist(np.asarray(b, float))).statistic)


def activations(model: nn.Module, names: list[str], run: Callable[[], object]) -> dict[str, Tensor]:
    """Outputs of named submodules during `run()`, which uses the model; the hooks are removed afterwards.

    Raises
    ------
    ValueError
        A name that is not a submodule's.
    """
    known, found = dict(model.named_modules()), dict[str, Tensor]()
    for name in names:
        if name not in known:
            raise ValueError(f"the model has no module {name!r}")

    def keep(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(module: nn.Module, given: Any, output: Tensor) -> None:
            found[name] = output.detach()

        return hook

    hooks = [known[name].register_forward_hook(keep(name)) for name in names]
    try:
        with torch.no_grad():
            run()
    finally:
        for one in hooks:
            one.remove()
    return found


def worst_change(f: Callable[[Tensor], Tensor], x: Tensor, radius: float, *, steps: int = 40, seed: int = 0) -> Tensor:
    """Find the change d of the input that changes f most, by projected gradient ascent on |f(x + d) - f(x)|.

    Parameters
    ----------
    f : differentiable function of (case, ...)
    x : (case, ...) tensor
    radius : float
        Root mean square of d divided by that of x, in each case; d is zero in a case in which x is.
    steps : int
        Iterations.
    seed : int
        Seed of the initial, random d.

    Returns
    -------
    d : (case, ...) tensor
    """
    if not radius > 0:
        raise ValueError(f"radius must be positive, got {radius}")
    random = torch.Generator().manual_seed(seed)
    size = radius * _size(x)
    start = f(x).detach()
    d = torch.randn(x.shape, generator=random, dtype=x.dtype).to(x.device)
    for _ in range(steps):
        d = (d * size / _size(d)).detach().requires_grad_()
        change = (f(x + d) - start).square().flatten(1).sum(1)
        # Ascent of a convex function on a sphere: d takes the gradient's direction; for a linear f, a power iteration.
        (gradient,) = torch.autograd.grad(change.sum(), d)
        flat = (_size(gradient) == 0) | (size == 0)
        d = torch.where(flat, torch.ones_like(d), gradient)
    return (d * size / _size(d)).detach()


def _size(x: Tensor) -> Tensor:
    """Root mean square of each case, in a shape that broadcasts against x."""
    return x.square().mean(dim=tuple(range(1, x.ndim)), keepdim=True).sqrt()


def _centred(samples: ArrayLike) -> FloatArray:
    """Samples minus their mean."""
    values = np.asarray(samples, dtype=float)
    if values.ndim != 2 or len(values) < 2:
        raise ValueError(f"expected (sample, feature) with two samples or more, got {values.shape}")
    return values - values.mean(axis=0)
