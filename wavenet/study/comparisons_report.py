"""The report of one or of several networks: that of a comparison, or all of them on one page."""

import html

from . import comparison_report, report
from .comparisons import Comparisons
from .words import number


def page(found: Comparisons, command: str) -> str:
    """The whole page; command : what made it."""
    if len(found) == 1:
        (one,), (place,) = found.each, found.places
        facts = comparison_report.provenance(one, found.dataset, place, found.data, command)
        return comparison_report.page(one, found.dataset, facts)
    parts = ["<h2>Errors</h2>", comparison_report.error_table(found.errors(), len(found))]
    last = ["<h2>Provenance</h2>"]
    for one, place in zip(found.each, found.places, strict=True):
        parts += [
            f"<h2>{html.escape(one.network)}</h2>",
            f"<p>{html.escape(' '.join(one.verdict.sentences()))}</p>",
            *comparison_report.figures(one, found.dataset),
        ]
        last.append(report.facts(comparison_report.provenance(one, found.dataset, place, found.data, command)))
    parts += last
    return report.page("Networks against the Wiener–Hopf solution", lead(found), parts)


def lead(found: Comparisons) -> list[str]:
    """Which network has the smallest median error of each quantity."""
    sentences = []
    for quantity in found.each[0].verdict.ratios:
        medians = {one.network: one.verdict.medians[one.network][quantity] for one in found}
        best = min(medians, key=lambda name: medians[name])
        sentences.append(
            f"Of the networks, “{best}” has the smallest median error of {quantity}, {number(medians[best])}; the "
            f"largest is {number(max(medians.values()))}."
        )
    return sentences
