"""Liners in flow, with Ingard's and Myers' condition: python benchmarks/liners_flow.py [--cases 200].

Finite elements with the boundary term of the wall and the open end, Im Z <= 0 but for the last; random cases with m <=
20, ka <= 20, |M| <= 0.7, 0.1 <= |Z| <= 20, every phase with Re Z > 0 (stable surface waves), a third of them with a
hub: power balance, reflection in reversed flow; the limits M -> 0 and towards the lip; lined hubs,
without and with flow; sweeps; and Myers' and Brambley's conditions against a boundary layer.
"""

import argparse
import collections
import math
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import jv, jvp

from analytic import ConvergenceError, CutOffWarning, DuctMode, Jet, LinedHub, Liner, cut_on_orders, lined_sweep, solve

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.analytic.finite_elements import solve_finite_elements
from tests.analytic.lined_flow_elements import THETA, differences
from tests.analytic.lined_hub_elements import differences as hub_differences

warnings.simplefilter("ignore", CutOffWarning)  # modes are drawn with those that are cut off

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
MOVING_HUBS = (
    (DuctMode(2, 0, 5.0, mach=0.3, hub=0.4), LinedHub(1 - 1j)),
    (DuctMode(2, 0, 5.0, mach=-0.3, hub=0.4), LinedHub(1 - 1j)),
    (DuctMode(0, 1, 6.0, mach=0.5, hub=0.3), LinedHub(0.5 - 0.6j)),
    (DuctMode(0, 0, 3.0, mach=0.3, hub=0.3), LinedHub(1 + 0.5j, "stable")),
    (DuctMode(1, 0, 4.0, mach=-0.5, hub=0.5), LinedHub(0.8 - 0.1j)),
    (DuctMode(4, 0, 7.0, mach=0.2, hub=0.6), LinedHub(3 - 2j)),
)
MACHS = tuple(math.pow(10, -n) for n in (1, 2, 4, 6, 8, 10, 12, 15))


def random_case(rng, orders=20, helmholtz=20.0, fastest=0.7, sizes=(0.1, 20)):
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


def moving_hubs():
    """Print the largest differences to finite elements with a lined hub in flow, and of two factorisations."""
    found, apart = [], []
    for source, hub in MOVING_HUBS:
        ours = solve(source, lined_hub=hub)
        found.append(hub_differences(source, ours, hub.impedance)[1:])
        if source.mach > 0:
            jet = solve(source, lined_hub=hub, jet=Jet(mach_outer=source.mach, kutta=0.0))
            apart.append(float(np.max(np.abs(ours.reflection - jet.reflection))))
    reflection, directivity = np.max(found, axis=0)
    print(f"lined hubs in flow, {len(found)} cases: R {reflection:.1e}, D {directivity:.1e}", end="; ")
    print(f"as jets of equal streams without shedding: R {max(apart):.1e}")


def sweeps(cases=60):
    """Print lined solves a second of one core, over the impedance."""
    rng = np.random.default_rng(0)
    impedance = rng.uniform(0.3, 3, cases) + 1j * rng.uniform(-2, 2, cases)
    for given in ((4, 0, 8.0, 0.3, 0.0), (0, 1, 15.0, -0.4, 0.0), (2, 0, 10.0, 0.3, 0.4)):
        m, n, ka, mach, hub = given
        fixed = {"length": 1.0, "distance": 0.5, "mach": mach, "hub": hub, "surface_wave": "stable"}
        started = time.process_time()
        found = lined_sweep(m, n, ka, np.linspace(0.1, 3.0, 20), impedance=impedance, errors="record", **fixed)
        rate = cases / (time.process_time() - started)
        print(
            f"m, n, ka, M, hub = {given}: {rate:.0f} solves a second of one core, {found.valid.sum()} of {cases} valid"
        )


def boundary_layer(k=5.0, mach=0.4, m=2):
    """Print the errors of Myers' and Brambley's conditions in Z, from Pridmore-Brown's equation in a linear layer."""
    for s in (-4 + 0.3j, 3 - 2j, 1 + 6j):
        speed = k + mach * s
        gamma, rows = np.sqrt(speed**2 - s**2), []
        for delta in (0.04, 0.02, 0.01, 0.005):

            def layer(r, y, s=s, delta=delta):
                n = k + mach * (1 - r) / delta * s
                return [n**2 * y[1], -y[1] / r - y[0] + (s**2 + m**2 / r**2) * y[0] / n**2]

            edge = 1 - delta
            start = [jv(m, gamma * edge), gamma * jvp(m, gamma * edge) / speed**2]
            p, xi = solve_ivp(layer, (edge, 1), start, rtol=1e-11, atol=1e-14).y[:, -1]
            exact = p / (-1j * k * xi)
            p, v = jv(m, gamma), gamma * jvp(m, gamma) / (1j * speed)
            first = delta * (1 - (k**2 + k * speed + speed**2) / (3 * speed**2))
            second = -delta * mach * s / k
            myers = speed * p / (k * v)
            brambley = speed / k * (p - 1j * speed * first * v) / (v + 1j * (s**2 + m**2) * second * p / speed)
            rows.append(f"{delta}: {abs(myers / exact - 1):.1e}, {abs(brambley / exact - 1):.1e}")
        print(f"boundary layer, s = {s}: thickness: errors of Myers and Brambley {'; '.join(rows)}")


def slow_flow():
    """Print the difference to no flow, over M."""
    for impedance, wave in ((1 - 1j, None), (1 + 1j, "stable")):
        liner = Liner(impedance, 1.0, 0.5, wave)
        still = solve(DuctMode(0, 0, 2.0), liner=liner).reflection[0]
        gaps = [(mach, abs(solve(DuctMode(0, 0, 2.0, mach=mach), liner=liner).reflection[0] - still)) for mach in MACHS]
        print(f"Z = {impedance}: " + ", ".join(f"M = {mach:.0e}: {gap:.1e}" for mach, gap in gaps))


def towards_the_lip():
    """Print the exponents of the distance to the lip with which R tends to a limit: 1/2, from the edge's 1/4."""
    source, distances = DuctMode(0, 0, 1.0, mach=0.8), (0.32, 0.16, 0.08, 0.04, 0.02)
    values = [solve(source, liner=Liner(0.3 - 0.1j, 1.0, one), tolerance=1e-3).reflection[0] for one in distances]
    steps = np.abs(np.diff(values))
    exponents = np.log2(steps[:-1] / steps[1:])
    print(f"distance {distances[0]:g} ... {distances[-1]:g}: R changes with exponents {exponents.round(2).tolist()}")


def main():
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200)
    cases = parser.parse_args().cases
    slow_flow()
    towards_the_lip()
    boundary_layer()
    elements()
    hubs()
    moving_hubs()
    sweeps()
    identities(cases)


if __name__ == "__main__":
    main()
