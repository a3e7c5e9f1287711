"""Checks of the model, its inputs, its output and the selector, before relevance is propagated."""

from typing import Any

import torch
from torch import Tensor, fx, nn

from .nodes import Node, UnsupportedOperation


def as_inputs(inputs: Any) -> tuple[Any, ...]:
    """The inputs as a tuple of tensors."""
    given = (inputs,) if isinstance(inputs, Tensor) else inputs
    if not isinstance(given, tuple | list):
        raise ValueError(f"inputs must be a tensor or a tuple of tensors, got {type(inputs).__name__}")
    for k, x in enumerate(given):
        if not isinstance(x, Tensor):
            raise ValueError(f"inputs must be a tensor or a tuple of tensors, got {type(x).__name__} in place {k}")
    return tuple(given)


def expect_inputs(inputs: tuple[Tensor, ...]) -> None:
    """Refuse inputs that are not real floats with the cases along the same first axis."""
    for k, x in enumerate(inputs):
        _expect_values(x, f"the input in place {k}")
        if x.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"inputs must be real, float32 or float64, got {x.dtype} in place {k}")
        if x.ndim == 0 or len(x) != len(inputs[0]):
            raise ValueError(f"inputs must share the batch axis, got {[tuple(x.shape) for x in inputs]}")
    if not inputs:
        raise ValueError("inputs must be a tensor or a tuple of tensors, got none")


def _expect_values(x: Tensor, what: str) -> None:
    """Refuse tensors that are not dense arrays of numbers."""
    if x.is_nested or x.layout is not torch.strided:
        raise ValueError(f"{what} must be dense, got a {'nested' if x.is_nested else str(x.layout)[6:]} tensor")
    if x.is_meta or hasattr(x, "fake_mode"):
        raise ValueError(f"{what} must have values, got a {'meta' if x.is_meta else 'fake'} tensor")
    try:
        x.untyped_storage()
    except NotImplementedError:
        raise ValueError(f"{what} is inside vmap or a transform of torch.func: explain outside of it") from None


def expect_eval(model: nn.Module) -> None:
    """Refuse what is no module, half precision, and training mode."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch module, got {type(model).__name__}")
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise ValueError(f"a scripted model hides its operations, got {name or 'the model'}: explain the original")
        if ".quantized" in type(module).__module__:
            raise ValueError(
                f"a quantised model hides its weights, got {type(module).__name__} in {name or 'the model'}: explain "
                "the model in floating point"
            )
    for name, values in model.named_parameters():
        if nn.parameter.is_lazy(values):
            raise ValueError(f"the model must have run once, got {name} without values")
        if values.is_meta:
            raise ValueError(f"the model's numbers must have values, got a meta tensor in {name}")
        if values.is_floating_point() and values.dtype not in (torch.float32, torch.float64):
            raise ValueError(
                f"the model's numbers must be float32 or float64, got {values.dtype} in {name}: explain model.float()"
            )
    if isinstance(model, fx.GraphModule) and "eval" in vars(model):
        return  # of torch.export, which has no modes: they are those of the export
    training = [name or type(model).__name__ for name, module in model.named_modules() if module.training]
    if training:
        raise ValueError(f"model must be in eval mode, got training mode in {', '.join(training[:3])}")


def expect_output(output: Any) -> None:
    """Refuse an output that is not one finite, real tensor (case, ...)."""
    if not isinstance(output, Tensor):
        raise ValueError(f"the model must return one tensor that depends on its inputs, got {type(output).__name__}")
    if output.ndim == 0:
        raise ValueError("the model must return (case, ...), got a single number")
    if output.is_complex():
        raise ValueError(f"the model's output must be real, got {output.dtype}: explain its parts, or a projection")
    if not output.is_floating_point():
        raise ValueError(f"the model's output must be real floats, got {output.dtype}")
    if not torch.isfinite(output).all():
        raise ValueError("the model's output must be finite, got inf or nan")


def expect_selector(selector: Any, output: Tensor) -> None:
    """Refuse a selector that is complex, not finite or of another shape than the output."""
    if not isinstance(selector, Tensor):
        raise ValueError(f"selector must be a tensor, got {type(selector).__name__}")
    _expect_values(selector, "the selector")
    if selector.is_complex():
        raise ValueError(f"selector must be real, got {selector.dtype}")
    if selector.shape != output.shape:
        raise ValueError(f"selector must have the output's shape {tuple(output.shape)}, got {tuple(selector.shape)}")
    if not torch.isfinite(selector).all():
        raise ValueError("selector must be finite, got inf or nan")


def expect_rule(node: Node, kind: str | None, selected: bool) -> None:
    """Refuse an operation that no rule covers.

    selected : whether no weights are between the operation and the output
    """
    what = f"{node.name} ({node.title})"
    complex_ = " of complex values" if any(v.tensor.is_complex() for v in (*node.inputs, *node.outputs)) else ""
    if kind is None:
        key = type(node.module).__name__ if node.module is not None else f'"{node.operation}"'
        raise UnsupportedOperation(f"no rule for {what}{complex_}; register one with rules={{{key}: rule}}")
    if kind in ("linear", "convolution") and len(node.inputs) != 1:
        raise UnsupportedOperation(f"no rule for {what} whose weights depend on the inputs")
    if kind == "bilinear" and len(node.inputs) != 2:
        raise UnsupportedOperation(f"no rule for {what} of {len(node.inputs)} values, expected two: multiply in steps")
    if kind == "softmax" and selected:
        raise UnsupportedOperation(
            f"no rule for {what} at the output, where all classes share one total: explain the logit, before softmax"
        )
    if kind == "batch norm" and (node.argument(5, "training", False) or node.argument(1, "running_mean") is None):
        raise UnsupportedOperation(f"{what} uses no running statistics, so that its cases are not independent")
    drops = "dropout" in node.operation and kind == "elementwise" and node.argument(1, "p", 0.5) > 0
    if drops and node.argument(2, "train" if "train" in node.kwargs else "training", True):
        raise UnsupportedOperation(f"{what} drops in eval mode, expected training=False")
