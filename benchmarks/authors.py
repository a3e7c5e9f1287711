"""RAP against its authors' code, on networks of their layers with random weights: python benchmarks/authors.py CLONE

CLONE is a clone of https://github.com/wjNam/Relative_Attributing_Propagation (commit 701d99e). Both explain the same
module: theirs by `RAP_relprop`, ours by split="reference" and input_rule="zB". Listed is the largest difference of two
relevances over the largest relevance, in double precision: of random networks of convolutions, pools and dense layers,
and of the whole of VGG16 at 224 x 224, which takes a minute of a core and 6 GB.
"""

import argparse
import sys

import numpy as np
import torch
from torch import nn

from wavenet.rap import RAP


class Network(nn.Module):
    """Their features, flattened, and their dense layers, as their VGG has it."""

    def __init__(self, features, classifier):
        super().__init__()
        self.features, self.classifier = features, classifier

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))

    def RAP_relprop(self, R):  # noqa: N802 - theirs
        return self.features.RAP_relprop(self.classifier.RAP_relprop(R).reshape_as(self.shape))


def random_network(layers, seed):
    """A network of two to four convolutions, some with a stride, one or two pools, two or three dense layers."""
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    parts, channels, size = [], 3, 16
    for k in range(int(random.integers(2, 5))):
        width, kernel = int(random.integers(4, 9)), int(random.choice([1, 3]))
        parts += [layers.Conv2d(channels, width, kernel, padding=kernel // 2), layers.ReLU()]
        channels = width
        if k < 2:
            parts.append(layers.MaxPool2d(2))
            size //= 2
    dense, width = [], channels * size * size
    for _ in range(int(random.integers(1, 3))):
        dense += [layers.Linear(width, 12), layers.ReLU()]
        width = 12
    return Network(layers.Sequential(*parts), layers.Sequential(*dense, layers.Linear(width, 5)))


def difference(model, x, target):
    """Largest difference over the largest relevance, between theirs and ours."""
    ours = RAP(model, split="reference", input_rule="zB").attribute(x, target)
    output = model(x)
    if isinstance(model, Network):
        model.shape = model.features(x)
    chosen = torch.zeros_like(output)
    chosen[:, target] = 1.0
    theirs = model.RAP_relprop(chosen).detach()
    return float((ours - theirs).abs().max() / theirs.abs().max())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone")
    parser.add_argument("--networks", type=int, default=100)
    options = parser.parse_args()
    sys.path.insert(0, options.clone)
    from modules import layers, vgg

    torch.set_num_threads(1)
    found = []
    for seed in range(options.networks):
        model = random_network(layers, seed).double().eval()
        found.append(difference(model, torch.randn(2, 3, 16, 16).double(), seed % 5))
    print(f"{options.networks} random networks: {np.median(found):.0e}, at most {max(found):.0e}", flush=True)
    torch.manual_seed(0)
    model = vgg.vgg16().double().eval()
    print(f"VGG16: {difference(model, torch.randn(1, 3, 224, 224).double(), 500):.0e}")


if __name__ == "__main__":
    main()
