"""The surrogate of jets against the solver: errors, coverage, refusals, gradients, speed.

    python benchmarks/jet_surrogate.py [--run FOLDER] [--jets 1100] [--points 200] [--old CHECKOUT]

Jets are drawn anew from 0 <= m <= 20, 0.5 <= ka <= 20, 0.1 <= M <= 0.9, 0 <= M_2 <= 0.3, 0.5 <= C <= 1.2, D from
0.5 / C^2 to 2 / C^2, and hubs, one half of which are 0, the others 0.2 ... 0.7; of each, three of its cut-on modes and
Kutta parameters. Those that the network refuses are counted: `wavenet.study.jets.or_solve` leaves them to the solver.
"""

import argparse
import json
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
import torch

from analytic import cut_on_orders, sweep
from wavenet.jets.error_bars import LEVELS, bands
from wavenet.jets.network import JetNetwork
from wavenet.study.errors import level_errors
from wavenet.study.jets import load_network

THETA = np.linspace(0, np.pi, 36)
OUTER = ("mach_outer", "sound_speed_ratio", "density_ratio")
NAMES = ("m", "n", "helmholtz", "mach", *OUTER, "kutta", "hub")
MODES = 3  # of each jet
STEP = 3e-5  # of central differences, over the parameter


def draw(count: int, rng: np.random.Generator) -> np.ndarray:
    """Modes (count * MODES, parameter in the order of NAMES)."""
    rows: list[tuple[float, ...]] = []
    while len(rows) < count * MODES:
        m, ka, mach = int(rng.integers(0, 21)), rng.uniform(0.5, 20), rng.uniform(0.1, 0.9)
        speed = rng.uniform(0.5, 1.2)
        outer = rng.uniform(0, 0.3), speed, 2 ** rng.uniform(-1, 1) / speed**2
        hub = rng.uniform(0.2, 0.7) if rng.uniform() < 0.5 else 0.0
        cut_on = cut_on_orders(ka, m, mach, hub=hub)
        if cut_on:
            rows += [(m, rng.integers(cut_on), ka, mach, *outer, rng.uniform(), hub) for _ in range(MODES)]
    return np.array(rows)


