"""Mach number and temperature of jets from 40 noisy microphones: errors, coverage, time, and the solver's.

    python benchmarks/jet_inversion.py [--run FOLDER] [--trials 200] [--solved 10] [--ka 5 15] [--snapshots 1]

Trials: 2 to 5 modes, drawn from those that are cut on, each sign of m, with complex normal amplitudes; ka 5 ... 15, M
0.12 ... 0.6, T 0.8 ... 3.6 times that outside, at rest; jets that the network takes. 40 microphones far away at random
angles 30 ... 150 degrees from the axis and any phi; complex normal noise 20 dB below the pressures' root mean square,
of a mean over snapshots if there are several. The data are the solver's, from its sweep. No other trial is left out.
"Noise alone" is the share that errors within the bounds would have if they were normal with the widths of the
intervals: what 40 microphones tell at 20 dB, whatever the method.
"""

import argparse
import time
from typing import NamedTuple

import numpy as np
import torch
from scipy import stats

from analytic import cut_on_orders, sweep
from wavenet.jets.network import JetNetwork
from wavenet.study.jet_inversion import FittedJet, fit, intervals
from wavenet.study.jet_patterns import FarArray, LearnedPatterns, Patterns, SolvedPatterns, stream
from wavenet.study.jets import load_network

MICROPHONES = 40
NOISE = 10 ** (-20 / 20)
LEVELS = (0.5, 0.8, 0.9, 0.95)
WANTED = 0.01, 0.03  # of M, and of T over T


class Trial(NamedTuple):
    """A jet, its modes and what is measured of them."""

    mach: float
    temperature: float
    ka: float
    array: FarArray
    pressure: np.ndarray


def draw(rng: np.random.Generator, model: JetNetwork, span: tuple[float, float], snapshots: int) -> Trial:
    """A trial with ka in a range."""
    while True:
        ka, mach, temperature = rng.uniform(*span), rng.uniform(0.12, 0.6), rng.uniform(0.8, 3.6)
        every = [(m, n) for m in range(21) for n in range(cut_on_orders(ka, m, mach))]
        signed = sorted({(sign * m, n) for m, n in every for sign in (-1, 1)})
        count = int(rng.integers(2, 6))
        if len(signed) < count:
            continue
        modes = [signed[index] for index in rng.choice(len(signed), count, replace=False)]
        theta, phi = np.radians(rng.uniform(30, 150, MICROPHONES)), rng.uniform(0, 2 * np.pi, MICROPHONES)
        array = FarArray(tuple(modes), theta, phi, ka * np.sqrt(temperature))
        if not LearnedPatterns(model, [array]).usable(np.array([0]), np.array([mach]), np.array([temperature]))[0]:
            continue
        m, n = np.array(modes).T
        outer = stream(array.helmholtz, 0.0, temperature)
        own = sweep(np.abs(m), n, outer.pop("helmholtz"), theta, mach=mach, **outer, errors="record")
        if not np.all(own.valid):
            continue
        amplitude = rng.normal(size=(count, 2)) @ [1, 1j]
        pressure = amplitude @ (own.directivity * np.exp(1j * np.outer(m, phi)))
        noise = NOISE * np.sqrt(np.mean(np.abs(pressure) ** 2) / 2 / snapshots)
        pressure = pressure + noise * (rng.normal(size=(MICROPHONES, 2)) @ [1, 1j])
        return Trial(mach, temperature, ka, array, pressure)


def errors(trial: Trial, found: FittedJet) -> np.ndarray:
    """Errors of M and of T over T."""
    return np.array([found.mach - trial.mach, found.temperature / trial.temperature - 1])


def timed(patterns: Patterns, trials: list[Trial]) -> tuple[list[FittedJet], float]:
    """Fits, and their CPU time [s] per trial."""
    started = time.process_time()
    found = fit(patterns, np.array([trial.pressure for trial in trials]))
    return found, (time.process_time() - started) / len(trials)


