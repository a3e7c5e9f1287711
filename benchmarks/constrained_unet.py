"""What the constrained U-net adds to linear methods, and where: python benchmarks/constrained_unet.py --data FILE.

    wavenet generate derivative -o derivative.h5
    wavenet train derivative --data derivative.h5 --model constrained-unet --preset standard -o run
    python benchmarks/constrained_unet.py --data derivative.h5 --ours run [--cases 100]

On unseen fields, as they are and disturbed, compares three methods: the linear constrained network, told the noise; the
U-net's derivatives by a fixed rule (in noise, waves fitted to the whole grid; without, waves around the lip and at the
ends, and the linear network's mean elsewhere); and the U-net, which is told nothing unless said otherwise. Prints
medians and 95th percentiles of the relative L2 errors, and how often errors lie within the predicted ones.
"""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import torch
from derivatives import relative_errors, tensors
from noise import coarse

from analytic import solve
from data.read import Cases
from wavenet import derivatives
from wavenet.derivatives.constrained import combine
from wavenet.derivatives.constrained_unet import METHODS

LIP, ENDS, JOINT = (METHODS.index(name) for name in ("lip waves", "end waves", "joint waves"))
NAMES = "linear", "fixed rule", "U-net"


def example():
    """The example of other grids."""
    path = Path(__file__).resolve().parent.parent / "examples" / "derivatives_on_any_grid.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unseen(cases, count):
    """Evenly chosen test fields: (potential, parameters, velocity)."""
    for index in np.linspace(0, len(cases) - 1, min(count, len(cases))).astype(int):
        yield tensors(cases[index])


def noisy(fields, noise, smooth=0, seed=0):
    """White noise, or noise averaged over 3 x 3 cells so many times; noise : its relative root mean square."""
    random = torch.Generator().manual_seed(seed)
    for psi, parameters, velocity in fields:
        added = torch.randn(psi.shape, generator=random, dtype=psi.dtype)
        for _ in range(smooth):
            added = torch.nn.functional.avg_pool2d(added, 3, stride=1, padding=1, count_include_pad=False)
        yield psi + added * noise * (psi.square().mean() / added.square().mean()).sqrt(), parameters, velocity


def detuned(fields, by, index=1):
    """A wrong k, or M, by a factor or a difference."""
    for psi, parameters, velocity in fields:
        told = parameters.clone()
        told[0, index] = told[0, index] * (1 + by) if index == 1 else told[0, index] + by
        yield psi, told, velocity


def other_grids(count, seed=1):
    """Fields on grids of their own, as in the example: (x, r, potential, parameters, velocity)."""
    of, rng = example(), np.random.default_rng(seed)
    for _ in range(count):
        source, (x, r) = of.draw(rng), of.grid(rng)
        field = solve(source).field(x, r)
        values = field.potential, field.axial_velocity, field.radial_velocity
        psi, u, v = (torch.from_numpy(of.parts(part))[None] for part in values)
        parameters = torch.tensor([[source.m, source.helmholtz, source.mach]], dtype=torch.float64)
        yield x, r, psi, parameters, torch.cat([u, v], dim=1)


def rule(seen, mean):
    """Velocities by a fixed rule: (1, 4, x, r)."""
    found = mean.clone()
    for method in (ENDS, LIP, JOINT):
        usable = torch.isfinite(seen.prior[0, method])
        found = torch.where(usable, seen.candidates[method], found)
    return found[None]


def one(net, linear, case):
    """Relative errors (method, quantity), and the errors over the predicted ones in every cell (2, x, r)."""
    psi, parameters, velocity = case
    seen = net.seen(psi[0], parameters[0])
    predicted = net.predict(seen.features[None], seen.prior[None])
    found = combine(predicted.shares, seen.candidates[None])
    told = linear(psi, parameters)
    errors = [relative_errors(w, velocity).numpy() for w in (told, rule(seen, told[0]), found)]
    parts = (found - velocity)[0].unflatten(0, (2, 2)).norm(dim=1)
    scale = velocity[0].unflatten(0, (2, 2)).square().sum(dim=1).mean(dim=(1, 2)).sqrt()
    return np.array(errors), (parts / scale[:, None, None] / 10 ** predicted.log_error[0]).numpy().ravel()


def row(title, results):
    """A line of the Markdown table."""
    errors, ratios = (np.array(values) for values in zip(*results, strict=True))
    cells = []
    for method in range(len(NAMES)):
        for quantity in range(2):
            column = errors[:, method, quantity]
            cells.append(f"{np.median(column):.1e} / {np.percentile(column, 95):.1e}")
    within = [f"{np.mean(ratios < factor):.0%}" for factor in (1, 3)]
    return f"| {title} | " + " | ".join(cells + within) + " |"


def conditions(cases, count, x, r):
    """(title, fields, noise that the linear network is told, noise that the U-net is told)."""
    few = max(1, count // 2)
    yield "as they are", unseen(cases, count), 0.0, None
    for points in (6, 5, 4, 3):
        yield f"{points} points per wavelength", coarse(x, r, points, few), 0.0, None
    for decibels in (60, 40, 30, 20):
        level = float(10 ** (-decibels / 20))
        yield f"white noise, {decibels} dB", noisy(unseen(cases, few), level), level, None
    for level in (1e-4, 1e-5, 1e-6):
        yield f"smooth noise, {level:.0e}", noisy(unseen(cases, few), level, smooth=2), level, None
    yield "30 dB, told 20 dB", noisy(unseen(cases, few), 10**-1.5), 0.1, 0.1
    yield "30 dB, told 40 dB", noisy(unseen(cases, few), 10**-1.5), 0.01, 0.01
    for by in (1e-4, 1e-3, 1e-2):
        yield f"ka wrong by {by:.0e}", detuned(unseen(cases, few), by), 0.0, None
    yield "M wrong by 0.001", detuned(unseen(cases, few), 1e-3, index=2), 0.0, None


def main(argv=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a derivative dataset")
    parser.add_argument("--cases", type=int, default=100, help="of the undisturbed fields; half as many of the others")
    parser.add_argument("--grids", type=int, default=50, help="fields on grids of their own")
    parser.add_argument("--ours", required=True, help="run of the constrained U-net")
    parser.add_argument("--only", help="rows whose titles contain this")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    cases = Cases(options.data, "test", task="derivative")
    x, r = cases.constants["x"], cases.constants["r"]
    linear, net = derivatives.load().on_grid(x, r), derivatives.load(options.ours)
    print("| fields | " + " | ".join(f"{name}, u | {name}, v" for name in NAMES) + " | within 1 | within 3 |")
    print("|---" * (3 + 2 * len(NAMES)) + "|", flush=True)
    with torch.no_grad():
        for title, fields, known, told in conditions(cases, options.cases, x, r):
            if options.only is None or options.only in title:
                local = linear if known == 0 else linear.on_grid(x, r, noise=known)
                unet = net.on_grid(x, r, noise=told, base=linear)
                print(row(title, [one(unet, local, case) for case in fields]), flush=True)
        if options.grids and (options.only is None or options.only in "other grids"):
            results = []
            for own_x, own_r, *case in other_grids(options.grids):
                unet = net.on_grid(own_x, own_r)
                results.append(one(unet, unet.base, case))
            print(row("other grids", results))


if __name__ == "__main__":
    main()
