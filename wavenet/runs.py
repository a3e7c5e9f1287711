"""A run's folder: weights as safetensors, with the network's configuration and the dataset's provenance inside."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from . import networks
from .networks import Network
from .tensorfile import read, write

Kind = TypeVar("Kind", bound=nn.Module)

WEIGHTS = "weights.safetensors"
_TEXTS = ("model", "config", "provenance", "outside", "task")
_WEIGHTS = Path(__file__).parent / "weights"
_OWN = {path.name: path for path in sorted(_WEIGHTS.iterdir()) if path.is_dir()}
SHIPPED = {  # task -> run that commands use by default
    task: _OWN[task] for task in ("derivative", "factor", "forward", "jet_factor", "lip", "lip_near")
}
BASELINES = {name: _OWN[name] for name in ("mlp", "unet")}  # name -> run of the paper's network


def save(run: str | Path, network: str | Network, model: nn.Module, provenance: Mapping[str, Any]) -> None:
    """Write weights, configuration and provenance (JSON values) to the run's folder, atomically.

    network : entry of the network, or its name in `wavenet.networks`.
    """
    entry = networks.get(network) if isinstance(network, str) else network
    metadata = {
        "model": entry.name,
        "config": json.dumps(entry.options(model)),
        "provenance": json.dumps(provenance),
    }
    if entry.outside:
        metadata |= {"outside": "yes", "task": entry.task}
    write(Path(run) / WEIGHTS, model.state_dict(), metadata)


def folder_of(run: str | Path) -> Path:
    """Folder of a run, given as a path or as the name of a network shipped with the package.

    Raises
    ------
    ValueError
        The name is also that of a folder in the working directory.
    """
    ours = _OWN.get(str(run))
    if ours is not None and Path(run).exists():
        raise ValueError(f"{run} is a folder here and a network of the package: for the folder give its whole path")
    return ours or Path(run)


def open_network(run: str | Path | None, task: str) -> Any:
    """Network of a run, by default the one shipped with the package for the task, in evaluation mode."""
    if run is None:
        return load(SHIPPED.get(task) or _OWN[networks.default(task)], task=task)[1]
    return load(folder_of(run), task=task)[1]


def open_high(run: str | Path | None = None) -> Any:
    """Network of jets of the high domain, of a run or shipped with the package, in evaluation mode."""
    from .networks.jet import HIGH

    return load(_OWN["jet_high"] if run is None else run, network=HIGH)[1]


def load_as(run: str | Path | None, task: str, kind: type[Kind], words: str) -> tuple[Kind, dict[str, Any]]:
    """Network of a class and its provenance, from a run or, by default, the one shipped for the task.

    run : a path, or the name of a network that comes with the package. words : what the error calls the class.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load`, or the run's network is of another class.
    """
    name, model, about = load(SHIPPED[task] if run is None else folder_of(run), task=task)
    if not isinstance(model, kind):
        raise ValueError(f"{run} is a run of the model {name}, one of the {words} is needed")
    return model, about


def load(
    run: str | Path, *, task: str | None = None, network: Network | None = None
) -> tuple[str, Any, dict[str, Any]]:
    """Network of a run; the file names its class.

    Parameters
    ----------
    run : path
    task : str, optional
        Refuse a run of another task.
    network : Network, optional
        Entry of the run's network if it is not one of the package's, see `wavenet.outside`.

    Returns
    -------
    name : str
    model : torch module, in evaluation mode
    provenance : dict

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run's folder, a run of another task or network, or damaged.
    """
    path = Path(run) / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{run} is not a run: it has no {WEIGHTS}")
    tensors, metadata = read(path, _TEXTS)
    entry = _entry(path, metadata, network)
    if task is not None and entry.task != task:
        raise ValueError(f"{run} is a run of the {entry.task} task, one of the {task} task is needed")
    try:
        options = {key: tuple(v) if isinstance(v, list) else v for key, v in json.loads(metadata["config"]).items()}
        model = entry.rebuild(options)
        model.load_state_dict(tensors)
        provenance = json.loads(metadata["provenance"])
    except (AttributeError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} does not fit the model {entry.name}: {error}") from None
    return entry.name, model.eval(), provenance


def network_of(run: str | Path) -> tuple[str, bool]:
    """Name of a run's network, and whether its code lies outside the package.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load`.
    """
    path = Path(run) / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{run} is not a run: it has no {WEIGHTS}")
    metadata = read(path, _TEXTS)[1]
    return metadata.get("model", ""), metadata.get("outside") is not None


def _entry(path: Path, metadata: Mapping[str, str], given: Network | None) -> Network:
    """Entry of the network that a file's weights belong to; the file's contents never cause code to run."""
    name, task = metadata.get("model"), metadata.get("task")
    if metadata.get("outside") is None:
        if name not in networks.names():
            known = ", ".join(networks.names())
            raise ValueError(f"{path} holds the unknown model {name!r}, expected one of {known}")
        if given is not None:
            raise ValueError(f"{path} holds the model {name} of the package, not {given.name}")
        return networks.get(name)
    if given is None:
        raise ValueError(
            f"{path} holds the network {name}, which is not the package's: name it by --model FILE.py:{name}, in "
            f"Python by model={name}"
        )
    if (given.name, given.task) != (name, task):
        raise ValueError(
            f"{path} holds the network {name} of the {task} task, not {given.name} of the {given.task} task"
        )
    return given
