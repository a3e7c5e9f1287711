"""Reports say what the numbers say, also where the network loses, and need nothing but themselves."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from wavenet.study import comparison_report, demo, report
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
    worst = number(max(network) * 1.09)
    assert second.endswith(f"m = {CASES - 1}, has the error {worst}, the larger of those of u and v.")


def test_ratios_are_to_the_best_of_each_quantity():
    first = sentences(errors(net=(1e-6, 5e-3), a=(1e-3, 1e-3), b=(1e-2, 1e-4)))[0]
    own, rival = (
        "1.0 × 10⁻⁶, 1,000 times less than that of a (1.0 × 10⁻³)",
        "50 times as much as that of b (1.0 × 10⁻⁴)",
    )
    assert f"Its median relative error of u is {own}. Of v it is 5.0 × 10⁻³, {rival}." in first


def test_a_verdict_is_made_of_sentences_that_are_short():
    found = errors(constrained_unet=(1e-6, 5e-3), differences_of_order_8=(1e-3, 1e-3), wave_stencils=(1e-2, 1e-4))
    for paragraph in sentences(found):
        assert paragraph.endswith(".")
        for sentence in re.split(r"(?<=[^0-9]\.) (?=[A-Z])", paragraph):
            assert len(sentence.split()) < 30, sentence
            assert ";" not in sentence


def test_the_worst_error_of_one_quantity_is_of_that():
    second = sentences({"net": {"p": np.full(CASES, 0.1)}, "a": {"p": np.full(CASES, 0.2)}})[1]
    assert second.endswith("has the error 0.10 of p.")


def test_ranges_and_the_solver_are_judged():
    good = errors(net=(1e-6, 1e-6), a=(1e-3, 1e-3))
    *_, inside, solver = sentences(good)
    assert inside == "All test cases are within the ranges of the training (ka = 3 … 12)."
    assert solver.endswith("small against that.")
    *_, inside, solver = sentences(good, solver=1e-6, helmholtz=13.0)
    assert inside.startswith("10 of 10 test cases are outside")
    assert "not much larger" in solver
    assert "does not say" in sentences(good, ranges={})[2]


@pytest.mark.parametrize(
    ("value", "outside"), [(12.08, False), (12.1, True), (2.92, False), (2.9, True)]
)  # 1 % of the range beyond it
def test_cases_outside_of_a_range_are_counted(value, outside):
    columns = {"helmholtz": np.full(CASES, 5.0), "mach": np.zeros(CASES)}
    columns["helmholtz"][:3] = value
    columns["mach"][2:4] = 0.6
    found = verdict(
        errors(net=(1e-3, 1e-3), a=(1e-2, 1e-2)),
        ["case"] * CASES,
        others="baseline",
        solver=1e-9,
        ranges={"helmholtz": (3.0, 12.0), "mach": (-0.5, 0.5)},
        columns=columns,
    )
    assert found.outside == (4 if outside else 2)  # one case is outside of both
    assert "(ka = 3 … 12, M = -0.5 … 0.5)" in found.sentences()[2]


def test_medians_within_20_percent_count_as_equal_in_either_direction():
    first = sentences(errors(net=(1e-3, 1e-3), a=(0.9e-3, 1.1e-3)))[0]
    assert "“net” is as good as the best classical method. " in first
    assert first.count("about as much as that of a") == 2


@pytest.mark.parametrize(
    ("own", "rival", "lead", "how"),
    [
        (0.0, 1e-3, "is the best of 2 methods", "error of p is 0, exactly, unlike that of a (1.0 × 10⁻³)"),
        (1e-3, 0.0, "loses to the best", "not exactly zero like that of a (0)"),
        (0.0, 0.0, "is as good as the best", "about as much as that of a"),
    ],
)
def test_medians_that_are_exactly_zero_are_compared(own, rival, lead, how):
    found = {"net": {"p": np.full(3, own)}, "a": {"p": np.full(3, rival)}}
    text = verdict(found, list("xyz"), others="b", solver=0.0, ranges={}, columns={}).sentences()[0]
    assert lead in text
    assert how in text


def test_a_range_of_one_value_is_told_as_one_value():
    good = errors(net=(1e-6, 1e-6), a=(1e-3, 1e-3))
    assert "the ranges of the training (ka = 5)." in sentences(good, ranges={"helmholtz": (5.0, 5.0)})[2]


def test_the_solver_s_error_counts_from_a_tenth_of_the_network_s_best_median():
    found = errors(net=(1.0 / 1.0095e3, 5e-3), a=(1.0, 1.0))  # medians 1e-3 and 5e-3, within 1 %
    assert sentences(found, solver=0.9e-4)[3].endswith("at most 9.0 × 10⁻⁵, small against that.")
    assert "is not much larger" in sentences(found, solver=1.1e-4)[3]


def test_a_case_is_won_in_every_quantity_against_every_method():
    own, a = np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 2.0, 0.5, 2.0])
    found = {"net": {"u": own, "v": own}, "a": {"u": a, "v": own + 1}, "b": {"u": own + 1, "v": a[::-1]}}
    of = verdict(found, list("wxyz"), others="baseline", solver=0.0, ranges={}, columns={})
    assert (of.won, of.cases) == (2, 4)
    assert "better than every baseline in 2 of 4 test cases. Its worst one, w," in of.sentences()[1]


def test_medians_are_compared_not_means():
    own, other = np.array([1.0, 1.0, 100.0]), np.array([2.0, 2.0, 2.0])
    of = verdict({"net": {"p": own}, "a": {"p": other}}, list("xyz"), others="b", solver=0.0, ranges={}, columns={})
    assert of.medians == {"net": {"p": 1.0}, "a": {"p": 2.0}}
    assert of.ratios == {"p": 2.0}
    assert (of.worst_place, of.worst_error) == ("z", 100.0)


def test_an_error_table_has_median_95th_percentile_and_largest():
    values = np.random.default_rng(0).permutation([*range(20), 90]) / 100  # their mean is 0.13
    text = comparison_report.error_table({"net": {"p": values}, "a": {"p": values + 0.3}})
    assert re.findall(r"<th>(.*?)</th>", text) == ["relative L2 error", "p, median", "p, 95 %", "p, worst"]
    assert re.findall(r"<td.*?>(.*?)</td>", text) == ["net", "0.10", "0.19", "0.90", "a", "0.40", "0.49", "1.2"]
    rows = re.findall(r"<tr(.*?)</tr>", text.partition("<tbody>")[2])
    assert rows[0].startswith(" class=network>")
    assert [row.count("class=best") for row in rows] == [3, 0]


def test_the_demo_sums_up_what_its_networks_did():
    def metrics(**medians):
        names = {name.replace("_", " "): value for name, value in medians.items()}
        flat = {f"{name}, {q}": value for name, of in names.items() for q, value in zip("uv", of, strict=True)}
        return {
            "median": flat,
            "percentile_95": {label: 2 * value for label, value in flat.items()},
            "largest": {label: 3 * value for label, value in flat.items()},
        }

    of = {
        "good": metrics(good=(1e-4, 2e-4), order_8=(1e-3, 1e-3)),
        "half": metrics(half=(1e-4, 2e-3), order_8=(1e-3, 1e-3)),
    }
    outputs = [{"outputs": [{"miss": 1e-9}, {"miss": 3e-7}]}, {"outputs": [{"miss": 1e-8}]}]
    summary = demo.summarise(of, outputs, 12.0)
    assert (summary["relevance_miss"], summary["seconds"]) == (3e-7, 12.0)
    assert (summary["median"]["half, v"], summary["largest"]["half, v"]) == (2e-3, 6e-3)
    assert demo.winners(of) == "“good” has smaller median errors than every method without training, “half” has not"
    assert demo.winners({"half": of["half"]}) == "none has smaller median errors than every method beside it"


def test_the_front_page_says_of_each_network_who_is_best_and_in_how_many_cases(tmp_path):
    for name in ("mode_2_0.png", *(f"attribute-{network}/relevance_{q}.png" for network, q in demo._RELEVANCE)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"png")
    statistics = {name: {"net, u": 0.1, "net, v": 0.2, "net": 0.3} for name in ("median", "percentile_95", "largest")}
    metrics = {"net": {"verdict": ["It is <best>.", "In 3 of 4.", "Ranges.", "Solver."], **statistics}}
    summary = {"seconds": 12.4, "relevance_miss": 1e-7, **statistics}
    text = demo.front_page(tmp_path, summary, metrics, "wavenet demo")
    assert "It is &lt;best&gt;. In 3 of 4. <a" in text
    assert "Solver." not in text
    assert "1 networks were trained on Wiener–Hopf solutions in 12 seconds" in text
    assert f"Relevance is conserved to {number(1e-7)} of its absolute sum." in text


def test_a_page_needs_nothing_else(check_page):
    found = errors(net=(1e-6, 1e-6), a=(1e-3, 1e-3))
    parts = [comparison_report.error_table(found), report.picture(Figure(), "a <caption>", 'an "alt"')]
    parts += ["<h2>Provenance</h2>", report.facts({"command": "wavenet <b>"} | report.versions())]
    text = report.page("a & b", sentences(found), parts)
    check_page(text)
    assert "a &lt;caption&gt;" in text
    assert '<div class="scroll"><img' in text  # on a phone, pictures keep their size and are moved
    assert "wavenet &lt;b&gt;" in text
