"""Pressure of jets' modes near the open end, by the surrogate and by the solver.

    python benchmarks/jet_near.py [--run FOLDER] [--jets 150] [--gradients 20]

Jets are drawn as in `benchmarks/jet_surrogate.py`, one mode of each; of each mode the pressures at 24 random positions
outside the jet in three ranges of distance from the lip, as far as the wall of the duct behind it, and at least 20
degrees from the jet's edge.
"""

import argparse
import time

import numpy as np
import torch
from jet_surrogate import MODES, arguments, draw, row, usable

from analytic import ConvergenceError, DuctMode, Jet, solve
from wavenet.jets.error_bars import LEVELS, bands
from wavenet.jets.near import CLOSEST, FARTHEST
from wavenet.jets.network import JetNetwork
from wavenet.study.jets import load_network

RANGES = (CLOSEST, 1.2), (1.2, 10.0), (10.0, FARTHEST)  # of the distance from the lip [radii]
POSITIONS = 24
THETA = np.linspace(0, np.pi, 36)
STEP = 3e-5  # of central differences, over the parameter


def exact(mode: np.ndarray, x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Pressures of the solver at x, r (range, position) and D over the arc, in one row."""
    m, n, ka, mach, mach_outer, speed, density, kutta, hub = mode.tolist()
    jet = Jet(mach_outer, speed, density, kutta=kutta, instability=False)
    found = solve(DuctMode(int(m), int(n), ka, mach=mach, hub=hub), jet=jet)
    return np.concatenate(
        [*(found.at(*places).pressure for places in zip(x, r, strict=True)), found.directivity(THETA)]
    )


def learned(model: JetNetwork, modes: np.ndarray, x: np.ndarray, r: np.ndarray) -> torch.Tensor:
    """Pressures (case, position) of the surrogate."""
    first, streams = arguments(modes)
    tensors = {name: torch.from_numpy(one) for name, one in streams.items()}
    return model.pressure(*map(torch.from_numpy, first), tensors.pop("mach"), x, r, **tensors)


def places(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """x and r (range, ...)."""
    low, high = (np.array(one).reshape(-1, *[1] * len(shape)) for one in zip(*RANGES, strict=True))
    distance = rng.uniform(low, high, (len(RANGES), *shape))
    angle = np.radians(rng.uniform(20, 180, distance.shape))
    return distance * np.cos(angle), 1 + distance * np.sin(angle)


def accuracy(model: JetNetwork, jets: int, rng: np.random.Generator) -> None:
    """Errors, coverage of the directivity's error bars, refusals, and times."""
    modes = draw(4 * jets, rng)[::MODES]
    modes = modes[usable(model, modes)][:jets]
    errors, patterns, kept, positions, spent, refused = [], [], [], [], 0.0, 0
    for mode in modes:
        x, r = places(rng, (POSITIONS,))
        start = time.process_time()
        try:
            truth = exact(mode, x, r)
        except ConvergenceError:
            continue
        taken = time.process_time() - start
        try:
            with torch.no_grad():
                found = np.concatenate([learned(model, mode[None], *one)[0].numpy() for one in zip(x, r, strict=True)])
        except ValueError:
            refused += 1
            continue
        spent += taken
        positions.append((x, r))
        gap = (found - truth[: x.size]).reshape(x.shape)
        errors.append(np.linalg.norm(gap, axis=1) / np.linalg.norm(truth[: x.size].reshape(x.shape), axis=1))
        first, streams = arguments(mode[None])
        with torch.no_grad():
            pattern = model.directivity(*first, streams.pop("mach"), THETA, **streams)[0].numpy()
        patterns.append(np.linalg.norm(pattern - truth[x.size :]) / np.linalg.norm(truth[x.size :]))
        kept.append(mode)
    all_errors, all_modes = np.array(errors), np.array(kept)
    print(f"{len(all_modes)} modes, one of each jet; {refused} refused; relative L2, median / 95 % / largest")
    print(f"D                          {row(np.array(patterns))}")
    bars = model.bars.numpy()[bands(*all_modes[:, [0, 2, 3, 8]].T)][:, LEVELS.index(0.95)]
    for (low, high), own in zip(RANGES, all_errors.T, strict=True):
        covered = f"within the 95 % bar of D: {np.mean(own <= bars):.1%}"
        print(f"p, {low:4.1f} to {high:4.1f} radii away {row(own)}; {covered}")
    start = time.process_time()
    with torch.no_grad():
        for x, r in np.array(positions).transpose(2, 1, 0, 3):
            learned(model, all_modes, x, r)
    print(
        f"time of the solver over that of the surrogate, all modes at once: {spent / (time.process_time() - start):.1f}"
    )


def gradients(model: JetNetwork, points: int, rng: np.random.Generator) -> None:
    """Derivatives of |p|^2 in all parameters and the position, against central differences, relative L2."""
    modes = draw(20 * points, rng)[::MODES]
    modes = modes[usable(model, modes)]
    found = []
    for mode in modes:
        x, r = (one[1] for one in places(rng, (1,)))
        values = np.concatenate([mode[2:], x, r])
        live = np.array([*(True,) * 6, mode[8] > 0, True, True])  # there is no derivative at a hub of 0
        steps = STEP * (0.1 + np.abs(values)) * live
        if mode[4] < steps[2] or not steps[5] < mode[7] < 1 - steps[5]:
            continue
        power = np.zeros((2, len(values)))
        try:
            for index in np.flatnonzero(live):
                for side, sign in enumerate((1, -1)):
                    moved = values + sign * steps * (np.arange(len(values)) == index)
                    there = [np.array([moved[-2:-1]]), np.array([moved[-1:]])]
                    power[side, index] = abs(exact(np.concatenate([mode[:2], moved[:-2]]), *there)[0]) ** 2
        except ConvergenceError:
            continue
        truth = (power[0] - power[1]) / np.where(live, 2 * steps, 1.0)
        given = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in values]
        names = ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta", "hub")
        streams = dict(zip(names, given[2:7], strict=True))
        try:
            value = model.pressure(int(mode[0]), int(mode[1]), given[0], given[1], given[7], given[8], **streams)
        except ValueError:  # refused
            continue
        value.abs().square().sum().backward()
        own = np.array([0.0 if one.grad is None else one.grad.item() for one in given]) * live
        scale = np.abs(values)  # of each derivative: what a relative change does
        found.append(np.linalg.norm((own - truth) * scale) / np.linalg.norm(truth * scale))
        if len(found) == points:
            break
    print(f"gradients of |p|^2 at {len(found)} points {row(np.array(found))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="folder of a run; by default the shipped network")
    parser.add_argument("--jets", type=int, default=150)
    parser.add_argument("--gradients", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_network(options.run)
    accuracy(model, options.jets, np.random.default_rng(5))
    gradients(model, options.gradients, np.random.default_rng(6))


if __name__ == "__main__":
    main()
