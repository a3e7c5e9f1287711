"""Where datasets meet networks: arrays of a file as the tensors of a task."""

import numpy as np
import torch

from data.read import read
from wavenet.checkpoint import MODELS, load
from wavenet.forward_model import INPUTS, ForwardConfig, ForwardModel
from wavenet.unet import PARAMETERS, ConstrainedUNet, UNet, UNetConfig


def tensors(dataset, cases):
    """(inputs, pressure) or (potential, parameters, velocity) of some cases."""
    if dataset.task == "forward":
        return _stack(dataset, INPUTS, cases, torch.float32), torch.from_numpy(dataset["pressure"][cases]).float()
    velocity = np.concatenate([dataset["axial_velocity"][cases], dataset["radial_velocity"][cases]], axis=1)
    potential = torch.from_numpy(dataset["potential"][cases])
    return potential, _stack(dataset, PARAMETERS, cases, torch.float64), torch.from_numpy(velocity)


def _stack(dataset, names, cases, dtype):
    return torch.from_numpy(np.stack([dataset[name][cases].astype(float) for name in names], axis=1)).to(dtype)


def build(name, dataset, preset):
    """Untrained network of a dataset's geometry, ranges and scales (of its training cases)."""
    train = dataset.cases("train")
    x, r = (tuple(dataset[axis].tolist()) for axis in "xr")
    if name == "mlp":
        inputs, pressure = tensors(dataset, train)
        low, high = (tuple(f(inputs, dim=0).tolist()) for f in (torch.amin, torch.amax))
        return ForwardModel(ForwardConfig(x, r, low, high, float(pressure.square().mean().sqrt()), preset.width))
    scales = [float(np.sqrt(np.mean(dataset[q][train] ** 2))) for q in ("potential", "radial_velocity")]
    config = UNetConfig(x, r, preset.width, potential_scale=scales[0], velocity_scale=scales[1])
    return (ConstrainedUNet if name == "constrained" else UNet)(config)


def open_run(run, data):
    """A trained run and a dataset it applies to: model name, network, provenance, dataset.

    Raises ValueError where the task, the grid or the array of the two differ.
    """
    name, model, about = load(run)
    task, dataset = MODELS[name][0], read(data)
    if task != dataset.task:
        raise ValueError(f"{run} is a run of the {task} task, {data} is a {dataset.task} dataset")
    for axis in "xr":
        mine = np.asarray(getattr(model.config, axis))
        if mine.shape != dataset[axis].shape or not np.allclose(mine, dataset[axis]):
            raise ValueError(f"the run's {axis} positions ({len(mine)}) are not the dataset's ({len(dataset[axis])})")
    return name, model, about, dataset


def predict(model, dataset, cases, batch=16):
    """Predictions for some cases, as numpy, and the truth."""
    batches = [cases[start : start + batch] for start in range(0, len(cases), batch)]
    with torch.no_grad():
        parts = [model(*tensors(dataset, chosen)[:-1]).numpy() for chosen in batches]
    return np.concatenate(parts), tensors(dataset, cases)[-1].numpy()
