"""Noise estimated from a field: python benchmarks/noise_estimate.py --data derivative.h5 [--cases N].

White noise of known level in unseen fields of the dataset, and in fields of random modes at several points per shortest
wavelength. Printed are, for each level, the estimate over the true level (median, range), or the estimate if there is
no noise, and the errors of u and v with the estimate over those with the level told (median, largest).
"""

import argparse

import numpy as np
import torch
from noise import coarse, noisy

from data.field import Potential
from data.read import Cases
from wavenet.study import differentiation

DECIBELS = np.inf, 140, 120, 100, 80, 60, 40, 20
PER_WAVELENGTH = 20, 8, 4


def pair(potential, parameters, velocity, grid, model, noise):
    """Estimated level, and errors of u, v with the estimate and with the level told."""
    (m, helmholtz, mach), parts = parameters[0].tolist(), potential[0].double().numpy()
    given = Potential(*grid, parts[0] + 1j * parts[1], int(m), helmholtz, mach)
    u, v = velocity[0, 0::2].numpy() + 1j * velocity[0, 1::2].numpy()

    def errors(found):
        pairs = (found.axial_velocity, u), (found.radial_velocity, v)
        return [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs]

    estimated = differentiation.differentiate(given, model)
    return estimated.noise, errors(estimated), errors(differentiation.differentiate(given, model, noise=noise))


def line(name, cases, grid, model, noise):
    """A line of the table."""
    found = [pair(*case, grid, model, noise) for case in cases]
    levels = np.array([level for level, _, _ in found]) / (noise or 1)
    ours, told = (np.array([row[index] for row in found]) for index in (1, 2))
    ratios, errors = ours / told, np.median(ours, axis=0)
    return (
        f"| {name} | {np.median(levels):.3g} ({levels.min():.3g} … {levels.max():.3g}) | "
        f"{errors[0]:.1e} | {errors[1]:.1e} | "
        + " | ".join(f"{np.median(ratio):.3f} / {ratio.max():.2f}" for ratio in ratios.T)
        + " |"
    )


def spoiled(cases, noise, seed=0):
    """Cases with noise added."""
    generator = torch.Generator().manual_seed(seed)
    for potential, parameters, velocity in cases:
        added = torch.randn(potential.shape, generator=generator, dtype=potential.dtype)
        yield potential + noise * potential.square().mean().sqrt() * added, parameters, velocity


def main(argv=None):
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a derivative dataset")
    parser.add_argument("--cases", type=int, default=50, help="for each line")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    cases, (model, _) = (
        Cases(options.data, "test", task="derivative"),
        differentiation.load_network(differentiation.LINEAR),
    )
    grid = cases.constants["x"], cases.constants["r"]
    head = "estimate over level (range) | u | v | u, estimated over told | v |\n" + "|---" * 6 + "|"
    print(f"| noise [dB] | {head}")
    for level in DECIBELS:
        noise = float(10 ** (-level / 20))
        name = "none" if level == np.inf else level
        print(line(name, noisy(cases, options.cases, noise), grid, model, noise), flush=True)
    print(f"\n| points per wavelength, noise | {head}")
    for count in PER_WAVELENGTH:
        for noise in (0.0, 1e-5):
            chosen = spoiled(coarse(*grid, count, options.cases), noise)
            print(line(f"{count}, {noise:g}", chosen, grid, model, noise), flush=True)


if __name__ == "__main__":
    with torch.no_grad():
        main()
