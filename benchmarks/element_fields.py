"""Velocities from potentials of an independent finite-element code: python benchmarks/element_fields.py [--cases N].

The elements of tests/analytic/finite_elements.py (scikit-fem; needs the extra `test`), graded towards the lip, solve
ten ducts with three accuracies each; flow enters by the transformation to none. The potential is read at 128 x 64 cell
centres. Printed are the error of psi, the noise that `wavenet differentiate` estimates over this error, and the errors
of u and v over that of psi (all relative L2 errors over the grid, against the Wiener-Hopf solver): of the elements' own
gradients, of the best of four orders of differences (chosen with the error known), of the constrained U-net as `wavenet
differentiate` uses it, and of the linear constrained network with the noise estimated, taken for none, told as half the
error, and told as the best of nine levels, with the error known.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "analytic"))

from finite_elements import solve_finite_elements  # lives beside the tests

from analytic import DuctMode, solve
from data.field import Potential
from wavenet.derivatives.differences import ORDERS, Differences
from wavenet.study import differentiation

X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
MODES = (  # m, n, ka, M
    (0, 0, 2.0, 0.0),
    (0, 1, 8.0, 0.3),
    (1, 0, 3.5, -0.2),
    (2, 0, 6.0, 0.0),
    (2, 1, 12.0, 0.4),
    (3, 0, 9.0, 0.0),
    (4, 1, 15.0, -0.3),
    (5, 0, 7.5, 0.2),
    (6, 0, 11.0, 0.0),
    (8, 0, 15.0, 0.0),
)
# Degree of the elements, their side [wavelengths] and the rings around the lip: errors of some 1e-4, 5e-6 and 1e-7.
ELEMENTS = ((5, 0.5, 3), (8, 0.6, 5), (12, 0.7, 8))
LARGEST = 0.5  # side of an element [radii]
LEVELS = 10.0 ** np.arange(-7, -2.9, 0.5)
METHODS = ("elements", "differences", "U-net", "linear, estimated", "none", "half", "best")


def elements(m, n, helmholtz, mach, degree, cell, rings):
    """psi, u, v of the finite elements at X, R."""
    beta = np.sqrt(1 - mach**2)
    number = helmholtz / beta
    side = min(cell * 2 * np.pi / number, LARGEST)
    window = {"length": 2.01 / beta, "radius": 2.0, "depth": max(2 * side, 2 / number)}
    found = solve_finite_elements(m, n, number, degree=degree, cell=side, rings=rings, **window)
    place, turn = (X[:, None] / beta, R), np.exp(-1j * number * mach * X / beta)[:, None]
    phi, (along, across) = found.field(*place), found.gradient(*place)
    return phi * turn, (along - 1j * number * mach * phi) / beta * turn, across * turn


def relative(values, exact):
    return float(np.linalg.norm(values - exact) / np.linalg.norm(exact))


def compare(case, accuracy, unet, model):
    """Error of psi, estimated noise, and errors of u and v by method, of one field."""
    exact = solve(DuctMode(*case)).field(X, R)
    psi, *own = elements(*case, *accuracy)
    given, error = Potential(X, R, psi, case[0], *case[2:]), relative(psi, exact.potential)
    parts = torch.from_numpy(np.stack([psi.real, psi.imag]))[None]
    parameters = torch.tensor([[case[0], *case[2:]]], dtype=torch.float64)

    def errors(u, v):
        return relative(u, exact.axial_velocity), relative(v, exact.radial_velocity)

    def of(real):
        return errors(real[0] + 1j * real[1], real[2] + 1j * real[3])

    def told(noise):
        with torch.no_grad():
            return of(model.on_grid(X, R, noise=noise)(parts, parameters)[0].numpy())

    ours, estimated = (differentiation.differentiate(given, network) for network in (unet, model))
    found = {
        "elements": errors(*own),
        "differences": np.min([of(Differences(X, R, order)(parts)[0].numpy()) for order in ORDERS], axis=0),
        "U-net": errors(ours.axial_velocity, ours.radial_velocity),
        "linear, estimated": errors(estimated.axial_velocity, estimated.radial_velocity),
        "none": told(0.0),
        "half": told(error / 2),
        "best": np.min([told(level) for level in LEVELS], axis=0),
    }
    return error, estimated.noise, np.array([found[method] for method in METHODS])


def main(argv=None):
    """Print a line for every field, and medians for every accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=len(MODES), help="first so many of the ten cases")
    chosen = MODES[: parser.parse_args(argv).cases]
    networks = [differentiation.load_network(name)[0] for name in (differentiation.SHIPPED, differentiation.LINEAR)]
    torch.set_num_threads(1)
    print("| m, n, ka, M | psi | noise estimated / psi | " + " | ".join(f"{method}, u, v" for method in METHODS) + " |")
    print("|---" * (3 + len(METHODS)) + "|")
    for accuracy in ELEMENTS:
        results = []
        for case in chosen:
            error, noise, errors = compare(case, accuracy, *networks)
            results.append((error, noise / error, errors / error))
            print(line("{}, {}, {:g}, {:g}".format(*case), *results[-1]), flush=True)
        middle = [np.median(values, axis=0) for values in zip(*results, strict=True)]
        print(line(f"**median, degree {accuracy[0]}**", *middle), flush=True)


def line(name, error, noise, ratios):
    """A line of the table; ratios : (method, 2)."""
    cells = [f"{u:.1f}, {v:.1f}" for u, v in ratios]
    return f"| {name} | {error:.1e} | {noise:.2f} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    with torch.no_grad():
        main()
