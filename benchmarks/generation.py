"""Rates of `wavenet generate` of two checkouts, side by side: OLD and NEW take turns on the same recipe.

Prints cases per second of wall time and of processor time, peak memory, and the share of the solver in the time of a
worker. Memory is the sum over all processes, sampled.

Run: python benchmarks/generation.py OLD NEW --recipe forward --cases 2000 --workers 2 --rounds 3
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path

_MEMORY_STEP = 0.1  # seconds between samples of the memory
_PROGRAM = "import sys; from wavenet.cli import main; main(sys.argv[1:])"
# The solver's share: time in functions of analytic that data calls, over that of a shard from plan to bytes.
_SHARE = """
import cProfile, json, pstats, sys, time
from data import recipe, shards
from data.sampling import Plan
named = recipe.load(sys.argv[1], cases=int(sys.argv[2]))
plan = Plan(named.recipe)
count = shards.count(named.recipe, plan)
shards.compute(named.recipe, 0, shards.versions())
profile, started = cProfile.Profile(), time.process_time()
profile.enable()
for number in range(min(int(sys.argv[3]), count)):
    shards.compute(named.recipe, number, shards.versions())
profile.disable()
stats = pstats.Stats(profile).stats
# Functions under numpy's errstate are called by its wrapper.
solver = sum(
    sum(call[3] for caller, call in callers.items() if "/data/" in caller[0])
    for key, (_, _, _, _, callers) in stats.items()
    if "/analytic/" in key[0] or key[0].endswith("_ufunc_config.py")
)
total = sum(value[2] for value in stats.values())
print(json.dumps(solver / total))
"""


def _recipe(name: str, checkout: Path, folder: Path) -> Path:
    """The recipe of the older checkout, if it has it, else a file: both checkouts run the same text."""
    built_in = checkout / "data" / "recipes" / f"{name}.toml"
    text = (built_in if built_in.is_file() else Path(name)).read_text(encoding="utf-8")
    tomllib.loads(text)
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _environment(checkout: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}


def _memory(group: int) -> int:
    """Resident bytes of all processes of a session."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[3]) == group:
            total += int(fields[21]) * resource.getpagesize()
    return total


def generate(checkout: Path, recipe: Path, cases: int, workers: int, path: Path) -> dict[str, float]:
    """Generate once: rates and memory."""
    command = [sys.executable, "-c", _PROGRAM, "generate", str(recipe), "-o", str(path), "--cases", str(cases)]
    before, started, memory = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), [0]
    process = subprocess.Popen(
        [*command, "--workers", str(workers)],
        cwd=path.parent,
        env=_environment(checkout),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def watch() -> None:
        while process.poll() is None:
            memory[0] = max(memory[0], _memory(process.pid))
            time.sleep(_MEMORY_STEP)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, errors = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{checkout}: {errors[-2000:]}")
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows = dict(line.split(maxsplit=1) for line in output.splitlines() if len(line.split()) > 1)
    written, missing = int(rows["cases"]), int(rows["missing"])
    return {
        "cases": written + missing,
        "missing": missing,
        "wall": wall,
        "cpu": used,
        "memory": memory[0] / 2**20,
        "size": path.stat().st_size / 2**20,
    }


def share(checkout: Path, recipe: Path, cases: int, shards: int) -> float:
    """The solver's share of the time of shards, in one process."""
    command = [sys.executable, "-c", _SHARE, str(recipe), str(cases), str(shards)]
    done = subprocess.run(command, env=_environment(checkout), capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkouts", nargs="+", type=Path, help="OLD NEW, or one")
    parser.add_argument("--recipe", default="forward", help="name of a recipe of the first checkout, or a file")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shards", type=int, default=4, help="shards that are profiled")
    options = parser.parse_args(argv)
    checkouts = [path.resolve() for path in options.checkouts]
    runs: dict[Path, list[dict[str, float]]] = {path: [] for path in checkouts}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = _recipe(options.recipe, checkouts[0], folder)
        for turn in range(options.rounds):
            for checkout in checkouts if turn % 2 == 0 else checkouts[::-1]:
                path = folder / "data.h5"
                runs[checkout].append(generate(checkout, recipe, options.cases, options.workers, path))
                for one in folder.glob("data*"):
                    one.unlink()
        print(f"{options.recipe}, {options.cases} cases, {options.workers} workers, {options.rounds} rounds: medians")
        print("cases/s (wall)  cases/s (CPU)  memory [MB]  file [MB]  missing  solver's share  checkout")
        rates = []
        for checkout in checkouts:
            middle = {key: statistics.median(run[key] for run in runs[checkout]) for key in runs[checkout][0]}
            wall, cpu = (middle["cases"] / middle[key] for key in ("wall", "cpu"))
            part = share(checkout, recipe, options.cases, options.shards)
            rates.append((wall, cpu))
            print(
                f"{wall:14.1f}  {cpu:13.1f}  {middle['memory']:11.0f}  {middle['size']:9.1f}  "
                f"{middle['missing']:7.0f}  {part:14.0%}  {checkout}"
            )
    if len(rates) == 2:
        print(f"new over old: {rates[1][0] / rates[0][0]:.2f} (wall), {rates[1][1] / rates[0][1]:.2f} (CPU)")


if __name__ == "__main__":
    main()
