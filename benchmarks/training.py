"""The package's rate of training beside a plain PyTorch loop: python benchmarks/training.py.

Both loops train the same network by the same loss on the same random cases, which both keep on the device, with the
same batches and Adam. The plain loop is the least that does so: it takes a batch by index, and computes no validation,
best weights or log, which the package does; the package validates on one case. They take turns, an epoch each, in one
process, and no checkpoint is due; the rate is that of the median epoch. A third loop is Lightning's Trainer with the
same batches and nothing but the step. On a GPU, if there is one, times are those of a clock; on one CPU thread those of
the processor, so that other programs on the machine do not matter. Prints one table.
"""

import argparse
import functools
import logging
import math
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import lightning
import numpy as np
import torch
from torch.utils.data import TensorDataset

from wavenet import networks
from wavenet.derivatives.unet import UNet, UNetConfig
from wavenet.forward.feed_forward import ForwardConfig, ForwardModel
from wavenet.training import loop
from wavenet.training.precision import PRECISIONS, computing, expect
from wavenet.training.presets import Preset

GRID, MICROPHONES = (128, 64), 61


def fields(count):
    """The U-net of the paper, width 32, and random fields."""
    x, r = (np.linspace(low, high, cells) for low, high, cells in ((-2, 2, GRID[0]), (0.02, 2, GRID[1])))
    draw = torch.Generator().manual_seed(0)
    potential, velocity = (torch.randn(count, parts, *GRID, generator=draw).double() for parts in (2, 4))
    cases = TensorDataset(potential, torch.rand(count, 3, generator=draw).double(), velocity)
    return UNet(UNetConfig(tuple(x), tuple(r), 32)), cases


def modes(count, width=512):
    """The feed-forward network of the standard preset, or of another width, and random modes."""
    angle = np.linspace(0, np.pi, MICROPHONES)
    x, r = tuple(10 * np.cos(angle)), tuple(10 * np.sin(angle))
    draw = torch.Generator().manual_seed(0)
    inputs = torch.rand(count, 5, generator=draw) + torch.tensor([0.0, 0.0, 0.0, 4.0, 0.0])
    config = ForwardConfig(x, r, (0.0,) * 5, (1.0, 1.0, 1.0, 5.0, 1.0), 1.0, width)
    return ForwardModel(config), TensorDataset(inputs, torch.randn(count, MICROPHONES, 2, generator=draw))


# name: (network and cases, batch, cases on a CPU, on a GPU)
NETWORKS = {
    "unet, width 32, 128 x 64": ("unet", fields, 16, 32, 2048),
    "mlp, width 512": ("mlp", modes, 256, 16384, 65536),
    "mlp, width 256": ("mlp", functools.partial(modes, width=256), 64, 8192, 16384),
}


def plain(model, cases, name, batch, epochs, precision, device):
    """A generator of the seconds of each epoch of the least loop."""
    steps = networks.get(name).steps
    model.to(device)
    tensors = [each.to(device) for each in cases.tensors]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    for _ in range(epochs):
        started = now(device)
        with computing(precision, device):
            for chosen in torch.randperm(len(cases)).to(device).split(batch):
                loss = steps.loss(model, [each[chosen] for each in tensors])[0].mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        yield now(device) - started


class Step(lightning.LightningModule):
    """The step of the plain loop, as the Trainer takes it; `seconds` are those of each epoch."""

    def __init__(self, model, name):
        super().__init__()
        self.model, self.loss, self.seconds = model, networks.get(name).steps.loss, []

    def configure_optimizers(self):
        return torch.optim.Adam(self.model.parameters(), lr=1e-4)

    def training_step(self, batch, _):
        return self.loss(self.model, batch)[0].mean()

    def on_train_epoch_start(self):
        self.started = now(self.device)

    def on_train_epoch_end(self):
        self.seconds.append(now(self.device) - self.started)


class ByIndex:
    """Batches of tensors on the device."""

    def __init__(self, tensors, batch):
        self.tensors, self.batch = tensors, batch

    def __len__(self):
        return -(-len(self.tensors[0]) // self.batch)

    def __iter__(self):
        for chosen in torch.randperm(len(self.tensors[0])).to(self.tensors[0].device).split(self.batch):
            yield [each[chosen] for each in self.tensors]


def by_trainer(model, cases, name, batch, epochs, precision, device):
    """Seconds of each epoch of Lightning's Trainer without validation, log, bar or checkpoints."""
    step = Step(model, name)
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cuda" if device.type == "cuda" else "cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with computing(precision, device):
        trainer.fit(step, ByIndex([each.to(device) for each in cases.tensors], batch))
    return step.seconds


def now(device):
    """Time [s] when the device has done all that it was told."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def rates(name, make, batch, count, epochs, precision, compiled, device):
    """Median cases per second of the plain loop and of the package's, which take turns, and of the Trainer."""
    torch.manual_seed(0)
    (theirs, cases), (ours, _), (third, _) = make(count), make(count), make(count)
    turns = plain(theirs, cases, name, batch, epochs + 1, precision, device)
    other, found, steps, since = [], [], [0], [now(device)]

    def after_step():
        """The package asks after each step whether to stop: after those of an epoch, it is the plain loop's turn."""
        if not torch.is_grad_enabled():  # it asks in validation too
            return
        steps[0] += 1
        if steps[0] % -(-count // batch) == 0:
            found.append(now(device) - since[0])
            other.append(next(turns))
            since[0] = now(device)

    with tempfile.TemporaryDirectory() as folder:
        preset = Preset(epochs + 1, batch, 1e-4, epochs + 1, 0)
        few = TensorDataset(*(each[:1] for each in cases.tensors))
        options = {
            "precision": precision,
            "compiled": compiled,
            "progress": False,
            "asked": after_step,
            "every": math.inf,
        }
        loop.fit(ours, cases, few, Path(folder), preset=preset, **options)
    last = by_trainer(third, cases, name, batch, epochs + 1, precision, device)
    return [count / statistics.median(seconds[1:]) for seconds in (other, found, last)]  # the first warms up


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="networks whose names begin so")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0, help="number of cases, over the usual one")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    expect(options.precision, device)
    torch.set_num_threads(1)
    where = torch.cuda.get_device_name() if device.type == "cuda" else "one CPU thread"
    print(f"{where}, {options.precision}, cases per second, median of {options.epochs} epochs\n")
    print(
        "| network | batch | plain loop | wavenet | over plain | Trainer | over plain |\n|---|---|---|---|---|---|---|"
    )
    for label, (name, make, batch, small, large) in NETWORKS.items():
        if not label.startswith(options.only):
            continue
        count = max(batch, int((large if device.type == "cuda" else small) * options.scale))
        theirs, ours, last = rates(name, make, batch, count, options.epochs, options.precision, options.compile, device)
        row = f"{theirs:.3g} | {ours:.3g} | {ours / theirs:.2f} | {last:.3g} | {last / theirs:.2f}"
        print(f"| {label} | {batch} | {row} |", flush=True)


if __name__ == "__main__":
    main()
