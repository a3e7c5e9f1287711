"""Recorded operations and values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from .shadow import mapped, tensors_in


class UnsupportedOperation(NotImplementedError):  # noqa: N818 - named as io.UnsupportedOperation is
    """No rule propagates relevance through this operation; register one with `rules`."""


@dataclass(eq=False)
class Value:
    """A tensor that depends on the inputs: its content when it was made, and what made it."""

    tensor: Tensor
    node: "Node"


@dataclass(eq=False)
class Node:
    """One recorded operation.

    Attributes
    ----------
    name : str
        Path of the module, or name of the function with a number if it is not the first.
    operation : str
        The function's name, without the underscores of methods in place and of operators; the class of a module.
    function : callable
        It does the same again, without writing into its arguments.
    args, kwargs
        The arguments; those that depend on the inputs as `Value`.
    inputs, outputs : lists of Value
        The values among the arguments and among the results.
    module : Module or None
        The module that is called, if the node is a module's call as a whole.
    """

    name: str
    operation: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    module: nn.Module | None = None
    inside: nn.Module | None = None

    @property
    def title(self) -> str:
        """Class of the module that made the node, or name of the function."""
        owner = self.module if self.module is not None else self.inside
        return self.operation if owner is None else type(owner).__name__

    def call(self, *values: Tensor) -> Any:
        """The operation as a function of the inputs: one tensor, or a list, as in `outputs`."""
        left = dict(zip(map(id, self.inputs), values, strict=True))
        args, kwargs = mapped(lambda a: left[id(a)] if isinstance(a, Value) else a, (self.args, self.kwargs))
        found = differentiable(self.function(*args, **kwargs))
        return found[0] if len(self.outputs) == 1 else found

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """One argument, by position or name; tensors in place of values."""
        given = self.args[index] if len(self.args) > index else self.kwargs.get(name, default)
        return mapped(lambda a: a.tensor if isinstance(a, Value) else a, given)


def differentiable(result: Any) -> list[Tensor]:
    """Real and complex floating-point tensors among the results of an operation."""
    return [t for t in tensors_in(result) if t.is_floating_point() or t.is_complex()]
