"""Derivatives in noise and on coarse grids, compared with the best differences and Savitzky-Golay smoothing.

    wavenet generate derivative -o derivative.h5
    python benchmarks/noise.py --data derivative.h5

The classical methods have an advantage that no user has: at every level they use the order, or the window and degree,
with the smallest median error over these very fields.
"""

import argparse

import numpy as np
import torch
from baselines import SavitzkyGolay
from derivatives import relative_errors, tensors

from analytic import ModeMixture, cut_on_orders, solve
from data.read import Cases
from wavenet import derivatives
from wavenet.derivatives.differences import ORDERS, Differences

DECIBELS = np.inf, 80, 60, 50, 40, 30, 20
PER_WAVELENGTH = 40, 20, 12, 8, 6, 5, 4
WINDOWS = ((5, 2), (7, 2), (7, 4), (9, 4), (11, 4), (13, 4), (15, 4), (13, 6), (17, 6), (21, 6))
SMOOTH = ((1, 0), (5, 2), (7, 2), (9, 4), (13, 4), (17, 6))


def classical(x, r):
    """Families of methods: {family: {name: psi -> velocity}}."""
    smoothing = {
        (*window, *smooth): SavitzkyGolay(x, r, *window, smooth)
        for window in WINDOWS
        for smooth in SMOOTH
        if smooth[0] <= window[0]
    }
    return {"differences": {order: Differences(x, r, order) for order in ORDERS}, "Savitzky–Golay": smoothing}


def compare(cases, families, ours):
    """Median errors of u and v: {name: (u, v)}; of a family those of its best member, chosen for u and v apart."""
    errors = {family: {name: [] for name in members} for family, members in families.items()}
    errors["constrained network"] = {"": []}
    for potential, parameters, velocity in cases:
        methods = [(errors[f][name], method) for f, members in families.items() for name, method in members.items()]
        found = [(kept, method(potential)) for kept, method in methods]
        found.append((errors["constrained network"][""], ours(potential, parameters)))
        for kept, values in found:
            kept.append(relative_errors(values, velocity).numpy())
    return {family: np.min([np.median(e, axis=0) for e in by.values()], axis=0) for family, by in errors.items()}


def noisy(cases, count, noise, seed=0):
    """Evenly chosen test cases, noise added: (potential, parameters, velocity)."""
    generator = torch.Generator().manual_seed(seed)
    for index in np.linspace(0, len(cases) - 1, count).astype(int):
        potential, parameters, velocity = tensors(cases[index])
        size = potential.square().mean().sqrt()
        added = noise * size * torch.randn(potential.shape, generator=generator, dtype=potential.dtype)
        yield potential + added, parameters, velocity


def coarse(x, r, per_wavelength, count, seed=0):
    """Random fields whose shortest wave has so many points on the grid."""
    rng, step = np.random.default_rng(seed), max(x[1] - x[0], r[1] - r[0])
    while count:
        m, mach = int(rng.integers(0, 11)), rng.uniform(-0.5, 0.5)
        helmholtz = 2 * np.pi * (1 - abs(mach)) / (per_wavelength * step)
        orders = cut_on_orders(helmholtz, m, mach)
        if not orders:
            continue
        field = solve(ModeMixture(m, rng.normal(size=(orders, 2)) @ [1, 1j], helmholtz, mach)).field(x, r)
        values = [field.potential, field.axial_velocity, field.radial_velocity]
        psi, u, v = (torch.from_numpy(np.stack([value.real, value.imag]))[None] for value in values)
        yield psi, torch.tensor([[m, helmholtz, mach]], dtype=torch.float64), torch.cat([u, v], dim=1)
        count -= 1


def lines(title, results):
    """A Markdown table of {level: {name: (u, v)}}."""
    names = list(next(iter(results.values())))
    yield (
        f"| {title} | "
        + " | ".join(f"{name}, u | {name}, v" for name in names)
        + " | best classical over ours, u | v |"
    )
    yield "|---" * (2 * len(names) + 3) + "|"
    for level, by in results.items():
        best = np.min([by[name] for name in names[:-1]], axis=0) / by[names[-1]]
        cells = [f"{value:.1e}" for name in names for value in by[name]] + [f"{value:.1f}" for value in best]
        yield f"| {level} | " + " | ".join(cells) + " |"


def main(argv=None):
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a derivative dataset")
    parser.add_argument("--cases", type=int, default=100, help="for each level")
    parser.add_argument("--ours", help="run of the constrained network [the shipped one]")
    options = parser.parse_args(argv)
    cases, ours = Cases(options.data, "test", task="derivative"), derivatives.load(options.ours)
    x, r = cases.constants["x"], cases.constants["r"]
    families, results = classical(x, r), {}
    with torch.no_grad():
        for level in DECIBELS:
            noise = float(10 ** (-level / 20))
            chosen = noisy(cases, options.cases, noise)
            results["∞" if level == np.inf else level] = compare(chosen, families, ours.on_grid(x, r, noise=noise))
        print(f"{options.cases} unseen fields a level, relative L2 errors over the grid, medians\n")
        print("\n".join(lines("signal-to-noise ratio [dB]", results)), end="\n\n")
        local = ours.on_grid(x, r)
        exact = {n: compare(coarse(x, r, n, options.cases), families, local) for n in PER_WAVELENGTH}
        print("\n".join(lines("points per shortest wavelength", exact)))


if __name__ == "__main__":
    main()
