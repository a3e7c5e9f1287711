"""What a user computes with networks, as functions of the device; tests compare devices by them.

Each returns {name: tensor on the CPU}. Inputs are made on the CPU from fixed seeds, potentials of independent random
numbers among them: the methods that the constrained network weighs agree on smooth fields and differ on these.
"""

import copy
import functools
import warnings

import numpy as np
import torch
from torch import nn

from data.field import Potential
from data.microphones import MicrophoneArray
from wavenet import networks, runs
from wavenet.derivatives.constrained import ConstrainedConfig, ConstrainedNetwork
from wavenet.derivatives.constrained_unet import ConstrainedUNet, ConstrainedUNetConfig
from wavenet.derivatives.share_learning import share_samples
from wavenet.derivatives.unet import CONSTRAINTS, UNet, UNetConfig
from wavenet.devices import full_precision
from wavenet.explain.methods import METHODS
from wavenet.explain.representations import worst_change
from wavenet.forward import radiated
from wavenet.networks import Explained
from wavenet.rap import INPUT_RULES, SPLITS, attribute
from wavenet.study import detection, differentiation, prediction, relevance, tasks
from wavenet.study.bench import Bench
from wavenet.study.controls import Mode
from wavenet.training.error_samples import error_samples
from wavenet.training.losses import velocity_residuals
from wavenet.training.presets import Preset

from .studies import near_fields, pressures

X, R = (np.arange(32) + 0.5 - 16) / 16, (np.arange(32) + 0.5) / 16
DOUBLE, SINGLE = 1e-10, 1e-6  # what results on two devices may differ by, relative root mean square


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def waves(cases=2):
    """Parameters (case, 3): m, ka, M."""
    return torch.tensor([[1.0, 6.0, 0.2], [0.0, 4.0, -0.3], [3.0, 7.5, 0.1]], dtype=torch.float64)[:cases]


def modes(cases=3):
    """Inputs of a forward network, (case, 5), single precision; the last one close to cut-on."""
    return torch.tensor([[1, 0, 1.8412, 8, 0.3], [4, 2, 12.6819, 22, -0.4], [2, 1, 6.7061, 6.71, 0.0]])[:cases]


