"""Small datasets and networks whose errors are known beforehand, for the tests of the study."""

import numpy as np
import torch
from scipy.special import jnp_zeros, jv, jvp

from data.read import About, Dataset

PROVENANCE = {
    "content_hash": "a" * 64,
    "recipe": "[text]",
    "recipe_name": "small",
    "seed": 3,
    "commit": "abc",
    "versions": "numpy 9",
}
SPLITS = ("train", "validation", "test")
# fields of two orders on a grid that the classical methods can still differentiate
DERIVATIVE = """
task = "derivative"
cases = 12
split = [0.5, 0.25, 0.25]
[source]
m = [0, 1]
helmholtz = [3.0, 5.0]
modes = [1, 2]
[grid]
x = [-1.0, 1.0, 24]
r = [0.0, 2.0, 24]
"""


def dataset(task, arrays, training, test, provenance=PROVENANCE):
    """A dataset whose first cases are for training and whose last are for tests."""
    split = np.array([0] * training + [2] * test)
    estimates = np.linspace(1e-3, 1e-9, len(split))  # smaller for the test cases
    return Dataset(About(task, SPLITS, provenance, (), {}), {"split": split, "error_estimate": estimates} | arrays)


def pressures(modes, training, pressure=None, **options):
    """A forward dataset of modes (m, n, ka, M); microphones on a circle; random pressures unless they are given."""
    columns = zip(("m", "n", "helmholtz", "mach"), np.array(modes, float).T, strict=True)
    arrays = {name: values.astype(int) if name in "mn" else values for name, values in columns}
    arrays |= {"radial_eigenvalue": np.ones(len(modes)), "hub": np.zeros(len(modes))}
    angle = np.radians([10.0, 60.0, 110.0, 170.0])
    if pressure is None:
        pressure = np.random.default_rng(0).normal(size=(len(modes), len(angle), 2))
    arrays |= {"x": 20 * np.cos(angle), "r": 20 * np.sin(angle), "pressure": pressure}
    return dataset("forward", arrays, training, len(modes) - training, **options)


class Off(torch.nn.Module):
    """A network that returns the truth times one plus a known error for each case, whatever it is given."""

    def __init__(self, exact, errors):
        super().__init__()
        self.answers = [torch.tensor(values * (1 + error)) for values, error in zip(exact, errors, strict=True)]

    def forward(self, first, *_):
        return torch.stack([self.answers.pop(0) for _ in first])


def duct_mode(m, helmholtz, mach, x, r):
    """potential, u, v (x, r) of the first duct mode of order m > 0 that travels downstream: exact, v = 0 at r = 1."""
    alpha = jnp_zeros(m, 1)[0]
    kappa = (np.sqrt(helmholtz**2 - (1 - mach**2) * alpha**2) - mach * helmholtz) / (1 - mach**2)
    wave = np.exp(1j * kappa * x)[:, None]
    potential = wave * jv(m, alpha * r)
    return potential, 1j * kappa * potential, wave * alpha * jvp(m, alpha * r)


def near_fields(modes, cells=(48, 48), spacings=(1 / 16, 1 / 24), training=0):
    """A derivative dataset of duct modes (m, ka, M) as `duct_mode`."""
    x = (np.arange(cells[0]) + 0.5 - cells[0] / 2) * spacings[0]
    r = (np.arange(cells[1]) + 0.5) * spacings[1]
    fields = [duct_mode(*mode, x, r) for mode in modes]
    names = ("potential", "axial_velocity", "radial_velocity")
    arrays = {name: np.stack([[f[i].real, f[i].imag] for f in fields]) for i, name in enumerate(names)}
    columns = zip(("m", "helmholtz", "mach"), np.array(modes, float).T, strict=True)
    arrays |= {name: values.astype(int) if name == "m" else values for name, values in columns}
    return dataset("derivative", arrays | {"x": x, "r": r}, training, len(modes) - training)
