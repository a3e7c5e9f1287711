"""Errors, coverage and speed of the feed-forward model: python benchmarks/forward.py --data forward.h5 [--ducts FILE].

The file is that of `wavenet generate forward`: 4000 test modes that no training saw, at the 61 microphones of the
recipe. With --ducts, a file of `wavenet generate ducts` or `annulus`, also its modes with a hub: those of its test
split, or all where the network has learned from another file. Other methods: the solver; the directivity surrogate
`factor`, continued by spherical waves, where it reaches; tables of the file's 34,000 training modes: the nearest of the
same orders, and a plane in ka and M through the nearest four, both with the known phase of a wave from the open end.
The same modes at arrays that no training saw are solved here. Then the rates of network and solver, one thread each, in
turns, in processor time. --calibrate first sets the run's error bars of ducts without a hub from every tenth of the
file's training modes, at its microphones, and saves them.
"""

import argparse
import time

import numpy as np
import torch

from analytic import DuctMode, fields_at
from data.read import read
from wavenet import far_field, forward, runs
from wavenet.far_field.error_bars import LEVELS, relative_error
from wavenet.far_field.multipoles import BEHIND
from wavenet.forward.feed_forward import known_phase
from wavenet.study.tasks import tensors

ELSEWHERE = 200  # modes solved for each other array
TIMED = 2048  # modes of the network's batch; the solver takes a share of them


def arrays():
    """Other arrays of microphones: x, r by name."""
    angle, random = np.radians(np.linspace(3, 148, 40)), np.random.default_rng(5)
    cloud, distance = np.radians(random.uniform(0, 150, 60)), random.uniform(5, 40, 60)
    line = np.linspace(-12, 25, 50)
    return {
        "arc of 5 radii": (5 * np.cos(angle), 5 * np.sin(angle)),
        "arc of 20 radii": (20 * np.cos(angle), 20 * np.sin(angle)),
        "line at r = 8, x from -12 to 25": (line, np.full(line.shape, 8.0)),
        "60 random places, 5 to 40 radii": (distance * np.cos(cloud), distance * np.sin(cloud)),
    }


def exact(cases, x, r):
    """The solver's pressures (case, microphone) of modes (m, n, ka, M, hub)."""
    found = np.empty((len(cases), len(x)), complex)
    m = np.array([case[0] for case in cases])
    for order in np.unique(m):
        chosen = np.flatnonzero(m == order)
        fields = fields_at([DuctMode(*cases[index]) for index in chosen], x, r)
        found[chosen] = [field.pressure for field in fields]
    return found


def predicted(model, inputs, batch=TIMED):
    """Complex pressures (case, microphone) of a network."""
    with torch.no_grad():
        parts = [torch.view_as_complex(model(part).double().contiguous()) for part in inputs.split(batch)]
    return torch.cat(parts).numpy()


def by_directivity(dataset, cases, x, r):
    """Pressures of the directivity surrogate, nan where it refuses the place."""
    surrogate, found = far_field.load(), np.full((len(cases), len(x)), np.nan, complex)
    for row, case in enumerate(cases):
        m, n, ka, mach = (dataset[name][case] for name in ("m", "n", "helmholtz", "mach"))
        good = np.arctan2(r, x / np.sqrt(1 - mach**2)) < BEHIND
        with torch.no_grad():
            places = torch.from_numpy(x[good]), torch.from_numpy(r[good])
            found[row, good] = surrogate.pressure(abs(int(m)), int(n), float(ka), float(mach), *places)[0].numpy()
    return found


def by_tables(dataset, training, cases, x, r):
    """Pressures by the nearest training mode of the same orders, and by a plane through the nearest four."""
    ka, mach = dataset["helmholtz"], dataset["mach"]
    every = np.concatenate([training, cases])
    phase = np.zeros((len(ka), len(x)))
    phase[every] = known_phase(*map(torch.from_numpy, (ka[every], mach[every], x, r))).numpy()
    smooth = (dataset["pressure"][training] @ [1, 1j]) * np.exp(-1j * phase[training])
    nearest, plane = (np.zeros((len(cases), len(x)), complex) for _ in range(2))
    for row, case in enumerate(cases):
        same = np.flatnonzero(
            (dataset["m"][training] == dataset["m"][case]) & (dataset["n"][training] == dataset["n"][case])
        )
        if not len(same):
            continue
        offset = np.stack([ka[training[same]] - ka[case], 5 * (mach[training[same]] - mach[case])], axis=1)
        order = np.argsort(np.sum(offset**2, axis=1))
        nearest[row] = smooth[same[order[0]]]
        four = order[:4]
        matrix = np.concatenate([np.ones((len(four), 1)), offset[four]], axis=1)
        plane[row] = np.linalg.lstsq(matrix, smooth[same[four]], rcond=None)[0][0]
    turn = np.exp(1j * phase[cases])
    return nearest * turn, plane * turn


