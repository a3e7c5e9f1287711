"""Check that a refactoring changed no number, bit for bit.

    python benchmarks/unchanged.py collect OLD_CHECKOUT -o before [--python PYTHON] [--demo]
    python benchmarks/unchanged.py collect NEW_CHECKOUT -o after  [--python PYTHON] [--demo]
    python benchmarks/unchanged.py compare before after

collect uses the interfaces that a refactoring keeps: the command line, and `solve`, `sweep`, `near_fields` of
`analytic`. It takes two minutes, or six with --demo, on one thread, since the order of sums depends on the number of
threads. compare prints a line for every item and exits with status 1 if one differs. Commits, versions, paths and times
are not compared. Both folders must come from the same machine and the same libraries.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np

VOLATILE = {"commit", "versions", "seconds", "training_seconds", "report", "attribution", "command", "file", "python"}
REFERENCES = {"DIMENSION_LIST", "REFERENCE_LIST"}  # to places in the file
LIBRARIES = ("numpy", "scipy", "h5py", "torch", "mpmath")

# m, n, ka, M, hub, then options of the jet
MODES = [
    *((m, n, ka, 0.0, 0.0) for m, n, ka in ((0, 0, 0.01), (0, 0, 1.0), (0, 0, 3.7), (0, 1, 4.5), (0, 1, 3.0))),
    *((m, n, ka, 0.0, 0.0) for m, n, ka in ((1, 0, 2.0), (-1, 0, 2.0), (1, 0, 1.0), (2, 0, 5.0), (2, 1, 4.0))),
    *((m, n, ka, 0.0, 0.0) for m, n, ka in ((5, 1, 12.0), (10, 0, 25.0), (10, 3, 25.0), (-24, 0, 30.0), (40, 0, 60.0))),
    *((m, n, 8.0, mach, 0.0) for m, n in ((0, 0), (3, 1), (4, 2)) for mach in (-0.6, 0.3, 0.8)),
    *((m, n, 6.0, mach, hub) for m, n, mach in ((0, 0, 0.0), (2, 0, -0.3), (1, 1, 0.4)) for hub in (0.2, 0.6)),
    (3, 0, 2.0, 0.0, 0.5),
    (0, 0, 1.0, 0.3, 0.0, "--jet"),
    (0, 0, 4.0, 0.5, 0.0, "--jet", "--kutta", "0"),
    (0, 1, 5.0, 0.4, 0.0, "--jet", "--mach-outer", "0.2", "--kutta", "0.5"),
    (1, 0, 3.0, 0.3, 0.0, "--jet", "--sound-speed-ratio", "0.7"),
    (2, 0, 5.0, 0.3, 0.0, "--jet", "--density-ratio", "1.5"),
    (2, 1, 3.0, 0.2, 0.0, "--jet"),
    (4, 0, 10.0, 0.8, 0.0, "--jet", "--mach-outer", "0.1", "--sound-speed-ratio", "0.6", "--density-ratio", "2.5"),
    (1, 0, 4.0, 0.3, 0.4, "--jet"),
    (2, 0, 5.0, 0.3, 0.0, "--jet", "--mach-outer", "0.3"),
]
REFUSED = [(0, -1, 1.0, 0.0, 0.0), (0, 0, -1.0, 0.0, 0.0), (0, 0, 1.0, 1.2, 0.0), (0, 0, 1.0, -0.2, 0.0, "--jet")]
TABLES = {
    "derivative": "[grid]\nx = [-1.0, 1.0, 32]\nr = [0.0, 2.0, 32]",
    "forward": "[microphones]\nradius = 10.0\nangle_deg = [0.0, 120.0, 13]",
    "edge": "[disc]\nradius = 0.42\nroots = 8\nangles = 16",
    "factor": "[arc]\nangles = 16",
}
_FLOW = 'm = [0, 1, 3]\nn = "cut-on"\nhelmholtz = [3.0, 9.0]\nmach = [-0.4, 0.4]\n'
SOURCES = {
    "derivative": f"{_FLOW}modes = [1, 3]\nmixtures = 2",
    "forward": _FLOW,
    "edge": f"{_FLOW}modes = [1, 3]",
    "factor": "m = [0, 1, 12]\nn = [0]\nhelmholtz = [2.3, 20.0]",
}
HIGHER = '[[out_of_range]]\nname = "higher_ka"\nshare = 0.25\nhelmholtz = [12.0, 14.0]\n'


def options(mode):
    """Command-line options of a mode."""
    numbers = zip(("m", "n", "helmholtz", "mach", "hub"), mode[:5], strict=True)
    return [f"--{name}={value}" for name, value in numbers] + list(mode[5:])


def commands(place):
    """Name and arguments of every command, in order; place is the folder they write to."""
    for mode in MODES + REFUSED:
        yield f"solve {mode}", ["solve", *options(mode), "--json"]
    for more in (["--mach=-0.3"], ["--hub=0.5", "--model=equal-energy-density"], ["--mach=0.3", "--jet"]):
        yield f"multimode {more}", ["multimode", "--helmholtz=6", *more, "--json"]
    for mode in ((0, 0, 3.0, 0.0), (2, 0, 5.0, 0.3), (3, 1, 12.0, -0.4), (10, 0, 25.0, 0.0)):
        yield f"predict {mode}", ["predict", *options((*mode, 0))[:-1], "--json"]
    for number, mode in enumerate((MODES[8], MODES[22], MODES[-7])):
        file = place / f"field-{number}.h5"
        yield f"field {mode}", ["field", *options(mode), "--x=-1:1:24", "--r=0:2:24", "-o", str(file), "--json"]
    field, velocities = str(place / "field.h5"), str(place / "velocities.h5")
    yield "field", ["field", "--m=2", "--n=0", "--helmholtz=8", "--mach=0.2", "-o", field, "--json"]
    yield "differentiate", ["differentiate", field, "-o", velocities, "--json"]
    for task in TABLES:
        file = str(place / f"{task}.h5")
        yield f"generate {task}", ["generate", f"{task}.toml", "-o", file, "--workers", "1", "--json"]
        yield f"check {task}", ["check", file, "--json"]
    for name, built_in in (("grid", "derivative-demo"), ("arc", "forward")):
        yield f"generate {name}", ["generate", built_in, "-o", str(place / f"{name}.h5"), "--cases=4", "--json"]
    methods = ("rap", "rap-reference", "lrp-epsilon", "lrp-alpha-beta", "input-x-gradient")
    for (run, data), method in itertools.product({"derivative": "grid", "unet": "grid", "mlp": "arc"}.items(), methods):
        about = ["--data", str(place / f"{data}.h5"), "-o", str(place / f"attribute-{run}-{method}")]
        yield f"attribute {run} {method}", ["attribute", run, *about, "--method", method, "--json"]


def recipe(task):
    """Text of a small recipe of a task."""
    first = f'task = "{task}"\ncases = 16\nseed = 3\nsplit = [0.5, 0.25, 0.25]\n'
    return f"{first}[source]\n{SOURCES[task]}\n{TABLES[task]}\n{HIGHER}"


def interface(file):
    """Save arrays of analytic's public functions, and versions, to an npz file; run by the checkout's interpreter."""
    import analytic

    arrays = {}
    x, r, angles = np.linspace(-1.5, 1.5, 16) + 0.01, np.linspace(0.7, 1.9, 9), np.radians(np.linspace(0, 180, 31))
    modes = [mode for mode in MODES if len(mode) == 5 and mode[2] < 30]
    apart = [analytic.DuctMode(*mode) for mode in modes if mode[4] == 0]
    fields = {f"near_fields {index}": one for index, one in enumerate(analytic.near_fields(apart, x, r))}
    mixture = analytic.ModeMixture(2, [0.5, 1j, 0.2 - 0.1j], 9.0, 0.2)
    cases = {"mixture": (mixture, None)} | {str(mode): (analytic.DuctMode(*mode), None) for mode in modes[::3]}
    for jet in ({}, {"kutta": 0.3}, {"mach_outer": 0.1, "density_ratio": 1.4}, {"instability": False}):
        cases[f"jet {jet}"] = analytic.DuctMode(1, 0, 4.0, 0.4), analytic.Jet(**jet)
    for name, (source, jet) in cases.items():
        solution = analytic.solve(source, jet=jet)
        fields[f"field {name}"] = solution.field(x, r)
        fields[f"at {name}"] = solution.at(x[:9], r)
        arrays[f"directivity {name}"] = solution.directivity(angles)
        arrays[f"reflection {name}"] = np.concatenate([solution.reflection, solution.reflection_pressure])
    rng = np.random.default_rng(0)
    m, helmholtz, mach = rng.integers(-6, 7, 200), rng.uniform(8, 20, 200), rng.uniform(-0.5, 0.5, 200)
    for hub in (0.0, 0.5):
        swept = analytic.sweep(m, 0, helmholtz, angles, mach=mach, hub=hub)
        arrays |= {f"sweep, hub {hub} {key}": value for key, value in vars(swept).items()}
    many = analytic.solve(mixture).fields(rng.normal(size=(5, 3)) + 0j, x, r)
    fields |= {f"fields {index}": field for index, field in enumerate(many)}
    arrays |= {f"{name} {key}": value for name, field in fields.items() for key, value in vars(field).items()}
    np.savez(file, **arrays, **{name: version(name) for name in LIBRARIES})


def collect(checkout, out, python, demo):
    """Run everything in one checkout."""
    out.mkdir(parents=True)
    environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    environment |= {"PYTHONPATH": str(checkout), "COLUMNS": "200", "NO_COLOR": "1", "MPLBACKEND": "agg"}
    with tempfile.TemporaryDirectory() as place:
        run = {"cwd": place, "env": environment, "capture_output": True, "text": True}
        find = [python, "-c", "import wavenet; print(wavenet.__file__)"]
        found = subprocess.run(find, **run, check=True).stdout.strip()
        if not Path(found).is_relative_to(checkout):
            raise ValueError(f"{python} takes its packages from elsewhere: {found}")
        for task in TABLES:
            (Path(place) / f"{task}.toml").write_text(recipe(task))
        said, last = {}, [("demo", ["demo", "--json", "-o", str(out / "demo")])] if demo else []
        for name, arguments in [*commands(out), *last]:
            print(name, flush=True)
            done = subprocess.run([python, "-m", "wavenet", *arguments], **run)
            lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or [""]
            said[name] = json.loads(lines[-1]) if done.returncode == 0 else {"refused": lines[-1]}
        (out / "commands.json").write_text(json.dumps(said))
        print("functions of analytic", flush=True)
        subprocess.run([python, __file__, "interface", str(out / "interface.npz")], **run, check=True)


def flat(value, name=""):
    """Leaves of a JSON value: pairs of a name and a text or an array."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in VOLATILE:
                yield from flat(inner, f"{name} {key}")
    elif isinstance(value, list) and not all(isinstance(one, int | float | list) for one in value):
        for index, inner in enumerate(value):
            yield from flat(inner, f"{name} {index}")
    else:
        yield name, np.asarray(value, dtype=float) if isinstance(value, int | float | list) else str(value)


