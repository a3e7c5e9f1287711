"""Propagation of relevance through a recorded forward, from the output to the inputs, by the rules of a scheme."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..devices import full_precision
from .arithmetic import over, per_case
from .backward import Backward, LayerRelevance, Message
from .cases import alone, expect_the_model_s, joined, recorded, together
from .checks import as_inputs, expect_eval, expect_inputs, expect_output, expect_selector
from .nodes import UnsupportedOperation
from .registered import Registered, Rule
from .rules import Scheme
from .shadow import shadow


@dataclass(frozen=True)
class Attribution:
    """Relevance of every input for the explained output.

    Attributes
    ----------
    relevance : tensor, or tuple of tensors as the inputs were
        In the inputs' shape, type and device.
    layers : tuple of LayerRelevance
        One entry per recorded operation, from the output to the input.
    output : (case,) float64 tensor
        The total y, from the model's own output; equal to the sum of the relevance and of the leaks.
    """

    relevance: Tensor | tuple[Tensor, ...]
    layers: tuple[LayerRelevance, ...]
    output: Tensor

    @property
    def leak(self) -> Tensor:
        """Relevance that reached no input, summed over the layers: (case,)."""
        return sum((layer.leak for layer in self.layers), torch.zeros_like(self.output))

    @property
    def growth(self) -> Tensor:
        """Sum |R| over |y|, (case,): how far positive and negative relevance have grown beside their sum.

        One for a map of one sign; each convolution multiplies it by about 1.2. Zero where the output is.
        """
        tensors = self.relevance if isinstance(self.relevance, tuple) else (self.relevance,)
        size = sum((per_case(r.abs()) for r in tensors), torch.zeros_like(self.output))
        return over(size, self.output.abs())


def propagate(
    model: nn.Module,
    inputs: Tensor | tuple[Tensor, ...],
    selector: Tensor | Callable[[Tensor], Tensor],
    scheme: Scheme,
    *,
    rules: Mapping[Any, Rule] | None = None,
    more: tuple[Any, ...] = (),
    dtype: torch.dtype = torch.float64,
) -> Attribution:
    """Relevance of the inputs for y = sum(selector * model(*inputs, *more)) by any scheme; see `attribute`.

    selector : tensor, or a function from the output to the selector
    more : further positional arguments of the model, which receive no relevance
    """
    single = isinstance(inputs, Tensor)
    given = as_inputs(inputs)
    expect_inputs(given)
    expect_eval(model)
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype must be torch.float32 or torch.float64, got {dtype}")
    own = Registered(rules or {})
    with torch.inference_mode(False), torch.no_grad(), full_precision():
        exact = tuple(x.detach().to(dtype) for x in given)
        with _one_line(given, dtype):
            recording, drawn = recorded(model, exact, more, dtype, own)
        output = drawn
        if recording.differs or _types(model, given, more) != {dtype}:
            with _one_line(given, None):
                itself = shadow(model, lambda module: module.forward)
                output = itself(*(x.detach().clone() for x in given), *more)
        expect_output(output)
        selector = selector(output) if callable(selector) else selector
        expect_selector(selector, output)
        if output is not drawn:
            expect_the_model_s(recording, drawn, output)
        seed = Message.seed(selector, output, dtype)
        if together(model, exact, more, dtype, own, recording, drawn):
            found, layers = Backward(recording, scheme, own, len(output)).run(drawn, seed)
        else:
            parts = []
            for k in range(len(output)):
                one, drawn_one = alone(model, exact, more, dtype, own, k, drawn)
                parts.append(Backward(one, scheme, own, 1).run(drawn_one, seed.case(k)))
            found, layers = joined(parts)
        _expect_finite(layers, found)
        relevance = tuple(r.to(x.dtype) for r, x in zip(found, given, strict=True))
        return Attribution(relevance[0] if single else relevance, tuple(layers), per_case(seed.relevance))


def _types(model: nn.Module, inputs: tuple[Tensor, ...], more: tuple[Any, ...]) -> set[torch.dtype]:
    """Real types that the numbers of the model and of its arguments have."""
    numbers = [*model.parameters(), *model.buffers(), *inputs, *(x for x in more if isinstance(x, Tensor))]
    types = {n.dtype for n in numbers}
    return {t.to_real() if t.is_complex else t for t in types if t.is_floating_point or t.is_complex}


@contextmanager
def _one_line(inputs: tuple[Tensor, ...], dtype: torch.dtype | None) -> Iterator[None]:
    """Errors that torch raises in the model's forward as one line, with what it was given; the model's own as they are.

    dtype : in which the model was computed, None for its own
    """
    try:
        yield
    except UnsupportedOperation:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as error:
        if not _of_torch(error):
            raise
        given = ", ".join(f"{tuple(x.shape)} {str(x.dtype).removeprefix('torch.')}" for x in inputs)
        computed = "" if dtype is None else f", computed in {str(dtype).removeprefix('torch.')}"
        told = (str(error) or type(error).__name__).splitlines()[0][:150]
        raise ValueError(f"the model's forward failed with inputs {given}{computed}: {told}") from error


def _of_torch(error: Exception) -> bool:
    """Whether the error was raised by torch, or where it or the recording called the model."""
    frames = traceback.extract_tb(error.__traceback__)
    raised = Path(frames[-1].filename)
    here, torchs = Path(__file__).parent, Path(torch.__file__).parent
    ours = raised == here / "decompositions.py"
    return not ours and (raised.is_relative_to(here) or raised.is_relative_to(torchs) or not _raises(frames[-1].line))


def _raises(line: str | None) -> bool:
    return (line or "").startswith(("raise", "assert"))


def _expect_finite(layers: Sequence[LayerRelevance], relevance: Sequence[Tensor]) -> None:
    """Refuse relevance that became inf or nan on its way, where the model's own values are."""
    for layer in layers:
        if not torch.isfinite(layer.outgoing).all():
            raise ValueError(f"relevance is inf or nan behind {layer.name} ({layer.kind}): so are values in the model")
    if not all(torch.isfinite(r).all() for r in relevance):
        raise ValueError("relevance of the inputs is inf or nan: so are values in the model")
