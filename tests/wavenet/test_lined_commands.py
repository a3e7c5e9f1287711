"""Liners in commands: what is typed, what is refused, and that it ends as in Python."""

import json

import h5py
import numpy as np
import pytest

from analytic import DuctMode, Jet, Liner, MultiMode, impedances, solve

from .commands import run, values

ONE = ["--impedance", "1.5+0.8j", "--liner-length", "1", "--liner-distance", "0.5"]
MODE = ["--m", "4", "--n", "0", "--helmholtz", "8"]


def test_a_mode_behind_two_liners(capsys):
    second = ["--impedance", "0.7-0.5j", "--liner-length", "0.4", "--liner-distance", "0"]
    found = values(capsys, "solve", *MODE, *ONE, *second)
    lined = solve(DuctMode(4, 0, 8.0), liner=[Liner(1.5 + 0.8j, 1.0, 0.5), Liner(0.7 - 0.5j, 0.4, 0.0)])
    assert found["reflection"][0] == [lined.reflection[0].real, lined.reflection[0].imag]
    assert found["transmission"][0] == [lined.transmission[0].real, lined.transmission[0].imag]
    assert found["power"]["absorbed"] == lined.power.absorbed.tolist()
    assert found["liners"][1] == {"impedance": [0.7, -0.5], "length": 0.4, "distance": 0.0}
    assert found["end_correction"] is None


def test_a_table_names_the_liner_and_what_it_absorbs(capsys):
    assert run("solve", *MODE, *ONE, "--angles", "0:180:3") == 0
    text = capsys.readouterr().out
    assert "liner of Z = 1.5+0.8j for exp(-i omega t), length 1, 0.5 of hard wall behind it" in text
    assert "power absorbed           1.262915e+00" in text


def test_engineering_impedances_are_conjugated_where_that_is_said(capsys):
    text = ["--impedance", "1.5-0.8j", *ONE[2:], "--engineering-impedance"]
    assert values(capsys, "solve", *MODE, *text) == values(capsys, "solve", *MODE, *ONE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mass-spring:resistance=1,mass=0.1,stiffness=0.4", impedances.mass_spring(2.0, 1.0, 0.1, 0.4)),
        ("helmholtz-resonator:resistance=1,mass=0.1,depth=0.2", impedances.helmholtz_resonator(2.0, 1.0, 0.1, 0.2)),
    ],
)
def test_models_of_impedances(capsys, text, expected):
    found = values(capsys, "solve", "--m", 0, "--n", 0, "--helmholtz", 2, "--impedance", text, *ONE[2:])
    assert complex(*found["liners"][0]["impedance"]) == pytest.approx(complex(expected))


def test_a_perforate_has_dimensions_and_the_duct_s_fluid(capsys):
    duct = ["--radius", "10cm", "--frequency", "1kHz", "--sound-speed", "340m/s", "--density", "1.2kg/m^3"]
    sheet = "perforate:hole_diameter=1mm,thickness=0.8mm,open_area=0.06,depth=2cm"
    found = values(capsys, "solve", "--m", 0, "--n", 0, *duct, "--impedance", sheet, *ONE[2:])
    sheet = {"hole_diameter": 1e-3, "thickness": 0.8e-3, "open_area": 0.06, "depth": 0.02}
    ka = 2 * np.pi * 1000 * 0.1 / 340
    expected = impedances.perforate(ka, radius=0.1, sound_speed=340.0, density=1.2, **sheet)
    assert complex(*found["liners"][0]["impedance"]) == pytest.approx(complex(expected))


def test_all_modes_behind_a_liner(capsys):
    found = values(capsys, "multimode", "--helmholtz", 3, *ONE, "--angles", "0:180:3")
    lined = solve(MultiMode.equal_power(3.0), liner=Liner(1.5 + 0.8j, 1.0, 0.5))
    assert found["far_field"]["level_db"] == pytest.approx(lined.level(np.radians([0, 90, 180])).tolist())
    assert found["power"]["absorbed"] == lined.power.absorbed.tolist()


