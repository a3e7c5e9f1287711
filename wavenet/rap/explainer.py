"""RAP as a function of a selector, and as a class with the call signature of captum's explainers."""

import math
import operator
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .arithmetic import like, over, per_case
from .checks import as_inputs
from .propagation import Attribution, propagate
from .registered import Rule
from .rules import RelativeAttributing, Scheme

Target = int | tuple[int, ...] | list[Any] | Tensor | None


def attribute(
    model: nn.Module,
    inputs: Tensor | tuple[Tensor, ...],
    selector: Tensor,
    *,
    split: str = "contribution",
    input_rule: str = "interior",
    rules: Mapping[Any, Rule] | None = None,
    additional_forward_args: Any = None,
    dtype: torch.dtype = torch.float64,
) -> Attribution:
    """Relevance of the inputs for y = sum(selector * model(inputs)), case by case.

    Parameters
    ----------
    model : Module in eval mode
        It is not modified. Its cases must be independent and keep their order. A module with the class attribute
        `rap_passes_through = True` is treated as elementwise in its first argument, whatever it computes.
    inputs : (case, ...) real tensor, or tuple of them
        The model's positional arguments.
    selector : (case, ...) real tensor
        Weights of any sign, in the output's shape.
    split : {"contribution", "weight", "reference"}
        How positive and negative influence are told apart: by the sign of z_ij; by the sign of w_ij, separately for
        x >= 0 and x < 0; or the latter with the authors' convolutions, where negative R_j is passed to negative weights
        only.
    input_rule : {"interior", "zB"}
        The first is for signed fields, the second for bounded inputs. The bounds are the extremes of each case in the
        first layer's input, which includes zeros that `forward` pads with; relevance of those zeros is a leak.
    rules : mapping from module type, function or method name to rule
        rule(op, inputs, output, relevance) returns the relevance of each tensor in inputs, or None for no relevance; op
        is the module, function or name. These rules take precedence over the built-in ones. Between the output and the
        first weights the selector becomes R ⊘ x.
    additional_forward_args : any, or tuple
        Further positional arguments of the model; they receive no relevance.
    dtype : torch.float64 or torch.float32
        Type of the computation. float32 is several times faster; relevance is then conserved to single precision only.

    Returns
    -------
    Attribution

    Raises
    ------
    ValueError
        Training mode, complex or integer inputs, a selector of another shape, an unknown option, an output that is
        not finite.
    UnsupportedOperation
        Relevance meets an operation without a rule.
    """
    scheme = RelativeAttributing(split, input_rule)
    more = as_tuple(additional_forward_args)
    return propagate(model, inputs, selector, scheme, rules=rules, more=more, dtype=dtype)


