"""The surrogate of jets against what learns fields directly from the same jets: directivities of unseen modes.

    python benchmarks/jet_baselines.py --data jet.h5 [--run FOLDER] [--jets 8000] [--epochs 400]

One cut-on mode of each training jet of the file that the network takes, from the solver, at 36 angles, is what the
others learn from: a black-box network (m, n, alpha, ka, M, M_2, C, D -> D(theta), three layers of 192, trained on
relative errors), a Gaussian process with the same inputs (squared exponential, one length for each input and its
noise by marginal likelihood, 3000 modes), and the nearest case of the same m and n. Test: one mode of jets drawn anew
from the ranges of the file, uniformly.
"""

import argparse
import time

import numpy as np
import torch
from torch import nn

from analytic import cut_on_orders, radial_eigenvalue, sweep
from data.read import read
from wavenet.jets.network import PARAMETERS, JetNetwork
from wavenet.study.jets import load_network

THETA = np.linspace(0, np.pi, 36)
BATCH, RATE, WIDTH = 256, 3e-3, 192
TESTED = 500  # modes
PROCESS, TUNED = 3000, 500  # modes of the Gaussian process, and of those that choose its lengths


def modes(model: JetNetwork, jets: np.ndarray, each: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Cut-on modes (case, 7: m, n, rest of `PARAMETERS`) of jets that the network takes, and their D (case, angle)."""
    rows = []
    for jet in jets:
        count = cut_on_orders(jet[1], int(jet[0]), jet[2])
        chosen = rng.permutation(count)[:each] if count else []
        rows += [(jet[0], n, *jet[1:]) for n in chosen]
    given = np.array(rows)
    kutta = torch.tensor(1.0)
    good = model.usable(*(torch.from_numpy(one) for one in (*given.T[:2].astype(int), *given.T[2:])), kutta)
    given = given[good]
    m, n, ka, mach, mach_outer, speed, density = given.T
    streams = {"mach": mach, "mach_outer": mach_outer, "sound_speed_ratio": speed, "density_ratio": density}
    found = sweep(m.astype(int), n.astype(int), ka, THETA, **streams, errors="record")
    return given[found.valid], found.directivity[found.valid]


def inputs(given: np.ndarray) -> np.ndarray:
    """m, n, alpha, ln ka, M, M_2, C, ln D (case, 8)."""
    m, n, ka, mach, mach_outer, speed, density = given.T
    alpha = [radial_eigenvalue(int(a), int(b)) for a, b in zip(m, n, strict=True)]
    return np.stack([m, n, alpha, np.log(ka), mach, mach_outer, speed, np.log(density)], axis=1)


def errors(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Relative L2 errors over the arc (case,)."""
    return np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)