@functools.cache
def shipped(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return runs.load(runs.folder_of(name))[1]


def network(name, device):
    return copy.deepcopy(shipped(name)).to(device)


def constrained(device, noise):
    model = network("derivative", device).on_grid(X, R, noise=noise)
    psi, parameters = random(2, 2, 32, 32).to(device), waves().to(device)
    with torch.no_grad():
        return {
            "velocity": model(psi, parameters).cpu(),
            "shares": model.weights(parameters).cpu(),
            "expected": model.expected_error(parameters).cpu(),
        }


def unet_with(constraints, device):
    edge = copy.deepcopy(shipped("derivative").edge) if "edge" in constraints else None
    torch.manual_seed(0)
    model = UNet(UNetConfig(tuple(X), tuple(R), width=4, levels=3, constraints=constraints), edge)
    nn.init.normal_(model.backbone.head.weight, std=0.3)
    return model.to(device).eval()


def unet(device, constraints):
    with torch.no_grad():
        found = unet_with(constraints, device)(random(2, 2, 32, 32).to(device), waves().to(device))
    return {"velocity": found.cpu()}


def shipped_unet(device):
    psi, parameters = random(1, 2, 128, 64, dtype=torch.float32), waves(1)
    with torch.no_grad():
        return {"velocity": network("unet", device)(psi.to(device), parameters.float().to(device)).cpu()}


def forward(device):
    with torch.no_grad():
        return {"pressure": network("mlp", device)(modes().to(device)).cpu()}


def radiated_pressure(device):
    """The feed-forward model, at its own microphones and at others."""
    model, inputs = network("forward", device), torch.cat([modes().double(), torch.zeros(3, 1)], dim=1).to(device)
    angle = torch.linspace(0.3, 2.5, 7, dtype=torch.float64)
    with torch.no_grad():
        elsewhere = model.at(6 * torch.cos(angle), 6 * torch.sin(angle))(inputs).cpu()
        return {"pressure": model(inputs).cpu(), "at": elsewhere, "features": model.features(model.modes(inputs)).cpu()}


def constrained_unet(device, noise):
    model = network("constrained_unet", device).on_grid(X, R, noise=noise)
    psi, parameters = random(1, 2, 32, 32).to(device), waves(1).to(device)
    with torch.no_grad():
        return {"velocity": model(psi, parameters).cpu(), "expected": model.expected_error(psi, parameters).cpu()}


def jets(device):
    model, outer = network("jet_factor", device), {"mach_outer": 0.05, "sound_speed_ratio": 0.8, "density_ratio": 1.4}
    given = [torch.tensor(values) for values in ([0, 2], [0, 0], [3.0, 6.0], [0.3, 0.5])]  # from anywhere
    theta = torch.linspace(0.2, 2.8, 9, dtype=torch.float64)
    with torch.no_grad():
        found = model.directivity(*given, theta, **outer), model.reflection(*given, **outer)
        power = model.radiated(*given, **outer)
    return {"D": found[0].cpu(), "R": found[1].cpu(), "power": power.cpu()}


def directivity(device):
    model, theta = network("factor", device), torch.linspace(0, np.pi, 19, dtype=torch.float64)
    m, n = torch.tensor([-2, 0, 5]), torch.tensor([0, 1, 0])
    ka = torch.tensor([5.0, 7.0, 9.0], dtype=torch.float64, requires_grad=True)
    found = model(m, n, ka, 0.2, theta)
    (slope,) = torch.autograd.grad(found.abs().sum(), ka)
    x, r = 8 * torch.cos(theta[1:12]), 8 * torch.sin(theta[1:12])
    # Superposition: the far field of several modes at once
    core = model.core(m[:2], n[:2], 9.0, 0.2, theta)
    with torch.no_grad():
        together = core(random(3, 4).to(device))
        at_microphones = model.pressure(m, n, 9.0, 0.2, x, r)
    return {"D": found.detach().cpu(), "slope": slope, "sum": together.cpu(), "p": at_microphones.cpu()}


def detected(device, few):
    model, rng = network("factor", device), np.random.default_rng(0)
    angle = np.radians(rng.uniform(15, 130, 30))
    place = 8 * np.cos(angle), 8 * np.sin(angle), rng.uniform(0, 2 * np.pi, 30)
    array = MicrophoneArray(*place, np.zeros((1, 30), complex), 5.0, 0.2)
    wanted = [(-2, 0), (0, 0), (1, 0), (3, 0)]
    exact = detection.responses(shipped("factor"), array, wanted)
    noise = 0.01 * (rng.normal(size=(2, 30)) + 1j * rng.normal(size=(2, 30)))
    array = MicrophoneArray(*place, np.array([1.0, 0.5j, 0, 0]) @ exact + noise, 5.0, 0.2)
    found = detection.detect(model, array, wanted, few=few)
    rows = [[row.amplitude.real, row.amplitude.imag, row.half_width] for row in found.modes]
    return {"modes": torch.tensor(rows), "noise": torch.tensor([found.noise, found.condition])}


def predicted(device):
    from analytic import DuctMode

    found = prediction.predict(network("factor", device), DuctMode(2, 0, 5.0, 0.3), np.linspace(0, 180, 19))
    return {"p": torch.from_numpy(found.far.pressure), "bar": torch.tensor([found.error_bar])}


def differentiated(device, noise):
    psi = random(2, 32, 32).numpy()
    given = Potential(X, R, psi[0] + 1j * psi[1], 1, 6.0, 0.2)
    found = differentiation.differentiate(given, network("derivative", device), noise=noise)
    names = ("axial_velocity", "radial_velocity", "pressure", "axial_velocity_error", "radial_velocity_error")
    arrays = {name: torch.from_numpy(getattr(found, name)) for name in names}
    return arrays | {"residual": torch.tensor([found.equation_residual])}


def of_files(device, name):
    """Predictions for a dataset, and relevance in one of its cases."""
    if name == "mlp":
        config = shipped("mlp").config
        data = pressures(
            [(1, 0, 8.0, 0.3), (4, 2, 22.0, -0.4)], training=0, pressure=random(2, len(config.x), 2).numpy()
        )
        model, case = network("mlp", device), {}
        data.arrays.update(x=np.array(config.x), r=np.array(config.r))
    else:
        data, case = near_fields([(1, 6.0, 0.2), (3, 7.5, 0.1)], (32, 32), (1 / 16, 1 / 16)), {"at": (0.1, 1.0)}
        model = network("derivative", device).on_grid(data["x"], data["r"]) if name == "derivative" else None
        model = unet_with((), device) if model is None else model
    found, _ = tasks.predict(model, data, np.arange(2))
    arrays = {"predicted": torch.from_numpy(found)}
    for result in relevance.attribute(model, data, 1, case.get("at"), METHODS["rap"]):
        values = result.relevance if name != "mlp" else list(result.relevance.values())
        arrays |= {f"relevance of {result.quantity}": torch.tensor(np.array(values))}
        arrays |= {f"sum of {result.quantity}": torch.tensor([result.value, result.relevance_sum])}
    return arrays


def conv(kind, *sizes, **options):
    return getattr(nn, kind)(*sizes, **options)


class Joined(nn.Module):
    """Skips: concatenation, addition, a slice, a mask, a mean."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(8, 4, 3, padding="same", dilation=2)
        self.last = nn.Linear(4, 3)
        self.register_buffer("mask", (torch.arange(64).reshape(8, 8) % 3 > 0).double())

    def forward(self, x):
        a = torch.relu(self.first(x))
        b = self.second(torch.cat([a, a[:, :2] * self.mask, 0.5 * a[:, 2:]], dim=1))
        return self.last((a + b).flatten(2).mean(dim=2))


RULES = {  # models whose layers, together, have every kind of rule; shape of a case
    "linear": (lambda: nn.Sequential(nn.Linear(6, 5), nn.SiLU(), nn.Dropout(), nn.Linear(5, 3)), (6,)),
    "1d": (
        lambda: nn.Sequential(
            conv("Conv1d", 2, 4, 3, padding="same", dilation=2),
            nn.Tanh(),
            nn.MaxPool1d(2),
            conv("ConvTranspose1d", 4, 2, 3, stride=2),
        ),
        (2, 8),
    ),
    "2d": (
        lambda: nn.Sequential(
            *(conv("Conv2d", 4, 8, 3, groups=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2)),
            *(conv("ConvTranspose2d", 8, 4, 2, stride=2), nn.PixelShuffle(2), nn.ReflectionPad2d(1)),
            *(nn.Upsample(scale_factor=2), nn.AdaptiveMaxPool2d(3), nn.Flatten(), nn.Linear(9, 3)),
        ),
        (4, 8, 8),
    ),
    "3d": (
        lambda: nn.Sequential(
            conv("Conv3d", 1, 3, 2),
            nn.ReLU(),
            nn.MaxPool3d(2),
            conv("ConvTranspose3d", 3, 1, 2),
            nn.Flatten(),
            nn.Linear(27, 2),
        ),
        (1, 5, 5, 5),
    ),
    "joined": (Joined, (2, 8, 8)),
}


def explained_by(device, model, how):
    build, shape = RULES[model]
    torch.manual_seed(0)
    model = build().double().eval().to(device)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean += 0.1
    x = random(3, *shape)
    with torch.no_grad():
        selector = random(*model(x.to(device)).shape, seed=1).to(device)
    x = x.to(device)
    if isinstance(how, str):
        relevance = METHODS[how](model).attribute(x, selector)
        assert relevance.device.type == torch.device(device).type
        return {"relevance": relevance.cpu()}
    split, input_rule = how
    found = attribute(model, x, selector, split=split, input_rule=input_rule)
    leaks = torch.stack([layer.leak for layer in found.layers])
    return {"relevance": found.relevance.cpu(), "output": found.output.cpu(), "incoming": (leaks + found.output).cpu()}


def part_explained(device, name):
    """RAP of the part of a shipped network that the commands explain."""
    model, entry = network(name, device), networks.of(shipped(name))
    inputs = {"mlp": (modes(1),), "forward": (torch.cat([modes(1), torch.zeros(1, 1)], dim=1),)}.get(
        name, (random(1, 2, 128, 64), waves(1))
    )
    with torch.no_grad(), full_precision():  # a part that is called by itself has no other protection
        part: Explained = entry.explain(model, [x.to(device) for x in inputs])
        values = part.module(part.seen)
    cell = (0, slice(None), *(size // 2 for size in values.shape[2:]))
    selector = torch.zeros_like(values)
    selector[cell] = values[cell]
    return {"relevance": attribute(part.module, part.seen, selector).relevance.cpu()}


def most_changing(device):
    model = unet_with((), device)
    parameters = waves(1).float().to(device)
    found = worst_change(
        lambda x: model(x, parameters), random(1, 2, 32, 32, dtype=torch.float32).to(device), 0.01, steps=1
    )
    return {"size": found.square().mean().sqrt().cpu()[None]}


def explored(device):
    bench, mode = Bench(device), Mode.of(m=2, n=0, helmholtz=5.0, mach=0.2)
    found = bench.relevance(mode, "u", 0.1, 1.0)
    arrays = {"D": bench.directivity(mode).surrogate.amplitude, "v": bench.derivative(mode, "v").surrogate}
    arrays |= {"relevance": found.relevance, "shares": np.array(list(found.shares.values()))}
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def step(device, name):
    """Loss and gradients of one training step, in double precision, of a small network."""
    edge = copy.deepcopy(shipped("derivative").edge)
    torch.manual_seed(0)
    psi, parameters = random(2, 2, 32, 32), waves()
    velocity = random(2, 4, 32, 32, seed=1)
    preset = Preset(1, 2, 1e-3, 1, 4, physics=0.1)
    if name == "constrained":
        model = ConstrainedNetwork(ConstrainedConfig(tuple(X), tuple(R), width=8), edge)
        cases = torch.utils.data.TensorDataset(psi, parameters, velocity)
        samples = error_samples(model, cases, 2)
        batch = [torch.stack(column) for column in zip(*(samples[index] for index in range(2)), strict=True)]
    elif name == "constrained_unet":
        base = ConstrainedNetwork(ConstrainedConfig(tuple(X), tuple(R), width=8), edge)
        model = ConstrainedUNet(ConstrainedUNetConfig(tuple(X), tuple(R), width=4), base)
        batch = list(share_samples(model, torch.utils.data.TensorDataset(psi, parameters, velocity), 2).tensors)
    elif name == "mlp":
        model = copy.deepcopy(shipped("mlp"))
        batch = [modes(2), random(2, len(model.config.x), 2, dtype=torch.float32)]
    elif name == "feedforward":
        model = copy.deepcopy(shipped("forward"))
        inputs = torch.cat([modes(2), torch.zeros(2, 1)], dim=1)
        batch = list(radiated.samples(model, inputs, random(2, len(model.config.x), 2)))
    else:
        constraints = () if name == "unet" else tuple(CONSTRAINTS)
        model = unet_with(constraints, "cpu")
        batch = [psi, parameters, velocity]
    types = {True: torch.complex128, False: torch.float64}
    model, batch = model.double().to(device).train(), [x.to(device, types[x.is_complex()]) for x in batch]
    steps = networks.of(model).steps
    if steps.prepare is not None:
        with torch.no_grad():
            steps.prepare(model, *batch)
    values, numbers = steps.loss(model, batch)
    if name.startswith("unet"):
        values = values + velocity_residuals(model, batch, preset)
    (values / numbers).mean().backward()
    slopes = {key: value.grad.cpu() for key, value in model.named_parameters() if value.grad is not None}
    assert slopes
    return {"loss": values.detach().cpu()} | slopes


def subsets():
    """The U-net without constraints, with each of them, with all."""
    return [(), *((name,) for name in CONSTRAINTS), tuple(CONSTRAINTS)]


COMPUTATIONS = {  # name: (function of the device, what its results may differ by)
    **{
        f"constrained network, noise {noise}": (functools.partial(constrained, noise=noise), DOUBLE)
        for noise in (0.0, 1e-2)
    },
    **{
        f"U-net, {' '.join(chosen) if len(chosen) < 2 else 'all constraints'}": (
            functools.partial(unet, constraints=chosen),
            SINGLE,
        )
        for chosen in subsets()
    },
    "shipped U-net": (shipped_unet, SINGLE),
    "feed-forward network": (forward, SINGLE),
    "feed-forward model": (radiated_pressure, SINGLE),
    **{
        f"constrained U-net, noise {noise}": (functools.partial(constrained_unet, noise=noise), SINGLE)
        for noise in (0.0, 1e-2)
    },
    "jets": (jets, DOUBLE),
    "directivity": (directivity, DOUBLE),
    **{f"detection, few={few}": (functools.partial(detected, few=few), DOUBLE) for few in (False, True)},
    "prediction": (predicted, DOUBLE),
    **{f"differentiate, noise {n}": (functools.partial(differentiated, noise=n), DOUBLE) for n in (0.0, 1e-2)},
    **{
        f"dataset, {name}": (functools.partial(of_files, name=name), tolerance)
        # The U-net's |v| is a twentieth of its |u|, and its phase, which is explained, has the rounding of |u|.
        for name, tolerance in (("derivative", DOUBLE), ("unet", 3 * SINGLE), ("mlp", SINGLE))
    },
    **{
        f"RAP, {model}, {split}, {rule}": (functools.partial(explained_by, model=model, how=(split, rule)), DOUBLE)
        for model in RULES
        for split in SPLITS
        for rule in INPUT_RULES
    },
    **{
        f"{method}, {model}": (functools.partial(explained_by, model=model, how=method), DOUBLE)
        for method in METHODS
        if not method.startswith("rap")
        for model in ("2d", "joined")
    },
    **{
        f"RAP, shipped {name}": (functools.partial(part_explained, name=name), tolerance)
        for name, tolerance in (("derivative", DOUBLE), ("unet", SINGLE), ("mlp", SINGLE), ("forward", SINGLE))
    },
    "largest change": (most_changing, SINGLE),
    "explore": (explored, DOUBLE),
    **{
        f"training step, {name}": (functools.partial(step, name=name), DOUBLE)
        for name in ("constrained", "constrained_unet", "unet", "unet with constraints", "mlp", "feedforward")
    },
}


def difference(one, other):
    """Root mean square of the difference of two results over that of the result, by name."""
    assert one.keys() == other.keys()
    return {name: float((one[name] - other[name]).norm() / other[name].norm().clamp_min(1e-300)) for name in one}
