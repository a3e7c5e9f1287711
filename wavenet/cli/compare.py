"""wavenet compare."""

import json
import shlex
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
    from ..study.tasks import open_run
    from ..study import report

    name, model, about, dataset = open_run(run, data)
    cases = dataset.cases("test")
    if not len(cases):
        raise ValueError(f"{data} has no test cases")
    out = folder(output)
    errors, pictures, more, others = (_derivative if dataset.task == "derivative" else _forward)(
        name, model, dataset, cases
    )
    solver = float(dataset["error_estimate"][cases].max())
    sentences = report.verdict(
        errors,
        [_place(dataset, case) for case in cases],
        others=others,
        solver=solver,
        ranges=about.get("ranges", {}),
        columns={key: dataset[key][cases] for key in ("m", "helmholtz", "mach")},
    )
    flat = {label if q == "p" else f"{label}, {q}": error for label, of in errors.items() for q, error in of.items()}
    metrics = {
        "verdict": sentences,
        "median": {label: float(np.median(error)) for label, error in flat.items()},
        "percentile_95": {label: float(np.percentile(error, 95)) for label, error in flat.items()},
        "largest": {label: float(np.max(error)) for label, error in flat.items()},
        **more,
        "model": name,
        "test_cases": len(cases),
        "solver_error_estimate": solver,
        "training_seconds": about.get("training_seconds"),
        "preset": about.get("preset"),
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1))
    command = shlex.join(["wavenet", "compare", str(run), "--data", str(data), "-o", str(output)])
    origin = _origin(run, data, name, about, dataset) | {"command": command} | report.versions()
    text = [_level(more), "<h2>Errors</h2>", report.error_table(errors), "<h2>Pictures</h2>"]
    text += [*(report.picture(*picture) for picture in pictures), "<h2>Provenance</h2>", report.facts(origin)]
    title = f"Network “{name}” against the Wiener–Hopf solution"
    two = [" ".join(sentences[:2]), *sentences[2:]]
    (out / "report.html").write_text(report.page(title, two, text), encoding="utf-8")
    shown = {key: metrics[key] for key in ("median", "percentile_95")}
    say({"report": str(out / "report.html"), "verdict": " ".join(sentences)} | shown, as_json)


def relative_error(predicted, exact):
    """Relative L2 error of each case, all other axes together."""
    axes = tuple(range(1, exact.ndim))
    return np.sqrt(np.sum((predicted - exact) ** 2, axis=axes) / np.sum(exact**2, axis=axes))


def _place(dataset, case):
    """What a case is."""
    mode = (
        f"mode ({dataset['m'][case]}, {dataset['n'][case]})" if "n" in dataset.arrays else f"m = {dataset['m'][case]}"
    )
    return f"{mode}, ka = {dataset['helmholtz'][case]:.3f}, M = {dataset['mach'][case]:.2f}"


def _origin(run, data, name, about, dataset):
    """Where the run and the dataset come from."""
    of, trained = dataset.about.provenance, about.get("dataset", {})
    keys = ("recipe", "seed", "commit", "versions")
    same = all(str(of[key]) == str(trained.get(key)) for key in keys)
    seconds = about.get("training_seconds")
    taught = f"{name}, preset {about.get('preset')}, seed {about.get('seed')}"
    return {
        "run": f"{run}: {taught}" + ("" if seconds is None else f", trained for {seconds:.0f} s"),
        "dataset": f"{data}: recipe {of['recipe_name']}, seed {of['seed']}; {of['versions']}; commit {of['commit']}",
        "test cases": "of the dataset that the network was trained on; its training did not see them"
        if same
        else "of another dataset than the network was trained on; that its training saw none of them is not known",
    }


def _level(more):
    """The errors in decibels, where there are some."""
    if "level_error_db_within_20_db" not in more:
        return ""
    level = more["level_error_db_within_20_db"]
    return (
        f"<p>Level error within 20 dB of the peak: median {level['median']:.2f} dB, 95th percentile "
        f"{level['percentile_95']:.2f} dB.</p>"
    )


def _against(dataset, cases):
    return {"Helmholtz number ka": dataset["helmholtz"][cases], "azimuthal order m": dataset["m"][cases]}


