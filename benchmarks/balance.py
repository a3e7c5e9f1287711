"""Accuracy map of the solver: python benchmarks/balance.py.

Power balance of every incident cut-on mode of m = 0, 1, 2, 5, 10, 20, 40 at ka = 0.01 ... 60 and M = 0, +-0.3, +-0.7,
and at 1e-4 beside cut-on.
"""

import time
from concurrent.futures import ProcessPoolExecutor

from analytic import DuctMode, cut_on_helmholtz, solve

ORDERS = (0, 1, 2, 5, 10, 20, 40)
MACHS = (0.0, 0.3, -0.3, 0.7, -0.7)
HELMHOLTZ = (0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 35.0, 50.0, 60.0)


def cut_on_orders(m, helmholtz, mach):
    """Radial orders that propagate."""
    n = 0
    while cut_on_helmholtz(m, n, mach) < helmholtz:
        yield n
        n += 1


def worst(combination):
    """Number of modes and largest residual of one azimuthal order and Mach number."""
    m, mach = combination
    beside = [cut_on_helmholtz(m, n, mach) + offset for n in range(0, 20, 3) for offset in (1e-4, -1e-4)]
    sources = [
        DuctMode(m, n, helmholtz, mach)
        for helmholtz in (*HELMHOLTZ, *(ka for ka in beside if 0.001 < ka < 60))
        for n in cut_on_orders(m, helmholtz, mach)
    ]
    return len(sources), max((abs(solve(source).power.residual) for source in sources), default=0.0)


def main():
    """Print the largest residual for each azimuthal order and Mach number."""
    started, total, largest = time.perf_counter(), 0, 0.0
    combinations = [(m, mach) for m in ORDERS for mach in MACHS]
    with ProcessPoolExecutor(2) as pool:
        for (m, mach), (count, residual) in zip(combinations, pool.map(worst, combinations), strict=True):
            print(f"m = {m:2d}  M = {mach:4.1f}  {count:5d} modes  residual <= {residual:.1e}", flush=True)
            total, largest = total + count, max(largest, residual)
    print(f"{total} modes in {time.perf_counter() - started:.0f} s, power balance residual <= {largest:.1e}")


if __name__ == "__main__":
    main()
