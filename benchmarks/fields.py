"""Throughput of the solver: python benchmarks/fields.py [--fields N] [--workers W].

Fields of 128 x 64 cells over x in [-2, 2], r in [0, 2] (psi, u, v, p), a new mode each, drawn from 0 <= m <= 10, 3 <=
ka <= 25, |M| <= 0.5; fields of 64 amplitude vectors of one (m, ka, M) at a time; directivities at 37 angles. Beside
them, in the same process, the bare complex matrix products that a field consists of: for x < 0 and x > 0, inside and
outside, psi, u and v, both halves of the quadrature. Every process has one thread.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from analytic import DuctMode, cut_on_helmholtz, near_field, solve, sweep

X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
ANGLES = np.radians(np.linspace(0, 180, 37))
AMPLITUDES = 64
CASES = 1000


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


def ratio(seed):
    """Seconds a field, new or in an amplitude sweep, and of its matrix products alone, in this process."""
    whole = bare = sweeps = 0.0
    modes = [draw(np.random.default_rng(seed + index)) for index in range(30)]
    shapes = []
    product = near_field._Grid.product

    def note(axial, factors, nodes):
        shapes.append((axial.values[0, :, nodes].shape, factors[..., nodes].shape))
        return product(axial, factors, nodes)

    for mode in modes:
        started = time.perf_counter()
        solve(DuctMode(*mode)).field(X, R)
        whole += time.perf_counter() - started
        near_field._Grid.product = staticmethod(note)
        solve(DuctMode(*mode)).field(X, R)
        near_field._Grid.product = staticmethod(product)
        pairs = [(np.ones((q * r, n), complex), np.ones((n, x), complex)) for (x, n), (q, r, _) in shapes]
        shapes.clear()
        started = time.perf_counter()
        for left, right in pairs:
            left @ right
        bare += time.perf_counter() - started
    for index in range(5):
        started = time.perf_counter()
        mixtures(seed + index)
        sweeps += time.perf_counter() - started
    return whole / len(modes), sweeps / 5 / AMPLITUDES, bare / len(modes)


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # of the spawned processes
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(field, range(4 * options.workers)))  # processes up, tables filled
        started = time.perf_counter()
        errors = list(pool.map(field, range(options.fields), chunksize=8))
        seconds = time.perf_counter() - started
        print(f"single modes     {options.fields / seconds:8.1f} fields/s, error estimate <= {max(errors):.1e}")
        batches = max(options.fields // AMPLITUDES, 4 * options.workers)
        started = time.perf_counter()
        errors = list(pool.map(mixtures, range(batches)))
        seconds = time.perf_counter() - started
        print(f"amplitude sweeps {batches * AMPLITUDES / seconds:8.1f} fields/s, error estimate <= {max(errors):.1e}")
        parts = list(pool.map(directivities, range(3 * options.workers)))[options.workers :]
        rate = options.workers * CASES * len(parts) / sum(seconds for _, seconds in parts)
        print(f"directivities    {rate:8.1f} of 37 angles/s, error estimate <= {max(error for error, _ in parts):.1e}")
        whole, sweeps, bare = pool.submit(ratio, 100).result()
        print(f"bare products    {bare * 1e3:8.2f} ms a field, one process")
        print(f"single mode      {whole * 1e3:8.2f} ms, {whole / bare:.1f} times the bare products")
        print(f"amplitude sweep  {sweeps * 1e3:8.2f} ms, {sweeps / bare:.1f} times the bare products")


if __name__ == "__main__":
    main()
