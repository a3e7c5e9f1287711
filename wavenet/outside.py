"""Networks from outside the package: a user's own torch.nn.Module, trained and evaluated like the package's own.

The module maps the task's inputs to its targets, each with a leading case axis:

- derivative: potential (2, x, r), parameters (3,), m, ka, M -> velocity (4, x, r), see `wavenet.fields`;
- forward: inputs (6,), `wavenet.fields.INPUTS` -> pressure (microphone, 2).

Inputs are converted to the precision of its weights. It is created by its classmethod `from_cases(cases)`, if it has
one, from the training cases, a `wavenet.fields.Source`; otherwise without arguments. If it has a `config`, a dict of
JSON values, this is saved, and `Class(**config)` must recreate the untrained network. Relative attributing propagation
explains its core if it is `wavenet.networks.Explainable`, otherwise the whole network.
"""

import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from .arrays import FloatArray
from .fields import INPUTS, Source
from .networks import Batch, Explainable, Explained, Network, Steps
from .training.losses import relative_loss
from .training.presets import Preset

PRESETS = {"quick": Preset(60, 8, 1e-3, 20, 0), "standard": Preset(200, 16, 5e-4, 25, 0)}  # the U-net's, without width


@runtime_checkable
class FromCases(Protocol):
    """A class whose networks are built for training cases."""

    def from_cases(self, cases: Source) -> nn.Module:
        """A network for the cases' grid, ranges and scales."""


class AtParameters(nn.Module):
    """A network of fields with the parameters fixed to those of one case."""

    parameters_of_case: Tensor

    def __init__(self, network: nn.Module, parameters: Tensor):
        super().__init__()
        self.network = network
        self.register_buffer("parameters_of_case", parameters)

    def forward(self, potential: Tensor) -> Tensor:
        out: Tensor = self.network(potential, self.parameters_of_case)
        return out


class _Flat(nn.Module):
    """A network of microphones, with the real and imaginary parts of all of them in one axis."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.network(inputs)
        return out.flatten(1)


def _of_field(model: nn.Module, inputs: Batch) -> Explained:
    potential, parameters = _in_own_precision(model, inputs)
    if isinstance(model, Explainable):
        return Explained(model.explained(potential, parameters)[0], model.core(parameters))
    return Explained(potential, AtParameters(model, parameters).eval())


def _of_microphones(model: nn.Module, inputs: Batch) -> Explained:
    (seen,) = _in_own_precision(model, inputs)
    return Explained(seen, _Flat(model).eval(), INPUTS)


_TAKES = {"derivative": ("potential", "parameters"), "forward": ("inputs",)}  # of `forward`, in their order
_EXPLAIN = {"derivative": _of_field, "forward": _of_microphones}


def network(module: type[nn.Module], task: str) -> Network:
    """Entry of a user's own network, like those of the package's networks in `wavenet.networks`.

    Parameters
    ----------
    module : class, see the module's docstring
    task : {"derivative", "forward"}

    Raises
    ------
    TypeError
        `module` is not a class of torch modules.
    ValueError
        The task is unknown.
    """
    if isinstance(module, nn.Module):
        raise TypeError(f"expected the class {type(module).__name__} itself, got one of its networks")
    if not (isinstance(module, type) and issubclass(module, nn.Module)):
        raise TypeError(f"expected a class of torch.nn.Module, got {module!r}")
    if task not in _EXPLAIN:
        raise ValueError(f"networks of your own are for the tasks {', '.join(_EXPLAIN)}, got {task!r}")

    def rebuild(**options: Any) -> nn.Module:
        return _prepared(module(**options))

    def build(cases: Source, preset: Preset, edge: object = None) -> nn.Module:
        expect_forward(module, task)
        made = _prepared(module.from_cases(cases)) if isinstance(module, FromCases) else rebuild()
        if not any(weight.requires_grad for weight in made.parameters()):
            raise ValueError(f"{module.__name__} has no weights to train")
        if isinstance(module, FromCases) and not isinstance(getattr(made, "config", None), Mapping):
            raise ValueError(f"{module.__name__} is made from cases: its config must be a dict to make it again from")
        return made

    return Network(
        name=module.__name__,
        task=task,
        module=rebuild,
        steps=Steps(build=build, presets=PRESETS, loss=relative_loss),
        place=_anywhere,
        explain=_EXPLAIN[task],
        outside=True,
    )


def expect_forward(module: type[nn.Module], task: str) -> None:
    """Refuse a class whose `forward` does not take a task's inputs.

    Raises
    ------
    TypeError
        It has none, or one that takes another number of tensors.
    """
    if module.forward is nn.Module.forward:
        raise TypeError(f"{module.__name__} has no forward")
    try:
        inspect.signature(module.forward).bind(None, *_TAKES[task])
    except TypeError:
        raise TypeError(
            f"{module.__name__}.forward must take {' and '.join(_TAKES[task])}, as networks of the {task} task do"
        ) from None


def from_file(text: str) -> type[nn.Module]:
    """Class of a network in a user's file, given as "FILE.py:CLASS"; the file is run.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file or class, or the file cannot be run.
    """
    file, _, name = text.rpartition(":")
    path = Path(file)
    if not file.endswith(".py") or not name.isidentifier():
        raise ValueError(f"expected FILE.py:CLASS, got {text!r}")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"outside_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses and pickle look for it
    folder = str(path.resolve().parent)
    sys.path.append(folder)  # modules beside the file can be imported, with the lowest precedence
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} cannot be run: {error!r}") from error
    finally:
        sys.path.remove(folder)
    found = vars(module).get(name)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        there = [key for key, value in vars(module).items() if isinstance(value, type) and issubclass(value, nn.Module)]
        raise ValueError(f"{path} has no class {name} of torch.nn.Module, only {', '.join(there) or 'none'}")
    return found


class InOwnPrecision(nn.Module):
    """A network as it is, whose inputs are converted to the precision of its weights."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the network returns."""
        out: Tensor = self.network(*_in_own_precision(self.network, inputs))
        return out


def _prepared(model: nn.Module) -> nn.Module:
    """The network, with its inputs converted to the precision of its weights."""
    model.register_forward_pre_hook(_in_own_precision)
    return model


def _in_own_precision(model: nn.Module, inputs: Batch) -> tuple[Tensor, ...]:
    own = next((weight.dtype for weight in model.parameters() if weight.is_floating_point()), torch.get_default_dtype())
    return tuple(given.to(own) if given.is_floating_point() else given for given in inputs)


def _anywhere(model: nn.Module, x: FloatArray, r: FloatArray) -> nn.Module:
    """`Network.place` without a check: the user must know which grids their network is for."""
    return model