def leaves(file):
    """Everything a file holds: a dict from names to texts, bytes or arrays."""
    if file.suffix == ".json":
        return dict(flat(json.loads(file.read_text())))
    if file.suffix == ".npz":
        with np.load(file) as archive:
            return dict(archive)
    if file.suffix == ".h5":
        found = {}
        with h5py.File(file) as opened:

            def visit(name, item):
                kept = item.attrs.keys() - VOLATILE - REFERENCES
                found.update({f"{name}@{key}": np.asarray(item.attrs[key]) for key in kept})
                if isinstance(item, h5py.Dataset):
                    found[name] = item[()]

            visit("", opened)
            opened.visititems(visit)
        return found
    if file.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return load_file(file)
    return {"": file.read_bytes()}


def difference(before, after):
    """Description of the difference, or None if the bits are the same."""
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        if (before.dtype, before.shape) != (after.dtype, after.shape):
            return f"{before.dtype}{before.shape} became {after.dtype}{after.shape}"
        if before.tobytes() == after.tobytes() or (before.dtype.kind == "O" and before.tolist() == after.tolist()):
            return None
        if before.dtype.kind in "fciu":
            size = np.max(np.abs(before), initial=0) or 1.0
            return f"largest relative difference {np.max(np.abs(np.subtract(after, before, dtype=complex))) / size:.1e}"
        return f"{before.tolist()!r:.100} became {after.tolist()!r:.100}"
    return None if type(before) is type(after) and before == after else f"{before!r:.100} became {after!r:.100}"


