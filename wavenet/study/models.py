"""What Python users give as a trained network and as a dataset: runs, modules, files; opened and checked alike."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from torch import nn

from data.read import Dataset, read
from wavenet import networks, outside, runs
from wavenet.devices import usable
from wavenet.networks import Network

from .tasks import entry, placed
from .training import Trained

Given: TypeAlias = str | Path | nn.Module | Trained
Code: TypeAlias = str | type[nn.Module] | Network
_GIVEN = "a run's folder, the name of a network of the package, a torch.nn.Module, or what `train` returned"


@dataclass(frozen=True)
class Opened:
    """A trained network that was opened for a dataset.

    name : of the network. module : itself, as it predicts. explained : itself, as it is attributed. about : provenance
    of its training, empty if it is not known. place : its run's folder, or what stands for it.
    """

    name: str
    module: nn.Module
    explained: nn.Module
    about: Mapping[str, Any]
    place: str


def open_dataset(data: str | Path | Dataset) -> tuple[str, Dataset]:
    """A dataset in memory, and what messages and reports call it.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        It is neither a dataset nor the path of one; see `data.read.read`.
    """
    if isinstance(data, Dataset):
        return f"a dataset in memory ({data.about.provenance['recipe_name']})", data
    if not isinstance(data, str | Path):
        raise TypeError(f"expected a dataset's file or a data.read.Dataset, got {type(data).__name__}")
    if (Path(data) / runs.WEIGHTS).is_file():
        raise ValueError(f"{data} is a run's folder, not a dataset: the trained network comes first, then the dataset")
    return str(data), read(data)


def open_model(
    given: Given,
    dataset: Dataset,
    data: object,
    *,
    model: Code | Sequence[Code] | None = None,
    device: str | None = None,
) -> Opened:
    """A trained network on a dataset's grid or microphones.

    Parameters
    ----------
    given : path, str, Module or Trained
        A run's folder, the name of a network of the package, a network itself, or what `train` returned.
    dataset : Dataset
    data : object
        What messages call the dataset.
    model : class, str, Network or a sequence of them, optional
        Classes of networks that are not the package's, as for `tasks.entry`: a run does not hold their code.
    device : str, optional
        Where it is to compute; by default where it is.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        It is no trained network, or one of another task, grid or array.
    """
    place = None if device is None else usable(device)
    name, network, mine, about, where = _loaded(given, dataset.task, _entries(model, dataset.task))
    if mine.task != dataset.task:
        raise ValueError(f"{where} is a network of the {mine.task} task, {data} is a {dataset.task} dataset")
    if mine.outside:
        outside.expect_forward(type(network), mine.task)
    network = placed(network, mine, dataset, data)
    network = network if place is None else network.to(place)
    return Opened(name, outside.InOwnPrecision(network) if mine.outside else network, network, about, where)


def _entries(model: Code | Sequence[Code] | None, task: str) -> list[Network]:
    if model is None:
        return []
    every: Sequence[Any] = model if isinstance(model, list | tuple) else [model]
    return [entry(one, task) for one in every]


def _loaded(given: Given, task: str, others: list[Network]) -> tuple[str, nn.Module, Network, Mapping[str, Any], str]:
    """Name, network, entry, provenance and place of what was given."""
    if isinstance(given, Trained):
        return given.name, given.network, _entry_of(given.network, task, others), given.about, str(given.weights.parent)
    if isinstance(given, nn.Module):
        mine = _entry_of(given, task, others)
        return mine.name, given, mine, {}, f"the {type(given).__name__} in memory"
    if not isinstance(given, str | Path):
        what = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        raise TypeError(f"expected {_GIVEN}; got {what}")
    if Path(given).name == runs.WEIGHTS:  # as `Trained.weights`
        given = Path(given).parent
    folder = runs.folder_of(given)
    name, is_outside = runs.network_of(folder)
    named = [one for one in others if one.name == name]
    if is_outside and others and not named:
        known = ", ".join(one.name for one in others)
        raise ValueError(f"{given} holds the network {name}, and model names {known}")
    name, network, about = runs.load(folder, network=named[0] if is_outside and named else None)
    return name, network, (named[0] if is_outside else networks.get(name)), about, str(given)


def _entry_of(module: nn.Module, task: str, others: list[Network]) -> Network:
    """Entry of a network in memory: one that was named, the package's, or a user's own."""
    for one in others:
        if one.name == type(module).__name__:
            return one
    try:
        return networks.of(module)
    except ValueError:
        return outside.network(type(module), task)


def folder_to_write(folder: str | Path) -> Path:
    """A folder, made if need be.

    Raises
    ------
    OSError
        It cannot be made.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"the folder {folder} cannot be made: {error.strerror}") from None
    return Path(folder)


@contextlib.contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Networks in evaluation mode within; afterwards each part as before."""
    before = [(part, part.training) for module in modules for part in module.modules()]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training
