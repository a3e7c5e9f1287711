"""Check the package on a CUDA machine and write a table: python scripts/check_gpu.py -o gpu.md

It runs the tests marked gpu, the training rates of benchmarks/training.py, and times predictions, within eight minutes.
The machine needs PyTorch and nothing from the internet. What else it lacks comes along as wheels, from elsewhere:

    python scripts/check_gpu.py --needs > needs.txt
    pip download --no-deps --only-binary :all: --python-version 3.12 --implementation cp \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        -d wheels -r needs.txt

with the Python version of that machine. There: python scripts/check_gpu.py --wheels wheels -o gpu.md

With --device cpu the same is run in small, to try the script. A last section says what was not measured.
"""

import argparse
import atexit
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BESIDES = ("pytest", "captum")  # for the tests, besides what the package requires
TABLE = (("computation", "differs by", "at most", "result"), "|---|---|---|---|")
FIELDS = 16  # of a batch in the timed predictions
REPEATS = 7
PRECISIONS = ("fp32", "tf32", "bf16")  # in which training is timed on a GPU
_LAST = 30  # lines of a benchmark's output that are kept
_GRACE = 10  # seconds for a program that is told to end
NEVER = (  # what no run of this script measures
    "several GPUs, and memory: whether cases or activations fit",
    "accuracy after a training on the GPU: only its rate, and that its loss decreases",
)


def required(name, found):
    """Add a distribution and all that it requires, but for PyTorch, to {name: version}, as installed here."""
    name = plain(name)
    if name in found or name == "torch":
        return
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return  # for another system or Python
    found[name] = distribution.version
    for line in distribution.requires or ():
        if "extra ==" not in line:
            required(re.match(r"[\w.-]+", line)[0], found)


def needs():
    """{distribution: version} that the package, its tests and their requirements need beside PyTorch."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found, given = {}, {}
    for line in (*project["dependencies"], *BESIDES):
        required(re.match(r"[\w.-]+", line)[0], found)
    for line in importlib.metadata.requires("torch") or ():
        if "extra ==" not in line:
            required(re.match(r"[\w.-]+", line)[0], given)
    return {name: version for name, version in sorted(found.items()) if name not in given or name == "numpy"}


def plain(name):
    """Name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def install(wheels):
    """Install the wheels of distributions that are missing here into a folder that lasts as long as this process."""
    there = {plain(distribution.metadata["Name"] or "") for distribution in importlib.metadata.distributions()}
    missing = [str(path) for path in sorted(wheels.glob("*.whl")) if plain(path.name.partition("-")[0]) not in there]
    folder = tempfile.mkdtemp(prefix="wheels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if missing:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", folder]
        subprocess.run([*command, *missing], check=True)
    print(f"installed {len(missing)} wheels that were missing", file=sys.stderr)
    return folder


def about(device):
    """What the table was measured on, {name: value}."""
    import torch

    found = {"device": device, "processor": platform.processor() or platform.machine()}
    found |= {"Python": platform.python_version(), "PyTorch": torch.__version__}
    if device.startswith("cuda"):
        place = torch.cuda.get_device_properties(torch.device(device))
        found["device"] = f"{place.name}, {place.total_memory / 2**30:.0f} GiB"
        found |= {"CUDA": torch.version.cuda, "cuDNN": torch.backends.cudnn.version()}
    return found


def run(command, seconds, environment):
    """Output of a program, standard error included, and its status; the output so far, and None, where time is up."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            status = process.wait(max(1, seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # pytest then writes what it has
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            status = None
        out.seek(0)
        return out.read(), status


def tests(device, seconds, environment, few):
    """Lines of the table of differences, one for each test, and a summary line; whether all passed; what is missing."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "tests.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-W", "default", "-p", "no:cacheprovider"]
        command += [f"--junitxml={report}", "tests/wavenet/test_gpu.py"]
        command += ["-k", "noise or feed or command or training_works"] if few else []
        out, status = run(command, seconds, environment | {"WAVENET_TEST_DEVICE": device})
        if not report.exists():
            last = "time was up" if status is None else out.strip()[-1500:]
            return [f"The tests did not end: {last}"], False, ["all comparisons with the CPU: the tests did not end"]
        cases = list(ElementTree.parse(report).iter("testcase"))
    rows, missing = [f"| {' | '.join(TABLE[0])} |", TABLE[1]], []
    for case in cases:
        noted = {item.get("name"): item.get("value") for item in case.iter("property")}
        failed = next((found for kind in ("failure", "error", "skipped") for found in case.iter(kind)), None)
        result = "passed" if failed is None else f"**{failed.tag}**: {(failed.get('message') or '')[:160]}"
        named = re.search(r"\[(.*)\]", case.get("name"))
        name = named[1] if named and "whole" not in case.get("name") else case.get("name")
        numbers = [f"{float(noted[key]):.1e}" if key in noted else "" for key in ("difference", "tolerance")]
        cells = [name, *numbers, " ".join(result.split())]
        rows.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
        if failed is not None and failed.tag == "skipped":
            missing.append(f"{name}: skipped")
    if few:
        missing.append("most comparisons: with --device cpu a few are made, of the CPU with itself")
    if status is None:
        missing.append("the comparisons that are not in the table: time was up")
    summary = out.strip().splitlines()[-1].strip("= ")
    return [summary, "", *rows], status == 0, missing


