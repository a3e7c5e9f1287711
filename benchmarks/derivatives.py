"""Derivatives of unseen fields by all methods: errors and time per field in one table.

    wavenet generate derivative -o derivative.h5
    python benchmarks/derivatives.py --data derivative.h5 --runs RUNS

The paper's U-net is the one that comes with the package (`benchmarks/paper_unet.py` trains it). A Fourier neural
operator is trained for about an hour on one core, and kept in RUNS.
"""

import argparse
import time
from pathlib import Path

import lightning
import numpy as np
import torch
from baselines import FittedStencil
from safetensors.torch import load_file, save_file

from analytic import ModeMixture, solve
from data.read import Cases
from wavenet import derivatives, networks
from wavenet.derivatives.constrained import ConstrainedNetwork
from wavenet.derivatives.differences import ORDERS, Differences
from wavenet.derivatives.fourier import FourierConfig, FourierOperator
from wavenet.derivatives.wave_stencils import WaveDerivatives
from wavenet.study.tasks import build, examples
from wavenet.training.loop import fit

STEPS = networks.get("fno").steps
PRESET = STEPS.preset("standard")
FITTED = 330  # fields that the stencil is fitted to
LIP = 0.2  # radius of the disc at the lip


def peer(data, runs):
    """The Fourier neural operator from its run, or trained now."""
    run = Path(runs) / "FNO"
    weights, taught = run / "weights.safetensors", Cases(data, "train", task="derivative")
    lightning.seed_everything(0, verbose=False)
    scales = build("unet", taught, PRESET).config
    sizes = {"potential_scale": scales.potential_scale, "velocity_scale": scales.velocity_scale}
    net = FourierOperator(FourierConfig(scales.x, scales.r, PRESET.width, **sizes))
    if not weights.exists():
        sets = examples(taught), examples(Cases(data, "validation"))
        fit(net, *sets, run, preset=PRESET, progress=False, steps=STEPS)
        save_file({key: value.contiguous() for key, value in net.state_dict().items()}, weights)
    net.load_state_dict(load_file(weights))
    return net.eval()


def stencil(data):
    """The fitted stencil, of evenly chosen training fields."""
    taught = Cases(data, "train", task="derivative")
    chosen = [tensors(taught[index]) for index in np.linspace(0, len(taught) - 1, FITTED).astype(int)]
    potential, _, velocity = (torch.cat(values) for values in zip(*chosen, strict=True))
    found = FittedStencil(taught.constants["x"], taught.constants["r"])
    found.fit(potential, velocity)
    return found


def tensors(case):
    """(potential, parameters, velocity) of a case, each with a case axis."""
    potential = torch.from_numpy(case["potential"])[None]
    parameters = torch.tensor([[case["m"], case["helmholtz"], case["mach"]]], dtype=torch.float64)
    velocity = np.concatenate([case["axial_velocity"], case["radial_velocity"]])
    return potential, parameters, torch.from_numpy(velocity)[None]


def relative_errors(found, velocity, region=...):
    """Relative L2 errors of u and v of one case, (1, 4, x, r), in a region of the grid: (2,) tensor."""
    missed, exact = ((values[..., region]).unflatten(1, (2, 2)).flatten(2) for values in (found - velocity, velocity))
    return (missed.norm(dim=2) / exact.norm(dim=2))[0]


def measure(methods, cases):
    """Relative errors {name: (case, region, quantity)} and seconds a field; regions: the grid, the disc, the rest."""
    x, r = cases.constants["x"], cases.constants["r"]
    disc = np.hypot(x[:, None], r - 1) < LIP
    regions = [torch.from_numpy(region) for region in (np.ones_like(disc), disc, ~disc)]
    errors, seconds = {name: [] for name in methods}, dict.fromkeys(methods, 0.0)
    for index in range(len(cases)):
        potential, parameters, velocity = tensors(cases[index])
        for name, method in methods.items():
            started = time.perf_counter()
            found = method(potential, parameters)
            seconds[name] += time.perf_counter() - started
            errors[name].append([relative_errors(found, velocity, region).numpy() for region in regions])
    return {name: np.array(values) for name, values in errors.items()}, {k: v / len(cases) for k, v in seconds.items()}


def solver_seconds(cases, fields=20):
    """Seconds the Wiener-Hopf solver takes for psi, u, v and p of a field."""
    x, r = cases.constants["x"], cases.constants["r"]
    started = time.perf_counter()
    for index in range(fields):
        case = cases[index * len(cases) // fields]
        amplitudes = case["amplitude"] @ [1, 1j]
        solve(ModeMixture(int(case["m"]), amplitudes, case["helmholtz"], case["mach"]), tolerance=1e-6).field(x, r)
    return (time.perf_counter() - started) / fields


def table(errors, seconds, ours="constrained network"):
    """Markdown lines."""
    lines = [
        "| method | u | v | u, lip | v, lip | u, rest | v, rest | ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, values in errors.items():
        cells = []
        for region in range(3):
            for quantity in range(2):
                column = values[:, region, quantity]
                cells.append(f"{np.median(column):.1e} / {np.percentile(column, 95):.1e}")
        lines.append(f"| {name} | {' | '.join(cells)} | {1e3 * seconds[name]:.1f} |")
    best = min(
        (name for name in errors if name.startswith("differences")),
        key=lambda n: np.median(errors[n][:, 0]),
        default="",
    )
    for other in (name for name in (best, "fitted stencil") if {name, ours} <= errors.keys()):
        better = np.mean(errors[ours][:, 0] < errors[other][:, 0], axis=0)
        ratio = np.median(errors[other][:, 0], axis=0) / np.median(errors[ours][:, 0], axis=0)
        lines.append(
            f"\n{ours} against {other}: smaller error in {better[0]:.1%} (u), {better[1]:.1%} (v) of the cases; "
            f"medians {ratio[0]:.0f} and {ratio[1]:.0f} times smaller."
        )
    return "\n".join(lines)


def without_parameters(method):
    """A method of the potential alone, as one of potential and parameters."""
    return lambda potential, _: method(potential)


def main(argv=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a derivative dataset")
    parser.add_argument("--runs", default="runs", help="folder of the trained network")
    parser.add_argument("--methods", nargs="+", help="names of the methods to measure [all]")
    parser.add_argument("--ours", help="run of the constrained network [the shipped one]")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    cases = Cases(options.data, "test", task="derivative")
    x, r = cases.constants["x"], cases.constants["r"]

    def ours():
        network = derivatives.load(options.ours).on_grid(x, r)
        assert isinstance(network, ConstrainedNetwork)
        return network

    every = {"paper U-net": lambda: derivatives.load("unet"), "FNO": lambda: peer(options.data, options.runs)}
    every |= {f"differences of order {n}": lambda n=n: without_parameters(Differences(x, r, n)) for n in ORDERS}
    every |= {
        "fitted stencil": lambda: without_parameters(stencil(options.data)),
        "wave stencils": lambda: WaveDerivatives(x, r),
        "constrained network": ours,
    }
    methods = {name: every[name]() for name in options.methods or every}
    with torch.no_grad():
        errors, seconds = measure(methods, cases)
    print(f"{len(cases)} unseen fields of {options.data}, relative L2 errors, median / 95th percentile; one thread\n")
    print(table(errors, seconds))
    print(f"\nThe Wiener–Hopf solver takes {1e3 * solver_seconds(cases):.1f} ms a field (tolerance 1e-6).")


if __name__ == "__main__":
    main()
