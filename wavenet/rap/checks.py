"""Checks of the model, its inputs, its output and the selector, before relevance is propagated."""

from typing import Any

import torch
from torch import Tensor, nn


def expect_inputs(inputs: tuple[Tensor, ...]) -> None:
    """Refuse inputs that are not real floats with the cases along the same first axis."""
    for k, x in enumerate(inputs):
        if x.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"inputs must be real, float32 or float64, got {x.dtype} in place {k}")
        if x.ndim == 0 or len(x) != len(inputs[0]):
            raise ValueError(f"inputs must share the batch axis, got {[tuple(x.shape) for x in inputs]}")
    if not inputs:
        raise ValueError("inputs must be a tensor or a tuple of tensors, got none")


def expect_eval(model: nn.Module) -> None:
    """Refuse what is no module, half precision, and training mode."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch module, got {type(model).__name__}")
    for name, values in model.named_parameters():
        if values.is_floating_point() and values.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"the model's numbers must be float32 or float64, got {values.dtype} in {name}")
    training = [name or type(model).__name__ for name, module in model.named_modules() if module.training]
    if training:
        raise ValueError(f"model must be in eval mode, got training mode in {', '.join(training[:3])}")


def expect_output(output: Any) -> None:
    """Refuse an output that is not one finite, real tensor (case, ...)."""
    if not isinstance(output, Tensor):
        raise ValueError(f"the model must return one tensor, got {type(output).__name__}")
    if output.ndim == 0:
        raise ValueError("the model must return (case, ...), got a single number")
    if output.is_complex():
        raise ValueError(f"the model's output must be real, got {output.dtype}: explain its parts, or a projection")
    if not torch.isfinite(output).all():
        raise ValueError("the model's output must be finite, got inf or nan")


def expect_selector(selector: Tensor, output: Tensor) -> None:
    """Refuse a selector that is complex, not finite or of another shape than the output."""
    if selector.is_complex():
        raise ValueError(f"selector must be real, got {selector.dtype}")
    if selector.shape != output.shape:
        raise ValueError(f"selector must have the output's shape {tuple(output.shape)}, got {tuple(selector.shape)}")
    if not torch.isfinite(selector).all():
        raise ValueError("selector must be finite, got inf or nan")
