"""Modes of a duct with a jet, from microphones outside the jet."""

import json
import re

import numpy as np
import pytest
import torch

from analytic import DuctMode, Jet, solve
from data.microphones import MicrophoneArray, write_array
from wavenet.cli import main
from wavenet.far_field.detection import detect
from wavenet.study.detection import responses
from wavenet.study.jet_arrays import JetRadiation
from wavenet.study.jets import load_network

KA, MACH = 6.0, 0.35
JET = Jet(mach_outer=0.1, sound_speed_ratio=0.8, density_ratio=1.6, instability=False)
TRUE = {(0, 0): 1.0 + 0.5j, (2, 0): -0.8j, (-3, 0): 0.6 + 0.2j}


@pytest.fixture(scope="module")
def radiation():
    return JetRadiation(load_network(), JET)


@pytest.fixture(scope="module")
def places():
    rng = np.random.default_rng(3)
    angle, distance = np.radians(rng.uniform(25, 140, 30)), rng.uniform(6.5, 25, 30)
    return distance * np.cos(angle), 1 + distance * np.sin(angle), rng.uniform(0, 2 * np.pi, 30)


@pytest.fixture(scope="module")
def exact(places):
    """(mode, microphone) by the solver's near field."""
    x, r, phi = places
    rows = [solve(DuctMode(abs(m), n, KA, MACH), jet=JET).at(x, r).pressure * np.exp(1j * m * phi) for m, n in TRUE]
    return np.array(rows)


def test_pressures_are_the_solvers(radiation, places, exact):
    m, n = (torch.tensor(column) for column in zip(*TRUE, strict=True))
    x, r, phi = places
    with torch.no_grad():
        found = radiation.pressure(m, n, KA, MACH, torch.from_numpy(x), torch.from_numpy(r)).numpy()
    found = found * np.exp(1j * np.outer(m.numpy(), phi))
    # the network's error over the arc is below 1e-4 here
    assert np.all(np.linalg.norm(found - exact, axis=1) < 5e-4 * np.linalg.norm(exact, axis=1))


def test_modes_and_orders(radiation):
    modes = radiation.cut_on(KA, MACH)
    assert {(0, 0), (0, 1), (4, 0), (-4, 0)} <= set(modes)
    assert (5, 0) not in modes  # its eigenvalue 6.416 is above 6 / sqrt(1 - 0.35^2) = 6.405
    assert radiation.unlearned(KA, MACH) is None
    assert radiation.unlearned(30.0, MACH) == 21


