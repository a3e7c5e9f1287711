"""Pressures at microphones: speed in two checkouts, and true errors.

python benchmarks/points.py speed OLD NEW [--cases N] [--seed S]
    One process for each checkout, one thread; they take turns, three times each. A block of cases is solved with
    `fields_at`, or case by case in a checkout that does not have it. Printed is the processor's time of a case, the
    best of three, and its ratio, old over new.

python benchmarks/points.py errors [--cases N] [--seed S]
    The largest estimate of `fields_at` and the largest ratio of the true error to it, against `solve(...).at` at the
    tolerance 1e-9 (1e-7 where that cannot be reached); and how many cases took a contour.

Cases as in the recipe `forward`: one cut-on mode, 0 <= m <= 20, 3 <= ka <= 30, |M| <= 0.6, 61 microphones at the
distance 10 between 0 and 150 degrees.
"""

import argparse
import os
import subprocess
import sys
import time

import numpy as np

ANGLES = np.radians(np.linspace(0.0, 150.0, 61))
X, R = 10 * np.cos(ANGLES), 10 * np.sin(ANGLES)
ROUNDS = 3


def draw(count, seed):
    """Random cut-on modes."""
    from analytic import DuctMode, cut_on_orders

    random, modes = np.random.default_rng(seed), []
    while len(modes) < count:
        m, ka, mach = int(random.integers(0, 21)), random.uniform(3, 30), random.uniform(-0.6, 0.6)
        if orders := cut_on_orders(ka, m, mach):
            modes.append(DuctMode(m, int(random.integers(0, orders)), ka, mach))
    return modes


def solve_all(modes):
    """Pressures and error estimates, as a dataset needs them."""
    import analytic

    if hasattr(analytic, "fields_at"):
        fields = analytic.fields_at(modes, X, R)
    else:
        fields = [analytic.solve(mode).at(X, R) for mode in modes]
    return [(field.pressure, field.error_estimate) for field in fields]


def answer(count):
    """Answer each seed on the standard input by the time of a case [ms]."""
    solve_all(draw(100, 0))  # tables, imports
    for line in sys.stdin:
        modes = draw(count, int(line))
        started = time.process_time()
        solve_all(modes)
        print((time.process_time() - started) / count * 1e3, flush=True)


def speed(options):
    """Print times and their ratio."""
    command = [sys.executable, os.path.abspath(__file__), "answer", "--cases"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    counts = {options.old: max(options.cases // 8, 1), options.new: options.cases}
    workers = [
        subprocess.Popen(
            [*command, str(count)],
            cwd=folder,
            env=environment | {"PYTHONPATH": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for folder, count in counts.items()
    ]
    times = [[], []]
    for turn in range(ROUNDS):
        for worker, taken in zip(workers, times, strict=True):
            worker.stdin.write(f"{options.seed + turn}\n")
            worker.stdin.flush()
            taken.append(float(worker.stdout.readline()))
    for worker in workers:
        worker.communicate()
    old, new = map(min, times)
    print(f"old {old:.2f} ms a case, new {new:.2f} ms in blocks of {options.cases}: {old / new:.1f} times as fast")


def errors(options):
    """Print the largest error estimate and the largest ratio of a true error to its estimate."""
    from analytic import ConvergenceError, fields_at, solve
    from analytic.media import uniform_points

    contours = []
    contour = uniform_points.point_field

    def noted(*arguments):
        contours.append(arguments)
        return contour(*arguments)

    uniform_points.point_field = noted
    modes = draw(options.cases, options.seed)
    estimates, ratios = [], []
    for mode, field in zip(modes, fields_at(modes, X, R), strict=True):
        try:
            exact = solve(mode, tolerance=1e-9).at(X, R)
        except ConvergenceError:
            exact = solve(mode, tolerance=1e-7).at(X, R)
        error = np.linalg.norm(field.pressure - exact.pressure) / np.linalg.norm(exact.pressure)
        estimates.append(field.error_estimate)
        ratios.append(error / field.error_estimate)
    print(f"{len(modes)} cases, {len(contours)} by a contour")
    print(f"largest error estimate {max(estimates):.1e}, largest true error over its estimate {max(ratios):.2f}")


def main(argv=None):
    """Run one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    for name in ("speed", "errors", "answer"):
        part = parts.add_parser(name)
        if name == "speed":
            part.add_argument("old")
            part.add_argument("new")
        part.add_argument("--cases", type=int, default=1024 if name == "speed" else 500)
        part.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    if options.part == "answer":
        answer(options.cases)
    else:
        {"speed": speed, "errors": errors}[options.part](options)


if __name__ == "__main__":
    main()
