"""Fit Helmholtz and Mach number to microphone pressures, by gradients: python examples/fit_frequency_and_flow.py.

The pressures are those of four modes at 40 microphones eight radii away, from the solver, with noise 20 dB below them.
The amplitudes, ka and M are unknown, except for a range of ka and M. For any ka and M the best amplitudes follow from
least squares; a quasi-Newton method, differentiating through the surrogate, minimises the residual from the best point
of a coarse scan. Prints the estimates.
"""

import argparse

import numpy as np
import torch

from analytic import DuctMode, solve
from wavenet import far_field

MODES = ((0, 0), (1, 1), (-3, 0), (5, 0))
HELMHOLTZ, MACH, NOISE = 11.3, 0.27, 0.1
RANGES = (11.0, 11.7), (0.15, 0.35)


def measure(rng, microphones=40, radius=8.0):
    """Positions x, r, phi and pressures of an array."""
    angle, phi = np.radians(rng.uniform(15, 130, microphones)), rng.uniform(0, 2 * np.pi, microphones)
    x, r = radius * np.cos(angle), radius * np.sin(angle)
    pressure = np.zeros(microphones, complex)
    for m, n in MODES:
        field = solve(DuctMode(abs(m), n, HELMHOLTZ, MACH), tolerance=1e-5).at(x, r)
        pressure += rng.normal(size=2) @ [1, 1j] * field.pressure * np.exp(1j * m * phi)
    noise = NOISE * np.sqrt(np.mean(np.abs(pressure) ** 2) / 2)
    return x, r, phi, pressure + noise * (rng.normal(size=(microphones, 2)) @ [1, 1j])


def residual(model, numbers, x, r, phi, pressure):
    """Relative squared residual of the pressures at ka and M, with amplitudes by least squares."""
    m, n = (torch.tensor(column) for column in zip(*MODES, strict=True))
    response = model.pressure(m.abs(), n, numbers[0], numbers[1], x, r) * torch.exp(1j * torch.outer(m.double(), phi))
    orthonormal = torch.linalg.qr(response.T)[0]
    left = pressure - orthonormal @ (orthonormal.conj().T @ pressure)
    return left.abs().square().sum() / pressure.abs().square().sum()


def fit(model, measured, ranges=RANGES):
    """ka and M, and the relative residual."""
    measured = [torch.from_numpy(np.asarray(value)) for value in measured]
    scan = torch.cartesian_prod(*(torch.linspace(low, high, 9, dtype=torch.float64) for low, high in ranges))
    with torch.no_grad():
        start = min(scan, key=lambda point: float(residual(model, point, *measured)))
    numbers = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([numbers], lr=0.3, max_iter=60, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = residual(model, numbers, *measured)
        loss.backward()
        return loss

    optimizer.step(closure)
    return numbers.detach().numpy(), float(closure().detach()) ** 0.5


def main(argv=None):
    """Print the estimates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    model = far_field.load()
    measured = measure(np.random.default_rng(options.seed))
    (helmholtz, mach), left = fit(model, measured)
    print(f"ka = {helmholtz:.4f} (true {HELMHOLTZ}), M = {mach:.4f} (true {MACH}); residual {left:.3f}, noise {NOISE}")


if __name__ == "__main__":
    main()
