"""Where does the network of thick walls look? python benchmarks/lip_relevance.py [--ducts 60]

Random ducts of the training's range, m >= 1, each with one of its cut-on modes. Explained is the change of level that
the lip makes, at the thin wall's loudest angle ahead, at 75, 120 and 150 degrees, and of |R_nn|. Printed are

- its terms, integrated from the thin wall to the thick one: the known shape, the two learned functions, the balance;
- how much it changes when t, ka, the lip's kind or M is another duct's;
- shares of |relevance| of the inputs of the learned functions, by RAP, by integrated gradients from another duct, and
  by exchange with another duct; what RAP leaves to constants; |cosine| between the relevances of two angles, and
  between them and the squares of the inputs' spreads over the covariance's lengths, which need no attribution;
- what the training solutions carry, as Gaussian units and by their own values of the learned functions.

All values are medians.
"""

import argparse
import itertools

import numpy as np
import torch

from analytic import cut_on_orders
from data.elements import Lip
from wavenet.lips.ducts import Ducts, gauss
from wavenet.lips.network import INTERVALS, LipNetwork
from wavenet.rap import RAP
from wavenet.study.lip_relevance import DECIBELS, INPUTS, TERMS, Learned, learned, terms, units
from wavenet.study.lips import load_network, thin_ducts

ANGLES = np.radians([75.0, 120.0, 150.0])
ZONES = ("loudest", "75 deg", "120 deg", "150 deg", "R")
GROUPS = {
    "frequency": ("ln K", "m / K"),
    "thickness": ("sqrt(k t)", "t"),
    "shape": ("l / t",),
    "ripple": ("Re ripple", "Im ripple"),
    "mode": ("mode",),
    "direction": ("direction",),
}
NUMBERS = ("t", "ka", "kind", "M")
OTHERS = 12  # ducts that one is compared with
NODES = 8  # of the integral of the gradient
NEAR = 10, 40  # solutions that are nearest to a duct
LIPS = (Lip.flat, Lip.round)


def draw(count, rng):
    """Rows (m, n, ka, M, t, kind)."""
    rows = []
    while len(rows) < count:
        m, ka, mach = int(rng.integers(1, 9)), rng.uniform(1, 15), rng.uniform(-0.4, 0.4)
        orders = cut_on_orders(ka, m, mach)
        if orders:
            rows.append((m, int(rng.integers(orders)), ka, mach, rng.uniform(0.01, 0.29), int(rng.integers(2))))
    return rows


def ducts_of(rows, places) -> Ducts:
    """At Gauss's angles and others (angle,)."""
    nodes, weights = gauss(64)
    theta = np.concatenate([nodes, places])
    weight = np.concatenate([weights, np.zeros(len(places))])
    m, _, ka, mach, t, kind = zip(*rows, strict=True)
    return thin_ducts(m, ka, mach, [LIPS[one](size) for one, size in zip(kind, t, strict=True)], theta, weight)


def loudest(row) -> float:
    """Angle of the thin wall's largest level ahead."""
    theta = np.radians(np.arange(1.0, 90.0))
    return theta[int(ducts_of([row], theta).directivity[0, row[1], 64:].abs().argmax())]


def modules(model: LipNetwork, ducts: Ducts, n: int) -> list[tuple[Learned, torch.Tensor]]:
    """What is learned in each zone, and its inputs."""
    at = range(64, len(ducts.theta))
    parts = ["ahead" if torch.cos(ducts.theta[angle]) > 0 else "behind" for angle in at]
    found = [learned(model, part, ducts, n, angle)[:2] for part, angle in zip(parts, at, strict=True)]
    return [*found, learned(model, "reflection", ducts, n, n)[:2]]


def of_lengths(module: Learned) -> torch.Tensor:
    """Mean squares of the distances of solutions from each other by input of the duct: without any attribution."""
    return (module.inverse.square() * module.centre.var(dim=0)).sum(dim=0)


