"""Walls of finite thickness in commands: what is typed, what is refused, and that it ends as in Python."""

import builtins

import numpy as np
import pytest

from analytic import DuctMode, solve
from data.elements import Lip, solve_lip
from wavenet.study import thick_wall
from wavenet.study.lip_near import predict_near
from wavenet.study.lips import predict_lip
from wavenet.study.thick_wall import LipMode

from .commands import run, values

MODE = ["--m", "0", "--n", "1", "--ka", "5", "--mach", "0.2"]
FAN = ["--m", "2", "--n", "0", "--radius", "0.4m", "--frequency", "600Hz", "--temperature", "15degC"]


def test_a_lip_is_solved_for_as_in_python_and_has_the_thin_wall_beside(capsys):
    found = values(capsys, "solve", *MODE, "--lip", "flat:0.1", "--angles", "0:180:5")
    elements = solve_lip(0, 5.0, Lip.flat(0.1), 0.2)
    theta = np.radians(found["directivity"]["theta_deg"])
    amplitude = np.array(found["directivity"]["amplitude"]) @ [1, 1j]
    np.testing.assert_allclose(amplitude, elements.directivity(theta)[1], rtol=1e-12)
    np.testing.assert_allclose(np.array(found["reflection"]) @ [1, 1j], elements.reflection[1], rtol=1e-12)
    assert found["power"]["residual"] == elements.power_residual[1]
    assert found["error_estimate"] == elements.error_estimate[1]
    assert found["lip"] == "flat:0.1"
    assert found["thin_wall"] == values(capsys, "solve", *MODE, "--angles", "0:180:5")


def test_a_table_has_the_thin_wall_s_levels_beside(capsys):
    assert run("solve", *MODE, "--lip", "round:0.1", "--angles", "30:60:1") == 0
    text = capsys.readouterr().out
    row = next(line.split() for line in text.splitlines() if line.lstrip().startswith("30.00"))
    assert float(row[2]) == pytest.approx(float(solve(DuctMode(0, 1, 5.0, 0.2)).relative_level(np.pi / 6)), abs=1e-3)
    assert float(row[1]) != float(row[2])
    assert "the flow is taken for uniform" in text


@pytest.mark.parametrize(("m", "n", "mach"), [(0, 0, 0.3), (2, 0, -0.3), (0, 1, 0.0)])
def test_a_wall_of_little_thickness_is_the_thin_wall_in_all_quantities(m, n, mach):
    """Pressures, impedance, end correction: exact at 0, and off by the order of t ln t beside it."""
    source = DuctMode(m, n, 4.5, mach)
    thickness = 1e-3
    found, thin = LipMode(source, solve_lip(m, 4.5, Lip.flat(thickness), mach)), solve(source)
    near = -3 * thickness * np.log(thickness)
    count = len(found.reflection)
    assert np.max(np.abs(found.reflection_pressure - thin.reflection_pressure[:count])) < near
    assert abs(found.impedance - thin.specific_impedance) < near * abs(thin.specific_impedance)
    assert found.power["radiated"] == pytest.approx(thin.power.radiated, rel=near)
    if (m, n) == (0, 0):
        assert found.end_correction == pytest.approx(thin.end_correction, abs=near)
        assert found.end_correction > thin.end_correction  # a flange, of infinite thickness, has the longest one
    else:
        assert found.end_correction is None
        assert thin.end_correction is None or n


@pytest.mark.parametrize("command", ["solve", "predict"])
def test_modes_with_an_azimuthal_order_are_silent_on_the_axis(command, capsys):
    found = values(capsys, command, "--m", 1, "--n", 0, "--ka", 5, "--lip", "flat:0.1", "--angles", "0:180:2")
    assert found["far_field"]["level_db"] == [None, None]


def test_lengths_have_units(capsys):
    found = values(capsys, "solve", *FAN, "--lip", "elliptic:20mm:4cm")
    assert found["lip"] == "elliptic:0.05:0.1"
    assert found["far_field"]["reference"] == found["thin_wall"]["far_field"]["reference"]
    assert "20 uPa" in found["far_field"]["reference"]


