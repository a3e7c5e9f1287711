"""The report of a comparison: tables, pictures and provenance on one HTML page."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from data.read import Dataset
from wavenet.arrays import Reals

from . import pictures, report
from .comparison import Comparison
from .errors import HEADINGS, STATISTICS, Shown
from .jet_factors import THETA
from .words import number


def page(comparison: Comparison, dataset: Dataset, provenance: Mapping[str, Any]) -> str:
    """The whole page; provenance : what `provenance` gives, the command among it."""
    parts = [
        _refused(comparison),
        _level(comparison),
        "<h2>Errors</h2>",
        error_table(comparison.errors),
        "<h2>Pictures</h2>",
        *figures(comparison, dataset),
        "<h2>Provenance</h2>",
        report.facts(provenance),
    ]
    title = f"Network “{comparison.network}” against the Wiener–Hopf solution"
    return report.page(title, comparison.verdict.sentences(), parts)


def figures(comparison: Comparison, dataset: Dataset) -> list[str]:
    """Pictures of the median and the worst case, and of the errors of all."""
    return [*(_SHOWN[comparison.task](comparison, dataset, shown) for shown in comparison.shown), _scatter(comparison)]


def provenance(comparison: Comparison, dataset: Dataset, run: object, data: object, command: str) -> dict[str, str]:
    """Where the run, the dataset and the report come from; run, data : paths. Facts by their names."""
    of, about = dataset.about.provenance, comparison.run
    seconds = about.get("training_seconds")
    training = f"{comparison.network}, preset {about.get('preset')}, seed {about.get('seed')}"
    return {
        "run": f"{run}: {training}" + ("" if seconds is None else f", trained for {seconds:.0f} s"),
        "dataset": f"{data}: recipe {of['recipe_name']}, seed {of['seed']}; {of['versions']}; commit {of['commit']}; "
        f"content {of['content_hash']}",
        "test cases": "of the dataset that the network was trained on; its training did not see them"
        if comparison.same_dataset
        else "of another dataset than the network was trained on; that its training saw none of them is not known",
        "command": command,
    } | report.versions()


def error_table(errors: Mapping[str, Mapping[str, Reals]], networks: int = 1) -> str:
    """Median, 95th percentile and largest error of each method; the smallest of each column stands out.

    errors : as `verdict.verdict` takes them, the networks first. networks : how many these are.
    """
    network, *_ = errors
    head = ["relative L2 error", *(f"{q}, {HEADINGS[name]}" for q in errors[network] for name in STATISTICS)]
    rows = {
        method: [statistic(values) for values in of.values() for statistic in STATISTICS.values()]
        for method, of in errors.items()
    }
    return report.table(head, rows, networks=tuple(errors)[:networks])


def _level(comparison: Comparison) -> str:
    """The errors in decibels, where there are pressures."""
    level = comparison.level_statistics()
    if not level:
        return ""
    return (
        f"<p>Level error within 20 dB of the peak: median {level['median']:.2f} dB, 95th percentile "
        f"{level['percentile_95']:.2f} dB.</p>"
    )


def _refused(comparison: Comparison) -> str:
    """Test cases that the network does not take."""
    if not comparison.refused:
        return ""
    every = comparison.refused + len(comparison.cases)
    return f"<p>The network refuses {comparison.refused} of {every} test cases, which are left to the solver.</p>"


def _scatter(comparison: Comparison) -> str:
    """Errors of the network and of its rival, against what they may depend on."""
    quantity = next(iter(comparison.errors[comparison.network]))  # u, p or D
    methods = {name: comparison.errors[name][quantity] for name in (comparison.network, comparison.rival)}
    ends = {label: (float(np.min(errors)), float(np.max(errors))) for label, errors in methods.items()}
    spans = [f"{label} between {number(low)} and {number(high)}" for label, (low, high) in ends.items()]
    return report.picture(
        pictures.errors(comparison.against, methods, quantity),
        _SCATTER[comparison.task].format(rival=comparison.rival),
        f"Scatter plots of relative errors: {'; '.join(spans)}.",
    )


def _velocities(comparison: Comparison, dataset: Dataset, shown: Shown) -> str:
    predicted, exact = comparison.predicted[shown.index], comparison.exact[shown.index]
    title = comparison.descriptions[shown.index]
    return report.picture(
        pictures.derivative_case(dataset["x"], dataset["r"], predicted, exact, title),
        f"The test case with the {shown.kind} error of u or v, whichever is larger, {number(shown.error)}: {title}. "
        "Real parts of the axial and radial velocity u and v, by the network and by the Wiener–Hopf method, and "
        "their difference on a scale of its own. Velocities are over the sound speed c; colours end below the largest "
        "ones, next to the lip. The black line is the duct's wall.",
        f"Six maps over x and r of the {shown.kind} case. {_largest('u', predicted[0], exact[0])}",
    )


def _pressures(comparison: Comparison, dataset: Dataset, shown: Shown) -> str:
    predicted, exact = comparison.predicted[shown.index], comparison.exact[shown.index]
    title = comparison.descriptions[shown.index]
    angle = np.degrees(np.arctan2(dataset["r"], dataset["x"]))
    return report.picture(
        pictures.forward_case(angle, predicted, exact, title),
        f"The test case with the {shown.kind} error of p, {number(shown.error)}: {title}. Level and real "
        "part of the pressure p at the microphones, by the network and by the Wiener–Hopf method.",
        f"Two line plots against the angle for the {shown.kind} case. {_largest('p', predicted[:, 0], exact[:, 0])}",
    )


def _directivities(comparison: Comparison, dataset: Dataset, shown: Shown) -> str:
    predicted, exact = comparison.predicted[shown.index], comparison.exact[shown.index]
    title = comparison.descriptions[shown.index]
    return report.picture(
        pictures.forward_case(np.degrees(THETA), predicted, exact, title, symbol="D", unit="a"),
        f"The test case with the {shown.kind} error of D, {number(shown.error)}: {title}. Level and real "
        "part of D, the directivity outside the jet, by the network and by the Wiener–Hopf method.",
        f"Two line plots against the angle for the {shown.kind} case. {_largest('D', predicted[:, 0], exact[:, 0])}",
    )


def _largest(symbol: str, predicted: Reals, exact: Reals) -> str:
    """Largest difference of real parts, and the largest one, in words."""
    difference, size = float(np.max(np.abs(predicted - exact))), float(np.max(np.abs(exact)))
    return f"Largest difference of Re {symbol}: {number(difference)}, largest Re {symbol}: {number(size)}."


_SHOWN: dict[str, Callable[[Comparison, Dataset, Shown], str]] = {
    "derivative": _velocities,
    "forward": _pressures,
    "jet_factor": _directivities,
}
_SCATTER = {
    "derivative": "Relative errors of u of all test cases: the network and {rival}, the best classical method for u.",
    "forward": "Relative errors of p of all test cases: the network and {rival}, the best method without one.",
    "jet_factor": "Relative errors of D of all test cases: the network and {rival}, the best method without one.",
}
