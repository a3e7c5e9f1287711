"""Errors, coverage and speed of the feed-forward model: python benchmarks/forward.py --data forward.h5 [--run RUN].

The file is that of `wavenet generate forward`: 4000 test modes that no training saw, at the 61 microphones of the
recipe. Other methods: the directivity surrogate, continued by spherical waves, where it reaches; the nearest training
mode of the same orders; a plane in ka and M through the nearest four, both with the known phase of a wave from the
open end. The same modes at arrays that no training saw are solved here. Then the rates of network and solver, one
thread each, in turns.
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
TIMED = 512


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
    """The solver's pressures (case, microphone) of modes (m, n, ka, M)."""
    found = np.empty((len(cases), len(x)), complex)
    m = np.array([case[0] for case in cases])
    for order in np.unique(m):
        chosen = np.flatnonzero(m == order)
        fields = fields_at([DuctMode(*cases[index]) for index in chosen], x, r)
        found[chosen] = [field.pressure for field in fields]
    return found


def predicted(model, inputs, batch=256):
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


def seconds(function):
    """Best of three runs."""
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - started)
    return best


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
    parser.add_argument("--run", help="folder of a run [the network of the package]")
    parser.add_argument("--few", type=int, default=300, help="modes for the directivity surrogate, which is slow here")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    dataset = read(options.data)
    model = forward.load(options.run and str(runs.folder_of(options.run)))
    cases, x, r = dataset.cases("test"), dataset["x"], dataset["r"]
    model = model.at(x, r)
    inputs = tensors(dataset, cases)[0]
    truth = dataset["pressure"][cases] @ [1, 1j]
    errors = relative_error(predicted(model, inputs), truth)
    head = ["| | median | 95 % | 99 % | largest |", "|---" * 5 + "|"]
    print(f"{len(cases)} unseen modes, {len(x)} microphones", *head, sep="\n")
    line("feed-forward model", errors)
    nearest, plane = by_tables(dataset, dataset.cases("train"), cases, x, r)
    line("nearest training mode of these orders", relative_error(nearest, truth))
    line("plane through the nearest four", relative_error(plane, truth))
    few = slice(None, options.few)
    waves = by_directivity(dataset, cases[few], x, r)
    reached = ~np.isnan(waves)
    parts = (np.where(reached, values, 0) for values in (waves, truth[few]))
    line(f"directivity surrogate, where it reaches, {options.few} modes", relative_error(*parts))
    print("\nregions", *head, sep="\n")
    regions(dataset, cases, errors)
    bars = {
        c: [model.error_bar(*case, c) for case in zip(dataset["helmholtz"][cases], dataset["mach"][cases], strict=True)]
        for c in LEVELS
    }
    print("\ncoverage, stated: found", {c: round(float(np.mean(errors <= bar)), 3) for c, bar in bars.items()})
    print(f"\n{ELSEWHERE} of these modes at other arrays", *head, sep="\n")
    chosen = cases[:ELSEWHERE]
    modes = [tuple(dataset[name][case].item() for name in ("m", "n", "helmholtz", "mach")) for case in chosen]
    for name, (x, r) in arrays().items():
        found, true = predicted(model.at(x, r), inputs[:ELSEWHERE]), exact(modes, x, r)
        line(name, relative_error(found, true))
        inside = np.mean(relative_error(found, true) <= np.array(bars[0.95])[:ELSEWHERE])
        print(f"  within the 95 % bar: {inside:.3f}")
    x, r = dataset["x"], dataset["r"]
    modes = modes[:TIMED]
    network = len(modes) / seconds(lambda: predicted(model, inputs[: len(modes)], batch=TIMED))
    solver = len(modes) / seconds(lambda: exact(modes, x, r))
    print(f"\nmodes a second at {len(x)}: network {network:.0f}, solver {solver:.0f}, ratio {network / solver:.2f}")


if __name__ == "__main__":
    main()
