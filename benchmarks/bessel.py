"""Bessel pairs from tables against scipy's: python benchmarks/bessel.py [--repeats N].

Arguments are those of a near field: 32 radii inside or outside the duct times the nodes of its contour. Times are the
smallest of the repeats, with the two timed in turn; set OMP_NUM_THREADS=1 for one thread. Errors are relative to the
pair, against mpmath, at random arguments 0.01 <= |z| <= 60, -25 <= arg z <= 155 degrees.
"""

import argparse
import time

import mpmath as mp
import numpy as np

from analytic import bessel as tables
from analytic.bessel import bessel_pair, hankel_pair
from analytic.bessel.evaluation import Tables
from analytic.contour import contour
from analytic.modes import radial_eigenvalues
from analytic.wavenumbers import radial_wavenumber

CASES = [(0, 3.0), (0, 30.0), (1, 8.0), (2, 10.0), (5, 20.0), (10, 25.0), (20, 35.0), (40, 60.0), (80, 110.0)]


def arguments(m, k, outside):
    """r gamma on the contour of a field over |X| <= 2."""
    alpha = radial_eigenvalues(m, int(k / np.pi) + 8)
    path = contour(k, np.sqrt((k - alpha) * (k + alpha) + 0j), extent=2.0, nearest=1 / 64, exponent=10.0, growth=7.0)
    radius = (np.arange(32) + 0.5) / 32 + outside
    return np.multiply.outer(radius, radial_wavenumber(path.s, k))


def least_times(functions, m, z, repeats):
    """Seconds of each function, the least of the repeats."""
    times = np.empty((repeats, len(functions)))
    for row in times:
        for column, function in enumerate(functions):
            started = time.perf_counter()
            function(m, z)
            row[column] = time.perf_counter() - started
    return times.min(axis=0)


def errors(m, count=12):
    """Largest relative errors of the pairs J and H."""
    rng = np.random.default_rng(m)
    z = np.exp(rng.uniform(np.log(0.01), np.log(60), count) + 1j * np.radians(rng.uniform(-25, 155, count)))
    worst = []
    for pair, function, scale in (
        (tables.bessel, mp.besselj, lambda c: mp.exp(-abs(c.imag))),
        (tables.hankel, mp.hankel1, lambda c: mp.exp(-1j * c)),
    ):
        got, largest = pair(m, z), 0.0
        for c, value, slope in zip(map(mp.mpc, z), *got, strict=True):
            with mp.workdps(30 + int(abs(c))):  # J + iY cancels
                f, after = function(m, c) * scale(c), function(m + 1, c) * scale(c)
                want = np.array([complex(f), complex(m / c * f - after)])
            largest = max(largest, float(np.max(np.abs(want - [value, slope])) / np.abs(want).sum()))
        worst.append(largest)
    return worst


def main(argv=None):
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args(argv)
    print("  m    ka   size     J: ns   scipy  ratio     H: ns   scipy  ratio   set-up [ms]   [MB]   errors J, H")
    for m, k in CASES:
        started = time.perf_counter()
        made = Tables(m)
        setup = time.perf_counter() - started
        memory = sum(c.coefficients.nbytes for c in (made.bessel_cells, *made.hankel_cells))
        cells = []
        for pair, outside in (((tables.bessel, bessel_pair), 0), ((tables.hankel, hankel_pair), 1)):
            z = arguments(m, k, outside)
            pair[0](m, z)
            new, old = least_times(pair, m, z, options.repeats)
            cells.append(f"{new / z.size * 1e9:9.0f} {old / z.size * 1e9:7.0f} {old / new:6.1f}")
        worst = errors(m)
        print(
            f"{m:3d} {k:5.0f} {z.size:6d} {cells[0]} {cells[1]} {setup * 1e3:13.0f} {memory / 1e6:6.1f}"
            f"   {worst[0]:.0e}, {worst[1]:.0e}"
        )


if __name__ == "__main__":
    main()
