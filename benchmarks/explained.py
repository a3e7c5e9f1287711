"""Shared parts of the explanation benchmarks: networks, cases, explained outputs and physical regions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from derivatives import tensors

from analytic import cut_on_orders, radial_eigenvalue
from data.read import Cases
from wavenet import derivatives, far_field, forward

NEAR = 10  # cells, of a stencil's neighbourhood
LIP = 0.36  # radius of the disc at the lip where the edge functions work
LOBE = np.radians(15)  # distance from a mode's main lobe within which its relevance is expected


@dataclass
class Explained:
    """One output of one case.

    core, seen, selector : what `RAP(core).attribute(seen, selector)` takes
    pair : indices of the output's real and imaginary part among the flattened outputs
    region : (element,) bool, where relevance is expected
    others : tensor as seen, of another case
    about : further facts for a particular study
    """

    core: torch.nn.Module
    seen: torch.Tensor
    selector: torch.Tensor
    pair: tuple
    region: np.ndarray
    others: torch.Tensor
    about: dict

    def relevance(self, method):
        """(element,): real and imaginary part together."""
        found = method(self.core).attribute(self.seen, self.selector)[0].detach().double()
        return by_element(found, self.about["channels_first"])

    def predict(self, trials):
        """Complex output of inputs (trial, channel, element)."""
        shape = (len(trials), *self.seen.shape[1:])
        values = torch.from_numpy(np.ascontiguousarray(trials)).to(self.seen.dtype)
        values = values if self.about["channels_first"] else values.transpose(1, 2)
        with torch.no_grad():
            found = self.core(values.reshape(shape)).flatten(1)[:, list(self.pair)].double().numpy()
        return found[:, 0] + 1j * found[:, 1]


def by_element(values, channels_first):
    """Sum over real and imaginary part of a case's values, (element,)."""
    return channels(values[None], channels_first).sum(axis=0)


def channels(values, channels_first):
    """(channel, element) of one case with its case axis."""
    flat = values[0].flatten(1) if channels_first else values[0].reshape(-1, 2).T
    return flat.double().numpy()


def own_phase(values, pair):
    """Selector of the projection on the output's own phase."""
    part = values.flatten(1)[0, list(pair)]
    selector = torch.zeros_like(values)
    selector.view(1, -1)[0, list(pair)] = part / part.norm()
    return selector


def own_phases(values):
    """The same for every pair (real, imaginary) of values (1, 2 output): (output, 2 output)."""
    pairs = values.reshape(-1, 2)
    selector, each = values.new_zeros(len(pairs), *pairs.shape), range(len(pairs))
    selector[each, each] = pairs / pairs.norm(dim=1, keepdim=True)
    return selector.flatten(1)


