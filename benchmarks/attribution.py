"""Time and memory of RAP over those of the network's forward pass: python benchmarks/attribution.py

Time is CPU time of one thread, medians of calls in turn: of one output of one input over the forward pass of that
input, of one output of each of 32 inputs over the forward pass of the 32, and of 100 outputs of one input in one call,
each over the forward pass of that input. Memory is the largest resident size of a process of its own above that before
the call, over the size of the forward's activations: the floating-point results of all operations of one forward pass,
those in place counted once. Names of networks as arguments select them. VGG16 has random weights, 224 x 224 pixels;
the project's networks are those that ship, 128 x 64 cells.
"""

import argparse
import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from wavenet import derivatives
from wavenet.rap import RAP

BATCH, OUTPUTS = 32, 100
X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
VGG = (64, 64, "M", 128, 128, "M", *(256,) * 3, "M", *(512,) * 3, "M", *(512,) * 3, "M")


def vgg16(cases):
    """torchvision's VGG16 with its initial weights, and biases of a trained network's size."""
    torch.manual_seed(0)
    layers, channels = [], 3
    for size in VGG:
        if size == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, size, 3, padding=1), nn.ReLU(inplace=True)]
            channels = size
    head = []
    for before, after in ((25088, 4096), (4096, 4096), (4096, 1000)):
        head += [nn.Linear(before, after), nn.ReLU(inplace=True), nn.Dropout()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *head[:-2]).eval()
    for layer in model:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan = layer.weight[0, 0].numel() * len(layer.weight)
            nn.init.normal_(layer.weight, std=(2 / fan) ** 0.5 if layer.weight.ndim > 2 else 0.01)
            nn.init.normal_(layer.bias, std=0.05)
    return model, torch.randn(cases, 3, 224, 224), 3


def fields(name):
    """One of the project's networks of derivatives, for random fields."""

    def build(cases):
        random = torch.Generator().manual_seed(0)
        potential = torch.randn(cases, 2, 128, 64, dtype=torch.float64, generator=random)
        parameters = torch.tensor([[2.0, 12.0, 0.3]], dtype=torch.float64).repeat(cases, 1)
        model = derivatives.load(name) if name else derivatives.load().on_grid(X, R)
        with torch.no_grad():
            core, (seen, _) = model.core(parameters), model.explained(potential, parameters)
        return core, seen, (0, 60, 30)

    return build


NETWORKS = {
    "VGG16, single": (vgg16, torch.float32),
    "U-net, single": (fields("unet"), torch.float32),
    "U-net, double": (fields("unet"), torch.float64),
    "constrained network, double": (fields(None), torch.float64),
}


class Activations(TorchDispatchMode):
    """Bytes of the floating-point tensors that operations make."""

    size = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        known = {t.untyped_storage().data_ptr() for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                storage = tensor.untyped_storage()
                self.size += storage.nbytes() * (storage.data_ptr() not in known)
        return result


def cpu(repeats, *functions):
    """Median CPU time of each, in turn."""
    times = [[] for _ in functions]
    for _ in range(repeats):
        for found, f in zip(times, functions, strict=True):
            start = time.process_time()
            f()
            found.append(time.process_time() - start)
    return [statistics.median(one) for one in times]


def status(key):
    """A size of this process [bytes]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(key)).split()[1])


def peak(name, cases):
    """Memory of RAP in this process, which has run nothing but one case before [bytes]."""
    build, dtype = NETWORKS[name]
    model, x, target = build(cases)
    explainer = RAP(model, dtype=dtype)
    explainer.attribute(x[:1], target)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the largest size so far is forgotten
    before = status("VmRSS")
    explainer.attribute(x, target)
    return status("VmHWM") - before


def memory(name, cases, activations):
    """Memory of RAP in a process of its own, over that of the activations."""
    command = [sys.executable, __file__, "--peak", name, "--cases", str(cases)]
    # memory that is freed goes back to the system at once, so that none is left over from the case before
    returned = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    found = subprocess.run(command, check=True, capture_output=True, text=True, env=returned).stdout
    return int(found) / activations


def row(name, repeats):
    """One line of the table."""
    build, dtype = NETWORKS[name]
    model, x, target = build(BATCH)
    explainer = RAP(model, dtype=dtype)

    def forward(cases=BATCH):
        with torch.no_grad():
            model(x[:cases])

    def explain(cases=BATCH):
        explainer.attribute(x[:cases], target)

    if "VGG" not in name:  # its parameters are of all cases
        one_model, one_x, _ = build(1)
    else:
        one_model, one_x = model, x[:1]
    one_explainer = RAP(one_model, dtype=dtype)

    def one_forward():
        with torch.no_grad():
            one_model(one_x)

    targets = [target if isinstance(target, int) else (k % 4, k, k % 64) for k in range(OUTPUTS)]
    one_forward(), one_explainer.attribute(one_x, target)
    base, one = cpu(5 * repeats, one_forward, lambda: one_explainer.attribute(one_x, target))
    batch_base, batch = cpu(repeats, forward, explain)
    ratios = [one / base, batch / batch_base]
    if "VGG" in name:
        many = "–"
    else:
        again, all_ = cpu(repeats, one_forward, lambda: one_explainer.attribute(one_x, targets))
        many = f"{all_ / again / OUTPUTS:.1f}"
    with Activations() as count, torch.no_grad():
        model(x)
    sizes = [memory(name, cases, count.size * cases / BATCH) for cases in (1, BATCH)]
    return (
        f"| {name} | {1e3 * base:.0f} | {ratios[0]:.1f} | {ratios[1]:.1f} | {many} | {sizes[0]:.1f} | {sizes[1]:.1f} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="networks; all by default")
    parser.add_argument("--repeats", type=int, default=3, help="calls of each in turn")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--cases", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.peak:
        print(peak(arguments.peak, arguments.cases))
        return
    print(
        "| network | forward pass [ms] | one output | each of 32 inputs | each of 100 outputs | memory | of 32 inputs |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in arguments.names or NETWORKS:
        print(row(name, arguments.repeats), flush=True)


if __name__ == "__main__":
    main()
