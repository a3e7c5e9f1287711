"""Throughput of the solver: python benchmarks/fields.py [--fields N] [--workers W].

Fields (psi, u, v, p) of 128 x 64 cells over x in [-2, 2], r in [0, 2], each of a new mode drawn from 0 <= m <= 10,
3 <= ka <= 25, |M| <= 0.5: in sweeps of 500, and one by one; fields of 64 amplitude vectors of one (m, ka, M) at a time;
directivities at 37 angles. For comparison, in the same process, only the complex matrix products of a field: for x < 0
and x > 0, psi, u and v, both halves of the quadrature. Every process has one thread.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from analytic import DuctMode, cut_on_helmholtz, layout, near_fields, solve, sweep

X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
ANGLES = np.radians(np.linspace(0, 180, 37))
AMPLITUDES = 64
CASES = 1000
SWEPT = 500
SAMPLE, ROUNDS = 60, 5


def draw(rng):
    """A random cut-on mode."""
    while True:
        m, ka, mach = int(rng.integers(0, 11)), float(rng.uniform(3, 25)), float(rng.uniform(-0.5, 0.5))
        orders = [n for n in range(10) if cut_on_helmholtz(m, n, mach) < ka]
        if orders:
            return m, int(rng.choice(orders)), ka, mach


def field(seed):
    """Error estimate of one random field."""
    return solve(DuctMode(*draw(np.random.default_rng(seed)))).field(X, R).error_estimate


def modes(seed):
    """Largest error estimate of the fields of many random modes."""
    rng = np.random.default_rng(seed)
    return max(one.error_estimate for one in near_fields([DuctMode(*draw(rng)) for _ in range(SWEPT)], X, R))


def mixtures(seed):
    """Largest error estimate of many fields of one (m, ka, M)."""
    rng = np.random.default_rng(seed)
    m, _, ka, mach = draw(rng)
    count = sum(cut_on_helmholtz(m, n, mach) < ka for n in range(10))
    amplitudes = rng.normal(size=(AMPLITUDES, count)) + 1j * rng.normal(size=(AMPLITUDES, count))
    return max(one.error_estimate for one in solve(DuctMode(m, 0, ka, mach)).fields(amplitudes, X, R))


def directivities(seed):
    """Largest error estimate of many random directivities."""
    rng = np.random.default_rng(seed)
    m, n, ka, mach = np.array([draw(rng) for _ in range(CASES)]).T
    started = time.perf_counter()
    error = sweep(m.astype(int), n.astype(int), ka, ANGLES, mach=mach).error_estimate.max()
    return error, time.perf_counter() - started


def seconds(function, *arguments):
    """Seconds of a call."""
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def ratio(seed):
    """Seconds a field, in a sweep, alone or in an amplitude sweep, and of its matrix products alone: medians."""
    drawn = [draw(np.random.default_rng(seed + index)) for index in range(SAMPLE)]
    shapes = []
    product = layout.Grid.product

    def note(grid, strength, factors, nodes):
        shapes.append((strength[:, nodes].shape, factors[..., nodes].shape))
        return product(grid, strength, factors, nodes)

    layout.Grid.product = note
    near_fields([DuctMode(*mode) for mode in drawn], X, R)
    layout.Grid.product = product
    shapes = [(left, (q * r, n)) for left, (q, r, n) in shapes]
    ones = {shape: np.ones(shape, complex) for pair in shapes for shape in pair}  # reused, as from a cache
    pairs = [(ones[left], ones[right].T) for left, right in shapes]

    def multiply():
        for left, right in pairs:
            left @ right

    def alone():
        for mode in drawn:
            solve(DuctMode(*mode)).field(X, R)

    rounds = []
    for _ in range(ROUNDS):
        whole = seconds(modes, seed) / SWEPT
        rounds.append(
            (whole, seconds(alone) / SAMPLE, seconds(mixtures, seed) / AMPLITUDES, seconds(multiply) / SAMPLE)
        )
    return np.median(rounds, axis=0)


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # of the spawned processes
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(field, range(4 * options.workers)))  # processes up, tables filled
        count, workers = options.fields, options.workers
        for name, function, calls, each, chunk in (
            ("modes one by one", field, count, 1, 8),
            ("sweeps of modes ", modes, max(count // SWEPT, workers), SWEPT, 1),
            ("amplitude sweeps", mixtures, max(count // AMPLITUDES, 4 * workers), AMPLITUDES, 1),
        ):
            started = time.perf_counter()
            error = max(pool.map(function, range(calls), chunksize=chunk))
            rate = calls * each / (time.perf_counter() - started)
            print(f"{name} {rate:8.1f} fields/s, error estimate <= {error:.1e}")
        parts = list(pool.map(directivities, range(3 * options.workers)))[options.workers :]
        rate = options.workers * CASES * len(parts) / sum(seconds for _, seconds in parts)
        print(f"directivities    {rate:8.1f} of 37 angles/s, error estimate <= {max(error for error, _ in parts):.1e}")
        *parts, bare = pool.submit(ratio, 100).result()
        print(f"bare products    {bare * 1e3:8.2f} ms a field, one process")
        for name, part in zip(("sweep of modes ", "one mode       ", "amplitude sweep"), parts, strict=True):
            print(f"{name}  {part * 1e3:8.2f} ms, {part / bare:.1f} times the bare products")


if __name__ == "__main__":
    main()
