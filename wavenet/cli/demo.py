"""wavenet demo."""

import html
import json
import shlex
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
        "largest": {key: value for of in metrics.values() for key, value in of["largest"].items()},
        "relevance_miss": worst,
    }
    (out / "metrics.json").write_text(json.dumps(summary, indent=1))
    command = shlex.join(["wavenet", "demo", "-o", str(output), *([] if cases is None else ["--cases", str(cases)])])
    (out / "index.html").write_text(_index(out, summary, metrics, command), encoding="utf-8")
    say(summary if as_json else {"report": str(out / "index.html"), "seconds": round(summary["seconds"])}, as_json)
    if not as_json:
        say({name: f"median {value:.2e}" for name, value in summary["median"].items()}, False)


def _index(out, summary, metrics, command):
    from ..study import report

    statistics = {"median": "median", "95 %": "percentile_95", "worst": "largest"}

    def errors(title, quantities):
        head = [title, *(f"{q}, {name}" for q in quantities for name in statistics)]
        suffixes = [f", {q}" if q != "p" else "" for q in quantities]
        methods = [label.removesuffix(suffixes[0]) for label in summary["median"] if _quantity(label) == quantities[0]]
        rows = {
            method: [summary[key][method + suffix] for suffix in suffixes for key in statistics.values()]
            for method in methods
        }
        return report.table(head, rows, networks=metrics)

    links = "".join(
        f'<li><a href="compare-{name}/report.html">{name}</a>: {html.escape(" ".join(of["verdict"][:2]))} '
        f'<a href="attribute-{name}">Relevance</a>.</li>'
        for name, of in metrics.items()
    )
    pictures = [
        report.picture(
            (out / f"attribute-{name}" / f"relevance_{q}.png").read_bytes(),
            f"What “{name}” uses: relevance of its inputs for |{q}| at one point, by Relative Attributing Propagation.",
            f"{'Bars' if name == 'mlp' else 'Two maps'} of the relevance of the inputs of {name} for |{q}|.",
        )
        for name, q in (("constrained", "u"), ("unet", "u"), ("mlp", "p"))
    ]
    solved = report.picture(
        (out / "mode_2_0.png").read_bytes(),
        "What the networks learn from: mode (2, 0) at ka = 5 by the Wiener–Hopf method.",
        "A line plot of the directivity in dB and a map of the pressure around the duct's open end.",
    )
    parts = [
        f"<h2>Network by network</h2><ul>{links}</ul>",
        "<h2>Errors</h2>",
        errors("derivatives, relative L2", ("u", "v")),
        errors("pressure, relative L2", ("p",)),
        "<h2>Pictures</h2>",
        solved,
        *pictures,
        "<h2>Provenance</h2>",
        report.facts({"command": command, "seconds": round(summary["seconds"])} | report.versions()),
    ]
    lead = (
        f"{len(metrics)} networks were taught by the Wiener–Hopf method in {summary['seconds']:.0f} seconds, datasets "
        f"included: {_winners(metrics)}."
    )
    rest = f"Relevance is conserved to {report.number(summary['relevance_miss'])} of its absolute sum."
    return report.page("wavenet: the whole road, small", [lead, rest], parts)


def _quantity(label):
    """What an error is of."""
    return label[-1] if label.endswith((", u", ", v")) else "p"


def _winners(metrics):
    """Which networks have the smallest median errors, each beside the methods without training."""
    from ..study.report import listed

    winners: list[str] = []
    others: list[str] = []
    for name, of in metrics.items():
        own = {_quantity(label): error for label, error in of["median"].items() if label.split(", ")[0] == name}
        rest = [(label, error) for label, error in of["median"].items() if label.split(", ")[0] != name]
        best = all(own[_quantity(label)] < error for label, error in rest)
        (winners if best else others).append(f"“{name}”")
    if not winners:
        return "none has smaller median errors than every method beside it"
    said = f"{listed(winners)} {_have(winners)} smaller median errors than every method without training"
    return f"{said}, {listed(others)} {_have(others)} not" if others else said


def _have(names):
    return "have" if len(names) > 1 else "has"
