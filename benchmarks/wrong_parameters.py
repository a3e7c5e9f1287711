"""Fields whose ka or M is told wrongly: python benchmarks/wrong_parameters.py --data derivative.h5 [--cases N].

Unseen fields of the dataset, without and with noise. Printed are medians of the relative L2 errors of u and v over
the grid: of differences of order 8, of the linear constrained network (told the noise, but not that ka or M are wrong),
of the constrained U-net that takes ka and M as told, and of the U-net that tunes them to the field, as `wavenet
differentiate` does; for the two latter the shares of the cells whose errors are within three times those expected; and
the errors of ka and M after tuning.
"""

import argparse

import numpy as np
import torch
from constrained_unet import noisy, unseen
from derivatives import relative_errors

from data.read import Cases
from wavenet import derivatives
from wavenet.derivatives.differences import Differences

AMOUNTS = 1e-6, 1e-5, 1e-4, 1e-3, 1e-2
HEAD = (
    "| wrong by | differences, u | v | linear, u | v | U-net, as told, u | v | within 3 | U-net, tuned, u | v "
    "| within 3 | ka found to | M found to |"
)


def within(found, expected, velocity):
    """Share of the cells whose errors are within three times those expected."""
    missed = (found - velocity)[0].unflatten(0, (2, 2)).norm(dim=1)
    scale = velocity[0].unflatten(0, (2, 2)).square().sum(dim=1).mean(dim=(1, 2)).sqrt()
    return float((missed / scale[:, None, None] < 3 * expected[0]).double().mean())


def one(methods, case, by):
    """Numbers of a line, for one field; by : of ln ka and of M."""
    psi, parameters, velocity = case
    told = parameters.clone()
    told[0, 1] *= 1 + by[0]
    told[0, 2] += by[1]
    differences, linear, trusting, tuning = methods
    row = [*relative_errors(differences(psi), velocity), *relative_errors(linear(psi, told), velocity)]
    for net in (trusting, tuning):
        found, expected = net.with_errors(psi, told)
        row += [*relative_errors(found, velocity), within(found, expected, velocity)]
    _, helmholtz, mach = tuning.tuned(psi[0], told[0]).case
    return np.array([*row, abs(helmholtz / float(parameters[0, 1]) - 1), abs(mach - float(parameters[0, 2]))], float)


def line(name, rows):
    """A line of the table."""
    middle = np.median(rows, axis=0)
    middle[[6, 9]] = np.mean(rows, axis=0)[[6, 9]]
    cells = [f"{value:.0%}" if place in (6, 9) else f"{value:.1e}" for place, value in enumerate(middle)]
    return f"| {name} | {' | '.join(cells)} |"


def main(argv=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a derivative dataset")
    parser.add_argument("--cases", type=int, default=12, help="fields for each line")
    parser.add_argument("--run", default="constrained_unet", help="run of the constrained U-net [the shipped one]")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    cases = Cases(options.data, "test", task="derivative")
    x, r = cases.constants["x"], cases.constants["r"]
    net = derivatives.load(options.run).on_grid(x, r)
    trusting = net.on_grid(x, r, trusted=True)
    print(HEAD + "\n" + "|---" * 13 + "|")
    for noise in (0.0, 1e-3):
        linear = net.base.on_grid(x, r, noise=noise)
        methods = Differences(x, r, 8), linear, trusting, net
        print(line("nothing" + f", noise {noise:g}" * (noise > 0), rows(methods, cases, options.cases, noise, (0, 0))))
        for name, unit in (("ka", (1, 0)), ("M", (0, 1))):
            for amount in AMOUNTS if noise == 0 else AMOUNTS[2:]:
                by = [amount * part for part in unit]
                title = f"{name}, {amount:.0e}" + f", noise {noise:g}" * (noise > 0)
                print(line(title, rows(methods, cases, options.cases, noise, by)), flush=True)


def rows(methods, cases, count, noise, by):
    """Numbers of a line, field by field."""
    fields = unseen(cases, count)
    return [one(methods, case, by) for case in (noisy(fields, noise) if noise else fields)]


if __name__ == "__main__":
    with torch.no_grad():
        main()
