"""wavenet compare."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from .common import Data, Device, Json, Model, Out, folder, say


def compare(
    run: Annotated[
        Path,
        typer.Argument(
            help="Folder of a trained run, or the name of a network of the package: derivative, forward, jet_factor, "
            "unet or mlp."
        ),
    ],
    data: Data,
    output: Out,
    model: Model = None,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Compare a trained network with the Wiener–Hopf solution on the test cases, and write a report.

    Example: wavenet compare run --data derivative.h5 -o report
    """
    from ..devices import usable
    from ..study import comparison, comparison_report
    from ..study.tasks import open_run

    place = usable(device)
    name, network, about, dataset = open_run(run, data, model)
    cases = comparison.expect_test_cases(dataset, data)
    out = folder(output)
    found = comparison.compare(name, network.to(place), about, dataset, cases)
    metrics = found.metrics()
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1))
    named = [*(["--model", model] if model else []), *(["--device", device] if device != "cpu" else [])]
    command = shlex.join(["wavenet", "compare", str(run), "--data", str(data), "-o", str(output), *named])
    facts = comparison_report.provenance(found, dataset, run, data, command)
    page = comparison_report.page(found, dataset, facts)
    (out / "report.html").write_text(page, encoding="utf-8", errors="backslashreplace")
    shown = {key: metrics[key] for key in ("median", "percentile_95")}
    say({"report": str(out / "report.html"), "verdict": " ".join(metrics["verdict"])} | shown, as_json)
