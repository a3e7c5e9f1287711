"""Effect of each constraint on the paper's U-net: python benchmarks/ablation.py --data derivative.h5 [--seeds 3].

Trains the network in the same way without constraints, with each constraint alone, with the physical residuals in the
loss, and with all constraints, from several seeds. Prints relative L2 errors of unseen fields: the median over the
fields, and its mean and spread over the seeds. Adds the constrained network as it is, with equal shares, and with a
fixed rule in place of its error model. Takes about an hour on one core.
"""

import argparse
import dataclasses
import tempfile

import lightning
import numpy as np
import torch
from derivatives import relative_errors, tensors
from torch.utils.data import Subset

from data.read import Cases
from wavenet import derivatives
from wavenet.derivatives.constrained import combine
from wavenet.derivatives.unet import CONSTRAINTS, UNet
from wavenet.study.tasks import build
from wavenet.training.loading import FieldCases
from wavenet.training.loop import Preset, fit

PRESET = Preset(epochs=8, batch=8, rate=1e-3, patience=8, width=8)
PHYSICS = 0.01
TAUGHT, SEEN = 300, 150  # training and test fields


def variants():
    """(name, constraints, weight of the residuals)."""
    every = tuple(CONSTRAINTS)
    yield "none: the paper's network", (), 0.0
    for name in every:
        yield name, (name,), 0.0
    yield "residuals in the loss", (), PHYSICS
    yield "all constraints", every, 0.0


def subset(cases, count):
    """Evenly chosen cases."""
    return Subset(cases, np.linspace(0, len(cases) - 1, min(count, len(cases))).astype(int).tolist())


def errors(method, cases):
    """Relative errors (case, quantity)."""
    result = []
    with torch.no_grad():
        for potential, parameters, velocity in cases:
            result.append(relative_errors(method(potential, parameters), velocity).numpy())
    return np.array(result)


def learn(constraints, physics, seed, data, edge):
    """A trained U-net."""
    lightning.seed_everything(seed, verbose=False)
    cases = {split: Cases(data, split, task="derivative") for split in ("train", "validation")}
    plain = build("unet", cases["train"], PRESET)
    net = UNet(dataclasses.replace(plain.config, constraints=constraints), edge)
    x = cases["train"].constants["x"]
    sets = [subset(FieldCases(of, x), count) for of, count in zip(cases.values(), (TAUGHT, 80), strict=True)]
    with tempfile.TemporaryDirectory() as run:
        return fit(net, *sets, run, preset=dataclasses.replace(PRESET, physics=physics), progress=False)


def with_other_shares(model, rule):
    """The constrained network with other shares: equal ones, or by a rule."""

    def method(potential, parameters):
        shares = model.weights(parameters)
        allowed = torch.isfinite(model.log_errors(parameters)).double()
        if rule:  # edge functions where they are, wide stencils elsewhere
            near = model.edge_map.known.double()
            shares = torch.zeros_like(shares)
            shares[:, :, 1], shares[:, :, 3] = 1 - near, near
        else:
            shares = allowed / allowed.sum(dim=2, keepdim=True)
        return combine(shares, model.candidates(potential, parameters))

    return method


def main(argv=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a derivative dataset")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ours", help="run of the constrained network [the shipped one]")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    test = Cases(options.data, "test", task="derivative")
    seen = [tensors(test[index]) for index in np.linspace(0, len(test) - 1, SEEN).astype(int)]
    ours = derivatives.load(options.ours)
    ours = ours.on_grid(test.constants["x"], test.constants["r"])
    print(f"{SEEN} unseen fields, {TAUGHT} for training, {options.seeds} seeds: mean ± spread of the medians\n")
    print("| constraints | u | v |", "|---|---|---|", sep="\n", flush=True)
    for name, constraints, physics in variants():
        medians = []
        for seed in range(options.seeds):
            net = learn(constraints, physics, seed, options.data, ours.edge)
            medians.append(np.median(errors(net, seen), axis=0))
        mean, spread = np.mean(medians, axis=0), np.std(medians, axis=0)
        cells = [f"{m:.2e} ± {s:.0e}" for m, s in zip(mean, spread, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    last = {
        "constrained network": ours,
        "constrained network, equal shares": with_other_shares(ours, False),
        "constrained network, edge functions within 0.36, wide stencils elsewhere": with_other_shares(ours, True),
    }
    for name, method in last.items():
        u, v = np.median(errors(method, seen), axis=0)
        print(f"| {name} | {u:.2e} | {v:.2e} |", flush=True)


if __name__ == "__main__":
    main()