def test_a_lip_from_a_file(tmp_path, capsys):
    turn = np.linspace(0, np.pi, 13)
    points = np.transpose([0.1 * (np.sin(turn) - 1), 1.1 - 0.1 * np.cos(turn)]).round(6)
    np.savetxt(tmp_path / "lip.txt", points)
    found = values(capsys, "solve", *MODE, "--lip", f"spline:{tmp_path / 'lip.txt'}")
    assert Lip.parse(found["lip"]) == Lip.spline(points)
    half_circle = solve_lip(0, 5.0, Lip.round(0.2), 0.2)
    np.testing.assert_allclose(np.array(found["reflection"]) @ [1, 1j], half_circle.reflection[1], atol=1e-4)
    assert run("solve", *MODE, "--lip", f"spline:{tmp_path / 'lip.txt'}", "--angles", "0:90:1") == 0
    assert "lip spline of 13 points, thickness 0.2, length 0.1, by finite elements" in capsys.readouterr().out


def test_a_picture_of_both(tmp_path, capsys):
    assert run("solve", *MODE, "--lip", "flat:0.1", "--plot", tmp_path / "lip.svg") == 0
    assert (tmp_path / "lip.svg").stat().st_size > 5000
    capsys.readouterr()


@pytest.mark.parametrize("text", ["flat:0.1", "round:0.3"])
def test_fields_next_to_a_lip_are_those_of_its_mode_and_of_the_thin_wall(text):
    source = DuctMode(0, 1, 5.0, 0.2)
    lip = Lip.parse(text)
    found = thick_wall.mode(source, lip, np.array([30.0]))
    near = thick_wall.near_fields(found, cells=20)
    thin, elements = solve(source).field(near.x, near.r).pressure, found.thick.solved.elements
    np.testing.assert_allclose(near.thin, thin, atol=1e-9 * np.abs(thin).max())
    wall = lip.in_wall(near.x[:, None], near.r)
    assert 0 < np.count_nonzero(wall) == np.count_nonzero(near.thick == 0)
    i, j = np.argwhere(~wall)[-1]
    assert near.thick[i, j] == elements.field(near.x[i], near.r[j]).pressure[1]


def test_the_network_predicts_as_in_python_and_has_the_exact_thin_wall_beside(capsys):
    found = values(capsys, "predict", *MODE, "--lip", "flat:0.1", "--angles", "10:170:5", "--coverage", "0.8")
    exact = solve(DuctMode(0, 1, 5.0, 0.2))
    theta = np.radians(found["directivity"]["theta_deg"])
    mine = predict_lip(0, 5.0, 0.2, Lip.flat(0.1), theta=theta, coverage=0.8)
    whole = predict_lip(0, 5.0, 0.2, Lip.flat(0.1), coverage=0.8)
    np.testing.assert_allclose(np.array(found["directivity"]["amplitude"]) @ [1, 1j], mine.directivity[1], rtol=1e-9)
    np.testing.assert_allclose(np.array(found["reflection"]) @ [1, 1j], mine.reflection[1], rtol=1e-9)
    assert (found["error_bar"], found["reflection_error_bar"]) == (whole.directivity_bar[1], whole.reflection_bar[1])
    thin = found["thin_wall"]
    amplitude = np.array(thin["directivity"]["amplitude"]) @ [1, 1j]
    np.testing.assert_allclose(amplitude, exact.directivity(theta), rtol=1e-9)
    np.testing.assert_allclose(np.array(thin["reflection"]) @ [1, 1j], exact.reflection[:2], rtol=1e-9)


