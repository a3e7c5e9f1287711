"""Fields at lips of walls with a thickness: python benchmarks/lip_fields.py [--cases N]; needs the extra `elements`.

First, how fast the velocity grows towards a lip: slopes of ln |grad psi| over ln(distance), from a flat lip's inner
edge at 45 degrees into the duct, from a round lip at 45 degrees to the wall, and for the infinitely thin wall.

Then, the networks that ship with the package, which know the infinitely thin wall only, on the potentials of such
fields (finite elements, read at 128 x 64 cell centres), by their distance from the lip's face. Cells in the wall are
given the mirror image in the wall's outer side. Printed are relative L2 errors of (u, v) together, medians over the
cases: of the constrained U-net as `wavenet differentiate` uses it, of the linear constrained network with the noise
estimated and with none, and of the best of four orders of differences (chosen with the error known); and the error
that the U-net says it expects, over its error; and how many fields it warns of. "Above" are the cells outside of the
duct, x < 0 and r > 1.
"""

import argparse
import itertools

import numpy as np
import torch

from analytic import DuctMode, solve
from data.elements import Lip, solve_lip
from data.field import Potential
from wavenet.derivatives.differences import ORDERS, Differences
from wavenet.study import differentiation

X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
CELL = 1 / 32
MODES = ((0, 0, 3.0), (0, 1, 8.0), (1, 0, 3.5), (2, 0, 6.0), (3, 0, 9.0), (8, 0, 15.0))  # m, n, ka; no flow
LIPS = ("thin", "flat:0.005", "flat:0.015", "flat:0.1", "round:0.1", "flat:0.3", "round:0.3")
RINGS = 0.0, 0.1, 0.2, 0.4, 0.8, 3.0  # distances from the lip's face [radii]
METHODS = ("U-net", "linear, estimated", "linear, none", "differences", "expected / error")
NEAR = 10.0 ** np.arange(-3, 1.6, 0.5)  # distances from a lip, in thicknesses
THICKNESS = 0.02  # of the walls whose lips are approached
STEP = 1.1  # ratio of two distances, for a slope


def slopes(velocity, start, direction, distances):
    """Slopes of ln |velocity| over ln(distance); velocity : |grad psi| at x, r."""
    sizes = []
    for factor in (STEP**-0.5, STEP**0.5):
        x, r = (a + b * factor * distances for a, b in zip(start, direction, strict=True))
        sizes.append(velocity(x, r))
    return np.log(sizes[1] / sizes[0]) / np.log(STEP)


def of_elements(lip):
    """|grad psi| at x, r of the plane wave at ka = 1."""
    solution = solve_lip(0, 1.0, Lip.parse(lip))

    def velocity(x, r):
        field = solution.field(x, r)
        return np.hypot(np.abs(field.axial_velocity[0]), np.abs(field.radial_velocity[0]))

    return velocity


def of_thin(x, r):
    """The same for the infinitely thin wall."""
    field = solve(DuctMode(0, 0, 1.0)).at(x, r)
    return np.hypot(np.abs(field.axial_velocity), np.abs(field.radial_velocity))


def print_slopes():
    """A row for each kind of lip."""
    down = np.array([1, -1]) / np.sqrt(2)
    radius = THICKNESS / 2
    on_circle = radius * (down[0] - 1), 1 + radius * (1 + down[1])
    rows = {
        f"flat lip, thickness {THICKNESS}, at its inner edge": (of_elements(f"flat:{THICKNESS}"), (0, 1), down),
        f"round lip, thickness {THICKNESS}": (of_elements(f"round:{THICKNESS}"), on_circle, down),
        "infinitely thin wall": (of_thin, (0, 1), down),
    }
    print("| distance / thickness | " + " | ".join(f"{one:.3g}" for one in NEAR) + " |")
    print("|---" * (1 + len(NEAR)) + "|")
    for name, (velocity, start, direction) in rows.items():
        found = slopes(velocity, start, direction, THICKNESS * NEAR)
        print(f"| {name} | " + " | ".join(f"{one:.2f}" for one in found) + " |", flush=True)
    print()


