"""Speed of jets in two checkouts, and the fast lane against the tracker.

python benchmarks/jets.py speed OLD NEW [--jets N] [--seed S]
    One process for each checkout, one thread; they take turns jet by jet. Printed is the ratio of the processor's time
    for `solve`, old over new, each the better of two runs.

python benchmarks/jets.py gate [--jets N] [--seed S]
    Both lanes of this checkout: the share of jets that the fast lane accepts, the largest difference between K_plus of
    the two lanes, and its largest ratio to the sum of their error estimates.

Random jets: 0 <= m <= 20, 0.5 <= ka <= 30, 0.05 <= M <= 0.95, 0 <= M_2 <= 0.4, 0.4 <= C <= 1.5, 0.3 <= D <= 4, half of
them with a hub of up to 0.7.
"""

import argparse
import os
import subprocess
import sys
import time

import numpy as np


def cases(count, seed):
    """m, ka, M, M_2, C, D, hub of random jets."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        hub = random.uniform(0.05, 0.7) if random.random() < 0.5 else 0.0
        density = np.exp(random.uniform(np.log(0.3), np.log(4.0)))
        numbers = [(0.5, 30.0), (0.05, 0.95), (0.0, 0.4), (0.4, 1.5)]
        yield int(random.integers(0, 21)), *(float(random.uniform(*pair)) for pair in numbers), float(density), hub


def solve_one(case):
    """Processor time of a solve, or NaN if it was refused."""
    from analytic import ConvergenceError, DuctMode, Jet, solve

    m, helmholtz, mach, outer, speed, density, hub = case
    started = time.process_time()
    try:
        solve(DuctMode(m, 0, helmholtz, mach, hub), jet=Jet(outer, speed, density))
    except ConvergenceError:
        return float("nan")
    return time.process_time() - started


def answer():
    """Answer each case on the standard input by its time."""
    for line in sys.stdin:
        m, *others = line.split()
        case = int(m), *map(float, others)
        twin = (case[0], case[1] * 1.01, *case[2:])  # for tables and imports; another jet, as factors may be kept
        solve_one(twin)
        first = solve_one(case)
        other = solve_one((case[0], case[1] * (1 + 1e-9), *case[2:]))
        print(min(first, other), flush=True)


def speed(options):
    """Print the ratio of times."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    workers = [
        subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "answer"],
            cwd=path,
            env=environment | {"PYTHONPATH": os.path.abspath(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for path in (options.old, options.new)
    ]
    times = []
    for case in cases(options.jets, options.seed):
        row = []
        for worker in workers:
            worker.stdin.write(" ".join(map(repr, case)) + "\n")
            worker.stdin.flush()
            row.append(float(worker.stdout.readline()))
        times.append(row)
    for worker in workers:
        worker.stdin.close()
        worker.wait()
    times = np.array(times)
    both = np.all(np.isfinite(times), axis=1)
    old, new = times[both].T
    refused = np.count_nonzero(~np.isfinite(times), axis=0)
    print(f"{len(times)} jets, refused {refused[0]} by the old, {refused[1]} by the new checkout")
    print(f"time of a solve, median: old {1e3 * np.median(old):.1f} ms, new {1e3 * np.median(new):.1f} ms")
    print(
        f"ratio old / new: median {np.median(old / new):.1f}, of the sums {old.sum() / new.sum():.1f}, "
        f"5 % of the jets below {np.quantile(old / new, 0.05):.1f}"
    )


def gate(options):
    """Print how the lanes compare."""
    from analytic import ConvergenceError
    from analytic.sheet import Sheet
    from analytic.sheet_factors import SheetFactors

    fast, compared, largest, ratio, slow, refused = 0, 0, 0.0, 0.0, 0, []
    for case in cases(options.jets, options.seed):
        m, helmholtz, mach, outer, sound, density, hub = case
        sheet = Sheet(m, helmholtz, mach, outer, sound, density, hub)
        try:
            one = SheetFactors(sheet)
        except ConvergenceError as error:
            refused.append((case, str(error)))
            continue
        if not one.fast:
            slow += 1
            continue
        fast += 1
        try:
            other = SheetFactors(sheet, follow=True)
        except ConvergenceError:
            continue
        compared += 1
        s = sheet.left + (sheet.right - sheet.left) * np.linspace(0.02, 0.98, 25) + 0j
        value, error = one.plus(s)
        second, second_error = other.plus(s)
        difference = np.abs(value / second - 1)
        largest = max(largest, float(np.max(difference)))
        ratio = max(ratio, float(np.max(difference / (error + second_error))))
        if np.max(difference) > 1e-8 or abs(one.instability[0] - other.instability[0]) > 1e-8 * helmholtz:
            print(f"differ by {np.max(difference):.1e}: {case}")
    print(f"{options.jets} jets: {fast} accepted by the fast lane, {slow} left to the tracker, {len(refused)} refused")
    print(f"{compared} solved by both: K_plus differs by up to {largest:.1e}, {ratio:.2g} of the error estimates")
    for case, reason in refused:
        print(f"  refused {case}: {reason}")


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function in (("speed", speed), ("gate", gate)):
        command = commands.add_parser(name)
        if name == "speed":
            command.add_argument("old")
            command.add_argument("new")
        command.add_argument("--jets", type=int, default=200)
        command.add_argument("--seed", type=int, default=0)
        command.set_defaults(function=function)
    commands.add_parser("answer").set_defaults(function=lambda options: answer())
    options = parser.parse_args(argv)
    options.function(options)


if __name__ == "__main__":
    main()