def _shown(errors):
    """Places of the case with the median error, and of the one with the largest, and their errors."""
    largest = np.max(list(errors.values()), axis=0)
    order = np.argsort(largest)
    return [
        (kind, int(place), largest[place]) for kind, place in (("median", order[len(order) // 2]), ("worst", order[-1]))
    ]


def _derivative(name, model, dataset, cases):
    import torch

    from wavenet.derivatives.differences import ORDERS, Differences
    from wavenet.derivatives.wave_stencils import WaveDerivatives

    from ..study.tasks import predict, tensors
    from ..study import pictures
    from ..study.report import number

    x, r = dataset["x"], dataset["r"]
    predicted, exact = predict(model, dataset, cases)
    potential = torch.from_numpy(dataset["potential"][cases])
    candidates = {name: predicted} | {
        f"differences of order {order}": Differences(x, r, order)(potential).numpy() for order in ORDERS
    }
    candidates["wave stencils"] = WaveDerivatives(x, r)(potential, tensors(dataset, cases)[1]).numpy()
    parts = {"u": slice(0, 2), "v": slice(2, 4)}
    errors = {
        label: {q: relative_error(values[:, part], exact[:, part]) for q, part in parts.items()}
        for label, values in candidates.items()
    }
    # The shortest wave runs against the flow.
    shortest = 2 * np.pi * (1 - np.abs(dataset["mach"][cases])) / dataset["helmholtz"][cases]
    against = _against(dataset, cases) | {"points per wavelength": shortest / max(x[1] - x[0], r[1] - r[0])}
    best = min((label for label in errors if label != name), key=lambda label: np.median(errors[label]["u"]))
    pictures = [
        (
            pictures.derivative_case(x, r, predicted[place], exact[place], _place(dataset, cases[place])),
            f"The test case with the {kind} error, {number(error)}: {_place(dataset, cases[place])}. Real parts of "
            "axial and radial velocity by the network and by the Wiener–Hopf method, and the difference on a scale of "
            "its own. The black line is the duct's wall.",
            f"Six maps over x and r of the {kind} case. Largest difference of Re u: "
            f"{number(np.max(np.abs(predicted[place, 0] - exact[place, 0])))}, largest Re u: "
            f"{number(np.max(np.abs(exact[place, 0])))}.",
        )
        for kind, place, error in _shown(errors[name])
    ]
    methods = {name: errors[name]["u"], best: errors[best]["u"]}
    caption = f"Relative errors of u of all test cases: the network and {best}, the best classical method for u."
    pictures.append((pictures.errors(against, methods), caption, _scatter_alt(methods)))
    return errors, pictures, {}, "classical method"


def _scatter_alt(methods):
    from ..study.report import number

    spans = [f"{label} between {number(np.min(e))} and {number(np.max(e))}" for label, e in methods.items()]
    return f"Scatter plots of relative errors: {'; '.join(spans)}."


def _forward(name, model, dataset, cases):
    from ..study.tasks import predict
    from ..study import pictures
    from ..study.report import number

    predicted, exact = predict(model, dataset, cases, batch=4096)
    errors = {name: {"p": relative_error(predicted, exact)}}
    mean, everything = exact.mean(axis=(0,), keepdims=True), dataset.cases("train")
    keys = [dataset[key] for key in ("m", "n", "helmholtz", "mach")]
    points = np.stack([key * weight for key, weight in zip(keys, (100, 100, 1, 5), strict=True)], axis=1)
    nearest = [everything[np.argmin(np.sum((points[everything] - points[case]) ** 2, axis=1))] for case in cases]
    errors["nearest training case"] = {"p": relative_error(dataset["pressure"][nearest], exact)}
    errors["mean of the test cases"] = {"p": relative_error(np.broadcast_to(mean, exact.shape), exact)}
    modulus = [np.hypot(values[..., 0], values[..., 1]) for values in (predicted, exact)]
    loud = modulus[1] > 0.1 * modulus[1].max(axis=1, keepdims=True)  # within 20 dB of the peak
    level = np.abs(20 * np.log10(np.maximum(modulus[0][loud], 1e-300) / modulus[1][loud]))
    angle = np.degrees(np.arctan2(dataset["r"], dataset["x"]))
    pictures = [
        (
            pictures.forward_case(angle, predicted[place], exact[place], _place(dataset, cases[place])),
            f"The test case with the {kind} error, {number(error)}: {_place(dataset, cases[place])}. Level and real "
            "part of the pressure at the microphones, by the network and by the Wiener–Hopf method.",
            f"Two line plots against the angle for the {kind} case. Largest difference of Re p: "
            f"{number(np.max(np.abs(predicted[place, :, 0] - exact[place, :, 0])))}, largest Re p: "
            f"{number(np.max(np.abs(exact[place, :, 0])))}.",
        )
        for kind, place, error in _shown(errors[name])
    ]
    methods = {label: of["p"] for label, of in errors.items() if label != "mean of the test cases"}
    caption = "Relative errors of the pressure of all test cases: the network and the nearest training case."
    pictures.append((pictures.errors(_against(dataset, cases), methods), caption, _scatter_alt(methods)))
    level_error = {"median": float(np.median(level)), "percentile_95": float(np.percentile(level, 95))}
    return errors, pictures, {"level_error_db_within_20_db": level_error}, "baseline"
