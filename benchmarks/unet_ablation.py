"""What the constrained U-net's constraints and switches of training do: python benchmarks/unet_ablation.py --data FILE.

    wavenet generate derivative -o derivative.h5
    python benchmarks/unet_ablation.py --data derivative.h5 [--fields 60 --epochs 6]

Equal short trainings from the same start: with the usual derivatives, without one of them, and with each switch.
Printed are errors of u and v in patches of disturbed validation fields (coarse, noisy, with a wrong ka), relative to
their sizes over the field: geometric mean, median and 95th percentile; the same of fields with sound from outside; and
the share of the cells whose errors are within three times the expected ones. The switch `phase` is left out: it changes
nothing that the network sees, as a test shows.
"""

import argparse
import dataclasses

import numpy as np
import torch

from data.read import Cases
from wavenet import networks
from wavenet.derivatives.constrained import combine
from wavenet.derivatives.constrained_unet import METHODS
from wavenet.derivatives.share_learning import share_loss, share_samples
from wavenet.training import loading

USUAL = ("edge", "lip", "ends", "joint")
LEFT_OUT = {"edge": "edge functions", "lip": "lip waves", "ends": "end waves", "joint": "joint waves"}
VARIANTS = {
    "untrained": (USUAL, 0),
    "edge, lip, ends, joint": (USUAL, 1),
    **{f"without {name}": (tuple(set(USUAL) - {name}), 1) for name in USUAL},
    "with barrier": ((*USUAL, "barrier"), 1),
    "with superposition": ((*USUAL, "superposition"), 1),
    "with residuals": ((*USUAL, "residuals"), 1),
}
BATCH, RATE = 8, 1e-3


def without(samples, constraints):
    """The samples of a network that lacks some derivatives: these have no share."""
    features, prior, errors, numbers = samples
    prior = prior.clone()
    for name, method in LEFT_OUT.items():
        if name not in constraints:
            prior[:, :, METHODS.index(method)] = torch.inf
    return features, prior, errors, numbers


def train(model, samples, epochs):
    """Steps of Adam on the patches."""
    optimiser, random = torch.optim.Adam(model.backbone.parameters(), RATE), torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for chosen in torch.randperm(len(samples[0]), generator=random).split(BATCH):
            optimiser.zero_grad()
            share_loss(model, [part[chosen] for part in samples])[0].mean().backward()
            torch.nn.utils.clip_grad_norm_(model.backbone.parameters(), 1.0)
            optimiser.step()


def judge(model, samples):
    """Relative errors of u and v of each patch, (patch, 2), and the share of cells within three expected errors."""
    errors, within = [], []
    with torch.no_grad():
        for chosen in torch.arange(len(samples[0])).split(32):
            features, prior, missed, _ = (part[chosen] for part in samples)
            found = model.predict(features, prior)
            sizes = combine(found.shares, missed).unflatten(1, (2, 2)).norm(dim=2)
            errors.append(sizes.square().mean(dim=(2, 3)).sqrt())
            within.append((sizes < 3 * 10**found.log_error).double().mean(dim=(1, 2, 3)))
    return torch.cat(errors).numpy(), float(torch.cat(within).mean())


def words(errors):
    """Geometric mean, median and 95th percentile."""
    mean = np.exp(np.mean(np.log(np.maximum(errors, 1e-12))))
    return f"{mean:.1e} / {np.median(errors):.1e} / {np.percentile(errors, 95):.1e}"


def main(argv=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a derivative dataset")
    parser.add_argument("--fields", type=int, default=60, help="training fields; a third of it for validation")
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    splits = {name: Cases(options.data, name, task="derivative") for name in ("train", "validation")}
    entry = networks.get("constrained_unet")
    preset = entry.steps.preset("standard")

    def network(constraints):
        torch.manual_seed(0)
        return entry.steps.build(splits["train"], dataclasses.replace(preset, constraints=constraints), None)

    def samples(constraints, split, seed):
        count = options.fields if split == "train" else options.fields // 3
        fields = loading.of_task("derivative").one_by_one(splits[split])
        return share_samples(network(constraints), fields, count, seed).tensors

    made = {False: samples(USUAL, "train", 0), True: samples((*USUAL, "superposition"), "train", 0)}
    usual, returning = samples(USUAL, "validation", 1), samples((*USUAL, "superposition"), "validation", 1)
    print("| training | u, v | sound from outside, u, v | within 3 |\n|---|---|---|---|")
    for name, (constraints, epochs) in VARIANTS.items():
        model = network(constraints)
        train(model, without(made["superposition" in constraints], constraints), options.epochs * epochs)
        (errors, share), (others, _) = (judge(model, without(of, constraints)) for of in (usual, returning))
        print(f"| {name} | {words(errors)} | {words(others)} | {share:.0%} |", flush=True)


if __name__ == "__main__":
    main()
