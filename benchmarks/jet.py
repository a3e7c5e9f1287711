"""Jets over a map of frequency and Mach number: python benchmarks/jet.py [--points N] [--m M] [--no-power].

For N x N points, 0 < ka <= 12, 0 < M <= 0.9, outer fluid at rest, full Kutta condition: the largest difference between
the two lines of integration (the error estimate), the largest residual of the power balance with its vortical part for
the first cut-on mode, and every case that raised an error.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np

from analytic import ConvergenceError, DuctMode, Jet, solve


def case(m, power, point):
    """Error estimate and power residual at one (ka, M), or the error message if there are none."""
    try:
        mode = DuctMode(m, 0, *point)
        solution = solve(mode, jet=Jet())
        residual = abs(solution.power.residual) if power and mode.cut_on else 0.0
    except ConvergenceError as error:
        return point, None, None, str(error)
    return point, solution.error_estimate, residual, None


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=40)
    parser.add_argument("--m", type=int, default=0)
    parser.add_argument("--power", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args(argv)
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # of the spawned processes
    share = (np.arange(options.points) + 1) / options.points
    points = [(float(12 * k), float(0.9 * mach)) for k in share for mach in share]
    started = time.perf_counter()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(partial(case, options.m, options.power), points, chunksize=10))
    raised = [(point, reason) for point, _, _, reason in results if reason]
    errors = [error for _, error, _, reason in results if not reason]
    residuals = [residual for _, _, residual, reason in results if not reason]
    print(f"m = {options.m}: {len(points)} points in {time.perf_counter() - started:.0f} s, {len(raised)} raised")
    for point, reason in raised:
        print(f"  ka = {point[0]:.2f}, M = {point[1]:.3f}: {reason}")
    print(f"largest difference of two contours {max(errors):.1e}, largest power residual {max(residuals):.1e}")


if __name__ == "__main__":
    main()
