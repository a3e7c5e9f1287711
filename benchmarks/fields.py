"""Near fields a second: python benchmarks/fields.py [--fields N] [--workers W].

Fields of 128 x 64 cells over x in [-2, 2], r in [0, 2]: psi, u, v, p; modes drawn from 0 <= m <= 10, 3 <= ka <= 25,
|M| <= 0.5. Every process has one thread.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from analytic import DuctMode, cut_on_helmholtz, solve

X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32


def field(seed):
    """Error estimate of one random field."""
    rng = np.random.default_rng(seed)
    while True:
        m, ka, mach = int(rng.integers(0, 11)), rng.uniform(3, 25), rng.uniform(-0.5, 0.5)
        orders = [n for n in range(10) if cut_on_helmholtz(m, n, mach) < ka]
        if orders:
            return solve(DuctMode(m, int(rng.choice(orders)), ka, mach)).field(X, R).error_estimate


def main(argv=None):
    """Print fields a second and the largest error estimate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # of the spawned processes
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(field, range(4 * options.workers)))  # processes up, tables filled
        started = time.perf_counter()
        errors = list(pool.map(field, range(options.fields), chunksize=8))
        seconds = time.perf_counter() - started
    print(
        f"{options.fields / seconds:.1f} fields/s on {options.workers} processes, error estimate <= {max(errors):.1e}"
    )


if __name__ == "__main__":
    main()
