"""A run's folder: weights as safetensors, with the network's configuration and the dataset's provenance inside."""

import contextlib
import dataclasses
import json
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .derivatives.constrained import ConstrainedConfig, ConstrainedNetwork
from .derivatives.edge import EdgeConfig, EdgeFunctions
from .derivatives.unet import UNet, UNetConfig
from .far_field.directivity import Directivity, DirectivityConfig
from .forward.feed_forward import ForwardConfig, ForwardModel

WEIGHTS = "weights.safetensors"
MODELS = {  # name: (task, network, configuration)
    "mlp": ("forward", ForwardModel, ForwardConfig),
    "unet": ("derivative", UNet, UNetConfig),
    "constrained": ("derivative", ConstrainedNetwork, ConstrainedConfig),
    "edge": ("edge", EdgeFunctions, EdgeConfig),
    "directivity": ("factor", Directivity, DirectivityConfig),
}
DEFAULTS = {"forward": "mlp", "derivative": "constrained", "edge": "edge", "factor": "directivity"}
_WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = {task: _WEIGHTS / task for task in ("derivative", "factor")}  # runs that come with the package, by task
BASELINES = {name: _WEIGHTS / name for name in ("unet", "mlp")}  # the paper's networks, for comparison, by name


def save(run, name, model, provenance):
    """Write weights, configuration and provenance (a dict of JSON values) to the run's folder, all or nothing."""
    if name == "unet" and "edge" in model.config.constraints:
        raise ValueError("a U-net with edge functions cannot be kept: they are no part of it")
    metadata = {
        "model": name,
        "config": json.dumps(dataclasses.asdict(model.config)),
        "provenance": json.dumps(provenance),
    }
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    with whole(Path(run) / WEIGHTS) as partial:
        save_file(tensors, partial, metadata=metadata)


@contextlib.contextmanager
def whole(path):
    """Another name to write a file under; it becomes the file's own when it is on the disk, whenever that is stopped.

    A process that is killed leaves at most one such other name, .NAME.partial, for the next one to write over.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)  # makes the name durable
    finally:
        partial.unlink(missing_ok=True)


def _sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(run, *, task=None):
    """Network of a run.

    Returns
    -------
    name : str
    model : torch module, in evaluation mode
    provenance : dict

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run's folder, of another task, or damaged.
    """
    path = Path(run) / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{run} is not a run: it has no {WEIGHTS}")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    name = metadata.get("model")
    if name not in MODELS:
        raise ValueError(f"{path} holds the unknown model {name!r}, expected one of {', '.join(MODELS)}")
    found, network, config = MODELS[name]
    if task is not None and found != task:
        raise ValueError(f"{run} is a run of the {found} task, one of the {task} task is needed")
    try:
        options = {key: tuple(v) if isinstance(v, list) else v for key, v in json.loads(metadata["config"]).items()}
        model = network(config(**options))
        model.load_state_dict(tensors)
        provenance = json.loads(metadata["provenance"])
    except (AttributeError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} does not fit the model {name}: {error}") from None
    return name, model.eval(), provenance
