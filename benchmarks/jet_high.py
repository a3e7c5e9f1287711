"""The surrogate of jets of the high domain: how it is trained, and its errors against the solver.

    python benchmarks/jet_high.py [--run FOLDER] [--jets 1000]
    python benchmarks/jet_high.py --train FOLDER [--jets 36000]

Jets are drawn from the box of benchmarks/jet_surrogate.py; half have hubs, which this network does not know. In the
high domain M k / (1 - M^2) is at least right - (right - left) / 4, with the branch points of the fluid outside.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from jet_surrogate import compared, draw, exact, learned, row, usable

from analytic.sheet import Sheet
from analytic.sheet_factors import factorise_many
from wavenet import runs
from wavenet.jets import load, load_high
from wavenet.jets.error_bars import LEVELS
from wavenet.jets.high_learning import fit, points, values
from wavenet.jets.high_network import HighNetwork
from wavenet.networks.jet import HIGH

TOGETHER = 24  # jets factorised at a time
ACCURACY = 1e-6  # of the factors
SEED = 21


def jets(count: int, rng: np.random.Generator) -> np.ndarray:
    """Parameters (case, 7) of jets of the high domain, and a few beside it, of which a mode is cut on; by m."""
    found: list[np.ndarray] = []
    while len(found) < count:
        for case in draw(count, rng)[::3]:
            m, _, ka, mach, outer, speed, density, _, hub = case
            left, right = -ka / speed / (1 + outer), ka / speed / (1 - outer)
            if hub == 0 and mach * ka / (1 - mach**2) > right - 0.27 * (right - left):
                found.append(np.array([m, ka, mach, outer, speed, density, 0.0]))
    some = np.array(found[:count])
    return some[np.argsort(some[:, 0], kind="stable")]


def factors(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """K_minus and K_plus at the windows' points, (case, point) complex, and which are accurate."""
    s = points(parameters)
    found = [np.full(one.shape, np.nan + 0j) for one in s]
    good = np.zeros(len(parameters), bool)
    for m in np.unique(parameters[:, 0]):
        own = np.flatnonzero(parameters[:, 0] == m)
        for start in range(0, len(own), TOGETHER):
            some = own[start : start + TOGETHER]
            parts, _ = factorise_many([Sheet(int(m), *map(float, parameters[case, 1:6])) for case in some])
            for numbers, both in parts:
                mine = some[numbers]
                (found[0][mine], first), (found[1][mine], second) = (
                    both.minus(s[0][mine] + 0j),
                    both.plus(s[1][mine] + 0j),
                )
                good[mine] = np.maximum(first.max(axis=1), second.max(axis=1)) < ACCURACY
    return found[0], found[1], good


def train(folder: str, count: int) -> None:
    """Draw jets, factorise them, train and write a run."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    parameters = jets(count, np.random.default_rng(SEED))
    minus, plus, good = factors(parameters)
    targets = values(parameters[good], minus[good], plus[good])
    print(
        f"{good.sum()} of {count} jets factorised, {torch.isfinite(targets).all(1).all(1).all(1).sum()} to learn from"
    )
    print(f"{time.process_time() - started:.0f} s of a core")
    model = fit(torch.from_numpy(parameters[good]), targets, SEED)
    runs.save(folder, HIGH, model, {"made by": "benchmarks/jet_high.py", "jets": count, "seed": SEED})
    print(f"{time.process_time() - started:.0f} s of a core")


def accuracy(model: HighNetwork, count: int, rng: np.random.Generator) -> None:
    """Shares of the box, and errors on new modes."""
    low = load()
    modes = draw(count, rng)
    shares = [np.mean(usable(one, modes)) for one in (low, model)]
    print(f"share of the box by the low domain's network {shares[0]:.3f}, by this {shares[1]:.3f}")
    modes = modes[usable(model, modes)]
    while len(modes) < 3 * count:
        more = draw(count, rng)
        modes = np.concatenate([modes, more[usable(model, more)]])
    modes, errors, reflections, levels, bars = compared(model, modes[: 3 * count])
    print(f"{len(modes)} modes, median / 95 % / largest")
    print(f"D, relative L2   {row(errors)}")
    print(f"R, absolute      {row(reflections)}")
    print(f"level [dB]       {row(levels)}")
    for bar, level in zip(bars.T, LEVELS, strict=True):
        known = np.isfinite(bar)
        print(f"coverage {level:.0%}: {np.mean(errors[known] <= bar[known]):.3f}")
    for low_m, high_m in ((0, 6), (7, 13), (14, 20)):
        some = (modes[:, 0] >= low_m) & (modes[:, 0] <= high_m)
        print(f"D, m = {low_m} ... {high_m}: {row(errors[some])}")


def speed(model: HighNetwork, rng: np.random.Generator, batch: int = 2000, solved: int = 200) -> None:
    """Modes per second of one core, each of a jet of its own, and those of the solver's sweep."""
    modes = draw(3 * batch, rng)[::3]
    modes = modes[usable(model, modes)]
    modes = np.concatenate([modes] * (batch // len(modes) + 1))[:batch]
    started = time.process_time()
    exact(modes[:solved])
    sweep = solved / (time.process_time() - started)
    with torch.no_grad():
        started = time.process_time()
        learned(model, modes)
        rate = batch / (time.process_time() - started)
    print(f"surrogate {rate:.0f} modes/s, solver's sweep {sweep:.0f}, ratio {rate / sweep:.1f}")


def main() -> None:
    """Print the figures, or train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run")
    parser.add_argument("--train")
    parser.add_argument("--jets", type=int)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.train:
        train(options.train, options.jets or 36_000)
        return
    model, rng = load_high(options.run), np.random.default_rng(7)
    accuracy(model, options.jets or 1000, rng)
    speed(model, rng)


if __name__ == "__main__":
    main()
