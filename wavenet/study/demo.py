"""The demo's summary and its front page."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import report
from .errors import HEADINGS, STATISTICS
from .words import listed, number

_RELEVANCE = (
    ("constrained", "u"),
    ("unet", "u"),
    ("feedforward", "p"),
)  # pictures of the front page: network, quantity


def summarise(
    metrics: Mapping[str, Mapping[str, Any]], attributions: Sequence[Mapping[str, Any]], seconds: float
) -> dict[str, Any]:
    """The demo's numbers.

    metrics : of each network, see `comparison.Comparison.metrics`. attributions : the attribution.json of each network.
    seconds : time of the whole demo.
    """
    misses = [output["miss"] for attribution in attributions for output in attribution["outputs"]]
    statistics = {
        name: {label: value for of in metrics.values() for label, value in of[name].items()} for name in STATISTICS
    }
    return {"seconds": seconds, **statistics, "relevance_miss": max(misses)}


def front_page(out: Path, summary: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]], command: str) -> str:
    """HTML page that links to the reports in the folder `out`; command : that made it."""
    links = "".join(
        f'<li><a href="compare-{name}/report.html">{name}</a>: {html.escape(" ".join(of["verdict"][:2]))} '
        f'<a href="attribute-{name}">Relevance</a>.</li>'
        for name, of in metrics.items()
    )
    parts = [
        f"<h2>Network by network</h2><ul>{links}</ul>",
        "<h2>Errors</h2>",
        _errors("derivatives, relative L2", ("u", "v"), summary, metrics),
        _errors("pressure, relative L2", ("p",), summary, metrics),
        "<h2>Pictures</h2>",
        *_pictures(out),
        "<h2>Provenance</h2>",
        report.facts({"command": command, "seconds": round(summary["seconds"])} | report.versions()),
    ]
    lead = (
        f"{len(metrics)} networks were trained on Wiener–Hopf solutions in {summary['seconds']:.0f} seconds, datasets "
        f"included: {winners(metrics)}."
    )
    rest = f"Relevance is conserved to {number(summary['relevance_miss'])} of its absolute sum."
    return report.page("wavenet demo: every step on a small scale", [lead, rest], parts)


def winners(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Which networks have the smallest median errors, each beside the methods without training, as a clause."""
    best: list[str] = []
    others: list[str] = []
    for name, of in metrics.items():
        own = {_quantity(label): error for label, error in of["median"].items() if label.split(", ")[0] == name}
        rest = [(label, error) for label, error in of["median"].items() if label.split(", ")[0] != name]
        ahead = all(own[_quantity(label)] < error for label, error in rest)
        (best if ahead else others).append(f"“{name}”")
    if not best:
        return "none has smaller median errors than every method beside it"
    said = f"{listed(best)} {_have(best)} smaller median errors than every method without training"
    return f"{said}, {listed(others)} {_have(others)} not" if others else said


def _errors(title: str, quantities: Sequence[str], summary: Mapping[str, Any], networks: Mapping[str, Any]) -> str:
    """Table of the errors of some quantities."""
    head = [title, *(f"{q}, {HEADINGS[name]}" for q in quantities for name in STATISTICS)]
    suffixes = [f", {q}" if q != "p" else "" for q in quantities]
    methods = [label.removesuffix(suffixes[0]) for label in summary["median"] if _quantity(label) == quantities[0]]
    rows = {method: [summary[name][method + end] for end in suffixes for name in STATISTICS] for method in methods}
    return report.table(head, rows, networks=tuple(networks))


def _pictures(out: Path) -> list[str]:
    solved = report.picture(
        (out / "mode_2_0.png").read_bytes(),
        "What the networks learn from: mode (2, 0) at ka = 5 by the Wiener–Hopf method.",
        "A line plot of the directivity in dB and a map of the pressure around the duct's open end.",
    )
    relevance = [
        report.picture(
            (out / f"attribute-{name}" / f"relevance_{q}.png").read_bytes(),
            f"What “{name}” uses: relevance of its inputs for |{q}| at one point, by Relative Attributing Propagation.",
            f"{'Bars' if q == 'p' else 'Two maps'} of the relevance of the inputs of {name} for |{q}|.",
        )
        for name, q in _RELEVANCE
    ]
    return [solved, *relevance]


def _quantity(label: str) -> str:
    """The quantity of an error's label: "method, u", "method, v", or "method" for the pressure."""
    return label[-1] if label.endswith((", u", ", v")) else "p"


def _have(names: Sequence[str]) -> str:
    return "have" if len(names) > 1 else "has"
