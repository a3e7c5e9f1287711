"""Every example of the gallery runs and finds its number."""

import re
import runpy
from pathlib import Path

import matplotlib
import pytest

GALLERY = Path(__file__).resolve().parent.parent / "examples" / "gallery"
RESULTS = {  # of the variable RESULT
    "plot_derivative_errors": pytest.approx(8e3, rel=0.5),  # differences over network: thousands
    "plot_detect_modes": pytest.approx(0.05, abs=0.03),  # noise of 20 dB
    "plot_directivity": pytest.approx(-22.2, abs=0.05),  # as on the validation page
    "plot_liner_optimum": pytest.approx(0.8843, abs=1e-3),  # mean over the band
    "plot_fit_jet": pytest.approx(0, abs=0.02),  # of M: two half widths of its interval
    "plot_near_field": pytest.approx(-0.5, abs=2e-3),  # exponent of the velocity at an edge
    "plot_power_balance": pytest.approx(0, abs=1e-12),
    "plot_reflection": pytest.approx(0.6127, abs=1e-4),  # to the digits in print
    "plot_relevance_at_the_lip": pytest.approx(0, abs=1e-12),  # nothing comes through the wall
}


def test_every_example_has_a_number():
    assert sorted(path.stem for path in GALLERY.glob("*.py")) == sorted(RESULTS)


@pytest.mark.parametrize("name", RESULTS)
def test_an_example_finds_its_number(name, monkeypatch, capsys):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(len(plt.get_fignums())))
    try:
        content = runpy.run_path(str(GALLERY / f"{name}.py"))
    finally:
        plt.close("all")
    assert content["RESULT"] == RESULTS[name]
    assert shown == [1]
    assert re.search(r"\d", capsys.readouterr().out)


def test_colour_bars_of_examples_have_labels():
    bars = [
        (path.name, bar)
        for path in sorted(GALLERY.glob("plot_*.py"))
        for bar in re.findall(r"\.colorbar\((.*)\)", path.read_text(encoding="utf-8"))
    ]
    assert len(bars) > 3
    assert not [(name, bar) for name, bar in bars if "label=" not in bar]
