"""The commands, as a user meets them."""

import html
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from analytic import DuctMode, Jet, solve, stretched_angle
from data import generate
from wavenet import networks
from wavenet.study import solution

from .commands import run

TRAIN = ["train", "derivative", "--data", "DEMO/derivative.h5", "-o", "OUT/r", "--model"]
SHORT = {"unet": {"epochs": 3}, "constrained_unet": {"epochs": 2, "samples": 4}}
MODE = ["--m", "2", "--n", "0", "--helmholtz", "5"]
# Lightning and torch warn about workers, devices and each other.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo, whose U-nets learn less: nothing here asks how good they are."""
    out = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        for name, changes in SHORT.items():
            presets = networks.get(name).steps.presets
            patch.setitem(presets, "quick", replace(presets["quick"], **changes))
        assert run("demo", "-o", out, "--cases", 20) == 0
    return out


def test_solve_prints_json(capsys):
    assert run("solve", *MODE, "--angles", "0:90:3", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["end_correction"] is None
    assert values["far_field"]["angle_deg"] == [0, 45, 90]
    assert set(values["power"]) >= {"incident", "reflected", "radiated", "residual"}
    assert abs(values["power"]["residual"]) < 1e-10
    np.testing.assert_allclose(values["reflection"], values["reflection_pressure"], rtol=1e-12)


def test_solve_prints_a_table_and_labels_a_cut_off_mode(capsys, tmp_path):
    assert run("solve", "--m", 3, "--n", 0, "--helmholtz", 4, "--plot", tmp_path / "p.png") == 0
    assert "cut off" in capsys.readouterr().out
    assert (tmp_path / "p.png").stat().st_size > 10_000


def test_multimode_adds_the_modes(capsys, tmp_path):
    arguments = ["multimode", "--helmholtz", 3.5, "--angles", "0:180:3"]
    assert run(*arguments, "--plot", tmp_path / "p.png", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["modes"] == 5
    assert values["power"]["incident"] == pytest.approx(1)
    assert values["far_field"]["level_db"][0] > values["far_field"]["level_db"][2]
    assert (tmp_path / "p.png").stat().st_size > 10_000
    assert run(*arguments, "--model", "equal-energy-density") == 0
    assert "5 modes" in capsys.readouterr().out


def test_solve_prints_what_the_solver_says(capsys):
    source = DuctMode(0, 0, 1.0, 0.3)
    for options, jet in (([], None), (["--jet", "--kutta", "0.5"], Jet(kutta=0.5))):
        arguments = ["solve", "--m", 0, "--n", 0, "--helmholtz", 1, "--mach", 0.3, "--angles", "30:90:2", *options]
        assert run(*arguments, "--json") == 0
        values = json.loads(capsys.readouterr().out)
        exact = solve(source, jet=jet)
        keys = [
            "cut_on",
            "far_field",
            "directivity",
            "reflection_pressure",
            "reflection",
            "specific_impedance",
            "transmission_loss_db",
            "end_correction",
            "power",
            "error_estimate",
        ]
        assert list(values) == [*keys, *(["instability"] if jet else [])]
        pair = exact.reflection[0].real, exact.reflection[0].imag
        assert values["reflection"][0] == list(pair)
        assert values["end_correction"] == exact.end_correction
        angle = np.radians([30.0, 90.0])  # where microphones stand; D is at others in uniform flow
        theta = angle if jet else stretched_angle(angle, 0.3)
        np.testing.assert_allclose(values["directivity"]["theta_deg"], np.degrees(theta), rtol=1e-14)
        amplitude = exact.directivity(theta)
        assert values["directivity"]["amplitude"] == [[value.real, value.imag] for value in amplitude]
        far, pressure = values["far_field"], exact.pressure_directivity(angle)
        np.testing.assert_allclose(np.array(far["pressure"]) @ [1, 1j], pressure, rtol=1e-14)
        np.testing.assert_allclose(far["level_db"], exact.relative_level(angle), rtol=1e-14)
        assert values["specific_impedance"] == [exact.specific_impedance.real, exact.specific_impedance.imag]
        assert values["transmission_loss_db"] == exact.transmission_loss
        assert values["error_estimate"] == exact.error_estimate
        assert run(*arguments) == 0
        text = capsys.readouterr().out
        row = (
            f"      90.00  {far['level_db'][1]:10.3f}   {abs(pressure[1]):.6e}        90.00  {abs(amplitude[1]):.6e}\n"
        )
        assert row in text
        assert text.index(row) < text.index("pressure reflected")
        assert f"error estimate           {exact.error_estimate:.1e}" in text
        assert ("Kutta parameter 0.5" in text) == bool(jet)


def test_what_the_numerics_miss_is_exit_status_1(capsys):
    assert run("solve", "--m", 1, "--n", 0, "--helmholtz", 1.8411837813406595) == 1  # at cut-on
    error = capsys.readouterr().err
    assert error.startswith("wavenet: ")
    assert error.count("\n") == 1


def test_an_interrupted_generation_is_exit_status_130(monkeypatch, tmp_path, capsys):
    def interrupted(*_, **__):
        raise generate.Interrupted("interrupted: continue with --resume")

    monkeypatch.setattr(generate, "generate", interrupted)
    assert run("generate", "forward-demo", "--cases", 4, "-o", tmp_path / "x.h5") == 130
    assert capsys.readouterr().err.strip().endswith("wavenet: interrupted: continue with --resume")


def test_options_of_a_jet_need_the_jet(capsys):
    for name, value in (("mach-outer", 0.1), ("sound-speed-ratio", 1.1), ("density-ratio", 0.9), ("kutta", 0.5)):
        assert run("solve", *MODE, f"--{name}", value) == 2
        assert f"--{name} {value}" in capsys.readouterr().err
        assert run("multimode", "--helmholtz", 2, f"--{name}", value) == 2
        capsys.readouterr()


def test_a_level_that_is_not_finite_is_null():
    found = solution.ModesAtAngles(1, np.array([0.0, 1.0]), np.array([-np.inf, 3.0]), "dB", {}, 0.0)
    assert found.finite_level == [None, 3.0]


def test_multimode_is_the_sum_of_its_modes(capsys):
    assert run("multimode", "--helmholtz", 2.5, "--angles", "0:180:3", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    theta = np.radians([0.0, 90.0, 180.0])
    power, index = 0.0, 0.0
    for m in (0, 1, -1):  # cut on: (0, 0), (1, 0); equal incident power
        exact = solve(DuctMode(abs(m), 0, 2.5))
        power += exact.power.radiated / exact.power.incident / 3
        index += np.abs(exact.directivity(theta)) ** 2 / exact.power.incident / 3
    assert values["modes"] == 3
    assert values["power"]["radiated"] == pytest.approx(power, rel=1e-6)
    level = values["far_field"]["level_db"]
    np.testing.assert_allclose(np.diff(level), np.diff(10 * np.log10(index)), atol=1e-5)
    with pytest.raises(ValueError, match="equal-power, equal-energy-density, got 'loud'"):
        solution.modes("loud", 2.5, 0.0, 0.0, theta)


def test_field_file(tmp_path):
    path = tmp_path / "field.h5"
    assert run("field", *MODE, "--x=-1:1:8", "--r=0:2:6", "-o", path) == 0
    with h5py.File(path) as file:
        assert file["potential"].shape == (8, 6)
        np.testing.assert_allclose(file["pressure"][...], 5j * file["potential"][...], rtol=1e-12)
    assert run("field", *MODE, "-o", path) == 2  # not overwritten


def test_predict_agrees_with_solve(capsys):
    arguments = [*MODE, "--mach", "0.3", "--angles", "0:120:4", "--json"]
    assert run("predict", *arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert run("solve", *arguments) == 0
    exact = json.loads(capsys.readouterr().out)
    amplitudes = [np.array(values["directivity"]["amplitude"]) for values in (found, exact)]
    error = np.linalg.norm(amplitudes[0] - amplitudes[1]) / np.linalg.norm(amplitudes[1])
    assert error < 10 * found["error_bar"]
    assert list(found) == ["far_field", "directivity", "error_bar", "coverage"]
    assert found["far_field"]["angle_deg"] == [0, 40, 80, 120]
    levels = [np.array(values["far_field"]["level_db"][1:]) for values in (found, exact)]  # nothing on the axis
    assert np.max(np.abs(levels[0] - levels[1])) < 0.01
    assert found["directivity"]["theta_deg"] == exact["directivity"]["theta_deg"]
    assert found["coverage"] == 0.95
    assert run("predict", *MODE, "--mach", "0.3", "--angles", "0:120:4", "--coverage", "0.5") == 0
    text = capsys.readouterr().out
    bar = float(re.search(r"error of D over the arc at most (\S+), with probability 0\.5", text)[1])
    assert bar < found["error_bar"]
    assert f"  {np.hypot(*found['directivity']['amplitude'][1]):.6e}\n" in text
    assert run("predict", "--m", 0, "--n", 0, "--helmholtz", 40, "--extrapolate") == 0
    assert "no error bar" in capsys.readouterr().out


@pytest.fixture(scope="module")
def near_field(tmp_path_factory):
    path = tmp_path_factory.mktemp("field") / "field.h5"
    assert run("field", *MODE, "--mach", "0.2", "-o", path) == 0
    return path


def test_a_field_is_differentiated(near_field, tmp_path, capsys):
    capsys.readouterr()
    assert run("differentiate", near_field, "-o", tmp_path / "out.h5", "--json") == 0
    shown = capsys.readouterr()
    result = json.loads(shown.out)
    assert (result["warnings"], shown.err) == ([], "")
    assert result["equation_residual"] < 5e-3
    assert result["noise"] < 1e-7
    with h5py.File(near_field) as exact, h5py.File(tmp_path / "out.h5") as found:
        assert dict(found.attrs)["helmholtz"] == 5.0
        assert found.attrs["noise"] == result["noise"]
        assert found.attrs["noise_meaning"].decode() == result["noise_meaning"]
        assert result["noise_meaning"].startswith("root mean square of the error over that of the given field")
        for name in ("axial_velocity", "radial_velocity", "pressure"):
            truth, values = exact[name][...], found[name][...]
            assert np.linalg.norm(values - truth) < 2e-5 * np.linalg.norm(truth)
            assert found[name].attrs["units"] == exact[name].attrs["units"]
            error = found[f"{name}_error"][...] if name != "pressure" else None
            if error is not None:  # expected ones: of the right size, cell by cell
                ratio = np.abs(values - truth) / error
                assert 0.02 < np.median(ratio) < 10  # of clean fields the U-net expects too much


def test_a_wrong_ka_is_corrected_unless_it_is_trusted(near_field, tmp_path, capsys):
    path, used = tmp_path / "wrong.h5", []
    path.write_bytes(near_field.read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["helmholtz"] = 5.01
    for name, options in (("out", []), ("trusting", ["--trust", "--linear"])):
        assert run("differentiate", path, "-o", tmp_path / f"{name}.h5", *options) == 0
        with h5py.File(tmp_path / f"{name}.h5") as file:
            used.append((file.attrs["helmholtz"], "not of ka = 5.01" in capsys.readouterr().err))
    assert used == [(pytest.approx(5.0, rel=1e-7), True), (5.01, False)]


def test_a_field_of_another_kind_is_warned_of(near_field, tmp_path, capsys):
    path = tmp_path / "wrong.h5"
    path.write_bytes(near_field.read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["helmholtz"] = 40.0
    assert run("differentiate", path, "-o", tmp_path / "out.h5") == 0
    warnings = capsys.readouterr().err
    assert "helmholtz = 40 is outside the training range" in warnings
    assert re.search("convected Helmholtz equation of m = 2, ka = 40, M = 0.2 is missed by", warnings)
    assert run("field", *MODE, "--x=-2:2:64", "-o", tmp_path / "coarse.h5") == 0
    assert run("differentiate", tmp_path / "coarse.h5", "-o", tmp_path / "o.h5") == 0
    assert "the spacing in x, 0.0625, is outside the tested range" in capsys.readouterr().err


def spoil_attribute(file):
    file.attrs["mach"] = "fast"


def spoil_shape(file):
    del file["x"]
    file["x"] = np.linspace(-2, 2, 5)


def spoil_values(file):
    file["potential"][3, 3] = np.nan


def spoil_hub(file):
    file.attrs["hub"] = 0.3


def spoil_link(file):
    del file["r"]
    file["r"] = h5py.ExternalLink("other.h5", "r")


def spoil_jet(file):
    file.attrs["kutta"] = 1.0


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (spoil_attribute, "attribute mach"),
        (spoil_shape, r"potential has shape \(128, 64\)"),
        (spoil_values, "not finite"),
        (spoil_hub, "with a hub"),
        (spoil_jet, "with a jet"),
        (spoil_link, "r is missing or not a dataset of this file"),
    ],
)
def test_damaged_fields_are_refused(spoil, named, near_field, tmp_path, capsys):
    path = tmp_path / "bad.h5"
    path.write_bytes(near_field.read_bytes())
    with h5py.File(path, "r+") as file:
        spoil(file)
    assert run("differentiate", path, "-o", tmp_path / "out.h5") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(named, error), error
    assert not (tmp_path / "out.h5").exists()


def test_demo_leaves_everything(demo, check_page):
    summary = json.loads((demo / "metrics.json").read_text())
    assert {"feedforward", "unet, u", "constrained, v", "differences of order 8, u"} <= set(summary["median"])
    assert summary["relevance_miss"] < 1e-6
    # The few exercises of the demo teach where which derivative is right.
    assert summary["median"]["constrained, u"] < summary["median"]["differences of order 8, u"] / 30
    for name in ("feedforward", "unet", "constrained", "constrained_unet"):
        check_page((demo / f"compare-{name}" / "report.html").read_text(encoding="utf-8"))
        for output in json.loads((demo / f"attribute-{name}" / "attribution.json").read_text())["outputs"]:
            assert output["relevance_sum"] + output["leak"] == pytest.approx(output["value"], rel=1e-4)
    check_page((demo / "index.html").read_text(encoding="utf-8"))
    assert (demo / "run-unet" / "metrics.csv").is_file()


def test_compare_writes_what_it_says(demo, tmp_path, capsys):
    assert run("compare", demo / "run-feedforward", "--data", demo / "forward.h5", "-o", tmp_path / "c", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    metrics = json.loads((tmp_path / "c" / "metrics.json").read_text())
    assert list(said) == ["report", "verdict", "median", "percentile_95"]
    assert said["verdict"] == " ".join(metrics["verdict"])
    assert (said["median"], said["percentile_95"]) == (metrics["median"], metrics["percentile_95"])
    text = (tmp_path / "c" / "report.html").read_text(encoding="utf-8")
    assert "of the dataset that the network was trained on; its training did not see them" in text
    assert html.escape(f"wavenet compare {demo / 'run-feedforward'} --data {demo / 'forward.h5'} -o") in text
    level = metrics["level_error_db_within_20_db"]
    assert f"median {level['median']:.2f} dB, 95th percentile {level['percentile_95']:.2f} dB" in text
    for sentence in metrics["verdict"]:
        assert html.escape(sentence) in text


def test_attribute_takes_the_nearest_point_and_says_the_worst_miss(demo, tmp_path, capsys):
    out = tmp_path / "a"
    arguments = ["--data", demo / "derivative.h5", "--case", 3, "--at=-0.11,0.94", "-o", out, "--json"]
    assert run("attribute", "derivative", *arguments) == 0
    said = json.loads(capsys.readouterr().out)
    written = json.loads((out / "attribution.json").read_text())
    assert (written["model"], written["case"], written["method"]) == ("constrained", 3, "rap")
    assert said["worst_miss"] == max(output["miss"] for output in written["outputs"])
    with h5py.File(demo / "derivative.h5") as file:
        x, r = file["x"][...], file["r"][...]
    for output, name in zip(written["outputs"], "uv", strict=True):
        assert output["at"] == [x[np.argmin(np.abs(x + 0.11))], r[np.argmin(np.abs(r - 0.94))]]
        assert (out / f"relevance_{name}.png").stat().st_size > 10_000


def test_training_resumes(demo):
    target = demo / "run-feedforward"
    assert run("train", "forward", "--data", demo / "forward.h5", "-o", target) == 2  # not empty
    assert run("train", "forward", "--data", demo / "forward.h5", "-o", target, "--resume", "--json") == 0


def test_a_dataset_has_a_card(demo):
    text = (demo / "derivative.card.md").read_text(encoding="utf-8")
    assert "20 near fields" in text
    assert "(derivative.card.png)" in text
    assert (demo / "derivative.card.png").stat().st_size > 10_000


def test_convert_there_and_back(demo, tmp_path, capsys):
    assert run("convert", demo / "derivative.h5", "-o", tmp_path / "x.mat", "--split", "test") == 0
    assert run("convert", tmp_path / "x.mat", "-o", tmp_path / "x.h5", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["unchanged"]
    assert run("check", tmp_path / "x.h5") == 0


def test_check_and_recipes(demo, capsys):
    assert run("check", demo / "forward.h5", "--json") == 0
    assert json.loads(capsys.readouterr().out)["cases"] == 20
    assert run("recipes") == 0
    assert "derivative-demo" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["solve", "--m", "0", "--n", "0", "--helmholtz", "-1"], "helmholtz=-1.0"),
        (["solve", "--m", "0", "--n", "0", "--helmholtz", "0"], "helmholtz=0.0"),
        (["solve", "--m", "0", "--n", "0", "--helmholtz", "nan"], "helmholtz=nan"),
        (["solve", *MODE, "--mach", "1"], "mach=1.0"),
        (["solve", "--m", "0", "--n", "-1", "--helmholtz", "1"], "n=-1"),
        (["solve", *MODE, "--angles", "0:200:3"], "0 ... 180 degrees"),
        (["solve", *MODE, "--angles", "0-90"], "from:to:count"),
        (["field", *MODE, "--r=-1:1:4", "-o", "OUT/f.h5"], "r=-0.75"),
        (["field", *MODE, "-o", "OUT/none/f.h5"], "no folder"),
        (["generate", "nowhere", "-o", "OUT/x.h5"], "nowhere"),
        (["generate", "forward-demo", "-o", "OUT/none/x.h5"], "none"),
        (["generate", "forward-demo", "--workers", "0", "-o", "OUT/x.h5"], "workers"),
        (["generate", "forward-demo", "-o", "DEMO/forward.h5", "--resume"], "not overwritten"),
        (["generate", "forward-demo", "--cases", "4", "--scheduler", "nowhere", "-o", "OUT/x.h5"], "nowhere"),
        (["convert", "DEMO/forward.h5", "-o", "OUT/x.mat"], "got the task forward"),
        (["convert", "DEMO/derivative.h5", "-o", "OUT/x.csv"], "no format has the suffix of x.csv"),
        (["convert", "DEMO/derivative.h5", "-o", "OUT/x.mat", "--mach", "0.1"], "mach = 0.1"),
        (["convert", "DEMO/derivative.h5", "-o", "OUT/x.h5"], "to another format, or back"),
        (["convert", "DEMO/derivative.h5", "-o", "OUT/none/x.mat"], "no folder"),
        (
            ["convert", "DEMO/derivative.h5", "-o", "OUT/x", "--format", "arrow"],
            "unknown format 'arrow', expected one of matlab",
        ),
        (["convert", "OUT/x.mat", "-o", "OUT/x.h5", "--split", "test"], "--split test applies only"),
        (["check", "OUT/none.h5"], "none.h5"),
        (["train", "forward", "--data", "DEMO/derivative.h5", "-o", "OUT/run"], "derivative dataset"),
        (["train", "forward", "--data", "DEMO/forward.h5", "-o", "OUT/run", "--model", "unet"], "--model"),
        (["compare", "DEMO/run-feedforward", "--data", "DEMO/derivative.h5", "-o", "OUT/c"], "forward task"),
        (["compare", "OUT", "--data", "DEMO/derivative.h5", "-o", "OUT/c"], "not a run"),
        (["compare", "DEMO/run-feedforward", "--data", "DEMO/forward.h5", "-o", "DEMO/forward.h5/c"], "forward.h5"),
        (
            ["attribute", "DEMO/run-unet", "--data", "DEMO/derivative.h5", "--case", "99", "-o", "OUT/a"],
            "case must lie",
        ),
        (["attribute", "DEMO/run-unet", "--data", "DEMO/derivative.h5", "--at", "x", "-o", "OUT/a"], "--at"),
        (["attribute", "DEMO/run-unet", "--data", "DEMO/forward.h5", "-o", "OUT/a"], "derivative task"),
        (["attribute", "unet", "--data", "DEMO/derivative.h5", "--method", "nix", "-o", "OUT/a"], "--method"),
        (["demo", "-o", "DEMO"], "not empty"),
        (["predict", "--m", "0", "--n", "0", "--helmholtz", "40"], "outside the training range"),
        (["predict", "--m", "0", "--n", "9", "--helmholtz", "5"], "not cut on"),
        (["predict", *MODE, "--angles", "0:200:3"], "0 ... 180"),
        (["predict", *MODE, "--coverage", "0.7"], "coverage must be one of"),
        (["predict", "DEMO/run-unet", *MODE], "factor task is needed"),
        (["detect", "--array", "OUT/none.h5"], "none.h5"),
        (["detect", "--array", "FIELD"], "x, r, phi|phi is missing"),
        (["differentiate", "OUT/none.h5", "-o", "OUT/x.h5"], "none.h5"),
        (["differentiate", "DEMO/derivative.h5", "-o", "OUT/x.h5"], "attribute m"),
        (["differentiate", "DEMO/derivative.h5", "-o", "OUT/x.h5", "--snr", "-3"], "--snr"),
        (["differentiate", "FIELD", "DEMO/run-unet", "-o", "OUT/x.h5"], "constrained network is needed"),
        (["differentiate", "FIELD", "DEMO/run-unet", "-o", "OUT/x.h5", "--linear"], "give one of the two"),
        (
            ["train", "derivative", "--data", "DEMO/derivative.h5", "-o", "OUT/r", "--model", "unet", "--edge", "X"],
            "--edge",
        ),
        ([*TRAIN, "unet", "--constraints", "phase,glue"], "'glue'"),
        (
            [*TRAIN, "constrained-unet", "--constraints", "waves"],
            "barrier, superposition, phase, residuals; got 'waves'",
        ),
        ([*TRAIN, "constrained", "--constraints", "edge"], "constraints of constrained are none"),
        (
            ["train", "derivative", "--data", "DEMO/derivative.h5", "-o", "OUT/r", "--edge", "DEMO/run-unet"],
            "edge task",
        ),
    ],
)
def test_bad_input_is_one_clear_line(arguments, named, demo, near_field, tmp_path, capsys):
    places = {"OUT": tmp_path, "DEMO": demo, "FIELD": near_field}
    for key, place in places.items():
        arguments = [argument.replace(key, str(place)) for argument in arguments]
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("wavenet: ")
    assert re.search(named, error), error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "script", ["generate_dataset", "train_surrogate", "compare_analytical", "attribute_predictions"]
)
def test_scripts_run_from_a_clone(script, pytestconfig):
    path = pytestconfig.rootpath / "scripts" / f"{script}.py"
    shown = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True, check=True).stdout
    assert "Example" in shown


def test_a_folder_of_the_user_s_is_not_taken_for_our_network(demo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = str(demo / "derivative.h5")
    assert run("compare", "unet", "--data", data, "-o", "ours") == 0
    Path("unet").mkdir()
    assert run("compare", "unet", "--data", data, "-o", "mine") == 2
    assert "is a folder here and a network of the package" in capsys.readouterr().err