def black_box(train: np.ndarray, target: np.ndarray, test: np.ndarray, epochs: int) -> np.ndarray:
    """Directivities of a network from the inputs to D."""
    torch.manual_seed(1)
    mean, spread = train.mean(axis=0), train.std(axis=0)
    size = np.linalg.norm(target, axis=1, keepdims=True)
    y = torch.from_numpy(np.concatenate([target.real, target.imag], axis=1) / size).float()
    # The size is learned as its logarithm beside the shape, as sizes differ by orders of magnitude.
    log = np.log(size)
    y = torch.cat([y, torch.from_numpy((log - log.mean()) / log.std()).float()], dim=1)
    x = torch.from_numpy((train - mean) / spread).float()
    layers: list[nn.Module] = []
    for before, after in ((x.shape[1], WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH)):
        layers += [nn.Linear(before, after), nn.SiLU()]
    net = nn.Sequential(*layers, nn.Linear(WIDTH, y.shape[1]))
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    steps = epochs * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1)
    for _ in range(epochs):
        for rows in torch.randperm(len(x))[: len(x) // BATCH * BATCH].split(BATCH):
            optimizer.zero_grad()
            loss = (net(x[rows]) - y[rows]).square().sum(dim=1).mean()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        found = net(torch.from_numpy((test - mean) / spread).float()).double().numpy()
    shape = found[:, :36] + 1j * found[:, 36:72]
    return shape * np.exp(found[:, 72:] * log.std() + log.mean())


def process(train: np.ndarray, target: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Directivities of a Gaussian process; all angles share the kernel."""
    mean, spread = train.mean(axis=0), train.std(axis=0)
    x, z = (torch.from_numpy((one - mean) / spread) for one in (train[:PROCESS], test))
    size = np.sqrt(np.mean(np.abs(target[:PROCESS]) ** 2, axis=0))
    y = torch.from_numpy(np.concatenate([target.real / size, target.imag / size], axis=1)[:PROCESS])
    numbers = torch.zeros(x.shape[1] + 1, dtype=torch.float64)
    numbers[-1] = -4.0
    numbers.requires_grad_()

    def kernel(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        scale = torch.exp(-numbers[:-1])
        return torch.exp(-0.5 * ((a * scale)[:, None] - (b * scale)[None]).square().sum(dim=2))

    def factor(points: torch.Tensor) -> torch.Tensor:
        noise = torch.exp(numbers[-1]) + 1e-8
        return torch.linalg.cholesky(kernel(points, points) + noise * torch.eye(len(points), dtype=torch.float64))

    optimizer = torch.optim.LBFGS([numbers], max_iter=30, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        lower = factor(x[:TUNED])
        white = torch.linalg.solve_triangular(lower, y[:TUNED], upper=False)
        power = white.square().mean(dim=0)  # variance of each output, at its best value
        loss = lower.diagonal().log().mean() + 0.5 * power.log().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        found = (kernel(z, x) @ torch.cholesky_solve(y, factor(x))).numpy()
    return (found[:, :36] + 1j * found[:, 36:]) * size


def nearest(train: np.ndarray, target: np.ndarray, test: np.ndarray) -> np.ndarray:
    """D of the nearest case of the same m and n; zero if there is none."""
    spread = train.std(axis=0)
    found = np.zeros((len(test), target.shape[1]), complex)
    for row, case in enumerate(test):
        same = np.flatnonzero((train[:, 0] == case[0]) & (train[:, 1] == case[1]))
        if len(same):
            distance = (((train[same] - case) / spread) ** 2).sum(axis=1)
            found[row] = target[same[np.argmin(distance)]]
    return found


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="dataset of the recipe jet")
    parser.add_argument("--run", default=None, help="folder of a run [the shipped network]")
    parser.add_argument("--jets", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=400)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    model, rng, file = load_network(options.run), np.random.default_rng(2), read(options.data)
    jets = np.stack([file[name] for name in PARAMETERS], axis=1)
    train, target = modes(model, jets[file.cases("train")][: options.jets], 1, rng)
    low, high = np.array(model.config.low), np.array(model.config.high)
    anew = rng.uniform(low, high, (2 * TESTED, len(PARAMETERS)))
    anew[:, 0] = rng.integers(low[0], high[0] + 1, len(anew))
    test, exact = (one[:TESTED] for one in modes(model, anew, 1, rng))
    columns = inputs(train), target, inputs(test)
    print(f"{len(train)} modes of as many jets to learn from; {len(test)} unseen modes; median / 95 %, CPU time")
    m, n = (torch.from_numpy(one.astype(int)) for one in test.T[:2])
    ka, mach, *outer = (torch.from_numpy(one.copy()) for one in test.T[2:])
    streams = dict(zip(PARAMETERS[3:], outer, strict=True))

    def surrogate() -> np.ndarray:
        with torch.no_grad():
            return model.directivity(m, n, ka, mach, torch.from_numpy(THETA), **streams).numpy()

    for name, method in (
        ("factors by network, closed forms", surrogate),
        ("nearest case of the same m, n", lambda: nearest(*columns)),
        ("Gaussian process", lambda: process(*columns)),
        ("black-box network", lambda: black_box(*columns, options.epochs)),
    ):
        started = time.process_time()
        size = errors(method(), exact)
        seconds = time.process_time() - started
        print(f"{name:34} {np.median(size):.1e} / {np.percentile(size, 95):.1e}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
