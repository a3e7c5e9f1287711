"""wavenet attribute."""

import json
from typing import Annotated

import numpy as np
import typer

from .common import Data, Json, Out, folder, say


def attribute(
    run: Annotated[str, typer.Argument(help="Folder of a trained run, or derivative, unet or mlp: the package's own.")],
    data: Data,
    output: Out,
    case: Annotated[int, typer.Option(help="Case of the dataset.")] = 0,
    at: Annotated[
        str | None, typer.Option(help="X,R of the point [0.1,1] or microphone [the first]; the nearest is taken.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="rap, lrp-epsilon, … : the keys of wavenet.explain.methods.METHODS.")
    ] = "rap",
    as_json: Json = False,
):
    """Relevance of the inputs for one output, by Relative Attributing Propagation or another method.

    Example: wavenet attribute run --data derivative.h5 --case 3 --at 0.1,1.0 -o relevance
    """
    from wavenet.explain.methods import METHODS

    from ..study.tasks import open_run

    point = None if at is None else _point(at)
    if method not in METHODS:
        raise ValueError(f"--method must be one of {', '.join(METHODS)}, got {method!r}")
    name, model, _, dataset = open_run(run, data)
    if not 0 <= case < len(dataset):
        raise ValueError(f"--case must lie in 0 ... {len(dataset) - 1}, got {case}")
    out = folder(output)
    explain = _derivative if dataset.task == "derivative" else _forward
    results = explain(model, dataset, case, point, METHODS[method], out)
    about = {"model": name, "case": case, "method": method, "outputs": results}
    (out / "attribution.json").write_text(json.dumps(about, indent=1))
    said = {"attribution": str(out / "attribution.json")}
    known = [output["miss"] for output in results if output["miss"] is not None]
    say(said | ({"worst_miss": max(known)} if known else {}), as_json)


def _point(text):
    try:
        x, r = map(float, text.split(","))
    except ValueError:
        raise ValueError(f"--at must be X,R, got {text!r}") from None
    if not (np.isfinite(x) and np.isfinite(r) and r >= 0):
        raise ValueError(f"--at must be X,R, finite and R >= 0, got {text!r}")
    return x, r


def _own_phase(real, imaginary):
    """Selector weights of the projection on the output's own phase, whose value is the modulus."""
    angle = np.arctan2(imaginary, real)
    return float(np.cos(angle)), float(np.sin(angle))


def _explained(explainer, seen, selector, value, name):
    """Relevance (element, ...) of one case, and what is told of it: value is the explained output."""
    if hasattr(explainer, "explain"):
        found = explainer.explain(seen, selector)
        relevance, leak, value = found.relevance, float(found.leak.sum()), float(found.output.sum())
        layers = [{"name": layer.name, "kind": layer.kind, "leak": float(layer.leak.sum())} for layer in found.layers]
    else:
        relevance, leak, layers = explainer.attribute(seen, selector), None, []
    total = float(relevance.double().sum())
    size = float(relevance.double().abs().sum()) or 1.0
    miss = None if leak is None else abs(total + leak - value) / size  # other methods do not conserve
    sums = {"value": value, "relevance_sum": total, "leak": leak, "miss": miss}
    return relevance[0], {"output": name} | sums | {"layers": layers}


def _of_velocity(values, channel, at):
    """Selector of |u| (channel 0) or |v| (channel 2) in cell (i, j)."""
    import torch

    selector, (i, j) = torch.zeros_like(values), at
    weights = _own_phase(*values[0, channel : channel + 2, i, j].tolist())
    selector[0, channel, i, j], selector[0, channel + 1, i, j] = weights
    return selector


def of_velocity(core, seen, values, channel, at):
    """Relevance of a potential for |u| (channel 0) or |v| (channel 2) in cell (i, j), from what the core gave of it."""
    from wavenet.rap import attribute as explain

    return explain(core, seen, _of_velocity(values, channel, at))


def positive_shares(x, r, relevance, at, distances):
    """Shares of the positive relevance closer to cell (i, j) than some distances, and across the wall from it."""
    i, j = at
    positive = np.maximum(relevance, 0)
    distance = np.hypot(*np.meshgrid(x - x[i], r - r[j], indexing="ij"))
    other = (x[:, None] < 0) & ((r > 1) != (r[j] > 1))
    order = np.argsort(distance, axis=None)
    total = positive.sum() or 1.0  # nothing may be positive: then all shares are zero
    reached = np.append(0.0, np.cumsum(positive.ravel()[order])) / total
    within = reached[np.searchsorted(distance.ravel()[order], distances)]
    return within, float(positive[other].sum() / total)


def _derivative(model, dataset, case, at, method, out):
    import torch

    from ..study.tasks import tensors
    from ..study import pictures

    (x, r), at = (dataset["x"], dataset["r"]), at or (0.1, 1.0)
    i, j = int(np.argmin(np.abs(x - at[0]))), int(np.argmin(np.abs(r - at[1])))
    with torch.no_grad():
        potential, parameters, _ = tensors(dataset, [case])
        seen, _ = model.explained(potential, parameters)
        core = model.core(parameters)
        values = core(seen)
    results = []
    for channel, name in ((0, "u"), (2, "v")):
        selector = _of_velocity(values, channel, (i, j))
        value = float((selector * values).sum())
        found, record = _explained(method(core), seen, selector, value, f"|{name}| in the network's units")
        relevance = found.sum(dim=0).double().numpy()
        within, across = positive_shares(x, r, relevance, (i, j), 0.25)
        more = {
            "at": [float(x[i]), float(r[j])],
            "share_of_positive_relevance_within_0.25_radii": float(within),
            "share_of_positive_relevance_across_the_wall": across,
        }
        results.append(record | more)
        title = f"relevance of the potential for |{name}| at x = {x[i]:.3f}, r = {r[j]:.3f}"
        pictures.relevance_map(x, r, relevance, (x[i], r[j]), title).savefig(out / f"relevance_{name}.png", dpi=120)
    return results


def _forward(model, dataset, case, at, method, out):
    import torch

    from wavenet.forward.feed_forward import INPUTS

    from ..study.tasks import tensors
    from ..study import pictures

    inputs = tensors(dataset, [case])[0]
    at = at or (float(dataset["x"][0]), float(dataset["r"][0]))
    microphone = int(np.argmin(np.hypot(dataset["x"] - at[0], dataset["r"] - at[1])))
    with torch.no_grad():
        features = model.features(inputs)
        values = model.core(features)
    selector = torch.zeros_like(values)
    pair = slice(2 * microphone, 2 * microphone + 2)
    selector[0, pair] = torch.tensor(_own_phase(*values[0, pair].tolist()))
    names = [*INPUTS, "cut-on ratio"]
    place = f"x = {dataset['x'][microphone]:.2f}, r = {dataset['r'][microphone]:.2f}"
    value = float((selector * values).sum())
    output = f"|p| at {place}, over the network's pressure scale"
    found, record = _explained(method(model.core), features, selector, value, output)
    relevance = found.tolist()
    title = f"relevance of the inputs for |p| at {place}"
    pictures.relevance_bars(names, relevance, title).savefig(out / "relevance_p.png", dpi=120)
    return [record | {"relevance": dict(zip(names, relevance, strict=True))}]
