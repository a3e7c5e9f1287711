"""Which of nu, ka, M and temperature drives a jet's far field in the cone of silence, at its edge, at the sideline?

    python benchmarks/jet_relevance.py [--run FOLDER] [--cases 60] [--solved 60] [--pictures FOLDER]

Random jets of the network's domain, of the same gas inside and outside, which is at rest, and one cut-on mode of each,
with m >= 1: for m = 0 and n >= 1 the edge of the cone is a null.
The cone of silence ends at cos theta = C / (1 + M): waves that leave within it decay across the jet. Explained is ln
|D| at half that angle, at it, and at 90 degrees. Of it the network has learned a part, which is linear in its outputs;
relevance is that of its inputs for this part, in groups: m, ka, nu, M, T (sound speed and density), M_2, and what
follows from several of them for the sheet. Beside it: how much ln |D| itself changes when ka, M or T is another jet's
("exchange"), and the integral of its gradient along the way there. The exchange is repeated with the solver in the
surrogate's place, for the same jets and for those, too, that the network does not take. Medians with 95 % bootstrap
intervals.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

from analytic import cut_on_helmholtz, cut_on_orders, sweep
from wavenet.explain.methods import METHODS
from wavenet.jets.inputs import NAMES
from wavenet.jets.line import NAMES as ON_LINE
from wavenet.jets.network import PARAMETERS, JetNetwork
from wavenet.study.jet_relevance import explained, slopes
from wavenet.study.jets import load_network

ZONES = ("cone of silence", "its edge", "sideline")
# Inputs of the network by name, see `wavenet.jets.inputs`. Those of the sheet at s_c follow from all parameters but n.
OF = {
    "m": ("m", "m / K"),
    "ka": ("ln K", "1 / K", "ka"),
    "nu": ("cos 2 pi nu", "sin 2 pi nu", "nu", "1 / (1 + nu)", "R cos 2 pi nu", "R sin 2 pi nu"),
    "M": ("M",),
    "M_2": ("M_2",),
    "T": ("ln C", "ln D C^2"),
    "kernel": (*ON_LINE, "length of the left window", "length of the right window"),
    "sheet": ("s_c over its limit", "ln weight", "ln across", "ln order", "R"),
    "hub": ("hub", "rate of nu at the hub", "hub K", "m hub"),
}
COLOURS = dict(
    zip(
        OF,
        ("#999999", "#0072B2", "#56B4E9", "#E69F00", "#CCCCCC", "#D55E00", "#009E73", "#CC79A7", "#555555"),
        strict=True,
    )
)
GROUPS = {group: tuple(NAMES.index(name) for name in names) for group, names in OF.items() if {*names} <= {*NAMES}}
CHOSEN = ("rap", "rap-weight", "lrp-epsilon", "lrp-alpha-beta", "input-x-gradient", "integrated-gradients", "exchange")
NUMBERS = ("ka", "M", "T")
OTHERS = 12  # jets that a case is compared with
NODES = 8  # of the integral of the gradient


def draw(model: JetNetwork, count: int, rng: np.random.Generator) -> np.ndarray:
    """Modes (case, 5): m, n, ka, M, T."""
    rows: list[tuple[float, ...]] = []
    while len(rows) < count:
        m, ka, mach, t = int(rng.integers(1, 13)), rng.uniform(2, 18), rng.uniform(0.12, 0.6), rng.uniform(0.8, 3.6)
        orders = cut_on_orders(ka, m, mach)
        if orders and math.sqrt(1 / t) / (1 + mach) < 0.97:
            case = (m, int(rng.integers(orders)), ka, mach, t)
            if usable(model, np.array([case]))[0]:
                rows.append(case)
    return np.array(rows)


def usable(model: JetNetwork, rows: np.ndarray) -> np.ndarray:
    """Which modes the network takes."""
    m, n, ka, mach, t = map(torch.from_numpy, rows.T.copy())
    return model.usable(m.long(), n.long(), ka, mach, torch.tensor(0.0), t**-0.5, t, torch.tensor(1.0))


def angles(rows: np.ndarray) -> np.ndarray:
    """Angles (case, zone) [rad]."""
    edge = np.arccos(1 / np.sqrt(rows[:, 4]) / (1 + rows[:, 3]))
    return np.stack([edge / 2, edge, np.full_like(edge, np.pi / 2)], axis=1)


def level(
    model: JetNetwork, m: torch.Tensor, n: torch.Tensor, numbers: torch.Tensor, theta: torch.Tensor
) -> torch.Tensor:
    """ln |D| (case, zone) of numbers (case, 3): ka, M, T."""
    ka, mach, t = numbers.unbind(dim=1)
    found = model.directivity(m, n, ka, mach, theta, sound_speed_ratio=t**-0.5, density_ratio=t)
    return found.abs().log()


def read_out(model: JetNetwork, case: np.ndarray, theta: np.ndarray) -> tuple[torch.Tensor, nn.Module]:
    """Inputs of the network for a case, and the network up to what it adds to ln |D| in the zones."""
    parameters = jet(case)
    seen, layers, _ = explained(model, parameters)
    rows = slopes(model, parameters, int(case[1]), theta)[1]
    readout = nn.Linear(rows.shape[1], len(rows), bias=False, dtype=torch.float64)
    readout.weight = nn.Parameter(rows, requires_grad=False)
    return seen.detach(), nn.Sequential(*layers, readout).eval()


def jet(case: np.ndarray) -> torch.Tensor:
    """Parameters (1, parameter) of a mode's jet."""
    m, _, ka, mach, t = case
    known = {"m": m, "helmholtz": ka, "mach": mach, "sound_speed_ratio": t**-0.5, "density_ratio": t}
    return torch.tensor([[known.get(name, 0.0) for name in PARAMETERS]], dtype=torch.float64)