def test_a_field_behind_a_liner(tmp_path, capsys):
    path = tmp_path / "field.h5"
    grid = ["--x=-2:1:6", "--r=0:2:4"]
    assert run("field", *MODE, *ONE, *grid, "-o", path) == 0
    field = solve(DuctMode(4, 0, 8.0), liner=Liner(1.5 + 0.8j, 1.0, 0.5)).field(
        -1.75 + 0.5 * np.arange(6), 0.25 + 0.5 * np.arange(4)
    )
    with h5py.File(path) as file:
        assert np.array_equal(file["pressure"][:], field.pressure)
        assert json.loads(file.attrs["liners"])[0]["impedance"] == [1.5, 0.8]


def test_a_lined_mode_from_infinity(capsys):
    arguments = ["solve", "--m", 0, "--n", 1, "--helmholtz", 2, "--impedance", "1+1j", "--liner-length", "inf"]
    found = values(capsys, *arguments, "--liner-distance", "0")
    lined = solve(DuctMode(0, 1, 2.0), liner=Liner(1 + 1j, np.inf, 0.0))
    assert found["reflection"][0] == [lined.reflection[0].real, lined.reflection[0].imag]
    assert found["power"] == {}
    assert found["liners"][0]["length"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--impedance", "1"], "each liner needs"),
        ([*ONE, "--liner-length", "2"], "got 1, 2 and 1"),
        (["--engineering-impedance"], "need --impedance"),
        (["--surface-wave", "stable"], "need --impedance"),
        ([*ONE, "--mach", "0.1", "--surface-wave", "flat"], "--surface-wave must be one of"),
        (["--impedance", "soft", *ONE[2:]], "must be a number such as"),
        (["--impedance", "soft:a=1", *ONE[2:]], "must be one of mass-spring"),
        (["--impedance", "mass-spring:mass", *ONE[2:]], "mass-spring:resistance=...,mass=...,stiffness=..., got"),
        (["--impedance", "mass-spring:resistance=1", *ONE[2:]], "each parameter once"),
        (["--impedance", "mass-spring:resistance=1,mass=1,stiffness=1,mass=2", *ONE[2:]], "each parameter once"),
        (["--impedance", "mass-spring:resistance=1,mass=1,stiffness=1,foo=2", *ONE[2:]], "each parameter once"),
        (
            ["--impedance", "mass-spring:resistance=x,mass=1,stiffness=1", *ONE[2:]],
            "resistance must be a number, got 'x'",
        ),
        (["--impedance", "perforate:depth=2cm", *ONE[2:]], "needs --radius"),
        (["--impedance", "-1", *ONE[2:]], "positive real part"),
        ([*ONE, "--mach", "0.1"], "choose surface_wave='stable' or 'unstable'"),
        ([*ONE, "--jet"], "needs flow out of the duct"),
    ],
)
def test_liners_that_are_refused(capsys, arguments, words):
    assert run("solve", *MODE, *arguments) != 0
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("jet", [[], ["--jet"]])
def test_a_liner_in_flow(capsys, jet):
    chosen = ["--mach", "0.1", *jet, "--surface-wave", "stable"]
    found = values(capsys, "solve", *MODE, *ONE, *chosen)
    liner = Liner(1.5 + 0.8j, 1.0, 0.5, surface_wave="stable")
    exact = solve(DuctMode(4, 0, 8.0, mach=0.1), liner=liner, jet=Jet() if jet else None)
    assert found["power"]["absorbed"] == exact.power.absorbed.tolist()


def test_bands_have_no_liners(capsys):
    duct = ["--radius", "40cm", "--temperature", "15degC", "--bands", "500Hz:1kHz"]
    assert run("multimode", *duct, *ONE) != 0
    assert "--bands has no liners" in capsys.readouterr().err
