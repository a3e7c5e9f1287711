"""The surrogate of jets against other methods with the same jets: directivities of unseen modes.

    python benchmarks/jet_baselines.py --data jet.h5 [--run FOLDER] [--jets 20000] [--process 12000] [--epochs 400]

All learn from training jets of the file that the network takes. Three keep the closed forms around the factors: the
network itself, trained on these jets by its preset standard (the shipped one stands beside it); a Gaussian process for
the factors' Chebyshev coefficients, of the network's own inputs; and the factors of the nearest jet of the same m. The
others learn fields: from one cut-on mode of each jet, solved at 36 angles, its D over its size, and the size's
logarithm. A black-box network (three layers of 192) and a Gaussian process are given m, n, alpha, ln ka, M, M_2, C, ln
D, or instead of the last five the network's inputs and the cut-on ratio alpha / K; the nearest case is one of the same
m and n. Gaussian processes share a Matern kernel of order 5/2 among outputs, with a length for each input and a noise
by marginal likelihood of 1000 cases, and take as many cases as --process says: 12,000 are 1.2 GB and a Cholesky
factorisation of a minute. Test: one mode of jets drawn anew from the ranges of the file, uniformly.
"""

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from analytic import radial_eigenvalue, sweep
from data.read import read
from wavenet import networks
from wavenet.jets.learning import cases, coefficients, series, untrained
from wavenet.jets.network import PARAMETERS, JetNetwork
from wavenet.study.jet_factors import THETA, StoredFactors, cut_on_counts, directivities, named, usable
from wavenet.study.jets import load_network
from wavenet.training import loop

BATCH, RATE, WIDTH = 256, 3e-3, 192
TESTED = 500  # modes
TUNED = 1000  # cases that choose the lengths of a Gaussian process


def modes(model: JetNetwork, jets: Tensor, rng: np.random.Generator) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Jets (case, parameter) that the network takes, a cut-on mode n (case,) of each, and its D (case, angle)."""
    counts = cut_on_counts(jets)
    n = rng.integers(np.maximum(counts, 1))
    good = usable(model, jets, n) & (counts > 0)
    jets, n = jets[good], n[good]
    streams = {name: one.numpy() for name, one in named(jets).items()}
    found = sweep(streams.pop("m").astype(int), n, streams.pop("helmholtz"), THETA, **streams, errors="record")
    return jets[found.valid], n[found.valid], found.directivity[found.valid]


def plain(jets: Tensor, n: np.ndarray) -> Tensor:
    """m, n, alpha, ln ka, M, M_2, C, ln D (case, 8), and the hub if there are any."""
    mode = named(jets)
    columns = [mode["m"], torch.from_numpy(n), alphas(jets, n), mode["helmholtz"].log(), mode["mach"]]
    columns += [mode["mach_outer"], mode["sound_speed_ratio"], mode["density_ratio"].log()]
    return torch.stack([*columns, *(mode[name] for name in mode.keys() & {"hub"})], dim=1)


def informed(model: JetNetwork, jets: Tensor, n: np.ndarray) -> Tensor:
    """m, n, alpha, the network's inputs and the cut-on ratio alpha / K."""
    mode, alpha = named(jets), alphas(jets, n)
    ratio = alpha * torch.sqrt(1 - mode["mach"] ** 2) / mode["helmholtz"]
    own = torch.stack([mode["m"], torch.from_numpy(n), alpha, ratio], dim=1)
    return torch.cat([own, model.features(jets)], dim=1)


def alphas(jets: Tensor, n: np.ndarray) -> Tensor:
    """Radial eigenvalues of modes (case,)."""
    mode = named(jets)
    hubs = mode.get("hub", torch.zeros(len(n)))
    rows = zip(mode["m"].tolist(), n.tolist(), hubs.tolist(), strict=True)
    return torch.tensor([radial_eigenvalue(int(m), one, hub=hub) for m, one, hub in rows], dtype=torch.float64)


