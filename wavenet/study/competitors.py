"""Methods without training that a network is compared with."""

import numpy as np

from data.read import Dataset
from data.task import uniform_flow
from wavenet.arrays import ComplexArray, FloatArray, IntArray, Reals
from wavenet.derivatives.differences import ORDERS, Differences
from wavenet.derivatives.wave_stencils import WaveDerivatives

from .interpolation import interpolated
from .tasks import tensors

# Weights of m, n, ka and M in the distance between cases. Another order is another pattern, so it counts more than any
# difference of ka (up to some tens); M, which lies in -1 ... 1, is brought to the scale of ka.
_WEIGHTS = {"m": 100, "n": 100, "helmholtz": 1, "mach": 5}
_BETWEEN = ("helmholtz", "mach", "hub", "mach_outer", "sound_speed_ratio", "density_ratio", "kutta")  # interpolated in
NEAREST, INTERPOLATED, MEAN = "nearest training case", "interpolated training cases", "mean of the test cases"


def nearest_training_cases(dataset: Dataset, cases: IntArray) -> IntArray:
    """The training case next to each of some cases, in m, n, ka and M."""
    points = np.stack([dataset[key] * weight for key, weight in _WEIGHTS.items()], axis=1)
    training = dataset.cases("train")
    distances = [np.sum((points[training] - points[case]) ** 2, axis=1) for case in cases]
    return np.array([training[np.argmin(distance)] for distance in distances])


def pressures(dataset: Dataset, cases: IntArray, exact: Reals) -> dict[str, Reals]:
    """Pressures (case, microphone, 2) by each method: a training case, all of its mode, the mean of the test cases."""
    mean = exact.mean(axis=(0,), keepdims=True)
    nearest = nearest_training_cases(dataset, cases)
    return {
        INTERPOLATED: _interpolated(dataset, cases, nearest),
        NEAREST: dataset["pressure"][nearest],
        MEAN: np.broadcast_to(mean, exact.shape),
    }


def _interpolated(dataset: Dataset, cases: IntArray, nearest: IntArray) -> Reals:
    """Pressures (case, microphone, 2) interpolated between the training cases of the same mode, in ka, M and the rest.

    Over the phase of a spherical wave from the centre of the open end, which turns many times from case to case. Where
    a mode has too few cases, that of the nearest one.
    """
    phase, training = _spherical_phase(dataset), dataset.cases("train")
    pressure = dataset["pressure"][..., 0] + 1j * dataset["pressure"][..., 1]
    smooth = pressure / phase
    columns = uniform_flow(dataset["mach"]) | dataset.arrays
    columns["mach_outer"] = columns["mach_outer"] - columns["mach"]  # or a uniform flow would count twice
    points = np.stack([columns[name] * _WEIGHTS.get(name, _WEIGHTS["mach"]) for name in _BETWEEN], axis=1)
    values, found = np.hstack([smooth.real, smooth.imag]), np.empty((len(cases), 2 * smooth.shape[1]))
    modes = np.stack([dataset["m"], dataset["n"]], axis=1)
    for mode in np.unique(modes[cases], axis=0):
        mine, known = (np.all(modes[of] == mode, axis=1) for of in (cases, training))
        few = values[nearest[mine]]
        found[mine] = interpolated(points[training[known]], values[training[known]], points[cases[mine]], few)
    real, imaginary = np.split(found, 2, axis=1)
    turned = (real + 1j * imaginary) * phase[cases]
    return np.stack([turned.real, turned.imag], axis=-1)


def _spherical_phase(dataset: Dataset) -> ComplexArray:
    """exp(i K (rho - M X)) (case, microphone) of the fluid outside, see docs/theory.md."""
    columns = uniform_flow(dataset["mach"]) | dataset.arrays
    mach = columns["mach_outer"][:, None]
    beta = np.sqrt(1 - mach**2)
    wavenumber, x = (dataset["helmholtz"] / columns["sound_speed_ratio"])[:, None] / beta, dataset["x"] / beta
    return np.exp(1j * wavenumber * (np.hypot(x, dataset["r"]) - mach * x))


def velocities(dataset: Dataset, cases: IntArray) -> dict[str, FloatArray]:
    """Velocities (case, 4, x, r) by each method: finite differences, and stencils that know the case's wavenumber."""
    x, r = dataset["x"], dataset["r"]
    potential, parameters, _ = tensors(dataset, cases)
    found = {f"differences of order {order}": Differences(x, r, order)(potential).numpy() for order in ORDERS}
    return found | {"wave stencils": WaveDerivatives(x, r)(potential, parameters).numpy()}
