"""The correction network of near fields at thick walls: errors on unseen solutions, coverage, learning curve, speed.

    python benchmarks/lip_near.py --train TRAIN.h5 --test TEST.h5 [--counts 50,100,200]

Both are dataset files of the task lip_near, of different seeds; all cases of a file are used, whatever their split.
Errors are those of an incident mode, relative, root mean square over its points; bars are those of each point. The
network taught without the exact solution has a base of 0 (`wavenet.lips.near`).
"""

import argparse
import itertools
import time

import numpy as np
import torch
from torch import Tensor

from data.elements import Lip, solve_lip
from data.read import Dataset, read
from wavenet.far_field.error_bars import LEVELS
from wavenet.lips import near_learning
from wavenet.lips.near import Near, NearNetwork
from wavenet.networks.lip_near import near_of
from wavenet.study.lip_near import load_network, predict_near

WINDOW = 2.5, 2.5  # of the solutions that are timed
TIMED = 40  # of them


def solutions(file: Dataset) -> tuple[Near, Tensor]:
    """Points and fields of all cases."""
    named = [name for name in file.arrays if len(file[name]) == len(file)]
    return near_of([{name: file[name][case] for name in named} for case in range(len(file))])


def relative(missed: Tensor, field: Tensor, chosen: Tensor) -> Tensor:
    """Errors over some of the points, (mode, point) each."""
    kept = chosen.double()
    return torch.sqrt((missed.abs().square() * kept).sum(dim=1) / (field.abs().square() * kept).sum(dim=1))


def row(values: Tensor) -> str:
    """Median and 95th percentile."""
    return f"{values.median():.1e} / {values.quantile(0.95):.1e}"


def report(name: str, model: NearNetwork, near: Near, field: Tensor) -> Tensor:
    """Print errors of the potential, and of its bars; the errors of the modes."""
    live = near.ducts.live
    with torch.no_grad():
        found = model(near)
    missed, field, x = (found.potential - field)[live], field[live], near.x[torch.nonzero(live)[:, 0]]
    errors = relative(missed, field, x == x)
    parts = [f"{words} {row(relative(missed, field, side))}" for words, side in (("ahead", x >= 0), ("behind", x < 0))]
    shares = [float((missed.abs() <= model.error_bar(found, level)[live]).double().mean()) for level in LEVELS]
    covered = ", ".join(f"{level:.0%}: {share:.1%}" for level, share in zip(LEVELS, shares, strict=True))
    print(
        f"{name}: potential {row(errors)}; relative to the field there, {', '.join(parts)}; coverage {covered}",
        flush=True,
    )
    return errors


def pressures(file: Dataset, model: NearNetwork) -> None:
    """Print errors of the pressure, which the axial slope is part of in flow, its bars' coverage, and times."""
    errors, thin, covered, spent = [], [], {level: [] for level in LEVELS}, {"network": [], "elements": []}
    for case in range(len(file)):
        m, ka, mach, thickness, aspect, count = (
            file[name][case] for name in ("m", "helmholtz", "mach", "lip_thickness", "lip_aspect", "cut_on")
        )
        potential, velocity = (file[name][case, :count] @ [1, 1j] for name in ("potential", "axial_velocity"))
        exact = 1j * ka * potential - mach * velocity
        given = int(m), float(ka), float(mach), Lip.of_aspect(float(thickness), float(aspect))
        x, r, size = file["x"][case], file["r"][case], np.linalg.norm(exact, axis=1)
        started = time.process_time()
        found = predict_near(*given, x, r, model=model)
        spent["network"].append(time.process_time() - started)
        for level, factor in zip(LEVELS, model.bars / model.bars[LEVELS.index(found.coverage)], strict=True):
            covered[level].append((np.abs(found.pressure - exact) <= float(factor) * found.pressure_bar).ravel())
        errors.append(np.linalg.norm(found.pressure - exact, axis=1) / size)
        thin.append(np.linalg.norm(found.thin_pressure - exact, axis=1) / size)
        if case < TIMED:
            started = time.process_time()
            solve_lip(*given[:2], given[3], given[2], window=WINDOW).field(x, r)
            spent["elements"].append(time.process_time() - started)
    rows = [row(torch.from_numpy(np.concatenate(values))) for values in (errors, thin)]
    shares = ", ".join(f"{level:.0%}: {np.concatenate(values).mean():.1%}" for level, values in covered.items())
    print(f"pressure {rows[0]}, thin wall {rows[1]}; coverage {shares}")
    times = {name: 1e3 * np.mean(values) for name, values in spent.items()}
    print(
        f"a duct with all its modes at {file['x'].shape[1]} points: thin wall and network {times['network']:.0f} ms, "
        f"finite elements {times['elements']:.0f} ms, processor time"
    )


def by_range(errors: Tensor, near: Near) -> None:
    """Print errors in parts of the range."""
    ducts = near.ducts
    columns = {"m": (ducts.m.double(), (0, 3, 6, 9)), "K": (ducts.k, (0, 4, 8, 12, 17))}
    columns["thickness"] = ducts.thickness, (0, 0.1, 0.2, 0.31)
    for name, (values, edges) in columns.items():
        each = values[:, None].expand(ducts.live.shape)[ducts.live]
        for low, high in itertools.pairwise(edges):
            chosen = (each >= low) & (each < high)
            print(f"  {name} {low} ... {high}: {row(errors[chosen])}, {int(chosen.sum())} modes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="dataset file of the task lip_near that teaches")
    parser.add_argument("--test", required=True, help="dataset file of another seed")
    parser.add_argument("--counts", default="50,100,200", help="numbers of solutions of the learning curve")
    options = parser.parse_args()
    torch.set_num_threads(1)
    file = read(options.test, task="lip_near")
    (train, taught), (test, field) = solutions(read(options.train, task="lip_near")), solutions(file)
    live = test.ducts.live
    thin = relative((test.potential - field)[live], field[live], torch.ones(1, 1))
    estimate = float(np.max(file["error_estimate"]))
    print(
        f"{len(file)} unseen solutions, {int(live.sum())} modes, estimates up to {estimate:.1e}; thin wall: {row(thin)}"
    )
    shipped = load_network()
    by_range(report(f"the shipped network, of {shipped.config.solutions} solutions", shipped, test, field), test)
    pressures(file, shipped)
    for count in [int(count) for count in options.counts.split(",") if count]:
        index = torch.arange(count)
        for exact in (True, False):
            started = time.process_time()
            model = near_learning.fit(train.of(index), taught[index], exact=exact)
            seconds, how = time.process_time() - started, "with" if exact else "without"
            report(f"{count} solutions, {how} the exact one ({seconds:.0f} s)", model, test, field)


if __name__ == "__main__":
    main()
