"""Errors, coverage and speed of the directivity surrogate: python benchmarks/directivity.py [--minutes 20].

Draws cut-on modes (0 <= m <= 20, 3 <= ka <= 30, |M| <= 0.6) and solves them: 40,000 for tables and for a plain network
from (m, n, eigenvalue, ka, M) to D at 37 angles, trained for the given number of minutes; 3000 others for the errors.
Then times the surrogate, its gradients and the solver in batches of 10,000 in one run.
"""

import argparse
import concurrent.futures
import functools
import multiprocessing
import os
import time

import numpy as np
import torch

from analytic import cut_on_orders, radial_eigenvalue, sweep
from wavenet import far_field
from wavenet.far_field.directivity import LEVELS, relative_error
from wavenet.forward.feed_forward import ForwardConfig, ForwardModel

THETA = np.linspace(0, np.pi, 37)
TAUGHT, SEEN, BATCH = 40_000, 3000, 10_000


def draw(count, seed):
    """m, n, ka, M of random modes that are cut on; seed: or a generator."""
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
    """Inputs of the plain network."""
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


def start(loaded=[]):  # noqa: B006 - one model a process
    """The surrogate in single precision, on one thread, loaded once a process."""
    if not loaded:
        torch.set_num_threads(1)
        loaded.append(far_field.load().float())
    return loaded[0]


def forward(columns):
    """D by the surrogate."""
    arguments = [torch.from_numpy(column) for column in columns]
    with torch.no_grad():
        return start()(*arguments, torch.from_numpy(THETA)).numpy()


def backward(columns):
    """Gradients of the sum of |D|^2 with respect to ka, M and the angles."""
    m, n, helmholtz, mach = (torch.from_numpy(column) for column in columns)
    live = [value.float().requires_grad_() for value in (helmholtz, mach, torch.from_numpy(THETA))]
    start()(m, n, *live).abs().square().sum().backward()
    return [value.grad.numpy() for value in live]


def speeds():
    """Directivities of 37 angles a second, in one process a core: surrogate, its gradients, solver."""
    columns, cores = draw(BATCH, 3), os.cpu_count() or 1
    rates = {}
    with concurrent.futures.ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        for name, function, pieces in (
            ("surrogate", forward, cores),
            ("with gradients in ka, M and the angles", backward, cores),
            ("solver", solved, 4 * cores),  # at its best in smaller pieces
        ):
            parts = [[column[part] for column in columns] for part in np.array_split(np.arange(BATCH), pieces)]
            run = functools.partial(lambda function, parts: list(pool.map(function, parts)), function, parts)
            run()
            rates[name] = BATCH / seconds(run)
    return rates


def main(argv=None):
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="training of the plain network")
    options = parser.parse_args(argv)
    model = far_field.load()
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
            bars = {c: [model.error_bar(*case, c) for case in zip(*seen[2:], strict=True)] for c in LEVELS}
            inside = {coverage: float(np.mean(errors <= of)) for coverage, of in bars.items()}
    print("\ncoverage of the surrogate's error bars, stated: found", {k: round(v, 3) for k, v in inside.items()})
    rates = speeds()
    print(f"\nDirectivities of 37 angles a second, {BATCH} at once, {os.cpu_count()} processes, surrogate in float32:")
    for name, rate in rates.items():
        print(f"{name:42} {rate:9.0f}   {rate / rates['solver']:6.1f} x solver")


if __name__ == "__main__":
    main()