def _wrapped(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method with an attribute `__wrapped__`, by which captum's noise tunnels call it."""

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(self, *args, **kwargs)

    return call


class Explainer:
    """Relevance by propagation through a model by any scheme, with the call signature of captum's explainers."""

    def __init__(
        self,
        model: nn.Module,
        scheme: Scheme,
        *,
        rules: Mapping[Any, Rule] | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        self.model = model
        self._scheme = scheme
        self._options: dict[str, Any] = {"rules": rules, "dtype": dtype}

    @_wrapped
    def attribute(
        self,
        inputs: Tensor | tuple[Tensor, ...],
        target: Target = None,
        additional_forward_args: Any = None,
        return_convergence_delta: bool = False,
    ) -> Any:
        """Relevance of the inputs for one output of each case.

        Parameters
        ----------
        inputs : (case, ...) real tensor, or tuple of them
            With a single case and several targets, each target is one output of that case.
        target : int, tuple of int, (case,) int tensor, list of int or of tuples, real tensor
            Index of the output, without the axis of cases: one for all cases, or one for each. None where the model
            has a single output. A real tensor in the output's shape selects a weighted sum.
        additional_forward_args : any, or tuple
            Further positional arguments of the model; they receive no relevance.
        return_convergence_delta : bool
            Also return the explained output minus the sum of the relevance, (case,).

        Returns
        -------
        tensor, or tuple of tensors as the inputs were; with the (case,) float64 tensor if requested
        """
        found = self.explain(inputs, target, additional_forward_args)
        if not return_convergence_delta:
            return found.relevance
        tensors = found.relevance if isinstance(found.relevance, tuple) else (found.relevance,)
        return found.relevance, found.output - sum(per_case(r) for r in tensors)

    def explain(
        self, inputs: Tensor | tuple[Tensor, ...], target: Target = None, additional_forward_args: Any = None
    ) -> Attribution:
        """As `attribute`, but returns the relevance and leak of every layer as well."""
        inputs, more = repeated(inputs, target, as_tuple(additional_forward_args))
        return propagate(self.model, inputs, partial(select, target), self._scheme, more=more, **self._options)

    def contrast(
        self,
        inputs: Tensor | tuple[Tensor, ...],
        target: Target,
        other: Target,
        additional_forward_args: Any = None,
        return_convergence_delta: bool = False,
    ) -> Any:
        """What speaks for one output rather than for another: R_target - (y_target ⊘ y_other) R_other.

        Relevance that both outputs have in the same proportions cancels; RAP's is nearly that, for the classes of a
        classifier as for the microphones of the forward model. The sum is zero up to leaks, which are subtracted
        alike. The idea is that of J. Gu, Y. Yang, V. Tresp, Understanding individual decisions of CNNs via contrastive
        backpropagation, ACCV (2018), without the cut at zero.

        Parameters
        ----------
        inputs, additional_forward_args, return_convergence_delta
            See `attribute`; the convergence delta is what leaked, (case,).
        target, other : see `attribute`
            The output explained, and the one that it is compared with, such as the runner-up.

        Returns
        -------
        tensor, or tuple of tensors as the inputs were; with the (case,) float64 tensor if requested
        """
        one, two = (self.explain(inputs, t, additional_forward_args) for t in (target, other))
        scale = over(one.output, two.output)
        single = isinstance(one.relevance, Tensor)
        pairs = zip(as_inputs(one.relevance), as_inputs(two.relevance), strict=True)
        found = tuple(a - like(scale, b) * b for a, b in pairs)
        relevance = found[0] if single else found
        return (relevance, -sum(per_case(r) for r in found)) if return_convergence_delta else relevance

    def has_convergence_delta(self) -> bool:
        """True: `attribute` can return the convergence delta. Part of captum's interface, as what follows is."""
        return True

    @property
    def multiplies_by_inputs(self) -> bool:
        """True: relevance adds up to the output; it is no sensitivity."""
        return True

    @property
    def forward_func(self) -> nn.Module:
        """The model."""
        return self.model


class RAP(Explainer):
    """Relative attributing propagation of a model.

    Parameters
    ----------
    model : Module
    split, input_rule, rules, dtype
        See the function `attribute`.
    """

    def __init__(
        self, model: nn.Module, *, split: str = "contribution", input_rule: str = "interior", **options: Any
    ) -> None:
        super().__init__(model, RelativeAttributing(split, input_rule), **options)


def as_tuple(arguments: Any) -> tuple[Any, ...]:
    """Further arguments as a tuple; captum's convention is None, one argument or a tuple."""
    if arguments is None:
        return ()
    return arguments if isinstance(arguments, tuple) else (arguments,)


def repeated(inputs: Any, target: Target, more: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Inputs and further arguments; a single case is repeated for each of several targets."""
    single = isinstance(inputs, Tensor)
    given = as_inputs(inputs)
    several = len(target) if isinstance(target, list) or (isinstance(target, Tensor) and target.ndim) else 1
    if several > 1 and given and all(x.ndim and len(x) == 1 for x in given):
        given = tuple(x.expand(several, *x.shape[1:]) for x in given)
        more = tuple(
            x.expand(several, *x.shape[1:]) if isinstance(x, Tensor) and x.ndim and len(x) == 1 else x for x in more
        )
    return given[0] if single else given, more


def _indices(index: Any) -> tuple[int, ...]:
    """Index of one output as a tuple of integers."""
    given = tuple(index) if isinstance(index, tuple | list) else (index,)
    try:
        if any(isinstance(i, bool) for i in given):
            raise TypeError
        return tuple(operator.index(i) for i in given)
    except TypeError:
        raise ValueError(f"target must consist of integers, got {index!r}") from None


def select(target: Target, output: Tensor) -> Tensor:
    """Selector for a target, in the output's shape: one at the target's index in each case, zero elsewhere."""
    if isinstance(target, Tensor) and (target.is_floating_point() or target.is_complex()):
        return target
    cases, shape = len(output), tuple(output.shape[1:])
    if target is None:
        if math.prod(shape) != 1:
            raise ValueError(f"target must say which of the outputs {shape}, got None")
        return torch.ones_like(output)
    each = target.tolist() if isinstance(target, Tensor | np.ndarray) else target
    each = each if isinstance(each, list) else [each]
    if len(each) not in (1, cases):
        raise ValueError(f"expected one target, or one for each of {cases} cases, got {len(each)}")
    selector = torch.zeros_like(output)
    for case, index in enumerate(each * cases if len(each) == 1 else each):
        place = _indices(index)
        if len(place) != len(shape) or not all(-n <= i < n for i, n in zip(place, shape, strict=True)):
            raise ValueError(f"target must be an index into the outputs {shape}, got {index}")
        selector[(case, *place)] = 1.0
    return selector
