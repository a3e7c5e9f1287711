"""What a layer's activations have in common with known quantities, and what small changes of the input can do.

References
----------
S. Kornblith, M. Norouzi, H. Lee, G. Hinton, Similarity of neural network representations revisited, ICML (2019).
N. Kriegeskorte, M. Mur, P. Bandettini, Representational similarity analysis, Front. Syst. Neurosci. 2 (2008).
A. Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR (2018).
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import stats
from scipy.spatial.distance import pdist
from torch import Tensor, nn


def linear_cka(a: ArrayLike, b: ArrayLike) -> float:
    """Linear centred kernel alignment of (sample, feature) arrays: 0 for nothing in common, 1 for equal but for a
    rotation and a scale.
    """
    x, y = _centred(a), _centred(b)
    if len(x) != len(y):
        raise ValueError(f"expected as many samples, got {len(x)} and {len(y)}")
    own = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(y.T @ x) ** 2 / own) if own else 0.0


def rsa(a: ArrayLike, b: ArrayLike) -> float:
    """Representational similarity of (sample, feature) arrays: rank correlation of the samples' mutual distances."""
    return float(stats.spearmanr(pdist(np.asarray(a, float)), pdist(np.asarray(b, float))).statistic)


def activations(model: nn.Module, names: list[str], run: Callable[[], object]) -> dict[str, Tensor]:
    """Outputs of some submodules while `run()` uses the model; hooks are taken away again.

    Raises
    ------
    ValueError
        A name that is no submodule's.
    """
    known, found = dict(model.named_modules()), {}
    for name in names:
        if name not in known:
            raise ValueError(f"the model has no module {name!r}")

    def keep(name):
        def hook(module, given, output):
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
    """Change of the input that changes f most, by projected gradient ascent on |f(x + d) - f(x)|.

    Parameters
    ----------
    f : function of (case, ...), differentiable
    x : (case, ...)
    radius : float
        Root mean square of d over that of x, case by case: d lies on that sphere. Zero for a case that is zero.
    steps : int

    Returns
    -------
    (case, ...)
    """
    if not radius > 0:
        raise ValueError(f"radius must be positive, got {radius}")
    random = torch.Generator().manual_seed(seed)
    size = radius * _size(x)
    start = f(x).detach()
    d = torch.randn(x.shape, generator=random, dtype=x.dtype)
    for _ in range(steps):
        d = (d * size / _size(d)).detach().requires_grad_()
        change = (f(x + d) - start).square().flatten(1).sum(1)
        # The ascent of a convex function on a sphere: the gradient's own direction, for a linear f a power iteration.
        (gradient,) = torch.autograd.grad(change.sum(), d)
        flat = (_size(gradient) == 0) | (size == 0)
        d = torch.where(flat, torch.ones_like(d), gradient)
    return (d * size / _size(d)).detach()


def _size(x):
    """Root mean square, case by case, ready to divide by."""
    return x.square().mean(dim=tuple(range(1, x.ndim)), keepdim=True).sqrt()


def _centred(values):
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or len(values) < 2:
        raise ValueError(f"expected (sample, feature) with two samples or more, got {values.shape}")
    return values - values.mean(axis=0)
