"""Speed of jets in two checkouts, and the fast lane against the tracker.

python benchmarks/jets.py speed OLD NEW [--jets N] [--seed S]
    One process for each checkout, one thread; they take turns jet by jet. Printed is the ratio of the processor's time
    for `solve`, old over new, each the better of two runs.

python benchmarks/jets.py sweep OLD NEW [--jets N] [--seed S]
    Reflection and directivity at 37 angles of jets of which no two are alike, with two azimuthal orders: by `solve`,
    one by one, in the old checkout (each sixteenth jet), by `sweep` in the new one. They take turns in eight rounds, in
    one process each, one thread; printed is the ratio of the processor's time a jet.

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
import tempfile
import time

import numpy as np

ANGLES = np.linspace(0.1, 3.0, 37)
ROUNDS, SPARSE = 8, 16  # of the comparison of sweeps; one jet in so many is solved by the old checkout


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


def sweep_one_by_one(some):
    """Directivities of jets (jet, parameter) by `solve`, and the number of those refused."""
    from analytic import ConvergenceError, DuctMode, Jet, solve

    found, refused = [], 0
    for m, helmholtz, mach, outer, speed, density, hub in some:
        try:
            found.append(
                solve(DuctMode(int(m), 0, helmholtz, mach, hub), jet=Jet(outer, speed, density)).directivity(ANGLES)
            )
        except ConvergenceError:
            found.append(np.zeros(len(ANGLES), complex))
            refused += 1
    return np.array(found), refused


def sweep_together(some):
    """The same by `sweep`."""
    from analytic import sweep

    m, helmholtz, mach, outer, speed, density, hub = some.T
    jets = {"mach": mach, "mach_outer": outer, "sound_speed_ratio": speed, "density_ratio": density, "hub": hub}
    found = sweep(m.astype(int), 0, helmholtz, ANGLES, **jets, errors="record")
    return found.directivity, int(np.count_nonzero(~found.valid))


def answer_sweep():
    """Answer `old` or `new` and a file of jets by the time, the refused, and the results in a file."""
    for line in sys.stdin:
        lane, path = line.split()
        work, some = {"old": sweep_one_by_one, "new": sweep_together}[lane], np.load(path)
        twins = some[:2] if lane == "old" else some
        work(twins * (1, 1.01, 1, 1, 1, 1, 0.99))  # for tables and imports: other jets
        started = time.process_time()
        found, refused = work(some)
        taken = time.process_time() - started
        np.save(path + ".found.npy", found)
        print(taken, refused, flush=True)


def worker(path, command):
    """Process that answers in a checkout, on one thread."""
    return subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), command],
        cwd=path,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.path.abspath(path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(process, question):
    """Numbers that a worker answers."""
    process.stdin.write(question + "\n")
    process.stdin.flush()
    return [float(word) for word in process.stdout.readline().split()]


def sweeps(options):
    """Print the ratio of times a jet."""
    every = np.array(list(cases(options.jets, options.seed)))
    every[:, 0] %= 2
    old, new = (worker(path, "answer-sweep") for path in (options.old, options.new))
    times, refused, largest = [], np.zeros(2, int), []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "jets.npy")
        for part in np.array_split(every, ROUNDS):
            results, row = [], []
            for lane, process, some in (("old", old, part[::SPARSE]), ("new", new, part)):
                np.save(path, some)
                taken, failed = ask(process, f"{lane} {path}")
                row.append(taken / len(some))
                refused += (int(failed), 0) if lane == "old" else (0, int(failed))
                results.append(np.load(path + ".found.npy"))
            times.append(row)
            first, second = results[0], results[1][::SPARSE]
            solved = np.any(first, axis=1) & np.any(second, axis=1)
            gap = np.max(np.abs(first - second), axis=1) / np.max(np.abs(first), axis=1, initial=1e-300)
            largest.append(np.max(gap[solved], initial=0.0))
    for process in (old, new):
        process.stdin.close()
        process.wait()
    one, together = 1e3 * np.array(times).T
    print(
        f"{len(every)} jets, in sweeps of {len(every) // ROUNDS}; refused {refused[0]} (of a sixteenth), {refused[1]}"
    )
    print(f"milliseconds a jet, median of {ROUNDS} rounds: old {np.median(one):.1f}, new {np.median(together):.2f}")
    print(f"ratio old / new: of the sums {one.sum() / together.sum():.1f}, lowest round {np.min(one / together):.1f}")
    print(f"directivities differ by up to {max(largest):.1e} of their maximum")


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
    workers = [worker(path, "answer") for path in (options.old, options.new)]
    questions = [" ".join(map(repr, case)) for case in cases(options.jets, options.seed)]
    times = [[ask(process, question)[0] for process in workers] for question in questions]
    for process in workers:
        process.stdin.close()
        process.wait()
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
        exceeded = float(np.max(difference / (error + second_error)))
        ratio = max(ratio, exceeded)
        if (
            exceeded > 1
            or np.max(difference) > 1e-8
            or abs(one.instability[0] - other.instability[0]) > 1e-8 * helmholtz
        ):
            print(f"differ by {np.max(difference):.1e}, {exceeded:.2g} of the error estimates: {case}", flush=True)
    print(f"{options.jets} jets: {fast} accepted by the fast lane, {slow} left to the tracker, {len(refused)} refused")
    print(f"{compared} solved by both: K_plus differs by up to {largest:.1e}, {ratio:.2g} of the error estimates")
    for case, reason in refused:
        print(f"  refused {case}: {reason}")


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function, count in (("speed", speed, 200), ("sweep", sweeps, 800), ("gate", gate, 200)):
        command = commands.add_parser(name)
        if function is not gate:
            command.add_argument("old")
            command.add_argument("new")
        command.add_argument("--jets", type=int, default=count)
        command.add_argument("--seed", type=int, default=0)
        command.set_defaults(function=function)
    commands.add_parser("answer").set_defaults(function=lambda options: answer())
    commands.add_parser("answer-sweep").set_defaults(function=lambda options: answer_sweep())
    options = parser.parse_args(argv)
    options.function(options)


if __name__ == "__main__":
    main()
