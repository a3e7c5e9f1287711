"""What the thickness of a wall does: python benchmarks/lip_thickness.py [--orders M]; needs the extra `elements`.

First the end correction of the plane wave at ka = 0.1, flat lips, beside the fit of Dalmont, Nederveen and Joly, J.
Sound Vib. 244 (2001), 505-534, to measurements and computations at low frequencies.

Then when the infinitely thin wall is good enough. For every shape, thickness and Helmholtz number, all modes 0 <= m
<= M that are cut on, without flow: differences between the exact solution for the infinitely thin wall and finite
elements for the wall with its thickness. Printed are medians and 95th percentiles of the difference of the reflected
power amplitudes (root of the sum of squares, over the incident one), of the directivity (relative, root mean square
over the sphere), and of the largest difference in level where both walls radiate within 20 dB of the loudest
direction of the one with its thickness.
"""

import argparse

import numpy as np

import analytic
from data.elements import Lip, solve_lip
from wavenet.study.thick_wall import LipMode

SHAPES = {"flat": Lip.flat, "round": Lip.round}
THICKNESSES = 0.005, 0.02, 0.05, 0.1, 0.2, 0.3
HELMHOLTZ = 1.0, 2.0, 5.0, 10.0, 15.0
QUANTITIES = ("R [%]", 100, 1), ("D [%]", 100, 1), ("level [dB]", 1, 1)  # name, scale, digits
DEGREES = np.arange(181.0)
LOW = 0.1  # Helmholtz number of the end corrections
LOUD = 20.0  # [dB] below the loudest direction: nulls, which a thickness fills, are not counted


def end_corrections():
    """A row for each thickness: end correction [radii] and that of the fit."""
    print(f"| thickness, flat lip | end correction at ka = {LOW} | fit, ka -> 0 |\n|---|---|---|")
    for thickness in (*THICKNESSES, 0.5, 1.0):
        found = LipMode(analytic.DuctMode(0, 0, LOW), solve_lip(0, LOW, Lip.flat(thickness)))
        ratio = 1 / (1 + thickness)
        fit = 0.8216 + ratio * (0.6133 - 0.8216) + 0.057 * ratio * (1 - ratio**5)
        print(f"| {thickness:g} | {found.end_correction:.4f} | {fit:.4f} |", flush=True)
    print()


def differences(m, helmholtz, lip):
    """Differences of R, of D, and of the level [dB] for each mode of one order: (order, 3)."""
    found = solve_lip(m, helmholtz, lip)
    count, power = len(found.orders), found.wavenumber * found.norm
    thin = np.array([one.reflection_matrix[:count, n] for n, one in enumerate(found.thin)])
    reflected = np.linalg.norm(np.sqrt(power / power[:, None]) * (found.reflection - thin), axis=1)

    theta = np.radians(DEGREES)
    exact = np.array([one.directivity(theta) for one in found.thin])
    thick = found.directivity(theta)
    size = np.sqrt(np.abs(thick) ** 2 @ np.sin(theta))
    radiated = np.sqrt(np.abs(thick - exact) ** 2 @ np.sin(theta)) / size

    quiet = np.max(np.abs(thick), axis=1, keepdims=True) * 10 ** (-LOUD / 20)
    loud = np.minimum(np.abs(thick), np.abs(exact)) > quiet
    ratio = np.where(loud, np.abs(thick), 1) / np.where(loud, np.abs(exact), 1)
    return np.stack([reflected, radiated, np.max(np.abs(20 * np.log10(ratio)), axis=1)], axis=1)


def percentiles(shape, thickness, helmholtz, orders):
    """Medians and 95th percentiles of the differences of all modes: (2, 3)."""
    rows = [
        differences(m, helmholtz, SHAPES[shape](thickness))
        for m in range(orders + 1)
        if analytic.cut_on_helmholtz(m, 0) < helmholtz
    ]
    return np.percentile(np.concatenate(rows), [50, 95], axis=0)


def main(argv=None):
    """Print tables for each shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=8, help="largest azimuthal order")
    orders = parser.parse_args(argv).orders
    end_corrections()
    for shape in SHAPES:
        found = np.array([[percentiles(shape, t, ka, orders) for ka in HELMHOLTZ] for t in THICKNESSES])
        for number, (name, scale, digits) in enumerate(QUANTITIES):
            print(f"| {shape} lip, {name}; thickness | " + " | ".join(f"ka = {one:g}" for one in HELMHOLTZ) + " |")
            print("|---" * (1 + len(HELMHOLTZ)) + "|")
            for thickness, row in zip(THICKNESSES, scale * found[..., number], strict=True):
                cells = [" / ".join(f"{one:.{digits}f}" for one in pair) for pair in row]
                print(f"| {thickness:g} | " + " | ".join(cells) + " |")
            print(flush=True)


if __name__ == "__main__":
    main()