def line(name, errors):
    """Row of a table."""
    cells = [f"{value:.1e}" for value in (np.median(errors), *np.percentile(errors, [95, 99]), errors.max())]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def rates(model, inputs, modes, x, r, share=8):
    """Modes a second of network and solver, the best of four runs in turns, processor time of one thread.

    share : the solver takes one mode of so many.
    """
    model, few, single = model.at(x, r), modes[::share], model.at(x, r)
    single.precision = torch.float32
    calls = {
        "network": (len(modes), lambda: predicted(model, inputs)),
        "network, float32": (len(modes), lambda: predicted(single, inputs)),
        "solver": (len(few), lambda: exact(few, x, r)),
    }
    best = dict.fromkeys(calls, np.inf)
    for _ in range(4):
        for name, (count, call) in calls.items():
            started = time.process_time()
            call()
            best[name] = min(best[name], (time.process_time() - started) / count)
    print(f"modes a second at {len(x)} microphones, over the solver's")
    for name, seconds in best.items():
        print(f"  {name:18}{1 / seconds:8.0f}{best['solver'] / seconds:8.1f}")


def coverage(model, dataset, cases, errors):
    """Share of errors within the error bars of each stated coverage, in all and in three bands of K; the 95 % bars.

    Modes at the ends of K and hub, where training had none, have no bars and are left out.
    """
    k = dataset["helmholtz"][cases] / np.sqrt(1 - dataset["mach"][cases] ** 2)
    inside = (k >= model.config.low[1]) & (k <= model.config.high[1]) & (dataset["hub"][cases] <= model.config.high[2])
    cases, errors = cases[inside], errors[inside]
    columns = [dataset[name][cases].tolist() for name in ("helmholtz", "mach", "hub")]
    bars = {
        level: np.array([model.error_bar(ka, mach, level, hub=hub) for ka, mach, hub in zip(*columns, strict=True)])
        for level in LEVELS
    }
    k = np.array(columns[0]) / np.sqrt(1 - np.array(columns[1]) ** 2)
    print("\ncoverage, stated: found", {level: round(float(np.mean(errors <= bar)), 3) for level, bar in bars.items()})
    for name, chosen in (("K < 10", k < 10), ("10 < K < 20", (k >= 10) & (k < 20)), ("K > 20", k >= 20)):
        if np.any(chosen):
            print(f"  of the 95 % bars for {name}: {np.mean((errors <= bars[0.95])[chosen]):.3f}")
    every = np.full(len(inside), np.nan)
    every[inside] = bars[0.95]
    return every


def listed(dataset, cases):
    """Modes (m, n, ka, M, hub) of cases."""
    return [tuple(dataset[name][case].item() for name in ("m", "n", "helmholtz", "mach", "hub")) for case in cases]


HEAD = ["| | median | 95 % | 99 % | largest |", "|---" * 5 + "|"]


def hollow(model, path, learned):
    """Tables for ducts with a hub; learned : content hash of the training data."""
    dataset = read(path)
    x, r = dataset["x"], dataset["r"]
    splits = ("test",) if dataset.provenance["content_hash"] == learned else ("train", "validation", "test")
    cases = np.concatenate([dataset.cases(split) for split in splits])
    cases = cases[dataset["hub"][cases] > 0]
    inputs = tensors(dataset, cases)[0]
    errors = relative_error(predicted(model.at(x, r), inputs), dataset["pressure"][cases] @ [1, 1j])
    print(f"\n{len(cases)} unseen modes with hubs, {len(x)} microphones", *HEAD, sep="\n")
    line("feed-forward model", errors)
    hub, k = dataset["hub"][cases], dataset["helmholtz"][cases] / np.sqrt(1 - dataset["mach"][cases] ** 2)
    for name, chosen in (
        ("hub < 0.35", hub < 0.35),
        ("0.35 < hub < 0.55", (hub >= 0.35) & (hub < 0.55)),
        ("hub > 0.55", hub >= 0.55),
    ):
        line(f"{name} ({np.sum(chosen)} modes)", errors[chosen])
    beyond = k * hub - np.abs(dataset["m"][cases])
    line(
        f"creeping waves around the hub, 2 < K h - m < 10 ({np.sum((beyond > 2) & (beyond < 10))} modes)",
        errors[(beyond > 2) & (beyond < 10)],
    )
    coverage(model, dataset, cases, errors)
    some = np.resize(cases, TIMED)
    rates(model, tensors(dataset, some)[0], listed(dataset, some), x, r, share=32)


