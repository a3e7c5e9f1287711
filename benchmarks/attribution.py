"""Time of RAP over the network's forward pass, 128 x 64: python benchmarks/attribution.py

Medians for one output of one field, and for 100 outputs of one field in one call, relative to the forward pass of one
field; the calls are timed in turn.
"""

import time

import numpy as np
import torch

from wavenet import derivatives
from wavenet.rap import RAP


def seconds(repeats, *functions):
    """Median time of each, in turn."""
    times = [[] for _ in functions]
    for _ in range(repeats):
        for found, f in zip(times, functions, strict=True):
            start = time.perf_counter()
            f()
            found.append(time.perf_counter() - start)
    return np.median(times, axis=1)


def main():
    x, r = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
    parameters = torch.tensor([[2.0, 12.0, 0.3]], dtype=torch.float64)
    potential = torch.randn(1, 2, 128, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    random = np.random.default_rng(0)
    places = [(int(random.integers(4)), int(random.integers(128)), int(random.integers(64))) for _ in range(100)]
    print("| network | forward pass [ms] | one output, over it | each of 100, over it |\n|---|---|---|---|")
    models = {
        "constrained network, double": (derivatives.load().on_grid(x, r), torch.float64),
        "U-net, double": (derivatives.load("unet"), torch.float64),
        "U-net, single": (derivatives.load("unet"), torch.float32),
    }
    for name, (model, dtype) in models.items():

        def forward(model=model):
            with torch.no_grad():
                model(potential, parameters)

        def explain(target, model=model, dtype=dtype):
            with torch.no_grad():
                core, (seen, _) = model.core(parameters), model.explained(potential, parameters)
            RAP(core, dtype=dtype).attribute(seen, target)

        explain(places[:2])  # warm
        base, one = seconds(15, forward, lambda: explain((0, 60, 30)))
        again, many = seconds(3, forward, lambda: explain(places))
        print(f"| {name} | {1e3 * base:.1f} | {one / base:.1f} | {many / again / len(places):.1f} |", flush=True)


if __name__ == "__main__":
    main()
