"""Attribution methods with one interface: explainer(model).attribute(inputs, target).

Layer-wise relevance propagation uses the same graphs as RAP, so it covers layers that captum's version does not
(transposed convolutions, concatenated skips, SiLU, modules used twice). Gradient x input and integrated gradients are
captum's, evaluated in float64 for any weighted sum of outputs; they need wavenet[explain].
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..rap import RAP
from ..rap.checks import expect_eval, expect_inputs
from ..rap.explainer import Explainer, Target, as_tuple, repeated, select
from ..rap.rules import AlphaBeta, Epsilon

STEPS = 32  # quadrature points of integrated gradients, between the zero field and the input


class LRP(Explainer):
    """Layer-wise relevance propagation with one rule for all layers, `Epsilon(...)` or `AlphaBeta(...)`."""

    def __init__(self, model: nn.Module, rule: Epsilon | AlphaBeta = Epsilon(), **options: Any) -> None:  # noqa: B008 - frozen
        if not isinstance(rule, Epsilon | AlphaBeta):
            raise TypeError(f"rule must be Epsilon(...) or AlphaBeta(...), got {rule!r}")
        super().__init__(model, rule, **options)


class Gradients:
    """A gradient method of captum, with the targets of `RAP.attribute`; subclasses say which."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def attribute(
        self, inputs: Tensor | tuple[Tensor, ...], target: Target = None, additional_forward_args: Any = None
    ) -> Any:
        """Relevance of the inputs for one output of each case, see `RAP.attribute`."""
        expect_eval(self.model)
        expect_inputs((inputs,) if isinstance(inputs, Tensor) else tuple(inputs))
        with torch.inference_mode(False), torch.enable_grad():
            return self._found(inputs, target, additional_forward_args)

    def _found(self, inputs: Any, target: Target, additional_forward_args: Any) -> Any:
        single = isinstance(inputs, Tensor)
        inputs, more = repeated(inputs, target, as_tuple(additional_forward_args))
        given = (inputs,) if single else tuple(inputs)
        if not len(given[0]):  # captum takes no empty batch
            return torch.zeros_like(inputs) if single else tuple(torch.zeros_like(x) for x in given)
        model = copy.deepcopy(self.model).double()
        double = tuple(x.detach().clone().double() for x in given)
        more = tuple(x.double() if isinstance(x, Tensor) and x.is_floating_point() else x for x in more)
        with torch.no_grad():
            selector = select(target, model(*double, *more)).double()

        def explained(*arguments: Tensor) -> Tensor:
            *seen, chosen = arguments
            return (model(*seen) * chosen).flatten(1).sum(1)

        leaves = tuple(x.requires_grad_() for x in double)
        found = self.captum(explained, leaves, (*more, selector))
        relevance = tuple(r.detach().to(x.dtype) for r, x in zip(found, given, strict=True))
        return relevance[0] if single else relevance

    def captum(
        self, explained: Callable[..., Tensor], inputs: tuple[Tensor, ...], more: tuple[Any, ...]
    ) -> tuple[Tensor, ...]:
        """Relevance by captum, for explained(*inputs, *more), one number per case."""
        raise NotImplementedError


class InputXGradient(Gradients):
    """Input times gradient. Its sum is the output if the network is piecewise linear without biases.

    A. Shrikumar et al., Not just a black box, arXiv:1605.01713 (2016).
    """

    def captum(
        self, explained: Callable[..., Tensor], inputs: tuple[Tensor, ...], more: tuple[Any, ...]
    ) -> tuple[Tensor, ...]:
        """See `Gradients.captum`."""
        return _captum().InputXGradient(explained).attribute(inputs, additional_forward_args=more)


class IntegratedGradients(Gradients):
    """Gradients averaged from a zero field to the input, times the input. Their sum is the change of the output.

    M. Sundararajan, A. Taly, Q. Yan, Axiomatic attribution for deep networks, ICML (2017).
    """

    def captum(
        self, explained: Callable[..., Tensor], inputs: tuple[Tensor, ...], more: tuple[Any, ...]
    ) -> tuple[Tensor, ...]:
        """See `Gradients.captum`."""
        options = {"n_steps": STEPS, "internal_batch_size": len(inputs[0])}
        return _captum().IntegratedGradients(explained).attribute(inputs, additional_forward_args=more, **options)


class Chance:
    """Relevance drawn from a normal distribution: the reference value of a measure for a meaningless explanation."""

    def __init__(self, model: nn.Module, seed: int = 0) -> None:
        self.random = torch.Generator().manual_seed(seed)

    def attribute(self, inputs: Any, target: Target = None, additional_forward_args: Any = None) -> Any:
        """Random numbers in the inputs' shape."""
        several = repeated(inputs, target, ())[0]
        given = (several,) if isinstance(several, Tensor) else several
        found = tuple(torch.randn(x.shape, generator=self.random, dtype=x.dtype).to(x.device) for x in given)
        return found[0] if isinstance(several, Tensor) else found


METHODS: dict[str, Callable[[nn.Module], Any]] = {
    "rap": RAP,
    "rap-weight": partial(RAP, split="weight"),
    "rap-reference": partial(RAP, split="reference"),
    "lrp-epsilon": LRP,
    "lrp-alpha-beta": partial(LRP, rule=AlphaBeta(2.0, 1.0)),
    "input-x-gradient": InputXGradient,
    "integrated-gradients": IntegratedGradients,
    "chance": Chance,
}


def _captum() -> Any:
    """captum.attr, imported when it is needed."""
    try:
        import captum.attr
    except ImportError:
        raise ValueError("gradient methods need captum: pip install 'wavenet[explain]'") from None
    return captum.attr
