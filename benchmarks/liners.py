"""Liners in front of the open end: python benchmarks/liners.py [--cases 1000].

Random cases with m <= 20, ka <= 40, 0.05 <= |Z| <= 50, every phase with Re Z > 0, a third of them with a hub, a tenth
of them up to the lip; Galerkin's method in hard-walled modes; finite elements; a liner cut in two; one from -infinity
against long ones; ten modes; limits of hard and soft walls; exceptional points, where two lined modes coincide; and
solves per second.
"""

import argparse
import collections
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import fsolve
from scipy.special import jv, jvp

from analytic import ConvergenceError, CutOffWarning, DuctMode, Liner, cut_on_orders, lined_sweep, solve
from analytic.lined import duct as lined_duct
from analytic.lined.duct import HardModes
from analytic.lined.section import LinedSection
from analytic.section import Section

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.analytic.lined_elements import differences
from tests.analytic.lined_galerkin import extrapolated

warnings.simplefilter("ignore", CutOffWarning)  # modes are drawn with those that are cut off

GALERKIN, MODES = 12, 120  # random cases, with 120 and 240 modes
ELEMENTS = (
    (DuctMode(0, 0, 2.0), Liner(1 + 1j, 1.0, 0.5)),
    (DuctMode(0, 1, 6.0), Liner(2 - 1j, 0.9, 0.5)),
    (DuctMode(1, 0, 4.0), Liner(0.4 - 0.6j, 0.7, 0.5)),
    (DuctMode(2, 0, 6.0, hub=0.3), Liner(1.2 + 0.5j, 0.8, 0.4)),
    (DuctMode(4, 0, 8.0), Liner(1.5 + 0.8j, 1.0, 0.5)),
    (DuctMode(3, 0, 5.0, hub=0.4), Liner(0.8, 0.6, 0.8)),
    (DuctMode(0, 0, 2.0), Liner(1 + 1j, 0.8, 0.0)),
    (DuctMode(1, 0, 4.0), Liner(0.4 - 0.6j, 0.7, 0.0)),
    (DuctMode(2, 0, 6.0, hub=0.3), Liner(1.2 + 0.5j, 0.8, 0.0)),
)
AT_LIP = 0.1  # share of random cases with a liner up to the lip
DISTANCES = (1e-2, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 0.0)  # of Z to an exceptional point, relative
EXCEPTIONAL = ((0, 2.98 - 1.28j), (0, 6.18 - 1.64j), (2, 5.2 - 1.5j))  # m and a guess of gamma


def random_case(rng, orders=20, helmholtz=40.0, sizes=(0.05, 50)):
    """A cut-on mode, or the first one, and a liner."""
    m, hub = int(rng.integers(0, orders + 1)), rng.uniform(0.05, 0.8) if rng.random() < 1 / 3 else 0.0
    ka = rng.uniform(0.2, helmholtz)
    n = int(rng.integers(0, max(cut_on_orders(ka, m, hub=hub), 1)))
    size, phase = np.exp(rng.uniform(*np.log(sizes))), rng.uniform(-0.5, 0.5) * np.pi
    length, distance = rng.uniform(0.2, 2), rng.uniform(0.1, 1)
    return DuctMode(m, n, ka, hub=hub), Liner(size * np.exp(1j * phase), length, distance)


def asymmetry(source, liner):
    """Of the liner's scattering matrices, weighted by the flux of the modes: 0 by reciprocity."""
    hard = HardModes(Section(source.m, source.hub), source.helmholtz, 15)
    weighted = [hard.kappa[:, None] * hard.norm[:, None] * one for one in LinedSection(liner, hard, 15).scattering]
    return max(float(np.max(np.abs(one - one.T)) / np.max(np.abs(one))) for one in weighted)