def exchanged(module: nn.Module, seen: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Mean change (zone, feature) of the outputs when the group of a feature is another jet's, at its first feature."""
    found = torch.zeros(3, seen.shape[1], dtype=torch.float64)
    with torch.no_grad():
        before = module(seen)
        for group in GROUPS.values():
            changed = seen.repeat(len(others), 1)
            changed[:, list(group)] = others[:, list(group)]
            found[:, group[0]] = (module(changed) - before).abs().mean(dim=0)
    return found


def shares(relevance: torch.Tensor) -> np.ndarray:
    """Shares of |relevance| by group."""
    size = relevance.abs().double().numpy()
    whole = np.array([size[list(group)].sum() for group in GROUPS.values()])
    return whole / max(whole.sum(), 1e-300)


def of_network(
    model: JetNetwork, rows: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Shares (case, method, zone, group), and |cosine| between the relevances of two zones by method."""
    parts = [read_out(model, *pair) for pair in zip(rows, angles(rows), strict=True)]
    every = torch.cat([seen for seen, _ in parts])
    found, alike = [], {name: [] for name in CHOSEN}
    for seen, module in parts:
        others, mine = every[rng.choice(len(every), OTHERS, replace=False)], []
        for name in CHOSEN:
            if name == "exchange":
                relevance = exchanged(module, seen, others)
            else:
                relevance = torch.stack([METHODS[name](module).attribute(seen, zone)[0].detach() for zone in range(3)])
            unit = relevance.double() / relevance.double().norm(dim=1, keepdim=True)
            alike[name].append(abs(float(unit[0] @ unit[2])))
            mine.append([shares(zone) for zone in relevance])
        found.append(mine)
    return np.array(found), {name: np.array(one) for name, one in alike.items()}


def of_field(model: JetNetwork, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shares (case, zone, number) of ka, M and T in ln |D|: by exchange, and by integrated gradients."""
    theta, exchange, gradient = angles(rows), [], []
    for case, places in zip(rows, theta, strict=True):
        given = case[None, 2:]
        other = rows[rng.choice(len(rows), OTHERS, replace=False), 2:]
        single = np.repeat(given, 3 * OTHERS, axis=0).reshape(3, OTHERS, 3)
        for number in range(3):
            single[number, :, number] = other[:, number]
        steps = (np.polynomial.legendre.leggauss(NODES)[0] + 1) / 2
        path = given + steps[:, None, None] * (other - given)  # (node, other, number)
        points = np.concatenate([given, single.reshape(-1, 3), path.reshape(-1, 3)])
        good = usable(model, np.concatenate([np.repeat(case[None, :2], len(points), axis=0), points], axis=1))
        numbers = torch.from_numpy(points[good]).requires_grad_()
        orders = [torch.full((len(numbers),), int(one)) for one in case[:2]]
        value = level(model, *orders, numbers, torch.from_numpy(places))
        slopes = np.full((3, len(points), 3), np.nan)
        for zone in range(3):
            slopes[zone, good] = torch.autograd.grad(value[:, zone].sum(), numbers, retain_graph=True)[0].numpy()
        values = np.full((len(points), 3), np.nan)
        values[good] = value.detach().numpy()
        change = np.abs(values[1 : 1 + 3 * OTHERS].reshape(3, OTHERS, 3) - values[0])
        exchange.append(np.array([[mean(change[number, :, zone]) for number in range(3)] for zone in range(3)]))
        along = slopes[:, 1 + 3 * OTHERS :].reshape(3, NODES, OTHERS, 3)
        weights = np.polynomial.legendre.leggauss(NODES)[1] / 2
        whole = np.abs(np.einsum("j,zjon->zon", weights, along) * (other - given))  # NaN where a path leaves the domain
        gradient.append(np.array([[mean(whole[zone, :, number]) for number in range(3)] for zone in range(3)]))
    return normalised(np.array(exchange)), normalised(np.array(gradient))


def of_solver(model: JetNetwork, rows: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Shares (case, zone, number) of ka, M and T in ln |D| by exchange, of the solver and of the surrogate.

    The same jets for both; "solver, any jet" has those, too, that the network does not take. "differences": of ln |D|
    (case,), the largest of each case.
    """
    theta, found = angles(rows), {"surrogate": [], "solver": [], "solver, any jet": [], "differences": []}
    for case, places in zip(rows, theta, strict=True):
        other = rows[rng.choice(len(rows), OTHERS, replace=False), 2:]
        points = np.repeat(case[None, 2:], 3 * OTHERS + 1, axis=0)
        for number in range(3):
            points[1 + number * OTHERS : 1 + (number + 1) * OTHERS, number] = other[:, number]
        modes = np.concatenate([np.repeat(case[None, :2], len(points), axis=0), points], axis=1)
        m, n, ka, mach, t = modes.T
        on = ka > [cut_on_helmholtz(int(case[0]), int(case[1]), one) for one in mach]
        solved = np.full((len(points), 3), np.nan)
        streams = {"mach": mach[on], "sound_speed_ratio": t[on] ** -0.5, "density_ratio": t[on]}
        one = sweep(m[on].astype(int), n[on].astype(int), ka[on], places, **streams, errors="record")
        solved[np.flatnonzero(on)[one.valid]] = np.log(np.abs(one.directivity[one.valid]))
        good, learned = usable(model, modes), np.full((len(points), 3), np.nan)
        orders = [torch.full((good.sum(),), int(one)) for one in case[:2]]
        with torch.no_grad():
            given = torch.from_numpy(points[good])
            learned[good] = level(model, *orders, given, torch.from_numpy(places)).numpy()
        both = np.where(np.isfinite(learned), solved, np.nan)
        found["differences"].append(np.nanmax(np.abs(learned - both)))
        for name, values in (("surrogate", learned), ("solver", both), ("solver, any jet", solved)):
            change = np.abs(values[1:] - values[0]).reshape(3, OTHERS, 3)
            found[name].append(np.array([[mean(change[number, :, zone]) for number in range(3)] for zone in range(3)]))
    return {name: np.array(one) if name == "differences" else normalised(np.array(one)) for name, one in found.items()}


def normalised(values: np.ndarray) -> np.ndarray:
    """Shares of their sum over the last axis; NaN where no other jet could be compared with."""
    whole = values.sum(axis=2, keepdims=True)
    return np.where(whole > 0, values, np.nan) / np.where(whole > 0, whole, 1.0)


def mean(values: np.ndarray) -> float:
    """Mean of those that are known."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0


def interval(values: np.ndarray, rng: np.random.Generator) -> str:
    """Median with its bootstrap interval; values (case,)."""
    values = values[np.isfinite(values)]
    again = np.median(rng.choice(values, (400, len(values))), axis=1)
    low, high = np.percentile(again, (2.5, 97.5))
    return f"{np.median(values):.2f} ({low:.2f} ... {high:.2f})"


def picture(found: np.ndarray, field: tuple[np.ndarray, np.ndarray], folder: Path) -> None:
    """Bars of mean shares, a panel for each zone."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = [*CHOSEN, "ln |D|: exchange", "ln |D|: int. gradients"]
    figure, panels = plt.subplots(1, 3, figsize=(9.6, 3.8), layout="constrained", sharey=True)
    for zone, axes in enumerate(panels):
        for row, name in enumerate(names):
            if row < len(CHOSEN):
                parts = dict(zip(GROUPS, np.nanmean(found[:, row, zone], axis=0), strict=True))
            else:
                parts = dict(zip(NUMBERS, np.nanmean(field[row - len(CHOSEN)][:, zone], axis=0), strict=True))
            start = 0.0
            for group, share in parts.items():
                label = group.replace("nu", "ν").replace("_2", "₂") if zone == 0 and name == CHOSEN[0] else None
                axes.barh(row, share, left=start, color=COLOURS[group], height=0.75, label=label)
                start += share
        axes.set(title=ZONES[zone], xlabel="share", xlim=(0, 1))
        axes.axhline(len(CHOSEN) - 0.5, color="k", lw=0.8)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    figure.legend(loc="outside upper center", ncols=len(GROUPS))
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "jet.png", dpi=110)


def main(argv: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", default=None, help="folder of a run [the shipped network]")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument(
        "--solved", type=int, default=60, help="of them, also by the solver: none, or more than the jets of an exchange"
    )
    parser.add_argument("--pictures", type=Path, default=None)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    model, rng = load_network(options.run), np.random.default_rng(3)
    rows = draw(model, options.cases, rng)
    found, alike = of_network(model, rows, rng)
    for zone, title in enumerate(ZONES):
        print(f"{title}: share of |relevance| for what the network adds to ln |D|")
        print(" " * 22 + "".join(f"{name:>22}" for name in GROUPS))
        for row, name in enumerate(CHOSEN):
            print(f"{name:22}" + "".join(f"{interval(one, rng):>22}" for one in found[:, row, zone].T), flush=True)
    print("|cosine| between the relevances in the cone and at the sideline")
    for name, values in alike.items():
        print(f"{name:22}{interval(values, rng)}")
    field = of_field(model, rows, rng)
    for name, values in zip(("exchange", "integrated gradients"), field, strict=True):
        print(f"ln |D| itself, {name}")
        for zone, title in enumerate(ZONES):
            print(
                f"{title:22}"
                + "".join(f"{n}: {interval(one, rng)}   " for n, one in zip(NUMBERS, values[:, zone].T, strict=True))
            )
    if options.pictures:
        picture(found, field, options.pictures)
    if options.solved:
        checked = of_solver(model, rows[: options.solved], rng)
        gaps = checked.pop("differences")
        print(f"ln |D| by exchange, {len(gaps)} jets; largest difference between solver and surrogate of each jet:")
        print(f"median {np.median(gaps):.1e}, largest {gaps.max():.1e}")
        for name, values in checked.items():
            for zone, title in enumerate(ZONES):
                shares_of = (
                    f"{n}: {np.nanmedian(one):.2f}   " for n, one in zip(NUMBERS, values[:, zone].T, strict=True)
                )
                print(f"{name:17}{title:22}" + "".join(shares_of))


if __name__ == "__main__":
    main()