def rates(device):
    """Lines of a table: time of a prediction per field on the CPU and on the device."""
    import torch

    from wavenet import derivatives

    parameters = torch.tensor([[2.0, 6.0, 0.2]], dtype=torch.float64).expand(FIELDS, 3)
    potential = torch.randn(FIELDS, 2, 128, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    places = list(dict.fromkeys(["cpu", device]))
    rows = [f"| network, {FIELDS} fields 128 x 64 | {' | '.join(f'ms per field, {p}' for p in places)} |"]
    rows.append("|---|" + "---|" * len(places))
    for name in ("derivative", "unet"):
        times = []
        for place in places:
            model = derivatives.load(name).to(place)
            given = potential.to(place), parameters.to(place)
            spent = []
            with torch.no_grad():
                for _ in range(REPEATS + 1):
                    start = time.perf_counter()
                    float(model(*given).abs().sum())  # waits for the device
                    spent.append(time.perf_counter() - start)
            times.append(f"{1e3 * statistics.median(spent[1:]) / FIELDS:.2f}")
        rows.append(f"| {name} | {' | '.join(times)} |")
    return rows


def trainings(seconds, environment, runs):
    """Output of the benchmark of training, run with each of several arguments; whether all ended; what is missing."""
    program, lines, missing, end = ROOT / "benchmarks" / "training.py", [], [], time.monotonic() + seconds
    if not program.exists():
        return ["There is no benchmarks/training.py here."], False, ["training rates: there is no benchmark"]
    for arguments in runs:
        out, status = run([sys.executable, str(program), *arguments], end - time.monotonic(), environment)
        lines += [f"`benchmarks/training.py {' '.join(arguments)}`", "", *out.strip().splitlines()[-_LAST:], ""]
        if status != 0:
            reason = "time was up before it ended" if status is None else f"it ended with status {status}"
            lines += [f"**{reason}**", ""]
            missing.append(f"training rates, {' '.join(arguments)}, in part or whole: {reason}")
    return lines, not missing, missing


def write(path, sections, title="On a GPU"):
    """Write the table: {title: lines}."""
    text = "\n\n".join(f"## {name}\n\n" + "\n".join(lines) for name, lines in sections.items())
    path.write_text(f"# {title}\n\n{text}\n", encoding="utf-8")


def parsed(argv):
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu to try the script")
    parser.add_argument("--wheels", type=Path, help="folder of wheels to install what is missing from")
    parser.add_argument("--minutes", type=float, default=8.0, help="time for everything")
    parser.add_argument("-o", "--output", type=Path, default=Path("gpu.md"), help="Markdown file to write")
    parser.add_argument("--needs", action="store_true", help="print what to download as wheels, and end")
    return parser.parse_args(argv)


def main(argv=None):
    """Run everything; the file is written after each part, so that an interruption loses only what is missing."""
    options = parsed(argv)
    if options.needs:
        print("\n".join(f"{name}=={version}" for name, version in needs().items()))
        return 0
    end = time.monotonic() + 60 * options.minutes
    folders = [str(ROOT), *([install(options.wheels)] if options.wheels else []), os.environ.get("PYTHONPATH", "")]
    sys.path[:0] = folders[:-1]
    importlib.invalidate_caches()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders)), "PYTHONUNBUFFERED": "1"}
    missing = [name for name in ("torch", "lightning", "pydantic", "distributed", "h5py", "pytest") if not _there(name)]
    if missing:
        print(f"check_gpu: missing here: {', '.join(missing)}; bring them as wheels, see --help", file=sys.stderr)
        return 2
    from wavenet.devices import usable

    try:
        usable(options.device)
    except ValueError as error:
        print(f"check_gpu: {error}", file=sys.stderr)
        return 2
    small = options.device == "cpu"
    title = "A trial on the CPU: no GPU was measured" if small else "On a GPU"
    sections = {"Machine": [f"- {name}: {value}" for name, value in about(options.device).items()]}
    left = lambda: end - time.monotonic()  # noqa: E731
    found, passed, missing = tests(options.device, 0.6 * left(), environment, small)
    sections["The CPU's values"] = found
    write(options.output, sections, title)
    sections["Predictions"] = rates(options.device)
    write(options.output, sections, title)
    runs = [["--scale", "0.1", "--epochs", "2"]] if small else [["--precision", name] for name in PRECISIONS]
    sections["Training"], trained, more = trainings(left() - 5, environment, runs)
    here = ["anything on a GPU: this is a trial on the CPU"] if small else []
    sections["Not measured"] = [f"- {what}" for what in (*here, *missing, *more, *NEVER)]
    sections["Machine"].append(f"- seconds for all of this: {60 * options.minutes - left():.0f}")
    write(options.output, sections, title)
    print(options.output.read_text(encoding="utf-8"))
    return 0 if passed and trained else 1


def _there(module):
    return importlib.util.find_spec(module) is not None


if __name__ == "__main__":
    sys.exit(main())
