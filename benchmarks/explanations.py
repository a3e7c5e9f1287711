"""Methods of explanation against measures, on the networks that come with the package, and sanity checks.

    wavenet generate derivative -o derivative.h5
    wavenet generate forward -o forward.h5
    python benchmarks/augmentation.py --data derivative.h5 --runs RUNS
    python benchmarks/explanations.py --derivative derivative.h5 --forward forward.h5 --runs RUNS

Medians over unseen cases with 95 % bootstrap intervals. Elements are cells (constrained network, U-net), modes
(directivity) or inputs (forward model); regions: a stencil's neighbourhood on the point's side of the wall; the modes
whose main lobe is close by. Perturbed are patches of 8 x 8 cells, which go 1 % of the way towards those of another
case, and single modes or inputs, which go half of it: mean change of the explained output, relative to it and at most
1, over the first steps.
"""

import argparse
import copy

import numpy as np
import torch
from augmentation import trained
from explained import arrays, by_element, channels, fields, inputs
from scipy import stats

from wavenet import derivatives
from wavenet.explain.measures import interval, outside_inside, perturbation, segmentation
from wavenet.explain.methods import METHODS

STEPS = {"constrained network": (10, 0.01), "U-net": (10, 0.01), "directivity": (2, 0.5), "forward model": (2, 0.5)}


def measured(name, explained, random):
    """{measure: value} of every method for one output."""
    found = {}
    first = explained.about["channels_first"]
    seen, others = (channels(values, first) for values in (explained.seen, explained.others))
    for label, method in METHODS.items():
        method = (
            (lambda core: METHODS["chance"](core, seed=int(random.integers(2**31)))) if label == "chance" else method
        )
        relevance = explained.relevance(method)
        row = {}
        if explained.region.any():
            row["outside–inside"] = outside_inside(relevance[None], explained.region)[0]
            row["mIOU"] = segmentation(relevance[None], explained.region)[0][0]
        for which in ("positive", "negative"):
            steps, amount = STEPS[name]
            options = {"steps": steps, "amount": amount, "first": which}
            curve = perturbation(explained.predict, seen, others, relevance, explained.about["patches"], **options)
            row[f"{which} first"] = curve[1:].mean()
        found[label] = row
    return found


def table(name, outputs):
    """Print one network's table."""
    random = np.random.default_rng(0)
    rows = [measured(name, explained, random) for explained in outputs]
    names = list(rows[0]["rap"])
    print(f"\n**{name}**, {len(rows)} outputs\n\n| | {' | '.join(names)} |\n|---|{'---|' * len(names)}", flush=True)
    for label in METHODS:
        cells = [str(interval([row[label][measure] for row in rows])) for measure in names]
        print(f"| {label} | {' | '.join(cells)} |", flush=True)


def redrawn(model, seed=0):
    """The same network with the weights of before training."""
    torch.manual_seed(seed)
    other = copy.deepcopy(model)
    for module in other.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return other


def sanity(options):
    """Rank correlation of relevance, cell by cell, with that of networks that know nothing."""
    real = derivatives.load("unet")
    others = {
        "random weights": redrawn(real),
        "trained on other fields' velocities": trained("other fields' velocities", options.derivative, options.runs),
        "trained on fewer fields": trained("as they are", options.derivative, options.runs),
    }
    print(
        f"\n**Sanity: the U-net's relevance against other networks'**, rank correlation\n\n| | {' | '.join(others)} |"
    )
    print(f"|---|{'---|' * len(others)}", flush=True)
    found: dict = {}
    for explained in fields(options.derivative, options.sanity, network=("unet", real)):
        for label in METHODS:
            if label != "chance":
                mine = explained.relevance(METHODS[label])
                for name, model in others.items():
                    core = model.core(torch.tensor([explained.about["parameters"]]))
                    theirs = METHODS[label](core).attribute(explained.seen, explained.selector)[0]
                    rank = stats.spearmanr(mine, by_element(theirs.double(), True)).statistic
                    found.setdefault(label, {}).setdefault(name, []).append(rank)
    for label, row in found.items():
        print(f"| {label} | {' | '.join(str(interval(row[name])) for name in others)} |", flush=True)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--derivative", required=True)
    parser.add_argument("--forward", required=True)
    parser.add_argument("--runs", required=True)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--sanity", type=int, default=20)
    options = parser.parse_args(argv)
    table("constrained network", fields(options.derivative, options.cases))
    table("directivity", arrays(4 * options.cases))
    table("forward model", inputs(options.forward, 4 * options.cases))
    table("U-net", fields(options.derivative, options.cases, network=("unet", derivatives.load("unet"))))
    sanity(options)


if __name__ == "__main__":
    main()