def identities(cases):
    """Print the largest residual of the power balance and of reciprocity, and how many cases raised."""
    rng, raised, power, reciprocity, estimate = np.random.default_rng(0), collections.Counter(), 0.0, 0.0, 0.0
    least, at_lip = np.inf, 0
    for _ in range(cases):
        source, liner = random_case(rng)
        if rng.random() < AT_LIP:
            liner, at_lip = replace(liner, distance=0.0), at_lip + 1
        try:
            lined = solve(source, liner=liner)
            balance = lined.power
        except ConvergenceError as error:
            raised[str(error)[:60]] += 1
            continue
        power, estimate = max(power, abs(balance.residual)), max(estimate, lined.error_estimate)
        least = min(least, float(np.min(balance.absorbed)))
        reciprocity = max(reciprocity, asymmetry(source, liner))
    print(f"{cases} random cases, {at_lip} up to the lip: {sum(raised.values())} raised {dict(raised)}")
    print(f"power balance <= {power:.1e}", end=", ")
    print(f"reciprocity <= {reciprocity:.1e}, error estimates <= {estimate:.1e}, least absorbed power {least:.1e}")


def galerkin_difference(source, liner):
    """Largest difference to the second route, in R and at the lip, and what Richardson's method changed there."""
    lined = solve(source, liner=liner)
    arguments = source.m, source.n, source.helmholtz, source.hub, [liner]
    (reflected, lip), change = extrapolated(*arguments, MODES, len(lined.reflection))
    gaps = np.abs(lined.reflection - reflected), np.abs(lined.transmission - lip)
    return max(float(np.max(gap)) for gap in gaps), change


def galerkin():
    """Print the largest differences to the second route."""
    rng, worst, changes = np.random.default_rng(1), [], []
    for _ in range(GALERKIN):
        source, liner = random_case(rng, orders=4, helmholtz=8.0, sizes=(0.3, 10))
        gap, change = galerkin_difference(source, liner)
        worst.append(gap)
        changes.append(change)
    print(f"Galerkin, {GALERKIN} cases: differences <= {max(worst):.1e}, median {np.median(worst):.1e}", end="; ")
    print(f"from {MODES} to {2 * MODES} modes it changes by <= {max(changes):.1e} before Richardson")


def elements():
    """Print the largest differences to finite elements."""
    found = np.array([differences(source, liner) for source, liner in ELEMENTS])
    reflection, field, directivity = found.max(axis=0)
    print(f"finite elements, {len(ELEMENTS)} cases: R {reflection:.1e}, field {field:.1e}, D {directivity:.1e}")


def ends():
    """Print how far a liner cut in two differs, one from -infinity from long ones, and ten modes from many."""
    theta, gaps, limits = np.linspace(0, 3.1, 9), [], []
    for mode, z in (
        (DuctMode(0, 0, 2.0), 1 + 1j),
        (DuctMode(3, 0, 9.0), 2 - 1j),
        (DuctMode(2, 0, 6.0, hub=0.3), 0.3 - 0.4j),
    ):
        for distance in (0.5, 0.0):
            whole = solve(mode, liner=Liner(z, 1.0, distance)).directivity(theta)
            parts = solve(mode, liner=[Liner(z, 0.4, 0.0), Liner(z, 0.6, distance)]).directivity(theta)
            gaps.append(np.max(np.abs(whole - parts)) / np.max(np.abs(whole)))
            endless = solve(mode, liner=Liner(z, np.inf, distance))
            n = int(np.argmin(endless.lined_wavenumbers.imag))
            endless = solve(DuctMode(mode.m, n, mode.helmholtz, hub=mode.hub), liner=Liner(z, np.inf, distance))
            for length in (12.0, 30.0):
                ratio = solve(mode, liner=Liner(z, length, distance)).directivity(theta[1:]) / endless.directivity(
                    theta[1:]
                )
                limits.append((length, np.max(np.abs(ratio / ratio[0] - 1))))
    print(f"a liner cut in two: differences <= {max(gaps):.1e} in D", end="; ")
    for length in (12.0, 30.0):
        print(f"{length:g} radii against -infinity: <= {max(gap for one, gap in limits if one == length):.1e}", end=" ")
    print()
    digits, keep = [], lined_duct._DECAY
    for m, ka, z in ((0, 2.0, 1 + 1j), (4, 8.0, 1.5 + 0.8j), (1, 4.0, 0.4 - 0.6j)):
        mode, liner = DuctMode(m, 0, ka), Liner(z, 1.0, 0.5)
        exact = solve(mode, liner=liner).reflection[0]
        for lined_duct._DECAY in np.arange(13.0, 20.0, 0.5):
            few = solve(mode, liner=liner)
            if len(few.duct.hard.alpha) >= 10:
                break
        lined_duct._DECAY = keep
        digits.append((len(few.duct.hard.alpha), abs(few.reflection[0] / exact - 1)))
    print(f"modes and what is lost, d = 0.5: {', '.join(f'{many}: {gap:.0e}' for many, gap in digits)}")