def fields(data, count, *, seed=0, points=None, network=None):
    """Outputs of a derivative network on unseen fields: u and v in turn, at random points or at given ones.

    points : function from a random generator to (x, r); network : (name, module), by default the shipped one
    """
    name, model = network or ("constrained", derivatives.load())
    cases, random = Cases(data, "test", task="derivative"), np.random.default_rng(seed)
    x, r = cases.constants["x"], cases.constants["r"]
    model = model.on_grid(x, r) if name == "constrained" else model
    chosen = random.choice(len(cases), count + 1, replace=False)
    for index, (case, other) in enumerate(zip(chosen, np.roll(chosen, -1), strict=True)):
        if index == count:
            return
        potential, parameters, velocity = tensors(cases[int(case)])
        with torch.no_grad():
            core, seen = model.core(parameters), model.explained(potential, parameters)[0]
            others = model.explained(*tensors(cases[int(other)])[:2])[0]
            values = core(seen)
        at = points(random) if points else (random.uniform(-1.7, 1.7), random.uniform(0.2, 1.7))
        i, j = int(np.argmin(np.abs(x - at[0]))), int(np.argmin(np.abs(r - at[1])))
        channel, size = 2 * (index % 2), len(x) * len(r)
        pair = channel * size + i * len(r) + j, (channel + 1) * size + i * len(r) + j
        distance = np.hypot((x[:, None] - x[i]) / (x[1] - x[0]), (r - r[j]) / (r[1] - r[0]))
        across = (x[:, None] < 0) & ((r > 1) != (r[j] > 1))
        scale = velocity[0, channel : channel + 2].square().mean().mul(2).sqrt()
        with torch.no_grad():
            miss = (
                model(potential, parameters)[0, channel : channel + 2, i, j] - velocity[0, channel : channel + 2, i, j]
            )
        about: dict[str, Any] = {
            "channels_first": True,
            "at": (x[i], r[j]),
            "x": x,
            "r": r,
            "parameters": parameters[0].tolist(),
            "distance": distance.ravel(),
            "across": across.ravel(),
            "lip": (np.hypot(x[:, None], r - 1) < LIP).ravel(),
            "patches": (np.arange(len(x))[:, None] // 8 * (len(r) // 8) + np.arange(len(r)) // 8).ravel(),
            "error": float(miss.norm() / scale),
            "case": int(case),
            "parts": (i, j, channel),
        }
        region = ((distance <= NEAR) & ~across).ravel()
        yield Explained(core, seen, own_phase(values, pair), pair, region, others, about)


def arrays(count, *, seed=0):
    """Far-field pressures by the shipped directivity of random mixtures, at random angles; elements are modes."""
    model, random = far_field.load(), np.random.default_rng(seed)
    found = 0
    while found < count:
        helmholtz, mach, m = random.uniform(12, 28), random.uniform(-0.5, 0.5), int(random.integers(0, 13))
        k, modes = helmholtz / np.sqrt(1 - mach**2), cut_on_orders(helmholtz, m, mach)
        if k > 29 or modes < 4:
            continue
        theta, n = random.uniform(np.radians(15), np.radians(110)), np.arange(modes)
        lobe = np.arccos([np.sqrt(1 - (radial_eigenvalue(m, int(one)) / k) ** 2) for one in n])
        region = np.abs(lobe - theta) < LOBE
        if not 0 < region.sum() < modes:
            continue
        core = model.core(torch.full((modes,), m), torch.from_numpy(n), helmholtz, mach, torch.tensor([theta]).double())
        seen, others = (torch.from_numpy(random.normal(size=(1, 2 * modes))) for _ in range(2))
        with torch.no_grad():
            values = core(seen)
        about = {"channels_first": False, "patches": n, "parameters": [m, helmholtz, mach]}
        yield Explained(core, seen, own_phase(values, (0, 1)), (0, 1), region, others, about)
        found += 1


def inputs(data, count, *, seed=0):
    """Pressures by the paper's forward model, at random microphones; elements are its inputs."""
    from data.read import read
    from wavenet.study.tasks import tensors as stacked

    dataset, random = read(data), np.random.default_rng(seed)
    model = forward.load("mlp")
    chosen = random.choice(dataset.cases("test"), count + 1, replace=False)
    features = model.features(stacked(dataset, chosen)[0])
    for index in range(count):
        seen, others = features[index : index + 1], features[index + 1 : index + 2]
        with torch.no_grad():
            values = model.core(seen)
        microphone = int(random.integers(0, values.shape[1] // 2))
        pair = 2 * microphone, 2 * microphone + 1
        about = {"channels_first": True, "patches": np.arange(seen.shape[1])}
        one = seen[:, None], others[:, None]
        yield Explained(_Flat(model.core).eval(), one[0], own_phase(values, pair), pair, np.zeros(0), one[1], about)


class _Flat(torch.nn.Module):
    """A network of (case, input) as one of (case, 1, input)."""

    def __init__(self, core):
        super().__init__()
        self.core = core

    def forward(self, x):
        return self.core(x[:, 0])
