"""wavenet attribute."""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .common import Data, Json, Out, folder, say


def attribute(
    run: Annotated[Path, typer.Argument(help="Folder of a trained run.")],
    data: Data,
    output: Out,
    case: Annotated[int, typer.Option(help="Case of the dataset.")] = 0,
    at: Annotated[
        str, typer.Option(help="X,R of the explained point (or microphone), the nearest is taken.")
    ] = "0.1,1",
    as_json: Json = False,
):
    """Relevance of the inputs for one output, by Relative Attributing Propagation.

    Example: wavenet attribute run --data derivative.h5 --case 3 --at 0.1,1.0 -o relevance
    """
    from .tasks import open_run

    try:
        x, r = map(float, at.split(","))
    except ValueError:
        raise ValueError(f"--at must be X,R, got {at!r}") from None
    if not (np.isfinite(x) and np.isfinite(r) and r >= 0):
        raise ValueError(f"--at must be X,R, finite and R >= 0, got {at!r}")
    name, model, _, dataset = open_run(run, data)
    if not 0 <= case < len(dataset):
        raise ValueError(f"--case must lie in 0 ... {len(dataset) - 1}, got {case}")
    out = folder(output)
    results = (_derivative if dataset.task == "derivative" else _forward)(model, dataset, case, (x, r), out)
    (out / "attribution.json").write_text(json.dumps({"model": name, "case": case, "outputs": results}, indent=1))
    say({"attribution": str(out / "attribution.json"), "worst_miss": max(o["miss"] for o in results)}, as_json)


def _own_phase(real, imaginary):
    """Selector weights of the projection on the output's own phase, whose value is the modulus."""
    angle = np.arctan2(imaginary, real)
    return float(np.cos(angle)), float(np.sin(angle))


def _record(output, attribution, **more):
    relevance = attribution.relevance
    total, leak = float(attribution.output.sum()), float(attribution.leak.sum())
    found = float(relevance.double().sum())
    size = float(relevance.double().abs().sum()) or 1.0
    layers = [{"name": layer.name, "kind": layer.kind, "leak": float(layer.leak.sum())} for layer in attribution.layers]
    sums = {"value": total, "relevance_sum": found, "leak": leak, "miss": abs(found + leak - total) / size}
    return {"output": output} | sums | more | {"layers": layers}


def of_velocity(core, seen, values, channel, at):
    """Relevance of a potential for |u| (channel 0) or |v| (channel 2) in cell (i, j), from what the core gave of it."""
    import torch

    from wavenet.rap import attribute as explain

    selector, (i, j) = torch.zeros_like(values), at
    weights = _own_phase(*values[0, channel : channel + 2, i, j].tolist())
    selector[0, channel, i, j], selector[0, channel + 1, i, j] = weights
    return explain(core, seen, selector)


def positive_shares(x, r, relevance, at, distances):
    """Shares of the positive relevance closer to cell (i, j) than some distances, and across the wall from it."""
    i, j = at
    positive = np.maximum(relevance, 0)
    distance = np.hypot(*np.meshgrid(x - x[i], r - r[j], indexing="ij"))
    other = (x[:, None] < 0) & ((r > 1) != (r[j] > 1))
    order = np.argsort(distance, axis=None)
    reached = np.append(0.0, np.cumsum(positive.ravel()[order])) / positive.sum()
    within = reached[np.searchsorted(distance.ravel()[order], distances)]
    return within, float(positive[other].sum() / positive.sum())


def _derivative(model, dataset, case, at, out):
    import torch

    from . import plots
    from .tasks import tensors

    x, r = dataset["x"], dataset["r"]
    i, j = int(np.argmin(np.abs(x - at[0]))), int(np.argmin(np.abs(r - at[1])))
    with torch.no_grad():
        potential, parameters, _ = tensors(dataset, [case])
        seen, _ = model.explained(potential, parameters)
        core = model.core(parameters)
        values = core(seen)
    results = []
    for channel, name in ((0, "u"), (2, "v")):
        attribution = of_velocity(core, seen, values, channel, (i, j))
        relevance = attribution.relevance[0].sum(dim=0).numpy()
        within, across = positive_shares(x, r, relevance, (i, j), 0.25)
        more = {
            "at": [float(x[i]), float(r[j])],
            "share_of_positive_relevance_within_0.25_radii": float(within),
            "share_of_positive_relevance_across_the_wall": across,
        }
        results.append(_record(f"|{name}| in the network's units", attribution, **more))
        title = f"relevance of the potential for |{name}| at x = {x[i]:.3f}, r = {r[j]:.3f}"
        plots.relevance_map(x, r, relevance, (x[i], r[j]), title).savefig(out / f"relevance_{name}.png", dpi=120)
    return results


def _forward(model, dataset, case, at, out):
    import torch

    from wavenet.forward_model import INPUTS
    from wavenet.rap import attribute as explain

    from . import plots
    from .tasks import tensors

    inputs = tensors(dataset, [case])[0]
    at = at if at != (0.1, 1.0) else (float(dataset["x"][0]), float(dataset["r"][0]))
    microphone = int(np.argmin(np.hypot(dataset["x"] - at[0], dataset["r"] - at[1])))
    with torch.no_grad():
        features = model.features(inputs)
        values = model.core(features)
    selector = torch.zeros_like(values)
    pair = slice(2 * microphone, 2 * microphone + 2)
    selector[0, pair] = torch.tensor(_own_phase(*values[0, pair].tolist()))
    attribution = explain(model.core, features, selector)
    names = [*INPUTS, "cut-on ratio"]
    relevance = attribution.relevance[0].tolist()
    place = f"x = {dataset['x'][microphone]:.2f}, r = {dataset['r'][microphone]:.2f}"
    title = f"relevance of the inputs for |p| at {place}"
    plots.relevance_bars(names, relevance, title).savefig(out / "relevance_p.png", dpi=120)
    more = {"relevance": dict(zip(names, relevance, strict=True))}
    return [_record(f"|p| at {place}, over the network's pressure scale", attribution, **more)]
