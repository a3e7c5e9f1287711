"""Physical units in commands: what is typed, what is refused, and that it ends as in Python."""

import h5py
import numpy as np
import pytest

from analytic import DuctMode, MultiMode, PhysicalDuct, solve, third_octave_bands, third_octave_levels
from wavenet.cli.quantities import USUAL, in_any_unit, quantity
from wavenet.study import solution

from .commands import run, values

DUCT = ["--radius", "40cm", "--temperature", "15degC", "--mach=-0.35"]
FAN = ["--m", "22", "--n", "0", *DUCT, "--frequency", "3.6kHz"]
QUIET = pytest.mark.filterwarnings("ignore")  # of torch and Lightning


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("0.4m", "m", 0.4),
        ("400 mm", "m", 0.4),
        ("10 in", "m", 0.254),
        ("1.2kHz", "Hz", 1200),
        ("15degC", "K", 288.15),
        ("-4 °F", "K", 253.15),
        ("293.15K", "K", 293.15),
        ("-36 km/h", "m/s", -10),
        ("1e-1 bar", "Pa", 1e4),
        (".5W", "W", 0.5),
        ("120dB", "W", 1.0),
        ("94dB", "Pa", 2e-5 * 10**4.7),
        ("1.2 kg/m^3", "kg/m^3", 1.2),
        ("1.2e-3 g/cm**3", "kg/m^3", 1.2),
    ],
)
def test_quantities_are_in_si_units(text, unit, expected):
    assert quantity(text, unit, "option") == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *(
            (text, "m")
            for text in ("0.4", "m", "0.4kg", "0.4 blob", "nanm", "1e999m", "3dB", "1;2m", "1m**", "1 m/0", "")
        ),
        ("15C", "K"),
        ("1Hz", "m/s"),
    ],
)
def test_what_is_no_quantity_is_named(text, unit):
    with pytest.raises(ValueError, match=r"--some-thing must be a number with a unit, such as .*, got"):
        quantity(text, unit, "some-thing")


@pytest.mark.parametrize(("unit", "given"), [(unit, given) for unit, table in USUAL.items() for given in table])
def test_usual_units_are_those_of_pint(unit, given):
    assert quantity(f"12.5{given}", unit, "option") == pytest.approx(in_any_unit(12.5, given, unit), rel=1e-15)


