"""The paper's U-net: how the shipped one is trained, and its error against training time and training cases.

    wavenet generate derivative -o derivative.h5
    python benchmarks/paper_unet.py train --data derivative.h5 -o RUNS/long
    python benchmarks/paper_unet.py train --data derivative.h5 -o RUNS/few --cases 250 --epochs 64
    python benchmarks/paper_unet.py report --data derivative.h5 RUNS/long RUNS/few --figure curve.png
    python benchmarks/paper_unet.py ship RUNS/long FOLDER

`train` trains on one thread, in bfloat16 where autocast uses it: fields are divided by their complex reference (the
constraint `phase`) and superposed at random with others of the same m, ka and M. After each epoch it writes a line of
curve.csv: seconds of the processor, fields seen, and relative errors of validation cases. `report` prints the errors
of the test cases, relative L2 of each field, and draws the curves. `ship` stores weights in half precision.
"""

import argparse
import csv
import dataclasses
import time
from pathlib import Path

import lightning
import numpy as np
import torch
from torch.utils.data import TensorDataset

from data.read import Cases
from wavenet import networks, runs
from wavenet.study.tasks import build, examples
from wavenet.study.training import Options, saved_with
from wavenet.training.augmentation import Augmentation
from wavenet.training.loop import fit
from wavenet.training.presets import Preset

CURVE = "curve.csv"
COLUMNS = ("seconds", "fields", "u", "v", "u_95", "v_95")
VALIDATION = 100  # cases that the curve is measured on: a few per cent of the time
UNET = networks.get("unet")


def relative(found, velocity):
    """Relative L2 errors of u and v, (case, 2)."""
    missed, exact = (each.unflatten(1, (2, 2)).flatten(2).norm(dim=2) for each in (found - velocity, velocity))
    return missed / exact


class Curve:
    """Loss of a training, the mean relative error of u and v, that writes a line after each validation."""

    def __init__(self, path, cases, validation):
        self.path, self.cases, self.validation = Path(path), cases, validation
        self.epochs, self.errors, self.started = 0, [], time.process_time()

    @property
    def seconds(self):
        return time.process_time() - self.started

    def __call__(self, model, batch):
        potential, parameters, velocity = batch
        errors = relative(model(potential, parameters), velocity)
        if not model.training:
            self.errors.append(errors)
            if sum(map(len, self.errors)) == self.validation:
                self.write(torch.cat(self.errors))
        return errors.mean(dim=1), torch.ones(len(errors))

    def write(self, errors):
        """A line of the file, for the epochs so far."""
        values = [self.seconds, self.epochs * self.cases]
        values += [*errors.median(dim=0)[0].tolist(), *errors.quantile(0.95, dim=0).tolist()]
        with self.path.open("a", encoding="utf-8") as file:
            if not self.epochs:
                print(*COLUMNS, sep=",", file=file)
            print(*(f"{value:.4g}" for value in values), sep=",", file=file)
        self.epochs, self.errors = self.epochs + 1, []


def some(cases, chosen):
    """Cases of a split, in single precision."""
    return TensorDataset(*(each[chosen].float() for each in examples(cases).tensors))


def train(options):
    """Train one network and write its run."""
    taught, check = (Cases(options.data, split, task="derivative") for split in ("train", "validation"))
    lightning.seed_everything(0, verbose=False)
    preset = Preset(options.epochs, options.batch, options.rate, options.epochs, options.width, constraints=("phase",))
    model = build("unet", taught, preset).to(memory_format=torch.channels_last)
    options.output.mkdir(parents=True)
    train = some(taught, slice(options.cases))  # whole groups, as they follow one another
    validation = some(check, slice(None, None, max(1, len(check) // VALIDATION)))
    curve = Curve(options.output / CURVE, len(train), len(validation))
    trained = fit(
        model,
        train,
        validation,
        options.output,
        preset=preset,
        progress=False,
        steps=dataclasses.replace(UNET.steps, loss=curve),
        augmentation=Augmentation(superpose=True),
        precision="bf16",
    )
    about = saved_with(taught, Options(precision="bf16"), curve.seconds)
    about |= {"preset": dataclasses.asdict(preset), "cases": len(train)}
    runs.save(options.output, UNET, trained.to(memory_format=torch.contiguous_format), about)


def ship(options):
    """Store the weights of a run in half precision, in another run's folder."""
    _, model, about = runs.load(options.trained)
    options.folder.mkdir(parents=True, exist_ok=True)
    runs.save(options.folder, UNET, model.half(), about)


def curve_of(run):
    """{column: array} of a run's curve."""
    with (run / CURVE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in COLUMNS}


def tested(run, cases):
    """Relative errors of the test cases, (case, 2)."""
    model, parts = runs.load(run)[1].eval(), []
    with torch.no_grad():
        for potential, parameters, velocity in zip(*(each.split(16) for each in cases.tensors), strict=True):
            parts.append(relative(model(potential, parameters), velocity))
    return torch.cat(parts).numpy()


def report(options):
    """Print the table, and draw the curves."""
    cases = some(Cases(options.data, "test", task="derivative"), slice(options.limit))
    print(f"{len(cases)} unseen fields of {options.data}, relative L2 errors, median / 95th percentile\n")
    print("| run | training cases | fields seen | minutes of a core | u | v |\n|---|---|---|---|---|---|")
    for run in options.runs:
        errors, about, curve = tested(run, cases), runs.load(run)[2], curve_of(run)
        cells = [f"{np.median(one):.2g} / {np.percentile(one, 95):.2g}" for one in errors.T]
        numbers = f"{about['cases']} | {curve['fields'][-1]:.0f} | {curve['seconds'][-1] / 60:.1f}"
        print(f"| {run.name} | {numbers} | {' | '.join(cells)} |")
    if options.figure:
        draw(options.runs, options.figure)


def draw(folders, path):
    """Errors of u and v against time, for each run."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for run in folders:
        curve, cases = curve_of(run), runs.load(run)[2]["cases"]
        label = f"{cases} training cases, {curve['fields'][-1] / 1000:.0f},000 fields seen"
        for axis, quantity in zip(axes, "uv", strict=True):
            axis.loglog(curve["seconds"][1:] / 60, curve[quantity][1:], label=label)
    for axis, quantity in zip(axes, "uv", strict=True):
        axis.set(title=quantity, xlabel="time of one core [min]")
        axis.grid(which="both", alpha=0.3)
    axes[0].set_ylabel("relative error, median of validation cases")
    axes[0].legend(fontsize="small")
    figure.savefig(path, dpi=120)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("train")
    one.add_argument("--data", required=True)
    one.add_argument("-o", "--output", type=Path, required=True)
    one.add_argument("--cases", type=int, default=4000)
    one.add_argument("--epochs", type=int, default=100)
    one.add_argument("--width", type=int, default=8)
    one.add_argument("--batch", type=int, default=8)
    one.add_argument("--rate", type=float, default=2e-3)
    one.set_defaults(run=train)
    two = commands.add_parser("report")
    two.add_argument("--data", required=True)
    two.add_argument("runs", type=Path, nargs="+")
    two.add_argument("--figure", type=Path)
    two.add_argument("--limit", type=int, help="test cases [all]")
    two.set_defaults(run=report)
    three = commands.add_parser("ship")
    three.add_argument("trained", type=Path)
    three.add_argument("folder", type=Path)
    three.set_defaults(run=ship)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    options.run(options)


if __name__ == "__main__":
    main()