def fields(case, lip):
    """psi, u, v (x, r) of a mode, and the cells that are not in the wall."""
    m, n, helmholtz = case
    if lip == "thin":
        field = solve(DuctMode(m, n, helmholtz)).field(X, R)
        return field.potential, field.axial_velocity, field.radial_velocity, np.ones((len(X), len(R)), bool)
    shape = Lip.parse(lip)
    solution = solve_lip(m, helmholtz, shape, window=(2.0, max(2.0, 1.1 + 2 * shape.thickness)))
    x, r = np.broadcast_arrays(X[:, None], R)
    inside = shape.in_wall(x, r)
    field = solution.field(x, np.where(inside, 2 * (1 + shape.thickness) - r, r))
    return field.potential[n], field.axial_velocity[n], field.radial_velocity[n], ~inside


def velocities(psi, case, unet, linear):
    """(u, v) by method, and all that `wavenet differentiate` says."""
    m, _, helmholtz = case
    given = Potential(X, R, psi, m, helmholtz, 0.0)
    parts = torch.from_numpy(np.stack([psi.real, psi.imag]))[None]
    ours, estimated = (differentiation.differentiate(given, one) for one in (unet, linear))
    none = differentiation.differentiate(given, linear, noise=0.0)
    by_order = [Differences(X, R, order)(parts)[0].numpy() for order in ORDERS]
    return {
        "U-net": [(ours.axial_velocity, ours.radial_velocity)],
        "linear, estimated": [(estimated.axial_velocity, estimated.radial_velocity)],
        "linear, none": [(none.axial_velocity, none.radial_velocity)],
        "differences": [(real[0] + 1j * real[1], real[2] + 1j * real[3]) for real in by_order],
    }, ours


def regions(lip):
    """Cells by the distance from the lip's face, in the duct and in front of it, and above the wall."""
    thickness = 0.0 if lip == "thin" else Lip.parse(lip).thickness
    beside = np.maximum(np.maximum(1 - R, R - 1 - thickness), 0)
    distance = np.hypot(X[:, None], beside)
    above = (X[:, None] < 0) & (R > 1)
    for name, part in (("in the duct and in front", ~above), ("above", above)):
        for low, high in itertools.pairwise(RINGS):
            yield f"{name}, {low:g} … {high:g}", part & (distance >= low) & (distance < high)


def errors(case, lip, networks):
    """Errors by region and method (region, method), and whether `wavenet differentiate` warns."""
    psi, u, v, outside = fields(case, lip)
    found, ours = velocities(psi, case, *networks)
    expected = np.hypot(ours.axial_velocity_error, ours.radial_velocity_error)
    rows = []
    for _, region in regions(lip):
        cells = region & outside
        size = np.sqrt(np.sum(np.abs(u[cells]) ** 2 + np.abs(v[cells]) ** 2))
        row = [
            min(np.sqrt(np.sum(np.abs(a - u)[cells] ** 2 + np.abs(b - v)[cells] ** 2)) / size for a, b in tries)
            for tries in found.values()
        ]
        rows.append([*row, np.sqrt(np.sum(expected[cells] ** 2)) / size / row[0]])
    return np.array(rows), bool(ours.warnings)


def main(argv=None):
    """Print slopes, and a table for each lip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=len(MODES), help="first so many of the six modes")
    modes = MODES[: parser.parse_args(argv).cases]
    torch.set_num_threads(1)
    print_slopes()
    networks = [differentiation.load_network(name)[0] for name in (differentiation.SHIPPED, differentiation.LINEAR)]
    for lip in LIPS:
        results, warned = zip(*(errors(case, lip, networks) for case in modes), strict=True)
        middle = np.median(results, axis=0)
        print(f"| {lip}, distance from the lip | " + " | ".join(METHODS) + " |")
        print("|---" * (1 + len(METHODS)) + "|")
        for (name, _), row in zip(regions(lip), middle, strict=True):
            print(
                f"| {name} | " + " | ".join([*(f"{one:.1e}" for one in row[:-1]), f"{row[-1]:.2g}"]) + " |", flush=True
            )
        print(f"warned of: {sum(warned)} of {len(modes)}\n", flush=True)


if __name__ == "__main__":
    with torch.no_grad():
        main()
