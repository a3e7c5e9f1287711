"""wavenet compare."""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .common import Data, Json, Out, folder, say


def compare(
    run: Annotated[Path, typer.Argument(help="Folder of a trained run.")],
    data: Data,
    output: Out,
    as_json: Json = False,
):
    """Compare a trained network with the Wiener–Hopf solution on the test cases, and write a report.

    Example: wavenet compare run --data derivative.h5 -o report
    """
    from .tasks import open_run

    name, model, about, dataset = open_run(run, data)
    cases = dataset.cases("test")
    if not len(cases):
        raise ValueError(f"{data} has no test cases")
    out = folder(output)
    metrics, pictures = (_derivative if dataset.task == "derivative" else _forward)(name, model, dataset, cases)
    metrics |= {
        "model": name,
        "test_cases": len(cases),
        "solver_error_estimate": float(dataset["error_estimate"][cases].max()),
        "training_seconds": about.get("training_seconds"),
        "preset": about.get("preset"),
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1))
    (out / "report.html").write_text(_report(metrics, pictures), encoding="utf-8")
    say({"report": str(out / "report.html")} | {key: metrics[key] for key in ("median", "percentile_95")}, as_json)


def relative_error(predicted, exact):
    """Relative L2 error of each case, all other axes together."""
    axes = tuple(range(1, exact.ndim))
    return np.sqrt(np.sum((predicted - exact) ** 2, axis=axes) / np.sum(exact**2, axis=axes))


def _summary(errors):
    return {
        "median": {name: float(np.median(error)) for name, error in errors.items()},
        "percentile_95": {name: float(np.percentile(error, 95)) for name, error in errors.items()},
    }


def _against(dataset, cases):
    return {"Helmholtz number ka": dataset["helmholtz"][cases], "azimuthal order m": dataset["m"][cases]}


def _derivative(name, model, dataset, cases):
    import torch

    from wavenet.differences import ORDERS, Differences
    from wavenet.waves import WaveDerivatives

    from . import plots
    from .tasks import predict, tensors

    x, r = dataset["x"], dataset["r"]
    predicted, exact = predict(model, dataset, cases)
    potential = torch.from_numpy(dataset["potential"][cases])
    candidates = {name: predicted} | {
        f"differences of order {order}": Differences(x, r, order)(potential).numpy() for order in ORDERS
    }
    candidates["wave stencils"] = WaveDerivatives(x, r)(potential, tensors(dataset, cases)[1]).numpy()
    errors = {
        f"{label}, {quantity}": relative_error(values[:, part], exact[:, part])
        for label, values in candidates.items()
        for quantity, part in (("u", slice(0, 2)), ("v", slice(2, 4)))
    }
    # The shortest wave runs against the flow.
    shortest = 2 * np.pi * (1 - np.abs(dataset["mach"][cases])) / dataset["helmholtz"][cases]
    against = _against(dataset, cases) | {"points per wavelength": shortest / max(x[1] - x[0], r[1] - r[0])}
    shown = {key: errors[key] for key in errors if key.startswith((name, "differences of order 8"))}
    case = cases[0]
    title = f"m = {dataset['m'][case]}, ka = {dataset['helmholtz'][case]:.3f}, M = {dataset['mach'][case]:.2f}"
    pictures = [plots.derivative_case(x, r, predicted[0], exact[0], title), plots.errors(against, shown)]
    return _summary(errors), pictures


def _forward(name, model, dataset, cases):
    from . import plots
    from .tasks import predict

    predicted, exact = predict(model, dataset, cases, batch=4096)
    errors = {name: relative_error(predicted, exact)}
    mean, everything = exact.mean(axis=(0,), keepdims=True), dataset.cases("train")
    keys = [dataset[key] for key in ("m", "n", "helmholtz", "mach")]
    points = np.stack([key * weight for key, weight in zip(keys, (100, 100, 1, 5), strict=True)], axis=1)
    nearest = [everything[np.argmin(np.sum((points[everything] - points[case]) ** 2, axis=1))] for case in cases]
    errors["nearest training case"] = relative_error(dataset["pressure"][nearest], exact)
    errors["mean of the test cases"] = relative_error(np.broadcast_to(mean, exact.shape), exact)
    modulus = [np.hypot(values[..., 0], values[..., 1]) for values in (predicted, exact)]
    loud = modulus[1] > 0.1 * modulus[1].max(axis=1, keepdims=True)  # within 20 dB of the peak
    level = np.abs(20 * np.log10(np.maximum(modulus[0][loud], 1e-300) / modulus[1][loud]))
    angle = np.degrees(np.arctan2(dataset["r"], dataset["x"]))
    case = cases[0]
    title = (
        f"mode ({dataset['m'][case]}, {dataset['n'][case]}), ka = {dataset['helmholtz'][case]:.3f}, "
        f"M = {dataset['mach'][case]:.2f}"
    )
    pictures = [
        plots.forward_case(angle, predicted[0], exact[0], title),
        plots.errors(_against(dataset, cases), {name: errors[name]}),
    ]
    level_error = {"median": float(np.median(level)), "percentile_95": float(np.percentile(level, 95))}
    return _summary(errors) | {"level_error_db_within_20_db": level_error}, pictures


def _report(metrics, pictures):
    from . import plots

    rows = [
        (name, f"{value:.2e}", f"{metrics['percentile_95'][name]:.2e}") for name, value in metrics["median"].items()
    ]
    facts = (
        f"<p>{metrics['test_cases']} test cases that no training saw; preset {metrics['preset']}; the Wiener–Hopf "
        f"solution's own error estimate is at most {metrics['solver_error_estimate']:.1e}.</p>"
    )
    if "level_error_db_within_20_db" in metrics:
        level = metrics["level_error_db_within_20_db"]
        facts += (
            f"<p>Level error within 20 dB of the peak: median {level['median']:.2f} dB, "
            f"95th percentile {level['percentile_95']:.2f} dB.</p>"
        )
    parts = [facts, plots.table(("relative L2 error", "median", "95th percentile"), rows), *map(plots.png, pictures)]
    return plots.page(f"Network “{metrics['model']}” against the Wiener–Hopf solution", parts)