def command(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code or 0


OPTIONS = "--jet", "--mach-outer", 0.1, "--sound-speed-ratio", 0.8, "--density-ratio", 1.6


def test_the_command_finds_the_modes_within_their_intervals(places, exact, tmp_path, capsys):
    pressure = np.array(list(TRUE.values())) @ exact
    rng = np.random.default_rng(6)
    noise = 0.1 * np.sqrt(np.mean(np.abs(pressure) ** 2) / 2)
    pressure = pressure + noise * (rng.normal(size=(len(pressure), 2)) @ [1, 1j])
    write_array(tmp_path / "array.h5", MicrophoneArray(*places, pressure, KA, MACH))
    assert command("detect", "--array", tmp_path / "array.h5", "--few", "--json", *OPTIONS) == 0
    values = json.loads(capsys.readouterr().out)
    assert {(row["m"], row["n"]) for row in values["modes"]} == set(TRUE)
    for row in values["modes"]:
        error = complex(*row["amplitude"]) - TRUE[row["m"], row["n"]]
        assert abs(error) < 2.5 * row["half_width"]
    # Without the jet the same pressures are explained far worse.
    assert command("detect", "--array", tmp_path / "array.h5", "--modes=0,0;2,0;-3,0", "--json") == 0
    assert json.loads(capsys.readouterr().out)["noise"] > 3 * values["noise"]


def test_intervals_cover_solver_made_data(radiation, places, exact):
    """95 % of real and imaginary parts, to three standard deviations of the binomial."""
    rng, modes = np.random.default_rng(7), list(TRUE)
    response, inside = responses(radiation, MicrophoneArray(*places, exact[:1], KA, MACH), modes), []
    for _ in range(150):
        amplitude = rng.normal(size=(3, 2)) @ [1, 1j]
        pressure = amplitude @ exact
        noise = 0.1 * np.sqrt(np.mean(np.abs(pressure) ** 2) / 2)
        found = detect(pressure + noise * (rng.normal(size=(30, 2)) @ [1, 1j]), response)
        error = found.amplitude - amplitude
        inside += [*(np.abs(error.real) <= found.half_width), *(np.abs(error.imag) <= found.half_width)]
    assert abs(np.mean(inside) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / len(inside))


def test_what_cannot_be_detected_is_named(radiation, places, exact, tmp_path, capsys):
    one = [torch.tensor([0])] * 2
    near = torch.tensor([-0.2]), torch.tensor([1.3])
    with pytest.raises(ValueError, match=r"at least 0\.5 from the lip"):
        radiation.pressure(*one, KA, MACH, *near)
    write_array(tmp_path / "array.h5", MicrophoneArray(*places, exact[:1], KA, MACH))
    for arguments, named in (
        (["--sound-speed-ratio", 0.8], "needs --jet"),
        (["--jet", "--sound-speed-ratio", 3.0], "sound_speed_ratio must lie in the trained range"),
        ([*OPTIONS, "--modes=9,0"], "the mode is not cut on"),
    ):
        assert command("detect", "--array", tmp_path / "array.h5", *arguments) == 2
        assert named in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            lambda x, r, phi, p: (np.abs(x) + 12, 0 * r + 0.5, phi, p),
            r"r = 0\.5 \[duct radii\] is in the jet, which",
        ),
        (lambda x, r, phi, p: (np.r_[15.0, x[1:]], np.r_[1.5, r[1:]], phi, p), r"x = 15, r = 1\.5 .* is in the jet"),
        (lambda x, r, phi, p: (np.abs(x), 0.02 * r, phi, p), r"is in the jet, which"),
        (lambda x, r, phi, p: (0.01 * x, 1 + 0.01 * r, phi, p), r"at least 0\.5 from the lip, got x = "),
        (lambda x, r, phi, p: (-np.abs(x), 0.02 * r, phi, p), "must lie outside the duct and the jet, r >= 1"),
        (lambda x, r, phi, p: (-np.abs(x) - 60, 0 * r + 2, phi, p), "more than 150 degrees behind"),
        (lambda x, r, phi, p: (x, r, np.degrees(phi), p), "expected radians, of two turns at most"),
        (lambda x, r, phi, p: (x, r, phi, 0 * p), "pressure is zero at all microphones"),
        (lambda x, r, phi, p: (x[:5], r[:5], phi[:5], p[:5]), r"12 modes need more than 5 microphones, .*\(--few\)"),
    ],
)
def test_arrays_that_cannot_be_used_are_named_in_one_line(places, exact, tmp_path, capsys, change, named):
    write_array(tmp_path / "array.h5", MicrophoneArray(*change(*places, exact[0]), KA, MACH))
    assert command("detect", "--array", tmp_path / "array.h5", *OPTIONS) == 2
    out, said = capsys.readouterr()
    assert (out, said.count("\n")) == ("", 1)
    assert re.search(named, said)


def test_pressures_that_no_mode_explains_are_told(radiation, places, exact):
    """Of noise alone a hundredth passes the test; signals 10 dB below the noise of one microphone do, too."""
    modes = list(TRUE)
    response = responses(radiation, MicrophoneArray(*places, exact[:1], KA, MACH), modes)
    rng = np.random.default_rng(9)
    noise = rng.normal(size=(100, 30, 2)) @ [1, 1j]

    def told(pressure):
        return any("no more of these pressures than of noise" in line for line in detect(pressure, response).warnings)

    assert 95 <= sum(told(one) for one in noise) <= 100
    signal = np.array(list(TRUE.values())) @ exact
    loud = signal / np.sqrt(np.mean(np.abs(signal) ** 2))
    assert not told(loud + 0.5 * noise[0])
    assert not told(0.45 * loud + noise)  # a hundred snapshots
