"""Inputs that the networks use, by RAP: the numbers and pictures of docs/explanation.md.

wavenet generate derivative -o derivative.h5
wavenet generate forward -o forward.h5
python benchmarks/relevance.py --derivative derivative.h5 --forward forward.h5 --pictures docs/explanation
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from explained import arrays, fields, inputs, own_phases
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from analytic import cut_on_orders, radial_eigenvalue
from wavenet import derivatives, far_field
from wavenet.derivatives.constrained import METHODS
from wavenet.explain.measures import interval
from wavenet.explain.methods import METHODS as EXPLAINERS
from wavenet.forward.feed_forward import FEATURES
from wavenet.rap import RAP

SHARES = (0.5, 0.9, 0.99)
NETWORKS = ("constrained", "unet")
COLOURS = {"constrained": "#0072B2", "unet": "#D55E00"}  # told apart by everybody
TITLES = {"constrained": "constrained network", "unet": "U-net"}


def network(name):
    return name, derivatives.load(None if name == "constrained" else name)


def reach(size, distance, part):
    """Distance that contains a given part of the relevance."""
    order = np.argsort(distance)
    total = np.cumsum(size[order])
    return float(distance[order][np.searchsorted(total, part * total[-1])])


def looks(options, pictures):
    """Print and plot how far the derivative networks look, in cells and wavelengths."""
    print("\n**Distance within which 50, 90, 99 % of |relevance| lie**, medians\n")
    print("| network, ka | 50 % [cells] | 90 % | 99 % | 90 % [wavelengths] |\n|---|---|---|---|---|")
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in NETWORKS:
        found = []
        for one in fields(options.derivative, options.cases, network=network(name)):
            size, distance = np.abs(one.relevance(RAP)), one.about["distance"]
            _, helmholtz, mach = one.about["parameters"]
            step = one.about["x"][1] - one.about["x"][0]
            wave = 2 * np.pi * (1 - abs(mach)) / helmholtz / step  # the shortest, in cells
            bins = np.histogram(distance, np.arange(0, 81), weights=size / size.sum())[0]
            found.append((helmholtz, wave, *(reach(size, distance, part) for part in SHARES), bins))
        helmholtz = np.array([row[0] for row in found])
        for low, high in ((3, 10), (10, 18), (18, 25)):
            rows = [row for row, k in zip(found, helmholtz, strict=True) if low <= k < high]
            cells = [str(interval([row[2 + index] for row in rows])) for index in range(3)]
            waves = interval([row[3] / row[1] for row in rows])
            print(f"| {TITLES[name]}, {low} ≤ ka < {high} | {' | '.join(cells)} | {waves} |", flush=True)
        curves = np.cumsum([row[-1] for row in found], axis=1)
        median = np.median(curves, axis=0)
        left.plot(np.arange(1, 81), median, color=COLOURS[name], label=TITLES[name])
        left.fill_between(np.arange(1, 81), *np.percentile(curves, (25, 75), axis=0), color=COLOURS[name], alpha=0.2)
        right.plot([row[1] for row in found], [row[3] for row in found], "o", ms=4, color=COLOURS[name])
    left.set(xlabel="distance [cells]", ylabel="share of |relevance| within", ylim=(0, 1.02), xlim=(0, 80))
    left.legend(loc="lower right")
    right.plot([4, 60], [4, 60], ":", color="grey")
    right.annotate("one wavelength", (40, 40), rotation=30, color="grey", ha="right")
    right.set(xlabel="shortest wavelength [cells]", ylabel="90 % of |relevance| within [cells]", ylim=(0, 115))
    figure.savefig(pictures / "distance.png", dpi=110)


def wall(options, pictures):
    """Print and plot whether the derivative networks look through the wall."""
    print("\n**Share of |relevance| on the other side of the wall**, points within 0.15 radii of it\n")
    print("| network | −1.5 < x < −0.5, median | largest | −0.3 < x < 0, median | largest |\n|---|---|---|---|---|")
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    for place, name in zip(axes, NETWORKS, strict=True):
        cells = []
        for low, high in ((-1.5, -0.5), (-0.3, -0.02)):

            def beside(random, low=low, high=high):
                return random.uniform(low, high), 1 + random.choice([-1, 1]) * random.uniform(0.016, 0.15)

            found = []
            for one in fields(options.derivative, options.cases, points=beside, network=network(name)):
                relevance = one.relevance(RAP)
                size = np.abs(relevance)
                found.append(size[one.about["across"]].sum() / size.sum())
            cells += [str(interval(found)), f"{max(found):.3g}"]
        print(f"| {TITLES[name]} | {' | '.join(cells)} |", flush=True)
        (one,) = fields(options.derivative, 1, points=lambda _: (-0.5, 0.95), network=network(name))
        picture(place, one, one.relevance(RAP), f"{TITLES[name]}: relevance for |u|")
    figure.savefig(pictures / "wall.png", dpi=110)


def picture(place, one, relevance, title):
    """Relevance around a point, largest = 1, signed square root."""
    x, r = one.about["x"], one.about["r"]
    values = relevance.reshape(len(x), len(r)) / np.abs(relevance).max()
    values = np.sign(values) * np.sqrt(np.abs(values))
    image = place.pcolormesh(x, r, values.T, cmap="RdBu_r", vmin=-1, vmax=1, shading="nearest", rasterized=True)
    place.plot([x[0], 0], [1, 1], color="black", lw=2)
    place.plot(*one.about["at"], "x", color="black", ms=7)
    near = one.about["at"]
    place.set(xlim=(near[0] - 1, near[0] + 1), ylim=(max(0, near[1] - 0.8), min(2, near[1] + 0.8)), title=title)
    place.set(xlabel="x / a", ylabel="r / a", aspect="equal")
    place.xaxis.set_major_locator(MaxNLocator(5))
    place.figure.colorbar(image, ax=place, shrink=0.7, label="sign √|R / max|")


def lip(options, pictures):
    """Print and plot the behaviour of the derivative networks at the lip."""
    print("\n**At the lip**, points within 0.2 radii of it\n")

    def close(random):
        rho, turn = random.uniform(0.05, 0.2), random.uniform(-np.pi, np.pi)
        return rho * np.cos(turn), 1 + rho * np.sin(turn)

    print("| network | share of relevance in the disc of 0.36 radii | 90 % within [cells] |\n|---|---|---|")
    figure = Figure(figsize=(15, 3.8), layout="constrained")
    first, *maps = figure.subplots(1, 3)
    for place, name in zip(maps, NETWORKS, strict=True):
        inside, far = [], []
        for one in fields(options.derivative, options.cases, points=close, network=network(name)):
            size = np.abs(one.relevance(RAP))
            inside.append(size[one.about["lip"]].sum() / size.sum())
            far.append(reach(size, one.about["distance"], 0.9))
        print(f"| {TITLES[name]} | {interval(inside)} | {interval(far)} |", flush=True)
        (one,) = fields(options.derivative, 1, points=lambda _: (0.08, 1.05), network=network(name))
        picture(place, one, one.relevance(RAP), f"{TITLES[name]}: relevance for |u|")
    x, r = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
    model, rho = network("constrained")[1].on_grid(x, r), np.hypot(x[:, None], r - 1)
    random, shares = np.random.default_rng(0), []
    for _ in range(20):
        case = [[float(random.integers(0, 11)), random.uniform(3, 25), random.uniform(-0.5, 0.5)]]
        with torch.no_grad():
            shares.append(model.weights(torch.tensor(case, dtype=torch.float64))[0].mean(dim=0).numpy())
    mean, edges = np.mean(shares, axis=0), np.array([0.0, 0.1, 0.2, 0.3, 0.36, 0.5, 0.8, 1.2, 2.2])
    rings = list(pairwise(edges.tolist()))
    print("\n| share of a method in u and v, by ρ [radii] | " + " | ".join(f"{a}–{b}" for a, b in rings) + " |")
    print("|---|" + "---|" * len(rings))
    for index, method in enumerate(METHODS):
        rows = [mean[index][(rho >= a) & (rho < b)].mean() for a, b in rings]
        if method != "fitted waves":
            print(f"| {method} | " + " | ".join(f"{value:.2f}" for value in rows) + " |")
            first.stairs(rows, edges, label=method, lw=2)
    first.set(
        xlabel="distance to the lip [radii]",
        ylabel="share",
        title="constrained network: shares of methods",
        xlim=(0, 2.2),
    )
    first.legend()
    figure.savefig(pictures / "lip.png", dpi=110)


def errors(options):
    """Print how well relevance predicts the networks' errors."""
    print("\n**Where relevance predicts error**: rank correlation with the error at the point, over that field's rms\n")
    print("| network | far: share beyond 10 cells | spread: 90 % within | opposed: share of negative | network's own |")
    print("|---|---|---|---|---|")
    for name in NETWORKS:
        rows = []
        which = network(name)
        for one in fields(options.derivative, 3 * options.cases, network=which):
            relevance, distance = one.relevance(RAP), one.about["distance"]
            size = np.abs(relevance)
            far = size[distance > 10].sum() / size.sum()
            own = np.nan
            if name == "constrained":
                parameters = torch.tensor([one.about["parameters"]], dtype=torch.float64)
                i, j, channel = one.about["parts"]
                grid = which[1].on_grid(one.about["x"], one.about["r"])
                with torch.no_grad():
                    own = float(grid.expected_error(parameters)[0, channel // 2, i, j])
            opposed = np.maximum(-relevance, 0).sum() / size.sum()
            rows.append((far, reach(size, distance, 0.9), opposed, own, one.about["error"]))
        table = np.array(rows)
        cells = []
        for column in range(4):
            known = ~np.isnan(table[:, column])
            if not known.any() or np.ptp(table[known, column]) == 0:
                cells.append("–")
                continue
            rank = stats.spearmanr(table[known, column], table[known, 4])
            cells.append(f"{rank.statistic:.2f} (p = {rank.pvalue:.1g})")
        print(f"| {TITLES[name]} | {' | '.join(cells)} |", flush=True)


def modes(options, pictures):
    """Print and plot which amplitudes drive the directivity at which angle."""
    hits, top = [], []
    for one in arrays(10 * options.cases, seed=1):
        relevance = np.abs(one.relevance(RAP))
        hits.append(bool(one.region[np.argmax(relevance)]))
        top.append(relevance.max() / relevance.sum())
    print("\n**Directivity**: the mode with the most relevance has its main lobe within 15° of the microphone in")
    print(f"{interval(hits, statistic=np.mean)} of the cases; its share is {interval(top)}.", flush=True)
    model, (m, helmholtz, mach) = far_field.load(), (4, 24.0, 0.3)
    count = cut_on_orders(helmholtz, m, mach)
    angle = np.radians(np.linspace(5, 120, 116))
    core = model.core(torch.full((count,), m), torch.arange(count), helmholtz, mach, torch.from_numpy(angle))
    seen = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 2 * count)))
    with torch.no_grad():
        values = core(seen)
    found = RAP(core).attribute(seen, own_phases(values)).reshape(len(angle), count, 2).abs().sum(2)
    share = (found / found.sum(1, keepdim=True)).numpy()
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    image = axes.pcolormesh(
        np.degrees(angle), np.arange(count), share.T, cmap="viridis", vmin=0, vmax=1, shading="nearest"
    )
    k = helmholtz / np.sqrt(1 - mach**2)
    lobes = [np.degrees(np.arccos(np.sqrt(1 - (radial_eigenvalue(m, n) / k) ** 2))) for n in range(count)]
    axes.plot(lobes, np.arange(count), "w^", ms=7, markeredgecolor="black", label="main lobe of the mode")
    axes.set(xlabel="angle in the plane (x / β, r) [deg]", ylabel="radial order n", yticks=range(count))
    axes.set_title(f"share of relevance for |D|: m = {m}, ka = {helmholtz:g}, M = {mach}, random amplitudes")
    axes.legend(loc="lower right")
    figure.colorbar(image, ax=axes, label="share of |relevance|")
    figure.savefig(pictures / "modes.png", dpi=110)


