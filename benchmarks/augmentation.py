"""Effect of physics-preserving augmentation on the paper's U-net, and a network for the sanity checks of RAP.

    wavenet generate derivative -o derivative.h5
    python benchmarks/augmentation.py --data derivative.h5 --runs RUNS

Trains the same network four times on the same few fields: unchanged; each multiplied by a random complex factor; also
with a second field of the same (m, ka, M) added; and paired with the velocities of other fields, which cannot be
learned. Prints the errors of unseen fields and keeps the networks in RUNS. Takes a quarter of an hour on one core.
"""

import argparse
from pathlib import Path

import lightning
import numpy as np
import torch
from derivatives import relative_errors, tensors
from torch.utils.data import Dataset, Subset

from data.read import Cases
from wavenet.runs import WEIGHTS, load, save
from wavenet.study.tasks import build
from wavenet.training.loading import Augmentation, FieldCases
from wavenet.training.loop import Preset, fit

PRESET = Preset(epochs=24, batch=8, rate=1e-3, patience=24, width=8)
FIELDS, HELD_OUT, TESTED = 400, 48, 200
VARIANTS = {
    "as they are": Augmentation(),
    "times a complex factor": Augmentation(factor=True),
    "and superposed": Augmentation(factor=True, superpose=True),
    "other fields' velocities": Augmentation(),
}


class Shuffled(Dataset):
    """Fields paired with the velocities of other fields."""

    def __init__(self, cases, seed=0):
        self.cases, self.order = cases, np.random.default_rng(seed).permutation(len(cases))

    def __len__(self):
        return len(self.cases)

    def __getitem__(self, index):
        return (*self.cases[index][:2], self.cases[int(self.order[index])][2])


def trained(name, data, runs):
    """The network of a variant, from its run or trained now."""
    run = Path(runs) / name.replace(" ", "-").replace("'", "")
    if not (run / WEIGHTS).is_file():
        run.mkdir(parents=True, exist_ok=True)
        lightning.seed_everything(0, verbose=False)
        taught = Cases(data, "train", task="derivative")
        x, chosen = taught.constants["x"], np.linspace(0, len(taught) - 1, FIELDS).astype(int).tolist()
        train = Subset(FieldCases(taught, x, VARIANTS[name]), chosen)
        train = Shuffled(train) if name == "other fields' velocities" else train
        held_out = Subset(FieldCases(Cases(data, "validation"), x), range(HELD_OUT))
        net = fit(build("unet", taught, PRESET), train, held_out, run, preset=PRESET, progress=False)
        save(run, "unet", net, {"variant": name})
    return load(run)[1]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--runs", required=True)
    options = parser.parse_args(argv)
    cases = Cases(options.data, "test", task="derivative")
    chosen = np.linspace(0, len(cases) - 1, TESTED).astype(int)
    print("| training fields | u, median | v, median |\n|---|---|---|")
    for name in VARIANTS:
        net = trained(name, options.data, options.runs)
        errors = []
        for index in chosen:
            potential, parameters, velocity = tensors(cases[index])
            with torch.no_grad():
                errors.append(relative_errors(net(potential, parameters), velocity).numpy())
        u, v = np.median(errors, axis=0)
        print(f"| {name} | {u:.2f} | {v:.2f} |", flush=True)


if __name__ == "__main__":
    main()
