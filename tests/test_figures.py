"""Figures that stand on several pages are equal; docs/figures.toml says where they stand."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FIGURES = tomllib.loads((ROOT / "docs" / "figures.toml").read_text(encoding="utf-8"))["figure"]
SECTION = "Figures to reproduce"  # of the README


def text_of(place):
    """A page's text, or that of one section, "page#heading", on one line."""
    name, _, heading = place.partition("#")
    text = (ROOT / name).read_text(encoding="utf-8")
    if heading:
        found = re.search(rf"^(#+) {re.escape(heading)}$(.*?)(?=^#{{1,3}} |\Z)", text, re.MULTILINE | re.DOTALL)
        assert found, f"{name} has no section {heading!r}"
        text = found[2]
    return " ".join(text.split())


def pattern(template):
    """Regular expression of a template; {} is a figure."""
    assert not template.endswith("}"), f"the template must go on after the figure: {template}"
    return r"([^|]*?)".join(map(re.escape, template.split("{}")))


@pytest.mark.parametrize("figure", FIGURES, ids=[figure["what"] for figure in FIGURES])
def test_a_figure_is_the_same_on_every_page(figure):
    found = {place: re.findall(pattern(template), text_of(place)) for place, template in figure["places"]}
    assert len(found) > 1
    assert all(len(values) == 1 for values in found.values()), f"each text must stand once: {found}"
    assert len({values[0] for values in found.values()}) == 1, found


def test_every_figure_of_the_readme_is_tied_to_a_page():
    text = text_of(f"README.md#{SECTION}")
    places = [place for figure in FIGURES for place in figure["places"] if place[0] == "README.md"]
    spans = [found.span() for _, template in places for found in re.finditer(pattern(template), text)]
    source = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"## {SECTION}")[2].partition("\n## ")[0]
    rows = [
        line for line in re.sub(r"^\|.*\n\|[-|]+\|$", "", source, flags=re.MULTILINE).splitlines() if "|" in line[:1]
    ]
    assert len(rows) > 15
    shown = [" ".join(row.split()) for row in rows] + re.findall(r"[\d.]+ times", text)
    for figure in shown:
        start = text.index(figure)
        overlaps = [span for span in spans if span[0] < start + len(figure) and start < span[1]]
        assert overlaps, f"{figure!r} has no entry in docs/figures.toml"


def test_no_speed_stands_in_the_readme_outside_of_its_figures():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rest = text.partition(f"## {SECTION}")[0] + text.partition(f"## {SECTION}")[2].partition("\n## ")[2]
    assert not re.search(r"\b(\w+ty|ten|twelve|\w+teen|hundreds?|thousands?|[\d.,–]+) times\b", rest)


@pytest.mark.parametrize(
    ("template", "text", "values"),
    [
        ("| a | {} | {} |", "| b | 1 | 2 | | a | 3e-1 / 4 | 5 |", [("3e-1 / 4", "5")]),
        ("is {} times as", "it is 19 to 20 times as fast; it is 30 times as fast", ["19 to 20", "30"]),
        ("| a | {} |", "| a b | 1 |", []),
    ],
)
def test_templates_are_read(template, text, values):
    assert re.findall(pattern(template), text) == values
