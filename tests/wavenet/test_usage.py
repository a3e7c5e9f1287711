"""What people type: command lines that are wrong in a hundred ways, each answered by one clear line and status 2."""

import re

import h5py
import pytest

from wavenet.cli import main

HOSTILE = {
    # names of commands and options
    "nonsense": "there is no command 'nonsense'",
    "slove --m 2": "there is no command 'slove'; did you mean solve",
    "--foo": "has no option --foo",
    "solve --m 0 --n 0 --helmholz 2": "solve has no option --helmholz; did you mean --helmholtz",
    "solve --m 0 --n 0 -ka 2": "solve has no option -ka; did you mean --ka",
    "check --data x.h5": "check has no option --data",
    "predict --m 2 --n 0 --ka 5 --run r": "--run is now the argument RUN: wavenet predict RUN",
    "detect --array x.h5 --run r": "--run is now the argument RUN: wavenet detect RUN",
    "differentiate f.h5 -o v.h5 --run r": "--run is now the argument RUN: wavenet differentiate FIELD RUN",
    # what is missing, and what is too much
    "solve --m 2": "--n is missing",
    "solve --n 0 --ka 5": "--m is missing",
    "solve --m 2 --n 0": "give --helmholtz, or --frequency with --radius",
    "solve --m": "--m needs a value",
    "field --m 2 --n 0 --ka 5": "--output is missing",
    "generate": "RECIPE is missing",
    "generate forward-demo": "--output is missing",
    "check": "FILE is missing",
    "check a.h5 b.h5": "unexpected argument b.h5",
    "solve --m 2 --n 0 --ka 5 6 7": "unexpected argument 6 7",
    "train": "TASK is missing, one of forward, derivative, edge, factor, jet_factor",
    "train forward": "--data is missing",
    "compare --data x.h5 -o r": "RUN is missing",
    "attribute --data x.h5 -o r": "RUN is missing",
    "differentiate -o v.h5": "FIELD is missing",
    "detect": "--array is missing",
    "convert x.h5": "--output is missing",
    "solve --m 2 --n 0 --json=1": "--json takes no value",
    # numbers
    "solve --m x --n 0 --ka 5": "--m must be an integer, got 'x'",
    "solve --m 2.5 --n 0 --ka 5": "--m must be an integer, got '2.5'",
    "solve --m 2 --n= --ka 5": "--n must be an integer, got ''",
    "solve --m 2 --n 0 --ka five": "--helmholtz must be a number, got 'five'",
    "solve --m 2 --n 0 --ka 1,5": "--helmholtz must be a number, got '1,5'",
    "solve --m 2 --n 0 --ka 5 --mach=fast": "--mach must be a number, got 'fast'",
    "solve --m 2 --n 0 --ka nan": "helmholtz=nan",
    "solve --m 2 --n 0 --ka inf": "helmholtz=inf",
    "solve --m 2 --n 0 --ka -5": "helmholtz=-5.0",
    "solve --m 2 --n 0 --ka 0": "helmholtz=0.0",
    "solve --m 2 --n -1 --ka 5": "n=-1",
    "solve --m 2 --n 0 --ka 5 --mach 1": "mach=1.0",
    "solve --m 2 --n 0 --ka 5 --mach -1.5": "mach=-1.5",
    "solve --m 2 --n 0 --ka 5 --mach nan": "mach=nan",
    "solve --m 2 --n 0 --ka 5 --hub 1": "hub",
    "solve --m 2 --n 0 --ka 5 --hub -0.1": "hub",
    "solve --m 2 --n 0 --ka 5 --kutta 0.5": "--kutta 0.5 is an option of a jet: it needs --jet",
    "solve --m 2 --n 0 --ka 5 --jet --kutta 2": "kutta",
    "solve --m 2 --n 0 --ka 5 --jet --density-ratio 0": "density_ratio",
    "solve --m 2 --n 0 --ka 5 --jet --sound-speed-ratio -1": "sound_speed_ratio",
    "solve --m 2 --n 0 --ka 5 --jet --mach-outer 1.2": "mach_outer",
    "generate forward-demo -o x.h5 --cases many": "--cases must be an integer, got 'many'",
    "generate forward-demo -o x.h5 --cases 0": "cases",
    "generate forward-demo -o x.h5 --cases -3": "cases",
    "generate forward-demo -o x.h5 --seed -1": "seed",
    "generate forward-demo -o x.h5 --workers 0": "workers",
    "explore --port 99999999": "--port must lie in",
    "explore --port http": "--port must be an integer, got 'http'",
    # spans and points
    "solve --m 2 --n 0 --ka 5 --angles 90": "--angles must be from:to:count",
    "solve --m 2 --n 0 --ka 5 --angles 0:90": "--angles must be from:to:count",
    "solve --m 2 --n 0 --ka 5 --angles 0:90:2:3": "--angles must be from:to:count",
    "solve --m 2 --n 0 --ka 5 --angles 90:0:3": "--angles must be from:to:count with from < to",
    "solve --m 2 --n 0 --ka 5 --angles 0:90:0": "--angles must be from:to:count",
    "solve --m 2 --n 0 --ka 5 --angles 0:200:3": "--angles must lie in 0 ... 180 degrees, got '0:200:3'",
    "solve --m 2 --n 0 --ka 5 --angles nan:90:3": "--angles must be from:to:count",
    "predict --m 2 --n 0 --ka 5 --angles -10:90:3": "must lie in 0 ... 180",
    "solve --m 2 --n 0 --ka 5 --angles 0:90:999999999": "count from 1 to 100000",
    "field --m 2 --n 0 --ka 5 -o f.h5 --x=-2:2:90000 --r=0:2:90000": "make 8100000000 cells, the most is 10000000",
    "field --m 2 --n 0 --ka 5 -o f.h5 --x 0:1": "--x must be from:to:count",
    "field --m 2 --n 0 --ka 5 -o f.h5 --r a:b:c": "--r must be from:to:count",
    "field --m 2 --n 0 --ka 5 -o f.h5 --r=-1:1:4": "r=-0.75",
    "field --m 2 --n 0 --ka 5 -o f.h5 --x 0:1:0": "--x must be from:to:count",
    # physical units
    "solve --m 2 --n 0 --frequency 1kHz": "--frequency 1kHz needs --radius",
    "solve --m 2 --n 0 --ka 5 --power 1W": "--power 1W needs --radius",
    "solve --m 22 --n 0 --radius 0.4 --frequency 3600Hz --temperature 15degC": "--radius must be a number with a unit",
    "solve --m 22 --n 0 --radius 0.4kg --frequency 3600Hz --temperature 15degC": "--radius must be a number with a",
    "solve --m 22 --n 0 --radius 0.4m --frequency 3600 --temperature 15degC": "--frequency must be a number with a",
    "solve --m 22 --n 0 --radius 0.4m --frequency 3600Hz --temperature 15C": "--temperature must be a number with a",
    "solve --m 22 --n 0 --radius 0.4m --frequency 3600Hz": "give --temperature or --sound-speed",
    "solve --m 22 --n 0 --radius -0.4m --frequency 3600Hz --temperature 15degC": "radius",
    "solve --m 22 --n 0 --radius 0m --frequency 3600Hz --temperature 15degC": "radius",
    "solve --m 22 --n 0 --radius 0.4m --frequency 0Hz --temperature 15degC": "frequency|helmholtz",
    "solve --m 22 --n 0 --radius 0.4m --frequency 3600Hz --temperature -300degC": "temperature",
    "solve --m 22 --n 0 --radius 0.4m --frequency 3600Hz --ka 5 --temperature 15degC": "or .* got --helmholtz 5",
    "solve --m 22 --n 0 --radius 0.4m --frequency 3600Hz --temperature 15degC --velocity 900m/s": "must be subsonic",
    "solve --m 22 --n 0 --radius 0.4m --frequency 3600Hz --temperature 15degC --velocity 9m/s --mach 0.1": "give --v",
    "solve --m 22 --n 0 --radius 0.4m --frequency 3600Hz --temperature 15degC --power loud": "--power must be a number",
    "solve --m 22 --n 0 --radius 0.4m --frequency 3600Hz --temperature 15degC --distance 0m": "distance",
    "multimode --bands 500Hz:1kHz": "--bands needs --radius",
    "multimode --radius 0.4m --temperature 15degC --bands 500Hz": "--bands must be from:to",
    "multimode --radius 0.4m --temperature 15degC --bands 1kHz:500Hz": "Hz",
    "multimode --ka 5 --model loud": "--model must be one of equal-power, equal-energy-density, got 'loud'",
    "multimode --ka 5 --wall-pressure 1Pa": "--wall-pressure 1Pa needs --radius",
    # liners
    "solve --m 2 --n 0 --ka 5 --impedance soft --liner-length 1 --liner-distance 0": "--impedance must be a number",
    "solve --m 2 --n 0 --ka 5 --impedance 1+1j": "each liner needs",
    "solve --m 2 --n 0 --ka 5 --impedance 1 --liner-length long --liner-distance 0": "--liner-length must be a number",
    "solve --m 2 --n 0 --ka 5 --surface-wave stable": "need --impedance",
    "solve --m 2 --n 0 --ka 5 --surface-wave x": "--surface-wave must be one of stable, unstable, got 'x'",
    # networks and choices
    "predict --m 0 --n 0 --ka 400": "outside the training range",
    "predict --m 2 --n 9 --ka 5": "not cut on",
    "predict --m 2 --n 0 --ka 5 --coverage 0.7": "coverage must be one of",
    "predict nowhere --m 2 --n 0 --ka 5": "nowhere is not a run",
    "predict --m 2 --n 0 --ka 5 --hub 0.3": "hub",
    "predict --m 2 --n 0 --ka 5 --jet --extrapolate": "--extrapolate is for uniform flow",
    "predict --m 2 --n 0 --ka 5 --device gpu": "device must be cpu, cuda or cuda:N, got 'gpu'",
    "train juggling --data d.h5 -o r": "TASK must be one of forward, .*jet_factor, lip, lip_near, got 'juggling'",
    "demo -o d --cases 3": "--cases must be at least 20, .* got 3",
    "demo -o text.txt": "text.txt is a file, no folder to write",
    "train forward --data d.h5 -o r --preset slow": "preset must be one of quick, standard",
    "train forward --data d.h5 -o r --precision fp8": "--precision must be one of fp32, tf32, bf16, got 'fp8'",
    # files
    "check none.h5": "none.h5",
    "check text.h5": "text.h5",
    "check .": "",
    "generate nowhere -o x.h5": "nowhere",
    "generate forward-demo -o none/x.h5": "there is no folder none to write x.h5 in",
    "generate forward-demo -o text.h5": "text.h5",
    "generate text.h5 -o x.h5": "text.h5",
    "train forward --data none.h5 -o r": "none.h5",
    "train forward --data text.h5 -o r": "text.h5",
    "compare forward --data none.h5 -o r": "none.h5",
    "compare nowhere --data none.h5 -o r": "nowhere is not a run|none.h5",
    "attribute forward --data none.h5 -o r": "none.h5",
    "attribute forward --data none.h5 -o r --method magic": "--method must be one of rap",
    "attribute forward --data none.h5 -o r --at here": "--at must be X,R",
    "attribute forward --data none.h5 -o r --case one": "--case must be an integer, got 'one'",
    "detect --array none.h5": "none.h5",
    "detect --array text.h5": "text.h5",
    "differentiate none.h5 -o v.h5": "none.h5",
    "differentiate text.h5 -o v.h5": "text.h5",
    "differentiate empty.h5 -o v.h5": "empty.h5",
    "differentiate empty.h5 -o v.h5 --snr -3": "--snr must be a positive number",
    "convert text.h5 -o x.mat": "text.h5",
    "convert text.txt -o x.csv": "from a dataset|no format",
    "convert text.h5 -o x.mat --format arrow": "arrow",
    "field --m 2 --n 0 --ka 5 -o text.h5": "text.h5 exists and is not overwritten",
    "field --m 2 --n 0 --ka 5 -o none/f.h5": "there is no folder none",
    "solve --m 2 --n 0 --ka 5 --plot p.gif": "--plot must end in .png, .svg, .pdf, got p.gif",
    "solve --m 2 --n 0 --ka 5 --plot none/p.png": "there is no folder none",
    "demo -o .": "not empty",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("usage")
    for name in ("text.h5", "text.txt"):
        (path / name).write_text("this is no dataset\n")
    h5py.File(path / "empty.h5", "w").close()
    return path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("line", HOSTILE)
def test_one_clear_line_and_status_2(line, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    with pytest.raises(SystemExit) as stop:
        main(line.split(" "))
    out, error = capsys.readouterr()
    assert stop.value.code == 2, error
    assert out == ""
    assert error.count("\n") == 1, error
    assert error.startswith("wavenet: ")
    assert not re.search("Traceback|Error:|errors.pydantic|object at 0x", error)
    assert re.search(HOSTILE[line], error), error
    assert sorted(folder.iterdir()) == before


def test_a_wrong_command_line_says_where_its_help_is(capsys):
    for line, where in (("solve --m 2", "(wavenet solve --help)"), ("nonsense", "(wavenet --help)")):
        with pytest.raises(SystemExit):
            main(line.split())
        assert capsys.readouterr().err.rstrip().endswith(where)


def test_no_arguments_print_the_help(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert not stop.value.code
    assert "Usage: wavenet" in capsys.readouterr().out


def test_there_are_a_hundred_of_them():
    assert len(HOSTILE) >= 100
