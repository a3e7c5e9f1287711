"""Where datasets meet networks: arrays of a file as the tensors of a task."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import TensorDataset, default_collate

import analytic
from data.read import read
from wavenet.derivatives.constrained import ConstrainedConfig, ConstrainedNetwork
from wavenet.derivatives.edge import EdgeConfig, EdgeFunctions
from wavenet.derivatives.unet import PARAMETERS, UNet, UNetConfig
from wavenet.far_field.directivity import Directivity, DirectivityConfig
from wavenet.forward.feed_forward import INPUTS, ForwardConfig, ForwardModel
from wavenet.runs import BASELINES, MODELS, SHIPPED, load
from wavenet.training.loading import FieldCases, ForwardCases

_IN_MEMORY = 2**30  # bytes of a split
_CALIBRATION = 4000  # modes that the error bars of directivities come from
_ARC = np.linspace(0, np.pi, 37)  # angles of each
_FLOW = 0.6  # their largest Mach number


def tensors(dataset, cases):
    """(inputs, pressure) or (potential, parameters, velocity) of some cases."""
    if dataset.task == "forward":
        return _stack(dataset, INPUTS, cases, torch.float32), torch.from_numpy(dataset["pressure"][cases]).float()
    velocity = np.concatenate([dataset["axial_velocity"][cases], dataset["radial_velocity"][cases]], axis=1)
    potential = torch.from_numpy(dataset["potential"][cases])
    return potential, _stack(dataset, PARAMETERS, cases, torch.float64), torch.from_numpy(velocity)


def _stack(dataset, names, cases, dtype):
    return torch.from_numpy(np.stack([dataset[name][cases].astype(float) for name in names], axis=1)).to(dtype)


def examples(cases):
    """Cases of a split as a torch Dataset: in memory if they fit, else read when they are asked for."""
    forward = cases.about.task == "forward"
    lazy: Any = ForwardCases(cases) if forward else FieldCases(cases, cases.constants["x"])
    if sum(part.nbytes for part in lazy[0]) * len(cases) > _IN_MEMORY:
        return lazy
    return TensorDataset(*default_collate([lazy[index] for index in range(len(lazy))]))


def build(name, cases, preset, edge=None):
    """Untrained network of the training cases' geometry, ranges and scales; edge: functions for the constrained one."""
    x, r = (tuple(cases.constants[axis].tolist()) for axis in "xr")
    scales = {name: rms / np.sqrt(2) for name, (rms, _) in cases.about.scales.items()}  # of one part
    if name == "mlp":
        low, high = (tuple(float(f(cases.columns[key])) for key in INPUTS) for f in (np.min, np.max))
        return ForwardModel(ForwardConfig(x, r, low, high, scales["pressure"], preset.width))
    if name == "constrained":
        return ConstrainedNetwork(ConstrainedConfig(x, r, width=preset.width), edge)
    scales = {"potential_scale": scales["potential"], "velocity_scale": scales["radial_velocity"]}
    return UNet(UNetConfig(x, r, preset.width, **scales))


def edge_functions(cases):
    """Edge functions of the training cases of an edge dataset, all in memory."""
    edge = EdgeFunctions(EdgeConfig.of_nodes(cases.constants["root"], cases.constants["angle"]))
    edge.fit(np.stack([case["potential"] for case in cases]))
    return edge


def directivity(cases, seed):
    """Directivity of the factors of training cases, all in memory; error bars from modes drawn anew and solved."""
    m, k = np.abs(cases.columns["m"]), cases.columns["helmholtz"]
    factor = np.stack([case["factor"] @ [1, 1j] for case in cases])
    orders = sorted(set(m.tolist()))
    ends = np.array([(k[m == order].min(), k[m == order].max()) for order in orders])
    model = Directivity(DirectivityConfig(tuple(orders), float(ends[:, 0].max()), float(ends[:, 1].min())))
    model.fit(m, k, cases.constants["angle"], factor)
    columns = random_modes(model.config, _CALIBRATION, np.random.default_rng([seed, 1]))
    m, n, helmholtz, mach = columns
    exact = analytic.sweep(m, n, helmholtz, _ARC, mach=mach).directivity
    with torch.no_grad():
        found = model(*map(torch.from_numpy, columns), torch.from_numpy(_ARC)).numpy()
    model.calibrate(helmholtz / np.sqrt(1 - mach**2), found, exact)
    return model


def random_modes(config, count, rng):
    """m, n, ka, M (mode,) of random modes that are cut on: K and M uniform, m of those with such modes, n of these."""
    found: list[tuple] = []
    while len(found) < count:
        k, mach = rng.uniform(config.low, config.high), rng.uniform(-_FLOW, _FLOW)
        counts = {m: analytic.cut_on_orders(k, m, 0.0) for m in config.orders}
        good = [m for m, count in counts.items() if count]
        if good:
            m = int(rng.choice(good))
            found.append((m, int(rng.integers(0, counts[m])), k * np.sqrt(1 - mach**2), mach))
    return [np.array(column) for column in zip(*found, strict=True)]


def open_run(run, data):
    """A trained run and a dataset it applies to: model name, network, provenance, dataset.

    run: a folder, or the name of a network that comes with the package. The constrained network is put on the
    dataset's grid. Raises ValueError where the task, the grid or the array of the two differ.
    """
    ours = (SHIPPED | BASELINES).get(str(run))
    if ours is not None and Path(run).exists():
        raise ValueError(f"{run} is a folder here and a network of the package: for the folder give its whole path")
    name, model, about = load(ours or run)
    task, dataset = MODELS[name][0], read(data)
    if task not in ("forward", "derivative"):
        raise ValueError(f"{run} is a run of the {task} task, one of the forward or derivative task is needed")
    if task != dataset.task:
        raise ValueError(f"{run} is a run of the {task} task, {data} is a {dataset.task} dataset")
    if name == "constrained":
        model = model.on_grid(dataset["x"], dataset["r"])
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
