"""Reports say what the numbers say, also where the network loses, and need nothing but themselves."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from wavenet.study import comparison_report, report
from wavenet.study.verdict import verdict
from wavenet.study.words import number

CASES = 10


def errors(**medians):
    """Errors of methods around their medians of u and v."""
    spread = np.linspace(0.9, 1.1, CASES + 1)[:CASES] + 0.01
    return {
        name.replace("_", " "): {q: spread * of for q, of in zip("uv", pair, strict=True)}
        for name, pair in medians.items()
    }


def sentences(found, solver=1e-9, ranges=None, helmholtz=5.0):
    places = [f"m = {case}" for case in range(CASES)]
    columns = {"helmholtz": np.full(CASES, helmholtz)}
    ranges = {"helmholtz": (3.0, 12.0)} if ranges is None else ranges
    return verdict(found, places, others="classical method", solver=solver, ranges=ranges, columns=columns).sentences()


@pytest.mark.parametrize(
    ("network", "lead", "cases"),
    [
        ((1e-6, 2e-6), "“net” is the best of 3 methods", 10),
        ((1e-2, 2e-2), "“net” loses to the best classical method", 0),
        ((1e-3, 2e-3), "“net” is as good as the best classical method", 0),
        ((1e-3, 1e-4), "“net” is at least as good as the best classical method", 0),
        ((1e-6, 2e-2), "Neither the network “net” nor any classical method is the best", 0),
    ],
)
def test_the_verdict_follows_from_the_numbers(network, lead, cases):
    first, second, *_ = sentences(errors(net=network, order_8=(1e-3, 2e-3), order_2=(1e-1, 1e-1)))
    assert lead in first
    assert f"in {cases} of {CASES} test cases" in second
    assert f"m = {CASES - 1}, has the error {number(max(network) * 1.09)}" in second


def test_ratios_are_to_the_best_of_each_quantity():
    first = sentences(errors(net=(1e-6, 5e-3), a=(1e-3, 1e-3), b=(1e-2, 1e-4)))[0]
    assert "of u, 1,000 times less than by a (1.0 × 10⁻³)" in first
    assert "of v, 50 times as much as by b (1.0 × 10⁻⁴)" in first


def test_ranges_and_the_solver_are_judged():
    good = errors(net=(1e-6, 1e-6), a=(1e-3, 1e-3))
    *_, inside, solver = sentences(good)
    assert inside == "All test cases are within the ranges of the training (ka = 3 … 12)."
    assert solver.endswith("small against that.")
    *_, inside, solver = sentences(good, solver=1e-6, helmholtz=13.0)
    assert inside.startswith("10 of 10 test cases are outside")
    assert "not much larger" in solver
    assert "does not say" in sentences(good, ranges={})[2]


def test_a_page_needs_nothing_else(check_page):
    found = errors(net=(1e-6, 1e-6), a=(1e-3, 1e-3))
    parts = [comparison_report.error_table(found), report.picture(Figure(), "a <caption>", 'an "alt"')]
    parts += ["<h2>Provenance</h2>", report.facts({"command": "wavenet <b>"} | report.versions())]
    text = report.page("a & b", sentences(found), parts)
    check_page(text)
    assert "a &lt;caption&gt;" in text
    assert "wavenet &lt;b&gt;" in text
