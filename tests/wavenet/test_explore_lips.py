"""Walls with a thickness on the page of explore: numbers, pictures and files without a browser."""

import re
from html import unescape

import numpy as np
import pytest

from analytic import DuctMode, solve
from data.elements import Lip, solve_lip
from wavenet.study.bench import Bench
from wavenet.study.page import exports, parts, query

THICK = {"wall": "thick", "thickness": "0.2", "lip": "round", "m": "0", "helmholtz": "4", "mach": "0"}


def answers(query):
    """Everything of the page for a query: HTML by id, and figures by part."""
    html, figures = {}, {}
    for answer in parts.update(Bench(), query, parts.View(), list(parts.PARTS)):
        html |= answer.get("html", {})
        if "figure" in answer:
            figures[answer["part"]] = answer["figure"]
    return html, figures


def test_a_lip_is_shown_by_the_network_with_the_exact_thin_wall_beside():
    html, figures = answers(THICK)
    elements, thin = solve_lip(0, 4.0, Lip.round(0.2)), solve(DuctMode(0, 0, 4.0))
    tile = re.findall(r"\d\.\d{5}", html["reflection-tile"])
    assert float(tile[0]) == pytest.approx(abs(elements.reflection[0, 0]), abs=5e-3)
    assert float(tile[1]) == pytest.approx(abs(thin.reflection[0]), abs=1e-5)
    assert "thin wall" in html["end-correction"]
    curves = {trace["name"]: np.array(trace["y"]) for trace in figures["directivity"]["data"]}
    angle = np.radians(np.arange(181.0))
    np.testing.assert_allclose(curves["thin wall, exact"], thin.relative_level(angle), atol=1e-9)
    exact = 20 * np.log10(np.abs(elements.directivity(angle)[0]))  # at ka = |p| / |D| of both, M = 0
    loud = exact > np.max(exact) - 30  # the directivity has a null
    np.testing.assert_allclose(curves["with its lip, network"][loud], exact[loud], atol=0.2)
    assert "infinitely thin wall" in html["field-note"]
    assert "no network for velocities" in html["relevance-note"]
    assert html["command-line"].endswith("--lip=round:0.2")


def test_the_python_lines_of_a_lip_compute_what_is_shown():
    html, figures = answers(THICK)
    namespace = {}
    exec(unescape(html["python-lines"]), namespace)
    curves = {trace["name"]: np.array(trace["y"]) for trace in figures["directivity"]["data"]}
    np.testing.assert_allclose(namespace["level"], curves["with its lip, network"], atol=1e-9)
    np.testing.assert_allclose(namespace["of_thin_wall"], curves["thin wall, exact"], atol=1e-9)


def test_a_lip_that_the_network_has_not_learned_leaves_no_number_of_another_case():
    html, _ = answers(THICK | {"thickness": "0.5"})
    for name in ("reflection-tile", "end-correction", "error-estimate", "radiated", "loudest"):
        assert html[name] == "–"
    assert "outside the training range" in html["reflection"]
    assert "outside the training range" in html["directivity-note"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"hub": "0.3"}, "neither a jet nor a hub"),
        ({"flow": "jet", "mach": "0.3"}, "neither a jet nor a hub"),
        ({"lip": "flat", "thickness": "0"}, "needs a thickness above 0"),
        ({"thickness": ""}, "thickness is missing"),
        ({"m": "5"}, "must be cut on"),
    ],
)
def test_lips_that_the_page_refuses(more, words):
    with pytest.raises(ValueError, match=words):
        query.read(THICK | more)


def test_files_of_a_lip_tell_the_network_from_the_thin_wall():
    kind, content = exports.export(Bench(), query.read(THICK), parts.View(), "directivity", "csv")
    text = content.decode()
    assert kind == "text/csv"
    assert "--lip=round:0.2" in text
    head = next(line for line in text.splitlines() if line.startswith('"angle'))
    assert head.index('"thin_wall_level') < head.index('"level')
    assert "surrogate" not in head
