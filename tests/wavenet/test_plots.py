"""Pictures of commands, and their tables: what is drawn and printed is what was computed."""

import json
import re

import h5py
import numpy as np
import pytest

from analytic import DuctMode, solve
from data.microphones import MicrophoneArray, write_array
from wavenet.cli.words import words
from wavenet.study import plots

from .commands import run

MODE = ["--m", "2", "--n", "0", "--ka", "5"]
pytestmark = pytest.mark.filterwarnings("ignore")  # of torch and Lightning


@pytest.fixture
def drawn(monkeypatch):
    """Figures, as they are saved."""
    found = []
    save = plots.Figure.savefig
    monkeypatch.setattr(plots.Figure, "savefig", lambda self, *a, **k: (found.append(self), save(self, *a, **k)))
    return found


@pytest.fixture(scope="module")
def array(tmp_path_factory):
    path = tmp_path_factory.mktemp("array") / "pressures.h5"
    rng = np.random.default_rng(1)
    angle, phi = rng.uniform(0.3, 2.0, 30), rng.uniform(0, 2 * np.pi, 30)
    x, r = 20 * np.cos(angle), 20 * np.sin(angle)
    pressure = 0.5 * solve(DuctMode(2, 0, 5.0)).at(x, r).pressure * np.exp(2j * phi)
    write_array(path, MicrophoneArray(x, r, phi, pressure, 5.0, 0.0, noise=1e-4))
    return path


def lines_of(figure):
    return [line.get_xydata().T for line in figure.axes[0].get_lines()]


def test_the_far_field_of_solve_and_predict(drawn, tmp_path, capsys):
    assert run("predict", *MODE, "--angles", "30:120:4", "--json", "--plot", tmp_path / "p.svg") == 0
    far = json.loads(capsys.readouterr().out)["far_field"]
    ((degrees, level),) = lines_of(drawn[0])
    assert (degrees.tolist(), level.tolist()) == (far["angle_deg"], far["level_db"])
    assert far["reference"] in drawn[0].axes[0].get_ylabel()
    assert "</svg>" in (tmp_path / "p.svg").read_text()


def test_bands_have_a_line_each(drawn, tmp_path, capsys):
    duct = ["--radius", "0.4m", "--temperature", "15degC", "--bands", "160Hz:200Hz", "--angles", "0:90:3"]
    assert run("multimode", *duct, "--json", "--plot", tmp_path / "p.png") == 0
    far = json.loads(capsys.readouterr().out)["far_field"]
    assert [line[1].tolist() for line in lines_of(drawn[0])] == far["level_db"]
    labels = [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()]
    assert labels == [f"{band:g} Hz" for band in far["bands_hz"]]


def test_a_silent_field_can_be_drawn(drawn, tmp_path):
    plots.levels(np.array([0.0]), {"": np.array([-np.inf])}, "dB", "nothing", tmp_path / "p.png")
    assert drawn[0].axes[0].get_ylabel() == "level [dB]"


def test_a_near_field_and_its_velocities(drawn, tmp_path, capsys):
    field, velocities = tmp_path / "f.h5", tmp_path / "v.h5"
    assert run("field", *MODE, "--x=-1:1:40", "--r=0:2:40", "-o", field, "--plot", tmp_path / "f.png") == 0
    with h5py.File(field) as file:
        pressure = file["pressure"][...]
    wave, level = (axes.collections[0].get_array() for axes in drawn[0].axes[:2])
    np.testing.assert_array_equal(np.asarray(wave).reshape(pressure.T.shape), pressure.T.real)
    peak = float(re.search(r"dB re (\S+)", drawn[0].axes[3].get_ylabel())[1])
    expected = np.maximum(20 * np.log10(np.abs(pressure.T) / peak), -60)
    np.testing.assert_allclose(np.asarray(level).reshape(expected.shape), expected, atol=0.05)  # the peak is rounded
    assert run("differentiate", field, "derivative", "-o", velocities, "--plot", tmp_path / "v.pdf") == 0
    with h5py.File(velocities) as file:
        u, error = file["axial_velocity"][...], file["axial_velocity_error"][...]
    shown = [np.asarray(axes.collections[0].get_array()).reshape(u.T.shape) for axes in drawn[1].axes[:2]]
    np.testing.assert_array_equal(shown[0], u.T.real)
    rms = np.sqrt(np.mean(np.abs(u) ** 2))
    np.testing.assert_allclose(shown[1], np.log10(error.T / rms), rtol=1e-12)
    assert (tmp_path / "v.pdf").stat().st_size > 10_000


@pytest.mark.parametrize("shape", ["square", "wide", "high"])
def test_colour_bars_are_no_higher_than_their_maps(shape, drawn, tmp_path):
    x, r = {"square": ("-1:1:20", "0:2:20"), "wide": ("-8:8:80", "0:2:10"), "high": ("0.5:1:10", "0:3:60")}[shape]
    assert run("field", *MODE, f"--x={x}", f"--r={r}", "-o", tmp_path / "f.h5", "--plot", tmp_path / "f.png") == 0
    heights = [axes.get_window_extent().height for axes in drawn[0].axes]
    assert max(heights[2:]) <= min(heights[:2])
    assert min(heights[:2]) > 0.1 * drawn[0].bbox.height  # the picture is of the maps


def test_detected_modes_have_levels(drawn, array, tmp_path, capsys):
    given = ["--array", array, "--modes", "2,0;0,0", "--plot", tmp_path / "p.png"]
    assert run("detect", *given) == 0
    rows = {tuple(line.split()[:2]): line.split() for line in capsys.readouterr().out.splitlines()[3:]}
    assert float(rows["2", "0"][5]) == pytest.approx(0.5, rel=2e-3)
    assert rows["2", "0"][6] == "0.00"
    level = 20 * np.log10(float(rows["0", "0"][5]) / float(rows["2", "0"][5]))
    assert float(rows["0", "0"][6]) == pytest.approx(level, abs=1.0)  # of rounded moduli
    heights = [bar.get_height() for bar in drawn[0].axes[0].patches]
    assert heights[0] == pytest.approx(float(rows["2", "0"][5]), rel=1e-3)


def test_reflections_have_levels(capsys):
    assert run("solve", *MODE, "--angles", "0:90:3") == 0
    for modulus, level in re.findall(r"modulus (\S+)  (\S+) dB", capsys.readouterr().out):
        assert float(level) == pytest.approx(20 * np.log10(float(modulus)), abs=0.006)


def test_the_highest_level_is_named(capsys):
    """By solve of all whole degrees, by the others of the angles that were asked for."""
    exact = solve(DuctMode(2, 0, 5.0))
    level = exact.relative_level(np.radians(np.arange(181.0)))
    best = int(np.argmax(level))
    assert run("solve", *MODE, "--angles", "10:20:2") == 0
    assert f"highest level of all directions: {level[best]:.3f} dB at {best}.00 deg" in capsys.readouterr().out
    assert run("predict", *MODE, "--angles", "10:20:2") == 0
    assert f"highest level at these angles: {level[20]:.3f} dB at 20.00 deg" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.6057597768843684, "0.6058"),
        (2.1491199501592421e-07, "2.149e-07"),
        (20, "20"),
        (True, "yes"),
        (None, "not known"),
        ({}, "none"),
        ({"train": 14, "test": 4}, "train 14; test 4"),
        ({"u": (0.60575977, 5.0)}, "u 0.6058, 5"),
        ("a_b", "a_b"),
    ],
)
def test_values_are_in_words(value, text):
    assert words(value) == text