def regions(dataset, cases, errors):
    """Errors by region of the modes, and of cases near and far from cut-on."""
    k = dataset["helmholtz"] / np.sqrt(1 - dataset["mach"] ** 2)
    ratio = np.sqrt(1 - (dataset["radial_eigenvalue"] / k) ** 2)[cases]
    k, m = k[cases], np.abs(dataset["m"][cases])
    for name, chosen in (
        ("3 < K < 10", k < 10),
        ("10 < K < 20", (k >= 10) & (k < 20)),
        ("K > 20", k >= 20),
        ("m < 7", m < 7),
        ("m > 13", m > 13),
        ("next to cut-on, kappa / K < 0.2", ratio < 0.2),
        ("kappa / K > 0.2", ratio >= 0.2),
    ):
        line(f"{name} ({np.sum(chosen)} modes)", errors[chosen])


def main(argv=None):
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--ducts", help="file of the recipe ducts or annulus, for hubs")
    parser.add_argument("--run", help="folder of a run [the network of the package]")
    parser.add_argument("--calibrate", action="store_true", help="set the run's error bars without a hub, by --data")
    parser.add_argument("--few", type=int, default=300, help="modes for the directivity surrogate, which is slow here")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    dataset = read(options.data)
    every = forward.load(options.run and str(runs.folder_of(options.run)))
    cases, x, r = dataset.cases("test"), dataset["x"], dataset["r"]
    model = every.at(x, r)
    if options.calibrate:
        held_out = tensors(dataset, dataset.cases("train")[::10])
        model.calibrate(*held_out)  # `every` shares its buffers
        name, _, provenance = runs.load(runs.folder_of(options.run))
        runs.save(
            runs.folder_of(options.run), name, every, provenance | {"calibrated": dataset.provenance["content_hash"]}
        )
    inputs = tensors(dataset, cases)[0]
    truth = dataset["pressure"][cases] @ [1, 1j]
    errors = relative_error(predicted(model, inputs), truth)
    print(f"{len(cases)} unseen modes, {len(x)} microphones", *HEAD, sep="\n")
    line("feed-forward model", errors)
    line("solver, its own estimate", dataset["error_estimate"][cases])
    nearest, plane = by_tables(dataset, dataset.cases("train"), cases, x, r)
    line("nearest training mode of these orders", relative_error(nearest, truth))
    line("plane through the nearest four", relative_error(plane, truth))
    few = slice(None, options.few)
    waves = by_directivity(dataset, cases[few], x, r)
    reached = ~np.isnan(waves)
    parts = (np.where(reached, values, 0) for values in (waves, truth[few]))
    line(f"directivity surrogate, where it reaches, {options.few} modes", relative_error(*parts))
    print("\nregions", *HEAD, sep="\n")
    regions(dataset, cases, errors)
    bars = coverage(model, dataset, cases, errors)  # nan, within which nothing lies, where there is none
    print(f"\n{ELSEWHERE} of these modes at other arrays", *HEAD, sep="\n")
    modes = listed(dataset, cases[:ELSEWHERE])
    for name, (there, away) in arrays().items():
        found, true = predicted(model.at(there, away), inputs[:ELSEWHERE]), exact(modes, there, away)
        line(name, relative_error(found, true))
        print(f"  within the 95 % bar: {np.mean(relative_error(found, true) <= bars[:ELSEWHERE]):.3f}")
    print()
    rates(model, inputs[:TIMED], listed(dataset, cases[:TIMED]), x, r)
    if options.ducts:
        _, _, about = runs.load(runs.folder_of(options.run or "forward"))
        hollow(every, options.ducts, about["dataset"]["content_hash"])


if __name__ == "__main__":
    main()