def test_the_fan_duct_in_one_command(capsys):
    found = values(capsys, "solve", *FAN, "--angles", "40:120:3")
    mode = DuctMode.physical(22, 0, frequency=3600.0, radius=0.4, temperature=288.15, mach=-0.35)
    solution = solve(mode)
    level = solution.sound_pressure_level(np.radians([40.0, 80.0, 120.0]))
    np.testing.assert_allclose(found["far_field"]["level_db"], level, rtol=1e-12)
    assert found["far_field"]["reference"] == "dB re 20 uPa at 1 m, incident power 1 W"
    assert found["cut_on_frequency_hz"] == pytest.approx(mode.cut_on_frequency, rel=1e-12)
    assert (found["radius_m"], found["frequency_hz"]) == pytest.approx((0.4, 3600.0), rel=1e-12)
    assert (found["sound_speed_m_per_s"], found["density_kg_per_m3"]) == (mode.duct.sound_speed, mode.duct.density)
    louder = values(capsys, "solve", *FAN, "--angles", "40:120:3", "--power", "130dB", "--distance", "10m")
    np.testing.assert_allclose(louder["far_field"]["level_db"], level + 10 - 20, rtol=1e-9)
    assert louder["far_field"]["reference"] == "dB re 20 uPa at 10 m, incident power 10 W"
    wall = values(capsys, "solve", *FAN, "--angles", "40:120:3", "--wall-pressure", "1Pa")
    expected = solution.sound_pressure_level(np.radians([40.0, 80.0, 120.0]), wall_pressure=1.0)
    np.testing.assert_allclose(wall["far_field"]["level_db"], expected, rtol=1e-12)
    assert run("solve", *FAN, "--angles", "40:120:3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mode (22, 0), 3600 Hz, radius 0.4 m, c = 340.294 m/s, rho = 1.2250 kg/m^3"
    assert lines[2].endswith("level in dB re 20 uPa at 1 m, incident power 1 W;")
    pascals = 2e-5 * 10 ** (level[1] / 20)
    assert lines[6].startswith(f"      80.00  {level[1]:10.3f}   {pascals:.6e}  ")


def test_a_cut_off_mode_is_named_with_its_frequencies(capsys):
    mode = ["--m", "22", "--n", "0", *DUCT, "--frequency", "1200Hz"]
    assert run("solve", *mode, "--angles", "40:120:3") == 0
    out = capsys.readouterr().out
    assert "mode (22, 0) is cut off at 1200 Hz, it propagates above 3080.74 Hz: it carries no power of its own" in out
    assert "dB re the incident mode at the wall, at 1 duct radius" in out
    assert "transmission loss" not in out
    assert run("solve", *mode, "--power", "1W") == 2
    assert "cut off at 1200 Hz, it propagates above 3080.74 Hz" in capsys.readouterr().err


def test_streams_and_hubs(capsys):
    duct = ["--radius", "0.1m", "--sound-speed", "400m/s", "--density", "2kg/m^3", "--velocity", "40m/s"]
    found = values(capsys, "solve", "--m", 0, "--n", 0, *duct, "--hub-radius", "4cm", "--frequency", "100Hz")
    mode = DuctMode.physical(
        0, 0, radius=0.1, frequency=100.0, sound_speed=400.0, density=2.0, velocity=40.0, hub_radius=0.04
    )
    assert (mode.mach, mode.hub) == pytest.approx((0.1, 0.4), rel=1e-14)
    level = solve(mode).sound_pressure_level(np.radians(np.linspace(0, 180, 37)))
    np.testing.assert_allclose(found["far_field"]["level_db"], level, rtol=1e-12)
    duct = ["--radius", "0.1m", "--temperature", "300K", "--static-pressure", "2bar", "--hub", "0.4"]
    found = values(capsys, "solve", "--m", 0, "--n", 0, *duct, "--frequency", "100Hz")
    assert found["density_kg_per_m3"] == pytest.approx(2e5 / (287.05287 * 300), rel=1e-12)
    assert run("solve", "--m", 0, "--n", 0, *duct, "--helmholtz", 0.5) == 0  # --helmholtz in place of --frequency
    text = capsys.readouterr().out
    assert f"radii, {0.1 * solve(DuctMode(0, 0, 0.5, hub=0.4)).end_correction:.6g} m" in text


def test_powers_of_too_many_modes_are_refused_before_the_work(monkeypatch, capsys):
    monkeypatch.setattr(solution, "solution_of", None)
    assert run("multimode", "--ka", "130") == 1
    assert "the powers of 2" in capsys.readouterr().err


def test_many_modes_and_bands(capsys):
    duct = PhysicalDuct.filled(0.4, temperature=288.15, mach=-0.35)
    angles = np.radians([0.0, 90.0, 180.0])
    source = MultiMode.equal_energy_density(duct.helmholtz(400.0), -0.35)
    options = [*DUCT, "--angles", "0:180:3", "--model", "equal-energy-density", "--power", "4W", "--distance", "3m"]
    found = values(capsys, "multimode", *options, "--frequency", "400Hz")
    expected = solve(source).sound_pressure_level(angles, duct, power=4.0, distance=3.0)
    np.testing.assert_allclose(found["far_field"]["level_db"], expected, rtol=1e-12)
    found = values(capsys, "multimode", *options, "--bands", "160Hz:0.2kHz")
    bands = third_octave_bands(160.0, 200.0)
    exact = third_octave_levels(MultiMode.equal_energy_density, duct, bands, angles, power=4.0, distance=3.0)
    assert found["far_field"]["bands_hz"] == [160, 200]
    np.testing.assert_allclose(found["far_field"]["level_db"], exact.level, rtol=1e-12)
    assert found["error_estimate_db"] == exact.error_estimate.tolist()
    assert run("multimode", *options, "--bands", "160Hz:0.2kHz") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("dB re 20 uPa at 3 m, incident power 4 W in each band")
    assert lines[4].split() == ["90.00", "deg", *(f"{value:.3f}" for value in exact.level[:, 1])]


def test_a_field_says_how_large_it_is(tmp_path):
    path = tmp_path / "field.h5"
    duct = ["--radius", "40cm", "--temperature", "15degC", "--frequency", "400Hz"]
    assert run("field", "--m", 1, "--n", 0, *duct, "--x=-1:1:4", "--r=0:2:4", "-o", path) == 0
    with h5py.File(path) as file:
        attributes = dict(file.attrs)
    mode = DuctMode.physical(1, 0, frequency=400.0, radius=0.4, temperature=288.15)
    assert attributes["helmholtz"] == pytest.approx(mode.helmholtz, rel=1e-12)
    assert attributes["density_kg_per_m3"] == mode.duct.density
    assert attributes["sound_speed_m_per_s"] == mode.duct.sound_speed
    assert (attributes["radius_m"], attributes["hub"]) == (0.4, 0.0)


@QUIET
def test_the_surrogate_takes_the_same_units(capsys):
    duct = ["--radius", "40cm", "--temperature", "15degC", "--velocity", "60m/s", "--frequency", "800Hz"]
    options = ["--m", "2", "--n", "0", *duct, "--angles", "20:120:5", "--wall-pressure", "100dB"]
    found, exact = (values(capsys, command, *options)["far_field"] for command in ("predict", "solve"))
    assert found["reference"] == exact["reference"] == "dB re 20 uPa at 1 m, incident mode 2 Pa rms at the wall"
    assert 0 < np.max(np.abs(np.subtract(found["level_db"], exact["level_db"]))) < 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve", "--m", "0", "--n", "0"], "give --helmholtz, or --frequency"),
        (["solve", "--m", "0", "--n", "0", "--helmholtz", "1", "--frequency", "1Hz"], "--frequency 1Hz needs --radius"),
        (["solve", "--m", "0", "--n", "0", "--helmholtz", "1", "--static-pressure", "1bar"], "--static-pressure 1bar"),
        (["solve", "--m", "0", "--n", "0", "--helmholtz", "1", "--wall-pressure", "1Pa"], "needs --radius"),
        (["solve", *FAN, "--helmholtz", "3"], "give --helmholtz, or --frequency"),
        (["solve", *FAN, "--velocity", "3m/s"], "give --velocity or --mach, got 3m/s and -0.35"),
        (["solve", *FAN, "--hub", "0.1", "--hub-radius", "1cm"], "give --hub-radius or --hub, got 1cm and 0.1"),
        (["solve", *FAN, "--sound-speed", "300m/s"], "give --temperature or --sound-speed"),
        (["solve", *FAN, "--density", "1.2"], "--density must be a number with a unit"),
        (["solve", *FAN, "--power", "1W", "--wall-pressure", "1Pa"], "give power or wall_pressure"),
        (["solve", *FAN, "--power", "0W"], "power=0.0"),
        (["solve", *FAN, "--distance", "0m"], "distance=0.0"),
        (
            ["solve", "--m", "0", "--n", "0", "--radius", "-1m", "--temperature", "15degC", "--frequency", "1Hz"],
            "=-1.0",
        ),
        (["multimode", *DUCT], "give --helmholtz, or --frequency"),
        (["multimode", *DUCT, "--frequency", "100Hz", "--wall-pressure", "1Pa"], "give --power"),
        (["multimode", *DUCT, "--bands", "100Hz:200Hz", "--helmholtz", "2"], "neither --frequency"),
        (["multimode", "--bands", "100Hz:200Hz"], "--bands needs --radius"),
        (["multimode", *DUCT, "--bands", "100Hz"], "from:to"),
        (["multimode", *DUCT, "--bands", "100:200Hz"], "--bands must be a number with a unit"),
        (["multimode", *DUCT, "--bands", "130Hz:140Hz"], "no third-octave band"),
    ],
)
def test_bad_options_are_named(arguments, message, capsys):
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
