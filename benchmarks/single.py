"""Speed of single modes in two checkouts: python benchmarks/single.py OLD NEW [--modes N] [--seed S].

One process for each checkout, one thread; they take turns mode by mode. Every mode is new: random and cut on, 0 <= m <=
20, 0 <= n <= 5, 1 <= ka <= 30, |M| <= 0.6, hard wall, uniform flow. Printed is the processor's time of
`solve(mode).field(x, r)` on 128 x 64 points over x in [-2, 2], r in [0, 2], each the better of two runs at values of ka
that differ by 1e-9, and the ratio of times, old over new.
"""

import argparse
import os
import subprocess
import sys
import time

import numpy as np

X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
LARGEST_M = 20


def cases(count, seed):
    """m, n, ka, M of random modes that are cut on."""
    from analytic import cut_on_helmholtz

    random = np.random.default_rng(seed)
    while count:
        m, n = int(random.integers(0, LARGEST_M + 1)), int(random.integers(0, 6))
        helmholtz, mach = float(random.uniform(1, 30)), float(random.uniform(-0.6, 0.6))
        if cut_on_helmholtz(m, n, mach) < helmholtz:
            count -= 1
            yield m, n, helmholtz, mach


def times(m, n, helmholtz, mach):
    """Processor time of solve and of the field."""
    from analytic import DuctMode, solve

    started = time.process_time()
    solution = solve(DuctMode(m, n, helmholtz, mach))
    solved = time.process_time()
    solution.field(X, R)
    return solved - started, time.process_time() - solved


def answer():
    """Answer each mode on the standard input by its times."""
    for m in range(LARGEST_M + 1):  # imports, and the tables of every m
        times(m, 0, 30.5, 0.1)
    for line in sys.stdin:
        m, n, helmholtz, mach = line.split()
        runs = [times(int(m), int(n), float(helmholtz) * factor, float(mach)) for factor in (1, 1 + 1e-9)]
        print(*np.min(runs, axis=0), flush=True)


def main(argv=None):
    """Print the ratio of times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--modes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    workers = [
        subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "answer"],
            cwd=path,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.path.abspath(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for path in (options.old, options.new)
    ]
    rows = []
    for case in cases(options.modes, options.seed):
        for worker in workers:
            worker.stdin.write(" ".join(map(repr, case)) + "\n")
            worker.stdin.flush()
            rows.append([float(number) for number in worker.stdout.readline().split()])
    for worker in workers:
        worker.stdin.close()
        worker.wait()
    old, new = np.array(rows).reshape(-1, 2, 2).transpose(1, 2, 0)  # (solve or field, mode)
    for name, before, after in (
        ("solve", old[0], new[0]),
        ("field", old[1], new[1]),
        ("both ", old.sum(axis=0), new.sum(axis=0)),
    ):
        print(
            f"{name}  old {1e3 * np.median(before):.2f} ms, new {1e3 * np.median(after):.2f} ms, old / new: median "
            f"{np.median(before / after):.2f}, 5 % of the modes below {np.quantile(before / after, 0.05):.2f}"
        )


if __name__ == "__main__":
    if sys.argv[1:] == ["answer"]:
        answer()
    else:
        main()