def limits():
    """Print the approach to hard and to soft walls, for 10 times larger or smaller impedances."""
    mode, kappa = DuctMode(1, 0, 3.0), np.sqrt(9 - 1.8411837813406593**2)
    hard = solve(mode).reflection[0] * np.exp(3j * kappa)
    gaps = [abs(solve(mode, liner=Liner(z, 1.0, 0.5)).reflection[0] - hard) for z in (1e3, 1e4, 1e5, 1e6)]
    print(f"hard wall, |R - R_hard| at Z = 1e3 ... 1e6: {' '.join(f'{gap:.2e}' for gap in gaps)}: like 1 / Z")
    sizes = (1e-3, 1e-4, 1e-5, 1e-6)
    gaps = [1 - abs(solve(DuctMode(0, 0, 1.0), liner=Liner(z, 6.0, 0.5)).reflection[0]) for z in sizes]
    print(f"soft wall below its cut-on, 1 - |R| at Z = 1e-3 ... 1e-6: {' '.join(f'{gap:.2e}' for gap in gaps)}: Z ln Z")


def exceptional_point(m, guess):
    """q = i ka / Z where b = 0 and gamma is a mode."""

    def equations(parts):
        gamma = complex(*parts)
        miss = gamma * jvp(m, gamma) - np.sqrt(m**2 - gamma**2) * jv(m, gamma)
        return miss.real, miss.imag

    gamma = complex(*fsolve(equations, (guess.real, guess.imag), xtol=1e-14))
    return np.sqrt(m**2 - gamma**2)


def exceptional_points(ka=8.0):
    """Print the errors around exceptional points: R is analytic in Z there."""
    turns = np.exp(2j * np.pi * np.arange(12) / 12)
    for m, guess in EXCEPTIONAL:
        centre = 1j * ka / exceptional_point(m, guess)
        source = DuctMode(m, 0, ka)

        def reflection(z, source=source):
            return solve(source, liner=Liner(z, 1.0, 0.5)).reflection[0]

        exact, texts = np.mean([reflection(centre * (1 + 1e-3 * turn)) for turn in turns]), []
        for distance in DISTANCES:
            try:
                miss = abs(np.mean([reflection(centre * (1 + distance * turn)) for turn in turns]) - exact)
                texts.append(f"{distance:.0e}: {miss:.0e}")
            except ConvergenceError:
                texts.append(f"{distance:.0e}: raised")
        print(f"m = {m}, Z = {centre:.4f}: {', '.join(texts)}")


def speed():
    """Print solves per second of one core."""
    rng = np.random.default_rng(2)
    cases = [random_case(rng, orders=3, helmholtz=20.0) for _ in range(100)]
    for _ in range(2):  # the first fills the tables of Bessel functions
        started = time.process_time()
        for source, liner in cases:
            solve(source, liner=liner)
    print(f"{len(cases) / (time.process_time() - started):.0f} solves per second of a core's time", end="; in sweeps")
    z = np.exp(rng.uniform(np.log(0.2), np.log(5), 100) + 1j * rng.uniform(-1.5, 1.5, 100))
    ka = np.linspace(3.0, 10.0, 100)
    for name, hub, distance, options in (
        ("over Z", 0.0, 0.5, {"helmholtz": 6.0, "impedance": z}),
        ("over Z, hub", 0.3, 0.5, {"helmholtz": 6.0, "impedance": z}),
        ("over Z, up to the lip", 0.0, 0.0, {"helmholtz": 6.0, "impedance": z}),
        ("over ka", 0.0, 0.5, {"helmholtz": ka, "impedance": 1 + 0.5j}),
    ):
        started = time.process_time()
        lined_sweep(1, 0, theta=np.linspace(0, 3, 31), length=1.0, distance=distance, hub=hub, **options)
        print(f" {name} {100 / (time.process_time() - started):.0f}", end="")
    print()


def main():
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    cases = parser.parse_args().cases
    speed()
    galerkin()
    elements()
    ends()
    limits()
    exceptional_points()
    identities(cases)


if __name__ == "__main__":
    main()