def arguments(modes: np.ndarray) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Positional and named parameters of the surrogate and the solver."""
    columns = dict(zip(NAMES, modes.T, strict=True))
    first = [columns["m"].astype(int), columns["n"].astype(int), columns["helmholtz"]]
    return first, {name: columns[name] for name in ("mach", *OUTER, "kutta", "hub")}


def exact(modes: np.ndarray, theta: np.ndarray = THETA) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """D (case, angle) and R (case,) of the solver, and which converged."""
    first, streams = arguments(modes)
    found = sweep(*first, theta, **streams, errors="record")
    return found.directivity, found.reflection, found.valid


def learned(model: JetNetwork, modes: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """D (case, angle) and R (case, order) of the surrogate."""
    first, streams = arguments(modes)
    tensors = {name: torch.from_numpy(one) for name, one in streams.items()}
    mach = tensors.pop("mach")
    return model.fields(*map(torch.from_numpy, first), mach, torch.from_numpy(THETA), **tensors)


def usable(model: JetNetwork, modes: np.ndarray) -> np.ndarray:
    """Which modes the surrogate takes."""
    return model.usable(torch.from_numpy(modes[:, 0]).int(), torch.from_numpy(modes[:, 1]).int(), *modes.T[2:])


def row(values: np.ndarray) -> str:
    """Median, 95th percentile and largest."""
    return f"{np.median(values):.1e} / {np.percentile(values, 95):.1e} / {np.max(values):.1e}"


class Compared(NamedTuple):
    """Modes (mode, 9) that the solver finished, errors of D and R (mode,), of levels, and bars (mode, coverage)."""

    modes: np.ndarray
    errors: np.ndarray
    reflections: np.ndarray
    levels: np.ndarray
    bars: np.ndarray


def compared(model: JetNetwork, modes: np.ndarray) -> Compared:
    """Modes by the surrogate and by the solver."""
    directivity, reflection, valid = exact(modes)
    modes, directivity, reflection = modes[valid], directivity[valid], reflection[valid]
    with torch.no_grad():
        found, matrix = (one.numpy() for one in learned(model, modes))
    errors = np.linalg.norm(found - directivity, axis=1) / np.linalg.norm(directivity, axis=1)
    own = np.take_along_axis(matrix, modes[:, 1:2].astype(int), axis=1)[:, 0]
    pairs = [np.stack([one.real, one.imag], axis=-1) for one in (found, directivity)]
    bars = model.bars.numpy()[bands(modes[:, 0], modes[:, 2], modes[:, 3], modes[:, 8])]
    return Compared(modes, errors, np.abs(own - reflection), level_errors(*pairs), bars)


def accuracy(model: JetNetwork, jets: int, rng: np.random.Generator) -> None:
    """Errors on new modes that the surrogate takes, and its share."""
    parts, drawn, taken = [], 0, 0
    while taken < jets * MODES:
        modes = draw(jets, rng)
        good = usable(model, modes)
        drawn, taken = drawn + len(modes), taken + int(good.sum())
        parts.append(modes[good])
    modes = np.concatenate(parts)
    print(f"share of the box that the network takes: {taken / drawn:.3f}, left to the solver: {1 - taken / drawn:.3f}")
    modes, errors, reflections, levels, bars = compared(model, modes[: jets * MODES])
    print(f"{len(modes)} modes of {len(modes) // MODES} jets, median / 95 % / largest")
    print(f"D, relative L2   {row(errors)}")
    for name, chosen in (("without a hub", modes[:, 8] == 0), ("with a hub", modes[:, 8] > 0)):
        print(f"  {name:14} {row(errors[chosen])}")
    leave = modes[:, 0] < 14
    print(f"  m < 14         {row(errors[leave])}")
    print(f"  m >= 14        {row(errors[~leave])}")
    print(f"R, absolute      {row(reflections)}")
    print(f"level [dB]       {row(levels)}")
    for bar, level in zip(bars.T, LEVELS, strict=True):
        known = np.isfinite(bar)
        inside, high = errors[known] <= bar[known], modes[known, 0] >= 14
        print(f"coverage {level:.0%}: {np.mean(inside):.3f}; of m >= 14 {np.mean(inside[high]):.3f}")


def refusals(model: JetNetwork, rng: np.random.Generator) -> None:
    """Modes with one parameter out of range."""
    names = ("m", "helmholtz", "mach", *OUTER, "hub")
    low, high = (dict(zip(names, one, strict=True)) for one in (model.config.low, model.config.high))
    modes = draw(500, rng)[::MODES]
    for case in modes:
        name = str(rng.choice([*OUTER, "helmholtz", "mach", "m", "hub"]))
        value = high[name] * rng.uniform(1.01, 1.5) if rng.uniform() < 0.5 else low[name] - rng.uniform(0.01, 0.05)
        case[NAMES.index(name)] = value if name != "m" else high["m"] + rng.integers(1, 10)
        if name == "density_ratio":  # whose range is that of D C^2
            case[6] /= case[5] ** 2
    print(f"refused of {len(modes)} out of range: {np.mean(~usable(model, modes)):.3f}")


def gradients(model: JetNetwork, points: int, rng: np.random.Generator) -> None:
    """Derivatives of |D|^2 at one angle in all parameters against central differences of the solver, relative L2."""
    modes = draw(40 * points, rng)[::MODES]
    steps = STEP * (0.1 + np.abs(modes[:, 2:]))
    inside = (modes[:, 4] > steps[:, 2]) & (modes[:, 7] < 1 - steps[:, 5]) & (modes[:, 7] > steps[:, 5])
    steps[:, 6] *= modes[:, 8] > 0  # there is no derivative at a hub of 0, whose field is another
    inside &= usable(model, modes)
    modes, steps = modes[inside][: 2 * points], steps[inside][: 2 * points]
    count, angle = modes.shape[1] - 2, np.array([1.2])
    shifts = np.repeat(modes[:, None], 2 * count, axis=1)
    for index in range(count):
        shifts[:, 2 * index, 2 + index] += steps[:, index]
        shifts[:, 2 * index + 1, 2 + index] -= steps[:, index]
    values, _, valid = exact(shifts.reshape(-1, modes.shape[1]), angle)
    power = (np.abs(values[:, 0]) ** 2).reshape(len(modes), count, 2)
    truth = (power[..., 0] - power[..., 1]) / np.where(steps > 0, 2 * steps, 1.0)
    good = np.flatnonzero(valid.reshape(len(modes), -1).all(axis=1))[:points]
    given = [torch.from_numpy(column.copy()).requires_grad_() for column in modes[good, 2:].T]
    place = [torch.from_numpy(column).int() for column in modes[good, :2].T]
    outer = dict(zip((*OUTER, "kutta", "hub"), given[2:], strict=True))
    found = model.directivity(*place, *given[:2], torch.from_numpy(angle), **outer).abs().square().sum()
    slope = torch.stack(torch.autograd.grad(found, given), dim=1).numpy() * (steps[good] > 0)
    errors = np.linalg.norm(slope - truth[good], axis=1) / np.linalg.norm(truth[good], axis=1)
    print(f"gradients at {len(good)} points against differences of the solver: {row(errors)}")


def speed(model: JetNetwork, rng: np.random.Generator, old: str | None, batch: int = 10_000, solved: int = 400) -> None:
    """Modes per second, each of a jet of its own."""
    modes = draw(3 * batch, rng)[::MODES]
    modes = modes[usable(model, modes)]
    modes = np.concatenate([modes] * (batch // len(modes) + 1))[:batch]
    rates = {}
    learned(model, modes[:300])  # the tables of ducts
    started = time.process_time()
    exact(modes[:solved])
    rates["sweep"] = solved / (time.process_time() - started)
    for name, network in (("surrogate", model), ("surrogate, single precision", model.float())):
        with torch.no_grad():
            started = time.process_time()
            learned(network, modes)
            rates[name] = batch / (time.process_time() - started)
    model.double()
    first, streams = arguments(modes)
    tensors = {name: torch.from_numpy(one).requires_grad_() for name, one in streams.items()}
    ka, mach = torch.from_numpy(first[2]).requires_grad_(), tensors.pop("mach")
    started = time.process_time()
    found, _ = model.fields(*map(torch.from_numpy, first[:2]), ka, mach, torch.from_numpy(THETA), **tensors)
    torch.autograd.grad(found.abs().square().sum(), [ka, mach, *tensors.values()])
    rates["surrogate with gradients"] = batch / (time.process_time() - started)
    if old is not None:
        rates["solve of the old checkout"] = old_rate(old, modes[:20])
    for name, rate in rates.items():
        print(f"{name:28} {rate:8.0f} modes/s of one core, {rate / rates['sweep']:.0f}x")


OLD = """
import json, sys, time
import numpy as np
from analytic import DuctMode, Jet, solve
theta = np.linspace(0, np.pi, 36)
rows = json.load(sys.stdin)
started = time.process_time()
for m, n, *duct, mach_outer, speed, density, kutta, hub in rows:
    found = solve(DuctMode(int(m), int(n), *duct, hub), jet=Jet(mach_outer, speed, density, kutta))
    found.directivity(theta), found.reflection
print(len(rows) / (time.process_time() - started))
"""


def old_rate(checkout: str, modes: np.ndarray) -> float:
    """Modes per second of one core by `solve` of another checkout."""
    done = subprocess.run(
        [sys.executable, "-c", OLD],
        cwd=checkout,
        input=json.dumps(modes.tolist()),
        text=True,
        capture_output=True,
        check=True,
    )
    return float(done.stdout)


def main(argv: list[str] | None = None) -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", default=None, help="folder of a run [the shipped network]")
    parser.add_argument("--jets", type=int, default=1100)
    parser.add_argument("--points", type=int, default=200, help="where gradients are compared")
    parser.add_argument("--old", default=None, help="checkout of an older version, for the speed of its solve")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    model, rng = load_network(options.run), np.random.default_rng(1)
    accuracy(model, options.jets, rng)
    refusals(model, rng)
    speed(model, rng, options.old)
    gradients(model, options.points, rng)


if __name__ == "__main__":
    main()
