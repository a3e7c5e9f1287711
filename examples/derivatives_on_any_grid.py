"""Derivatives next to the lip on grids not used in training: python examples/derivatives_on_any_grid.py [--cases N].

Differentiates random fields with the network that ships with the package, each on its own grid: the lip lies anywhere
in its cell, and the spacings differ by up to 30 % from those in training. Prints relative L2 errors over the whole
grids, and those of finite differences of order 8.
"""

import argparse

import numpy as np
import torch

from analytic import ModeMixture, cut_on_orders, solve
from wavenet import derivatives
from wavenet.derivatives.differences import Differences

CELLS = 128, 64
CHANGE = 0.3  # of the spacing


def draw(rng):
    """A random mixture of modes with 0 <= m <= 10, 3 <= ka <= 25, |M| <= 0.5."""
    while True:
        m, helmholtz, mach = int(rng.integers(0, 11)), rng.uniform(3, 25), rng.uniform(-0.5, 0.5)
        orders = cut_on_orders(helmholtz, m, mach)
        if orders:
            return ModeMixture(m, rng.normal(size=(orders, 2)) @ [1, 1j], helmholtz, mach)


def grid(rng):
    """Cell centres with the lip at a random position in its cell."""
    spacing, place = rng.uniform(1 - CHANGE, 1 + CHANGE, 2) / 32, rng.uniform(0.02, 0.98, 2)
    x = (np.arange(CELLS[0]) - CELLS[0] // 2 + place[0]) * spacing[0]
    inside = int(1 / spacing[1] - place[1])
    return x, 1 + (np.arange(CELLS[1]) - inside - place[1]) * spacing[1]


def parts(values):
    """Complex (...) to real (2, ...)."""
    return np.stack([values.real, values.imag])


def errors(model, cases, seed=1):
    """Relative errors (case, method, quantity): the network and order 8, u and v."""
    rng, result = np.random.default_rng(seed), []
    for _ in range(cases):
        source, (x, r) = draw(rng), grid(rng)
        field = solve(source).field(x, r)
        psi = torch.from_numpy(parts(field.potential))[None]
        parameters = torch.tensor([[source.m, source.helmholtz, source.mach]])
        exact = parts(field.axial_velocity), parts(field.radial_velocity)
        row = []
        with torch.no_grad():
            methods = model.on_grid(x, r)(psi, parameters)[0].numpy(), Differences(x, r, 8)(psi)[0].numpy()
        for found in methods:
            pairs = zip((found[:2], found[2:]), exact, strict=True)
            row.append([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs])
        result.append(row)
    return np.array(result)


def main(argv=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--run", help="another run of the constrained network")
    options = parser.parse_args(argv)
    found = errors(derivatives.load(options.run), options.cases)
    print(f"{options.cases} fields on grids of their own      u: median, 95 %      v: median, 95 %")
    for index, name in enumerate(("constrained network", "differences of order 8")):
        columns = [f"{np.median(e):9.1e} {np.percentile(e, 95):9.1e}" for e in found[:, index].T]
        print(f"{name:36}", *columns)
    better = np.mean(found[:, 0] < found[:, 1], axis=0)
    print(f"smaller error in {better[0]:.1%} (u), {better[1]:.1%} (v) of the cases")


if __name__ == "__main__":
    main()
