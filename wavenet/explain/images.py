"""The evaluation of Nam et al. (2020) for images: relevance against masks of objects, and perturbed regions.

References
----------
W.-J. Nam et al. (2020), see `wavenet.rap`.
W. Samek, A. Binder, G. Montavon, S. Lapuschkin, K.-R. Müller, Evaluating the visualization of what a deep neural
network has learned, IEEE Trans. Neural Netw. Learn. Syst. 28 (2017): region perturbation and its area, AOPC.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ..arrays import BoolArray, FloatArray
from ..rap.checks import as_inputs, expect_eval, expect_inputs, expect_output, expect_selector
from ..rap.explainer import Target, as_tuple, select
from .measures import Interval, interval, outside_inside, segmentation

ORDERS = ("positive", "negative")


@dataclass(frozen=True)
class Evaluation:
    """Measures of maps, one value for each case.

    Attributes
    ----------
    outside_inside, miou, accuracy : (case,) float arrays
        Agreement with the masks, see `measures.outside_inside` and `measures.segmentation`.
    positive_first, negative_first : (case,) float arrays, or None
        Area over the perturbation curve, AOPC = <f(x_0) - f(x_k)>, k = 0 ... steps, with the regions of most relevance
        perturbed first, where large is good, and with those of least, where small is good. None without a model.
    """

    outside_inside: FloatArray
    miou: FloatArray
    accuracy: FloatArray
    positive_first: FloatArray | None = None
    negative_first: FloatArray | None = None

    def intervals(self, *, statistic: Callable[..., Any] = np.median, seed: int = 0) -> dict[str, Interval]:
        """Median over the cases, or another statistic, of each measure, with its 95 % interval, see `interval`."""
        measured = {name: values for name, values in vars(self).items() if values is not None}
        return {name: interval(values, statistic=statistic, seed=seed) for name, values in measured.items()}


def evaluate(
    relevance: ArrayLike | Tensor,
    masks: ArrayLike | Tensor,
    *,
    model: nn.Module | None = None,
    images: Tensor | None = None,
    target: Target = None,
    **perturbation: Any,
) -> Evaluation:
    """Outside–inside ratio, mIOU and accuracy of maps; with a model and its images, also the perturbed regions.

    Parameters
    ----------
    relevance : (case, row, column) or (case, channel, row, column)
        Summed over channels. Relevance adds up to the explained output: change its sign where that is negative.
    masks : (case, row, column) or (row, column), of booleans, or of zeros and ones
        Where the object is.
    model, images, target
        As for `RAP(model).attribute(images, target)`, from which the relevance came.
    perturbation
        Options of `region_perturbation`: others, patch, steps, additional_forward_args.

    Raises
    ------
    ValueError
        Shapes that do not fit, a mask without pixels inside or outside, relevance that is not finite, and what
        `region_perturbation` refuses.
    """
    maps, inside = _maps(relevance), _masks(masks)
    if inside.shape[-2:] != maps.shape[1:] or (inside.ndim == 3 and len(inside) != len(maps)):
        raise ValueError(f"masks must have the shape {maps.shape} of the maps, got {inside.shape}")
    inside = np.broadcast_to(inside, maps.shape).reshape(len(maps), -1)
    flat = maps.reshape(len(maps), -1)
    agreement = (outside_inside(flat, inside), *segmentation(flat, inside))
    if model is None and images is None:
        if target is not None or perturbation:
            raise ValueError("perturbed regions need the model and its images, got neither")
        return Evaluation(*agreement)
    if model is None or images is None:
        missing = "model" if model is None else "images"
        raise ValueError(f"perturbed regions need the model and its images, got no {missing}")
    areas = (region_perturbation(model, images, maps, target, first=one, **perturbation).mean(1) for one in ORDERS)
    return Evaluation(*agreement, *areas)


def region_perturbation(
    model: nn.Module,
    images: Tensor,
    relevance: ArrayLike | Tensor,
    target: Target = None,
    *,
    others: Tensor | None = None,
    patch: int | tuple[int, int] = 4,
    steps: int = 16,
    first: str = "positive",
    additional_forward_args: Any = None,
) -> FloatArray:
    """Loss f(x_0) - f(x_k) of the explained output f after the k regions of most or of least relevance are replaced.

    Parameters
    ----------
    model : Module in eval mode
    images : (case, channel, row, column) real tensor
    relevance : (case, row, column) or (case, channel, row, column)
        Summed over channels.
    target : see `RAP.attribute`
    others : tensor as images
        What the regions are replaced with; by default the same regions of the next case's image, so that the values
        are of the same kind.
    patch : int, or two
        Rows and columns of a region. Those at the lower and right edge may be smaller.
    steps : int
        Number of regions replaced, one after another.
    first : {"positive", "negative"}
        Whether the regions of most relevance come first, or those of least.
    additional_forward_args : any, or tuple
        Further positional arguments of the model.

    Returns
    -------
    (case, steps + 1) float array
        Its mean over the steps is the AOPC of a case.

    Raises
    ------
    ValueError
        Shapes that do not fit, a patch or a number of steps that the image does not have, an unknown order, outputs
        that are not finite.
    """
    expect_inputs(as_inputs(images))
    expect_eval(model)
    maps = _maps(relevance)
    others = _replacements(images, others, maps)
    rank = torch.from_numpy(_ranks(maps, patch, steps, first))[:, None].to(images.device)
    selector, values = None, []
    with torch.inference_mode(False), torch.no_grad():
        for k in range(steps + 1):
            output = model(torch.where(rank < k, others, images), *as_tuple(additional_forward_args))
            expect_output(output)
            if selector is None:
                selector = select(target, output)
                expect_selector(selector, output)
            values.append((output.double() * selector).flatten(1).sum(1).cpu().numpy())
    curve = np.stack(values, axis=1)
    return curve[:, :1] - curve


def _replacements(images: Tensor, others: Tensor | None, maps: FloatArray) -> Tensor:
    """What regions are replaced with: the others, or the images of the next cases."""
    if images.ndim != 4 or (len(images), *images.shape[2:]) != maps.shape:
        raise ValueError(
            f"images must be (case, channel, row, column) with maps {maps.shape}, got {tuple(images.shape)}"
        )
    if others is None:
        if len(images) < 2:
            raise ValueError("a single image needs others to take values from, got none")
        others = images.roll(-1, 0)
    if others.shape != images.shape:
        raise ValueError(f"others must have the shape {tuple(images.shape)} of the images, got {tuple(others.shape)}")
    return others


def _ranks(maps: FloatArray, patch: int | tuple[int, int], steps: int, first: str) -> Any:
    """Place of each pixel's region in the order of perturbation, from zero: (case, row, column)."""
    if first not in ORDERS:
        raise ValueError(f"first must be 'positive' or 'negative', got {first!r}")
    sides = tuple(patch) if isinstance(patch, tuple | list) else (patch, patch)
    shape = maps.shape[1:]
    if len(sides) != 2 or not all(isinstance(p, int) and 1 <= p <= n for p, n in zip(sides, shape, strict=True)):
        raise ValueError(f"patch must be one or two integers of 1 ... {min(shape)} pixels, got {patch!r}")
    rows, columns = (np.arange(n) // p for n, p in zip(shape, sides, strict=True))
    region = rows[:, None] * (columns[-1] + 1) + columns
    count = int(region[-1, -1]) + 1
    if not isinstance(steps, int) or not 1 <= steps <= count:
        raise ValueError(f"steps must lie in 1 ... {count}, the number of regions, got {steps}")
    score = np.stack([np.bincount(region.ravel(), one.ravel(), count) for one in maps])
    order = np.argsort(-score if first == "positive" else score, axis=1, kind="stable")
    return np.argsort(order, axis=1)[:, region]


def _array(values: Any) -> Any:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _maps(relevance: Any) -> FloatArray:
    """Relevance (case, row, column), in double precision."""
    values = _array(relevance)
    if values.ndim not in (3, 4) or 0 in values.shape or not np.issubdtype(values.dtype, np.floating):
        raise ValueError(
            f"relevance must be floats (case, row, column) or (case, channel, row, column), got {values.dtype} "
            f"{values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"relevance must be finite, got {values[~np.isfinite(values)][0]}")
    return np.asarray(values if values.ndim == 3 else values.sum(axis=1), dtype=np.float64)


def _masks(masks: Any) -> BoolArray:
    """Masks as booleans."""
    values = _array(masks)
    if values.ndim not in (2, 3) or not np.isin(values, (0, 1)).all():
        raise ValueError(
            "masks must be booleans or zeros and ones, (case, row, column) or (row, column), got "
            f"{values.dtype} {values.shape}"
        )
    inside = values.astype(bool)
    count = inside.shape[-2] * inside.shape[-1]
    for case, found in enumerate(inside.reshape(-1, count).sum(axis=1)):
        if found in (0, count):
            raise ValueError(f"a mask needs pixels inside and outside, got {found} of {count} inside in case {case}")
    return inside
