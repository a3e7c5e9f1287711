"""wavenet demo."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from .attribute import attribute
from .check import check
from .common import Json, folder, say
from .compare import compare
from .generate import generate
from .solve import solve
from .train import train


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write; must be new or empty.")] = Path(
        "demo"
    ),
    cases: Annotated[int | None, typer.Option(help="Cases of each dataset, instead of the recipes'.")] = None,
    as_json: Json = False,
):
    """All of it, small: solve, generate, check, train three networks, compare, attribute.

    Example: wavenet demo -o demo
    """
    out = folder(output)
    if any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty")
    started = time.perf_counter()
    runs = {"forward": ("mlp",), "derivative": ("unet", "constrained")}

    def step(name, command, *arguments, **options):
        print(f"[{time.perf_counter() - started:5.0f} s] {name}", file=sys.stderr, flush=True)
        command(*arguments, **options)

    step("solve", solve, m=2, n=0, helmholtz=5.0, as_json=True, plot=out / "mode_2_0.png")
    metrics = {}
    for task, models in runs.items():
        file = out / f"{task}.h5"
        step(f"generate {task}-demo", generate, f"{task}-demo", file, cases=cases)
        step(f"check {file.name}", check, file)
        for name in models:
            run, report = out / f"run-{name}", out / f"compare-{name}"
            step(f"train {name}", train, task, file, run, name, as_json=not sys.stderr.isatty())
            step(f"compare {name}", compare, run, file, report)
            step(f"attribute {name}", attribute, str(run), file, out / f"attribute-{name}")
            metrics[name] = json.loads((report / "metrics.json").read_text())
    worst = max(
        record["miss"]
        for path in out.glob("attribute-*/attribution.json")
        for record in json.loads(path.read_text())["outputs"]
    )
    summary = {
        "seconds": time.perf_counter() - started,
        "median": {key: value for of in metrics.values() for key, value in of["median"].items()},
        "percentile_95": {key: value for of in metrics.values() for key, value in of["percentile_95"].items()},
        "relevance_miss": worst,
    }
    (out / "metrics.json").write_text(json.dumps(summary, indent=1))
    (out / "index.html").write_text(_index(summary, metrics), encoding="utf-8")
    say(summary if as_json else {"report": str(out / "index.html"), "seconds": round(summary["seconds"])}, as_json)
    if not as_json:
        say({name: f"median {value:.2e}" for name, value in summary["median"].items()}, False)


def _index(summary, metrics):
    from . import plots

    rows = [
        (name, f"{value:.2e}", f"{summary['percentile_95'][name]:.2e}") for name, value in summary["median"].items()
    ]
    links = "".join(
        f'<li>{name}: <a href="compare-{name}/report.html">report</a>, <a href="attribute-{name}">relevance</a></li>'
        for name in metrics
    )
    pictures = "".join(
        f'<h2>What “{n}” uses</h2><img alt="relevance" src="attribute-{n}/relevance_{q}.png">'
        for n, q in (("unet", "u"), ("constrained", "u"), ("mlp", "p"))
        if n in metrics
    )
    parts = [
        plots.table(("relative L2 error on test cases", "median", "95th percentile"), rows),
        f"<ul>{links}</ul>",
        f"<p>Relevance is conserved to {summary['relevance_miss']:.1e} of its absolute sum.</p>",
        '<h2>Mode (2, 0) at ka = 5</h2><img alt="directivity and near field" src="mode_2_0.png">',
        pictures,
    ]
    return plots.page("wavenet: the whole road, small", parts)
