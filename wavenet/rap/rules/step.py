"""What a rule for an operation without weights is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..arithmetic import Operation

if TYPE_CHECKING:
    from .schemes import Scheme

Shares = tuple[Tensor | None, ...]  # relevance of each input, None where it receives none


@dataclass(frozen=True)
class Step:
    """One operation, with the relevance that arrived at its outputs.

    Attributes
    ----------
    op : function
        The operation as a function of `inputs`, which returns the outputs.
    inputs, outputs : sequences of tensors
        Those that depend on the model's inputs; nearly always one output.
    relevance : sequence of tensors or None
        At each output; None where none arrived.
    gates : sequence of bool
        Whether each input is a gate: the result of a sigmoid or softmax, possibly reshaped, scaled or shifted.
    cases : int
        Number of cases. A single case may lie in tensors of any shape; several are along the first axis.
    scheme : Scheme
    """

    op: Operation
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    relevance: Sequence[Tensor | None]
    gates: Sequence[bool]
    cases: int
    scheme: "Scheme"

    @property
    def output(self) -> Tensor:
        """The only output."""
        return self.outputs[0]

    @property
    def R(self) -> Tensor:  # noqa: N802 - as in the formulas
        """Relevance at the only output."""
        return next(r for r in self.relevance if r is not None)

    @property
    def one_case(self) -> int | None:
        """The number of cases as `Map.cases` has it."""
        return 1 if self.cases == 1 else None

    def all_but(self, k: int) -> Callable[[Tensor, Any], Any]:
        """The operation on two inputs as a function of input k and of the other."""
        return lambda x, other: self.op(*((x, other) if k == 0 else (other, x)))


Rule = Callable[[Step], Shares]
