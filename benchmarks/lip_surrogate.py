"""The correction network of thick walls: errors on unseen solutions, learning curves, coverage, power, cost and speed.

    python benchmarks/lip_surrogate.py --train TRAIN.h5 --test TEST.h5
        [--counts 25,50,100,200,400,800] [--seeds 3]

Both are dataset files of the task lip, of different seeds, such as

    wavenet generate lip --cases 1600 -o TRAIN.h5
    wavenet generate lip --cases 300 --seed 2 -o TEST.h5

All their cases within the range count, whatever their split. Those that teach are drawn anew for each seed. Errors of R
are those of the row of an incident mode, in power amplitudes; errors of D are relative, over the sphere. The network
taught without the exact solution is the same one, base 0 (`wavenet.lips.parts`).
"""

import argparse
import itertools
import time

import numpy as np
import torch
from torch import Tensor

from data.elements import Lip, solve_lip
from data.layout import SPLITS
from data.read import read
from wavenet.far_field.error_bars import LEVELS
from wavenet.lips import learning, parts
from wavenet.lips.ducts import Ducts, gauss
from wavenet.lips.network import LipNetwork, Prediction
from wavenet.networks.lip import ducts_of
from wavenet.study.lip_learner import mode_errors
from wavenet.study.lips import load_network, thin_ducts

Solved = tuple[Ducts, Tensor, Tensor]
TIMED = 60  # solutions by finite elements that are timed
SPEED = 200  # solutions of the network that is timed besides the shipped one
ANGLES = 32  # Gauss's nodes: D is resolved up to the highest K
BATCHES = 12  # copies of the unseen ducts, a little different each, that are predicted at once


def solutions(path: str) -> Solved:
    """Ducts, reflections and directivities of all cases of a file that are within its range."""
    file = read(path, task="lip")
    inside = np.flatnonzero(file["split"] < len(SPLITS))
    names = [name for name in file.arrays if len(file[name]) == len(file)]
    every = [{name: file[name][case] for name in names} for case in inside]
    return ducts_of(every, file["angle"])


def some(solved: Solved, index: Tensor) -> Solved:
    """Some of the solutions."""
    ducts, reflection, directivity = solved
    return ducts.of(index), reflection[index], directivity[index]


def errors(found: Prediction, solved: Solved) -> tuple[Tensor, Tensor]:
    """Errors of R and D: (mode,) each."""
    ducts, reflection, directivity = solved
    of_reflection, of_directivity = mode_errors(ducts, found, reflection, directivity)
    return of_reflection[ducts.live], of_directivity[ducts.live]


def row(values: Tensor) -> str:
    """Median and 95th percentile."""
    return f"{values.median():.1e} / {values.quantile(0.95):.1e}"


def thin(solved: Solved) -> Prediction:
    """The exact solutions of the thin walls, as predictions."""
    ducts = solved[0]
    zero = torch.zeros(ducts.live.shape)
    return Prediction(parts.potentials(ducts, ducts.reflection), ducts.directivity, zero, zero)


def report(name: str, model: LipNetwork, test: Solved) -> tuple[float, float]:
    """Print errors and coverage of a network; their medians."""
    with torch.no_grad():
        found = model(test[0])
    r, d = errors(found, test)
    text = f"{name}: R {row(r)}, D {row(d)}"
    live, covered = test[0].live, []
    for level in LEVELS:
        try:
            bars = model.error_bar(found, level)
        except ValueError:
            continue
        shares = [float((e <= bar[live]).double().mean()) for e, bar in zip((r, d), bars, strict=True)]
        covered.append(f"{level:.0%}: {shares[0]:.1%} {shares[1]:.1%}")
    print(f"{text}; coverage of R, D {', '.join(covered)}", flush=True)
    return float(r.median()), float(d.median())


