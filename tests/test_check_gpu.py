"""The script that checks a GPU: what it needs, and the table it writes. What it runs is tests/wavenet/test_gpu.py."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "check_gpu.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])  # it adds to it
    spec = importlib.util.spec_from_file_location("check_gpu", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_a_machine_with_pytorch_needs(script, capsys):
    assert script.main(["--needs"]) == 0
    lines = capsys.readouterr().out.split()
    needed = dict(line.split("==") for line in lines)
    assert {"lightning", "lightning-utilities", "torchmetrics", "pydantic", "typing-inspection"} <= needed.keys()
    assert {"dask", "distributed", "h5py", "safetensors", "pytest", "numpy"} <= needed.keys()
    assert not {"torch", "sympy", "filelock"} & needed.keys()  # these are PyTorch and what it brings
    assert list(needed) == sorted(needed)


def test_only_wheels_of_what_is_missing_are_installed(script, monkeypatch, tmp_path, capsys):
    for name in ("numpy-9.9-py3-none-any.whl", "Not_Here-1.0-py3-none-any.whl", "readme.txt"):
        (tmp_path / name).touch()
    called = []
    monkeypatch.setattr(script.subprocess, "run", lambda command, check: called.append(command))
    folder = script.install(tmp_path)
    (command,) = called
    assert [argument for argument in command if argument.endswith(".whl")] == [
        str(tmp_path / "Not_Here-1.0-py3-none-any.whl")
    ]
    assert command[command.index("--target") + 1] == folder
    assert "installed 1 wheels" in capsys.readouterr().err


def test_a_program_s_output_is_kept_when_time_is_up(script):
    program = "import time\ntry: print('begun', flush=True); time.sleep(60)\nexcept KeyboardInterrupt: print('told')"
    assert script.run([sys.executable, "-c", program], 3, os.environ) == ("begun\ntold\n", None)
    assert script.run([sys.executable, "-c", "print(1); raise SystemExit(3)"], 60, os.environ) == ("1\n", 3)


REPORT = """<testsuites><testsuite>
<testcase name="test_results_are_the_cpu_s[RAP, 2d, weight, zB]"><properties>
<property name="difference" value="2.5e-15"/><property name="tolerance" value="1e-10"/></properties></testcase>
<testcase name="test_whole_grids[unet-1e-06]"><properties><property name="difference" value="7e-4"/>
<property name="tolerance" value="1e-06"/></properties><failure message="AssertionError: {'velocity': 7e-4}
assert 7e-4 &lt; 1e-06 | more">trace</failure></testcase>
<testcase name="test_results_are_the_cpu_s[gradient]"><skipped message="no captum"/></testcase>
</testsuite></testsuites>"""


def test_the_table(script, monkeypatch, tmp_path, capsys):
    """All parts, with programs that answer at once; what failed is in the table, and in the status."""

    def answer(command, seconds, environment):
        for argument in command:
            if argument.startswith("--junitxml="):
                Path(argument.partition("=")[2]).write_text(REPORT)
                assert environment["WAVENET_TEST_DEVICE"] == "cpu"
                return "F.\n==== 1 failed, 1 passed in 2.00s ====\n", 1
        return "| network | ratio |\n|---|---|\n| unet | 0.9 |\n", 0

    monkeypatch.setattr(script, "run", answer)
    monkeypatch.setattr(script, "rates", lambda device: ["| derivative | 1.00 |"])
    monkeypatch.setattr(script, "ROOT", tmp_path)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "training.py").touch()
    assert script.main(["--device", "cpu", "-o", str(tmp_path / "gpu.md")]) == 1
    text = (tmp_path / "gpu.md").read_text()
    assert capsys.readouterr().out.strip() == text.strip()
    assert f"- PyTorch: {torch.__version__}" in text
    assert "1 failed, 1 passed in 2.00s" in text
    assert "| RAP, 2d, weight, zB | 2.5e-15 | 1.0e-10 | passed |" in text
    assert (
        "| test_whole_grids[unet-1e-06] | 7.0e-04 | 1.0e-06 | **failure**: AssertionError: {'velocity': 7e-4} " in text
    )
    assert "< 1e-06 / more |" in text
    assert "| derivative | 1.00 |" in text
    assert "| unet | 0.9 |" in text
    assert "- seconds for all of this:" in text
    assert text.startswith("# A trial on the CPU: no GPU was measured\n")
    unmeasured = text.partition("## Not measured\n\n")[2]
    for line in ("anything on a GPU", "gradient: skipped", "most comparisons", "several GPUs"):
        assert f"- {line}" in unmeasured


def test_what_pytest_has_when_time_is_up_is_kept(script, monkeypatch):
    def stopped(command, *rest):
        path = next(argument for argument in command if argument.startswith("--junitxml="))
        Path(path.partition("=")[2]).write_text(REPORT)
        return "..!!! Interrupted !!!\n", None

    monkeypatch.setattr(script, "run", stopped)
    lines, passed, missing = script.tests("cuda", 8, {}, few=False)
    assert "| RAP, 2d, weight, zB | 2.5e-15 | 1.0e-10 | passed |" in lines
    assert not passed
    assert missing == ["gradient: skipped", "the comparisons that are not in the table: time was up"]


def test_programs_that_fail_are_not_measured(script, monkeypatch):
    monkeypatch.setattr(script, "run", lambda command, *rest: ("row", None if "tf32" in command else 3))
    lines, fine, missing = script.trainings(9, {}, [["--precision", "tf32"], ["--precision", "bf16"]])
    assert not fine
    assert missing == [
        "training rates, --precision tf32, in part or whole: time was up before it ended",
        "training rates, --precision bf16, in part or whole: it ended with status 3",
    ]
    assert "**time was up before it ended**" in lines


def test_without_a_device_or_packages_nothing_begins(script, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    out = tmp_path / "gpu.md"
    assert script.main(["-o", str(out)]) == 2
    assert capsys.readouterr().err.startswith("check_gpu: there is no device cuda: ")
    monkeypatch.setattr(script.importlib.util, "find_spec", lambda name: None)
    assert script.main(["-o", str(out)]) == 2
    assert "missing here: torch, lightning, pydantic" in capsys.readouterr().err
    assert not out.exists()
