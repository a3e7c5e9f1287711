"""Whether RAP tells one output from another, plain and as a contrast: python benchmarks/contrast.py

A classifier of shapes, trained here for seconds, sees two shapes side by side. The map of the left one's class should
lie on the left: listed is the share of the positive relevance in the left half, medians over 100 images, and the cosine
between the maps of both classes. For the forward model: |cosine| between the maps of two microphones, and between the
contrasts of each against a third.
"""

import itertools

import numpy as np
import torch
from torch import nn

from wavenet.explain.methods import METHODS
from wavenet.rap import RAP

SIZE = 12


def shape(kind, random):
    """A cross, a ring, stripes or a corner, somewhere in a field of 12 x 12 with noise."""
    field = 0.2 * random.random((SIZE, SIZE))
    x, y = random.integers(0, SIZE - 7, 2)
    part = field[x : x + 7, y : y + 7]
    i, j = np.indices((7, 7))
    r = np.hypot(i - 3, j - 3)
    part += [(i == 3) | (j == 3), abs(r - 2.5) < 0.7, i % 2 == 0, (i == 0) | (j == 0)][kind]
    return field


def pictures(count, seed):
    """(image of two different shapes, the two classes)."""
    random = np.random.default_rng(seed)
    kinds = [random.permutation(4)[:2] for _ in range(count)]
    images = [np.concatenate([shape(a, random), shape(b, random)], axis=1) for a, b in kinds]
    return torch.tensor(np.array(images))[:, None].float(), torch.tensor(np.array(kinds))


def trained():
    """A classifier that says which shapes are there."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(),
                          nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    images, kinds = pictures(800, 1)
    labels = torch.zeros(len(images), 4).scatter(1, kinds, 1.0)
    for step in range(250):
        some = torch.arange(64) + 64 * step % 736
        loss = nn.functional.binary_cross_entropy_with_logits(model(images[some]), labels[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def cosine(a, b):
    a, b = a.flatten(1).double(), b.flatten(1).double()
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))


def left(relevance):
    positive = relevance.clamp(min=0)
    return (positive[..., :SIZE].sum((1, 2, 3)) / positive.sum((1, 2, 3))).median().item()


def main():
    torch.set_num_threads(1)
    model = trained()
    images, kinds = pictures(100, 2)
    with torch.no_grad():
        right = (model(images).topk(2).indices.sort(1).values == kinds.sort(1).values).all(1)
    images, kinds = images[right], kinds[right]
    first, second = kinds[:, 0].tolist(), kinds[:, 1].tolist()
    print(f"{len(images)} of 100 pictures with both shapes found")
    print("| method | left half, class on the left | class on the right | cosine of the two maps |\n|---|---|---|---|")
    rap = RAP(model)
    maps = {
        name: [METHODS[name](model).attribute(images, t) for t in (first, second)] for name in ("rap", "lrp-epsilon")
    }
    maps["rap, contrast"] = [rap.contrast(images, first, second), rap.contrast(images, second, first)]
    for name, (a, b) in maps.items():
        print(f"| {name} | {left(a):.2f} | {left(b):.2f} | {cosine(a, b).median():.4f} |")
    forward()


def forward():
    """The forward model's dense part, by microphones."""
    from wavenet import forward as rooms

    model = rooms.load()
    network = next(m for m in model.modules() if isinstance(m, nn.Sequential))
    inputs = next(m for m in network.modules() if isinstance(m, nn.Linear)).in_features
    x = torch.randn(50, inputs, generator=torch.Generator().manual_seed(0)).to(next(network.parameters()).dtype)
    network = network.eval()
    count = network(x).shape[1]
    chosen = [0, count // 2, count - 1]
    rap = RAP(network)
    plain = [rap.attribute(x, k) for k in chosen]
    both = [cosine(a, b).abs().median().item() for a, b in itertools.combinations(plain, 2)]
    against = [rap.contrast(x, k, chosen[2]) for k in chosen[:2]]
    print(
        f"outputs of the forward model: |cosine| {max(both):.6f} plain, {cosine(*against).abs().median():.3f} contrast"
    )


if __name__ == "__main__":
    main()
