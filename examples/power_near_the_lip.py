"""Acoustic intensity and sound power through a surface next to the lip: python examples/power_near_the_lip.py.

The surface closes the opening: a disc at x = d, a cylinder at r = 1 + d, and a ring back to the wall at x = -d, where d
is half a cell, so that it passes through the cells next to the lip. All radiated power crosses it. The intensity needs
the velocity, which differences get wrong there. Prints relative errors of the intensity along the surface (L2) and of
the power, by differences, by the constrained network, and by the exact velocity, which shows the error of the
quadrature over cells.
"""

import argparse

import numpy as np
import torch
from derivatives_on_any_grid import draw

from analytic import solve
from wavenet import derivatives
from wavenet.derivatives.differences import Differences
from wavenet.derivatives.equations import momentum_pressure

X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
CELLS = 0  # between the lip and the surface


def parts(values):
    """Complex (x, r) to real (1, 2, x, r)."""
    return torch.from_numpy(np.stack([values.real, values.imag]))[None]


def through(psi, velocity, source):
    """Normal intensity [rho c^3] in the cells of the surface, and their areas, from the velocity (1, 4, x, r).

    In a uniform flow Re((p + M u) (u + M p)*) / 2 along x, Re((p + M u) v*) / 2 along r.
    """
    u, v = velocity[:, :2], velocity[:, 2:]
    p = momentum_pressure(psi, u, torch.tensor([source.helmholtz]), torch.tensor([source.mach]))
    p, u, v = (np.squeeze((field[:, 0] + 1j * field[:, 1]).numpy()) for field in (p, u, v))
    energy = p + source.mach * u
    along, across = np.real(energy * np.conj(u + source.mach * p)) / 2, np.real(energy * np.conj(v)) / 2
    inside, upstream = int(np.sum(R < 1)), int(np.sum(X < 0))
    i, j, back = upstream + CELLS, inside + CELLS, upstream - CELLS - 1
    # It runs through cell centres: cells at its edges count half.
    disc, ring, length = R[: j + 1].copy(), R[inside : j + 1].copy(), np.full(i - back + 1, R[j])
    for share in (disc[-1:], ring[-1:], length[:1], length[-1:]):
        share /= 2
    intensity = [along[i, : j + 1], -along[back, inside : j + 1], across[back : i + 1, j]]
    return np.concatenate(intensity), 2 * np.pi * (X[1] - X[0]) * np.concatenate([disc, ring, length])


def errors(model, cases, seed=3):
    """Relative errors (case, method, quantity) of intensity and power; order 2, order 8, network, exact velocity."""
    rng, model = np.random.default_rng(seed), model.on_grid(X, R)
    differences, result = [Differences(X, R, order) for order in (2, 8)], []
    for _ in range(cases):
        source = draw(rng)
        solution = solve(source)
        field, beta = solution.field(X, R), np.sqrt(1 - source.mach**2)
        power = np.pi * source.helmholtz * beta * solution.power.radiated  # which is of phi, and per angle
        psi = parts(field.potential)
        parameters = torch.tensor([[source.m, source.helmholtz, source.mach]], dtype=torch.float64)
        with torch.no_grad():
            found = [difference(psi) for difference in differences] + [model(psi, parameters)]
        found.append(torch.cat([parts(field.axial_velocity), parts(field.radial_velocity)], dim=1))
        flows = [through(psi, velocity, source) for velocity in found]
        exact = flows[-1][0]
        intensity = [np.linalg.norm(flow - exact) / np.linalg.norm(exact) for flow, _ in flows]
        result.append(np.stack([intensity, [abs(flow @ area / power - 1) for flow, area in flows]], axis=1))
    return np.array(result)


def main(argv=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    options = parser.parse_args(argv)
    found = errors(derivatives.load(), options.cases)
    print(f"{options.cases} mixtures            intensity: median, 95 %          power: median, 95 %")
    for index, name in enumerate(("order 2", "order 8", "constrained network", "exact velocity")):
        columns = [f"{np.median(e):14.1e} {np.percentile(e, 95):14.1e}" for e in found[:, index].T]
        print(f"{name:20}", *columns)


if __name__ == "__main__":
    main()
