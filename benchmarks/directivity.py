"""The directivity's surrogate: errors, coverage and speed: python benchmarks/directivity.py [--minutes 20].

Draws modes (0 <= m <= 20, all that are cut on, 3 <= ka <= 30, |M| <= 0.6) and solves them: 40,000 for a plain network
from (m, n, eigenvalue, ka, M) to D at 37 angles, trained for so many minutes, and for tables; 3000 others for the
errors. Then times the surrogate, its gradients and the solver in batches of 10,000 in one run.
"""

import argparse
import concurrent.futures
import os
import time

import numpy as np
import torch

from analytic import cut_on_orders, radial_eigenvalue, sweep
from wavenet.checkpoint import SHIPPED, load
from wavenet.directivity import relative_error
from wavenet.forward_model import ForwardConfig, ForwardModel

THETA = np.linspace(0, np.pi, 37)
TAUGHT, SEEN, BATCH = 40_000, 3000, 10_000


def draw(count, seed):
    """m, n, ka, M of random modes that are cut on."""
    rng, found = np.random.default_rng(seed), []
    while len(found) < count:
        m, helmholtz, mach = int(rng.integers(0, 21)), rng.uniform(3, 30), rng.uniform(-0.6, 0.6)
        orders = cut_on_orders(helmholtz, m, mach)
        if orders:
            found.append((m, int(rng.integers(0, orders)), helmholtz, mach))
    return [np.array(column) for column in zip(*found, strict=True)]


def solved(columns):
    """D (case, angle) by the solver."""
    m, n, helmholtz, mach = columns
    return sweep(m, n, helmholtz, THETA, mach=mach).directivity


def inputs(columns):
    """What the plain network sees."""
    m, n, helmholtz, mach = columns
    alpha = [radial_eigenvalue(int(a), int(b)) for a, b in zip(m, n, strict=True)]
    return torch.from_numpy(np.stack([m, n, alpha, helmholtz, mach], axis=1)).float()


def plain(columns, exact, minutes):
    """The paper-style network, trained on D; a function of columns."""
    torch.manual_seed(0)
    seen = inputs(columns)
    low, high = (tuple(getattr(seen, name)(dim=0).values.tolist()) for name in ("min", "max"))
    net = ForwardModel(ForwardConfig(tuple(THETA), tuple(THETA), low, high, 1.0, width=512, depth=5))
    features = net.features(seen)
    target = torch.from_numpy(np.concatenate([exact.real, exact.imag], axis=1)).float()
    size = target.square().sum(dim=1, keepdim=True).sqrt()
    started, steps = time.perf_counter(), 0
    optimizer = torch.optim.Adam(net.core.parameters(), 1e-3)
    while (spent := (time.perf_counter() - started) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * 0.5 * (1 + np.cos(np.pi * spent))
        chosen = torch.randint(len(seen), (256,))
        loss = ((net.core(features[chosen]) - target[chosen]) / size[chosen]).square().sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += 1

    def method(columns):
        with torch.no_grad():
            out = net.core(net.features(inputs(columns))).numpy()
        return out[:, : len(THETA)] + 1j * out[:, len(THETA) :]

    print(f"plain network: {steps} steps", flush=True)
    return method


def tables(columns, exact):
    """Nearest case of the same mode, and linear interpolation between the two nearest in K."""
    m, n, helmholtz, mach = columns
    k = helmholtz / np.sqrt(1 - mach**2)
    of_mode = {}
    for key in set(zip(m.tolist(), n.tolist(), strict=True)):
        chosen = np.flatnonzero((m == key[0]) & (n == key[1]))
        of_mode[key] = chosen[np.argsort(k[chosen])]

    def look(columns, nearest):
        result = np.zeros((len(columns[0]), len(THETA)), complex)
        for row, (a, b, ka, flow) in enumerate(zip(*columns, strict=True)):
            known, at = of_mode.get((int(a), int(b)), []), ka / np.sqrt(1 - flow**2)
            if len(known) < 2:
                continue
            right = int(np.clip(np.searchsorted(k[known], at), 1, len(known) - 1))
            pair = known[right - 1 : right + 1]
            share = np.clip((at - k[pair[0]]) / (k[pair[1]] - k[pair[0]]), 0, 1)
            share = round(share) if nearest else share
            result[row] = (1 - share) * exact[pair[0]] + share * exact[pair[1]]
        return result

    return {
        "nearest case of the mode in K": lambda columns: look(columns, True),
        "linear interpolation in K": lambda columns: look(columns, False),
    }


def seconds(function, repeats=5):
    """Best of some runs."""
    best = np.inf
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - started)
    return best


def speeds(model):
    """Directivities of 37 angles a second: surrogate, with gradients, solver in as many processes as cores."""
    columns, cores = draw(BATCH, 3), os.cpu_count() or 1
    arguments = [torch.from_numpy(column) for column in columns]
    arguments = [value.float() if value.is_floating_point() else value for value in arguments]
    theta = torch.from_numpy(THETA).float()

    def forward():
        with torch.no_grad():
            model(*arguments, theta)

    def backward():
        live = [value.clone().requires_grad_() for value in (arguments[2], arguments[3])]
        angles = theta.clone().requires_grad_()
        model(arguments[0], arguments[1], *live, angles).abs().square().sum().backward()

    parts = [[column[part] for column in columns] for part in np.array_split(np.arange(BATCH), 4 * cores)]
    times = {"surrogate": seconds(forward), "with gradients in ka, M and the angles": seconds(backward)}
    with concurrent.futures.ProcessPoolExecutor(cores) as pool:
        list(pool.map(solved, parts))
        times["solver"] = seconds(lambda: list(pool.map(solved, parts)), 2)
    return {name: BATCH / value for name, value in times.items()}


def main(argv=None):
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="training of the plain network")
    options = parser.parse_args(argv)
    model = load(SHIPPED["factor"], task="factor")[1]
    taught, seen = draw(TAUGHT, 1), draw(SEEN, 2)
    known, exact = solved(taught), solved(seen)
    methods = {
        "surrogate": lambda columns: model(*map(torch.from_numpy, columns), torch.from_numpy(THETA)).numpy(),
        "plain network": plain(taught, known, options.minutes),
        **tables(taught, known),
    }
    print(
        "\n| | median | 95 % | 99 % | largest | level within 20 dB of the peak, 95 % [dB] |", "|---" * 6 + "|", sep="\n"
    )
    loud = np.abs(exact) > 0.1 * np.abs(exact).max(axis=1, keepdims=True)
    for name, method in methods.items():
        with torch.no_grad():
            found = method(seen)
        errors = relative_error(found, exact)
        level = 20 * np.abs(np.log10(np.maximum(np.abs(found[loud]), 1e-30) / np.abs(exact[loud])))
        cells = [f"{value:.1e}" for value in (np.median(errors), *np.percentile(errors, [95, 99]), errors.max())]
        print(f"| {name} | {' | '.join(cells)} | {np.percentile(level, 95):.4f} |", flush=True)
        if name == "surrogate":
            inside = {level: float(np.mean(errors <= model.error_bar(level))) for level in (0.5, 0.9, 0.95, 0.99)}
    print("\ncoverage of the surrogate's error bars, stated: found", {k: round(v, 3) for k, v in inside.items()})
    rates = speeds(model.float())
    print(f"\n{os.cpu_count()} cores, directivities of 37 angles a second, in batches of {BATCH}, single precision:")
    for name, rate in rates.items():
        print(f"{name:42} {rate:9.0f}   {rate / rates['solver']:6.1f} x solver")


if __name__ == "__main__":
    main()
