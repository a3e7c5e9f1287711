"""Finite elements of error 1e-4 against the solver: python benchmarks/finite_elements.py [--helmholtz KA ...].

The elements of tests/analytic/finite_elements.py (scikit-fem; needs the extra `test`) in a window |x| <= 2, r <= 2. For
each degree and matched layer, the program finds the largest elements with which the cut-on reflection coefficients, the
field on 128 x 64 points (not closer than 0.05 to the lip) and the directivity at 37 angles each differ from the
solver's by at most 1e-4, relative root mean square. It prints these, and the time of the fastest divided by the
solver's for the same three quantities at the tolerance 1e-4: for one mode alone, and per mode in a sweep of 64
neighbouring Helmholtz numbers. Everything runs on one thread; times are medians. One factorisation would serve every
incident mode of an m, but here one mode is wanted, and a sweep over Helmholtz numbers needs one for each.
"""

import argparse
import itertools
import os
import resource
import statistics
import sys
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 - the libraries read the variables when imported

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "analytic"))

from finite_elements import solve_finite_elements  # noqa: E402 - lives beside the tests

from analytic import DuctMode, near_fields, solve, sweep  # noqa: E402

X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
ANGLES = np.radians(np.linspace(0, 180, 37))
AWAY = np.hypot(X[:, None], R - 1) >= 0.05
TARGET = 1e-4
DEGREES = (6, 8, 10, 12)
LAYERS = (0.7, 2.0)  # thicknesses of the matched layer tried [cells]: one row of elements, two
CELLS = np.arange(2.5, 0.45, -0.1)  # sides of elements tried [wavelengths]
RINGS = 4
REPEATS = 5
SWEPT, BAND = 64, 0.05  # modes of a sweep, over a band of Helmholtz numbers this wide, relative


def ours(m, n, helmholtz, tolerance=TARGET):
    """Reflection coefficients, potential and directivity."""
    solution = solve(DuctMode(m, n, helmholtz), tolerance=tolerance)
    return solution.reflection, solution.field(X, R).potential, solution.directivity(ANGLES)


def ours_swept(m, n, helmholtz):
    """As `ours`, for neighbouring Helmholtz numbers at once."""
    band = helmholtz * np.linspace(1 - BAND, 1, SWEPT)
    result = sweep(m, n, band, ANGLES, tolerance=TARGET)
    return result, near_fields([DuctMode(m, n, ka) for ka in band], X, R, tolerance=TARGET)


def theirs(m, n, helmholtz, degree, layer, cell):
    """The finite-element solution; layer in cells, cell in wavelengths."""
    side = cell * 2 * np.pi / helmholtz
    options = {"length": 2.0, "radius": 2.0, "degree": degree, "rings": RINGS}
    return solve_finite_elements(m, n, helmholtz, cell=side, depth=layer * side, **options)


def read(judge):
    """As `ours`, of a finite-element solution."""
    return judge.reflection, judge.field(X[:, None], R), judge.directivity(ANGLES)


def differences(values, expected):
    """Relative, of reflection, field and directivity."""
    orders = len(values[0])
    pairs = [
        (values[0], expected[0][:orders]),
        (values[1][AWAY], expected[1][AWAY]),
        (values[2], expected[2]),
    ]
    return [float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in pairs]


def coarsest(case, degree, layer, expected):
    """Largest cell that reaches the target, or None; cells that make the same mesh are tried once."""
    tried = set()
    for cell in CELLS:
        side = cell * 2 * np.pi / case[2]
        counts = np.ceil(1 / side - 1e-9), np.ceil(2 / side - 1e-9)
        if counts not in tried and max(differences(read(theirs(*case, degree, layer, cell)), expected)) <= TARGET:
            return cell
        tried.add(counts)
    return None


def timed(function, *arguments):
    """Median seconds of a call, and its last result; the first call, which fills tables, does not count."""
    seconds = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        result = function(*arguments)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:]), result


def compare(case):
    """Print the finite elements of each degree for (m, n, ka), and the ratio of the fastest ones' seconds to ours."""
    expected = ours(*case, tolerance=1e-8)
    alone, values = timed(ours, *case)
    swept = timed(ours_swept, *case)[0] / SWEPT
    errors = "R {:.1e}, field {:.1e}, D {:.1e}".format(*differences(values, expected))
    times = f"solver {1e3 * alone:.1f} ms alone, {1e3 * swept:.1f} ms in a sweep"
    print("m={} n={} ka={:g}: {}; errors {}".format(*case, times, errors))
    totals = []
    for degree, layer in itertools.product(DEGREES, LAYERS):
        cell = coarsest(case, degree, layer, expected)
        if cell is None:
            print(f"  degree {degree}, layer of {layer} cells: target not reached")
            continue
        arguments = *case, degree, layer, cell
        theirs(*arguments)
        judges = [theirs(*arguments) for _ in range(REPEATS)]
        parts = {name: statistics.median(judge.seconds[name] for judge in judges) for name in judges[0].seconds}
        read_seconds, values = timed(read, judges[0])
        errors = "R {:.1e}, field {:.1e}, D {:.1e}".format(*differences(values, expected))
        steps = ", ".join(f"{name} {value:.3f}" for name, value in parts.items())
        total = sum(parts.values())
        totals.append((total, total + read_seconds, f"degree {degree}, layer of {layer} cells"))
        unknowns = "{} unknowns, {} after elimination".format(*judges[0].unknowns)
        print(f"  degree {degree}, cells of {cell:.1f} wavelengths, layer of {layer}: {unknowns}; errors {errors}")
        print(f"    {total:.3f} s ({steps}), and {read_seconds:.3f} s for R, field and D from it", flush=True)
    if totals:
        _, complete, name = min(totals, key=lambda total: total[1])
        solved = min(total[0] for total in totals)
        print(
            f"  fastest, {name}, over solver: {complete / swept:.0f} in a sweep, {complete / alone:.0f} alone; "
            f"the finite-element solution alone, nothing read: {solved / swept:.0f} and {solved / alone:.0f}"
        )


def main(argv=None):
    """Print the comparison for the plane wave and the first mode of m = 5."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--helmholtz", type=float, nargs="+", default=[12.0, 60.0])
    for helmholtz in parser.parse_args(argv).helmholtz:
        for m in (0, 5):
            compare((m, 0, helmholtz))
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