def test_pressures_near_the_lip_are_those_of_python_with_bars_and_the_thin_wall(capsys):
    points = ["--at", "0.5,0.3", "--at=-0.5,1.4"]
    found = values(capsys, "predict", *MODE, "--lip", "flat:0.1", *points, "--coverage", "0.8")["near_field"]
    mine = predict_near(0, 5.0, 0.2, Lip.flat(0.1), [0.5, -0.5], [0.3, 1.4], coverage=0.8)
    assert [(point["x"], point["r"]) for point in found] == [(0.5, 0.3), (-0.5, 1.4)]
    for index, point in enumerate(found):
        assert complex(*point["pressure"]) == mine.pressure[1, index]
        assert complex(*point["thin_wall"]) == mine.thin_pressure[1, index]
        assert point["error_bar"] == mine.pressure_bar[1, index]
    assert run("predict", *MODE, "--lip", "flat:0.1", *points, "--angles", "0:90:2") == 0
    text = capsys.readouterr().out
    assert f"pressure at x = -0.5, r = 1.4 [rho c^2]  {mine.pressure[1, 1]:.8f}" in text
    assert "  error at most " in text
    far = ["predict", *MODE, "--lip", "flat:0.1", "--at", "0.5,2.8"]
    assert run(*far) == 2
    assert (
        "x = 0.5, r = 2.8 of lip flat:0.1 at m = 0, ka = 5, M = 0.2 is outside the training range of near fields"
        in (capsys.readouterr().err)
    )
    assert values(capsys, *far, "--extrapolate")["near_field"][0]["error_bar"] is None
    for arguments, words in (
        ([*MODE, "--at", "0.5,0.3"], "--at is for walls with a thickness, --lip"),
        ([*MODE, "--lip", "flat:0.1", "--at", "0.5"], "--at must be X,R, such as 0.1,1, got '0.5'"),
        ([*MODE, "--lip", "flat:0.1", "--at=-0.5,0.3"], "is in the duct or its wall"),
    ):
        assert run("predict", *arguments) == 2
        assert words in capsys.readouterr().err


def test_outside_of_its_range_the_network_has_no_error_bar_if_it_is_asked_at_all(capsys):
    far = ["predict", "--m", 2, "--n", 0, "--ka", 5, "--lip", "flat:0.5"]
    assert run(*far) == 2
    assert "is outside the training range: K = ka / sqrt(1 - M^2) in" in capsys.readouterr().err
    assert values(capsys, *far, "--extrapolate")["error_bar"] is None
    assert run(*far, "--extrapolate", "--angles", "0:90:2") == 0
    assert "outside the training range: no error bar" in capsys.readouterr().out


def test_a_table_of_predictions_has_error_bars_and_the_thin_wall(tmp_path, capsys):
    picture = tmp_path / "lip.png"
    arguments = [*FAN, "--lip", "round:40mm", "--angles", "40:60:2", "--plot", picture]
    assert run("predict", *arguments) == 0
    text = capsys.readouterr().out
    assert "lip round:0.1, by the network; beside it the infinitely thin wall, exact" in text
    assert "with probability 0.95 each: relative L2 error of D over the arc at most" in text
    assert "thin wall [dB]     p rms [Pa]" in text
    assert picture.stat().st_size > 5000


@pytest.mark.parametrize("command", ["solve", "predict"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*MODE, "--lip", "flat"], "a lip is flat:THICKNESS"),
        ([*MODE, "--lip", "flat:thick"], "got 'flat:thick'"),
        ([*MODE, "--lip", "sharp:0.1"], "a lip is flat:THICKNESS"),
        ([*MODE, "--lip", "flat:0"], "needs a thickness above 0"),
        ([*MODE, "--lip", "flat:-0.1"], "thickness must be between"),
        ([*MODE, "--lip", "flat:20mm"], "needs --radius, got '20mm'"),
        ([*FAN, "--lip", "flat:20kg"], "a number with a unit, such as 0.4m, got '20kg'"),
        ([*MODE, "--lip", "flat:0.1", "--hub", "0.3"], "without a hub, got hub=0.3"),
        ([*MODE, "--lip", "flat:0.1", "--jet"], "does not go with --jet"),
        ([*MODE[:6], "--lip", "flat:0.1", "--impedance", "1", "--liner-length", "1", "--liner-distance", "1"], "--imp"),
        (["--m", "2", "--n", "1", "--ka", "5", "--lip", "flat:0.1"], "it propagates above ka = 6.7"),
    ],
)
def test_lips_that_are_refused(command, arguments, words, capsys):
    if command == "predict" and "--impedance" in arguments:
        pytest.skip("predict has no liners")
    assert run(command, *arguments) == 2
    assert words in capsys.readouterr().err


def test_without_ngsolve_the_message_says_what_to_install(capsys, monkeypatch):
    original = builtins.__import__

    def missing(name, *arguments, **options):
        if name == "ngsolve":
            raise ImportError("No module named 'ngsolve'")
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert run("solve", *MODE, "--lip", "flat:0.1") == 2
    assert "pip install 'wavenet[elements]'" in capsys.readouterr().err