def drives(options, pictures):
    """Print and plot which of m, n, eigenvalue, ka, M drive the paper's forward model at which angle."""
    from data.read import read

    dataset = read(options.forward)
    angle = np.degrees(np.arctan2(dataset["r"], dataset["x"]))
    count, shares = len(angle), {"rap": [], "lrp-epsilon": [], "integrated-gradients": []}
    alike = {method: [] for method in (*shares, "rap-weight", "lrp-alpha-beta")}
    for one in inputs(options.forward, 2 * options.cases, seed=2):
        with torch.no_grad():
            values = one.core(one.seen)
        selector = own_phases(values)
        for method, cosines in alike.items():
            found = EXPLAINERS[method](one.core).attribute(one.seen, selector)[:, 0].double()
            unit = found / found.norm(dim=1, keepdim=True)
            cosines.append(float((unit @ unit.T).abs()[~torch.eye(count, dtype=torch.bool)].mean()))
            if method in shares:
                shares[method].append((found.abs() / found.abs().sum(1, keepdim=True)).numpy())
    print("\n**Forward model**: |cosine| between the relevances for two microphones\n\n| method | |\n|---|---|")
    for method, cosines in alike.items():
        print(f"| {method} | {np.mean(cosines):.6f} |")
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    colours = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#999999"]
    for axes, (method, rows) in zip(figure.subplots(1, len(shares), sharey=True), shares.items(), strict=True):
        mean = np.mean(rows, axis=0)  # (angle, input)
        print(
            f"\n**Forward model, {method}**: mean share of |relevance| by input\n\n| angle | {' | '.join(FEATURES)} |"
        )
        print("|---|" + "---|" * len(FEATURES))
        for low, high in ((0, 30), (30, 60), (60, 90), (90, 120), (120, 151)):
            parts = mean[(angle >= low) & (angle < high)].mean(axis=0)
            print(f"| {low}° … {high}° | " + " | ".join(f"{value:.2f}" for value in parts) + " |", flush=True)
        axes.stackplot(angle, mean.T, labels=FEATURES, colors=colours)
        axes.set(xlabel="angle [deg]", title=method, xlim=(angle[0], angle[-1]), ylim=(0, 1))
    figure.axes[0].set_ylabel("share of |relevance|")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(pictures / "inputs.png", dpi=110)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--derivative", required=True)
    parser.add_argument("--forward", required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=60)
    options = parser.parse_args(argv)
    options.pictures.mkdir(parents=True, exist_ok=True)
    looks(options, options.pictures)
    wall(options, options.pictures)
    lip(options, options.pictures)
    errors(options)
    modes(options, options.pictures)
    drives(options, options.pictures)


if __name__ == "__main__":
    main()
