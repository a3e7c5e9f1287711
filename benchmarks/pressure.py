"""Velocities from a pressure in flow: python benchmarks/pressure.py [--cases N].

Random mixtures of modes on grids of their own, as examples/derivatives_on_any_grid.py draws them, with flow. Printed
are relative L2 errors over the grids, median and 95th percentile: of the potential that `wavenet differentiate`
computes from the pressure, of u and v, and of u and v from the exact potential; without noise, and with white noise in
what is given. With --linear, by the constrained network in place of the constrained U-net.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

from derivatives_on_any_grid import draw, grid  # lives beside the examples

from analytic import solve
from data.field import Potential, Pressure
from wavenet.study import differentiation

DECIBELS = np.inf, 60


def relative(values, exact):
    return float(np.linalg.norm(values - exact) / np.linalg.norm(exact))


def errors(rng, model, decibels):
    """Of psi, u, v from the pressure, and of u, v from the potential."""
    source, (x, r) = draw(rng), grid(rng)
    exact, case = solve(source).field(x, r), (source.m, source.helmholtz, source.mach)
    noise = rng.normal(size=(*exact.potential.shape, 2)) @ [1, 1j] / np.sqrt(2) * 10 ** (-decibels / 20)
    row = []
    for kind, values in ((Pressure, exact.pressure), (Potential, exact.potential)):
        given = kind(x, r, values + noise * np.sqrt(np.mean(np.abs(values) ** 2)), *case)
        found = differentiation.differentiate(given, model)
        if kind is Pressure:
            row.append(relative(found.potential, exact.potential))
        row.append(relative(found.axial_velocity, exact.axial_velocity))
        row.append(relative(found.radial_velocity, exact.radial_velocity))
    return row


def main(argv=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=60, help="for each level of noise")
    parser.add_argument("--linear", action="store_true", help="the constrained network")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    model, _ = differentiation.load_network(differentiation.LINEAR if options.linear else differentiation.SHIPPED)
    print("| noise [dB] | psi from p | u from p | v from p | u from psi | v from psi |\n" + "|---" * 6 + "|")
    for decibels in DECIBELS:
        rng = np.random.default_rng(1)
        found = np.array([errors(rng, model, decibels) for _ in range(options.cases)])
        cells = [f"{np.median(column):.1e} / {np.percentile(column, 95):.1e}" for column in found.T]
        print(f"| {'none' if decibels == np.inf else decibels} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