def errors(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Relative L2 errors over the arc (case,)."""
    return np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)


def scaled(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs of mean 0 and spread 1 in training; one that is fixed becomes 0."""
    mean, spread = train.mean(dim=0), train.std(dim=0).clamp(min=1e-6)
    return (train - mean) / spread, (test - mean) / spread


def by_shape(method: Callable[[Tensor, Tensor, Tensor], Tensor], train: Tensor, target: np.ndarray, test: Tensor):
    """Directivities by a method that learns D over its size and ln size, as sizes differ by orders of magnitude."""
    size = np.linalg.norm(target, axis=1, keepdims=True)
    log = np.log(size)
    y = np.concatenate([target.real / size, target.imag / size, (log - log.mean()) / log.std()], axis=1)
    found = method(*(one.double() for one in scaled(train, test)), torch.from_numpy(y)).numpy()
    shape = found[:, : len(THETA)] + 1j * found[:, len(THETA) : -1]
    return shape * np.exp(found[:, -1:] * log.std() + log.mean())


def black_box(x: Tensor, z: Tensor, y: Tensor, epochs: int) -> Tensor:
    """Outputs of a network at z that has learned y at x."""
    torch.manual_seed(1)
    x, z, y = x.float(), z.float(), y.float()
    layers: list[nn.Module] = []
    for before, after in ((x.shape[1], WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH)):
        layers += [nn.Linear(before, after), nn.SiLU()]
    net = nn.Sequential(*layers, nn.Linear(WIDTH, y.shape[1]))
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    batch = min(BATCH, len(x))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * (len(x) // batch) + 1)
    for _ in range(epochs):
        for rows in torch.randperm(len(x))[: len(x) // batch * batch].split(batch):
            optimizer.zero_grad()
            loss = (net(x[rows]) - y[rows]).square().sum(dim=1).mean()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return net(z).double()


def process(x: Tensor, z: Tensor, y: Tensor, most: int) -> Tensor:
    """Means at z of a Gaussian process that has seen y at (at most) the first x; all outputs share the kernel."""
    x, y = x[:most], y[:most]
    middle = y.mean(dim=0)
    y = y - middle
    numbers = torch.full((x.shape[1] + 1,), 0.5 * np.log(x.shape[1]), dtype=torch.float64)  # distances of about one
    numbers[-1] = -6.0
    numbers.requires_grad_()

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        scale = torch.exp(-numbers[:-1])
        a, b = a * scale, b * scale
        square = (a.square().sum(dim=1)[:, None] + b.square().sum(dim=1) - 2 * a @ b.T).clamp(min=1e-12)
        far = (5 * square).sqrt()
        return (1 + far + far.square() / 3) * torch.exp(-far)

    def factor(points: Tensor) -> Tensor:
        whole = kernel(points, points)
        whole.diagonal().add_(torch.exp(numbers[-1]) + 1e-9)
        return torch.linalg.cholesky(whole)

    optimizer = torch.optim.LBFGS([numbers], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        lower = factor(x[:TUNED])
        white = torch.linalg.solve_triangular(lower, y[:TUNED], upper=False)
        power = white.square().mean(dim=0)  # variance of each output, at its best value
        loss = lower.diagonal().log().mean() + 0.5 * power.clamp(min=1e-30).log().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        whole = torch.empty(len(x), len(x), dtype=torch.float64)
        for rows in torch.arange(len(x)).split(500):  # there is memory for the matrix and its factor only
            whole[rows] = kernel(x[rows], x)
        whole.diagonal().add_(torch.exp(numbers[-1]) + 1e-9)
        return middle + kernel(z, x) @ torch.cholesky_solve(y, torch.linalg.cholesky(whole))


def closest(train: np.ndarray, test: np.ndarray, same: int) -> np.ndarray:
    """Number of the nearest row of `train` with equal values in the first columns, or -1 (case,)."""
    spread = train.std(axis=0)
    spread[spread == 0] = 1.0
    found = np.full(len(test), -1)
    for row, case in enumerate(test):
        alike = np.flatnonzero(np.all(train[:, :same] == case[:same], axis=1))
        if len(alike):
            found[row] = alike[np.argmin((((train[alike] - case) / spread) ** 2).sum(axis=1))]
    return found


class Factors:
    """Coefficients of the factors of jets of a file: parameters (jet, parameter), coefficients (jet, 4 degree)."""

    def __init__(self, model: JetNetwork, arrays: dict[str, np.ndarray], chosen: np.ndarray):
        self.model, self.degree = model, model.config.degree
        self.parameters, values = cases(arrays, chosen)
        good = torch.isfinite(values[:, 0, 0, 0])
        self.parameters, values = self.parameters[good], values[good]
        # Coefficients decay geometrically, and the network has them over these weights, too.
        self.decay = (2.0 ** -torch.arange(self.degree, dtype=torch.float64))[:, None]
        self.coefficients = (coefficients(values, self.degree) / self.decay).flatten(1)

    def around(self, found: Tensor, jets: Tensor, n: np.ndarray) -> np.ndarray:
        """D (case, angle) of modes by the closed forms around coefficients (case, 4 degree)."""
        whole = found.unflatten(1, (2, self.degree, 2)) * self.decay
        return directivities(StoredFactors(self.model.config, jets, whole), jets, n)

    def by_process(self, jets: Tensor, n: np.ndarray, most: int) -> np.ndarray:
        """D by coefficients from a Gaussian process of the network's inputs."""
        points = scaled(self.model.features(self.parameters), self.model.features(jets))
        return self.around(process(*points, self.coefficients, most), jets, n)

    def by_nearest(self, jets: Tensor, n: np.ndarray) -> np.ndarray:
        """D by the coefficients of the nearest jet of the same m."""
        return self.around(self.coefficients[closest(self.parameters.numpy(), jets.numpy(), 1)], jets, n)


def trained(like: JetNetwork, arrays: dict[str, np.ndarray], chosen: np.ndarray) -> JetNetwork:
    """The network of these jets alone, used in the whole range of one that has learned all."""
    steps = networks.get("jet").steps
    preset, jets = steps.presets["standard"], TensorDataset(*series(arrays, chosen))
    torch.manual_seed(0)
    model = untrained(jets.tensors[0], preset.width)
    model.config = dataclasses.replace(model.config, low=like.config.low, high=like.config.high)
    with tempfile.TemporaryDirectory() as run:
        return loop.fit(model, jets, jets, run, preset=preset, steps=steps, progress=False).double().eval()


def drawn(model: JetNetwork, rng: np.random.Generator) -> Tensor:
    """Jets from the ranges of training, uniformly, every other with a hub if hubs were learned: (jet, parameter)."""
    low, high = np.array(model.config.low), np.array(model.config.high)
    jets = rng.uniform(low, high, (8 * TESTED, len(PARAMETERS)))
    jets[:, 0] = rng.integers(low[0], high[0] + 1, len(jets))
    jets[:, 5] /= jets[:, 4] ** 2  # the range is that of D C^2
    if "hub" in PARAMETERS:
        jets[::2, PARAMETERS.index("hub")] = 0.0
    return torch.from_numpy(jets)


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="dataset of the recipe jet")
    parser.add_argument("--run", default=None, help="folder of a run [the shipped network]")
    parser.add_argument("--jets", type=int, default=20000)
    parser.add_argument("--process", type=int, default=12000, help="cases of a Gaussian process")
    parser.add_argument("--epochs", type=int, default=400)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    model, rng, file = load_network(options.run), np.random.default_rng(2), read(options.data)
    chosen = rng.permutation(file.cases("train"))[: options.jets]
    test, n, exact = (one[:TESTED] for one in modes(model, drawn(model, rng), rng))
    factors = Factors(model, file.arrays, chosen)
    train, radial, target = modes(model, factors.parameters, rng)
    inputs = plain(train, radial), plain(test, n)
    more = informed(model, train, radial), informed(model, test, n)
    print(f"{len(train)} modes of as many jets to learn from; {len(test)} unseen modes; median / 95 %, CPU time")

    def nearest() -> np.ndarray:
        places = [np.insert(jets.numpy(), 1, one, axis=1) for jets, one in ((train, radial), (test, n))]
        found = closest(*places, 2)
        return np.where(found[:, None] >= 0, target[found], 0.0)

    def of_network(x: Tensor, z: Tensor, y: Tensor) -> Tensor:
        return black_box(x, z, y, options.epochs)

    def of_process(x: Tensor, z: Tensor, y: Tensor) -> Tensor:
        return process(x, z, y, options.process)

    for name, method in (
        ("factors by network, closed forms", lambda: directivities(trained(model, file.arrays, chosen), test, n)),
        ("factors by the shipped network", lambda: directivities(model, test, n)),
        ("factors by Gaussian process, closed forms", lambda: factors.by_process(test, n, options.process)),
        ("factors of the nearest jet, closed forms", lambda: factors.by_nearest(test, n)),
        ("black-box network, the network's inputs", lambda: by_shape(of_network, more[0], target, more[1])),
        ("black-box network", lambda: by_shape(of_network, inputs[0], target, inputs[1])),
        ("Gaussian process, the network's inputs", lambda: by_shape(of_process, more[0], target, more[1])),
        ("Gaussian process", lambda: by_shape(of_process, inputs[0], target, inputs[1])),
        ("nearest case of the same m, n", nearest),
    ):
        started = time.process_time()
        size = errors(method(), exact)
        seconds = time.process_time() - started
        print(f"{name:42} {np.median(size):.1e} / {np.percentile(size, 95):.1e}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