def accuracy(trials: list[Trial], found: list[FittedJet], missed: np.ndarray) -> None:
    """Shares within the wanted bounds, and sizes of errors; missed : (trial, 2), see `errors`."""
    good = np.all(np.abs(missed) <= WANTED, axis=1)
    print(f"{len(trials)} trials: M to {WANTED[0]} and T to {WANTED[1]:.0%} in {np.mean(good):.1%}")
    for name, column in (("M, absolute", 0), ("T, relative", 1)):
        size = np.abs(missed[:, column])
        share, worst = np.mean(size <= WANTED[column]), size.max()
        row = f"{np.median(size):.1e}, {np.percentile(size, 95):.1e}, {worst:.1e}"
        print(f"{name:12} {share:.1%}; median, 95 %, largest {row}")
    widths = np.array([one.half_width / [1, trial.temperature] for trial, one in zip(trials, found, strict=True)])
    spread = widths / stats.norm.ppf(0.975)
    likely = 2 * stats.norm.cdf(np.array(WANTED) / spread) - 1
    print(f"noise alone: M in {np.mean(likely[:, 0]):.1%}, T in {np.mean(likely[:, 1]):.1%}")
    sharp = np.all(widths <= WANTED, axis=1)
    print(f"of {sharp.sum()} trials with 95 % intervals within the bounds {np.mean(good[sharp]):.1%}")
    counts = np.array([len(trial.array.modes) for trial in trials])
    ka = np.array([trial.ka for trial in trials])
    for count in range(2, 6):
        print(f"{count} modes: {np.mean(good[counts == count]):.1%} of {np.sum(counts == count)}")
    for part in np.array_split(np.argsort(ka), 4):
        print(f"ka {ka[part].min():.1f} ... {ka[part].max():.1f}: {np.mean(good[part]):.1%}")
    for level in LEVELS:
        share = stats.norm.ppf((1 + level) / 2)
        inside = np.mean(np.abs(missed) <= share * spread, axis=0)
        print(f"coverage {level:.0%}, intervals from the Jacobian: M {inside[0]:.1%}, T {inside[1]:.1%}")
    far = np.any(np.abs(missed) > 3 * widths, axis=1)
    print(f"errors beyond three half widths, another minimum: {far.sum()}")


def coverage(patterns: Patterns, trials: list[Trial], found: list[FittedJet]) -> None:
    """Coverage of the intervals from the likelihood."""
    truth = np.array([[trial.mach, trial.temperature] for trial in trials])
    pressures = np.array([trial.pressure for trial in trials])
    for level in LEVELS[1:]:
        started = time.process_time()
        ends = intervals(patterns, pressures, found, coverage=level)
        seconds = (time.process_time() - started) / len(trials)
        inside = np.mean((ends[..., 0] <= truth) & (truth <= ends[..., 1]), axis=0)
        print(
            f"coverage {level:.0%}, from the likelihood: M {inside[0]:.1%}, T {inside[1]:.1%}; {seconds:.2f} s a trial"
        )


def main(argv: list[str] | None = None) -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", default=None, help="folder of a run [the shipped network]")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--solved", type=int, default=10, help="of them, also by the solver")
    parser.add_argument("--ka", type=float, nargs=2, default=(5.0, 15.0))
    parser.add_argument("--snapshots", type=int, default=1)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    model, rng = load_network(options.run), np.random.default_rng(1)
    trials = [draw(rng, model, options.ka, options.snapshots) for _ in range(options.trials)]
    patterns = LearnedPatterns(model, [trial.array for trial in trials])
    found, seconds = timed(patterns, trials)
    accuracy(trials, found, np.array([errors(*pair) for pair in zip(trials, found, strict=True)]))
    coverage(patterns, trials, found)
    some = trials[: options.solved]
    if some:
        exact, of_solver = timed(SolvedPatterns([trial.array for trial in some]), some)
        alone = [timed(LearnedPatterns(model, [trial.array]), [trial])[1] for trial in some]
        pairs = zip(found, exact, strict=False)
        apart = [abs(np.array([a.mach - b.mach, a.temperature - b.temperature])) / b.half_width for a, b in pairs]
        size = f"{np.median(apart):.1e}, largest {np.max(apart):.1e}"
        print(f"from the solver's fit, {len(some)} trials, over its half widths: median {size}")
        print(f"CPU time a trial: {seconds:.3f} s together, {np.median(alone):.2f} s alone; solver {of_solver:.2f} s")
        print(f"solver over surrogate: {of_solver / seconds:.1f} together, {of_solver / np.median(alone):.1f} alone")


if __name__ == "__main__":
    main()