def compare(before, after):
    """Print a line for every item, and return how many differ."""
    kinds = ("*.json", "*.npz", "*.h5", "*.safetensors", "*.csv", "*.png")
    files = {path.relative_to(root) for root in (before, after) for kind in kinds for path in root.rglob(kind)}
    count = 0
    for file in sorted(files):
        old, new = (leaves(root / file) if (root / file).is_file() else {} for root in (before, after))
        for name in sorted(old.keys() | new.keys()):
            missing = "" if name in old and name in new else "only before" if name in old else "only after"
            found = missing or difference(old[name], new[name])
            count += found is not None
            print(f"{file}:{name}: {'same' if found is None else f'differs, {found}'}")
    print(f"{count} differ")
    return count


def main(argv=None):
    """Collect in one checkout, or compare two folders."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["interface"]:
        return interface(argv[1])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    of = parts.add_parser("collect")
    of.add_argument("checkout", type=lambda path: Path(path).resolve())
    of.add_argument("-o", "--output", type=lambda path: Path(path).resolve(), required=True)
    of.add_argument("--python", help="interpreter [.venv/bin/python of the checkout]")
    of.add_argument("--demo", action="store_true", help="wavenet demo as well, four minutes")
    two = parts.add_parser("compare")
    two.add_argument("folders", type=Path, nargs=2, metavar=("BEFORE", "AFTER"))
    asked = parser.parse_args(argv)
    if asked.part == "compare":
        return 1 if compare(*asked.folders) else 0
    return collect(asked.checkout, asked.output, asked.python or asked.checkout / ".venv/bin/python", asked.demo)


if __name__ == "__main__":
    sys.exit(main())
