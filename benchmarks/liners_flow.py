"""Liners in flow, with Ingard's and Myers' condition: python benchmarks/liners_flow.py [--cases 200].

Finite elements with the boundary term of the wall and the open end, Im Z <= 0 but for the last; random cases with m <=
10, ka <= 20, |M| <= 0.7, 0.1 <= |Z| <= 20, every phase with Re Z > 0 (stable surface waves), a third of them with a
hub: power balance, reflection in reversed flow; the limit M -> 0; and lined hubs without flow.
"""

import argparse
import collections
import math
import sys
import time
from pathlib import Path

import numpy as np

from analytic import ConvergenceError, DuctMode, LinedHub, Liner, cut_on_orders, solve

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.analytic.finite_elements import solve_finite_elements
from tests.analytic.lined_flow_elements import THETA, differences

ELEMENTS = (
    (DuctMode(0, 0, 2.0, mach=0.3), Liner(1 - 1j, 1.0, 0.5)),
    (DuctMode(0, 0, 2.0, mach=-0.3), Liner(1 - 1j, 1.0, 0.5)),
    (DuctMode(1, 0, 4.0, mach=0.5), Liner(0.4 - 0.6j, 0.7, 0.5)),
    (DuctMode(2, 0, 5.0, mach=-0.5, hub=0.3), Liner(1.2 - 0.5j, 0.8, 0.4)),
    (DuctMode(0, 1, 6.0, mach=0.2), Liner(2.0, 0.8, 0.4)),
    (DuctMode(4, 0, 7.0, mach=-0.6), Liner(1.5 - 0.2j, 0.6, 0.5)),
    (DuctMode(3, 0, 5.0, mach=0.35, hub=0.4), Liner(0.8 - 1.5j, 0.6, 0.6)),
    (DuctMode(0, 0, 3.0, mach=0.3), Liner(1 + 0.5j, 0.8, 0.4, "stable")),
)


HUBS = (
    (DuctMode(2, 0, 5.0, hub=0.4), 1 + 1j),
    (DuctMode(0, 0, 2.0, hub=0.3), 0.7 - 0.5j),
    (DuctMode(1, 1, 6.0, hub=0.5), 2 + 0j),
    (DuctMode(0, 1, 6.0, hub=0.3), 0.5 + 0.3j),
    (DuctMode(4, 0, 7.0, hub=0.6), 3 - 2j),
    (DuctMode(3, 0, 9.0, hub=0.25), 0.2 + 0.1j),
)
MACHS = tuple(math.pow(10, -n) for n in (1, 2, 4, 6, 8, 10, 12, 15))


def random_case(rng, orders=10, helmholtz=20.0, fastest=0.7, sizes=(0.1, 20)):
    """A cut-on mode, or the first one, in flow, and a liner."""
    m, hub = int(rng.integers(0, orders + 1)), rng.uniform(0.05, 0.8) if rng.random() < 1 / 3 else 0.0
    ka, mach = rng.uniform(0.2, helmholtz), rng.uniform(-fastest, fastest)
    n = int(rng.integers(0, max(cut_on_orders(ka, m, mach, hub=hub), 1)))
    size, phase = np.exp(rng.uniform(*np.log(sizes))), rng.uniform(-0.5, 0.5) * np.pi
    impedance = size * np.exp(1j * phase)
    wave = "stable" if impedance.imag > 0 else None
    return DuctMode(m, n, ka, mach=mach, hub=hub), Liner(impedance, rng.uniform(0.2, 2), rng.uniform(0.2, 1), wave)


def identities(cases):
    """Print the largest residual of the power balance and of reversed flow, and how many cases raised."""
    rng, raised, power, reversal, estimate = np.random.default_rng(0), collections.Counter(), 0.0, 0.0, 0.0
    started = time.process_time()
    for _ in range(cases):
        source, liner = random_case(rng)
        try:
            lined = solve(source, liner=liner)
            balance = lined.power
            other = DuctMode(source.m, source.n, source.helmholtz, mach=-source.mach, hub=source.hub)
            gap = lined.reflection[source.n] - solve(other, liner=liner).reflection[source.n]
        except ConvergenceError as error:
            raised[str(error)[:50]] += 1
            continue
        power, estimate = max(power, abs(balance.residual)), max(estimate, lined.error_estimate)
        reversal = max(reversal, float(abs(gap)))
    seconds = time.process_time() - started
    print(f"{cases} random cases: {sum(raised.values())} raised {dict(raised)}; power balance <= {power:.1e}", end="; ")
    print(f"reversed flow {reversal:.1e}; error estimates <= {estimate:.1e}; {seconds / cases:.1f} s of a core each")


def elements():
    """Print the largest differences to finite elements."""
    found = np.array([differences(source, liner, layers=4) for source, liner in ELEMENTS])
    for (source, liner), row in zip(ELEMENTS, found, strict=True):
        print(f"{source}, {liner}: R {row[0]:.1e}, field {row[1]:.1e}, D {row[2]:.1e}")
    reflection, field, directivity = found.max(axis=0)
    print(f"finite elements, {len(ELEMENTS)} cases: R {reflection:.1e}, field {field:.1e}, D {directivity:.1e}")


def hubs():
    """Print the largest differences to finite elements with a lined hub, no flow."""
    found = []
    for source, impedance in HUBS:
        ours = solve(source, lined_hub=LinedHub(impedance))
        ratio = -1j * source.helmholtz / impedance
        elements = solve_finite_elements(
            source.m, source.n, source.helmholtz, hub=source.hub, cell=0.2, hub_ratio=ratio
        )
        reflection, directivity = ours.reflection[:3], elements.directivity(THETA)
        found.append(
            (
                np.max(np.abs(reflection - elements.reflection[: len(reflection)])),
                np.max(np.abs(ours.directivity(THETA) - directivity)) / np.max(np.abs(directivity)),
            )
        )
    reflection, directivity = np.max(found, axis=0)
    print(f"lined hubs, {len(HUBS)} cases: R {reflection:.1e}, D {directivity:.1e}")


def slow_flow():
    """Print the difference to no flow, over M."""
    for impedance, wave in ((1 - 1j, None), (1 + 1j, "stable")):
        liner = Liner(impedance, 1.0, 0.5, wave)
        still = solve(DuctMode(0, 0, 2.0), liner=liner).reflection[0]
        gaps = [(mach, abs(solve(DuctMode(0, 0, 2.0, mach=mach), liner=liner).reflection[0] - still)) for mach in MACHS]
        print(f"Z = {impedance}: " + ", ".join(f"M = {mach:.0e}: {gap:.1e}" for mach, gap in gaps))


def main():
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200)
    cases = parser.parse_args().cases
    slow_flow()
    elements()
    hubs()
    identities(cases)


if __name__ == "__main__":
    main()