def relevances(module, x, others) -> tuple[dict[str, torch.Tensor], float]:
    """Relevance (input,) by method, summed to the first input of a group by exchange; share that RAP leaves."""
    rap, left = RAP(module).attribute(x, target=0, return_convergence_delta=True)
    with torch.no_grad():
        before = module(x)
        exchanged = torch.zeros(len(INPUTS), dtype=x.dtype)
        for names in GROUPS.values():
            index, changed = [INPUTS.index(name) for name in names], x.repeat(len(others), 1)
            changed[:, index] = others[:, index]
            exchanged[index[0]] = (module(changed) - before).abs().mean()
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    path = x + torch.from_numpy((1 - nodes) / 2)[:, None, None] * (others - x)
    points = path.reshape(-1, x.shape[1]).requires_grad_()
    (slope,) = torch.autograd.grad(module(points).sum(), points)
    mean = torch.einsum("j,joi->oi", torch.from_numpy(weights / 2), slope.view(NODES, len(others), -1))
    found = {
        "RAP": rap[0],
        "integrated gradients": (mean * (x - others)).abs().mean(dim=0),
        "exchange": exchanged,
    }
    return found, abs(float(left) / float(before))


def shares(relevance: torch.Tensor) -> np.ndarray:
    """Of |relevance| by group."""
    size = relevance.abs()
    whole = torch.stack([size[[INPUTS.index(name) for name in names]].sum() for names in GROUPS.values()])
    return (whole / whole.sum()).numpy()


def cosine(a, b) -> float:
    """Its modulus."""
    return abs(float(a @ b / (a.norm() * b.norm())))


def of_terms(model, rows, places):
    """Terms of the change of level, |term| and the change itself: (case, zone but R, term), (case, zone but R)."""
    found = [terms(model, ducts_of([row], angles)) for row, angles in zip(rows, places, strict=True)]
    index = [row[1] for row in rows]
    parts = [one[0][:, 0, n, 64:].T.numpy() for one, n in zip(found, index, strict=True)]
    return np.array(parts), np.array([one[1][0, n, 64:].numpy() for one, n in zip(found, index, strict=True)])


def of_numbers(model, rows, places, rng):
    """Mean |change| [dB] of the change of level, by the number that is another duct's: (case, zone but R, number)."""
    found = []
    for row, angles in zip(rows, places, strict=True):
        m, n, *mine = row
        others, variants = [rows[k][2:] for k in rng.choice(len(rows), OTHERS)], [row]
        for number, other in itertools.product(NUMBERS, others):
            ka, mach, t, kind = mine
            theirs = dict(zip(("ka", "M", "t", "kind"), other, strict=True))
            now = {"ka": ka, "M": mach, "t": t, "kind": kind, number: theirs[number]}
            if number == "kind":
                now["kind"] = 1 - kind
            variants.append((m, n, now["ka"], now["M"], now["t"], now["kind"]))
        on = [cut_on_orders(ka, m, mach) > n for _, _, ka, mach, _, _ in variants]
        ducts = ducts_of([one for one, good in zip(variants, on, strict=True) if good], angles)
        with torch.no_grad():
            level = DECIBELS * torch.log(model(ducts).directivity.abs() / ducts.directivity.abs())[:, n, 64:]
        whole = np.full((len(variants), len(angles)), np.nan)
        whole[on] = level.numpy()
        change = np.abs(whole[1:] - whole[0]).reshape(len(NUMBERS), OTHERS, -1)
        known = np.isfinite(change)  # an exchange may leave the mode cut off
        total, count = np.where(known, change, 0).sum(axis=1), known.sum(axis=1)
        found.append(np.where(count > 0, total / np.maximum(count, 1), np.nan).T)
    return np.array(found)


