"""Content of the U-net's layers, and effect of small changes of the potential on each derivative.

    wavenet generate derivative -o derivative.h5
    python benchmarks/representations.py --derivative derivative.h5

Similarity: linear CKA and RSA between a layer's activations at random cells of unseen fields and known quantities
there, after and before training. Robustness: relative error of (u, v) caused by a change of 1e-4 of the potential,
divided by the relative size of that change, in the worst case (projected gradient) and for noise of the same energy.
"""

import argparse

import numpy as np
import torch
from derivatives import tensors
from explanations import redrawn

from data.read import Cases
from wavenet import derivatives
from wavenet.derivatives.differences import Differences
from wavenet.explain.measures import interval
from wavenet.explain.representations import activations, linear_cka, rsa, worst_change

LAYERS = ("down.0", "down.1", "down.2", "down.3", "down.4", "bottom", "up.0", "up.1", "up.2", "up.3", "up.4")
FIELDS, CELLS, PAIRS = 60, 40, 1500
SIZE = 1e-4


def sampled(model, cases, chosen, random):
    """Activations {layer: (sample, channel)} and quantities {name: (sample, feature)} at random cells."""
    x, r = cases.constants["x"], cases.constants["r"]
    layers, known = {name: [] for name in LAYERS}, {}
    for index in chosen:
        case = cases[int(index)]
        potential, parameters, velocity = tensors(case)
        with torch.no_grad():
            core, seen = model.core(parameters), model.explained(potential, parameters)[0]
        found = activations(core.network, list(LAYERS), lambda core=core, seen=seen: core(seen))
        i, j = random.integers(len(x), size=CELLS), random.integers(len(r), size=CELLS)
        for name, values in found.items():
            step = len(x) // values.shape[2]
            layers[name].append(values[0, :, i // step, j // step].T.numpy())
        amplitude = np.asarray(case["amplitude"], float)
        amplitude = amplitude / np.linalg.norm(amplitude)
        wave = float(case["helmholtz"]) / (1 - abs(float(case["mach"])))
        here = {
            "ψ at the cell": potential[0, :, i, j].T.numpy(),
            "u, v at the cell": (velocity[0, :, i, j] / velocity.square().mean().sqrt()).T.numpy(),
            "distance to the lip": np.hypot(x[i], r[j] - 1)[:, None],
            "inside, outside, behind": np.stack([(r[j] < 1) & (x[i] < 0), (r[j] > 1) & (x[i] < 0), x[i] > 0], 1) * 1.0,
            "wavenumber k": np.full((CELLS, 1), wave),
            "azimuthal order m": np.full((CELLS, 1), float(case["m"])),
            "mode amplitudes": np.repeat(amplitude.reshape(1, -1), CELLS, axis=0),
        }
        for name, values in here.items():
            known.setdefault(name, []).append(values)
    return tuple({name: np.concatenate(values) for name, values in group.items()} for group in (layers, known))


def similarity(options):
    """Print CKA and RSA of layers and quantities."""
    cases = Cases(options.derivative, "test", task="derivative")
    chosen = np.random.default_rng(0).choice(len(cases), FIELDS, replace=False)
    trained = derivatives.load("unet")
    for title, model in (("trained", trained), ("before training", redrawn(trained))):
        layers, known = sampled(model, cases, chosen, np.random.default_rng(1))
        some = np.random.default_rng(2).choice(FIELDS * CELLS, PAIRS, replace=False)
        print(f"\n**U-net, {title}**: linear CKA / RSA\n\n| | {' | '.join(known)} |\n|---|{'---|' * len(known)}")
        for name, values in layers.items():
            scores = [(linear_cka(values, of), rsa(values[some], of[some])) for of in known.values()]
            print(f"| {name} | {' | '.join(f'{cka:.2f} / {rank:.2f}' for cka, rank in scores)} |", flush=True)


def robustness(options):
    """Print how errors of the potential are amplified."""
    cases = Cases(options.derivative, "test", task="derivative")
    x, r = cases.constants["x"], cases.constants["r"]
    constrained = derivatives.load().on_grid(x, r)
    noisy = constrained.on_grid(x, r, noise=SIZE)
    unet = derivatives.load("unet")
    methods = {
        "constrained network": lambda p: lambda psi: constrained(psi, p),
        "the same, told of the noise": lambda p: lambda psi: noisy(psi, p),
        "U-net": lambda p: lambda psi: unet(psi, p),
    } | {f"differences of order {order}": (lambda of: lambda p: of)(Differences(x, r, order)) for order in (2, 4, 6, 8)}
    chosen = np.random.default_rng(0).choice(len(cases), options.cases, replace=False)
    print("\n**Amplification of a change of the potential**, relative to relative\n")
    print("| | worst case | noise of the same energy | ratio |\n|---|---|---|---|")
    for name, method in methods.items():
        rows = []
        for index in chosen:
            potential, parameters, velocity = tensors(cases[int(index)])
            f, size = method(parameters), velocity.square().mean().sqrt()
            worst = worst_change(f, potential, SIZE)
            noise = torch.randn(
                potential.shape, generator=torch.Generator().manual_seed(int(index)), dtype=torch.float64
            )
            noise = noise * SIZE * potential.square().mean().sqrt() / noise.square().mean().sqrt()
            with torch.no_grad():
                start = f(potential)
                pair = [float((f(potential + d) - start).square().mean().sqrt() / size / SIZE) for d in (worst, noise)]
            rows.append((*pair, pair[0] / pair[1]))
        print(f"| {name} | {' | '.join(str(interval(column)) for column in np.transpose(rows))} |", flush=True)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--derivative", required=True)
    parser.add_argument("--cases", type=int, default=30)
    options = parser.parse_args(argv)
    similarity(options)
    robustness(options)


if __name__ == "__main__":
    main()
