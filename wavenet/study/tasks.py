"""Where datasets meet networks: a run and a dataset opened together, arrays of a file as the tensors of a task."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from data.read import Cases, read
from data.read import Dataset as File
from data.task import uniform_flow
from wavenet import networks, outside, runs
from wavenet.arrays import FloatArray
from wavenet.devices import device_of, full_precision
from wavenet.networks import Explained, Network
from wavenet.training import loading, memory
from wavenet.training.presets import Preset

_IN_MEMORY = 0.5  # share of the free memory that a split may take: the rest is for the training


def tensors(dataset: File, cases: Any) -> tuple[Tensor, ...]:
    """(inputs, pressure) or (potential, parameters, velocity) of some cases."""
    return loading.of_task(dataset.task).at_once(dataset.arrays, cases)


def expect_uniform(columns: Mapping[str, npt.NDArray[Any]], path: str | Path, network: Network) -> None:
    """Refuse cases with a jet or a hub, if this network does not know them.

    Raises
    ------
    ValueError
        There is one; the message names the file and the parameter.
    """
    for name, usual in uniform_flow(columns["mach"]).items():
        if network.hubs if name == "hub" else network.jets:
            continue
        others = columns[name][columns[name] != usual]
        if len(others):
            raise ValueError(
                f"{path} has cases with {name} = {others[0]:g}, a parameter that the network {network.name} does "
                "not know"
            )


def examples(cases: Cases, processes: int = 1) -> Dataset:
    """Cases of a split as a torch Dataset: in memory if they fit, else read on access.

    processes : number of those on this machine that each hold them.
    """
    lazy = loading.of_task(cases.about.task).one_by_one(cases)
    first, count = lazy[0], len(cases)
    if sum(part.nbytes for part in first) * count * processes > _IN_MEMORY * memory.free(torch.device("cpu")):
        return lazy
    found = [torch.empty(count, *part.shape, dtype=part.dtype) for part in first]
    for index in range(count):
        for whole, part in zip(found, lazy[index], strict=True):
            whole[index] = part
    return TensorDataset(*found)


def build(name: str, cases: Cases, preset: Preset, edge: nn.Module | None = None) -> nn.Module:
    """Untrained network of the training cases' geometry, ranges and scales; edge: functions for one that uses them.

    Raises
    ------
    ValueError
        There is no such network, or it is not trained in steps.
    """
    steps = networks.get(name).steps
    if steps is None:
        raise ValueError(f"the network {name} is fitted at once, not trained in steps")
    return steps.build(cases, preset, edge)


def entry(model: str | type[nn.Module] | Network | None, task: str) -> Network:
    """Entry of a network for a task.

    Parameters
    ----------
    model : str, class, Network or None
        A name in `wavenet.networks`; "FILE.py:CLASS" or a class of a user's own, see `wavenet.outside`; an entry;
        None for the task's default.
    task : str

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        There is no such network for the task.
    """
    if isinstance(model, Network):
        found = model
    elif model is None:
        found = networks.get(networks.default(task))
    elif not isinstance(model, str):
        found = outside.network(model, task)
    elif ":" in model:
        found = outside.network(outside.from_file(model), task)
    elif model.replace("-", "_") not in networks.names(task):
        raise ValueError(
            f"--model must be one of {', '.join(networks.names(task))} for the {task} task, or FILE.py:CLASS, "
            f"got {model!r}"
        )
    else:
        found = networks.get(model)
    if found.task != task:
        raise ValueError(f"the network {found.name} is for the {found.task} task, one for the {task} task is needed")
    return found


def open_run(
    run: str | Path, data: str | Path, model: str | type[nn.Module] | Network | None = None
) -> tuple[str, nn.Module, dict[str, Any], File]:
    """A trained run and a dataset it applies to: name of the network, network, provenance, dataset.

    The network is placed on the dataset's grid or microphones.

    Parameters
    ----------
    run : path or str
        A folder, or the name of a network that comes with the package.
    data : path
    model : str or class, optional
        The network, where it is not the package's, as for `entry`.

    Raises
    ------
    FileNotFoundError, ValueError
        The task, the grid or the array of the two differ, or the run's network is not the package's and not named.
    """
    folder = runs.folder_of(run)
    if model is None:
        name, network, about = runs.load(folder)
        mine = networks.get(name)
        if mine.task not in loading.TASKS:
            needed = ", ".join(loading.TASKS)
            raise ValueError(f"{run} is a run of the {mine.task} task, one of the tasks {needed} is needed")
        dataset = read(data)
        if mine.task != dataset.task:
            raise ValueError(f"{run} is a run of the {mine.task} task, {data} is a {dataset.task} dataset")
    else:
        dataset = read(data)
        mine = entry(model, dataset.task)
        name, network, about = runs.load(folder, network=mine)
    return name, placed(network, mine, dataset, data), about, dataset


def placed(network: nn.Module, entry: Network, dataset: File, data: object) -> nn.Module:
    """A network on a dataset's grid or microphones; data : what a message calls the dataset.

    Raises
    ------
    ValueError
        It is for another grid or array, or there are cases with a jet or a hub that it does not know.
    """
    expect_uniform(dataset.arrays, str(data), entry)
    return network if entry.place is None else entry.place(network, dataset["x"], dataset["r"])


def explained(model: nn.Module, dataset: File, case: int) -> Explained:
    """The part of a network that relative attributing propagation explains in a case: input, module, names.

    Raises
    ------
    ValueError
        Nothing of it can be explained.
    """
    try:
        mine = networks.of(model)
    except ValueError:
        mine = outside.network(type(model), dataset.task)
    if mine.explain is None:
        raise ValueError(f"nothing of the network {mine.name} can be attributed")
    with torch.no_grad():
        return mine.explain(model, [x.to(device_of(model)) for x in tensors(dataset, [case])[:-1]])


def expect_inside(x: FloatArray, r: FloatArray, at: tuple[float, float]) -> tuple[float, float]:
    """A point x, r, unless it is farther than a cell from all cells of a grid.

    Raises
    ------
    ValueError
        It is.
    """
    for name, points, where in (("x", x, at[0]), ("r", r, at[1])):
        cell = points[1] - points[0]
        if not points[0] - cell <= where <= points[-1] + cell:
            raise ValueError(f"{name} = {where:g} is outside of the grid, {points[0]:g} ... {points[-1]:g}")
    return at


def predict(
    model: nn.Module, dataset: File, cases: npt.NDArray[np.integer], batch: int = 16
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Predictions for some cases by a network on any device, as numpy, and the truth.

    Raises
    ------
    TypeError, ValueError
        The network returns no tensor, one of another shape than the truth's, or values that are not finite.
    """
    exact = tensors(dataset, cases)[-1].numpy()
    device, parts = device_of(model), []
    for start in range(0, len(cases), batch):
        chosen = cases[start : start + batch]
        with torch.no_grad(), full_precision():
            found = model(*(x.to(device) for x in tensors(dataset, chosen)[:-1]))
        _expect_like(found, (len(chosen), *exact.shape[1:]), chosen)
        parts.append(found.cpu().numpy())
    return np.concatenate(parts), exact


def _expect_like(found: Any, shape: tuple[int, ...], cases: npt.NDArray[np.integer]) -> None:
    """Refuse what a network returned for some cases, unless it has their shape and is finite."""
    if not isinstance(found, Tensor):
        raise TypeError(f"the network must return a tensor, got {type(found).__name__}")
    if tuple(found.shape) != shape or found.is_complex():
        kind = "complex " if found.is_complex() else ""
        raise ValueError(f"the network must return real values of shape {shape}, got {kind}{tuple(found.shape)}")
    wrong = ~torch.isfinite(found).flatten(1).all(dim=1)
    if wrong.any():
        raise ValueError(f"the network returned values that are not finite in case {cases[int(wrong.nonzero()[0])]}")