def carriers(module, x) -> list[float]:
    """Sum of |contributions| over |change|, shares of the nearest, number that holds 90 %: of units, then of values."""
    found = units(module, x)
    order, row = torch.argsort(found.distance), []
    for values in (found.units, found.values):
        size = values.abs()
        near = size[order].cumsum(dim=0) / size.sum()
        held = int((torch.sort(size, descending=True).values.cumsum(dim=0) < 0.9 * size.sum()).sum()) + 1
        row += [float(size.sum() / values.sum().abs()), *(float(near[count - 1]) for count in NEAR), held]
    return row


def main(argv=None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ducts", type=int, default=60)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    model, rng = load_network(), np.random.default_rng(4)
    rows = draw(options.ducts, rng)
    places = [np.concatenate([[loudest(row)], ANGLES]) for row in rows]

    parts, level = of_terms(model, rows, places)
    print("| |change| [dB] | " + " | ".join(TERMS) + " | all |\n" + "|---" * (len(TERMS) + 2) + "|")
    for zone, name in enumerate(ZONES[:-1]):
        cells = [*np.median(np.abs(parts[:, zone]), axis=0), np.median(np.abs(level[:, zone]))]
        print(f"| {name} | " + " | ".join(f"{one:.2f}" for one in cells) + " |")

    changes = np.nanmedian(of_numbers(model, rows, places, rng), axis=0)
    print("\n| exchanged [dB] | " + " | ".join(NUMBERS) + " |\n" + "|---" * (len(NUMBERS) + 1) + "|")
    for name, cells in zip(ZONES, changes, strict=False):
        print(f"| {name} | " + " | ".join(f"{one:.2f}" for one in cells) + " |")

    every = [modules(model, ducts_of([row], angles), row[1]) for row, angles in zip(rows, places, strict=True)]
    found, left = [[] for _ in ZONES], [[] for _ in ZONES]
    for pairs in every:
        for zone, (module, x) in enumerate(pairs):
            pick = rng.choice(len(every), OTHERS)
            others = torch.cat([every[k][zone][1] for k in pick])
            if module.part != "reflection":
                others[:, -1] = torch.from_numpy(rng.uniform(*INTERVALS[module.part], OTHERS))
            one, leak = relevances(module, x, others)
            found[zone].append(one)
            left[zone].append(leak)
    methods = tuple(found[0][0])
    for zone, name in enumerate(ZONES):
        print(f"\n| {name} | " + " | ".join(GROUPS) + " |\n" + "|---" * (len(GROUPS) + 1) + "|")
        for method in methods:
            cells = np.median([shares(one[method]) for one in found[zone]], axis=0)
            print(f"| {method} | " + " | ".join(f"{one:.2f}" for one in cells) + " |")
    print("\nwhat RAP leaves to constants, over the change: " + ", ".join(f"{np.median(one):.2f}" for one in left))
    for method in methods:
        alike = [cosine(one[method], other[method]) for one, other in zip(found[0], found[2], strict=True)]
        print(f"|cosine|, loudest and 120 deg, {method}: {np.median(alike):.2f}")
    for method in methods:
        alike = []
        for pairs, one in zip(every, found[0], strict=True):
            lengths = of_lengths(pairs[0][0])
            alike.append(cosine(one[method].abs()[:-2], lengths))
        print(f"|cosine|, inputs of the duct, {method} and the covariance's lengths: {np.median(alike):.2f}")

    names = ("sum of |.| over the change", *(f"nearest {count}" for count in NEAR), "solutions that hold 90 %")
    print("\n| | " + " | ".join(f"{basis}: {name}" for basis in ("units", "values") for name in names) + " |")
    print("|---" * (2 * len(names) + 1) + "|")
    for zone, name in enumerate(ZONES):
        cells = np.median([carriers(*pairs[zone]) for pairs in every], axis=0)
        print(f"| {name} | " + " | ".join(f"{one:.2g}" if one < 1 else f"{one:.3g}" for one in cells) + " |")


if __name__ == "__main__":
    main()
