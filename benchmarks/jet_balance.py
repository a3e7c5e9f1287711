"""Power balance of random jets: python benchmarks/jet_balance.py [--count N] [--seed S] [--tolerance T].

0 <= m <= 20, a radial order that is cut on (else n = 0), 0.5 <= ka <= 30, 0.05 <= M <= 0.95, hub 0 (half of them) or up
to 0.7, 0 <= M_2 <= 0.4, sound speed ratio 0.4 ... 1.5, density ratio 0.4 ... 2.5, Kutta parameter 0, 1 or between. The
largest residual of those answered, how many exceed 1e-8, and every case that was refused, with its reason.
"""

import argparse
import collections
import os
import re
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np

from analytic import ConvergenceError, DuctMode, Jet, cut_on_orders, solve

LIMIT = 1e-8  # of the residual
SHOWN = 5  # refused cases printed for each reason


def random_case(number, seed):
    """Mode and jet of a case."""
    rng = np.random.default_rng((seed, number))
    m, ka, mach = int(rng.integers(0, 21)), rng.uniform(0.5, 30), rng.uniform(0.05, 0.95)
    hub = float(rng.choice([0.0, rng.uniform(0, 0.7)]))
    n = int(rng.integers(0, max(1, cut_on_orders(ka, m, mach, hub=hub))))
    kutta = float(rng.choice([0.0, 1.0, rng.uniform()]))
    density = float(np.exp(rng.uniform(np.log(0.4), np.log(2.5))))
    jet = Jet(rng.uniform(0, 0.4), rng.uniform(0.4, 1.5), density, kutta)
    return DuctMode(m, n, float(ka), float(mach), hub), jet


def residual(number, seed, tolerance):
    """Residual and error estimate of a case, or the reason why there is none."""
    mode, jet = random_case(number, seed)
    try:
        solution = solve(mode, jet=jet, tolerance=tolerance)
        return abs(solution.power.residual), None
    except ConvergenceError as error:
        return None, str(error)


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerance", type=float, default=LIMIT)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # of the spawned processes
    started = time.perf_counter()
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        task = partial(residual, seed=options.seed, tolerance=options.tolerance)
        results = list(pool.map(task, range(options.count), chunksize=10))
    answered = np.array([value for value, _ in results if value is not None])
    refused = collections.defaultdict(list)
    for number, (_, reason) in enumerate(results):
        if reason is not None:
            kind = re.sub(r"[-+]?\d[\d.e+-]*", "#", reason.split(" for DuctMode")[0].split(" of DuctMode")[0])
            refused[kind].append((number, reason))
    count = sum(len(cases) for cases in refused.values())
    print(f"{options.count} jets in {time.perf_counter() - started:.0f} s, tolerance {options.tolerance:.0e}")
    print(f"largest residual {answered.max():.1e}, above {LIMIT:.0e}: {np.count_nonzero(answered > LIMIT)}")
    print(f"median residual {np.median(answered):.1e}, refused: {count} ({100 * count / options.count:.1f} %)")
    for kind, cases in sorted(refused.items(), key=lambda item: -len(item[1])):
        print(f"  {len(cases)} x {kind}")
        for number, reason in cases[:SHOWN]:
            print(f"    {number}: {reason}; {random_case(number, options.seed)}")


if __name__ == "__main__":
    main()