def curves(train: Solved, test: Solved, counts: list[int], seeds: int) -> None:
    """Learning curves with and without the exact solution."""
    total, medians = len(train[0]), {}
    for count in counts:
        for exact in (True, False):
            found = []
            for seed in range(seeds if count <= total // 2 else 1):  # more would mostly be the same solutions
                index = torch.from_numpy(np.random.default_rng([seed, count]).permutation(total)[:count])
                started = time.perf_counter()
                model = learning.fit(*some(train, index), seed=seed, exact=exact)
                seconds = time.perf_counter() - started
                name = (
                    f"{count} solutions, {'with' if exact else 'without'} the exact one, seed {seed} ({seconds:.0f} s)"
                )
                found.append(report(name, model, test))
                if count == SPEED and exact and seed == 0:
                    speed(f"the network of {count} solutions", model, test)
            medians[count, exact] = np.array(found)
    print("\nsolutions | R with, smallest ... largest | without | D with | without")
    for count in counts:
        cells = []
        for side in (0, 1):
            for exact in (True, False):
                values = medians[count, exact][:, side]
                cells.append(f"{np.median(values):.1e} ({values.min():.1e} ... {values.max():.1e})")
        print(f"{count} | {' | '.join(cells)}", flush=True)


def by_range(model: LipNetwork, test: Solved) -> None:
    """Median errors of R and D in parts of the range."""
    ducts = test[0]
    with torch.no_grad():
        r, d = errors(model(ducts), test)
    live = ducts.live
    columns = {
        "m": (ducts.m.double(), (0, 3, 6, 9)),
        "K": (ducts.k, (0, 4, 8, 12, 17)),
        "thickness": (ducts.thickness, (0, 0.1, 0.2, 0.31)),
        "length / thickness": (ducts.parameters[:, 4], (0, 0.1, 0.6)),
    }
    for name, (values, edges) in columns.items():
        each = values[:, None].expand(live.shape)[live]
        for low, high in itertools.pairwise(edges):
            chosen = (each >= low) & (each < high)
            print(f"  {name} {low} ... {high}: R {row(r[chosen])}, D {row(d[chosen])}, {int(chosen.sum())} modes")


def speed(name: str, model: LipNetwork, test: Solved) -> None:
    """Milliseconds of a prediction with its thin wall, in one batch, and of a solution by finite elements."""
    ducts = test[0]
    m, k, t = ducts.m.numpy(), ducts.k.numpy(), ducts.thickness.tolist()
    lips = [Lip.flat(a) if b == 0 else Lip.elliptic(a, b) for a, b in zip(t, ducts.length.tolist(), strict=True)]
    theta, weight = gauss(ANGLES)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        many = np.concatenate([k * (1 + 1e-4 * number) for number in range(BATCHES)])
        given = thin_ducts(np.tile(m, BATCHES), many, np.zeros(len(many)), lips * BATCHES, theta, weight)
        middle = time.perf_counter()
        with torch.no_grad():
            model(given)
        seconds.append((middle - started, time.perf_counter() - middle))
    exact, learned = np.min(seconds, axis=0) / len(given)
    elements = []
    for case in np.random.default_rng(0).permutation(len(m))[:TIMED]:
        started = time.perf_counter()
        solve_lip(int(m[case]), float(k[case]), lips[case]).directivity(theta)
        elements.append(time.perf_counter() - started)
    print(
        f"{name}, a duct with all its modes at {len(theta)} angles, of {len(given)} at once: thin wall "
        f"{1e3 * exact:.2f} ms, correction {1e3 * learned:.2f} ms; finite elements {1e3 * np.mean(elements):.0f} ms, "
        f"{np.mean(elements) / (exact + learned):.0f} times as long"
    )


def balance(model: LipNetwork, test: Solved) -> None:
    """Residuals of power and reciprocity."""
    ducts = test[0]
    with torch.no_grad():
        found = model(ducts)
    matrix = parts.powers(ducts, found.reflection)
    radiated = ducts.k[:, None] * (found.directivity.abs().square() @ ducts.weight) / ducts.amplitude**2
    residual = 1 - matrix.abs().square().sum(dim=2) - radiated
    print(
        f"largest residual of power {residual[ducts.live].abs().max():.1e}, of reciprocity "
        f"{(matrix - matrix.transpose(1, 2)).abs().max():.1e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="dataset file of the task lip that teaches")
    parser.add_argument("--test", required=True, help="dataset file of another seed")
    parser.add_argument("--counts", default="25,50,100,200,400,800", help="numbers of solutions of the learning curves")
    parser.add_argument("--seeds", type=int, default=3, help="repetitions, for up to half of the file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, test = solutions(options.train), solutions(options.test)
    print(f"{len(test[0])} unseen solutions, {int(test[0].live.sum())} modes; thin wall: ", end="")
    print(", ".join(f"{name} {row(values)}" for name, values in zip("RD", errors(thin(test), test), strict=True)))
    shipped = load_network()
    report(f"the shipped network, of {shipped.config.solutions} solutions", shipped, test)
    by_range(shipped, test)
    balance(shipped, test)
    speed("the shipped network", shipped, test)
    curves(train, test, [int(count) for count in options.counts.split(",") if count], options.seeds)


if __name__ == "__main__":
    main()
